/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_errand.c - errands: letters between a worker and the keeper, which
 * have no rings of their own to each other.
 *
 * The router is the postman: it gives each errand a number of its own, so that an answer finds who asked, and
 * tells whoever waits when the other one has died. The deadline is the keeper's and the asker's business. */
#include "router/router.h"

#include "os/log.h"

#include <stdlib.h>

#define ERRANDS_MOST 4096

struct errand {
    OBJECT_MAGIC
    struct list node; /* in router->errands */
    unsigned row;     /* who asked */
    uint32_t generation;
    uint64_t call;   /* the asker's number */
    uint64_t serial; /* ours, under which the keeper knows it */
};

static void answer(struct router *router, unsigned row, uint32_t generation, uint64_t call,
                   enum problem problem, struct span body)
{
    post_send(router->post, row, generation,
              &(struct letter){ .kind = LETTER_ERRAND_DONE,
                                .call = call,
                                .number = (uint32_t)problem,
                                .count = 1,
                                .parts = { body } });
}

static void end(struct router *router, struct errand *errand)
{
    must(router->errand_count > 0);
    router->errand_count--;
    list_remove(&errand->node);
    OBJECT_DEAD(errand);
    free(errand);
}

void router_errand(struct router *router, unsigned row, const struct letter *letter)
{
    const struct peer *keeper = &router->peers[ROW_KEEPER];
    struct errand *errand;
    struct letter out = *letter;

    if (keeper->generation == 0 || router->errand_count >= ERRANDS_MOST) {
        answer(router, row, router->peers[row].generation, letter->call, PROBLEM_unavailable, SPAN(""));
        return;
    }
    errand = must_alloc(sizeof(*errand));
    OBJECT_BORN(errand, errand);
    errand->row = row;
    errand->generation = router->peers[row].generation;
    errand->call = letter->call;
    errand->serial = out.call = ++router->errand_serial;
    list_append(&router->errands, &errand->node);
    router->errand_count++;
    if (post_send(router->post, ROW_KEEPER, keeper->generation, &out))
        return;
    answer(router, row, errand->generation, errand->call, PROBLEM_unavailable, SPAN(""));
    end(router, errand);
}

void router_errand_done(struct router *router, unsigned row, const struct letter *letter)
{
    struct list *all = &router->errands;

    (void)row;
    for (struct list *at = all->next; at != all; at = at->next) {
        struct errand *errand = OBJECT(LIST_OF(at, struct errand, node), errand);

        if (errand->serial != letter->call)
            continue;
        answer(router, errand->row, errand->generation, errand->call,
               letter->number < PROBLEM_COUNT ? (enum problem)letter->number : PROBLEM_internal,
               letter->parts[0]);
        end(router, errand);
        return;
    }
    log_debug("the keeper did an errand that nobody waits for any more");
}

void router_errands_fail(struct router *router, unsigned row)
{
    struct list *all = &router->errands, *next;

    for (struct list *at = all->next; at != all; at = next) {
        struct errand *errand = OBJECT(LIST_OF(at, struct errand, node), errand);

        next = at->next;
        if (row == ROW_KEEPER)
            answer(router, errand->row, errand->generation, errand->call, PROBLEM_unavailable, SPAN(""));
        if (row == ROW_KEEPER || errand->row == row)
            end(router, errand);
    }
}

void router_errands_free(struct router *router)
{
    while (!list_empty(&router->errands))
        end(router, LIST_OF(router->errands.next, struct errand, node));
}
