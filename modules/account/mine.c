/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mine.c - the page itself: recovery address and uploads of who is logged in. */
#include "mine.h"

#include "base/clock.h"
#include "base/text.h"
#include "module/web.h"
#include "page/page.h"
#include "page/texts.h"
#include "uploads.h"

#include <json-c/json.h>

struct mine {
    OBJECT_MAGIC
    struct visit *visit;
    int status;
    const char *note;           /* NULL: none */
    struct json_object *values; /* owned */
    struct uploads_ask space, files;
    unsigned waits;
    const char *files_vars[2];
    struct span files_values[2];
};

static void put_moment(struct json_object *values, const char *name, int64_t seconds)
{
    char stamp[STAMP_SIZE];

    if (seconds <= 0)
        return;
    text_stamp(seconds * USEC_PER_SEC, stamp);
    json_put_text(values, name, span_of(stamp));
}

/* false: the table could not be read. */
static bool put_address(struct mine *mine)
{
    struct http_request *request = mine->visit->request;
    struct recovery_row row;
    int found = recovery_find(&mine->visit->account->recovery, request->user, request->arena, &row);

    if (found < 0)
        return false;
    json_put_text(mine->values, "address", row.address);
    json_put_text(mine->values, "pending", row.pending);
    put_moment(mine->values, "confirmed", row.confirmed);
    return true;
}

static void put_tokens(struct mine *mine)
{
    static const struct {
        const char *name, *purpose;
    } tokens[] = { { "token_address", MINE_ADDRESS },
                   { "token_password", MINE_PASSWORD },
                   { "token_delete", MINE_DELETE } };
    struct module_host *host = mine->visit->account->host;

    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
        json_put_text(mine->values, tokens[i].name, web_token(host, mine->visit->request, tokens[i].purpose));
}

/* ---- uploads ---- */

static void answer(struct mine *mine)
{
    struct visit *visit = mine->visit;
    struct json_object *values = mine->values;

    mine->values = NULL;
    OBJECT_DEAD(mine);
    visit->request->handler_data = visit;
    visit_answer(visit, mine->status, "mine", values, NULL);
}

static void put_number(struct mine *mine, const char *var, const char *name)
{
    struct arena *arena = mine->visit->request->arena;
    int64_t bytes = uploads_number(&mine->space, arena, var);

    if (bytes >= 0)
        json_put_text(mine->values, name, span_of(uploads_size(arena, bytes)));
}

static void put_uploads(struct mine *mine)
{
    struct arena *arena = mine->visit->request->arena;
    struct json_object *files;
    struct span next;
    int64_t quota = uploads_number(&mine->space, arena, "quota");
    int64_t used = uploads_number(&mine->space, arena, "used-space");

    put_number(mine, "used-space", "used");
    if (quota > 0) {
        put_number(mine, "quota", "quota");
        json_object_object_add(mine->values, "quota_bytes", json_object_new_int64(quota));
        json_object_object_add(mine->values, "used_bytes", json_object_new_int64(used > 0 ? used : 0));
    }
    json_object_object_add(mine->values, "has_files", json_object_new_boolean(mine->files.is_good));
    if (!mine->files.is_good)
        return;
    files = uploads_list(&mine->files, arena, &next);
    for (size_t i = 0; i < json_object_array_length(files); i++)
        json_object_object_add(json_object_array_get_idx(files, i), "token_delete",
                               json_object_get(json_member(mine->values, "token_delete")));
    json_object_object_add(mine->values, "has_rows",
                           json_object_new_boolean(json_object_array_length(files) > 0));
    json_object_object_add(mine->values, "files", files);
    json_put_text(mine->values, "next", next);
}

static void on_uploads(struct uploads_ask *ask)
{
    struct mine *mine = OBJECT(ask->data, mine);

    if (--mine->waits > 0)
        return;
    put_uploads(mine);
    answer(mine);
}

static void on_cancel(struct http_request *request)
{
    struct mine *mine = OBJECT(request->handler_data, mine);

    uploads_cancel(&mine->space);
    uploads_cancel(&mine->files);
}

static void on_free(void *data)
{
    struct mine *mine = data;

    json_object_put(mine->values);
}

static void ask_uploads(struct mine *mine)
{
    struct http_request *request = mine->visit->request;
    struct module_host *host = mine->visit->account->host;
    struct span after = request_parameter(request, "after");

    request->handler_data = mine;
    request->on_cancel = on_cancel;
    request->doing = "asking for the uploads of an account";
    mine->waits = 2;
    mine->space.done = mine->files.done = on_uploads;
    mine->space.data = mine->files.data = mine;
    mine->files_vars[0] = "limit";
    mine->files_values[0] = SPAN(UPLOADS_PAGE);
    mine->files_vars[1] = "after-id";
    mine->files_values[1] = after.size <= 64 ? after : SPAN("");
    uploads_run(&mine->space, host, request->arena, request->user, "query-space-used", NULL, NULL, 0);
    uploads_run(&mine->files, host, request->arena, request->user, "query-files", mine->files_vars,
                mine->files_values, after.size > 0 ? 2 : 1);
}

/* ---- the page ---- */

void mine_show_again(struct visit *visit, int status, const char *note)
{
    struct mine *mine = arena_make(visit->request->arena, struct mine);

    OBJECT_BORN(mine, mine);
    arena_on_free(visit->request->arena, on_free, mine);
    mine->visit = visit;
    mine->status = status;
    mine->values = json_object_new_object();
    visit->format = VISIT_HTML;
    json_put_text(mine->values, "title", span_of(TEXT(account_mine_title)));
    json_put_text(mine->values, "place", SPAN("account"));
    json_put_text(mine->values, "jid", visit->request->user);
    json_put_text(mine->values, "account_path", span_of(visit->account->conf->context_path + 1));
    json_object_object_add(mine->values, "least",
                           json_object_new_int64(visit->account->conf->password_least));
    if (note != NULL)
        json_put_text(mine->values, "note", span_of(note));
    put_tokens(mine);
    if (!put_address(mine)) {
        visit_trouble(visit, 500, TEXT(account_internal));
        return;
    }
    if (uploads_component(visit->account->host).at != NULL)
        ask_uploads(mine);
    else
        answer(mine);
}

/* What a redirect says was done. */
static const char *note_of(struct http_request *request)
{
    struct span done = request_parameter(request, "done");

    if (span_is(done, "deleted"))
        return TEXT(account_file_deleted);
    if (span_is(done, "mailed"))
        return TEXT(account_address_mailed);
    return span_is(done, "forgotten") ? TEXT(account_address_forgotten) : NULL;
}

void mine_show(struct http_request *request)
{
    mine_show_again(visit_begin(request), 200, note_of(request));
}
