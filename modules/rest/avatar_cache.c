/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: avatar_cache.c - pictures that were just looked for; see avatar.h.
 *
 * Pages show many avatars at once, and again and again. Each worker has its own memory of them; a picture
 * that is set through any worker is told by a counter that all of them see, and then everything is forgotten:
 * that is rare, and right. What was set by other ways is seen when its time is over. */
#include "avatar.h"

#include "base/list.h"
#include "base/map.h"
#include "shm/count.h"

#include <stdlib.h>

#define ENTRIES_MOST 1024
#define BYTES_MOST   ((size_t)8 * 1024 * 1024)

struct entry {
    struct list node; /* the oldest first */
    int64_t until;
    const char *type;      /* static, or NULL */
    bool is_elsewhere;     /* bytes are an address */
    size_t key_size, size; /* of what follows: the key, then the bytes */
    char text[];
};

struct avatar_cache {
    const struct counts *counts; /* borrowed */
    int64_t keep;
    uint64_t set;    /* how many avatars had been set when the entries were made */
    struct map *map; /* owned, as all entries */
    struct list entries;
    size_t bytes;
};

struct avatar_cache *avatar_cache_new(const struct counts *counts, int64_t keep)
{
    struct avatar_cache *cache = must_alloc(sizeof(*cache));

    cache->counts = counts;
    cache->keep = keep;
    cache->set = count_sum(counts, COUNT_avatars_set);
    cache->map = map_new();
    list_init(&cache->entries);
    return cache;
}

static void drop(struct avatar_cache *cache, struct entry *entry)
{
    must(map_remove(cache->map, span_make(entry->text, entry->key_size)) == entry);
    list_remove(&entry->node);
    cache->bytes -= entry->size;
    free(entry);
}

static void drop_first(struct avatar_cache *cache)
{
    drop(cache, LIST_OF(cache->entries.next, struct entry, node));
}

void avatar_cache_free(struct avatar_cache **cache)
{
    if (*cache == NULL)
        return;
    while (!list_empty(&(*cache)->entries))
        drop_first(*cache);
    map_free(&(*cache)->map);
    free(*cache);
    *cache = NULL;
}

/* Out goes what is too old, or of the time before a picture was set. */
static void tidy(struct avatar_cache *cache, int64_t now)
{
    uint64_t set = count_sum(cache->counts, COUNT_avatars_set);

    while (!list_empty(&cache->entries) &&
           (set != cache->set || LIST_OF(cache->entries.next, struct entry, node)->until <= now))
        drop_first(cache);
    cache->set = set;
}

static struct span key_of(struct span jid, enum avatar_source source, struct buf *text)
{
    buf_printf(text, "%d ", (int)source);
    buf_add(text, jid);
    return buf_span(text);
}

bool avatar_cache_find(struct avatar_cache *cache, struct span jid, enum avatar_source source, int64_t now,
                       struct picture *picture_r)
{
    struct picture picture = { 0 };
    struct buf key = { 0 };
    struct entry *entry;

    tidy(cache, now);
    entry = map_get(cache->map, key_of(jid, source, &key));
    buf_free(&key);
    if (entry == NULL)
        return false;
    picture.type = entry->type;
    if (entry->is_elsewhere)
        picture.elsewhere = span_make(entry->text + entry->key_size, entry->size);
    else
        picture.bytes = span_make(entry->text + entry->key_size, entry->size);
    *picture_r = picture;
    return true;
}

void avatar_cache_keep(struct avatar_cache *cache, struct span jid, enum avatar_source source, int64_t now,
                       const struct picture *picture)
{
    struct span bytes = picture->elsewhere.size ? picture->elsewhere : picture->bytes;
    struct buf text = { 0 };
    struct span key = key_of(jid, source, &text);
    struct entry *entry;

    tidy(cache, now);
    entry = map_get(cache->map, key);
    if (entry)
        drop(cache, entry);
    while (!list_empty(&cache->entries) &&
           (map_count(cache->map) >= ENTRIES_MOST || cache->bytes + bytes.size > BYTES_MOST))
        drop_first(cache);
    if (bytes.size <= BYTES_MOST && cache->keep > 0) {
        entry = must_alloc(sizeof(*entry) + key.size + bytes.size);
        entry->until = now + cache->keep;
        entry->type = picture->type;
        entry->is_elsewhere = picture->elsewhere.size > 0;
        entry->key_size = key.size;
        entry->size = bytes.size;
        memcpy(entry->text, key.at, key.size);
        if (bytes.size)
            memcpy(entry->text + key.size, bytes.at, bytes.size);
        cache->bytes += bytes.size;
        must(map_set(cache->map, key, entry) == NULL);
        list_append(&cache->entries, &entry->node);
    }
    buf_free(&text);
}
