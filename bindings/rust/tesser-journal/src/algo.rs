// SPDX-License-Identifier: MIT OR Apache-2.0
//! Execution algorithms.

use std::collections::HashMap;
use std::sync::Arc;

use tesser_execution::{AlgoStateRepository, StoredAlgoState};
use uuid::Uuid;

use crate::error::{ErrorKind, JournalError, Result};
use crate::ffi::Store;

/// The execution algorithms of one book of a journal.
#[derive(Clone)]
pub struct LmdbAlgoStateRepository {
    store: Arc<Store>,
}

/// A stored algorithm that cannot be decoded. It is kept as it is.
#[derive(Clone, Debug)]
pub struct BrokenAlgo {
    /// Its key.
    pub id: Uuid,
    /// The stored bytes.
    pub raw: Vec<u8>,
    /// Why it cannot be decoded.
    pub reason: String,
}

impl LmdbAlgoStateRepository {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Loads the algorithms that can be decoded, and apart from them those that cannot:
    /// [`load_all`](AlgoStateRepository::load_all) fails where there is one of these.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn load_readable(&self) -> Result<(HashMap<Uuid, StoredAlgoState>, Vec<BrokenAlgo>)> {
        let (good, broken) = self.store.load_algos()?;
        let good = good
            .into_iter()
            .map(|(id, algo_type, state)| (id, StoredAlgoState { algo_type, state }))
            .collect();
        let broken =
            broken.into_iter().map(|(id, raw, reason)| BrokenAlgo { id, raw, reason }).collect();
        Ok((good, broken))
    }
}

impl AlgoStateRepository for LmdbAlgoStateRepository {
    type State = StoredAlgoState;

    /// Saves the state of one algorithm; durable when it returns.
    fn save(&self, id: &Uuid, state: &StoredAlgoState) -> anyhow::Result<()> {
        Ok(self.store.save_algo(id, &state.algo_type, &state.state)?)
    }

    /// All algorithms; an error that names the first one that cannot be decoded, if there is one.
    fn load_all(&self) -> anyhow::Result<HashMap<Uuid, StoredAlgoState>> {
        let (good, broken) = self.load_readable()?;
        match broken.first() {
            None => Ok(good),
            Some(first) => Err(JournalError::new(
                ErrorKind::Corrupt,
                format!(
                    "{} of {} algorithms cannot be decoded and are kept as they are, the first is \
                     {}: {}",
                    broken.len(),
                    broken.len() + good.len(),
                    first.id,
                    first.reason
                ),
            )
            .into()),
        }
    }

    /// Deletes one algorithm; one that is not there is no error.
    fn delete(&self, id: &Uuid) -> anyhow::Result<()> {
        Ok(self.store.delete_algo(id)?)
    }
}
