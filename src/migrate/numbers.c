/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Tesser reads JSON with serde_json as it comes: integers of 64 bits stay integers, every other
 * number becomes a double. That double is the digits as one integer, times or divided by a power of
 * ten, which rounds twice: with 16 or 17 digits it may be the neighbour of the right one. What is
 * written again is the shortest text of the double.
 *
 * Nothing here depends on the locale: numbers are handed to strtod without a decimal point.
 */
#include "migrate/numbers.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Significant digits that are kept: more than tell a double from its neighbours. */
#define DIGITS_MAX 40
/* Digits that any double keeps, and the most that its shortest text has. */
#define DIGITS_SAFE DBL_DIG
#define DIGITS_SHORTEST 17
/* Beyond this an exponent tells nothing more. */
#define EXPONENT_MAX 1000000
#define POWER_MAX 308

/* 0.DIGITS times ten to the exponent; no digits for zero. */
typedef struct decimal {
    char digits[DIGITS_MAX + 1];
    size_t count; /* of significant digits, also of those that are not kept */
    long exponent;
} decimal;

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

/* The number behind an e, and no more than EXPONENT_MAX. */
static long read_exponent(tj_str number, size_t at)
{
    bool negative = at < number.size && number.data[at] == '-';
    long value = 0;
    for (size_t i = at; i < number.size; i++) {
        if (is_digit(number.data[i]) && value < EXPONENT_MAX) {
            value = value * 10 + (number.data[i] - '0');
        }
    }
    return negative ? -value : value;
}

static decimal read_decimal(tj_str number)
{
    decimal out = {.count = 0};
    size_t seen = 0; /* significant digits, zeros at the end included */
    bool point = false;
    size_t i = number.data[0] == '-' ? 1 : 0;
    for (; i < number.size && (is_digit(number.data[i]) || number.data[i] == '.'); i++) {
        char letter = number.data[i];
        if (letter == '.') {
            point = true;
            continue;
        }
        if (seen == 0 && letter == '0') {
            out.exponent -= point;
            continue;
        }
        if (seen < DIGITS_MAX) {
            out.digits[seen] = letter;
        }
        seen++;
        out.count = letter != '0' ? seen : out.count;
        out.exponent += !point;
    }
    out.digits[out.count < DIGITS_MAX ? out.count : DIGITS_MAX] = '\0';
    out.exponent += i < number.size ? read_exponent(number, i + 1) : 0;
    return out;
}

static double value_of(const decimal *d)
{
    char text[DIGITS_MAX + 32];
    (void)snprintf(text, sizeof text, "%se%ld", d->digits, d->exponent - (long)strlen(d->digits));
    return strtod(text, NULL);
}

/* The shortest decimal that reads as this double, which is none of 0 and the infinities. */
static decimal shortest(double value)
{
    decimal d = {.count = 0};
    for (int count = 1; count <= DIGITS_SHORTEST; count++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%.*e", count - 1, value);
        /* Whatever the locale's decimal point is, read_decimal stops at nothing else. */
        char *mark = strchr(text, 'e');
        d = (decimal){
            .exponent = read_exponent((tj_str){text, strlen(text)}, (size_t)(mark - text) + 1) + 1};
        for (const char *at = text; at < mark; at++) {
            if (is_digit(*at)) {
                d.digits[d.count++] = *at;
            }
        }
        if (value_of(&d) == value) {
            break;
        }
    }
    while (d.count > 1 && d.digits[d.count - 1] == '0') {
        d.digits[--d.count] = '\0';
    }
    return d;
}

static double power_of_ten(long exponent)
{
    char text[32];
    (void)snprintf(text, sizeof text, "1e%ld", exponent);
    return strtod(text, NULL);
}

/* The double that serde_json makes, without its sign; an infinity where it refuses. */
static double read_as_tesser(tj_str number)
{
    uint64_t digits = 0;
    long exponent = 0;
    bool point = false;
    bool full = false;
    size_t i = number.data[0] == '-' ? 1 : 0;
    for (; i < number.size && (is_digit(number.data[i]) || number.data[i] == '.'); i++) {
        if (number.data[i] == '.') {
            point = true;
            continue;
        }
        uint64_t digit = (uint64_t)(number.data[i] - '0');
        full = full || digits > (UINT64_MAX - digit) / 10;
        digits = full ? digits : digits * 10 + digit;
        exponent += full && !point;
        exponent -= !full && point;
    }
    exponent += i < number.size ? read_exponent(number, i + 1) : 0;
    double value = (double)digits;
    while (exponent < -POWER_MAX && value != 0) {
        value /= power_of_ten(POWER_MAX);
        exponent += POWER_MAX;
    }
    if (value == 0 || exponent < 0) {
        return value == 0 ? 0 : value / power_of_ten(-exponent);
    }
    return exponent > POWER_MAX ? (double)INFINITY : value * power_of_ten(exponent);
}

static bool fits_64_bits(tj_str integer)
{
    char text[24];
    if (integer.size >= sizeof text) {
        return false; /* JSON's integers do not begin with zeros */
    }
    memcpy(text, integer.data, integer.size);
    text[integer.size] = '\0';
    errno = 0;
    if (text[0] == '-') {
        (void)strtoll(text, NULL, 10);
    } else {
        (void)strtoull(text, NULL, 10);
    }
    return errno == 0;
}

static bool is_integer(tj_str number)
{
    return !memchr(number.data, '.', number.size) && !memchr(number.data, 'e', number.size) &&
           !memchr(number.data, 'E', number.size);
}

tj__number_fate tj__number_fate_of(tj_str number)
{
    bool integer = is_integer(number);
    if (integer && fits_64_bits(number)) {
        return tj_str_equal(number, TJ_STR("-0")) ? TJ__NUMBER_MINUS_ZERO : TJ__NUMBER_KEPT;
    }
    decimal d = read_decimal(number);
    double read = read_as_tesser(number);
    if (d.count == 0 || !isfinite(read)) {
        return d.count == 0 ? TJ__NUMBER_KEPT : TJ__NUMBER_REFUSED;
    }
    double value = value_of(&d);
    if (integer || !isfinite(value)) {
        return integer ? TJ__NUMBER_WIDE : TJ__NUMBER_REFUSED;
    }
    if (value == 0 || d.count > DIGITS_SHORTEST) {
        return TJ__NUMBER_ROUNDED;
    }
    if (d.count > DIGITS_SAFE || value < DBL_MIN) {
        decimal again = shortest(value);
        if (again.exponent != d.exponent || strcmp(again.digits, d.digits) != 0) {
            return TJ__NUMBER_ROUNDED;
        }
    }
    return read == value ? TJ__NUMBER_KEPT : TJ__NUMBER_BESIDE;
}
