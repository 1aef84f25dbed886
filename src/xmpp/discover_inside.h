/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2: discover_inside.h - what discover.c and discover_read.c share: one search. */
#ifndef STOA_XMPP_DISCOVER_INSIDE_H
#define STOA_XMPP_DISCOVER_INSIDE_H

#include "os/dns.h"
#include "parse/dns_reply.h"
#include "xmpp/discover.h"

/* The domain's three; two addresses and a TXT record of each host. */
#define QUESTIONS_MOST (3 + 3 * DISCOVER_HOSTS_MOST)

enum discover_purpose { FOR_CLIENT, FOR_CLIENT_TLS, FOR_URLS, FOR_ADDRESS, FOR_URLS_OF_HOST };

struct discover_question {
    struct dns_ask ask;
    struct discover_search *search; /* borrowed */
    enum discover_purpose purpose;
    enum dns_type type;
    struct span name; /* as asked; in the search's arena */
    unsigned host;    /* FOR_ADDRESS, FOR_URLS_OF_HOST: index of the first entry of that host */
};

enum search_stage {
    SEARCH_DOMAIN, /* the records of the domain are asked for */
    SEARCH_HOSTS,  /* those of its hosts are */
    SEARCH_OVER,   /* the discovery is complete; nothing is asked */
};

struct discover_search {
    struct discoverer *discoverer; /* borrowed */
    struct arena *arena;           /* owned; holds whatever spans of the search point at */
    struct span key;               /* in the discoverer's map */
    enum discover_what what;
    struct span name;
    enum search_stage stage;
    struct list used;    /* in discoverer->used */
    struct list waiting; /* of struct discover_ask */
    struct task soon;    /* tells those who wait */
    bool is_telling;
    struct timer timer; /* its time is over */

    unsigned open; /* questions that are not answered */
    unsigned question_count;
    struct discover_question questions[QUESTIONS_MOST];

    struct discovery discovery;
    uint32_t ttl;      /* seconds, the least of all that was read */
    bool is_partial;   /* something was not answered: not to be remembered for long */
    bool has_services; /* there is an SRV record, be it one that says "no such service" */
    bool wants_bosh, wants_websocket;
    enum discover_verdict services; /* of the question for _xmpp-client */
    enum discover_verdict hosts;    /* the worst of what became of the questions for addresses */
};

/* A reply to that question. */
void discover_read(struct discover_search *search, struct discover_question *question, struct span reply);
/* There is none; trouble is DISCOVER_TROUBLE or DISCOVER_SILENT. */
void discover_unanswered(struct discover_search *search, struct discover_question *question,
                         enum discover_verdict trouble);
/* After the first round: sorts the hosts, or takes the domain itself when it has no SRV record. */
void discover_choose_hosts(struct discover_search *search);
/* At the end: drops hosts without address, and says what it all comes to. */
void discover_conclude(struct discover_search *search);

#endif
