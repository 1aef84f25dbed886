/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail_queue_test.c - the queue of mails: order, the same one twice, bounds; records; the
 * section mailer. */
#include "conf_help.h"

#include "base/clock.h"
#include "modules/account/account.h"
#include "modules/account/mail_row.h"
#include "os/loop.h"

#include <ftw.h>

#define MANY 1000
#define MAILER                                                                                               \
    "mailer { mailer-from-address = 'noreply@example.org'\n mailer-smtp-host = 'localhost'\n"                \
    " mailer-smtp-security = plain\n queue-most = 1002 }\n"

static char folder[64];
static struct conf *conf;
static struct settings settings;
static struct module_host host;
static struct account *account;
static struct loop *loop;
static struct json_object *values;

static int remove_entry(const char *path, const struct stat *is, int type, struct FTW *at)
{
    (void)is, (void)type, (void)at;
    return remove(path);
}

static int make_schema(void **state)
{
    (void)state;
    schema = conf_schema_new();
    settings_register(schema);
    conf_schema_add(schema, "", &mailer_section);
    conf_schema_add(schema, "", &account_section);
    conf_schema_add(schema, "", &resetter_section);
    return 0;
}

static int free_schema(void **state)
{
    (void)state;
    conf_schema_free(&schema);
    return 0;
}

static int set_up(void **state)
{
    char text[512];
    const char *why;

    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/stoa-queue-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(text, sizeof(text), "%sprocesses { data-dir = '%s/data' }\n", MAILER, folder);
    conf = load(text);
    is_good(conf);
    settings_of(conf, &settings);
    loop = loop_new();
    host = (struct module_host){ .conf = conf, .settings = &settings, .loop = loop };
    values = json_object_new_object();
    json_object_object_add(values, "site", json_object_new_string("Example"));
    return account_open(&account, &host, &why);
}

static int tear_down(void **state)
{
    (void)state;
    json_object_put(values);
    account_close(&account);
    loop_free(&loop);
    conf_free(&conf);
    return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static unsigned open_puts;
static enum mail_verdict last_verdict;

static void on_put(struct mail_put *put, enum mail_verdict verdict)
{
    (void)put;
    last_verdict = verdict;
    if (--open_puts == 0)
        loop_stop(loop);
}

static struct mail mail_to(const char *to)
{
    return (struct mail){ .to = span_of(to), .template = "test", .values = values };
}

static enum mail_verdict put_once(const char *to, const char *once, int64_t life)
{
    struct mail_put put = { .done = NULL };
    struct mail mail = mail_to(to);

    mail.once = span_of(once);
    mail.once_life = life;
    open_puts = 1;
    mail_put(account->box, &put, &mail, on_put);
    loop_run(loop);
    return last_verdict;
}

static void get_row(const unsigned char id[MAIL_ID], struct buf *copy, struct mail_row *row_r)
{
    struct store_view *view = store_view(account->store);
    struct span value;

    assert_non_null(view);
    assert_int_equal(store_get(view, ACCOUNT_TABLE_MAIL, span_make((const char *)id, MAIL_ID), &value), 1);
    buf_clear(copy);
    buf_add(copy, value);
    store_view_end(account->store, view);
    assert_true(mail_row_decode(buf_span(copy), row_r));
}

static uint64_t waiting(void)
{
    struct store_view *view = store_view(account->store);
    uint64_t count = mail_waiting_seen(view);

    store_view_end(account->store, view);
    return count;
}

/* In the order in which they were put, and each as it was put. */
static void a_thousand_keep_their_order(void **state)
{
    static struct mail_put puts[MANY];
    struct store_view *view;
    struct store_cursor *cursor = NULL;
    struct span key, value;
    unsigned char id[MAIL_ID];
    int64_t moment;
    char kind;

    (void)state;
    open_puts = MANY;
    for (int i = 0; i < MANY; i++) {
        char to[64];
        struct mail mail;

        snprintf(to, sizeof(to), "user%d@example.org", i);
        mail = mail_to(to);
        mail_put(account->box, &puts[i], &mail, on_put);
    }
    loop_run(loop);
    assert_int_equal(waiting(), MANY);
    view = store_view(account->store);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(store_walk(view, ACCOUNT_TABLE_MAIL_DUE, SPAN("d"), &cursor, &key, &value), 1);
        assert_true(mail_due_decode(key, &kind, &moment, id) && kind == 'd');
        assert_memory_equal(id, puts[i].id, MAIL_ID);
    }
    store_walk_end(&cursor);
    store_view_end(account->store, view);
}

static void the_same_is_queued_once(void **state)
{
    (void)state;
    assert_int_equal(put_once("bob@example.org", "reset bob", 3600 * USEC_PER_SEC), MAIL_QUEUED);
    assert_int_equal(put_once("bob@example.org", "reset bob", 3600 * USEC_PER_SEC), MAIL_TWICE);
    assert_int_equal(put_once("bob@example.org", "reset alice", 3600 * USEC_PER_SEC), MAIL_QUEUED);
    assert_int_equal(put_once("bob@example.org", "", 3600 * USEC_PER_SEC), MAIL_QUEUED);
    assert_int_equal(put_once("bob@example.org", "", 3600 * USEC_PER_SEC), MAIL_QUEUED);
    assert_int_equal(put_once("bob@example.org", "short", 1), MAIL_QUEUED);
    assert_int_equal(put_once("bob@example.org", "short", 1), MAIL_QUEUED);
    assert_int_equal(waiting(), 6);
}

static void more_than_queue_most_are_not_taken(void **state)
{
    (void)state;
    a_thousand_keep_their_order(NULL);
    assert_int_equal(put_once("bob@example.org", "", 0), MAIL_QUEUED);
    assert_int_equal(put_once("bob@example.org", "", 0), MAIL_QUEUED);
    assert_int_equal(put_once("bob@example.org", "", 0), MAIL_CROWD);
    assert_int_equal(waiting(), 1002);
}

static void a_record_holds_what_was_put(void **state)
{
    struct mail mail = mail_to("Bob@B\xc3\xbc"
                               "cher.Example");
    struct mail_put put = { .done = NULL };
    struct buf copy = { 0 };
    struct mail_row row;
    char id[MAIL_ID_TEXT];

    (void)state;
    mail.not_after = 2000000000;
    mail.on_request = SPAN("192.0.2.7");
    assert_int_equal(mail_put_now(account->box, &put, &mail), MAIL_QUEUED);
    get_row(put.id, &copy, &row);
    assert_int_equal(row.state, MAIL_WAITS);
    assert_true(span_is(row.to, "Bob@xn--bcher-kva.example"));
    assert_true(span_is(row.template, "test") && span_is(row.on_request, "192.0.2.7"));
    assert_int_equal(row.not_after, 2000000000 * USEC_PER_SEC);
    assert_true(span_is(row.values, "{\"site\":\"Example\"}"));
    mail_id_text(put.id, id);
    assert_true(span_starts(row.message_id, SPAN("<")) && span_ends(row.message_id, SPAN("@example.org>")));
    assert_non_null(memmem(row.message_id.at, row.message_id.size, id, MAIL_ID_TEXT - 1));
    buf_free(&copy);
}

static void a_broken_record_is_no_record(void **state)
{
    struct mail_row row = { .state = MAIL_FAILED, .to = SPAN("a@b"), .words = SPAN("no"), .attempts = 7 },
                    got;
    struct buf bytes = { 0 };

    (void)state;
    mail_row_encode(&row, &bytes);
    assert_true(mail_row_decode(buf_span(&bytes), &got));
    assert_int_equal(got.attempts, 7);
    assert_true(span_is(got.to, "a@b") && span_is(got.words, "no") && got.state == MAIL_FAILED);
    for (size_t i = 0; i < bytes.size; i++)
        assert_false(mail_row_decode(span_head(buf_span(&bytes), i), &got));
    buf_char(&bytes, 'x');
    assert_false(mail_row_decode(buf_span(&bytes), &got));
    bytes.size--;
    bytes.at[1] = 9;
    assert_false(mail_row_decode(buf_span(&bytes), &got));
    buf_free(&bytes);
}

/* ---- the section ---- */

static void is_refused_by_check(const char *text, const char *part)
{
    struct conf *one = load(text);

    is_good(one);
    mailer_check(one);
    if (conf_errors(one) == 0)
        fail_msg("was taken: %s", text);
    tells(one, part);
    conf_free(&one);
}

static void the_guides_section_loads(void **state)
{
    struct conf *one = load("mailer (class: tigase.extras.mailer.Mailer) {\n"
                            "    'mailer-from-address' = 'email-address@to-send-emails-from'\n"
                            "    'mailer-smtp-host' = 'smtp.email.server.com'\n"
                            "    'mailer-smtp-password' = 'password-for-email-account'\n"
                            "    'mailer-smtp-port' = '587' # Email server SMTP port\n"
                            "    'mailer-smtp-username' = 'username-for-email-account'\n}\n");
    char *shown;

    (void)state;
    is_good(one);
    mailer_check(one);
    is_good(one);
    assert_true(mailer_conf(one)->section.active);
    assert_int_equal(mailer_conf(one)->smtp_port, 587);
    assert_int_equal(mailer_conf(one)->security, MAIL_STARTTLS);
    shown = printed(one, false);
    assert_null(strstr(shown, "password-for-email-account"));
    free(shown);
    conf_free(&one);
    one = load("");
    assert_false(mailer_conf(one)->section.active);
    conf_free(&one);
}

#define HOST "mailer-smtp-host = 'smtp.example.org'\n"
#define FROM "mailer-from-address = 'a@example.org'\n"

static void a_bad_section_is_told(void **state)
{
    (void)state;
    is_refused_by_check("mailer {\n" FROM "}\n", "mailer needs mailer-smtp-host: write the name");
    is_refused_by_check("mailer {\n" HOST "}\n", "mailer needs mailer-from-address: write who");
    is_refused_by_check("mailer {\n" HOST FROM "mailer-smtp-security = plain\n}\n", "write starttls or tls");
    is_refused_by_check("mailer {\n" HOST FROM "mailer-smtp-username = 'a'\n}\n", "write both or none");
    is_refused_by_check("mailer {\n" HOST FROM "templates = '/nowhere'\n}\n", "/nowhere cannot be read");
    is_refused_by_check("mailer {\n" HOST FROM "retry-most = 1s\n}\n", "retry-most must not be less");
    is_refused("mailer {\nmailer-from-address = 'nobody'\n}\n", "noreply@example.org");
    is_refused("mailer {\nmailer-from-name = 'a\tBcc: b'\n}\n", "in one line");
    is_refused("mailer {\nmailer-smtp-host = 'smtp.example.org:25'\n}\n", "without port");
    is_refused("mailer {\nmailer-smtp-host = 'smtp.example.org/x'\n}\n", "without port");
}

static void a_loopback_is_known(void **state)
{
    (void)state;
    assert_true(mail_host_is_loopback("localhost") && mail_host_is_loopback("127.1.2.3") &&
                mail_host_is_loopback("::1"));
    assert_false(mail_host_is_loopback("localhost.example.org") || mail_host_is_loopback("192.0.2.1") ||
                 mail_host_is_loopback("127.example.org"));
}

/* etc/config.tdsl shows each directive with its default. */
static void the_example_shows_all(void **state)
{
    const char *top = getenv("STOA_TOP");
    char name[4096], line[256];
    struct buf text = { 0 };
    FILE *file;

    (void)state;
    (void)snprintf(name, sizeof(name), "%s/etc/config.tdsl", top ? top : ".");
    file = fopen(name, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL)
        buf_text(&text, line);
    buf_char(&text, '\0');
    assert_int_equal(fclose(file), 0);
    for (const struct directive *at = mailer_section.directives; at->name != NULL; at++) {
        const char *begin = strstr(text.at, "\nmailer (active: false) {\n");
        char plain[128], quoted[128];

        assert_non_null(begin);
        (void)snprintf(plain, sizeof(plain), "    # %s = %s\n", at->name, at->initial ? at->initial : "null");
        (void)snprintf(quoted, sizeof(quoted), "    # %s = '%s'\n", at->name, at->initial ? at->initial : "");
        if (strstr(begin, plain) == NULL && strstr(begin, quoted) == NULL)
            fail_msg("%s is not in etc/config.tdsl with its default", at->name);
    }
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_thousand_keep_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_is_queued_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_than_queue_most_are_not_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_holds_what_was_put, set_up, tear_down),
        cmocka_unit_test(a_broken_record_is_no_record),
        cmocka_unit_test(the_guides_section_loads),
        cmocka_unit_test(a_bad_section_is_told),
        cmocka_unit_test(a_loopback_is_known),
        cmocka_unit_test(the_example_shows_all),
    };

    return cmocka_run_group_tests(tests, make_schema, free_schema);
}
