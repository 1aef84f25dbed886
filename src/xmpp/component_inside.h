/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: component_inside.h - what the files of a component share, and tests reach into.
 *
 * component.c: connecting, bytes, timers. component_stream.c: what the bytes mean. component_trouble.c: what
 * to say. */
#ifndef STOA_XMPP_COMPONENT_INSIDE_H
#define STOA_XMPP_COMPONENT_INSIDE_H

#include "base/object.h"
#include "xmpp/component.h"

#define TROUBLE_SIZE 200 /* as the links table shows it */

/* Why a stream is down; each is said in the log once between two good times. */
enum trouble {
    TROUBLE_NONE,
    TROUBLE_NAME,     /* the host has no address */
    TROUBLE_CONNECT,  /* no TCP connection */
    TROUBLE_LATE,     /* connected, but the server says nothing */
    TROUBLE_EARLY,    /* closed before a stream header */
    TROUBLE_PORT,     /* something else than a component port */
    TROUBLE_SECRET,   /* not-authorized */
    TROUBLE_HOST,     /* host-unknown */
    TROUBLE_CONFLICT, /* somebody else is this component */
    TROUBLE_REPLACED, /* somebody else has become this component */
    TROUBLE_ERROR,    /* any other stream error */
    TROUBLE_BROKEN,   /* what came is not XML, or too large */
    TROUBLE_SILENT,   /* a ping was not answered */
    TROUBLE_CLOSED,   /* ended by the server without a reason */
    TROUBLE_COUNT
};

struct component {
    OBJECT_MAGIC
    struct loop *loop;                        /* borrowed */
    struct resolver *resolver;                /* borrowed */
    const struct xmpp_settings *xmpp;         /* borrowed */
    const struct component_settings *setting; /* borrowed */
    const struct component_calls *calls;      /* borrowed */
    void *data;
    struct span jid; /* owned */
    enum component_state state;

    int fd; /* -1: none */
    struct watch watch;
    struct timer timer; /* of the state: its deadline, the next try */
    struct timer idle;  /* while up: keep-alives and pings */
    struct task flush;
    struct xml_stream *stream; /* owned; NULL without a connection */
    struct buf out;            /* [sent, size) still has to go */
    size_t sent;
    bool held, feeding;

    struct resolve_job *resolving;
    struct resolved addresses; /* of this round of tries */
    unsigned next_address;

    enum trouble pending; /* found while feeding; the fall comes behind it */
    char detail[TROUBLE_SIZE];
    unsigned failures;                      /* in a row, for the back-off */
    int64_t up_since, heard, spoke, pinged; /* clock_mono; pinged 0: no ping is open */
    unsigned said;                          /* bits of enum trouble */
    bool said_down;                         /* since the last line that said it is connected */
    enum trouble round_trouble;             /* of the first address of this round */
    char trouble[TROUBLE_SIZE];
};

/* component.c: this stream is over, for that reason; detail may be NULL. While bytes are being fed it happens
 * behind them. */
void component_fall(struct component *component, enum trouble trouble, const char *detail);
void component_is_up(struct component *component);
void component_state_set(struct component *component, enum component_state state, int64_t wait);
/* Takes a connected socket as if it had just been connected; for the tests too. */
void component_adopt(struct component *component, int fd);
/* Bytes from the server. */
void component_input(struct component *component, struct span bytes);
void component_flush_soon(struct component *component);
void component_finish(struct component *component); /* COMPONENT_CLOSING is over */

/* component_stream.c */
void component_stream_open(struct component *component); /* parser and our header */
void component_ping(struct component *component);

/* component_trouble.c: writes component->trouble, and a line to the log when it is news. */
void component_complain(struct component *component, enum trouble trouble, const char *detail);
void component_rejoice(struct component *component);
void component_warn_of_network(struct component *component);

#endif
