/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: manage_conf.c - the tables of manage { }, and so its part of stoa.tdsl(5). */
#include "manage_conf.h"

#include "base/clock.h"
#include "os/dns.h"

#define INTO(field) offsetof(struct manage_conf, field)

static const char *check_folder(const char *text)
{
    return text[0] == '/' && text[1] != '\0' ? NULL : "the whole path of a folder, as '/var/log/stoa'";
}

static const struct directive directives[] = {
    { .name = "dns-servers",
      .alias = "dnsServers",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = INTO(dns_servers),
      .check = dns_check_servers,
      .manual =
          "Name servers that the command query-dns asks, as addresses with or without port. Empty: those of "
          "/etc/resolv.conf." },
    { .name = "files",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .guarded = true,
      .into = INTO(files),
      .check = check_folder,
      .manual = "Folders, as whole paths, whose files the command get-any-file shows. Empty: log/directory. "
                "Certificates, data and configurations are never shown." },
    { .name = "scripts-dir",
      .alias = "scriptsDir",
      .type = DIRECTIVE_PATH,
      .initial = "scripts/admin",
      .into = INTO(scripts_dir),
      .manual =
          "Folder of commands written in Lua: a folder for each service of components (http, upload), in it "
          "NODE.lua. The command add-script saves there, if the user of the workers may write there." },
    { .name = "script-memory",
      .alias = "scriptMemory",
      .type = DIRECTIVE_SIZE,
      .least = 1024 * 1024,
      .most = 1024 * 1024 * 1024,
      .initial = "8M",
      .unit = "bytes",
      .into = INTO(script_memory),
      .manual = "Memory that one such script may use in each worker." },
    { .name = "script-cpu",
      .alias = "scriptCpu",
      .type = DIRECTIVE_DURATION,
      .least = USEC_PER_MSEC,
      .most = 60 * USEC_PER_SEC,
      .initial = "200ms",
      .unit = "ms",
      .into = INTO(script_cpu),
      .manual = "CPU time that it may use between two waits; beyond it the command fails." },
    { .name = "script-timeout",
      .alias = "scriptTimeout",
      .type = DIRECTIVE_DURATION,
      .least = USEC_PER_SEC,
      .most = 3600 * USEC_PER_SEC,
      .initial = "20s",
      .unit = "s",
      .into = INTO(script_timeout),
      .manual = "Time in which it must answer." },
    DIRECTIVES_END
};

static const struct section section = {
    .name = "manage",
    .size = sizeof(struct manage_conf),
    .directives = directives,
    .manual =
        "Commands by which administrators (xmpp/admins) see and change this service: in the browser, with an "
        "XMPP client, or over REST. It is on unless it is written with active = false.",
};

const struct module_section manage_sections[] = {
    { .path = "", .section = &section },
    { .path = NULL },
};

const struct manage_conf *manage_conf(const struct conf *conf)
{
    return conf_section(conf, "manage");
}
