/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2: discover.c - see discover.h. This file asks and waits; what answers mean is in
 * discover_read.c.
 *
 * A search has two rounds: the records of the domain, then the addresses of the hosts that these name (and
 * their TXT records, where the domain's had no URL of a kind). It ends when all has been answered or its time
 * is over, and then stays as what is remembered. */
#include "discover_inside.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/must.h"

#include <stdlib.h>

#define TTL_LEAST                                                                                            \
    (1 * USEC_PER_SEC)                 /* zones that say 0: those who ask at the same moment share an answer \
                                        */
#define TTL_FAILURE (5 * USEC_PER_SEC) /* name servers that fail get some rest */

struct discoverer {
    struct loop *loop; /* borrowed */
    struct dns *dns;   /* owned */
    struct discover_settings settings;
    struct map *searches; /* key to struct discover_search */
    struct list used;     /* of the same, the last used last */
    size_t running;
};

static void begin_hosts(struct discover_search *search);

static void search_free(struct discover_search *search)
{
    struct list *node;

    for (unsigned i = 0; i < search->question_count; i++)
        dns_forget(&search->questions[i].ask);
    while ((node = list_take(&search->waiting)) != NULL)
        continue;
    timer_stop(&search->timer);
    task_cancel(&search->soon);
    list_remove(&search->used);
    map_remove(search->discoverer->searches, search->key);
    arena_free(&search->arena);
    free(search);
}

/* ---- the end of a search ---- */

static void tell(struct task *task)
{
    struct discover_search *search = LIST_OF(task, struct discover_search, soon);
    struct list *node;

    search->is_telling = true; /* whoever is told may ask again: that must not free what is being told */
    while ((node = list_take(&search->waiting)) != NULL) {
        struct discover_ask *ask = LIST_OF(node, struct discover_ask, node);

        ask->done(ask, &search->discovery);
    }
    search->is_telling = false;
}

/* Nobody waits for it, nothing is asked: it is only what is remembered. */
static bool is_at_rest(const struct discover_search *search)
{
    return search->stage == SEARCH_OVER && list_empty(&search->waiting) && !search->is_telling;
}

static int64_t lifetime(const struct discover_search *search)
{
    const struct discover_settings *settings = &search->discoverer->settings;
    enum discover_verdict verdict = search->discovery.verdict;
    int64_t most = verdict == DISCOVER_FOUND ? settings->ttl_most : settings->ttl_none_most;
    int64_t ttl = search->ttl == UINT32_MAX ? most : search->ttl * USEC_PER_SEC;

    if ((verdict == DISCOVER_TROUBLE || verdict == DISCOVER_SILENT || search->is_partial) &&
        ttl > TTL_FAILURE)
        ttl = TTL_FAILURE;
    ttl = ttl > most ? most : ttl;
    return ttl < TTL_LEAST ? TTL_LEAST : ttl;
}

static void end_search(struct discover_search *search)
{
    for (unsigned i = 0; i < search->question_count; i++)
        dns_forget(&search->questions[i].ask);
    timer_stop(&search->timer);
    search->stage = SEARCH_OVER;
    search->discoverer->running--;
    discover_conclude(search);
    search->discovery.until = clock_mono() + lifetime(search);
    task_defer(search->discoverer->loop, &search->soon, tell);
}

static void on_timer(struct timer *timer)
{
    struct discover_search *search = LIST_OF(timer, struct discover_search, timer);

    search->is_partial = true;
    for (unsigned i = 0; i < search->question_count; i++)
        if (search->questions[i].ask.pending != NULL)
            discover_unanswered(search, &search->questions[i], DISCOVER_SILENT);
    end_search(search);
}

/* ---- questions ---- */

static void on_answer(struct dns_ask *ask)
{
    struct discover_question *question = LIST_OF(ask, struct discover_question, ask);
    struct discover_search *search = question->search;

    if (ask->answer == DNS_ANSWERED)
        discover_read(search, question, ask->reply);
    else
        discover_unanswered(search, question, ask->answer == DNS_SILENT ? DISCOVER_SILENT : DISCOVER_TROUBLE);
    if (--search->open > 0)
        return;
    if (search->stage == SEARCH_DOMAIN)
        begin_hosts(search);
    else
        end_search(search);
}

/* name has a NUL behind it and lives as long as the search. */
static void put(struct discover_search *search, enum discover_purpose purpose, enum dns_type type,
                struct span name, unsigned host)
{
    struct discover_question *question = &search->questions[search->question_count++];

    must(search->question_count <= QUESTIONS_MOST);
    *question = (struct discover_question){
        .search = search, .purpose = purpose, .type = type, .name = name, .host = host
    };
    search->open++;
    dns_ask(search->discoverer->dns, &question->ask, name.at, type, on_answer);
}

static struct span below(struct discover_search *search, const char *service, struct span name)
{
    return span_of(arena_printf(search->arena, "%s.%.*s", service, SPAN_ARG(name)));
}

static bool is_first_of_host(const struct discovery *discovery, unsigned host)
{
    for (unsigned i = 0; i < host; i++)
        if (span_eq(discovery->hosts[i].host, discovery->hosts[host].host))
            return false;
    return true;
}

static void begin_hosts(struct discover_search *search)
{
    struct discovery *discovery = &search->discovery;
    bool want_urls = discovery->bosh.count == 0 || discovery->websocket.count == 0;

    search->stage = SEARCH_HOSTS;
    discover_choose_hosts(search);
    search->wants_bosh = discovery->bosh.count == 0;
    search->wants_websocket = discovery->websocket.count == 0;
    for (unsigned i = 0; i < discovery->host_count; i++) {
        struct span host = discovery->hosts[i].host;

        if (!is_first_of_host(discovery, i))
            continue;
        put(search, FOR_ADDRESS, DNS_A, host, i);
        put(search, FOR_ADDRESS, DNS_AAAA, host, i);
        if (want_urls && search->what == DISCOVER_XMPP && !span_eq(host, search->name))
            put(search, FOR_URLS_OF_HOST, DNS_TXT, below(search, "_xmppconnect", host), i);
    }
    if (search->open == 0)
        end_search(search);
}

static void begin(struct discover_search *search)
{
    struct discoverer *discoverer = search->discoverer;

    discoverer->running++;
    timer_set(discoverer->loop, &search->timer, clock_mono() + discoverer->settings.wait, on_timer);
    if (search->what == DISCOVER_ADDRESSES) {
        begin_hosts(search);
        return;
    }
    search->stage = SEARCH_DOMAIN;
    put(search, FOR_CLIENT, DNS_SRV, below(search, "_xmpp-client._tcp", search->name), 0);
    put(search, FOR_CLIENT_TLS, DNS_SRV, below(search, "_xmpps-client._tcp", search->name), 0);
    put(search, FOR_URLS, DNS_TXT, below(search, "_xmppconnect", search->name), 0);
}

/* ---- what is remembered ---- */

static struct span key_of(char key[DNS_NAME_TEXT + 2], enum discover_what what, struct span name)
{
    must(name.size < DNS_NAME_TEXT);
    key[0] = what == DISCOVER_XMPP ? 'x' : 'a';
    memcpy(key + 1, name.at, name.size);
    return span_make(key, name.size + 1);
}

/* The search of that name, if what it found still counts or it is under way. */
static struct discover_search *find(struct discoverer *discoverer, enum discover_what what, struct span name)
{
    char key[DNS_NAME_TEXT + 2];
    struct discover_search *search = map_get(discoverer->searches, key_of(key, what, name));

    if (search == NULL)
        return NULL;
    if (is_at_rest(search) && search->discovery.until <= clock_mono()) {
        search_free(search);
        return NULL;
    }
    list_remove(&search->used);
    list_append(&discoverer->used, &search->used);
    return search;
}

static void make_room(struct discoverer *discoverer)
{
    struct list *node = discoverer->used.next;

    while (node != &discoverer->used &&
           map_count(discoverer->searches) >= discoverer->settings.remembered_most) {
        struct discover_search *search = LIST_OF(node, struct discover_search, used);

        node = node->next;
        if (is_at_rest(search))
            search_free(search);
    }
}

static struct discover_search *search_new(struct discoverer *discoverer, enum discover_what what,
                                          struct span name)
{
    struct discover_search *search = must_alloc(sizeof(*search));
    char key[DNS_NAME_TEXT + 2];

    search->discoverer = discoverer;
    search->arena = arena_new();
    search->what = what;
    search->name = arena_copy(search->arena, name);
    search->key = arena_copy(search->arena, key_of(key, what, name));
    search->ttl = UINT32_MAX;
    list_init(&search->waiting);
    list_append(&discoverer->used, &search->used);
    map_set(discoverer->searches, search->key, search);
    return search;
}

const struct discovery *discover_known(struct discoverer *discoverer, enum discover_what what,
                                       struct span name)
{
    struct discover_search *search = find(discoverer, what, name);

    return search && search->stage == SEARCH_OVER ? &search->discovery : NULL;
}

bool discover(struct discoverer *discoverer, struct discover_ask *ask, enum discover_what what,
              struct span name, void (*done)(struct discover_ask *ask, const struct discovery *discovery))
{
    struct discover_search *search = find(discoverer, what, name);

    must(!list_linked(&ask->node));
    if (search == NULL) {
        if (discoverer->running >= discoverer->settings.running_most)
            return false;
        make_room(discoverer);
        search = search_new(discoverer, what, name);
        begin(search);
    }
    ask->done = done;
    list_append(&search->waiting, &ask->node);
    if (search->stage == SEARCH_OVER)
        task_defer(discoverer->loop, &search->soon, tell);
    return true;
}

void discover_forget(struct discover_ask *ask)
{
    list_remove(&ask->node); /* the search goes on: the next who asks may be glad of it */
}

/* ---- life ---- */

struct discoverer *discoverer_new(struct loop *loop, const struct discover_settings *settings,
                                  const char **why_r)
{
    struct dns *dns = dns_new(loop, settings->servers, settings->wait / 4, why_r);
    struct discoverer *discoverer;

    if (dns == NULL)
        return NULL;
    discoverer = must_alloc(sizeof(*discoverer));
    discoverer->loop = loop;
    discoverer->dns = dns;
    discoverer->settings = *settings;
    discoverer->searches = map_new();
    list_init(&discoverer->used);
    return discoverer;
}

void discoverer_free(struct discoverer **discoverer)
{
    struct list *node;

    if (*discoverer == NULL)
        return;
    while ((node = (*discoverer)->used.next) != &(*discoverer)->used)
        search_free(LIST_OF(node, struct discover_search, used));
    map_free(&(*discoverer)->searches);
    dns_free(&(*discoverer)->dns);
    free(*discoverer);
    *discoverer = NULL;
}
