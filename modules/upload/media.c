/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: media.c - see media.h. */
#include "media.h"

#include "parse/http_value.h"

/* Endings that phones and desktops send; for files whose request named no type. */
static const struct {
    const char *ending, *type;
} endings[] = {
    { "jpg", "image/jpeg" },        { "jpeg", "image/jpeg" },      { "png", "image/png" },
    { "gif", "image/gif" },         { "webp", "image/webp" },      { "avif", "image/avif" },
    { "heic", "image/heic" },       { "svg", "image/svg+xml" },    { "mp4", "video/mp4" },
    { "m4v", "video/mp4" },         { "webm", "video/webm" },      { "mov", "video/quicktime" },
    { "3gp", "video/3gpp" },        { "mkv", "video/x-matroska" }, { "mp3", "audio/mpeg" },
    { "m4a", "audio/mp4" },         { "aac", "audio/aac" },        { "ogg", "audio/ogg" },
    { "oga", "audio/ogg" },         { "opus", "audio/ogg" },       { "flac", "audio/flac" },
    { "wav", "audio/wav" },         { "txt", "text/plain" },       { "pdf", "application/pdf" },
    { "zip", "application/zip" },   { "html", "text/html" },       { "htm", "text/html" },
    { "json", "application/json" }, { "xml", "application/xml" },  { "vcf", "text/vcard" },
    { "ics", "text/calendar" },
};

/* What follows the last dot; empty without one. */
static struct span ending_of(struct span filename)
{
    for (size_t i = filename.size; i-- > 0;)
        if (filename.at[i] == '.')
            return span_from(filename, i + 1);
    return span_make("", 0);
}

bool media_is_listed(const struct conf_list *patterns, struct span type)
{
    struct media_type media;

    if (!media_type_parse(type, &media))
        return false;
    for (size_t i = 0; i < patterns->count; i++) {
        struct span pattern = span_of(patterns->texts[i]);

        if (span_ends(pattern, SPAN("/*")) ? span_eq_nocase(span_head(pattern, pattern.size - 2), media.type)
                                           : media_type_same(pattern, type))
            return true;
    }
    return false;
}

bool media_ends_in(const struct conf_list *extensions, struct span filename)
{
    struct span ending = ending_of(filename);

    for (size_t i = 0; i < extensions->count; i++)
        if (ending.size > 0 && span_eq_nocase(ending, span_of(extensions->texts[i])))
            return true;
    return false;
}

const char *media_by_name(struct span filename)
{
    struct span ending = ending_of(filename);

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (span_eq_nocase(ending, span_of(endings[i].ending)))
            return endings[i].type;
    return "application/octet-stream";
}

bool media_is_active(struct span type)
{
    static const char *const kinds[] = { "text/html",       "text/xml",         "text/javascript",
                                         "application/xml", "application/pdf",  "application/javascript",
                                         "image/svg",       "multipart/related" };
    struct media_type media;

    if (!media_type_parse(type, &media))
        return true;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (media_type_same(type, span_of(kinds[i])))
            return true;
    return media.subtype.size > 4 &&
           span_eq_nocase(span_from(media.subtype, media.subtype.size - 4), SPAN("+xml"));
}
