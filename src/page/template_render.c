/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: template_render.c - values into a template; each is written by the place that the
 * compiler found. */
#include "base/text.h"
#include "page/template_inside.h"

#define SCOPES_MOST 64
#define STEPS_MOST  4000000u /* nodes in one page: lists within lists end somewhere */

struct render {
    struct buf *out;
    size_t most;
    unsigned steps;
    bool is_plain;
    struct json_object *scopes[SCOPES_MOST]; /* borrowed; the last is the innermost */
    unsigned depth;
};

/* ---- values ---- */
static struct json_object *look_up(const struct render *render, const struct node_name *name)
{
    struct json_object *found = NULL;

    if (name->count == 0)
        return render->scopes[render->depth - 1];
    for (unsigned i = render->depth; i-- > 0;)
        if (json_object_is_type(render->scopes[i], json_type_object) &&
            json_object_object_get_ex(render->scopes[i], name->words[0], &found))
            break;
    for (unsigned i = 1; i < name->count; i++)
        found = json_member(found, name->words[i]);
    return found;
}

static struct span text_of(struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_string:
        return span_make(json_object_get_string(value), (size_t)json_object_get_string_len(value));
    case json_type_boolean:
    case json_type_int:
    case json_type_double:
        return span_of(json_object_get_string(value));
    default:
        return SPAN("");
    }
}

static bool is_true(struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_boolean:
        return json_object_get_boolean(value);
    case json_type_int:
        return json_object_get_int64(value) != 0 || json_object_get_uint64(value) != 0;
    case json_type_double:
        return json_object_get_double(value) < 0 || json_object_get_double(value) > 0;
    case json_type_string:
        return json_object_get_string_len(value) > 0;
    case json_type_array:
        return json_object_array_length(value) > 0;
    case json_type_object:
        return true;
    default:
        return false;
    }
}

/* ---- writing ---- */
/* What no page can hold, control characters and broken UTF-8, is shown as U+FFFD. In plain text control
 * characters go. */
static void write_text(struct render *render, struct span text)
{
    size_t begin = 0, at = 0;

    while (at <= text.size) {
        uint32_t code = 0;
        size_t size = at < text.size ? text_utf8_take(span_from(text, at), &code) : 0;
        bool is_control = size > 0 && (code < ' ' || (code >= 0x7f && code < 0xa0)) && code != '\n' &&
                          (render->is_plain || (code != '\t' && code != '\r'));

        if (size > 0 && !is_control) {
            at += size;
            continue;
        }
        if (render->is_plain)
            buf_add(render->out, span_make(text.at + begin, at - begin));
        else if (at > begin)
            text_add_html(render->out, span_make(text.at + begin, at - begin));
        if (at == text.size)
            return;
        if (!is_control || !render->is_plain)
            buf_text(render->out, "\xef\xbf\xbd");
        at += size ? size : 1;
        begin = at;
    }
}

/* Below our own address: no scheme, no other host. */
static bool is_ours(struct span url)
{
    struct span before = span_head(url, strcspn(url.at, "/?#"));

    return span_find(before, ':') < 0 && !span_starts(url, SPAN("//")) && span_find(url, '\\') < 0;
}

/* A piece of a path or a query. Slashes stay: a path may come as one value. */
static void write_piece(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.at[i] == '/' || text.at[i] == '@')
            buf_char(out, text.at[i]);
        else
            html_write_component(out, span_make(text.at + i, 1));
}

static bool write_value(struct render *render, enum html_place place, struct span text)
{
    if (text.size > render->most - render->out->size)
        return false;
    if (render->is_plain || place == PLACE_TEXT)
        write_text(render, text);
    else if (place == PLACE_URL_MORE)
        write_piece(render->out, text);
    else if (!html_address_is_harmless(text) || (place == PLACE_URL_OURS && !is_ours(text)))
        buf_char(render->out, '#');
    else
        html_write(render->out, place, text);
    return render->out->size <= render->most;
}

/* English with {1} {2} ... filled in. */
static bool write_filled(struct render *render, const struct node *node)
{
    struct span rest = node->text;
    size_t at = 0;

    while (at + 2 < rest.size) {
        unsigned number = (unsigned)(rest.at[at + 1] - '0');

        if (rest.at[at] != '{' || rest.at[at + 2] != '}' || number < 1 || number > node->fill_count) {
            at++;
            continue;
        }
        if (!write_value(render, PLACE_TEXT, span_head(rest, at)) ||
            !write_value(render, PLACE_TEXT, text_of(look_up(render, &node->name[number - 1]))))
            return false;
        rest = span_from(rest, at + 3);
        at = 0;
    }
    return write_value(render, PLACE_TEXT, rest);
}

/* ---- nodes ---- */
static bool render_nodes(struct render *render, const struct template *one, size_t from, size_t to);

static bool render_within(struct render *render, const struct template *one, size_t section,
                          struct json_object *scope)
{
    bool well;

    if (render->depth == SCOPES_MOST)
        return false;
    render->scopes[render->depth++] = scope;
    well = render_nodes(render, one, section + 1, one->nodes[section].end);
    render->depth--;
    return well;
}

static bool render_section(struct render *render, const struct template *one, size_t section)
{
    struct json_object *value = look_up(render, one->nodes[section].name);

    if (!is_true(value))
        return true;
    if (json_object_is_type(value, json_type_object))
        return render_within(render, one, section, value);
    if (!json_object_is_type(value, json_type_array))
        return render_nodes(render, one, section + 1, one->nodes[section].end);
    for (size_t i = 0; i < json_object_array_length(value); i++)
        if (!render_within(render, one, section, json_object_array_get_idx(value, i)))
            return false;
    return true;
}

static bool render_node(struct render *render, const struct template *one, size_t at)
{
    const struct node *node = &one->nodes[at];

    switch (node->kind) {
    case NODE_LITERAL:
        if (node->text.size > render->most - render->out->size)
            return false;
        buf_add(render->out, node->text);
        return true;
    case NODE_VALUE:
        return write_value(render, node->place, text_of(look_up(render, node->name)));
    case NODE_TEXT:
        return write_filled(render, node);
    case NODE_SECTION:
        return render_section(render, one, at);
    case NODE_UNLESS:
        return is_true(look_up(render, node->name)) || render_nodes(render, one, at + 1, node->end);
    case NODE_PART:
        return render_nodes(render, node->part, 0, node->part->count);
    }
    return false;
}

static bool render_nodes(struct render *render, const struct template *one, size_t from, size_t to)
{
    while (from < to) {
        enum node_kind kind = one->nodes[from].kind;

        if (++render->steps > STEPS_MOST || !render_node(render, one, from))
            return false;
        from = kind == NODE_SECTION || kind == NODE_UNLESS ? one->nodes[from].end : from + 1;
    }
    return true;
}

static bool render_one(const struct template_set *set, const char *name, bool is_plain,
                       struct json_object *values, size_t most, struct buf *out)
{
    const struct template *one = template_find(set, span_of(name));
    struct buf page = { 0 };
    struct render render = {
        .out = &page, .most = most, .is_plain = is_plain, .scopes = { values }, .depth = 1
    };
    bool well;

    if (one == NULL || (one->is_plain && !is_plain))
        return false;
    well = render_nodes(&render, one, 0, one->count);
    if (well)
        buf_add(out, buf_span(&page));
    buf_free(&page);
    return well;
}

bool template_render(const struct template_set *set, const char *name, struct json_object *values,
                     size_t most, struct buf *out)
{
    return render_one(set, name, false, values, most, out);
}

bool template_render_text(const struct template_set *set, const char *name, struct json_object *values,
                          size_t most, struct buf *out)
{
    return render_one(set, name, true, values, most, out);
}
