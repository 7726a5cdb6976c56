/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every byte at every place of an exchange and a code, and their order. P12. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/identity.h"

#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN

static tj_identity identity(const char *exchange, const char *code)
{
    return (tj_identity){tj_str_of(exchange), tj_str_of(code)};
}

static void assert_canonical(tj_identity id, const char *text)
{
    char buffer[TJ_IDENTITY_TEXT_SIZE];
    assert_int_equal(tj_identity_format(id, buffer), strlen(text));
    assert_string_equal(buffer, text);
    assert_int_equal(tj__identity_check(id, NULL), TJ_OK);
}

static void canonical_form(void **state)
{
    (void)state;
    assert_canonical(identity("binance_perp", "BTCUSDT"), "binance_perp:BTCUSDT");
    assert_canonical(identity("Binance_PERP", "btcUsdt"), "binance_perp:BTCUSDT");
    assert_canonical(identity("  binance\t", " btcusdt\n"), "binance:BTCUSDT");
    assert_canonical(identity(NULL, "btcusdt"), "BTCUSDT");
    assert_canonical(identity("", "btcusdt"), "BTCUSDT");
    assert_canonical(identity("a[`{z", "A[`{Z"), "a[`{z:A[`{Z");
    assert_canonical(identity("x", "btc usdt"), "x:BTC USDT");
    assert_canonical(identity("x", "btc:usdt"), "x:BTC:USDT");
    /* Only ASCII letters change their case. */
    assert_canonical(identity("\xc3\x84x", "\xc3\xa4x"), "\xc3\x84x:\xc3\xa4X");
    assert_canonical(identity(SIXTY "abcd", SIXTY SIXTY "abcdefgh"),
                     SIXTY "abcd:" SIXTY SIXTY "ABCDEFGH");
}

static char expected_of(char c, bool upper)
{
    char first = upper ? 'a' : 'A';
    return c >= first && c < first + 26 ? (char)(c ^ 0x20) : c;
}

/* Parts of `size` bytes that have `c` at `place` and else x and X in turn. */
static void check_byte(size_t size, size_t place, char c)
{
    char part[24] = "xXxXxXxXxXxXxXxXxXxXxXx";
    char buffer[TJ_IDENTITY_TEXT_SIZE];
    char expected[TJ_IDENTITY_TEXT_SIZE] = {0};
    part[place] = c;
    for (size_t i = 0; i < size; i++) {
        expected[i] = expected_of(part[i], false);
        expected[size + 1 + i] = expected_of(part[i], true);
    }
    expected[size] = ':';
    bool refused = c < 0x20 || c == 0x7f || c == ':';
    tj_str text = {part, size};
    size_t whole = tj_identity_format((tj_identity){text, text}, buffer);
    assert_int_equal(whole, refused ? 0 : 2 * size + 1);
    assert_string_equal(buffer, whole > 0 ? expected : "");
    size_t alone = tj_identity_format((tj_identity){{NULL, 0}, text}, buffer);
    assert_int_equal(alone, refused ? 0 : size);
    assert_string_equal(buffer, alone > 0 ? expected + size + 1 : "");
}

static void every_byte_at_every_place(void **state)
{
    (void)state;
    for (size_t size = 1; size < 20; size++) {
        for (size_t place = 0; place < size; place++) {
            for (int c = 1; c < 0x80; c++) {
                bool trimmed =
                    (c == ' ' || (c >= '\t' && c <= '\r')) && (place == 0 || place == size - 1);
                if (!trimmed) {
                    check_byte(size, place, (char)c);
                }
            }
        }
    }
}

static void assert_refused(tj_identity id, tj_status status, const char *message)
{
    char buffer[TJ_IDENTITY_TEXT_SIZE] = "x";
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__identity_check(id, &error), status);
    assert_string_equal(error.message, message);
    assert_int_equal(tj_identity_format(id, buffer), 0);
    assert_string_equal(buffer, "");
}

static void what_is_not_valid(void **state)
{
    (void)state;
    assert_refused(identity("binance", ""), TJ_INVALID, "the code is empty");
    assert_refused(identity("binance", NULL), TJ_INVALID, "the code is empty");
    assert_refused(identity("binance", "  "), TJ_INVALID, "the code is empty");
    assert_refused(identity(" ", "BTC"), TJ_INVALID, "the exchange is empty");
    assert_refused(identity("bin\x01", "BTC"), TJ_INVALID,
                   "the exchange \"bin\\x01\" holds a control character");
    assert_refused(identity("bin", "B\x7fTC"), TJ_INVALID,
                   "the code \"B\\x7fTC\" holds a control character");
    assert_refused(identity("bin", "B\xff"), TJ_INVALID, "the code \"B\\xff\" is not UTF-8");
    assert_refused(identity("bin", "B\xed\xa0\x80"), TJ_INVALID,
                   "the code \"B\\xed\\xa0\\x80\" is not UTF-8");
    /* Their text would be read as another identity. */
    assert_refused(identity("a:b", "BTC"), TJ_INVALID,
                   "the exchange \"a:b\" holds a colon, which ends the exchange in an identity");
    assert_refused(identity(NULL, "a:BTC"), TJ_INVALID,
                   "the code \"a:BTC\" holds a colon, which ends the exchange in an identity");
    assert_refused(identity(SIXTY "abcde", "BTC"), TJ_LIMIT,
                   "the exchange \"" TEN TEN TEN TEN "...\" has 65 bytes; at most 64 are allowed");
    assert_refused(identity("bin", SIXTY SIXTY "abcdefghi"), TJ_LIMIT,
                   "the code \"" TEN TEN TEN TEN "...\" has 129 bytes; at most 128 are allowed");
}

static void assert_parsed(const char *text, const char *exchange, const char *code)
{
    tj_identity id;
    assert_int_equal(tj_identity_parse(tj_str_of(text), &id, NULL), TJ_OK);
    assert_true(tj_str_equal(id.exchange, tj_str_of(exchange)));
    assert_true(tj_str_equal(id.code, tj_str_of(code)));
}

static void text_is_split_at_the_first_colon(void **state)
{
    (void)state;
    assert_parsed("binance_perp:BTCUSDT", "binance_perp", "BTCUSDT");
    assert_parsed("BTCUSDT", "", "BTCUSDT");
    assert_parsed("Binance:btcusdt", "Binance", "btcusdt");
    assert_parsed(" binance : btc usdt ", "binance", "btc usdt");
    assert_parsed("a:b:c", "a", "b:c");
    tj_str view = TJ_STR("binance:BTCUSDT");
    tj_identity id;
    assert_int_equal(tj_identity_parse(view, &id, NULL), TJ_OK);
    assert_ptr_equal(id.exchange.data, view.data);
    assert_ptr_equal(id.code.data, view.data + sizeof "binance:" - 1);
}

static void what_cannot_be_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        tj_status status;
        const char *message;
    } cases[] = {
        {"", TJ_INVALID, "the code is empty"},
        {NULL, TJ_INVALID, "the code is empty"},
        {":", TJ_INVALID, "the exchange is empty"},
        {":BTC", TJ_INVALID, "the exchange is empty"},
        {"  :BTC", TJ_INVALID, "the exchange is empty"},
        {"binance:", TJ_INVALID, "the code is empty"},
        {"binance: ", TJ_INVALID, "the code is empty"},
        {"bin\tance:BTC", TJ_INVALID, "the exchange \"bin\\x09ance\" holds a control character"},
        {SIXTY "abcde:BTC", TJ_LIMIT,
         "the exchange \"" TEN TEN TEN TEN "...\" has 65 bytes; at most 64 are allowed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tj_identity id = identity("x", "Y");
        tj_error error = TJ_ERROR_INIT;
        assert_int_equal(tj_identity_parse(tj_str_of(cases[i].text), &id, &error), cases[i].status);
        assert_string_equal(error.message, cases[i].message);
        assert_true(tj_str_equal(id.code, TJ_STR("Y")));
    }
}

static void order_is_that_of_the_canonical_texts(void **state)
{
    (void)state;
    assert_int_equal(tj_identity_compare(identity("BINANCE", "btc"), identity("binance", "BTC")),
                     0);
    assert_true(tj_identity_compare(identity("a", "B"), identity("b", "A")) < 0);
    assert_true(tj_identity_compare(identity("b", "a"), identity("A", "b")) > 0);
    assert_true(tj_identity_compare(identity("a", "B"), identity("a", "BC")) < 0);
    /* "BTC" stands before "binance:BTC": they are different identities. */
    assert_true(tj_identity_compare(identity(NULL, "btc"), identity("binance", "btc")) < 0);
}

static void exchanges_alone(void **state)
{
    (void)state;
    char buffer[TJ_EXCHANGE_SIZE_MAX + 1] = "x";
    size_t size = 42;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__exchange_canonical(TJ_STR(" Binance_Perp "), buffer, &size, &error),
                     TJ_OK);
    assert_string_equal(buffer, "binance_perp");
    assert_int_equal(size, 12);
    assert_int_equal(tj__exchange_canonical(TJ_STR(SIXTY "ABCD"), buffer, &size, &error), TJ_OK);
    assert_string_equal(buffer, SIXTY "abcd");
    assert_int_equal(size, 64);
    assert_int_equal(tj__exchange_canonical(TJ_STR(SIXTY "ABCDE"), buffer, &size, &error),
                     TJ_LIMIT);
    assert_int_equal(tj__exchange_canonical(TJ_STR(""), buffer, &size, &error), TJ_INVALID);
    assert_string_equal(error.message, "the exchange is empty");
    assert_int_equal(tj__exchange_canonical((tj_str){NULL, 0}, buffer, &size, &error), TJ_INVALID);
    assert_int_equal(tj__exchange_canonical(TJ_STR("a:b"), buffer, &size, &error), TJ_INVALID);
    assert_int_equal(size, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_form),
        cmocka_unit_test(every_byte_at_every_place),
        cmocka_unit_test(what_is_not_valid),
        cmocka_unit_test(text_is_split_at_the_first_colon),
        cmocka_unit_test(what_cannot_be_parsed),
        cmocka_unit_test(order_is_that_of_the_canonical_texts),
        cmocka_unit_test(exchanges_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
