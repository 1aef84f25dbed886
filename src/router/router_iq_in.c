/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_iq_in.c - IQs that entities ask of our modules: from the stream to a
 * worker and back.
 *
 * Each is answered exactly once: by the worker, at the deadline, when the worker dies, or when the router
 * goes. It is never given to a second worker: the first may have made its promise before it died. */
#include "router/router.h"

#include "base/clock.h"
#include "os/log.h"

#include <stdlib.h>

#define IQ_WAIT_LEAST USEC_PER_SEC

struct iq_in {
    OBJECT_MAGIC
    uint64_t call;
    struct router *router;        /* borrowed */
    struct router_stream *stream; /* borrowed; over which it came and the answer goes */
    unsigned row;                 /* the worker that has it */
    uint32_t generation;
    struct list node; /* in the peer's list */
    struct timer timer;
    struct stanza_head head; /* of the answer; points into text */
    char text[];
};

static const struct stanza_error too_busy = { .type = { "wait", 4 },
                                              .condition = { "resource-constraint", 19 },
                                              .text = { "The service is busy just now; try again soon",
                                                        44 } };
static const struct stanza_error no_answer = { .type = { "wait", 4 },
                                               .condition = { "remote-server-timeout", 21 },
                                               .text = { "The service did not answer in time", 34 } };

void router_iq_in_setup(struct router *router)
{
    router->in_unused_count = IQS_IN_MOST;
    for (unsigned i = 0; i < IQS_IN_MOST; i++)
        router->in_unused[i] = (uint16_t)(IQS_IN_MOST - 1 - i);
}

static void refuse(struct router_stream *stream, const struct stanza_head *head,
                   const struct stanza_error *error)
{
    struct buf *out = router_out(stream);

    if (out == NULL)
        return; /* the server has told the asker that we are gone */
    stanza_refuse(out, head, error, stream->router->scratch);
    arena_reset(stream->router->scratch);
    count_add(COUNT_iqs_refused, 1);
}

/* Out of all books; the caller answers it first. */
static void end(struct iq_in *iq)
{
    struct router *router = iq->router;
    unsigned place = (unsigned)(iq->call % IQS_IN_MOST);

    must(router->in[place] == iq);
    router->in[place] = NULL;
    router->in_unused[router->in_unused_count++] = (uint16_t)place;
    must(router->peers[iq->row].in_hand > 0);
    router->peers[iq->row].in_hand--;
    list_remove(&iq->node);
    timer_stop(&iq->timer);
    OBJECT_DEAD(iq);
    free(iq);
}

static void on_deadline(struct timer *timer)
{
    struct iq_in *iq = LIST_OF(timer, struct iq_in, timer);

    log_debug("process %u did not answer an IQ in time", OBJECT(iq, iq_in)->row);
    refuse(iq->stream, &iq->head, &no_answer);
    end(iq);
}

static struct span keep(char **at, struct span text)
{
    struct span kept = span_make(*at, text.size);

    memcpy(*at, text.at, text.size);
    *at += text.size;
    return kept;
}

static struct iq_in *begin(struct router_stream *stream, unsigned row, const struct stanza_head *head)
{
    struct router *router = stream->router;
    struct iq_in *iq = must_alloc(sizeof(*iq) + head->from.size + head->to.size + head->id.size + 1);
    struct peer *peer = &router->peers[row];
    unsigned place = router->in_unused[--router->in_unused_count];
    int64_t wait = router->setting->iq_timeout;
    char *at = iq->text;

    OBJECT_BORN(iq, iq_in);
    iq->router = router;
    iq->stream = stream;
    iq->row = row;
    iq->generation = peer->generation;
    iq->call = ++router->in_serial * IQS_IN_MOST + place;
    iq->head.from = keep(&at, head->from);
    iq->head.to = keep(&at, head->to);
    iq->head.id = keep(&at, head->id);
    must(router->in[place] == NULL);
    router->in[place] = iq;
    peer->in_hand++;
    list_append(&peer->in, &iq->node);
    timer_set(router->loop, &iq->timer,
              loop_now(router->loop) + (wait > IQ_WAIT_LEAST ? wait : IQ_WAIT_LEAST), on_deadline);
    return iq;
}

void router_iq_arrived(struct router_stream *stream, struct router_stream *asked, const struct claim *claim,
                       const struct stanza *stanza, const struct stanza_head *head, struct arena *arena)
{
    struct router *router = stream->router;
    struct buf *payload = &router->scratch_text;
    unsigned row = router_pick(router, claim);
    struct iq_in *iq;

    if (row == 0 || router->in_unused_count == 0 || router->closed) {
        refuse(stream, head, &too_busy);
        return;
    }
    iq = begin(stream, row, head);
    buf_clear(payload);
    xml_write(payload, stanza->payload, SPAN(""));
    if (post_send(router->post, row, iq->generation,
                  &(struct letter){ .kind = LETTER_IQ_ARRIVED,
                                    .call = iq->call,
                                    .count = 5,
                                    .parts = { asked->jid.domain, jid_text(arena, stanza->from_jid),
                                               stanza->kind == STANZA_IQ_GET ? SPAN("get") : SPAN("set"),
                                               buf_span(payload), span_of(asked->service->name) } }))
        return;
    refuse(stream, &iq->head, &too_busy);
    end(iq);
    router_hold(router);
}

/* The IQ that this letter answers; NULL: it has been answered otherwise meanwhile. */
static struct iq_in *find(struct router *router, unsigned row, const struct letter *letter)
{
    struct iq_in *iq = router->in[letter->call % IQS_IN_MOST];

    if (iq && iq->call == letter->call && iq->row == row && iq->generation == router->peers[row].generation)
        return OBJECT(iq, iq_in);
    log_debug("process %u answered an IQ that nobody waits for any more", row);
    return NULL;
}

void router_iq_result(struct router *router, unsigned row, const struct letter *letter)
{
    struct iq_in *iq = find(router, row, letter);
    struct buf *out = iq ? router_out(iq->stream) : NULL;
    const char *why;

    if (out) {
        if (stanza_iq(out, &iq->head, "result", letter->parts[0], router->scratch, &why)) {
            router_track_iq(router, &iq->head, SPAN("result"), letter->parts[0]);
            count_add(COUNT_iqs_answered, 1);
        } else {
            log_error("process %u answered an IQ with what cannot be sent (%s)", row, why);
            stanza_problem(out, &iq->head, PROBLEM_internal);
            count_add(COUNT_iqs_refused, 1);
        }
        arena_reset(router->scratch);
    }
    if (iq)
        end(iq);
}

void router_iq_refused(struct router *router, unsigned row, const struct letter *letter)
{
    struct iq_in *iq = find(router, row, letter);

    if (iq == NULL)
        return;
    refuse(iq->stream, &iq->head,
           &(struct stanza_error){ .type = letter->parts[0],
                                   .condition = letter->parts[1],
                                   .text = letter->parts[2],
                                   .extra = letter->parts[3] });
    end(iq);
}

void router_iq_in_fail(struct router *router, unsigned row)
{
    struct list *in = &router->peers[row].in;

    while (!list_empty(in)) {
        struct iq_in *iq = LIST_OF(in->next, struct iq_in, node);

        refuse(iq->stream, &iq->head, &too_busy);
        end(iq);
    }
}

void router_iq_in_fail_all(struct router *router)
{
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        router_iq_in_fail(router, row);
}
