// SPDX-License-Identifier: MIT OR Apache-2.0
//! A store: one opened journal (or one in memory), its books and what can be told of it.

use std::ffi::c_char;
use std::marker::PhantomData;

use crate::*;

/// An opened store.
#[repr(C)]
pub struct tj_store {
    _opaque: [u8; 0],
    _not_send: PhantomData<*mut ()>,
}

/// A book as `tj_store_books` lists it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_book_info {
    /// Its name.
    pub name: tj_str,
    /// Rows its LiveState takes
    pub state_row_count: usize,
    /// How many there are in `open_orders`.
    pub open_order_count: usize,
    /// In the portfolio or in its sub-accounts, whichever are more: Tesser keeps each in both.
    pub position_count: usize,
    /// How many there are in `algos`.
    pub algo_count: usize,
    /// Newest ledger entry, 0 before the first
    pub ledger_sequence: u64,
}

/// Books in the order of their names.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_book_list {
    /// Books.
    pub books: *mut tj_book_info,
    /// How many there are.
    pub count: usize,
}

/// What only the journal directory can tell, in its part of `tj_store_info`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_lmdb_info {
    /// Newest commit that LMDB includes
    pub applied_sequence: u64,
    /// Log from there to the newest commit
    pub lag_bytes: u64,
    /// All segments on disk
    pub log_bytes: u64,
    /// Of this process; 0 when opened read-only
    pub map_size_bytes: u64,
    /// Space left on the file system for this user
    pub free_bytes: u64,
    /// Space kept for critical commits; 0 when it is in use
    pub reserve_bytes: u64,
    /// How many LMDB transactions the oldest snapshot lags behind
    pub oldest_reader_lag: u64,
    /// Pid of the reader with that snapshot, 0 when none
    pub oldest_reader_pid: i64,
    /// When a writer last opened the journal, 0 if not known
    pub recovered_at: tj_time,
    /// Bytes of torn tail it found then, and zeroed
    pub recovered_bytes_cut: u64,
    /// How many segments the log has.
    pub segment_count: u32,
    /// LMDB reader slots in use
    pub reader_count: u32,
    /// A writer's mark tells how far commits are acknowledged; without one (another boot or mount,
    /// a copy) the log is shown to its end
    pub acknowledged_known: bool,
    /// Less is free than the journal will soon need
    pub space_low: bool,
    /// Oldest commit whose state can be had; 0: all of them can
    pub oldest_sequence: u64,
    /// About when it was, 0 when the log has no commit
    pub oldest_time: tj_time,
    /// What bases take beside the log
    pub history_bytes: u64,
    /// Old segments that are gone or cut, and history with them
    pub segments_missing: u64,
    /// For members to come; zero, which then means "not told"
    pub reserved: [u64; 8],
}

/// What only a journal on PostgreSQL can tell, in its part of `tj_store_info`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_postgres_info {
    /// Counts the writers that the journal has had
    pub epoch: u64,
    /// Newest commit that the row tables, and so the SQL views, include
    pub applied_sequence: u64,
    /// Log from there to the newest commit
    pub lag_bytes: u64,
    /// Since when the server takes no commits; 0: it does
    pub away_since: tj_time,
    /// As libpq has it: 150018 is 15.18; 0 when the server is away
    pub server_version: u32,
    /// Commits that were acknowledged and of which no standby is known to have them, with
    /// `TJ_STANDBY_LOST_GO_ON`.
    pub unreplicated: u32,
    /// When the newest writer last renewed its lease, by the server's clock; 0: there was none, or
    /// the server is away
    pub writer_seen: tj_time,
    /// Oldest commit whose state can be had; 0: all of them can
    pub oldest_sequence: u64,
    /// For members to come; zero, which then means "not told"
    pub reserved: [u64; 6],
}

/// What can be told of a store at one moment.
///
/// What every engine can tell stands here. What one alone has stands in a member with the name
/// that the engine has as `type` in the configuration, and is zero for another.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_store_info {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// Of which kind it is.
    pub r#type: tj_engine_type,
    /// What an acknowledged save survives.
    pub durability: tj_durability,
    /// The journal directory; "" in memory; host:port/database schema.name on PostgreSQL
    pub path: [c_char; TJ_PATH_SIZE],
    /// Given at creation
    pub journal_id: tj_uuid,
    /// Version of the format on disk.
    pub format_version: u32,
    /// Newest commit acknowledged, 0 before the first
    pub sequence: u64,
    /// Time of that commit, 0 before the first
    pub sequence_time: tj_time,
    /// What rows take: size of data.mdb, or bytes of memory
    pub state_bytes: u64,
    /// A process holds the writer's lock
    pub writer_alive: bool,
    /// Its pid, 0 when none
    pub writer_pid: i64,
    /// The holder as it describes itself, "" when none
    pub writer: [c_char; 256],
    /// How far the clock is behind sequence_time, 0 if it is not: it was once ahead, and times of
    /// commits go on from there
    pub clock_behind_ns: i64,
    /// What the journal directory alone can tell
    pub lmdb: tj_lmdb_info,
    /// What a journal on PostgreSQL alone can tell
    pub postgres: tj_postgres_info,
}

/// A standby that is connected to the server of a journal on PostgreSQL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_standby {
    /// As synchronous_standby_names means it: its application_name
    pub name: tj_str,
    /// "" when it comes by a Unix socket, or when it is not shown
    pub address: tj_str,
    /// "streaming" once it has caught up; "" when it is not shown
    pub state: tj_str,
    /// "sync", "quorum", "potential", "async"; "" when it is not shown
    pub sync: tj_str,
    /// Of the server's log of changes (WAL, of all its databases), what the standby has not
    /// flushed yet; 0 when it is not shown.
    pub behind_bytes: u64,
}

/// Standbys, those that commits wait for first.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_standby_list {
    /// The standbys.
    pub standbys: *mut tj_standby,
    /// How many they are.
    pub count: usize,
    /// The server's synchronous_standby_names; "": commits wait for none
    pub wanted: tj_str,
    /// How they do; false: the role lacks pg_read_all_stats
    pub is_shown: bool,
    /// The server that was asked is a standby itself: it may be behind
    pub is_behind: bool,
}

unsafe extern "C" {
    /// Opens the store that a configuration names, creating and recovering it as needed.
    ///
    /// The lmdb engine: creates the directory, those above it and its files when they are not
    /// there (unless must_exist), for this user to write and its group to read, takes the writer's
    /// lock, brings LMDB up to date with the log, and reports through the trace callback what
    /// recovery did. Nothing that was acknowledged is ever dropped (P5).
    ///
    /// - `config`: borrowed for the call
    /// - `out`: receives the store, released with `tj_store_close`; NULL on failure
    ///
    /// Returns `TJ_OK`; `TJ_MISUSE` for a configuration that cannot work; `TJ_NOT_FOUND` with
    /// must_exist; `TJ_BUSY` when another writer holds the journal, naming it, or when this
    /// process has it open without `shared`; `TJ_CONFLICT` when it is open here with other
    /// options; `TJ_EXISTS` when the directory holds files of something else; `TJ_UNSUPPORTED`
    /// for a file system or data file that is not ours (naming the import command for Tesser's
    /// own); `TJ_CORRUPT` with file, offset and sequence; `TJ_FORMAT_NEWER`; `TJ_READONLY`;
    /// `TJ_FULL`; `TJ_IO`; `TJ_LIMIT`; `TJ_NOMEM`; of a server: `TJ_UNAVAILABLE` when it cannot be
    /// reached, `TJ_INVALID` when it is there and does not let this role in this way
    ///
    /// Threads: any.
    ///
    /// Durability: when it returns, the journal's existence and everything recovered is on the
    /// disk.
    ///
    /// Source: P4, P5, P6, P8, P10.
    pub fn tj_store_open(
        config: *const tj_config,
        out: *mut *mut tj_store,
        error: *mut tj_error,
    ) -> tj_status;

    /// Closes a store: waits for what is under way, brings LMDB up to date, releases everything.
    /// Submitted commits are made as durable as was asked for; callbacks that were not taken are
    /// dropped.
    ///
    /// The handle and all repositories of it are gone afterwards, whatever is returned.
    /// - `store`: may be NULL
    ///
    /// Returns `TJ_OK`, also when LMDB could not be brought up to date for want of space: every
    /// commit is durable in the log, the trace callback is told, and a later open goes on from
    /// there; otherwise what could not be done: nothing acknowledged is lost by it, the next open
    /// recovers from the log
    ///
    /// Threads: handle; no other call on this store may be under way.
    pub fn tj_store_close(store: *mut tj_store, error: *mut tj_error) -> tj_status;

    /// Creates a book. The very first book of a journal needs no call: the first save creates it;
    /// beside stored books a new one must be created, so that a misspelt name never trades from
    /// empty.
    ///
    /// - `name`: 1 to `TJ_BOOK_SIZE_MAX` bytes of UTF-8 without control characters; a new one has no
    ///   blanks around it and no characters that are not seen
    ///
    /// Returns `TJ_OK` for the one call that created it; `TJ_EXISTS` when it is there already, be
    /// it by a concurrent call; `TJ_INVALID` for the name; and as `tj_txn_commit`
    ///
    /// Threads: any. Durability: as a save.
    pub fn tj_store_book_create(
        store: *mut tj_store,
        name: *const c_char,
        error: *mut tj_error,
    ) -> tj_status;

    /// Lists the books with their counts. The first list of a store that was opened read-only is
    /// what opening has counted; another costs a walk over their rows.
    ///
    /// - `out`: released with `tj_book_list_free`; NULL on failure
    ///
    /// Returns `TJ_OK`, or as `tj_state_load`
    ///
    /// Threads: any.
    pub fn tj_store_books(
        store: *mut tj_store,
        out: *mut *mut tj_book_list,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases a list that this library returned. NULL is allowed. Threads: any, one at a time.
    pub fn tj_book_list_free(list: *mut tj_book_list);

    /// Finds out whether a commit survived, by the caller's own id.
    ///
    /// - `sequence`: receives its sequence; may be NULL
    ///
    /// Returns `TJ_OK`; `TJ_NOT_FOUND`: not among the `TJ_COMMIT_ID_KEPT` newest ids; or as
    /// `tj_state_load`
    ///
    /// Threads: any.
    pub fn tj_store_commit_find(
        store: *mut tj_store,
        commit_id: *const tj_uuid,
        sequence: *mut u64,
        error: *mut tj_error,
    ) -> tj_status;

    /// Does the work of the helper threads once, on the caller's thread: brings LMDB up to date,
    /// prepares the next log segment, looks after reader slots and space, flushes submitted
    /// commits, and when a segment has ended builds the next base of the past (10 to 100 ms). For
    /// stores opened with no_threads, but allowed on any.
    ///
    /// Call it at least every lag_ms or so. It may wait for the disk.
    ///
    /// Returns `TJ_OK`; `TJ_FULL`, `TJ_IO`, `TJ_CLOSED`: what could not be done; nothing
    /// acknowledged is lost by it
    ///
    /// Threads: any.
    pub fn tj_store_work(store: *mut tj_store, error: *mut tj_error) -> tj_status;

    /// Tells of a store.
    ///
    /// - `info`: must be initialized
    ///
    /// Returns `TJ_OK`; `TJ_MISUSE`; `TJ_IO`
    ///
    /// Threads: any.
    pub fn tj_store_info_get(
        store: *mut tj_store,
        info: *mut tj_store_info,
        error: *mut tj_error,
    ) -> tj_status;

    /// Tells which standbys the server of a journal on PostgreSQL has. Any other journal has none.
    ///
    /// - `out`: released with `tj_standby_list_free`; NULL on failure
    ///
    /// Returns `TJ_OK`; `TJ_MISUSE`; `TJ_NOMEM`; `TJ_UNAVAILABLE` when the server is away
    ///
    /// Threads: any.
    pub fn tj_store_standbys(
        store: *mut tj_store,
        out: *mut *mut tj_standby_list,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases a list that this library returned. NULL is allowed.
    ///
    /// Threads: any, one at a time.
    pub fn tj_standby_list_free(list: *mut tj_standby_list);
}
