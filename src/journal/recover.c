/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Recovery: LMDB and the log made one, and the log opened for writing.
 *
 *   1. Find the log's end, and judge it (logbook.h).
 *   2. Unless the last writer closed cleanly, write the records above the highest durable mark
 *      again, zero what lies behind them, and flush: after a failed flush the page cache may show
 *      what the disk does not hold.
 *   3. Publish the mark, apply the rest to LMDB, open the log for appending.
 *
 * Nothing is written before step 2, so a journal that is refused stays as it was.
 */
#include <fcntl.h>
#include <inttypes.h>

#include "base/error.h"
#include "base/file.h"
#include "journal/internal.h"

/* Clocks are set back by a little all the time. */
#define CLOCK_BEHIND_TOLD_NS ((int64_t)1000000000)

typedef struct recovery {
    tj__journal *journal;
    tj__logbook book;
    uint64_t bytes_cut;
} recovery;

/* Step 2. */
static tj_status settle(recovery *r, tj_error *error)
{
    bool clean = r->book.mark.valid && r->book.mark.clean &&
                 r->book.mark.acknowledged == r->book.end.sequence &&
                 r->book.applied.sequence == r->book.end.sequence &&
                 r->book.tail.nonzero_bytes == 0 && r->book.tail.records_after == 0 &&
                 !r->book.tail.segment_begun_after;
    if (clean || r->journal->created) {
        return TJ_OK;
    }
    r->bytes_cut = r->book.tail.nonzero_bytes;
    if (r->book.tail.nonzero_bytes > 0 || r->book.tail.records_after > 0) {
        tj__trace(&r->journal->config, TJ_TRACE_WARNING,
                  "recovery of %s: the log ends after commit %" PRIu64 "; behind it %" PRIu64
                  " bytes of an unfinished write (%" PRIu64
                  " whole records, none of them known to be durable) were cut",
                  r->journal->path, r->book.end.sequence, r->book.tail.nonzero_bytes,
                  r->book.tail.records_after);
    }
    return tj__log_settle(r->journal->log_path, &r->journal->superblock.journal_id,
                          &r->book.settled, &r->book.end, error);
}

/* In os mode what was acknowledged, and so lies before `settled`, may never have been flushed. */
static tj_status flush_segments(const recovery *r, tj_error *error)
{
    for (uint64_t ordinal = r->book.applied.ordinal; ordinal <= r->book.end.ordinal; ordinal++) {
        char path[TJ__SEGMENT_PATH_SIZE];
        int fd = -1;
        TJ_TRY(tj__segment_path(path, r->journal->log_path, ordinal, error));
        TJ_TRY(tj__file_open(path, O_RDWR, &fd, error));
        tj_status status = tj__file_sync_data(fd, path, error);
        tj__file_close(fd);
        TJ_TRY(status);
    }
    return TJ_OK;
}

static tj_status acknowledged(void *context, uint64_t sequence, tj_error *error)
{
    tj__journal *journal = context;
    TJ_TRY(tj__journal_mark_ready(journal, error));
    tj__lock_advance(journal->lock, sequence);
    atomic_store(&journal->acknowledged, sequence);
    tj__helper_notice(&journal->helper);
    return TJ_OK;
}

static bool make_space(void *context)
{
    return tj__journal_make_space(context);
}

/* On a full disk, or beside a reader that holds an older state, LMDB may stay behind: the log has
 * everything, views read both, the helper tries again. */
static tj_status apply_now_or_later(tj__journal *journal, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    tj_status status = tj__journal_apply(journal, &failure);
    if (status == TJ_FULL || status == TJ_BUSY) {
        tj__trace(&journal->config, TJ_TRACE_ERROR,
                  "LMDB could not be brought up to date yet, the log keeps everything: %s",
                  failure.message);
        return TJ_OK;
    }
    return status == TJ_OK ? TJ_OK : tj__error_pass(error, &failure);
}

/* P8: a journal that was moved or replaced while it was open takes no more commits. */
static tj_status in_place(void *context, tj_error *error)
{
    const tj__journal *journal = context;
    TJ_TRY(tj__env_same_file(journal->env, error));
    return tj__lock_same_file(journal->lock, error);
}

/* The whole log is on the disk: what the last writer had not acknowledged counts as
 * acknowledged. */
static tj_status publish_mark(const recovery *r, tj_error *error)
{
    tj__journal *journal = r->journal;
    TJ_TRY(tj__journal_mark_ready(journal, error));
    tj__mark mark = {.durability = journal->config.durability,
                     .epoch = journal->epoch,
                     .acknowledged = r->book.end.sequence,
                     .recovered_at = tj_time_now(),
                     .recovered_bytes_cut = r->bytes_cut};
    tj__lock_publish(journal->lock, &mark);
    return TJ_OK;
}

/* The time of a commit is the clock, or that of the commit before it + 1 ns: after one commit under
 * a clock that was ahead, times say little until the clock has caught up. */
static void tell_clock_behind(const recovery *r)
{
    int64_t behind = tj__logbook_clock_behind(r->book.end.time);
    if (behind >= CLOCK_BEHIND_TOLD_NS) {
        char newest[TJ_TIME_TEXT_SIZE];
        tj_time_format(r->book.end.time, newest);
        tj__trace(&r->journal->config, TJ_TRACE_WARNING,
                  "the clock is %" PRId64
                  " s behind the newest commit of %s, which has the time %s: it was once ahead, "
                  "and until it has caught up new commits get the time of the one before and 1 ns",
                  behind / 1000000000, r->journal->path, newest);
    }
}

/* An epoch is a term in the high 16 bits, so far 0, and a count below it, which must not reach into
 * the term: a promoted copy begins a term of its own, which no epoch of the original ever
 * enters. */
static tj_status begin_epoch(const recovery *r, tj_error *error)
{
    uint64_t last = r->book.end.epoch;
    if ((last & TJ__EPOCH_COUNT_MAX) == TJ__EPOCH_COUNT_MAX) {
        return tj__fail(error, TJ_LIMIT,
                        "%s was opened by as many writers as can be counted: export it, and import "
                        "it into a new journal",
                        r->journal->path);
    }
    r->journal->epoch = last + 1;
    return TJ_OK;
}

/* Step 3. LMDB never passes the mark, so the mark comes first. */
static tj_status open_for_writing(recovery *r, tj_error *error)
{
    tj__journal *journal = r->journal;
    if (!journal->created) {
        TJ_TRY(flush_segments(r, error));
    }
    atomic_store(&journal->acknowledged, r->book.end.sequence);
    atomic_store(&journal->appended_bytes, r->book.pending_bytes);
    TJ_TRY(publish_mark(r, error));
    TJ_TRY(tj__journal_apply_start(journal, &r->book.applied, error));
    TJ_TRY(apply_now_or_later(journal, error));
    tj__log_writer_options options = {
        .directory = journal->log_path,
        .journal_id = journal->superblock.journal_id,
        .epoch = journal->epoch,
        .segment_size = journal->config.lmdb.segment_size_bytes,
        .durability = journal->config.durability,
        .acknowledged = acknowledged,
        .make_space = make_space,
        .in_place = in_place,
        .context = journal,
        .metrics = journal->metrics,
    };
    TJ_TRY(tj__log_writer_open(&options, &r->book.end, &journal->log, error));
    tj__trace(&journal->config, TJ_TRACE_INFO,
              "opened %s: the log ends after commit %" PRIu64 ", LMDB stood at commit %" PRIu64,
              journal->path, r->book.end.sequence, r->book.applied.sequence);
    tell_clock_behind(r);
    return TJ_OK;
}

/* The tail is written again, which may need blocks where they are shared or copied on write. */
static tj_status sign_and_settle(recovery *r, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    TJ_TRY(tj__journal_mark_ready(r->journal, error));
    tj__lock_sign(r->journal->lock);
    tj_status status = settle(r, &failure);
    while (status == TJ_FULL && tj__journal_make_space(r->journal)) {
        status = settle(r, &failure);
    }
    return status == TJ_OK ? TJ_OK : tj__error_pass(error, &failure);
}

/* Between step 2 and 3. A crash in between finds the other place's mark again. */
static tj_status skip_counters_of_copy(recovery *r, tj_error *error)
{
    bool skipped = false;
    if (!r->book.mark.elsewhere) {
        return TJ_OK;
    }
    TJ_TRY(tj__journal_skip_counters(r->journal, &r->book.end, &skipped, error));
    if (!skipped) {
        return TJ_OK;
    }
    tj__logbook_dispose(&r->book);
    return tj__logbook_survey(r->journal, &r->book, error);
}

tj_status tj__journal_recover(tj__journal *journal, tj_error *error)
{
    recovery r = {.journal = journal};
    tj_status status = tj__logbook_survey(journal, &r.book, error);
    if (status == TJ_OK) {
        status = begin_epoch(&r, error);
    }
    if (status == TJ_OK) {
        status = sign_and_settle(&r, error);
    }
    if (status == TJ_OK) {
        status = skip_counters_of_copy(&r, error);
    }
    if (status == TJ_OK) {
        status = open_for_writing(&r, error);
    }
    tj__logbook_dispose(&r.book);
    return status;
}
