/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file decimal.h
 * Exact decimals for money: IEEE 754-2008 decimal128, finite values only.
 *
 * A decimal is a sign, up to 34 digits and a scale (digits after the point) of 0 to
 * TJ_DECIMAL_SCALE_MAX. The scale is part of the value: "1.50" stays "1.50". No operation rounds
 * unless the caller gives a scale and a rounding mode (promise P11).
 */
#ifndef TESSER_DECIMAL_H
#define TESSER_DECIMAL_H

#include <tesser/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Digits a decimal holds. Tesser's own decimals have at most 29 (a 96-bit mantissa). */
#define TJ_DECIMAL_DIGITS_MAX 34
/** Largest scale: the product of two decimals of Tesser's largest scale, 28. */
#define TJ_DECIMAL_SCALE_MAX 56
/** Bytes that hold any decimal as text: sign, "0.", TJ_DECIMAL_SCALE_MAX digits and NUL fit. */
#define TJ_DECIMAL_TEXT_SIZE 64

/**
 * A decimal number. Copy it freely; compare with tj_decimal_compare, never bit by bit.
 * All bits zero is the number 0 (scale 0), so a zeroed struct is ready to use. Bits that are no
 * finite decimal within the limits (memory that was never set) are TJ_INVALID wherever a status is
 * returned, an empty text for tj_decimal_format, and else taken for 0.
 */
typedef struct tj_decimal {
    uint64_t bits[2]; /**< decimal128 in binary integer encoding, low word first */
} tj_decimal;

/** How to round when a scale is asked for that the exact result does not fit. */
typedef enum tj_rounding {
    TJ_ROUND_EXACT = 0,     /**< do not round: TJ_INEXACT instead */
    TJ_ROUND_HALF_EVEN = 1, /**< to nearest, ties to the even digit (bankers' rounding) */
    TJ_ROUND_HALF_UP = 2,   /**< to nearest, ties away from zero */
    TJ_ROUND_DOWN = 3,      /**< toward zero */
    TJ_ROUND_UP = 4,        /**< away from zero */
    TJ_ROUND_FLOOR = 5,     /**< toward minus infinity */
    TJ_ROUND_CEILING = 6    /**< toward plus infinity */
} tj_rounding;

/**
 * Reads plain decimal text: optional sign, digits, optionally a point and more digits.
 *
 * No exponent, no spaces, at least one digit on either side of the point.
 * @param text  borrowed
 * @param out   receives the number with the scale as written; unchanged on failure
 * @param error may be NULL
 * @return TJ_OK; TJ_INVALID if the text is not a plain decimal; TJ_LIMIT if it has more than
 *         TJ_DECIMAL_DIGITS_MAX significant digits or a larger scale than TJ_DECIMAL_SCALE_MAX
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_decimal_parse(tj_str text, tj_decimal *out, tj_error *error);

/**
 * Writes a decimal as plain text with all its digits: tj_decimal_parse gives it back unchanged.
 *
 * @param value  the number
 * @param buffer receives the NUL-terminated text; TJ_DECIMAL_TEXT_SIZE bytes
 * @return length of the text; 0 for a struct that holds no decimal
 * Threads: any.
 */
TJ_API size_t tj_decimal_format(tj_decimal value, char buffer[TJ_DECIMAL_TEXT_SIZE]);

/** An integer as a decimal of scale 0. Threads: any. */
TJ_API tj_decimal tj_decimal_int(int64_t value);

/**
 * Builds a decimal from a sign, a 128-bit coefficient and a scale (for bindings: Rust's
 * `Decimal` is a 96-bit mantissa and a scale of 0 to 28).
 *
 * @param negative whether the value is below zero (a negative zero keeps its sign)
 * @param high     upper half of the coefficient, which is high * 2^64 + low
 * @param low      its lower half
 * @param scale    digits after the point, 0 to TJ_DECIMAL_SCALE_MAX
 * @param out      unchanged on failure
 * @return TJ_OK; TJ_LIMIT if coefficient or scale is out of range
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_decimal_from_parts(bool negative, uint64_t high, uint64_t low,
                                                  unsigned scale, tj_decimal *out, tj_error *error);

/** The inverse of tj_decimal_from_parts; any of the pointers may be NULL. Threads: any. */
TJ_API void tj_decimal_to_parts(tj_decimal value, bool *negative, uint64_t *high, uint64_t *low,
                                unsigned *scale);

/**
 * Exact sum. The scale is the larger of the two.
 *
 * @param out may be one of the operands' own storage; unchanged on failure
 * @return TJ_OK; TJ_INEXACT if the exact result needs more digits than fit
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_decimal_add(tj_decimal a, tj_decimal b, tj_decimal *out,
                                           tj_error *error);
/** Exact difference a - b; as tj_decimal_add. Threads: any. */
TJ_API TJ_CHECKED tj_status tj_decimal_sub(tj_decimal a, tj_decimal b, tj_decimal *out,
                                           tj_error *error);
/** Exact product; the scales add up; as tj_decimal_add. Threads: any. */
TJ_API TJ_CHECKED tj_status tj_decimal_mul(tj_decimal a, tj_decimal b, tj_decimal *out,
                                           tj_error *error);
/**
 * Quotient a / b at a given scale.
 *
 * The result is correctly rounded once, from the exact quotient.
 * @param scale    digits after the point of the result, 0 to TJ_DECIMAL_SCALE_MAX
 * @param rounding TJ_ROUND_EXACT fails when the quotient does not end within the scale
 * @return TJ_OK; TJ_INVALID if b is zero; TJ_INEXACT as said; TJ_LIMIT if it does not fit
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_decimal_div(tj_decimal a, tj_decimal b, unsigned scale,
                                           tj_rounding rounding, tj_decimal *out, tj_error *error);
/**
 * The same number at another scale.
 *
 * @return TJ_OK; TJ_INEXACT with TJ_ROUND_EXACT when digits would be lost; TJ_LIMIT if it does
 *         not fit
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_decimal_rescale(tj_decimal value, unsigned scale,
                                               tj_rounding rounding, tj_decimal *out,
                                               tj_error *error);

/** The number with its sign turned; keeps the scale. Threads: any. */
TJ_API tj_decimal tj_decimal_negate(tj_decimal value);

/** Numeric order: negative, zero or positive as a is below, equal to or above b; 1.5 equals 1.50.
 * Threads: any. */
TJ_API int tj_decimal_compare(tj_decimal a, tj_decimal b);

/** Whether two decimals are the same number with the same scale and sign. Threads: any. */
TJ_API bool tj_decimal_identical(tj_decimal a, tj_decimal b);

/** -1, 0 or 1. Threads: any. */
TJ_API int tj_decimal_sign(tj_decimal value);

#ifdef __cplusplus
}
#endif
#endif
