/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: inside.h - what the files of this folder know of each other; nobody else includes
 * it.
 *
 * One http_server per worker, one http_conn per connection, one exchange per request in hand. A connection is
 * driven by conn_run only: a step function looks at the state, does what can be done now and says how to go
 * on. Handlers and sinks are called from there and from nowhere else, so no reply is sent, and no request
 * dies, while its handler is still on the stack. */
#ifndef STOA_HTTP_INSIDE_H
#define STOA_HTTP_INSIDE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/object.h"
#include "base/text.h"
#include "conf/settings.h"
#include "http/forward.h"
#include "http/reply.h"
#include "http/server.h"
#include "os/sock.h"
#include "os/tls.h"
#include "parse/http_chunk.h"
#include "parse/uri.h"

#include <sys/uio.h>

#define SHARED_BYTES       (256 * 1024) /* one per worker: bodies in, copies out */
#define TURN_BYTES         (1024 * 1024) /* of one connection in one turn of the loop, then others have theirs */
#define INPUT_BYTES        4096          /* first input buffer: nearly every request head fits */
#define FILE_COPY_BYTES    4096          /* up to here a copy; above, sendfile was measured to cost less */
#define CHUNKED_READ_BYTES (64 * 1024) /* of a chunked body at once: bounds what may have to be kept */
#define DISCARD_BYTES      (64 * 1024) /* of an unwanted body read away to keep the connection */
#define LINGER_BYTES       (16 << 20)  /* read and dropped before closing, so that the reply is not lost */
#define LINGER_WAIT_USEC   (2 * USEC_PER_SEC)  /* without a byte */
#define LINGER_MOST_USEC   (10 * USEC_PER_SEC) /* in all */
#define RATE_GRACE_USEC    (10 * USEC_PER_SEC) /* before min-body-rate counts */
#define HALF_CLOSED_USEC   (5 * USEC_PER_SEC)  /* what a parked request gets after its client's FIN */
#define DRAIN_IDLE_USEC    (1 * USEC_PER_SEC)  /* idle that long when draining: nothing is under way */
#define ACCEPTS_PER_WAKE   8
#define POOLED_MOST        64 /* spare exchanges, and spare input buffers, that a worker keeps */

/* ---- certificates (prepare.c) ---- */
struct http_tls {
    struct tls_store *store; /* owned */
};

/* ---- the worker's server (server.c) ---- */
struct http_listener {
    OBJECT_MAGIC
    struct watch watch;
    struct http_server *server;                 /* borrowed */
    const struct connection_settings *settings; /* borrowed from the conf */
    int fd;                                     /* borrowed from the heritage */
    bool tls;
};

struct http_server {
    OBJECT_MAGIC
    const struct heritage *heritage; /* borrowed, and all below but what says owned */
    const struct http_server_settings *settings;
    const struct router_table *table;
    const struct http_tls *tls;
    struct loop *loop;
    struct http_listener *listeners; /* owned, listener_count of them */
    unsigned listener_count;
    struct trusted trusted;   /* owned */
    struct timer rest;        /* wakes the listeners again after EMFILE */
    struct timer drain_timer; /* looks for idle connections while draining */
    int spare_fd;             /* given up for a moment to refuse a connection when descriptors are out */
    bool resting;             /* listeners are not watched: too many connections, or no descriptor */
    bool draining;
    void (*over)(void *data, const struct http_request *request, int status, int64_t usec);
    void *over_data;
    struct list conns; /* of struct http_conn */
    unsigned conn_count;
    char *shared; /* owned; SHARED_BYTES; its content lasts for one step only; NULL before first use */
    struct list spare_exchanges; /* of struct exchange */
    unsigned spare_exchange_count;
    void *spare_inputs; /* INPUT_BYTES each, chained by their first word */
    unsigned spare_input_count;
    struct list orphans; /* exchanges whose handler still works though the connection is gone */
    uint64_t id_seed, id_count;
    int64_t date_second; /* of which date and stamp are the text; 0: none yet */
    char date[HTTP_DATE_SIZE];
    char stamp[32]; /* 22/Nov/2026:18:14:24 +0000 */
    void (*guard)(void *data, struct http_request *request, enum route_access access,
                  void (*go)(struct http_request *request));
    void *guard_data;
    void (*drained)(void *data);
    void *drained_data;
    struct task drained_task;
};

char *server_shared(struct http_server *server);
void server_clock(struct http_server *server); /* puts date and stamp right */
char *server_input_take(struct http_server *server);
void server_input_put(struct http_server *server, char **input, size_t room);
void server_conn_gone(struct http_server *server); /* one less: may accept again, may be drained */

/* ---- one request in hand (exchange.c) ---- */
struct piece {            /* of a reply, in order */
    struct span memory;   /* at NULL: a piece of the file */
    int64_t offset, size; /* of the file */
};

struct exchange {
    struct http_request request; /* first: a request is its exchange */
    uint32_t magic;
    struct http_head head;
    struct list node;           /* of spare_exchanges or orphans */
    struct http_server *server; /* borrowed */
    struct task release;        /* of an orphan that was answered */
    char *input;                /* owned by an orphan only: what its spans point into */
    struct buf input_spill;     /* the same */
    struct uri_host host;
    char client[IP_TEXT];
    int64_t began;   /* loop time of the first step */
    int64_t parked;  /* loop time since when the handler owes an answer */
    struct buf path; /* decoded; reused */

    /* the body, as the handler takes it */
    const struct body_sink *sink; /* NULL: not taken */
    bool paused, body_done;
    struct buf collected; /* request_read_body of chunked */
    size_t collect_most;
    void (*collect_done)(struct http_request *request, struct span body);

    /* the reply */
    bool replied, cancelled;
    int status;
    struct buf fields; /* lines added by the handler; reused */
    struct buf text;   /* the whole head; reused */
    struct span type;  /* Content-Type, for the head */
    struct piece few[3];
    struct piece *pieces; /* few, or in the arena */
    size_t piece_count, piece_at;
    int64_t body_sent, head_left; /* bytes; head_left: of text not yet sent */
    int fd;                       /* of the file; -1 */
};

struct exchange *exchange_of(struct http_request *request);
struct exchange *exchange_take(struct http_server *server);
void exchange_put(struct exchange **exchange); /* ends the request: arena, descriptor */
void exchange_free_spares(struct http_server *server);
/* A clean one for an answer of our own after the handler was cancelled; keeps id, client and head. */
void exchange_renew(struct exchange *exchange);

/* ---- one connection (conn.c) ---- */
enum conn_state {
    CONN_PROXY,     /* a PROXY header is due; nothing else was read */
    CONN_HANDSHAKE, /* TLS is being agreed on */
    CONN_IDLE,      /* between requests: no byte of the next one, no buffer, no exchange */
    CONN_HEAD,      /* some bytes of a request head are in the buffer */
    CONN_HANDLER,   /* a handler has the request: it takes the body, or is parked; no reply yet */
    CONN_REPLY,     /* the reply is being sent */
    CONN_DISCARD,   /* reply sent, request over; the rest of its body is read and dropped */
    CONN_LINGER,    /* our side is shut; what comes is dropped until the client closes */
    CONN_H2,        /* a carrier of HTTP/2: requests are on virtual connections, see h2.h */
};

struct http_conn {
    OBJECT_MAGIC
    enum conn_state state;
    struct list node; /* in server->conns; a virtual one is in none */
    struct http_server *server;
    const struct http_listener *listener;
    struct watch watch;
    struct timer timer;
    struct task task;
    struct h2_session *h2;     /* owned; of a carrier; else NULL */
    struct h2_stream *stream;  /* borrowed; of a virtual connection: its transport; else NULL */
    struct tls *tls;           /* owned; NULL: plain; borrowed from the carrier by a virtual one */
    int fd;                    /* owned; -1: a virtual one */
    struct exchange *exchange; /* owned; NULL between requests */
    struct client peer;        /* as accepted, or as a PROXY header said */
    struct ip_address counted; /* for which address_count was raised */
    bool is_counted;
    bool driving;     /* conn_run is on the stack */
    bool gone;        /* found dead by somebody below conn_run: it closes */
    bool last;        /* no further request on this connection */
    bool client_last; /* and the client knows: it asked for it */
    bool half_closed; /* its FIN was told */
    bool read_empty;  /* this turn's read of a head was made */
    bool again;       /* there is more to do without waiting: ask for a turn */

    char *in; /* owned; NULL: none */
    size_t in_room, in_size, in_at;
    struct buf spill; /* bytes behind a chunked body's piece in hand; in order after in */
    size_t spill_at;

    bool chunked, expect; /* expect: 100 Continue is owed */
    bool has_body;        /* of the request in hand: not yet read to its end */
    uint64_t body_left;   /* of a stated length */
    size_t discarded;     /* of an unwanted one */
    struct http_chunk chunk;

    size_t turn_bytes;
    unsigned requests;
    int64_t since;      /* loop time: idle since, rate counted since, lingering since */
    int64_t rate_usec;  /* counted before since */
    int64_t rate_bytes; /* in that direction */
};

enum step { STEP_AGAIN, STEP_WAIT, STEP_CLOSE };

void conn_new(const struct http_listener *listener, int fd, const struct sock_address *peer);
struct http_conn *conn_new_virtual(const struct http_conn *carrier, struct h2_stream *stream);
/* What follows the PROXY header, or comes first without one. false: refused, or no memory: close. */
bool conn_begin(struct http_conn *conn);
void conn_run(struct http_conn *conn);
void conn_later(struct http_conn *conn);  /* conn_run at the end of this turn, unless it runs now */
void conn_close(struct http_conn **conn); /* cuts; the handler is cancelled */
void conn_cancel(struct http_conn *conn); /* the handler: told, or orphaned; exchange is clean after */
void conn_deadline(struct http_conn *conn, int64_t wait); /* from now */
bool conn_too_slow(const struct http_conn *conn);

/* ---- bytes (io.c): > 0; 0: the end; -1 with errno, EAGAIN among them ---- */
ssize_t conn_recv(struct http_conn *conn, void *into, size_t size);
ssize_t conn_drop(struct http_conn *conn, size_t size); /* what came is forgotten, not even decrypted */
ssize_t conn_send(struct http_conn *conn, const struct iovec *parts, int count, bool more);
ssize_t conn_sendfile(struct http_conn *conn, int fd, int64_t offset, size_t size);
bool conn_can_sendfile(const struct http_conn *conn);
void conn_shut(struct http_conn *conn); /* our direction */

/* ---- HTTP/2: the carrier (h2_session.c) ---- */
void h2_begin(struct http_conn *conn); /* h2 was agreed on */
void h2_free(struct http_conn *conn);  /* ends the session and all virtual connections */
bool h2_wants_write(const struct http_conn *conn);
bool h2_time_out(struct http_conn *conn); /* true: it says so to the client first */
void h2_drain(struct http_conn *conn);    /* called again and again while draining */
void h2_idle(struct h2_session *session); /* a stream is gone */

/* ---- HTTP/2: the transport of a virtual connection (h2_stream.c); bytes as in io.c ---- */
ssize_t h2_recv(struct http_conn *conn, void *into, size_t size);
ssize_t h2_send(struct http_conn *conn, const struct iovec *parts, int count);
ssize_t h2_sendfile(struct http_conn *conn, int fd, int64_t offset, size_t size);
bool h2_pending(const struct http_conn *conn); /* something can be read */
bool h2_flush(struct http_conn *conn);         /* no more is written; true: all is out */
/* The reply does not move because others have their turn, not because the client takes none. */
bool h2_waits_for_others(struct http_conn *conn);
void h2_detach(struct http_conn *conn); /* the connection ends; the stream too, in order or broken off */

/* ---- steps ---- */
enum step proxy_step(struct http_conn *conn);     /* proxy.c */
enum step handshake_step(struct http_conn *conn); /* io.c */
enum step head_step(struct http_conn *conn);      /* head.c */
enum step body_step(struct http_conn *conn);      /* body.c */
enum step discard_step(struct http_conn *conn);   /* body.c */
enum step send_step(struct http_conn *conn);      /* send.c */
enum step linger_step(struct http_conn *conn);    /* conn.c */
enum step h2_step(struct http_conn *conn);        /* h2_session.c */
enum step request_end(struct http_conn *conn);    /* conn.c: the reply is out */
bool body_fits_discard(const struct http_conn *conn);

void phase_run(struct http_conn *conn); /* phase.c: GUARD to CONTENT; the head is parsed */
void phase_refuse(struct http_conn *conn, enum problem problem, const char *detail); /* and last */
void access_line(const struct http_conn *conn);                                      /* access.c: LOG */

/* ---- of reply.c, for the other writers ---- */
void reply_drop_field(struct exchange *exchange, const char *name);
bool reply_has_field(const struct exchange *exchange, const char *name);
void reply_whole(struct exchange *exchange, int status, const char *type, int64_t size); /* head and done */
bool reply_wanted(struct exchange *exchange); /* false: cancelled or orphaned; the reply goes nowhere */

#endif
