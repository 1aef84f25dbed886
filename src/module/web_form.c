/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: web_form.c - forms that browsers send: whether they may, what they hold, and that each
 * is acted on once.
 *
 * In this order: where the form comes from (Sec-Fetch-Site, Origin), its body, its token, the password when
 * it must be fresh, and last whether the token was used: a form that was refused before may be sent again. */
#include "module/web_inside.h"

#include "base/clock.h"
#include "base/codec.h"
#include "page/texts.h"
#include "parse/http_value.h"
#include "parse/multipart.h"
#include "parse/uri.h"

#include <openssl/crypto.h>

#define FIELDS_MOST  2000
#define CONFIRM_ROOM 65536 /* what a form grows by when the password is asked for in between */

struct web_read {
    struct module_host *host;
    const char *purpose;
    unsigned flags;
    void (*done)(struct http_request *request, const struct web_form *form);
    struct web_form form;
    struct span token, password;
    int64_t born;
};

/* ---- where it comes from ---- */

/* The authority that the client asked for: what a browser puts into Origin of its own pages. */
static bool is_own_origin(const struct http_request *request, struct span origin)
{
    struct uri_host theirs, ours;
    bool is_https = span_starts(origin, SPAN("https://"));
    uint16_t usual = is_https ? 443 : 80;

    if (!is_https && !span_starts(origin, SPAN("http://")))
        return false; /* "null", too: a page that hides where it comes from */
    if (!uri_host_parse(span_from(origin, is_https ? 8 : 7), &theirs) ||
        !uri_host_parse(request->head->host, &ours) || (request->secure && !is_https))
        return false;
    if (!span_eq(span_of(ours.name), request->host))
        return span_eq(span_of(theirs.name), request->host); /* a trusted proxy knows the name, and no port */
    if (theirs.port == 0)
        theirs.port = usual;
    if (ours.port == 0)
        ours.port = usual;
    return strcmp(theirs.name, ours.name) == 0 && theirs.port == ours.port;
}

static bool is_from_here(const struct http_request *request)
{
    struct span site = request_field(request, "sec-fetch-site"), origin = request_field(request, "origin");

    if (site.at && !span_is(site, "same-origin") && !span_is(site, "none"))
        return false;
    return origin.at == NULL || is_own_origin(request, origin);
}

/* ---- its fields ---- */

struct span web_value(const struct web_form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++)
        if (span_is(form->fields[i].name, name))
            return form->fields[i].value;
    return (struct span){ 0 };
}

struct secrets {
    struct span body; /* of a multipart form: what its fields point into */
    struct form_fields fields;
};

static void wipe(struct span text)
{
    if (text.size)
        OPENSSL_cleanse((void *)(uintptr_t)text.at, text.size);
}

/* Any form may hold a password: what was sent is wiped when the request ends. */
static void forget(void *data)
{
    struct secrets *secrets = data;

    wipe(secrets->body);
    for (size_t i = 0; i < secrets->fields.count; i++)
        wipe(secrets->fields.items[i].value);
}

/* What the form that asks for the password carried along: a file as "name:filename:content" in base64. */
static bool take_file(struct arena *arena, struct span text, struct web_field *field_r)
{
    struct span *parts[] = { &field_r->name, &field_r->filename, &field_r->value };

    *field_r = (struct web_field){ 0 };
    for (size_t i = 0; i < 3; i++) {
        struct span part = span_cut(&text, ':');
        struct buf plain = { .at = arena_alloc(arena, part.size + 4), .room = part.size + 4 };

        if (!codec_base64_decode(&plain, part))
            return false;
        *parts[i] = buf_span(&plain);
    }
    return true;
}

/* The token goes by itself: a field of a command may have that name, too. So does the password that confirms.
 */
static void take_fields(struct web_read *read, const struct form_fields *fields, struct arena *arena)
{
    struct web_field *out = arena_alloc(arena, (fields->count + 1) * sizeof(*out));
    size_t count = 0;

    for (size_t i = 0; i < fields->count; i++) {
        const struct form_field *field = &fields->items[i];
        bool is_fresh = read->flags & WEB_FRESH;

        if (read->token.at == NULL && span_is(field->name, "token"))
            read->token = field->value;
        else if (is_fresh && read->password.at == NULL && span_is(field->name, WEB_CONFIRM_PASSWORD))
            read->password = field->value;
        else if (is_fresh && span_is(field->name, WEB_CONFIRM_FILE))
            count += take_file(arena, field->value, &out[count]);
        else
            out[count++] =
                (struct web_field){ .name = field->name, .value = field->value, .filename = field->filename };
    }
    read->form = (struct web_form){ .fields = out, .count = count };
}

/* The body itself is not ours for long: all that is kept of it lies in the arena. */
static enum form_verdict parse(struct http_request *request, struct span body, const char **why_r)
{
    struct secrets *secrets = arena_make(request->arena, struct secrets);
    char boundary[MULTIPART_BOUNDARY_MOST + 1];
    enum form_verdict verdict;

    arena_on_free(request->arena, forget, secrets);
    if (multipart_boundary(request_field(request, "content-type"), boundary)) {
        secrets->body = arena_copy(request->arena, body);
        verdict =
            multipart_parse(request->arena, secrets->body, boundary, FIELDS_MOST, &secrets->fields, why_r);
    } else {
        verdict = form_urlencoded_parse(request->arena, body, FIELDS_MOST, &secrets->fields, why_r);
    }
    wipe(body);
    if (verdict == FORM_GOOD)
        take_fields(request->visit->read, &secrets->fields, request->arena);
    return verdict;
}

/* ---- what is done with it ---- */

static void refuse(struct http_request *request, enum problem problem, const char *detail)
{
    page_problem(web_kit, request, problem, detail, NULL);
}

static void finish(struct http_request *request)
{
    struct web_read *read = request->visit->read;
    struct once *once = &read->host->segment->once;
    int64_t life = read->host->settings->http->form_life / USEC_PER_SEC;

    if ((read->flags & WEB_ONCE) && read->token.at &&
        !once_use(once, read->token, read->born, life, clock_wall() / USEC_PER_SEC)) {
        refuse(request, PROBLEM_conflict, TEXT(form_used));
        return;
    }
    read->done(request, &read->form);
}

/* Basic comes with each request of the client's own will, or of a browser's, which then tells its site. */
static bool needs_token(const struct http_request *request)
{
    return request->user.size == 0 || request->visit->by_session;
}

static void on_body(struct http_request *request, struct span body)
{
    struct web_read *read = request->visit->read;
    enum web_token_state state = TOKEN_GOOD;
    const char *why = NULL;

    switch (parse(request, body, &why)) {
    case FORM_MANY:
        refuse(request, PROBLEM_body_too_large, TEXT(form_many));
        return;
    case FORM_BAD:
        refuse(request, PROBLEM_bad_request, why);
        return;
    case FORM_GOOD:
        break;
    }
    if (needs_token(request))
        state = web_token_check(read->host, request, read->purpose, read->token, &read->born);
    else
        read->token = (struct span){ 0 };
    if (state != TOKEN_GOOD)
        refuse(request, PROBLEM_forbidden, state == TOKEN_OLD ? TEXT(form_old) : TEXT(form_foreign));
    else if ((read->flags & WEB_FRESH) && !web_is_fresh(read->host, request))
        web_confirm(read->host, request, &read->form, read->token, read->password, finish);
    else
        finish(request);
}

void web_form_read(struct module_host *host, struct http_request *request, const char *purpose,
                   unsigned flags, size_t most,
                   void (*done)(struct http_request *request, const struct web_form *form))
{
    struct span type = request_field(request, "content-type");
    char boundary[MULTIPART_BOUNDARY_MOST + 1];
    struct web_read *read = arena_make(request->arena, struct web_read);

    if (flags & WEB_FRESH)
        most += CONFIRM_ROOM;
    *read = (struct web_read){ .host = host, .purpose = purpose, .flags = flags, .done = done };
    web_visit(request)->read = read;
    if (!is_from_here(request)) {
        refuse(request, PROBLEM_forbidden, TEXT(form_other_site));
    } else if (request->has_body && !multipart_boundary(type, boundary) &&
               !media_type_same(type, SPAN("application/x-www-form-urlencoded"))) {
        refuse(request, PROBLEM_media_not_understood, TEXT(form_type));
    } else if (request->body_size > (int64_t)most) {
        refuse(request, PROBLEM_body_too_large, TEXT(form_large));
    } else {
        request->doing = "waiting for the form";
        request_read_body(request, most, on_body);
    }
}
