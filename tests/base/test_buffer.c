/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The order of bytes, growing, and reading beyond the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"

static void order_of_bytes(void **state)
{
    (void)state;
    tj__bytes a = tj__bytes_of("a", 1);
    tj__bytes ab = tj__bytes_of("ab", 2);
    tj__bytes b = tj__bytes_of("b", 1);
    tj__bytes high = tj__bytes_of("\xff", 1);
    tj__bytes none = tj__bytes_of(NULL, 0);
    assert_true(tj__bytes_compare(a, ab) < 0);
    assert_true(tj__bytes_compare(ab, b) < 0);
    assert_true(tj__bytes_compare(high, b) > 0);
    assert_true(tj__bytes_compare(none, a) < 0);
    assert_int_equal(tj__bytes_compare(none, tj__bytes_of("", 0)), 0);
    assert_true(tj__bytes_equal(ab, tj__bytes_of("abc", 2)));
    assert_false(tj__bytes_equal(a, ab));
    assert_false(tj__bytes_equal(a, b));
    assert_true(tj__bytes_equal(none, tj__bytes_of("", 0)));
}

static void puts_have_their_bytes(void **state)
{
    (void)state;
    tj__buffer buffer = {0};
    tj__put_u8(&buffer, 0x01);
    tj__put_u16(&buffer, 0x0302);
    tj__put_u32(&buffer, 0x07060504);
    tj__put_u64(&buffer, UINT64_C(0x0f0e0d0c0b0a0908));
    tj__put_u32_be(&buffer, 0x10111213);
    tj__put_u64_be(&buffer, UINT64_C(0x1415161718191a1b));
    for (size_t i = 0; i < 27; i++) {
        assert_int_equal(buffer.data[i], i + 1);
    }
    assert_int_equal(buffer.size, 27);
    tj__buffer_clear(&buffer);
    tj__put_str(&buffer, TJ_STR("ab"));
    tj__put_str(&buffer, (tj_str){NULL, 0});
    tj__put_cstr(&buffer, "cd");
    tj__put_bytes(&buffer, NULL, 0);
    tj__put_zeros(&buffer, 2);
    tj__put_zeros(&buffer, 0);
    tj__put_format(&buffer, "%d-%s", 42, "x");
    assert_int_equal(buffer.size, 10);
    assert_memory_equal(buffer.data,
                        "abcd\0\0"
                        "42-x",
                        10);
    assert_false(buffer.failed);
    tj__buffer_dispose(&buffer);
    assert_null(buffer.data);
}

static void it_grows(void **state)
{
    (void)state;
    tj__buffer buffer = {0};
    for (uint32_t i = 0; i < 100000; i++) {
        tj__put_u32(&buffer, i);
    }
    for (uint32_t i = 0; i < 100000; i++) {
        assert_int_equal(tj__load_u32(buffer.data + (size_t)4 * i), i);
    }
    size_t capacity = buffer.capacity;
    tj__buffer_clear(&buffer);
    assert_true(tj__buffer_reserve(&buffer, capacity));
    assert_int_equal(buffer.capacity, capacity);
    tj__buffer_dispose(&buffer);
}

static void failure_is_kept_until_the_end(void **state)
{
    (void)state;
    tj__buffer buffer = {0};
    tj__put_u8(&buffer, 1);
    assert_false(tj__buffer_reserve(&buffer, SIZE_MAX));
    assert_true(buffer.failed);
    tj__put_u64(&buffer, 2);
    tj__put_format(&buffer, "x");
    tj__put_zeros(&buffer, 3);
    assert_int_equal(buffer.size, 1);
    tj__buffer_clear(&buffer);
    assert_false(buffer.failed);
    tj__put_u8(&buffer, 1);
    assert_int_equal(buffer.size, 1);
    tj__buffer_dispose(&buffer);
}

static void reading_what_was_put(void **state)
{
    (void)state;
    tj__buffer buffer = {0};
    tj__put_u8(&buffer, 0xfe);
    tj__put_u16(&buffer, 0xfedc);
    tj__put_u32(&buffer, 0xfedcba98);
    tj__put_u64(&buffer, UINT64_C(0xfedcba9876543210));
    tj__put_cstr(&buffer, "text");
    tj__reader reader = {.rest = tj__buffer_bytes(&buffer)};
    assert_int_equal(tj__get_u8(&reader), 0xfe);
    assert_int_equal(tj__get_u16(&reader), 0xfedc);
    assert_int_equal(tj__get_u32(&reader), 0xfedcba98);
    assert_int_equal(tj__get_u64(&reader), UINT64_C(0xfedcba9876543210));
    assert_true(tj__bytes_equal(tj__get_bytes(&reader, 4), tj__bytes_of("text", 4)));
    assert_int_equal(tj__get_bytes(&reader, 0).size, 0);
    assert_false(reader.failed);
    assert_int_equal(reader.rest.size, 0);
    tj__buffer_dispose(&buffer);
}

static void reading_beyond_the_end(void **state)
{
    (void)state;
    const uint8_t data[3] = {1, 2, 3};
    tj__reader reader = {.rest = tj__bytes_of(data, sizeof data)};
    assert_int_equal(tj__get_u32(&reader), 0);
    assert_true(reader.failed);
    /* What would still fit is not given either: the place is lost. */
    assert_int_equal(tj__get_u8(&reader), 0);
    assert_int_equal(tj__get_u16(&reader), 0);
    assert_int_equal(tj__get_u64(&reader), 0);
    assert_null(tj__get_bytes(&reader, 1).data);
    tj__reader empty = {.rest = tj__bytes_of(NULL, 0)};
    assert_int_equal(tj__get_bytes(&empty, 0).size, 0);
    assert_false(empty.failed);
    assert_int_equal(tj__get_u8(&empty), 0);
    assert_true(empty.failed);
}

static void zeros_and_no_bytes_are_all_zero(void **state)
{
    (void)state;
    uint8_t bytes[5] = {0};
    assert_true(tj__bytes_all_zero(tj__bytes_of(NULL, 0)));
    assert_true(tj__bytes_all_zero(tj__bytes_of(bytes, sizeof bytes)));
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = 1;
        assert_false(tj__bytes_all_zero(tj__bytes_of(bytes, sizeof bytes)));
        assert_true(tj__bytes_all_zero(tj__bytes_of(bytes, i)));
        bytes[i] = 0;
    }
}

static void big_endian_is_numeric_order(void **state)
{
    (void)state;
    uint8_t bytes[8];
    tj__store_u64_be(bytes, UINT64_C(0x0102030405060708));
    assert_memory_equal(bytes, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    assert_int_equal(tj__load_u64_be(bytes), UINT64_C(0x0102030405060708));
    tj__store_u32_be(bytes, 0xf1020304);
    assert_int_equal(tj__load_u32_be(bytes), 0xf1020304);
    tj__store_u16(bytes, 0xf102);
    assert_int_equal(tj__load_u16(bytes), 0xf102);
    tj__store_u64(bytes, UINT64_MAX - 1);
    assert_int_equal(tj__load_u64(bytes), UINT64_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_bytes),
        cmocka_unit_test(puts_have_their_bytes),
        cmocka_unit_test(it_grows),
        cmocka_unit_test(failure_is_kept_until_the_end),
        cmocka_unit_test(reading_what_was_put),
        cmocka_unit_test(reading_beyond_the_end),
        cmocka_unit_test(zeros_and_no_bytes_are_all_zero),
        cmocka_unit_test(big_endian_is_numeric_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
