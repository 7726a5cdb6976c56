/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A LiveState from its rows, in two scans: the first counts and reads ranks, so that every array is made
 * once in its size and every order is decoded into its place. A row's key and value are copied into the
 * state's arena, and texts are views of that copy.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/error.h"
#include "codec/codec.h"
#include "codec/load.h"
#include "codec/quarantine.h"
#include "codec/value.h"
#include "json/check.h"

/* Rows of a ranked kind: the ranks in key order, and from them each row's place. */
typedef struct ranking {
    tj__buffer pairs; /* ranked_row each */
    size_t *places;
    size_t next; /* row that the second scan comes to */
} ranking;

typedef struct ranked_row {
    uint64_t rank;
    size_t row; /* in key order */
} ranked_row;

/* Owner of each balance or position. Owners come in order, as sub-accounts do. */
typedef struct holdings {
    tj_str *owners;
    size_t next;
} holdings;

typedef struct loading {
    tj_live_state *state;
    tj__arena *arena;
    size_t counts[TJ__KIND_LAST + 1];
    ranking orders;
    ranking exec_ids;
    tj_position *positions;
    tj_balance *balances;
    holdings position_owners;
    holdings balance_owners;
    size_t sub_account_next;
    size_t price_next;
    tj__buffer extra; /* the unknown top-level members as an object */
} loading;

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to load the state");
}

/* ---- first scan ---------------------------------------------------------------------------- */

static tj_status count_row(void *context, const tj__row *row, tj_error *error)
{
    loading *l = context;
    tj__key_parts parts;
    TJ_TRY(tj__row_intact(row, error));
    if (!tj__key_split(row->key, &parts)) {
        return tj__row_explain(row, tj__fail(error, TJ_CORRUPT, "its key is malformed"), error);
    }
    size_t count = l->counts[parts.kind]++;
    if (!tj__kind_is_ranked(parts.kind)) {
        return TJ_OK;
    }
    if (row->value.size < TJ__RANK_END) {
        return tj__row_explain(row, tj__fail(error, TJ_CORRUPT, "it has no rank"), error);
    }
    ranking *r = parts.kind == TJ__KIND_ORDER ? &l->orders : &l->exec_ids;
    ranked_row pair = {tj__rank_get(row->value.data), count};
    tj__put_bytes(&r->pairs, &pair, sizeof pair);
    return r->pairs.failed ? no_memory(error) : TJ_OK;
}

static int compare_rank(const void *a, const void *b)
{
    const ranked_row *left = a;
    const ranked_row *right = b;
    if (left->rank != right->rank) {
        return left->rank < right->rank ? -1 : 1;
    }
    return (left->row > right->row) - (left->row < right->row);
}

static bool place_ranked(ranking *r, tj__arena *arena)
{
    size_t count = r->pairs.size / sizeof(ranked_row);
    ranked_row *pairs = (ranked_row *)(void *)r->pairs.data;
    r->places = tj__arena_array(arena, count, sizeof *r->places);
    if (!r->places) {
        return false;
    }
    if (count > 0) {
        qsort(pairs, count, sizeof *pairs, compare_rank);
    }
    for (size_t i = 0; i < count; i++) {
        r->places[pairs[i].row] = i;
    }
    return true;
}

static bool make_arrays(loading *l)
{
    tj_live_state *state = l->state;
    const size_t *counts = l->counts;
    size_t positions = counts[TJ__KIND_POSITION];
    size_t balances = counts[TJ__KIND_BALANCE];
    l->positions = tj__arena_array(l->arena, positions, sizeof *l->positions);
    l->balances = tj__arena_array(l->arena, balances, sizeof *l->balances);
    l->position_owners.owners = tj__arena_array(l->arena, positions, sizeof(tj_str));
    l->balance_owners.owners = tj__arena_array(l->arena, balances, sizeof(tj_str));
    state->portfolio.sub_account_count = counts[TJ__KIND_SUB_ACCOUNT];
    state->portfolio.sub_accounts =
        tj__arena_array(l->arena, counts[TJ__KIND_SUB_ACCOUNT], sizeof(tj_sub_account));
    state->open_order_count = counts[TJ__KIND_ORDER];
    state->open_orders = tj__arena_array(l->arena, state->open_order_count, sizeof(tj_order));
    state->last_price_count = counts[TJ__KIND_PRICE];
    state->last_prices = tj__arena_array(l->arena, state->last_price_count, sizeof(tj_price));
    state->execution_checkpoint.exec_id_count = counts[TJ__KIND_EXEC_ID];
    state->execution_checkpoint.exec_ids =
        tj__arena_array(l->arena, counts[TJ__KIND_EXEC_ID], sizeof(tj_str));
    return l->positions && l->balances && l->position_owners.owners && l->balance_owners.owners &&
           state->portfolio.sub_accounts && state->open_orders && state->last_prices &&
           state->execution_checkpoint.exec_ids && place_ranked(&l->orders, l->arena) &&
           place_ranked(&l->exec_ids, l->arena);
}

/* ---- second scan --------------------------------------------------------------------------- */

static tj_status load_position(loading *l, tj__bytes rest, tj__bytes value, tj_error *error)
{
    size_t at = l->position_owners.next++;
    tj_str symbol = {0};
    if (!tj__key_split_owner(rest, &l->position_owners.owners[at], &symbol)) {
        return tj__fail(error, TJ_CORRUPT, "its key has no owner");
    }
    return tj__position_get(symbol, value, &l->positions[at], error);
}

static tj_status load_balance(loading *l, tj__bytes rest, tj__bytes value, tj_error *error)
{
    size_t at = l->balance_owners.next++;
    tj_str currency = {0};
    if (!tj__key_split_owner(rest, &l->balance_owners.owners[at], &currency)) {
        return tj__fail(error, TJ_CORRUPT, "its key has no owner");
    }
    return tj__balance_get(currency, value, &l->balances[at], error);
}

static tj_status load_extra(loading *l, tj_str name, tj__bytes value, tj_error *error)
{
    tj_str json = {0};
    TJ_TRY(tj__json_get(value, &json, error));
    tj__put_u8(&l->extra, l->extra.size == 0 ? '{' : ',');
    tj__json_put_string(&l->extra, name);
    tj__put_u8(&l->extra, ':');
    tj__put_str(&l->extra, json);
    return l->extra.failed ? no_memory(error) : TJ_OK;
}

static tj_status load_exec_id(loading *l, tj_str id, tj__bytes value, tj_error *error)
{
    size_t place = l->exec_ids.places[l->exec_ids.next++];
    l->state->execution_checkpoint.exec_ids[place] = id;
    return tj__exec_id_get(value, error);
}

static tj_status load_order(loading *l, tj_str id, tj__bytes value, tj_error *error)
{
    size_t place = l->orders.places[l->orders.next++];
    return tj__order_get(id, value, &l->state->open_orders[place], error);
}

static tj_status load_kind(loading *l, const tj__key_parts *parts, tj__bytes value, tj_error *error)
{
    tj_live_state *state = l->state;
    tj_str identity = {(const char *)parts->rest.data, parts->rest.size};
    switch ((tj__kind)parts->kind) {
    case TJ__KIND_HEAD:
        state->has_portfolio = true;
        return tj__head_get(value, &state->portfolio, error);
    case TJ__KIND_EQUITY:
        state->has_portfolio_equity = true;
        return tj__equity_get(value, &state->portfolio_equity, error);
    case TJ__KIND_CANDLE:
        state->has_last_candle_ts = true;
        return tj__candle_get(value, &state->last_candle_ts, error);
    case TJ__KIND_STRATEGY:
        return tj__json_get(value, &state->strategy_state, error);
    case TJ__KIND_CHECKPOINT:
        state->has_execution_checkpoint = true;
        return tj__checkpoint_get(value, &state->execution_checkpoint, error);
    case TJ__KIND_EXTRA:
        return load_extra(l, identity, value, error);
    case TJ__KIND_BALANCE:
        return load_balance(l, parts->rest, value, error);
    case TJ__KIND_POSITION:
        return load_position(l, parts->rest, value, error);
    case TJ__KIND_SUB_ACCOUNT:
        return tj__sub_account_get(identity, value,
                                   &state->portfolio.sub_accounts[l->sub_account_next++], error);
    case TJ__KIND_PRICE:
        return tj__price_get(identity, value, &state->last_prices[l->price_next++], error);
    case TJ__KIND_ORDER:
        return load_order(l, identity, value, error);
    case TJ__KIND_EXEC_ID:
        return load_exec_id(l, identity, value, error);
    }
    TJ_ASSERT(false);
    return TJ_CORRUPT;
}

static tj_status load_row(void *context, const tj__row *row, tj_error *error)
{
    loading *l = context;
    tj__key_parts parts;
    uint8_t *copy = tj__arena_alloc(l->arena, row->key.size + row->value.size);
    if (!copy) {
        return no_memory(error);
    }
    memcpy(copy, row->key.data, row->key.size);
    memcpy(copy + row->key.size, row->value.data, row->value.size);
    TJ_ASSERT(tj__key_split(tj__bytes_of(copy, row->key.size), &parts));
    tj__bytes value = tj__bytes_of(copy + row->key.size, row->value.size);
    return tj__row_explain(row, load_kind(l, &parts, value, error), error);
}

/* ---- putting it together -------------------------------------------------------------------- */

/* How many of the owners from h->next on are `owner`; moves behind them. */
static size_t take_owned(holdings *h, size_t count, tj_str owner)
{
    size_t first = h->next;
    while (h->next < count && tj_str_equal(h->owners[h->next], owner)) {
        h->next++;
    }
    return h->next - first;
}

/* Hands positions and balances, which are sorted by owner, out to the portfolio and its sub-accounts. */
static tj_status assign_holdings(loading *l, tj_error *error)
{
    tj_portfolio *portfolio = &l->state->portfolio;
    size_t positions = l->counts[TJ__KIND_POSITION];
    size_t balances = l->counts[TJ__KIND_BALANCE];
    l->position_owners.next = 0;
    l->balance_owners.next = 0;
    portfolio->positions = l->positions;
    portfolio->balances = l->balances;
    portfolio->position_count = take_owned(&l->position_owners, positions, (tj_str){0});
    portfolio->balance_count = take_owned(&l->balance_owners, balances, (tj_str){0});
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        tj_sub_account *account = &portfolio->sub_accounts[i];
        account->positions = l->positions + l->position_owners.next;
        account->balances = l->balances + l->balance_owners.next;
        account->position_count = take_owned(&l->position_owners, positions, account->exchange);
        account->balance_count = take_owned(&l->balance_owners, balances, account->exchange);
    }
    if (l->position_owners.next < positions || l->balance_owners.next < balances) {
        return tj__fail(error, TJ_CORRUPT,
                        "a position or balance belongs to a sub-account that is not stored");
    }
    if (!l->state->has_portfolio && positions + balances + portfolio->sub_account_count > 0) {
        return tj__fail(error, TJ_CORRUPT,
                        "positions, balances or sub-accounts are stored, but no portfolio");
    }
    return TJ_OK;
}

static tj_status finish(loading *l, tj_error *error)
{
    TJ_TRY(assign_holdings(l, error));
    if (!l->state->has_execution_checkpoint && l->counts[TJ__KIND_EXEC_ID] > 0) {
        return tj__fail(error, TJ_CORRUPT, "exec ids are stored, but no execution checkpoint");
    }
    if (l->extra.size == 0) {
        return TJ_OK;
    }
    tj__put_u8(&l->extra, '}');
    tj_str extra = {(const char *)l->extra.data, l->extra.size};
    l->state->extra = l->extra.failed ? (tj_str){0} : tj__arena_str(l->arena, extra);
    return l->state->extra.data ? TJ_OK : no_memory(error);
}

static bool any_rows(const loading *l)
{
    for (unsigned kind = TJ__KIND_FIRST; kind <= TJ__KIND_LAST; kind++) {
        if (l->counts[kind] > 0) {
            return true;
        }
    }
    return false;
}

/* A book whose state came undecoded and was not saved since is not an empty one. */
static tj_status load(tj__row_source *rows, uint32_t book, loading *l, tj_error *error)
{
    tj__key prefix = tj__key_book(TJ__TABLE_STATE, book);
    TJ_TRY(tj__scan_prefix(rows, tj__key_bytes(&prefix), false, count_row, l, error));
    if (!any_rows(l)) {
        TJ_TRY(tj__quarantine_refuse(rows, book, TJ__TABLE_STATE, (tj__bytes){NULL, 0},
                                     "the live state", error));
    }
    if (!make_arrays(l)) {
        return no_memory(error);
    }
    TJ_TRY(tj__scan_prefix(rows, tj__key_bytes(&prefix), false, load_row, l, error));
    return finish(l, error);
}

tj_status tj__state_load(tj__row_source *rows, uint32_t book, tj_live_state **out, tj_error *error)
{
    void *object = NULL;
    *out = NULL;
    loading l = {.arena = tj__arena_new(sizeof(tj_live_state), &object)};
    if (!l.arena) {
        return no_memory(error);
    }
    l.state = object;
    l.state->sequence = rows->sequence;
    tj_status status = book == 0 ? TJ_OK : load(rows, book, &l, error);
    tj__buffer_dispose(&l.orders.pairs);
    tj__buffer_dispose(&l.exec_ids.pairs);
    tj__buffer_dispose(&l.extra);
    if (status != TJ_OK) {
        tj__arena_free_object(object);
        return tj__error_book(rows, book, status, error);
    }
    *out = l.state;
    return TJ_OK;
}
