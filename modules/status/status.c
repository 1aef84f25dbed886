/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: status.c - the module status: its struct, its coming up and going down, and who is shown
 * what. */
#include "status.h"

#include "base/must.h"
#include "module/login.h"
#include "parse/http_value.h"

#include <stdlib.h>

#define OPEN_TYPE  "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define PLAIN_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* ---- who may see it ---- */

bool status_is_near(const struct http_request *request, const struct trusted *networks)
{
    struct client client = { .is_local = strcmp(request->client, "unix") == 0 };

    if (request->is_relayed)
        return false;
    if (!client.is_local && !ip_address_parse(span_of(request->client), &client.address))
        return false;
    return trusted_has(networks, &client);
}

static struct status *status_of(const struct http_request *request)
{
    return OBJECT(request->state, status);
}

/* Goes on for who is near, else for admins, who are asked to log in. */
static void guard(struct http_request *request, const struct trusted *networks,
                  void (*go)(struct http_request *request))
{
    reply_field(request, "Cache-Control", SPAN("no-store"));
    if (status_is_near(request, networks))
        go(request);
    else
        login_guard(status_of(request)->host, request, ACCESS_ADMIN, go);
}

/* ---- answers ---- */

static void answer_json(struct http_request *request, int status, struct json_object *json)
{
    struct buf out = { 0 };

    json_write(&out, json);
    buf_char(&out, '\n');
    json_object_put(json);
    reply_send(request, status, "application/json", buf_span(&out));
    buf_free(&out);
}

static void answer_status(struct http_request *request)
{
    struct status *status = status_of(request);
    struct span format = request_parameter(request, "format");

    /* Programs that name no type get JSON; browsers name HTML. */
    if (span_is(format, "html") ||
        (format.at == NULL && (page_is_wanted(request) || page_wants_part(request))))
        status_page(status, request);
    else
        answer_json(
            request, 200,
            status_facts(status, request->arena, span_is(request_parameter(request, "history"), "1")));
}

void status_show(struct http_request *request)
{
    guard(request, &status_of(request)->access, answer_status);
}

/* OpenMetrics unless the client would rather have the older format, or is a browser, which would save the
 * answer instead of showing it. */
static bool wants_open(const struct http_request *request)
{
    struct span accept = request_field(request, "accept");
    unsigned open = http_accept_quality(accept, "application/openmetrics-text");

    return open > 0 && open >= http_accept_quality(accept, "text/plain") &&
           open >= http_accept_quality(accept, "text/html");
}

static void answer_metrics(struct http_request *request)
{
    bool is_open = wants_open(request);
    struct buf out = { 0 };

    status_metrics(status_of(request), request->arena, is_open, &out);
    reply_field(request, "Vary", SPAN("Accept"));
    reply_send(request, 200, is_open ? OPEN_TYPE : PLAIN_TYPE, buf_span(&out));
    buf_free(&out);
}

void status_show_metrics(struct http_request *request)
{
    guard(request, &status_of(request)->metrics, answer_metrics);
}

/* This worker turns its loop, or nobody would answer. */
void status_healthz(struct http_request *request)
{
    reply_field(request, "Cache-Control", SPAN("no-store"));
    reply_send(request, 200, "text/plain; charset=utf-8", SPAN("ok\n"));
}

static void answer_ready(struct http_request *request, struct json_object *reasons, bool in_detail)
{
    size_t count = json_object_array_length(reasons);
    struct buf out = { 0 };

    if (count == 0)
        buf_text(&out, "ready\n");
    else if (!in_detail)
        buf_printf(&out, "not ready: %zu reason%s\n", count, count == 1 ? "" : "s");
    for (size_t i = 0; in_detail && i < count; i++)
        buf_printf(&out, "%s\n", json_object_get_string(json_object_array_get_idx(reasons, i)));
    reply_send(request, count ? 503 : 200, "text/plain; charset=utf-8", buf_span(&out));
    buf_free(&out);
}

/* Anybody may ask whether; why is for those who may see the page. */
void status_readyz(struct http_request *request)
{
    struct status *status = status_of(request);
    struct span accept = request_field(request, "accept");
    bool in_detail = status_is_near(request, &status->access);
    struct json_object *reasons;
    struct report report;

    reply_field(request, "Cache-Control", SPAN("no-store"));
    status_report(status, request->arena, &report);
    reasons = status_reasons(status, &report);
    if (json_object_array_length(reasons))
        reply_field(request, "Retry-After", SPAN("5"));
    if (span_is(request_parameter(request, "format"), "json") ||
        (accept.size &&
         http_accept_quality(accept, "application/json") > http_accept_quality(accept, "text/plain"))) {
        struct json_object *out = json_object_new_object();
        size_t count = json_object_array_length(reasons);

        json_object_object_add(out, "ready", json_object_new_boolean(count == 0));
        json_object_object_add(out, "count", json_object_new_uint64(count));
        if (in_detail)
            json_object_object_add(out, "reasons", json_object_get(reasons));
        answer_json(request, count ? 503 : 200, out);
    } else {
        answer_ready(request, reasons, in_detail);
    }
    json_object_put(reasons);
}

/* ---- life ---- */

extern const struct template_source status_templates[]; /* made of templates/ */

static int worker_up(struct module_host *host)
{
    struct status *status = must_alloc(sizeof(*status));

    OBJECT_BORN(status, status);
    status->host = host;
    status->conf = status_conf(host->conf);
    trusted_read(&status->access, &status->conf->access);
    trusted_read(&status->metrics, &status->conf->metrics_networks);
    status->kit = page_kit_new(status_templates);
    host->state = status;
    return 0;
}

static void worker_down(struct module_host *host)
{
    struct status *status = OBJECT(host->state, status);

    host->state = NULL;
    page_kit_free(&status->kit);
    trusted_free(&status->access);
    trusted_free(&status->metrics);
    OBJECT_DEAD(status);
    free(status);
}

static bool is_active(const struct conf *conf)
{
    return status_conf(conf)->section.active;
}

#define READING (METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD))

/* All open: each handler asks where the client is and, where that is not enough, who. */
static const struct http_route page_routes[] = {
    { READING, "/", ACCESS_OPEN, status_show, "how the daemon stands" },
    { .path = NULL },
};
static const struct http_route metrics_routes[] = {
    { READING, "/", ACCESS_OPEN, status_show_metrics, "the same as OpenMetrics" },
    { .path = NULL },
};
static const struct http_route health_routes[] = {
    { READING, "/", ACCESS_OPEN, status_healthz, "whether the daemon lives" },
    { .path = NULL },
};
static const struct http_route ready_routes[] = {
    { READING, "/", ACCESS_OPEN, status_readyz, "whether it can do its work" },
    { .path = NULL },
};

static void contexts(struct module_host *host, struct router_table *table)
{
    struct status *status = OBJECT(host->state, status);
    const struct http_context all[] = {
        { .path = status->conf->context_path, .hosts = &status->conf->vhosts, .routes = page_routes },
        { .path = "/server", .hosts = &status->conf->vhosts, .routes = page_routes },
        { .path = "/metrics", .routes = metrics_routes },
        { .path = "/healthz", .routes = health_routes },
        { .path = "/readyz", .routes = ready_routes },
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct http_context context = all[i];

        context.name = "status";
        context.is_aside = i > 0;
        context.state = status;
        router_table_add(table, &context);
    }
}

const struct stoa_module stoa_module = {
    .abi = STOA_MODULE_ABI,
    .name = "status",
    .title = "Server Status",
    .sentence = "How the daemon and its streams to the XMPP server stand, and what it has done",
    .sections = status_sections,
    .active = is_active,
    .worker_up = worker_up,
    .worker_down = worker_down,
    .contexts = contexts,
    .adhoc = status_commands,
};
