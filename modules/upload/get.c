/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: get.c - GET and HEAD of a file: from the path to the slot, from the slot to the file.
 *
 * A file is served only when its record says that it is whole, and never a moment longer than until it
 * expires, whenever the keeper gets to remove it. */
#include "base/clock.h"
#include "base/codec.h"
#include "hot.h"
#include "http/reply.h"
#include "media.h"
#include "os/log.h"
#include "shm/count.h"
#include "upload.h"

#include <unistd.h>

/* One download until its answer has begun; freed by the last of: its answer, its cancelling, its finding. */
struct get {
    OBJECT_MAGIC
    struct http_request *request; /* NULL: the client is gone */
    struct upload *upload;
    struct arena *arena; /* owned; it lies in it: a finding may outlive the request */
    struct uri_match match;
    struct pool_find find;
    struct file_open open;
};

static void get_end(struct get *get)
{
    if (get->request != NULL)
        get->request->on_cancel = NULL;
    OBJECT_DEAD(get);
    arena_free(&get->arena);
}

static void on_cancel(struct http_request *request)
{
    struct get *get = OBJECT(request->handler_data, get);

    get->request = NULL; /* what is under way ends it */
}

static void refuse(struct get *get, enum problem problem)
{
    reply_problem(get->request, problem, NULL);
    get_end(get);
}

static void add_etag(const struct get *get, const struct slot *slot, struct buf *out)
{
    const struct slot_repository *repository = get->find.repository;
    const unsigned char *bytes = repository->kind->keeps_records ? slot->sha256 : slot->id;

    buf_char(out, '"');
    codec_hex(out, span_make((const char *)bytes, 16));
    buf_char(out, '"');
}

static void add_cache_field(struct get *get, const struct slot *slot, int64_t now)
{
    int64_t age = get->upload->conf->download->cache_max_age;

    if (slot->expires != 0 && slot->expires - now < age)
        age = slot->expires - now;
    reply_field_printf(get->request, "Cache-Control", "public, max-age=%lld, immutable",
                       (long long)(age / USEC_PER_SEC));
}

/* bytes.at NULL: the file is open. */
static void serve(struct get *get, struct span bytes)
{
    const struct slot *slot = &get->find.find.slot;
    struct http_request *request = get->request;
    const char *type =
        slot->type.size > 0 ? arena_text(request->arena, slot->type) : media_by_name(slot->filename);
    struct span media = span_of(type);
    bool is_inline =
        media_is_listed(&get->upload->conf->download->inline_types, media) && !media_is_active(media);
    struct range_file file = { .fd = bytes.at ? -1 : get->open.fd,
                               .bytes = bytes,
                               .size = slot->size,
                               .modified = slot->filled / USEC_PER_SEC,
                               .type = type };
    struct buf etag = { 0 }, name = { 0 };
    int status = 0;

    add_etag(get, slot, &etag);
    file.etag = arena_copy(request->arena, buf_span(&etag));
    buf_free(&etag);
    safety_fields(request);
    add_cache_field(get, slot, clock_wall());
    slot_segment(slot->filename, &name); /* no client may take a name for a path */
    reply_disposition(request, is_inline, buf_span(&name));
    buf_free(&name);
    get_end(get);
    range_reply(request, &file, &status);
    if (status == 200 || status == 206)
        count_add(COUNT_downloads, 1);
}

static void on_open(struct file_open *open, int found)
{
    struct get *get = LIST_OF(open, struct get, open);
    const struct slot_repository *repository = get->find.repository;
    struct slot *slot = &get->find.find.slot;
    char id[UUID_TEXT + 1];

    if (get->request == NULL) {
        if (found == 1)
            close(open->fd);
        get_end(get);
        return;
    }
    codec_uuid(slot->id, id);
    if (!repository->kind->keeps_records) {
        if (found == 0) {
            refuse(get, PROBLEM_not_uploaded);
            return;
        }
        slot->filled = open->modified * USEC_PER_SEC;
    }
    if (found == 1 && open->size == slot->size) {
        struct span bytes = { NULL, 0 };

        if (repository->kind->keeps_records && get->request->method == HTTP_GET)
            bytes = hot_keep(get->upload->hot, slot, open->fd);
        if (bytes.at)
            close(open->fd);
        serve(get, bytes);
        return;
    }
    if (found == 1) {
        close(open->fd);
        log_error("the file of slot %s has %lld bytes and should have %lld; stoactl fsck tells more", id,
                  (long long)open->size, (long long)slot->size);
    } else if (found == 0) {
        log_error("the file of slot %s is missing; stoactl fsck tells more", id);
    }
    refuse(get, PROBLEM_internal);
}

static void on_found(struct pool_find *find, int found)
{
    struct get *get = LIST_OF(find, struct get, find);
    const struct slot *slot = &find->find.slot;
    struct span bytes;

    if (get->request == NULL) {
        get_end(get);
        return;
    }
    if (found < 0) {
        refuse(get, PROBLEM_internal);
        return;
    }
    if (found == 0 || !upload_path_is_of(&get->match, slot)) {
        refuse(get, PROBLEM_not_found);
        return;
    }
    if (slot->state == SLOT_LAPSED ||
        (slot->expires != 0 && slot->expires <= clock_wall() &&
         (slot->state == SLOT_FILLED || !find->repository->kind->keeps_records))) {
        hot_drop(get->upload->hot, slot->id);
        refuse(get, PROBLEM_gone);
        return;
    }
    if (slot->state == SLOT_PROMISED && find->repository->kind->keeps_records) {
        refuse(get, PROBLEM_not_uploaded);
        return;
    }
    bytes = find->repository->kind->keeps_records ? hot_find(get->upload->hot, slot) : SPAN("");
    if (bytes.size > 0) {
        serve(get, bytes);
        return;
    }
    get->open.place = upload_place(find->repository, slot);
    get->open.done = on_open;
    file_store_open_file(get->upload->files, &get->open);
}

void upload_download(struct http_request *request)
{
    struct upload *upload = OBJECT(request->state, upload);
    struct uri_match match;
    struct arena *arena;
    struct get *get;

    if (!uri_template_match(&upload->get_template, request->path, &match)) {
        reply_problem(request, PROBLEM_not_found, NULL);
        return;
    }
    arena = arena_new();
    get = arena_make(arena, struct get);
    OBJECT_BORN(get, get);
    get->arena = arena;
    get->request = request;
    get->upload = upload;
    get->match = uri_match_keep(&match, arena);
    get->find.find.slot_id = get->match.slot_id;
    get->find.find.filename = get->match.filename;
    get->find.find.arena = arena;
    get->find.domain = upload_path_domain(&get->match);
    get->find.done = on_found;
    request->handler_data = get;
    request->on_cancel = on_cancel;
    request->doing = "looking for the file";
    slot_pool_find(upload->pool, &get->find);
}

void upload_get(struct http_request *request)
{
    cors_fields(request);
    upload_download(request);
}
