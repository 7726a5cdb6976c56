/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Looking at all of a journal without opening it, for verification and repair: both ask the same
 * questions, and only what they do with the answers differs. One file for each part.
 */
#ifndef TJ_REPAIR_EXAMINE_H
#define TJ_REPAIR_EXAMINE_H

#include <limits.h>

#include "history/base_reader.h"
#include "history/digest.h"
#include "journal/lock.h"
#include "log/sweep.h"
#include "repair/findings.h"
#include "table/inspect.h"

/* Tables whose rows are only ever added: each stands in the record of its commit, in a .rest when
 * that was let go, and in data.mdb. */
#define TJ__ADDED_TABLES (tj__base_tables(TJ__BASE_REST))

/* Commits that are whole in the log and follow each other. */
typedef struct tj__run {
    uint64_t first;
    uint64_t last;
    tj__position end;   /* behind the last */
    tj__position start; /* of the records of the first segment of which all are in it; ordinal 0:
                           there is none */
} tj__run;

/* Where a segment's records begin, as the seal before it or its first record says. */
typedef struct tj__joint {
    uint64_t ordinal;
    uint64_t sequence; /* of the last commit before it */
    uint64_t hash;     /* of the last record before it */
} tj__joint;

/* A base that is there. */
typedef struct tj__seen_base {
    tj__base_kind kind;
    uint64_t ordinal;      /* of the segment at whose end it stands */
    bool sound;            /* nothing shows that it is not what was written */
    bool gap;              /* of a .rest: one that stood before it is missing */
    tj__position position; /* of a sound one, */
    tj__digest digest;     /* and of its rows */
} tj__seen_base;

/* A .rest that is there, by its place. */
typedef struct tj__rest_span {
    uint64_t ordinal;
    uint64_t sequence; /* of the last commit in it */
    uint64_t entries;  /* of the ledger in data.mdb, from behind the one before it up to there */
} tj__rest_span;

typedef struct tj__examination {
    char path[TJ_PATH_SIZE]; /* from the root */
    char log_path[TJ_PATH_SIZE + 8];
    char history_path[TJ_PATH_SIZE + 8];
    tj_uuid journal_id;
    tj__findings findings;
    /* The directory. */
    bool has_data;
    bool has_log;
    bool has_history;
    /* writer.lock */
    tj__mark mark; /* as it was after data.mdb was looked at, which never passes it */
    bool writer_alive;
    uint64_t lock_stray; /* see tj__lock_stray */
    /* data.mdb */
    tj__inspection data;
    bool data_unread; /* a part of it could not be read */
    tj__digest digest;
    uint64_t damaged_rows;
    uint64_t damaged_row_tables; /* bits of the tables that have some */
    bool data_differs;           /* from the log, which was compared with it */
    /* The log. */
    uint64_t first_segment;
    tj__swept log;
    tj__buffer faults;    /* tj__log_fault each, in order; what only a torn tail leaves is none */
    tj__buffer runs;      /* tj__run each, in order */
    tj__buffer joints;    /* tj__joint each, by ordinal */
    bool seal_broken;     /* while they are gathered: the last seal did not follow its record */
    uint64_t durable;     /* the newest commit that anything shows to have been durable */
    uint64_t end;         /* the newest that is whole, for all that is known */
    bool may_lose_more;   /* nothing tells how many commits were behind what is not whole */
    bool log_from_start;  /* the log has every commit up to data.mdb's position */
    bool data_on_chain;   /* data.mdb's position lies on the log */
    bool newest_in_data;  /* data.mdb and the log behind it have every commit up to `end` */
    bool newest_in_log;   /* the log alone has, from the first commit on */
    bool newest_in_bases; /* bases and the log behind them have */
    /* The bases. */
    tj__buffer bases;    /* tj__seen_base each, by kind and ordinal */
    uint64_t keys_count; /* sound files of keys */
    uint64_t base_bytes; /* of both */
    bool rests_listed;
    tj__buffer rests;     /* tj__rest_span each, by ordinal */
    bool rest_missing;    /* one that stood before another */
    uint64_t other_bytes; /* of what holds nothing that is kept */
} tj__examination;

/* Before the first, and after the last of the calls below. */
tj_status tj__examination_init(tj__examination *x, const char *path, tj__arena *arena,
                               tj_error *error);
void tj__examination_dispose(tj__examination *x);
/* examine_all.c: all of the parts below; deep and *compared as of tj__examine_deep. */
tj_status tj__examine(tj__examination *x, bool deep, bool *compared, tj_error *error);
/* Whether data.mdb shows what was stored, whole. */
bool tj__examination_data_sound(const tj__examination *x);
/* Whether it is of this journal, whatever it shows: then each row that is whole was stored. */
bool tj__examination_data_belongs(const tj__examination *x);
/* Whether it shows all its rows, and only single ones of them are damaged. */
bool tj__examination_data_usable(const tj__examination *x);
/* Whether a reader of the log or of a base ended at what the examination of these told of: damage
 * that may look like a newer version, too, which would have ended the examination. */
bool tj__examination_told(tj_status status);
/* The run that a commit is in; NULL: it is not whole. */
const tj__run *tj__examination_run(const tj__examination *x, uint64_t sequence);
/* Where a segment's records begin; NULL: nothing whole tells. */
const tj__joint *tj__examination_joint(const tj__examination *x, uint64_t ordinal);

/* examine_reach.c: how far data.mdb and the whole commits behind its position reach; the log, from
 * the first commit on; a base and the commits behind it. */
uint64_t tj__examination_reach_of_data(const tj__examination *x);
uint64_t tj__examination_reach_of_log(const tj__examination *x);
uint64_t tj__examination_reach_of_base(const tj__examination *x, const tj__seen_base *base);
/* The newest commit after which bases or the log's beginning give the rows of all bases; 0: none.
 */
uint64_t tj__examination_reach_of_bases(const tj__examination *x);
/* Whether they give the rows of one kind after a commit; and from which base, the newest: NULL for
 * the log's beginning. */
bool tj__examination_derivable(const tj__examination *x, tj__base_kind kind, uint64_t sequence);
const tj__seen_base *tj__examination_base_for(const tj__examination *x, tj__base_kind kind,
                                              uint64_t sequence);
/* The next commits, from `from` up to `end`, of which nothing tells what they added. */
bool tj__examination_untold(const tj__examination *x, uint64_t from, uint64_t end, uint64_t *first,
                            uint64_t *last);
/* The oldest base of a kind from which all commits up to the end of a run lead on; NULL: none. */
const tj__seen_base *tj__examination_first_base(const tj__examination *x, tj__base_kind kind,
                                                const tj__run *run);

/* examine_files.c: what is in the directory, and writer.lock. TJ_NOT_FOUND when it holds no
 * journal. */
tj_status tj__examine_files(tj__examination *x, tj_error *error);
/* examine_data.c: pages, sums and rows of data.mdb. */
tj_status tj__examine_data(tj__examination *x, tj_error *error);
/* examine_log.c: the segments, after data.mdb. */
tj_status tj__examine_log(tj__examination *x, tj_error *error);
/* examine_history.c: the bases, after the log. */
tj_status tj__examine_history(tj__examination *x, tj_error *error);
/* examine_rests.c: an entry of the ledger in data.mdb, by the commit that added it; and, with the
 * bases known, whether a .rest is missing that had some of them. */
tj_status tj__examine_rests_count(tj__examination *x, uint64_t sequence, tj_error *error);
tj_status tj__examine_rests(tj__examination *x, tj_error *error);
/* examine_other.c: all other files of the journal, after the log. */
tj_status tj__examine_other(tj__examination *x, tj_error *error);
/* Each base against what the log comes to, wherever the log reaches. */
tj_status tj__examine_history_deep(tj__examination *x, tj_error *error);
/* examine_keys.c: the keys of segments, after the log; deep: against those segments. */
tj_status tj__examine_keys(tj__examination *x, bool deep, tj_error *error);
/* examine_deep.c: the log replayed against data.mdb, and the indexes of the ledger. *compared:
 * there was something to compare with. */
tj_status tj__examine_deep(tj__examination *x, bool *compared, tj_error *error);

#endif
