/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A journal that is made of records: its log with an id of its own, and LMDB's tables by replay.
 *
 * It is built in a directory beside its place and renamed when all of it is flushed, so it is
 * whole or not there. What a crash leaves is that directory, whose name says what it was for.
 */
#ifndef TJ_BACKUP_RESTORE_TARGET_H
#define TJ_BACKUP_RESTORE_TARGET_H

#include <limits.h>

#include "backup/scribe.h"
#include "log/reader.h"
#include "table/table.h"

typedef struct tj__restore_target {
    char path[PATH_MAX];  /* where it will be */
    char built[PATH_MAX]; /* where it is */
    int lock_fd;          /* on that */
    const char *like;     /* the directory whose owner and mode it gets; NULL: by its parent */
    char log_path[PATH_MAX];
    char history_path[PATH_MAX];
    tj_uuid journal_id;    /* set before it begins: it keeps that one */
    tj__position start;    /* set before it begins: its log goes on from there */
    tj__position position; /* behind its last commit */
    tj__pace pace;
    tj__scribe scribe;
    tj__env *env;
    tj__rowmap *batch; /* what LMDB does not have yet */
    size_t batch_max;  /* bytes of it; 0: the default */
    bool applied;      /* LMDB has rows that are not in the batch any more */
} tj__restore_target;

#define TJ__RESTORE_TARGET_INIT              \
    {                                        \
        .lock_fd = -1, .scribe = {.fd = -1 } \
    }

/* Whether a journal can be made there: nothing is there, or an empty directory. Fills in
 * target->path by the rules of a journal's path. TJ_EXISTS. */
tj_status tj__restore_target_look(tj__restore_target *target, const char *path, tj_error *error);
/* Begins to build, beside that place or, with a directory, in there for a trial. After a failure,
 * too, it is to be disposed of. */
tj_status tj__restore_target_begin(tj__restore_target *target, const char *trial_directory,
                                   tj_error *error);
/* Takes the record that a reader gave out last, as the next. */
tj_status tj__restore_target_put(tj__restore_target *target, const tj__log_reader *reader,
                                 const tj__record *record, tj_error *error);
/* Puts a record into the log only, which ends at `end` of a segment with this header; `seal` ended
 * the segment before. */
tj_status tj__restore_target_put_at(tj__restore_target *target, const tj__segment_header *header,
                                    const tj__record *seal, const tj__record *record,
                                    const tj__position *end, tj_error *error);
/* Makes a segment of another log of the journal with this id, all of which the records to come are,
 * a file of this log too; `seal` ended the segment before. False: it has to be copied. */
bool tj__restore_target_link(tj__restore_target *target, const char *log_path, uint64_t ordinal,
                             const tj__record *seal);
/* Goes behind a record of such a segment. */
void tj__restore_target_pass(tj__restore_target *target, const tj__record *record,
                             const tj__position *end);
/* Puts a record's rows of these tables into LMDB only. */
tj_status tj__restore_target_apply(tj__restore_target *target, uint64_t tables,
                                   const tj__record *record, tj_error *error);
/* Takes a row of the state behind which the records go on. */
tj_status tj__restore_target_put_row(tj__restore_target *target, const tj__row *row,
                                     tj_error *error);
/* Whether a row of this key was taken. */
tj_status tj__restore_target_has(tj__restore_target *target, tj__bytes key, bool *has,
                                 tj_error *error);
/* Of an entry of the ledger puts the row of its id, which is that of the first entry with it. */
tj_status tj__restore_target_put_id(tj__restore_target *target, const tj__row *row,
                                    tj_error *error);
/* Ends the log's newest segment, unless it is ended, so that a base can stand there. */
tj_status tj__restore_target_seal(tj__restore_target *target, tj_error *error);
/* All records are in the log and in LMDB. */
tj_status tj__restore_target_settle(tj__restore_target *target, tj_error *error);
/* Then: appends a commit in a writer epoch of a term that no record before it has. */
tj_status tj__restore_target_append(tj__restore_target *target, tj__bytes body,
                                    uint32_t change_count, tj__bytes note, tj_error *error);
/* Then: puts the journal in its place. */
tj_status tj__restore_target_appear(tj__restore_target *target, tj_error *error);
/* Removes what was built, unless it has appeared. */
void tj__restore_target_dispose(tj__restore_target *target);

#endif
