/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: web_cookie.c - cookies: which session a request comes with, and which browser.
 *
 * Over TLS the names begin with __Host-: no other host, no path and no plain connection can set them
 * (RFC 6265bis 4.1.3.2). */
#include "module/web_inside.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/random.h"

#include <openssl/crypto.h>
#include <stdio.h>

static const char *session_cookie(const struct http_request *request)
{
    return request->secure ? "__Host-stoa" : "stoa";
}

static const char *form_cookie(const struct http_request *request)
{
    return request->secure ? "__Host-stoa-form" : "stoa-form";
}

/* The first of that name: ours, as nobody else can set one before it. at NULL: none. */
static struct span find_cookie(const struct http_request *request, const char *name)
{
    struct span line, found = { 0 };
    unsigned at = 0;

    while (found.at == NULL && http_head_next(request->head, "Cookie", &at, &line))
        while (line.size && found.at == NULL) {
            struct span value = span_cut(&line, ';');
            struct span key = span_trim(span_cut(&value, '='));

            if (span_is(key, name))
                found = span_trim(value);
        }
    return found;
}

bool web_hex(struct span text, unsigned char *bytes_r, size_t size)
{
    if (text.size != 2 * size)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (codec_hex_digit(text.at[i]) < 0 || (text.at[i] >= 'A' && text.at[i] <= 'F'))
            return false;
    for (size_t i = 0; i < size; i++)
        bytes_r[i] =
            (unsigned char)(codec_hex_digit(text.at[2 * i]) << 4 | codec_hex_digit(text.at[2 * i + 1]));
    return true;
}

static void write_hex(const unsigned char *bytes, size_t size, char *text_r)
{
    for (size_t i = 0; i < size; i++)
        snprintf(text_r + 2 * i, 3, "%02x", bytes[i]);
}

static void forget(void *data)
{
    struct web_visit *visit = data;

    ask_cancel(&visit->login);
    OPENSSL_cleanse(visit->secret, sizeof(visit->secret));
}

struct web_visit *web_visit(struct http_request *request)
{
    unsigned char form[WEB_FORM_NAME];
    struct web_visit *visit = request->visit;
    struct span value;

    if (visit)
        return visit;
    request->visit = visit = arena_make(request->arena, struct web_visit);
    visit->request = request;
    list_init(&visit->waiting);
    arena_on_free(request->arena, forget, visit);
    visit->has_secret =
        web_hex(find_cookie(request, session_cookie(request)), visit->secret, sizeof(visit->secret));
    value = find_cookie(request, form_cookie(request));
    if (web_hex(value, form, sizeof(form)))
        write_hex(form, sizeof(form), visit->form);
    return visit;
}

static bool is_loopback(const char *client)
{
    return strcmp(client, "unix") == 0 || strcmp(client, "::1") == 0 || strncmp(client, "127.", 4) == 0;
}

bool web_is_safe(const struct module_host *host, const struct http_request *request)
{
    return request->secure || host->settings->http->plain_login == PLAIN_LOGIN_ALWAYS ||
           is_loopback(request->client);
}

bool web_open(const struct module_host *host, struct http_request *request, struct web_session *session_r)
{
    const struct http_settings *http = host->settings->http;
    const struct web_visit *visit = web_visit(request);

    return visit->has_secret && web_is_safe(host, request) &&
           web_session_open(&host->segment->web_sessions, visit->secret, clock_wall() / USEC_PER_SEC,
                            http->session_idle / USEC_PER_SEC, http->session_life / USEC_PER_SEC, session_r);
}

static void set_cookie(struct http_request *request, const char *name, const char *value, bool ends)
{
    reply_field_printf(request, "Set-Cookie", "%s=%s; Path=/;%s HttpOnly; SameSite=Strict%s", name, value,
                       request->secure ? " Secure;" : "", ends ? "; Max-Age=0" : "");
}

void web_set_session(struct http_request *request, const unsigned char secret[WEB_SESSION_SECRET])
{
    struct web_visit *visit = web_visit(request);
    char text[2 * WEB_SESSION_SECRET + 1];

    memcpy(visit->secret, secret, sizeof(visit->secret));
    visit->has_secret = true;
    write_hex(secret, WEB_SESSION_SECRET, text);
    set_cookie(request, session_cookie(request), text, false);
    OPENSSL_cleanse(text, sizeof(text));
}

void web_clear_session(struct http_request *request)
{
    struct web_visit *visit = web_visit(request);

    if (find_cookie(request, session_cookie(request)).at)
        set_cookie(request, session_cookie(request), "", true);
    OPENSSL_cleanse(visit->secret, sizeof(visit->secret));
    visit->has_secret = visit->by_session = false;
}

const char *web_form_name(struct http_request *request, bool make)
{
    struct web_visit *visit = web_visit(request);
    unsigned char name[WEB_FORM_NAME];

    if (visit->form[0] == '\0' && make) {
        random_bytes(name, sizeof(name));
        write_hex(name, sizeof(name), visit->form);
        set_cookie(request, form_cookie(request), visit->form, false);
    }
    return visit->form;
}
