/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Inside a decimal: its parts, and its 16 bytes in a row. */
#ifndef TJ_BASE_DECIMAL_H
#define TJ_BASE_DECIMAL_H

#include <tesser/decimal.h>

__extension__ typedef unsigned __int128 tj__u128;

#define TJ__TEN_17 ((tj__u128)100000000000000000)
/* Largest coefficient: TJ_DECIMAL_DIGITS_MAX nines. */
#define TJ__COEFFICIENT_MAX (TJ__TEN_17 * TJ__TEN_17 - 1)

/* Where the exponent is in the high word. */
#define TJ__EXPONENT_BIAS UINT64_C(6176)
#define TJ__EXPONENT_SHIFT 49
#define TJ__EXPONENT_MASK UINT64_C(0x3fff)

/* (negative ? -1 : 1) * coefficient / 10^scale */
typedef struct tj__decimal_parts {
    tj__u128 coefficient; /* 0 to TJ__COEFFICIENT_MAX */
    unsigned scale;       /* 0 to TJ_DECIMAL_SCALE_MAX */
    bool negative;
} tj__decimal_parts;

tj_decimal tj__decimal_pack(tj__decimal_parts parts);
/* Whether the bits are those of a row: a finite decimal within the limits, and not the sixteen zero
 * bytes that a struct never set holds, whose exponent is out of range. */
static inline bool tj__decimal_is_canonical(tj_decimal value)
{
    uint64_t high = value.bits[1];
    uint64_t scale = TJ__EXPONENT_BIAS - (high >> TJ__EXPONENT_SHIFT & TJ__EXPONENT_MASK);
    tj__u128 upper = high & (((uint64_t)1 << TJ__EXPONENT_SHIFT) - 1);
    return scale <= TJ_DECIMAL_SCALE_MAX && (upper << 64 | value.bits[0]) <= TJ__COEFFICIENT_MAX;
}
/* False, with the parts of 0, when the bits are no finite decimal within the limits: only a
 * struct that was not made by this library can hold such. */
bool tj__decimal_unpack(tj_decimal value, tj__decimal_parts *parts);

/* TJ_INVALID for a struct that tj__decimal_unpack refuses. */
tj_status tj__decimal_check(tj_decimal value, tj_error *error);

/* As tj_decimal_parse, and takes an exponent, as programs write small and large numbers
 * (1.234e-05), when a decimal holds the number exactly; else TJ_INVALID. The scale is the one that
 * the digits show. */
tj_status tj__decimal_parse_scientific(tj_str text, tj_decimal *out, tj_error *error);

/* The bytes of a row: the canonical bits, little-endian, low word first. A value that
 * tj__decimal_check refuses is an impossible state here. */
void tj__decimal_store(uint8_t out[16], tj_decimal value);
/* False for bytes that tj__decimal_store never writes: NaN, infinities, a coefficient or an
 * exponent out of range, and sixteen zeros. */
bool tj__decimal_load(const uint8_t in[16], tj_decimal *out);

#endif
