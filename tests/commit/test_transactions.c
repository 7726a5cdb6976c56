/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Single changes: what they come to, what they need, and what is refused. */
#include "commit/fixture.h"

#define OWN ((tj_str){NULL, 0})

static void test_portfolio_is_needed(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_position position = plain_position("binance:BTCUSDT");
    tj_balance balance = plain_balance("USDT");
    tj_sub_account account = {.exchange = TJ_STR("Kraken")};
    tj_portfolio portfolio = plain_portfolio();
    assert_ok(tj__plan_put_position(j.plan, OWN, &position, &err));
    journal_refuse(
        &j, NULL, TJ_INVALID,
        "position \"binance:BTCUSDT\" needs a portfolio: save the portfolio's own members "
        "first");
    assert_ok(tj__plan_put_balance(j.plan, TJ_STR("kraken"), &balance, &err));
    journal_refuse(&j, NULL, TJ_INVALID,
                   "balance \"USDT\" of sub-account \"kraken\" needs a portfolio: save the "
                   "portfolio's own members first");
    assert_ok(tj__plan_put_sub_account(j.plan, &account, &err));
    journal_refuse(
        &j, NULL, TJ_INVALID,
        "sub-account \"kraken\" needs a portfolio: save the portfolio's own members first");
    /* Within a plan it may come later. */
    assert_ok(tj__plan_put_position(j.plan, OWN, &position, &err));
    assert_ok(tj__plan_put_portfolio(j.plan, &portfolio, &err));
    assert_int_equal(journal_commit(&j), 3);
    /* And it may not go while something is put. */
    assert_ok(tj__plan_delete_portfolio(j.plan, &err));
    assert_ok(tj__plan_put_position(j.plan, OWN, &position, &err));
    journal_refuse(
        &j, NULL, TJ_INVALID,
        "position \"binance:BTCUSDT\" needs a portfolio: save the portfolio's own members "
        "first");
    journal_close(&j);
}

static void put_small_portfolio(journal *j)
{
    tj_portfolio portfolio = plain_portfolio();
    tj_position position = plain_position("BTCUSDT");
    tj_balance balance = plain_balance("USDT");
    assert_ok(tj__plan_put_portfolio(j->plan, &portfolio, &err));
    assert_ok(tj__plan_put_position(j->plan, OWN, &position, &err));
    assert_ok(tj__plan_put_position(j->plan, TJ_STR("KRAKEN "), &position, &err));
    assert_ok(tj__plan_put_balance(j->plan, TJ_STR("kraken"), &balance, &err));
    assert_ok(tj__plan_put_balance(j->plan, TJ_STR("krakenx"), &balance, &err));
}

static void test_sub_accounts_come_and_go(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    put_small_portfolio(&j);
    assert_int_equal(journal_commit(&j), 1 + 5 + 2); /* book, rows, sub-accounts made */
    tj_live_state *state = journal_load(&j, "default");
    assert_int_equal(state->portfolio.sub_account_count, 2);
    assert_true(tj_str_equal(state->portfolio.sub_accounts[0].exchange, TJ_STR("kraken")));
    assert_int_equal(state->portfolio.sub_accounts[0].position_count, 1);
    assert_int_equal(state->portfolio.sub_accounts[0].balance_count, 1);
    assert_int_equal(state->portfolio.sub_accounts[1].balance_count, 1);
    assert_int_equal(state->portfolio.position_count, 1);
    tj_live_state_free(state);

    assert_ok(tj__plan_delete_sub_account(j.plan, TJ_STR("Kraken"), &err));
    assert_int_equal(journal_commit(&j), 3 + 1); /* and the book's row */
    state = journal_load(&j, "default");
    assert_int_equal(state->portfolio.sub_account_count, 1);
    assert_true(tj_str_equal(state->portfolio.sub_accounts[0].exchange, TJ_STR("krakenx")));
    tj_live_state_free(state);
    assert_ok(tj__plan_delete_sub_account(j.plan, TJ_STR("kraken"), &err));
    assert_int_equal(journal_commit(&j), 0);

    /* Put and deleted in one plan: also what the plan itself has put. */
    tj_position position = plain_position("ETHUSDT");
    assert_ok(tj__plan_put_position(j.plan, TJ_STR("krakenx"), &position, &err));
    assert_ok(tj__plan_delete_sub_account(j.plan, TJ_STR("krakenx"), &err));
    assert_int_equal(journal_commit(&j), 2 + 1);
    journal_close(&j);
}

static void test_delete_portfolio_cascades(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_order order = plain_order("kept");
    put_small_portfolio(&j);
    assert_ok(tj__plan_put_order(j.plan, &order, &err));
    journal_commit(&j);
    assert_ok(tj__plan_delete_portfolio(j.plan, &err));
    assert_int_equal(journal_commit(&j), 1 + 2 + 2 + 2 + 1);
    tj_live_state expected = {.open_orders = &order, .open_order_count = 1};
    journal_check(&j, &expected);
    journal_close(&j);
}

static void test_the_last_change_of_a_key_wins(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_price price = {identity("x:A"), decimal("1")};
    tj_order order = plain_order("o");
    for (int i = 0; i < 3; i++) {
        assert_ok(tj__plan_put_price(j.plan, &price, &err));
        price.price = decimal("2");
    }
    assert_ok(tj__plan_put_order(j.plan, &order, &err));
    assert_ok(tj__plan_delete_order(j.plan, order.id, &err));
    assert_int_equal(journal_commit(&j), 2); /* book and price */
    assert_ok(tj__plan_delete_price(j.plan, price.symbol, &err));
    assert_ok(tj__plan_put_price(j.plan, &price, &err));
    assert_int_equal(journal_commit(&j), 0);
    /* A whole state replaces what the plan noted before it, and is changed by what follows. */
    tj_live_state state = {.last_prices = &price, .last_price_count = 1};
    tj_price other = {identity("x:B"), decimal("3")};
    assert_ok(tj__plan_put_order(j.plan, &order, &err));
    assert_ok(tj__plan_put_price(j.plan, &other, &err));
    assert_ok(tj__plan_put_state(j.plan, &state, &err));
    assert_ok(tj__plan_put_price(j.plan, &other, &err));
    assert_int_equal(journal_commit(&j), 1);
    tj_price both[2] = {price, other};
    tj_live_state expected = {.last_prices = both, .last_price_count = 2};
    journal_check(&j, &expected);
    journal_close(&j);
}

static void test_orders_keep_their_place(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_order orders[3] = {plain_order("c"), plain_order("a"), plain_order("b")};
    for (size_t i = 0; i < 3; i++) {
        assert_ok(tj__plan_put_order(j.plan, &orders[i], &err));
    }
    assert_int_equal(journal_commit(&j), 4);
    orders[0].status = TJ_ORDER_FILLED;
    assert_ok(tj__plan_put_order(j.plan, &orders[0], &err));
    assert_int_equal(journal_commit(&j), 1);
    tj_live_state expected = {.open_orders = orders, .open_order_count = 3};
    journal_check(&j, &expected);
    /* Deleted and put again, it goes to the end. */
    assert_ok(tj__plan_delete_order(j.plan, orders[0].id, &err));
    assert_ok(tj__plan_put_order(j.plan, &orders[0], &err));
    assert_int_equal(journal_commit(&j), 1);
    tj_order moved[3] = {orders[1], orders[2], orders[0]};
    expected.open_orders = moved;
    journal_check(&j, &expected);
    journal_close(&j);
}

static void test_singles(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_decimal equity = decimal("1.230");
    tj_time time = -5;
    tj_str ids[2] = {TJ_STR("e2"), TJ_STR("e1")};
    tj_execution_checkpoint checkpoint = {
        .has_last_timestamp = true, .last_timestamp = 9, .exec_ids = ids, .exec_id_count = 2};
    assert_ok(tj__plan_set_equity(j.plan, &equity, &err));
    assert_ok(tj__plan_set_candle(j.plan, &time, &err));
    assert_ok(tj__plan_set_strategy(j.plan, TJ_STR(" [1.0] "), &err));
    assert_ok(tj__plan_set_checkpoint(j.plan, &checkpoint, &err));
    assert_ok(tj__plan_put_extra(j.plan, TJ_STR("new"), TJ_STR("{\"a\":1}"), &err));
    assert_int_equal(journal_commit(&j), 1 + 4 + 2 + 1);
    tj_live_state expected = {.has_portfolio_equity = true,
                              .portfolio_equity = equity,
                              .has_last_candle_ts = true,
                              .last_candle_ts = time,
                              .strategy_state = TJ_STR(" [1.0] "),
                              .has_execution_checkpoint = true,
                              .execution_checkpoint = checkpoint,
                              .extra = TJ_STR("{\"new\":{\"a\":1}}")};
    journal_check(&j, &expected);
    checkpoint.exec_id_count = 1;
    assert_ok(tj__plan_set_checkpoint(j.plan, &checkpoint, &err));
    assert_ok(tj__plan_clear_extra(j.plan, &err));
    assert_ok(tj__plan_put_extra(j.plan, TJ_STR("newer"), TJ_STR("2"), &err));
    assert_int_equal(journal_commit(&j), 1 + 2);
    assert_ok(tj__plan_set_equity(j.plan, NULL, &err));
    assert_ok(tj__plan_set_candle(j.plan, NULL, &err));
    assert_ok(tj__plan_set_strategy(j.plan, TJ_STR(" null"), &err));
    assert_ok(tj__plan_set_checkpoint(j.plan, NULL, &err));
    assert_ok(tj__plan_put_extra(j.plan, TJ_STR("newer"), (tj_str){0}, &err));
    assert_int_equal(journal_commit(&j), 4 + 1 + 1 + 1);
    expected = (tj_live_state){0};
    journal_check(&j, &expected);
    journal_close(&j);
}

/* ---- books ----------------------------------------------------------------------------------- */

static void test_books(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_decimal one = decimal("1");
    tj_decimal two = decimal("2");
    assert_ok(tj__plan_create_book(j.plan, TJ_STR("momentum"), &err));
    assert_int_equal(journal_commit(&j), 1);
    assert_ok(tj__plan_set_equity(j.plan, &one, &err));
    journal_refuse(&j, NULL, TJ_NOT_FOUND,
                   "book \"default\" is not in this journal (it has: momentum); a new one must be "
                   "created before its first use");
    assert_ok(tj__plan_create_book(j.plan, TJ_STR("momentum"), &err));
    journal_refuse(&j, NULL, TJ_EXISTS, "book \"momentum\" is in this journal already");
    /* Created and used in one commit; two books in one commit. */
    assert_ok(tj__plan_set_equity(j.plan, &one, &err));
    assert_ok(tj__plan_use_book(j.plan, TJ_STR("momentum"), &err));
    assert_ok(tj__plan_set_equity(j.plan, &two, &err));
    assert_ok(tj__plan_create_book(j.plan, TJ_STR("default"), &err));
    assert_int_equal(journal_commit(&j), 3);
    tj_live_state *state = journal_load(&j, "momentum");
    assert_int_equal(tj_decimal_compare(state->portfolio_equity, two), 0);
    tj_live_state_free(state);
    /* A book that is only chosen is not looked for. */
    assert_ok(tj__plan_use_book(j.plan, TJ_STR("misspelt"), &err));
    assert_int_equal(journal_commit(&j), 0);
    journal_close(&j);
}

static void test_book_names(void **context)
{
    (void)context;
    tj__plan *plan = tj__plan_new();
    tj_error error = TJ_ERROR_INIT;
    tj_decimal one = decimal("1");
    assert_int_equal(tj__plan_set_equity(plan, &one, &error), TJ_MISUSE);
    assert_string_equal(error.message, "no book was chosen before the first change");
    assert_int_equal(tj__plan_use_book(plan, TJ_STR(""), &error), TJ_INVALID);
    assert_string_equal(error.message, "a book name has 1 to 128 bytes, not 0");
    assert_int_equal(tj__plan_use_book(plan, TJ_STR("a\nb"), &error), TJ_INVALID);
    assert_string_equal(error.message,
                        "the book name \"a\\x0ab\" is not UTF-8 without control characters");
    assert_ok(tj__plan_create_book(plan, TJ_STR("x"), &err));
    assert_int_equal(tj__plan_set_equity(plan, &one, &error), TJ_MISUSE);
    tj__plan_free(plan);
}

static void test_book_find_and_list(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    rowmap_source source = journal_source(&j);
    tj_error error = TJ_ERROR_INIT;
    uint32_t number = 9;
    assert_ok(tj__book_find(&source.source, TJ_STR("default"), &number, &err));
    assert_int_equal(number, 0);
    put_small_portfolio(&j);
    tj_order order = plain_order("o");
    tj_uuid id = {{1}};
    tj_algo_state algo = {TJ_STR("TWAP"), TJ_STR("{}")};
    assert_ok(tj__plan_put_order(j.plan, &order, &err));
    assert_ok(tj__plan_put_algo(j.plan, &id, &algo, &err));
    assert_ok(tj__plan_create_book(j.plan, TJ_STR("a"), &err));
    assert_ok(tj__plan_create_book(j.plan, TJ_STR("default"), &err));
    journal_commit(&j);
    assert_ok(tj__book_find(&source.source, TJ_STR("default"), &number, &err));
    assert_int_equal(number, 1);
    assert_int_equal(tj__book_find(&source.source, TJ_STR("momentm"), &number, &error),
                     TJ_NOT_FOUND);
    assert_string_equal(error.message, "book \"momentm\" is not in this journal (it has: a, "
                                       "default); a new one must be created before its first use");
    tj_book_list *list = NULL;
    assert_ok(tj__book_list_load(&source.source, &list, &err));
    assert_int_equal(list->count, 2);
    assert_true(tj_str_equal(list->books[0].name, TJ_STR("a")));
    assert_int_equal(list->books[0].state_row_count, 0);
    assert_int_equal(list->books[1].state_row_count, 8);
    assert_int_equal(list->books[1].open_order_count, 1);
    assert_int_equal(list->books[1].position_count, 1); /* it is in a sub-account too */
    assert_int_equal(list->books[1].algo_count, 1);
    tj_book_list_free(list);
    journal_close(&j);
}

/* ---- sequences and ids ----------------------------------------------------------------------- */

static void test_expected_sequence(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_decimal one = decimal("1");
    tj_order order = plain_order("o");
    tj_uuid id = {{1}};
    tj_algo_state algo = {TJ_STR("TWAP"), TJ_STR("{}")};
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    assert_ok(tj__plan_set_equity(j.plan, &one, &err));
    assert_ok(tj__plan_put_order(j.plan, &order, &err));
    journal_commit(&j); /* 1 */
    assert_ok(tj__plan_delete_order(j.plan, order.id, &err));
    journal_commit(&j); /* 2 deletes only */
    assert_ok(tj__plan_put_algo(j.plan, &id, &algo, &err));
    journal_commit(&j); /* 3 does not touch the state */
    options.expected_sequence = 1;
    assert_ok(tj__plan_put_order(j.plan, &order, &err));
    journal_refuse(&j, &options, TJ_CONFLICT,
                   "the state of book \"default\" was changed by commit 2, after the expected 1; "
                   "load it again");
    assert_ok(tj__plan_put_algo(j.plan, &id, &algo, &err));
    assert_int_equal(journal_try(&j, &options), TJ_OK);
    options.expected_sequence = 2;
    assert_ok(tj__plan_put_order(j.plan, &order, &err));
    assert_int_equal(journal_try(&j, &options), TJ_OK);
    journal_close(&j);
}

static void test_commit_ids(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.commit_id = (tj_uuid){{7}};
    assert_int_equal(tj__tip_commit_sequence(j.tip, &options.commit_id), 0);
    assert_int_equal(journal_try(&j, &options), TJ_OK);
    assert_int_equal(j.resolved.change_count, 0);
    assert_int_equal(tj__tip_commit_sequence(j.tip, &options.commit_id), 1);
    journal_refuse(&j, &options, TJ_EXISTS, "the commit id names commit 1 already");
    journal_close(&j);
}

static tj_commit_options numbered_commit(uint32_t number)
{
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.commit_id.bytes[0] = 1;
    tj__store_u32(options.commit_id.bytes + 4, number * 2654435761u); /* in no order */
    return options;
}

static void test_oldest_commit_ids_are_forgotten(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    for (uint32_t i = 0; i < TJ_COMMIT_ID_KEPT; i++) {
        tj_commit_options options = numbered_commit(i);
        assert_ok(tj__plan_resolve(j.plan, j.tip, &options, &j.resolved, &err));
        assert_int_equal(j.resolved.change_count, 0);
        tj__tip_advance(j.tip, ++j.sequence);
        assert_ok(tj__body_apply(j.rows, TJ__TABLES_ALL, (tj__bytes){NULL, 0}, 0, j.sequence,
                                 &options.commit_id, &err));
    }
    for (uint32_t i = 0; i < 3; i++) {
        tj_commit_options options = numbered_commit(TJ_COMMIT_ID_KEPT + i);
        tj_commit_options oldest = numbered_commit(i);
        tj_commit_options next = numbered_commit(i + 1);
        assert_int_equal(tj__tip_commit_sequence(j.tip, &oldest.commit_id), i + 1);
        assert_int_equal(journal_try(&j, &options), TJ_OK);
        assert_int_equal(j.resolved.change_count, 1);
        assert_int_equal(tj__tip_commit_sequence(j.tip, &oldest.commit_id), 0);
        assert_int_equal(tj__tip_commit_sequence(j.tip, &next.commit_id), i + 2);
        assert_int_equal(tj__tip_commit_sequence(j.tip, &options.commit_id), j.sequence);
    }
    journal_close(&j);
}

/* ---- limits ---------------------------------------------------------------------------------- */

/* P2: the bound of one commit. */
static void test_a_commit_is_limited(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    size_t size = (size_t)13 << 20;
    char *json = malloc(size);
    assert_non_null(json);
    memset(json, ' ', size);
    json[0] = '1';
    tj_algo_state algo = {TJ_STR("TWAP"), {json, size}};
    for (uint8_t i = 0; i < 5; i++) {
        tj_uuid id = {{i}};
        assert_ok(tj__plan_put_algo(j.plan, &id, &algo, &err));
    }
    journal_refuse(
        &j, NULL, TJ_LIMIT,
        "the commit has 6 changes of 68157645 bytes, more than the 67108864 bytes that one "
        "commit can have; split it");
    free(json);
    journal_close(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_portfolio_is_needed),
        cmocka_unit_test(test_sub_accounts_come_and_go),
        cmocka_unit_test(test_delete_portfolio_cascades),
        cmocka_unit_test(test_the_last_change_of_a_key_wins),
        cmocka_unit_test(test_orders_keep_their_place),
        cmocka_unit_test(test_singles),
        cmocka_unit_test(test_books),
        cmocka_unit_test(test_book_names),
        cmocka_unit_test(test_book_find_and_list),
        cmocka_unit_test(test_expected_sequence),
        cmocka_unit_test(test_commit_ids),
        cmocka_unit_test(test_oldest_commit_ids_are_forgotten),
        cmocka_unit_test(test_a_commit_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
