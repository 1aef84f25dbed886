/* SPDX-License-Identifier: ISC */
/* web_session_test.c - shm/web_session.h: a session opens for its secret and nobody else; also with rows that
 * were torn, by two writers or by one that was killed. */
#include "base/random.h"
#include "shm/web_session.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ALICE SPAN("alice@localhost")
#define BOB   SPAN("bob@localhost")
#define IDLE  100
#define LIFE  1000
#define NOW   1000000

static struct shared {
    struct web_sessions sessions;
    _Atomic uint32_t turns, broken, opened;
} * shared;
static struct web_sessions *sessions;
static struct web_session session;

static int set_up(void **state)
{
    (void)state;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    sessions = &shared->sessions;
    random_bytes(sessions->key, sizeof(sessions->key));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return munmap(shared, sizeof(*shared));
}

static bool opens(const unsigned char *secret, int64_t now)
{
    return web_session_open(sessions, secret, now, IDLE, LIFE, &session);
}

static void begin(struct span jid, bool is_admin, int64_t now, unsigned char *secret_r)
{
    assert_true(web_session_begin(sessions, jid, SPAN("pass word"), is_admin, now, secret_r));
}

static void test_what_was_begun_opens(void **state)
{
    unsigned char secret[WEB_SESSION_SECRET], wrong[WEB_SESSION_SECRET];

    (void)state;
    begin(ALICE, true, NOW, secret);
    assert_true(opens(secret, NOW + 1));
    assert_string_equal(session.jid, "alice@localhost");
    assert_string_equal(session.password, "pass word");
    assert_true(session.is_admin);
    assert_int_equal(session.begun, NOW);
    assert_int_equal(session.proved, NOW);
    for (unsigned i = 0; i < WEB_SESSION_SECRET; i++) {
        memcpy(wrong, secret, sizeof(wrong));
        wrong[i] ^= 1;
        assert_false(opens(wrong, NOW + 1));
        assert_string_equal(session.password, "");
    }
    assert_int_equal(web_session_count(sessions, NOW, IDLE, LIFE), 1);
}

static void test_sizes(void **state)
{
    unsigned char secret[WEB_SESSION_SECRET];
    char text[WEB_SESSION_JID_MOST + 2];

    (void)state;
    memset(text, 'x', sizeof(text));
    assert_true(web_session_begin(sessions, span_make(text, WEB_SESSION_JID_MOST),
                                  span_make(text, WEB_SESSION_PASSWORD_MOST), false, NOW, secret));
    assert_true(opens(secret, NOW));
    assert_int_equal(strlen(session.jid), WEB_SESSION_JID_MOST);
    assert_int_equal(strlen(session.password), WEB_SESSION_PASSWORD_MOST);
    assert_false(session.is_admin);
    assert_false(web_session_begin(sessions, span_make(text, WEB_SESSION_JID_MOST + 1), SPAN("x"), false, NOW,
                                   secret));
    assert_false(web_session_begin(sessions, SPAN("a@b"), span_make(text, WEB_SESSION_PASSWORD_MOST + 1),
                                   false, NOW, secret));
    assert_true(web_session_begin(sessions, SPAN("a@b"), SPAN(""), false, NOW, secret));
    assert_true(opens(secret, NOW));
    assert_string_equal(session.password, "");
}

/* Neither JID nor password stands anywhere in what all processes, and stoactl, can read. */
static void test_memory_tells_nothing(void **state)
{
    unsigned char secret[WEB_SESSION_SECRET];

    (void)state;
    begin(ALICE, true, NOW, secret);
    assert_null(memmem(sessions, sizeof(*sessions), "pass word", 9));
    assert_null(memmem(sessions, sizeof(*sessions), "alice", 5));
    assert_null(memmem(sessions, sizeof(*sessions), secret, 8));
}

static void test_idle_and_absolute_expiry(void **state)
{
    unsigned char secret[WEB_SESSION_SECRET];
    int64_t now = NOW;

    (void)state;
    begin(ALICE, false, NOW, secret);
    for (; now < NOW + LIFE; now += IDLE - 1)
        assert_true(opens(secret, now));
    assert_false(opens(secret, NOW + LIFE));
    assert_false(opens(secret, NOW)); /* ended for good, even when the clock goes back */
    begin(ALICE, false, NOW, secret);
    assert_true(opens(secret, NOW + IDLE - 1));
    assert_false(opens(secret, NOW + 2 * IDLE - 1));
    assert_int_equal(web_session_count(sessions, NOW, IDLE, LIFE), 0);
}

static void test_end_and_end_all(void **state)
{
    unsigned char a[WEB_SESSION_SECRET], b[WEB_SESSION_SECRET], c[WEB_SESSION_SECRET], d[WEB_SESSION_SECRET];
    struct web_session keep;

    (void)state;
    begin(ALICE, false, NOW, a);
    begin(ALICE, true, NOW, b);
    begin(BOB, false, NOW, c);
    begin(ALICE, false, NOW, d);
    assert_true(opens(d, NOW));
    web_session_end(sessions, &session);
    assert_false(opens(d, NOW));
    assert_true(opens(b, NOW));
    keep = session;
    assert_int_equal(web_session_end_all(sessions, ALICE, &keep), 1);
    assert_false(opens(a, NOW));
    assert_true(opens(b, NOW));
    assert_true(opens(c, NOW));
    assert_int_equal(web_session_end_all(sessions, ALICE, NULL), 1);
    assert_false(opens(b, NOW));
    assert_true(opens(c, NOW));
    web_session_end(sessions, &keep); /* twice does no harm, nor when the row is another's by now */
    begin(BOB, false, NOW, a);
    web_session_end(sessions, &keep);
    web_session_proved(sessions, &keep, NOW + 50);
    assert_true(opens(a, NOW));
    assert_int_equal(session.proved, NOW);
}

static void test_proved(void **state)
{
    unsigned char secret[WEB_SESSION_SECRET];

    (void)state;
    begin(ALICE, false, NOW, secret);
    assert_true(opens(secret, NOW + 9));
    web_session_proved(sessions, &session, NOW + 10);
    assert_true(opens(secret, NOW + 11));
    assert_int_equal(session.proved, NOW + 10);
}

static void test_longest_unused_gives_way(void **state)
{
    static unsigned char secrets[WEB_SESSIONS_MOST + 1][WEB_SESSION_SECRET];

    (void)state;
    for (unsigned i = 0; i < WEB_SESSIONS_MOST; i++)
        begin(ALICE, false, NOW + (i != 7), secrets[i]);
    assert_int_equal(web_session_count(sessions, NOW, IDLE, LIFE), WEB_SESSIONS_MOST);
    assert_true(opens(secrets[8], NOW + 5));
    begin(BOB, false, NOW + 5, secrets[WEB_SESSIONS_MOST]);
    for (unsigned i = 0; i <= WEB_SESSIONS_MOST; i++)
        assert_int_equal(opens(secrets[i], NOW + 6), i != 7);
}

static struct web_session_row *only_row(unsigned *index_r)
{
    for (unsigned i = 0; i < WEB_SESSIONS_MOST; i++)
        if (atomic_load(&sessions->first[i])) {
            *index_r = i;
            return &sessions->rows[i];
        }
    fail();
    return NULL;
}

/* One word of another writer in the middle of a row: it opens for nobody. */
static void test_torn_row(void **state)
{
    unsigned char secret[WEB_SESSION_SECRET];
    struct web_session_row *row;
    unsigned index;
    size_t words;

    (void)state;
    begin(ALICE, false, NOW, secret);
    row = only_row(&index);
    words = (atomic_load(&row->sealed_size) + 7) / 8;
    for (size_t i = 0; i < words; i++) {
        atomic_fetch_xor(&row->sealed[i], 1);
        assert_false(opens(secret, NOW));
        atomic_fetch_xor(&row->sealed[i], 1);
    }
    atomic_fetch_add(&row->sealed_size, 1);
    assert_false(opens(secret, NOW));
    atomic_store(&row->sealed_size, UINT32_MAX);
    assert_false(opens(secret, NOW));
    atomic_store(&row->sealed_size, 1);
    assert_false(opens(secret, NOW));
    atomic_store(&row->sealed_size, (uint32_t)(11 + 15 + 9 + 16));
    atomic_fetch_xor(&row->account, 1);
    assert_false(opens(secret, NOW));
    atomic_fetch_xor(&row->account, 1);
    atomic_fetch_xor(&row->digest, 1);
    assert_false(opens(secret, NOW));
    atomic_fetch_xor(&row->digest, 1);
    assert_true(opens(secret, NOW));
}

/* A row that its writer did not finish is left alone for a minute, then used. */
static void test_unfinished_row(void **state)
{
    unsigned char secret[WEB_SESSION_SECRET];

    (void)state;
    atomic_store(&sessions->rows[0].seen, NOW);
    begin(ALICE, false, NOW + 60, secret);
    assert_int_equal(atomic_load(&sessions->first[0]), 0);
    begin(ALICE, false, NOW + 61, secret);
    assert_int_not_equal(atomic_load(&sessions->first[0]), 0);
    assert_true(opens(secret, NOW + 61));
}

/* Begins, uses and ends sessions for ever; each that opens must be what it was begun as. */
static void work(struct span jid, bool is_admin)
{
    struct web_session own;
    unsigned char secret[WEB_SESSION_SECRET];

    for (int64_t now = NOW;; now++) {
        web_session_begin(sessions, jid, jid, is_admin, now, secret);
        if (web_session_open(sessions, secret, now, IDLE, LIFE, &own)) {
            atomic_fetch_add(&shared->opened, 1);
            if (!span_eq(span_of(own.jid), jid) || !span_eq(span_of(own.password), jid) ||
                own.is_admin != is_admin || own.begun != now)
                atomic_fetch_add(&shared->broken, 1);
            if (now % 3 == 0)
                web_session_end(sessions, &own);
        }
        atomic_fetch_add(&shared->turns, 1);
    }
}

static pid_t worker(struct span jid, bool is_admin)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        work(jid, is_admin);
    return child;
}

static void end(pid_t child)
{
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* Two that write, on a table that is full, and are killed at any moment; then a third goes on. */
static void test_two_processes_killed_anywhere(void **state)
{
    unsigned char secret[WEB_SESSION_SECRET];

    (void)state;
    for (int round = 0; round < 30; round++) {
        pid_t one = worker(ALICE, false), two = worker(BOB, true);
        uint32_t begun = atomic_load(&shared->turns);

        while (atomic_load(&shared->turns) - begun < 300)
            sched_yield();
        end(one);
        end(two);
        begin(ALICE, false, NOW + 100000, secret);
        assert_true(opens(secret, NOW + 100000));
        web_session_end(sessions, &session);
    }
    assert_int_equal(atomic_load(&shared->broken), 0);
    assert_true(atomic_load(&shared->opened) > atomic_load(&shared->turns) / 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_begun_opens),          TEST(test_sizes),           TEST(test_memory_tells_nothing),
        TEST(test_idle_and_absolute_expiry),      TEST(test_end_and_end_all), TEST(test_proved),
        TEST(test_longest_unused_gives_way),      TEST(test_torn_row),        TEST(test_unfinished_row),
        TEST(test_two_processes_killed_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
