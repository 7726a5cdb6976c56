/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * equity (kind 2):           version, decimal
 * candle (kind 3):           version, time
 * strategy (kind 4):         version, rest JSON text (1 byte at least)
 * checkpoint (kind 5):       version, flags (0 last_timestamp), [time last_timestamp], rest extra
 * unknown member (kind 6):   version, rest JSON text (1 byte at least)
 * price (kind 10):           version, decimal
 * exec id (kind 12):         version, rank (8 bytes)
 */
#include "base/error.h"
#include "rows/value.h"

#define EQUITY_VERSION 1
#define CANDLE_VERSION 1
#define JSON_VERSION 1 /* strategy state and unknown members */
#define PRICE_VERSION 1
#define EXEC_ID_VERSION 1
#define CHECKPOINT_VERSION 1
#define CHECKPOINT_LAST_TIMESTAMP 1u
#define CHECKPOINT_BOUND (1 + 2 + 8)
#define SMALL_BOUND 32 /* every value without text fits */

static tj_status put_decimal(tj__buffer *out, unsigned version, tj_decimal value,
                             const char *member, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(tj__pen_start(out, SMALL_BOUND, &pen, error));
    tj__pen_u8(&pen, (uint8_t)version);
    TJ_TRY(tj__pen_decimal(&pen, value, member, error));
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

tj_status tj__equity_put(tj__buffer *out, tj_decimal equity, tj_error *error)
{
    return put_decimal(out, EQUITY_VERSION, equity, "portfolio_equity", error);
}

static void get_equity(tj__reader *in, tj_str none, void *entity)
{
    (void)none;
    *(tj_decimal *)entity = tj__value_get_decimal(in);
}

const tj__kind_info tj__kind_equity = {.name = "portfolio_equity",
                                       .version = EQUITY_VERSION,
                                       .size = sizeof(tj_decimal),
                                       .get = get_equity};

tj_status tj__price_put(tj__buffer *out, const tj_price *price, tj_error *error)
{
    return put_decimal(out, PRICE_VERSION, price->price, "price", error);
}

static void get_price(tj__reader *in, tj_str symbol, void *entity)
{
    tj_price *out = entity;
    in->failed = !tj__identity_split(symbol, &out->symbol);
    out->price = tj__value_get_decimal(in);
}

const tj__kind_info tj__kind_price = {
    .name = "last price", .version = PRICE_VERSION, .size = sizeof(tj_price), .get = get_price};

tj_status tj__candle_put(tj__buffer *out, tj_time time, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(tj__pen_start(out, SMALL_BOUND, &pen, error));
    tj__pen_u8(&pen, CANDLE_VERSION);
    tj__pen_u64(&pen, (uint64_t)time);
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

static void get_candle(tj__reader *in, tj_str none, void *entity)
{
    (void)none;
    tj_time *out = entity;
    *out = (tj_time)tj__get_u64(in);
}

const tj__kind_info tj__kind_candle = {.name = "last_candle_ts",
                                       .version = CANDLE_VERSION,
                                       .size = sizeof(tj_time),
                                       .get = get_candle};

tj_status tj__json_put(tj__buffer *out, tj_str json, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(tj__pen_start(out, SMALL_BOUND + json.size, &pen, error));
    tj__pen_u8(&pen, JSON_VERSION);
    tj__pen_str(&pen, json);
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

static void get_json(tj__reader *in, tj_str none, void *entity)
{
    (void)none;
    tj_str *out = entity;
    *out = tj__value_get_rest(in);
    in->failed = !out->data;
}

const tj__kind_info tj__kind_strategy = {
    .name = "strategy_state", .version = JSON_VERSION, .size = sizeof(tj_str), .get = get_json};
const tj__kind_info tj__kind_extra = {
    .name = "unknown member", .version = JSON_VERSION, .size = sizeof(tj_str), .get = get_json};

tj_status tj__checkpoint_put(tj__buffer *out, const tj_execution_checkpoint *checkpoint,
                             tj_error *error)
{
    tj__pen pen = {NULL};
    tj_str extra = checkpoint->extra;
    TJ_TRY(tj__value_check_extra(&extra, &tj__json_checkpoint, "extra", error));
    TJ_TRY(tj__pen_start(out, CHECKPOINT_BOUND + extra.size, &pen, error));
    tj__pen_u8(&pen, CHECKPOINT_VERSION);
    tj__pen_u16(&pen, checkpoint->has_last_timestamp ? CHECKPOINT_LAST_TIMESTAMP : 0);
    if (checkpoint->has_last_timestamp) {
        tj__pen_u64(&pen, (uint64_t)checkpoint->last_timestamp);
    }
    tj__pen_str(&pen, extra);
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

static void get_checkpoint(tj__reader *in, tj_str none, void *entity)
{
    (void)none;
    tj_execution_checkpoint *out = entity;
    out->has_last_timestamp = tj__value_get_flags(in, CHECKPOINT_LAST_TIMESTAMP) != 0;
    if (out->has_last_timestamp) {
        out->last_timestamp = (tj_time)tj__get_u64(in);
    }
    out->extra = tj__value_get_rest(in);
}

const tj__kind_info tj__kind_checkpoint = {.name = "execution_checkpoint",
                                           .version = CHECKPOINT_VERSION,
                                           .size = sizeof(tj_execution_checkpoint),
                                           .schema = &tj__json_checkpoint,
                                           .get = get_checkpoint};

tj_status tj__exec_id_put(tj__buffer *out, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(tj__pen_start(out, SMALL_BOUND, &pen, error));
    tj__pen_u8(&pen, EXEC_ID_VERSION);
    tj__pen_u64(&pen, 0);
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

static void get_exec_id(tj__reader *in, tj_str id, void *entity)
{
    *(tj_str *)entity = id;
    tj__get_u64(in); /* the rank: the loader's */
}

const tj__kind_info tj__kind_exec_id = {
    .name = "exec id", .version = EXEC_ID_VERSION, .size = sizeof(tj_str), .get = get_exec_id};
