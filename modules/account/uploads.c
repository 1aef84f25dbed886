/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: uploads.c - see uploads.h. */
#include "uploads.h"

#include "base/text.h"
#include "visit.h"
#include "xmpp/ns.h"

#include <json-c/json.h>

struct span uploads_component(const struct module_host *host)
{
    const char *component = host_component(host, "upload");

    return component != NULL && command_is_own(host, span_of(component)) ? span_of(component)
                                                                         : (struct span){ 0 };
}

static void on_answer(struct ask *ask)
{
    struct uploads_ask *uploads = LIST_OF(ask, struct uploads_ask, ask);

    uploads->is_good = ask->problem == PROBLEM_none && !ask->is_error &&
                       command_read(ask->answer, &uploads->command) && !uploads->command.has_failed &&
                       uploads->command.status == COMMAND_COMPLETED;
    uploads->done(uploads);
}

void uploads_run(struct uploads_ask *uploads, struct module_host *host, struct arena *arena, struct span user,
                 const char *node, const char *const *vars, struct span *values, size_t count)
{
    const struct command_asker asker = { .user = user, .way = COMMAND_BY_BROWSER };
    struct form_answer fields[4];
    struct form_answers answers = { .all = fields, .count = count };
    struct buf form = { 0 }, payload = { 0 };

    must(count <= sizeof(fields) / sizeof(fields[0]));
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct form_answer){ .var = span_of(vars[i]), .values = &values[i], .count = 1 };
    if (count > 0)
        form_submit(&answers, &form);
    command_write(&payload, span_of(node), SPAN(""), COMMAND_EXECUTE, buf_span(&form));
    uploads->ask = (struct ask){ .done = on_answer };
    command_ask(host, &uploads->ask, arena, &asker, uploads_component(host), IQ_SET, buf_span(&payload));
    buf_free(&form);
    buf_free(&payload);
}

void uploads_cancel(struct uploads_ask *uploads)
{
    ask_cancel(&uploads->ask);
}

/* ---- what it says ---- */

static struct span value_in(const struct xml_element *fields, const char *var, struct arena *arena)
{
    for (const struct xml_element *field = xml_child(fields, NS_DATA, "field"); field != NULL;
         field = xml_next(field, NS_DATA, "field")) {
        const struct xml_element *value = xml_child(field, NS_DATA, "value");

        if (span_is(xml_attribute(field, "var"), var))
            return value != NULL ? xml_text(value, arena) : SPAN("");
    }
    return SPAN("");
}

const char *uploads_size(struct arena *arena, int64_t bytes)
{
    static const char *const units[] = { "kB", "MB", "GB", "TB" };
    double size = (double)bytes / 1000;
    size_t unit = 0;

    if (bytes < 1000)
        return arena_printf(arena, "%lld bytes", (long long)bytes);
    for (; size >= 1000 && unit < 3; unit++)
        size /= 1000;
    return arena_printf(arena, size < 10 ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

struct json_object *uploads_list(const struct uploads_ask *ask, struct arena *arena, struct span *next_r)
{
    struct json_object *list = json_object_new_array();
    const struct xml_element *form = ask->command.form;

    *next_r = form != NULL ? value_in(form, "after-id", arena) : SPAN("");
    for (const struct xml_element *item = form != NULL ? xml_child(form, NS_DATA, "item") : NULL;
         item != NULL; item = xml_next(item, NS_DATA, "item")) {
        struct json_object *one = json_object_new_object();
        uint64_t size = 0;

        text_to_u64(value_in(item, "filesize", arena), &size);
        json_put_text(one, "id", value_in(item, "id", arena));
        json_put_text(one, "name", value_in(item, "filename", arena));
        json_put_text(one, "size", span_of(uploads_size(arena, (int64_t)size)));
        json_object_object_add(one, "bytes", json_object_new_int64((int64_t)size));
        json_put_text(one, "type", value_in(item, "mimetype", arena));
        json_put_text(one, "stamp", value_in(item, "timestamp", arena));
        json_put_text(one, "expires", value_in(item, "expires", arena));
        json_put_text(one, "url", value_in(item, "url", arena));
        json_object_array_add(list, one);
    }
    return list;
}

int64_t uploads_number(const struct uploads_ask *ask, struct arena *arena, const char *var)
{
    uint64_t number;

    if (!ask->is_good || ask->command.form == NULL ||
        !text_to_u64(value_in(ask->command.form, var, arena), &number))
        return -1;
    return (int64_t)number;
}
