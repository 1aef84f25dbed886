/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0, os/bell, os/log, os/loop: peer.c - see peer.h. */
#include "shm/peer.h"

#include "base/must.h"
#include "os/bell.h"

#define MORE        1u           /* flag of a record: the letter goes on in the next one */
#define KEEP_BYTES  (64u * 1024) /* a buffer that was larger once is given back when it is empty */
#define LETTER_SIZE (LETTER_MOST + sizeof(struct letter_head))

static void forget(struct buf *buf)
{
    buf_clear(buf);
    if (buf->room > KEEP_BYTES)
        buf_free(buf);
}

void peer_open(struct peer *peer, struct ring *out, struct ring *in, uint32_t generation)
{
    must(!peer->joined);
    ring_write_open(&peer->out, out);
    ring_read_open(&peer->in, in);
    peer->generation = generation;
    peer->joined = true;
}

void peer_close(struct peer *peer)
{
    peer->joined = peer->told = peer->unrung = false;
    peer->begun = peer->sent = 0;
    buf_free(&peer->waiting);
    buf_free(&peer->partial);
}

void peer_wake(struct peer *peer)
{
    if (!peer->unrung)
        return;
    peer->unrung = false;
    if (ring_must_wake(&peer->out))
        bell_ring(peer->bell_fd);
}

static bool put_whole(struct peer *peer, const struct letter *letter, const struct letter_head *head)
{
    struct span parts[LETTER_PARTS + 1] = { { (const char *)head, sizeof(*head) } };

    for (unsigned i = 0; i < letter->count; i++)
        parts[i + 1] = letter->parts[i];
    return ring_put(&peer->out, 0, parts, letter->count + 1);
}

static void enqueue(struct peer *peer, const struct letter *letter, const struct letter_head *head,
                    size_t size)
{
    uint32_t prefix = (uint32_t)size;

    if (peer->begun > peer->waiting.size / 2) {
        buf_eat(&peer->waiting, peer->begun);
        peer->begun = 0;
    }
    buf_add(&peer->waiting, span_make((const char *)&prefix, sizeof(prefix)));
    buf_add(&peer->waiting, span_make((const char *)head, sizeof(*head)));
    for (unsigned i = 0; i < letter->count; i++)
        buf_add(&peer->waiting, letter->parts[i]);
}

bool peer_send(struct peer *peer, const struct letter *letter)
{
    size_t size = letter_size(letter), queued = peer->waiting.size - peer->begun;
    struct letter_head head;

    must(size <= LETTER_SIZE);
    letter_make_head(letter, &head);
    if (queued == 0 && size <= RING_RECORD && put_whole(peer, letter, &head)) {
        peer->unrung = true;
        return true;
    }
    if (queued + size > POST_QUEUE_BYTES)
        return false;
    enqueue(peer, letter, &head, size);
    peer_pump(peer);
    return true;
}

/* One piece of the first letter that waits. false: no room. */
static bool put_piece(struct peer *peer)
{
    struct span rest = span_from(buf_span(&peer->waiting), peer->begun);
    struct span piece;
    uint32_t size;

    memcpy(&size, rest.at, sizeof(size));
    piece = span_head(span_from(rest, sizeof(size) + peer->sent), size - peer->sent);
    piece = span_head(piece, RING_RECORD);
    if (!ring_put(&peer->out, peer->sent + piece.size < size ? MORE : 0, &piece, 1))
        return false;
    peer->sent += piece.size;
    if (peer->sent == size) {
        peer->begun += sizeof(size) + size;
        peer->sent = 0;
    }
    return true;
}

static bool is_queued(const struct peer *peer)
{
    return peer->begun < peer->waiting.size;
}

/* Woken when there is room: want_room is asked again after the announcement, or the last wake-up could have
 * passed between a full ring and the flag. */
void peer_pump(struct peer *peer)
{
    bool put = false;

    if (!is_queued(peer))
        return;
    do
        while (is_queued(peer) && put_piece(peer))
            put = true;
    while (is_queued(peer) && ring_want_room(&peer->out));
    if (!is_queued(peer)) {
        forget(&peer->waiting);
        peer->begun = 0;
    }
    if (put)
        peer->unrung = true;
}

enum ring_verdict peer_take(struct peer *peer, enum process_kind own, struct letter *letter_r)
{
    uint32_t flags = MORE;

    if (peer->told)
        forget(&peer->partial);
    peer->told = false;
    while (flags & MORE) {
        enum ring_verdict verdict = ring_take(&peer->in, &flags, &peer->partial);

        if (verdict != RING_TAKEN)
            return verdict;
        if (peer->partial.size > LETTER_SIZE || flags > MORE)
            return RING_NONSENSE;
    }
    if (!letter_open(buf_span(&peer->partial), letter_r) || !letter_allowed(letter_r, peer->kind, own))
        return RING_NONSENSE;
    peer->told = true;
    return RING_TAKEN;
}

void peer_feed(struct peer *peer)
{
    if (ring_must_feed(&peer->in))
        bell_ring(peer->bell_fd);
}

bool peer_has_work(struct peer *peer)
{
    return !ring_is_empty(&peer->in) || ring_is_cut(peer->in.ring) ||
           (is_queued(peer) && ring_want_room(&peer->out));
}
