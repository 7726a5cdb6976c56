// SPDX-License-Identifier: MIT OR Apache-2.0
//! The portfolio snapshot.

use std::sync::Arc;

use tesser_portfolio::{LiveState, PortfolioError, PortfolioResult, StateRepository};

use crate::error::{JournalError, Result};
use crate::ffi::Store;

/// The portfolio snapshot of one book of a journal.
#[derive(Clone)]
pub struct LmdbStateRepository {
    store: Arc<Store>,
}

impl LmdbStateRepository {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Loads the state with the number of the newest commit it includes, 0 before the first: what
    /// [`CommitOptions::expected_sequence`](crate::CommitOptions) takes.
    ///
    /// # Errors
    /// When any part cannot be read: never a partial portfolio.
    pub fn load_with_sequence(&self) -> Result<(LiveState, u64)> {
        self.store.load_state()
    }
}

fn internal(error: JournalError) -> PortfolioError {
    PortfolioError::Internal(error.to_string())
}

impl StateRepository for LmdbStateRepository {
    type Snapshot = LiveState;

    /// The newest state; defaults only when nothing was ever stored in the journal.
    fn load(&self) -> PortfolioResult<LiveState> {
        self.store.load_state().map(|(state, _)| state).map_err(internal)
    }

    /// Saves what changed since the newest save; durable when it returns. Refused over a stored state
    /// that cannot be loaded, see
    /// [`JournalOptions::replace_unreadable`](crate::JournalOptions::replace_unreadable).
    fn save(&self, state: &LiveState) -> PortfolioResult<()> {
        self.store.save_state(state).map_err(internal)
    }
}
