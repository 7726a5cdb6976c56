/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A LiveState from its rows. One scan checks, counts and gathers them; then the orders are put into
 * the order of their ranks, and each row is decoded into its place. Texts are views of what was
 * gathered.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/error.h"
#include "rows/load.h"
#include "rows/quarantine.h"
#include "rows/row.h"
#include "rows/value.h"
#include "json/check.h"

/* A row's place among the gathered bytes: its key, its value behind it. */
typedef struct gathered_row {
    size_t at;
    uint64_t rank; /* of a ranked kind */
    uint64_t sequence;
    uint32_t value_size;
    uint16_t key_size;
} gathered_row;

/* Owner of each balance or position. Owners come in order, as sub-accounts do. */
typedef struct holdings {
    tj_str *owners;
    size_t next;
} holdings;

typedef struct loading {
    tj_live_state *state;
    tj__arena *arena;
    size_t counts[TJ__KIND_LAST + 1];
    tj__buffer rows;      /* gathered_row each; in key order, which is that of kinds */
    tj__buffer gathered;  /* their keys and values */
    const uint8_t *bytes; /* the same, when it is the state's */
    tj_position *positions;
    tj_balance *balances;
    holdings position_owners;
    holdings balance_owners;
    size_t sub_account_next;
    size_t price_next;
    size_t order_next;
    size_t exec_id_next;
    tj_str member;    /* the unknown top-level one that was read last */
    tj__buffer extra; /* all of them as an object */
} loading;

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to load the state");
}

/* ---- the scan ------------------------------------------------------------------------------ */

/* Rows come in the order of their keys, each once; a damaged tree may show one twice. */
static bool is_behind_the_last(const loading *l, tj__bytes key)
{
    if (l->rows.size == 0) {
        return true;
    }
    const gathered_row *last =
        (const gathered_row *)(const void *)(l->rows.data + l->rows.size) - 1;
    return tj__bytes_compare(tj__bytes_of(l->gathered.data + last->at, last->key_size), key) < 0;
}

static tj_status gather_row(loading *l, const tj__row *row, uint64_t rank, tj_error *error)
{
    gathered_row place = {l->gathered.size, rank, row->sequence, (uint32_t)row->value.size,
                          (uint16_t)row->key.size};
    uint8_t *bytes = tj__buffer_extend(&l->gathered, row->key.size + row->value.size);
    tj__put_bytes(&l->rows, &place, sizeof place);
    if (!bytes || l->rows.failed) {
        return no_memory(error);
    }
    memcpy(bytes, row->key.data, row->key.size);
    memcpy(bytes + row->key.size, row->value.data, row->value.size);
    return TJ_OK;
}

static tj_status take_row(void *context, const tj__row *row, tj_error *error)
{
    loading *l = context;
    tj__key_parts parts;
    TJ_TRY(tj__row_intact(row, error));
    TJ_TRY(tj__row_explain(row, tj__key_open(row->key, &parts, error), error));
    bool ranked = tj__kind_is_ranked(parts.kind);
    if (ranked && row->value.size < TJ__RANK_END) {
        return tj__row_explain(row, tj__fail(error, TJ_CORRUPT, "it has no rank"), error);
    }
    if (!is_behind_the_last(l, row->key)) {
        return tj__row_explain(
            row, tj__fail(error, TJ_CORRUPT, "it stands twice, or out of its order"), error);
    }
    l->counts[parts.kind]++;
    return gather_row(l, row, ranked ? tj__rank_get(row->value.data) : 0, error);
}

/* ---- order --------------------------------------------------------------------------------- */

/* One step of a radix sort: by one byte of the rank, rows with the same byte as they were. */
static void sort_by_byte(const gathered_row *from, gathered_row *to, size_t count, unsigned shift)
{
    size_t next[257] = {0};
    for (size_t i = 0; i < count; i++) {
        next[(from[i].rank >> shift & 0xff) + 1]++;
    }
    for (size_t byte = 1; byte < 256; byte++) {
        next[byte] += next[byte - 1];
    }
    for (size_t i = 0; i < count; i++) {
        to[next[from[i].rank >> shift & 0xff]++] = from[i];
    }
}

/* By rank. Ranks have few bytes that differ, so this takes a step or two where comparing would take
 * hundreds of thousands. */
static bool sort_ranked(gathered_row *rows, size_t count)
{
    uint64_t differing = 0;
    bool sorted = true;
    for (size_t i = 1; i < count; i++) {
        differing |= rows[i].rank ^ rows[0].rank;
        sorted = sorted && rows[i - 1].rank <= rows[i].rank;
    }
    if (sorted) {
        return true;
    }
    gathered_row *scratch = malloc(count * sizeof *scratch);
    if (!scratch) {
        return false;
    }
    gathered_row *from = rows;
    gathered_row *to = scratch;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if (differing >> shift & 0xff) {
            sort_by_byte(from, to, count, shift);
            gathered_row *other = from;
            from = to;
            to = other;
        }
    }
    if (from == scratch) {
        memcpy(rows, scratch, count * sizeof *rows);
    }
    free(scratch);
    return true;
}

static bool sort_kinds(loading *l)
{
    gathered_row *rows = (gathered_row *)(void *)l->rows.data;
    for (unsigned kind = TJ__KIND_FIRST; kind <= TJ__KIND_LAST; kind++) {
        if (tj__kind_is_ranked(kind) && !sort_ranked(rows, l->counts[kind])) {
            return false;
        }
        rows += l->counts[kind];
    }
    return true;
}

/* What was gathered becomes the state's. */
static bool keep_gathered(loading *l)
{
    void *fitting = realloc(l->gathered.data, l->gathered.size);
    l->gathered.data = fitting ? fitting : l->gathered.data;
    if (!tj__arena_adopt(l->arena, l->gathered.data)) {
        return false;
    }
    l->bytes = l->gathered.data;
    l->gathered = (tj__buffer){0};
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
    state->open_order_count = counts[TJ__KIND_ORDER];
    state->open_orders = tj__arena_array(l->arena, state->open_order_count, sizeof(tj_order));
    state->portfolio.sub_account_count = counts[TJ__KIND_SUB_ACCOUNT];
    state->portfolio.sub_accounts =
        tj__arena_array(l->arena, counts[TJ__KIND_SUB_ACCOUNT], sizeof(tj_sub_account));
    state->last_price_count = counts[TJ__KIND_PRICE];
    state->last_prices = tj__arena_array(l->arena, state->last_price_count, sizeof(tj_price));
    state->execution_checkpoint.exec_id_count = counts[TJ__KIND_EXEC_ID];
    state->execution_checkpoint.exec_ids =
        tj__arena_array(l->arena, counts[TJ__KIND_EXEC_ID], sizeof(tj_str));
    return l->positions && l->balances && l->position_owners.owners && l->balance_owners.owners &&
           state->open_orders && state->portfolio.sub_accounts && state->last_prices &&
           state->execution_checkpoint.exec_ids;
}

/* ---- decoding ------------------------------------------------------------------------------ */

static void *next_owned(holdings *h, tj_str owner, void *entities, size_t size)
{
    size_t at = h->next++;
    h->owners[at] = owner;
    return (char *)entities + at * size;
}

/* Where the next row of a kind is decoded to. */
static void *place_of(loading *l, tj__kind kind, tj_str owner)
{
    tj_live_state *state = l->state;
    switch (kind) {
    case TJ__KIND_HEAD:
        state->has_portfolio = true;
        return &state->portfolio;
    case TJ__KIND_EQUITY:
        state->has_portfolio_equity = true;
        return &state->portfolio_equity;
    case TJ__KIND_CANDLE:
        state->has_last_candle_ts = true;
        return &state->last_candle_ts;
    case TJ__KIND_STRATEGY:
        return &state->strategy_state;
    case TJ__KIND_CHECKPOINT:
        state->has_execution_checkpoint = true;
        return &state->execution_checkpoint;
    case TJ__KIND_EXTRA:
        return &l->member;
    case TJ__KIND_BALANCE:
        return next_owned(&l->balance_owners, owner, l->balances, sizeof *l->balances);
    case TJ__KIND_POSITION:
        return next_owned(&l->position_owners, owner, l->positions, sizeof *l->positions);
    case TJ__KIND_SUB_ACCOUNT:
        return &state->portfolio.sub_accounts[l->sub_account_next++];
    case TJ__KIND_PRICE:
        return &state->last_prices[l->price_next++];
    case TJ__KIND_ORDER:
        return &state->open_orders[l->order_next++];
    case TJ__KIND_EXEC_ID:
        return &state->execution_checkpoint.exec_ids[l->exec_id_next++];
    }
    TJ_ASSERT(false);
    return NULL;
}

static tj_status add_member(loading *l, tj_str name, tj_error *error)
{
    tj__put_u8(&l->extra, l->extra.size == 0 ? '{' : ',');
    tj__json_put_string(&l->extra, name);
    tj__put_u8(&l->extra, ':');
    tj__put_str(&l->extra, l->member);
    return l->extra.failed ? no_memory(error) : TJ_OK;
}

static tj_status load_entity(loading *l, const tj__key_parts *parts, tj__bytes value,
                             tj_error *error)
{
    tj_str owner = {0};
    tj_str identity = {0};
    if (!tj__key_split_owner(parts, &owner, &identity)) {
        return tj__fail(error, TJ_CORRUPT, "its key has no owner");
    }
    void *place = place_of(l, (tj__kind)parts->kind, owner);
    TJ_TRY(tj__kind_get(parts->kind, identity, value, place, error));
    return parts->kind == TJ__KIND_EXTRA ? add_member(l, identity, error) : TJ_OK;
}

static tj_status load_row(loading *l, const gathered_row *place, tj_error *error)
{
    tj__key_parts parts;
    const uint8_t *bytes = l->bytes + place->at;
    tj__row row = {.key = tj__bytes_of(bytes, place->key_size),
                   .value = tj__bytes_of(bytes + place->key_size, place->value_size),
                   .sequence = place->sequence};
    bool is_key = tj__key_split(row.key, &parts);
    TJ_ASSERT(is_key);
    return tj__row_explain(&row, load_entity(l, &parts, row.value, error), error);
}

static tj_status load_rows(loading *l, tj_error *error)
{
    const gathered_row *rows = (const gathered_row *)(const void *)l->rows.data;
    for (size_t i = 0; i < l->rows.size / sizeof *rows; i++) {
        TJ_TRY(load_row(l, &rows[i], error));
    }
    return TJ_OK;
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

/* Hands positions and balances, which are sorted by owner, out to the portfolio and its
 * sub-accounts. */
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

/* A book whose state came undecoded and was not saved since is not an empty one. */
static tj_status load(tj__row_source *rows, uint32_t book, loading *l, tj_error *error)
{
    tj__key prefix = tj__key_book(TJ__TABLE_STATE, book);
    TJ_TRY(tj__rows_scan_prefix(rows, tj__key_bytes(&prefix), false, take_row, l, error));
    if (l->rows.size == 0) {
        return tj__quarantine_refuse(rows, book, TJ__TABLE_STATE, (tj__bytes){NULL, 0},
                                     "the live state", error);
    }
    if (!sort_kinds(l) || !keep_gathered(l) || !make_arrays(l)) {
        return no_memory(error);
    }
    TJ_TRY(load_rows(l, error));
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
    tj__buffer_dispose(&l.rows);
    tj__buffer_dispose(&l.gathered);
    tj__buffer_dispose(&l.extra);
    if (status != TJ_OK) {
        tj__arena_free_object(object);
        return tj__book_explain(rows, book, status, error);
    }
    *out = l.state;
    return TJ_OK;
}
