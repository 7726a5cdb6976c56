/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows that are not what was written: never a crash, never a silently shortened state. */
#include "commit/fixture.h"

/* A state with every kind of row, in two sub-accounts and with unknown members everywhere. */
static void save_everything(journal *j)
{
    static tj_order orders[2];
    static tj_position position;
    static tj_balance balance;
    static tj_sub_account account;
    tj_str ids[2] = {TJ_STR("e1"), TJ_STR("e2")};
    static tj_price price;
    tj_str extra = TJ_STR("{\"m\":1}");
    orders[0] = plain_order("o1");
    orders[1] = plain_order("o2");
    orders[1].extra = extra;
    orders[1].request.extra = extra;
    orders[1].request.client_order_id = TJ_STR("client");
    orders[1].has_avg_fill_price = true;
    orders[1].avg_fill_price = decimal("3");
    position = plain_position("binance:BTCUSDT");
    position.has_entry_price = true;
    position.extra = extra;
    balance = plain_balance("USDT");
    balance.extra = extra;
    account = (tj_sub_account){.exchange = TJ_STR("kraken"),
                               .positions = &position,
                               .position_count = 1,
                               .balances = &balance,
                               .balance_count = 1,
                               .extra = extra};
    price = (tj_price){identity("x:Y"), decimal("1")};
    tj_live_state state = {.has_portfolio_equity = true,
                           .has_portfolio = true,
                           .portfolio = plain_portfolio(),
                           .open_orders = orders,
                           .open_order_count = 2,
                           .last_prices = &price,
                           .last_price_count = 1,
                           .has_last_candle_ts = true,
                           .strategy_state = TJ_STR("[1]"),
                           .has_execution_checkpoint = true,
                           .execution_checkpoint = {.has_last_timestamp = true,
                                                    .exec_ids = ids,
                                                    .exec_id_count = 2,
                                                    .extra = extra},
                           .extra = extra};
    state.portfolio.has_drawdown_limit = true;
    state.portfolio.sub_accounts = &account;
    state.portfolio.sub_account_count = 1;
    state.portfolio.positions = &position;
    state.portfolio.position_count = 1;
    assert_ok(tj__plan_put_state(j->plan, &state, &err));
    tj_uuid id = {{1}};
    tj_algo_state algo = {TJ_STR("TWAP"), TJ_STR("{\"pending\":2}")};
    tj_ledger_entry entry = {.id = id,
                             .exchange = TJ_STR("kraken"),
                             .asset = identity("USDT"),
                             .amount = decimal("1"),
                             .type = TJ_LEDGER_FEE,
                             .reference = TJ_STR("r"),
                             .meta = TJ_STR("{}")};
    assert_ok(tj__plan_put_algo(j->plan, &id, &algo, &err));
    assert_ok(tj__plan_append_ledger(j->plan, &entry, &err));
    journal_commit(j);
}

/* Loads everything there is; what loads can be written as JSON or is refused by it. */
static void load_everything(const journal *j)
{
    rowmap_source source = journal_source(j);
    tj_error error = TJ_ERROR_INIT;
    tj_live_state *state = NULL;
    tj_algo_list *algos = NULL;
    tj_ledger_list *ledger = NULL;
    tj__tip *tip = NULL;
    tj_status status = tj__state_load(&source.source, 1, &state, &error);
    assert_true(status == TJ_OK || status == TJ_CORRUPT || status == TJ_FORMAT_NEWER);
    assert_true((status == TJ_OK) == (state != NULL));
    if (state) {
        tj_text text = {0};
        (void)!tj_live_state_to_json(state, &text, &error);
        tj_text_dispose(&text);
    }
    tj_live_state_free(state);
    assert_ok(tj__algo_load_all(&source.source, 1, &algos, &err));
    assert_int_equal(algos->count + algos->quarantined_count, 1);
    tj_algo_list_free(algos);
    status = tj__ledger_find(&source.source, 1, NULL, &ledger, &error);
    assert_true(status == TJ_OK || status == TJ_CORRUPT || status == TJ_FORMAT_NEWER);
    tj_ledger_list_free(ledger);
    status = tj__tip_build(&source.source, &tip, &error);
    assert_true(status == TJ_OK || status == TJ_CORRUPT || status == TJ_FORMAT_NEWER);
    tj__tip_free(tip);
}

/* Puts a changed value in an entry's place for one load; shorter, longer or another. */
static void load_with(journal *j, tj__bytes key, tj__bytes value)
{
    assert_non_null(tj__rowmap_put(j->rows, key, value, 1));
    load_everything(j);
}

static void damage_value(journal *j, tj__bytes key, tj__bytes value)
{
    uint8_t bytes[512];
    assert_true(value.size < sizeof bytes);
    for (size_t at = 0; at < value.size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(bytes, value.data, value.size);
            bytes[at] ^= (uint8_t)(1u << bit);
            load_with(j, key, tj__bytes_of(bytes, value.size));
        }
        memcpy(bytes, value.data, value.size);
        bytes[at] = 0xff;
        load_with(j, key, tj__bytes_of(bytes, value.size));
        load_with(j, key, tj__bytes_of(bytes, at));
    }
    memcpy(bytes, value.data, value.size);
    bytes[value.size] = 0;
    load_with(j, key, tj__bytes_of(bytes, value.size + 1));
    load_with(j, key, value);
}

static void test_every_byte_of_every_value(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    save_everything(&j);
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    assert_true(tj__rowmap_sorted(j.rows, &entries, &count));
    assert_int_equal(count, 1 + 15 + 4); /* book, state, algorithm and ledger */
    for (size_t i = 0; i < count; i++) {
        assert_true(tj__rowmap_sorted(j.rows, &entries, &count));
        tj__bytes key = tj__rowmap_key(entries[i]);
        tj__bytes value = tj__rowmap_value(entries[i]);
        uint8_t copy[1024];
        memcpy(copy, key.data, key.size);
        memcpy(copy + key.size, value.data, value.size);
        damage_value(&j, tj__bytes_of(copy, key.size), tj__bytes_of(copy + key.size, value.size));
    }
    journal_close(&j);
}

/* ---- what is said of it ---------------------------------------------------------------------- */

static tj__rowmap_entry *entry_of(const journal *j, tj__kind kind, const char *name)
{
    tj__key key = tj__key_kind(1, kind);
    memcpy(key.bytes + key.size, name, strlen(name));
    key.size += strlen(name);
    tj__rowmap_entry *entry = tj__rowmap_find(j->rows, tj__key_bytes(&key));
    assert_non_null(entry);
    return entry;
}

static void assert_load_fails(const journal *j, tj_status status, const char *message)
{
    rowmap_source source = journal_source(j);
    tj_live_state *state = NULL;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__state_load(&source.source, 1, &state, &error), status);
    assert_null(state);
    assert_string_equal(error.message, message);
}

static void test_a_damaged_row_stops_load_and_save(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    save_everything(&j);
    entry_of(&j, TJ__KIND_ORDER, "o1")->mark = 1;
    assert_load_fails(&j, TJ_CORRUPT,
                      "the stored bytes do not match their checksum: order \"o1\" (commit 1): book "
                      "\"default\"");
    tj__tip_free(j.tip);
    j.tip = journal_rebuild(&j);
    tj_decimal one = decimal("1");
    tj_live_state none = {0};
    const char *refusal =
        "the stored bytes do not match their checksum: order \"o1\" (commit 1): the "
        "state of book \"default\" cannot be saved over it";
    assert_ok(tj__plan_set_equity(j.plan, &one, &err));
    journal_refuse(&j, NULL, TJ_CORRUPT, refusal);
    assert_ok(tj__plan_put_state(j.plan, &none, &err));
    journal_refuse(&j, NULL, TJ_CORRUPT, refusal);
    /* Algorithms and ledger of the book go on, and so do other books. */
    tj_uuid id = {{1}};
    assert_ok(tj__plan_delete_algo(j.plan, &id, &err));
    assert_ok(tj__plan_create_book(j.plan, TJ_STR("b"), &err));
    assert_ok(tj__plan_use_book(j.plan, TJ_STR("b"), &err));
    assert_ok(tj__plan_set_equity(j.plan, &one, &err));
    assert_ok(tj__plan_resolve(j.plan, j.tip, NULL, &j.resolved, &err));
    assert_int_equal(j.resolved.change_count, 3);
    journal_close(&j);
}

static void test_an_unknown_layout(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    save_everything(&j);
    tj__rowmap_entry *entry = entry_of(&j, TJ__KIND_PRICE, "x:Y");
    entry->bytes[entry->key_size] = 2;
    assert_load_fails(
        &j, TJ_FORMAT_NEWER,
        "layout version 2, this library reads up to 1: a later release wrote it; update "
        "tesser-journal to read it: last price \"x:Y\" (commit 1): book "
        "\"default\"");
    tj__tip_free(j.tip);
    j.tip = journal_rebuild(&j);
    tj_decimal one = decimal("1");
    assert_ok(tj__plan_set_equity(j.plan, &one, &err));
    journal_refuse(&j, NULL, TJ_FORMAT_NEWER,
                   "layout version 2, this library reads up to 1: a later release wrote it; update "
                   "tesser-journal to read it: last price \"x:Y\" (commit 1): the state "
                   "of book \"default\" cannot be saved over it");
    journal_close(&j);
}

static void test_missing_rows(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    save_everything(&j);
    entry_of(&j, TJ__KIND_SUB_ACCOUNT, "kraken")->deleted = true;
    assert_load_fails(&j, TJ_CORRUPT,
                      "a position or balance belongs to a sub-account that is not stored: book "
                      "\"default\"");
    entry_of(&j, TJ__KIND_SUB_ACCOUNT, "kraken")->deleted = false;
    entry_of(&j, TJ__KIND_HEAD, "")->deleted = true;
    assert_load_fails(
        &j, TJ_CORRUPT,
        "positions, balances or sub-accounts are stored, but no portfolio: book \"default\"");
    entry_of(&j, TJ__KIND_HEAD, "")->deleted = false;
    entry_of(&j, TJ__KIND_CHECKPOINT, "")->deleted = true;
    assert_load_fails(&j, TJ_CORRUPT,
                      "exec ids are stored, but no execution checkpoint: book \"default\"");
    tj__key book = tj__key_book_name(TJ_STR("default"));
    tj__rowmap_find(j.rows, tj__key_bytes(&book))->deleted = true;
    rowmap_source source = journal_source(&j);
    tj__tip *tip = NULL;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__tip_build(&source.source, &tip, &error), TJ_CORRUPT);
    assert_null(tip);
    assert_string_equal(error.message, "a state row belongs to book number 1, which has no name");
    journal_close(&j);
}

static void test_algorithms_in_quarantine(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_algo_state algo = {TJ_STR("TWAP"), TJ_STR("{\"pending\":2}")};
    for (uint8_t i = 1; i <= 3; i++) {
        tj_uuid id = {{i}};
        assert_ok(tj__plan_put_algo(j.plan, &id, &algo, &err));
    }
    journal_commit(&j);
    tj_uuid broken = {{2}};
    tj__key key = tj__key_algo(1, &broken);
    assert_non_null(tj__rowmap_put(j.rows, tj__key_bytes(&key), tj__bytes_of("\1\4\0TW", 5), 9));
    rowmap_source source = journal_source(&j);
    tj_algo_list *list = NULL;
    assert_ok(tj__algo_load_all(&source.source, 1, &list, &err));
    assert_int_equal(list->count, 2);
    assert_int_equal(list->records[1].id.bytes[0], 3);
    assert_true(tj_str_equal(list->records[1].state.payload, algo.payload));
    assert_int_equal(list->quarantined_count, 1);
    assert_int_equal(list->quarantined[0].id.bytes[0], 2);
    assert_true(tj_str_equal(list->quarantined[0].raw, TJ_STR("\1\4\0TW")));
    assert_string_equal(list->quarantined[0].reason.data,
                        "its 5 bytes do not decode: algorithm 02000000-0000-0000-0000-000000000000 "
                        "(commit 9)");
    tj_algo_list_free(list);
    tj_algo_record *record = NULL;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__algo_load(&source.source, 1, &broken, &record, &error), TJ_CORRUPT);
    broken.bytes[0] = 4;
    assert_int_equal(tj__algo_load(&source.source, 1, &broken, &record, &error), TJ_NOT_FOUND);
    assert_string_equal(error.message, "algorithm 04000000-0000-0000-0000-000000000000 is not "
                                       "stored: book \"default\"");
    broken.bytes[0] = 1;
    assert_ok(tj__algo_load(&source.source, 1, &broken, &record, &err));
    assert_true(tj_str_equal(record->state.plugin, algo.plugin));
    tj_algo_record_free(record);
    journal_close(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_of_every_value),
        cmocka_unit_test(test_a_damaged_row_stops_load_and_save),
        cmocka_unit_test(test_an_unknown_layout),
        cmocka_unit_test(test_missing_rows),
        cmocka_unit_test(test_algorithms_in_quarantine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
