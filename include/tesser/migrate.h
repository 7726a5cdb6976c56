/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file migrate.h
 * Moving data in and out: Tesser's own stores to a journal and back, and what could not be decoded.
 *
 * Nothing here prints: what happened is a report, a struct in one arena with a JSON form.
 */
#ifndef TESSER_MIGRATE_H
#define TESSER_MIGRATE_H

#include <tesser/repository.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest SQLite file, with its -wal, and longest JSON file that is read: 2 GiB. */
#define TJ_IMPORT_FILE_SIZE_MAX ((uint64_t)2 << 30)

/* ---- what a report is made of ------------------------------------------------------------ */

/** What a source turned out to be; its content decides, never its name. */
typedef enum tj_source_kind {
    /** Tesser's LmdbJournal: a directory with data.mdb, or that file. A ledger.db in the directory
     * is a source of its own. */
    TJ_SOURCE_LMDB = 1,
    TJ_SOURCE_SQLITE = 2,   /**< one of Tesser's SQLite stores, with its -wal if there is one */
    TJ_SOURCE_SNAPSHOT = 3, /**< a LiveState as JSON */
    TJ_SOURCE_ALGOS = 4,    /**< algorithms as JSON, keyed by UUID */
    TJ_SOURCE_LEDGER = 5    /**< ledger entries, one JSON object per line */
} tj_source_kind;

/** A source and what was decoded of it. */
typedef struct tj_import_source {
    tj_str path;
    tj_source_kind kind;
    tj_str layout; /**< what it is, for people: "Tesser's LMDB journal, layout of 0.9.3" */
    bool has_state;
    size_t algo_count;
    size_t ledger_count;
    size_t quarantined_count;
} tj_import_source;

/** Something worth knowing, with its cause. */
typedef struct tj_report_note {
    tj_str source; /**< path of the source; absent when it concerns the whole */
    tj_str what;   /**< e.g. "algorithm 12345678-9abc-4def-8000-000000000000" */
    tj_str reason; /**< one sentence */
} tj_report_note;

/** Something that could not be decoded: kept byte for byte. */
typedef struct tj_quarantined {
    tj_str name;   /**< "state", "strategy_state", "algo:<UUID>", "ledger:<sequence>", ... */
    tj_str source; /**< path it came from; absent for one that is stored */
    tj_str reason; /**< one sentence */
    tj_str raw;    /**< the bytes */
} tj_quarantined;

/* ---- import ------------------------------------------------------------------------------ */

/**
 * Tells how far a long call is.
 *
 * Called from the calling thread, about every MiB of input or thousand rows.
 * @param context as given in the options
 * @param what    what is under way, e.g. "reading ./ledger.db"; borrowed
 * @param done    of total; total is never 0
 */
typedef void tj_progress_fn(void *context, const char *what, uint64_t done, uint64_t total);

/** What to import and how. Start from TJ_IMPORT_OPTIONS_INIT. All strings are borrowed. */
typedef struct tj_import_options {
    size_t struct_size;
    const char *const *sources; /**< paths, at least one */
    size_t source_count;
    /** Exchange of codes that have none, e.g. "binance_perp"; NULL: they stay without. The
     * reporting currency is left alone, and codes in sub-accounts and ledger entries get their
     * own exchange instead. */
    const char *exchange;
    /**
     * Identities of single codes, and what to do with repeated keys:
     * "BTCUSDT=binance_perp:BTCUSDT" for a code without an exchange, before `exchange`;
     * "last_prices.BTCUSDT#2=bybit_linear:BTCUSDT" for the second of several members under one
     * key (the name of the map may be left out); "...#2=-" leaves that member out.
     */
    const char *const *maps;
    size_t map_count;
    /** Where the strategy state of an LMDB source is known from: its JSON, a snapshot, or Tesser's
     * SQLite state store; NULL: only the sources. It is taken when it encodes to the stored
     * bytes. */
    const char *strategy_state;
    bool dry_run; /**< read, check and report; write nothing */
    bool replace; /**< the book may hold data, which what is imported replaces */
    /** In a snapshot of one venue that has a code twice, leave out what is stale: of positions what
     * was updated earlier; all its prices, as nothing tells their times. With `exchange`, what
     * differs from that exchange's sub-account is left out before. The report has each of them as
     * lost. */
    bool newest;
    tj_progress_fn *progress; /**< may be NULL */
    void *progress_context;
} tj_import_options;

#define TJ_IMPORT_OPTIONS_INIT                                                                   \
    {                                                                                            \
        sizeof(tj_import_options), NULL, 0, NULL, NULL, 0, NULL, false, false, false, NULL, NULL \
    }

/** What an import did, or with dry_run would do. */
typedef struct tj_import_report {
    bool dry_run;
    tj_str book;
    uint64_t sequence; /**< the commit; 0 with dry_run */
    tj_import_source *sources;
    size_t source_count;
    bool has_state;
    size_t open_order_count;
    /** Of the portfolio and its sub-accounts; what stands in both, as Tesser keeps it, counts
     * once. */
    size_t position_count;
    size_t balance_count; /**< likewise */
    size_t last_price_count;
    bool has_strategy_state;
    size_t algo_count;
    size_t ledger_count;      /**< entries that are new to the book */
    size_t ledger_kept_count; /**< with replace: entries that the book has already */
    size_t unqualified_count; /**< codes without an exchange, outside sub-accounts and ledger */
    tj_quarantined *quarantined;
    size_t quarantined_count;
    tj_report_note *remarks; /**< read in a special way: legacy algorithms, unknown members, ... */
    size_t remark_count;
    tj_report_note *lost; /**< in the sources, but not in the journal */
    size_t lost_count;
    tj_report_note *repeated; /**< keys that stand more than once, when the import fails for them */
    size_t repeated_count;
} tj_import_report;

/**
 * Imports Tesser's own data into one book, in one commit over all sources. What is more than one
 * commit can have goes into a journal that is not there yet: it is built beside its place and
 * renamed.
 *
 * The sources stay as they are to the byte, and nothing is written beside them. What cannot be
 * decoded goes into quarantine (tj_quarantine_load) while the rest is imported; nothing is
 * guessed. A book whose whole state is in quarantine cannot be loaded until one was saved.
 * A journal that is not there is created when everything was read and checked. With `replace`, a
 * state, algorithms and quarantine that come in replace those that are stored; ledger entries must
 * equal those that are stored with the same sequence, or be above the newest.
 *
 * @param config  the journal, and the book in it; opened for this call (other opens in this
 *                process: `shared`). NULL is allowed with dry_run
 * @param report  receives the report, released with tj_import_report_free; NULL on failure, but for
 *                repeated keys: then it has these
 * @return TJ_OK, also when something is quarantined, and when all is durable but closing the
 * journal
 *         failed, of which a remark tells; TJ_NOT_FOUND for a source; TJ_INVALID for a
 *         text source with line and column, a repeated key (listing its values and the options that
 *         resolve it), a file that is named twice, an option; TJ_CORRUPT for a damaged or crafted
 *         source; TJ_UNSUPPORTED for a file that is none of Tesser's; TJ_BUSY when a source is
 *         being written; TJ_CONFLICT when two sources contradict each other or the ledger;
 *         TJ_EXISTS when the book holds data; TJ_LIMIT; TJ_NOMEM; and as tj_store_open and
 *         tj_txn_commit
 * Threads: any. Durability: as a save. Source: P2, P6, P10, P12.
 */
TJ_API TJ_CHECKED tj_status tj_import(const tj_config *config, const tj_import_options *options,
                                      tj_import_report **report, tj_error *error);

/** Writes a report as a JSON object; raw bytes as hexadecimal text. As tj_live_state_to_json. */
TJ_API TJ_CHECKED tj_status tj_import_report_to_json(const tj_import_report *report, tj_text *out,
                                                     tj_error *error);

/** Releases a report. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_import_report_free(tj_import_report *report);

/* ---- quarantine -------------------------------------------------------------------------- */

/** What a book holds in quarantine. */
typedef struct tj_quarantine_list {
    tj_quarantined *items;
    size_t count;
} tj_quarantine_list;

/**
 * Loads what imports have put into quarantine.
 *
 * @param book NULL means the configured book
 * @param out  released with tj_quarantine_list_free; NULL on failure
 * @return as tj_algo_load_all
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_quarantine_load(tj_store *store, const char *book,
                                               tj_quarantine_list **out, tj_error *error);

/** Releases a list that this library returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_quarantine_list_free(tj_quarantine_list *list);

/** Which things in quarantine a decision is about. Start from TJ_QUARANTINE_OPTIONS_INIT. */
typedef struct tj_quarantine_options {
    size_t struct_size;
    const char *book;         /**< NULL: the configured book */
    const char *const *names; /**< as tj_quarantine_load has them */
    size_t name_count;
    /** For a retry: as in tj_import_options. */
    const char *strategy_state;
    const char *exchange; /**< likewise */
    bool all;             /**< everything that is in quarantine; then no names */
    bool dry_run;         /**< tell what would become of it, and change nothing */
    /** For a retry: as in tj_import_options. */
    const char *const *maps;
    size_t map_count;
} tj_quarantine_options;

#define TJ_QUARANTINE_OPTIONS_INIT                                                      \
    {                                                                                   \
        sizeof(tj_quarantine_options), NULL, NULL, 0, NULL, NULL, false, false, NULL, 0 \
    }

/** What became of one thing in quarantine. */
typedef struct tj_quarantine_item {
    tj_str name;
    bool settled; /**< it is out of quarantine, or with dry_run would be */
    tj_str what;  /**< what it is now, or why it stays */
} tj_quarantine_item;

/** What a decision did, or with dry_run would do. */
typedef struct tj_quarantine_report {
    bool dry_run;
    tj_str book;
    uint64_t sequence; /**< the commit; 0: nothing was changed */
    tj_quarantine_item *items;
    size_t count;
    size_t settled_count;
} tj_quarantine_report;

/**
 * Decodes what is in quarantine again, with the rules that an import has now, and moves what can be
 * decoded to where it belongs, in one commit. The rest stays, each with its reason.
 *
 * Nothing that is stored is replaced: a state is moved into a book that has none; a strategy's
 * state, with the execution checkpoint that may stand behind it, into a state that has neither; an
 * algorithm, when none has its id; a ledger entry, when none has its id. The ledger is never
 * rewritten: an entry whose number is not above the newest gets the next number.
 *
 * @param options what to retry; must not be NULL
 * @param report  receives what was done; may be NULL; released with tj_quarantine_report_free
 * @return TJ_OK, also when nothing could be moved: the report tells; TJ_NOT_FOUND: a name is not in
 *         quarantine; TJ_INVALID: a name that stands for two things, an option, a map that met
 *         nothing; TJ_MISUSE: neither names nor all; and as tj_txn_commit
 * Threads: any. Durability: as a save. Source: P2, P6.
 */
TJ_API TJ_CHECKED tj_status tj_quarantine_retry(tj_store *store,
                                                const tj_quarantine_options *options,
                                                tj_quarantine_report **report, tj_error *error);

/**
 * Takes things out of quarantine for good, in one commit that keeps the reason as its note.
 *
 * The bytes stay in the log, as long as that commit's segment and those before are kept, and in
 * backups.
 * @param options which; must not be NULL
 * @param reason  why, in words; not empty
 * @param report  receives what was done; may be NULL; released with tj_quarantine_report_free
 * @return as tj_quarantine_retry; TJ_LIMIT: the reason is too long for a note
 * Threads: any. Durability: as a save.
 */
TJ_API TJ_CHECKED tj_status tj_quarantine_drop(tj_store *store,
                                               const tj_quarantine_options *options, tj_str reason,
                                               tj_quarantine_report **report, tj_error *error);

/** Releases a report that this library returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_quarantine_report_free(tj_quarantine_report *report);

/* ---- export ------------------------------------------------------------------------------ */

/** How to export. Start from TJ_EXPORT_OPTIONS_INIT. */
typedef struct tj_export_options {
    size_t struct_size;
    const char *book; /**< NULL: the configured book */
    bool dry_run;     /**< only say what Tesser cannot hold */
    bool force;       /**< export although Tesser would lose or refuse something */
} tj_export_options;

#define TJ_EXPORT_OPTIONS_INIT                        \
    {                                                 \
        sizeof(tj_export_options), NULL, false, false \
    }

/** What an export wrote, and what Tesser cannot hold of it. */
typedef struct tj_export_report {
    bool dry_run;
    tj_str book;
    tj_str directory;
    uint64_t sequence; /**< the commit that was exported */
    size_t open_order_count;
    size_t position_count; /**< as in an import's report */
    size_t algo_count;
    size_t ledger_count; /**< entries that are written */
    /** Codes with an exchange: Tesser reads them whole, but writes the bare code when it saves. */
    size_t qualified_count;
    tj_report_note *lost; /**< what Tesser cannot hold, or loses with its next save */
    size_t lost_count;
    size_t refused_count; /**< of these, how many need `force` */
} tj_export_report;

/**
 * Writes one book as Tesser's own stores into a new directory: snapshot.json, state.db with the
 * state and the ledger, and state.algos.db, as Tesser opens them when state.db is its state_path.
 *
 * The directory appears complete and flushed, or not at all. What Tesser cannot hold is found
 * before anything is written. It needs `force` where a value would be lost or refused: two venues
 * with one code that meet in one map, a decimal of more digits than Tesser's, JSON with numbers,
 * names or a depth that Tesser's reader does not keep, quarantined rows, and entries of the ledger
 * with an id that stands before them, which are left out.
 *
 * @param directory must not exist
 * @param options   NULL: the defaults
 * @param report    receives the report, also when force is needed (then the status is TJ_CONFLICT);
 *                  released with tj_export_report_free; NULL on other failures
 * @return TJ_OK; TJ_EXISTS; TJ_CONFLICT when `force` is needed, with the first reason; TJ_IO,
 *         TJ_FULL for the directory; TJ_NOMEM; and as tj_state_load
 * Threads: any. Durability: all files and the directory are flushed.
 */
TJ_API TJ_CHECKED tj_status tj_export_tesser(tj_store *store, const char *directory,
                                             const tj_export_options *options,
                                             tj_export_report **report, tj_error *error);

/** Writes a report as a JSON object. As tj_live_state_to_json. */
TJ_API TJ_CHECKED tj_status tj_export_report_to_json(const tj_export_report *report, tj_text *out,
                                                     tj_error *error);

/** Releases a report. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_export_report_free(tj_export_report *report);

#ifdef __cplusplus
}
#endif
#endif
