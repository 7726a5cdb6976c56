/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A base that was read through, and the log from there. */
#include "repair/rows.h"

#include <inttypes.h>

#include "base/error.h"
#include "rows/body.h"

typedef struct replaying {
    tj__rowmap *changes;
    uint64_t tables;
    uint64_t from; /* behind this commit */
    uint64_t to;
    uint64_t count; /* of commits that were there */
} replaying;

static tj_status see_record(void *context, const tj__swept_record *seen, tj_error *error)
{
    replaying *r = context;
    const tj__record *record = seen->record;
    if (record->type != TJ__RECORD_COMMIT || record->sequence <= r->from ||
        record->sequence > r->to) {
        return TJ_OK;
    }
    r->count++;
    return tj__body_apply(r->changes, r->tables, record->body, record->change_count,
                          record->sequence, &record->commit_id, error);
}

static tj_status pass_fault(void *context, const tj__log_fault *fault, tj_error *error)
{
    (void)context;
    (void)fault;
    (void)error;
    return TJ_OK; /* the count tells whether a commit was in it */
}

/* Whole commits behind a damaged header are found as the examination found them. */
static tj_status replay(tj__repair_rows *rows, const tj__examination *x, tj__base_kind kind,
                        uint64_t sequence, tj_error *error)
{
    tj__swept swept;
    const tj__position *start = rows->base ? &rows->base->header.position : NULL;
    replaying r = {.changes = rows->changes,
                   .tables = tj__base_tables(kind),
                   .from = start ? start->sequence : 0,
                   .to = sequence};
    tj__sweep sweep = {.directory = x->log_path,
                       .journal_id = x->journal_id,
                       .first_segment = start ? start->ordinal : 1,
                       .record = see_record,
                       .fault = pass_fault,
                       .context = &r,
                       .until = sequence};
    if (sequence == r.from) {
        return TJ_OK;
    }
    TJ_TRY(tj__log_sweep(&sweep, &swept, error));
    return r.count == sequence - r.from ? TJ_OK
                                        : tj__fail(error, TJ_IO,
                                                   "the commits from %" PRIu64 " to %" PRIu64
                                                   " of %s could be read before, and cannot now",
                                                   r.from + 1, sequence, x->log_path);
}

tj_status tj__repair_rows_begin(tj__repair_rows *rows, const tj__examination *x, tj__base_kind kind,
                                uint64_t sequence, tj_error *error)
{
    const tj__seen_base *base = tj__examination_base_for(x, kind, sequence);
    *rows = (tj__repair_rows){.changes = tj__rowmap_new()};
    if (!rows->changes) {
        return tj__fail(error, TJ_NOMEM, "no memory to repair a journal");
    }
    if (base) {
        TJ_TRY(tj__base_open(x->history_path, &x->journal_id, kind, base->ordinal, &rows->base,
                             error));
    }
    TJ_TRY(replay(rows, x, kind, sequence, error));
    tj__layers_init(&rows->layers, rows->base ? &rows->base->rows : NULL, rows->changes, sequence);
    return TJ_OK;
}

void tj__repair_rows_end(tj__repair_rows *rows)
{
    tj__base_close(rows->base);
    tj__rowmap_free(rows->changes);
    *rows = (tj__repair_rows){0};
}
