/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router.h - what the files of the router share. One thread, one loop.
 *
 * Whatever is kept for others has a bound: IQs in hand, IQs out, claims, services, and by component.h what
 * waits to be sent. A worker may die at any moment: everything that waits for it then ends with an error. */
#ifndef STOA_ROUTER_ROUTER_H
#define STOA_ROUTER_ROUTER_H

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "base/object.h"
#include "conf/settings.h"
#include "os/loop.h"
#include "parse/jid.h"
#include "shm/heritage.h"
#include "shm/mail.h"
#include "xmpp/component.h"
#include "xmpp/disco.h"
#include "xmpp/iq.h"
#include "xmpp/stanza.h"

#define IQS_IN_MOST   5000 /* asked of us and not yet answered; about 0.5 KiB each */
#define IQS_OUT_MOST  5000 /* asked by us and not yet answered */
#define CLAIMS_MOST   512
#define SERVICES_MOST 64

struct router;
struct logins; /* of router_login.h */

/* What a module serves, by name; made by the first component or claim that names it, kept for ever. */
struct service {
    struct disco *disco;           /* owned */
    uint32_t described_generation; /* of the configuration that the description comes from */
    char name[];
};

/* Who answers IQs of one (service, type, namespace, element). Held while any worker that made it lives. */
struct claim {
    uint32_t generation[BOARD_ROWS]; /* 0: that row does not hold it */
};

struct router_stream {
    struct router *router;       /* borrowed */
    struct component *component; /* owned */
    struct jid jid;              /* in router->arena */
    struct service *service;     /* borrowed */
    struct link *link;           /* in the segment */
    struct iq_table *asked;      /* owned; IQs sent from this JID */
    enum component_state state;  /* as last told */
    bool misrouted;              /* it was said that another component's stanzas come here */
};

/* How the router knows a process that joined: workers and the keeper. */
struct peer {
    uint32_t generation; /* 0: not joined */
    bool ready;          /* a worker that made all its claims */
    bool leaving;        /* it drains: taken only where nobody else is, and let go as soon as somebody is */
    bool let_go;         /* it was told that nothing more comes */
    int64_t leave_by;    /* clock_mono: let go then in any case */
    unsigned in_hand;    /* IQs given to it and not yet answered */
    struct list in;      /* struct iq_in */
    struct list out;     /* struct iq_out */
};

struct iq_in;

struct router {
    OBJECT_MAGIC
    const struct heritage *heritage;     /* borrowed */
    const struct xmpp_settings *setting; /* borrowed */
    struct loop *loop;                   /* borrowed */
    struct post *post;                   /* owned */
    struct resolver *resolver;           /* owned */
    struct arena *arena;                 /* owned; lives as long as the router */
    struct arena *scratch;               /* owned; reset after each use */
    struct buf scratch_text;

    struct router_stream *streams; /* in arena */
    unsigned stream_count;
    struct map *services; /* name -> struct service, owned */
    struct map *claims;   /* key of router_claim.c -> struct claim, owned */
    struct peer peers[BOARD_ROWS];
    unsigned next_row; /* where the search for a worker begins */

    struct iq_in *in[IQS_IN_MOST];   /* by the low bits of the call number */
    uint16_t in_unused[IQS_IN_MOST]; /* a stack of free places in it */
    unsigned in_unused_count;
    uint64_t in_serial;
    unsigned out_count;
    struct logins *logins; /* owned */
    struct list errands;   /* struct errand of router_errand.c */
    unsigned errand_count;
    size_t errand_bytes;
    struct timer errand_wait;
    uint64_t errand_serial;

    struct turn turn;     /* behind the post's: what letters made us write leaves in the same turn */
    struct timer start;   /* of the streams, see router_new */
    struct timer release; /* of held streams */
    struct timer let_go;  /* of leaving workers */
    bool started;
    void (*closed)(struct router *router); /* not NULL: router_close was called */
    unsigned closing;
    void *data; /* of who made the router */
};

/* ---- router.c: the whole ---- */
struct router *router_new(const struct heritage *heritage, struct loop *loop);
void router_free(struct router **router); /* cuts all */
/* Everybody who waits gets an answer, each stream its </stream:stream>; then, or at once, calls closed. */
void router_close(struct router *router, void (*closed)(struct router *router));
void router_start(struct router *router); /* the streams, if they do not run yet */

/* ---- router_stream.c ---- */
void router_streams_make(struct router *router);
void router_streams_free(struct router *router);
/* NULL: none of ours. */
struct router_stream *router_stream_of(struct router *router, struct span domain);
/* Where a stanza may be written, already counted; NULL: the stream is down. */
struct buf *router_out(struct router_stream *stream);
void router_count_out(struct router_stream *stream); /* for who used component_out itself */
/* Nothing is read from any stream for a moment: the workers have too much to do. */
void router_hold(struct router *router);

/* ---- router_claim.c ---- */
struct service *router_service(struct router *router, struct span name); /* NULL: too many */
void router_claim(struct router *router, unsigned row, const struct letter *letter);
void router_describe(struct router *router, unsigned row, const struct letter *letter);
void router_unclaim(struct router *router, unsigned row); /* all that row holds */
void router_claims_free(struct router *router);
const struct claim *router_claim_of(struct router *router, const struct service *service,
                                    enum stanza_kind kind, const struct xml_element *payload);
/* The least busy of the living workers that hold it; 0: there is none (row 0 is the router itself). */
unsigned router_pick(struct router *router, const struct claim *claim);
bool router_has_worker(const struct router *router); /* one that has made its claims */
void router_leaving(struct router *router, unsigned row, const struct letter *letter);
void router_let_go(struct router *router); /* those who may go now: after any worker became ready */

/* ---- router_errand.c ---- */
void router_errand(struct router *router, unsigned row, const struct letter *letter);
void router_errand_done(struct router *router, unsigned row, const struct letter *letter);
void router_errands_resume(struct router *router);             /* a keeper is there */
void router_errands_fail(struct router *router, unsigned row); /* who asked, or the keeper, is gone */
void router_errands_free(struct router *router);

/* ---- router_login.c ---- */
void router_logins_make(struct router *router);
void router_logins_end(struct router *router); /* everybody is answered, each session its goodbye */
void router_logins_free(struct router *router);
bool router_is_local(struct router *router, struct span domain); /* one of xmpp/domains */
void router_login(struct router *router, unsigned row, const struct letter *letter);
void router_logout(struct router *router, unsigned row, const struct letter *letter);

/* ---- router_send.c ---- */
void router_send(struct router *router, unsigned row, const struct letter *letter);

/* ---- router_iq_in.c ---- */
void router_iq_in_setup(struct router *router);
/* Gives it to a worker, or refuses it. */
void router_iq_arrived(struct router_stream *stream, struct router_stream *asked, const struct claim *claim,
                       const struct stanza *stanza, const struct stanza_head *head, struct arena *arena);
void router_iq_result(struct router *router, unsigned row, const struct letter *letter);
void router_iq_refused(struct router *router, unsigned row, const struct letter *letter);
void router_iq_in_fail(struct router *router, unsigned row); /* the worker is gone */
void router_iq_in_fail_all(struct router *router);           /* the router goes */

/* ---- router_iq_out.c ---- */
void router_iq_call(struct router *router, unsigned row, const struct letter *letter);
void router_iq_out_forget(struct router *router, unsigned row); /* nobody waits any more */

/* ---- router_mail.c ---- */
extern const struct post_calls router_post_calls;

/* ---- router_track.c: what those who are tracked send and get; a load when nobody is ---- */
void router_track_letter(struct router *router, unsigned row, const struct letter *letter);
void router_track_element(struct router *router, const char *way, struct span from, struct span to,
                          const struct xml_element *stanza);
void router_track_iq(struct router *router, const struct stanza_head *head, struct span type,
                     struct span payload);

#endif
