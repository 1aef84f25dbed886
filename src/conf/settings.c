/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: settings.c - the tables of xmpp { }, log { } and processes { }, and what other servers'
 * files hold that has no place here. */
#include "conf/settings.h"

#include "conf/settings_tables.h"

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)

/* ---- xmpp { } ---- */

#define OF(field)   .into = offsetof(struct xmpp_settings, field)
#define COMP(field) .into = offsetof(struct component_settings, field)

static const char *const security_words[] = { "starttls", "direct", "plain", NULL };

static const struct directive component_directives[] = {
    { .name = "secret",
      .type = DIRECTIVE_TEXT,
      .effect = ON_RELOAD,
      .secret = true,
      COMP(secret),
      .manual = "What the XMPP server has as this component's password. Must be given; "
                "env('NAME') keeps it out of the file." },
    { .name = "service",
      .type = DIRECTIVE_TEXT,
      .effect = ON_RELOAD,
      COMP(service),
      .manual = "Who answers at this address: upload, or http for all else. Without it the first label of "
                "the JID decides: upload.example.org is upload, any other is http." },
    { .name = "host",
      .type = DIRECTIVE_TEXT,
      .check = settings_check_host,
      .effect = ON_RELOAD,
      COMP(host),
      .manual = "The server of this component, where it is not xmpp/host." },
    { .name = "port",
      .type = DIRECTIVE_NUMBER,
      .most = 65535,
      .initial = "0",
      .effect = ON_RELOAD,
      COMP(port),
      .manual = "Its port; 0: xmpp/port." },
    DIRECTIVES_END,
};

static const struct section component_sections[] = {
    { .name = "*",
      .name_is = "JID",
      .size = sizeof(struct component_settings),
      .into = offsetof(struct xmpp_settings, components),
      .directives = component_directives,
      .check_name = settings_check_domain,
      .manual = "One component, under the JID that the XMPP server knows it by." },
    SECTIONS_END,
};

static const struct section xmpp_sections[] = {
    { .name = "components",
      .guarded = true,
      .sections = component_sections,
      .manual = "The addresses under which Stoa is connected to the XMPP server (XEP-0114)." },
    SECTIONS_END,
};

static const struct directive xmpp_directives[] = {
    { .name = "host",
      .guarded = true,
      .type = DIRECTIVE_TEXT,
      .check = settings_check_host,
      .initial = "127.0.0.1",
      .effect = ON_RELOAD,
      OF(host),
      .manual = "Where the XMPP server listens for components." },
    { .name = "port",
      .guarded = true,
      .type = DIRECTIVE_NUMBER,
      .least = 1,
      .most = 65535,
      .initial = "5347",
      .effect = ON_RELOAD,
      OF(port),
      .manual = "Its port for components." },
    { .name = "c2s-host",
      .guarded = true,
      .type = DIRECTIVE_TEXT,
      .check = settings_check_host,
      .effect = ON_RELOAD,
      OF(c2s_host),
      .manual = "Where it listens for clients: users are logged in there. Without it the same as host." },
    { .name = "c2s-port",
      .guarded = true,
      .type = DIRECTIVE_NUMBER,
      .least = 1,
      .most = 65535,
      .initial = "5222",
      .effect = ON_RELOAD,
      OF(c2s_port),
      .manual = "Its port for clients." },
    { .name = "c2s-security",
      .guarded = true,
      .type = DIRECTIVE_CHOICE,
      .choices = security_words,
      .initial = "starttls",
      .effect = ON_RELOAD,
      OF(c2s_security),
      .manual =
          "How logins are protected: starttls (port 5222), direct TLS (usually port 5223), or plain: not "
          "at all, which is allowed on the loopback and on unix sockets only." },
    { .name = "c2s-ca-file",
      .type = DIRECTIVE_PATH,
      .effect = ON_RELOAD,
      OF(c2s_ca_file),
      .manual =
          "A file of certificates, in PEM, of authorities that may vouch for the server's certificate, or "
          "the server's own one. Without it the system's store. The certificate must hold the domain of "
          "the user who logs in." },
    { .name = "c2s-certificate-check",
      .guarded = true,
      .type = DIRECTIVE_BOOL,
      .initial = "true",
      .effect = ON_RELOAD,
      OF(c2s_certificate_check),
      .manual = "false: any certificate will do. Then whoever can stand between Stoa and the server can read "
                "passwords; harmless only on the loopback." },
    { .name = "login-cache",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .most = HOUR,
      .initial = "3m",
      .effect = ON_RELOAD,
      OF(login_cache),
      .manual =
          "How long a proved password is taken without asking the server again; 0: it is always asked. A "
          "changed password stays good for so long at most." },
    { .name = "session-idle",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .least = SECOND,
      .most = 24 * HOUR,
      .initial = "5m",
      .effect = ON_RELOAD,
      OF(session_idle),
      .manual =
          "After so long without use the session that Stoa keeps for a user at the server is closed. There "
          "is never more than one for a user." },
    { .name = "sessions-most",
      .type = DIRECTIVE_NUMBER,
      .least = 1,
      .most = 20000,
      .initial = "1000",
      .effect = ON_RELOAD,
      OF(sessions_most),
      .manual = "How many such sessions there may be; beyond that the one that was not used for longest is "
                "closed." },
    { .name = "login-failures-most",
      .type = DIRECTIVE_NUMBER,
      .most = 1000000,
      .initial = "16",
      .effect = ON_RELOAD,
      OF(login_failures_most),
      .manual =
          "How many wrong passwords in a row Stoa shows to the server, whoever sent them; 0: no limit. The "
          "first half at once, the other half one in six minutes, then none for an hour; a right password "
          "begins anew. Passwords that were right lately are always tried. Many servers ban an address that "
          "fails too often, and Stoa has one address for all its users: ejabberd with mod_fail2ban does at "
          "the "
          "20th failure in a row, for an hour. Raise it, or set 0, where the server exempts Stoa's address "
          "(mod_fail2ban: {access: RULE}) or does not ban." },
    { .name = "login-failures-per-address",
      .type = DIRECTIVE_NUMBER,
      .most = 1000000,
      .initial = "10",
      .effect = ON_RELOAD,
      OF(login_failures_per_address),
      .manual =
          "How many wrong passwords may come from one client address (of IPv6: from one /64) at once; one "
          "more each minute; 0: no limit." },
    { .name = "login-failures-per-account",
      .type = DIRECTIVE_NUMBER,
      .most = 1000000,
      .initial = "5",
      .effect = ON_RELOAD,
      OF(login_failures_per_account),
      .manual = "How many wrong passwords may be tried for one account at once; one more each minute; 0: no "
                "limit. A password that was right lately is always tried." },
    { .name = "foreign-from",
      .guarded = true,
      .type = DIRECTIVE_BOOL,
      .initial = "false",
      .effect = ON_RELOAD,
      OF(foreign_from),
      .manual =
          "true: stanzas of scripts and of REST may bear any sender's address and go over the component's "
          "stream. A server that was not told to allow it (Prosody: validate_from_addresses = false, "
          "ejabberd: check_from: false) closes the stream for the first of them." },
    { .name = "domains",
      .guarded = true,
      .type = DIRECTIVE_TEXT_LIST,
      .check = settings_check_domain,
      .effect = ON_RELOAD,
      OF(domains),
      .manual =
          "The domains of the XMPP server: their users are local. Without it the JIDs of the components "
          "without their first label." },
    { .name = "admins",
      .guarded = true,
      .type = DIRECTIVE_TEXT_LIST,
      .check = settings_check_bare_jid,
      .effect = ON_RELOAD,
      OF(admins),
      .manual = "Bare JIDs of those who may do everything." },
    { .name = "iq-timeout",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .least = SECOND,
      .most = HOUR,
      .initial = "20s",
      .effect = ON_RELOAD,
      OF(iq_timeout),
      .manual = "How long an answer to a question of ours may take. Keep it under 30 seconds: proxies in "
                "front of Stoa give up then." },
    { .name = "ping-interval",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .most = 24 * HOUR,
      .initial = "60s",
      .effect = ON_RELOAD,
      OF(ping_interval),
      .manual = "After so much silence the server is pinged, to notice that it is gone; 0: never." },
    { .name = "reconnect-least",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .least = SECOND / 10,
      .most = HOUR,
      .initial = "1s",
      .effect = ON_RELOAD,
      OF(reconnect_least),
      .manual =
          "The wait before the first try to connect again; it doubles with each try, and is jittered." },
    { .name = "reconnect-most",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .least = SECOND / 10,
      .most = 24 * HOUR,
      .initial = "60s",
      .effect = ON_RELOAD,
      OF(reconnect_most),
      .manual = "The longest such wait." },
    { .name = "max-stanza-size",
      .type = DIRECTIVE_SIZE,
      .unit = "bytes",
      .least = 10000,
      .most = 16 << 20,
      .initial = "2M",
      .effect = ON_RELOAD,
      OF(max_stanza_size),
      .manual =
          "The largest stanza that is taken from the server. On a component's stream a larger one is passed "
          "over, and whoever waits for it waits in vain; a user's session ends. A user's own largest stanza "
          "(256 K in common settings) may be six times as large here, as servers escape each quotation mark "
          "in it." },
    DIRECTIVES_END,
};

const struct section settings_xmpp = {
    .name = "xmpp",
    .size = sizeof(struct xmpp_settings),
    .directives = xmpp_directives,
    .sections = xmpp_sections,
    .manual = "The XMPP server that Stoa stands beside.",
};

/* ---- log { } ---- */

#undef OF
#define OF(field) .into = offsetof(struct log_settings, field)

static const char *const target_words[] = { "files", "stderr", NULL };
static const char *const level_words[] = { "error", "warning", "notice", "info", "debug", NULL };
static const char *const access_words[] = { "combined", "json", NULL };

static const struct directive log_directives[] = {
    { .name = "target",
      .type = DIRECTIVE_CHOICE,
      .choices = target_words,
      .initial = "files",
      .effect = ON_RELOAD,
      OF(target),
      .manual = "files: stoa.log and access.log in directory; stderr: for systemd, with its priorities." },
    { .name = "directory",
      .type = DIRECTIVE_PATH,
      .initial = "logs",
      .effect = ON_RELOAD,
      OF(directory),
      .manual = "The folder of the log files." },
    { .name = "level",
      .type = DIRECTIVE_CHOICE,
      .choices = level_words,
      .initial = "info",
      .effect = ON_RELOAD,
      OF(level),
      .manual = "What is written: this and all that is graver." },
    { .name = "access",
      .type = DIRECTIVE_BOOL,
      .initial = "true",
      .effect = ON_RELOAD,
      OF(access),
      .manual = "Writes a line for each request." },
    { .name = "access-format",
      .type = DIRECTIVE_CHOICE,
      .choices = access_words,
      .initial = "combined",
      .effect = ON_RELOAD,
      OF(access_format),
      .manual = "combined: as most web servers write it, with the request's id behind; json: an object on "
                "each line." },
    DIRECTIVES_END,
};

const struct section settings_log = {
    .name = "log",
    .size = sizeof(struct log_settings),
    .directives = log_directives,
    .manual = "The logs.",
};

/* ---- processes { } ---- */

#undef OF
#define OF(field) .into = offsetof(struct process_settings, field)

static const struct directive process_directives[] = {
    { .name = "workers",
      .type = DIRECTIVE_NUMBER,
      .most = 64,
      .initial = "0",
      .effect = ON_RELOAD,
      OF(workers),
      .manual =
          "How many workers serve HTTP; 0: httpServer/threads if that is set, else one for each core." },
    { .name = "user",
      .type = DIRECTIVE_TEXT,
      .initial = "stoa",
      .effect = ON_RESTART,
      OF(user),
      .manual = "Whom all processes but the first become when Stoa is started as root." },
    { .name = "group",
      .type = DIRECTIVE_TEXT,
      .effect = ON_RESTART,
      OF(group),
      .manual = "Their group. Without it the user's own." },
    { .name = "pid-file",
      .type = DIRECTIVE_PATH,
      .effect = ON_RESTART,
      OF(pid_file),
      .manual = "A file that holds the number of the first process. Without it none is written." },
    { .name = "control-socket",
      .type = DIRECTIVE_PATH,
      .initial = "run/stoactl.sock",
      .effect = ON_RESTART,
      OF(control_socket),
      .manual = "The socket through which stoactl(1) speaks to the daemon." },
    { .name = "data-dir",
      .type = DIRECTIVE_PATH,
      .initial = "data",
      .effect = ON_RESTART,
      OF(data_dir),
      .manual = "The folder of the data base and other state." },
    { .name = "data-map-size",
      .type = DIRECTIVE_SIZE,
      .unit = "bytes",
      .least = 1 << 20,
      .most = INT64_C(1) << 44,
      .initial = "16G",
      .effect = ON_RESTART,
      OF(data_map_size),
      .manual =
          "The room of the data base at first, in addresses, not on the disk; it grows when it is full." },
    { .name = "changes",
      .type = DIRECTIVE_BOOL,
      .initial = "true",
      .effect = ON_RELOAD,
      OF(changes),
      .manual = "Whether administrators may change settings and certificates by command. false: only who may "
                "write to the configuration or use stoactl can; what was changed before stays." },
    { .name = "drain-timeout",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .most = 24 * HOUR,
      .initial = "60s",
      .effect = ON_RELOAD,
      OF(drain_timeout),
      .manual = "How long open requests may still take after a reload, or when Stoa is asked to drain." },
    { .name = "stuck-timeout",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .least = SECOND,
      .most = HOUR,
      .initial = "30s",
      .effect = ON_RELOAD,
      OF(stuck_timeout),
      .manual = "A process that gives no sign of life for so long is killed and started anew." },
    DIRECTIVES_END,
};

const struct section settings_processes = {
    .name = "processes",
    .guarded = true,
    .size = sizeof(struct process_settings),
    .directives = process_directives,
    .manual = "The processes of the daemon, and where they keep what they keep.",
};

/* ---- all of it ---- */

/* A file that was written for a whole XMPP server loads here too; what is not ours is skipped, not refused.
 */
static const struct {
    const char *name, *why;
} elsewhere[] = {
    { "admins", "write xmpp { admins = [ 'admin@example.org' ] } instead" },
    { "default-virtual-host", "write xmpp { domains = [ 'example.org' ] } instead" },
    { "virtual-hosts", "write xmpp { domains = [ 'example.org' ] } instead" },
    { "debug", "write log { level = debug } instead" },
    { "debug-packages", "write log { level = debug } instead" },
    { "logging", "write log { } instead" },
    { "dataSource", "Stoa keeps its own data base: see processes { data-dir }" },
    { "data-source", "Stoa keeps its own data base: see processes { data-dir }" },
    { "userRepository", "users belong to the XMPP server" },
    { "authRepository", "users belong to the XMPP server" },
    { "mailer", "the module that sends mail is not installed" },
    { "account-email-password-resetter", "the module that resets passwords is not installed" },
    { "account-registration-email-validator", "the module that confirms accounts is not installed" },
    { "rest", "the module stands below http: write http { rest { } }" },
    { "config-type", "Stoa has one kind of configuration" },
    { "cluster-mode", "Stoa does not form clusters with the XMPP server" },
    { "cluster-nodes", "Stoa does not form clusters with the XMPP server" },
    { "cl-comp", "Stoa does not form clusters with the XMPP server" },
    { "sess-man", "it is a part of the XMPP server" },
    { "c2s", "it is a part of the XMPP server" },
    { "s2s", "it is a part of the XMPP server" },
    { "bosh", "it is a part of the XMPP server" },
    { "ws2s", "it is a part of the XMPP server" },
    { "ext", "it is a part of the XMPP server; Stoa's own components are in xmpp { components { } }" },
    { "ext-comp", "it is a part of the XMPP server; Stoa's own components are in xmpp { components { } }" },
    { "message-router", "it is a part of the XMPP server" },
    { "message-archive", "it is a part of the XMPP server" },
    { "muc", "it is a part of the XMPP server" },
    { "pubsub", "it is a part of the XMPP server" },
    { "vhost-man", "it is a part of the XMPP server" },
    { "monitor", "it is a part of the XMPP server" },
    { "stats", "it is a part of the XMPP server; stoactl status shows Stoa's own figures" },
    { "amp", "it is a part of the XMPP server" },
    { "push", "it is a part of the XMPP server" },
    { "proxy", "it is a part of the XMPP server" },
    { "spam-filter", "it is a part of the XMPP server" },
    { "certificate-container", "certificates are files in httpServer/certs-dir" },
    { "scheduler_pool-size", "Stoa has no threads to size" },
};

void settings_register(struct conf_schema *schema)
{
    conf_schema_add(schema, "", &settings_http_server);
    conf_schema_add(schema, "", &settings_xmpp);
    conf_schema_add(schema, "", &settings_http);
    conf_schema_add(schema, "", &settings_log);
    conf_schema_add(schema, "", &settings_processes);
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
        conf_schema_absent(schema, "", elsewhere[i].name, elsewhere[i].why);
}
