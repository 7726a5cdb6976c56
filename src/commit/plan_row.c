/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows as they were stored once, put back with their ranks. */
#include "base/error.h"
#include "commit/plan.h"

static tj_status add_row(tj__plan *plan, tj__plan_op op, tj__bytes key, tj__bytes value,
                         tj_error *error)
{
    tj__pen pen = {NULL};
    tj__bytes rest = tj__bytes_of(key.data + TJ__KEY_REST_AT, key.size - TJ__KEY_REST_AT);
    TJ_TRY(tj__plan_row_open(plan, op, (tj__table)key.data[0], rest.size, &pen, error));
    tj__pen_bytes(&pen, rest.data, rest.size);
    tj__plan_key_close(plan, &pen);
    tj__put_bytes(&plan->rows, value.data, value.size);
    return tj__plan_row_close(plan, 0, error);
}

static tj_status put_or_delete(tj__plan *plan, tj__plan_op op, tj__bytes key, tj__bytes value,
                               tj_error *error)
{
    size_t mark = 0;
    TJ_ASSERT(key.size > TJ__KEY_REST_AT &&
              (key.data[0] == TJ__TABLE_STATE || key.data[0] == TJ__TABLE_ALGOS));
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    tj_status status = add_row(plan, op, key, value, error);
    return tj__plan_end(plan, mark, key.data[0] == TJ__TABLE_STATE, status);
}

tj_status tj__plan_put_row(tj__plan *plan, tj__bytes key, tj__bytes value, tj_error *error)
{
    return put_or_delete(plan, TJ__PLAN_PUT_ROW, key, value, error);
}

tj_status tj__plan_delete_row(tj__plan *plan, tj__bytes key, tj_error *error)
{
    return put_or_delete(plan, TJ__PLAN_DELETE, key, (tj__bytes){NULL, 0}, error);
}
