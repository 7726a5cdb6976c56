/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Decimal arithmetic.
 *
 * Sums, products and comparisons are the decimal128 library's, accepted only when it says that
 * they are exact and when they have the scale that was promised. Quotients and rescaling are long
 * division on the coefficients: all digits that are wanted, and what lies behind them known
 * exactly, so that the one rounding at the end sees the exact quotient.
 */
#include "base/decimal.h"

#include <bid_conf.h>

#include <bid_functions.h>

#include "base/error.h"

/* What lies behind the last digit kept, in units of that digit. */
typedef enum fraction {
    FRACTION_NONE,
    FRACTION_BELOW_HALF,
    FRACTION_HALF,
    FRACTION_ABOVE
} fraction;

/* A result before it is rounded: (units + rest) / 10^scale with a sign. */
typedef struct unrounded {
    tj__u128 units;
    fraction rest;
    bool negative;
} unrounded;

static tj_status unpack_both(tj_decimal a, tj_decimal b, tj__decimal_parts *left,
                             tj__decimal_parts *right, tj_error *error)
{
    if (!tj__decimal_unpack(a, left)) {
        return tj__decimal_check(a, error);
    }
    return tj__decimal_unpack(b, right) ? TJ_OK : tj__decimal_check(b, error);
}

static BID_UINT128 bid_of(tj__decimal_parts parts)
{
    tj_decimal packed = tj__decimal_pack(parts);
    return (BID_UINT128){{packed.bits[0], packed.bits[1]}};
}

/* Accepts the library's result if it is exact and has the scale. */
static bool exact(BID_UINT128 result, _IDEC_flags flags, unsigned scale, tj_decimal *out)
{
    tj_decimal value = {{result.w[0], result.w[1]}};
    tj__decimal_parts parts;
    if ((flags & BID_INEXACT_EXCEPTION) != 0 || !tj__decimal_unpack(value, &parts) ||
        parts.scale != scale) {
        return false;
    }
    *out = value;
    return true;
}

static tj_status fail_inexact(tj_decimal a, char operation, tj_decimal b, unsigned scale,
                              tj_error *error)
{
    char left[TJ_DECIMAL_TEXT_SIZE];
    char right[TJ_DECIMAL_TEXT_SIZE];
    tj_decimal_format(a, left);
    tj_decimal_format(b, right);
    return tj__fail(error, TJ_INEXACT,
                    "%s %c %s at scale %u needs more than %d digits or a scale above %d: rescale "
                    "an operand first",
                    left, operation, right, scale, TJ_DECIMAL_DIGITS_MAX, TJ_DECIMAL_SCALE_MAX);
}

/* Numbers that are not 0 and have one scale, which most have, are added as integers: the library
 * gives the same, and takes several times as long. False: it is to be asked. */
static bool add_alike(tj__decimal_parts a, tj__decimal_parts b, tj_decimal *out)
{
    tj__decimal_parts sum = a;
    if (a.scale != b.scale || a.coefficient == 0 || b.coefficient == 0) {
        return false;
    }
    if (a.negative == b.negative) {
        sum.coefficient = a.coefficient + b.coefficient;
    } else {
        bool larger = a.coefficient > b.coefficient;
        sum.negative = larger ? a.negative : b.negative;
        sum.coefficient = larger ? a.coefficient - b.coefficient : b.coefficient - a.coefficient;
    }
    if (sum.coefficient == 0 || sum.coefficient > TJ__COEFFICIENT_MAX) {
        return false;
    }
    *out = tj__decimal_pack(sum);
    return true;
}

static tj_status add_or_sub(tj_decimal a, char operation, tj_decimal b, tj_decimal *out,
                            tj_error *error)
{
    tj__decimal_parts left;
    tj__decimal_parts right;
    TJ_TRY(unpack_both(a, b, &left, &right, error));
    unsigned scale = left.scale > right.scale ? left.scale : right.scale;
    right.negative = right.negative != (operation == '-');
    if (add_alike(left, right, out)) {
        return TJ_OK;
    }
    _IDEC_flags flags = 0;
    BID_UINT128 result = bid128_add(bid_of(left), bid_of(right), BID_ROUNDING_TO_NEAREST, &flags);
    return exact(result, flags, scale, out) ? TJ_OK : fail_inexact(a, operation, b, scale, error);
}

tj_status tj_decimal_add(tj_decimal a, tj_decimal b, tj_decimal *out, tj_error *error)
{
    return add_or_sub(a, '+', b, out, error);
}

tj_status tj_decimal_sub(tj_decimal a, tj_decimal b, tj_decimal *out, tj_error *error)
{
    return add_or_sub(a, '-', b, out, error);
}

tj_status tj_decimal_mul(tj_decimal a, tj_decimal b, tj_decimal *out, tj_error *error)
{
    tj__decimal_parts left;
    tj__decimal_parts right;
    TJ_TRY(unpack_both(a, b, &left, &right, error));
    unsigned scale = left.scale + right.scale;
    _IDEC_flags flags = 0;
    BID_UINT128 result = bid128_mul(bid_of(left), bid_of(right), BID_ROUNDING_TO_NEAREST, &flags);
    return exact(result, flags, scale, out) ? TJ_OK : fail_inexact(a, '*', b, scale, error);
}

int tj_decimal_compare(tj_decimal a, tj_decimal b)
{
    tj__decimal_parts left;
    tj__decimal_parts right;
    tj__decimal_unpack(a, &left);
    tj__decimal_unpack(b, &right);
    if (left.scale == right.scale && left.negative == right.negative) {
        int order = (left.coefficient > right.coefficient) - (left.coefficient < right.coefficient);
        return left.negative ? -order : order;
    }
    BID_UINT128 x = bid_of(left);
    BID_UINT128 y = bid_of(right);
    _IDEC_flags flags = 0;
    return bid128_quiet_greater(x, y, &flags) - bid128_quiet_less(x, y, &flags);
}

/* The fraction digit.rest, read as tenths. */
static fraction tenths(unsigned digit, fraction rest)
{
    if (digit == 0 && rest == FRACTION_NONE) {
        return FRACTION_NONE;
    }
    if (digit < 5) {
        return FRACTION_BELOW_HALF;
    }
    return digit == 5 && rest == FRACTION_NONE ? FRACTION_HALF : FRACTION_ABOVE;
}

/* Divides by 10^count. */
static void drop_digits(unrounded *value, unsigned count)
{
    for (; count > 0; count--) {
        value->rest = tenths((unsigned)(value->units % 10), value->rest);
        value->units /= 10;
    }
}

/* a * 10^count / b by long division; false when there are too many digits. The remainder is below
 * b, hence ten times it is below 10^35, and so are the units with one more digit: both fit. */
static bool divide(tj__u128 a, tj__u128 b, unsigned count, unrounded *out)
{
    while (count > 0 && a <= UINT64_MAX) { /* as many digits at once as there is room for */
        a *= 10;
        count--;
    }
    tj__u128 units = a / b;
    tj__u128 remainder = a - units * b;
    for (; count > 0; count--) {
        remainder *= 10;
        units = units * 10 + remainder / b;
        remainder %= b;
        if (units > TJ__COEFFICIENT_MAX) {
            return false;
        }
    }
    out->units = units;
    if (remainder == 0) {
        out->rest = FRACTION_NONE;
    } else if (remainder * 2 == b) {
        out->rest = FRACTION_HALF;
    } else {
        out->rest = remainder * 2 < b ? FRACTION_BELOW_HALF : FRACTION_ABOVE;
    }
    return true;
}

static bool rounds_away(const unrounded *value, tj_rounding rounding)
{
    switch (rounding) {
    case TJ_ROUND_EXACT:
    case TJ_ROUND_DOWN:
        return false;
    case TJ_ROUND_HALF_EVEN:
        return value->rest == FRACTION_ABOVE ||
               (value->rest == FRACTION_HALF && value->units % 2 == 1);
    case TJ_ROUND_HALF_UP:
        return value->rest >= FRACTION_HALF;
    case TJ_ROUND_UP:
        return value->rest != FRACTION_NONE;
    case TJ_ROUND_FLOOR:
        return value->rest != FRACTION_NONE && value->negative;
    case TJ_ROUND_CEILING:
        return value->rest != FRACTION_NONE && !value->negative;
    }
    return false;
}

static tj_status check_target(unsigned scale, tj_rounding rounding, tj_error *error)
{
    if ((unsigned)rounding > TJ_ROUND_CEILING) {
        return tj__fail(error, TJ_MISUSE, "%d is no rounding mode", (int)rounding);
    }
    if (scale > TJ_DECIMAL_SCALE_MAX) {
        return tj__fail(error, TJ_LIMIT, "the scale %u is larger than %d", scale,
                        TJ_DECIMAL_SCALE_MAX);
    }
    return TJ_OK;
}

static tj_status fail_too_long(unsigned scale, tj_error *error)
{
    return tj__fail(error, TJ_LIMIT, "the result has more than %d digits at scale %u",
                    TJ_DECIMAL_DIGITS_MAX, scale);
}

static tj_status finish(unrounded value, unsigned scale, tj_rounding rounding, tj_decimal *out,
                        tj_error *error)
{
    if (rounding == TJ_ROUND_EXACT && value.rest != FRACTION_NONE) {
        return tj__fail(error, TJ_INEXACT,
                        "the result has more than %u digits after the point: give a larger scale "
                        "or a rounding mode",
                        scale);
    }
    value.units += rounds_away(&value, rounding) ? 1 : 0;
    /* Rounding never carries into a 35th digit: no quotient of two coefficients, times whatever
     * power of ten, lies between 10^34 - 1 and 10^34. */
    TJ_ASSERT(value.units <= TJ__COEFFICIENT_MAX);
    *out = tj__decimal_pack((tj__decimal_parts){value.units, scale, value.negative});
    return TJ_OK;
}

tj_status tj_decimal_div(tj_decimal a, tj_decimal b, unsigned scale, tj_rounding rounding,
                         tj_decimal *out, tj_error *error)
{
    tj__decimal_parts left;
    tj__decimal_parts right;
    TJ_TRY(check_target(scale, rounding, error));
    TJ_TRY(unpack_both(a, b, &left, &right, error));
    if (right.coefficient == 0) {
        char text[TJ_DECIMAL_TEXT_SIZE];
        tj_decimal_format(a, text);
        return tj__fail(error, TJ_INVALID, "%s is divided by zero", text);
    }
    /* In units of the wanted scale the quotient is left / right * 10^(right.scale + scale -
     * left.scale), whichever sign that power has. */
    unsigned up = right.scale + scale;
    unrounded result = {0, FRACTION_NONE, left.negative != right.negative};
    if (!divide(left.coefficient, right.coefficient, up > left.scale ? up - left.scale : 0,
                &result)) {
        return fail_too_long(scale, error);
    }
    drop_digits(&result, left.scale > up ? left.scale - up : 0);
    return finish(result, scale, rounding, out, error);
}

tj_status tj_decimal_rescale(tj_decimal value, unsigned scale, tj_rounding rounding,
                             tj_decimal *out, tj_error *error)
{
    return tj_decimal_div(value, tj_decimal_int(1), scale, rounding, out, error);
}
