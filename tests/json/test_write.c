/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Values of the caller as text: order, canonical names, and what is refused. */
#include "support.h"

static tj_decimal decimal(const char *text)
{
    tj_decimal value;
    assert_int_equal(tj_decimal_parse(tj_str_of(text), &value, NULL), TJ_OK);
    return value;
}

static tj_identity identity(const char *exchange, const char *code)
{
    return (tj_identity){tj_str_of(exchange), tj_str_of(code)};
}

static tj_order an_order(const char *id)
{
    return (tj_order){
        .id = tj_str_of(id),
        .request = {.symbol = identity(NULL, "btcusdt"),
                    .side = TJ_SIDE_SELL,
                    .order_type = TJ_ORDER_MARKET,
                    .quantity = decimal("1.0")},
        .status = TJ_ORDER_PENDING_NEW,
        .created_at = 1,
    };
}

static void assert_written(const tj_live_state *state, const char *expected)
{
    tj_error error = TJ_ERROR_INIT;
    tj_text text = {NULL, 0};
    if (tj_live_state_to_json(state, &text, &error) != TJ_OK) {
        fail_msg("%s", error.message);
    }
    assert_string_equal(text.data, expected);
    tj_text_dispose(&text);
}

static void assert_refused(const tj_live_state *state, tj_status status, const char *message)
{
    tj_error error = TJ_ERROR_INIT;
    char mark = 'x';
    tj_text text = {&mark, 1};
    assert_int_equal(tj_live_state_to_json(state, &text, &error), status);
    assert_string_equal(error.message, message);
    assert_null(text.data);
    assert_int_equal(text.size, 0);
}

static void maps_are_sorted_and_names_canonical(void **state)
{
    (void)state;
    tj_price prices[] = {{identity("OKX", "b"), decimal("2")},
                         {identity(NULL, "z"), decimal("-0.10")},
                         {identity("", " A "), decimal("1")}};
    tj_live_state live = {.last_prices = prices, .last_price_count = 3};
    assert_written(&live, "{\"portfolio\":null,\"open_orders\":[],\"last_prices\":{\"A\":\"1\","
                          "\"Z\":\"-0.10\",\"okx:B\":\"2\"},\"last_candle_ts\":null,"
                          "\"strategy_state\":null}");

    tj_position positions[] = {{.symbol = identity("okx", "b"), .extra = TJ_STR("{ }")},
                               {.symbol = identity("Okx", "a"),
                                .side = TJ_SIDE_BUY,
                                .extra = TJ_STR("{\"\\u0022q\" : [ 1 ]}")}};
    tj_sub_account account = {
        .exchange = TJ_STR(" OKX"), .positions = positions, .position_count = 2};
    live = (tj_live_state){.has_portfolio = true,
                           .portfolio = {.reporting_currency = identity(NULL, "usdt"),
                                         .sub_accounts = &account,
                                         .sub_account_count = 1}};
    assert_written(
        &live,
        "{\"portfolio\":{\"positions\":{},\"balances\":{},\"reporting_currency\":\"USDT\","
        "\"initial_equity\":\"0\",\"drawdown_limit\":null,\"peak_equity\":\"0\","
        "\"liquidate_only\":false,\"sub_accounts\":{\"okx\":{\"exchange\":\"okx\",\"positions\":{"
        "\"okx:A\":{\"symbol\":\"okx:A\",\"side\":\"Buy\",\"quantity\":\"0\",\"entry_price\":null,"
        "\"unrealized_pnl\":\"0\",\"updated_at\":\"1970-01-01T00:00:00Z\",\"\\\"q\":[ 1 ]},"
        "\"okx:B\":{\"symbol\":\"okx:B\",\"side\":null,\"quantity\":\"0\",\"entry_price\":null,"
        "\"unrealized_pnl\":\"0\",\"updated_at\":\"1970-01-01T00:00:00Z\"}},\"balances\":{}}}},"
        "\"open_orders\":[],\"last_prices\":{},\"last_candle_ts\":null,\"strategy_state\":null}");
}

static void optional_members_are_written_when_set(void **state)
{
    (void)state;
    tj_order order = an_order("a\n\"\xc5\xbc");
    order.request.client_order_id = TJ_STR("");
    tj_live_state live = {.has_portfolio_equity = true,
                          .portfolio_equity = decimal("12.50"),
                          .open_orders = &order,
                          .open_order_count = 1,
                          .strategy_state = TJ_STR(" {\"a\" : 1e2}"),
                          .has_execution_checkpoint = true};
    assert_written(
        &live,
        "{\"portfolio_equity\":\"12.50\",\"portfolio\":null,\"open_orders\":[{\"id\":\"a\\n\\\""
        "\xc5\xbc\",\"request\":{\"symbol\":\"BTCUSDT\",\"side\":\"Sell\",\"order_type\":"
        "\"Market\",\"quantity\":\"1.0\",\"price\":null,\"trigger_price\":null,\"time_in_force\":"
        "null,\"client_order_id\":\"\",\"take_profit\":null,\"stop_loss\":null,"
        "\"display_quantity\":null},\"status\":\"PendingNew\",\"filled_quantity\":\"0\","
        "\"avg_fill_price\":null,\"created_at\":\"1970-01-01T00:00:00.000000001Z\","
        "\"updated_at\":\"1970-01-01T00:00:00Z\"}],\"last_prices\":{},\"last_candle_ts\":null,"
        "\"strategy_state\": {\"a\" : 1e2},\"execution_checkpoint\":{\"last_timestamp\":null,"
        "\"exec_ids\":[]}}");
}

static void wrong_orders_are_refused(void **state)
{
    (void)state;
    tj_order orders[] = {an_order("a"), an_order("b")};
    tj_live_state live = {.open_orders = orders, .open_order_count = 2};
    orders[1].id = TJ_STR("a");
    assert_refused(&live, TJ_INVALID, "open_orders: id \"a\" stands twice");
    orders[1].id = (tj_str){NULL, 0};
    assert_refused(&live, TJ_INVALID, "open_orders[1].id: the text must not be empty");
    orders[1].id = TJ_STR("\xff");
    assert_refused(&live, TJ_INVALID, "open_orders[1].id: \"\\xff\" is not UTF-8");
    char long_id[TJ_ID_SIZE_MAX + 1];
    memset(long_id, 'i', sizeof long_id);
    orders[1].id = (tj_str){long_id, sizeof long_id};
    assert_refused(&live, TJ_LIMIT,
                   "open_orders[1].id: the text has 257 bytes; at most 256 are allowed");
    orders[1] = an_order("b");
    orders[1].request.side = TJ_SIDE_NONE;
    assert_refused(&live, TJ_INVALID,
                   "open_orders[1].request.side: the value 0 is not one from 1 to 2");
    orders[1] = an_order("b");
    orders[1].request.symbol = identity("okx", "");
    assert_refused(&live, TJ_INVALID, "open_orders[1].request.symbol: the code is empty");
    orders[1] = an_order("b");
    orders[1].request.time_in_force = (tj_time_in_force)9;
    assert_refused(&live, TJ_INVALID,
                   "open_orders[1].request.time_in_force: the value 9 is not one from 1 to 3");
    orders[1] = an_order("b");
    orders[1].extra = TJ_STR("[1]");
    assert_refused(&live, TJ_INVALID,
                   "open_orders[1]: extra: line 1, column 1: expected an object, found an array");
    orders[1].extra = TJ_STR("{\"status\":1}");
    assert_refused(&live, TJ_INVALID,
                   "open_orders[1]: extra: member \"status\" is not an unknown one");
    orders[1].extra = TJ_STR("{\"a\":1,\"a\":1}");
    assert_refused(&live, TJ_INVALID,
                   "open_orders[1]: extra: key \"a\" stands twice (line 1, column 2 and line 1, "
                   "column 8)");
    orders[1].extra = TJ_STR("");
    assert_refused(&live, TJ_INVALID,
                   "open_orders[1]: extra: line 1, column 1: there is no JSON value");
}

static void wrong_values_are_refused(void **state)
{
    (void)state;
    tj_price prices[] = {{identity("okx", "b"), {{0}}}, {identity("OKX", "B"), {{0}}}};
    tj_live_state live = {.last_prices = prices, .last_price_count = 2};
    assert_refused(&live, TJ_INVALID, "last_prices: symbol \"okx:B\" stands twice");
    live = (tj_live_state){.strategy_state = TJ_STR("{\"a\":}")};
    assert_refused(&live, TJ_INVALID,
                   "strategy_state: line 1, column 6: \"}\" is not expected here");
    live = (tj_live_state){.extra = TJ_STR("{\"open_orders\":[]}")};
    assert_refused(&live, TJ_INVALID, "extra: member \"open_orders\" is not an unknown one");
    tj_str ids[] = {TJ_STR("x"), TJ_STR("y"), TJ_STR("x")};
    live = (tj_live_state){.has_execution_checkpoint = true,
                           .execution_checkpoint = {.exec_ids = ids, .exec_id_count = 3}};
    assert_refused(&live, TJ_INVALID, "execution_checkpoint.exec_ids: id \"x\" stands twice");
    ids[2] = TJ_STR("");
    assert_refused(&live, TJ_INVALID,
                   "execution_checkpoint.exec_ids[2]: the text must not be empty");
    live = (tj_live_state){.has_portfolio = true};
    assert_refused(&live, TJ_INVALID, "portfolio.reporting_currency: the code is empty");
    tj_sub_account accounts[] = {{.exchange = TJ_STR("a:b")}};
    live.portfolio.reporting_currency = identity(NULL, "USDT");
    live.portfolio.sub_accounts = accounts;
    live.portfolio.sub_account_count = 1;
    assert_refused(&live, TJ_INVALID,
                   "portfolio.sub_accounts[0]: the exchange \"a:b\" holds a colon, which ends the "
                   "exchange in an identity");
    tj_balance balance = {.currency = identity(NULL, "usdt"), .extra = TJ_STR("{")};
    accounts[0] =
        (tj_sub_account){.exchange = TJ_STR("OKX"), .balances = &balance, .balance_count = 1};
    assert_refused(&live, TJ_INVALID,
                   "portfolio.sub_accounts.okx.balances.USDT: extra: line 1, column 2: the text "
                   "ends before the value is complete");
}

static void large_values_are_refused(void **state)
{
    (void)state;
    char *large = malloc(TJ_JSON_SIZE_MAX + 1);
    assert_non_null(large);
    memset(large, ' ', TJ_JSON_SIZE_MAX + 1);
    large[0] = '1';
    tj_live_state live = {.strategy_state = {large, TJ_JSON_SIZE_MAX + 1}};
    assert_refused(&live, TJ_LIMIT,
                   "strategy_state: the JSON text has 16777217 bytes; at most 16777216 are "
                   "allowed");
    free(large);
}

/* What is no decimal, as memory that nobody set may hold, is not written as one that is empty. */
static void what_was_never_set_is_refused(void **state)
{
    (void)state;
    tj_order order = an_order("a");
    tj_price price = {identity("okx", "b"), decimal("1")};
    tj_live_state live = {.open_orders = &order, .open_order_count = 1};
    const char unset[] = "a tj_decimal holds no decimal (bits 0x7c000000000000000000000000000000): "
                         "it was never set";
    char told[256];
    order.filled_quantity.bits[1] = price.price.bits[1] = UINT64_C(0x7c00000000000000);
    order.filled_quantity.bits[0] = price.price.bits[0] = 0;
    (void)snprintf(told, sizeof told, "open_orders[0].filled_quantity: %s", unset);
    assert_refused(&live, TJ_INVALID, told);
    live = (tj_live_state){.last_prices = &price, .last_price_count = 1};
    (void)snprintf(told, sizeof told, "last_prices.okx:B: %s", unset);
    assert_refused(&live, TJ_INVALID, told);
    live.last_prices = NULL;
    assert_refused(&live, TJ_MISUSE, "last_prices: it is NULL, and should hold 1");
    live = (tj_live_state){.open_order_count = 3};
    assert_refused(&live, TJ_MISUSE, "open_orders: it is NULL, and should hold 3");
}

static void algorithms_are_written(void **state)
{
    (void)state;
    tj_error error = TJ_ERROR_INIT;
    tj_text text = {NULL, 0};
    tj_algo_record records[] = {{.id = {{0xff}}, .state = {TJ_STR("b"), TJ_STR("null")}},
                                {.id = {{0x0a}}, .state = {TJ_STR("a"), TJ_STR("[ ]")}}};
    tj_algo_list list = {.records = records, .count = 2};
    assert_int_equal(tj_algo_list_to_json(&list, &text, &error), TJ_OK);
    assert_string_equal(text.data, "{\"0a000000-0000-0000-0000-000000000000\":{\"algo_type\":\"a\","
                                   "\"state\":[ ]},\"ff000000-0000-0000-0000-000000000000\":{"
                                   "\"algo_type\":\"b\",\"state\":null}}");
    tj_text_dispose(&text);
    records[0].id = records[1].id;
    assert_int_equal(tj_algo_list_to_json(&list, &text, &error), TJ_INVALID);
    assert_string_equal(error.message, "id \"0a000000-0000-0000-0000-000000000000\" stands twice");
    records[0] = (tj_algo_record){.state = {TJ_STR("a"), {NULL, 0}}};
    assert_int_equal(tj_algo_list_to_json(&list, &text, &error), TJ_INVALID);
    assert_string_equal(error.message, "00000000-0000-0000-0000-000000000000.state: line 1, "
                                       "column 1: there is no JSON value");
    assert_int_equal(
        tj_algo_state_to_json(&(tj_algo_state){TJ_STR(""), TJ_STR("1")}, &text, &error),
        TJ_INVALID);
    assert_string_equal(error.message, "algo_type: the text must not be empty");
}

static void ledger_entries_are_written(void **state)
{
    (void)state;
    tj_error error = TJ_ERROR_INIT;
    tj_text text = {NULL, 0};
    tj_ledger_entry entry = {.sequence = UINT64_MAX,
                             .exchange = TJ_STR("OKX"),
                             .asset = identity("okx", "usdt"),
                             .amount = decimal("-0.50"),
                             .type = TJ_LEDGER_ADJUSTMENT};
    assert_int_equal(tj_ledger_entry_to_json(&entry, &text, &error), TJ_OK);
    assert_string_equal(text.data,
                        "{\"id\":\"00000000-0000-0000-0000-000000000000\",\"sequence\":"
                        "18446744073709551615,\"timestamp\":\"1970-01-01T00:00:00Z\",\"exchange\":"
                        "\"okx\",\"asset\":\"okx:USDT\",\"amount\":\"-0.50\",\"entry_type\":"
                        "\"adjustment\",\"reference_id\":\"\",\"meta\":null}");
    tj_text_dispose(&text);
    entry.type = (tj_ledger_type)0;
    assert_int_equal(tj_ledger_entry_to_json(&entry, &text, &error), TJ_INVALID);
    assert_string_equal(error.message, "entry_type: the value 0 is not one from 1 to 6");
    entry.type = TJ_LEDGER_FEE;
    entry.meta = TJ_STR("1 2");
    assert_int_equal(tj_ledger_entry_to_json(&entry, &text, &error), TJ_INVALID);
    assert_string_equal(error.message,
                        "meta: line 1, column 3: there is more text after the value");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_sorted_and_names_canonical),
        cmocka_unit_test(optional_members_are_written_when_set),
        cmocka_unit_test(wrong_orders_are_refused),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(large_values_are_refused),
        cmocka_unit_test(what_was_never_set_is_refused),
        cmocka_unit_test(algorithms_are_written),
        cmocka_unit_test(ledger_entries_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
