/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_path_fuzz.c - expressions of scripts, read as the paths that the index shows.
 *
 * What is read has paired brackets and braces and no nesting of braces, so that it stands for at least one
 * path unless it has too many parts; no path it stands for has a bracket left. */
#include "modules/rest/index_path.h"

#include "base/must.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct arena *arena, struct span path)
{
    struct span variants[PATH_VARIANTS_MOST];
    unsigned count = path_variants(arena, path, variants);

    must(count <= PATH_VARIANTS_MOST);
    for (unsigned i = 0; i < count; i++) {
        struct buf shape = { 0 };
        struct span rest = variants[i], name;

        must(variants[i].size <= path.size);
        must(span_find(variants[i], '[') < 0 && span_find(variants[i], ']') < 0);
        path_shape(&shape, variants[i]);
        must(shape.size <= variants[i].size);
        while (path_next_name(&rest, &name))
            must(name.size <= path.size);
        buf_free(&shape);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_make((const char *)data, size);
    struct arena *arena = arena_new();
    struct buf path = { 0 };

    buf_text(&path, "/rest");
    if (path_of_expression(&path, input)) {
        unsigned open = 0;

        for (size_t i = 0; i < path.size; i++) {
            must(path.at[i] != '\0');
            must(path.at[i] != ']' || open > 0);
            open += path.at[i] == '[';
            open -= path.at[i] == ']';
        }
        must(open == 0);
        check(arena, buf_span(&path));
    } else {
        must(path.size == 5);
    }
    check(arena, input); /* an author may write brackets as he likes */
    buf_free(&path);
    arena_free(&arena);
    return 0;
}
