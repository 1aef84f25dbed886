/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_track.c - what those who are tracked send and get (shm/tracker.h),
 * as lines for the keeper: what a stanza is, never what it says. */
#include "router/router.h"

#include "base/clock.h"
#include "base/text.h"

#include <unistd.h>

static void send_line(struct router *router, struct span file, struct span line)
{
    const struct peer *keeper = &router->peers[ROW_KEEPER];

    if (keeper->generation)
        post_send(router->post, ROW_KEEPER, keeper->generation,
                  &(struct letter){ .kind = LETTER_TRACK, .count = 2, .parts = { file, line } });
}

/* From a worker: ours to hand on. */
void router_track_letter(struct router *router, unsigned row, const struct letter *letter)
{
    (void)row;
    send_line(router, letter->parts[0], letter->parts[1]);
}

static void say(struct router *router, struct span from, struct span to, struct span text)
{
    const struct trackers *trackers = &router->heritage->segment->trackers;
    struct tracked_view view;

    for (unsigned i = 0; i < TRACKED_MOST; i++)
        if (tracker_read(trackers, i, &view) && (tracker_fits(&view, from) || tracker_fits(&view, to)))
            send_line(router, span_of(view.file), text);
}

static void begin_line(struct buf *line, const char *way, struct span name, struct span type, struct span id)
{
    char stamp[STAMP_SIZE];

    text_stamp(clock_wall(), stamp);
    buf_printf(line, "%s router[%d] %s %.*s", stamp, (int)getpid(), way, SPAN_ARG(name));
    if (type.size)
        buf_printf(line, " type=%.*s", SPAN_ARG(type));
    if (id.size)
        buf_printf(line, " id=%.*s", SPAN_ARG(id));
}

static bool nobody(const struct router *router)
{
    return !trackers_any(&router->heritage->segment->trackers);
}

static void add_children(struct buf *line, const struct xml_element *stanza)
{
    for (const struct xml_element *at = xml_child(stanza, NULL, NULL); at; at = xml_next(at, NULL, NULL))
        buf_printf(line, " <%.*s xmlns=%.*s>", SPAN_ARG(at->name), SPAN_ARG(at->ns));
}

void router_track_element(struct router *router, const char *way, struct span from, struct span to,
                          const struct xml_element *stanza)
{
    struct buf line = { 0 }, whole = { 0 };

    if (nobody(router))
        return;
    xml_write(&whole, stanza, SPAN(""));
    begin_line(&line, way, stanza->name, xml_attribute(stanza, "type"), xml_attribute(stanza, "id"));
    buf_printf(&line, " from=%.*s to=%.*s", SPAN_ARG(from), SPAN_ARG(to));
    add_children(&line, stanza);
    buf_printf(&line, " %zu bytes", whole.size);
    explicit_bzero(whole.at, whole.size);
    say(router, from, to, buf_span(&line));
    buf_free(&whole);
    buf_free(&line);
}

/* The first tag of XML that we write ourselves: its name, and its namespace. */
static void add_payload(struct buf *line, struct span payload)
{
    struct span tag = payload, rest, name;
    ssize_t at;

    if (payload.size < 2)
        return;
    tag = span_from(span_cut(&payload, '>'), 1);
    rest = tag;
    name = span_cut(&rest, ' ');
    buf_printf(line, " <%.*s", SPAN_ARG(name));
    while ((at = span_find(rest, 'x')) >= 0) {
        rest = span_from(rest, (size_t)at);
        if (span_starts(rest, SPAN("xmlns='"))) {
            rest = span_from(rest, 7);
            name = span_cut(&rest, '\'');
            buf_printf(line, " xmlns=%.*s", SPAN_ARG(name));
            break;
        }
        rest = span_from(rest, 1);
    }
    buf_char(line, '>');
}

void router_track_iq(struct router *router, const struct stanza_head *head, struct span type,
                     struct span payload)
{
    struct buf line = { 0 };

    if (nobody(router))
        return;
    begin_line(&line, "out", SPAN("iq"), type, head->id);
    buf_printf(&line, " from=%.*s to=%.*s", SPAN_ARG(head->from), SPAN_ARG(head->to));
    add_payload(&line, payload);
    buf_printf(&line, " %zu bytes", payload.size);
    say(router, head->from, head->to, buf_span(&line));
    buf_free(&line);
}
