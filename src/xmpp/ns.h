/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0: ns.h - the namespaces that the core itself reads and writes. */
#ifndef STOA_XMPP_NS_H
#define STOA_XMPP_NS_H

#define NS_COMPONENT     "jabber:component:accept"
#define NS_CLIENT        "jabber:client"
#define NS_STREAMS       "http://etherx.jabber.org/streams"
#define NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"
#define NS_STANZA_ERRORS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_DISCO_INFO    "http://jabber.org/protocol/disco#info"
#define NS_DISCO_ITEMS   "http://jabber.org/protocol/disco#items"
#define NS_PING          "urn:xmpp:ping"
#define NS_VERSION       "jabber:iq:version"
#define NS_TIME          "urn:xmpp:time"
#define NS_VCARD         "vcard-temp"
#define NS_COMMANDS      "http://jabber.org/protocol/commands"
#define NS_ADMIN         "http://jabber.org/protocol/admin"
#define NS_DATA          "jabber:x:data"
#define NS_DATA_VALIDATE "http://jabber.org/protocol/xdata-validate"
#define NS_ROSTER        "jabber:iq:roster"
#define NS_TLS           "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_SASL          "urn:ietf:params:xml:ns:xmpp-sasl"
#define NS_SASL_CHANNEL  "urn:xmpp:sasl-cb:0"
#define NS_BIND          "urn:ietf:params:xml:ns:xmpp-bind"

#endif
