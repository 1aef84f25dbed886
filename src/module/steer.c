/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: steer.c - a worker's end of steering: an errand of the core, which the keeper hands to
 * master (keeper_steer.c). */
#include "module/steer.h"

#include "base/clock.h"
#include "module/desk.h"

/* A new configuration is in force when its workers serve: some seconds on a machine that is busy. */
#define STEER_WAIT (50 * USEC_PER_SEC)

static const char *const words[] = {
    [STEER_RELOAD] = "reload",    [STEER_CHANGE] = "change",   [STEER_CERTIFICATE] = "certificate",
    [STEER_CONFIG_TEXT] = "text", [STEER_CHANGES] = "changes",
};

void steer_ask(struct module_host *host, struct ask *ask, struct arena *arena, enum steer_word word,
               struct span who, struct span body)
{
    struct buf text = { 0 };
    struct span copy;

    buf_printf(&text, "%s %.*s\n", words[word], SPAN_ARG(who));
    buf_add(&text, body);
    copy = arena_copy(arena, buf_span(&text));
    explicit_bzero(text.at, text.size);
    buf_free(&text);
    desk_errand(host, ask, arena, CORE_ERRANDS, "steer", copy, STEER_WAIT);
}
