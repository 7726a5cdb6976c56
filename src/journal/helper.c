/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the helper thread does (base/helper.h): brings LMDB up to the log, prepares the next
 * segment, clears the slots of dead readers, and looks after space. With no_threads there is none,
 * and tj__journal_work does the same on the caller's thread.
 */
#include <inttypes.h>

#include "base/error.h"
#include "journal/internal.h"

static bool is_behind(tj__journal *journal)
{
    return atomic_load(&journal->acknowledged) != atomic_load(&journal->applied);
}

/* ---- the work --------------------------------------------------------------------------- */

static uint64_t begin_apply(tj__journal *journal)
{
    pthread_mutex_lock(&journal->helper.mutex);
    uint64_t number = ++journal->applies_begun;
    pthread_mutex_unlock(&journal->helper.mutex);
    return number;
}

/* Keeps the outcome for savers that must wait, and says once when it changes. */
static void note_outcome(tj__journal *journal, uint64_t number, tj_status status,
                         const tj_error *error)
{
    pthread_mutex_lock(&journal->helper.mutex);
    tj_status before = journal->apply_error.status;
    if (number > journal->applies_ended) {
        journal->applies_ended = number;
    }
    journal->apply_error = *error;
    journal->apply_error.status = status;
    pthread_cond_broadcast(&journal->helper.done);
    pthread_mutex_unlock(&journal->helper.mutex);
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
    tj__journal_metrics_tell(journal);
    tj__journal_builder_notice(journal);
    return applied == TJ_OK ? prepared : applied;
}

/* ---- the thread ------------------------------------------------------------------------- */

static bool wanted(void *context)
{
    tj__journal *journal = context;
    return is_behind(journal) || tj__log_writer_wants_prepare(journal->log);
}

static void begin(void *context)
{
    verify_once(context);
}

static void work(void *context)
{
    (void)tj__journal_work(context, NULL);
}

const tj__helper_ops tj__journal_helper_ops = {.wanted = wanted, .begin = begin, .work = work};

void tj__journal_helper_stop(tj__journal *journal)
{
    if (journal->helper.running) {
        tj__log_writer_cancel_prepare(journal->log);
        tj__helper_stop(&journal->helper);
    }
}

/* ---- from the savers -------------------------------------------------------------------- */

void tj__journal_helper_nudge(tj__journal *journal)
{
    if (tj__journal_lag(journal) > journal->config.lmdb.lag_bytes) {
        tj__helper_nudge(&journal->helper);
    }
}

/* Waits for the helper, until it has caught up or failed in an apply that began after this call:
 * one that was under way may not have been allowed what this one is (space.c). */
static tj_status wait_for_helper(tj__journal *journal, uint64_t bound, tj_error *error)
{
    tj_status status = TJ_OK;
    pthread_mutex_lock(&journal->helper.mutex);
    uint64_t begun = journal->applies_begun;
    tj__helper_kick(&journal->helper);
    while (tj__journal_lag(journal) > bound && is_behind(journal) && !journal->helper.speaking &&
           (journal->applies_ended <= begun || journal->apply_error.status == TJ_OK)) {
        pthread_cond_wait(&journal->helper.done, &journal->helper.mutex);
    }
    bool speaking = journal->helper.speaking;
    if (tj__journal_lag(journal) > bound && !speaking) {
        status = tj__error_pass(error, &journal->apply_error);
    }
    pthread_mutex_unlock(&journal->helper.mutex);
    return speaking && tj__journal_lag(journal) > bound ? catch_up(journal, error) : status;
}

tj_status tj__journal_wait_for_apply(tj__journal *journal, uint64_t bound, tj_error *error)
{
    if (tj__journal_lag(journal) <= bound) {
        return TJ_OK;
    }
    bool wait = !tj__helper_is_self() && journal->helper.running;
    tj_status status = wait ? wait_for_helper(journal, bound, error) : catch_up(journal, error);
    if (status != TJ_OK) {
        tj__error_context(error,
                          "the log is %" PRIu64 " bytes ahead of LMDB, which must catch up first",
                          tj__journal_lag(journal));
    }
    return status;
}
