/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The tables: members of the library's structs and the attributes they are in Python. Both
 * directions, and the data frames, are driven by them. */
#include "native.h"

#define PLAIN(type, member, of_kind)                    \
    {                                                   \
        FIELD_AT(type, member), .kind = FIELD_##of_kind \
    }
#define MAYBE(type, member, of_kind)                                      \
    {                                                                     \
        FIELD_AT(type, member), .kind = FIELD_##of_kind, .optional = true \
    }
#define FLAGGED(type, member, of_kind, ...)                                         \
    {                                                                               \
        .name = #member, .kind = FIELD_##of_kind, .offset = offsetof(type, member), \
        .other = offsetof(type, has_##member), .optional = true, __VA_ARGS__        \
    }
#define CHOICE(type, member, of_names, may_be_absent)                      \
    {                                                                      \
        FIELD_AT(type, member), .kind = FIELD_CHOICE, .names = (of_names), \
                                .optional = may_be_absent                  \
    }
#define MANY(type, members, count_member, of_kind, of_record)                         \
    {                                                                                 \
        .name = #members, .kind = FIELD_##of_kind, .offset = offsetof(type, members), \
        .other = offsetof(type, count_member), .record = (of_record)                  \
    }
#define RECORD(python_name, type, array)                                \
    {                                                                   \
        .name = (python_name), .size = sizeof(type), .fields = (array), \
        .count = FIELD_COUNT(array)                                     \
    }

#define ENTITY_KIND_COUNT TJ_ENTITY_QUARANTINED

static const char *const sides[] = {"Buy", "Sell", NULL};
static const char *const order_types[] = {"Market", "Limit", "StopMarket", NULL};
static const char *const times_in_force[] = {"GoodTilCanceled", "ImmediateOrCancel", "FillOrKill",
                                             NULL};
static const char *const statuses[] = {
    "PendingNew", "Accepted", "PartiallyFilled", "Filled", "Canceled", "Rejected", NULL};
static const char *const ledger_types[] = {
    "trade_realized_pnl", "fee", "funding", "transfer_in", "transfer_out", "adjustment", NULL};
static const char *entity_kinds[ENTITY_KIND_COUNT + 1]; /* as the library has them */

static field position_fields[] = {
    PLAIN(tj_position, symbol, SYMBOL),
    CHOICE(tj_position, side, sides, true),
    PLAIN(tj_position, quantity, DECIMAL),
    FLAGGED(tj_position, entry_price, DECIMAL),
    PLAIN(tj_position, unrealized_pnl, DECIMAL),
    PLAIN(tj_position, updated_at, TIME),
    MAYBE(tj_position, extra, JSON),
};
record record_position = RECORD("Position", tj_position, position_fields);

static field balance_fields[] = {
    PLAIN(tj_balance, currency, SYMBOL),
    PLAIN(tj_balance, quantity, DECIMAL),
    PLAIN(tj_balance, conversion_rate, DECIMAL),
    MAYBE(tj_balance, extra, JSON),
};
record record_balance = RECORD("Balance", tj_balance, balance_fields);

static field sub_account_fields[] = {
    PLAIN(tj_sub_account, exchange, TEXT),
    MANY(tj_sub_account, positions, position_count, MAP, &record_position),
    MANY(tj_sub_account, balances, balance_count, MAP, &record_balance),
    MAYBE(tj_sub_account, extra, JSON),
};
record record_sub_account = RECORD("SubAccount", tj_sub_account, sub_account_fields);

static field portfolio_fields[] = {
    MANY(tj_portfolio, positions, position_count, MAP, &record_position),
    MANY(tj_portfolio, balances, balance_count, MAP, &record_balance),
    PLAIN(tj_portfolio, reporting_currency, SYMBOL),
    PLAIN(tj_portfolio, initial_equity, DECIMAL),
    FLAGGED(tj_portfolio, drawdown_limit, DECIMAL),
    PLAIN(tj_portfolio, peak_equity, DECIMAL),
    PLAIN(tj_portfolio, liquidate_only, FLAG),
    MANY(tj_portfolio, sub_accounts, sub_account_count, MAP, &record_sub_account),
    MAYBE(tj_portfolio, extra, JSON),
};
record record_portfolio = RECORD("Portfolio", tj_portfolio, portfolio_fields);

static field request_fields[] = {
    PLAIN(tj_order_request, symbol, SYMBOL),
    CHOICE(tj_order_request, side, sides, false),
    CHOICE(tj_order_request, order_type, order_types, false),
    PLAIN(tj_order_request, quantity, DECIMAL),
    FLAGGED(tj_order_request, price, DECIMAL),
    FLAGGED(tj_order_request, trigger_price, DECIMAL),
    CHOICE(tj_order_request, time_in_force, times_in_force, true),
    MAYBE(tj_order_request, client_order_id, TEXT),
    FLAGGED(tj_order_request, take_profit, DECIMAL),
    FLAGGED(tj_order_request, stop_loss, DECIMAL),
    FLAGGED(tj_order_request, display_quantity, DECIMAL),
    MAYBE(tj_order_request, extra, JSON),
};
record record_request = RECORD("OrderRequest", tj_order_request, request_fields);

static field order_fields[] = {
    PLAIN(tj_order, id, TEXT),
    {FIELD_AT(tj_order, request), .kind = FIELD_RECORD, .record = &record_request},
    CHOICE(tj_order, status, statuses, false),
    PLAIN(tj_order, filled_quantity, DECIMAL),
    FLAGGED(tj_order, avg_fill_price, DECIMAL),
    PLAIN(tj_order, created_at, TIME),
    PLAIN(tj_order, updated_at, TIME),
    MAYBE(tj_order, extra, JSON),
};
record record_order = RECORD("Order", tj_order, order_fields);

static field checkpoint_fields[] = {
    FLAGGED(tj_execution_checkpoint, last_timestamp, TIME),
    MANY(tj_execution_checkpoint, exec_ids, exec_id_count, TEXTS, NULL),
    MAYBE(tj_execution_checkpoint, extra, JSON),
};
record record_checkpoint =
    RECORD("ExecutionCheckpoint", tj_execution_checkpoint, checkpoint_fields);

static field live_state_fields[] = {
    FLAGGED(tj_live_state, portfolio_equity, DECIMAL),
    FLAGGED(tj_live_state, portfolio, RECORD, .record = &record_portfolio),
    MANY(tj_live_state, open_orders, open_order_count, LIST, &record_order),
    MANY(tj_live_state, last_prices, last_price_count, PRICES, NULL),
    FLAGGED(tj_live_state, last_candle_ts, TIME),
    MAYBE(tj_live_state, strategy_state, JSON),
    FLAGGED(tj_live_state, execution_checkpoint, RECORD, .record = &record_checkpoint),
    MAYBE(tj_live_state, extra, JSON),
    PLAIN(tj_live_state, sequence, NUMBER),
};
record record_live_state = RECORD("LiveState", tj_live_state, live_state_fields);

static field ledger_fields[] = {
    PLAIN(tj_ledger_entry, id, UUID),
    PLAIN(tj_ledger_entry, sequence, NUMBER),
    PLAIN(tj_ledger_entry, time, TIME),
    PLAIN(tj_ledger_entry, exchange, TEXT),
    PLAIN(tj_ledger_entry, asset, SYMBOL),
    PLAIN(tj_ledger_entry, amount, DECIMAL),
    CHOICE(tj_ledger_entry, type, ledger_types, false),
    PLAIN(tj_ledger_entry, reference, TEXT),
    MAYBE(tj_ledger_entry, meta, JSON),
};
record record_ledger_entry = RECORD("LedgerEntry", tj_ledger_entry, ledger_fields);

static field algo_fields[] = {
    PLAIN(tj_algo_state, plugin, TEXT),
    PLAIN(tj_algo_state, payload, JSON),
};
record record_algo_state = RECORD("AlgoState", tj_algo_state, algo_fields);

static field equity_fields[] = {
    PLAIN(tj_equity_point, sequence, NUMBER),  PLAIN(tj_equity_point, time, TIME),
    PLAIN(tj_equity_point, equity, DECIMAL),   PLAIN(tj_equity_point, peak, DECIMAL),
    PLAIN(tj_equity_point, drawdown, DECIMAL),
};
record record_equity_point = RECORD("EquityPoint", tj_equity_point, equity_fields);

static field change_fields[] = {
    CHOICE(tj_change, kind, entity_kinds, false),
    PLAIN(tj_change, book, TEXT),
    PLAIN(tj_change, owner, TEXT),
    PLAIN(tj_change, key, TEXT),
    PLAIN(tj_change, moved, FLAG),
    MAYBE(tj_change, old_value, JSON),
    MAYBE(tj_change, new_value, JSON),
};
record record_change = RECORD("Change", tj_change, change_fields);

static record *const records[] = {
    &record_position,     &record_balance,    &record_sub_account,  &record_portfolio,
    &record_request,      &record_order,      &record_checkpoint,   &record_live_state,
    &record_ledger_entry, &record_algo_state, &record_equity_point, &record_change,
};

static bool setup_record(record *kind, PyObject *values)
{
    for (size_t i = 0; i < kind->count; i++) {
        kind->fields[i].attribute = PyUnicode_InternFromString(kind->fields[i].name);
        if (!kind->fields[i].attribute) {
            return false;
        }
    }
    kind->type = (PyTypeObject *)PyObject_GetAttrString(values, kind->name);
    return kind->type != NULL;
}

bool fields_setup(PyObject *values)
{
    for (int i = 0; i < ENTITY_KIND_COUNT; i++) {
        entity_kinds[i] = tj_entity_kind_name((tj_entity_kind)(i + 1));
    }
    for (size_t i = 0; i < FIELD_COUNT(records); i++) {
        if (!setup_record(records[i], values)) {
            return false;
        }
    }
    return true;
}
