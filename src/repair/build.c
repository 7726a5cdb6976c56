/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The rows of data.mdb first, where the plan goes by them, then the records of the log in order:
 *   - those that data.mdb includes tell what its damaged rows were; so do bases
 *   - those behind are replayed
 *   - those behind the end of what is kept only tell which rows are lost, and how far counters went
 *
 * Where the plan goes by bases, they and the commits behind them give the rows of their tables.
 * Rows that are only ever added are taken from everywhere: data.mdb, .rest files, every whole
 * record.
 */
#include "repair/build_rows.h"

#include "base/error.h"
#include "rows/body.h"

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to repair a journal");
}

tj_status tj__repair_build_init(tj__repair_build *build, const tj__examination *x,
                                const tj__repair_plan *plan, tj__parts *parts, tj_error *error)
{
    *build = (tj__repair_build){.x = x, .plan = plan, .parts = parts};
    build->damaged = tj__rowmap_new();
    build->told = tj__rowmap_new();
    TJ_TRY(tj__lift_init(&build->lift, error));
    return build->damaged && build->told ? TJ_OK : no_memory(error);
}

void tj__repair_build_dispose(tj__repair_build *build)
{
    for (int kind = 0; kind < TJ__BASE_KINDS; kind++) {
        tj__repair_rows_end(&build->past[kind]);
    }
    tj__rowmap_free(build->damaged);
    tj__rowmap_free(build->told);
    tj__lift_dispose(&build->lift);
}

/* ---- by data.mdb ---------------------------------------------------------------------------- */

static tj_status see_row(void *context, const tj__row *row, tj_error *error)
{
    tj__repair_build *build = context;
    tj__bytes none = tj__bytes_of(NULL, 0);
    if (row->damaged) {
        return tj__rowmap_put(build->damaged, row->key, none, row->sequence) ? TJ_OK
                                                                             : no_memory(error);
    }
    TJ_TRY(tj__lift_take_row(&build->lift, row, true, error));
    return tj__repair_put_row(build, row, error);
}

static tj_status see_fault(void *context, uint8_t table, const tj_error *fault, tj_error *error)
{
    (void)context;
    (void)table;
    return tj__error_pass(error, fault); /* the plan goes by data.mdb only where there was none */
}

/* ---- by bases ------------------------------------------------------------------------------ */

static tj_status put_kind(tj__repair_build *build, tj__base_kind kind, tj_error *error)
{
    tj__repair_rows rows;
    tj_status status = tj__repair_rows_begin(&rows, build->x, kind, build->plan->end, error);
    if (status == TJ_OK) {
        status = tj__repair_put_based_rows(build, kind, &rows.layers.rows, error);
    }
    tj__repair_rows_end(&rows);
    return status;
}

/* data.mdb's rows, whatever else of it is damaged: each that is whole was stored. */
static tj_status see_stored_row(void *context, const tj__row *row, tj_error *error)
{
    tj__repair_build *build = context;
    uint64_t table = TJ__TABLE_BIT(row->key.data[0]);
    if (row->damaged) {
        return TJ_OK;
    }
    TJ_TRY(tj__lift_take_row(&build->lift, row, false, error));
    if (row->sequence > build->plan->end) {
        if ((table & TJ__TABLE_BIT(TJ__TABLE_LEDGER_IDS)) == 0) {
            tj__parts_behind(build->parts, row->key, row->sequence);
        }
        return TJ_OK;
    }
    return table & TJ__ADDED_TABLES ? tj__repair_put_row(build, row, error) : TJ_OK;
}

static tj_status put_by_bases(tj__repair_build *build, tj_error *error)
{
    tj__inspection seen;
    tj__inspector inspector = {.row = see_stored_row, .context = build};
    for (int kind = 0; kind < TJ__BASE_KINDS; kind++) {
        TJ_TRY(put_kind(build, (tj__base_kind)kind, error));
    }
    if (tj__examination_data_belongs(build->x)) {
        TJ_TRY(tj__data_inspect(build->x->path, &inspector, &seen, error));
    }
    return tj__repair_put_rests(build, error);
}

/* ---- records ------------------------------------------------------------------------------- */

static tj_status tell_lost(const tj__repair_build *build, const tj__record *record, tj_error *error)
{
    tj__bytes rest = record->body;
    while (rest.size > 0) {
        tj__change change;
        TJ_TRY(tj__body_next(&rest, &change, error));
        tj__parts_behind(build->parts, change.key, record->sequence);
    }
    return TJ_OK;
}

/* The tables whose rows a record still has to give. */
static uint64_t tables_of(const tj__repair_build *build, const tj__record *record)
{
    const tj__repair_plan *plan = build->plan;
    if (plan->route == TJ__REPAIR_BASES) {
        return TJ__ADDED_TABLES | TJ__TABLE_BIT(TJ__TABLE_LEDGER_IDS);
    }
    return record->sequence <= plan->applied ? 0 : TJ__TABLES_ALL;
}

/* Whole to the byte, and all of it is kept under the id that it has. */
static bool may_link(const tj__repair_build *build, const tj__swept_record *seen)
{
    const tj__examination *x = build->x;
    const tj__log_fault *faults = (const tj__log_fault *)(const void *)x->faults.data;
    const tj__joint *next = tj__examination_joint(x, seen->end.ordinal + 1);
    for (size_t i = 0; i < x->faults.size / sizeof *faults; i++) {
        if (faults[i].ordinal == seen->end.ordinal) {
            return false;
        }
    }
    return seen->offset == TJ__SEGMENT_HEADER_SIZE && next && next->sequence <= build->plan->end &&
           memcmp(&build->target->journal_id, &x->journal_id, sizeof x->journal_id) == 0;
}

/* A sealed segment is never written to again, so the two logs may share its file. */
static tj_status put_in_log(tj__repair_build *build, const tj__swept_record *seen, tj_error *error)
{
    uint64_t ordinal = seen->end.ordinal;
    if (ordinal != build->linked && may_link(build, seen) &&
        tj__restore_target_link(build->target, build->x->log_path, ordinal, &build->seal)) {
        build->linked = ordinal;
    }
    if (ordinal == build->linked) {
        tj__restore_target_pass(build->target, seen->record, &seen->end);
        return TJ_OK;
    }
    return tj__restore_target_put_at(build->target, seen->header, &build->seal, seen->record,
                                     &seen->end, error);
}

/* Kept: in the log, and in the state unless it has it already. */
static tj_status keep(tj__repair_build *build, const tj__swept_record *seen, tj_error *error)
{
    const tj__record *record = seen->record;
    bool included = record->sequence <= build->plan->applied;
    if (included && tj__rowmap_count(build->damaged) > 0) {
        TJ_TRY(tj__body_apply(build->told, TJ__TABLES_ALL, record->body, record->change_count,
                              record->sequence, &record->commit_id, error));
    }
    if (!included) {
        TJ_TRY(tj__repair_settle_rows(build, error));
    }
    if (!build->target) {
        return TJ_OK;
    }
    if (record->sequence >= build->plan->log_first) {
        TJ_TRY(put_in_log(build, seen, error));
    }
    return tj__restore_target_apply(build->target, tables_of(build, record), record, error);
}

/* Not in the log that is kept; what it added is. */
static tj_status keep_added(tj__repair_build *build, const tj__record *record, tj_error *error)
{
    return build->plan->route == TJ__REPAIR_BASES && build->target
               ? tj__restore_target_apply(build->target, tables_of(build, record), record, error)
               : TJ_OK;
}

/* Commits that data.mdb includes are kept only where they lead to the end unbroken. */
static bool is_kept(const tj__repair_build *build, uint64_t sequence)
{
    const tj__run *run = tj__examination_run(build->x, build->plan->end);
    if (build->plan->route == TJ__REPAIR_DATA && !build->x->data_on_chain) {
        return false;
    }
    return run && run->first <= sequence && sequence <= build->plan->end;
}

static tj_status see_record(void *context, const tj__swept_record *seen, tj_error *error)
{
    tj__repair_build *build = context;
    const tj__record *record = seen->record;
    if (record->type == TJ__RECORD_SEAL) {
        build->seal = *record;
        if (build->target && seen->end.ordinal == build->linked) {
            tj__restore_target_pass(build->target, record, &seen->end);
        }
        return TJ_OK;
    }
    bool kept = is_kept(build, record->sequence);
    bool lost = record->sequence > build->plan->end;
    TJ_TRY(tj__lift_take(&build->lift, record, !lost, error));
    if (lost) {
        return tell_lost(build, record, error);
    }
    return kept ? keep(build, seen, error) : keep_added(build, record, error);
}

static bool was_unread(const tj__examination *x, uint64_t ordinal)
{
    const tj__log_fault *faults = (const tj__log_fault *)(const void *)x->faults.data;
    for (size_t i = 0; i < x->faults.size / sizeof *faults; i++) {
        if (faults[i].ordinal == ordinal && faults[i].kind == TJ__FAULT_UNREADABLE) {
            return true;
        }
    }
    return false;
}

/* Damage is known of; what could be read when the plan was made must not be left out of it. */
static tj_status see_log_fault(void *context, const tj__log_fault *fault, tj_error *error)
{
    const tj__repair_build *build = context;
    bool missed = fault->kind == TJ__FAULT_UNREADABLE && fault->lost_first <= build->plan->end &&
                  !was_unread(build->x, fault->ordinal);
    return missed ? tj__fail(error, TJ_IO, "log segment %s could be read before: %s", fault->path,
                             fault->why)
                  : TJ_OK;
}

tj_status tj__repair_build_run(tj__repair_build *build, tj_error *error)
{
    const tj__examination *x = build->x;
    tj__inspection seen;
    tj__swept swept;
    tj__inspector inspector = {.row = see_row, .fault = see_fault, .context = build};
    tj__sweep sweep = {.directory = x->log_path,
                       .journal_id = x->journal_id,
                       .first_segment = x->first_segment,
                       .record = see_record,
                       .fault = see_log_fault,
                       .context = build,
                       .until = UINT64_MAX};
    if (build->plan->route == TJ__REPAIR_DATA) {
        TJ_TRY(tj__data_inspect(x->path, &inspector, &seen, error));
    } else if (build->plan->route == TJ__REPAIR_BASES) {
        TJ_TRY(put_by_bases(build, error));
    }
    if (x->has_log) {
        TJ_TRY(tj__log_sweep(&sweep, &swept, error));
    }
    return tj__repair_settle_rows(build, error);
}
