/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a state comes down to: how many rows each table has, and the sum of their checksums. Two
 * states with the same digest have the same rows, each written by the same commit, wherever they
 * were read from: LMDB, the log, a base, a backup.
 *
 * META is left out, which says where a state stands and not what it is; so is LEDGER_IDS, which
 * follows from LEDGER and is younger than some journals.
 */
#ifndef TJ_HISTORY_DIGEST_H
#define TJ_HISTORY_DIGEST_H

#include "base/rows.h"
#include "model/change.h"

#define TJ__DIGEST_TABLES \
    (TJ__TABLES_ALL & ~(TJ__TABLE_BIT(TJ__TABLE_META) | TJ__TABLE_BIT(TJ__TABLE_LEDGER_IDS)))

typedef struct tj__digest {
    uint64_t rows[TJ__TABLE_LAST + 1];      /* of each table */
    uint64_t checksums[TJ__TABLE_LAST + 1]; /* added without regard to overflow */
} tj__digest;

/* Adds one row to its table. */
void tj__digest_add(tj__digest *digest, const tj__row *row);
/* Reads every row of the source. TJ_CORRUPT naming the first that is damaged. */
tj_status tj__digest_rows(tj__row_source *rows, tj__digest *out, tj_error *error);
/* The first table in which the two differ; 0: none. */
uint8_t tj__digest_differs(const tj__digest *a, const tj__digest *b);
/* One number for all tables: XXH3-64 of rows and checksums (u64 each) of each table in ascending
 * order. */
uint64_t tj__digest_value(const tj__digest *digest);

#endif
