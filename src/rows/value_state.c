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

static tj_status get_decimal(tj__bytes value, unsigned newest, tj_decimal *out, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, newest, error));
    *out = tj__get_decimal(&in);
    return tj__value_close(&in, value, error);
}

tj_status tj__equity_put(tj__buffer *out, tj_decimal equity, tj_error *error)
{
    return put_decimal(out, TJ__EQUITY_VERSION, equity, "portfolio_equity", error);
}

tj_status tj__equity_get(tj__bytes value, tj_decimal *out, tj_error *error)
{
    return get_decimal(value, TJ__EQUITY_VERSION, out, error);
}

tj_status tj__price_put(tj__buffer *out, const tj_price *price, tj_error *error)
{
    return put_decimal(out, TJ__PRICE_VERSION, price->price, "price", error);
}

tj_status tj__price_get(tj_str symbol, tj__bytes value, tj_price *out, tj_error *error)
{
    if (!tj__identity_split(symbol, &out->symbol)) {
        return tj__fail(error, TJ_CORRUPT, "its symbol does not decode");
    }
    return get_decimal(value, TJ__PRICE_VERSION, &out->price, error);
}

tj_status tj__candle_put(tj__buffer *out, tj_time time, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(tj__pen_start(out, SMALL_BOUND, &pen, error));
    tj__pen_u8(&pen, TJ__CANDLE_VERSION);
    tj__pen_u64(&pen, (uint64_t)time);
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

tj_status tj__candle_get(tj__bytes value, tj_time *out, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, TJ__CANDLE_VERSION, error));
    *out = (tj_time)tj__get_u64(&in);
    return tj__value_close(&in, value, error);
}

tj_status tj__json_put(tj__buffer *out, tj_str json, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(tj__pen_start(out, SMALL_BOUND + json.size, &pen, error));
    tj__pen_u8(&pen, TJ__JSON_VERSION);
    tj__pen_str(&pen, json);
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

tj_status tj__json_get(tj__bytes value, tj_str *out, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, TJ__JSON_VERSION, error));
    *out = tj__get_rest(&in);
    in.failed = !out->data;
    return tj__value_close(&in, value, error);
}

tj_status tj__checkpoint_put(tj__buffer *out, const tj_execution_checkpoint *checkpoint,
                             tj_error *error)
{
    tj__pen pen = {NULL};
    tj_str extra = checkpoint->extra;
    TJ_TRY(tj__check_extra(&extra, &tj__json_checkpoint, "extra", error));
    TJ_TRY(tj__pen_start(out, CHECKPOINT_BOUND + extra.size, &pen, error));
    tj__pen_u8(&pen, TJ__CHECKPOINT_VERSION);
    tj__pen_u16(&pen, checkpoint->has_last_timestamp ? CHECKPOINT_LAST_TIMESTAMP : 0);
    if (checkpoint->has_last_timestamp) {
        tj__pen_u64(&pen, (uint64_t)checkpoint->last_timestamp);
    }
    tj__pen_str(&pen, extra);
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

tj_status tj__checkpoint_get(tj__bytes value, tj_execution_checkpoint *out, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, TJ__CHECKPOINT_VERSION, error));
    out->has_last_timestamp = tj__get_flags(&in, CHECKPOINT_LAST_TIMESTAMP) != 0;
    if (out->has_last_timestamp) {
        out->last_timestamp = (tj_time)tj__get_u64(&in);
    }
    out->extra = tj__get_rest(&in);
    return tj__value_close(&in, value, error);
}

tj_status tj__exec_id_put(tj__buffer *out, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(tj__pen_start(out, SMALL_BOUND, &pen, error));
    tj__pen_u8(&pen, TJ__EXEC_ID_VERSION);
    tj__pen_u64(&pen, 0);
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

tj_status tj__exec_id_get(tj__bytes value, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, TJ__EXEC_ID_VERSION, error));
    tj__get_u64(&in); /* the rank: the loader's */
    return tj__value_close(&in, value, error);
}
