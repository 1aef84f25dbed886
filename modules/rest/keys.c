/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: keys.c - whether the key that a request shows lets it in; see keys.h.
 *
 * Keys of the configuration are held as salted digests in this process and compared one by one in constant
 * time; those of LMDB are looked up by digest for each request, so that a key which was made or revoked a
 * moment ago counts on all workers at once. A key that was shown and is not known lets nobody in, even where
 * open_access would. */
#include "keys.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/must.h"
#include "base/random.h"
#include "base/text.h"
#include "keys_entry.h"
#include "keys_table.h"
#include "parse/ip.h"
#include "parse/jid.h"

#include <stdio.h>
#include <stdlib.h>

#define EXPRESSIONS_MOST 1024 /* compiled ones of LMDB's keys; beyond it all are made anew */
#define USE_WRITTEN_SEC  60   /* the last use is written no more often */
#define KEY_LEAST        16   /* characters of a key that nobody guesses, if they are random */
#define NAME_MOST        40

struct configured_key {
    unsigned char digest[SHA256_BYTES];
    char name[NAME_MOST];
    struct key key; /* texts in the keys' arena */
};

struct keys {
    struct module_host *host; /* borrowed */
    struct store *store;      /* borrowed; NULL: none */
    unsigned table;
    bool open_access;
    struct arena *arena; /* owned: what the configuration says */
    unsigned char salt[KEY_SALT_BYTES];
    struct configured_key *configured; /* in arena */
    size_t count;
    struct map *expressions; /* of struct regex, by text */
    struct map *uses;        /* of int64_t, by id: when the last use was written */
};

/* What is asked for; at NULL: does not count. */
struct asked {
    struct span path, method, host, client;
};

/* ---- expressions ---- */

static void forget_expressions(struct keys *keys)
{
    size_t at = 0;
    struct span text;
    void *value;

    while (map_next(keys->expressions, &at, &text, &value)) {
        struct regex *regex = value;

        regex_free(&regex);
    }
    map_free(&keys->expressions);
    keys->expressions = map_new();
}

/* NULL: it is none, and matches nothing. */
static const struct regex *expression_of(struct keys *keys, const char *text)
{
    struct regex *regex = map_get(keys->expressions, span_of(text));
    char why[256];

    if (regex != NULL)
        return regex;
    if (map_count(keys->expressions) >= EXPRESSIONS_MOST)
        forget_expressions(keys);
    regex = regex_new(span_of(text), REGEX_WHOLE, why, sizeof(why));
    if (regex != NULL)
        map_set(keys->expressions, span_of(text), regex);
    return regex;
}

/* ---- scopes ---- */

static bool covers_path(struct keys *keys, const char *const *paths, struct span path)
{
    for (; *paths != NULL; paths++) {
        const struct regex *regex = expression_of(keys, *paths);

        if (regex != NULL && regex_match(regex, path, 0, NULL, 0) == REGEX_MATCH)
            return true;
    }
    return false;
}

static bool covers_word(const char *const *words, struct span word)
{
    for (; *words != NULL; words++)
        if (span_eq_nocase(span_of(*words), word))
            return true;
    return false;
}

static bool covers_method(const char *const *methods, struct span method)
{
    return covers_word(methods, method) || (span_is(method, "HEAD") && covers_word(methods, SPAN("GET")));
}

static bool covers_client(const char *const *networks, struct span client)
{
    struct ip_address address;
    struct ip_network network;
    bool is_address = ip_address_parse(client, &address);

    for (; *networks != NULL; networks++)
        if (is_address ? ip_network_parse(span_of(*networks), &network) && ip_network_has(&network, &address)
                       : span_is(client, *networks))
            return true;
    return false;
}

/* KEY_GOOD, or KEY_EXPIRED or KEY_NOT_HERE with the reason. */
static enum key_verdict judge(struct keys *keys, const struct key *key, const struct asked *asked,
                              char *why_r, size_t why_size)
{
    const struct key_scope *scope = &key->scope;

    if (key->expires != 0 && key->expires <= clock_wall() / USEC_PER_SEC) {
        char stamp[STAMP_SIZE];

        text_stamp(key->expires * USEC_PER_SEC, stamp);
        snprintf(why_r, why_size, "This key expired on %.10s", stamp);
        return KEY_EXPIRED;
    }
    if (scope->networks && asked->client.at && !covers_client(scope->networks, asked->client))
        snprintf(why_r, why_size, "This key does not cover requests from %.*s", SPAN_ARG(asked->client));
    else if (scope->hosts && !covers_word(scope->hosts, asked->host))
        snprintf(why_r, why_size, "This key does not cover the host %.*s",
                 SPAN_ARG(span_head(asked->host, 128)));
    else if (scope->methods && asked->method.at && !covers_method(scope->methods, asked->method))
        snprintf(why_r, why_size, "This key does not cover %.*s", SPAN_ARG(span_head(asked->method, 32)));
    else if (scope->paths && !covers_path(keys, scope->paths, asked->path))
        snprintf(why_r, why_size, "This key does not cover this path");
    else
        return KEY_GOOD;
    return KEY_NOT_HERE;
}

static bool is_member(const struct span whole, const char *pattern)
{
    struct span start = span_of(pattern);

    if (span_ends(start, SPAN("*")))
        return span_starts(whole, span_head(start, start.size - 1));
    return span_eq(whole, start);
}

bool key_allows_node(const struct key_scope *scope, struct span node)
{
    if (scope->nodes == NULL)
        return true;
    for (const char *const *one = scope->nodes; *one != NULL; one++)
        if (is_member(node, *one))
            return true;
    return false;
}

static bool is_within(struct jid jid, struct jid scope)
{
    if (scope.resource.size > 0)
        return jid_equal(jid, scope);
    if (scope.local.size > 0)
        return jid_equal_bare(jid, scope);
    return span_eq(jid.domain, scope.domain);
}

bool key_allows_from(const struct key_scope *scope, struct span text)
{
    struct arena *arena;
    struct jid jid, one;
    bool is_covered = false;

    if (scope->from == NULL)
        return true;
    arena = arena_new();
    if (jid_parse(arena, text, &jid))
        for (size_t i = 0; scope->from[i] != NULL && !is_covered; i++)
            is_covered = jid_parse(arena, span_of(scope->from[i]), &one) && is_within(jid, one);
    arena_free(&arena);
    return is_covered;
}

/* ---- keys of the configuration ---- */

static void own_digest(const struct keys *keys, struct span text, unsigned char digest_r[SHA256_BYTES])
{
    key_digest(span_make((const char *)keys->salt, sizeof(keys->salt)), text, digest_r);
}

/* Logs name the entry by its place: a guessable key could be told from its digest. */
static void add_configured(struct keys *keys, struct span text, size_t number)
{
    struct configured_key *one = &keys->configured[keys->count];
    struct key_entry entry;

    if (key_entry_parse(text, keys->arena, &entry) != NULL)
        return; /* refused by the check of the configuration */
    own_digest(keys, entry.key, one->digest);
    snprintf(one->name, sizeof(one->name), "api-keys, entry %zu", number);
    one->key = (struct key){ .name = one->name,
                             .scope = { .hosts = entry.hosts, .paths = entry.paths },
                             .is_open = span_is(entry.key, KEY_OPEN_ACCESS) };
    keys->count++;
}

struct keys *keys_new(struct module_host *host, const struct conf_list *configured, bool open_access,
                      struct store *store, unsigned table)
{
    struct keys *keys = must_alloc(sizeof(*keys));

    keys->host = host;
    keys->store = store;
    keys->table = table;
    keys->open_access = open_access;
    keys->arena = arena_new();
    keys->expressions = map_new();
    keys->uses = map_new();
    random_bytes(keys->salt, sizeof(keys->salt));
    keys->configured = arena_alloc(keys->arena, (configured->count + 1) * sizeof(*keys->configured));
    for (size_t i = 0; i < configured->count; i++)
        add_configured(keys, span_of(configured->texts[i]), i + 1);
    return keys;
}

void keys_free(struct keys **address)
{
    struct keys *keys = *address;
    size_t at = 0;
    struct span id;
    void *use;

    if (keys == NULL)
        return;
    forget_expressions(keys);
    map_free(&keys->expressions);
    while (map_next(keys->uses, &at, &id, &use))
        free(use);
    map_free(&keys->uses);
    arena_free(&keys->arena);
    free(keys);
    *address = NULL;
}

/* The same key may stand in several entries: any that covers the request lets it in. shown at NULL: those of
 * open_access. All are looked at, whichever fits. */
static enum key_verdict check_configured(struct keys *keys, const struct asked *asked, struct span shown,
                                         const struct key **key_r, char *why_r, size_t why_size)
{
    enum key_verdict verdict = KEY_UNKNOWN;
    unsigned char digest[SHA256_BYTES];

    own_digest(keys, shown.at != NULL ? shown : SPAN(KEY_OPEN_ACCESS), digest);
    for (size_t i = 0; i < keys->count; i++) {
        const struct configured_key *one = &keys->configured[i];
        bool is_same = digest_equal(one->digest, digest, SHA256_BYTES);

        if (!is_same || verdict == KEY_GOOD || one->key.is_open != (shown.at == NULL))
            continue;
        verdict = judge(keys, &one->key, asked, why_r, why_size);
        if (verdict == KEY_GOOD)
            *key_r = &one->key;
    }
    return verdict;
}

/* ---- keys of LMDB ---- */

static void note_use(struct keys *keys, const char *id)
{
    int64_t now = clock_wall() / USEC_PER_SEC;
    int64_t *last = map_get(keys->uses, span_of(id));

    if (last != NULL && now - *last < USE_WRITTEN_SEC && now >= *last)
        return;
    if (last == NULL) {
        last = must_alloc(sizeof(*last));
        map_set(keys->uses, span_of(id), last);
    }
    *last = now;
    key_used(keys->store, keys->table, id, now, keys->host->loop != NULL);
}

static enum key_verdict check_stored(struct keys *keys, const struct asked *asked, struct span shown,
                                     struct arena *arena, const struct key **key_r, char *why_r,
                                     size_t why_size)
{
    enum key_verdict verdict;
    struct key_row row;
    struct key *key;

    if (keys->store == NULL || key_find(keys->store, keys->table, shown, arena, &row) != 1)
        return KEY_UNKNOWN;
    key = arena_make(arena, struct key);
    key->name = arena_printf(arena, "%s (%s)", row.id, row.label);
    key->scope = row.scope;
    key->expires = row.expires;
    verdict = judge(keys, key, asked, why_r, why_size);
    if (verdict != KEY_GOOD)
        return verdict;
    note_use(keys, row.id);
    *key_r = key;
    return KEY_GOOD;
}

/* ---- the check ---- */

static enum key_verdict check(struct keys *keys, const struct asked *asked, struct span shown,
                              struct arena *arena, const struct key **key_r, char *why_r, size_t why_size)
{
    static const struct key anybody = { .name = "open-access", .is_open = true };
    enum key_verdict verdict;

    why_r[0] = '\0';
    if (keys->open_access) {
        *key_r = &anybody;
        return KEY_GOOD;
    }
    verdict = check_configured(keys, asked, shown, key_r, why_r, why_size);
    if (verdict == KEY_UNKNOWN && shown.at != NULL)
        verdict = check_stored(keys, asked, shown, arena, key_r, why_r, why_size);
    if (shown.at == NULL && verdict != KEY_GOOD) {
        snprintf(why_r, why_size, "This needs an API key, in the field Api-Key or as the parameter api-key");
        return KEY_MISSING;
    }
    if (verdict == KEY_UNKNOWN)
        snprintf(why_r, why_size, "This API key is not known here");
    else if (verdict == KEY_GOOD)
        why_r[0] = '\0'; /* another entry of the same key may have been looked at before */
    return verdict;
}

enum key_verdict keys_check(struct keys *keys, struct http_request *request, struct span shown,
                            const struct key **key_r, char *why_r, size_t why_size)
{
    const struct asked asked = { .path = request->path,
                                 .method = request->method_text,
                                 .host = request->host,
                                 .client = span_of(request->client) };

    return check(keys, &asked, shown, request->arena, key_r, why_r, why_size);
}

bool keys_allow(struct keys *keys, struct span shown, struct span host, struct span path)
{
    const struct asked asked = { .path = path, .host = host };
    struct arena *arena = arena_new();
    const struct key *key = NULL;
    char why[256];
    bool is_good = check(keys, &asked, shown, arena, &key, why, sizeof(why)) == KEY_GOOD;

    arena_free(&arena);
    return is_good;
}

/* ---- the configuration's own check ---- */

const char *keys_check_entry(const char *text)
{
    static char answer[320];
    struct arena *arena = arena_new();
    struct key_entry entry;
    const char *why = key_entry_parse(span_of(text), arena, &entry);
    char trouble[200];

    for (const char *const *path = entry.paths; why == NULL && path != NULL && *path != NULL; path++) {
        struct regex *regex = regex_new(span_of(*path), REGEX_WHOLE, trouble, sizeof(trouble));

        if (regex == NULL) {
            snprintf(answer, sizeof(answer), "a good expression behind regex= (%s)", trouble);
            why = answer;
        }
        regex_free(&regex);
    }
    arena_free(&arena);
    return why;
}

bool keys_entry_misses_star(const char *text)
{
    struct arena *arena = arena_new();
    struct key_entry entry;
    bool misses = false;

    if (key_entry_parse(span_of(text), arena, &entry) == NULL)
        for (const char *const *path = entry.paths; path != NULL && *path != NULL; path++)
            misses |= span_ends(span_of(*path), SPAN("/*"));
    arena_free(&arena);
    return misses;
}

bool keys_entry_is_short(const char *text)
{
    struct arena *arena = arena_new();
    struct key_entry entry;
    bool is_short = key_entry_parse(span_of(text), arena, &entry) == NULL &&
                    !span_is(entry.key, KEY_OPEN_ACCESS) && entry.key.size < KEY_LEAST;

    arena_free(&arena);
    return is_short;
}
