/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Commits in flight: submitted, appended, not yet reported. A thread of the store makes them durable (or
 * tj_store_work does, with no_threads), an eventfd says when some are done, and whoever takes them
 * calls their callbacks.
 *
 * The same thread runs commits with a deadline from beginning to end, because nothing can be done about a
 * thread that waits for a disk: the caller waits for that thread, and not longer than it wants to.
 */
#ifndef TJ_ENGINE_FLIGHT_H
#define TJ_ENGINE_FLIGHT_H

#include <pthread.h>

#include <tesser/async.h>

#include "engine/engine.h"

typedef struct tj__flight {
    uint64_t sequence; /* of the commit; an earlier one's when its id was there already */
    uint64_t lands_at; /* durable when everything up to this is; rises; set by tj__flights_add */
    bool sync;
    tj_commit_done *done;
    void *context;
} tj__flight;

/* Something the thread does for a caller that waits with a deadline. */
typedef struct tj__errand tj__errand;

typedef struct tj__flights {
    tj__engine *engine;
    bool threads; /* a thread may be started */

    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t wake;  /* the thread waits here */
    pthread_cond_t done;  /* callers with a deadline wait here */
    tj__flight *ring; /* `count` flights from `first` on, in the order in which they were added */
    size_t capacity;
    size_t first;
    size_t count;
    uint64_t landed;     /* everything up to this sequence is durable */
    bool failed;         /* the others never will be */
    bool sync_due;       /* one of those that have not landed must go to the disk */
    bool flushing;       /* somebody makes them durable just now */
    tj__errand *errands; /* oldest first */
    int event_fd;        /* -1 before it is asked for */
    bool running;
    bool stop;
    pthread_t thread;
} tj__flights;

void tj__flights_init(tj__flights *flights, tj__engine *engine, bool threads);
/* Waits until nothing is in flight, stops the thread and releases everything; callbacks that nobody has
 * taken are not called. */
void tj__flights_dispose(tj__flights *flights);

/* Makes room for one more flight and sees to the thread, before the commit is decided. TJ_BUSY, TJ_NOMEM. */
tj_status tj__flights_reserve(tj__flights *flights, tj_error *error);
/* Adds it. Never fails after a reserve; both under the append lock. */
void tj__flights_add(tj__flights *flights, const tj__flight *flight);
/* Makes what is in flight durable, on this thread. */
void tj__flights_flush(tj__flights *flights);
int tj__flights_fd(tj__flights *flights);
tj_status tj__flights_take(tj__flights *flights, uint32_t wait_ms, size_t *count, tj_error *error);

/* Runs `run` with `argument` on the thread and waits for it at most deadline_ms. `run` fills in *outcome and
 * *sequence. When the deadline passes: TJ_UNAVAILABLE if it has not begun, else TJ_UNKNOWN. `dispose`
 * releases the argument, now or when the thread is done with it. */
typedef tj_status tj__errand_run(void *argument, uint64_t *sequence, tj_error *error);
typedef void tj__errand_dispose(void *argument);
tj_status tj__flights_errand(tj__flights *flights, uint32_t deadline_ms, tj__errand_run *run,
                             tj__errand_dispose *dispose, void *argument, uint64_t *sequence,
                             tj_error *error);

#endif
