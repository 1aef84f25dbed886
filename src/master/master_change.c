/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4: master_change.c - changes by command: one after the other, each tried as a reload is,
 * and made lasting in the moment in which it comes into force.
 *
 * What shall lie on the disk is written beside its place before the trial, so that a full or read-only disk
 * refuses the change, and is renamed when the trial has won: killed at any instant, we leave the old file or
 * the new one. What workers may not change is not decided by them: conf_target says it, here and whenever the
 * file is read. */
#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "conf/changes.h"
#include "master/inside.h"
#include "os/log.h"

#include <errno.h>
#include <stdlib.h>

static void forget_bytes(struct buf *buf)
{
    if (buf->at)
        explicit_bzero(buf->at, buf->room);
    buf_free(buf);
}

static bool refuse(struct master *master, const char *why)
{
    buf_clear(&master->report);
    buf_printf(&master->report, "error: %s\n", why);
    return false;
}

static void drop_change(struct master *master)
{
    struct change *change = &master->change;

    file_unstage(&change->file);
    file_unstage(&change->certificate_file);
    forget_bytes(&change->text);
    forget_bytes(&change->pem);
    buf_free(&change->notes);
    *change = (struct change){ .file.folder_fd = -1, .certificate_file.folder_fd = -1 };
}

/* ---- settings ---- */

/* The option that says the same, or NULL: it would win over the change. */
static const char *given_on_command_line(const struct master *master, struct arena *arena, const char *path)
{
    struct conf_target target;

    for (const char *const *at = master->options->overrides; at && *at; at++)
        if (conf_target(master->schema, arena, conf_changes_path_of(span_of(*at)), &target) == NULL &&
            strcmp(target.path, path) == 0)
            return *at;
    return NULL;
}

static const char *look_at_lines(struct master *master, struct arena *arena, struct span lines,
                                 struct span who)
{
    struct conf_target target;
    struct span line;
    unsigned number = 0;

    while (conf_changes_next(&lines, &number, &line)) {
        bool back = span_find(line, '=') < 0;

        must(conf_target(master->schema, arena, conf_changes_path_of(line), &target) == NULL);
        if (given_on_command_line(master, arena, target.path))
            return arena_printf(arena, "%s is given on the daemon's command line, which wins", target.path);
        log_notice("%.*s %s %s", SPAN_ARG(who), back ? "takes back" : "changes", target.path);
        if (target.row && target.row->effect == ON_RESTART)
            buf_printf(&master->change.notes, "%s counts after a restart\n", target.path);
    }
    return NULL;
}

static const char *make_text(struct master *master, struct arena *arena, const char *path,
                             const struct change_request *request)
{
    struct buf old = { 0 };
    char when[STAMP_SIZE];
    const char *why;

    text_stamp(clock_wall(), when);
    if (conf_changes_read(path, &old, &why) < 0)
        why = arena_printf(arena, "%s: %s", path, why);
    else
        why = conf_changes_merge(master->schema, arena, buf_span(&old), buf_span(&request->body),
                                 buf_span(&request->who), when, &master->change.text);
    forget_bytes(&old);
    return why ? why : look_at_lines(master, arena, buf_span(&request->body), buf_span(&request->who));
}

static bool take_settings(struct master *master, const struct change_request *request)
{
    struct change *change = &master->change;
    struct arena *arena = arena_new();
    char *path = conf_changes_path(master->options->config, master->options->data_root);
    const char *why = make_text(master, arena, path, request);

    if (why == NULL && file_stage(&change->file, path, buf_span(&change->text), 0600) < 0) {
        why = arena_printf(arena, "%s cannot be written: %s", path, strerror(errno));
        log_error("%s", why);
    }
    if (why)
        refuse(master, why);
    arena_free(&arena);
    free(path);
    return why == NULL;
}

/* ---- certificates ---- */

static bool stage_certificate(struct master *master)
{
    struct change *change = &master->change;
    const char *folder = master->house->settings.http_server->certs_dir;
    struct buf path = { 0 };
    bool good;

    buf_printf(&path, "%s/%s", folder, change->certificate);
    buf_char(&path, '\0');
    good = file_stage(&change->certificate_file, path.at, buf_span(&change->pem), 0600) == 0;
    if (!good) {
        log_error("%s cannot be written: %m", path.at);
        buf_clear(&master->report);
        buf_printf(&master->report, "error: %s cannot be written: %s\n", path.at, strerror(errno));
    }
    buf_free(&path);
    return good;
}

/* "example.org keep", then PEM. */
static bool take_certificate(struct master *master, const struct change_request *request)
{
    struct change *change = &master->change;
    struct span rest = buf_span(&request->body), line = span_cut(&rest, '\n');
    struct span domain = span_cut(&line, ' ');
    char name[TLS_FILE_SIZE];
    const char *why;

    if (domain.size >= sizeof(name) || !(span_is(line, "keep") || span_is(line, "lose")))
        return refuse(master, "the request for a certificate has no domain");
    memcpy(name, domain.at, domain.size);
    name[domain.size] = '\0';
    if (!tls_domain_file(name, change->certificate))
        return refuse(master, "this is no domain: write it in lower case, as example.org or *.example.org");
    if (!tls_pem_check(rest, name, &why))
        return refuse(master, why);
    if (master->held_count == HELD_MOST)
        return refuse(master, "too many certificates are held in memory; save them to the disk");
    change->keeps = span_is(line, "keep");
    buf_add(&change->pem, rest);
    log_notice("%.*s sets the certificate of %s%s", SPAN_ARG(buf_span(&request->who)), name,
               change->keeps ? "" : ", until the daemon ends");
    return !change->keeps || stage_certificate(master);
}

static void free_held(struct tls_held *held)
{
    char *pem = (char *)(uintptr_t)held->pem;

    explicit_bzero(pem, held->size);
    free(pem);
    free((char *)(uintptr_t)held->file);
    *held = (struct tls_held){ 0 };
}

static void forget_held(struct master *master, const char *file)
{
    for (size_t i = 0; i < master->held_count; i++) {
        if (strcmp(master->held[i].file, file) != 0)
            continue;
        free_held(&master->held[i]);
        master->held[i] = master->held[--master->held_count];
        master->held[master->held_count] = (struct tls_held){ 0 };
        return;
    }
}

static void hold(struct master *master)
{
    struct buf *pem = &master->change.pem;
    char *copy = must_alloc(pem->size + 1);

    memcpy(copy, pem->at, pem->size);
    master->held[master->held_count++] =
        (struct tls_held){ .file = must_strdup(master->change.certificate), .pem = copy, .size = pem->size };
}

size_t change_held(const struct master *master, struct tls_held held_r[HELD_MOST + 1])
{
    const struct change *change = &master->change;
    size_t count = 0;

    for (size_t i = 0; i < master->held_count; i++)
        if (!change->is_on || strcmp(master->held[i].file, change->certificate) != 0)
            held_r[count++] = master->held[i];
    if (change->is_on && change->certificate[0])
        held_r[count++] =
            (struct tls_held){ .file = change->certificate, .pem = change->pem.at, .size = change->pem.size };
    return count;
}

/* ---- the queue ---- */

void change_ask(struct master *master, struct change_request *request)
{
    list_append(&master->requests, &request->node);
    master_wake(master); /* the tick takes it up */
}

void change_forget(struct master *master, struct change_request *request)
{
    list_remove(&request->node);
    if (master->request == request)
        master->request = NULL; /* the trial goes on */
    forget_bytes(&request->body);
    buf_free(&request->who);
}

static void answer(struct master *master, struct change_request *request, bool good)
{
    list_remove(&request->node);
    master->request = NULL;
    forget_bytes(&request->body);
    request->done(request, master, good);
}

static bool take(struct master *master, const struct change_request *request)
{
    if (master->phase >= PHASE_DRAINING)
        return refuse(master, "the daemon is ending");
    if (request->word == CHANGE_RELOAD)
        return true;
    master->change.is_on = true;
    if (request->word == CHANGE_SETTINGS)
        return take_settings(master, request);
    return take_certificate(master, request);
}

void change_next(struct master *master)
{
    while (!list_empty(&master->requests) && master->request == NULL && master->trial == NULL &&
           master->phase != PHASE_STARTING) {
        struct change_request *request = LIST_OF(master->requests.next, struct change_request, node);

        list_remove(&request->node);
        if (take(master, request)) {
            master->request = request;
            reload_begin(master); /* comes back here when it is refused at once */
            return;
        }
        drop_change(master);
        answer(master, request, false);
    }
}

/* ---- how it went ---- */

void change_in_force(struct master *master)
{
    struct change *change = &master->change;
    bool kept = true;

    if (!change->is_on)
        return;
    if (change->text.size)
        kept = file_commit(&change->file) == 0;
    if (change->certificate[0]) {
        forget_held(master, change->certificate);
        if (!change->keeps || file_commit(&change->certificate_file) < 0) {
            kept = kept && !change->keeps;
            hold(master);
        }
    }
    if (!kept) {
        log_error(
            "a change is in force, but could not be kept: %m; it is lost with the next reload or restart");
        buf_text(&master->report, "in force, but it could not be written to the disk\n");
    }
    if (change->certificate[0] && master->house->prepared == NULL)
        buf_text(&master->report, "no connection has TLS (ssl): the certificate is used when one has\n");
    buf_add(&master->report, buf_span(&change->notes));
}

void change_done(struct master *master, bool good)
{
    struct change_request *request = master->request;

    drop_change(master);
    if (request)
        answer(master, request, good);
}

void change_free(struct master *master)
{
    drop_change(master);
    while (master->held_count)
        free_held(&master->held[--master->held_count]);
}
