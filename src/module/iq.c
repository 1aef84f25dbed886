/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: iq.c - a worker's desk for IQs: a letter in, the module that claimed it, a letter out.
 *
 * The router has already matched namespace and element to a claim of ours; it is looked up again here since a
 * letter is not trusted more than its table allows. An IQ in hand outlives the router's death: its answer
 * then goes nowhere, as the asker was told by the server that the component is gone. */
#include "module/desk.h"

#include "base/buf.h"
#include "os/log.h"

struct iq_call {
    OBJECT_MAGIC
    struct list node;
    struct iq_request request; /* what the module sees */
    struct desk *desk;         /* borrowed */
    unsigned row;              /* whom to answer */
    uint32_t generation;
    uint64_t call;
};

static void call_end(struct iq_call *call)
{
    struct desk *desk = call->desk;
    struct arena *arena = call->request.arena;

    list_remove(&call->node);
    desk->in_count--;
    OBJECT_DEAD(call);
    arena_free(&arena); /* the call lies in it */
    desk_settle(desk);
}

static struct iq_call *call_of(struct iq_request *request)
{
    return OBJECT((char *)request - offsetof(struct iq_call, request), iq_call);
}

void iq_answer(struct iq_request *request, struct span payload)
{
    struct iq_call *call = call_of(request);

    desk_say(
        call->desk, call->row, call->generation,
        &(struct letter){ .kind = LETTER_IQ_RESULT, .call = call->call, .count = 1, .parts = { payload } });
    call_end(call);
}

static void refuse_letter(struct desk *desk, unsigned row, uint32_t generation, uint64_t call,
                          enum problem problem, const char *detail, struct span extra)
{
    desk_say(desk, row, generation,
             &(struct letter){ .kind = LETTER_IQ_REFUSED,
                               .call = call,
                               .count = 4,
                               .parts = { span_of(problem_type(problem)), span_of(problem_condition(problem)),
                                          span_of(detail ? detail : problem_text(problem)), extra } });
}

void iq_refuse(struct iq_request *request, enum problem problem, const char *detail, struct span extra)
{
    struct iq_call *call = call_of(request);

    refuse_letter(call->desk, call->row, call->generation, call->call, problem, detail, extra);
    call_end(call);
}

/* The row of a module here for that service, kind, namespace and element; *host_r is whose. */
static const struct iq_row *row_for(struct desk *desk, struct span service, struct iq_request *request,
                                    struct module_host **host_r)
{
    for (size_t i = 0; i < desk->hosts->count; i++) {
        struct module_host *host = &desk->hosts->items[i];

        if (!span_eq(service, span_of(host->module->service)))
            continue;
        for (const struct iq_row *row = host->module->iqs; row && row->ns; row++)
            if (row->kind == request->kind && xml_is(request->payload, row->ns, row->element)) {
                *host_r = host;
                return row;
            }
    }
    return NULL;
}

void desk_iq_letter(struct desk *desk, unsigned row, uint32_t generation, const struct letter *letter)
{
    struct arena *arena;
    struct iq_call *call;
    struct xml_element *payload;
    const struct iq_row *claimed = NULL;
    const char *why = "";

    arena = arena_new();
    call = arena_make(arena, struct iq_call);
    OBJECT_BORN(call, iq_call);
    call->desk = desk;
    call->row = row;
    call->generation = generation;
    call->call = letter->call;
    call->request.arena = arena;
    call->request.component = arena_copy(arena, letter->parts[0]);
    call->request.from = arena_copy(arena, letter->parts[1]);
    call->request.kind = span_is(letter->parts[2], "get") ? IQ_GET : IQ_SET;
    list_append(&desk->in, &call->node);
    desk->in_count++;
    if (xml_document(letter->parts[3], &xml_limits_component, arena, &payload, &why) == 1 &&
        jid_parse(arena, call->request.from, &call->request.from_jid)) {
        call->request.payload = payload;
        call->request.host = &desk->hosts->core;
        if (desk_command_iq(desk, letter->parts[4], &call->request))
            return;
        claimed = row_for(desk, letter->parts[4], &call->request, &call->request.host);
    }
    if (claimed == NULL) {
        iq_refuse(&call->request, PROBLEM_bad_request, NULL, SPAN(""));
        return;
    }
    claimed->handle(&call->request);
}
