/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload.c - the module HTTP File Upload (XEP-0363 1.2.0): its struct, its coming up and
 * going down, and what its parts share. */
#include "upload.h"

#include "base/must.h"
#include "hot.h"
#include "keeper.h"
#include "media.h"
#include "os/log.h"
#include "shm/count.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void count_commit(unsigned operations)
{
    count_add(COUNT_commits, 1);
    count_add(COUNT_commit_operations, operations);
}

/* ---- URLs ---- */

/* The first connection of that kind with a port, or 0. */
static unsigned port_of(const struct conf_sections *connections, int64_t socket)
{
    for (size_t i = 0; i < connections->count; i++) {
        const struct connection_settings *one = connections->items[i];
        char *end;
        long port;

        if (!one->section.active || one->path != NULL || one->socket != socket)
            continue;
        port = strtol(one->section.name, &end, 10);
        if (*end == '\0' && port > 0 && port <= 65535)
            return (unsigned)port;
    }
    return 0;
}

static unsigned find_port(const struct settings *settings, int64_t socket)
{
    unsigned port = port_of(&settings->http_server->connections, socket);

    return port != 0 ? port : port_of(&settings->http->legacy_ports, socket);
}

static void find_served_port(struct upload_address *address, const struct settings *settings)
{
    const struct conf_list *ports = &settings->http_server->ports;

    address->proto = "https";
    address->port = find_port(settings, SOCKET_SSL);
    if (address->port != 0)
        return;
    address->proto = "http";
    address->port = find_port(settings, SOCKET_PLAIN);
    if (address->port == 0 && ports->count > 0)
        address->port = (unsigned)strtoul(ports->texts[0], NULL, 10);
    if (address->port == 0)
        address->port = 8080;
}

void upload_find_address(struct upload_address *address_r, const struct logic_conf *logic,
                         const struct settings *settings)
{
    *address_r = (struct upload_address){ 0 };
    if (logic->port > 0 && logic->protocol != PROTOCOL_UNSET) {
        address_r->proto = logic->protocol == PROTOCOL_HTTPS ? "https" : "http";
        address_r->port = (unsigned)logic->port;
    } else {
        find_served_port(address_r, settings);
    }
    if (logic->server_name != NULL) {
        size_t size = strlen(logic->server_name);

        must(size < sizeof(address_r->server_name));
        memcpy(address_r->server_name, logic->server_name, size);
    } else if (gethostname(address_r->server_name, sizeof(address_r->server_name) - 1) != 0) {
        memcpy(address_r->server_name, "localhost", sizeof("localhost"));
    }
}

static void add_url(const struct upload *upload, const struct uri_template *template, const struct slot *slot,
                    struct span slot_id, struct buf *out)
{
    struct uri_values values = { .proto = upload->address.proto,
                                 .server_name = upload->address.server_name,
                                 .port = upload->address.port,
                                 .user_jid = slot->owner,
                                 .domain = slot->domain,
                                 .slot_id = slot_id,
                                 .filename = slot->filename };

    uri_template_format(template, &values, out);
}

void upload_put_url(const struct upload *upload, const struct slot *slot, struct span slot_id,
                    struct buf *out)
{
    add_url(upload, &upload->put_template, slot, slot_id, out);
}

void upload_get_url(const struct upload *upload, const struct slot *slot, struct span slot_id,
                    struct buf *out)
{
    add_url(upload, &upload->get_template, slot, slot_id, out);
}

static bool is_segment_of(struct span segment, struct span name)
{
    struct buf wanted = { 0 };
    bool is_same;

    slot_segment(name, &wanted);
    is_same = span_eq(buf_span(&wanted), segment);
    buf_free(&wanted);
    return is_same;
}

bool upload_path_is_of(const struct uri_match *match, const struct slot *slot)
{
    if (!is_segment_of(match->filename, slot->filename))
        return false;
    if (slot->owner.size == 0) /* the repository does not know it */
        return true;
    return (match->user_jid.at == NULL || is_segment_of(match->user_jid, slot->owner)) &&
           (match->domain.at == NULL || is_segment_of(match->domain, slot->domain));
}

struct span upload_path_domain(const struct uri_match *match)
{
    ssize_t at;

    if (match->domain.at != NULL || match->user_jid.at == NULL)
        return match->domain;
    at = span_find(match->user_jid, '@');
    return at < 0 ? match->user_jid : span_from(match->user_jid, (size_t)at + 1);
}

struct file_place upload_place(const struct slot_repository *repository, const struct slot *slot)
{
    struct file_place place = { .area = repository->area,
                                .owner = slot->owner,
                                .is_grouped = slot->is_grouped,
                                .name_is_truth = !repository->kind->keeps_records };

    memcpy(place.id, slot->id, SLOT_ID);
    return place;
}

struct file_place upload_partial_place(const struct slot_repository *repository, const struct slot *slot)
{
    struct file_place place = { .area = repository->partial_area };

    memcpy(place.id, slot->id, SLOT_ID);
    return place;
}

/* ---- checks of a configuration ---- */

static void check_template(struct conf *conf, const struct upload_conf *upload, const char *key,
                           const char *text)
{
    struct uri_template template;
    const char *why = uri_template_parse(&template, text, upload->http->context_path);

    if (why != NULL)
        conf_complain(conf, CONF_ERROR, &upload->logic->section, "%s = '%s': write %s", key, text, why);
}

void upload_check(struct conf *conf, const struct settings *settings)
{
    const struct upload_conf *upload = upload_conf(conf);
    const struct logic_conf *logic = upload->logic;
    const struct conf_list *types = &upload->download->inline_types;

    (void)settings;
    if (!upload->section.active)
        return;
    if (access(upload->store->path, W_OK) != 0 && errno == EROFS)
        conf_complain(conf, CONF_ERROR, &upload->store->section,
                      "the folder of uploads %s (upload/store/path) lies on a read-only file system",
                      upload->store->path);
    check_template(conf, upload, "upload-uri-format", logic->upload_uri_format);
    check_template(conf, upload, "download-uri-format", logic->download_uri_format);
    if (logic->resume_validity > 0 && logic->resume_validity < logic->put_validity)
        conf_complain(conf, CONF_WARNING, &logic->section,
                      "resume-validity is shorter than put-validity, which counts then");
    if (logic->server_name != NULL && strlen(logic->server_name) > 255)
        conf_complain(conf, CONF_ERROR, &logic->section, "server-name is longer than a host name can be");
    if ((logic->port > 0) != (logic->protocol != PROTOCOL_UNSET))
        conf_complain(conf, CONF_WARNING, &logic->section,
                      "port and protocol count only together: both are taken from httpServer");
    for (size_t i = 0; i < types->count; i++)
        if (!span_ends(span_of(types->texts[i]), SPAN("/*")) && media_is_active(span_of(types->texts[i])))
            conf_complain(conf, CONF_WARNING, &upload->download->section,
                          "inline-types: '%s' can hold scripts and is never shown by a browser from here",
                          types->texts[i]);
}

/* ---- life ---- */

int upload_open(struct upload **upload_r, struct module_host *host, const char **why_r)
{
    const struct upload_conf *conf = upload_conf(host->conf);
    struct slot_pool_options options = { .conf = conf,
                                         .data_dir = host->settings->processes->data_dir,
                                         .map_size = host->settings->processes->data_map_size,
                                         .loop = host->loop,
                                         .committed = count_commit };
    struct upload *upload = must_alloc(sizeof(*upload));
    const char *context = conf->http->context_path;

    OBJECT_BORN(upload, upload);
    upload->host = host;
    upload->conf = conf;
    upload->hot = hot_new(conf->download->memory);
    upload_find_address(&upload->address, conf->logic, host->settings);
    if (host->segment != NULL)
        options.view = (struct claim_view){ &host->segment->claims, &host->segment->board };
    *why_r = uri_template_parse(&upload->put_template, conf->logic->upload_uri_format, context);
    if (*why_r == NULL)
        *why_r = uri_template_parse(&upload->get_template, conf->logic->download_uri_format, context);
    if (*why_r == NULL && slot_pool_open(&upload->pool, &options, why_r) == 0)
        upload->files = directory_store_open(conf->store->path, host->loop, why_r);
    *upload_r = upload;
    if (upload->files != NULL)
        return 0;
    upload_close(upload_r);
    return -1;
}

void upload_close(struct upload **upload)
{
    if (*upload == NULL)
        return;
    file_store_close(&(*upload)->files); /* first: what it finishes is then recorded */
    slot_pool_close(&(*upload)->pool);
    hot_free(&(*upload)->hot);
    OBJECT_DEAD(*upload);
    free(*upload);
    *upload = NULL;
}

static int come_up(struct module_host *host)
{
    struct upload *upload;
    const char *why;

    if (upload_open(&upload, host, &why) != 0) {
        log_error("upload: %s", why);
        return -1;
    }
    host->state = upload;
    return 0;
}

static void worker_down(struct module_host *host)
{
    struct upload *upload = OBJECT(host->state, upload);

    upload_close(&upload);
    host->state = NULL;
}

static int keeper_up(struct module_host *host)
{
    if (come_up(host) != 0)
        return -1;
    return keeping_start(host->state);
}

static void keeper_down(struct module_host *host)
{
    struct upload *upload = OBJECT(host->state, upload);
    struct keeping *keeping = upload->keeping;

    upload_close(&upload);
    keeping_end(&keeping);
    host->state = NULL;
}

static bool is_active(const struct conf *conf)
{
    return upload_conf(conf)->section.active;
}

/* ---- contexts ---- */

/* Open to anyone: knowing a slot's id, and its token, is what a PUT needs; its id alone what a GET needs. */
static const struct http_route routes[] = {
    { METHOD_BIT(HTTP_GET), "/*", ACCESS_OPEN, upload_get, "download a file" },
    { METHOD_BIT(HTTP_HEAD), "/*", ACCESS_OPEN, upload_head,
      "look at a file, or how far an upload has come" },
    { METHOD_BIT(HTTP_PUT), "/*", ACCESS_OPEN, upload_put, "upload a file into a slot" },
    { METHOD_BIT(HTTP_PATCH), "/*", ACCESS_OPEN, upload_patch, "go on with an upload" },
    { METHOD_BIT(HTTP_DELETE), "/*", ACCESS_OPEN, upload_delete, "give up an upload that was begun" },
    { METHOD_BIT(HTTP_OPTIONS), "/*", ACCESS_OPEN, upload_options, "what scripts of other sites may do" },
    { METHOD_BIT(HTTP_POST), "/*", ACCESS_OPEN, upload_post, "what tus means by X-HTTP-Method-Override" },
    { METHOD_BIT(HTTP_OTHER), "/*", ACCESS_OPEN, upload_other,
      "refused, readably for scripts of other sites" },
    { .path = NULL },
};

static void contexts(struct module_host *host, struct router_table *table)
{
    struct upload *upload = OBJECT(host->state, upload);
    struct http_context context = { .path = upload->conf->http->context_path,
                                    .hosts = &upload->conf->http->vhosts,
                                    .routes = routes,
                                    .state = upload,
                                    .name = "upload",
                                    .is_for_programs = true };

    if (upload->conf->http->section.active)
        router_table_add(table, &context);
}

static const struct iq_row iqs[] = {
    { NS_UPLOAD, "request", IQ_GET, upload_slot_request },
    { .ns = NULL },
};

const struct stoa_module stoa_module = {
    .abi = STOA_MODULE_ABI,
    .name = "upload",
    .title = "HTTP File Upload",
    .sentence = "Takes files from XMPP clients and serves them to those who got their address",
    .sections = upload_sections,
    .check = upload_check,
    .active = is_active,
    .worker_up = come_up,
    .worker_down = worker_down,
    .contexts = contexts,
    .service = "upload",
    .iqs = iqs,
    .describe = upload_describe,
    .keeper_up = keeper_up,
    .keeper_down = keeper_down,
    .jobs = upload_jobs,
    .commands = upload_commands,
    .report = upload_report,
    .adhoc = upload_adhoc,
};
