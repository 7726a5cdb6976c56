/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Saving whole states: what comes back, and that only what changed is committed. */
#include "commit/fixture.h"

#include "support/random_state.h"

static void test_random_states_come_back(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    random_start();
    for (int round = 0; round < 60; round++) {
        random_sizes sizes = {40, 12, 20, 20};
        tj_live_state *state = random_live_state(sizes);
        /* Unknown members that the last round stored would stay. */
        tj_live_state none = {0};
        none.extra = TJ_STR("{}");
        journal_save(&j, &none);
        journal_save(&j, state);
        journal_check(&j, state);
        assert_int_equal(journal_save(&j, state), 0);
        tj_live_state *loaded = journal_load(&j, "default");
        assert_int_equal(journal_save(&j, loaded), 0);
        tj_live_state_free(loaded);
        tj_live_state_free(state);
    }
    journal_close(&j);
}

static void test_nothing_stored_is_the_default(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_live_state none = {0};
    journal_check(&j, &none);
    assert_int_equal(journal_save(&j, &none), 1); /* the book */
    assert_int_equal(journal_change(&j, 0).key.data[0], TJ__TABLE_BOOKS);
    assert_int_equal(journal_save(&j, &none), 0);
    journal_check(&j, &none);
    journal_close(&j);
}

/* ---- minimal changes ------------------------------------------------------------------------ */

#define ORDER_COUNT 200

typedef struct saved {
    journal j;
    tj_live_state state;
    tj_order orders[2 * ORDER_COUNT];
    tj_price prices[10];
    char ids[2 * ORDER_COUNT][16];
    char symbols[10][16];
} saved;

static void saved_open(saved *s)
{
    *s = (saved){0};
    journal_open(&s->j);
    for (size_t i = 0; i < 2 * ORDER_COUNT; i++) {
        /* Ids do not sort as the list does. */
        snprintf(s->ids[i], sizeof s->ids[i], "%03zu-%zu", (i * 7919) % 1000, i);
        s->orders[i] = plain_order(s->ids[i]);
    }
    for (size_t i = 0; i < 10; i++) {
        snprintf(s->symbols[i], sizeof s->symbols[i], "x:S%zu", i);
        s->prices[i] = (tj_price){identity(s->symbols[i]), decimal("1.0")};
    }
    s->state.open_orders = s->orders;
    s->state.open_order_count = ORDER_COUNT;
    s->state.last_prices = s->prices;
    s->state.last_price_count = 10;
    assert_int_equal(journal_save(&s->j, &s->state), ORDER_COUNT + 10 + 1);
    assert_int_equal(journal_save(&s->j, &s->state), 0);
}

static void saved_close(saved *s)
{
    journal_check(&s->j, &s->state);
    journal_close(&s->j);
}

/* Moves the order at `from` so that it stands at `to`. */
static void move(tj_order *orders, size_t from, size_t to)
{
    tj_order moved = orders[from];
    if (from < to) {
        memmove(orders + from, orders + from + 1, (to - from) * sizeof *orders);
    } else {
        memmove(orders + to + 1, orders + to, (from - to) * sizeof *orders);
    }
    orders[to] = moved;
}

static void assert_change(const journal *j, size_t index, tj__change_op op, tj__kind kind,
                          const char *name)
{
    tj__change change = journal_change(j, index);
    assert_int_equal(change.op, op);
    assert_int_equal(change.key.data[0], TJ__TABLE_STATE);
    assert_int_equal(change.key.data[TJ__KEY_KIND_AT], kind);
    assert_int_equal(change.key.size, TJ__KEY_IDENTITY_AT + strlen(name));
    assert_memory_equal(change.key.data + TJ__KEY_IDENTITY_AT, name, strlen(name));
}

static void test_one_price(void **context)
{
    (void)context;
    saved s;
    saved_open(&s);
    s.prices[4].price = decimal("1.00"); /* another scale is another value */
    assert_int_equal(journal_save(&s.j, &s.state), 1);
    assert_change(&s.j, 0, TJ__CHANGE_PUT, TJ__KIND_PRICE, "x:S4");
    saved_close(&s);
}

static void test_one_order(void **context)
{
    (void)context;
    saved s;
    saved_open(&s);
    s.orders[150].status = TJ_ORDER_FILLED;
    assert_int_equal(journal_save(&s.j, &s.state), 1);
    assert_change(&s.j, 0, TJ__CHANGE_PUT, TJ__KIND_ORDER, s.ids[150]);
    assert_true(s.j.resolved.body.size < 250);
    saved_close(&s);
}

static void test_insert_and_append(void **context)
{
    (void)context;
    saved s;
    saved_open(&s);
    s.state.open_order_count++;
    move(s.orders, ORDER_COUNT, 100);
    assert_int_equal(journal_save(&s.j, &s.state), 1);
    assert_change(&s.j, 0, TJ__CHANGE_PUT, TJ__KIND_ORDER, s.ids[ORDER_COUNT]);
    s.state.open_order_count++;
    assert_int_equal(journal_save(&s.j, &s.state), 1);
    assert_change(&s.j, 0, TJ__CHANGE_PUT, TJ__KIND_ORDER, s.ids[ORDER_COUNT + 1]);
    saved_close(&s);
}

static void test_delete_first(void **context)
{
    (void)context;
    saved s;
    saved_open(&s);
    char id[16];
    memcpy(id, s.ids[0], sizeof id);
    move(s.orders, 0, ORDER_COUNT - 1);
    s.state.open_order_count--;
    /* Nothing is put, so the book's own row carries the sequence. */
    assert_int_equal(journal_save(&s.j, &s.state), 2);
    assert_change(&s.j, 0, TJ__CHANGE_DELETE, TJ__KIND_ORDER, id);
    assert_int_equal(journal_change(&s.j, 1).key.data[0], TJ__TABLE_BOOKS);
    s.orders[3].updated_at = 77;
    s.state.open_order_count--;
    assert_int_equal(journal_save(&s.j, &s.state), 2);
    assert_change(&s.j, 1, TJ__CHANGE_DELETE, TJ__KIND_ORDER, s.ids[ORDER_COUNT - 1]);
    saved_close(&s);
}

static void test_move_and_reverse(void **context)
{
    (void)context;
    saved s;
    saved_open(&s);
    move(s.orders, ORDER_COUNT - 1, 0);
    assert_int_equal(journal_save(&s.j, &s.state), 1);
    assert_change(&s.j, 0, TJ__CHANGE_PUT, TJ__KIND_ORDER, s.ids[ORDER_COUNT - 1]);
    journal_check(&s.j, &s.state);
    for (size_t i = 0; i < 50; i++) {
        tj_order swapped = s.orders[i];
        s.orders[i] = s.orders[99 - i];
        s.orders[99 - i] = swapped;
    }
    assert_int_equal(journal_save(&s.j, &s.state), 99);
    assert_int_equal(journal_save(&s.j, &s.state), 0);
    saved_close(&s);
}

static void test_inserts_at_one_spot(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    static char ids[1002][16];
    static tj_order orders[1002];
    tj_live_state state = {.open_orders = orders, .open_order_count = 2};
    orders[0] = plain_order("first");
    orders[1] = plain_order("last");
    journal_save(&j, &state);
    int renumbered = 0;
    for (size_t i = 0; i < 1000; i++) {
        snprintf(ids[i], sizeof ids[i], "new-%zu", i);
        orders[state.open_order_count] = plain_order(ids[i]);
        move(orders, state.open_order_count, 1);
        state.open_order_count++;
        uint32_t changes = journal_save(&j, &state);
        assert_true(changes == 1 || changes > i);
        renumbered += changes > 1;
    }
    journal_check(&j, &state);
    assert_int_equal(renumbered, 1000 / 33); /* a gap of 2^32 can be halved 32 times */
    journal_close(&j);
}

static void test_rows_at_the_rank_end(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_order orders[3] = {plain_order("a"), plain_order("b"), plain_order("c")};
    tj_live_state state = {.open_orders = orders, .open_order_count = 2};
    journal_save(&j, &state);
    tj__key key = tj__key_kind(1, TJ__KIND_ORDER);
    key.bytes[key.size++] = 'b';
    tj__rowmap_entry *entry = tj__rowmap_find(j.rows, tj__key_bytes(&key));
    tj__store_u64(entry->bytes + entry->key_size + TJ__RANK_AT, UINT64_MAX - 5);
    tj__tip_free(j.tip);
    j.tip = journal_rebuild(&j);
    assert_ok(tj__plan_put_order(j.plan, &orders[2], &err));
    assert_int_equal(journal_commit(&j), 2); /* "a" has the rank that it gets */
    state.open_order_count = 3;
    journal_check(&j, &state);
    assert_int_equal(journal_save(&j, &state), 0);
    journal_close(&j);
}

/* ---- unknown members ------------------------------------------------------------------------- */

typedef struct extras {
    tj_live_state state;
    tj_order order;
    tj_position position;
    tj_balance balance;
    tj_sub_account account;
} extras;

static void extras_set(extras *e, tj_str extra)
{
    *e = (extras){
        .order = plain_order("o"), .position = plain_position("P"), .balance = plain_balance("B")};
    e->order.extra = extra;
    e->order.request.extra = extra;
    e->position.extra = extra;
    e->balance.extra = extra;
    e->account = (tj_sub_account){.exchange = TJ_STR("kraken"),
                                  .positions = &e->position,
                                  .position_count = 1,
                                  .balances = &e->balance,
                                  .balance_count = 1,
                                  .extra = extra};
    e->state = (tj_live_state){.has_portfolio = true,
                               .portfolio = plain_portfolio(),
                               .open_orders = &e->order,
                               .open_order_count = 1,
                               .has_execution_checkpoint = true,
                               .extra = extra};
    e->state.portfolio.positions = &e->position;
    e->state.portfolio.position_count = 1;
    e->state.portfolio.balances = &e->balance;
    e->state.portfolio.balance_count = 1;
    e->state.portfolio.sub_accounts = &e->account;
    e->state.portfolio.sub_account_count = 1;
    e->state.portfolio.extra = extra;
    e->state.execution_checkpoint.extra = extra;
}

#define ENTITIES_WITH_EXTRA 8 /* head, 2 positions, 2 balances, sub-account, order, checkpoint */

static void test_extra_kept_replaced_removed(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    extras e;
    extras with;
    extras_set(&with, TJ_STR("{\"m\": 1.0 , \"n\":[]}"));
    assert_int_equal(journal_save(&j, &with.state), 1 + ENTITIES_WITH_EXTRA + 2);
    extras_set(&e, (tj_str){0});
    assert_int_equal(journal_save(&j, &e.state), 0);
    /* The rest of the entity changes, and its unknown members stay. */
    e.order.status = TJ_ORDER_FILLED;
    with.order.status = TJ_ORDER_FILLED;
    e.state.portfolio.liquidate_only = true;
    with.state.portfolio.liquidate_only = true;
    assert_int_equal(journal_save(&j, &e.state), 2);
    with.state.extra = TJ_STR("{\"m\":1.0,\"n\":[]}"); /* member by member */
    journal_check(&j, &with.state);
    assert_int_equal(journal_save(&j, &with.state), 0);
    /* Only one of an order's two. */
    e.order.extra = TJ_STR("{\"other\":2}");
    with.order.extra = e.order.extra;
    assert_int_equal(journal_save(&j, &e.state), 1);
    journal_check(&j, &with.state);
    assert_int_equal(journal_save(&j, &e.state), 0);
    e.order.extra = (tj_str){0};
    e.order.request.extra = TJ_STR("{\"third\":3}");
    with.order.request.extra = e.order.request.extra;
    assert_int_equal(journal_save(&j, &e.state), 1);
    journal_check(&j, &with.state);
    extras_set(&e, TJ_STR("{ }"));
    assert_int_equal(journal_save(&j, &e.state), ENTITIES_WITH_EXTRA + 2);
    extras_set(&with, (tj_str){0});
    journal_check(&j, &with.state);
    assert_int_equal(journal_save(&j, &with.state), 0);
    journal_close(&j);
}

static void test_top_level_extra_is_the_whole_set(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    tj_live_state state = {.extra = TJ_STR("{\"b\":[1, 2],\"a\":{}}")};
    assert_int_equal(journal_save(&j, &state), 3);
    state.extra = TJ_STR("{\"b\":[1, 2],\"c\":null}");
    assert_int_equal(journal_save(&j, &state), 2);
    journal_check(&j, &state);
    state.extra = (tj_str){0};
    assert_int_equal(journal_save(&j, &state), 0);
    state.extra = TJ_STR("{}");
    assert_int_equal(journal_save(&j, &state), 3);
    state.extra = (tj_str){0};
    journal_check(&j, &state);
    journal_close(&j);
}

static void test_portfolio_absent_deletes_it(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    extras e;
    extras_set(&e, (tj_str){0});
    e.state.open_order_count = 0;
    e.state.has_execution_checkpoint = false;
    assert_int_equal(journal_save(&j, &e.state), 1 + 6);
    e.state.has_portfolio = false;
    assert_int_equal(journal_save(&j, &e.state), 6 + 1);
    journal_check(&j, &e.state);
    journal_close(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_states_come_back),
        cmocka_unit_test(test_nothing_stored_is_the_default),
        cmocka_unit_test(test_one_price),
        cmocka_unit_test(test_one_order),
        cmocka_unit_test(test_insert_and_append),
        cmocka_unit_test(test_delete_first),
        cmocka_unit_test(test_move_and_reverse),
        cmocka_unit_test(test_inserts_at_one_spot),
        cmocka_unit_test(test_rows_at_the_rank_end),
        cmocka_unit_test(test_extra_kept_replaced_removed),
        cmocka_unit_test(test_top_level_extra_is_the_whole_set),
        cmocka_unit_test(test_portfolio_absent_deletes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
