/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The rows of data.mdb first, where the plan goes by them, then the records of the log in order:
 *   - those that data.mdb includes tell what its damaged rows were
 *   - those behind are replayed
 *   - those behind the end of what is kept only tell which rows are lost, and how far counters went
 */
#include "maintain/repair_build.h"

#include "base/error.h"
#include "rows/body.h"
#include "rows/key.h"
#include "rows/value.h"

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to repair a journal");
}

tj_status tj__repair_build_init(tj__repair_build *build, const tj__examination *x,
                                const tj__repair_plan *plan, const tj__repair_listener *listener,
                                tj_error *error)
{
    *build = (tj__repair_build){.x = x, .plan = plan, .listener = listener};
    build->damaged = tj__rowmap_new();
    build->told = tj__rowmap_new();
    TJ_TRY(tj__lift_init(&build->lift, error));
    return build->damaged && build->told ? TJ_OK : no_memory(error);
}

void tj__repair_build_dispose(tj__repair_build *build)
{
    tj__rowmap_free(build->damaged);
    tj__rowmap_free(build->told);
    tj__lift_dispose(&build->lift);
}

/* ---- rows of data.mdb ---------------------------------------------------------------------- */

/* A journal of format version 1 has no such row for an entry. */
static tj_status put_derived(tj__repair_build *build, const tj__row *row, tj_error *error)
{
    tj__derived_row derived;
    bool has = build->x->data.superblock.tables & TJ__TABLE_BIT(TJ__TABLE_LEDGER_IDS);
    if (has || !tj__ledger_id_row(row->key, row->value, &derived)) {
        return TJ_OK;
    }
    tj__row own = {.key = tj__bytes_of(derived.key, derived.key_size),
                   .value = tj__bytes_of(derived.value, derived.value_size),
                   .sequence = row->sequence};
    return tj__rowmap_find(build->target->batch, own.key)
               ? TJ_OK
               : tj__restore_target_put_row(build->target, &own, error);
}

static tj_status see_row(void *context, const tj__row *row, tj_error *error)
{
    tj__repair_build *build = context;
    tj__bytes none = tj__bytes_of(NULL, 0);
    uint8_t table = row->key.data[0];
    if (row->damaged) {
        return tj__rowmap_put(build->damaged, row->key, none, row->sequence) ? TJ_OK
                                                                             : no_memory(error);
    }
    if ((table == TJ__TABLE_COUNTERS || table == TJ__TABLE_BOOKS) &&
        !tj__rowmap_put(build->lift.rows, row->key, row->value, row->sequence)) {
        return no_memory(error);
    }
    if (!build->target) {
        return TJ_OK;
    }
    TJ_TRY(tj__restore_target_put_row(build->target, row, error));
    return table == TJ__TABLE_LEDGER ? put_derived(build, row, error) : TJ_OK;
}

static tj_status see_fault(void *context, uint8_t table, const tj_error *fault, tj_error *error)
{
    (void)context;
    (void)table;
    return tj__error_pass(error, fault); /* the plan goes by data.mdb only where there was none */
}

static tj_status begin(void *context, tj_error *error)
{
    (void)context;
    (void)error;
    return TJ_OK;
}

/* The damaged rows, as the log tells them. */
static tj_status settle_rows(tj__repair_build *build, tj_error *error)
{
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    if (build->rows_settled) {
        return TJ_OK;
    }
    build->rows_settled = true;
    if (!tj__rowmap_sorted(build->damaged, &entries, &count)) {
        return no_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        tj__bytes key = tj__rowmap_key(entries[i]);
        const tj__rowmap_entry *told = tj__rowmap_find(build->told, key);
        build->rows_lost += !told;
        build->listener->row(build->listener->context, key,
                             told ? told->sequence : entries[i]->sequence, !told);
        if (told && !told->deleted && build->target) {
            tj__row row = {.key = key, .value = tj__rowmap_value(told), .sequence = told->sequence};
            TJ_TRY(tj__restore_target_put_row(build->target, &row, error));
        }
    }
    return TJ_OK;
}

/* ---- records ------------------------------------------------------------------------------- */

static tj_status tell_lost(const tj__repair_build *build, const tj__record *record, tj_error *error)
{
    tj__bytes rest = record->body;
    while (rest.size > 0) {
        tj__change change;
        TJ_TRY(tj__body_next(&rest, &change, error));
        build->listener->behind(build->listener->context, change.key, record->sequence);
    }
    return TJ_OK;
}

/* Kept: in the log, and in the state unless data.mdb includes it. */
static tj_status keep(tj__repair_build *build, const tj__swept_record *seen, tj_error *error)
{
    const tj__record *record = seen->record;
    const tj__repair_plan *plan = build->plan;
    bool included = record->sequence <= plan->applied;
    if (included && tj__rowmap_count(build->damaged) > 0) {
        TJ_TRY(tj__body_apply(build->told, TJ__TABLES_ALL, record->body, record->change_count,
                              record->sequence, &record->commit_id, error));
    }
    if (!included) {
        TJ_TRY(settle_rows(build, error));
    }
    if (!build->target) {
        return TJ_OK;
    }
    if (record->sequence >= plan->log_first) {
        return tj__restore_target_put_at(build->target, seen->header, &build->seal, record,
                                         &seen->end, included, error);
    }
    return included
               ? TJ_OK
               : tj__body_apply(build->target->batch, TJ__TABLES_ALL, record->body,
                                record->change_count, record->sequence, &record->commit_id, error);
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
        return TJ_OK;
    }
    bool kept = is_kept(build, record->sequence);
    bool lost = record->sequence > build->plan->end;
    TJ_TRY(tj__lift_take(&build->lift, record, !lost, error));
    if (lost) {
        return tell_lost(build, record, error);
    }
    return kept ? keep(build, seen, error) : TJ_OK;
}

static tj_status pass_fault(void *context, const tj__log_fault *fault, tj_error *error)
{
    (void)context;
    (void)fault;
    (void)error;
    return TJ_OK;
}

tj_status tj__repair_build_run(tj__repair_build *build, tj_error *error)
{
    const tj__examination *x = build->x;
    tj__inspection seen;
    tj__swept swept;
    tj__inspector inspector = {
        .row = see_row, .fault = see_fault, .begin = begin, .context = build};
    tj__sweep sweep = {.directory = x->log_path,
                       .journal_id = x->journal_id,
                       .first_segment = x->first_segment,
                       .record = see_record,
                       .fault = pass_fault,
                       .context = build,
                       .until = UINT64_MAX};
    if (build->plan->route == TJ__REPAIR_DATA) {
        TJ_TRY(tj__data_inspect(x->path, &inspector, &seen, error));
    }
    if (x->has_log) {
        TJ_TRY(tj__log_sweep(&sweep, &swept, error));
    }
    return settle_rows(build, error);
}
