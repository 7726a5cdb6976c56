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

/* Rows up to this are hashed in one piece, on a copy: cheaper than XXH3's streaming state. */
#define ONE_PIECE_SIZE 2048

static uint64_t row_hash(tj__bytes key, uint64_t sequence, tj__bytes value)
{
    uint8_t piece[ONE_PIECE_SIZE];
    uint8_t number[8];
    tj__store_u64(number, sequence);
    size_t head = key.size + sizeof number;
    if (head + value.size <= sizeof piece) {
        memcpy(piece, key.data, key.size);
        memcpy(piece + key.size, number, sizeof number);
        if (value.size > 0) {
            memcpy(piece + head, value.data, value.size);
        }
        return tj__hash(piece, head + value.size);
    }
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, key.data, key.size);
    XXH3_64bits_update(&state, number, sizeof number);
    XXH3_64bits_update(&state, value.data, value.size);
    return XXH3_64bits_digest(&state);
}

void tj__row_wrap(uint8_t *stored, tj__bytes key, uint64_t sequence, tj__bytes value)
{
    tj__store_u64(stored, row_hash(key, sequence, value));
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
    tj__row damaged = {.key = key, .value = stored, .damaged = true};
    if (stored.size < TJ__ROW_HEADER_SIZE) {
        return damaged;
    }
    damaged.sequence = tj__load_u64(stored.data + 8);
    tj__row row = {
        .key = key,
        .value = tj__bytes_of(stored.data + TJ__ROW_HEADER_SIZE, stored.size - TJ__ROW_HEADER_SIZE),
        .sequence = tj__load_u64(stored.data + 8)};
    return row_hash(key, row.sequence, row.value) == tj__load_u64(stored.data) ? row : damaged;
}
