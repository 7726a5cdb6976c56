/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a plan refuses before anything is compared, and that it is then as it was. */
#include "commit/fixture.h"

#include "commit/plan.h"

/* A call that must fail: with this status, this text, and nothing of it in the plan. */
#define assert_plan_refuses(call, status_, text)  \
    do {                                          \
        size_t size = plan->rows.size;            \
        err = (tj_error)TJ_ERROR_INIT;            \
        assert_int_equal((call), (status_));      \
        assert_string_equal(err.message, (text)); \
        assert_int_equal(plan->rows.size, size);  \
        assert_false(plan->rows.failed);          \
    } while (0)

#define OWN ((tj_str){NULL, 0})

static tj__plan *plan;

static int set_up(void **context)
{
    (void)context;
    plan = tj__plan_new();
    assert_non_null(plan);
    assert_ok(tj__plan_use_book(plan, TJ_STR("default"), &err));
    return 0;
}

static int tear_down(void **context)
{
    (void)context;
    tj__plan_free(plan);
    return 0;
}

static void test_what_stands_twice(void **context)
{
    (void)context;
    tj_order orders[3] = {plain_order("b"), plain_order("a"), plain_order("b")};
    tj_live_state state = {.open_orders = orders, .open_order_count = 3};
    assert_plan_refuses(tj__plan_put_state(plan, &state, &err), TJ_INVALID,
                        "order \"b\" stands twice");
    state.open_orders = orders + 1;
    state.open_order_count = 2;
    assert_ok(tj__plan_put_state(plan, &state, &err));

    tj_price prices[2] = {{identity("Binance:BTCUSDT"), decimal("1")},
                          {identity("binance:btcusdt"), decimal("2")}};
    state = (tj_live_state){.last_prices = prices, .last_price_count = 2};
    assert_plan_refuses(tj__plan_put_state(plan, &state, &err), TJ_INVALID,
                        "last price \"binance:BTCUSDT\" stands twice");

    tj_position positions[2] = {plain_position("X"), plain_position("X")};
    tj_balance balances[2] = {plain_balance("USDT"), plain_balance("usdt")};
    tj_sub_account accounts[2] = {{.exchange = TJ_STR("kraken"), .positions = positions},
                                  {.exchange = TJ_STR("KRAKEN"), .balances = balances}};
    state = (tj_live_state){.has_portfolio = true, .portfolio = plain_portfolio()};
    state.portfolio.sub_accounts = accounts;
    state.portfolio.sub_account_count = 2;
    assert_plan_refuses(tj__plan_put_state(plan, &state, &err), TJ_INVALID,
                        "sub-account \"kraken\" stands twice");
    state.portfolio.sub_account_count = 1;
    accounts[0].position_count = 2;
    assert_plan_refuses(tj__plan_put_state(plan, &state, &err), TJ_INVALID,
                        "position \"X\" of sub-account \"kraken\" stands twice");
    state.portfolio.sub_account_count = 0;
    state.portfolio.balances = balances;
    state.portfolio.balance_count = 2;
    assert_plan_refuses(tj__plan_put_state(plan, &state, &err), TJ_INVALID,
                        "balance \"USDT\" stands twice");

    tj_str ids[3] = {TJ_STR("2"), TJ_STR("1"), TJ_STR("2")};
    tj_execution_checkpoint checkpoint = {.exec_ids = ids, .exec_id_count = 3};
    assert_plan_refuses(tj__plan_set_checkpoint(plan, &checkpoint, &err), TJ_INVALID,
                        "exec id \"2\" stands twice");
}

static void test_orders(void **context)
{
    (void)context;
    tj_order order = plain_order("");
    assert_plan_refuses(tj__plan_put_order(plan, &order, &err), TJ_INVALID,
                        "id is empty: order \"\"");
    order.id = TJ_STR("\xff");
    assert_plan_refuses(tj__plan_put_order(plan, &order, &err), TJ_INVALID,
                        "id is not UTF-8: order \"\\xff\"");
    order = plain_order("o");
    order.request.side = TJ_SIDE_NONE;
    assert_plan_refuses(tj__plan_put_order(plan, &order, &err), TJ_INVALID,
                        "side is 0, which is none of its values (1 to 2): order \"o\"");
    order = plain_order("o");
    order.status = (tj_order_status)7;
    assert_plan_refuses(tj__plan_put_order(plan, &order, &err), TJ_INVALID,
                        "status is 7, which is none of its values (1 to 6): order \"o\"");
    order = plain_order("o");
    order.request.symbol.code = TJ_STR(" ");
    assert_plan_refuses(tj__plan_put_order(plan, &order, &err), TJ_INVALID,
                        "the code is empty: symbol: order \"o\"");
    order = plain_order("o");
    order.request.price.bits[1] = UINT64_MAX;
    assert_plan_refuses(
        tj__plan_put_order(plan, &order, &err), TJ_INVALID,
        "a tj_decimal holds no decimal (bits 0xffffffffffffffff000000000061a80a): it was "
        "never set: price: order \"o\"");
    order = plain_order("o");
    char client[TJ_ID_SIZE_MAX + 1] = {0};
    memset(client, 'c', sizeof client);
    order.request.client_order_id = (tj_str){client, sizeof client};
    assert_plan_refuses(tj__plan_put_order(plan, &order, &err), TJ_LIMIT,
                        "client_order_id has 257 bytes, 256 are allowed: order \"o\"");
    order.request.client_order_id.size--;
    order.id = order.request.client_order_id;
    assert_ok(tj__plan_put_order(plan, &order, &err));
    assert_plan_refuses(tj__plan_delete_order(plan, TJ_STR(""), &err), TJ_INVALID,
                        "the order id is empty");
}

static void test_extras(void **context)
{
    (void)context;
    tj_order order = plain_order("o");
    order.request.extra = TJ_STR("{\"a\":1,\"price\":2}");
    assert_plan_refuses(
        tj__plan_put_order(plan, &order, &err), TJ_INVALID,
        "\"price\" is a member of its own and cannot stand among the unknown ones: order "
        "\"o\"");
    order.request.extra = TJ_STR("[]");
    assert_int_equal(tj__plan_put_order(plan, &order, &err), TJ_INVALID);
    tj_live_state state = {.extra = TJ_STR("{\"last_prices\":{}}")};
    assert_plan_refuses(
        tj__plan_put_state(plan, &state, &err), TJ_INVALID,
        "\"last_prices\" is a member of its own and cannot stand among the unknown ones: "
        "unknown member \"last_prices\"");
    assert_int_equal(tj__plan_put_extra(plan, TJ_STR("portfolio"), TJ_STR("1"), &err), TJ_INVALID);
    assert_int_equal(tj__plan_put_extra(plan, TJ_STR("x"), TJ_STR("{"), &err), TJ_INVALID);
    assert_int_equal(tj__plan_set_strategy(plan, TJ_STR("nul"), &err), TJ_INVALID);
}

/* One entity of each kind that can have unknown members, all with the same ones. */
static tj_status put_with_extra(const tj__json_schema *schema, tj_str extra)
{
    tj_order order = plain_order("o");
    tj_portfolio portfolio = plain_portfolio();
    tj_position position = plain_position("X");
    tj_balance balance = plain_balance("USDT");
    tj_sub_account account = {.exchange = TJ_STR("kraken"), .extra = extra};
    tj_execution_checkpoint checkpoint = {.extra = extra};
    tj_live_state state = {.extra = extra};
    portfolio.extra = position.extra = balance.extra = extra;
    if (schema == &tj__json_order || schema == &tj__json_order_request) {
        *(schema == &tj__json_order ? &order.extra : &order.request.extra) = extra;
        return tj__plan_put_order(plan, &order, &err);
    } else if (schema == &tj__json_portfolio) {
        return tj__plan_put_portfolio(plan, &portfolio, &err);
    } else if (schema == &tj__json_position) {
        return tj__plan_put_position(plan, OWN, &position, &err);
    } else if (schema == &tj__json_balance) {
        return tj__plan_put_balance(plan, OWN, &balance, &err);
    } else if (schema == &tj__json_sub_account) {
        return tj__plan_put_sub_account(plan, &account, &err);
    } else if (schema == &tj__json_checkpoint) {
        return tj__plan_set_checkpoint(plan, &checkpoint, &err);
    }
    return tj__plan_put_state(plan, &state, &err);
}

static void test_no_known_member_is_an_unknown_one(void **context)
{
    (void)context;
    static const tj__json_schema *const schemas[] = {
        &tj__json_order,       &tj__json_order_request, &tj__json_portfolio,  &tj__json_position,
        &tj__json_sub_account, &tj__json_balance,       &tj__json_checkpoint, &tj__json_live_state};
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        assert_ok(put_with_extra(schemas[i], TJ_STR("{\"unknown\":1}")));
        assert_true(schemas[i]->count > 1);
        for (size_t field = 0; field < schemas[i]->count; field++) {
            char extra[64];
            snprintf(extra, sizeof extra, "{\"%s\":1}", schemas[i]->fields[field].name.data);
            assert_int_equal(put_with_extra(schemas[i], tj_str_of(extra)), TJ_INVALID);
        }
    }
}

static void test_a_state_names_where(void **context)
{
    (void)context;
    tj_live_state state = {.has_portfolio = true, .portfolio = plain_portfolio()};
    tj_position position = plain_position("binance:BTCUSDT");
    position.side = (tj_side)3;
    tj_sub_account account = {
        .exchange = TJ_STR("kraken"), .positions = &position, .position_count = 1};
    state.portfolio.sub_accounts = &account;
    state.portfolio.sub_account_count = 1;
    assert_plan_refuses(
        tj__plan_put_state(plan, &state, &err), TJ_INVALID,
        "side is 3, which is none of its values (0 to 2): position \"binance:BTCUSDT\"");
    account.exchange = TJ_STR("a:b");
    assert_plan_refuses(
        tj__plan_put_state(plan, &state, &err), TJ_INVALID,
        "the exchange \"a:b\" holds a colon, which ends the exchange in an identity: "
        "sub-account \"a:b\"");
    state.portfolio.reporting_currency.code = TJ_STR("");
    assert_plan_refuses(tj__plan_put_state(plan, &state, &err), TJ_INVALID,
                        "the code is empty: reporting_currency: portfolio");
    tj_str ids[1] = {TJ_STR("")};
    state = (tj_live_state){.has_execution_checkpoint = true};
    state.execution_checkpoint.exec_ids = ids;
    state.execution_checkpoint.exec_id_count = 1;
    assert_plan_refuses(tj__plan_put_state(plan, &state, &err), TJ_INVALID,
                        "exec id is empty: execution_checkpoint");
}

static void test_algorithms_and_ledger(void **context)
{
    (void)context;
    tj_uuid id = {{0xab}};
    tj_algo_state algo = {TJ_STR(""), TJ_STR("{}")};
    assert_plan_refuses(tj__plan_put_algo(plan, &id, &algo, &err), TJ_INVALID,
                        "plugin is empty: algorithm ab000000-0000-0000-0000-000000000000");
    algo = (tj_algo_state){TJ_STR("TWAP"), TJ_STR("{}x")};
    assert_int_equal(tj__plan_put_algo(plan, &id, &algo, &err), TJ_INVALID);
    tj_ledger_entry entry = {.id = id,
                             .exchange = TJ_STR("kraken"),
                             .asset = identity("USDT"),
                             .amount = decimal("1"),
                             .type = TJ_LEDGER_FEE,
                             .reference = TJ_STR("")};
    assert_ok(tj__plan_append_ledger(plan, &entry, &err));
    entry.type = (tj_ledger_type)0;
    assert_plan_refuses(tj__plan_append_ledger(plan, &entry, &err), TJ_INVALID,
                        "type is 0, which is none of its values (1 to 6): ledger entry "
                        "ab000000-0000-0000-0000-000000000000");
    entry.type = TJ_LEDGER_FEE;
    entry.exchange = TJ_STR("");
    assert_plan_refuses(tj__plan_append_ledger(plan, &entry, &err), TJ_INVALID,
                        "the exchange is empty: exchange: ledger entry "
                        "ab000000-0000-0000-0000-000000000000");
}

/* A failed call between two good ones leaves both. */
static void test_the_rest_of_a_plan_stays(void **context)
{
    (void)context;
    tj_order good = plain_order("good");
    tj_order bad = plain_order("bad");
    tj_order orders[2] = {good, good};
    tj_live_state twice = {.open_orders = orders, .open_order_count = 2};
    bad.status = (tj_order_status)0;
    assert_ok(tj__plan_put_order(plan, &good, &err));
    assert_int_equal(tj__plan_put_order(plan, &bad, &err), TJ_INVALID);
    assert_int_equal(tj__plan_put_state(plan, &twice, &err), TJ_INVALID);
    good.id = TJ_STR("better");
    assert_ok(tj__plan_put_order(plan, &good, &err));
    journal j;
    journal_open(&j);
    assert_ok(tj__plan_resolve(plan, j.tip, NULL, &j.resolved, &err));
    assert_int_equal(j.resolved.change_count, 3); /* the book and two orders */
    journal_close(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_stands_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_orders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_extras, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_known_member_is_an_unknown_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_state_names_where, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_algorithms_and_ledger, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_rest_of_a_plan_stays, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
