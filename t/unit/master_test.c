/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4, ctl/ctl: master_test.c - master's daily work: births after kills, good and bad
 * reloads, drain, stop, stuck children. */
#include "master_help.h"

static void test_killed_children_are_reborn(void **state)
{
    static const unsigned victims[] = { ROW_ROUTER, ROW_KEEPER, ROW_WORKER_0, ROW_WORKER_0 + 1, ROW_ROUTER };

    (void)state;
    start_and_view(2);
    assert_int_equal(atomic_load(&segment->board.master_pid), daemon_pid);
    assert_true(is_bound(ports[0]));
    for (unsigned i = 0; i < 5; i++) {
        unsigned row = victims[i];
        int32_t pid = atomic_load(&row_at(row)->pid);
        uint32_t generation = atomic_load(&row_at(row)->generation);

        if (pid == 0) /* its successor took another row */
            continue;
        assert_int_equal(kill(pid, SIGKILL), 0);
        WAIT_UNTIL(!board_lives(&segment->board, row, generation));
        WAIT_UNTIL(all_live(2));
    }
    assert_true(log_says("was ended by signal 9"));
    kill(daemon_pid, SIGTERM);
    expect_end(0);
    assert_false(is_bound(ports[0]));
}

static void test_good_reload(void **state)
{
    char both[200];

    (void)state;
    start_and_view(2);
    snprintf(both, sizeof(both), "%s%s", port_line(ports[0]), port_line(ports[1]));
    write_conf(3, 90, both, "");
    ask_expecting("reload", "ok\n");
    assert_int_equal(atomic_load(&segment->board.conf_generation), 2);
    WAIT_UNTIL(all_live(3));
    assert_true(is_bound(ports[0]) && is_bound(ports[1]));
    assert_int_equal(atomic_load(&row_at(ROW_ROUTER)->generation), 1); /* nothing below xmpp changed */
    WAIT_UNTIL(atomic_load(&row_at(ROW_KEEPER)->conf_generation) == 2 && all_live(3));
    write_conf(1, 90, port_line(ports[1]), "xmpp {\n port = 15999\n}\n");
    kill(daemon_pid, SIGHUP);
    WAIT_UNTIL(atomic_load(&segment->board.conf_generation) == 3 && all_live(1));
    WAIT_UNTIL(atomic_load(&row_at(ROW_ROUTER)->generation) == 2 && all_live(1));
    WAIT_UNTIL(!is_bound(ports[0]));
    assert_true(is_bound(ports[1]));
    ask_expecting("stop", "ok\n");
    expect_end(0);
}

static void test_bad_reloads_change_nothing(void **state)
{
    struct buf answer;

    (void)state;
    start_and_view(2);
    write_conf(2, 100, port_line(ports[0]), "nonsense {\n}\n");
    answer = ask("reload", NULL);
    assert_memory_equal(answer.at, "error: ", 7);
    assert_non_null(strstr(answer.at, "config.tdsl:"));
    buf_free(&answer);
    write_conf(2, DIES_AT_BIRTH, port_line(ports[0]), "");
    answer = ask("reload", NULL);
    assert_non_null(strstr(answer.at, "error: a worker of the new configuration died"));
    buf_free(&answer);
    WAIT_UNTIL(all_live(2));
    assert_int_equal(atomic_load(&segment->board.conf_generation), 1);
    write_conf(2, 100, port_line(ports[1]), ""); /* and a good one still works */
    ask_expecting("reload", "ok\n");
    WAIT_UNTIL(all_live(2));
    kill(daemon_pid, SIGINT);
    expect_end(0);
}

static void test_drain(void **state)
{
    (void)state;
    start_and_view(2);
    ask_expecting("drain", "ok\n");
    expect_end(0);
    assert_false(log_says("cut"));
}

static void test_drain_has_an_end(void **state)
{
    (void)state;
    start_and_view(1);
    write_conf(2, NEVER_DRAINS, port_line(ports[0]), "");
    ask_expecting("reload", "ok\n");
    WAIT_UNTIL(all_live(2));
    kill(daemon_pid, SIGQUIT);
    WAIT_UNTIL(!is_bound(ports[0]));
    expect_end(0);
    assert_true(log_says("still has requests open after the drain timeout"));
}

static void test_reopen(void **state)
{
    (void)state;
    start_and_view(1);
    assert_int_equal(rename(in_folder("logs/stoa.log"), in_folder("logs/old.log")), 0);
    ask_expecting("reopen", "ok\n");
    WAIT_UNTIL(access(in_folder("logs/stoa.log"), F_OK) == 0);
    assert_true(log_says("opened again"));
    ask_expecting("status", "ok\npid ");
    ask_expecting("dance", "error: ");
    kill(daemon_pid, SIGTERM);
    expect_end(0);
}

/* A stopped process gives no sign of life. */
static void test_stuck_child_is_killed(void **state)
{
    uint32_t generation;
    int32_t pid;

    (void)state;
    start_and_view(1);
    pid = atomic_load(&row_at(ROW_KEEPER)->pid);
    generation = atomic_load(&row_at(ROW_KEEPER)->generation);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    WAIT_UNTIL(!board_lives(&segment->board, ROW_KEEPER, generation));
    WAIT_UNTIL(all_live(1));
    assert_true(log_says("has not turned its loop"));
    kill(daemon_pid, SIGTERM);
    expect_end(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_killed_children_are_reborn), TEST(test_good_reload),
        TEST(test_bad_reloads_change_nothing), TEST(test_drain),
        TEST(test_drain_has_an_end),           TEST(test_reopen),
        TEST(test_stuck_child_is_killed),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
