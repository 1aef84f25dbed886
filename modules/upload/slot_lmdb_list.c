/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: slot_lmdb_list.c - what is asked of the records as a whole: usage, and files by page.
 *
 * Both are read from this process's map, at once. Domains have no index of their files, since only people ask
 * for these: a page looks at ROWS_MOST records and says where the next one goes on. */
#include "slot_repository.h"

#define ROWS_MOST 5000 /* some milliseconds */

void slot_lmdb_usage(struct slot_repository *repository, struct slot_usage *usage)
{
    struct store *store = slot_lmdb_store(repository);
    struct store_view *view = store_view(store);
    char key[USAGE_KEY];
    struct span value;
    int found = -1;

    usage->usage = (struct usage){ 0 };
    if (view) {
        usage_key(usage->is_domain ? 'd' : 'u', usage->name, key);
        found = store_get(view, TABLE_USAGE, span_make(key, sizeof(key)), &value);
        if (found == 1 && !usage_decode(value, &usage->usage))
            found = -1;
        usage->usage.name = SPAN("");
        store_view_end(store, view);
    }
    usage->done(usage, found < 0 ? STORE_FAILED : 0);
}

static struct span id_span(const unsigned char id[SLOT_ID])
{
    return span_make((const char *)id, SLOT_ID);
}

static bool get_slot(struct store_view *view, const unsigned char id[SLOT_ID], struct slot *slot_r)
{
    struct span value;

    if (store_get(view, TABLE_SLOT, id_span(id), &value) != 1 || !slot_decode(value, slot_r))
        return false;
    memcpy(slot_r->id, id, SLOT_ID);
    return true;
}

static bool is_there(const struct slot *slot, int64_t now)
{
    return slot->state == SLOT_FILLED && (slot->expires == 0 || slot->expires > now);
}

/* The one before is where the next page begins; false: the page is full. */
static bool add(struct slot_list *list, const struct slot *slot)
{
    if (list->count == list->most) {
        list->is_last = false;
        memcpy(list->next, list->slots[list->count - 1].id, SLOT_ID);
        return false;
    }
    list->slots[list->count] = *slot;
    slot_keep(&list->slots[list->count++], list->arena);
    return true;
}

static int list_owner(struct slot_list *list, struct store_view *view)
{
    struct store_cursor *cursor = NULL;
    struct span key, value, from;
    char start[OWNER_ROW];
    struct owner_row row;
    struct slot slot;
    int result;

    slot_owner_key(list->owner, (unsigned char *)start);
    from = span_make(start, OWNER_KEY);
    if (list->has_after) {
        if (!get_slot(view, list->after, &slot) || !span_eq(slot.owner, list->owner))
            return REFUSED_ABSENT;
        owner_key(&slot, start);
        from = span_make(start, OWNER_ROW);
    }
    while ((result = store_walk(view, TABLE_OWNER, from, &cursor, &key, &value)) == 1) {
        if (!span_starts(key, span_make(start, OWNER_KEY)))
            break;
        if (!owner_row_decode(key, value, &row) || row.entry != ENTRY_FILLED ||
            (list->has_after && memcmp(row.id, list->after, SLOT_ID) == 0))
            continue;
        if (get_slot(view, row.id, &slot) && span_eq(slot.owner, list->owner) && is_there(&slot, list->now) &&
            !add(list, &slot))
            break;
    }
    store_walk_end(&cursor);
    return result < 0 ? STORE_FAILED : 0;
}

static int list_domain(struct slot_list *list, struct store_view *view)
{
    struct store_cursor *cursor = NULL;
    struct span key, value, from = list->has_after ? id_span(list->after) : SPAN("");
    struct slot slot;
    unsigned rows = 0;
    int result;

    while ((result = store_walk(view, TABLE_SLOT, from, &cursor, &key, &value)) == 1) {
        if (key.size != SLOT_ID || (list->has_after && span_eq(key, id_span(list->after))))
            continue;
        memcpy(slot.id, key.at, SLOT_ID);
        if (++rows > ROWS_MOST) {
            list->is_last = false;
            break;
        }
        memcpy(list->next, key.at, SLOT_ID);
        if (!slot_decode(value, &slot))
            continue;
        memcpy(slot.id, key.at, SLOT_ID);
        if (span_eq(slot.domain, list->domain) && is_there(&slot, list->now) && !add(list, &slot))
            break;
    }
    store_walk_end(&cursor);
    return result < 0 ? STORE_FAILED : 0;
}

void slot_lmdb_list(struct slot_repository *repository, struct slot_list *list)
{
    struct store *store = slot_lmdb_store(repository);
    struct store_view *view = store_view(store);
    int result = STORE_FAILED;

    list->slots = arena_alloc(list->arena, (list->most + 1) * sizeof(*list->slots));
    list->count = 0;
    list->is_last = true;
    if (view) {
        result = list->owner.size ? list_owner(list, view) : list_domain(list, view);
        store_view_end(store, view);
    }
    list->done(list, result);
}
