/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows of the past from what was found, rows of now from the new data.mdb. */
#include "repair/bases.h"

#include "base/error.h"
#include "base/file.h"
#include "history/base_writer.h"

typedef struct writing {
    tj__base_writer *writer;
    uint64_t sequence; /* later rows are left out */
} writing;

static tj_status write_row(void *context, const tj__row *row, tj_error *error)
{
    const writing *w = context;
    return row->sequence <= w->sequence ? tj__base_writer_add(w->writer, row, error) : TJ_OK;
}

static tj_status write_base(const tj__restore_target *target, const char *directory,
                            tj__base_kind kind, const tj__position *position, tj__row_source *rows,
                            tj_error *error)
{
    writing w = {.sequence = position->sequence};
    tj_status status =
        tj__base_writer_open(directory, kind, position->ordinal - 1, &w.writer, error);
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST && status == TJ_OK; table++) {
        if (tj__base_tables(kind) & TJ__TABLE_BIT(table)) {
            status =
                tj__rows_scan_prefix(rows, tj__bytes_of(&table, 1), false, write_row, &w, error);
        }
    }
    if (status == TJ_OK) {
        status = tj__base_writer_finish(w.writer, &target->journal_id, position, NULL, error);
    }
    tj__base_writer_close(w.writer);
    return status;
}

static tj_status write_past(const tj__repair_build *build, const char *directory,
                            tj__base_kind kind, tj_error *error)
{
    tj__repair_rows rows;
    const tj__position *start = &build->plan->start;
    tj_status status = tj__repair_rows_begin(&rows, build->x, kind, start->sequence, error);
    if (status == TJ_OK) {
        status = write_base(build->target, directory, kind, start, &rows.layers.rows, error);
    }
    tj__repair_rows_end(&rows);
    return status;
}

/* Entries and commit ids of then are those of now that are not younger. */
static tj_status write_now(const tj__repair_build *build, const char *directory,
                           const tj__position *position, tj_error *error)
{
    tj__env_snapshot *snapshot = NULL;
    tj__position newest;
    TJ_TRY(tj__env_snapshot_begin(build->target->env, &snapshot, &newest, error));
    tj__row_source *rows = tj__env_snapshot_rows(snapshot);
    tj_status status = write_base(build->target, directory, TJ__BASE_REST, position, rows, error);
    for (int kind = 0; kind < TJ__BASE_KINDS && status == TJ_OK && !build->plan->start_known;
         kind++) {
        status = write_base(build->target, directory, (tj__base_kind)kind, position, rows, error);
    }
    tj__env_snapshot_end(snapshot);
    return status;
}

tj_status tj__repair_bases_write(const tj__repair_build *build, tj_error *error)
{
    const tj__repair_plan *plan = build->plan;
    const char *directory = build->target->history_path;
    if (plan->route == TJ__REPAIR_LOG) {
        return TJ_OK;
    }
    TJ_TRY(tj__directory_make(directory, build->target->built, error));
    for (int kind = 0; kind < TJ__BASE_KINDS && plan->start_known; kind++) {
        TJ_TRY(write_past(build, directory, (tj__base_kind)kind, error));
    }
    return write_now(build, directory, plan->start_known ? &plan->start : &build->target->position,
                     error);
}
