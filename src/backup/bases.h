/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Of a journal whose oldest segments went, a backup has the bases behind which its log begins. */
#ifndef TJ_BACKUP_BASES_H
#define TJ_BACKUP_BASES_H

#include "backup/directory.h"
#include "backup/pace.h"

/* The bases at the end of a segment: .state and .algos there, and every .rest up to there, in this
 * order. *files is released with free; sizes and hashes are not filled in. TJ_NOT_FOUND naming the
 * first that is missing. */
tj_status tj__bases_list(const char *history_path, uint64_t ordinal, tj__point_file **files,
                         size_t *count, tj_error *error);

/* Copies those that the backup does not have yet, or not whole, out of the journal; each is read
 * through afterwards. What is said of a missing one ends with the way out. */
tj_status tj__backup_bases_take(const tj__backup_directory *directory, const char *journal_history,
                                const tj_uuid *journal_id, uint64_t ordinal, tj__pace *pace,
                                tj_error *error);

#endif
