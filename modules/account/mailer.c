/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mailer.c - see mailer.h.
 *
 * One mail is in hand at a time: looked for in the queue, claimed, marked, given to the server, marked again.
 * A failure that is the mail's own puts off that mail; one that is the server's puts off all, and one mail
 * tries from time to time whether the server is back. */
#include "mailer.h"

#include "recovery_job.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "mail_box.h"
#include "mail_message.h"
#include "mail_row.h"
#include "mail_text.h"
#include "os/log.h"
#include "shm/count.h"
#include "smtp.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_PERIOD    (2 * USEC_PER_SEC)  /* for mails of stoactl, which cannot tell */
#define FORGET_PERIOD  (60 * USEC_PER_SEC) /* of records whose time is over */
#define FORGET_MOST    200                 /* in one transaction */
#define FORGET_PAUSE   (100 * USEC_PER_MSEC)
#define LOOK_MOST      64 /* mails that others have claimed, in one look */
#define PAUSE_MOST     (300 * USEC_PER_SEC)
#define NOTE_AGAIN     USEC_PER_SEC /* after the store could not be written */
#define DOUBLINGS_MOST 40

/* What is true while it lasts. */
enum doing {
    MAILER_IDLE,    /* no mail is in hand */
    MAILER_TAKING,  /* id is claimed; the store is marking it SENDING */
    MAILER_TALKING, /* it is marked; the thread has it */
    MAILER_NOTING,  /* the store is marking what came of it */
};

struct mailer {
    OBJECT_MAGIC
    struct account *account;        /* borrowed */
    const struct mailer_conf *conf; /* borrowed */
    struct smtp *smtp;              /* owned */
    struct mail_texts *texts;       /* owned */
    struct timer timer;             /* the next look, or the next try to note */
    struct arena *arena;            /* of the mail in hand */
    enum doing doing;
    bool is_leaving;
    bool is_stopped;      /* the store is about to be closed */
    int64_t pause, until; /* the server cannot be used: clock_mono; 0: it can */

    /* The mail in hand. */
    unsigned char id[MAIL_ID];
    struct store_write write;
    struct buf record;   /* as it was marked SENDING */
    struct mail_row row; /* points into record */
    struct smtp_mail mail;
    enum smtp_end end;
    char words[SMTP_WORDS];

    bool is_given_up; /* it was tried for long enough */
    bool is_stale;    /* what was found leads to no mail */
    int64_t found_at; /* under which moment it was found */

    struct store_write forget;
    bool is_forgetting, has_forgotten, forget_more;
};

static void look(struct mailer *mailer);

static void on_timer(struct timer *timer)
{
    look(LIST_OF(timer, struct mailer, timer));
}

static void look_at(struct mailer *mailer, int64_t wait)
{
    timer_set(mailer->account->host->loop, &mailer->timer, clock_mono() + wait, on_timer);
}

static struct claims *claims_of(const struct mailer *mailer)
{
    return &mailer->account->host->segment->claims;
}

static void let_go(struct mailer *mailer)
{
    const struct module_host *host = mailer->account->host;

    claim_drop(claims_of(mailer), mailer->id, host->row, host->generation);
    OPENSSL_cleanse(mailer->record.at, mailer->record.room);
    buf_free(&mailer->record);
    OPENSSL_cleanse(mailer->mail.message.at, mailer->mail.message.room);
    buf_free(&mailer->mail.message);
    arena_reset(mailer->arena);
    mailer->doing = MAILER_IDLE;
}

/* ---- what came of it ---- */

static int64_t forget_at(const struct mail_row *row, int64_t now, int64_t keep)
{
    return row->once_until > now + keep ? row->once_until : now + keep;
}

static int64_t back_off(const struct mailer_conf *conf, uint32_t attempts)
{
    int64_t wait = conf->retry_least;

    for (uint32_t i = 1; i < attempts && i < DOUBLINGS_MOST && wait < conf->retry_most; i++)
        wait *= 2;
    return wait < conf->retry_most ? wait : conf->retry_most;
}

static int64_t at_most(int64_t wait, int64_t most)
{
    return wait < most ? wait : most;
}

static void row_failed(const struct mailer *mailer, struct mail_row *row)
{
    row->state = MAIL_FAILED;
    row->forget = forget_at(row, clock_wall(), mailer->conf->keep_failed);
}

static void row_after(const struct mailer *mailer, struct mail_row *row)
{
    int64_t now = clock_wall();

    row->words = span_of(mailer->words);
    if (mailer->is_given_up) {
        row_failed(mailer, row);
        return;
    }
    switch (mailer->end) {
    case SMTP_SENT:
        row->state = MAIL_SENT;
        row->forget = forget_at(row, now, mailer->conf->keep_sent);
        row->values = SPAN("");
        break;
    case SMTP_NEVER:
        row_failed(mailer, row);
        break;
    case SMTP_LATER:
        row->state = MAIL_WAITS;
        row->due = now + back_off(mailer->conf, row->attempts);
        break;
    case SMTP_SERVER:
        row->state = MAIL_WAITS;
        row->due = now + at_most(back_off(mailer->conf, row->attempts), PAUSE_MOST);
        break;
    case SMTP_CUT:
        row->state = MAIL_WAITS;
        row->attempts--;
        break;
    }
}

static int apply_note(struct store_write *write, struct store_txn *txn)
{
    struct mailer *mailer = LIST_OF(write, struct mailer, write);
    struct mail_row after = mailer->row;

    row_after(mailer, &after);
    return mail_row_change(txn, mailer->id, &mailer->row, &after);
}

static void tell(struct mailer *mailer)
{
    char id[MAIL_ID_TEXT];

    mail_id_text(mailer->id, id);
    if (mailer->is_given_up)
        count_add(COUNT_mails_failed, 1);
    switch (mailer->end) {
    case SMTP_SENT:
        count_add(COUNT_mails_sent, 1);
        log_info("mail %s (%.*s): sent: %s", id, SPAN_ARG(mailer->row.template), mailer->words);
        break;
    case SMTP_NEVER:
        count_add(COUNT_mails_failed, 1);
        log_error("mail %s (%.*s): given up: %s", id, SPAN_ARG(mailer->row.template), mailer->words);
        break;
    case SMTP_LATER:
        log_warn("mail %s (%.*s): not taken, %s: %s", id, SPAN_ARG(mailer->row.template),
                 mailer->is_given_up ? "given up" : "will be tried again", mailer->words);
        break;
    case SMTP_SERVER:
        log_error("no mail can be sent by %s port %lld: %s", mailer->conf->smtp_host,
                  (long long)mailer->conf->smtp_port, mailer->words);
        break;
    case SMTP_CUT:
        break;
    }
}

/* One mail asks again whether the server is back; the others wait. */
static void judge_server(struct mailer *mailer)
{
    if (mailer->end == SMTP_SERVER) {
        mailer->pause =
            mailer->pause > 0 ? at_most(mailer->pause * 2, PAUSE_MOST) : mailer->conf->retry_least;
        mailer->pause = at_most(mailer->pause, mailer->conf->retry_most);
        mailer->until = clock_mono() + mailer->pause;
    } else if (mailer->end != SMTP_CUT) {
        if (mailer->pause > 0)
            log_notice("mails can be sent again");
        mailer->pause = mailer->until = 0;
    }
}

static void note(struct mailer *mailer);

static void on_note_again(struct timer *timer)
{
    note(LIST_OF(timer, struct mailer, timer));
}

/* Without a word in the store a mail that was sent would be sent again: so nothing else is done before. */
static void on_noted(struct store_write *write, int result)
{
    struct mailer *mailer = OBJECT(LIST_OF(write, struct mailer, write), mailer);

    if (result != 0 && !mailer->is_stopped) {
        timer_set(mailer->account->host->loop, &mailer->timer, clock_mono() + NOTE_AGAIN, on_note_again);
        return;
    }
    if (result != 0)
        log_error("what came of a mail could not be written down: it will be sent again");
    tell(mailer);
    judge_server(mailer);
    let_go(mailer);
    look(mailer);
}

static void note(struct mailer *mailer)
{
    mailer->doing = MAILER_NOTING;
    mailer->write = (struct store_write){ .apply = apply_note, .done = on_noted };
    store_submit(mailer->account->store, &mailer->write);
}

static void give_up(struct mailer *mailer, const char *why)
{
    mailer->end = SMTP_NEVER;
    snprintf(mailer->words, sizeof(mailer->words), "%s", why);
    note(mailer);
}

/* ---- to the server ---- */

static void on_answered(struct smtp_mail *mail)
{
    struct mailer *mailer = OBJECT(LIST_OF(mail, struct mailer, mail), mailer);

    mailer->end = mail->end;
    mailer->is_given_up = (mail->end == SMTP_LATER || mail->end == SMTP_SERVER) &&
                          clock_wall() > mailer->row.queued + mailer->conf->give_up;
    snprintf(mailer->words, sizeof(mailer->words), "%s", mail->words);
    note(mailer);
}

static bool write_message(struct mailer *mailer, const char **why_r)
{
    const struct mail_row *row = &mailer->row;
    struct buf subject = { 0 }, text = { 0 }, html = { 0 };
    bool is_good =
        mail_texts_render(mailer->texts, row->template, row->values, &subject, &text, &html, why_r);
    const struct mail_message message = { .to = row->to,
                                          .from_address = span_of(mailer->conf->from_address),
                                          .from_name = span_of(mailer->conf->from_name),
                                          .subject = buf_span(&subject),
                                          .message_id = row->message_id,
                                          .text = buf_span(&text),
                                          .html = mailer->conf->html ? buf_span(&html) : SPAN(""),
                                          .date = row->queued / USEC_PER_SEC };

    if (is_good)
        mail_message_write(&message, &mailer->mail.message);
    OPENSSL_cleanse(text.at, text.room);
    OPENSSL_cleanse(html.at, html.room);
    buf_free(&subject);
    buf_free(&text);
    buf_free(&html);
    return is_good;
}

static void talk(struct mailer *mailer)
{
    const char *why;

    mailer->mail = (struct smtp_mail){ .done = on_answered };
    if (!write_message(mailer, &why)) {
        give_up(mailer, why);
        return;
    }
    mailer->doing = MAILER_TALKING;
    mailer->mail.to = arena_text(mailer->arena, mailer->row.to);
    smtp_send(mailer->smtp, &mailer->mail);
}

/* ---- off the queue ---- */

static bool is_at(const struct mail_row *row, int64_t moment)
{
    return (row->state == MAIL_WAITS || row->state == MAIL_SENDING) && row->due == moment;
}

/* It would be found again and again. */
static int drop_stale(struct mailer *mailer, struct store_txn *txn)
{
    char room[MAIL_DUE_KEY];

    mailer->is_stale = true;
    mail_due_key('d', mailer->found_at, mailer->id, room);
    return store_txn_delete(txn, ACCOUNT_TABLE_MAIL_DUE, span_make(room, sizeof(room)));
}

static int apply_take(struct store_write *write, struct store_txn *txn)
{
    struct mailer *mailer = LIST_OF(write, struct mailer, write);
    struct mail_row before, after;
    struct span value;
    struct buf copy = { 0 };
    int found = store_txn_get(txn, ACCOUNT_TABLE_MAIL, span_make((const char *)mailer->id, MAIL_ID), &value);
    int result;

    mailer->is_stale = false;
    if (found < 0)
        return found;
    if (found == 1)
        buf_add(&copy, value);
    if (found == 0 || !mail_row_decode(buf_span(&copy), &before) || !is_at(&before, mailer->found_at)) {
        buf_free(&copy);
        return drop_stale(mailer, txn);
    }
    after = before;
    after.state = MAIL_SENDING;
    after.tried = clock_wall();
    after.attempts++;
    result = mail_row_change(txn, mailer->id, &before, &after);
    buf_clear(&mailer->record);
    mail_row_encode(&after, &mailer->record);
    OPENSSL_cleanse(copy.at, copy.room);
    buf_free(&copy);
    return result;
}

static void on_taken(struct store_write *write, int result)
{
    struct mailer *mailer = OBJECT(LIST_OF(write, struct mailer, write), mailer);

    if (result != 0 || mailer->is_stale || mailer->is_stopped) {
        let_go(mailer);
        if (result != 0 && !mailer->is_stopped)
            look_at(mailer, NOTE_AGAIN);
        else
            look(mailer);
        return;
    }
    must(mail_row_decode(buf_span(&mailer->record), &mailer->row));
    mailer->is_given_up = false;
    if (mailer->is_leaving) {
        mailer->end = SMTP_CUT;
        mailer->words[0] = '\0';
        note(mailer);
    } else if (mailer->row.not_after != 0 && clock_wall() > mailer->row.not_after) {
        mailer->row.values = SPAN("");
        mailer->row.attempts--;
        give_up(mailer, "it came too late to be of use, and was not sent");
    } else {
        talk(mailer);
    }
}

/* The first that is due and nobody else's: 1, its id claimed. 0: none; *wait_r is when to look again. */
static int find_due(struct mailer *mailer, int64_t *wait_r)
{
    const struct module_host *host = mailer->account->host;
    struct store_view *view = store_view(mailer->account->store);
    struct store_cursor *cursor = NULL;
    struct span key, value;
    int64_t now = clock_wall();
    int found = 0;
    char kind;

    *wait_r = LOOK_PERIOD;
    if (view == NULL)
        return 0;
    for (int i = 0; i < LOOK_MOST && found == 0; i++) {
        if (store_walk(view, ACCOUNT_TABLE_MAIL_DUE, SPAN("d"), &cursor, &key, &value) != 1 ||
            !mail_due_decode(key, &kind, &mailer->found_at, mailer->id) || kind != 'd')
            break;
        if (mailer->found_at > now) {
            *wait_r = at_most(mailer->found_at - now, LOOK_PERIOD);
            break;
        }
        found = claim_take(&host->segment->claims, &host->segment->board, mailer->id, host->row,
                           host->generation) == CLAIM_WON;
    }
    store_walk_end(&cursor);
    store_view_end(mailer->account->store, view);
    return found;
}

static void look(struct mailer *mailer)
{
    int64_t now = clock_mono(), wait;

    if (mailer->doing != MAILER_IDLE || mailer->is_leaving || mailer->is_stopped)
        return;
    if (now < mailer->until) {
        smtp_hang_up(mailer->smtp);
        look_at(mailer, mailer->until - now);
        return;
    }
    if (!find_due(mailer, &wait)) {
        smtp_hang_up(mailer->smtp);
        look_at(mailer, wait);
        return;
    }
    mailer->doing = MAILER_TAKING;
    mailer->write = (struct store_write){ .apply = apply_take, .done = on_taken };
    store_submit(mailer->account->store, &mailer->write);
}

static void on_put(void *data)
{
    look(OBJECT(data, mailer));
}

void mailer_errand(struct errand *errand)
{
    struct account *account = OBJECT(errand->host->state, account);

    errand_done(errand, PROBLEM_none, SPAN(""));
    if (account->mailer != NULL)
        look(account->mailer);
}

/* ---- records whose time is over ---- */

static int apply_forget(struct store_write *write, struct store_txn *txn)
{
    struct mailer *mailer = LIST_OF(write, struct mailer, forget);
    unsigned char ids[FORGET_MOST][MAIL_ID];
    struct store_cursor *cursor = NULL;
    struct span key, value;
    int64_t moment, now = clock_wall();
    int count = 0, result = 0;
    char kind;

    while (count < FORGET_MOST &&
           store_txn_walk(txn, ACCOUNT_TABLE_MAIL_DUE, SPAN("f"), &cursor, &key, &value) == 1 &&
           mail_due_decode(key, &kind, &moment, ids[count]) && kind == 'f' && moment <= now)
        count++;
    store_walk_end(&cursor);
    mailer->forget_more = count == FORGET_MOST;
    for (int i = 0; i < count && result == 0; i++) {
        struct mail_row row;

        if (store_txn_get(txn, ACCOUNT_TABLE_MAIL, span_make((const char *)ids[i], MAIL_ID), &value) == 1 &&
            mail_row_decode(value, &row))
            result = mail_row_change(txn, ids[i], &row, NULL);
    }
    return result;
}

static void on_forgotten(struct store_write *write, int result)
{
    struct mailer *mailer = OBJECT(LIST_OF(write, struct mailer, forget), mailer);

    mailer->is_forgetting = false;
    if (result != 0)
        mailer->forget_more = false;
}

static int64_t forget_period(const struct module_host *host)
{
    (void)host;
    return FORGET_PERIOD;
}

static int64_t forget_step(struct module_host *host)
{
    struct mailer *mailer = OBJECT(host->state, account)->mailer;

    if (mailer == NULL)
        return -1;
    if (mailer->is_forgetting)
        return FORGET_PAUSE;
    if (mailer->has_forgotten && !mailer->forget_more) {
        mailer->has_forgotten = false;
        return -1;
    }
    mailer->is_forgetting = mailer->has_forgotten = true;
    mailer->forget = (struct store_write){ .apply = apply_forget, .done = on_forgotten };
    store_submit(mailer->account->store, &mailer->forget);
    return FORGET_PAUSE;
}

const struct keeper_job mailer_jobs[] = {
    { "mails-forget", forget_period, NULL, forget_step },
    { "links-forget", links_period, NULL, links_step },
    { .name = NULL },
};

/* ---- life ---- */

struct mailer *mailer_new(struct account *account)
{
    struct mailer *mailer = must_alloc(sizeof(*mailer));
    char why[512];

    OBJECT_BORN(mailer, mailer);
    mailer->account = account;
    mailer->conf = account->mail_conf;
    mailer->arena = arena_new();
    mailer->texts = mail_texts_new(mailer->conf->templates, why, sizeof(why));
    if (mailer->texts == NULL) {
        log_error("mailer/templates: %s; mails say what comes with Stoa", why);
        mailer->texts = mail_texts_new(NULL, why, sizeof(why));
    }
    must(mailer->texts != NULL); /* a unit test compiles them */
    mailer->smtp = smtp_new(account->host->loop, mailer->conf);
    mail_box_here(account->box, on_put, mailer);
    look_at(mailer, 0);
    return mailer;
}

bool mailer_leaving(struct mailer *mailer)
{
    if (mailer == NULL)
        return false;
    mailer->is_leaving = true;
    smtp_cut(mailer->smtp);
    return mailer->doing != MAILER_IDLE;
}

void mailer_stop(struct mailer *mailer)
{
    if (mailer == NULL)
        return;
    mailer->is_leaving = true;
    timer_stop(&mailer->timer);
    smtp_abandon(mailer->smtp);
    smtp_free(&mailer->smtp); /* what was under way is noted: the store waits for that */
    mailer->is_stopped = true;
    timer_stop(&mailer->timer);
}

void mailer_free(struct mailer **mailer)
{
    if (*mailer == NULL)
        return;
    timer_stop(&(*mailer)->timer);
    if ((*mailer)->doing != MAILER_IDLE)
        let_go(*mailer);
    mail_texts_free(&(*mailer)->texts);
    arena_free(&(*mailer)->arena);
    OBJECT_DEAD(*mailer);
    free(*mailer);
    *mailer = NULL;
}
