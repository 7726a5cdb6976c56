/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lines of `tesser-journal record` on a store in memory: what they change, and what is said about
 * wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <tesser/json.h>
#include <tesser/repository.h>

static tj_store *open_store(void)
{
    tj_error error = TJ_ERROR_INIT;
    tj_config config = TJ_CONFIG_INIT;
    tj_store *store = NULL;
    config.type = TJ_ENGINE_MEMORY;
    if (tj_store_open(&config, &store, &error) != TJ_OK) {
        fail_msg("%s", error.message);
    }
    return store;
}

static void close_store(tj_store *store)
{
    assert_int_equal(tj_store_close(store, NULL), TJ_OK);
}

static uint64_t record_with(tj_store *store, const char *line, tj_commit_options *options)
{
    tj_error error = TJ_ERROR_INIT;
    tj_txn *txn = NULL;
    uint64_t sequence = 0;
    if (tj_txn_begin(store, &txn, &error) != TJ_OK ||
        tj_txn_apply_json(txn, tj_str_of(line), options, &error) != TJ_OK ||
        tj_txn_commit(txn, options, &sequence, &error) != TJ_OK) {
        fail_msg("%s\n%s", line, error.message);
    }
    return sequence;
}

static void record(tj_store *store, const char *line)
{
    (void)record_with(store, line, NULL);
}

static void assert_state_of(tj_store *store, const char *book, const char *expected)
{
    tj_error error = TJ_ERROR_INIT;
    tj_live_state *state = NULL;
    tj_text text = {NULL, 0};
    if (tj_state_load(tj_store_state_repository(store, book), &state, &error) != TJ_OK ||
        tj_live_state_to_json(state, &text, &error) != TJ_OK) {
        fail_msg("%s", error.message);
    }
    assert_string_equal(text.data, expected);
    tj_text_dispose(&text);
    tj_live_state_free(state);
}

static void assert_state(tj_store *store, const char *expected)
{
    assert_state_of(store, NULL, expected);
}

static void assert_refused_with(const char *line, tj_commit_options *options, tj_status status,
                                const char *message)
{
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = open_store();
    tj_txn *txn = NULL;
    assert_int_equal(tj_txn_begin(store, &txn, &error), TJ_OK);
    tj_status actual = tj_txn_apply_json(txn, tj_str_of(line), options, &error);
    if (actual != status || strcmp(error.message, message) != 0) {
        fail_msg("%s\n  gave %d: %s\n  not  %d: %s", line, actual, error.message, status, message);
    }
    tj_txn_abort(txn);
    close_store(store);
}

#define HEAD                                                                         \
    "{\"reporting_currency\":\"USDT\",\"initial_equity\":\"1.0\",\"peak_equity\":2," \
    "\"liquidate_only\":false}"
#define REQUEST \
    "{\"symbol\":\"okx:btcusdt\",\"side\":\"Buy\",\"order_type\":\"Limit\",\"quantity\":\"1\"}"
#define ORDER_REST                                                                 \
    "\"request\":" REQUEST ",\"status\":\"PendingNew\",\"filled_quantity\":\"0\"," \
    "\"created_at\":\"2025-11-23T12:13:20Z\",\"updated_at\":\"2025-11-23T12:13:20Z\""
#define POSITION_REST "\"unrealized_pnl\":\"0\",\"updated_at\":\"2025-11-23T12:13:20Z\"}"
#define BALANCE "{\"quantity\":\"0.10\",\"conversion_rate\":\"1\"}"

#define WRITTEN_REQUEST                                                                         \
    "{\"symbol\":\"okx:BTCUSDT\",\"side\":\"Buy\",\"order_type\":\"Limit\",\"quantity\":\"1\"," \
    "\"price\":null,\"trigger_price\":null,\"time_in_force\":null,\"client_order_id\":null,"    \
    "\"take_profit\":null,\"stop_loss\":null,\"display_quantity\":null}"
#define WRITTEN_ORDER_REST                                                                 \
    "\"request\":" WRITTEN_REQUEST ",\"status\":\"PendingNew\",\"filled_quantity\":\"0\"," \
    "\"avg_fill_price\":null,\"created_at\":\"2025-11-23T12:13:20Z\","                     \
    "\"updated_at\":\"2025-11-23T12:13:20Z\""
#define WRITTEN_BALANCE "\"quantity\":\"0.10\",\"conversion_rate\":\"1\"}"
#define WRITTEN_POSITION_REST "\"entry_price\":null," POSITION_REST
#define WRITTEN_HEAD                                                                      \
    "\"reporting_currency\":\"USDT\",\"initial_equity\":\"1.0\",\"drawdown_limit\":null," \
    "\"peak_equity\":\"2\",\"liquidate_only\":false"
#define EMPTY_REST "\"last_prices\":{},\"last_candle_ts\":null,\"strategy_state\":null}"
#define EMPTY "{\"portfolio\":null,\"open_orders\":[]," EMPTY_REST

/* The members stand in no useful order: the portfolio comes after what stands in it. */
static const char everything[] =
    "{\"positions\":{\"ethusdt\":{\"quantity\":\"-1.50\"," POSITION_REST "},"
    "\"balances\":{\"usdt\":" BALANCE "},"
    "\"sub_accounts\":{\"OKX\":{\"balances\":{\"btc\":" BALANCE "},"
    "\"positions\":{\"okx:btcusdt\":{\"quantity\":\"3\"," POSITION_REST "},\"tier\":2}},"
    "\"orders\":{\"b\":{" ORDER_REST "},\"a\":{\"id\":\"a\"," ORDER_REST ",\"tag\":[1]}},"
    "\"last_prices\":{\"btcusdt\":\"1.10\",\"okx:btcusdt\":2.20},"
    "\"portfolio_equity\":\"7.0\",\"last_candle_ts\":\"2025-11-23T12:13:20Z\","
    "\"strategy_state\": {\"n\" : 1e0},"
    "\"execution_checkpoint\":{\"exec_ids\":[\"e2\",\"e1\"]},"
    "\"extra\":{\"new\" : [ 1 ]},"
    "\"portfolio\":" HEAD "}";

static const char everything_written[] =
    "{\"portfolio_equity\":\"7.0\",\"portfolio\":{"
    "\"positions\":{\"ETHUSDT\":{\"symbol\":\"ETHUSDT\",\"side\":null,"
    "\"quantity\":\"-1.50\"," WRITTEN_POSITION_REST "},"
    "\"balances\":{\"USDT\":{\"currency\":\"USDT\"," WRITTEN_BALANCE "}," WRITTEN_HEAD ","
    "\"sub_accounts\":{\"okx\":{\"exchange\":\"okx\","
    "\"positions\":{\"okx:BTCUSDT\":{\"symbol\":\"okx:BTCUSDT\",\"side\":null,"
    "\"quantity\":\"3\"," WRITTEN_POSITION_REST "},"
    "\"balances\":{\"BTC\":{\"currency\":\"BTC\"," WRITTEN_BALANCE "},\"tier\":2}}},"
    "\"open_orders\":[{\"id\":\"b\"," WRITTEN_ORDER_REST "},"
    "{\"id\":\"a\"," WRITTEN_ORDER_REST ",\"tag\":[1]}],"
    "\"last_prices\":{\"BTCUSDT\":\"1.10\",\"okx:BTCUSDT\":\"2.20\"},"
    "\"last_candle_ts\":\"2025-11-23T12:13:20Z\",\"strategy_state\":{\"n\" : 1e0},"
    "\"execution_checkpoint\":{\"last_timestamp\":null,\"exec_ids\":[\"e2\",\"e1\"]},"
    "\"new\":[ 1 ]}";

static void every_member_is_applied(void **state)
{
    (void)state;
    tj_store *store = open_store();
    record(store, everything);
    assert_state(store, everything_written);

    record(store, "{\"positions\":{\"ETHUSDT\":null},\"balances\":{\"USDT\":null},"
                  "\"sub_accounts\":{\"okx\":{\"positions\":{\"okx:BTCUSDT\":null},"
                  "\"balances\":{\"BTC\":null}}},\"orders\":{\"b\":null},"
                  "\"last_prices\":{\"okx:BTCUSDT\":null},\"portfolio_equity\":null,"
                  "\"last_candle_ts\":null,\"strategy_state\":null,\"execution_checkpoint\":null,"
                  "\"extra\":{}}");
    assert_state(store, "{\"portfolio\":{\"positions\":{},\"balances\":{}," WRITTEN_HEAD ","
                        "\"sub_accounts\":{\"okx\":{\"exchange\":\"okx\",\"positions\":{},"
                        "\"balances\":{},\"tier\":2}}},"
                        "\"open_orders\":[{\"id\":\"a\"," WRITTEN_ORDER_REST ",\"tag\":[1]}],"
                        "\"last_prices\":{\"BTCUSDT\":\"1.10\"},\"last_candle_ts\":null,"
                        "\"strategy_state\":null}");

    record(store, "{\"sub_accounts\":{\"okx\":null},\"orders\":{\"a\":null},"
                  "\"last_prices\":{\"BTCUSDT\":null}}");
    assert_state(store, "{\"portfolio\":{\"positions\":{},\"balances\":{}," WRITTEN_HEAD ","
                        "\"sub_accounts\":{}},\"open_orders\":[]," EMPTY_REST);
    record(store, "{\"portfolio\":null}");
    assert_state(store, EMPTY);
    close_store(store);
}

static void a_whole_state_comes_first(void **state)
{
    (void)state;
    tj_store *store = open_store();
    record(store, "{\"orders\":{\"new\":{" ORDER_REST "}},\"last_prices\":{\"A\":\"3\"},"
                  "\"state\":{\"open_orders\":[{\"id\":\"old\"," ORDER_REST "}],"
                  "\"last_prices\":{\"A\":\"1\",\"B\":\"2\"},\"hint\":7}}");
    assert_state(store, "{\"portfolio\":null,"
                        "\"open_orders\":[{\"id\":\"old\"," WRITTEN_ORDER_REST "},"
                        "{\"id\":\"new\"," WRITTEN_ORDER_REST "}],"
                        "\"last_prices\":{\"A\":\"3\",\"B\":\"2\"},\"last_candle_ts\":null,"
                        "\"strategy_state\":null,\"hint\":7}");
    /* What a line does not give stays as it is. */
    record(store, "{\"orders\":{\"old\":{" ORDER_REST ",\"tag\":1}},\"extra\":{\"other\":8}}");
    assert_state(store, "{\"portfolio\":null,"
                        "\"open_orders\":[{\"id\":\"old\"," WRITTEN_ORDER_REST ",\"tag\":1},"
                        "{\"id\":\"new\"," WRITTEN_ORDER_REST "}],"
                        "\"last_prices\":{\"A\":\"3\",\"B\":\"2\"},\"last_candle_ts\":null,"
                        "\"strategy_state\":null,\"other\":8}");
    record(store, "{}");
    record(store, "{\"state\":{},\"extra\":{}}");
    assert_state(store, EMPTY);
    close_store(store);
}

static void algorithms_are_put_and_deleted(void **state)
{
    (void)state;
    tj_store *store = open_store();
    tj_algo_repository *algos = tj_store_algo_repository(store, NULL);
    record(store, "{\"algos\":{\"AAAAAAAA-0000-4000-8000-000000000001\":{\"plugin\":\"TWAP\","
                  "\"payload\": [ 1 ] },\"aaaaaaaa-0000-4000-8000-000000000002\":{\"algo_type\":"
                  "\"VWAP\",\"state\":null}}}");
    tj_algo_list *list = NULL;
    tj_text text = {NULL, 0};
    assert_int_equal(tj_algo_load_all(algos, &list, NULL), TJ_OK);
    assert_int_equal(tj_algo_list_to_json(list, &text, NULL), TJ_OK);
    assert_string_equal(text.data,
                        "{\"aaaaaaaa-0000-4000-8000-000000000001\":{\"algo_type\":\"TWAP\","
                        "\"state\":[ 1 ]},\"aaaaaaaa-0000-4000-8000-000000000002\":{\"algo_type\":"
                        "\"VWAP\",\"state\":null}}");
    tj_text_dispose(&text);
    tj_algo_list_free(list);
    record(store, "{\"algos\":{\"aaaaaaaa-0000-4000-8000-000000000001\":null}}");
    assert_int_equal(tj_algo_load_all(algos, &list, NULL), TJ_OK);
    assert_int_equal(list->count, 1);
    assert_true(tj_str_equal(list->records[0].state.plugin, TJ_STR("VWAP")));
    tj_algo_list_free(list);
    close_store(store);
}

#define ENTRY_REST                                                                    \
    "\"timestamp\":\"2025-11-23T12:13:20Z\",\"exchange\":\"okx\",\"asset\":\"USDT\"," \
    "\"amount\":\"1.0\",\"entry_type\":\"fee\",\"reference_id\":\"r\"}"

static void ledger_entries_are_appended(void **state)
{
    (void)state;
    tj_store *store = open_store();
    record(store, "{\"ledger\":[{" ENTRY_REST ",{\"sequence\":7," ENTRY_REST ","
                  "{\"id\":\"abc00000-0000-4000-8000-000000000000\"," ENTRY_REST "]}");
    tj_ledger_list *list = NULL;
    assert_int_equal(tj_ledger_find(tj_store_ledger_repository(store, NULL), NULL, &list, NULL),
                     TJ_OK);
    assert_int_equal(list->count, 3);
    assert_int_equal(list->entries[0].sequence, 1);
    assert_int_equal(list->entries[1].sequence, 7);
    assert_int_equal(list->entries[2].sequence, 8);
    assert_false(tj_uuid_is_nil(list->entries[0].id));
    assert_int_not_equal(tj_uuid_compare(list->entries[0].id, list->entries[1].id), 0);
    char id[TJ_UUID_TEXT_SIZE];
    tj_uuid_format(list->entries[2].id, id);
    assert_string_equal(id, "abc00000-0000-4000-8000-000000000000");
    tj_ledger_list_free(list);
    close_store(store);
}

static void the_book_holds_for_the_line(void **state)
{
    (void)state;
    tj_store *store = open_store();
    record(store, "{\"last_prices\":{\"A\":\"1\"}}");
    assert_int_equal(tj_store_book_create(store, "second", NULL), TJ_OK);
    record(store, "{\"last_prices\":{\"A\":\"2\"},\"book\":\"second\"}");
    assert_state(store, "{\"portfolio\":null,\"open_orders\":[],\"last_prices\":{\"A\":\"1\"},"
                        "\"last_candle_ts\":null,\"strategy_state\":null}");
    assert_state_of(store, "second",
                    "{\"portfolio\":null,\"open_orders\":[],\"last_prices\":{\"A\":\"2\"},"
                    "\"last_candle_ts\":null,\"strategy_state\":null}");
    close_store(store);
}

static void a_commit_id_is_handed_out(void **state)
{
    (void)state;
    tj_store *store = open_store();
    const char line[] = "{\"ledger\":[{" ENTRY_REST "],"
                        "\"id\":\"ABC00000-0000-4000-8000-000000000001\"}";
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    uint64_t first = record_with(store, line, &options);
    char id[TJ_UUID_TEXT_SIZE];
    tj_uuid_format(options.commit_id, id);
    assert_string_equal(id, "abc00000-0000-4000-8000-000000000001");
    tj_commit_options again = TJ_COMMIT_OPTIONS_INIT;
    assert_int_equal(record_with(store, line, &again), first);
    uint64_t latest = 0;
    assert_int_equal(tj_ledger_latest(tj_store_ledger_repository(store, NULL), &latest, NULL),
                     TJ_OK);
    assert_int_equal(latest, 1);
    close_store(store);

    assert_refused_with(line, NULL, TJ_MISUSE,
                        "the text has a commit id, but there are no options to receive it");
    tj_commit_options unchanged = TJ_COMMIT_OPTIONS_INIT;
    assert_refused_with("{\"id\":\"abc00000-0000-4000-8000-000000000001\",\"ledger\":1}",
                        &unchanged, TJ_INVALID,
                        "ledger: line 1, column 55: expected an array, found a number");
    assert_true(tj_uuid_is_nil(unchanged.commit_id));
}

static void wrong_lines_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        tj_status status;
        const char *message;
    } table[] = {
        {"", TJ_INVALID, "line 1, column 1: there is no JSON value"},
        {"[]", TJ_INVALID, "line 1, column 1: expected an object, found an array"},
        {"{\"orders\":{}} {", TJ_INVALID, "line 1, column 15: there is more text after the value"},
        {"{\"ordrs\":{}}", TJ_INVALID,
         "line 1, column 2: member \"ordrs\" is not one of book, id, state, portfolio, "
         "sub_accounts, positions, balances, orders, last_prices, portfolio_equity, "
         "last_candle_ts, strategy_state, execution_checkpoint, extra, algos, ledger"},
        {"{\"orders\":{},\"orders\":{}}", TJ_INVALID,
         "key \"orders\" stands twice (line 1, column 2 and line 1, column 14)"},
        {"{\"orders\":[]}", TJ_INVALID,
         "orders: line 1, column 11: expected an object, found an array"},
        {"{\"orders\":{\"\":null}}", TJ_INVALID,
         "orders: line 1, column 12: an empty key is not allowed here"},
        {"{\"orders\":{\"a\":{\"id\":\"b\"," ORDER_REST "}}}", TJ_INVALID,
         "orders.a.id: line 1, column 22: \"b\" stands under the key \"a\""},
        {"{\"orders\":{\"a\":null,\"a\":null}}", TJ_INVALID,
         "orders: key \"a\" stands twice (line 1, column 12 and line 1, column 21)"},
        {"{\"book\":7}", TJ_INVALID, "book: line 1, column 9: expected a string, found a number"},
        {"{\"book\":\"\"}", TJ_INVALID, "book: line 1, column 9: a book's name must not be empty"},
        {"{\"book\":\"a\\u0000b\"}", TJ_INVALID,
         "book: line 1, column 9: the name of a book holds no control characters"},
        {"{\"id\":\"7\"}", TJ_INVALID,
         "id: line 1, column 7: \"7\" is not a UUID such as 6f1c7a52-0a3e-4f0b-9d7e-2b5c8d1e4f60"},
        {"{\"id\":\"00000000-0000-0000-0000-000000000000\"}", TJ_INVALID,
         "id: line 1, column 7: the nil UUID is no commit id; leave it out"},
        {"{\"state\":null}", TJ_INVALID,
         "state: line 1, column 10: expected an object, found null"},
        {"{\"state\":{\"last_prices\":{\"A\":\"x\"}}}", TJ_INVALID,
         "state.last_prices.A: line 1, column 30: \"x\" is not a plain decimal such as -12.50"},
        {"{\"portfolio\":{\"positions\":{}}}", TJ_INVALID,
         "portfolio.positions: line 1, column 27: give positions as a member of its own, beside "
         "portfolio"},
        {"{\"portfolio\":{\"sub_accounts\":{}}}", TJ_INVALID,
         "portfolio.sub_accounts: line 1, column 30: give sub_accounts as a member of its own, "
         "beside portfolio"},
        {"{\"portfolio\":{\"peak_equity\":\"1\"}}", TJ_INVALID,
         "portfolio: line 1, column 14: member \"reporting_currency\" is missing"},
        {"{\"positions\":{\"A\":{\"symbol\":\"B\"}}}", TJ_INVALID,
         "positions.A.symbol: line 1, column 29: \"B\" stands under the key \"A\""},
        {"{\"sub_accounts\":{\"okx\":{\"exchange\":\"bybit\"}}}", TJ_INVALID,
         "sub_accounts.okx.exchange: line 1, column 36: \"bybit\" stands under the key \"okx\""},
        {"{\"sub_accounts\":{\"okx\":{\"balances\":{\"A\":{\"quantity\":\"1\"}}}}}", TJ_INVALID,
         "sub_accounts.okx.balances.A: line 1, column 41: member \"conversion_rate\" is missing"},
        {"{\"extra\":null}", TJ_INVALID,
         "extra: line 1, column 10: expected an object, found null"},
        {"{\"extra\":{\"open_orders\":[]}}", TJ_INVALID,
         "extra.open_orders: line 1, column 25: this is not an unknown member; give it beside "
         "extra"},
        {"{\"extra\":{\"x\":1,\"x\":2}}", TJ_INVALID,
         "extra: key \"x\" stands twice (line 1, column 11 and line 1, column 17)"},
        {"{\"algos\":{\"aaaaaaaa-0000-4000-8000-000000000001\":{\"plugin\":\"a\",\"state\":1}}}",
         TJ_INVALID,
         "algos.aaaaaaaa-0000-4000-8000-000000000001: line 1, column 50: two spellings are mixed; "
         "an algorithm record has either plugin and payload, or algo_type and state"},
        {"{\"ledger\":[{\"exchange\":\"okx\"}]}", TJ_INVALID,
         "ledger[0]: line 1, column 12: member \"timestamp\" is missing"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
        assert_refused_with(table[i].line, &options, table[i].status, table[i].message);
    }
    char line[TJ_ID_SIZE_MAX + 64];
    (void)snprintf(line, sizeof line, "{\"orders\":{\"%0*d\":null}}", TJ_ID_SIZE_MAX + 1, 0);
    assert_refused_with(line, &(tj_commit_options)TJ_COMMIT_OPTIONS_INIT, TJ_LIMIT,
                        "orders: line 1, column 12: the key has 257 bytes; at most 256 are "
                        "allowed");
}

static void no_transaction_is_misuse(void **state)
{
    (void)state;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj_txn_apply_json(NULL, TJ_STR("{}"), NULL, &error), TJ_MISUSE);
    assert_string_equal(error.message, "no transaction");
}

/* A line's texts are read once, with the line; what is noted beside it has not been. */
static void what_is_noted_beside_a_line_is_checked(void **state)
{
    (void)state;
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = open_store();
    tj_txn *txn = NULL;
    tj_uuid id = tj_uuid_generate();
    tj_algo_state broken = {TJ_STR("twap"), TJ_STR("{\"a\":}")};
    assert_int_equal(tj_txn_begin(store, &txn, &error), TJ_OK);
    assert_int_equal(tj_txn_apply_json(txn, TJ_STR("{\"strategy_state\":[1]}"), NULL, &error),
                     TJ_OK);
    assert_int_equal(tj_txn_put_algo(txn, &id, &broken, &error), TJ_INVALID);
    assert_int_equal(tj_txn_apply_json(txn, TJ_STR("{\"strategy_state\":[}"), NULL, &error),
                     TJ_INVALID);
    assert_int_equal(tj_txn_apply_json(txn, TJ_STR("{\"algos\":{\"a\":null}}"), NULL, &error),
                     TJ_INVALID);
    assert_int_equal(tj_txn_put_algo(txn, &id, &broken, &error), TJ_INVALID);
    assert_int_equal(tj_txn_set_strategy_state(txn, TJ_STR("[}"), &error), TJ_INVALID);
    tj_txn_abort(txn);
    close_store(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_applied),
        cmocka_unit_test(a_whole_state_comes_first),
        cmocka_unit_test(algorithms_are_put_and_deleted),
        cmocka_unit_test(ledger_entries_are_appended),
        cmocka_unit_test(the_book_holds_for_the_line),
        cmocka_unit_test(a_commit_id_is_handed_out),
        cmocka_unit_test(wrong_lines_are_explained),
        cmocka_unit_test(what_is_noted_beside_a_line_is_checked),
        cmocka_unit_test(no_transaction_is_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
