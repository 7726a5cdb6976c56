/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The end of a prefix, scans of a prefix, and the checksum of a row. */
#include "base/rows.h"

#include "base/error.h"
#include "base/hash.h"

/* Rows up to this are hashed in one piece, on a copy: cheaper than XXH3's streaming state. */
#define ONE_PIECE_SIZE 2048

uint64_t tj__row_hash(tj__bytes key, uint64_t sequence, tj__bytes value)
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

bool tj__rows_prefix_end(tj__bytes prefix, uint8_t *end, size_t *end_size)
{
    size_t size = prefix.size;
    while (size > 0 && prefix.data[size - 1] == 0xff) {
        size--;
    }
    if (size == 0) {
        return false;
    }
    memcpy(end, prefix.data, size);
    end[size - 1]++;
    *end_size = size;
    return true;
}

tj_status tj__rows_scan_prefix(tj__row_source *source, tj__bytes prefix, bool descending,
                               tj__row_visitor *visitor, void *context, tj_error *error)
{
    uint8_t end[TJ__PREFIX_SIZE_MAX];
    size_t end_size = 0;
    TJ_ASSERT(prefix.size <= sizeof end);
    bool has_end = tj__rows_prefix_end(prefix, end, &end_size);
    TJ_ASSERT(has_end); /* a prefix starts with a table's number, which is never 0xff */
    return source->scan(source, prefix, tj__bytes_of(end, end_size), descending, visitor, context,
                        error);
}
