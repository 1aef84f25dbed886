/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4 6: ctl_status.c - how the daemon stands, read from the segment without disturbing it.
 */
#include "ctl/ctl.h"

#include "base/clock.h"
#include "module/stand.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COMPLAINTS_SHOWN 10
#define LOOKS            20
#define LOOK_USEC        50000

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

static void print_logins(const struct login_gate *gate)
{
    int64_t refused = stand_refused_seconds(gate);

    printf("logins: %u sessions of users, %u wrong passwords in a row", atomic_load(&gate->sessions),
           atomic_load(&gate->failures));
    if (refused)
        printf("; the XMPP server turned them away, none for %llds", (long long)refused);
    printf("\n");
}

static void print_complaints(const struct complaints *from)
{
    struct complaint entries[COMPLAINTS_MOST];
    size_t count = complaints_read(from, entries);
    char time[32];

    for (size_t i = 0; i < count && i < COMPLAINTS_SHOWN; i++) {
        span_of_time(clock_wall() - entries[i].last, time, sizeof(time));
        printf("%s %s ago, %s[%d]: %s", entries[i].is_error ? "error" : "warning", time, entries[i].kind,
               (int)entries[i].pid, entries[i].text);
        if (entries[i].times > 1)
            printf(" (%llu times)", (unsigned long long)entries[i].times);
        printf("\n");
    }
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

        if (!stand_is_there(row))
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
    print_complaints(&segment->complaints);
    printf("\n");
    for (unsigned i = 0; i < COUNTS; i++)
        printf("%-22s %14llu %-6s %s\n", count_name(i), (unsigned long long)count_sum(&segment->counts, i),
               count_unit(i), count_help(i));
}

static void print_json(const struct segment *segment)
{
    struct buf out = { 0 };

    stand_write(segment, &out);
    buf_char(&out, '\n');
    fwrite(out.at, 1, out.size, stdout);
    buf_free(&out);
}

/* NULL: *status_r is the exit status, and the reason was said. */
static const struct segment *view(const char *path, int *status_r)
{
    const struct segment *segment;
    char answer[256];
    int memory, fd = ctl_ask(path, "segment", answer, sizeof(answer), &memory);

    *status_r = CTL_NOT_RUNNING;
    if (fd < 0)
        return NULL;
    close(fd);
    *status_r = 1;
    if (memory < 0) {
        fprintf(stderr, "stoactl: the daemon did not show its state: %s\n", answer);
        return NULL;
    }
    segment = segment_view(memory);
    close(memory);
    if (segment == NULL)
        fprintf(stderr,
                "stoactl: the daemon's shared memory cannot be read (%m); is stoactl of its version?\n");
    return segment;
}

int ctl_status(const char *path, bool json)
{
    int status;
    const struct segment *segment = view(path, &status);

    if (segment == NULL)
        return status;
    if (json)
        print_json(segment);
    else
        print_table(segment);
    return 0;
}

int ctl_routes(const char *path)
{
    int status;
    const struct segment *segment = view(path, &status);
    struct buf out = { 0 };

    if (segment == NULL)
        return status;
    for (int look = 0; look < LOOKS; look++) {
        if (route_book_read(&segment->routes, &out)) {
            fwrite(out.at, 1, out.size, stdout);
            buf_free(&out);
            return 0;
        }
        usleep(LOOK_USEC); /* a worker that comes up writes it just now */
    }
    buf_free(&out);
    fprintf(stderr, "stoactl: no worker has said yet what it serves\n");
    return 1;
}
