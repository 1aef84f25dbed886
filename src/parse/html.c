/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: html.c - see html.h.
 *
 * The machine reads a template's literal text as a browser would, as far as is needed to know what a value at
 * this place could do. Where the answer is not simple (unquoted attributes, script, style, comments, handlers
 * such as onclick) a value is refused when the template loads; so no page is ever written that way. */
#include "parse/html.h"

#include "base/text.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_letter(char c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

static void add_char(char *text, size_t size, char c)
{
    size_t length = strlen(text);

    if (length + 1 < size)
        text[length] = lower(c);
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

/* ---- the machine ---- */
/* Remembers the last bytes, to find an end in raw text. */
static void remember(struct html *html, char c)
{
    size_t length = strlen(html->seen);

    if (length + 1 == sizeof(html->seen)) {
        memmove(html->seen, html->seen + 1, length - 1);
        html->seen[length - 1] = lower(c);
    } else {
        html->seen[length] = lower(c);
    }
}

static bool seen_ends(const struct html *html, const char *end)
{
    return span_ends(span_of(html->seen), span_of(end));
}

static void enter(struct html *html, enum html_state state)
{
    html->state = state;
    memset(html->seen, 0, sizeof(html->seen));
}

static void end_tag(struct html *html)
{
    bool raw = strcmp(html->tag, "script") == 0 || strcmp(html->tag, "style") == 0;

    memset(html->name, 0, sizeof(html->name));
    html->started = html->by_value = html->fixed = false;
    if (!raw)
        memset(html->tag, 0, sizeof(html->tag));
    enter(html, raw ? HTML_RAW : HTML_TEXT);
}

static void begin_name(struct html *html, char c)
{
    memset(html->name, 0, sizeof(html->name));
    html->started = html->by_value = html->fixed = false;
    add_char(html->name, sizeof(html->name), c);
    html->state = HTML_NAME;
}

static void feed_open(struct html *html, char c)
{
    memset(html->tag, 0, sizeof(html->tag));
    if (is_letter(c)) {
        add_char(html->tag, sizeof(html->tag), c);
        html->state = HTML_TAG_NAME;
    } else if (c == '/') {
        html->state = HTML_END_TAG;
    } else if (c == '!') {
        enter(html, HTML_DECLARATION);
    } else if (c != '<') { /* of two the first is text, and the second may open a tag */
        html->state = HTML_TEXT;
    }
}

static bool feed_tag(struct html *html, char c, const char **why_r)
{
    if (c == '>') {
        end_tag(html);
    } else if (c == '/') {
        html->state = HTML_IN_TAG; /* behind it '=' begins a name and gives no value */
    } else if (is_blank(c)) {
        html->state =
            html->state == HTML_NAME || html->state == HTML_AFTER_NAME ? HTML_AFTER_NAME : HTML_IN_TAG;
    } else if (html->state == HTML_TAG_NAME) {
        add_char(html->tag, sizeof(html->tag), c);
    } else if (c == '=') {
        if (html->state == HTML_IN_TAG) {
            *why_r = "an attribute without a name";
            return false;
        }
        html->state = HTML_BEFORE;
    } else if (html->state == HTML_NAME) {
        add_char(html->name, sizeof(html->name), c);
    } else {
        begin_name(html, c);
    }
    return true;
}

static bool is_script_scheme(const struct html *html)
{
    return seen_ends(html, "script") || seen_ends(html, "data");
}

static bool is_address(const struct html *html)
{
    static const char *const names[] = { "href",       "src",  "action",     "formaction",
                                         "poster",     "cite", "background", "longdesc",
                                         "xlink:href", "data", NULL };

    return is_one_of(html->name, names);
}

/* A byte of an attribute's value. */
static bool feed_value(struct html *html, char c, const char **why_r)
{
    if (!is_address(html))
        return true;
    if (c == ':' && !html->fixed && (html->by_value || is_script_scheme(html))) {
        *why_r = "an address whose scheme is made up by a value, or is javascript: or data:";
        return false;
    }
    if (c == '/' || c == '?' || c == '#')
        html->fixed = true;
    html->started = true;
    remember(html, c);
    return true;
}

static void feed_before(struct html *html, char c)
{
    if (is_blank(c))
        return;
    enter(html, c == '"' ? HTML_DOUBLE : c == '\'' ? HTML_SINGLE : HTML_BARE);
    if (c == '>')
        end_tag(html);
}

static void feed_hidden(struct html *html, char c)
{
    remember(html, c);
    if (html->state == HTML_DECLARATION && seen_ends(html, "--") && strlen(html->seen) == 2)
        enter(html, HTML_COMMENT);
    else if (html->state == HTML_DECLARATION && c == '>')
        enter(html, HTML_TEXT);
    else if (html->state == HTML_COMMENT && seen_ends(html, "-->"))
        enter(html, HTML_TEXT);
    else if (html->state == HTML_RAW && c == '>' &&
             (seen_ends(html, strcmp(html->tag, "style") == 0 ? "</style>" : "</script>"))) {
        memset(html->tag, 0, sizeof(html->tag));
        enter(html, HTML_TEXT);
    }
}

static bool feed(struct html *html, char c, const char **why_r)
{
    switch (html->state) {
    case HTML_TEXT:
        if (c == '<')
            html->state = HTML_OPEN;
        return true;
    case HTML_OPEN:
        feed_open(html, c);
        return true;
    case HTML_TAG_NAME:
    case HTML_IN_TAG:
    case HTML_NAME:
    case HTML_AFTER_NAME:
        return feed_tag(html, c, why_r);
    case HTML_BEFORE:
        feed_before(html, c);
        return true;
    case HTML_DOUBLE:
    case HTML_SINGLE:
        if (c != (html->state == HTML_DOUBLE ? '"' : '\''))
            return feed_value(html, c, why_r);
        html->state = HTML_IN_TAG;
        return true;
    case HTML_BARE:
        if (c == '>')
            end_tag(html);
        else if (is_blank(c))
            html->state = HTML_IN_TAG;
        return true;
    case HTML_END_TAG:
        if (c == '>')
            html->state = HTML_TEXT;
        return true;
    case HTML_COMMENT:
    case HTML_DECLARATION:
    case HTML_RAW:
        feed_hidden(html, c);
        return true;
    }
    return true;
}

bool html_feed(struct html *html, struct span text, const char **why_r)
{
    for (size_t i = 0; i < text.size; i++)
        if (!feed(html, text.at[i], why_r))
            return false;
    return true;
}

/* ---- values ---- */
static bool place_in_value(struct html *html, enum html_place *place_r, const char **why_r)
{
    static const char *const refused[] = {
        "style", "srcdoc", "srcset", "ping", "imagesrcset", "target", NULL
    };
    static const char *const strict[] = { "script", "iframe", "frame", "object", "embed", "use", NULL };
    static const char *const closed[] = { "meta", "base", "animate", "set", NULL };

    if (span_starts(span_of(html->name), SPAN("on")) || is_one_of(html->name, refused)) {
        *why_r = "a value in an attribute that browsers take for code or for several addresses";
        return false;
    }
    if (is_one_of(html->tag, closed)) {
        *why_r = "a value within meta, base, animate or set";
        return false;
    }
    *place_r = PLACE_TEXT;
    if (!is_address(html))
        return true;
    if (html->started)
        *place_r = PLACE_URL_MORE;
    else
        *place_r = is_one_of(html->tag, strict) ? PLACE_URL_OURS : PLACE_URL;
    html->by_value = html->by_value || !html->started;
    html->started = true;
    return true;
}

bool html_value(struct html *html, enum html_place *place_r, const char **why_r)
{
    switch (html->state) {
    case HTML_TEXT:
        *place_r = PLACE_TEXT;
        return true;
    case HTML_DOUBLE:
    case HTML_SINGLE:
        return place_in_value(html, place_r, why_r);
    case HTML_BEFORE:
    case HTML_BARE:
        *why_r = "a value in an attribute without quotes";
        return false;
    case HTML_RAW:
        *why_r = "a value within script or style";
        return false;
    case HTML_COMMENT:
    case HTML_DECLARATION:
        *why_r = "a value within a comment or a declaration";
        return false;
    default:
        *why_r = "a value within a tag, outside of a quoted attribute";
        return false;
    }
}

bool html_block(struct html *html, const char **why_r)
{
    if (html->state == HTML_NAME || html->state == HTML_AFTER_NAME)
        html->state = HTML_IN_TAG;
    if (html->state == HTML_IN_TAG) {
        memset(html->name, 0, sizeof(html->name));
        html->started = html->by_value = html->fixed = false;
    }
    if (html->state == HTML_OPEN || html->state == HTML_TAG_NAME || html->state == HTML_BEFORE ||
        html->state == HTML_BARE || html->state == HTML_END_TAG || html->state == HTML_RAW) {
        *why_r = "a block that begins or ends within a tag's name, an unquoted value, script or style";
        return false;
    }
    memset(html->seen, 0, sizeof(html->seen));
    return true;
}

bool html_same(const struct html *a, const struct html *b)
{
    return a->state == b->state && strcmp(a->tag, b->tag) == 0 && strcmp(a->name, b->name) == 0 &&
           a->started == b->started && a->by_value == b->by_value && a->fixed == b->fixed;
}

bool html_join(struct html *html, const struct html *other)
{
    if (html->state != other->state || strcmp(html->tag, other->tag) != 0 ||
        strcmp(html->name, other->name) != 0)
        return false;
    html->started = html->started || other->started;
    html->by_value = html->by_value || other->by_value;
    html->fixed = html->fixed && other->fixed;
    return true;
}

/* ---- writing ---- */
static void add_percent(struct buf *out, char c)
{
    buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
}

static bool is_plain(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~", c) != NULL);
}

void html_write_component(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (is_plain(text.at[i]))
            buf_char(out, text.at[i]);
        else
            add_percent(out, text.at[i]);
}

/* A scheme that runs nothing, or none. Browsers skip blanks and control characters: such a text has no place
 * here at all. */
bool html_address_is_harmless(struct span url)
{
    static const char *const schemes[] = { "http", "https", "mailto", "xmpp", "tel", NULL };
    size_t end = 0;

    if (text_has_control(url) || (url.size && url.at[0] == ' '))
        return false;
    while (end < url.size && !strchr(":/?#\\", url.at[end]))
        end++;
    if (end == url.size || url.at[end] != ':')
        return true;
    for (size_t i = 0; schemes[i]; i++)
        if (span_eq_nocase(span_head(url, end), span_of(schemes[i])))
            return true;
    return false;
}

static void write_url(struct buf *out, struct span url)
{
    if (!html_address_is_harmless(url))
        url = SPAN("about:invalid");
    for (size_t i = 0; i < url.size; i++) {
        char c = url.at[i];

        if (is_plain(c) || (c != '\0' && strchr("!$()*+,/:;=?@#[]%", c)))
            buf_char(out, c);
        else if (c == '&' || c == '\'')
            text_add_html(out, span_make(&c, 1));
        else
            add_percent(out, c);
    }
}

void html_write(struct buf *out, enum html_place place, struct span text)
{
    switch (place) {
    case PLACE_TEXT:
        text_add_html(out, text);
        break;
    case PLACE_URL:
    case PLACE_URL_OURS:
        write_url(out, text);
        break;
    case PLACE_URL_MORE:
        html_write_component(out, text);
        break;
    }
}
