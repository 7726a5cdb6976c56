/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Telling a backup from a journal, and reading either to its end. */
#include "backup/restore_source.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "history/base_reader.h"
#include "journal/logbook.h"

/* Where the records of a source begin, and what holds what was before them. */
static tj_status find_start(tj__restore_source *source, uint64_t first_segment, tj_error *error)
{
    tj__base_header header;
    source->start = (tj__position){.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
    if (first_segment <= 1) {
        return TJ_OK;
    }
    TJ_TRY(tj__bases_list(source->history_path, first_segment - 1, &source->bases,
                          &source->base_count, error));
    TJ_TRY(tj__base_look(source->history_path, &source->journal_id, TJ__BASE_STATE,
                         first_segment - 1, &header, error));
    source->start = header.position;
    return TJ_OK;
}

static tj_status open_reader(tj__restore_source *source, tj_error *error)
{
    return tj__log_reader_open(source->log_path, &source->journal_id, &source->start,
                               &source->reader, error);
}

/* ---- a backup ------------------------------------------------------------------------------ */

/* A .rest that is gone would not be missed otherwise. */
static tj_status look_for_bases(const tj__restore_source *source, tj_error *error)
{
    for (size_t i = 0; i < source->point.file_count; i++) {
        const tj__point_file *file = &source->point.files[i];
        char path[TJ__SEGMENT_PATH_SIZE];
        int fd = -1;
        if (file->kind != TJ__POINT_FILE_SEGMENT) {
            TJ_TRY(tj__backup_open_file(&source->backup, file, path, &fd, error));
            tj__file_close(fd);
        }
    }
    return TJ_OK;
}

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
    memcpy(source->log_path, source->backup.log_path, sizeof source->log_path);
    memcpy(source->history_path, source->backup.history_path, sizeof source->history_path);
    TJ_TRY(look_for_bases(source, error));
    TJ_TRY(find_start(source, tj__point_first_segment(&source->point), error));
    TJ_TRY(open_reader(source, error));
    tj__log_reader_open_by(source->reader, tj__backup_open_segment, &source->backup);
    return TJ_OK;
}

/* ---- a journal ----------------------------------------------------------------------------- */

/* Whose log it is stands in every segment. */
static tj_status read_journal_id(tj__restore_source *source, uint64_t ordinal, tj_error *error)
{
    uint8_t block[TJ__SEGMENT_HEADER_SIZE];
    char path[TJ__SEGMENT_PATH_SIZE];
    struct stat found;
    int fd = -1;
    tj_status status =
        tj__segment_open(path, source->log_path, ordinal, O_RDONLY, &fd, &found, error);
    if (status == TJ_NOT_FOUND) {
        return tj__fail(error, TJ_NOT_FOUND,
                        "%s is missing, or bases that hold what was before the segments that are "
                        "there: restore from a backup",
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
    return tj__segment_header_decode(block, &source->journal_id, ordinal, &header, path, error);
}

/* The segment with which the log begins: the first one that is there, or behind bases that hold
 * what was before it. (A crash while segments went may have left one before those.) */
static tj_status find_first(const tj__restore_source *source, uint64_t *ordinal, tj_error *error)
{
    tj__segment_list list;
    bool found = false;
    *ordinal = 1;
    TJ_TRY(tj__segment_list_read(source->log_path, &list, error));
    for (size_t i = 0; i < list.count && !found; i++) {
        tj__point_file *bases = NULL;
        size_t count = 0;
        found = list.ordinals[i] == 1 || tj__bases_list(source->history_path, list.ordinals[i] - 1,
                                                        &bases, &count, NULL) == TJ_OK;
        free(bases);
        *ordinal = found ? list.ordinals[i] : 1;
    }
    tj__segment_list_dispose(&list);
    return TJ_OK;
}

/* And in bases, behind which no segment may be begun yet. */
static tj_status read_base_id(tj__restore_source *source, uint64_t first, tj_error *error)
{
    uint8_t head[TJ__BASE_HEADER_SIZE];
    char path[TJ__BASE_PATH_SIZE];
    int fd = -1;
    TJ_TRY(tj__base_path(path, source->history_path, TJ__BASE_STATE, first - 1, false, error));
    TJ_TRY(tj__file_open(path, O_RDONLY, &fd, error));
    tj_status status = tj__file_read_at(fd, path, head, sizeof head, 0, error);
    tj__file_close(fd);
    if (status == TJ_OK) {
        memcpy(&source->journal_id, head + TJ__BASE_ID_AT, sizeof source->journal_id);
    }
    return status;
}

static tj_status open_journal(tj__restore_source *source, tj_error *error)
{
    bool there = false;
    struct stat found;
    uint64_t first = 1;
    TJ_TRY(tj__path_join(source->log_path, sizeof source->log_path, source->path, "log", error));
    TJ_TRY(tj__path_join(source->history_path, sizeof source->history_path, source->path,
                         TJ__HISTORY_DIRECTORY, error));
    TJ_TRY(tj__path_look(source->log_path, &there, &found, error));
    if (!there || !S_ISDIR(found.st_mode)) {
        return tj__fail(error, TJ_INVALID,
                        "%s is neither a backup nor a journal: both have a directory named log",
                        source->path);
    }
    TJ_TRY(find_first(source, &first, error));
    TJ_TRY(first > 1 ? read_base_id(source, first, error) : read_journal_id(source, 1, error));
    TJ_TRY(find_start(source, first, error));
    TJ_TRY(tj__lock_look(source->path, &source->lock, error));
    source->mark = tj__lock_mark(source->lock);
    return open_reader(source, error);
}

tj_status tj__restore_journal_id(const char *path, tj_uuid *id, tj_error *error)
{
    tj__segment_list list;
    tj__restore_source source = {0};
    TJ_TRY(tj__path_join(source.log_path, sizeof source.log_path, path, "log", error));
    TJ_TRY(tj__segment_list_read(source.log_path, &list, error));
    uint64_t first = list.count > 0 ? list.ordinals[0] : 1;
    tj__segment_list_dispose(&list);
    TJ_TRY(read_journal_id(&source, first, error));
    *id = source.journal_id;
    return TJ_OK;
}

/* ---- either -------------------------------------------------------------------------------- */

tj_status tj__restore_source_open(tj__restore_source *source, const char *path, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    *source = (tj__restore_source){.backup = {.lock_fd = -1}};
    TJ_TRY(tj__path_absolute(path, source->path, sizeof source->path, error));
    tj_status status = tj__backup_directory_open(&source->backup, source->path, &failure);
    if (status == TJ_NOT_FOUND) {
        bool there = false;
        struct stat info;
        TJ_TRY(tj__path_look(source->path, &there, &info, error));
        return there ? tj__fail(error, TJ_NOT_FOUND,
                                "%s is no directory, as backups and journals are", source->path)
                     : tj__fail(error, TJ_NOT_FOUND, "there is nothing at %s", source->path);
    }
    if (status != TJ_OK && status != TJ_INVALID) {
        return tj__error_pass(error, &failure);
    }
    return status == TJ_OK ? open_backup(source, error) : open_journal(source, error);
}

void tj__restore_source_unpack_in(tj__restore_source *source, const char *directory)
{
    snprintf(source->backup.unpack_path, sizeof source->backup.unpack_path, "%s", directory);
}

void tj__restore_source_close(tj__restore_source *source)
{
    tj__log_reader_close(source->reader);
    tj__lock_release(source->lock);
    tj__point_dispose(&source->point);
    free(source->bases);
    tj__backup_directory_close(&source->backup);
    source->reader = NULL;
    source->lock = NULL;
    source->bases = NULL;
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

/* What a backup has behind its newest point: one that was not finished left it, or the point is not
 * there. It may end anywhere. */
static tj_status next_without_point(tj__restore_source *source, tj__record *record, bool *more,
                                    tj_error *error)
{
    tj__log_next next = TJ__LOG_END;
    tj_error failure = TJ_ERROR_INIT;
    tj_status status = tj__log_reader_next(source->reader, &next, record, &failure);
    *more = status == TJ_OK && next == TJ__LOG_RECORD;
    return status == TJ_NOMEM ? tj__error_pass(error, &failure) : TJ_OK;
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
        bool reads_on = source->is_backup && !source->ends_with_point;
        return reads_on ? next_without_point(source, record, more, error) : TJ_OK;
    }
    TJ_TRY(tj__log_reader_next(source->reader, &next, record, error));
    *more = next == TJ__LOG_RECORD;
    return *more ? TJ_OK : end_of_log(source, error);
}
