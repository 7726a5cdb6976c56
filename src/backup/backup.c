/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A backup: the log up to one commit, and a point that says so.
 *
 *   1. Look at the newest acknowledged commit: its sequence, and the digest of the state there.
 *   2. Compare what the backup has with the journal, and find out where it ends.
 *   3. Copy the records from there to that commit; a segment that is sealed by now gets its name.
 *      When the log does not begin with segment 1 any more, copy the bases behind which it begins.
 *   4. Flush, and write the point.
 *
 * A crash leaves the points that were there, and what they name. Sealed segments are kept by the
 * next backup, the rest is copied again.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tesser/maintain.h>

#include "backup/bases.h"
#include "backup/job.h"
#include "backup/note.h"
#include "backup/report.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sized.h"
#include "engine/engine.h"
#include "history/base_reader.h"
#include "history/seek.h"
#include "journal/journal.h"
#include "store/store.h"

/* Of backups every second the journal is not told each time. */
#define RENEW_NOTE_NS (INT64_C(60) * 1000000000)

/* ---- 1. what is to be backed up ------------------------------------------------------------ */

static tj_status find_journal(tj__backup_job *b, tj_store *store, const char *directory,
                              tj_error *error)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    TJ_TRY(tj_store_info_get(store, &info, error));
    if (info.type != TJ_ENGINE_LMDB) {
        return tj__fail(error, TJ_UNSUPPORTED,
                        "this store lives in memory: only a journal can be backed up");
    }
    TJ_TRY(tj__path_apart_above(directory, error));
    b->store = store;
    b->journal_id = info.journal_id;
    memcpy(b->journal, info.path, sizeof b->journal);
    TJ_TRY(tj__path_join(b->journal_history, sizeof b->journal_history, info.path,
                         TJ__HISTORY_DIRECTORY, error));
    return tj__path_join(b->journal_log, sizeof b->journal_log, info.path, "log", error);
}

/* The first segment that there is, and the one behind the oldest commit whose state can be had. */
static tj_status find_journal_first(tj__backup_job *b, tj_error *error)
{
    tj__segment_list list;
    tj__position begin;
    tj_error failure = TJ_ERROR_INIT;
    TJ_TRY(tj__segment_list_read(b->journal_log, &list, error));
    b->journal_first = b->journal_known = list.count > 0 ? list.ordinals[0] : 1;
    tj__segment_list_dispose(&list);
    tj__past_source source = {.log_path = b->journal_log,
                              .history_path = b->journal_history,
                              .journal_id = b->journal_id,
                              .first_segment = b->journal_first};
    tj_status status = tj__seek_states(&source, &begin, &failure);
    if (status == TJ_OK) {
        b->journal_known = begin.ordinal;
    }
    return status == TJ_NOT_FOUND ? TJ_OK : tj__error_pass(error, &failure);
}

static tj_status look_at_state(tj__backup_job *b, tj_error *error)
{
    tj__reading reading;
    tj_status status = tj__reading_begin_all(&reading, b->store, error);
    if (status == TJ_OK) {
        b->point.position.sequence = reading.rows->sequence;
        status = tj__digest_rows(reading.rows, &b->point.digest, error);
    }
    tj__reading_end(&reading);
    return status;
}

static tj_status read_newest_point(tj__backup_job *b, tj_error *error)
{
    tj_status status = tj__backup_newest_point(&b->directory, &b->before, error);
    if (status == TJ_NOT_FOUND) {
        return TJ_OK;
    }
    TJ_TRY(status);
    b->goes_on = true;
    if (memcmp(&b->before.journal_id, &b->journal_id, sizeof b->journal_id) == 0) {
        return TJ_OK;
    }
    char there[TJ_UUID_TEXT_SIZE];
    char here[TJ_UUID_TEXT_SIZE];
    tj_uuid_format(b->before.journal_id, there);
    tj_uuid_format(b->journal_id, here);
    return tj__fail(error, TJ_CONFLICT,
                    "%s is a backup of the journal with id %s, and this one has id %s: choose "
                    "another directory",
                    b->directory.path, there, here);
}

/* ---- 2. where to go on --------------------------------------------------------------------- */

static tj_status other_history(const tj__backup_job *b, tj_error *error, const char *format, ...)
    TJ_PRINTF(3, 4);
static tj_status other_history(const tj__backup_job *b, tj_error *error, const char *format, ...)
{
    char why[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    return tj__backup_other_history(&b->directory, b->journal_log, &b->journal_id, why, error);
}

static tj_status compare(tj__backup_job *b, tj_error *error)
{
    uint64_t newest = b->point.position.sequence;
    TJ_TRY(tj__backup_compare(&b->directory, &b->journal_id, b->journal_log, b->journal_first,
                              b->journal_known, &b->before, &b->start, error));
    uint64_t held = b->before.position.sequence > b->start.from.sequence
                        ? b->before.position.sequence
                        : b->start.from.sequence;
    if (held > newest) {
        return other_history(
            b, error, "the backup holds commits up to %" PRIu64 ", the journal up to %" PRIu64,
            held, newest);
    }
    uint8_t table = b->goes_on && b->before.position.sequence == newest
                        ? tj__digest_differs(&b->before.digest, &b->point.digest)
                        : 0;
    return table == 0 ? TJ_OK
                      : other_history(b, error,
                                      "the rows of table %s differ after the same commit %" PRIu64,
                                      tj__table_name(table), newest);
}

/* Through what the backup has of the newest segment: it must be what the journal has. */
static tj_status read_to_newest_point(tj__backup_job *b, tj_error *error)
{
    const tj__position *at = tj__log_reader_position(b->reader);
    while (at->sequence < b->before.position.sequence) {
        tj__log_next next;
        tj__record record;
        TJ_TRY(tj__log_reader_next(b->reader, &next, &record, error));
        if (next == TJ__LOG_END) {
            return other_history(b, error, "commit %" PRIu64 ": %s", at->sequence + 1,
                                 tj__log_reader_why(b->reader));
        }
    }
    return tj__position_same(at, &b->before.position)
               ? TJ_OK
               : other_history(b, error, "commit %" PRIu64 " is another", at->sequence);
}

/* Bases follow from the log, so a point that names them says all that is to be compared. */
static tj_status provide_bases(tj__backup_job *b, tj_error *error)
{
    tj__base_header header;
    uint64_t ordinal = b->start.first - 1;
    if (ordinal == 0) {
        return TJ_OK;
    }
    if (tj__point_first_segment(&b->before) != b->start.first) {
        TJ_TRY(tj__backup_explain_missing(tj__backup_bases_take(&b->directory, b->journal_history,
                                                                &b->journal_id, ordinal, &b->pace,
                                                                error),
                                          error));
    }
    if (b->start.sealed < b->start.first) {
        TJ_TRY(tj__base_look(b->directory.history_path, &b->journal_id, TJ__BASE_STATE, ordinal,
                             &header, error));
        b->start.from = header.position;
    }
    return TJ_OK;
}

/* A copy has the time when its original was made, and is as good as that until a writer opens it.
 * What a repair built has a time of its own: it is in the place of the damaged one. */
static tj_status follow_place(tj__backup_job *b, tj_error *error)
{
    tj__lock *lock = NULL;
    TJ_TRY(tj__lock_look(b->journal, &lock, error));
    b->point.place = tj__lock_place(lock);
    tj__lock_release(lock);
    const tj__engine *engine = tj__store_engine(b->store);
    b->point.journal_made_at = engine->ops->made_at(engine);
    if (tj__mark_place_differs(&b->before.place, &b->point.place) && !b->moved &&
        b->before.journal_made_at == b->point.journal_made_at) {
        return tj__fail(error, TJ_CONFLICT,
                        "%s is the backup of the journal of which %s is a copy, unless that was "
                        "moved or put back: choose another directory, or if it goes on in the "
                        "place of the other, say so with --moved",
                        b->directory.path, b->journal);
    }
    if (b->point.place.inode == 0) {
        b->point.place = b->before.place;
    }
    return TJ_OK;
}

static tj_status find_place(tj__backup_job *b, tj_error *error)
{
    const tj__position *at = &b->before.position;
    char path[TJ__SEGMENT_PATH_SIZE];
    b->scribe.hash = b->start.from.hash;
    TJ_TRY(tj__log_reader_open(b->journal_log, &b->journal_id, &b->start.from, &b->reader, error));
    bool in_part = b->goes_on && at->ordinal > b->start.sealed;
    if (in_part) {
        TJ_TRY(read_to_newest_point(b, error));
    }
    TJ_TRY(follow_place(b, error));
    if (!in_part || at->offset == TJ__SEGMENT_HEADER_SIZE) {
        return TJ_OK; /* its file is begun with its first record */
    }
    TJ_TRY(tj__backup_segment_path(&b->directory, at->ordinal, TJ__BACKUP_PART, path, error));
    return tj__scribe_resume(&b->scribe, path, at->ordinal, at->offset, at->hash, error);
}

/* ---- what the journal knows of it ---------------------------------------------------------- */

/* The backup is as good without it. */
static bool note(const tj__backup_job *b)
{
    tj__noted_backup made = {.sequence = b->point.position.sequence, .at = b->point.made_at};
    tj__noted_backup proven = {.sequence = b->before.position.sequence,
                               .at = b->before.verified_at};
    snprintf(made.directory, sizeof made.directory, "%s", b->directory.path);
    snprintf(proven.directory, sizeof proven.directory, "%s", b->directory.path);
    return tj__backup_note_add(b->journal, &made, &proven, b->thin ? RENEW_NOTE_NS : 0, NULL) ==
           TJ_OK;
}

/* ---- the call ------------------------------------------------------------------------------ */

static tj_status make(tj__backup_job *b, tj_error *error)
{
    TJ_TRY(tj__scribe_hash_content(&b->scribe, error));
    TJ_TRY(find_journal_first(b, error));
    TJ_TRY(read_newest_point(b, error));
    TJ_TRY(look_at_state(b, error));
    TJ_TRY(compare(b, error));
    TJ_TRY(provide_bases(b, error));
    TJ_TRY(tj__backup_pack_earlier(b, error));
    TJ_TRY(find_place(b, error));
    TJ_TRY(tj__backup_copy(b, error));
    return tj__backup_write_point(b, error);
}

static void begin(tj__backup_job *b)
{
    b->goes_on = false;
    b->before = b->point = (tj__point){0};
    b->stored = 0;
    b->reader = NULL;
    tj__scribe_init(&b->scribe, &b->journal_id, false, &b->pace);
}

static void end(tj__backup_job *b)
{
    tj__scribe_dispose(&b->scribe);
    tj__buffer_dispose(&b->written);
    tj__log_reader_close(b->reader);
    tj__point_dispose(&b->before);
    tj__point_dispose(&b->point);
}

/* A file that was gone may have been pruned meanwhile: then the log begins further on. */
static bool was_pruned(tj__backup_job *b, tj_status status)
{
    uint64_t before = b->journal_first;
    return status == TJ_NOT_FOUND && find_journal_first(b, NULL) == TJ_OK &&
           b->journal_first > before;
}

/* Whatever failed where its directory is another one by now, that is what is said. */
static void explain(const tj__backup_job *b, tj_error *failure)
{
    tj_error gone = TJ_ERROR_INIT;
    if (failure->status != TJ_OK && tj__backup_directory_held(&b->directory, &gone) != TJ_OK &&
        gone.os_errno == 0) {
        *failure = gone;
    }
}

static tj_status run(tj_store *store, const char *directory, const tj_backup_options *options,
                     tj_backup_report **report, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    tj__backup_job b = {.directory.lock_fd = -1, .thin = options->thin, .moved = options->moved};
    b.compression = (int)options->compression;
    TJ_TRY(find_journal(&b, store, directory, error));
    TJ_TRY(tj__backup_directory_take(&b.directory, directory, error));
    b.pace.bytes_per_s = options->bytes_per_s == 0                          ? TJ_BACKUP_RATE_DEFAULT
                         : options->bytes_per_s == TJ_BACKUP_RATE_UNBOUNDED ? 0
                                                                            : options->bytes_per_s;
    begin(&b);
    tj_status status = make(&b, &failure);
    while (was_pruned(&b, status)) {
        end(&b);
        begin(&b);
        failure = (tj_error)TJ_ERROR_INIT;
        status = make(&b, &failure);
    }
    explain(&b, &failure);
    bool noted = status == TJ_OK && note(&b);
    if (status == TJ_OK && report) {
        status = tj__backup_report_new(b.directory.path, &b.point, b.pace.bytes, noted, report,
                                       &failure);
    }
    if (status == TJ_OK && report) {
        (*report)->stored_bytes = b.stored;
    }
    end(&b);
    tj__backup_directory_close(&b.directory);
    return tj__error_pass(error, &failure);
}

tj_status tj_backup(tj_store *store, const char *directory, const tj_backup_options *options,
                    tj_backup_report **report, tj_error *error)
{
    tj_backup_options own_options = TJ_BACKUP_OPTIONS_INIT;
    if (!store || !directory) {
        return tj__fail(error, TJ_MISUSE, "an argument that must not be NULL is NULL");
    }
    if (report) {
        *report = NULL;
    }
    if (options) {
        TJ_TRY(tj__sized_read(options, &own_options, "the options struct", "TJ_BACKUP_OPTIONS_INIT",
                              error));
    }
    if (own_options.compression > TJ_BACKUP_COMPRESSION_MAX) {
        return tj__fail(error, TJ_INVALID,
                        "there is no compression %" PRIu64 ": the highest is %" PRIu64,
                        own_options.compression, TJ_BACKUP_COMPRESSION_MAX);
    }
    return run(store, directory, &own_options, report, error);
}
