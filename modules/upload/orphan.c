/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: orphan.c - files that no record stands for, found by walking the store, once a day.
 *
 * They come from crashes: of a PUT between name and record, of a removal between record and file; partial
 * ones also from slots that lapsed or were filled in another way. Only what is older than an hour is touched,
 * so that no running PUT is disturbed, and only what has the form of our own names: a file that somebody else
 * put there is his. In the area of the dummy repository, which has no records, files go by their age. */
#include "base/clock.h"
#include "base/must.h"
#include "keeper.h"
#include "os/log.h"
#include "shm/count.h"

#include <stdlib.h>

#define POLL      (20 * USEC_PER_MSEC)
#define PAUSE     (50 * USEC_PER_MSEC)
#define STEP_MOST 100          /* files looked at in one go */
#define YOUNG     3600         /* seconds */
#define DOT_NAME  ".stoa-new-" /* see os/file.c */

struct orphan_search {
    struct upload *upload; /* borrowed */
    bool is_running, waits;
    size_t repository; /* index of the one at work */
    bool is_partial;   /* in its area of partial files */
    struct arena *folders_arena, *files_arena, *find_arena;
    struct file_folder folders; /* of the area */
    size_t folder;              /* index of the one at work, +1; 0: the area itself must be looked at */
    struct file_folder files;   /* in it */
    size_t file;                /* index of the next */
    bool has_files;
    struct slot_find find;
    int found; /* the answer */
    int64_t removed, failed, strange;
};

struct orphan_search *orphan_search_new(struct upload *upload)
{
    struct orphan_search *search = must_alloc(sizeof(*search));

    search->upload = upload;
    search->folders_arena = arena_new();
    search->files_arena = arena_new();
    search->find_arena = arena_new();
    return search;
}

void orphan_search_free(struct orphan_search **search)
{
    if (*search == NULL)
        return;
    arena_free(&(*search)->folders_arena);
    arena_free(&(*search)->files_arena);
    arena_free(&(*search)->find_arena);
    free(*search);
    *search = NULL;
}

static struct slot_repository *repository_of(const struct orphan_search *search)
{
    return slot_pool_at(search->upload->pool, search->repository);
}

static const char *area_of(const struct orphan_search *search)
{
    return search->is_partial ? repository_of(search)->partial_area : repository_of(search)->area;
}

static void remove_file(struct orphan_search *search, const struct file_entry *entry)
{
    const char *area = area_of(search);
    int error = file_store_remove_entry(search->upload->files, area, search->files.folder, entry->name);

    if (error == 0) {
        search->removed++;
        count_add(COUNT_orphans_removed, 1);
        log_info("upload: the file %s/%s/%s had no record and was removed", area, search->files.folder,
                 entry->name);
        return;
    }
    search->failed++;
    log_error("upload: the file %s/%s/%s has no record and cannot be removed: %s", area, search->files.folder,
              entry->name, strerror(error));
}

/* Whether the slot that was found stands for the file just here. */
static bool is_recorded(struct orphan_search *search, const struct file_entry *entry)
{
    struct slot_repository *repository = repository_of(search);
    const struct slot *slot = &search->find.slot;
    struct file_place place = upload_place(repository, slot);
    const char *here;

    if (search->is_partial) /* it may go on as long as its slot is not used */
        return slot->state == SLOT_PROMISED && slot->has_partial;
    if (slot->state != SLOT_FILLED)
        return false;
    here = arena_printf(search->find_arena, "%s/%s/%s", repository->area, search->files.folder, entry->name);
    return strcmp(here, file_place_text(&place, search->find_arena)) == 0;
}

static bool is_being_filled(const struct orphan_search *search, const struct file_entry *entry)
{
    const struct segment *segment = search->upload->host->segment;

    return segment != NULL && claim_held(&segment->claims, &segment->board, entry->id);
}

static void on_found(struct slot_find *find, int found)
{
    struct orphan_search *search = LIST_OF(find, struct orphan_search, find);
    const struct file_entry *entry = &search->files.entries[search->file - 1];

    search->waits = false;
    if (found < 0) {
        search->failed++;
        return;
    }
    if ((found == 0 || !is_recorded(search, entry)) && !is_being_filled(search, entry))
        remove_file(search, entry);
}

static void look_at_file(struct orphan_search *search, const struct file_entry *entry)
{
    struct slot_repository *repository = repository_of(search);
    int64_t age = clock_wall() / USEC_PER_SEC - entry->modified;
    int64_t kept = search->upload->conf->expiration->expiration_time / USEC_PER_SEC;

    if (age < YOUNG)
        return;
    if (span_starts(span_of(entry->name), SPAN(DOT_NAME))) {
        remove_file(search, entry);
    } else if (!entry->is_slot) {
        search->strange++;
    } else if (!repository->kind->keeps_records) {
        if (kept > 0 && age > kept)
            remove_file(search, entry);
    } else {
        arena_reset(search->find_arena);
        search->find = (struct slot_find){ .slot_id = span_of(entry->name),
                                           .arena = search->find_arena,
                                           .done = on_found };
        search->waits = true;
        repository->kind->find(repository, &search->find);
    }
}

static void on_looked(struct file_folder *folder, int result)
{
    struct orphan_search *search = folder->folder == NULL ? LIST_OF(folder, struct orphan_search, folders)
                                                          : LIST_OF(folder, struct orphan_search, files);

    search->waits = false;
    if (result != 0)
        search->failed++;
}

static void look_at_folder(struct orphan_search *search, const char *name)
{
    struct arena *arena = name == NULL ? search->folders_arena : search->files_arena;
    struct file_folder *folder = name == NULL ? &search->folders : &search->files;

    arena_reset(arena);
    *folder =
        (struct file_folder){ .area = area_of(search), .folder = name, .arena = arena, .done = on_looked };
    search->waits = true;
    file_store_look(search->upload->files, folder);
}

static int64_t end_run(struct orphan_search *search)
{
    if (search->removed > 0 || search->failed > 0)
        log_info("upload: %lld files without a record removed, %lld could not be looked at or removed",
                 (long long)search->removed, (long long)search->failed);
    if (search->strange > 0)
        log_warn("upload: %lld files in the store do not have names of ours and are left alone",
                 (long long)search->strange);
    search->is_running = false;
    arena_reset(search->folders_arena);
    arena_reset(search->files_arena);
    return -1;
}

/* The next folder of this area, or the next area. */
static int64_t go_on(struct orphan_search *search)
{
    search->has_files = false;
    if (search->folder == 0) {
        look_at_folder(search, NULL);
        search->folder = 1;
        return POLL;
    }
    if (search->folder <= search->folders.count) {
        look_at_folder(search, search->folders.entries[search->folder - 1].name);
        search->folder++;
        search->file = 0;
        search->has_files = true;
        return POLL / 10;
    }
    search->folder = 0;
    search->is_partial = !search->is_partial && repository_of(search)->partial_area != NULL;
    if (search->is_partial)
        return 0;
    search->repository++;
    return search->repository < slot_pool_count(search->upload->pool) ? 0 : end_run(search);
}

int64_t orphan_step(struct orphan_search *search)
{
    if (search->waits)
        return POLL;
    if (!search->is_running) {
        search->is_running = true;
        search->repository = search->folder = search->file = 0;
        search->has_files = search->is_partial = false;
        search->removed = search->failed = search->strange = 0;
    }
    if (!search->has_files || search->file >= search->files.count)
        return go_on(search);
    for (int i = 0; i < STEP_MOST && !search->waits && search->file < search->files.count; i++)
        look_at_file(search, &search->files.entries[search->file++]);
    return search->waits ? POLL : PAUSE;
}
