/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Keys: where a segment changes algorithms, so that one of many is found in the past without
 * reading the segments that leave it as it is.
 *
 *   history/0000000012.keys     built where no .algos stands at the segment's end
 *
 * A file of the form that base.h describes, of rows of its own:
 *
 *   key    the first byte of a hash
 *   value  for each change of a row whose key has such a hash, ascending, 8 bytes: the upper half
 *          of the hash, XXH3-64 of the key with its table byte, in the upper half; below it the
 *          offset of the record in the segment, in units of TJ__RECORD_ALIGN
 *
 * It follows from its segment alone. Two keys with one hash are told apart by the records.
 */
#ifndef TJ_HISTORY_KEYS_H
#define TJ_HISTORY_KEYS_H

#include "history/base_build.h"

/* What a file has of a key: entries in ascending order, so by the place of their records. */
typedef struct tj__keys_span {
    const uint8_t *data; /* 8 bytes each, little-endian */
    size_t count;
} tj__keys_span;

/* The entries with a key's hash, valid until the next call on `keys`; one may be another key's. */
tj_status tj__keys_find(tj__base *keys, tj__bytes key, tj__keys_span *out, tj_error *error);
/* Where the record of an entry stands. */
uint64_t tj__keys_offset(const tj__keys_span *span, size_t at);

/* The entries of a sealed segment, uint64_t each, ascending, and where the log goes on behind it.
 * As tj__base_build. */
tj_status tj__keys_collect(const tj__base_place *place, uint64_t ordinal, tj__buffer *entries,
                           tj__position *end, tj_error *error);
/* Builds those that are missing behind segment *known and before segment `end`, until so many were
 * built; 0: all. *known is how far none is. Segments that are missing or damaged are passed over.
 * *built counts. */
tj_status tj__keys_extend(const tj__base_place *place, uint64_t first_segment, uint64_t end,
                          uint32_t limit, uint64_t *known, uint32_t *built, tj_error *error);

#endif
