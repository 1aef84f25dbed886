/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: api_key_fuzz.c - entries of api-keys and rows of LMDB, as a hasty operator or a bad disk
 * has them: parts lie within, what is taken is usable, a row encodes to what decodes to the same. */
#include "modules/rest/keys_entry.h"
#include "modules/rest/keys_table.h"

#include "base/must.h"
#include "base/text.h"

#include <stdlib.h>

static void check_texts(struct span whole, const char *const *texts)
{
    size_t count = 0;

    for (; texts != NULL && texts[count] != NULL; count++) {
        struct span text = span_of(texts[count]);

        must(text.size > 0 && text.size <= whole.size && memmem(whole.at, whole.size, text.at, text.size));
    }
    must(texts == NULL || count > 0);
}

static void entries(struct span in)
{
    struct arena *arena = arena_new();
    struct key_entry entry;
    char *text = arena_text(arena, in);
    const char *why = key_entry_parse(in, arena, &entry);

    if (why == NULL) {
        must(entry.key.size > 0 && entry.key.at == in.at && span_find(entry.key, ':') < 0);
        check_texts(in, entry.hosts);
        check_texts(in, entry.paths);
    } else {
        must(why[0] != '\0');
    }
    if (memchr(in.at, '\0', in.size) == NULL && keys_check_entry(text) == NULL)
        must(why == NULL);
    arena_free(&arena);
}

static void rows(struct span in)
{
    struct arena *arena = arena_new();
    struct buf once = { 0 }, twice = { 0 };
    struct key_row row;

    if (key_row_decode(in, arena, &row)) {
        struct key_row again;

        key_row_encode(&row, &once);
        must(key_row_decode(buf_span(&once), arena, &again));
        key_row_encode(&again, &twice);
        must(span_eq(buf_span(&once), buf_span(&twice)));
        must(memcmp(row.digest, again.digest, sizeof(row.digest)) == 0);
    }
    buf_free(&once);
    buf_free(&twice);
    arena_free(&arena);
}

static void scopes(struct span in)
{
    char pattern[64];
    const char *texts[2] = { pattern, NULL };
    const struct key_scope scope = { .nodes = texts, .from = texts };
    struct span first = span_head(in, sizeof(pattern) - 1), rest = span_from(in, first.size);

    if (first.size == 0 || memchr(first.at, '\0', first.size) != NULL)
        return;
    memcpy(pattern, first.at, first.size);
    pattern[first.size] = '\0';
    must(key_allows_node(&scope, first));
    key_allows_node(&scope, rest);
    key_allows_from(&scope, rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { (const char *)data, size };

    if (size == 0)
        return 0;
    entries(in);
    rows(in);
    scopes(in);
    return 0;
}
