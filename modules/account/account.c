/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: account.c - the module account: its struct, its data base, its coming up and going down.
 */
#include "account.h"

#include "base/must.h"
#include "os/log.h"
#include "shm/count.h"

#include <stdlib.h>

const char *const account_tables[] = { "mail", "mail_due", "mail_once", NULL };

static const struct module_section sections[] = { { "", &mailer_section }, { .path = NULL } };

/* ---- life ---- */

static void count_commit(unsigned operations)
{
    count_add(COUNT_commits, 1);
    count_add(COUNT_commit_operations, operations);
}

int account_open(struct account **account_r, struct module_host *host, const char **why_r)
{
    struct account *account = must_alloc(sizeof(*account));
    struct arena *arena = arena_new();
    const struct process_settings *processes = host->settings->processes;
    const struct store_options options = {
        .folder = arena_printf(arena, "%s/account", processes->data_dir),
        .map_size = processes->data_map_size,
        .tables = account_tables,
        .loop = host->loop,
        .committed = host->loop != NULL ? count_commit : NULL,
    };
    int result = store_open(&account->store, &options, why_r);

    arena_free(&arena);
    if (result != 0) {
        free(account);
        return -1;
    }
    OBJECT_BORN(account, account);
    account->host = host;
    account->mail_conf = mailer_conf(host->conf);
    account->box = mail_box_new(host, account->store);
    *account_r = account;
    return 0;
}

void account_close(struct account **account)
{
    store_close(&(*account)->store); /* first: its last answers may still nudge */
    mail_box_free(&(*account)->box);
    OBJECT_DEAD(*account);
    free(*account);
    *account = NULL;
}

static int worker_up(struct module_host *host)
{
    struct account *account;
    const char *why;

    if (account_open(&account, host, &why) != 0) {
        log_error("account: %s", why);
        return -1;
    }
    store_clear_readers(account->store); /* a worker that died would keep old pages for ever */
    host->state = account;
    return 0;
}

static void worker_down(struct module_host *host)
{
    struct account *account = OBJECT(host->state, account);

    host->state = NULL;
    account_close(&account);
}

static bool is_active(const struct conf *conf)
{
    return mailer_conf(conf)->section.active;
}

static void check(struct conf *conf, const struct settings *settings)
{
    (void)settings;
    mailer_check(conf);
}

const struct stoa_module stoa_module = {
    .abi = STOA_MODULE_ABI,
    .name = "account",
    .title = "Accounts",
    .sentence = "Forgotten passwords, recovery addresses and mails",
    .sections = sections,
    .check = check,
    .active = is_active,
    .worker_up = worker_up,
    .worker_down = worker_down,
};
