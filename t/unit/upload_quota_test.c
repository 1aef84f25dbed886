/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload_quota_test.c - slots in a real store: quotas, what becomes of promises, the order
 * in which files expire, the dummy repository. */
#include "upload_env.h"

#include "base/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define NOW (1700000000 * USEC_PER_SEC)
#define DAY (86400 * USEC_PER_SEC)

static const struct quotas unbounded;

static struct usage usage_of(struct env *env, char kind, const char *name)
{
    struct store *store = slot_lmdb_store(slot_pool_at(env->upload->pool, 0));
    struct store_view *view = store_view(store);
    struct usage usage = { 0 };
    char key[USAGE_KEY];
    struct span value;

    usage_key(kind, span_of(name), key);
    if (store_get(view, TABLE_USAGE, span_make(key, sizeof(key)), &value) == 1)
        assert_true(usage_decode(value, &usage));
    usage.name = (struct span){ 0 };
    store_view_end(store, view);
    return usage;
}

static int promise(struct env *env, const char *owner, int64_t size, int64_t at, const struct quotas *quotas)
{
    struct slot slot = env_slot(owner, size, at);

    return env_promise(env, &slot, quotas).result;
}

static void a_promise_is_found_filled_and_counted(void **state)
{
    struct slot slot = env_slot("alice@example.org", 100, NOW);
    struct env_promise promised;
    struct env_find found;
    struct usage usage;
    struct env env;

    (void)state;
    env_open(&env, "upload {}\n", NULL);
    promised = env_promise(&env, &slot, &unbounded);
    assert_int_equal(promised.result, 0);
    found = env_find(&env, promised.promise.slot_id, "a.txt");
    assert_int_equal(found.found, 1);
    assert_int_equal(found.find.find.slot.state, SLOT_PROMISED);
    usage = usage_of(&env, 'u', "alice@example.org");
    assert_true(usage.promised_bytes == 100 && usage.promised_files == 1 && usage.stored_bytes == 0);
    memset(slot.sha256, 7, SHA256_BYTES);
    assert_int_equal(env_fill(&env, &slot), 0);
    assert_int_equal(env_fill(&env, &slot), REFUSED_FILLED);
    found = env_find(&env, promised.promise.slot_id, "a.txt");
    assert_int_equal(found.find.find.slot.state, SLOT_FILLED);
    assert_int_equal(found.find.find.slot.sha256[0], 7);
    usage = usage_of(&env, 'd', "example.org");
    assert_true(usage.promised_bytes == 0 && usage.stored_bytes == 100 && usage.stored_files == 1);
    assert_int_equal(promise(&env, "alice@example.org", 1, NOW, &unbounded), 0);
    usage = usage_of(&env, 'g', "");
    assert_true(usage.promised_bytes == 1 && usage.stored_bytes == 100);
    assert_int_equal(env_find(&env, SPAN("no-such-slot"), "a.txt").found, 0);
    env_close(&env);
}

static void each_quota_refuses_by_its_name(void **state)
{
    static const struct {
        struct quotas quotas;
        const char *second;
        int result;
    } rows[] = {
        { { .user = 199 }, "alice@example.org", REFUSED_USER },
        { { .user = 200 }, "alice@example.org", 0 },
        { { .user = 199 }, "bob@example.org", 0 },
        { { .files_per_user = 1 }, "alice@example.org", REFUSED_FILES },
        { { .domain = 199 }, "bob@example.org", REFUSED_DOMAIN },
        { { .domain = 199 }, "carol@example.net", 0 },
        { { .global = 199 }, "carol@example.net", REFUSED_GLOBAL },
        { { .user_day = 199 }, "alice@example.org", REFUSED_USER_DAY },
        { { .user_day = 199 }, "bob@example.org", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct env env;

        env_open(&env, "upload {}\n", NULL);
        assert_int_equal(promise(&env, "alice@example.org", 100, NOW, &rows[i].quotas), 0);
        if (promise(&env, rows[i].second, 100, NOW + 1, &rows[i].quotas) != rows[i].result)
            fail_msg("row %zu", i);
        env_close(&env);
    }
}

/* 40, 30 and 20 bytes at hours 0, 1 and 2; 25 more of 100 need the first to be a day old, 65 the second. */
static void the_daily_quota_tells_the_exact_moment(void **state)
{
    static const int64_t hour = 3600 * USEC_PER_SEC;
    const struct quotas quotas = { .user_day = 100 };
    struct env_promise refused;
    struct slot slot;
    struct env env;

    (void)state;
    env_open(&env, "upload {}\n", NULL);
    for (int i = 0; i < 3; i++) {
        slot = env_slot("alice@example.org", 40 - 10 * i, NOW + i * hour);
        assert_int_equal(env_promise(&env, &slot, &quotas).result, 0);
        assert_int_equal(env_fill(&env, &slot), 0);
    }
    slot = env_slot("alice@example.org", 25, NOW + 3 * hour);
    refused = env_promise(&env, &slot, &quotas);
    assert_int_equal(refused.result, REFUSED_USER_DAY);
    assert_true(refused.promise.retry == NOW + DAY);
    slot = env_slot("alice@example.org", 65, NOW + 3 * hour);
    refused = env_promise(&env, &slot, &quotas);
    assert_true(refused.promise.retry == NOW + hour + DAY);
    slot = env_slot("alice@example.org", 101, NOW + 3 * hour);
    refused = env_promise(&env, &slot, &quotas);
    assert_int_equal(refused.result, REFUSED_USER_DAY);
    assert_true(refused.promise.retry == 0); /* never */
    assert_int_equal(promise(&env, "alice@example.org", 25, NOW + DAY - 1, &quotas), REFUSED_USER_DAY);
    assert_int_equal(promise(&env, "alice@example.org", 25, NOW + DAY, &quotas), 0);
    env_close(&env);
}

/* A promise that was not used gives its quota back, before the keeper comes by too. */
static void unused_promises_are_given_back(void **state)
{
    const struct quotas quotas = { .user = 100, .user_day = 100, .files_per_user = 1 };
    int64_t over = NOW + 300 * USEC_PER_SEC + UNUSED_SLACK;
    struct slot first = env_slot("alice@example.org", 100, NOW);
    struct env_promise promised;
    struct usage usage;
    struct env env;

    (void)state;
    env_open(&env, "upload {}\n", NULL);
    promised = env_promise(&env, &first, &quotas);
    assert_int_equal(promised.result, 0);
    assert_true(promise(&env, "alice@example.org", 100, over - 1, &quotas) > 0);
    assert_int_equal(promise(&env, "alice@example.org", 100, over, &quotas), 0);
    usage = usage_of(&env, 'u', "alice@example.org");
    assert_true(usage.promised_bytes == 100 && usage.promised_files == 1);
    assert_int_equal(env_find(&env, promised.promise.slot_id, "a.txt").find.find.slot.state, SLOT_LAPSED);
    assert_int_equal(env_fill(&env, &first), REFUSED_STATE);
    env_close(&env);
}

/* ---- sweeps ---- */

static void on_swept(struct slot_sweep *sweep, int result)
{
    assert_int_equal(result, 0);
    (void)sweep;
}

static void sweep(struct env *env, struct slot_sweep *one, enum due_kind kind, int64_t now, size_t most)
{
    struct slot_repository *repository = slot_pool_at(env->upload->pool, 0);

    *one = (struct slot_sweep){
        .kind = kind, .now = now, .tombstone = DAY, .most = most, .done = on_swept, .arena = env->arena
    };
    repository->kind->sweep(repository, one);
}

static void files_expire_oldest_first_and_leave_tombstones(void **state)
{
    static const int order[] = { 3, 0, 4, 1, 2 };
    struct slot slots[5];
    struct slot_sweep *one = calloc(1, sizeof(*one));
    struct usage usage;
    struct env env;

    (void)state;
    env_open(&env, "upload {}\n", NULL);
    for (int i = 0; i < 5; i++) {
        slots[i] = env_slot("alice@example.org", 10, NOW);
        slots[i].expires = NOW + (order[i] + 1) * DAY;
        assert_int_equal(env_promise(&env, &slots[i], &unbounded).result, 0);
        assert_int_equal(env_fill(&env, &slots[i]), 0);
    }
    sweep(&env, one, DUE_EXPIRED, NOW + DAY - 1, 50);
    assert_int_equal(one->count, 0);
    sweep(&env, one, DUE_EXPIRED, NOW + 4 * DAY, 3);
    assert_int_equal(one->count, 3);
    assert_false(one->is_last);
    assert_memory_equal(one->slots[0].id, slots[1].id, SLOT_ID);
    assert_memory_equal(one->slots[1].id, slots[3].id, SLOT_ID);
    assert_memory_equal(one->slots[2].id, slots[4].id, SLOT_ID);
    assert_int_equal(one->slots[2].state, SLOT_FILLED);
    sweep(&env, one, DUE_EXPIRED, NOW + 4 * DAY, 3);
    assert_int_equal(one->count, 1);
    assert_true(one->is_last);
    usage = usage_of(&env, 'u', "alice@example.org");
    assert_true(usage.stored_bytes == 10 && usage.stored_files == 1);
    sweep(&env, one, DUE_TOMBSTONE, NOW + 5 * DAY - 1, 50);
    assert_int_equal(one->count, 0);
    sweep(&env, one, DUE_TOMBSTONE, NOW + 5 * DAY, 50);
    assert_int_equal(one->count, 4);
    sweep(&env, one, DUE_TOMBSTONE, NOW + 99 * DAY, 50);
    assert_int_equal(one->count, 0);
    sweep(&env, one, DUE_UNUSED, NOW + 99 * DAY, 50);
    assert_int_equal(one->count, 0);
    env_close(&env);
    free(one);
}

/* ---- the dummy repository ---- */

static const char dummy[] = "upload { repositoryPool { default { data-source = dummy } } }\n";

static void the_dummy_knows_its_own_slots_and_no_others(void **state)
{
    struct slot slot = env_slot("alice@example.org", 12345, NOW);
    struct env_promise promised;
    struct env_find found;
    struct env env;

    (void)state;
    env_open(&env, dummy, NULL);
    slot.type = SPAN("image/png");
    slot.has_token = true;
    promised = env_promise(&env, &slot, &unbounded);
    assert_int_equal(promised.result, 0);
    found = env_find(&env, promised.promise.slot_id, "a.txt");
    assert_int_equal(found.found, 1);
    assert_memory_equal(found.find.find.slot.id, slot.id, SLOT_ID);
    assert_true(found.find.find.slot.size == 12345 && found.find.find.slot.put_until == slot.put_until);
    assert_true(found.find.find.slot.expires == slot.expires);
    assert_true(span_is(found.find.find.slot.type, "image/png"));
    assert_memory_equal(found.find.find.slot.token, promised.promise.slot.token, SLOT_TOKEN);
    assert_int_equal(env_find(&env, promised.promise.slot_id, "b.txt").found, 0);
    for (size_t at = 0; at < promised.promise.slot_id.size; at++) {
        struct span changed = arena_copy(env.arena, promised.promise.slot_id);

        ((char *)(uintptr_t)changed.at)[at] ^= 1;
        assert_int_equal(env_find(&env, changed, "a.txt").found, 0);
        changed = span_head(promised.promise.slot_id, at);
        assert_int_equal(env_find(&env, changed, "a.txt").found, 0);
    }
    env_close(&env);
}

static void a_file_of_the_dummy_is_never_replaced(void **state)
{
    struct slot slot = env_slot("alice@example.org", 3, NOW);
    struct file_place place;
    struct env env;

    (void)state;
    env_open(&env, dummy, NULL);
    place = upload_place(slot_pool_at(env.upload->pool, 0), &slot);
    assert_int_equal(env_write(&env, &place, SPAN("one")), PROBLEM_none);
    assert_int_equal(env_write(&env, &place, SPAN("two")), PROBLEM_slot_filled);
    env_close(&env);
    env_open(&env, "upload { store { group-by-user = true } }\n", NULL);
    slot.is_grouped = true;
    slot.owner = SPAN("../x/..@example.org");
    place = upload_place(slot_pool_at(env.upload->pool, 0), &slot);
    assert_int_equal(env_write(&env, &place, SPAN("one")), PROBLEM_none);
    assert_int_equal(env_write(&env, &place, SPAN("two")), PROBLEM_none); /* a crash's leftover gives way */
    env_close(&env);
}

static void domains_have_repositories_of_their_own(void **state)
{
    struct slot one = env_slot("alice@example.com", 3, NOW), two = env_slot("bob@example.org", 3, NOW);
    struct env_promise first, second;
    struct env_find found;
    struct env env;

    (void)state;
    env_open(&env,
             "upload { repositoryPool { 'example.com' { data-source = second }\n"
             "                          'example.net' { data-source = second } } }\n",
             NULL);
    assert_int_equal(slot_pool_count(env.upload->pool), 2);
    assert_ptr_equal(slot_pool_of(env.upload->pool, SPAN("example.net")),
                     slot_pool_of(env.upload->pool, SPAN("example.com")));
    first = env_promise(&env, &one, &unbounded);
    second = env_promise(&env, &two, &unbounded);
    found = env_find(&env, first.promise.slot_id, "a.txt");
    assert_int_equal(found.found, 1);
    assert_string_equal(found.find.repository->name, "second");
    assert_string_equal(found.find.repository->area, "files-second");
    found = env_find(&env, second.promise.slot_id, "a.txt");
    assert_string_equal(found.find.repository->name, "default");
    env_close(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_promise_is_found_filled_and_counted),
        cmocka_unit_test(each_quota_refuses_by_its_name),
        cmocka_unit_test(the_daily_quota_tells_the_exact_moment),
        cmocka_unit_test(unused_promises_are_given_back),
        cmocka_unit_test(files_expire_oldest_first_and_leave_tombstones),
        cmocka_unit_test(the_dummy_knows_its_own_slots_and_no_others),
        cmocka_unit_test(a_file_of_the_dummy_is_never_replaced),
        cmocka_unit_test(domains_have_repositories_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
