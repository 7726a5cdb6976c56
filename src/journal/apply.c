/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bringing LMDB up to the log, and the helper thread that does it.
 *
 * Applying is replaying: the records after LMDB's position are read back from the log, up to the
 * acknowledged mark, gathered in a map (last write per key wins) and put into LMDB together with
 * the position they lead to, in one transaction. The same code runs in recovery, beside the savers,
 * and at close. The log is flushed through the batch first, in os mode too (P3).
 *
 * The helper sleeps while there is nothing to do. The first acknowledged commit after that wakes
 * it; it then waits lag_ms, so that one LMDB commit serves many saves, or until lag_bytes have
 * gathered. It also prepares the next log segment.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "codec/codec.h"
#include "journal/internal.h"

/* ---- one apply -------------------------------------------------------------------------- */

tj_status tj__journal_apply_start(tj__journal *journal, const tj__position *applied,
                                  tj_error *error)
{
    journal->apply_batch = tj__rowmap_new();
    if (journal->apply_batch == NULL) {
        return tj__fail(error, TJ_NOMEM, "no memory for the batch that is applied");
    }
    atomic_store(&journal->applied, applied->sequence);
    return tj__log_reader_open(journal->log_path, &journal->superblock.journal_id, applied,
                               &journal->apply_reader, error);
}

/* What LMDB may include: acknowledged and flushed. */
static tj_status durable_sequence(tj__journal *journal, uint64_t *target, tj_error *error)
{
    *target = atomic_load_explicit(&journal->acknowledged, memory_order_acquire);
    if (journal->log == NULL || journal->config.durability == TJ_DURABILITY_SYNC) {
        return TJ_OK;
    }
    return tj__log_writer_sync(journal->log, NULL, error);
}

/* Reads records into the batch until it is full or the target is reached. *bytes receives their
 * size in the log. */
static tj_status gather(tj__journal *journal, uint64_t target, uint64_t *bytes, tj_error *error)
{
    *bytes = 0;
    tj__rowmap_clear(journal->apply_batch);
    while (tj__log_reader_position(journal->apply_reader)->sequence < target &&
           tj__rowmap_bytes(journal->apply_batch) < TJ__APPLY_BYTES_MAX) {
        tj__log_next next;
        tj__record record;
        TJ_TRY(tj__log_reader_next(journal->apply_reader, &next, &record, error));
        if (next == TJ__LOG_END) {
            return tj__journal_report_damage(journal->apply_reader, target, "its acknowledgement",
                                             error);
        }
        TJ_TRY(tj__body_apply(journal->apply_batch, record.body, record.change_count,
                              record.sequence, &record.commit_id, error));
        *bytes += tj__record_size((uint32_t)record.body.size);
    }
    return TJ_OK;
}

/* A log that does not read back as it was written must not be written on. */
static tj_status give_up(tj__journal *journal, tj_status status, tj_error *error)
{
    journal->apply_unusable = true;
    if (journal->log != NULL) {
        tj__log_writer_poison(journal->log,
                              error != NULL ? error->message : "the log does not read back");
    }
    return status;
}

static void forget_reader(tj__journal *journal, const tj__position *applied)
{
    tj__log_reader_close(journal->apply_reader);
    journal->apply_reader = NULL;
    if (tj__log_reader_open(journal->log_path, &journal->superblock.journal_id, applied,
                            &journal->apply_reader, NULL) != TJ_OK) {
        journal->apply_unusable = true;
    }
}

static tj_status apply_batches(tj__journal *journal, uint64_t target, tj_error *error)
{
    while (atomic_load(&journal->applied) < target) {
        tj__position before = *tj__log_reader_position(journal->apply_reader);
        uint64_t bytes = 0;
        tj_status status = gather(journal, target, &bytes, error);
        if (status != TJ_OK && status != TJ_NOMEM) {
            return give_up(journal, status, error);
        }
        if (status == TJ_OK) {
            status = tj__env_apply(journal->env, journal->apply_batch,
                                   tj__log_reader_position(journal->apply_reader), error);
        }
        if (status != TJ_OK) {
            forget_reader(journal, &before);
            return status;
        }
        atomic_store(&journal->applied, tj__log_reader_position(journal->apply_reader)->sequence);
        atomic_fetch_add(&journal->applied_bytes, bytes);
    }
    tj__rowmap_clear(journal->apply_batch);
    return TJ_OK;
}

tj_status tj__journal_apply(tj__journal *journal, tj_error *error)
{
    uint64_t target = 0;
    TJ_TRY(durable_sequence(journal, &target, error));
    pthread_mutex_lock(&journal->apply_mutex);
    tj_status status = TJ_OK;
    if (journal->apply_unusable) {
        status = tj__fail(error, TJ_CLOSED,
                          "LMDB is not brought up to date any more after an earlier failure: open "
                          "the journal again");
    } else {
        status = apply_batches(journal, target, error);
    }
    pthread_mutex_unlock(&journal->apply_mutex);
    return status;
}

/* ---- the helper thread ------------------------------------------------------------------ */

static uint64_t lag_bytes(const tj__journal *journal)
{
    return atomic_load(&journal->appended_bytes) - atomic_load(&journal->applied_bytes);
}

static bool is_behind(tj__journal *journal)
{
    return atomic_load(&journal->acknowledged) != atomic_load(&journal->applied);
}

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
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += journal->config.lag_ms / 1000;
    until.tv_nsec += (long)(journal->config.lag_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    int waited = 0;
    while (!journal->helper_stop && !journal->helper_kicked && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&journal->helper_wake, &journal->helper_mutex, &until);
    }
}

static void work(tj__journal *journal)
{
    tj_error error = TJ_ERROR_INIT;
    tj_status status = tj__log_writer_prepare(journal->log, &error);
    if (status != TJ_OK && status != TJ_CLOSED) {
        tj__journal_trace(journal, TJ_TRACE_WARNING,
                          "the next log segment cannot be prepared yet: %s", error.message);
    }
    tj__env_reap_readers(journal->env);
    status = tj__journal_apply(journal, &error);
    pthread_mutex_lock(&journal->helper_mutex);
    tj_status before = journal->apply_error.status;
    journal->apply_error = error;
    journal->apply_error.status = status;
    pthread_cond_broadcast(&journal->helper_done);
    pthread_mutex_unlock(&journal->helper_mutex);
    if (status != TJ_OK && status != before) {
        tj__journal_trace(journal, TJ_TRACE_ERROR,
                          "LMDB could not be brought up to date, the log keeps everything: %s",
                          error.message);
    }
}

static void *helper_main(void *context)
{
    tj__journal *journal = context;
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
        work(journal);
        pthread_mutex_lock(&journal->helper_mutex);
    }
    pthread_mutex_unlock(&journal->helper_mutex);
    return NULL;
}

tj_status tj__journal_helper_start(tj__journal *journal, tj_error *error)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&journal->helper, NULL, helper_main, journal);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        return tj__fail_errno(error, failed, "starting the helper thread");
    }
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
    pthread_join(journal->helper, NULL);
    journal->helper_running = false;
}

void tj__journal_helper_nudge(tj__journal *journal)
{
    if (lag_bytes(journal) > journal->config.lag_bytes &&
        !atomic_exchange(&journal->helper_nudged, true)) {
        pthread_mutex_lock(&journal->helper_mutex);
        journal->helper_kicked = true;
        pthread_cond_signal(&journal->helper_wake);
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

tj_status tj__journal_wait_for_room(tj__journal *journal, tj_error *error)
{
    uint64_t hard = journal->config.lag_bytes * TJ__LAG_HARD_FACTOR;
    if (lag_bytes(journal) <= hard) {
        return TJ_OK;
    }
    tj_status status = TJ_OK;
    pthread_mutex_lock(&journal->helper_mutex);
    journal->helper_kicked = true;
    pthread_cond_signal(&journal->helper_wake);
    while (lag_bytes(journal) > hard && is_behind(journal) &&
           journal->apply_error.status == TJ_OK) {
        pthread_cond_wait(&journal->helper_done, &journal->helper_mutex);
    }
    if (lag_bytes(journal) > hard && journal->apply_error.status != TJ_OK) {
        status = journal->apply_error.status;
        if (error != NULL) {
            *error = journal->apply_error;
        }
        tj__error_context(error, "the log is %llu bytes ahead of LMDB, which must catch up first",
                          (unsigned long long)lag_bytes(journal));
    }
    pthread_mutex_unlock(&journal->helper_mutex);
    return status;
}
