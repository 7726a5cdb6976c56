// SPDX-License-Identifier: MIT OR Apache-2.0
//! Durable memory for a trading runtime: [tesser-journal](https://crates.io/crates/tesser-journal)
//! with types of its own, and no crate beside its C interface. (The crate `tesser-journal` speaks
//! Tesser's types, and takes the place of the published one.)
//!
//! A [`Journal`] has books; a [`Book`] has a live [`State`], algorithms and a ledger. A
//! [`Transaction`] changes all of them at once, and is either [committed](Transaction::commit),
//! which returns when it is durable, or [submitted](Transaction::submit), which gives a future.
//!
//! An event loop polls the journal's descriptor and takes what is done, as `examples/event_loop.rs`
//! does; with tokio it is `AsyncFd`:
//!
//! ```ignore
//! let ready = AsyncFd::with_interest(journal.as_fd().as_raw_fd(), Interest::READABLE)?;
//! loop {
//!     let mut guard = ready.readable().await?;
//!     if journal.complete(Duration::ZERO)? == 0 { // wakes whoever awaits a commit that is done
//!         guard.clear_ready(); // only then: what is left brings no second event
//!     }
//! }
//! ```

mod decimal;
mod error;
mod journal;
mod raw;
mod state;
mod submit;
mod transaction;
mod value;

pub use decimal::Decimal;
pub use error::{Error, Result, Status};
pub use journal::{Book, Durability, Journal, Options};
pub use state::{Algos, Ledger, Portfolio, State, SubAccount};
pub use submit::{Commit, Reservation};
pub use transaction::{CommitOptions, Transaction};
pub use value::{
    Algo, Balance, LedgerEntry, LedgerType, Order, OrderStatus, OrderType, Position, Side, Symbol,
    Time, TimeInForce, Uuid,
};
