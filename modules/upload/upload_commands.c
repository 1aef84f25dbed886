/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload_commands.c - the ad-hoc commands of the upload component: what is stored, whose,
 * and its removal.
 *
 * A question to the repository outlives whoever asked, so each lies in an arena of its own. An unknown slot
 * and somebody else's are answered alike: knowing an id must not tell whether there is such a slot. */
#include "base/clock.h"
#include "base/codec.h"
#include "base/text.h"
#include "os/log.h"
#include "shm/count.h"
#include "upload.h"

#define PAGE_USUAL 20

struct work { /* one question */
    OBJECT_MAGIC
    struct arena *arena;       /* owned; holds this */
    struct command_call *call; /* borrowed; NULL: who asked is gone */
    struct upload *upload;     /* borrowed */
    struct slot_repository *repository;
    struct span owner; /* whose slots; empty: of a domain */
    bool is_admins;
    struct slot_usage usage;
    struct slot_list list;
    struct slot_find find;
    struct slot_remove remove;
};

static void on_cancel(struct command_call *call)
{
    OBJECT(call->data, work)->call = NULL;
}

/* NULL: the call was answered. */
static struct work *begin(struct command_call *call, struct span owner, struct span domain)
{
    struct upload *upload = OBJECT(call->host->state, upload);
    struct slot_repository *repository = slot_pool_of(upload->pool, domain);
    struct arena *arena;
    struct work *work;

    if (!repository->kind->keeps_records) {
        command_refuse(call, PROBLEM_not_implemented, "This repository keeps no records of its slots");
        return NULL;
    }
    arena = arena_new();
    work = arena_make(arena, struct work);
    OBJECT_BORN(work, work);
    work->arena = arena;
    work->call = call;
    work->upload = upload;
    work->repository = repository;
    work->owner = arena_copy(arena, owner);
    call->data = work;
    call->on_cancel = on_cancel;
    return work;
}

/* The call, to be answered, or NULL; the work stays until work_end. */
static struct command_call *work_call(struct work *work)
{
    struct command_call *call = work->call;

    if (call)
        call->on_cancel = NULL;
    return call;
}

static void work_end(struct work *work)
{
    struct arena *arena = work->arena;

    OBJECT_DEAD(work);
    arena_free(&arena);
}

static void refuse_failed(struct command_call *call)
{
    command_refuse(call, PROBLEM_internal, NULL);
}

/* Bare JID of a field, and its domain. false: the call was answered. */
static bool owner_of(struct command_call *call, const char *var, struct span *owner_r, struct span *domain_r)
{
    struct jid jid;

    if (!jid_parse(call->arena, command_value(call, var), &jid) || jid.local.size == 0) {
        command_again(call, var, "takes the address of a user, such as user@example.org");
        return false;
    }
    *owner_r = jid_bare_text(call->arena, jid);
    *domain_r = jid.domain;
    return true;
}

static bool domain_of(struct command_call *call, struct span *domain_r)
{
    if (jid_prepare_domain(call->arena, command_value(call, "domain"), domain_r))
        return true;
    command_again(call, "domain", "takes a domain, such as example.org");
    return false;
}

static struct span own_domain(struct command_call *call)
{
    struct span domain = call->user;

    span_cut(&domain, '@');
    return domain;
}

/* ---- fields ---- */

static void form_jid(struct command_call *call)
{
    form_draft_text(&call->draft, FORM_JID, "jid", "User", SPAN(""))->is_required = true;
    command_show(call);
}

static void form_domain(struct command_call *call)
{
    form_draft_text(&call->draft, FORM_TEXT, "domain", "Domain", SPAN(""))->is_required = true;
    command_show(call);
}

static void add_paging(struct form_draft *draft)
{
    struct form_field *field = form_draft_text(draft, FORM_TEXT, "after-id", "Behind the slot", SPAN(""));

    field->desc = "Where the page before ended; empty: from the first";
    field = form_draft_text(draft, FORM_TEXT, "limit", "How many at most", SPAN("20"));
    field->datatype = "xs:integer";
    field->least = 1;
    field->most = LIST_MOST;
}

/* ---- space used ---- */

static void add_number(struct form_draft *draft, const char *var, const char *label, uint64_t number)
{
    const char *text = arena_printf(draft->arena, "%llu", (unsigned long long)number);

    form_draft_text(draft, FORM_TEXT, var, label, span_of(text));
}

static void on_usage(struct slot_usage *usage, int result)
{
    struct work *work = LIST_OF(usage, struct work, usage);
    struct command_call *call = work_call(work);
    struct form_draft draft;

    if (call && result != 0)
        refuse_failed(call);
    if (call && result == 0) {
        form_draft_begin(&draft, call->arena, call->row->name);
        if (work->is_admins)
            form_draft_text(&draft, FORM_JID, "jid", "User", arena_copy(call->arena, work->owner));
        add_number(&draft, "used-space", "Bytes of files", usage->usage.stored_bytes);
        add_number(&draft, "files", "Files", usage->usage.stored_files);
        if (work->upload->conf->quota->user > 0 && work->owner.size > 0)
            add_number(&draft, "quota", "Bytes that may be used", (uint64_t)work->upload->conf->quota->user);
        add_number(&draft, "promised-space", "Bytes promised to uploads", usage->usage.promised_bytes);
        command_done(call, &draft, "info", NULL);
    }
    work_end(work);
}

static void ask_usage(struct work *work, bool is_domain, struct span name)
{
    work->usage.is_domain = is_domain;
    work->usage.name = arena_copy(work->arena, name);
    work->usage.done = on_usage;
    work->repository->kind->usage(work->repository, &work->usage);
}

static void run_space(struct command_call *call)
{
    struct work *work = begin(call, call->user, own_domain(call));

    if (work)
        ask_usage(work, false, call->user);
}

static void run_space_admin(struct command_call *call)
{
    struct span owner, domain;
    struct work *work = owner_of(call, "jid", &owner, &domain) ? begin(call, owner, domain) : NULL;

    if (work) {
        work->is_admins = true;
        ask_usage(work, false, owner);
    }
}

static void run_space_domain(struct command_call *call)
{
    struct span domain;
    struct work *work = domain_of(call, &domain) ? begin(call, SPAN(""), domain) : NULL;

    if (work)
        ask_usage(work, true, domain);
}

/* ---- files ---- */

static const struct form_field columns[] = {
    { .type = FORM_TEXT, .var = "id", .label = "Slot" },
    { .type = FORM_TEXT, .var = "filename", .label = "Name" },
    { .type = FORM_TEXT, .var = "filesize", .label = "Bytes" },
    { .type = FORM_TEXT, .var = "mimetype", .label = "Type" },
    { .type = FORM_TEXT, .var = "timestamp", .label = "Uploaded" },
    { .type = FORM_TEXT, .var = "url", .label = "Address" },
    { .type = FORM_TEXT, .var = "expires", .label = "Expires" },
    { .type = FORM_JID, .var = "uploader", .label = "By" },
};

static void add_slot(const struct work *work, struct form_draft *draft, const struct slot *slot)
{
    struct arena *arena = draft->arena;
    char id[UUID_TEXT + 1], stamp[STAMP_SIZE], expires[STAMP_SIZE] = "";
    struct buf url = { 0 };

    codec_uuid(slot->id, id);
    text_stamp(slot->filled, stamp);
    if (slot->expires != 0)
        text_stamp(slot->expires, expires);
    upload_get_url(work->upload, slot, span_of(id), &url);
    struct span cells[] = { arena_copy(arena, span_of(id)),
                            arena_copy(arena, slot->filename),
                            span_of(arena_printf(arena, "%lld", (long long)slot->size)),
                            arena_copy(arena, slot->type),
                            arena_copy(arena, span_of(stamp)),
                            arena_copy(arena, buf_span(&url)),
                            arena_copy(arena, span_of(expires)),
                            arena_copy(arena, slot->owner) };

    form_draft_row(draft, cells);
    buf_free(&url);
}

static void answer_list(struct work *work, struct command_call *call)
{
    const struct slot_list *list = &work->list;
    char next[UUID_TEXT + 1];
    struct form_draft draft;

    form_draft_begin(&draft, call->arena, call->row->name);
    form_draft_columns(&draft, columns, sizeof(columns) / sizeof(columns[0]) - !work->is_admins);
    for (size_t i = 0; i < list->count; i++)
        add_slot(work, &draft, &list->slots[i]);
    if (!list->is_last) {
        codec_uuid(list->next, next);
        form_draft_text(&draft, FORM_TEXT, "after-id", "The next page begins behind",
                        arena_copy(call->arena, span_of(next)));
    }
    command_done(call, &draft, "info",
                 !list->is_last     ? "There are more: ask again with this after-id"
                 : list->count == 0 ? "There are no files"
                                    : NULL);
}

static void on_list(struct slot_list *list, int result)
{
    struct work *work = LIST_OF(list, struct work, list);
    struct command_call *call = work_call(work);

    if (call && result == 0)
        answer_list(work, call);
    else if (call && result == REFUSED_ABSENT)
        command_again(call, "after-id", "takes the id of a slot that was listed");
    else if (call)
        refuse_failed(call);
    work_end(work);
}

static void ask_list(struct work *work, struct span domain)
{
    struct command_call *call = work->call;
    struct span after = command_value(call, "after-id"), limit = command_value(call, "limit");
    struct slot_list *list = &work->list;
    uint64_t most = PAGE_USUAL;

    if (after.size && !codec_uuid_decode(after, list->after)) {
        call->on_cancel = NULL;
        command_again(call, "after-id", "takes the id of a slot that was listed");
        work_end(work);
        return;
    }
    if (limit.size)
        text_to_u64(limit, &most); /* the form has checked it */
    list->has_after = after.size > 0;
    list->owner = work->owner;
    list->domain = arena_copy(work->arena, domain);
    list->most = most < 1 ? 1 : most > LIST_MOST ? LIST_MOST : (size_t)most;
    list->now = clock_wall();
    list->arena = work->arena;
    list->done = on_list;
    work->repository->kind->list(work->repository, list);
}

static void form_files(struct command_call *call)
{
    add_paging(&call->draft);
    command_show(call);
}

static void run_files(struct command_call *call)
{
    struct work *work = begin(call, call->user, own_domain(call));

    if (work)
        ask_list(work, SPAN(""));
}

static void form_files_type(struct command_call *call)
{
    static const struct form_option types[] = { { { "Of a user", 9 }, { "user", 4 } },
                                                { { "Of a domain", 11 }, { "domain", 6 } } };
    struct form_field *field = form_draft_text(&call->draft, FORM_CHOICE, "type", "Files", SPAN("user"));

    field->options = types;
    field->option_count = 2;
    field->is_required = true;
    command_show(call);
}

static void run_files_type(struct command_call *call)
{
    command_next(call);
}

static bool is_of_domain(const struct command_call *call)
{
    return span_is(command_value(call, "type"), "domain");
}

static void form_files_admin(struct command_call *call)
{
    if (is_of_domain(call))
        form_draft_text(&call->draft, FORM_TEXT, "domain", "Domain", SPAN(""))->is_required = true;
    else
        form_draft_text(&call->draft, FORM_JID, "jid", "User", SPAN(""))->is_required = true;
    add_paging(&call->draft);
    command_show(call);
}

static void run_files_admin(struct command_call *call)
{
    struct span owner = SPAN(""), domain;
    struct work *work;

    if (is_of_domain(call) ? !domain_of(call, &domain) : !owner_of(call, "jid", &owner, &domain))
        return;
    work = begin(call, owner, domain);
    if (work) {
        work->is_admins = true;
        ask_list(work, domain);
    }
}

/* ---- deletion ---- */

static void on_file_removed(void *data, int result)
{
    struct work *work = OBJECT(data, work);
    struct command_call *call = work_call(work);

    if (result == 0)
        count_add(COUNT_files_deleted, 1);
    if (call && result == 0)
        command_done(call, NULL, "info", "The slot and its file were deleted");
    else if (call)
        command_done(call, NULL, "warn",
                     "The slot was deleted; its file could not be removed, the log says why");
    work_end(work);
}

static void on_removed(struct slot_remove *remove, int result)
{
    struct work *work = LIST_OF(remove, struct work, remove);
    struct file_place place;

    if (result == 0 && remove->slot.state == SLOT_FILLED) {
        place = upload_place(work->repository, &remove->slot);
        file_store_remove(work->upload->files, &place, on_file_removed, work);
        return;
    }
    if (result == 0 && remove->slot.has_partial) {
        place = upload_partial_place(work->repository, &remove->slot);
        file_store_remove(work->upload->files, &place, on_file_removed, work);
        return;
    }
    if (work_call(work)) {
        if (result == 0)
            command_done(work->call, NULL, "info", "The slot was deleted");
        else if (result == REFUSED_STATE || result == REFUSED_ABSENT)
            command_refuse(work->call, PROBLEM_forbidden, "There is no such slot of that user");
        else
            refuse_failed(work->call);
    }
    work_end(work);
}

static void on_found(struct slot_find *find, int found)
{
    struct work *work = LIST_OF(find, struct work, find);
    struct command_call *call = work->call;

    if (call == NULL) {
        work_end(work);
        return;
    }
    if (found == 1 && span_eq(find->slot.owner, work->owner) && find->slot.state != SLOT_LAPSED) {
        memcpy(work->remove.id, find->slot.id, SLOT_ID);
        work->remove.now = clock_wall();
        work->remove.tombstone = work->upload->conf->expiration->tombstone;
        work->remove.arena = work->arena;
        work->remove.done = on_removed;
        work->repository->kind->remove(work->repository, &work->remove);
        return;
    }
    work_call(work);
    if (found < 0)
        refuse_failed(call);
    else
        command_refuse(call, PROBLEM_forbidden, "There is no such slot of that user");
    work_end(work);
}

static void ask_delete(struct work *work)
{
    if (work == NULL)
        return;
    work->find.slot_id = arena_copy(work->arena, command_value(work->call, "slot-id"));
    work->find.arena = work->arena;
    work->find.done = on_found;
    work->repository->kind->find(work->repository, &work->find);
}

static void form_delete(struct command_call *call)
{
    form_draft_text(&call->draft, FORM_TEXT, "slot-id", "Slot", SPAN(""))->is_required = true;
    command_show(call);
}

static void run_delete(struct command_call *call)
{
    ask_delete(begin(call, call->user, own_domain(call)));
}

static void form_delete_admin(struct command_call *call)
{
    form_draft_text(&call->draft, FORM_JID, "jid", "User", SPAN(""))->is_required = true;
    form_delete(call);
}

static void run_delete_admin(struct command_call *call)
{
    struct span owner, domain;

    if (owner_of(call, "jid", &owner, &domain))
        ask_delete(begin(call, owner, domain));
}

/* ---- rows ---- */

#define STEPS(form, run)                                                                                     \
    (const struct command_step[])                                                                            \
    {                                                                                                        \
        { form, run },                                                                                       \
        {                                                                                                    \
            NULL, NULL                                                                                       \
        }                                                                                                    \
    }

static const struct command_step files_admin_steps[] = { { form_files_type, run_files_type },
                                                         { form_files_admin, run_files_admin },
                                                         { NULL, NULL } };

static const struct command_row rows[] = {
    { "query-space-used", "Query space used by uploaded files", "Statistics",
      "Says how many bytes your uploads take", ACCESS_USER, false, STEPS(NULL, run_space) },
    { "query-space-used-admin", "Query space used by uploaded files of a user", "Statistics",
      "Says how many bytes the uploads of a user take", ACCESS_ADMIN, false,
      STEPS(form_jid, run_space_admin) },
    { "query-space-used-domain", "Query space used by uploaded files of a domain", "Statistics",
      "Says how many bytes the uploads of a domain's users take", ACCESS_ADMIN, false,
      STEPS(form_domain, run_space_domain) },
    { "query-files", "Query uploaded files", "Statistics", "Lists your uploads, page by page", ACCESS_USER,
      false, STEPS(form_files, run_files) },
    { "query-files-admin", "Query uploaded files of a user or a domain", "Statistics",
      "Lists the uploads of a user or a domain, page by page", ACCESS_ADMIN, false, files_admin_steps },
    { "delete-slot", "Delete slot", "Other", "Deletes an upload of yours", ACCESS_USER, true,
      STEPS(form_delete, run_delete) },
    { "delete-slot-admin", "Delete slot of a user", "Other", "Deletes an upload of a user", ACCESS_ADMIN,
      true, STEPS(form_delete_admin, run_delete_admin) },
    { .node = NULL },
};

const struct command_table upload_adhoc[] = {
    { .service = "upload", .rows = rows },
    { .service = NULL },
};
