/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: conf_lexer_test.c - proves conf/lexer.h: tokens, their places, and what is no token. */
#include "conf_help.h"

#include "conf/lexer.h"

static const struct {
    const char *text;
    enum lexer_mode mode;
    const char *want; /* each token as kind text @line:column */
    const char *why;
} rows[] = {
    { "", LEXER_NAME, "end@1:1", "nothing" },
    { "\xef\xbb\xbfname", LEXER_NAME, "bare name@1:1 end@1:5", "the BOM has no column" },
    { "a = b", LEXER_NAME, "bare a@1:1 equals@1:3 bare b@1:5 end@1:6", "both signs end a name" },
    { "a:b", LEXER_NAME, "bare a@1:1 equals@1:2 bare b@1:3 end@1:4", "as above" },
    { "http://[x]", LEXER_VALUE, "bare http://@1:1 [@1:8 bare x@1:9 ]@1:10 end@1:11",
      "but belong to a value" },
    { "::1", LEXER_VALUE, "bare ::1@1:1 end@1:4", "even at its start" },
    { "{}()[],", LEXER_NAME, "{@1:1 }@1:2 (@1:3 )@1:4 [@1:5 ]@1:6 comma@1:7 end@1:8", "single letters" },
    { "a\r\nb\n\nc", LEXER_NAME,
      "bare a@1:1 newline@1:2 bare b@2:1 newline@2:2 newline@3:1 bare c@4:1 end@4:2", "both line ends" },
    { "# all 'of it\na #b", LEXER_NAME, "newline@1:13 bare a@2:1 end@2:5", "comments, also at the end" },
    { "'a # b' \"c ' d\"", LEXER_NAME, "quoted a # b@1:1 quoted c ' d@1:9 end@1:16", "quotes hide all" },
    { "' x\t' ''", LEXER_NAME, "quoted x@1:1 quoted @1:7 end@1:9", "quoted text is trimmed, may be empty" },
    { "'it''s' \"\"\"\"", LEXER_NAME, "quoted it's@1:1 quoted \"@1:9 end@1:13", "a doubled quote is one" },
    { "'c:\\x\\'", LEXER_NAME, "quoted c:\\x\\@1:1 end@1:8", "no escapes" },
    { "'\xc3\xa9\xe2\x82\xac' a", LEXER_NAME, "quoted \xc3\xa9\xe2\x82\xac@1:1 bare a@1:6 end@1:7",
      "columns count characters" },
    { "%module_id% 12L 1.5f", LEXER_NAME, "bare %module_id%@1:1 bare 12L@1:13 bare 1.5f@1:17 end@1:21",
      "bare words" },
    { "'open\n", LEXER_NAME, "bad@1:1", "a quote ends on its line" },
    { "\"open", LEXER_NAME, "bad@1:1", "or at least somewhere" },
    { "x\n  y\xff", LEXER_NAME, "bad@2:4", "not UTF-8, found before anything else" },
    { "\xed\xa0\x80", LEXER_NAME, "bad@1:1", "a surrogate" },
    { "a \x01", LEXER_NAME, "bare a@1:1 bad@1:3", "control character" },
    { "'a\x7f'", LEXER_NAME, "bad@1:1", "in quotes too" },
    { "a\rb", LEXER_NAME, "bare a@1:1 bad@1:2", "a bare CR" },
    { "ab#c", LEXER_VALUE, "bad@1:1", "a password must not be cut" },
    { "it's", LEXER_VALUE, "bad@1:1", "nor a word be torn" },
};

static void add_token(struct buf *out, struct arena *arena, const struct token *token)
{
    static const char *const kinds[] = {
        [TOKEN_END] = "end", [TOKEN_NEWLINE] = "newline", [TOKEN_COMMA] = "comma", [TOKEN_EQUALS] = "equals",
        [TOKEN_BRACE] = "{", [TOKEN_BRACE_END] = "}",     [TOKEN_BRACKET] = "[",   [TOKEN_BRACKET_END] = "]",
        [TOKEN_PAREN] = "(", [TOKEN_PAREN_END] = ")",     [TOKEN_BARE] = "bare",   [TOKEN_QUOTED] = "quoted",
        [TOKEN_BAD] = "bad",
    };

    buf_printf(out, "%s%s", out->size ? " " : "", kinds[token->kind]);
    if (token->kind == TOKEN_BARE || token->kind == TOKEN_QUOTED)
        buf_printf(out, " %s", token_text(arena, token));
    buf_printf(out, "@%u:%u", token->at.line, token->at.column);
}

static void test_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *arena = arena_new();
        struct buf out = { 0 };
        struct lexer lexer;
        struct token token;

        lexer_begin(&lexer, "f", span_of(rows[i].text));
        do {
            token = lexer_next(&lexer, rows[i].mode);
            add_token(&out, arena, &token);
        } while (token.kind != TOKEN_END && token.kind != TOKEN_BAD);
        if (!span_is(buf_span(&out), rows[i].want))
            fail_msg("%s: '%s' gave %.*s", rows[i].why, rows[i].text, SPAN_ARG(buf_span(&out)));
        assert_int_equal(lexer_next(&lexer, rows[i].mode).kind, token.kind);
        buf_free(&out);
        arena_free(&arena);
    }
}

static void test_nul_is_a_control_character(void **state)
{
    struct lexer lexer;

    (void)state;
    lexer_begin(&lexer, "f", span_make("a\0b", 3));
    assert_int_equal(lexer_next(&lexer, LEXER_NAME).kind, TOKEN_BARE);
    assert_int_equal(lexer_next(&lexer, LEXER_NAME).kind, TOKEN_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_nul_is_a_control_character),
    };

    return cmocka_run_group_tests_name("conf_lexer", tests, NULL, NULL);
}
