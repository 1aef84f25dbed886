/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail_conf.h - mailer { } as a struct. Durations in microseconds. */
#ifndef STOA_ACCOUNT_MAIL_CONF_H
#define STOA_ACCOUNT_MAIL_CONF_H

#include "conf/conf.h"

enum mail_security { MAIL_STARTTLS, MAIL_TLS, MAIL_PLAIN };

struct mailer_conf {
    struct conf_section section;
    const char *from_address, *from_name;
    const char *envelope_from; /* NULL: from_address */
    const char *smtp_host;
    int64_t smtp_port;
    const char *smtp_username, *smtp_password; /* NULL: nobody logs in */
    int64_t security;                          /* enum mail_security */
    const char *ca_file;                       /* NULL: the system's authorities */
    const char *helo_name;                     /* NULL: the machine's */
    int64_t connect_timeout, timeout;
    const char *templates; /* folder; NULL: only those that come with Stoa */
    bool html;
    int64_t retry_least, retry_most;
    int64_t give_up, keep_sent, keep_failed;
    int64_t queue_most;
};

extern const struct section mailer_section;
const struct mailer_conf *mailer_conf(const struct conf *conf);
void mailer_check(struct conf *conf);
/* Whether that host can only be this machine: then, and only then, mails may go in plain text. */
bool mail_host_is_loopback(const char *host);

#endif
