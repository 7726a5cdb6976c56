/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Retention: whole segments go, the oldest first, when the log is larger than history_size or older
 * than history_age. Never LMDB's own segment and the two before it.
 *
 * Nothing goes before it is proven that what stays is enough, in this order:
 *   1. The bases at the last segment that goes are there: of state, of algorithms, and a .rest with
 *      what no other base has: the ledger's entries since the .rest before, and all commit ids.
 *   2. Each equals, row for row, what the log that goes comes to.
 *   3. Bases and the log that stays come to the digest of the state in LMDB.
 *   4. The superblock says, durably, where the log begins.
 *   5. The segments are unlinked, oldest first, then the bases before; of .state one stays for an
 *      hour of the last 7 days, and one for a day of the last 400.
 * A crash in between leaves a log that begins early or late, and is whole from where it says.
 */
#ifndef TJ_JOURNAL_RETENTION_H
#define TJ_JOURNAL_RETENTION_H

#include <tesser/maintain.h>

#include "journal/journal.h"

/* Bytes of all segments. */
tj_status tj__retention_log_size(const tj__journal *journal, uint64_t *bytes, tj_error *error);
/* Chooses what goes so that at most `size_bytes` of log stay. Changes nothing. */
tj_status tj__retention_choose(tj__journal *journal, uint64_t size_bytes, tj_prune_report *out,
                               tj_error *error);
/* Steps 1 to 5 for what was chosen. Dry: only shows that what is there comes to LMDB's state. */
tj_status tj__retention_run(tj__journal *journal, const tj_prune_report *chosen, bool dry,
                            tj_error *error);
/* Removes segments before the first that a crash left. */
void tj__retention_tidy(tj__journal *journal);

#endif
