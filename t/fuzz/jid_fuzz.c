/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and libidn: jid_fuzz.c - a prepared JID is prepared: its text parses to the same parts. */
#include "base/must.h"
#include "base/text.h"
#include "parse/jid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { (const char *)data, size }, text;
    struct arena *arena = arena_new();
    struct jid jid, again;

    if (jid_parse(arena, in, &jid)) {
        text = jid_text(arena, jid);
        must(jid.domain.size > 0 && text.size <= JID_MOST && text_is_utf8(text) && !text_has_control(text));
        must(jid.local.size <= JID_PART_MOST && jid.domain.size <= JID_PART_MOST &&
             jid.resource.size <= JID_PART_MOST);
        must(span_find(jid.local, '@') < 0 && span_find(jid.local, '/') < 0);
        must(jid_parse(arena, text, &again) && jid_equal(jid, again));
        text = jid_bare_text(arena, jid);
        must(text.size <= JID_BARE_MOST && jid_parse(arena, text, &again) && jid_equal_bare(jid, again));
        must(again.resource.size == 0);
    } else {
        must(jid.local.size + jid.domain.size + jid.resource.size == 0);
    }
    arena_free(&arena);
    return 0;
}
