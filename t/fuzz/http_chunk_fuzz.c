/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: http_chunk_fuzz.c - the same bytes, cut anywhere, give the same data, end and verdict. */
#include "base/buf.h"
#include "base/must.h"
#include "parse/http_chunk.h"

struct result {
    struct buf data;
    size_t eaten;
    enum verdict verdict;
};

/* Pieces are of sizes that step names, in turns: 1 means byte by byte. */
static void decode(struct span in, size_t step, struct result *result)
{
    struct http_chunk chunk = { 0 };
    size_t piece = step;
    struct span data;

    result->verdict = PARSE_MORE;
    while (in.size && result->verdict == PARSE_MORE) {
        struct span part = span_head(in, piece), before = part;

        while ((result->verdict = http_chunk_next(&chunk, &part, &data)) == PARSE_DONE && !chunk.finished) {
            must(data.size > 0);
            buf_add(&result->data, data);
        }
        must(result->verdict != PARSE_MORE || part.size == 0);
        in = span_from(in, before.size - part.size);
        result->eaten += before.size - part.size;
        piece = piece * 7 % 31 + (step == 1 ? 0 : 1);
        piece = step == 1 ? 1 : piece;
    }
    must(chunk.total == result->data.size);
    must((result->verdict == PARSE_DONE) == chunk.finished);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { (const char *)data, size };
    struct result whole = { .eaten = 0 };

    decode(in, size ? size : 1, &whole);
    for (size_t step = 1; step < 8; step += 3) {
        struct result cut = { .eaten = 0 };

        decode(in, step, &cut);
        must(cut.verdict == whole.verdict && span_eq(buf_span(&cut.data), buf_span(&whole.data)));
        must(cut.eaten == whole.eaten);
        buf_free(&cut.data);
    }
    buf_free(&whole.data);
    return 0;
}
