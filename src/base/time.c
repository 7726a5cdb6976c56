/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Times as text. The calendar is the proleptic Gregorian one; days are counted from 0001-01-01,
 * so that all arithmetic on the years of a tj_time is on positive numbers.
 */
#include <tesser/time.h>

#include <time.h>

#include "base/error.h"
#include "base/text.h"

#define NS_PER_SECOND INT64_C(1000000000)
#define SECONDS_PER_DAY INT64_C(86400)
#define FRACTION_DIGITS_MAX 9
/* Years that a tj_time can be in. */
#define YEAR_FIRST 1677
#define YEAR_LAST 2262

typedef struct civil {
    int year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
    int hour;
    int minute;
    int second;
    int nanosecond;
    int fraction_digits; /* as written */
    int offset_minutes;  /* east of UTC */
} civil;

/* Reads from the front of a text; a read that finds something else sets `failed`. */
typedef struct cursor {
    const char *at;
    const char *end;
    bool failed;
} cursor;

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* Days from 0001-01-01 to the first day of a year. */
static int days_before_year(int year)
{
    int before = year - 1;
    return before * 365 + before / 4 - before / 100 + before / 400;
}

static int day_number(const civil *date)
{
    int days = days_before_year(date->year) + date->day - 1;
    for (int month = 1; month < date->month; month++) {
        days += days_in_month(date->year, month);
    }
    return days;
}

static void set_date(civil *date, int days)
{
    date->year = days / 366 + 1; /* never too late, at most two years too early */
    while (days_before_year(date->year + 1) <= days) {
        date->year++;
    }
    date->day = days - days_before_year(date->year) + 1;
    date->month = 1;
    while (date->day > days_in_month(date->year, date->month)) {
        date->day -= days_in_month(date->year, date->month++);
    }
}

static int take_digits(cursor *from, int count)
{
    int value = 0;
    for (; count > 0; count--) {
        if (from->at == from->end || *from->at < '0' || *from->at > '9') {
            from->failed = true;
            return 0;
        }
        value = value * 10 + (*from->at++ - '0');
    }
    return value;
}

/* Takes one of the characters and returns it. */
static char take_one_of(cursor *from, const char *characters)
{
    if (from->at == from->end || *from->at == '\0' || !strchr(characters, *from->at)) {
        from->failed = true;
        return '\0';
    }
    return *from->at++;
}

static void take_fraction(cursor *from, civil *out)
{
    int unit = (int)NS_PER_SECOND / 10;
    do {
        out->nanosecond += unit * take_digits(from, 1);
        unit /= 10;
        out->fraction_digits++;
    } while (from->at < from->end && *from->at >= '0' && *from->at <= '9');
}

static void take_offset(cursor *from, civil *out)
{
    char sign = take_one_of(from, "Zz+-");
    if (sign == '+' || sign == '-') {
        int hours = take_digits(from, 2);
        take_one_of(from, ":");
        int minutes = take_digits(from, 2);
        from->failed = from->failed || hours > 23 || minutes > 59;
        out->offset_minutes = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
    }
}

/* Takes the form apart; what the numbers are is not looked at yet. */
static bool split(tj_str text, civil *out)
{
    cursor from = {text.data, text.data + text.size, false};
    out->year = take_digits(&from, 4);
    take_one_of(&from, "-");
    out->month = take_digits(&from, 2);
    take_one_of(&from, "-");
    out->day = take_digits(&from, 2);
    take_one_of(&from, "Tt ");
    out->hour = take_digits(&from, 2);
    take_one_of(&from, ":");
    out->minute = take_digits(&from, 2);
    take_one_of(&from, ":");
    out->second = take_digits(&from, 2);
    if (from.at < from.end && *from.at == '.') {
        from.at++;
        take_fraction(&from, out);
    }
    take_offset(&from, out);
    return !from.failed && from.at == from.end;
}

static bool exists(const civil *time)
{
    return time->month >= 1 && time->month <= 12 && time->day >= 1 &&
           time->day <= days_in_month(time->year, time->month) && time->hour <= 23 &&
           time->minute <= 59 && time->second <= 59;
}

/* The nanoseconds since 1970; false beyond the range of tj_time. */
static bool count(const civil *from, tj_time *out)
{
    if (from->year < YEAR_FIRST || from->year > YEAR_LAST) {
        return false;
    }
    int64_t minutes = ((int64_t)day_number(from) - days_before_year(1970)) * 1440 +
                      from->hour * 60 + from->minute - from->offset_minutes;
    int64_t seconds = minutes * 60 + from->second;
    int64_t rest = from->nanosecond;
    if (seconds < 0 && rest > 0) {
        /* Counted from the second above: the product of the earliest second alone overflows. */
        seconds++;
        rest -= NS_PER_SECOND;
    }
    int64_t scaled = 0;
    return !__builtin_mul_overflow(seconds, NS_PER_SECOND, &scaled) &&
           !__builtin_add_overflow(scaled, rest, out);
}

tj_status tj_time_parse(tj_str text, tj_time *out, tj_error *error)
{
    char quote[TJ__QUOTE_SIZE];
    civil parts = {0};
    tj_time time = 0;
    if (!text.data || !split(text, &parts)) {
        return tj__fail(error, TJ_INVALID,
                        "%s is not an RFC 3339 time such as 2024-05-01T09:30:00.250Z",
                        tj__text_quote(text, quote));
    }
    if (parts.second == 60) {
        return tj__fail(error, TJ_INVALID, "%s is a leap second, which cannot be represented",
                        tj__text_quote(text, quote));
    }
    if (!exists(&parts)) {
        return tj__fail(error, TJ_INVALID, "%s names a date or a time that does not exist",
                        tj__text_quote(text, quote));
    }
    if (parts.fraction_digits > FRACTION_DIGITS_MAX) {
        return tj__fail(error, TJ_LIMIT, "%s has %d fraction digits; at most %d fit",
                        tj__text_quote(text, quote), parts.fraction_digits, FRACTION_DIGITS_MAX);
    }
    if (!count(&parts, &time)) {
        return tj__fail(error, TJ_LIMIT,
                        "%s is outside the range from 1677-09-21T00:12:43.145224192Z to "
                        "2262-04-11T23:47:16.854775807Z",
                        tj__text_quote(text, quote));
    }
    *out = time;
    return TJ_OK;
}

static char *put_digits(char *to, int value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return to + count;
}

static char *put_field(char *to, int value, int count, char behind)
{
    to = put_digits(to, value, count);
    *to++ = behind;
    return to;
}

/* The fewest of 3, 6 or 9 digits that say it. */
static char *put_fraction(char *to, int nanosecond)
{
    int digits = FRACTION_DIGITS_MAX;
    while (nanosecond % 1000 == 0) {
        nanosecond /= 1000;
        digits -= 3;
    }
    *to++ = '.';
    return put_digits(to, nanosecond, digits);
}

size_t tj_time_format(tj_time time, char buffer[TJ_TIME_TEXT_SIZE])
{
    int64_t seconds = time / NS_PER_SECOND;
    int nanosecond = (int)(time % NS_PER_SECOND);
    if (nanosecond < 0) {
        nanosecond += (int)NS_PER_SECOND;
        seconds--;
    }
    seconds += days_before_year(1970) * SECONDS_PER_DAY;
    civil date = {0};
    set_date(&date, (int)(seconds / SECONDS_PER_DAY));
    int second = (int)(seconds % SECONDS_PER_DAY);
    char *to = buffer;
    to = put_field(to, date.year, 4, '-');
    to = put_field(to, date.month, 2, '-');
    to = put_field(to, date.day, 2, 'T');
    to = put_field(to, second / 3600, 2, ':');
    to = put_field(to, second / 60 % 60, 2, ':');
    to = put_digits(to, second % 60, 2);
    if (nanosecond > 0) {
        to = put_fraction(to, nanosecond);
    }
    *to++ = 'Z';
    *to = '\0';
    return (size_t)(to - buffer);
}

tj_time tj_time_now(void)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_REALTIME, &now);
    TJ_ASSERT(!failed);
    if (now.tv_sec >= INT64_MAX / NS_PER_SECOND) {
        return INT64_MAX;
    }
    return (tj_time)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}
