/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: verbs.c - the table of verbs, and those that need nobody else. */
#include "verbs.h"

#include "base/must.h"
#include "os/log.h"

struct rest_run *verb_run(struct script_wait *wait)
{
    return OBJECT(script_wait_data(wait), rest_run);
}

struct json_object *verb_arg(struct json_object *args, unsigned at)
{
    return at < json_object_array_length(args) ? json_object_array_get_idx(args, at) : NULL;
}

bool verb_text(struct json_object *args, unsigned at, struct span *text_r)
{
    return json_text(verb_arg(args, at), text_r);
}

void verb_nil(struct script_wait *wait, enum problem problem, const char *condition, const char *text)
{
    struct rest_run *run = verb_run(wait);

    run->problem = problem;
    run->problem_condition = condition != NULL ? condition : problem_condition(problem);
    run->problem_text = text != NULL ? text : problem_text(problem);
    script_answer(wait, NULL);
}

/* ---- who may ---- */

static bool bare_jid(struct script_wait *wait, struct span text, struct span *bare_r)
{
    struct arena *arena = script_wait_arena(wait);
    struct jid jid;

    if (!jid_parse(arena, text, &jid) || jid.local.size == 0)
        return false;
    *bare_r = jid_bare_text(arena, jid);
    return true;
}

static void verb_is_admin(struct script_wait *wait, struct json_object *args)
{
    const struct rest_run *run = verb_run(wait);
    struct span text, bare;

    if (!verb_text(args, 0, &text)) {
        script_refuse(wait, "is_admin needs a JID");
        return;
    }
    script_answer(wait, json_object_new_boolean(bare_jid(wait, text, &bare) &&
                                                login_is_named_admin(run->call->rest->host, bare)));
}

static void verb_is_allowed(struct script_wait *wait, struct json_object *args)
{
    const struct rest_run *run = verb_run(wait);
    struct span key = { NULL, 0 }, domain, path;

    if (!verb_text(args, 1, &domain) || !verb_text(args, 2, &path)) {
        script_refuse(wait, "is_allowed needs a key (or nil), a domain and a path");
        return;
    }
    verb_text(args, 0, &key);
    script_answer(wait, json_object_new_boolean(keys_allow(run->call->rest->keys, key, domain, path)));
}

struct credentials { /* in the wait's arena */
    OBJECT_MAGIC
    struct login_check check;
    struct script_wait *wait;
};

static void on_checked(struct login_check *check, enum problem problem)
{
    struct credentials *credentials = OBJECT(check->data, credentials);
    struct script_wait *wait = credentials->wait;

    OBJECT_DEAD(credentials);
    if (problem == PROBLEM_none || problem == PROBLEM_not_authorized)
        script_answer(wait, json_object_new_boolean(problem == PROBLEM_none));
    else
        verb_nil(wait, problem, NULL, NULL); /* nobody knows: the server is away, or too many tries */
}

static void on_check_cancelled(struct script_wait *wait, void *data)
{
    struct credentials *credentials = OBJECT(data, credentials);

    (void)wait;
    login_check_cancel(&credentials->check);
    OBJECT_DEAD(credentials);
}

static void verb_check_credentials(struct script_wait *wait, struct json_object *args)
{
    struct rest_run *run = verb_run(wait);
    struct span text, password, bare;
    struct credentials *credentials;

    if (!verb_text(args, 0, &text) || !verb_text(args, 1, &password)) {
        script_refuse(wait, "check_credentials needs a JID and a password");
        return;
    }
    if (!bare_jid(wait, text, &bare)) {
        script_answer(wait, json_object_new_boolean(false));
        return;
    }
    credentials = arena_make(script_wait_arena(wait), struct credentials);
    OBJECT_BORN(credentials, credentials);
    credentials->wait = wait;
    credentials->check.done = on_checked;
    credentials->check.data = credentials;
    script_wait_on_cancel(wait, on_check_cancelled, credentials);
    login_check(run->call->rest->host, &credentials->check, script_wait_arena(wait), bare, password,
                run->call->request->client);
}

struct forgetting { /* in the wait's arena */
    OBJECT_MAGIC
    struct ask ask;
    struct script_wait *wait;
};

static void on_forgotten(struct ask *ask)
{
    struct forgetting *forgetting = OBJECT(ask->data, forgetting);
    struct script_wait *wait = forgetting->wait;

    OBJECT_DEAD(forgetting);
    script_answer(wait, NULL);
}

static void on_forget_cancelled(struct script_wait *wait, void *data)
{
    struct forgetting *forgetting = OBJECT(data, forgetting);

    (void)wait;
    ask_cancel(&forgetting->ask);
    OBJECT_DEAD(forgetting);
}

/* Over when the router has done it: else a request that comes to another worker right after this one's answer
 * could still be let in by what was proved before. */
static void verb_forget(struct script_wait *wait, struct json_object *args)
{
    struct module_host *host = verb_run(wait)->call->rest->host;
    struct arena *arena = script_wait_arena(wait);
    struct forgetting *forgetting;
    struct span text, bare;

    if (!verb_text(args, 0, &text) || !bare_jid(wait, text, &bare)) {
        script_refuse(wait, "forget needs the bare JID of an account");
        return;
    }
    forgetting = arena_make(arena, struct forgetting);
    OBJECT_BORN(forgetting, forgetting);
    forgetting->wait = wait;
    forgetting->ask.done = on_forgotten;
    forgetting->ask.data = forgetting;
    script_wait_on_cancel(wait, on_forget_cancelled, forgetting);
    ask_logout(host, &forgetting->ask, arena, bare);
}

/* ---- what a script may know ---- */

static void add_span(struct json_object *object, const char *name, struct span text)
{
    json_object_object_add(object, name, json_object_new_string_len(text.at, (int)text.size));
}

/* The parts of a JID, prepared; nil: it is none. */
static void verb_jid(struct script_wait *wait, struct json_object *args)
{
    struct arena *arena = script_wait_arena(wait);
    struct json_object *parts;
    struct span text;
    struct jid jid;

    if (!verb_text(args, 0, &text)) {
        script_refuse(wait, "jid needs a text");
        return;
    }
    if (!jid_parse(arena, text, &jid)) {
        verb_nil(wait, PROBLEM_bad_request, "jid-malformed", "that is no JID");
        return;
    }
    parts = json_object_new_object();
    add_span(parts, "bare", jid_bare_text(arena, jid));
    if (jid.local.size > 0)
        add_span(parts, "localpart", jid.local);
    add_span(parts, "domain", jid.domain);
    if (jid.resource.size > 0)
        add_span(parts, "resource", jid.resource);
    script_answer(wait, parts);
}

static void verb_request(struct script_wait *wait, struct json_object *args)
{
    (void)args;
    script_answer(wait, rest_script_request(verb_run(wait)->call));
}

static void verb_why(struct script_wait *wait, struct json_object *args)
{
    const struct rest_run *run = verb_run(wait);
    struct json_object *why;

    (void)args;
    if (run->problem == PROBLEM_none) {
        script_answer(wait, NULL);
        return;
    }
    why = json_object_new_object();
    json_object_object_add(why, "status", json_object_new_int(problem_status(run->problem)));
    json_object_object_add(why, "condition", json_object_new_string(run->problem_condition));
    json_object_object_add(why, "text", json_object_new_string(run->problem_text));
    script_answer(wait, why);
}

static void verb_settings(struct script_wait *wait, struct json_object *args)
{
    const struct rest *rest = verb_run(wait)->call->rest;
    const struct conf_list *domains = &rest->host->settings->xmpp->domains;
    struct json_object *settings = json_object_new_object(), *list = json_object_new_array();
    struct span component = rest_component(rest);

    (void)args;
    for (size_t i = 0; i < domains->count; i++)
        json_object_array_add(list, json_object_new_string(domains->texts[i]));
    json_object_object_add(settings, "domains", list);
    if (component.size > 0)
        add_span(settings, "component", component);
    json_object_object_add(settings, "reference_errors",
                           json_object_new_boolean(rest->conf->reference_errors));
    script_answer(wait, settings);
}

static void verb_log(struct script_wait *wait, struct json_object *args)
{
    const struct rest_run *run = verb_run(wait);
    struct span level, text;

    if (!verb_text(args, 0, &level) || !verb_text(args, 1, &text)) {
        script_refuse(wait, "log needs a level (error, warning, notice, info, debug) and a text");
        return;
    }
    if (span_is(level, "error"))
        log_error("script %s: %.*s", run->script->key, SPAN_ARG(text));
    else if (span_is(level, "warning"))
        log_warn("script %s: %.*s", run->script->key, SPAN_ARG(text));
    else if (span_is(level, "notice"))
        log_notice("script %s: %.*s", run->script->key, SPAN_ARG(text));
    else if (span_is(level, "info"))
        log_info("script %s: %.*s", run->script->key, SPAN_ARG(text));
    else
        log_debug("script %s: %.*s", run->script->key, SPAN_ARG(text));
    script_answer(wait, NULL);
}

#define XML_IN_OUT (VERB_WAITS | VERB_TAKES_XML | VERB_ANSWERS_XML)

const struct script_verb rest_verbs[] = {
    { "iq", XML_IN_OUT, verb_iq },
    { "send", VERB_WAITS | VERB_TAKES_XML, verb_send },
    { "sendPacket", XML_IN_OUT, verb_send_packet },
    { "sendPacketAndWait", XML_IN_OUT, verb_iq },
    { "check_credentials", VERB_WAITS, verb_check_credentials },
    { "is_admin", 0, verb_is_admin },
    { "is_allowed", 0, verb_is_allowed },
    { "forget", VERB_WAITS, verb_forget },
    { "command", VERB_WAITS, verb_command },
    { "fetch", VERB_WAITS, verb_fetch },
    { "jid", 0, verb_jid },
    { "kv_get", 0, verb_kv_get },
    { "kv_set", VERB_WAITS, verb_kv_set },
    { "kv_delete", VERB_WAITS, verb_kv_delete },
    { "kv_list", 0, verb_kv_list },
    { "request", 0, verb_request },
    { "settings", 0, verb_settings },
    { "why", 0, verb_why },
    { "log", 0, verb_log },
    { NULL, 0, NULL },
};
