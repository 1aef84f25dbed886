/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: xml_scan.c - see xml_scan.h. */
#include "parse/xml_scan.h"

static const char cdata_start[] = "[CDATA[";

static const char why_comment[] = "comments and DTDs are not accepted";
static const char why_instruction[] = "processing instructions are not accepted";
static const char why_less[] = "a '<' inside a tag";
static const char why_attributes[] = "too many attributes on one element";

/* Steps over text to the byte behind the next '<'; most of a stanza passes here at memchr's speed. */
static size_t skip_text(struct xml_scan *scan, struct span in)
{
    ssize_t open = span_find(in, '<');

    if (open < 0)
        return in.size;
    scan->state = XML_SCAN_OPEN;
    return (size_t)open + 1;
}

/* Inside a quoted value: to the byte behind its end. */
static size_t skip_quoted(struct xml_scan *scan, struct span in, const char **why_r)
{
    char quote = scan->state == XML_SCAN_SINGLE ? '\'' : '"';
    ssize_t end = span_find(in, quote);
    size_t size = end < 0 ? in.size : (size_t)end;

    if (span_find(span_head(in, size), '<') >= 0)
        *why_r = why_less;
    if (end < 0)
        return size;
    scan->state = XML_SCAN_TAG;
    return size + 1;
}

/* true: the byte ended the tag. */
static bool tag_byte(struct xml_scan *scan, char c, unsigned attributes_most, const char **why_r)
{
    switch (c) {
    case '>':
        scan->state = XML_SCAN_TEXT;
        scan->is_empty = scan->last == '/' && !scan->is_end;
        return true;
    case '<':
        *why_r = why_less;
        return false;
    case '\'':
    case '"':
        scan->state = c == '"' ? XML_SCAN_DOUBLE : XML_SCAN_SINGLE;
        scan->last = c;
        if (++scan->attributes > attributes_most)
            *why_r = why_attributes;
        return false;
    default:
        scan->state = XML_SCAN_TAG;
        scan->last = c;
        return false;
    }
}

static bool open_byte(struct xml_scan *scan, char c, unsigned attributes_most, const char **why_r)
{
    bool first = scan->state == XML_SCAN_FIRST_OPEN;

    scan->attributes = 0;
    scan->matched = 0;
    scan->is_end = c == '/';
    scan->is_empty = false;
    scan->last = '<';
    if (c == '!') {
        scan->state = XML_SCAN_CDATA_START;
        return false;
    }
    if (c == '?' && !first)
        *why_r = why_instruction;
    return tag_byte(scan, c, attributes_most, why_r);
}

static void cdata_byte(struct xml_scan *scan, char c, const char **why_r)
{
    if (scan->state == XML_SCAN_CDATA_START) {
        if (c != cdata_start[scan->matched])
            *why_r = why_comment;
        else if (++scan->matched == sizeof(cdata_start) - 1)
            scan->state = XML_SCAN_CDATA, scan->matched = 0;
    } else if (c == ']') {
        scan->matched += scan->matched < 2;
    } else if (c == '>' && scan->matched == 2) {
        scan->state = XML_SCAN_TEXT;
    } else {
        scan->matched = 0;
    }
}

size_t xml_scan_next(struct xml_scan *scan, struct span in, unsigned attributes_most, bool *whole_r,
                     const char **why_r)
{
    size_t at = 0;

    *whole_r = false;
    *why_r = NULL;
    while (at < in.size && *why_r == NULL && !*whole_r) {
        switch (scan->state) {
        case XML_SCAN_START:
            scan->state = in.at[at] == '<' ? XML_SCAN_FIRST_OPEN : XML_SCAN_TEXT;
            at++;
            break;
        case XML_SCAN_TEXT:
            at += skip_text(scan, span_from(in, at));
            break;
        case XML_SCAN_FIRST_OPEN:
        case XML_SCAN_OPEN:
            *whole_r = open_byte(scan, in.at[at++], attributes_most, why_r);
            break;
        case XML_SCAN_TAG:
            *whole_r = tag_byte(scan, in.at[at++], attributes_most, why_r);
            break;
        case XML_SCAN_SINGLE:
        case XML_SCAN_DOUBLE:
            at += skip_quoted(scan, span_from(in, at), why_r);
            break;
        case XML_SCAN_CDATA_START:
        case XML_SCAN_CDATA:
            cdata_byte(scan, in.at[at++], why_r);
            break;
        }
    }
    return at;
}
