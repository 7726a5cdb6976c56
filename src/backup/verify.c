/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A backup is proven by restoring it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <tesser/maintain.h>

#include "backup/compare.h"
#include "backup/decode.h"
#include "backup/note.h"
#include "backup/report.h"
#include "backup/restore_run.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sized.h"
#include "journal/journal.h"

static tj_status check_file(const tj__restore_source *source, const tj__point_file *file,
                            tj_error *error)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    int fd = -1;
    uint64_t hash = 0;
    TJ_TRY(tj__backup_open_file(&source->backup, file, path, &fd, error));
    tj_status status = tj__backup_hash(fd, path, file->size, &hash, error);
    tj__file_close(fd);
    if (status != TJ_OK || hash == file->hash) {
        return status;
    }
    tj__fail(error, TJ_CORRUPT,
             "%s is damaged: its first %" PRIu64 " bytes are not those that were backed up", path,
             file->size);
    tj__error_place(error, "%s", path);
    return TJ_CORRUPT;
}

static tj_status check_files(const tj__restore_source *source, tj_error *error)
{
    for (size_t i = 0; i < source->point.file_count; i++) {
        TJ_TRY(check_file(source, &source->point.files[i], error));
    }
    return TJ_OK;
}

static tj_status choose_point(tj__restore_source *source, uint64_t sequence, tj_error *error)
{
    if (!source->is_backup) {
        return tj__fail(error, TJ_INVALID, "%s is a journal, and no backup of one", source->path);
    }
    if (sequence == 0 || sequence == source->point.position.sequence) {
        return TJ_OK;
    }
    tj__point point;
    tj_status status = tj__point_read(source->backup.points_path, sequence, &point, error);
    if (status == TJ_NOT_FOUND) {
        return tj__fail(error, TJ_NOT_FOUND,
                        "%s has no point at commit %" PRIu64 ", the newest is at %" PRIu64,
                        source->path, sequence, source->point.position.sequence);
    }
    TJ_TRY(status);
    tj__point_dispose(&source->point);
    source->point = point;
    return TJ_OK;
}

static tj_status decode(const tj__restore_run *run, tj_error *error)
{
    tj__position position;
    tj__env_snapshot *snapshot = NULL;
    TJ_TRY(tj__env_snapshot_begin(run->target.env, &snapshot, &position, error));
    tj_status status = tj__decode_all(tj__env_snapshot_rows(snapshot), error);
    tj__env_snapshot_end(snapshot);
    return status;
}

static tj_status prove(tj__restore_run *run, const char *trial_directory, tj_error *error)
{
    const tj__position *promised = &run->source.point.position;
    run->source.ends_with_point = true;
    TJ_TRY(tj__restore_target_begin(&run->target, trial_directory, error));
    tj__restore_source_unpack_in(&run->source, run->target.built);
    TJ_TRY(check_files(&run->source, error));
    TJ_TRY(tj__restore_run_read(run, error));
    if (tj__log_reader_position(run->source.reader)->hash != promised->hash) {
        return tj__fail(error, TJ_CORRUPT,
                        "commit %" PRIu64 " in %s is not the one that was backed up",
                        promised->sequence, run->source.path);
    }
    TJ_TRY(tj__restore_run_compare(run, error));
    return decode(run, error);
}

/* Beside a backup that is under way, or where nothing can be written, the proof is not noted. */
static void note_proof(tj__restore_source *source, tj_time now)
{
    tj__backup_directory directory;
    tj__point newest;
    if (tj__backup_directory_take(&directory, source->path, NULL) != TJ_OK) {
        return;
    }
    if (tj__point_read(directory.points_path, source->point.position.sequence, &newest, NULL) ==
        TJ_OK) {
        newest.verified_at = source->point.verified_at = now;
        (void)tj__point_write(directory.points_path, &newest, NULL);
        tj__point_dispose(&newest);
    }
    tj__backup_directory_close(&directory);
}

/* A copy has the same id, and may have gone another way. */
static bool has_commit(const char *journal, const tj__restore_source *backup)
{
    char path[PATH_MAX];
    return tj__path_join(path, sizeof path, journal, "log", NULL) == TJ_OK &&
           tj__backup_in_log(path, &backup->journal_id, &backup->point.position);
}

/* The journal that is told of it must be the one of the backup. */
static bool note_in_journal(const tj__restore_source *source, tj_time now, const char *configured)
{
    char journal[PATH_MAX];
    tj_uuid id;
    tj__noted_backup proven = {.sequence = source->point.position.sequence, .at = now};
    snprintf(proven.directory, sizeof proven.directory, "%s", source->path);
    return configured && tj__journal_path(configured, journal, sizeof journal, NULL) == TJ_OK &&
           tj__restore_journal_id(journal, &id, NULL) == TJ_OK &&
           memcmp(&id, &source->journal_id, sizeof id) == 0 && has_commit(journal, source) &&
           tj__backup_note_add(journal, NULL, &proven, 0, NULL) == TJ_OK;
}

static tj_status verify(tj__restore_run *run, const tj_backup_verify_options *options,
                        tj_backup_report **report, tj_error *error)
{
    const char *trial = options->trial_directory;
    if (!trial) {
        trial = getenv("TMPDIR");
    }
    TJ_TRY(choose_point(&run->source, options->sequence, error));
    TJ_TRY(prove(run, trial ? trial : "/var/tmp", error));
    tj_time now = tj_time_now();
    note_proof(&run->source, now);
    bool noted = note_in_journal(&run->source, now, options->journal);
    return report ? tj__backup_report_new(run->source.path, &run->source.point,
                                          run->target.pace.bytes, noted, report, error)
                  : TJ_OK;
}

tj_status tj_backup_verify(const char *directory, const tj_backup_verify_options *options,
                           tj_backup_report **report, tj_error *error)
{
    static const tj_restore_options everything = TJ_RESTORE_OPTIONS_INIT;
    tj_backup_verify_options own_options = TJ_BACKUP_VERIFY_OPTIONS_INIT;
    tj__restore_run run;
    if (!directory) {
        return tj__fail(error, TJ_MISUSE, "an argument that must not be NULL is NULL");
    }
    if (report) {
        *report = NULL;
    }
    if (options) {
        TJ_TRY(tj__sized_read(options, &own_options, "the options struct",
                              "TJ_BACKUP_VERIFY_OPTIONS_INIT", error));
    }
    tj_status status = tj__restore_run_begin(&run, directory, &everything, error);
    if (status == TJ_OK) {
        status = verify(&run, &own_options, report, error);
    }
    tj__restore_run_end(&run);
    return status;
}
