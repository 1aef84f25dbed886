/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: lexer.c - see lexer.h. Knows letters and quotes, nothing of what may follow what. */
#include "conf/lexer.h"

#include "base/text.h"

#include <stdio.h>

/* Steps over count bytes of one line and counts their characters. */
static void advance(struct lexer *lexer, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (((unsigned char)lexer->rest.at[i] & 0xc0) != 0x80)
            lexer->at.column++;
    lexer->rest = span_from(lexer->rest, count);
}

static struct token bad(struct lexer *lexer, struct place at, struct span why)
{
    lexer->found = (struct token){ .kind = TOKEN_BAD, .text = why, .at = at };
    return lexer->found;
}

static size_t utf8_size(unsigned char lead)
{
    return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Leaves the lexer at the first byte that is not UTF-8. */
static void find_broken(struct lexer *lexer)
{
    while (lexer->rest.size) {
        size_t size = utf8_size((unsigned char)lexer->rest.at[0]);

        if (size > lexer->rest.size || !text_is_utf8(span_head(lexer->rest, size)))
            return;
        if (lexer->rest.at[0] == '\n') {
            lexer->rest = span_from(lexer->rest, 1);
            lexer->at.line++;
            lexer->at.column = 1;
        } else {
            advance(lexer, size);
        }
    }
}

void lexer_begin(struct lexer *lexer, const char *file, struct span text)
{
    *lexer = (struct lexer){ .rest = text, .at = { file, 1, 1 } };
    if (span_starts(text, SPAN("\xef\xbb\xbf")))
        lexer->rest = span_from(text, 3);
    if (text_is_utf8(lexer->rest))
        return;
    find_broken(lexer);
    bad(lexer, lexer->at, SPAN("this is not UTF-8; save the file as UTF-8"));
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool ends_bare(char c, enum lexer_mode mode)
{
    if (c == '=' || c == ':')
        return mode == LEXER_NAME;
    return is_control(c) || strchr(" ,#()[]{}'\"", c) != NULL;
}

static void skip_blank(struct lexer *lexer)
{
    size_t count = 0;
    ssize_t line_end;

    while (count < lexer->rest.size && (lexer->rest.at[count] == ' ' || lexer->rest.at[count] == '\t'))
        count++;
    advance(lexer, count);
    if (lexer->rest.size == 0 || lexer->rest.at[0] != '#')
        return;
    line_end = span_find(lexer->rest, '\n');
    advance(lexer, line_end < 0 ? lexer->rest.size : (size_t)line_end);
}

static enum token_kind kind_of(char c, enum lexer_mode mode)
{
    switch (c) {
    case ',':
        return TOKEN_COMMA;
    case '{':
        return TOKEN_BRACE;
    case '}':
        return TOKEN_BRACE_END;
    case '[':
        return TOKEN_BRACKET;
    case ']':
        return TOKEN_BRACKET_END;
    case '(':
        return TOKEN_PAREN;
    case ')':
        return TOKEN_PAREN_END;
    case '=':
    case ':':
        return mode == LEXER_NAME ? TOKEN_EQUALS : TOKEN_BARE;
    default:
        return is_control(c) ? TOKEN_BAD : TOKEN_BARE;
    }
}

static struct token take(struct lexer *lexer, enum token_kind kind, size_t size)
{
    struct token token = { .kind = kind, .text = span_head(lexer->rest, size), .at = lexer->at };

    advance(lexer, size);
    return token;
}

static struct token take_newline(struct lexer *lexer, size_t size)
{
    struct token token = take(lexer, TOKEN_NEWLINE, size);

    lexer->at.line++;
    lexer->at.column = 1;
    return token;
}

static struct token take_quoted(struct lexer *lexer)
{
    char quote = lexer->rest.at[0];
    struct span in = lexer->rest;
    struct token token;
    size_t end;

    for (end = 1; end < in.size; end++) {
        if (in.at[end] == quote && end + 1 < in.size && in.at[end + 1] == quote)
            end++;
        else if (in.at[end] == quote)
            break;
        else if (in.at[end] == '\n' || in.at[end] == '\r')
            end = in.size;
        else if (is_control(in.at[end]) && in.at[end] != '\t')
            return bad(lexer, lexer->at, SPAN("a control character stands in these quotes"));
    }
    if (end >= in.size)
        return bad(lexer, lexer->at, SPAN("the quote that opens here is not closed on its line"));
    token = take(lexer, TOKEN_QUOTED, end + 1);
    token.text = span_make(token.text.at + 1, end - 1);
    token.quote = quote;
    return token;
}

static struct token take_bare(struct lexer *lexer, enum lexer_mode mode)
{
    struct place at = lexer->at;
    size_t size = 1;
    struct token token;

    while (size < lexer->rest.size && !ends_bare(lexer->rest.at[size], mode))
        size++;
    token = take(lexer, TOKEN_BARE, size);
    /* A password such as ab#c must not be cut in silence. */
    if (lexer->rest.size && strchr("#'\"", lexer->rest.at[0]) != NULL && lexer->rest.at[0] != '\0')
        return bad(lexer, at,
                   SPAN("put quotes around what holds a quote or #; a comment needs a space before its #"));
    return token;
}

struct token lexer_next(struct lexer *lexer, enum lexer_mode mode)
{
    enum token_kind kind;
    char c;

    if (lexer->found.kind == TOKEN_BAD)
        return lexer->found;
    skip_blank(lexer);
    if (lexer->rest.size == 0)
        return (struct token){ .kind = TOKEN_END, .at = lexer->at };
    c = lexer->rest.at[0];
    if (c == '\n')
        return take_newline(lexer, 1);
    if (span_starts(lexer->rest, SPAN("\r\n")))
        return take_newline(lexer, 2);
    if (c == '\'' || c == '"')
        return take_quoted(lexer);
    kind = kind_of(c, mode);
    if (kind == TOKEN_BAD)
        return bad(lexer, lexer->at, SPAN("a control character stands here"));
    return kind == TOKEN_BARE ? take_bare(lexer, mode) : take(lexer, kind, 1);
}

const char *token_text(struct arena *arena, const struct token *token)
{
    char *text;
    size_t size = 0;
    struct span trimmed;

    if (token->kind != TOKEN_QUOTED)
        return arena_text(arena, token->text);
    text = arena_text(arena, token->text);
    for (size_t i = 0; i < token->text.size; i++) {
        text[size++] = token->text.at[i];
        if (token->text.at[i] == token->quote)
            i++; /* its double */
    }
    trimmed = span_trim(span_make(text, size));
    text[(size_t)(trimmed.at - text) + trimmed.size] = '\0';
    return trimmed.at;
}
