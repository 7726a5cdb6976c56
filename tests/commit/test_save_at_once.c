/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A state that is encoded and compared row by row: what it refuses, that nothing of it is left
 * then, and that it comes to what a transaction with the same state comes to. */
#include "commit/fixture.h"

#include "commit/plan.h"
#include "support/random_state.h"

/* A save that must fail: with this sentence, and tip and plan are as before. */
static void refuse(journal *j, const tj_live_state *state, tj_status status, const char *message)
{
    tj__tip *before = journal_rebuild(j);
    j->error = (tj_error)TJ_ERROR_INIT;
    assert_ok(tj__plan_open_state(j->plan, state, &err));
    size_t size = j->plan->rows.size;
    assert_int_equal(tj__plan_resolve_state(j->plan, state, j->tip, NULL, &j->resolved, &j->error),
                     status);
    assert_string_equal(j->error.message, message);
    assert_int_equal(j->plan->rows.size, size);
    assert_int_equal(j->resolved.change_count, 0);
    assert_int_equal(j->resolved.body.size, 0);
    assert_int_equal(j->tip->pending_rows.size, 0);
    assert_int_equal(j->tip->pending.count, 0);
    assert_int_equal(j->tip->pending_book_count, 0);
    assert_same_tip(j->tip, before);
    tj__tip_free(before);
    tj__plan_clear(j->plan);
    assert_ok(tj__plan_use_book(j->plan, TJ_STR("default"), &err));
}

/* ---- what stands twice ----------------------------------------------------------------------- */

#define ROWS 4

/* Rows of one kind under the names "a", "b", "c" in some order, the last of them once more. */
typedef struct doubled {
    tj_live_state state;
    tj_sub_account account;
    tj_order orders[ROWS];
    tj_price prices[ROWS];
    tj_position positions[ROWS];
    tj_balance balances[ROWS];
    tj_sub_account accounts[ROWS];
    tj_str ids[ROWS];
} doubled;

typedef enum doubled_kind {
    ORDERS,
    PRICES,
    POSITIONS,
    BALANCES,
    ACCOUNTS,
    POSITIONS_OF_ACCOUNT,
    BALANCES_OF_ACCOUNT,
    EXEC_IDS,
    KIND_COUNT
} doubled_kind;

static const char *const sentences[KIND_COUNT] = {
    [ORDERS] = "order \"%s\" stands twice",
    [PRICES] = "last price \"%s\" stands twice",
    [POSITIONS] = "position \"%s\" stands twice",
    [BALANCES] = "balance \"%s\" stands twice",
    [ACCOUNTS] = "sub-account \"%s\" stands twice",
    [POSITIONS_OF_ACCOUNT] = "position \"%s\" of sub-account \"kraken\" stands twice",
    [BALANCES_OF_ACCOUNT] = "balance \"%s\" of sub-account \"kraken\" stands twice",
    [EXEC_IDS] = "exec id \"%s\" stands twice",
};

/* Names are in the spelling that their kind is stored in. */
static const char *spelled(doubled_kind kind, char name)
{
    static const char lower[3][2] = {"a", "b", "c"};
    static const char upper[3][2] = {"A", "B", "C"};
    bool is_code = kind != ORDERS && kind != ACCOUNTS && kind != EXEC_IDS;
    return (is_code ? upper : lower)[name - 'a'];
}

static void fill(doubled *d, doubled_kind kind, const char *order, size_t count)
{
    tj_portfolio *portfolio = &d->state.portfolio;
    *d = (doubled){.state = {.has_portfolio = true, .portfolio = plain_portfolio()}};
    for (size_t i = 0; i < count; i++) {
        const char *name = spelled(kind, order[i]);
        d->orders[i] = plain_order(name);
        d->prices[i] = (tj_price){identity(name), decimal("1")};
        d->positions[i] = plain_position(name);
        d->balances[i] = plain_balance(name);
        d->accounts[i] = (tj_sub_account){.exchange = tj_str_of(name)};
        d->ids[i] = tj_str_of(name);
    }
    d->account = (tj_sub_account){
        .exchange = TJ_STR("Kraken"), .positions = d->positions, .balances = d->balances};
    d->state.open_orders = d->orders;
    d->state.last_prices = d->prices;
    d->state.has_execution_checkpoint = true;
    d->state.execution_checkpoint.exec_ids = d->ids;
    portfolio->positions = d->positions;
    portfolio->balances = d->balances;
    bool of_account = kind == POSITIONS_OF_ACCOUNT || kind == BALANCES_OF_ACCOUNT;
    portfolio->sub_accounts = of_account ? &d->account : d->accounts;
    portfolio->sub_account_count = of_account ? 1 : 0;
    size_t *const counts[KIND_COUNT] = {
        [ORDERS] = &d->state.open_order_count,
        [PRICES] = &d->state.last_price_count,
        [POSITIONS] = &portfolio->position_count,
        [BALANCES] = &portfolio->balance_count,
        [ACCOUNTS] = &portfolio->sub_account_count,
        [POSITIONS_OF_ACCOUNT] = &d->account.position_count,
        [BALANCES_OF_ACCOUNT] = &d->account.balance_count,
        [EXEC_IDS] = &d->state.execution_checkpoint.exec_id_count,
    };
    *counts[kind] = count;
}

/* In a journal that has the first `stored` of the rows, all as they are or all changed. */
static void refuse_doubled(doubled_kind kind, const char *order, size_t stored, bool changed)
{
    journal j;
    doubled d;
    char message[96];
    journal_open(&j);
    fill(&d, kind, order, stored);
    journal_save(&j, &d.state);
    fill(&d, kind, order, ROWS);
    for (size_t i = 0; changed && i < ROWS; i++) {
        d.orders[i].updated_at = 99;
        d.prices[i].price = decimal("2");
        d.positions[i].updated_at = 99;
        d.balances[i].quantity = decimal("9");
        d.accounts[i].extra = TJ_STR("{\"x\":1}");
    }
    snprintf(message, sizeof message, sentences[kind], spelled(kind, order[ROWS - 1]));
    refuse(&j, &d.state, TJ_INVALID, message);
    fill(&d, kind, order, stored);
    assert_int_equal(journal_save(&j, &d.state), 0);
    journal_check(&j, &d.state);
    journal_close(&j);
}

static void test_what_stands_twice(void **context)
{
    (void)context;
    static const char *const orders[] = {"abcc", "abca", "cbac", "cabb"};
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
            for (size_t stored = 0; stored < ROWS; stored++) {
                refuse_doubled((doubled_kind)kind, orders[i], stored, false);
                refuse_doubled((doubled_kind)kind, orders[i], stored, true);
            }
        }
    }
}

static void test_identities_are_compared_as_they_are_stored(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_price prices[2] = {{identity("Binance:BTCUSDT"), decimal("1")},
                          {identity("binance:btcusdt"), decimal("1")}};
    tj_live_state state = {.last_prices = prices, .last_price_count = 2};
    refuse(&j, &state, TJ_INVALID, "last price \"binance:BTCUSDT\" stands twice");
    journal_close(&j);
}

/* In a transaction a later state may name what an earlier one put; within each nothing may stand
 * twice. */
static void test_two_states_in_one_transaction(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_order orders[4] = {plain_order("d"), plain_order("a"), plain_order("c"), plain_order("b")};
    tj_order mirrored[4] = {orders[3], orders[2], orders[1], orders[0]};
    tj_live_state first = {.open_orders = orders, .open_order_count = 2};
    tj_live_state second = {.open_orders = orders, .open_order_count = 4};
    tj_live_state third = {.open_orders = mirrored, .open_order_count = 4};
    mirrored[1].status = TJ_ORDER_FILLED;
    for (int round = 0; round < 2; round++) {
        assert_ok(tj__plan_put_order(j.plan, &mirrored[1], &err));
        assert_ok(tj__plan_put_state(j.plan, &first, &err));
        assert_ok(tj__plan_put_state(j.plan, &second, &err));
        refuse(&j,
               &(tj_live_state){.open_orders = (tj_order[]){orders[1], orders[1]},
                                .open_order_count = 2},
               TJ_INVALID, "order \"a\" stands twice");
        assert_ok(tj__plan_put_order(j.plan, &mirrored[1], &err));
        assert_ok(tj__plan_put_state(j.plan, &first, &err));
        assert_ok(tj__plan_put_state(j.plan, &second, &err));
        assert_int_equal(journal_try_save(&j, &third), TJ_OK);
        assert_int_equal(j.resolved.change_count, round == 0 ? 5 : 4); /* first the book, too */
        journal_check(&j, &third);
    }
    journal_close(&j);
}

/* ---- what is wrong in the middle ------------------------------------------------------------- */

static void test_a_wrong_row_at_the_end(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_order orders[4] = {plain_order("a"), plain_order("b"), plain_order("c"), plain_order("d")};
    tj_live_state state = {.has_portfolio_equity = true,
                           .portfolio_equity = decimal("1"),
                           .open_orders = orders,
                           .open_order_count = 4};
    orders[3].status = (tj_order_status)7;
    refuse(&j, &state, TJ_INVALID,
           "status is 7, which is none of its values (1 to 6): order \"d\"");
    state.open_order_count = 3;
    journal_save(&j, &state);
    state.open_order_count = 4;
    tj_order moved = orders[0];
    orders[0] = orders[2];
    orders[2] = moved;
    orders[1].updated_at = 55;
    refuse(&j, &state, TJ_INVALID,
           "status is 7, which is none of its values (1 to 6): order \"d\"");
    orders[3] = plain_order("d");
    orders[3].request.extra = TJ_STR("{\"side\":1}");
    refuse(&j, &state, TJ_INVALID,
           "\"side\" is a member of its own and cannot stand among the unknown ones: order \"d\"");
    orders[3].request.extra = (tj_str){0};
    assert_int_equal(journal_save(&j, &state), 3); /* a stays, c and b stand before it, d is new */
    journal_check(&j, &state);
    journal_close(&j);
}

static void test_a_book_that_is_not_there(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_order order = plain_order("a");
    tj_live_state state = {.open_orders = &order, .open_order_count = 1};
    journal_save(&j, &state);
    assert_ok(tj__plan_use_book(j.plan, TJ_STR("other"), &err));
    refuse(&j, &state, TJ_NOT_FOUND,
           "book \"other\" is not in this journal (it has: default); a new one must be created "
           "before its first use");
    journal_close(&j);
}

/* ---- ranks ----------------------------------------------------------------------------------- */

/* A row whose place changed is put with what is stored, which has members that the caller left
 * out. */
static void test_moved_orders_keep_unknown_members(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_order orders[3] = {plain_order("a"), plain_order("b"), plain_order("c")};
    tj_live_state state = {.open_orders = orders, .open_order_count = 3};
    for (size_t i = 0; i < 3; i++) {
        orders[i].extra = TJ_STR("{\"venue\":1}");
        orders[i].request.extra = TJ_STR("{\"hint\":[ ]}");
    }
    journal_save(&j, &state);
    tj_order moved[3] = {plain_order("c"), plain_order("b"), plain_order("a")};
    moved[0].updated_at = 88;
    tj_live_state mirrored = {.open_orders = moved, .open_order_count = 3};
    assert_int_equal(journal_save(&j, &mirrored), 2);
    for (size_t i = 0; i < 3; i++) {
        moved[i].extra = orders[i].extra;
        moved[i].request.extra = orders[i].request.extra;
    }
    journal_check(&j, &mirrored);
    assert_int_equal(journal_save(&j, &mirrored), 0);
    journal_close(&j);
}

/* ---- the same as in a transaction ------------------------------------------------------------ */

static void shuffle(tj_order *orders, size_t count, unsigned swaps)
{
    for (; count > 0 && swaps > 0; swaps--) {
        size_t a = random_below((unsigned)count);
        size_t b = random_below((unsigned)count);
        tj_order swapped = orders[a];
        orders[a] = orders[b];
        orders[b] = swapped;
    }
}

/* Another state of the same strategy: some orders and positions go, some change, some change
 * places. */
static void go_on(tj_live_state *state)
{
    size_t kept = 0;
    for (size_t i = 0; i < state->open_order_count; i++) {
        if (random_below(8) == 0) {
            continue;
        }
        state->open_orders[kept] = state->open_orders[i];
        state->open_orders[kept++].updated_at += random_below(4) == 0;
    }
    state->open_order_count = kept;
    if (random_bool()) {
        shuffle(state->open_orders, kept, 1 + random_below(random_bool() ? 3 : 60));
    }
    for (size_t i = 0; i < state->portfolio.position_count; i++) {
        state->portfolio.positions[i].updated_at += random_below(4) == 0;
    }
    state->portfolio.balance_count -= state->portfolio.balance_count > 0 && random_bool();
    state->last_price_count -= state->last_price_count > 0 && random_bool();
    state->has_portfolio = state->has_portfolio && random_below(10) != 0;
}

/* A save that is refused at its last order changes nothing for those that follow. */
static void refuse_at_the_end(journal *j, const tj_live_state *state)
{
    size_t count = state->open_order_count;
    if (count < 2) {
        return;
    }
    tj_order *orders = malloc((count + 1) * sizeof *orders);
    assert_non_null(orders);
    memcpy(orders, state->open_orders, count * sizeof *orders);
    shuffle(orders, count, 10);
    orders[count] = orders[random_below((unsigned)count)];
    orders[count].status = random_bool() ? orders[count].status : TJ_ORDER_REJECTED;
    tj_live_state wrong = *state;
    wrong.open_orders = orders;
    wrong.open_order_count = count + 1;
    assert_int_equal(journal_try_save(j, &wrong), TJ_INVALID);
    free(orders);
}

static void save_both(journal *at_once, journal *in_transaction, const tj_live_state *state)
{
    if (journal_try_save(at_once, state) != TJ_OK) {
        fail_msg("%s", at_once->error.message);
    }
    assert_ok(tj__plan_put_state(in_transaction->plan, state, &err));
    journal_commit(in_transaction);
    assert_same_body(&at_once->resolved, &in_transaction->resolved);
    assert_int_equal(at_once->sequence, in_transaction->sequence);
}

static void test_random_states_in_both_ways(void **context)
{
    (void)context;
    journal at_once;
    journal in_transaction;
    journal_open(&at_once);
    journal_open(&in_transaction);
    random_start();
    for (int strategy = 0; strategy < 12; strategy++) {
        random_sizes sizes = {strategy % 3 == 0 ? 300 : 20, 12, 20, 20};
        tj_live_state *state = random_live_state(sizes);
        tj_live_state *next = random_live_state(sizes);
        for (int round = 0; round < 20; round++) {
            save_both(&at_once, &in_transaction, state);
            refuse_at_the_end(&at_once, state);
            go_on(random_below(6) == 0 ? next : state);
            if (random_below(10) == 0) {
                save_both(&at_once, &in_transaction, next);
            }
        }
        tj_live_state_free(state);
        tj_live_state_free(next);
    }
    journal_close(&at_once);
    journal_close(&in_transaction);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_stands_twice),
        cmocka_unit_test(test_identities_are_compared_as_they_are_stored),
        cmocka_unit_test(test_two_states_in_one_transaction),
        cmocka_unit_test(test_a_wrong_row_at_the_end),
        cmocka_unit_test(test_a_book_that_is_not_there),
        cmocka_unit_test(test_moved_orders_keep_unknown_members),
        cmocka_unit_test(test_random_states_in_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
