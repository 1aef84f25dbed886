/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 2 3 4 6: keeper_tracker.c - NAME.0 in the folder of the logs, with the newest lines; NAME.1
 * to NAME.9 are older ones, of 10 MB each.
 *
 * Opened for each line: those who are tracked are few, and an operator may take the files away at any time.
 */
#include "keeper/keeper_tracker.h"

#include "base/text.h"
#include "module/call.h"
#include "os/file.h"
#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_MOST  (10 * 1000 * 1000)
#define FILES_MOST 10

static struct segment *segment; /* borrowed */
static const char *folder;      /* borrowed */
static bool said;               /* that it cannot be written; once in a life */

void keeper_tracker_start(struct segment *given, const char *log_folder)
{
    segment = given;
    folder = log_folder;
}

static void name_of(char name_r[TRACK_FILE_SIZE + 4], struct span file, unsigned number)
{
    snprintf(name_r, TRACK_FILE_SIZE + 4, "%.*s.%u", SPAN_ARG(span_head(file, TRACK_FILE_SIZE - 1)), number);
}

static void rotate(int folder_fd, struct span file)
{
    char from[TRACK_FILE_SIZE + 4], to[TRACK_FILE_SIZE + 4];

    for (unsigned i = FILES_MOST - 1; i-- > 0;) {
        name_of(from, file, i);
        name_of(to, file, i + 1);
        if (renameat(folder_fd, from, folder_fd, to) < 0 && errno != ENOENT)
            log_warn("%s/%s cannot be renamed: %m", folder, from);
    }
}

static int open_newest(int folder_fd, struct span file)
{
    char name[TRACK_FILE_SIZE + 4];

    name_of(name, file, 0);
    return file_open_beneath(folder_fd, name, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY, 0640);
}

/* -1 with errno. */
static int append(struct span file, struct span line)
{
    int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = folder_fd < 0 ? -1 : open_newest(folder_fd, file), result = -1, why;
    struct stat status;

    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= FILE_MOST) {
        close(fd);
        rotate(folder_fd, file);
        fd = open_newest(folder_fd, file);
    }
    if (fd >= 0)
        result = file_write_all(fd, line);
    why = errno;
    if (fd >= 0)
        close(fd);
    if (folder_fd >= 0)
        close(folder_fd);
    errno = why;
    return result;
}

void keeper_tracker_line(struct span file, struct span line)
{
    struct buf text = { 0 };

    if (!tracker_is_file(file))
        return;
    text_add_log(&text, line);
    buf_char(&text, '\n');
    if (append(file, buf_span(&text)) < 0 && !said) {
        log_error("the log tracker cannot write to %s/%.*s.0: %m", folder, SPAN_ARG(file));
        said = true;
    }
    buf_free(&text);
}

/* "add FILE JID" or "remove - JID". */
void keeper_tracker(struct errand *errand)
{
    struct span rest = errand->body, word = span_cut(&rest, ' '), file = span_cut(&rest, ' ');
    const char *why = NULL;

    if (span_is(word, "remove")) {
        if (!tracker_remove(&segment->trackers, rest))
            why = "nobody of that name is tracked";
    } else if (!tracker_is_file(file)) {
        why = "the file's name may hold letters, digits, dots, hyphens and underscores, and is no log of the "
              "daemon";
    } else if (append(file, SPAN("")) < 0) {
        why = "that file cannot be written in the folder of the logs";
    } else if (tracker_add(&segment->trackers, rest, file) < 0) {
        why = "that JID or that file is in use already, or 16 are tracked";
    }
    errand_done(errand, why ? PROBLEM_bad_request : PROBLEM_none, span_of(why ? why : ""));
}
