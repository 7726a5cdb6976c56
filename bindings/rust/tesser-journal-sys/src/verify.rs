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
    /// data.mdb and the log behind it, or from the log alone.
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
}

unsafe extern "C" {
    /// Looks at every byte of a journal, beside its writer or without one, and writes nothing.
    ///
    /// Without `deep`: the directory and what is in it that is not the journal's, writer.lock, every
    /// segment header, record, seal and the zeros behind, the chain over all segments, the pages of
    /// data.mdb with the free ones, every row's checksum, the sums of rows, and every row decoded.
    /// With `deep` also: the log replayed in memory up to data.mdb's position, and both states
    /// compared; and the two indexes of the ledger against it. That takes as much memory as the state
    /// has.
    ///
    /// Bytes that mean nothing (of free pages, of gaps within pages, of the reserve) may be anything.
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

    /// Releases a report that this library returned. NULL is allowed. Threads: any, one at a time.
    pub fn tj_verify_report_free(report: *mut tj_verify_report);
}
