/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: sheet_table.c - the tables of a result (XEP-0004 3.4), for a page and as CSV.
 *
 * A row's cells go by the names of their fields, not by their places. A table may be of any size: a page
 * shows its head, and says how much it has. */
#include "sheet.h"

#include "base/text.h"
#include "xmpp/ns.h"

#include <json-c/json.h>

#define TABLES_MOST  10
#define COLUMNS_MOST 50
#define ROWS_MOST    1000
#define CELL_MOST    2000              /* bytes */
#define CELLS_MOST   (2 * 1024 * 1024) /* bytes of all that is shown of one answer */

struct table {
    struct span vars[COLUMNS_MOST];
    bool is_right[COLUMNS_MOST]; /* figures */
    size_t columns;
    struct json_object *object, *rows; /* rows is in object */
    struct buf csv;
    size_t shown, total;
};

static struct json_object *text_object(struct span text)
{
    return json_object_new_string_len(text.size ? text.at : "", (int)text.size);
}

/* RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe before it. */
static void add_csv(struct buf *csv, struct span text)
{
    bool is_formula = text.size > 0 && memchr("=+-@\t\r", text.at[0], 6) != NULL;
    bool is_number = true;

    for (size_t i = 0; i < text.size; i++)
        is_number = is_number && memchr("+-0123456789.", text.at[i], 13) != NULL;
    buf_char(csv, '"');
    if (is_formula && !is_number)
        buf_char(csv, '\'');
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] == '"')
            buf_char(csv, '"');
        buf_char(csv, text.at[i]);
    }
    buf_char(csv, '"');
}

static void begin_table(struct table *table, const struct xml_element *reported, const char *id)
{
    struct json_object *columns = json_object_new_array();
    struct span caption = xml_attribute(reported, "label");

    *table = (struct table){ .object = json_object_new_object(), .rows = json_object_new_array() };
    for (const struct xml_element *field = xml_child(reported, NS_DATA, "field");
         field && table->columns < COLUMNS_MOST; field = xml_next(field, NS_DATA, "field")) {
        struct span var = xml_attribute(field, "var"), label = xml_attribute(field, "label");
        struct json_object *column = json_object_new_object();

        json_object_object_add(column, "label", text_object(label.size > 0 ? label : var));
        table->is_right[table->columns] = span_is(xml_attribute(field, "align"), "right");
        if (table->is_right[table->columns])
            json_object_object_add(column, "is_right", json_object_new_boolean(true));
        json_object_array_add(columns, column);
        add_csv(&table->csv, label.size > 0 ? label : var);
        buf_char(&table->csv, ',');
        table->vars[table->columns++] = var;
    }
    if (table->columns > 0)
        table->csv.size--;
    buf_text(&table->csv, "\r\n");
    json_object_object_add(table->object, "id", json_object_new_string(id));
    if (caption.size > 0)
        json_object_object_add(table->object, "caption", text_object(caption));
    json_object_object_add(table->object, "columns", columns);
    json_object_object_add(table->object, "rows", table->rows);
}

static struct span cell_text(const struct xml_element *field, struct arena *arena)
{
    struct span label = xml_attribute(field, "label");
    struct buf text = { 0 };
    struct span joined;

    for (const struct xml_element *at = xml_child(field, NS_DATA, "value"); at && text.size < CELL_MOST;
         at = xml_next(at, NS_DATA, "value")) {
        if (text.size > 0)
            buf_text(&text, ", ");
        buf_add(&text, xml_text(at, arena));
    }
    joined = label.size > 0 ? label : arena_copy(arena, buf_span(&text));
    buf_free(&text);
    return text_head(joined, CELL_MOST);
}

static size_t add_row(struct table *table, const struct xml_element *item, struct arena *arena)
{
    struct json_object *row = json_object_new_object(), *cells = json_object_new_array();
    size_t bytes = 0;

    for (size_t i = 0; i < table->columns; i++) {
        struct json_object *cell = json_object_new_object();
        const struct xml_element *field = xml_child(item, NS_DATA, "field");
        struct span text = SPAN("");

        while (field && !span_eq(xml_attribute(field, "var"), table->vars[i]))
            field = xml_next(field, NS_DATA, "field");
        if (field)
            text = cell_text(field, arena);
        json_object_object_add(cell, "text", text_object(text));
        if (table->is_right[i])
            json_object_object_add(cell, "is_right", json_object_new_boolean(true));
        json_object_array_add(cells, cell);
        if (i > 0)
            buf_char(&table->csv, ',');
        add_csv(&table->csv, text);
        bytes += text.size;
    }
    buf_text(&table->csv, "\r\n");
    json_object_object_add(row, "cells", cells);
    json_object_array_add(table->rows, row);
    table->shown++;
    return bytes;
}

static void end_table(struct table *table, struct json_object *tables)
{
    if (table->object == NULL)
        return;
    json_object_object_add(table->object, "count", json_object_new_int64((int64_t)table->shown));
    json_object_object_add(table->object, "total", json_object_new_int64((int64_t)table->total));
    if (table->total > table->shown)
        json_object_object_add(table->object, "is_cut", json_object_new_boolean(true));
    if (table->total == 0)
        json_object_object_add(table->object, "is_empty", json_object_new_boolean(true));
    json_object_object_add(table->object, "csv", text_object(buf_span(&table->csv)));
    json_object_array_add(tables, table->object);
    buf_free(&table->csv);
    table->object = NULL;
}

struct json_object *sheet_tables(const struct xml_element *form, struct arena *arena)
{
    const struct xml_element *at = form ? xml_child(form, NS_DATA, NULL) : NULL;
    struct json_object *tables = json_object_new_array();
    struct table table = { 0 };
    size_t bytes = 0;

    for (; at; at = xml_next(at, NS_DATA, NULL)) {
        if (span_is(at->name, "reported") && json_object_array_length(tables) < TABLES_MOST) {
            end_table(&table, tables);
            begin_table(&table, at, arena_printf(arena, "csv%zu", (size_t)json_object_array_length(tables)));
        } else if (span_is(at->name, "item") && table.object) {
            table.total++;
            if (table.shown < ROWS_MOST && bytes < CELLS_MOST)
                bytes += add_row(&table, at, arena);
        }
    }
    end_table(&table, tables);
    if (json_object_array_length(tables) > 0)
        return tables;
    json_object_put(tables);
    return NULL;
}
