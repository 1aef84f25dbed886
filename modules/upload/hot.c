/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: hot.c - see hot.h. */
#include "hot.h"

#include "base/list.h"
#include "base/map.h"
#include "base/must.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct entry {
    struct list node; /* in hot->recent */
    unsigned char id[SLOT_ID];
    unsigned char sha256[SHA256_BYTES];
    size_t size;
    char bytes[];
};

struct hot {
    struct map *entries; /* by id */
    struct list recent;  /* the least lately used first */
    size_t most, held;   /* bytes, what entries cost beside their files included */
};

struct hot *hot_new(int64_t most)
{
    struct hot *hot = must_alloc(sizeof(*hot));

    *hot = (struct hot){ .entries = map_new(), .most = (size_t)most };
    list_init(&hot->recent);
    return hot;
}

static struct span key_of(const unsigned char id[SLOT_ID])
{
    return span_make((const char *)id, SLOT_ID);
}

static void forget(struct hot *hot, struct entry *entry)
{
    hot->held -= sizeof(*entry) + entry->size;
    map_remove(hot->entries, key_of(entry->id));
    list_remove(&entry->node);
    free(entry);
}

void hot_free(struct hot **freed)
{
    struct hot *hot = *freed;

    *freed = NULL;
    if (hot == NULL)
        return;
    while (!list_empty(&hot->recent))
        forget(hot, LIST_OF(hot->recent.next, struct entry, node));
    map_free(&hot->entries);
    free(hot);
}

void hot_drop(struct hot *hot, const unsigned char id[SLOT_ID])
{
    struct entry *entry = map_get(hot->entries, key_of(id));

    if (entry != NULL)
        forget(hot, entry);
}

struct span hot_find(struct hot *hot, const struct slot *slot)
{
    struct entry *entry = map_get(hot->entries, key_of(slot->id));

    if (entry == NULL)
        return (struct span){ NULL, 0 };
    if ((int64_t)entry->size != slot->size || memcmp(entry->sha256, slot->sha256, SHA256_BYTES) != 0) {
        forget(hot, entry); /* not the file that the record tells of */
        return (struct span){ NULL, 0 };
    }
    list_remove(&entry->node);
    list_append(&hot->recent, &entry->node);
    return span_make(entry->bytes, entry->size);
}

static bool read_whole(int fd, char *into, size_t size)
{
    for (size_t got = 0; got < size;) {
        ssize_t piece = pread(fd, into + got, size - got, (off_t)got);

        if (piece < 0 && errno == EINTR)
            continue;
        if (piece <= 0)
            return false;
        got += (size_t)piece;
    }
    return true;
}

struct span hot_keep(struct hot *hot, const struct slot *slot, int fd)
{
    size_t size = (size_t)slot->size, room = sizeof(struct entry) + size;
    struct entry *entry;

    if (size > HOT_FILE_MOST || room > hot->most)
        return (struct span){ NULL, 0 };
    entry = must_alloc(room);
    if (!read_whole(fd, entry->bytes, size)) {
        free(entry);
        return (struct span){ NULL, 0 };
    }
    hot_drop(hot, slot->id);
    while (hot->held + room > hot->most)
        forget(hot, LIST_OF(hot->recent.next, struct entry, node));
    entry->node = (struct list){ NULL, NULL };
    memcpy(entry->id, slot->id, SLOT_ID);
    memcpy(entry->sha256, slot->sha256, SHA256_BYTES);
    entry->size = size;
    hot->held += room;
    map_set(hot->entries, key_of(entry->id), entry);
    list_append(&hot->recent, &entry->node);
    return span_make(entry->bytes, size);
}
