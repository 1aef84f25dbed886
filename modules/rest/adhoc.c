/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: adhoc.c - /rest/adhoc/{jid}: the list of an entity's commands, and what both methods
 * share. Executing them is adhoc_run.c. */
#include "adhoc.h"

#include "xmpp/ns.h"

#include <json-c/json.h>

/* Where the reference has the commands of a whole domain, and so in its guide and in its callers' programs;
 * other servers have them at the domain itself. */
#define SESSION_MANAGER "sess-man"

bool adhoc_place_of(struct rest_call *call, struct adhoc_place *place_r)
{
    struct arena *arena = call->request->arena;
    struct span local = call->groups[0], domain = call->groups[1];
    struct adhoc_place place = { 0 };
    struct jid jid;

    place.shown = local.size ? span_of(arena_printf(arena, "%.*s@%.*s", SPAN_ARG(local), SPAN_ARG(domain)))
                             : arena_copy(arena, domain);
    if (!jid_parse(arena, place.shown, &jid) || jid.resource.size > 0) {
        rest_problem(call, PROBLEM_bad_request, "The address in the path is no bare JID");
        return false;
    }
    place.to = jid_text(arena, jid);
    if (span_is(jid.local, SESSION_MANAGER))
        place.other = jid.domain;
    *place_r = place;
    return true;
}

bool adhoc_is_elsewhere(const struct xml_element *iq)
{
    static const char *const conditions[] = { "service-unavailable", "item-not-found",
                                              "feature-not-implemented", "subscription-required",
                                              "recipient-unavailable" };
    const struct xml_element *error = xml_child(iq, NULL, "error");

    for (size_t i = 0; error && i < sizeof(conditions) / sizeof(conditions[0]); i++)
        if (xml_child(error, NS_STANZA_ERRORS, conditions[i]))
            return true;
    return false;
}

/* ---- GET ---- */

struct listing {
    OBJECT_MAGIC
    struct ask ask;
    struct rest_call *call; /* borrowed; in whose arena this lies */
    struct adhoc_place place;
};

static void on_cancel(struct rest_call *call)
{
    ask_cancel(&OBJECT(call->data, listing)->ask);
}

static void on_list(struct ask *ask);

static void ask_list(struct listing *listing)
{
    struct rest_call *call = listing->call;

    listing->ask.done = on_list;
    listing->ask.data = listing;
    command_ask_any(call->rest->host, &listing->ask, call->request->arena,
                    &(struct command_asker){ call->login.jid, call->login.is_admin, COMMAND_BY_REST },
                    listing->place.to, IQ_GET, SPAN(COMMAND_LIST_QUERY), call->rest->conf->adhoc_timeout);
}

/* Whether the next address was asked instead. */
static bool ask_elsewhere(struct listing *listing)
{
    if (listing->place.other.size == 0)
        return false;
    listing->place.to = listing->place.other;
    listing->place.other = SPAN("");
    ask_list(listing);
    return true;
}

static void on_list(struct ask *ask)
{
    struct listing *listing = OBJECT(ask->data, listing);
    struct rest_call *call = listing->call;
    struct json_object *map, *list;

    if (ask->problem != PROBLEM_none) {
        call->on_cancel = NULL;
        rest_ask_failed(call, ask, adhoc_get);
        return;
    }
    if (ask->is_error) {
        if (!adhoc_is_elsewhere(ask->answer) || !ask_elsewhere(listing)) {
            call->on_cancel = NULL;
            rest_stanza_error(call, ask->answer);
        }
        return;
    }
    list = command_list(ask->answer);
    if (json_object_array_length(list) == 0 && ask_elsewhere(listing)) {
        json_object_put(list);
        return;
    }
    call->on_cancel = NULL;
    map = json_object_new_object();
    json_object_object_add(map, "items", list);
    rest_answer(call, map);
}

void adhoc_get(struct rest_call *call)
{
    struct listing *listing = arena_make(call->request->arena, struct listing);

    OBJECT_BORN(listing, listing);
    listing->call = call;
    if (!adhoc_place_of(call, &listing->place))
        return;
    call->data = listing;
    call->on_cancel = on_cancel;
    ask_list(listing);
}

/* ---- what is served ---- */

#define NODE_EXAMPLE "http://jabber.org/protocol/admin#end-user-session"

struct rest_endpoint rest_adhoc_endpoints[] = {
    { .folder = "adhoc",
      .regex = "/(?:([^@/]+)@){0,1}([^@/]+)",
      .shown = "/rest/adhoc/{jid}",
      .methods = {
          { .method = HTTP_GET,
            .run = adhoc_get,
            .role = REST_USER,
            .content = CONTENT_NONE,
            .about = "List the ad-hoc commands that an entity offers you",
            .details = "The entity is asked in your name; it shows what you may do there. An entity without "
                       "commands is answered with 404.",
            .answer_xml = "<items>\n  <item>\n    <jid>example.org</jid>\n    <node>" NODE_EXAMPLE
                          "</node>\n    <name>End User Session</name>\n  </item>\n</items>",
            .answer_json = "{\n    \"items\": [\n        {\n            \"jid\": \"example.org\",\n"
                           "            \"node\": \"" NODE_EXAMPLE "\",\n"
                           "            \"name\": \"End User Session\"\n        }\n    ]\n}" },
          { .method = HTTP_POST,
            .run = adhoc_post,
            .role = REST_USER,
            .content = CONTENT_MAP,
            .about = "Execute an ad-hoc command",
            .details =
                "Without fields the command's form is answered, or its result when it has no form. With fields "
                "the form is filled in by name and sent. A field that the form lacks, and a required one that "
                "is missing, are refused with 400 before anything is executed. A command that reports an error "
                "is answered with 422 and its note. To go step by step, send an action (execute, next, prev, "
                "complete, cancel), and from the second step on the sessionid of the answer before.",
            .request_xml = "<command>\n  <node>" NODE_EXAMPLE
                           "</node>\n  <fields>\n    <item>\n      <var>accountjids</var>\n      <value>\n"
                           "        <item>user@example.org</item>\n      </value>\n    </item>\n  </fields>\n"
                           "</command>",
            .request_json = "{\n    \"command\": {\n        \"node\": \"" NODE_EXAMPLE
                            "\",\n        \"fields\": [\n            {\n"
                            "                \"var\": \"accountjids\",\n"
                            "                \"value\": [ \"user@example.org\" ]\n            }\n        ]\n"
                            "    }\n}",
            .answer_xml = "<command>\n  <jid>example.org</jid>\n  <node>" NODE_EXAMPLE
                          "</node>\n  <fields />\n  <note>\n    <value>Ended</value>\n    <type>info</type>\n"
                          "  </note>\n</command>",
            .answer_json = "{\n    \"command\": {\n        \"jid\": \"example.org\",\n        \"node\": "
                           "\"" NODE_EXAMPLE "\",\n        \"fields\": [],\n        \"note\": {\n"
                           "            \"value\": \"Ended\",\n            \"type\": \"info\"\n        }\n"
                           "    }\n}" },
      } },
    { .folder = NULL },
};
