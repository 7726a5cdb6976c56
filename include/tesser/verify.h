/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file verify.h
 * Whether a journal is what was written, and getting back what is not.
 *
 * Nothing here prints: what happened is a report, a struct in one arena.
 */
#ifndef TESSER_VERIFY_H
#define TESSER_VERIFY_H

#include <tesser/base.h>
#include <tesser/config.h>
#include <tesser/error.h>
#include <tesser/time.h>
#include <tesser/uuid.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- verify ------------------------------------------------------------------------------ */

/** What a finding means. */
typedef enum tj_finding_kind {
    TJ_FINDING_NOTE = 1,     /**< worth knowing, and no damage */
    TJ_FINDING_DAMAGE = 2,   /**< stored bytes are not what was written, or are not there */
    TJ_FINDING_UNCHECKED = 3 /**< this part could not be looked at */
} tj_finding_kind;

/** One thing that was found. */
typedef struct tj_finding {
    tj_finding_kind kind;
    tj_str sentence; /**< all of it, for people */
    tj_str file;     /**< absent when it is about no single file */
    uint64_t offset; /**< in that file, 0 when it is about all of it */
    /** The commits concerned; 0: none, or not known which. */
    uint64_t sequence_first;
    uint64_t sequence_last; /**< UINT64_MAX: to the end, and nothing tells where that was */
    tj_str key;             /**< the row concerned, in words; absent when there is none */
} tj_finding;

/** What a verification comes to. */
typedef enum tj_verdict {
    TJ_VERDICT_SOUND = 1,
    TJ_VERDICT_DAMAGED = 2,
    TJ_VERDICT_UNCHECKED = 3 /**< no damage, in what could be looked at */
} tj_verdict;

/** How to verify. Start from TJ_VERIFY_OPTIONS_INIT. */
typedef struct tj_verify_options {
    size_t struct_size;
    bool deep; /**< also replay the log in memory and compare it with data.mdb */
} tj_verify_options;

#define TJ_VERIFY_OPTIONS_INIT           \
    {                                    \
        sizeof(tj_verify_options), false \
    }

/** What a verification found. */
typedef struct tj_verify_report {
    tj_str path; /**< from the root */
    tj_uuid journal_id;
    tj_verdict verdict;
    bool deep;
    bool writer_alive; /**< it was looked at beside a writer: up to `sequence` */
    /** The newest state, with every acknowledged commit, can be had from what is sound: from
     * data.mdb and the log behind it, from the log alone, or from bases and the log behind them. */
    bool newest_whole;
    uint64_t sequence;         /**< the newest commit that is whole */
    uint64_t applied_sequence; /**< the one at which data.mdb stands; 0 when it cannot be read */
    uint64_t first_sequence;   /**< the oldest commit in the log; 0: none */
    uint64_t commit_count;     /**< that are whole in the log */
    uint64_t segment_count;
    uint64_t log_bytes;
    uint64_t state_bytes; /**< of data.mdb */
    uint64_t page_count;
    uint64_t row_count; /**< rows in data.mdb */
    bool compared;      /**< data.mdb was compared with the log, at `applied_sequence` */
    uint64_t digest;    /**< of both; 0 when they were not compared */
    tj_finding *findings;
    size_t finding_count;
    size_t finding_left_out; /**< more were found than are listed */
    uint64_t base_count;     /**< files in history/ that are sound: bases, and keys of segments */
    uint64_t base_bytes;     /**< of all of them */
    /** Of what holds nothing that is kept: writer.lock, lock.mdb, the reserve, the note of backups,
     * unfinished files. With log_bytes, state_bytes and base_bytes all that a sound journal has. */
    uint64_t other_bytes;
} tj_verify_report;

/**
 * Looks at every byte of a journal, beside its writer or without one, and writes nothing.
 *
 * Without `deep`: the directory and what is in it that is not the journal's, writer.lock, every
 * segment header, record, seal and the zeros behind, the chain over all segments, the pages of
 * data.mdb with the free ones, every row's checksum, the sums of rows, every base with its blocks,
 * index and place in the log, and every row decoded.
 * With `deep` also: the log replayed in memory up to data.mdb's position, and both states
 * compared; the two indexes of the ledger against it; and each base against what the log comes to
 * at its place, wherever the log reaches. That takes as much memory as the state has.
 *
 * A base that is damaged is damage (a verdict, a finding with its file), and costs time only: the
 * finding says so. Where the log before it was let go it is a source, and the finding says that.
 *
 * What holds nothing that is kept cannot be damaged, and is accounted for: lock.mdb, the reserve,
 * writer.lock, unfinished .tmp files. Where nobody should have written, that is a note: behind the
 * end that a segment's header says, in writer.lock beside what a writer writes. Free pages of
 * data.mdb, gaps within its pages and what lies behind the last one may hold anything.
 *
 * @param path    of the journal's directory
 * @param options NULL: the defaults
 * @param report  released with tj_verify_report_free; NULL on failure
 * @return TJ_OK whatever was found: the report says. TJ_NOT_FOUND: no journal is there; TJ_IO: it
 *         cannot be looked at; TJ_FORMAT_NEWER: a newer version wrote some of it; TJ_UNAVAILABLE: a
 *         writer was faster each time; TJ_LIMIT: the path is too long; TJ_MISUSE; TJ_NOMEM
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_verify(const char *path, const tj_verify_options *options,
                                      tj_verify_report **report, tj_error *error);

/**
 * Looks at every row of data.mdb and at nothing else, for monitoring: also at those of algorithms
 * and of the ledger, which opening does not look into. Beside a running writer, too.
 *
 * @param path     of the journal's directory
 * @param size_max a larger data.mdb is not looked at, because that takes too long: 8 MiB take about
 *                 20 ms; 0: whatever its size
 * @param looked   receives whether it was; may be NULL
 * @return TJ_OK: all are whole, or it was not looked at; TJ_CORRUPT for the first that is damaged,
 *         with its place and key; as tj_verify
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_verify_rows(const char *path, uint64_t size_max, bool *looked,
                                           tj_error *error);

/**
 * The same of the journal that a configuration names, which may be on a server: that its log has
 * every commit from the first on, each as it was written and chained to the one before, and every
 * row is as it was written. With `deep` also: the log replayed in memory, and both states compared.
 *
 * There are no segments, pages and bases there: their counts are 0.
 *
 * @param config  the journal; opened read-only when it is on a server
 * @param options NULL: the defaults
 * @param report  released with tj_verify_report_free; NULL on failure
 * @return as tj_verify; of a server also as tj_store_open; TJ_UNSUPPORTED for a store in memory
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_verify_config(const tj_config *config,
                                             const tj_verify_options *options,
                                             tj_verify_report **report, tj_error *error);

/** Releases a report that this library returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_verify_report_free(tj_verify_report *report);

/* ---- repair ------------------------------------------------------------------------------ */

/** Numbers that each counter skips by default when commits are lost, which may have reserved
 * some. */
#define TJ_REPAIR_SKIP_DEFAULT ((uint64_t)1000000)

/** How to repair. Start from TJ_REPAIR_OPTIONS_INIT. */
typedef struct tj_repair_options {
    size_t struct_size;
    bool accept_loss; /**< build the journal though commits or rows are lost */
    bool swap;        /**< then exchange the names of the two directories */
    bool dry_run;     /**< look and tell, write nothing */
    /** Numbers that each counter skips when commits are lost; 0: TJ_REPAIR_SKIP_DEFAULT */
    uint64_t skip_counters;
} tj_repair_options;

#define TJ_REPAIR_OPTIONS_INIT                            \
    {                                                     \
        sizeof(tj_repair_options), false, false, false, 0 \
    }

/** Where something comes from, or that it is lost. */
typedef struct tj_repair_part {
    bool lost;
    tj_str sentence; /**< all of it, for people */
    /** The commits concerned; 0: none. */
    uint64_t sequence_first;
    uint64_t sequence_last; /**< UINT64_MAX: to the end, and nothing tells where that was */
    tj_str key;             /**< the row concerned, in words; absent when it is about commits */
} tj_repair_part;

/** What a repair did, or with dry_run would do. */
typedef struct tj_repair_report {
    tj_str path;      /**< the damaged journal, from the root */
    tj_str directory; /**< the new one, from the root; after a swap, the damaged one */
    bool needed;      /**< false: it is sound, and nothing was done */
    bool written;     /**< the new journal is there */
    bool swapped;     /**< and has the damaged one's place */
    bool loses;       /**< commits or rows of the newest state are lost */
    tj_uuid source_id;
    tj_uuid journal_id; /**< of the new journal: the same unless it loses commits or rows */
    uint64_t sequence;  /**< the newest commit that is kept */
    uint64_t log_first; /**< the oldest that its log still tells; 0: none */
    uint64_t row_count; /**< of its state; 0 when it is not written */
    tj_repair_part *parts;
    size_t part_count;
    size_t part_left_out; /**< more would be told than are listed */
} tj_repair_report;

/**
 * Builds a sound journal out of what is sound in a damaged one, beside it, and leaves that one as
 * it is. Nothing is guessed: every commit and row of the new journal is one that was stored.
 *
 * What is used: the log from its first commit on, where it is whole up to the newest; else the
 * state in data.mdb and the commits behind it; else the newest bases and the commits behind them,
 * and the ledger and the commit ids from wherever they stand (.rest files, whole records,
 * data.mdb). History then begins behind what is missing. Single damaged rows of data.mdb come from
 * the commits that wrote them, or from bases.
 *
 * Where nothing is lost the new journal keeps the id: it is the same line of history, record for
 * record, and backups of it go on. Where commits or rows are lost it gets a new one, as the two
 * then hold different histories; its counters go on behind everything that the damaged journal
 * shows to be reserved and skip_counters, and a commit of it says what happened.
 *
 * The new journal is verified, as with `deep`, before the call returns. Do not write to the
 * damaged one afterwards. Sealed segments that are whole are not copied: both directories name the
 * same file, which no writer ever writes to again.
 *
 * @param path    of the damaged journal, which no process has open for writing
 * @param into    not there, or an empty directory
 * @param options NULL: the defaults
 * @param report  released with tj_repair_report_free; NULL on failure
 * @return TJ_OK, also when nothing was written because it is sound, or because something is lost
 *         and that was not accepted: the report says; TJ_BUSY: a process has it open for writing;
 *         TJ_EXISTS: something is at `into`; TJ_CORRUPT: there is nothing to repair it from, or the
 *         new journal did not verify; TJ_UNSUPPORTED: names cannot be exchanged there; TJ_LIMIT;
 *         TJ_FULL, TJ_IO, TJ_READONLY: of the new directory; and as tj_verify
 * Threads: any. Durability: all of the new journal is flushed on TJ_OK.
 */
TJ_API TJ_CHECKED tj_status tj_repair(const char *path, const char *into,
                                      const tj_repair_options *options, tj_repair_report **report,
                                      tj_error *error);

/** Releases a report that this library returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_repair_report_free(tj_repair_report *report);

#ifdef __cplusplus
}
#endif
#endif
