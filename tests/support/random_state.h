/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Random LiveStates. Call random_start() (base/random.h) first. Everything is in canonical form and
 * sorted as a loaded state is, so that a save followed by a load gives the same state.
 */
#ifndef TJ_TESTS_SUPPORT_RANDOM_STATE_H
#define TJ_TESTS_SUPPORT_RANDOM_STATE_H

#include <inttypes.h>

#include <tesser/ledger.h>
#include <tesser/state.h>

#include "base/arena.h"
#include "base/random.h"

/* At most so many of each. */
typedef struct random_sizes {
    unsigned orders;
    unsigned positions; /* of the portfolio and of each sub-account */
    unsigned prices;
    unsigned exec_ids;
} random_sizes;

static inline bool random_bool(void)
{
    return random_below(2) == 1;
}

static inline void *random_array(tj__arena *arena, size_t count, size_t size)
{
    void *array = tj__arena_array(arena, count, size);
    if (!array) {
        abort();
    }
    return array;
}

static inline tj_str random_text(tj__arena *arena, const char *format, unsigned number)
{
    char text[64];
    snprintf(text, sizeof text, format, number);
    return tj__arena_str(arena, tj_str_of(text));
}

/* 1 to 29 digits, scale 0 to 28, either sign. */
static inline tj_decimal random_decimal(void)
{
    tj_decimal value;
    uint64_t high = random_below(3) == 0 ? random_below(UINT32_MAX) : 0;
    uint64_t low = high == 0 && random_bool() ? random_below(1000000) : random_u64();
    if (tj_decimal_from_parts(random_bool(), high, low, random_below(29), &value, NULL) != TJ_OK) {
        abort();
    }
    return value;
}

static inline tj_time random_time(void)
{
    return (tj_time)(random_u64() >> 2) - ((tj_time)1 << 59);
}

/* Mostly absent; then an object with one or two members. */
static inline tj_str random_extra(tj__arena *arena)
{
    switch (random_below(8)) {
    case 0:
        return random_text(arena, "{\"a_new_member\": [%u, null, \"\\u00e9\"]}", random_below(99));
    case 1:
        return random_text(arena, "{\"x\":{\"y\":1e%u},\"z\":\"\"}", random_below(99));
    default:
        return (tj_str){NULL, 0};
    }
}

/* The n-th of a rising list of identities, some of them on an exchange. */
static inline tj_identity random_identity(tj__arena *arena, unsigned number)
{
    tj_identity id = {{"", 0}, random_text(arena, "C%06uUSDT", number)};
    if (number % 3 != 0) {
        id.exchange = number % 3 == 1 ? TJ_STR("binance_perp") : TJ_STR("kraken");
    }
    return id;
}

static inline tj_order random_order(tj__arena *arena, tj_str id)
{
    tj_order order = {.id = id};
    tj_order_request *request = &order.request;
    request->symbol = random_identity(arena, random_below(50));
    request->side = random_bool() ? TJ_SIDE_BUY : TJ_SIDE_SELL;
    request->order_type = (tj_order_type)(1 + random_below(3));
    request->time_in_force = (tj_time_in_force)random_below(4);
    request->quantity = random_decimal();
    request->has_price = random_bool();
    request->price = request->has_price ? random_decimal() : (tj_decimal){{0}};
    request->has_trigger_price = random_below(4) == 0;
    request->trigger_price = request->has_trigger_price ? random_decimal() : (tj_decimal){{0}};
    request->has_take_profit = random_below(4) == 0;
    request->take_profit = request->has_take_profit ? random_decimal() : (tj_decimal){{0}};
    request->has_stop_loss = random_below(4) == 0;
    request->stop_loss = request->has_stop_loss ? random_decimal() : (tj_decimal){{0}};
    request->has_display_quantity = random_below(4) == 0;
    request->display_quantity =
        request->has_display_quantity ? random_decimal() : (tj_decimal){{0}};
    if (random_bool()) {
        request->client_order_id = random_text(arena, "client-%u", random_below(1000));
    }
    request->extra = random_extra(arena);
    order.status = (tj_order_status)(1 + random_below(6));
    order.filled_quantity = random_decimal();
    order.has_avg_fill_price = random_bool();
    order.avg_fill_price = order.has_avg_fill_price ? random_decimal() : (tj_decimal){{0}};
    order.created_at = random_time();
    order.updated_at = random_time();
    order.extra = random_extra(arena);
    return order;
}

static inline tj_position random_position(tj__arena *arena, tj_symbol symbol)
{
    tj_position position = {.symbol = symbol,
                            .side = (tj_side)random_below(3),
                            .quantity = random_decimal(),
                            .has_entry_price = random_bool(),
                            .unrealized_pnl = random_decimal(),
                            .updated_at = random_time(),
                            .extra = random_extra(arena)};
    position.entry_price = position.has_entry_price ? random_decimal() : (tj_decimal){{0}};
    return position;
}

static inline void random_holdings(tj__arena *arena, unsigned max, tj_position **positions,
                                   size_t *position_count, tj_balance **balances,
                                   size_t *balance_count)
{
    *position_count = random_below(max + 1);
    *positions = random_array(arena, *position_count, sizeof **positions);
    for (size_t i = 0; i < *position_count; i++) {
        tj_symbol symbol = random_identity(arena, (unsigned)i * 3 + 1);
        (*positions)[i] = random_position(arena, symbol);
    }
    *balance_count = random_below(4);
    *balances = random_array(arena, *balance_count, sizeof **balances);
    for (size_t i = 0; i < *balance_count; i++) {
        (*balances)[i] = (tj_balance){.currency = random_identity(arena, (unsigned)i * 3),
                                      .quantity = random_decimal(),
                                      .conversion_rate = random_decimal(),
                                      .extra = random_extra(arena)};
    }
}

static inline void random_portfolio(tj__arena *arena, unsigned max, tj_portfolio *out)
{
    static const char *const exchanges[] = {"binance_perp", "bybit", "kraken"};
    out->reporting_currency = random_identity(arena, 3);
    out->initial_equity = random_decimal();
    out->peak_equity = random_decimal();
    out->has_drawdown_limit = random_bool();
    out->drawdown_limit = out->has_drawdown_limit ? random_decimal() : (tj_decimal){{0}};
    out->liquidate_only = random_bool();
    out->extra = random_extra(arena);
    random_holdings(arena, max, &out->positions, &out->position_count, &out->balances,
                    &out->balance_count);
    out->sub_account_count = random_below(4);
    out->sub_accounts = random_array(arena, out->sub_account_count, sizeof *out->sub_accounts);
    for (size_t i = 0; i < out->sub_account_count; i++) {
        tj_sub_account *account = &out->sub_accounts[i];
        account->exchange = tj_str_of(exchanges[i]);
        account->extra = random_extra(arena);
        random_holdings(arena, max, &account->positions, &account->position_count,
                        &account->balances, &account->balance_count);
    }
}

/* Ids are of no order, so that the order of the list is its own. */
static inline void random_orders(tj__arena *arena, unsigned max, tj_live_state *out)
{
    out->open_order_count = random_below(max + 1);
    out->open_orders = random_array(arena, out->open_order_count, sizeof *out->open_orders);
    for (size_t i = 0; i < out->open_order_count; i++) {
        char id[64];
        snprintf(id, sizeof id, "%08x-%zu", random_below(UINT32_MAX), i);
        out->open_orders[i] = random_order(arena, tj__arena_str(arena, tj_str_of(id)));
    }
}

static inline void random_checkpoint(tj__arena *arena, unsigned max, tj_execution_checkpoint *out)
{
    out->has_last_timestamp = random_bool();
    out->last_timestamp = out->has_last_timestamp ? random_time() : 0;
    out->extra = random_extra(arena);
    out->exec_id_count = random_below(max + 1);
    out->exec_ids = random_array(arena, out->exec_id_count, sizeof *out->exec_ids);
    for (size_t i = 0; i < out->exec_id_count; i++) {
        char id[64];
        snprintf(id, sizeof id, "exec-%08x-%zu", random_below(UINT32_MAX), i);
        out->exec_ids[i] = tj__arena_str(arena, tj_str_of(id));
    }
}

/* Released with tj_live_state_free. */
static inline tj_live_state *random_live_state(random_sizes sizes)
{
    void *object = NULL;
    tj__arena *arena = tj__arena_new(sizeof(tj_live_state), &object);
    if (!arena) {
        abort();
    }
    tj_live_state *state = object;
    state->has_portfolio_equity = random_bool();
    state->portfolio_equity = state->has_portfolio_equity ? random_decimal() : (tj_decimal){{0}};
    state->has_portfolio = random_below(8) != 0;
    if (state->has_portfolio) {
        random_portfolio(arena, sizes.positions, &state->portfolio);
    }
    random_orders(arena, sizes.orders, state);
    state->last_price_count = random_below(sizes.prices + 1);
    state->last_prices = random_array(arena, state->last_price_count, sizeof(tj_price));
    for (size_t i = 0; i < state->last_price_count; i++) {
        state->last_prices[i] =
            (tj_price){random_identity(arena, (unsigned)i * 3 + 2), random_decimal()};
    }
    state->has_last_candle_ts = random_bool();
    state->last_candle_ts = state->has_last_candle_ts ? random_time() : 0;
    if (random_bool()) {
        state->strategy_state = random_text(arena, "{\"fast\":[1.50,2],\"n\":%u}", random_below(9));
    }
    state->has_execution_checkpoint = random_bool();
    if (state->has_execution_checkpoint) {
        random_checkpoint(arena, sizes.exec_ids, &state->execution_checkpoint);
    }
    state->extra = random_extra(arena);
    return state;
}

static inline tj_ledger_entry random_ledger_entry(tj__arena *arena)
{
    return (tj_ledger_entry){.id = tj_uuid_generate(),
                             .time = random_time(),
                             .exchange = random_bool() ? TJ_STR("kraken") : TJ_STR("bybit"),
                             .asset = random_identity(arena, random_below(4)),
                             .amount = random_decimal(),
                             .type = (tj_ledger_type)(1 + random_below(6)),
                             .reference = random_text(arena, "trade-%u", random_below(100)),
                             .meta = random_bool() ? TJ_STR("{\"fee\":true}") : (tj_str){0}};
}

#endif
