/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The tables themselves: members, their order, and the names of the choices. */
#include "json/schema.h"

#include <stdio.h>

#include "base/error.h"
#include "base/identity.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NAME(literal) .name = {(literal), sizeof(literal) - 1}
#define AT(type, member) .offset = offsetof(type, member)
#define OTHER(type, member) .other = offsetof(type, member)
#define FIELD(type, member, of_kind) NAME(#member), .kind = TJ__JSON_##of_kind, AT(type, member)
#define OPTIONAL_DECIMAL(type, member) \
    FIELD(type, member, DECIMAL), OTHER(type, has_##member), .flags = TJ__JSON_OPTIONAL
#define OPTIONAL_TIME(type, member) \
    FIELD(type, member, TIME), OTHER(type, has_##member), .flags = TJ__JSON_OPTIONAL
#define EXTRA(type) .size = sizeof(type), .has_extra = true, .extra = offsetof(type, extra)

static const char *const sides[] = {"Buy", "Sell", NULL};
static const char *const order_types[] = {"Market", "Limit", "StopMarket", NULL};
static const char *const times_in_force[] = {"GoodTilCanceled", "ImmediateOrCancel", "FillOrKill",
                                             NULL};
static const char *const statuses[] = {
    "PendingNew", "Accepted", "PartiallyFilled", "Filled", "Canceled", "Rejected", NULL};
static const char *const ledger_types[] = {
    "trade_realized_pnl", "fee", "funding", "transfer_in", "transfer_out", "adjustment", NULL};

static const tj__json_field request_fields[] = {
    {FIELD(tj_order_request, symbol, IDENTITY)},
    {FIELD(tj_order_request, side, ENUM), .names = sides},
    {FIELD(tj_order_request, order_type, ENUM), .names = order_types},
    {FIELD(tj_order_request, quantity, DECIMAL)},
    {OPTIONAL_DECIMAL(tj_order_request, price)},
    {OPTIONAL_DECIMAL(tj_order_request, trigger_price)},
    {FIELD(tj_order_request, time_in_force, ENUM), .names = times_in_force,
     .flags = TJ__JSON_OPTIONAL},
    {FIELD(tj_order_request, client_order_id, TEXT), .limit = TJ_ID_SIZE_MAX,
     .flags = TJ__JSON_OPTIONAL | TJ__JSON_MAY_BE_EMPTY},
    {OPTIONAL_DECIMAL(tj_order_request, take_profit)},
    {OPTIONAL_DECIMAL(tj_order_request, stop_loss)},
    {OPTIONAL_DECIMAL(tj_order_request, display_quantity)},
};
const tj__json_schema tj__json_order_request = {
    .fields = request_fields, .count = COUNT(request_fields), EXTRA(tj_order_request)};

static const tj__json_field order_fields[] = {
    {FIELD(tj_order, id, TEXT), .limit = TJ_ID_SIZE_MAX},
    {FIELD(tj_order, request, STRUCT), .schema = &tj__json_order_request},
    {FIELD(tj_order, status, ENUM), .names = statuses},
    {FIELD(tj_order, filled_quantity, DECIMAL)},
    {OPTIONAL_DECIMAL(tj_order, avg_fill_price)},
    {FIELD(tj_order, created_at, TIME)},
    {FIELD(tj_order, updated_at, TIME)},
};
const tj__json_schema tj__json_order = {
    .fields = order_fields, .count = COUNT(order_fields), EXTRA(tj_order)};

static const tj__json_field position_fields[] = {
    {FIELD(tj_position, symbol, IDENTITY)},
    {FIELD(tj_position, side, ENUM), .names = sides, .flags = TJ__JSON_OPTIONAL},
    {FIELD(tj_position, quantity, DECIMAL)},
    {OPTIONAL_DECIMAL(tj_position, entry_price)},
    {FIELD(tj_position, unrealized_pnl, DECIMAL)},
    {FIELD(tj_position, updated_at, TIME)},
};
const tj__json_schema tj__json_position = {
    .fields = position_fields, .count = COUNT(position_fields), EXTRA(tj_position)};

static const tj__json_field balance_fields[] = {
    {FIELD(tj_balance, currency, IDENTITY)},
    {FIELD(tj_balance, quantity, DECIMAL)},
    {FIELD(tj_balance, conversion_rate, DECIMAL)},
};
const tj__json_schema tj__json_balance = {
    .fields = balance_fields, .count = COUNT(balance_fields), EXTRA(tj_balance)};

static const tj__json_field sub_account_fields[] = {
    {FIELD(tj_sub_account, exchange, EXCHANGE)},
    {FIELD(tj_sub_account, positions, MAP), OTHER(tj_sub_account, position_count),
     .schema = &tj__json_position},
    {FIELD(tj_sub_account, balances, MAP), OTHER(tj_sub_account, balance_count),
     .schema = &tj__json_balance},
};
const tj__json_schema tj__json_sub_account = {
    .fields = sub_account_fields, .count = COUNT(sub_account_fields), EXTRA(tj_sub_account)};

static const tj__json_field sub_account_head_fields[] = {
    {FIELD(tj_sub_account, exchange, EXCHANGE)},
    {FIELD(tj_sub_account, positions, ELSEWHERE), .schema = &tj__json_position,
     .flags = TJ__JSON_DEFAULT},
    {FIELD(tj_sub_account, balances, ELSEWHERE), .schema = &tj__json_balance,
     .flags = TJ__JSON_DEFAULT},
};
const tj__json_schema tj__json_sub_account_head = {.fields = sub_account_head_fields,
                                                   .count = COUNT(sub_account_head_fields),
                                                   EXTRA(tj_sub_account)};

#define PORTFOLIO_MAPS 2
#define PORTFOLIO_HEAD 5
static const tj__json_field portfolio_fields[] = {
    {FIELD(tj_portfolio, positions, MAP), OTHER(tj_portfolio, position_count),
     .schema = &tj__json_position},
    {FIELD(tj_portfolio, balances, MAP), OTHER(tj_portfolio, balance_count),
     .schema = &tj__json_balance},
    {FIELD(tj_portfolio, reporting_currency, IDENTITY)},
    {FIELD(tj_portfolio, initial_equity, DECIMAL)},
    {OPTIONAL_DECIMAL(tj_portfolio, drawdown_limit)},
    {FIELD(tj_portfolio, peak_equity, DECIMAL)},
    {FIELD(tj_portfolio, liquidate_only, FLAG)},
    {FIELD(tj_portfolio, sub_accounts, MAP), OTHER(tj_portfolio, sub_account_count),
     .schema = &tj__json_sub_account, .flags = TJ__JSON_DEFAULT},
};
const tj__json_schema tj__json_portfolio = {
    .fields = portfolio_fields, .count = COUNT(portfolio_fields), EXTRA(tj_portfolio)};
const tj__json_schema tj__json_portfolio_head = {
    .fields = portfolio_fields + PORTFOLIO_MAPS, .count = PORTFOLIO_HEAD, EXTRA(tj_portfolio)};

static const tj__json_field checkpoint_fields[] = {
    {OPTIONAL_TIME(tj_execution_checkpoint, last_timestamp)},
    {FIELD(tj_execution_checkpoint, exec_ids, TEXT_LIST),
     OTHER(tj_execution_checkpoint, exec_id_count), .limit = TJ_ID_SIZE_MAX,
     .flags = TJ__JSON_DEFAULT},
};
const tj__json_schema tj__json_checkpoint = {
    .fields = checkpoint_fields, .count = COUNT(checkpoint_fields), EXTRA(tj_execution_checkpoint)};

static const tj__json_field live_state_fields[] = {
    {FIELD(tj_live_state, portfolio_equity, DECIMAL), OTHER(tj_live_state, has_portfolio_equity),
     .flags = TJ__JSON_OPTIONAL | TJ__JSON_OMITTED},
    {FIELD(tj_live_state, portfolio, STRUCT), OTHER(tj_live_state, has_portfolio),
     .schema = &tj__json_portfolio, .flags = TJ__JSON_OPTIONAL},
    {FIELD(tj_live_state, open_orders, LIST), OTHER(tj_live_state, open_order_count),
     .schema = &tj__json_order, .flags = TJ__JSON_DEFAULT},
    {FIELD(tj_live_state, last_prices, PRICES), OTHER(tj_live_state, last_price_count),
     .flags = TJ__JSON_DEFAULT},
    {OPTIONAL_TIME(tj_live_state, last_candle_ts)},
    {FIELD(tj_live_state, strategy_state, RAW), .flags = TJ__JSON_OPTIONAL},
    {FIELD(tj_live_state, execution_checkpoint, STRUCT),
     OTHER(tj_live_state, has_execution_checkpoint), .schema = &tj__json_checkpoint,
     .flags = TJ__JSON_OPTIONAL | TJ__JSON_OMITTED},
};
const tj__json_schema tj__json_live_state = {.fields = live_state_fields,
                                             .count = COUNT(live_state_fields),
                                             .extra_name_limit = TJ_MEMBER_SIZE_MAX,
                                             EXTRA(tj_live_state)};

static const tj__json_field ledger_fields[] = {
    {FIELD(tj_ledger_entry, id, UUID), .flags = TJ__JSON_DEFAULT},
    {FIELD(tj_ledger_entry, sequence, SEQUENCE), .flags = TJ__JSON_DEFAULT},
    {NAME("timestamp"), .kind = TJ__JSON_TIME, AT(tj_ledger_entry, time)},
    {FIELD(tj_ledger_entry, exchange, EXCHANGE)},
    {FIELD(tj_ledger_entry, asset, IDENTITY)},
    {FIELD(tj_ledger_entry, amount, DECIMAL)},
    {NAME("entry_type"), .kind = TJ__JSON_ENUM, AT(tj_ledger_entry, type), .names = ledger_types},
    {NAME("reference_id"), .kind = TJ__JSON_TEXT, AT(tj_ledger_entry, reference),
     .limit = TJ_REFERENCE_SIZE_MAX, .flags = TJ__JSON_MAY_BE_EMPTY},
    {FIELD(tj_ledger_entry, meta, RAW), .flags = TJ__JSON_OPTIONAL},
};
const tj__json_schema tj__json_ledger_entry = {
    .fields = ledger_fields, .count = COUNT(ledger_fields), .size = sizeof(tj_ledger_entry)};

static const tj__json_field algo_tesser_fields[] = {
    {NAME("algo_type"), .kind = TJ__JSON_TEXT, AT(tj_algo_state, plugin),
     .limit = TJ_PLUGIN_SIZE_MAX},
    {NAME("state"), .kind = TJ__JSON_RAW, AT(tj_algo_state, payload)},
};
const tj__json_schema tj__json_algo_tesser = {.fields = algo_tesser_fields,
                                              .count = COUNT(algo_tesser_fields),
                                              .size = sizeof(tj_algo_state)};

static const tj__json_field algo_plain_fields[] = {
    {FIELD(tj_algo_state, plugin, TEXT), .limit = TJ_PLUGIN_SIZE_MAX},
    {FIELD(tj_algo_state, payload, RAW)},
};
const tj__json_schema tj__json_algo_plain = {
    .fields = algo_plain_fields, .count = COUNT(algo_plain_fields), .size = sizeof(tj_algo_state)};

const tj__json_schema tj__json_any_members = {.fields = NULL};

bool tj__json_shape_is_open(tj__json_shape shape)
{
    return shape.schema || shape.kind == TJ__JSON_PRICES || shape.kind == TJ__JSON_TEXT_LIST ||
           (shape.kind == TJ__JSON_TREE && shape.levels > 0);
}

const tj__json_field *tj__json_field_find(const tj__json_schema *schema, tj_str name)
{
    for (size_t i = 0; i < schema->count; i++) {
        if (tj_str_equal(schema->fields[i].name, name)) {
            return &schema->fields[i];
        }
    }
    return NULL;
}

static tj__json_shape shape_of_member(const tj__json_schema *schema, tj_str name)
{
    const tj__json_field *field = tj__json_field_find(schema, name);
    return field ? (tj__json_shape){field->kind, field->schema, 0}
                 : (tj__json_shape){TJ__JSON_RAW, NULL, 0};
}

tj__json_shape tj__json_shape_inside(tj__json_shape shape, tj_str name)
{
    switch (shape.kind) {
    case TJ__JSON_TREE:
        return TJ__JSON_SHAPE_LEVELS(shape.levels - 1);
    case TJ__JSON_STRUCT:
        return shape_of_member(shape.schema, name);
    case TJ__JSON_LIST:
    case TJ__JSON_MAP:
    case TJ__JSON_ELSEWHERE:
        return TJ__JSON_SHAPE_STRUCT(shape.schema);
    default:
        return (tj__json_shape){TJ__JSON_RAW, NULL, 0};
    }
}

tj_status tj__json_canonical(tj__json_kind kind, tj_str text, char buffer[TJ__JSON_KEY_SIZE],
                             tj_str *out, tj_error *error)
{
    if (kind == TJ__JSON_IDENTITY) {
        tj_identity id;
        TJ_TRY(tj_identity_parse(text, &id, error));
        *out = (tj_str){buffer, tj_identity_format(id, buffer)};
    } else if (kind == TJ__JSON_EXCHANGE) {
        size_t size = 0;
        TJ_TRY(tj__exchange_canonical(text, buffer, &size, error));
        *out = (tj_str){buffer, size};
    } else if (kind == TJ__JSON_UUID) {
        tj_uuid id;
        TJ_TRY(tj_uuid_parse(text, &id, error));
        tj_uuid_format(id, buffer);
        *out = (tj_str){buffer, TJ_UUID_TEXT_SIZE - 1};
    } else {
        *out = text;
    }
    return TJ_OK;
}

static size_t add_choice(char *out, size_t used, const char *name)
{
    int more = snprintf(out + used, TJ__JSON_CHOICES_SIZE - used, "%s%s", used ? ", " : "", name);
    size_t end = used + (more > 0 ? (size_t)more : 0);
    return end < TJ__JSON_CHOICES_SIZE ? end : TJ__JSON_CHOICES_SIZE - 1;
}

const char *tj__json_choices(const char *const *names, char out[TJ__JSON_CHOICES_SIZE])
{
    size_t used = 0;
    for (; *names; names++) {
        used = add_choice(out, used, *names);
    }
    return out;
}

const char *tj__json_members_of(const tj__json_schema *schema, char out[TJ__JSON_CHOICES_SIZE])
{
    size_t used = 0;
    for (size_t i = 0; i < schema->count; i++) {
        used = add_choice(out, used, schema->fields[i].name.data);
    }
    return out;
}
