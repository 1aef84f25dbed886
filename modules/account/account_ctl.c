/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: account_ctl.c - see account_ctl.h.
 *
 * They open the module's data base as one more process, beside a running daemon or without one. An address
 * that an operator sets counts at once: who may read this data base needs no mail to prove anything. */
#include "account_ctl.h"

#include "account.h"
#include "base/clock.h"
#include "base/text.h"
#include "parse/jid.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_MOST  4096
#define BATCH_MOST 1000 /* rows of one transaction of an import */

static int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int complain(const char *format, ...)
{
    va_list args;

    fputs("stoactl: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return 1;
}

static struct account *open_account(struct module_host *host)
{
    struct account *account;
    const char *why;

    if (account_open(&account, host, &why) == 0)
        return account;
    complain("%s", why);
    return NULL;
}

/* A bare JID with a local part, prepared. */
static bool read_jid(struct arena *arena, struct span text, struct span *jid_r)
{
    struct jid jid;

    if (!jid_parse(arena, text, &jid) || jid.local.size == 0 || jid.resource.size > 0)
        return false;
    *jid_r = jid_bare_text(arena, jid);
    return true;
}

/* ---- set ---- */

static int set_one(struct account *account, struct span jid, struct span address)
{
    struct arena *arena = arena_new();
    struct recovery_change change;
    int result;

    recovery_change_begin(&change, &account->recovery, RECOVERY_SET, arena, NULL);
    change.jid = jid;
    change.address = address;
    change.now = clock_wall() / USEC_PER_SEC;
    result = store_write_now(account->store, &change.write);
    arena_free(&arena);
    return result == 0 ? 0 : complain("the address could not be stored");
}

int account_ctl_set(struct module_host *host, int argc, char **argv)
{
    struct arena *arena = arena_new();
    struct span jid, address;
    struct account *account;
    const char *why;
    int status = 2;

    if (argc != 2) {
        complain("account set needs a JID and a mail address, or none");
    } else if (!read_jid(arena, span_of(argv[0]), &jid)) {
        complain("'%s' is no account: write a bare JID, such as name@example.org", argv[0]);
    } else {
        address = span_is(span_of(argv[1]), "none") ? SPAN("") : span_of(argv[1]);
        why = address.size > 0 ? mail_address_check(address) : NULL;
        account = why == NULL ? open_account(host) : NULL;
        if (why != NULL)
            complain("%s", why);
        status = why != NULL ? 2 : account != NULL ? set_one(account, jid, address) : 1;
        if (account != NULL)
            account_close(&account);
    }
    arena_free(&arena);
    return status;
}

/* ---- show, list ---- */

static void print_row(const struct recovery_row *row)
{
    char stamp[STAMP_SIZE] = "-";
    struct buf out = { 0 };

    if (row->confirmed > 0)
        text_stamp(row->confirmed * USEC_PER_SEC, stamp);
    text_add_log(&out, row->jid);
    buf_char(&out, '\t');
    if (row->address.size > 0)
        text_add_log(&out, row->address);
    else
        buf_char(&out, '-');
    buf_printf(&out, "\t%s\t", stamp);
    if (row->pending.size > 0)
        text_add_log(&out, row->pending);
    else
        buf_char(&out, '-');
    printf("%.*s\n", SPAN_ARG(buf_span(&out)));
    buf_free(&out);
}

int account_ctl_show(struct module_host *host, int argc, char **argv)
{
    struct arena *arena = arena_new();
    struct recovery_row row;
    struct account *account;
    struct span jid;
    int status = 2, found;

    if (argc != 1 || !read_jid(arena, span_of(argv[0]), &jid)) {
        complain("account show needs a bare JID, such as name@example.org");
        arena_free(&arena);
        return status;
    }
    account = open_account(host);
    status = 1;
    if (account != NULL) {
        found = recovery_find(&account->recovery, jid, arena, &row);
        if (found == 1)
            print_row(&row);
        else
            complain(found == 0 ? "nothing is known of that account" : "the table could not be read");
        status = found == 1 ? 0 : 1;
        account_close(&account);
    }
    arena_free(&arena);
    return status;
}

int account_ctl_list(struct module_host *host, int argc, char **argv)
{
    struct account *account;
    struct store_view *view;
    struct store_cursor *cursor = NULL;
    struct span key, value;
    int found = -1;

    (void)argv;
    if (argc != 0) {
        complain("account list takes nothing behind it");
        return 2;
    }
    account = open_account(host);
    if (account == NULL)
        return 1;
    view = store_view(account->store);
    while (view != NULL && (found = store_walk(view, account->recovery.account_table, SPAN(""), &cursor, &key,
                                               &value)) == 1) {
        struct arena *arena = arena_new();
        struct recovery_row row;

        if (recovery_row_decode(value, arena, &row))
            print_row(&row);
        arena_free(&arena);
    }
    store_walk_end(&cursor);
    if (view != NULL)
        store_view_end(account->store, view);
    account_close(&account);
    return found == 0 ? 0 : complain("the accounts could not be read whole");
}

/* ---- import ---- */

struct batch {
    struct store_write write; /* first */
    struct account *account;
    struct arena *arena;
    struct span jids[BATCH_MOST], addresses[BATCH_MOST];
    size_t count;
};

static int apply_batch(struct store_write *write, struct store_txn *txn)
{
    struct batch *batch = LIST_OF(write, struct batch, write);
    struct arena *arena = arena_new();
    int result = 0;

    for (size_t i = 0; i < batch->count && result == 0; i++) {
        struct recovery_change change;

        recovery_change_begin(&change, &batch->account->recovery, RECOVERY_SET, arena, NULL);
        change.jid = batch->jids[i];
        change.address = batch->addresses[i];
        change.now = clock_wall() / USEC_PER_SEC;
        result = change.write.apply(&change.write, txn);
    }
    arena_free(&arena);
    return result;
}

static int flush(struct batch *batch)
{
    int result = 0;

    batch->write = (struct store_write){ .apply = apply_batch };
    if (batch->count > 0)
        result = store_write_now(batch->account->store, &batch->write);
    batch->count = 0;
    arena_reset(batch->arena);
    return result;
}

/* One line: JID, tab, address. NULL: it is in the batch. */
static const char *take_line(struct batch *batch, struct span line)
{
    struct span address = line, jid = span_cut(&address, '\t');
    const char *why = mail_address_check(span_trim(address));

    if (why != NULL)
        return why;
    if (!read_jid(batch->arena, span_trim(jid), &batch->jids[batch->count]))
        return "the first word is no bare JID";
    batch->addresses[batch->count++] = arena_copy(batch->arena, span_trim(address));
    return NULL;
}

static int import_lines(struct batch *batch, FILE *file)
{
    char line[LINE_MOST];
    unsigned long number = 0, taken = 0, left = 0;
    int result = 0;

    while (result == 0 && fgets(line, sizeof(line), file) != NULL) {
        struct span text = span_of(line);
        const char *why;

        number++;
        while (text.size > 0 && (text.at[text.size - 1] == '\n' || text.at[text.size - 1] == '\r'))
            text.size--;
        if (text.size == 0 || text.at[0] == '#')
            continue;
        why = text.size >= LINE_MOST - 2 ? "the line is too long" : take_line(batch, text);
        if (why != NULL) {
            complain("line %lu is left out: %s", number, why);
            left++;
        } else {
            taken++;
        }
        if (batch->count == BATCH_MOST)
            result = flush(batch);
    }
    if (result == 0)
        result = flush(batch);
    if (result != 0)
        return complain("the addresses could not be stored from about line %lu on", number);
    printf("%lu addresses set, %lu lines left out\n", taken, left);
    return left == 0 ? 0 : 1;
}

int account_ctl_import(struct module_host *host, int argc, char **argv)
{
    struct batch *batch;
    bool is_stdin;
    FILE *file;
    int status = 1;

    if (argc != 1) {
        complain("account import needs a file with lines of JID, tab and mail address, or - for its input");
        return 2;
    }
    is_stdin = span_is(span_of(argv[0]), "-");
    file = is_stdin ? stdin : fopen(argv[0], "re");
    if (file == NULL)
        return complain("%s: %s", argv[0], strerror(errno));
    batch = must_alloc(sizeof(*batch));
    batch->arena = arena_new();
    batch->account = open_account(host);
    if (batch->account != NULL) {
        status = import_lines(batch, file);
        account_close(&batch->account);
    }
    arena_free(&batch->arena);
    free(batch);
    if (!is_stdin)
        fclose(file);
    return status;
}
