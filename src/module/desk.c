/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: desk.c - the desk of a process: which letter is whose business, and the router's coming
 * and going. */
#include "module/command_inside.h"

#include "base/buf.h"
#include "os/log.h"
#include "xmpp/ns.h"

#include <stdlib.h>

struct desk *desk_new(struct hosts *hosts, struct loop *loop)
{
    struct desk *desk = must_alloc(sizeof(*desk));

    OBJECT_BORN(desk, desk);
    desk->hosts = hosts;
    desk->loop = loop;
    list_init(&desk->in);
    list_init(&desk->asked);
    list_init(&desk->errands);
    list_init(&desk->commands);
    desk->asked_map = map_new();
    hosts->core.desk = desk;
    for (size_t i = 0; i < hosts->count; i++)
        hosts->items[i].desk = desk;
    return desk;
}

const struct stoa_module *host_module(const struct module_host *host, const char *name)
{
    const struct hosts *hosts = host->desk->hosts;

    for (size_t i = 0; i < hosts->count; i++)
        if (strcmp(hosts->items[i].module->name, name) == 0)
            return hosts->items[i].module;
    return NULL;
}

void desk_settle(struct desk *desk)
{
    if (!desk->freed || desk->in_count > 0 || desk->errand_count > 0)
        return;
    map_free(&desk->asked_map);
    OBJECT_DEAD(desk);
    free(desk);
}

void desk_free(struct desk **desk)
{
    if (*desk == NULL)
        return;
    (*desk)->freed = true;
    (*desk)->post = NULL;
    (*desk)->router = 0;
    desk_asks_forget(*desk);
    desk_commands_forget(*desk);
    desk_settle(*desk);
    *desk = NULL;
}

void desk_attach(struct desk *desk, struct post *post)
{
    desk->post = post;
}

unsigned desk_open(const struct desk *desk)
{
    return desk->in_count + desk->asked_count + desk->command_count + (desk->leaving && !desk->let_go);
}

unsigned desk_errands(const struct desk *desk)
{
    return desk->router ? desk->errand_count : 0; /* without a router nobody hears how they went */
}

bool desk_say(struct desk *desk, unsigned row, uint32_t generation, const struct letter *letter)
{
    if (desk->post && post_send(desk->post, row, generation, letter))
        return true;
    log_debug("a letter %s to process %u was not sent: it is gone or its queue is full",
              letter_name(letter->kind), row);
    return false;
}

/* ---- the router comes and goes ---- */

static void claim(struct desk *desk, uint32_t generation, struct span service, const struct iq_row *iq)
{
    desk_say(desk, ROW_ROUTER, generation,
             &(struct letter){ .kind = LETTER_CLAIM,
                               .count = 4,
                               .parts = { service, span_of(iq->kind == IQ_GET ? "get" : "set"),
                                          span_of(iq->ns), span_of(iq->element) } });
}

static const struct module_host *describer_of(const struct desk *desk, struct span service)
{
    for (size_t i = 0; i < desk->hosts->count; i++) {
        const struct module_host *host = &desk->hosts->items[i];

        if (host->module->describe && span_eq(span_of(host->module->service), service))
            return host;
    }
    return NULL;
}

/* What disco#info says: the module's own words, and that there are commands. */
static void describe(struct desk *desk, uint32_t generation, struct span service)
{
    const struct module_host *host = describer_of(desk, service);
    bool has_commands = commands_serve(desk->hosts, service);
    struct buf name = { 0 }, xml = { 0 };

    if (host == NULL && !has_commands)
        return;
    if (host)
        host->module->describe((struct module_host *)host, &name, &xml);
    else
        buf_text(&name, "Stoa");
    if (has_commands)
        buf_text(&xml, "<feature var='" NS_COMMANDS "'/><feature var='" NS_DATA "'/>");
    desk_say(desk, ROW_ROUTER, generation,
             &(struct letter){ .kind = LETTER_DESCRIBE,
                               .count = 3,
                               .parts = { service, buf_span(&name), buf_span(&xml) } });
    buf_free(&name);
    buf_free(&xml);
}

static void claim_all(struct desk *desk, uint32_t generation, struct span service)
{
    for (size_t i = 0; i < desk->hosts->count; i++) {
        const struct stoa_module *module = desk->hosts->items[i].module;

        for (const struct iq_row *iq = module->iqs;
             iq && iq->ns && span_eq(span_of(module->service), service); iq++)
            claim(desk, generation, service, iq);
    }
    for (const struct iq_row *iq = command_iqs; iq->ns && commands_serve(desk->hosts, service); iq++)
        claim(desk, generation, service, iq);
    describe(desk, generation, service);
}

static bool is_worker(const struct desk *desk)
{
    return desk->hosts->kind == PROCESS_worker;
}

static void add_service(struct span *services, unsigned *count, struct span name)
{
    for (unsigned i = 0; i < *count; i++)
        if (span_eq(services[i], name))
            return;
    if (name.size && *count < MODULES_MOST + LINKS_MOST)
        services[(*count)++] = name;
}

/* Those that modules name, and those of the configuration's components: each once. */
static unsigned services_of(const struct desk *desk, struct span services_r[MODULES_MOST + LINKS_MOST])
{
    const struct xmpp_settings *xmpp = desk->hosts->core.settings->xmpp;
    unsigned count = 0;

    for (size_t i = 0; i < desk->hosts->count; i++)
        add_service(services_r, &count, span_of(desk->hosts->items[i].module->service));
    for (size_t i = 0; xmpp && i < xmpp->components.count; i++) {
        const struct component_settings *component = xmpp->components.items[i];

        if (component->section.active)
            add_service(services_r, &count, command_service_of(component));
    }
    return count;
}

static void on_joined(void *data, unsigned row, uint32_t generation)
{
    struct desk *desk = OBJECT(data, desk);
    struct span services[MODULES_MOST + LINKS_MOST];
    unsigned count;

    must(row == ROW_ROUTER);
    desk->router = generation;
    if (!is_worker(desk))
        return;
    if (desk->leaving) { /* a router that never heard of us will give us nothing */
        desk->let_go = true;
        return;
    }
    count = services_of(desk, services);
    for (unsigned i = 0; i < count; i++)
        claim_all(desk, generation, services[i]);
    desk_say(desk, ROW_ROUTER, generation, &(struct letter){ .kind = LETTER_READY });
}

static void on_lost(void *data, unsigned row, uint32_t generation)
{
    struct desk *desk = OBJECT(data, desk);

    (void)row;
    (void)generation;
    if (desk->in_count)
        log_debug("%u IQs are in hand for a router that is gone", desk->in_count);
    desk->router = 0;
    desk->let_go = desk->leaving;
    desk_asks_fail(desk, PROBLEM_unavailable);
}

bool desk_was_let_go(const struct desk *desk)
{
    return desk->let_go;
}

void desk_leave(struct desk *desk)
{
    if (desk->leaving)
        return;
    desk->leaving = true;
    desk->let_go = desk->router == 0 ||
                   !desk_say(desk, ROW_ROUTER, desk->router, &(struct letter){ .kind = LETTER_LEAVING });
}

/* ---- letters ---- */

static void on_letter(void *data, unsigned row, uint32_t generation, const struct letter *letter)
{
    struct desk *desk = OBJECT(data, desk);

    switch (letter->kind) {
    case LETTER_IQ_ARRIVED:
        desk_iq_letter(desk, row, generation, letter);
        break;
    case LETTER_TRACK:
        if (desk->hosts->track)
            desk->hosts->track(letter->parts[0], letter->parts[1]);
        break;
    case LETTER_LET_GO:
        desk->let_go = true;
        break;
    case LETTER_IQ_ANSWER:
    case LETTER_IQ_FAILED:
    case LETTER_SENT:
    case LETTER_LOGIN_DONE:
    case LETTER_LOGOUT_DONE:
    case LETTER_ERRAND_DONE:
        desk_ask_letter(desk, letter);
        break;
    case LETTER_ERRAND:
        desk_errand_letter(desk, letter);
        break;
    default:
        log_debug("a letter %s came that nobody here awaits", letter_name(letter->kind));
    }
}

const struct post_calls desk_post_calls = { .letter = on_letter, .joined = on_joined, .lost = on_lost };
