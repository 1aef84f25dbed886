/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: log.c - see log.h.
 *
 * Threads: after log_open nothing that log_line reads changes but the file behind a descriptor (dup3 swaps it
 * in place), so lines from the disk threads need no lock. The access buffer belongs to the loop's thread. */
#include "os/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SENTENCE_MOST 2000
#define ACCESS_FLUSH  (64 * 1024) /* a busy turn writes in pieces of this size */
#define STDERR        2

static struct {
    enum { TO_TERMINAL, TO_FILES, TO_JOURNAL } target;
    enum log_level level;
    int fd, access_fd; /* files only; access_fd -1: not wanted */
    char *directory;   /* owned; NULL unless files */
    bool access;
    char kind[16];
    pid_t pid;
    void (*hear)(enum log_level level, const char *kind, int pid, struct span sentence);
    struct buf lines;       /* access lines not written yet */
    bool torn;              /* the access file may end in a part of a line */
    _Atomic uint64_t lost;  /* not yet asked for by log_take_lost */
    atomic_bool complained; /* since the last write that went well */
} the_log = { .level = LOG_LEVEL_INFO, .fd = -1, .access_fd = -1, .kind = "stoa" };

static const struct {
    const char *name;
    char priority; /* sd-daemon(3) */
} levels[] = {
    [LOG_LEVEL_ERROR] = { "error", '3' },   [LOG_LEVEL_WARNING] = { "warning", '4' },
    [LOG_LEVEL_NOTICE] = { "notice", '5' }, [LOG_LEVEL_INFO] = { "info", '6' },
    [LOG_LEVEL_DEBUG] = { "debug", '7' },
};

/* How much of it was written before an error. */
static size_t write_lines(int fd, struct span bytes)
{
    size_t at = 0;

    while (at < bytes.size) {
        ssize_t size = write(fd, bytes.at + at, bytes.size - at);

        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            break;
        at += (size_t)size;
    }
    return at;
}

static void note_lost(uint64_t lines)
{
    int why = errno;

    atomic_fetch_add(&the_log.lost, lines);
    if (!atomic_exchange(&the_log.complained, true))
        dprintf(STDERR, "stoa: log lines are lost: cannot write to %s: %s\n",
                the_log.directory ? the_log.directory : "stderr", strerror(why));
}

static void add_stamp(struct buf *out)
{
    int64_t now = clock_wall();
    time_t seconds = (time_t)(now / USEC_PER_SEC);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
               tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(now % USEC_PER_SEC));
}

static void add_head(struct buf *out, enum log_level level)
{
    switch (the_log.target) {
    case TO_FILES:
        add_stamp(out);
        buf_printf(out, "%s %s[%d] ", levels[level].name, the_log.kind, (int)the_log.pid);
        break;
    case TO_JOURNAL: /* which adds time and level by itself */
        buf_printf(out, "<%c>%s[%d] ", levels[level].priority, the_log.kind, (int)the_log.pid);
        break;
    case TO_TERMINAL:
        buf_printf(out, "%s: ", the_log.kind);
        break;
    }
}

static void write_out(struct span line)
{
    if (write_lines(the_log.target == TO_FILES ? the_log.fd : STDERR, line) < line.size)
        note_lost(1);
    else
        atomic_store(&the_log.complained, false);
}

static void write_sentence(enum log_level level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void write_sentence(enum log_level level, const char *format, va_list args)
{
    char text[SENTENCE_MOST + 1];
    struct buf line = { 0 };
    int saved = errno;
    int size = vsnprintf(text, sizeof(text), format, args);
    size_t head;

    if (size > SENTENCE_MOST)
        size = SENTENCE_MOST;
    add_head(&line, level);
    head = line.size;
    text_add_log(&line, span_make(text, size < 0 ? 0 : (size_t)size));
    if (the_log.hear && level <= LOG_LEVEL_WARNING)
        the_log.hear(level, the_log.kind, (int)the_log.pid, span_from(buf_span(&line), head));
    buf_char(&line, '\n');
    if (level <= the_log.level)
        write_out(buf_span(&line));
    buf_free(&line);
    errno = saved;
}

void log_line(enum log_level level, const char *format, ...)
{
    va_list args;

    if (level > the_log.level && (the_log.hear == NULL || level > LOG_LEVEL_WARNING))
        return;
    va_start(args, format);
    write_sentence(level, format, args);
    va_end(args);
}

void log_fatal(const char *format, ...)
{
    va_list args;

    log_flush();
    va_start(args, format);
    write_sentence(LOG_LEVEL_ERROR, format, args);
    va_end(args);
    exit(1);
}

void log_listen(void (*hear)(enum log_level level, const char *kind, int pid, struct span sentence))
{
    the_log.hear = hear;
}

static int open_file(const char *directory, const char *name)
{
    struct buf path = { 0 };
    int fd;

    buf_printf(&path, "%s/%s", directory, name);
    buf_char(&path, '\0');
    fd = open(path.at, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0640);
    buf_free(&path);
    return fd;
}

/* Puts the file behind the number that is in use already, so that no thread ever sees a closed one. */
static void swap_in(int *in_use, int fd)
{
    if (*in_use < 0) {
        *in_use = fd;
        return;
    }
    dup3(fd, *in_use, O_CLOEXEC);
    close(fd);
}

static int open_files(const char *directory, bool access)
{
    int fd = open_file(directory, "stoa.log");
    int access_fd = fd >= 0 && access ? open_file(directory, "access.log") : -1;
    int why = errno;

    if (fd < 0 || (access && access_fd < 0)) {
        if (fd >= 0)
            close(fd);
        errno = why;
        return -1;
    }
    log_flush();
    swap_in(&the_log.fd, fd);
    if (access)
        swap_in(&the_log.access_fd, access_fd);
    return 0;
}

int log_open(const char *directory, enum log_level level, bool access)
{
    char *copy = NULL;

    if (directory) {
        if (open_files(directory, access) < 0)
            return -1;
        copy = strdup(directory);
    } else {
        log_flush();
    }
    free(the_log.directory);
    the_log.directory = copy;
    the_log.target = directory ? TO_FILES : TO_JOURNAL;
    the_log.level = level;
    the_log.access = access;
    if (the_log.pid == 0)
        the_log.pid = getpid();
    return 0;
}

int log_reopen(void)
{
    return the_log.target == TO_FILES ? open_files(the_log.directory, the_log.access) : 0;
}

/* Also what makes a forked child's log its own: lines that wait are the parent's to write. */
void log_identity(const char *kind, unsigned row)
{
    (void)row; /* the pid tells two of a kind apart, and the board tells which row it has */
    snprintf(the_log.kind, sizeof(the_log.kind), "%s", kind);
    the_log.pid = getpid();
    buf_clear(&the_log.lines);
}

bool log_access_wanted(void)
{
    return the_log.access;
}

void log_access(struct span line)
{
    if (!the_log.access)
        return;
    if (the_log.target == TO_JOURNAL)
        buf_add(&the_log.lines, SPAN("<6>"));
    buf_add(&the_log.lines, line);
    buf_char(&the_log.lines, '\n');
    if (the_log.lines.size >= ACCESS_FLUSH)
        log_flush();
}

static uint64_t count_lines(struct span bytes)
{
    uint64_t lines = 0;

    for (size_t i = 0; i < bytes.size; i++)
        lines += bytes.at[i] == '\n';
    return lines;
}

bool log_waiting(void)
{
    return the_log.lines.size > 0;
}

void log_flush(void)
{
    int fd = the_log.target == TO_FILES ? the_log.access_fd : STDERR;
    struct span lines = buf_span(&the_log.lines);
    size_t size;

    if (lines.size == 0)
        return;
    if (the_log.torn && write_lines(fd, SPAN("\n")) == 1)
        the_log.torn = false;
    size = write_lines(fd, lines);
    if (size < lines.size) {
        note_lost(count_lines(span_from(lines, size)));
        the_log.torn = size > 0 && lines.at[size - 1] != '\n';
    } else {
        atomic_store(&the_log.complained, false);
    }
    buf_clear(&the_log.lines);
}

uint64_t log_take_lost(void)
{
    return atomic_exchange(&the_log.lost, 0);
}
