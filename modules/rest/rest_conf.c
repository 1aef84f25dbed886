/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_conf.c - the table of http { rest { } }, and so its part of stoa.tdsl(5). */
#include "rest_conf.h"

#include "base/clock.h"
#include "conf/settings.h"
#include "keys.h"
#include "module/module.h"
#include "parse/ip.h"

#define OF(field) .into = offsetof(struct rest_conf, field)
#define MIB       (INT64_C(1) << 20)

static const char *check_origin(const char *text)
{
    struct span rest = span_of(text);

    if (span_is(rest, "*"))
        return NULL;
    if (span_starts(rest, SPAN("https://")))
        rest = span_from(rest, 8);
    else if (span_starts(rest, SPAN("http://")))
        rest = span_from(rest, 7);
    else
        rest.size = 0;
    return rest.size > 0 && strpbrk(rest.at, "/?# *") == NULL
               ? NULL
               : "'*', or a scheme and a host as browsers send them, such as 'https://app.example.org'";
}

static const char *check_network(const char *text)
{
    struct ip_network network;

    return ip_network_parse(span_of(text), &network)
               ? NULL
               : "an address or a network, such as '10.0.0.0/8' (no bit set behind the prefix)";
}

static const struct directive rest_directives[] = {
    { .name = "context-path",
      .alias = "contextPath",
      .type = DIRECTIVE_TEXT,
      .initial = "/rest",
      OF(context_path),
      .check = settings_check_context_path,
      .manual = "Path below which the REST interface is served." },
    { .name = "vhosts",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      OF(vhosts),
      .manual = "Host names for which that path counts. Empty: all." },
    { .name = "api-keys",
      .alias = "apiKeys",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .secret = true,
      OF(api_keys),
      .check = keys_check_entry,
      .manual =
          "Keys that let requests in, as KEY, KEY:domain=HOST;HOST, KEY:regex=EXPRESSION;EXPRESSION or "
          "KEY:domain=HOST:regex=EXPRESSION. The host of the request must be one of the hosts, and one "
          "of the expressions (PCRE) must match its whole decoded path, the context's included: "
          "'/rest/.*', not '/rest/*'. A semicolon inside an expression is written \\;. An entry whose "
          "KEY is open_access counts for requests that show no key. Without any entry, and without keys "
          "made by stoactl key add, nobody is let in. Keys made by stoactl are the better ones: stored "
          "hashed, with more scopes, and revoked without a reload." },
    { .name = "open-access",
      .guarded = true,
      .alias = "openAccess",
      .type = DIRECTIVE_BOOL,
      .initial = "false",
      OF(open_access),
      .manual = "Ask nobody for a key. Logins are still asked for." },
    { .name = "reference-errors",
      .alias = "referenceErrors",
      .type = DIRECTIVE_BOOL,
      .initial = "false",
      OF(reference_errors),
      .manual = "Answer what goes wrong behind the login with a bare 404, and a method that does not exist "
                "with 404 too, as the reference does: for clients that look for nothing else." },
    { .name = "data-dir",
      .alias = "dataDir",
      .type = DIRECTIVE_PATH,
      .effect = ON_RESTART,
      OF(data_dir),
      .manual = "Folder of the module's own data base (keys, values of scripts). null: rest in "
                "processes/data-dir." },
    { .name = "cors-origins",
      .alias = "corsOrigins",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      OF(cors_origins),
      .check = check_origin,
      .manual =
          "Web sites whose scripts may use the interface from a browser, as https://app.example.org, or "
          "'*' for all. Cookies never count here." },
    { .name = "max-body",
      .alias = "maxBody",
      .type = DIRECTIVE_SIZE,
      .least = 1024,
      .most = 8 * MIB,
      .initial = "64K",
      .unit = "bytes",
      OF(max_body),
      .manual = "The largest body of a request, where its endpoint has no limit of its own." },
    { .name = "max-avatar",
      .alias = "maxAvatar",
      .type = DIRECTIVE_SIZE,
      .least = 1024,
      .most = 8 * MIB,
      .initial = "3M",
      .unit = "bytes",
      OF(max_avatar),
      .manual =
          "The largest picture that the endpoint avatar shows or takes. One that is set must fit into a "
          "stanza too, about 350 K; XMPP servers may take less." },
    { .name = "avatar-cache",
      .alias = "avatarCache",
      .type = DIRECTIVE_DURATION,
      .most = 3600 * USEC_PER_SEC,
      .initial = "60s",
      .unit = "s",
      OF(avatar_cache),
      .manual =
          "How long each worker remembers a picture that everybody may see, or that there is none. What "
          "is set through Stoa is seen at once all the same. 0: not at all." },
    { .name = "adhoc-timeout",
      .alias = "adhocTimeout",
      .type = DIRECTIVE_DURATION,
      .most = 600 * USEC_PER_SEC,
      .initial = "0",
      .unit = "s",
      OF(adhoc_timeout),
      .manual = "How long a whole command may take, with its steps. 0: xmpp/iq-timeout." },
    { .name = "rest-scripts-dir",
      .alias = "restScriptsDir",
      .type = DIRECTIVE_PATH,
      .initial = "scripts/rest",
      OF(scripts_dir),
      .manual = "Folder of your own scripts: each folder in it is the first part of a path, each NAME.lua in "
                "that an endpoint. They win over shipped ones of the same folder and name." },
    { .name = "shipped-scripts",
      .alias = "shippedScripts",
      .type = DIRECTIVE_BOOL,
      .initial = "true",
      OF(shipped_scripts),
      .manual = "Whether the scripts that come with Stoa (user, users, vhost, stats, pubsub) are served." },
    { .name = "script-memory",
      .alias = "scriptMemory",
      .type = DIRECTIVE_SIZE,
      .least = MIB,
      .most = 1024 * MIB,
      .initial = "16M",
      .unit = "bytes",
      OF(script_memory),
      .manual = "Memory that one script may use in each worker." },
    { .name = "script-cpu",
      .alias = "scriptCpu",
      .type = DIRECTIVE_DURATION,
      .least = USEC_PER_MSEC,
      .most = 10 * USEC_PER_SEC,
      .initial = "100ms",
      .unit = "ms",
      OF(script_cpu),
      .manual = "CPU time that a call of a script may use between two waits. Everybody else in that worker "
                "waits meanwhile." },
    { .name = "script-time",
      .alias = "scriptTime",
      .type = DIRECTIVE_DURATION,
      .least = USEC_PER_SEC,
      .most = 3600 * USEC_PER_SEC,
      .initial = "30s",
      .unit = "s",
      OF(script_time),
      .manual = "Time after which a call of a script must have answered." },
    { .name = "script-calls",
      .alias = "scriptCalls",
      .type = DIRECTIVE_NUMBER,
      .least = 1,
      .most = 10000,
      .initial = "64",
      OF(script_calls),
      .manual = "Calls of one script at once in each worker; further ones are refused." },
    { .name = "fetch-networks",
      .guarded = true,
      .alias = "fetchNetworks",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      OF(fetch_networks),
      .check = check_network,
      .manual = "Private networks from which scripts may fetch all the same, as 10.1.0.0/16. All others that "
                "are not of the public Internet are refused to them." },
    { .name = "fetch-most",
      .alias = "fetchMost",
      .type = DIRECTIVE_SIZE,
      .least = 1024,
      .most = 768 * 1024,
      .initial = "512K",
      .unit = "bytes",
      OF(fetch_most),
      .manual = "The largest answer that a script may fetch; it travels in one letter between processes." },
    DIRECTIVES_END
};

static const struct section rest_section = {
    .name = "rest",
    .size = sizeof(struct rest_conf),
    .directives = rest_directives,
    .manual = "The REST interface: ad-hoc commands, stanzas, avatars, and what scripts add. It is on unless "
              "switched off by rest (active = false) {}, and lets nobody in before there is a key.",
};

const struct module_section rest_sections[] = {
    { .path = "http", .section = &rest_section },
    { .path = NULL },
};

const struct rest_conf *rest_conf(const struct conf *conf)
{
    return conf_section(conf, "http/rest");
}
