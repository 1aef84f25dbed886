/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail_message.c - see mail_message.h.
 *
 * A part that is plain ASCII with short lines goes as it is, so that a link stands whole on its line even for
 * whoever reads the source; anything else as quoted-printable. */
#include "mail_message.h"

#include "base/codec.h"
#include "base/text.h"

#define LINE_MOST       990 /* bytes of a line that is sent as it is; RFC 5322 2.1.1 has 998 */
#define QUOTED_MOST     76  /* characters of a line, RFC 2045 6.7 */
#define WORD_BYTES_MOST 39  /* before base64: with frame and "Subject: " within RFC 2047's 76 */
#define PLAIN_MOST      60  /* of a header's text that is not folded */

static bool is_ascii(struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.at[i] >= 0x80)
            return false;
    return true;
}

/* ---- headers ---- */

/* One line without control characters or broken UTF-8, whatever was given. */
static void add_clean(struct buf *out, struct span text)
{
    while (text.size > 0) {
        uint32_t code;
        size_t size = text_utf8_take(text, &code);

        if (size > 0 && code >= ' ' && code != 0x7f)
            buf_add(out, span_head(text, size));
        else if (out->size > 0 && out->at[out->size - 1] != ' ')
            buf_char(out, ' ');
        text = span_from(text, size > 0 ? size : 1);
    }
}

/* RFC 2047: as many words as it takes, never in the middle of a character. */
static void add_words(struct buf *out, struct span text)
{
    const char *between = "";

    while (text.size > 0) {
        size_t size = 0, next;
        uint32_t code;

        while (size < text.size && (next = text_utf8_take(span_from(text, size), &code)) > 0 &&
               size + next <= WORD_BYTES_MOST)
            size += next;
        buf_printf(out, "%s=?UTF-8?B?", between);
        codec_base64(out, span_head(text, size));
        buf_text(out, "?=");
        text = span_from(text, size);
        between = "\r\n ";
    }
}

static void add_subject(struct buf *out, struct span subject)
{
    struct buf clean = { 0 };
    struct span text;

    add_clean(&clean, subject);
    text = span_trim(buf_span(&clean));
    buf_text(out, "Subject: ");
    if (text.size <= PLAIN_MOST && is_ascii(text) && memmem(text.at, text.size, "=?", 2) == NULL)
        buf_add(out, text);
    else
        add_words(out, text);
    buf_text(out, "\r\n");
    buf_free(&clean);
}

static void add_from(struct buf *out, struct span name, struct span address)
{
    struct buf clean = { 0 };
    struct span text;

    add_clean(&clean, name);
    text = span_trim(buf_span(&clean));
    buf_text(out, "From: ");
    if (text.size > PLAIN_MOST || !is_ascii(text)) {
        add_words(out, text);
    } else if (text.size > 0) {
        buf_char(out, '"');
        for (size_t i = 0; i < text.size; i++) {
            if (text.at[i] == '"' || text.at[i] == '\\')
                buf_char(out, '\\');
            buf_char(out, text.at[i]);
        }
        buf_char(out, '"');
    }
    buf_printf(out, "%s<%.*s>\r\n", text.size > 0 ? "\r\n " : "", SPAN_ARG(address));
    buf_free(&clean);
}

/* RFC 5322 3.3, in UTC. */
static void add_date(struct buf *out, int64_t date)
{
    char text[HTTP_DATE_SIZE];
    struct span stamp;

    text_http_date(date, text);
    stamp = span_of(text);
    buf_printf(out, "Date: %.*s+0000\r\n", SPAN_ARG(span_head(stamp, stamp.size - strlen("GMT"))));
}

/* ---- bodies ---- */

static struct span take_line(struct span *rest)
{
    struct span line = span_cut(rest, '\n');

    if (line.size > 0 && line.at[line.size - 1] == '\r')
        line.size--;
    return line;
}

static bool goes_plain(struct span text)
{
    while (text.size > 0) {
        struct span line = take_line(&text);

        if (line.size > LINE_MOST || text_has_control(line) || !is_ascii(line) ||
            span_starts(line, SPAN("From ")) || (line.size > 0 && line.at[line.size - 1] == ' '))
            return false;
    }
    return true;
}

static void add_plain(struct buf *out, struct span text)
{
    while (text.size > 0) {
        buf_add(out, take_line(&text));
        buf_text(out, "\r\n");
    }
}

/* Whether that byte stands for itself; mailboxes of one file know a new mail by "From " at a line's begin. */
static bool is_literal(struct span line, size_t i)
{
    unsigned char c = (unsigned char)line.at[i];

    if (c == ' ')
        return i + 1 < line.size;
    if (i == 0 && span_starts(line, SPAN("From ")))
        return false;
    return c > ' ' && c < 0x7f && c != '=';
}

static void add_quoted(struct buf *out, struct span text)
{
    while (text.size > 0) {
        struct span line = take_line(&text);
        size_t column = 0;

        for (size_t i = 0; i < line.size; i++) {
            bool literal = is_literal(line, i);
            size_t width = literal ? 1 : 3;

            if (column + width > QUOTED_MOST - 1) { /* one is kept for the = of the break */
                buf_text(out, "=\r\n");
                column = 0;
            }
            if (literal)
                buf_char(out, line.at[i]);
            else
                buf_printf(out, "=%02X", (unsigned)(unsigned char)line.at[i]);
            column += width;
        }
        buf_text(out, "\r\n");
    }
}

static void add_part(struct buf *out, const char *type, struct span text)
{
    bool plain = goes_plain(text);

    buf_printf(out,
               "Content-Type: %s; charset=utf-8\r\n"
               "Content-Transfer-Encoding: %s\r\n\r\n",
               type, plain ? "7bit" : "quoted-printable");
    if (plain)
        add_plain(out, text);
    else
        add_quoted(out, text);
}

/* "=_" never comes of quoted-printable, and the id is not to be guessed by whoever wrote the text. */
static void add_alternatives(struct buf *out, const struct mail_message *message)
{
    struct span id = message->message_id, mark = span_head(id, id.size);

    if (span_starts(mark, SPAN("<")))
        mark = span_from(mark, 1);
    mark = span_cut(&mark, '@');
    mark = span_head(mark, 60);
    buf_printf(out, "Content-Type: multipart/alternative;\r\n boundary=\"=_%.*s\"\r\n\r\n", SPAN_ARG(mark));
    buf_printf(out, "--=_%.*s\r\n", SPAN_ARG(mark));
    add_part(out, "text/plain", message->text);
    buf_printf(out, "\r\n--=_%.*s\r\n", SPAN_ARG(mark));
    add_part(out, "text/html", message->html);
    buf_printf(out, "\r\n--=_%.*s--\r\n", SPAN_ARG(mark));
}

void mail_message_write(const struct mail_message *message, struct buf *out)
{
    add_date(out, message->date);
    add_from(out, message->from_name, message->from_address);
    buf_printf(out, "To: <%.*s>\r\n", SPAN_ARG(message->to));
    add_subject(out, message->subject);
    buf_printf(out,
               "Message-ID: %.*s\r\n"
               "Auto-Submitted: auto-generated\r\n"
               "MIME-Version: 1.0\r\n",
               SPAN_ARG(message->message_id));
    if (message->html.size > 0)
        add_alternatives(out, message);
    else
        add_part(out, "text/plain", message->text);
}
