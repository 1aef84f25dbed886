/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: form_test.c - bodies of forms: form_urlencoded.h and multipart.h. */
#include "parse/form_urlencoded.h"
#include "parse/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena *arena;
static struct form_fields fields;
static const char *why;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void is_field(size_t index, const char *name, const char *value, const char *filename)
{
    assert_true(index < fields.count);
    assert_true(span_is(fields.items[index].name, name));
    assert_true(span_is(fields.items[index].value, value));
    if (filename)
        assert_true(fields.items[index].filename.at && span_is(fields.items[index].filename, filename));
    else
        assert_null(fields.items[index].filename.at);
}

/* ---- urlencoded ---- */

static enum form_verdict encoded(const char *body, size_t most)
{
    return form_urlencoded_parse(arena, span_of(body), most, &fields, &why);
}

static void test_urlencoded(void **state)
{
    (void)state;
    assert_int_equal(encoded("jid=a%40b+c&password=%26%3D%C3%A4&&empty=&bare&jid=second", 9), FORM_GOOD);
    assert_int_equal(fields.count, 5);
    is_field(0, "jid", "a@b c", NULL);
    is_field(1, "password", "&=\xc3\xa4", NULL);
    is_field(2, "empty", "", NULL);
    is_field(3, "bare", "", NULL);
    is_field(4, "jid", "second", NULL);
    assert_int_equal(encoded("", 9), FORM_GOOD);
    assert_int_equal(fields.count, 0);
}

static void test_urlencoded_refused(void **state)
{
    static const char *const bodies[] = { "a=%",   "a=%4",  "a=%zz",    "%00=a",
                                          "a=%00", "a=%ff", "%c0%80=1", "a=\xff" };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        if (encoded(bodies[i], 9) != FORM_BAD)
            fail_msg("%s", bodies[i]);
        assert_int_equal(fields.count, 0);
    }
    assert_int_equal(encoded("a&b&c", 3), FORM_GOOD);
    assert_int_equal(encoded("a&b&c&d", 3), FORM_MANY);
}

/* ---- multipart ---- */

static void test_boundary(void **state)
{
    static const struct {
        const char *type, *want; /* NULL: refused */
    } rows[] = {
        { "multipart/form-data; boundary=abc", "abc" },
        { "Multipart/Form-Data; charset=utf-8; Boundary=\"a b:c\"", "a b:c" },
        { "multipart/form-data; boundary=----WebKitFormBoundaryX", "----WebKitFormBoundaryX" },
        { "multipart/form-data", NULL },
        { "multipart/form-data; boundary=", NULL },
        { "multipart/form-data; boundary=\"\"", NULL },
        { "multipart/form-data; boundary=\"a \"", NULL },
        { "multipart/form-data; boundary=\"a\\\"b\"", NULL },
        { "multipart/form-data; boundary=a; boundary=b", NULL },
        { "multipart/mixed; boundary=a", NULL },
        { "application/x-www-form-urlencoded", NULL },
        { "multipart/form-data; "
          "boundary=1234567890123456789012345678901234567890123456789012345678901234567890",
          "1234567890123456789012345678901234567890123456789012345678901234567890" },
        { "multipart/form-data; "
          "boundary=12345678901234567890123456789012345678901234567890123456789012345678901",
          NULL },
    };
    char boundary[MULTIPART_BOUNDARY_MOST + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool good = multipart_boundary(span_of(rows[i].type), boundary);

        if (good != (rows[i].want != NULL) || (good && strcmp(boundary, rows[i].want) != 0))
            fail_msg("%s", rows[i].type);
    }
}

static enum form_verdict parts(const char *body, size_t most)
{
    return multipart_parse(arena, span_of(body), "b", most, &fields, &why);
}

#define PART(fields, value) "--b\r\n" fields "\r\n\r\n" value "\r\n"
#define NAMED(name, value)  PART("Content-Disposition: form-data; name=\"" name "\"", value)

static void test_multipart(void **state)
{
    (void)state;
    assert_int_equal(parts("what stands before\r\n" NAMED("one", "1\r\n2") NAMED("", "")
                               PART("content-type: text/plain\r\nContent-Disposition: form-data; "
                                    "filename=\"C:\\a%22b.txt\"; x=y; name=file",
                                    "\xff--b\r\n--bc\r\n --b--\r\n--b--c") "--b-- \t\r\nand behind",
                           9),
                     FORM_GOOD);
    assert_int_equal(fields.count, 3);
    is_field(0, "one", "1\r\n2", NULL);
    is_field(1, "", "", NULL);
    is_field(2, "file", "\xff--b\r\n--bc\r\n --b--\r\n--b--c", "C:\\a\"b.txt");
    assert_int_equal(parts(NAMED("a%0D%0Ab%41", "x") "--b--", 1), FORM_GOOD);
    is_field(0, "a\r\nb%41", "x", NULL);
    assert_int_equal(parts("--b \t\r\nContent-Disposition:form-data;name=n\r\n\r\n--b--", 1), FORM_GOOD);
    is_field(0, "n", "", NULL);
    assert_int_equal(parts("--b--\r\n", 1), FORM_GOOD);
    assert_int_equal(fields.count, 0);
}

static void test_multipart_refused(void **state)
{
    static const char *const bodies[] = {
        "",
        "--b",
        "--b\r\n",
        "--c--",
        " --b--",
        "\n--b--",
        NAMED("a", "1"),
        NAMED("a", "1") "--b",
        NAMED("a", "1") "--b-",
        NAMED("a", "\xff") "--b--",
        NAMED("\xff", "1") "--b--",
        "--b\r\n\r\nno fields\r\n--b--",
        PART("X: y", "no name") "--b--",
        PART("Content-Disposition: form-data", "1") "--b--",
        PART("Content-Disposition: form-data; name", "1") "--b--",
        PART("Content-Disposition: form-data; name=\"a", "1") "--b--",
        PART("Content-Disposition: form-data; name=\"a\" x", "1") "--b--",
        PART("Content-Disposition: form-data; name=a; name=b", "1") "--b--",
        PART("Content-Disposition: attachment; name=a", "1") "--b--",
        PART("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b", "1") "--b--",
        PART("Content-Disposition: form-data;\r\n name=a", "1") "--b--",
        PART("Content-Disposition: form-data; name=a\nX: y", "1") "--b--",
        PART("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64", "1") "--b--",
        PART("Content-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed; boundary=c",
             "1") "--b--",
        PART("Content-Disposition: form-data; name=a\r\nno field", "1") "--b--",
        "--b\nContent-Disposition: form-data; name=a\n\n1\n--b--",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        if (parts(bodies[i], 9) != FORM_BAD)
            fail_msg("%s", bodies[i]);
    assert_int_equal(parts(NAMED("a", "1") NAMED("b", "2") "--b--", 2), FORM_GOOD);
    assert_int_equal(parts(NAMED("a", "1") NAMED("b", "2") "--b--", 1), FORM_MANY);
}

static void test_multipart_large_head(void **state)
{
    char filler[MULTIPART_HEAD_MOST + 1];

    (void)state;
    memset(filler, 'x', sizeof(filler));
    filler[sizeof(filler) - 1] = '\0';
    assert_int_equal(
        parts(arena_printf(arena, "--b\r\nX: %s\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--",
                           filler),
              9),
        FORM_BAD);
    assert_int_equal(parts(arena_printf(arena, NAMED("a", "%s") "--b--", filler), 9), FORM_GOOD);
    assert_int_equal(fields.items[0].value.size, MULTIPART_HEAD_MOST);
}

static void test_multipart_nul(void **state)
{
    static const char text[] = NAMED("a", "x\0y") "--b--";
    static const char file[] = PART("Content-Disposition: form-data; name=a; filename=f", "x\0y") "--b--";

    (void)state;
    assert_int_equal(multipart_parse(arena, span_make(text, sizeof(text) - 1), "b", 9, &fields, &why),
                     FORM_BAD);
    assert_int_equal(multipart_parse(arena, span_make(file, sizeof(file) - 1), "b", 9, &fields, &why),
                     FORM_GOOD);
    assert_int_equal(fields.items[0].value.size, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_urlencoded),    TEST(test_urlencoded_refused), TEST(test_boundary),
        TEST(test_multipart),     TEST(test_multipart_refused),  TEST(test_multipart_large_head),
        TEST(test_multipart_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
