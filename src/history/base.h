/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bases: files of rows as they were at the end of a segment, a quick way into the log.
 *
 *   history/0000000012.state   all rows of BOOKS, STATE, COUNTERS at the end of segment 12
 *   history/0000000012.algos   all rows of ALGOS, QUARANTINE
 *   history/0000000012.rest    written when segments go: the rows of LEDGER and LEDGER_TIME since
 *                              the .rest before it, and all of COMMITS
 *   history/0000000012.keys    of the same form: where segment 12 changes algorithms (keys.h)
 *
 * A base follows from sealed segments and the base before it, and from nothing else: whoever builds
 * it writes the same bytes, and one that is lost or damaged makes reading slower and never wrong.
 *
 * Header, little-endian           Block: ascending rows          Index: an entry for each block
 *    0  8  magic "TJHBASE1"         0  2  key size                 0  8  offset
 *    8  4  format version, 1        2  2  0                        8  4  size
 *   12  4  tables, one bit each     4  4  value size              12  4  rows
 *   16 16  journal id               8  8  sequence                16  8  hash of the block
 *   32  8  sequence                16     key with table byte     24  2  size of its first key
 *   40  8  time                           value                   26     that key
 *   48  8  hash of the seal
 *   56  8  epoch                  A block ends behind the row that brings it to
 *   64  8  segment behind it      TJ__BASE_BLOCK_SIZE bytes.
 *   72  8  offset there
 *   80  8  rows
 *   88  8  bytes of all blocks
 *   96  8  offset of the index
 *  104  8  size of the index: the file ends with it
 *  112  8  hash of the index
 *  120  8  hash of bytes 0 to 119
 */
#ifndef TJ_HISTORY_BASE_H
#define TJ_HISTORY_BASE_H

#include <tesser/uuid.h>

#include "log/segment.h"
#include "model/position.h"

#define TJ__HISTORY_DIRECTORY "history"
#define TJ__BASE_VERSION 1
#define TJ__BASE_HEADER_SIZE 128
#define TJ__BASE_ID_AT 16
#define TJ__BASE_BLOCK_SIZE 16384
#define TJ__BASE_ROW_HEAD_SIZE 16
#define TJ__BASE_INDEX_HEAD_SIZE 26
#define TJ__BASE_PATH_SIZE TJ__SEGMENT_PATH_SIZE

typedef enum tj__base_kind {
    TJ__BASE_STATE,
    TJ__BASE_ALGOS,
    TJ__BASE_REST,
    TJ__BASE_KEYS /* no base: it has no rows of the journal */
} tj__base_kind;
/* Those that are built behind the commits: the first two. */
#define TJ__BASE_KINDS 2

/* The tables that bases of a kind hold, as bits; bit 0: it tells where they change. */
uint64_t tj__base_tables(tj__base_kind kind);
/* "state", "algos", "rest", "keys": how the names of its files end. */
const char *tj__base_suffix(tj__base_kind kind);

typedef struct tj__base_header {
    uint64_t tables;
    tj_uuid journal_id;
    tj__position position; /* where the log goes on: the start of the records in the next segment */
    uint64_t rows;
    uint64_t row_bytes; /* of all blocks */
    uint64_t index_offset;
    uint64_t index_size;
    uint64_t index_hash;
} tj__base_header;

/* The size of its file. */
static inline uint64_t tj__base_size(const tj__base_header *header)
{
    return header->index_offset + header->index_size;
}

void tj__base_header_encode(const tj__base_header *header, uint8_t out[TJ__BASE_HEADER_SIZE]);
/* Checks magic, version, hash, then what it says against the name it has. TJ_CORRUPT,
 * TJ_FORMAT_NEWER. */
tj_status tj__base_header_decode(const uint8_t bytes[TJ__BASE_HEADER_SIZE],
                                 const tj_uuid *journal_id, tj__base_kind kind, uint64_t ordinal,
                                 const char *path, tj__base_header *out, tj_error *error);

/* The path of the base at the end of a segment; `unfinished`: while it is written. */
tj_status tj__base_path(char out[TJ__BASE_PATH_SIZE], const char *directory, tj__base_kind kind,
                        uint64_t ordinal, bool unfinished, tj_error *error);

typedef struct tj__base_list {
    uint64_t *ordinals; /* ascending */
    size_t count;
} tj__base_list;

/* The bases of a kind that are there by name. A directory that is not there has none. */
tj_status tj__base_list_read(const char *directory, tj__base_kind kind, tj__base_list *out,
                             tj_error *error);
void tj__base_list_dispose(tj__base_list *list);
/* Bytes of all bases that are there. */
tj_status tj__bases_size(const char *directory, uint64_t *bytes, tj_error *error);
/* Removes what a writer that was stopped left unfinished. For the one writer. */
void tj__base_tidy(const char *directory);

#endif
