/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: resume.c - uploads that go on after they broke, on the slot's own URL for PUT: by the
 * IETF's draft-ietf-httpbis-resumable-upload and by tus 1.0.0.
 *
 * find the slot -> check -> claim -> (first time) record that it may take longer -> append -> fsync -> say
 * how far it has come; with the last byte: digest of all, second name, record, 201, as a plain PUT ends.
 *
 * The size of the partial file is all the state there is. The claim makes one request at a time change it or
 * tell it, over all workers; it dies with its worker, and what that had written counts. A HEAD takes the
 * claim as well, since it syncs before it tells. A partial file keeps its name until the whole one is
 * recorded, so there is no moment at which a crash could make the offset smaller than what was told. */
#include "resume.h"

#include "base/clock.h"
#include "http/reply.h"
#include "os/log.h"
#include "parse/http_value.h"
#include "shm/count.h"

static struct segment *segment_of(const struct resume *resume)
{
    return resume->upload->host->segment;
}

void resume_end(struct resume **address)
{
    struct resume *resume = *address;
    const struct module_host *host = resume->upload->host;

    *address = NULL;
    if (resume->is_claimed)
        claim_drop(&segment_of(resume)->claims, resume_slot(resume)->id, host->row, host->generation);
    file_partial_close(&resume->partial);
    if (resume->request != NULL)
        resume->request->on_cancel = NULL;
    OBJECT_DEAD(resume);
    arena_free(&resume->arena);
}

/* ---- after this request's last byte ---- */

static void on_kept(void *data, enum problem problem)
{
    struct resume *resume = OBJECT(data, resume);

    if (problem == PROBLEM_none)
        problem = resume->ending;
    if (problem == PROBLEM_offset_mismatch)
        resume_refuse_offset(&resume);
    else if (problem != PROBLEM_none)
        resume_refuse(&resume, problem, NULL);
    else if (resume->kind == RESUME_LOOK)
        resume_tell_offset(&resume);
    else
        resume_tell_kept(&resume);
}

/* Makes durable what is there; then the client, if it is still there, hears `ending`. */
static void keep(struct resume *resume, enum problem ending)
{
    resume->state = RESUME_KEEPING;
    resume->ending = ending;
    resume->offset = file_partial_size(resume->partial);
    if (resume->request != NULL)
        resume->request->doing = "waiting for the disk";
    file_partial_keep(&resume->partial, on_kept, resume);
}

/* ---- after the upload's last byte ---- */

static void on_unpublished(void *data, int result)
{
    struct resume *resume = OBJECT(data, resume);

    (void)result; /* said in the log; the sweep takes the file */
    resume_refuse(&resume, resume->ending, NULL);
}

/* Not when the store failed: nobody knows then what it has kept. The partial file is still there for another
 * try, but where the slot is not any more. */
static void refuse_record(struct resume *resume, int result)
{
    struct file_place place = upload_place(resume->find.repository, &resume->fill.slot);
    bool is_slot_gone = result == REFUSED_ABSENT || result == REFUSED_STATE;

    resume->ending = upload_fill_problem(result);
    if (resume->upload->files == NULL || (result != STORE_FULL && !is_slot_gone)) {
        resume_refuse(&resume, resume->ending, NULL);
        return;
    }
    if (is_slot_gone) {
        struct file_place partial = upload_partial_place(resume->find.repository, resume_slot(resume));

        file_store_remove(resume->upload->files, &partial, NULL, NULL);
    }
    file_store_remove(resume->upload->files, &place, on_unpublished, resume);
}

static void on_recorded(struct slot_fill *fill, int result)
{
    struct resume *resume = LIST_OF(fill, struct resume, fill);
    struct file_place place;

    if (result != 0) {
        refuse_record(resume, result);
        return;
    }
    count_add(COUNT_uploads, 1);
    count_add(COUNT_upload_bytes, (uint64_t)fill->slot.size);
    place = upload_partial_place(resume->find.repository, resume_slot(resume));
    if (resume->upload->files != NULL) /* else this process ends; the keeper sweeps the name away */
        file_store_remove(resume->upload->files, &place, NULL, NULL);
    resume_tell_done(&resume);
}

static void on_whole(void *data, enum problem problem)
{
    struct resume *resume = OBJECT(data, resume);

    if (problem != PROBLEM_none) {
        resume_refuse(&resume, problem, NULL);
        return;
    }
    if (resume->request != NULL)
        resume->request->doing = "recording the upload";
    resume->fill.slot.filled = clock_wall();
    resume->fill.done = on_recorded;
    resume->find.repository->kind->fill(resume->find.repository, &resume->fill);
}

static void finish(struct resume *resume)
{
    struct slot *slot = &resume->fill.slot;
    struct file_place place;

    *slot = *resume_slot(resume);
    slot->is_grouped = resume->upload->conf->store->group_by_user && slot->owner.size > 0;
    place = upload_place(resume->find.repository, slot);
    resume->state = RESUME_WHOLE;
    resume->request->doing = "waiting for the disk";
    file_partial_finish(&resume->partial, &place, slot->sha256, on_whole, resume);
}

/* ---- the body ---- */

static void on_body_done(struct http_request *request)
{
    struct resume *resume = OBJECT(request->handler_data, resume);
    bool is_all = file_partial_size(resume->partial) == resume_slot(resume)->size;

    if (is_all && (resume->wish.dialect == DIALECT_TUS || resume->wish.is_complete))
        finish(resume);
    else
        keep(resume, PROBLEM_none);
}

static void on_body_bytes(struct http_request *request, struct span piece)
{
    struct resume *resume = OBJECT(request->handler_data, resume);
    int64_t room = resume_slot(resume)->size - file_partial_size(resume->partial);
    enum problem problem = PROBLEM_longer_than_promised; /* http counts as well: this never happens */

    if ((int64_t)piece.size <= room)
        problem = file_partial_add(resume->partial, piece);
    if (problem == PROBLEM_none)
        return;
    count_add(COUNT_uploads_broken, 1);
    request_pause_body(request);
    keep(resume, problem);
}

static void on_cancel(struct http_request *request)
{
    struct resume *resume = OBJECT(request->handler_data, resume);

    resume->request = NULL;
    if (resume->state != RESUME_RECEIVING)
        return; /* what is under way ends it */
    count_add(COUNT_uploads_broken, 1);
    keep(resume, PROBLEM_none);
}

static void receive(struct resume *resume)
{
    static const struct body_sink sink = { on_body_bytes, on_body_done };

    if (resume->kind == RESUME_CREATE)
        resume_announce(resume);
    resume->state = RESUME_RECEIVING;
    resume->request->doing = "taking the upload";
    request_take_body(resume->request, &sink);
}

/* ---- claimed: before the first byte ---- */

/* The offset is agreed upon: does the body fit? */
static enum problem check_size(const struct resume *resume)
{
    int64_t size = resume_slot(resume)->size, left = size - file_partial_size(resume->partial);

    if (resume->size > left)
        return PROBLEM_longer_than_promised;
    if (resume->wish.dialect != DIALECT_TUS && resume->wish.is_complete && resume->size < left)
        return PROBLEM_size_mismatch;
    return file_partial_reserve(resume->partial, size - left + resume->size);
}

static void open_partial(struct resume *resume)
{
    struct file_place place = upload_partial_place(resume->find.repository, resume_slot(resume));
    enum problem problem;

    resume->partial = file_partial_open(resume->upload->files, &place, resume->kind != RESUME_LOOK, &problem);
    if (resume->partial == NULL && problem != PROBLEM_none) {
        resume_refuse(&resume, problem, NULL);
        return;
    }
    if (resume->kind == RESUME_LOOK) {
        if (resume->partial != NULL)
            keep(resume, PROBLEM_none);
        else
            resume_tell_offset(&resume); /* 0: it was cancelled */
        return;
    }
    if (file_partial_size(resume->partial) != (resume->kind == RESUME_CREATE ? 0 : resume->wish.offset)) {
        keep(resume, PROBLEM_offset_mismatch);
        return;
    }
    problem = check_size(resume);
    if (problem != PROBLEM_none)
        resume_refuse(&resume, problem, NULL);
    else
        receive(resume);
}

static void on_extended(struct slot_extend *extend, int result)
{
    struct resume *resume = LIST_OF(extend, struct resume, extend);

    if (resume->request == NULL)
        resume_end(&resume);
    else if (result != 0)
        resume_refuse(&resume, upload_fill_problem(result), NULL);
    else
        open_partial(resume);
}

/* Durable before the first byte is kept: the keeper must not take the slot back between two requests. */
static void extend(struct resume *resume)
{
    const struct slot *slot = resume_slot(resume);
    struct slot_extend *change = &resume->extend;

    memcpy(change->id, slot->id, SLOT_ID);
    change->until = slot->allocated + resume->upload->conf->logic->resume_validity;
    if (slot->expires != 0 && change->until > slot->expires)
        change->until = slot->expires;
    change->done = on_extended;
    resume->find.repository->kind->extend(resume->find.repository, change);
}

static void on_dropped(void *data, int result)
{
    struct resume *resume = OBJECT(data, resume);

    if (result != 0)
        resume_refuse(&resume, PROBLEM_internal, NULL);
    else if (resume->kind == RESUME_CANCEL || resume->request == NULL)
        resume_tell_gone(&resume);
    else
        open_partial(resume);
}

static void drop(struct resume *resume)
{
    struct file_place place = upload_partial_place(resume->find.repository, resume_slot(resume));

    file_store_remove(resume->upload->files, &place, on_dropped, resume);
}

static void go_on(struct resume *resume)
{
    bool has_partial = resume_slot(resume)->has_partial;

    resume->state = RESUME_PREPARING;
    resume->request->doing = "preparing the upload";
    if (resume->kind == RESUME_CANCEL && !has_partial)
        resume_tell_gone(&resume);
    else if (has_partial && (resume->kind == RESUME_CANCEL || resume->kind == RESUME_CREATE))
        drop(resume);
    else if (has_partial)
        open_partial(resume);
    else if (resume->kind == RESUME_APPEND && resume->wish.offset != 0)
        resume_refuse_offset(&resume);
    else
        extend(resume);
}

/* ---- before the claim ---- */

static enum problem check_body(const struct resume *resume, const char **detail_r)
{
    const struct http_request *request = resume->request;
    const struct slot *slot = resume_slot(resume);
    struct span type = request_field(request, "content-type");

    if (resume->kind == RESUME_LOOK || resume->kind == RESUME_CANCEL)
        return PROBLEM_none;
    if (request_field(request, "content-range").at != NULL) { /* another way to say where: RFC 9110 14.5 */
        *detail_r = "Where a part belongs is told by Upload-Offset alone";
        return PROBLEM_bad_request;
    }
    if (request->body_size < 0 || (resume->kind == RESUME_CREATE && !request->head->has_length))
        return PROBLEM_length_required;
    if (resume->kind == RESUME_CREATE && slot->type.size > 0 && type.size > 0 &&
        !media_type_same(type, slot->type))
        return PROBLEM_type_mismatch;
    if (resume->wish.length >= 0 && resume->wish.length != slot->size)
        return resume->wish.length > slot->size ? PROBLEM_longer_than_promised : PROBLEM_size_mismatch;
    return PROBLEM_none;
}

/* What the slot and the head of the request tell; PROBLEM_none: go on. */
static enum problem check(const struct resume *resume, const char **detail_r)
{
    const struct slot *slot = resume_slot(resume);
    int64_t now = clock_wall();

    if (!upload_path_is_of(&resume->match, slot))
        return PROBLEM_no_such_slot;
    if (slot->state == SLOT_LAPSED)
        return slot->was_filled ? PROBLEM_gone : PROBLEM_slot_expired;
    if (!upload_token_is_right(resume->request, slot)) {
        *detail_r = "This slot needs the Authorization header that came with it";
        return PROBLEM_forbidden;
    }
    if (slot->state == SLOT_FILLED && slot->expires != 0 && slot->expires <= now)
        return PROBLEM_gone;
    if (slot->state == SLOT_FILLED)
        return resume->kind == RESUME_LOOK ? PROBLEM_none : PROBLEM_slot_filled;
    if (slot->put_until <= now)
        return PROBLEM_slot_expired;
    return check_body(resume, detail_r);
}

static void take_claim(struct resume *resume)
{
    const struct module_host *host = resume->upload->host;
    struct segment *segment = segment_of(resume);

    switch (
        claim_take(&segment->claims, &segment->board, resume_slot(resume)->id, host->row, host->generation)) {
    case CLAIM_WON:
        resume->is_claimed = true;
        /* Another request may have changed the slot between our look and our claim; from now on none can. */
        slot_pool_find(resume->upload->pool, &resume->find);
        return;
    case CLAIM_TAKEN:
        resume_refuse_busy(&resume, false);
        return;
    case CLAIM_TABLE_FULL:
        resume_refuse_busy(&resume, true);
    }
}

/* To those who handle requests that are no resumable upload. */
static void hand_over(struct resume *resume)
{
    struct http_request *request = resume->request;
    enum resume_kind kind = resume->kind;
    bool is_download_url = resume->is_download_url;

    resume_end(&resume);
    if (kind == RESUME_CREATE)
        upload_put_plain(request);
    else if (kind == RESUME_LOOK && is_download_url)
        upload_download(request);
    else if (kind == RESUME_LOOK)
        reply_problem(request, PROBLEM_not_found, NULL);
    else
        upload_refuse_method(request, false);
}

/* Where one URL serves PUT and GET, HEAD is the download's, unless an upload is under way or asked about. */
static bool is_download(const struct resume *resume, int found)
{
    const struct slot *slot = resume_slot(resume);

    if (resume->kind != RESUME_LOOK || !resume->is_download_url)
        return false;
    return found != 1 || slot->state != SLOT_PROMISED ||
           (!slot->has_partial && resume->wish.dialect == DIALECT_NONE);
}

static void on_found(struct pool_find *find, int found)
{
    struct resume *resume = LIST_OF(find, struct resume, find);
    const struct slot *slot = &find->find.slot;
    const char *detail = NULL;
    enum problem problem;

    if (resume->request == NULL) {
        resume_end(&resume);
        return;
    }
    if (found == 1 && find->repository->partial_area == NULL) {
        hand_over(resume);
        return;
    }
    if (is_download(resume, found)) {
        if (found == 1 && slot->state == SLOT_FILLED && resume->wish.dialect != DIALECT_NONE)
            resume_state_fields(resume->request, &resume->wish, slot->size, true);
        hand_over(resume);
        return;
    }
    if (found != 1) {
        resume_refuse(&resume, found < 0 ? PROBLEM_internal : PROBLEM_no_such_slot, NULL);
        return;
    }
    problem = check(resume, &detail);
    if (problem == PROBLEM_slot_filled)
        resume_state_fields(resume->request, &resume->wish, slot->size, true);
    if (problem != PROBLEM_none)
        resume_refuse(&resume, problem, detail);
    else if (resume->kind == RESUME_LOOK && (slot->state == SLOT_FILLED || !slot->has_partial))
        resume_tell_offset(&resume);
    else if (!resume->is_claimed)
        take_claim(resume);
    else
        go_on(resume);
}

void resume_start(struct http_request *request, enum resume_kind kind, const struct resume_wish *wish,
                  const struct uri_match *match)
{
    struct upload *upload = OBJECT(request->state, upload);
    struct arena *arena = arena_new();
    struct resume *resume = arena_make(arena, struct resume);
    struct uri_match other;

    OBJECT_BORN(resume, resume);
    resume->kind = kind;
    resume->wish = *wish;
    resume->arena = arena;
    resume->request = request;
    resume->upload = upload;
    resume->size = request->body_size;
    resume->match = uri_match_keep(match, arena);
    resume->is_download_url = uri_template_match(&upload->get_template, request->path, &other);
    resume->find.find.slot_id = resume->match.slot_id;
    resume->find.find.filename = resume->match.filename;
    resume->find.find.arena = arena;
    resume->find.domain = upload_path_domain(&resume->match);
    resume->find.done = on_found;
    request->handler_data = resume;
    request->on_cancel = on_cancel;
    request->doing = "looking for the slot";
    slot_pool_find(upload->pool, &resume->find);
}
