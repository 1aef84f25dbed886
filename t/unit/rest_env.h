/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_env.h - a module rest of its own in a folder of its own, for tests. */
#ifndef STOA_UNIT_REST_ENV_H
#define STOA_UNIT_REST_ENV_H

#include "conf/settings.h"
#include "modules/rest/rest.h"

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
    struct rest *rest;
};

extern const struct stoa_module stoa_module;

static inline int env_remove_entry(const char *path, const struct stat *is, int type, struct FTW *at)
{
    (void)is;
    (void)type;
    (void)at;
    return remove(path);
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

/* Without the module's state; text: a whole config.tdsl. Its errors are the caller's to look at. */
static inline void env_load(struct env *env, const char *text, struct loop *loop)
{
    char folder[80];

    *env = (struct env){ .folder = "/tmp/stoa-rest-XXXXXX" };
    must(mkdtemp(env->folder) != NULL);
    snprintf(folder, sizeof(folder), "%s/data", env->folder);
    must(mkdir(folder, 0750) == 0);
    env->schema = conf_schema_new();
    settings_register(env->schema);
    for (const struct module_section *at = rest_sections; at->path != NULL; at++)
        conf_schema_add(env->schema, at->path, at->section);
    env->conf = conf_load_text(env->schema, "test.tdsl", span_of(text), env->folder, NULL);
    settings_of(env->conf, &env->settings);
    if (conf_errors(env->conf) == 0)
        stoa_module.check(env->conf, &env->settings);
    env->host = (struct module_host){
        .module = &stoa_module, .conf = env->conf, .settings = &env->settings, .loop = loop
    };
}

static inline void env_open(struct env *env, const char *text, struct loop *loop)
{
    env_load(env, text, loop);
    if (conf_errors(env->conf) > 0 || rest_open(&env->rest, &env->host) != 0) {
        env_print_problems(env);
        abort();
    }
    must(env->rest->store != NULL);
    env->host.state = env->rest;
}

static inline void env_close(struct env *env)
{
    rest_close(&env->rest);
    conf_free(&env->conf);
    conf_schema_free(&env->schema);
    nftw(env->folder, env_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
