/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: slot_fuzz.c - rows of LMDB as a hostile disk would have them: whatever decodes points
 * into the row and encodes to the same bytes; keys of the indices and templates of URLs with any path. */
#include "modules/upload/slot_table.h"
#include "modules/upload/uri_template.h"

#include "base/must.h"

static void check_within(struct span whole, struct span part)
{
    must(part.size == 0 || (part.at >= whole.at && part.at + part.size <= whole.at + whole.size));
}

static void decode_row(struct span bytes)
{
    struct buf again = { 0 };
    struct slot slot;

    if (!slot_decode(bytes, &slot))
        return;
    check_within(bytes, slot.owner);
    check_within(bytes, slot.domain);
    check_within(bytes, slot.filename);
    check_within(bytes, slot.type);
    must(slot.size >= 0 && slot.expires >= 0 && slot.filename.size <= FILENAME_MOST);
    slot_encode(&slot, &again);
    must(span_eq(buf_span(&again), bytes));
    buf_clear(&again);
    slot_segment(slot.filename, &again);
    must(again.size == slot.filename.size && memchr(again.at, '/', again.size) == NULL);
    buf_free(&again);
}

static void decode_keys(struct span bytes)
{
    struct owner_row row;
    struct usage usage;
    unsigned char id[SLOT_ID];
    enum due_kind kind;
    int64_t moment;

    if (due_key_decode(bytes, &kind, &moment, id)) {
        char key[DUE_KEY];

        due_key(kind, moment, id, key);
        must(span_eq(span_make(key, sizeof(key)), bytes));
    }
    if (usage_decode(bytes, &usage))
        check_within(bytes, usage.name);
    (void)owner_row_decode(span_head(bytes, OWNER_ROW), span_from(bytes, OWNER_ROW), &row);
}

static void match_path(struct span path)
{
    static const char *const texts[] = { "{proto}://{serverName}:{port}/u/{userJid}/{slotId}/{filename}",
                                         "{proto}://{serverName}:{port}/u/{slotId}-{filename}.x/{domain}" };

    for (size_t i = 0; i < 2; i++) {
        struct uri_template template;
        struct uri_match match;

        must(uri_template_parse(&template, texts[i], "/u") == NULL);
        if (!uri_template_match(&template, path, &match))
            continue;
        check_within(path, match.slot_id);
        check_within(path, match.filename);
        must(match.slot_id.size > 0 && match.filename.size > 0);
        must(memchr(match.filename.at, '/', match.filename.size) == NULL);
    }
}

/* The bytes as a template: taken or refused, and what is taken matches or not without harm. */
static void parse_template(struct span bytes)
{
    struct uri_template template;
    struct uri_match match;
    char text[512];

    if (bytes.size >= sizeof(text) || memchr(bytes.at, 0, bytes.size) != NULL)
        return;
    memcpy(text, bytes.at, bytes.size);
    text[bytes.size] = '\0';
    if (uri_template_parse(&template, text, "/") == NULL)
        (void)uri_template_match(&template, SPAN("/a/0123abcd-0123-4567-89ab-0123456789ab/x.y-z/b"), &match);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct span bytes = span_make((const char *)data, size);

    if (size == 0)
        return 0;
    decode_row(bytes);
    decode_keys(bytes);
    match_path(bytes);
    parse_template(bytes);
    return 0;
}
