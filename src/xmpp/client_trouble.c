/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: client_trouble.c - what an end of a client means to who asked, and to the operator.
 */
#include "xmpp/client_inside.h"

static const struct {
    enum problem problem;
    bool person;          /* it will not pass by itself */
    const char *sentence; /* for who asked */
    const char *line;     /* for the log, behind "logins of DOMAIN: " */
} ends[CLIENT_ENDS] = {
    [CLIENT_END_NAME] = { PROBLEM_server_absent, false, "",
                          "the server's host cannot be found; look at xmpp/c2s-host" },
    [CLIENT_END_CONNECT] = { PROBLEM_server_absent, false, "",
                             "nobody answers; is the XMPP server running, and are xmpp/c2s-host and "
                             "xmpp/c2s-port "
                             "those of its client listener (5222, or 5223 for c2s-security = direct)?" },
    [CLIENT_END_LATE] = { PROBLEM_server_silent, false, "",
                          "the server takes the connection but does not finish the login; look at "
                          "xmpp/c2s-port and xmpp/c2s-security" },
    [CLIENT_END_EARLY] = { PROBLEM_logins_refused, true, "",
                           "the server closes connections before a word: ejabberd does so with an address "
                           "that it "
                           "has banned for failed logins; exempt Stoa there with mod_fail2ban: {access: "
                           "RULE}, "
                           "and look at xmpp/login-failures-most" },
    [CLIENT_END_BANNED] = { PROBLEM_logins_refused, true, "",
                            "the server has banned this address for failed logins; exempt Stoa there with "
                            "mod_fail2ban: {access: RULE}, and look at xmpp/login-failures-most" },
    [CLIENT_END_HOST] = { PROBLEM_not_authorized, true, "",
                          "the server does not serve this domain; look at xmpp/domains" },
    [CLIENT_END_NO_TLS] = { PROBLEM_unavailable, true, "The XMPP server does not encrypt logins",
                            "the server offers no STARTTLS; enable it there, or set xmpp/c2s-security to "
                            "direct, or to "
                            "plain on the loopback" },
    [CLIENT_END_TLS] = { PROBLEM_unavailable, true, "Logins to the XMPP server cannot be encrypted just now",
                         "the TLS handshake failed; look at xmpp/c2s-security (starttls or direct)" },
    [CLIENT_END_CERTIFICATE] = { PROBLEM_unavailable, true,
                                 "The XMPP server's certificate is not trusted by this server",
                                 "the server's certificate was refused; it must name the domain, and be "
                                 "signed by "
                                 "xmpp/c2s-ca-file or an authority of the system "
                                 "(xmpp/c2s-certificate-check)" },
    [CLIENT_END_NEEDS_TLS] = { PROBLEM_unavailable, true, "The XMPP server wants logins to be encrypted",
                               "the server wants encryption; set xmpp/c2s-security to starttls" },
    [CLIENT_END_MECHANISM] = { PROBLEM_unavailable, true,
                               "The XMPP server offers no way to log in that is known here",
                               "the server offers no SASL mechanism in common (SCRAM-SHA-1, -256, -512; "
                               "PLAIN only "
                               "when encrypted, or with xmpp/c2s-security = plain)" },
    [CLIENT_END_REFUSED] = { PROBLEM_not_authorized, false, "", "a password was refused" },
    [CLIENT_END_NOT_NOW] = { PROBLEM_unavailable, false, "The XMPP server cannot check passwords just now",
                             "the server cannot check passwords just now" },
    [CLIENT_END_IMPOSTOR] = { PROBLEM_internal, true, "",
                              "the server breaks SCRAM; it may be somebody else's: look at xmpp/c2s-host and "
                              "xmpp/c2s-certificate-check" },
    [CLIENT_END_JID] = { PROBLEM_not_authorized, true, "",
                         "the server opened another account than the one whose password was given" },
    [CLIENT_END_BIND] = { PROBLEM_unavailable, true, "The XMPP server opens no session just now",
                          "the server gave no session after a good login" },
    [CLIENT_END_ERROR] = { PROBLEM_server_absent, false, "", "the server ended the stream" },
    [CLIENT_END_BROKEN] = { PROBLEM_internal, true, "",
                            "what the server sent cannot be read; are xmpp/c2s-host and xmpp/c2s-port those "
                            "of its "
                            "client listener, and is xmpp/max-stanza-size large enough?" },
    [CLIENT_END_CLOSED] = { PROBLEM_server_absent, false, "", "the server closed the stream" },
};

enum problem client_problem(enum client_end end)
{
    return ends[end].problem;
}

const char *client_sentence(enum client_end end)
{
    return ends[end].sentence;
}

bool client_needs_person(enum client_end end)
{
    return ends[end].person;
}

void client_explain(const struct client_world *world, enum client_end end, struct span domain,
                    const char *detail, struct buf *out)
{
    const struct xmpp_settings *setting = world->setting;
    const char *host = setting->c2s_host ? setting->c2s_host : setting->host;

    buf_text(out, "logins of ");
    buf_add(out, span_head(domain, 255));
    buf_printf(out, " at %.100s port %lld: %s", host ? host : "localhost", (long long)setting->c2s_port,
               ends[end].line);
    if (detail[0])
        buf_printf(out, " (%.*s)", CLIENT_DETAIL, detail);
}
