/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and libxml2: xml_fuzz.c - as a document, read(write(x)) is x; as a stream, pieces do not
 * matter. */
#include "base/must.h"
#include "base/text.h"
#include "parse/xml.h"

static const struct xml_limits limits = { .element_most = 4096, .depth_most = 16, .attributes_most = 16 };

/* Without control characters; DEL is none in XML. */
static bool is_plain(struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.at[i] < 0x20)
            return false;
    return true;
}

static void documents(struct span in)
{
    struct arena *arena = arena_new();
    struct xml_element *root = NULL;
    struct buf once = { 0 }, twice = { 0 };
    const char *why = NULL;

    if (xml_document(in, &limits, arena, &root, &why)) {
        static const struct xml_limits wide = { .element_most = 1 << 20,
                                                .depth_most = 16,
                                                .attributes_most = 99 };

        must(why == NULL);
        xml_write(&once, root, SPAN("u"));
        must(text_is_utf8(buf_span(&once)) && is_plain(buf_span(&once)));
        buf_clear(&once);
        xml_write(&once, root, SPAN(""));
        must(xml_document(buf_span(&once), &wide, arena, &root, &why));
        xml_write(&twice, root, SPAN(""));
        must(span_eq(buf_span(&once), buf_span(&twice)));
    } else {
        must(why != NULL);
    }
    must(arena_bytes(arena) < 2 * (1 << 20) + 100 * once.size);
    buf_free(&once);
    buf_free(&twice);
    arena_free(&arena);
}

struct heard {
    struct xml_stream *stream;
    struct buf text;
};

static void on_opened(void *data, struct xml_element *header)
{
    xml_write(&((struct heard *)data)->text, header, SPAN(""));
}

static void on_element(void *data, struct xml_element *element, struct arena *arena)
{
    struct heard *heard = data;

    (void)arena;
    xml_write(&heard->text, element, SPAN(""));
    if (span_is(element->name, "r"))
        xml_stream_restart(heard->stream);
    else if (span_is(element->name, "f"))
        xml_stream_free(&heard->stream);
}

static void on_closed(void *data)
{
    buf_text(&((struct heard *)data)->text, "end");
}

/* Not why: of two bounds the one may be met first in small pieces, the other in large ones. */
static void on_skipped(void *data, const char *why)
{
    must(why != NULL);
    buf_text(&((struct heard *)data)->text, "skipped");
}

static const struct xml_callbacks skipping = {
    .opened = on_opened, .element = on_element, .closed = on_closed, .skipped = on_skipped
};
static const struct xml_limits narrow = { .element_most = 200, .depth_most = 4, .attributes_most = 3 };

static const struct xml_callbacks calls = { .opened = on_opened, .element = on_element, .closed = on_closed };

/* Pieces of that many bytes; 0: as the seed says. Whether the stream is still good at the end. */
static bool stream(struct span in, size_t piece, bool skips, struct buf *text_r)
{
    struct heard heard = { .stream = NULL };
    size_t seed = in.size;
    bool good = true;

    heard.stream =
        skips ? xml_stream_new(&skipping, &heard, &narrow) : xml_stream_new(&calls, &heard, &limits);
    while (in.size && good) {
        size_t size = piece ? piece : 1 + (seed = seed * 75 % 65537) % 40;

        good = xml_stream_feed(heard.stream, span_head(in, size));
        in = span_from(in, size);
        if (heard.stream)
            must(good == (xml_stream_why(heard.stream) == NULL));
    }
    xml_stream_free(&heard.stream);
    *text_r = heard.text;
    return good;
}

static void streams(struct span in, bool skips)
{
    struct buf whole, cut;
    bool good = stream(in, in.size ? in.size : 1, skips, &whole);

    for (size_t piece = 0; piece < 2; piece++) {
        must(stream(in, piece, skips, &cut) == good);
        must(span_eq(buf_span(&whole), buf_span(&cut)));
        buf_free(&cut);
    }
    buf_free(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { (const char *)data, size };

    documents(in);
    streams(in, false);
    streams(in, true);
    return 0;
}
