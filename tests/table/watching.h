/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What an open environment shows: what it says of itself, and the rows of a snapshot. */
#ifndef TJ_TESTS_TABLE_WATCHING_H
#define TJ_TESTS_TABLE_WATCHING_H

#include "support.h"

static inline tj__env_info info_of(tj__env *env)
{
    tj__env_info info;
    assert_ok(tj__env_info_get(env, &info, &err));
    return info;
}

typedef struct tally {
    unsigned rows;
    uint64_t bytes;
    uint64_t sequence; /* of all rows, which must be the same */
} tally;

static inline tj_status see_row(void *context, const tj__row *row, tj_error *error)
{
    tally *seen = context;
    if (row->damaged || (seen->rows > 0 && row->sequence != seen->sequence)) {
        return tj__fail(error, TJ_CORRUPT, "a row of another commit, or a damaged one");
    }
    seen->rows++;
    seen->bytes += row->value.size;
    seen->sequence = row->sequence;
    return TJ_OK;
}

static inline tj_status tally_rows(tj__env_snapshot *snapshot, tally *out, tj_error *error)
{
    *out = (tally){0};
    return tj__rows_scan_prefix(tj__env_snapshot_rows(snapshot), text_bytes("\3row"), false,
                                see_row, out, error);
}

static inline tj__env_snapshot *snapshot_of(tj__env *env, uint64_t sequence)
{
    tj__env_snapshot *snapshot = NULL;
    tj__position position;
    assert_ok(tj__env_snapshot_begin(env, &snapshot, &position, &err));
    assert_int_equal(position.sequence, sequence);
    return snapshot;
}

#endif
