/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_iq_out.c - IQs that workers and the keeper ask of the XMPP world, as
 * a component of ours or as a user that was logged in.
 *
 * A call ends by its answer, at its deadline, at once when the stream is or goes down, or in silence when its
 * caller dies. */
#include "router/router_login.h"

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

static int64_t deadline_of(const struct router *router, const struct letter *letter)
{
    int64_t wait = router->setting->iq_timeout;

    if (letter->number > 0)
        wait = USEC_PER_MSEC * (letter->number < CALL_WAIT_MOST_MSEC ? letter->number : CALL_WAIT_MOST_MSEC);
    return loop_now(router->loop) + wait;
}

/* By which connection a call goes. */
struct way {
    struct router_stream *stream; /* of a component of ours, or */
    struct session *session;      /* of the account that asks */
    struct iq_table *asked;
    struct buf *out;
    struct span from; /* as the server has to read it */
    size_t most;      /* bytes of a stanza there */
};

static enum problem by_stream(const struct router *router, struct router_stream *stream, struct way *way_r)
{
    if (component_state(stream->component) != COMPONENT_UP || router->closed)
        return PROBLEM_server_absent;
    way_r->stream = stream;
    way_r->asked = stream->asked;
    way_r->out = component_out(stream->component);
    way_r->most = STANZA_MOST;
    return way_r->out ? PROBLEM_none : PROBLEM_unavailable;
}

static enum problem by_session(struct session *session, struct way *way_r)
{
    if (session == NULL || !session->up)
        return PROBLEM_no_session;
    if (iq_table_count(session->asked) >= SESSION_IQS_MOST)
        return PROBLEM_too_many_requests;
    router_session_used(session);
    way_r->session = session;
    way_r->asked = session->asked;
    way_r->from = client_full_text(session->client);
    way_r->out = client_out(session->client);
    way_r->most = SESSION_STANZA_MOST;
    return way_r->out ? PROBLEM_none : PROBLEM_unavailable;
}

/* From one of our own addresses, or one below, or from an account that has a session. */
static enum problem find_way(struct router *router, struct span text, struct way *way_r)
{
    struct router_stream *stream;
    struct jid from;

    *way_r = (struct way){ 0 };
    if (!jid_parse(router->scratch, text, &from))
        return PROBLEM_bad_request;
    way_r->from = jid_text(router->scratch, from);
    stream = router_stream_of(router, from.domain);
    if (stream == NULL && (from.local.size == 0 || from.resource.size > 0))
        return PROBLEM_bad_request;
    if (router->out_count >= IQS_OUT_MOST)
        return PROBLEM_unavailable;
    return stream ? by_stream(router, stream, way_r)
                  : by_session(router_session_of(router, way_r->from), way_r);
}

static struct iq_out *make(struct router *router, unsigned row, const struct letter *letter,
                           struct iq_table *asked, struct jid to)
{
    struct iq_out *iq = must_alloc(sizeof(*iq));

    OBJECT_BORN(iq, iq_out);
    iq->router = router;
    iq->row = row;
    iq->generation = router->peers[row].generation;
    iq->call = letter->call;
    iq_wait_start(asked, &iq->wait, to, deadline_of(router, letter), on_done);
    list_append(&router->peers[row].out, &iq->node);
    router->out_count++;
    return iq;
}

static enum problem send_call(struct router *router, unsigned row, const struct letter *letter)
{
    struct span type = letter->parts[2];
    const char *why = "too large for a session";
    struct stanza_head head;
    enum problem problem;
    struct iq_out *iq;
    struct way way;
    struct jid to;
    size_t before;

    if (!jid_parse(router->scratch, letter->parts[1], &to) || !(span_is(type, "get") || span_is(type, "set")))
        return PROBLEM_bad_request;
    problem = find_way(router, letter->parts[0], &way);
    if (problem != PROBLEM_none)
        return problem;
    iq = make(router, row, letter, way.asked, to);
    head = (struct stanza_head){ way.from, jid_text(router->scratch, to), span_of(iq->wait.id) };
    before = way.out->size;
    if (!stanza_iq(way.out, &head, span_is(type, "get") ? "get" : "set", letter->parts[3], router->scratch,
                   &why) ||
        way.out->size - before > way.most) {
        log_warn("process %u asked to send what cannot be sent (%s)", row, why);
        way.out->size = before;
        end(iq);
        return PROBLEM_bad_request;
    }
    router_track_iq(router, &(struct stanza_head){ letter->parts[0], head.to, head.id }, type,
                    letter->parts[3]);
    if (way.stream)
        router_count_out(way.stream);
    else
        count_add(COUNT_stanzas_out, 1);
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
