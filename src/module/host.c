/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: host.c - what a module may ask of the process it runs in. */
#include "module/desk.h"

void hosts_make(struct hosts *hosts, const struct modules *modules, const struct heritage *heritage,
                struct loop *loop)
{
    hosts->count = 0;
    hosts->kind = heritage->kind;
    hosts->installed = modules;
    hosts->core = (struct module_host){
        .conf = heritage->conf,
        .settings = heritage->settings,
        .loop = loop,
        .segment = heritage->segment,
        .row = heritage->row,
        .generation = heritage->generation,
    };
    for (size_t i = 0; i < modules->count; i++) {
        const struct stoa_module *module = modules->items[i];
        struct module_host *host = &hosts->items[hosts->count];

        if (module->active && !module->active(heritage->conf))
            continue;
        *host = hosts->core;
        host->module = module;
        hosts->count++;
    }
}

const struct stoa_module *host_installed(const struct module_host *host, size_t index)
{
    const struct modules *installed = host->desk->hosts->installed;

    return index < installed->count ? installed->items[index] : NULL;
}

static const struct component_settings *component_of(const struct module_host *host, const char *service)
{
    const struct conf_sections *components = &host->settings->xmpp->components;

    for (size_t i = 0; i < components->count; i++) {
        const struct component_settings *component = components->items[i];

        if (component->section.active && span_is(span_of(component->service), service))
            return component;
    }
    return NULL;
}

const char *host_component(const struct module_host *host, const char *service)
{
    const struct component_settings *component = component_of(host, service);

    return component ? component->section.name : NULL;
}

bool host_component_up(const struct module_host *host, const char *service)
{
    const char *name = host_component(host, service);
    struct link_view view;

    for (size_t i = 0; name && host->segment && i < LINKS_MOST; i++) {
        link_read(&host->segment->links.links[i], &view);
        if (view.state != LINK_UNUSED && span_is(span_of(view.name), name))
            return view.state == LINK_UP;
    }
    return false;
}
