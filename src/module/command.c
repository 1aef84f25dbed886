/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: command.c - Stoa's own ad-hoc commands: which there are, who may see which, and the ways
 * by which they are asked for. Their steps are command_run.c. */
#include "module/command_inside.h"

#include "base/clock.h"
#include "module/login.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

#define ANSWER_DEPTH      64
#define ANSWER_ATTRIBUTES 256

/* They are answered by desk_command_iq, before any row is looked at. */
const struct iq_row command_iqs[] = {
    { NS_COMMANDS, "command", IQ_SET, NULL },
    { NS_DISCO_ITEMS, "query", IQ_GET, NULL },
    { NS_DISCO_INFO, "query", IQ_GET, NULL },
    { NULL, NULL, IQ_GET, NULL },
};

/* ---- which commands there are ---- */

struct span command_service_of(const struct component_settings *component)
{
    struct span rest = span_of(component->section.name);

    return component->service ? span_of(component->service) : span_cut(&rest, '.');
}

bool commands_serve(struct hosts *hosts, struct span service)
{
    for (size_t i = 0; i < hosts->count; i++) {
        const struct stoa_module *module = hosts->items[i].module;

        if (module->adhoc_source)
            return true;
        for (const struct command_table *table = module->adhoc; table && table->service; table++)
            if (span_is(service, table->service))
                return true;
    }
    return false;
}

void commands_each(struct hosts *hosts, struct span service, struct arena *arena,
                   void (*each)(void *data, const struct command_row *row), void *data)
{
    const char *name = arena_text(arena, service);

    for (size_t i = 0; i < hosts->count; i++) {
        struct module_host *host = &hosts->items[i];

        for (const struct command_table *table = host->module->adhoc; table && table->service; table++)
            for (const struct command_row *row = table->rows; row->node && span_is(service, table->service);
                 row++)
                each(data, row);
        if (host->module->adhoc_source)
            host->module->adhoc_source->list(host, name, arena, each, data);
    }
}

static const struct command_row *declared(const struct stoa_module *module, struct span service,
                                          struct span node)
{
    for (const struct command_table *table = module->adhoc; table && table->service; table++)
        for (const struct command_row *row = table->rows; row->node && span_is(service, table->service);
             row++)
            if (span_is(node, row->node))
                return row;
    return NULL;
}

const struct command_row *command_find_declared(struct hosts *hosts, struct span service, struct span node,
                                                struct module_host **host_r)
{
    for (size_t i = 0; i < hosts->count; i++) {
        const struct command_row *row = declared(hosts->items[i].module, service, node);

        *host_r = &hosts->items[i];
        if (row)
            return row;
    }
    return NULL;
}

/* What a module declares goes before what comes and goes: nobody can put a script in the place of ours. */
const struct command_row *command_find(struct hosts *hosts, struct span service, struct span node,
                                       struct arena *arena, struct module_host **host_r)
{
    const struct command_row *row = command_find_declared(hosts, service, node, host_r);

    if (row)
        return row;
    for (size_t i = 0; i < hosts->count; i++) {
        const struct command_source *source = hosts->items[i].module->adhoc_source;

        *host_r = &hosts->items[i];
        row = source ? source->find(*host_r, arena_text(arena, service), node, arena) : NULL;
        if (row)
            return row;
    }
    return NULL;
}

/* ---- who may ---- */

bool command_may(const struct command_place *place, const struct command_row *row)
{
    switch (row->access) {
    case ACCESS_OPEN:
    case ACCESS_USER:
        return place->is_user || place->asker.is_admin;
    case ACCESS_ADMIN:
        return place->asker.is_admin;
    default:
        return false;
    }
}

/* xmpp/domains; without them, the domain that the component's name stands below. */
static bool is_local(const struct module_host *host, struct span domain, struct span component,
                     struct arena *arena)
{
    const struct conf_list *domains = &host->settings->xmpp->domains;
    struct span one;

    for (size_t i = 0; i < domains->count; i++)
        if (jid_prepare_domain(arena, span_of(domains->texts[i]), &one) && span_eq(one, domain))
            return true;
    if (domains->count > 0)
        return false;
    span_cut(&component, '.');
    return component.size > 0 && span_eq(component, domain);
}

static const struct component_settings *component_of(const struct module_host *host, struct span domain,
                                                     struct arena *arena)
{
    const struct conf_sections *components = &host->settings->xmpp->components;
    struct span name;

    for (size_t i = 0; i < components->count; i++) {
        const struct component_settings *component = components->items[i];

        if (component->section.active && jid_prepare_domain(arena, span_of(component->section.name), &name) &&
            span_eq(name, domain))
            return component;
    }
    return NULL;
}

bool command_is_own(const struct module_host *host, struct span to)
{
    struct arena *arena = arena_new();
    const struct component_settings *component = NULL;
    struct jid jid;

    if (host->desk && jid_parse(arena, to, &jid))
        component = component_of(host, jid.domain, arena);
    arena_free(&arena);
    return component && commands_serve(host->desk->hosts, command_service_of(component));
}

const struct command_row *command_declared(const struct module_host *host, struct span to, struct span node,
                                           struct arena *arena)
{
    const struct component_settings *component = NULL;
    struct module_host *owner;
    struct jid jid;

    if (host->desk && node.size <= COMMAND_NODE_MOST && jid_parse(arena, to, &jid))
        component = component_of(host, jid.domain, arena);
    return component ? command_find(host->desk->hosts, command_service_of(component), node, arena, &owner)
                     : NULL;
}

/* ---- lists ---- */

struct listing {
    const struct command_place *place;
    struct buf *out;
};

static void add_item(void *data, const struct command_row *row)
{
    const struct listing *listing = data;

    if (!command_may(listing->place, row))
        return;
    buf_text(listing->out, "<item");
    stanza_attribute(listing->out, "jid", listing->place->component);
    stanza_attribute(listing->out, "node", span_of(row->node));
    stanza_attribute(listing->out, "name", span_of(row->name));
    if (row->group)
        stanza_attribute(listing->out, "group", span_of(row->group));
    buf_text(listing->out, "/>");
}

static void answer_items(struct desk *desk, const struct command_place *place,
                         const struct command_reply *reply, struct arena *arena, struct span node)
{
    struct buf xml = { 0 };

    buf_text(&xml, "<query xmlns='" NS_DISCO_ITEMS "'");
    stanza_attribute(&xml, "node", span_head(node, 1024));
    buf_char(&xml, '>');
    if (span_is(node, NS_COMMANDS))
        commands_each(desk->hosts, place->service, arena, add_item,
                      &(struct listing){ .place = place, .out = &xml });
    buf_text(&xml, "</query>");
    command_reply_result(reply, buf_span(&xml));
    buf_free(&xml);
}

static void answer_info(struct desk *desk, const struct command_place *place,
                        const struct command_reply *reply, struct arena *arena, struct span node)
{
    bool is_list = span_is(node, NS_COMMANDS);
    const struct command_row *row = NULL;
    struct module_host *host;
    struct buf xml = { 0 };

    if (!is_list && node.size <= COMMAND_NODE_MOST)
        row = command_find(desk->hosts, place->service, node, arena, &host);
    if (!is_list && (row == NULL || !command_may(place, row))) {
        command_reply_error(reply, PROBLEM_not_found, NULL, NULL);
        return;
    }
    buf_text(&xml, "<query xmlns='" NS_DISCO_INFO "'");
    stanza_attribute(&xml, "node", node);
    buf_printf(&xml, "><identity category='automation' type='%s'", is_list ? "command-list" : "command-node");
    stanza_attribute(&xml, "name", is_list ? SPAN("Commands") : span_of(row->name));
    buf_text(&xml, "/><feature var='" NS_COMMANDS "'/><feature var='" NS_DATA "'/></query>");
    command_reply_result(reply, buf_span(&xml));
    buf_free(&xml);
}

/* false: it is none of ours. */
static bool serve(struct desk *desk, const struct command_place *place, const struct command_reply *reply,
                  struct arena *arena, enum iq_kind kind, const struct xml_element *payload)
{
    struct span node = xml_attribute(payload, "node");

    if (kind == IQ_SET && xml_is(payload, NS_COMMANDS, "command"))
        command_execute(desk, place, reply, arena, payload);
    else if (kind == IQ_GET && node.size && xml_is(payload, NS_DISCO_ITEMS, "query"))
        answer_items(desk, place, reply, arena, node);
    else if (kind == IQ_GET && node.size && xml_is(payload, NS_DISCO_INFO, "query"))
        answer_info(desk, place, reply, arena, node);
    else
        return false;
    return true;
}

/* ---- over XMPP ---- */

bool desk_command_iq(struct desk *desk, struct span service, struct iq_request *request)
{
    const struct module_host *core = &desk->hosts->core;
    struct command_place place = { .component = request->component,
                                   .service = arena_copy(request->arena, service),
                                   .bound = request->from };

    if (!commands_serve(desk->hosts, service))
        return false;
    place.asker.user = jid_bare_text(request->arena, request->from_jid);
    place.asker.way = COMMAND_BY_XMPP;
    place.asker.is_admin = login_is_named_admin(core, place.asker.user);
    place.is_user = request->from_jid.local.size > 0 &&
                    is_local(core, request->from_jid.domain, request->component, request->arena);
    return serve(desk, &place, &(struct command_reply){ .request = request }, request->arena, request->kind,
                 request->payload);
}

/* ---- from within ---- */

static const char *const way_names[] = {
    [COMMAND_BY_XMPP] = "xmpp", [COMMAND_BY_REST] = "rest", [COMMAND_BY_BROWSER] = "browser"
};

void command_ask(struct module_host *host, struct ask *ask, struct arena *arena,
                 const struct command_asker *asker, struct span to, enum iq_kind kind, struct span payload)
{
    static const struct xml_limits limits = { COMMAND_PAYLOAD_MOST, ANSWER_DEPTH, ANSWER_ATTRIBUTES };
    const struct command_reply reply = { .ask = ask };
    struct command_place place = { .asker = *asker };
    const struct component_settings *component = NULL;
    struct xml_element *element;
    struct jid jid, user;
    const char *why;

    must(host->desk && ask->done && ask->desk == NULL && ask->own == NULL);
    command_ask_begin(host->desk, ask, arena, to, asker->user);
    if (jid_parse(arena, to, &jid))
        component = component_of(host, jid.domain, arena);
    if (component == NULL || !jid_parse(arena, asker->user, &user)) {
        command_reply_error(&reply, PROBLEM_not_found, NULL, NULL);
        return;
    }
    place.component = jid.domain;
    place.service = command_service_of(component);
    place.asker.user = jid_bare_text(arena, user);
    place.asker.is_admin |= login_is_named_admin(host, place.asker.user);
    place.is_user = true; /* it was proved at our own server */
    place.bound = span_of(arena_printf(arena, "%s %.*s", way_names[asker->way], SPAN_ARG(place.asker.user)));
    if (xml_document(payload, &limits, arena, &element, &why) != 1)
        command_reply_error(&reply, PROBLEM_bad_request, why, NULL);
    else if (!serve(host->desk, &place, &reply, arena, kind, element))
        command_reply_error(&reply, PROBLEM_not_implemented, NULL, NULL);
}

void command_ask_any(struct module_host *host, struct ask *ask, struct arena *arena,
                     const struct command_asker *asker, struct span to, enum iq_kind kind,
                     struct span payload, int64_t wait)
{
    if (command_is_own(host, to))
        command_ask(host, ask, arena, asker, to, kind, payload);
    else
        ask_iq(host, ask, arena, asker->user, to, kind, payload, wait);
}
