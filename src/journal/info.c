/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is told of a journal: how far it is, and who uses it. */
#include <stdio.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "history/seek.h"
#include "journal/internal.h"
#include "rows/body.h"

/* Whether what stands there is not the whole of an old segment. One that retention removed
 * meanwhile is no damage, and the last one may not have been begun. */
static bool is_cut(const tj__journal *journal, uint64_t ordinal, bool last, uint64_t *bytes)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    bool there = true;
    struct stat found = {0};
    tj__segment_header header = {0};
    tj_status status =
        tj__seek_header(journal->log_path, &journal->superblock.journal_id, ordinal, &header, NULL);
    if (tj__segment_path(path, journal->log_path, ordinal, NULL) != TJ_OK ||
        tj__path_look(path, &there, &found, NULL) != TJ_OK) {
        return !last;
    }
    *bytes += (uint64_t)found.st_size;
    return there && (status == TJ_OK ? (uint64_t)found.st_size < header.segment_size : !last);
}

static tj_status measure_log(const tj__journal *journal, tj_store_info *info, tj_error *error)
{
    tj__segment_list segments = {0};
    TJ_TRY(tj__logbook_segments(journal, &segments, error));
    info->lmdb.segment_count = (uint32_t)segments.count;
    info->lmdb.segments_missing = tj__logbook_missing(journal, &segments);
    for (size_t i = 0; i < segments.count; i++) {
        info->lmdb.segments_missing +=
            is_cut(journal, segments.ordinals[i], i + 1 == segments.count, &info->lmdb.log_bytes);
    }
    tj__segment_list_dispose(&segments);
    return TJ_OK;
}

/* What the next writer has to apply, and from which segments on it writes. */
typedef struct work {
    uint64_t first;
    uint64_t last;
    uint64_t tables; /* bits */
} work;

/* It can write to its files, and apply: a damaged table that nothing is to be put into stops
 * nobody. */
static tj_status can_be_done(const tj__journal *journal, const work *w, tj_error *error)
{
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        if (w->tables & TJ__TABLE_BIT(table)) {
            TJ_TRY(tj__env_touch(journal->env, table, error));
        }
    }
    return tj__journal_foretell_files(journal->path, w->first, w->last, error);
}

/* Where there is a writer, its own opening has said so. */
static tj_status foretell(const tj__journal *journal, const work *w, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    if (tj__lock_is_held(journal->lock)) {
        return TJ_OK;
    }
    tj_status status = can_be_done(journal, w, &failure);
    return status == TJ_OK || tj__lock_is_held(journal->lock) ? TJ_OK
                                                              : tj__error_pass(error, &failure);
}

/* Sequence, its time, and how much of the log LMDB does not include yet. */
static tj_status measure_lag(tj__journal *journal, tj_store_info *info, tj_error *error)
{
    tj__env_snapshot *snapshot = NULL;
    tj__log_reader *reader = NULL;
    tj__position position;
    work pending = {0};
    TJ_TRY(tj__journal_snapshot_begin(journal, &snapshot, &position, error));
    tj__env_snapshot_end(snapshot);
    pending.first = position.ordinal;
    info->lmdb.applied_sequence = position.sequence;
    TJ_TRY(tj__log_reader_open(journal->log_path, &journal->superblock.journal_id, &position,
                               &reader, error));
    tj__mark mark = tj__lock_mark(journal->lock);
    tj__log_next next = TJ__LOG_RECORD;
    tj_status status = TJ_OK;
    while (status == TJ_OK && next == TJ__LOG_RECORD &&
           (!mark.newest || tj__log_reader_position(reader)->sequence < mark.acknowledged)) {
        tj__record record;
        status = tj__logbook_next(reader, &next, &record, error);
        if (status == TJ_OK && next == TJ__LOG_RECORD) {
            info->lmdb.lag_bytes += tj__record_size_noted(record.body.size, record.note.size);
            pending.tables |= tj__body_tables(record.body, &record.commit_id);
        }
    }
    info->sequence = tj__log_reader_position(reader)->sequence;
    info->sequence_time = info->sequence == 0 ? 0 : tj__log_reader_position(reader)->time;
    info->clock_behind_ns = tj__logbook_clock_behind(info->sequence_time);
    pending.last = tj__log_reader_position(reader)->ordinal;
    tj__log_reader_close(reader);
    return status == TJ_OK ? foretell(journal, &pending, error) : status;
}

/* The first segment was begun when the first of its commits was made. */
static void find_oldest_time(const tj__past_source *source, tj_lmdb_info *info)
{
    tj__segment_header header;
    if (tj__seek_header(source->log_path, &source->journal_id, source->first_segment, &header,
                        NULL) == TJ_OK &&
        header.first_sequence == info->oldest_sequence + 1) {
        info->oldest_time = header.created_at;
    }
}

/* From when on states can be had, the newest one at least, and what bases take. What is wrong with
 * the past stops no writer, and so nobody who asks how the journal does. */
static tj_status measure_history(const tj__journal *journal, tj_store_info *info, tj_error *error)
{
    tj__position begin = {0};
    tj__segment_list segments = {0};
    TJ_TRY(tj__logbook_segments(journal, &segments, error));
    tj__past_source source = {.log_path = journal->log_path,
                              .history_path = journal->history_path,
                              .journal_id = journal->superblock.journal_id,
                              .first_segment = tj__logbook_unbroken_from(journal, &segments)};
    tj__segment_list_dispose(&segments);
    tj_error failure = TJ_ERROR_INIT;
    tj_status status = tj__seek_states(&source, &begin, &failure);
    if (status == TJ_NOMEM) {
        return tj__error_pass(error, &failure);
    }
    bool found = status == TJ_OK;
    info->lmdb.oldest_sequence = found ? begin.sequence : info->sequence;
    info->lmdb.oldest_time = found ? begin.time : info->sequence_time;
    find_oldest_time(&source, &info->lmdb);
    (void)tj__bases_size(journal->history_path, &info->lmdb.history_bytes, NULL);
    return TJ_OK;
}

tj_time tj__journal_made_at(const tj__journal *journal)
{
    return journal->superblock.created_at;
}

tj_status tj__journal_info(tj__journal *journal, tj_store_info *info, tj_error *error)
{
    tj__env_info env;
    TJ_TRY(tj__journal_check_same_files(journal, error));
    TJ_TRY(tj__env_info_get(journal->env, &env, error));
    tj__mark mark = tj__lock_mark(journal->lock);
    bool writing = journal->log != NULL;
    snprintf(info->path, sizeof info->path, "%s", journal->path);
    info->type = TJ_ENGINE_LMDB;
    info->durability = writing ? journal->config.durability : mark.durability;
    info->journal_id = journal->superblock.journal_id;
    info->format_version = journal->superblock.format_version;
    info->state_bytes = env.data_bytes;
    info->lmdb.map_size_bytes = writing ? env.map_size : 0;
    info->lmdb.reader_count = env.reader_count;
    info->lmdb.oldest_reader_pid = env.oldest_reader_pid;
    info->lmdb.oldest_reader_lag = env.oldest_reader_lag;
    info->lmdb.acknowledged_known = mark.newest;
    info->lmdb.recovered_at = mark.recovered_at;
    info->lmdb.recovered_bytes_cut = mark.recovered_bytes_cut;
    tj__journal_space_info(journal, info);
    info->writer_alive = tj__lock_holder(journal->lock, info->writer, &info->writer_pid);
    TJ_TRY(measure_log(journal, info, error));
    TJ_TRY(measure_lag(journal, info, error));
    return measure_history(journal, info, error);
}

void tj__journal_metrics(tj__journal *journal, tj_metrics *out)
{
    if (journal->log) {
        tj__metrics_read(journal->metrics, out);
    } else if (tj__journal_find_lock(journal, NULL) == TJ_OK) {
        tj__lock_metrics(journal->lock, out);
    }
}
