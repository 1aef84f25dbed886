/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: range.c - conditional requests and ranges over a file (RFC 9110 13 and 14).
 *
 * The order of 13.2.2 is the order of range_reply. */
#include "http/inside.h"

#include "base/random.h"
#include "base/text.h"
#include "parse/http_value.h"

#include <stdio.h>
#include <unistd.h>

enum outcome { SEND, NOT_MODIFIED, FAILED };

/* If-Match and If-None-Match may come on several lines that make one list. */
static bool any_matches(const struct http_head *head, const char *name, struct span etag,
                        enum http_comparison comparison, bool *present_r)
{
    struct span value;
    unsigned at = 0;

    *present_r = false;
    while (http_head_next(head, name, &at, &value)) {
        *present_r = true;
        if (http_etag_matches(value, etag, comparison))
            return true;
    }
    return false;
}

/* A date that cannot be read is no condition. */
static bool date_of(const struct http_request *request, const char *name, int64_t *date_r)
{
    struct span value = request_field(request, name);

    return value.at && text_to_http_date(value, date_r);
}

static enum outcome judge(const struct http_request *request, const struct range_file *file)
{
    bool present, matches;
    int64_t date;

    matches = any_matches(request->head, "If-Match", file->etag, HTTP_STRONG, &present);
    if (present && !matches)
        return FAILED;
    if (!present && date_of(request, "If-Unmodified-Since", &date) && file->modified > date)
        return FAILED;
    matches = any_matches(request->head, "If-None-Match", file->etag, HTTP_WEAK, &present);
    if (matches)
        return NOT_MODIFIED;
    if (!present && date_of(request, "If-Modified-Since", &date) && file->modified <= date)
        return NOT_MODIFIED;
    return SEND;
}

/* Ranges count for GET alone (14.2), and only while the file is the one that the client has a part of. */
static bool wants_ranges(const struct http_request *request, const struct range_file *file)
{
    struct span condition = request_field(request, "If-Range");

    if (request->method != HTTP_GET || request_field(request, "Range").at == NULL || file->size == 0)
        return false;
    return condition.at == NULL || http_if_range_holds(condition, file->etag, file->modified);
}

/* Overlapping and touching ranges become one, in the order of their first byte, when any overlap; distinct
 * ones keep the order in which they were asked (14.2 allows both, 15.3.7.2 wishes it). */
static unsigned coalesce(struct http_range *ranges, unsigned count)
{
    struct http_range sorted[HTTP_RANGES_MOST];
    unsigned kept = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned at = i;

        for (; at > 0 && sorted[at - 1].first > ranges[i].first; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = ranges[i];
    }
    for (unsigned i = 0; i < count; i++) {
        if (kept && sorted[i].first <= sorted[kept - 1].last + 1) {
            if (sorted[i].last > sorted[kept - 1].last)
                sorted[kept - 1].last = sorted[i].last;
        } else {
            sorted[kept++] = sorted[i];
        }
    }
    if (kept < count)
        memcpy(ranges, sorted, kept * sizeof(*sorted));
    return kept;
}

static void describe(struct http_request *request, const struct range_file *file)
{
    char date[HTTP_DATE_SIZE];

    text_http_date(file->modified, date);
    reply_field(request, "Last-Modified", span_of(date));
    reply_field(request, "ETag", file->etag);
    reply_field(request, "Accept-Ranges", SPAN("bytes"));
}

static void drop(const struct range_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
}

static void send_part(struct http_request *request, int status, const struct range_file *file, int64_t offset,
                      int64_t size)
{
    if (file->fd >= 0)
        reply_file(request, status, file->type, file->fd, offset, size);
    else
        reply_send(request, status, file->type, span_make(file->bytes.at + offset, (size_t)size));
}

static void send_single(struct http_request *request, const struct range_file *file,
                        const struct http_range *range)
{
    reply_field_printf(request, "Content-Range", "bytes %llu-%llu/%lld", (unsigned long long)range->first,
                       (unsigned long long)range->last, (long long)file->size);
    send_part(request, 206, file, (int64_t)range->first, (int64_t)(range->last - range->first + 1));
}

static void send_parts_of_memory(struct http_request *request, const char *type,
                                 const struct range_file *file, const struct reply_part *parts,
                                 unsigned count, struct span after)
{
    struct buf body = { 0 };

    for (unsigned i = 0; i < count; i++) {
        buf_add(&body, parts[i].before);
        buf_add(&body, span_make(file->bytes.at + parts[i].offset, (size_t)parts[i].size));
    }
    buf_add(&body, after);
    reply_send(request, 206, type, buf_span(&body));
    buf_free(&body);
}

static void send_multiple(struct http_request *request, const struct range_file *file,
                          const struct http_range *ranges, unsigned count)
{
    struct reply_part *parts = arena_alloc(request->arena, count * sizeof(*parts));
    unsigned long long mark[2];
    const char *boundary, *type;
    struct span after;

    random_bytes(mark, sizeof(mark)); /* not to be guessed by who wrote the file */
    boundary = arena_printf(request->arena, "%016llx%016llx", mark[0], mark[1]);
    type = arena_printf(request->arena, "multipart/byteranges; boundary=%s", boundary);
    after = span_of(arena_printf(request->arena, "\r\n--%s--\r\n", boundary));
    for (unsigned i = 0; i < count; i++) {
        const char *before = arena_printf(
            request->arena, "%s--%s\r\nContent-Type: %s\r\nContent-Range: bytes %llu-%llu/%lld\r\n\r\n",
            i ? "\r\n" : "", boundary, file->type, (unsigned long long)ranges[i].first,
            (unsigned long long)ranges[i].last, (long long)file->size);

        parts[i].before = span_of(before);
        parts[i].offset = (int64_t)ranges[i].first;
        parts[i].size = (int64_t)(ranges[i].last - ranges[i].first + 1);
    }
    if (file->fd >= 0)
        reply_file_parts(request, 206, type, file->fd, parts, count, after);
    else
        send_parts_of_memory(request, type, file, parts, count, after);
}

/* false: the whole is to be sent. */
static bool send_ranges(struct http_request *request, const struct range_file *file, int *status_r)
{
    struct http_range ranges[HTTP_RANGES_MOST];
    unsigned count = 0;

    switch (http_range_parse(request_field(request, "Range"), (uint64_t)file->size, ranges, &count)) {
    case HTTP_RANGE_WHOLE:
        return false;
    case HTTP_RANGE_NONE:
        drop(file);
        reply_field_printf(request, "Content-Range", "bytes */%lld", (long long)file->size);
        reply_problem(request, PROBLEM_bad_range, NULL);
        *status_r = 416;
        return true;
    case HTTP_RANGE_PARTS:
        break;
    }
    count = coalesce(ranges, count);
    describe(request, file);
    if (count == 1)
        send_single(request, file, &ranges[0]);
    else
        send_multiple(request, file, ranges, count);
    *status_r = 206;
    return true;
}

void range_reply(struct http_request *request, const struct range_file *file, int *status_r)
{
    switch (judge(request, file)) {
    case FAILED:
        drop(file);
        reply_problem(request, PROBLEM_precondition_failed, NULL);
        *status_r = 412;
        return;
    case NOT_MODIFIED: /* 15.4.5: what a cache needs to go on, and no more */
        drop(file);
        reply_drop_field(exchange_of(request), "Content-Disposition");
        reply_field(request, "ETag", file->etag);
        reply_empty(request, 304);
        *status_r = 304;
        return;
    default:
        break;
    }
    if (wants_ranges(request, file) && send_ranges(request, file, status_r))
        return;
    describe(request, file);
    send_part(request, 200, file, 0, file->size);
    *status_r = 200;
}
