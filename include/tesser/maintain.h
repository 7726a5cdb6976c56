/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file maintain.h
 * Looking after a journal: backups that are proven, and getting back what was lost.
 *
 * Nothing here prints: what happened is a report, a struct in one arena.
 */
#ifndef TESSER_MAINTAIN_H
#define TESSER_MAINTAIN_H

#include <tesser/history.h>
#include <tesser/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- backup ------------------------------------------------------------------------------ */

/** How fast a backup writes by default: 100 MiB/s, beside which savers hardly wait longer. */
#define TJ_BACKUP_RATE_DEFAULT ((uint64_t)100 << 20)
/** As fast as the disk takes it. */
#define TJ_BACKUP_RATE_UNBOUNDED UINT64_MAX
/** The level of compression that is worth its time. */
#define TJ_BACKUP_COMPRESSION_DEFAULT ((uint64_t)3)
/** The highest one. */
#define TJ_BACKUP_COMPRESSION_MAX ((uint64_t)19)

/** How to make a backup. Start from TJ_BACKUP_OPTIONS_INIT; a zero means the default. */
typedef struct tj_backup_options {
    size_t struct_size;
    uint64_t bytes_per_s; /**< default: TJ_BACKUP_RATE_DEFAULT */
    /** For backups every few seconds: the point before this one goes, unless an hour is between it
     * and the one before it, or it was verified. Nothing of the log goes. */
    bool thin;
    /** Keep segments that are whole compressed, 1 (least) to TJ_BACKUP_COMPRESSION_MAX, also those
     * that an earlier backup kept as they are; 0: as they are, or were. The levels are zstd's. */
    uint64_t compression;
    /** The journal was moved since the last backup, or put back from a copy, and goes on in the
     * place of the one that was backed up: the backup follows it. */
    bool moved;
} tj_backup_options;

#define TJ_BACKUP_OPTIONS_INIT                        \
    {                                                 \
        sizeof(tj_backup_options), 0, false, 0, false \
    }

/** A commit up to which a backup is whole: what can be restored. */
typedef struct tj_backup_point {
    uint64_t sequence;    /**< of the commit; 0: of a journal without any */
    tj_time time;         /**< of the commit, 0 without one */
    tj_time made_at;      /**< when the backup was made */
    tj_time verified_at;  /**< when it was last restored for a proof, 0: not yet */
    uint64_t digest;      /**< what the state came to: the same for the same rows */
    uint64_t row_count;   /**< rows of the state, all books together */
    size_t segment_count; /**< log segments that the backup has for it */
    uint64_t bytes;       /**< of those, and of the bases behind which they begin */
} tj_backup_point;

/** What a backup did. */
typedef struct tj_backup_report {
    tj_str directory; /**< from the root */
    tj_uuid journal_id;
    tj_backup_point point;
    uint64_t copied_bytes; /**< written by this call */
    bool noted;            /**< the journal knows of it: tj_known_backups_read */
    uint64_t stored_bytes; /**< that the backup takes on the disk for the point; 0 of a proof */
} tj_backup_report;

/**
 * Backs a journal up into a directory, beside its writer or without one: everything up to the
 * newest acknowledged commit. Never twice what is there already: the first time all of the log,
 * later what was added since.
 *
 * The log is copied record by record, so that what is copied was verified, and the digest of the
 * state as LMDB and the log show it now is noted: restoring the backup must come to the same. A
 * backup that was killed is gone on with by the next. What is in the directory is never
 * overwritten: another journal, or a log that is not the one that was backed up, is refused. So is
 * a copy of the journal that a writer has opened, which may have gone another way: a backup follows
 * one journal, and another in its place with `moved` only.
 *
 * Of a journal whose oldest segments were pruned the first backup has the state behind which the
 * log begins, and all of the ledger. What is pruned later stays in the backup.
 *
 * @param store     opened read-only or not; the call may be made beside saves
 * @param directory of an earlier backup of this journal, or empty, or not there
 * @param options   NULL: the defaults
 * @param report    receives what was done; may be NULL; released with tj_backup_report_free
 * @return TJ_OK; TJ_CONFLICT: of another journal, of another history of this one, or of this one in
 *         another place; TJ_EXISTS: something else is in the directory; TJ_BUSY: another process
 *         backs up into it; TJ_CORRUPT: the journal or the newest point of the backup is damaged;
 *         TJ_NOT_FOUND: a segment or base that the backup needs is missing, or was pruned since the
 *         last one; TJ_UNSUPPORTED: the store is no journal; TJ_INVALID: the directory is inside
 *         the journal, or no such compression; TJ_FULL, TJ_IO, TJ_READONLY: of the directory;
 *         TJ_NOMEM; and as tj_state_load
 * Threads: any. Durability: all of the backup is flushed on TJ_OK.
 */
TJ_API TJ_CHECKED tj_status tj_backup(tj_store *store, const char *directory,
                                      const tj_backup_options *options, tj_backup_report **report,
                                      tj_error *error);

/** Releases a report that this library returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_backup_report_free(tj_backup_report *report);

/** What a backup's directory holds. */
typedef struct tj_backup_list {
    tj_str directory;        /**< from the root */
    tj_uuid journal_id;      /**< zeros when there is no point */
    tj_backup_point *points; /**< ascending */
    size_t count;
    uint64_t oldest_sequence; /**< oldest commit that can be restored; 0: all of them can */
} tj_backup_list;

/**
 * Lists the points of a backup. Only they are read, and not the files that they name:
 * tj_backup_verify does.
 *
 * @param out released with tj_backup_list_free; NULL on failure
 * @return TJ_OK; TJ_NOT_FOUND; TJ_INVALID: no backup; TJ_CORRUPT: a damaged point; TJ_FORMAT_NEWER;
 *         TJ_IO; TJ_NOMEM
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_backup_list_read(const char *directory, tj_backup_list **out,
                                                tj_error *error);

/** Releases a list that this library returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_backup_list_free(tj_backup_list *list);

/** How to verify a backup. Start from TJ_BACKUP_VERIFY_OPTIONS_INIT. */
typedef struct tj_backup_verify_options {
    size_t struct_size;
    uint64_t sequence; /**< of the point to prove; 0: the newest */
    /** Where the trial is restored to, and removed again; it takes about as much space as the
     * journal. NULL: the environment's TMPDIR, else /var/tmp. */
    const char *trial_directory;
    /** The journal of which it is a backup, to be told of the proof; one with another id, or that
     * cannot be written to, is not. NULL: only the backup itself says so. */
    const char *journal;
} tj_backup_verify_options;

#define TJ_BACKUP_VERIFY_OPTIONS_INIT                   \
    {                                                   \
        sizeof(tj_backup_verify_options), 0, NULL, NULL \
    }

/**
 * Proves that a backup can be restored: restores it, into a directory of its own that is removed
 * again, and compares. Each file must have the hash that the point names, each record be valid and
 * chained to the one before, each row of the restored state decode, and the digest of all rows be
 * the one that the journal showed when the backup was made.
 *
 * The point then says when it was proven, unless the backup cannot be written to now.
 * @param options NULL: the defaults
 * @param report  receives what was proven; may be NULL; released with tj_backup_report_free;
 *                `copied_bytes` is the size of the log that was restored
 * @return TJ_OK; TJ_NOT_FOUND: no such backup, point or file; TJ_INVALID: no backup; TJ_CORRUPT
 *         with the place, or with what differs; TJ_FORMAT_NEWER; TJ_FULL, TJ_IO: of the trial
 *         directory too; TJ_NOMEM
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_backup_verify(const char *directory,
                                             const tj_backup_verify_options *options,
                                             tj_backup_report **report, tj_error *error);

/** A backup that a journal knows of. */
typedef struct tj_known_backup {
    uint64_t sequence; /**< of the commit up to which it is whole */
    tj_time at;        /**< when it was made, or proven; 0: none is known */
    tj_str directory;  /**< from the root; absent when none is known */
} tj_known_backup;

/** The backups that a journal knows of. */
typedef struct tj_known_backups {
    tj_known_backup newest;
    tj_known_backup verified; /**< the newest of which tj_backup_verify told this journal */
} tj_known_backups;

/**
 * Tells which backup of a journal is the newest, and which one is the newest that was proven, from
 * a small file in its directory. The journal is not opened, and may be damaged.
 *
 * A backup or a proof is noted there when it has succeeded, if that directory can be written to. A
 * note that is lost or damaged is none. Backups that follow each other within a minute into one
 * directory, with tj_backup_options.thin, are noted once.
 * @param journal path as in tj_config
 * @param out     released with tj_known_backups_free; NULL on failure
 * @return TJ_OK, also when no backup is known; TJ_MISUSE, TJ_INVALID, TJ_LIMIT: no path; TJ_IO;
 *         TJ_NOMEM
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_known_backups_read(const char *journal, tj_known_backups **out,
                                                  tj_error *error);

/** Releases what this library returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_known_backups_free(tj_known_backups *backups);

/* ---- restore ----------------------------------------------------------------------------- */

/** What to restore. Start from TJ_RESTORE_OPTIONS_INIT: everything that the source has. */
typedef struct tj_restore_options {
    size_t struct_size;
    tj_moment at; /**< up to and including this commit; default: the newest of the source */
    /** Numbers that each counter skips besides: at least as many as may have been reserved since
     * the backup was made. With it, damage behind the commit that was asked for is passed over. */
    uint64_t skip_counters;
    bool dry_run; /**< read and check the source, and write nothing */
} tj_restore_options;

#define TJ_RESTORE_OPTIONS_INIT                              \
    {                                                        \
        sizeof(tj_restore_options), TJ_MOMENT_INIT, 0, false \
    }

/** A counter of a restored journal. */
typedef struct tj_restored_counter {
    tj_str book;
    tj_str name;
    uint64_t next; /**< the number that is handed out next */
} tj_restored_counter;

/** What a restore did, or with dry_run would do. */
typedef struct tj_restore_report {
    bool dry_run;
    bool from_backup; /**< else from the log of a journal */
    tj_str source;    /**< from the root */
    tj_str directory; /**< the new journal, from the root */
    tj_uuid source_id;
    tj_uuid journal_id;       /**< of the new journal; zeros with dry_run */
    uint64_t sequence;        /**< the commit that is restored */
    tj_time time;             /**< of that commit, 0 without one */
    uint64_t newest_sequence; /**< that the source has, as far as it could be read */
    bool cut_short;  /**< the source is damaged behind that: what counters did there is not known */
    uint64_t commit; /**< of the new journal's own first commit; 0 with dry_run */
    uint64_t digest; /**< what the restored state came to; 0 with dry_run */
    uint64_t row_count; /**< its rows; 0 with dry_run */
    bool proven;        /**< a backup had noted the digest at this commit, and it is the same */
    tj_restored_counter *counters;
    size_t counter_count;
} tj_restore_report;

/**
 * Makes a new journal out of a backup, or out of the log of another journal, whose data.mdb may be
 * damaged or gone.
 *
 * The new journal has an id of its own and a log of its own, record by record the old one up to the
 * commit that was asked for, and one commit more with a note of where it comes from. That commit
 * lifts the counters: each goes on behind the highest number that the source knows to be reserved,
 * also after the commit that was asked for. So no number is handed out twice, and the new journal,
 * the old one and its backups cannot be mixed up.
 *
 * A backup is restored to its newest point. What its log holds behind that, as one that was not
 * finished leaves it, lifts counters, too, and is restored when it is asked for.
 *
 * The log of a source need not begin with segment 1: then its bases are read, and the history of
 * the new journal begins where that of the source does.
 *
 * @param source  a backup, or a journal, beside whose writer it may be read; it stays as it is
 * @param into    the new journal: not there, or an empty directory; it is there as a whole, and
 *                flushed, or not at all
 * @param options NULL: the defaults
 * @param report  receives what was done; may be NULL; released with tj_restore_report_free
 * @return TJ_OK; TJ_NOT_FOUND: no source, or it does not have that commit, or not any more;
 *         TJ_EXISTS: something is in the new journal's place; TJ_CORRUPT with the place: the
 *         source is damaged, or comes to another state than the one that was backed up;
 *         TJ_INVALID: the source is neither a backup nor a journal; TJ_LIMIT: a counter cannot skip
 *         so many; TJ_FORMAT_NEWER; TJ_FULL, TJ_IO, TJ_READONLY; TJ_NOMEM
 * Threads: any. Durability: the new journal is flushed on TJ_OK.
 */
TJ_API TJ_CHECKED tj_status tj_restore(const char *source, const char *into,
                                       const tj_restore_options *options,
                                       tj_restore_report **report, tj_error *error);

/** Releases a report that this library returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_restore_report_free(tj_restore_report *report);

/* ---- retention --------------------------------------------------------------------------- */

/** What to keep. Start from TJ_PRUNE_OPTIONS_INIT; a zero means the default. */
typedef struct tj_prune_options {
    size_t struct_size;
    uint64_t history_size_bytes; /**< log that stays; default: as configured */
    bool dry_run;                /**< tell what would go, and change nothing */
} tj_prune_options;

#define TJ_PRUNE_OPTIONS_INIT              \
    {                                      \
        sizeof(tj_prune_options), 0, false \
    }

/** What went, or would go. */
typedef struct tj_prune_report {
    size_t struct_size;
    uint64_t segment_count;   /**< of the log, the oldest ones; commits, of one on a server */
    uint64_t bytes;           /**< of them */
    uint64_t first_segment;   /**< where the log begins then; of one on a server 0 */
    uint64_t oldest_sequence; /**< oldest commit whose state stays; 0: all of them do */
    tj_time oldest_time;      /**< about when it was; 0 when all stay */
} tj_prune_report;

#define TJ_PRUNE_REPORT_INIT                    \
    {                                           \
        sizeof(tj_prune_report), 0, 0, 0, 0, 0, \
    }

/**
 * Lets the oldest segments of the log go, as the store does by itself behind the commits: so that
 * history_size_bytes stay, and nothing is older than configured. Never the segment in which LMDB's
 * state stands, and the two before it.
 *
 * Nothing goes before it is proven that the rest can be restored: the state at the last commit that
 * goes is in files that equal, row for row, what the log comes to, and these and the log that stays
 * come to the state in LMDB. States before that commit are gone then, but for some that stay as
 * points: one an hour for 7 days, one a day for 400. Ledger entries and commit ids all stay.
 *
 * @param options NULL: the defaults
 * @param report  must be initialized
 * @return TJ_OK; TJ_CORRUPT when a proof fails: nothing went; TJ_READONLY unless it is a dry run;
 *         TJ_UNSUPPORTED for an engine that keeps no past; TJ_FULL, TJ_IO, TJ_NOMEM, TJ_MISUSE
 * Threads: any. Reads all of the log that stays: seconds for each GiB. Commits go on beside it.
 */
TJ_API TJ_CHECKED tj_status tj_prune(tj_store *store, const tj_prune_options *options,
                                     tj_prune_report *report, tj_error *error);

/* ---- compacting -------------------------------------------------------------------------- */

/** How to compact. Start from TJ_COMPACT_OPTIONS_INIT. */
typedef struct tj_compact_options {
    size_t struct_size;
    bool dry_run; /**< tell what it would come to, and change nothing */
} tj_compact_options;

#define TJ_COMPACT_OPTIONS_INIT           \
    {                                     \
        sizeof(tj_compact_options), false \
    }

/** What compacting came to, or would. */
typedef struct tj_compact_report {
    size_t struct_size;
    uint64_t bytes_before; /**< of data.mdb */
    uint64_t bytes_after;  /**< of the one without free pages */
    bool written;          /**< it is in place; false: a dry run, or there was nothing to gain */
} tj_compact_report;

#define TJ_COMPACT_REPORT_INIT                  \
    {                                           \
        sizeof(tj_compact_report), 0, 0, false, \
    }

/**
 * Makes data.mdb as small as what is in it: LMDB keeps the pages of what was deleted, for rows to
 * come.
 *
 * The journal is opened for writing, and nobody else may have it open. A copy without free pages is
 * built beside data.mdb, flushed, compared with it row by row, and renamed into its place. The log
 * is not touched, and whatever happens meanwhile leaves the old file or the new one, which hold the
 * same.
 *
 * @param config  the journal; must_exist is implied
 * @param options NULL: the defaults
 * @param report  must be initialized
 * @return TJ_OK, also when there is nothing to gain; TJ_BUSY: a process has it open, for writing or
 *         reading, which the sentence names; TJ_FULL: there is no room for the copy, and nothing
 *         was changed; TJ_CORRUPT: data.mdb is damaged, or the copy is not what it should be;
 *         TJ_UNSUPPORTED for an engine without a file; and as tj_store_open
 * Threads: any. Durability: the new file is durable on TJ_OK.
 */
TJ_API TJ_CHECKED tj_status tj_compact(const tj_config *config, const tj_compact_options *options,
                                       tj_compact_report *report, tj_error *error);

/* ---- a checkup --------------------------------------------------------------------------- */

/** How something does; what is worse is more. */
typedef enum tj_health {
    TJ_HEALTH_OK = 1,
    TJ_HEALTH_UNKNOWN = 2, /**< it could not be looked at */
    TJ_HEALTH_WARNING = 3, /**< it works, and may not for long, or not in every case */
    TJ_HEALTH_WRONG = 4    /**< the journal cannot be relied on, or cannot be used */
} tj_health;

/** One thing that was looked at. */
typedef struct tj_checkup_item {
    /** "journal", "writer", "readers", "clock", "history", "data.mdb", "backup", "file system",
     * "mount", "flush", "space", "inodes", "permissions", "leftovers", "limits", "versions"; of one
     * on a server "journal", "writer", "rows", "server", "flush", "clock", "standby", "sessions",
     * "encryption", "snapshots", "permissions"; some stand more than once */
    tj_str name;
    tj_health health;
    tj_str sentence; /**< what was measured, and what it means */
    tj_str command;  /**< what mends it, or tells more; absent: nothing needs to be done */
} tj_checkup_item;

/** What a checkup found. */
typedef struct tj_checkup {
    tj_str path;      /**< from the root; of one on a server as in tj_store_info */
    tj_health health; /**< the worst of all */
    tj_checkup_item *items;
    size_t count;
} tj_checkup;

/** How to look. Start from TJ_DOCTOR_OPTIONS_INIT. */
typedef struct tj_doctor_options {
    size_t struct_size;
    bool skip_flush; /**< measure no flushes, for which a file without a name is written */
} tj_doctor_options;

#define TJ_DOCTOR_OPTIONS_INIT           \
    {                                    \
        sizeof(tj_doctor_options), false \
    }

/**
 * Looks at a journal and at what it stands on, and tells of each thing how it does and which
 * command mends it: file system, mount options, the cost of a flush (measured: a few, of a small
 * file without a name in the journal's directory), space and inodes, the clock against the newest
 * commit, limits of the process that writes, versions, readers, owners and modes, growth of the
 * history. Of a journal on a server: whether it opens, who writes, what the server is set to, its
 * standbys, its clock beside this machine's, its sessions, and what the role may do.
 *
 * It works beside a writer and on a damaged journal. Whether every byte is what was written is
 * tj_verify's question.
 *
 * @param config  the journal; opened read-only, as far as that goes
 * @param options NULL: the defaults
 * @param report  released with tj_checkup_free; NULL on failure
 * @return TJ_OK whatever was found; TJ_NOT_FOUND: no directory is there; TJ_UNSUPPORTED for an
 *         engine without a path; TJ_LIMIT, TJ_MISUSE, TJ_NOMEM
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_doctor(const tj_config *config, const tj_doctor_options *options,
                                      tj_checkup **report, tj_error *error);

/** Releases a report that this library returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_checkup_free(tj_checkup *checkup);

/* ---- a server ------------------------------------------------------------------------------ */

/**
 * The statements that make a schema for journals on PostgreSQL, for an administrator to read and to
 * run. As comments behind them: what a role that writes and one that looks on are granted.
 *
 * @param schema its name
 * @param out    released with tj_text_dispose
 * @return TJ_OK; TJ_MISUSE; TJ_NOMEM
 * Threads: any. No server is asked.
 */
TJ_API TJ_CHECKED tj_status tj_postgres_sql(const char *schema, tj_text *out, tj_error *error);

#ifdef __cplusplus
}
#endif
#endif
