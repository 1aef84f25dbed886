/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: login.c - see login.h.
 *
 * The password stays in the request's own head, where the client put it; it is decoded anew for each use, and
 * the copy is wiped at once. Limits and the memory of wrong passwords are the router's, which sees all
 * workers' logins. */
#include "module/login.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/text.h"
#include "http/reply.h"

#include <openssl/crypto.h>

#define NS_COMMANDS   "http://jabber.org/protocol/commands"
#define NS_ITEMS      "http://jabber.org/protocol/disco#items"
#define NS_ADMIN      "http://jabber.org/protocol/admin#" /* of XEP-0133: nodes that only admins are shown */
#define RETRY_SECONDS 5u /* when the server is away and nobody knows for how long */

struct job {
    OBJECT_MAGIC
    struct ask ask;
    struct module_host *host;     /* borrowed, as all below */
    struct http_request *request; /* in whose arena the job lies */
    enum login_wish wish;
    struct login login;
    bool proved_now; /* by this request: a session that is gone then stays gone */
    void (*done)(struct http_request *request, const struct login *login);
    void (*answer)(struct http_request *request, enum problem problem, const char *detail);
    void (*their_cancel)(struct http_request *request); /* what was in the request before we parked it */
    void *their_data;
};

/* ---- credentials ---- */

enum reading { READ_GOOD, READ_NONE, READ_BAD };

/* What stands behind "Basic ", decoded; the caller wipes it. */
static enum reading decode(struct http_request *request, struct buf *into)
{
    struct span field = request_field(request, "authorization");
    struct span scheme, rest = field;

    if (field.at == NULL)
        return READ_NONE;
    scheme = span_cut(&rest, ' ');
    if (!span_eq_nocase(scheme, SPAN("Basic")))
        return READ_NONE;
    rest = span_trim(rest);
    if (rest.size > 2 * (JID_BARE_MOST + 1024))
        return READ_BAD;
    buf_reserve(into, rest.size); /* no growth while it is decoded: nothing of it is left behind unwiped */
    return codec_base64_decode(into, rest) ? READ_GOOD : READ_BAD;
}

static void wipe(struct buf *secret)
{
    if (secret->at)
        OPENSSL_cleanse(secret->at, secret->room);
    buf_free(secret);
}

/* RFC 7617 2: up to the first colon the user's name, the bare JID here. why_r: what is wrong with it. */
static enum reading read_credentials(struct http_request *request, struct buf *secret, struct span *jid_r,
                                     struct span *password_r, const char **why_r)
{
    enum reading reading = decode(request, secret);
    struct span password = buf_span(secret), name;
    struct jid jid;

    *why_r = "The Authorization field is not Basic with base64 behind it";
    if (reading != READ_GOOD)
        return reading;
    if (span_find(password, ':') < 0)
        return READ_BAD;
    name = span_cut(&password, ':');
    *why_r = "User name and password must be UTF-8 without control characters";
    if (!text_is_utf8(name) || !text_is_utf8(password) || text_has_control(name) ||
        text_has_control(password))
        return READ_BAD;
    *why_r = "The user name must be a bare JID, such as user@example.org";
    if (!jid_parse(request->arena, name, &jid) || jid.local.size == 0 || jid.resource.size > 0)
        return READ_BAD;
    *jid_r = jid_bare_text(request->arena, jid);
    *password_r = password;
    return READ_GOOD;
}

/* ---- ends ---- */

static void unpark(struct job *job)
{
    job->request->on_cancel = job->their_cancel;
    job->request->handler_data = job->their_data;
    OBJECT_DEAD(job);
}

static void refuse(struct job *job, enum problem problem, const char *detail, unsigned retry_after)
{
    struct http_request *request = job->request;
    void (*answer)(struct http_request *, enum problem, const char *) = job->answer;

    unpark(job);
    if (problem == PROBLEM_not_authorized)
        reply_field_printf(request, "WWW-Authenticate", "Basic realm=\"%s\", charset=\"UTF-8\"",
                           job->host->settings->http->realm);
    if (retry_after)
        reply_field_printf(request, "Retry-After", "%u", retry_after);
    if (answer)
        answer(request, problem, detail);
    else
        reply_problem(request, problem, detail);
}

static void pass(struct job *job)
{
    void (*done)(struct http_request *, const struct login *) = job->done;
    struct http_request *request = job->request;
    const struct login login = job->login;

    unpark(job);
    done(request, &login);
}

static void on_cancel(struct http_request *request)
{
    struct job *job = OBJECT(request->handler_data, job);

    ask_cancel(&job->ask);
    unpark(job);
    if (request->on_cancel)
        request->on_cancel(request);
}

/* ---- the role ---- */

static bool shows_admin(const struct xml_element *iq)
{
    const struct xml_element *query = xml_child(iq, NS_ITEMS, "query");

    for (const struct xml_element *item = query ? xml_child(query, NS_ITEMS, "item") : NULL; item;
         item = xml_next(item, NS_ITEMS, "item"))
        if (span_starts(xml_attribute(item, "node"), SPAN(NS_ADMIN)))
            return true;
    return false;
}

static void keep_role(struct job *job, bool is_admin)
{
    struct buf secret = { 0 };
    struct span jid, password;
    const char *why;

    if (read_credentials(job->request, &secret, &jid, &password, &why) == READ_GOOD)
        auth_cache_role(&job->host->segment->auth, jid, password, is_admin ? AUTH_ADMIN : AUTH_PLAIN,
                        clock_mono());
    wipe(&secret);
}

static void tell_admin(struct job *job, bool is_admin)
{
    job->login.is_admin = is_admin;
    if (is_admin)
        pass(job);
    else
        refuse(
            job, PROBLEM_forbidden,
            "This is for administrators: accounts in xmpp/admins, and those to which the XMPP server shows "
            "its administration commands",
            0);
}

static void start_login(struct job *job);

static void on_items(struct ask *ask)
{
    struct job *job = OBJECT(ask->data, job);

    if (ask->problem == PROBLEM_no_session && !job->proved_now) {
        start_login(job);
    } else if (ask->problem != PROBLEM_none) {
        refuse(job, ask->problem, NULL, RETRY_SECONDS);
    } else {
        bool is_admin = !ask->is_error && shows_admin(ask->answer);

        keep_role(job, is_admin);
        tell_admin(job, is_admin);
    }
}

/* Nobody tells a client that it is an administrator; but administrators are shown more commands. */
static void ask_role(struct job *job)
{
    struct jid jid;

    must(jid_parse(job->request->arena, job->login.jid, &jid));
    job->ask = (struct ask){ .done = on_items, .data = job };
    ask_iq(job->host, &job->ask, job->request->arena, job->login.jid, jid.domain, IQ_GET,
           SPAN("<query xmlns='" NS_ITEMS "' node='" NS_COMMANDS "'/>"), 0);
}

static void proved(struct job *job, enum auth_role role)
{
    if (job->wish == LOGIN_USER)
        pass(job);
    else if (role == AUTH_ADMIN || login_is_named_admin(job->host, job->login.jid))
        tell_admin(job, true);
    else if (role == AUTH_PLAIN)
        tell_admin(job, false);
    else
        ask_role(job);
}

/* ---- the proof ---- */

static void on_login(struct ask *ask)
{
    struct job *job = OBJECT(ask->data, job);
    const char *detail = ask->text.size ? arena_text(job->request->arena, ask->text) : NULL;

    switch (ask->problem) {
    case PROBLEM_none:
        job->proved_now = true;
        proved(job, AUTH_USER);
        break;
    case PROBLEM_not_authorized:
        refuse(job, PROBLEM_not_authorized, detail ? detail : "User name or password is wrong", 0);
        break;
    default:
        refuse(job, ask->problem, detail, ask->retry_after ? ask->retry_after : RETRY_SECONDS);
    }
}

static void start_login(struct job *job)
{
    struct buf secret = { 0 };
    struct span jid, password;
    const char *why;

    must(read_credentials(job->request, &secret, &jid, &password, &why) == READ_GOOD);
    job->ask = (struct ask){ .done = on_login, .data = job };
    ask_login(job->host, &job->ask, job->request->arena, jid, password, job->request->client);
    wipe(&secret);
}

static void begin(struct module_host *host, struct http_request *request, enum login_wish wish, bool anew,
                  void (*done)(struct http_request *request, const struct login *login),
                  void (*answer)(struct http_request *request, enum problem problem, const char *detail))
{
    struct job *job = arena_make(request->arena, struct job);
    enum auth_role role = AUTH_UNPROVED;
    struct buf secret = { 0 };
    struct span password;
    enum reading reading;
    const char *why;

    OBJECT_BORN(job, job);
    job->host = host;
    job->request = request;
    job->wish = wish;
    job->done = done;
    job->answer = answer;
    job->their_cancel = request->on_cancel;
    job->their_data = request->handler_data;
    request->on_cancel = on_cancel;
    request->handler_data = job;
    reading = read_credentials(request, &secret, &job->login.jid, &password, &why);
    if (reading == READ_GOOD && !anew)
        role = auth_cache_find(&host->segment->auth, job->login.jid, password, clock_mono());
    wipe(&secret);
    if (reading == READ_NONE)
        refuse(job, PROBLEM_not_authorized, NULL, 0);
    else if (reading == READ_BAD)
        refuse(job, PROBLEM_bad_request, why, 0);
    else if (role != AUTH_UNPROVED)
        proved(job, role);
    else
        start_login(job);
}

void login_request(struct module_host *host, struct http_request *request, enum login_wish wish,
                   void (*done)(struct http_request *request, const struct login *login),
                   void (*answer)(struct http_request *request, enum problem problem, const char *detail))
{
    begin(host, request, wish, false, done, answer);
}

void login_again(struct module_host *host, struct http_request *request,
                 void (*done)(struct http_request *request, const struct login *login),
                 void (*answer)(struct http_request *request, enum problem problem, const char *detail))
{
    begin(host, request, LOGIN_USER, true, done, answer);
}

void login_again_cancel(struct http_request *request)
{
    struct job *job = OBJECT(request->handler_data, job);

    ask_cancel(&job->ask);
    unpark(job);
}

bool login_is_named_admin(const struct module_host *host, struct span jid)
{
    const struct conf_list *admins = &host->settings->xmpp->admins;
    struct arena *arena = arena_new();
    struct jid who, admin;
    bool found = false;

    if (jid_parse(arena, jid, &who))
        for (size_t i = 0; i < admins->count && !found; i++)
            found = jid_parse(arena, span_of(admins->texts[i]), &admin) && jid_equal_bare(who, admin);
    arena_free(&arena);
    return found;
}

/* ---- rows of the HTTP server's own ---- */

struct guarded {
    void (*go)(struct http_request *request);
    void *their_data;
};

static void on_guarded(struct http_request *request, const struct login *login)
{
    struct guarded *guarded = request->handler_data;

    request->handler_data = guarded->their_data;
    request->user = login->jid;
    request->user_is_admin = login->is_admin;
    guarded->go(request);
}

void login_guard(void *data, struct http_request *request, enum route_access access,
                 void (*go)(struct http_request *request))
{
    struct guarded *guarded = arena_make(request->arena, struct guarded);

    guarded->go = go;
    guarded->their_data = request->handler_data;
    request->handler_data = guarded;
    login_request(data, request, access == ACCESS_ADMIN ? LOGIN_ADMIN : LOGIN_USER, on_guarded, NULL);
}

/* ---- without a request ---- */

static void on_check(struct ask *ask)
{
    struct login_check *check = ask->data;

    check->done(check, ask->problem);
}

void login_check(struct module_host *host, struct login_check *check, struct arena *arena, struct span jid,
                 struct span password, const char *client)
{
    check->ask = (struct ask){ .done = on_check, .data = check };
    ask_login(host, &check->ask, arena, jid, password, client);
}

void login_check_cancel(struct login_check *check)
{
    ask_cancel(&check->ask);
}
