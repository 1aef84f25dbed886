/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: smtp.c - see smtp.h.
 *
 * libcurl tells of a refused recipient, a refused password and a server that went away by much the same codes
 * of its own; what counts is what the server said last, and to which command. Both are read off the dialogue
 * as it passes. That dialogue holds the password: it goes nowhere. */
#include "smtp.h"

#include "base/must.h"
#include "base/text.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* The command that was sent last. */
enum step { STEP_CONNECT, STEP_HELLO, STEP_STARTTLS, STEP_AUTH, STEP_MAIL, STEP_RCPT, STEP_DATA };

enum cut { CUT_NOT, CUT_UNSENT, CUT_ALL };

struct hang_up {
    struct disk_job job;
    struct smtp *smtp;
    bool is_under_way;
};

struct smtp {
    const struct mailer_conf *conf; /* borrowed */
    struct disk_queue *thread;
    bool may_be_open; /* on the loop: a mail was sent since the last hanging up */
    struct hang_up hang_up;
    atomic_int cut; /* enum cut; set on the loop, read on the thread */
    /* On the thread. */
    CURL *easy;    /* owned; keeps the connection between two mails */
    bool has_utf8; /* the server at its other end takes addresses beyond ASCII */
};

/* ---- the dialogue ---- */

static int on_dialogue(CURL *easy, curl_infotype type, char *at, size_t size, void *data)
{
    static const struct {
        const char *verb;
        enum step step;
    } verbs[] = { { "EHLO ", STEP_HELLO }, { "HELO ", STEP_HELLO },     { "STARTTLS", STEP_STARTTLS },
                  { "AUTH ", STEP_AUTH },  { "MAIL FROM:", STEP_MAIL }, { "RCPT TO:", STEP_RCPT },
                  { "DATA", STEP_DATA } };
    struct smtp_mail *mail = data;

    (void)easy;
    if (type != CURLINFO_HEADER_OUT)
        return 0;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (span_starts(span_make(at, size), span_of(verbs[i].verb)))
            mail->step = (int)verbs[i].step;
    if (span_starts(span_make(at, size), SPAN("QUIT")))
        mail->is_over = true; /* the answer to that tells nothing of the mail */
    if (mail->step == STEP_HELLO)
        mail->smtp->has_utf8 = false;
    return 0;
}

/* In one line, and short: it goes to the log, the queue and the operator's terminal. */
static void keep_words(struct smtp_mail *mail, struct span line)
{
    struct buf out = { 0 };

    text_add_log(&out, span_trim(line));
    snprintf(mail->words, sizeof(mail->words), "%.*s", SPAN_ARG(buf_span(&out)));
    buf_free(&out);
}

static bool is_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80)
        text++;
    return *text == '\0';
}

/* One line of an answer. Anything but its size ends the mail. */
static size_t on_answer(char *at, size_t one, size_t count, void *data)
{
    struct smtp_mail *mail = data;
    struct span line = { at, one * count };
    uint64_t code;

    while (line.size > 0 && (line.at[line.size - 1] == '\n' || line.at[line.size - 1] == '\r'))
        line.size--;
    if (mail->is_over || line.size < 3 || !text_to_u64(span_head(line, 3), &code))
        return one * count;
    if (mail->step == STEP_HELLO && line.size >= 12 && span_eq_nocase(span_from(line, 4), SPAN("SMTPUTF8")))
        mail->smtp->has_utf8 = true;
    if (line.size > 3 && line.at[3] == '-')
        return one * count;
    mail->code = (unsigned)code;
    keep_words(mail, line);
    /* libcurl would go on to the next mechanism, and tell of a time-out in the end */
    if (mail->step == STEP_AUTH && code >= 400)
        return 0;
    if (mail->step == STEP_MAIL && code < 400 && !mail->smtp->has_utf8 && !is_ascii(mail->to)) {
        mail->is_unsuited = true;
        return 0;
    }
    return one * count;
}

static size_t on_more(char *at, size_t one, size_t count, void *data)
{
    struct smtp_mail *mail = data;
    size_t left = mail->message.size - mail->read, size = one * count < left ? one * count : left;

    if (size > 0)
        memcpy(at, mail->message.at + mail->read, size);
    mail->read += size;
    if (mail->read == mail->message.size)
        mail->is_whole = true; /* libcurl may send the end of the mail together with this */
    return size;
}

/* Called about every second while nothing moves, and before each step. */
static int on_progress(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct smtp_mail *mail = data;
    int cut = atomic_load(&mail->smtp->cut);

    (void)a, (void)b, (void)c, (void)d;
    return cut == CUT_ALL || (cut == CUT_UNSENT && !mail->is_whole);
}

/* The one place where a connection can begin: what is sent in plain text does not leave this machine. */
static curl_socket_t on_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    const struct smtp_mail *mail = data;
    bool is_loopback = false;

    (void)purpose;
    if (address->family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, &address->addr, sizeof(in));
        is_loopback = ntohl(in.sin_addr.s_addr) >> 24 == 127;
    } else if (address->family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, &address->addr, sizeof(in6));
        is_loopback = IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
    }
    if (mail->smtp->conf->security == MAIL_PLAIN && !is_loopback)
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- one mail ---- */

static void set_server(CURL *easy, const struct mailer_conf *conf)
{
    static const char *const schemes[] = {
        [MAIL_STARTTLS] = "smtp", [MAIL_TLS] = "smtps", [MAIL_PLAIN] = "smtp"
    };
    bool is_six = strchr(conf->smtp_host, ':') != NULL && conf->smtp_host[0] != '[';
    struct buf url = { 0 };

    buf_printf(&url, "%s://%s%s%s:%lld/%s", schemes[conf->security], is_six ? "[" : "", conf->smtp_host,
               is_six ? "]" : "", (long long)conf->smtp_port, conf->helo_name ? conf->helo_name : "");
    buf_char(&url, '\0');
    curl_easy_setopt(easy, CURLOPT_URL, url.at);
    buf_free(&url);
    curl_easy_setopt(easy, CURLOPT_USE_SSL,
                     (long)(conf->security == MAIL_PLAIN ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (conf->ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, conf->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (conf->smtp_username != NULL) {
        curl_easy_setopt(easy, CURLOPT_USERNAME, conf->smtp_username);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, conf->smtp_password);
        curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
    }
}

static void set_limits(CURL *easy, const struct mailer_conf *conf)
{
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(conf->connect_timeout / 1000));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(conf->timeout / 1000));
    curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)(conf->timeout / 1000000 + 1));
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_SMTP | CURLPROTO_SMTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* no waiting for a name server that does not answer */
#endif
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L); /* for on_dialogue, which alone sees it */
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_dialogue);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_answer);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_more);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}

static struct curl_slist *set_mail(CURL *easy, const struct mailer_conf *conf, struct smtp_mail *mail)
{
    const char *from = conf->envelope_from != NULL ? conf->envelope_from : conf->from_address;
    struct curl_slist *recipients = curl_slist_append(NULL, mail->to);

    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, from[0] != '\0' ? from : NULL);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)mail->message.size);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, mail);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, mail);
    curl_easy_setopt(easy, CURLOPT_READDATA, mail);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, mail);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, mail);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, mail->error);
    return recipients;
}

static void say(struct smtp_mail *mail, const char *sentence)
{
    snprintf(mail->words, sizeof(mail->words), "%s", sentence);
}

static void say_curl(struct smtp_mail *mail, CURLcode code)
{
    keep_words(mail, span_of(mail->error[0] != '\0' ? mail->error : curl_easy_strerror(code)));
}

static void explain_server(struct smtp_mail *mail, CURLcode code)
{
    char said[SMTP_WORDS];

    snprintf(said, sizeof(said), "%s", mail->words);
    if (code == CURLE_USE_SSL_FAILED)
        say(mail, "the server does not offer STARTTLS (mailer-smtp-security)");
    else if (mail->step == STEP_AUTH && mail->code >= 400)
        snprintf(mail->words, sizeof(mail->words), "the login was refused: %.460s", said);
    else if (code == CURLE_LOGIN_DENIED)
        say(mail, "the server offers no way to log in with a password (AUTH PLAIN or LOGIN)");
    else if (mail->code < 400 || code == CURLE_PEER_FAILED_VERIFICATION)
        say_curl(mail, code);
}

static void judge(struct smtp_mail *mail, CURLcode code)
{
    if (code == CURLE_OK) {
        mail->end = SMTP_SENT;
    } else if (code == CURLE_ABORTED_BY_CALLBACK && !mail->is_whole) {
        mail->end = SMTP_CUT;
    } else if (mail->is_unsuited) {
        mail->end = SMTP_NEVER;
        say(mail, "the mail server does not take addresses with characters beyond ASCII (SMTPUTF8)");
    } else if (mail->step >= STEP_MAIL && mail->code >= 400 && mail->code != 421) {
        mail->end = mail->code >= 500 ? SMTP_NEVER : SMTP_LATER;
    } else if (mail->is_whole && mail->code < 400) {
        mail->end = SMTP_LATER;
        say(mail, "the server took all of the mail and did not answer: it may have been sent");
    } else {
        mail->end = SMTP_SERVER;
        explain_server(mail, code);
    }
}

static void run(struct disk_job *job)
{
    struct smtp_mail *mail = (struct smtp_mail *)(void *)job;
    struct smtp *smtp = mail->smtp;
    struct curl_slist *recipients;
    CURLcode code;

    if (smtp->easy == NULL) {
        smtp->easy = curl_easy_init();
        must(smtp->easy != NULL);
        set_server(smtp->easy, smtp->conf);
        set_limits(smtp->easy, smtp->conf);
    }
    recipients = set_mail(smtp->easy, smtp->conf, mail);
    code = curl_easy_perform(smtp->easy);
    judge(mail, code);
    curl_easy_setopt(smtp->easy, CURLOPT_MAIL_RCPT, NULL);
    curl_easy_setopt(smtp->easy, CURLOPT_ERRORBUFFER, NULL);
    curl_slist_free_all(recipients);
}

static void on_done(struct disk_job *job)
{
    struct smtp_mail *mail = (struct smtp_mail *)(void *)job;

    mail->done(mail);
}

void smtp_send(struct smtp *smtp, struct smtp_mail *mail)
{
    mail->smtp = smtp;
    mail->job.run = run;
    mail->job.done = on_done;
    smtp->may_be_open = true;
    disk_submit(smtp->thread, &mail->job);
}

/* ---- the end of a connection ---- */

static int on_farewell(CURL *easy, curl_infotype type, char *at, size_t size, void *data)
{
    (void)easy, (void)type, (void)at, (void)size, (void)data;
    return 0;
}

static size_t on_last_answer(char *at, size_t one, size_t count, void *data)
{
    (void)at, (void)data;
    return one * count;
}

static int on_last_progress(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct smtp *smtp = data;

    (void)a, (void)b, (void)c, (void)d;
    return atomic_load(&smtp->cut) != CUT_NOT;
}

/* Says QUIT, with callbacks that no longer know of any mail. */
static void close_connection(struct smtp *smtp)
{
    if (smtp->easy == NULL)
        return;
    curl_easy_setopt(smtp->easy, CURLOPT_DEBUGFUNCTION, on_farewell);
    curl_easy_setopt(smtp->easy, CURLOPT_HEADERFUNCTION, on_last_answer);
    curl_easy_setopt(smtp->easy, CURLOPT_XFERINFOFUNCTION, on_last_progress);
    curl_easy_setopt(smtp->easy, CURLOPT_XFERINFODATA, smtp);
    curl_easy_cleanup(smtp->easy);
    smtp->easy = NULL;
}

static void run_hang_up(struct disk_job *job)
{
    close_connection(((struct hang_up *)(void *)job)->smtp);
}

static void on_hung_up(struct disk_job *job)
{
    ((struct hang_up *)(void *)job)->is_under_way = false;
}

void smtp_hang_up(struct smtp *smtp)
{
    if (!smtp->may_be_open || smtp->hang_up.is_under_way)
        return;
    smtp->may_be_open = false;
    smtp->hang_up = (struct hang_up){ .job = { .run = run_hang_up, .done = on_hung_up },
                                      .smtp = smtp,
                                      .is_under_way = true };
    disk_submit(smtp->thread, &smtp->hang_up.job);
}

void smtp_cut(struct smtp *smtp)
{
    int expected = CUT_NOT;

    atomic_compare_exchange_strong(&smtp->cut, &expected, CUT_UNSENT);
}

void smtp_abandon(struct smtp *smtp)
{
    atomic_store(&smtp->cut, CUT_ALL);
}

/* ---- life ---- */

struct smtp *smtp_new(struct loop *loop, const struct mailer_conf *conf)
{
    struct smtp *smtp = must_alloc(sizeof(*smtp));

    must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    smtp->conf = conf;
    smtp->thread = disk_queue_new(loop, 1, NULL, NULL);
    return smtp;
}

void smtp_free(struct smtp **smtp)
{
    if (*smtp == NULL)
        return;
    disk_queue_free(&(*smtp)->thread);
    close_connection(*smtp);
    curl_global_cleanup();
    free(*smtp);
    *smtp = NULL;
}
