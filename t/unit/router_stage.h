/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_stage.h - what router_test.c plays on: two fake servers, a real
 * segment, fake workers with real posts, and the test as master, all in one loop. */
#ifndef STOA_TEST_ROUTER_STAGE_H
#define STOA_TEST_ROUTER_STAGE_H

#include "xmpp_fake.h"

#include "os/bell.h"
#include "os/log.h"
#include "router/router.h"

#include <sys/mman.h>

#define WORKERS 2

/* ---- the stage ---- */

struct worker {
    struct heritage heritage;
    struct post *post;
    bool joined;
    unsigned arrived;
    uint64_t call;         /* of the last IQ_ARRIVED, IQ_ANSWER or IQ_FAILED */
    enum letter_kind last; /* kind of the last letter */
    uint32_t number;
    struct buf parts[LETTER_PARTS];
};

static struct loop *loop;
static struct fake fake, fake_http;
static struct heritage heritage;
static struct xmpp_settings xmpp;
static struct process_settings processes;
static struct settings settings = { .xmpp = &xmpp, .processes = &processes };
static struct component_settings upload, http;
static void *components[] = { &upload, &http };
static struct router *router;
static struct worker workers[WORKERS];

static void on_letter(void *data, unsigned row, uint32_t generation, const struct letter *letter)
{
    struct worker *worker = data;

    (void)row;
    (void)generation;
    worker->last = letter->kind;
    worker->call = letter->call;
    worker->number = letter->number;
    worker->arrived += letter->kind == LETTER_IQ_ARRIVED;
    for (unsigned i = 0; i < letter->count; i++) {
        buf_clear(&worker->parts[i]);
        buf_add(&worker->parts[i], letter->parts[i]);
    }
}

static void send_letter(struct worker *worker, const struct letter *letter)
{
    struct board *board = &heritage.segment->board;

    assert_true(
        post_send(worker->post, ROW_ROUTER, atomic_load(&board->rows[ROW_ROUTER].generation), letter));
}

static void claim(struct worker *worker, const char *service, const char *type, const char *ns,
                  const char *element)
{
    send_letter(worker, &(struct letter){
                            .kind = LETTER_CLAIM,
                            .count = 4,
                            .parts = { span_of(service), span_of(type), span_of(ns), span_of(element) } });
}

static void on_joined(void *data, unsigned row, uint32_t generation)
{
    struct worker *worker = data;

    (void)row;
    (void)generation;
    worker->joined = true;
    claim(worker, "upload", "get", "urn:xmpp:http:upload:0", "request");
    send_letter(worker, &(struct letter){ .kind = LETTER_DESCRIBE,
                                          .count = 3,
                                          .parts = { SPAN("upload"), SPAN("Files"),
                                                     SPAN("<identity category='store' type='file'/>"
                                                          "<feature var='urn:xmpp:http:upload:0'/>"
                                                          "<feature var='told'/>") } });
    send_letter(worker, &(struct letter){ .kind = LETTER_READY });
}

static void on_lost(void *data, unsigned row, uint32_t generation)
{
    (void)row;
    (void)generation;
    ((struct worker *)data)->joined = false;
}

static const struct post_calls worker_calls = { on_letter, on_joined, on_lost };

/* As master does before a fork. */
static void give_row(unsigned row, enum process_kind kind)
{
    struct board_row *at = &heritage.segment->board.rows[row];

    atomic_store(&at->kind, (uint32_t)kind);
    atomic_fetch_add(&at->generation, 1);
    atomic_store(&at->state, ROW_STARTING);
}

static inline void tell_router(void)
{
    atomic_fetch_add(&heritage.segment->board.changes, 1);
    bell_ring(heritage.bell_fd[ROW_ROUTER]);
}

static void worker_up(unsigned index)
{
    struct worker *worker = &workers[index];
    unsigned row = ROW_WORKER_0 + index;

    give_row(row, PROCESS_worker);
    worker->heritage = heritage;
    worker->heritage.row = row;
    worker->heritage.kind = PROCESS_worker;
    worker->heritage.generation = atomic_load(&heritage.segment->board.rows[row].generation);
    worker->post = post_new(&worker->heritage, loop, &worker_calls, worker);
}

/* As when it is killed, and master has reaped it. */
static inline void worker_dies(unsigned index)
{
    post_free(&workers[index].post);
    atomic_store(&heritage.segment->board.rows[ROW_WORKER_0 + index].state, ROW_DEAD);
    tell_router();
}

static bool ready(void *data)
{
    struct peer *peer = &router->peers[ROW_WORKER_0 + *(unsigned *)data];

    return peer->ready;
}

static bool both_up(void *data)
{
    (void)data;
    return component_state(router->streams[0].component) == COMPONENT_UP &&
           component_state(router->streams[1].component) == COMPONENT_UP;
}

static int set_up(void **state)
{
    int fd;

    (void)state;
    loop = loop_new();
    fake_open(&fake, loop);
    fake_open(&fake_http, loop);
    memset(&heritage, 0, sizeof(heritage));
    heritage.segment = segment_create(&fd);
    assert_non_null(heritage.segment);
    close(fd);
    for (unsigned i = 0; i < BOARD_ROWS; i++)
        heritage.bell_fd[i] = i < ROW_WORKER_0 + WORKERS ? bell_new() : -1;
    for (unsigned i = ROW_WORKER_0 + WORKERS; i < BOARD_ROWS; i++)
        heritage.bell_fd[i] = heritage.bell_fd[ROW_KEEPER]; /* nobody's */
    upload = (struct component_settings){ .section = { .name = "upload.localhost", .active = true },
                                          .secret = "secret",
                                          .host = "127.0.0.1",
                                          .port = fake.port };
    http = (struct component_settings){ .section = { .name = "HTTP.localhost", .active = true },
                                        .secret = "secret",
                                        .host = "127.0.0.1",
                                        .port = fake_http.port };
    xmpp = (struct xmpp_settings){ .host = "127.0.0.1",
                                   .port = 1,
                                   .iq_timeout = 20 * USEC_PER_SEC,
                                   .reconnect_least = 100 * USEC_PER_MSEC,
                                   .reconnect_most = USEC_PER_SEC,
                                   .max_stanza_size = 65536,
                                   .components = { components, 2 } };
    heritage.settings = &settings;
    heritage.row = ROW_ROUTER;
    heritage.kind = PROCESS_router;
    give_row(ROW_ROUTER, PROCESS_router);
    heritage.generation = atomic_load(&heritage.segment->board.rows[ROW_ROUTER].generation);
    memset(workers, 0, sizeof(workers));
    router = router_new(&heritage, loop);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORKERS; i++) {
        post_free(&workers[i].post);
        for (unsigned part = 0; part < LETTER_PARTS; part++)
            buf_free(&workers[i].parts[part]);
    }
    router_free(&router);
    fake_close(&fake);
    fake_close(&fake_http);
    for (unsigned i = 0; i < ROW_WORKER_0 + WORKERS; i++)
        close(heritage.bell_fd[i]);
    munmap(heritage.segment, sizeof(*heritage.segment));
    loop_free(&loop);
    return 0;
}

static inline void begin(unsigned worker_count)
{
    for (unsigned i = 0; i < worker_count; i++) {
        worker_up(i);
        assert_true(run_until(loop, ready, &i));
    }
    assert_true(run_until(loop, both_up, NULL));
}

#endif
