/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: keys_ctl.c - stoactl key add, list, revoke.
 *
 * They open the module's data base as one more process, beside a running daemon or without one; its workers
 * see the change with their next request. */
#include "keys_table.h"
#include "rest.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/random.h"
#include "base/text.h"
#include "conf/period.h"
#include "parse/ip.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXTS_MOST 64
#define ID_BYTES   6
#define ID_TRIES   8
#define YEARS_MOST INT64_C(1000)

static int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int complain(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "stoactl: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return 1;
}

static struct store *open_store(struct module_host *host, struct arena *arena)
{
    const struct rest_conf *conf = rest_conf(host->conf);
    struct store *store;
    const char *why;

    if (!conf->section.active) {
        complain("the section rest of http { } is not active");
        return NULL;
    }
    if (rest_open_store(host, conf, arena, &store, &why) != 0) {
        complain("%s", why);
        return NULL;
    }
    return store;
}

/* ---- key add ---- */

/* Each checks one value: NULL when good, else what to write. */
static const char *check_path(const char *text)
{
    static char answer[256];
    char why[200];
    struct regex *regex = regex_new(span_of(text), REGEX_WHOLE, why, sizeof(why));

    if (regex == NULL) {
        snprintf(answer, sizeof(answer), "a good expression (%s)", why);
        return answer;
    }
    regex_free(&regex);
    return text[0] == '/' || text[0] == '(' || text[0] == '.' || text[0] == '^'
               ? NULL
               : "an expression of whole paths, such as '/rest/adhoc/.*'";
}

static const char *check_method(const char *text)
{
    static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "DELETE" };

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (span_is(span_of(text), methods[i]))
            return NULL;
    return "GET, HEAD, POST, PUT or DELETE";
}

static const char *check_host(const char *text)
{
    return text[0] != '\0' && strpbrk(text, "/: ") == NULL ? NULL : "a host name without port";
}

static const char *check_node(const char *text)
{
    return text[0] != '\0' ? NULL : "a node of commands, or the begin of some with a star behind it";
}

static const char *check_from(const char *text)
{
    struct arena *arena = arena_new();
    struct jid jid;
    bool is_jid = jid_parse(arena, span_of(text), &jid);

    arena_free(&arena);
    return is_jid ? NULL : "a JID or a domain";
}

static const char *check_network(const char *text)
{
    struct ip_network network;

    return ip_network_parse(span_of(text), &network) || span_is(span_of(text), "unix")
               ? NULL
               : "an address, a network such as 10.0.0.0/8, or unix";
}

struct list_option {
    const char *name;
    const char *(*check)(const char *text);
    const char *texts[TEXTS_MOST + 1];
    size_t count;
};

static int take_list(struct list_option *option, const char *text)
{
    const char *why = option->check(text);

    if (why != NULL) {
        complain("%s %s: write %s", option->name, text, why);
        return -1;
    }
    if (option->count == TEXTS_MOST) {
        complain("%s: at most %d times", option->name, TEXTS_MOST);
        return -1;
    }
    option->texts[option->count++] = text;
    return 0;
}

enum { OPTION_PATH, OPTION_METHOD, OPTION_HOST, OPTION_NODE, OPTION_FROM, OPTION_NETWORK, OPTION_COUNT };

struct adding {
    struct list_option lists[OPTION_COUNT];
    const char *label, *expires;
};

static int read_options(struct adding *adding, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        struct list_option *list = NULL;
        struct span name = span_of(argv[i]);

        for (size_t k = 0; k < OPTION_COUNT; k++)
            if (span_is(name, adding->lists[k].name))
                list = &adding->lists[k];
        if (list == NULL && !span_is(name, "--label") && !span_is(name, "--expires")) {
            complain("key add has no option %s", argv[i]);
            return -1;
        }
        if (i + 1 == argc) {
            complain("%s needs a value", argv[i]);
            return -1;
        }
        i++;
        if (list != NULL && take_list(list, argv[i]) != 0)
            return -1;
        if (list == NULL && span_is(name, "--label"))
            adding->label = argv[i];
        else if (list == NULL)
            adding->expires = argv[i];
    }
    return 0;
}

/* A length of time from now, or a moment. */
static bool read_expiry(const char *text, int64_t now, int64_t *expires_r)
{
    struct span span = span_of(text);
    bool has_unit = true, is_lenient;
    const char *why;
    int64_t usec;

    if (text_to_stamp(span, &usec)) {
        *expires_r = usec / USEC_PER_SEC;
        return *expires_r > now;
    }
    if (!period_iso(span, &usec, &is_lenient, &why) && !(period_plain(span, &usec, &has_unit) && has_unit))
        return false;
    *expires_r = now + usec / USEC_PER_SEC;
    return usec >= USEC_PER_SEC && usec / USEC_PER_SEC < YEARS_MOST * 366 * 86400;
}

static void make_id(char id_r[KEY_ID_TEXT])
{
    unsigned char bytes[ID_BYTES];
    struct buf hex = { 0 };

    random_bytes(bytes, sizeof(bytes));
    codec_hex(&hex, span_make((const char *)bytes, sizeof(bytes)));
    memcpy(id_r, hex.at, KEY_ID_TEXT - 1);
    id_r[KEY_ID_TEXT - 1] = '\0';
    buf_free(&hex);
}

static int add(struct store *store, struct key_row *row)
{
    char key[KEY_TEXT];
    struct key_add adding;
    int result = KEY_ID_TAKEN;

    key_make(key);
    for (unsigned i = 0; i < ID_TRIES && result == KEY_ID_TAKEN; i++) {
        make_id(row->id);
        key_add_begin(&adding, REST_TABLE_KEY, span_of(key), row);
        result = store_write_now(store, &adding.write);
    }
    if (result != 0)
        complain("the key could not be stored%s", result == STORE_FULL ? ": the disk is full" : "");
    else
        printf("ID=%s\nKEY=%s\n", row->id, key);
    OPENSSL_cleanse(key, sizeof(key));
    return result == 0 ? 0 : 1;
}

static const char *const *texts_of(const struct list_option *list)
{
    return list->count > 0 ? list->texts : NULL;
}

static int check_options(const struct adding *adding, struct key_row *row_r)
{
    struct span label = span_of(adding->label);

    *row_r = (struct key_row){ .label = adding->label,
                               .scope = { .paths = texts_of(&adding->lists[OPTION_PATH]),
                                          .methods = texts_of(&adding->lists[OPTION_METHOD]),
                                          .hosts = texts_of(&adding->lists[OPTION_HOST]),
                                          .nodes = texts_of(&adding->lists[OPTION_NODE]),
                                          .from = texts_of(&adding->lists[OPTION_FROM]),
                                          .networks = texts_of(&adding->lists[OPTION_NETWORK]) },
                               .created = clock_wall() / USEC_PER_SEC };
    if (label.size == 0 || label.size > KEY_LABEL_MOST || !text_is_utf8(label) || text_has_control(label)) {
        complain("key add needs --label TEXT: who uses the key, in at most %d bytes", KEY_LABEL_MOST);
        return -1;
    }
    if (adding->expires != NULL && !read_expiry(adding->expires, row_r->created, &row_r->expires)) {
        complain("--expires %s: write a length of time, such as 30d, or a moment to come, such as "
                 "2030-01-31T00:00:00Z",
                 adding->expires);
        return -1;
    }
    return 0;
}

int keys_ctl_add(struct module_host *host, int argc, char **argv)
{
    struct adding adding = { .lists = { [OPTION_PATH] = { "--path", check_path, { NULL }, 0 },
                                        [OPTION_METHOD] = { "--method", check_method, { NULL }, 0 },
                                        [OPTION_HOST] = { "--host", check_host, { NULL }, 0 },
                                        [OPTION_NODE] = { "--node", check_node, { NULL }, 0 },
                                        [OPTION_FROM] = { "--from", check_from, { NULL }, 0 },
                                        [OPTION_NETWORK] = { "--network", check_network, { NULL }, 0 } } };
    const struct list_option *paths = &adding.lists[OPTION_PATH];
    struct arena *arena;
    struct store *store;
    struct key_row row;
    int status = 1;

    if (read_options(&adding, argc, argv) != 0 || check_options(&adding, &row) != 0)
        return 2;
    for (size_t i = 0; i < paths->count; i++)
        if (span_ends(span_of(paths->texts[i]), SPAN("/*")))
            complain("warning: --path %s matches slashes only; you may mean .*", paths->texts[i]);
    arena = arena_new();
    store = open_store(host, arena);
    if (store != NULL) {
        status = add(store, &row);
        store_close(&store);
    }
    arena_free(&arena);
    return status;
}

/* ---- key list ---- */

static void add_moment(struct buf *out, int64_t seconds, const char *none)
{
    char stamp[STAMP_SIZE];

    if (seconds == 0) {
        buf_text(out, none);
        return;
    }
    text_stamp(seconds * USEC_PER_SEC, stamp);
    buf_text(out, stamp);
}

static void add_texts(struct buf *out, const char *name, const char *const *texts)
{
    if (texts == NULL)
        return;
    buf_printf(out, "    %s", name);
    for (; *texts != NULL; texts++) {
        buf_char(out, ' ');
        text_add_log(out, span_of(*texts));
    }
    buf_char(out, '\n');
}

static void print_text(const struct key_row *row, int64_t used)
{
    struct buf out = { 0 };

    buf_printf(&out, "%s ", row->id);
    text_add_log(&out, span_of(row->label));
    buf_text(&out, "\n    made ");
    add_moment(&out, row->created, "-");
    buf_text(&out, ", expires ");
    add_moment(&out, row->expires, "never");
    buf_text(&out, ", last used ");
    add_moment(&out, used, "never");
    buf_char(&out, '\n');
    add_texts(&out, "paths", row->scope.paths);
    add_texts(&out, "methods", row->scope.methods);
    add_texts(&out, "hosts", row->scope.hosts);
    add_texts(&out, "nodes", row->scope.nodes);
    add_texts(&out, "from", row->scope.from);
    add_texts(&out, "networks", row->scope.networks);
    printf("%.*s", SPAN_ARG(buf_span(&out)));
    buf_free(&out);
}

static void set_moment(struct json_object *json, const char *name, int64_t seconds)
{
    char stamp[STAMP_SIZE];

    if (seconds != 0)
        text_stamp(seconds * USEC_PER_SEC, stamp);
    json_object_object_add(json, name, seconds != 0 ? json_object_new_string(stamp) : NULL);
}

static void set_texts(struct json_object *json, const char *name, const char *const *texts)
{
    struct json_object *list = json_object_new_array();

    for (; texts != NULL && *texts != NULL; texts++)
        json_object_array_add(list, json_object_new_string(*texts));
    json_object_object_add(json, name, list);
}

static void print_json(const struct key_row *row, int64_t used)
{
    struct json_object *json = json_object_new_object();
    struct buf out = { 0 };

    json_object_object_add(json, "id", json_object_new_string(row->id));
    json_object_object_add(json, "label", json_object_new_string(row->label));
    set_moment(json, "made", row->created);
    set_moment(json, "expires", row->expires);
    set_moment(json, "used", used);
    set_texts(json, "paths", row->scope.paths);
    set_texts(json, "methods", row->scope.methods);
    set_texts(json, "hosts", row->scope.hosts);
    set_texts(json, "nodes", row->scope.nodes);
    set_texts(json, "from", row->scope.from);
    set_texts(json, "networks", row->scope.networks);
    json_write(&out, json);
    printf("%.*s\n", SPAN_ARG(buf_span(&out)));
    buf_free(&out);
    json_object_put(json);
}

static int list_keys(struct store *store, bool json)
{
    struct store_view *view = store_view(store);
    struct store_cursor *cursor = NULL;
    struct span key, value;
    int result;

    if (view == NULL)
        return -1;
    while ((result = store_walk(view, REST_TABLE_KEY, SPAN("k"), &cursor, &key, &value)) == 1) {
        struct arena *arena;
        struct key_row row;

        if (!span_starts(key, SPAN("k"))) {
            store_walk_end(&cursor);
            result = 0;
            break;
        }
        if (key.size != KEY_ID_TEXT)
            continue;
        arena = arena_new();
        if (key_row_decode(value, arena, &row)) {
            memcpy(row.id, key.at + 1, KEY_ID_TEXT - 1);
            (json ? print_json : print_text)(&row, key_last_use(view, REST_TABLE_KEY, row.id));
        }
        arena_free(&arena);
    }
    store_view_end(store, view);
    return result;
}

int keys_ctl_list(struct module_host *host, int argc, char **argv)
{
    bool json = argc == 1 && span_is(span_of(argv[0]), "--json");
    struct arena *arena;
    struct store *store;
    int status = 1;

    if (argc > 1 || (argc == 1 && !json)) {
        complain("key list knows only --json");
        return 2;
    }
    arena = arena_new();
    store = open_store(host, arena);
    if (store != NULL) {
        status = list_keys(store, json) == 0 ? 0 : complain("the keys could not be read whole");
        store_close(&store);
    }
    arena_free(&arena);
    return status;
}

/* ---- key revoke ---- */

int keys_ctl_revoke(struct module_host *host, int argc, char **argv)
{
    struct key_revoke revoke;
    struct arena *arena;
    struct store *store;
    int status = 1, result;

    if (argc != 1) {
        complain("key revoke needs the id of one key; key list shows them");
        return 2;
    }
    arena = arena_new();
    store = open_store(host, arena);
    if (store != NULL) {
        key_revoke_begin(&revoke, REST_TABLE_KEY, argv[0]);
        result = store_write_now(store, &revoke.write);
        store_close(&store);
        if (result == 0)
            status = printf("%s revoked\n", argv[0]) < 0;
        else if (result == KEY_ABSENT)
            complain("there is no key %s", argv[0]);
        else
            complain("the key could not be revoked");
    }
    arena_free(&arena);
    return status;
}
