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
#include "codec/value.h"

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

static const char order_members[] =
    "id\0request\0status\0filled_quantity\0avg_fill_price\0created_at\0updated_at\0";
static const char request_members[] =
    "symbol\0side\0order_type\0quantity\0price\0trigger_price\0time_in_force\0client_order_id\0"
    "take_profit\0stop_loss\0display_quantity\0";

/* An optional decimal: its flag, and where it is. The order of this list is that of the format. */
typedef struct option {
    unsigned flag;
    bool present;
    const tj_decimal *value;
    const char *member;
} option;
#define OPTION_COUNT 6

static void list_options(const tj_order *order, option options[OPTION_COUNT])
{
    const tj_order_request *request = &order->request;
    options[0] = (option){ORDER_PRICE, request->has_price, &request->price, "price"};
    options[1] = (option){ORDER_TRIGGER_PRICE, request->has_trigger_price, &request->trigger_price,
                          "trigger_price"};
    options[2] =
        (option){ORDER_TAKE_PROFIT, request->has_take_profit, &request->take_profit, "take_profit"};
    options[3] =
        (option){ORDER_STOP_LOSS, request->has_stop_loss, &request->stop_loss, "stop_loss"};
    options[4] = (option){ORDER_DISPLAY_QUANTITY, request->has_display_quantity,
                          &request->display_quantity, "display_quantity"};
    options[5] = (option){ORDER_AVG_FILL_PRICE, order->has_avg_fill_price, &order->avg_fill_price,
                          "avg_fill_price"};
}

/* What the checks find out and the encoder needs. */
typedef struct order_form {
    option options[OPTION_COUNT];
    unsigned flags;
    tj_str request_extra; /* empty when there are no members */
    tj_str extra;
} order_form;

static tj_status check_choices(const tj_order *order, tj_error *error)
{
    const tj_order_request *request = &order->request;
    TJ_TRY(
        tj__check_choice(order->status, TJ_ORDER_PENDING_NEW, TJ_ORDER_REJECTED, "status", error));
    TJ_TRY(tj__check_choice(request->side, TJ_SIDE_BUY, TJ_SIDE_SELL, "side", error));
    TJ_TRY(tj__check_choice(request->order_type, TJ_ORDER_MARKET, TJ_ORDER_STOP_MARKET,
                            "order_type", error));
    return tj__check_choice(request->time_in_force, TJ_TIF_NONE, TJ_TIF_FILL_OR_KILL,
                            "time_in_force", error);
}

static tj_status check_extras(const tj_order *order, order_form *form, tj_error *error)
{
    bool empty = true;
    TJ_TRY(tj__check_extra(order->request.extra, request_members, "request.extra", &empty, error));
    form->request_extra = empty ? (tj_str){0} : order->request.extra;
    TJ_TRY(tj__check_extra(order->extra, order_members, "extra", &empty, error));
    form->extra = empty ? (tj_str){0} : order->extra;
    return TJ_OK;
}

static tj_status check_order(const tj_order *order, order_form *form, tj_error *error)
{
    const tj_order_request *request = &order->request;
    TJ_TRY(check_choices(order, error));
    TJ_TRY(tj__check_decimal(request->quantity, "quantity", error));
    TJ_TRY(tj__check_decimal(order->filled_quantity, "filled_quantity", error));
    form->flags = 0;
    list_options(order, form->options);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const option *each = &form->options[i];
        if (each->present) {
            form->flags |= each->flag;
            TJ_TRY(tj__check_decimal(*each->value, each->member, error));
        }
    }
    if (request->client_order_id.data) {
        form->flags |= ORDER_CLIENT_ORDER_ID;
        TJ_TRY(tj__check_text(request->client_order_id, TJ_ID_SIZE_MAX, true, "client_order_id",
                              error));
    }
    return check_extras(order, form, error);
}

/* Everything but texts. */
static void put_fixed(tj__pen *pen, const tj_order *order, const order_form *form)
{
    tj__pen_version(pen);
    tj__pen_u64(pen, 0);
    tj__pen_u16(pen, (uint16_t)form->flags);
    tj__pen_u8(pen, (uint8_t)order->status);
    tj__pen_u8(pen, (uint8_t)order->request.side);
    tj__pen_u8(pen, (uint8_t)order->request.order_type);
    tj__pen_u8(pen, (uint8_t)order->request.time_in_force);
    tj__pen_u64(pen, (uint64_t)order->created_at);
    tj__pen_u64(pen, (uint64_t)order->updated_at);
    tj__pen_decimal(pen, order->request.quantity);
    tj__pen_decimal(pen, order->filled_quantity);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (form->options[i].present) {
            tj__pen_decimal(pen, *form->options[i].value);
        }
    }
}

tj_status tj__order_put(tj__buffer *out, const tj_order *order, tj_error *error)
{
    order_form form;
    TJ_TRY(check_order(order, &form, error));
    size_t bound = ORDER_BOUND + form.request_extra.size + form.extra.size;
    if (!tj__buffer_reserve(out, bound)) {
        return tj__fail(error, TJ_NOMEM, "no memory for a row of %zu bytes", bound);
    }
    tj__pen pen = {out->data + out->size};
    put_fixed(&pen, order, &form);
    TJ_TRY(tj__pen_identity(&pen, order->request.symbol, "symbol", error));
    if (form.flags & ORDER_CLIENT_ORDER_ID) {
        tj__pen_short_str(&pen, order->request.client_order_id);
    }
    tj__pen_u32(&pen, (uint32_t)form.request_extra.size);
    tj__pen_str(&pen, form.request_extra);
    tj__pen_str(&pen, form.extra);
    out->size = (size_t)(pen.at - out->data);
    return TJ_OK;
}

static void get_option(tj__reader *in, bool present, bool *has, tj_decimal *out)
{
    *has = present;
    if (present) {
        *out = tj__get_decimal(in);
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

tj_status tj__order_get(tj_str id, tj__bytes value, tj_order *out, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, error));
    in.failed = id.size == 0 || id.size > TJ_ID_SIZE_MAX;
    out->id = id;
    tj__get_u64(&in); /* the rank: the loader's */
    unsigned flags = tj__get_flags(&in, ORDER_FLAGS);
    tj_order_request *request = &out->request;
    out->status = (tj_order_status)tj__get_choice(&in, TJ_ORDER_PENDING_NEW, TJ_ORDER_REJECTED);
    request->side = (tj_side)tj__get_choice(&in, TJ_SIDE_BUY, TJ_SIDE_SELL);
    request->order_type = (tj_order_type)tj__get_choice(&in, TJ_ORDER_MARKET, TJ_ORDER_STOP_MARKET);
    request->time_in_force =
        (tj_time_in_force)tj__get_choice(&in, TJ_TIF_NONE, TJ_TIF_FILL_OR_KILL);
    out->created_at = (tj_time)tj__get_u64(&in);
    out->updated_at = (tj_time)tj__get_u64(&in);
    request->quantity = tj__get_decimal(&in);
    out->filled_quantity = tj__get_decimal(&in);
    get_options(&in, flags, out);
    request->symbol = tj__get_identity(&in);
    if (flags & ORDER_CLIENT_ORDER_ID) {
        request->client_order_id = tj__get_short_str(&in, TJ_ID_SIZE_MAX);
    }
    size_t request_extra_size = tj__get_u32(&in);
    tj__bytes extra = tj__get_bytes(&in, request_extra_size);
    request->extra = (tj_str){extra.size > 0 ? (const char *)extra.data : NULL, extra.size};
    out->extra = tj__get_rest(&in);
    return tj__value_close(&in, value, error);
}
