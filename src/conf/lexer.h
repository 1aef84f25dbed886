/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: lexer.h - the bytes of a config.tdsl as tokens with their places. */
#ifndef STOA_CONF_LEXER_H
#define STOA_CONF_LEXER_H

#include "base/arena.h"
#include "base/span.h"

struct place {
    const char *file; /* borrowed for the life of the conf */
    unsigned line;    /* 1 is the first; 0: the whole of file, or an override, which has no lines */
    unsigned column;  /* in characters, not bytes; 1 is the first */
};

enum token_kind {
    TOKEN_END,
    TOKEN_NEWLINE, /* one for each line end; comments are left out */
    TOKEN_COMMA,
    TOKEN_EQUALS, /* = or : */
    TOKEN_BRACE,
    TOKEN_BRACE_END,
    TOKEN_BRACKET,
    TOKEN_BRACKET_END,
    TOKEN_PAREN,
    TOKEN_PAREN_END,
    TOKEN_BARE,   /* never empty */
    TOKEN_QUOTED, /* text is what stands between the quotes, untouched: see token_text */
    TOKEN_BAD,    /* text is a sentence for the reader of the file; the lexer gives no more tokens */
};

struct token {
    enum token_kind kind;
    struct span text; /* points into the text, or at a constant when bad */
    char quote;       /* ' or " when quoted */
    struct place at;
};

/* In a bare value = and : are letters (URIs, times, IPv6); in a bare name they end it. */
enum lexer_mode { LEXER_NAME, LEXER_VALUE };

struct lexer {
    struct span rest;   /* not yet read; points into the caller's text, which must outlive the tokens */
    struct place at;    /* of rest's first byte */
    struct token found; /* kind TOKEN_BAD once something was wrong */
};

/* text that is not UTF-8 gives one TOKEN_BAD at the place of the first such byte. A BOM is stepped over. */
void lexer_begin(struct lexer *lexer, const char *file, struct span text);
struct token lexer_next(struct lexer *lexer, enum lexer_mode mode);

/* The meaning of a bare or quoted token: trimmed; in quotes a doubled quote stands for one. In arena. */
const char *token_text(struct arena *arena, const struct token *token);

#endif
