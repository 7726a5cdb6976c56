/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Transactions: each change, all of them or none (P2), and what a transaction needs. */
#include "contract.h"

/* The state that the calls below build up, as one value to compare with. */
typedef struct whole {
    tj_position positions[2];
    tj_balance balances[2];
    tj_position account_position;
    tj_balance account_balance;
    tj_sub_account account;
    tj_order orders[2];
    tj_price prices[2];
    tj_str exec_ids[2];
    tj_live_state state;
} whole;

static void whole_init(whole *w)
{
    *w = (whole){
        .positions = {plain_position("ABC"), plain_position("binance:ABC")},
        .balances = {plain_balance("BTC"), plain_balance("USDT")},
        .account_position = plain_position("okx:ABC"),
        .account_balance = plain_balance("okx:USDT"),
        .orders = {plain_order("z"), plain_order("a")},
        .prices = {{identity("ABC"), decimal("1.10")}, {identity("binance:ABC"), decimal("2.20")}},
        .exec_ids = {TJ_STR("e2"), TJ_STR("e1")},
    };
    w->account = (tj_sub_account){.exchange = TJ_STR("okx"),
                                  .positions = &w->account_position,
                                  .position_count = 1,
                                  .balances = &w->account_balance,
                                  .balance_count = 1,
                                  .extra = TJ_STR("{\"tier\":2}")};
    tj_live_state *state = &w->state;
    state->has_portfolio_equity = true;
    state->portfolio_equity = decimal("12.340");
    state->has_portfolio = true;
    state->portfolio = plain_portfolio();
    state->portfolio.positions = w->positions;
    state->portfolio.position_count = 2;
    state->portfolio.balances = w->balances;
    state->portfolio.balance_count = 2;
    state->portfolio.sub_accounts = &w->account;
    state->portfolio.sub_account_count = 1;
    state->open_orders = w->orders;
    state->open_order_count = 2;
    state->last_prices = w->prices;
    state->last_price_count = 2;
    state->has_last_candle_ts = true;
    state->last_candle_ts = -5;
    state->strategy_state = TJ_STR("{\"n\":1.50}");
    state->has_execution_checkpoint = true;
    state->execution_checkpoint = (tj_execution_checkpoint){.has_last_timestamp = true,
                                                            .last_timestamp = 9,
                                                            .exec_ids = w->exec_ids,
                                                            .exec_id_count = 2};
    state->extra = TJ_STR("{\"a\":1,\"b\":[2]}");
}

static const tj_str own = {NULL, 0}; /* the portfolio's own positions and balances */

/* Puts every part of it by itself. */
static void put_parts(tj_txn *txn, const whole *w)
{
    tj_time candle = w->state.last_candle_ts;
    for (size_t i = 0; i < 2; i++) {
        assert_ok(tj_txn_put_order(txn, &w->orders[i], &err));
        assert_ok(tj_txn_put_position(txn, own, &w->positions[i], &err));
        assert_ok(tj_txn_put_balance(txn, own, &w->balances[i], &err));
        assert_ok(tj_txn_put_price(txn, &w->prices[i], &err));
    }
    assert_ok(tj_txn_put_sub_account(txn, &w->account, &err));
    assert_ok(tj_txn_put_position(txn, TJ_STR("OKX"), &w->account_position, &err));
    assert_ok(tj_txn_put_balance(txn, TJ_STR("okx"), &w->account_balance, &err));
    assert_ok(tj_txn_put_portfolio(txn, &w->state.portfolio, &err));
    assert_ok(tj_txn_set_portfolio_equity(txn, &w->state.portfolio_equity, &err));
    assert_ok(tj_txn_set_last_candle_ts(txn, &candle, &err));
    assert_ok(tj_txn_set_strategy_state(txn, w->state.strategy_state, &err));
    assert_ok(tj_txn_set_execution_checkpoint(txn, &w->state.execution_checkpoint, &err));
    assert_ok(tj_txn_set_extra(txn, w->state.extra, &err));
}

static void test_parts_make_the_whole(fixture *f)
{
    whole w;
    whole_init(&w);
    tj_txn *txn = begin(f);
    put_parts(txn, &w);
    assert_int_equal(commit(txn), 1);
    assert_stored(f, &w.state);
    assert_ok(tj_state_save(f->states, &w.state, &err)); /* nothing is different */
    assert_int_equal(newest_sequence(f->store), 1);
    fixture_reopen(f);
    assert_stored(f, &w.state);
}

static void test_values_are_copied(fixture *f)
{
    char id[] = "order";
    char payload[] = "{\"n\":1}";
    char json[] = "[1]";
    tj_order order = plain_order(id);
    tj_uuid key = uuid(1);
    tj_algo_state algo = {TJ_STR("twap"), tj_str_of(payload)};
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_put_order(txn, &order, &err));
    assert_ok(tj_txn_put_algo(txn, &key, &algo, &err));
    assert_ok(tj_txn_set_strategy_state(txn, tj_str_of(json), &err));
    memset(id, 'X', sizeof id - 1);
    memset(payload, 'X', sizeof payload - 1);
    memset(json, 'X', sizeof json - 1);
    memset(&order, 0xff, sizeof order);
    memset(&key, 0xff, sizeof key);
    commit(txn);
    tj_order stored = plain_order("order");
    tj_live_state state = {
        .open_orders = &stored, .open_order_count = 1, .strategy_state = TJ_STR("[1]")};
    assert_stored(f, &state);
    tj_algo_record *record = NULL;
    key = uuid(1);
    assert_ok(tj_algo_load(f->algos, &key, &record, &err));
    same_text("payload", record->state.payload, TJ_STR("{\"n\":1}"));
    tj_algo_record_free(record);
}

/* ---- deleting ------------------------------------------------------------------------------ */

static void test_each_part_can_be_deleted(fixture *f)
{
    whole w;
    whole_init(&w);
    assert_ok(tj_state_save(f->states, &w.state, &err));
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_delete_order(txn, TJ_STR("z"), &err));
    assert_ok(tj_txn_delete_position(txn, own, identity("abc"), &err));
    assert_ok(tj_txn_delete_balance(txn, own, identity("btc"), &err));
    assert_ok(tj_txn_delete_position(txn, TJ_STR("OKX"), identity("okx:ABC"), &err));
    assert_ok(tj_txn_delete_balance(txn, TJ_STR("okx"), identity("okx:usdt"), &err));
    assert_ok(tj_txn_delete_price(txn, identity("abc"), &err));
    assert_ok(tj_txn_set_portfolio_equity(txn, NULL, &err));
    assert_ok(tj_txn_set_last_candle_ts(txn, NULL, &err));
    assert_ok(tj_txn_set_strategy_state(txn, TJ_STR("null"), &err));
    assert_ok(tj_txn_set_execution_checkpoint(txn, NULL, &err));
    assert_ok(tj_txn_set_extra(txn, TJ_STR("{}"), &err));
    commit(txn);
    w.state.has_portfolio_equity = w.state.has_last_candle_ts = false;
    w.state.has_execution_checkpoint = false;
    w.state.last_candle_ts = 0;
    w.state.strategy_state = w.state.extra = (tj_str){0};
    w.state.execution_checkpoint = (tj_execution_checkpoint){0};
    w.state.open_orders++;
    w.state.portfolio.positions++;
    w.state.portfolio.balances++;
    w.state.last_prices++;
    w.state.open_order_count = w.state.last_price_count = 1;
    w.state.portfolio.position_count = w.state.portfolio.balance_count = 1;
    w.account.position_count = w.account.balance_count = 0;
    assert_stored(f, &w.state);
}

static void test_deleting_what_is_not_there(fixture *f)
{
    whole w;
    whole_init(&w);
    assert_ok(tj_state_save(f->states, &w.state, &err));
    tj_uuid id = uuid(7);
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_delete_order(txn, TJ_STR("nowhere"), &err));
    assert_ok(tj_txn_delete_position(txn, own, identity("okx:ABC"), &err));
    assert_ok(tj_txn_delete_balance(txn, TJ_STR("kraken"), identity("USDT"), &err));
    assert_ok(tj_txn_delete_sub_account(txn, TJ_STR("kraken"), &err));
    assert_ok(tj_txn_delete_price(txn, identity("XYZ"), &err));
    assert_ok(tj_txn_delete_algo(txn, &id, &err));
    commit(txn);
    assert_stored(f, &w.state);
}

static void test_a_sub_account_goes_with_what_it_holds(fixture *f)
{
    whole w;
    whole_init(&w);
    assert_ok(tj_state_save(f->states, &w.state, &err));
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_delete_sub_account(txn, TJ_STR("OKX"), &err));
    commit(txn);
    w.state.portfolio.sub_account_count = 0;
    assert_stored(f, &w.state);
    fixture_reopen(f);
    assert_stored(f, &w.state);
}

static void test_the_portfolio_goes_with_what_it_holds(fixture *f)
{
    whole w;
    whole_init(&w);
    assert_ok(tj_state_save(f->states, &w.state, &err));
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_delete_portfolio(txn, &err));
    commit(txn);
    w.state.has_portfolio = false;
    w.state.portfolio = (tj_portfolio){0};
    assert_stored(f, &w.state);

    txn = begin(f); /* a new one is empty */
    tj_portfolio portfolio = plain_portfolio();
    assert_ok(tj_txn_put_portfolio(txn, &portfolio, &err));
    commit(txn);
    w.state.has_portfolio = true;
    w.state.portfolio = portfolio;
    assert_stored(f, &w.state);
}

static void test_deleting_and_putting_in_one_transaction(fixture *f)
{
    whole w;
    whole_init(&w);
    assert_ok(tj_state_save(f->states, &w.state, &err));
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_put_position(txn, TJ_STR("kraken"), &w.positions[0], &err)); /* goes again */
    assert_ok(tj_txn_delete_portfolio(txn, &err));
    assert_ok(tj_txn_put_portfolio(txn, &w.state.portfolio, &err));
    assert_ok(tj_txn_put_position(txn, own, &w.positions[1], &err));
    commit(txn);
    w.state.portfolio.positions++;
    w.state.portfolio.position_count = 1;
    w.state.portfolio.balance_count = 0;
    w.state.portfolio.sub_account_count = 0;
    assert_stored(f, &w.state);
}

/* ---- rules --------------------------------------------------------------------------------- */

static void test_the_last_write_wins(fixture *f)
{
    tj_uuid id = uuid(1);
    tj_algo_state algos[] = {{TJ_STR("twap"), TJ_STR("1")}, {TJ_STR("twap"), TJ_STR("2")}};
    tj_price prices[] = {{identity("ABC"), decimal("1")}, {identity("abc"), decimal("2.0")}};
    tj_order orders[] = {plain_order("a"), plain_order("b"), plain_order("a")};
    orders[2].status = TJ_ORDER_FILLED;
    tj_txn *txn = begin(f);
    for (int i = 0; i < 2; i++) {
        assert_ok(tj_txn_put_algo(txn, &id, &algos[i], &err));
        assert_ok(tj_txn_put_price(txn, &prices[i], &err));
    }
    for (int i = 0; i < 3; i++) {
        assert_ok(tj_txn_put_order(txn, &orders[i], &err));
    }
    tj_order gone = plain_order("gone");
    assert_ok(tj_txn_put_order(txn, &gone, &err));
    assert_ok(tj_txn_delete_order(txn, gone.id, &err));
    commit(txn);
    tj_order expected[] = {orders[2], orders[1]}; /* in the place of its first put */
    tj_live_state state = {.last_prices = &prices[0],
                           .last_price_count = 1,
                           .open_orders = expected,
                           .open_order_count = 2};
    prices[0].price = decimal("2.0");
    assert_stored(f, &state);
    tj_algo_record *record = NULL;
    assert_ok(tj_algo_load(f->algos, &id, &record, &err));
    same_text("payload", record->state.payload, TJ_STR("2"));
    tj_algo_record_free(record);
}

static void test_a_state_and_changes_to_it(fixture *f)
{
    whole w;
    whole_init(&w);
    tj_order extra_order = plain_order("extra");
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_put_order(txn, &extra_order, &err)); /* replaced with the rest */
    assert_ok(tj_txn_put_state(txn, &w.state, &err));
    assert_ok(tj_txn_delete_order(txn, TJ_STR("z"), &err));
    assert_ok(tj_txn_put_order(txn, &extra_order, &err));
    commit(txn);
    tj_order expected[] = {w.orders[1], extra_order};
    w.state.open_orders = expected;
    assert_stored(f, &w.state);
}

static void test_an_order_keeps_its_place(fixture *f)
{
    tj_order orders[] = {plain_order("c"), plain_order("a"), plain_order("b"), plain_order("0")};
    tj_live_state state = {.open_orders = orders, .open_order_count = 3};
    assert_ok(tj_state_save(f->states, &state, &err));
    tj_txn *txn = begin(f);
    orders[0].status = TJ_ORDER_PARTIALLY_FILLED;
    assert_ok(tj_txn_put_order(txn, &orders[0], &err));
    assert_ok(tj_txn_put_order(txn, &orders[3], &err)); /* a new one goes to the end */
    commit(txn);
    state.open_order_count = 4;
    assert_stored(f, &state);
    txn = begin(f);
    assert_ok(tj_txn_delete_order(txn, TJ_STR("c"), &err));
    commit(txn);
    txn = begin(f);
    assert_ok(tj_txn_put_order(txn, &orders[0], &err)); /* back, at the end */
    commit(txn);
    tj_order expected[] = {orders[1], orders[2], orders[3], orders[0]};
    state.open_orders = expected;
    assert_stored(f, &state);
}

static void refuse_without_portfolio(fixture *f, tj_txn *txn)
{
    tj_order order = plain_order("a");
    assert_ok(tj_txn_put_order(txn, &order, &err));
    uint64_t sequence = 77;
    assert_refused(tj_txn_commit(txn, NULL, &sequence, &err), TJ_INVALID,
                   "needs a portfolio: save the portfolio's own members first");
    assert_int_equal(sequence, 77);
    tj_live_state none = {0};
    assert_stored(f, &none);
}

static void test_what_needs_a_portfolio(fixture *f)
{
    tj_position position = plain_position("ABC");
    tj_balance balance = plain_balance("USDT");
    tj_sub_account account = {.exchange = TJ_STR("okx")};
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_put_position(txn, own, &position, &err));
    refuse_without_portfolio(f, txn);
    txn = begin(f);
    assert_ok(tj_txn_put_balance(txn, TJ_STR("okx"), &balance, &err));
    refuse_without_portfolio(f, txn);
    txn = begin(f);
    assert_ok(tj_txn_put_sub_account(txn, &account, &err));
    refuse_without_portfolio(f, txn);

    tj_portfolio portfolio = plain_portfolio();
    txn = begin(f); /* put and deleted again is nothing */
    assert_ok(tj_txn_put_portfolio(txn, &portfolio, &err));
    assert_ok(tj_txn_delete_portfolio(txn, &err));
    assert_ok(tj_txn_put_position(txn, own, &position, &err));
    refuse_without_portfolio(f, txn);
    assert_int_equal(newest_sequence(f->store), 0);
}

static void test_a_position_makes_its_sub_account(fixture *f)
{
    tj_portfolio portfolio = plain_portfolio();
    tj_position position = plain_position("okx:ABC");
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_put_position(txn, TJ_STR("OKX"), &position, &err));
    assert_ok(tj_txn_put_portfolio(txn, &portfolio, &err));
    commit(txn);
    tj_sub_account account = {
        .exchange = TJ_STR("okx"), .positions = &position, .position_count = 1};
    tj_live_state state = {.has_portfolio = true, .portfolio = portfolio};
    state.portfolio.sub_accounts = &account;
    state.portfolio.sub_account_count = 1;
    assert_stored(f, &state);
}

static void test_a_refused_call_leaves_the_transaction_as_it_was(fixture *f)
{
    tj_order order = plain_order("a");
    tj_order wrong = plain_order("a");
    wrong.status = (tj_order_status)99;
    wrong.updated_at = 1000;
    tj_live_state two = {.open_orders = (tj_order[]){plain_order("x"), plain_order("x")},
                         .open_order_count = 2};
    tj_uuid id = uuid(1);
    tj_algo_state algo = {TJ_STR("twap"), TJ_STR("{")};
    tj_ledger_entry entry = plain_entry(1, "1");
    entry.type = (tj_ledger_type)0;
    tj_position position = plain_position("ABC");
    position.side = (tj_side)5;
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_put_order(txn, &order, &err));
    assert_refused(tj_txn_put_order(txn, &wrong, &err), TJ_INVALID, "status");
    assert_refused(tj_txn_put_state(txn, &two, &err), TJ_INVALID, "order \"x\" stands twice");
    assert_refused(tj_txn_put_algo(txn, &id, &algo, &err), TJ_INVALID, "payload");
    assert_refused(tj_txn_append_ledger(txn, &entry, &err), TJ_INVALID, "type");
    assert_refused(tj_txn_put_position(txn, own, &position, &err), TJ_INVALID, "side");
    assert_refused(tj_txn_set_strategy_state(txn, TJ_STR("{"), &err), TJ_INVALID, "strategy_state");
    assert_refused(tj_txn_set_extra(txn, TJ_STR("{\"a\":1,}"), &err), TJ_INVALID, "extra");
    assert_refused(tj_txn_set_extra(txn, TJ_STR("[]"), &err), TJ_INVALID, "extra");
    assert_refused(tj_txn_delete_price(txn, (tj_symbol){{"", 0}, {"", 0}}, &err), TJ_INVALID, "");
    assert_refused(tj_txn_delete_sub_account(txn, TJ_STR("a:b"), &err), TJ_INVALID, "");
    assert_int_equal(commit(txn), 1);
    tj_live_state state = {.open_orders = &order, .open_order_count = 1};
    assert_stored(f, &state);
}

static void test_several_books_at_once(fixture *f)
{
    tj_decimal one = decimal("1");
    tj_decimal two = decimal("2");
    tj_ledger_entry entry = plain_entry(1, "1");
    assert_ok(tj_store_book_create(f->store, "default", &err));
    assert_ok(tj_store_book_create(f->store, "beta", &err));
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_set_portfolio_equity(txn, &one, &err));
    assert_ok(tj_txn_use_book(txn, "beta", &err));
    assert_ok(tj_txn_set_portfolio_equity(txn, &two, &err));
    assert_ok(tj_txn_append_ledger(txn, &entry, &err));
    assert_ok(tj_txn_use_book(txn, NULL, &err)); /* back to the configured one */
    assert_ok(tj_txn_append_ledger(txn, &entry, &err));
    entry.id = uuid(2);
    assert_ok(tj_txn_append_ledger(txn, &entry, &err));
    assert_int_equal(commit(txn), 3);
    tj_live_state *state = load_state(f->store, "beta");
    same_decimal("equity", state->portfolio_equity, two);
    assert_int_equal(state->sequence, 3);
    tj_live_state_free(state);
    state = load_state(f->store, NULL);
    same_decimal("equity", state->portfolio_equity, one);
    tj_live_state_free(state);
    uint64_t last = 0;
    assert_ok(tj_ledger_latest(f->ledger, &last, &err));
    assert_int_equal(last, 2);
    assert_ok(tj_ledger_latest(tj_store_ledger_repository(f->store, "beta"), &last, &err));
    assert_int_equal(last, 1);
}

/* A part that cannot be applied in one book keeps all the others from being applied. */
static void test_several_books_or_none(fixture *f)
{
    tj_decimal one = decimal("1");
    tj_position position = plain_position("ABC");
    tj_ledger_entry entry = plain_entry(1, "1");
    tj_uuid id = uuid(1);
    tj_algo_state algo = {TJ_STR("twap"), TJ_STR("1")};
    assert_ok(tj_store_book_create(f->store, "default", &err));
    assert_ok(tj_store_book_create(f->store, "beta", &err));
    char *before = dump_store(f->store);
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_set_portfolio_equity(txn, &one, &err));
    assert_ok(tj_txn_put_algo(txn, &id, &algo, &err));
    assert_ok(tj_txn_append_ledger(txn, &entry, &err));
    assert_ok(tj_txn_use_book(txn, "beta", &err));
    assert_ok(tj_txn_put_position(txn, own, &position, &err));
    assert_refused(tj_txn_commit(txn, NULL, NULL, &err), TJ_INVALID, "needs a portfolio");
    char *after = dump_store(f->store);
    assert_string_equal(after, before);
    free(before);
    free(after);
    fixture_reopen(f);
    uint64_t last = 1;
    assert_ok(tj_ledger_append(f->ledger, &entry, 1, &last, &err)); /* no number was used up */
    assert_int_equal(last, 1);
}

static void test_an_aborted_transaction_is_nothing(fixture *f)
{
    tj_order order = plain_order("a");
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_put_order(txn, &order, &err));
    tj_txn_abort(txn);
    tj_txn_abort(NULL);
    tj_live_state none = {0};
    assert_stored(f, &none);
    assert_int_equal(newest_sequence(f->store), 0);
}

static void test_json_lines(fixture *f)
{
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_apply_json(txn,
                                TJ_STR("{\"id\":\"00000000-0000-4000-8000-000000000001\","
                                       "\"last_prices\":{\"okx:abc\":\"1.50\"},"
                                       "\"ledger\":[]}"),
                                &options, &err));
    assert_false(tj_uuid_is_nil(options.commit_id));
    assert_ok(tj_txn_commit(txn, &options, NULL, &err));
    tj_price price = {identity("okx:ABC"), decimal("1.50")};
    tj_live_state state = {.last_prices = &price, .last_price_count = 1};
    assert_stored(f, &state);
    txn = begin(f);
    assert_refused(tj_txn_apply_json(txn, TJ_STR("{\"prices\":{}}"), &options, &err), TJ_INVALID,
                   "line 1, column 2");
    tj_txn_abort(txn);
}

static const contract_case cases[] = {
    CASE(test_parts_make_the_whole),
    CASE(test_values_are_copied),
    CASE(test_each_part_can_be_deleted),
    CASE(test_deleting_what_is_not_there),
    CASE(test_a_sub_account_goes_with_what_it_holds),
    CASE(test_the_portfolio_goes_with_what_it_holds),
    CASE(test_deleting_and_putting_in_one_transaction),
    CASE(test_the_last_write_wins),
    CASE(test_a_state_and_changes_to_it),
    CASE(test_an_order_keeps_its_place),
    CASE(test_what_needs_a_portfolio),
    CASE(test_a_position_makes_its_sub_account),
    CASE(test_a_refused_call_leaves_the_transaction_as_it_was),
    CASE(test_several_books_at_once),
    CASE(test_several_books_or_none),
    CASE(test_an_aborted_transaction_is_nothing),
    CASE(test_json_lines),
};

CONTRACT_MAIN("transactions", cases)
