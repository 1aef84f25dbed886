/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload_keeper_test.c - the keeper's jobs on a loop: expiry within its limit, promises,
 * files without a record. */
#include "modules/upload/keeper.h"
#include "upload_env.h"

#include "base/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

/* One run of a job, as the keeper would make it, without its pauses. */
struct run {
    struct timer timer;
    struct env *env;
    struct loop *loop;
    const struct keeper_job *job;
};

static void on_step(struct timer *timer)
{
    struct run *run = LIST_OF(timer, struct run, timer);

    if (run->job->step(&run->env->host) < 0)
        loop_stop(run->loop);
    else
        timer_set(run->loop, timer, 0, on_step);
}

static void run_job(struct env *env, const char *name)
{
    struct run run = { .env = env, .loop = env->host.loop, .job = upload_jobs };

    while (strcmp(run.job->name, name) != 0)
        run.job++;
    timer_set(run.loop, &run.timer, 0, on_step);
    loop_run(run.loop);
}

static void open_env(struct env *env, const char *text)
{
    env_open(env, text, loop_new());
    assert_int_equal(keeping_start(env->upload), 0);
}

static void close_env(struct env *env)
{
    struct keeping *keeping = env->upload->keeping;
    struct loop *loop = env->host.loop;

    upload_close(&env->upload);
    keeping_end(&keeping);
    env_close(env);
    loop_free(&loop);
}

/* ---- questions on the loop ---- */
struct making {
    struct env *env;
    struct slot_promise promise;
    struct slot_fill fill;
    enum problem problem;
    bool is_filled;
};

static void on_filled(struct slot_fill *fill, int result)
{
    struct making *making = LIST_OF(fill, struct making, fill);

    assert_int_equal(result, 0);
    loop_stop(making->env->host.loop);
}

static void on_written(void *data, enum problem problem)
{
    struct making *making = data;
    struct slot_repository *repository = slot_pool_at(making->env->upload->pool, 0);

    assert_int_equal(problem, PROBLEM_none);
    making->fill = (struct slot_fill){ .slot = making->promise.slot, .done = on_filled };
    making->fill.slot.filled = making->promise.slot.allocated;
    repository->kind->fill(repository, &making->fill);
}

static void on_promised(struct slot_promise *promise, int result)
{
    struct making *making = LIST_OF(promise, struct making, promise);
    struct slot_repository *repository = slot_pool_at(making->env->upload->pool, 0);
    struct file_place place = upload_place(repository, &promise->slot);
    struct file_upload *upload;

    assert_int_equal(result, 0);
    if (!making->is_filled) {
        loop_stop(making->env->host.loop);
        return;
    }
    upload = file_upload_begin(making->env->upload->files, &place, 3, &making->problem);
    assert_non_null(upload);
    assert_int_equal(file_upload_add(upload, SPAN("abc")), PROBLEM_none);
    file_upload_finish(&upload, on_written, making);
}

static struct slot make_slot(struct env *env, int64_t allocated, int64_t expires, bool is_filled)
{
    struct slot_repository *repository = slot_pool_at(env->upload->pool, 0);
    struct making making = { .env = env, .is_filled = is_filled };

    making.promise = (struct slot_promise){ .slot = env_slot("alice@example.org", 3, allocated),
                                            .arena = env->arena,
                                            .done = on_promised };
    making.promise.slot.expires = expires;
    repository->kind->promise(repository, &making.promise);
    loop_run(env->host.loop);
    return making.promise.slot;
}

static enum slot_state state_of(struct env *env, const struct slot *slot)
{
    char id[UUID_TEXT + 1];
    struct env_find found;

    codec_uuid(slot->id, id);
    found = env_find(env, span_of(id), "a.txt");
    assert_int_equal(found.found, 1);
    return found.find.find.slot.state;
}

static char *path_of(struct env *env, const struct slot *slot)
{
    struct file_place place = upload_place(slot_pool_at(env->upload->pool, 0), slot);

    return arena_printf(env->arena, "%s/%s", env->upload->conf->store->path,
                        file_place_text(&place, env->arena));
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void a_run_removes_at_most_its_limit_oldest_first(void **state)
{
    int64_t now = clock_wall();
    struct slot slots[4];
    struct env env;

    (void)state;
    open_env(&env, "upload { expiration { limit = 2 } }\n");
    slots[0] = make_slot(&env, now - 1000, now - 10, true);
    slots[1] = make_slot(&env, now - 1000, now - 30, true);
    slots[2] = make_slot(&env, now - 1000, now - 20, true);
    slots[3] = make_slot(&env, now - 1000, now + 3600 * USEC_PER_SEC, true);
    run_job(&env, "expiry");
    assert_int_equal(state_of(&env, &slots[0]), SLOT_FILLED);
    assert_int_equal(state_of(&env, &slots[1]), SLOT_LAPSED);
    assert_int_equal(state_of(&env, &slots[2]), SLOT_LAPSED);
    assert_true(exists(path_of(&env, &slots[0])));
    assert_false(exists(path_of(&env, &slots[1])));
    assert_false(exists(path_of(&env, &slots[2])));
    run_job(&env, "expiry");
    assert_false(exists(path_of(&env, &slots[0])));
    run_job(&env, "expiry");
    assert_int_equal(state_of(&env, &slots[3]), SLOT_FILLED);
    assert_true(exists(path_of(&env, &slots[3])));
    close_env(&env);
}

/* A folder stands where the file should: it cannot be unlinked; the others go all the same. */
static void a_run_goes_on_after_an_error(void **state)
{
    int64_t now = clock_wall();
    struct slot first, second;
    struct env env;

    (void)state;
    open_env(&env, "upload {}\n");
    first = make_slot(&env, now - 1000, now - 20, true);
    second = make_slot(&env, now - 1000, now - 10, true);
    assert_int_equal(unlink(path_of(&env, &first)), 0);
    assert_int_equal(mkdir(path_of(&env, &first), 0700), 0);
    run_job(&env, "expiry");
    assert_true(exists(path_of(&env, &first)));
    assert_false(exists(path_of(&env, &second)));
    assert_int_equal(state_of(&env, &first), SLOT_LAPSED);
    assert_int_equal(env.upload->keeping->expired.failed, 1);
    close_env(&env);
}

static void unused_promises_lapse_and_are_forgotten(void **state)
{
    int64_t now = clock_wall();
    struct slot old, young;
    struct env env;
    char id[UUID_TEXT + 1];

    (void)state;
    open_env(&env, "upload { expiration { tombstone = 0 } }\n");
    old = make_slot(&env, now - 3600 * USEC_PER_SEC, 0, false);
    young = make_slot(&env, now, 0, false);
    run_job(&env, "promises");
    run_job(&env, "tombstones");
    codec_uuid(old.id, id);
    assert_int_equal(env_find(&env, span_of(id), "a.txt").found, 0);
    assert_int_equal(state_of(&env, &young), SLOT_PROMISED);
    run_job(&env, "readers");
    close_env(&env);
}

static void put_file(struct env *env, const char *area_folder, const char *name, int64_t age)
{
    char *folder = arena_printf(env->arena, "%s/%s", env->upload->conf->store->path, area_folder);
    char *path = arena_printf(env->arena, "%s/%s", folder, name);
    int64_t then = clock_wall() / USEC_PER_SEC - age;
    struct timespec times[2] = { { .tv_sec = then }, { .tv_sec = then } };
    int fd;

    mkdir(arena_printf(env->arena, "%s/files", env->upload->conf->store->path), 0700);
    mkdir(folder, 0700);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void files_without_a_record_go_when_they_are_old(void **state)
{
    static const struct {
        const char *folder, *name;
        int64_t age;
        bool stays;
    } files[] = {
        { "files/ab", "ab23abcd-0123-4567-89ab-0123456789ab", 7200, false },
        { "files/ab", "ab23abcd-0123-4567-89ab-0123456789ac", 60, true },
        { "files/ab", ".stoa-new-0123456789abcdef", 7200, false },
        { "files/ab", ".stoa-new-0123456789abcdee", 60, true },
        { "files/ab", "README", 7200, true },
        { "files/alice@example.org", "ab23abcd-0123-4567-89ab-0123456789ad", 7200, false },
    };
    int64_t now = clock_wall();
    struct slot kept, promised, copied;
    struct env env;

    (void)state;
    open_env(&env, "upload {}\n");
    kept = make_slot(&env, now, 0, true);
    promised = make_slot(&env, now, 0, false);
    copied = kept;
    copied.is_grouped = true;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        put_file(&env, files[i].folder, files[i].name, files[i].age);
    for (int i = 0; i < 3; i++) {
        const struct slot *slot = i == 0 ? &kept : i == 1 ? &promised : &copied;
        char folder[64], id[UUID_TEXT + 1];

        snprintf(folder, sizeof(folder), "files/%02x", slot->id[0]);
        codec_uuid(slot->id, id);
        put_file(&env, slot->is_grouped ? "files/alice@example.org" : folder, id, 7200);
    }
    run_job(&env, "orphans");
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *path = arena_printf(env.arena, "%s/%s/%s", env.upload->conf->store->path, files[i].folder,
                                  files[i].name);

        if (exists(path) != files[i].stays)
            fail_msg("%s", path);
    }
    assert_true(exists(path_of(&env, &kept)));
    assert_false(exists(path_of(&env, &promised)));
    assert_false(exists(path_of(&env, &copied)));
    close_env(&env);
}

static void the_dummys_files_go_by_their_age(void **state)
{
    struct env env;
    char *young, *old;

    (void)state;
    open_env(&env, "upload { repositoryPool { default { dummy = true } }\n"
                   "expiration { expiration-time = P1D } }\n");
    mkdir(arena_printf(env.arena, "%s/dummy", env.upload->conf->store->path), 0700);
    put_file(&env, "dummy/ab", "ab23abcd-0123-4567-89ab-0123456789ab", 90000);
    put_file(&env, "dummy/ab", "ab23abcd-0123-4567-89ab-0123456789ac", 80000);
    old = arena_printf(env.arena, "%s/dummy/ab/ab23abcd-0123-4567-89ab-0123456789ab",
                       env.upload->conf->store->path);
    young = arena_printf(env.arena, "%s/dummy/ab/ab23abcd-0123-4567-89ab-0123456789ac",
                         env.upload->conf->store->path);
    run_job(&env, "orphans");
    assert_false(exists(old));
    assert_true(exists(young));
    close_env(&env);
}

struct extending {
    struct slot_extend extend;
    struct loop *loop;
};

static void on_extended(struct slot_extend *extend, int result)
{
    assert_int_equal(result, 0);
    loop_stop(LIST_OF(extend, struct extending, extend)->loop);
}

/* As a resumable upload leaves it: an old file waits, and the record says so. */
static char *begin_partial(struct env *env, const struct slot *slot, bool is_recorded)
{
    struct slot_repository *repository = slot_pool_at(env->upload->pool, 0);
    struct extending one = { .extend = { .done = on_extended }, .loop = env->host.loop };
    struct file_place place = upload_partial_place(repository, slot);
    char folder[64], id[UUID_TEXT + 1];

    mkdir(arena_printf(env->arena, "%s/partial", env->upload->conf->store->path), 0700);
    snprintf(folder, sizeof(folder), "partial/%02x", slot->id[0]);
    codec_uuid(slot->id, id);
    put_file(env, folder, id, 7200);
    memcpy(one.extend.id, slot->id, SLOT_ID);
    if (is_recorded) {
        repository->kind->extend(repository, &one.extend);
        loop_run(env->host.loop);
    }
    return arena_printf(env->arena, "%s/%s", env->upload->conf->store->path,
                        file_place_text(&place, env->arena));
}

static void partial_files_go_with_their_slots(void **state)
{
    int64_t now = clock_wall();
    char *waiting, *late, *filled, *stray;
    struct slot slot;
    struct env env;

    (void)state;
    open_env(&env, "upload {}\n");
    slot = env_slot("alice@example.org", 3, now);
    stray = begin_partial(&env, &slot, false);
    slot = make_slot(&env, now, 0, true);
    filled =
        begin_partial(&env, &slot, false); /* a crash between the record and the end of the partial name */
    slot = make_slot(&env, now, 0, false);
    waiting = begin_partial(&env, &slot, true);
    slot = make_slot(&env, now - 3600 * USEC_PER_SEC, 0, false);
    late = begin_partial(&env, &slot, true);
    run_job(&env, "orphans");
    assert_false(exists(stray));
    assert_false(exists(filled));
    assert_true(exists(waiting));
    assert_true(exists(late)); /* not before its slot is taken back */
    run_job(&env, "promises");
    assert_int_equal(state_of(&env, &slot), SLOT_LAPSED);
    assert_true(exists(waiting));
    assert_false(exists(late));
    close_env(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_removes_at_most_its_limit_oldest_first),
        cmocka_unit_test(a_run_goes_on_after_an_error),
        cmocka_unit_test(unused_promises_lapse_and_are_forgotten),
        cmocka_unit_test(files_without_a_record_go_when_they_are_old),
        cmocka_unit_test(the_dummys_files_go_by_their_age),
        cmocka_unit_test(partial_files_go_with_their_slots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
