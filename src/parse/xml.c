/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and libxml2: xml.c - documents and streams of xml.h.
 *
 * Callbacks run between two pieces, never inside libxml2, so they may end or restart the stream. */
#include "parse/xml.h"

#include "base/must.h"
#include "base/object.h"
#include "parse/xml_parser.h"
#include "parse/xml_scan.h"

#include <limits.h>
#include <stdlib.h>

#define NAMES_MOST   (1024u * 1024u) /* bytes of names after which the parser is replaced, which takes 3 us */
#define ELEMENT_HARD (8u * 1024u * 1024u) /* libxml2 stops at 10 MB of text by itself */

const struct xml_limits xml_limits_component = { .element_most = 256 * 1024,
                                                 .depth_most = 64,
                                                 .attributes_most = 256 };
const struct xml_limits xml_limits_client = { .element_most = 64 * 1024,
                                              .depth_most = 64,
                                              .attributes_most = 256 };

struct xml_stream {
    OBJECT_MAGIC
    const struct xml_callbacks *callbacks; /* borrowed */
    void *data;                            /* the callbacks' */
    struct xml_limits limits;
    struct xml_scan scan;
    struct xml_parser parser;
    struct arena *arena; /* owned; reset after each element */
    struct buf header;   /* raw text up to the header's end: a fresh parser is fed with it */
    struct buf pending;  /* raw text behind the last whole tag */
    size_t spent;        /* bytes of the present element or header */
    unsigned skipped;    /* open elements, the root included, while a child is passed over; 0: none is */
    const char *skipped_why;
    unsigned renewals;
    bool ended;      /* the root's end tag has come */
    bool feeding;    /* inside xml_stream_feed() */
    bool restarting; /* asked for in a callback */
    bool doomed;     /* freed in a callback */
    const char *why; /* static; not NULL: broken */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span without_blanks(struct span text)
{
    while (text.size && is_blank(text.at[0]))
        text = span_from(text, 1);
    return text;
}

/* An XML declaration may name UTF-8 or nothing (RFC 6120 11.6). */
static bool encoding_good(struct span declaration)
{
    struct span rest = declaration;

    while (rest.size && !span_starts(rest, SPAN("encoding")))
        rest = span_from(rest, 1);
    if (rest.size == 0)
        return true;
    rest = without_blanks(span_from(rest, strlen("encoding")));
    if (rest.size == 0 || rest.at[0] != '=')
        return false;
    rest = without_blanks(span_from(rest, 1));
    return rest.size > 7 && rest.at[6] == rest.at[0] &&
           span_eq_nocase(span_make(rest.at + 1, 5), SPAN("utf-8"));
}

/* Feeds one piece with the one check that the parser cannot make. */
static unsigned feed_piece(struct xml_parser *parser, struct span piece)
{
    if (span_starts(piece, SPAN("<?")) && !encoding_good(piece)) {
        parser->why = "only UTF-8 is accepted";
        return 0;
    }
    return xml_parser_feed(parser, piece);
}

/* --- a document --- */

/* *rest is left at the piece that was refused. */
static const char *read_document(struct span *rest, const struct xml_limits *limits,
                                 struct xml_parser *parser)
{
    struct xml_scan scan = { 0 };
    bool found = false, whole;
    const char *why;

    while (rest->size) {
        struct span text = *rest;
        size_t size;

        if (found && without_blanks(text).size == 0)
            break;
        if (found)
            return "bytes behind the element";
        size = xml_scan_next(&scan, text, limits->attributes_most, &whole, &why);
        if (why)
            return why;
        if (!whole)
            return "the XML is not complete";
        found = feed_piece(parser, span_head(text, size)) & XML_ELEMENT;
        if (parser->why)
            return parser->why;
        *rest = span_from(text, size);
    }
    return found ? NULL : "the XML is not complete";
}

int xml_document_at(struct span text, const struct xml_limits *limits, struct arena *arena,
                    struct xml_element **root_r, const char **why_r, size_t *at_r)
{
    struct xml_parser parser = { 0 };
    const char *why = "the XML is too large";
    struct span rest = text;

    if (span_starts(rest, SPAN("\xef\xbb\xbf"))) /* some editors' mark of UTF-8 */
        rest = span_from(rest, 3);
    if (rest.size <= limits->element_most && rest.size <= ELEMENT_HARD) {
        xml_parser_begin(&parser, 0, limits, arena);
        why = read_document(&rest, limits, &parser);
    }
    if (why == NULL) {
        *root_r = parser.root;
    } else {
        *why_r = why;
        *at_r = text.size - rest.size;
    }
    xml_parser_end(&parser);
    return why == NULL;
}

int xml_document(struct span text, const struct xml_limits *limits, struct arena *arena,
                 struct xml_element **root_r, const char **why_r)
{
    size_t at;

    return xml_document_at(text, limits, arena, root_r, why_r, &at);
}

/* --- a stream --- */

static void begin(struct xml_stream *stream)
{
    xml_parser_begin(&stream->parser, 1, &stream->limits, stream->arena);
    stream->scan = (struct xml_scan){ 0 };
    stream->spent = 0;
    stream->skipped = 0;
    stream->ended = stream->restarting = false;
    buf_clear(&stream->header);
    buf_clear(&stream->pending);
}

struct xml_stream *xml_stream_new(const struct xml_callbacks *callbacks, void *data,
                                  const struct xml_limits *limits)
{
    struct xml_stream *stream = must_alloc(sizeof(*stream));

    must(limits->element_most <= ELEMENT_HARD);
    OBJECT_BORN(stream, xml_stream);
    stream->callbacks = callbacks;
    stream->data = data;
    stream->limits = *limits;
    stream->arena = arena_new();
    begin(stream);
    return stream;
}

static void destroy(struct xml_stream *stream)
{
    xml_parser_end(&stream->parser);
    arena_free(&stream->arena);
    buf_free(&stream->header);
    buf_free(&stream->pending);
    OBJECT_DEAD(stream);
    free(stream);
}

void xml_stream_free(struct xml_stream **stream)
{
    struct xml_stream *old = *stream;

    *stream = NULL;
    if (old == NULL)
        return;
    (void)OBJECT(old, xml_stream);
    if (old->feeding)
        old->doomed = true;
    else
        destroy(old);
}

void xml_stream_restart(struct xml_stream *stream)
{
    if (stream->feeding)
        stream->restarting = true;
    else
        begin(stream);
    stream->why = NULL;
}

const char *xml_stream_why(const struct xml_stream *stream)
{
    return stream->why;
}

unsigned xml_stream_renewals(const struct xml_stream *stream)
{
    return stream->renewals;
}

/* libxml2 never forgets a name. At a boundary between elements a fresh parser that has read the same header
 * is in the same state as the old one. */
static void renew(struct xml_stream *stream)
{
    struct span header = buf_span(&stream->header);

    xml_parser_begin(&stream->parser, 1, &stream->limits, stream->arena);
    must(xml_parser_feed(&stream->parser, header) == XML_OPENED);
    arena_reset(stream->arena);
    stream->renewals++;
}

static void call_back(struct xml_stream *stream, unsigned events)
{
    const struct xml_callbacks *calls = stream->callbacks;

    if ((events & XML_OPENED) && calls->opened)
        calls->opened(stream->data, stream->parser.root);
    if ((events & XML_ELEMENT) && calls->element)
        calls->element(stream->data, stream->parser.root, stream->arena);
    if ((events & XML_CLOSED) && calls->closed && !stream->doomed && !stream->restarting)
        calls->closed(stream->data);
}

/* ---- passing over a child that is beyond a bound: only the nesting of its tags is looked at ---- */

/* A reason of the scanner's or of ours, while the present tag, or the text before it, is read; level: the
 * open elements before that tag. false: the stream is broken. */
static bool begin_skip(struct xml_stream *stream, unsigned level)
{
    if (stream->callbacks->skipped == NULL || stream->skipped || level == 0)
        return false;
    stream->skipped = level;
    stream->skipped_why = stream->why;
    stream->why = NULL;
    buf_clear(&stream->pending);
    return true;
}

/* One tag of it is over. A fresh parser reads on behind the last one. */
static void skip_tag(struct xml_stream *stream)
{
    if (stream->scan.is_end)
        stream->skipped--;
    else if (!stream->scan.is_empty)
        stream->skipped++;
    if (stream->skipped == 0) {
        stream->why = stream->skipped_why; /* it was the end tag of the stream itself */
    } else if (stream->skipped == 1) {
        stream->skipped = 0;
        stream->spent = 0;
        renew(stream);
        stream->callbacks->skipped(stream->data, stream->skipped_why);
    }
}

/* One tag with the text before it. */
static void take_piece(struct xml_stream *stream, struct span piece)
{
    unsigned level = stream->parser.level;
    bool before_header = level == 0;
    unsigned events = feed_piece(&stream->parser, piece);

    if (stream->parser.why) {
        stream->why = stream->parser.why;
        if (stream->parser.is_beyond && begin_skip(stream, level))
            skip_tag(stream);
        return;
    }
    if (before_header)
        buf_add(&stream->header, piece);
    if (events == 0)
        return;
    stream->ended = events & XML_CLOSED;
    call_back(stream, events);
    arena_reset(stream->arena);
    stream->spent = 0;
    if (!stream->doomed && !stream->restarting && !stream->ended &&
        xml_parser_names(&stream->parser) > NAMES_MOST)
        renew(stream);
}

/* Between elements white space is dropped unseen and anything but a tag is an error. */
static struct span at_boundary(struct xml_stream *stream, struct span bytes)
{
    bool between = stream->pending.size == 0 && stream->parser.open == NULL && stream->skipped == 0 &&
                   (stream->scan.state == XML_SCAN_TEXT || stream->scan.state == XML_SCAN_START);

    if (!between)
        return bytes;
    bytes = without_blanks(bytes);
    if (bytes.size && stream->ended)
        stream->why = "bytes behind the end of the stream";
    else if (bytes.size && bytes.at[0] != '<')
        stream->why = "text between elements";
    return bytes;
}

/* What bounds the bytes themselves; false: broken. */
static bool count_bytes(struct xml_stream *stream, size_t size)
{
    if (stream->why && (stream->skipped || stream->scan.attributes <= stream->limits.attributes_most))
        return false; /* no bound: it is no good XML */
    if (stream->skipped)
        return true;
    stream->spent += size;
    if (stream->spent > stream->limits.element_most)
        stream->why = "an element that is too large";
    return stream->why == NULL || begin_skip(stream, stream->parser.level);
}

static struct span take_bytes(struct xml_stream *stream, struct span bytes)
{
    unsigned attributes_most = stream->skipped ? UINT_MAX : stream->limits.attributes_most;
    struct span piece;
    bool whole;
    size_t size = xml_scan_next(&stream->scan, bytes, attributes_most, &whole, &stream->why);

    if (!count_bytes(stream, size))
        return bytes;
    piece = span_head(bytes, size);
    if (stream->skipped) {
        if (whole)
            skip_tag(stream);
        return span_from(bytes, size);
    }
    if (!whole || stream->pending.size) {
        buf_add(&stream->pending, piece);
        piece = buf_span(&stream->pending);
    }
    if (whole) {
        take_piece(stream, piece);
        buf_clear(&stream->pending);
    }
    return span_from(bytes, size);
}

bool xml_stream_feed(struct xml_stream *stream, struct span bytes)
{
    must(!OBJECT(stream, xml_stream)->feeding);
    stream->feeding = true;
    while (bytes.size && stream->why == NULL && !stream->doomed) {
        bytes = at_boundary(stream, bytes);
        if (bytes.size && stream->why == NULL)
            bytes = take_bytes(stream, bytes);
        if (stream->restarting && !stream->doomed)
            begin(stream);
    }
    stream->feeding = false;
    if (stream->doomed) {
        destroy(stream);
        return false;
    }
    return stream->why == NULL;
}
