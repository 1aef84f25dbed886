/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: fetch.h - HTTP requests of scripts to the world outside: asked for in a worker, made in
 * the keeper.
 *
 * A script that takes an address from a stranger must not become a door into the operator's own network: so
 * the address is judged when it is connected to, not when its name is read. Redirects are told, never
 * followed; no proxy of the environment, no protocol but http and https, no credentials of the machine. */
#ifndef STOA_REST_FETCH_H
#define STOA_REST_FETCH_H

#include "base/buf.h"
#include "module/call.h"
#include "parse/ip.h"
#include "parse/json.h"

#include <sys/socket.h>

#define FETCH_ERRAND       "fetch"
#define FETCH_WISH_MOST    (256 * 1024) /* bytes of a request's body */
#define FETCH_SECONDS_MOST 60           /* of one request, from its begin to the last byte */
#define FETCH_ANSWER_MOST                                                                                    \
    (INT64_C(768) * 1024) /* of one answer: it travels in one letter, beside its head                        \
                           */

/* ---- judging (fetch_guard.c): pure ---- */
/* Addresses that no stranger may make us ask: loopback, private, link-local, shared, metadata services,
 * documentation, multicast, tunnels that end in such. In allowed they are let through all the same. */
bool fetch_address_good(const struct ip_address *address, const struct ip_network *allowed, size_t count);
/* The same for what is about to be connected to. false: text_r is the address. An IPv4 address that comes as
 * IPv6 is refused: nobody honest has one. */
bool fetch_sockaddr_good(const struct sockaddr *address, const struct ip_network *allowed, size_t count,
                         char text_r[IP_TEXT]);
/* A method or a header that a script may give; false: why_r. */
bool fetch_method_good(struct span method);
bool fetch_header_good(struct span name, struct span value, const char **why_r);

/* ---- what goes between the two halves: a JSON object, and bytes behind it ---- */
void fetch_pack(struct buf *out, struct json_object *head, struct span bytes);
/* false: not such a thing. head_r: to be put; bytes_r: points into packed. */
bool fetch_unpack(struct span packed, struct json_object **head_r, struct span *bytes_r);

/* ---- the keeper's half (fetch.c) ---- */
int fetch_keeper_up(struct module_host *host); /* takes host->state */
void fetch_keeper_down(struct module_host *host);
/* body: {"url","method","timeout" (milliseconds),"headers":{name:value}}, body. Done with {"status",
 * "headers":{name:value}}, body; or {"error": a sentence, "condition"}. */
void fetch_errand(struct errand *errand);

#endif
