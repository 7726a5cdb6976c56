/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Rows: what every engine stores and every load reads.
 *
 * A row key is the table's number (1 byte, tj__table in model/change.h), then the key inside
 * that table. The same keys are used in the log, in LMDB (there the first byte chooses the named
 * database) and in memory, so a commit's changes need no translation on their way.
 */
#ifndef TJ_BASE_ROWS_H
#define TJ_BASE_ROWS_H

#include <tesser/error.h>

#include "base/buffer.h"

typedef struct tj__row {
    tj__bytes key;     /* with the table byte */
    tj__bytes value;   /* without checksum and sequence; raw bytes when damaged */
    uint64_t sequence; /* the commit that wrote it */
    bool damaged;      /* its checksum does not match: then value and sequence are what is there */
    const char *file;  /* where a damaged one stands; NULL when it is in no file */
    uint64_t offset;
} tj__row;

/* A row's checksum, wherever it is stored: XXH3-64 of the key, the sequence (u64), the value. */
uint64_t tj__row_hash(tj__bytes key, uint64_t sequence, tj__bytes value);

/* A row that follows from another: of an index. */
typedef struct tj__derived_row {
    uint8_t key[32];
    size_t key_size;
    uint8_t value[16];
    size_t value_size;
} tj__derived_row;
/* Writes the one that follows from a row; false: none does. */
typedef bool tj__row_deriver(tj__bytes key, tj__bytes value, tj__derived_row *out);

/* Looks at one row; views are valid during the call only. Any status but TJ_OK stops the scan
 * and becomes its result, except TJ__STOP, which ends it with TJ_OK. */
typedef tj_status tj__row_visitor(void *context, const tj__row *row, tj_error *error);
#define TJ__STOP ((tj_status)-1)

/* How many rows there are of each class; which that is, a classifier tells of the first bytes of a
 * key, or of a shorter one. */
#define TJ__ROW_CLASSES 4
#define TJ__ROW_CLASS_SIZE 7
typedef struct tj__row_tally {
    uint64_t rows[TJ__ROW_CLASSES];
} tj__row_tally;
typedef unsigned tj__row_classifier(tj__bytes key);

/* A consistent view of all rows after some commit. */
typedef struct tj__row_source tj__row_source;
struct tj__row_source {
    /* Finds one row. TJ_NOT_FOUND (without touching error) when it is not there. The views in
     * *row are valid until the next call on this source. */
    tj_status (*get)(tj__row_source *source, tj__bytes key, tj__row *row, tj_error *error);
    /* Visits the rows with first <= key < end in key order, or in descending order. All keys of
     * one call are in one table. */
    tj_status (*scan)(tj__row_source *source, tj__bytes first, tj__bytes end, bool descending,
                      tj__row_visitor *visitor, void *context, tj_error *error);
    /* Tells how many whole rows of each class a book has in a table, `prefix` being both, where
     * that is known without a scan and none of them is damaged; else *known is false. May be
     * NULL. */
    tj_status (*tally)(tj__row_source *source, tj__bytes prefix, tj__row_classifier *classify,
                       tj__row_tally *tally, bool *known, tj_error *error);
    uint64_t sequence; /* the newest commit that the view includes */
};

#define TJ__PREFIX_SIZE_MAX 512 /* any row key */
/* The smallest key above every key that starts with `prefix`, written to `end` (as long as the
 * prefix at most). False when there is none (all bytes 0xff). */
bool tj__rows_prefix_end(tj__bytes prefix, uint8_t *end, size_t *end_size);
/* Scans all rows whose key starts with prefix (at most TJ__PREFIX_SIZE_MAX bytes). */
tj_status tj__rows_scan_prefix(tj__row_source *source, tj__bytes prefix, bool descending,
                               tj__row_visitor *visitor, void *context, tj_error *error);

#endif
