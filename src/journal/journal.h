/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The journal: a directory with a commit log and an LMDB environment that follows it.
 *
 *   append -> log (one write, one flush) -> mark -> acknowledged -> applied to LMDB later
 *
 * One process writes; any number look on. What a view shows is LMDB's state plus the log from
 * LMDB's position up to the acknowledged mark, in the writing process and in others alike (view.c).
 */
#ifndef TJ_JOURNAL_JOURNAL_H
#define TJ_JOURNAL_JOURNAL_H

#include <tesser/store.h>

#include "base/rows.h"

typedef struct tj__journal tj__journal;

/* Applies the path rules: a file, or a name that ends in .db, becomes the sibling with .lmdb; a
 * name that ends in data.mdb becomes its directory. The result is from the root. Touches
 * nothing. */
tj_status tj__journal_path(const char *configured, char *out, size_t size, tj_error *error);

/* Opens for writing: creates (unless must_exist), locks, recovers, starts the helper thread. With
 * read_only: for views only. config has every default filled in and a path from tj__journal_path.
 */
tj_status tj__journal_open(const tj_config *config, tj__journal **out, tj_error *error);

/* See engine.h for what these promise. */
tj_status tj__journal_append(tj__journal *journal, tj__bytes body, uint32_t change_count,
                             const tj_uuid *commit_id, tj__bytes note, bool urgent,
                             uint64_t *sequence, tj_error *error);
tj_status tj__journal_wait(tj__journal *journal, uint64_t sequence, bool sync, tj_error *error);
tj_status tj__journal_work(tj__journal *journal, tj_error *error);
uint64_t tj__journal_appended(tj__journal *journal);
tj_status tj__journal_find(tj__journal *journal, tj__bytes key, bool *found, tj_error *error);
uint64_t tj__journal_included(tj__journal *journal);
tj_status tj__journal_view_begin(tj__journal *journal, tj__row_source **rows, tj_error *error);
void tj__journal_view_end(tj__row_source *rows);
tj_status tj__journal_info(tj__journal *journal, tj_store_info *info, tj_error *error);
/* Ends the helper thread; tj__journal_close follows. */
void tj__journal_quiesce(tj__journal *journal);
tj_status tj__journal_close(tj__journal *journal, tj_error *error);
void tj__journal_abandon(tj__journal *journal);

#endif
