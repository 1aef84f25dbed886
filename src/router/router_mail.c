/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_mail.c - letters that come, and who serves them; peers that come and
 * go. What mail.tbl allows has been checked before it comes here. */
#include "router/router.h"

#include "os/log.h"

static void ready(struct router *router, unsigned row, const struct letter *letter)
{
    size_t at = 0;
    struct span name;
    void *service;

    (void)letter;
    router->peers[row].ready = true;
    while (map_next(router->services, &at, &name, &service))
        disco_settle(((struct service *)service)->disco);
    router_start(router);
    router_let_go(router);
}

static void (*const letters[LETTER_KINDS])(struct router *router, unsigned row,
                                           const struct letter *letter) = {
    [LETTER_CLAIM] = router_claim,
    [LETTER_DESCRIBE] = router_describe,
    [LETTER_READY] = ready,
    [LETTER_LEAVING] = router_leaving,
    [LETTER_ERRAND] = router_errand,
    [LETTER_ERRAND_DONE] = router_errand_done,
    [LETTER_TRACK] = router_track_letter,
    [LETTER_IQ_RESULT] = router_iq_result,
    [LETTER_IQ_REFUSED] = router_iq_refused,
    [LETTER_IQ_CALL] = router_iq_call,
    [LETTER_SEND] = router_send,
    [LETTER_LOGIN] = router_login,
    [LETTER_LOGOUT] = router_logout,
};

static void on_letter(void *data, unsigned row, uint32_t generation, const struct letter *letter)
{
    struct router *router = OBJECT(data, router);

    must(row < BOARD_ROWS && router->peers[row].generation == generation);
    if (letter->kind < LETTER_KINDS && letters[letter->kind])
        letters[letter->kind](router, row, letter);
}

static void on_joined(void *data, unsigned row, uint32_t generation)
{
    struct router *router = OBJECT(data, router);
    struct peer *peer = &router->peers[row];

    must(peer->in_hand == 0 && list_empty(&peer->in) && list_empty(&peer->out));
    peer->generation = generation;
    peer->ready = peer->leaving = peer->let_go = false;
    if (row == ROW_KEEPER)
        router_errands_resume(router);
}

/* In this order: those who asked are told while the book still knows who had their IQ. */
static void on_lost(void *data, unsigned row, uint32_t generation)
{
    struct router *router = OBJECT(data, router);
    struct peer *peer = &router->peers[row];

    if (peer->generation != generation)
        return;
    if (peer->in_hand)
        log_warn("process %u died with %u IQs in hand; who asked is told to try again", row, peer->in_hand);
    router_iq_in_fail(router, row);
    router_iq_out_forget(router, row);
    router_errands_fail(router, row);
    router_unclaim(router, row);
    peer->generation = 0;
    peer->ready = false;
}

const struct post_calls router_post_calls = { .letter = on_letter, .joined = on_joined, .lost = on_lost };
