/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The past: the rows as they were after any commit that the log still holds.
 *
 * The newest base before it, and the log from there on. Without a base the log is read from its
 * beginning, which takes longer and gives the same rows.
 */
#ifndef TJ_HISTORY_PAST_H
#define TJ_HISTORY_PAST_H

#include <tesser/uuid.h>

#include "base/rows.h"
#include "model/position.h"

/* A journal's log and bases, by themselves. */
typedef struct tj__past_source {
    const char *log_path; /* its directory */
    tj_uuid journal_id;
    uint64_t first_segment;
    const char *history_path; /* the directory of its bases; NULL: none */
    uint64_t bases_before;    /* only those at the ends of earlier segments; 0: all */
} tj__past_source;

/* The rows of these tables (bits) after commit `sequence`, which must have been acknowledged; 0 is
 * the journal as it was created. Reads files only, so any thread of any process may, beside the
 * writer and beside retention. A base that turns out to be damaged while the rows are read is
 * left for an older one. TJ_NOT_FOUND: that commit is not kept. TJ_CORRUPT naming the place. End it
 * with tj__past_end. */
tj_status tj__past_begin(const tj__past_source *source, uint64_t sequence, uint64_t tables,
                         tj__row_source **rows, tj_error *error);
/* The same, but only those `at_once` are read now; others when the first of their rows is asked
 * for, which then fails as this would. */
tj_status tj__past_open(const tj__past_source *source, uint64_t sequence, uint64_t tables,
                        uint64_t at_once, tj__row_source **rows, tj_error *error);
/* Where the log goes on behind the commit; false: nothing of it was read yet. */
bool tj__past_position(const tj__row_source *rows, tj__position *position);
void tj__past_end(tj__row_source *rows); /* NULL is allowed */

#endif
