/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Decimal arithmetic against an oracle that shares nothing with it: schoolbook arithmetic on
 * digits, one per byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <tesser/decimal.h>

#include "base/random.h"

#define ROUNDS 20000
/* Digits of the longest number here: a 34-digit dividend shifted by twice the largest scale. */
#define DIGITS 160

/* A natural number; digits[0] is the lowest. */
typedef struct natural {
    unsigned char digits[DIGITS];
} natural;

/* A decimal as the oracle sees it. */
typedef struct number {
    natural units;
    unsigned scale;
    bool negative;
} number;

static unsigned length(const natural *n)
{
    unsigned size = DIGITS;
    while (size > 0 && n->digits[size - 1] == 0) {
        size--;
    }
    return size;
}

static int compare(const natural *a, const natural *b)
{
    for (int i = DIGITS - 1; i >= 0; i--) {
        if (a->digits[i] != b->digits[i]) {
            return a->digits[i] < b->digits[i] ? -1 : 1;
        }
    }
    return 0;
}

static natural add(const natural *a, const natural *b)
{
    natural sum = {{0}};
    unsigned carry = 0;
    for (int i = 0; i < DIGITS; i++) {
        unsigned digit = a->digits[i] + b->digits[i] + carry;
        sum.digits[i] = (unsigned char)(digit % 10);
        carry = digit / 10;
    }
    return sum;
}

/* a - b for a >= b. */
static natural subtract(const natural *a, const natural *b)
{
    natural difference = {{0}};
    int borrow = 0;
    for (int i = 0; i < DIGITS; i++) {
        int digit = a->digits[i] - b->digits[i] - borrow;
        borrow = digit < 0;
        difference.digits[i] = (unsigned char)(digit + 10 * borrow);
    }
    return difference;
}

static natural shift(const natural *n, unsigned places)
{
    natural shifted = {{0}};
    assert_true(length(n) + places <= DIGITS);
    memcpy(shifted.digits + places, n->digits, DIGITS - places);
    return shifted;
}

static natural multiply(const natural *a, const natural *b)
{
    natural product = {{0}};
    for (unsigned i = 0; i < length(b); i++) {
        natural row = shift(a, i);
        for (unsigned times = 0; times < b->digits[i]; times++) {
            product = add(&product, &row);
        }
    }
    return product;
}

static natural divide(const natural *a, const natural *b, natural *remainder)
{
    natural quotient = {{0}};
    natural rest = {{0}};
    for (int i = DIGITS - 1; i >= 0; i--) {
        rest = shift(&rest, 1);
        rest.digits[0] = a->digits[i];
        while (compare(&rest, b) >= 0) {
            rest = subtract(&rest, b);
            quotient.digits[i]++;
        }
    }
    *remainder = rest;
    return quotient;
}

static tj_decimal decimal_of(const number *n)
{
    char text[DIGITS + 4];
    unsigned size = length(&n->units) > n->scale ? length(&n->units) : n->scale + 1;
    char *to = text;
    if (n->negative) {
        *to++ = '-';
    }
    while (size > 0) {
        *to++ = (char)('0' + n->units.digits[--size]);
        if (size == n->scale && size > 0) {
            *to++ = '.';
        }
    }
    tj_decimal value = {{0}};
    tj_error error = TJ_ERROR_INIT;
    if (tj_decimal_parse((tj_str){text, (size_t)(to - text)}, &value, &error) != TJ_OK) {
        fail_msg("%s", error.message);
    }
    return value;
}

static bool fits(const number *n)
{
    return length(&n->units) <= TJ_DECIMAL_DIGITS_MAX && n->scale <= TJ_DECIMAL_SCALE_MAX;
}

static const char *text_of(tj_decimal value, char buffer[TJ_DECIMAL_TEXT_SIZE])
{
    tj_decimal_format(value, buffer);
    return buffer;
}

/* Compares a result with the oracle's. `limit` is the status for what does not fit. */
static void check(const char *operation, tj_decimal a, tj_decimal b, tj_status got,
                  tj_decimal result, const number *expected, tj_status limit)
{
    char left[TJ_DECIMAL_TEXT_SIZE];
    char right[TJ_DECIMAL_TEXT_SIZE];
    char text[TJ_DECIMAL_TEXT_SIZE];
    tj_status status = fits(expected) ? TJ_OK : limit;
    if (got != status) {
        fail_msg("%s %s %s: status %s, expected %s", text_of(a, left), operation, text_of(b, right),
                 tj_status_name(got), tj_status_name(status));
    }
    if (got == TJ_OK && !tj_decimal_identical(result, decimal_of(expected))) {
        fail_msg("%s %s %s: got %s", text_of(a, left), operation, text_of(b, right),
                 text_of(result, text));
    }
}

/* Numbers where mistakes hide: few and many digits, runs of zeros and nines, fives at the end. */
static number random_number(void)
{
    number n = {.scale = random_below(random_below(4) == 0 ? 57 : 12),
                .negative = random_below(2) == 1};
    unsigned size = random_below(random_below(3) == 0 ? 35 : 14);
    unsigned kind = random_below(6);
    for (unsigned i = 0; i < size; i++) {
        unsigned digit = kind == 0 ? 9 : kind == 1 ? 0 : random_below(10);
        n.units.digits[i] = (unsigned char)digit;
    }
    if (size > 0 && kind == 1) {
        n.units.digits[size - 1] = (unsigned char)random_below(10);
    }
    if (size > 0 && kind == 2) {
        n.units.digits[0] = 5;
    }
    return n;
}

static number oracle_sum(const number *a, const number *b)
{
    number sum = {.scale = a->scale > b->scale ? a->scale : b->scale};
    natural left = shift(&a->units, sum.scale - a->scale);
    natural right = shift(&b->units, sum.scale - b->scale);
    int order = compare(&left, &right);
    if (a->negative == b->negative) {
        sum.units = add(&left, &right);
        sum.negative = a->negative;
    } else if (order != 0) {
        sum.units = order > 0 ? subtract(&left, &right) : subtract(&right, &left);
        sum.negative = order > 0 ? a->negative : b->negative;
    }
    return sum;
}

static void sums_and_differences(void **state)
{
    (void)state;
    random_start();
    for (int i = 0; i < ROUNDS; i++) {
        number a = random_number();
        number b = random_number();
        number sum = oracle_sum(&a, &b);
        tj_decimal x = decimal_of(&a);
        tj_decimal y = decimal_of(&b);
        tj_decimal result;
        check("+", x, y, tj_decimal_add(x, y, &result, NULL), result, &sum, TJ_INEXACT);
        b.negative = !b.negative;
        y = decimal_of(&b);
        check("-", x, y, tj_decimal_sub(x, y, &result, NULL), result, &sum, TJ_INEXACT);
    }
}

static void products(void **state)
{
    (void)state;
    random_start();
    for (int i = 0; i < ROUNDS; i++) {
        number a = random_number();
        number b = random_number();
        number product = {multiply(&a.units, &b.units), a.scale + b.scale,
                          a.negative != b.negative};
        tj_decimal x = decimal_of(&a);
        tj_decimal y = decimal_of(&b);
        tj_decimal result;
        check("*", x, y, tj_decimal_mul(x, y, &result, NULL), result, &product, TJ_INEXACT);
    }
}

static void orders(void **state)
{
    (void)state;
    random_start();
    for (int i = 0; i < ROUNDS; i++) {
        number a = random_number();
        number b = random_number();
        if (random_below(4) == 0) {
            b.units = a.units;
        }
        b.negative = !b.negative;
        number difference = oracle_sum(&a, &b);
        b.negative = !b.negative;
        int expected = length(&difference.units) == 0 ? 0 : difference.negative ? -1 : 1;
        tj_decimal x = decimal_of(&a);
        tj_decimal y = decimal_of(&b);
        assert_int_equal(tj_decimal_compare(x, y), expected);
        assert_int_equal(tj_decimal_compare(y, x), -expected);
        assert_int_equal(tj_decimal_compare(x, x), 0);
    }
}

/* Whether the exact value units + rest / divisor, with a sign, goes one unit away from zero. */
static bool oracle_away(const number *n, const natural *rest, const natural *divisor,
                        tj_rounding rounding)
{
    natural twice = add(rest, rest);
    int half = compare(&twice, divisor);
    bool some = length(rest) > 0;
    switch (rounding) {
    case TJ_ROUND_HALF_EVEN:
        return half > 0 || (half == 0 && n->units.digits[0] % 2 == 1);
    case TJ_ROUND_HALF_UP:
        return half >= 0;
    case TJ_ROUND_UP:
        return some;
    case TJ_ROUND_FLOOR:
        return some && n->negative;
    case TJ_ROUND_CEILING:
        return some && !n->negative;
    default:
        return false;
    }
}

/* a / b at a scale; *inexact when digits were lost. */
static number oracle_quotient(const number *a, const number *b, unsigned scale,
                              tj_rounding rounding, bool *inexact)
{
    const natural one = {{1}};
    natural dividend = shift(&a->units, b->scale + scale);
    natural divisor = shift(&b->units, a->scale);
    natural rest;
    number quotient = {.scale = scale, .negative = a->negative != b->negative};
    quotient.units = divide(&dividend, &divisor, &rest);
    *inexact = length(&rest) > 0;
    if (oracle_away(&quotient, &rest, &divisor, rounding)) {
        quotient.units = add(&quotient.units, &one);
    }
    return quotient;
}

static void quotients(void **state)
{
    (void)state;
    random_start();
    for (int i = 0; i < ROUNDS; i++) {
        number a = random_number();
        number b = random_number();
        if (length(&b.units) == 0) {
            continue;
        }
        unsigned scale = random_below(random_below(2) == 0 ? 57 : 9);
        tj_rounding rounding = (tj_rounding)random_below(7);
        bool inexact = false;
        number quotient = oracle_quotient(&a, &b, scale, rounding, &inexact);
        tj_decimal x = decimal_of(&a);
        tj_decimal y = decimal_of(&b);
        tj_decimal result = tj_decimal_int(42);
        tj_status got = tj_decimal_div(x, y, scale, rounding, &result, NULL);
        if (rounding == TJ_ROUND_EXACT && inexact && fits(&quotient)) {
            assert_int_equal(got, TJ_INEXACT);
            assert_true(tj_decimal_identical(result, tj_decimal_int(42)));
        } else {
            check("/", x, y, got, result, &quotient, TJ_LIMIT);
        }
    }
}

static void other_scales(void **state)
{
    (void)state;
    const number one = {.units = {{1}}};
    random_start();
    for (int i = 0; i < ROUNDS; i++) {
        number a = random_number();
        unsigned scale = random_below(57);
        tj_rounding rounding = (tj_rounding)random_below(7);
        bool inexact = false;
        number expected = oracle_quotient(&a, &one, scale, rounding, &inexact);
        tj_decimal x = decimal_of(&a);
        tj_decimal result = tj_decimal_int(42);
        tj_status got = tj_decimal_rescale(x, scale, rounding, &result, NULL);
        if (rounding == TJ_ROUND_EXACT && inexact) {
            assert_int_equal(got, TJ_INEXACT);
        } else {
            check("rescaled", x, tj_decimal_int(scale), got, result, &expected, TJ_LIMIT);
        }
    }
}

/* One rounding per mode of text at scale 0. */
static void assert_rounds(const char *text, const char *const expected[6])
{
    tj_decimal value;
    tj_decimal result;
    char buffer[TJ_DECIMAL_TEXT_SIZE];
    assert_int_equal(tj_decimal_parse(tj_str_of(text), &value, NULL), TJ_OK);
    for (int i = 0; i < 6; i++) {
        tj_rounding rounding = (tj_rounding)(TJ_ROUND_HALF_EVEN + i);
        assert_int_equal(tj_decimal_rescale(value, 0, rounding, &result, NULL), TJ_OK);
        assert_string_equal(text_of(result, buffer), expected[i]);
    }
}

static void rounding_modes(void **state)
{
    (void)state;
    /* half even, half up, down, up, floor, ceiling */
    assert_rounds("2.5", (const char *const[]){"2", "3", "2", "3", "2", "3"});
    assert_rounds("3.5", (const char *const[]){"4", "4", "3", "4", "3", "4"});
    assert_rounds("-2.5", (const char *const[]){"-2", "-3", "-2", "-3", "-3", "-2"});
    assert_rounds("2.50000001", (const char *const[]){"3", "3", "2", "3", "2", "3"});
    assert_rounds("2.49999999", (const char *const[]){"2", "2", "2", "3", "2", "3"});
    assert_rounds("-0.1", (const char *const[]){"-0", "-0", "-0", "-1", "-1", "-0"});
    assert_rounds("9.9", (const char *const[]){"10", "10", "9", "10", "9", "10"});
    assert_rounds("7", (const char *const[]){"7", "7", "7", "7", "7", "7"});
}

static void quotients_are_rounded_once(void **state)
{
    (void)state;
    /* 12.5 less 6e-34. With 34 digits it is 12.5, and rounding that again would give 13. */
    tj_decimal a;
    tj_decimal b;
    tj_decimal result;
    char text[TJ_DECIMAL_TEXT_SIZE];
    assert_int_equal(tj_decimal_parse(TJ_STR("9999999999999999999999999999999987"), &a, NULL),
                     TJ_OK);
    assert_int_equal(tj_decimal_parse(TJ_STR("799999999999999999999999999999999"), &b, NULL),
                     TJ_OK);
    assert_int_equal(tj_decimal_div(a, b, 0, TJ_ROUND_HALF_UP, &result, NULL), TJ_OK);
    assert_string_equal(text_of(result, text), "12");
}

static void failures_say_why(void **state)
{
    (void)state;
    tj_decimal nines;
    tj_decimal tiny;
    tj_decimal one = tj_decimal_int(1);
    tj_decimal out = tj_decimal_int(42);
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj_decimal_parse(TJ_STR("9999999999999999999999999999999999"), &nines, NULL),
                     TJ_OK);
    assert_int_equal(tj_decimal_parse(TJ_STR("0.00000000000000000000000000001"), &tiny, NULL),
                     TJ_OK);

    assert_int_equal(tj_decimal_add(nines, one, &out, &error), TJ_INEXACT);
    assert_string_equal(error.message,
                        "9999999999999999999999999999999999 + 1 at scale 0 needs more than 34 "
                        "digits or a scale above 56: rescale an operand first");
    assert_int_equal(tj_decimal_mul(tiny, tiny, &out, &error), TJ_INEXACT);
    assert_string_equal(error.message,
                        "0.00000000000000000000000000001 * 0.00000000000000000000000000001 at "
                        "scale 58 needs more than 34 digits or a scale above 56: rescale an "
                        "operand first");
    assert_int_equal(tj_decimal_div(one, tj_decimal_int(0), 2, TJ_ROUND_DOWN, &out, &error),
                     TJ_INVALID);
    assert_string_equal(error.message, "1 is divided by zero");
    assert_int_equal(tj_decimal_div(one, tj_decimal_int(3), 2, TJ_ROUND_EXACT, &out, &error),
                     TJ_INEXACT);
    assert_string_equal(error.message, "the result has more than 2 digits after the point: give "
                                       "a larger scale or a rounding mode");
    assert_int_equal(tj_decimal_div(nines, one, 1, TJ_ROUND_DOWN, &out, &error), TJ_LIMIT);
    assert_string_equal(error.message, "the result has more than 34 digits at scale 1");
    assert_int_equal(tj_decimal_div(one, one, 57, TJ_ROUND_DOWN, &out, &error), TJ_LIMIT);
    assert_string_equal(error.message, "the scale 57 is larger than 56");
    assert_int_equal(tj_decimal_div(one, one, 0, (tj_rounding)7, &out, &error), TJ_MISUSE);
    assert_string_equal(error.message, "7 is no rounding mode");
    assert_true(tj_decimal_identical(out, tj_decimal_int(42)));
}

static void results_may_replace_operands(void **state)
{
    (void)state;
    tj_decimal value = tj_decimal_int(3);
    assert_int_equal(tj_decimal_add(value, value, &value, NULL), TJ_OK);
    assert_int_equal(tj_decimal_mul(value, value, &value, NULL), TJ_OK);
    assert_int_equal(tj_decimal_div(value, value, 2, TJ_ROUND_EXACT, &value, NULL), TJ_OK);
    char text[TJ_DECIMAL_TEXT_SIZE];
    assert_string_equal(text_of(value, text), "1.00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_and_differences),
        cmocka_unit_test(products),
        cmocka_unit_test(orders),
        cmocka_unit_test(quotients),
        cmocka_unit_test(other_scales),
        cmocka_unit_test(rounding_modes),
        cmocka_unit_test(quotients_are_rounded_once),
        cmocka_unit_test(failures_say_why),
        cmocka_unit_test(results_may_replace_operands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
