/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_login.h - what the files of logins and sessions share.
 *
 * router_login.c: letters, limits, answers. router_login_proof.c: one try at the server. router_session.c:
 * the sessions that stay. router_session_iq.c: what goes over them. router_send.c: messages and presence. */
#ifndef STOA_ROUTER_ROUTER_LOGIN_H
#define STOA_ROUTER_ROUTER_LOGIN_H

#include "router/router.h"
#include "shm/auth_cache.h"
#include "xmpp/client.h"

#define LOGIN_WAITS_MOST   5000 /* letters LOGIN that wait for an answer, over all */
#define LOGIN_PROOFS_MOST  1000 /* tries that are under way or wait for their turn */
#define LOGIN_AT_ONCE_MOST 16   /* tries under way */
#define LOGIN_UNPAID_MOST  256  /* tries that wait for others to give back what they paid */
#define SESSION_IQS_MOST   64   /* asked over one session and not yet answered */
/* ejabberd closes a session at 262144 bytes by default, Prosody at 256 KiB. */
#define SESSION_STANZA_MOST ((size_t)250 * 1024)
#define LOGIN_CLIENT_SIZE   80 /* a client address as a bucket's name */
#define LOGIN_NAME_SIZE     (2 * AUTH_MAC + 1)

/* Who waits for a proof: a letter's sender. If it is gone its answer goes nowhere. */
struct login_wait {
    struct list node; /* in a proof or a session that opens */
    unsigned row;
    uint32_t generation;
    uint64_t call;
};

/* A password that is shown to the server. Two LOGINs of the same pair share one. */
struct proof {
    OBJECT_MAGIC
    struct router *router;           /* borrowed */
    struct client *client;           /* owned until it becomes a session's */
    struct list node;                /* in logins->waiting until it is begun */
    struct list waits;               /* struct login_wait */
    char *key;                       /* owned; its place in logins->proofs: MAC in hex, then JID */
    struct span jid;                 /* the end of key */
    char name[LOGIN_NAME_SIZE];      /* the MAC in hex */
    char address[LOGIN_CLIENT_SIZE]; /* whose bucket paid; "" none */
    bool known;                      /* it was right lately */
    bool paid;                       /* by the buckets of its address and its account: may be given back */
    bool owes;                       /* it waits until these can pay, as others may give back */
    bool begun;
    struct login_secret *secret; /* owned: for the auth cache */
};

/* A user's session at the server. */
struct session {
    OBJECT_MAGIC
    struct router *router; /* borrowed */
    struct client *client; /* owned */
    struct list node;      /* in logins->sessions_by_use, least recently used first */
    struct list waits;     /* struct login_wait, until it is up */
    char *jid_text;        /* owned; bare, prepared */
    struct span jid;
    char name[LOGIN_NAME_SIZE]; /* of the pair that was proved last */
    int64_t proved, used;       /* clock_mono */
    bool up;
    struct login_secret *secret; /* owned until it is up */
    struct iq_table *asked;      /* owned */
    struct timer idle;
};

struct logins {
    struct client_world world;
    struct map *proofs;   /* key -> struct proof */
    struct map *sessions; /* bare JID -> struct session */
    struct list waiting;  /* struct proof: not begun, oldest first */
    struct list sessions_by_use;
    unsigned session_count, wait_count, under_way;
    unsigned paid_count, unpaid_count; /* of proofs: those that may give back, those that wait for it */
    int64_t said[CLIENT_ENDS];         /* when the log last heard of that end; 0: never */
    bool ending;                       /* nothing new is begun */
};

/* ---- router_login.c ---- */
/* Answers all of them and forgets them. */
void router_login_answer(struct router *router, struct list *waits, enum problem problem,
                         const char *sentence, int64_t wait);
void router_login_say(struct router *router, enum client_end end, struct span domain, const char *detail);
void router_login_next(struct router *router); /* begins what waits for its turn, as far as it may */
/* What was paid when it was admitted. */
void router_login_refund(struct proof *proof);
void router_login_keep(struct router *router, struct span jid, const struct login_secret *secret);

/* ---- router_login_proof.c ---- */
/* By the name of a pair: it was right in the last days, or wrong in the last minute. */
bool router_login_known(struct router *router, const char *name);
/* What was wrong before the account was changed may be right now: such an account is asked for again. */
bool router_login_wrong(struct router *router, const char *name, struct span jid);
void router_login_changed(struct router *router, struct span jid);
void router_login_forget(struct router *router, const char *name); /* that it was right */
struct login_secret *login_secret_new(struct span password);
void login_secret_free(struct login_secret **secret); /* wipes */
struct span login_secret_text(const struct login_secret *secret);
/* NULL: what the password holds can be none. */
struct proof *proof_new(struct router *router, struct jid jid, struct span password, const char *name);
void proof_begin(struct proof *proof);
void proof_free(struct proof **proof); /* cuts its client; answers nobody */

/* ---- router_session.c ---- */
struct session *router_session_of(struct router *router, struct span jid); /* opening or up; NULL: none */
/* Makes room and a session of a proof that was successful. NULL: there is no room. The proof is spent. */
struct session *router_session_open(struct proof *proof);
void router_session_used(struct session *session);
/* Says goodbye; whoever waits for it or over it is told that problem. */
void router_session_close(struct session *session, enum problem problem);

/* ---- router_session_iq.c ---- */
void router_session_stanza(struct session *session, const struct xml_element *element, struct arena *arena);

#endif
