/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: fsck.c - records against files, both ways. */
#include "fsck.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/must.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROWS_MOST 200 /* in one view: a long one pins the pages of a busy daemon */

/* A file this young may belong to a PUT or a removal that is under way, or that a crash cut off: orphan.c
 * takes it away when it is older. */
#define YOUNG 3600

const char *fsck_fault_name(enum fsck_fault fault)
{
    static const char *const names[FAULTS] = { "record",  "owner-index", "due-index", "usage",
                                               "no-file", "size",        "content",   "no-record" };

    must(fault < FAULTS);
    return names[fault];
}

void fsck_found(struct fsck *fsck, enum fsck_fault fault, const char *what, const char *format, ...)
{
    char detail[512];
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    fsck->faults++;
    fsck->tell(fsck, fault, what, detail);
}

/* ---- records ---- */

struct opened {
    struct file_open open;
    int found;
};

static void on_open(struct file_open *open, int found)
{
    LIST_OF(open, struct opened, open)->found = found;
}

static bool has_content(int fd, const struct slot *slot)
{
    struct digest *digest = digest_new();
    unsigned char is[SHA256_BYTES];
    char *piece = must_alloc(65536);
    ssize_t size;

    while ((size = read(fd, piece, 65536)) > 0)
        digest_add(digest, span_make(piece, (size_t)size));
    digest_end(digest, is);
    digest_free(&digest);
    free(piece);
    return size == 0 && memcmp(is, slot->sha256, SHA256_BYTES) == 0;
}

/* What is wrong with the file of a FILLED slot; FAULTS: nothing. */
static enum fsck_fault look_at_file(struct fsck *fsck, struct slot_repository *repository,
                                    const struct slot *slot)
{
    struct opened opened = { .open = { .place = upload_place(repository, slot), .done = on_open } };
    enum fsck_fault fault = FAULTS;

    file_store_open_file(fsck->upload->files, &opened.open);
    if (opened.found != 1)
        return FAULT_NO_FILE;
    if (opened.open.size != slot->size)
        fault = FAULT_SIZE;
    else if (fsck->deep && !has_content(opened.open.fd, slot))
        fault = FAULT_CONTENT;
    close(opened.open.fd);
    return fault;
}

struct found {
    struct slot_find find;
    int found;
};

static void on_found(struct slot_find *find, int found)
{
    LIST_OF(find, struct found, find)->found = found;
}

/* The slot as it is now. */
static bool find_slot(struct slot_repository *repository, const unsigned char id[SLOT_ID],
                      struct arena *arena, struct slot *slot_r)
{
    struct found found = { .find = { .arena = arena, .done = on_found } };
    char text[UUID_TEXT + 1];

    codec_uuid(id, text);
    found.find.slot_id = span_of(text);
    repository->kind->find(repository, &found.find);
    *slot_r = found.find.slot;
    return found.found == 1;
}

static void on_slot_removed(struct slot_remove *remove, int result)
{
    (void)remove;
    (void)result;
}

static void on_file_removed(void *data, int result)
{
    *(int *)data = result;
}

/* Marks the record first and removes then what is left of the file. */
static bool give_up(struct fsck *fsck, struct slot_repository *repository, const struct slot *slot,
                    struct arena *arena)
{
    struct slot_remove remove = { .now = clock_wall(),
                                  .tombstone = fsck->upload->conf->expiration->tombstone,
                                  .arena = arena,
                                  .done = on_slot_removed };
    struct file_place place = upload_place(repository, slot);
    struct slot now;
    int result = -1;

    memcpy(remove.id, slot->id, SLOT_ID);
    repository->kind->remove(repository, &remove);
    if (!find_slot(repository, slot->id, arena, &now) || now.state == SLOT_LAPSED)
        file_store_remove(fsck->upload->files, &place, on_file_removed, &result);
    return result == 0;
}

static void check_slot(struct fsck *fsck, struct slot_repository *repository, const struct slot *slot,
                       struct arena *arena)
{
    static const char *const details[FAULTS] = { [FAULT_NO_FILE] = "its file is missing",
                                                 [FAULT_SIZE] = "its file has another size",
                                                 [FAULT_CONTENT] = "its file has other bytes" };
    char id[UUID_TEXT + 1];
    struct slot now;
    enum fsck_fault fault;

    if (slot->state != SLOT_FILLED)
        return;
    fsck->files++;
    if (look_at_file(fsck, repository, slot) == FAULTS)
        return;
    if (!find_slot(repository, slot->id, arena, &now) || now.state != SLOT_FILLED)
        return; /* expired or deleted while we looked */
    fault = look_at_file(fsck, repository, &now);
    if (fault == FAULTS)
        return;
    codec_uuid(slot->id, id);
    fsck_found(fsck, fault, id, "%s", details[fault]);
    if (fsck->repair && give_up(fsck, repository, &now, arena))
        fsck->repaired++;
}

/* The next slots behind *from, copied out of the view. */
static int read_slots(struct store *store, struct buf *from, struct arena *arena, struct slot *slots_r,
                      size_t *count_r)
{
    struct store_view *view = store_view(store);
    struct store_cursor *cursor = NULL;
    struct span key, value;
    int result = -1;

    *count_r = 0;
    if (view == NULL)
        return -1;
    while (*count_r < ROWS_MOST &&
           (result = store_walk(view, TABLE_SLOT, buf_span(from), &cursor, &key, &value)) == 1) {
        struct slot *slot = &slots_r[*count_r];

        if (key.size != SLOT_ID || !slot_decode(value, slot))
            continue; /* fsck_tables told of it */
        memcpy(slot->id, key.at, SLOT_ID);
        slot_keep(slot, arena);
        ++*count_r;
    }
    store_walk_end(&cursor);
    store_view_end(store, view);
    if (*count_r > 0) { /* the least key behind the last */
        buf_clear(from);
        buf_add(from, span_make((const char *)slots_r[*count_r - 1].id, SLOT_ID));
        buf_char(from, '\0');
    }
    return result < 0 ? -1 : 0;
}

static int check_slots(struct fsck *fsck, struct slot_repository *repository)
{
    struct slot *slots = must_alloc(ROWS_MOST * sizeof(*slots));
    struct arena *arena = arena_new();
    struct buf from = { 0 };
    size_t count;
    int result;

    do {
        arena_reset(arena);
        result = read_slots(slot_lmdb_store(repository), &from, arena, slots, &count);
        for (size_t i = 0; result == 0 && i < count; i++)
            check_slot(fsck, repository, &slots[i], arena);
    } while (result == 0 && count > 0);
    buf_free(&from);
    arena_free(&arena);
    free(slots);
    return result;
}

/* ---- files ---- */

/* Whether a record stands for the file here, or one may yet: a PUT or a removal is under way. */
static bool may_be_there(struct fsck *fsck, struct slot_repository *repository, const char *path,
                         const struct file_entry *entry, struct arena *arena)
{
    int64_t age = clock_wall() / USEC_PER_SEC - entry->modified;
    struct file_place place;
    struct slot slot;

    (void)fsck;
    if (!find_slot(repository, entry->id, arena, &slot))
        return false;
    place = upload_place(repository, &slot);
    if (slot.state == SLOT_FILLED)
        return strcmp(path, file_place_text(&place, arena)) == 0;
    if (slot.state == SLOT_LAPSED)
        return clock_wall() - slot.lapsed < YOUNG * USEC_PER_SEC;
    return age < YOUNG;
}

/* The same of a partial file: its slot is promised, or was not long ago, and has room for it. */
static bool may_go_on(struct slot_repository *repository, const struct file_entry *entry, struct arena *arena)
{
    int64_t age = clock_wall() / USEC_PER_SEC - entry->modified;
    struct slot slot;

    if (!find_slot(repository, entry->id, arena, &slot))
        return age < YOUNG;
    if (slot.state != SLOT_PROMISED)
        return clock_wall() - (slot.state == SLOT_LAPSED ? slot.lapsed : slot.filled) < YOUNG * USEC_PER_SEC;
    return entry->size <= slot.size && (slot.has_partial || age < YOUNG);
}

static void check_file(struct fsck *fsck, struct slot_repository *repository, const struct file_folder *in,
                       const struct file_entry *entry)
{
    const char *path = arena_printf(in->arena, "%s/%s/%s", in->area, in->folder, entry->name);
    bool is_partial = in->area != repository->area;

    if (!entry->is_slot || (is_partial ? may_go_on(repository, entry, in->arena)
                                       : may_be_there(fsck, repository, path, entry, in->arena)))
        return;
    fsck_found(fsck, FAULT_NO_RECORD, path, "no record stands for this file");
    if (fsck->repair && file_store_remove_entry(fsck->upload->files, in->area, in->folder, entry->name) == 0)
        fsck->repaired++;
}

struct looked {
    struct file_folder folder;
    int result;
};

static void on_looked(struct file_folder *folder, int result)
{
    LIST_OF(folder, struct looked, folder)->result = result;
}

static int look(struct fsck *fsck, struct looked *looked, const char *area, const char *folder)
{
    looked->folder =
        (struct file_folder){ .area = area, .folder = folder, .arena = arena_new(), .done = on_looked };
    file_store_look(fsck->upload->files, &looked->folder);
    return looked->result;
}

static int check_files(struct fsck *fsck, struct slot_repository *repository, const char *area)
{
    struct looked folders, files;
    int result = look(fsck, &folders, area, NULL);

    for (size_t i = 0; result == 0 && i < folders.folder.count; i++) {
        const char *name = folders.folder.entries[i].name;

        result = look(fsck, &files, area, name);
        for (size_t j = 0; result == 0 && j < files.folder.count; j++)
            check_file(fsck, repository, &files.folder, &files.folder.entries[j]);
        arena_free(&files.folder.arena);
    }
    arena_free(&folders.folder.arena);
    return result == 0 ? 0 : -1;
}

int fsck_run(struct fsck *fsck)
{
    struct slot_pool *pool = fsck->upload->pool;

    for (size_t i = 0; i < slot_pool_count(pool); i++) {
        struct slot_repository *repository = slot_pool_at(pool, i);

        if (!repository->kind->keeps_records)
            continue;
        if (fsck_tables(fsck, repository) != 0 || check_slots(fsck, repository) != 0 ||
            check_files(fsck, repository, repository->area) != 0 ||
            check_files(fsck, repository, repository->partial_area) != 0)
            return -1;
    }
    return 0;
}
