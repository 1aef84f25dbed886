/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload_resume_test.c - uploads that go on: what a head says, the partial file in the
 * store, the slot that waits for it, and how it ends. */
#include "modules/upload/fsck.h"
#include "modules/upload/resume_wish.h"
#include "upload_env.h"

#include "base/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

/* ---- heads ---- */

static const struct {
    const char *fields;
    enum resume_dialect dialect;
    int64_t offset, interop;
    int complete; /* -1: not stated */
    bool is_bad;
} heads[] = {
    { "", DIALECT_NONE, -1, -1, -1, false },
    { "Upload-Complete: ?1\r\n", DIALECT_DRAFT, -1, -1, 1, false },
    { "upload-complete:  ?0 \r\nupload-offset: 7\r\n", DIALECT_DRAFT, 7, -1, 0, false },
    { "Upload-Complete: ?0;a=b\r\nUpload-Offset: 7;x\r\n", DIALECT_DRAFT, 7, -1, 0, false },
    { "Upload-Complete: ?1, ?0\r\n", DIALECT_DRAFT, -1, -1, -1, true },
    { "Upload-Complete: ?1;a, ?0\r\n", DIALECT_DRAFT, -1, -1, -1, true },
    { "Upload-Complete: ?1\r\nUpload-Complete: ?1\r\n", DIALECT_DRAFT, -1, -1, -1, true },
    { "Upload-Complete: ?\r\n", DIALECT_DRAFT, -1, -1, -1, true },
    { "Upload-Complete: 1\r\n", DIALECT_DRAFT, -1, -1, -1, true },
    { "Upload-Offset: 999999999999999\r\n", DIALECT_DRAFT, 999999999999999, -1, -1, false },
    { "Upload-Offset: 1000000000000000\r\n", DIALECT_DRAFT, -1, -1, -1, true },
    { "Upload-Offset: -1\r\n", DIALECT_DRAFT, -1, -1, -1, true },
    { "Upload-Offset: 1.0\r\n", DIALECT_DRAFT, -1, -1, -1, true },
    { "Upload-Offset:\r\n", DIALECT_DRAFT, -1, -1, -1, true },
    { "Upload-Draft-Interop-Version: 6\r\n", DIALECT_DRAFT, -1, 6, -1, false },
    { "Tus-Resumable: 1.0.0\r\nUpload-Offset: 5\r\n", DIALECT_TUS, 5, -1, -1, false },
    { "Tus-Resumable: 0.2.2\r\n", DIALECT_TUS_ELSE, -1, -1, -1, false },
    { "Tus-Resumable:\r\n", DIALECT_TUS_ELSE, -1, -1, -1, false },
};

static void heads_are_understood(void **state)
{
    static const struct http_limits limits = { 8192, 100 };

    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct buf text = { 0 };
        struct http_head head;
        struct resume_wish wish;
        enum problem problem;

        buf_printf(&text, "PATCH /x HTTP/1.1\r\nHost: a\r\n%s\r\n", heads[i].fields);
        assert_int_equal(http_head_parse(buf_span(&text), &limits, &head, &problem), PARSE_DONE);
        resume_wish_parse(&head, &wish);
        assert_int_equal(wish.dialect, heads[i].dialect);
        assert_int_equal(wish.offset, heads[i].offset);
        assert_int_equal(wish.interop, heads[i].interop);
        assert_int_equal(wish.has_complete, heads[i].complete >= 0);
        assert_int_equal(wish.is_complete, heads[i].complete == 1);
        assert_int_equal(wish.is_bad, heads[i].is_bad);
        buf_free(&text);
    }
}

/* ---- the store ---- */

static struct file_partial *open_partial(struct env *env, const struct slot *slot, bool is_made)
{
    struct file_place place = upload_partial_place(slot_pool_at(env->upload->pool, 0), slot);
    enum problem problem;
    struct file_partial *partial = file_partial_open(env->upload->files, &place, is_made, &problem);

    assert_int_equal(problem, PROBLEM_none);
    return partial;
}

static void append(struct env *env, const struct slot *slot, struct span bytes)
{
    struct file_partial *partial = open_partial(env, slot, true);
    enum problem problem = PROBLEM_internal;
    int64_t size = file_partial_size(partial);

    assert_int_equal(file_partial_reserve(partial, size + (int64_t)bytes.size), PROBLEM_none);
    assert_int_equal(file_partial_add(partial, bytes), PROBLEM_none);
    assert_int_equal(file_partial_size(partial), size + (int64_t)bytes.size);
    file_partial_keep(&partial, env_on_finished, &problem);
    assert_int_equal(problem, PROBLEM_none);
    assert_null(partial);
}

static const char *whole_path(struct env *env, const struct slot *slot)
{
    struct file_place place = upload_place(slot_pool_at(env->upload->pool, 0), slot);

    return arena_printf(env->arena, "%s/%s", env->upload->conf->store->path,
                        file_place_text(&place, env->arena));
}

static const char *partial_path(struct env *env, const struct slot *slot)
{
    struct file_place place = upload_partial_place(slot_pool_at(env->upload->pool, 0), slot);

    return arena_printf(env->arena, "%s/%s", env->upload->conf->store->path,
                        file_place_text(&place, env->arena));
}

static void finish(struct env *env, const struct slot *slot, unsigned char sha256_r[SHA256_BYTES])
{
    struct file_place whole = upload_place(slot_pool_at(env->upload->pool, 0), slot);
    struct file_partial *partial = open_partial(env, slot, true);
    enum problem problem = PROBLEM_internal;

    file_partial_finish(&partial, &whole, sha256_r, env_on_finished, &problem);
    assert_int_equal(problem, PROBLEM_none);
}

static void assert_file(const char *path, const char *text)
{
    char is[64] = { 0 };
    FILE *file = fopen(path, "re");

    assert_non_null(file);
    assert_int_equal(fread(is, 1, sizeof(is) - 1, file), strlen(text));
    assert_string_equal(is, text);
    fclose(file);
}

static void pieces_of_many_requests_make_one_file(void **state)
{
    struct slot slot = env_slot("alice@example.org", 9, clock_wall());
    unsigned char is[SHA256_BYTES], wanted[SHA256_BYTES];
    struct env env;

    (void)state;
    env_open(&env, "upload {}\n", NULL);
    assert_null(open_partial(&env, &slot, false));
    append(&env, &slot, SPAN("abc"));
    append(&env, &slot, SPAN("def"));
    append(&env, &slot, SPAN(""));
    append(&env, &slot, SPAN("ghi"));
    assert_int_equal(access(whole_path(&env, &slot), F_OK), -1);
    finish(&env, &slot, is);
    digest_sha256(SPAN("abcdefghi"), wanted);
    assert_memory_equal(is, wanted, SHA256_BYTES);
    assert_file(whole_path(&env, &slot), "abcdefghi");
    assert_file(partial_path(&env, &slot), "abcdefghi"); /* until the record is made */
    env_close(&env);
}

/* A crash between name and record: the next try replaces the name and ends the same. */
static void finishing_twice_ends_the_same(void **state)
{
    struct slot slot = env_slot("alice@example.org", 3, clock_wall());
    unsigned char first[SHA256_BYTES], second[SHA256_BYTES];
    struct env env;

    (void)state;
    env_open(&env, "upload {}\n", NULL);
    append(&env, &slot, SPAN("abc"));
    finish(&env, &slot, first);
    finish(&env, &slot, second);
    assert_memory_equal(first, second, SHA256_BYTES);
    assert_file(whole_path(&env, &slot), "abc");
    env_close(&env);
}

static void a_link_is_not_followed(void **state)
{
    struct slot slot = env_slot("alice@example.org", 3, clock_wall());
    struct file_place place;
    enum problem problem;
    struct env env;

    (void)state;
    env_open(&env, "upload {}\n", NULL);
    append(&env, &slot, SPAN("abc"));
    assert_int_equal(unlink(partial_path(&env, &slot)), 0);
    assert_int_equal(symlink("/dev/null", partial_path(&env, &slot)), 0);
    place = upload_partial_place(slot_pool_at(env.upload->pool, 0), &slot);
    assert_null(file_partial_open(env.upload->files, &place, true, &problem));
    assert_int_equal(problem, PROBLEM_internal);
    env_close(&env);
}

/* ---- the slot ---- */

struct extending {
    struct slot_extend extend;
    int result;
};

static void on_extended(struct slot_extend *extend, int result)
{
    LIST_OF(extend, struct extending, extend)->result = result;
}

static int extend(struct env *env, const struct slot *slot, int64_t until)
{
    struct slot_repository *repository = slot_pool_at(env->upload->pool, 0);
    struct extending one = { .extend = { .until = until, .done = on_extended } };

    memcpy(one.extend.id, slot->id, SLOT_ID);
    repository->kind->extend(repository, &one.extend);
    return one.result;
}

static struct slot find(struct env *env, const struct slot *slot)
{
    char id[UUID_TEXT + 1];
    struct env_find found;

    codec_uuid(slot->id, id);
    found = env_find(env, span_of(id), "a.txt");
    assert_int_equal(found.found, 1);
    return found.find.find.slot;
}

static void on_swept(struct slot_sweep *sweep, int result)
{
    (void)sweep;
    assert_int_equal(result, 0);
}

static struct slot_sweep sweep(struct env *env, int64_t now)
{
    struct slot_repository *repository = slot_pool_at(env->upload->pool, 0);
    struct slot_sweep one = {
        .kind = DUE_UNUSED, .now = now, .tombstone = 1, .most = 10, .done = on_swept, .arena = env->arena
    };

    repository->kind->sweep(repository, &one);
    return one;
}

static void a_begun_upload_outlives_put_validity(void **state)
{
    int64_t now = clock_wall(), until = now + 3600 * USEC_PER_SEC;
    struct slot slot = env_slot("alice@example.org", 3, now);
    struct quotas none = { 0 };
    struct slot_sweep swept;
    struct env env;

    (void)state;
    env_open(&env, "upload {}\n", NULL);
    assert_int_equal(extend(&env, &slot, until), REFUSED_ABSENT);
    assert_int_equal(env_promise(&env, &slot, &none).result, 0);
    assert_false(find(&env, &slot).has_partial);
    assert_int_equal(extend(&env, &slot, until), 0);
    assert_true(find(&env, &slot).has_partial);
    assert_int_equal(find(&env, &slot).put_until, until);
    assert_int_equal(extend(&env, &slot, now), 0); /* never sooner */
    assert_int_equal(find(&env, &slot).put_until, until);
    assert_int_equal(sweep(&env, slot.put_until + UNUSED_SLACK).count, 0);
    swept = sweep(&env, until + UNUSED_SLACK);
    assert_int_equal(swept.count, 1);
    assert_true(swept.slots[0].has_partial);
    assert_int_equal(swept.slots[0].state, SLOT_PROMISED);
    assert_int_equal(find(&env, &slot).state, SLOT_LAPSED);
    assert_int_equal(extend(&env, &slot, until), REFUSED_STATE);
    env_close(&env);
}

static void a_filled_slot_is_not_extended(void **state)
{
    struct slot slot = env_slot("alice@example.org", 3, clock_wall());
    struct quotas none = { 0 };
    struct env env;

    (void)state;
    env_open(&env, "upload {}\n", NULL);
    assert_int_equal(env_promise(&env, &slot, &none).result, 0);
    assert_int_equal(env_fill(&env, &slot), 0);
    assert_int_equal(extend(&env, &slot, slot.allocated), REFUSED_FILLED);
    env_close(&env);
}

/* ---- fsck ---- */

static void on_fault(struct fsck *fsck, enum fsck_fault fault, const char *what, const char *detail)
{
    (void)fsck;
    (void)fault;
    (void)what;
    (void)detail;
}

static int64_t faults(struct env *env, bool repair)
{
    struct fsck fsck = { .upload = env->upload, .repair = repair, .deep = true, .tell = on_fault };

    assert_int_equal(fsck_run(&fsck), 0);
    return fsck.faults;
}

static void make_old(const char *path)
{
    struct timespec old[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };

    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
}

static void fsck_knows_partial_files(void **state)
{
    struct slot slot = env_slot("alice@example.org", 3, clock_wall());
    struct slot stray = env_slot("alice@example.org", 3, clock_wall());
    struct quotas none = { 0 };
    struct env env;

    (void)state;
    env_open(&env, "upload {}\n", NULL);
    assert_int_equal(env_promise(&env, &slot, &none).result, 0);
    assert_int_equal(extend(&env, &slot, slot.put_until), 0);
    append(&env, &slot, SPAN("ab"));
    make_old(partial_path(&env, &slot)); /* a promised slot may take its time */
    append(&env, &stray, SPAN("ab"));
    assert_int_equal(faults(&env, false), 0); /* young: it may be a removal under way */
    make_old(partial_path(&env, &stray));
    assert_int_equal(faults(&env, true), 1);
    assert_int_equal(access(partial_path(&env, &stray), F_OK), -1);
    assert_int_equal(faults(&env, false), 0);
    append(&env, &slot, SPAN("cd")); /* more than was promised: not ours */
    assert_int_equal(faults(&env, true), 1);
    assert_int_equal(faults(&env, false), 0);
    env_close(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_understood),
        cmocka_unit_test(pieces_of_many_requests_make_one_file),
        cmocka_unit_test(finishing_twice_ends_the_same),
        cmocka_unit_test(a_link_is_not_followed),
        cmocka_unit_test(a_begun_upload_outlives_put_validity),
        cmocka_unit_test(a_filled_slot_is_not_extended),
        cmocka_unit_test(fsck_knows_partial_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
