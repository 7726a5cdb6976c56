/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Whether a plan names a row twice in a scope. A transaction says so at the call that is wrong,
 * when there is no tip to look at; for a state that is saved at once the scope itself finds it.
 */
#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
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

/* A key by its place in the plan, found by its hash. */
typedef struct seen_key {
    uint32_t hash;
    uint16_t size; /* 0: free */
    size_t at;
} seen_key;

static bool add_seen(seen_key *table, size_t capacity, const tj__plan *plan, tj__bytes key)
{
    uint32_t hash = (uint32_t)tj__hash(key.data, key.size);
    size_t place = hash & (capacity - 1);
    for (; table[place].size > 0; place = (place + 1) & (capacity - 1)) {
        tj__bytes other = tj__bytes_of(plan->rows.data + table[place].at, table[place].size);
        if (table[place].hash == hash && tj__bytes_equal(other, key)) {
            return false;
        }
    }
    table[place] = (seen_key){hash, (uint16_t)key.size, (size_t)(key.data - plan->rows.data)};
    return true;
}

tj_status tj__plan_check_unique(const tj__plan *plan, size_t mark, tj_error *error)
{
    size_t row_count = 0;
    unsigned kinds = find_unsorted_kinds(plan, mark, &row_count);
    if (kinds == 0) {
        return TJ_OK;
    }
    size_t capacity = 16;
    while (capacity < 2 * row_count) {
        capacity *= 2;
    }
    seen_key *table = calloc(capacity, sizeof *table);
    if (!table) {
        return tj__fail(error, TJ_NOMEM, "no memory to look for what stands twice");
    }
    tj_status status = TJ_OK;
    for (size_t at = mark; at < plan->rows.size && status == TJ_OK;) {
        tj__plan_row row;
        uint8_t *bytes = NULL;
        tj__bytes value;
        at = tj__plan_row_read(plan, at, &row, &bytes, &value);
        tj__bytes key = tj__bytes_of(bytes, row.key_size);
        if (row.op == TJ__PLAN_PUT && (kinds & TJ__KIND_BIT(bytes[TJ__KEY_KIND_AT])) &&
            !add_seen(table, capacity, plan, key)) {
            status = tj__plan_refuse_twice(key, error);
        }
    }
    free(table);
    return status;
}
