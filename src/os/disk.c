/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: disk.c - see disk.h.
 *
 * Threads see only the queue's two lists, under its one lock; finished is the loop's hint that the second
 * list is not empty, so a turn without news takes no lock. */
#include "os/disk.h"

#include "base/must.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#define STACK_BYTES (512 * 1024)

struct disk_queue {
    struct loop *loop; /* borrowed */
    void (*batch)(struct list *jobs, void *data);
    void *data;
    pthread_mutex_t lock;
    pthread_cond_t work_came; /* waiting or ending changed */
    pthread_cond_t work_done; /* done changed */
    struct list waiting;      /* under lock: of disk_job.node, oldest first */
    struct list done;         /* under lock: ran, not yet told */
    bool ending;              /* under lock */
    atomic_bool finished;     /* done may hold jobs */
    struct turn turn;
    unsigned open; /* loop only: submitted, not yet told */
    unsigned thread_count;
    pthread_t threads[];
};

static void run_jobs(struct disk_queue *queue, struct list *jobs)
{
    if (queue->batch) {
        queue->batch(jobs, queue->data);
        return;
    }
    LIST_EACH (node, jobs) {
        struct disk_job *job = LIST_OF(node, struct disk_job, node);

        job->run(job);
    }
}

static void take_jobs(struct disk_queue *queue, struct list *jobs)
{
    struct list *node;

    list_init(jobs);
    while ((node = list_take(&queue->waiting))) {
        list_append(jobs, node);
        if (!queue->batch)
            break;
    }
}

static void *disk_thread(void *data)
{
    struct disk_queue *queue = data;
    struct list jobs, *node;

    pthread_mutex_lock(&queue->lock);
    for (;;) {
        while (list_empty(&queue->waiting) && !queue->ending)
            pthread_cond_wait(&queue->work_came, &queue->lock);
        if (list_empty(&queue->waiting))
            break;
        take_jobs(queue, &jobs);
        pthread_mutex_unlock(&queue->lock);
        run_jobs(queue, &jobs);
        pthread_mutex_lock(&queue->lock);
        while ((node = list_take(&jobs)))
            list_append(&queue->done, node);
        pthread_cond_signal(&queue->work_done);
        if (!atomic_exchange(&queue->finished, true))
            loop_wake(queue->loop);
    }
    pthread_mutex_unlock(&queue->lock);
    return NULL;
}

/* finished is taken back before the list is read: a job that ends after that wakes the loop again. */
static void tell_done(struct disk_queue *queue)
{
    struct list done, *node;

    if (!atomic_exchange(&queue->finished, false))
        return;
    list_init(&done);
    pthread_mutex_lock(&queue->lock);
    while ((node = list_take(&queue->done)))
        list_append(&done, node);
    pthread_mutex_unlock(&queue->lock);
    while ((node = list_take(&done))) {
        struct disk_job *job = LIST_OF(node, struct disk_job, node);

        queue->open--;
        job->done(job);
    }
}

static void disk_on_turn(struct turn *turn)
{
    tell_done(LIST_OF(turn, struct disk_queue, turn));
}

/* Signals belong to the loop's thread. */
static void start_threads(struct disk_queue *queue)
{
    pthread_attr_t attributes;
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    for (unsigned i = 0; i < queue->thread_count; i++)
        must(pthread_create(&queue->threads[i], &attributes, disk_thread, queue) == 0);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct disk_queue *disk_queue_new(struct loop *loop, unsigned threads,
                                  void (*batch)(struct list *jobs, void *data), void *data)
{
    struct disk_queue *queue = must_alloc(sizeof(*queue) + threads * sizeof(queue->threads[0]));

    must(threads >= 1 && (batch == NULL || threads == 1));
    queue->loop = loop;
    queue->batch = batch;
    queue->data = data;
    queue->thread_count = threads;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->work_came, NULL);
    pthread_cond_init(&queue->work_done, NULL);
    list_init(&queue->waiting);
    list_init(&queue->done);
    turn_add(loop, &queue->turn, disk_on_turn);
    start_threads(queue);
    return queue;
}

void disk_queue_free(struct disk_queue **address)
{
    struct disk_queue *queue = *address;

    if (queue == NULL)
        return;
    while (queue->open) {
        pthread_mutex_lock(&queue->lock);
        while (list_empty(&queue->done))
            pthread_cond_wait(&queue->work_done, &queue->lock);
        pthread_mutex_unlock(&queue->lock);
        tell_done(queue);
    }
    pthread_mutex_lock(&queue->lock);
    queue->ending = true;
    pthread_cond_broadcast(&queue->work_came);
    pthread_mutex_unlock(&queue->lock);
    for (unsigned i = 0; i < queue->thread_count; i++)
        pthread_join(queue->threads[i], NULL);
    turn_remove(&queue->turn);
    pthread_cond_destroy(&queue->work_came);
    pthread_cond_destroy(&queue->work_done);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
    *address = NULL;
}

void disk_submit(struct disk_queue *queue, struct disk_job *job)
{
    queue->open++;
    job->node = (struct list){ 0 };
    pthread_mutex_lock(&queue->lock);
    list_append(&queue->waiting, &job->node);
    pthread_cond_signal(&queue->work_came);
    pthread_mutex_unlock(&queue->lock);
}

unsigned disk_waiting(const struct disk_queue *queue)
{
    return queue->open;
}
