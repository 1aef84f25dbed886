/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: avatar_picture.c - what is a picture, by its first bytes; see avatar.h. */
#include "avatar.h"

#include "base/codec.h"
#include "base/text.h"
#include "parse/uri.h"

#define URL_MOST 2048

static bool has_at(struct span bytes, size_t at, struct span wanted)
{
    return bytes.size >= at + wanted.size && memcmp(bytes.at + at, wanted.at, wanted.size) == 0;
}

static unsigned byte_at(struct span bytes, size_t at)
{
    return (unsigned char)bytes.at[at];
}

static unsigned big_endian(struct span bytes, size_t at)
{
    return byte_at(bytes, at) << 24 | byte_at(bytes, at + 1) << 16 | byte_at(bytes, at + 2) << 8 |
           byte_at(bytes, at + 3);
}

/* ISO 14496-12 4.3: a box ftyp with a major brand, a version, and brands that it is compatible with. */
static bool is_avif(struct span bytes)
{
    size_t end;

    if (bytes.size < 16 || !has_at(bytes, 4, SPAN("ftyp")))
        return false;
    end = big_endian(bytes, 0);
    if (end > bytes.size)
        end = bytes.size;
    for (size_t at = 8; at + 4 <= end; at += 4)
        if (at != 12 && (has_at(bytes, at, SPAN("avif")) || has_at(bytes, at, SPAN("avis"))))
            return true;
    return false;
}

const char *picture_type(struct span bytes)
{
    if (has_at(bytes, 0, SPAN("\x89PNG\r\n\x1a\n")))
        return "image/png";
    if (has_at(bytes, 0, SPAN("\xff\xd8\xff")))
        return "image/jpeg";
    if (has_at(bytes, 0, SPAN("GIF87a")) || has_at(bytes, 0, SPAN("GIF89a")))
        return "image/gif";
    if (has_at(bytes, 0, SPAN("RIFF")) && has_at(bytes, 8, SPAN("WEBP")))
        return "image/webp";
    return is_avif(bytes) ? "image/avif" : NULL;
}

bool picture_size(struct span bytes, unsigned *width_r, unsigned *height_r)
{
    const char *type = picture_type(bytes);

    if (type && strcmp(type, "image/png") == 0 && bytes.size >= 24 && has_at(bytes, 12, SPAN("IHDR"))) {
        *width_r = big_endian(bytes, 16);
        *height_r = big_endian(bytes, 20);
        return true;
    }
    if (type && strcmp(type, "image/gif") == 0 && bytes.size >= 10) {
        *width_r = byte_at(bytes, 6) | byte_at(bytes, 7) << 8;
        *height_r = byte_at(bytes, 8) | byte_at(bytes, 9) << 8;
        return true;
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool picture_decode(struct span base64, size_t most, struct arena *arena, struct picture *picture_r)
{
    struct buf text = { 0 }, bytes = { 0 };
    struct picture picture = { 0 };

    for (size_t i = 0; i < base64.size; i++)
        if (!is_space(base64.at[i]))
            buf_char(&text, base64.at[i]);
    if (text.size / 4 * 3 <= most + 3 && codec_base64_decode(&bytes, buf_span(&text)) && bytes.size <= most)
        picture.type = picture_type(buf_span(&bytes));
    if (picture.type) {
        picture.bytes = arena_copy(arena, buf_span(&bytes));
        *picture_r = picture;
    }
    buf_free(&text);
    buf_free(&bytes);
    return picture.type != NULL;
}

/* RFC 2397: what stands behind ";base64,". Its type is not looked at. */
static bool from_data(struct span rest, size_t most, struct arena *arena, struct picture *picture_r)
{
    struct span head = span_cut(&rest, ',');

    return span_ends(head, SPAN(";base64")) && picture_decode(rest, most, arena, picture_r);
}

static bool is_https(struct span uri)
{
    struct span rest = span_from(uri, 8), host;
    struct uri_host parsed;
    size_t end = 0;

    if (!span_eq_nocase(span_head(uri, 8), SPAN("https://")) || uri.size > URL_MOST)
        return false;
    for (size_t i = 0; i < uri.size; i++)
        if (uri.at[i] <= ' ' || uri.at[i] == 0x7f || strchr("\"<>\\^`{|}", uri.at[i]))
            return false;
    while (end < rest.size && strchr("/?#", rest.at[end]) == NULL)
        end++;
    host = span_head(rest, end);
    return uri_host_parse(host, &parsed);
}

bool picture_from_uri(struct span uri, size_t most, struct arena *arena, struct picture *picture_r)
{
    while (uri.size && is_space(uri.at[0]))
        uri = span_from(uri, 1);
    while (uri.size && is_space(uri.at[uri.size - 1]))
        uri.size--;
    if (span_eq_nocase(span_head(uri, 5), SPAN("data:")))
        return from_data(span_from(uri, 5), most, arena, picture_r);
    if (!is_https(uri))
        return false;
    *picture_r = (struct picture){ .elsewhere = arena_copy(arena, uri) };
    return true;
}
