/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: uri_template.c - see uri_template.h.
 *
 * A block takes at least one character and never a slash. Where several stand in one segment, plain text
 * between them tells where one ends: a slot id by its own form, {filename} at the last such text of the
 * segment, the others at the first. */
#include "uri_template.h"

#include "base/codec.h"
#include "slot.h"

static const struct {
    const char *name;
    enum template_block block;
} blocks[] = {
    { "proto", BLOCK_PROTO },       { "serverName", BLOCK_SERVER_NAME }, { "port", BLOCK_PORT },
    { "userJid", BLOCK_USER_JID },  { "domain", BLOCK_DOMAIN },          { "slotId", BLOCK_SLOT_ID },
    { "filename", BLOCK_FILENAME },
};

static enum template_block block_of(struct span name)
{
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
        if (span_is(name, blocks[i].name))
            return blocks[i].block;
    return BLOCK_NONE;
}

static bool add(struct uri_template *template, enum template_block block, struct span text)
{
    if (block == BLOCK_NONE && text.size == 0)
        return true;
    if (template->count == TEMPLATE_PIECES_MOST)
        return false;
    template->pieces[template->count++] = (struct template_piece){ block, text };
    return true;
}

static const char *cut_into_pieces(struct uri_template *template, struct span rest)
{
    while (rest.size > 0) {
        ssize_t open = span_find(rest, '{'), close;
        struct span text = open < 0 ? rest : span_head(rest, (size_t)open);
        enum template_block block;

        if (span_find(text, '}') >= 0)
            return "a { before each }";
        if (!add(template, BLOCK_NONE, text))
            return "a shorter template";
        if (open < 0)
            return NULL;
        rest = span_from(rest, (size_t)open + 1);
        close = span_find(rest, '}');
        if (close < 0)
            return "a } behind each {";
        block = block_of(span_head(rest, (size_t)close));
        if (block == BLOCK_NONE)
            return "only the blocks {proto} {serverName} {port} {domain} {userJid} {slotId} {filename}";
        if (template->count > 0 && template->pieces[template->count - 1].block != BLOCK_NONE)
            return "some text between two blocks, else nobody can tell where one ends";
        if (!add(template, block, (struct span){ 0 }))
            return "a shorter template";
        rest = span_from(rest, (size_t)close + 1);
    }
    return NULL;
}

/* Splits the piece that holds the first slash behind "://" so that the path begins with a piece of its own.
 */
static const char *find_path(struct uri_template *template)
{
    bool in_authority = false;

    for (size_t i = 0; i < template->count; i++) {
        struct template_piece *piece = &template->pieces[i];
        struct span rest = piece->text;
        ssize_t slash;

        if (piece->block != BLOCK_NONE)
            continue;
        if (!in_authority) {
            const char *colon = memmem(rest.at, rest.size, "://", 3);

            if (colon == NULL)
                continue;
            in_authority = true;
            rest = span_from(rest, (size_t)(colon - rest.at) + 3);
        }
        slash = span_find(rest, '/');
        if (slash < 0)
            continue;
        if (slash == 0 && rest.at == piece->text.at) {
            template->path = i;
            return NULL;
        }
        if (template->count == TEMPLATE_PIECES_MOST)
            return "a shorter template";
        memmove(piece + 1, piece, (template->count - i) * sizeof(*piece));
        template->count++;
        piece[0].text = span_make(piece->text.at, (size_t)(rest.at + slash - piece->text.at));
        piece[1].text = span_from(rest, (size_t)slash);
        template->path = i + 1;
        return NULL;
    }
    return "a whole URL: {proto}://{serverName}:{port}/...";
}

static const char *check_path_text(struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.at[i] <= ' ' || (unsigned char)text.at[i] >= 0x7f ||
            strchr("?#%\\\"<>", text.at[i]) != NULL)
            return "only plain characters in the path, without ? # % and blanks";
    return memmem(text.at, text.size, "//", 2) != NULL ? "a path without empty segments" : NULL;
}

static const char *check_blocks(const struct uri_template *template)
{
    unsigned seen[BLOCK_FILENAME + 1] = { 0 };

    for (size_t i = 0; i < template->count; i++) {
        const struct template_piece *piece = &template->pieces[i];
        const char *why =
            i >= template->path && piece->block == BLOCK_NONE ? check_path_text(piece->text) : NULL;

        if (why != NULL)
            return why;
        if (i < template->path && piece->block >= BLOCK_USER_JID && piece->block != BLOCK_DOMAIN)
            return "{userJid}, {slotId} and {filename} only behind the host";
        if (i >= template->path && piece->block != BLOCK_NONE && seen[piece->block]++ > 0)
            return "each block only once in the path";
    }
    return seen[BLOCK_SLOT_ID] > 0 && seen[BLOCK_FILENAME] > 0 ? NULL
                                                               : "both {slotId} and {filename} in the path";
}

const char *uri_template_parse(struct uri_template *template_r, const char *text, const char *context_path)
{
    struct span context = span_of(context_path), first;
    const char *why;

    *template_r = (struct uri_template){ 0 };
    why = cut_into_pieces(template_r, span_of(text));
    if (why == NULL)
        why = find_path(template_r);
    if (why == NULL)
        why = check_blocks(template_r);
    if (why != NULL)
        return why;
    first = template_r->pieces[template_r->path].text;
    if (span_is(context, "/"))
        return NULL;
    if (!span_starts(first, context) || first.size <= context.size || first.at[context.size] != '/')
        return "a path that lies below upload/httpModule/context-path, else no request would ever reach it";
    return NULL;
}

static void add_segment(struct span name, struct buf *out)
{
    struct buf plain = { 0 };

    slot_segment(name, &plain);
    codec_percent(out, buf_span(&plain), "@");
    buf_free(&plain);
}

void uri_template_format(const struct uri_template *template, const struct uri_values *values,
                         struct buf *out)
{
    for (size_t i = 0; i < template->count; i++) {
        switch (template->pieces[i].block) {
        case BLOCK_NONE:
            buf_add(out, template->pieces[i].text);
            break;
        case BLOCK_PROTO:
            buf_text(out, values->proto);
            break;
        case BLOCK_SERVER_NAME:
            buf_text(out, values->server_name);
            break;
        case BLOCK_PORT:
            buf_number(out, values->port);
            break;
        case BLOCK_USER_JID:
            add_segment(values->user_jid, out);
            break;
        case BLOCK_DOMAIN:
            add_segment(values->domain, out);
            break;
        case BLOCK_SLOT_ID:
            add_segment(values->slot_id, out);
            break;
        case BLOCK_FILENAME:
            add_segment(values->filename, out);
            break;
        }
    }
}

/* Where text begins in whole, at `from` or later; the last such place when is_last. -1: nowhere. */
static ssize_t place_of(struct span whole, struct span text, size_t from, bool is_last)
{
    ssize_t found = -1;

    for (size_t at = from; at + text.size <= whole.size; at++) {
        if (memcmp(whole.at + at, text.at, text.size) != 0)
            continue;
        found = (ssize_t)at;
        if (!is_last)
            break;
    }
    return found;
}

/* How many bytes at the front of rest the block takes, when the plain text `behind` follows it (empty: it is
 * the last piece). 0: none can be. */
static size_t block_size(enum template_block block, struct span rest, struct span behind)
{
    ssize_t slash = span_find(rest, '/'), end;
    struct span segment = slash < 0 ? rest : span_head(rest, (size_t)slash);
    struct span text = behind;
    unsigned char id[SLOT_ID];

    if (behind.size == 0)
        return slash < 0 ? segment.size : 0;
    if (behind.at[0] == '/')
        return segment.size;
    slash = span_find(behind, '/');
    if (slash >= 0)
        text = span_head(behind, (size_t)slash);
    if (block == BLOCK_SLOT_ID && segment.size > UUID_TEXT &&
        codec_uuid_decode(span_head(segment, UUID_TEXT), id) &&
        span_starts(span_from(segment, UUID_TEXT), text))
        return UUID_TEXT;
    end = place_of(segment, text, 1, block == BLOCK_FILENAME);
    return end < 0 ? 0 : (size_t)end;
}

bool uri_template_match(const struct uri_template *template, struct span path, struct uri_match *match_r)
{
    struct uri_match match = { 0 };

    for (size_t i = template->path; i < template->count; i++) {
        const struct template_piece *piece = &template->pieces[i];
        struct span behind = { 0 }, taken;

        if (piece->block == BLOCK_NONE) {
            if (!span_starts(path, piece->text))
                return false;
            path = span_from(path, piece->text.size);
            continue;
        }
        if (i + 1 < template->count)
            behind = template->pieces[i + 1].text;
        taken = span_head(path, block_size(piece->block, path, behind));
        if (taken.size == 0)
            return false;
        path = span_from(path, taken.size);
        if (piece->block == BLOCK_USER_JID)
            match.user_jid = taken;
        else if (piece->block == BLOCK_DOMAIN)
            match.domain = taken;
        else if (piece->block == BLOCK_SLOT_ID)
            match.slot_id = taken;
        else if (piece->block == BLOCK_FILENAME)
            match.filename = taken;
    }
    *match_r = match;
    return path.size == 0;
}

struct uri_match uri_match_keep(const struct uri_match *match, struct arena *arena)
{
    struct uri_match kept = { .slot_id = arena_copy(arena, match->slot_id),
                              .filename = arena_copy(arena, match->filename) };

    if (match->user_jid.at != NULL)
        kept.user_jid = arena_copy(arena, match->user_jid);
    if (match->domain.at != NULL)
        kept.domain = arena_copy(arena, match->domain);
    return kept;
}
