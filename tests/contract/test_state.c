/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* LiveState: what is saved is loaded, and what is not valid is refused and changes nothing. */
#include "deep_state.h"

static const random_sizes sizes = {12, 6, 8, 6};

static void test_nothing_stored_is_the_default(fixture *f)
{
    tj_live_state none = {0};
    tj_book_list *books = NULL;
    assert_stored(f, &none);
    assert_int_equal(newest_sequence(f->store), 0);
    assert_ok(tj_store_books(f->store, &books, &err));
    assert_int_equal(books->count, 0);
    tj_book_list_free(books);
}

static void test_the_default_can_be_stored(fixture *f)
{
    tj_live_state none = {0};
    assert_ok(tj_state_save(f->states, &none, &err));
    assert_int_equal(newest_sequence(f->store), 1); /* the book is there now */
    assert_stored(f, &none);
}

/* ---- whole states -------------------------------------------------------------------------- */

static void keep(tj_str *extra, tj_str stored)
{
    if (!extra->data) {
        *extra = stored;
    }
}

static void keep_in_holdings(tj_position *positions, size_t position_count, tj_balance *balances,
                             size_t balance_count, const tj_position *old_positions,
                             size_t old_position_count, const tj_balance *old_balances,
                             size_t old_balance_count)
{
    for (size_t i = 0; i < position_count * old_position_count; i++) {
        tj_position *position = &positions[i / old_position_count];
        const tj_position *old = &old_positions[i % old_position_count];
        if (tj_identity_compare(position->symbol, old->symbol) == 0) {
            keep(&position->extra, old->extra);
        }
    }
    for (size_t i = 0; i < balance_count * old_balance_count; i++) {
        tj_balance *balance = &balances[i / old_balance_count];
        const tj_balance *old = &old_balances[i % old_balance_count];
        if (tj_identity_compare(balance->currency, old->currency) == 0) {
            keep(&balance->extra, old->extra);
        }
    }
}

static void keep_in_portfolio(tj_portfolio *portfolio, const tj_portfolio *old)
{
    keep(&portfolio->extra, old->extra);
    keep_in_holdings(portfolio->positions, portfolio->position_count, portfolio->balances,
                     portfolio->balance_count, old->positions, old->position_count, old->balances,
                     old->balance_count);
    for (size_t i = 0; i < portfolio->sub_account_count * old->sub_account_count; i++) {
        tj_sub_account *account = &portfolio->sub_accounts[i / old->sub_account_count];
        const tj_sub_account *stored = &old->sub_accounts[i % old->sub_account_count];
        if (tj_str_equal(account->exchange, stored->exchange)) {
            keep(&account->extra, stored->extra);
            keep_in_holdings(account->positions, account->position_count, account->balances,
                             account->balance_count, stored->positions, stored->position_count,
                             stored->balances, stored->balance_count);
        }
    }
}

/* What a load must show after `state` was saved over `old`. */
static void keep_unknown_members(tj_live_state *state, const tj_live_state *old)
{
    keep(&state->extra, old->extra);
    if (state->has_portfolio && old->has_portfolio) {
        keep_in_portfolio(&state->portfolio, &old->portfolio);
    }
    if (state->has_execution_checkpoint && old->has_execution_checkpoint) {
        keep(&state->execution_checkpoint.extra, old->execution_checkpoint.extra);
    }
}

static void test_random_states_come_back(fixture *f)
{
    tj_live_state *old = load_state(f->store, NULL);
    for (int round = 0; round < 25; round++) {
        tj_live_state *state = random_live_state(sizes);
        assert_ok(tj_state_save(f->states, state, &err));
        keep_unknown_members(state, old);
        assert_stored(f, state);
        tj_live_state *loaded = load_state(f->store, NULL);
        assert_same_json(loaded, state);
        tj_live_state_free(old);
        tj_live_state_free(state);
        old = loaded;
    }
    tj_live_state_free(old);
}

static void test_what_was_loaded_can_be_saved(fixture *f)
{
    tj_live_state *state = random_live_state(sizes);
    assert_ok(tj_state_save(f->states, state, &err));
    tj_live_state *loaded = load_state(f->store, NULL);
    uint64_t sequence = newest_sequence(f->store);
    assert_ok(tj_state_save(f->states, loaded, &err));
    assert_int_equal(newest_sequence(f->store), sequence);
    tj_live_state_free(loaded);
    fixture_reopen(f);
    loaded = load_state(f->store, NULL);
    assert_ok(tj_state_save(f->states, loaded, &err));
    assert_int_equal(newest_sequence(f->store), sequence);
    tj_live_state_free(loaded);
    tj_live_state_free(state);
}

static void test_an_unchanged_save_keeps_the_sequence(fixture *f)
{
    tj_live_state *state = random_live_state(sizes);
    assert_ok(tj_state_save(f->states, state, &err));
    uint64_t sequence = newest_sequence(f->store);
    for (int i = 0; i < 5; i++) {
        assert_ok(tj_state_save(f->states, state, &err));
    }
    assert_int_equal(newest_sequence(f->store), sequence);
    state->has_last_candle_ts = true;
    state->last_candle_ts++;
    assert_ok(tj_state_save(f->states, state, &err));
    assert_int_equal(newest_sequence(f->store), sequence + 1);
    tj_live_state_free(state);
}

/* P11: the scale is part of a value, and nothing is rounded. */
static void test_another_scale_is_another_value(fixture *f)
{
    tj_live_state state = {.has_portfolio_equity = true, .portfolio_equity = decimal("1.5")};
    assert_ok(tj_state_save(f->states, &state, &err));
    state.portfolio_equity = decimal("1.50");
    assert_ok(tj_state_save(f->states, &state, &err));
    assert_int_equal(newest_sequence(f->store), 2);
    assert_stored(f, &state);
    state.portfolio_equity = decimal("-0.0000000000000000000000000001");
    assert_ok(tj_state_save(f->states, &state, &err));
    assert_stored(f, &state);
    state.portfolio_equity = decimal("9999999999999999999999999999999999");
    assert_ok(tj_state_save(f->states, &state, &err));
    assert_stored(f, &state);
}

static void test_a_save_replaces_the_whole_state(fixture *f)
{
    tj_live_state *state = random_live_state(sizes);
    tj_live_state small = {.has_last_candle_ts = true, .last_candle_ts = 7};
    assert_ok(tj_state_save(f->states, state, &err));
    tj_live_state_free(state);
    small.extra = TJ_STR("{}");
    assert_ok(tj_state_save(f->states, &small, &err));
    small.extra = (tj_str){0};
    assert_stored(f, &small);
}

/* ---- single members ------------------------------------------------------------------------ */

/* P12: the prices are a map, and these are its keys. */
static void test_identities_become_canonical(fixture *f)
{
    tj_price prices[] = {{{TJ_STR(" Binance_Perp"), TJ_STR("btcUSDT ")}, decimal("1.10")},
                         {{TJ_STR(""), TJ_STR("btcusdt")}, decimal("2.20")},
                         {{TJ_STR("KRAKEN"), TJ_STR("btcusdt")}, decimal("3.30")}};
    tj_live_state state = {.last_prices = prices, .last_price_count = 3};
    assert_ok(tj_state_save(f->states, &state, &err));
    tj_price sorted[] = {{identity("BTCUSDT"), decimal("2.20")},
                         {identity("binance_perp:BTCUSDT"), decimal("1.10")},
                         {identity("kraken:BTCUSDT"), decimal("3.30")}};
    state.last_prices = sorted;
    assert_stored(f, &state);
    assert_ok(tj_state_save(f->states, &state, &err));
    assert_int_equal(newest_sequence(f->store), 1);
}

static void test_strategy_state_is_kept_byte_for_byte(fixture *f)
{
    tj_live_state state = {
        .strategy_state = TJ_STR(" {\"n\": 18446744073709551616, \"n\": 1e+0 ,\"\\u00e9\":[ ]} ")};
    assert_ok(tj_state_save(f->states, &state, &err));
    tj_live_state *loaded = load_state(f->store, NULL);
    /* Spaces around the text are not part of it. */
    tj_str kept = TJ_STR("{\"n\": 18446744073709551616, \"n\": 1e+0 ,\"\\u00e9\":[ ]}");
    const char *found =
        memmem(loaded->strategy_state.data, loaded->strategy_state.size, kept.data, kept.size);
    assert_non_null(found);
    tj_live_state_free(loaded);
    state.strategy_state = TJ_STR("null");
    assert_ok(tj_state_save(f->states, &state, &err));
    state.strategy_state = (tj_str){0};
    assert_stored(f, &state);
    assert_ok(tj_state_save(f->states, &state, &err));
    assert_int_equal(newest_sequence(f->store), 2);
}

static void save_orders(fixture *f, tj_order *orders, size_t count)
{
    tj_live_state state = {.open_orders = orders, .open_order_count = count};
    assert_ok(tj_state_save(f->states, &state, &err));
    assert_stored(f, &state);
}

static void test_the_order_of_open_orders_is_kept(fixture *f)
{
    char ids[40][8];
    tj_order orders[40];
    for (size_t i = 0; i < 40; i++) {
        snprintf(ids[i], sizeof ids[i], "%02zu", i * 27 % 40);
        orders[i] = plain_order(ids[i]);
    }
    save_orders(f, orders, 30);
    for (int round = 0; round < 20; round++) {
        size_t from = random_below(30);
        size_t to = random_below(30);
        tj_order moved = orders[from];
        orders[from] = orders[to];
        orders[to] = moved;
        save_orders(f, orders, 30);
    }
    tj_order inserted = orders[30];
    memmove(orders + 6, orders + 5, 25 * sizeof *orders); /* one in the middle */
    orders[5] = inserted;
    save_orders(f, orders, 31);
    memmove(orders, orders + 1, 30 * sizeof *orders); /* the first one goes */
    save_orders(f, orders, 30);
    fixture_reopen(f);
    save_orders(f, orders + 3, 20);
}

/* ---- what is refused ----------------------------------------------------------------------- */

static void test_what_stands_twice_is_refused(fixture *f)
{
    tj_str *extras[EXTRA_COUNT];
    deep_state d;
    deep_state_init(&d, extras);
    assert_ok(tj_state_save(f->states, &d.state, &err));
    deep_state stored = d;

    tj_order orders[] = {plain_order("same"), plain_order("b"), plain_order("same")};
    d.state.open_orders = orders;
    d.state.open_order_count = 3;
    assert_refused(tj_state_save(f->states, &d.state, &err), TJ_INVALID,
                   "order \"same\" stands twice");
    d.state = stored.state;

    tj_price prices[] = {{identity("x:abc"), decimal("1")}, {identity("X:ABC"), decimal("1")}};
    d.state.last_prices = prices;
    d.state.last_price_count = 2;
    assert_refused(tj_state_save(f->states, &d.state, &err), TJ_INVALID, "x:ABC\" stands twice");
    d.state = stored.state;

    tj_position positions[] = {plain_position("x:abc"), plain_position("X:abc")};
    d.state.portfolio.positions = positions;
    d.state.portfolio.position_count = 2;
    assert_refused(tj_state_save(f->states, &d.state, &err), TJ_INVALID, "x:ABC\" stands twice");
    d.state = stored.state;

    tj_balance balances[] = {plain_balance("usdt"), plain_balance("USDT")};
    d.state.portfolio.balances = balances;
    d.state.portfolio.balance_count = 2;
    assert_refused(tj_state_save(f->states, &d.state, &err), TJ_INVALID, "USDT\" stands twice");
    d.state = stored.state;

    tj_sub_account accounts[] = {{.exchange = TJ_STR("okx")}, {.exchange = TJ_STR("OKX")}};
    d.state.portfolio.sub_accounts = accounts;
    d.state.portfolio.sub_account_count = 2;
    assert_refused(tj_state_save(f->states, &d.state, &err), TJ_INVALID, "okx\" stands twice");
    d.state = stored.state;

    tj_str exec_ids[] = {TJ_STR("e1"), TJ_STR("e2"), TJ_STR("e1")};
    d.state.execution_checkpoint.exec_ids = exec_ids;
    d.state.execution_checkpoint.exec_id_count = 3;
    assert_refused(tj_state_save(f->states, &d.state, &err), TJ_INVALID, "e1\" stands twice");
    d.state = stored.state;

    assert_stored(f, &d.state);
    assert_int_equal(newest_sequence(f->store), 1);
}

static void refuse_order(fixture *f, tj_order order, tj_status status, const char *text)
{
    tj_live_state state = {.open_orders = &order, .open_order_count = 1};
    assert_refused(tj_state_save(f->states, &state, &err), status, text);
}

static void test_orders_that_are_not_valid(fixture *f)
{
    char long_id[TJ_ID_SIZE_MAX + 1];
    memset(long_id, 'x', sizeof long_id);
    tj_order order = plain_order("");
    refuse_order(f, order, TJ_INVALID, "is empty");
    order.id = (tj_str){0};
    refuse_order(f, order, TJ_INVALID, "is empty");
    order.id = (tj_str){long_id, sizeof long_id};
    refuse_order(f, order, TJ_LIMIT, "has 257 bytes, 256 are allowed");
    order.id = TJ_STR("a\xff");
    refuse_order(f, order, TJ_INVALID, "is not UTF-8");
    order = plain_order("a");
    order.request.side = TJ_SIDE_NONE;
    refuse_order(f, order, TJ_INVALID, "side");
    order = plain_order("a");
    order.request.order_type = (tj_order_type)4;
    refuse_order(f, order, TJ_INVALID, "order_type");
    order = plain_order("a");
    order.status = (tj_order_status)0;
    refuse_order(f, order, TJ_INVALID, "status");
    order = plain_order("a");
    order.request.time_in_force = (tj_time_in_force)9;
    refuse_order(f, order, TJ_INVALID, "time_in_force");
    order = plain_order("a");
    order.request.symbol = (tj_symbol){{"", 0}, {"", 0}};
    refuse_order(f, order, TJ_INVALID, "symbol");
    order = plain_order("a");
    order.request.quantity = (tj_decimal){{UINT64_MAX, UINT64_MAX}};
    refuse_order(f, order, TJ_INVALID, "quantity");
    order = plain_order("a");
    order.request.client_order_id = (tj_str){long_id, sizeof long_id};
    refuse_order(f, order, TJ_LIMIT, "client_order_id");
    assert_int_equal(newest_sequence(f->store), 0);
}

static void test_the_longest_ids_are_kept(fixture *f)
{
    char id[TJ_ID_SIZE_MAX];
    char exchange[TJ_EXCHANGE_SIZE_MAX];
    char code[TJ_CODE_SIZE_MAX];
    memset(id, 'x', sizeof id);
    memset(exchange, 'e', sizeof exchange);
    memset(code, 'C', sizeof code);
    tj_order order = plain_order("a");
    order.id = (tj_str){id, sizeof id};
    order.request.client_order_id = order.id;
    order.request.symbol = (tj_symbol){{exchange, sizeof exchange}, {code, sizeof code}};
    tj_position position = plain_position("A");
    position.symbol = order.request.symbol;
    tj_sub_account account = {
        .exchange = {exchange, sizeof exchange}, .positions = &position, .position_count = 1};
    tj_live_state state = {.open_orders = &order, .open_order_count = 1, .has_portfolio = true};
    state.portfolio = plain_portfolio();
    state.portfolio.sub_accounts = &account;
    state.portfolio.sub_account_count = 1;
    assert_ok(tj_state_save(f->states, &state, &err));
    assert_stored(f, &state);
}

static void test_json_beyond_its_limit(fixture *f)
{
    size_t size = TJ_JSON_SIZE_MAX + 1;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, ' ', size);
    text[0] = '1';
    tj_live_state state = {.strategy_state = {text, size}};
    assert_refused(tj_state_save(f->states, &state, &err), TJ_LIMIT,
                   "the JSON text has 16777217 bytes; at most 16777216 are allowed");
    state.strategy_state = TJ_STR("{\"a\":1,}");
    assert_refused(tj_state_save(f->states, &state, &err), TJ_INVALID, "strategy_state");
    assert_int_equal(newest_sequence(f->store), 0);
    memset(text, '[', 300);
    memset(text + 300, ']', 300);
    state.strategy_state = (tj_str){text, 600};
    assert_refused(tj_state_save(f->states, &state, &err), TJ_LIMIT, "256");
    free(text);
}

static void test_the_largest_json_is_kept(fixture *f)
{
    size_t size = TJ_JSON_SIZE_MAX;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'x', size);
    text[0] = text[size - 1] = '"';
    tj_live_state state = {.strategy_state = {text, size}};
    assert_ok(tj_state_save(f->states, &state, &err));
    assert_stored(f, &state);
    fixture_reopen(f);
    assert_stored(f, &state);
    free(text);
}

static const contract_case cases[] = {
    CASE(test_nothing_stored_is_the_default),
    CASE(test_the_default_can_be_stored),
    CASE(test_random_states_come_back),
    CASE(test_what_was_loaded_can_be_saved),
    CASE(test_an_unchanged_save_keeps_the_sequence),
    CASE(test_another_scale_is_another_value),
    CASE(test_a_save_replaces_the_whole_state),
    CASE(test_identities_become_canonical),
    CASE(test_strategy_state_is_kept_byte_for_byte),
    CASE(test_the_order_of_open_orders_is_kept),
    CASE(test_what_stands_twice_is_refused),
    CASE(test_orders_that_are_not_valid),
    CASE(test_the_longest_ids_are_kept),
    CASE(test_json_beyond_its_limit),
    CASE(test_the_largest_json_is_kept),
};

CONTRACT_MAIN("state", cases)
