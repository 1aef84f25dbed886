/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_claim.c - which worker answers what.
 *
 * A claim is only as good as the process that made it: it names row and generation, and a row's claims go
 * with it. Two configurations may be served at once while old workers drain; only living, not draining ones
 * are given anything. */
#include "router/router.h"

#include "base/clock.h"
#include "os/log.h"

#include <stdlib.h>

#define LEAVE_WAIT_MOST (1 * USEC_PER_SEC)  /* for a successor to be ready; at the end of all none comes */
#define LEAVING_LOAD    ((uint64_t)1 << 32) /* whoever stays is less busy than that */

/* service, type, namespace and element, each ended by a byte that is in none of them (they are XML text). */
static struct span key_of(struct router *router, const struct span parts[4])
{
    struct buf *key = &router->scratch_text;

    buf_clear(key);
    for (size_t i = 0; i < 4; i++) {
        buf_add(key, parts[i]);
        buf_char(key, '\0');
    }
    return buf_span(key);
}

struct service *router_service(struct router *router, struct span name)
{
    struct service *service = map_get(router->services, name);

    if (service)
        return service;
    if (map_count(router->services) >= SERVICES_MOST || name.size == 0 || name.size > 64)
        return NULL;
    service = must_alloc(sizeof(*service) + name.size + 1);
    memcpy(service->name, name.at, name.size);
    service->disco = disco_new(name);
    map_set(router->services, name, service);
    return service;
}

void router_claim(struct router *router, unsigned row, const struct letter *letter)
{
    struct span key = key_of(router, letter->parts);
    struct claim *claim = map_get(router->claims, key);

    if (claim == NULL) {
        if (map_count(router->claims) >= CLAIMS_MOST || key.size > 2048) {
            log_warn("process %u claims more kinds of IQs than can be kept; %.*s is left unanswered", row,
                     SPAN_ARG(span_head(letter->parts[2], 200)));
            return;
        }
        claim = must_alloc(sizeof(*claim));
        map_set(router->claims, key, claim);
    }
    claim->generation[row] = router->peers[row].generation;
}

void router_describe(struct router *router, unsigned row, const struct letter *letter)
{
    struct service *service = router_service(router, letter->parts[0]);
    uint32_t generation = atomic_load(&router->heritage->segment->board.rows[row].conf_generation);
    const char *why;

    if (service == NULL || generation < service->described_generation)
        return; /* a worker of the old configuration, which leaves soon */
    if (disco_describe(service->disco, letter->parts[1], letter->parts[2], &why))
        service->described_generation = generation;
    else
        log_warn("the module of service %s describes itself in bad XML (%s); disco#info says less",
                 service->name, why);
}

void router_unclaim(struct router *router, unsigned row)
{
    size_t at = 0;
    struct span key;
    void *value;

    while (map_next(router->claims, &at, &key, &value))
        ((struct claim *)value)->generation[row] = 0;
}

void router_claims_free(struct router *router)
{
    size_t at = 0;
    struct span key;
    void *value;

    while (map_next(router->claims, &at, &key, &value))
        free(value);
    map_free(&router->claims);
    at = 0;
    while (map_next(router->services, &at, &key, &value)) {
        disco_free(&((struct service *)value)->disco);
        free(value);
    }
    map_free(&router->services);
}

const struct claim *router_claim_of(struct router *router, const struct service *service,
                                    enum stanza_kind kind, const struct xml_element *payload)
{
    const struct span parts[4] = { span_of(service->name), kind == STANZA_IQ_GET ? SPAN("get") : SPAN("set"),
                                   payload->ns, payload->name };

    return map_get(router->claims, key_of(router, parts));
}

/* Whether it may be given IQs. What counts is what its letters said, not the board: a draining worker waits
 * for our LET_GO, a dead one is told of by master. */
static bool is_served_by(const struct router *router, const struct claim *claim, unsigned row)
{
    const struct board_row *at = &router->heritage->segment->board.rows[row];
    const struct peer *peer = &router->peers[row];
    uint32_t state = atomic_load(&at->state);

    return claim->generation[row] != 0 && claim->generation[row] == peer->generation && peer->ready &&
           !peer->let_go && (state == ROW_LIVE || state == ROW_DRAINING) &&
           atomic_load(&at->generation) == peer->generation;
}

unsigned router_pick(struct router *router, const struct claim *claim)
{
    const struct board *board = &router->heritage->segment->board;
    unsigned best = 0;
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < BOARD_ROWS; i++) {
        unsigned row = (router->next_row + i) % BOARD_ROWS;
        const struct peer *peer = &router->peers[row];
        uint64_t load;

        if (!is_served_by(router, claim, row))
            continue;
        load = (uint64_t)peer->in_hand + atomic_load_explicit(&board->rows[row].busy, memory_order_relaxed);
        if (peer->leaving)
            load += LEAVING_LOAD;
        if (load < least) {
            least = load;
            best = row;
        }
    }
    if (best)
        router->next_row = best + 1; /* equals take turns */
    return best;
}

/* ---- workers that leave ---- */

static bool has_successor(const struct router *router)
{
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        if (router->peers[row].ready && !router->peers[row].leaving)
            return true;
    return false;
}

static void on_let_go(struct timer *timer)
{
    router_let_go(LIST_OF(timer, struct router, let_go));
}

void router_let_go(struct router *router)
{
    bool succeeded = has_successor(router);
    int64_t now = loop_now(router->loop);

    for (unsigned row = 0; row < BOARD_ROWS; row++) {
        struct peer *peer = &router->peers[row];

        if (peer->generation == 0 || !peer->leaving || peer->let_go)
            continue;
        if (!succeeded && now < peer->leave_by) {
            timer_set(router->loop, &router->let_go, peer->leave_by, on_let_go);
            continue;
        }
        peer->let_go = true;
        post_send(router->post, row, peer->generation, &(struct letter){ .kind = LETTER_LET_GO });
    }
}

void router_leaving(struct router *router, unsigned row, const struct letter *letter)
{
    struct peer *peer = &router->peers[row];

    (void)letter;
    peer->leaving = true;
    if (row == ROW_KEEPER) { /* errands wait for the next one: router_errand.c */
        peer->let_go = true;
        post_send(router->post, row, peer->generation, &(struct letter){ .kind = LETTER_LET_GO });
        return;
    }
    peer->leave_by = loop_now(router->loop) + LEAVE_WAIT_MOST;
    router_let_go(router);
}

bool router_has_worker(const struct router *router)
{
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        if (router->peers[row].ready)
            return true;
    return false;
}
