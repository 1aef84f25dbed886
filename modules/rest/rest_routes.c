/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_routes.c - from a request below /rest to the endpoint that answers it.
 *
 * Access is decided on the endpoint and method that were found and on nothing else: key, then login, then
 * role; a method that says nothing needs a key. The path is the one that was decoded once. */
#include "rest.h"

#include "base/clock.h"
#include "base/must.h"
#include "os/log.h"
#include "parse/ip.h"
#include "shm/bucket.h"
#include "shm/count.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY_GUESSES_MOST 100 /* unknown keys of one address at once; one more each second */

/* ---- the list ---- */

bool rest_add_endpoint(struct rest *rest, struct rest_endpoint *endpoint, char *why_r, size_t why_size)
{
    struct span text = span_of(endpoint->regex);
    size_t at = rest->endpoint_count;

    endpoint->expression = regex_new(text, REGEX_WHOLE, why_r, why_size);
    if (endpoint->expression == NULL)
        return false;
    if (regex_groups(endpoint->expression) > REST_GROUPS_MOST) {
        regex_free(&endpoint->expression);
        snprintf(why_r, why_size, "more than %d groups", REST_GROUPS_MOST);
        return false;
    }
    rest->endpoints =
        must_realloc(rest->endpoints, (unsigned long)((at + 1) * sizeof(struct rest_endpoint *)));
    while (at > 0 && strlen(rest->endpoints[at - 1]->regex) < text.size) {
        rest->endpoints[at] = rest->endpoints[at - 1];
        at--;
    }
    rest->endpoints[at] = endpoint;
    rest->endpoint_count++;
    return true;
}

void rest_remove_endpoint(struct rest *rest, struct rest_endpoint *endpoint)
{
    size_t kept = 0;

    for (size_t i = 0; i < rest->endpoint_count; i++)
        if (rest->endpoints[i] != endpoint)
            rest->endpoints[kept++] = rest->endpoints[i];
    rest->endpoint_count = kept;
    regex_free(&endpoint->expression);
}

/* ---- finding ---- */

enum found {
    FOUND_ENDPOINT,  /* call->endpoint and ->method are set */
    FOUND_NO_METHOD, /* the path is known: *allow_r tells its methods */
    FOUND_NO_PATH,
    FOUND_TOO_HARD, /* an expression gave up: nobody can tell */
};

/* What the endpoint's expression has to match; at NULL: the path is in another folder. */
static struct span rest_of_path(const struct rest_endpoint *endpoint, struct span below)
{
    struct span folder = span_of(endpoint->folder);
    struct span path = below;

    if (folder.size == 0)
        return below.at != NULL ? below : SPAN("");
    if (path.size == 0 || !span_starts(span_from(path, 1), folder))
        return (struct span){ 0 };
    path = span_from(path, 1 + folder.size);
    return path.size == 0 || path.at[0] == '/' ? path : (struct span){ 0 };
}

/* Its row for the method, HEAD by GET's; adds all its methods to *allow. */
static const struct rest_method *method_of(const struct rest_endpoint *endpoint, enum http_method wanted,
                                           unsigned *allow)
{
    const struct rest_method *found = NULL;

    for (size_t i = 0; i < sizeof(endpoint->methods) / sizeof(endpoint->methods[0]); i++) {
        const struct rest_method *method = &endpoint->methods[i];

        if (method->run == NULL)
            break;
        *allow |= METHOD_BIT(method->method);
        if (method->method == HTTP_GET)
            *allow |= METHOD_BIT(HTTP_HEAD);
        if (method->method == wanted || (method->method == HTTP_GET && wanted == HTTP_HEAD))
            found = method;
    }
    return found;
}

static enum found find(struct rest_call *call, unsigned *allow_r)
{
    struct http_request *request = call->request;
    struct span groups[REST_GROUPS_MOST + 1];

    *allow_r = 0;
    for (size_t i = 0; i < call->rest->endpoint_count; i++) {
        const struct rest_endpoint *endpoint = call->rest->endpoints[i];
        struct span path = rest_of_path(endpoint, request->below);
        enum regex_verdict verdict;

        if (path.at == NULL)
            continue;
        verdict = regex_match(endpoint->expression, path, 0, groups, REST_GROUPS_MOST + 1);
        if (verdict == REGEX_TOO_HARD)
            return FOUND_TOO_HARD;
        if (verdict == REGEX_NONE)
            continue;
        call->method = method_of(endpoint, request->method, allow_r);
        if (call->method == NULL)
            continue;
        call->endpoint = endpoint;
        call->group_count = regex_groups(endpoint->expression);
        for (unsigned group = 0; group < call->group_count; group++)
            call->groups[group] = groups[group + 1];
        return FOUND_ENDPOINT;
    }
    return *allow_r ? FOUND_NO_METHOD : FOUND_NO_PATH;
}

/* ---- key, login, role ---- */

static void run(struct rest_call *call)
{
    call->is_running = true;
    call->request->doing = "answering a REST call";
    call->method->run(call);
}

static void on_login(struct http_request *request, const struct login *login)
{
    struct rest_call *call = OBJECT(request->handler_data, rest_call);

    struct span role = call->method->role_name;

    call->login = *login;
    request->user = login->jid; /* who it was, for those who follow a user's doings */
    if (role.size > 0)          /* Stoa knows of no roles but user and admin: nobody has this one */
        rest_problem(
            call, PROBLEM_forbidden,
            arena_printf(request->arena, "This needs the role %.*s, which nobody has here", SPAN_ARG(role)));
    else if (call->method->role == REST_ADMIN && !login->is_admin)
        rest_problem(call, PROBLEM_forbidden, "This needs the role admin");
    else
        rest_take_content(call, run);
}

static void on_refused(struct http_request *request, enum problem problem, const char *detail)
{
    struct rest_call *call = OBJECT(request->handler_data, rest_call);

    if (problem == PROBLEM_forbidden)
        detail = arena_printf(request->arena, "This needs the role %s. %s",
                              call->method->role == REST_ADMIN ? "admin" : "user",
                              detail != NULL ? detail : problem_text(problem));
    rest_problem(call, problem, detail);
}

static void log_in(struct rest_call *call)
{
    if (call->method->role == REST_ANYBODY && call->method->role_name.size == 0) {
        rest_take_content(call, run);
        return;
    }
    call->request->doing = "waiting for the login";
    login_request(call->rest->host, call->request,
                  call->method->role == REST_ADMIN ? LOGIN_ADMIN : LOGIN_USER, on_login, on_refused);
}

static struct span shown_key(struct http_request *request)
{
    struct span key = request_field(request, "api-key");

    return key.at != NULL ? key : request_parameter(request, "api-key");
}

/* What a key may do is looked at again later, by endpoints: the key itself may be gone by then. */
static void keep_scope(struct rest_call *call, const struct key *key)
{
    const char *const *const from[] = { key->scope.paths, key->scope.methods, key->scope.hosts,
                                        key->scope.nodes, key->scope.from,    key->scope.networks };
    const char *const **const into[] = { &call->scope.paths, &call->scope.methods, &call->scope.hosts,
                                         &call->scope.nodes, &call->scope.from,    &call->scope.networks };

    call->key = key;
    for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
        size_t count = 0;
        const char **texts;

        while (from[i] != NULL && from[i][count] != NULL)
            count++;
        if (count == 0)
            continue;
        texts = arena_alloc(call->request->arena, (count + 1) * sizeof(*texts));
        for (size_t k = 0; k < count; k++)
            texts[k] = arena_text(call->request->arena, span_of(from[i][k]));
        *into[i] = texts;
    }
}

/* Guesses of keys, by address; of IPv6 by its first 64 bits, as whoever has one address there has them all.
 */
static struct span guess_name(const struct rest_call *call)
{
    struct ip_address address;
    char text[IP_TEXT];

    if (!ip_address_parse(span_of(call->request->client), &address))
        return SPAN("rest-guess/unix");
    if (!ip_address_is4(&address))
        memset(address.bytes + 8, 0, 8);
    ip_address_text(&address, text);
    return span_of(arena_printf(call->request->arena, "rest-guess/%s", text));
}

static const struct bucket_rule guesses = { .burst = KEY_GUESSES_MOST, .interval = USEC_PER_SEC };

/* Whoever guessed too often waits, also with a good key: else guessing would go on at full speed. */
static bool is_guesser(struct rest_call *call)
{
    int64_t wait = bucket_wait(&call->rest->host->segment->buckets, guess_name(call), &guesses, clock_mono());

    if (wait <= 0)
        return false;
    reply_field_printf(call->request, "Retry-After", "%lld",
                       (long long)((wait + USEC_PER_SEC - 1) / USEC_PER_SEC));
    rest_problem(call, PROBLEM_too_many_requests,
                 "Too many API keys from this address were unknown; try again later");
    return true;
}

static void check_key(struct rest_call *call)
{
    struct span shown = shown_key(call->request);
    const struct key *key = NULL;
    char why[256];
    enum key_verdict verdict;

    if (call->method->needs_no_key) {
        log_in(call);
        return;
    }
    if (shown.at != NULL && is_guesser(call))
        return;
    verdict = keys_check(call->rest->keys, call->request, shown, &key, why, sizeof(why));
    if (verdict == KEY_UNKNOWN)
        (void)bucket_take(&call->rest->host->segment->buckets, guess_name(call), &guesses, clock_mono());
    if (verdict != KEY_GOOD) {
        count_add(COUNT_rest_refused_keys, 1);
        rest_problem(call, PROBLEM_key_required, why);
        return;
    }
    log_debug("request %s: let in by the key %s", call->request->id, key->name);
    keep_scope(call, key);
    log_in(call);
}

/* ---- a request ---- */

static void on_cancel(struct http_request *request)
{
    struct rest_call *call = OBJECT(request->handler_data, rest_call);

    if (call->on_cancel != NULL)
        call->on_cancel(call);
}

static void on_free(void *data)
{
    struct rest_call *call = OBJECT(data, rest_call);

    json_object_put(call->content);
    buf_free(&call->received);
    OBJECT_DEAD(call);
}

/* OPTIONS too, which is a method of every path and of no endpoint. */
static void refuse_method(struct rest_call *call, unsigned allow)
{
    static const struct {
        enum http_method method;
        const char *name;
    } methods[] = { { HTTP_GET, "GET" },        { HTTP_HEAD, "HEAD" },     { HTTP_POST, "POST" },
                    { HTTP_PUT, "PUT" },        { HTTP_DELETE, "DELETE" }, { HTTP_PATCH, "PATCH" },
                    { HTTP_OPTIONS, "OPTIONS" } };
    struct buf text = { 0 };

    allow |= METHOD_BIT(HTTP_OPTIONS);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (allow & METHOD_BIT(methods[i].method))
            buf_printf(&text, "%s%s", text.size > 0 ? ", " : "", methods[i].name);
    reply_field(call->request, "Allow", buf_span(&text));
    if (call->request->method == HTTP_OPTIONS)
        rest_cors_options(call, buf_span(&text));
    else
        rest_problem(call, PROBLEM_method_not_allowed, NULL);
    buf_free(&text);
}

void rest_handle(struct http_request *request)
{
    struct rest_call *call = arena_make(request->arena, struct rest_call);
    unsigned allow;

    OBJECT_BORN(call, rest_call);
    arena_on_free(request->arena, on_free, call);
    call->request = request;
    call->rest = OBJECT(request->state, rest);
    request->handler_data = call;
    request->on_cancel = on_cancel;
    count_add(COUNT_rest_calls, 1);
    rest_begin_answer(call);
    switch (find(call, &allow)) {
    case FOUND_ENDPOINT:
        check_key(call);
        return;
    case FOUND_NO_METHOD:
        refuse_method(call, allow);
        return;
    case FOUND_NO_PATH:
        rest_problem(call, PROBLEM_not_found, NULL);
        return;
    case FOUND_TOO_HARD:
        rest_problem(call, PROBLEM_bad_request, "This address cannot be matched within the limits");
    }
}
