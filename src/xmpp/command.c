/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: command.c - see command.h. */
#include "xmpp/command.h"

#include "xmpp/ns.h"
#include "xmpp/stanza.h"

#include <json-c/json.h>

static const char *const action_names[COMMAND_ACTIONS] = {
    [COMMAND_EXECUTE] = "execute",   [COMMAND_PREV] = "prev",     [COMMAND_NEXT] = "next",
    [COMMAND_COMPLETE] = "complete", [COMMAND_CANCEL] = "cancel",
};

static const char *const status_names[] = {
    [COMMAND_EXECUTING] = "executing",
    [COMMAND_COMPLETED] = "completed",
    [COMMAND_CANCELED] = "canceled",
};

#define STATUSES (sizeof(status_names) / sizeof(status_names[0]))

const char *command_action_name(enum command_action action)
{
    return action_names[action];
}

bool command_action_read(struct span name, enum command_action *action_r)
{
    for (unsigned i = 0; i < COMMAND_ACTIONS; i++) {
        if (span_is(name, action_names[i])) {
            *action_r = (enum command_action)i;
            return true;
        }
    }
    return false;
}

/* XEP-0050 3.4: without <actions/> there is "complete" alone; with them "execute" means what their attribute
 * names, else next. */
static void read_actions(const struct xml_element *element, struct command *command)
{
    const struct xml_element *actions = xml_child(element, NS_COMMANDS, "actions");
    enum command_action one;

    command->usual = COMMAND_COMPLETE;
    if (actions == NULL)
        return;
    for (const struct xml_element *at = xml_child(actions, NS_COMMANDS, NULL); at;
         at = xml_next(at, NS_COMMANDS, NULL))
        if (command_action_read(at->name, &one) && one != COMMAND_EXECUTE && one != COMMAND_CANCEL)
            command->actions |= 1u << one;
    if (command_action_read(xml_attribute(actions, "execute"), &one) && (command->actions & (1u << one)))
        command->usual = one;
    else if (command->actions & (1u << COMMAND_NEXT))
        command->usual = COMMAND_NEXT;
}

static void read_notes(const struct xml_element *element, struct command *command)
{
    command->note = xml_child(element, NS_COMMANDS, "note");
    for (const struct xml_element *at = command->note; at; at = xml_next(at, NS_COMMANDS, "note"))
        command->has_failed |=
            command->status == COMMAND_COMPLETED && span_is(xml_attribute(at, "type"), "error");
}

bool command_read(const struct xml_element *iq, struct command *command_r)
{
    const struct xml_element *element = xml_child(iq, NS_COMMANDS, "command");
    struct command command = { 0 };
    unsigned status = 0;

    if (element == NULL)
        return false;
    while (status < STATUSES && !span_is(xml_attribute(element, "status"), status_names[status]))
        status++;
    if (status == STATUSES)
        return false;
    command.status = (enum command_status)status;
    command.sessionid = xml_attribute(element, "sessionid");
    if (command.status == COMMAND_EXECUTING && command.sessionid.size == 0)
        return false;
    command.form = xml_child(element, NS_DATA, "x");
    read_notes(element, &command);
    read_actions(element, &command);
    *command_r = command;
    return true;
}

void command_write(struct buf *out, struct span node, struct span sessionid, enum command_action action,
                   struct span form)
{
    buf_text(out, "<command xmlns='" NS_COMMANDS "'");
    stanza_attribute(out, "node", node);
    stanza_attribute(out, "action", span_of(action_names[action]));
    if (sessionid.size)
        stanza_attribute(out, "sessionid", sessionid);
    buf_char(out, '>');
    buf_add(out, form);
    buf_text(out, "</command>");
}

/* ---- as maps ---- */

static struct json_object *text_object(struct span text)
{
    return json_object_new_string_len(text.size ? text.at : "", (int)text.size);
}

static void add_words(struct json_object *map, const struct command *command, const char *name,
                      struct arena *arena)
{
    struct span words = form_words(command->form, name, arena);

    if (words.at)
        json_object_object_add(map, name, text_object(words));
}

static void add_note(struct json_object *map, const struct command *command, struct arena *arena)
{
    struct json_object *note;
    struct span type;

    if (command->note == NULL)
        return;
    note = json_object_new_object();
    json_object_object_add(note, "value", text_object(xml_text(command->note, arena)));
    type = xml_attribute(command->note, "type");
    if (type.at)
        json_object_object_add(note, "type", text_object(type));
    json_object_object_add(map, "note", note);
}

struct json_object *command_map(const struct command *command, struct span jid, struct span node,
                                struct arena *arena)
{
    struct json_object *map = json_object_new_object();
    struct json_object *tables = form_tables(command->form, arena);
    struct json_object *roster = form_roster(command->form, arena);

    json_object_object_add(map, "jid", text_object(jid));
    json_object_object_add(map, "node", text_object(node));
    json_object_object_add(map, "fields", form_fields(command->form, arena));
    add_words(map, command, "title", arena);
    add_words(map, command, "instructions", arena);
    add_note(map, command, arena);
    if (tables)
        json_object_object_add(map, "reported", tables);
    if (roster)
        json_object_object_add(map, "roster", roster);
    return map;
}

void command_add_state(struct json_object *map, const struct command *command, struct span sessionid)
{
    if (sessionid.size)
        json_object_object_add(map, "sessionid", text_object(sessionid));
    json_object_object_add(map, "status", json_object_new_string(status_names[command->status]));
    if (command->status == COMMAND_EXECUTING) {
        struct json_object *actions = json_object_new_array();

        for (unsigned i = 0; i < COMMAND_ACTIONS; i++)
            if (command->actions & (1u << i))
                json_object_array_add(actions, json_object_new_string(action_names[i]));
        if (command->actions == 0)
            json_object_array_add(actions, json_object_new_string(action_names[COMMAND_COMPLETE]));
        json_object_object_add(map, "actions", actions);
    }
    if (command->form && xml_attribute(command->form, "type").at)
        json_object_object_add(map, "form_type", text_object(xml_attribute(command->form, "type")));
}

static void add_attribute(struct json_object *into, const struct xml_element *element, const char *name)
{
    struct span value = xml_attribute(element, name);

    json_object_object_add(into, name, value.at ? text_object(value) : NULL);
}

struct json_object *command_list(const struct xml_element *iq)
{
    const struct xml_element *query = xml_child(iq, NS_DISCO_ITEMS, "query");
    const struct xml_element *item = query ? xml_child(query, NS_DISCO_ITEMS, "item") : NULL;
    struct json_object *list = json_object_new_array();

    for (; item; item = xml_next(item, NS_DISCO_ITEMS, "item")) {
        struct json_object *one = json_object_new_object();

        add_attribute(one, item, "jid");
        add_attribute(one, item, "node");
        add_attribute(one, item, "name");
        json_object_array_add(list, one);
    }
    return list;
}
