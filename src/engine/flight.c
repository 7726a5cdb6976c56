/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "engine/flight.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

/* Completions are taken in runs of so many, so that callbacks run without the lock. */
#define TAKE_RUN 64
#define RING_MIN 256

struct tj__errand {
    tj__errand_run *run;
    tj__errand_dispose *dispose;
    void *argument;
    bool begun;
    bool finished;
    bool abandoned; /* the caller has gone: whoever finishes it releases it */
    tj_status status;
    uint64_t sequence;
    tj_error error;
    tj__errand *next;
};

void tj__flights_init(tj__flights *flights, tj__engine *engine, bool threads)
{
    *flights = (tj__flights){.engine = engine, .threads = threads, .event_fd = -1};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&flights->lock, NULL);
    pthread_cond_init(&flights->wake, NULL);
    pthread_cond_init(&flights->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void raise_event(const tj__flights *flights)
{
    uint64_t one = 1;
    if (flights->event_fd >= 0 && write(flights->event_fd, &one, sizeof one) < 0) {
        return; /* Only a full counter refuses, and a full one is readable. */
    }
}

/* ---- making flights durable --------------------------------------------------------------- */

static const tj__flight *flight_at(const tj__flights *flights, size_t index)
{
    return &flights->ring[(flights->first + index) % flights->capacity];
}

/* What must be waited for so that all flights land. */
static bool due(const tj__flights *flights, tj__flight *out)
{
    if (flights->count == 0 || flights->failed) {
        return false;
    }
    *out = *flight_at(flights, flights->count - 1);
    out->sync = flights->sync_due;
    return out->lands_at > flights->landed;
}

/* Locked on entry and exit; the wait itself is outside. */
static void flush_locked(tj__flights *flights, const tj__flight *target)
{
    flights->flushing = true;
    flights->sync_due = false;
    pthread_mutex_unlock(&flights->lock);
    tj_status status =
        flights->engine->ops->wait(flights->engine, target->lands_at, target->sync, NULL);
    pthread_mutex_lock(&flights->lock);
    flights->flushing = false;
    if (status == TJ_OK) {
        flights->landed = target->lands_at;
    } else {
        flights->failed = true;
    }
    raise_event(flights);
    pthread_cond_broadcast(&flights->done);
}

void tj__flights_flush(tj__flights *flights)
{
    tj__flight target;
    pthread_mutex_lock(&flights->lock);
    if (!flights->flushing && due(flights, &target)) {
        flush_locked(flights, &target);
    }
    pthread_mutex_unlock(&flights->lock);
}

/* ---- errands ------------------------------------------------------------------------------ */

static void free_errand(tj__errand *errand)
{
    errand->dispose(errand->argument);
    free(errand);
}

static void run_errand_locked(tj__flights *flights)
{
    tj__errand *errand = flights->errands;
    flights->errands = errand->next;
    errand->begun = true;
    pthread_mutex_unlock(&flights->lock);
    errand->status = errand->run(errand->argument, &errand->sequence, &errand->error);
    pthread_mutex_lock(&flights->lock);
    errand->finished = true;
    if (errand->abandoned) {
        free_errand(errand);
    }
    pthread_cond_broadcast(&flights->done);
}

static void forget_errand(tj__flights *flights, const tj__errand *errand)
{
    tj__errand **at = &flights->errands;
    while (*at != errand) {
        at = &(*at)->next;
    }
    *at = errand->next;
}

static struct timespec deadline_after(uint32_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

/* ---- the thread --------------------------------------------------------------------------- */

static void *thread_main(void *context)
{
    tj__flights *flights = context;
    tj__flight target;
    pthread_mutex_lock(&flights->lock);
    for (;;) {
        if (flights->errands != NULL) {
            run_errand_locked(flights);
        } else if (!flights->flushing && due(flights, &target)) {
            flush_locked(flights, &target);
        } else if (flights->stop) {
            break;
        } else {
            pthread_cond_wait(&flights->wake, &flights->lock);
        }
    }
    pthread_mutex_unlock(&flights->lock);
    return NULL;
}

static tj_status start_thread_locked(tj__flights *flights, tj_error *error)
{
    if (flights->running) {
        return TJ_OK;
    }
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&flights->thread, NULL, thread_main, flights);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        return tj__fail_errno(error, failed, "starting the thread for submitted commits");
    }
    flights->running = true;
    return TJ_OK;
}

void tj__flights_dispose(tj__flights *flights)
{
    tj__flights_flush(flights);
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
    if (ring == NULL) {
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
    if (status == TJ_OK && flights->threads) {
        status = start_thread_locked(flights, error);
    }
    pthread_mutex_unlock(&flights->lock);
    return status;
}

void tj__flights_add(tj__flights *flights, const tj__flight *flight)
{
    pthread_mutex_lock(&flights->lock);
    TJ_ASSERT(flights->count < flights->capacity);
    tj__flight added = *flight;
    uint64_t before = flights->count > 0 ? flight_at(flights, flights->count - 1)->lands_at : 0;
    added.lands_at = added.sequence > before ? added.sequence : before;
    flights->ring[(flights->first + flights->count) % flights->capacity] = added;
    flights->count++;
    flights->sync_due = flights->sync_due || added.sync;
    if (flights->failed || added.lands_at <= flights->landed) {
        raise_event(flights);
    } else if (!flights->flushing) {
        pthread_cond_signal(&flights->wake);
    }
    pthread_mutex_unlock(&flights->lock);
}

tj_status tj__flights_errand(tj__flights *flights, uint32_t deadline_ms, tj__errand_run *run,
                             tj__errand_dispose *dispose, void *argument, uint64_t *sequence,
                             tj_error *error)
{
    tj__errand *errand = flights->threads ? calloc(1, sizeof *errand) : NULL;
    if (!flights->threads) {
        dispose(argument);
        return tj__fail(
            error, TJ_MISUSE,
            "a commit with a deadline needs a thread of the store, and no_threads is set");
    }
    if (errand == NULL) {
        dispose(argument);
        return tj__fail(error, TJ_NOMEM, "no memory for a commit with a deadline");
    }
    *errand = (tj__errand){.run = run, .dispose = dispose, .argument = argument};
    struct timespec until = deadline_after(deadline_ms);
    pthread_mutex_lock(&flights->lock);
    tj_status status = start_thread_locked(flights, error);
    if (status != TJ_OK) {
        pthread_mutex_unlock(&flights->lock);
        free_errand(errand);
        return status;
    }
    tj__errand **last = &flights->errands;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = errand;
    pthread_cond_signal(&flights->wake);
    int waited = 0;
    while (!errand->finished && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&flights->done, &flights->lock, &until);
    }
    bool finished = errand->finished;
    if (finished) {
        status = errand->status;
        *sequence = errand->sequence;
        if (status != TJ_OK) {
            (void)tj__error_pass(error, &errand->error);
        }
    } else if (errand->begun) {
        errand->abandoned = true;
        status =
            tj__fail(error, TJ_UNKNOWN,
                     "the disk did not answer within %u ms: outcome unknown, the commit may be "
                     "durable now or later; commit again with the same commit id, or look it up "
                     "with tj_store_commit_find",
                     deadline_ms);
    } else {
        forget_errand(flights, errand);
        status = tj__fail(error, TJ_UNAVAILABLE,
                          "not applied: it could not begin within %u ms, the disk is busy with "
                          "commits before it",
                          deadline_ms);
    }
    bool mine = finished || !errand->begun;
    pthread_mutex_unlock(&flights->lock);
    if (mine) {
        free_errand(errand);
    }
    return status;
}

/* ---- completions -------------------------------------------------------------------------- */

int tj__flights_fd(tj__flights *flights)
{
    pthread_mutex_lock(&flights->lock);
    if (flights->event_fd < 0) {
        flights->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        raise_event(flights);
    }
    int fd = flights->event_fd;
    pthread_mutex_unlock(&flights->lock);
    return fd;
}

/* Moves flights that are done into run; *landed tells which of them are durable. */
static size_t take_run(tj__flights *flights, tj__flight run[TAKE_RUN], uint64_t *landed)
{
    size_t taken = 0;
    pthread_mutex_lock(&flights->lock);
    while (taken < TAKE_RUN && flights->count > 0 &&
           (flights->failed || flight_at(flights, 0)->lands_at <= flights->landed)) {
        run[taken++] = *flight_at(flights, 0);
        flights->first = (flights->first + 1) % flights->capacity;
        flights->count--;
    }
    *landed = flights->landed;
    pthread_mutex_unlock(&flights->lock);
    return taken;
}

/* The engine knows of each commit that failed whether it was not applied or is unknown. */
static void report(tj__flights *flights, const tj__flight *flight, uint64_t landed)
{
    tj_error error = TJ_ERROR_INIT;
    tj_status status = TJ_OK;
    if (flight->lands_at > landed) {
        status =
            flights->engine->ops->wait(flights->engine, flight->sequence, flight->sync, &error);
    }
    if (flight->done != NULL) {
        flight->done(flight->context, status, flight->sequence, status == TJ_OK ? NULL : &error);
    }
}

/* Before looking, so that what lands after the look raises it again. */
static void clear_event(int fd)
{
    uint64_t count;
    while (read(fd, &count, sizeof count) < 0 && errno == EINTR) {
        continue;
    }
}

static void await_event(int fd, uint32_t wait_ms)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    (void)poll(&one, 1, wait_ms > INT32_MAX ? -1 : (int)wait_ms);
    clear_event(fd);
}

tj_status tj__flights_take(tj__flights *flights, uint32_t wait_ms, size_t *count, tj_error *error)
{
    int fd = tj__flights_fd(flights);
    if (fd < 0) {
        return tj__fail_errno(error, errno, "making the descriptor for completions");
    }
    tj__flight run[TAKE_RUN];
    uint64_t landed = 0;
    size_t total = 0;
    clear_event(fd);
    size_t taken = take_run(flights, run, &landed);
    if (taken == 0 && wait_ms > 0) {
        await_event(fd, wait_ms);
        taken = take_run(flights, run, &landed);
    }
    while (taken > 0) {
        for (size_t i = 0; i < taken; i++) {
            report(flights, &run[i], landed);
        }
        total += taken;
        taken = taken == TAKE_RUN ? take_run(flights, run, &landed) : 0;
    }
    if (count != NULL) {
        *count = total;
    }
    return TJ_OK;
}
