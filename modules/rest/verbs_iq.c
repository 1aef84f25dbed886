/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: verbs_iq.c - service:iq, send, sendPacket: stanzas from the component, or as the user
 * who is logged in.
 *
 * A script's stanza is parsed and written anew, so nothing in it can end the stream that all share. An IQ as
 * the user goes over that user's own session and can do what that user may, no more; when the session was
 * closed meanwhile, the request's credentials open it again, once. */
#include "verbs_iq.h"

#include "base/clock.h"
#include "parse/jid.h"

#define SECONDS_MOST 300

/* ---- what the caller wants ---- */

/* Behind the stanza: seconds, or {seconds =, as_user =}. */
static const char *read_options(struct json_object *options, struct sending *sending)
{
    int64_t seconds = 0;
    struct json_object *number = options;

    if (options != NULL && json_object_is_type(options, json_type_object)) {
        struct json_object *as_user = json_member(options, "as_user");

        number = json_member(options, "seconds");
        sending->as_user = as_user != NULL && json_object_get_boolean(as_user);
    }
    if (number != NULL && !json_whole(number, &seconds) && !json_object_is_type(number, json_type_double))
        return "seconds is no number";
    if (number != NULL && json_object_is_type(number, json_type_double))
        seconds = (int64_t)json_object_get_double(number);
    /* The contract's own scripts ask for 30000 seconds and mean: long. */
    sending->time = (seconds < 0 ? 0 : seconds > SECONDS_MOST ? SECONDS_MOST : seconds) * USEC_PER_SEC;
    if (sending->as_user && sending->run->call->login.jid.at == NULL)
        return "as_user needs a script with required_role";
    return NULL;
}

/* Whose JID stands in from: our component's, or one of its domain; or the user's, and it goes as the user. */
const char *sending_from(struct sending *sending, struct span given)
{
    struct rest_run *run = sending->run;
    struct span component = rest_component(run->call->rest);
    struct jid jid, own;

    sending->from = sending->as_user ? run->call->login.jid : component;
    if (sending->from.size == 0)
        return "no component of the service http is configured (xmpp/components)";
    if (given.at == NULL || sending->as_user)
        return NULL;
    if (!jid_parse(sending->arena, given, &jid))
        return "from is no JID";
    if (component.size == 0 || !jid_parse(sending->arena, component, &own) ||
        !span_eq(jid.domain, own.domain))
        return "from is not of our component; leave it out, or use as_user";
    sending->from = jid_text(sending->arena, jid);
    return NULL;
}

struct sending *sending_new(struct script_wait *wait, struct json_object *options, const char **why_r)
{
    struct sending *sending = arena_make(script_wait_arena(wait), struct sending);

    OBJECT_BORN(sending, sending);
    sending->wait = wait;
    sending->run = verb_run(wait);
    sending->arena = script_wait_arena(wait);
    *why_r = read_options(options, sending);
    return sending;
}

/* ---- on its way ---- */

static void on_cancelled(struct script_wait *wait, void *data)
{
    struct sending *sending = OBJECT(data, sending);

    (void)wait;
    ask_cancel(&sending->ask);
    list_remove(&sending->node);
    OBJECT_DEAD(sending);
}

static void go(struct sending *sending)
{
    struct module_host *host = sending->run->call->rest->host;

    if (sending->is_message)
        ask_send(host, &sending->ask, sending->arena, sending->from, sending->payload);
    else
        ask_iq(host, &sending->ask, sending->arena, sending->from, sending->to, sending->kind,
               sending->payload, sending->time);
}

/* Logged in again: those that were told that there is no session go once more. */
static void on_again(struct http_request *request, const struct login *login)
{
    struct rest_call *call = request->handler_data;
    struct rest_run *run = OBJECT(call->data, rest_run);
    struct list *node;

    (void)login;
    run->is_logging_in = false;
    while ((node = list_take(&run->relogins)) != NULL)
        go(LIST_OF(node, struct sending, node));
}

/* The password does not count any more: the whole call is over, with what login says. */
static void on_refused(struct http_request *request, enum problem problem, const char *detail)
{
    struct rest_call *call = request->handler_data;
    struct rest_run *run = OBJECT(call->data, rest_run);

    run->is_logging_in = false;
    call->on_cancel = NULL;
    if (run->at_work != NULL)
        script_cancel(run->at_work);
    run->at_work = NULL;
    rest_problem(call, problem, detail);
}

static void on_sent(struct ask *ask)
{
    struct sending *sending = OBJECT(ask->data, sending);
    struct rest_run *run = sending->run;

    if (ask->problem == PROBLEM_no_session && sending->as_user && !sending->is_again) {
        sending->is_again = true;
        list_append(&run->relogins, &sending->node);
        if (run->is_logging_in)
            return;
        run->is_logging_in = true;
        login_again(run->call->rest->host, run->call->request, on_again, on_refused);
        return;
    }
    sending->done(sending);
}

void sending_go(struct sending *sending)
{
    sending->ask.done = on_sent;
    sending->ask.data = sending;
    script_wait_on_cancel(sending->wait, on_cancelled, sending);
    go(sending);
}

void sending_iq(struct sending *sending, struct span to, enum iq_kind kind, struct span payload)
{
    sending->is_again = false;
    sending->to = to;
    sending->kind = kind;
    sending->payload = payload;
    sending->ask = (struct ask){ .done = on_sent, .data = sending };
    go(sending);
}

/* ---- ends ---- */

void sending_nil(struct sending *sending)
{
    struct script_wait *wait = sending->wait;
    enum problem problem = sending->ask.problem;

    OBJECT_DEAD(sending);
    verb_nil(wait, problem, NULL, NULL);
}

/* The whole stanza as XML; an error too: type tells. */
static void answer_stanza(struct sending *sending)
{
    struct script_wait *wait = sending->wait;
    struct buf text = { 0 };

    if (sending->ask.problem != PROBLEM_none) {
        sending_nil(sending);
        return;
    }
    if (sending->ask.is_error)
        verb_note_error(sending->run, sending->ask.answer);
    xml_write(&text, sending->ask.answer, SPAN(""));
    OBJECT_DEAD(sending);
    script_answer_bytes(wait, buf_span(&text));
    buf_free(&text);
}

static void answer_true(struct sending *sending)
{
    struct script_wait *wait = sending->wait;

    if (sending->ask.problem != PROBLEM_none) {
        sending_nil(sending);
        return;
    }
    OBJECT_DEAD(sending);
    script_answer(wait, json_object_new_boolean(true));
}

/* ---- the verbs ---- */

static bool is_stanza(const struct xml_element *element, const char *name)
{
    return span_is(element->name, name) && (element->ns.size == 0 || span_is(element->ns, "jabber:client") ||
                                            span_is(element->ns, "jabber:component:accept"));
}

/* What is to be sent as an IQ. */
static const char *read_iq(struct sending *sending, const struct xml_element *stanza)
{
    struct span type = xml_attribute(stanza, "type"), to = xml_attribute(stanza, "to");
    const struct xml_element *payload = xml_child(stanza, NULL, NULL);
    struct buf text = { 0 };
    struct jid jid;

    if (!span_is(type, "get") && !span_is(type, "set"))
        return "an iq is of type get or set; answers are not a script's to send";
    if (to.at == NULL || !jid_parse(sending->arena, to, &jid))
        return "an iq needs a JID in to";
    if (payload == NULL || xml_next(payload, NULL, NULL) != NULL)
        return "an iq of type get or set holds exactly one element";
    sending->kind = span_is(type, "get") ? IQ_GET : IQ_SET;
    sending->to = jid_text(sending->arena, jid);
    /* A payload in the stanza's own namespace, or in none, is nothing that a server knows; it goes as it is.
     */
    xml_write(&text, payload, SPAN(""));
    sending->payload = arena_copy(sending->arena, buf_span(&text));
    buf_free(&text);
    return NULL;
}

/* Gives every element that stands in the stanza's own namespace that of clients. */
static void rename_space(struct xml_element *element, struct span from)
{
    if (!span_eq(element->ns, from))
        return;
    element->ns = SPAN("jabber:client");
    for (struct xml_element *child = xml_child(element, NULL, NULL); child;
         child = xml_next(child, NULL, NULL))
        rename_space(child, from);
}

static const char *read_message(struct sending *sending, struct xml_element *stanza)
{
    struct span to = xml_attribute(stanza, "to");
    struct buf text = { 0 };
    struct jid jid;

    if (to.at == NULL || !jid_parse(sending->arena, to, &jid))
        return "a message or presence needs a JID in to";
    rename_space(stanza, stanza->ns);
    xml_write(&text, stanza, SPAN(""));
    sending->payload = arena_copy(sending->arena, buf_span(&text));
    sending->is_message = true;
    buf_free(&text);
    return NULL;
}

static struct sending *read_stanza(struct script_wait *wait, struct json_object *args, const char **why_r)
{
    struct sending *sending = sending_new(wait, verb_arg(args, 1), why_r);
    struct xml_element *stanza;
    struct span text;

    if (*why_r != NULL)
        return NULL;
    *why_r = "the stanza is no element and no text";
    if (!verb_text(args, 0, &text))
        return NULL;
    if (xml_document(text, &xml_limits_component, sending->arena, &stanza, why_r) != 1)
        return NULL;
    *why_r = sending_from(sending, xml_attribute(stanza, "from"));
    if (*why_r != NULL)
        return NULL;
    if (is_stanza(stanza, "iq"))
        *why_r = read_iq(sending, stanza);
    else if (is_stanza(stanza, "message") || is_stanza(stanza, "presence"))
        *why_r = read_message(sending, stanza);
    else
        *why_r = "that is no iq, message or presence";
    return *why_r == NULL ? sending : NULL;
}

void verb_iq(struct script_wait *wait, struct json_object *args)
{
    const char *why;
    struct sending *sending = read_stanza(wait, args, &why);

    if (sending != NULL && sending->is_message)
        why = "iq takes an iq; messages and presences go by send";
    if (why != NULL) {
        script_refuse(wait, why);
        return;
    }
    sending->done = answer_stanza;
    sending_go(sending);
}

void verb_send(struct script_wait *wait, struct json_object *args)
{
    const char *why;
    struct sending *sending = read_stanza(wait, args, &why);

    if (sending != NULL && !sending->is_message)
        why = "send takes a message or presence; an iq goes by iq";
    if (why != NULL) {
        script_refuse(wait, why);
        return;
    }
    sending->done = answer_true;
    sending_go(sending);
}

void verb_send_packet(struct script_wait *wait, struct json_object *args)
{
    const char *why;
    struct sending *sending = read_stanza(wait, args, &why);

    if (why != NULL) {
        script_refuse(wait, why);
        return;
    }
    sending->done = sending->is_message ? answer_true : answer_stanza;
    sending_go(sending);
}
