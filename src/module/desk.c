/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: desk.c - the desk of a process: which letter is whose business, and the router's coming
 * and going. */
#include "module/desk.h"

#include "base/buf.h"
#include "os/log.h"

#include <stdlib.h>

struct desk *desk_new(struct hosts *hosts, struct loop *loop)
{
    struct desk *desk = must_alloc(sizeof(*desk));

    OBJECT_BORN(desk, desk);
    desk->hosts = hosts;
    desk->loop = loop;
    list_init(&desk->in);
    list_init(&desk->asked);
    list_init(&desk->errands);
    desk->asked_map = map_new();
    hosts->core.desk = desk;
    for (size_t i = 0; i < hosts->count; i++)
        hosts->items[i].desk = desk;
    return desk;
}

void desk_settle(struct desk *desk)
{
    if (!desk->freed || desk->in_count > 0 || desk->errand_count > 0)
        return;
    map_free(&desk->asked_map);
    OBJECT_DEAD(desk);
    free(desk);
}

void desk_free(struct desk **desk)
{
    if (*desk == NULL)
        return;
    (*desk)->freed = true;
    (*desk)->post = NULL;
    (*desk)->router = 0;
    desk_asks_forget(*desk);
    desk_settle(*desk);
    *desk = NULL;
}

void desk_attach(struct desk *desk, struct post *post)
{
    desk->post = post;
}

unsigned desk_open(const struct desk *desk)
{
    return desk->in_count + desk->asked_count + (desk->leaving && !desk->let_go);
}

unsigned desk_errands(const struct desk *desk)
{
    return desk->router ? desk->errand_count : 0; /* without a router nobody hears how they went */
}

bool desk_say(struct desk *desk, unsigned row, uint32_t generation, const struct letter *letter)
{
    if (desk->post && post_send(desk->post, row, generation, letter))
        return true;
    log_debug("a letter %s to process %u was not sent: it is gone or its queue is full",
              letter_name(letter->kind), row);
    return false;
}

/* ---- the router comes and goes ---- */

static void claim(struct desk *desk, const struct module_host *host, uint32_t generation)
{
    struct span service = span_of(host->module->service);

    for (const struct iq_row *iq = host->module->iqs; iq && iq->ns; iq++)
        desk_say(desk, ROW_ROUTER, generation,
                 &(struct letter){ .kind = LETTER_CLAIM,
                                   .count = 4,
                                   .parts = { service, span_of(iq->kind == IQ_GET ? "get" : "set"),
                                              span_of(iq->ns), span_of(iq->element) } });
}

static void describe(struct desk *desk, struct module_host *host, uint32_t generation)
{
    struct buf name = { 0 }, xml = { 0 };

    if (host->module->describe == NULL)
        return;
    host->module->describe(host, &name, &xml);
    desk_say(
        desk, ROW_ROUTER, generation,
        &(struct letter){ .kind = LETTER_DESCRIBE,
                          .count = 3,
                          .parts = { span_of(host->module->service), buf_span(&name), buf_span(&xml) } });
    buf_free(&name);
    buf_free(&xml);
}

static bool is_worker(const struct desk *desk)
{
    return desk->hosts->kind == PROCESS_worker;
}

static void on_joined(void *data, unsigned row, uint32_t generation)
{
    struct desk *desk = OBJECT(data, desk);

    must(row == ROW_ROUTER);
    desk->router = generation;
    if (!is_worker(desk))
        return;
    if (desk->leaving) { /* a router that never heard of us will give us nothing */
        desk->let_go = true;
        return;
    }
    for (size_t i = 0; i < desk->hosts->count; i++) {
        struct module_host *host = &desk->hosts->items[i];

        if (host->module->service == NULL)
            continue;
        claim(desk, host, generation);
        describe(desk, host, generation);
    }
    desk_say(desk, ROW_ROUTER, generation, &(struct letter){ .kind = LETTER_READY });
}

static void on_lost(void *data, unsigned row, uint32_t generation)
{
    struct desk *desk = OBJECT(data, desk);

    (void)row;
    (void)generation;
    if (desk->in_count)
        log_debug("%u IQs are in hand for a router that is gone", desk->in_count);
    desk->router = 0;
    desk->let_go = desk->leaving;
    desk_asks_fail(desk, PROBLEM_unavailable);
}

void desk_leave(struct desk *desk)
{
    if (desk->leaving)
        return;
    desk->leaving = true;
    desk->let_go = desk->router == 0 ||
                   !desk_say(desk, ROW_ROUTER, desk->router, &(struct letter){ .kind = LETTER_LEAVING });
}

/* ---- letters ---- */

static void on_letter(void *data, unsigned row, uint32_t generation, const struct letter *letter)
{
    struct desk *desk = OBJECT(data, desk);

    switch (letter->kind) {
    case LETTER_IQ_ARRIVED:
        desk_iq_letter(desk, row, generation, letter);
        break;
    case LETTER_LET_GO:
        desk->let_go = true;
        break;
    case LETTER_IQ_ANSWER:
    case LETTER_IQ_FAILED:
    case LETTER_SENT:
    case LETTER_LOGIN_DONE:
    case LETTER_LOGOUT_DONE:
    case LETTER_ERRAND_DONE:
        desk_ask_letter(desk, letter);
        break;
    case LETTER_ERRAND:
        desk_errand_letter(desk, letter);
        break;
    default:
        log_debug("a letter %s came that nobody here awaits", letter_name(letter->kind));
    }
}

const struct post_calls desk_post_calls = { .letter = on_letter, .joined = on_joined, .lost = on_lost };
