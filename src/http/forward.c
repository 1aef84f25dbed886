/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 4: forward.c - see forward.h. */
#include "http/forward.h"

#include "base/must.h"
#include "parse/http_value.h"

#include <stdio.h>
#include <stdlib.h>

#define LINES_MOST 8 /* of one field: more is no proxy's work */

void trusted_read(struct trusted *trusted_r, const struct conf_list *texts)
{
    *trusted_r = (struct trusted){ 0 };
    if (texts->count == 0)
        return;
    trusted_r->networks = must_alloc(texts->count * sizeof(*trusted_r->networks));
    for (size_t i = 0; i < texts->count; i++) {
        if (strcmp(texts->texts[i], "unix") == 0)
            trusted_r->locals = true;
        else if (ip_network_parse(span_of(texts->texts[i]), &trusted_r->networks[trusted_r->count]))
            trusted_r->count++;
    }
}

void trusted_free(struct trusted *trusted)
{
    free(trusted->networks);
    *trusted = (struct trusted){ 0 };
}

bool trusted_has(const struct trusted *trusted, const struct client *client)
{
    if (client->is_local)
        return trusted->locals;
    for (size_t i = 0; i < trusted->count; i++)
        if (ip_network_has(&trusted->networks[i], &client->address))
            return true;
    return false;
}

void client_text(const struct client *client, char text_r[IP_TEXT])
{
    if (client->is_local)
        snprintf(text_r, IP_TEXT, "unix");
    else
        ip_address_text(&client->address, text_r);
}

/* One step to the left. false: the walk ends here; the client is who it was, or the node that was named. */
static bool step_over(const struct trusted *trusted, struct span node, struct forwarded *forwarded)
{
    struct client named = { .is_local = false };

    if (!http_node_address(node, &named.address, NULL))
        return false;
    forwarded->client = named;
    return trusted_has(trusted, &named);
}

/* Lines of one field, in order of arrival. -1: more than any proxy sends. */
static int lines_of(const struct http_head *head, const char *name, struct span lines_r[LINES_MOST])
{
    unsigned at = 0;
    int count = 0;
    struct span line;

    while (http_head_next(head, name, &at, &line)) {
        if (count == LINES_MOST)
            return -1;
        lines_r[count++] = line;
    }
    return count;
}

/* Every line must be good before any is believed: the walk goes from the right, a mistake may stand left. */
static void walk_forwarded(const struct trusted *trusted, const struct span *lines, int count,
                           struct forwarded *forwarded)
{
    struct http_forwarded elements[HTTP_FORWARDED_MOST];
    struct forwarded found = *forwarded;

    for (int i = 0; i < count; i++)
        if (http_forwarded_parse(lines[i], elements, HTTP_FORWARDED_MOST) < 0)
            return;
    for (int i = count - 1; i >= 0; i--) {
        int at = http_forwarded_parse(lines[i], elements, HTTP_FORWARDED_MOST);

        while (at-- > 0) {
            if (elements[at].proto.at)
                found.proto = elements[at].proto;
            if (elements[at].host.at)
                found.host = elements[at].host;
            if (!step_over(trusted, elements[at].for_node, &found)) {
                *forwarded = found;
                return;
            }
        }
    }
    *forwarded = found;
}

/* The elements of a comma list over several lines: how many; the wanted ones are put into items_r from the
 * left. -1: too many. */
static int items_of(const struct http_head *head, const char *name, struct span items_r[HTTP_FORWARDED_MOST])
{
    struct span lines[LINES_MOST];
    int line_count = lines_of(head, name, lines), count = 0;

    if (line_count < 0)
        return -1;
    for (int i = 0; i < line_count; i++) {
        struct span item;

        while (http_list_next(&lines[i], &item)) {
            if (count == HTTP_FORWARDED_MOST)
                return -1;
            items_r[count++] = item;
        }
    }
    return count;
}

/* What belongs to the hop at index of hops: proxies either append to both lists or overwrite this one. */
static struct span companion(const struct http_head *head, const char *name, int index, int hops)
{
    struct span items[HTTP_FORWARDED_MOST];
    int count = items_of(head, name, items);

    if (count <= 0)
        return (struct span){ 0 };
    return count == hops ? items[index] : items[count - 1];
}

static void walk_x_forwarded(const struct trusted *trusted, const struct http_head *head,
                             struct forwarded *forwarded)
{
    struct span nodes[HTTP_FORWARDED_MOST];
    int count = items_of(head, "X-Forwarded-For", nodes);
    int at = count - 1;

    if (count < 0)
        return;
    for (int i = 0; i < count; i++) {
        struct ip_address address;

        if (!http_node_address(nodes[i], &address, NULL) && !span_eq_nocase(nodes[i], SPAN("unknown")))
            return;
    }
    while (at >= 0 && step_over(trusted, nodes[at], forwarded))
        at--;
    at = at < 0 ? 0 : at;
    forwarded->proto = companion(head, "X-Forwarded-Proto", at, count);
    forwarded->host = companion(head, "X-Forwarded-Host", at, count);
}

void forwarded_find(const struct trusted *trusted, const struct client *peer, const struct http_head *head,
                    struct forwarded *forwarded_r)
{
    struct span lines[LINES_MOST];
    int count;

    *forwarded_r = (struct forwarded){ .client = *peer };
    if (!trusted_has(trusted, peer))
        return;
    count = lines_of(head, "Forwarded", lines);
    if (count > 0)
        walk_forwarded(trusted, lines, count, forwarded_r);
    else if (count == 0)
        walk_x_forwarded(trusted, head, forwarded_r);
}
