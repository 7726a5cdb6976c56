/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reading what was, for the files of this folder. */
#ifndef TJ_STORE_PAST_H
#define TJ_STORE_PAST_H

#include <tesser/history.h>

#include "store/internal.h"

/* What the store's engine keeps of the past. TJ_UNSUPPORTED. */
tj_status tj__past_of(const tj_store *store, const tj__engine_past **out, tj_error *error);
/* The commit that a moment means, 0 for the newest before the first. TJ_NOT_FOUND naming the
 * range. */
tj_status tj__moment_find(tj_store *store, tj_moment moment, uint64_t *sequence, tj_error *error);

/* The sentence for a commit that is not kept any more: TJ_NOT_FOUND. */
tj_status tj__moment_not_kept(tj_store *store, uint64_t sequence, tj_error *error);

/* The rows of these tables at a moment, with the number that a book had; end it with
 * tj__looking_back_end whatever begin returned. */
typedef struct tj__looking_back {
    const tj__engine_past *past;
    tj__row_source *rows;
    uint32_t book; /* 0: nothing was stored yet */
} tj__looking_back;
tj_status tj__looking_back_begin(tj__looking_back *back, tj_store *store, const char *book,
                                 tj_moment moment, uint64_t tables, tj_error *error);
void tj__looking_back_end(tj__looking_back *back);

/* The last entry that a book's ledger had after a commit, 0: none. `rows` are newer. */
tj_status tj__ledger_last_at(tj__row_source *rows, uint32_t book, uint64_t commit, uint64_t *out,
                             tj_error *error);

#endif
