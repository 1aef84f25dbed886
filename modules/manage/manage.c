/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: manage.c - the module manage: its struct, and its commands put together. */
#include "manage.h"

#include "base/must.h"
#include "os/dns.h"
#include "scripts.h"

#include <stdlib.h>

/* A row for each, so that two who add one do not meet. */
/* clang-format off */
static const struct command_table tables[] = {
    { .service = "http", .rows = any_file_rows },
    { .service = "http", .rows = certificate_rows },
    { .service = "http", .rows = config_module_rows },
    { .service = "http", .rows = config_text_rows },
    { .service = "http", .rows = config_update_rows },
    { .service = "http", .rows = list_command_rows },
    { .service = "http", .rows = query_dns_rows },
    { .service = "http", .rows = scripts_rows },
    { .service = "http", .rows = stats_rows },
    { .service = "http", .rows = tracker_rows },
    { .service = "upload", .rows = list_command_rows },
    { .service = "upload", .rows = scripts_rows },
    { .service = NULL },
};
/* clang-format on */

static int worker_up(struct module_host *host)
{
    struct manage *manage = must_alloc(sizeof(*manage));

    OBJECT_BORN(manage, manage);
    manage->host = host;
    manage->conf = manage_conf(host->conf);
    host->state = manage;
    manage->scripts = scripts_open(manage);
    return 0;
}

static void worker_down(struct module_host *host)
{
    struct manage *manage = OBJECT(host->state, manage);

    scripts_close(&manage->scripts);
    host->state = NULL;
    dns_free(&manage->dns);
    OBJECT_DEAD(manage);
    free(manage);
}

static bool is_active(const struct conf *conf)
{
    return manage_conf(conf)->section.active;
}

const struct stoa_module stoa_module = {
    .abi = STOA_MODULE_ABI,
    .name = "manage",
    .title = "Management commands",
    .sentence = "Commands to see and change this service, for XMPP clients, REST and the browser",
    .sections = manage_sections,
    .active = is_active,
    .worker_up = worker_up,
    .worker_down = worker_down,
    .adhoc = tables,
    .adhoc_source = &scripts_source,
};
