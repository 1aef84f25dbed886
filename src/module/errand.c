/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: errand.c - the keeper's end of errands: a letter in, the row of the module, a letter
 * out. */
#include "module/desk.h"

#include "base/clock.h"
#include "os/log.h"

struct errand_call {
    OBJECT_MAGIC
    struct list node;
    struct errand errand; /* what the module sees */
    struct desk *desk;    /* borrowed */
    uint32_t generation;  /* of the router that brought it */
    uint64_t call;
};

static void answer(struct desk *desk, uint32_t generation, uint64_t call, enum problem problem,
                   struct span body)
{
    desk_say(desk, ROW_ROUTER, generation,
             &(struct letter){ .kind = LETTER_ERRAND_DONE,
                               .call = call,
                               .number = (uint32_t)problem,
                               .count = 1,
                               .parts = { body } });
}

void errand_done(struct errand *errand, enum problem problem, struct span body)
{
    struct errand_call *call = OBJECT(LIST_OF(errand, struct errand_call, errand), errand_call);
    struct desk *desk = call->desk;
    struct arena *arena = errand->arena;

    if (body.size > LETTER_MOST / 2) {
        log_warn("an errand of module %s came back with %zu bytes, which is too large to hand on",
                 errand->host->module ? errand->host->module->name : CORE_ERRANDS, body.size);
        problem = PROBLEM_internal;
        body = SPAN("");
    }
    answer(desk, call->generation, call->call, problem, body);
    list_remove(&call->node);
    desk->errand_count--;
    OBJECT_DEAD(call);
    arena_free(&arena); /* the call lies in it */
    desk_settle(desk);
}

static const struct errand_row *row_of(struct desk *desk, const struct letter *letter,
                                       struct module_host **host_r)
{
    if (span_is(letter->parts[0], CORE_ERRANDS)) {
        *host_r = &desk->hosts->core;
        for (const struct errand_row *row = desk->hosts->core_errands; row && row->name; row++)
            if (span_is(letter->parts[1], row->name))
                return row;
        return NULL;
    }
    for (size_t i = 0; i < desk->hosts->count; i++) {
        struct module_host *host = &desk->hosts->items[i];

        if (!span_is(letter->parts[0], host->module->name))
            continue;
        *host_r = host;
        for (const struct errand_row *row = host->module->errands; row && row->name; row++)
            if (span_is(letter->parts[1], row->name))
                return row;
    }
    return NULL;
}

void desk_errand_letter(struct desk *desk, const struct letter *letter)
{
    struct module_host *host = NULL;
    const struct errand_row *row = row_of(desk, letter, &host);
    struct arena *arena;
    struct errand_call *call;

    if (row == NULL) { /* a worker of another configuration than ours */
        answer(desk, desk->router, letter->call, PROBLEM_unavailable, SPAN(""));
        return;
    }
    arena = arena_new();
    call = arena_make(arena, struct errand_call);
    OBJECT_BORN(call, errand_call);
    call->desk = desk;
    call->generation = desk->router;
    call->call = letter->call;
    call->errand.arena = arena;
    call->errand.host = host;
    call->errand.body = arena_copy(arena, letter->parts[2]);
    call->errand.deadline = clock_mono() + letter->number * USEC_PER_MSEC;
    list_append(&desk->errands, &call->node);
    desk->errand_count++;
    row->run(&call->errand);
}
