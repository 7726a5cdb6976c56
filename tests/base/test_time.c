/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Times as text, over every day that a tj_time can be in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tesser/time.h>

#include "base/random.h"

#define NS_PER_DAY (INT64_C(86400) * 1000000000)

static tj_time time_of(const char *text)
{
    tj_time time = 0;
    tj_error error = TJ_ERROR_INIT;
    if (tj_time_parse(tj_str_of(text), &time, &error) != TJ_OK) {
        fail_msg("%s", error.message);
    }
    return time;
}

static void assert_text(tj_time time, const char *text)
{
    char buffer[TJ_TIME_TEXT_SIZE];
    size_t size = tj_time_format(time, buffer);
    assert_string_equal(buffer, text);
    assert_int_equal(size, strlen(text));
}

static void assert_both_ways(tj_time time, const char *text)
{
    assert_text(time, text);
    assert_int_equal(time_of(text), time);
}

static void known_times(void **state)
{
    (void)state;
    assert_both_ways(0, "1970-01-01T00:00:00Z");
    assert_both_ways(-1, "1969-12-31T23:59:59.999999999Z");
    assert_both_ways(INT64_C(951782400000000000), "2000-02-29T00:00:00Z");
    assert_both_ways(INT64_C(1714555800250000000), "2024-05-01T09:30:00.250Z");
    assert_both_ways(INT64_C(4107542399000000000), "2100-02-28T23:59:59Z");
    assert_both_ways(INT64_MAX, "2262-04-11T23:47:16.854775807Z");
    assert_both_ways(INT64_MIN, "1677-09-21T00:12:43.145224192Z");
}

static void as_few_fraction_digits_as_needed(void **state)
{
    (void)state;
    assert_text(1000000000, "1970-01-01T00:00:01Z");
    assert_text(500000000, "1970-01-01T00:00:00.500Z");
    assert_text(1000000, "1970-01-01T00:00:00.001Z");
    assert_text(120000, "1970-01-01T00:00:00.000120Z");
    assert_text(1000, "1970-01-01T00:00:00.000001Z");
    assert_text(10, "1970-01-01T00:00:00.000000010Z");
}

static void other_spellings(void **state)
{
    (void)state;
    const char *const texts[] = {
        "2024-05-01T09:30:00.250Z",         "2024-05-01t09:30:00.25z",
        "2024-05-01 09:30:00.250000000Z",   "2024-05-01T09:30:00.250+00:00",
        "2024-05-01T09:30:00.250-00:00",    "2024-05-01T11:00:00.250+01:30",
        "2024-04-30T23:45:00.250000-09:45", "2024-05-02T09:29:00.250+23:59",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(time_of(texts[i]), INT64_C(1714555800250000000));
    }
}

/* The next day by the calendar's own rule, to check the day arithmetic against. */
static void step(int *year, int *month, int *day)
{
    bool leap = *year % 400 == 0 || (*year % 4 == 0 && *year % 100 != 0);
    int last = *month == 2                                                 ? 28 + leap
               : *month == 4 || *month == 6 || *month == 9 || *month == 11 ? 30
                                                                           : 31;
    if (++*day > last) {
        *day = 1;
        *month = *month % 12 + 1;
        *year += *month == 1;
    }
}

static void every_day_both_ways(void **state)
{
    (void)state;
    int year = 1677;
    int month = 9;
    int day = 22;
    int days = 0;
    tj_time last = INT64_MAX / NS_PER_DAY * NS_PER_DAY;
    for (tj_time at = INT64_MIN / NS_PER_DAY * NS_PER_DAY; at < last; at += NS_PER_DAY) {
        char text[64];
        snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00Z", year, month, day);
        assert_both_ways(at, text);
        snprintf(text, sizeof text, "%04d-%02d-%02dT23:59:59.999999999Z", year, month, day);
        assert_both_ways(at + NS_PER_DAY - 1, text);
        step(&year, &month, &day);
        days++;
    }
    assert_int_equal(days, 213502);
    assert_int_equal(year * 10000 + month * 100 + day, 22620411);
}

static void random_times_both_ways(void **state)
{
    (void)state;
    random_start();
    for (int i = 0; i < 200000; i++) {
        static const tj_time units[] = {1, 1000, 1000000, 1000000000};
        tj_time unit = units[random_below(4)];
        tj_time time = (tj_time)random_u64() / unit * unit;
        char text[TJ_TIME_TEXT_SIZE];
        tj_time_format(time, text);
        assert_int_equal(time_of(text), time);
    }
}

static void assert_refused(const char *text, tj_status status, const char *message)
{
    tj_time time = 42;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj_time_parse(tj_str_of(text), &time, &error), status);
    assert_string_equal(error.message, message);
    assert_int_equal(time, 42);
    assert_int_equal(tj_time_parse(tj_str_of(text), &time, NULL), status);
}

static void other_forms_are_invalid(void **state)
{
    (void)state;
    const char *const texts[] = {
        "",
        "2024-05-01",
        "2024-05-01T09:30Z",
        "2024-05-01T09:30:00",
        "2024-05-01T09:30:00.Z",
        "2024-05-01T09:30:00,5Z",
        "2024-05-01T09:30:00+0100",
        "2024-05-01T09:30:00+01",
        "2024-05-01T09:30:00+24:00",
        "2024-05-01T09:30:00+01:60",
        "2024-05-01T09:30:00Z ",
        " 2024-05-01T09:30:00Z",
        "2024-5-01T09:30:00Z",
        "24-05-01T09:30:00Z",
        "+2024-05-01T09:30:00Z",
        "2024/05/01T09:30:00Z",
        "2024-05-01_09:30:00Z",
        "20240501T093000Z",
        "1714555800",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tj_time time;
        assert_int_equal(tj_time_parse(tj_str_of(texts[i]), &time, NULL), TJ_INVALID);
    }
    assert_int_equal(tj_time_parse((tj_str){NULL, 0}, &(tj_time){0}, NULL), TJ_INVALID);
    assert_int_equal(tj_time_parse(TJ_STR("2024-05-01T09:30:00\0"), &(tj_time){0}, NULL),
                     TJ_INVALID);
    assert_refused("yesterday", TJ_INVALID,
                   "\"yesterday\" is not an RFC 3339 time such as 2024-05-01T09:30:00.250Z");
}

static void what_does_not_exist(void **state)
{
    (void)state;
    const char *const texts[] = {
        "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2024-02-30T00:00:00Z",
        "2024-04-31T00:00:00Z", "2024-00-01T00:00:00Z", "2024-13-01T00:00:00Z",
        "2024-01-00T00:00:00Z", "2024-01-32T00:00:00Z", "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z", "2024-01-01T00:00:61Z",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tj_time time;
        assert_int_equal(tj_time_parse(tj_str_of(texts[i]), &time, NULL), TJ_INVALID);
    }
    assert_refused("2023-02-29T00:00:00Z", TJ_INVALID,
                   "\"2023-02-29T00:00:00Z\" names a date or a time that does not exist");
    assert_refused("2016-12-31T23:59:60Z", TJ_INVALID,
                   "\"2016-12-31T23:59:60Z\" is a leap second, which cannot be represented");
}

static void out_of_range(void **state)
{
    (void)state;
    const char *const texts[] = {
        "2262-04-11T23:47:16.854775808Z", "1677-09-21T00:12:43.145224191Z",
        "2262-04-11T23:47:17Z",           "1677-09-21T00:12:42Z",
        "2262-04-11T23:46:17-00:01",      "1677-09-21T00:13:42+00:01",
        "2263-01-01T00:00:00Z",           "1676-12-31T23:59:59Z",
        "0000-02-29T00:00:00Z",           "9999-12-31T23:59:59.999999999Z",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tj_time time;
        assert_int_equal(tj_time_parse(tj_str_of(texts[i]), &time, NULL), TJ_LIMIT);
    }
    assert_int_equal(time_of("2262-04-12T00:47:16.854775807+01:00"), INT64_MAX);
    assert_int_equal(time_of("1677-09-20T23:12:43.145224192-01:00"), INT64_MIN);
    assert_refused("9999-12-31T23:59:59Z", TJ_LIMIT,
                   "\"9999-12-31T23:59:59Z\" is outside the range from "
                   "1677-09-21T00:12:43.145224192Z to 2262-04-11T23:47:16.854775807Z");
    assert_refused("2024-05-01T09:30:00.0000000000Z", TJ_LIMIT,
                   "\"2024-05-01T09:30:00.0000000000Z\" has 10 fraction digits; at most 9 fit");
}

static void the_clock_moves(void **state)
{
    (void)state;
    tj_time now = tj_time_now();
    assert_true(now > time_of("2024-01-01T00:00:00Z"));
    assert_true(tj_time_now() - now < INT64_C(60000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times),
        cmocka_unit_test(as_few_fraction_digits_as_needed),
        cmocka_unit_test(other_spellings),
        cmocka_unit_test(every_day_both_ways),
        cmocka_unit_test(random_times_both_ways),
        cmocka_unit_test(other_forms_are_invalid),
        cmocka_unit_test(what_does_not_exist),
        cmocka_unit_test(out_of_range),
        cmocka_unit_test(the_clock_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
