/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: answer.c - see answer.h.
 *
 * Both forms go through one writer, so they cannot differ but in quotes and blanks. The keys and their order
 * are the reference implementation's, down to leaving out a priority of 0. */
#include "answer.h"

#include "base/text.h"

struct writer {
    struct buf *out; /* borrowed */
    bool reference;
};

/* In either form the text may be run as a program, or stand in a page. */
static void put_text(struct writer *writer, struct span text)
{
    char quote = writer->reference ? '\'' : '"';

    buf_char(writer->out, quote);
    while (text.size > 0) {
        size_t plain = 0;

        while (plain < text.size && (text.at[plain] == '\0' || strchr("'<>&", text.at[plain]) == NULL))
            plain++;
        text_add_json(writer->out, span_head(text, plain));
        if (plain < text.size)
            buf_printf(writer->out, "\\u%04x", (unsigned char)text.at[plain++]);
        text = span_from(text, plain);
    }
    buf_char(writer->out, quote);
}

/* blank: whether the reference implementation has one behind this key's colon. */
static void put_key(struct writer *writer, const char *key, bool blank)
{
    if (writer->reference)
        buf_printf(writer->out, "%s:%s", key, blank ? " " : "");
    else
        buf_printf(writer->out, "\"%s\":", key);
}

static void put_next(struct writer *writer, bool is_first, bool blank)
{
    if (!is_first)
        buf_text(writer->out, writer->reference && blank ? ", " : ",");
}

static void put_address(struct writer *writer, const struct ip_address *address)
{
    char text[IP_TEXT];

    ip_address_text(address, text);
    put_text(writer, span_of(text));
}

/* ---- version 1: one entry for each address of each host that speaks plain XMPP first ---- */

static bool has_plain_hosts(const struct discovery *discovery)
{
    return discovery->host_count > 0 && !discovery->hosts[0].direct_tls;
}

static bool was_before(const struct discovery *discovery, const unsigned *order, unsigned at)
{
    for (unsigned i = 0; i < at; i++)
        if (span_eq(discovery->hosts[order[i]].host, discovery->hosts[order[at]].host))
            return true;
    return false;
}

static void put_entries(struct writer *writer, const struct discovery *discovery, const unsigned *order)
{
    bool is_first = true;

    for (unsigned i = 0; i < discovery->host_count; i++) {
        const struct discovered_host *host = &discovery->hosts[order[i]];

        if ((host->direct_tls && has_plain_hosts(discovery)) || was_before(discovery, order, i))
            continue;
        for (unsigned k = 0; k < host->address_count; k++) {
            put_next(writer, is_first, false);
            is_first = false;
            buf_char(writer->out, '{');
            put_key(writer, "port", false);
            buf_number(writer->out, ANSWER_BOSH_PORT);
            put_next(writer, false, true);
            put_key(writer, "ip", false);
            put_address(writer, &host->addresses[k]);
            put_next(writer, false, true);
            put_key(writer, "resultHost", true);
            put_text(writer, host->host);
            buf_char(writer->out, '}');
        }
    }
}

/* ---- version 2 ---- */

static void put_host(struct writer *writer, const struct discovered_host *host)
{
    buf_char(writer->out, '{');
    put_key(writer, "host", true);
    put_text(writer, host->host);
    put_next(writer, false, false);
    put_key(writer, "ip", true);
    buf_char(writer->out, '[');
    for (unsigned i = 0; i < host->address_count; i++) {
        put_next(writer, i == 0, false);
        put_address(writer, &host->addresses[i]);
    }
    buf_char(writer->out, ']');
    put_next(writer, false, false);
    put_key(writer, "port", true);
    buf_number(writer->out, host->port);
    if (host->direct_tls) {
        struct buf url = { 0 };

        buf_printf(&url, "xmpps://%.*s:%u", SPAN_ARG(host->host), host->port);
        put_next(writer, false, false);
        put_key(writer, "url", false);
        put_text(writer, buf_span(&url));
        buf_free(&url);
    }
    if (host->priority > 0) {
        put_next(writer, false, false);
        put_key(writer, "priority", true);
        buf_number(writer->out, host->priority);
    }
    buf_char(writer->out, '}');
}

static void put_urls(struct writer *writer, const char *key, const struct discovered_urls *urls)
{
    put_next(writer, false, true);
    put_key(writer, key, true);
    buf_char(writer->out, '[');
    for (unsigned i = 0; i < urls->count; i++) {
        put_next(writer, i == 0, false);
        buf_char(writer->out, '{');
        put_key(writer, "url", false);
        put_text(writer, urls->items[i]);
        buf_char(writer->out, '}');
    }
    buf_char(writer->out, ']');
}

void answer_write(struct buf *out, const struct discovery *discovery, const unsigned *order,
                  struct span domain, unsigned version, bool reference)
{
    struct writer writer = { .out = out, .reference = reference };

    buf_text(out, reference ? "{ " : "{");
    put_key(&writer, "domain", true);
    put_text(&writer, domain);
    put_next(&writer, false, true);
    put_key(&writer, version == 1 ? "entries" : "c2s", true);
    buf_char(out, '[');
    if (version == 1)
        put_entries(&writer, discovery, order);
    for (unsigned i = 0; version == 2 && i < discovery->host_count; i++) {
        put_next(&writer, i == 0, false);
        put_host(&writer, &discovery->hosts[order[i]]);
    }
    buf_char(out, ']');
    if (version == 2) {
        put_urls(&writer, "bosh", &discovery->bosh);
        put_urls(&writer, "websocket", &discovery->websocket);
    }
    buf_char(out, '}');
}
