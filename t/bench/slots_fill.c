/* SPDX-License-Identifier: ISC */
/* floor 10 sees all: slots_fill.c - fills a store with slots for the benchmarks, by the upload module's own
 * tables, while no daemon runs.
 *
 *     slots_fill DATA-DIR COUNT EXPIRES SIZE rows|files
 *
 * EXPIRES: unix seconds, 0 for never; rows: records alone, which is what GETs and slots of others meet;
 * files: with a file of SIZE bytes each, in DATA-DIR/upload. */
#include "modules/upload/file_store.h"
#include "modules/upload/slot_repository.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/must.h"
#include "base/random.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH  2000 /* slots in one commit */
#define OWNERS 1000

struct filling {
    struct store_write write; /* first */
    struct slot slots[BATCH];
    size_t count;
};

static int apply(struct store_write *write, struct store_txn *txn)
{
    static const struct quotas none = { 0 };
    struct filling *filling = (struct filling *)(void *)write;
    int64_t retry;

    for (size_t i = 0; i < filling->count; i++) {
        struct slot *slot = &filling->slots[i];
        int result = slot_txn_promise(txn, slot, &none, &(struct claim_view){ NULL, NULL }, &retry);

        if (result == 0)
            result = slot_txn_fill(txn, slot);
        if (result != 0)
            return result;
    }
    return 0;
}

static void make_file(const struct slot *slot, struct arena *arena, const char *folder)
{
    struct file_place place = { .area = "files" };
    char path[4096], *slash;
    int fd;

    memcpy(place.id, slot->id, sizeof(place.id));
    snprintf(path, sizeof(path), "%s/%s", folder, file_place_text(&place, arena));
    slash = strrchr(path, '/');
    *slash = '\0';
    if (access(path, F_OK) != 0 && mkdir(path, 0750) != 0)
        must(access(path, F_OK) == 0);
    *slash = '/';
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0 || ftruncate(fd, slot->size) != 0) {
        fprintf(stderr, "slots_fill: %s: %m\n", path);
        exit(EXIT_FAILURE);
    }
    close(fd);
}

static void make_slot(struct slot *slot, long number, int64_t expires, int64_t size, struct arena *arena)
{
    int64_t now = clock_wall();

    *slot = (struct slot){ .state = SLOT_PROMISED,
                           .domain = SPAN("localhost"),
                           .filename = SPAN("file.bin"),
                           .type = SPAN("application/octet-stream"),
                           .size = size,
                           .allocated = now,
                           .put_until = now + 3600 * USEC_PER_SEC,
                           .filled = now,
                           .expires = expires * USEC_PER_SEC };
    random_bytes(slot->id, sizeof(slot->id));
    slot->owner = span_of(arena_printf(arena, "owner%ld@localhost", number % OWNERS));
}

int main(int argc, char **argv)
{
    struct slot_repository *repository;
    const char *why = "", *folder;
    struct filling *filling;
    struct arena *arena = arena_new();
    bool with_files;
    long count;

    if (argc != 6) {
        fprintf(stderr, "usage: slots_fill DATA-DIR COUNT EXPIRES SIZE rows|files\n");
        return EXIT_FAILURE;
    }
    count = strtol(argv[2], NULL, 10);
    with_files = strcmp(argv[5], "files") == 0;
    folder = arena_printf(arena, "%s/upload", argv[1]);
    repository = slot_lmdb_open(
        &(struct slot_lmdb_options){ .data_dir = argv[1], .name = "default", .map_size = INT64_C(4) << 30 },
        &why);
    if (repository == NULL) {
        fprintf(stderr, "slots_fill: %s\n", why);
        return EXIT_FAILURE;
    }
    if (with_files && mkdir(arena_printf(arena, "%s/files", folder), 0750) != 0)
        must(access(arena_printf(arena, "%s/files", folder), F_OK) == 0);
    filling = must_alloc(sizeof(*filling));
    filling->write.apply = apply;
    for (long done = 0; done < count; done += (long)filling->count) {
        struct arena *batch = arena_new();

        filling->count = count - done < BATCH ? (size_t)(count - done) : BATCH;
        for (size_t i = 0; i < filling->count; i++) {
            make_slot(&filling->slots[i], done + (long)i, strtoll(argv[3], NULL, 10),
                      strtoll(argv[4], NULL, 10), batch);
            if (with_files)
                make_file(&filling->slots[i], batch, folder);
        }
        if (store_write_now(slot_lmdb_store(repository), &filling->write) != 0) {
            fprintf(stderr, "slots_fill: a batch was refused\n");
            return EXIT_FAILURE;
        }
        arena_free(&batch);
    }
    free(filling);
    repository->kind->close(repository);
    arena_free(&arena);
    return EXIT_SUCCESS;
}
