/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: step.c - see step.h. */
#include "step.h"

#include "base/codec.h"
#include "base/text.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

#define NUMBERS 5 /* that stand before the session id, each with a blank behind it */

/* ---- written ---- */

static void write_without_values(struct buf *out, const struct xml_element *field)
{
    buf_text(out, "<field type='text-private'");
    stanza_attribute(out, "var", xml_attribute(field, "var"));
    stanza_attribute(out, "label", xml_attribute(field, "label"));
    buf_char(out, '>');
    for (const struct xml_element *at = xml_child(field, NULL, NULL); at; at = xml_next(at, NULL, NULL))
        if (!xml_is(at, NS_DATA, "value"))
            xml_write(out, at, SPAN(NS_DATA));
    buf_text(out, "</field>");
}

static void write_form(struct buf *out, const struct xml_element *form)
{
    buf_text(out, "<x xmlns='" NS_DATA "' type='form'>");
    for (const struct xml_element *at = xml_child(form, NS_DATA, NULL); at;
         at = xml_next(at, NS_DATA, NULL)) {
        if (span_is(at->name, "field") && span_is(xml_attribute(at, "type"), "text-private"))
            write_without_values(out, at);
        else if (span_is(at->name, "field") || span_is(at->name, "title") ||
                 span_is(at->name, "instructions"))
            xml_write(out, at, SPAN(NS_DATA));
    }
    buf_text(out, "</x>");
}

struct span step_seal(const struct auth_cache *cache, struct arena *arena, const struct adhoc_owner *owner,
                      const struct step *step)
{
    struct buf text = { 0 }, shown = { 0 };
    struct span out = { NULL, 0 };

    buf_printf(&text, "%lld %u %u %u %zu ", (long long)step->born, step->number, step->actions,
               (unsigned)step->usual, step->sessionid.size);
    buf_add(&text, step->sessionid);
    if (step->form)
        write_form(&text, step->form);
    if (text.size <= STEP_FORM_MOST) {
        codec_base64(&shown, adhoc_sign(cache, arena, owner, buf_span(&text)));
        out = arena_copy(arena, buf_span(&shown));
    }
    buf_free(&text);
    buf_free(&shown);
    return out;
}

/* ---- read ---- */

static bool read_numbers(struct span *text, uint64_t numbers_r[NUMBERS])
{
    for (unsigned i = 0; i < NUMBERS; i++)
        if (!text_to_u64(span_cut(text, ' '), &numbers_r[i]))
            return false;
    return numbers_r[4] <= text->size && numbers_r[3] < COMMAND_ACTIONS;
}

static bool read_form(struct arena *arena, struct span text, const struct xml_element **form_r)
{
    struct xml_limits limits = xml_limits_component;
    struct xml_element *form;
    const char *why;

    if (text.size == 0)
        return true;
    limits.element_most = STEP_FORM_MOST;
    if (xml_document(text, &limits, arena, &form, &why) != 1)
        return false;
    *form_r = form;
    return true;
}

enum step_verdict step_open(const struct auth_cache *cache, struct arena *arena,
                            const struct adhoc_owner *owner, struct span text, int64_t now,
                            struct step *step_r)
{
    struct step step = { 0 };
    uint64_t numbers[NUMBERS];
    struct buf plain = { 0 };
    struct span inside;
    bool is_good;

    is_good = text.size <= 2 * STEP_FORM_MOST && codec_base64_decode(&plain, text) &&
              adhoc_verify(cache, arena_copy(arena, buf_span(&plain)), owner, &inside) &&
              read_numbers(&inside, numbers);
    buf_free(&plain);
    if (!is_good)
        return STEP_BAD;
    step.born = (int64_t)numbers[0];
    step.number = (unsigned)numbers[1];
    step.actions = (unsigned)numbers[2];
    step.usual = (enum command_action)numbers[3];
    step.sessionid = span_head(inside, (size_t)numbers[4]);
    if (!read_form(arena, span_from(inside, (size_t)numbers[4]), &step.form))
        return STEP_BAD;
    *step_r = step;
    return now < step.born || now - step.born > STEP_LIFE ? STEP_EXPIRED : STEP_GOOD;
}
