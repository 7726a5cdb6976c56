/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Decimals as bits and as text.
 *
 * decimal128 in binary integer encoding, high word: sign (1 bit), exponent + 6176 (14 bits), the
 * coefficient's upper 49 bits; the low word has its lower 64. An exponent field of 0x3000 and
 * above means a coefficient out of range, an infinity or NaN; none has a scale within the limits,
 * so that one comparison rejects them all.
 */
#include "base/decimal.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

#define SIGN_BIT ((uint64_t)1 << 63)
#define TEN_19 UINT64_C(10000000000000000000)

_Static_assert(sizeof(tj_decimal) == 16, "a decimal is decimal128");

tj_decimal tj__decimal_pack(tj__decimal_parts parts)
{
    uint64_t exponent = (TJ__EXPONENT_BIAS - parts.scale) << TJ__EXPONENT_SHIFT;
    uint64_t sign = parts.negative ? SIGN_BIT : 0;
    return (tj_decimal){
        {(uint64_t)parts.coefficient, sign | exponent | (uint64_t)(parts.coefficient >> 64)}};
}

bool tj__decimal_unpack(tj_decimal value, tj__decimal_parts *parts)
{
    *parts = (tj__decimal_parts){0};
    uint64_t low = value.bits[0];
    uint64_t high = value.bits[1];
    if (!tj__decimal_is_canonical(value)) {
        return low == 0 && high == 0;
    }
    uint64_t upper = high & (((uint64_t)1 << TJ__EXPONENT_SHIFT) - 1);
    parts->coefficient = (tj__u128)upper << 64 | low;
    parts->scale = (unsigned)(TJ__EXPONENT_BIAS - (high >> TJ__EXPONENT_SHIFT & TJ__EXPONENT_MASK));
    parts->negative = (high & SIGN_BIT) != 0;
    return true;
}

tj_status tj__decimal_check(tj_decimal value, tj_error *error)
{
    tj__decimal_parts parts;
    if (tj__decimal_unpack(value, &parts)) {
        return TJ_OK;
    }
    return tj__fail(error, TJ_INVALID,
                    "a tj_decimal holds no decimal (bits 0x%016" PRIx64 "%016" PRIx64
                    "): it was never set",
                    value.bits[1], value.bits[0]);
}

void tj__decimal_store(uint8_t out[16], tj_decimal value)
{
    tj__decimal_parts parts;
    bool is_set = tj__decimal_unpack(value, &parts);
    TJ_ASSERT(is_set);
    tj_decimal canonical = tj__decimal_pack(parts);
    tj__store_u64(out, canonical.bits[0]);
    tj__store_u64(out + 8, canonical.bits[1]);
}

bool tj__decimal_load(const uint8_t in[16], tj_decimal *out)
{
    tj_decimal value = {{tj__load_u64(in), tj__load_u64(in + 8)}};
    if (!tj__decimal_is_canonical(value)) {
        return false;
    }
    *out = value;
    return true;
}

static size_t digit_run(const char *at, const char *end)
{
    const char *from = at;
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return (size_t)(at - from);
}

/* The spans of a decimal text: [sign] whole [. fraction]. */
typedef struct spelling {
    bool negative;
    tj_str whole;
    tj_str fraction;
} spelling;

static bool split(tj_str text, spelling *out)
{
    const char *at = text.data;
    const char *end = at + text.size;
    if (at < end && (*at == '-' || *at == '+')) {
        out->negative = *at++ == '-';
    }
    out->whole = (tj_str){at, digit_run(at, end)};
    at += out->whole.size;
    if (at < end && *at == '.') {
        at++;
        out->fraction = (tj_str){at, digit_run(at, end)};
        at += out->fraction.size;
        return at == end && out->whole.size > 0 && out->fraction.size > 0;
    }
    return at == end && out->whole.size > 0;
}

/* Appends digits to a coefficient; false when it becomes too long. */
static bool append_digits(tj_str digits, tj__u128 *coefficient)
{
    for (size_t i = 0; i < digits.size; i++) {
        *coefficient = *coefficient * 10 + (unsigned)(digits.data[i] - '0');
        if (*coefficient > TJ__COEFFICIENT_MAX) {
            return false;
        }
    }
    return true;
}

tj_status tj_decimal_parse(tj_str text, tj_decimal *out, tj_error *error)
{
    char quote[TJ__QUOTE_SIZE];
    spelling spelled = {false, {NULL, 0}, {NULL, 0}};
    if (!text.data || !split(text, &spelled)) {
        return tj__fail(error, TJ_INVALID, "%s is not a plain decimal such as -12.50",
                        tj__text_quote(text, quote));
    }
    if (spelled.fraction.size > TJ_DECIMAL_SCALE_MAX) {
        return tj__fail(error, TJ_LIMIT, "%s has %zu digits after the point; at most %d fit",
                        tj__text_quote(text, quote), spelled.fraction.size, TJ_DECIMAL_SCALE_MAX);
    }
    tj__u128 coefficient = 0;
    if (!append_digits(spelled.whole, &coefficient) ||
        !append_digits(spelled.fraction, &coefficient)) {
        return tj__fail(error, TJ_LIMIT, "%s has more than %d significant digits",
                        tj__text_quote(text, quote), TJ_DECIMAL_DIGITS_MAX);
    }
    *out = tj__decimal_pack(
        (tj__decimal_parts){coefficient, (unsigned)spelled.fraction.size, spelled.negative});
    return TJ_OK;
}

/* The exponent behind an e; false when it is none. One beyond any decimal is not counted on. */
static bool read_exponent(tj_str text, int64_t *out)
{
    const int64_t far = INT64_C(1) << 40;
    const char *at = text.data;
    const char *end = at + text.size;
    bool negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    size_t size = digit_run(at, end);
    int64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value = value < far ? value * 10 + (at[i] - '0') : value;
    }
    *out = negative ? -value : value;
    return size > 0 && at + size == end;
}

static tj_str without_zeros_behind(tj_str digits)
{
    while (digits.size > 0 && digits.data[digits.size - 1] == '0') {
        digits.size--;
    }
    return digits;
}

/* A number as coefficient * 10^power, as a decimal of `scale` or of the nearest one that holds it
 * exactly. */
static bool fit(tj__u128 coefficient, int64_t power, int64_t scale, bool negative, tj_decimal *out)
{
    scale = scale < 0 ? 0 : scale > TJ_DECIMAL_SCALE_MAX ? TJ_DECIMAL_SCALE_MAX : scale;
    power = coefficient == 0 ? -scale : power;
    while (power > -scale && coefficient <= TJ__COEFFICIENT_MAX / 10) {
        coefficient *= 10;
        power--;
    }
    if (power > 0 || power < -TJ_DECIMAL_SCALE_MAX) {
        return false;
    }
    *out = tj__decimal_pack((tj__decimal_parts){coefficient, (unsigned)-power, negative});
    return true;
}

tj_status tj__decimal_parse_scientific(tj_str text, tj_decimal *out, tj_error *error)
{
    size_t head = 0;
    while (head < text.size && text.data[head] != 'e' && text.data[head] != 'E') {
        head++;
    }
    if (head == text.size) {
        return tj_decimal_parse(text, out, error);
    }
    char quote[TJ__QUOTE_SIZE];
    spelling spelled = {false, {NULL, 0}, {NULL, 0}};
    int64_t exponent = 0;
    if (!split((tj_str){text.data, head}, &spelled) ||
        !read_exponent((tj_str){text.data + head + 1, text.size - head - 1}, &exponent)) {
        return tj__fail(error, TJ_INVALID, "%s is not a decimal such as -12.50 or 1.25e-7",
                        tj__text_quote(text, quote));
    }
    tj_str fraction = without_zeros_behind(spelled.fraction);
    tj_str whole = fraction.size > 0 ? spelled.whole : without_zeros_behind(spelled.whole);
    tj__u128 coefficient = 0;
    int64_t power = exponent + (int64_t)(spelled.whole.size - whole.size) - (int64_t)fraction.size;
    int64_t scale = (int64_t)spelled.fraction.size - exponent;
    if (!append_digits(whole, &coefficient) || !append_digits(fraction, &coefficient) ||
        !fit(coefficient, power, scale, spelled.negative, out)) {
        return tj__fail(error, TJ_INVALID,
                        "%s cannot be held exactly: a decimal has at most %d digits, %d of them "
                        "behind the point",
                        tj__text_quote(text, quote), TJ_DECIMAL_DIGITS_MAX, TJ_DECIMAL_SCALE_MAX);
    }
    return TJ_OK;
}

/* Writes digits that end before `end`, at least one; returns where they start. */
static char *put_u64(char *end, uint64_t value)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return end;
}

/* Writes the digits of the coefficient so that they end before `end`, with zeros in front where
 * the scale asks for more; returns where they start. All in front of `end` are zeros before. */
static char *put_coefficient(char *end, const tj__decimal_parts *parts)
{
    uint64_t upper = (uint64_t)(parts->coefficient / TEN_19);
    char *first = put_u64(end, (uint64_t)(parts->coefficient % TEN_19));
    if (upper > 0) {
        first = put_u64(end - 19, upper);
    }
    char *needed = end - parts->scale - 1;
    return first < needed ? first : needed;
}

size_t tj_decimal_format(tj_decimal value, char buffer[TJ_DECIMAL_TEXT_SIZE])
{
    char *to = buffer;
    tj__decimal_parts parts;
    if (tj__decimal_unpack(value, &parts)) {
        char digits[TJ_DECIMAL_SCALE_MAX + 1];
        memset(digits, '0', sizeof digits);
        char *end = digits + sizeof digits;
        char *first = put_coefficient(end, &parts);
        char *point = end - parts.scale;
        if (parts.negative) {
            *to++ = '-';
        }
        memcpy(to, first, (size_t)(point - first));
        to += point - first;
        if (parts.scale > 0) {
            *to++ = '.';
            memcpy(to, point, parts.scale);
            to += parts.scale;
        }
    }
    *to = '\0';
    return (size_t)(to - buffer);
}

tj_decimal tj_decimal_int(int64_t value)
{
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    return tj__decimal_pack((tj__decimal_parts){size, 0, value < 0});
}

tj_status tj_decimal_from_parts(bool negative, uint64_t high, uint64_t low, unsigned scale,
                                tj_decimal *out, tj_error *error)
{
    tj__u128 coefficient = (tj__u128)high << 64 | low;
    if (coefficient > TJ__COEFFICIENT_MAX) {
        return tj__fail(error, TJ_LIMIT, "the coefficient has more than %d digits",
                        TJ_DECIMAL_DIGITS_MAX);
    }
    if (scale > TJ_DECIMAL_SCALE_MAX) {
        return tj__fail(error, TJ_LIMIT, "the scale %u is larger than %d", scale,
                        TJ_DECIMAL_SCALE_MAX);
    }
    *out = tj__decimal_pack((tj__decimal_parts){coefficient, scale, negative});
    return TJ_OK;
}

void tj_decimal_to_parts(tj_decimal value, bool *negative, uint64_t *high, uint64_t *low,
                         unsigned *scale)
{
    tj__decimal_parts parts;
    tj__decimal_unpack(value, &parts);
    if (negative) {
        *negative = parts.negative;
    }
    if (high) {
        *high = (uint64_t)(parts.coefficient >> 64);
    }
    if (low) {
        *low = (uint64_t)parts.coefficient;
    }
    if (scale) {
        *scale = parts.scale;
    }
}

bool tj_decimal_identical(tj_decimal a, tj_decimal b)
{
    tj__decimal_parts left;
    tj__decimal_parts right;
    bool known = tj__decimal_unpack(a, &left) && tj__decimal_unpack(b, &right);
    return known && left.coefficient == right.coefficient && left.scale == right.scale &&
           left.negative == right.negative;
}

int tj_decimal_sign(tj_decimal value)
{
    tj__decimal_parts parts;
    tj__decimal_unpack(value, &parts);
    return parts.coefficient == 0 ? 0 : parts.negative ? -1 : 1;
}

tj_decimal tj_decimal_negate(tj_decimal value)
{
    tj__decimal_parts parts;
    if (!tj__decimal_unpack(value, &parts)) {
        return value;
    }
    parts.negative = !parts.negative;
    return tj__decimal_pack(parts);
}
