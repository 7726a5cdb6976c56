/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Sums of rows: how many rows each table has of each book, and the sum of their checksums. A row's
 * checksum tells that it is what was written; its sum tells that it is there, and there once.
 *
 * They stand in the meta table, written in the transaction that changes the rows. Key: "sum", the
 * table's number (1 byte), the book's (4 bytes, big-endian); no row where there are no rows. Value,
 * little-endian:
 *    0  u64  rows
 *    8  u64  their checksums, added without regard to overflow
 *   16  u64  XXH3-64 of: the key, bytes 0 to 15
 */
#ifndef TJ_TABLE_SUMS_H
#define TJ_TABLE_SUMS_H

#include <tesser/error.h>

#include "base/rows.h"

#define TJ__SUM_KEY_SIZE 8
#define TJ__SUM_VALUE_SIZE 24

typedef struct tj__sum {
    uint8_t table;
    uint32_t book;
    uint64_t rows;
    uint64_t checksums;
    bool unknown;          /* a row that left was damaged: what it had counted for cannot be told */
    bool told;             /* its tally was */
    tj__row_tally classes; /* where they were counted apart */
} tj__sum;

/* One for each table and book that was asked for. Zero-initialized is empty. */
typedef struct tj__sums {
    tj__buffer items; /* tj__sum each */
    size_t newest;    /* the one that was asked for last */
} tj__sums;
void tj__sums_dispose(tj__sums *sums);
size_t tj__sums_count(const tj__sums *sums);
tj__sum *tj__sums_item(const tj__sums *sums, size_t index);
/* The one of the table and book in a row key; 0 rows when it is new. NULL when memory is short. */
tj__sum *tj__sums_of(tj__sums *sums, tj__bytes row_key);
/* The book in a key without its table byte: one that is shorter stands for one that has zeros
 * behind it. */
uint32_t tj__sum_short_book(tj__bytes key);
static inline uint32_t tj__sum_book(tj__bytes key)
{
    return key.size >= sizeof(uint32_t) ? tj__load_u32_be(key.data) : tj__sum_short_book(key);
}
/* The same as tj__sums_of for such a key. */
tj__sum *tj__sums_in(tj__sums *sums, uint8_t table, tj__bytes key);
/* Adds up the rows of both; false when memory is short. */
bool tj__sums_add(tj__sums *sums, const tj__sums *more);
/* The one of a table and book, or NULL. */
tj__sum *tj__sums_find(tj__sums *sums, uint8_t table, uint32_t book);
/* Whether a table of the file shows the rows that were stored. Which they are cannot be told beside
 * a damaged one, only their number. TJ_CORRUPT. */
tj_status tj__sums_agree(const tj__sums *stored, const tj__sums *counted, uint8_t table,
                         bool damaged_row, const char *path, tj_error *error);

void tj__sum_key(uint8_t key[TJ__SUM_KEY_SIZE], const tj__sum *sum);
bool tj__sum_is_key(tj__bytes key);
void tj__sum_encode(uint8_t value[TJ__SUM_VALUE_SIZE], const tj__sum *sum);
/* TJ_CORRUPT when the bytes are none. */
tj_status tj__sum_decode(tj__bytes key, tj__bytes value, tj__sum *out, tj_error *error);

#endif
