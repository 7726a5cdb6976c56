/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A whole LiveState as the rows of one scope. */
#include "base/error.h"
#include "base/hash.h"
#include "codec/plan.h"
#include "json/check.h"

#include <stdlib.h>

static tj_status add_holdings(tj__plan *plan, tj_str owner, const tj_position *positions,
                              size_t position_count, const tj_balance *balances,
                              size_t balance_count, tj_error *error)
{
    for (size_t i = 0; i < balance_count; i++) {
        TJ_TRY(tj__plan_add_balance(plan, owner, &balances[i], error));
    }
    for (size_t i = 0; i < position_count; i++) {
        TJ_TRY(tj__plan_add_position(plan, owner, &positions[i], error));
    }
    return TJ_OK;
}

static tj_status add_portfolio(tj__plan *plan, const tj_portfolio *portfolio, tj_error *error)
{
    TJ_TRY(tj__plan_add_head(plan, portfolio, error));
    TJ_TRY(add_holdings(plan, (tj_str){0}, portfolio->positions, portfolio->position_count,
                        portfolio->balances, portfolio->balance_count, error));
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        const tj_sub_account *account = &portfolio->sub_accounts[i];
        TJ_TRY(tj__plan_add_sub_account(plan, account, error));
        TJ_TRY(add_holdings(plan, account->exchange, account->positions, account->position_count,
                            account->balances, account->balance_count, error));
    }
    return TJ_OK;
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
    return TJ_OK;
}

static tj_status add_extra_member(void *context, tj_str name, tj_str value, tj_error *error)
{
    return tj__plan_add_extra(context, name, value, error);
}

static tj_status add_rows(tj__plan *plan, const tj_live_state *state, tj_error *error)
{
    TJ_TRY(add_singles(plan, state, error));
    if (state->extra.data) {
        TJ_TRY(tj__json_members(state->extra, "extra", add_extra_member, plan, error));
    }
    if (state->has_portfolio) {
        TJ_TRY(add_portfolio(plan, &state->portfolio, error));
    }
    for (size_t i = 0; i < state->last_price_count; i++) {
        TJ_TRY(tj__plan_add_price(plan, &state->last_prices[i], error));
    }
    for (size_t i = 0; i < state->open_order_count; i++) {
        TJ_TRY(tj__plan_add_order(plan, &state->open_orders[i], error));
    }
    return TJ_OK;
}

static tj_status put_state(tj__plan *plan, const tj_live_state *state, size_t mark, tj_error *error)
{
    unsigned absent = state->extra.data ? 0 : TJ__KIND_BIT(TJ__KIND_EXTRA);
    TJ_TRY(tj__plan_scope_begin(plan, TJ__KINDS_ALL & ~absent, error));
    TJ_TRY(add_rows(plan, state, error));
    TJ_TRY(tj__plan_check_unique(plan, mark, error));
    return tj__plan_scope_end(plan, error);
}

tj_status tj__plan_put_state(tj__plan *plan, const tj_live_state *state, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, true, put_state(plan, state, mark, error));
}

/* ---- uniqueness -------------------------------------------------------------------------- */

static tj_status twice(tj__bytes key, tj_error *error)
{
    char text[TJ__KEY_TEXT_SIZE];
    tj__key_describe(key, text);
    return tj__fail(error, TJ_INVALID, "%s stands twice", text);
}

/* Looks for neighbours in descending order. A kind whose keys only rise cannot have one twice; that
 * is a usual order, and costs no table. Returns the other kinds. */
static unsigned find_unsorted_kinds(const tj__plan *plan, size_t mark, size_t *row_count)
{
    tj__bytes last[TJ__KIND_LAST + 1] = {{0}};
    unsigned unsorted = 0;
    for (size_t at = mark; at < plan->rows.size;) {
        tj__plan_row row;
        uint8_t *bytes = NULL;
        tj__bytes value;
        at = tj__plan_row_read(plan, at, &row, &bytes, &value);
        if (row.op != TJ__PLAN_PUT) {
            continue;
        }
        unsigned kind = bytes[TJ__KEY_KIND_AT];
        tj__bytes key = tj__bytes_of(bytes, row.key_size);
        if (last[kind].data && tj__bytes_compare(last[kind], key) >= 0) {
            unsorted |= TJ__KIND_BIT(kind);
        }
        last[kind] = key;
        ++*row_count;
    }
    return unsorted;
}

/* A key by its place in the plan, found by its hash. */
typedef struct seen_key {
    uint32_t hash;
    uint16_t size; /* 0: free */
    size_t at;
} seen_key;

static bool add_seen(seen_key *table, size_t capacity, const tj__plan *plan, tj__bytes key)
{
    uint32_t hash = (uint32_t)tj__hash(key.data, key.size);
    size_t place = hash & (capacity - 1);
    for (; table[place].size > 0; place = (place + 1) & (capacity - 1)) {
        tj__bytes other = tj__bytes_of(plan->rows.data + table[place].at, table[place].size);
        if (table[place].hash == hash && tj__bytes_equal(other, key)) {
            return false;
        }
    }
    table[place] = (seen_key){hash, (uint16_t)key.size, (size_t)(key.data - plan->rows.data)};
    return true;
}

tj_status tj__plan_check_unique(const tj__plan *plan, size_t mark, tj_error *error)
{
    size_t row_count = 0;
    unsigned kinds = find_unsorted_kinds(plan, mark, &row_count);
    if (kinds == 0) {
        return TJ_OK;
    }
    size_t capacity = 16;
    while (capacity < 2 * row_count) {
        capacity *= 2;
    }
    seen_key *table = calloc(capacity, sizeof *table);
    if (!table) {
        return tj__fail(error, TJ_NOMEM, "no memory to look for what stands twice");
    }
    tj_status status = TJ_OK;
    for (size_t at = mark; at < plan->rows.size && status == TJ_OK;) {
        tj__plan_row row;
        uint8_t *bytes = NULL;
        tj__bytes value;
        at = tj__plan_row_read(plan, at, &row, &bytes, &value);
        tj__bytes key = tj__bytes_of(bytes, row.key_size);
        if (row.op == TJ__PLAN_PUT && (kinds & TJ__KIND_BIT(bytes[TJ__KEY_KIND_AT])) &&
            !add_seen(table, capacity, plan, key)) {
            status = twice(key, error);
        }
    }
    free(table);
    return status;
}
