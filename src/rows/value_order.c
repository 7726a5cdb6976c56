/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * order (kind 11):
 *   version, rank (8 bytes),
 *   flags (0 price, 1 trigger_price, 2 take_profit, 3 stop_loss, 4 display_quantity,
 *          5 avg_fill_price, 6 client_order_id),
 *   choice status, choice side, choice order_type, choice time_in_force,
 *   time created_at, time updated_at, decimal quantity, decimal filled_quantity,
 *   [decimal price], [decimal trigger_price], [decimal take_profit], [decimal stop_loss],
 *   [decimal display_quantity], [decimal avg_fill_price], identity symbol, [short client_order_id],
 *   4 bytes length of the request's extra, the request's extra, rest extra
 *
 * Everything before the length gives its own end, so two values that are equal up to there hold the
 * same order whatever unknown members follow.
 */
#include "base/error.h"
#include "rows/value.h"

#define ORDER_VERSION 1
#define ORDER_PRICE 1u
#define ORDER_TRIGGER_PRICE 2u
#define ORDER_TAKE_PROFIT 4u
#define ORDER_STOP_LOSS 8u
#define ORDER_DISPLAY_QUANTITY 16u
#define ORDER_AVG_FILL_PRICE 32u
#define ORDER_CLIENT_ORDER_ID 64u
#define ORDER_FLAGS 127u
#define ORDER_BOUND \
    (TJ__RANK_END + 2 + 4 + 2 * 8 + 8 * 16 + TJ__IDENTITY_BOUND + 2 + TJ_ID_SIZE_MAX + 4)

static unsigned flags_of(const tj_order *order)
{
    const tj_order_request *request = &order->request;
    return (request->has_price ? ORDER_PRICE : 0) |
           (request->has_trigger_price ? ORDER_TRIGGER_PRICE : 0) |
           (request->has_take_profit ? ORDER_TAKE_PROFIT : 0) |
           (request->has_stop_loss ? ORDER_STOP_LOSS : 0) |
           (request->has_display_quantity ? ORDER_DISPLAY_QUANTITY : 0) |
           (order->has_avg_fill_price ? ORDER_AVG_FILL_PRICE : 0) |
           (request->client_order_id.data ? ORDER_CLIENT_ORDER_ID : 0);
}

static tj_status check_choices(const tj_order *order, tj_error *error)
{
    const tj_order_request *request = &order->request;
    TJ_TRY(tj__value_check_choice(order->status, TJ_ORDER_PENDING_NEW, TJ_ORDER_REJECTED, "status",
                                  error));
    TJ_TRY(tj__value_check_choice(request->side, TJ_SIDE_BUY, TJ_SIDE_SELL, "side", error));
    TJ_TRY(tj__value_check_choice(request->order_type, TJ_ORDER_MARKET, TJ_ORDER_STOP_MARKET,
                                  "order_type", error));
    return tj__value_check_choice(request->time_in_force, TJ_TIF_NONE, TJ_TIF_FILL_OR_KILL,
                                  "time_in_force", error);
}

static tj_status put_option(tj__pen *pen, bool present, tj_decimal value, const char *member,
                            tj_error *error)
{
    return present ? tj__pen_decimal(pen, value, member, error) : TJ_OK;
}

static tj_status put_decimals(tj__pen *pen, const tj_order *order, tj_error *error)
{
    const tj_order_request *request = &order->request;
    TJ_TRY(tj__pen_decimal(pen, request->quantity, "quantity", error));
    TJ_TRY(tj__pen_decimal(pen, order->filled_quantity, "filled_quantity", error));
    TJ_TRY(put_option(pen, request->has_price, request->price, "price", error));
    TJ_TRY(put_option(pen, request->has_trigger_price, request->trigger_price, "trigger_price",
                      error));
    TJ_TRY(put_option(pen, request->has_take_profit, request->take_profit, "take_profit", error));
    TJ_TRY(put_option(pen, request->has_stop_loss, request->stop_loss, "stop_loss", error));
    TJ_TRY(put_option(pen, request->has_display_quantity, request->display_quantity,
                      "display_quantity", error));
    return put_option(pen, order->has_avg_fill_price, order->avg_fill_price, "avg_fill_price",
                      error);
}

static tj_status put_texts(tj__pen *pen, const tj_order *order, tj_error *error)
{
    tj_str client_order_id = order->request.client_order_id;
    TJ_TRY(tj__pen_identity(pen, order->request.symbol, "symbol", error));
    if (client_order_id.data) {
        TJ_TRY(
            tj__value_check_text(client_order_id, TJ_ID_SIZE_MAX, true, "client_order_id", error));
        tj__pen_short_str(pen, client_order_id);
    }
    return TJ_OK;
}

static tj_status put_order(tj__pen *pen, const tj_order *order, tj_error *error)
{
    TJ_TRY(check_choices(order, error));
    tj__pen_u8(pen, ORDER_VERSION);
    tj__pen_u64(pen, 0);
    tj__pen_u16(pen, (uint16_t)flags_of(order));
    tj__pen_u8(pen, (uint8_t)order->status);
    tj__pen_u8(pen, (uint8_t)order->request.side);
    tj__pen_u8(pen, (uint8_t)order->request.order_type);
    tj__pen_u8(pen, (uint8_t)order->request.time_in_force);
    tj__pen_u64(pen, (uint64_t)order->created_at);
    tj__pen_u64(pen, (uint64_t)order->updated_at);
    TJ_TRY(put_decimals(pen, order, error));
    return put_texts(pen, order, error);
}

tj_status tj__order_put(tj__buffer *out, const tj_order *order, tj_error *error)
{
    tj__pen pen = {NULL};
    tj_str request_extra = order->request.extra;
    tj_str extra = order->extra;
    TJ_TRY(tj__value_check_extra(&request_extra, &tj__json_order_request, "request.extra", error));
    TJ_TRY(tj__value_check_extra(&extra, &tj__json_order, "extra", error));
    TJ_TRY(tj__pen_start(out, ORDER_BOUND + request_extra.size + extra.size, &pen, error));
    TJ_TRY(put_order(&pen, order, error));
    tj__pen_u32(&pen, (uint32_t)request_extra.size);
    tj__pen_str(&pen, request_extra);
    tj__pen_str(&pen, extra);
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

static void get_option(tj__reader *in, bool present, bool *has, tj_decimal *out)
{
    *has = present;
    if (present) {
        *out = tj__value_get_decimal(in);
    }
}

static void get_options(tj__reader *in, unsigned flags, tj_order *out)
{
    tj_order_request *request = &out->request;
    get_option(in, flags & ORDER_PRICE, &request->has_price, &request->price);
    get_option(in, flags & ORDER_TRIGGER_PRICE, &request->has_trigger_price,
               &request->trigger_price);
    get_option(in, flags & ORDER_TAKE_PROFIT, &request->has_take_profit, &request->take_profit);
    get_option(in, flags & ORDER_STOP_LOSS, &request->has_stop_loss, &request->stop_loss);
    get_option(in, flags & ORDER_DISPLAY_QUANTITY, &request->has_display_quantity,
               &request->display_quantity);
    get_option(in, flags & ORDER_AVG_FILL_PRICE, &out->has_avg_fill_price, &out->avg_fill_price);
}

static void get_order(tj__reader *in, tj_str id, void *entity)
{
    tj_order *out = entity;
    in->failed = id.size == 0 || id.size > TJ_ID_SIZE_MAX;
    out->id = id;
    tj__get_u64(in); /* the rank: the loader's */
    unsigned flags = tj__value_get_flags(in, ORDER_FLAGS);
    tj_order_request *request = &out->request;
    out->status =
        (tj_order_status)tj__value_get_choice(in, TJ_ORDER_PENDING_NEW, TJ_ORDER_REJECTED);
    request->side = (tj_side)tj__value_get_choice(in, TJ_SIDE_BUY, TJ_SIDE_SELL);
    request->order_type =
        (tj_order_type)tj__value_get_choice(in, TJ_ORDER_MARKET, TJ_ORDER_STOP_MARKET);
    request->time_in_force =
        (tj_time_in_force)tj__value_get_choice(in, TJ_TIF_NONE, TJ_TIF_FILL_OR_KILL);
    out->created_at = (tj_time)tj__get_u64(in);
    out->updated_at = (tj_time)tj__get_u64(in);
    request->quantity = tj__value_get_decimal(in);
    out->filled_quantity = tj__value_get_decimal(in);
    get_options(in, flags, out);
    request->symbol = tj__value_get_identity(in);
    if (flags & ORDER_CLIENT_ORDER_ID) {
        request->client_order_id = tj__value_get_short_str(in, TJ_ID_SIZE_MAX);
    }
    size_t request_extra_size = tj__get_u32(in);
    tj__bytes extra = tj__get_bytes(in, request_extra_size);
    request->extra = (tj_str){extra.size > 0 ? (const char *)extra.data : NULL, extra.size};
    out->extra = tj__value_get_rest(in);
}

const tj__kind_info tj__kind_order = {.name = "order",
                                      .version = ORDER_VERSION,
                                      .size = sizeof(tj_order),
                                      .schema = &tj__json_order,
                                      .get = get_order};
