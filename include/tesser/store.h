/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file store.h
 * A store: one opened journal (or one in memory), its books and what can be told of it.
 */
#ifndef TESSER_STORE_H
#define TESSER_STORE_H

#include <tesser/config.h>
#include <tesser/time.h>
#include <tesser/uuid.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An opened store. */
typedef struct tj_store tj_store;

/**
 * Opens the store that a configuration names, creating and recovering it as needed.
 *
 * The lmdb engine: creates the directory, those above it and its files when they are not there
 * (unless must_exist), for this user to write and its group to read, takes the writer's lock,
 * brings LMDB up to date with the log, and reports through the trace callback what recovery did.
 * Nothing that was acknowledged is ever dropped (P5).
 *
 * @param config borrowed for the call
 * @param out    receives the store, released with tj_store_close; NULL on failure
 * @return TJ_OK; TJ_MISUSE for a configuration that cannot work; TJ_NOT_FOUND with must_exist;
 *         TJ_BUSY when another writer holds the journal, naming it, or when this process has
 *         it open without `shared`; TJ_CONFLICT when it is open here with other options;
 *         TJ_EXISTS when the directory holds files of something else; TJ_UNSUPPORTED for a file
 *         system or data file that is not ours (naming the import command for Tesser's own);
 *         TJ_CORRUPT with file, offset and sequence; TJ_FORMAT_NEWER; TJ_READONLY; TJ_FULL;
 *         TJ_IO; TJ_LIMIT; TJ_NOMEM; of a server: TJ_UNAVAILABLE when it cannot be reached,
 *         TJ_INVALID when it is there and does not let this role in this way
 * Threads: any.
 * Durability: when it returns, the journal's existence and everything recovered is on the disk.
 * Source: P4, P5, P6, P8, P10.
 */
TJ_API TJ_CHECKED tj_status tj_store_open(const tj_config *config, tj_store **out, tj_error *error);

/**
 * Closes a store: waits for what is under way, brings LMDB up to date, releases everything.
 * Submitted commits are made as durable as was asked for; callbacks that were not taken are
 * dropped.
 *
 * The handle and all repositories of it are gone afterwards, whatever is returned.
 * @param store may be NULL
 * @return TJ_OK, also when LMDB could not be brought up to date for want of space: every commit is
 *         durable in the log, the trace callback is told, and a later open goes on from there;
 *         otherwise what could not be done: nothing acknowledged is lost by it, the next open
 *         recovers from the log
 * Threads: handle; no other call on this store may be under way.
 */
TJ_API tj_status tj_store_close(tj_store *store, tj_error *error);

/**
 * Creates a book. The very first book of a journal needs no call: the first save creates it;
 * beside stored books a new one must be created, so that a misspelt name never trades from empty.
 *
 * @param name 1 to TJ_BOOK_SIZE_MAX bytes of UTF-8 without control characters; a new one has no
 *        blanks around it and no characters that are not seen
 * @return TJ_OK for the one call that created it; TJ_EXISTS when it is there already, be it by a
 *         concurrent call; TJ_INVALID for the name; and as tj_txn_commit
 * Threads: any. Durability: as a save.
 */
TJ_API TJ_CHECKED tj_status tj_store_book_create(tj_store *store, const char *name,
                                                 tj_error *error);

/** A book as tj_store_books lists it. */
typedef struct tj_book_info {
    tj_str name;
    size_t state_row_count; /**< rows its LiveState takes */
    size_t open_order_count;
    /** In the portfolio or in its sub-accounts, whichever are more: Tesser keeps each in both. */
    size_t position_count;
    size_t algo_count;
    uint64_t ledger_sequence; /**< newest ledger entry, 0 before the first */
} tj_book_info;

/** Books in the order of their names. */
typedef struct tj_book_list {
    tj_book_info *books;
    size_t count;
} tj_book_list;

/**
 * Lists the books with their counts. The first list of a store that was opened read-only is what
 * opening has counted; another costs a walk over their rows.
 *
 * @param out released with tj_book_list_free; NULL on failure
 * @return TJ_OK, or as tj_state_load
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_store_books(tj_store *store, tj_book_list **out, tj_error *error);

/** Releases a list that this library returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_book_list_free(tj_book_list *list);

/** What only the journal directory can tell, in its part of tj_store_info. */
typedef struct tj_lmdb_info {
    uint64_t applied_sequence;    /**< newest commit that LMDB includes */
    uint64_t lag_bytes;           /**< log from there to the newest commit */
    uint64_t log_bytes;           /**< all segments on disk */
    uint64_t map_size_bytes;      /**< of this process; 0 when opened read-only */
    uint64_t free_bytes;          /**< space left on the file system for this user */
    uint64_t reserve_bytes;       /**< space kept for critical commits; 0 when it is in use */
    uint64_t oldest_reader_lag;   /**< how many LMDB transactions the oldest snapshot lags behind */
    int64_t oldest_reader_pid;    /**< pid of the reader with that snapshot, 0 when none */
    tj_time recovered_at;         /**< when a writer last opened the journal, 0 if not known */
    uint64_t recovered_bytes_cut; /**< bytes of torn tail it found then, and zeroed */
    uint32_t segment_count;
    uint32_t reader_count; /**< LMDB reader slots in use */
    /** A writer's mark tells how far commits are acknowledged; without one (another boot or mount,
     * a copy) the log is shown to its end. */
    bool acknowledged_known;
    bool space_low;            /**< less is free than the journal will soon need */
    uint64_t oldest_sequence;  /**< oldest commit whose state can be had; 0: all of them can */
    tj_time oldest_time;       /**< about when it was, 0 when the log has no commit */
    uint64_t history_bytes;    /**< what bases take beside the log */
    uint64_t segments_missing; /**< old segments that are gone or cut, and history with them */
    uint64_t reserved[8];      /**< for members to come; zero, which then means "not told" */
} tj_lmdb_info;

/** What only a journal on PostgreSQL can tell, in its part of tj_store_info. */
typedef struct tj_postgres_info {
    uint64_t epoch; /**< counts the writers that the journal has had */
    uint64_t
        applied_sequence; /**< newest commit that the row tables, and so the SQL views, include */
    uint64_t lag_bytes;   /**< log from there to the newest commit */
    tj_time away_since;   /**< since when the server takes no commits; 0: it does */
    uint32_t server_version; /**< as libpq has it: 150018 is 15.18; 0 when the server is away */
    /** Commits that were acknowledged and of which no standby is known to have them, with
     * TJ_STANDBY_LOST_GO_ON. */
    uint32_t unreplicated;
    tj_time writer_seen; /**< when the newest writer last renewed its lease, by the server's clock;
                             0: there was none, or the server is away */
    uint64_t oldest_sequence; /**< oldest commit whose state can be had; 0: all of them can */
    uint64_t reserved[6];     /**< for members to come; zero, which then means "not told" */
} tj_postgres_info;

/**
 * What can be told of a store at one moment.
 *
 * What every engine can tell stands here. What one alone has stands in a member with the name that
 * the engine has as `type` in the configuration, and is zero for another.
 */
typedef struct tj_store_info {
    size_t struct_size;
    tj_engine_type type;
    tj_durability durability;
    /** The journal directory; "" in memory; host:port/database schema.name on PostgreSQL. */
    char path[TJ_PATH_SIZE];
    tj_uuid journal_id; /**< given at creation */
    uint32_t format_version;
    uint64_t sequence;       /**< newest commit acknowledged, 0 before the first */
    tj_time sequence_time;   /**< time of that commit, 0 before the first */
    uint64_t state_bytes;    /**< what rows take: size of data.mdb, or bytes of memory */
    bool writer_alive;       /**< a process holds the writer's lock */
    int64_t writer_pid;      /**< its pid, 0 when none */
    char writer[256];        /**< the holder as it describes itself, "" when none */
    int64_t clock_behind_ns; /**< how far the clock is behind sequence_time, 0 if it is not: it was
                                       once ahead, and times of commits go on from there */
    union {
        tj_lmdb_info lmdb;
#ifndef __cplusplus
        /** The same by the names that they had when there was one engine, as in tj_config. */
        struct {
            uint64_t applied_sequence, lag_bytes, log_bytes, map_size_bytes, free_bytes,
                reserve_bytes, oldest_reader_lag;
            int64_t oldest_reader_pid;
            tj_time recovered_at;
            uint64_t recovered_bytes_cut;
            uint32_t segment_count, reader_count;
            bool acknowledged_known, space_low;
        };
#endif
    };
    tj_postgres_info postgres;
} tj_store_info;

#define TJ_STORE_INFO_INIT                                                                       \
    {                                                                                            \
        sizeof(tj_store_info), TJ_ENGINE_LMDB, TJ_DURABILITY_SYNC, "", {{0}}, 0, 0, 0, 0, false, \
            0, "", 0, {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, false, false, 0, 0, 0, 0, {0}}},     \
        {                                                                                        \
            0, 0, 0, 0, 0, 0, 0, 0,                                                              \
            {                                                                                    \
                0                                                                                \
            }                                                                                    \
        }                                                                                        \
    }

/**
 * Finds out whether a commit survived, by the caller's own id.
 *
 * @param sequence receives its sequence; may be NULL
 * @return TJ_OK; TJ_NOT_FOUND: not among the TJ_COMMIT_ID_KEPT newest ids; or as tj_state_load
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_store_commit_find(tj_store *store, const tj_uuid *commit_id,
                                                 uint64_t *sequence, tj_error *error);

/**
 * Does the work of the helper threads once, on the caller's thread: brings LMDB up to date,
 * prepares the next log segment, looks after reader slots and space, flushes submitted commits, and
 * when a segment has ended builds the next base of the past (10 to 100 ms). For stores opened with
 * no_threads, but allowed on any.
 *
 * Call it at least every lag_ms or so. It may wait for the disk.
 * @return TJ_OK; TJ_FULL, TJ_IO, TJ_CLOSED: what could not be done; nothing acknowledged is lost by
 *         it
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_store_work(tj_store *store, tj_error *error);

/**
 * Tells of a store.
 *
 * @param info must be initialized
 * @return TJ_OK; TJ_MISUSE; TJ_IO
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_store_info_get(tj_store *store, tj_store_info *info,
                                              tj_error *error);

/** A standby that is connected to the server of a journal on PostgreSQL. */
typedef struct tj_standby {
    tj_str name;    /**< as synchronous_standby_names means it: its application_name */
    tj_str address; /**< "" when it comes by a Unix socket, or when it is not shown */
    tj_str state;   /**< "streaming" once it has caught up; "" when it is not shown */
    tj_str sync;    /**< "sync", "quorum", "potential", "async"; "" when it is not shown */
    /** Of the server's log of changes (WAL, of all its databases), what the standby has not flushed
     * yet; 0 when it is not shown. */
    uint64_t behind_bytes;
} tj_standby;

/** Standbys, those that commits wait for first. */
typedef struct tj_standby_list {
    tj_standby *standbys;
    size_t count;
    tj_str wanted;  /**< the server's synchronous_standby_names; "": commits wait for none */
    bool is_shown;  /**< how they do; false: the role lacks pg_read_all_stats */
    bool is_behind; /**< the server that was asked is a standby itself: it may be behind */
} tj_standby_list;

/**
 * Tells which standbys the server of a journal on PostgreSQL has. Any other journal has none.
 *
 * @param out released with tj_standby_list_free; NULL on failure
 * @return TJ_OK; TJ_MISUSE; TJ_NOMEM; TJ_UNAVAILABLE when the server is away
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_store_standbys(tj_store *store, tj_standby_list **out,
                                              tj_error *error);

/** Releases a list that this library returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_standby_list_free(tj_standby_list *list);

#ifdef __cplusplus
}
#endif
#endif
