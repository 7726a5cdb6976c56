/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Deciding on what is in quarantine: decoded again and moved, or dropped with a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <tesser/history.h>

#include "commit/plan.h"
#include "migrate/support.h"
#include "store/store.h"

#define SNAPSHOT(prices)                                              \
    "{\"portfolio\":null,\"open_orders\":[],\"last_prices\":{" prices \
    "},\"last_candle_ts\":null,\"strategy_state\":null}"
#define ENTRY(sequence, id, meta)                                                            \
    "{\"sequence\":" sequence ",\"id\":\"abc00000-0000-4000-8000-00000000000" id             \
    "\",\"timestamp\":\"2025-11-23T12:13:20Z\",\"exchange\":\"binance\",\"asset\":\"USDT\"," \
    "\"amount\":\"1\",\"entry_type\":\"fee\",\"reference_id\":\"r\"" meta "}"
#define TWAP "{\"algo_type\":\"TWAP\",\"state\":{\"n\":1}}"

static const uint8_t algo_key[] = {0xaa, 0xbb, [15] = 0x01};
static const uint8_t strategy_key[] = {TJ__KIND_STRATEGY};

/* A row of quarantine, as an import of before may have left it. */
static void set_aside(tj_store *store, tj__table table, const void *key, size_t size,
                      const char *raw)
{
    tj__quarantined row = {.table = table,
                           .key = tj__bytes_of(key, size),
                           .reason = TJ_STR("of before"),
                           .raw = tj__bytes_of(raw, strlen(raw))};
    tj__plan *plan = tj__plan_new();
    assert_non_null(plan);
    assert_ok(tj__plan_use_book(plan, TJ_STR("default"), &err));
    assert_ok(tj__plan_put_quarantine(plan, &row, &err));
    assert_ok(tj__store_commit(store, plan, NULL, NULL, &err));
    tj__plan_free(plan);
}

static void set_entry_aside(tj_store *store, uint64_t sequence, const char *raw)
{
    uint8_t key[8];
    tj__store_u64_be(key, sequence);
    set_aside(store, TJ__TABLE_LEDGER, key, sizeof key, raw);
}

static tj_store *new_journal(const place *p)
{
    tj_config config = config_of(p);
    tj_store *store = NULL;
    assert_ok(tj_store_open(&config, &store, &err));
    return store;
}

static tj_quarantine_options all_of_it(void)
{
    tj_quarantine_options options = TJ_QUARANTINE_OPTIONS_INIT;
    options.all = true;
    return options;
}

static tj_quarantine_report *retried(tj_store *store, const tj_quarantine_options *options)
{
    tj_quarantine_report *report = NULL;
    assert_ok(tj_quarantine_retry(store, options, &report, &err));
    assert_non_null(report);
    return report;
}

/* What a retry of everything says of its one item. */
static void assert_retry(tj_store *store, bool settled, const char *what)
{
    tj_quarantine_options options = all_of_it();
    tj_quarantine_report *report = retried(store, &options);
    assert_int_equal(report->count, 1);
    assert_int_equal(report->items[0].settled, settled);
    assert_int_equal(report->sequence != 0, settled);
    if (!strstr(report->items[0].what.data, what)) {
        fail_msg("\"%s\" lacks: %s", report->items[0].what.data, what);
    }
    tj_quarantine_report_free(report);
}

static size_t left(tj_store *store)
{
    tj_quarantine_list *list = NULL;
    assert_ok(tj_quarantine_load(store, NULL, &list, &err));
    size_t count = list->count;
    tj_quarantine_list_free(list);
    return count;
}

static void assert_loads(tj_store *store, const char *expected)
{
    tj_live_state *state = NULL;
    tj_text text = {NULL, 0};
    assert_ok(tj_state_load(tj_store_state_repository(store, NULL), &state, &err));
    assert_ok(tj_live_state_to_json(state, &text, &err));
    assert_string_equal(text.data, expected);
    tj_text_dispose(&text);
    tj_live_state_free(state);
}

static void save_state(tj_store *store, const char *json)
{
    tj_live_state *state = NULL;
    assert_ok(tj_live_state_from_json(tj_str_of(json), &state, &err));
    assert_ok(tj_state_save(tj_store_state_repository(store, NULL), state, &err));
    tj_live_state_free(state);
}

static void append_entry(tj_store *store, const char *json)
{
    tj_ledger_list *list = NULL;
    assert_ok(tj_ledger_entry_from_json(tj_str_of(json), &list, &err));
    uint64_t last = 0;
    assert_ok(
        tj_ledger_append(tj_store_ledger_repository(store, NULL), list->entries, 1, &last, &err));
    tj_ledger_list_free(list);
}

/* The newest commit's note. */
static void assert_note(tj_store *store, const char *expected)
{
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    tj_history *history = NULL;
    const tj_history_commit *commit = NULL;
    query.descending = true;
    query.limit = 1;
    assert_ok(tj_history_open(store, &query, &history, &err));
    assert_ok(tj_history_next(history, &commit, &err));
    assert_non_null(commit);
    assert_text(commit->note, expected);
    tj_history_close(history);
}

/* ---- states ---------------------------------------------------------------------------------- */

static void a_state_that_decodes_is_the_books_state(void **state)
{
    tj_store *store = new_journal(*state);
    tj_quarantine_options options = all_of_it();
    set_aside(store, TJ__TABLE_STATE, "", 0, SNAPSHOT("\"A\":\"1\""));
    set_aside(store, TJ__TABLE_STATE, "#2", 2, SNAPSHOT("\"B\":\"2\""));
    options.dry_run = true;
    tj_quarantine_report *report = retried(store, &options);
    assert_int_equal(report->settled_count, 1);
    assert_int_equal(report->sequence, 0);
    tj_quarantine_report_free(report);
    assert_int_equal(left(store), 2);
    options.dry_run = false;
    report = retried(store, &options);
    assert_int_equal(report->settled_count, 1);
    assert_int_equal(report->sequence, 3);
    assert_text(report->items[0].name, "state");
    assert_text(report->items[0].what, "the state of the book");
    assert_text(report->items[1].name, "state#2");
    assert_false(report->items[1].settled);
    tj_quarantine_report_free(report);
    assert_loads(store, SNAPSHOT("\"A\":\"1\""));
    assert_int_equal(left(store), 1);
    assert_note(store, "quarantine retry");
    close_journal(store);
}

/* What was saved since is newer than what an import set aside. */
static void a_state_that_is_stored_stays(void **state)
{
    tj_store *store = new_journal(*state);
    set_aside(store, TJ__TABLE_STATE, "", 0, SNAPSHOT("\"A\":\"1\""));
    save_state(store, SNAPSHOT("\"B\":\"2\""));
    assert_retry(store, false, "the book has a state, which a retry does not replace");
    assert_loads(store, SNAPSHOT("\"B\":\"2\""));
    close_journal(store);
}

static void what_still_cannot_be_decoded_stays(void **state)
{
    tj_store *store = new_journal(*state);
    set_aside(store, TJ__TABLE_STATE, "", 0, "{\"last_prices\":{\"A\":");
    assert_retry(store, false, "line 1, column 21");
    set_aside(store, TJ__TABLE_STATE, "", 0, "\1\2\3");
    assert_retry(store, false, "");
    set_aside(store, TJ__TABLE_STATE, "", 0, "");
    assert_retry(store, false, "");
    set_aside(store, TJ__TABLE_STATE, "", 0, SNAPSHOT("\"A\":\"1\",\"A\":\"2\""));
    assert_retry(store, false, "--map");
    assert_int_equal(left(store), 1);
    close_journal(store);
}

/* As the reason of what stays says. */
static void a_map_resolves_what_stands_twice(void **state)
{
    tj_store *store = new_journal(*state);
    tj_quarantine_options options = all_of_it();
    static const char *const wrong[] = {"B=bybit_linear:B"};
    static const char *const maps[] = {"last_prices.A#1=binance_perp:A",
                                       "last_prices.A#2=bybit_linear:A"};
    set_aside(store, TJ__TABLE_STATE, "", 0, SNAPSHOT("\"A\":\"1\",\"A\":\"2\""));
    assert_retry(store, false, "--map");
    options.maps = maps;
    options.map_count = 2;
    tj_quarantine_report *report = retried(store, &options);
    assert_int_equal(report->settled_count, 1);
    tj_quarantine_report_free(report);
    assert_loads(store, SNAPSHOT("\"binance_perp:A\":\"1\",\"bybit_linear:A\":\"2\""));
    /* One that meets nothing was mistyped. */
    set_aside(store, TJ__TABLE_STATE, "", 0, SNAPSHOT("\"A\":\"1\""));
    options.maps = wrong;
    options.map_count = 1;
    assert_refused(tj_quarantine_retry(store, &options, NULL, &err), TJ_INVALID,
                   "the map \"B=bybit_linear:B\" meets nothing");
    assert_int_equal(left(store), 1);
    close_journal(store);
}

/* Tesser's LMDB journal with what tells its strategy's state found later. */
static void a_strategys_state_is_read_once_something_knows_it(void **state)
{
    static const char *const folders[] = {"0.9.2/small", "0.9.3/typical"};
    const place *p = *state;
    tj_config config = config_of(p);
    for (size_t i = 0; i < 2; i++) {
        path_text directory = path_in(testdata(), folders[i]);
        path_text lmdb = path_in(directory.text, "journal.lmdb");
        path_text known = path_in(directory.text, "snapshot.json");
        const char *sources[] = {lmdb.text};
        tj_import_options import = options_of(sources, 1);
        tj_import_report *imported = NULL;
        config.book = folders[i];
        assert_ok(tj_import(&config, &import, &imported, &err));
        tj_import_report_free(imported);
        tj_store *store = NULL;
        assert_ok(tj_store_open(&config, &store, &err));
        assert_retry(store, false, "--strategy-state");
        tj_quarantine_options options = all_of_it();
        options.strategy_state = known.text;
        tj_quarantine_report *report = retried(store, &options);
        assert_int_equal(report->settled_count, 1);
        assert_text(report->items[0].what, i == 0 ? "strategy_state of the state"
                                                  : "strategy_state and execution_checkpoint of "
                                                    "the state");
        tj_quarantine_report_free(report);
        tj_live_state *expected = NULL;
        tj_text text = {NULL, 0};
        bytes json;
        read_bytes(known.text, &json);
        assert_ok(tj_live_state_from_json((tj_str){(char *)json.data, json.size}, &expected, &err));
        assert_ok(tj_live_state_to_json(expected, &text, &err));
        assert_loads(store, text.data);
        tj_text_dispose(&text);
        tj_live_state_free(expected);
        free(json.data);
        close_journal(store);
    }
}

/* Executions after it were fetched and booked: going back to it would book them twice. */
static void a_checkpoint_never_goes_back(void **state)
{
    const place *p = *state;
    path_text directory = path_in(testdata(), "0.9.3/small");
    path_text lmdb = path_in(directory.text, "journal.lmdb");
    path_text known = path_in(directory.text, "snapshot.json");
    const char *sources[] = {lmdb.text};
    tj_import_options import = options_of(sources, 1);
    tj_import_report *imported = NULL;
    tj_config config = config_of(p);
    tj_quarantine_options options = all_of_it();
    options.strategy_state = known.text;
    assert_ok(tj_import(&config, &import, &imported, &err));
    tj_import_report_free(imported);
    tj_store *store = open_journal(p);
    tj_txn *txn = NULL;
    tj_execution_checkpoint checkpoint = {.has_last_timestamp = true, .last_timestamp = 5};
    assert_ok(tj_txn_begin(store, &txn, &err));
    assert_ok(tj_txn_set_execution_checkpoint(txn, &checkpoint, &err));
    assert_ok(tj_txn_commit(txn, NULL, NULL, &err));
    tj_quarantine_report *report = retried(store, &options);
    assert_int_equal(report->settled_count, 0);
    assert_non_null(strstr(report->items[0].what.data, "would take it back"));
    tj_quarantine_report_free(report);
    close_journal(store);
}

/* A state of nothing but a strategy's state would look like one without positions. */
static void a_strategys_state_is_no_state_by_itself(void **state)
{
    const place *p = *state;
    tj_store *store = new_journal(p);
    path_text file = file_with(p->directory, "strategy.json", "true");
    tj_quarantine_options options = all_of_it();
    options.strategy_state = file.text;
    set_aside(store, TJ__TABLE_STATE, strategy_key, sizeof strategy_key, "\1");
    tj_quarantine_report *report = retried(store, &options);
    assert_int_equal(report->settled_count, 0);
    assert_text(report->items[0].what, "the book has no state that it belongs to");
    tj_quarantine_report_free(report);
    save_state(store, SNAPSHOT("\"A\":\"1\""));
    report = retried(store, &options);
    assert_int_equal(report->settled_count, 1);
    tj_quarantine_report_free(report);
    close_journal(store);
}

/* ---- algorithms and ledger entries ----------------------------------------------------------- */

static void algorithms_that_decode_are_stored(void **state)
{
    tj_store *store = new_journal(*state);
    tj_algo_repository *algos = tj_store_algo_repository(store, NULL);
    tj_algo_record *record = NULL;
    tj_uuid id;
    memcpy(id.bytes, algo_key, sizeof id.bytes);
    set_aside(store, TJ__TABLE_ALGOS, algo_key, sizeof algo_key, TWAP);
    assert_retry(store, true, "algorithm aabb0000-0000-0000-0000-000000000001");
    assert_ok(tj_algo_load(algos, &id, &record, &err));
    assert_text(record->state.payload, "{\"n\":1}");
    tj_algo_record_free(record);
    set_aside(store, TJ__TABLE_ALGOS, algo_key, sizeof algo_key, TWAP);
    assert_retry(store, false, "an algorithm with its id is stored");
    /* A text that is no UUID may have as many bytes as one. */
    tj_quarantine_options options = all_of_it();
    set_aside(store, TJ__TABLE_ALGOS, "no uuid of any's", 16, TWAP);
    tj_quarantine_report *report = retried(store, &options);
    assert_int_equal(report->count, 2);
    assert_int_equal(report->settled_count, 0);
    assert_non_null(strstr(report->items[0].what.data, "is not a UUID"));
    tj_quarantine_report_free(report);
    close_journal(store);
}

/* The ledger goes on at its end, and an entry is booked once. */
static void entries_that_decode_are_booked(void **state)
{
    tj_store *store = new_journal(*state);
    tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
    tj_ledger_list *list = NULL;
    append_entry(store, ENTRY("4", "4", ""));
    set_entry_aside(store, 2, ENTRY("2", "2", ",\"meta\":\"{\\\"n\\\":1}\""));
    set_entry_aside(store, 3, ENTRY("3", "4", ""));
    set_entry_aside(store, 9, ENTRY("9", "9", ""));
    set_entry_aside(store, 10, ENTRY("10", "5", ",\"meta\":\"{\\\"n\\\":\""));
    tj_quarantine_options options = all_of_it();
    tj_quarantine_report *report = retried(store, &options);
    assert_int_equal(report->count, 4);
    assert_text(report->items[0].what, "entry 5 of the ledger");
    assert_false(report->items[1].settled);
    assert_non_null(strstr(report->items[1].what.data, "it is booked, so drop this one"));
    assert_text(report->items[2].what, "entry 9 of the ledger");
    assert_false(report->items[3].settled);
    tj_quarantine_report_free(report);
    assert_ok(tj_ledger_find(tj_store_ledger_repository(store, NULL), &query, &list, &err));
    assert_int_equal(list->count, 3);
    assert_int_equal(list->entries[1].sequence, 5);
    assert_text(list->entries[1].meta, "{\"n\":1}");
    assert_int_equal(list->entries[2].sequence, 9);
    tj_ledger_list_free(list);
    close_journal(store);
}

/* ---- dropping -------------------------------------------------------------------------------- */

static void what_is_dropped_is_gone_with_a_reason(void **state)
{
    tj_store *store = new_journal(*state);
    const char *names[] = {"ledger:3"};
    tj_quarantine_options options = TJ_QUARANTINE_OPTIONS_INIT;
    tj_quarantine_report *report = NULL;
    options.names = names;
    options.name_count = 1;
    set_entry_aside(store, 3, "{");
    set_entry_aside(store, 4, "{");
    options.dry_run = true;
    assert_ok(tj_quarantine_drop(store, &options, TJ_STR("booked by hand"), NULL, &err));
    assert_int_equal(left(store), 2);
    options.dry_run = false;
    assert_ok(tj_quarantine_drop(store, &options, TJ_STR("booked by hand"), &report, &err));
    assert_int_equal(report->settled_count, 1);
    assert_int_equal(report->sequence, 3);
    assert_text(report->items[0].what, "dropped");
    tj_quarantine_report_free(report);
    assert_int_equal(left(store), 1);
    assert_note(store, "quarantine drop: booked by hand");
    assert_refused(tj_quarantine_drop(store, &options, TJ_STR("again"), NULL, &err), TJ_NOT_FOUND,
                   "\"ledger:3\" is not in the quarantine of book \"default\"; `tesser-journal "
                   "quarantine list` tells what is");
    close_journal(store);
}

static void wrong_calls_are_refused(void **state)
{
    tj_store *store = new_journal(*state);
    const char *names[] = {"state"};
    tj_quarantine_options options = TJ_QUARANTINE_OPTIONS_INIT;
    char reason[TJ_COMMIT_NOTE_SIZE_MAX + 1];
    memset(reason, 'x', sizeof reason);
    assert_refused(tj_quarantine_retry(store, NULL, NULL, &err), TJ_MISUSE, "no options");
    assert_refused(tj_quarantine_retry(NULL, &options, NULL, &err), TJ_MISUSE, "no store");
    assert_refused(tj_quarantine_retry(store, &options, NULL, &err), TJ_MISUSE, "say that it is");
    options = all_of_it();
    assert_refused(tj_quarantine_drop(store, &options, (tj_str){NULL, 0}, NULL, &err), TJ_MISUSE,
                   "needs a reason");
    options.names = names;
    options.name_count = 1;
    assert_refused(tj_quarantine_retry(store, &options, NULL, &err), TJ_MISUSE, "say that it is");
    options.all = false;
    set_aside(store, TJ__TABLE_STATE, "", 0, "x");
    assert_refused(tj_quarantine_drop(store, &options, (tj_str){reason, sizeof reason}, NULL, &err),
                   TJ_LIMIT, "note");
    assert_int_equal(left(store), 1);
    options.exchange = " ";
    assert_refused(tj_quarantine_retry(store, &options, NULL, &err), TJ_INVALID, "exchange");
    options.struct_size = 1;
    assert_refused(tj_quarantine_retry(store, &options, NULL, &err), TJ_MISUSE,
                   "TJ_QUARANTINE_OPTIONS_INIT");
    close_journal(store);
}

/* It has no --newest. */
static void a_code_that_stands_twice_is_told_with_what_a_retry_has(void **state)
{
    const place *p = *state;
    tj_store *store = new_journal(p);
    set_aside(store, TJ__TABLE_STATE, NULL, 0, SNAPSHOT("\"BBB\":\"2\",\"bbb\":\"1\""));
    tj_quarantine_options options = all_of_it();
    tj_quarantine_report *report = NULL;
    tj_status status = tj_quarantine_retry(store, &options, &report, &err);
    const char *told = status == TJ_OK ? report->items[0].what.data : err.message;
    assert_non_null(strstr(told, "--map last_prices.BBB#2=EXCHANGE:BBB (=- instead of an exchange "
                                 "leaves that one out)"));
    tj_quarantine_report_free(report);
    assert_ok(tj_store_close(store, &err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_state_that_decodes_is_the_books_state),
        TEST(a_state_that_is_stored_stays),
        TEST(what_still_cannot_be_decoded_stays),
        TEST(a_map_resolves_what_stands_twice),
        TEST(a_code_that_stands_twice_is_told_with_what_a_retry_has),
        TEST(a_strategys_state_is_read_once_something_knows_it),
        TEST(a_checkpoint_never_goes_back),
        TEST(a_strategys_state_is_no_state_by_itself),
        TEST(algorithms_that_decode_are_stored),
        TEST(entries_that_decode_are_booked),
        TEST(what_is_dropped_is_gone_with_a_reason),
        TEST(wrong_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
