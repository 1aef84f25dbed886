/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail_box.c - puts mails into the queue, and lets the keeper know.
 *
 * The keeper looks every few seconds anyway: that it is told is for people who wait, so nothing is done when
 * telling fails. */
#include "mail_box.h"

#include "account.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/must.h"
#include "base/random.h"
#include "mail_row.h"
#include "os/log.h"
#include "shm/count.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#define NUDGE_WAIT (30 * USEC_PER_SEC)
#define ONCE_VALUE (MAIL_ID + 8)

struct mail_box {
    OBJECT_MAGIC
    struct module_host *host; /* borrowed */
    const struct mailer_conf *conf;
    struct store *store; /* borrowed */
    void (*put_here)(void *data);
    void *put_data;
    int64_t last; /* ids of one process rise, so that mails go in the order in which they were put */
    struct ask nudge;
    struct arena *arena; /* of nudge */
    bool is_nudging, nudge_again;
};

/* apply's answers beside 0 and the store's */
enum { BOX_TWICE = 1, BOX_CROWD };

/* ---- telling the keeper ---- */

static void nudge(struct mail_box *box);

static void on_nudged(struct ask *ask)
{
    struct mail_box *box = OBJECT(ask->data, mail_box);

    box->is_nudging = false;
    arena_reset(box->arena);
    if (box->nudge_again)
        nudge(box);
}

static void nudge(struct mail_box *box)
{
    if (box->put_here != NULL) {
        box->put_here(box->put_data);
        return;
    }
    if (box->host->desk == NULL)
        return;
    box->nudge_again = box->is_nudging;
    if (box->is_nudging)
        return;
    box->is_nudging = true;
    box->nudge = (struct ask){ .done = on_nudged, .data = box };
    ask_errand(box->host, &box->nudge, box->arena, MAIL_ERRAND, SPAN(""), NUDGE_WAIT);
}

/* ---- a mail into the queue ---- */

static int64_t next_moment(struct mail_box *box)
{
    int64_t now = clock_wall();

    box->last = now > box->last ? now : box->last + 1;
    return box->last;
}

static void make_id(int64_t moment, unsigned char id_r[MAIL_ID])
{
    char room[MAIL_DUE_KEY];

    random_bytes(id_r, MAIL_ID);
    mail_due_key('d', moment, id_r, room);
    memcpy(id_r, room + 1, 8);
}

/* The Message-ID is made here and kept, so that a mail that is sent again is the same mail to whoever sorts
 * out duplicates. */
static void fill_row(struct mail_box *box, struct mail_put *put, const struct mail *mail)
{
    struct arena *arena = arena_new();
    struct buf values = { 0 };
    char id[MAIL_ID_TEXT];
    struct span domain = span_of(box->conf->from_address);
    struct mail_row row = { .state = MAIL_WAITS,
                            .queued = next_moment(box),
                            .not_after = mail->not_after * USEC_PER_SEC,
                            .template = span_of(mail->template),
                            .on_request = mail->on_request,
                            .has_once = mail->once.size > 0 };

    row.due = row.queued;
    make_id(row.queued, put->id);
    mail_id_text(put->id, id);
    must(mail_address_normal(arena, mail->to, &row.to) && row.template.size <= MAIL_TEMPLATE_MOST);
    span_cut(&domain, '@');
    row.message_id = span_of(arena_printf(arena, "<%s@%.*s>", id, SPAN_ARG(domain)));
    json_write(&values, mail->values);
    must(values.size <= MAIL_VALUES_MOST);
    row.values = buf_span(&values);
    if (row.has_once) {
        unsigned char digest[SHA256_BYTES];

        digest_sha256(mail->once, digest);
        memcpy(row.once, digest, MAIL_ID);
        row.once_until = row.queued + mail->once_life;
    }
    put->box = box;
    put->row = (struct buf){ 0 };
    mail_row_encode(&row, &put->row);
    OPENSSL_cleanse(values.at, values.room);
    buf_free(&values);
    arena_free(&arena);
}

static void forget_row(struct mail_put *put)
{
    OPENSSL_cleanse(put->row.at, put->row.room);
    buf_free(&put->row);
}

/* `until` stands behind the id; read as mail_due_decode reads a moment. */
static bool is_twice(struct store_txn *txn, const struct mail_row *row)
{
    char room[MAIL_DUE_KEY] = { 0 }, kind;
    unsigned char ignored[MAIL_ID];
    struct span value;
    int64_t until;

    if (store_txn_get(txn, ACCOUNT_TABLE_MAIL_ONCE, span_make((const char *)row->once, MAIL_ID), &value) !=
            1 ||
        value.size != ONCE_VALUE)
        return false;
    memcpy(room + 1, value.at + MAIL_ID, 8);
    return mail_due_decode(span_make(room, sizeof(room)), &kind, &until, ignored) && until > row->queued;
}

static int put_once(struct store_txn *txn, const struct mail_put *put, const struct mail_row *row)
{
    char room[MAIL_DUE_KEY], value[ONCE_VALUE];

    mail_due_key('d', row->once_until, put->id, room);
    memcpy(value, put->id, MAIL_ID);
    memcpy(value + MAIL_ID, room + 1, 8);
    return store_txn_put(txn, ACCOUNT_TABLE_MAIL_ONCE, span_make((const char *)row->once, MAIL_ID),
                         span_make(value, sizeof(value)));
}

static int apply(struct store_write *write, struct store_txn *txn)
{
    const struct mail_put *put = (struct mail_put *)(void *)write;
    struct mail_row row;

    must(mail_row_decode(buf_span(&put->row), &row));
    if (row.has_once && is_twice(txn, &row))
        return BOX_TWICE;
    if (mail_waiting(txn) >= (uint64_t)put->box->conf->queue_most)
        return BOX_CROWD;
    if (row.has_once && put_once(txn, put, &row) != 0)
        return -1;
    return mail_row_change(txn, put->id, NULL, &row);
}

static enum mail_verdict verdict_of(int result)
{
    switch (result) {
    case 0:
        return MAIL_QUEUED;
    case BOX_TWICE:
        return MAIL_TWICE;
    case BOX_CROWD:
        return MAIL_CROWD;
    default:
        return MAIL_LOST;
    }
}

static void tell(struct mail_put *put, enum mail_verdict verdict)
{
    char id[MAIL_ID_TEXT];

    forget_row(put);
    mail_id_text(put->id, id);
    if (verdict == MAIL_QUEUED) {
        count_add(COUNT_mails_queued, 1);
        log_debug("mail %s: in the queue", id);
        nudge(put->box);
    } else if (verdict == MAIL_CROWD) {
        log_warn("a mail was not taken: %lld wait already (mailer/queue-most)",
                 (long long)put->box->conf->queue_most);
    }
    put->done(put, verdict);
}

static void on_written(struct store_write *write, int result)
{
    tell((struct mail_put *)(void *)write, verdict_of(result));
}

static void on_off(struct task *task)
{
    struct mail_put *put = LIST_OF(task, struct mail_put, soon);

    put->done(put, MAIL_OFF);
}

void mail_put(struct mail_box *box, struct mail_put *put, const struct mail *mail,
              void (*done)(struct mail_put *put, enum mail_verdict verdict))
{
    put->done = done;
    if (!box->conf->section.active) {
        task_defer(box->host->loop, &put->soon, on_off);
        return;
    }
    fill_row(box, put, mail);
    put->write.apply = apply;
    put->write.done = on_written;
    store_submit(box->store, &put->write);
}

enum mail_verdict mail_put_now(struct mail_box *box, struct mail_put *put, const struct mail *mail)
{
    enum mail_verdict verdict;

    if (!box->conf->section.active)
        return MAIL_OFF;
    fill_row(box, put, mail);
    put->write.apply = apply;
    verdict = verdict_of(store_write_now(box->store, &put->write));
    forget_row(put);
    return verdict;
}

/* ---- life ---- */

struct mail_box *mail_box_new(struct module_host *host, struct store *store)
{
    struct mail_box *box = must_alloc(sizeof(*box));

    OBJECT_BORN(box, mail_box);
    box->host = host;
    box->conf = mailer_conf(host->conf);
    box->store = store;
    box->arena = arena_new();
    return box;
}

void mail_box_here(struct mail_box *box, void (*put_here)(void *data), void *data)
{
    box->put_here = put_here;
    box->put_data = data;
}

void mail_box_free(struct mail_box **box)
{
    if (*box == NULL)
        return;
    if ((*box)->is_nudging)
        ask_cancel(&(*box)->nudge);
    arena_free(&(*box)->arena);
    OBJECT_DEAD(*box);
    free(*box);
    *box = NULL;
}
