// SPDX-License-Identifier: MIT OR Apache-2.0
//! The member of [`LiveState`] that only tesser-portfolio 0.9.3 and later has: its execution
//! checkpoint. Cargo does not tell a crate which version of another one it was given, so this
//! member is reached by its name, through serde; the members before it are stepped over.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::ser::{self, Impossible, SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tesser_portfolio::LiveState;

use crate::error::{JournalError, Result};

const KNOWN: [&str; 5] =
    ["portfolio", "open_orders", "last_prices", "last_candle_ts", "strategy_state"];

/// How far the runtime has processed executions, as 0.9.3 has it.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checkpoint {
    pub(crate) last_timestamp: Option<DateTime<Utc>>,
    pub(crate) exec_ids: Vec<String>,
}

/// The checkpoint of a state; none when its version has no such member.
pub(crate) fn checkpoint(state: &LiveState) -> Result<Option<Checkpoint>> {
    let later = state.serialize(Later(None)).map_err(|error| JournalError::invalid(error.0))?;
    later
        .map(serde_json::from_value)
        .transpose()
        .map_err(|error| JournalError::invalid(format!("{error}: execution_checkpoint")))
}

/// A default state with this checkpoint; versions without that member leave it out.
pub(crate) fn state_with(checkpoint: &Checkpoint) -> Result<LiveState> {
    serde_json::from_value(json!({
        "portfolio": null,
        "open_orders": [],
        "last_prices": {},
        "last_candle_ts": null,
        "strategy_state": null,
        "execution_checkpoint": checkpoint,
    }))
    .map_err(|error| JournalError::invalid(format!("{error}: execution_checkpoint")))
}

/// Serializes a struct into the value of its member `execution_checkpoint`, looking at no member
/// that is [`KNOWN`], and refuses any other: it would be lost.
struct Later(Option<Value>);

#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl ser::Error for Refusal {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Refused<T> = std::result::Result<T, Refusal>;

impl SerializeStruct for Later {
    type Ok = Option<Value>;
    type Error = Refusal;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Refused<()> {
        if name == "execution_checkpoint" {
            self.0 = Some(serde_json::to_value(value).map_err(ser::Error::custom)?);
        } else if !KNOWN.contains(&name) {
            return Err(Refusal(format!(
                "this version of tesser-journal does not know the member {name} of LiveState, and \
                 would lose it; take a newer version"
            )));
        }
        Ok(())
    }

    fn end(self) -> Refused<Option<Value>> {
        Ok(self.0)
    }
}

/// Everything but a struct is refused: LiveState is one.
macro_rules! refuse {
    ($($name:ident($($type:ty),*) -> $result:ty;)*) => {$(
        fn $name(self, $(_: $type),*) -> Refused<$result> {
            Err(ser::Error::custom("LiveState is not a struct"))
        }
    )*};
}

type No = Impossible<Option<Value>, Refusal>;

impl Serializer for Later {
    type Ok = Option<Value>;
    type Error = Refusal;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = No;
    type SerializeStruct = Self;
    type SerializeStructVariant = No;

    fn serialize_struct(self, _: &'static str, _: usize) -> Refused<Self> {
        Ok(self)
    }

    refuse! {
        serialize_bool(bool) -> Self::Ok;
        serialize_i8(i8) -> Self::Ok;
        serialize_i16(i16) -> Self::Ok;
        serialize_i32(i32) -> Self::Ok;
        serialize_i64(i64) -> Self::Ok;
        serialize_u8(u8) -> Self::Ok;
        serialize_u16(u16) -> Self::Ok;
        serialize_u32(u32) -> Self::Ok;
        serialize_u64(u64) -> Self::Ok;
        serialize_f32(f32) -> Self::Ok;
        serialize_f64(f64) -> Self::Ok;
        serialize_char(char) -> Self::Ok;
        serialize_str(&str) -> Self::Ok;
        serialize_bytes(&[u8]) -> Self::Ok;
        serialize_none() -> Self::Ok;
        serialize_unit() -> Self::Ok;
        serialize_unit_struct(&'static str) -> Self::Ok;
        serialize_unit_variant(&'static str, u32, &'static str) -> Self::Ok;
        serialize_seq(Option<usize>) -> No;
        serialize_tuple(usize) -> No;
        serialize_tuple_struct(&'static str, usize) -> No;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> No;
        serialize_map(Option<usize>) -> No;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> No;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Refused<Self::Ok> {
        Err(ser::Error::custom("LiveState is not a struct"))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Refused<Self::Ok> {
        Err(ser::Error::custom("LiveState is not a struct"))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Refused<Self::Ok> {
        Err(ser::Error::custom("LiveState is not a struct"))
    }
}
