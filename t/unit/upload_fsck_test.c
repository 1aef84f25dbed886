/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload_fsck_test.c - each fault that fsck knows is planted, found, repaired and gone. */
#include "modules/upload/fsck.h"
#include "upload_env.h"

#include "base/codec.h"
#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct quotas unbounded;

static int64_t seen[FAULTS];

static void count_fault(struct fsck *fsck, enum fsck_fault fault, const char *what, const char *detail)
{
    (void)fsck;
    assert_non_null(what);
    assert_non_null(detail);
    seen[fault]++;
}

static struct fsck check(struct env *env, bool repair)
{
    struct fsck fsck = { .upload = env->upload, .repair = repair, .deep = true, .tell = count_fault };

    memset(seen, 0, sizeof(seen));
    assert_int_equal(fsck_run(&fsck), 0);
    return fsck;
}

static struct slot_repository *repository_of(struct env *env)
{
    return slot_pool_at(env->upload->pool, 0);
}

/* A slot with its file. */
static struct slot stored(struct env *env, const char *content)
{
    struct slot slot = env_slot("alice@example.org", (int64_t)strlen(content), clock_wall());
    struct file_place place = upload_place(repository_of(env), &slot);

    digest_sha256(span_of(content), slot.sha256);
    assert_int_equal(env_promise(env, &slot, &unbounded).result, 0);
    assert_int_equal(env_write(env, &place, span_of(content)), PROBLEM_none);
    assert_int_equal(env_fill(env, &slot), 0);
    return slot;
}

static char *path_of(struct env *env, const struct slot *slot)
{
    struct file_place place = upload_place(repository_of(env), slot);

    return arena_printf(env->arena, "%s/%s", env->upload->conf->store->path,
                        file_place_text(&place, env->arena));
}

/* ---- raw changes of tables ---- */
struct raw {
    struct store_write write;
    unsigned table;
    struct span key, value; /* value.at NULL: delete */
};

static int apply_raw(struct store_write *write, struct store_txn *txn)
{
    struct raw *raw = (struct raw *)(void *)write;

    return raw->value.at == NULL ? store_txn_delete(txn, raw->table, raw->key)
                                 : store_txn_put(txn, raw->table, raw->key, raw->value);
}

static void change(struct env *env, unsigned table, struct span key, struct span value)
{
    struct raw raw = { .write = { .apply = apply_raw }, .table = table, .key = key, .value = value };

    assert_int_equal(store_write_now(slot_lmdb_store(repository_of(env)), &raw.write), 0);
}

/* ---- faults ---- */
static void plant_row(struct env *env, struct slot *slot)
{
    change(env, TABLE_SLOT, span_make((char *)slot->id, SLOT_ID), SPAN("nonsense"));
}

static void plant_no_owner_row(struct env *env, struct slot *slot)
{
    char key[OWNER_ROW];

    owner_key(slot, key);
    change(env, TABLE_OWNER, span_make(key, sizeof(key)), (struct span){ 0 });
}

static void plant_foreign_owner_row(struct env *env, struct slot *slot)
{
    struct slot other = *slot;
    char key[OWNER_ROW], value[17] = { 0 };

    other.owner = SPAN("mallory@example.org");
    owner_key(&other, key);
    change(env, TABLE_OWNER, span_make(key, sizeof(key)), span_make(value, sizeof(value)));
}

static void plant_no_due(struct env *env, struct slot *slot)
{
    char key[DUE_KEY];

    slot->state = SLOT_FILLED;
    assert_true(slot_due_key(slot, 0, key));
    change(env, TABLE_EXPIRY, span_make(key, sizeof(key)), (struct span){ 0 });
}

static void plant_wrong_due(struct env *env, struct slot *slot)
{
    char key[DUE_KEY];

    due_key(DUE_EXPIRED, 5, slot->id, key);
    change(env, TABLE_EXPIRY, span_make(key, sizeof(key)), SPAN(""));
}

static void plant_usage(struct env *env, struct slot *slot)
{
    struct usage usage = { .stored_bytes = 1, .stored_files = 7, .name = slot->owner };
    struct buf value = { 0 };
    char key[USAGE_KEY];

    usage_key('u', slot->owner, key);
    usage_encode(&usage, &value);
    change(env, TABLE_USAGE, span_make(key, sizeof(key)), buf_span(&value));
    buf_free(&value);
}

static void plant_no_usage(struct env *env, struct slot *slot)
{
    char key[USAGE_KEY];

    usage_key('d', slot->domain, key);
    change(env, TABLE_USAGE, span_make(key, sizeof(key)), (struct span){ 0 });
}

static void plant_no_file(struct env *env, struct slot *slot)
{
    assert_int_equal(unlink(path_of(env, slot)), 0);
}

static void plant_size(struct env *env, struct slot *slot)
{
    assert_int_equal(truncate(path_of(env, slot), slot->size - 1), 0);
}

static void plant_content(struct env *env, struct slot *slot)
{
    int fd = open(path_of(env, slot), O_WRONLY);

    assert_int_equal(pwrite(fd, "X", 1, 0), 1);
    close(fd);
}

static void plant_stray_file(struct env *env, struct slot *slot)
{
    struct slot stray = *slot;
    struct file_place place;

    random_bytes(stray.id, SLOT_ID);
    place = upload_place(repository_of(env), &stray);
    assert_int_equal(env_write(env, &place, SPAN("stray")), PROBLEM_none);
}

static const struct {
    enum fsck_fault fault;
    void (*plant)(struct env *env, struct slot *slot);
    const char *name;
} faults[] = {
    { FAULT_ROW, plant_row, "row" },
    { FAULT_OWNER_INDEX, plant_no_owner_row, "no owner row" },
    { FAULT_OWNER_INDEX, plant_foreign_owner_row, "foreign owner row" },
    { FAULT_DUE_INDEX, plant_no_due, "no due" },
    { FAULT_DUE_INDEX, plant_wrong_due, "wrong due" },
    { FAULT_USAGE, plant_usage, "usage" },
    { FAULT_USAGE, plant_no_usage, "no usage" },
    { FAULT_NO_FILE, plant_no_file, "no file" },
    { FAULT_SIZE, plant_size, "size" },
    { FAULT_CONTENT, plant_content, "content" },
    { FAULT_NO_RECORD, plant_stray_file, "stray file" },
};

static void a_good_store_has_no_fault(void **state)
{
    struct env env;
    struct slot slot;
    struct fsck fsck;

    (void)state;
    env_open(&env, "upload {}\n", NULL);
    for (int i = 0; i < 300; i++) /* more than one view's worth */
        stored(&env, "some bytes");
    slot = env_slot("bob@example.org", 5, clock_wall());
    assert_int_equal(env_promise(&env, &slot, &unbounded).result, 0);
    fsck = check(&env, false);
    assert_int_equal(fsck.slots, 301);
    assert_int_equal(fsck.files, 300);
    assert_int_equal(fsck.faults, 0);
    env_close(&env);
}

static void each_fault_is_found_and_repaired(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct env env;
        struct slot slot;
        struct fsck fsck;

        env_open(&env, "upload {}\n", NULL);
        stored(&env, "a good file");
        slot = stored(&env, "the bad file");
        faults[i].plant(&env, &slot);
        fsck = check(&env, false);
        if (seen[faults[i].fault] == 0 || fsck.repaired != 0)
            fail_msg("not found: %s", faults[i].name);
        fsck = check(&env, true);
        if (seen[faults[i].fault] == 0 || fsck.repaired < fsck.faults)
            fail_msg("not repaired: %s: %lld of %lld", faults[i].name, (long long)fsck.repaired,
                     (long long)fsck.faults);
        fsck = check(&env, false);
        if (fsck.faults != 0)
            fail_msg("still there: %s", faults[i].name);
        assert_true(fsck.files >= 1); /* the good one is */
        env_close(&env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_store_has_no_fault),
        cmocka_unit_test(each_fault_is_found_and_repaired),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
