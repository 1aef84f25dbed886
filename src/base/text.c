/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: text.c - see text.h. Dates are in date.c. */
#include "base/text.h"

size_t text_utf8_take(struct span text, uint32_t *code_r)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char first = (unsigned char)text.at[0];
    size_t size = first < 0x80                    ? 1
                  : first >= 0xf0 && first < 0xf5 ? 4
                  : first >= 0xe0 && first < 0xf0 ? 3
                  : first >= 0xc2 && first < 0xe0 ? 2
                                                  : 0;
    uint32_t code = size <= 1 ? first : first & (0x7fu >> size);

    if (size == 0 || size > text.size)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if (((unsigned char)text.at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | ((unsigned char)text.at[i] & 0x3fu);
    }
    if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *code_r = code;
    return size;
}

struct span text_head(struct span text, size_t most)
{
    size_t size = most;

    if (text.size <= most)
        return text;
    while (size > 0 && ((unsigned char)text.at[size] & 0xc0) == 0x80)
        size--;
    return span_head(text, size);
}

/* Bytes of ASCII at the front, eight at a time. */
static size_t ascii_run(struct span text)
{
    size_t n = 0;
    uint64_t word;

    for (; n + sizeof(word) <= text.size; n += sizeof(word)) {
        memcpy(&word, text.at + n, sizeof(word));
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    while (n < text.size && (unsigned char)text.at[n] < 0x80)
        n++;
    return n;
}

bool text_is_utf8(struct span text)
{
    uint32_t code;

    while (text.size) {
        size_t size = ascii_run(text);

        if (size == 0)
            size = text_utf8_take(text, &code);
        if (size == 0)
            return false;
        text = span_from(text, size);
    }
    return true;
}

bool text_has_control(struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
            return true;
    return false;
}

#define REPLACEMENT "\xef\xbf\xbd"

/* Bytes at the front that no context escapes: most of all text, copied at once. */
static size_t plain_run(struct span text)
{
    size_t n = 0;

    while (n < text.size) {
        unsigned char c = (unsigned char)text.at[n];

        if (c < 0x20 || c >= 0x7f || c == '"' || c == '&' || c == '\'' || c == '<' || c == '>' || c == '\\')
            break;
        n++;
    }
    return n;
}

/* Moves them to out. */
static void take_plain(struct buf *out, struct span *text)
{
    size_t n = plain_run(*text);

    buf_add(out, span_head(*text, n));
    *text = span_from(*text, n);
}

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    default:
        return NULL;
    }
}

static bool xml_allows(uint32_t code)
{
    return code == 9 || code == 10 || code == 13 || (code >= 0x20 && code != 0xfffe && code != 0xffff);
}

void text_add_xml(struct buf *out, struct span text)
{
    for (take_plain(out, &text); text.size; take_plain(out, &text)) {
        const char *entity = entity_of(text.at[0]);
        uint32_t code = 0;
        size_t size = entity ? 1 : text_utf8_take(text, &code);

        if (entity)
            buf_text(out, entity);
        else if (size && (code == 9 || code == 10 || code == 13))
            buf_printf(out, "&#%u;", code); /* an attribute would fold them into spaces */
        else if (size && xml_allows(code))
            buf_add(out, span_head(text, size));
        else
            buf_text(out, REPLACEMENT);
        text = span_from(text, size ? size : 1);
    }
}

void text_add_html(struct buf *out, struct span text)
{
    for (take_plain(out, &text); text.size; take_plain(out, &text)) {
        const char *entity = entity_of(text.at[0]);
        uint32_t code;
        size_t size = entity ? 1 : text_utf8_take(text, &code);

        if (entity)
            buf_text(out, entity[1] == 'a' && entity[2] == 'p' ? "&#39;" : entity);
        else if (size)
            buf_add(out, span_head(text, size));
        else
            buf_text(out, REPLACEMENT);
        text = span_from(text, size ? size : 1);
    }
}

void text_add_json(struct buf *out, struct span text)
{
    for (take_plain(out, &text); text.size; take_plain(out, &text)) {
        uint32_t code = 0;
        size_t size = text_utf8_take(text, &code);

        if (size == 0)
            buf_text(out, REPLACEMENT);
        else if (code == '"' || code == '\\')
            buf_char(out, '\\'), buf_char(out, (char)code);
        else if (code < 0x20 || code == 0x7f || code == 0x2028 || code == 0x2029)
            buf_printf(out, "\\u%04x", code);
        else
            buf_add(out, span_head(text, size));
        text = span_from(text, size ? size : 1);
    }
}

void text_add_log(struct buf *out, struct span text)
{
    for (take_plain(out, &text); text.size; take_plain(out, &text)) {
        uint32_t code = 0;
        size_t size = text_utf8_take(text, &code);

        if (size && code >= 0x20 && code != '"' && code != '\\' && !(code >= 0x7f && code < 0xa0) &&
            code != 0x2028 && code != 0x2029) {
            buf_add(out, span_head(text, size));
        } else {
            size = size ? size : 1;
            for (size_t i = 0; i < size; i++)
                buf_printf(out, "\\x%02x", (unsigned char)text.at[i]);
        }
        text = span_from(text, size);
    }
}

bool text_to_u64(struct span text, uint64_t *number_r)
{
    uint64_t number = 0;

    if (text.size == 0 || text.size > 19)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(text.at[i] - '0');
    }
    *number_r = number;
    return true;
}
