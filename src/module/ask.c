/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: ask.c - what modules ask of the router and, through it, of the keeper: see call.h.
 *
 * Each ask has a number that is unique in this process's life; an answer finds it by that, or finds nobody.
 * The router keeps the deadlines of IQs; an errand's is kept here too, as the keeper may be gone. */
#include "module/command_inside.h"

#include "base/clock.h"
#include "base/text.h"
#include "os/log.h"

#define ASKS_MOST    20000
#define ERRAND_GRACE (2 * USEC_PER_SEC) /* the keeper's own deadline comes first */

static struct span key_of(const uint64_t *call)
{
    return span_make((const char *)call, sizeof(*call));
}

/* Out of the book; what came of it is in it already. */
static void leave(struct ask *ask)
{
    struct desk *desk = ask->desk;

    must(map_remove(desk->asked_map, key_of(&ask->call)) == ask);
    list_remove(&ask->node);
    desk->asked_count--;
    task_cancel(&ask->soon);
    timer_stop(&ask->timer);
    ask->desk = NULL;
    OBJECT_DEAD(ask);
}

static void end(struct ask *ask, enum problem problem)
{
    OBJECT(ask, ask);
    leave(ask);
    ask->problem = problem;
    ask->done(ask);
}

static void on_soon(struct task *task)
{
    struct ask *ask = LIST_OF(task, struct ask, soon);

    end(ask, ask->problem);
}

static void on_deadline(struct timer *timer)
{
    end(LIST_OF(timer, struct ask, timer), PROBLEM_server_silent);
}

static void fail_soon(struct ask *ask, enum problem problem)
{
    ask->problem = problem;
    task_defer(ask->desk->loop, &ask->soon, on_soon);
}

/* Into the book; then the letter, or a failure that is told from the loop. */
static void begin(struct module_host *host, struct ask *ask, struct arena *arena, struct letter *letter)
{
    struct desk *desk = host->desk;

    must(desk && ask->done && ask->desk == NULL);
    OBJECT_BORN(ask, ask);
    ask->desk = desk;
    ask->arena = arena;
    ask->problem = PROBLEM_none;
    ask->is_error = false;
    ask->answer = NULL;
    ask->text = SPAN("");
    ask->retry_after = 0;
    ask->call = letter->call = ++desk->serial;
    list_append(&desk->asked, &ask->node);
    map_set(desk->asked_map, key_of(&ask->call), ask);
    desk->asked_count++;
    if (desk->asked_count > ASKS_MOST)
        fail_soon(ask, PROBLEM_unavailable);
    else if (desk->router == 0 || !desk_say(desk, ROW_ROUTER, desk->router, letter))
        fail_soon(ask, PROBLEM_unavailable);
}

static uint32_t in_msec(int64_t usec)
{
    int64_t msec = usec / USEC_PER_MSEC;

    return usec <= 0 ? 0 : msec < 1 ? 1 : msec > UINT32_MAX ? UINT32_MAX : (uint32_t)msec;
}

void ask_iq(struct module_host *host, struct ask *ask, struct arena *arena, struct span from, struct span to,
            enum iq_kind kind, struct span payload, int64_t wait)
{
    begin(host, ask, arena,
          &(struct letter){ .kind = LETTER_IQ_CALL,
                            .number = in_msec(wait),
                            .count = 4,
                            .parts = { from, to, kind == IQ_GET ? SPAN("get") : SPAN("set"), payload } });
}

void ask_send(struct module_host *host, struct ask *ask, struct arena *arena, struct span from,
              struct span stanza)
{
    begin(host, ask, arena, &(struct letter){ .kind = LETTER_SEND, .count = 2, .parts = { from, stanza } });
}

void ask_login(struct module_host *host, struct ask *ask, struct arena *arena, struct span jid,
               struct span password, const char *client)
{
    begin(host, ask, arena,
          &(struct letter){
              .kind = LETTER_LOGIN, .count = 3, .parts = { jid, password, span_of(client ? client : "") } });
}

void desk_errand(struct module_host *host, struct ask *ask, struct arena *arena, const char *module,
                 const char *name, struct span body, int64_t wait)
{
    begin(host, ask, arena,
          &(struct letter){ .kind = LETTER_ERRAND,
                            .number = in_msec(wait),
                            .count = 3,
                            .parts = { span_of(module), span_of(name), body } });
    timer_set(host->loop, &ask->timer, clock_mono() + wait + ERRAND_GRACE, on_deadline);
}

void ask_errand(struct module_host *host, struct ask *ask, struct arena *arena, const char *name,
                struct span body, int64_t wait)
{
    desk_errand(host, ask, arena, host->module->name, name, body, wait);
}

void ask_logout(struct module_host *host, struct ask *ask, struct arena *arena, struct span jid)
{
    auth_cache_forget(&host->segment->auth, jid);
    web_session_end_all(&host->segment->web_sessions, jid, NULL);
    begin(host, ask, arena, &(struct letter){ .kind = LETTER_LOGOUT, .count = 1, .parts = { jid } });
}

void ask_cancel(struct ask *ask)
{
    if (ask->own)
        command_forget(ask);
    else if (ask->desk)
        leave(ask);
}

/* ---- answers ---- */

static enum problem problem_of(const struct letter *letter)
{
    return letter->number < PROBLEM_COUNT ? (enum problem)letter->number : PROBLEM_internal;
}

static enum problem take_iq(struct ask *ask, const struct letter *letter)
{
    struct xml_limits limits = xml_limits_component;
    struct xml_element *answer;
    const char *why;

    limits.element_most = LETTER_MOST;
    if (xml_document(letter->parts[1], &limits, ask->arena, &answer, &why) != 1) {
        log_error("the router handed on an answer that cannot be read (%s)", why);
        return PROBLEM_internal;
    }
    ask->answer = answer;
    ask->is_error = !span_is(letter->parts[0], "result");
    return PROBLEM_none;
}

void desk_ask_letter(struct desk *desk, const struct letter *letter)
{
    struct ask *ask = map_get(desk->asked_map, key_of(&letter->call));
    uint64_t seconds = 0;

    if (ask == NULL)
        return; /* it was cancelled */
    switch (letter->kind) {
    case LETTER_IQ_ANSWER:
        end(ask, take_iq(ask, letter));
        return;
    case LETTER_LOGIN_DONE:
        ask->text = arena_copy(ask->arena, letter->parts[0]);
        if (text_to_u64(letter->parts[1], &seconds) && seconds < UINT32_MAX)
            ask->retry_after = (unsigned)seconds;
        break;
    case LETTER_ERRAND_DONE:
        ask->text = arena_copy(ask->arena, letter->parts[0]);
        break;
    default:
        break;
    }
    end(ask, problem_of(letter));
}

/* Only those that are asked now: a done may ask anew. */
void desk_asks_fail(struct desk *desk, enum problem problem)
{
    uint64_t last = desk->serial;

    while (!list_empty(&desk->asked)) {
        struct ask *ask = LIST_OF(desk->asked.next, struct ask, node);

        if (ask->call > last)
            break;
        end(ask, problem);
    }
}

void desk_asks_forget(struct desk *desk)
{
    while (!list_empty(&desk->asked))
        leave(LIST_OF(desk->asked.next, struct ask, node));
}
