/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: avatar.h - what the files of the endpoint avatar share: pictures, where they are looked
 * for, and what is remembered of them. */
#ifndef STOA_REST_AVATAR_H
#define STOA_REST_AVATAR_H

#include "rest.h"

#define NS_PUBSUB          "http://jabber.org/protocol/pubsub"
#define NS_AVATAR_DATA     "urn:xmpp:avatar:data"
#define NS_AVATAR_METADATA "urn:xmpp:avatar:metadata"
#define NS_VCARD4          "urn:ietf:params:xml:ns:vcard-4.0"
#define NODE_VCARD4        "urn:xmpp:vcard4"

/* ---- pictures (avatar_picture.c) ---- */

/* Nothing of it set: there is none. */
struct picture {
    const char *type;      /* static, by its bytes: what a server or a user calls it is not believed */
    struct span bytes;     /* empty: it is elsewhere */
    struct span elsewhere; /* an https URL that the user's vCard names */
};

/* One of the raster types that browsers show and that hold no scripts; NULL: none of them. */
const char *picture_type(struct span bytes);
/* Width and height as the head of a PNG or GIF says; false: another type. */
bool picture_size(struct span bytes, unsigned *width_r, unsigned *height_r);
/* Base64 with any white space in it. false: no good base64, none of the types, or larger than most. */
bool picture_decode(struct span base64, size_t most, struct arena *arena, struct picture *picture_r);
/* A data: URI of base64, or an https URL. false: neither. */
bool picture_from_uri(struct span uri, size_t most, struct arena *arena, struct picture *picture_r);

/* ---- where (avatar_search.c) ---- */

enum avatar_source { AVATAR_ANY, AVATAR_PEP, AVATAR_VCARD4, AVATAR_VCARD_TEMP };

/* One search, at one place after the other; owned by who searches, zero but for the first part. */
struct avatar_search {
    OBJECT_MAGIC
    struct module_host *host;
    struct arena *arena;
    struct span from, jid; /* who asks; whose picture: bare, prepared */
    enum avatar_source source;
    size_t most;      /* bytes of a picture */
    int64_t deadline; /* clock_mono */
    void (*done)(struct avatar_search *search);
    void *data; /* of who searches */

    struct picture picture; /* what was found; bytes in arena */
    struct ask ask;         /* its problem is PROBLEM_none unless nobody could be asked */
    unsigned place;         /* avatar_search.c's, as the next */
    struct span id;         /* of the item that the metadata names */
};

/* done is called once, later. */
void avatar_search_start(struct avatar_search *search);
void avatar_search_cancel(struct avatar_search *search);

/* ---- what is remembered (avatar_cache.c) ---- */

/* Of a worker: pictures, and that there is none, as the service itself sees them; bounded, and forgotten when
 * somebody sets one through this server. */
struct avatar_cache;

/* keep: microseconds for which it is remembered; 0: not at all. */
struct avatar_cache *avatar_cache_new(const struct counts *counts, int64_t keep);
void avatar_cache_free(struct avatar_cache **cache);
/* false: nothing is known. The picture is the cache's, until it is called again. */
bool avatar_cache_find(struct avatar_cache *cache, struct span jid, enum avatar_source source, int64_t now,
                       struct picture *picture_r);
void avatar_cache_keep(struct avatar_cache *cache, struct span jid, enum avatar_source source, int64_t now,
                       const struct picture *picture);

/* ---- the endpoint ---- */

/* The bare JID of the path; false: it is none, and the call was answered. */
bool avatar_jid(struct rest_call *call, struct span *jid_r);
void avatar_put(struct rest_call *call);

#endif
