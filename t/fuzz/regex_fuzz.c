/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: regex_fuzz.c - expressions of operators and script authors: the first line is the
 * expression, the rest what it is matched against.
 *
 * Whatever both are: an end within the limits, groups within the subject, a whole match that is whole, and
 * not a byte left in the purse of a host. */
#include "parse/regex.h"

#include "base/must.h"
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>

#define PURSE_MOST (512 * 1024)
#define TAG        16
#define STOPS_MOST 200000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct purse {
    size_t used;
    unsigned asked;
};

static void *purse_alloc(size_t size, void *data)
{
    struct purse *purse = data;
    char *block;

    if (size > PURSE_MOST - purse->used)
        return NULL;
    block = malloc(size + TAG);
    must(block);
    memcpy(block, &size, sizeof(size));
    purse->used += size;
    return block + TAG;
}

static void purse_release(void *at, void *data)
{
    struct purse *purse = data;
    char *block = (char *)at - TAG;
    size_t size;

    memcpy(&size, block, sizeof(size));
    must(purse->used >= size);
    purse->used -= size;
    free(block);
}

static bool purse_stop(void *data)
{
    return ++((struct purse *)data)->asked > STOPS_MOST;
}

static void match(struct regex *regex, struct span subject, unsigned flags)
{
    struct span groups[REGEX_GROUPS_MOST + 1];
    unsigned count = regex_groups(regex) + 1;

    must(count <= REGEX_GROUPS_MOST + 1);
    if (regex_match(regex, subject, 0, groups, count) != REGEX_MATCH)
        return;
    must((flags & REGEX_BYTES) || text_is_utf8(subject));
    must(!(flags & REGEX_WHOLE) || groups[0].size == subject.size);
    for (unsigned i = 0; i < count; i++) {
        must(groups[i].at != NULL || i > 0);
        if (groups[i].at && subject.size)
            must(groups[i].at >= subject.at && groups[i].at + groups[i].size <= subject.at + subject.size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct purse purse = { 0 };
    struct regex_host host = {
        .alloc = purse_alloc, .release = purse_release, .stop = purse_stop, .data = &purse
    };
    struct span subject = span_make((const char *)data, size), pattern;
    struct regex *regex;
    unsigned flags;
    char why[200];

    if (size < 2)
        return 0;
    flags = (data[0] & 1 ? REGEX_WHOLE : 0u) | (data[0] & 2 ? REGEX_BYTES : 0u);
    subject = span_from(subject, 1);
    pattern = span_cut(&subject, '\n');
    why[0] = '\0';
    regex = regex_new(pattern, flags, why, sizeof(why));
    must(regex || why[0]);
    if (regex)
        match(regex, subject, flags);
    regex_free(&regex);
    regex = regex_new_for(&host, pattern, flags, why, sizeof(why));
    if (regex)
        match(regex, subject, flags);
    regex_free(&regex);
    regex_host_free(&host);
    must(purse.used == 0);
    return 0;
}
