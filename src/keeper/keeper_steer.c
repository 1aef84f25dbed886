/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 2 3 4 6: keeper_steer.c - what workers ask of master, one after the other; the words are
 * those of master_steer.c.
 *
 * Between the two there is somebody who has no rights: certificates, which strangers may have made, are read
 * here before master does. */
#include "keeper/keeper_steer.h"

#include "base/text.h"
#include "module/call.h"
#include "os/log.h"
#include "os/tls.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAITING_MOST 64
#define ANSWER_MOST  (512 * 1024)

struct waiting {
    struct list node;
    struct errand *errand; /* in whose arena this lies */
};

static struct line {
    struct watch watch;
    struct buf in, out;
    struct list waiting; /* the first one was asked */
    unsigned count;
} line;

static void ask_next(void);

static void end_first(enum problem problem, struct span text)
{
    struct waiting *first = LIST_OF(list_take(&line.waiting), struct waiting, node);

    line.count--;
    errand_done(first->errand, problem, text);
}

static void hang_up(void)
{
    int fd = line.watch.fd;

    if (line.watch.loop == NULL)
        return;
    watch_stop(&line.watch);
    close(fd);
    buf_free(&line.in);
    buf_free(&line.out);
    while (!list_empty(&line.waiting))
        end_first(PROBLEM_unavailable, SPAN(""));
}

static void flush(void)
{
    while (line.out.size) {
        ssize_t sent = send(line.watch.fd, line.out.at, line.out.size, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            break; /* a broken line tells itself as readable */
        explicit_bzero(line.out.at, (size_t)sent);
        buf_eat(&line.out, (size_t)sent);
    }
    watch_change(&line.watch, line.out.size ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* "word who", then the body. */
static struct span cut_head(struct span *body, struct span *word_r)
{
    struct span who = span_cut(body, '\n');

    *word_r = span_cut(&who, ' ');
    return who;
}

static void ask_next(void)
{
    struct waiting *first;
    struct span body, who, word;

    if (list_empty(&line.waiting))
        return;
    first = LIST_OF(line.waiting.next, struct waiting, node);
    body = first->errand->body;
    who = cut_head(&body, &word);
    buf_printf(&line.out, "%.*s %zu %.*s\n", SPAN_ARG(word), body.size, SPAN_ARG(who));
    buf_add(&line.out, body);
    flush();
}

/* "ok 12" or "no 12", then that many bytes. -1: master does not speak so. */
static int take_answer(void)
{
    struct span rest = buf_span(&line.in), head, size;
    ssize_t end = span_find(rest, '\n');
    uint64_t length;
    bool good;

    if (end < 0)
        return rest.size > 64 ? -1 : 0;
    size = head = span_cut(&rest, '\n');
    good = span_is(span_cut(&size, ' '), "ok");
    if (!text_to_u64(size, &length) || length > ANSWER_MOST || list_empty(&line.waiting))
        return -1;
    if (rest.size < length)
        return 0;
    end_first(good ? PROBLEM_none : PROBLEM_bad_request, span_head(rest, length));
    buf_eat(&line.in, (size_t)end + 1 + length);
    ask_next();
    return 1;
}

static void on_line(struct watch *watch, uint32_t events)
{
    ssize_t got;
    int taken;

    if (events & EPOLLOUT)
        flush();
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    got = read(watch->fd, buf_reserve(&line.in, 65536), 65536);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    line.in.size += got > 0 ? (size_t)got : 0;
    while ((taken = got > 0 ? take_answer() : -1) > 0)
        ;
    if (taken < 0)
        hang_up();
}

/* NULL: good enough for master, who looks again. */
static const char *check_certificate(struct span body)
{
    struct span domain, first = span_cut(&body, '\n');
    char name[TLS_FILE_SIZE], file[TLS_FILE_SIZE];
    const char *why = NULL;

    domain = span_cut(&first, ' ');
    if (domain.size >= sizeof(name))
        return "this is no domain";
    memcpy(name, domain.at, domain.size);
    name[domain.size] = '\0';
    if (!tls_domain_file(name, file))
        return "this is no domain: write it in lower case, as example.org or *.example.org";
    tls_pem_check(body, name, &why);
    return why;
}

static const char *check(struct errand *errand)
{
    struct span body = errand->body, word, who = cut_head(&body, &word);

    if (text_has_control(who) || who.size > 2047 || body.size > 256 * 1024)
        return "this is too large to be asked";
    return span_is(word, "certificate") ? check_certificate(body) : NULL;
}

void keeper_steer(struct errand *errand)
{
    const char *why = check(errand);
    struct waiting *waiting;

    if (why) {
        errand_done(errand, PROBLEM_bad_request, span_of(why));
        return;
    }
    if (line.watch.loop == NULL || line.count == WAITING_MOST) {
        errand_done(errand, PROBLEM_unavailable, SPAN(""));
        return;
    }
    waiting = arena_make(errand->arena, struct waiting);
    waiting->errand = errand;
    list_append(&line.waiting, &waiting->node);
    if (++line.count == 1)
        ask_next();
}

void keeper_steer_start(struct loop *loop, int fd)
{
    list_init(&line.waiting);
    if (fd >= 0)
        watch_start(loop, &line.watch, fd, EPOLLIN, on_line);
}

void keeper_steer_stop(void)
{
    hang_up();
}
