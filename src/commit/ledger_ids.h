/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The ids of a journal's ledger entries, so that an entry is booked once in its book: those that
 * the engine has, and in memory those of commits that were appended and may not be there yet.
 */
#ifndef TJ_COMMIT_LEDGER_IDS_H
#define TJ_COMMIT_LEDGER_IDS_H

#include "base/rowmap.h"
#include "commit/commit.h"

/* Keys are those of LEDGER_IDS rows. Recent ones are kept in two maps, and the older map is emptied
 * when the engine includes all of it. Zero-initialized is empty. */
typedef struct tj__ledger_ids {
    tj__stored stored;
    tj__rowmap *pending; /* of the commit being resolved */
    tj__rowmap *recent;
    tj__rowmap *older;
    uint64_t recent_last; /* newest commit in each */
    uint64_t older_last;
} tj__ledger_ids;

tj_status tj__ledger_ids_init(tj__ledger_ids *ids, tj_error *error);
void tj__ledger_ids_dispose(tj__ledger_ids *ids);
/* Takes an id into the commit being resolved. TJ_EXISTS when its book has it. */
tj_status tj__ledger_ids_take(tj__ledger_ids *ids, tj__bytes key, tj_error *error);
/* Makes room for what was taken, so that the advance cannot fail. */
bool tj__ledger_ids_reserve(tj__ledger_ids *ids);
/* They were appended as this commit. */
void tj__ledger_ids_advance(tj__ledger_ids *ids, uint64_t sequence);
/* They were not. */
void tj__ledger_ids_drop(tj__ledger_ids *ids);
/* Asks `stored` from now on; takes what `rows` has beyond it. */
tj_status tj__ledger_ids_attach(tj__ledger_ids *ids, const tj__stored *stored, tj__row_source *rows,
                                tj_error *error);

#endif
