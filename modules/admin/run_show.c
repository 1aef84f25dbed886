/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: run_show.c - the pages of a command at work: its form, the confirmation, what came out,
 * and what went wrong. */
#include "run.h"

#include "base/text.h"
#include "page/texts.h"
#include "xmpp/ns.h"

#include <json-c/json.h>

#define WORDS_MOST 8192 /* bytes of instructions, of a note */
#define NAME_SHORT 40   /* bytes of a name that fits on a button */

static struct json_object *text_object(struct span text)
{
    return json_object_new_string_len(text.size ? text.at : "", (int)text.size);
}

static void put(struct json_object *into, const char *name, struct span text)
{
    json_object_object_add(into, name, text_object(text));
}

static void put_flag(struct json_object *into, const char *name)
{
    json_object_object_add(into, name, json_object_new_boolean(true));
}

static struct json_object *new_values(struct run *run)
{
    return pages_command(run->admin, run->request, run->owner.to, run->owner.node, run->command);
}

/* What stands on the button that ends the command. */
static struct span button_text(const struct run *run)
{
    if (run->command && run->command->name.size <= NAME_SHORT)
        return run->command->name;
    return span_of(TEXT(admin_submit));
}

const char *show_words(struct run *run, const char *text, const char *one, const char *two)
{
    struct buf words = { 0 };
    const char *whole;

    for (; *text; text++) {
        if (strncmp(text, "{1}", 3) == 0 || (two && strncmp(text, "{2}", 3) == 0)) {
            buf_text(&words, text[1] == '1' ? one : two);
            text += 2;
        } else {
            buf_char(&words, *text);
        }
    }
    whole = arena_text(run->request->arena, buf_span(&words));
    buf_free(&words);
    return whole;
}

static void show(struct run *run, int status, const char *body, struct json_object *values)
{
    pages_show(run->admin, run->request, status, body, values,
               run->request->method == HTTP_POST ? CATALOG_STALE : CATALOG_FRESH);
}

/* ---- notes ---- */

static void add_note(struct json_object *notes, const char *kind, struct span text)
{
    struct json_object *note = json_object_new_object();

    put_flag(note, kind);
    put(note, "text", text_head(text, WORDS_MOST));
    json_object_array_add(notes, note);
}

static void add_notes(struct run *run, struct json_object *notes, const struct xml_element *command)
{
    const struct xml_element *note = command ? xml_child(command, NS_COMMANDS, "note") : NULL;

    for (unsigned i = 0; note && i < 20; i++, note = xml_next(note, NS_COMMANDS, "note")) {
        struct span type = xml_attribute(note, "type"), text = xml_text(note, run->request->arena);

        if (text.size > 0)
            add_note(notes,
                     span_is(type, "error")  ? "is_error"
                     : span_is(type, "warn") ? "is_warn"
                                             : "is_info",
                     text);
    }
}

/* ---- the form ---- */

static void put_words(struct run *run, struct json_object *values, const struct xml_element *form)
{
    struct span title = span_trim(form_words(form, "title", run->request->arena));
    struct span words = span_trim(form_words(form, "instructions", run->request->arena));

    if (title.size > 0 && (run->command == NULL || !span_eq_nocase(title, run->command->name)))
        put(values, "form_title", text_head(title, 300));
    if (words.size > 0)
        put(values, "instructions", text_head(words, WORDS_MOST));
}

static void put_buttons(struct run *run, struct json_object *values, const struct step *step)
{
    bool is_next = step->usual == COMMAND_NEXT;

    if (is_next)
        put(values, "primary", span_of(TEXT(admin_next)));
    else
        put(values, "primary", button_text(run));
    if (step->usual == COMMAND_PREV)
        put(values, "primary", span_of(TEXT(admin_prev)));
    if ((step->actions & (1u << COMMAND_PREV)) && step->usual != COMMAND_PREV)
        put_flag(values, "has_prev");
    /* Some servers offer next for commands of one step, as if it were another word for complete. */
    if ((step->actions & (1u << COMMAND_NEXT)) && !is_next && run->fact->start == ACTS)
        put_flag(values, "has_next");
    if ((step->actions & (1u << COMMAND_COMPLETE)) && is_next)
        put_flag(values, "has_complete");
    if (run->fact->danger)
        put_flag(values, "is_danger");
}

void show_form(struct run *run, const struct step *step, const struct sheet *sheet,
               const struct web_form *typed, const struct xml_element *command, const char *note, int status)
{
    struct span state = step_seal(&run->admin->host->segment->auth, run->request->arena, &run->owner, step);
    struct json_object *values = new_values(run), *notes = json_object_new_array();

    if (sheet->total > sheet->count || state.at == NULL) {
        json_object_put(values);
        json_object_put(notes);
        show_trouble(run, 502,
                     show_words(run, TEXT(admin_too_large),
                                arena_printf(run->request->arena, "%zu", sheet->total), NULL),
                     TEXT(admin_too_large_text));
        return;
    }
    if (note)
        add_note(notes, "is_error", span_of(note));
    add_notes(run, notes, command);
    json_object_object_add(values, "notes", notes);
    put_words(run, values, step->form);
    put(values, "state", state);
    put(values, "token", web_token(run->admin->host, run->request, TOKEN_RUN));
    json_object_object_add(values, "controls", sheet_controls(sheet, typed));
    json_object_object_add(values, "errors", sheet_faults(sheet));
    if (step->number > 1)
        json_object_object_add(values, "step", json_object_new_int((int)step->number));
    put_buttons(run, values, step);
    show(run, status, "form", values);
}

/* ---- the confirmation ---- */

void show_confirm(struct run *run, const struct step *step, const struct sheet *sheet,
                  enum command_action action)
{
    struct json_object *values = new_values(run);

    put(values, "danger", span_of(run->fact->danger));
    put(values, "token", web_token(run->admin->host, run->request, TOKEN_RUN));
    put(values, "confirmed",
        span_of(arena_printf(run->request->arena, "%s%s/confirmed", page_base(run->request),
                             run->admin->conf->context_path[1] != '\0' ? run->admin->conf->context_path + 1
                                                                       : ".")));
    if (step) {
        put(values, "state",
            step_seal(&run->admin->host->segment->auth, run->request->arena, &run->owner, step));
        put(values, "action", span_of(command_action_name(action)));
        json_object_object_add(values, "typed", sheet_typed(sheet, run->typed));
        json_object_object_add(values, "carried", sheet_carried(sheet, run->typed));
        json_object_object_add(values, "controls", sheet_secrets(sheet));
    }
    put(values, "primary", button_text(run));
    show(run, 200, "confirm", values);
}

/* ---- what came out ---- */

struct json_object *result_values(struct run *run, const struct command *command,
                                  const struct xml_element *element)
{
    struct json_object *values = new_values(run), *notes = json_object_new_array(), *tables;
    struct sheet *sheet = arena_make(run->request->arena, struct sheet);

    add_notes(run, notes, element);
    if (command->has_failed && run->step.number == 1 && run->sheet.count > 0) {
        /* What was typed once more, to be mended: the server's session is over, so it begins anew. */
        put_flag(values, "is_retry");
    } else if (json_object_array_length(notes) == 0 && command->form == NULL) {
        add_note(notes, "is_good", span_of(TEXT(admin_done)));
    }
    json_object_object_add(values, "notes", notes);
    put_words(run, values, command->form);
    sheet_read(sheet, command->form, run->request->arena);
    json_object_object_add(values, "results", sheet_results(sheet));
    if (sheet->total > sheet->count)
        put(values, "cut",
            span_of(show_words(run, TEXT(admin_result_cut),
                               arena_printf(run->request->arena, "%zu", sheet->count),
                               arena_printf(run->request->arena, "%zu", sheet->total))));
    tables = sheet_tables(command->form, run->request->arena);
    if (tables)
        json_object_object_add(values, "tables", tables);
    if (command->has_failed)
        put_flag(values, "has_failed");
    if (run->request->method == HTTP_POST && run->fact->start != ACTS)
        put_flag(values, "has_again");
    return values;
}

/* The form that was refused, with what was typed, and the notes above it. */
static void show_again(struct run *run, struct json_object *notes, int status)
{
    struct step step = run->step;
    struct json_object *values = new_values(run);
    struct span state;

    step.sessionid = SPAN("");
    step.born = clock_wall() / USEC_PER_SEC;
    state = step_seal(&run->admin->host->segment->auth, run->request->arena, &run->owner, &step);
    json_object_object_add(values, "notes", notes);
    put_words(run, values, step.form);
    put(values, "state", state);
    put(values, "token", web_token(run->admin->host, run->request, TOKEN_RUN));
    json_object_object_add(values, "controls", sheet_controls(&run->sheet, run->typed));
    step.actions = 0;
    step.usual = COMMAND_COMPLETE;
    put_buttons(run, values, &step);
    show(run, status, "form", values);
}

void show_result(struct run *run, struct json_object *values)
{
    if (json_member(values, "is_retry")) {
        struct json_object *notes = json_object_get(json_member(values, "notes"));

        json_object_put(values);
        show_again(run, notes, 200);
        return;
    }
    show(run, 200, "result", values);
}

/* ---- what went wrong ---- */

void show_trouble(struct run *run, int status, const char *headline, const char *text)
{
    struct json_object *values = new_values(run);

    put(values, "headline", span_of(headline));
    put(values, "text", span_of(text));
    if (status == 200)
        put_flag(values, "is_fine");
    show(run, status, "trouble", values);
}

void show_refusal(struct run *run, const char *text)
{
    struct json_object *notes;

    if (run->step.number != 1 || run->sheet.count == 0 || run->typed == NULL) {
        show_trouble(run, 200, TEXT(admin_refused), text);
        return;
    }
    notes = json_object_new_array();
    add_note(notes, "is_error", span_of(text));
    show_again(run, notes, 200);
}

struct span error_condition(const struct xml_element *iq)
{
    const struct xml_element *error = xml_child(iq, NULL, "error");
    const struct xml_element *at = error ? xml_child(error, NS_STANZA_ERRORS, NULL) : NULL;

    while (at && span_is(at->name, "text"))
        at = xml_next(at, NS_STANZA_ERRORS, NULL);
    return at ? at->name : SPAN("undefined-condition");
}

const char *error_text(struct run *run, const struct xml_element *iq)
{
    static const struct {
        const char *condition;
        enum page_text text;
    } rows[] = { { "conflict", TEXT_admin_error_conflict },
                 { "forbidden", TEXT_admin_error_forbidden },
                 { "not-allowed", TEXT_admin_error_forbidden },
                 { "item-not-found", TEXT_admin_error_missing },
                 { "bad-request", TEXT_admin_error_bad },
                 { "not-acceptable", TEXT_admin_error_bad },
                 { "service-unavailable", TEXT_admin_error_unavailable },
                 { "feature-not-implemented", TEXT_admin_error_unavailable },
                 { "remote-server-not-found", TEXT_admin_error_absent },
                 { "remote-server-timeout", TEXT_admin_error_absent },
                 { "internal-server-error", TEXT_admin_error_internal } };
    const struct xml_element *error = xml_child(iq, NULL, "error");
    const struct xml_element *words = error ? xml_child(error, NS_STANZA_ERRORS, "text") : NULL;
    struct span condition = error_condition(iq),
                own = words ? xml_text(words, run->request->arena) : SPAN("");
    const char *sentence = TEXT(admin_error_other);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (span_is(condition, rows[i].condition))
            sentence = page_text(rows[i].text);
    own = text_head(own, 1000);
    return arena_printf(run->request->arena, "%s (%.*s%s%.*s)", sentence, SPAN_ARG(text_head(condition, 60)),
                        own.size > 0 ? ": " : "", SPAN_ARG(own));
}
