/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: settings_check.c - what no single directive can know: which connections there are in all,
 * and where two settings contradict each other. */
#include "conf/settings.h"

#include "base/must.h"
#include "conf/inside.h"
#include "conf/settings_tables.h"

#include <sched.h>

#define WORKERS_MOST 64

/* Before anybody else reads the conf its structs may still be completed. */
static void *section_of(struct conf *conf, const char *path)
{
    void *section = map_get(conf->sections, span_of(path));

    must(section != NULL);
    return section;
}

/* ---- connections ---- */

struct gathering {
    struct conf *conf;
    struct connection_settings **all; /* in the arena, with room for all there can be */
    size_t count;
};

/* That connection of httpServer or http, active or not; NULL: none. */
static const struct connection_settings *with_port(const struct conf_sections *sections, unsigned port)
{
    for (size_t i = 0; i < sections->count; i++) {
        const struct connection_settings *connection = sections->items[i];

        if (connection->path == NULL && settings_port(connection->section.name) == port)
            return connection;
    }
    return NULL;
}

static void check_connection(struct conf *conf, const struct connection_settings *connection)
{
    const struct conf_section *at = &connection->section;

    if (connection->path == NULL && connection->port == 0)
        conf_complain(
            conf, CONF_ERROR, at,
            "connection '%s': name it by its port, 1 to 65535, or give it the path of a unix socket",
            at->name);
    if (connection->mode % 10 > 7 || connection->mode / 10 % 10 > 7)
        conf_complain(conf, CONF_ERROR, at, "connection '%s': mode must have octal digits, as 660", at->name);
    if (connection->redirect_condition != REDIRECT_NEVER && connection->redirect_uri == NULL)
        conf_complain(conf, CONF_ERROR, at, "connection '%s': redirect-condition needs a redirect-uri",
                      at->name);
    if (connection->redirect_condition == REDIRECT_NEVER && connection->redirect_uri != NULL)
        conf_complain(conf, CONF_WARNING, at,
                      "connection '%s': redirect-uri has no effect while redirect-condition is never",
                      at->name);
    if (connection->domain && connection->socket == SOCKET_PLAIN)
        conf_complain(conf, CONF_WARNING, at,
                      "connection '%s': domain has no effect on a plain socket; write socket = ssl for HTTPS",
                      at->name);
}

static void gather_sections(struct gathering *gathering, const struct conf_sections *sections)
{
    for (size_t i = 0; i < sections->count; i++) {
        struct connection_settings *connection = sections->items[i];

        if (connection->socket == SOCKET_BY_DOMAIN) {
            connection->socket = connection->domain ? SOCKET_SSL : SOCKET_PLAIN;
            if (connection->domain)
                conf_complain(gathering->conf, CONF_NOTICE, &connection->section,
                              "port '%s' has a domain and no socket: understood as socket = ssl",
                              connection->section.name);
        }
        connection->port = connection->path ? 0 : settings_port(connection->section.name);
        if (!connection->section.active)
            continue;
        check_connection(gathering->conf, connection);
        gathering->all[gathering->count++] = connection;
    }
}

static void gather_port(struct gathering *gathering, const struct conf_section *server, const char *port)
{
    struct connection_settings *connection = arena_make(gathering->conf->arena, struct connection_settings);

    connection->section = *server;
    connection->section.name = port;
    connection->section.active = true;
    connection->port = settings_port(port);
    connection->socket = SOCKET_PLAIN;
    connection->redirect_condition = REDIRECT_NEVER;
    gathering->all[gathering->count++] = connection;
}

static void gather_ports(struct gathering *gathering, const struct http_server_settings *server)
{
    for (size_t i = 0; i < server->ports.count; i++) {
        const char *text = server->ports.texts[i];
        unsigned port = settings_port(text);
        bool twice = false;

        for (size_t j = 0; j < i; j++)
            twice = twice || settings_port(server->ports.texts[j]) == port;
        if (port == 0)
            conf_complain(gathering->conf, CONF_ERROR, &server->section,
                          "ports: '%s' is not a port: write 1 to 65535", text);
        else if (!twice && with_port(&server->connections, port) == NULL)
            gather_port(gathering, &server->section, text);
    }
}

static bool share_address(const struct connection_settings *a, const struct connection_settings *b)
{
    if (a->addresses.count == 0 || b->addresses.count == 0)
        return true;
    for (size_t i = 0; i < a->addresses.count; i++)
        for (size_t j = 0; j < b->addresses.count; j++)
            if (strcmp(a->addresses.texts[i], b->addresses.texts[j]) == 0)
                return true;
    return false;
}

static void check_twins(const struct gathering *gathering)
{
    for (size_t i = 0; i < gathering->count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct connection_settings *a = gathering->all[j], *b = gathering->all[i];

            if (conf_full(gathering->conf))
                return;
            if (a->path && b->path && strcmp(a->path, b->path) == 0)
                conf_complain(gathering->conf, CONF_ERROR, &b->section,
                              "connections '%s' and '%s' have the same path", a->section.name,
                              b->section.name);
            if (!a->path && !b->path && a->port && a->port == b->port && share_address(a, b))
                conf_complain(
                    gathering->conf, CONF_ERROR, &b->section,
                    "port %s is configured twice: take one of them out, or give them different addresses",
                    b->section.name);
        }
}

static void gather_connections(struct conf *conf, struct settings *settings)
{
    const struct http_server_settings *server = settings->http_server;
    struct gathering gathering = { .conf = conf };
    size_t room = server->connections.count + settings->http->legacy_ports.count + server->ports.count + 1;

    gathering.all = arena_alloc(conf->arena, room * sizeof(struct connection_settings *));
    gather_ports(&gathering, server);
    gather_sections(&gathering, &server->connections);
    gather_sections(&gathering, &settings->http->legacy_ports);
    if (server->connections.count + settings->http->legacy_ports.count + server->ports.count == 0)
        gather_port(&gathering, &server->section, "8080");
    else if (gathering.count == 0 && server->section.active)
        conf_complain(conf, CONF_WARNING, &server->section,
                      "no connection is active: nobody can reach Stoa by HTTP");
    check_twins(&gathering);
    settings->connections = (const struct connection_settings *const *)gathering.all;
    settings->connection_count = server->section.active ? gathering.count : 0;
}

/* ---- who reaches the pages of administrators (R26) ---- */

static bool is_loopback(const char *host)
{
    return host == NULL || host[0] == '/' || host[0] == '@' || strcasecmp(host, "localhost") == 0 ||
           strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "[::1]") == 0;
}

static bool is_inside(const char *network)
{
    return strcmp(network, "unix") == 0 || strncmp(network, "127.", 4) == 0 || strcmp(network, "::1") == 0 ||
           strcmp(network, "::1/128") == 0;
}

/* Reached from other machines, and says a password in the clear. */
static bool is_plain_and_public(const struct connection_settings *connection)
{
    if (connection->socket != SOCKET_PLAIN || connection->path)
        return false;
    if (connection->redirect_uri && (connection->redirect_condition == REDIRECT_HTTP ||
                                     connection->redirect_condition == REDIRECT_ALWAYS))
        return false; /* nothing is served there */
    for (size_t i = 0; i < connection->addresses.count; i++)
        if (!is_loopback(connection->addresses.texts[i]))
            return true;
    return connection->addresses.count == 0;
}

static void check_admin_networks(struct conf *conf, const struct settings *settings)
{
    const struct conf_list *networks = &settings->http->admin_networks;
    const char *outside = NULL;

    for (size_t i = 0; i < networks->count && outside == NULL; i++)
        if (!is_inside(networks->texts[i]))
            outside = networks->texts[i];
    if (outside == NULL || settings->http_server->trusted_proxies.count)
        return;
    for (size_t i = 0; i < settings->connection_count && !conf_full(conf); i++)
        if (is_plain_and_public(settings->connections[i]))
            conf_complain(
                conf, CONF_ERROR, &settings->http->section,
                "http/admin-networks lets administrators in from '%s', and connection '%s' is not encrypted: "
                "their passwords could be read on the way. Write socket = ssl, bind it to 127.0.0.1 "
                "(addresses), or name the proxies in front of it in httpServer/trusted-proxies",
                outside, settings->connections[i]->section.name);
}

/* ---- xmpp ---- */

static struct span first_label(const char *jid)
{
    struct span rest = span_of(jid);

    return span_cut(&rest, '.');
}

static struct span without_first_label(const char *jid)
{
    struct span rest = span_of(jid);

    (void)span_cut(&rest, '.');
    return rest;
}

/* example.org or below it. */
static bool is_under(struct span jid, struct span domain)
{
    return span_eq_nocase(jid, domain) ||
           (jid.size > domain.size && jid.at[jid.size - domain.size - 1] == '.' &&
            span_eq_nocase(span_from(jid, jid.size - domain.size), domain));
}

static bool is_under_any(struct span jid, const struct conf_list *domains)
{
    for (size_t i = 0; i < domains->count; i++)
        if (is_under(jid, span_of(domains->texts[i])))
            return true;
    return false;
}

static void check_component(struct conf *conf, const struct xmpp_settings *xmpp, size_t index)
{
    struct component_settings *component = xmpp->components.items[index];
    const char *jid = component->section.name;

    if (component->service == NULL)
        component->service = span_eq_nocase(first_label(jid), SPAN("upload")) ? "upload" : "http";
    if (component->secret == NULL || component->secret[0] == '\0')
        conf_complain(conf, CONF_ERROR, &component->section,
                      "component '%s' has no secret: write secret = '...' as the XMPP server has it", jid);
    if (xmpp->domains.count && !is_under_any(span_of(jid), &xmpp->domains))
        conf_complain(conf, CONF_WARNING, &component->section,
                      "component '%s' is under none of xmpp/domains: its clients will not find it", jid);
    for (size_t i = 0; i < index; i++) {
        const struct component_settings *other = xmpp->components.items[i];

        if (other->section.active && strcasecmp(other->section.name, jid) == 0)
            conf_complain(conf, CONF_ERROR, &component->section,
                          "component '%s' stands twice, in another case of letters", jid);
    }
}

static bool is_listed(struct span domain, const struct conf_list *domains)
{
    for (size_t i = 0; i < domains->count; i++)
        if (span_eq_nocase(domain, span_of(domains->texts[i])))
            return true;
    return false;
}

static void derive_domains(struct conf *conf, struct xmpp_settings *xmpp)
{
    struct conf_list *domains = &xmpp->domains;
    struct buf told = { 0 };

    domains->texts = arena_alloc(conf->arena, (xmpp->components.count + 1) * sizeof(*domains->texts));
    for (size_t i = 0; i < xmpp->components.count; i++) {
        const struct component_settings *component = xmpp->components.items[i];
        struct span domain = without_first_label(component->section.name);

        if (!component->section.active || domain.size == 0 || is_listed(domain, domains))
            continue;
        domains->texts[domains->count++] = arena_text(conf->arena, domain);
        buf_printf(&told, "%s'%.*s'", told.size ? ", " : "", SPAN_ARG(domain));
    }
    if (domains->count)
        conf_complain(conf, CONF_NOTICE, &xmpp->section,
                      "xmpp/domains is not given: understood from the components as [ %.*s ]",
                      SPAN_ARG(buf_span(&told)));
    buf_free(&told);
}

/* Passwords go over that wire. */
static void check_client_port(struct conf *conf, const struct xmpp_settings *xmpp)
{
    const char *host = xmpp->c2s_host ? xmpp->c2s_host : xmpp->host;

    if (is_loopback(host))
        return;
    if (xmpp->c2s_security == C2S_PLAIN)
        conf_complain(
            conf, CONF_ERROR, &xmpp->section,
            "xmpp/c2s-security = plain would send passwords to '%s' for everybody to read: it is allowed "
            "on the loopback only; write starttls or direct",
            host);
    else if (!xmpp->c2s_certificate_check)
        conf_complain(
            conf, CONF_WARNING, &xmpp->section,
            "xmpp/c2s-certificate-check = false: whoever stands between Stoa and '%s' can read passwords",
            host);
}

static void check_xmpp(struct conf *conf, struct xmpp_settings *xmpp)
{
    size_t active = 0;

    if (xmpp->reconnect_least > xmpp->reconnect_most)
        conf_complain(conf, CONF_ERROR, &xmpp->section, "xmpp/reconnect-least is longer than reconnect-most");
    if (xmpp->domains.count == 0)
        derive_domains(conf, xmpp);
    check_client_port(conf, xmpp);
    for (size_t i = 0; i < xmpp->components.count && !conf_full(conf); i++) {
        const struct component_settings *component = xmpp->components.items[i];

        if (!component->section.active)
            continue;
        check_component(conf, xmpp, i);
        active++;
    }
    if (active == 0)
        conf_complain(conf, CONF_NOTICE, &xmpp->section,
                      "no component is configured in xmpp { components { } }: nothing is answered on XMPP");
}

/* ---- all of it ---- */

void settings_of(struct conf *conf, struct settings *settings_r)
{
    *settings_r = (struct settings){
        .http_server = section_of(conf, "httpServer"),
        .xmpp = section_of(conf, "xmpp"),
        .http = section_of(conf, "http"),
        .log = section_of(conf, "log"),
        .processes = section_of(conf, "processes"),
    };
    gather_connections(conf, settings_r);
    check_admin_networks(conf, settings_r);
    check_xmpp(conf, section_of(conf, "xmpp"));
    if (settings_r->http_server->threads > WORKERS_MOST && settings_r->processes->workers == 0)
        conf_complain(conf, CONF_NOTICE, &settings_r->http_server->section,
                      "httpServer/threads is more than %d: understood as %d workers", WORKERS_MOST,
                      WORKERS_MOST);
}

static unsigned cores(void)
{
    cpu_set_t mine;
    int count = sched_getaffinity(0, sizeof(mine), &mine) == 0 ? CPU_COUNT(&mine) : 1;

    return count > 0 ? (unsigned)count : 1;
}

unsigned settings_workers(const struct settings *settings)
{
    int64_t wanted =
        settings->processes->workers ? settings->processes->workers : settings->http_server->threads;

    if (wanted <= 0)
        wanted = cores();
    return wanted > WORKERS_MOST ? WORKERS_MOST : (unsigned)wanted;
}
