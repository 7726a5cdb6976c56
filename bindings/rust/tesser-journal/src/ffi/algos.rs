// SPDX-License-Identifier: MIT OR Apache-2.0
//! The calls on algorithms.

use serde_json::Value;
use tesser_journal_sys as sys;
use uuid::Uuid;

use super::{Owned, Store, Txn, bytes, call, decode, encode, items, text};
use crate::error::Result;

/// Algorithms as stored: key, plugin and payload.
pub(crate) type Algos = Vec<(Uuid, String, Value)>;

/// An algorithm that cannot be decoded: key, bytes and reason.
pub(crate) type BrokenAlgos = Vec<(Uuid, Vec<u8>, String)>;

// SAFETY of every call below: the repository lives as long as the store, and all other pointers are
// to values that outlive the call.
impl Store {
    pub(crate) fn save_algo(&self, id: &Uuid, plugin: &str, payload: &Value) -> Result<()> {
        let id = encode::uuid_in(id);
        let encoded = encode::algo(plugin, payload);
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_algo_save(self.algos, &id, &encoded.raw, error) })
    }

    pub(crate) fn delete_algo(&self, id: &Uuid) -> Result<()> {
        let id = encode::uuid_in(id);
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_algo_delete(self.algos, &id, error) })
    }

    pub(crate) fn load_algos(&self) -> Result<(Algos, BrokenAlgos)> {
        let list = Owned::load(sys::tj_algo_list_free, |out, error| {
            // SAFETY: see above.
            unsafe { sys::tj_algo_load_all(self.algos, out, error) }
        })?;
        let mut good = Vec::with_capacity(list.count);
        let mut broken = Vec::new();
        for record in items(&*list, |list| (list.records, list.count)) {
            let id = decode::uuid(&record.id);
            let payload = text(&record.state.payload);
            match payload.and_then(decode::json) {
                Ok(payload) => good.push((id, decode::owned(&record.state.plugin)?, payload)),
                Err(error) => {
                    let raw = bytes(&record.state.payload).to_vec();
                    broken.push((id, raw, error.to_string()));
                }
            }
        }
        for record in items(&*list, |list| (list.quarantined, list.quarantined_count)) {
            let raw = bytes(&record.raw).to_vec();
            broken.push((decode::uuid(&record.id), raw, decode::owned(&record.reason)?));
        }
        Ok((good, broken))
    }
}

impl Txn {
    pub(crate) fn put_algo(&mut self, id: &Uuid, plugin: &str, payload: &Value) -> Result<()> {
        let id = encode::uuid_in(id);
        let state = encode::algo(plugin, payload);
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_txn_put_algo(self.raw, &id, &state.raw, error) })
    }
}
