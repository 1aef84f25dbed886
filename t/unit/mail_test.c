/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail_test.c - addresses, the bytes of mails, and that all texts that come with Stoa can
 * be rendered. */
#include "modules/account/mail.h"
#include "modules/account/mail_message.h"
#include "modules/account/mail_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <cmocka.h>
#include <unistd.h>

#define TEN     "abcdefghij"
#define LOCAL64 TEN TEN TEN TEN TEN TEN "abcd"

static const struct {
    const char *address;
    bool good;
    const char *why;
} addresses[] = {
    { "mail@domain.com", true, "plain" },
    { "mark", false, "no @" },
    { "", false, "empty" },
    { "example.com", false, "a domain alone" },
    { "a b@example.org", false, "a blank in the local part" },
    { "a@exam ple.org", false, "a blank in the domain" },
    { " a@example.org", false, "a blank before" },
    { "a@example.org ", false, "a blank behind" },
    { "first.last+tag@example.org", true, "dots and a plus" },
    { "o'brien@example.org", true, "an apostrophe" },
    { ".a@example.org", false, "a dot first" },
    { "a.@example.org", false, "a dot last" },
    { "a..b@example.org", false, "two dots" },
    { "@example.org", false, "no local part" },
    { "a@", false, "no domain" },
    { "a@b@example.org", false, "two @" },
    { "a@example.org\r\nBcc: x@example.org", false, "a header behind" },
    { "a\n@example.org", false, "LF in the local part" },
    { "a\r@example.org", false, "CR" },
    { "a@example.org,b@example.org", false, "a list" },
    { "<a@example.org>", false, "angle brackets" },
    { "Bob <a@example.org>", false, "a name" },
    { "\"a b\"@example.org", false, "a quoted local part" },
    { "a(c)@example.org", false, "a comment" },
    { "a@[192.0.2.1]", false, "an address literal" },
    { "a@192.0.2.1", false, "an address as domain" },
    { "a@localhost", true, "one label" },
    { "a@-example.org", false, "a hyphen first" },
    { "a@example..org", false, "an empty label" },
    { "a@example.org.", true, "the root's dot" },
    { "j\xc3\xbcrgen@b\xc3\xbc"
      "cher.example",
      true, "UTF-8 on both sides" },
    { "j\xfcrgen@example.org", false, "Latin-1" },
    { "a\xc2\x85@example.org", false, "U+0085" },
    { "a\xe2\x80\xae@example.org", false, "what turns the text around" },
    { LOCAL64 "@example.org", true, "64 bytes" },
    { LOCAL64 "e@example.org", false, "65 bytes" },
    { "a@x.y/z", false, "a slash in the domain" },
    { "a;b@example.org", false, "a semicolon" },
};

static void addresses_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        const char *why = mail_address_check(span_of(addresses[i].address));

        if ((why == NULL) != addresses[i].good)
            fail_msg("%s (%s): %s", addresses[i].address, addresses[i].why, why ? why : "taken");
    }
    assert_non_null(mail_address_check(span_make("a\0b@example.org", 15)));
}

static void long_addresses_are_refused(void **state)
{
    char text[10240];

    (void)state;
    memset(text, 'a', sizeof(text));
    text[5] = '@';
    assert_non_null(mail_address_check(span_make(text, sizeof(text))));
    for (size_t i = 6; i < 254; i += 50)
        text[i + 49 < 254 ? i + 49 : 253] = '.';
    text[253] = 'x';
    assert_null(mail_address_check(span_make(text, 254)));
    text[254] = 'x';
    assert_non_null(mail_address_check(span_make(text, 255)));
}

static void mailboxes_are_compared(void **state)
{
    struct arena *arena = arena_new();
    struct span normal;

    (void)state;
    assert_true(mail_address_same(SPAN("Bob@Example.ORG"), SPAN("bob@example.org.")));
    assert_true(mail_address_same(SPAN("bob@b\xc3\xbc"
                                       "cher.example"),
                                  SPAN("BOB@xn--bcher-kva.example")));
    assert_false(mail_address_same(SPAN("bob@example.org"), SPAN("bobby@example.org")));
    assert_false(mail_address_same(SPAN("bob@example.org"), SPAN("bob@example.com")));
    assert_false(mail_address_same(SPAN("bob"), SPAN("bob")));
    assert_true(mail_address_normal(arena,
                                    SPAN("Bob@B\xc3\x9c"
                                         "CHER.Example"),
                                    &normal));
    assert_true(span_is(normal, "Bob@xn--bcher-kva.example"));
    assert_false(mail_address_normal(arena, SPAN("Bob"), &normal));
    arena_free(&arena);
}

static struct mail_message plain_message(void)
{
    return (struct mail_message){ .to = SPAN("bob@example.org"),
                                  .from_address = SPAN("noreply@example.org"),
                                  .from_name = SPAN(""),
                                  .subject = SPAN("Password reset"),
                                  .message_id = SPAN("<00ff@example.org>"),
                                  .text = SPAN("Hello,\n\nhttp://example.org/rest/x\n"),
                                  .date = 1763834064 };
}

static char *written(const struct mail_message *message)
{
    struct buf out = { 0 };

    mail_message_write(message, &out);
    buf_char(&out, '\0');
    return out.at;
}

static void a_plain_mail_goes_as_it_is(void **state)
{
    struct mail_message message = plain_message();
    char *text = written(&message);

    (void)state;
    assert_string_equal(text, "Date: Sat, 22 Nov 2025 17:54:24 +0000\r\n"
                              "From: <noreply@example.org>\r\n"
                              "To: <bob@example.org>\r\n"
                              "Subject: Password reset\r\n"
                              "Message-ID: <00ff@example.org>\r\n"
                              "Auto-Submitted: auto-generated\r\n"
                              "MIME-Version: 1.0\r\n"
                              "Content-Type: text/plain; charset=utf-8\r\n"
                              "Content-Transfer-Encoding: 7bit\r\n\r\n"
                              "Hello,\r\n\r\nhttp://example.org/rest/x\r\n");
    free(text);
}

static void has(const char *text, const char *wanted)
{
    if (strstr(text, wanted) == NULL)
        fail_msg("%s is not in:\n%s", wanted, text);
}

static void lacks(const char *text, const char *unwanted)
{
    if (strstr(text, unwanted) != NULL)
        fail_msg("%s is in:\n%s", unwanted, text);
}

static void nothing_can_begin_another_header(void **state)
{
    struct mail_message message = plain_message();
    char *text;

    (void)state;
    message.subject = SPAN("One\r\nBcc: x@example.org\r\n\r\nbody");
    message.from_name = SPAN("A \"quoted\\ name\"\nX: y");
    text = written(&message);
    has(text, "\r\nSubject: One Bcc: x@example.org body\r\n");
    has(text, "From: \"A \\\"quoted\\\\ name\\\" X: y\"\r\n <noreply@example.org>\r\n");
    lacks(text, "\nBcc");
    free(text);
}

static void what_is_not_ascii_is_encoded(void **state)
{
    struct mail_message message = plain_message();
    char *text;

    (void)state;
    message.subject = SPAN("Passwort zur\xc3\xbc"
                           "ckgesetzt");
    message.text = SPAN("Gr\xc3\xbc\xc3\x9f"
                        "e = 1 \nFrom here\n.\n");
    text = written(&message);
    has(text, "\r\nSubject: =?UTF-8?B?UGFzc3dvcnQgenVyw7xja2dlc2V0enQ=?=\r\n");
    has(text, "quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe =3D 1=20\r\n=46rom here\r\n.\r\n");
    free(text);
}

static void long_lines_are_broken(void **state)
{
    struct mail_message message = plain_message();
    char line[3000];
    char *text, *at;

    (void)state;
    memset(line, 'x', sizeof(line));
    message.text = span_make(line, sizeof(line));
    message.subject = span_make(line, 200);
    text = written(&message);
    has(text, "quoted-printable");
    for (at = text; at != NULL; at = strstr(at, "\r\n")) {
        char *end;

        at += at == text ? 0 : 2;
        end = strstr(at, "\r\n");
        assert_true(end == NULL || end - at <= 76);
    }
    free(text);
}

static void both_forms_stand_side_by_side(void **state)
{
    struct mail_message message = plain_message();
    char *text;

    (void)state;
    message.html = SPAN("<p>Hello</p>\n");
    text = written(&message);
    has(text, "Content-Type: multipart/alternative;\r\n boundary=\"=_00ff\"\r\n\r\n--=_00ff\r\n"
              "Content-Type: text/plain");
    has(text, "\r\n\r\n--=_00ff\r\nContent-Type: text/html");
    has(text, "<p>Hello</p>\r\n\r\n--=_00ff--\r\n");
    free(text);
}

/* ---- texts ---- */

#define VALUES                                                                                               \
    "{\"jid\":\"bob@example.org\",\"link\":\"https://example.org/rest/user/resetPassword/TOKEN\","           \
    "\"minutes\":30,\"site\":\"Example\"}"

static void all_texts_render(void **state)
{
    static const char *const names[] = {
        "reset", "confirm", "register", "changed", "address-changed", "test"
    };
    char why[256];
    struct mail_texts *texts = mail_texts_new(NULL, why, sizeof(why));

    (void)state;
    if (texts == NULL)
        fail_msg("%s", why);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct buf subject = { 0 }, text = { 0 }, html = { 0 };
        const char *reason;

        if (!mail_texts_render(texts, span_of(names[i]), SPAN(VALUES), &subject, &text, &html, &reason))
            fail_msg("%s: %s", names[i], reason);
        assert_true(subject.size > 5 && text.size > 40 && html.size > 200);
        buf_free(&subject);
        buf_free(&text);
        buf_free(&html);
    }
    mail_texts_free(&texts);
}

static void the_reset_mail_is_as_its_readers_expect(void **state)
{
    char why[256];
    struct mail_texts *texts = mail_texts_new(NULL, why, sizeof(why));
    struct buf subject = { 0 }, text = { 0 }, html = { 0 };
    const char *reason;

    (void)state;
    assert_non_null(texts);
    assert_true(mail_texts_render(texts, SPAN("reset"), SPAN(VALUES), &subject, &text, &html, &reason));
    assert_true(span_is(span_head(buf_span(&subject), 14), "Password reset"));
    buf_char(&text, '\0');
    has(text.at, "\nbob@example.org\n");
    has(text.at, "\nhttps://example.org/rest/user/resetPassword/TOKEN\n");
    has(text.at, "within 30 minutes");
    assert_false(mail_texts_render(texts, SPAN("nothing"), SPAN(VALUES), &subject, &text, &html, &reason));
    buf_free(&subject);
    buf_free(&text);
    buf_free(&html);
    mail_texts_free(&texts);
}

static void put_file(const char *folder, const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void an_operators_text_wins(void **state)
{
    char folder[] = "/tmp/stoa-mails-XXXXXX", why[256], path[128];
    struct buf subject = { 0 }, text = { 0 }, html = { 0 };
    struct mail_texts *texts;
    const char *reason;

    (void)state;
    assert_non_null(mkdtemp(folder));
    put_file(folder, "reset-subject.txt", "Neues Passwort {{jid}}\n");
    put_file(folder, "reset.txt", "Hier: <{{link}}>\n");
    texts = mail_texts_new(folder, why, sizeof(why));
    if (texts == NULL)
        fail_msg("%s", why);
    assert_true(mail_texts_render(texts, SPAN("reset"), SPAN(VALUES), &subject, &text, &html, &reason));
    assert_true(span_starts(buf_span(&subject), SPAN("Neues Passwort \n"))); /* no value in a subject */
    assert_true(span_starts(buf_span(&text), SPAN("Hier: <https://example.org/")));
    assert_true(html.size > 200); /* that one is still ours */
    mail_texts_free(&texts);
    put_file(folder, "reset.html", "<p style=\"{{jid}}\">");
    assert_null(mail_texts_new(folder, why, sizeof(why)));
    has(why, "reset");
    assert_null(mail_texts_new("/nowhere", why, sizeof(why)));
    has(why, "/nowhere");
    for (size_t i = 0; i < 3; i++) {
        static const char *const names[] = { "reset-subject.txt", "reset.txt", "reset.html" };

        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    buf_free(&subject);
    buf_free(&text);
    buf_free(&html);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_judged),
        cmocka_unit_test(long_addresses_are_refused),
        cmocka_unit_test(mailboxes_are_compared),
        cmocka_unit_test(a_plain_mail_goes_as_it_is),
        cmocka_unit_test(nothing_can_begin_another_header),
        cmocka_unit_test(what_is_not_ascii_is_encoded),
        cmocka_unit_test(long_lines_are_broken),
        cmocka_unit_test(both_forms_stand_side_by_side),
        cmocka_unit_test(all_texts_render),
        cmocka_unit_test(the_reset_mail_is_as_its_readers_expect),
        cmocka_unit_test(an_operators_text_wins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
