/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: load.c - see load.h. */
#include "module/load.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_START "stoa-module-"
#define FILE_END   ".so"

static int is_module_file(const struct dirent *entry)
{
    struct span name = span_of(entry->d_name);

    return span_starts(name, SPAN(FILE_START)) && span_ends(name, SPAN(FILE_END));
}

static int load_one(struct modules *modules, const char *path, char *why_r, size_t why_size)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* stays open for life */
    const struct stoa_module *module = library ? dlsym(library, "stoa_module") : NULL;

    if (module == NULL) {
        snprintf(why_r, why_size, "%s cannot be loaded: %s", path, dlerror());
        return -1;
    }
    if (module->abi != STOA_MODULE_ABI) {
        snprintf(why_r, why_size, "%s was built for interface %u, this Stoa has %u; build it anew", path,
                 module->abi, STOA_MODULE_ABI);
        return -1;
    }
    modules->items[modules->count++] = module;
    return 0;
}

int modules_load(struct modules *modules_r, const char *folder, char *why_r, size_t why_size)
{
    struct dirent **files;
    int count = scandir(folder, &files, is_module_file, alphasort);
    int result = 0;

    *modules_r = (struct modules){ .count = 0 };
    if (count < 0) {
        snprintf(why_r, why_size, "the folder of the modules, %s, cannot be read: %m", folder);
        return -1;
    }
    for (int i = 0; i < count; i++) {
        char path[4096];

        snprintf(path, sizeof(path), "%s/%s", folder, files[i]->d_name);
        if (result == 0 && modules_r->count < MODULES_MOST)
            result = load_one(modules_r, path, why_r, why_size);
        free(files[i]);
    }
    free(files);
    return result;
}

struct conf_schema *modules_schema(const struct modules *modules)
{
    /* The guide's modules: a configuration made for a fuller installation still loads. */
    static const char *const known[] = { "rest",       "admin",  "index",          "setup",      "ui",
                                         "server",     "status", "dns-webservice", "well-known", "dashboard",
                                         "staticPage", "bosh",   "account",        NULL };
    struct conf_schema *schema = conf_schema_new();

    settings_register(schema);
    for (size_t i = 0; i < modules->count; i++)
        for (const struct module_section *at = modules->items[i]->sections; at && at->path; at++)
            conf_schema_add(schema, at->path, at->section);
    for (size_t i = 0; known[i]; i++) {
        bool installed = false;

        for (size_t k = 0; k < modules->count; k++)
            installed = installed || span_is(span_of(known[i]), modules->items[k]->name);
        if (!installed)
            conf_schema_absent(schema, "http", known[i], "this module is not installed");
    }
    return schema;
}

void modules_check(const struct modules *modules, struct conf *conf, const struct settings *settings)
{
    for (size_t i = 0; i < modules->count; i++)
        if (modules->items[i]->check)
            modules->items[i]->check(conf, settings);
}
