/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: mail.c - letters as bytes and as rows of mail.tbl; see letter.h, and post.c for their way.
 */
#include "shm/mail.h"

#include "shm/letter.h"

#include <stddef.h>

enum {
    ROUTER = 1 << PROCESS_router,
    KEEPER = 1 << PROCESS_keeper,
    WORKER = 1 << PROCESS_worker,
};

_Static_assert(sizeof(struct letter_head) == 48 && offsetof(struct letter_head, unused) == 44, "no hole");

static const struct {
    const char *name;
    unsigned from, to, parts;
} rows[LETTER_KINDS] = {
    [LETTER_NONE] = { "NONE", 0, 0, 0 },
#define LETTER(symbol, from, to, parts, meaning) [LETTER_##symbol] = { #symbol, from, to, parts },
#include "shm/mail.tbl"
#undef LETTER
};

const char *letter_name(enum letter_kind kind)
{
    return (unsigned)kind < LETTER_KINDS ? rows[kind].name : "unknown";
}

bool letter_allowed(const struct letter *letter, enum process_kind from, enum process_kind to)
{
    unsigned kind = letter->kind;

    return kind < LETTER_KINDS && rows[kind].from & 1u << from && rows[kind].to & 1u << to &&
           letter->count == rows[kind].parts;
}

size_t letter_size(const struct letter *letter)
{
    size_t size = sizeof(struct letter_head);

    for (unsigned i = 0; i < letter->count; i++)
        size += letter->parts[i].size;
    return size;
}

void letter_make_head(const struct letter *letter, struct letter_head *head_r)
{
    *head_r = (struct letter_head){
        .kind = letter->kind, .number = letter->number, .call = letter->call, .count = letter->count
    };
    for (unsigned i = 0; i < letter->count; i++)
        head_r->sizes[i] = (uint32_t)letter->parts[i].size;
}

bool letter_open(struct span bytes, struct letter *letter_r)
{
    struct letter_head head;

    if (bytes.size < sizeof(head))
        return false;
    memcpy(&head, bytes.at, sizeof(head));
    bytes = span_from(bytes, sizeof(head));
    if (head.kind == LETTER_NONE || head.kind >= LETTER_KINDS || head.count > LETTER_PARTS)
        return false;
    *letter_r = (struct letter){
        .kind = (enum letter_kind)head.kind, .call = head.call, .number = head.number, .count = head.count
    };
    for (unsigned i = 0; i < head.count; i++) {
        if (head.sizes[i] > bytes.size)
            return false;
        letter_r->parts[i] = span_head(bytes, head.sizes[i]);
        bytes = span_from(bytes, head.sizes[i]);
    }
    return bytes.size == 0;
}
