/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: web_ask.c - asking the XMPP server as the one who is logged in.
 *
 * What was proved outlives the session at the server: when that is gone, one log-in is made for all that
 * wait, and each is asked once more. The request itself is not touched: its handler may have it parked. */
#include "module/command.h"
#include "module/web_inside.h"

static void on_answer(struct ask *ask);

static void ask_now(struct web_ask *web)
{
    const struct command_asker asker = { .user = web->request->user,
                                         .is_admin = web->request->user_is_admin,
                                         .way = COMMAND_BY_BROWSER };

    web->ask.done = on_answer;
    web->ask.data = web;
    command_ask_any(web->host, &web->ask, web->arena, &asker, web->to, web->kind, web->payload, web->wait);
}

static void end(struct web_ask *web, enum problem problem, struct span text)
{
    web->ask.problem = problem;
    web->ask.text = text;
    web->done(web);
}

static void on_login(struct ask *ask)
{
    struct web_visit *visit = ask->data;
    enum problem problem = ask->problem;
    struct span text = ask->text;
    struct list *node;

    visit->is_login_on = false;
    if (problem == PROBLEM_none)
        while ((node = list_take(&visit->waiting)))
            ask_now(LIST_OF(node, struct web_ask, node));
    else
        while ((node = list_take(&visit->waiting)))
            end(LIST_OF(node, struct web_ask, node), problem, text);
}

static void log_in(struct web_ask *web)
{
    struct web_visit *visit = web_visit(web->request);

    list_append(&visit->waiting, &web->node);
    if (visit->is_login_on)
        return;
    visit->login = (struct ask){ .done = on_login, .data = visit };
    if (login_anew(web->host, web->request, &visit->login)) {
        visit->is_login_on = true;
        return;
    }
    list_remove(&web->node);
    end(web, PROBLEM_not_authorized, SPAN("")); /* the session ended meanwhile */
}

static void on_answer(struct ask *ask)
{
    struct web_ask *web = ask->data;

    if (ask->problem == PROBLEM_no_session && web->tries++ == 0)
        log_in(web);
    else
        web->done(web);
}

void web_ask(struct module_host *host, struct http_request *request, struct web_ask *web, struct arena *arena,
             struct span to, enum iq_kind kind, struct span payload, int64_t wait)
{
    void (*done)(struct web_ask *) = web->done;
    void *data = web->data;

    *web = (struct web_ask){ .done = done,
                             .data = data,
                             .request = request,
                             .host = host,
                             .arena = arena,
                             .to = arena_copy(arena, to),
                             .payload = arena_copy(arena, payload),
                             .kind = kind,
                             .wait = wait };
    ask_now(web);
}

void web_ask_cancel(struct web_ask *web)
{
    ask_cancel(&web->ask);
    list_remove(&web->node);
}
