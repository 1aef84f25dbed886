/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_avatar_test.c - pictures by their bytes, and what is remembered of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/codec.h"
#include "modules/rest/avatar.h"
#include "shm/count.h"

#define BYTES(literal)                                                                                       \
    {                                                                                                        \
        (literal), sizeof(literal) - 1                                                                       \
    }

/* ---- pictures ---- */

static const struct {
    struct span bytes;
    const char *type, *why;
} pictures[] = {
    { BYTES("\x89PNG\r\n\x1a\nrest"), "image/png", "PNG" },
    { BYTES("\x89PNG\r\n\x1a"), NULL, "half a signature" },
    { BYTES("\xff\xd8\xff\xe0"), "image/jpeg", "JPEG" },
    { BYTES("\xff\xd8"), NULL, "too short" },
    { BYTES("GIF87a"), "image/gif", "GIF" },
    { BYTES("GIF89a;"), "image/gif", "GIF" },
    { BYTES("GIF88a"), NULL, "no GIF" },
    { BYTES("RIFF\x10\0\0\0WEBPVP8 "), "image/webp", "WebP" },
    { BYTES("RIFF\x10\0\0\0WAVEfmt "), NULL, "sound" },
    { BYTES("\0\0\0\x1c"
            "ftypavif\0\0\0\0mif1miaf"),
      "image/avif", "AVIF" },
    { BYTES("\0\0\0\x1c"
            "ftypmif1\0\0\0\0miafavif"),
      "image/avif", "AVIF by a compatible brand" },
    { BYTES("\0\0\0\x14"
            "ftypmif1\0\0\0\0miafavif"),
      NULL, "the brand lies behind the box" },
    { BYTES("\0\0\0\x14"
            "ftypmif1avifmiaf"),
      NULL, "a version is no brand" },
    { BYTES("\0\0\0\x18"
            "ftypheic\0\0\0\0mif1heic"),
      NULL, "HEIC" },
    { BYTES("\xff\xff\xff\xff"
            "ftypisom\0\0\0\0"),
      NULL, "a box longer than all" },
    { BYTES("<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>"), NULL, "SVG holds scripts" },
    { BYTES("<!DOCTYPE html><script>"), NULL, "HTML" },
    { BYTES(""), NULL, "nothing" },
};

static void test_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
        const char *type = picture_type(pictures[i].bytes);

        if ((type == NULL) != (pictures[i].type == NULL) || (type && strcmp(type, pictures[i].type) != 0))
            fail_msg("%s: %s", pictures[i].why, type ? type : "none");
    }
}

static void test_sizes(void **state)
{
    unsigned width = 0, height = 0;

    (void)state;
    assert_true(picture_size(SPAN("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\2\0\0\0\x40"), &width, &height));
    assert_int_equal(width, 258);
    assert_int_equal(height, 64);
    assert_true(picture_size(SPAN("GIF89a\x02\x01\x40\x00"), &width, &height));
    assert_int_equal(width, 258);
    assert_int_equal(height, 64);
    assert_false(picture_size(SPAN("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1"), &width, &height));
    assert_false(picture_size(SPAN("GIF89a\x02"), &width, &height));
    assert_false(picture_size(SPAN("\xff\xd8\xff\xe0"), &width, &height));
}

static void test_decode(void **state)
{
    struct arena *arena = arena_new();
    struct picture picture = { 0 };

    (void)state;
    assert_true(picture_decode(SPAN(" R0lG\r\nODlh\t\n "), 6, arena, &picture));
    assert_string_equal(picture.type, "image/gif");
    assert_true(span_is(picture.bytes, "GIF89a"));
    picture = (struct picture){ 0 };
    assert_false(picture_decode(SPAN("R0lGODlh"), 5, arena, &picture)); /* larger than most */
    assert_false(picture_decode(SPAN("R0lG*Dlh"), 99, arena, &picture));
    assert_false(picture_decode(SPAN("PHN2Zy8+"), 99, arena, &picture)); /* <svg/> */
    assert_false(picture_decode(SPAN(""), 99, arena, &picture));
    assert_null(picture.type);
    arena_free(&arena);
}

static const struct {
    const char *uri, *type, *elsewhere;
} uris[] = {
    { "data:image/png;base64,R0lGODlh", "image/gif", NULL }, /* what it is called does not count */
    { "\n data:;base64,R0lG\n ODlh \n", "image/gif", NULL },
    { "DATA:text/html;base64,R0lGODlh", "image/gif", NULL },
    { "data:image/gif,GIF89a", NULL, NULL },
    { "data:text/html;base64,PHNjcmlwdD4=", NULL, NULL },
    { "data:", NULL, NULL },
    { "https://example.org/a.png?x=1#y", NULL, "https://example.org/a.png?x=1#y" },
    { " HTTPS://EXAMPLE.org:8443\n", NULL, "HTTPS://EXAMPLE.org:8443" },
    { "http://example.org/a.png", NULL, NULL },
    { "javascript:alert(1)", NULL, NULL },
    { "https://user@example.org/", NULL, NULL },
    { "https:///a.png", NULL, NULL },
    { "https://example.org/a b", NULL, NULL },
    { "https://example.org/\"><script>", NULL, NULL },
    { "https://example.org\\@evil.example/", NULL, NULL },
    { "//example.org/a.png", NULL, NULL },
    { "", NULL, NULL },
};

static void test_uris(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        struct arena *arena = arena_new();
        struct picture picture = { 0 };
        bool found = picture_from_uri(span_of(uris[i].uri), 1000, arena, &picture);

        if (found != (uris[i].type || uris[i].elsewhere))
            fail_msg("%s", uris[i].uri);
        if (uris[i].type)
            assert_string_equal(picture.type, uris[i].type);
        if (uris[i].elsewhere)
            assert_true(span_is(picture.elsewhere, uris[i].elsewhere));
        arena_free(&arena);
    }
}

/* ---- what is remembered ---- */

#define KEEP (60 * USEC_PER_SEC)

static const struct picture gif = { "image/gif", { "GIF89a", 6 }, { NULL, 0 } };

static void test_cache(void **state)
{
    struct counts *counts = must_alloc(sizeof(*counts));
    struct avatar_cache *cache = avatar_cache_new(counts, KEEP);
    const struct picture none = { 0 }, away = { NULL, { NULL, 0 }, { "https://a", 9 } };
    struct picture found;

    (void)state;
    assert_false(avatar_cache_find(cache, SPAN("a@b"), AVATAR_ANY, 1, &found));
    avatar_cache_keep(cache, SPAN("a@b"), AVATAR_ANY, 1, &gif);
    avatar_cache_keep(cache, SPAN("c@d"), AVATAR_ANY, 2, &none);
    avatar_cache_keep(cache, SPAN("e@f"), AVATAR_PEP, 3, &away);
    assert_true(avatar_cache_find(cache, SPAN("a@b"), AVATAR_ANY, 4, &found));
    assert_string_equal(found.type, "image/gif");
    assert_true(span_is(found.bytes, "GIF89a"));
    assert_true(avatar_cache_find(cache, SPAN("c@d"), AVATAR_ANY, 4, &found));
    assert_true(found.type == NULL && found.elsewhere.size == 0);
    assert_true(avatar_cache_find(cache, SPAN("e@f"), AVATAR_PEP, 4, &found));
    assert_true(found.type == NULL && span_is(found.elsewhere, "https://a"));
    /* Another source, another user. */
    assert_false(avatar_cache_find(cache, SPAN("a@b"), AVATAR_PEP, 4, &found));
    assert_false(avatar_cache_find(cache, SPAN("a@bc"), AVATAR_ANY, 4, &found));
    /* Newer words replace older ones. */
    avatar_cache_keep(cache, SPAN("c@d"), AVATAR_ANY, 5, &gif);
    assert_true(avatar_cache_find(cache, SPAN("c@d"), AVATAR_ANY, 6, &found));
    assert_string_equal(found.type, "image/gif");
    /* Each has its own time. */
    assert_false(avatar_cache_find(cache, SPAN("a@b"), AVATAR_ANY, 1 + KEEP, &found));
    assert_true(avatar_cache_find(cache, SPAN("c@d"), AVATAR_ANY, 1 + KEEP, &found));
    assert_false(avatar_cache_find(cache, SPAN("c@d"), AVATAR_ANY, 5 + KEEP, &found));
    avatar_cache_free(&cache);
    assert_null(cache);
    free(counts);
}

/* Any worker that sets one makes all of them forget. */
static void test_cache_forgets(void **state)
{
    struct counts *counts = must_alloc(sizeof(*counts));
    struct avatar_cache *cache = avatar_cache_new(counts, KEEP);
    struct picture found;

    (void)state;
    avatar_cache_keep(cache, SPAN("a@b"), AVATAR_ANY, 1, &gif);
    assert_true(avatar_cache_find(cache, SPAN("a@b"), AVATAR_ANY, 2, &found));
    atomic_fetch_add(&counts->rows[BOARD_ROWS - 1].value[COUNT_avatars_set], 1);
    assert_false(avatar_cache_find(cache, SPAN("a@b"), AVATAR_ANY, 2, &found));
    avatar_cache_keep(cache, SPAN("a@b"), AVATAR_ANY, 3, &gif);
    assert_true(avatar_cache_find(cache, SPAN("a@b"), AVATAR_ANY, 4, &found));
    avatar_cache_free(&cache);
    /* A time of 0: nothing is kept. */
    cache = avatar_cache_new(counts, 0);
    avatar_cache_keep(cache, SPAN("a@b"), AVATAR_ANY, 3, &gif);
    assert_false(avatar_cache_find(cache, SPAN("a@b"), AVATAR_ANY, 3, &found));
    avatar_cache_free(&cache);
    free(counts);
}

/* Whatever strangers ask for, memory stays bounded: the oldest go. */
static void test_cache_bounds(void **state)
{
    struct counts *counts = must_alloc(sizeof(*counts));
    struct avatar_cache *cache = avatar_cache_new(counts, KEEP);
    struct picture big = { .type = "image/gif" }, found;
    struct buf bytes = { 0 };
    char jid[32];
    unsigned kept = 0;

    (void)state;
    buf_reserve(&bytes, 1024 * 1024);
    memset(bytes.at, 'x', 1024 * 1024);
    big.bytes = span_make(bytes.at, 1024 * 1024);
    for (int i = 0; i < 5000; i++) {
        snprintf(jid, sizeof(jid), "u%d@b", i);
        avatar_cache_keep(cache, span_of(jid), AVATAR_ANY, 1, i % 50 ? &gif : &big);
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(jid, sizeof(jid), "u%d@b", i);
        if (avatar_cache_find(cache, span_of(jid), AVATAR_ANY, 2, &found))
            kept += found.bytes.size > 1000 ? 100000 : 1;
    }
    assert_true(kept / 100000 <= 8 && kept / 100000 >= 7);
    assert_true(kept % 100000 <= 1024 && kept % 100000 >= 300);
    avatar_cache_free(&cache);
    buf_free(&bytes);
    free(counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_decode),       cmocka_unit_test(test_uris),
        cmocka_unit_test(test_cache),        cmocka_unit_test(test_cache_forgets),
        cmocka_unit_test(test_cache_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
