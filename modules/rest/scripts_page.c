/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: scripts_page.c - a script's table as a page, by the template beside it. */
#include "scripts.h"

#include "os/file.h"
#include "os/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TEMPLATE_MOST (256 * 1024) /* bytes of one file */
#define WHY_SIZE      512

static const char *const template_endings[TEMPLATE_COUNT] = { "Get", "Post", "Put", "Delete", "" };

/* ---- loading ---- */

static struct script_template *load_template(struct rest_scripts *scripts, const char *name, const char *path)
{
    struct script_template *template = NULL;
    struct buf text = { 0 };
    char why[WHY_SIZE];

    if (access(path, F_OK) != 0)
        return NULL;
    if (file_read_all(path, TEMPLATE_MOST, &text) < 0)
        snprintf(why, sizeof(why), "the template %s cannot be read: %m", path);
    else
        template = script_template_load(scripts->engine, path, buf_span(&text), why, sizeof(why));
    if (template == NULL)
        rest_script_failure(scripts, name, why, false);
    buf_free(&text);
    return template;
}

/* NameGet.html ... and Name.html beside Name.lua. */
void rest_pages_load(struct rest_script *one)
{
    int stem = (int)(strlen(one->path) - 4);

    for (int i = 0; i < TEMPLATE_COUNT; i++) {
        char *path = rest_printed("%.*s%s.html", stem, one->path, template_endings[i]);

        one->templates[i] = load_template(one->rest->scripts, one->key, path);
        free(path);
    }
}

void rest_pages_free(struct rest_script *one)
{
    for (int i = 0; i < TEMPLATE_COUNT; i++)
        script_template_free(&one->templates[i]);
}

/* ---- showing ---- */

static struct script_template *template_of(const struct rest_run *run)
{
    static const enum http_method methods[] = { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_DELETE };
    struct script_template *const *templates = run->script->templates;

    for (int i = 0; i < TEMPLATE_ANY; i++)
        if (run->call->method->method == methods[i] && templates[i] != NULL)
            return templates[i];
    return templates[TEMPLATE_ANY];
}

/* What templates know: the answer, the request, and how links are made. */
static struct json_object *page_values(struct rest_run *run, struct json_object *result)
{
    struct json_object *values = json_object_new_object(), *query = json_object_new_object();
    struct span key = request_parameter(run->call->request, "api-key");

    json_object_object_add(values, "result", json_object_get(result));
    json_object_object_add(values, "request", rest_script_request(run->call));
    json_object_object_add(values, "link_prefix",
                           json_object_new_string(run->call->rest->conf->context_path));
    if (key.at != NULL) /* a key that came in the address goes on in links */
        json_object_object_add(query, "api-key", json_object_new_string_len(key.at, (int)key.size));
    json_object_object_add(values, "link_query", query);
    return values;
}

/* What a page may do: show itself and pictures, send its forms here; no script, no frame. */
static const char page_policy[] = "default-src 'none'; style-src 'self'; img-src 'self' data:; "
                                  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

bool rest_script_page(struct rest_run *run, struct json_object *result)
{
    struct script_template *template = run->call->is_html_wished ? template_of(run) : NULL;
    struct json_object *values;
    struct buf page = { 0 };
    char why[WHY_SIZE];
    bool is_good;

    if (template == NULL)
        return false;
    values = page_values(run, result);
    is_good = script_template_render(template, values, &page, why, sizeof(why));
    json_object_put(values);
    if (is_good) {
        reply_field(run->call->request, "Content-Security-Policy", span_of(page_policy));
        rest_answer_bytes(run->call, "text/html; charset=utf-8", buf_span(&page));
    } else {
        log_error("a page of a script could not be made (request %s): %s", run->call->request->id, why);
    }
    buf_free(&page);
    return is_good;
}
