// SPDX-License-Identifier: MIT OR Apache-2.0
//! Submitted commits and reservations, to be awaited.

use std::ffi::{CStr, c_void};
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tesser_journal_sys as sys;

use crate::error::{Error, Result, call};
use crate::journal::{Store, complete};

/// What a commit and its callback share.
#[derive(Default)]
struct Outcome {
    result: Option<Result<u64>>,
    waker: Option<Waker>,
}

type Shared = Mutex<Outcome>;

/// A commit on its way to the disk. Awaited, it gives its number once it is as durable as the
/// journal promises. Dropped, it goes on all the same.
///
/// Whoever polls it takes what is done; somebody must do so when the journal's descriptor (`AsFd`)
/// is readable: an event loop with [`Journal::complete`](crate::Journal::complete), or whoever
/// [waits](Commit::wait) for one.
#[must_use = "only awaited, or waited for, does it tell whether it is durable"]
pub struct Commit {
    sequence: u64,
    shared: Arc<Shared>,
    store: Arc<Store>,
}

/// Called once, on the thread that takes completions.
unsafe extern "C" fn done(
    context: *mut c_void,
    status: sys::tj_status,
    sequence: u64,
    error: *const sys::tj_error,
) {
    // SAFETY: the context is the reference that `submit` gave away, and comes back once.
    let shared = unsafe { Arc::from_raw(context.cast_const().cast::<Shared>()) };
    // SAFETY: NULL, or valid for the call.
    let result = match unsafe { error.as_ref() } {
        Some(error) if status != sys::TJ_OK => Err(Error::of(status, error)),
        _ => Ok(sequence),
    };
    let waker = {
        let mut outcome = shared.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.result = Some(result);
        outcome.waker.take()
    };
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Commit {
    /// `submit` gives the callback and its context to a call of the library that keeps both, and
    /// sets the sequence where that is known. Closing drains the store before it drops a context.
    fn start(
        store: &Arc<Store>,
        submit: impl FnOnce(
            sys::tj_commit_done,
            *mut c_void,
            &mut u64,
            *mut sys::tj_error,
        ) -> sys::tj_status,
    ) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let context = Arc::into_raw(Arc::clone(&shared));
        let mut sequence = 0;
        let submitted = call(|error| submit(done, context.cast_mut().cast(), &mut sequence, error));
        if let Err(error) = submitted {
            // SAFETY: the callback is not called when the call fails.
            drop(unsafe { Arc::from_raw(context) });
            return Err(error);
        }
        Ok(Self { sequence, shared, store: Arc::clone(store) })
    }

    /// Releases the transaction in every case.
    pub(crate) fn submit(
        store: &Arc<Store>,
        txn: *mut sys::tj_txn,
        options: &sys::tj_commit_options,
    ) -> Result<Self> {
        Self::start(store, |done, context, sequence, error| {
            // SAFETY: the transaction was begun; the context is what the callback expects.
            unsafe { sys::tj_txn_submit(txn, options, Some(done), context, sequence, error) }
        })
    }

    /// Its number; nothing says yet that it is durable.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    fn take(&self) -> Option<Result<u64>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).result.take()
    }

    /// Waits on this thread.
    ///
    /// # Errors
    /// As [`Transaction::commit`](crate::Transaction::commit).
    pub fn wait(self) -> Result<u64> {
        loop {
            if let Some(result) = self.take() {
                return result;
            }
            // Another thread may take this one's completion, and then none comes here.
            complete(&self.store, Duration::from_millis(20))?;
        }
    }
}

impl Future for Commit {
    type Output = Result<u64>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        {
            let mut outcome = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            outcome.waker = Some(context.waker().clone());
        }
        // Callbacks lock what they end: not under the lock.
        if let Err(error) = complete(&self.store, Duration::ZERO) {
            return Poll::Ready(Err(error));
        }
        self.take().map_or(Poll::Pending, Poll::Ready)
    }
}

/// A block of numbers on its way to the disk. Awaited, it gives them: none may be handed out
/// before, as a crash may give them again.
#[must_use = "only awaited, or waited for, does it give its numbers"]
#[derive(Debug)]
pub struct Reservation {
    numbers: Range<u64>,
    commit: Commit,
}

impl Reservation {
    pub(crate) fn submit(store: &Arc<Store>, counter: &CStr, count: u64) -> Result<Self> {
        let mut first = 0;
        let commit = Commit::start(store, |done, context, _, error| {
            let (book, name) = (std::ptr::null(), counter.as_ptr());
            // SAFETY: the store is open; the context is what the callback expects.
            unsafe {
                sys::tj_counter_submit(
                    store.0,
                    book,
                    name,
                    count,
                    Some(done),
                    context,
                    &mut first,
                    error,
                )
            }
        })?;
        Ok(Self { numbers: first..first + count, commit })
    }

    /// Waits on this thread.
    ///
    /// # Errors
    /// As [`Journal::reserve`](crate::Journal::reserve).
    pub fn wait(self) -> Result<Range<u64>> {
        self.commit.wait()?;
        Ok(self.numbers)
    }
}

impl Future for Reservation {
    type Output = Result<Range<u64>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = Pin::new(&mut self.commit).poll(context);
        outcome.map(|result| result.map(|_| self.numbers.clone()))
    }
}

impl std::fmt::Debug for Commit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Commit").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}
