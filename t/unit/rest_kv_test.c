/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_kv_test.c - scripts' own values: apart by folder, bounded, and what is kept. */
#include "modules/rest/kv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <unistd.h>

static char folder[64];
static struct store *store;

static int open_store(void **state)
{
    static const char *const tables[] = { "value", NULL };
    struct store_options options = { .folder = folder, .map_size = 1 << 20, .tables = tables };
    const char *why;

    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/stoa-kv-XXXXXX");
    return mkdtemp(folder) != NULL && store_open(&store, &options, &why) == 0 ? 0 : -1;
}

static int close_store(void **state)
{
    static const char *const names[] = { "data.mdb", "lock.mdb" };

    (void)state;
    store_close(&store);
    for (size_t i = 0; i < 2; i++) {
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

/* value NULL: deletes. */
static int change(const char *in, const char *key, const char *value, uint64_t bytes, uint64_t items,
                  bool *was)
{
    struct kv_change change = { .folder = span_of(in),
                                .key = span_of(key),
                                .value = span_of(value),
                                .bytes_most = bytes,
                                .items_most = items };
    int result;

    kv_change_prepare(&change);
    result = store_write_now(store, &change.write);
    if (was != NULL)
        *was = change.was_there;
    return result;
}

static int set(const char *in, const char *key, const char *value)
{
    return change(in, key, value, KV_FOLDER_BYTES, KV_FOLDER_ITEMS, NULL);
}

static void expect(const char *in, const char *key, const char *want)
{
    struct json_object *json = NULL;
    struct buf text = { 0 };

    if (kv_get(store, 0, in, span_of(key), &json) != (want != NULL))
        fail_msg("%s %s", in, key);
    if (want == NULL)
        return;
    json_write(&text, json);
    buf_char(&text, '\0');
    assert_string_equal(text.at, want);
    buf_free(&text);
    json_object_put(json);
}

static void values_are_kept_and_apart(void **state)
{
    bool was;

    (void)state;
    assert_int_equal(set("one", "k", "\"a\""), 0);
    assert_int_equal(set("two", "k", "{\"n\":1}"), 0);
    assert_int_equal(set("on", "ek", "[]"), 0);
    expect("one", "k", "\"a\"");
    expect("two", "k", "{\"n\":1}");
    expect("one", "ek", NULL);
    expect("three", "k", NULL);
    assert_int_equal(set("one", "k", "null"), 0);
    expect("one", "k", "null");
    assert_int_equal(change("one", "k", NULL, KV_FOLDER_BYTES, KV_FOLDER_ITEMS, &was), 0);
    assert_true(was);
    expect("one", "k", NULL);
    expect("two", "k", "{\"n\":1}");
    assert_int_equal(change("one", "k", NULL, KV_FOLDER_BYTES, KV_FOLDER_ITEMS, &was), 0);
    assert_false(was);
}

static void a_folder_has_its_share(void **state)
{
    (void)state;
    assert_int_equal(change("full", "a", "1", 1000, 2, NULL), 0);
    assert_int_equal(change("full", "b", "1", 1000, 2, NULL), 0);
    assert_int_equal(change("full", "c", "1", 1000, 2, NULL), KV_FULL);
    expect("full", "c", NULL);
    assert_int_equal(change("full", "b", "2", 1000, 2, NULL), 0); /* in place of the old */
    assert_int_equal(change("other", "c", "1", 1000, 2, NULL), 0);
    assert_int_equal(change("full", "a", NULL, 1000, 2, NULL), 0);
    assert_int_equal(change("full", "c", "1", 1000, 2, NULL), 0);
    /* bytes: key, version and text */
    assert_int_equal(change("bytes", "k", "\"12345\"", 9, 10, NULL), 0);
    assert_int_equal(change("bytes", "k", "\"123456\"", 9, 10, NULL), KV_FULL);
    expect("bytes", "k", "\"12345\"");
    assert_int_equal(change("bytes", "k", "1", 9, 10, NULL), 0);
    assert_int_equal(change("bytes", "l", "\"123\"", 10, 10, NULL), 0);
    assert_int_equal(change("bytes", "m", "1", 10, 10, NULL), KV_FULL);
}

static const char *listed(const char *prefix, const char *after, unsigned most)
{
    static char text[200];
    struct json_object *keys = kv_list(store, 0, "list", span_of(prefix), span_of(after), most);

    assert_non_null(keys);
    text[0] = '\0';
    for (size_t i = 0; i < json_object_array_length(keys); i++) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof(text) - used, "%s ",
                 json_object_get_string(json_object_array_get_idx(keys, i)));
    }
    json_object_put(keys);
    return text;
}

static void keys_are_listed_in_order(void **state)
{
    static const char *const keys[] = { "b/2", "a", "b/1", "b/3", "c" };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_int_equal(set("list", keys[i], "1"), 0);
    assert_int_equal(set("lisu", "b/0", "1"), 0);
    assert_int_equal(set("lis", "tb/0", "1"), 0);
    assert_string_equal(listed("", "", 10), "a b/1 b/2 b/3 c ");
    assert_string_equal(listed("b/", "", 10), "b/1 b/2 b/3 ");
    assert_string_equal(listed("b/", "", 2), "b/1 b/2 ");
    assert_string_equal(listed("b/", "b/2", 2), "b/3 ");
    assert_string_equal(listed("", "b/3", 10), "c ");
    assert_string_equal(listed("x", "", 10), "");
    assert_string_equal(listed("b/", "a", 10), "b/1 b/2 b/3 ");
}

static void keys_are_checked(void **state)
{
    char key[KV_KEY_MOST + 2];

    (void)state;
    memset(key, 'k', sizeof(key));
    assert_null(kv_key_bad(span_make(key, KV_KEY_MOST)));
    assert_non_null(kv_key_bad(span_make(key, KV_KEY_MOST + 1)));
    assert_non_null(kv_key_bad(SPAN("")));
    assert_non_null(kv_key_bad(SPAN("a\0b")));
    assert_non_null(kv_key_bad(SPAN("\xff")));
    assert_null(kv_key_bad(SPAN("\xc3\xa9/x")));
}

static void the_longest_key_of_the_longest_folder_fits(void **state)
{
    char in[KV_FOLDER_MOST + 1] = "", key[KV_KEY_MOST + 1] = "";

    (void)state;
    memset(in, 'f', KV_FOLDER_MOST);
    memset(key, 'k', KV_KEY_MOST);
    assert_int_equal(set(in, key, "7"), 0);
    expect(in, key, "7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_kept_and_apart),
        cmocka_unit_test(a_folder_has_its_share),
        cmocka_unit_test(keys_are_listed_in_order),
        cmocka_unit_test(keys_are_checked),
        cmocka_unit_test(the_longest_key_of_the_longest_folder_fits),
    };

    return cmocka_run_group_tests(tests, open_store, close_store);
}
