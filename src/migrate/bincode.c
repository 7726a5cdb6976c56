/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The reader of the layout, value by value, each checked against what is left. */
#include "migrate/bincode.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/text.h"
#include "json/check.h"

/* ---- the layout, as tables ----------------------------------------------------------------- */

typedef enum kind {
    TEXT,
    FLAG,
    ENUM,   /* of `names` */
    OPTION, /* of `inner` */
    STRUCT, /* of `fields` */
    LIST,   /* of `inner` */
    MAP     /* from texts to `inner` */
} kind;

typedef struct type type;
typedef struct field {
    const char *name;
    const type *type;
} field;
struct type {
    kind kind;
    const char *const *names; /* NULL at the end */
    const field *fields;      /* a NULL name at the end */
    const type *inner;
};

static const type text = {.kind = TEXT};
static const type flag = {.kind = FLAG};
static const type optional_text = {.kind = OPTION, .inner = &text};
static const type texts = {.kind = LIST, .inner = &text};
static const type prices = {.kind = MAP, .inner = &text};

static const char *const side_names[] = {"Buy", "Sell", NULL};
static const char *const order_type_names[] = {"Market", "Limit", "StopMarket", NULL};
static const char *const time_in_force_names[] = {"GoodTilCanceled", "ImmediateOrCancel",
                                                  "FillOrKill", NULL};
static const char *const status_names[] = {
    "PendingNew", "Accepted", "PartiallyFilled", "Filled", "Canceled", "Rejected", NULL};
static const type side = {.kind = ENUM, .names = side_names};
static const type optional_side = {.kind = OPTION, .inner = &side};
static const type order_type = {.kind = ENUM, .names = order_type_names};
static const type time_in_force = {.kind = ENUM, .names = time_in_force_names};
static const type optional_time_in_force = {.kind = OPTION, .inner = &time_in_force};
static const type status = {.kind = ENUM, .names = status_names};

static const field position_fields[] = {{"symbol", &text},
                                        {"side", &optional_side},
                                        {"quantity", &text},
                                        {"entry_price", &optional_text},
                                        {"unrealized_pnl", &text},
                                        {"updated_at", &text},
                                        {NULL, NULL}};
static const type position = {.kind = STRUCT, .fields = position_fields};
static const type positions = {.kind = MAP, .inner = &position};

static const field cash_fields[] = {
    {"currency", &text}, {"quantity", &text}, {"conversion_rate", &text}, {NULL, NULL}};
static const type cash = {.kind = STRUCT, .fields = cash_fields};
static const type balances = {.kind = MAP, .inner = &cash};

static const field sub_account_fields[] = {
    {"exchange", &text}, {"positions", &positions}, {"balances", &balances}, {NULL, NULL}};
static const type sub_account = {.kind = STRUCT, .fields = sub_account_fields};
static const type sub_accounts = {.kind = MAP, .inner = &sub_account};

static const field portfolio_fields[] = {{"positions", &positions},
                                         {"balances", &balances},
                                         {"reporting_currency", &text},
                                         {"initial_equity", &text},
                                         {"drawdown_limit", &optional_text},
                                         {"peak_equity", &text},
                                         {"liquidate_only", &flag},
                                         {"sub_accounts", &sub_accounts},
                                         {NULL, NULL}};
static const type portfolio = {.kind = STRUCT, .fields = portfolio_fields};
static const type optional_portfolio = {.kind = OPTION, .inner = &portfolio};

static const field request_fields[] = {{"symbol", &text},
                                       {"side", &side},
                                       {"order_type", &order_type},
                                       {"quantity", &text},
                                       {"price", &optional_text},
                                       {"trigger_price", &optional_text},
                                       {"time_in_force", &optional_time_in_force},
                                       {"client_order_id", &optional_text},
                                       {"take_profit", &optional_text},
                                       {"stop_loss", &optional_text},
                                       {"display_quantity", &optional_text},
                                       {NULL, NULL}};
static const type request = {.kind = STRUCT, .fields = request_fields};

static const field order_fields[] = {{"id", &text},
                                     {"request", &request},
                                     {"status", &status},
                                     {"filled_quantity", &text},
                                     {"avg_fill_price", &optional_text},
                                     {"created_at", &text},
                                     {"updated_at", &text},
                                     {NULL, NULL}};
static const type order = {.kind = STRUCT, .fields = order_fields};
static const type orders = {.kind = LIST, .inner = &order};

static const field checkpoint_fields[] = {
    {"last_timestamp", &optional_text}, {"exec_ids", &texts}, {NULL, NULL}};
static const type checkpoint = {.kind = STRUCT, .fields = checkpoint_fields};

static const field head_members[] = {{"portfolio", &optional_portfolio},
                                     {"open_orders", &orders},
                                     {"last_prices", &prices},
                                     {"last_candle_ts", &optional_text},
                                     {NULL, NULL}};
static const field checkpoint_members[] = {{"execution_checkpoint", &checkpoint}, {NULL, NULL}};

/* ---- reading ------------------------------------------------------------------------------- */

typedef struct reading {
    tj__reader in;
    size_t size; /* of all bytes */
    tj__buffer *json;
    const char *member; /* that is being read */
    tj_error *error;
} reading;

static tj_status bad(const reading *r, const char *reason)
{
    return tj__fail(r->error, TJ_INVALID, "at byte %zu, in %s: %s", r->size - r->in.rest.size,
                    r->member, reason);
}

static tj_status read_value(reading *r, const type *t);

static tj_status read_text(reading *r)
{
    uint64_t size = tj__get_u64(&r->in);
    if (r->in.failed || size > r->in.rest.size) {
        return bad(r, "a text goes beyond the end");
    }
    tj__bytes bytes = tj__get_bytes(&r->in, (size_t)size);
    tj_str value = {(const char *)bytes.data, bytes.size};
    if (!tj__text_is_utf8(value)) {
        return bad(r, "a text is not UTF-8");
    }
    tj__json_put_string(r->json, value);
    return TJ_OK;
}

/* A byte that is 0 or 1. */
static tj_status read_bit(reading *r, bool *bit)
{
    uint8_t value = tj__get_u8(&r->in);
    if (r->in.failed || value > 1) {
        return bad(r, "there is no byte that is 0 or 1");
    }
    *bit = value == 1;
    return TJ_OK;
}

static tj_status read_enum(reading *r, const type *t)
{
    uint32_t value = tj__get_u32(&r->in);
    uint32_t count = 0;
    while (t->names[count]) {
        count++;
    }
    if (r->in.failed || value >= count) {
        return bad(r, "a choice has no such number");
    }
    tj__json_put_string(r->json, tj_str_of(t->names[value]));
    return TJ_OK;
}

static tj_status read_option(reading *r, const type *t)
{
    bool some = false;
    TJ_TRY(read_bit(r, &some));
    if (!some) {
        tj__put_cstr(r->json, "null");
        return TJ_OK;
    }
    return read_value(r, t->inner);
}

static tj_status read_fields(reading *r, const field *fields)
{
    for (const field *each = fields; each->name; each++) {
        tj__put_cstr(r->json, each == fields ? "" : ",");
        tj__json_put_string(r->json, tj_str_of(each->name));
        tj__put_u8(r->json, ':');
        r->member = each->name;
        TJ_TRY(read_value(r, each->type));
    }
    return TJ_OK;
}

/* The elements of a list, or the members of a map. */
static tj_status read_items(reading *r, const type *t)
{
    uint64_t count = tj__get_u64(&r->in);
    /* Every element begins with a length of eight bytes, so a false count ends early. */
    if (r->in.failed || count > r->in.rest.size / 8) {
        return bad(r, "a list goes beyond the end");
    }
    tj__put_u8(r->json, t->kind == MAP ? '{' : '[');
    for (uint64_t i = 0; i < count; i++) {
        tj__put_cstr(r->json, i == 0 ? "" : ",");
        if (t->kind == MAP) {
            TJ_TRY(read_text(r));
            tj__put_u8(r->json, ':');
        }
        TJ_TRY(read_value(r, t->inner));
    }
    tj__put_u8(r->json, t->kind == MAP ? '}' : ']');
    return TJ_OK;
}

static tj_status read_value(reading *r, const type *t)
{
    bool truth = false;
    switch (t->kind) {
    case TEXT:
        return read_text(r);
    case FLAG:
        TJ_TRY(read_bit(r, &truth));
        tj__put_cstr(r->json, truth ? "true" : "false");
        return TJ_OK;
    case ENUM:
        return read_enum(r, t);
    case OPTION:
        return read_option(r, t);
    case STRUCT:
        tj__put_u8(r->json, '{');
        TJ_TRY(read_fields(r, t->fields));
        tj__put_u8(r->json, '}');
        return TJ_OK;
    case LIST:
    case MAP:
        return read_items(r, t);
    }
    TJ_ASSERT(false);
    return TJ_INVALID;
}

tj_status tj__bincode_read(tj__bincode_part part, tj__bytes *rest, tj__buffer *json,
                           tj_error *error)
{
    reading r = {.in = {.rest = *rest}, .size = rest->size, .json = json, .error = error};
    TJ_TRY(read_fields(&r, part == TJ__BINCODE_HEAD ? head_members : checkpoint_members));
    if (json->failed) {
        return tj__fail(error, TJ_NOMEM, "no memory to decode a state");
    }
    *rest = r.in.rest;
    return TJ_OK;
}
