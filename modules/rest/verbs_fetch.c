/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: verbs_fetch.c - service:fetch: a script's HTTP request, made by the keeper. */
#include "fetch.h"

#include "base/clock.h"
#include "verbs.h"

#include <json-c/json.h>

#define GRACE USEC_PER_SEC /* the keeper's own end of time comes first, and brings the reason */

struct fetching {
    OBJECT_MAGIC
    struct ask ask;
    struct script_wait *wait;
};

static const char *kept_text(struct rest_run *run, struct json_object *head, const char *name)
{
    struct span text = SPAN("");

    json_text(json_member(head, name), &text);
    return arena_text(run->call->request->arena, text);
}

static void on_fetched(struct ask *ask)
{
    struct fetching *fetching = OBJECT(ask->data, fetching);
    struct script_wait *wait = fetching->wait;
    struct rest_run *run = verb_run(wait);
    struct json_object *head, *answer;
    struct span body;

    OBJECT_DEAD(fetching);
    if (ask->problem != PROBLEM_none) {
        verb_nil(wait, ask->problem, NULL, NULL);
        return;
    }
    if (!fetch_unpack(ask->text, &head, &body)) {
        verb_nil(wait, PROBLEM_internal, NULL, NULL);
        return;
    }
    if (json_member(head, "error") != NULL) {
        const char *condition = kept_text(run, head, "condition");
        enum problem problem = PROBLEM_bad_request;

        if (strcmp(condition, "remote-server-timeout") == 0)
            problem = PROBLEM_server_silent;
        else if (strcmp(condition, "not-allowed") == 0)
            problem = PROBLEM_forbidden;
        else if (strcmp(condition, "bad-request") != 0)
            problem = PROBLEM_unavailable;
        verb_nil(wait, problem, condition, kept_text(run, head, "error"));
    } else {
        answer = json_object_get(head);
        json_object_object_add(answer, "body",
                               json_object_new_string_len(body.size ? body.at : "", (int)body.size));
        script_answer(wait, answer);
    }
    json_object_put(head);
}

static void on_fetch_cancelled(struct script_wait *wait, void *data)
{
    struct fetching *fetching = OBJECT(data, fetching);

    (void)wait;
    ask_cancel(&fetching->ask);
}

static const char *add_headers(struct json_object *head, struct json_object *given)
{
    const char *why;

    if (given == NULL)
        return NULL;
    if (!json_object_is_type(given, json_type_object))
        return "headers of fetch is a table of names and values";
    json_object_object_foreach(given, name, value)
    {
        struct span text;

        if (!json_text(value, &text))
            return "a header of fetch has a value that is no text";
        if (!fetch_header_good(span_of(name), text, &why))
            return why;
    }
    json_object_object_add(head, "headers", json_object_get(given));
    return NULL;
}

/* NULL: good; head and body are what the keeper needs. */
static const char *read_wish(struct json_object *wish, struct json_object *head, struct span *body_r,
                             int64_t *wait_r)
{
    struct span url, method = SPAN("GET");
    int64_t seconds = 30;

    if (!json_object_is_type(wish, json_type_object) || !json_text(json_member(wish, "url"), &url))
        return "fetch needs a table with url";
    if (memchr(url.at, '\0', url.size) != NULL)
        return "the URL holds a NUL";
    if (json_member(wish, "method") != NULL &&
        (!json_text(json_member(wish, "method"), &method) || !fetch_method_good(method)))
        return "method of fetch is one of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS";
    *body_r = SPAN("");
    if (json_member(wish, "body") != NULL && !json_text(json_member(wish, "body"), body_r))
        return "body of fetch is no text";
    if (body_r->size > FETCH_WISH_MOST)
        return "body of fetch is larger than 256 KiB";
    json_whole(json_member(wish, "timeout"), &seconds);
    if (seconds < 1 || seconds > FETCH_SECONDS_MOST)
        return "timeout of fetch is between 1 and 60 seconds";
    *wait_r = seconds * USEC_PER_SEC;
    json_object_object_add(head, "url", json_object_new_string_len(url.at, (int)url.size));
    json_object_object_add(head, "method", json_object_new_string_len(method.at, (int)method.size));
    json_object_object_add(head, "timeout", json_object_new_int64(seconds * 1000));
    return add_headers(head, json_member(wish, "headers"));
}

void verb_fetch(struct script_wait *wait, struct json_object *args)
{
    struct json_object *head = json_object_new_object();
    struct rest_run *run = verb_run(wait);
    struct buf packed = { 0 };
    struct fetching *fetching;
    struct span body;
    int64_t time;
    const char *why = read_wish(verb_arg(args, 0), head, &body, &time);

    if (why != NULL) {
        json_object_put(head);
        script_refuse(wait, why);
        return;
    }
    fetch_pack(&packed, head, body);
    json_object_put(head);
    fetching = arena_make(script_wait_arena(wait), struct fetching);
    OBJECT_BORN(fetching, fetching);
    fetching->wait = wait;
    fetching->ask.done = on_fetched;
    fetching->ask.data = fetching;
    script_wait_on_cancel(wait, on_fetch_cancelled, fetching);
    ask_errand(run->call->rest->host, &fetching->ask, script_wait_arena(wait), FETCH_ERRAND,
               buf_span(&packed), time + GRACE);
    buf_free(&packed);
}
