/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: put.c - PUT of a file into its slot.
 *
 * find the slot -> check -> claim -> reserve room -> take the body -> make it durable under its name ->
 * record it -> 201. Whatever breaks before the record leaves the slot PROMISED and free for another try: the
 * claim goes with the PUT or with the worker, the temporary file has no name, a file that got its name is
 * removed or, after a crash, replaced by the next try. A 201 means that the file survives a power cut. */
#include "base/clock.h"
#include "base/codec.h"
#include "base/digest.h"
#include "http/reply.h"
#include "os/log.h"
#include "parse/http_value.h"
#include "shm/count.h"
#include "upload.h"

enum put_state {
    PUT_FINDING,   /* the repository looks for the slot, once before the claim and once behind it */
    PUT_RECEIVING, /* claimed; pieces of the body come */
    PUT_SYNCING,   /* all have come; the disk works; may still be given up */
    PUT_RECORDING, /* the file stands under its name, the record is on its way: it will be kept */
};

struct put {
    OBJECT_MAGIC
    enum put_state state;
    struct http_request *request; /* NULL: the client is gone */
    struct upload *upload;
    struct arena *arena; /* owned; the put lies in it, as the disk outlives requests */
    struct uri_match match;
    struct pool_find find;
    struct file_upload *file;
    struct digest *digest;
    struct slot_fill fill;
    bool is_claimed;
    enum problem refusal; /* to be told once the file is away */
    int64_t received;
};

/* ---- the end ---- */

static struct segment *segment_of(const struct put *put)
{
    return put->upload->host->segment;
}

static void put_end(struct put *put)
{
    const struct module_host *host = put->upload->host;

    if (put->is_claimed)
        claim_drop(&segment_of(put)->claims, put->find.find.slot.id, host->row, host->generation);
    file_upload_drop(&put->file);
    if (put->digest != NULL)
        digest_free(&put->digest);
    if (put->request != NULL)
        put->request->on_cancel = NULL;
    OBJECT_DEAD(put);
    arena_free(&put->arena);
}

static void refuse(struct put *put, enum problem problem, const char *detail)
{
    struct http_request *request = put->request;

    put_end(put);
    if (request != NULL)
        reply_problem(request, problem, detail);
}

static void on_cancel(struct http_request *request)
{
    struct put *put = OBJECT(request->handler_data, put);

    put->request = NULL;
    if (put->state == PUT_RECEIVING || put->state == PUT_SYNCING)
        count_add(COUNT_uploads_broken, 1);
    if (put->state == PUT_RECEIVING)
        put_end(put);
    /* else what is under way ends it */
}

/* ---- after the last byte ---- */

static void on_unpublished(void *data, int result)
{
    struct put *put = OBJECT(data, put);

    (void)result; /* said in the log; the next try replaces the file */
    refuse(put, put->refusal, NULL);
}

/* The file has its name, but no record will say so: it goes, and only then the claim, or the next PUT at
 * another worker could lose its own file to this removal. */
static void unpublish(struct put *put, enum problem refusal)
{
    struct file_place place = upload_place(put->find.repository, &put->fill.slot);

    put->refusal = refusal;
    if (put->upload->files != NULL)
        file_store_remove(put->upload->files, &place, on_unpublished, put);
    else
        on_unpublished(put, 0); /* this process ends; the keeper sweeps the file away */
}

enum problem upload_fill_problem(int result)
{
    switch (result) {
    case STORE_FULL:
        return PROBLEM_disk_full;
    case REFUSED_ABSENT:
    case REFUSED_STATE:
        return PROBLEM_slot_expired; /* deleted meanwhile */
    case REFUSED_FILLED:
        return PROBLEM_slot_filled;
    default:
        return PROBLEM_internal;
    }
}

static void on_recorded(struct slot_fill *fill, int result)
{
    struct put *put = LIST_OF(fill, struct put, fill);
    struct http_request *request = put->request;

    if (result != 0) {
        /* Not when the store failed: nobody knows then what it has kept. The next try replaces the file. */
        if (result == STORE_FULL || result == REFUSED_ABSENT || result == REFUSED_STATE)
            unpublish(put, upload_fill_problem(result));
        else
            refuse(put, upload_fill_problem(result), NULL);
        return;
    }
    count_add(COUNT_uploads, 1);
    count_add(COUNT_upload_bytes, (uint64_t)put->fill.slot.size);
    put_end(put);
    if (request == NULL)
        return;
    safety_fields(request);
    reply_empty(request, 201);
}

static void on_durable(void *data, enum problem problem)
{
    struct put *put = OBJECT(data, put);

    if (problem != PROBLEM_none) {
        refuse(put, problem, NULL);
        return;
    }
    if (put->request == NULL && put->find.repository->kind->keeps_records) {
        unpublish(put, PROBLEM_none); /* who never saw a 201 will try again */
        return;
    }
    put->state = PUT_RECORDING;
    if (put->request != NULL)
        put->request->doing = "recording the upload";
    put->fill.slot.filled = clock_wall();
    put->fill.done = on_recorded;
    put->find.repository->kind->fill(put->find.repository, &put->fill);
}

static void on_body_done(struct http_request *request)
{
    struct put *put = OBJECT(request->handler_data, put);

    if (put->received != put->find.find.slot.size) { /* http counts as well: this never happens */
        refuse(put, PROBLEM_size_mismatch, NULL);
        return;
    }
    put->state = PUT_SYNCING;
    request->doing = "waiting for the disk";
    digest_end(put->digest, put->fill.slot.sha256);
    file_upload_finish(&put->file, on_durable, put);
}

static void on_body_bytes(struct http_request *request, struct span piece)
{
    struct put *put = OBJECT(request->handler_data, put);
    enum problem problem = PROBLEM_none;

    put->received += (int64_t)piece.size;
    if (put->received > put->find.find.slot.size)
        problem = PROBLEM_longer_than_promised;
    else
        problem = file_upload_add(put->file, piece);
    if (problem == PROBLEM_none) {
        digest_add(put->digest, piece);
        return;
    }
    count_add(COUNT_uploads_broken, 1);
    refuse(put, problem, NULL);
}

/* ---- before the first ---- */

bool upload_token_is_right(const struct http_request *request, const struct slot *slot)
{
    struct span given = { 0 };
    struct buf wanted = { 0 };
    bool is_right;

    if (!slot->has_token)
        return true;
    codec_hex(&wanted, span_make((const char *)slot->token, SLOT_TOKEN));
    is_right = http_credentials(request_field(request, "authorization"), "Bearer", &given) &&
               given.size == wanted.size && digest_equal(given.at, wanted.at, wanted.size);
    buf_free(&wanted);
    return is_right;
}

/* What the slot and the head of the request tell; PROBLEM_none: go on. */
static enum problem check(const struct put *put, const char **detail_r)
{
    const struct http_request *request = put->request;
    const struct slot *slot = &put->find.find.slot;
    struct span type = request_field(request, "content-type");

    if (!upload_path_is_of(&put->match, slot))
        return PROBLEM_no_such_slot;
    if (slot->state == SLOT_LAPSED)
        return slot->was_filled ? PROBLEM_gone : PROBLEM_slot_expired;
    if (!upload_token_is_right(request, slot)) {
        *detail_r = "This slot needs the Authorization header that came with it";
        return PROBLEM_forbidden;
    }
    if (slot->state == SLOT_FILLED)
        return PROBLEM_slot_filled;
    if (slot->put_until <= clock_wall())
        return PROBLEM_slot_expired;
    if (request_field(request, "content-range").at != NULL) {
        *detail_r =
            "An upload cannot be made in parts"; /* RFC 9110 14.5: a part is never taken for the whole */
        return PROBLEM_bad_request;
    }
    if (request->body_size < 0 || !request->head->has_length)
        return PROBLEM_length_required;
    if (request->body_size > slot->size)
        return PROBLEM_longer_than_promised;
    if (request->body_size < slot->size)
        return PROBLEM_size_mismatch;
    if (slot->type.size > 0 && type.size > 0 && !media_type_same(type, slot->type))
        return PROBLEM_type_mismatch;
    return PROBLEM_none;
}

static enum problem claim(struct put *put)
{
    const struct module_host *host = put->upload->host;

    switch (claim_take(&segment_of(put)->claims, &segment_of(put)->board, put->find.find.slot.id, host->row,
                       host->generation)) {
    case CLAIM_WON:
        put->is_claimed = true;
        return PROBLEM_none;
    case CLAIM_TAKEN:
        return PROBLEM_slot_in_use;
    case CLAIM_TABLE_FULL:
        break;
    }
    return PROBLEM_unavailable;
}

static void receive(struct put *put)
{
    static const struct body_sink sink = { on_body_bytes, on_body_done };
    struct slot *slot = &put->fill.slot;
    enum problem problem = PROBLEM_none;
    struct file_place place;

    *slot = put->find.find.slot;
    slot->is_grouped = put->upload->conf->store->group_by_user && slot->owner.size > 0;
    place = upload_place(put->find.repository, slot);
    put->file = file_upload_begin(put->upload->files, &place, slot->size, &problem);
    if (put->file == NULL) {
        refuse(put, problem, NULL);
        return;
    }
    put->digest = digest_new();
    put->state = PUT_RECEIVING;
    put->request->doing = "taking the upload";
    request_take_body(put->request, &sink);
}

static void on_partial_dropped(void *data, int result)
{
    struct put *put = OBJECT(data, put);

    if (put->request == NULL)
        put_end(put);
    else if (result != 0)
        refuse(put, PROBLEM_internal, NULL);
    else
        receive(put);
}

/* Claimed. What an earlier, resumable upload has left goes first, so that nobody can append to it later. */
static void begin(struct put *put)
{
    struct file_place place;

    if (!put->find.find.slot.has_partial) {
        receive(put);
        return;
    }
    place = upload_partial_place(put->find.repository, &put->find.find.slot);
    file_store_remove(put->upload->files, &place, on_partial_dropped, put);
}

static void on_found(struct pool_find *find, int found)
{
    struct put *put = LIST_OF(find, struct put, find);
    const char *detail = NULL;
    enum problem problem;

    if (put->request == NULL) {
        put_end(put);
        return;
    }
    if (found != 1) {
        refuse(put, found < 0 ? PROBLEM_internal : PROBLEM_no_such_slot, NULL);
        return;
    }
    problem = check(put, &detail);
    if (problem != PROBLEM_none) {
        refuse(put, problem, detail);
        return;
    }
    if (put->is_claimed) {
        begin(put);
        return;
    }
    problem = claim(put);
    if (problem == PROBLEM_none) {
        /* Another PUT may have filled the slot between our look and our claim; from now on none can. */
        slot_pool_find(put->upload->pool, &put->find);
        return;
    }
    if (problem == PROBLEM_unavailable)
        reply_field(put->request, "Retry-After", SPAN("5"));
    refuse(put, problem, NULL);
}

void upload_put_plain(struct http_request *request)
{
    struct upload *upload = OBJECT(request->state, upload);
    struct uri_match match;
    struct arena *arena;
    struct put *put;

    if (!uri_template_match(&upload->put_template, request->path, &match)) {
        reply_problem(request, PROBLEM_no_such_slot, NULL);
        return;
    }
    arena = arena_new();
    put = arena_make(arena, struct put);
    OBJECT_BORN(put, put);
    put->arena = arena;
    put->request = request;
    put->upload = upload;
    put->match = uri_match_keep(&match, arena);
    put->find.find.slot_id = put->match.slot_id;
    put->find.find.filename = put->match.filename;
    put->find.find.arena = arena;
    put->find.domain = upload_path_domain(&put->match);
    put->find.done = on_found;
    request->handler_data = put;
    request->on_cancel = on_cancel;
    request->doing = "looking for the slot";
    slot_pool_find(upload->pool, &put->find);
}

void upload_put(struct http_request *request)
{
    cors_fields(request);
    if (!upload_put_resumable(request))
        upload_put_plain(request);
}
