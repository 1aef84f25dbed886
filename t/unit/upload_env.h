/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload_env.h - a module upload of its own in a folder of its own, for tests. */
#ifndef STOA_UNIT_UPLOAD_ENV_H
#define STOA_UNIT_UPLOAD_ENV_H

#include "base/clock.h"
#include "base/random.h"
#include "conf/settings.h"
#include "modules/upload/upload.h"
#include "os/loop.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct env {
    char folder[64];
    struct conf_schema *schema;
    struct conf *conf;
    struct settings settings;
    struct module_host host;
    struct upload *upload;
    struct arena *arena;
};

static inline int env_remove_entry(const char *path, const struct stat *is, int type, struct FTW *at)
{
    (void)is;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void env_load(struct env *env, const char *text)
{
    env->schema = conf_schema_new();
    settings_register(env->schema);
    for (const struct module_section *at = upload_sections; at->path != NULL; at++)
        conf_schema_add(env->schema, at->path, at->section);
    env->conf = conf_load_text(env->schema, "test.tdsl", span_of(text), env->folder, NULL);
    settings_of(env->conf, &env->settings);
    upload_check(env->conf, &env->settings);
    env->host.conf = env->conf;
    env->host.settings = &env->settings;
}

static inline void env_print_problems(const struct env *env)
{
    struct buf line = { 0 };

    for (size_t i = 0; i < conf_problem_count(env->conf); i++) {
        buf_clear(&line);
        conf_problem_print(conf_problem(env->conf, i), &line);
        fprintf(stderr, "%.*s\n", SPAN_ARG(buf_span(&line)));
    }
    buf_free(&line);
}

/* loop NULL: answers come at once. text: a whole config.tdsl. */
static inline void env_open(struct env *env, const char *text, struct loop *loop)
{
    const char *why = "the configuration is wrong";

    *env = (struct env){ .folder = "/tmp/stoa-upload-XXXXXX" };
    if (mkdtemp(env->folder) == NULL)
        abort();
    env->arena = arena_new();
    env_load(env, text);
    env->host.loop = loop;
    if (conf_errors(env->conf) > 0 || upload_open(&env->upload, &env->host, &why) != 0) {
        env_print_problems(env);
        fprintf(stderr, "%s\n", why);
        abort();
    }
    env->host.state = env->upload;
}

static inline void env_close(struct env *env)
{
    upload_close(&env->upload);
    conf_free(&env->conf);
    conf_schema_free(&env->schema);
    arena_free(&env->arena);
    nftw(env->folder, env_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- the repository's questions, answered at once ---- */

struct env_promise {
    struct slot_promise promise;
    int result;
};

static inline void env_on_promised(struct slot_promise *promise, int result)
{
    LIST_OF(promise, struct env_promise, promise)->result = result;
}

static inline struct slot env_slot(const char *owner, int64_t size, int64_t allocated)
{
    struct slot slot = { .state = SLOT_PROMISED,
                         .owner = span_of(owner),
                         .domain = span_of(strchr(owner, '@') + 1),
                         .filename = SPAN("a.txt"),
                         .size = size,
                         .allocated = allocated,
                         .put_until = allocated + 300 * USEC_PER_SEC,
                         .expires = allocated + 1000000 * USEC_PER_SEC };

    random_bytes(slot.id, SLOT_ID);
    return slot;
}

static inline struct env_promise env_promise(struct env *env, const struct slot *slot,
                                             const struct quotas *quotas)
{
    struct env_promise one = {
        .promise = { .slot = *slot, .quotas = *quotas, .arena = env->arena, .done = env_on_promised }
    };
    struct slot_repository *repository = slot_pool_of(env->upload->pool, slot->domain);

    repository->kind->promise(repository, &one.promise);
    return one;
}

struct env_fill {
    struct slot_fill fill;
    int result;
};

static inline void env_on_filled(struct slot_fill *fill, int result)
{
    LIST_OF(fill, struct env_fill, fill)->result = result;
}

static inline int env_fill(struct env *env, const struct slot *slot)
{
    struct env_fill one = { .fill = { .slot = *slot, .done = env_on_filled } };
    struct slot_repository *repository = slot_pool_of(env->upload->pool, slot->domain);

    one.fill.slot.filled = slot->allocated + USEC_PER_SEC;
    repository->kind->fill(repository, &one.fill);
    return one.result;
}

struct env_find {
    struct pool_find find;
    int found;
};

static inline void env_on_found(struct pool_find *find, int found)
{
    LIST_OF(find, struct env_find, find)->found = found;
}

static inline struct env_find env_find(struct env *env, struct span slot_id, const char *filename)
{
    struct env_find one = { .find = { .done = env_on_found } };

    one.find.find.slot_id = slot_id;
    one.find.find.filename = span_of(filename);
    one.find.find.arena = env->arena;
    slot_pool_find(env->upload->pool, &one.find);
    return one;
}

/* ---- the store's ---- */

static inline void env_on_finished(void *data, enum problem problem)
{
    *(enum problem *)data = problem;
}

static inline enum problem env_write(struct env *env, const struct file_place *place, struct span bytes)
{
    enum problem problem = PROBLEM_none;
    struct file_upload *upload = file_upload_begin(env->upload->files, place, (int64_t)bytes.size, &problem);

    if (upload == NULL)
        return problem;
    problem = file_upload_add(upload, bytes);
    if (problem != PROBLEM_none) {
        file_upload_drop(&upload);
        return problem;
    }
    file_upload_finish(&upload, env_on_finished, &problem);
    return problem;
}

#endif
