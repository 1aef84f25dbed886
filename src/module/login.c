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
#include "module/web_inside.h"
#include "page/texts.h"
#include "parse/ip.h"

#include <openssl/crypto.h>

#define NS_COMMANDS   "http://jabber.org/protocol/commands"
#define NS_ITEMS      "http://jabber.org/protocol/disco#items"
#define NS_ADMIN      "http://jabber.org/protocol/admin#" /* of XEP-0133: nodes that only admins are shown */
#define RETRY_SECONDS 5u /* when the server is away and nobody knows for how long */

enum source {
    FROM_BASIC,  /* the Authorization field */
    FROM_COOKIE, /* a session, of which the password was proved when it began */
    FROM_FORM,   /* given by who asked */
};

struct job {
    OBJECT_MAGIC
    struct ask ask;
    enum source source;
    struct span given_jid, given_password; /* FROM_FORM; live as long as the request */
    bool was_admin;                        /* FROM_COOKIE: when the session began */
    bool is_page;                          /* of the guard: people get pages */
    struct module_host *host;              /* borrowed, as all below */
    struct http_request *request;          /* in whose arena the job lies */
    enum login_wish wish;
    struct login login;
    bool anew;       /* whatever the cache says */
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

static enum reading read_session(struct job *job, struct buf *secret, struct span *jid_r,
                                 struct span *password_r)
{
    struct web_session session;

    if (!web_open(job->host, job->request, &session))
        return READ_NONE;
    buf_reserve(secret, sizeof(session.password));
    buf_text(secret, session.password);
    *jid_r = arena_copy(job->request->arena, span_of(session.jid));
    *password_r = buf_span(secret);
    job->was_admin = session.is_admin;
    OPENSSL_cleanse(&session, sizeof(session));
    return READ_GOOD;
}

/* secret holds the password, or nothing: the caller wipes it. */
static enum reading read_any(struct job *job, struct buf *secret, struct span *jid_r, struct span *password_r,
                             const char **why_r)
{
    switch (job->source) {
    case FROM_COOKIE:
        return read_session(job, secret, jid_r, password_r);
    case FROM_FORM:
        *jid_r = job->given_jid;
        *password_r = job->given_password;
        return READ_GOOD;
    case FROM_BASIC:
        break;
    }
    return read_credentials(job->request, secret, jid_r, password_r, why_r);
}

/* ---- ends ---- */

static void unpark(struct job *job)
{
    job->request->on_cancel = job->their_cancel;
    job->request->handler_data = job->their_data;
    OBJECT_DEAD(job);
}

/* Browsers ask for a password by themselves when they hear of Basic: whoever gets a form is not told. */
static void challenge(const struct job *job)
{
    const char *realm = job->host->settings->http->realm;

    if (job->is_page || job->source != FROM_BASIC)
        reply_field_printf(job->request, "WWW-Authenticate", "Session realm=\"%s\"", realm);
    else
        reply_field_printf(job->request, "WWW-Authenticate", "Basic realm=\"%s\", charset=\"UTF-8\"", realm);
}

static void refuse(struct job *job, enum problem problem, const char *detail, unsigned retry_after)
{
    struct http_request *request = job->request;
    void (*answer)(struct http_request *, enum problem, const char *) = job->answer;

    unpark(job);
    if (problem == PROBLEM_not_authorized)
        challenge(job);
    if (retry_after)
        reply_field_printf(request, "Retry-After", "%u", retry_after);
    if (answer)
        answer(request, problem, detail);
    else if (job->is_page)
        web_refuse(job->host, request, problem, detail);
    else
        reply_problem(request, problem, detail);
}

/* The session's password is no good any more. */
static void end_session(struct job *job)
{
    struct web_session session;

    if (web_open(job->host, job->request, &session))
        web_session_end(&job->host->segment->web_sessions, &session);
    OPENSSL_cleanse(&session, sizeof(session));
    web_clear_session(job->request);
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

    if (read_any(job, &secret, &jid, &password, &why) == READ_GOOD)
        auth_cache_role(&job->host->segment->auth, jid, password, is_admin ? AUTH_ADMIN : AUTH_PLAIN,
                        clock_mono());
    wipe(&secret);
}

static void tell_admin(struct job *job, bool is_admin)
{
    job->login.is_admin = is_admin;
    if (is_admin || job->wish == LOGIN_EITHER)
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
    } else if (ask->problem != PROBLEM_none && job->source == FROM_COOKIE) {
        tell_admin(job, job->was_admin); /* nobody can say now; Stoa's own pages are needed most then */
    } else if (ask->problem != PROBLEM_none && job->wish == LOGIN_EITHER) {
        tell_admin(job, false);
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
    if (job->wish == LOGIN_USER && job->source == FROM_COOKIE) {
        job->login.is_admin = role == AUTH_ADMIN || (role != AUTH_PLAIN && job->was_admin);
        pass(job);
    } else if (job->wish == LOGIN_USER)
        pass(job);
    else if (role == AUTH_ADMIN || login_is_named_admin(job->host, job->login.jid))
        tell_admin(job, true);
    else if (role == AUTH_PLAIN)
        tell_admin(job, false);
    else
        ask_role(job);
}

/* ---- the proof ---- */

/* The server cannot say now whether the password is still good: it was when the session began. */
static void stand_in(struct job *job)
{
    job->login.is_admin = job->was_admin;
    if (job->wish == LOGIN_USER)
        pass(job);
    else
        tell_admin(job, job->was_admin);
}

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
        if (job->source == FROM_COOKIE) {
            end_session(job);
            detail = TEXT(session_password_changed);
        }
        refuse(job, PROBLEM_not_authorized, detail ? detail : "User name or password is wrong", 0);
        break;
    default:
        if (job->source == FROM_COOKIE && !job->anew) {
            stand_in(job);
            break;
        }
        refuse(job, ask->problem, detail, ask->retry_after ? ask->retry_after : RETRY_SECONDS);
    }
}

static void start_login(struct job *job)
{
    struct buf secret = { 0 };
    struct span jid, password;
    const char *why;

    job->ask = (struct ask){ .done = on_login, .data = job };
    if (read_any(job, &secret, &jid, &password, &why) == READ_GOOD)
        ask_login(job->host, &job->ask, job->request->arena, jid, password, job->request->client);
    else /* the session ended a moment ago: Basic is what the request itself holds, and does not change */
        refuse(job, PROBLEM_not_authorized, NULL, 0);
    wipe(&secret);
}

static struct job *job_new(struct module_host *host, struct http_request *request, enum login_wish wish,
                           void (*done)(struct http_request *request, const struct login *login),
                           void (*answer)(struct http_request *request, enum problem problem,
                                          const char *detail))
{
    struct job *job = arena_make(request->arena, struct job);

    OBJECT_BORN(job, job);
    job->host = host;
    job->request = request;
    job->wish = wish;
    job->done = done;
    job->answer = answer;
    return job;
}

static void begin(struct job *job)
{
    struct http_request *request = job->request;
    enum auth_role role = AUTH_UNPROVED;
    struct buf secret = { 0 };
    struct span password;
    enum reading reading;
    const char *why;

    job->their_cancel = request->on_cancel;
    job->their_data = request->handler_data;
    request->on_cancel = on_cancel;
    request->handler_data = job;
    reading = read_any(job, &secret, &job->login.jid, &password, &why);
    if (reading == READ_GOOD && !job->anew)
        role = auth_cache_find(&job->host->segment->auth, job->login.jid, password, clock_mono());
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
    begin(job_new(host, request, wish, done, answer));
}

void login_given(struct module_host *host, struct http_request *request, struct span jid,
                 struct span password, void (*done)(struct http_request *request, const struct login *login),
                 void (*answer)(struct http_request *request, enum problem problem, const char *detail))
{
    struct job *job = job_new(host, request, LOGIN_EITHER, done, answer);

    job->source = FROM_FORM;
    job->given_jid = jid;
    job->given_password = password;
    begin(job);
}

void login_again(struct module_host *host, struct http_request *request,
                 void (*done)(struct http_request *request, const struct login *login),
                 void (*answer)(struct http_request *request, enum problem problem, const char *detail))
{
    struct job *job = job_new(host, request, LOGIN_USER, done, answer);

    job->anew = true;
    if (request->visit && request->visit->by_session)
        job->source = FROM_COOKIE;
    begin(job);
}

void login_again_cancel(struct http_request *request)
{
    struct job *job = OBJECT(request->handler_data, job);

    ask_cancel(&job->ask);
    unpark(job);
}

bool login_anew(struct module_host *host, struct http_request *request, struct ask *ask)
{
    struct job job = { .host = host, .request = request };
    struct buf secret = { 0 };
    struct span jid, password;
    const char *why;
    bool known;

    job.source = web_is_session(request) ? FROM_COOKIE : FROM_BASIC;
    known = read_any(&job, &secret, &jid, &password, &why) == READ_GOOD;
    if (known)
        ask_login(host, ask, request->arena, jid, password, request->client);
    wipe(&secret);
    return known;
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
    bool by_session;
};

static void on_guarded(struct http_request *request, const struct login *login)
{
    struct guarded *guarded = request->handler_data;

    request->handler_data = guarded->their_data;
    request->user = login->jid;
    request->user_is_admin = login->is_admin;
    if (guarded->by_session)
        web_visit(request)->by_session = true;
    guarded->go(request);
}

bool login_from_admin_network(const struct module_host *host, const struct http_request *request)
{
    const struct conf_list *networks = &host->settings->http->admin_networks;
    struct span client = span_of(request->client);
    struct ip_network network;
    struct ip_address address;
    bool is_address = ip_address_parse(client, &address);

    for (size_t i = 0; i < networks->count; i++)
        if (is_address ? ip_network_parse(span_of(networks->texts[i]), &network) &&
                             ip_network_has(&network, &address)
                       : span_is(client, networks->texts[i]))
            return true;
    return false;
}

static bool has_session(struct module_host *host, struct http_request *request)
{
    struct web_session session;
    bool has = web_open(host, request, &session);

    OPENSSL_cleanse(&session, sizeof(session));
    return has;
}

void login_guard(void *data, struct http_request *request, enum route_access access,
                 void (*go)(struct http_request *request))
{
    enum login_wish wish = access == ACCESS_ADMIN ? LOGIN_ADMIN : LOGIN_USER;
    struct job *job = job_new(data, request, wish, on_guarded, NULL);
    struct guarded *guarded = arena_make(request->arena, struct guarded);

    job->is_page = request_field(request, "authorization").at == NULL &&
                   (page_is_wanted(request) || page_wants_part(request));
    if (access == ACCESS_ADMIN && !login_from_admin_network(data, request)) {
        web_refuse(data, request, PROBLEM_forbidden, TEXT(admin_networks));
        return;
    }
    if (has_session(data, request))
        job->source = FROM_COOKIE;
    guarded->go = go;
    guarded->their_data = request->handler_data;
    guarded->by_session = job->source == FROM_COOKIE;
    request->handler_data = guarded;
    begin(job);
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
