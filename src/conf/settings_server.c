/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: settings_server.c - the tables of httpServer { } and http { }. */
#include "conf/settings.h"
#include "conf/settings_tables.h"

#define SECOND      INT64_C(1000000)
#define HOUR        (3600 * SECOND)
#define OF(field)   .into = offsetof(struct http_server_settings, field)
#define PORT(field) .into = offsetof(struct connection_settings, field)

static const char *const socket_words[] = { "plain", "ssl", NULL };
static const char *const legacy_socket_words[] = { "plain", "ssl", "by-domain", NULL };
static const char *const redirect_words[] = { "never", "http", "https", "always", NULL };

/* What both places for a connection know beside their socket. */
#define CONNECTION_ROWS                                                                                      \
    { .name = "domain",                                                                                      \
      .type = DIRECTIVE_TEXT,                                                                                \
      .check = settings_check_domain,                                                                        \
      .effect = ON_RELOAD,                                                                                   \
      PORT(domain),                                                                                          \
      .manual = "The certificate that this connection shows: the file of that name, with .pem behind it, "   \
                "in certs-dir. Without it the client's wish (SNI) decides, then default-certificate." },     \
        { .name = "addresses",                                                                               \
          .type = DIRECTIVE_TEXT_LIST,                                                                       \
          .check = settings_check_address,                                                                   \
          .effect = ON_RELOAD,                                                                               \
          PORT(addresses),                                                                                   \
          .manual = "The addresses to listen on. An empty list means all, IPv6 and IPv4." },                 \
        { .name = "path",                                                                                    \
          .type = DIRECTIVE_PATH,                                                                            \
          .effect = ON_RELOAD,                                                                               \
          PORT(path),                                                                                        \
          .manual = "A unix socket to listen on instead of a port. The name of the section is then free." }, \
        { .name = "mode",                                                                                    \
          .type = DIRECTIVE_NUMBER,                                                                          \
          .most = 777,                                                                                       \
          .initial = "660",                                                                                  \
          .effect = ON_RELOAD,                                                                               \
          PORT(mode),                                                                                        \
          .manual = "The permissions of that socket, in octal digits as chmod(1) takes them." },             \
        { .name = "proxy-protocol",                                                                          \
          .type = DIRECTIVE_BOOL,                                                                            \
          .initial = "false",                                                                                \
          .effect = ON_RELOAD,                                                                               \
          PORT(proxy_protocol),                                                                              \
          .manual = "Each connection begins with a PROXY header of version 1 or 2, which names the true "    \
                    "client. Only peers among trusted-proxies may connect." },                               \
        { .name = "redirect-uri",                                                                            \
          .alias = "redirectUri",                                                                            \
          .type = DIRECTIVE_TEXT,                                                                            \
          .check = settings_check_web_address,                                                               \
          .effect = ON_RELOAD,                                                                               \
          PORT(redirect_uri),                                                                                \
          .manual = "Where requests are sent when redirect-condition holds, as https://{host}:8443; "        \
                    "{host} is the host that was asked for, and path and query are added." },                \
        { .name = "redirect-condition",                                                                      \
          .alias = "redirectCondition",                                                                      \
          .type = DIRECTIVE_CHOICE,                                                                          \
          .choices = redirect_words,                                                                         \
          .initial = "never",                                                                                \
          .effect = ON_RELOAD,                                                                               \
          PORT(redirect_condition),                                                                          \
          .manual = "Which requests are redirected: none, those that came by http, those that came by "      \
                    "https, or all. What a trusted proxy says about the scheme counts." },                   \
    {                                                                                                        \
        .name = "use-http2", .type = DIRECTIVE_BOOL, .initial = "true", .effect = ON_RELOAD,                 \
        PORT(use_http2),                                                                                     \
        .manual = "Offers HTTP/2 on this connection, if http2 above is true as well. On plain connections "  \
                  "it is not spoken."                                                                        \
    }

static const struct directive connection_directives[] = {
    { .name = "socket",
      .type = DIRECTIVE_CHOICE,
      .choices = socket_words,
      .initial = "plain",
      .effect = ON_RELOAD,
      PORT(socket),
      .manual = "plain: HTTP; ssl: HTTPS." },
    CONNECTION_ROWS,
    DIRECTIVES_END,
};

static const struct directive legacy_directives[] = {
    { .name = "socket",
      .type = DIRECTIVE_CHOICE,
      .choices = legacy_socket_words,
      .initial = "by-domain",
      .effect = ON_RELOAD,
      PORT(socket),
      .manual = "plain: HTTP; ssl: HTTPS; by-domain: ssl when a domain is given, else plain." },
    CONNECTION_ROWS,
    DIRECTIVES_END,
};

static const struct section connection_sections[] = {
    { .name = "*",
      .name_is = "port",
      .size = sizeof(struct connection_settings),
      .into = offsetof(struct http_server_settings, connections),
      .directives = connection_directives,
      .manual = "One port to listen on, or a unix socket when path is given." },
    SECTIONS_END,
};

#define PORTS_TEXT                                                                                           \
    "Ports for plain HTTP beside those of the connections sections. A port that has such a section is as "   \
    "that section says."

static const struct directive connections_directives[] = {
    { .name = "ports",
      .guarded = true,
      .type = DIRECTIVE_TEXT_LIST,
      .effect = ON_RELOAD,
      OF(ports),
      .manual = PORTS_TEXT },
    DIRECTIVES_END,
};

#define REQUEST_TIMEOUT_TEXT                                                                                 \
    "How long a module may take for its answer before the client gets 504. Bare digits below 1000 are "      \
    "seconds, others milliseconds, since files of both kinds exist; better write a unit."
#define THREADS_TEXT                                                                                         \
    "The number of workers, when processes/workers does not say it. Stoa has processes where others have "   \
    "threads, and one for each core is enough."

/* Where newer files of the reference keep two of its settings. */
static const struct directive executor_directives[] = {
    { .name = "threads",
      .type = DIRECTIVE_NUMBER,
      .most = 10000,
      OF(threads),
      .effect = ON_RELOAD,
      .manual = THREADS_TEXT },
    { .name = "request-timeout",
      .type = DIRECTIVE_DURATION,
      .unit = "ms",
      .least = SECOND,
      .most = 24 * HOUR,
      .effect = ON_RELOAD,
      OF(request_timeout),
      .manual = "As request-timeout above." },
    { .name = "accept-timeout", .type = DIRECTIVE_OBSOLETE, .manual = "accepting never waits here" },
    DIRECTIVES_END,
};

static const struct section server_sections[] = {
    { .name = "connections",
      .guarded = true,
      .directives = connections_directives,
      .sections = connection_sections,
      .manual = "The ports to listen on. Without any, and without ports, it is 8080 with plain HTTP." },
    { .name = "executor",
      .directives = executor_directives,
      .manual = "Another place for threads and request-timeout." },
    SECTIONS_END,
};

#define TIMEOUT(directive_name, field, value, text)                                                          \
    {                                                                                                        \
        .name = (directive_name), .type = DIRECTIVE_DURATION, .unit = "s", .least = SECOND,                  \
        .most = 24 * HOUR, .initial = (value), .effect = ON_RELOAD, OF(field), .manual = (text)              \
    }

static const struct directive server_directives[] = {
    { .name = "ports",
      .guarded = true,
      .type = DIRECTIVE_TEXT_LIST,
      .effect = ON_RELOAD,
      OF(ports),
      .manual = PORTS_TEXT },
    { .name = "threads",
      .type = DIRECTIVE_NUMBER,
      .most = 10000,
      .effect = ON_RELOAD,
      OF(threads),
      .manual = THREADS_TEXT },
    { .name = "request-timeout",
      .alias = "requestTimeout",
      .type = DIRECTIVE_DURATION,
      .unit = "s/ms",
      .least = SECOND,
      .most = 24 * HOUR,
      .initial = "60s",
      .effect = ON_RELOAD,
      OF(request_timeout),
      .manual = REQUEST_TIMEOUT_TEXT },
    TIMEOUT("header-timeout", header_timeout, "10s",
            "How long a client may take for the head of a request, from its first byte to its last."),
    TIMEOUT("idle-timeout", idle_timeout, "60s", "How long a connection stays open between two requests."),
    TIMEOUT("body-timeout", body_timeout, "30s",
            "How long a client may send no byte of a body, or take no byte of a reply."),
    { .name = "min-body-rate",
      .type = DIRECTIVE_SIZE,
      .unit = "bytes",
      .most = INT64_C(1) << 30,
      .initial = "100",
      .effect = ON_RELOAD,
      OF(min_body_rate),
      .manual = "The bytes a second that a body must reach on average once it has run for 10 seconds; 0 "
                "asks for none. The default leaves room for the slowest phone." },
    { .name = "max-head-size",
      .type = DIRECTIVE_SIZE,
      .unit = "bytes",
      .least = 1024,
      .most = 65536,
      .initial = "16K",
      .effect = ON_RELOAD,
      OF(max_head_size),
      .manual = "The largest request line and header fields together; more is answered with 414 or 431." },
    { .name = "max-headers",
      .type = DIRECTIVE_NUMBER,
      .least = 8,
      .most = 128,
      .initial = "100",
      .effect = ON_RELOAD,
      OF(max_headers),
      .manual = "The most header fields in a request; more is answered with 431." },
    { .name = "max-requests",
      .type = DIRECTIVE_NUMBER,
      .most = 1000000000,
      .initial = "0",
      .effect = ON_RELOAD,
      OF(max_requests),
      .manual = "How many requests one connection may carry; 0: any number." },
    { .name = "max-connections",
      .type = DIRECTIVE_NUMBER,
      .least = 1,
      .most = 1000000,
      .initial = "10000",
      .effect = ON_RELOAD,
      OF(max_connections),
      .manual = "The most connections that one worker holds open." },
    { .name = "max-connections-per-address",
      .type = DIRECTIVE_NUMBER,
      .most = 1000000,
      .initial = "256",
      .effect = ON_RELOAD,
      OF(max_connections_per_address),
      .manual = "The most connections from one address, over all workers; 0: any number. Trusted proxies "
                "are exempt." },
    { .name = "trusted-proxies",
      .guarded = true,
      .type = DIRECTIVE_TEXT_LIST,
      .check = settings_check_network,
      .effect = ON_RELOAD,
      OF(trusted_proxies),
      .manual = "Addresses and networks of reverse proxies; the word unix stands for all unix sockets. From "
                "these alone Forwarded, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host and PROXY "
                "headers are believed." },
    { .name = "certs-dir",
      .type = DIRECTIVE_PATH,
      .initial = "certs",
      .effect = ON_RELOAD,
      OF(certs_dir),
      .manual = "The folder of the certificates: for each domain a file, as example.org.pem, with the chain "
                "and the private key." },
    { .name = "default-certificate",
      .type = DIRECTIVE_TEXT,
      .check = settings_check_file_name,
      .effect = ON_RELOAD,
      OF(default_certificate),
      .manual = "The file in certs-dir for clients whose wish matches no other. Without it default.pem, and "
                "without that the first by name." },
    { .name = "tls-min-version",
      .type = DIRECTIVE_TEXT,
      .check = settings_check_tls_version,
      .initial = "1.2",
      .effect = ON_RELOAD,
      OF(tls_min_version),
      .manual = "The oldest version of TLS that is spoken: 1.2 or 1.3." },
    { .name = "tls-ciphers",
      .type = DIRECTIVE_TEXT,
      .effect = ON_RELOAD,
      OF(tls_ciphers),
      .manual = "The ciphers for TLS 1.2, as openssl-ciphers(1) writes them. Without it only those with "
                "forward secrecy and authenticated encryption." },
    { .name = "tls-ticket-lifetime",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .least = 60 * SECOND,
      .most = 7 * 24 * HOUR,
      .initial = "PT12H",
      .effect = ON_RELOAD,
      OF(tls_ticket_lifetime),
      .manual = "How long a TLS session may be resumed. The keys of the tickets are renewed within it." },
    { .name = "ktls",
      .type = DIRECTIVE_BOOL,
      .initial = "true",
      .effect = ON_RELOAD,
      OF(ktls),
      .manual = "Lets the kernel encrypt files on their way out where it can." },
    { .name = "http2",
      .type = DIRECTIVE_BOOL,
      .initial = "true",
      .effect = ON_RELOAD,
      OF(http2),
      .manual = "Offers HTTP/2 on ssl connections; a client that does not ask for it gets HTTP/1.1. It is "
                "not spoken on plain connections (h2c): a proxy in front speaks HTTP/1.1 to Stoa." },
    { .name = "server-class", .type = DIRECTIVE_OBSOLETE, .manual = "there is one HTTP server here" },
    DIRECTIVES_END,
};

const struct section settings_http_server = {
    .name = "httpServer",
    .size = sizeof(struct http_server_settings),
    .directives = server_directives,
    .sections = server_sections,
    .manual = "The HTTP server: where it listens, and what a client may cost.",
};

/* ---- http { } ---- */

static const char *check_legacy_port(const char *name)
{
    return settings_port(name) ? NULL : "a port number, or the name of a module that is installed";
}

static const char *check_realm(const char *text)
{
    for (const char *at = text; *at; at++)
        if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\')
            return "printable ASCII without quotes and backslashes, such as 'stoa'";
    return NULL;
}

static const char *const plain_words[] = { "loopback", "always", NULL };

static const struct directive http_directives[] = {
    { .name = "realm",
      .type = DIRECTIVE_TEXT,
      .check = check_realm,
      .initial = "stoa",
      .effect = ON_RELOAD,
      .into = offsetof(struct http_settings, realm),
      .manual = "What HTTP clients are told that they log in to. Clients written for Tigase may look for "
                "TigasePlain." },
    { .name = "session-idle",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .least = 10 * SECOND,
      .most = 7 * 24 * HOUR,
      .initial = "30m",
      .effect = ON_RELOAD,
      .into = offsetof(struct http_settings, session_idle),
      .manual = "Who logged in by a browser is logged out when nothing was asked for so long." },
    { .name = "session-life",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .least = 10 * SECOND,
      .most = 30 * 24 * HOUR,
      .initial = "12h",
      .effect = ON_RELOAD,
      .into = offsetof(struct http_settings, session_life),
      .manual = "Who logged in by a browser is logged out after so long in any case." },
    { .name = "confirm-after",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .least = SECOND,
      .most = 24 * HOUR,
      .initial = "10m",
      .effect = ON_RELOAD,
      .into = offsetof(struct http_settings, confirm_after),
      .manual = "Acts that cannot be undone ask for the password again when it was typed longer ago." },
    { .name = "form-life",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .least = 60 * SECOND,
      .most = 24 * HOUR,
      .initial = "2h",
      .effect = ON_RELOAD,
      .into = offsetof(struct http_settings, form_life),
      .manual =
          "How long a form that a page shows may be sent. Later it is shown anew, and nothing is done." },
    { .name = "plain-login",
      .guarded = true,
      .type = DIRECTIVE_CHOICE,
      .choices = plain_words,
      .initial = "loopback",
      .effect = ON_RELOAD,
      .into = offsetof(struct http_settings, plain_login),
      .manual = "Who may log in by a form over a connection without TLS: loopback, those on this machine; "
                "always, everybody: then whoever can listen on the way can read passwords." },
    { .name = "admin-networks",
      .guarded = true,
      .type = DIRECTIVE_TEXT_LIST,
      .check = settings_check_network,
      .initial = "[ '127.0.0.0/8', '::1', 'unix' ]",
      .effect = ON_RELOAD,
      .into = offsetof(struct http_settings, admin_networks),
      .manual =
          "Addresses and networks from which pages of administrators are reached; the word unix stands for "
          "all unix sockets. Others are refused before they are asked who they are. What is reached through "
          "trusted proxies counts with the address of the client. The REST interface has rules of its own. A "
          "network beyond the loopback needs connections that are encrypted, bound to the loopback, or "
          "reached through trusted proxies alone: else the configuration is refused." },
    { .name = "server-class", .type = DIRECTIVE_OBSOLETE, .manual = "there is one HTTP server here" },
    DIRECTIVES_END,
};

static const struct section http_sections[] = {
    { .name = "*",
      .guarded = true,
      .name_is = "port",
      .size = sizeof(struct connection_settings),
      .into = offsetof(struct http_settings, legacy_ports),
      .directives = legacy_directives,
      .check_name = check_legacy_port,
      .manual = "A connection, as old files write it; httpServer/connections is the better place." },
    SECTIONS_END,
};

const struct section settings_http = {
    .name = "http",
    .size = sizeof(struct http_settings),
    .directives = http_directives,
    .sections = http_sections,
    .manual = "The HTTP modules. Each adds a section of its own name, which knows at least active, "
              "context-path and vhosts.",
};
