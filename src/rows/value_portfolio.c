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
#include "rows/value.h"

#define HEAD_VERSION 1
#define HEAD_DRAWDOWN_LIMIT 1u
#define HEAD_LIQUIDATE_ONLY 2u
#define HEAD_BOUND (1 + 2 + TJ__IDENTITY_BOUND + 3 * 16)
#define BALANCE_VERSION 1
#define BALANCE_BOUND (1 + 2 * 16)
#define POSITION_VERSION 1
#define POSITION_ENTRY_PRICE 1u
#define POSITION_BOUND (1 + 2 + 1 + 3 * 16 + 8)
#define SUB_ACCOUNT_VERSION 1
#define SUB_ACCOUNT_BOUND 1

tj_status tj__head_put(tj__buffer *out, const tj_portfolio *portfolio, tj_error *error)
{
    tj__pen pen = {NULL};
    tj_str extra = portfolio->extra;
    TJ_TRY(tj__value_check_extra(&extra, &tj__json_portfolio, "extra", error));
    TJ_TRY(tj__pen_start(out, HEAD_BOUND + extra.size, &pen, error));
    tj__pen_u8(&pen, HEAD_VERSION);
    tj__pen_u16(&pen, (uint16_t)((portfolio->has_drawdown_limit ? HEAD_DRAWDOWN_LIMIT : 0) |
                                 (portfolio->liquidate_only ? HEAD_LIQUIDATE_ONLY : 0)));
    TJ_TRY(tj__pen_identity(&pen, portfolio->reporting_currency, "reporting_currency", error));
    TJ_TRY(tj__pen_decimal(&pen, portfolio->initial_equity, "initial_equity", error));
    TJ_TRY(tj__pen_decimal(&pen, portfolio->peak_equity, "peak_equity", error));
    if (portfolio->has_drawdown_limit) {
        TJ_TRY(tj__pen_decimal(&pen, portfolio->drawdown_limit, "drawdown_limit", error));
    }
    tj__pen_str(&pen, extra);
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

static void get_head(tj__reader *in, tj_str none, void *entity)
{
    (void)none;
    tj_portfolio *out = entity;
    uint16_t flags = tj__value_get_flags(in, HEAD_DRAWDOWN_LIMIT | HEAD_LIQUIDATE_ONLY);
    out->has_drawdown_limit = flags & HEAD_DRAWDOWN_LIMIT;
    out->liquidate_only = flags & HEAD_LIQUIDATE_ONLY;
    out->reporting_currency = tj__value_get_identity(in);
    out->initial_equity = tj__value_get_decimal(in);
    out->peak_equity = tj__value_get_decimal(in);
    if (out->has_drawdown_limit) {
        out->drawdown_limit = tj__value_get_decimal(in);
    }
    out->extra = tj__value_get_rest(in);
}

const tj__kind_info tj__kind_head = {.name = "portfolio",
                                     .version = HEAD_VERSION,
                                     .size = sizeof(tj_portfolio),
                                     .schema = &tj__json_portfolio,
                                     .get = get_head};

tj_status tj__balance_put(tj__buffer *out, const tj_balance *balance, tj_error *error)
{
    tj__pen pen = {NULL};
    tj_str extra = balance->extra;
    TJ_TRY(tj__value_check_extra(&extra, &tj__json_balance, "extra", error));
    TJ_TRY(tj__pen_start(out, BALANCE_BOUND + extra.size, &pen, error));
    tj__pen_u8(&pen, BALANCE_VERSION);
    TJ_TRY(tj__pen_decimal(&pen, balance->quantity, "quantity", error));
    TJ_TRY(tj__pen_decimal(&pen, balance->conversion_rate, "conversion_rate", error));
    tj__pen_str(&pen, extra);
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

static void get_balance(tj__reader *in, tj_str currency, void *entity)
{
    tj_balance *out = entity;
    in->failed = !tj__identity_split(currency, &out->currency);
    out->quantity = tj__value_get_decimal(in);
    out->conversion_rate = tj__value_get_decimal(in);
    out->extra = tj__value_get_rest(in);
}

const tj__kind_info tj__kind_balance = {.name = "balance",
                                        .version = BALANCE_VERSION,
                                        .size = sizeof(tj_balance),
                                        .schema = &tj__json_balance,
                                        .get = get_balance};

tj_status tj__position_put(tj__buffer *out, const tj_position *position, tj_error *error)
{
    tj__pen pen = {NULL};
    tj_str extra = position->extra;
    TJ_TRY(tj__value_check_choice(position->side, TJ_SIDE_NONE, TJ_SIDE_SELL, "side", error));
    TJ_TRY(tj__value_check_extra(&extra, &tj__json_position, "extra", error));
    TJ_TRY(tj__pen_start(out, POSITION_BOUND + extra.size, &pen, error));
    tj__pen_u8(&pen, POSITION_VERSION);
    tj__pen_u16(&pen, position->has_entry_price ? POSITION_ENTRY_PRICE : 0);
    tj__pen_u8(&pen, (uint8_t)position->side);
    TJ_TRY(tj__pen_decimal(&pen, position->quantity, "quantity", error));
    TJ_TRY(tj__pen_decimal(&pen, position->unrealized_pnl, "unrealized_pnl", error));
    tj__pen_u64(&pen, (uint64_t)position->updated_at);
    if (position->has_entry_price) {
        TJ_TRY(tj__pen_decimal(&pen, position->entry_price, "entry_price", error));
    }
    tj__pen_str(&pen, extra);
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

static void get_position(tj__reader *in, tj_str symbol, void *entity)
{
    tj_position *out = entity;
    in->failed = !tj__identity_split(symbol, &out->symbol);
    out->has_entry_price = tj__value_get_flags(in, POSITION_ENTRY_PRICE) != 0;
    out->side = (tj_side)tj__value_get_choice(in, TJ_SIDE_NONE, TJ_SIDE_SELL);
    out->quantity = tj__value_get_decimal(in);
    out->unrealized_pnl = tj__value_get_decimal(in);
    out->updated_at = (tj_time)tj__get_u64(in);
    if (out->has_entry_price) {
        out->entry_price = tj__value_get_decimal(in);
    }
    out->extra = tj__value_get_rest(in);
}

const tj__kind_info tj__kind_position = {.name = "position",
                                         .version = POSITION_VERSION,
                                         .size = sizeof(tj_position),
                                         .schema = &tj__json_position,
                                         .get = get_position};

tj_status tj__sub_account_put(tj__buffer *out, const tj_sub_account *account, tj_error *error)
{
    tj__pen pen = {NULL};
    tj_str extra = account->extra;
    TJ_TRY(tj__value_check_extra(&extra, &tj__json_sub_account, "extra", error));
    TJ_TRY(tj__pen_start(out, SUB_ACCOUNT_BOUND + extra.size, &pen, error));
    tj__pen_u8(&pen, SUB_ACCOUNT_VERSION);
    tj__pen_str(&pen, extra);
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

static void get_sub_account(tj__reader *in, tj_str exchange, void *entity)
{
    tj_sub_account *out = entity;
    in->failed = exchange.size == 0 || exchange.size > TJ_EXCHANGE_SIZE_MAX;
    out->exchange = exchange;
    out->extra = tj__value_get_rest(in);
}

const tj__kind_info tj__kind_sub_account = {.name = "sub-account",
                                            .version = SUB_ACCOUNT_VERSION,
                                            .size = sizeof(tj_sub_account),
                                            .schema = &tj__json_sub_account,
                                            .get = get_sub_account};
