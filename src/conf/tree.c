/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: tree.c - the grammar of config.tdsl; see tree.h and stoa.tdsl(5).
 *
 *   file    = { entry }                                  entries end at a new line, a comma or a brace
 *   entry   = name [ '(' [ attr { ',' attr } ] ')' ] '{' { entry } '}'
 *           | name ( '=' | ':' ) value { ',' word }      more words behind commas make a list
 *           | 'include' quoted
 *   attr    = ( 'class' | 'active' | 'exportable' ) ':' value
 *   value   = quoted | bare | 'null' | 'env' '(' quoted [ ',' quoted ] ')' | '[' values ']' | '{' entries '}'
 */
#include "conf/tree.h"

#include "base/text.h"
#include "conf/include.h"
#include "conf/inside.h"

#include <stdlib.h>

#define NESTING_MOST 32

struct parser {
    struct conf *conf;
    struct lexer lexer;
    struct token token;                /* the one that is looked at */
    const struct include_chain *chain; /* NULL: nothing may be included */
    unsigned nesting;
    bool failed;
};

static bool parse_entries(struct parser *parser, struct tree_node *parent);
static struct tree_value *parse_value(struct parser *parser);

static void next(struct parser *parser, enum lexer_mode mode)
{
    parser->token = lexer_next(&parser->lexer, mode);
}

/* Reports once; what the lexer found comes before what the parser would have liked. Always false. */
static bool fail(struct parser *parser, const struct place *at, const char *sentence)
{
    if (!parser->failed && parser->token.kind == TOKEN_BAD)
        conf_say(parser->conf, CONF_ERROR, &parser->token.at, "%.*s", SPAN_ARG(parser->token.text));
    else if (!parser->failed)
        conf_say(parser->conf, CONF_ERROR, at, "%s", sentence);
    parser->failed = true;
    return false;
}

static void skip_newlines(struct parser *parser, enum lexer_mode mode)
{
    while (parser->token.kind == TOKEN_NEWLINE)
        next(parser, mode);
}

static bool is_word(const struct token *token)
{
    return token->kind == TOKEN_BARE || token->kind == TOKEN_QUOTED;
}

/* ---- values ---- */

static struct tree_value *new_value(struct parser *parser, enum tree_value_kind kind, struct place at)
{
    struct tree_value *value = arena_make(parser->conf->arena, struct tree_value);

    value->kind = kind;
    value->at = at;
    value->text = "";
    return value;
}

static void append_value(struct tree_value *list, struct tree_value *value)
{
    if (list->last)
        list->last->next = value;
    else
        list->first = value;
    list->last = value;
    list->count++;
}

static struct tree_value *word_value(struct parser *parser, const struct token *token)
{
    struct tree_value *value =
        new_value(parser, token->kind == TOKEN_QUOTED ? TREE_QUOTED : TREE_BARE, token->at);

    value->text = token_text(parser->conf->arena, token);
    if (token->kind == TOKEN_BARE && strcmp(value->text, "null") == 0)
        value->kind = TREE_NULL;
    return value;
}

/* The variable, or what the file says for its absence; NULL: failed. */
static const char *environment(struct parser *parser, const struct token *name, const char *instead)
{
    struct arena *arena = parser->conf->arena;
    const char *key = token_text(arena, name);
    const char *found = getenv(key);
    struct span text;

    if (found == NULL && instead == NULL) {
        fail(parser, &name->at,
             arena_printf(arena,
                          "the environment variable %s is not set: set it, or write env('%s', 'default')",
                          key, key));
        return NULL;
    }
    text = span_trim(span_of(found ? found : instead));
    if (!text_is_utf8(text) || text_has_control(text)) {
        fail(parser, &name->at,
             arena_printf(arena, "the environment variable %s holds a control character or is not UTF-8",
                          key));
        return NULL;
    }
    return arena_text(arena, text);
}

/* Behind the word env, at its parenthesis. */
static struct tree_value *parse_env(struct parser *parser, struct place at)
{
    struct tree_value *value = new_value(parser, TREE_QUOTED, at);
    const char *instead = NULL;
    struct token name;

    next(parser, LEXER_VALUE);
    name = parser->token;
    next(parser, LEXER_VALUE);
    if (name.kind == TOKEN_QUOTED && parser->token.kind == TOKEN_COMMA) {
        next(parser, LEXER_VALUE);
        if (parser->token.kind == TOKEN_QUOTED) {
            instead = token_text(parser->conf->arena, &parser->token);
            next(parser, LEXER_VALUE);
        }
    }
    if (name.kind != TOKEN_QUOTED || parser->token.kind != TOKEN_PAREN_END) {
        fail(parser, &at, "write env('NAME') or env('NAME', 'default')");
        return NULL;
    }
    value->text = environment(parser, &name, instead);
    next(parser, LEXER_NAME);
    return value->text ? value : NULL;
}

static struct tree_value *parse_word(struct parser *parser)
{
    struct token word = parser->token;

    next(parser, LEXER_NAME);
    if (parser->token.kind != TOKEN_PAREN)
        return word_value(parser, &word);
    if (word.kind == TOKEN_BARE && span_is(word.text, "env"))
        return parse_env(parser, word.at);
    fail(parser, &word.at, "only env('NAME') may stand before parentheses; put quotes around other values");
    return NULL;
}

static struct tree_value *parse_list(struct parser *parser)
{
    struct tree_value *list = new_value(parser, TREE_LIST, parser->token.at);

    next(parser, LEXER_VALUE);
    for (;;) {
        struct tree_value *value;

        while (parser->token.kind == TOKEN_NEWLINE || parser->token.kind == TOKEN_COMMA)
            next(parser, LEXER_VALUE);
        if (parser->token.kind == TOKEN_BRACKET_END)
            break;
        if (parser->token.kind == TOKEN_END) {
            fail(parser, &list->at, "the list that opens here is not closed: its ] is missing");
            return NULL;
        }
        value = parse_value(parser);
        if (value == NULL)
            return NULL;
        append_value(list, value);
        if (parser->token.kind != TOKEN_COMMA && parser->token.kind != TOKEN_NEWLINE &&
            parser->token.kind != TOKEN_BRACKET_END) {
            fail(parser, &parser->token.at, "a comma or ] is missing here");
            return NULL;
        }
    }
    next(parser, LEXER_NAME);
    return list;
}

static struct tree_value *parse_map(struct parser *parser)
{
    struct tree_value *map = new_value(parser, TREE_MAP, parser->token.at);
    struct tree_node *unread = arena_make(parser->conf->arena, struct tree_node);

    next(parser, LEXER_NAME);
    if (!parse_entries(parser, unread))
        return NULL;
    if (parser->token.kind != TOKEN_BRACE_END) {
        fail(parser, &map->at, "the brace that opens here is not closed: its } is missing");
        return NULL;
    }
    next(parser, LEXER_NAME);
    return map;
}

/* Leaves the parser at the token behind it. NULL: failed. */
static struct tree_value *parse_value(struct parser *parser)
{
    struct tree_value *value = NULL;

    if (parser->nesting >= NESTING_MOST) {
        fail(parser, &parser->token.at, "lists and sections are nested too deeply here");
        return NULL;
    }
    parser->nesting++;
    if (is_word(&parser->token))
        value = parse_word(parser);
    else if (parser->token.kind == TOKEN_BRACKET)
        value = parse_list(parser);
    else if (parser->token.kind == TOKEN_BRACE)
        value = parse_map(parser);
    else
        fail(parser, &parser->token.at, "a value is missing here");
    parser->nesting--;
    return value;
}

/* ---- sections ---- */

static bool set_attribute(struct parser *parser, struct tree_node *node, const struct token *name,
                          struct tree_value *value)
{
    if (value->kind != TREE_BARE && value->kind != TREE_QUOTED)
        return fail(parser, &value->at, "an attribute takes one word");
    if (span_is(name->text, "class"))
        node->class_name = value;
    else if (span_is(name->text, "active"))
        node->active = value;
    else if (!span_is(name->text, "exportable"))
        return fail(parser, &name->at, "only class: and active: may stand in the parentheses of a section");
    return true;
}

/* At the opening parenthesis; ends behind the closing one. */
static bool parse_attributes(struct parser *parser, struct tree_node *node)
{
    struct place opened = parser->token.at;

    next(parser, LEXER_NAME);
    for (;;) {
        struct token name;
        struct tree_value *value;

        while (parser->token.kind == TOKEN_COMMA || parser->token.kind == TOKEN_NEWLINE)
            next(parser, LEXER_NAME);
        if (parser->token.kind == TOKEN_PAREN_END)
            break;
        name = parser->token;
        if (!is_word(&name))
            return fail(parser, &opened, "the parenthesis that opens here is not closed: its ) is missing");
        next(parser, LEXER_NAME);
        if (parser->token.kind != TOKEN_EQUALS)
            return fail(parser, &name.at, "write attributes of a section as (active: false)");
        next(parser, LEXER_VALUE);
        value = parse_value(parser);
        if (value == NULL || !set_attribute(parser, node, &name, value))
            return false;
    }
    next(parser, LEXER_NAME);
    return true;
}

static bool parse_body(struct parser *parser, struct tree_node *node)
{
    struct place opened = parser->token.at;
    bool good;

    if (parser->nesting >= NESTING_MOST)
        return fail(parser, &opened, "sections are nested too deeply here");
    parser->nesting++;
    next(parser, LEXER_NAME);
    good = parse_entries(parser, node);
    parser->nesting--;
    if (!good)
        return false;
    if (parser->token.kind != TOKEN_BRACE_END)
        return fail(parser, &opened, "the brace that opens here is not closed: its } is missing");
    next(parser, LEXER_NAME);
    return true;
}

/* 8080, 9050 without brackets: the word behind the comma joins the value before it. */
static void join_list(struct parser *parser, struct tree_node *before, const struct token *word)
{
    struct tree_value *first = before->value;

    if (first->kind != TREE_LIST) {
        before->value = new_value(parser, TREE_LIST, first->at);
        append_value(before->value, first);
    }
    append_value(before->value, word_value(parser, word));
}

static bool is_dots(const struct token *name)
{
    return name->kind == TOKEN_BARE &&
           (span_starts(name->text, SPAN("...")) || span_is(name->text, "\u2026"));
}

/* What stands at one entry's place, and what the next one may lean on. */
struct entry {
    struct tree_node *parent;
    struct tree_node *before; /* the entry before, when it is a value that ended in a comma */
    struct token name;
    bool value; /* was a value: must be ended by a separator */
};

static struct tree_node *entry_node(struct parser *parser, const struct entry *entry)
{
    return tree_add(parser->conf, entry->parent, token_text(parser->conf->arena, &entry->name),
                    entry->name.at);
}

static bool ends_entry(enum token_kind kind)
{
    return kind == TOKEN_NEWLINE || kind == TOKEN_COMMA || kind == TOKEN_BRACE_END || kind == TOKEN_END;
}

static bool parse_include(struct parser *parser, struct entry *entry)
{
    const char *pattern = token_text(parser->conf->arena, &parser->token);

    if (parser->chain == NULL)
        return fail(parser, &entry->name.at, "nothing can be included here");
    if (!include_files(parser->conf, parser->chain, entry->parent, pattern, &entry->name.at)) {
        parser->failed = true; /* said by whoever found it */
        return false;
    }
    next(parser, LEXER_NAME);
    entry->value = true;
    return true;
}

static bool parse_section(struct parser *parser, struct entry *entry)
{
    struct tree_node *node = entry_node(parser, entry);

    entry->before = NULL;
    if (parser->token.kind == TOKEN_PAREN) {
        if (!parse_attributes(parser, node))
            return false;
        skip_newlines(parser, LEXER_NAME);
    }
    return parser->token.kind == TOKEN_BRACE
               ? parse_body(parser, node)
               : fail(parser, &entry->name.at,
                      "braces must follow the parentheses of a section: name () { }");
}

/* Behind a name that had neither = nor a brace on its line. */
static bool parse_lonely(struct parser *parser, struct entry *entry)
{
    enum token_kind end = parser->token.kind;

    skip_newlines(parser, LEXER_NAME);
    if (parser->token.kind == TOKEN_BRACE || parser->token.kind == TOKEN_PAREN) /* on a line of its own */
        return parse_section(parser, entry);
    if (entry->before && ends_entry(end)) {
        join_list(parser, entry->before, &entry->name);
        return true;
    }
    return fail(parser, &entry->name.at,
                "this name stands alone: write name = value or name { }, and quotes around a value that "
                "holds spaces or commas");
}

static bool parse_entry(struct parser *parser, struct entry *entry)
{
    struct tree_node *node;

    entry->name = parser->token;
    entry->value = false;
    next(parser, LEXER_NAME);
    if (is_dots(&entry->name))
        return fail(parser, &entry->name.at,
                    "the dots stand for settings that an example left out: write settings there, or nothing");
    if (entry->name.text.size == 0 || *token_text(parser->conf->arena, &entry->name) == '\0')
        return fail(parser, &entry->name.at, "this name is empty");
    if (entry->name.kind == TOKEN_BARE && span_is(entry->name.text, "include") &&
        parser->token.kind == TOKEN_QUOTED)
        return parse_include(parser, entry);
    if (parser->token.kind == TOKEN_PAREN || parser->token.kind == TOKEN_BRACE)
        return parse_section(parser, entry);
    if (parser->token.kind != TOKEN_EQUALS)
        return parse_lonely(parser, entry);
    node = entry_node(parser, entry);
    next(parser, LEXER_VALUE);
    node->value = parse_value(parser);
    entry->before = node;
    entry->value = true;
    return node->value != NULL;
}

/* Until a closing brace or the end, which it leaves to the caller. */
static bool parse_entries(struct parser *parser, struct tree_node *parent)
{
    struct entry entry = { .parent = parent };
    bool comma = false;

    for (;;) {
        switch (parser->token.kind) {
        case TOKEN_NEWLINE:
            if (!comma)
                entry.before = NULL;
            next(parser, LEXER_NAME);
            continue;
        case TOKEN_COMMA:
            comma = true;
            next(parser, LEXER_NAME);
            continue;
        case TOKEN_END:
        case TOKEN_BRACE_END:
            return true;
        case TOKEN_BARE:
        case TOKEN_QUOTED:
            break;
        default:
            return fail(parser, &parser->token.at, "a name is expected here");
        }
        if (!comma)
            entry.before = NULL;
        comma = false;
        if (!parse_entry(parser, &entry))
            return false;
        if (entry.value && !ends_entry(parser->token.kind))
            return fail(parser, &parser->token.at,
                        "the value ends here: put quotes around one with spaces, or start a new line");
    }
}

bool tree_parse(struct conf *conf, struct tree_node *root, const struct include_chain *chain,
                const char *file, struct span text)
{
    struct parser parser = { .conf = conf, .chain = chain };

    lexer_begin(&parser.lexer, file, text);
    next(&parser, LEXER_NAME);
    if (!parse_entries(&parser, root))
        return false;
    return parser.token.kind == TOKEN_END || fail(&parser, &parser.token.at, "this } closes nothing");
}

struct tree_value *tree_parse_value(struct conf *conf, const char *file, struct span text)
{
    struct parser parser = { .conf = conf,
                             .failed = true }; /* true: no report, the caller has another reading */
    struct tree_value *value;

    lexer_begin(&parser.lexer, file, text);
    next(&parser, LEXER_VALUE);
    value = parse_value(&parser);
    return parser.token.kind == TOKEN_END ? value : NULL;
}

struct tree_node *tree_add(struct conf *conf, struct tree_node *parent, const char *name, struct place at)
{
    struct tree_node *node = arena_make(conf->arena, struct tree_node);

    node->name = name;
    node->at = at;
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    return node;
}

struct tree_node *tree_section(struct tree_node *parent, struct span name)
{
    struct tree_node *found = NULL;

    for (struct tree_node *node = parent->first; node; node = node->next)
        if (node->value == NULL && span_is(name, node->name))
            found = node;
    return found;
}
