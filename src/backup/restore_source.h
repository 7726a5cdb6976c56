/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where a journal is restored from: a backup, or the log of another journal. Both give the same
 * records. */
#ifndef TJ_BACKUP_RESTORE_SOURCE_H
#define TJ_BACKUP_RESTORE_SOURCE_H

#include "backup/bases.h"
#include "backup/directory.h"
#include "journal/lock.h"

typedef struct tj__restore_source {
    char path[PATH_MAX];
    char log_path[PATH_MAX];
    char history_path[PATH_MAX];
    tj_uuid journal_id;
    tj__position start;    /* where the log begins */
    tj__point_file *bases; /* that hold what was before; none when it begins with segment 1 */
    size_t base_count;
    bool is_backup;
    bool ends_with_point; /* what a backup has behind its newest point is not read */
    tj__backup_directory backup;
    tj__point point; /* of a backup: the newest */
    tj__lock *lock;  /* of a journal; may be NULL */
    tj__mark mark;
    tj__log_reader *reader; /* behind the record given out last */
} tj__restore_source;

/* Opens it at its beginning. Nothing of LMDB is looked at. TJ_NOT_FOUND, TJ_INVALID when it is
 * neither, TJ_CORRUPT, TJ_IO. After a failure too it is to be closed. */
tj_status tj__restore_source_open(tj__restore_source *source, const char *path, tj_error *error);
void tj__restore_source_close(tj__restore_source *source);

/* Where compressed segments are unpacked, one at a time. */
void tj__restore_source_unpack_in(tj__restore_source *source, const char *directory);

/* The id of the journal in a directory, as its log has it. */
tj_status tj__restore_journal_id(const char *path, tj_uuid *id, tj_error *error);

/* The next commit; *more is false behind the newest point of a backup, or the end of a journal's
 * log, which is judged as the next writer will. */
tj_status tj__restore_source_next(tj__restore_source *source, tj__record *record, bool *more,
                                  tj_error *error);

#endif
