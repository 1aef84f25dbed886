/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and libxml2: xml_parser.c - see xml_parser.h. */
#include "parse/xml_parser.h"

#include "base/must.h"
#include "base/text.h"

#include <libxml/dict.h>
#include <libxml/entities.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>

#define ARENA_PER_BYTE 48u /* "<a/>" takes 128 bytes of tree */
#define ARENA_LEAST    (64u * 1024u)
#define DEPTH_HARD     200u /* libxml2's own end is at 256 */

static const char why_malformed[] = "the XML is not well-formed";

/* The first reason counts; every handler looks at it first and does nothing then. Not xmlStopParser(): it
 * frees the buffer in which the caller of the handler stands, and at most one tag of known size is still to
 * be read. */
static void die(struct xml_parser *parser, const char *why)
{
    if (parser->why == NULL)
        parser->why = why;
}

static void die_beyond(struct xml_parser *parser, const char *why)
{
    parser->is_beyond = parser->why == NULL;
    die(parser, why);
}

static struct span span_x(const xmlChar *text)
{
    return span_of((const char *)text);
}

/* The value with "&#38;" as "&": libxml2 leaves that one reference in, whichever way it was written, and
 * decodes all others. */
static struct span value_copy(struct arena *arena, struct span raw)
{
    static const struct span reference = { "&#38;", 5 };
    char *at;
    size_t size = 0;

    if (span_find(raw, '&') < 0)
        return arena_copy(arena, raw);
    at = arena_alloc(arena, raw.size + 1);
    while (raw.size) {
        at[size++] = raw.at[0];
        raw = span_from(raw, span_starts(raw, reference) ? reference.size : 1);
    }
    return span_make(at, size);
}

/* One copy of a namespace for all elements of a tree: a long one on the root would else be copied as often as
 * there are elements. */
static struct span space_of(struct xml_parser *parser, const xmlChar *uri)
{
    struct span ns;

    if (uri == NULL)
        return span_make("", 0);
    for (unsigned i = 0; i < XML_PARSER_SPACES; i++)
        if (parser->spaces[i].uri == uri)
            return parser->spaces[i].ns;
    ns = value_copy(parser->arena, span_x(uri));
    parser->spaces[parser->next_space].uri = uri;
    parser->spaces[parser->next_space].ns = ns;
    parser->next_space = (parser->next_space + 1) % XML_PARSER_SPACES;
    return ns;
}

static void forget_spaces(struct xml_parser *parser)
{
    memset(parser->spaces, 0, sizeof(parser->spaces));
    parser->next_space = 0;
}

/* attributes: five pointers each: name, prefix, namespace, begin and end of the value. */
static void copy_attributes(struct xml_parser *parser, struct xml_element *element, size_t count,
                            const xmlChar **attributes)
{
    element->attribute_count = count;
    if (count)
        element->attributes = arena_alloc(parser->arena, count * sizeof(*element->attributes));
    for (size_t i = 0; i < count; i++, attributes += 5) {
        struct xml_attribute *into = &element->attributes[i];

        into->name = arena_copy(parser->arena, span_x(attributes[0]));
        into->ns = attributes[1] ? space_of(parser, attributes[2]) : span_make("", 0);
        into->value = value_copy(
            parser->arena, span_make((const char *)attributes[3], (size_t)(attributes[4] - attributes[3])));
    }
}

static void flush_text(struct xml_parser *parser)
{
    if (parser->open && parser->text.size)
        xml_append_text(parser->arena, parser->open, buf_span(&parser->text));
    buf_clear(&parser->text);
}

static void on_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int space_count, const xmlChar **spaces, int count, int defaulted,
                     const xmlChar **attributes)
{
    struct xml_parser *parser = data;
    struct xml_element *element;

    (void)prefix, (void)space_count, (void)spaces, (void)defaulted;
    if (parser->why)
        return;
    flush_text(parser);
    if (parser->level >= parser->base && parser->level - parser->base >= parser->depth_most) {
        die_beyond(parser, "too many levels");
        return;
    }
    if (parser->open == NULL) {
        parser->arena_before = arena_bytes(parser->arena);
        forget_spaces(parser);
    }
    element = arena_make(parser->arena, struct xml_element);
    element->name = arena_copy(parser->arena, span_x(name));
    element->ns = space_of(parser, uri);
    copy_attributes(parser, element, (size_t)count, attributes);
    if (parser->open)
        xml_append(parser->arena, parser->open, element);
    else
        parser->root = element;
    if (parser->level < parser->base)
        parser->events |= XML_OPENED;
    else
        parser->open = element;
    parser->level++;
    if (arena_bytes(parser->arena) - parser->arena_before > parser->arena_most)
        die_beyond(parser, "an element that takes too much memory");
}

static void on_end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct xml_parser *parser = data;

    (void)name, (void)prefix, (void)uri;
    if (parser->why)
        return;
    must(parser->level > 0);
    flush_text(parser);
    parser->level--;
    if (parser->level < parser->base) {
        parser->events |= XML_CLOSED;
        return;
    }
    must(parser->open != NULL);
    parser->open = parser->open->parent;
    if (parser->open == NULL)
        parser->events |= XML_ELEMENT;
}

static void on_text(void *data, const xmlChar *text, int size)
{
    struct xml_parser *parser = data;
    struct span added = { (const char *)text, (size_t)size };

    if (parser->why)
        return;
    if (parser->open) {
        buf_add(&parser->text, added);
        return;
    }
    for (size_t i = 0; i < added.size; i++)
        if (added.at[i] != ' ' && added.at[i] != '\t' && added.at[i] != '\r' && added.at[i] != '\n')
            die(parser, "text between elements");
}

static xmlEntity *on_entity(void *data, const xmlChar *name)
{
    (void)data;
    return xmlGetPredefinedEntity(name);
}

static void on_subset(void *data, const xmlChar *name, const xmlChar *id, const xmlChar *system_id)
{
    (void)name, (void)id, (void)system_id;
    die(data, "DTDs are not accepted");
}

static void on_comment(void *data, const xmlChar *text)
{
    (void)text;
    die(data, "comments are not accepted");
}

static void on_instruction(void *data, const xmlChar *target, const xmlChar *text)
{
    (void)target, (void)text;
    die(data, "processing instructions are not accepted");
}

static void on_reference(void *data, const xmlChar *name)
{
    (void)name;
    die(data, "only the five entities of XML are accepted");
}

static const char *why_of(int code)
{
    switch (code) {
    case XML_NS_ERR_UNDEFINED_NAMESPACE:
        return "a prefix without a namespace";
    case XML_ERR_UNDECLARED_ENTITY:
    case XML_WAR_UNDECLARED_ENTITY:
        return "only the five entities of XML are accepted";
    case XML_ERR_TAG_NAME_MISMATCH:
        return "an end tag that does not match";
    default:
        return why_malformed;
    }
}

/* Namespace errors are no more than reported by libxml2; here every error ends it, but for its opinion that a
 * namespace is no good URI: to us it is a name, and the opinion depends on how the name was escaped. */
static void on_error(void *data, xmlError *error)
{
    if (error->level >= XML_ERR_ERROR && error->code != XML_WAR_NS_URI)
        die(data, why_of(error->code));
}

static xmlSAXHandler handlers = {
    .initialized = XML_SAX2_MAGIC,
    .startElementNs = on_start,
    .endElementNs = on_end,
    .characters = on_text,
    .ignorableWhitespace = on_text,
    .cdataBlock = on_text,
    .getEntity = on_entity,
    .internalSubset = on_subset,
    .externalSubset = on_subset,
    .comment = on_comment,
    .processingInstruction = on_instruction,
    .reference = on_reference,
    .serror = on_error,
};

void xml_start(void)
{
    LIBXML_TEST_VERSION
    xmlInitParser();
}

void xml_parser_begin(struct xml_parser *parser, unsigned base, const struct xml_limits *limits,
                      struct arena *arena)
{
    xml_parser_end(parser);
    *parser = (struct xml_parser){ .base = base, .arena = arena };
    parser->depth_most = limits->depth_most < DEPTH_HARD ? limits->depth_most : DEPTH_HARD;
    parser->arena_most = limits->element_most * ARENA_PER_BYTE + ARENA_LEAST;
    parser->ctxt = xmlCreatePushParserCtxt(&handlers, parser, NULL, 0, NULL);
    must(parser->ctxt != NULL);
    /* What is declared about encodings does not count: UTF-7 and UTF-16 would else be let in. */
    xmlCtxtUseOptions(parser->ctxt, XML_PARSE_NONET | XML_PARSE_COMPACT | XML_PARSE_IGNORE_ENC);
    must(xmlSwitchEncoding(parser->ctxt, XML_CHAR_ENCODING_UTF8) == 0);
}

void xml_parser_end(struct xml_parser *parser)
{
    if (parser->ctxt)
        xmlFreeParserCtxt(parser->ctxt);
    buf_free(&parser->text);
    *parser = (struct xml_parser){ 0 };
}

unsigned xml_parser_feed(struct xml_parser *parser, struct span piece)
{
    const xmlParserInput *input;

    parser->events = 0;
    if (parser->why)
        return 0;
    if (!text_is_utf8(piece) || span_find(piece, '\0') >= 0) {
        parser->why = "the text is not UTF-8";
        return 0;
    }
    must(piece.size < INT32_MAX);
    if (xmlParseChunk(parser->ctxt, piece.at, (int)piece.size, 0) != 0 && parser->why == NULL)
        parser->why = why_malformed;
    input = parser->ctxt->input;
    if (parser->why == NULL && (input == NULL || input->cur != input->end))
        parser->why = why_malformed; /* it would come late: nothing may be read behind its place */
    return parser->why ? 0 : parser->events;
}

size_t xml_parser_names(const struct xml_parser *parser)
{
    return xmlDictGetUsage(parser->ctxt->dict);
}
