/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest.c - the module rest: its struct, its coming up and going down, and the list of its
 * own endpoints. */
#include "rest.h"

#include "avatar.h"

#include "base/must.h"
#include "fetch.h"
#include "module/report.h"
#include "os/log.h"
#include "scripts.h"
#include "shm/count.h"

#include <errno.h>
#include <stdlib.h>

const char *const rest_tables[] = { "key", "script", "value", NULL };

/* Whoever adds endpoints in C adds their table here, and its declaration in rest.h. */
static struct rest_endpoint *const own_endpoints[] = {
    rest_index_endpoints, rest_adhoc_endpoints, rest_avatar_endpoints, rest_stream_endpoints, NULL,
};

/* ---- the data base ---- */

static void count_commit(unsigned operations)
{
    count_add(COUNT_commits, 1);
    count_add(COUNT_commit_operations, operations);
}

int rest_open_store(struct module_host *host, const struct rest_conf *conf, struct arena *arena,
                    struct store **store_r, const char **why_r)
{
    const struct process_settings *processes = host->settings->processes;
    const struct store_options options = {
        .folder =
            conf->data_dir != NULL ? conf->data_dir : arena_printf(arena, "%s/rest", processes->data_dir),
        .map_size = processes->data_map_size,
        .tables = rest_tables,
        .loop = host->loop,
        .committed = host->loop != NULL ? count_commit : NULL,
    };

    return store_open(store_r, &options, why_r);
}

/* ---- checks of a configuration ---- */

static void check(struct conf *conf, const struct settings *settings)
{
    const struct rest_conf *rest = rest_conf(conf);

    (void)settings;
    if (!rest->section.active)
        return;
    for (size_t i = 0; i < rest->api_keys.count; i++) {
        const char *entry = rest->api_keys.texts[i];

        if (keys_entry_misses_star(entry))
            conf_complain(
                conf, CONF_WARNING, &rest->section,
                "api-keys: an expression of entry %zu ends in /*, which matches slashes only: write "
                "/.* to cover all below",
                i + 1);
        if (keys_entry_is_short(entry))
            conf_complain(
                conf, CONF_WARNING, &rest->section,
                "api-keys: the key of entry %zu is so short that it can be guessed: stoactl key add "
                "makes good ones",
                i + 1);
    }
    if (rest->open_access)
        conf_complain(conf, CONF_WARNING, &rest->section,
                      "open-access lets everybody use the REST interface without a key");
}

/* ---- life ---- */

static bool add_endpoints(struct rest *rest, struct rest_endpoint *table)
{
    char why[256];

    for (; table->folder != NULL; table++)
        if (!rest_add_endpoint(rest, table, why, sizeof(why))) {
            log_error("rest: the endpoint %s: %s", table->shown, why);
            return false;
        }
    return true;
}

/* Without its data base the module still serves those whose key the configuration has. */
static void open_store(struct rest *rest)
{
    struct arena *arena = arena_new();
    const char *why;

    if (rest_open_store(rest->host, rest->conf, arena, &rest->store, &why) != 0) {
        log_error("rest: %s; only the keys of the configuration count", why);
        rest->store = NULL;
    }
    if (rest->store != NULL) /* a worker that died has left its mark: it would keep old pages for ever */
        store_clear_readers(rest->store);
    arena_free(&arena);
}

static void close_rest(struct rest **address)
{
    struct rest *rest = *address;

    rest_scripts_close(rest);
    avatar_cache_free(&rest->avatars);
    store_close(&rest->store);
    keys_free(&rest->keys);
    while (rest->endpoint_count > 0)
        rest_remove_endpoint(rest, rest->endpoints[rest->endpoint_count - 1]);
    free(rest->endpoints);
    OBJECT_DEAD(rest);
    free(rest);
    *address = NULL;
}

int rest_open(struct rest **rest_r, struct module_host *host)
{
    struct rest *rest = must_alloc(sizeof(*rest));

    OBJECT_BORN(rest, rest);
    rest->host = host;
    rest->conf = rest_conf(host->conf);
    open_store(rest);
    rest->keys = keys_new(host, &rest->conf->api_keys, rest->conf->open_access, rest->store, REST_TABLE_KEY);
    *rest_r = rest;
    for (size_t i = 0; own_endpoints[i] != NULL; i++)
        if (!add_endpoints(rest, own_endpoints[i])) {
            close_rest(rest_r);
            return -1;
        }
    return 0;
}

void rest_close(struct rest **rest)
{
    if (*rest != NULL)
        close_rest(rest);
}

static int worker_up(struct module_host *host)
{
    struct rest *rest;

    if (rest_open(&rest, host) != 0)
        return -1;
    if (!rest_scripts_open(rest)) {
        log_error("rest: no engine for scripts could be started");
        rest_close(&rest);
        return -1;
    }
    host->state = rest;
    return 0;
}

static void worker_down(struct module_host *host)
{
    struct rest *rest = OBJECT(host->state, rest);

    rest_close(&rest);
    host->state = NULL;
}

static bool is_active(const struct conf *conf)
{
    return rest_conf(conf)->section.active;
}

struct span rest_component(const struct rest *rest)
{
    return span_of(host_component(rest->host, "http"));
}

/* ---- contexts ---- */

#define ALL_METHODS (2u * METHOD_BIT(HTTP_OTHER) - 1u)

/* Open to this module, which asks each endpoint for its key, login and role. */
static const struct http_route routes[] = {
    { METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD), "/", ACCESS_OPEN, rest_handle,
      "what the REST interface offers" },
    { ALL_METHODS, "/*", ACCESS_OPEN, rest_handle, "the REST interface" },
    { .path = NULL },
};

static void contexts(struct module_host *host, struct router_table *table)
{
    struct rest *rest = OBJECT(host->state, rest);
    const struct http_context context = { .path = rest->conf->context_path,
                                          .hosts = &rest->conf->vhosts,
                                          .routes = routes,
                                          .state = rest,
                                          .name = "rest" };

    router_table_add(table, &context);
}

/* ---- for the status page ---- */

static void report(struct module_host *host, struct report *into)
{
    const struct rest *rest = OBJECT(host->state, rest);
    const struct rest_scripts *scripts = rest->scripts;

    if (rest->store)
        report_store(into, "rest", rest->store);
    else
        report_fault(into, false, "rest",
                     "its data base could not be opened: only the keys of the configuration count");
    report_gauge(into, "rest_scripts", "", "Scripts of the REST interface that are in force",
                 (double)scripts->count);
    report_gauge(into, "rest_script_failures", "", "Scripts of the REST interface that did not load",
                 (double)scripts->failure_count);
    for (size_t i = 0; i < scripts->failure_count; i++) {
        const struct rest_failure *failure = &scripts->failures[i];
        struct buf what = { 0 };

        buf_printf(&what, "script %s%s", failure->name,
                   failure->is_running ? " (its last good text runs)" : "");
        buf_char(&what, '\0');
        report_fault(into, false, what.at, failure->error);
        buf_free(&what);
    }
}

static const struct errand_row errands[] = { { FETCH_ERRAND, fetch_errand }, { NULL, NULL } };

static const struct ctl_command commands[] = {
    { "key add",
      "--label TEXT [--path EXPRESSION]... [--method METHOD]... [--host HOST]... [--node NODE]... [--from "
      "JID]... "
      "[--network NETWORK]... [--expires TIME]",
      "make an API key for the REST interface and show it, once: prints ID= and KEY=; an option that is "
      "given "
      "several times lists alternatives, one that is not given bounds nothing",
      keys_ctl_add },
    { "key list", "[--json]", "all API keys that were made so, with what they may do and their last use",
      keys_ctl_list },
    { "key revoke", "ID", "end an API key, at once", keys_ctl_revoke },
    { .name = NULL },
};

const struct stoa_module stoa_module = {
    .abi = STOA_MODULE_ABI,
    .name = "rest",
    .title = "HTTP/REST API",
    .sentence = "Commands, messages and avatars of the XMPP server for programs that speak HTTP",
    .sections = rest_sections,
    .check = check,
    .active = is_active,
    .worker_up = worker_up,
    .worker_down = worker_down,
    .contexts = contexts,
    .service = "http",
    .keeper_up = fetch_keeper_up,
    .keeper_down = fetch_keeper_down,
    .errands = errands,
    .report = report,
    .commands = commands,
    .adhoc = keys_adhoc,
};
