/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: keeper.c - what the keeper does for uploads: expired files, unused promises, old
 * tombstones, dead readers of LMDB. Files without a record are orphan.c's.
 *
 * A file is first marked in its record and then removed: after a crash in between it is an orphan, which
 * harms nobody; the other way round a record would promise bytes that are gone (R28). An error is told and
 * the run goes on with the next. */
#include "keeper.h"

#include "base/clock.h"
#include "base/must.h"
#include "os/log.h"
#include "shm/count.h"

#include <stdlib.h>

#define POLL      (20 * USEC_PER_MSEC)  /* while the disk works */
#define PAUSE     (100 * USEC_PER_MSEC) /* between two batches: uploads have the disk meanwhile */
#define UNLIMITED INT64_MAX

#define PROMISES_PERIOD   (30 * USEC_PER_SEC)
#define TOMBSTONES_PERIOD (600 * USEC_PER_SEC)
#define READERS_PERIOD    (30 * USEC_PER_SEC)
#define ORPHANS_PERIOD    (86400 * USEC_PER_SEC)

static struct upload *upload_of(const struct module_host *host)
{
    return OBJECT(host->state, upload);
}

/* ---- sweeps ---- */

static void on_removed(void *data, int result)
{
    struct sweeping *sweeping = data;

    sweeping->waits--;
    if (result != 0)
        sweeping->failed++;
    else
        count_add(COUNT_files_expired, 1);
}

static void on_partial_removed(void *data, int result)
{
    struct sweeping *sweeping = data;

    sweeping->waits--;
    if (result != 0)
        sweeping->failed++;
}

static void remove_file(struct sweeping *sweeping, const struct slot *slot)
{
    struct file_place place = upload_place(sweeping->repository, slot);

    sweeping->waits++;
    file_store_remove(sweeping->upload->files, &place, on_removed, sweeping);
}

/* What came of an upload that was never finished. */
static void remove_partial(struct sweeping *sweeping, const struct slot *slot)
{
    struct file_place place = upload_partial_place(sweeping->repository, slot);

    sweeping->waits++;
    file_store_remove(sweeping->upload->files, &place, on_partial_removed, sweeping);
}

static void on_swept(struct slot_sweep *sweep, int result)
{
    struct sweeping *sweeping = LIST_OF(sweep, struct sweeping, sweep);

    sweeping->waits--;
    if (result != 0) { /* said in the log by the store; the next run tries again */
        sweeping->failed++;
        sweep->is_last = true;
        return;
    }
    sweeping->done += (int64_t)sweep->count;
    if (sweeping->upload->files == NULL)
        return; /* this process ends: they are orphans, found at the next start */
    for (size_t i = 0; i < sweep->count; i++) {
        const struct slot *slot = &sweep->slots[i];

        if (sweep->kind == DUE_EXPIRED && slot->state == SLOT_FILLED)
            remove_file(sweeping, slot);
        else if (sweep->kind == DUE_UNUSED && slot->state == SLOT_PROMISED && slot->has_partial)
            remove_partial(sweeping, slot);
    }
}

static int64_t end_run(struct sweeping *sweeping, const char *what)
{
    if (sweeping->done > 0 || sweeping->failed > 0)
        log_info("upload: %lld %s, %lld failed", (long long)sweeping->done, what,
                 (long long)sweeping->failed);
    sweeping->is_running = false;
    return -1;
}

/* One batch of one repository, or the wait for it. */
static int64_t sweep_step(struct sweeping *sweeping, enum due_kind kind, int64_t limit, const char *what)
{
    const struct upload *upload = sweeping->upload;
    struct slot_sweep *sweep = &sweeping->sweep;

    if (sweeping->waits > 0)
        return POLL;
    if (!sweeping->is_running) {
        sweeping->is_running = true;
        sweeping->done = sweeping->failed = 0;
        sweeping->at = 0;
    } else if (sweep->is_last) {
        sweeping->at++;
    }
    if (sweeping->at >= slot_pool_count(upload->pool) || sweeping->done >= limit)
        return end_run(sweeping, what);
    sweeping->repository = slot_pool_at(upload->pool, sweeping->at);
    sweep->kind = kind;
    sweep->now = clock_wall();
    sweep->tombstone = upload->conf->expiration->tombstone;
    sweep->most = limit - sweeping->done < SWEEP_MOST ? (size_t)(limit - sweeping->done) : SWEEP_MOST;
    sweep->done = on_swept;
    sweeping->waits = 1;
    sweeping->repository->kind->sweep(sweeping->repository, sweep);
    return sweeping->waits > 0 || !sweep->is_last ? PAUSE : 0;
}

static int64_t expiry_period(const struct module_host *host)
{
    return upload_of(host)->conf->expiration->period;
}

static int64_t expiry_delay(const struct module_host *host)
{
    return upload_of(host)->conf->expiration->delay;
}

static int64_t expiry_step(struct module_host *host)
{
    struct upload *upload = upload_of(host);

    return sweep_step(&upload->keeping->expired, DUE_EXPIRED, upload->conf->expiration->limit,
                      "expired files removed");
}

static int64_t promises_period(const struct module_host *host)
{
    (void)host;
    return PROMISES_PERIOD;
}

static int64_t promises_step(struct module_host *host)
{
    return sweep_step(&upload_of(host)->keeping->unused, DUE_UNUSED, UNLIMITED, "unused slots taken back");
}

/* As often as files expire, so that short times are kept, but never only once a day. */
static int64_t tombstones_period(const struct module_host *host)
{
    int64_t period = upload_of(host)->conf->expiration->period;

    return period < TOMBSTONES_PERIOD ? period : TOMBSTONES_PERIOD;
}

static int64_t tombstones_step(struct module_host *host)
{
    return sweep_step(&upload_of(host)->keeping->tombstones, DUE_TOMBSTONE, UNLIMITED,
                      "old records forgotten");
}

/* ---- readers ---- */

static int64_t readers_period(const struct module_host *host)
{
    (void)host;
    return READERS_PERIOD;
}

static int64_t readers_step(struct module_host *host)
{
    const struct slot_pool *pool = upload_of(host)->pool;

    for (size_t i = 0; i < slot_pool_count(pool); i++) {
        struct store *store = slot_lmdb_store(slot_pool_at(pool, i));
        int dead = store != NULL ? store_clear_readers(store) : 0;

        if (dead > 0)
            log_info("upload: pages of %d dead readers given back", dead);
    }
    return -1;
}

static int64_t orphans_period(const struct module_host *host)
{
    (void)host;
    return ORPHANS_PERIOD;
}

static int64_t orphans_step(struct module_host *host)
{
    return orphan_step(upload_of(host)->keeping->orphans);
}

const struct keeper_job upload_jobs[] = {
    { "expiry", expiry_period, expiry_delay, expiry_step },
    { "promises", promises_period, NULL, promises_step },
    { "tombstones", tombstones_period, NULL, tombstones_step },
    { "readers", readers_period, NULL, readers_step },
    { "orphans", orphans_period, NULL, orphans_step },
    { .name = NULL },
};

/* ---- life ---- */

static void sweeping_start(struct sweeping *sweeping, struct upload *upload)
{
    sweeping->upload = upload;
    sweeping->sweep.arena = arena_new();
}

int keeping_start(struct upload *upload)
{
    struct keeping *keeping = must_alloc(sizeof(*keeping));

    sweeping_start(&keeping->expired, upload);
    sweeping_start(&keeping->unused, upload);
    sweeping_start(&keeping->tombstones, upload);
    keeping->orphans = orphan_search_new(upload);
    upload->keeping = keeping;
    return 0;
}

void keeping_end(struct keeping **keeping)
{
    if (*keeping == NULL)
        return;
    arena_free(&(*keeping)->expired.sweep.arena);
    arena_free(&(*keeping)->unused.sweep.arena);
    arena_free(&(*keeping)->tombstones.sweep.arena);
    orphan_search_free(&(*keeping)->orphans);
    free(*keeping);
    *keeping = NULL;
}
