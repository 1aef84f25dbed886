/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: codec.h - hex, base64, percent-encoding, and the text form of 16-byte ids. */
#ifndef STOA_BASE_CODEC_H
#define STOA_BASE_CODEC_H

#include "base/buf.h"
#include "base/span.h"

#include <stdint.h>

#define UUID_TEXT 36 /* characters, without NUL */

void codec_hex(struct buf *out, struct span bytes);    /* lower case */
void codec_base64(struct buf *out, struct span bytes); /* RFC 4648 4, with padding */
bool codec_base64_decode(struct buf *out,
                         struct span text); /* strict but for missing padding; false: not base64 */

/* RFC 3986 2.1: all but unreserved characters (2.3) become %XX; those in also_plain stay too. */
void codec_percent(struct buf *out, struct span bytes, const char *also_plain);
/* Decodes once. false: a % without two hex digits. */
bool codec_percent_decode(struct buf *out, struct span text);

/* 16 bytes as 8-4-4-4-12 lower-case hex digits; text_r has UUID_TEXT + 1 bytes. */
void codec_uuid(const unsigned char id[16], char *text_r);
bool codec_uuid_decode(struct span text, unsigned char id_r[16]); /* either case; false: not one */

/* 0..15, or -1. */
int codec_hex_digit(char c);

#endif
