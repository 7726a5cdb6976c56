/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * head (kind 1):
 *   version, flags (0 drawdown_limit, 1 liquidate_only), identity reporting_currency,
 *   decimal initial_equity, decimal peak_equity, [decimal drawdown_limit], rest extra
 * balance (kind 7):
 *   version, decimal quantity, decimal conversion_rate, rest extra
 * position (kind 8):
 *   version, flags (0 entry_price), choice side, decimal quantity, decimal unrealized_pnl,
 *   time updated_at, [decimal entry_price], rest extra
 * sub-account (kind 9):
 *   version, rest extra
 */
#include "base/error.h"
#include "codec/value.h"

#define HEAD_DRAWDOWN_LIMIT 1u
#define HEAD_LIQUIDATE_ONLY 2u
#define HEAD_BOUND (1 + 2 + TJ__IDENTITY_BOUND + 3 * 16)
#define BALANCE_BOUND (1 + 2 * 16)
#define POSITION_ENTRY_PRICE 1u
#define POSITION_BOUND (1 + 2 + 1 + 3 * 16 + 8)
#define SUB_ACCOUNT_BOUND 1

static const char head_members[] =
    "positions\0balances\0reporting_currency\0initial_equity\0drawdown_limit\0peak_equity\0"
    "liquidate_only\0sub_accounts\0";
static const char balance_members[] = "currency\0quantity\0conversion_rate\0";
static const char position_members[] =
    "symbol\0side\0quantity\0entry_price\0unrealized_pnl\0updated_at\0";
static const char sub_account_members[] = "exchange\0positions\0balances\0";

/* Makes room for a value whose extra is empty or `extra`. */
static tj_status start(tj__buffer *out, size_t bound, tj_str extra, tj__pen *pen, tj_error *error)
{
    if (!tj__buffer_reserve(out, bound + extra.size)) {
        return tj__fail(error, TJ_NOMEM, "no memory for a row of %zu bytes", bound + extra.size);
    }
    pen->at = out->data + out->size;
    tj__pen_version(pen);
    return TJ_OK;
}

static void finish(tj__buffer *out, tj__pen *pen, tj_str extra, bool empty)
{
    if (!empty) {
        tj__pen_str(pen, extra);
    }
    out->size = (size_t)(pen->at - out->data);
}

tj_status tj__head_put(tj__buffer *out, const tj_portfolio *portfolio, tj_error *error)
{
    tj__pen pen = {NULL};
    bool empty = true;
    TJ_TRY(tj__check_decimal(portfolio->initial_equity, "initial_equity", error));
    TJ_TRY(tj__check_decimal(portfolio->peak_equity, "peak_equity", error));
    if (portfolio->has_drawdown_limit) {
        TJ_TRY(tj__check_decimal(portfolio->drawdown_limit, "drawdown_limit", error));
    }
    TJ_TRY(tj__check_extra(portfolio->extra, head_members, "extra", &empty, error));
    TJ_TRY(start(out, HEAD_BOUND, portfolio->extra, &pen, error));
    tj__pen_u16(&pen, (uint16_t)((portfolio->has_drawdown_limit ? HEAD_DRAWDOWN_LIMIT : 0) |
                                 (portfolio->liquidate_only ? HEAD_LIQUIDATE_ONLY : 0)));
    TJ_TRY(tj__pen_identity(&pen, portfolio->reporting_currency, "reporting_currency", error));
    tj__pen_decimal(&pen, portfolio->initial_equity);
    tj__pen_decimal(&pen, portfolio->peak_equity);
    if (portfolio->has_drawdown_limit) {
        tj__pen_decimal(&pen, portfolio->drawdown_limit);
    }
    finish(out, &pen, portfolio->extra, empty);
    return TJ_OK;
}

tj_status tj__head_get(tj__bytes value, tj_portfolio *out, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, error));
    uint16_t flags = tj__get_flags(&in, HEAD_DRAWDOWN_LIMIT | HEAD_LIQUIDATE_ONLY);
    out->has_drawdown_limit = flags & HEAD_DRAWDOWN_LIMIT;
    out->liquidate_only = flags & HEAD_LIQUIDATE_ONLY;
    out->reporting_currency = tj__get_identity(&in);
    out->initial_equity = tj__get_decimal(&in);
    out->peak_equity = tj__get_decimal(&in);
    if (out->has_drawdown_limit) {
        out->drawdown_limit = tj__get_decimal(&in);
    }
    out->extra = tj__get_rest(&in);
    return tj__value_close(&in, value, error);
}

tj_status tj__balance_put(tj__buffer *out, const tj_balance *balance, tj_error *error)
{
    tj__pen pen = {NULL};
    bool empty = true;
    TJ_TRY(tj__check_decimal(balance->quantity, "quantity", error));
    TJ_TRY(tj__check_decimal(balance->conversion_rate, "conversion_rate", error));
    TJ_TRY(tj__check_extra(balance->extra, balance_members, "extra", &empty, error));
    TJ_TRY(start(out, BALANCE_BOUND, balance->extra, &pen, error));
    tj__pen_decimal(&pen, balance->quantity);
    tj__pen_decimal(&pen, balance->conversion_rate);
    finish(out, &pen, balance->extra, empty);
    return TJ_OK;
}

tj_status tj__balance_get(tj_str currency, tj__bytes value, tj_balance *out, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, error));
    in.failed = !tj__identity_split(currency, &out->currency);
    out->quantity = tj__get_decimal(&in);
    out->conversion_rate = tj__get_decimal(&in);
    out->extra = tj__get_rest(&in);
    return tj__value_close(&in, value, error);
}

tj_status tj__position_put(tj__buffer *out, const tj_position *position, tj_error *error)
{
    tj__pen pen = {NULL};
    bool empty = true;
    TJ_TRY(tj__check_choice(position->side, TJ_SIDE_NONE, TJ_SIDE_SELL, "side", error));
    TJ_TRY(tj__check_decimal(position->quantity, "quantity", error));
    TJ_TRY(tj__check_decimal(position->unrealized_pnl, "unrealized_pnl", error));
    if (position->has_entry_price) {
        TJ_TRY(tj__check_decimal(position->entry_price, "entry_price", error));
    }
    TJ_TRY(tj__check_extra(position->extra, position_members, "extra", &empty, error));
    TJ_TRY(start(out, POSITION_BOUND, position->extra, &pen, error));
    tj__pen_u16(&pen, position->has_entry_price ? POSITION_ENTRY_PRICE : 0);
    tj__pen_u8(&pen, (uint8_t)position->side);
    tj__pen_decimal(&pen, position->quantity);
    tj__pen_decimal(&pen, position->unrealized_pnl);
    tj__pen_u64(&pen, (uint64_t)position->updated_at);
    if (position->has_entry_price) {
        tj__pen_decimal(&pen, position->entry_price);
    }
    finish(out, &pen, position->extra, empty);
    return TJ_OK;
}

tj_status tj__position_get(tj_str symbol, tj__bytes value, tj_position *out, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, error));
    in.failed = !tj__identity_split(symbol, &out->symbol);
    out->has_entry_price = tj__get_flags(&in, POSITION_ENTRY_PRICE) != 0;
    out->side = (tj_side)tj__get_choice(&in, TJ_SIDE_NONE, TJ_SIDE_SELL);
    out->quantity = tj__get_decimal(&in);
    out->unrealized_pnl = tj__get_decimal(&in);
    out->updated_at = (tj_time)tj__get_u64(&in);
    if (out->has_entry_price) {
        out->entry_price = tj__get_decimal(&in);
    }
    out->extra = tj__get_rest(&in);
    return tj__value_close(&in, value, error);
}

tj_status tj__sub_account_put(tj__buffer *out, const tj_sub_account *account, tj_error *error)
{
    tj__pen pen = {NULL};
    bool empty = true;
    TJ_TRY(tj__check_extra(account->extra, sub_account_members, "extra", &empty, error));
    TJ_TRY(start(out, SUB_ACCOUNT_BOUND, account->extra, &pen, error));
    finish(out, &pen, account->extra, empty);
    return TJ_OK;
}

tj_status tj__sub_account_get(tj_str exchange, tj__bytes value, tj_sub_account *out,
                              tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, error));
    in.failed = exchange.size == 0 || exchange.size > TJ_EXCHANGE_SIZE_MAX;
    out->exchange = exchange;
    out->extra = tj__get_rest(&in);
    return tj__value_close(&in, value, error);
}
