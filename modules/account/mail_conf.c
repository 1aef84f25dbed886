/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail_conf.c - the table of mailer { }, and so its part of stoa.tdsl(5). */
#include "mail_conf.h"

#include "base/clock.h"
#include "base/text.h"
#include "mail.h"
#include "mail_text.h"
#include "parse/dns_name.h"
#include "parse/ip.h"

#define OF(field) .into = offsetof(struct mailer_conf, field)
#define DAY_USEC  (INT64_C(86400) * USEC_PER_SEC)

static const char *check_address(const char *text)
{
    return mail_address_check(span_of(text)) == NULL ? NULL : "an address, such as noreply@example.org";
}

/* The envelope's may be empty: then nobody is told that a mail could not be delivered. */
static const char *check_envelope(const char *text)
{
    return text[0] == '\0' ? NULL : check_address(text);
}

static const char *check_name(const char *text)
{
    struct span name = span_of(text);

    return name.size <= 128 && !text_has_control(name) && text_is_utf8(name)
               ? NULL
               : "a name of at most 128 bytes in one line";
}

static const char *check_host(const char *text)
{
    struct ip_address ignored;

    return dns_name_is_good(span_of(text)) || ip_address_parse(span_of(text), &ignored)
               ? NULL
               : "a host name or an address, without port, such as smtp.example.org";
}

static const char *check_helo(const char *text)
{
    return dns_name_is_good(span_of(text)) ? NULL : "a host name, such as www.example.org";
}

static const char *check_credential(const char *text)
{
    return text_has_control(span_of(text)) ? "a text in one line" : NULL;
}

/* In the order of enum mail_security. */
static const char *const securities[] = { "starttls", "tls", "plain", NULL };

static const struct directive mailer_directives[] = {
    { .name = "mailer-from-address",
      .type = DIRECTIVE_TEXT,
      OF(from_address),
      .check = check_address,
      .manual = "Who the mails are from. Without it and mailer-smtp-host no mail is sent." },
    { .name = "mailer-from-name",
      .type = DIRECTIVE_TEXT,
      .initial = "",
      OF(from_name),
      .check = check_name,
      .manual = "The name that programs show beside that address." },
    { .name = "mailer-envelope-from",
      .type = DIRECTIVE_TEXT,
      OF(envelope_from),
      .check = check_envelope,
      .manual = "Where mail servers report what they could not deliver; an empty text: nowhere. Unset: "
                "mailer-from-address." },
    { .name = "mailer-smtp-host",
      .guarded = true,
      .type = DIRECTIVE_TEXT,
      OF(smtp_host),
      .check = check_host,
      .manual = "The mail server that takes the mails." },
    { .name = "mailer-smtp-port",
      .guarded = true,
      .type = DIRECTIVE_NUMBER,
      .least = 1,
      .most = 65535,
      .initial = "587",
      OF(smtp_port),
      .manual = "Its port: 587 for starttls, 465 for tls." },
    { .name = "mailer-smtp-username",
      .type = DIRECTIVE_TEXT,
      OF(smtp_username),
      .check = check_credential,
      .manual = "The name to log in with there. Unset: no login." },
    { .name = "mailer-smtp-password",
      .type = DIRECTIVE_TEXT,
      .secret = true,
      OF(smtp_password),
      .check = check_credential,
      .manual = "The password of that name." },
    { .name = "mailer-smtp-security",
      .guarded = true,
      .type = DIRECTIVE_CHOICE,
      .initial = "starttls",
      .choices = securities,
      OF(security),
      .manual =
          "starttls: the connection begins in plain text and must be encrypted before anything is sent; "
          "tls: encrypted from its first byte; plain: never, which only a mail server on this machine "
          "may be given. The server's certificate must be good for mailer-smtp-host." },
    { .name = "mailer-smtp-ca-file",
      .type = DIRECTIVE_PATH,
      OF(ca_file),
      .manual = "Who may vouch for that certificate, as PEM. Unset: the system's authorities." },
    { .name = "mailer-smtp-helo",
      .type = DIRECTIVE_TEXT,
      OF(helo_name),
      .check = check_helo,
      .manual = "The name by which Stoa introduces itself there. Unset: the machine's." },
    { .name = "mailer-smtp-connect-timeout",
      .type = DIRECTIVE_DURATION,
      .least = 100 * USEC_PER_MSEC,
      .most = 300 * USEC_PER_SEC,
      .initial = "10s",
      .unit = "s",
      OF(connect_timeout),
      .manual = "How long it may take until the server is ready for a mail: connecting, encryption, login." },
    { .name = "mailer-smtp-timeout",
      .type = DIRECTIVE_DURATION,
      .least = 200 * USEC_PER_MSEC,
      .most = 1800 * USEC_PER_SEC,
      .initial = "60s",
      .unit = "s",
      OF(timeout),
      .manual = "How long one mail may take in all." },
    { .name = "templates",
      .type = DIRECTIVE_PATH,
      OF(templates),
      .manual =
          "A folder of templates of mails: NAME-subject.txt, NAME.txt and NAME.html. Each file there "
          "wins over the one of that name that comes with Stoa. Read when the daemon starts or reloads." },
    { .name = "html",
      .type = DIRECTIVE_BOOL,
      .initial = "true",
      OF(html),
      .manual = "Whether mails have an HTML part beside that of plain text." },
    { .name = "retry-least",
      .type = DIRECTIVE_DURATION,
      .least = 50 * USEC_PER_MSEC,
      .most = DAY_USEC,
      .initial = "1m",
      .unit = "s",
      OF(retry_least),
      .manual = "How long to wait after the first failure; each further one doubles it." },
    { .name = "retry-most",
      .type = DIRECTIVE_DURATION,
      .least = 50 * USEC_PER_MSEC,
      .most = 7 * DAY_USEC,
      .initial = "1h",
      .unit = "s",
      OF(retry_most),
      .manual = "Up to this. While the server as a whole cannot be used, it is tried every five minutes at "
                "least, with one mail." },
    { .name = "give-up",
      .type = DIRECTIVE_DURATION,
      .least = USEC_PER_SEC,
      .most = 30 * DAY_USEC,
      .initial = "3d",
      .unit = "s",
      OF(give_up),
      .manual = "How long it is tried in all. What the server refuses for good is not tried again." },
    { .name = "keep-sent",
      .type = DIRECTIVE_DURATION,
      .most = 365 * DAY_USEC,
      .initial = "1d",
      .unit = "s",
      OF(keep_sent),
      .manual = "How long stoactl mail list tells of mails that were sent; their content is forgotten at "
                "once." },
    { .name = "keep-failed",
      .type = DIRECTIVE_DURATION,
      .most = 365 * DAY_USEC,
      .initial = "7d",
      .unit = "s",
      OF(keep_failed),
      .manual = "How long mails that could not be sent are kept, with the reason; stoactl mail retry sends "
                "one again." },
    { .name = "queue-most",
      .type = DIRECTIVE_NUMBER,
      .least = 1,
      .most = 10000000,
      .initial = "100000",
      OF(queue_most),
      .manual = "How many mails may wait; more are not taken." },
    DIRECTIVES_END
};

const struct section mailer_section = {
    .name = "mailer",
    .size = sizeof(struct mailer_conf),
    .initially_inactive = true,
    .directives = mailer_directives,
    .manual =
        "How mails are sent: for passwords that were forgotten, and addresses to be confirmed. They are "
        "kept until the mail server has taken them; stoactl mail test ADDRESS shows whether it does.",
};

const struct mailer_conf *mailer_conf(const struct conf *conf)
{
    return conf_section(conf, "mailer");
}

bool mail_host_is_loopback(const char *host)
{
    struct ip_address address;
    char text[IP_TEXT];

    if (span_is(span_of(host), "localhost"))
        return true;
    if (!ip_address_parse(span_of(host), &address))
        return false;
    ip_address_text(&address, text);
    return span_is(span_of(text), "::1") ||
           (ip_address_is4(&address) && span_starts(span_of(text), SPAN("127.")));
}

static void check_templates(struct conf *conf, const struct mailer_conf *mailer)
{
    char why[512];
    struct mail_texts *texts = mail_texts_new(mailer->templates, why, sizeof(why));

    if (texts == NULL)
        conf_complain(conf, CONF_ERROR, &mailer->section, "templates: %s", why);
    mail_texts_free(&texts);
}

void mailer_check(struct conf *conf)
{
    const struct mailer_conf *mailer = mailer_conf(conf);
    const struct conf_section *at = &mailer->section;

    if (!at->active)
        return;
    if (mailer->smtp_host == NULL)
        conf_complain(conf, CONF_ERROR, at,
                      "mailer needs mailer-smtp-host: write the name of the server that takes mails");
    if (mailer->from_address == NULL)
        conf_complain(conf, CONF_ERROR, at,
                      "mailer needs mailer-from-address: write who the mails are from, such as "
                      "'noreply@example.org'");
    if (mailer->security == MAIL_PLAIN && mailer->smtp_host && !mail_host_is_loopback(mailer->smtp_host))
        conf_complain(conf, CONF_ERROR, at,
                      "mailer-smtp-security: plain is only for a server at localhost or a loopback address: "
                      "write starttls or tls");
    if ((mailer->smtp_username == NULL) != (mailer->smtp_password == NULL))
        conf_complain(conf, CONF_ERROR, at,
                      "mailer-smtp-username and mailer-smtp-password go together: write both or none");
    check_templates(conf, mailer);
    if (mailer->retry_most < mailer->retry_least)
        conf_complain(conf, CONF_ERROR, at, "retry-most must not be less than retry-least");
}

void mail_check_needed(struct conf *conf, const struct conf_section *who)
{
    if (!mailer_conf(conf)->section.active)
        conf_complain(conf, CONF_ERROR, who,
                      "%s sends mails: write a section mailer { } with mailer-smtp-host and "
                      "mailer-from-address",
                      who->name);
}
