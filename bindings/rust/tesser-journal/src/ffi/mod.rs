// SPDX-License-Identifier: MIT OR Apache-2.0
//! The only module with unsafe code: calls into the library.
//!
//! Its invariant: a `tj_` value with pointers is either built by [`encode`], which keeps alive what
//! it points at, or was returned by the library and is held by an [`Owned`]. The fields with such
//! values are private to this module, so nothing outside can break it.

#[cfg(feature = "execution")]
mod algos;
mod decode;
mod encode;
mod store;
mod txn;

use std::ffi::{CStr, c_uint};
use std::ops::Deref;
use std::ptr::{self, NonNull};

use rust_decimal::Decimal;
use tesser_journal_sys as sys;

use crate::error::{ErrorKind, JournalError, Result};

pub(crate) use store::{OpenOptions, Store};
pub(crate) use txn::Txn;

fn kind_of(status: sys::tj_status) -> ErrorKind {
    match status {
        sys::TJ_NOMEM => ErrorKind::NoMemory,
        sys::TJ_NOT_FOUND => ErrorKind::NotFound,
        sys::TJ_EXISTS => ErrorKind::Exists,
        sys::TJ_BUSY => ErrorKind::Busy,
        sys::TJ_FULL => ErrorKind::Full,
        sys::TJ_READONLY => ErrorKind::ReadOnly,
        sys::TJ_IO => ErrorKind::Io,
        sys::TJ_CORRUPT => ErrorKind::Corrupt,
        sys::TJ_FORMAT_NEWER => ErrorKind::FormatNewer,
        sys::TJ_LIMIT => ErrorKind::Limit,
        sys::TJ_CONFLICT => ErrorKind::Conflict,
        sys::TJ_CLOSED => ErrorKind::Closed,
        sys::TJ_UNAVAILABLE => ErrorKind::Unavailable,
        sys::TJ_UNSUPPORTED => ErrorKind::Unsupported,
        sys::TJ_INVALID => ErrorKind::Invalid,
        sys::TJ_INEXACT => ErrorKind::Inexact,
        sys::TJ_UNKNOWN => ErrorKind::Unknown,
        _ => ErrorKind::Misuse,
    }
}

/// Makes one call of the library, which is handed a place for its error.
fn call(function: impl FnOnce(*mut sys::tj_error) -> sys::tj_status) -> Result<()> {
    let mut error = sys::tj_error::default();
    let status = function(&mut error);
    if status == sys::TJ_OK {
        return Ok(());
    }
    // SAFETY: the library ends the message with a NUL, and a fresh error holds only NULs.
    let message = unsafe { CStr::from_ptr(error.message.as_ptr()) };
    Err(JournalError::new(kind_of(status), message.to_string_lossy()))
}

/// A value that the library allocated, released when dropped.
struct Owned<T> {
    value: NonNull<T>,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// Makes a call that returns a value through a pointer.
    fn load(
        free: unsafe extern "C" fn(*mut T),
        function: impl FnOnce(*mut *mut T, *mut sys::tj_error) -> sys::tj_status,
    ) -> Result<Self> {
        let mut value = ptr::null_mut();
        call(|error| function(&mut value, error))?;
        let value = NonNull::new(value)
            .ok_or_else(|| JournalError::new(ErrorKind::Misuse, "the library returned no value"))?;
        Ok(Self { value, free })
    }
}

impl<T> Deref for Owned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the library returned it, and nothing else refers to it until it is dropped.
        unsafe { self.value.as_ref() }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `free` is the function that the header names for this value, called once.
        unsafe { (self.free)(self.value.as_ptr()) }
    }
}

/// A view of text that lives as long as the value it is put into is used.
fn view(text: &str) -> sys::tj_str {
    sys::tj_str { data: text.as_ptr().cast(), size: text.len() }
}

/// The bytes of a view inside memory that the library returned; none when it is absent.
fn bytes(view: &sys::tj_str) -> &[u8] {
    if view.data.is_null() {
        return &[];
    }
    // SAFETY: this module's invariant; the memory lives as long as the view that lies in it.
    unsafe { std::slice::from_raw_parts(view.data.cast(), view.size) }
}

/// The text of such a view.
fn text(view: &sys::tj_str) -> Result<&str> {
    std::str::from_utf8(bytes(view))
        .map_err(|_| JournalError::new(ErrorKind::Corrupt, "a stored text is not UTF-8"))
}

/// An array of a struct `owner` inside memory that the library returned.
fn items<T, O>(owner: &O, member: impl FnOnce(&O) -> (*mut T, usize)) -> &[T] {
    let (first, count) = member(owner);
    if count == 0 {
        return &[];
    }
    // SAFETY: this module's invariant; array and owner lie in the same memory.
    unsafe { std::slice::from_raw_parts(first, count) }
}

/// How decimal128 stores an exponent: its bits begin here, and this much is added to it.
const EXPONENT_SHIFT: u32 = 49;
const EXPONENT_BIAS: u32 = 6176;

/// A decimal as the header lays it out (decimal128 in binary integer encoding), without a call: a
/// large state has many, and all of Tesser's fit.
fn decimal_in(value: Decimal) -> sys::tj_decimal {
    let parts = value.unpack();
    let sign = u64::from(parts.negative) << 63;
    let exponent = u64::from(EXPONENT_BIAS - parts.scale) << EXPONENT_SHIFT;
    let low = u64::from(parts.mid) << 32 | u64::from(parts.lo);
    sys::tj_decimal { bits: [low, sign | exponent | u64::from(parts.hi)] }
}

fn decimal_out(value: sys::tj_decimal) -> Result<Decimal> {
    let (mut negative, mut high, mut low, mut scale) = (false, 0, 0, 0 as c_uint);
    // SAFETY: all pointers are valid for the call.
    unsafe { sys::tj_decimal_to_parts(value, &mut negative, &mut high, &mut low, &mut scale) };
    let coefficient = u128::from(high) << 64 | u128::from(low);
    if coefficient >> 96 != 0 || scale > Decimal::MAX_SCALE {
        return Err(JournalError::invalid(format!(
            "a stored decimal, {coefficient} with {scale} digits after the point, needs more digits \
             than Tesser's decimals hold"
        )));
    }
    // The coefficient has at most 96 bits, which an i128 holds.
    let mut out = Decimal::from_i128_with_scale(coefficient as i128, scale);
    out.set_sign_negative(negative);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the library makes of the same parts.
    fn by_the_library(value: Decimal) -> sys::tj_decimal {
        let parts = value.unpack();
        let low = u64::from(parts.mid) << 32 | u64::from(parts.lo);
        let mut out = sys::tj_decimal::default();
        // SAFETY: both pointers are valid for the call.
        let made = call(|error| unsafe {
            let high = u64::from(parts.hi);
            sys::tj_decimal_from_parts(parts.negative, high, low, parts.scale, &mut out, error)
        });
        made.unwrap();
        out
    }

    #[test]
    fn decimals_are_laid_out_as_the_library_does() {
        for coefficient in [0, 1, 10, u32::MAX as i128, u64::MAX as i128, (1 << 96) - 1] {
            for scale in 0..=Decimal::MAX_SCALE {
                for negative in [false, true] {
                    let mut value = Decimal::from_i128_with_scale(coefficient, scale);
                    value.set_sign_negative(negative);
                    assert_eq!(decimal_in(value).bits, by_the_library(value).bits, "{value}");
                    let back = decimal_out(decimal_in(value)).unwrap();
                    assert_eq!(back.unpack(), value.unpack());
                }
            }
        }
    }
}
