/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bincode against bytes written by hand, and values proven by their bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "migrate/bincode.h"
#include "migrate/support.h"

/* ---- the layout ---------------------------------------------------------------------------- */

static void put_text(tj__buffer *out, const char *text)
{
    tj__put_u64(out, strlen(text));
    tj__put_cstr(out, text);
}

static void put_head(tj__buffer *out, uint64_t prices)
{
    tj__put_u8(out, 0);  /* no portfolio */
    tj__put_u64(out, 0); /* no open orders */
    tj__put_u64(out, prices);
}

static void reads_a_head(void **state)
{
    (void)state;
    tj__buffer in = {0};
    tj__buffer json = {0};
    put_head(&in, 2);
    for (int i = 0; i < 2; i++) { /* the same key twice, as two venues with one code leave it */
        put_text(&in, "BTCUSDT");
        put_text(&in, i == 0 ? "2.20" : "1.10");
    }
    tj__put_u8(&in, 1);
    put_text(&in, "2025-11-23T12:14:59Z");
    tj__put_u8(&in, 7); /* what follows is not part of it */
    tj__bytes rest = tj__buffer_bytes(&in);
    assert_ok(tj__bincode_read(TJ__BINCODE_HEAD, &rest, &json, &err));
    assert_int_equal(rest.size, 1);
    tj__put_u8(&json, 0);
    assert_string_equal((char *)json.data,
                        "\"portfolio\":null,\"open_orders\":[],\"last_prices\":{\"BTCUSDT\":"
                        "\"2.20\",\"BTCUSDT\":\"1.10\"},\"last_candle_ts\":"
                        "\"2025-11-23T12:14:59Z\"");
    tj__buffer_dispose(&in);
    tj__buffer_dispose(&json);
}

static void refuse_head(const tj__buffer *in, const char *text)
{
    tj__buffer json = {0};
    tj__bytes rest = tj__buffer_bytes(in);
    assert_refused(tj__bincode_read(TJ__BINCODE_HEAD, &rest, &json, &err), TJ_INVALID, text);
    tj__buffer_dispose(&json);
}

static void refuses_what_is_no_head(void **state)
{
    (void)state;
    tj__buffer in = {0};
    refuse_head(&in, "at byte 0, in portfolio: there is no byte that is 0 or 1");
    tj__put_u8(&in, 2);
    refuse_head(&in, "at byte 1, in portfolio: there is no byte that is 0 or 1");
    tj__buffer_clear(&in);
    put_head(&in, UINT64_MAX);
    refuse_head(&in, "in last_prices: a list goes beyond the end");
    tj__buffer_clear(&in);
    put_head(&in, 1);
    tj__put_u64(&in, 8);
    tj__put_cstr(&in, "\xff\xfe......");
    refuse_head(&in, "in last_prices: a text is not UTF-8");
    tj__buffer_clear(&in);
    put_head(&in, 1);
    tj__put_u64(&in, 9);
    tj__put_cstr(&in, "BTCUSDT.");
    refuse_head(&in, "in last_prices: a text goes beyond the end");
    tj__buffer_dispose(&in);
}

static void reads_a_checkpoint(void **state)
{
    (void)state;
    tj__buffer in = {0};
    tj__buffer json = {0};
    tj__put_u8(&in, 0);
    tj__put_u64(&in, 2);
    put_text(&in, "e-1");
    put_text(&in, "e \"2\"");
    tj__bytes rest = tj__buffer_bytes(&in);
    assert_ok(tj__bincode_read(TJ__BINCODE_CHECKPOINT, &rest, &json, &err));
    assert_int_equal(rest.size, 0);
    tj__put_u8(&json, 0);
    assert_string_equal((char *)json.data, "\"execution_checkpoint\":{\"last_timestamp\":null,"
                                           "\"exec_ids\":[\"e-1\",\"e \\\"2\\\"\"]}");
    tj__buffer_dispose(&in);
    tj__buffer_dispose(&json);
}

/* ---- values by their bytes ----------------------------------------------------------------- */

static void matches(const char *json, const void *data, size_t size, bool expected, size_t taken)
{
    bool found = !expected;
    size_t found_size = 0;
    assert_ok(
        tj__bincode_match(tj_str_of(json), tj__bytes_of(data, size), &found, &found_size, &err));
    if (found != expected) {
        fail_msg("%s %s the bytes", json, found ? "matches" : "does not match");
    }
    if (expected) {
        assert_int_equal(found_size, taken);
    }
}

static void matches_number(const char *json, uint64_t bits)
{
    uint8_t data[8];
    tj__store_u64(data, bits);
    matches(json, data, 8, true, 8);
    tj__store_u64(data, bits ^ 1);
    matches(json, data, 8, false, 0);
    matches(json, data, 7, false, 0);
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void numbers_are_proven(void **state)
{
    (void)state;
    matches_number("0", 0);
    matches_number("18446744073709551615", UINT64_MAX);
    matches_number("-1", UINT64_MAX);
    matches_number("-9223372036854775808", (uint64_t)1 << 63);
    /* Beyond both kinds of integers serde_json takes a float, and so for minus zero. */
    matches_number("18446744073709551616", bits_of(18446744073709551616.0));
    matches_number("-9223372036854775809", bits_of(-9223372036854775809.0));
    matches_number("-0", bits_of(-0.0));
    matches_number("1.0", bits_of(1.0));
    matches_number("1.25e-7", bits_of(1.25e-7));
    matches_number("64000.125", bits_of(64000.125));
}

static void other_values_are_proven(void **state)
{
    (void)state;
    matches("null", "", 0, true, 0);
    matches("true", "\1", 1, true, 1);
    matches("true", "\0", 1, false, 0);
    matches("false", "\0\0", 2, true, 1);
    matches("\"ab\"", "\2\0\0\0\0\0\0\0ab", 10, true, 10);
    matches("\"ab\"", "\2\0\0\0\0\0\0\0ac", 10, false, 0);
    matches("[]", "\0\0\0\0\0\0\0\0", 8, true, 8);
    matches("[true,false]", "\2\0\0\0\0\0\0\0\1\0", 10, true, 10);
    matches("[true]", "\2\0\0\0\0\0\0\0\1\0", 10, false, 0);
}

/* Objects come in the order of some map. */
static void members_come_in_any_order(void **state)
{
    (void)state;
    static const char data[] = "\2\0\0\0\0\0\0\0"
                               "\1\0\0\0\0\0\0\0a\1"
                               "\1\0\0\0\0\0\0\0b\0";
    static const char twice[] = "\2\0\0\0\0\0\0\0"
                                "\1\0\0\0\0\0\0\0a\1"
                                "\1\0\0\0\0\0\0\0a\1";
    matches("{\"a\":true,\"b\":false}", data, sizeof data - 1, true, 28);
    matches("{\"b\":false,\"a\":true}", data, sizeof data - 1, true, 28);
    matches("{\"b\":true,\"a\":false}", data, sizeof data - 1, false, 0);
    matches("{\"a\":true}", data, sizeof data - 1, false, 0);
    matches("{\"a\":true,\"b\":true}", twice, sizeof twice - 1, false, 0);
}

static void no_json_is_told(void **state)
{
    (void)state;
    bool found = false;
    size_t size = 0;
    assert_refused(tj__bincode_match(TJ_STR("{"), tj__bytes_of("", 0), &found, &size, &err),
                   TJ_INVALID, "strategy_state: line 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_head),
        cmocka_unit_test(refuses_what_is_no_head),
        cmocka_unit_test(reads_a_checkpoint),
        cmocka_unit_test(numbers_are_proven),
        cmocka_unit_test(other_values_are_proven),
        cmocka_unit_test(members_come_in_any_order),
        cmocka_unit_test(no_json_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
