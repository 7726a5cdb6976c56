/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Between the files that resolve a plan. */
#ifndef TJ_CODEC_RESOLVE_H
#define TJ_CODEC_RESOLVE_H

#include "codec/base.h"
#include "codec/plan.h"

/* Finds or makes every book the plan uses, checks what is expected of it, and resets what the base
 * keeps of a commit being resolved. */
tj_status tj__resolve_books(tj__plan *plan, tj__base *base, const tj_commit_options *options,
                            tj_error *error);

/* Resolves a scope: plan rows from *at (behind its begin) up to its end; moves *at behind that. */
tj_status tj__resolve_scope(tj__plan *plan, tj__base *base, tj__base_book *book, unsigned kinds,
                            size_t *at, tj_error *error);

/* Notes every row of the plan as pending. */
tj_status tj__resolve_rows(tj__plan *plan, tj__base *base, tj__resolved *resolved, tj_error *error);

/* Reserves numbers of the counter with this key. */
tj_status tj__resolve_counter(tj__base *base, tj__bytes key, uint64_t count, tj__resolved *resolved,
                              tj_error *error);

/* ---- the commit being resolved (pending.c) -------------------------------------------------- */

/* The row as the commit leaves it so far; NULL when there is none. STATE, BOOKS and
 * COUNTERS rows only. */
tj__held *tj__current(const tj__base *base, tj__bytes key);
/* Notes a row, in place of what was noted under its key. */
tj_status tj__pend_put(tj__base *base, tj__bytes key, tj__bytes value, tj__held **out,
                       tj_error *error);
tj_status tj__pend_delete(tj__base *base, tj__bytes key, tj_error *error);
/* The value with the members of `current` that it keeps: *merged is the value itself or in
 * base->merged. current may be NULL. */
tj_status tj__merge(tj__base *base, unsigned keep, tj__bytes value, const tj__held *current,
                    tj__bytes *merged, tj_error *error);
/* Drops what changes nothing. */
void tj__pending_compact(tj__base *base);
tj_status tj__pending_no_memory(tj_error *error);

#endif
