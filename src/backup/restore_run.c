/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Records from a source into a journal that is being built. */
#include "backup/restore_run.h"

#include <inttypes.h>

#include "backup/restore_bases.h"
#include "base/error.h"
#include "base/text.h"

tj_status tj__restore_run_begin(tj__restore_run *run, const char *source,
                                const tj_restore_options *options, tj_error *error)
{
    *run = (tj__restore_run){.target = TJ__RESTORE_TARGET_INIT, .options = options};
    TJ_TRY(tj__restore_source_open(&run->source, source, error));
    run->target.start = run->source.start;
    return tj__lift_init(&run->lift, error);
}

void tj__restore_run_end(tj__restore_run *run)
{
    tj__restore_source_close(&run->source);
    tj__restore_target_dispose(&run->target);
    tj__lift_dispose(&run->lift);
}

/* Times rise with sequences. Without being asked for a backup is restored to its newest point. */
static bool asked_for(const tj__restore_run *run, const tj__record *record)
{
    const tj_moment *at = &run->options->at;
    if (run->source.is_backup && at->sequence == 0 && !at->has_time) {
        return record->sequence <= run->source.point.position.sequence;
    }
    return (at->sequence == 0 || record->sequence <= at->sequence) &&
           (!at->has_time || record->time <= at->time);
}

static tj_status take(tj__restore_run *run, const tj__record *record, tj_error *error)
{
    bool restored = asked_for(run, record);
    run->newest = record->sequence;
    TJ_TRY(tj__lift_take(&run->lift, record, restored, error));
    if (!restored) {
        return TJ_OK;
    }
    run->sequence = record->sequence;
    run->time = record->time;
    return run->options->dry_run
               ? TJ_OK
               : tj__restore_target_put(&run->target, run->source.reader, record, error);
}

static tj_status check_reached(const tj__restore_run *run, tj_error *error)
{
    const tj_restore_options *options = run->options;
    if (run->sequence < options->at.sequence && !options->at.has_time) {
        return tj__fail(error, TJ_NOT_FOUND,
                        "commit %" PRIu64 " is not in %s, whose newest is %" PRIu64,
                        options->at.sequence, run->source.path, run->newest);
    }
    if (options->at.has_time && run->sequence == 0 && run->newest > 0) {
        char time[TJ_TIME_TEXT_SIZE];
        tj_time_format(options->at.time, time);
        return tj__fail(error, TJ_NOT_FOUND, "%s is before the first commit of %s", time,
                        run->source.path);
    }
    return TJ_OK;
}

/* Behind the commit that was asked for, damage hides only how far counters went. */
static tj_status pass_over_damage(tj__restore_run *run, const tj_error *failure, tj_error *error)
{
    char word[TJ__WORD_SIZE];
    const tj_restore_options *options = run->options;
    bool damaged = failure->status == TJ_CORRUPT || failure->status == TJ_NOT_FOUND;
    bool reached =
        run->newest > run->sequence || (run->sequence > 0 && run->sequence == options->at.sequence);
    if (damaged && reached && options->skip_counters > 0) {
        run->cut_short = true;
        return TJ_OK;
    }
    tj__error_pass(error, failure);
    if (damaged && !run->source.is_backup) {
        tj__error_context(error,
                          "`tesser-journal repair -j %s --into NEW --dry-run` says what can be "
                          "kept, which may be more than the log alone tells",
                          tj__word(run->source.path, word));
    }
    if (damaged && run->newest > 0) {
        tj__error_context(error,
                          "up to commit %" PRIu64 " it can be restored: `tesser-journal restore "
                          "%s --into NEW --at %" PRIu64 " --skip-counters N`, with N for the "
                          "numbers that were handed out since",
                          run->newest, tj__word(run->source.path, word), run->newest);
    }
    return failure->status;
}

static tj_status read_source(tj__restore_run *run, tj_error *error)
{
    for (;;) {
        tj__record record;
        bool more = false;
        tj_error failure = TJ_ERROR_INIT;
        if (tj__restore_source_next(&run->source, &record, &more, &failure) != TJ_OK) {
            return pass_over_damage(run, &failure, error);
        }
        if (!more) {
            return TJ_OK;
        }
        TJ_TRY(take(run, &record, error));
    }
}

/* What the source begins with is the oldest that there is. */
static tj_status check_kept(const tj__restore_run *run, tj_error *error)
{
    const tj_moment *at = &run->options->at;
    const tj__position *start = &run->source.start;
    if (at->sequence > 0 && at->sequence < start->sequence) {
        return tj__fail(error, TJ_NOT_FOUND,
                        "commit %" PRIu64 " is not kept in %s, the oldest is %" PRIu64,
                        at->sequence, run->source.path, start->sequence);
    }
    if (at->has_time && start->sequence > 0 && at->time < start->time) {
        char oldest[TJ_TIME_TEXT_SIZE];
        tj_time_format(start->time, oldest);
        return tj__fail(error, TJ_NOT_FOUND,
                        "what was then is not kept in %s, the oldest is commit %" PRIu64 ", %s",
                        run->source.path, start->sequence, oldest);
    }
    return TJ_OK;
}

tj_status tj__restore_run_read(tj__restore_run *run, tj_error *error)
{
    const tj__position *start = &run->source.start;
    TJ_TRY(check_kept(run, error));
    run->sequence = run->newest = start->sequence;
    run->time = start->time;
    TJ_TRY(tj__restore_bases(&run->source, run->options->dry_run ? NULL : &run->target, &run->lift,
                             error));
    TJ_TRY(read_source(run, error));
    TJ_TRY(check_reached(run, error));
    return run->options->dry_run ? TJ_OK : tj__restore_target_settle(&run->target, error);
}

/* What a backup noted at this commit; TJ_NOT_FOUND: nothing. */
static tj_status noted_digest(const tj__restore_run *run, tj__digest *noted, tj_error *error)
{
    tj__point point = {0};
    tj_error failure = TJ_ERROR_INIT;
    if (!run->source.is_backup) {
        return TJ_NOT_FOUND;
    }
    tj_status status =
        tj__point_read(run->source.backup.points_path, run->sequence, &point, &failure);
    if (status == TJ_OK) {
        *noted = point.digest;
        tj__point_dispose(&point);
    }
    return status == TJ_NOT_FOUND ? status : tj__error_pass(error, &failure);
}

tj_status tj__restore_run_compare(tj__restore_run *run, tj_error *error)
{
    tj__digest noted;
    tj__position position;
    tj__env_snapshot *snapshot = NULL;
    TJ_TRY(tj__env_snapshot_begin(run->target.env, &snapshot, &position, error));
    tj_status status = tj__digest_rows(tj__env_snapshot_rows(snapshot), &run->digest, error);
    tj__env_snapshot_end(snapshot);
    TJ_TRY(status);
    status = noted_digest(run, &noted, error);
    if (status != TJ_OK) {
        return status == TJ_NOT_FOUND ? TJ_OK : status;
    }
    uint8_t table = tj__digest_differs(&noted, &run->digest);
    run->proven = table == 0;
    return run->proven
               ? TJ_OK
               : tj__fail(error, TJ_CORRUPT,
                          "the backup %s does not come to the state that was backed up: after "
                          "commit %" PRIu64 " the rows of table %s differ from those that the "
                          "journal showed then",
                          run->source.path, run->sequence, tj__table_name(table));
}
