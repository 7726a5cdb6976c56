/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What Tesser's JSON reader makes of numbers, and what is told of a text. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "migrate/findings.h"
#include "support/check.h"

static void fate(const char *number, tj__number_fate expected)
{
    tj__number_fate got = tj__number_fate_of(tj_str_of(number));
    if (got != expected) {
        fail_msg("%s: %d, expected %d", number, (int)got, (int)expected);
    }
}

static void kept_numbers(void **state)
{
    (void)state;
    static const char *const numbers[] = {"0",
                                          "-1",
                                          "18446744073709551615",
                                          "-9223372036854775808",
                                          "0.0",
                                          "-0.0",
                                          "0e999999999999",
                                          "0.000e-5",
                                          "64250.10",
                                          "0.1",
                                          "1e22",
                                          "1E+2",
                                          "1.7976931348623157e308",
                                          "123456789012345",
                                          "100000000000000000000.0",
                                          "0.30000000000000004",
                                          "1.25e-07",
                                          "2.2250738585072014e-308"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        tj__number_fate got = tj__number_fate_of(tj_str_of(numbers[i]));
        if (got != TJ__NUMBER_KEPT && got != TJ__NUMBER_BESIDE) {
            fail_msg("%s: %d", numbers[i], (int)got);
        }
    }
    fate("0.1", TJ__NUMBER_KEPT);
    fate("-64250.123456789", TJ__NUMBER_KEPT);
}

static void other_numbers(void **state)
{
    (void)state;
    char nines[402] = "";
    memset(nines, '9', 400);
    fate(nines, TJ__NUMBER_REFUSED);
    fate("1E400", TJ__NUMBER_REFUSED);
    fate("-1e309", TJ__NUMBER_REFUSED);
    fate("1.8e308", TJ__NUMBER_REFUSED);
    fate("1e99999999999999999999", TJ__NUMBER_REFUSED);
    fate("18446744073709551616", TJ__NUMBER_WIDE);
    fate("-9223372036854775809", TJ__NUMBER_WIDE);
    fate("100000000000000000000", TJ__NUMBER_WIDE);
    fate("123456789012345678901234567890", TJ__NUMBER_WIDE);
    fate("0.123456789012345678901234", TJ__NUMBER_ROUNDED);
    fate("0.10000000000000001", TJ__NUMBER_ROUNDED);
    fate("18446744073709551615.0", TJ__NUMBER_ROUNDED);
    fate("1e-400", TJ__NUMBER_ROUNDED);
    fate("1e-99999999999999999999", TJ__NUMBER_ROUNDED);
    fate("1.23e-322", TJ__NUMBER_ROUNDED);
    fate("-0", TJ__NUMBER_MINUS_ZERO);
}

/* serde_json without its feature float_roundtrip reads these one bit off: 94331.45779643168 for the
 * first. */
static void neighbours(void **state)
{
    (void)state;
    fate("94331.45779643167", TJ__NUMBER_BESIDE);
    fate("1.9958225428211673", TJ__NUMBER_BESIDE);
    fate("0.0000000000000000000000000049", TJ__NUMBER_BESIDE);
}

static void a_comma_for_a_point_changes_nothing(void **state)
{
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) {
        print_message("Skipped: no locale de_DE.UTF-8\n");
        skip();
    }
    kept_numbers(state);
    other_numbers(state);
    (void)setlocale(LC_NUMERIC, "C");
}

static void places_are_named(void **state)
{
    (void)state;
    tj__finding found[TJ__FINDING_KINDS];
    assert_ok(tj__findings_of(TJ_STR("{\"a\":{\"b c\":[1,{\"x\":1E400},-1e999]},\"k\":-0,\"k\":1,"
                                     "\"w\":18446744073709551616,\"d\":0.12345678901234567890}"),
                              found, &err));
    assert_int_equal(found[TJ__FINDING_REFUSED].count, 2);
    assert_string_equal(found[TJ__FINDING_REFUSED].first, "a.b c[1].x is 1E400");
    assert_string_equal(found[TJ__FINDING_REPEATED].first, "k stands twice");
    assert_string_equal(found[TJ__FINDING_MINUS_ZERO].first, "k is -0");
    assert_string_equal(found[TJ__FINDING_WIDE].first, "w is 18446744073709551616");
    assert_string_equal(found[TJ__FINDING_ROUNDED].first, "d is 0.12345678901234567890");
    assert_ok(tj__findings_of(TJ_STR("1E400"), found, &err));
    assert_string_equal(found[TJ__FINDING_REFUSED].first, "is 1E400");
    assert_ok(tj__findings_of(TJ_STR("{\"a\":1,\"b\":[0.1,null,true,\"1E400\"]}"), found, &err));
    for (int i = 0; i < TJ__FINDING_KINDS; i++) {
        assert_int_equal(found[i].count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_numbers),     cmocka_unit_test(other_numbers),
        cmocka_unit_test(neighbours),       cmocka_unit_test(a_comma_for_a_point_changes_nothing),
        cmocka_unit_test(places_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
