/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What Tesser wrote comes back equal, compared here and by Python's own parser. */
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

#define LARGE TJ_TESTDATA "/snapshots/large-1000-orders.json"

static const char *const snapshots[] = {
    COPY("0.9.2/small/snapshot.json"),      COPY("0.9.2/typical/snapshot.json"),
    COPY("0.9.2/edge/snapshot.json"),       COPY("0.9.3/small/snapshot.json"),
    COPY("0.9.3/typical/snapshot.json"),    COPY("0.9.3/edge/snapshot.json"),
    COPY("snapshots/empty.json"),           COPY("snapshots/qualified-names.json"),
    COPY("snapshots/unsorted-orders.json"), COPY("snapshots/unknown-members.json"),
};
#define SNAPSHOT_COUNT (sizeof snapshots / sizeof *snapshots)

static tj_live_state *state_of(tj_str text)
{
    tj_error error = TJ_ERROR_INIT;
    tj_live_state *state = NULL;
    if (tj_live_state_from_json(text, &state, &error) != TJ_OK) {
        fail_msg("%s", error.message);
    }
    return state;
}

static tj_text written(const tj_live_state *state)
{
    tj_error error = TJ_ERROR_INIT;
    tj_text text = {NULL, 0};
    if (tj_live_state_to_json(state, &text, &error) != TJ_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(strlen(text.data), text.size);
    return text;
}

static void round_trip(const char *path)
{
    tj__buffer original;
    read_file(path, &original);
    tj_live_state *state = state_of(text_of(&original));
    tj_text text = written(state);
    assert_same_json(text_of(&original), (tj_str){text.data, text.size});
    /* Compact text with nothing more than Tesser's own has the same length. */
    assert_int_equal(text.size, original.size);
    tj_text_dispose(&text);
    tj_live_state_free(state);
    tj__buffer_dispose(&original);
}

static void snapshots_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < SNAPSHOT_COUNT; i++) {
        round_trip(snapshots[i]);
    }
}

static void large_snapshot_comes_back(void **state)
{
    (void)state;
    if (access(LARGE, F_OK) != 0) {
        printf("SKIP: %s is not there\n", LARGE);
        skip();
    }
    round_trip(LARGE);
}

static void orders_keep_their_order(void **state)
{
    (void)state;
    tj__buffer file;
    read_file(COPY("snapshots/unsorted-orders.json"), &file);
    tj_live_state *live = state_of(text_of(&file));
    tj__json_doc *doc = NULL;
    assert_int_equal(tj__json_parse(text_of(&file), NULL, TJ__JSON_SHAPE_LEVELS(3), &doc, NULL),
                     TJ_OK);
    const tj__json_node *orders = tj__json_find(doc->root, TJ_STR("open_orders"));
    assert_int_equal(live->open_order_count, orders->count);
    assert_true(orders->count > 2);
    const tj_order *order = live->open_orders;
    for (const tj__json_node *each = orders->first; each; each = each->next, order++) {
        assert_true(tj_str_equal(order->id, tj__json_find(each, TJ_STR("id"))->text));
    }
    tj__json_doc_free(doc);
    tj_live_state_free(live);
    tj__buffer_dispose(&file);
}

static void unknown_members_keep_their_bytes(void **state)
{
    (void)state;
    tj__buffer file;
    read_file(COPY("snapshots/unknown-members.json"), &file);
    tj_live_state *live = state_of(text_of(&file));
    assert_string_equal(live->extra.data,
                        "{\"risk_limits\":{\"max_notional\":\"250000.00\",\"per_symbol\":{"
                        "\"BTCUSDT\":\"1.5\"}},\"schema_hint\":7}");
    assert_string_equal(live->portfolio.extra.data, "{\"margin_mode\":\"cross\"}");
    assert_string_equal(live->open_orders[0].extra.data, "{\"venue_order_ref\":\"abc-1\"}");
    assert_string_equal(live->open_orders[0].request.extra.data, "{\"reduce_only\":true}");
    assert_null(live->open_orders[1].extra.data);
    assert_null(live->portfolio.positions[0].extra.data);
    tj_live_state_free(live);
    tj__buffer_dispose(&file);

    const tj_str spaced =
        TJ_STR("{ \"\\u0061b\" : [ 1 , 2.50e0 ] , \"last_prices\" : { } ,\"z\":\n{}}");
    live = state_of(spaced);
    assert_string_equal(live->extra.data, "{\"\\u0061b\":[ 1 , 2.50e0 ],\"z\":{}}");
    tj_text text = written(live);
    assert_string_equal(text.data, "{\"portfolio\":null,\"open_orders\":[],\"last_prices\":{},"
                                   "\"last_candle_ts\":null,\"strategy_state\":null,"
                                   "\"ab\":[ 1 , 2.50e0 ],\"z\":{}}");
    tj_text_dispose(&text);
    tj_live_state_free(live);
}

static void values_are_decoded(void **state)
{
    (void)state;
    tj__buffer file;
    read_file(COPY("snapshots/qualified-names.json"), &file);
    tj_live_state *live = state_of(text_of(&file));
    assert_true(live->has_portfolio);
    assert_int_equal(live->portfolio.sub_account_count, 2);
    assert_string_equal(live->portfolio.sub_accounts[0].exchange.data, "binance_perp");
    assert_true(tj_str_equal(live->portfolio.reporting_currency.code, TJ_STR("USDT")));
    assert_int_equal(live->portfolio.reporting_currency.exchange.size, 0);
    const tj_symbol symbol = live->portfolio.positions[0].symbol;
    assert_true(tj_str_equal(symbol.exchange, TJ_STR("binance_perp")));
    assert_true(tj_str_equal(symbol.code, TJ_STR("COIN0000USDT")));
    assert_int_equal(live->last_price_count, 3);
    assert_int_equal(live->last_prices[0].symbol.exchange.size, 0);
    char price[TJ_DECIMAL_TEXT_SIZE];
    (void)tj_decimal_format(live->last_prices[1].price, price);
    assert_string_equal(price, "64000.10");
    const tj_order_request *request = &live->open_orders[0].request;
    assert_int_equal(request->order_type, TJ_ORDER_STOP_MARKET);
    assert_int_equal(request->time_in_force, TJ_TIF_GOOD_TIL_CANCELED);
    assert_true(request->has_stop_loss);
    assert_false(request->has_take_profit);
    assert_string_equal(request->client_order_id.data, "sma-00000000");
    assert_int_equal(live->open_orders[0].status, TJ_ORDER_PARTIALLY_FILLED);
    assert_int_equal(live->execution_checkpoint.exec_id_count, 2);
    assert_string_equal(live->execution_checkpoint.exec_ids[1].data, "e-2");
    assert_int_equal(live->sequence, 0);
    tj_live_state_free(live);
    tj__buffer_dispose(&file);
}

static void lenient_forms_are_read(void **state)
{
    (void)state;
    tj_live_state *live = state_of(TJ_STR(
        "\r\n{\"last_prices\":{\" btcusdt \":1.50,\"Binance:ethusdt\":-0.10},\"portfolio\":{"
        "\"positions\":{},\"balances\":{\"usdt\":{\"quantity\":1,\"conversion_rate\":\"1\"}},"
        "\"reporting_currency\":\"usdt\",\"initial_equity\":0,\"peak_equity\":\"0\","
        "\"liquidate_only\":false},\"portfolio_equity\":\"12.30\",\"strategy_state\":null}\t"));
    assert_null(live->strategy_state.data);
    tj_text text = written(live);
    assert_string_equal(
        text.data,
        "{\"portfolio_equity\":\"12.30\",\"portfolio\":{\"positions\":{},\"balances\":{\"USDT\":{"
        "\"currency\":\"USDT\",\"quantity\":\"1\",\"conversion_rate\":\"1\"}},"
        "\"reporting_currency\":\"USDT\",\"initial_equity\":\"0\",\"drawdown_limit\":null,"
        "\"peak_equity\":\"0\",\"liquidate_only\":false,\"sub_accounts\":{}},\"open_orders\":[],"
        "\"last_prices\":{\"BTCUSDT\":\"1.50\",\"binance:ETHUSDT\":\"-0.10\"},"
        "\"last_candle_ts\":null,\"strategy_state\":null}");
    tj_text_dispose(&text);
    tj_live_state_free(live);

    live = state_of(TJ_STR("{}"));
    text = written(live);
    assert_string_equal(text.data, "{\"portfolio\":null,\"open_orders\":[],\"last_prices\":{},"
                                   "\"last_candle_ts\":null,\"strategy_state\":null}");
    tj_text_dispose(&text);
    tj_live_state_free(live);
}

static void algorithms_come_back(const char *path)
{
    tj_error error = TJ_ERROR_INIT;
    tj__buffer file;
    read_file(path, &file);
    tj_algo_list *list = NULL;
    assert_int_equal(tj_algo_list_from_json(text_of(&file), &list, &error), TJ_OK);
    assert_int_equal(list->quarantined_count, 0);
    assert_true(list->count > 0);
    for (size_t i = 1; i < list->count; i++) {
        assert_true(tj_uuid_compare(list->records[i - 1].id, list->records[i].id) < 0);
    }
    tj_text text = {NULL, 0};
    assert_int_equal(tj_algo_list_to_json(list, &text, &error), TJ_OK);
    assert_same_json(text_of(&file), (tj_str){text.data, text.size});
    tj_text_dispose(&text);
    tj_algo_list_free(list);
    tj__buffer_dispose(&file);
}

static void ledgers_come_back(const char *path)
{
    tj_error error = TJ_ERROR_INIT;
    tj__buffer file;
    read_file(path, &file);
    const char *at = (const char *)file.data;
    const char *end = at + file.size;
    size_t lines = 0;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        tj_ledger_list *list = NULL;
        tj_text text = {NULL, 0};
        tj_str line = {at, (size_t)(stop - at)};
        assert_int_equal(tj_ledger_entry_from_json(line, &list, &error), TJ_OK);
        assert_int_equal(list->count, 1);
        assert_int_equal(list->entries[0].sequence, ++lines);
        assert_int_equal(tj_ledger_entry_to_json(&list->entries[0], &text, &error), TJ_OK);
        assert_true(tj_str_equal(line, (tj_str){text.data, text.size}));
        tj_text_dispose(&text);
        tj_ledger_list_free(list);
        at = stop + 1;
    }
    assert_true(lines > 0);
    tj__buffer_dispose(&file);
}

static void algorithms_and_ledgers_come_back(void **state)
{
    (void)state;
    const char *const folders[] = {COPY("0.9.2/small"), COPY("0.9.2/typical"), COPY("0.9.2/edge"),
                                   COPY("0.9.3/small"), COPY("0.9.3/typical"), COPY("0.9.3/edge")};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[512];
        assert_int_equal(tj__path_join(path, sizeof path, folders[i], "algos.json", NULL), TJ_OK);
        algorithms_come_back(path);
        assert_int_equal(tj__path_join(path, sizeof path, folders[i], "ledger.jsonl", NULL), TJ_OK);
        ledgers_come_back(path);
    }
}

static void both_spellings_of_an_algorithm_are_read(void **state)
{
    (void)state;
    const tj_str spellings[] = {
        TJ_STR("{\"algo_type\":\"TWAP\",\"state\": {\"left\" : 1.0e400 } }"),
        TJ_STR("{\"payload\": {\"left\" : 1.0e400 } ,\"plugin\":\"TWAP\"}"),
    };
    for (size_t i = 0; i < 2; i++) {
        tj_algo_record *record = NULL;
        tj_text text = {NULL, 0};
        assert_int_equal(tj_algo_record_from_json(spellings[i], &record, NULL), TJ_OK);
        assert_true(tj_uuid_is_nil(record->id));
        assert_string_equal(record->state.plugin.data, "TWAP");
        assert_string_equal(record->state.payload.data, "{\"left\" : 1.0e400 }");
        assert_int_equal(tj_algo_state_to_json(&record->state, &text, NULL), TJ_OK);
        assert_string_equal(text.data, "{\"algo_type\":\"TWAP\",\"state\":{\"left\" : 1.0e400 }}");
        tj_text_dispose(&text);
        tj_algo_record_free(record);
    }
}

/* ---- Python as a second judge ----------------------------------------------------------- */

static const char python_script[] =
    "import json, sys\n"
    "def load(path):\n"
    "    with open(path, encoding='utf-8') as file:\n"
    "        return json.load(file, parse_float=lambda text: ('n', text),\n"
    "                         parse_int=lambda text: ('n', text))\n"
    "names = sys.argv[1:]\n"
    "assert len(names) % 2 == 0 and names\n"
    "for a, b in zip(names[::2], names[1::2]):\n"
    "    if load(a) != load(b):\n"
    "        sys.exit(f'{a} and {b} differ')\n";

/* Exit code of Python with the arguments; 127 when it is not there. */
static int run_python(char **arguments)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execvp("python3", arguments);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void write_copy(const char *from, const char *to)
{
    tj__buffer original;
    read_file(from, &original);
    tj_live_state *live = state_of(text_of(&original));
    tj_text text = written(live);
    FILE *file = fopen(to, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
    assert_int_equal(fclose(file), 0);
    tj_text_dispose(&text);
    tj_live_state_free(live);
    tj__buffer_dispose(&original);
}

static void python_agrees(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    char directory[256];
    char copies[SNAPSHOT_COUNT][300];
    char *arguments[2 * SNAPSHOT_COUNT + 4] = {"python3", "-c", (char *)(uintptr_t)python_script};
    (void)snprintf(directory, sizeof directory, "%s/tj-json-XXXXXX", base);
    assert_non_null(mkdtemp(directory));
    for (size_t i = 0; i < SNAPSHOT_COUNT; i++) {
        (void)snprintf(copies[i], sizeof copies[i], "%s/%zu.json", directory, i);
        write_copy(snapshots[i], copies[i]);
        arguments[3 + 2 * i] = (char *)(uintptr_t)snapshots[i];
        arguments[4 + 2 * i] = copies[i];
    }
    int code = run_python(arguments);
    if (code == 127) {
        printf("SKIP: python3 is not there\n");
    } else {
        assert_int_equal(code, 0);
        /* The judge must be able to say no. */
        printf("now two files that differ, on purpose:\n");
        (void)fflush(stdout);
        arguments[4] = copies[1];
        arguments[5] = NULL;
        assert_int_equal(run_python(arguments), 1);
    }
    for (size_t i = 0; i < SNAPSHOT_COUNT; i++) {
        assert_int_equal(unlink(copies[i]), 0);
    }
    assert_int_equal(rmdir(directory), 0);
    if (code == 127) {
        skip();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshots_come_back),
        cmocka_unit_test(large_snapshot_comes_back),
        cmocka_unit_test(orders_keep_their_order),
        cmocka_unit_test(unknown_members_keep_their_bytes),
        cmocka_unit_test(values_are_decoded),
        cmocka_unit_test(lenient_forms_are_read),
        cmocka_unit_test(algorithms_and_ledgers_come_back),
        cmocka_unit_test(both_spellings_of_an_algorithm_are_read),
        cmocka_unit_test(python_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
