/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: any_file.c - the command that shows files, such as logs: below the folders of
 * manage/files only.
 *
 * The name that comes in is opened by openat2 beneath one of those folders, without following any link (R14).
 * Read as the daemon's user, so what only root may read is out of reach, too; of certificates and the
 * configuration it says why not. */
#include "manage.h"

#include "base/text.h"
#include "conf/changes.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define TAIL_MOST    ((size_t)64 * 1024)
#define OFFERED_MOST 200

static struct span base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return span_of(slash ? slash + 1 : path);
}

/* The folders as configured; none: the logs' own. */
static const char *folder_at(const struct command_call *call, size_t index)
{
    const struct manage *manage = OBJECT(call->host->state, manage);
    const struct conf_list *list = &manage->conf->files;

    if (list->count)
        return index < list->count ? list->texts[index] : NULL;
    return index == 0 ? call->host->settings->log->directory : NULL;
}

/* ---- what there is ---- */

struct offer {
    struct form_option *options;
    size_t count;
    struct arena *arena;
};

static void offer_folder(struct offer *offer, const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    struct span label = base_name(path);

    while (folder && offer->count < OFFERED_MOST && (entry = readdir(folder))) {
        struct span name = span_of(entry->d_name), value;

        if (entry->d_name[0] == '.' || (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN) ||
            !text_is_utf8(name) || text_has_control(name))
            continue;
        value = span_of(arena_printf(offer->arena, "%.*s/%s", SPAN_ARG(label), entry->d_name));
        offer->options[offer->count++] = (struct form_option){ value, value };
    }
    if (folder)
        closedir(folder);
}

static void form_name(struct command_call *call)
{
    struct offer offer = { .arena = call->arena };
    struct form_field *field =
        form_draft_text(&call->draft, FORM_CHOICE, "file", "File", (struct span){ NULL, 0 });
    const char *folder;

    offer.options = arena_alloc(call->arena, OFFERED_MOST * sizeof(*offer.options));
    for (size_t i = 0; (folder = folder_at(call, i)); i++)
        offer_folder(&offer, folder);
    field->options = offer.options;
    field->option_count = offer.count;
    field->is_open = true;
    field->is_required = true;
    field->longest = 1024;
    call->draft.instructions =
        "A file below one of the folders of manage/files, as logs/stoa.log. Its last 64 K are "
        "shown.";
    command_show(call);
}

/* ---- one ---- */

/* "logs/a/b": the folder, and what is below it. */
static const char *find_folder(const struct command_call *call, struct span name, struct span *below_r)
{
    struct span rest = name, first = span_cut(&rest, '/');
    const char *folder;

    *below_r = rest;
    for (size_t i = 0; (folder = folder_at(call, i)); i++)
        if (span_eq(first, base_name(folder)))
            return folder;
    return NULL;
}

static bool is_within(const char *path, const char *folder)
{
    size_t size = folder ? strlen(folder) : 0;

    return size && strncmp(path, folder, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

/* Folders that were configured all too widely. */
static bool is_secret_place(const struct command_call *call, const char *path)
{
    const struct conf *conf = call->host->conf;

    for (size_t i = 0; i < conf_file_count(conf); i++)
        if (strcmp(path, conf_file_name(conf, i)) == 0)
            return true;
    return is_within(path, call->host->settings->http_server->certs_dir) ||
           is_within(path, call->host->settings->processes->data_dir) ||
           span_ends(span_of(path), SPAN(".pem")) || span_ends(span_of(path), SPAN(".tdsl"));
}

static int open_file(const char *folder, const char *name, struct stat *status_r)
{
    int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, why;

    if (folder_fd < 0)
        return -1;
    fd = file_open_beneath(folder_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    why = errno;
    close(folder_fd);
    errno = why;
    if (fd < 0)
        return -1;
    if (fstat(fd, status_r) == 0 && S_ISREG(status_r->st_mode))
        return fd;
    close(fd);
    errno = EISDIR;
    return -1;
}

/* The end of it, from the beginning of a line; what is no text is shown as such. */
static struct span tail_of(struct arena *arena, int fd, int64_t size)
{
    int64_t from = size > (int64_t)TAIL_MOST ? size - (int64_t)TAIL_MOST : 0;
    char *bytes = arena_alloc(arena, TAIL_MOST);
    ssize_t got = pread(fd, bytes, TAIL_MOST, from);
    struct span text = span_make(bytes, got > 0 ? (size_t)got : 0), line;
    struct buf clean = { 0 };

    if (from > 0)
        span_cut(&text, '\n');
    while (text.size) {
        line = span_cut(&text, '\n');
        if (text_is_utf8(line))
            buf_add(&clean, line);
        else
            text_add_log(&clean, line);
        buf_char(&clean, '\n');
    }
    text = arena_copy(arena, buf_span(&clean));
    buf_free(&clean);
    return text;
}

static void run_name(struct command_call *call)
{
    struct span name = command_value(call, "file"), below;
    const char *folder = find_folder(call, name, &below), *path;
    struct stat status;
    struct span text;
    int fd;

    if (folder == NULL || below.size == 0 || text_has_control(name)) {
        command_again(call, "file", "begin it with one of the folders of manage/files, as logs/stoa.log");
        return;
    }
    path = arena_printf(call->arena, "%s/%.*s", folder, SPAN_ARG(below));
    if (is_secret_place(call, path)) {
        command_again(call, "file", "certificates, data and configurations are not shown here");
        return;
    }
    fd = open_file(folder, arena_text(call->arena, below), &status);
    if (fd < 0) {
        command_again(call, "file",
                      errno == ENOENT ? "there is no such file" : "it cannot be opened, or is no file");
        return;
    }
    text = tail_of(call->arena, fd, status.st_size);
    close(fd);
    manage_show_text(call, arena_text(call->arena, name), "Its end", text);
}

static const struct command_step steps[] = { { .form = form_name, .run = run_name }, { .run = NULL } };

const struct command_row any_file_rows[] = {
    { .node = "get-any-file",
      .name = "Get any file",
      .group = "Other",
      .about = "Shows the end of a log or another file below the folders that the configuration names",
      .access = ACCESS_ADMIN,
      .steps = steps },
    { .node = NULL },
};
