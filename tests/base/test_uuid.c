/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A UUID's text both ways, other texts refused, and the order of UUIDs. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <strings.h>

#include <cmocka.h>

#include <tesser/uuid.h>

#define TEXT "6f1c7a52-0a3e-4f0b-9d7e-2b5c8d1e4f60"

static void text_both_ways(void **state)
{
    (void)state;
    const uint8_t bytes[16] = {0x6f, 0x1c, 0x7a, 0x52, 0x0a, 0x3e, 0x4f, 0x0b,
                               0x9d, 0x7e, 0x2b, 0x5c, 0x8d, 0x1e, 0x4f, 0x60};
    tj_uuid id;
    char text[TJ_UUID_TEXT_SIZE];
    assert_int_equal(tj_uuid_parse(TJ_STR(TEXT), &id, NULL), TJ_OK);
    assert_memory_equal(id.bytes, bytes, sizeof bytes);
    tj_uuid_format(id, text);
    assert_string_equal(text, TEXT);
    assert_int_equal(tj_uuid_parse(TJ_STR("6F1C7A52-0A3E-4F0B-9D7E-2B5C8D1E4F60"), &id, NULL),
                     TJ_OK);
    tj_uuid_format(id, text);
    assert_string_equal(text, TEXT);
}

static void a_view_needs_no_nul(void **state)
{
    (void)state;
    tj_uuid id;
    tj_str view = {TEXT "0", sizeof TEXT - 1};
    assert_int_equal(tj_uuid_parse(view, &id, NULL), TJ_OK);
}

static void other_forms_are_invalid(void **state)
{
    (void)state;
    const char *const texts[] = {
        "",
        "6f1c7a52-0a3e-4f0b-9d7e-2b5c8d1e4f6",
        "6f1c7a52-0a3e-4f0b-9d7e-2b5c8d1e4f600",
        "6f1c7a520a3e4f0b9d7e2b5c8d1e4f60",
        "6f1c7a52-0a3e-4f0b-9d7e-2b5c8d1e4f6g",
        "6f1c7a52-0a3e-4f0b-9d7e12b5c8d1e4f60",
        "{6f1c7a52-0a3e-4f0b-9d7e-2b5c8d1e4f6}",
        " 6f1c7a52-0a3e-4f0b-9d7e-2b5c8d1e4f6",
        "+f1c7a52-0a3e-4f0b-9d7e-2b5c8d1e4f60",
        "0x1c7a52-0a3e-4f0b-9d7e-2b5c8d1e4f60",
    };
    tj_uuid id = {{42}};
    tj_error error = TJ_ERROR_INIT;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(tj_uuid_parse(tj_str_of(texts[i]), &id, &error), TJ_INVALID);
    }
    assert_int_equal(tj_uuid_parse((tj_str){NULL, 0}, &id, NULL), TJ_INVALID);
    assert_int_equal(tj_uuid_parse(TJ_STR("6f1c7a52-0a3e-4f0b-9d7e-2b5c8d1e4f6\0"), &id, NULL),
                     TJ_INVALID);
    assert_int_equal(id.bytes[0], 42);
    assert_int_equal(tj_uuid_parse(TJ_STR("twap-1"), &id, &error), TJ_INVALID);
    assert_string_equal(error.message,
                        "\"twap-1\" is not a UUID such as 6f1c7a52-0a3e-4f0b-9d7e-2b5c8d1e4f60");
}

static bool may_stand(size_t at, unsigned byte)
{
    bool hyphen = at == 8 || at == 13 || at == 18 || at == 23;
    return hyphen ? byte == '-' : byte < 0x80 && isxdigit((int)byte);
}

static void each_byte_is_looked_at(void **state)
{
    (void)state;
    for (size_t at = 0; at < sizeof TEXT - 1; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[] = TEXT, written[TJ_UUID_TEXT_SIZE];
            tj_uuid id;
            text[at] = (char)byte;
            bool read = tj_uuid_parse((tj_str){text, sizeof text - 1}, &id, NULL) == TJ_OK;
            assert_int_equal(read, may_stand(at, byte));
            if (read) {
                tj_uuid_format(id, written);
                assert_int_equal(strcasecmp(written, text), 0);
            }
        }
    }
}

static void generated_ones_differ(void **state)
{
    (void)state;
    tj_uuid a = tj_uuid_generate();
    tj_uuid b = tj_uuid_generate();
    assert_int_not_equal(tj_uuid_compare(a, b), 0);
    assert_int_equal(a.bytes[6] >> 4, 4);
    assert_int_equal(a.bytes[8] >> 6, 2);
    assert_false(tj_uuid_is_nil(a));
    assert_true(tj_uuid_is_nil((tj_uuid){{0}}));
}

static void order_is_that_of_the_bytes(void **state)
{
    (void)state;
    tj_uuid low = {{0, 0xff}};
    tj_uuid high = {{1, 0}};
    assert_true(tj_uuid_compare(low, high) < 0);
    assert_true(tj_uuid_compare(high, low) > 0);
    assert_int_equal(tj_uuid_compare(low, low), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_both_ways),          cmocka_unit_test(a_view_needs_no_nul),
        cmocka_unit_test(other_forms_are_invalid), cmocka_unit_test(each_byte_is_looked_at),
        cmocka_unit_test(generated_ones_differ),   cmocka_unit_test(order_is_that_of_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
