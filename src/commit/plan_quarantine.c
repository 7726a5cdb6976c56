/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The changes of a plan that put and delete rows of the quarantine. */
#include "base/error.h"
#include "commit/plan.h"
#include "rows/quarantine.h"

static tj_status open_row(tj__plan *plan, tj__plan_op op, tj__table table, tj__bytes key,
                          tj_error *error)
{
    tj__pen pen = {NULL};
    if (key.size > TJ__QUARANTINE_KEY_SIZE_MAX) {
        return tj__fail(error, TJ_LIMIT,
                        "a key of %zu bytes cannot be kept in quarantine; the longest has %d",
                        key.size, TJ__QUARANTINE_KEY_SIZE_MAX);
    }
    TJ_TRY(tj__plan_row_open(plan, op, TJ__TABLE_QUARANTINE, 1 + key.size, &pen, error));
    tj__pen_u8(&pen, (uint8_t)table);
    tj__pen_bytes(&pen, key.data, key.size);
    tj__plan_key_close(plan, &pen);
    return TJ_OK;
}

static tj_status put(tj__plan *plan, const tj__quarantined *row, tj_error *error)
{
    tj__pen pen = {NULL};
    tj_str reason = row->reason;
    if (reason.size > TJ__QUARANTINE_REASON_SIZE_MAX) {
        reason.size = TJ__QUARANTINE_REASON_SIZE_MAX;
    }
    TJ_TRY(open_row(plan, TJ__PLAN_PUT, row->table, row->key, error));
    TJ_TRY(tj__pen_start(&plan->rows, 1 + 2 + reason.size + row->raw.size, &pen, error));
    tj__pen_u8(&pen, TJ__QUARANTINE_VERSION);
    tj__pen_short_str(&pen, reason);
    tj__pen_bytes(&pen, row->raw.data, row->raw.size);
    tj__pen_finish(&plan->rows, &pen);
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_put_quarantine(tj__plan *plan, const tj__quarantined *row, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, false, put(plan, row, error));
}

static tj_status delete_row(tj__plan *plan, tj__table table, tj__bytes key, tj_error *error)
{
    TJ_TRY(open_row(plan, TJ__PLAN_DELETE, table, key, error));
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_delete_quarantine(tj__plan *plan, tj__table table, tj__bytes key,
                                     tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, false, delete_row(plan, table, key, error));
}
