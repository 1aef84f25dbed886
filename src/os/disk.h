/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: disk.h - a queue of slow work with threads of its own, answered on the loop.
 *
 * Whatever may wait for a disk (fdatasync, an LMDB commit, unlink) runs here, never on the loop. */
#ifndef STOA_OS_DISK_H
#define STOA_OS_DISK_H

#include "base/list.h"
#include "os/loop.h"

struct disk_queue;

/* Owned by who submits it; may not move or die before done was called. */
struct disk_job {
    struct list node;
    void (*run)(struct disk_job *job);  /* on a thread of the queue: touches nothing but its job; may block */
    void (*done)(struct disk_job *job); /* on the loop, in the order of completion; may free the job */
};

/* threads >= 1. batch NULL: jobs are run one by one. With batch (threads must be 1): the thread takes all
 * that wait, oldest first, as a ring of job->node headed by jobs, and calls batch once for them instead of
 * run; it must leave them in the ring. So waiting work merges into one transaction by itself. */
struct disk_queue *disk_queue_new(struct loop *loop, unsigned threads,
                                  void (*batch)(struct list *jobs, void *data), void *data);
/* Waits for running and waiting jobs (their done is called), then ends the threads. */
void disk_queue_free(struct disk_queue **queue);
void disk_submit(struct disk_queue *queue, struct disk_job *job);
unsigned disk_waiting(const struct disk_queue *queue); /* submitted and not yet done */

#endif
