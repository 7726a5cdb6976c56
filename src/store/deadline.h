/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Errands: what a thread of the store does for a caller that waits with a deadline. Nothing can be
 * done about a thread that waits for a disk, so it is not the caller's: the caller waits for the
 * thread, and not longer than it wants to.
 */
#ifndef TJ_STORE_DEADLINE_H
#define TJ_STORE_DEADLINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <tesser/error.h>

typedef struct tj__errand tj__errand;

typedef struct tj__errands {
    bool threads; /* a thread may be started */

    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t wake;  /* the thread waits here */
    pthread_cond_t done;  /* and the callers here */
    tj__errand *first;    /* oldest first */
    bool running;
    bool stop;
    pthread_t thread;
} tj__errands;

void tj__errands_init(tj__errands *errands, bool threads);
/* Waits until those that were begun are done, and releases everything. */
void tj__errands_dispose(tj__errands *errands);

/* Runs `run` with `argument` on the thread and waits for it at most deadline_ms. When the deadline
 * passes: TJ_UNAVAILABLE if it has not begun, and it never will; else TJ_UNKNOWN. `dispose`
 * releases the argument, now or when the thread is done with it. TJ_MISUSE without threads,
 * TJ_NOMEM, TJ_IO. */
typedef tj_status tj__errand_run(void *argument, uint64_t *sequence, tj_error *error);
typedef void tj__errand_dispose(void *argument);
tj_status tj__errands_do(tj__errands *errands, uint32_t deadline_ms, tj__errand_run *run,
                         tj__errand_dispose *dispose, void *argument, uint64_t *sequence,
                         tj_error *error);

#endif
