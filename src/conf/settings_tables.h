/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: settings_tables.h - the tables of the core's sections, and the checks of their texts. */
#ifndef STOA_CONF_SETTINGS_TABLES_H
#define STOA_CONF_SETTINGS_TABLES_H

#include "conf/directive.h"

extern const struct section settings_http_server;
extern const struct section settings_http;
extern const struct section settings_xmpp;
extern const struct section settings_log;
extern const struct section settings_processes;

/* connection_settings.socket in http { 2222 { } } until settings_of has decided: a domain makes it ssl. */
#define SOCKET_BY_DOMAIN 2

/* For directive.check: NULL when good. */
const char *settings_check_address(const char *text);
const char *settings_check_network(const char *text);
const char *settings_check_domain(const char *text);
const char *settings_check_bare_jid(const char *text);
const char *settings_check_host(const char *text);
const char *settings_check_file_name(const char *text);
const char *settings_check_tls_version(const char *text);
const char *settings_check_web_address(const char *text);
/* 1 to 65535 as digits without leading zeros; 0: not a port. */
unsigned settings_port(const char *text);

#endif
