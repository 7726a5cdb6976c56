// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looking after a journal: backups that are proven, and getting back what was lost.
//!
//! Nothing here prints: what happened is a report, a struct in one arena.

use std::ffi::{c_char, c_uint};

use crate::*;

/// How fast a backup writes by default: 100 MiB/s, beside which savers hardly wait longer.
pub const TJ_BACKUP_RATE_DEFAULT: u64 = 100 << 20;
/// As fast as the disk takes it.
pub const TJ_BACKUP_RATE_UNBOUNDED: u64 = u64::MAX;
/// The level of compression that is worth its time.
pub const TJ_BACKUP_COMPRESSION_DEFAULT: u64 = 3;
/// The highest one.
pub const TJ_BACKUP_COMPRESSION_MAX: u64 = 19;

/// How to make a backup. Start from `TJ_BACKUP_OPTIONS_INIT`; a zero means the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_backup_options {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// Default: `TJ_BACKUP_RATE_DEFAULT`
    pub bytes_per_s: u64,
    /// For backups every few seconds: the point before this one goes, unless an hour is between it
    /// and the one before it, or it was verified. Nothing of the log goes.
    pub thin: bool,
    /// Keep segments that are whole compressed, 1 (least) to `TJ_BACKUP_COMPRESSION_MAX`, also
    /// those that an earlier backup kept as they are; 0: as they are, or were. The levels are
    /// zstd's.
    pub compression: u64,
    /// The journal was moved since the last backup, or put back from a copy, and goes on in the
    /// place of the one that was backed up: the backup follows it.
    pub moved: bool,
}

/// A commit up to which a backup is whole: what can be restored.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_backup_point {
    /// Of the commit; 0: of a journal without any
    pub sequence: u64,
    /// Of the commit, 0 without one
    pub time: tj_time,
    /// When the backup was made
    pub made_at: tj_time,
    /// When it was last restored for a proof, 0: not yet
    pub verified_at: tj_time,
    /// What the state came to: the same for the same rows
    pub digest: u64,
    /// Rows of the state, all books together
    pub row_count: u64,
    /// Log segments that the backup has for it
    pub segment_count: usize,
    /// Of those
    pub bytes: u64,
}

/// What a backup did.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_backup_report {
    /// From the root
    pub directory: tj_str,
    /// Of which journal it is.
    pub journal_id: tj_uuid,
    /// What can be restored now.
    pub point: tj_backup_point,
    /// Written by this call
    pub copied_bytes: u64,
    /// The journal knows of it: `tj_known_backups_read`
    pub noted: bool,
    /// That the backup takes on the disk for the point; 0 of a proof
    pub stored_bytes: u64,
}

/// What a backup's directory holds.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_backup_list {
    /// From the root
    pub directory: tj_str,
    /// Zeros when there is no point
    pub journal_id: tj_uuid,
    /// Ascending
    pub points: *mut tj_backup_point,
    /// How many there are.
    pub count: usize,
    /// Oldest commit that can be restored; 0: all of them can
    pub oldest_sequence: u64,
}

/// How to verify a backup. Start from `TJ_BACKUP_VERIFY_OPTIONS_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_backup_verify_options {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// Of the point to prove; 0: the newest
    pub sequence: u64,
    /// Where the trial is restored to, and removed again; it takes about as much space as the
    /// journal. NULL: the environment's TMPDIR, else /var/tmp.
    pub trial_directory: *const c_char,
    /// The journal of which it is a backup, to be told of the proof; one with another id, or that
    /// cannot be written to, is not. NULL: only the backup itself says so.
    pub journal: *const c_char,
}

/// A backup that a journal knows of.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_known_backup {
    /// Of the commit up to which it is whole
    pub sequence: u64,
    /// When it was made, or proven; 0: none is known
    pub at: tj_time,
    /// From the root; absent when none is known
    pub directory: tj_str,
}

/// The backups that a journal knows of.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_known_backups {
    /// The newest that was made.
    pub newest: tj_known_backup,
    /// The newest of which `tj_backup_verify` told this journal
    pub verified: tj_known_backup,
}

/// What to restore. Start from `TJ_RESTORE_OPTIONS_INIT`: everything that the source has.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_restore_options {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// Up to and including this commit; default: the newest of the source
    pub at: tj_moment,
    /// Numbers that each counter skips besides: at least as many as may have been reserved since
    /// the backup was made. With it, damage behind the commit that was asked for is passed over.
    pub skip_counters: u64,
    /// Read and check the source, and write nothing
    pub dry_run: bool,
}

/// A counter of a restored journal.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_restored_counter {
    /// Of which book it is.
    pub book: tj_str,
    /// Its name.
    pub name: tj_str,
    /// The number that is handed out next
    pub next: u64,
}

/// What a restore did, or with dry_run would do.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_restore_report {
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// Else from the log of a journal
    pub from_backup: bool,
    /// From the root
    pub source: tj_str,
    /// The new journal, from the root
    pub directory: tj_str,
    /// Id of the source.
    pub source_id: tj_uuid,
    /// Of the new journal; zeros with dry_run
    pub journal_id: tj_uuid,
    /// The commit that is restored
    pub sequence: u64,
    /// Of that commit, 0 without one
    pub time: tj_time,
    /// That the source has, as far as it could be read
    pub newest_sequence: u64,
    /// The source is damaged behind that: what counters did there is not known
    pub cut_short: bool,
    /// Of the new journal's own first commit; 0 with dry_run
    pub commit: u64,
    /// What the restored state came to; 0 with dry_run
    pub digest: u64,
    /// Its rows; 0 with dry_run
    pub row_count: u64,
    /// A backup had noted the digest at this commit, and it is the same
    pub proven: bool,
    /// Where the counters go on.
    pub counters: *mut tj_restored_counter,
    /// How many there are.
    pub counter_count: usize,
}

/// What to keep. Start from `TJ_PRUNE_OPTIONS_INIT`; a zero means the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_prune_options {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// Log that stays; default: as configured
    pub history_size_bytes: u64,
    /// Tell what would go, and change nothing
    pub dry_run: bool,
}

/// What went, or would go.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_prune_report {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// Of the log, the oldest ones; commits, of one on a server
    pub segment_count: u64,
    /// Of them
    pub bytes: u64,
    /// Where the log begins then; of one on a server 0
    pub first_segment: u64,
    /// Oldest commit whose state stays; 0: all of them do
    pub oldest_sequence: u64,
    /// About when it was; 0 when all stay
    pub oldest_time: tj_time,
}

/// How to compact. Start from `TJ_COMPACT_OPTIONS_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_compact_options {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// Tell what it would come to, and change nothing
    pub dry_run: bool,
}

/// What compacting came to, or would.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_compact_report {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// Of data.mdb
    pub bytes_before: u64,
    /// Of the one without free pages
    pub bytes_after: u64,
    /// It is in place; false: a dry run, or there was nothing to gain
    pub written: bool,
}

/// How something does; what is worse is more.
pub type tj_health = c_uint;

/// It is well.
pub const TJ_HEALTH_OK: tj_health = 1;

/// It could not be looked at
pub const TJ_HEALTH_UNKNOWN: tj_health = 2;

/// It works, and may not for long, or not in every case
pub const TJ_HEALTH_WARNING: tj_health = 3;

/// The journal cannot be relied on, or cannot be used
pub const TJ_HEALTH_WRONG: tj_health = 4;

/// One thing that was looked at.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_checkup_item {
    /// "journal", "writer", "readers", "clock", "history", "data.mdb", "backup", "file system",
    /// "mount", "flush", "space", "inodes", "permissions", "leftovers", "limits", "versions"; some
    /// stand more than once
    pub name: tj_str,
    /// Health.
    pub health: tj_health,
    /// What was measured, and what it means
    pub sentence: tj_str,
    /// What mends it, or tells more; absent: nothing needs to be done
    pub command: tj_str,
}

/// What a checkup found.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_checkup {
    /// From the root
    pub path: tj_str,
    /// The worst of all
    pub health: tj_health,
    /// Items.
    pub items: *mut tj_checkup_item,
    /// How many there are.
    pub count: usize,
}

/// How to look. Start from `TJ_DOCTOR_OPTIONS_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_doctor_options {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// Measure no flushes, for which a file without a name is written
    pub skip_flush: bool,
}

unsafe extern "C" {
    /// Backs a journal up into a directory, beside its writer or without one: everything up to the
    /// newest acknowledged commit. Never twice what is there already: the first time all of the
    /// log, later what was added since.
    ///
    /// The log is copied record by record, so that what is copied was verified, and the digest of
    /// the state as LMDB and the log show it now is noted: restoring the backup must come to the
    /// same. A backup that was killed is gone on with by the next. What is in the directory is
    /// never overwritten: another journal, or a log that is not the one that was backed up, is
    /// refused. So is a copy of the journal that a writer has opened, which may have gone another
    /// way: a backup follows one journal, and another in its place with `moved` only.
    ///
    /// Of a journal whose oldest segments were pruned the first backup has the state behind which
    /// the log begins, and all of the ledger. What is pruned later stays in the backup.
    ///
    /// - `store`: opened read-only or not; the call may be made beside saves
    /// - `directory`: of an earlier backup of this journal, or empty, or not there
    /// - `options`: NULL: the defaults
    /// - `report`: receives what was done; may be NULL; released with `tj_backup_report_free`
    ///
    /// Returns `TJ_OK`; `TJ_CONFLICT`: of another journal, of another history of this one, or of
    /// this one in another place; `TJ_EXISTS`: something else is in the directory; `TJ_BUSY`:
    /// another process backs up into it; `TJ_CORRUPT`: the journal, or the newest point of the
    /// backup, is damaged; `TJ_NOT_FOUND`: a segment or base that the backup needs is missing, or
    /// was pruned since the last one; `TJ_UNSUPPORTED`: the store is no journal; `TJ_INVALID`: the
    /// directory is inside the journal, or no such compression; `TJ_FULL`, `TJ_IO`, `TJ_READONLY`:
    /// of the directory; `TJ_NOMEM`; and as `tj_state_load`
    ///
    /// Threads: any. Durability: all of the backup is flushed on `TJ_OK`.
    pub fn tj_backup(
        store: *mut tj_store,
        directory: *const c_char,
        options: *const tj_backup_options,
        report: *mut *mut tj_backup_report,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases a report that this library returned. NULL is allowed. Threads: any, one at a time.
    pub fn tj_backup_report_free(report: *mut tj_backup_report);

    /// Lists the points of a backup. Only they are read, and not the files that they name:
    /// `tj_backup_verify` does.
    ///
    /// - `out`: released with `tj_backup_list_free`; NULL on failure
    ///
    /// Returns `TJ_OK`; `TJ_NOT_FOUND`; `TJ_INVALID`: no backup; `TJ_CORRUPT`: a damaged point;
    /// `TJ_FORMAT_NEWER`; `TJ_IO`; `TJ_NOMEM`
    ///
    /// Threads: any.
    pub fn tj_backup_list_read(
        directory: *const c_char,
        out: *mut *mut tj_backup_list,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases a list that this library returned. NULL is allowed. Threads: any, one at a time.
    pub fn tj_backup_list_free(list: *mut tj_backup_list);

    /// Proves that a backup can be restored: restores it, into a directory of its own that is
    /// removed again, and compares. Each file must have the hash that the point names, each record
    /// be valid and chained to the one before, each row of the restored state decode, and the
    /// digest of all rows be the one that the journal showed when the backup was made.
    ///
    /// The point then says when it was proven, unless the backup cannot be written to now.
    ///
    /// - `options`: NULL: the defaults
    /// - `report`: receives what was proven; may be NULL; released with `tj_backup_report_free`;
    ///   `copied_bytes` is the size of the log that was restored
    ///
    /// Returns `TJ_OK`; `TJ_NOT_FOUND`: no such backup, point or file; `TJ_INVALID`: no backup;
    /// `TJ_CORRUPT` with the place, or with what differs; `TJ_FORMAT_NEWER`; `TJ_FULL`, `TJ_IO`:
    /// of the trial directory too; `TJ_NOMEM`
    ///
    /// Threads: any.
    pub fn tj_backup_verify(
        directory: *const c_char,
        options: *const tj_backup_verify_options,
        report: *mut *mut tj_backup_report,
        error: *mut tj_error,
    ) -> tj_status;

    /// Tells which backup of a journal is the newest, and which one is the newest that was
    /// proven, from a small file in its directory. The journal is not opened, and may be damaged.
    ///
    /// A backup or a proof is noted there when it has succeeded, if that directory can be written
    /// to. A note that is lost or damaged is none. Backups that follow each other within a minute
    /// into one directory, with `tj_backup_options.thin`, are noted once.
    ///
    /// - `journal`: path as in `tj_config`
    /// - `out`: released with `tj_known_backups_free`; NULL on failure
    ///
    /// Returns `TJ_OK`, also when no backup is known; `TJ_MISUSE`, `TJ_INVALID`, `TJ_LIMIT`: no
    /// path; `TJ_IO`; `TJ_NOMEM`
    ///
    /// Threads: any.
    pub fn tj_known_backups_read(
        journal: *const c_char,
        out: *mut *mut tj_known_backups,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases what this library returned. NULL is allowed. Threads: any, one at a time.
    pub fn tj_known_backups_free(backups: *mut tj_known_backups);

    /// Makes a new journal out of a backup, or out of the log of another journal, whose data.mdb
    /// may be damaged or gone.
    ///
    /// The new journal has an id of its own and a log of its own, record by record the old one up
    /// to the commit that was asked for, and one commit more with a note of where it comes from.
    /// That commit lifts the counters: each goes on behind the highest number that the source knows
    /// to be reserved, also after the commit that was asked for. So no number is handed out twice,
    /// and the new journal, the old one and its backups cannot be mixed up.
    ///
    /// A backup is restored to its newest point. What its log holds behind that, as one that was
    /// not finished leaves it, lifts counters, too, and is restored when it is asked for.
    ///
    /// The log of a source need not begin with segment 1: then its bases are read, and the history
    /// of the new journal begins where that of the source does.
    ///
    /// - `source`: a backup, or a journal, beside whose writer it may be read; it stays as it is
    /// - `into`: the new journal: not there, or an empty directory; it is there as a whole, and
    ///   flushed, or not at all
    /// - `options`: NULL: the defaults
    /// - `report`: receives what was done; may be NULL; released with `tj_restore_report_free`
    ///
    /// Returns `TJ_OK`; `TJ_NOT_FOUND`: no source, or it does not have that commit, or not any more;
    /// `TJ_EXISTS`: something is in the new journal's place; `TJ_CORRUPT` with the place: the
    /// source is damaged, or comes to another state than the one that was backed up; `TJ_INVALID`:
    /// the source is neither a backup nor a journal; `TJ_LIMIT`: a counter cannot skip so many;
    /// `TJ_FORMAT_NEWER`; `TJ_FULL`, `TJ_IO`, `TJ_READONLY`; `TJ_NOMEM`
    ///
    /// Threads: any. Durability: the new journal is flushed on `TJ_OK`.
    pub fn tj_restore(
        source: *const c_char,
        into: *const c_char,
        options: *const tj_restore_options,
        report: *mut *mut tj_restore_report,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases a report that this library returned. NULL is allowed. Threads: any, one at a time.
    pub fn tj_restore_report_free(report: *mut tj_restore_report);

    /// Lets the oldest segments of the log go, as the store does by itself behind the commits: so
    /// that history_size_bytes stay, and nothing is older than configured. Never the segment in
    /// which LMDB's state stands, and the two before it.
    ///
    /// Nothing goes before it is proven that the rest can be restored: the state at the last commit
    /// that goes is in files that equal, row for row, what the log comes to, and these and the log
    /// that stays come to the state in LMDB. States before that commit are gone then, but for some
    /// that stay as points: one an hour for 7 days, one a day for 400. Ledger entries and commit
    /// ids all stay.
    ///
    /// - `options`: NULL: the defaults
    /// - `report`: must be initialized
    ///
    /// Returns `TJ_OK`; `TJ_CORRUPT` when a proof fails: nothing went; `TJ_READONLY` unless it is a
    /// dry run; `TJ_UNSUPPORTED` for an engine that keeps no past; `TJ_FULL`, `TJ_IO`, `TJ_NOMEM`,
    /// `TJ_MISUSE`
    ///
    /// Threads: any. Reads all of the log that stays: seconds for each GiB. Commits go on beside
    /// it.
    pub fn tj_prune(
        store: *mut tj_store,
        options: *const tj_prune_options,
        report: *mut tj_prune_report,
        error: *mut tj_error,
    ) -> tj_status;

    /// Makes data.mdb as small as what is in it: LMDB keeps the pages of what was deleted, for rows
    /// to come.
    ///
    /// The journal is opened for writing, and nobody else may have it open. A copy without free
    /// pages is built beside data.mdb, flushed, compared with it row by row, and renamed into its
    /// place. The log is not touched, and whatever happens meanwhile leaves the old file or the new
    /// one, which hold the same.
    ///
    /// - `config`: the journal; `must_exist` is implied
    /// - `options`: NULL: the defaults
    /// - `report`: must be initialized
    ///
    /// Returns `TJ_OK`, also when there is nothing to gain; `TJ_BUSY`: a process has it open, for
    /// writing or reading, which the sentence names; `TJ_FULL`: there is no room for the copy, and
    /// nothing was changed; `TJ_CORRUPT`: data.mdb is damaged, or the copy is not what it should
    /// be; `TJ_UNSUPPORTED` for an engine without a file; and as `tj_store_open`
    ///
    /// Threads: any. Durability: the new file is durable on `TJ_OK`.
    pub fn tj_compact(
        config: *const tj_config,
        options: *const tj_compact_options,
        report: *mut tj_compact_report,
        error: *mut tj_error,
    ) -> tj_status;

    /// Looks at a journal and at what it stands on, and tells of each thing how it does and which
    /// command mends it: file system, mount options, the cost of a flush (measured: a few, of a
    /// small file without a name in the journal's directory), space and inodes, the clock against
    /// the newest commit, limits of the process that writes, versions, readers, owners and modes,
    /// growth of the history. Of a journal on a server: whether it opens, who writes, what the
    /// server is set to, its standbys, its clock beside this machine's, its sessions, and what the
    /// role may do.
    ///
    /// It works beside a writer and on a damaged journal. Whether every byte is what was written is
    /// `tj_verify`'s question.
    ///
    /// - `config`: the journal; opened read-only, as far as that goes
    /// - `options`: NULL: the defaults
    /// - `report`: released with `tj_checkup_free`; NULL on failure
    ///
    /// Returns `TJ_OK` whatever was found; `TJ_NOT_FOUND`: no directory is there; `TJ_UNSUPPORTED`
    /// for an engine without a path; `TJ_LIMIT`, `TJ_MISUSE`, `TJ_NOMEM`
    ///
    /// Threads: any.
    pub fn tj_doctor(
        config: *const tj_config,
        options: *const tj_doctor_options,
        report: *mut *mut tj_checkup,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases a report that this library returned. NULL is allowed. Threads: any, one at a time.
    pub fn tj_checkup_free(checkup: *mut tj_checkup);

    /// The statements that make a schema for journals on PostgreSQL, for an administrator to read
    /// and to run. As comments behind them: what a role that writes and one that looks on are
    /// granted.
    ///
    /// - `schema`: its name
    /// - `out`: released with `tj_text_dispose`
    ///
    /// Returns `TJ_OK`; `TJ_MISUSE`; `TJ_NOMEM`
    ///
    /// Threads: any. No server is asked.
    pub fn tj_postgres_sql(
        schema: *const c_char,
        out: *mut tj_text,
        error: *mut tj_error,
    ) -> tj_status;
}
