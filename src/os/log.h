/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: log.h - one door to the logs, the same for every process.
 *
 * A level says what happens next. Lines are whole (one write of whole lines to a file opened with O_APPEND),
 * hold no foreign control character (text_add_log), and go to a file or, with systemd's <N> priorities, to
 * stderr. Format: 2026-11-22T18:14:24.123456Z warning worker[4711] sentence */
#ifndef STOA_OS_LOG_H
#define STOA_OS_LOG_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level {
    LOG_LEVEL_ERROR,   /* somebody did not get what was asked for, and an operator should look */
    LOG_LEVEL_WARNING, /* we went on with less than was asked */
    LOG_LEVEL_NOTICE,  /* rare and normal: started, connected, reloaded */
    LOG_LEVEL_INFO,    /* an operator may count this */
    LOG_LEVEL_DEBUG,
};

#define log_error(...)  log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)   log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)   log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)  log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* The sentence is escaped as a whole, so a foreign "%.*s" inside is safe. Kept to 2,000 bytes. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The world is wrong (a directive, a disk, a port): says so and ends this process with status 1. */
_Noreturn void log_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Is called, from any thread, for each warning and error, whatever level is in force, with the sentence as
 * it stands in the log; a forked child inherits it. NULL: nobody listens. */
void log_listen(void (*hear)(enum log_level level, const char *kind, int pid, struct span sentence));

/* Before log_open lines go to stderr as plain text. directory NULL: stderr with priorities. Files are
 * directory/stoa.log and directory/access.log, created with mode 0640. -1: could not open, errno set, old
 * stay. */
int log_open(const char *directory, enum log_level level, bool access);
int log_reopen(void);                              /* after SIGUSR1; keeps the old files when it fails */
void log_identity(const char *kind, unsigned row); /* "worker", "router", "keeper", "master", "stoactl" */

/* One access line, without newline, already formatted and escaped; buffered until log_flush. */
void log_access(struct span line);
bool log_access_wanted(void);
bool log_waiting(void); /* access lines are buffered */
void log_flush(void);   /* once per turn of the loop, or some times a second; ENOSPC: lines are counted and
                           dropped, said once */
uint64_t log_take_lost(void); /* lines dropped since the last call, for COUNT_log_lines_lost */

#endif
