/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Random transactions of every kind of change. The fixture compares the tip with one built from the
 * rows after every commit; here the stored state is also loaded, and saving it again changes
 * nothing.
 */
#include "commit/fixture.h"

#include "support/random_state.h"

static const char *const books[] = {"default", "momentum", "a longer name"};
static tj__arena *arena;

static tj_str some_owner(void)
{
    static const char *const owners[] = {"kraken", "bybit", "Binance_Perp"};
    return random_bool() ? (tj_str){0} : tj_str_of(owners[random_below(3)]);
}

static tj_str some_order_id(void)
{
    return random_text(arena, "order-%u", random_below(30) * 7919 % 31);
}

static tj_str some_json(void)
{
    switch (random_below(3)) {
    case 0:
        return (tj_str){0};
    case 1:
        return TJ_STR("null");
    default:
        return random_text(arena, "[%u]", random_below(100));
    }
}

static void change_orders(tj__plan *plan)
{
    if (random_below(3) == 0) {
        assert_ok(tj__plan_delete_order(plan, some_order_id(), &err));
    } else {
        tj_order order = random_order(arena, some_order_id());
        assert_ok(tj__plan_put_order(plan, &order, &err));
    }
}

static void change_holdings(tj__plan *plan)
{
    tj_position position = random_position(arena, random_identity(arena, random_below(8)));
    tj_balance balance = {.currency = random_identity(arena, random_below(4)),
                          .quantity = random_decimal(),
                          .conversion_rate = random_decimal(),
                          .extra = random_extra(arena)};
    tj_str owner = some_owner();
    switch (random_below(4)) {
    case 0:
        assert_ok(tj__plan_put_position(plan, owner, &position, &err));
        break;
    case 1:
        assert_ok(tj__plan_put_balance(plan, owner, &balance, &err));
        break;
    case 2:
        assert_ok(tj__plan_delete_position(plan, owner, position.symbol, &err));
        break;
    default:
        assert_ok(tj__plan_delete_balance(plan, owner, balance.currency, &err));
        break;
    }
}

static void change_portfolio(tj__plan *plan)
{
    tj_portfolio portfolio = {0};
    tj_sub_account account = {.exchange = TJ_STR("bybit"), .extra = random_extra(arena)};
    random_portfolio(arena, 3, &portfolio);
    switch (random_below(6)) {
    case 0:
        assert_ok(tj__plan_delete_portfolio(plan, &err));
        break;
    case 1:
        assert_ok(tj__plan_delete_sub_account(plan, TJ_STR("KRAKEN"), &err));
        break;
    case 2:
        assert_ok(tj__plan_put_sub_account(plan, &account, &err));
        break;
    default:
        assert_ok(tj__plan_put_portfolio(plan, &portfolio, &err));
        break;
    }
}

static void change_singles(tj__plan *plan)
{
    tj_decimal equity = random_decimal();
    tj_time time = random_time();
    tj_execution_checkpoint checkpoint = {0};
    random_checkpoint(arena, 10, &checkpoint);
    tj_price price = {random_identity(arena, random_below(6)), random_decimal()};
    switch (random_below(8)) {
    case 0:
        assert_ok(tj__plan_set_equity(plan, random_bool() ? &equity : NULL, &err));
        break;
    case 1:
        assert_ok(tj__plan_set_candle(plan, random_bool() ? &time : NULL, &err));
        break;
    case 2:
        assert_ok(tj__plan_set_strategy(plan, some_json(), &err));
        break;
    case 3:
        assert_ok(tj__plan_set_checkpoint(plan, random_bool() ? &checkpoint : NULL, &err));
        break;
    case 4:
        assert_ok(tj__plan_put_extra(plan, random_text(arena, "m%u", random_below(3)), some_json(),
                                     &err));
        break;
    case 5:
        assert_ok(tj__plan_clear_extra(plan, &err));
        break;
    case 6:
        assert_ok(tj__plan_delete_price(plan, price.symbol, &err));
        break;
    default:
        assert_ok(tj__plan_put_price(plan, &price, &err));
        break;
    }
}

static void change_tables(tj__plan *plan)
{
    tj_uuid id = {{(uint8_t)random_below(4)}};
    tj_algo_state algo = {TJ_STR("TWAP"), random_text(arena, "{\"n\":%u}", random_below(9))};
    tj_ledger_entry entry = random_ledger_entry(arena);
    switch (random_below(3)) {
    case 0:
        assert_ok(tj__plan_put_algo(plan, &id, &algo, &err));
        break;
    case 1:
        assert_ok(tj__plan_delete_algo(plan, &id, &err));
        break;
    default:
        assert_ok(tj__plan_append_ledger(plan, &entry, &err));
        break;
    }
}

/* A whole state: a new one, or what is stored with its orders in another order and one left out. */
static void change_state(const journal *j, const char *book)
{
    random_sizes sizes = {12, 4, 6, 6};
    tj_live_state *state = random_below(3) == 0 ? random_live_state(sizes) : journal_load(j, book);
    for (size_t i = 0; i < state->open_order_count; i++) {
        if (random_below(4) == 0) {
            size_t other = random_below((unsigned)state->open_order_count);
            tj_order swapped = state->open_orders[i];
            state->open_orders[i] = state->open_orders[other];
            state->open_orders[other] = swapped;
        }
    }
    if (state->open_order_count > 0 && random_bool()) {
        state->open_order_count--;
    }
    assert_ok(tj__plan_put_state(j->plan, state, &err));
    tj_live_state_free(state);
}

static void change_something(const journal *j, const char *book)
{
    switch (random_below(8)) {
    case 0:
        change_state(j, book);
        break;
    case 1:
        change_portfolio(j->plan);
        break;
    case 2:
        change_tables(j->plan);
        break;
    case 3:
    case 4:
        change_singles(j->plan);
        break;
    case 5:
        change_holdings(j->plan);
        break;
    default:
        change_orders(j->plan);
        break;
    }
}

/* What is stored loads, and saving it is no change; the order of what was loaded is the tip's. */
static void check_book(journal *j, const char *book)
{
    tj_live_state *state = journal_load(j, book);
    assert_ok(tj__plan_use_book(j->plan, tj_str_of(book), &err));
    assert_ok(tj__plan_put_state(j->plan, state, &err));
    assert_int_equal(journal_commit(j), 0);
    tj_live_state_free(state);
}

static void test_random_transactions(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    random_start();
    size_t refused = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_ok(tj__plan_create_book(j.plan, tj_str_of(books[i]), &err));
    }
    journal_commit(&j);
    for (unsigned round = 0; round < 1500; round++) {
        void *object = NULL;
        arena = tj__arena_new(1, &object);
        assert_non_null(arena);
        tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
        options.commit_id = random_below(4) == 0 ? tj_uuid_generate() : (tj_uuid){{0}};
        const char *book = books[0];
        unsigned changes = 1 + random_below(6);
        for (unsigned i = 0; i < changes; i++) {
            book = books[random_below(3)];
            assert_ok(tj__plan_use_book(j.plan, tj_str_of(book), &err));
            change_something(&j, book);
        }
        tj_status status = journal_try(&j, &options);
        assert_true(status == TJ_OK || status == TJ_INVALID); /* no portfolio */
        refused += status != TJ_OK;
        check_book(&j, book);
        tj__arena_free_object(object);
    }
    print_message("%zu of 1500 transactions were refused\n", refused);
    assert_true(refused > 0 && refused < 1000);
    journal_close(&j);
}

/* A resolved plan that is not appended leaves no trace. */
static void test_a_dropped_commit(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_decimal one = decimal("1");
    tj_decimal two = decimal("2");
    assert_ok(tj__plan_set_equity(j.plan, &one, &err));
    assert_ok(tj__plan_create_book(j.plan, TJ_STR("dropped"), &err));
    assert_ok(tj__plan_create_book(j.plan, TJ_STR("default"), &err));
    assert_ok(tj__plan_resolve(j.plan, j.tip, NULL, &j.resolved, &err));
    assert_int_equal(j.resolved.change_count, 3);
    /* The same plan again, as after a full disk. */
    assert_ok(tj__plan_resolve(j.plan, j.tip, NULL, &j.resolved, &err));
    assert_int_equal(j.resolved.change_count, 3);
    tj__plan_clear(j.plan);
    assert_ok(tj__plan_use_book(j.plan, TJ_STR("default"), &err));
    assert_ok(tj__plan_set_equity(j.plan, &two, &err));
    assert_int_equal(journal_commit(&j), 2);
    tj_live_state expected = {.has_portfolio_equity = true, .portfolio_equity = two};
    journal_check(&j, &expected);
    journal_close(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_transactions),
        cmocka_unit_test(test_a_dropped_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
