/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Telling a backup from a journal, and reading either to its end. */
#include "maintain/restore_source.h"

#include <fcntl.h>
#include <inttypes.h>

#include "base/error.h"
#include "base/file.h"
#include "journal/logbook.h"

static const tj__position log_start = {.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};

static tj_status open_backup(tj__restore_source *source, tj_error *error)
{
    source->is_backup = true;
    tj_status status = tj__backup_newest_point(&source->backup, &source->point, error);
    if (status == TJ_NOT_FOUND) {
        return tj__fail(error, TJ_NOT_FOUND,
                        "%s has no point yet: the backup that was begun there was never finished",
                        source->path);
    }
    TJ_TRY(status);
    source->journal_id = source->point.journal_id;
    TJ_TRY(tj__log_reader_open(source->backup.log_path, &source->journal_id, &log_start,
                               &source->reader, error));
    tj__log_reader_open_by(source->reader, tj__backup_open_segment, &source->backup);
    return TJ_OK;
}

/* ---- a journal ----------------------------------------------------------------------------- */

/* Whose log it is stands in every segment. */
static tj_status read_journal_id(tj__restore_source *source, tj_error *error)
{
    uint8_t block[TJ__SEGMENT_HEADER_SIZE];
    char path[TJ__SEGMENT_PATH_SIZE];
    struct stat found;
    int fd = -1;
    tj_status status =
        tj__segment_open(path, source->log_path, log_start.ordinal, O_RDONLY, &fd, &found, error);
    if (status == TJ_NOT_FOUND) {
        return tj__fail(error, TJ_NOT_FOUND,
                        "%s is missing: a journal is restored from the whole of its log, or from a "
                        "backup",
                        path);
    }
    TJ_TRY(status);
    status = tj__file_read_at(fd, path, block, sizeof block, 0, error);
    tj__file_close(fd);
    TJ_TRY(status);
    if (tj__bytes_all_zero(tj__bytes_of(block, sizeof block))) {
        return tj__fail(error, TJ_NOT_FOUND, "%s holds no commit: there is nothing to restore",
                        source->log_path);
    }
    tj__segment_header header;
    memcpy(&source->journal_id, block + TJ__SEGMENT_ID_AT, sizeof source->journal_id);
    return tj__segment_header_decode(block, &source->journal_id, log_start.ordinal, &header, path,
                                     error);
}

static tj_status open_journal(tj__restore_source *source, tj_error *error)
{
    bool there = false;
    struct stat found;
    TJ_TRY(tj__path_join(source->log_path, sizeof source->log_path, source->path, "log", error));
    TJ_TRY(tj__path_look(source->log_path, &there, &found, error));
    if (!there || !S_ISDIR(found.st_mode)) {
        return tj__fail(error, TJ_INVALID,
                        "%s is neither a backup nor a journal: both have a directory named log",
                        source->path);
    }
    TJ_TRY(read_journal_id(source, error));
    TJ_TRY(tj__lock_look(source->path, &source->lock, error));
    source->mark = tj__lock_mark(source->lock);
    return tj__log_reader_open(source->log_path, &source->journal_id, &log_start, &source->reader,
                               error);
}

/* ---- either -------------------------------------------------------------------------------- */

tj_status tj__restore_source_open(tj__restore_source *source, const char *path, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    *source = (tj__restore_source){.backup = {.lock_fd = -1}};
    TJ_TRY(tj__path_absolute(path, source->path, sizeof source->path, error));
    tj_status status = tj__backup_directory_open(&source->backup, source->path, &failure);
    if (status == TJ_NOT_FOUND) {
        return tj__fail(error, TJ_NOT_FOUND, "there is nothing at %s", source->path);
    }
    if (status != TJ_OK && status != TJ_INVALID) {
        return tj__error_pass(error, &failure);
    }
    return status == TJ_OK ? open_backup(source, error) : open_journal(source, error);
}

void tj__restore_source_close(tj__restore_source *source)
{
    tj__log_reader_close(source->reader);
    tj__lock_release(source->lock);
    tj__point_dispose(&source->point);
    tj__backup_directory_close(&source->backup);
    source->reader = NULL;
    source->lock = NULL;
}

static tj_status end_of_log(tj__restore_source *source, tj_error *error)
{
    const tj__position *at = tj__log_reader_position(source->reader);
    tj__log_tail tail;
    if (!source->is_backup) {
        return tj__logbook_judge_end(source->reader, &source->mark, &tail, error);
    }
    tj__fail(error, TJ_CORRUPT,
             "commit %" PRIu64 " of the backup is damaged at offset %" PRIu64 " of %s (%s)",
             at->sequence + 1, at->offset, tj__log_reader_path(source->reader),
             tj__log_reader_why(source->reader));
    tj__error_place(error, "%s:%" PRIu64, tj__log_reader_path(source->reader), at->offset);
    return TJ_CORRUPT;
}

tj_status tj__restore_source_next(tj__restore_source *source, tj__record *record, bool *more,
                                  tj_error *error)
{
    uint64_t last = source->is_backup     ? source->point.position.sequence
                    : source->mark.newest ? source->mark.acknowledged
                                          : UINT64_MAX;
    tj__log_next next = TJ__LOG_END;
    *more = tj__log_reader_position(source->reader)->sequence < last;
    if (!*more) {
        return TJ_OK;
    }
    TJ_TRY(tj__log_reader_next(source->reader, &next, record, error));
    *more = next == TJ__LOG_RECORD;
    return *more ? TJ_OK : end_of_log(source, error);
}
