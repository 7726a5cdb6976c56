/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Tesser's LiveState in bincode 1.3, as JSON text in Tesser's spelling.
 *
 * Little-endian, integers of fixed width, u64 for every length; an option is one byte, 0 or 1; an
 * enum a u32 in the order of its names; a string its length and UTF-8; a map its length, then keys
 * and values; a struct its members in order. There are no names and no types: what bytes mean
 * follows from the layout alone, and that the layout is the right one shows in that it ends exactly
 * at the end.
 */
#ifndef TJ_MIGRATE_BINCODE_H
#define TJ_MIGRATE_BINCODE_H

#include <tesser/error.h>

#include "base/buffer.h"

typedef enum tj__bincode_part {
    TJ__BINCODE_HEAD,      /* portfolio, open_orders, last_prices, last_candle_ts */
    TJ__BINCODE_CHECKPOINT /* execution_checkpoint */
} tj__bincode_part;

/* Appends one part as the members of an object, without its braces, and moves *rest behind it. Keys
 * of maps are written as they come, repeated ones too. TJ_INVALID saying where and why it is not
 * that part; TJ_NOMEM. */
tj_status tj__bincode_read(tj__bincode_part part, tj__bytes *rest, tj__buffer *json,
                           tj_error *error);

/* Whether the bytes start with a value as serde_json encodes it into bincode, which has no type
 * tags: null is nothing, a boolean one byte, a number eight (integers and floats alike), strings,
 * arrays and objects their length and what is in them. Objects may come in any order. *size is how
 * many bytes it takes. TJ_INVALID when json is no JSON; TJ_NOMEM. */
tj_status tj__bincode_match(tj_str json, tj__bytes bytes, bool *matches, size_t *size,
                            tj_error *error);

#endif
