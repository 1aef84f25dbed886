/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload_ctl.c - the module's commands of stoactl: slot new, files list|show|delete, fsck.
 *
 * They open the store as one more process, beside a running daemon or without one, and never make a folder.
 */
#include "base/clock.h"
#include "base/codec.h"
#include "base/random.h"
#include "base/text.h"
#include "fsck.h"
#include "slot_policy.h"
#include "upload.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int complain(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "stoactl: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return 1;
}

static struct upload *open_upload(struct module_host *host)
{
    const char *folder = host->settings->processes->data_dir, *why;
    struct upload *upload;

    if (!upload_conf(host->conf)->section.active) {
        complain("the section upload of the configuration is not active");
        return NULL;
    }
    if (access(folder, R_OK | W_OK | X_OK) != 0) {
        complain("the folder %s (processes/data-dir) cannot be used: %s", folder, strerror(errno));
        return NULL;
    }
    if (upload_open(&upload, host, &why) != 0) {
        complain("%s", why);
        return NULL;
    }
    return upload;
}

/* ---- options: "--name value" and "--name" ---- */

struct option_row {
    const char *name;   /* NULL ends */
    const char **value; /* or NULL: then flag */
    bool *flag;
};

/* Takes the options off; what is left stays in argv. -1: said on stderr. */
static int take_options(int *argc, char **argv, const struct option_row *rows)
{
    int kept = 0;

    for (int i = 0; i < *argc; i++) {
        const struct option_row *row = rows;

        while (row->name != NULL && strcmp(row->name, argv[i]) != 0)
            row++;
        if (row->name == NULL && strncmp(argv[i], "--", 2) == 0) {
            complain("there is no option %s", argv[i]);
            return -1;
        }
        if (row->name == NULL) {
            argv[kept++] = argv[i];
        } else if (row->flag != NULL) {
            *row->flag = true;
        } else if (i + 1 < *argc) {
            *row->value = argv[++i];
        } else {
            complain("%s needs a value", argv[i]);
            return -1;
        }
    }
    *argc = kept;
    return 0;
}

/* ---- slot new ---- */

struct granted {
    struct slot_promise promise;
    int result;
};

static void on_promised(struct slot_promise *promise, int result)
{
    LIST_OF(promise, struct granted, promise)->result = result;
}

static int refuse(const struct slot_refused *refused)
{
    char stamp[STAMP_SIZE] = "";

    if (refused->retry > 0)
        text_stamp(refused->retry, stamp);
    return complain("%s%s%s", refused->detail != NULL ? refused->detail : problem_text(refused->problem),
                    stamp[0] != '\0' ? "; again from " : "", stamp);
}

static void print_slot(const struct upload *upload, const struct slot_promise *promise)
{
    struct buf url = { 0 };

    upload_put_url(upload, &promise->slot, promise->slot_id, &url);
    printf("PUT=%.*s\n", SPAN_ARG(buf_span(&url)));
    buf_clear(&url);
    upload_get_url(upload, &promise->slot, promise->slot_id, &url);
    printf("GET=%.*s\n", SPAN_ARG(buf_span(&url)));
    if (promise->slot.has_token) {
        buf_clear(&url);
        codec_hex(&url, span_make((const char *)promise->slot.token, SLOT_TOKEN));
        printf("HEADER=Authorization: Bearer %.*s\n", SPAN_ARG(buf_span(&url)));
    }
    buf_free(&url);
}

static int grant(struct upload *upload, const struct slot_wish *wish, struct arena *arena)
{
    struct granted granted = { .promise = { .arena = arena, .done = on_promised } };
    struct slot_repository *repository = slot_pool_of(upload->pool, wish->domain);
    struct slot *slot = &granted.promise.slot;
    struct slot_refused refused;

    if (!policy_grants(upload->conf, wish, clock_wall(), arena, slot, &refused))
        return refuse(&refused);
    random_bytes(slot->id, SLOT_ID);
    if (slot->has_token)
        random_bytes(slot->token, SLOT_TOKEN);
    policy_quotas(upload->conf, &granted.promise.quotas);
    repository->kind->promise(repository, &granted.promise);
    if (granted.result != 0) {
        policy_explain(upload->conf, granted.result, granted.promise.retry, arena, &refused);
        return refuse(&refused);
    }
    print_slot(upload, &granted.promise);
    return 0;
}

static int slot_new(struct module_host *host, int argc, char **argv)
{
    const char *owner = NULL, *name = NULL, *size = NULL, *type = NULL, *purpose = NULL, *before = NULL;
    const struct option_row rows[] = { { "--owner", &owner, NULL },
                                       { "--name", &name, NULL },
                                       { "--size", &size, NULL },
                                       { "--type", &type, NULL },
                                       { "--purpose", &purpose, NULL },
                                       { "--expire-before", &before, NULL },
                                       { .name = NULL } };
    struct slot_wish wish = { 0 };
    struct upload *upload;
    struct arena *arena;
    struct jid jid;
    int status;

    if (take_options(&argc, argv, rows) != 0)
        return 2;
    if (argc > 0 || owner == NULL || name == NULL || size == NULL) {
        complain("slot new needs --owner JID --name N --size S");
        return 2;
    }
    upload = open_upload(host);
    if (upload == NULL)
        return 1;
    arena = arena_new();
    if (jid_parse(arena, span_of(owner), &jid)) {
        wish = (struct slot_wish){ .owner = jid_bare_text(arena, jid),
                                   .domain = jid.domain,
                                   .filename = span_of(name),
                                   .size = span_of(size),
                                   .type = span_of(type),
                                   .purposes = purpose != NULL,
                                   .purpose = purpose,
                                   .expire_before = span_of(before) };
        status = grant(upload, &wish, arena);
    } else {
        status = complain("%s is not a JID", owner);
    }
    arena_free(&arena);
    upload_close(&upload);
    return status;
}

/* ---- files ---- */

static void add_moment(struct buf *out, int64_t moment)
{
    char stamp[STAMP_SIZE];

    if (moment == 0) {
        buf_char(out, '-');
        return;
    }
    text_stamp(moment, stamp);
    buf_text(out, stamp);
}

static void add_json_text(struct buf *out, const char *name, struct span text)
{
    buf_printf(out, ",\"%s\":\"", name);
    text_add_json(out, text);
    buf_char(out, '"');
}

static void add_json_moment(struct buf *out, const char *name, int64_t moment)
{
    if (moment == 0) {
        buf_printf(out, ",\"%s\":null", name);
        return;
    }
    buf_printf(out, ",\"%s\":\"", name);
    add_moment(out, moment);
    buf_char(out, '"');
}

static void print_json(const struct slot *slot)
{
    char id[UUID_TEXT + 1];
    struct buf out = { 0 };

    codec_uuid(slot->id, id);
    buf_printf(&out, "{\"id\":\"%s\",\"state\":\"%s\",\"purpose\":\"%s\",\"size\":%lld", id,
               slot_state_name(slot->state), slot_purpose_name(slot->purpose), (long long)slot->size);
    add_json_text(&out, "owner", slot->owner);
    add_json_text(&out, "name", slot->filename);
    add_json_text(&out, "type", slot->type);
    add_json_moment(&out, "allocated", slot->allocated);
    add_json_moment(&out, "filled", slot->filled);
    add_json_moment(&out, "expires", slot->expires);
    buf_text(&out, "}");
    printf("%.*s\n", SPAN_ARG(buf_span(&out)));
    buf_free(&out);
}

static void print_line(const struct slot *slot)
{
    char id[UUID_TEXT + 1];
    struct buf out = { 0 };

    codec_uuid(slot->id, id);
    buf_printf(&out, "%s %-8s %12lld ", id, slot_state_name(slot->state), (long long)slot->size);
    add_moment(&out, slot->expires);
    buf_char(&out, ' ');
    text_add_log(&out, slot->owner);
    buf_char(&out, ' ');
    text_add_log(&out, slot->filename);
    printf("%.*s\n", SPAN_ARG(buf_span(&out)));
    buf_free(&out);
}

static int list_repository(struct slot_repository *repository, struct span owner, bool json)
{
    struct store *store = slot_lmdb_store(repository);
    struct store_view *view = store_view(store);
    struct store_cursor *cursor = NULL;
    struct span key, value;
    int result;

    if (view == NULL)
        return -1;
    while ((result = store_walk(view, TABLE_SLOT, SPAN(""), &cursor, &key, &value)) == 1) {
        struct slot slot;

        if (key.size != SLOT_ID || !slot_decode(value, &slot) ||
            (owner.at != NULL && !span_eq(owner, slot.owner)))
            continue;
        memcpy(slot.id, key.at, SLOT_ID);
        if (json)
            print_json(&slot);
        else
            print_line(&slot);
    }
    store_view_end(store, view);
    return result;
}

static int files_list(struct module_host *host, int argc, char **argv)
{
    const char *owner = NULL;
    bool json = false;
    const struct option_row rows[] = { { "--owner", &owner, NULL },
                                       { "--json", NULL, &json },
                                       { .name = NULL } };
    struct arena *arena;
    struct span wanted = { 0 };
    struct upload *upload;
    struct jid jid;
    int status = 0;

    if (take_options(&argc, argv, rows) != 0 || argc > 0)
        return 2;
    arena = arena_new();
    if (owner != NULL && !jid_parse(arena, span_of(owner), &jid)) {
        arena_free(&arena);
        return complain("%s is not a JID", owner);
    }
    if (owner != NULL)
        wanted = jid_bare_text(arena, jid);
    upload = open_upload(host);
    for (size_t i = 0; upload != NULL && i < slot_pool_count(upload->pool); i++) {
        struct slot_repository *repository = slot_pool_at(upload->pool, i);

        if (repository->kind->keeps_records && list_repository(repository, wanted, json) != 0)
            status = 1;
    }
    arena_free(&arena);
    if (upload == NULL)
        return 1;
    upload_close(&upload);
    return status;
}

struct looked {
    struct pool_find find;
    int found;
};

static void on_found(struct pool_find *find, int found)
{
    LIST_OF(find, struct looked, find)->found = found;
}

/* The slot of that id, in whatever repository; told on stderr when there is none. */
static bool find_slot(struct upload *upload, const char *id, struct arena *arena, struct looked *looked_r)
{
    *looked_r = (struct looked){ .find = { .done = on_found } };
    looked_r->find.find.slot_id = span_of(id);
    looked_r->find.find.arena = arena;
    slot_pool_find(upload->pool, &looked_r->find);
    if (looked_r->found != 1)
        complain("there is no slot %s", id);
    return looked_r->found == 1;
}

static void show(const struct upload *upload, const struct looked *looked, struct arena *arena)
{
    const struct slot *slot = &looked->find.find.slot;
    struct file_place place = upload_place(looked->find.repository, slot);
    struct buf out = { 0 };

    buf_text(&out, "id         ");
    buf_add(&out, looked->find.find.slot_id);
    buf_printf(&out, "\nstate      %s\npurpose    %s\nsize       %lld\nowner      ",
               slot_state_name(slot->state), slot_purpose_name(slot->purpose), (long long)slot->size);
    text_add_log(&out, slot->owner);
    buf_text(&out, "\nname       ");
    text_add_log(&out, slot->filename);
    buf_text(&out, "\ntype       ");
    text_add_log(&out, slot->type);
    buf_text(&out, "\nallocated  ");
    add_moment(&out, slot->allocated);
    buf_text(&out, "\nfilled     ");
    add_moment(&out, slot->filled);
    buf_text(&out, "\nexpires    ");
    add_moment(&out, slot->expires);
    if (slot->state == SLOT_LAPSED) {
        buf_text(&out, "\nlapsed     ");
        add_moment(&out, slot->lapsed);
    }
    if (slot->state == SLOT_FILLED) {
        buf_text(&out, "\nsha256     ");
        codec_hex(&out, span_make((const char *)slot->sha256, SHA256_BYTES));
        buf_printf(&out, "\nfile       %s/%s", upload->conf->store->path, file_place_text(&place, arena));
    }
    buf_text(&out, "\nGET        ");
    upload_get_url(upload, slot, looked->find.find.slot_id, &out);
    printf("%.*s\n", SPAN_ARG(buf_span(&out)));
    buf_free(&out);
}

static int files_show(struct module_host *host, int argc, char **argv)
{
    struct upload *upload;
    struct looked looked;
    struct arena *arena;
    int status = 1;

    if (argc != 1) {
        complain("files show needs the id of one slot");
        return 2;
    }
    upload = open_upload(host);
    if (upload == NULL)
        return 1;
    arena = arena_new();
    if (find_slot(upload, argv[0], arena, &looked)) {
        show(upload, &looked, arena);
        status = 0;
    }
    arena_free(&arena);
    upload_close(&upload);
    return status;
}

struct removing {
    struct slot_remove remove;
    int result;
};

static void on_slot_removed(struct slot_remove *remove, int result)
{
    LIST_OF(remove, struct removing, remove)->result = result;
}

static void on_file_removed(void *data, int result)
{
    *(int *)data = result;
}

/* The record first: a crash in between leaves a file that nobody can fetch, and the keeper removes it. */
static int delete_one(struct upload *upload, const char *id, struct arena *arena)
{
    struct removing removing = { .remove = { .now = clock_wall(),
                                             .tombstone = upload->conf->expiration->tombstone,
                                             .arena = arena,
                                             .done = on_slot_removed } };
    struct slot_repository *repository;
    struct file_place place;
    struct looked looked;
    int result = 0;

    if (!find_slot(upload, id, arena, &looked))
        return 1;
    repository = looked.find.repository;
    memcpy(removing.remove.id, looked.find.find.slot.id, SLOT_ID);
    repository->kind->remove(repository, &removing.remove);
    if (removing.result == REFUSED_STATE)
        return complain("slot %s has expired or was deleted before", id);
    if (removing.result != 0)
        return complain("slot %s cannot be deleted", id);
    if (removing.remove.slot.state == SLOT_FILLED) {
        place = upload_place(repository, &removing.remove.slot);
        file_store_remove(upload->files, &place, on_file_removed, &result);
    }
    if (removing.remove.slot.state == SLOT_PROMISED && removing.remove.slot.has_partial) {
        place = upload_partial_place(repository, &removing.remove.slot);
        file_store_remove(upload->files, &place, on_file_removed, &result);
    }
    printf("%s deleted\n", id);
    return result == 0 ? 0 : 1;
}

static int files_delete(struct module_host *host, int argc, char **argv)
{
    struct upload *upload;
    struct arena *arena;
    int status = 0;

    if (argc == 0) {
        complain("files delete needs ids of slots");
        return 2;
    }
    upload = open_upload(host);
    if (upload == NULL)
        return 1;
    arena = arena_new();
    for (int i = 0; i < argc; i++)
        if (delete_one(upload, argv[i], arena) != 0)
            status = 1;
    arena_free(&arena);
    upload_close(&upload);
    return status;
}

/* ---- fsck ---- */

static void tell_line(struct fsck *fsck, enum fsck_fault fault, const char *what, const char *detail)
{
    struct buf out = { 0 };

    (void)fsck;
    buf_printf(&out, "wrong: %s: ", fsck_fault_name(fault));
    text_add_log(&out, span_of(what));
    buf_printf(&out, ": %s", detail);
    printf("%.*s\n", SPAN_ARG(buf_span(&out)));
    buf_free(&out);
}

static void tell_json(struct fsck *fsck, enum fsck_fault fault, const char *what, const char *detail)
{
    struct buf out = { 0 };

    (void)fsck;
    buf_printf(&out, "{\"fault\":\"%s\"", fsck_fault_name(fault));
    add_json_text(&out, "what", span_of(what));
    add_json_text(&out, "detail", span_of(detail));
    printf("%.*s}\n", SPAN_ARG(buf_span(&out)));
    buf_free(&out);
}

static int fsck_command(struct module_host *host, int argc, char **argv)
{
    struct fsck fsck = { .tell = tell_line };
    bool json = false;
    const struct option_row rows[] = { { "--repair", NULL, &fsck.repair },
                                       { "--deep", NULL, &fsck.deep },
                                       { "--json", NULL, &json },
                                       { .name = NULL } };
    int result;

    if (take_options(&argc, argv, rows) != 0 || argc > 0)
        return 2;
    if (json)
        fsck.tell = tell_json;
    fsck.upload = open_upload(host);
    if (fsck.upload == NULL)
        return 1;
    result = fsck_run(&fsck);
    upload_close(&fsck.upload);
    if (result != 0)
        return complain("the store could not be read whole");
    printf(json ? "{\"slots\":%lld,\"files\":%lld,\"faults\":%lld,\"repaired\":%lld}\n"
                : "%lld slots, %lld files, %lld wrong, %lld repaired\n",
           (long long)fsck.slots, (long long)fsck.files, (long long)fsck.faults, (long long)fsck.repaired);
    return fsck.faults > fsck.repaired ? 1 : 0;
}

const struct ctl_command upload_commands[] = {
    { "slot new",
      "--owner JID --name NAME --size BYTES [--type TYPE] [--purpose PURPOSE [--expire-before STAMP]]",
      "grant an upload slot, within the owner's quotas; prints PUT=, GET= and, with slot-token, HEADER=",
      slot_new },
    { "files list", "[--owner JID] [--json]", "all slots, or those of one user", files_list },
    { "files show", "ID", "all that is known of a slot", files_show },
    { "files delete", "ID...", "remove files, or take slots back that were not used", files_delete },
    { "fsck", "[--repair] [--deep] [--json]",
      "compare records, indices, counters and files; --deep reads every byte; exit status 1 when something "
      "is wrong and was not repaired",
      fsck_command },
    { .name = NULL },
};
