/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A backup that is being made: what is known of it, and its last two steps. */
#ifndef TJ_BACKUP_JOB_H
#define TJ_BACKUP_JOB_H

#include <tesser/maintain.h>

#include "backup/compare.h"
#include "backup/scribe.h"

typedef struct tj__backup_job {
    tj_store *store;
    char journal[TJ_PATH_SIZE];
    char journal_log[TJ_PATH_SIZE + 16];
    char journal_history[TJ_PATH_SIZE + 16];
    tj_uuid journal_id;
    uint64_t journal_first; /* segment */
    uint64_t journal_known; /* the first one before which the state can be had */
    tj__backup_directory directory;
    bool goes_on; /* there is a point */
    bool thin;
    bool moved;
    int compression;
    tj__point before;
    tj__point point;
    tj__backup_start start;
    tj__log_reader *reader;
    tj__pace pace;
    tj__scribe scribe;
    tj__buffer written; /* tj__point_file each: their hashes were taken while they were written */
    uint64_t stored;    /* bytes of all files of the point */
} tj__backup_job;

/* Compresses what earlier backups left as it was, when that is asked for. */
tj_status tj__backup_pack_earlier(tj__backup_job *b, tj_error *error);
/* Adds to a TJ_NOT_FOUND what can be done about it. */
tj_status tj__backup_explain_missing(tj_status status, tj_error *error);
/* Copies the records behind the reader, up to the commit of the point. */
tj_status tj__backup_copy(tj__backup_job *b, tj_error *error);
/* Flushes, and writes the point. */
tj_status tj__backup_write_point(tj__backup_job *b, tj_error *error);

#endif
