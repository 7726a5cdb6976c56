/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A whole LiveState as the rows of one scope. What it has once goes into the plan in any case; what
 * it can have thousands of may also be taken out of the plan again, a few rows at a time.
 */
#include "base/error.h"
#include "commit/plan.h"
#include "json/check.h"

/* So many bytes of rows are taken together: encoding and comparing are two small loops over memory
 * that stays in the first cache, and no row is read while the processor still writes it. */
#define TAKEN_SIZE 4096

/* Where the rows go. */
typedef struct way {
    tj__plan *plan;
    tj__plan_taker *take; /* NULL: they stay in the plan */
    void *context;
    size_t at; /* end of the rows that stay, where the others begin */
} way;

static tj_status take_rows(const way *w, tj_error *error)
{
    return w->take ? w->take(w->context, w->plan, w->at, error) : TJ_OK;
}

/* After an add function. */
static tj_status pass(const way *w, tj_status written, tj_error *error)
{
    if (!w->take || written != TJ_OK || w->plan->rows.size - w->at < TAKEN_SIZE) {
        return written;
    }
    tj_status status = take_rows(w, error);
    w->plan->rows.size = w->at;
    return status;
}

static tj_status check_list(const void *items, size_t count, const char *name, tj_error *error)
{
    return items || count == 0
               ? TJ_OK
               : tj__fail(error, TJ_MISUSE, "%s is NULL, and should hold %zu", name, count);
}

static tj_status add_holdings(const way *w, tj_str owner, const tj_position *positions,
                              size_t position_count, const tj_balance *balances,
                              size_t balance_count, tj_error *error)
{
    TJ_TRY(check_list(balances, balance_count, "balances", error));
    TJ_TRY(check_list(positions, position_count, "positions", error));
    for (size_t i = 0; i < balance_count; i++) {
        TJ_TRY(pass(w, tj__plan_add_balance(w->plan, owner, &balances[i], error), error));
    }
    for (size_t i = 0; i < position_count; i++) {
        TJ_TRY(pass(w, tj__plan_add_position(w->plan, owner, &positions[i], error), error));
    }
    return TJ_OK;
}

static tj_status add_portfolio(const way *w, const tj_portfolio *portfolio, tj_error *error)
{
    TJ_TRY(pass(w, tj__plan_add_head(w->plan, portfolio, error), error));
    TJ_TRY(add_holdings(w, (tj_str){0}, portfolio->positions, portfolio->position_count,
                        portfolio->balances, portfolio->balance_count, error));
    TJ_TRY(
        check_list(portfolio->sub_accounts, portfolio->sub_account_count, "sub_accounts", error));
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        const tj_sub_account *account = &portfolio->sub_accounts[i];
        TJ_TRY(pass(w, tj__plan_add_sub_account(w->plan, account, error), error));
        TJ_TRY(add_holdings(w, account->exchange, account->positions, account->position_count,
                            account->balances, account->balance_count, error));
    }
    return TJ_OK;
}

static tj_status add_entities(const way *w, const tj_live_state *state, tj_error *error)
{
    if (state->has_portfolio) {
        TJ_TRY(add_portfolio(w, &state->portfolio, error));
    }
    TJ_TRY(check_list(state->last_prices, state->last_price_count, "last_prices", error));
    TJ_TRY(check_list(state->open_orders, state->open_order_count, "open_orders", error));
    for (size_t i = 0; i < state->last_price_count; i++) {
        TJ_TRY(pass(w, tj__plan_add_price(w->plan, &state->last_prices[i], error), error));
    }
    for (size_t i = 0; i < state->open_order_count; i++) {
        TJ_TRY(pass(w, tj__plan_add_order(w->plan, &state->open_orders[i], error), error));
    }
    return take_rows(w, error);
}

tj_status tj__plan_add_entities(tj__plan *plan, const tj_live_state *state, tj__plan_taker *take,
                                void *context, tj_error *error)
{
    way w = {plan, take, context, plan->rows.size};
    tj_status status = add_entities(&w, state, error);
    if (take) {
        plan->rows.size = w.at;
        plan->rows.failed = false;
    }
    return status;
}

/* ---- what a state has once ------------------------------------------------------------------- */

static tj_status add_extra_member(void *context, tj_str name, tj_str value, tj_error *error)
{
    return tj__plan_add_extra(context, name, value, error);
}

static tj_status add_singles(tj__plan *plan, const tj_live_state *state, tj_error *error)
{
    bool none = false;
    if (state->has_portfolio_equity) {
        TJ_TRY(tj__plan_add_equity(plan, state->portfolio_equity, error));
    }
    if (state->has_last_candle_ts) {
        TJ_TRY(tj__plan_add_candle(plan, state->last_candle_ts, error));
    }
    TJ_TRY(tj__plan_add_strategy(plan, state->strategy_state, &none, error));
    if (state->has_execution_checkpoint) {
        TJ_TRY(tj__plan_add_checkpoint(plan, &state->execution_checkpoint, error));
    }
    return state->extra.data
               ? tj__json_members(state->extra, "extra", add_extra_member, plan, error)
               : TJ_OK;
}

/* ---- whole states ---------------------------------------------------------------------------- */

static tj_status open_state(tj__plan *plan, const tj_live_state *state, tj_error *error)
{
    unsigned absent = state->extra.data ? 0 : TJ__KIND_BIT(TJ__KIND_EXTRA);
    TJ_TRY(tj__plan_scope_begin(plan, TJ__KINDS_ALL & ~absent, error));
    return add_singles(plan, state, error);
}

tj_status tj__plan_open_state(tj__plan *plan, const tj_live_state *state, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, true, open_state(plan, state, error));
}

static tj_status put_state(tj__plan *plan, const tj_live_state *state, size_t mark, tj_error *error)
{
    TJ_TRY(open_state(plan, state, error));
    TJ_TRY(tj__plan_add_entities(plan, state, NULL, NULL, error));
    TJ_TRY(tj__plan_check_unique(plan, mark, error));
    return tj__plan_scope_end(plan, error);
}

tj_status tj__plan_put_state(tj__plan *plan, const tj_live_state *state, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, true, put_state(plan, state, mark, error));
}
