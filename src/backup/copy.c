/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Records into the files of a backup, and the point that names them. */
#include <inttypes.h>
#include <stdlib.h>

#include "backup/bases.h"
#include "backup/job.h"
#include "backup/pack.h"
#include "base/error.h"
#include "base/file.h"

/* ---- copying ------------------------------------------------------------------------------ */

static tj_status pack(tj__backup_job *b, uint64_t ordinal, tj_error *error)
{
    return b->compression == 0
               ? TJ_OK
               : tj__backup_pack(&b->directory, ordinal, b->compression, &b->pace, error);
}

/* Those that earlier backups left as they were. */
tj_status tj__backup_pack_earlier(tj__backup_job *b, tj_error *error)
{
    for (uint64_t ordinal = b->start.first; ordinal <= b->start.sealed; ordinal++) {
        TJ_TRY(pack(b, ordinal, error));
    }
    return TJ_OK;
}

static tj_status end_file(tj__backup_job *b, tj_error *error)
{
    tj__point_file file = {.kind = TJ__POINT_FILE_SEGMENT, .ordinal = b->scribe.ordinal};
    if (b->scribe.fd < 0) {
        return TJ_OK;
    }
    TJ_TRY(tj__scribe_end(&b->scribe, error));
    file.size = b->scribe.written;
    if (tj__scribe_content_hash(&b->scribe, &file.hash)) {
        tj__put_bytes(&b->written, &file, sizeof file);
    }
    return !b->written.failed
               ? TJ_OK
               : tj__fail(error, TJ_NOMEM, "no memory for what %s has in it", b->directory.path);
}

static tj_status seal(tj__backup_job *b, tj_error *error)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    TJ_TRY(
        tj__backup_segment_path(&b->directory, b->scribe.ordinal, TJ__BACKUP_SEALED, path, error));
    TJ_TRY(tj__scribe_put(&b->scribe, tj__log_reader_seal(b->reader), error));
    TJ_TRY(end_file(b, error));
    TJ_TRY(tj__backup_directory_held(&b->directory, error));
    TJ_TRY(tj__file_rename_new(b->scribe.path, path, error));
    /* A power cut must not take this name and leave that of a later one. */
    TJ_TRY(tj__directory_sync(b->directory.log_path, error));
    b->start.sealed = b->scribe.ordinal;
    return pack(b, b->scribe.ordinal, error);
}

static tj_status turn_page(tj__backup_job *b, tj_error *error)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    uint64_t ordinal = tj__log_reader_position(b->reader)->ordinal;
    if (b->scribe.fd >= 0) {
        TJ_TRY(seal(b, error));
    }
    TJ_TRY(tj__backup_segment_path(&b->directory, ordinal, TJ__BACKUP_PART, path, error));
    TJ_TRY(tj__backup_directory_held(&b->directory, error));
    return tj__scribe_begin(&b->scribe, path, tj__log_reader_header(b->reader), error);
}

static tj_status copy_record(tj__backup_job *b, const tj__record *record, tj_error *error)
{
    const tj__position *at = tj__log_reader_position(b->reader);
    if (b->scribe.fd < 0 || b->scribe.ordinal != at->ordinal) {
        TJ_TRY(turn_page(b, error));
    }
    TJ_TRY(tj__scribe_put(&b->scribe, record, error));
    if (b->scribe.hash != record->hash || tj__scribe_offset(&b->scribe) != at->offset) {
        return tj__fail(error, TJ_CORRUPT,
                        "commit %" PRIu64 " of %s cannot be written as it was read: it is none "
                        "that this program writes",
                        record->sequence, tj__log_reader_path(b->reader));
    }
    return TJ_OK;
}

/* The commit was acknowledged, so the log leads to it. */
static tj_status fell_short(const tj__backup_job *b, tj_error *error)
{
    const tj__position *at = tj__log_reader_position(b->reader);
    tj__fail(error, TJ_CORRUPT,
             "commit %" PRIu64 " is damaged at offset %" PRIu64 " of %s (%s): the backup stays as "
             "it was",
             at->sequence + 1, at->offset, tj__log_reader_path(b->reader),
             tj__log_reader_why(b->reader));
    tj__error_place(error, "%s:%" PRIu64, tj__log_reader_path(b->reader), at->offset);
    return TJ_CORRUPT;
}

/* Only a backup that has what is before can go on where a journal begins now. */
tj_status tj__backup_explain_missing(tj_status status, tj_error *error)
{
    if (status == TJ_NOT_FOUND) {
        tj__error_context(error, "the backup needs it: put it back, or back up into the directory "
                                 "of an earlier backup, which has it, or build a journal that "
                                 "begins after it with `tesser-journal repair`");
    }
    return status;
}

tj_status tj__backup_copy(tj__backup_job *b, tj_error *error)
{
    while (tj__log_reader_position(b->reader)->sequence < b->point.position.sequence) {
        tj__log_next next;
        tj__record record;
        TJ_TRY(tj__backup_explain_missing(tj__log_reader_next(b->reader, &next, &record, error),
                                          error));
        if (next == TJ__LOG_END) {
            return fell_short(b, error);
        }
        TJ_TRY(copy_record(b, &record, error));
    }
    b->point.position = *tj__log_reader_position(b->reader);
    return end_file(b, error);
}

/* ---- the point ---------------------------------------------------------------------------- */

static bool same_file(const tj__point_file *a, const tj__point_file *b)
{
    return a->kind == b->kind && a->ordinal == b->ordinal && a->size == b->size;
}

/* The hash of a file that was written just now, or that the newest point names and that did not
 * grow. Of another one it is found by reading it. */
static bool known_hash(const tj__backup_job *b, tj__point_file *file)
{
    size_t at = b->point.file_count;
    const tj__point_file *written = (const tj__point_file *)(const void *)b->written.data;
    size_t count = b->written.size / sizeof *written;
    const tj__point_file *known = at < b->before.file_count ? &b->before.files[at] : NULL;
    for (size_t i = 0; i < count && !(known && same_file(known, file)); i++) {
        known = &written[i];
    }
    if (!known || !same_file(known, file)) {
        return false;
    }
    file->hash = known->hash;
    return true;
}

static tj_status note_file(tj__backup_job *b, tj__point_file file, tj_error *error)
{
    uint64_t size = 0;
    uint64_t stored = 0;
    TJ_TRY(tj__backup_file_size(&b->directory, &file, &size, &stored, error));
    file.size = file.size == 0 ? size : file.size;
    if (!known_hash(b, &file)) {
        TJ_TRY(tj__backup_file_hash(&b->directory, &file, &file.hash, error));
    }
    b->stored += stored;
    b->point.files[b->point.file_count++] = file;
    return TJ_OK;
}

/* Of the segment that is not sealed so many bytes count. */
static tj_status note_segments(tj__backup_job *b, uint64_t last, tj_error *error)
{
    for (uint64_t ordinal = b->start.first; ordinal <= last; ordinal++) {
        tj__point_file file = {.kind = TJ__POINT_FILE_SEGMENT, .ordinal = ordinal};
        file.size = ordinal <= b->start.sealed ? 0 : b->point.position.offset;
        TJ_TRY(note_file(b, file, error));
    }
    return TJ_OK;
}

static tj_status note_files(tj__backup_job *b, tj_error *error)
{
    tj__point_file *bases = NULL;
    size_t count = 0;
    uint64_t last = b->start.sealed;
    if (b->point.position.ordinal > last && b->point.position.offset > TJ__SEGMENT_HEADER_SIZE) {
        last = b->point.position.ordinal;
    }
    if (b->start.first > 1) {
        TJ_TRY(
            tj__bases_list(b->directory.history_path, b->start.first - 1, &bases, &count, error));
    }
    size_t all = count + (size_t)(last + 1 - b->start.first);
    b->point.files = calloc(all + 1, sizeof *b->point.files);
    tj_status status = b->point.files
                           ? TJ_OK
                           : tj__fail(error, TJ_NOMEM, "no memory for the names of %zu files", all);
    for (size_t i = 0; i < count && status == TJ_OK; i++) {
        status = note_file(b, bases[i], error);
    }
    free(bases);
    return status == TJ_OK ? note_segments(b, last, error) : status;
}

tj_status tj__backup_write_point(tj__backup_job *b, tj_error *error)
{
    TJ_TRY(note_files(b, error));
    TJ_TRY(tj__directory_sync(b->directory.log_path, error));
    b->point.journal_id = b->journal_id;
    b->point.made_at = tj_time_now();
    if (b->goes_on && b->before.position.sequence == b->point.position.sequence) {
        b->point.verified_at = b->before.verified_at;
    }
    TJ_TRY(tj__backup_directory_held(&b->directory, error));
    TJ_TRY(tj__point_write(b->directory.points_path, &b->point, error));
    TJ_TRY(tj__backup_directory_held(&b->directory, error));
    bool thin = b->thin && b->goes_on && b->before.position.sequence < b->point.position.sequence;
    return thin ? tj__point_thin(b->directory.points_path, &b->before, error) : TJ_OK;
}
