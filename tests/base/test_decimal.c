/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Decimals as text, as parts and as bytes: what comes back is what was given, or it is refused
 * (P11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "base/random.h"

static tj_decimal decimal_of(const char *text)
{
    tj_decimal value = {{0}};
    tj_error error = TJ_ERROR_INIT;
    if (tj_decimal_parse(tj_str_of(text), &value, &error) != TJ_OK) {
        fail_msg("%s", error.message);
    }
    return value;
}

static void assert_text(tj_decimal value, const char *text)
{
    char buffer[TJ_DECIMAL_TEXT_SIZE];
    size_t size = tj_decimal_format(value, buffer);
    assert_string_equal(buffer, text);
    assert_int_equal(size, strlen(text));
}

static void assert_same_text(const char *text)
{
    assert_text(decimal_of(text), text);
}

static void text_comes_back(void **state)
{
    (void)state;
    const char *const texts[] = {
        "0",
        "-0",
        "0.00",
        "-0.00",
        "1.50",
        "-12.50",
        "100",
        "0.1",
        "79228162514264337593543950335",
        "-7.9228162514264337593543950335",
        "0.0000000000000000000000000001",
        "9999999999999999999999999999999999",
        "10000000000000000000",
        "9999999999999999999",
        "18446744073709551616",
        "1000000000.0000000000000000000",
        "0.00000000000000000000000000000000000000000000000000000000",
        "-0.00000000000000000000009999999999999999999999999999999999",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_same_text(texts[i]);
    }
}

static void spelling_is_normalised(void **state)
{
    (void)state;
    assert_text(decimal_of("+1.5"), "1.5");
    assert_text(decimal_of("007.50"), "7.50");
    assert_text(decimal_of("000000000000000000000000000000000000000000001"), "1");
    assert_text(decimal_of("-00.0"), "-0.0");
}

static void assert_refused(tj_str text, tj_status status, const char *message)
{
    tj_decimal value = tj_decimal_int(42);
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj_decimal_parse(text, &value, &error), status);
    assert_string_equal(error.message, message);
    assert_int_equal(error.status, status);
    assert_text(value, "42");
    assert_int_equal(tj_decimal_parse(text, &value, NULL), status);
}

static void other_forms_are_invalid(void **state)
{
    (void)state;
    const char *const texts[] = {"",    "-",   "+",    ".",   "1.",  ".5",   "1e5",
                                 "1E5", " 1",  "1 ",   "1,5", "--1", "+-1",  "1.2.3",
                                 "NaN", "inf", "0x10", "1_0", "-.5", "1.-5", "\xd9\xa1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tj_decimal value;
        assert_int_equal(tj_decimal_parse(tj_str_of(texts[i]), &value, NULL), TJ_INVALID);
    }
    assert_refused(TJ_STR("1e5"), TJ_INVALID, "\"1e5\" is not a plain decimal such as -12.50");
    assert_refused(TJ_STR("1\0"), TJ_INVALID, "\"1\\x00\" is not a plain decimal such as -12.50");
    assert_refused((tj_str){NULL, 0}, TJ_INVALID, "\"\" is not a plain decimal such as -12.50");
}

static void too_much_is_refused(void **state)
{
    (void)state;
    assert_refused(TJ_STR("10000000000000000000000000000000000"), TJ_LIMIT,
                   "\"10000000000000000000000000000000000\" has more than 34 significant digits");
    assert_refused(TJ_STR("9999999999.9999999999999999999999990"), TJ_LIMIT,
                   "\"9999999999.9999999999999999999999990\" has more than 34 significant digits");
    assert_refused(TJ_STR("0.000000000000000000000000000000000000000000000000000000001"), TJ_LIMIT,
                   "\"0.00000000000000000000000000000000000000...\" has 57 digits after the "
                   "point; at most 56 fit");
    /* What is malformed is said to be malformed, however long it is. */
    assert_refused(TJ_STR("10000000000000000000000000000000000x"), TJ_INVALID,
                   "\"10000000000000000000000000000000000x\" is not a plain decimal such as "
                   "-12.50");
}

static void exponents_are_taken_when_exact(void **state)
{
    (void)state;
    const char *const taken[][2] = {
        {"12.50", "12.50"},
        {"1.234e-05", "0.00001234"},
        {"1e-08", "0.00000001"},
        {"1E+3", "1000"},
        {"1e21", "1000000000000000000000"},
        {"-1.50e1", "-15.0"},
        {"1.50e5", "150000"},
        {"1.50E-2", "0.0150"},
        {"0e99", "0"},
        {"-0e-2", "-0.00"},
        {"0e-9999999999999999999999", "0.00000000000000000000000000000000000000000000000000000000"},
        {"1e33", "1000000000000000000000000000000000"},
        {"1e-56", "0.00000000000000000000000000000000000000000000000000000001"},
        /* Zeros behind are left out where only they do not fit. */
        {"1000e-58", "0.00000000000000000000000000000000000000000000000000000010"},
        {"1000000000000000000000000000000000000000e-39", "1.000000000000000000000000000000000"},
        {"9999999999999999999999999999999999.0e0", "9999999999999999999999999999999999"},
    };
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        tj_decimal value;
        assert_int_equal(tj__decimal_parse_scientific(tj_str_of(taken[i][0]), &value, NULL), TJ_OK);
        assert_text(value, taken[i][1]);
    }
    const char *const refused[] = {"1e",
                                   "e5",
                                   "1e+",
                                   "1e1.5",
                                   "1e400",
                                   "1e34",
                                   "1.5e-56",
                                   "1e-57",
                                   "1ee5",
                                   "1e 5",
                                   " 1e5",
                                   "1.e5",
                                   ".5e1",
                                   "1e5x",
                                   "1e\0",
                                   "12345678901234567890123456789012345e0",
                                   "1e99999999999999999999",
                                   "1e-99999999999999999999"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        tj_decimal value;
        assert_int_equal(tj__decimal_parse_scientific(tj_str_of(refused[i]), &value, NULL),
                         TJ_INVALID);
    }
}

static void zeroed_is_zero(void **state)
{
    (void)state;
    tj_decimal zero = {{0}};
    assert_text(zero, "0");
    assert_int_equal(tj_decimal_sign(zero), 0);
    assert_true(tj_decimal_identical(zero, tj_decimal_int(0)));
    assert_false(tj_decimal_identical(zero, decimal_of("0.0")));
    assert_int_equal(tj_decimal_compare(zero, decimal_of("0.0")), 0);
    assert_text(tj_decimal_negate(zero), "-0");
    tj_decimal sum;
    assert_int_equal(tj_decimal_add(zero, decimal_of("1.5"), &sum, NULL), TJ_OK);
    assert_text(sum, "1.5");
}

static void integers(void **state)
{
    (void)state;
    assert_text(tj_decimal_int(0), "0");
    assert_text(tj_decimal_int(-1), "-1");
    assert_text(tj_decimal_int(INT64_MAX), "9223372036854775807");
    assert_text(tj_decimal_int(INT64_MIN), "-9223372036854775808");
}

static void sign_and_identity(void **state)
{
    (void)state;
    assert_int_equal(tj_decimal_sign(decimal_of("0.01")), 1);
    assert_int_equal(tj_decimal_sign(decimal_of("-0.01")), -1);
    assert_int_equal(tj_decimal_sign(decimal_of("-0.00")), 0);
    assert_true(tj_decimal_identical(decimal_of("1.50"), decimal_of("+1.50")));
    assert_false(tj_decimal_identical(decimal_of("1.50"), decimal_of("1.5")));
    assert_false(tj_decimal_identical(decimal_of("0.0"), decimal_of("-0.0")));
    assert_text(tj_decimal_negate(decimal_of("1.50")), "-1.50");
    assert_text(tj_decimal_negate(decimal_of("-1.50")), "1.50");
}

/* Builds from parts, and finds the same parts, text and bytes again. */
static void assert_parts_come_back(bool negative, uint64_t high, uint64_t low, unsigned scale)
{
    tj_decimal value;
    assert_int_equal(tj_decimal_from_parts(negative, high, low, scale, &value, NULL), TJ_OK);
    bool negative_again = !negative;
    uint64_t high_again = ~high;
    uint64_t low_again = ~low;
    unsigned scale_again = ~scale;
    tj_decimal_to_parts(value, &negative_again, &high_again, &low_again, &scale_again);
    assert_int_equal(negative_again, negative);
    assert_int_equal(high_again, high);
    assert_int_equal(low_again, low);
    assert_int_equal(scale_again, scale);

    char text[TJ_DECIMAL_TEXT_SIZE];
    tj_decimal parsed;
    tj_str written = {text, tj_decimal_format(value, text)};
    assert_int_equal(tj_decimal_parse(written, &parsed, NULL), TJ_OK);
    assert_true(tj_decimal_identical(parsed, value));

    uint8_t bytes[16];
    tj_decimal loaded;
    tj__decimal_store(bytes, value);
    assert_true(tj__decimal_load(bytes, &loaded));
    assert_true(tj_decimal_identical(loaded, value));
}

static void every_mantissa_of_96_bits_fits(void **state)
{
    (void)state;
    const uint64_t highs[] = {0, 1, UINT32_MAX};
    const uint64_t lows[] = {0, 1, 9, 10, UINT64_C(9999999999999999999), UINT64_MAX};
    for (unsigned scale = 0; scale <= 28; scale++) {
        for (size_t i = 0; i < sizeof highs / sizeof *highs; i++) {
            for (size_t j = 0; j < sizeof lows / sizeof *lows; j++) {
                assert_parts_come_back(false, highs[i], lows[j], scale);
                assert_parts_come_back(true, highs[i], lows[j], scale);
            }
        }
    }
    random_start();
    for (int i = 0; i < 200000; i++) {
        unsigned bits = random_below(97);
        tj__u128 mantissa = ((tj__u128)(random_u64() >> 32) << 64 | random_u64()) >> (96 - bits);
        assert_parts_come_back(random_below(2) == 1, (uint64_t)(mantissa >> 64), (uint64_t)mantissa,
                               random_below(29));
    }
}

static void parts_out_of_range(void **state)
{
    (void)state;
    uint64_t high = (uint64_t)(TJ__COEFFICIENT_MAX >> 64);
    uint64_t low = (uint64_t)TJ__COEFFICIENT_MAX;
    tj_decimal value = tj_decimal_int(42);
    tj_error error = TJ_ERROR_INIT;
    assert_parts_come_back(true, high, low, 56);
    assert_int_equal(tj_decimal_from_parts(false, high, low + 1, 0, &value, &error), TJ_LIMIT);
    assert_string_equal(error.message, "the coefficient has more than 34 digits");
    assert_int_equal(tj_decimal_from_parts(false, UINT64_MAX, 0, 0, &value, &error), TJ_LIMIT);
    assert_int_equal(tj_decimal_from_parts(false, 0, 1, 57, &value, &error), TJ_LIMIT);
    assert_string_equal(error.message, "the scale 57 is larger than 56");
    assert_text(value, "42");
    tj_decimal_to_parts(value, NULL, NULL, NULL, NULL);
}

static void bytes_are_pinned(void **state)
{
    (void)state;
    /* -1.50: sign, exponent 6176 - 2, coefficient 150. */
    const uint8_t expected[16] = {0x96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x3c, 0xb0};
    const uint8_t zero[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x30};
    uint8_t bytes[16];
    tj__decimal_store(bytes, decimal_of("-1.50"));
    assert_memory_equal(bytes, expected, sizeof bytes);
    tj__decimal_store(bytes, (tj_decimal){{0, 0}});
    assert_memory_equal(bytes, zero, sizeof bytes);
}

static void assert_not_loaded(uint64_t high, uint64_t low)
{
    uint8_t bytes[16];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(low >> (8 * i));
        bytes[8 + i] = (uint8_t)(high >> (8 * i));
    }
    tj_decimal value = tj_decimal_int(42);
    assert_false(tj__decimal_load(bytes, &value));
    assert_text(value, "42");
}

static void other_bytes_are_refused(void **state)
{
    (void)state;
    uint64_t high = (uint64_t)(TJ__COEFFICIENT_MAX >> 64);
    uint64_t low = (uint64_t)TJ__COEFFICIENT_MAX;
    uint64_t scale_0 = (uint64_t)6176 << 49;
    assert_not_loaded(0, 0);
    assert_not_loaded(UINT64_MAX, UINT64_MAX);
    assert_not_loaded(UINT64_C(0x7800000000000000), 0); /* infinity */
    assert_not_loaded(UINT64_C(0x7c00000000000000), 0); /* NaN */
    assert_not_loaded(UINT64_C(0x6000000000000000), 0); /* the form of too large coefficients */
    assert_not_loaded(scale_0 | high, low + 1);
    assert_not_loaded((uint64_t)6177 << 49, 1);
    assert_not_loaded((uint64_t)(6176 - 57) << 49, 1);
}

static void unset_bits_are_noticed(void **state)
{
    (void)state;
    tj_decimal unset = {{UINT64_MAX, UINT64_MAX}};
    tj_decimal out = tj_decimal_int(42);
    tj_error error = TJ_ERROR_INIT;
    char text[TJ_DECIMAL_TEXT_SIZE] = "x";
    assert_int_equal(tj_decimal_format(unset, text), 0);
    assert_string_equal(text, "");
    assert_false(tj_decimal_identical(unset, unset));
    assert_int_equal(tj_decimal_sign(unset), 0);
    assert_int_equal(tj__decimal_check(tj_decimal_int(1), &error), TJ_OK);
    assert_int_equal(tj_decimal_add(tj_decimal_int(1), unset, &out, &error), TJ_INVALID);
    assert_string_equal(error.message,
                        "a tj_decimal holds no decimal (bits 0xffffffffffffffffffffffffffffffff): "
                        "it was never set");
    assert_int_equal(tj_decimal_mul(unset, tj_decimal_int(1), &out, &error), TJ_INVALID);
    assert_int_equal(tj_decimal_rescale(unset, 2, TJ_ROUND_EXACT, &out, &error), TJ_INVALID);
    assert_text(out, "42");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_comes_back),
        cmocka_unit_test(spelling_is_normalised),
        cmocka_unit_test(other_forms_are_invalid),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(exponents_are_taken_when_exact),
        cmocka_unit_test(zeroed_is_zero),
        cmocka_unit_test(integers),
        cmocka_unit_test(sign_and_identity),
        cmocka_unit_test(every_mantissa_of_96_bits_fits),
        cmocka_unit_test(parts_out_of_range),
        cmocka_unit_test(bytes_are_pinned),
        cmocka_unit_test(other_bytes_are_refused),
        cmocka_unit_test(unset_bits_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
