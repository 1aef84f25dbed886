/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_stage.h - a loop, an engine with a few verbs, and outcomes as one line of text.
 */
#ifndef T_SCRIPT_STAGE_H
#define T_SCRIPT_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/must.h"
#include "module/script.h"
#include "parse/xml.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

static struct loop *the_loop;
static struct script_engine *the_engine;
static struct script_wait *held[64]; /* of the verb hold, oldest first */
static unsigned held_count, cancelled;

static struct span first_text(struct json_object *args)
{
    struct span text = { "", 0 };

    json_text(json_object_array_get_idx(args, 0), &text);
    return text;
}

/* Numbers added up, at once. */
static void verb_add(struct script_wait *wait, struct json_object *args)
{
    int64_t sum = 0, number = 0;

    for (size_t i = 0; i < json_object_array_length(args); i++)
        if (json_whole(json_object_array_get_idx(args, i), &number))
            sum += number;
    script_answer(wait, json_object_new_int64(sum));
}

static void on_cancel(struct script_wait *wait, void *data)
{
    (void)data;
    cancelled++;
    for (unsigned i = 0; i < held_count; i++)
        if (held[i] == wait)
            held[i] = NULL;
}

/* Waits until the test answers it. */
static void verb_hold(struct script_wait *wait, struct json_object *args)
{
    (void)args;
    must(held_count < 64);
    held[held_count++] = wait;
    script_wait_on_cancel(wait, on_cancel, NULL);
}

/* Its first argument, after all: from within its run. */
static void verb_echo(struct script_wait *wait, struct json_object *args)
{
    struct json_object *first = json_object_array_get_idx(args, 0);

    script_answer(wait, json_object_get(first));
}

/* Bytes: as XML when the row says so. */
static void verb_bytes(struct script_wait *wait, struct json_object *args)
{
    script_answer_bytes(wait, first_text(args));
}

static void verb_refuse(struct script_wait *wait, struct json_object *args)
{
    (void)args;
    script_refuse(wait, "no such thing");
}

static const struct script_verb the_verbs[] = {
    { "add", 0, verb_add },
    { "hold", VERB_WAITS, verb_hold },
    { "echo", VERB_WAITS, verb_echo },
    { "bytes", 0, verb_bytes },
    { "xml", VERB_ANSWERS_XML | VERB_TAKES_XML, verb_bytes },
    { "stanza", VERB_WAITS | VERB_ANSWERS_XML | VERB_TAKES_XML, verb_hold },
    { "take", VERB_TAKES_XML, verb_bytes },
    { "refuse", 0, verb_refuse },
    { NULL, 0, NULL },
};

static const struct script_limits the_limits = {
    .memory_most = 4 << 20, .cpu_most = 50000, .answer_most = 60000000, .calls_most = 40
};

static int set_up(void **state)
{
    (void)state;
    xml_start();
    the_loop = loop_new();
    the_engine = script_engine_new(the_loop, &the_limits, the_verbs);
    held_count = cancelled = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    script_engine_free(&the_engine);
    loop_free(&the_loop);
    return 0;
}

/* ---- an outcome as text ---- */
struct seen {
    unsigned count;
    struct buf text;
};

static inline void see(void *data, const struct script_outcome *outcome)
{
    static const char *const failures[] = { "threw", "too long", "too large", "silent", "busy", "gone" };
    struct seen *seen = data;

    seen->count++;
    buf_clear(&seen->text);
    switch (outcome->kind) {
    case SCRIPT_NOTHING:
        buf_text(&seen->text, "nothing");
        break;
    case SCRIPT_TEXT:
        buf_printf(&seen->text, "text %.*s", SPAN_ARG(outcome->text));
        break;
    case SCRIPT_RESULT:
        buf_printf(&seen->text, "result %.*s %.*s", SPAN_ARG(outcome->type), SPAN_ARG(outcome->text));
        break;
    case SCRIPT_TABLE:
        buf_text(&seen->text, "table ");
        json_write(&seen->text, outcome->json);
        break;
    case SCRIPT_RESPONSE:
        buf_printf(&seen->text, "response %d", outcome->status);
        for (size_t i = 0; i < outcome->header_count; i++)
            buf_printf(&seen->text, " %.*s=%.*s", SPAN_ARG(outcome->headers[i].name),
                       SPAN_ARG(outcome->headers[i].value));
        buf_printf(&seen->text, " [%.*s] %.*s", SPAN_ARG(outcome->type), SPAN_ARG(outcome->text));
        break;
    case SCRIPT_FAILED:
        buf_printf(&seen->text, "failed %s: %.*s", failures[outcome->failure], SPAN_ARG(outcome->why));
        break;
    }
    buf_char(&seen->text, '\0');
    loop_stop(the_loop);
}

/* One turn of the loop: what was deferred happens. */
static void stop_now(struct task *task)
{
    (void)task;
    loop_stop(the_loop);
}

static inline void turn_once(void)
{
    struct task task = { 0 };

    task_defer(the_loop, &task, stop_now);
    loop_wake(the_loop);
    loop_run(the_loop);
}

static inline void turn_until(const struct seen *seen, unsigned count)
{
    while (seen->count < count)
        loop_run(the_loop);
}

static inline struct script *load_text(const char *text)
{
    char why[1000] = "";
    struct script *script = script_load(the_engine, "demo/Test.lua", span_of(text), NULL, why, sizeof(why));

    if (script == NULL)
        fail_msg("%s", why);
    return script;
}

/* A script whose exec_get has that body, after that head. */
static inline struct script *load_body(const char *head, const char *body)
{
    struct buf text = { 0 };
    struct script *script;

    buf_printf(&text,
               "%s\nreturn { regex = '/(.*)', exec_get = function(service, callback, ...)\n"
               "local a, b, c = ...\n%s\nend }",
               head, body);
    buf_char(&text, '\0');
    script = load_text(text.at);
    buf_free(&text);
    return script;
}

#endif
