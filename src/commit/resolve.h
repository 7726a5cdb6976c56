/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Between the files that resolve a plan. */
#ifndef TJ_COMMIT_RESOLVE_H
#define TJ_COMMIT_RESOLVE_H

#include "commit/plan.h"
#include "commit/tip.h"

/* Finds or makes every book the plan uses, checks what is expected of it, and resets what the tip
 * keeps of a commit being resolved. */
tj_status tj__resolve_books(tj__plan *plan, tj__tip *tip, const tj_commit_options *options,
                            tj_error *error);

/* Notes every row of the plan as pending, and those of the state that it left open; NULL: none. */
tj_status tj__resolve_rows(tj__plan *plan, const tj_live_state *state, tj__tip *tip,
                           tj__resolved *resolved, tj_error *error);

/* Reserves numbers of the counter with this key. */
tj_status tj__resolve_counter(tj__tip *tip, tj__bytes key, uint64_t count, tj__resolved *resolved,
                              tj_error *error);

/* ---- a scope (reconcile.c) ------------------------------------------------------------------ */

typedef struct tj__scope {
    tj__tip *tip;
    tj__tip_book *book;
    unsigned kinds;
    bool alone;            /* nothing was pending when it began */
    size_t pending_before; /* rows pending when it began */
    size_t next;           /* place in the book's list that the next row is compared with */
    size_t seen_count;     /* stored rows that were named */
    size_t miss_count;     /* of these, those that had to be looked up */
    unsigned ranked_kind;  /* of the newest row; 0 when that has no rank */
    size_t ranked_first;   /* place in tip->named of the first row of that kind */
    uint64_t rank_last;    /* of the newest row of that kind */
    bool ranks_rise;       /* so far; a new row has none */
} tj__scope;

/* The rows put from here on are all rows of these kinds. */
void tj__scope_begin(tj__scope *scope, tj__tip *tip, tj__tip_book *book, unsigned kinds);
/* The next row. It may be gone when this returns. TJ_INVALID when it stands twice. */
tj_status tj__scope_put(tj__scope *scope, unsigned keep, tj__bytes key, tj__bytes value,
                        tj_error *error);
/* Deletes the rows of these kinds that were not put. */
tj_status tj__scope_end(tj__scope *scope, tj_error *error);

/* ---- the commit being resolved (draft.c) ---------------------------------------------------- */

/* The row as the commit leaves it so far; NULL when there is none. STATE, BOOKS and
 * COUNTERS rows only. */
tj__held *tj__draft_find(const tj__tip *tip, tj__bytes key);
/* Whether a row of the tip is one of the commit's. */
static inline bool tj__draft_holds(const tj__tip *tip, const tj__held *row)
{
    const tj__held_list *list = &tip->pending_rows;
    return row->slot < list->size && list->rows[row->slot] == row;
}
/* Notes a row, in place of what was noted under its key. */
tj_status tj__draft_put(tj__tip *tip, tj__bytes key, tj__bytes value, tj__held **out,
                        tj_error *error);
tj_status tj__draft_delete(tj__tip *tip, tj__bytes key, tj_error *error);
/* The value with the members of `current` that it keeps: *merged is the value itself or in
 * tip->merged. current may be NULL. */
tj_status tj__draft_merge(tj__tip *tip, unsigned keep, tj__bytes value, const tj__held *current,
                          tj__bytes *merged, tj_error *error);
/* Drops what changes nothing. */
void tj__draft_compact(tj__tip *tip);
tj_status tj__draft_no_memory(tj_error *error);

#endif
