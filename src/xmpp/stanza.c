/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: stanza.c - see stanza.h. */
#include "xmpp/stanza.h"

#include "base/must.h"
#include "base/text.h"
#include "xmpp/ns.h"

/* RFC 6120 8.3.3 and 8.3.2: only these may be written, so a word from a module needs no escaping. */
static const char *const conditions[] = {
    "bad-request",
    "conflict",
    "feature-not-implemented",
    "forbidden",
    "gone",
    "internal-server-error",
    "item-not-found",
    "jid-malformed",
    "not-acceptable",
    "not-allowed",
    "not-authorized",
    "policy-violation",
    "recipient-unavailable",
    "redirect",
    "registration-required",
    "remote-server-not-found",
    "remote-server-timeout",
    "resource-constraint",
    "service-unavailable",
    "subscription-required",
    "undefined-condition",
    "unexpected-request",
};
static const char *const error_types[] = { "auth", "cancel", "continue", "modify", "wait" };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *known(struct span word, const char *const *words, size_t count, const char *other)
{
    for (size_t i = 0; i < count; i++)
        if (span_is(word, words[i]))
            return words[i];
    return other;
}

static bool has_stanza_ns(const struct xml_element *element)
{
    return span_is(element->ns, NS_COMPONENT) || span_is(element->ns, NS_CLIENT);
}

static bool kind_of(const struct xml_element *element, enum stanza_kind *kind_r)
{
    static const struct {
        const char *type;
        enum stanza_kind kind;
    } types[] = { { "get", STANZA_IQ_GET },
                  { "set", STANZA_IQ_SET },
                  { "result", STANZA_IQ_RESULT },
                  { "error", STANZA_IQ_ERROR } };
    struct span type;

    if (span_is(element->name, "message")) {
        *kind_r = STANZA_MESSAGE;
        return true;
    }
    if (span_is(element->name, "presence")) {
        *kind_r = STANZA_PRESENCE;
        return true;
    }
    if (!span_is(element->name, "iq"))
        return false;
    type = xml_attribute(element, "type");
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (span_is(type, types[i].type)) {
            *kind_r = types[i].kind;
            return true;
        }
    }
    return false;
}

/* Everything but the addresses. */
static bool read_rest(const struct xml_element *element, struct stanza *stanza)
{
    if (!has_stanza_ns(element) || !kind_of(element, &stanza->kind))
        return false;
    stanza->from = xml_attribute(element, "from");
    stanza->to = xml_attribute(element, "to");
    stanza->id = xml_attribute(element, "id");
    if (stanza->kind > STANZA_IQ_ERROR)
        return true;
    stanza->payload = xml_child(element, NULL, NULL);
    stanza->single = stanza->payload && xml_next(stanza->payload, NULL, NULL) == NULL;
    return stanza->id.at != NULL;
}

bool stanza_read(const struct xml_element *element, struct arena *arena, struct stanza *stanza_r)
{
    struct stanza stanza = { 0 };

    if (!read_rest(element, &stanza) || !jid_parse(arena, stanza.from, &stanza.from_jid) ||
        !jid_parse(arena, stanza.to, &stanza.to_jid))
        return false;
    *stanza_r = stanza;
    return true;
}

bool stanza_read_own(const struct xml_element *element, struct arena *arena, struct jid own,
                     struct stanza *stanza_r)
{
    struct stanza stanza = { 0 };

    if (!read_rest(element, &stanza) ||
        (stanza.from.at && !jid_parse(arena, stanza.from, &stanza.from_jid)) ||
        (stanza.to.at && !jid_parse(arena, stanza.to, &stanza.to_jid)))
        return false;
    if (stanza.to.at == NULL)
        stanza.to_jid = own;
    *stanza_r = stanza;
    return true;
}

/* Addresses, ids and URLs are nearly always of these: one look at each byte, one copy. */
static bool is_plain(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.at[i];

        if (c < 0x20 || c > 0x7e || c == '&' || c == '<' || c == '>' || c == '\'' || c == '"')
            return false;
    }
    return true;
}

void stanza_text(struct buf *out, struct span text)
{
    if (is_plain(text))
        buf_add(out, text);
    else
        text_add_xml(out, text);
}

void stanza_attribute(struct buf *out, const char *name, struct span value)
{
    buf_char(out, ' ');
    buf_text(out, name);
    buf_text(out, "='");
    stanza_text(out, value);
    buf_char(out, '\'');
}

static void iq_begin(struct buf *out, const struct stanza_head *head, const char *type)
{
    must(head->from.size > 0 && head->to.size > 0 && head->id.at != NULL);
    buf_text(out, "<iq type='");
    buf_text(out, type);
    buf_char(out, '\'');
    stanza_attribute(out, "from", head->from);
    stanza_attribute(out, "to", head->to);
    stanza_attribute(out, "id", head->id);
    buf_char(out, '>');
}

static void iq_end(struct buf *out)
{
    buf_text(out, "</iq>");
}

void stanza_own(struct buf *out, const struct stanza_head *head, const char *type, struct span payload)
{
    iq_begin(out, head, type);
    buf_add(out, payload);
    iq_end(out);
}

/* One element of a namespace of its own: in the stream's namespace it could only be taken for a stanza. */
static bool add_foreign(struct buf *out, struct span xml, struct arena *scratch, const char **why_r)
{
    static const struct xml_limits limits = { STANZA_MOST, 64, 256 };
    struct xml_element *root;

    if (xml_document(xml, &limits, scratch, &root, why_r) != 1)
        return false;
    if (root->ns.size == 0 || span_is(root->ns, NS_COMPONENT) || span_is(root->ns, NS_STREAMS)) {
        *why_r = "an element of no namespace of its own";
        return false;
    }
    xml_write(out, root, SPAN(NS_COMPONENT));
    return true;
}

bool stanza_iq(struct buf *out, const struct stanza_head *head, const char *type, struct span payload,
               struct arena *scratch, const char **why_r)
{
    size_t before = out->size;
    bool good;

    iq_begin(out, head, type);
    if (payload.size > 0) {
        good = add_foreign(out, payload, scratch, why_r);
    } else {
        good = strcmp(type, "result") == 0;
        *why_r = "no element";
    }
    iq_end(out);
    if (good && out->size - before > STANZA_MOST) {
        good = false;
        *why_r = "too large for a stanza";
    }
    if (!good)
        out->size = before;
    return good;
}

/* Everything but the extra, which stands last so that it can be taken back. */
static void error_begin(struct buf *out, const struct stanza_head *head, const char *type,
                        const char *condition, struct span text)
{
    iq_begin(out, head, "error");
    buf_text(out, "<error type='");
    buf_text(out, type);
    buf_text(out, "'><");
    buf_text(out, condition);
    buf_text(out, " xmlns='" NS_STANZA_ERRORS "'/>");
    if (text.size > 0) {
        buf_text(out, "<text xmlns='" NS_STANZA_ERRORS "' xml:lang='en'>");
        stanza_text(out, span_head(text, 1024));
        buf_text(out, "</text>");
    }
}

static void error_end(struct buf *out)
{
    buf_text(out, "</error>");
    iq_end(out);
}

void stanza_refuse(struct buf *out, const struct stanza_head *head, const struct stanza_error *error,
                   struct arena *scratch)
{
    const char *condition = known(error->condition, conditions, COUNT_OF(conditions), NULL);
    const char *type = known(error->type, error_types, COUNT_OF(error_types), NULL);
    size_t start = out->size, before;
    const char *why;

    if (condition == NULL || type == NULL) {
        condition = "internal-server-error";
        type = "wait";
    }
    error_begin(out, head, type, condition, error->text);
    before = out->size;
    if (error->extra.size > 0 && (!add_foreign(out, error->extra, scratch, &why) ||
                                  out->size - start > STANZA_MOST - sizeof("</error></iq>")))
        out->size = before;
    error_end(out);
}

void stanza_problem(struct buf *out, const struct stanza_head *head, enum problem problem)
{
    error_begin(out, head, problem_type(problem), problem_condition(problem), span_of(problem_text(problem)));
    error_end(out);
}

void stanza_unclaimed(struct buf *out, const struct stanza_head *head)
{
    error_begin(out, head, "cancel", "service-unavailable", SPAN(""));
    error_end(out);
}
