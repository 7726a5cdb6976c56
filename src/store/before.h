/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a row was before a commit, for who reads commits one after another: the newest change of it
 * that was read, or else what it was before the first commit that is read.
 */
#ifndef TJ_STORE_BEFORE_H
#define TJ_STORE_BEFORE_H

#include "base/rowmap.h"
#include "model/change.h"
#include "store/past.h"

/* Zero-initialized, nothing was begun. */
typedef struct tj__before {
    const tj__engine_past *past;
    tj__rowmap *changed;     /* rows as they were changed last */
    tj__row_source *earlier; /* rows before all that is read; NULL: there were none */
} tj__before;

/* `first`: the commit that is read first. Ended by tj__before_end, also when it fails. */
tj_status tj__before_begin(tj__before *before, const tj_store *store, uint64_t first,
                           tj_error *error);
void tj__before_end(tj__before *before);

/* *value is absent when the row was not there, as an entry of the ledger never was. Valid until the
 * next change is noted. */
tj_status tj__before_find(const tj__before *before, tj__bytes key, tj__bytes *value,
                          tj_error *error);
/* The change is before those that are asked for from here on. */
tj_status tj__before_note(tj__before *before, const tj__change *change, tj_error *error);

#endif
