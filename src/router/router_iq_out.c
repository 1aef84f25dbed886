/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_iq_out.c - IQs that workers and the keeper ask of the XMPP world.
 *
 * A call ends by its answer, at its deadline, at once when the stream is or goes down, or in silence when its
 * caller dies. */
#include "router/router.h"

#include "base/clock.h"
#include "os/log.h"

#include <stdlib.h>

#define CALL_WAIT_MOST_MSEC 3600000u

struct iq_out {
    OBJECT_MAGIC
    struct iq_wait wait;
    struct router *router; /* borrowed */
    struct list node;      /* in the caller's peer */
    unsigned row;
    uint32_t generation;
    uint64_t call; /* the caller's number */
};

static void fail(struct router *router, unsigned row, uint32_t generation, uint64_t call,
                 enum problem problem)
{
    post_send(router->post, row, generation,
              &(struct letter){ .kind = LETTER_IQ_FAILED, .call = call, .number = (uint32_t)problem });
}

static void end(struct iq_out *iq)
{
    must(iq->router->out_count > 0);
    iq->router->out_count--;
    list_remove(&iq->node);
    iq_wait_stop(&iq->wait);
    OBJECT_DEAD(iq);
    free(iq);
}

static void give_answer(struct iq_out *iq, const struct xml_element *answer)
{
    struct buf text = { 0 };
    struct span type = xml_attribute(answer, "type");

    xml_write(&text, answer, SPAN(""));
    if (text.size + type.size + 64 > LETTER_MOST) {
        log_warn("an answer of %zu bytes is too large for process %u", text.size, iq->row);
        fail(iq->router, iq->row, iq->generation, iq->call, PROBLEM_internal);
    } else {
        post_send(
            iq->router->post, iq->row, iq->generation,
            &(struct letter){
                .kind = LETTER_IQ_ANSWER, .call = iq->call, .count = 2, .parts = { type, buf_span(&text) } });
    }
    buf_free(&text);
}

static void on_done(struct iq_wait *wait, enum problem problem, const struct xml_element *answer)
{
    struct iq_out *iq = OBJECT(LIST_OF(wait, struct iq_out, wait), iq_out);

    if (answer) {
        give_answer(iq, answer);
    } else {
        if (problem == PROBLEM_server_silent)
            count_add(COUNT_iqs_timed_out, 1);
        fail(iq->router, iq->row, iq->generation, iq->call, problem);
    }
    end(iq);
}

/* From one of our own addresses, or one below; to any JID; get or set. */
static bool read_letter(struct router *router, const struct letter *letter, struct router_stream **stream_r,
                        struct stanza_head *head_r, struct jid *to_r)
{
    struct jid from;

    if (!jid_parse(router->scratch, letter->parts[0], &from) ||
        !jid_parse(router->scratch, letter->parts[1], to_r) ||
        !(span_is(letter->parts[2], "get") || span_is(letter->parts[2], "set")))
        return false;
    *stream_r = router_stream_of(router, from.domain);
    head_r->from = jid_text(router->scratch, from);
    head_r->to = jid_text(router->scratch, *to_r);
    return *stream_r != NULL;
}

static int64_t deadline_of(const struct router *router, const struct letter *letter)
{
    int64_t wait = router->setting->iq_timeout;

    if (letter->number > 0)
        wait = USEC_PER_MSEC * (letter->number < CALL_WAIT_MOST_MSEC ? letter->number : CALL_WAIT_MOST_MSEC);
    return loop_now(router->loop) + wait;
}

static enum problem send_call(struct router *router, unsigned row, const struct letter *letter)
{
    struct router_stream *stream;
    struct stanza_head head;
    struct jid to;
    struct iq_out *iq;
    struct buf *out;
    const char *why;

    if (!read_letter(router, letter, &stream, &head, &to))
        return PROBLEM_bad_request;
    if (component_state(stream->component) != COMPONENT_UP || router->closed)
        return PROBLEM_server_absent;
    out = router->out_count < IQS_OUT_MOST ? component_out(stream->component) : NULL;
    if (out == NULL)
        return PROBLEM_unavailable;
    iq = must_alloc(sizeof(*iq));
    OBJECT_BORN(iq, iq_out);
    iq->router = router;
    iq->row = row;
    iq->generation = router->peers[row].generation;
    iq->call = letter->call;
    iq_wait_start(stream->asked, &iq->wait, to, deadline_of(router, letter), on_done);
    list_append(&router->peers[row].out, &iq->node);
    router->out_count++;
    head.id = span_of(iq->wait.id);
    if (!stanza_iq(out, &head, span_is(letter->parts[2], "get") ? "get" : "set", letter->parts[3],
                   router->scratch, &why)) {
        log_warn("process %u asked to send what cannot be sent (%s)", row, why);
        end(iq);
        return PROBLEM_bad_request;
    }
    router_count_out(stream);
    count_add(COUNT_iqs_asked, 1);
    return PROBLEM_none;
}

void router_iq_call(struct router *router, unsigned row, const struct letter *letter)
{
    enum problem problem = send_call(router, row, letter);

    arena_reset(router->scratch);
    if (problem != PROBLEM_none)
        fail(router, row, router->peers[row].generation, letter->call, problem);
}

void router_iq_out_forget(struct router *router, unsigned row)
{
    struct list *out = &router->peers[row].out;

    while (!list_empty(out))
        end(LIST_OF(out->next, struct iq_out, node));
}
