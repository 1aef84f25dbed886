/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: settings.h - the core's own sections as structs; their tables are in settings.c.
 *
 * All durations are in microseconds, all sizes in bytes, all paths absolute. */
#ifndef STOA_CONF_SETTINGS_H
#define STOA_CONF_SETTINGS_H

#include "conf/conf.h"

/* ---- httpServer { connections { 8080 { } } } ---- */
enum { SOCKET_PLAIN, SOCKET_SSL };                                       /* connection_settings.socket */
enum { REDIRECT_NEVER, REDIRECT_HTTP, REDIRECT_HTTPS, REDIRECT_ALWAYS }; /* .redirect_condition */

struct connection_settings {
    struct conf_section section; /* its name is the port, or any name when path is set */
    int64_t socket;
    const char *domain;         /* certificate to use: certs/<domain>.pem; NULL: by SNI, then default */
    struct conf_list addresses; /* to bind; default [ '::', '0.0.0.0' ] behaviour: all, both families */
    const char *path;           /* unix socket instead of a TCP port, or NULL */
    int64_t mode;               /* of that socket: octal digits as written, e.g. 660 */
    bool use_http2;             /* offered in TLS, if http_server_settings.http2 allows it */
    bool proxy_protocol;        /* PROXY v1/v2 header expected, from trusted networks only */
    const char *redirect_uri;   /* NULL: none; may hold {host} */
    int64_t redirect_condition;
    int64_t port; /* from the name, by settings_of; 0 when path is set */
};

struct http_server_settings {
    struct conf_section section;
    struct conf_list ports;           /* "ports = 8080, 9050": plain connections beside those below */
    struct conf_sections connections; /* of struct connection_settings; empty and ports empty: plain 8080 */
    int64_t threads;                  /* 0: unset; counts as processes/workers where that is unset */
    int64_t request_timeout;          /* a handler that does not answer: 504 */
    int64_t header_timeout;           /* from the first byte of a request head to its last */
    int64_t idle_timeout;             /* keep-alive between requests */
    int64_t body_timeout;             /* no byte of a body, or none of a reply taken, for so long */
    int64_t min_body_rate;            /* bytes per second, averaged, after 10 s grace; 0: no minimum */
    int64_t max_head_size;            /* request line and fields together */
    int64_t max_headers;
    int64_t max_requests;                /* on one connection; 0: no limit */
    int64_t max_connections;             /* per worker */
    int64_t max_connections_per_address; /* over all workers; 0: no limit; trusted proxies are exempt */
    struct conf_list trusted_proxies; /* addresses or CIDR networks whose Forwarded headers count; 'unix' */
    const char *certs_dir;            /* folder of <domain>.pem (chain and key) */
    const char
        *default_certificate;    /* file in certs_dir without SNI match; NULL: default.pem, else the first */
    const char *tls_min_version; /* '1.2' or '1.3' */
    const char *tls_ciphers;     /* TLS 1.2 list; NULL: ours */
    int64_t tls_ticket_lifetime; /* rotation of ticket keys */
    bool ktls;
    bool http2; /* offered in TLS; connection_settings.use_http2 may refuse it for one */
};

/* ---- xmpp { components { 'upload.example.org' { } } } ---- */
struct component_settings {
    struct conf_section section; /* its name is the component's JID */
    const char *secret;
    const char *service; /* the module that answers there: 'upload', 'http'; default by the first label */
    const char *host;    /* NULL: xmpp/host */
    int64_t port;        /* 0: xmpp/port */
};

enum { C2S_STARTTLS, C2S_DIRECT, C2S_PLAIN }; /* xmpp_settings.c2s_security */

struct xmpp_settings {
    struct conf_section section;
    const char *host;     /* of the server's component listener */
    int64_t port;         /* 5347 */
    const char *c2s_host; /* NULL: host */
    int64_t c2s_port;     /* 5222 */
    int64_t c2s_security;
    const char *c2s_ca_file;    /* NULL: the system's store */
    bool c2s_certificate_check; /* false: any certificate will do */
    int64_t login_cache;        /* how long a proved password is taken without asking the server */
    int64_t session_idle;       /* a user's session that nobody uses is closed after that */
    int64_t sessions_most;
    int64_t login_failures_most;        /* in a row, over all; 0: no limit */
    int64_t login_failures_per_address; /* burst; 0: no limit */
    int64_t login_failures_per_account; /* burst; 0: no limit */
    bool foreign_from;        /* a component may write in the name of addresses that are not its own */
    struct conf_list domains; /* local domains: their users are local */
    struct conf_list admins;  /* bare JIDs */
    int64_t iq_timeout;
    int64_t ping_interval;                   /* of an idle stream, to notice a dead server; 0: never */
    int64_t reconnect_least, reconnect_most; /* back-off between tries, jittered */
    int64_t max_stanza_size;
    struct conf_sections components; /* of struct component_settings */
};

/* ---- http { } : what all HTTP modules share; modules add their own sections below it ---- */
enum { PLAIN_LOGIN_LOOPBACK, PLAIN_LOGIN_ALWAYS }; /* http_settings.plain_login */

struct http_settings {
    struct conf_section section;
    const char *realm;                 /* of HTTP Basic */
    int64_t session_idle;              /* of people in browsers: ends when it was not used for so long */
    int64_t session_life;              /* ends then, used or not */
    int64_t confirm_after;             /* grave acts ask for the password again when it is older */
    int64_t form_life;                 /* how long a form that was shown may be sent */
    int64_t plain_login;               /* who may log in by a form without TLS */
    struct conf_list admin_networks;   /* from where pages of administrators are reached; 'unix' */
    struct conf_sections legacy_ports; /* of struct connection_settings: http { 2222 { socket = 'ssl' } } */
};

/* ---- log { } ---- */
enum { LOG_TO_FILES, LOG_TO_STDERR };  /* log_settings.target: 'files', 'stderr' */
enum { ACCESS_COMBINED, ACCESS_JSON }; /* log_settings.access_format */

struct log_settings {
    struct conf_section section;
    int64_t target;
    const char *directory; /* logs: stoa.log (errors) and access.log */
    int64_t level;         /* choices error, warning, notice, info, debug: as enum log_level of os/log.h */
    bool access;           /* write the access log */
    int64_t access_format;
};

/* ---- processes { } ---- */
struct process_settings {
    struct conf_section section;
    int64_t workers;            /* 0: one per core */
    const char *user, *group;   /* to become when started as root; default 'stoa' */
    const char *pid_file;       /* NULL: none */
    const char *control_socket; /* of stoactl */
    const char *data_dir;       /* LMDB and other state */
    int64_t data_map_size;      /* LMDB map at start; it grows when full */
    int64_t drain_timeout;      /* old workers and SIGQUIT: how long open requests may still take */
    bool changes;               /* administrators may change by command what is not guarded */
    int64_t stuck_timeout;      /* a process whose loop has not turned for so long is killed */
};

struct settings {
    const struct http_server_settings *http_server;
    const struct xmpp_settings *xmpp;
    const struct http_settings *http;
    const struct log_settings *log;
    const struct process_settings *processes;
    /* All that are to be bound, in the conf's memory: active sections of httpServer/connections and http,
     * bare httpServer/ports that have no section, and 8080 when nothing at all is said. socket is decided. */
    const struct connection_settings *const *connections;
    size_t connection_count;
};

void settings_register(struct conf_schema *schema);
/* Fills the pointers and checks what needs more than one directive (conf_complain): two connections on one
 * port, a component without secret, a component JID under no domain (warning), ... */
void settings_of(struct conf *conf, struct settings *settings_r);
/* A check of directives: the path of a module's context, such as /upload. */
const char *settings_check_context_path(const char *text);
/* The number of workers in force (never 0). */
unsigned settings_workers(const struct settings *settings);

#endif
