/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: web.c - log-in and log-out of people, and what the layout shows of them; see web.h. */
#include "module/web_inside.h"

#include "base/clock.h"
#include "base/text.h"
#include "module/host.h"
#include "page/texts.h"
#include "parse/uri.h"

#include <json-c/json.h>
#include <openssl/crypto.h>

#define PATH_MOST 2048 /* of a place to come back to */

extern const struct template_source web_templates[];

struct page_kit *web_kit;

/* ---- small things ---- */

void web_text(struct json_object *values, const char *name, struct span text)
{
    json_object_object_add(values, name,
                           json_object_new_string_len(text.size ? text.at : "", (int)text.size));
}

void web_error(struct json_object *values, const char *field, const char *text)
{
    struct json_object *errors = json_object_new_array(), *error = json_object_new_object();

    web_text(error, "field", span_of(field));
    web_text(error, "text", span_of(text));
    json_object_array_add(errors, error);
    json_object_object_add(values, "errors", errors);
}

/* What comes back from a page, or out of a mail: it may have been made by somebody else. */
const char *web_local_path(struct arena *arena, struct span wish, const char *fallback)
{
    struct span query = wish, path;
    enum problem problem = PROBLEM_none;
    struct buf decoded = { 0 };
    bool good;

    if (wish.size == 0 || wish.size > PATH_MOST || wish.at[0] != '/' || text_has_control(wish) ||
        !text_is_utf8(wish) || span_find(wish, '\\') >= 0 || span_find(wish, '#') >= 0)
        return fallback;
    path = span_cut(&query, '?');
    good = uri_path_decode(path, &decoded, &problem); /* no empty segment, no dots, no slash in disguise */
    buf_free(&decoded);
    return good ? arena_text(arena, wish) : fallback;
}

const char *web_place(struct http_request *request)
{
    if (request->query.size == 0)
        return arena_text(request->arena, request->raw_path);
    return arena_printf(request->arena, "%.*s?%.*s", SPAN_ARG(request->raw_path), SPAN_ARG(request->query));
}

bool web_is_session(const struct http_request *request)
{
    return request->visit && request->visit->by_session;
}

void web_end_sessions(struct module_host *host, struct span jid, const struct http_request *keep)
{
    struct web_session session;
    bool kept =
        keep && web_is_session(keep) &&
        web_session_open(&host->segment->web_sessions, keep->visit->secret, clock_wall() / USEC_PER_SEC,
                         host->settings->http->session_idle / USEC_PER_SEC,
                         host->settings->http->session_life / USEC_PER_SEC, &session);

    web_session_end_all(&host->segment->web_sessions, jid, kept ? &session : NULL);
    if (kept)
        OPENSSL_cleanse(&session, sizeof(session));
}

/* ---- the form to log in ---- */

void web_login_page(struct module_host *host, struct http_request *request, int status, const char *next,
                    const char *jid, const char *error)
{
    const struct conf_list *domains = &host->settings->xmpp->domains;
    struct json_object *values = json_object_new_object();

    web_text(values, "title", span_of(TEXT(log_in)));
    json_object_object_add(values, "unsafe", json_object_new_boolean(!web_is_safe(host, request)));
    web_text(values, "next", span_of(next));
    web_text(values, "jid", span_of(jid));
    if (domains->count)
        web_text(values, "domain", span_of(domains->texts[0]));
    if (error)
        web_error(values, "f-jid", error);
    if (web_is_safe(host, request))
        web_text(values, "token", web_token(host, request, WEB_PURPOSE_LOGIN));
    page_answer(web_kit, request, status, "session_login", values);
}

static const char *come_back(struct http_request *request)
{
    struct span path = request->raw_path;

    if (request->method == HTTP_GET || request->method == HTTP_HEAD)
        return web_place(request);
    while (path.size > 1 && path.at[path.size - 1] != '/')
        path.size--; /* what takes a form need not show a page */
    return arena_text(request->arena, path);
}

void web_refuse(struct module_host *host, struct http_request *request, enum problem problem,
                const char *detail)
{
    if (problem == PROBLEM_not_authorized && (page_is_wanted(request) || page_wants_part(request)))
        web_login_page(host, request, problem_status(problem),
                       web_local_path(request->arena, span_of(come_back(request)), "/"), NULL, detail);
    else
        page_problem(web_kit, request, problem, detail, NULL);
}

static void get_login(struct http_request *request)
{
    const char *next = web_local_path(request->arena, request_parameter(request, "next"), "/");

    web_login_page(request->state, request, 200, next, NULL, NULL);
}

/* ---- log-in ---- */

struct entry { /* one try to log in */
    const char *next;
    const char *typed; /* the account as it was written */
    struct span jid, password;
};

static void on_entered(struct http_request *request, const struct login *login)
{
    const struct entry *entry = request->handler_data;
    struct module_host *host = request->state;
    struct web_sessions *sessions = &host->segment->web_sessions;
    unsigned char secret[WEB_SESSION_SECRET];
    struct web_session old;

    if (web_open(host, request, &old)) /* a new name at each log-in: nobody can have prepared it */
        web_session_end(sessions, &old);
    OPENSSL_cleanse(&old, sizeof(old));
    if (!web_session_begin(sessions, login->jid, entry->password, login->is_admin,
                           clock_wall() / USEC_PER_SEC, secret)) {
        web_login_page(host, request, problem_status(PROBLEM_bad_request), entry->next, entry->typed,
                       TEXT(session_too_long));
        return;
    }
    web_set_session(request, secret);
    OPENSSL_cleanse(secret, sizeof(secret));
    page_see_other(request, entry->next);
}

static void on_turned_away(struct http_request *request, enum problem problem, const char *detail)
{
    const struct entry *entry = request->handler_data;

    web_login_page(request->state, request, problem_status(problem), entry->next, entry->typed,
                   detail ? detail : problem_text(problem));
}

/* A name alone is one of the first domain: that is how people know themselves. */
static bool complete_jid(struct http_request *request, struct span typed, struct span *jid_r)
{
    const struct module_host *host = request->state;
    const struct conf_list *domains = &host->settings->xmpp->domains;
    struct jid jid;

    typed = span_trim(typed);
    if (span_find(typed, '@') < 0 && domains->count)
        typed = span_of(arena_printf(request->arena, "%.*s@%s", SPAN_ARG(typed), domains->texts[0]));
    if (!jid_parse(request->arena, typed, &jid) || jid.local.size == 0 || jid.resource.size > 0)
        return false;
    *jid_r = jid_bare_text(request->arena, jid);
    return true;
}

static void on_login_form(struct http_request *request, const struct web_form *form)
{
    struct entry *entry = arena_make(request->arena, struct entry);
    struct span typed = web_value(form, "jid");

    entry->next = web_local_path(request->arena, web_value(form, "next"), "/");
    entry->typed = arena_text(request->arena, span_head(typed, JID_BARE_MOST));
    entry->password = web_value(form, "password");
    if (!complete_jid(request, typed, &entry->jid)) {
        web_login_page(request->state, request, problem_status(PROBLEM_bad_request), entry->next,
                       entry->typed, TEXT(session_no_jid));
        return;
    }
    if (entry->password.size == 0 || text_has_control(entry->password)) {
        web_login_page(request->state, request, problem_status(PROBLEM_bad_request), entry->next,
                       entry->typed, TEXT(session_no_password));
        return;
    }
    request->handler_data = entry;
    request->doing = "waiting for the login";
    login_given(request->state, request, entry->jid, entry->password, on_entered, on_turned_away);
}

static void post_login(struct http_request *request)
{
    if (web_is_safe(request->state, request))
        web_form_read(request->state, request, WEB_PURPOSE_LOGIN, 0, WEB_FORM_MOST, on_login_form);
    else
        web_login_page(request->state, request, problem_status(PROBLEM_forbidden), "/", NULL, NULL);
}

/* ---- log-out ---- */

static void on_logout_form(struct http_request *request, const struct web_form *form)
{
    struct module_host *host = request->state;
    struct web_session session;

    (void)form;
    if (web_open(host, request, &session))
        web_session_end(&host->segment->web_sessions, &session);
    OPENSSL_cleanse(&session, sizeof(session));
    web_clear_session(request);
    page_see_other(request, "/session/login");
}

static void post_logout(struct http_request *request)
{
    web_form_read(request->state, request, WEB_PURPOSE_LOGOUT, 0, WEB_FORM_MOST, on_logout_form);
}

static const struct http_route routes[] = {
    { METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD), "/login", ACCESS_OPEN, get_login, "the form to log in" },
    { METHOD_BIT(HTTP_POST), "/login", ACCESS_OPEN, post_login, "log in" },
    { METHOD_BIT(HTTP_POST), "/logout", ACCESS_OPEN, post_logout, "log out" },
    { METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD), "/confirm", ACCESS_USER, web_confirm_get,
      "the form that asks for the password again" },
    { METHOD_BIT(HTTP_POST), "/confirm", ACCESS_USER, web_confirm_post, "the password again" },
    { .path = NULL },
};

void web_contexts(struct module_host *core, struct router_table *table)
{
    const struct http_context context = {
        .path = "/session", .routes = routes, .state = core, .name = "session"
    };

    if (web_kit == NULL)
        web_kit = page_kit_new(web_templates);
    router_table_add(table, &context);
}

/* ---- what the layout shows ---- */

static struct {
    struct module_host *core;
    const struct router_table *table;
} chrome;

static const struct stoa_module *module_of(const char *name)
{
    const struct hosts *hosts = LIST_OF(chrome.core, struct hosts, core);

    for (size_t i = 0; i < hosts->count; i++)
        if (strcmp(hosts->items[i].module->name, name) == 0)
            return hosts->items[i].module;
    return NULL;
}

/* The row that shows a page to whoever comes to the context itself; NULL: it has none. */
static const struct http_route *front_row(const struct http_context *context)
{
    for (const struct http_route *row = context->routes; row->path; row++)
        if ((row->methods & METHOD_BIT(HTTP_GET)) && (row->path[0] == '\0' || strcmp(row->path, "/") == 0))
            return row;
    return NULL;
}

static bool is_shown(const struct http_context *context, const struct http_request *request, bool known,
                     bool is_admin)
{
    const struct http_route *row = front_row(context);

    if (row == NULL || context->is_aside || context->is_for_programs || strcmp(context->path, "/") == 0 ||
        row->access == ACCESS_DENIED)
        return false;
    return row->access != ACCESS_ADMIN ||
           (login_from_admin_network(chrome.core, request) && (is_admin || !known));
}

static void add_nav(struct json_object *values, const struct http_request *request, bool known, bool is_admin)
{
    struct json_object *nav = json_object_new_array();
    const struct http_context *context;
    size_t at = 0;

    while ((context = router_table_next(chrome.table, request->host, &at))) {
        const struct stoa_module *module = module_of(context->name);
        struct json_object *entry;

        if (module == NULL || module->title == NULL || !is_shown(context, request, known, is_admin))
            continue;
        entry = json_object_new_object();
        web_text(entry, "name", span_of(context->name));
        web_text(entry, "title", span_of(module->title));
        web_text(entry, "path", span_from(span_of(context->path), 1));
        json_object_array_add(nav, entry);
    }
    json_object_object_add(values, "nav", nav);
}

static void fill(struct http_request *request, struct json_object *values, void *data)
{
    struct span user = request->user;
    bool is_admin = request->user_is_admin, by_session = web_is_session(request);
    struct web_session session = { 0 };

    (void)data;
    if (user.size == 0 ||
        by_session) { /* a page for everybody; or the session has ended by this very request */
        by_session = web_open(chrome.core, request, &session);
        user = by_session ? span_of(session.jid) : (struct span){ 0 };
        is_admin = by_session && session.is_admin;
    }
    add_nav(values, request, user.size > 0, is_admin);
    if (user.size) {
        web_text(values, "user", user);
        json_object_object_add(values, "is_admin", json_object_new_boolean(is_admin));
    }
    if (user.size == 0 && !span_starts(request->path, SPAN("/session/")))
        web_text(values, "here", span_of(come_back(request)));
    if (by_session)
        web_text(values, "logout_token", web_token(chrome.core, request, WEB_PURPOSE_LOGOUT));
    OPENSSL_cleanse(&session, sizeof(session));
}

void web_chrome(struct module_host *core, const struct router_table *table)
{
    chrome.core = core;
    chrome.table = table;
    page_chrome(fill, NULL);
}
