/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: slot_pool.c - see slot_pool.h. Two domains that name one data source share one
 * repository. */
#include "slot_pool.h"

#include "base/must.h"

#include <stdlib.h>

struct slot_pool {
    struct slot_repository **repositories; /* owned, and what they point at */
    size_t count;
    struct {
        struct span domain; /* borrowed from the conf */
        struct slot_repository *repository;
    } * domains; /* owned */
    size_t domain_count;
    struct slot_repository *otherwise; /* of the name default, or the embedded one */
};

static struct slot_repository *open_one(const struct slot_pool_options *options, const char *source,
                                        bool is_dummy, const char **why_r)
{
    struct slot_lmdb_options lmdb = { .data_dir = options->data_dir,
                                      .name = source,
                                      .map_size = options->map_size,
                                      .loop = options->loop,
                                      .view = options->view,
                                      .committed = options->committed };

    if (is_dummy)
        return slot_dummy_open(options->data_dir, options->conf->expiration->expiration_time, why_r);
    return slot_lmdb_open(&lmdb, why_r);
}

/* The repository of that data source, opened at its first use. */
static struct slot_repository *get(struct slot_pool *pool, const struct slot_pool_options *options,
                                   const char *source, bool is_dummy, const char **why_r)
{
    struct slot_repository *repository;

    if (is_dummy)
        source = "dummy";
    for (size_t i = 0; i < pool->count; i++)
        if (span_is(span_of(source), pool->repositories[i]->name))
            return pool->repositories[i];
    repository = open_one(options, source, is_dummy, why_r);
    if (repository == NULL)
        return NULL;
    pool->repositories = must_realloc(pool->repositories, (pool->count + 1) * sizeof(*pool->repositories));
    pool->repositories[pool->count++] = repository;
    return repository;
}

int slot_pool_open(struct slot_pool **pool_r, const struct slot_pool_options *options, const char **why_r)
{
    const struct conf_sections *given = &options->conf->pool->domains;
    struct slot_pool *pool = must_alloc(sizeof(*pool));

    *pool_r = NULL;
    pool->domains = must_alloc((given->count + 1) * sizeof(*pool->domains));
    for (size_t i = 0; i < given->count; i++) {
        const struct repository_conf *one = given->items[i];
        struct slot_repository *repository;

        if (!one->section.active)
            continue;
        repository = get(pool, options, one->data_source, repository_is_dummy(one), why_r);
        if (repository == NULL)
            goto failed;
        if (span_is(span_of(one->section.name), "default")) {
            pool->otherwise = repository;
            continue;
        }
        pool->domains[pool->domain_count].domain = span_of(one->section.name);
        pool->domains[pool->domain_count++].repository = repository;
    }
    if (pool->otherwise == NULL)
        pool->otherwise = get(pool, options, "default", false, why_r);
    if (pool->otherwise == NULL)
        goto failed;
    *pool_r = pool;
    return 0;
failed:
    slot_pool_close(&pool);
    return -1;
}

void slot_pool_close(struct slot_pool **pool)
{
    if (*pool == NULL)
        return;
    for (size_t i = 0; i < (*pool)->count; i++)
        (*pool)->repositories[i]->kind->close((*pool)->repositories[i]);
    free((*pool)->repositories);
    free((*pool)->domains);
    free(*pool);
    *pool = NULL;
}

size_t slot_pool_count(const struct slot_pool *pool)
{
    return pool->count;
}

struct slot_repository *slot_pool_at(const struct slot_pool *pool, size_t index)
{
    must(index < pool->count);
    return pool->repositories[index];
}

struct slot_repository *slot_pool_of(const struct slot_pool *pool, struct span domain)
{
    for (size_t i = 0; i < pool->domain_count; i++)
        if (span_eq_nocase(pool->domains[i].domain, domain))
            return pool->domains[i].repository;
    return pool->otherwise;
}

static void ask_next(struct pool_find *find);

static void on_found(struct slot_find *one, int found)
{
    struct pool_find *find = (struct pool_find *)(void *)one;

    if (found < 0)
        find->has_failed = true;
    if (found == 1 || find->domain.at != NULL)
        find->done(find, found);
    else
        ask_next(find);
}

static void ask_next(struct pool_find *find)
{
    if (find->at == find->pool->count) {
        find->repository = NULL;
        find->done(find, find->has_failed ? -1 : 0);
        return;
    }
    find->repository = find->pool->repositories[find->at++];
    find->repository->kind->find(find->repository, &find->find);
}

void slot_pool_find(const struct slot_pool *pool, struct pool_find *find)
{
    find->pool = pool;
    find->at = 0;
    find->has_failed = false;
    find->find.done = on_found;
    if (find->domain.at == NULL) {
        ask_next(find);
        return;
    }
    find->repository = slot_pool_of(pool, find->domain);
    find->repository->kind->find(find->repository, &find->find);
}
