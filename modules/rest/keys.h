/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: keys.h - API keys: those of the configuration, as the guide writes them, and those in
 * LMDB, which are stored hashed and have scopes, an expiry and networks. Default is deny.
 *
 *     KEY[:domain=d1;d2][:regex=r1;r2]     KEY may be open_access: who shows no key */
#ifndef STOA_REST_KEYS_H
#define STOA_REST_KEYS_H

#include "base/arena.h"
#include "http/request.h"
#include "module/command.h"
#include "parse/regex.h"
#include "store/store.h"

struct keys;

/* What a key may do; all that is said must hold; an empty list says nothing. Texts, NULL at the end. */
struct key_scope {
    const char *const *paths;    /* expressions of the whole path, decoded once, context included */
    const char *const *methods;  /* "GET" */
    const char *const *hosts;    /* virtual hosts, without port, exactly */
    const char *const *nodes;    /* ad-hoc command nodes: exact, or a prefix that ends in a star */
    const char *const *from;     /* JIDs that may stand in a stanza's from: bare, full, or a domain */
    const char *const *networks; /* addresses or CIDR networks of clients */
};

struct key {          /* as found; scope's expressions are compiled inside keys.c */
    const char *name; /* of the key for logs: its id or label, never the key itself */
    struct key_scope scope;
    int64_t expires; /* unix seconds; 0: never */
    bool is_open;    /* open_access */
};

enum key_verdict {
    KEY_GOOD,
    KEY_MISSING, /* none was shown, and nothing is open */
    KEY_UNKNOWN,
    KEY_EXPIRED,
    KEY_NOT_HERE, /* known, but a scope does not cover this request: *why_r says which */
};

/* Reads xmpp-wide and LMDB keys; store NULL: those of the configuration only. Never NULL. */
struct keys *keys_new(struct module_host *host, const struct conf_list *configured, bool open_access,
                      struct store *store, unsigned table);
void keys_free(struct keys **keys);
/* shown: the key of the request (at NULL: none). *key_r is valid as long as the request. why_r: a sentence
 * for the caller; names the scope that is missing, never a key. Counts the last use. */
enum key_verdict keys_check(struct keys *keys, struct http_request *request, struct span shown,
                            const struct key **key_r, char *why_r, size_t why_size);
/* The same for a script's isAllowed(key, domain, path). */
bool keys_allow(struct keys *keys, struct span shown, struct span host, struct span path);

/* Whether the scope lets that command node, or that from, pass. */
bool key_allows_node(const struct key_scope *scope, struct span node);
bool key_allows_from(const struct key_scope *scope, struct span jid);

/* One entry of api-keys in the configuration: NULL when good, else what to write. */
const char *keys_check_entry(const char *text);
/* An expression that ends in a slash and a star, as in the guide, matches slashes only: worth a warning. */
bool keys_entry_misses_star(const char *text);
/* A key of fewer than 16 characters: worth a warning too. */
bool keys_entry_is_short(const char *text);

/* keys_commands.c */
extern const struct command_table keys_adhoc[];

/* stoactl key add|list|revoke */
int keys_ctl_add(struct module_host *host, int argc, char **argv);
int keys_ctl_list(struct module_host *host, int argc, char **argv);
int keys_ctl_revoke(struct module_host *host, int argc, char **argv);

#endif
