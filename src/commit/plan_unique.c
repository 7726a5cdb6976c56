/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Whether a plan names a row twice in a scope. A transaction says so at the call that is wrong,
 * when there is no tip to look at; for a state that is saved at once the scope itself finds it.
 */
#include "base/error.h"
#include "base/keytable.h"
#include "commit/plan.h"

tj_status tj__plan_refuse_twice(tj__bytes key, tj_error *error)
{
    char text[TJ__KEY_TEXT_SIZE];
    tj__key_describe(key, text);
    return tj__fail(error, TJ_INVALID, "%s stands twice", text);
}

/* Looks for neighbours in descending order. A kind whose keys only rise cannot have one twice; that
 * is a usual order, and costs no table. Returns the other kinds. */
static unsigned find_unsorted_kinds(const tj__plan *plan, size_t mark, size_t *row_count)
{
    tj__bytes last[TJ__KIND_LAST + 1] = {{0}};
    unsigned unsorted = 0;
    for (size_t at = mark; at < plan->rows.size;) {
        tj__plan_row row;
        uint8_t *bytes = NULL;
        tj__bytes value;
        at = tj__plan_row_read(plan, at, &row, &bytes, &value);
        if (row.op != TJ__PLAN_PUT) {
            continue;
        }
        unsigned kind = bytes[TJ__KEY_KIND_AT];
        tj__bytes key = tj__bytes_of(bytes, row.key_size);
        if (last[kind].data && tj__bytes_compare(last[kind], key) >= 0) {
            unsorted |= TJ__KIND_BIT(kind);
        }
        last[kind] = key;
        ++*row_count;
    }
    return unsorted;
}

/* An entry of the table is a row of the plan, from its head on. */
static tj__bytes key_of(const void *row)
{
    return tj__plan_row_key(row);
}

static bool add_seen(tj__keytable *seen, uint8_t *row)
{
    tj__bytes key = key_of(row);
    uint32_t hash = tj__keytable_hash(key);
    tj__keyslot *slot = tj__keytable_slot(seen, hash, key, key_of);
    if (slot->entry) {
        return false;
    }
    tj__keytable_put(seen, slot, hash, row);
    return true;
}

tj_status tj__plan_check_unique(const tj__plan *plan, size_t mark, tj_error *error)
{
    size_t row_count = 0;
    unsigned kinds = find_unsorted_kinds(plan, mark, &row_count);
    if (kinds == 0) {
        return TJ_OK;
    }
    tj__keytable seen = {0};
    if (!tj__keytable_reserve(&seen, row_count)) {
        return tj__fail(error, TJ_NOMEM, "no memory to look for what stands twice");
    }
    tj_status status = TJ_OK;
    for (size_t at = mark; at < plan->rows.size && status == TJ_OK;) {
        tj__plan_row row;
        uint8_t *bytes = NULL;
        tj__bytes value;
        uint8_t *head = plan->rows.data + at;
        at = tj__plan_row_read(plan, at, &row, &bytes, &value);
        if (row.op == TJ__PLAN_PUT && (kinds & TJ__KIND_BIT(bytes[TJ__KEY_KIND_AT])) &&
            !add_seen(&seen, head)) {
            status = tj__plan_refuse_twice(key_of(head), error);
        }
    }
    tj__keytable_dispose(&seen);
    return status;
}
