/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The queue of flights, the thread that flushes them, and who takes the results. */
#include "store/submit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"

/* Completions are taken in runs of so many, so that callbacks run without the lock. */
#define TAKE_RUN 64
#define RING_MIN 256

void tj__flights_init(tj__flights *flights, tj__engine *engine, bool threads)
{
    *flights = (tj__flights){.engine = engine, .threads = threads, .event_fd = -1};
    tj__mutex_init(&flights->lock);
    tj__condition_init(&flights->wake);
    tj__condition_init(&flights->done);
}

static tj__flight *flight_at(const tj__flights *flights, size_t index)
{
    return &flights->ring[(flights->first + index) % flights->capacity];
}

static bool has_landed(const tj__flights *flights, const tj__flight *flight)
{
    return flight->lands_at <= (flight->sync ? flights->durable : flights->landed);
}

/* Neither falls: what is learned late may be of an earlier moment. */
static void rise_to(tj__flights *flights, uint64_t landed, uint64_t durable)
{
    flights->landed = landed > flights->landed ? landed : flights->landed;
    flights->durable = durable > flights->durable ? durable : flights->durable;
}

/* Of those that were given up, some may have come through: others write, too. */
static void look_locked(tj__flights *flights)
{
    tj__engine *engine = flights->engine;
    rise_to(flights, engine->ops->settled(engine, false), engine->ops->settled(engine, true));
}

/* It will not be waited for any more. */
static bool is_settled(const tj__flights *flights, const tj__flight *flight)
{
    return flights->failed || has_landed(flights, flight) || flight->lands_at <= flights->given_up;
}

static bool any_done(const tj__flights *flights)
{
    return flights->count > 0 && is_settled(flights, flight_at(flights, 0));
}

/* Makes the descriptor readable, or not, as the first flight is done or not. An eventfd that only
 * this function writes and reads never refuses. */
static void show_event(tj__flights *flights)
{
    bool raise = any_done(flights);
    if (flights->event_fd < 0 || raise == flights->event_raised) {
        return;
    }
    uint64_t one = 1;
    ssize_t moved = raise ? write(flights->event_fd, &one, sizeof one)
                          : read(flights->event_fd, &one, sizeof one);
    (void)moved;
    flights->event_raised = raise;
}

/* ---- making flights durable --------------------------------------------------------------- */

/* Whether flights up to here are to be waited for. */
static bool lacks(const tj__flights *flights, uint64_t landing, uint64_t sync_landing)
{
    return !flights->failed &&
           ((landing > flights->landed && landing > flights->given_up) ||
            (sync_landing > flights->durable && sync_landing > flights->given_up));
}

static bool is_due(const tj__flights *flights)
{
    return lacks(flights, flights->last_lands_at, flights->last_sync_lands_at);
}

/* Locked on entry and exit; the wait itself is outside. */
static void flush_locked(tj__flights *flights)
{
    uint64_t target = flights->last_lands_at;
    bool sync = flights->last_sync_lands_at > flights->durable;
    flights->flushing = true;
    pthread_mutex_unlock(&flights->lock);
    tj_error error = TJ_ERROR_INIT;
    tj_status status = flights->engine->ops->wait(flights->engine, target, sync, &error);
    pthread_mutex_lock(&flights->lock);
    flights->flushing = false;
    if (status == TJ_OK) {
        rise_to(flights, target, sync ? target : 0);
    } else if (status == TJ_UNKNOWN) {
        flights->given_up = target;
        flights->doubt = error;
        look_locked(flights);
    } else {
        flights->failed = true;
    }
    show_event(flights);
    pthread_cond_broadcast(&flights->done);
    pthread_cond_signal(&flights->wake);
}

tj_status tj__flights_flush(tj__flights *flights, bool again, tj_error *error)
{
    pthread_mutex_lock(&flights->lock);
    uint64_t goal = flights->last_lands_at;
    uint64_t sync_goal = flights->last_sync_lands_at;
    flights->given_up = again ? 0 : flights->given_up;
    while (lacks(flights, goal, sync_goal)) {
        if (flights->flushing) {
            pthread_cond_wait(&flights->done, &flights->lock);
        } else {
            flush_locked(flights);
        }
    }
    bool sync_missing = flights->durable < sync_goal;
    bool missing = flights->landed < goal || sync_missing;
    bool failed = flights->failed;
    tj_error doubt = flights->doubt;
    pthread_mutex_unlock(&flights->lock);
    if (missing && !failed) {
        return tj__error_pass(error, &doubt);
    }
    return missing ? flights->engine->ops->wait(flights->engine, goal, sync_missing, error) : TJ_OK;
}

static void *thread_main(void *context)
{
    tj__flights *flights = context;
    pthread_mutex_lock(&flights->lock);
    while (!flights->stop) {
        if (!flights->flushing && is_due(flights)) {
            flush_locked(flights);
        } else {
            pthread_cond_wait(&flights->wake, &flights->lock);
        }
    }
    pthread_mutex_unlock(&flights->lock);
    return NULL;
}

void tj__flights_dispose(tj__flights *flights)
{
    (void)tj__flights_flush(flights, false, NULL);
    pthread_mutex_lock(&flights->lock);
    flights->stop = true;
    pthread_cond_signal(&flights->wake);
    pthread_mutex_unlock(&flights->lock);
    if (flights->running) {
        pthread_join(flights->thread, NULL);
    }
    if (flights->event_fd >= 0) {
        close(flights->event_fd);
    }
    free(flights->ring);
    pthread_cond_destroy(&flights->wake);
    pthread_cond_destroy(&flights->done);
    pthread_mutex_destroy(&flights->lock);
}

/* ---- submitting --------------------------------------------------------------------------- */

static tj_status grow_locked(tj__flights *flights, tj_error *error)
{
    size_t capacity = flights->capacity == 0 ? RING_MIN : 2 * flights->capacity;
    tj__flight *ring = malloc(capacity * sizeof *ring);
    if (!ring) {
        return tj__fail(error, TJ_NOMEM, "no memory for a submitted commit");
    }
    for (size_t i = 0; i < flights->count; i++) {
        ring[i] = *flight_at(flights, i);
    }
    free(flights->ring);
    flights->ring = ring;
    flights->capacity = capacity;
    flights->first = 0;
    return TJ_OK;
}

static tj_status start_thread_locked(tj__flights *flights, tj_error *error)
{
    if (flights->running || !flights->threads) {
        return TJ_OK;
    }
    TJ_TRY(tj__thread_start(&flights->thread, thread_main, flights,
                            "the thread for submitted commits", error));
    flights->running = true;
    return TJ_OK;
}

tj_status tj__flights_reserve(tj__flights *flights, tj_error *error)
{
    tj_status status = TJ_OK;
    pthread_mutex_lock(&flights->lock);
    if (flights->count == TJ_SUBMITTED_MAX) {
        status = tj__fail(error, TJ_BUSY,
                          "%d submitted commits wait for their completion to be taken: call "
                          "tj_store_complete first",
                          TJ_SUBMITTED_MAX);
    }
    if (status == TJ_OK && flights->count == flights->capacity) {
        status = grow_locked(flights, error);
    }
    if (status == TJ_OK) {
        status = start_thread_locked(flights, error);
    }
    pthread_mutex_unlock(&flights->lock);
    return status;
}

void tj__flights_add(tj__flights *flights, const tj__flight *flight)
{
    pthread_mutex_lock(&flights->lock);
    TJ_ASSERT(flights->count < flights->capacity);
    tj__flight *added = flight_at(flights, flights->count++);
    *added = *flight;
    tj__metrics_add(&flights->engine->metrics.submitted, 1);
    if (added->sequence > flights->last_lands_at) {
        flights->last_lands_at = added->sequence;
    }
    added->lands_at = flights->last_lands_at;
    if (added->sync) {
        flights->last_sync_lands_at = added->lands_at;
    }
    show_event(flights);
    if (any_done(flights)) {
        pthread_cond_broadcast(&flights->done);
    }
    if (!flights->flushing && is_due(flights)) {
        pthread_cond_signal(&flights->wake);
    }
    pthread_mutex_unlock(&flights->lock);
}

/* ---- completions -------------------------------------------------------------------------- */

size_t tj__flights_count(tj__flights *flights)
{
    pthread_mutex_lock(&flights->lock);
    size_t count = flights->count;
    pthread_mutex_unlock(&flights->lock);
    return count;
}

int tj__flights_fd(tj__flights *flights)
{
    pthread_mutex_lock(&flights->lock);
    if (flights->event_fd < 0) {
        flights->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        show_event(flights);
    }
    int fd = flights->event_fd;
    pthread_mutex_unlock(&flights->lock);
    return fd;
}

static void await_first_locked(tj__flights *flights, uint32_t wait_ms)
{
    struct timespec until = tj__deadline_after(wait_ms);
    int waited = 0;
    while (!any_done(flights) && waited != ETIMEDOUT) {
        if (!flights->threads && !flights->flushing && is_due(flights)) {
            flush_locked(flights);
        } else {
            waited = pthread_cond_timedwait(&flights->done, &flights->lock, &until);
        }
    }
}

/* Moves at most `limit` flights that are done into run. */
static size_t take_run_locked(tj__flights *flights, tj__flight run[TAKE_RUN], size_t limit)
{
    size_t taken = 0;
    while (taken < TAKE_RUN && taken < limit && any_done(flights)) {
        tj__flight *first = flight_at(flights, 0);
        if (!flights->failed && !has_landed(flights, first)) {
            look_locked(flights);
        }
        first->landed = has_landed(flights, first);
        run[taken++] = *first;
        flights->first = (flights->first + 1) % flights->capacity;
        flights->count--;
        tj__metrics_add(&flights->engine->metrics.completed, 1);
    }
    show_event(flights);
    return taken;
}

/* The engine knows of each commit that failed whether it was not applied or is unknown. */
static tj_status explain(tj__flights *flights, const tj__flight *flight, tj_error *error)
{
    pthread_mutex_lock(&flights->lock);
    bool failed = flights->failed;
    *error = flights->doubt;
    pthread_mutex_unlock(&flights->lock);
    return failed
               ? flights->engine->ops->wait(flights->engine, flight->sequence, flight->sync, error)
               : TJ_UNKNOWN;
}

static void report(tj__flights *flights, const tj__flight *flight)
{
    tj_error error = TJ_ERROR_INIT;
    tj_status status = flight->landed ? TJ_OK : explain(flights, flight, &error);
    tj__metrics_commit(&flights->engine->metrics, flight->submitted_ns, status);
    if (flight->done) {
        flight->done(flight->context, status, flight->sequence, status == TJ_OK ? NULL : &error);
    }
}

/* Those that callbacks submit are left to the next call, so that this one comes to an end. */
size_t tj__flights_take(tj__flights *flights, uint32_t wait_ms)
{
    tj__flight run[TAKE_RUN];
    size_t taken = 0;
    pthread_mutex_lock(&flights->lock);
    if (wait_ms > 0) {
        await_first_locked(flights, wait_ms);
    }
    size_t limit = flights->count;
    for (size_t more = TAKE_RUN; more == TAKE_RUN; taken += more) {
        more = take_run_locked(flights, run, limit - taken);
        pthread_mutex_unlock(&flights->lock);
        for (size_t i = 0; i < more; i++) {
            report(flights, &run[i]);
        }
        pthread_mutex_lock(&flights->lock);
    }
    pthread_mutex_unlock(&flights->lock);
    return taken;
}
