// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a store is opened: a struct to fill, or a TOML file to read it from.

use std::ffi::{CStr, c_char, c_uint, c_void};

use crate::*;

/// Name of the book that is used when none is given.
pub const TJ_BOOK_DEFAULT: &CStr = c"default";

/// Longest book name, in bytes.
pub const TJ_BOOK_SIZE_MAX: usize = 128;

/// Bytes that hold the path of a journal's directory from the root, with its NUL.
pub const TJ_PATH_SIZE: usize = 4096;

/// LMDB map size when none is configured: 10 GiB (address space, not disk).
pub const TJ_MAP_SIZE_DEFAULT: u64 = 10 << 30;

/// Size of a log segment when none is configured: 16 MiB, preallocated.
pub const TJ_SEGMENT_SIZE_DEFAULT: u64 = 16 << 20;

/// Smallest log segment.
pub const TJ_SEGMENT_SIZE_MIN: u64 = 64 << 10;

/// How far LMDB may lag behind the log before it is brought up to date, in bytes and ms. More makes
/// saves cheaper; less makes recovery after a crash quicker, and the first load of a process that
/// looks on. While LMDB cannot follow, saves wait when it is 4 times so many bytes behind.
pub const TJ_LAG_BYTES_DEFAULT: u64 = 8 << 20;

/// TJ_LAG_MS_DEFAULT
pub const TJ_LAG_MS_DEFAULT: u32 = 200;

/// How much of the log is kept for states of the past when nothing is configured: 16 GiB. Older
/// segments go, once it is proven that what stays is enough.
pub const TJ_HISTORY_SIZE_DEFAULT: u64 = 16 << 30;

/// Where the data lives.
pub type tj_engine_type = c_uint;

/// The journal directory: commit log and LMDB; durable
pub const TJ_ENGINE_LMDB: tj_engine_type = 0;

/// This process's memory; gone with it
pub const TJ_ENGINE_MEMORY: tj_engine_type = 1;

/// A schema of a PostgreSQL server; durable there
pub const TJ_ENGINE_POSTGRES: tj_engine_type = 2;

/// What an acknowledged save survives (promise P1).
pub type tj_durability = c_uint;

/// A power cut: the record is flushed to the disk
pub const TJ_DURABILITY_SYNC: tj_durability = 0;

/// A killed process: the record is written to the kernel
pub const TJ_DURABILITY_OS: tj_durability = 1;

/// The loss of the server's machine: a synchronous standby has flushed the record, too. On
/// PostgreSQL only.
pub const TJ_DURABILITY_REPLICATED: tj_durability = 2;

/// What becomes of a commit with `TJ_DURABILITY_REPLICATED` that no synchronous standby takes.
pub type tj_standby_lost = c_uint;

/// It is not acknowledged until one has it
pub const TJ_STANDBY_LOST_WAIT: tj_standby_lost = 0;

/// It is acknowledged, counted and told
pub const TJ_STANDBY_LOST_GO_ON: tj_standby_lost = 1;

/// How urgent a trace message is.
pub type tj_trace_level = c_uint;

/// Info.
pub const TJ_TRACE_INFO: tj_trace_level = 1;

/// Warning.
pub const TJ_TRACE_WARNING: tj_trace_level = 2;

/// Error.
pub const TJ_TRACE_ERROR: tj_trace_level = 3;

/// Receives what the library has to say beside its results: a recovery and what it cut, an apply
/// that failed and is retried, space running low.
///
/// Called from any thread that is inside the library, also from its helper thread, and never with
/// a lock held that a call of this library needs: it may save, load, open another store, fork. It
/// must not close the store that it is called for, nor open that journal while it is being closed.
/// What closing a store says may come when that store is gone. The messages of one thread come in
/// their order, each once.
/// - `context`: as given in `tj_config`
/// - `message`: one line, borrowed
pub type tj_trace_fn =
    unsafe extern "C" fn(context: *mut c_void, level: tj_trace_level, message: *const c_char);

/// What only the journal directory is configured with, in its part of `tj_config`. A zero means the
/// default of each member.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_lmdb_config {
    /// Default: `TJ_MAP_SIZE_DEFAULT`; rounded up to whole pages
    pub map_size_bytes: u64,
    /// The map grows by itself up to here; default: no bound
    pub map_size_max_bytes: u64,
    /// Default: `TJ_SEGMENT_SIZE_DEFAULT`
    pub segment_size_bytes: u64,
    /// Default: `TJ_LAG_BYTES_DEFAULT`
    pub lag_bytes: u64,
    /// Default: `TJ_LAG_MS_DEFAULT`
    pub lag_ms: u32,
    /// Log that is kept; default: `TJ_HISTORY_SIZE_DEFAULT`, and less while space is low
    pub history_size_bytes: u64,
    /// Older segments go; default: of any age
    pub history_age_s: u64,
    /// Build no bases, and let no segment go
    pub no_history: bool,
    /// For members to come; zero
    pub reserved: [u64; 8],
}

/// The schema of a journal on PostgreSQL when none is configured.
pub const TJ_POSTGRES_SCHEMA_DEFAULT: &CStr = c"tesser";

/// The name of a journal on PostgreSQL when none is configured.
pub const TJ_POSTGRES_NAME_DEFAULT: &CStr = c"default";

/// How far the row tables may lag behind the log on a server: 1 MiB. A load reads it from there.
pub const TJ_POSTGRES_LAG_BYTES_DEFAULT: u64 = 1 << 20;

/// After so long without a sign of its writer a journal may be taken over: 10 s.
pub const TJ_POSTGRES_LEASE_MS_DEFAULT: u32 = 10000;

/// How long a commit is waited for before it is told to be in doubt: 30 s.
pub const TJ_POSTGRES_TIMEOUT_MS_DEFAULT: u32 = 30000;

/// How long one answer is waited for before another connection is tried: 3 s.
pub const TJ_POSTGRES_ANSWER_MS_DEFAULT: u32 = 3000;

/// What only a journal on PostgreSQL is configured with, in its part of `tj_config`. A zero means
/// the default of each member.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_postgres_config {
    /// Where the server is, as libpq has it: `postgres://user@host,host/database`, or key=value.
    /// Required for `TJ_ENGINE_POSTGRES`. A password in it is refused: libpq finds one in
    /// ~/.pgpass, in PGPASSFILE or in a service file.
    pub url: *const c_char,
    /// Default: `TJ_POSTGRES_SCHEMA_DEFAULT`
    pub schema: *const c_char,
    /// Of the journal in it; default: `TJ_POSTGRES_NAME_DEFAULT`
    pub name: *const c_char,
    /// Default: `TJ_POSTGRES_LAG_BYTES_DEFAULT`
    pub lag_bytes: u64,
    /// Default: `TJ_LAG_MS_DEFAULT`
    pub lag_ms: u32,
    /// Default: `TJ_POSTGRES_LEASE_MS_DEFAULT`
    pub lease_ms: u32,
    /// Default: `TJ_POSTGRES_TIMEOUT_MS_DEFAULT`
    pub timeout_ms: u32,
    /// Default: `TJ_POSTGRES_ANSWER_MS_DEFAULT`
    pub answer_ms: u32,
    /// Take the journal from its writer, whatever its lease says
    pub takeover: bool,
    /// Default: `TJ_STANDBY_LOST_WAIT`
    pub standby_lost: tj_standby_lost,
    /// For members to come; zero
    pub reserved: [u64; 8],
}

/// How to open a store. Start from `TJ_CONFIG_INIT`; a zero means the default of each member.
/// Strings are borrowed while a call reads the struct; those that `tj_config_load` filled in
/// belong to it and are released by `tj_config_dispose`.
///
/// What every engine has stands here. What one alone has stands in a member with the name that the
/// engine has as `type` in the configuration.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_config {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// Default: `TJ_ENGINE_LMDB`
    pub r#type: tj_engine_type,
    /// Journal directory; a file, or a name that ends in .db, means the sibling with .lmdb; one
    /// that ends in data.mdb means its directory. Required for `TJ_ENGINE_LMDB`.
    pub path: *const c_char,
    /// Default: `TJ_BOOK_DEFAULT`
    pub book: *const c_char,
    /// Default: `TJ_DURABILITY_SYNC`
    pub durability: tj_durability,
    /// Look on: no lock, no recovery, nothing written but LMDB's reader slots.
    pub read_only: bool,
    /// Do not create a journal: `TJ_NOT_FOUND` instead.
    pub must_exist: bool,
    /// Share the journal with other opens of it in this process that ask so too.
    pub shared: bool,
    /// Start no thread: the caller does their work by calling `tj_store_work` now and then, and
    /// lets old segments go with `tj_prune`.
    pub no_threads: bool,
    /// May be NULL
    pub trace: Option<tj_trace_fn>,
    /// Passed to the callback.
    pub trace_context: *mut c_void,
    /// For `tj_config_load` and `tj_config_dispose` only
    pub owned: *mut c_void,
    /// What the journal directory alone has
    pub lmdb: tj_lmdb_config,
    /// What a journal on PostgreSQL alone has
    pub postgres: tj_postgres_config,
}

unsafe extern "C" {
    /// The name of an engine, as `type` in the configuration has it.
    ///
    /// Returns a constant text, "unknown" for a number that is no engine's. Threads: any.
    pub fn tj_engine_type_name(r#type: tj_engine_type) -> *const c_char;

    /// Reads a configuration file (TOML) into a configuration.
    ///
    /// `[journal]`: type ("lmdb", "memory", "postgres"), path, book, map_size, map_size_max,
    /// segment_size (bytes, or text such as "10 GiB"), durability ("sync", "os"), lag_bytes,
    /// lag_ms, history_size, history_age (days), history (false: no bases, and no segment goes),
    /// must_exist; for a server durability ("replicated"), url, schema, name, lease_ms, timeout_ms,
    /// answer_ms, standby_lost ("wait", "go_on"). Tesser's own `[live.persistence]` with engine ("lmdb") and path is read when there is no `[journal]`;
    /// both is an error. With that engine and no path, `live.state_path` names the journal, as in
    /// Tesser. Tables of other programs beside these are left alone; an unknown key or a wrong type
    /// inside them is an error. A relative path in `[journal]` is relative to the configuration
    /// file; in Tesser's tables it is relative to the working directory, as Tesser reads it. Then
    /// the environment: TESSER_JOURNAL_TYPE, TESSER_JOURNAL_PATH (relative to the working
    /// directory), TESSER_JOURNAL_URL, TESSER_JOURNAL_SCHEMA and TESSER_JOURNAL_NAME.
    ///
    /// - `file`: path of the file
    /// - `config`: must be initialized; members that the file does not set keep their values
    ///
    /// Returns `TJ_OK`; `TJ_NOT_FOUND`, `TJ_IO` for the file; `TJ_INVALID` with file and line;
    /// `TJ_NOMEM`
    ///
    /// Threads: any. On failure the configuration is unchanged.
    pub fn tj_config_load(
        file: *const c_char,
        config: *mut tj_config,
        error: *mut tj_error,
    ) -> tj_status;

    /// Whether a path can be what is meant: what a shell would have replaced (`~/journal`,
    /// `$HOME/journal`), quotes, a blank or a carriage return at its end, a URL, would make a
    /// directory of that very name. A name that really begins with `~` is written `./~name`.
    ///
    /// `tj_config_load` and `tj_store_open` ask this of a journal's path.
    ///
    /// Returns `TJ_OK`; `TJ_INVALID` with what is wrong and what to write instead; `TJ_MISUSE` for
    /// NULL
    ///
    /// Threads: any.
    pub fn tj_path_check(path: *const c_char, error: *mut tj_error) -> tj_status;

    /// Whether a file or a directory that is to be written lies outside of every journal and
    /// backup, so that it neither replaces a file of theirs nor becomes a stranger among them. Links
    /// are followed.
    ///
    /// Creating a journal, restoring, exporting and backing up ask this of where they write to.
    ///
    /// - `path`: what is to be written; it need not be there
    ///
    /// Returns `TJ_OK`, also where it cannot be told; `TJ_INVALID` with the journal or backup it is
    /// inside of, or is; `TJ_MISUSE` for NULL
    ///
    /// Threads: any.
    pub fn tj_path_apart(path: *const c_char, error: *mut tj_error) -> tj_status;

    /// Applies only the environment overrides of `tj_config_load`. As `tj_config_load`.
    pub fn tj_config_from_environment(config: *mut tj_config, error: *mut tj_error) -> tj_status;

    /// Releases what `tj_config_load` allocated. NULL is allowed. Threads: any, one at a time.
    pub fn tj_config_dispose(config: *mut tj_config);
}
