/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Quarantine: what an import found and could not decode, kept byte for byte with the reason.
 *
 * Key after the table byte and the book's number: the table in which the row would stand (1 byte),
 * then its key there: a UUID for ALGOS, the sequence for LEDGER, the kind for STATE, and nothing
 * for a whole LiveState. A key that cannot be read either is taken as it is; a second one that is
 * the same has "#" and a number behind it.
 * Value: version (1), short reason (u16 length), then the raw bytes.
 */
#ifndef TJ_ROWS_QUARANTINE_H
#define TJ_ROWS_QUARANTINE_H

#include "base/rows.h"
#include "model/change.h"

/* Longest key that can be kept, and longest reason. */
#define TJ__QUARANTINE_KEY_SIZE_MAX (TJ__ROW_KEY_SIZE_MAX - 6)
#define TJ__QUARANTINE_REASON_SIZE_MAX 1024

typedef struct tj__quarantined {
    tj__table table;
    tj__bytes key; /* inside that table */
    tj_str reason;
    tj__bytes raw;
    bool damaged; /* the row itself: raw is what is there of it */
} tj__quarantined;

/* Views are valid during the call. A row that is itself damaged is visited with what there is of
 * it. */
typedef tj_status tj__quarantine_visitor(void *context, const tj__quarantined *row,
                                         tj_error *error);
/* Visits the rows of a book; table 0: of all tables. */
tj_status tj__quarantine_scan(tj__row_source *rows, uint32_t book, unsigned table,
                              tj__quarantine_visitor *visitor, void *context, tj_error *error);
/* Whether a row's value is one: TJ_CORRUPT, TJ_FORMAT_NEWER. */
tj_status tj__quarantine_value_check(tj__bytes value, tj_error *error);
/* TJ_CORRUPT with the stored reason when that key is in quarantine. */
tj_status tj__quarantine_refuse(tj__row_source *rows, uint32_t book, tj__table table, tj__bytes key,
                                const char *what, tj_error *error);

#endif
