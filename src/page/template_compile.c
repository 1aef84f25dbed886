/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: template_compile.c - from a template's text to its nodes.
 *
 * The literal text goes through the machine of parse/html, which says at each tag how a value is written
 * there, or that none can stand there. Each template begins and ends between tags of HTML, and so does each
 * part: so what a part may do does not depend on who includes it. */
#include "base/must.h"
#include "page/template_inside.h"
#include "page/texts.h"

#include <stdio.h>

struct section {
    size_t node;
    struct html begin;
};

struct compiler {
    struct template *one;
    struct arena *arena;
    struct span text; /* the whole */
    size_t at;        /* read so far */
    unsigned line;
    struct html html;
    struct section sections[TEMPLATE_SECTIONS_MOST];
    unsigned depth;
    char *why;
    size_t why_size;
};

static bool complain(struct compiler *compiler, const char *what)
{
    snprintf(compiler->why, compiler->why_size, "%s:%u: %s", compiler->one->name, compiler->line, what);
    return false;
}

static struct node *add_node(struct compiler *compiler, enum node_kind kind)
{
    struct template *one = compiler->one;

    if (one->count == one->room) {
        one->room = one->room ? one->room * 2 : 16;
        one->nodes = must_realloc(one->nodes, one->room * sizeof(*one->nodes));
    }
    one->nodes[one->count] = (struct node){ .kind = kind, .line = compiler->line };
    return &one->nodes[one->count++];
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span text)
{
    while (text.size && (is_blank(text.at[0]) || text.at[0] == '\n'))
        text = span_from(text, 1);
    while (text.size && (is_blank(text.at[text.size - 1]) || text.at[text.size - 1] == '\n'))
        text.size--;
    return text;
}

/* ---- literal text ---- */
/* Up to that byte of the text; keep is how much of it is shown. */
static bool add_literal(struct compiler *compiler, size_t end, size_t keep)
{
    struct span all = span_head(span_from(compiler->text, compiler->at), end - compiler->at);
    struct span kept = span_head(all, keep > compiler->at ? keep - compiler->at : 0);
    const char *why;

    for (size_t i = 0; i < all.size; i++) {
        if (all.at[i] == '\0')
            return complain(compiler, "a NUL");
        if (i < kept.size && !compiler->one->is_plain &&
            !html_feed(&compiler->html, span_make(all.at + i, 1), &why))
            return complain(compiler, why);
        compiler->line += all.at[i] == '\n';
    }
    if (kept.size)
        add_node(compiler, NODE_LITERAL)->text = arena_copy(compiler->arena, kept);
    compiler->at = end;
    return true;
}

/* ---- names ---- */
static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool is_word(struct span word)
{
    for (size_t i = 0; i < word.size; i++)
        if (!is_name_char(word.at[i]))
            return false;
    return word.size > 0;
}

static bool read_name(struct compiler *compiler, struct span text, struct node_name *name_r)
{
    name_r->count = 0;
    if (span_is(text, "."))
        return true;
    while (text.size) {
        struct span word = span_cut(&text, '.');

        if (!is_word(word) || name_r->count == TEMPLATE_WORDS_MOST)
            return complain(compiler, "a name is letters, digits, _ and -, with dots between its words");
        name_r->words[name_r->count++] = arena_text(compiler->arena, word);
    }
    return name_r->count > 0 || complain(compiler, "a name is missing");
}

static const struct node_name *take_name(struct compiler *compiler, struct span text)
{
    struct node_name *name = arena_make(compiler->arena, struct node_name);

    return read_name(compiler, text, name) ? name : NULL;
}

/* How what stands here is written. */
static bool take_place(struct compiler *compiler, enum html_place *place_r)
{
    const char *why;

    *place_r = PLACE_TEXT;
    return compiler->one->is_plain || html_value(&compiler->html, place_r, &why) || complain(compiler, why);
}

/* ---- tags ---- */
static bool add_value(struct compiler *compiler, struct span inside)
{
    const struct node_name *name = take_name(compiler, inside);
    enum html_place place;
    struct node *node;

    if (name == NULL || !take_place(compiler, &place))
        return false;
    node = add_node(compiler, NODE_VALUE);
    node->name = name;
    node->place = place;
    return true;
}

/* The highest n of {n} in a text. */
static unsigned fills_of(const char *english)
{
    unsigned most = 0;

    for (const char *at = english; *at; at++)
        if (at[0] == '{' && at[1] >= '1' && at[1] <= '9' && at[2] == '}' && (unsigned)(at[1] - '0') > most)
            most = (unsigned)(at[1] - '0');
    return most;
}

static bool add_text(struct compiler *compiler, struct span inside)
{
    struct span rest = inside, symbol = span_cut(&rest, ' ');
    const char *english = page_text_find(arena_text(compiler->arena, symbol));
    struct node_name *fills = arena_alloc(compiler->arena, TEMPLATE_FILLS_MOST * sizeof(*fills));
    enum html_place place;
    unsigned count = 0;
    struct node *node;

    if (english == NULL)
        return complain(compiler, "there is no such text in texts.tbl");
    for (rest = trim(rest); rest.size; rest = trim(rest)) {
        if (count == TEMPLATE_FILLS_MOST)
            return complain(compiler, "more values than a text can take");
        if (!read_name(compiler, span_cut(&rest, ' '), &fills[count++]))
            return false;
    }
    if (count != fills_of(english))
        return complain(compiler, "the text needs another number of values");
    if (!take_place(compiler, &place))
        return false;
    if (place != PLACE_TEXT)
        return complain(compiler, "a text is no address");
    node = add_node(compiler, NODE_TEXT);
    node->text = span_of(english);
    node->name = fills;
    node->fill_count = count;
    return true;
}

static bool open_section(struct compiler *compiler, enum node_kind kind, struct span inside)
{
    const struct node_name *name = take_name(compiler, inside);
    const char *why;

    if (name == NULL)
        return false;
    if (compiler->depth == TEMPLATE_SECTIONS_MOST)
        return complain(compiler, "too many sections within each other");
    if (!compiler->one->is_plain && !html_block(&compiler->html, &why))
        return complain(compiler, why);
    compiler->sections[compiler->depth++] =
        (struct section){ .node = compiler->one->count, .begin = compiler->html };
    add_node(compiler, kind)->name = name;
    return true;
}

static bool same_name(const struct node_name *a, const struct node_name *b)
{
    if (a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (strcmp(a->words[i], b->words[i]) != 0)
            return false;
    return true;
}

static bool close_section(struct compiler *compiler, struct span inside)
{
    struct section *section;
    struct node_name name;
    const char *why;

    if (!read_name(compiler, inside, &name))
        return false;
    if (compiler->depth == 0)
        return complain(compiler, "a section ends here that does not begin");
    section = &compiler->sections[--compiler->depth];
    if (!same_name(&name, compiler->one->nodes[section->node].name))
        return complain(compiler, "another section ends here than the last that began");
    if (!compiler->one->is_plain) {
        if (!html_block(&compiler->html, &why))
            return complain(compiler, why);
        if (!html_join(&compiler->html, &section->begin))
            return complain(compiler,
                            "a section must end where it began: in text, or in the same tag or attribute");
    }
    compiler->one->nodes[section->node].end = compiler->one->count;
    return true;
}

static bool add_part(struct compiler *compiler, struct span inside)
{
    if (!is_word(inside) && !(compiler->one->is_plain && span_ends(inside, SPAN(".txt"))))
        return complain(compiler, "a part's name is letters, digits, _ and -");
    if (compiler->html.state != HTML_TEXT)
        return complain(compiler, "a part can stand only between tags of HTML");
    add_node(compiler, NODE_PART)->text = arena_copy(compiler->arena, inside);
    return true;
}

static bool add_tag(struct compiler *compiler, struct span inside)
{
    char kind = inside.size ? inside.at[0] : '\0';
    struct span rest = trim(span_from(inside, 1));

    switch (kind) {
    case '#':
        return open_section(compiler, NODE_SECTION, rest);
    case '^':
        return open_section(compiler, NODE_UNLESS, rest);
    case '/':
        return close_section(compiler, rest);
    case '>':
        return add_part(compiler, rest);
    case '=':
        return add_text(compiler, rest);
    case '!':
        return true;
    case '{':
    case '&':
        return complain(compiler, "nothing is written unescaped");
    default:
        return add_value(compiler, trim(inside));
    }
}

/* ---- lines ---- */
/* A line that holds nothing but such a tag leaves no line: where it begins and where the next does. */
static bool stands_alone(const struct compiler *compiler, size_t open, size_t close, size_t *begin_r,
                         size_t *end_r)
{
    const struct span text = compiler->text;
    size_t begin = open, end = close;

    if (!strchr("#^/>!", text.at[open + 2]))
        return false;
    while (begin > 0 && is_blank(text.at[begin - 1]))
        begin--;
    while (end < text.size && is_blank(text.at[end]))
        end++;
    if ((begin > 0 && text.at[begin - 1] != '\n') || (end < text.size && text.at[end] != '\n'))
        return false;
    *begin_r = begin;
    *end_r = end < text.size ? end + 1 : end;
    return true;
}

static bool find(struct span text, size_t from, const char *what, size_t *at_r)
{
    struct span rest = span_from(text, from);
    const char *hit = rest.size ? memmem(rest.at, rest.size, what, 2) : NULL;

    if (hit)
        *at_r = (size_t)(hit - text.at);
    return hit != NULL;
}

static bool compile_next(struct compiler *compiler, size_t open)
{
    size_t close, begin = open, end;
    struct span inside;

    if (!find(compiler->text, open + 2, "}}", &close)) {
        if (add_literal(compiler, open, open))
            complain(compiler, "a tag that begins here and never ends");
        return false;
    }
    inside = span_head(span_from(compiler->text, open + 2), close - open - 2);
    end = close + 2;
    if (inside.size)
        stands_alone(compiler, open, close + 2, &begin, &end);
    if (!add_literal(compiler, open, begin) || !add_tag(compiler, inside))
        return false;
    for (size_t i = open; i < end; i++)
        compiler->line += compiler->text.at[i] == '\n';
    compiler->at = end;
    return true;
}

bool template_compile(struct template *one, struct arena *arena, struct span text, char *why, size_t why_size)
{
    struct compiler compiler = {
        .one = one, .arena = arena, .text = text, .line = 1, .why = why, .why_size = why_size
    };
    size_t open;

    if (text.size > TEMPLATE_BYTES_MOST)
        return complain(&compiler, "more than 256 KiB");
    while (find(text, compiler.at, "{{", &open))
        if (!compile_next(&compiler, open))
            return false;
    if (!add_literal(&compiler, text.size, text.size))
        return false;
    if (compiler.depth) {
        compiler.line = one->nodes[compiler.sections[compiler.depth - 1].node].line;
        return complain(&compiler, "a section begins here that does not end");
    }
    return compiler.html.state == HTML_TEXT || complain(&compiler, "it ends within a tag or a comment");
}
