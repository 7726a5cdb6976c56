/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reserving numbers. A counter only rises (P13): reservations alone write its row, each a higher
 * number. */
#include <inttypes.h>

#include "base/error.h"
#include "base/text.h"
#include "commit/resolve.h"
#include "rows/value.h"

static tj_status reserve(tj__plan *plan, tj_str name, uint64_t count, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(tj__plan_row_open(plan, TJ__PLAN_COUNTER, TJ__TABLE_COUNTERS, name.size, &pen, error));
    tj__pen_str(&pen, name);
    tj__plan_key_close(plan, &pen);
    tj__put_u64(&plan->rows, count);
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_reserve(tj__plan *plan, tj_str name, uint64_t count, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__counter_name_check(name, error));
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, false, reserve(plan, name, count, error));
}

tj_status tj__resolve_counter(tj__tip *tip, tj__bytes key, uint64_t count, tj__resolved *resolved,
                              tj_error *error)
{
    uint8_t value[TJ__COUNTER_VALUE_SIZE] = {TJ__COUNTER_VERSION};
    tj__held *current = tj__draft_find(tip, key);
    tj__held *ignored = NULL;
    uint64_t first = 1;
    if (current) {
        TJ_TRY(tj__counter_get(tj__held_value(current), &first, error));
    }
    if (count > TJ__COUNTER_MAX - first) {
        tj_str name = {(const char *)key.data + TJ__KEY_REST_AT, key.size - TJ__KEY_REST_AT};
        char quoted[TJ__QUOTE_SIZE];
        return tj__fail(error, TJ_LIMIT,
                        "counter %s stands at %" PRIu64 " and cannot go %" PRIu64 " further",
                        tj__text_quote(name, quoted), first, count);
    }
    tj__store_u64(value + 1, first + count);
    TJ_TRY(tj__draft_put(tip, key, tj__bytes_of(value, sizeof value), &ignored, error));
    resolved->counter_first = first;
    return TJ_OK;
}
