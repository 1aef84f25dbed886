/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: component_trouble.c - what an operator reads when a stream is down, and what to do.
 *
 * A kind of trouble is said once between two good times, however often it is met again; the links table of
 * the segment always has the latest. */
#include "xmpp/component_inside.h"

#include "os/log.h"

#include <stdio.h>

#define JID(component) SPAN_ARG((component)->jid)

static const char *host_of(const struct component *component)
{
    const char *host = component->setting->host ? component->setting->host : component->xmpp->host;

    return host ? host : "localhost";
}

static long long port_of(const struct component *component)
{
    return component->setting->port ? component->setting->port : component->xmpp->port;
}

/* The server's own words are in it: for a terminal and a status page only plain letters are kept. */
static void make_plain(char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            *text = '?';
}

/* A configured host of its own is named before the common one. */
static const char *host_setting(const struct component *component)
{
    return component->setting->host ? "the component's host" : "xmpp/host";
}

static const char *port_setting(const struct component *component)
{
    return component->setting->port ? "the component's port" : "xmpp/port";
}

/* The sentence for the status page; the longer hints of hint() are for the log. */
static void describe(struct component *component, enum trouble trouble, const char *detail)
{
    char *text = component->trouble;
    const size_t size = sizeof(component->trouble);

    switch (trouble) {
    case TROUBLE_NAME:
        snprintf(text, size, "the host %.80s cannot be found: %.60s", host_of(component), detail);
        break;
    case TROUBLE_CONNECT:
        snprintf(text, size, "nobody answers at %.80s port %lld: %.60s", host_of(component),
                 port_of(component), detail);
        break;
    case TROUBLE_LATE:
        snprintf(text, size, "the server at %.80s port %lld takes the connection but says nothing",
                 host_of(component), port_of(component));
        break;
    case TROUBLE_EARLY:
        snprintf(text, size, "the server at %.80s port %lld closes the connection without a word",
                 host_of(component), port_of(component));
        break;
    case TROUBLE_PORT:
        snprintf(text, size, "what listens at %.80s port %lld is no component port of an XMPP server",
                 host_of(component), port_of(component));
        break;
    case TROUBLE_SECRET:
        snprintf(text, size, "the server refuses its secret");
        break;
    case TROUBLE_HOST:
        snprintf(text, size, "the server has no such component");
        break;
    case TROUBLE_CONFLICT:
        snprintf(text, size, "the component JID is taken (%.150s)", detail);
        break;
    case TROUBLE_REPLACED:
        snprintf(text, size, "another connection has taken the component JID (%.120s)", detail);
        break;
    case TROUBLE_ERROR:
        snprintf(text, size, "the server ended the stream: %.160s", detail);
        break;
    case TROUBLE_BROKEN:
        snprintf(text, size, "the server sent what cannot be read: %.140s", detail);
        break;
    case TROUBLE_SILENT:
        snprintf(text, size, "the server does not answer any more");
        break;
    default:
        snprintf(text, size,
                 detail[0] ? "the server closed the stream: %.140s" : "the server closed the stream", detail);
        break;
    }
}

static void hint(const struct component *component, enum trouble trouble, char *text, size_t size)
{
    int width = (int)(component->jid.size > 300 ? 300 : component->jid.size);
    const char *jid = component->jid.at;

    text[0] = '\0';
    switch (trouble) {
    case TROUBLE_NAME:
        snprintf(text, size, "; look at %s", host_setting(component));
        break;
    case TROUBLE_CONNECT:
        snprintf(text, size,
                 "; is the XMPP server running, and are %s and %s those of its component listener?",
                 host_setting(component), port_setting(component));
        break;
    case TROUBLE_LATE:
    case TROUBLE_EARLY:
    case TROUBLE_PORT:
        snprintf(text, size, "; look at %s and %s (5347 is usual; 5222 is for clients, 5269 for servers)",
                 host_setting(component), port_setting(component));
        break;
    case TROUBLE_SECRET:
        snprintf(
            text, size,
            "; compare xmpp/components/%.*s/secret with the server's component_secret (ejabberd: password "
            "below hosts of ejabberd_service; it also says so when %.*s is not listed there)",
            width, jid, width, jid);
        break;
    case TROUBLE_HOST:
        snprintf(text, size,
                 "; add Component \"%.*s\" to the server's configuration, or correct the name below "
                 "xmpp/components",
                 width, jid);
        break;
    case TROUBLE_CONFLICT:
    case TROUBLE_REPLACED:
        snprintf(
            text, size,
            "; is another Stoa, or another program, connected as xmpp/components/%.*s, or is it a domain "
            "of the server itself?",
            width, jid);
        break;
    case TROUBLE_BROKEN:
        snprintf(text, size, "; xmpp/max-stanza-size bounds what is taken");
        break;
    default:
        break;
    }
}

/* The world outside may pass by itself; these need a person. */
static bool needs_person(enum trouble trouble)
{
    return trouble == TROUBLE_SECRET || trouble == TROUBLE_HOST || trouble == TROUBLE_CONFLICT ||
           trouble == TROUBLE_REPLACED || trouble == TROUBLE_PORT;
}

void component_complain(struct component *component, enum trouble trouble, const char *detail)
{
    char more[900];

    describe(component, trouble, detail ? detail : "");
    make_plain(component->trouble);
    if (component->said & 1u << trouble)
        return;
    component->said |= 1u << trouble;
    component->said_down = true;
    hint(component, trouble, more, sizeof(more));
    log_line(needs_person(trouble) ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
             "component %.*s: %s%s; it is tried again and again", JID(component), component->trouble, more);
}

void component_rejoice(struct component *component)
{
    if (component->said_down)
        log_notice("component %.*s: connected again to %s port %lld", JID(component), host_of(component),
                   port_of(component));
    else if (component->said == 0 && component->failures == 0)
        log_notice("component %.*s: connected to %s port %lld", JID(component), host_of(component),
                   port_of(component));
    component->said_down = false;
    component->trouble[0] = '\0';
}

/* XEP-0114 has no encryption: the secret's proof and every stanza can be read and changed on the way. */
void component_warn_of_network(struct component *component)
{
    const char *host = host_of(component);

    if (host[0] == '/' || host[0] == '@' || strcasecmp(host, "localhost") == 0 ||
        strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "[::1]") == 0)
        return;
    log_warn("component %.*s: the stream to %s is not encrypted (XEP-0114 has no TLS); use the loopback "
             "address, a unix socket, or a tunnel",
             JID(component), host);
}
