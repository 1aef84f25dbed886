/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: recovery_job.c - see recovery_job.h. They are worth nothing by then: this only gives
 * room back. */
#include "recovery_job.h"

#include "account.h"
#include "base/clock.h"
#include "os/log.h"

#define PERIOD     (600 * USEC_PER_SEC)
#define POLL       (100 * USEC_PER_MSEC) /* while the disk works */
#define BATCH_MOST 500

int64_t links_period(const struct module_host *host)
{
    (void)host;
    return PERIOD;
}

static void on_swept(struct store_write *write, int result)
{
    struct recovery_sweep *sweep = LIST_OF(write, struct recovery_sweep, write);
    struct account *account = LIST_OF(sweep, struct account, sweep);

    account->is_sweeping = false;
    if (result != 0)
        log_warn("account: links whose time is over could not be dropped");
}

int64_t links_step(struct module_host *host)
{
    struct account *account = OBJECT(host->state, account);
    bool is_first = account->sweep.most == 0;

    if (account->is_sweeping)
        return POLL;
    if (!is_first && account->sweep.dropped < BATCH_MOST) {
        account->sweep.most = 0;
        return -1;
    }
    recovery_sweep_begin(&account->sweep, &account->recovery, clock_wall() / USEC_PER_SEC, BATCH_MOST);
    account->sweep.write.done = on_swept;
    account->is_sweeping = true;
    store_submit(account->store, &account->sweep.write);
    return POLL;
}
