/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: captcha.h - proof that somebody takes trouble, before a form of strangers is acted on.
 *
 * Kinds are rows of one table; each makes a challenge and checks what came back. Nothing is kept between the
 * two: a challenge carries its time and a keyed MAC, and is good once (shm/once.h). */
#ifndef STOA_ACCOUNT_CAPTCHA_H
#define STOA_ACCOUNT_CAPTCHA_H

#include "base/arena.h"
#include "shm/once.h"

#define CAPTCHA_LIFE (15 * 60) /* seconds */

enum { CAPTCHA_NONE, CAPTCHA_QUESTION, CAPTCHA_WORK }; /* account/captcha */

struct captcha_challenge {
    struct span id;    /* comes back as it is */
    struct span query; /* what is asked: "7 + 12"; of work: how many bits */
};

struct captcha_kind {
    const char *name;
    void (*challenge)(const struct once *once, unsigned bits, int64_t now, struct arena *arena,
                      struct captcha_challenge *challenge_r);
    /* Whether the answer is right for it; the MAC and the time have been checked. */
    bool (*verify)(struct span id, struct span query, unsigned bits, struct span answer);
};

/* now: unix seconds. */
void captcha_ask(int64_t kind, const struct once *once, unsigned bits, int64_t now, struct arena *arena,
                 struct captcha_challenge *challenge_r);
/* true: it was right, and is used up. Wrong answers use it up, too: else it could be tried out. */
bool captcha_check(int64_t kind, struct once *once, unsigned bits, int64_t now, struct span id,
                   struct span query, struct span answer);

/* ---- the script that does the work: captcha_script.c ---- */
struct http_request;
/* "work.DIGEST.js": behind the context path of the page. */
const char *captcha_script_name(void);
void captcha_script(struct http_request *request); /* GET of it */

#endif
