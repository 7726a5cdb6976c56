/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Recovery: where the log ends, and LMDB up to there.
 *
 *   1. Read the segment of LMDB's position from its start and check that the position lies on the
 *      chain: LMDB newer than the log, or damage before it, is corruption.
 *   2. Read on to the first place that does not continue the chain.
 *   3. It is corruption if anything says that more was durable: the acknowledged mark of a writer
 * of this boot, or the durable_sequence of a valid record further on. Otherwise the log ends there:
 *      a power cut inside one unflushed group may leave record k+1 without k.
 *   4. Unless the last writer closed cleanly, write the records above the highest durable mark
 * again, zero what lies behind them, and flush: after a failed flush the page cache may show what
 * the disk does not hold.
 *   5. Publish the mark, apply the rest to LMDB, open the log for appending.
 *
 * Nothing is written before step 4, so a journal that is refused stays as it was.
 */
#include <fcntl.h>
#include <stdio.h>

#include "base/error.h"
#include "base/file.h"
#include "journal/internal.h"

typedef struct recovery {
    tj__journal *journal;
    tj__position applied; /* LMDB's */
    tj__mark mark;
    tj__log_reader *reader;
    tj__position end;
    tj__position settled;   /* everything before it is known to be durable */
    uint64_t pending_bytes; /* of the records between applied and end */
    tj__log_tail tail;
    uint64_t bytes_cut;
} recovery;

tj_status tj__journal_report_damage(tj__log_reader *reader, uint64_t covered, const char *by,
                                    tj_error *error)
{
    const tj__position *at = tj__log_reader_position(reader);
    tj__fail(
        error, TJ_CORRUPT,
        "commit %llu is damaged or missing at offset %llu of %s (%s), and %s shows that commits up "
        "to %llu were durable: restore a backup, or repair into a new directory",
        (unsigned long long)(at->sequence + 1), (unsigned long long)at->offset,
        tj__log_reader_path(reader), tj__log_reader_why(reader), by, (unsigned long long)covered);
    tj__error_place(error, "%s:%llu", tj__log_reader_path(reader), (unsigned long long)at->offset);
    return TJ_CORRUPT;
}

/* The start of the records in the segment of LMDB's position. */
static tj_status segment_start(const recovery *r, tj__position *start, tj_error *error)
{
    const tj__journal *journal = r->journal;
    char path[TJ__SEGMENT_PATH_SIZE];
    uint8_t block[TJ__SEGMENT_HEADER_SIZE];
    int fd = -1;
    tj__segment_header header;
    TJ_TRY(tj__segment_path(path, journal->log_path, r->applied.ordinal, error));
    tj_status status = tj__file_open(path, O_RDONLY, &fd, error);
    if (status == TJ_NOT_FOUND) {
        return tj__fail(error, TJ_CORRUPT,
                        "segment %s is missing, and the state in data.mdb stands at commit %llu in "
                        "it: put it back or restore a backup",
                        path, (unsigned long long)r->applied.sequence);
    }
    if (status == TJ_OK) {
        status = tj__file_read_at(fd, path, block, sizeof block, 0, error);
    }
    tj__file_close(fd);
    TJ_TRY(status);
    tj_error cause = TJ_ERROR_INIT;
    status = tj__segment_header_decode(block, &journal->superblock.journal_id, r->applied.ordinal,
                                       &header, path, &cause);
    bool unusable = status == TJ_NOT_FOUND || status == TJ_CORRUPT;
    if (unusable && r->applied.offset == TJ__SEGMENT_HEADER_SIZE) {
        /* Nothing in it was applied: prepared, or a power cut tore the write that began it. What
         * stands behind the header tells whether that is so. */
        *start = r->applied;
        return TJ_OK;
    }
    if (status == TJ_NOT_FOUND) {
        return tj__fail(error, TJ_CORRUPT,
                        "segment %s is empty, but data.mdb holds commits from it, up to %llu", path,
                        (unsigned long long)r->applied.sequence);
    }
    if (status == TJ_CONFLICT) {
        return tj__segment_header_misplaced(&cause, error);
    }
    if (status != TJ_OK) {
        return tj__fail(error, status, "%s", cause.message);
    }
    *start = (tj__position){.sequence = header.first_sequence - 1,
                            .time = INT64_MIN,
                            .hash = header.chain_hash,
                            .ordinal = r->applied.ordinal,
                            .offset = TJ__SEGMENT_HEADER_SIZE};
    return TJ_OK;
}

static tj_status check_on_chain(const recovery *r, tj_error *error)
{
    const tj__position *at = tj__log_reader_position(r->reader);
    if (at->ordinal == r->applied.ordinal && at->offset == r->applied.offset &&
        at->hash == r->applied.hash && at->sequence == r->applied.sequence) {
        return TJ_OK;
    }
    return tj__fail(
        error, TJ_CORRUPT,
        "data.mdb and the log do not belong together: data.mdb stands after commit %llu "
        "at offset %llu of %s, where the log has commit %llu at offset %llu; one of them "
        "was replaced: put it back or restore a backup",
        (unsigned long long)r->applied.sequence, (unsigned long long)r->applied.offset,
        tj__log_reader_path(r->reader), (unsigned long long)at->sequence,
        (unsigned long long)at->offset);
}

static bool at_or_beyond(const tj__position *at, const tj__position *place)
{
    return at->ordinal > place->ordinal ||
           (at->ordinal == place->ordinal && at->offset >= place->offset);
}

static tj_status report_missing(const tj__log_reader *reader, tj_error *error)
{
    char place[TJ_ERROR_PLACE_SIZE] = "";
    if (error != NULL) {
        snprintf(place, sizeof place, "%s", error->place);
    }
    tj__fail(
        error, TJ_CORRUPT,
        "log segment %s is missing, though commits up to %llu lead to it: put the file back or "
        "restore a backup",
        place, (unsigned long long)tj__log_reader_position(reader)->sequence);
    tj__error_place(error, "%s", place);
    return TJ_CORRUPT;
}

/* A segment that is not there is damage to whoever is not overtaken by retention. */
tj_status tj__journal_read_next(tj__log_reader *reader, tj__log_next *next, tj__record *record,
                                tj_error *error)
{
    tj_status status = tj__log_reader_next(reader, next, record, error);
    return status == TJ_NOT_FOUND ? report_missing(reader, error) : status;
}

/* Step 1: from the start of the segment to LMDB's position. */
static tj_status read_to_applied(recovery *r, tj_error *error)
{
    tj__position start;
    TJ_TRY(segment_start(r, &start, error));
    TJ_TRY(tj__log_reader_open(r->journal->log_path, &r->journal->superblock.journal_id, &start,
                               &r->reader, error));
    while (!at_or_beyond(tj__log_reader_position(r->reader), &r->applied)) {
        tj__log_next next;
        tj__record record;
        TJ_TRY(tj__journal_read_next(r->reader, &next, &record, error));
        if (next == TJ__LOG_END && !at_or_beyond(tj__log_reader_position(r->reader), &r->applied)) {
            return tj__journal_report_damage(r->reader, r->applied.sequence, "data.mdb", error);
        }
    }
    return check_on_chain(r, error);
}

/* Step 2: from there to the end. */
static tj_status read_to_end(recovery *r, tj_error *error)
{
    bool believed = r->mark.valid && r->mark.durability == TJ_DURABILITY_SYNC;
    r->settled = *tj__log_reader_position(r->reader);
    for (;;) {
        tj__log_next next;
        tj__record record;
        TJ_TRY(tj__journal_read_next(r->reader, &next, &record, error));
        if (next == TJ__LOG_END) {
            break;
        }
        r->pending_bytes += tj__record_size((uint32_t)record.body.size);
        if (believed && record.sequence <= r->mark.acknowledged) {
            r->settled = *tj__log_reader_position(r->reader);
        }
    }
    r->end = *tj__log_reader_position(r->reader);
    /* A segment without records knows neither. */
    r->end.epoch = r->end.epoch > r->applied.epoch ? r->end.epoch : r->applied.epoch;
    r->end.time = r->end.time > r->applied.time ? r->end.time : r->applied.time;
    return TJ_OK;
}

/* Step 3. */
static tj_status check_end(recovery *r, tj_error *error)
{
    TJ_TRY(tj__log_reader_tail(r->reader, &r->tail, error));
    if (r->mark.valid && r->mark.acknowledged > r->end.sequence) {
        return tj__journal_report_damage(r->reader, r->mark.acknowledged, "writer.lock", error);
    }
    if (r->tail.durable_max > r->end.sequence) {
        char by[TJ__SEGMENT_PATH_SIZE + 64];
        snprintf(by, sizeof by, "a valid record at offset %llu of %s",
                 (unsigned long long)r->tail.first_after_offset, r->tail.first_after);
        return tj__journal_report_damage(r->reader, r->tail.durable_max, by, error);
    }
    if (r->tail.segment_begun_after) {
        return tj__journal_report_damage(r->reader, r->end.sequence + 1, TJ__BEGUN_LATER, error);
    }
    return TJ_OK;
}

/* Step 4. */
static tj_status settle(recovery *r, tj_error *error)
{
    bool clean = r->mark.valid && r->mark.clean && r->mark.acknowledged == r->end.sequence &&
                 r->applied.sequence == r->end.sequence && r->tail.nonzero_bytes == 0 &&
                 r->tail.records_after == 0 && !r->tail.segment_begun_after;
    if (clean) {
        return TJ_OK;
    }
    r->bytes_cut = r->tail.nonzero_bytes;
    if (r->tail.nonzero_bytes > 0 || r->tail.records_after > 0) {
        tj__journal_trace(r->journal, TJ_TRACE_WARNING,
                          "recovery of %s: the log ends after commit %llu; behind it %llu bytes of "
                          "an unfinished write (%llu whole records, none of them known to be "
                          "durable) were cut",
                          r->journal->path, (unsigned long long)r->end.sequence,
                          (unsigned long long)r->tail.nonzero_bytes,
                          (unsigned long long)r->tail.records_after);
    }
    return tj__log_settle(r->journal->log_path, &r->journal->superblock.journal_id, &r->settled,
                          &r->end, error);
}

/* In os mode what was acknowledged, and so lies before `settled`, may never have been flushed. */
static tj_status flush_segments(const recovery *r, tj_error *error)
{
    for (uint64_t ordinal = r->applied.ordinal; ordinal <= r->end.ordinal; ordinal++) {
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

static void acknowledged(void *context, uint64_t sequence)
{
    tj__journal *journal = context;
    tj__lock_advance(journal->lock, sequence);
    atomic_store(&journal->acknowledged, sequence);
    tj__journal_helper_notice(journal);
}

/* On a full disk LMDB may stay behind: the log has everything, views read both, the helper tries again. */
static tj_status apply_now_or_later(tj__journal *journal, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    tj_status status = tj__journal_apply(journal, &failure);
    if (status == TJ_FULL) {
        tj__journal_trace(journal, TJ_TRACE_ERROR,
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

/* The whole log is on the disk: what the last writer had not acknowledged counts as acknowledged. */
static void publish_mark(const recovery *r)
{
    const tj__journal *journal = r->journal;
    tj__mark mark = {.durability = journal->config.durability,
                     .epoch = journal->epoch,
                     .acknowledged = r->end.sequence,
                     .recovered_at = tj_time_now(),
                     .recovered_bytes_cut = r->bytes_cut};
    tj__lock_publish(journal->lock, &mark);
}

/* Step 5. LMDB never passes the mark, so the mark comes first. */
static tj_status open_for_writing(recovery *r, tj_error *error)
{
    tj__journal *journal = r->journal;
    TJ_TRY(flush_segments(r, error));
    journal->epoch = r->end.epoch + 1;
    atomic_store(&journal->acknowledged, r->end.sequence);
    atomic_store(&journal->appended_bytes, r->pending_bytes);
    publish_mark(r);
    TJ_TRY(tj__journal_apply_start(journal, &r->applied, error));
    TJ_TRY(apply_now_or_later(journal, error));
    tj__log_writer_options options = {
        .directory = journal->log_path,
        .journal_id = journal->superblock.journal_id,
        .epoch = journal->epoch,
        .segment_size = journal->config.segment_size_bytes,
        .durability = journal->config.durability,
        .acknowledged = acknowledged,
        .in_place = in_place,
        .context = journal,
    };
    TJ_TRY(tj__log_writer_open(&options, &r->end, &journal->log, error));
    tj__journal_trace(journal, TJ_TRACE_INFO,
                      "opened %s: the log ends after commit %llu, LMDB stood at commit %llu",
                      journal->path, (unsigned long long)r->end.sequence,
                      (unsigned long long)r->applied.sequence);
    return TJ_OK;
}

static tj_status find_applied(recovery *r, tj_error *error)
{
    tj__env_snapshot *snapshot = NULL;
    TJ_TRY(tj__env_snapshot_begin(r->journal->env, &snapshot, &r->applied, error));
    tj__env_snapshot_end(snapshot);
    return TJ_OK;
}

tj_status tj__journal_segments(const tj__journal *journal, tj__segment_list *out, tj_error *error)
{
    if (!tj__path_is_directory(journal->log_path)) {
        return tj__fail(error, TJ_CORRUPT,
                        "the log directory %s is missing: put it back or restore a backup",
                        journal->log_path);
    }
    return tj__segment_list_read(journal->log_path, out, error);
}

/* All segments from the first must be there, not only those that are read now. */
static tj_status check_segments(const recovery *r, tj_error *error)
{
    tj__segment_list segments = {0};
    TJ_TRY(tj__journal_segments(r->journal, &segments, error));
    bool complete = segments.count > 0 && segments.ordinals[0] == 1;
    tj__segment_list_dispose(&segments);
    if (!complete) {
        return tj__fail(
            error, TJ_CORRUPT,
            "the first segment of the log, %s/0000000001.log, is missing: put it back or "
            "restore a backup",
            r->journal->log_path);
    }
    return TJ_OK;
}

tj_status tj__journal_recover(tj__journal *journal, tj_error *error)
{
    recovery r = {.journal = journal, .mark = tj__lock_mark(journal->lock)};
    tj_status status = find_applied(&r, error);
    if (status == TJ_OK) {
        status = check_segments(&r, error);
    }
    if (status == TJ_OK) {
        status = read_to_applied(&r, error);
    }
    if (status == TJ_OK) {
        status = read_to_end(&r, error);
    }
    if (status == TJ_OK) {
        status = check_end(&r, error);
    }
    if (status == TJ_OK) {
        tj__lock_sign(journal->lock);
        status = settle(&r, error);
    }
    if (status == TJ_OK) {
        status = open_for_writing(&r, error);
    }
    tj__log_reader_close(r.reader);
    return status;
}
