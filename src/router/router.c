/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router.c - the router as one object, so that a test can have one too. */
#include "router/router.h"

#include "base/clock.h"

#include <stdlib.h>

/* The streams come up when the first worker can serve, so that nobody finds the components half dumb; but
 * after this time in any case: a refusal is better than an absent component. */
#define START_WAIT (1 * USEC_PER_SEC)

void router_start(struct router *router)
{
    if (router->started || router->closed)
        return;
    router->started = true;
    timer_stop(&router->start);
    for (unsigned i = 0; i < router->stream_count; i++)
        component_start(router->streams[i].component);
}

static void on_start(struct timer *timer)
{
    router_start(LIST_OF(timer, struct router, start));
}

static void on_turn(struct turn *turn)
{
    struct router *router = LIST_OF(turn, struct router, turn);

    for (unsigned i = 0; i < router->stream_count; i++)
        component_flush(router->streams[i].component);
}

struct router *router_new(const struct heritage *heritage, struct loop *loop)
{
    struct router *router = must_alloc(sizeof(*router));

    OBJECT_BORN(router, router);
    router->heritage = heritage;
    router->setting = heritage->settings->xmpp;
    router->loop = loop;
    router->resolver = resolver_new(loop);
    router->arena = arena_new();
    router->scratch = arena_new();
    router->services = map_new();
    router->claims = map_new();
    router->next_row = ROW_WORKER_0;
    for (unsigned row = 0; row < BOARD_ROWS; row++) {
        list_init(&router->peers[row].in);
        list_init(&router->peers[row].out);
    }
    list_init(&router->errands);
    router_iq_in_setup(router);
    router_streams_make(router);
    router_logins_make(router);
    timer_set(loop, &router->start, loop_now(loop) + START_WAIT, on_start);
    router->post = post_new(heritage, loop, &router_post_calls, router);
    turn_add(loop, &router->turn, on_turn);
    return router;
}

void router_close(struct router *router, void (*closed)(struct router *router))
{
    if (router->closed)
        return;
    router->closed = closed;
    timer_stop(&router->start);
    router_iq_in_fail_all(router);
    for (unsigned i = 0; i < router->stream_count; i++)
        iq_table_fail(router->streams[i].asked, PROBLEM_server_absent);
    router_logins_end(router);
    router->closing = router->stream_count + 1; /* not zero before the last was told */
    for (unsigned i = 0; i < router->stream_count; i++)
        component_close(router->streams[i].component);
    if (--router->closing == 0)
        closed(router);
}

void router_free(struct router **router_at)
{
    struct router *router = *router_at;

    if (router == NULL)
        return;
    timer_stop(&router->start);
    timer_stop(&router->release);
    timer_stop(&router->let_go);
    turn_remove(&router->turn);
    for (unsigned row = 0; row < BOARD_ROWS; row++) {
        router_iq_in_fail(router, row);
        router_iq_out_forget(router, row);
    }
    router_errands_free(router);
    router_streams_free(router);
    router_logins_free(router);
    post_free(&router->post);
    router_claims_free(router);
    resolver_free(&router->resolver);
    buf_free(&router->scratch_text);
    arena_free(&router->scratch);
    arena_free(&router->arena);
    OBJECT_DEAD(router);
    free(router);
    *router_at = NULL;
}
