// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a store has done and how long it took, counted beside the work: a commit costs two looks at
//! the clock for it, and no lock. `tesser-journal metrics` shows the same for Prometheus.

use crate::*;

/// Buckets of a histogram: four in each doubling, so a value is known to an eighth.
pub const TJ_HISTOGRAM_BUCKETS: usize = 100;
/// Statuses that are counted; there are fewer of them yet.
pub const TJ_METRICS_STATUS_COUNT: usize = 32;

/// How often values fell where. The last bucket also has everything above.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_histogram {
    /// How many values there were.
    pub count: u64,
    /// All of them added up.
    pub sum: u64,
    /// How many fell into each bucket.
    pub buckets: [u64; TJ_HISTOGRAM_BUCKETS],
}

/// Counts since a store was opened. All times are in microseconds.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_metrics {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// When it was opened, a `tj_time`; 0: nothing is known
    pub since: u64,
    /// Submitted commits whose completion was not taken yet
    pub waiting: u64,
    /// Written to the log
    pub log_bytes: u64,
    /// How often LMDB was brought up to date
    pub applies: u64,
    /// How often it could not be
    pub apply_failures: u64,
    /// How long all of them took
    pub apply_us: u64,
    /// From a commit's call until it was acknowledged
    pub commit_us: tj_histogram,
    /// A write to the log with its flush
    pub flush_us: tj_histogram,
    /// How many commits shared one
    pub flush_commits: tj_histogram,
    /// Commits that were not made, or are not known to be, by their status.
    pub refused: [u64; TJ_METRICS_STATUS_COUNT],
    /// Commits that `tj_txn_submit` took
    pub submitted: u64,
    /// Of them, those whose completion was taken
    pub completed: u64,
}

unsafe extern "C" {
    /// Tells what a store has counted. One that was opened read-only tells what the journal's
    /// writer had counted when it last brought LMDB up to date, or when it ended; at most a second
    /// or so ago while it saves.
    ///
    /// - `metrics`: must be initialized; all zero when nothing is known
    ///
    /// Returns `TJ_OK`; `TJ_MISUSE`
    ///
    /// Threads: any. The members are read one after the other, while others go on counting.
    pub fn tj_store_metrics(
        store: *mut tj_store,
        metrics: *mut tj_metrics,
        error: *mut tj_error,
    ) -> tj_status;

    /// The highest value that is counted in a bucket.
    ///
    /// Returns UINT64_MAX for the last one, or for a number that is none
    ///
    /// Threads: any.
    pub fn tj_histogram_bound(bucket: usize) -> u64;

    /// A value that so many of the counted ones do not exceed, to an eighth: 0.5 is the median.
    ///
    /// - `share`: from 0 to 1
    ///
    /// Returns 0 when nothing was counted
    ///
    /// Threads: any.
    pub fn tj_histogram_quantile(histogram: *const tj_histogram, share: f64) -> u64;
}
