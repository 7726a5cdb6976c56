/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The rows of a commit while it is resolved: what a key will hold, and what is put or deleted. */
#include <stdlib.h>

#include "base/error.h"
#include "commit/resolve.h"
#include "rows/value.h"

tj_status tj__draft_no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for the changes of a commit");
}

tj__held *tj__draft_find(const tj__tip *tip, tj__bytes key)
{
    tj__held *row = tj__held_find(&tip->pending, key);
    if (!row) {
        return tj__held_find(&tip->rows, key);
    }
    return row->deleted ? NULL : row;
}

static bool add(tj__tip *tip, tj__held *row)
{
    if (!tj__keytable_reserve(&tip->pending, 1) || !tj__held_list_reserve(&tip->pending_rows, 1)) {
        return false;
    }
    tj__held_index_add(&tip->pending, row);
    tj__held_list_add(&tip->pending_rows, row);
    return true;
}

static tj_status pend(tj__tip *tip, tj__bytes key, tj__bytes value, bool deleted, tj__held **out,
                      tj_error *error)
{
    tj__held *row = tj__held_new(key, value);
    if (!row) {
        return tj__draft_no_memory(error);
    }
    row->deleted = deleted;
    row->seen = tip->scope;
    tj__held *old = tj__held_find_same(&tip->pending, row);
    if (old) {
        tj__held_index_replace(&tip->pending, old, row);
        row->slot = old->slot;
        tip->pending_rows.rows[row->slot] = row;
        free(old);
    } else if (!add(tip, row)) {
        free(row);
        return tj__draft_no_memory(error);
    }
    *out = row;
    return TJ_OK;
}

tj_status tj__draft_put(tj__tip *tip, tj__bytes key, tj__bytes value, tj__held **out,
                        tj_error *error)
{
    return pend(tip, key, value, false, out, error);
}

tj_status tj__draft_delete(tj__tip *tip, tj__bytes key, tj_error *error)
{
    tj__held *ignored = NULL;
    return pend(tip, key, (tj__bytes){NULL, 0}, true, &ignored, error);
}

tj_status tj__draft_merge(tj__tip *tip, unsigned keep, tj__bytes value, const tj__held *current,
                          tj__bytes *merged, tj_error *error)
{
    *merged = value;
    if (!current || keep == 0) {
        return TJ_OK;
    }
    unsigned kind = current->bytes[TJ__KEY_KIND_AT];
    TJ_TRY(tj__value_merge(kind, keep, value, tj__held_value(current), &tip->merged, error));
    *merged = tj__buffer_bytes(&tip->merged);
    if (merged->size > TJ__ROW_VALUE_SIZE_MAX) {
        return tj__fail(error, TJ_LIMIT,
                        "a row with its unknown members has %zu bytes, %u are allowed",
                        merged->size, TJ__ROW_VALUE_SIZE_MAX);
    }
    return TJ_OK;
}

/* Whether the row leaves the tip as it is. What the tip does not hold always counts. */
static bool changes_nothing(const tj__tip *tip, const tj__held *row)
{
    if (row->bytes[0] != TJ__TABLE_STATE) {
        return false;
    }
    const tj__held *stored = tj__held_find_same(&tip->rows, row);
    if (row->deleted || !stored) {
        return row->deleted && !stored;
    }
    return tj__bytes_equal(tj__held_value(row), tj__held_value(stored));
}

void tj__draft_compact(tj__tip *tip)
{
    tj__held_list *list = &tip->pending_rows;
    for (size_t i = 0; i < list->size; i++) {
        tj__held *row = list->rows[i];
        if (changes_nothing(tip, row)) {
            tj__held_index_remove(&tip->pending, row);
            list->rows[i] = NULL;
            list->count--;
            free(row);
        }
    }
    tj__held_list_close_holes(list);
}
