/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_index_path_test.c - proves modules/rest/index_path.h: paths as people read them. */
#include "modules/rest/index_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *expression, *reads; /* reads NULL: too free */
} expressions[] = {
    { "/", "/" },
    { "/users", "/users" },
    { "/([^/]+)", "/{part1}" },
    { "/([^@/]+)@([^@/]+)", "/{part1}@{part2}" },
    { "/(?<jid>[^/]+)/status", "/{jid}/status" },
    { "/(?P<jid>[^/]+)", "/{jid}" },
    { "/(?:([^@/]+)@){0,1}([^@/]+)", "/[{part1}@]{part2}" },
    { "/([^/]+)(?:/([^/]+))?", "/{part1}[/{part2}]" },
    { "/openapi\\.json", "/openapi.json" },
    { "/a/?", "/a[/]" },
    { "/([)(\\]]+)/x", "/{part1}/x" },
    { "/(a|b)?", "/[{part1}]" },
    { "/(.*)", "/{part1}" },
    { "", NULL },
    { "/.*", NULL },
    { "/a|/b", NULL },
    { "/[a-z]+", NULL },
    { "/\\d+", NULL },
    { "/a+", NULL },
    { "/(a", NULL },
    { "/a)", NULL },
    { "/(a)*", NULL },
    { "/(?=a)a", NULL },
    { "/(?:a|b)", NULL },
    { "/(?:)", NULL },
    { "/(?<a.b>x)", NULL },
    { "/x\\", NULL },
    { "/\\{jid\\}", NULL },
    { "^/a$", NULL },
    { "/(?:(?:(?:(?:(?:(?:(?:(?:(?:(a)))))))))", NULL },
};

static void expressions_read_as_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
        struct buf out = { 0 };
        bool good;

        buf_text(&out, "/rest");
        good = path_of_expression(&out, span_of(expressions[i].expression));
        buf_char(&out, '\0');
        if (good != (expressions[i].reads != NULL))
            fail_msg("%s: %s", expressions[i].expression, out.at);
        assert_string_equal(out.at + 5, expressions[i].reads ? expressions[i].reads : "");
        buf_free(&out);
    }
}

static const struct {
    const char *path, *variants; /* with a blank between; empty: none */
} paths[] = {
    { "/a", "/a" },
    { "/a/{b}", "/a/{b}" },
    { "/a/{b}[/{c}]", "/a/{b} /a/{b}/{c}" },
    { "/a[/{b}[/{c}]]", "/a /a/{b} /a/{b}/{c}" },
    { "/a[/][{b}]", "/a /a/ /a{b} /a/{b}" },
    { "/a[b][c][d][e]", "" },
    { "/a[b", "" },
    { "/a]b", "" },
    { "/a]b[", "" },
};

static void brackets_mean_several_paths(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct span variants[PATH_VARIANTS_MOST];
        unsigned count = path_variants(arena, span_of(paths[i].path), variants);
        struct buf out = { 0 };

        for (unsigned v = 0; v < count; v++) {
            if (v > 0)
                buf_char(&out, ' ');
            buf_add(&out, variants[v]);
        }
        buf_char(&out, '\0');
        assert_string_equal(out.at, paths[i].variants);
        buf_free(&out);
    }
    arena_free(&arena);
}

static void too_many_brackets_are_no_path(void **state)
{
    struct arena *arena = arena_new();
    struct span variants[PATH_VARIANTS_MOST];
    struct buf path = { 0 };

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        buf_text(&path, "[x]");
    assert_int_equal(path_variants(arena, buf_span(&path), variants), 0);
    buf_free(&path);
    arena_free(&arena);
}

static void names_and_shapes(void **state)
{
    struct span rest = SPAN("/a/{one}/b/{two}/{}"), name;
    struct buf shape = { 0 };

    (void)state;
    assert_true(path_next_name(&rest, &name) && span_is(name, "one"));
    assert_true(path_next_name(&rest, &name) && span_is(name, "two"));
    assert_true(path_next_name(&rest, &name) && span_is(name, ""));
    assert_false(path_next_name(&rest, &name));
    path_shape(&shape, SPAN("/a/{one}/b/{two}"));
    assert_true(span_is(buf_span(&shape), "/a/{}/b/{}"));
    buf_free(&shape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_read_as_paths),
        cmocka_unit_test(brackets_mean_several_paths),
        cmocka_unit_test(too_many_brackets_are_no_path),
        cmocka_unit_test(names_and_shapes),
    };

    return cmocka_run_group_tests_name("rest_index_path", tests, NULL, NULL);
}
