/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: h2.h - what the h2_*.c files know of each other: HTTP/2 (RFC 9113) in the terms of
 * HTTP/1.1.
 *
 * A connection that agreed on h2 is a carrier: it has a session, and the session has streams. Each request
 * stream is given an http_conn of its own, a virtual one without a socket, that reads a request head written
 * from the stream's fields and writes a reply head that becomes fields again. So parser, phases, limits,
 * timeouts, handlers and the access log are those of HTTP/1.1, and HTTP/1.1 does not know of any of this.
 *
 * Who calls whom: nghttp2 is driven by the carrier's conn_run only, virtual connections by tasks of their
 * own. Neither runs the other; each only asks for a turn of the other (conn_later, h2_wake). So no stream
 * dies under its handler, and no callback of nghttp2 meets a session in the middle of another.
 *
 * What a carrier may hold, at most: H2_WINDOW_BYTES of request bodies that no sink has taken yet;
 * H2_HELD_BYTES, H2_OUT_BYTES and H2_STREAMS_MOST * H2_OUT_LEAST of reply bodies, together below 4 MiB; about
 * 10 KiB for each open request, as a connection of HTTP/1.1; H2_GATHER_BYTES of frames that the socket did
 * not take; nghttp2's own tables, about 30 KiB. Idle, it holds those tables alone. */
#ifndef STOA_HTTP_H2_H
#define STOA_HTTP_H2_H

#include "http/inside.h"

#include <nghttp2/nghttp2.h>

#define H2_STREAMS_MOST        100
#define H2_STREAM_WINDOW_BYTES (1 << 20)    /* 1 MiB in flight: 80 Mbit/s at 100 ms */
#define H2_WINDOW_BYTES        (4 << 20)    /* of all streams: some paused uploads do not stop the others */
#define H2_OUT_BYTES           (256 * 1024) /* of one reply, read ahead of the client's window */
#define H2_OUT_LEAST           (16 * 1024)  /* the same, once the carrier holds H2_HELD_BYTES: one frame */
#define H2_HELD_BYTES          (2 << 20)
#define H2_GATHER_BYTES        (64 * 1024) /* frames that leave in one write: four TLS records */
#define H2_RESETS_MOST         100         /* streams that a client breaks off, in H2_RESETS_USEC */
#define H2_RESETS_USEC         (10 * USEC_PER_SEC)
#define H2_ACKS_MOST           256 /* of PING and SETTINGS that the client does not read */
#define H2_FLOOD_TIMES         16  /* so many times max-head-size in one head: an attack */

/* ---- a request head, from fields to text (h2_head.c) ---- */
struct h2_head {
    struct buf method, path, scheme, authority; /* pseudo-fields */
    struct buf host, cookie;
    struct buf lines; /* other fields, as HTTP/1.1 writes them */
    size_t most;      /* bytes of text that the parser may see */
    size_t size;      /* bytes of fields so far, dropped ones too */
    bool has_length;
};

void h2_head_begin(struct h2_head *head, size_t most);
/* One field, in order of arrival. false: malformed (RFC 9113 8.2, 8.3). What is beyond most is dropped. */
bool h2_head_field(struct h2_head *head, struct span name, struct span value);
/* The whole head as HTTP/1.1 writes it; one that is larger than most is cut behind that many bytes, and the
 * parser refuses it with the right status. false: malformed. */
bool h2_head_write(struct h2_head *head, bool has_body, struct buf *text);
void h2_head_free(struct h2_head *head);

/* ---- a connection's session (h2_session.c) ---- */
struct h2_session {
    OBJECT_MAGIC
    struct http_conn *conn;   /* borrowed: the carrier, which owns this */
    nghttp2_session *nghttp2; /* owned */
    struct list streams;      /* of struct h2_stream, owned: all that nghttp2 has not closed, or a conn has */
    struct h2_head head;      /* of the stream whose fields are coming: blocks never interleave (4.3) */
    struct buf out;           /* frames that the socket did not take */
    size_t out_at;
    size_t held;         /* bytes in all streams' out */
    int64_t turn;        /* loop time for which turn_bytes counts: tasks run several times in one turn */
    size_t turn_bytes;   /* both ways */
    int64_t sent_at;     /* loop time when the last body bytes left */
    int64_t reset_since; /* loop time since when resets counts */
    unsigned resets;
    uint64_t requests;
    int64_t drain_since; /* loop time of the first GOAWAY of a drain; 0: not draining */
    bool greeted;        /* the client's SETTINGS came */
    bool head_due;       /* the fields of a request have begun to come: header_timeout runs */
    bool leaving;        /* the last GOAWAY was given out: no new stream is served */
    bool ending;         /* the session ends as soon as that GOAWAY is out, or at the next time-out */
    bool only_write;     /* woken by a stream: no read is due */
    bool dead;           /* being freed: nghttp2 is not told any more */
};

void h2_wake(struct h2_session *session); /* frames are to be sent */

/* ---- a stream (h2_stream.c) ---- */
struct h2_stream {
    OBJECT_MAGIC
    struct list node; /* in session->streams */
    struct h2_session *session;
    struct http_conn *conn; /* owned; NULL: the head is not whole yet, or the request is over */
    int32_t id;
    struct buf head; /* for the parser */
    size_t head_at;
    struct buf in; /* body bytes as they came; their window is given back when they are read */
    size_t in_at;
    struct buf out; /* reply body, not yet in frames */
    size_t out_at;
    bool born;     /* had a conn */
    bool chunked;  /* a body without Content-Length: read as chunked */
    bool ended;    /* END_STREAM came */
    bool end_told; /* and the last chunk was read */
    bool replied;  /* the head of the final reply is with nghttp2 */
    bool finished; /* all of the reply was written */
    bool flushed;  /* END_STREAM is out */
    bool closed;   /* nghttp2 forgot it: it goes with conn */
};

struct h2_stream *h2_stream_new(struct h2_session *session, int32_t id);
void h2_stream_free(struct h2_stream **stream);
/* The head is whole. false: malformed. */
bool h2_stream_request(struct h2_stream *stream, bool ended);
void h2_stream_data(struct h2_stream *stream, struct span bytes);
void h2_stream_wake(struct h2_stream *stream); /* its conn, if there is one */

#endif
