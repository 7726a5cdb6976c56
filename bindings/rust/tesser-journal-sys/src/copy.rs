// SPDX-License-Identifier: MIT OR Apache-2.0
//! Copying a journal commit by commit: from a directory to a server, from a server to a directory,
//! or between two of a kind; once, or again and again behind a writer that goes on.
//!
//! A copy has the same commits with the same sequences, times, ids and notes, so the same history.
//! It has an id of its own. Who goes on with it must not go on with the original, and the other way
//! round: both would hand out the same numbers of their counters.

use std::marker::PhantomData;

use crate::*;

/// A copy under way: two opened journals.
#[repr(C)]
pub struct tj_copier {
    _opaque: [u8; 0],
    _not_send: PhantomData<*mut ()>,
}

/// What a copy comes to.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_copy_report {
    /// Of the source
    pub source_id: tj_uuid,
    /// Of the target
    pub target_id: tj_uuid,
    /// Newest commit of the target
    pub sequence: u64,
    /// Rows of its state, all books together
    pub row_count: u64,
    /// Of both at that commit: the same for the same rows
    pub digest: u64,
}

unsafe extern "C" {
    /// Opens a source to look on, beside its writer or without one, and a target as its writer,
    /// which is created when it is not there.
    ///
    /// - `source`: borrowed for the call, and so is the target
    /// - `target`: opened for writing, whatever its `read_only` says
    /// - `out`: released with `tj_copier_close`; NULL on failure
    ///
    /// Returns `TJ_OK`; `TJ_CONFLICT`: the target has commits that the source does not have;
    /// `TJ_NOT_FOUND`: there is no source, or the commits that the target lacks are not kept there
    /// any more; `TJ_MISUSE`; `TJ_NOMEM`; and as `tj_store_open`
    ///
    /// Threads: any.
    pub fn tj_copier_open(
        source: *const tj_config,
        target: *const tj_config,
        out: *mut *mut tj_copier,
        error: *mut tj_error,
    ) -> tj_status;

    /// Copies every commit that the source has acknowledged and the target does not have. May be
    /// called again and again, also after a failure, and then goes on from there.
    ///
    /// - `sequence`: receives the newest commit of the target; may be NULL
    ///
    /// Returns `TJ_OK`; `TJ_UNAVAILABLE`, `TJ_UNKNOWN`: the target's server is away, call it again;
    /// and as a commit to the target and a `tj_history_next` of the source
    ///
    /// Threads: handle. Durability: what is copied is as durable as the target's configuration says.
    pub fn tj_copier_run(
        copier: *mut tj_copier,
        sequence: *mut u64,
        error: *mut tj_error,
    ) -> tj_status;

    /// Compares the states of both at the target's newest commit, row for row by their digest.
    ///
    /// - `report`: receives what it comes to; may be NULL
    ///
    /// Returns `TJ_OK`: they are the same; `TJ_CORRUPT`: they are not, naming a table; and as a load
    ///
    /// Threads: handle.
    pub fn tj_copier_verify(
        copier: *mut tj_copier,
        report: *mut tj_copy_report,
        error: *mut tj_error,
    ) -> tj_status;

    /// Closes both. NULL is allowed. As `tj_store_close` of the target. Threads: handle.
    pub fn tj_copier_close(copier: *mut tj_copier, error: *mut tj_error) -> tj_status;
}
