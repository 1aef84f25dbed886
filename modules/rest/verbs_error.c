/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: verbs_error.c - stanza errors as scripts see them: condition and text, nothing else of
 * the stanza (an echoed form may hold a password). */
#include "verbs_iq.h"

#include "base/text.h"

#define NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define TEXT_MOST  500

static enum problem problem_of(struct span condition)
{
    static const struct {
        const char *condition;
        enum problem problem;
    } rows[] = {
        { "item-not-found", PROBLEM_not_found },
        { "service-unavailable", PROBLEM_not_found },
        { "gone", PROBLEM_gone },
        { "recipient-unavailable", PROBLEM_not_found },
        { "remote-server-not-found", PROBLEM_not_found },
        { "forbidden", PROBLEM_forbidden },
        { "not-allowed", PROBLEM_forbidden },
        { "not-authorized", PROBLEM_forbidden },
        { "registration-required", PROBLEM_forbidden },
        { "subscription-required", PROBLEM_forbidden },
        { "conflict", PROBLEM_conflict },
        { "bad-request", PROBLEM_bad_request },
        { "jid-malformed", PROBLEM_bad_request },
        { "unexpected-request", PROBLEM_bad_request },
        { "policy-violation", PROBLEM_bad_request },
        { "not-acceptable", PROBLEM_not_acceptable },
        { "feature-not-implemented", PROBLEM_not_implemented },
        { "resource-constraint", PROBLEM_unavailable },
        { "remote-server-timeout", PROBLEM_server_silent },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (span_is(condition, rows[i].condition))
            return rows[i].problem;
    return PROBLEM_bad_gateway;
}

void verb_note_error(struct rest_run *run, const struct xml_element *iq)
{
    const struct xml_element *error = xml_child(iq, NULL, "error"), *child;
    struct arena *arena = run->call->request->arena;
    struct span condition = SPAN("undefined-condition"), text = SPAN("");

    for (child = error ? xml_child(error, NS_STANZAS, NULL) : NULL; child;
         child = xml_next(child, NS_STANZAS, NULL))
        if (span_is(child->name, "text"))
            text = xml_text(child, arena);
        else
            condition = child->name;
    run->problem = problem_of(condition);
    run->problem_condition = arena_text(arena, span_head(condition, 64));
    while (text.size > TEXT_MOST || (text.size > 0 && !text_is_utf8(text)))
        text.size = text.size > TEXT_MOST ? TEXT_MOST : text.size - 1; /* not within a character */
    run->problem_text = text.size > 0 ? arena_text(arena, text) : problem_text(run->problem);
}

void verb_stanza_error(struct sending *sending)
{
    struct script_wait *wait = sending->wait;

    verb_note_error(sending->run, sending->ask.answer);
    OBJECT_DEAD(sending);
    script_answer(wait, NULL);
}
