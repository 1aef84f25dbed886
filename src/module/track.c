/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: track.c - see track.h. The keeper writes the files; letters go there by the router. */
#include "module/track.h"

#include "base/clock.h"
#include "base/text.h"
#include "module/desk.h"

#include <unistd.h>

#define TRACK_WAIT (10 * USEC_PER_SEC)

void track_ask(struct module_host *host, struct ask *ask, struct arena *arena, struct span jid,
               struct span file)
{
    const char *body = arena_printf(arena, "%s %.*s %.*s", file.size ? "add" : "remove",
                                    SPAN_ARG(file.size ? file : SPAN("-")), SPAN_ARG(jid));

    desk_errand(host, ask, arena, CORE_ERRANDS, "track", span_of(body), TRACK_WAIT);
}

void track_say(struct module_host *host, struct span jid, struct span text)
{
    const struct trackers *trackers = &host->segment->trackers;
    struct desk *desk = host->desk;
    struct tracked_view view;
    struct buf line = { 0 };
    char stamp[STAMP_SIZE];

    if (!trackers_any(trackers) || jid.size == 0 || desk->router == 0)
        return;
    text_stamp(clock_wall(), stamp);
    buf_printf(&line, "%s worker[%d] %.*s", stamp, (int)getpid(), SPAN_ARG(text));
    for (unsigned i = 0; i < TRACKED_MOST; i++)
        if (tracker_read(trackers, i, &view) && tracker_fits(&view, jid))
            desk_say(desk, ROW_ROUTER, desk->router,
                     &(struct letter){ .kind = LETTER_TRACK,
                                       .count = 2,
                                       .parts = { span_of(view.file), buf_span(&line) } });
    buf_free(&line);
}
