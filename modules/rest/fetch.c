/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: fetch.c - the keeper's half of scripts' HTTP requests: libcurl on the keeper's loop.
 *
 * Each socket that curl asks for is judged by the address it is about to be connected to, so that neither a
 * name that resolves to a private address nor one that resolves differently the second time leads inside.
 * Names are resolved by curl's own threads; nothing here waits. */
#include "fetch.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/must.h"
#include "base/object.h"
#include "os/log.h"
#include "rest_conf.h"

#include <curl/curl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FETCHES_MOST 64          /* at once; further ones are told to come again */
#define HEADS_MOST   (32 * 1024) /* bytes of an answer's header fields */
#define URL_MOST     8192

struct fetcher {
    OBJECT_MAGIC
    struct module_host *host; /* borrowed */
    CURLM *multi;             /* owned */
    struct timer timer;       /* curl's */
    struct task soon;         /* when curl wants to be called at once */
    struct list open;         /* of struct fetch */
    unsigned count;
    struct ip_network *allowed; /* owned: fetch-networks */
    size_t allowed_count;
    size_t body_most;
};

struct fetch {
    OBJECT_MAGIC
    struct list node;
    struct fetcher *fetcher;   /* borrowed */
    struct errand *errand;     /* borrowed until errand_done */
    CURL *easy;                /* owned */
    struct curl_slist *fields; /* owned; what is sent */
    struct json_object *heads; /* owned; what came */
    size_t heads_size;
    struct buf body; /* owned; what came */
    bool too_large;
    char refused[IP_TEXT]; /* the last address that was not let through */
    char error[CURL_ERROR_SIZE];
};

struct fetch_socket {
    struct watch watch;
    struct fetcher *fetcher;
};

/* ---- ends ---- */

static void answer(struct errand *errand, struct json_object *head, struct span bytes)
{
    struct buf out = { 0 };

    fetch_pack(&out, head, bytes);
    json_object_put(head);
    errand_done(errand, PROBLEM_none, buf_span(&out));
    buf_free(&out);
}

static void answer_error(struct errand *errand, const char *condition, const char *why)
{
    struct json_object *head = json_object_new_object();

    json_object_object_add(head, "error", json_object_new_string(why));
    json_object_object_add(head, "condition", json_object_new_string(condition));
    answer(errand, head, SPAN(""));
}

static void fetch_free(struct fetch *fetch)
{
    if (fetch->easy != NULL) {
        curl_multi_remove_handle(fetch->fetcher->multi, fetch->easy);
        curl_easy_cleanup(fetch->easy);
    }
    curl_slist_free_all(fetch->fields);
    json_object_put(fetch->heads);
    buf_free(&fetch->body);
    list_remove(&fetch->node);
    fetch->fetcher->count--;
    OBJECT_DEAD(fetch);
    free(fetch);
}

/* What the sentence is for a script's author; addresses are told, since the author chose the name. */
static void tell_failure(struct fetch *fetch, CURLcode code)
{
    char why[CURL_ERROR_SIZE + 128];

    if (fetch->too_large)
        answer_error(fetch->errand, "resource-constraint", "the answer is larger than fetch-most allows");
    else if (fetch->refused[0] != '\0') {
        snprintf(why, sizeof(why), "the address %s is not one that scripts may ask (fetch-networks)",
                 fetch->refused);
        answer_error(fetch->errand, "not-allowed", why);
    } else if (code == CURLE_OPERATION_TIMEDOUT)
        answer_error(fetch->errand, "remote-server-timeout", "there was no answer in time");
    else {
        snprintf(why, sizeof(why), "%s", fetch->error[0] != '\0' ? fetch->error : curl_easy_strerror(code));
        answer_error(fetch->errand, "remote-server-not-found", why);
    }
}

static void finish(struct fetch *fetch, CURLcode code)
{
    long status = 0;

    if (code == CURLE_OK && !fetch->too_large) {
        struct json_object *head = json_object_new_object();

        curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
        json_object_object_add(head, "status", json_object_new_int64(status));
        json_object_object_add(head, "headers", json_object_get(fetch->heads));
        answer(fetch->errand, head, buf_span(&fetch->body));
    } else {
        tell_failure(fetch, code);
    }
    fetch_free(fetch);
}

static void look_for_ends(struct fetcher *fetcher)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
        CURLcode code = message->data.result;
        char *own = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &own);
        finish(OBJECT(own, fetch), code);
    }
}

/* ---- curl on the loop ---- */

static void go_on(struct fetcher *fetcher, curl_socket_t fd, int what)
{
    int running;

    curl_multi_socket_action(fetcher->multi, fd, what, &running);
    look_for_ends(fetcher);
}

static void on_socket_ready(struct watch *watch, uint32_t events)
{
    struct fetch_socket *socket = (struct fetch_socket *)(void *)watch;
    int what = 0;

    if (events & (EPOLLIN | EPOLLHUP))
        what |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        what |= CURL_CSELECT_OUT;
    if (events & EPOLLERR)
        what |= CURL_CSELECT_ERR;
    go_on(socket->fetcher, watch->fd, what);
}

static int on_socket_wish(CURL *easy, curl_socket_t fd, int what, void *data, void *own)
{
    struct fetcher *fetcher = OBJECT(data, fetcher);
    struct fetch_socket *socket = own;
    uint32_t events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (socket != NULL)
            watch_stop(&socket->watch);
        free(socket);
        return 0;
    }
    if (what & CURL_POLL_IN)
        events |= EPOLLIN;
    if (what & CURL_POLL_OUT)
        events |= EPOLLOUT;
    if (socket != NULL) {
        watch_change(&socket->watch, events);
        return 0;
    }
    socket = must_alloc(sizeof(*socket));
    socket->fetcher = fetcher;
    watch_start(fetcher->host->loop, &socket->watch, fd, events, on_socket_ready);
    curl_multi_assign(fetcher->multi, fd, socket);
    return 0;
}

static void on_timer(struct timer *timer)
{
    go_on(OBJECT(LIST_OF(timer, struct fetcher, timer), fetcher), CURL_SOCKET_TIMEOUT, 0);
}

static void on_soon(struct task *task)
{
    go_on(OBJECT(LIST_OF(task, struct fetcher, soon), fetcher), CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer_wish(CURLM *multi, long milliseconds, void *data)
{
    struct fetcher *fetcher = OBJECT(data, fetcher);

    (void)multi;
    timer_stop(&fetcher->timer);
    task_cancel(&fetcher->soon);
    if (milliseconds == 0)
        task_defer(fetcher->host->loop, &fetcher->soon, on_soon);
    else if (milliseconds > 0)
        timer_set(fetcher->host->loop, &fetcher->timer, clock_mono() + milliseconds * USEC_PER_MSEC,
                  on_timer);
    return 0;
}

/* ---- one request ---- */

/* The one place where a connection can begin. */
static curl_socket_t on_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetch *fetch = OBJECT(data, fetch);

    (void)purpose;
    if (!fetch_sockaddr_good(&address->addr, fetch->fetcher->allowed, fetch->fetcher->allowed_count,
                             fetch->refused))
        return CURL_SOCKET_BAD;
    fetch->refused[0] = '\0';
    return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
}

static size_t on_body(char *at, size_t one, size_t count, void *data)
{
    struct fetch *fetch = OBJECT(data, fetch);

    if (one * count > fetch->fetcher->body_most - fetch->body.size) {
        fetch->too_large = true;
        return 0; /* ends it */
    }
    buf_add(&fetch->body, span_make(at, one * count));
    return one * count;
}

/* A field that comes again is joined to the first by a comma, but Set-Cookie, which holds commas. */
static void keep_head(struct fetch *fetch, struct span name, struct span value)
{
    struct buf lower = { 0 }, joined = { 0 };
    struct json_object *before;

    for (size_t i = 0; i < name.size; i++)
        buf_char(&lower, name.at[i] >= 'A' && name.at[i] <= 'Z' ? (char)(name.at[i] | 0x20) : name.at[i]);
    buf_char(&lower, '\0');
    if (json_object_object_get_ex(fetch->heads, lower.at, &before)) {
        buf_text(&joined, json_object_get_string(before));
        buf_text(&joined, strcmp(lower.at, "set-cookie") == 0 ? "\n" : ", ");
    }
    buf_add(&joined, value);
    json_object_object_add(fetch->heads, lower.at,
                           json_object_new_string_len(joined.at ? joined.at : "", (int)joined.size));
    buf_free(&lower);
    buf_free(&joined);
}

static size_t on_head(char *at, size_t one, size_t count, void *data)
{
    struct fetch *fetch = OBJECT(data, fetch);
    struct span line = { at, one * count }, name;

    fetch->heads_size += line.size;
    if (fetch->heads_size > HEADS_MOST) {
        fetch->too_large = true;
        return 0;
    }
    if (span_starts(line, SPAN("HTTP/"))) { /* the final answer's fields count, not those of a 100 */
        json_object_put(fetch->heads);
        fetch->heads = json_object_new_object();
        return one * count;
    }
    while (line.size > 0 && (line.at[line.size - 1] == '\n' || line.at[line.size - 1] == '\r'))
        line.size--;
    name = span_cut(&line, ':');
    if (name.size > 0 && name.size <= 128 && memchr(name.at, '\0', name.size) == NULL)
        keep_head(fetch, name, span_trim(line));
    return one * count;
}

/* NULL: good. Read by the very parser that will connect. */
static const char *judge_url(const char *url)
{
    CURLU *parsed = curl_url();
    const char *why = "that is no URL";
    char *scheme = NULL, *user = NULL, *host = NULL;

    if (strlen(url) <= URL_MOST && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK) {
        bool has_user = curl_url_get(parsed, CURLUPART_USER, &user, 0) == CURLUE_OK;

        why = NULL;
        if (curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
            (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
            why = "only http and https are fetched";
        else if (has_user)
            why = "credentials belong into a header, not into the URL";
        else if (curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK || host[0] == '\0')
            why = "the URL names no host";
    }
    curl_free(scheme);
    curl_free(user);
    curl_free(host);
    curl_url_cleanup(parsed);
    return why;
}

static const char *add_fields(struct fetch *fetch, struct json_object *fields)
{
    const char *why;

    json_object_object_foreach(fields, name, value)
    {
        struct span text = { NULL, 0 };
        struct buf line = { 0 };

        if (!json_text(value, &text))
            return "a header's value is no text";
        if (!fetch_header_good(span_of(name), text, &why))
            return why;
        /* curl drops "Name:" and keeps "Name;" as one with an empty value */
        if (text.size == 0)
            buf_printf(&line, "%s;", name);
        else
            buf_printf(&line, "%s: %.*s", name, SPAN_ARG(text));
        buf_char(&line, '\0');
        fetch->fields = curl_slist_append(fetch->fields, line.at);
        buf_free(&line);
    }
    return NULL;
}

static void set_limits(struct fetch *fetch, long milliseconds)
{
    CURL *easy = fetch->easy;

    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L); /* one script's connection is not another's */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    /* else the end of a request would wait for a name server that does not answer, and the loop with it */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
}

static void set_method(struct fetch *fetch, const char *method, struct span body)
{
    CURL *easy = fetch->easy;

    if (body.size > 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.at); /* of the errand: outlives the transfer */
    } else if (strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
    }
    if (strcmp(method, "HEAD") == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static const char *prepare(struct fetch *fetch, struct json_object *wish, struct span body)
{
    const char *url = json_object_get_string(json_member(wish, "url"));
    const char *method = json_object_get_string(json_member(wish, "method"));
    int64_t wait = 30000, left = (fetch->errand->deadline - clock_mono()) / USEC_PER_MSEC;
    const char *why = url == NULL ? "url is missing" : judge_url(url);

    if (why != NULL)
        return why;
    if (method == NULL || !fetch_method_good(span_of(method)))
        return "that method is not one of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS";
    json_whole(json_member(wish, "timeout"), &wait);
    if (wait > left - 100)
        wait = left - 100; /* so that the reason arrives before nobody listens */
    if (wait < 1)
        wait = 1;
    set_limits(fetch, (long)wait);
    set_method(fetch, method, body);
    if (json_member(wish, "headers") != NULL)
        why = add_fields(fetch, json_member(wish, "headers"));
    /* curl would wait for a 100 before a body, which many servers never send */
    fetch->fields = curl_slist_append(fetch->fields, "Expect:");
    curl_easy_setopt(fetch->easy, CURLOPT_URL, url);
    curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->fields);
    curl_easy_setopt(fetch->easy, CURLOPT_USERAGENT, "stoa/" STOA_VERSION);
    curl_easy_setopt(fetch->easy, CURLOPT_PRIVATE, fetch);
    curl_easy_setopt(fetch->easy, CURLOPT_ERRORBUFFER, fetch->error);
    curl_easy_setopt(fetch->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(fetch->easy, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(fetch->easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(fetch->easy, CURLOPT_HEADERDATA, fetch);
    return why;
}

void fetch_errand(struct errand *errand)
{
    struct fetcher *fetcher = OBJECT(errand->host->state, fetcher);
    struct json_object *wish;
    struct span body;
    struct fetch *fetch;
    const char *why;

    if (fetcher->count >= FETCHES_MOST) {
        answer_error(errand, "resource-constraint",
                     "too many requests are under way; try again a little later");
        return;
    }
    if (!fetch_unpack(errand->body, &wish, &body)) {
        answer_error(errand, "bad-request", "the errand cannot be read");
        return;
    }
    fetch = must_alloc(sizeof(*fetch));
    OBJECT_BORN(fetch, fetch);
    fetch->fetcher = fetcher;
    fetch->errand = errand;
    fetch->heads = json_object_new_object();
    fetch->easy = curl_easy_init();
    must(fetch->easy != NULL);
    list_append(&fetcher->open, &fetch->node);
    fetcher->count++;
    why = prepare(fetch, wish, body);
    json_object_put(wish);
    if (why == NULL && curl_multi_add_handle(fetcher->multi, fetch->easy) == CURLM_OK)
        return;
    answer_error(errand, "bad-request", why != NULL ? why : "the request cannot be begun");
    fetch_free(fetch);
}

/* ---- life ---- */

int fetch_keeper_up(struct module_host *host)
{
    const struct rest_conf *conf = rest_conf(host->conf);
    struct fetcher *fetcher = must_alloc(sizeof(*fetcher));

    OBJECT_BORN(fetcher, fetcher);
    fetcher->host = host;
    fetcher->body_most =
        (size_t)(conf->fetch_most < FETCH_ANSWER_MOST ? conf->fetch_most : FETCH_ANSWER_MOST);
    list_init(&fetcher->open);
    fetcher->allowed = must_alloc((conf->fetch_networks.count + 1) * sizeof(*fetcher->allowed));
    for (size_t i = 0; i < conf->fetch_networks.count; i++)
        if (ip_network_parse(span_of(conf->fetch_networks.texts[i]),
                             &fetcher->allowed[fetcher->allowed_count]))
            fetcher->allowed_count++;
    must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    fetcher->multi = curl_multi_init();
    must(fetcher->multi != NULL);
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wish);
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
    host->state = fetcher;
    return 0;
}

void fetch_keeper_down(struct module_host *host)
{
    struct fetcher *fetcher = host->state;
    struct list *node;

    if (fetcher == NULL)
        return;
    while ((node = list_take(&fetcher->open)) != NULL) {
        struct fetch *fetch = OBJECT(LIST_OF(node, struct fetch, node), fetch);

        errand_done(fetch->errand, PROBLEM_unavailable, SPAN(""));
        fetch_free(fetch);
    }
    curl_multi_cleanup(fetcher->multi);
    timer_stop(&fetcher->timer);
    task_cancel(&fetcher->soon);
    curl_global_cleanup();
    free(fetcher->allowed);
    OBJECT_DEAD(fetcher);
    free(fetcher);
    host->state = NULL;
}
