// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a journal is what was written, and getting back what is not.
//!
//! Nothing here prints: what happened is a report, a struct in one arena.

use std::ffi::{c_char, c_uint};

use crate::*;

/// What a finding means.
pub type tj_finding_kind = c_uint;

/// Worth knowing, and no damage
pub const TJ_FINDING_NOTE: tj_finding_kind = 1;

/// Stored bytes are not what was written, or are not there
pub const TJ_FINDING_DAMAGE: tj_finding_kind = 2;

/// This part could not be looked at
pub const TJ_FINDING_UNCHECKED: tj_finding_kind = 3;

/// One thing that was found.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_finding {
    /// Kind.
    pub kind: tj_finding_kind,
    /// All of it, for people
    pub sentence: tj_str,
    /// Absent when it is about no single file
    pub file: tj_str,
    /// In that file, 0 when it is about all of it
    pub offset: u64,
    /// The commits concerned; 0: none, or not known which.
    pub sequence_first: u64,
    /// UINT64_MAX: to the end, and nothing tells where that was
    pub sequence_last: u64,
    /// The row concerned, in words; absent when there is none
    pub key: tj_str,
}

/// What a verification comes to.
pub type tj_verdict = c_uint;

/// TJ_VERDICT_SOUND
pub const TJ_VERDICT_SOUND: tj_verdict = 1;

/// TJ_VERDICT_DAMAGED
pub const TJ_VERDICT_DAMAGED: tj_verdict = 2;

/// No damage, in what could be looked at
pub const TJ_VERDICT_UNCHECKED: tj_verdict = 3;

/// How to verify. Start from TJ_VERIFY_OPTIONS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_verify_options {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// Also replay the log in memory and compare it with data.mdb
    pub deep: bool,
}

/// What a verification found.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_verify_report {
    /// From the root
    pub path: tj_str,
    /// Journal id.
    pub journal_id: tj_uuid,
    /// Verdict.
    pub verdict: tj_verdict,
    /// Deep.
    pub deep: bool,
    /// It was looked at beside a writer: up to `sequence`
    pub writer_alive: bool,
    /// The newest state, with every acknowledged commit, can be had from what is sound: from
    /// data.mdb and the log behind it, from the log alone, or from bases and the log behind them.
    pub newest_whole: bool,
    /// The newest commit that is whole
    pub sequence: u64,
    /// The one at which data.mdb stands; 0 when it cannot be read
    pub applied_sequence: u64,
    /// The oldest commit in the log; 0: none
    pub first_sequence: u64,
    /// That are whole in the log
    pub commit_count: u64,
    /// Segment count.
    pub segment_count: u64,
    /// Log bytes.
    pub log_bytes: u64,
    /// Of data.mdb
    pub state_bytes: u64,
    /// Page count.
    pub page_count: u64,
    /// Rows in data.mdb
    pub row_count: u64,
    /// Data.mdb was compared with the log, at `applied_sequence`
    pub compared: bool,
    /// Of both; 0 when they were not compared
    pub digest: u64,
    /// Findings.
    pub findings: *mut tj_finding,
    /// Finding count.
    pub finding_count: usize,
    /// More were found than are listed
    pub finding_left_out: usize,
    /// Bases in history/ that are sound
    pub base_count: u64,
    /// Of all of them
    pub base_bytes: u64,
    /// Of what holds nothing that is kept: writer.lock, lock.mdb, the reserve, the note of backups,
    /// unfinished files. With `log_bytes`, `state_bytes` and `base_bytes` all that a sound journal
    /// has.
    pub other_bytes: u64,
}

/// Numbers that each counter skips by default when commits are lost, which may have reserved some.
pub const TJ_REPAIR_SKIP_DEFAULT: u64 = 1_000_000;

/// How to repair. Start from TJ_REPAIR_OPTIONS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_repair_options {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// Build the journal though commits or rows are lost
    pub accept_loss: bool,
    /// Then exchange the names of the two directories
    pub swap: bool,
    /// Look and tell, write nothing
    pub dry_run: bool,
    /// Numbers that each counter skips when commits are lost; 0: TJ_REPAIR_SKIP_DEFAULT
    pub skip_counters: u64,
}

/// Where something comes from, or that it is lost.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_repair_part {
    /// Lost.
    pub lost: bool,
    /// All of it, for people
    pub sentence: tj_str,
    /// The commits concerned; 0: none.
    pub sequence_first: u64,
    /// UINT64_MAX: to the end, and nothing tells where that was
    pub sequence_last: u64,
    /// The row concerned, in words; absent when it is about commits
    pub key: tj_str,
}

/// What a repair did, or with dry_run would do.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_repair_report {
    /// The damaged journal, from the root
    pub path: tj_str,
    /// The new one, from the root; after a swap, the damaged one
    pub directory: tj_str,
    /// False: it is sound, and nothing was done
    pub needed: bool,
    /// The new journal is there
    pub written: bool,
    /// And has the damaged one's place
    pub swapped: bool,
    /// Commits or rows of the newest state are lost
    pub loses: bool,
    /// Source id.
    pub source_id: tj_uuid,
    /// Of the new journal: the same unless it loses commits or rows
    pub journal_id: tj_uuid,
    /// The newest commit that is kept
    pub sequence: u64,
    /// The oldest that its log still tells; 0: none
    pub log_first: u64,
    /// Of its state; 0 when it is not written
    pub row_count: u64,
    /// Parts.
    pub parts: *mut tj_repair_part,
    /// Part count.
    pub part_count: usize,
    /// More would be told than are listed
    pub part_left_out: usize,
}

unsafe extern "C" {
    /// Looks at every byte of a journal, beside its writer or without one, and writes nothing.
    ///
    /// Without `deep`: the directory and what is in it that is not the journal's, writer.lock, every
    /// segment header, record, seal and the zeros behind, the chain over all segments, the pages of
    /// data.mdb with the free ones, every row's checksum, the sums of rows, every base with its blocks,
    /// index and place in the log, and every row decoded.
    /// With `deep` also: the log replayed in memory up to data.mdb's position, and both states
    /// compared; the two indexes of the ledger against it; and each base against what the log comes to
    /// at its place, wherever the log reaches. That takes as much memory as the state has.
    ///
    /// A base that is damaged is damage (a verdict, a finding with its file), and costs time only: the
    /// finding says so. Where the log before it was let go it is a source, and the finding says that.
    ///
    /// What holds nothing that is kept cannot be damaged, and is accounted for: lock.mdb, the reserve,
    /// writer.lock, unfinished .tmp files. Where nobody should have written, that is a note: behind the
    /// end that a segment's header says, in writer.lock beside what a writer writes. Free pages of
    /// data.mdb, gaps within its pages and what lies behind the last one may hold anything.
    ///
    /// - path    of the journal's directory
    /// - options NULL: the defaults
    /// - report  released with tj_verify_report_free; NULL on failure
    ///
    /// Returns TJ_OK whatever was found: the report says. TJ_NOT_FOUND: no journal is there; TJ_IO: it
    /// cannot be looked at; TJ_FORMAT_NEWER: a newer version wrote some of it; TJ_UNAVAILABLE: a
    /// writer was faster each time; TJ_LIMIT: the path is too long; TJ_MISUSE; TJ_NOMEM
    ///
    /// Threads: any.
    pub fn tj_verify(
        path: *const c_char,
        options: *const tj_verify_options,
        report: *mut *mut tj_verify_report,
        error: *mut tj_error,
    ) -> tj_status;

    /// Looks at every row of data.mdb and at nothing else, for monitoring: also at those of
    /// algorithms and of the ledger, which opening does not look into. Beside a running writer,
    /// too.
    ///
    /// - `path`: of the journal's directory
    /// - `size_max`: a larger data.mdb is not looked at, because that takes too long: 8 MiB take
    ///   about 20 ms; 0: whatever its size
    /// - `looked`: receives whether it was; may be NULL
    ///
    /// Returns `TJ_OK`: all are whole, or it was not looked at; `TJ_CORRUPT` for the first that is
    /// damaged, with its place and key; as `tj_verify`
    ///
    /// Threads: any.
    pub fn tj_verify_rows(
        path: *const c_char,
        size_max: u64,
        looked: *mut bool,
        error: *mut tj_error,
    ) -> tj_status;

    /// The same of the journal that a configuration names, which may be on a server: that its log has
    /// every commit from the first on, each as it was written and chained to the one before, and every
    /// row is as it was written. With `deep` also: the log replayed in memory, and both states
    /// compared.
    ///
    /// There are no segments, pages and bases there: their counts are 0.
    ///
    /// - config  the journal; opened read-only when it is on a server
    /// - options NULL: the defaults
    /// - report  released with tj_verify_report_free; NULL on failure
    ///
    /// Returns as tj_verify; of a server also as tj_store_open; TJ_UNSUPPORTED for a store in memory
    ///
    /// Threads: any.
    pub fn tj_verify_config(
        config: *const tj_config,
        options: *const tj_verify_options,
        report: *mut *mut tj_verify_report,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases a report that this library returned. NULL is allowed. Threads: any, one at a time.
    pub fn tj_verify_report_free(report: *mut tj_verify_report);

    /// Builds a sound journal out of what is sound in a damaged one, beside it, and leaves that one as
    /// it is. Nothing is guessed: every commit and row of the new journal is one that was stored.
    ///
    /// What is used: the log from its first commit on, where it is whole up to the newest; else the
    /// state in data.mdb and the commits behind it; else the newest bases and the commits behind them,
    /// and the ledger and the commit ids from wherever they stand (.rest files, whole records,
    /// data.mdb). History then begins behind what is missing. Single damaged rows of data.mdb come from
    /// the commits that wrote them, or from bases.
    ///
    /// Where nothing is lost the new journal keeps the id: it is the same line of history, record for
    /// record, and backups of it go on. Where commits or rows are lost it gets a new one, as the two
    /// then hold different histories; its counters go on behind everything that the damaged journal
    /// shows to be reserved and skip_counters, and a commit of it says what happened.
    ///
    /// The new journal is verified, as with `deep`, before the call returns. Do not write to the
    /// damaged one afterwards. Sealed segments that are whole are not copied: both directories name the
    /// same file, which no writer ever writes to again.
    ///
    /// - path    of the damaged journal, which no process has open for writing
    /// - into    not there, or an empty directory
    /// - options NULL: the defaults
    /// - report  released with tj_repair_report_free; NULL on failure
    ///
    /// Returns TJ_OK, also when nothing was written because it is sound, or because something is lost
    /// and that was not accepted: the report says; TJ_BUSY: a process has it open for writing;
    /// TJ_EXISTS: something is at `into`; TJ_CORRUPT: there is nothing to repair it from, or the
    /// new journal did not verify; TJ_UNSUPPORTED: names cannot be exchanged there; TJ_LIMIT;
    /// TJ_FULL, TJ_IO, TJ_READONLY: of the new directory; and as tj_verify
    ///
    /// Threads: any. Durability: all of the new journal is flushed on TJ_OK.
    pub fn tj_repair(
        path: *const c_char,
        into: *const c_char,
        options: *const tj_repair_options,
        report: *mut *mut tj_repair_report,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases a report that this library returned. NULL is allowed. Threads: any, one at a time.
    pub fn tj_repair_report_free(report: *mut tj_repair_report);
}
