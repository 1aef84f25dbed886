/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: index_page.c - the page of all endpoints. It reads well without JavaScript: each method
 * opens, and shows its examples and its command for curl. The script adds the form that tries it.
 *
 * All foreign text goes through add(); no attribute holds anything else, and nothing is inline. */
#include "index.h"

#include "base/text.h"

#include <string.h>

static void add(struct buf *out, const char *text)
{
    text_add_html(out, span_of(text));
}

static void add_span(struct buf *out, struct span text)
{
    text_add_html(out, text);
}

/* ---- the command for curl ---- */

/* Inside single quotes of a shell. */
static void add_quoted(struct buf *shell, struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.at[i] == '\'')
            buf_text(shell, "'\\''");
        else
            buf_char(shell, text.at[i]);
}

/* Brackets and braces mean something to curl, so what may be left out is left out. */
static void add_plain_path(struct buf *shell, struct span path)
{
    unsigned open = 0;

    for (size_t i = 0; i < path.size; i++) {
        if (path.at[i] == '[')
            open++;
        else if (path.at[i] == ']' && open > 0)
            open--;
        else if (open == 0)
            buf_char(shell, path.at[i] == '{' ? '<' : path.at[i] == '}' ? '>' : path.at[i]);
    }
}

static bool takes_body(const struct index_method *method)
{
    return method->row->content != CONTENT_NONE && strcmp(method->name, "GET") != 0 &&
           strcmp(method->name, "DELETE") != 0;
}

/* The method that curl would use of itself, with or without a body to send. */
static bool is_usual(const char *method, bool with_body)
{
    return strcmp(method, with_body ? "POST" : "GET") == 0;
}

static void add_curl(struct buf *out, const struct index *index, const struct index_links *links,
                     const struct index_entry *entry, const struct index_method *method)
{
    enum rest_format format = method->request[REST_JSON] ? REST_JSON : REST_XML;
    const char *body = method->request[format];
    struct buf shell = { 0 };

    buf_text(&shell, "curl ");
    if (!is_usual(method->name, takes_body(method)))
        buf_printf(&shell, "-X %s ", method->name);
    buf_char(&shell, '\'');
    add_quoted(&shell, links->origin);
    add_plain_path(&shell, entry->path);
    buf_char(&shell, '\'');
    if (!method->row->needs_no_key && !index->is_open)
        buf_text(&shell, " \\\n  -H 'Api-Key: <key>'");
    if (method->role)
        buf_text(&shell, " \\\n  -u '<user>@<domain>'");
    if (body) {
        buf_printf(&shell, " \\\n  -H 'Content-Type: application/%s' \\\n  -d '",
                   format == REST_JSON ? "json" : "xml");
        add_quoted(&shell, span_of(body));
        buf_char(&shell, '\'');
    } else if (takes_body(method)) {
        buf_text(&shell, " \\\n  -H 'Content-Type: <type>' \\\n  --data-binary '@<file>'");
    }
    buf_text(out, "<h4>With curl</h4>\n<pre class=\"curl\"><code>");
    add_span(out, buf_span(&shell));
    buf_text(out, "</code></pre>\n");
    buf_free(&shell);
}

/* ---- one method ---- */

static void add_example(struct buf *out, const char *what, const char *format, const char *example)
{
    if (example == NULL)
        return;
    buf_printf(out, "<div>\n<h4>%s, %s</h4>\n<pre data-what=\"%s\" data-type=\"%s\"><code>", what, format,
               what, format);
    add(out, example);
    buf_text(out, "</code></pre>\n</div>\n");
}

static void add_needs(struct buf *out, const struct index *index, const struct index_method *method)
{
    bool needs_key = !method->row->needs_no_key && !index->is_open;

    buf_text(out, "<p class=\"needs\">Needs ");
    if (needs_key)
        buf_text(out, "an <b>API key</b>");
    if (needs_key && method->role)
        buf_text(out, " and ");
    if (method->role == NULL)
        buf_text(out, needs_key ? "" : "nothing: open to all");
    else if (strcmp(method->role, "user") == 0)
        buf_text(out, "a <b>login</b> of any account");
    else {
        buf_text(out, "a <b>login</b> with the role <b>");
        add(out, method->role);
        buf_text(out, "</b>");
    }
    buf_text(out, ".</p>\n");
}

static void add_method(struct buf *out, const struct index *index, const struct index_links *links,
                       const struct index_entry *entry, const struct index_method *method)
{
    struct span below = span_from(entry->path, index->context.size + 1);
    const char *body = method->row->content == CONTENT_RAW ? " data-body=\"raw\"" : " data-body=\"map\"";

    buf_text(out, "<details class=\"method\" id=\"");
    add(out, method->anchor);
    buf_printf(out, "\" data-method=\"%s\"", method->name);
    if (entry->is_readable) {
        buf_text(out, " data-path=\"");
        add_span(out, below);
        buf_char(out, '"');
    }
    buf_printf(out, "%s%s%s>\n<summary><span class=\"verb %s\">%s</span> <code>",
               method->row->needs_no_key || index->is_open ? "" : " data-key",
               method->role ? " data-login" : "", takes_body(method) ? body : "", method->name, method->name);
    add_span(out, entry->path);
    buf_text(out, "</code> <span class=\"about\">");
    add(out, method->about);
    buf_text(out, "</span></summary>\n<div class=\"inside\">\n");
    if (method->details) {
        buf_text(out, "<p>");
        add(out, method->details);
        buf_text(out, "</p>\n");
    }
    add_needs(out, index, method);
    if (!entry->is_readable)
        buf_text(out, "<p>The path is an expression: it cannot be filled in here.</p>\n");
    add_curl(out, index, links, entry, method);
    buf_text(out, "<div class=\"examples\">\n");
    add_example(out, "Request", "JSON", method->request[REST_JSON]);
    add_example(out, "Request", "XML", method->request[REST_XML]);
    add_example(out, "Answer", "JSON", method->answer[REST_JSON]);
    add_example(out, "Answer", "XML", method->answer[REST_XML]);
    buf_text(out, "</div>\n</div>\n</details>\n");
}

/* ---- the page ---- */

static const char *title_of(const char *folder)
{
    return folder[0] ? folder : "This list";
}

static void add_head(struct buf *out, const struct index_links *links)
{
    buf_text(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta name=\"color-scheme\" content=\"light dark\">\n<title>REST at ");
    add_span(out, links->origin);
    buf_text(out, "</title>\n<link rel=\"stylesheet\" href=\"");
    add_span(out, links->base);
    buf_printf(out, "static/%s\">\n<script src=\"", links->style);
    add_span(out, links->base);
    buf_printf(out, "static/%s\" defer></script>\n</head>\n", links->script);
}

/* The bar of all pages; it needs no file of theirs, as a proxy may let nothing through but this context. */
static void add_top(struct buf *out, const struct index_links *links)
{
    buf_text(out, "<header class=\"top\"><div class=\"top-inside\"><a class=\"brand\" href=\"");
    add(out, links->root);
    buf_text(
        out,
        "\"><svg viewBox=\"0 0 32 32\" width=\"28\" height=\"28\" aria-hidden=\"true\"><rect width=\"32\" "
        "height=\"32\" rx=\"7\"/><path d=\"M5 11.5 16 5.5l11 6V14H5zM7 16h3.4v7.5H7zM14.3 16h3.4v7.5h-3.4z"
        "M21.6 16H25v7.5h-3.4zM5 25h22v2.5H5z\"/></svg>Stoa</a></div></header>\n");
}

static void add_links(struct buf *out, const struct index_links *links)
{
    static const struct {
        const char *href, *text;
    } others[] = { { "?type=application/json", "JSON" },
                   { "?type=application/xml", "XML" },
                   { "openapi.json", "OpenAPI 3.1" } };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        buf_text(out, i ? ", <a href=\"" : "<a href=\"");
        add_span(out, links->base);
        buf_printf(out, "%s\">%s</a>", others[i].href, others[i].text);
    }
}

static void add_folders(struct buf *out, const struct index *index)
{
    buf_text(out, "<nav aria-label=\"Folders\">\n<ul>\n");
    for (size_t i = 0; i < index->count; i++) {
        const char *folder = index->entries[i].folder;

        if (i > 0 && strcmp(folder, index->entries[i - 1].folder) == 0)
            continue;
        buf_text(out, "<li><a href=\"#in-");
        add(out, folder);
        buf_text(out, "\">");
        add(out, title_of(folder));
        buf_text(out, "</a></li>\n");
    }
    buf_text(out, "</ul>\n</nav>\n");
}

static void add_entries(struct buf *out, const struct index *index, const struct index_links *links)
{
    for (size_t i = 0; i < index->count; i++) {
        const struct index_entry *entry = &index->entries[i];

        if (i == 0 || strcmp(entry->folder, entry[-1].folder) != 0) {
            buf_text(out, i ? "</section>\n<section>\n<h2 id=\"in-" : "<section>\n<h2 id=\"in-");
            add(out, entry->folder);
            buf_text(out, "\">");
            add(out, title_of(entry->folder));
            buf_text(out, "</h2>\n");
        }
        for (unsigned m = 0; m < entry->method_count; m++)
            add_method(out, index, links, entry, &entry->methods[m]);
    }
    buf_text(out, index->count ? "</section>\n" : "<p>Nothing is loaded.</p>\n");
}

static void add_failed(struct buf *out, const struct index *index)
{
    if (index->failed_count == 0)
        return;
    buf_text(out,
             "<section class=\"failed\">\n<h2>Not loaded</h2>\n<p>These scripts have a mistake in them; the "
             "log says which.</p>\n<ul>\n");
    for (size_t i = 0; i < index->failed_count; i++) {
        buf_text(out, "<li><code>");
        add(out, index->failed[i]);
        buf_text(out, "</code></li>\n");
    }
    buf_text(out, "</ul>\n</section>\n");
}

void index_page(struct buf *out, const struct index *index, const struct index_links *links)
{
    add_head(out, links);
    buf_text(out, "<body data-base=\"");
    add_span(out, links->base);
    buf_text(out, "\">\n<a class=\"skip\" href=\"#list\">To the endpoints</a>\n");
    add_top(out, links);
    buf_text(out, "<main>\n<div class=\"page-head\">\n<h1>REST</h1>\n<p>What can be asked for at <code>");
    add_span(out, links->origin);
    add_span(out, index->context);
    buf_text(out, "</code>. The same as ");
    add_links(out, links);
    buf_text(out,
             ".</p>\n<noscript><p class=\"note\">Without JavaScript nothing can be tried on this page; every "
             "endpoint shows its command for curl.</p></noscript>\n</div>\n");
    add_folders(out, index);
    buf_text(out, "<div id=\"list\" tabindex=\"-1\">\n");
    add_failed(out, index);
    add_entries(out, index, links);
    buf_text(out, "</div>\n</main>\n</body>\n</html>\n");
}
