/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4: ctl_status.c - how the daemon stands, read from the segment without disturbing it. */
#include "ctl/ctl.h"

#include "base/clock.h"
#include "base/text.h"
#include "shm/segment.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void span_of_time(int64_t usec, char *text_r, size_t size)
{
    int64_t seconds = usec / USEC_PER_SEC;

    if (seconds < 0)
        seconds = 0;
    if (seconds < 120)
        snprintf(text_r, size, "%llds", (long long)seconds);
    else if (seconds < 7200)
        snprintf(text_r, size, "%lldm", (long long)(seconds / 60));
    else if (seconds < 172800)
        snprintf(text_r, size, "%lldh", (long long)(seconds / 3600));
    else
        snprintf(text_r, size, "%lldd", (long long)(seconds / 86400));
}

static bool is_there(const struct board_row *row)
{
    uint32_t state = atomic_load(&row->state);

    return state == ROW_STARTING || state == ROW_LIVE || state == ROW_DRAINING;
}

/* How long no password is shown to the server because it turned us away; 0: it is shown. */
static int64_t refused_seconds(const struct login_gate *gate)
{
    int64_t wait = atomic_load(&gate->refused_until) - clock_mono();

    return wait > 0 ? (wait + USEC_PER_SEC - 1) / USEC_PER_SEC : 0;
}

static void print_logins(const struct login_gate *gate)
{
    int64_t refused = refused_seconds(gate);

    printf("logins: %u sessions of users, %u wrong passwords in a row", atomic_load(&gate->sessions),
           atomic_load(&gate->failures));
    if (refused)
        printf("; the XMPP server turned them away, none for %llds", (long long)refused);
    printf("\n");
}

static void print_table(const struct segment *segment)
{
    const struct board *board = &segment->board;
    char time[32];

    span_of_time(clock_wall() - atomic_load(&board->started), time, sizeof(time));
    printf("stoad %s, process %d, up %s, configuration %u\n\n", STOA_VERSION, atomic_load(&board->master_pid),
           time, atomic_load(&board->conf_generation));
    printf("%-8s %4s %8s %-9s %10s %6s %6s %12s %6s\n", "process", "row", "pid", "state", "generation",
           "config", "up", "connections", "busy");
    for (unsigned i = 0; i < BOARD_ROWS; i++) {
        const struct board_row *row = &board->rows[i];

        if (!is_there(row))
            continue;
        span_of_time(clock_wall() - atomic_load(&row->born), time, sizeof(time));
        printf("%-8s %4u %8d %-9s %10u %6u %6s %12u %6u\n",
               board_kind_name((enum process_kind)atomic_load(&row->kind)), i, atomic_load(&row->pid),
               board_state_name((enum row_state)atomic_load(&row->state)), atomic_load(&row->generation),
               atomic_load(&row->conf_generation), time, atomic_load(&row->connections),
               atomic_load(&row->busy));
    }
    printf("\n");
    for (unsigned i = 0; i < LINKS_MOST; i++) {
        struct link_view view;

        link_read(&segment->links.links[i], &view);
        if (view.state == LINK_UNUSED)
            continue;
        span_of_time(clock_wall() - view.since, time, sizeof(time));
        printf("stream %s: %s for %s, %llu stanzas in, %llu out%s%s\n", view.name,
               link_state_name(view.state), time, (unsigned long long)view.stanzas_in,
               (unsigned long long)view.stanzas_out, view.trouble[0] ? "; " : "", view.trouble);
    }
    print_logins(&segment->logins);
    printf("\n");
    for (unsigned i = 0; i < COUNTS; i++)
        printf("%-22s %14llu %-6s %s\n", count_name(i), (unsigned long long)count_sum(&segment->counts, i),
               count_unit(i), count_help(i));
}

static void add_text(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "\"%s\":\"", name);
    text_add_json(out, span_of(value));
    buf_char(out, '"');
}

static void add_processes(struct buf *out, const struct board *board)
{
    const char *comma = "";

    buf_text(out, "\"processes\":[");
    for (unsigned i = 0; i < BOARD_ROWS; i++) {
        const struct board_row *row = &board->rows[i];
        char stamp[STAMP_SIZE];

        if (!is_there(row))
            continue;
        buf_printf(out, "%s{", comma);
        comma = ",";
        add_text(out, "kind", board_kind_name((enum process_kind)atomic_load(&row->kind)));
        buf_char(out, ',');
        add_text(out, "state", board_state_name((enum row_state)atomic_load(&row->state)));
        text_stamp(atomic_load(&row->born), stamp);
        buf_printf(out,
                   ",\"row\":%u,\"pid\":%d,\"generation\":%u,\"configuration\":%u,\"born\":\"%s\","
                   "\"connections\":%u,\"busy\":%u}",
                   i, atomic_load(&row->pid), atomic_load(&row->generation),
                   atomic_load(&row->conf_generation), stamp, atomic_load(&row->connections),
                   atomic_load(&row->busy));
    }
    buf_text(out, "]");
}

static void add_streams(struct buf *out, const struct links *links)
{
    const char *comma = "";

    buf_text(out, "\"streams\":[");
    for (unsigned i = 0; i < LINKS_MOST; i++) {
        struct link_view view;
        char stamp[STAMP_SIZE];

        link_read(&links->links[i], &view);
        if (view.state == LINK_UNUSED)
            continue;
        text_stamp(view.since, stamp);
        buf_printf(out, "%s{", comma);
        comma = ",";
        add_text(out, "name", view.name);
        buf_char(out, ',');
        add_text(out, "state", link_state_name(view.state));
        buf_char(out, ',');
        add_text(out, "trouble", view.trouble);
        buf_printf(out, ",\"since\":\"%s\",\"stanzas_in\":%llu,\"stanzas_out\":%llu}", stamp,
                   (unsigned long long)view.stanzas_in, (unsigned long long)view.stanzas_out);
    }
    buf_text(out, "]");
}

static void print_json(const struct segment *segment)
{
    const struct board *board = &segment->board;
    struct buf out = { 0 };
    char stamp[STAMP_SIZE];

    text_stamp(atomic_load(&board->started), stamp);
    buf_printf(&out, "{\"version\":\"%s\",\"master_pid\":%d,\"started\":\"%s\",\"uptime_seconds\":%lld,",
               STOA_VERSION, atomic_load(&board->master_pid), stamp,
               (long long)((clock_wall() - atomic_load(&board->started)) / USEC_PER_SEC));
    buf_printf(&out, "\"configuration\":%u,", atomic_load(&board->conf_generation));
    add_processes(&out, board);
    buf_char(&out, ',');
    add_streams(&out, &segment->links);
    buf_printf(&out, ",\"logins\":{\"sessions\":%u,\"failures_in_a_row\":%u,\"refused_seconds\":%lld}",
               atomic_load(&segment->logins.sessions), atomic_load(&segment->logins.failures),
               (long long)refused_seconds(&segment->logins));
    buf_text(&out, ",\"counters\":{");
    for (unsigned i = 0; i < COUNTS; i++)
        buf_printf(&out, "%s\"%s\":%llu", i ? "," : "", count_name(i),
                   (unsigned long long)count_sum(&segment->counts, i));
    buf_text(&out, "}}\n");
    fwrite(out.at, 1, out.size, stdout);
    buf_free(&out);
}

int ctl_status(const char *path, bool json)
{
    const struct segment *segment;
    char answer[256];
    int memory, fd = ctl_ask(path, "segment", answer, sizeof(answer), &memory);

    if (fd < 0)
        return CTL_NOT_RUNNING;
    close(fd);
    if (memory < 0) {
        fprintf(stderr, "stoactl: the daemon did not show its state: %s\n", answer);
        return 1;
    }
    segment = segment_view(memory);
    close(memory);
    if (segment == NULL) {
        fprintf(stderr,
                "stoactl: the daemon's shared memory cannot be read (%m); is stoactl of its version?\n");
        return 1;
    }
    if (json)
        print_json(segment);
    else
        print_table(segment);
    return 0;
}
