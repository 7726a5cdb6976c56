// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C interface of [tesser-journal](https://crates.io/crates/tesser-journal): durable memory for
//! a trading runtime.
//!
//! One module for each header in `include/tesser`, with the same names and the same words. Most
//! programs want the crate `tesser-journal`, which is safe and speaks Tesser's own types.
//!
//! Structs start from [`Default`], which is what the `TJ_..._INIT` macros of C give.
#![allow(non_camel_case_types)]

mod algo;
mod base;
mod config;
mod copy;
mod counter;
mod decimal;
mod error;
mod history;
mod identity;
mod init;
mod json;
mod ledger;
mod maintain;
mod metrics;
mod migrate;
mod repository;
mod state;
mod store;
mod submit;
mod time;
mod uuid;
mod verify;
mod version;

pub use algo::*;
pub use base::*;
pub use config::*;
pub use copy::*;
pub use counter::*;
pub use decimal::*;
pub use error::*;
pub use history::*;
pub use identity::*;
pub use json::*;
pub use ledger::*;
pub use maintain::*;
pub use metrics::*;
pub use migrate::*;
pub use repository::*;
pub use state::*;
pub use store::*;
pub use submit::*;
pub use time::*;
pub use uuid::*;
pub use verify::*;
pub use version::*;
