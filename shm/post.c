/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0, os/bell, os/log, os/loop: post.c - who is joined to whom, and the turn in which letters
 * come.
 *
 * The rings of a row are put in order by whoever survived, while nobody else has them open; so a newborn
 * never waits for anybody, and nobody meets bytes of the dead. shm/README.md has the protocol and its
 * argument; in short, for row r and the router: r died:        master says DEAD; the router forgets it,
 * resets its rings, says FREE (master does both when there is no router). Only FREE rows are given out.
 *   router died:   its row's generation rises; each r forgets the old one, resets the rings of r and says
 *                  acknowledged = that generation; the router opens r's rings only when that is its own.
 * Whoever is sent nonsense cuts the rings; the worker or keeper then ends and is reborn with clean ones. */
#include "shm/mail.h"

#include "base/clock.h"
#include "base/object.h"
#include "os/bell.h"
#include "os/log.h"
#include "shm/peer.h"

#include <stdlib.h>

#define TAKE_MOST  64u                   /* letters of one peer in one turn: the loop has others to serve */
#define BEAT_EVERY (100 * USEC_PER_MSEC) /* how fresh the board's beat is kept, at most */
#define BEAT_SLEEP USEC_PER_SEC /* how stale it gets when nothing happens, and twice a wheel's slot */

struct post {
    OBJECT_MAGIC
    const struct heritage *heritage; /* borrowed */
    struct board *board;             /* in the segment */
    struct loop *loop;               /* borrowed */
    const struct post_calls *calls;  /* borrowed */
    void *data;
    struct watch bell;
    struct turn turn;
    struct task ring;  /* the bells of those who were sent letters in this turn */
    struct task again; /* keeps the loop awake while letters are left */
    struct timer beat;
    int64_t beaten;
    uint32_t changes;              /* board->changes when we looked last */
    bool looked;                   /* at all */
    struct peer peers[BOARD_ROWS]; /* by row; a worker's or the keeper's only one is [ROW_ROUTER] */
};

static bool is_router(const struct post *post)
{
    return post->heritage->kind == PROCESS_router;
}

/* Of the pair between us and that row. */
static struct ring_pair *pair_of(const struct post *post, unsigned row)
{
    return &post->heritage->segment->rings[is_router(post) ? row : post->heritage->row];
}

static void reset_pair(struct ring_pair *pair)
{
    ring_reset(&pair->to_router);
    ring_reset(&pair->from_router);
}

static void tell_change(struct post *post, unsigned row)
{
    atomic_fetch_add(&post->board->changes, 1);
    bell_ring(post->heritage->bell_fd[row]);
}

/* ---- joining and losing ---- */

static void join(struct post *post, unsigned row, uint32_t generation)
{
    struct ring_pair *pair = pair_of(post, row);
    struct peer *peer = &post->peers[row];

    peer->kind = (enum process_kind)atomic_load(&post->board->rows[row].kind);
    peer->bell_fd = post->heritage->bell_fd[row];
    if (is_router(post))
        peer_open(peer, &pair->from_router, &pair->to_router, generation);
    else
        peer_open(peer, &pair->to_router, &pair->from_router, generation);
    post->calls->joined(post->data, row, generation);
}

static void lose(struct post *post, unsigned row)
{
    struct peer *peer = &post->peers[row];
    uint32_t generation = peer->generation;

    peer_close(peer);
    post->calls->lost(post->data, row, generation);
}

/* What it wrote before it died counts: an answer that is in the ring was given. Its half letters were never
 * published. */
static void read_last_letters(struct post *post, unsigned row)
{
    struct peer *peer = &post->peers[row];
    struct letter letter;

    if (ring_is_cut(peer->in.ring))
        return;
    while (peer_take(peer, post->heritage->kind, &letter) == RING_TAKEN)
        post->calls->letter(post->data, row, peer->generation, &letter);
}

static void cut_off(struct post *post, unsigned row, const char *why)
{
    struct ring_pair *pair = pair_of(post, row);
    struct peer *peer = &post->peers[row];

    ring_cut(&pair->to_router);
    ring_cut(&pair->from_router);
    bell_ring(peer->bell_fd);
    if (!is_router(post))
        log_fatal("the rings to the router are cut: %s; this process ends and is born again", why);
    log_warn("the rings to the %s in row %u are cut: %s", board_kind_name(peer->kind), row, why);
    peer->cut = peer->generation;
    lose(post, row);
}

static bool is_joinable(const struct post *post, const struct peer *peer, const struct board_row *at,
                        uint32_t generation)
{
    uint32_t state = atomic_load(&at->state);

    return !peer->joined && (state == ROW_LIVE || state == ROW_DRAINING) && peer->cut != generation &&
           atomic_load(&at->acknowledged) == post->heritage->generation &&
           atomic_load(&at->generation) == generation;
}

/* The router's view of one row. DEAD is said after the process was reaped: its rings are ours alone. */
static void look_at_row(struct post *post, unsigned row)
{
    struct board_row *at = &post->board->rows[row];
    struct peer *peer = &post->peers[row];
    uint32_t generation = atomic_load(&at->generation), dead = ROW_DEAD;

    if (peer->joined && !board_lives(post->board, row, peer->generation)) {
        read_last_letters(post, row);
        lose(post, row);
    }
    if (atomic_load(&at->state) == ROW_DEAD) {
        reset_pair(pair_of(post, row));
        if (atomic_compare_exchange_strong(&at->state, &dead, ROW_FREE))
            atomic_fetch_add(&post->board->changes, 1);
    } else if (is_joinable(post, peer, at, generation)) {
        join(post, row, generation);
    }
}

/* A worker's or the keeper's view of the router. Until acknowledged is said, the rings of our row are ours.
 */
static void look_at_router(struct post *post)
{
    struct board_row *own = &post->board->rows[post->heritage->row];
    struct peer *peer = &post->peers[ROW_ROUTER];
    uint32_t generation = atomic_load(&post->board->rows[ROW_ROUTER].generation);
    bool alive = board_lives(post->board, ROW_ROUTER, generation);

    if (peer->joined && (!alive || generation != peer->generation)) {
        read_last_letters(post, ROW_ROUTER);
        lose(post, ROW_ROUTER);
    }
    if (!alive || peer->joined)
        return;
    reset_pair(pair_of(post, ROW_ROUTER));
    atomic_store(&own->acknowledged, generation);
    tell_change(post, ROW_ROUTER);
    join(post, ROW_ROUTER, generation);
}

/* The number is loaded before the rows: what changes while we look brings us here again. */
static void look_at_board(struct post *post)
{
    uint32_t changes = atomic_load(&post->board->changes);

    if (post->looked && changes == post->changes)
        return;
    post->looked = true;
    post->changes = changes;
    if (!is_router(post)) {
        look_at_router(post);
        return;
    }
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        if (row != ROW_ROUTER)
            look_at_row(post, row);
}

/* ---- letters ---- */

/* true: there is more than one turn's share. */
static bool serve_peer(struct post *post, unsigned row)
{
    struct peer *peer = &post->peers[row];
    enum ring_verdict verdict = RING_EMPTY;
    struct letter letter;

    if (ring_is_cut(peer->in.ring)) {
        cut_off(post, row, "the other end met nonsense");
        return false;
    }
    for (unsigned taken = 0; taken < TAKE_MOST; taken++) {
        verdict = peer_take(peer, post->heritage->kind, &letter);
        if (verdict != RING_TAKEN)
            break;
        post->calls->letter(post->data, row, peer->generation, &letter);
    }
    if (verdict == RING_NONSENSE) {
        cut_off(post, row, "what came is not a letter, or not one for us");
        return false;
    }
    peer_feed(peer);
    peer_pump(peer);
    return verdict == RING_TAKEN;
}

static bool serve_all(struct post *post)
{
    bool more = false;

    for (unsigned row = 0; row < BOARD_ROWS; row++)
        if (post->peers[row].joined && serve_peer(post, row))
            more = true;
    return more;
}

/* At the end of a turn, not at each letter: a batch of letters costs one system call, and whoever is woken
 * finds them all. */
static void ring_bells(struct post *post)
{
    task_cancel(&post->ring);
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        if (post->peers[row].joined)
            peer_wake(&post->peers[row]);
}

static void post_on_ring(struct task *task)
{
    ring_bells(OBJECT(LIST_OF(task, struct post, ring), post));
}

/* Says that we sleep, then looks a last time; both ends fence in between (ring.h). */
static bool may_sleep(struct post *post)
{
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        if (post->peers[row].joined)
            ring_announce_sleep(&post->peers[row].in);
    ring_fence();
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        if (post->peers[row].joined && peer_has_work(&post->peers[row]))
            return false;
    return true;
}

static void stay_awake(struct task *task)
{
    (void)task; /* that a task waits is what keeps the loop from sleeping */
}

static void beat(struct post *post)
{
    int64_t now = loop_now(post->loop);

    if (now - post->beaten < BEAT_EVERY)
        return;
    post->beaten = now;
    atomic_store_explicit(&post->board->rows[post->heritage->row].beat, now, memory_order_relaxed);
}

/* The bell was cleared before (a watch comes earlier in the loop's turn than this): clear, look, only then
 * sleep. */
static void post_on_turn(struct turn *turn)
{
    struct post *post = OBJECT(LIST_OF(turn, struct post, turn), post);
    bool more;

    beat(post);
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        if (post->peers[row].joined)
            ring_awake(&post->peers[row].in);
    look_at_board(post);
    more = serve_all(post);
    ring_bells(post);
    if (more || !may_sleep(post))
        task_defer(post->loop, &post->again, stay_awake);
}

static void post_on_bell(struct watch *watch, uint32_t events)
{
    (void)events;
    bell_clear(watch->fd);
}

static void post_on_beat(struct timer *timer)
{
    struct post *post = OBJECT(LIST_OF(timer, struct post, beat), post);

    count_add(COUNT_log_lines_lost, log_take_lost());
    timer_set(post->loop, timer, loop_now(post->loop) + BEAT_SLEEP, post_on_beat);
}

bool post_send(struct post *post, unsigned row, uint32_t generation, const struct letter *letter)
{
    struct peer *peer = &post->peers[row];

    must(row < BOARD_ROWS);
    if (peer->joined && peer->generation == generation) {
        must(letter_allowed(letter, post->heritage->kind, peer->kind));
        if (letter_size(letter) > LETTER_MOST) {
            log_warn("a letter %s of %zu bytes is too large and was not sent", letter_name(letter->kind),
                     letter_size(letter));
        } else if (peer_send(peer, letter)) {
            count_add(COUNT_letters, 1);
            task_defer(post->loop, &post->ring, post_on_ring);
            return true;
        }
    }
    count_add(COUNT_letters_refused, 1);
    return false;
}

bool post_idle(const struct post *post)
{
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        if (post->peers[row].joined && post->peers[row].waiting.size > post->peers[row].begun)
            return false;
    return true;
}

/* ---- birth and end ---- */

void post_clean_dead_rows(struct segment *segment)
{
    for (unsigned row = 0; row < BOARD_ROWS; row++) {
        if (row == ROW_ROUTER || atomic_load(&segment->board.rows[row].state) != ROW_DEAD)
            continue;
        reset_pair(&segment->rings[row]);
        atomic_store(&segment->board.rows[row].state, ROW_FREE);
    }
}

static void say_live(struct post *post)
{
    uint32_t starting = ROW_STARTING;

    atomic_compare_exchange_strong(&post->board->rows[post->heritage->row].state, &starting, ROW_LIVE);
    if (!is_router(post)) {
        tell_change(post, ROW_ROUTER);
        return;
    }
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        if (row != ROW_ROUTER)
            tell_change(post, row);
}

struct post *post_new(const struct heritage *heritage, struct loop *loop, const struct post_calls *calls,
                      void *data)
{
    struct post *post = must_alloc(sizeof(*post));

    OBJECT_BORN(post, post);
    must(heritage->kind > PROCESS_NONE && heritage->kind < PROCESS_KINDS && heritage->row < BOARD_ROWS);
    must((heritage->kind == PROCESS_router) == (heritage->row == ROW_ROUTER));
    post->heritage = heritage;
    post->board = &heritage->segment->board;
    post->loop = loop;
    post->calls = calls;
    post->data = data;
    watch_start(loop, &post->bell, heritage->bell_fd[heritage->row], EPOLLIN, post_on_bell);
    turn_add(loop, &post->turn, post_on_turn);
    timer_set(loop, &post->beat, loop_now(loop) + BEAT_SLEEP, post_on_beat);
    say_live(post);
    return post;
}

void post_free(struct post **post)
{
    if (*post == NULL)
        return;
    ring_bells(*post);
    watch_stop(&(*post)->bell);
    turn_remove(&(*post)->turn);
    task_cancel(&(*post)->again);
    timer_stop(&(*post)->beat);
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        peer_close(&(*post)->peers[row]);
    OBJECT_DEAD(*post);
    free(*post);
    *post = NULL;
}
