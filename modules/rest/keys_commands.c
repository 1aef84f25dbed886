/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: keys_commands.c - API keys by ad-hoc command: add, update, remove.
 *
 * The names of fields are their labels, as callers of the reference have them. A key is shown once, in the
 * answer of its making, and stored as a digest: so the form that changes one does not show it, and leaves it
 * as it is when nothing is written there. What a form does not show (methods, nodes, networks) stays, too. */
#include "keys_table.h"
#include "rest.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/random.h"
#include "base/text.h"

#include <openssl/crypto.h>

#define VAR_KEY     "API Key"
#define VAR_LABEL   "Label"
#define VAR_PATHS   "Regular expressions of paths"
#define VAR_DOMAINS "Domains for which this key works"
#define VAR_ITEM    "item-list"
#define KEY_LEAST   16 /* characters: what is shorter is guessed */
#define KEY_LONGEST 256
#define TEXTS_MOST  64
#define ITEMS_MOST  1000
#define ID_BYTES    6

struct work { /* one change; outlives who asked for it */
    OBJECT_MAGIC
    struct arena *arena;       /* owned; holds this */
    struct command_call *call; /* borrowed; NULL: who asked is gone */
    char *key;                 /* in arena; wiped at the end; NULL: none */
    union {
        struct key_add add;
        struct key_update update;
        struct key_revoke revoke;
    };
};

static struct rest *rest_of(struct command_call *call)
{
    return OBJECT(call->host->state, rest);
}

static void on_cancel(struct command_call *call)
{
    OBJECT(call->data, work)->call = NULL;
}

static struct work *begin(struct command_call *call)
{
    struct arena *arena = arena_new();
    struct work *work = arena_make(arena, struct work);

    OBJECT_BORN(work, work);
    work->arena = arena;
    work->call = call;
    call->data = work;
    call->on_cancel = on_cancel;
    return work;
}

static void end(struct work *work)
{
    struct arena *arena = work->arena;

    if (work->key)
        OPENSSL_cleanse(work->key, strlen(work->key));
    OBJECT_DEAD(work);
    arena_free(&arena);
}

/* "Note" as a field is what callers of the reference look for; as a note it is XEP-0050's. */
static void succeed(struct work *work, const char *text, const char *id)
{
    struct command_call *call = work->call;
    struct form_draft draft;

    form_draft_begin(&draft, call->arena, call->row->name);
    form_draft_text(&draft, FORM_FIXED, "Note", NULL, span_of(text));
    if (id)
        form_draft_text(&draft, FORM_TEXT, "id", "Name of the key in lists and logs",
                        arena_copy(call->arena, span_of(id)));
    if (work->key)
        form_draft_text(&draft, FORM_TEXT, VAR_KEY, VAR_KEY,
                        span_of(arena_text(call->arena, span_of(work->key))));
    command_done(call, &draft, "info", text);
}

/* What all three answer alike; the work ends. */
static void answer(struct work *work, int result, const char *done, const char *absent, const char *id)
{
    struct command_call *call = work->call;

    if (call) {
        call->on_cancel = NULL;
        if (result == 0)
            succeed(work, done, id);
        else if (result == KEY_KNOWN)
            command_again(call, VAR_KEY, "The item is already added, you can't add it twice.");
        else if (result == KEY_ABSENT)
            command_done(call, NULL, "error", absent);
        else
            command_refuse(call, result == STORE_FULL ? PROBLEM_disk_full : PROBLEM_internal, NULL);
    }
    end(work);
}

static bool has_store(struct command_call *call)
{
    if (rest_of(call)->store)
        return true;
    command_refuse(call, PROBLEM_unavailable, "The keys cannot be opened just now; the log says why");
    return false;
}

/* ---- the form of one key ---- */

static void add_lines(struct form_draft *draft, const char *var, const char *desc, const char *const *texts)
{
    struct form_field *field;
    struct buf lines = { 0 };

    for (; texts && *texts; texts++)
        buf_printf(&lines, "%s%s", lines.size ? "\n" : "", *texts);
    field = form_draft_text(draft, FORM_LINES, var, var, arena_copy(draft->arena, buf_span(&lines)));
    field->desc = desc;
    field->longest = 16384;
    buf_free(&lines);
}

static void add_fields(struct form_draft *draft, const struct key_row *row, struct span key)
{
    struct form_field *field = form_draft_text(draft, FORM_TEXT, VAR_KEY, VAR_KEY, key);

    field->desc = row ? "Empty: the key stays as it is"
                      : "At least 16 characters; it is shown once more, and never again";
    field->is_required = row == NULL;
    field->longest = KEY_LONGEST;
    field = form_draft_text(draft, FORM_TEXT, VAR_LABEL, VAR_LABEL, span_of(row ? row->label : ""));
    field->desc = "Who uses the key";
    field->longest = KEY_LABEL_MOST;
    add_lines(draft, VAR_PATHS, "One a line, for whole paths such as /rest/adhoc/.*; none: all paths",
              row ? row->scope.paths : NULL);
    add_lines(draft, VAR_DOMAINS, "Virtual hosts, one a line; none: all", row ? row->scope.hosts : NULL);
    form_draft_text(draft, FORM_HIDDEN, "command-marker", NULL, SPAN("command-marker"));
}

/* Lines that are not empty, as texts; NULL: none. */
static const char *const *texts_of(struct arena *arena, struct span lines)
{
    const char **texts = arena_alloc(arena, (TEXTS_MOST + 1) * sizeof(*texts));
    size_t count = 0;

    while (lines.size && count < TEXTS_MOST) {
        struct span line = span_trim(span_cut(&lines, '\n'));

        if (line.size)
            texts[count++] = arena_text(arena, line);
    }
    return count ? texts : NULL;
}

static bool are_expressions(struct command_call *call, const char *const *texts)
{
    char why[200];

    for (; texts && *texts; texts++) {
        struct regex *regex = regex_new(span_of(*texts), REGEX_WHOLE, why, sizeof(why));

        if (regex == NULL) {
            command_again(call, VAR_PATHS,
                          arena_printf(call->arena, "The item did not pass validation checking: %s", why));
            return false;
        }
        regex_free(&regex);
    }
    return true;
}

static bool are_hosts(struct command_call *call, const char *const *texts)
{
    for (; texts && *texts; texts++)
        if (strpbrk(*texts, "/: ") || text_has_control(span_of(*texts))) {
            command_again(call, VAR_DOMAINS,
                          "The item did not pass validation checking: host names, without port");
            return false;
        }
    return true;
}

/* What a field of HTTP can carry. */
static bool is_key(struct span key)
{
    for (size_t i = 0; i < key.size; i++)
        if (key.at[i] <= ' ' || key.at[i] > '~' || key.at[i] == ':')
            return false;
    return key.size >= KEY_LEAST && key.size <= KEY_LONGEST && !span_is(key, "open_access");
}

/* false: the call was answered. */
static bool read_fields(struct command_call *call, struct arena *arena, const char *const **paths_r,
                        const char *const **hosts_r, bool needs_key)
{
    struct span key = command_value(call, VAR_KEY);

    if ((needs_key || key.size) && !is_key(key)) {
        command_again(call, VAR_KEY,
                      "The item did not pass validation checking: 16 to 256 letters, digits and signs, but "
                      "no colon");
        return false;
    }
    *paths_r = texts_of(arena, command_value(call, VAR_PATHS));
    *hosts_r = texts_of(arena, command_value(call, VAR_DOMAINS));
    return are_expressions(call, *paths_r) && are_hosts(call, *hosts_r);
}

/* ---- add ---- */

static void form_add(struct command_call *call)
{
    unsigned char bytes[16];
    char text[UUID_TEXT + 1];

    random_bytes(bytes, sizeof(bytes));
    bytes[6] = (unsigned char)(0x40 | (bytes[6] & 0x0f)); /* RFC 9562: version 4, variant 1 */
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
    codec_uuid(bytes, text);
    add_fields(&call->draft, NULL, arena_copy(call->arena, span_of(text)));
    command_show(call);
}

static void on_added(struct store_write *write, int result)
{
    struct work *work = LIST_OF(write, struct work, add.write);

    answer(work, result, "Operation successful.", "", work->add.row.id);
}

static void make_id(char id_r[KEY_ID_TEXT])
{
    unsigned char bytes[ID_BYTES];
    struct buf hex = { 0 };

    random_bytes(bytes, sizeof(bytes));
    codec_hex(&hex, span_make((const char *)bytes, sizeof(bytes)));
    memcpy(id_r, hex.at, KEY_ID_TEXT - 1);
    id_r[KEY_ID_TEXT - 1] = '\0';
    buf_free(&hex);
}

static void run_add(struct command_call *call)
{
    struct key_row row = { .created = clock_wall() / USEC_PER_SEC };
    struct span label = command_value(call, VAR_LABEL);
    struct work *work;

    if (!has_store(call))
        return;
    work = begin(call);
    if (!read_fields(call, work->arena, &row.scope.paths, &row.scope.hosts, true)) {
        end(work);
        return;
    }
    make_id(row.id);
    row.label = label.size ? arena_text(work->arena, label)
                           : arena_printf(work->arena, "made by %.*s", SPAN_ARG(span_head(call->user, 150)));
    work->key = arena_text(work->arena, command_value(call, VAR_KEY));
    key_add_begin(&work->add, REST_TABLE_KEY, span_of(work->key), &row);
    work->add.write.done = on_added;
    store_submit(rest_of(call)->store, &work->add.write);
}

/* ---- a choice of those that are there ---- */

/* false: it was answered; there is none. */
static bool add_items(struct command_call *call)
{
    struct store *store = rest_of(call)->store;
    struct store_view *view = store_view(store);
    struct form_option *options = arena_alloc(call->arena, ITEMS_MOST * sizeof(*options));
    struct store_cursor *cursor = NULL;
    struct form_field *field;
    struct span name, value;
    struct key_row row;
    size_t count = 0;

    while (view && count < ITEMS_MOST &&
           store_walk(view, REST_TABLE_KEY, SPAN("k"), &cursor, &name, &value) == 1 && name.at[0] == 'k') {
        struct span id = arena_copy(call->arena, span_from(name, 1));

        if (!key_row_decode(value, call->arena, &row))
            continue;
        options[count].value = id;
        options[count++].label = span_of(arena_printf(call->arena, "%s (%.*s)", row.label, SPAN_ARG(id)));
    }
    store_walk_end(&cursor);
    if (view)
        store_view_end(store, view);
    if (count == 0) {
        command_done(call, NULL, "info", "There are no items on the list");
        return false;
    }
    field = form_draft_text(&call->draft, FORM_CHOICE, VAR_ITEM, "Key", (struct span){ NULL, 0 });
    field->options = options;
    field->option_count = count;
    field->is_required = true;
    return true;
}

static void form_choose(struct command_call *call)
{
    if (has_store(call) && add_items(call))
        command_show(call);
}

/* ---- update ---- */

static void run_choose(struct command_call *call)
{
    command_next(call);
}

static bool find(struct command_call *call, const char *id, struct key_row *row_r)
{
    struct store *store = rest_of(call)->store;
    struct store_view *view = store_view(store);
    struct span value;
    bool is_found = false;

    if (view == NULL)
        return false;
    is_found = store_get(view, REST_TABLE_KEY, span_of(arena_printf(call->arena, "k%s", id)), &value) == 1 &&
               key_row_decode(value, call->arena, row_r);
    store_view_end(store, view);
    return is_found;
}

static void form_update(struct command_call *call)
{
    const char *id = arena_text(call->arena, command_value(call, VAR_ITEM));
    struct key_row row;

    if (!has_store(call))
        return;
    if (!find(call, id, &row)) {
        command_done(call, NULL, "error", "No such item, update impossible.");
        return;
    }
    add_fields(&call->draft, &row, SPAN(""));
    command_show(call);
}

static void on_updated(struct store_write *write, int result)
{
    struct work *work = LIST_OF(write, struct work, update.write);

    answer(work, result, "Operation successful", "No such item, update impossible.", NULL);
}

static void run_update(struct command_call *call)
{
    struct span key = command_value(call, VAR_KEY), label = command_value(call, VAR_LABEL);
    const char *const *paths, *const *hosts;
    struct work *work = begin(call);

    if (!read_fields(call, work->arena, &paths, &hosts, false)) {
        end(work);
        return;
    }
    key_update_begin(&work->update, REST_TABLE_KEY, arena_text(work->arena, command_value(call, VAR_ITEM)));
    work->update.paths = paths;
    work->update.hosts = hosts;
    work->update.label = label.size ? arena_text(work->arena, label) : NULL;
    if (key.size) {
        work->key = arena_text(work->arena, key);
        work->update.key = span_of(work->key);
    }
    work->update.write.done = on_updated;
    store_submit(rest_of(call)->store, &work->update.write);
}

/* ---- remove ---- */

static void on_removed(struct store_write *write, int result)
{
    answer(LIST_OF(write, struct work, revoke.write), result, "Operation successful",
           "No such item, deletion impossible.", NULL);
}

static void run_remove(struct command_call *call)
{
    struct work *work = begin(call);

    key_revoke_begin(&work->revoke, REST_TABLE_KEY, arena_text(work->arena, command_value(call, VAR_ITEM)));
    work->revoke.write.done = on_removed;
    store_submit(rest_of(call)->store, &work->revoke.write);
}

/* ---- rows ---- */

static const struct command_step add_steps[] = { { form_add, run_add }, { NULL, NULL } };
static const struct command_step update_steps[] = { { form_choose, run_choose },
                                                    { form_update, run_update },
                                                    { NULL, NULL } };
static const struct command_step remove_steps[] = { { form_choose, run_remove }, { NULL, NULL } };

static const struct command_row rows[] = {
    { "api-key-add", "Add API key", "Configuration", "Makes a key for programs that use the REST interface",
      ACCESS_ADMIN, false, add_steps },
    { "api-key-update", "Update API key", "Configuration", "Changes what a key may do, or the key itself",
      ACCESS_ADMIN, false, update_steps },
    { "api-key-remove", "Remove API key", "Configuration", "Ends a key, at once", ACCESS_ADMIN, true,
      remove_steps },
    { .node = NULL },
};

const struct command_table keys_adhoc[] = {
    { .service = "http", .rows = rows },
    { .service = NULL },
};
