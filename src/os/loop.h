/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: loop.h - one epoll loop per process: descriptors, timers, and what runs at the end of a
 * turn.
 *
 * Level-triggered. Everything is intrusive: the caller owns the structs, zero-initialised, and must remove
 * them before they go. Removing or freeing any watch, timer or task inside any callback is safe: the rest of
 * the batch forgets it. Not for threads but loop_wake(). */
#ifndef STOA_OS_LOOP_H
#define STOA_OS_LOOP_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop **loop);
void loop_run(struct loop *loop);          /* until loop_stop */
void loop_stop(struct loop *loop);         /* returns from loop_run after this turn */
int64_t loop_now(const struct loop *loop); /* clock_mono() as read once at the start of this turn */

/* ---- descriptors ---- */
struct watch {
    int fd;          /* borrowed: remove the watch before closing it */
    uint32_t events; /* in force: EPOLLIN | EPOLLOUT | ... */
    void (*call)(struct watch *watch, uint32_t events);
    struct loop *loop; /* NULL while not watched */
};

/* events 0 is allowed (EPOLLHUP and EPOLLERR are always told). EPOLLEXCLUSIVE may be given at start, and then
 * the watch is only removed and started again, never changed. */
void watch_start(struct loop *loop, struct watch *watch, int fd, uint32_t events,
                 void (*call)(struct watch *watch, uint32_t events));
void watch_change(struct watch *watch, uint32_t events); /* no system call when nothing changes */
void watch_stop(struct watch *watch);                    /* no harm when not watched */

/* ---- timers: a hashed wheel with slots of 64 ms; moving a deadline later costs one store ---- */
struct timer {
    struct list node;                  /* in a slot of the wheel */
    int64_t deadline;                  /* clock_mono microseconds; INT64_MAX when idle */
    int64_t slot_time;                 /* where the node lies now; at or before deadline */
    void (*call)(struct timer *timer); /* may set the timer again or free what holds it */
    struct loop *loop;
};

/* At or up to 64 ms after deadline (short ones too: this is for time-outs, not for clocks). */
void timer_set(struct loop *loop, struct timer *timer, int64_t deadline, void (*call)(struct timer *timer));
void timer_stop(struct timer *timer); /* no harm when idle */

/* ---- tasks: once, at the end of this turn (also one that was added during that) ---- */
struct task {
    struct list node;
    void (*call)(struct task *task);
};

void task_defer(struct loop *loop, struct task *task, void (*call)(struct task *task)); /* twice is once */
void task_cancel(struct task *task);

/* ---- every turn, before sleeping: log flush, LMDB reader reset, bells ---- */
struct turn {
    struct list node;
    void (*call)(struct turn *turn);
};

void turn_add(struct loop *loop, struct turn *turn, void (*call)(struct turn *turn));
void turn_remove(struct turn *turn);

/* From any thread or signal handler: makes the loop turn once. */
void loop_wake(struct loop *loop);

#endif
