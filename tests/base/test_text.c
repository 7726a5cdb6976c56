/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is UTF-8, and how a text is shown so that nothing in it stays unseen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

/* The categories as ranges; what stands beside them is seen. */
static const struct {
    uint32_t first;
    uint32_t last;
} unseen[] = {
    {0xa0, 0xa0},       {0xad, 0xad},       {0x34f, 0x34f},     {0x61c, 0x61c},
    {0x115f, 0x1160},   {0x1680, 0x1680},   {0x17b4, 0x17b5},   {0x180b, 0x180f},
    {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x206f},   {0x2800, 0x2800},
    {0x3000, 0x3000},   {0x3164, 0x3164},   {0xe000, 0xf8ff},   {0xfdd0, 0xfdef},
    {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},
    {0xfffe, 0xffff},   {0x110bd, 0x110bd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a}, {0x1fffe, 0x1ffff}, {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff},
};

static size_t utf8_of(uint32_t c, char out[5])
{
    unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = size; i > 1; i--, c >>= 6) {
        out[i - 1] = (char)(0x80 | (c & 0x3f));
    }
    out[0] = (char)(lead[size] | c);
    out[size] = '\0';
    return size;
}

static void assert_seen(uint32_t character, bool seen)
{
    char text[5];
    char expected[16];
    char shown[16];
    size_t size = utf8_of(character, text);
    snprintf(expected, sizeof expected, seen ? "%.0x%s" : "\\u{%x}%.0s", seen ? 0 : character,
             text);
    assert_int_equal(tj_text_visible((tj_str){text, size}, shown, sizeof shown), strlen(expected));
    assert_string_equal(shown, expected);
}

static void nothing_stays_unseen(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++) {
        for (uint32_t c = unseen[i].first; c <= unseen[i].last; c++) {
            assert_seen(c, false);
        }
    }
    const uint32_t seen[] = {' ',    'A',    '~',    0xa1,   0xe9,   0x416,   0x5d0,
                             0x627,  0x4e2d, 0xac00, 0x2010, 0x2027, 0x2030,  0x20ac,
                             0x3001, 0xfffd, 0xfdf0, 0xfe10, 0xff21, 0x1f600, 0x20000};
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
        assert_seen(seen[i], true);
    }
    for (uint32_t c = 0; c < 0x20; c++) {
        char text[] = {(char)c, 'x'};
        char shown[16];
        char expected[16];
        snprintf(expected, sizeof expected, "\\x%02xx", c);
        tj_text_visible((tj_str){text, 2}, shown, sizeof shown);
        assert_string_equal(shown, expected);
    }
}

static void a_word_is_one_to_a_shell(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"/var/lib/journal-1_a.b", "/var/lib/journal-1_a.b"},
        {"", "''"},
        {"a b", "'a b'"},
        {"it's", "'it'\\''s'"},
        {"$HOME", "'$HOME'"},
        {"~", "'~'"},
        {"a\nb", "$'a\\x0ab'"},
        {"\xe2\x80\xae it's \\", "$'\\xe2\\x80\\xae it\\'s \\\\'"},
        {"\xff\xff", "$'\\xff\\xff'"},
        {"B\xc3\xbc"
         "cher",
         "B\xc3\xbc"
         "cher"}};
    char word[40];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        size_t size = tj_text_word(tj_str_of(pairs[i][0]), word, sizeof word);
        assert_string_equal(word, pairs[i][1]);
        assert_int_equal(size, strlen(word));
        assert_int_equal(tj_text_word(tj_str_of(pairs[i][0]), NULL, 0), size);
    }
    assert_int_equal(tj_text_word(TJ_STR("a b"), word, 4), 5);
    assert_string_equal(word, "'a ");
}

static void what_fits_is_shown(void **state)
{
    (void)state;
    char shown[10];
    assert_int_equal(tj_text_visible(TJ_STR("ab\xe2\x80\xae"
                                            "c"),
                                     NULL, 0),
                     11);
    assert_int_equal(tj_text_visible(TJ_STR("ab\xe2\x80\xae"
                                            "c"),
                                     shown, sizeof shown),
                     11);
    assert_string_equal(shown, "ab");
    assert_int_equal(tj_text_visible((tj_str){NULL, 0}, shown, sizeof shown), 0);
    assert_string_equal(shown, "");
    assert_int_equal(tj_text_visible(TJ_STR("\xed\xa0\x80"), NULL, 0), 12); /* half a pair */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoting),
        cmocka_unit_test(long_texts_are_shortened),
        cmocka_unit_test(utf8),
        cmocka_unit_test(disposing),
        cmocka_unit_test(nothing_stays_unseen),
        cmocka_unit_test(a_word_is_one_to_a_shell),
        cmocka_unit_test(what_fits_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
