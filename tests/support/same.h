/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Asserts that two values are equal, member by member. Include <cmocka.h> first. */
#ifndef TJ_TESTS_SUPPORT_SAME_H
#define TJ_TESTS_SUPPORT_SAME_H

#include <inttypes.h>

#include <tesser/json.h>
#include <tesser/repository.h>

static inline void same_text(const char *what, tj_str a, tj_str b)
{
    if (!tj_str_equal(a, b)) {
        fail_msg("%s: \"%.*s\" is not \"%.*s\"", what, (int)a.size, a.data, (int)b.size, b.data);
    }
}

/* As same_text, and absent is not the same as empty. */
static inline void same_optional_text(const char *what, tj_str a, tj_str b)
{
    if ((!a.data) != (!b.data)) {
        fail_msg("%s is there in one only", what);
    }
    same_text(what, a, b);
}

static inline void same_decimal(const char *what, tj_decimal a, tj_decimal b)
{
    if (!tj_decimal_identical(a, b)) {
        char left[TJ_DECIMAL_TEXT_SIZE];
        char right[TJ_DECIMAL_TEXT_SIZE];
        tj_decimal_format(a, left);
        tj_decimal_format(b, right);
        fail_msg("%s: %s is not %s", what, left, right);
    }
}

static inline void same_number(const char *what, int64_t a, int64_t b)
{
    if (a != b) {
        fail_msg("%s: %" PRId64 " is not %" PRId64, what, a, b);
    }
}

static inline void same_identity(const char *what, tj_identity a, tj_identity b)
{
    same_text(what, a.exchange, b.exchange);
    same_text(what, a.code, b.code);
}

static inline void same_optional_decimal(const char *what, bool has_a, tj_decimal a, bool has_b,
                                         tj_decimal b)
{
    same_number(what, has_a, has_b);
    if (has_a) {
        same_decimal(what, a, b);
    }
}

static inline void same_position(const tj_position *a, const tj_position *b)
{
    same_identity("symbol of a position", a->symbol, b->symbol);
    same_number("side of a position", (int64_t)a->side, (int64_t)b->side);
    same_decimal("quantity of a position", a->quantity, b->quantity);
    same_optional_decimal("entry price", a->has_entry_price, a->entry_price, b->has_entry_price,
                          b->entry_price);
    same_decimal("unrealized pnl", a->unrealized_pnl, b->unrealized_pnl);
    same_number("time of a position", a->updated_at, b->updated_at);
    same_text("extra of a position", a->extra, b->extra);
}

static inline void same_balance(const tj_balance *a, const tj_balance *b)
{
    same_identity("currency", a->currency, b->currency);
    same_decimal("quantity of a balance", a->quantity, b->quantity);
    same_decimal("conversion rate", a->conversion_rate, b->conversion_rate);
    same_text("extra of a balance", a->extra, b->extra);
}

static inline void same_holdings(const tj_position *positions_a, size_t position_count_a,
                                 const tj_balance *balances_a, size_t balance_count_a,
                                 const tj_position *positions_b, size_t position_count_b,
                                 const tj_balance *balances_b, size_t balance_count_b)
{
    same_number("number of positions", (int64_t)position_count_a, (int64_t)position_count_b);
    for (size_t i = 0; i < position_count_a; i++) {
        same_position(&positions_a[i], &positions_b[i]);
    }
    same_number("number of balances", (int64_t)balance_count_a, (int64_t)balance_count_b);
    for (size_t i = 0; i < balance_count_a; i++) {
        same_balance(&balances_a[i], &balances_b[i]);
    }
}

static inline void same_sub_account(const tj_sub_account *a, const tj_sub_account *b)
{
    same_text("exchange of a sub-account", a->exchange, b->exchange);
    same_holdings(a->positions, a->position_count, a->balances, a->balance_count, b->positions,
                  b->position_count, b->balances, b->balance_count);
    same_text("extra of a sub-account", a->extra, b->extra);
}

static inline void same_portfolio(const tj_portfolio *a, const tj_portfolio *b)
{
    same_holdings(a->positions, a->position_count, a->balances, a->balance_count, b->positions,
                  b->position_count, b->balances, b->balance_count);
    same_identity("reporting currency", a->reporting_currency, b->reporting_currency);
    same_decimal("initial equity", a->initial_equity, b->initial_equity);
    same_optional_decimal("drawdown limit", a->has_drawdown_limit, a->drawdown_limit,
                          b->has_drawdown_limit, b->drawdown_limit);
    same_decimal("peak equity", a->peak_equity, b->peak_equity);
    same_number("liquidate_only", a->liquidate_only, b->liquidate_only);
    same_number("number of sub-accounts", (int64_t)a->sub_account_count,
                (int64_t)b->sub_account_count);
    for (size_t i = 0; i < a->sub_account_count; i++) {
        same_sub_account(&a->sub_accounts[i], &b->sub_accounts[i]);
    }
    same_text("extra of the portfolio", a->extra, b->extra);
}

static inline void same_request(const tj_order_request *a, const tj_order_request *b)
{
    same_identity("symbol of an order", a->symbol, b->symbol);
    same_number("side of an order", (int64_t)a->side, (int64_t)b->side);
    same_number("order type", (int64_t)a->order_type, (int64_t)b->order_type);
    same_decimal("quantity of an order", a->quantity, b->quantity);
    same_optional_decimal("price", a->has_price, a->price, b->has_price, b->price);
    same_optional_decimal("trigger price", a->has_trigger_price, a->trigger_price,
                          b->has_trigger_price, b->trigger_price);
    same_number("time in force", (int64_t)a->time_in_force, (int64_t)b->time_in_force);
    same_optional_text("client order id", a->client_order_id, b->client_order_id);
    same_optional_decimal("take profit", a->has_take_profit, a->take_profit, b->has_take_profit,
                          b->take_profit);
    same_optional_decimal("stop loss", a->has_stop_loss, a->stop_loss, b->has_stop_loss,
                          b->stop_loss);
    same_optional_decimal("display quantity", a->has_display_quantity, a->display_quantity,
                          b->has_display_quantity, b->display_quantity);
    same_text("extra of an order request", a->extra, b->extra);
}

static inline void same_order(const tj_order *a, const tj_order *b)
{
    same_text("id of an order", a->id, b->id);
    same_request(&a->request, &b->request);
    same_number("status of an order", (int64_t)a->status, (int64_t)b->status);
    same_decimal("filled quantity", a->filled_quantity, b->filled_quantity);
    same_optional_decimal("average fill price", a->has_avg_fill_price, a->avg_fill_price,
                          b->has_avg_fill_price, b->avg_fill_price);
    same_number("created_at", a->created_at, b->created_at);
    same_number("updated_at", a->updated_at, b->updated_at);
    same_text("extra of an order", a->extra, b->extra);
}

static inline void same_checkpoint(const tj_execution_checkpoint *a,
                                   const tj_execution_checkpoint *b)
{
    same_number("has_last_timestamp", a->has_last_timestamp, b->has_last_timestamp);
    same_number("last_timestamp", a->last_timestamp, b->last_timestamp);
    same_number("number of exec ids", (int64_t)a->exec_id_count, (int64_t)b->exec_id_count);
    for (size_t i = 0; i < a->exec_id_count; i++) {
        same_text("exec id", a->exec_ids[i], b->exec_ids[i]);
    }
    same_text("extra of the checkpoint", a->extra, b->extra);
}

/* Top-level unknown members keep their bytes, not the spaces between them. */
static inline void same_unknown_members(tj_str a, tj_str b)
{
    const tj_live_state states[] = {{.extra = a}, {.extra = b}};
    tj_text texts[2] = {{NULL, 0}, {NULL, 0}};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tj_live_state_to_json(&states[i], &texts[i], NULL), TJ_OK);
    }
    assert_string_equal(texts[0].data, texts[1].data);
    tj_text_dispose(&texts[0]);
    tj_text_dispose(&texts[1]);
}

/* Everything but `sequence`. */
static inline void same_state(const tj_live_state *a, const tj_live_state *b)
{
    same_optional_decimal("portfolio equity", a->has_portfolio_equity, a->portfolio_equity,
                          b->has_portfolio_equity, b->portfolio_equity);
    same_number("has_portfolio", a->has_portfolio, b->has_portfolio);
    same_portfolio(&a->portfolio, &b->portfolio);
    same_number("number of open orders", (int64_t)a->open_order_count,
                (int64_t)b->open_order_count);
    for (size_t i = 0; i < a->open_order_count; i++) {
        same_order(&a->open_orders[i], &b->open_orders[i]);
    }
    same_number("number of prices", (int64_t)a->last_price_count, (int64_t)b->last_price_count);
    for (size_t i = 0; i < a->last_price_count; i++) {
        same_identity("symbol of a price", a->last_prices[i].symbol, b->last_prices[i].symbol);
        same_decimal("last price", a->last_prices[i].price, b->last_prices[i].price);
    }
    same_number("has_last_candle_ts", a->has_last_candle_ts, b->has_last_candle_ts);
    same_number("last_candle_ts", a->last_candle_ts, b->last_candle_ts);
    same_optional_text("strategy state", a->strategy_state, b->strategy_state);
    same_number("has_execution_checkpoint", a->has_execution_checkpoint,
                b->has_execution_checkpoint);
    same_checkpoint(&a->execution_checkpoint, &b->execution_checkpoint);
    same_unknown_members(a->extra, b->extra);
}

static inline void same_entry(const tj_ledger_entry *a, const tj_ledger_entry *b)
{
    assert_int_equal(tj_uuid_compare(a->id, b->id), 0);
    same_number("sequence of an entry", (int64_t)a->sequence, (int64_t)b->sequence);
    same_number("time of an entry", a->time, b->time);
    same_text("exchange of an entry", a->exchange, b->exchange);
    same_identity("asset of an entry", a->asset, b->asset);
    same_decimal("amount of an entry", a->amount, b->amount);
    same_number("type of an entry", (int64_t)a->type, (int64_t)b->type);
    same_text("reference of an entry", a->reference, b->reference);
    same_optional_text("meta of an entry", a->meta, b->meta);
}

#endif
