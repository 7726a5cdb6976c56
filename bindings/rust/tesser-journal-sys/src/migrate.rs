// SPDX-License-Identifier: MIT OR Apache-2.0
//! Moving data in and out: Tesser's own stores to a journal and back, and what could not be
//! decoded.
//!
//! Nothing here prints: what happened is a report, a struct in one arena with a JSON form.

use std::ffi::{c_char, c_uint, c_void};

use crate::*;

/// Longest SQLite file, with its -wal, and longest JSON file that is read: 2 GiB.
pub const TJ_IMPORT_FILE_SIZE_MAX: u64 = 2 << 30;

/// What a source turned out to be; its content decides, never its name.
pub type tj_source_kind = c_uint;

/// Tesser's LmdbJournal: a directory with data.mdb, or that file. A ledger.db in the directory is a
/// source of its own.
pub const TJ_SOURCE_LMDB: tj_source_kind = 1;

/// One of Tesser's SQLite stores, with its -wal if there is one
pub const TJ_SOURCE_SQLITE: tj_source_kind = 2;

/// A LiveState as JSON
pub const TJ_SOURCE_SNAPSHOT: tj_source_kind = 3;

/// Algorithms as JSON, keyed by UUID
pub const TJ_SOURCE_ALGOS: tj_source_kind = 4;

/// Ledger entries, one JSON object per line
pub const TJ_SOURCE_LEDGER: tj_source_kind = 5;

/// A source and what was decoded of it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_import_source {
    /// Path of the journal or source.
    pub path: tj_str,
    /// Kind.
    pub kind: tj_source_kind,
    /// What it is, for people: "Tesser's LMDB journal, layout of 0.9.3"
    pub layout: tj_str,
    /// Whether there is a LiveState.
    pub has_state: bool,
    /// How many there are in `algos`.
    pub algo_count: usize,
    /// How many there are in `ledgers`.
    pub ledger_count: usize,
    /// How many there are in `quarantineds`.
    pub quarantined_count: usize,
}

/// Something worth knowing, with its cause.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_report_note {
    /// Path of the source; absent when it concerns the whole
    pub source: tj_str,
    /// E.g. "algorithm 12345678-9abc-4def-8000-000000000000"
    pub what: tj_str,
    /// One sentence
    pub reason: tj_str,
}

/// Something that could not be decoded: kept byte for byte.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_quarantined {
    /// `state`, `strategy_state`, `algo:<UUID>`, `ledger:<sequence>`, ...
    pub name: tj_str,
    /// Path it came from; absent for one that is stored
    pub source: tj_str,
    /// One sentence
    pub reason: tj_str,
    /// The bytes
    pub raw: tj_str,
}

/// Tells how far a long call is.
///
/// Called from the calling thread, about every MiB of input or thousand rows.
/// - `context`: as given in the options
/// - `what`: what is under way, e.g. "reading ./ledger.db"; borrowed
/// - `done`: of total; total is never 0
pub type tj_progress_fn =
    unsafe extern "C" fn(context: *mut c_void, what: *const c_char, done: u64, total: u64);

/// What to import and how. Start from `TJ_IMPORT_OPTIONS_INIT`. All strings are borrowed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_import_options {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// Paths, at least one
    pub sources: *const *const c_char,
    /// How many there are in `sources`.
    pub source_count: usize,
    /// Exchange of codes that have none, e.g. "binance_perp"; NULL: they stay without. The
    /// reporting currency is left alone, and codes in sub-accounts and ledger entries get their
    /// own exchange instead.
    pub exchange: *const c_char,
    /// Identities of single codes, and what to do with repeated keys:
    /// "BTCUSDT=binance_perp:BTCUSDT" for a code without an exchange, before `exchange`;
    /// "last_prices.BTCUSDT#2=bybit_linear:BTCUSDT" for the second of several members under one
    /// key (the name of the map may be left out); "...#2=-" leaves that member out.
    pub maps: *const *const c_char,
    /// How many there are in `maps`.
    pub map_count: usize,
    /// Where the strategy state of an LMDB source is known from: its JSON, a snapshot, or
    /// Tesser's SQLite state store; NULL: only the sources. It is taken when it encodes to the
    /// stored bytes.
    pub strategy_state: *const c_char,
    /// Read, check and report; write nothing
    pub dry_run: bool,
    /// The book may hold data, which what is imported replaces
    pub replace: bool,
    /// In a snapshot of one venue that has a code twice, leave out what is stale: of positions what
    /// was updated earlier; all its prices, as nothing tells their times. With `exchange`, what
    /// differs from that exchange's sub-account is left out before. The report has each of them as
    /// lost.
    pub newest: bool,
    /// May be NULL
    pub progress: Option<tj_progress_fn>,
    /// Passed to the callback.
    pub progress_context: *mut c_void,
}

/// What an import did, or with dry_run would do.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_import_report {
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// Name of the book.
    pub book: tj_str,
    /// The commit; 0 with dry_run
    pub sequence: u64,
    /// Sources.
    pub sources: *mut tj_import_source,
    /// How many there are in `sources`.
    pub source_count: usize,
    /// Whether there is a LiveState.
    pub has_state: bool,
    /// How many there are in `open_orders`.
    pub open_order_count: usize,
    /// Of the portfolio and its sub-accounts; what stands in both, as Tesser keeps it, counts once.
    pub position_count: usize,
    /// Likewise
    pub balance_count: usize,
    /// How many there are in `last_prices`.
    pub last_price_count: usize,
    /// Whether `strategy_state` is given.
    pub has_strategy_state: bool,
    /// How many there are in `algos`.
    pub algo_count: usize,
    /// Entries that are new to the book
    pub ledger_count: usize,
    /// With replace: entries that the book has already
    pub ledger_kept_count: usize,
    /// Codes without an exchange, outside sub-accounts and ledger
    pub unqualified_count: usize,
    /// Quarantined.
    pub quarantined: *mut tj_quarantined,
    /// How many there are in `quarantineds`.
    pub quarantined_count: usize,
    /// Read in a special way: legacy algorithms, unknown members, ...
    pub remarks: *mut tj_report_note,
    /// How many there are in `remarks`.
    pub remark_count: usize,
    /// In the sources, but not in the journal
    pub lost: *mut tj_report_note,
    /// How many there are in `losts`.
    pub lost_count: usize,
    /// Keys that stand more than once, when the import fails for them
    pub repeated: *mut tj_report_note,
    /// How many there are in `repeated`.
    pub repeated_count: usize,
}

/// What a book holds in quarantine.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_quarantine_list {
    /// Items.
    pub items: *mut tj_quarantined,
    /// How many there are.
    pub count: usize,
}

/// Which things in quarantine a decision is about. Start from `TJ_QUARANTINE_OPTIONS_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_quarantine_options {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// NULL: the configured book
    pub book: *const c_char,
    /// As `tj_quarantine_load` has them
    pub names: *const *const c_char,
    /// How many there are in `names`.
    pub name_count: usize,
    /// For a retry: as in `tj_import_options`.
    pub strategy_state: *const c_char,
    /// Likewise
    pub exchange: *const c_char,
    /// Everything that is in quarantine; then no names
    pub all: bool,
    /// Tell what would become of it, and change nothing
    pub dry_run: bool,
    /// For a retry: as in `tj_import_options`.
    pub maps: *const *const c_char,
    /// How many there are in `maps`.
    pub map_count: usize,
}

/// What became of one thing in quarantine.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_quarantine_item {
    /// Name.
    pub name: tj_str,
    /// It is out of quarantine, or with `dry_run` would be
    pub settled: bool,
    /// What it is now, or why it stays
    pub what: tj_str,
}

/// What a decision did, or with `dry_run` would do.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_quarantine_report {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Book.
    pub book: tj_str,
    /// The commit; 0: nothing was changed
    pub sequence: u64,
    /// Items.
    pub items: *mut tj_quarantine_item,
    /// How many there are.
    pub count: usize,
    /// How many of them are settled.
    pub settled_count: usize,
}

/// How to export. Start from `TJ_EXPORT_OPTIONS_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_export_options {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// NULL: the configured book
    pub book: *const c_char,
    /// Only say what Tesser cannot hold
    pub dry_run: bool,
    /// Export although Tesser would lose or refuse something
    pub force: bool,
}

/// What an export wrote, and what Tesser cannot hold of it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_export_report {
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// Name of the book.
    pub book: tj_str,
    /// Where it was written to.
    pub directory: tj_str,
    /// The commit that was exported
    pub sequence: u64,
    /// How many there are in `open_orders`.
    pub open_order_count: usize,
    /// As in an import's report
    pub position_count: usize,
    /// How many there are in `algos`.
    pub algo_count: usize,
    /// Entries that are written
    pub ledger_count: usize,
    /// Codes with an exchange: Tesser reads them whole, but writes the bare code when it saves.
    pub qualified_count: usize,
    /// What Tesser cannot hold, or loses with its next save
    pub lost: *mut tj_report_note,
    /// How many there are in `losts`.
    pub lost_count: usize,
    /// Of these, how many need `force`
    pub refused_count: usize,
}

unsafe extern "C" {
    /// Imports Tesser's own data into one book, in one commit over all sources. What is more than
    /// one commit can have goes into a journal that is not there yet: it is built beside its place
    /// and renamed.
    ///
    /// The sources stay as they are to the byte, and nothing is written beside them. What cannot
    /// be decoded goes into quarantine (`tj_quarantine_load`) while the rest is imported; nothing
    /// is guessed. A book whose whole state is in quarantine cannot be loaded until one was
    /// saved. A journal that is not there is created when everything was read and checked. With
    /// `replace`, a state, algorithms and quarantine that come in replace those that are stored;
    /// ledger entries must equal those that are stored with the same sequence, or be above the
    /// newest.
    ///
    /// - `config`: the journal, and the book in it; opened for this call (other opens in this
    ///   process: `shared`). NULL is allowed with dry_run
    /// - `report`: receives the report, released with `tj_import_report_free`; NULL on failure, but
    ///   for repeated keys: then it has these
    ///
    /// Returns `TJ_OK`, also when something is quarantined, and when all is durable but closing
    /// the journal failed, of which a remark tells; `TJ_NOT_FOUND` for a source; `TJ_INVALID` for
    /// a text source with line and column, a repeated key (listing its values and the options that
    /// resolve it), a file that is named twice, an option; `TJ_CORRUPT` for a damaged or crafted source;
    /// `TJ_UNSUPPORTED` for a file that is none of Tesser's; `TJ_BUSY` when a source is being
    /// written; `TJ_CONFLICT` when two sources contradict each other or the ledger; `TJ_EXISTS`
    /// when the book holds data; `TJ_LIMIT`; `TJ_NOMEM`; and as `tj_store_open` and
    /// `tj_txn_commit`
    ///
    /// Threads: any. Durability: as a save. Source: P2, P6, P10, P12.
    pub fn tj_import(
        config: *const tj_config,
        options: *const tj_import_options,
        report: *mut *mut tj_import_report,
        error: *mut tj_error,
    ) -> tj_status;

    /// Writes a report as a JSON object; raw bytes as hexadecimal text. As
    /// `tj_live_state_to_json`.
    pub fn tj_import_report_to_json(
        report: *const tj_import_report,
        out: *mut tj_text,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases a report. NULL is allowed. Threads: any, one at a time.
    pub fn tj_import_report_free(report: *mut tj_import_report);

    /// Loads what imports have put into quarantine.
    ///
    /// - `book`: NULL means the configured book
    /// - `out`: released with `tj_quarantine_list_free`; NULL on failure
    ///
    /// Returns as `tj_algo_load_all`
    ///
    /// Threads: any.
    pub fn tj_quarantine_load(
        store: *mut tj_store,
        book: *const c_char,
        out: *mut *mut tj_quarantine_list,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases a list that this library returned. NULL is allowed. Threads: any, one at a time.
    pub fn tj_quarantine_list_free(list: *mut tj_quarantine_list);

    /// Decodes what is in quarantine again, with the rules that an import has now, and moves what
    /// can be decoded to where it belongs, in one commit. The rest stays, each with its reason.
    ///
    /// Nothing that is stored is replaced: a state is moved into a book that has none; a strategy's
    /// state, with the execution checkpoint that may stand behind it, into a state that has
    /// neither; an algorithm, when none has its id; a ledger entry, when none has its id. The
    /// ledger is never rewritten: an entry whose number is not above the newest gets the next
    /// number.
    ///
    /// - `options`: what to retry; must not be NULL
    /// - `report`: receives what was done; may be NULL; released with `tj_quarantine_report_free`
    ///
    /// Returns `TJ_OK`, also when nothing could be moved: the report tells; `TJ_NOT_FOUND`: a name
    /// is not in quarantine; `TJ_INVALID`: a name that stands for two things, an option, a map that
    /// met nothing; `TJ_MISUSE`: neither names nor all; and as `tj_txn_commit`
    ///
    /// Threads: any. Durability: as a save. Source: P2, P6.
    pub fn tj_quarantine_retry(
        store: *mut tj_store,
        options: *const tj_quarantine_options,
        report: *mut *mut tj_quarantine_report,
        error: *mut tj_error,
    ) -> tj_status;

    /// Takes things out of quarantine for good, in one commit that keeps the reason as its note.
    ///
    /// The bytes stay in the log, as long as that commit's segment and those before are kept, and
    /// in backups.
    ///
    /// - `options`: which; must not be NULL
    /// - `reason`: why, in words; not empty
    /// - `report`: receives what was done; may be NULL; released with `tj_quarantine_report_free`
    ///
    /// Returns as `tj_quarantine_retry`; `TJ_LIMIT`: the reason is too long for a note
    ///
    /// Threads: any. Durability: as a save.
    pub fn tj_quarantine_drop(
        store: *mut tj_store,
        options: *const tj_quarantine_options,
        reason: tj_str,
        report: *mut *mut tj_quarantine_report,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases a report that this library returned. NULL is allowed. Threads: any, one at a time.
    pub fn tj_quarantine_report_free(report: *mut tj_quarantine_report);

    /// Writes one book as Tesser's own stores into a new directory: snapshot.json, state.db
    /// with the state and the ledger, and state.algos.db, as Tesser opens them when state.db is its
    /// state_path.
    ///
    /// The directory appears complete and flushed, or not at all. What Tesser cannot hold is
    /// found before anything is written. It needs `force` where a value would be lost or refused:
    /// two venues with one code that meet in one map, a decimal of more digits than Tesser's, JSON
    /// with numbers, names or a depth that Tesser's reader does not keep, quarantined rows, and
    /// entries of the ledger with an id that stands before them, which are left out.
    ///
    /// - `directory`: must not exist
    /// - `options`: NULL: the defaults
    /// - `report`: receives the report, also when force is needed (then the status is
    ///   `TJ_CONFLICT`); released with `tj_export_report_free`; NULL on other failures
    ///
    /// Returns `TJ_OK`; `TJ_EXISTS`; `TJ_CONFLICT` when `force` is needed, with the first reason;
    /// `TJ_IO`, `TJ_FULL` for the directory; `TJ_NOMEM`; and as `tj_state_load`
    ///
    /// Threads: any. Durability: all files and the directory are flushed.
    pub fn tj_export_tesser(
        store: *mut tj_store,
        directory: *const c_char,
        options: *const tj_export_options,
        report: *mut *mut tj_export_report,
        error: *mut tj_error,
    ) -> tj_status;

    /// Writes a report as a JSON object. As `tj_live_state_to_json`.
    pub fn tj_export_report_to_json(
        report: *const tj_export_report,
        out: *mut tj_text,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases a report. NULL is allowed. Threads: any, one at a time.
    pub fn tj_export_report_free(report: *mut tj_export_report);
}
