/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: account_conf.h - the sections account { } and account-email-password-resetter { } as
 * structs; microseconds. */
#ifndef STOA_ACCOUNT_ACCOUNT_CONF_H
#define STOA_ACCOUNT_ACCOUNT_CONF_H

#include "module/module.h"

struct account_conf {
    struct conf_section section;
    const char *context_path;
    struct conf_list vhosts;
    const char *link_base; /* without a slash at its end; NULL: unset */
    bool password_reset;
    bool use_component;
    const char *admin_jid, *admin_password; /* NULL: none */
    bool trust_vcard;
    bool reset_admins;
    bool reveal;
    int64_t link_life;
    int64_t password_least;
    int64_t captcha, captcha_bits;
    int64_t requests_per_address, mails_per_account, mails_per_mailbox; /* in an hour; 0: no limit */
    bool registration;
    struct conf_list registration_domains; /* empty: xmpp/domains */
    struct conf_list reserved_names;
    int64_t registrations_per_address;
};

struct resetter_conf {
    struct conf_section section;
    const char *token_verifier_url; /* NULL: link_base decides */
};

extern const struct section account_section, resetter_section;
const struct account_conf *account_conf(const struct conf *conf);
const struct resetter_conf *resetter_conf(const struct conf *conf);

/* Whether pages and links are served under this configuration. */
bool account_conf_active(const struct conf *conf);
bool account_conf_resets(const struct conf *conf);
/* Cross-checks. */
void account_conf_check(struct conf *conf, const struct settings *settings);
/* The path of the module rest, without a slash at its end: "/rest". */
const char *account_rest_path(const struct conf *conf);

#endif
