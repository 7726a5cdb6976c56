/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file config.h
 * How a store is opened: a struct to fill, or a TOML file to read it from.
 */
#ifndef TESSER_CONFIG_H
#define TESSER_CONFIG_H

#include <tesser/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Name of the book that is used when none is given. */
#define TJ_BOOK_DEFAULT "default"
/** Longest book name, in bytes. */
#define TJ_BOOK_SIZE_MAX 128
/** Bytes that hold the path of a journal's directory from the root, with its NUL. */
#define TJ_PATH_SIZE 4096
/** LMDB map size when none is configured: 10 GiB (address space, not disk). */
#define TJ_MAP_SIZE_DEFAULT ((uint64_t)10 << 30)
/** Size of a log segment when none is configured: 16 MiB, preallocated. */
#define TJ_SEGMENT_SIZE_DEFAULT ((uint64_t)16 << 20)
/** Smallest log segment. */
#define TJ_SEGMENT_SIZE_MIN ((uint64_t)64 << 10)
/** How far LMDB may lag behind the log before it is brought up to date, in bytes and ms. More makes
 * saves cheaper; less makes recovery after a crash quicker, and the first load of a process that
 * looks on. While LMDB cannot follow, saves wait when it is 4 times so many bytes behind. */
#define TJ_LAG_BYTES_DEFAULT ((uint64_t)8 << 20)
#define TJ_LAG_MS_DEFAULT 200
/** How much of the log is kept for states of the past when nothing is configured: 16 GiB. Older
 * segments go, once it is proven that what stays is enough. */
#define TJ_HISTORY_SIZE_DEFAULT ((uint64_t)16 << 30)

/** Where the data lives. */
typedef enum tj_engine_type {
    TJ_ENGINE_LMDB = 0,    /**< the journal directory: commit log and LMDB; durable */
    TJ_ENGINE_MEMORY = 1,  /**< this process's memory; gone with it */
    TJ_ENGINE_POSTGRES = 2 /**< a schema of a PostgreSQL server; durable there */
} tj_engine_type;

/**
 * The name of an engine, as `type` in the configuration has it.
 *
 * @return a constant text, "unknown" for a number that is no engine's.
 * Threads: any.
 */
TJ_API const char *tj_engine_type_name(tj_engine_type type);

/** What an acknowledged save survives (promise P1). */
typedef enum tj_durability {
    TJ_DURABILITY_SYNC = 0, /**< a power cut: the record is flushed to the disk */
    TJ_DURABILITY_OS = 1,   /**< a killed process: the record is written to the kernel */
    /** The loss of the server's machine: a synchronous standby has flushed the record, too. On
     * PostgreSQL only. */
    TJ_DURABILITY_REPLICATED = 2
} tj_durability;

/** What becomes of a commit with TJ_DURABILITY_REPLICATED that no synchronous standby takes. */
typedef enum tj_standby_lost {
    TJ_STANDBY_LOST_WAIT = 0, /**< it is not acknowledged until one has it */
    TJ_STANDBY_LOST_GO_ON = 1 /**< it is acknowledged, counted and told */
} tj_standby_lost;

/** How urgent a trace message is. */
typedef enum tj_trace_level {
    TJ_TRACE_INFO = 1,
    TJ_TRACE_WARNING = 2,
    TJ_TRACE_ERROR = 3
} tj_trace_level;

/**
 * Receives what the library has to say beside its results: a recovery and what it cut, an apply
 * that failed and is retried, space running low.
 *
 * Called from any thread that is inside the library, also from its helper thread, and never
 * with a lock held that a call of this library needs: it may save, load, open another store, fork.
 * It must not close the store that it is called for, nor open that journal while it is being
 * closed. What closing a store says may come when that store is gone.
 * The messages of one thread come in their order, each once.
 * @param context as given in tj_config
 * @param message one line, borrowed
 */
typedef void tj_trace_fn(void *context, tj_trace_level level, const char *message);

/**
 * What only the journal directory is configured with, in its part of tj_config. A zero means the
 * default of each member.
 */
typedef struct tj_lmdb_config {
    uint64_t map_size_bytes;     /**< default: TJ_MAP_SIZE_DEFAULT; rounded up to whole pages */
    uint64_t map_size_max_bytes; /**< the map grows by itself up to here; default: no bound */
    uint64_t segment_size_bytes; /**< default: TJ_SEGMENT_SIZE_DEFAULT */
    uint64_t lag_bytes;          /**< default: TJ_LAG_BYTES_DEFAULT */
    uint32_t lag_ms;             /**< default: TJ_LAG_MS_DEFAULT */
    uint64_t history_size_bytes; /**< log that is kept; default: TJ_HISTORY_SIZE_DEFAULT, and less
                                    while space is low */
    uint64_t history_age_s;      /**< older segments go; default: of any age */
    bool no_history;             /**< build no bases, and let no segment go */
    uint64_t reserved[8];        /**< for members to come; zero */
} tj_lmdb_config;

/** The schema and the name of a journal on PostgreSQL when none is configured. */
#define TJ_POSTGRES_SCHEMA_DEFAULT "tesser"
#define TJ_POSTGRES_NAME_DEFAULT "default"
/** How far the row tables may lag behind the log on a server: 1 MiB. A load reads it from there. */
#define TJ_POSTGRES_LAG_BYTES_DEFAULT ((uint64_t)1 << 20)
/** After so long without a sign of its writer a journal may be taken over: 10 s. */
#define TJ_POSTGRES_LEASE_MS_DEFAULT 10000
/** How long a commit is waited for before it is told to be in doubt: 30 s. */
#define TJ_POSTGRES_TIMEOUT_MS_DEFAULT 30000
/** How long one answer is waited for before another connection is tried: 3 s. */
#define TJ_POSTGRES_ANSWER_MS_DEFAULT 3000

/**
 * What only a journal on PostgreSQL is configured with, in its part of tj_config. A zero means the
 * default of each member.
 */
typedef struct tj_postgres_config {
    /** Where the server is, as libpq has it: postgres://user@host,host/database, or key=value.
     * Required for TJ_ENGINE_POSTGRES. A password in it is refused: libpq finds one in ~/.pgpass,
     * in PGPASSFILE or in a service file. */
    const char *url;
    const char *schema;           /**< default: TJ_POSTGRES_SCHEMA_DEFAULT */
    const char *name;             /**< of the journal in it; default: TJ_POSTGRES_NAME_DEFAULT */
    uint64_t lag_bytes;           /**< default: TJ_POSTGRES_LAG_BYTES_DEFAULT */
    uint32_t lag_ms;              /**< default: TJ_LAG_MS_DEFAULT */
    uint32_t lease_ms;            /**< default: TJ_POSTGRES_LEASE_MS_DEFAULT */
    uint32_t timeout_ms;          /**< default: TJ_POSTGRES_TIMEOUT_MS_DEFAULT */
    uint32_t answer_ms;           /**< default: TJ_POSTGRES_ANSWER_MS_DEFAULT */
    bool takeover;                /**< take the journal from its writer, whatever its lease says */
    tj_standby_lost standby_lost; /**< default: TJ_STANDBY_LOST_WAIT */
    uint64_t reserved[8];         /**< for members to come; zero */
} tj_postgres_config;

/**
 * How to open a store. Start from TJ_CONFIG_INIT; a zero means the default of each member.
 * Strings are borrowed while a call reads the struct; those that tj_config_load filled in belong
 * to it and are released by tj_config_dispose.
 *
 * What every engine has stands here. What one alone has stands in a member with the name that the
 * engine has as `type` in the configuration.
 */
typedef struct tj_config {
    size_t struct_size;
    tj_engine_type type; /**< default: TJ_ENGINE_LMDB */
    /** Journal directory; a file, or a name that ends in .db, means the sibling with .lmdb; one
     * that ends in data.mdb means its directory. Required for TJ_ENGINE_LMDB. */
    const char *path;
    const char *book;         /**< default: TJ_BOOK_DEFAULT */
    tj_durability durability; /**< default: TJ_DURABILITY_SYNC */
    /** Look on: no lock, no recovery, nothing written but LMDB's reader slots. */
    bool read_only;
    /** Do not create a journal: TJ_NOT_FOUND instead. */
    bool must_exist;
    /** Share the journal with other opens of it in this process that ask so too. */
    bool shared;
    /** Start no thread: the caller does their work by calling tj_store_work now and then, and lets
     * old segments go with tj_prune. */
    bool no_threads;
    tj_trace_fn *trace; /**< may be NULL */
    void *trace_context;
    void *owned; /**< for tj_config_load and tj_config_dispose only */
    union {
        tj_lmdb_config lmdb;
#ifndef __cplusplus
        /** The same by the names that they had when there was one engine: programs written then
         * still compile. */
        struct {
            uint64_t map_size_bytes, map_size_max_bytes, segment_size_bytes, lag_bytes;
            uint32_t lag_ms;
        };
#endif
    };
    tj_postgres_config postgres;
} tj_config;

#define TJ_CONFIG_INIT                                                                          \
    {                                                                                           \
        sizeof(tj_config), TJ_ENGINE_LMDB, NULL, NULL, TJ_DURABILITY_SYNC, false, false, false, \
            false, NULL, NULL, NULL, {{0, 0, 0, 0, 0, 0, 0, false, {0}}},                       \
        {                                                                                       \
            NULL, NULL, NULL, 0, 0, 0, 0, 0, false, TJ_STANDBY_LOST_WAIT,                       \
            {                                                                                   \
                0                                                                               \
            }                                                                                   \
        }                                                                                       \
    }

/**
 * Reads a configuration file (TOML) into a configuration.
 *
 * `[journal]`: type ("lmdb", "memory", "postgres"), path, book, map_size, map_size_max,
 * segment_size (bytes, or text such as "10 GiB"), durability ("sync", "os"), lag_bytes, lag_ms,
 * history_size, history_age (days), history (false: no bases, and no segment goes), must_exist; for
 * a server durability ("replicated"), url, schema, name, lease_ms, timeout_ms, answer_ms,
 * standby_lost ("wait", "go_on"). Tesser's own `[live.persistence]`
 * with engine ("lmdb") and path is read when there is no [journal]; both is an error. With that
 * engine and no path, `live.state_path` names the journal, as in Tesser. Tables of other programs
 * beside these are left alone; an unknown key or a wrong type inside them is an error. A relative
 * path in [journal] is relative to the configuration file; in Tesser's tables it is relative to the
 * working directory, as Tesser reads it.
 * Then the environment: TESSER_JOURNAL_TYPE, TESSER_JOURNAL_PATH (relative to the working
 * directory), TESSER_JOURNAL_URL, TESSER_JOURNAL_SCHEMA and TESSER_JOURNAL_NAME.
 *
 * @param file   path of the file
 * @param config must be initialized; members that the file does not set keep their values
 * @return TJ_OK; TJ_NOT_FOUND, TJ_IO for the file; TJ_INVALID with file and line; TJ_NOMEM
 * Threads: any. On failure the configuration is unchanged.
 */
TJ_API TJ_CHECKED tj_status tj_config_load(const char *file, tj_config *config, tj_error *error);

/**
 * Whether a path can be what is meant: what a shell would have replaced (~/journal, $HOME/journal),
 * quotes, a blank or a carriage return at its end, a URL, would make a directory of that very name.
 * A name that really begins with ~ is written ./~name.
 *
 * tj_config_load and tj_store_open ask this of a journal's path.
 * @return TJ_OK; TJ_INVALID with what is wrong and what to write instead; TJ_MISUSE for NULL
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_path_check(const char *path, tj_error *error);

/**
 * Whether a file or a directory that is to be written lies outside of every journal and backup, so
 * that it neither replaces a file of theirs nor becomes a stranger among them. Links are followed.
 *
 * Creating a journal, restoring, exporting and backing up ask this of where they write to.
 * @param path what is to be written; it need not be there
 * @return TJ_OK, also where it cannot be told; TJ_INVALID with the journal or backup it is inside
 *         of, or is; TJ_MISUSE for NULL
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_path_apart(const char *path, tj_error *error);

/** Applies only the environment overrides of tj_config_load. As tj_config_load. */
TJ_API TJ_CHECKED tj_status tj_config_from_environment(tj_config *config, tj_error *error);

/** Releases what tj_config_load allocated. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_config_dispose(tj_config *config);

#ifdef __cplusplus
}
#endif
#endif
