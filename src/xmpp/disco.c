/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: disco.c - see disco.h. The long answers are written when a module describes itself. */
#include "xmpp/disco.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "xmpp/ns.h"

#include <stdlib.h>

#ifndef STOA_VERSION
#define STOA_VERSION "unknown"
#endif

#define DISCO_MOST 32768 /* bytes of a module's description */

struct disco {
    struct buf info;  /* owned; <query/> of disco#info, whole */
    struct buf vcard; /* owned; <vCard/>, whole */
    bool settled;     /* it is no longer our guess */
};

static const char *const own_features[] = {
    NS_DISCO_INFO, NS_DISCO_ITEMS, NS_PING, NS_VERSION, NS_TIME, NS_VCARD,
};

static void write_vcard(struct buf *out, struct span name)
{
    buf_clear(out);
    buf_text(out, "<vCard xmlns='" NS_VCARD "'><FN>");
    stanza_text(out, name);
    buf_text(out, "</FN><DESC>Stoa " STOA_VERSION ", the HTTP front of this XMPP server</DESC></vCard>");
}

static bool has_feature(const struct xml_element *query, const char *feature)
{
    for (const struct xml_element *at = xml_child(query, NS_DISCO_INFO, "feature"); at;
         at = xml_next(at, NS_DISCO_INFO, "feature"))
        if (span_is(xml_attribute(at, "var"), feature))
            return true;
    return false;
}

/* query: the module's identities, features and forms, in that order (XEP-0030 3.1 leaves the order open; this
 * one is what readers see most). The identity gets our name when it has none. */
static void write_info(struct buf *out, const struct xml_element *query, struct span name)
{
    static const char *const parts[] = { "identity", "feature" };

    buf_clear(out);
    buf_text(out, "<query xmlns='" NS_DISCO_INFO "'>");
    if (xml_child(query, NS_DISCO_INFO, "identity") == NULL) {
        buf_text(out, "<identity category='component' type='generic'");
        stanza_attribute(out, "name", name);
        buf_text(out, "/>");
    }
    for (size_t i = 0; i < 2; i++)
        for (const struct xml_element *at = xml_child(query, NS_DISCO_INFO, parts[i]); at;
             at = xml_next(at, NS_DISCO_INFO, parts[i]))
            xml_write(out, at, SPAN(NS_DISCO_INFO));
    for (size_t i = 0; i < sizeof(own_features) / sizeof(own_features[0]); i++) {
        if (has_feature(query, own_features[i]))
            continue;
        buf_text(out, "<feature");
        stanza_attribute(out, "var", span_of(own_features[i]));
        buf_text(out, "/>");
    }
    for (const struct xml_element *at = xml_child(query, NULL, NULL); at; at = xml_next(at, NULL, NULL))
        if (!span_is(at->ns, NS_DISCO_INFO))
            xml_write(out, at, SPAN(NS_DISCO_INFO));
    buf_text(out, "</query>");
}

bool disco_describe(struct disco *disco, struct span name, struct span xml, const char **why_r)
{
    static const struct xml_limits limits = { DISCO_MOST, 32, 64 };
    struct arena *arena = arena_new();
    struct xml_element *query;
    struct buf text = { 0 };
    bool good;

    buf_text(&text, "<query xmlns='" NS_DISCO_INFO "'>");
    buf_add(&text, xml);
    buf_text(&text, "</query>");
    good = xml_document(buf_span(&text), &limits, arena, &query, why_r) == 1;
    if (good) {
        write_info(&disco->info, query, name);
        write_vcard(&disco->vcard, name);
        disco->settled = true;
    }
    buf_free(&text);
    arena_free(&arena);
    return good;
}

struct disco *disco_new(struct span service)
{
    struct disco *disco = must_alloc(sizeof(*disco));
    const char *why;

    if (span_is(service, "upload"))
        must(disco_describe(disco, SPAN("HTTP File Upload"),
                            SPAN("<identity category='store' type='file' name='HTTP File Upload'/>"
                                 "<feature var='urn:xmpp:http:upload:0'/>"),
                            &why));
    else
        must(disco_describe(disco, SPAN("Stoa"), SPAN(""), &why));
    disco->settled = false;
    return disco;
}

void disco_settle(struct disco *disco)
{
    const char *why;

    if (!disco->settled)
        must(disco_describe(disco, SPAN("Stoa"), SPAN(""), &why));
}

void disco_free(struct disco **disco)
{
    if (*disco == NULL)
        return;
    buf_free(&(*disco)->info);
    buf_free(&(*disco)->vcard);
    free(*disco);
    *disco = NULL;
}

/* ---- answers ---- */

/* We have no nodes: asking for one is item-not-found (XEP-0030 3.2), for items of one it is an empty list,
 * which clients that look for commands take for what it is. */
static void answer_info(const struct disco *disco, const struct stanza *stanza,
                        const struct stanza_head *head, struct buf *out)
{
    if (xml_attribute(stanza->payload, "node").size > 0)
        stanza_problem(out, head, PROBLEM_not_found);
    else
        stanza_own(out, head, "result", buf_span(&disco->info));
}

static void answer_items(const struct disco *disco, const struct stanza *stanza,
                         const struct stanza_head *head, struct buf *out)
{
    struct span node = xml_attribute(stanza->payload, "node");
    struct buf xml = { 0 };

    (void)disco;
    buf_text(&xml, "<query xmlns='" NS_DISCO_ITEMS "'");
    if (node.size > 0 && node.size <= 1024)
        stanza_attribute(&xml, "node", node);
    buf_text(&xml, "/>");
    stanza_own(out, head, "result", buf_span(&xml));
    buf_free(&xml);
}

static void answer_ping(const struct disco *disco, const struct stanza *stanza,
                        const struct stanza_head *head, struct buf *out)
{
    (void)disco;
    (void)stanza;
    stanza_own(out, head, "result", SPAN(""));
}

/* XEP-0092 lets the operating system be left out, and nobody outside needs it. */
static void answer_version(const struct disco *disco, const struct stanza *stanza,
                           const struct stanza_head *head, struct buf *out)
{
    (void)disco;
    (void)stanza;
    stanza_own(
        out, head, "result",
        SPAN("<query xmlns='" NS_VERSION "'><name>Stoa</name><version>" STOA_VERSION "</version></query>"));
}

/* XEP-0202; the zone is nobody's business either. */
static void answer_time(const struct disco *disco, const struct stanza *stanza,
                        const struct stanza_head *head, struct buf *out)
{
    struct buf xml = { 0 };
    char stamp[STAMP_SIZE];

    (void)disco;
    (void)stanza;
    text_stamp(clock_wall(), stamp);
    buf_text(&xml, "<time xmlns='" NS_TIME "'><tzo>+00:00</tzo><utc>");
    buf_text(&xml, stamp);
    buf_text(&xml, "</utc></time>");
    stanza_own(out, head, "result", buf_span(&xml));
    buf_free(&xml);
}

static void answer_vcard(const struct disco *disco, const struct stanza *stanza,
                         const struct stanza_head *head, struct buf *out)
{
    (void)stanza;
    stanza_own(out, head, "result", buf_span(&disco->vcard));
}

bool disco_answer(const struct disco *disco, const struct stanza *stanza, const struct stanza_head *head,
                  struct buf *out)
{
    static const struct {
        const char *ns, *element;
        void (*answer)(const struct disco *disco, const struct stanza *stanza, const struct stanza_head *head,
                       struct buf *out);
    } rows[] = {
        { NS_DISCO_INFO, "query", answer_info }, { NS_DISCO_ITEMS, "query", answer_items },
        { NS_PING, "ping", answer_ping },        { NS_VERSION, "query", answer_version },
        { NS_TIME, "time", answer_time },        { NS_VCARD, "vCard", answer_vcard },
    };

    if (stanza->kind != STANZA_IQ_GET || stanza->payload == NULL)
        return false;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (xml_is(stanza->payload, rows[i].ns, rows[i].element)) {
            rows[i].answer(disco, stanza, head, out);
            return true;
        }
    }
    return false;
}
