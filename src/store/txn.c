/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Transactions: a plan with a store. Each call notes one change; nothing is decided before commit.
 */
#include <stdlib.h>

#include "base/error.h"
#include "base/sized.h"
#include "base/text.h"
#include "store/internal.h"
#include "json/check.h"

static tj_status missing(tj_error *error)
{
    return tj__fail(error, TJ_MISUSE,
                    "no transaction, or an argument that must not be NULL is NULL");
}

tj_status tj_txn_begin(tj_store *store, tj_txn **out, tj_error *error)
{
    if (!store || !out) {
        return missing(error);
    }
    *out = NULL;
    tj_txn *txn = calloc(1, sizeof *txn);
    if (!txn) {
        return tj__fail(error, TJ_NOMEM, "no memory for a transaction");
    }
    txn->store = store;
    tj_status status = tj__store_plan(store, store->book, &txn->plan, error);
    if (status != TJ_OK) {
        free(txn);
        return status;
    }
    *out = txn;
    return TJ_OK;
}

tj_status tj_txn_use_book(tj_txn *txn, const char *book, tj_error *error)
{
    if (!txn) {
        return missing(error);
    }
    const char *name = book ? book : txn->store->book;
    TJ_TRY(tj__book_name_check(name, error));
    return tj__plan_use_book(txn->plan, tj_str_of(name), error);
}

tj_status tj_txn_put_state(tj_txn *txn, const tj_live_state *state, tj_error *error)
{
    return !txn || !state ? missing(error) : tj__plan_put_state(txn->plan, state, error);
}

tj_status tj_txn_put_order(tj_txn *txn, const tj_order *order, tj_error *error)
{
    return !txn || !order ? missing(error) : tj__plan_put_order(txn->plan, order, error);
}

tj_status tj_txn_delete_order(tj_txn *txn, tj_str id, tj_error *error)
{
    return !txn ? missing(error) : tj__plan_delete_order(txn->plan, id, error);
}

tj_status tj_txn_put_portfolio(tj_txn *txn, const tj_portfolio *portfolio, tj_error *error)
{
    return !txn || !portfolio ? missing(error)
                              : tj__plan_put_portfolio(txn->plan, portfolio, error);
}

tj_status tj_txn_delete_portfolio(tj_txn *txn, tj_error *error)
{
    return !txn ? missing(error) : tj__plan_delete_portfolio(txn->plan, error);
}

tj_status tj_txn_put_sub_account(tj_txn *txn, const tj_sub_account *account, tj_error *error)
{
    return !txn || !account ? missing(error) : tj__plan_put_sub_account(txn->plan, account, error);
}

tj_status tj_txn_delete_sub_account(tj_txn *txn, tj_str exchange, tj_error *error)
{
    return !txn ? missing(error) : tj__plan_delete_sub_account(txn->plan, exchange, error);
}

tj_status tj_txn_put_position(tj_txn *txn, tj_str sub_account, const tj_position *position,
                              tj_error *error)
{
    return !txn || !position ? missing(error)
                             : tj__plan_put_position(txn->plan, sub_account, position, error);
}

tj_status tj_txn_delete_position(tj_txn *txn, tj_str sub_account, tj_symbol symbol, tj_error *error)
{
    return !txn ? missing(error) : tj__plan_delete_position(txn->plan, sub_account, symbol, error);
}

tj_status tj_txn_put_balance(tj_txn *txn, tj_str sub_account, const tj_balance *balance,
                             tj_error *error)
{
    return !txn || !balance ? missing(error)
                            : tj__plan_put_balance(txn->plan, sub_account, balance, error);
}

tj_status tj_txn_delete_balance(tj_txn *txn, tj_str sub_account, tj_asset currency, tj_error *error)
{
    return !txn ? missing(error) : tj__plan_delete_balance(txn->plan, sub_account, currency, error);
}

tj_status tj_txn_put_price(tj_txn *txn, const tj_price *price, tj_error *error)
{
    return !txn || !price ? missing(error) : tj__plan_put_price(txn->plan, price, error);
}

tj_status tj_txn_delete_price(tj_txn *txn, tj_symbol symbol, tj_error *error)
{
    return !txn ? missing(error) : tj__plan_delete_price(txn->plan, symbol, error);
}

tj_status tj_txn_set_portfolio_equity(tj_txn *txn, const tj_decimal *equity, tj_error *error)
{
    return !txn ? missing(error) : tj__plan_set_equity(txn->plan, equity, error);
}

tj_status tj_txn_set_last_candle_ts(tj_txn *txn, const tj_time *time, tj_error *error)
{
    return !txn ? missing(error) : tj__plan_set_candle(txn->plan, time, error);
}

tj_status tj_txn_set_strategy_state(tj_txn *txn, tj_str json, tj_error *error)
{
    return !txn ? missing(error) : tj__plan_set_strategy(txn->plan, json, error);
}

tj_status tj_txn_set_execution_checkpoint(tj_txn *txn, const tj_execution_checkpoint *checkpoint,
                                          tj_error *error)
{
    return !txn ? missing(error) : tj__plan_set_checkpoint(txn->plan, checkpoint, error);
}

tj_status tj_txn_put_algo(tj_txn *txn, const tj_uuid *id, const tj_algo_state *state,
                          tj_error *error)
{
    return !txn || !id || !state ? missing(error) : tj__plan_put_algo(txn->plan, id, state, error);
}

tj_status tj_txn_delete_algo(tj_txn *txn, const tj_uuid *id, tj_error *error)
{
    return !txn || !id ? missing(error) : tj__plan_delete_algo(txn->plan, id, error);
}

tj_status tj_txn_append_ledger(tj_txn *txn, const tj_ledger_entry *entry, tj_error *error)
{
    return !txn || !entry ? missing(error) : tj__plan_append_ledger(txn->plan, entry, error);
}

void tj__txn_json_read(tj_txn *txn, bool read)
{
    tj__plan_json_read(txn->plan, read);
}

/* ---- unknown members -------------------------------------------------------------------- */

static tj_status check_name(void *context, tj_str name, tj_str value, tj_error *error)
{
    (void)context;
    (void)value;
    if (name.size > TJ_MEMBER_SIZE_MAX) {
        return tj__fail(error, TJ_LIMIT,
                        "the name of an unknown member has %zu bytes; at most %d are kept",
                        name.size, TJ_MEMBER_SIZE_MAX);
    }
    return TJ_OK;
}

static tj_status put_member(void *context, tj_str name, tj_str value, tj_error *error)
{
    return tj__plan_put_extra(context, name, value, error);
}

tj_status tj_txn_set_extra(tj_txn *txn, tj_str json, tj_error *error)
{
    if (!txn) {
        return missing(error);
    }
    TJ_TRY(tj__json_members(json, "extra", check_name, NULL, error));
    TJ_TRY(tj__plan_clear_extra(txn->plan, error));
    return tj__json_members(json, "extra", put_member, txn->plan, error);
}

/* ---- the end ---------------------------------------------------------------------------- */

tj_status tj__txn_options(const tj_commit_options *given, tj_commit_options *own, tj_error *error)
{
    return !given ? TJ_OK
                  : tj__sized_read(given, own, "the commit options struct",
                                   "TJ_COMMIT_OPTIONS_INIT", error);
}

tj_status tj_txn_commit(tj_txn *txn, const tj_commit_options *options, uint64_t *sequence,
                        tj_error *error)
{
    if (!txn) {
        return missing(error);
    }
    tj_commit_options own = TJ_COMMIT_OPTIONS_INIT;
    tj_status status = tj__txn_options(options, &own, error);
    if (status == TJ_OK && own.deadline_ms != 0) {
        status = tj__store_commit_within(txn->store, txn->plan, &own, sequence, error);
        txn->plan = NULL;
    } else if (status == TJ_OK) {
        tj__outcome outcome;
        status = tj__store_commit(txn->store, txn->plan, &own, &outcome, error);
        if (status == TJ_OK && sequence) {
            *sequence = outcome.sequence;
        }
    }
    tj_txn_abort(txn);
    return status;
}

tj_status tj_txn_submit(tj_txn *txn, const tj_commit_options *options, tj_commit_done *done,
                        void *context, uint64_t *sequence, tj_error *error)
{
    if (!txn) {
        return missing(error);
    }
    tj_commit_options own = TJ_COMMIT_OPTIONS_INIT;
    tj_status status = tj__txn_options(options, &own, error);
    if (status == TJ_OK) {
        status =
            tj__store_submit(txn->store, txn->plan, &own, done, context, sequence, NULL, error);
    }
    tj_txn_abort(txn);
    return status;
}

void tj_txn_abort(tj_txn *txn)
{
    if (txn) {
        tj__core_plan_free(txn->store->core, txn->plan);
        free(txn);
    }
}
