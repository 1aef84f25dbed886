/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: scripts_call.c - a request becomes a call of a script's handler, and what the handler
 * calls back with becomes the answer.
 *
 * The arguments stand as the contract has them: the user only where a role is required, the content only
 * where there is one, then the groups of the expression. */
#include "scripts.h"

#include "os/log.h"

#define HEADERS_MOST 64 /* of an answer that a script makes itself */

/* ---- the answer ---- */

static void answer_failed(struct rest_run *run, const struct script_outcome *outcome)
{
    struct rest_call *call = run->call;

    log_error("script %s failed (request %s): %.*s", run->script->path, call->request->id,
              SPAN_ARG(outcome->why));
    switch (outcome->failure) {
    case SCRIPT_BUSY:
    case SCRIPT_GONE:
        reply_field(call->request, "Retry-After", SPAN("1"));
        rest_problem(call, PROBLEM_unavailable,
                     "Too many calls of this script are under way; try again soon");
        return;
    case SCRIPT_TOO_LONG:
        rest_problem(call, PROBLEM_internal, "The script took too long; this server's log says where");
        return;
    case SCRIPT_TOO_LARGE:
        rest_problem(call, PROBLEM_internal, "The script used too much memory; this server's log says where");
        return;
    case SCRIPT_SILENT:
        rest_problem(call, PROBLEM_internal, "The script ended without an answer");
        return;
    case SCRIPT_THREW:
        break;
    }
    rest_problem(call, PROBLEM_internal, "The script failed; this server's log says why");
}

/* How a message ends and what the writer itself says are not the script's. */
static bool is_ours(struct span name)
{
    static const char *const ours[] = { "connection", "content-length", "content-type",          "date",
                                        "keep-alive", "server",         "transfer-encoding",     "trailer",
                                        "upgrade",    "x-request-id",   "x-content-type-options" };

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (span_eq_nocase(name, span_of(ours[i])))
            return true;
    return false;
}

static bool is_token(struct span name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.at[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
              c == '_'))
            return false;
    }
    return name.size > 0;
}

static void answer_response(struct rest_run *run, const struct script_outcome *outcome)
{
    struct http_request *request = run->call->request;
    int status = outcome->status >= 200 && outcome->status <= 599 ? outcome->status : 500;

    for (size_t i = 0; i < outcome->header_count && i < HEADERS_MOST; i++)
        if (is_token(outcome->headers[i].name) && !is_ours(outcome->headers[i].name))
            reply_field(request, arena_text(request->arena, outcome->headers[i].name),
                        outcome->headers[i].value);
    /* sendError leaves plain text: it is told in the caller's own format */
    if (status >= 400 && (outcome->type.size == 0 || span_starts(outcome->type, SPAN("text/plain")))) {
        rest_problem_status(run->call, status, NULL,
                            outcome->text.size > 0 ? arena_text(request->arena, outcome->text) : NULL);
        return;
    }
    if (outcome->text.size == 0 && outcome->type.size == 0)
        reply_empty(request, status);
    else
        reply_send(request, status, outcome->type.size > 0 ? arena_text(request->arena, outcome->type) : NULL,
                   outcome->text);
}

/* The formats have one root: a table with more members, or a list, is put under "result". */
static void answer_table(struct rest_run *run, struct json_object *json)
{
    if (rest_script_page(run, json))
        return;
    if (run->call->format != REST_JSON &&
        (!json_object_is_type(json, json_type_object) || json_object_object_length(json) != 1)) {
        struct json_object *root = json_object_new_object();

        json_object_object_add(root, "result", json_object_get(json));
        rest_answer(run->call, root);
        return;
    }
    rest_answer(run->call, json_object_get(json));
}

static void on_done(void *data, const struct script_outcome *outcome)
{
    struct rest_run *run = OBJECT(data, rest_run);
    struct rest_call *call = run->call;

    run->at_work = NULL;
    call->on_cancel = NULL;
    if (run->is_logging_in) /* for a verb that nobody waits for any more */
        login_again_cancel(call->request);
    switch (outcome->kind) {
    case SCRIPT_NOTHING:
        rest_problem(call, PROBLEM_not_found, NULL);
        return;
    case SCRIPT_TEXT:
        rest_answer_bytes(call, NULL, outcome->text);
        return;
    case SCRIPT_RESULT:
        rest_answer_bytes(call, arena_text(call->request->arena, outcome->type), outcome->text);
        return;
    case SCRIPT_TABLE:
        answer_table(run, outcome->json);
        return;
    case SCRIPT_RESPONSE:
        answer_response(run, outcome);
        return;
    case SCRIPT_FAILED:
        answer_failed(run, outcome);
        return;
    }
}

/* ---- the call ---- */

static void on_cancel(struct rest_call *call)
{
    struct rest_run *run = OBJECT(call->data, rest_run);

    if (run->at_work != NULL)
        script_cancel(run->at_work);
    run->at_work = NULL;
}

/* Into args (room for REST_GROUPS_MOST + 2); request_r: to be put, where one was made. */
static unsigned make_args(struct rest_call *call, const struct script_about *about, struct script_arg *args,
                          struct json_object **request_r)
{
    unsigned count = 0;

    if (about->required_role.size > 0)
        args[count++] = (struct script_arg){ .kind = ARG_TEXT, .text = call->login.jid };
    if (call->has_content && about->decode_content && call->content != NULL) {
        args[count++] = (struct script_arg){ .kind = ARG_JSON, .json = call->content };
    } else if (call->has_content) {
        *request_r = rest_script_request(call);
        args[count++] = (struct script_arg){ .kind = ARG_REQUEST, .json = *request_r };
    }
    for (unsigned i = 0; i < call->group_count; i++)
        args[count++] = (struct script_arg){ .kind = call->groups[i].at != NULL ? ARG_TEXT : ARG_NULL,
                                             .text = call->groups[i] };
    return count;
}

/* A role of the script's own invention: accounts of an XMPP server have none, so nobody may. */
static bool is_role_refused(struct rest_call *call, struct span role)
{
    char *why;

    if (role.size == 0 || span_is(role, "user") || span_is(role, "admin"))
        return false;
    why = arena_printf(call->request->arena, "This needs the role %.*s, which no account here has",
                       SPAN_ARG(role));
    rest_problem(call, PROBLEM_forbidden, why);
    return true;
}

void rest_script_run(struct rest_call *call)
{
    struct rest_script *one = OBJECT(call->endpoint->script, rest_script);
    const struct script_about *about = script_about(one->script);
    struct script_arg args[REST_GROUPS_MOST + 2];
    struct json_object *request = NULL;
    struct script_call *at_work;
    struct rest_run *run;
    unsigned count;

    if (is_role_refused(call, about->required_role))
        return;
    run = arena_make(call->request->arena, struct rest_run);
    OBJECT_BORN(run, rest_run);
    run->call = call;
    run->script = one;
    list_init(&run->relogins);
    call->data = run;
    call->on_cancel = on_cancel;
    call->request->doing = "running a script";
    count = make_args(call, about, args, &request);
    at_work = script_run(one->script, call->method->method, args, count, on_done, run);
    json_object_put(request);
    if (at_work != NULL) /* else it is answered, and the request with all of its memory may be gone */
        run->at_work = at_work;
}
