/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2: iq.c - see iq.h. */
#include "xmpp/iq.h"

#include "base/codec.h"
#include "base/map.h"
#include "base/random.h"

#include <stdlib.h>

struct iq_table {
    struct loop *loop;  /* borrowed */
    struct map *by_id;  /* owned; values are the callers' struct iq_wait */
    struct list waits;  /* all of them */
    struct buf scratch; /* owned; for one id */
};

struct iq_table *iq_table_new(struct loop *loop)
{
    struct iq_table *table = must_alloc(sizeof(*table));

    table->loop = loop;
    table->by_id = map_new();
    list_init(&table->waits);
    return table;
}

void iq_table_free(struct iq_table **table)
{
    if (*table == NULL)
        return;
    must(list_empty(&(*table)->waits));
    map_free(&(*table)->by_id);
    buf_free(&(*table)->scratch);
    free(*table);
    *table = NULL;
}

size_t iq_table_count(const struct iq_table *table)
{
    return map_count(table->by_id);
}

void iq_wait_stop(struct iq_wait *wait)
{
    if (wait->table == NULL)
        return;
    must(map_remove(wait->table->by_id, span_of(wait->id)) == wait);
    list_remove(&wait->node);
    timer_stop(&wait->timer);
    free(wait->asked);
    wait->asked = NULL;
    wait->table = NULL;
    OBJECT_DEAD(wait);
}

static void finish(struct iq_wait *wait, enum problem problem, const struct xml_element *answer)
{
    iq_wait_stop(wait);
    wait->done(wait, problem, answer);
}

static void on_deadline(struct timer *timer)
{
    struct iq_wait *wait = LIST_OF(timer, struct iq_wait, timer);

    finish(OBJECT(wait, iq_wait), PROBLEM_server_silent, NULL);
}

static void make_id(struct iq_table *table, char id_r[IQ_ID_SIZE])
{
    unsigned char bytes[(IQ_ID_SIZE - 1) / 2];

    random_bytes(bytes, sizeof(bytes));
    buf_clear(&table->scratch);
    codec_hex(&table->scratch, span_make((const char *)bytes, sizeof(bytes)));
    must(table->scratch.size == IQ_ID_SIZE - 1);
    memcpy(id_r, table->scratch.at, IQ_ID_SIZE - 1);
    id_r[IQ_ID_SIZE - 1] = '\0';
}

void iq_wait_start(struct iq_table *table, struct iq_wait *wait, struct jid asked, int64_t deadline,
                   void (*done)(struct iq_wait *wait, enum problem problem, const struct xml_element *answer))
{
    struct arena *arena = arena_new();
    struct span text = jid_text(arena, asked);

    must(wait->table == NULL);
    OBJECT_BORN(wait, iq_wait);
    wait->table = table;
    wait->done = done;
    wait->asked = must_alloc(text.size + 1);
    memcpy(wait->asked, text.at, text.size);
    wait->asked_size = text.size;
    arena_free(&arena);
    make_id(table, wait->id);
    must(map_set(table->by_id, span_of(wait->id), wait) == NULL);
    list_append(&table->waits, &wait->node);
    timer_set(table->loop, &wait->timer, deadline, on_deadline);
}

bool iq_table_answer(struct iq_table *table, struct span id, struct jid from, const struct xml_element *iq,
                     struct arena *arena)
{
    struct iq_wait *wait = map_get(table->by_id, id);

    if (wait == NULL || !span_eq(jid_text(arena, from), span_make(wait->asked, wait->asked_size)))
        return false;
    finish(wait, PROBLEM_none, iq);
    return true;
}

void iq_table_fail(struct iq_table *table, enum problem problem)
{
    struct list doomed;

    list_init(&doomed);
    while (!list_empty(&table->waits))
        list_append(&doomed, list_take(&table->waits));
    while (!list_empty(&doomed))
        finish(LIST_OF(doomed.next, struct iq_wait, node), problem, NULL);
}
