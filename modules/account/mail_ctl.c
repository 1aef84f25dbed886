/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail_ctl.c - stoactl mail test, list, show, retry, drop.
 *
 * They open the queue as one more process, beside a running daemon or without one; its keeper sees what they
 * changed within two seconds. What a mail says is never shown: it may hold a link that is as good as a
 * password. */
#include "mail_ctl.h"

#include "account.h"
#include "base/clock.h"
#include "base/text.h"
#include "mail_row.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define TEST_LIFE  (10 * 60) /* seconds: nobody waits longer for the mail of a test */
#define TEST_WAIT  (90 * USEC_PER_SEC)
#define TEST_LOOK  (50 * USEC_PER_MSEC)
#define TEST_ALONE (10 * USEC_PER_SEC) /* a running keeper has begun by then */

static int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int complain(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "stoactl: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return 1;
}

static struct account *open_account(struct module_host *host)
{
    const char *folder = host->settings->processes->data_dir, *why;
    struct account *account;

    if (!mailer_conf(host->conf)->section.active) {
        complain("the configuration has no section mailer { }");
        return NULL;
    }
    if (access(folder, R_OK | W_OK | X_OK) != 0) {
        complain("the folder %s (processes/data-dir) cannot be used: %s", folder, strerror(errno));
        return NULL;
    }
    if (account_open(&account, host, &why) != 0) {
        complain("%s", why);
        return NULL;
    }
    return account;
}

/* ---- one mail ---- */

/* 1: row_r points into value; the view is open. Else said on stderr. */
static int find(struct store_view *view, struct span id, unsigned char id_r[MAIL_ID], struct mail_row *row_r)
{
    struct span value;

    if (!mail_id_parse(id, id_r)) {
        complain("%.*s is not the id of a mail: stoactl mail list shows them", SPAN_ARG(id));
        return 0;
    }
    if (store_get(view, ACCOUNT_TABLE_MAIL, span_make((const char *)id_r, MAIL_ID), &value) != 1 ||
        !mail_row_decode(value, row_r)) {
        complain("there is no mail %.*s", SPAN_ARG(id));
        return 0;
    }
    return 1;
}

static void add_moment(struct buf *out, int64_t moment)
{
    char stamp[STAMP_SIZE];

    if (moment == 0) {
        buf_char(out, '-');
        return;
    }
    text_stamp(moment, stamp);
    buf_text(out, stamp);
}

static void print_buf(struct buf *out)
{
    printf("%.*s\n", SPAN_ARG(buf_span(out)));
    buf_clear(out);
}

static void print_text(struct buf *out, const char *name, struct span text)
{
    buf_printf(out, "%-12s", name);
    text_add_log(out, text);
    print_buf(out);
}

static void print_moment(struct buf *out, const char *name, int64_t moment)
{
    buf_printf(out, "%-12s", name);
    add_moment(out, moment);
    print_buf(out);
}

static void print_row(const char *id, const struct mail_row *row)
{
    struct buf out = { 0 };

    print_text(&out, "id", span_of(id));
    print_text(&out, "state", span_of(mail_state_name(row->state)));
    print_text(&out, "to", row->to);
    print_text(&out, "template", row->template);
    print_text(&out, "message-id", row->message_id);
    print_text(&out, "on-request", row->on_request);
    print_moment(&out, "queued", row->queued);
    buf_printf(&out, "%-12s%lu", "attempts", (unsigned long)row->attempts);
    print_buf(&out);
    print_moment(&out, "tried", row->tried);
    print_moment(&out, row->state == MAIL_WAITS ? "next" : "due", row->due);
    print_moment(&out, "not-after", row->not_after);
    if (row->state == MAIL_SENT || row->state == MAIL_FAILED)
        print_moment(&out, "forgotten", row->forget);
    buf_printf(&out, "%-12s%.*s", "words", SPAN_ARG(row->words));
    print_buf(&out);
    buf_free(&out);
}

int mail_ctl_show(struct module_host *host, int argc, char **argv)
{
    struct account *account;
    unsigned char id[MAIL_ID];
    struct mail_row row;
    struct store_view *view;
    int status = 1;

    if (argc != 1) {
        complain("mail show needs the ID of a mail");
        return 2;
    }
    account = open_account(host);
    if (account == NULL)
        return 1;
    view = store_view(account->store);
    if (view != NULL) {
        if (find(view, span_of(argv[0]), id, &row)) {
            print_row(argv[0], &row);
            status = 0;
        }
        store_view_end(account->store, view);
    }
    account_close(&account);
    return status;
}

/* ---- mail list ---- */

static void add_json(struct buf *out, const char *name, struct span text)
{
    buf_printf(out, ",\"%s\":\"", name);
    text_add_json(out, text);
    buf_char(out, '"');
}

static void add_json_moment(struct buf *out, const char *name, int64_t moment)
{
    buf_printf(out, ",\"%s\":", name);
    if (moment == 0) {
        buf_text(out, "null");
        return;
    }
    buf_char(out, '"');
    add_moment(out, moment);
    buf_char(out, '"');
}

static void print_json(struct buf *out, const char *id, const struct mail_row *row)
{
    buf_printf(out, "{\"id\":\"%s\",\"state\":\"%s\",\"attempts\":%lu", id, mail_state_name(row->state),
               (unsigned long)row->attempts);
    add_json(out, "to", row->to);
    add_json(out, "template", row->template);
    add_json(out, "messageId", row->message_id);
    add_json(out, "onRequest", row->on_request);
    add_json(out, "words", row->words);
    add_json_moment(out, "queued", row->queued);
    add_json_moment(out, "tried", row->tried);
    add_json_moment(out, "due", row->due);
    add_json_moment(out, "notAfter", row->not_after);
    buf_char(out, '}');
    print_buf(out);
}

static void print_line(struct buf *out, const char *id, const struct mail_row *row)
{
    buf_printf(out, "%s %-7s %3lu ", id, mail_state_name(row->state), (unsigned long)row->attempts);
    add_moment(out, row->queued);
    buf_printf(out, " %-10.*s ", SPAN_ARG(row->template));
    text_add_log(out, row->to);
    if (row->words.size > 0)
        buf_printf(out, "  %.*s", SPAN_ARG(row->words));
    print_buf(out);
}

static int list(struct account *account, bool json)
{
    struct store_view *view = store_view(account->store);
    struct store_cursor *cursor = NULL;
    struct span key, value;
    struct buf out = { 0 };
    struct mail_row row;
    char id[MAIL_ID_TEXT];
    int more;

    if (view == NULL)
        return 1;
    while ((more = store_walk(view, ACCOUNT_TABLE_MAIL, SPAN(""), &cursor, &key, &value)) == 1) {
        if (key.size != MAIL_ID || !mail_row_decode(value, &row))
            continue;
        mail_id_text((const unsigned char *)key.at, id);
        if (json)
            print_json(&out, id, &row);
        else
            print_line(&out, id, &row);
    }
    store_walk_end(&cursor);
    store_view_end(account->store, view);
    buf_free(&out);
    return more < 0 ? complain("the queue cannot be read") : 0;
}

int mail_ctl_list(struct module_host *host, int argc, char **argv)
{
    bool json = argc == 1 && span_is(span_of(argv[0]), "--json");
    struct account *account;
    int status;

    if (argc > 1 || (argc == 1 && !json)) {
        complain("mail list knows only --json");
        return 2;
    }
    account = open_account(host);
    if (account == NULL)
        return 1;
    status = list(account, json);
    account_close(&account);
    return status;
}

/* ---- mail retry, mail drop ---- */

struct changing {
    struct store_write write; /* first */
    unsigned char id[MAIL_ID];
    bool drop;
};

enum { CHANGE_MISSING = 1, CHANGE_SENDING, CHANGE_DONE, CHANGE_EMPTY };

static int apply_change(struct store_write *write, struct store_txn *txn)
{
    const struct changing *changing = (struct changing *)(void *)write;
    struct mail_row before, after;
    struct buf copy = { 0 };
    struct span value;
    int result;

    if (store_txn_get(txn, ACCOUNT_TABLE_MAIL, span_make((const char *)changing->id, MAIL_ID), &value) != 1)
        return CHANGE_MISSING;
    buf_add(&copy, value);
    if (!mail_row_decode(buf_span(&copy), &before)) {
        result = CHANGE_MISSING;
    } else if (before.state == MAIL_SENDING) {
        result = CHANGE_SENDING;
    } else if (changing->drop) {
        result = mail_row_change(txn, changing->id, &before, NULL);
    } else if (before.state == MAIL_SENT) {
        result = CHANGE_DONE;
    } else if (before.values.size == 0) {
        result = CHANGE_EMPTY;
    } else {
        after = before;
        after.state = MAIL_WAITS;
        after.due = clock_wall();
        if (before.state == MAIL_FAILED) /* a new life, with all its attempts */
            after.queued = after.due, after.attempts = 0;
        result = mail_row_change(txn, changing->id, &before, &after);
    }
    buf_free(&copy);
    return result;
}

static int change(struct module_host *host, int argc, char **argv, bool drop)
{
    struct changing changing = { .write = { .apply = apply_change }, .drop = drop };
    struct account *account;
    int result;

    if (argc != 1 || !mail_id_parse(span_of(argv[0]), changing.id)) {
        complain("mail %s needs the ID of a mail: stoactl mail list shows them", drop ? "drop" : "retry");
        return 2;
    }
    account = open_account(host);
    if (account == NULL)
        return 1;
    result = store_write_now(account->store, &changing.write);
    account_close(&account);
    switch (result) {
    case 0:
        return 0;
    case CHANGE_MISSING:
        return complain("there is no mail %s", argv[0]);
    case CHANGE_SENDING:
        return complain("mail %s is being sent just now", argv[0]);
    case CHANGE_DONE:
        return complain("mail %s was sent: what it said is forgotten", argv[0]);
    case CHANGE_EMPTY:
        return complain("mail %s came too late to be of use: what it said is forgotten", argv[0]);
    default:
        return complain("the queue cannot be written");
    }
}

int mail_ctl_retry(struct module_host *host, int argc, char **argv)
{
    return change(host, argc, argv, false);
}

int mail_ctl_drop(struct module_host *host, int argc, char **argv)
{
    return change(host, argc, argv, true);
}

/* ---- mail test ---- */

/* 0: sent; 1: not; -1: still under way. */
static int look_at_test(struct account *account, const unsigned char id[MAIL_ID], uint32_t *attempts_r)
{
    struct store_view *view = store_view(account->store);
    struct span value;
    struct mail_row row;
    int status = 1;

    if (view == NULL)
        return 1;
    if (store_get(view, ACCOUNT_TABLE_MAIL, span_make((const char *)id, MAIL_ID), &value) != 1 ||
        !mail_row_decode(value, &row)) {
        complain("the mail is no longer in the queue");
    } else if (row.state == MAIL_SENT) {
        printf("sent: %.*s\n", SPAN_ARG(row.words));
        status = 0;
    } else if (row.state == MAIL_FAILED) {
        complain("not sent: %.*s", SPAN_ARG(row.words));
    } else if (row.words.size > 0 && row.state == MAIL_WAITS) {
        complain("not sent: %.*s", SPAN_ARG(row.words));
        complain("it is tried again for ten minutes; stoactl mail list shows how that goes");
    } else {
        *attempts_r = row.attempts;
        status = -1;
    }
    store_view_end(account->store, view);
    return status;
}

static int follow_test(struct account *account, const unsigned char id[MAIL_ID])
{
    const struct timespec pause = { .tv_nsec = TEST_LOOK * 1000 };
    int64_t begun = clock_mono();
    bool is_told = false;

    while (clock_mono() < begun + TEST_WAIT) {
        uint32_t attempts = 0;
        int status = look_at_test(account, id, &attempts);

        if (status >= 0)
            return status;
        if (!is_told && attempts == 0 && clock_mono() > begun + TEST_ALONE) {
            complain("nobody takes it off the queue: is the daemon running, and not waiting for the mail "
                     "server? Its log tells");
            is_told = true;
        }
        nanosleep(&pause, NULL);
    }
    return complain("nothing was heard of it for a while; stoactl mail list shows how it goes");
}

static int put_test(struct account *account, struct span to, unsigned char id_r[MAIL_ID])
{
    struct json_object *values = json_object_new_object();
    struct mail_put put = { .done = NULL };
    char host[256] = "this machine";
    struct mail mail = { .to = to,
                         .template = "test",
                         .values = values,
                         .not_after = clock_wall() / USEC_PER_SEC + TEST_LIFE,
                         .on_request = SPAN("stoactl") };
    enum mail_verdict verdict;

    if (gethostname(host, sizeof(host)) == 0)
        host[sizeof(host) - 1] = '\0';
    json_object_object_add(values, "site", json_object_new_string(host));
    verdict = mail_put_now(account->box, &put, &mail);
    json_object_put(values);
    memcpy(id_r, put.id, MAIL_ID);
    if (verdict == MAIL_CROWD)
        return complain("the queue is full (mailer/queue-most)");
    return verdict == MAIL_QUEUED ? 0 : complain("the queue cannot be written");
}

int mail_ctl_test(struct module_host *host, int argc, char **argv)
{
    struct account *account;
    unsigned char id[MAIL_ID];
    char text[MAIL_ID_TEXT];
    const char *why;
    int status;

    if (argc != 1) {
        complain("mail test needs an ADDRESS");
        return 2;
    }
    why = mail_address_check(span_of(argv[0]));
    if (why != NULL) {
        complain("%s", why);
        return 2;
    }
    account = open_account(host);
    if (account == NULL)
        return 1;
    status = put_test(account, span_of(argv[0]), id);
    if (status == 0) {
        mail_id_text(id, text);
        printf("mail %s is in the queue\n", text);
        fflush(stdout);
        status = follow_test(account, id);
    }
    account_close(&account);
    return status;
}
