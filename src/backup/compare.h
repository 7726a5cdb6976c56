/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a backup has already, and whether it is of the log that is to be backed up. */
#ifndef TJ_BACKUP_COMPARE_H
#define TJ_BACKUP_COMPARE_H

#include "backup/directory.h"

typedef struct tj__backup_start {
    uint64_t first;    /* segment with which the log of the backup begins */
    uint64_t sealed;   /* the last one that it has whole; first - 1: none */
    tj__position from; /* where the log goes on behind it; zeros when there is none and first > 1 */
} tj__backup_start;

/* Compares each sealed segment that the journal still has with the backup's, by header and seal,
 * whose hashes stand for all that is before them, and sees that the files of the newest point are
 * there; `before` is zeros when there is none. What follows then continues the chain of hashes, or
 * is of another history. `journal_first` is the journal's first segment; a backup without a point
 * begins with `journal_known`, before which its state is known. TJ_CONFLICT, TJ_CORRUPT,
 * TJ_NOT_FOUND, also when the journal's log begins behind the end of the backup; TJ_IO. */
tj_status tj__backup_compare(const tj__backup_directory *directory, const tj_uuid *journal_id,
                             const char *journal_log, uint64_t journal_first,
                             uint64_t journal_known, const tj__point *before, tj__backup_start *out,
                             tj_error *error);
/* Whether a journal's log has the commit at a point's position, or has it no more. */
bool tj__backup_in_log(const char *journal_log, const tj_uuid *journal_id,
                       const tj__position *position);
/* The sentence for a log that is not the one that was backed up: TJ_CONFLICT. */
tj_status tj__backup_other_history(const tj__backup_directory *directory, const char *journal_log,
                                   const tj_uuid *journal_id, const char *why, tj_error *error);

#endif
