/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Well-formed JSON that is not what it should be: where, and what is said. */
#include "support.h"

typedef struct bad {
    const char *text;
    tj_status status;
    const char *message;
} bad;

typedef tj_status parser(tj_str text, tj_error *error);

static tj_status parse_state(tj_str text, tj_error *error)
{
    tj_live_state *out = (void *)&out;
    tj_status status = tj_live_state_from_json(text, &out, error);
    assert_null(status == TJ_OK ? NULL : out);
    tj_live_state_free(out);
    return status;
}

static tj_status parse_algo(tj_str text, tj_error *error)
{
    tj_algo_record *out = (void *)&out;
    tj_status status = tj_algo_record_from_json(text, &out, error);
    assert_null(status == TJ_OK ? NULL : out);
    tj_algo_record_free(out);
    return status;
}

static tj_status parse_algos(tj_str text, tj_error *error)
{
    tj_algo_list *out = (void *)&out;
    tj_status status = tj_algo_list_from_json(text, &out, error);
    assert_null(status == TJ_OK ? NULL : out);
    tj_algo_list_free(out);
    return status;
}

static tj_status parse_entry(tj_str text, tj_error *error)
{
    tj_ledger_list *out = (void *)&out;
    tj_status status = tj_ledger_entry_from_json(text, &out, error);
    assert_null(status == TJ_OK ? NULL : out);
    tj_ledger_list_free(out);
    return status;
}

static void check_table(parser *parse, const bad *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tj_error error = TJ_ERROR_INIT;
        tj_status status = parse(tj_str_of(table[i].text), &error);
        if (status != table[i].status || strcmp(error.message, table[i].message) != 0) {
            fail_msg("%s\n  gave %d: %s\n  not  %d: %s", table[i].text, status, error.message,
                     table[i].status, table[i].message);
        }
        assert_int_equal(error.status, status);
        assert_int_equal(parse(tj_str_of(table[i].text), NULL), status);
    }
}

#define CHECK(parse, table) check_table(parse, table, sizeof(table) / sizeof *(table))

#define POSITION(symbol)                                                                \
    "{\"symbol\":\"" symbol "\",\"side\":null,\"quantity\":\"0\",\"entry_price\":null," \
    "\"unrealized_pnl\":\"0\",\"updated_at\":\"2025-11-23T12:13:20Z\"}"
#define HEAD                                                                          \
    "\"reporting_currency\":\"USDT\",\"initial_equity\":\"1\",\"peak_equity\":\"1\"," \
    "\"liquidate_only\":false"
#define REQUEST \
    "{\"symbol\":\"BTCUSDT\",\"side\":\"Buy\",\"order_type\":\"Limit\",\"quantity\":\"1\"}"
#define ORDER(id, request, rest)                                          \
    "{\"id\":\"" id "\",\"request\":" request ",\"status\":\"Accepted\"," \
    "\"filled_quantity\":\"0\",\"created_at\":\"2025-11-23T12:13:20Z\","  \
    "\"updated_at\":\"2025-11-23T12:13:20Z\"" rest "}"

static void wrong_members_are_named(void **state)
{
    (void)state;
    const bad table[] = {
        {"", TJ_INVALID, "line 1, column 1: there is no JSON value"},
        {"[]", TJ_INVALID, "line 1, column 1: expected an object, found an array"},
        {"{\"open_orders\":{}}", TJ_INVALID,
         "open_orders: line 1, column 16: expected an array, found an object"},
        {"{\"open_orders\":null}", TJ_INVALID,
         "open_orders: line 1, column 16: expected an array, found null"},
        {"{\"last_prices\":[]}", TJ_INVALID,
         "last_prices: line 1, column 16: expected an object, found an array"},
        {"{\"portfolio\":true}", TJ_INVALID,
         "portfolio: line 1, column 14: expected an object, found true or false"},
        {"{\"portfolio_equity\":\"1e\"}", TJ_INVALID,
         "portfolio_equity: line 1, column 21: \"1e\" is not a decimal such as -12.50 or 1.25e-7"},
        {"{\"last_prices\":{\"A\":1e34}}", TJ_INVALID,
         "last_prices.A: line 1, column 21: \"1e34\" cannot be held exactly: a decimal has at most "
         "34 digits, 56 of them behind the point"},
        {"{\"last_prices\":{\"A\":null}}", TJ_INVALID,
         "last_prices.A: line 1, column 21: expected a string, found null"},
        {"{\"last_prices\":{\"A\":\"12345678901234567890123456789012345\"}}", TJ_LIMIT,
         "last_prices.A: line 1, column 21: \"12345678901234567890123456789012345\" has more than "
         "34 significant digits"},
        {"{\"last_candle_ts\":\"2025-02-30T00:00:00Z\"}", TJ_INVALID,
         "last_candle_ts: line 1, column 19: \"2025-02-30T00:00:00Z\" names a date or a time that "
         "does not exist"},
        {"{\"last_candle_ts\":5}", TJ_INVALID,
         "last_candle_ts: line 1, column 19: expected a string, found a number"},
        {"{\"last_prices\":{\"\":\"1\"}}", TJ_INVALID,
         "last_prices: line 1, column 17: the code is empty"},
        {"{\"last_prices\":{\":A\":\"1\"}}", TJ_INVALID,
         "last_prices: line 1, column 17: the exchange is empty"},
        {"{\"execution_checkpoint\":{\"exec_ids\":[\"a\",\"\"]}}", TJ_INVALID,
         "execution_checkpoint.exec_ids[1]: line 1, column 42: the text must not be empty"},
        {"{\"portfolio\":{\"positions\":{},\"balances\":{}," HEAD
         ",\"sub_accounts\":{\"a b\":{\"exchange\":\"a b\",\"positions\":{}}}}}",
         TJ_INVALID,
         "portfolio.sub_accounts[\"a b\"]: line 1, column 156: member \"balances\" is missing"},
        {"{\"portfolio\":{\"positions\":{},\"balances\":{}," HEAD
         ",\"sub_accounts\":{\"a:b\":{}}}}",
         TJ_INVALID,
         "portfolio.sub_accounts: line 1, column 150: the exchange \"a:b\" holds a colon, which "
         "ends the exchange in an identity"},
        {"{\"portfolio\":{\"positions\":{},\"balances\":{},\"reporting_currency\":\"USDT\","
         "\"initial_equity\":\"1\",\"peak_equity\":\"1\"}}",
         TJ_INVALID, "portfolio: line 1, column 14: member \"liquidate_only\" is missing"},
        {"{\"portfolio\":{\"positions\":{},\"balances\":{},\"reporting_currency\":\"USDT\","
         "\"initial_equity\":\"1\",\"peak_equity\":\"1\",\"liquidate_only\":\"no\"}}",
         TJ_INVALID,
         "portfolio.liquidate_only: line 1, column 128: expected true or false, found a string"},
        {"{\"portfolio\":{\"positions\":{\"ethusdt\":" POSITION("BTCUSDT") "},\"balances\":{}," HEAD
                                                                           "}}",
         TJ_INVALID,
         "portfolio.positions.ethusdt.symbol: line 1, column 48: \"BTCUSDT\" stands under the key "
         "\"ETHUSDT\""},
        {"{\"portfolio\":{\"positions\":{\"BTCUSDT\":" POSITION(
             "binance:BTCUSDT") "},\"balances\":{}," HEAD "}}",
         TJ_INVALID,
         "portfolio.positions.BTCUSDT.symbol: line 1, column 48: \"binance:BTCUSDT\" stands under "
         "the key \"BTCUSDT\""},
    };
    CHECK(parse_state, table);
}

static void wrong_orders_are_named(void **state)
{
    (void)state;
    const bad table[] = {
        {"{\"open_orders\":[7]}", TJ_INVALID,
         "open_orders[0]: line 1, column 17: expected an object, found a number"},
        {"{\"open_orders\":[{\"id\":\"x\"}]}", TJ_INVALID,
         "open_orders[0]: line 1, column 17: member \"request\" is missing"},
        {"{\"open_orders\":[" ORDER("", REQUEST, "") "]}", TJ_INVALID,
         "open_orders[0].id: line 1, column 23: the text must not be empty"},
        {"{\"open_orders\":[" ORDER("x", "{\"side\":\"Buy\"}", "") "]}", TJ_INVALID,
         "open_orders[0].request: line 1, column 37: member \"symbol\" is missing"},
        {"{\"open_orders\":[" ORDER("a", REQUEST, "") ",\n" ORDER(
             "b", "{\"symbol\":\"A\",\"side\":\"Hold\"}", "") "]}",
         TJ_INVALID,
         "open_orders[1].request.side: line 2, column 42: \"Hold\" is not one of Buy, Sell"},
        {"{\"open_orders\":[" ORDER(
             "b", "{\"symbol\":\"A\",\"side\":\"Buy\",\"order_type\":\"limit\"}", "") "]}",
         TJ_INVALID,
         "open_orders[0].request.order_type: line 1, column 77: \"limit\" is not one of Market, "
         "Limit, StopMarket"},
        {"{\"open_orders\":["
         "{\"id\":\"x\",\"request\":" REQUEST ",\"status\":null}]}",
         TJ_INVALID, "open_orders[0].status: line 1, column 116: expected a string, found null"},
        {"{\"open_orders\":[" ORDER(
             "a",
             "{\"symbol\":\"A\",\"side\":\"Buy\",\"order_type\":\"Limit\",\"quantity\":\"1.2.3\"}",
             "") "]}",
         TJ_INVALID,
         "open_orders[0].request.quantity: line 1, column 96: \"1.2.3\" is not a plain decimal "
         "such as -12.50"},
        {"{\"open_orders\":[" ORDER("a", REQUEST, ",\"status\":\"Filled\"") "]}", TJ_INVALID,
         "open_orders[0]: key \"status\" stands twice (line 1, column 107 and line 1, column 221)"},
        {"{\"open_orders\":[" ORDER("a", REQUEST, ",\"x\":1,\"y\":2,\"\\u0078\":3") "]}",
         TJ_INVALID,
         "open_orders[0]: key \"x\" stands twice (line 1, column 221 and line 1, column 233)"},
        {"{\"open_orders\":[" ORDER("a", REQUEST, "") "," ORDER("b", REQUEST, "") "," ORDER(
             "a", REQUEST, "") "]}",
         TJ_INVALID,
         "open_orders: id \"a\" stands twice (line 1, column 17 and line 1, column 427)"},
    };
    CHECK(parse_state, table);
}

#define TWO_VENUES "; two venues under one code? write them as exchange:CODE"

static void repeated_keys_are_named(void **state)
{
    (void)state;
    const bad table[] = {
        {"{\"portfolio\":null,\"portfolio\":null}", TJ_INVALID,
         "key \"portfolio\" stands twice (line 1, column 2 and line 1, column 19)"},
        {"{\"new\":1,\n \"new\":1}", TJ_INVALID,
         "key \"new\" stands twice (line 1, column 2 and line 2, column 2)"},
        {"{\"last_prices\":{\"BTCUSDT\":\"1\",\"A\":\"1\",\"btcusdt \":\"2\"}}", TJ_INVALID,
         "last_prices: key \"BTCUSDT\" stands twice (line 1, column 17 and line 1, column "
         "39)" TWO_VENUES},
        {"{\"last_prices\":{\"Binance:A\":\"1\",\"binance:a\":\"2\"}}", TJ_INVALID,
         "last_prices: key \"binance:A\" stands twice (line 1, column 17 and line 1, column "
         "33)" TWO_VENUES},
        {"{\"portfolio\":{\"positions\":{\"A\":" POSITION("A") ",\"a\":" POSITION(
             "a") "},"
                  "\"balances\":{}," HEAD "}}",
         TJ_INVALID,
         "portfolio.positions: key \"A\" stands twice (line 1, column 28 and line 1, column "
         "150)" TWO_VENUES},
        {"{\"portfolio\":{\"positions\":{},\"balances\":{}," HEAD ",\"sub_accounts\":{"
         "\"okx\":{\"positions\":{},\"balances\":{}},\"OKX\":{\"positions\":{},\"balances\":{}}}}}",
         TJ_INVALID,
         "portfolio.sub_accounts: key \"okx\" stands twice (line 1, column 150 and line 1, column "
         "187)"},
        {"{\"execution_checkpoint\":{\"exec_ids\":[\"a\",\"b\",\"a\"]}}", TJ_INVALID,
         "execution_checkpoint.exec_ids: id \"a\" stands twice (line 1, column 38 and line 1, "
         "column 46)"},
    };
    CHECK(parse_state, table);
}

/* What a later LiveState would have to say nothing about stays untouched. */
static void raw_texts_may_repeat_keys(void **state)
{
    (void)state;
    assert_int_equal(parse_state(TJ_STR("{\"strategy_state\":{\"a\":1,\"a\":2},\"new\":{\"b\":1,"
                                        "\"b\":2}}"),
                                 NULL),
                     TJ_OK);
}

static void two_venues_under_one_code_are_refused(void **state)
{
    (void)state;
    tj__buffer file;
    tj_error error = TJ_ERROR_INIT;
    read_file(COPY("snapshots/two-venues-as-written.json"), &file);
    assert_int_equal(parse_state(text_of(&file), &error), TJ_INVALID);
    assert_string_equal(error.message, "last_prices: key \"BTCUSDT\" stands twice (line 1, column "
                                       "51 and line 1, column 68)" TWO_VENUES);
    tj__buffer_dispose(&file);
}

static void wrong_algorithms_are_named(void **state)
{
    (void)state;
    const bad records[] = {
        {"7", TJ_INVALID, "line 1, column 1: expected an object, found a number"},
        {"{}", TJ_INVALID, "line 1, column 1: member \"algo_type\" is missing"},
        {"{\"algo_type\":\"TWAP\"}", TJ_INVALID, "line 1, column 1: member \"state\" is missing"},
        {"{\"payload\":{}}", TJ_INVALID, "line 1, column 1: member \"plugin\" is missing"},
        {"{\"plugin\":\"\",\"payload\":1}", TJ_INVALID,
         "plugin: line 1, column 11: the text must not be empty"},
        {"{\"plugin\":\"TWAP\",\"state\":{}}", TJ_INVALID,
         "line 1, column 1: two spellings are mixed; an algorithm record has either plugin and "
         "payload, or algo_type and state"},
        {"{\"algo_type\":\"TWAP\",\"state\":{},\"v\":1}", TJ_INVALID,
         "line 1, column 32: member \"v\" is not one of algo_type, state"},
        {"{\"plugin\":\"TWAP\",\"payload\":{},\"id\":1}", TJ_INVALID,
         "line 1, column 31: member \"id\" is not one of plugin, payload"},
        {"{\"plugin\":\"a\",\"plugin\":\"b\",\"payload\":{}}", TJ_INVALID,
         "key \"plugin\" stands twice (line 1, column 2 and line 1, column 15)"},
        {"{\"plugin\":\"a\",\"payload\":\"\\ud800\"}", TJ_INVALID,
         "line 1, column 26: half of a surrogate pair stands alone"},
    };
    CHECK(parse_algo, records);
    const bad lists[] = {
        {"{\"x\":{}}", TJ_INVALID,
         "line 1, column 2: \"x\" is not a UUID such as 6f1c7a52-0a3e-4f0b-9d7e-2b5c8d1e4f60"},
        {"{\"aaaaaaaa-0000-4000-8000-000000000001\":{\"plugin\":\"a\",\"payload\":1},"
         "\"AAAAAAAA-0000-4000-8000-000000000001\":{\"plugin\":\"b\",\"payload\":2}}",
         TJ_INVALID,
         "key \"aaaaaaaa-0000-4000-8000-000000000001\" stands twice (line 1, column 2 and line 1, "
         "column 68)"},
        {"{\"aaaaaaaa-0000-4000-8000-000000000001\":{\"plugin\":5}}", TJ_INVALID,
         "aaaaaaaa-0000-4000-8000-000000000001.plugin: line 1, column 51: expected a string, found "
         "a number"},
    };
    CHECK(parse_algos, lists);
}

#define ENTRY(id, sequence, rest)                                                  \
    "{" id sequence "\"timestamp\":\"2025-11-23T12:13:20Z\",\"exchange\":\"okx\"," \
    "\"asset\":\"USDT\",\"amount\":\"1\"," rest "}"
#define ENTRY_ID "\"id\":\"abc00000-0000-4000-8000-000000000000\","
#define ENTRY_REST "\"entry_type\":\"fee\",\"reference_id\":\"\""

static void wrong_ledger_entries_are_named(void **state)
{
    (void)state;
    const bad table[] = {
        {ENTRY("", "\"sequence\":1,", ENTRY_REST), TJ_INVALID,
         "line 1, column 1: member \"id\" is missing"},
        {ENTRY(ENTRY_ID, "", ENTRY_REST), TJ_INVALID,
         "line 1, column 1: member \"sequence\" is missing"},
        {ENTRY(ENTRY_ID, "\"sequence\":-1,", ENTRY_REST), TJ_INVALID,
         "sequence: line 1, column 57: -1 is not a whole number from 0 to 2^64 - 1"},
        {ENTRY(ENTRY_ID, "\"sequence\":18446744073709551616,", ENTRY_REST), TJ_INVALID,
         "sequence: line 1, column 57: 18446744073709551616 is not a whole number from 0 to "
         "2^64 - 1"},
        {ENTRY(ENTRY_ID, "\"sequence\":\"1\",", ENTRY_REST), TJ_INVALID,
         "sequence: line 1, column 57: expected a number, found a string"},
        {ENTRY("\"id\":\"abc\",", "\"sequence\":1,", ENTRY_REST), TJ_INVALID,
         "id: line 1, column 7: \"abc\" is not a UUID such as "
         "6f1c7a52-0a3e-4f0b-9d7e-2b5c8d1e4f60"},
        {ENTRY(ENTRY_ID, "\"sequence\":1,", "\"entry_type\":\"Fee\",\"reference_id\":\"\""),
         TJ_INVALID,
         "entry_type: line 1, column 152: \"Fee\" is not one of trade_realized_pnl, fee, funding, "
         "transfer_in, transfer_out, adjustment"},
        {ENTRY(ENTRY_ID, "\"sequence\":1,", ENTRY_REST ",\"note\":1"), TJ_INVALID,
         "line 1, column 176: member \"note\" is not one of id, sequence, timestamp, exchange, "
         "asset, amount, entry_type, reference_id, meta"},
    };
    CHECK(parse_entry, table);
    assert_int_equal(
        parse_entry(TJ_STR(ENTRY(ENTRY_ID, "\"sequence\":18446744073709551615,", ENTRY_REST)),
                    NULL),
        TJ_OK);
}

static void long_texts_are_refused(void **state)
{
    (void)state;
    char name[TJ_MEMBER_SIZE_MAX + 2];
    char text[1024];
    tj_error error = TJ_ERROR_INIT;
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    (void)snprintf(text, sizeof text, "{\"last_prices\":{},\"%s\":1}", name + 1);
    assert_int_equal(parse_state(tj_str_of(text), &error), TJ_OK);
    (void)snprintf(text, sizeof text, "{\"%s\":1}", name);
    assert_int_equal(parse_state(tj_str_of(text), &error), TJ_LIMIT);
    assert_string_equal(error.message,
                        "line 1, column 2: the name \"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...\""
                        " of an unknown member has 257 bytes; at most 256 are allowed");
    (void)snprintf(text, sizeof text, "{\"open_orders\":[" ORDER("%s", REQUEST, "") "]}", name);
    assert_int_equal(parse_state(tj_str_of(text), &error), TJ_LIMIT);
    assert_string_equal(
        error.message,
        "open_orders[0].id: line 1, column 23: the text has 257 bytes; at most 256 are allowed");
}

/* A text as long as anything may be, behind `head`. */
static void refuse_large_value(const char *head, const char *message)
{
    tj__buffer text = {0};
    tj_error error = TJ_ERROR_INIT;
    tj__put_cstr(&text, head);
    uint8_t *letters = tj__buffer_extend(&text, TJ_JSON_SIZE_MAX);
    assert_non_null(letters);
    memset(letters, 'x', TJ_JSON_SIZE_MAX);
    tj__put_cstr(&text, "\"}");
    assert_int_equal(parse_state(text_of(&text), &error), TJ_LIMIT);
    assert_string_equal(error.message, message);
    tj__buffer_dispose(&text);
}

static void large_values_are_refused(void **state)
{
    (void)state;
    refuse_large_value("{\"strategy_state\":\"",
                       "strategy_state: line 1, column 19: the JSON text has 16777218 bytes; at "
                       "most 16777216 are allowed");
    refuse_large_value("{\"last_prices\":{},\"a\":\"",
                       "line 1, column 1: unknown members have 16777224 bytes; at most 16777216 "
                       "are allowed");
}

/* 10,000 keys in each kind of object would take seconds if each were compared with all others. */
static void many_keys_are_sorted_out(void **state)
{
    (void)state;
    tj__buffer text = {0};
    tj_error error = TJ_ERROR_INIT;
    tj__put_cstr(&text, "{\"last_prices\":{");
    for (int i = 0; i < 100000; i++) {
        tj__put_format(&text, "%s\"SYM%dUSDT\":\"1.5\"", i ? "," : "", i);
    }
    tj__put_cstr(&text, "}");
    for (int i = 0; i < 100000; i++) {
        tj__put_format(&text, ",\"member%d\":%d", i, i);
    }
    size_t open = text.size;
    tj__put_cstr(&text, "}");
    assert_int_equal(parse_state(text_of(&text), &error), TJ_OK);
    text.size = open;
    tj__put_cstr(&text, ",\n\"member77\":0}");
    assert_int_equal(parse_state(text_of(&text), &error), TJ_INVALID);
    const char start[] = "key \"member77\" stands twice (line 1, column ";
    assert_memory_equal(error.message, start, sizeof start - 1);
    assert_string_equal(error.place, "line 2, column 1");
    tj__buffer_dispose(&text);
}

static void null_arguments_are_misuse(void **state)
{
    (void)state;
    tj_error error = TJ_ERROR_INIT;
    tj_text text = {NULL, 0};
    assert_int_equal(tj_live_state_from_json(TJ_STR("{}"), NULL, &error), TJ_MISUSE);
    assert_int_equal(tj_algo_record_from_json(TJ_STR("{}"), NULL, &error), TJ_MISUSE);
    assert_int_equal(tj_algo_list_from_json(TJ_STR("{}"), NULL, &error), TJ_MISUSE);
    assert_int_equal(tj_ledger_entry_from_json(TJ_STR("{}"), NULL, &error), TJ_MISUSE);
    assert_int_equal(tj_live_state_to_json(NULL, &text, &error), TJ_MISUSE);
    assert_string_equal(error.message, "an argument that must not be NULL is NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_members_are_named),
        cmocka_unit_test(wrong_orders_are_named),
        cmocka_unit_test(repeated_keys_are_named),
        cmocka_unit_test(raw_texts_may_repeat_keys),
        cmocka_unit_test(two_venues_under_one_code_are_refused),
        cmocka_unit_test(wrong_algorithms_are_named),
        cmocka_unit_test(wrong_ledger_entries_are_named),
        cmocka_unit_test(long_texts_are_refused),
        cmocka_unit_test(large_values_are_refused),
        cmocka_unit_test(many_keys_are_sorted_out),
        cmocka_unit_test(null_arguments_are_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
