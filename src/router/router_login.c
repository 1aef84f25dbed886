/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_login.c - LOGIN letters: who may try a password at the server, and
 * what each is answered.
 *
 * In this order: a session that was proved with the same password a moment ago; a domain that is not ours; a
 * pair that was wrong a moment ago; a server that turns us away; a proof of the same pair that is under way;
 * the limits, of which the wrong passwords of a client address, of an account and of all together are kept in
 * the segment, so that a reborn router goes on with them. */
#include "router/router_login.h"

#include "base/clock.h"
#include "base/codec.h"
#include "os/log.h"
#include "parse/ip.h"

#include <stdio.h>
#include <stdlib.h>

#define REFILL    (60 * USEC_PER_SEC) /* a wrong password of an address or an account is forgotten after it */
#define SAY_AGAIN (60 * USEC_PER_SEC) /* the log hears of the same trouble once in that time */

/* ---- answers ---- */

static void answer(struct router *router, unsigned row, uint32_t generation, uint64_t call,
                   enum problem problem, const char *sentence, int64_t wait)
{
    char seconds[24] = "";

    if (wait > 0)
        (void)snprintf(seconds, sizeof(seconds), "%lld",
                       (long long)((wait + USEC_PER_SEC - 1) / USEC_PER_SEC));
    post_send(router->post, row, generation,
              &(struct letter){ .kind = LETTER_LOGIN_DONE,
                                .call = call,
                                .number = (uint32_t)problem,
                                .count = 2,
                                .parts = { span_of(sentence), span_of(seconds) } });
}

void router_login_answer(struct router *router, struct list *waits, enum problem problem,
                         const char *sentence, int64_t wait)
{
    struct list *node;

    while ((node = list_take(waits))) {
        struct login_wait *one = LIST_OF(node, struct login_wait, node);

        answer(router, one->row, one->generation, one->call, problem, sentence, wait);
        router->logins->wait_count--;
        free(one);
    }
}

void router_login_say(struct router *router, enum client_end end, struct span domain, const char *detail)
{
    int64_t *said = &router->logins->said[end], now = clock_mono();
    struct buf line = { 0 };

    if (*said && now - *said < SAY_AGAIN)
        return;
    *said = now;
    client_explain(&router->logins->world, end, domain, detail, &line);
    log_line(client_needs_person(end) ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%.*s",
             SPAN_ARG(buf_span(&line)));
    buf_free(&line);
}

void router_login_keep(struct router *router, struct span jid, const struct login_secret *secret)
{
    int64_t time = router->setting->login_cache;

    if (time > 0)
        auth_cache_keep(&router->heritage->segment->auth, jid, login_secret_text(secret), AUTH_USER,
                        clock_mono() + time);
}

/* ---- limits ---- */

static bool rule_of(int64_t burst, struct bucket_rule *rule_r)
{
    *rule_r = (struct bucket_rule){ .burst = (uint32_t)burst, .interval = REFILL };
    return burst > 0;
}

/* Of IPv6 the first 64 bits: whoever has one address has them all. */
static void name_address(struct span client, char text_r[LOGIN_CLIENT_SIZE])
{
    struct ip_address address;
    char line[IP_TEXT];

    text_r[0] = '\0';
    if (!ip_address_parse(client, &address))
        return;
    if (!ip_address_is4(&address))
        memset(address.bytes + 8, 0, 8);
    ip_address_text(&address, line);
    (void)snprintf(text_r, LOGIN_CLIENT_SIZE, "login-from/%s", line);
}

static struct span name_account(struct router *router, struct span jid)
{
    return span_of(arena_printf(router->scratch, "login-of/%.*s", SPAN_ARG(jid)));
}

/* Takes what a wrong password costs; given back when it was right, or never tried. 0, or the wait. */
static int64_t pay(struct router *router, struct span jid, const char *address)
{
    struct buckets *buckets = &router->heritage->segment->buckets;
    struct bucket_rule of_address, of_account;
    int64_t now = clock_mono(), wait = 0;
    bool paid = false;

    if (address[0] && rule_of(router->setting->login_failures_per_address, &of_address)) {
        wait = bucket_take(buckets, span_of(address), &of_address, now);
        paid = wait == 0;
    }
    if (wait == 0 && rule_of(router->setting->login_failures_per_account, &of_account)) {
        wait = bucket_take(buckets, name_account(router, jid), &of_account, now);
        if (wait > 0 && paid)
            bucket_give_back(buckets, span_of(address), &of_address, now);
    }
    return wait;
}

static void give_back(struct router *router, struct span jid, const char *address)
{
    struct buckets *buckets = &router->heritage->segment->buckets;
    struct bucket_rule rule;
    int64_t now = clock_mono();

    if (address[0] && rule_of(router->setting->login_failures_per_address, &rule))
        bucket_give_back(buckets, span_of(address), &rule, now);
    if (rule_of(router->setting->login_failures_per_account, &rule))
        bucket_give_back(buckets, name_account(router, jid), &rule, now);
}

void router_login_refund(struct proof *proof)
{
    if (!proof->paid)
        return;
    give_back(proof->router, proof->jid, proof->address);
    proof->paid = false;
    proof->router->logins->paid_count--;
}

/* Many users of one address may log in at the same time: what the first of them paid comes back when they are
 * right, so the others wait for it. 0, or how long until it can pay if nothing comes back. */
static int64_t settle(struct proof *proof)
{
    struct logins *logins = proof->router->logins;
    int64_t wait = pay(proof->router, proof->jid, proof->address);

    if (wait == 0) {
        proof->owes = false;
        logins->unpaid_count--;
        proof->paid = true;
        logins->paid_count++;
    }
    return wait;
}

static uint32_t failures_most(const struct router *router)
{
    return (uint32_t)router->setting->login_failures_most;
}

/* ---- proofs in their turn ---- */

static void refuse_for_now(struct router *router, struct proof *proof, int64_t wait)
{
    count_add(COUNT_logins_limited, 1);
    router_login_refund(proof);
    router_login_answer(router, &proof->waits, PROBLEM_too_many_requests,
                        "Too many passwords were wrong lately; try again later", wait);
    proof_free(&proof);
}

void router_login_next(struct router *router)
{
    struct logins *logins = router->logins;
    const struct login_gate *gate = &router->heritage->segment->logins;
    struct list *node = logins->waiting.next, *next;

    for (; node != &logins->waiting && logins->under_way < LOGIN_AT_ONCE_MOST && !logins->ending;
         node = next) {
        struct proof *proof = LIST_OF(node, struct proof, node);
        int64_t unpaid = proof->owes ? settle(proof) : 0;
        int64_t wait =
            login_gate_wait(gate, failures_most(router), proof->known, logins->under_way, clock_mono());

        next = node->next;
        if (unpaid > 0 && logins->paid_count == 0)
            wait = unpaid;
        if (wait > 0) {
            refuse_for_now(router, proof, wait);
        } else if (wait == 0 && unpaid == 0) {
            proof_begin(proof); /* may end, and begin others, before it returns */
            next = logins->waiting.next;
        }
    }
}

/* ---- the letter ---- */

bool router_is_local(struct router *router, struct span name)
{
    const struct conf_list *domains = &router->setting->domains;
    struct span domain;

    for (size_t i = 0; i < domains->count; i++)
        if (jid_prepare_domain(router->scratch, span_of(domains->texts[i]), &domain) && span_eq(domain, name))
            return true;
    return false;
}

static void add_wait(struct router *router, struct list *waits, unsigned row, uint64_t call)
{
    struct login_wait *wait = must_alloc(sizeof(*wait));

    wait->row = row;
    wait->generation = router->peers[row].generation;
    wait->call = call;
    list_append(waits, &wait->node);
    router->logins->wait_count++;
}

struct verdict {
    bool answered; /* false: it waits */
    enum problem problem;
    const char *sentence;
    int64_t wait;
};

static struct verdict verdict(enum problem problem, const char *sentence, int64_t wait)
{
    return (struct verdict){ .answered = true, .problem = problem, .sentence = sentence, .wait = wait };
}

static struct verdict too_many(int64_t wait)
{
    count_add(COUNT_logins_limited, 1);
    return verdict(PROBLEM_too_many_requests, "Too many passwords were wrong lately; try again later", wait);
}

/* A pair that nobody has an opinion on: to the server with it, if the limits let it. */
static struct verdict begin_proof(struct router *router, unsigned row, const struct letter *letter,
                                  struct jid jid, const char *name)
{
    struct logins *logins = router->logins;
    struct span text = jid_bare_text(router->scratch, jid);
    bool known = router_login_known(router, name);
    char address[LOGIN_CLIENT_SIZE];
    struct proof *proof;
    int64_t wait, unpaid = 0;

    if (logins->wait_count >= LOGIN_WAITS_MOST || map_count(logins->proofs) >= LOGIN_PROOFS_MOST)
        return verdict(PROBLEM_unavailable, "Too many logins at once; try again soon", USEC_PER_SEC);
    name_address(letter->parts[2], address);
    wait = login_gate_wait(&router->heritage->segment->logins, failures_most(router), known,
                           logins->under_way, clock_mono());
    if (wait <= 0 && !known) {
        unpaid = pay(router, text, address);
        if (logins->paid_count == 0 || logins->unpaid_count >= LOGIN_UNPAID_MOST)
            wait = unpaid > 0 ? unpaid : wait;
    }
    if (wait > 0)
        return too_many(wait);
    proof = proof_new(router, jid, letter->parts[1], name);
    if (proof == NULL) {
        if (!known && unpaid == 0)
            give_back(router, text, address);
        return verdict(PROBLEM_not_authorized, "", 0);
    }
    proof->known = known;
    proof->paid = !known && unpaid == 0;
    proof->owes = unpaid > 0;
    logins->paid_count += proof->paid;
    logins->unpaid_count += proof->owes;
    memcpy(proof->address, address, sizeof(address));
    add_wait(router, &proof->waits, row, letter->call);
    router_login_next(router);
    return (struct verdict){ .answered = false };
}

static struct verdict judge(struct router *router, unsigned row, const struct letter *letter)
{
    struct logins *logins = router->logins;
    const struct login_gate *gate = &router->heritage->segment->logins;
    unsigned char mac[AUTH_MAC];
    struct buf name = { 0 };
    struct verdict done = { .answered = false };
    struct session *session;
    struct proof *proof;
    struct span text;
    struct jid jid;
    int64_t now = clock_mono();

    if (!jid_parse(router->scratch, letter->parts[0], &jid) || jid.local.size == 0 || jid.resource.size > 0 ||
        letter->parts[1].size > SASL_PASSWORD_MOST || !router_is_local(router, jid.domain))
        return verdict(PROBLEM_not_authorized, "", 0);
    if (router->closed || logins->ending)
        return verdict(PROBLEM_unavailable, "", USEC_PER_SEC);
    text = jid_bare_text(router->scratch, jid);
    auth_cache_mac(&router->heritage->segment->auth, text, letter->parts[1], mac);
    codec_hex(&name, span_make((const char *)mac, sizeof(mac)));
    buf_char(&name, '\0');
    session = router_session_of(router, text);
    proof =
        map_get(logins->proofs, span_of(arena_printf(router->scratch, "%s%.*s", name.at, SPAN_ARG(text))));
    if (session && strcmp(session->name, name.at) == 0 && !session->up) {
        add_wait(router, &session->waits, row, letter->call);
    } else if (session && strcmp(session->name, name.at) == 0 &&
               now - session->proved < router->setting->login_cache) {
        router_session_used(session);
        done = verdict(PROBLEM_none, "", 0);
    } else if (router_login_wrong(router, name.at, text)) {
        done = verdict(PROBLEM_not_authorized, "", 0);
    } else if (atomic_load(&gate->refused_until) > now) {
        done = verdict(PROBLEM_logins_refused, "", atomic_load(&gate->refused_until) - now);
    } else if (proof && logins->wait_count < LOGIN_WAITS_MOST) {
        add_wait(router, &proof->waits, row, letter->call);
    } else {
        done = begin_proof(router, row, letter, jid, name.at);
    }
    buf_free(&name);
    return done;
}

void router_login(struct router *router, unsigned row, const struct letter *letter)
{
    struct verdict done = judge(router, row, letter);

    arena_reset(router->scratch);
    if (done.answered)
        answer(router, row, router->peers[row].generation, letter->call, done.problem, done.sentence,
               done.wait);
}

/* Its password was changed, or it is gone. */
static void forget_account(struct router *router, const struct letter *letter)
{
    struct logins *logins = router->logins;
    struct session *session;
    struct span jid, key;
    struct jid parsed;
    void *value;
    size_t at = 0;

    if (!jid_parse(router->scratch, letter->parts[0], &parsed))
        return;
    jid = jid_bare_text(router->scratch, parsed);
    auth_cache_forget(&router->heritage->segment->auth, jid);
    router_login_changed(router, jid);
    while (map_next(logins->proofs, &at, &key, &value)) {
        struct proof *proof = value;

        if (!span_eq(proof->jid, jid))
            continue;
        router_login_refund(proof);
        router_login_answer(router, &proof->waits, PROBLEM_unavailable, "The account was changed just now",
                            USEC_PER_SEC);
        proof_free(&proof);
    }
    session = router_session_of(router, jid);
    if (session) {
        router_login_forget(router, session->name);
        router_session_close(session, PROBLEM_no_session);
    }
    arena_reset(router->scratch);
    router_login_next(router);
}

void router_logout(struct router *router, unsigned row, const struct letter *letter)
{
    forget_account(router, letter);
    post_send(router->post, row, router->peers[row].generation,
              &(struct letter){ .kind = LETTER_LOGOUT_DONE, .call = letter->call });
}

/* ---- all of it ---- */

static struct tls_client *make_tls(const struct xmpp_settings *setting)
{
    struct tls_client *tls = NULL;
    char why[300];

    if (setting->c2s_security != C2S_PLAIN &&
        tls_client_new(&tls, setting->c2s_ca_file, setting->c2s_certificate_check, why, sizeof(why)) < 0)
        log_error("xmpp/c2s-ca-file: %s; nobody can log in", why);
    return tls;
}

void router_logins_make(struct router *router)
{
    struct logins *logins = must_alloc(sizeof(*logins));

    logins->world = (struct client_world){ .loop = router->loop,
                                           .resolver = router->resolver,
                                           .setting = router->setting,
                                           .tls = make_tls(router->setting),
                                           .threads = disk_queue_new(router->loop, 1, NULL, NULL),
                                           .keys = sasl_cache_new() };
    list_init(&logins->world.clients);
    list_init(&logins->waiting);
    list_init(&logins->sessions_by_use);
    logins->proofs = map_new();
    logins->sessions = map_new();
    atomic_store(&router->heritage->segment->logins.sessions, 0);
    router->logins = logins;
}

void router_logins_end(struct router *router)
{
    struct logins *logins = router->logins;
    struct span key;
    void *value;
    size_t at = 0;

    logins->ending = true;
    while (map_next(logins->proofs, &at, &key, &value)) {
        struct proof *proof = value;

        router_login_answer(router, &proof->waits, PROBLEM_server_absent, "", USEC_PER_SEC);
        proof_free(&proof);
    }
    while (!list_empty(&logins->sessions_by_use))
        router_session_close(LIST_OF(logins->sessions_by_use.next, struct session, node),
                             PROBLEM_server_absent);
}

void router_logins_free(struct router *router)
{
    struct logins *logins = router->logins;

    router_logins_end(router);
    client_world_free_all(&logins->world);
    disk_queue_free(&logins->world.threads);
    sasl_cache_free(&logins->world.keys);
    tls_client_free(&logins->world.tls);
    map_free(&logins->proofs);
    map_free(&logins->sessions);
    free(logins);
    router->logins = NULL;
}
