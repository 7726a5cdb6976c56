// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exact decimals for money.

use std::cmp::Ordering;
use std::ffi::CStr;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use tesser_journal_sys as sys;

use crate::error::{Error, Result, call};
use crate::raw::view;

/// A sign, up to 34 digits and a scale of 0 to 56, which is part of the value: "1.50" stays "1.50",
/// though it equals "1.5". No operation rounds.
#[derive(Clone, Copy)]
pub struct Decimal(pub(crate) sys::tj_decimal);

impl Decimal {
    /// Zero, without digits behind the point.
    pub const ZERO: Self = Self(sys::tj_decimal { bits: [0, 0] });

    /// The sum.
    ///
    /// # Errors
    /// [`Status::Inexact`](crate::Status::Inexact) when it needs more digits than a decimal holds;
    /// so for all that follow.
    pub fn checked_add(self, other: Self) -> Result<Self> {
        self.with(other, sys::tj_decimal_add)
    }

    /// The difference.
    ///
    /// # Errors
    /// See [`Decimal::checked_add`].
    pub fn checked_sub(self, other: Self) -> Result<Self> {
        self.with(other, sys::tj_decimal_sub)
    }

    /// The product.
    ///
    /// # Errors
    /// See [`Decimal::checked_add`].
    pub fn checked_mul(self, other: Self) -> Result<Self> {
        self.with(other, sys::tj_decimal_mul)
    }

    fn with(
        self,
        other: Self,
        function: unsafe extern "C" fn(
            sys::tj_decimal,
            sys::tj_decimal,
            *mut sys::tj_decimal,
            *mut sys::tj_error,
        ) -> sys::tj_status,
    ) -> Result<Self> {
        let mut out = Self::ZERO;
        // SAFETY: all pointers are valid for the call.
        call(|error| unsafe { function(self.0, other.0, &mut out.0, error) })?;
        Ok(out)
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        // SAFETY: any value is allowed.
        Self(unsafe { sys::tj_decimal_int(value) })
    }
}

impl FromStr for Decimal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut out = Self::ZERO;
        // SAFETY: all pointers are valid for the call.
        call(|error| unsafe { sys::tj_decimal_parse(view(text), &mut out.0, error) })?;
        Ok(out)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; sys::TJ_DECIMAL_TEXT_SIZE];
        // SAFETY: the buffer has the size that the header asks for, and is ended with a NUL.
        let text = unsafe {
            sys::tj_decimal_format(self.0, buffer.as_mut_ptr());
            CStr::from_ptr(buffer.as_ptr())
        };
        f.pad(&text.to_string_lossy())
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        // SAFETY: any values are allowed.
        unsafe { sys::tj_decimal_compare(self.0, other.0) }.cmp(&0)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Decimal {}

/// What is equal has the same hash: the text without the zeros at its end.
impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let text = self.to_string();
        let plain = match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.'),
            false => &text,
        };
        let unsigned = plain.trim_start_matches('-');
        if unsigned == "0" { unsigned.hash(state) } else { plain.hash(state) }
    }
}
