/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>

#include "base/error.h"
#include "codec/resolve.h"
#include "codec/value.h"

tj_status tj__pending_no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for the changes of a commit");
}

tj__held *tj__current(const tj__base *base, tj__bytes key)
{
    tj__held *row = tj__held_find(&base->pending, key);
    if (!row) {
        return tj__held_find(&base->rows, key);
    }
    return row->deleted ? NULL : row;
}

static bool add(tj__base *base, tj__held *row)
{
    if (!tj__held_index_reserve(&base->pending, 1) ||
        !tj__held_list_reserve(&base->pending_rows, 1)) {
        return false;
    }
    tj__held_index_add(&base->pending, row);
    tj__held_list_add(&base->pending_rows, row);
    return true;
}

static tj_status pend(tj__base *base, tj__bytes key, tj__bytes value, bool deleted, tj__held **out,
                      tj_error *error)
{
    tj__held *row = tj__held_new(key, value);
    if (!row) {
        return tj__pending_no_memory(error);
    }
    row->deleted = deleted;
    row->seen = base->scope;
    tj__held *old = tj__held_find_same(&base->pending, row);
    if (old) {
        tj__held_index_replace(&base->pending, old, row);
        row->slot = old->slot;
        base->pending_rows.rows[row->slot] = row;
        free(old);
    } else if (!add(base, row)) {
        free(row);
        return tj__pending_no_memory(error);
    }
    *out = row;
    return TJ_OK;
}

tj_status tj__pend_put(tj__base *base, tj__bytes key, tj__bytes value, tj__held **out,
                       tj_error *error)
{
    return pend(base, key, value, false, out, error);
}

tj_status tj__pend_delete(tj__base *base, tj__bytes key, tj_error *error)
{
    tj__held *ignored = NULL;
    return pend(base, key, (tj__bytes){NULL, 0}, true, &ignored, error);
}

tj_status tj__merge(tj__base *base, unsigned keep, tj__bytes value, const tj__held *current,
                    tj__bytes *merged, tj_error *error)
{
    *merged = value;
    if (!current || keep == 0) {
        return TJ_OK;
    }
    unsigned kind = current->bytes[TJ__KEY_KIND_AT];
    TJ_TRY(tj__value_merge(kind, keep, value, tj__held_value(current), &base->merged, error));
    *merged = tj__buffer_bytes(&base->merged);
    if (merged->size > TJ__ROW_VALUE_SIZE_MAX) {
        return tj__fail(error, TJ_LIMIT,
                        "a row with its unknown members has %zu bytes, %u are allowed",
                        merged->size, TJ__ROW_VALUE_SIZE_MAX);
    }
    return TJ_OK;
}

/* Whether the row leaves the base as it is. What the base does not hold always counts. */
static bool changes_nothing(const tj__base *base, const tj__held *row)
{
    if (row->bytes[0] != TJ__TABLE_STATE) {
        return false;
    }
    const tj__held *stored = tj__held_find_same(&base->rows, row);
    if (row->deleted || !stored) {
        return row->deleted && !stored;
    }
    return tj__bytes_equal(tj__held_value(row), tj__held_value(stored));
}

void tj__pending_compact(tj__base *base)
{
    tj__held_list *list = &base->pending_rows;
    for (size_t i = 0; i < list->size; i++) {
        tj__held *row = list->rows[i];
        if (changes_nothing(base, row)) {
            tj__held_index_remove(&base->pending, row);
            list->rows[i] = NULL;
            list->count--;
            free(row);
        }
    }
    tj__held_list_close_holes(list);
}
