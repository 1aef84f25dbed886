/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: scripts_find.c - which files are scripts: FOLDER/Name.lua, one level deep, in two
 * roots. */
#include "scripts.h"

#include "base/must.h"
#include "kv.h"
#include "os/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define SCRIPTS_MOST 1000 /* of both roots together: a mistyped path must not load half a disk */

/* Letters, digits, dot, dash, underscore; no dot first. A folder becomes a segment of a path, a name part of
 * a key. */
static bool is_good_name(const char *name)
{
    if (name[0] == '\0' || name[0] == '.' || strlen(name) > KV_FOLDER_MOST)
        return false;
    for (const char *at = name; *at != '\0'; at++)
        if (!((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') ||
              strchr(".-_", *at) != NULL))
            return false;
    return true;
}

static char *join(const char *a, const char *b)
{
    size_t size = strlen(a) + strlen(b) + 2;
    char *path = must_alloc(size);

    snprintf(path, size, "%s/%s", a, b);
    return path;
}

static bool is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_file(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static bool has(const struct rest_finds *finds, const char *folder, const char *name)
{
    for (size_t i = 0; i < finds->count; i++)
        if (strcmp(finds->items[i].folder, folder) == 0 && strcmp(finds->items[i].name, name) == 0)
            return true;
    return false;
}

static void add(struct rest_finds *finds, const char *root, const char *folder, const char *name, char *path,
                bool is_shipped)
{
    if (finds->count == SCRIPTS_MOST) {
        log_warn("there are more than %d scripts: %s is left out", SCRIPTS_MOST, path);
        free(path);
        return;
    }
    finds->items = must_realloc(finds->items, (finds->count + 1) * sizeof(*finds->items));
    finds->items[finds->count++] = (struct rest_found){ .folder = must_strdup(folder),
                                                        .name = must_strdup(name),
                                                        .path = path,
                                                        .root = root,
                                                        .is_shipped = is_shipped };
}

static void look_in_folder(struct rest_finds *finds, const char *root, const char *folder, bool is_shipped)
{
    char *path = join(root, folder);
    DIR *entries = is_folder(path) ? opendir(path) : NULL;
    struct dirent *entry;

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        char *file = join(path, entry->d_name);

        if (is_good_name(entry->d_name) && span_ends(span_of(entry->d_name), SPAN(".lua")) && is_file(file) &&
            !has(finds, folder, entry->d_name))
            add(finds, root, folder, entry->d_name, file, is_shipped);
        else
            free(file);
    }
    if (entries != NULL)
        closedir(entries);
    free(path);
}

static void look_in_root(struct rest_finds *finds, const char *root, bool is_shipped)
{
    DIR *folders = opendir(root);
    struct dirent *entry;

    if (folders == NULL) {
        if (errno != ENOENT || is_shipped)
            log_warn("the folder of scripts %s cannot be read: %m", root);
        return;
    }
    while ((entry = readdir(folders)) != NULL)
        if (is_good_name(entry->d_name) && strcmp(entry->d_name, "static") != 0 &&
            strcmp(entry->d_name, "lib") != 0)
            look_in_folder(finds, root, entry->d_name, is_shipped);
    closedir(folders);
}

static int by_name(const void *a, const void *b)
{
    const struct rest_found *one = a, *other = b;
    int order = strcmp(one->folder, other->folder);

    return order != 0 ? order : strcmp(one->name, other->name);
}

void rest_scripts_find(struct rest_finds *finds, const char *own, const char *shipped)
{
    *finds = (struct rest_finds){ 0 };
    if (own != NULL)
        look_in_root(finds, own, false);
    if (shipped != NULL)
        look_in_root(finds, shipped, true);
    if (finds->count > 1) /* readdir has no order; which of two equal expressions wins must have one */
        qsort(finds->items, finds->count, sizeof(*finds->items), by_name);
}

void rest_finds_free(struct rest_finds *finds)
{
    for (size_t i = 0; i < finds->count; i++) {
        free(finds->items[i].folder);
        free(finds->items[i].name);
        free(finds->items[i].path);
    }
    free(finds->items);
    *finds = (struct rest_finds){ 0 };
}
