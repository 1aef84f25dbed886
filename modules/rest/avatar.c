/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: avatar.c - GET /rest/avatar/{jid}[/{source}]: a user's picture.
 *
 * Asked by the service itself, or, when the request brings credentials, as that user, who may see more: his
 * own and his contacts' pictures. The bytes are a stranger's: only raster types are shown, found by their
 * bytes, never sniffed again, and in a sandbox. An address that a vCard names is not fetched from here; the
 * browser is sent there, without being told where it came from, as the key may stand in that address. */
#include "avatar.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/digest.h"
#include "parse/http_value.h"

#define ETAG_BYTES 16

struct looking {
    OBJECT_MAGIC
    struct avatar_search search;
    struct rest_call *call; /* borrowed; in whose arena this lies */
    bool is_public;         /* asked by the service: may be remembered for others */
};

bool avatar_jid(struct rest_call *call, struct span *jid_r)
{
    struct arena *arena = call->request->arena;
    struct span local = call->groups[0], domain = call->groups[1];
    struct jid jid;

    if (!jid_parse(arena,
                   local.size ? span_of(arena_printf(arena, "%.*s@%.*s", SPAN_ARG(local), SPAN_ARG(domain)))
                              : domain,
                   &jid) ||
        jid.resource.size > 0) {
        rest_problem(call, PROBLEM_bad_request, "The address in the path is no bare JID");
        return false;
    }
    *jid_r = jid_text(arena, jid);
    return true;
}

static enum avatar_source source_of(const struct rest_call *call)
{
    struct span name = call->groups[2];

    if (span_is(name, "avatar"))
        return AVATAR_PEP;
    if (span_is(name, "vcard4"))
        return AVATAR_VCARD4;
    return span_is(name, "vcard-temp") ? AVATAR_VCARD_TEMP : AVATAR_ANY;
}

/* ---- showing ---- */

static void show_bytes(struct rest_call *call, const struct picture *picture)
{
    struct http_request *request = call->request;
    unsigned char digest[SHA256_BYTES];
    struct buf etag = { 0 };
    struct span condition = request_field(request, "if-none-match");

    digest_sha256(picture->bytes, digest);
    buf_char(&etag, '"');
    codec_hex(&etag, span_make((const char *)digest, ETAG_BYTES));
    buf_char(&etag, '"');
    reply_field(request, "ETag", buf_span(&etag));
    reply_field(request, "Content-Security-Policy",
                SPAN("default-src 'none'; frame-ancestors 'none'; sandbox"));
    if (condition.at && http_etag_matches(condition, buf_span(&etag), HTTP_WEAK)) {
        reply_empty(request, 304);
    } else {
        rest_answer_bytes(call, picture->type, picture->bytes);
    }
    buf_free(&etag);
}

static void show(struct rest_call *call, const struct picture *picture)
{
    struct http_request *request = call->request;

    if (picture->type == NULL && picture->elsewhere.size == 0) {
        rest_problem(call, PROBLEM_not_found, "No avatar of that user is to be seen here");
        return;
    }
    reply_field(request, "Cache-Control", SPAN("private, max-age=300"));
    reply_field(request, "Vary", SPAN("Authorization"));
    if (picture->elsewhere.size == 0) {
        show_bytes(call, picture);
        return;
    }
    reply_field(request, "Location", picture->elsewhere);
    reply_field(request, "Referrer-Policy", SPAN("no-referrer"));
    reply_empty(request, 302);
}

/* ---- looking ---- */

static struct avatar_cache *cache_of(struct rest *rest)
{
    if (rest->avatars == NULL)
        rest->avatars = avatar_cache_new(&rest->host->segment->counts, rest->conf->avatar_cache);
    return rest->avatars;
}

static void avatar_get(struct rest_call *call);

static void on_found(struct avatar_search *search)
{
    struct looking *looking = OBJECT(search->data, looking);
    struct rest_call *call = looking->call;

    call->on_cancel = NULL;
    if (search->ask.problem != PROBLEM_none) {
        rest_ask_failed(call, &search->ask, avatar_get);
        return;
    }
    if (looking->is_public)
        avatar_cache_keep(cache_of(call->rest), search->jid, search->source, clock_mono(), &search->picture);
    show(call, &search->picture);
}

static void on_cancel(struct rest_call *call)
{
    avatar_search_cancel(&OBJECT(call->data, looking)->search);
}

static void look(struct rest_call *call, struct span from, bool is_public)
{
    struct looking *looking = arena_make(call->request->arena, struct looking);
    const struct settings *settings = call->rest->host->settings;
    struct avatar_search *search = &looking->search;
    struct picture picture;

    OBJECT_BORN(looking, looking);
    looking->call = call;
    looking->is_public = is_public;
    if (!avatar_jid(call, &search->jid))
        return;
    search->source = source_of(call);
    if (is_public &&
        avatar_cache_find(cache_of(call->rest), search->jid, search->source, clock_mono(), &picture)) {
        show(call, &picture);
        return;
    }
    search->host = call->rest->host;
    search->arena = call->request->arena;
    search->from = from;
    search->most = (size_t)call->rest->conf->max_avatar;
    search->deadline = clock_mono() + settings->xmpp->iq_timeout;
    search->done = on_found;
    search->data = looking;
    call->data = looking;
    call->on_cancel = on_cancel;
    avatar_search_start(search);
}

static void on_login(struct http_request *request, const struct login *login)
{
    look(OBJECT(request->handler_data, rest_call), login->jid, false);
}

static void on_no_login(struct http_request *request, enum problem problem, const char *detail)
{
    rest_problem(OBJECT(request->handler_data, rest_call), problem, detail);
}

/* Other schemes are for somebody else, a proxy before us for example. */
static bool has_login(struct rest_call *call)
{
    struct span field = request_field(call->request, "authorization");

    return span_eq_nocase(span_cut(&field, ' '), SPAN("Basic"));
}

static void avatar_get(struct rest_call *call)
{
    if (has_login(call))
        login_request(call->rest->host, call->request, LOGIN_USER, on_login, on_no_login);
    else if (rest_component(call->rest).size > 0)
        look(call, rest_component(call->rest), true);
    else
        rest_problem(call, PROBLEM_server_absent, "No component for the service http is configured");
}

struct rest_endpoint rest_avatar_endpoints[] = {
    { .folder = "avatar",
      .regex = "/(?:([^@/]+)@){0,1}([^@/]+)/?(avatar|vcard4|vcard-temp)?",
      .shown = "/rest/avatar/{jid}[/{source}]",
      .methods = {
          { .method = HTTP_GET,
            .run = avatar_get,
            .content = CONTENT_NONE,
            .about = "A user's avatar",
            .details = "The picture itself. Source is avatar, vcard4 or vcard-temp; without it they are "
                       "tried in this order. With credentials the user is asked, who may see more; without, "
                       "this service. 404 when there is none that may be seen; 302 when the vCard names an "
                       "https address." },
          { .method = HTTP_PUT,
            .run = avatar_put,
            .role = REST_USER,
            .content = CONTENT_RAW,
            .body_most = (size_t)512 * 1024, /* above what fits into a stanza; max-avatar may be less */
            .about = "Set your own avatar",
            .details = "The body is the picture: PNG, JPEG, GIF, WebP or AVIF. It is published where new and "
                       "old clients look for it.",
            .answer_xml = "<user>\n  <jid>user@example.org</jid>\n</user>",
            .answer_json = "{\n    \"user\": {\n        \"jid\": \"user@example.org\"\n    }\n}" },
      } },
    { .folder = NULL },
};
