/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: http_head.c - see http_head.h.
 *
 * One pass: a line end is found by memchr, then the bytes of the line are looked up once in http_chars.
 * Not here: what a method may do, whether the host is ours, the body (http_chunk.c). */
#include "parse/http_head.h"

#include "base/text.h"
#include "parse/http_chars.h"
#include "parse/http_value.h"
#include "parse/uri.h"

#define EMPTY_LINES_MOST                                                                                     \
    4 /* CRLFs before a request line: old clients send one behind a body (RFC 9112 2.2) */

enum line { LINE_WHOLE, LINE_PART, LINE_BAD };

/* The line at the front of rest without its CRLF. A bare LF makes it bad: other readers end lines elsewhere.
 */
static enum line line_take(struct span *rest, struct span *line_r)
{
    const char *end = rest->size ? memchr(rest->at, '\n', rest->size) : NULL;

    if (end == NULL)
        return LINE_PART;
    if (end == rest->at || end[-1] != '\r')
        return LINE_BAD;
    *line_r = span_make(rest->at, (size_t)(end - 1 - rest->at));
    *rest = span_from(*rest, line_r->size + 2);
    return LINE_WHOLE;
}

static enum http_method method_of(struct span text)
{
    static const struct {
        struct span text;
        enum http_method method;
    } methods[] = {
        { SPAN("GET"), HTTP_GET },     { SPAN("HEAD"), HTTP_HEAD },     { SPAN("POST"), HTTP_POST },
        { SPAN("PUT"), HTTP_PUT },     { SPAN("DELETE"), HTTP_DELETE }, { SPAN("OPTIONS"), HTTP_OPTIONS },
        { SPAN("PATCH"), HTTP_PATCH },
    };

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (span_eq(text, methods[i].text))
            return methods[i].method;
    return HTTP_OTHER;
}

static enum problem read_version(struct span version, unsigned *minor_r)
{
    if (version.size != 8 || memcmp(version.at, "HTTP/", 5) != 0 || version.at[6] != '.' ||
        version.at[5] < '0' || version.at[5] > '9' || version.at[7] < '0' || version.at[7] > '9')
        return PROBLEM_bad_request;
    if (version.at[5] != '1' || version.at[7] > '1')
        return PROBLEM_version_unsupported;
    *minor_r = (unsigned)(version.at[7] - '0');
    return PROBLEM_none;
}

/* The form of the target; an authority in it becomes the host (RFC 9112 3.2.2). */
static enum problem read_target(struct http_head *head)
{
    struct span target = head->target, authority;
    struct uri_host host;
    size_t scheme, end = 0;

    if (target.at[0] == '/')
        return PROBLEM_none;
    if (span_is(target, "*"))
        return head->method == HTTP_OPTIONS ? PROBLEM_none : PROBLEM_bad_request;
    scheme = target.size > 7 && strncasecmp(target.at, "http://", 7) == 0    ? 7
             : target.size > 8 && strncasecmp(target.at, "https://", 8) == 0 ? 8
                                                                             : 0;
    if (scheme == 0)
        return PROBLEM_bad_request;
    authority = span_from(target, scheme);
    while (end < authority.size && authority.at[end] != '/' && authority.at[end] != '?')
        end++;
    authority = span_head(authority, end);
    if (!uri_host_parse(authority, &host))
        return PROBLEM_bad_request;
    head->host = authority;
    return PROBLEM_none;
}

static enum problem read_request_line(struct span line, struct http_head *head)
{
    size_t method = http_chars_span(line, HTTP_TCHAR), target;
    enum problem problem;

    if (method == 0 || method == line.size || line.at[method] != ' ')
        return PROBLEM_bad_request;
    head->method_text = span_head(line, method);
    head->method = method_of(head->method_text);
    line = span_from(line, method + 1);
    target = http_chars_span(line, HTTP_TARGET);
    if (target == 0 || target == line.size || line.at[target] != ' ')
        return PROBLEM_bad_request;
    head->target = span_head(line, target);
    problem = read_version(span_from(line, target + 1), &head->minor);
    if (problem != PROBLEM_none)
        return problem;
    if (span_is(head->method_text, "CONNECT"))
        return PROBLEM_not_implemented;
    return read_target(head);
}

/* What several lines add up to; judged when all are read. */
struct gathered {
    unsigned hosts, lengths, codings;
    struct span host, length, coding;
    bool close, keep_alive, expects_else;
};

static enum problem read_field(struct span line, struct http_field *field)
{
    size_t name = http_chars_span(line, HTTP_TCHAR);

    /* obs-fold, a space before the colon, an empty name: all end here */
    if (name == 0 || name == line.size || line.at[name] != ':')
        return PROBLEM_bad_request;
    field->name = span_head(line, name);
    field->value = span_trim(span_from(line, name + 1));
    return http_chars_all(field->value, HTTP_VALUE) ? PROBLEM_none : PROBLEM_bad_request;
}

/* Told apart by the length of the name first: nearly all fields are none of ours. */
static void note_field(const struct http_field *field, struct http_head *head, struct gathered *seen)
{
    switch (field->name.size) {
    case 4:
        if (span_eq_nocase(field->name, SPAN("host")))
            seen->host = field->value, seen->hosts++;
        break;
    case 6:
        if (span_eq_nocase(field->name, SPAN("expect"))) {
            if (span_eq_nocase(field->value, SPAN("100-continue")))
                head->expect_continue = true;
            else
                seen->expects_else = true;
        }
        break;
    case 10:
        if (span_eq_nocase(field->name, SPAN("connection"))) {
            seen->close |= http_list_has(field->value, "close");
            seen->keep_alive |= http_list_has(field->value, "keep-alive");
        }
        break;
    case 14:
        if (span_eq_nocase(field->name, SPAN("content-length")))
            seen->length = field->value, seen->lengths++;
        break;
    case 17:
        if (span_eq_nocase(field->name, SPAN("transfer-encoding")))
            seen->coding = field->value, seen->codings++;
        break;
    default:
        break;
    }
}

/* Where the body ends must have one answer only (RFC 9112 6.1 to 6.3; R1). */
static enum problem judge_body(struct http_head *head, const struct gathered *seen)
{
    if (seen->lengths > 1 || seen->codings > 1 || (seen->lengths && seen->codings))
        return PROBLEM_bad_request;
    if (seen->lengths) {
        head->has_length = true;
        if (!text_to_u64(seen->length, &head->content_length))
            return PROBLEM_bad_request;
    }
    if (seen->codings) {
        if (head->minor == 0)
            return PROBLEM_bad_request;
        if (!span_eq_nocase(seen->coding, SPAN("chunked")))
            return http_is_token(seen->coding) ? PROBLEM_not_implemented : PROBLEM_bad_request;
        head->chunked = true;
    }
    return PROBLEM_none;
}

static enum problem judge(struct http_head *head, const struct gathered *seen)
{
    struct uri_host host;
    enum problem problem = judge_body(head, seen);

    if (problem != PROBLEM_none)
        return problem;
    if (seen->hosts > 1 || (seen->hosts == 0 && head->minor > 0))
        return PROBLEM_bad_request;
    if (seen->hosts && !uri_host_parse(seen->host, &host))
        return PROBLEM_bad_request;
    if (head->host.at == NULL && seen->hosts)
        head->host = seen->host;
    head->keep_alive = !seen->close && (head->minor > 0 || seen->keep_alive);
    if (head->minor == 0)
        head->expect_continue = false; /* RFC 9110 10.1.1 */
    else if (seen->expects_else)
        return PROBLEM_expectation_failed;
    return PROBLEM_none;
}

static enum verdict bad(enum problem problem, enum problem *problem_r)
{
    *problem_r = problem;
    return PARSE_BAD;
}

/* A line that is not complete: wait, unless the limit is crossed. */
static enum verdict wait_for(struct span in, const struct http_limits *limits, enum problem too_long,
                             enum problem *problem_r)
{
    return in.size > limits->head_most ? bad(too_long, problem_r) : PARSE_MORE;
}

static enum verdict read_fields(struct span in, struct span rest, const struct http_limits *limits,
                                struct http_head *head, enum problem *problem_r)
{
    unsigned most = limits->fields_most < HTTP_FIELDS_MOST ? limits->fields_most : HTTP_FIELDS_MOST;
    struct gathered seen = { 0 };
    enum problem problem;

    for (;;) {
        struct span line;
        enum line got = line_take(&rest, &line);

        if (got == LINE_PART)
            return wait_for(in, limits, PROBLEM_head_too_large, problem_r);
        if (got == LINE_BAD)
            return bad(PROBLEM_bad_request, problem_r);
        if ((size_t)(rest.at - in.at) > limits->head_most)
            return bad(PROBLEM_head_too_large, problem_r);
        if (line.size == 0)
            break;
        if (head->field_count == most)
            return bad(PROBLEM_head_too_large, problem_r);
        problem = read_field(line, &head->fields[head->field_count]);
        if (problem != PROBLEM_none)
            return bad(problem, problem_r);
        note_field(&head->fields[head->field_count++], head, &seen);
    }
    head->size = (size_t)(rest.at - in.at);
    problem = judge(head, &seen);
    return problem == PROBLEM_none ? PARSE_DONE : bad(problem, problem_r);
}

enum verdict http_head_parse(struct span in, const struct http_limits *limits, struct http_head *head_r,
                             enum problem *problem_r)
{
    struct span rest = in, line;
    enum problem problem;
    enum line got;

    head_r->field_count = 0;
    head_r->size = 0;
    head_r->content_length = 0;
    head_r->has_length = head_r->chunked = head_r->keep_alive = head_r->expect_continue = false;
    head_r->host = span_make(NULL, 0);
    for (int skipped = 0; rest.size >= 2 && memcmp(rest.at, "\r\n", 2) == 0; rest = span_from(rest, 2))
        if (++skipped > EMPTY_LINES_MOST)
            return bad(PROBLEM_bad_request, problem_r);
    if (rest.size > 0 && !(http_chars[(unsigned char)rest.at[0]] & HTTP_TCHAR) &&
        !(rest.size == 1 && rest.at[0] == '\r'))
        return bad(PROBLEM_bad_request, problem_r); /* not HTTP at all, such as a TLS hello: say so at once */
    got = line_take(&rest, &line);
    if (got == LINE_PART)
        return wait_for(in, limits, PROBLEM_target_too_long, problem_r);
    if (got == LINE_BAD)
        return bad(PROBLEM_bad_request, problem_r);
    if ((size_t)(rest.at - in.at) > limits->head_most)
        return bad(PROBLEM_target_too_long, problem_r);
    problem = read_request_line(line, head_r);
    if (problem != PROBLEM_none)
        return bad(problem, problem_r);
    return read_fields(in, rest, limits, head_r, problem_r);
}

bool http_head_next(const struct http_head *head, const char *name, unsigned *at, struct span *value_r)
{
    struct span wanted = span_of(name);

    for (; *at < head->field_count; (*at)++) {
        if (!span_eq_nocase(head->fields[*at].name, wanted))
            continue;
        *value_r = head->fields[(*at)++].value;
        return true;
    }
    return false;
}

struct span http_head_find(const struct http_head *head, const char *name)
{
    struct span value = { NULL, 0 };
    unsigned at = 0;

    http_head_next(head, name, &at, &value);
    return value;
}
