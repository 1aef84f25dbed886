/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_errand.c - errands: letters between a worker and the keeper, which
 * have no rings of their own to each other.
 *
 * The router is the postman: it gives each errand a number of its own, so that an answer finds who asked.
 * While there is no keeper (a reload puts a new one in its place) errands wait a little for the next; one
 * that was handed to a keeper which then died fails, as nobody knows what it did of it. */
#include "router/router.h"

#include "base/clock.h"
#include "os/log.h"

#include <stdlib.h>

#define ERRANDS_MOST 4096
#define KEPT_MOST    (4u * 1024 * 1024)  /* bytes of errands that wait for a keeper */
#define KEEPER_WAIT  (10 * USEC_PER_SEC) /* the old one may work on what it has for 5 s */

struct errand {
    OBJECT_MAGIC
    struct list node; /* in router->errands */
    unsigned row;     /* who asked */
    uint32_t generation;
    uint64_t call;   /* the asker's number */
    uint64_t serial; /* ours, under which the keeper knows it */
    int64_t until;   /* clock_mono; 0: it was handed to the keeper */
    uint32_t number;
    struct span parts[3];
    char text[];
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
    router->errand_bytes -= errand->parts[2].size;
    list_remove(&errand->node);
    OBJECT_DEAD(errand);
    free(errand);
}

static void fail(struct router *router, struct errand *errand)
{
    answer(router, errand->row, errand->generation, errand->call, PROBLEM_unavailable, SPAN(""));
    end(router, errand);
}

static void hand_over(struct router *router, struct errand *errand)
{
    const struct peer *keeper = &router->peers[ROW_KEEPER];

    errand->until = 0;
    if (!post_send(router->post, ROW_KEEPER, keeper->generation,
                   &(struct letter){ .kind = LETTER_ERRAND,
                                     .call = errand->serial,
                                     .number = errand->number,
                                     .count = 3,
                                     .parts = { errand->parts[0], errand->parts[1], errand->parts[2] } }))
        fail(router, errand);
}

static struct errand *begin(struct router *router, unsigned row, const struct letter *letter)
{
    const struct span *parts = letter->parts;
    struct errand *errand = must_alloc(sizeof(*errand) + parts[0].size + parts[1].size + parts[2].size + 1);
    char *at = errand->text;

    OBJECT_BORN(errand, errand);
    for (unsigned i = 0; i < 3; i++) {
        if (parts[i].size)
            memcpy(at, parts[i].at, parts[i].size);
        errand->parts[i] = span_make(at, parts[i].size);
        at += parts[i].size;
    }
    errand->row = row;
    errand->generation = router->peers[row].generation;
    errand->call = letter->call;
    errand->number = letter->number;
    errand->serial = ++router->errand_serial;
    errand->until = loop_now(router->loop) + KEEPER_WAIT;
    list_append(&router->errands, &errand->node);
    router->errand_count++;
    router->errand_bytes += errand->parts[2].size;
    return errand;
}

/* The oldest is the first. */
static void on_waited(struct timer *timer)
{
    struct router *router = LIST_OF(timer, struct router, errand_wait);
    struct list *all = &router->errands, *next;
    int64_t now = loop_now(router->loop);

    for (struct list *at = all->next; at != all; at = next) {
        struct errand *errand = OBJECT(LIST_OF(at, struct errand, node), errand);

        next = at->next;
        if (errand->until > now) {
            timer_set(router->loop, timer, errand->until, on_waited);
            return;
        }
        if (errand->until)
            fail(router, errand);
    }
}

void router_errand(struct router *router, unsigned row, const struct letter *letter)
{
    struct errand *errand;

    if (router->errand_count >= ERRANDS_MOST || router->errand_bytes + letter->parts[2].size > KEPT_MOST ||
        router->closed) {
        answer(router, row, router->peers[row].generation, letter->call, PROBLEM_unavailable, SPAN(""));
        return;
    }
    errand = begin(router, row, letter);
    if (router->peers[ROW_KEEPER].generation && !router->peers[ROW_KEEPER].leaving)
        hand_over(router, errand);
    else if (router->errand_wait.loop == NULL || router->errand_wait.deadline > errand->until)
        timer_set(router->loop, &router->errand_wait, errand->until, on_waited);
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

void router_errands_resume(struct router *router)
{
    struct list *all = &router->errands, *next;

    for (struct list *at = all->next; at != all; at = next) {
        struct errand *errand = OBJECT(LIST_OF(at, struct errand, node), errand);

        next = at->next;
        if (errand->until)
            hand_over(router, errand);
    }
}

void router_errands_fail(struct router *router, unsigned row)
{
    struct list *all = &router->errands, *next;

    for (struct list *at = all->next; at != all; at = next) {
        struct errand *errand = OBJECT(LIST_OF(at, struct errand, node), errand);

        next = at->next;
        if (errand->row == row)
            end(router, errand);
        else if (row == ROW_KEEPER && errand->until == 0)
            fail(router, errand);
    }
}

void router_errands_free(struct router *router)
{
    timer_stop(&router->errand_wait);
    while (!list_empty(&router->errands))
        end(router, LIST_OF(router->errands.next, struct errand, node));
}
