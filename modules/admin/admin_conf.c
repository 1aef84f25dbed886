/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: admin_conf.c - the directives of admin. */
#include "admin_conf.h"

#include "base/clock.h"

#define INTO(field) offsetof(struct admin_conf, field)

static const char *const access_words[] = { "admins", "users", NULL };

static const struct directive directives[] = {
    { .name = "context-path",
      .alias = "contextPath",
      .type = DIRECTIVE_TEXT,
      .initial = "/admin",
      .into = INTO(context_path),
      .check = settings_check_context_path,
      .manual = "Path of the pages." },
    { .name = "vhosts",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = INTO(vhosts),
      .manual = "Host names for which that path counts. Empty: all." },
    { .name = "access",
      .guarded = true,
      .type = DIRECTIVE_CHOICE,
      .choices = access_words,
      .initial = "admins",
      .into = INTO(access),
      .manual =
          "Who may log in. admins: who is in xmpp/admins, or is shown the server's commands for admins. "
          "users: any account; each sees and runs the commands that the server and Stoa offer to it." },
    { .name = "discovery-timeout",
      .alias = "discoveryTimeout",
      .type = DIRECTIVE_DURATION,
      .least = 100 * USEC_PER_MSEC,
      .most = 30 * USEC_PER_SEC,
      .initial = "PT3S",
      .unit = "s/ms",
      .into = INTO(discovery_timeout),
      .manual =
          "How long the server and its components are waited for when the list of commands is made. Who "
          "has not answered by then is named on the page." },
    { .name = "command-timeout",
      .alias = "commandTimeout",
      .type = DIRECTIVE_DURATION,
      .least = USEC_PER_SEC,
      .most = 110 * USEC_PER_SEC,
      .initial = "PT20S",
      .unit = "s/ms",
      .into = INTO(command_timeout),
      .manual = "How long the answer to one step of a command is waited for." },
    DIRECTIVES_END
};

static const struct section section = {
    .name = "admin",
    .size = sizeof(struct admin_conf),
    .directives = directives,
    .manual =
        "Pages by which the server, its components and Stoa are administered in a browser: the ad-hoc "
        "commands that they offer to who is logged in. Reached from the networks of http/admin-networks "
        "only. Active unless admin (active: false) {} is written.",
};

const struct module_section admin_sections[] = {
    { .path = "http", .section = &section },
    { .path = NULL },
};

const struct admin_conf *admin_conf(const struct conf *conf)
{
    return conf_section(conf, "http/admin");
}
