/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: tracker.c - see tracker.h. A keeper that dies while it writes leaves a row odd, which is
 * read as free; the next one that adds makes it even. */
#include "shm/tracker.h"

#include "base/clock.h"

static void copy_text(char *into, size_t size, struct span text)
{
    text = span_head(text, size - 1);
    if (text.size)
        memcpy(into, text.at, text.size);
    memset(into + text.size, 0, size - text.size);
}

bool tracker_is_file(struct span name)
{
    if (name.size == 0 || name.size >= TRACK_FILE_SIZE || name.at[0] == '.' ||
        span_starts(name, SPAN("stoa.log")) || span_starts(name, SPAN("access.log")))
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.at[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
              c == '_' || c == '.'))
            return false;
    }
    return true;
}

bool tracker_read(const struct trackers *trackers, unsigned row, struct tracked_view *view_r)
{
    const struct tracked *tracked = &trackers->rows[row];
    uint32_t before = atomic_load_explicit(&tracked->sequence, memory_order_acquire), used;

    used = atomic_load_explicit(&tracked->used, memory_order_relaxed);
    if (!used || before % 2)
        return false;
    view_r->since = atomic_load_explicit(&tracked->since, memory_order_relaxed);
    memcpy(view_r->jid, tracked->jid, sizeof(view_r->jid));
    memcpy(view_r->file, tracked->file, sizeof(view_r->file));
    atomic_thread_fence(memory_order_acquire);
    view_r->jid[sizeof(view_r->jid) - 1] = '\0';
    view_r->file[sizeof(view_r->file) - 1] = '\0';
    return atomic_load_explicit(&tracked->sequence, memory_order_relaxed) == before;
}

bool tracker_fits(const struct tracked_view *view, struct span jid)
{
    struct span wanted = span_of(view->jid);

    if (!span_starts(jid, wanted))
        return false;
    return jid.size == wanted.size || (jid.at[wanted.size] == '/' && span_find(wanted, '/') < 0);
}

static void write_row(struct trackers *trackers, unsigned row, struct span jid, struct span file)
{
    struct tracked *tracked = &trackers->rows[row];
    uint32_t odd = atomic_load_explicit(&tracked->sequence, memory_order_relaxed) | 1;
    uint32_t count = 0;

    atomic_store_explicit(&tracked->sequence, odd, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    copy_text(tracked->jid, sizeof(tracked->jid), jid);
    copy_text(tracked->file, sizeof(tracked->file), file);
    atomic_store_explicit(&tracked->since, clock_wall(), memory_order_relaxed);
    atomic_store_explicit(&tracked->used, jid.size > 0, memory_order_relaxed);
    atomic_store_explicit(&tracked->sequence, odd + 1, memory_order_release);
    for (unsigned i = 0; i < TRACKED_MOST; i++)
        count += atomic_load_explicit(&trackers->rows[i].used, memory_order_relaxed);
    atomic_store_explicit(&trackers->count, count, memory_order_release);
}

int tracker_add(struct trackers *trackers, struct span jid, struct span file)
{
    struct tracked_view view;
    int free_row = -1;

    if (jid.size == 0 || jid.size >= TRACK_JID_SIZE || !tracker_is_file(file))
        return -1;
    for (unsigned i = 0; i < TRACKED_MOST; i++)
        if (!tracker_read(trackers, i, &view))
            free_row = free_row < 0 ? (int)i : free_row;
        else if (span_is(jid, view.jid) || span_is(file, view.file))
            return -1;
    if (free_row < 0)
        return -1;
    write_row(trackers, (unsigned)free_row, jid, file);
    return 0;
}

bool tracker_remove(struct trackers *trackers, struct span jid)
{
    struct tracked_view view;

    for (unsigned i = 0; i < TRACKED_MOST; i++)
        if (tracker_read(trackers, i, &view) && span_is(jid, view.jid)) {
            write_row(trackers, i, SPAN(""), SPAN(""));
            return true;
        }
    return false;
}
