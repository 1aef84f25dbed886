/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: account_recovery_test.c - recovery addresses and tokens: what is good once, what makes
 * it void; rows that are not ours; captchas. */
#include "modules/account/captcha.h"
#include "modules/account/recovery.h"

#include "base/codec.h"
#include "base/must.h"
#include "base/random.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define NOW  INT64_C(1800000000)
#define LIFE 1800

static const char *const tables[] = { "account", "token", "reserve", NULL };
static char folder[64];
static struct recovery recovery;
static struct arena *arena;

static int set_up(void **state)
{
    const struct store_options options = { .folder = folder, .map_size = 1 << 20, .tables = tables };
    const char *why;

    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/recovery-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    recovery = (struct recovery){ NULL, 0, 1, 2 };
    arena = arena_new();
    return store_open(&recovery.store, &options, &why);
}

static int tear_down(void **state)
{
    char name[128];

    (void)state;
    store_close(&recovery.store);
    arena_free(&arena);
    (void)snprintf(name, sizeof(name), "%s/data.mdb", folder);
    (void)unlink(name);
    (void)snprintf(name, sizeof(name), "%s/lock.mdb", folder);
    (void)unlink(name);
    return rmdir(folder);
}

/* ---- short ways ---- */

struct token {
    char text[RECOVERY_TOKEN_TEXT];
    unsigned char digest[SHA256_BYTES];
};

static int change(struct recovery_change *what, int64_t now)
{
    what->now = now;
    return store_write_now(recovery.store, &what->write);
}

static int issue(enum token_kind kind, const char *jid, const char *address, struct token *token_r)
{
    struct recovery_change what;

    recovery_change_begin(&what, &recovery, RECOVERY_ISSUE, arena, NULL);
    recovery_token_make(token_r->text, token_r->digest);
    memcpy(what.digest, token_r->digest, SHA256_BYTES);
    what.kind = kind;
    what.jid = span_of(jid);
    what.address = span_of(address);
    what.until = NOW + LIFE;
    return change(&what, NOW);
}

static int claim_at(enum token_kind kind, const struct token *token, int64_t now)
{
    struct recovery_change what;

    recovery_change_begin(&what, &recovery, RECOVERY_CLAIM, arena, NULL);
    memcpy(what.digest, token->digest, SHA256_BYTES);
    what.kind = kind;
    return change(&what, now);
}

static int claim(enum token_kind kind, const struct token *token)
{
    return claim_at(kind, token, NOW + 1);
}

static int set(enum recovery_verb verb, const char *jid, const char *address)
{
    struct recovery_change what;

    recovery_change_begin(&what, &recovery, verb, arena, NULL);
    what.jid = span_of(jid);
    what.address = span_of(address);
    return change(&what, NOW);
}

static bool is_good(enum token_kind kind, const struct token *token, int64_t now)
{
    struct recovery_token found;
    int result = recovery_look(&recovery, kind, token->digest, now, arena, &found);

    assert_true(result >= 0);
    return result == 1;
}

static struct recovery_row row_of(const char *jid)
{
    struct recovery_row row;

    assert_int_equal(recovery_find(&recovery, span_of(jid), arena, &row), 1);
    return row;
}

/* ---- tokens ---- */

static void test_a_token_is_good_once(void **state)
{
    struct token token;

    (void)state;
    assert_int_equal(issue(TOKEN_RESET, "a@h", "a@m.example", &token), 0);
    assert_true(is_good(TOKEN_RESET, &token, NOW));
    assert_false(is_good(TOKEN_CONFIRM, &token, NOW)); /* for nothing else */
    assert_int_equal(claim(TOKEN_CONFIRM, &token), RECOVERY_ABSENT);
    assert_int_equal(claim(TOKEN_RESET, &token), 0);
    assert_int_equal(claim(TOKEN_RESET, &token), RECOVERY_ABSENT);
    assert_false(is_good(TOKEN_RESET, &token, NOW));
}

static void test_a_token_is_good_until_its_time_is_over(void **state)
{
    struct token token;

    (void)state;
    assert_int_equal(issue(TOKEN_RESET, "b@h", "b@m.example", &token), 0);
    assert_true(is_good(TOKEN_RESET, &token, NOW + LIFE - 1));
    assert_false(is_good(TOKEN_RESET, &token, NOW + LIFE));
    assert_int_equal(claim_at(TOKEN_RESET, &token, NOW + LIFE), RECOVERY_ABSENT);
}

static void test_a_newer_token_makes_the_older_void(void **state)
{
    struct token older, newer, others;

    (void)state;
    assert_int_equal(issue(TOKEN_RESET, "c@h", "c@m.example", &older), 0);
    assert_int_equal(issue(TOKEN_RESET, "d@h", "c@m.example", &others), 0);
    assert_int_equal(issue(TOKEN_RESET, "c@h", "c@m.example", &newer), 0);
    assert_false(is_good(TOKEN_RESET, &older, NOW));
    assert_int_equal(claim(TOKEN_RESET, &older), RECOVERY_ABSENT);
    assert_true(is_good(TOKEN_RESET, &newer, NOW));
    assert_true(is_good(TOKEN_RESET, &others, NOW)); /* another account's */
}

static void test_a_token_is_bound_to_the_state_of_the_account(void **state)
{
    static const enum recovery_verb verbs[] = { RECOVERY_CHANGED, RECOVERY_SET };
    struct token token;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(issue(TOKEN_RESET, "e@h", "e@m.example", &token), 0);
        assert_int_equal(set(verbs[i], "e@h", "new@m.example"), 0);
        assert_false(is_good(TOKEN_RESET, &token, NOW));
        assert_int_equal(claim(TOKEN_RESET, &token), RECOVERY_ABSENT);
    }
    assert_int_equal(set(RECOVERY_CHANGED, "nobody@h", ""), RECOVERY_ABSENT);
}

static void test_a_claim_that_came_to_nothing_is_given_back(void **state)
{
    struct recovery_change what;
    struct token token, newer;

    (void)state;
    assert_int_equal(issue(TOKEN_RESET, "f@h", "f@m.example", &token), 0);
    recovery_change_begin(&what, &recovery, RECOVERY_CLAIM, arena, NULL);
    memcpy(what.digest, token.digest, SHA256_BYTES);
    what.kind = TOKEN_RESET;
    assert_int_equal(change(&what, NOW), 0);
    assert_true(span_is(what.token.jid, "f@h") && span_is(what.token.address, "f@m.example"));
    what.verb = RECOVERY_RESTORE;
    assert_int_equal(change(&what, NOW), 0);
    assert_true(is_good(TOKEN_RESET, &token, NOW));
    what.verb = RECOVERY_CLAIM;
    assert_int_equal(change(&what, NOW), 0);
    assert_int_equal(issue(TOKEN_RESET, "f@h", "f@m.example", &newer), 0);
    what.verb = RECOVERY_RESTORE;
    assert_int_equal(change(&what, NOW), RECOVERY_ABSENT); /* the newer one stays the only one */
    assert_false(is_good(TOKEN_RESET, &token, NOW));
    assert_true(is_good(TOKEN_RESET, &newer, NOW));
}

static void test_an_address_counts_when_it_was_confirmed(void **state)
{
    struct token confirm, reset;

    (void)state;
    assert_int_equal(set(RECOVERY_SET, "g@h", "old@m.example"), 0);
    assert_int_equal(issue(TOKEN_CONFIRM, "g@h", "new@m.example", &confirm), 0);
    assert_true(span_is(row_of("g@h").address, "old@m.example"));
    assert_true(span_is(row_of("g@h").pending, "new@m.example"));
    assert_int_equal(issue(TOKEN_RESET, "g@h", "old@m.example", &reset), 0);
    assert_int_equal(claim(TOKEN_CONFIRM, &confirm), 0);
    assert_true(span_is(row_of("g@h").address, "new@m.example"));
    assert_int_equal(row_of("g@h").confirmed, NOW + 1);
    assert_int_equal(row_of("g@h").pending.size, 0);
    assert_false(is_good(TOKEN_RESET, &reset, NOW)); /* it had gone to the former address */
}

static void test_a_name_is_reserved_for_its_address(void **state)
{
    struct token first, second, other;

    (void)state;
    assert_int_equal(issue(TOKEN_REGISTER, "n@h", "n@m.example", &first), 0);
    assert_int_equal(recovery_reserved(&recovery, SPAN("n@h"), NOW), 1);
    assert_int_equal(issue(TOKEN_REGISTER, "n@h", "thief@m.example", &other), RECOVERY_TAKEN);
    assert_int_equal(issue(TOKEN_REGISTER, "n@h", "n@m.example", &second), 0); /* a new mail */
    assert_false(is_good(TOKEN_REGISTER, &first, NOW));
    assert_int_equal(claim(TOKEN_REGISTER, &first), RECOVERY_ABSENT);
    assert_int_equal(claim(TOKEN_REGISTER, &second), 0);
    assert_int_equal(claim(TOKEN_REGISTER, &second), RECOVERY_ABSENT);
    assert_int_equal(recovery_reserved(&recovery, SPAN("n@h"), NOW), 1); /* until the account is there */
    assert_int_equal(set(RECOVERY_REGISTER, "n@h", "n@m.example"), 0);
    assert_int_equal(recovery_reserved(&recovery, SPAN("n@h"), NOW), 0);
    assert_true(span_is(row_of("n@h").address, "n@m.example"));
    assert_int_equal(issue(TOKEN_REGISTER, "o@h", "n@m.example", &first), 0);
    assert_int_equal(recovery_reserved(&recovery, SPAN("o@h"), NOW + LIFE), 0);
}

static void test_nothing_of_a_token_is_stored(void **state)
{
    struct store_view *view = store_view(recovery.store);

    (void)state;
    assert_non_null(view);
    store_view_end(recovery.store, view);
    for (unsigned i = 0; i < 3; i++) {
        struct store_cursor *cursor = NULL;
        struct span key, value;
        struct token token;

        assert_int_equal(issue(TOKEN_RESET, "p@h", "p@m.example", &token), 0);
        view = store_view(recovery.store);
        while (store_walk(view, i, SPAN(""), &cursor, &key, &value) == 1)
            assert_null(memmem(value.at, value.size, token.text, RECOVERY_TOKEN_TEXT - 1));
        store_walk_end(&cursor);
        store_view_end(recovery.store, view);
    }
}

static void test_what_has_not_the_form_of_a_token_is_none(void **state)
{
    static const char *const texts[] = { "",
                                         "a",
                                         "../../etc/passwd",
                                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ",
                                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/",
                                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
    unsigned char digest[SHA256_BYTES];
    struct token token;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(recovery_token_digest(span_of(texts[i]), digest));
    recovery_token_make(token.text, token.digest);
    assert_int_equal(strlen(token.text), RECOVERY_TOKEN_TEXT - 1);
    assert_true(recovery_token_digest(span_of(token.text), digest));
    assert_memory_equal(digest, token.digest, SHA256_BYTES);
    assert_false(is_good(TOKEN_RESET, &token, NOW)); /* forged */
}

static void test_what_is_over_is_swept(void **state)
{
    struct recovery_sweep sweep;
    struct token token;

    (void)state;
    for (int i = 0; i < 5; i++) {
        char jid[32];

        (void)snprintf(jid, sizeof(jid), "q%d@h", i);
        assert_int_equal(issue(TOKEN_RESET, jid, "q@m.example", &token), 0);
        (void)snprintf(jid, sizeof(jid), "r%d@h", i);
        assert_int_equal(issue(TOKEN_REGISTER, jid, "q@m.example", &token), 0);
    }
    recovery_sweep_begin(&sweep, &recovery, NOW + LIFE - 1, 1000);
    assert_int_equal(store_write_now(recovery.store, &sweep.write), 0);
    assert_int_equal(sweep.dropped, 0);
    recovery_sweep_begin(&sweep, &recovery, NOW + LIFE, 4);
    assert_int_equal(store_write_now(recovery.store, &sweep.write), 0);
    assert_int_equal(sweep.dropped, 4);
    recovery_sweep_begin(&sweep, &recovery, NOW + LIFE, 1000);
    assert_int_equal(store_write_now(recovery.store, &sweep.write), 0);
    assert_true(sweep.dropped >= 11);
    recovery_sweep_begin(&sweep, &recovery, NOW + LIFE, 1000);
    assert_int_equal(store_write_now(recovery.store, &sweep.write), 0);
    assert_int_equal(sweep.dropped, 0);
}

static void test_rows_that_are_not_ours_are_none(void **state)
{
    static const char *const texts[] = { "",
                                         "\1",
                                         "\1{}",
                                         "\1[]",
                                         "\1null",
                                         "\2{\"jid\":\"a@h\"}",
                                         "\1{\"jid\":1}",
                                         "\1{\"jid\":\"a@h\"}",
                                         "\1{\"jid\":\"a@h\",\"confirmed\":0,\"version\":\"x\"}",
                                         "\1{\"jid\":\"a@h\",\"confirmed\":0,\"version\":0,\"reset\":\"zz\"}",
                                         "\1{\"jid\":\"a@h\",\"kind\":9,\"until\":1,\"version\":0}" };
    struct recovery_row row;
    struct recovery_token token;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(recovery_row_decode(span_of(texts[i]), arena, &row));
        assert_false(recovery_token_decode(span_of(texts[i]), arena, &token));
    }
}

/* ---- captchas ---- */

static struct once once;

static struct span answer_to(struct span query)
{
    struct span first = span_cut(&query, ' '), sign = span_cut(&query, ' ');
    uint64_t a, b;

    assert_true(text_to_u64(first, &a) && text_to_u64(query, &b));
    return span_of(arena_printf(arena, "%llu", (unsigned long long)(span_is(sign, "+") ? a + b : a - b)));
}

static bool check(int64_t kind, const struct captcha_challenge *challenge, struct span answer, int64_t now)
{
    return captcha_check(kind, &once, 10, now, challenge->id, challenge->query, answer);
}

static void test_a_question_is_answered_once(void **state)
{
    struct captcha_challenge challenge, other;

    (void)state;
    random_bytes(once.key, sizeof(once.key));
    for (int i = 0; i < 20; i++) {
        captcha_ask(CAPTCHA_QUESTION, &once, 10, NOW, arena, &challenge);
        assert_true(check(CAPTCHA_QUESTION, &challenge, answer_to(challenge.query), NOW + 1));
        assert_false(check(CAPTCHA_QUESTION, &challenge, answer_to(challenge.query), NOW + 1));
    }
    captcha_ask(CAPTCHA_QUESTION, &once, 10, NOW, arena, &challenge);
    assert_false(check(CAPTCHA_QUESTION, &challenge, SPAN("99"), NOW + 1));
    assert_false(check(CAPTCHA_QUESTION, &challenge, answer_to(challenge.query), NOW + 1)); /* used up */
    captcha_ask(CAPTCHA_QUESTION, &once, 10, NOW, arena, &challenge);
    assert_false(check(CAPTCHA_QUESTION, &challenge, answer_to(challenge.query), NOW + CAPTCHA_LIFE + 1));
    assert_false(check(CAPTCHA_QUESTION, &challenge, answer_to(challenge.query), NOW - 1));
    assert_false(check(CAPTCHA_QUESTION, &challenge, SPAN(""), NOW));
    captcha_ask(CAPTCHA_QUESTION, &once, 10, NOW, arena, &challenge);
    other = (struct captcha_challenge){ challenge.id, SPAN("1 + 1") }; /* of one's own choice */
    assert_false(check(CAPTCHA_QUESTION, &other, SPAN("2"), NOW));
    other.id = SPAN("");
    assert_false(check(CAPTCHA_QUESTION, &other, SPAN("2"), NOW));
    assert_false(check(CAPTCHA_WORK, &challenge, answer_to(challenge.query), NOW)); /* of the other kind */
    assert_true(check(CAPTCHA_NONE, &other, SPAN(""), NOW));
}

static bool has_bits(struct span id, unsigned number, unsigned bits)
{
    unsigned char digest[SHA256_BYTES];
    char *text = arena_printf(arena, "%.*s:%u", SPAN_ARG(id), number);

    digest_sha256(span_of(text), digest);
    for (unsigned i = 0; i < bits; i++)
        if (digest[i / 8] >> (7 - i % 8) & 1)
            return false;
    return true;
}

static void test_work_is_done_once(void **state)
{
    struct captcha_challenge challenge;
    unsigned right = 0, wrong = 0;

    (void)state;
    captcha_ask(CAPTCHA_WORK, &once, 10, NOW, arena, &challenge);
    assert_true(span_is(challenge.query, "10"));
    while (!has_bits(challenge.id, right, 10))
        right++;
    while (has_bits(challenge.id, wrong, 10))
        wrong++;
    assert_true(check(CAPTCHA_WORK, &challenge, span_of(arena_printf(arena, "%u", right)), NOW));
    assert_false(check(CAPTCHA_WORK, &challenge, span_of(arena_printf(arena, "%u", right)), NOW));
    captcha_ask(CAPTCHA_WORK, &once, 10, NOW, arena, &challenge);
    for (wrong = 0; has_bits(challenge.id, wrong, 10); wrong++)
        ;
    assert_false(check(CAPTCHA_WORK, &challenge, span_of(arena_printf(arena, "%u", wrong)), NOW));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_is_good_once),
        cmocka_unit_test(test_a_token_is_good_until_its_time_is_over),
        cmocka_unit_test(test_a_newer_token_makes_the_older_void),
        cmocka_unit_test(test_a_token_is_bound_to_the_state_of_the_account),
        cmocka_unit_test(test_a_claim_that_came_to_nothing_is_given_back),
        cmocka_unit_test(test_an_address_counts_when_it_was_confirmed),
        cmocka_unit_test(test_a_name_is_reserved_for_its_address),
        cmocka_unit_test(test_nothing_of_a_token_is_stored),
        cmocka_unit_test(test_what_has_not_the_form_of_a_token_is_none),
        cmocka_unit_test(test_what_is_over_is_swept),
        cmocka_unit_test(test_rows_that_are_not_ours_are_none),
        cmocka_unit_test(test_a_question_is_answered_once),
        cmocka_unit_test(test_work_is_done_once),
    };

    return cmocka_run_group_tests_name("account_recovery", tests, set_up, tear_down);
}
