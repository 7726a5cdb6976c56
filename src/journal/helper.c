/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The helper thread: brings LMDB up to the log, prepares the next segment, clears the slots of dead
 * readers, and looks after space.
 *
 * It sleeps while there is nothing to do. The first acknowledged commit after that wakes it; it
 * then waits lag_ms, so that one LMDB commit serves many saves, or until lag_bytes have gathered.
 * Both bounds hold whatever traffic follows. All signals are blocked in it. With no_threads there
 * is none, and tj__journal_work does the same on the caller's thread.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/error.h"
#include "base/thread.h"
#include "journal/internal.h"

/* The trace callback may save from this thread, which then cannot wait for it. */
static _Thread_local bool on_helper;

static bool is_behind(tj__journal *journal)
{
    return atomic_load(&journal->acknowledged) != atomic_load(&journal->applied);
}

/* ---- the work --------------------------------------------------------------------------- */

static uint64_t begin_apply(tj__journal *journal)
{
    pthread_mutex_lock(&journal->helper_mutex);
    uint64_t number = ++journal->applies_begun;
    pthread_mutex_unlock(&journal->helper_mutex);
    return number;
}

/* Keeps the outcome for savers that must wait, and says once when it changes. */
static void note_outcome(tj__journal *journal, uint64_t number, tj_status status,
                         const tj_error *error)
{
    pthread_mutex_lock(&journal->helper_mutex);
    tj_status before = journal->apply_error.status;
    if (number > journal->applies_ended) {
        journal->applies_ended = number;
    }
    journal->apply_error = *error;
    journal->apply_error.status = status;
    pthread_cond_broadcast(&journal->helper_done);
    pthread_mutex_unlock(&journal->helper_mutex);
    if (status != TJ_OK && status != before) {
        tj__trace(&journal->config, TJ_TRACE_ERROR,
                  "LMDB could not be brought up to date, the log keeps everything: %s",
                  error->message);
    }
}

static tj_status catch_up(tj__journal *journal, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    uint64_t number = begin_apply(journal);
    note_outcome(journal, number, tj__journal_apply(journal, &failure), &failure);
    return tj__error_pass(error, &failure);
}

/* Says once when it begins to fail: there is time until the segment is full. */
static tj_status prepare_segment(tj__journal *journal, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    tj_status status = tj__log_writer_prepare(journal->log, &failure);
    bool failing = status != TJ_OK && status != TJ_CLOSED;
    if (!atomic_exchange(&journal->prepare_failing, failing) && failing) {
        tj__trace(&journal->config, TJ_TRACE_WARNING,
                  "the next log segment cannot be prepared yet: %s", failure.message);
    }
    return tj__error_pass(error, &failure);
}

/* Says once what is damaged: its loads fail from now on, as do commits that would change it. */
static void verify_once(tj__journal *journal)
{
    tj_error failure = TJ_ERROR_INIT;
    if (!atomic_exchange(&journal->verified, true) &&
        tj__env_verify_rest(journal->env, &failure) != TJ_OK) {
        tj__trace(&journal->config, TJ_TRACE_ERROR, "a part of %s is damaged: %s", journal->path,
                  failure.message);
    }
}

tj_status tj__journal_work(tj__journal *journal, tj_error *error)
{
    verify_once(journal);
    tj__journal_space_tend(journal);
    tj_status prepared = prepare_segment(journal, error);
    tj__env_reap_readers(journal->env);
    tj_status applied = catch_up(journal, error);
    tj__journal_builder_notice(journal);
    return applied == TJ_OK ? prepared : applied;
}

/* ---- the thread ------------------------------------------------------------------------- */

static void sleep_for_work(tj__journal *journal)
{
    while (!journal->helper_stop && !journal->helper_kicked && !is_behind(journal) &&
           !tj__log_writer_wants_prepare(journal->log)) {
        atomic_store(&journal->helper_idle, true);
        /* Looked at again after saying so: an acknowledgement in between has seen the old word. */
        if (!is_behind(journal)) {
            pthread_cond_wait(&journal->helper_wake, &journal->helper_mutex);
        }
        atomic_store(&journal->helper_idle, false);
    }
}

static void let_work_gather(tj__journal *journal)
{
    struct timespec until = tj__deadline_after(journal->config.lmdb.lag_ms);
    int waited = 0;
    while (!journal->helper_stop && !journal->helper_kicked && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&journal->helper_wake, &journal->helper_mutex, &until);
    }
}

/* What its work had to say. The callback may save, and wait for a commit that waits for this
 * thread: such a commit does the work itself meanwhile. */
static void speak(tj__journal *journal)
{
    pthread_mutex_lock(&journal->helper_mutex);
    journal->helper_speaking = true;
    pthread_cond_broadcast(&journal->helper_done);
    pthread_mutex_unlock(&journal->helper_mutex);
    tj__trace_let_go();
    pthread_mutex_lock(&journal->helper_mutex);
    journal->helper_speaking = false;
    pthread_mutex_unlock(&journal->helper_mutex);
}

static void *helper_main(void *context)
{
    tj__journal *journal = context;
    on_helper = true;
    verify_once(journal);
    pthread_mutex_lock(&journal->helper_mutex);
    for (;;) {
        sleep_for_work(journal);
        let_work_gather(journal);
        if (journal->helper_stop) {
            break;
        }
        journal->helper_kicked = false;
        atomic_store(&journal->helper_nudged, false);
        pthread_mutex_unlock(&journal->helper_mutex);
        tj__trace_hold();
        (void)tj__journal_work(journal, NULL);
        speak(journal);
        pthread_mutex_lock(&journal->helper_mutex);
    }
    pthread_mutex_unlock(&journal->helper_mutex);
    return NULL;
}

tj_status tj__journal_helper_start(tj__journal *journal, tj_error *error)
{
    if (journal->config.no_threads) {
        return TJ_OK;
    }
    TJ_TRY(tj__thread_start(&journal->helper, helper_main, journal, "the helper thread", error));
    journal->helper_running = true;
    return TJ_OK;
}

void tj__journal_helper_stop(tj__journal *journal)
{
    if (!journal->helper_running) {
        return;
    }
    pthread_mutex_lock(&journal->helper_mutex);
    journal->helper_stop = true;
    pthread_cond_broadcast(&journal->helper_wake);
    pthread_mutex_unlock(&journal->helper_mutex);
    tj__log_writer_cancel_prepare(journal->log);
    pthread_join(journal->helper, NULL);
    journal->helper_running = false;
}

/* ---- from the savers -------------------------------------------------------------------- */

static void kick(tj__journal *journal)
{
    journal->helper_kicked = true;
    pthread_cond_signal(&journal->helper_wake);
}

void tj__journal_helper_nudge(tj__journal *journal)
{
    if (tj__journal_lag(journal) > journal->config.lmdb.lag_bytes &&
        !atomic_exchange(&journal->helper_nudged, true)) {
        pthread_mutex_lock(&journal->helper_mutex);
        kick(journal);
        pthread_mutex_unlock(&journal->helper_mutex);
    }
}

void tj__journal_helper_notice(tj__journal *journal)
{
    if (atomic_load(&journal->helper_idle)) {
        pthread_mutex_lock(&journal->helper_mutex);
        pthread_cond_signal(&journal->helper_wake);
        pthread_mutex_unlock(&journal->helper_mutex);
    }
}

/* Waits for the helper, until it has caught up or failed in an apply that began after this call:
 * one that was under way may not have been allowed what this one is (space.c). */
static tj_status wait_for_helper(tj__journal *journal, uint64_t bound, tj_error *error)
{
    tj_status status = TJ_OK;
    pthread_mutex_lock(&journal->helper_mutex);
    uint64_t begun = journal->applies_begun;
    kick(journal);
    while (tj__journal_lag(journal) > bound && is_behind(journal) && !journal->helper_speaking &&
           (journal->applies_ended <= begun || journal->apply_error.status == TJ_OK)) {
        pthread_cond_wait(&journal->helper_done, &journal->helper_mutex);
    }
    bool speaking = journal->helper_speaking;
    if (tj__journal_lag(journal) > bound && !speaking) {
        status = tj__error_pass(error, &journal->apply_error);
    }
    pthread_mutex_unlock(&journal->helper_mutex);
    return speaking && tj__journal_lag(journal) > bound ? catch_up(journal, error) : status;
}

tj_status tj__journal_wait_for_apply(tj__journal *journal, uint64_t bound, tj_error *error)
{
    if (tj__journal_lag(journal) <= bound) {
        return TJ_OK;
    }
    bool wait = !on_helper && journal->helper_running;
    tj_status status = wait ? wait_for_helper(journal, bound, error) : catch_up(journal, error);
    if (status != TJ_OK) {
        tj__error_context(error,
                          "the log is %" PRIu64 " bytes ahead of LMDB, which must catch up first",
                          tj__journal_lag(journal));
    }
    return status;
}
