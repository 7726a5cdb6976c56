/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One row of a state of the past, where the log since the base is long: in each segment its keys
 * tell where the row changed (keys.h), and only those records are read. The segment that has none
 * yet is read up to the commit.
 */
#ifndef TJ_HISTORY_PAST_FIND_H
#define TJ_HISTORY_PAST_FIND_H

#include "history/past_part.h"

/* Zero-initialized: nothing was asked for yet. */
typedef struct tj__past_finder {
    tj__base *base;
    tj__buffer row; /* that was found last: key, value */
    uint64_t asked; /* times */
    bool useless;   /* the part is to be read instead */
} tj__past_finder;

/* Looks for one row. *told: the result is that of the part, TJ_OK or TJ_NOT_FOUND; else the part is
 * to be read, because that is as quick, or says what is wrong. *row is valid until the next
 * call. */
tj_status tj__past_find(tj__past_finder *finder, const tj__past_part *part, tj__bytes key,
                        tj__row *row, bool *told);
void tj__past_finder_dispose(tj__past_finder *finder);

#endif
