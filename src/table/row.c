/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A stored value:
 *    0  u64  XXH3-64 of: row key with its table byte, sequence (u64), value
 *    8  u64  sequence of the commit that wrote it
 *   16       the value
 * The key is in the checksum so that a value that has moved to another row is noticed.
 */
#include "base/hash.h"
#include "table/internal.h"

void tj__row_wrap(uint8_t *stored, tj__bytes key, uint64_t sequence, tj__bytes value)
{
    tj__store_u64(stored, tj__row_hash(key, sequence, value));
    tj__store_u64(stored + 8, sequence);
    if (value.size > 0) {
        memcpy(stored + TJ__ROW_HEADER_SIZE, value.data, value.size);
    }
}

uint64_t tj__row_checksum(tj__bytes stored)
{
    return stored.size < sizeof(uint64_t) ? 0 : tj__load_u64(stored.data);
}

tj__row tj__row_unwrap(tj__bytes key, tj__bytes stored)
{
    tj__row row = {.key = key, .value = stored, .damaged = true};
    if (stored.size < TJ__ROW_HEADER_SIZE) {
        return row;
    }
    tj__bytes value =
        tj__bytes_of(stored.data + TJ__ROW_HEADER_SIZE, stored.size - TJ__ROW_HEADER_SIZE);
    row.sequence = tj__load_u64(stored.data + 8);
    if (tj__row_hash(key, row.sequence, value) == tj__load_u64(stored.data)) {
        row.value = value;
        row.damaged = false;
    }
    return row;
}
