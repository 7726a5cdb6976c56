/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Inside the tip: what the newest appended commit left, and beside it the commit being resolved.
 *
 * `pending` holds the outcome of the newest tj__plan_resolve: at most one row for each key, the
 * same allocations that tj__tip_advance moves into `rows`. Between the two nothing may fail any
 * more, so the resolve also makes room in the index, the lists and the ring of commit ids.
 */
#ifndef TJ_COMMIT_TIP_H
#define TJ_COMMIT_TIP_H

#include "commit/commit.h"
#include "commit/held.h"
#include "commit/ledger_ids.h"
#include "rows/key.h"

typedef struct tj__tip_book {
    uint32_t number;
    tj_str name;        /* view of the key of its BOOKS row */
    tj__held_list rows; /* STATE rows, about in the order in which the last save named them */
    size_t kind_counts[TJ__KIND_LAST + 1];
    uint64_t state_sequence; /* newest commit that changed a STATE row */
    uint64_t ledger_last;
    uint64_t rank_last; /* no order has a higher rank */
    tj_error damage;    /* of its first undecodable STATE row; status TJ_OK when there is none */
    /* What the commit being resolved makes of it. */
    uint64_t pending_ledger_last;
    uint64_t pending_rank_last;
    size_t pending_puts;    /* of STATE rows */
    size_t pending_deletes; /* of STATE rows */
} tj__tip_book;

/* Remembered commit ids, oldest first: a queue in an array. */
typedef struct tj__commit_ids {
    tj__held **rows; /* COMMITS rows, from `first` on */
    size_t first;
    size_t count;
    size_t capacity;
} tj__commit_ids;

struct tj__tip {
    uint64_t sequence;
    tj__held_index rows; /* STATE, BOOKS, COMMITS and COUNTERS rows */
    tj__tip_book *books;
    size_t book_count;
    size_t book_capacity;
    tj__commit_ids commit_ids;
    tj__ledger_ids ledger_ids;
    uint64_t scope; /* number of the newest scope, see tj__held.seen */

    tj__held_index pending;
    tj__held_list pending_rows; /* in the order in which the plan first named them */
    size_t pending_book_count;  /* new books, behind book_count */
    tj__held *pending_commit;   /* the commit id's own row; NULL when there is no id */

    tj__buffer merged;   /* scratch: a value with kept members */
    tj__held_list named; /* scratch of reconcile.c, kept to spare allocations */
    tj__buffer ranks;    /* likewise */
};

/* Books beyond book_count are those being created. NULL when there is none of that number. */
tj__tip_book *tj__tip_book_by_number(tj__tip *tip, uint32_t number);
/* Makes room for one more book, so that tip->books[book_count + pending_book_count] can be used. */
bool tj__tip_reserve_book(tj__tip *tip);
/* Drops what was resolved and not taken over. */
void tj__tip_drop_pending(tj__tip *tip);
bool tj__commit_ids_reserve(tj__commit_ids *ids);
void tj__commit_ids_add(tj__commit_ids *ids, tj__held *row);

#endif
