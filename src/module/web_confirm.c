/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: web_confirm.c - the password again, before what cannot be undone.
 *
 * What was sent goes into the page as hidden fields and comes back with the password: nothing is kept here in
 * between, and the address stays that of the act. */
#include "module/web_inside.h"

#include "base/clock.h"
#include "base/codec.h"
#include "page/texts.h"

#include <json-c/json.h>
#include <openssl/crypto.h>

struct confirm {
    struct module_host *host;
    const struct web_form
        *form; /* carried along; NULL: /session/confirm itself, then next says where to go */
    struct span token;
    const char *next;
    void (*done)(struct http_request *request);
    void *their_data;
};

bool web_is_fresh(const struct module_host *host, struct http_request *request)
{
    struct web_session session;
    int64_t now = clock_wall() / USEC_PER_SEC;
    bool fresh;

    if (!web_visit(request)->by_session)
        return true; /* Basic: it came just now */
    if (!web_open(host, request, &session))
        return false;
    fresh = now - session.proved < host->settings->http->confirm_after / USEC_PER_SEC;
    OPENSSL_cleanse(&session, sizeof(session));
    return fresh;
}

/* ---- the page ---- */

static struct json_object *hidden_field(const struct web_field *field)
{
    struct json_object *hidden = json_object_new_object();
    struct buf file = { 0 };

    if (field->filename.at) {
        codec_base64(&file, field->name);
        buf_char(&file, ':');
        codec_base64(&file, field->filename);
        buf_char(&file, ':');
        codec_base64(&file, field->value);
        web_text(hidden, "name", SPAN(WEB_CONFIRM_FILE));
        web_text(hidden, "value", buf_span(&file));
        if (file.at)
            OPENSSL_cleanse(file.at, file.room);
        buf_free(&file);
    } else {
        web_text(hidden, "name", field->name);
        web_text(hidden, "value", field->value);
    }
    return hidden;
}

static void show(const struct confirm *confirm, struct http_request *request, int status, const char *error)
{
    struct json_object *values = json_object_new_object(), *fields = json_object_new_array();
    const char *place = confirm->form ? web_place(request) : "/session/confirm";

    web_text(values, "title", span_of(TEXT(session_confirm_title)));
    for (size_t i = 0; confirm->form && i < confirm->form->count; i++)
        json_object_array_add(fields, hidden_field(&confirm->form->fields[i]));
    json_object_object_add(values, "fields", fields);
    web_text(values, "token", confirm->token);
    web_text(values, "account", request->user);
    web_text(values, "password_field", confirm->form ? SPAN(WEB_CONFIRM_PASSWORD) : SPAN("password"));
    web_text(values, "action", span_of(arena_printf(request->arena, "%s%s", page_base(request), place + 1)));
    if (confirm->next)
        web_text(values, "next", span_of(confirm->next));
    if (error)
        web_error(values, "f-password", error);
    page_answer(web_kit, request, status, "session_confirm", values);
}

/* ---- the proof ---- */

static struct confirm *take(struct http_request *request)
{
    struct confirm *confirm = request->handler_data;

    request->handler_data = confirm->their_data;
    return confirm;
}

static void on_proved(struct http_request *request, const struct login *login)
{
    struct confirm *confirm = take(request);
    struct web_sessions *sessions = &confirm->host->segment->web_sessions;
    struct web_session session;

    (void)login;
    if (web_open(confirm->host, request, &session))
        web_session_proved(sessions, &session, clock_wall() / USEC_PER_SEC);
    OPENSSL_cleanse(&session, sizeof(session));
    if (confirm->form)
        confirm->done(request);
    else
        page_see_other(request, confirm->next);
}

static void on_refused(struct http_request *request, enum problem problem, const char *detail)
{
    struct confirm *confirm = take(request);

    show(confirm, request, problem_status(problem), detail ? detail : problem_text(problem));
}

static void prove(struct confirm *confirm, struct http_request *request, struct span password)
{
    confirm->their_data = request->handler_data;
    request->handler_data = confirm;
    login_given(confirm->host, request, request->user, password, on_proved, on_refused);
}

void web_confirm(struct module_host *host, struct http_request *request, const struct web_form *form,
                 struct span token, struct span password, void (*done)(struct http_request *request))
{
    struct confirm *confirm = arena_make(request->arena, struct confirm);

    *confirm = (struct confirm){ .host = host, .form = form, .token = token, .done = done };
    if (password.at == NULL)
        show(confirm, request, problem_status(PROBLEM_forbidden), NULL);
    else
        prove(confirm, request, password);
}

/* ---- /session/confirm: for scripts of pages, before they send ---- */

void web_confirm_get(struct http_request *request)
{
    struct confirm confirm = { .host = request->state };

    confirm.token = web_token(request->state, request, WEB_PURPOSE_CONFIRM);
    confirm.next = web_local_path(request->arena, request_parameter(request, "next"), "/");
    show(&confirm, request, 200, NULL);
}

static void on_form(struct http_request *request, const struct web_form *form)
{
    struct confirm *confirm = arena_make(request->arena, struct confirm);

    confirm->host = request->state;
    confirm->token = web_token(request->state, request, WEB_PURPOSE_CONFIRM);
    confirm->next = web_local_path(request->arena, web_value(form, "next"), "/");
    prove(confirm, request, web_value(form, "password"));
}

void web_confirm_post(struct http_request *request)
{
    web_form_read(request->state, request, WEB_PURPOSE_CONFIRM, 0, WEB_FORM_MOST, on_form);
}
