/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: loop.c - one turn: wait, descriptors, timers, tasks, turns; see loop.h.
 *
 * Why epoll_data may hold a plain pointer: a watch leaves the epoll set before its descriptor is closed, and
 * watch_stop also strikes it out of the batch in hand. So no stale event can name a descriptor or a struct
 * that was used again meanwhile. A process that inherits a loop by fork must not stop its watches (that would
 * reach into the parent's epoll set) but call loop_free, which only closes. */
#include "os/loop.h"

#include "base/clock.h"
#include "base/must.h"
#include "os/bell.h"
#include "os/timer.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BATCH 128

struct loop {
    int epoll_fd;
    struct watch wake; /* an eventfd, for loop_wake */
    bool stop;
    int64_t now;
    struct wheel wheel;
    struct list tasks, turns;
    struct epoll_event batch[BATCH];
    int batch_size; /* of the batch in hand; 0 between batches */
};

static void loop_on_wake(struct watch *watch, uint32_t events)
{
    (void)events;
    bell_clear(watch->fd);
}

struct loop *loop_new(void)
{
    struct loop *loop = must_alloc(sizeof(*loop));
    int bell = bell_new();

    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    must(loop->epoll_fd >= 0 && bell >= 0);
    loop->now = clock_mono();
    wheel_init(&loop->wheel, loop->now);
    list_init(&loop->tasks);
    list_init(&loop->turns);
    watch_start(loop, &loop->wake, bell, EPOLLIN, loop_on_wake);
    return loop;
}

void loop_free(struct loop **loop)
{
    if (*loop == NULL)
        return;
    close((*loop)->epoll_fd);
    close((*loop)->wake.fd);
    free(*loop);
    *loop = NULL;
}

void loop_stop(struct loop *loop)
{
    loop->stop = true;
}

int64_t loop_now(const struct loop *loop)
{
    return loop->now;
}

void loop_wake(struct loop *loop)
{
    bell_ring(loop->wake.fd);
}

static int wait_msec(struct loop *loop)
{
    int64_t next, wait;

    if (!list_empty(&loop->tasks))
        return 0;
    next = wheel_next(&loop->wheel);
    if (next == INT64_MAX)
        return -1;
    wait = next - clock_mono();
    return wait <= 0 ? 0 : (int)((wait + 999) / 1000);
}

static void serve_batch(struct loop *loop)
{
    for (int i = 0; i < loop->batch_size; i++) {
        struct watch *watch = loop->batch[i].data.ptr;
        uint32_t events = loop->batch[i].events;

        if (watch == NULL)
            continue; /* stopped by an earlier one of this batch */
        events &= watch->events | EPOLLHUP | EPOLLERR;
        if (events)
            watch->call(watch, events);
    }
    loop->batch_size = 0;
}

/* A turn is moved to the end of the list before it is called, so that it and any other may be removed. */
static void end_turn(struct loop *loop)
{
    struct list round, *node;

    while ((node = list_take(&loop->tasks))) {
        struct task *task = LIST_OF(node, struct task, node);

        task->call(task);
    }
    list_init(&round);
    while ((node = list_take(&loop->turns)))
        list_append(&round, node);
    while ((node = list_take(&round))) {
        struct turn *turn = LIST_OF(node, struct turn, node);

        list_append(&loop->turns, node);
        turn->call(turn);
    }
}

void loop_run(struct loop *loop)
{
    loop->now = clock_mono();
    end_turn(loop);
    while (!loop->stop) {
        int count = epoll_wait(loop->epoll_fd, loop->batch, BATCH, wait_msec(loop));

        must(count >= 0 || errno == EINTR);
        loop->now = clock_mono();
        loop->batch_size = count < 0 ? 0 : count;
        serve_batch(loop);
        wheel_turn(&loop->wheel, loop->now);
        end_turn(loop);
    }
    loop->stop = false;
}

void watch_start(struct loop *loop, struct watch *watch, int fd, uint32_t events,
                 void (*call)(struct watch *watch, uint32_t events))
{
    struct epoll_event event = { .events = events, .data.ptr = watch };

    must(watch->loop == NULL);
    watch->fd = fd;
    watch->events = events;
    watch->call = call;
    watch->loop = loop;
    must(epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
}

void watch_change(struct watch *watch, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = watch };

    if (watch->events == events)
        return;
    must(watch->loop != NULL && !((watch->events | events) & EPOLLEXCLUSIVE));
    watch->events = events;
    must(epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) == 0);
}

void watch_stop(struct watch *watch)
{
    struct loop *loop = watch->loop;

    if (loop == NULL)
        return;
    must(epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL) == 0);
    watch->loop = NULL;
    for (int i = 0; i < loop->batch_size; i++)
        if (loop->batch[i].data.ptr == watch)
            loop->batch[i].data.ptr = NULL;
}

void timer_set(struct loop *loop, struct timer *timer, int64_t deadline, void (*call)(struct timer *timer))
{
    timer->loop = loop;
    timer->call = call;
    if (deadline == INT64_MAX) {
        timer_stop(timer);
        return;
    }
    timer->deadline = deadline;
    if (list_linked(&timer->node) && timer->slot_time <= deadline)
        return; /* its slot comes first and puts it right */
    wheel_put(&loop->wheel, timer);
}

void task_defer(struct loop *loop, struct task *task, void (*call)(struct task *task))
{
    task->call = call;
    if (!list_linked(&task->node))
        list_append(&loop->tasks, &task->node);
}

void task_cancel(struct task *task)
{
    list_remove(&task->node);
}

void turn_add(struct loop *loop, struct turn *turn, void (*call)(struct turn *turn))
{
    turn->call = call;
    if (!list_linked(&turn->node))
        list_append(&loop->turns, &turn->node);
}

void turn_remove(struct turn *turn)
{
    list_remove(&turn->node);
}
