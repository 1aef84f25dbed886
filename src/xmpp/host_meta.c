/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: host_meta.c - see host_meta.h. */
#include "xmpp/host_meta.h"

#include "base/text.h"
#include "parse/json.h"
#include "parse/uri.h"

#include <json-c/json.h>

static const struct {
    const char *name, *tls, *plain; /* schemes; NULL: it has a port instead of a href */
} relations[RELATION_COUNT] = {
    [RELATION_WEBSOCKET] = { "urn:xmpp:alt-connections:websocket", "wss://", "ws://" },
    [RELATION_BOSH] = { "urn:xmpp:alt-connections:xbosh", "https://", "http://" },
    [RELATION_TLS] = { "urn:xmpp:alt-connections:tls", NULL, NULL },
    [RELATION_QUIC] = { "urn:xmpp:alt-connections:quic", NULL, NULL },
    [RELATION_S2S_WEBSOCKET] = { "urn:xmpp:alt-connections:s2s-websocket", "wss://", "ws://" },
    [RELATION_S2S_TLS] = { "urn:xmpp:alt-connections:s2s-tls", NULL, NULL },
    [RELATION_S2S_QUIC] = { "urn:xmpp:alt-connections:s2s-quic", NULL, NULL },
};

const char *host_meta_relation_name(enum host_meta_relation relation)
{
    return relations[relation].name;
}

bool host_meta_has_port(enum host_meta_relation relation)
{
    return relations[relation].tls == NULL;
}

/* ---- URLs ---- */

/* What stands between "//" and the path. */
static struct span authority_of(struct span url)
{
    ssize_t colon = span_find(url, ':');
    struct span rest = colon < 0 ? SPAN("") : span_from(url, (size_t)colon + 1);

    if (!span_starts(rest, SPAN("//")))
        return SPAN("");
    rest = span_from(rest, 2);
    for (size_t i = 0; i < rest.size; i++)
        if (strchr("/?#", rest.at[i]) != NULL)
            return span_head(rest, i);
    return rest;
}

bool host_meta_url_host(struct span url, struct buf *host)
{
    struct uri_host parsed;

    if (!uri_host_parse(authority_of(url), &parsed))
        return false;
    buf_text(host, parsed.name);
    return true;
}

bool host_meta_url_is_good(enum host_meta_relation relation, struct span url, bool plain)
{
    struct uri_host ignored;

    if (host_meta_has_port(relation) || !text_is_utf8(url) || text_has_control(url))
        return false;
    for (size_t i = 0; i < url.size; i++)
        if (url.at[i] == '\0' || strchr(" \"<>\\^`{|}", url.at[i]) != NULL)
            return false;
    if (!span_starts(url, span_of(relations[relation].tls)) &&
        !(plain && span_starts(url, span_of(relations[relation].plain))))
        return false;
    return uri_host_parse(authority_of(url), &ignored);
}

/* ---- XRD ---- */

void host_meta_xrd(const struct host_meta *meta, struct buf *out)
{
    buf_text(out, "<?xml version='1.0' encoding='utf-8'?>\n"
                  "<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>\n");
    for (unsigned i = 0; i < meta->link_count; i++) {
        const struct host_meta_link *link = &meta->links[i];

        if (link->relation != RELATION_WEBSOCKET && link->relation != RELATION_BOSH)
            continue;
        buf_printf(out, "  <Link rel=\"%s\" href=\"", relations[link->relation].name);
        text_add_xml(out, link->href);
        buf_text(out, "\" />\n");
    }
    buf_text(out, "</XRD>\n");
}

/* ---- JRD ---- */

static struct json_object *text_of(struct span text)
{
    return json_object_new_string_len(text.at ? text.at : "", (int)text.size);
}

static void add_2(const struct host_meta_link *link, struct json_object *object)
{
    struct json_object *ips = json_object_new_array();

    for (unsigned i = 0; i < link->address_count; i++) {
        char text[IP_TEXT];

        ip_address_text(&link->addresses[i], text);
        json_object_array_add(ips, json_object_new_string(text));
    }
    json_object_object_add(object, "ips", ips);
    json_object_object_add(object, "priority", json_object_new_int64(link->priority));
    json_object_object_add(object, "weight", json_object_new_int64(link->weight));
    json_object_object_add(object, "sni", text_of(link->sni));
    if (link->ech.size > 0)
        json_object_object_add(object, "ech", text_of(link->ech));
}

static struct json_object *json_of_links(const struct host_meta *meta)
{
    struct json_object *links = json_object_new_array();

    for (unsigned i = 0; i < meta->link_count; i++) {
        const struct host_meta_link *link = &meta->links[i];
        bool is_2 = meta->ttl > 0 && link->address_count > 0;
        struct json_object *object;

        if (!is_2 && link->relation != RELATION_WEBSOCKET && link->relation != RELATION_BOSH)
            continue;
        object = json_object_new_object();
        json_object_object_add(object, "rel", json_object_new_string(relations[link->relation].name));
        if (host_meta_has_port(link->relation))
            json_object_object_add(object, "port", json_object_new_int64(link->port));
        else
            json_object_object_add(object, "href", text_of(link->href));
        if (is_2)
            add_2(link, object);
        json_object_array_add(links, object);
    }
    return links;
}

void host_meta_json(const struct host_meta *meta, struct buf *out)
{
    struct json_object *root = json_object_new_object();

    if (meta->ttl > 0) {
        struct json_object *xmpp = json_object_new_object();

        json_object_object_add(xmpp, "ttl", json_object_new_int64(meta->ttl));
        if (meta->pin_count > 0) {
            struct json_object *pins = json_object_new_array();

            for (size_t i = 0; i < meta->pin_count; i++)
                json_object_array_add(pins, json_object_new_string(meta->pins[i]));
            json_object_object_add(xmpp, "public-key-pins-sha-256", pins);
        }
        json_object_object_add(root, "xmpp", xmpp);
    }
    json_object_object_add(root, "links", json_of_links(meta));
    json_write(out, root);
    json_object_put(root);
}
