/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2: discover_read.c - what the answers to the questions of a search mean, and how hosts are
 * put in order. Pure but for the search that it fills. */
#include "discover_inside.h"

#include "base/text.h"
#include "parse/dns_name.h"

#include <stdlib.h>

/* ---- SRV ---- */

static int compare_priority(const void *left, const void *right)
{
    const struct dns_record *a = left, *b = right;

    return (a->priority > b->priority) - (a->priority < b->priority);
}

static void add_hosts(struct discover_search *search, struct dns_records *records, bool direct_tls)
{
    struct discovery *discovery = &search->discovery;
    unsigned room = DISCOVER_SERVICES_MOST;

    qsort(records->items, records->count, sizeof(records->items[0]), compare_priority);
    for (unsigned i = 0; i < records->count && room > 0; i++) {
        const struct dns_record *record = &records->items[i];

        search->has_services = true;
        if (!dns_name_is_good(record->target) || record->port == 0)
            continue; /* "." among them: there is no such service */
        room--;
        discovery->hosts[discovery->host_count++] = (struct discovered_host){ .host = record->target,
                                                                              .port = record->port,
                                                                              .priority = record->priority,
                                                                              .weight = record->weight,
                                                                              .direct_tls = direct_tls };
    }
}

static int compare_hosts(const void *left, const void *right)
{
    const struct discovered_host *a = left, *b = right;

    if (a->direct_tls != b->direct_tls)
        return a->direct_tls ? 1 : -1;
    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return span_compare(a->host, b->host);
}

void discover_choose_hosts(struct discover_search *search)
{
    struct discovery *discovery = &search->discovery;

    if (search->what == DISCOVER_ADDRESSES)
        discovery->hosts[discovery->host_count++] = (struct discovered_host){ .host = search->name };
    else if (!search->has_services && search->services == DISCOVER_NOTHING)
        discovery->hosts[discovery->host_count++] =
            (struct discovered_host){ .host = search->name, .port = DISCOVER_CLIENT_PORT };
    qsort(discovery->hosts, discovery->host_count, sizeof(discovery->hosts[0]), compare_hosts);
}

/* ---- TXT ---- */

static void add_url(struct discover_search *search, struct discovered_urls *urls, struct span url,
                    const char *plain, const char *tls)
{
    if (urls->count == DISCOVER_URLS_MOST || url.size > DISCOVER_URL_MOST || !text_is_utf8(url) ||
        text_has_control(url) || span_find(url, ' ') >= 0)
        return;
    if (!span_starts(url, span_of(plain)) && !span_starts(url, span_of(tls)))
        return;
    urls->items[urls->count++] = arena_copy(search->arena, url);
}

static void add_urls(struct discover_search *search, const struct dns_records *records, bool bosh,
                     bool websocket)
{
    struct discovery *discovery = &search->discovery;

    for (unsigned i = 0; i < records->count; i++) {
        struct span url = records->items[i].text, name = span_cut(&url, '=');

        if (bosh && span_is(name, "_xmpp-client-xbosh"))
            add_url(search, &discovery->bosh, url, "http://", "https://");
        else if (websocket && span_is(name, "_xmpp-client-websocket"))
            add_url(search, &discovery->websocket, url, "ws://", "wss://");
    }
}

/* ---- addresses ---- */

static void add_addresses(struct discover_search *search, const struct discover_question *question,
                          const struct dns_records *records)
{
    struct discovered_host *host = &search->discovery.hosts[question->host];

    for (unsigned i = 0; i < records->count && host->address_count < DISCOVER_ADDRESSES_MOST; i++) {
        unsigned at = host->address_count++;

        if (question->type == DNS_A) { /* in front of the other family, whichever came first */
            for (; at > 0 && !ip_address_is4(&host->addresses[at - 1]); at--)
                host->addresses[at] = host->addresses[at - 1];
        }
        host->addresses[at] = records->items[i].address;
    }
}

/* Further entries of the same host, at other ports, have the addresses of its first. */
static void share_addresses(struct discovery *discovery)
{
    for (unsigned i = 1; i < discovery->host_count; i++) {
        struct discovered_host *host = &discovery->hosts[i];

        for (unsigned k = 0; k < i && host->address_count == 0; k++) {
            if (!span_eq(discovery->hosts[k].host, host->host))
                continue;
            memcpy(host->addresses, discovery->hosts[k].addresses, sizeof(host->addresses));
            host->address_count = discovery->hosts[k].address_count;
        }
    }
}

/* ---- verdicts ---- */

static void note(struct discover_search *search, const struct discover_question *question,
                 enum discover_verdict verdict)
{
    if (question->purpose == FOR_CLIENT)
        search->services = verdict;
    if (question->purpose == FOR_ADDRESS && verdict > search->hosts)
        search->hosts = verdict;
    if (verdict == DISCOVER_TROUBLE || verdict == DISCOVER_SILENT)
        search->is_partial = true;
}

void discover_unanswered(struct discover_search *search, struct discover_question *question,
                         enum discover_verdict trouble)
{
    note(search, question, trouble);
}

void discover_read(struct discover_search *search, struct discover_question *question, struct span reply)
{
    struct dns_records records;

    switch (dns_reply_read(search->arena, reply, question->name, question->type, &records)) {
    case DNS_FOUND:
        note(search, question, DISCOVER_FOUND);
        break;
    case DNS_NOTHING:
        note(search, question, DISCOVER_NOTHING);
        break;
    case DNS_TROUBLE:
    case DNS_BROKEN:
        note(search, question, DISCOVER_TROUBLE);
        return;
    }
    if (records.count > 0 || question->purpose == FOR_CLIENT)
        search->ttl =
            records.ttl < search->ttl && (records.count > 0 || records.ttl > 0) ? records.ttl : search->ttl;
    switch (question->purpose) {
    case FOR_CLIENT:
    case FOR_CLIENT_TLS:
        add_hosts(search, &records, question->purpose == FOR_CLIENT_TLS);
        break;
    case FOR_URLS:
        add_urls(search, &records, true, true);
        break;
    case FOR_URLS_OF_HOST:
        add_urls(search, &records, search->wants_bosh, search->wants_websocket);
        break;
    case FOR_ADDRESS:
        add_addresses(search, question, &records);
        break;
    }
}

void discover_conclude(struct discover_search *search)
{
    struct discovery *discovery = &search->discovery;
    unsigned kept = 0;

    share_addresses(discovery);
    for (unsigned i = 0; i < discovery->host_count; i++)
        if (discovery->hosts[i].address_count > 0)
            discovery->hosts[kept++] = discovery->hosts[i];
    discovery->host_count = kept;
    if (kept > 0 || discovery->bosh.count > 0 || discovery->websocket.count > 0)
        discovery->verdict = DISCOVER_FOUND;
    else if (search->services == DISCOVER_TROUBLE || search->services == DISCOVER_SILENT)
        discovery->verdict = search->services;
    else if (search->hosts == DISCOVER_TROUBLE || search->hosts == DISCOVER_SILENT)
        discovery->verdict = search->hosts;
    else /* a domain that says it has no such service is known all the same */
        discovery->verdict = search->has_services ? DISCOVER_FOUND : DISCOVER_NOTHING;
}

/* ---- RFC 2782: in which order ---- */

/* Of the entries order[first..end), which are of equal priority, the one that the lot falls on. */
static unsigned draw(const struct discovery *discovery, const unsigned *order, unsigned first, unsigned end,
                     uint64_t (*below)(uint64_t limit))
{
    uint64_t sum = 0, lot;

    for (unsigned i = first; i < end; i++)
        sum += discovery->hosts[order[i]].weight;
    lot = below(sum + 1);
    for (unsigned i = end; i-- > first;) { /* from the lightest: weight 0 wins only the lot 0 */
        uint64_t weight = discovery->hosts[order[i]].weight;

        if (lot <= weight)
            return i;
        lot -= weight;
    }
    return first;
}

void discover_order(const struct discovery *discovery, unsigned order_r[DISCOVER_HOSTS_MOST],
                    uint64_t (*below)(uint64_t limit))
{
    const struct discovered_host *hosts = discovery->hosts;

    for (unsigned i = 0; i < discovery->host_count; i++)
        order_r[i] = i;
    for (unsigned first = 0; first < discovery->host_count; first++) {
        unsigned end = first + 1, won, taken;

        while (end < discovery->host_count &&
               hosts[order_r[end]].priority == hosts[order_r[first]].priority &&
               hosts[order_r[end]].direct_tls == hosts[order_r[first]].direct_tls)
            end++;
        won = draw(discovery, order_r, first, end, below);
        taken = order_r[won];
        for (; won > first; won--) /* the others stay heaviest first */
            order_r[won] = order_r[won - 1];
        order_r[first] = taken;
    }
}
