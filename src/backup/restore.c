/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A journal out of a backup, or out of another journal's log.
 *
 *   1. Read the source to its end: the bases with which it may begin, then records. Those up to
 *      the commit that was asked for go into a new journal beside its place, those after it only
 *      say how far counters went.
 *   2. Compare the state with what was backed up.
 *   3. Add one commit: the counters, lifted, and a note.
 *   4. Flush, and rename the new journal into its place.
 */
#include <inttypes.h>
#include <stdio.h>

#include <tesser/maintain.h>

#include "backup/restore_run.h"
#include "base/error.h"
#include "base/sized.h"

#define NOTE_SIZE (PATH_MAX + 128)

static tj_status lift(tj__restore_run *run, tj_error *error)
{
    char id[TJ_UUID_TEXT_SIZE];
    char note[NOTE_SIZE];
    tj__buffer body = {0};
    uint32_t change_count = 0;
    tj_uuid_format(run->source.journal_id, id);
    int size = snprintf(note, sizeof note, "restored from %s: journal %s up to commit %" PRIu64,
                        run->source.path, id, run->sequence);
    tj_status status = tj__lift_body(&run->lift, &body, &change_count, error);
    if (status == TJ_OK) {
        status = tj__restore_target_append(&run->target, tj__buffer_bytes(&body), change_count,
                                           tj__bytes_of(note, (size_t)size), error);
    }
    tj__buffer_dispose(&body);
    return status;
}

static tj_status restore(tj__restore_run *run, const char *into, tj_error *error)
{
    bool dry_run = run->options->dry_run;
    TJ_TRY(tj__restore_target_look(&run->target, into, error));
    if (!dry_run) {
        TJ_TRY(tj__restore_target_begin(&run->target, NULL, error));
        tj__restore_source_unpack_in(&run->source, run->target.built);
    }
    TJ_TRY(tj__restore_run_read(run, error));
    TJ_TRY(tj__lift_skip(&run->lift, run->options->skip_counters, error));
    if (dry_run) {
        return TJ_OK;
    }
    TJ_TRY(tj__restore_run_compare(run, error));
    return lift(run, error);
}

static tj_status fill_report(tj__restore_run *run, tj__arena *arena, tj_restore_report *report,
                             tj_error *error)
{
    report->dry_run = run->options->dry_run;
    report->from_backup = run->source.is_backup;
    report->source = tj__arena_str(arena, tj_str_of(run->source.path));
    report->directory = tj__arena_str(arena, tj_str_of(run->target.path));
    report->source_id = run->source.journal_id;
    report->journal_id = run->target.journal_id;
    report->sequence = run->sequence;
    report->time = run->time;
    report->newest_sequence = run->newest;
    report->cut_short = run->cut_short;
    report->commit = run->target.position.sequence;
    report->proven = run->proven;
    if (!report->dry_run) {
        report->digest = tj__digest_value(&run->digest);
    }
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        report->row_count += run->digest.rows[table];
    }
    return report->source.data && report->directory.data
               ? tj__lift_tell(&run->lift, arena, &report->counters, &report->counter_count, error)
               : tj__fail(error, TJ_NOMEM, "no memory for the report");
}

static tj_status run_restore(tj__restore_run *run, const char *into, tj_restore_report **report,
                             tj_error *error)
{
    void *object = NULL;
    tj__arena *arena = tj__arena_new(sizeof(tj_restore_report), &object);
    if (!arena) {
        return tj__fail(error, TJ_NOMEM, "no memory for the report");
    }
    tj_status status = restore(run, into, error);
    if (status == TJ_OK && report) {
        status = fill_report(run, arena, object, error);
    }
    /* Only now: whoever is told of a failure does it again. */
    if (status == TJ_OK && !run->options->dry_run) {
        status = tj__restore_target_appear(&run->target, error);
    }
    if (status == TJ_OK && report) {
        *report = object;
    } else {
        tj_restore_report_free(object);
    }
    return status;
}

tj_status tj_restore(const char *source, const char *into, const tj_restore_options *options,
                     tj_restore_report **report, tj_error *error)
{
    tj_restore_options own_options = TJ_RESTORE_OPTIONS_INIT;
    tj__restore_run run;
    if (!source || !into) {
        return tj__fail(error, TJ_MISUSE, "an argument that must not be NULL is NULL");
    }
    if (report) {
        *report = NULL;
    }
    if (options) {
        TJ_TRY(tj__sized_read(options, &own_options, "the options struct",
                              "TJ_RESTORE_OPTIONS_INIT", error));
    }
    tj_status status = tj__restore_run_begin(&run, source, &own_options, error);
    if (status == TJ_OK) {
        status = run_restore(&run, into, report, error);
    }
    tj__restore_run_end(&run);
    return status;
}

void tj_restore_report_free(tj_restore_report *report)
{
    tj__arena_free_object(report);
}
