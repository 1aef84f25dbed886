/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: uri.h - request targets: split, decoded exactly once, and refused when in doubt (RFC 3986).
 *
 * Authorisation is decided on the decoded path only, so the decoder leaves no second reading of it: no
 * encoded slash, no dot segment, no backslash, no empty segment, nothing but UTF-8 without control
 * characters. */
#ifndef STOA_PARSE_URI_H
#define STOA_PARSE_URI_H

#include "base/buf.h"
#include "base/problem.h"
#include "base/span.h"
#include "parse/ip.h"

#include <stdint.h>

struct uri_target {
    struct span path;  /* still encoded; "/" when an absolute-form target had none; "*" for asterisk-form */
    struct span query; /* still encoded, without the question mark */
    bool has_query;    /* tells "/a?" from "/a" */
};

/* A target that http_head_parse() let pass. false: not origin-form, absolute-form (http, https) or "*". */
bool uri_target_split(struct span target, struct uri_target *target_r);

/* Appends the decoded path to out. false: *problem_r is PROBLEM_bad_request, out is as before. A path begins
 * with "/" ("*" is none). A slash at the end is kept: "/a/" and "/a" differ. */
bool uri_path_decode(struct span path, struct buf *out, enum problem *problem_r);

/* Takes the next name=value off the front of *rest ('&' between pairs; empty pairs are skipped; a name
 * without
 * '=' has an empty value). Both are still encoded. false at the end. Also for
 * application/x-www-form-urlencoded bodies. */
bool uri_query_next(struct span *rest, struct span *name_r, struct span *value_r);
/* Decodes one of them to the end of out: %XX, and '+' as space. false: a bad escape, a NUL, or not UTF-8; out
 * is as before. */
bool uri_query_decode(struct span encoded, struct buf *out);
/* The first parameter of that (decoded) name, decoded to the end of value. 1: found. 0: absent, value as
 * before. -1: its value, or a name before it, cannot be decoded; value as before. */
int uri_query_find(struct span query, const char *name, struct buf *value);

#define URI_HOST_MOST 255

/* host [":" port] of Host, of an absolute-form target or of a setting. */
struct uri_host {
    char name[URI_HOST_MOST + 1]; /* lower case, no brackets, no trailing dot; with NUL */
    bool is_ip6;                  /* it stood in brackets */
    bool is_ip;                   /* an address, not a name */
    uint16_t port;                /* 1..65535; 0: none given */
};

/* false: empty, user information, a character that no host name has, a label over 63 bytes or empty, a bad
 * literal, a port that is empty, 0 or over 65535. Underscores pass: names on private networks have them. */
bool uri_host_parse(struct span text, struct uri_host *host_r);

#endif
