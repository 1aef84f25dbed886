/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: account_conf.c - the tables of account { } and account-email-password-resetter { }, and
 * so their part of stoa.tdsl(5). */
#include "account_conf.h"

#include "base/clock.h"
#include "mail.h"
#include "parse/jid.h"
#include "parse/uri.h"

/* ---- checks of one value ---- */

/* http or https, a host, perhaps a port and a path; no query, no fragment, no user. */
static bool is_address(struct span text)
{
    struct uri_host host;
    struct span path;

    if (span_starts(text, SPAN("https://")))
        text = span_from(text, 8);
    else if (span_starts(text, SPAN("http://")))
        text = span_from(text, 7);
    else
        return false;
    path = text;
    if (!uri_host_parse(span_cut(&path, '/'), &host))
        return false;
    for (size_t i = 0; i < path.size; i++)
        if ((unsigned char)path.at[i] <= ' ' || (unsigned char)path.at[i] >= 0x7f ||
            strchr("?#\\\"<>", path.at[i]) != NULL)
            return false;
    return true;
}

static const char *check_link_base(const char *text)
{
    struct span span = span_of(text);

    if (!is_address(span))
        return "the address under which people reach Stoa, such as 'https://example.org'";
    return span.at[span.size - 1] == '/' ? "it without a slash at its end" : NULL;
}

static const char *check_verifier(const char *text)
{
    return is_address(span_of(text)) && span_ends(span_of(text), SPAN("/"))
               ? NULL
               : "an address that ends in a slash, such as 'https://example.org/rest/user/resetPassword/'";
}

static const char *check_jid(const char *text)
{
    struct arena *arena = arena_new();
    struct jid jid;
    bool is_good = jid_parse(arena, span_of(text), &jid) && jid.local.size > 0 && jid.resource.size == 0;

    arena_free(&arena);
    return is_good ? NULL : "a bare JID, such as admin@example.org";
}

static const char *check_name(const char *text)
{
    struct arena *arena = arena_new();
    struct span local;
    bool is_good = jid_prepare_local(arena, span_of(text), &local);

    arena_free(&arena);
    return is_good ? NULL : "the part of a JID before the @";
}

/* ---- tables ---- */

static const char *const captchas[] = { "none", "question", "work", NULL };

#define INTO(field) offsetof(struct account_conf, field)
#define HOUR_REST   "0: no limit."

static const struct directive directives[] = {
    { .name = "context-path",
      .alias = "contextPath",
      .type = DIRECTIVE_TEXT,
      .initial = "/account",
      .into = INTO(context_path),
      .check = settings_check_context_path,
      .manual = "Path of the page where people see and change what belongs to their account." },
    { .name = "vhosts",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = INTO(vhosts),
      .manual = "Host names for which that path counts. Empty: all." },
    { .name = "link-base",
      .guarded = true,
      .alias = "linkBase",
      .type = DIRECTIVE_TEXT,
      .into = INTO(link_base),
      .check = check_link_base,
      .manual = "What links in mails begin with: the address under which people reach Stoa, such as "
                "https://example.org, without a slash at its end. It is never taken from a request, as "
                "whoever sends that could choose where the link leads. Needed." },
    { .name = "password-reset",
      .alias = "passwordReset",
      .type = DIRECTIVE_BOOL,
      .initial = "true",
      .into = INTO(password_reset),
      .manual = "Let people who forgot their password set a new one by a link that is mailed to the "
                "account's recovery address." },
    { .name = "use-component",
      .alias = "useComponent",
      .type = DIRECTIVE_BOOL,
      .initial = "true",
      .into = INTO(use_component),
      .manual = "Set passwords, end sessions and make accounts as the component of the service http, where "
                "the XMPP server lists its JID among its administrators; admin-jid is for where it does "
                "not." },
    { .name = "admin-jid",
      .guarded = true,
      .alias = "adminJid",
      .type = DIRECTIVE_TEXT,
      .into = INTO(admin_jid),
      .check = check_jid,
      .manual = "The administrator's account that does it otherwise; it is logged in when it is needed." },
    { .name = "admin-password",
      .alias = "adminPassword",
      .type = DIRECTIVE_TEXT,
      .secret = true,
      .into = INTO(admin_password),
      .manual = "Its password." },
    { .name = "trust-vcard",
      .guarded = true,
      .alias = "trustVcard",
      .type = DIRECTIVE_BOOL,
      .initial = "false",
      .into = INTO(trust_vcard),
      .manual = "Where Stoa knows no recovery address of an account, take the ones of its vCard. They are "
                "public and nobody ever proved them." },
    { .name = "reset-admins",
      .guarded = true,
      .alias = "resetAdmins",
      .type = DIRECTIVE_BOOL,
      .initial = "false",
      .into = INTO(reset_admins),
      .manual =
          "Mail links to accounts in xmpp/admins, too. Then who reads such a mailbox is administrator." },
    { .name = "reveal",
      .type = DIRECTIVE_BOOL,
      .initial = "false",
      .into = INTO(reveal),
      .manual = "Say when an address is not the one of the account, as the reference implementation does. "
                "Then anybody can find out which accounts exist and what their addresses are." },
    { .name = "link-life",
      .alias = "linkLife",
      .type = DIRECTIVE_DURATION,
      .least = 60 * USEC_PER_SEC,
      .most = 24 * 3600 * USEC_PER_SEC,
      .initial = "PT30M",
      .unit = "s",
      .into = INTO(link_life),
      .manual = "How long a link in a mail is good." },
    { .name = "password-least",
      .alias = "passwordLeast",
      .type = DIRECTIVE_NUMBER,
      .least = 1,
      .most = 128,
      .initial = "8",
      .into = INTO(password_least),
      .manual = "Characters that a new password has at least." },
    { .name = "captcha",
      .type = DIRECTIVE_CHOICE,
      .choices = captchas,
      .initial = "question",
      .into = INTO(captcha),
      .manual = "What strangers have to do before a form of theirs is acted on: nothing (none), a sum "
                "(question), or a second of computing, for which they need JavaScript (work)." },
    { .name = "captcha-bits",
      .alias = "captchaBits",
      .type = DIRECTIVE_NUMBER,
      .least = 8,
      .most = 26,
      .initial = "16",
      .into = INTO(captcha_bits),
      .manual = "How hard that computing is: each more doubles the time." },
    { .name = "requests-per-address",
      .alias = "requestsPerAddress",
      .type = DIRECTIVE_NUMBER,
      .most = 100000,
      .initial = "10",
      .into = INTO(requests_per_address),
      .manual = "Forms for a new password that one client address (of IPv6: one network of 64 bits) may "
                "send in an hour; then status 429. " HOUR_REST },
    { .name = "mails-per-account",
      .alias = "mailsPerAccount",
      .type = DIRECTIVE_NUMBER,
      .most = 100000,
      .initial = "3",
      .into = INTO(mails_per_account),
      .manual = "Links that are mailed for one account in an hour; further ones are left out without a "
                "word. " HOUR_REST },
    { .name = "mails-per-mailbox",
      .alias = "mailsPerMailbox",
      .type = DIRECTIVE_NUMBER,
      .most = 100000,
      .initial = "5",
      .into = INTO(mails_per_mailbox),
      .manual = "The same for one mail address. " HOUR_REST },
    { .name = "registration",
      .type = DIRECTIVE_BOOL,
      .initial = "false",
      .into = INTO(registration),
      .manual = "Let strangers make an account, once they have answered a mail." },
    { .name = "registration-domains",
      .alias = "registrationDomains",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = INTO(registration_domains),
      .manual = "The domains for that. Empty: xmpp/domains." },
    { .name = "reserved-names",
      .alias = "reservedNames",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[ 'abuse', 'admin', 'administrator', 'contact', 'help', 'hostmaster', 'info', 'mail', "
                 "'noreply', 'no-reply', 'operator', 'postmaster', 'root', 'security', 'service', 'stoa', "
                 "'support', 'system', 'webmaster', 'www', 'xmpp' ]",
      .into = INTO(reserved_names),
      .check = check_name,
      .manual = "Names that nobody can register." },
    { .name = "registrations-per-address",
      .alias = "registrationsPerAddress",
      .type = DIRECTIVE_NUMBER,
      .most = 100000,
      .initial = "5",
      .into = INTO(registrations_per_address),
      .manual = "Registrations that one client address may begin in an hour; then status 429. " HOUR_REST },
    DIRECTIVES_END
};

const struct section account_section = {
    .name = "account",
    .size = sizeof(struct account_conf),
    .initially_inactive = true,
    .directives = directives,
    .manual = "Lets people help themselves: set a new password by mail, see and change what belongs to "
              "their account, and, where registration is on, make one. Writing account () { link-base = "
              "... } switches it on; it needs the section mailer.",
};

static const struct directive resetter_directives[] = {
    { .name = "token-verifier-url",
      .guarded = true,
      .alias = "tokenVerifierURL",
      .type = DIRECTIVE_TEXT,
      .into = offsetof(struct resetter_conf, token_verifier_url),
      .check = check_verifier,
      .manual = "What the links of password resets begin with, up to the token. Unset: account/link-base, "
                "the path of the module rest, and /user/resetPassword/." },
    DIRECTIVES_END
};

const struct section resetter_section = {
    .name = "account-email-password-resetter",
    .size = sizeof(struct resetter_conf),
    .initially_inactive = true,
    .directives = resetter_directives,
    .manual = "The reference implementation's name for the password reset: switches the section account "
              "on.",
};

/* ---- looking ---- */

const struct account_conf *account_conf(const struct conf *conf)
{
    return conf_section(conf, "account");
}

const struct resetter_conf *resetter_conf(const struct conf *conf)
{
    return conf_section(conf, "account-email-password-resetter");
}

bool account_conf_active(const struct conf *conf)
{
    return account_conf(conf)->section.active || resetter_conf(conf)->section.active;
}

bool account_conf_resets(const struct conf *conf)
{
    return resetter_conf(conf)->section.active ||
           (account_conf(conf)->section.active && account_conf(conf)->password_reset);
}

const char *account_rest_path(const struct conf *conf)
{
    const char *path = conf_text(conf, "http/rest", "context-path");

    if (path == NULL)
        return "/rest";
    return path[0] == '/' && path[1] == '\0' ? "" : path;
}

/* ---- what needs more than one directive ---- */

static bool has_http_component(const struct settings *settings)
{
    const struct conf_sections *components = &settings->xmpp->components;

    for (size_t i = 0; i < components->count; i++) {
        const struct component_settings *component = components->items[i];

        if (component->section.active && component->service != NULL &&
            strcmp(component->service, "http") == 0)
            return true;
    }
    return false;
}

void account_conf_check(struct conf *conf, const struct settings *settings)
{
    const struct account_conf *account = account_conf(conf);
    const struct resetter_conf *resetter = resetter_conf(conf);
    const struct conf_section *at = account->section.active ? &account->section : &resetter->section;

    if (!account_conf_active(conf))
        return;
    if (account->link_base == NULL)
        conf_complain(conf, CONF_ERROR, at,
                      "links in mails need to know where people reach Stoa: write account { link-base = "
                      "'https://example.org' }");
    mail_check_needed(conf, at);
    if ((account->admin_jid == NULL) != (account->admin_password == NULL))
        conf_complain(conf, CONF_ERROR, at, "account/admin-jid and account/admin-password go together");
    if (account->admin_jid == NULL && !(account->use_component && has_http_component(settings)))
        conf_complain(conf, CONF_ERROR, at,
                      "nobody may set passwords at the XMPP server: write account { admin-jid and "
                      "admin-password }, or a component of the service http, which the server lists among "
                      "its administrators, with account/use-component = true");
}
