/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Looking at all of a journal without opening it, for verification and repair: both ask the same
 * questions, and only what they do with the answers differs. One file for each part.
 */
#ifndef TJ_MAINTAIN_EXAMINE_H
#define TJ_MAINTAIN_EXAMINE_H

#include <limits.h>

#include "history/digest.h"
#include "journal/lock.h"
#include "log/sweep.h"
#include "maintain/findings.h"
#include "table/inspect.h"

/* Commits that are whole in the log and follow each other. */
typedef struct tj__run {
    uint64_t first;
    uint64_t last;
    tj__position end;   /* behind the last */
    tj__position start; /* of the records of the first segment of which all are in it; ordinal 0:
                           there is none */
} tj__run;

typedef struct tj__examination {
    char path[TJ_PATH_SIZE]; /* from the root */
    char log_path[TJ_PATH_SIZE + 8];
    char history_path[TJ_PATH_SIZE + 8];
    tj_uuid journal_id;
    tj__findings findings;
    /* The directory. */
    bool has_data;
    bool has_log;
    /* writer.lock */
    tj__mark mark; /* as it was after data.mdb was looked at, which never passes it */
    bool writer_alive;
    /* data.mdb */
    tj__inspection data;
    tj__digest digest;
    uint64_t damaged_rows;
    /* The log. */
    uint64_t first_segment;
    tj__swept log;
    tj__buffer faults;   /* tj__log_fault each, in order; what only a torn tail leaves is none */
    tj__buffer runs;     /* tj__run each, in order */
    bool seal_broken;    /* while they are gathered: the last seal did not follow its record */
    uint64_t durable;    /* the newest commit that anything shows to have been durable */
    uint64_t end;        /* the newest that is whole, for all that is known */
    bool may_lose_more;  /* nothing tells how many commits were behind what is not whole */
    bool log_from_start; /* the log has every commit up to data.mdb's position */
    bool data_on_chain;  /* data.mdb's position lies on the log */
    bool newest_in_data; /* data.mdb and the log behind it have every commit up to `end` */
    bool newest_in_log;  /* the log alone has, from the first commit on */
} tj__examination;

/* Before the first, and after the last of the calls below. */
tj_status tj__examination_init(tj__examination *x, const char *path, tj__arena *arena,
                               tj_error *error);
void tj__examination_dispose(tj__examination *x);
/* Whether data.mdb shows what was stored, whole. */
bool tj__examination_data_sound(const tj__examination *x);
/* Whether it shows all its rows, and only single ones of them are damaged. */
bool tj__examination_data_usable(const tj__examination *x);
/* The run that a commit is in; NULL: it is not whole. */
const tj__run *tj__examination_run(const tj__examination *x, uint64_t sequence);
/* How far data.mdb and the whole commits behind its position reach; the log, from the first commit
 * on. */
uint64_t tj__examination_reach_of_data(const tj__examination *x);
uint64_t tj__examination_reach_of_log(const tj__examination *x);

/* examine_files.c: what is in the directory, and writer.lock. TJ_NOT_FOUND when it holds no
 * journal. */
tj_status tj__examine_files(tj__examination *x, tj_error *error);
/* examine_data.c: pages, sums and rows of data.mdb. */
tj_status tj__examine_data(tj__examination *x, tj_error *error);
/* examine_log.c: the segments, after data.mdb. */
tj_status tj__examine_log(tj__examination *x, tj_error *error);
/* examine_deep.c: the log replayed against data.mdb, and the indexes of the ledger. *compared:
 * there was something to compare with. */
tj_status tj__examine_deep(tj__examination *x, bool *compared, tj_error *error);

#endif
