/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

#define FORTY "0123456789012345678901234567890123456789"

static void assert_quoted(tj_str text, const char *expected)
{
    char buffer[TJ__QUOTE_SIZE];
    assert_string_equal(tj__text_quote(text, buffer), expected);
}

static void quoting(void **state)
{
    (void)state;
    assert_quoted(TJ_STR("abc"), "\"abc\"");
    assert_quoted(TJ_STR(""), "\"\"");
    assert_quoted((tj_str){NULL, 0}, "\"\"");
    assert_quoted(TJ_STR("a\nb\0c\x7f"), "\"a\\x0ab\\x00c\\x7f\"");
    assert_quoted(TJ_STR("\xe2\x82\xac"), "\"\xe2\x82\xac\"");
    assert_quoted(TJ_STR("\xe2\x82"), "\"\\xe2\\x82\"");
}

static void long_texts_are_shortened(void **state)
{
    (void)state;
    assert_quoted(TJ_STR(FORTY), "\"" FORTY "\"");
    assert_quoted(TJ_STR(FORTY "x"), "\"" FORTY "...\"");
    /* A character that crosses the limit is left out whole. */
    assert_quoted(TJ_STR("xx0123456789012345678901234567890123456\xe2\x82\xac"),
                  "\"xx0123456789012345678901234567890123456...\"");
    char bytes[100];
    char buffer[TJ__QUOTE_SIZE];
    memset(bytes, 0xff, sizeof bytes);
    tj__text_quote((tj_str){bytes, sizeof bytes}, buffer);
    assert_int_equal(strlen(buffer), TJ__QUOTE_SIZE - 1);
    memset(bytes, 0x80, sizeof bytes);
    tj__text_quote((tj_str){bytes, sizeof bytes}, buffer);
    assert_string_equal(buffer + strlen(buffer) - 8, "\\x80...\"");
}

static void utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"", true},
        {"plain", true},
        {"\x7f", true},
        {"\xc2\x80", true},
        {"\xdf\xbf", true},
        {"\xe0\xa0\x80", true},
        {"\xed\x9f\xbf", true},
        {"\xee\x80\x80", true},
        {"\xef\xbf\xbf", true},
        {"\xf0\x90\x80\x80", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"a\xc3\xa4z", true},
        {"\x80", false},
        {"\xbf", false},
        {"\xc0\x80", false},
        {"\xc1\xbf", false},
        {"\xc2", false},
        {"\xc2z", false},
        {"\xc2\xc0", false},
        {"\xe0\x9f\xbf", false},
        {"\xe2\x82", false},
        {"\xe2\x82z", false},
        {"\xed\xa0\x80", false},
        {"\xed\xbf\xbf", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf0\x90\x80", false},
        {"\xf0\x90\x80z", false},
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (tj__text_is_utf8(tj_str_of(cases[i].text)) != cases[i].valid) {
            fail_msg("case %zu", i);
        }
    }
}

static void disposing(void **state)
{
    (void)state;
    tj_text text = {malloc(4), 3};
    tj_text_dispose(&text);
    assert_null(text.data);
    assert_int_equal(text.size, 0);
    tj_text_dispose(&text);
    tj_text_dispose(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoting),
        cmocka_unit_test(long_texts_are_shortened),
        cmocka_unit_test(utf8),
        cmocka_unit_test(disposing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
