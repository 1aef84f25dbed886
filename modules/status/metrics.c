/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: metrics.c - OpenMetrics 1.0, or the text format that came before it.
 *
 * Labels come from fixed sets and from the configuration (components); never a user, an address or a path, of
 * which there is no end. Times are counted in seconds, sizes in bytes, as the name says at its end. */
#include "status.h"

#include "base/clock.h"
#include "module/stand.h"
#include "shm/count.h"

#include <math.h>
#include <stdio.h>

struct metrics {
    struct buf *out;
    bool is_open; /* OpenMetrics 1.0 */
};

struct label {
    const char *name, *value; /* name NULL: none */
};

#define NO_LABEL ((struct label){ NULL, NULL })

/* ---- lines ---- */

static void add_value(struct buf *out, double value)
{
    if (value == floor(value) && fabs(value) < 1e15)
        buf_printf(out, " %.0f\n", value);
    else
        buf_printf(out, " %.9g\n", value);
}

static void add_label_value(struct buf *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            buf_char(out, '\\');
        if (*value == '\n')
            buf_text(out, "\\n");
        else
            buf_char(out, *value);
    }
}

static void add_labels(struct buf *out, const struct label *labels, size_t count)
{
    const char *before = "{";

    for (size_t i = 0; i < count && labels[i].name; i++) {
        buf_printf(out, "%s%s=\"", before, labels[i].name);
        add_label_value(out, labels[i].value);
        buf_char(out, '"');
        before = ",";
    }
    if (*before == ',')
        buf_char(out, '}');
}

/* ending: what its samples have behind the name and the older format counts to the name; "" for none. */
static void family(const struct metrics *metrics, const char *name, const char *type, const char *ending,
                   const char *unit, const char *help)
{
    struct buf *out = metrics->out;
    const char *end = metrics->is_open ? "" : ending;

    if (!metrics->is_open && strcmp(type, "info") == 0)
        type = "gauge";
    buf_printf(out, "# TYPE stoa_%s%s %s\n", name, end, type);
    if (metrics->is_open && unit[0])
        buf_printf(out, "# UNIT stoa_%s %s\n", name, unit);
    buf_printf(out, "# HELP stoa_%s%s %s\n", name, end, help);
}

static void sample(const struct metrics *metrics, const char *name, const char *ending, struct label label,
                   double value)
{
    buf_printf(metrics->out, "stoa_%s%s", name, ending);
    add_labels(metrics->out, &label, 1);
    add_value(metrics->out, value);
}

static void gauge(const struct metrics *metrics, const char *name, const char *unit, const char *help,
                  double value)
{
    family(metrics, name, "gauge", "", unit, help);
    sample(metrics, name, "", NO_LABEL, value);
}

/* ---- counters ---- */

/* A unit stands at a name's end, and these two say in what direction they go by their end. */
static const char *counter_name(enum count count)
{
    switch (count) {
    case COUNT_bytes_in:
        return "received_bytes";
    case COUNT_bytes_out:
        return "sent_bytes";
    default:
        return count_name(count);
    }
}

static bool is_class_of_replies(enum count count)
{
    return count >= COUNT_replies_2xx && count <= COUNT_replies_5xx;
}

static void add_replies(const struct metrics *metrics, const struct counts *counts)
{
    family(metrics, "replies", "counter", "_total", "", "HTTP replies by class of status");
    for (unsigned i = COUNT_replies_2xx; i <= COUNT_replies_5xx; i++)
        sample(metrics, "replies", "_total", (struct label){ "class", count_name(i) + strlen("replies_") },
               (double)count_sum(counts, i));
}

static void add_counters(const struct metrics *metrics, const struct counts *counts)
{
    for (unsigned i = 0; i < COUNTS; i++) {
        if (is_class_of_replies(i)) {
            if (i == COUNT_replies_2xx)
                add_replies(metrics, counts);
            continue;
        }
        family(metrics, counter_name(i), "counter", "_total", count_unit(i), count_help(i));
        sample(metrics, counter_name(i), "_total", NO_LABEL, (double)count_sum(counts, i));
    }
}

/* ---- durations ---- */

static void add_durations(const struct metrics *metrics, const struct histogram *histogram)
{
    static const char name[] = "request_duration_seconds";
    struct histogram_view view;
    uint64_t sum = 0;

    histogram_read(histogram, &view);
    family(metrics, name, "histogram", "", "seconds",
           "From the first byte of a request's head to the last of its reply");
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        char bound[32] = "+Inf";

        sum += view.buckets[i];
        if (i < HISTOGRAM_BOUNDS)
            snprintf(bound, sizeof(bound), histogram_bounds[i] % USEC_PER_SEC ? "%g" : "%.1f",
                     (double)histogram_bounds[i] / (double)USEC_PER_SEC);
        sample(metrics, name, "_bucket", (struct label){ "le", bound }, (double)sum);
    }
    sample(metrics, name, "_count", NO_LABEL, (double)sum);
    sample(metrics, name, "_sum", NO_LABEL, (double)view.usec / (double)USEC_PER_SEC);
}

/* ---- processes and streams ---- */

static void add_processes(const struct metrics *metrics, const struct board *board)
{
    static const char name[] = "processes";
    unsigned counts[PROCESS_KINDS][ROW_DEAD + 1] = { 0 };
    unsigned connections = 0, busy = 0;

    for (unsigned i = 0; i < BOARD_ROWS; i++) {
        const struct board_row *row = &board->rows[i];
        uint32_t kind = atomic_load(&row->kind), state = atomic_load(&row->state);

        if (!stand_is_there(row) || kind >= PROCESS_KINDS || state > ROW_DEAD)
            continue;
        counts[kind][state]++;
        connections += atomic_load(&row->connections);
        busy += atomic_load(&row->busy);
    }
    family(metrics, name, "gauge", "", "", "Processes by kind and state");
    for (unsigned kind = PROCESS_NONE + 1; kind < PROCESS_KINDS; kind++)
        for (unsigned state = ROW_STARTING; state <= ROW_DRAINING; state++) {
            const struct label labels[] = { { "kind", board_kind_name(kind) },
                                            { "state", board_state_name(state) } };

            buf_printf(metrics->out, "stoa_%s", name);
            add_labels(metrics->out, labels, 2);
            add_value(metrics->out, counts[kind][state]);
        }
    gauge(metrics, "open_connections", "", "HTTP connections that are open", connections);
    gauge(metrics, "calls_in_hand", "", "IQs and other calls that workers have in hand", busy);
}

enum stream_fact { STREAM_UP, STREAM_SINCE, STREAM_IN, STREAM_OUT };

static void add_stream_family(const struct metrics *metrics, const struct links *links, enum stream_fact fact)
{
    static const struct {
        const char *name, *type, *ending, *unit, *help;
    } facts[] = {
        [STREAM_UP] = { "stream_up", "gauge", "", "", "Whether the component's stream is up" },
        [STREAM_SINCE] = { "stream_since_seconds", "gauge", "", "seconds",
                           "When the component's stream came into its present state, in Unix time" },
        [STREAM_IN] = { "stream_stanzas_in", "counter", "_total", "", "Stanzas that came by the stream" },
        [STREAM_OUT] = { "stream_stanzas_out", "counter", "_total", "", "Stanzas that went by the stream" },
    };
    double values[STREAM_OUT + 1];

    family(metrics, facts[fact].name, facts[fact].type, facts[fact].ending, facts[fact].unit,
           facts[fact].help);
    for (unsigned i = 0; i < LINKS_MOST; i++) {
        struct link_view view;

        link_read(&links->links[i], &view);
        if (view.state == LINK_UNUSED)
            continue;
        values[STREAM_UP] = view.state == LINK_UP;
        values[STREAM_SINCE] = (double)(view.since / USEC_PER_SEC);
        values[STREAM_IN] = (double)view.stanzas_in;
        values[STREAM_OUT] = (double)view.stanzas_out;
        sample(metrics, facts[fact].name, facts[fact].ending, (struct label){ "component", view.name },
               values[fact]);
    }
}

/* ---- what modules report ---- */

static void add_stores(const struct metrics *metrics, const struct report *report)
{
    static const struct {
        const char *name, *unit, *help;
    } facts[] = {
        { "store_bytes", "bytes", "Size of the data base" },
        { "store_map_bytes", "bytes", "Size to which the data base may grow without a new map" },
        { "store_entries", "", "Entries of all its tables" },
        { "store_readers", "", "Places of readers in use" },
    };

    for (unsigned fact = 0; !list_empty(&report->stores) && fact < sizeof(facts) / sizeof(facts[0]); fact++) {
        family(metrics, facts[fact].name, "gauge", "", facts[fact].unit, facts[fact].help);
        LIST_EACH (node, &report->stores) {
            const struct report_store_row *row = LIST_OF(node, struct report_store_row, node);
            const double values[] = { (double)row->used_bytes, (double)row->map_bytes, (double)row->entries,
                                      row->readers };

            sample(metrics, facts[fact].name, "", (struct label){ "store", row->name }, values[fact]);
        }
    }
}

static void add_folders(const struct metrics *metrics, const struct report *report)
{
    for (unsigned whole = 0; !list_empty(&report->folders) && whole < 2; whole++) {
        const char *name = whole ? "folder_bytes" : "folder_free_bytes";

        family(metrics, name, "gauge", "", "bytes",
               whole ? "Size of the file system that the folder lies on"
                     : "Room that is left where the folder lies");
        LIST_EACH (node, &report->folders) {
            const struct report_folder_row *row = LIST_OF(node, struct report_folder_row, node);

            sample(metrics, name, "", (struct label){ "folder", row->name },
                   (double)(whole ? row->bytes : row->free_bytes));
        }
    }
}

static void add_reports(const struct metrics *metrics, const struct status *status, struct arena *arena)
{
    struct json_object *reasons;
    struct report report;
    unsigned faults = 0;

    status_report(status, arena, &report);
    LIST_EACH (node, &report.figures) {
        const struct report_figure *figure = LIST_OF(node, struct report_figure, node);

        gauge(metrics, figure->name, figure->unit, figure->about, figure->value);
    }
    add_stores(metrics, &report);
    add_folders(metrics, &report);
    LIST_EACH (node, &report.faults)
        faults++;
    gauge(metrics, "faults", "", "Things that are wrong, as the status page lists them", faults);
    reasons = status_reasons(status, &report);
    gauge(metrics, "ready", "", "Whether readyz answers 200", json_object_array_length(reasons) == 0);
    json_object_put(reasons);
}

void status_metrics(const struct status *status, struct arena *arena, bool is_open, struct buf *out)
{
    const struct segment *segment = status->host->segment;
    const struct board *board = &segment->board;
    const struct http_settings *http = status->host->settings->http;
    const struct metrics metrics = { out, is_open };

    family(&metrics, "build", "info", "_info", "", "The version that runs");
    sample(&metrics, "build", "_info", (struct label){ "version", STOA_VERSION }, 1);
    gauge(&metrics, "start_time_seconds", "seconds", "When the daemon started, in Unix time",
          (double)(atomic_load(&board->started) / USEC_PER_SEC));
    gauge(&metrics, "reload_time_seconds", "seconds",
          "When the last reload went well, in Unix time; 0: never",
          (double)(atomic_load(&board->reloaded) / USEC_PER_SEC));
    gauge(&metrics, "configuration_generation", "", "How many configurations have been in force",
          atomic_load(&board->conf_generation));
    add_processes(&metrics, board);
    for (enum stream_fact fact = STREAM_UP; fact <= STREAM_OUT; fact++)
        add_stream_family(&metrics, &segment->links, fact);
    gauge(&metrics, "user_sessions", "", "Sessions of users at the XMPP server",
          atomic_load(&segment->logins.sessions));
    gauge(&metrics, "browser_sessions", "", "Sessions of people who are logged in by browser",
          web_session_count(&segment->web_sessions, clock_wall() / USEC_PER_SEC,
                            http->session_idle / USEC_PER_SEC, http->session_life / USEC_PER_SEC));
    gauge(&metrics, "wrong_passwords", "", "Passwords in a row that the XMPP server refused",
          atomic_load(&segment->logins.failures));
    gauge(&metrics, "logins_refused_seconds", "seconds",
          "How long no password is shown to the XMPP server because it turned us away",
          (double)stand_refused_seconds(&segment->logins));
    add_durations(&metrics, &segment->durations);
    add_counters(&metrics, &segment->counts);
    add_reports(&metrics, status, arena);
    if (is_open)
        buf_text(out, "# EOF\n");
}
