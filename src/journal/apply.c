/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bringing LMDB up to the log.
 *
 * Applying is replaying: the records after LMDB's position are read back from the log, up to the
 * acknowledged mark, gathered in a map (last write per key wins) and put into LMDB together with
 * the position they lead to, in one transaction. The same code runs in recovery, beside the savers,
 * and at close. The log is flushed through the batch first, in os mode too (P3).
 */
#include "base/error.h"
#include "base/thread.h"
#include "journal/internal.h"
#include "rows/body.h"

/* ---- one apply -------------------------------------------------------------------------- */

tj_status tj__journal_apply_start(tj__journal *journal, const tj__position *applied,
                                  tj_error *error)
{
    journal->apply_batch = tj__rowmap_new();
    if (!journal->apply_batch) {
        return tj__fail(error, TJ_NOMEM, "no memory for the batch that is applied");
    }
    journal->apply_from = *applied;
    atomic_store(&journal->applied, applied->sequence);
    atomic_store(&journal->applied_ordinal, applied->ordinal);
    return TJ_OK;
}

/* What LMDB may include: acknowledged and flushed. */
static tj_status durable_sequence(tj__journal *journal, uint64_t *target, tj_error *error)
{
    *target = atomic_load_explicit(&journal->acknowledged, memory_order_acquire);
    if (!journal->log || journal->config.durability == TJ_DURABILITY_SYNC) {
        return TJ_OK;
    }
    return tj__log_writer_sync(journal->log, NULL, error);
}

/* Reads records into the batch until it has `size` bytes or the target is reached. *bytes receives
 * their size in the log. */
static tj_status gather(tj__journal *journal, uint64_t target, size_t size, uint64_t *bytes,
                        tj_error *error)
{
    *bytes = 0;
    tj__rowmap_clear(journal->apply_batch);
    while (tj__log_reader_position(journal->apply_reader)->sequence < target &&
           tj__rowmap_bytes(journal->apply_batch) < size) {
        tj__log_next next;
        tj__record record;
        TJ_TRY(tj__logbook_next(journal->apply_reader, &next, &record, error));
        if (next == TJ__LOG_END) {
            return tj__logbook_fell_short(journal->apply_reader, target, "its acknowledgement",
                                          error);
        }
        TJ_TRY(tj__body_apply(journal->apply_batch, TJ__TABLES_ALL, record.body,
                              record.change_count, record.sequence, &record.commit_id, error));
        *bytes += tj__record_size_noted(record.body.size, record.note.size);
    }
    return TJ_OK;
}

/* A log that does not read back as it was written must not be written on; nor is a disk that failed
 * LMDB to be trusted with the log (P7). */
static tj_status give_up(tj__journal *journal, tj_status status, tj_error *error)
{
    journal->apply_unusable = true;
    if (journal->log) {
        tj__log_writer_poison(journal->log, error ? error->message : "the log does not read back");
    }
    return status;
}

/* One batch; *bytes receives its size in the log. */
static tj_status apply_batch(tj__journal *journal, uint64_t target, size_t size, uint64_t *bytes,
                             tj_error *error)
{
    if (!journal->apply_reader) {
        TJ_TRY(tj__log_reader_open(journal->log_path, &journal->superblock.journal_id,
                                   &journal->apply_from, &journal->apply_reader, error));
    }
    TJ_TRY(gather(journal, target, size, bytes, error));
    return tj__env_apply(journal->env, journal->apply_batch,
                         tj__log_reader_position(journal->apply_reader), error);
}

static tj_status apply_batches(tj__journal *journal, uint64_t target, size_t size, tj_error *error)
{
    while (journal->apply_from.sequence < target) {
        uint64_t bytes = 0;
        tj_status status = apply_batch(journal, target, size, &bytes, error);
        if (status != TJ_OK) {
            /* The reader has run ahead of LMDB: the next attempt begins where LMDB stands. */
            tj__log_reader_close(journal->apply_reader);
            journal->apply_reader = NULL;
            bool passes = status != TJ_CORRUPT && status != TJ_FORMAT_NEWER && status != TJ_CLOSED;
            return passes ? status : give_up(journal, status, error);
        }
        journal->apply_from = *tj__log_reader_position(journal->apply_reader);
        atomic_store(&journal->applied, journal->apply_from.sequence);
        atomic_store(&journal->applied_ordinal, journal->apply_from.ordinal);
        atomic_fetch_add(&journal->applied_bytes, bytes);
        tj__overlay_forget(journal);
    }
    tj__rowmap_clear(journal->apply_batch);
    return TJ_OK;
}

static tj_status apply_locked(tj__journal *journal, uint64_t target, size_t size, tj_error *error)
{
    if (journal->apply_unusable) {
        return tj__fail(
            error, TJ_CLOSED,
            "LMDB is not brought up to date any more after an earlier failure: open the "
            "journal again");
    }
    return apply_batches(journal, target, size, error);
}

/* See space.c. In recovery, before there is a writer, nobody has looked for the reserve yet. */
static tj_status apply_to_space_left(tj__journal *journal, uint64_t target, tj_error *error)
{
    bool urgent_wait = tj__journal_lag(journal) > tj__journal_lag_bound(journal, true);
    bool behind = journal->apply_from.sequence < target;
    if (behind && !urgent_wait && journal->log && !atomic_load(&journal->reserve_held)) {
        return tj__journal_refuse_full(journal, error);
    }
    tj_status status = apply_locked(journal, target, TJ__APPLY_BYTES_MAX, error);
    /* When LMDB's code comes with the failure, the map is full, and disk space would not help. */
    bool again = status == TJ_FULL && urgent_wait && error->engine_code == 0;
    while (again) {
        bool more = tj__journal_make_space(journal); /* or an urgent commit has done it */
        status = apply_locked(journal, target, TJ__APPLY_BYTES_SPARING, error);
        again = more && status == TJ_FULL && error->engine_code == 0;
    }
    return status;
}

static void count(tj__journal *journal, uint64_t start_ns, tj_status status)
{
    tj__metrics *metrics = journal->metrics;
    tj__metrics_add(status == TJ_OK ? &metrics->applies : &metrics->apply_failures, 1);
    tj__metrics_add(&metrics->apply_us, (tj__monotonic_ns() - start_ns) / 1000);
}

tj_status tj__journal_apply(tj__journal *journal, tj_error *error)
{
    uint64_t target = 0;
    tj_error failure = TJ_ERROR_INIT;
    tj__trace_hold();
    tj_status status = durable_sequence(journal, &target, &failure);
    if (status == TJ_OK) {
        pthread_mutex_lock(&journal->apply_mutex);
        uint64_t start = tj__monotonic_ns();
        bool behind = journal->apply_from.sequence < target;
        status = apply_to_space_left(journal, target, &failure);
        if (behind) {
            count(journal, start, status);
        }
        pthread_mutex_unlock(&journal->apply_mutex);
    }
    tj__trace_let_go();
    return status == TJ_OK ? TJ_OK : tj__error_pass(error, &failure);
}
