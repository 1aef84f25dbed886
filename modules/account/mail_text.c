/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail_text.c - see mail_text.h. */
#include "mail_text.h"

#include "base/arena.h"
#include "base/must.h"
#include "mail.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MOST  (256 * 1024)
#define FILES_MOST 256
#define PART_MOST  (512 * 1024)

struct mail_texts {
    struct template_set *set;
};

struct gathering {
    struct arena *arena;
    struct template_source sources[FILES_MOST + 1];
    size_t count;
};

/* ---- files ---- */

static void take(struct gathering *gathering, const char *name, struct span text)
{
    for (size_t i = 0; i < gathering->count; i++)
        if (strcmp(gathering->sources[i].name, name) == 0) {
            gathering->sources[i].text = text;
            return;
        }
    gathering->sources[gathering->count++] = (struct template_source){ name, text };
}

static bool is_template(const char *name)
{
    struct span text = span_of(name);

    return name[0] != '.' && text.size <= MAIL_TEMPLATE_MOST &&
           (span_ends(text, SPAN(".txt")) || span_ends(text, SPAN(".html")));
}

/* "reset.html" is the template reset, "reset.txt" the template reset.txt, which is no HTML. */
static const char *name_of_file(struct gathering *gathering, const char *file)
{
    struct span name = span_of(file);

    if (span_ends(name, SPAN(".html")))
        name.size -= strlen(".html");
    return arena_text(gathering->arena, name);
}

static bool take_file(struct gathering *gathering, const char *folder, const char *file, char *why_r,
                      size_t why_size)
{
    const char *path = arena_printf(gathering->arena, "%s/%s", folder, file);
    struct buf text = { 0 };

    if (gathering->count == FILES_MOST) {
        snprintf(why_r, why_size, "there are more than %d files", FILES_MOST);
        return false;
    }
    if (file_read_all(path, FILE_MOST, &text) != 0) {
        snprintf(why_r, why_size, "%s cannot be read: %s", path, strerror(errno));
        return false;
    }
    take(gathering, name_of_file(gathering, file), arena_copy(gathering->arena, buf_span(&text)));
    buf_free(&text);
    return true;
}

static bool take_folder(struct gathering *gathering, const char *path, char *why_r, size_t why_size)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    bool is_good = true;

    if (folder == NULL) {
        snprintf(why_r, why_size, "the folder %s cannot be read: %s", path, strerror(errno));
        return false;
    }
    while (is_good && (entry = readdir(folder)) != NULL)
        if (is_template(entry->d_name))
            is_good = take_file(gathering, path, entry->d_name, why_r, why_size);
    closedir(folder);
    return is_good;
}

struct mail_texts *mail_texts_new(const char *folder, char *why_r, size_t why_size)
{
    struct gathering gathering = { .arena = arena_new() };
    struct mail_texts *texts = NULL;
    struct template_set *set = NULL;

    for (const struct template_source *file = mail_files; file->name != NULL; file++)
        take(&gathering, file->name, file->text);
    if (folder == NULL || take_folder(&gathering, folder, why_r, why_size))
        set = template_set_new(NULL, gathering.sources, why_r, why_size);
    if (set != NULL) {
        texts = must_alloc(sizeof(*texts));
        texts->set = set;
    }
    arena_free(&gathering.arena);
    return texts;
}

void mail_texts_free(struct mail_texts **texts)
{
    if (*texts == NULL)
        return;
    template_set_free(&(*texts)->set);
    free(*texts);
    *texts = NULL;
}

/* ---- a mail ---- */

/* A subject sees no values at all: nothing of a stranger's can be in it. */
static bool add_subject(const struct mail_texts *texts, struct arena *arena, struct span template,
                        struct buf *subject)
{
    const char *name = arena_printf(arena, "%.*s-subject.txt", SPAN_ARG(template));
    struct json_object *nothing = json_object_new_object();
    bool is_good = template_render_text(texts->set, name, nothing, PART_MOST, subject);

    json_object_put(nothing);
    return is_good;
}

static bool add_bodies(const struct mail_texts *texts, struct arena *arena, struct span template,
                       struct json_object *values, struct buf *text, struct buf *html)
{
    const char *name = arena_text(arena, template);

    if (!template_render_text(texts->set, arena_printf(arena, "%s.txt", name), values, PART_MOST, text))
        return false;
    return !template_has(texts->set, name) || template_render(texts->set, name, values, PART_MOST, html);
}

bool mail_texts_render(const struct mail_texts *texts, struct span template, struct span values,
                       struct buf *subject, struct buf *text, struct buf *html, const char **why_r)
{
    static const struct json_limits limits = { .size_most = MAIL_VALUES_MOST,
                                               .depth_most = 16,
                                               .items_most = 8192 };
    struct arena *arena = arena_new();
    struct json_object *json = NULL;
    const char *why;
    bool is_good = false;

    *why_r = "its values cannot be read";
    if (json_parse(values, &limits, &json, &why)) {
        *why_r = "there is no template of that name, or it makes too large a mail";
        is_good = add_subject(texts, arena, template, subject) &&
                  add_bodies(texts, arena, template, json, text, html);
        json_object_put(json);
    }
    arena_free(&arena);
    return is_good;
}
