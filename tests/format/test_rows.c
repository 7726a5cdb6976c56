/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The bytes of row keys, row values and record bodies. A journal written by any release holds
 * these: a test that fails here means a new layout version, not new bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rowmap.h"
#include "commit/commit.h"
#include "rows/body.h"
#include "rows/load.h"
#include "rows/rowmap_source.h"
#include "support/check.h"
#include "table/sums.h"

static tj_decimal decimal(const char *text)
{
    tj_decimal value;
    assert_ok(tj_decimal_parse(tj_str_of(text), &value, &err));
    return value;
}

static tj_order full_order(void)
{
    return (tj_order){.id = TJ_STR("order-1"),
                      .request = {.symbol = {TJ_STR("Binance"), TJ_STR("btcusdt")},
                                  .side = TJ_SIDE_SELL,
                                  .order_type = TJ_ORDER_STOP_MARKET,
                                  .quantity = decimal("1.50"),
                                  .has_price = true,
                                  .price = decimal("2"),
                                  .has_trigger_price = true,
                                  .trigger_price = decimal("3"),
                                  .time_in_force = TJ_TIF_FILL_OR_KILL,
                                  .client_order_id = TJ_STR("me"),
                                  .has_take_profit = true,
                                  .take_profit = decimal("4"),
                                  .has_stop_loss = true,
                                  .stop_loss = decimal("5"),
                                  .has_display_quantity = true,
                                  .display_quantity = decimal("6"),
                                  .extra = TJ_STR("{\"a\":1}")},
                      .status = TJ_ORDER_PARTIALLY_FILLED,
                      .filled_quantity = decimal("-0.7"),
                      .has_avg_fill_price = true,
                      .avg_fill_price = decimal("8"),
                      .created_at = 1,
                      .updated_at = -1,
                      .extra = TJ_STR("{\"b\":2}")};
}

static void put_everything(tj__plan *plan)
{
    tj_order plain = {.id = TJ_STR("o2"),
                      .request = {.symbol = {.code = TJ_STR("X")},
                                  .side = TJ_SIDE_BUY,
                                  .order_type = TJ_ORDER_MARKET,
                                  .quantity = decimal("1")},
                      .status = TJ_ORDER_PENDING_NEW,
                      .filled_quantity = decimal("0")};
    tj_order orders[2] = {full_order(), plain};
    tj_position position = {.symbol = {TJ_STR("binance"), TJ_STR("BTCUSDT")},
                            .side = TJ_SIDE_BUY,
                            .quantity = decimal("2"),
                            .has_entry_price = true,
                            .entry_price = decimal("9"),
                            .unrealized_pnl = decimal("-1"),
                            .updated_at = 258,
                            .extra = TJ_STR("{\"c\":3}")};
    tj_balance balance = {.currency = {.code = TJ_STR("USDT")},
                          .quantity = decimal("10"),
                          .conversion_rate = decimal("1.0")};
    tj_sub_account account = {.exchange = TJ_STR("kraken"),
                              .balances = &balance,
                              .balance_count = 1,
                              .extra = TJ_STR("{\"d\":4}")};
    tj_price price = {{.code = TJ_STR("X")}, decimal("0.00")};
    tj_str exec_ids[1] = {TJ_STR("e1")};
    tj_live_state state = {.has_portfolio_equity = true,
                           .portfolio_equity = decimal("12.5"),
                           .has_portfolio = true,
                           .portfolio = {.positions = &position,
                                         .position_count = 1,
                                         .reporting_currency = {.code = TJ_STR("USDT")},
                                         .initial_equity = decimal("100"),
                                         .has_drawdown_limit = true,
                                         .drawdown_limit = decimal("0.05"),
                                         .peak_equity = decimal("200"),
                                         .liquidate_only = true,
                                         .sub_accounts = &account,
                                         .sub_account_count = 1},
                           .open_orders = orders,
                           .open_order_count = 2,
                           .last_prices = &price,
                           .last_price_count = 1,
                           .has_last_candle_ts = true,
                           .last_candle_ts = 1763900000000000000,
                           .strategy_state = TJ_STR("[1]"),
                           .has_execution_checkpoint = true,
                           .execution_checkpoint = {.has_last_timestamp = true,
                                                    .last_timestamp = 1,
                                                    .exec_ids = exec_ids,
                                                    .exec_id_count = 1},
                           .extra = TJ_STR("{\"new\":null}")};
    tj_uuid id = {{0xaa, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
    tj_algo_state algo = {TJ_STR("TWAP"), TJ_STR("{}")};
    tj_ledger_entry entry = {.id = id,
                             .time = -2,
                             .exchange = TJ_STR("kraken"),
                             .asset = {.code = TJ_STR("USDT")},
                             .amount = decimal("-3.0"),
                             .type = TJ_LEDGER_FUNDING,
                             .reference = TJ_STR("ref"),
                             .meta = TJ_STR("{}")};
    assert_ok(tj__plan_use_book(plan, TJ_STR("default"), &err));
    assert_ok(tj__plan_put_state(plan, &state, &err));
    assert_ok(tj__plan_put_algo(plan, &id, &algo, &err));
    assert_ok(tj__plan_append_ledger(plan, &entry, &err));
}

static void print_hex(tj__bytes bytes, char *text)
{
    for (size_t i = 0; i < bytes.size; i++) {
        sprintf(text + 2 * i, "%02x", bytes.data[i]);
    }
    text[2 * bytes.size] = 0;
}

typedef struct pinned {
    const char *key;
    const char *value;
} pinned;

/* In key order. */
static const pinned rows[] = {
    /* book "default", number 1 */
    {"020000000064656661756c74", "0101000000"},
    /* portfolio head */
    {"030000000101", "01030004005553445464000000000000000000000000004030c8000000000000000000000000"
                     "00403005000000000000000000000000003c30"},
    /* portfolio_equity 12.5 */
    {"030000000102", "017d000000000000000000000000003e30"},
    /* last_candle_ts */
    {"030000000103", "0100c04f57b4a17a18"},
    /* strategy_state */
    {"030000000104", "015b315d"},
    /* execution_checkpoint */
    {"030000000105", "0101000100000000000000"},
    /* unknown member */
    {"0300000001066e6577", "016e756c6c"},
    /* balance of kraken */
    {"0300000001076b72616b656e0055534454",
     "010a0000000000000000000000000040300a000000000000000000000000003e30"},
    /* position */
    {"0300000001080062696e616e63653a42544355534454",
     "0101000102000000000000000000000000004030010000000000000000000000000040b00201"
     "000000000000090000000000000000000000000040307b2263223a337d"},
    /* sub-account */
    {"0300000001096b72616b656e", "017b2264223a347d"},
    /* last price 0.00 */
    {"03000000010a58", "0100000000000000000000000000003c30"},
    /* order o2, second */
    {"03000000010b6f32",
     "0100000000020000000000010101000000000000000000000000000000000001000000000000"
     "0000000000000040300000000000000000000000000000403001005800000000"},
    /* order-1, first, with everything */
    {"03000000010b6f726465722d31",
     "0100000000010000007f00030203030100000000000000ffffffffffffffff96000000000000"
     "000000000000003c3007000000000000000000000000003eb002000000000000000000000000"
     "0040300300000000000000000000000000403004000000000000000000000000004030050000"
     "0000000000000000000000403006000000000000000000000000004030080000000000000000"
     "000000000040300f0062696e616e63653a4254435553445402006d65070000007b2261223a31"
     "7d7b2262223a327d"},
    /* exec id */
    {"03000000010c6531", "010000000001000000"},
    /* algorithm */
    {"0400000001aa0102030405060708090a0b0c0d0e0f", "010400545741507b7d"},
    /* ledger entry 1 */
    {"05000000010000000000000001",
     "0103aa0102030405060708090a0b0c0d0e0ffeffffffffffffff1e0000000000000000000000"
     "00003eb006006b72616b656e04005553445403007265667b7d"},
    /* its time, -2 */
    {"06000000017ffffffffffffffe0000000000000001", "01"},
    /* commit id */
    {"0800000000cc000000000000000000000000000000", "010201000000000000"},
    /* the entry by its id */
    {"0a00000001aa0102030405060708090a0b0c0d0e0f", "010100000000000000"},
};

static void assert_hex(tj__bytes bytes, const char *expected)
{
    char text[2048];
    assert_true(bytes.size * 2 < sizeof text);
    print_hex(bytes, text);
    assert_string_equal(text, expected);
}

static void assert_rows(tj__rowmap *map)
{
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    assert_true(tj__rowmap_sorted(map, &entries, &count));
    assert_int_equal(count, sizeof rows / sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        assert_hex(tj__rowmap_key(entries[i]), rows[i].key);
        assert_hex(tj__rowmap_value(entries[i]), rows[i].value);
    }
}

/* Every row above, as commit 258 leaves them. */
static tj__rowmap *store_everything(void)
{
    tj__rowmap *map = tj__rowmap_new();
    rowmap_source source = rowmap_source_of(map, 0);
    tj__tip *tip = NULL;
    tj__plan *plan = tj__plan_new();
    tj__resolved resolved = {0};
    tj_uuid commit_id = {{0xcc}};
    assert_ok(tj__tip_build(&source.source, &tip, &err));
    put_everything(plan);
    assert_ok(tj__plan_resolve(plan, tip, NULL, &resolved, &err));
    assert_ok(tj__body_apply(map, TJ__TABLES_ALL, tj__buffer_bytes(&resolved.body),
                             resolved.change_count, 258, &commit_id, &err));
    tj__resolved_dispose(&resolved);
    tj__plan_free(plan);
    tj__tip_free(tip);
    return map;
}

static void test_rows(void **context)
{
    (void)context;
    tj__rowmap *map = store_everything();
    assert_rows(map);
    tj__rowmap_free(map);
}

static void test_body(void **context)
{
    (void)context;
    tj__buffer body = {0};
    tj__change put = {TJ__CHANGE_PUT, tj__bytes_of("\3\0\0\0\1\2", 6), tj__bytes_of("\1xyz", 4)};
    tj__change delete = {TJ__CHANGE_DELETE, tj__bytes_of("\4\0\0\0\1k", 6), {NULL, 0}};
    tj__body_put(&body, &put);
    tj__body_put(&body, &delete);
    assert_hex(tj__buffer_bytes(&body), "0100060004000000"
                                        "030000000102"
                                        "0178797a"
                                        "0200060000000000"
                                        "04000000016b");
    tj__buffer_dispose(&body);
}

/* ---- what a later release adds ----------------------------------------------------------- */

static void assert_newer(tj_status status)
{
    assert_int_equal(status, TJ_FORMAT_NEWER);
    assert_int_equal(err.status, TJ_FORMAT_NEWER);
    assert_non_null(strstr(err.message, "a later release wrote it; update tesser-journal"));
}

/* Reads what the row is part of. */
static tj_status load_row(tj__rowmap *map, tj__bytes key)
{
    rowmap_source stored = rowmap_source_of(map, 258);
    tj_live_state *state = NULL;
    tj_algo_record *algo = NULL;
    tj_ledger_list *list = NULL;
    tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
    tj_uuid id = {{0}};
    uint64_t sequence = 0;
    uint32_t number = 0;
    err = (tj_error)TJ_ERROR_INIT;
    if (key.size > sizeof id.bytes) {
        memcpy(id.bytes, key.data + key.size - sizeof id.bytes, sizeof id.bytes);
    }
    switch (key.data[0]) {
    case TJ__TABLE_BOOKS:
        return tj__book_find(&stored.source, TJ_STR("default"), &number, &err);
    case TJ__TABLE_STATE:
        return tj__state_load(&stored.source, 1, &state, &err);
    case TJ__TABLE_ALGOS:
        return tj__algo_load(&stored.source, 1, &id, &algo, &err);
    case TJ__TABLE_COMMITS:
        return tj__commit_find(&stored.source, &id, &sequence, &err);
    default:
        query.by_time = key.data[0] == TJ__TABLE_LEDGER_TIME;
        return tj__ledger_find(&stored.source, 1, &query, &list, &err);
    }
}

/* Each kind of value in a layout of its own that is one above the newest. */
static void test_a_later_layout(void **context)
{
    (void)context;
    tj__rowmap *map = store_everything();
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    assert_true(tj__rowmap_sorted(map, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        uint8_t *version = entries[i]->bytes + entries[i]->key_size;
        if (entries[i]->bytes[0] == TJ__TABLE_LEDGER_TIME ||
            entries[i]->bytes[0] == TJ__TABLE_LEDGER_IDS) {
            continue; /* their values are never looked at */
        }
        *version += 1;
        assert_newer(load_row(map, tj__rowmap_key(entries[i])));
        *version -= 1;
    }
    tj__rowmap_free(map);
}

static uint8_t *byte_of(tj__rowmap *map, const char *key, size_t key_size, size_t at)
{
    tj__rowmap_entry *entry = tj__rowmap_find(map, tj__bytes_of(key, key_size));
    assert_non_null(entry);
    return entry->bytes + entry->key_size + at;
}

static void assert_newer_with(tj__rowmap *map, uint8_t *byte, uint8_t value)
{
    uint8_t before = *byte;
    *byte = value;
    assert_newer(load_row(map, tj__bytes_of("\3", 1)));
    *byte = before;
}

/* An optional member that is not known yet, and a choice. */
static void test_a_later_flag(void **context)
{
    (void)context;
    tj__rowmap *map = store_everything();
    uint8_t *order = byte_of(map, "\3\0\0\0\1\13o2", 8, 9);
    assert_newer_with(map, order, 128);
    assert_newer_with(map, order + 1, 128);
    assert_newer_with(map, order + 2, TJ_ORDER_REJECTED + 1);
    assert_newer_with(map, byte_of(map, "\3\0\0\0\1\1", 6, 1), 7);
    assert_newer_with(map, byte_of(map, "\3\0\0\0\1\5", 6, 1), 3);
    assert_newer_with(map, byte_of(map, "\3\0\0\0\1\10\0binance:BTCUSDT", 22, 1), 3);
    tj__rowmap_free(map);
}

static void test_a_later_kind(void **context)
{
    (void)context;
    tj__rowmap *map = store_everything();
    rowmap_source stored = rowmap_source_of(map, 258);
    tj__bytes key = tj__bytes_of("\3\0\0\0\1\15new", 9);
    tj__tip *tip = NULL;
    tj__plan *plan = tj__plan_new();
    tj__resolved resolved = {0};
    tj_decimal one = decimal("1");
    assert_non_null(tj__rowmap_put(map, key, tj__bytes_of("\1", 1), 258));
    assert_newer(load_row(map, key));
    /* Nor is it saved over. */
    assert_ok(tj__tip_build(&stored.source, &tip, &err));
    assert_ok(tj__plan_use_book(plan, TJ_STR("default"), &err));
    assert_ok(tj__plan_set_equity(plan, &one, &err));
    assert_newer(tj__plan_resolve(plan, tip, NULL, &resolved, &err));
    tj__resolved_dispose(&resolved);
    tj__plan_free(plan);
    tj__tip_free(tip);
    tj__rowmap_free(map);
}

static void assert_newer_change(const char *bytes)
{
    tj__bytes rest = tj__bytes_of(bytes, 14);
    tj__change change;
    assert_newer(tj__body_next(&rest, &change, &err));
}

static void test_a_later_change(void **context)
{
    (void)context;
    assert_newer_change("\1\0\6\0\0\0\0\0\77\0\0\0\1k"); /* table 63 */
    assert_newer_change("\3\0\6\0\0\0\0\0\3\0\0\0\1k");  /* operation 3 */
    assert_newer_change("\1\1\6\0\0\0\0\0\3\0\0\0\1k");  /* what is 0 today */
}

/* ---- sums of rows ------------------------------------------------------------------------ */

static void test_sum(void **context)
{
    (void)context;
    tj__sum sum = {.table = TJ__TABLE_STATE, .book = 258, .rows = 3, .checksums = 5};
    tj__sum read = {0};
    uint8_t key[TJ__SUM_KEY_SIZE];
    uint8_t value[TJ__SUM_VALUE_SIZE];
    tj__sum_key(key, &sum);
    tj__sum_encode(value, &sum);
    assert_hex(tj__bytes_of(key, sizeof key), "73756d0300000102");
    assert_hex(tj__bytes_of(value, sizeof value),
               "03000000000000000500000000000000781cbc1b8eb235fe");
    assert_true(tj__sum_is_key(tj__bytes_of(key, sizeof key)));
    assert_ok(tj__sum_decode(tj__bytes_of(key, sizeof key), tj__bytes_of(value, sizeof value),
                             &read, &err));
    assert_memory_equal(&read, &sum, sizeof sum);
    value[0] ^= 1;
    assert_int_equal(tj__sum_decode(tj__bytes_of(key, sizeof key),
                                    tj__bytes_of(value, sizeof value), &read, NULL),
                     TJ_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_body),
        cmocka_unit_test(test_sum),
        cmocka_unit_test(test_a_later_layout),
        cmocka_unit_test(test_a_later_flag),
        cmocka_unit_test(test_a_later_kind),
        cmocka_unit_test(test_a_later_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
