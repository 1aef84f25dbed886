/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_template.c - templates: from text to a function in a sandbox of its own.
 *
 * Each file becomes one chunk of Lua in which literal text stands as numbers and expressions stand as they
 * are, on their own lines, so that an error names the template's line. Values are written by where they land
 * (parse/html.c); there is no way to write one raw. Rendering has the scripts' limits of time and memory.
 * The language is described in doc/scripting.md; its functions are in script_template_lib.c. */
#include "base/must.h"
#include "module/script_template.h"
#include "os/file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MOST   (256 * 1024)
#define DEPTH_MOST  8  /* of includes */
#define BLOCKS_MOST 32 /* within each other, in one file */

enum block_kind { BLOCK_FOR, BLOCK_IF };

struct block {
    enum block_kind kind;
    bool has_else;
    struct html begin; /* where it began */
    struct html end;   /* of the branches so far; all must end alike */
    bool has_end;
    unsigned line;
};

/* One file on its way to a chunk. */
struct reader {
    struct script_template *one;
    const char *path;
    struct span rest;
    unsigned line, depth;
    unsigned code_line; /* of the code, as far as it was counted */
    size_t counted;
    struct html *html; /* goes on through included files */
    struct buf code;
    struct block blocks[BLOCKS_MOST];
    unsigned block_count;
    char *why;
    size_t why_size;
};

static bool complain(struct reader *reader, const char *what)
{
    if (reader->why[0] == '\0')
        snprintf(reader->why, reader->why_size, "%s:%u: %s", reader->path, reader->line, what);
    return false;
}

/* ---- pieces of code ---- */
/* What follows in the code stands on the line that it has in the template. */
static void keep_up(struct reader *reader)
{
    for (; reader->counted < reader->code.size; reader->counted++)
        reader->code_line += reader->code.at[reader->counted] == '\n';
    for (unsigned i = reader->code_line; i < reader->line; i++)
        buf_char(&reader->code, '\n');
}

static void count_lines(struct reader *reader, struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        reader->line += text.at[i] == '\n';
}

static bool add_literal(struct reader *reader, struct span text)
{
    struct script_template *one = reader->one;
    const char *why;

    if (text.size == 0)
        return true;
    for (size_t i = 0; i < text.size; i++) {
        if (!html_feed(reader->html, span_make(text.at + i, 1), &why))
            return complain(reader, why);
        reader->line += text.at[i] == '\n';
    }
    if (one->piece_count % 64 == 0)
        one->pieces = must_realloc(one->pieces, (one->piece_count + 64) * sizeof(*one->pieces));
    one->pieces[one->piece_count++] = arena_copy(one->arena, text);
    buf_printf(&reader->code, " __text(%zu);", one->piece_count);
    return true;
}

/* Whether text alone is an expression of Lua; what is put into the code then cannot be anything else there.
 */
struct trial {
    struct span text;
    char why[200];
    bool good;
};

static int try_expression(lua_State *L)
{
    struct trial *trial = lua_touserdata(L, 1);

    lua_pushliteral(L, "return (");
    lua_pushlstring(L, trial->text.at, trial->text.size);
    lua_pushliteral(L, ")");
    lua_concat(L, 3);
    trial->good = luaL_loadbufferx(L, lua_tostring(L, -1), lua_rawlen(L, -1), "=expression", "t") == LUA_OK;
    if (!trial->good) {
        const char *why = strstr(lua_tostring(L, -1), ": ");

        snprintf(trial->why, sizeof(trial->why), "%s", why ? why + 2 : lua_tostring(L, -1));
    }
    return 0;
}

static bool check_expression(struct reader *reader, struct span text)
{
    struct trial trial = { .text = text };

    if (text.size == 0)
        return complain(reader, "an expression is missing");
    if (memchr(text.at, 0, text.size) || !sandbox_protected(reader->one->sandbox, try_expression, &trial, 0))
        return complain(reader, "an expression that cannot be read");
    return trial.good || complain(reader, trial.why);
}

static struct span trim(struct span text)
{
    while (text.size && isspace((unsigned char)text.at[0]))
        text = span_from(text, 1);
    while (text.size && isspace((unsigned char)text.at[text.size - 1]))
        text.size--;
    return text;
}

/* Off the front of *rest. */
static struct span take_word(struct span *rest)
{
    size_t size = 0;
    struct span word;

    while (size < rest->size && (isalnum((unsigned char)rest->at[size]) || rest->at[size] == '_'))
        size++;
    word = span_head(*rest, size);
    *rest = trim(span_from(*rest, size));
    return word;
}

static bool is_name(struct span word)
{
    return word.size && !isdigit((unsigned char)word.at[0]) && word.at[0] != '_' && !span_is(word, "in");
}

/* ---- {{ }} ---- */
static bool add_value(struct reader *reader, struct span expression)
{
    enum html_place place;
    const char *why;

    if (!check_expression(reader, expression))
        return false;
    if (!html_value(reader->html, &place, &why))
        return complain(reader, why);
    keep_up(reader);
    buf_printf(&reader->code, " __value(%d,(", (int)place);
    buf_add(&reader->code, expression);
    buf_text(&reader->code, "));");
    return true;
}

/* ---- {% %} ---- */
static struct block *open_block(struct reader *reader, enum block_kind kind)
{
    struct block *block = &reader->blocks[reader->block_count];
    const char *why;

    if (reader->block_count == BLOCKS_MOST) {
        complain(reader, "too many blocks within each other");
        return NULL;
    }
    if (!html_block(reader->html, &why)) {
        complain(reader, why);
        return NULL;
    }
    reader->block_count++;
    *block = (struct block){ .kind = kind, .begin = *reader->html, .line = reader->line };
    return block;
}

static bool add_for(struct reader *reader, struct span rest)
{
    struct span first = take_word(&rest), second = { NULL, 0 };

    if (rest.size && rest.at[0] == ',') {
        rest = trim(span_from(rest, 1));
        second = take_word(&rest);
        if (!is_name(second))
            return complain(reader, "write {% for name, value in list %}");
    }
    if (!is_name(first) || !span_is(take_word(&rest), "in"))
        return complain(reader, "write {% for value in list %}");
    if (!check_expression(reader, rest) || open_block(reader, BLOCK_FOR) == NULL)
        return false;
    buf_printf(&reader->code, " for %.*s,%.*s in __each((", SPAN_ARG(second.size ? first : SPAN("__")),
               SPAN_ARG(second.size ? second : first));
    buf_add(&reader->code, rest);
    buf_text(&reader->code, ")) do");
    return true;
}

static bool add_if(struct reader *reader, struct span rest)
{
    if (!check_expression(reader, rest) || open_block(reader, BLOCK_IF) == NULL)
        return false;
    buf_text(&reader->code, " if (");
    buf_add(&reader->code, rest);
    buf_text(&reader->code, ") then");
    return true;
}

/* A branch ends here: the page must stand where the other branches end. */
static bool end_branch(struct reader *reader, struct block *block)
{
    const char *why;

    if (!html_block(reader->html, &why))
        return complain(reader, why);
    if (block->has_end && !html_same(&block->end, reader->html))
        return complain(reader, "the branches of an if end in different places of the page");
    block->end = *reader->html;
    block->has_end = true;
    return true;
}

static bool add_else(struct reader *reader, bool with_if, struct span rest)
{
    struct block *block = reader->block_count ? &reader->blocks[reader->block_count - 1] : NULL;

    if (block == NULL || block->kind != BLOCK_IF || block->has_else)
        return complain(reader, "an else without its if");
    if (!end_branch(reader, block))
        return false;
    *reader->html = block->begin;
    if (!with_if) {
        block->has_else = true;
        buf_text(&reader->code, " else");
        return rest.size == 0 || complain(reader, "write {% else %} or {% elseif condition %}");
    }
    if (!check_expression(reader, rest))
        return false;
    buf_text(&reader->code, " elseif (");
    buf_add(&reader->code, rest);
    buf_text(&reader->code, ") then");
    return true;
}

static bool add_end(struct reader *reader)
{
    struct block *block;

    if (reader->block_count == 0)
        return complain(reader, "an end without its if or for");
    block = &reader->blocks[reader->block_count - 1];
    if (!end_branch(reader, block))
        return false;
    if ((block->kind == BLOCK_FOR || !block->has_else) && !html_same(&block->begin, reader->html))
        return complain(reader,
                        "what is left out or repeated must end where it began: in text, or behind the "
                        "same attribute");
    reader->block_count--;
    buf_text(&reader->code, " end;");
    return true;
}

static bool add_include(struct reader *reader, struct span name);

static bool add_directive(struct reader *reader, struct span inside)
{
    struct span rest = inside, word = take_word(&rest);

    keep_up(reader);
    if (span_is(word, "for"))
        return add_for(reader, rest);
    if (span_is(word, "if"))
        return add_if(reader, rest);
    if (span_is(word, "elseif"))
        return add_else(reader, true, rest);
    if (span_is(word, "else"))
        return add_else(reader, false, rest);
    if (span_is(word, "end") && rest.size == 0)
        return add_end(reader);
    if (span_is(word, "include"))
        return add_include(reader, rest);
    return complain(reader, "no such directive: there are for, if, elseif, else, end and include");
}

/* ---- a file ---- */
static bool read_tag(struct reader *reader, struct span inside, char kind)
{
    switch (kind) {
    case '{':
        return add_value(reader, trim(inside));
    case '%':
        return add_directive(reader, trim(inside));
    default: /* a comment */
        return true;
    }
}

static const char *find_open(struct span text)
{
    for (size_t i = 0; i + 1 < text.size; i++)
        if (text.at[i] == '{' && (text.at[i + 1] == '{' || text.at[i + 1] == '%' || text.at[i + 1] == '#'))
            return text.at + i;
    return NULL;
}

static bool read_text(struct reader *reader)
{
    while (reader->rest.size) {
        const char *open = find_open(reader->rest), *close;
        struct span inside;
        char end[2];

        if (open == NULL)
            return add_literal(reader, reader->rest);
        if (!add_literal(reader, span_head(reader->rest, (size_t)(open - reader->rest.at))))
            return false;
        reader->rest = span_from(reader->rest, (size_t)(open - reader->rest.at) + 2);
        end[0] = open[1] == '{' ? '}' : open[1];
        end[1] = '}';
        close = reader->rest.size ? memmem(reader->rest.at, reader->rest.size, end, 2) : NULL;
        if (close == NULL)
            return complain(reader, "a tag that begins here and never ends");
        inside = span_head(reader->rest, (size_t)(close - reader->rest.at));
        if (!read_tag(reader, inside, open[1]))
            return false;
        count_lines(reader, inside);
        reader->rest = span_from(reader->rest, inside.size + 2);
    }
    return true;
}

struct compiling {
    struct script_template *one;
    const char *path;
    struct buf *code;
    char *why;
    size_t why_size;
    bool good;
};

/* The chunk goes into the registry; its number is that of the template's files. */
static int compile(lua_State *L)
{
    struct compiling *compiling = lua_touserdata(L, 1);
    struct script_template *one = compiling->one;

    lua_pushfstring(L, "@%s", compiling->path);
    if (luaL_loadbufferx(L, compiling->code->at, compiling->code->size, lua_tostring(L, -1), "t") != LUA_OK) {
        snprintf(compiling->why, compiling->why_size, "%s", lua_tostring(L, -1));
        return 0;
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &template_env_key);
    lua_setupvalue(L, -2, 1);
    one->chunks[one->chunk_count++] = luaL_ref(L, LUA_REGISTRYINDEX);
    compiling->good = true;
    return 0;
}

static bool load_file(struct script_template *one, const char *path, struct span text, struct html *html,
                      unsigned depth, char *why_r, size_t why_size)
{
    struct reader reader = {
        .one = one,
        .path = path,
        .rest = text,
        .line = 1,
        .code_line = 1,
        .depth = depth,
        .html = html,
        .why = why_r,
        .why_size = why_size,
    };
    struct compiling compiling = { one, path, &reader.code, why_r, why_size, false };

    why_r[0] = '\0';
    buf_text(&reader.code, "local __text,__value,__each,__file=...;");
    if (read_text(&reader)) {
        if (reader.block_count) {
            reader.line = reader.blocks[reader.block_count - 1].line;
            complain(&reader, "a block without its end");
        } else if (one->chunk_count == TEMPLATE_FILES_MOST) {
            complain(&reader, "too many files");
        } else if (!sandbox_protected(one->sandbox, compile, &compiling, 0)) {
            complain(&reader, "not enough memory");
        }
    }
    buf_free(&reader.code);
    return compiling.good;
}

/* ---- include: a file beside this one, or in the folder above ---- */
static bool file_name_ok(struct span name)
{
    for (size_t i = 0; i < name.size; i++)
        if (!isalnum((unsigned char)name.at[i]) && !strchr("_-.", name.at[i]))
            return false;
    return name.size > 5 && name.size < 100 && name.at[0] != '.' && span_ends(name, SPAN(".html"));
}

static const char *find_file(struct reader *reader, struct span name, struct buf *text)
{
    const char *slash = strrchr(reader->path, '/');
    struct span folder = slash ? span_make(reader->path, (size_t)(slash - reader->path)) : SPAN(".");
    const char *path = arena_printf(reader->one->arena, "%.*s/%.*s", SPAN_ARG(folder), SPAN_ARG(name));

    if (file_read_all(path, FILE_MOST, text) == 0)
        return path;
    if (errno != ENOENT)
        return NULL;
    path = arena_printf(reader->one->arena, "%.*s/../%.*s", SPAN_ARG(folder), SPAN_ARG(name));
    return file_read_all(path, FILE_MOST, text) == 0 ? path : NULL;
}

static bool add_include(struct reader *reader, struct span name)
{
    struct buf text = { 0 };
    const char *path;
    bool good;

    if (!file_name_ok(name))
        return complain(reader, "include takes the plain name of a .html file");
    if (reader->depth == DEPTH_MOST)
        return complain(reader, "files that include each other");
    path = find_file(reader, name, &text);
    if (path == NULL) {
        buf_free(&text);
        return complain(reader, "there is no such file to include, here or in the folder above");
    }
    good = load_file(reader->one, path, buf_span(&text), reader->html, reader->depth + 1, reader->why,
                     reader->why_size);
    buf_free(&text);
    if (good)
        buf_printf(&reader->code, " __file(%u);", reader->one->chunk_count);
    return good;
}

/* ---- the whole ---- */
struct script_template *script_template_load(struct script_engine *engine, const char *path, struct span text,
                                             char *why_r, size_t why_size)
{
    struct script_template *one = must_alloc(sizeof(*one));
    struct html html = { 0 };

    OBJECT_BORN(one, script_template);
    one->engine = engine;
    one->arena = arena_new();
    one->path = arena_text(one->arena, span_of(path));
    one->sandbox = sandbox_open(engine->loop, engine->limits.memory_most, one->path, NULL);
    if (one->sandbox == NULL || !sandbox_protected(one->sandbox, script_template_open, one, 0))
        snprintf(why_r, why_size, "%s: the memory that scripts may have is too small for any", path);
    else if (text.size > FILE_MOST)
        snprintf(why_r, why_size, "%s: more than 256 KiB", path);
    else if (load_file(one, one->path, text, &html, 0, why_r, why_size))
        return one;
    script_template_free(&one);
    return NULL;
}

void script_template_free(struct script_template **address)
{
    struct script_template *one = *address;

    if (one == NULL)
        return;
    OBJECT(one, script_template);
    sandbox_close(&one->sandbox);
    arena_free(&one->arena);
    free(one->pieces);
    OBJECT_DEAD(one);
    free(one);
    *address = NULL;
}
