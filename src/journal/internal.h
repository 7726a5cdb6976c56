/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The journal's parts, for the files of this folder only. */
#ifndef TJ_JOURNAL_INTERNAL_H
#define TJ_JOURNAL_INTERNAL_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/helper.h"
#include "base/trace.h"
#include "history/base_chain.h"
#include "journal/journal.h"
#include "journal/lock.h"
#include "journal/logbook.h"
#include "journal/overlay.h"
#include "log/reader.h"
#include "log/writer.h"
#include "table/table.h"

#define TJ__LOG_DIRECTORY "log"
#define TJ__RESERVE_NAME "reserve"
#define TJ__CREATING_DIRECTORY "creating"

/* Rows and bytes after which a batch is applied although more is waiting, so that a long tail takes
 * bounded memory and one LMDB transaction stays far below its page limit. */
#define TJ__APPLY_BYTES_MAX ((size_t)8 << 20)
/* The same out of the reserve: the pages that one such batch replaces are there for the next but
 * one. */
#define TJ__APPLY_BYTES_SPARING ((size_t)256 << 10)
/* How many times the lag bound the log may run ahead while LMDB cannot be brought up to date. */
#define TJ__LAG_HARD_FACTOR 4

/*
 * Locks, in the order in which they may be taken together:
 *   the store's append lock (outside), then apply_mutex, then reserve_mutex or the helper's mutex.
 * The acknowledging path takes the helper's mutex only to wake an idle helper.
 */
struct tj__journal {
    tj_config config; /* strings point into the members below */
    char path[TJ_PATH_SIZE];
    char log_path[TJ_PATH_SIZE + sizeof TJ__LOG_DIRECTORY];
    char history_path[TJ_PATH_SIZE + sizeof TJ__HISTORY_DIRECTORY];
    tj__superblock superblock;
    tj__metrics *metrics;
    bool created;             /* by this opening: whole, and flushed */
    _Atomic(tj__lock *) lock; /* NULL when read-only and no writer.lock was found yet */
    tj__env *env;
    _Atomic(tj__overlay *) kept_overlay; /* of a view that ended; or NULL */
    /* Writer only. */
    tj__log_writer *log;
    uint64_t epoch;
    _Atomic uint64_t appended_bytes; /* size of the records appended since opening */
    _Atomic uint64_t applied_bytes;  /* size of those that LMDB includes */
    _Atomic uint64_t acknowledged;
    _Atomic uint64_t applied;         /* sequence that LMDB includes */
    _Atomic uint64_t applied_ordinal; /* segment of its position */

    pthread_mutex_t apply_mutex;  /* one apply at a time; guards the next four */
    tj__position apply_from;      /* LMDB's position */
    tj__log_reader *apply_reader; /* there, or NULL */
    tj__rowmap *apply_batch;
    bool apply_unusable; /* the log could not be read back; nothing is applied any more */

    pthread_mutex_t reserve_mutex; /* one change of the reserve at a time */
    _Atomic bool reserve_held;
    _Atomic bool reserve_settling; /* given back, and the file system may still hold its blocks */
    _Atomic bool space_low;        /* said so */
    _Atomic bool prepare_failing;
    _Atomic bool verified; /* the tables that opening did not walk */

    tj__helper helper;      /* its mutex guards the next three; `done`: an apply has ended */
    tj_error apply_error;   /* of the last apply; status TJ_OK when it went well */
    uint64_t applies_begun; /* counts them */
    uint64_t applies_ended; /* number of the newest that has ended */

    pthread_mutex_t builder_mutex; /* guards the next four */
    pthread_cond_t builder_wake;
    bool builder_kicked;
    bool builder_running;
    pthread_t builder;
    _Atomic bool builder_stop;
    _Atomic bool builder_unfinished; /* for want of space, or by a limit */
    _Atomic uint64_t builder_heard;  /* the segment that it was last told of */
    volatile int builder_cancel;     /* what it builds ends at once */
    _Atomic bool history_wanted;     /* by who waits for the next */
    pthread_mutex_t history_mutex;   /* one change of the files of history at a time */
    bool retention_refused;          /* a proof failed: nothing goes until it is opened again */
    /* Of the thread that builds. */
    tj__base_chain builder_chains[TJ__BASE_KINDS];
    uint64_t builder_keys;    /* up to the end of this segment none are missing */
    uint64_t builder_largest; /* bytes of the largest base that there was */
    tj_status builder_told;   /* what was said last */
};

/* Looks for writer.lock while it was not found: a writer makes it before it changes anything. */
tj_status tj__journal_find_lock(tj__journal *journal, tj_error *error);

/* file_system.c: whether the directory and its log are, or will be, where a journal can be.
 * TJ_UNSUPPORTED. */
tj_status tj__journal_check_file_system(const tj__journal *journal, tj_error *error);

/* look.c: *found: data.mdb is there and ours. Otherwise the directory is not there, or one in which
 * a journal may be created (it may hold what a crashed creation left). Anything else is an
 * error. */
tj_status tj__journal_look(const char *path, bool *found, tj_error *error);

/* create.c */
/* So that creating is quick: the next segment, of the usual size, is prepared beside the first
 * commits. */
#define TJ__FIRST_SEGMENT_SIZE ((uint64_t)256 << 10)
/* Those of earlier releases had up to this. */
#define TJ__FIRST_SEGMENT_SIZE_MAX ((uint64_t)1 << 20)
/* Creates data.mdb and the first segment; the writer's lock is held, and tj__journal_look found a
 * place. */
tj_status tj__journal_create(tj__journal *journal, tj_error *error);
/* Removes what a creation that crashed left beside the journal. */
void tj__journal_create_tidy(const char *path);

/* view.c */
/* How far commits are acknowledged now. */
tj__mark tj__journal_mark(const tj__journal *journal);
/* Whether the files opened are still those that the path names. */
tj_status tj__journal_check_same_files(const tj__journal *journal, tj_error *error);

/* recover.c: brings the log to its end and LMDB up to it, and opens the log for writing. */
tj_status tj__journal_recover(tj__journal *journal, tj_error *error);

/* copied.c: for a journal whose mark is of another place, when its log is settled up to `end` and
 * before its own mark is published. *skipped: the log is longer by a commit. */
tj_status tj__journal_skip_counters(tj__journal *journal, const tj__position *end, bool *skipped,
                                    tj_error *error);

/* apply.c */
tj_status tj__journal_apply_start(tj__journal *journal, const tj__position *applied,
                                  tj_error *error);
/* Applies everything acknowledged up to now. */
tj_status tj__journal_apply(tj__journal *journal, tj_error *error);

/* metrics.c: shows what was counted to those who look on. */
void tj__journal_metrics_tell(tj__journal *journal);

/* compact.c: while a writer closes, after everything else. Ends the env when it has replaced
 * data.mdb. */
tj_status tj__journal_compact(tj__journal *journal, tj_compact_report *report, tj_error *error);

/* helper.c */
extern const tj__helper_ops tj__journal_helper_ops;
void tj__journal_helper_stop(tj__journal *journal);
/* After an append: lets the helper apply now when lag_bytes have gathered. */
void tj__journal_helper_nudge(tj__journal *journal);
/* Waits while the log is more than `bound` bytes ahead of LMDB. */
tj_status tj__journal_wait_for_apply(tj__journal *journal, uint64_t bound, tj_error *error);

/* Where the log begins now. */
static inline uint64_t tj__journal_first_segment(const tj__journal *journal)
{
    return __atomic_load_n(&journal->superblock.first_segment, __ATOMIC_RELAXED);
}

/* builder.c */
/* At opening: starts the thread when the log has sealed segments. */
void tj__journal_builder_start(tj__journal *journal);
/* Beside the helper's work: there may be another one. With no_threads it is worked on here. */
void tj__journal_builder_notice(tj__journal *journal);
/* Ends it, and what it does. */
void tj__journal_builder_stop(tj__journal *journal);

/* space.c */
/* Whether so many bytes of files that only history needs leave enough for commits. */
bool tj__journal_space_for_history(const tj__journal *journal, uint64_t bytes);
/* The same where these make room, once they are there. */
bool tj__journal_space_for_prune(const tj__journal *journal, uint64_t bytes);
/* How much more should be free so that space is not low; 0: it is not. */
uint64_t tj__journal_space_lacking(const tj__journal *journal);
/* Whether there is room for a new journal and its reserve. TJ_FULL. */
tj_status tj__journal_check_space(const tj__journal *journal, tj_error *error);
/* Makes the reserve; on a full disk the journal opens without it. */
tj_status tj__journal_space_start(tj__journal *journal, tj_error *error);
/* Finds out whether there is a reserve, before there is time to make one. Refuses what stands in
 * its place and can be none. */
tj_status tj__journal_space_look(tj__journal *journal, tj_error *error);
/* As tj__lock_ready and tj__env_snapshot_begin; out of the reserve if need be. */
tj_status tj__journal_mark_ready(tj__journal *journal, tj_error *error);
tj_status tj__journal_snapshot_begin(tj__journal *journal, tj__env_snapshot **out,
                                     tj__position *position, tj_error *error);
/* For a write that was refused: gives the reserve's blocks back to the file system; if that was not
 * enough, has it hand them out. False when there is nothing more to do, and for those who look on,
 * whose reserve it is not. */
bool tj__journal_make_space(tj__journal *journal);
/* Warns when space is low, and makes a reserve that was used whole again. */
void tj__journal_space_tend(tj__journal *journal);
/* How many bytes the log is ahead of LMDB, and how many it may be before commits wait. */
uint64_t tj__journal_lag(const tj__journal *journal);
uint64_t tj__journal_lag_bound(const tj__journal *journal, bool urgent);
/* TJ_FULL, for all but urgent commits while the reserve is in use. */
tj_status tj__journal_refuse_full(const tj__journal *journal, tj_error *error);
/* What to do about a FULL, unless it says so. */
void tj__journal_advise_full(const tj__journal *journal, tj_error *error);
void tj__journal_space_info(const tj__journal *journal, tj_store_info *info);

#endif
