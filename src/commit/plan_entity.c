/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One row of a plan for each kind of entity. */
#include "base/error.h"
#include "base/identity.h"
#include "base/text.h"
#include "commit/plan.h"

#define OWNER_BOUND (TJ_EXCHANGE_SIZE_MAX + 1)
#define KIND_BOUND 1
#define OWNED_BOUND (KIND_BOUND + OWNER_BOUND + TJ_IDENTITY_TEXT_SIZE)

/* Adds to an error which entity it is about. */
static tj_status about(tj_status status, tj_error *error, tj__kind kind, tj_str identity)
{
    char quoted[TJ__QUOTE_SIZE];
    if (status != TJ_OK) {
        tj__error_context(error, "%s %s", tj__kinds[kind]->name, tj__text_quote(identity, quoted));
    }
    return status;
}

/* The same with an identity, shown as it would be written. */
static tj_status about_identity(tj_status status, tj_error *error, tj__kind kind, tj_identity id)
{
    char text[TJ_IDENTITY_TEXT_SIZE];
    if (status == TJ_OK || tj_identity_format(id, text) == 0) {
        return about(status, error, kind, id.code);
    }
    return about(status, error, kind, tj_str_of(text));
}

static tj_status open_state(tj__plan *plan, tj__plan_op op, tj__kind kind, size_t bound,
                            tj__pen *pen, tj_error *error)
{
    TJ_TRY(tj__plan_row_open(plan, op, TJ__TABLE_STATE, KIND_BOUND + bound, pen, error));
    tj__pen_u8(pen, (uint8_t)kind);
    return TJ_OK;
}

/* A whole key of a kind without identity. */
static tj_status open_single(tj__plan *plan, tj__plan_op op, tj__kind kind, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(open_state(plan, op, kind, 0, &pen, error));
    tj__plan_key_close(plan, &pen);
    return TJ_OK;
}

static tj_status pen_key_identity(tj__pen *pen, tj_identity id, tj_error *error)
{
    size_t size = tj_identity_format(id, (char *)pen->at);
    pen->at += size;
    return size > 0 ? TJ_OK : tj__identity_check(id, error);
}

static tj_status pen_key_exchange(tj__pen *pen, tj_str exchange, tj_error *error)
{
    size_t size = 0;
    TJ_TRY(tj__exchange_canonical(exchange, (char *)pen->at, &size, error));
    pen->at += size;
    return TJ_OK;
}

/* A whole key of a balance or position. */
static tj_status open_owned(tj__plan *plan, tj__plan_op op, tj__kind kind, tj_str owner,
                            tj_identity id, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(open_state(plan, op, kind, OWNED_BOUND, &pen, error));
    if (owner.size > 0) {
        tj_status status = pen_key_exchange(&pen, owner, error);
        TJ_TRY(about(status, error, TJ__KIND_SUB_ACCOUNT, owner));
    }
    tj__pen_u8(&pen, 0);
    TJ_TRY(pen_key_identity(&pen, id, error));
    tj__plan_key_close(plan, &pen);
    return TJ_OK;
}

static tj_status open_symbol(tj__plan *plan, tj__plan_op op, tj__kind kind, tj_symbol symbol,
                             tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(open_state(plan, op, kind, TJ_IDENTITY_TEXT_SIZE, &pen, error));
    TJ_TRY(pen_key_identity(&pen, symbol, error));
    tj__plan_key_close(plan, &pen);
    return TJ_OK;
}

static tj_status open_exchange(tj__plan *plan, tj__plan_op op, tj_str exchange, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(open_state(plan, op, TJ__KIND_SUB_ACCOUNT, OWNER_BOUND, &pen, error));
    TJ_TRY(pen_key_exchange(&pen, exchange, error));
    tj__plan_key_close(plan, &pen);
    return TJ_OK;
}

/* Keys that are the caller's text. */
static tj_status open_text(tj__plan *plan, tj__plan_op op, tj__kind kind, tj_str text,
                           tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(open_state(plan, op, kind, text.size, &pen, error));
    tj__pen_str(&pen, text);
    tj__plan_key_close(plan, &pen);
    return TJ_OK;
}

static unsigned keep_extra(tj_str extra)
{
    return extra.data ? 0 : TJ__KEEP_EXTRA;
}

/* ---- orders ------------------------------------------------------------------------------ */

static tj_status add_order(tj__plan *plan, const tj_order *order, tj_error *error)
{
    TJ_TRY(tj__value_check_text(order->id, TJ_ID_SIZE_MAX, false, "id", error));
    TJ_TRY(open_text(plan, TJ__PLAN_PUT, TJ__KIND_ORDER, order->id, error));
    TJ_TRY(tj__order_put(&plan->rows, order, error));
    unsigned keep = order->request.extra.data ? 0 : TJ__KEEP_REQUEST_EXTRA;
    return tj__plan_row_close(plan, keep | keep_extra(order->extra), error);
}

tj_status tj__plan_add_order(tj__plan *plan, const tj_order *order, tj_error *error)
{
    return about(add_order(plan, order, error), error, TJ__KIND_ORDER, order->id);
}

tj_status tj__plan_put_order(tj__plan *plan, const tj_order *order, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, true, tj__plan_add_order(plan, order, error));
}

static tj_status delete_order(tj__plan *plan, tj_str id, tj_error *error)
{
    TJ_TRY(tj__value_check_text(id, TJ_ID_SIZE_MAX, false, "the order id", error));
    TJ_TRY(open_text(plan, TJ__PLAN_DELETE, TJ__KIND_ORDER, id, error));
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_delete_order(tj__plan *plan, tj_str id, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, true, delete_order(plan, id, error));
}

/* ---- portfolio ---------------------------------------------------------------------------- */

static tj_status add_head(tj__plan *plan, const tj_portfolio *portfolio, tj_error *error)
{
    TJ_TRY(open_single(plan, TJ__PLAN_PUT, TJ__KIND_HEAD, error));
    TJ_TRY(tj__head_put(&plan->rows, portfolio, error));
    return tj__plan_row_close(plan, keep_extra(portfolio->extra), error);
}

tj_status tj__plan_add_head(tj__plan *plan, const tj_portfolio *portfolio, tj_error *error)
{
    tj_status status = add_head(plan, portfolio, error);
    if (status != TJ_OK) {
        tj__error_context(error, "portfolio");
    }
    return status;
}

tj_status tj__plan_put_portfolio(tj__plan *plan, const tj_portfolio *portfolio, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, true, tj__plan_add_head(plan, portfolio, error));
}

static tj_status empty_scope(tj__plan *plan, unsigned kinds, tj_error *error)
{
    TJ_TRY(tj__plan_scope_begin(plan, kinds, error));
    return tj__plan_scope_end(plan, error);
}

tj_status tj__plan_delete_portfolio(tj__plan *plan, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, true, empty_scope(plan, TJ__KINDS_PORTFOLIO, error));
}

static tj_status add_sub_account(tj__plan *plan, const tj_sub_account *account, tj_error *error)
{
    TJ_TRY(open_exchange(plan, TJ__PLAN_PUT, account->exchange, error));
    TJ_TRY(tj__sub_account_put(&plan->rows, account, error));
    return tj__plan_row_close(plan, keep_extra(account->extra), error);
}

tj_status tj__plan_add_sub_account(tj__plan *plan, const tj_sub_account *account, tj_error *error)
{
    return about(add_sub_account(plan, account, error), error, TJ__KIND_SUB_ACCOUNT,
                 account->exchange);
}

tj_status tj__plan_put_sub_account(tj__plan *plan, const tj_sub_account *account, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, true, tj__plan_add_sub_account(plan, account, error));
}

static tj_status delete_sub_account(tj__plan *plan, tj_str exchange, tj_error *error)
{
    tj_status status = open_exchange(plan, TJ__PLAN_DELETE_OWNER, exchange, error);
    TJ_TRY(about(status, error, TJ__KIND_SUB_ACCOUNT, exchange));
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_delete_sub_account(tj__plan *plan, tj_str exchange, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, true, delete_sub_account(plan, exchange, error));
}

static tj_status add_position(tj__plan *plan, tj_str owner, const tj_position *position,
                              tj_error *error)
{
    TJ_TRY(open_owned(plan, TJ__PLAN_PUT, TJ__KIND_POSITION, owner, position->symbol, error));
    TJ_TRY(tj__position_put(&plan->rows, position, error));
    return tj__plan_row_close(plan, keep_extra(position->extra), error);
}

tj_status tj__plan_add_position(tj__plan *plan, tj_str owner, const tj_position *position,
                                tj_error *error)
{
    tj_status status = add_position(plan, owner, position, error);
    return about_identity(status, error, TJ__KIND_POSITION, position->symbol);
}

tj_status tj__plan_put_position(tj__plan *plan, tj_str owner, const tj_position *position,
                                tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, true, tj__plan_add_position(plan, owner, position, error));
}

static tj_status add_balance(tj__plan *plan, tj_str owner, const tj_balance *balance,
                             tj_error *error)
{
    TJ_TRY(open_owned(plan, TJ__PLAN_PUT, TJ__KIND_BALANCE, owner, balance->currency, error));
    TJ_TRY(tj__balance_put(&plan->rows, balance, error));
    return tj__plan_row_close(plan, keep_extra(balance->extra), error);
}

tj_status tj__plan_add_balance(tj__plan *plan, tj_str owner, const tj_balance *balance,
                               tj_error *error)
{
    tj_status status = add_balance(plan, owner, balance, error);
    return about_identity(status, error, TJ__KIND_BALANCE, balance->currency);
}

tj_status tj__plan_put_balance(tj__plan *plan, tj_str owner, const tj_balance *balance,
                               tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, true, tj__plan_add_balance(plan, owner, balance, error));
}

static tj_status delete_owned(tj__plan *plan, tj__kind kind, tj_str owner, tj_identity id,
                              tj_error *error)
{
    TJ_TRY(open_owned(plan, TJ__PLAN_DELETE, kind, owner, id, error));
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_delete_position(tj__plan *plan, tj_str owner, tj_symbol symbol, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    tj_status status = delete_owned(plan, TJ__KIND_POSITION, owner, symbol, error);
    return tj__plan_end(plan, mark, true, about_identity(status, error, TJ__KIND_POSITION, symbol));
}

tj_status tj__plan_delete_balance(tj__plan *plan, tj_str owner, tj_asset currency, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    tj_status status = delete_owned(plan, TJ__KIND_BALANCE, owner, currency, error);
    return tj__plan_end(plan, mark, true,
                        about_identity(status, error, TJ__KIND_BALANCE, currency));
}

/* ---- prices ------------------------------------------------------------------------------ */

static tj_status add_price(tj__plan *plan, const tj_price *price, tj_error *error)
{
    TJ_TRY(open_symbol(plan, TJ__PLAN_PUT, TJ__KIND_PRICE, price->symbol, error));
    TJ_TRY(tj__price_put(&plan->rows, price, error));
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_add_price(tj__plan *plan, const tj_price *price, tj_error *error)
{
    tj_status status = add_price(plan, price, error);
    return about_identity(status, error, TJ__KIND_PRICE, price->symbol);
}

tj_status tj__plan_put_price(tj__plan *plan, const tj_price *price, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, true, tj__plan_add_price(plan, price, error));
}

static tj_status delete_price(tj__plan *plan, tj_symbol symbol, tj_error *error)
{
    TJ_TRY(open_symbol(plan, TJ__PLAN_DELETE, TJ__KIND_PRICE, symbol, error));
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_delete_price(tj__plan *plan, tj_symbol symbol, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    tj_status status = delete_price(plan, symbol, error);
    return tj__plan_end(plan, mark, true, about_identity(status, error, TJ__KIND_PRICE, symbol));
}
