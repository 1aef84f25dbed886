/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_login_proof.c - one try at the server: a password is good, or why
 * not.
 *
 * A proof of an account that has no session yet goes on and becomes its session; any other is closed as soon
 * as the server has said yes, before it binds anything: so an account never has two. */
#include "router/router_login.h"

#include "base/clock.h"
#include "base/codec.h"
#include "os/log.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#define REFUSED_WAIT (60 * USEC_PER_SEC) /* after the server turned us away unheard */
#define WRONG_WAIT   (60 * USEC_PER_SEC) /* the same wrong pair is not shown twice within that */
#define KNOWN_TIME   (7 * 24 * 3600 * USEC_PER_SEC)

/* ---- a password on its way to the auth cache ---- */

struct login_secret {
    size_t size;
    char text[];
};

struct login_secret *login_secret_new(struct span password)
{
    struct login_secret *secret = must_alloc(sizeof(*secret) + password.size);

    secret->size = password.size;
    memcpy(secret->text, password.at, password.size);
    return secret;
}

void login_secret_free(struct login_secret **secret)
{
    if (*secret == NULL)
        return;
    OPENSSL_cleanse((*secret)->text, (*secret)->size);
    free(*secret);
    *secret = NULL;
}

struct span login_secret_text(const struct login_secret *secret)
{
    return span_make(secret->text, secret->size);
}

/* ---- what was right and what was wrong lately, by name: marks are buckets of one token ---- */

static struct span mark_name(char *text, size_t size, const char *kind, const char *name)
{
    return span_make(text, (size_t)snprintf(text, size, "%s/%s", kind, name));
}

static void mark(struct router *router, const char *kind, const char *name, int64_t time)
{
    const struct bucket_rule rule = { .burst = 1, .interval = time };
    struct buckets *buckets = &router->heritage->segment->buckets;
    char text[LOGIN_NAME_SIZE + 16];
    struct span mark = mark_name(text, sizeof(text), kind, name);

    bucket_fill(buckets, mark);
    (void)bucket_take(buckets, mark, &rule, clock_mono());
}

static void unmark(struct router *router, const char *kind, const char *name)
{
    char text[LOGIN_NAME_SIZE + 16];

    bucket_fill(&router->heritage->segment->buckets, mark_name(text, sizeof(text), kind, name));
}

static bool marked(struct router *router, const char *kind, const char *name)
{
    const struct bucket_rule rule = { .burst = 1, .interval = USEC_PER_SEC };
    char text[LOGIN_NAME_SIZE + 16];

    return bucket_wait(&router->heritage->segment->buckets, mark_name(text, sizeof(text), kind, name), &rule,
                       clock_mono()) > 0;
}

bool router_login_known(struct router *router, const char *name)
{
    return marked(router, "login-right", name);
}

/* An account's own mark: named as a pair with no password is. */
static void account_name(struct router *router, struct span jid, char name_r[LOGIN_NAME_SIZE])
{
    unsigned char mac[AUTH_MAC];
    struct buf name = { 0 };

    auth_cache_mac(&router->heritage->segment->auth, jid, SPAN(""), mac);
    codec_hex(&name, span_make((const char *)mac, sizeof(mac)));
    must(name.size < LOGIN_NAME_SIZE);
    memcpy(name_r, name.at, name.size);
    name_r[name.size] = '\0';
    buf_free(&name);
}

bool router_login_wrong(struct router *router, const char *name, struct span jid)
{
    char account[LOGIN_NAME_SIZE];

    account_name(router, jid, account);
    return marked(router, "login-wrong", name) && !marked(router, "login-new", account);
}

void router_login_changed(struct router *router, struct span jid)
{
    char account[LOGIN_NAME_SIZE];

    account_name(router, jid, account);
    mark(router, "login-new", account, WRONG_WAIT);
}

void router_login_forget(struct router *router, const char *name)
{
    unmark(router, "login-right", name);
}

/* ---- its life ---- */

static void leave(struct proof *proof)
{
    struct logins *logins = proof->router->logins;

    must(map_remove(logins->proofs, span_of(proof->key)) == proof);
    list_remove(&proof->node);
    logins->paid_count -= proof->paid;
    logins->unpaid_count -= proof->owes;
    if (proof->begun) {
        must(logins->under_way > 0);
        logins->under_way--;
    }
}

void proof_free(struct proof **proof_at)
{
    struct proof *proof = *proof_at;

    must(list_empty(&proof->waits));
    leave(proof);
    client_free(&proof->client);
    login_secret_free(&proof->secret);
    free(proof->key);
    OBJECT_DEAD(proof);
    free(proof);
    *proof_at = NULL;
}

static void right(struct proof *proof)
{
    struct router *router = proof->router;

    count_add(COUNT_logins, 1);
    login_gate_proved(&router->heritage->segment->logins);
    router_login_refund(proof);
    mark(router, "login-right", proof->name, KNOWN_TIME);
    unmark(router, "login-wrong", proof->name);
}

/* The account has a session, or opens one: this one has done its work. What was proved before, with another
 * password perhaps, is not to be believed any longer. */
static void prove_only(struct proof *proof, struct session *session)
{
    struct router *router = proof->router;

    auth_cache_forget(&router->heritage->segment->auth, proof->jid);
    router_login_keep(router, proof->jid, proof->secret);
    memcpy(session->name, proof->name, sizeof(session->name));
    session->proved = clock_mono();
    if (session->up)
        router_login_answer(router, &proof->waits, PROBLEM_none, "", 0);
    else
        while (!list_empty(&proof->waits))
            list_append(&session->waits, list_take(&proof->waits));
    router_session_used(session);
}

static bool on_proved(void *data, struct client *client)
{
    struct proof *proof = OBJECT(data, proof);
    struct router *router = proof->router;
    struct session *session = router_session_of(router, proof->jid);

    must(proof->client == client);
    right(proof);
    if (session == NULL && router_session_open(proof)) {
        proof->client = NULL;
        proof_free(&proof);
        router_login_next(router);
        return true;
    }
    if (session)
        prove_only(proof, session);
    else
        router_login_answer(router, &proof->waits, PROBLEM_unavailable,
                            "Too many users are logged in just now", USEC_PER_SEC);
    client_close(&proof->client);
    proof_free(&proof);
    router_login_next(router);
    return false;
}

static void wrong(struct proof *proof, const char *detail)
{
    struct router *router = proof->router;

    count_add(COUNT_logins_failed, 1);
    log_info("login of %.*s from %s: the server refused the password (%s)", SPAN_ARG(proof->jid),
             proof->address[0] ? strchr(proof->address, '/') + 1 : "-", detail);
    mark(router, "login-wrong", proof->name, WRONG_WAIT);
    unmark(router, "login-right", proof->name);
}

/* Whatever the server makes of it: a failed exchange is a failure to whoever counts them there. */
static bool counts_as_failure(enum client_end end)
{
    return end == CLIENT_END_REFUSED || end == CLIENT_END_NOT_NOW || end == CLIENT_END_MECHANISM ||
           end == CLIENT_END_NEEDS_TLS || end == CLIENT_END_IMPOSTOR;
}

static void on_ended(void *data, struct client *client, enum client_end end, const char *detail)
{
    struct proof *proof = OBJECT(data, proof);
    struct router *router = proof->router;
    struct login_gate *gate = &router->heritage->segment->logins;
    int64_t now = clock_mono(), wait = 0;

    must(proof->client == client);
    proof->client = NULL;
    if (counts_as_failure(end))
        login_gate_failed(gate, now);
    if (end == CLIENT_END_REFUSED) {
        wrong(proof, detail);
    } else {
        router_login_refund(proof);
        router_login_say(router, end, client_jid(client).domain, detail);
    }
    if (client_problem(end) == PROBLEM_logins_refused) {
        wait = REFUSED_WAIT;
        atomic_store(&gate->refused_until, now + wait);
    }
    router_login_answer(router, &proof->waits, client_problem(end), client_sentence(end), wait);
    proof_free(&proof);
    router_login_next(router);
}

static const struct client_calls proof_calls = { .proved = on_proved, .ended = on_ended };

struct proof *proof_new(struct router *router, struct jid jid, struct span password, const char *name)
{
    struct logins *logins = router->logins;
    struct proof *proof = must_alloc(sizeof(*proof));
    struct span text = jid_bare_text(router->scratch, jid);

    OBJECT_BORN(proof, proof);
    proof->client = client_new(&logins->world, jid, password, &proof_calls, proof);
    if (proof->client == NULL) {
        free(proof);
        return NULL;
    }
    proof->router = router;
    list_init(&proof->waits);
    (void)snprintf(proof->name, sizeof(proof->name), "%s", name);
    proof->key = must_alloc(LOGIN_NAME_SIZE + text.size + 1);
    (void)snprintf(proof->key, LOGIN_NAME_SIZE + text.size + 1, "%s%.*s", name, SPAN_ARG(text));
    proof->jid = span_of(proof->key + strlen(name));
    proof->secret = login_secret_new(password);
    must(map_set(logins->proofs, span_of(proof->key), proof) == NULL);
    list_append(&logins->waiting, &proof->node);
    return proof;
}

/* May end before it returns. */
void proof_begin(struct proof *proof)
{
    must(!proof->begun);
    list_remove(&proof->node);
    proof->begun = true;
    proof->router->logins->under_way++;
    client_start(proof->client);
}
