/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The queue of errands, the thread that runs them, and the wait for one. */
#include "store/deadline.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/thread.h"

struct tj__errand {
    tj__errand_run *run;
    tj__errand_dispose *dispose;
    void *argument;
    bool begun;
    bool finished;
    bool abandoned; /* the caller has gone: the thread releases it */
    uint64_t sequence;
    tj_error outcome;
    tj__errand *next;
};

void tj__errands_init(tj__errands *errands, bool threads)
{
    *errands = (tj__errands){.threads = threads};
    tj__mutex_init(&errands->lock);
    tj__condition_init(&errands->wake);
    tj__condition_init(&errands->done);
}

void tj__errands_dispose(tj__errands *errands)
{
    pthread_mutex_lock(&errands->lock);
    errands->stop = true;
    pthread_cond_signal(&errands->wake);
    pthread_mutex_unlock(&errands->lock);
    if (errands->running) {
        pthread_join(errands->thread, NULL);
    }
    pthread_cond_destroy(&errands->wake);
    pthread_cond_destroy(&errands->done);
    pthread_mutex_destroy(&errands->lock);
}

static void free_errand(tj__errand *errand)
{
    errand->dispose(errand->argument);
    free(errand);
}

/* ---- the thread --------------------------------------------------------------------------- */

static void run_first_locked(tj__errands *errands)
{
    tj__errand *errand = errands->first;
    errands->first = errand->next;
    errand->begun = true;
    pthread_mutex_unlock(&errands->lock);
    tj_status status = errand->run(errand->argument, &errand->sequence, &errand->outcome);
    pthread_mutex_lock(&errands->lock);
    errand->outcome.status = status;
    errand->finished = true;
    if (errand->abandoned) {
        free_errand(errand);
    }
    pthread_cond_broadcast(&errands->done);
}

static void *thread_main(void *context)
{
    tj__errands *errands = context;
    pthread_mutex_lock(&errands->lock);
    while (!errands->stop) {
        if (errands->first) {
            run_first_locked(errands);
        } else {
            pthread_cond_wait(&errands->wake, &errands->lock);
        }
    }
    pthread_mutex_unlock(&errands->lock);
    return NULL;
}

/* ---- the callers -------------------------------------------------------------------------- */

static tj_status start_thread_locked(tj__errands *errands, tj_error *error)
{
    if (errands->running) {
        return TJ_OK;
    }
    TJ_TRY(tj__thread_start(&errands->thread, thread_main, errands,
                            "the thread for commits with a deadline", error));
    errands->running = true;
    return TJ_OK;
}

static tj__errand **link_to(tj__errands *errands, const tj__errand *errand)
{
    tj__errand **at = &errands->first;
    while (*at != errand) {
        at = &(*at)->next;
    }
    return at;
}

/* Waits until it is finished or the deadline passes. *mine: the caller releases it. */
static tj_status await_locked(tj__errands *errands, tj__errand *errand, uint32_t deadline_ms,
                              bool *mine, tj_error *error)
{
    struct timespec until = tj__deadline_after(deadline_ms);
    int waited = 0;
    while (!errand->finished && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&errands->done, &errands->lock, &until);
    }
    *mine = errand->finished || !errand->begun;
    if (errand->finished) {
        return tj__error_pass(error, &errand->outcome);
    }
    if (!errand->begun) {
        *link_to(errands, errand) = errand->next;
        return tj__fail(error, TJ_UNAVAILABLE,
                        "not applied: it could not begin within %u ms, the disk is busy with "
                        "commits before it",
                        deadline_ms);
    }
    errand->abandoned = true;
    return tj__fail(error, TJ_UNKNOWN,
                    "the disk did not answer within %u ms: outcome unknown, the commit may be "
                    "durable now or later; commit again with the same commit id, or look it up "
                    "with tj_store_commit_find",
                    deadline_ms);
}

tj_status tj__errands_do(tj__errands *errands, uint32_t deadline_ms, tj__errand_run *run,
                         tj__errand_dispose *dispose, void *argument, uint64_t *sequence,
                         tj_error *error)
{
    if (!errands->threads) {
        dispose(argument);
        return tj__fail(
            error, TJ_MISUSE,
            "a commit with a deadline needs a thread of the store, and no_threads is set");
    }
    tj__errand *errand = calloc(1, sizeof *errand);
    if (!errand) {
        dispose(argument);
        return tj__fail(error, TJ_NOMEM, "no memory for a commit with a deadline");
    }
    *errand = (tj__errand){.run = run, .dispose = dispose, .argument = argument};
    bool mine = true;
    pthread_mutex_lock(&errands->lock);
    tj_status status = start_thread_locked(errands, error);
    if (status == TJ_OK) {
        *link_to(errands, NULL) = errand;
        pthread_cond_signal(&errands->wake);
        status = await_locked(errands, errand, deadline_ms, &mine, error);
    }
    pthread_mutex_unlock(&errands->lock);
    if (mine) {
        *sequence = errand->sequence;
        free_errand(errand);
    }
    return status;
}
