// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exact decimals for money: IEEE 754-2008 decimal128, finite values only.
//!
//! A decimal is a sign, up to 34 digits and a scale (digits after the point) of 0 to
//! `TJ_DECIMAL_SCALE_MAX`. The scale is part of the value: "1.50" stays "1.50". No operation
//! rounds unless the caller gives a scale and a rounding mode (promise P11).

use std::ffi::{c_char, c_int, c_uint};

use crate::*;

/// Digits a decimal holds. Tesser's own decimals have at most 29 (a 96-bit mantissa).
pub const TJ_DECIMAL_DIGITS_MAX: c_uint = 34;

/// Largest scale: the product of two decimals of Tesser's largest scale, 28.
pub const TJ_DECIMAL_SCALE_MAX: c_uint = 56;

/// Bytes that hold any decimal as text: sign, "0.", `TJ_DECIMAL_SCALE_MAX` digits and NUL fit.
pub const TJ_DECIMAL_TEXT_SIZE: usize = 64;

/// A decimal number. Copy it freely; compare with `tj_decimal_compare`, never bit by bit. All
/// bits zero is the number 0 (scale 0), so a zeroed struct is ready to use. Bits that are no
/// finite decimal within the limits (memory that was never set) are `TJ_INVALID` wherever a
/// status is returned, an empty text for `tj_decimal_format`, and else taken for 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_decimal {
    /// Decimal128 in binary integer encoding, low word first
    pub bits: [u64; 2],
}

/// How to round when a scale is asked for that the exact result does not fit.
pub type tj_rounding = c_uint;

/// Do not round: `TJ_INEXACT` instead
pub const TJ_ROUND_EXACT: tj_rounding = 0;

/// To nearest, ties to the even digit (bankers' rounding)
pub const TJ_ROUND_HALF_EVEN: tj_rounding = 1;

/// To nearest, ties away from zero
pub const TJ_ROUND_HALF_UP: tj_rounding = 2;

/// Toward zero
pub const TJ_ROUND_DOWN: tj_rounding = 3;

/// Away from zero
pub const TJ_ROUND_UP: tj_rounding = 4;

/// Toward minus infinity
pub const TJ_ROUND_FLOOR: tj_rounding = 5;

/// Toward plus infinity
pub const TJ_ROUND_CEILING: tj_rounding = 6;

unsafe extern "C" {
    /// Reads plain decimal text: optional sign, digits, optionally a point and more digits.
    ///
    /// No exponent, no spaces, at least one digit on either side of the point.
    /// - `text`: borrowed
    /// - `out`: receives the number with the scale as written; unchanged on failure
    /// - `error`: may be NULL
    ///
    /// Returns `TJ_OK`; `TJ_INVALID` if the text is not a plain decimal; `TJ_LIMIT` if it has
    /// more than `TJ_DECIMAL_DIGITS_MAX` significant digits or a larger scale than
    /// `TJ_DECIMAL_SCALE_MAX`
    ///
    /// Threads: any.
    pub fn tj_decimal_parse(text: tj_str, out: *mut tj_decimal, error: *mut tj_error) -> tj_status;

    /// Writes a decimal as plain text with all its digits: `tj_decimal_parse` gives it back
    /// unchanged.
    ///
    /// - `value`: the number
    /// - `buffer`: receives the NUL-terminated text; `TJ_DECIMAL_TEXT_SIZE` bytes
    ///
    /// Returns length of the text; 0 for a struct that holds no decimal
    ///
    /// Threads: any.
    pub fn tj_decimal_format(value: tj_decimal, buffer: *mut c_char) -> usize;

    /// An integer as a decimal of scale 0. Threads: any.
    pub fn tj_decimal_int(value: i64) -> tj_decimal;

    /// Builds a decimal from a sign, a 128-bit coefficient and a scale (for bindings: Rust's
    /// `Decimal` is a 96-bit mantissa and a scale of 0 to 28).
    ///
    /// - `negative`: whether the value is below zero (a negative zero keeps its sign)
    /// - `high`: upper half of the coefficient, which is high * 2^64 + low
    /// - `low`: its lower half
    /// - `scale`: digits after the point, 0 to `TJ_DECIMAL_SCALE_MAX`
    /// - `out`: unchanged on failure
    ///
    /// Returns `TJ_OK`; `TJ_LIMIT` if coefficient or scale is out of range
    ///
    /// Threads: any.
    pub fn tj_decimal_from_parts(
        negative: bool,
        high: u64,
        low: u64,
        scale: c_uint,
        out: *mut tj_decimal,
        error: *mut tj_error,
    ) -> tj_status;

    /// The inverse of `tj_decimal_from_parts`; any of the pointers may be NULL. Threads: any.
    pub fn tj_decimal_to_parts(
        value: tj_decimal,
        negative: *mut bool,
        high: *mut u64,
        low: *mut u64,
        scale: *mut c_uint,
    );

    /// Exact sum. The scale is the larger of the two.
    ///
    /// - `out`: may be one of the operands' own storage; unchanged on failure
    ///
    /// Returns `TJ_OK`; `TJ_INEXACT` if the exact result needs more digits than fit
    ///
    /// Threads: any.
    pub fn tj_decimal_add(
        a: tj_decimal,
        b: tj_decimal,
        out: *mut tj_decimal,
        error: *mut tj_error,
    ) -> tj_status;

    /// Exact difference a - b; as `tj_decimal_add`. Threads: any.
    pub fn tj_decimal_sub(
        a: tj_decimal,
        b: tj_decimal,
        out: *mut tj_decimal,
        error: *mut tj_error,
    ) -> tj_status;

    /// Exact product; the scales add up; as `tj_decimal_add`. Threads: any.
    pub fn tj_decimal_mul(
        a: tj_decimal,
        b: tj_decimal,
        out: *mut tj_decimal,
        error: *mut tj_error,
    ) -> tj_status;

    /// Quotient a / b at a given scale.
    ///
    /// The result is correctly rounded once, from the exact quotient.
    /// - `scale`: digits after the point of the result, 0 to `TJ_DECIMAL_SCALE_MAX`
    /// - `rounding`: `TJ_ROUND_EXACT` fails when the quotient does not end within the scale
    ///
    /// Returns `TJ_OK`; `TJ_INVALID` if b is zero; `TJ_INEXACT` as said; `TJ_LIMIT` if it does
    /// not fit
    ///
    /// Threads: any.
    pub fn tj_decimal_div(
        a: tj_decimal,
        b: tj_decimal,
        scale: c_uint,
        rounding: tj_rounding,
        out: *mut tj_decimal,
        error: *mut tj_error,
    ) -> tj_status;

    /// The same number at another scale.
    ///
    /// Returns `TJ_OK`; `TJ_INEXACT` with `TJ_ROUND_EXACT` when digits would be lost; `TJ_LIMIT`
    /// if it does not fit
    ///
    /// Threads: any.
    pub fn tj_decimal_rescale(
        value: tj_decimal,
        scale: c_uint,
        rounding: tj_rounding,
        out: *mut tj_decimal,
        error: *mut tj_error,
    ) -> tj_status;

    /// The number with its sign turned; keeps the scale. Threads: any.
    pub fn tj_decimal_negate(value: tj_decimal) -> tj_decimal;

    /// Numeric order: negative, zero or positive as a is below, equal to or above b; 1.5 equals
    /// 1.50. Threads: any.
    pub fn tj_decimal_compare(a: tj_decimal, b: tj_decimal) -> c_int;

    /// Whether two decimals are the same number with the same scale and sign. Threads: any.
    pub fn tj_decimal_identical(a: tj_decimal, b: tj_decimal) -> bool;

    /// -1, 0 or 1. Threads: any.
    pub fn tj_decimal_sign(value: tj_decimal) -> c_int;
}
