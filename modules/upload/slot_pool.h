/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: slot_pool.h - which repository records the slots of which domain. */
#ifndef STOA_UPLOAD_SLOT_POOL_H
#define STOA_UPLOAD_SLOT_POOL_H

#include "slot_repository.h"
#include "upload_conf.h"

struct slot_pool;

struct slot_pool_options {
    const struct upload_conf *conf;
    const char *data_dir;
    int64_t map_size;
    struct loop *loop; /* NULL: stoactl */
    struct claim_view view;
    void (*committed)(unsigned operations);
};

/* 0, or -1 with *why_r a sentence. */
int slot_pool_open(struct slot_pool **pool_r, const struct slot_pool_options *options, const char **why_r);
void slot_pool_close(struct slot_pool **pool);

size_t slot_pool_count(const struct slot_pool *pool);
struct slot_repository *slot_pool_at(const struct slot_pool *pool, size_t index);
struct slot_repository *slot_pool_of(const struct slot_pool *pool, struct span domain);

/* Asks the repository of the domain, or, when the URL names none, each in turn. */
struct pool_find {
    struct slot_find find; /* first; slot_id, filename and arena are set by the asker */
    struct span domain;    /* .at NULL: unknown */
    void (*done)(struct pool_find *find, int found); /* as slot_find's; slot is in find.slot */
    struct slot_repository *repository;              /* that has it */
    /* The pool's. */
    const struct slot_pool *pool;
    size_t at;
    bool has_failed;
};

void slot_pool_find(const struct slot_pool *pool, struct pool_find *find);

#endif
