/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Commits in flight: submitted, appended, not yet reported. A thread makes them durable (or
 * tj_store_work does, with no_threads), an eventfd is readable while some are done, and whoever
 * takes them calls their callbacks.
 */
#ifndef TJ_STORE_SUBMIT_H
#define TJ_STORE_SUBMIT_H

#include <pthread.h>

#include <tesser/async.h>

#include "engine/engine.h"

typedef struct tj__flight {
    uint64_t sequence; /* of the commit; an earlier one's when its id was there already */
    uint64_t lands_at; /* rises from flight to flight; set by tj__flights_add */
    bool sync;         /* only the disk will do */
    bool landed;       /* set when it is taken: false if it never will */
    uint64_t submitted_ns;
    tj_commit_done *done;
    void *context;
} tj__flight;

typedef struct tj__flights {
    tj__engine *engine;
    bool threads; /* a thread may be started */

    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t wake;  /* the thread waits here */
    pthread_cond_t done;  /* who waits for a flight to land */
    tj__flight *ring; /* `count` flights from `first` on, in the order in which they were added */
    size_t capacity;
    size_t first;
    size_t count;
    uint64_t last_lands_at; /* of all, and of those that ask for the disk */
    uint64_t last_sync_lands_at;
    uint64_t landed;   /* everything up to this sequence is as durable as the store promises */
    uint64_t durable;  /* everything up to this one is on the disk */
    uint64_t given_up; /* the others up to here are in doubt, */
    tj_error doubt;    /* because of this */
    bool failed;       /* the others never will be */
    bool flushing;     /* somebody makes them durable just now */
    int event_fd;      /* -1 before it is asked for */
    bool event_raised;
    bool running;
    bool stop;
    pthread_t thread;
} tj__flights;

void tj__flights_init(tj__flights *flights, tj__engine *engine, bool threads);
/* Waits until nothing is in flight, stops the thread and releases everything; callbacks that nobody
 * has taken are not called. */
void tj__flights_dispose(tj__flights *flights);

/* Makes room for one more flight and sees to the thread, before the commit is decided. TJ_BUSY,
 * TJ_NOMEM, TJ_IO. */
tj_status tj__flights_reserve(tj__flights *flights, tj_error *error);
/* Adds it. Never fails after a reserve; both under the append lock. */
void tj__flights_add(tj__flights *flights, const tj__flight *flight);
/* Returns when what is in flight now has landed; flushes on this thread if nobody else does. What
 * was given up is tried once more if `again`. TJ_CLOSED, TJ_UNKNOWN. */
tj_status tj__flights_flush(tj__flights *flights, bool again, tj_error *error);
/* The descriptor that is readable while some are done; -1 when there is none left. */
size_t tj__flights_count(tj__flights *flights);
int tj__flights_fd(tj__flights *flights);
/* Calls the callbacks of those that are done, and waits for the first one at most wait_ms. */
size_t tj__flights_take(tj__flights *flights, uint32_t wait_ms);

#endif
