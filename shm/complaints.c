/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0 and os/log: complaints.c - see complaints.h. */
#include "shm/complaints.h"

#include "base/clock.h"
#include "os/log.h"
#include "shm/hash.h"

#include <stdlib.h>

_Static_assert(sizeof(struct complaint) % sizeof(uint64_t) == 0, "an entry is copied by words");

static uint64_t check_of(const struct complaints *complaints, uint64_t number,
                         const uint64_t words[COMPLAINT_WORDS])
{
    return hash_name(complaints->seed ^ number,
                     span_make((const char *)words, COMPLAINT_WORDS * sizeof(*words)));
}

static uint64_t name_of(const struct complaints *complaints, const struct complaint *entry)
{
    return hash_name(hash_name(complaints->seed ^ entry->is_error, span_of(entry->kind)),
                     span_of(entry->text));
}

/* At most size bytes of it, whole characters (a byte that goes on with one has 1 and 0 as its top bits). */
static struct span cut(struct span text, size_t size)
{
    if (text.size <= size)
        return text;
    while (size > 0 && ((unsigned char)text.at[size] & 0xc0) == 0x80)
        size--;
    return span_head(text, size);
}

static void copy_text(char *into, struct span text)
{
    if (text.size)
        memcpy(into, text.at, text.size); /* the entry was zeroed */
}

static bool is_counted(struct complaints *complaints, uint64_t name, int64_t now)
{
    for (unsigned i = 0; i < COMPLAINTS_MOST; i++) {
        struct complaint_slot *slot = &complaints->slots[i];
        uint64_t number = atomic_load(&slot->number), again = atomic_load(&slot->again);

        if (number == 0 || atomic_load(&slot->name) != name)
            continue;
        while (again >> 32 == (uint32_t)number && (uint32_t)again < UINT32_MAX)
            if (atomic_compare_exchange_weak(&slot->again, &again, again + 1)) {
                atomic_store(&slot->last, now);
                return true;
            }
    }
    return false;
}

void complaints_add(struct complaints *complaints, bool is_error, const char *kind, int pid, struct span text,
                    int64_t now)
{
    struct complaint entry = { .first = now, .is_error = is_error, .pid = pid };
    uint64_t words[COMPLAINT_WORDS], number, name;
    struct complaint_slot *slot;

    copy_text(entry.kind, cut(span_of(kind), COMPLAINT_KIND - 1));
    copy_text(entry.text, cut(text, COMPLAINT_TEXT));
    name = name_of(complaints, &entry);
    if (is_counted(complaints, name, now))
        return;
    number = atomic_fetch_add(&complaints->next, 1) + 1;
    slot = &complaints->slots[number % COMPLAINTS_MOST];
    memcpy(words, &entry, sizeof(words));
    atomic_store(&slot->number, 0);
    for (size_t i = 0; i < COMPLAINT_WORDS; i++)
        atomic_store_explicit(&slot->words[i], words[i], memory_order_relaxed);
    atomic_store(&slot->check, check_of(complaints, number, words));
    atomic_store(&slot->name, name);
    atomic_store(&slot->last, now);
    atomic_store(&slot->again, number << 32 | 1);
    atomic_store(&slot->number, number);
}

static bool read_one(const struct complaints *complaints, const struct complaint_slot *slot,
                     struct complaint *entry_r)
{
    uint64_t number = atomic_load(&slot->number), words[COMPLAINT_WORDS];

    if (number == 0)
        return false;
    for (size_t i = 0; i < COMPLAINT_WORDS; i++)
        words[i] = atomic_load_explicit(&slot->words[i], memory_order_relaxed);
    if (atomic_load(&slot->check) != check_of(complaints, number, words))
        return false;
    memcpy(entry_r, words, sizeof(words));
    entry_r->last = atomic_load(&slot->last);
    entry_r->times = (uint32_t)atomic_load(&slot->again);
    entry_r->kind[COMPLAINT_KIND - 1] = '\0';
    entry_r->text[COMPLAINT_TEXT] = '\0';
    return true;
}

static int latest_first(const void *a, const void *b)
{
    int64_t one = ((const struct complaint *)a)->last, two = ((const struct complaint *)b)->last;

    return (one < two) - (one > two);
}

size_t complaints_read(const struct complaints *complaints, struct complaint list_r[COMPLAINTS_MOST])
{
    size_t count = 0;

    for (unsigned i = 0; i < COMPLAINTS_MOST; i++)
        count += read_one(complaints, &complaints->slots[i], &list_r[count]);
    qsort(list_r, count, sizeof(*list_r), latest_first);
    return count;
}

/* ---- the log of this process ---- */

static struct complaints *attached; /* of the segment; the same in all children */

static void hear(enum log_level level, const char *kind, int pid, struct span sentence)
{
    complaints_add(attached, level == LOG_LEVEL_ERROR, kind, pid, sentence, clock_wall());
}

void complaints_attach(struct complaints *complaints)
{
    attached = complaints;
    log_listen(complaints ? hear : NULL);
}
