/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: admin.c - the module admin: its struct, its coming up and going down, its addresses. */
#include "admin.h"

#include <stdlib.h>

static int worker_up(struct module_host *host)
{
    struct admin *admin = must_alloc(sizeof(*admin));

    OBJECT_BORN(admin, admin);
    admin->host = host;
    admin->conf = admin_conf(host->conf);
    admin->kit = page_kit_new(admin_templates);
    admin->cache = catalog_cache_new();
    host->state = admin;
    return 0;
}

static void worker_down(struct module_host *host)
{
    struct admin *admin = OBJECT(host->state, admin);

    host->state = NULL;
    page_kit_free(&admin->kit);
    catalog_cache_free(&admin->cache);
    OBJECT_DEAD(admin);
    free(admin);
}

static bool is_active(const struct conf *conf)
{
    return admin_conf(conf)->section.active;
}

/* Somebody followed an address that only takes what is sent to it. */
static void go_home(struct http_request *request)
{
    struct admin *admin = OBJECT(request->state, admin);

    page_see_other(request, arena_printf(request->arena, "%s/",
                                         admin->conf->context_path[1] ? admin->conf->context_path : ""));
}

#define READING (METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD))
#define ROWS(access)                                                                                         \
    {                                                                                                        \
        { READING, "/", access, pages_start, "the commands that you may run" },                              \
            { METHOD_BIT(HTTP_POST), "/", access, run_post, "start a command, or go on with it" },           \
            { READING, "/confirmed", access, go_home, "back to the commands" },                              \
            { METHOD_BIT(HTTP_POST), "/confirmed", access, run_confirmed, "run what cannot be undone" },     \
            { .path = NULL },                                                                                \
    }

static const struct http_route routes_for_admins[] = ROWS(ACCESS_ADMIN);
static const struct http_route routes_for_users[] = ROWS(ACCESS_USER);

static void contexts(struct module_host *host, struct router_table *table)
{
    struct admin *admin = OBJECT(host->state, admin);
    struct http_context context = { .path = admin->conf->context_path,
                                    .hosts = &admin->conf->vhosts,
                                    .routes = admin->conf->access == ADMIN_FOR_USERS ? routes_for_users
                                                                                     : routes_for_admins,
                                    .state = admin,
                                    .name = "admin" };

    router_table_add(table, &context);
}

const struct stoa_module stoa_module = {
    .abi = STOA_MODULE_ABI,
    .name = "admin",
    .title = "Administration",
    .sentence = "Runs commands of the XMPP server, its components and Stoa",
    .sections = admin_sections,
    .active = is_active,
    .worker_up = worker_up,
    .worker_down = worker_down,
    .contexts = contexts,
};
