/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A plan against the tip. Its rows are taken in their order and noted as pending, the last for a
 * key winning; what a portfolio needs is checked when all are known; then what changes nothing is
 * dropped, and the rest is the commit.
 */
#include "commit/resolve.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "commit/rank.h"
#include "rows/value.h"

void tj__resolved_dispose(tj__resolved *resolved)
{
    tj__buffer_dispose(&resolved->body);
    *resolved = (tj__resolved){0};
}

/* ---- single rows -------------------------------------------------------------------------- */

static int compare_rank(const void *a, const void *b)
{
    uint64_t left = tj__rank_get(tj__held_value(*(tj__held *const *)a).data);
    uint64_t right = tj__rank_get(tj__held_value(*(tj__held *const *)b).data);
    return (left > right) - (left < right);
}

/* The book's orders as the commit leaves them so far, in their order. */
static tj_status list_orders(tj__tip *tip, const tj__tip_book *book, tj__held_list *orders,
                             tj_error *error)
{
    const tj__held_list *lists[] = {&book->rows, &tip->pending_rows};
    if (!tj__held_list_reserve(orders, book->rows.size + tip->pending_rows.size)) {
        return tj__draft_no_memory(error);
    }
    tj__key prefix = tj__key_kind(book->number, TJ__KIND_ORDER);
    for (size_t which = 0; which < 2; which++) {
        for (size_t i = 0; i < lists[which]->size; i++) {
            tj__held *row = lists[which]->rows[i];
            if (row && row->key_size > prefix.size &&
                memcmp(row->bytes, prefix.bytes, prefix.size) == 0 &&
                tj__draft_find(tip, tj__held_key(row)) == row) {
                orders->rows[orders->size++] = row;
            }
        }
    }
    if (orders->size > 0) {
        qsort(orders->rows, orders->size, sizeof(tj__held *), compare_rank);
    }
    return TJ_OK;
}

/* The ranks are used up at their end: gives all orders new ones. */
static tj_status renumber(tj__tip *tip, tj__tip_book *book, tj_error *error)
{
    tj__held_list orders = {0};
    tj_status status = list_orders(tip, book, &orders, error);
    for (size_t i = 0; i < orders.size && status == TJ_OK; i++) {
        tj__held *old = orders.rows[i];
        tj__held *row = NULL;
        book->pending_rank_last = (i + 1) * TJ__RANK_STEP;
        status = tj__draft_put(tip, tj__held_key(old), tj__held_value(old), &row, error);
        if (status == TJ_OK) {
            tj__store_u64(row->bytes + row->key_size + TJ__RANK_AT, book->pending_rank_last);
        }
    }
    tj__held_list_dispose(&orders);
    return status;
}

static tj_status rank_at_end(tj__tip *tip, tj__tip_book *book, uint64_t *rank, tj_error *error)
{
    if (book->pending_rank_last > UINT64_MAX - TJ__RANK_STEP) {
        book->pending_rank_last = 0;
        TJ_TRY(renumber(tip, book, error));
    }
    book->pending_rank_last += TJ__RANK_STEP;
    *rank = book->pending_rank_last;
    return TJ_OK;
}

/* Puts one STATE row, with kept members, in the rank that it has or behind all others. */
static tj_status resolve_put(tj__tip *tip, tj__tip_book *book, unsigned keep, tj__bytes key,
                             tj__bytes value, tj_error *error)
{
    unsigned kind = key.data[TJ__KEY_KIND_AT];
    const tj__held *current = tj__draft_find(tip, key);
    if (current && tj__value_same(kind, keep, value, tj__held_value(current))) {
        return TJ_OK;
    }
    uint64_t rank = 0;
    tj__bytes merged;
    tj__held *row = NULL;
    if (current && tj__kind_is_ranked(kind)) {
        rank = tj__rank_get(tj__held_value(current).data);
    } else if (tj__kind_is_ranked(kind)) {
        TJ_TRY(rank_at_end(tip, book, &rank, error));
    }
    TJ_TRY(tj__draft_merge(tip, keep, value, current, &merged, error));
    TJ_TRY(tj__draft_put(tip, key, merged, &row, error));
    if (tj__kind_is_ranked(kind)) {
        tj__store_u64(row->bytes + row->key_size + TJ__RANK_AT, rank);
    }
    return TJ_OK;
}

static tj_status resolve_delete(tj__tip *tip, tj__bytes key, tj_error *error)
{
    if (key.data[0] == TJ__TABLE_STATE && !tj__draft_find(tip, key)) {
        return TJ_OK;
    }
    return tj__draft_delete(tip, key, error);
}

/* Deletes the rows of a list that start with prefix. Deleting may append to the list itself. */
static tj_status delete_listed(tj__tip *tip, const tj__held_list *list, const tj__key *prefix,
                               tj_error *error)
{
    size_t size = list->size;
    for (size_t i = 0; i < size; i++) {
        const tj__held *row = list->rows[i];
        if (row && !row->deleted && row->key_size >= prefix->size &&
            memcmp(row->bytes, prefix->bytes, prefix->size) == 0) {
            TJ_TRY(tj__draft_delete(tip, tj__held_key(row), error));
        }
    }
    return TJ_OK;
}

/* Deletes a sub-account's row, whose key is given, its positions and its balances. */
static tj_status delete_owner(tj__tip *tip, const tj__tip_book *book, tj__bytes key,
                              tj_error *error)
{
    static const tj__kind kinds[] = {TJ__KIND_BALANCE, TJ__KIND_POSITION};
    tj__bytes owner = {key.data + TJ__KEY_IDENTITY_AT, key.size - TJ__KEY_IDENTITY_AT};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        tj__key prefix = tj__key_kind(book->number, kinds[i]);
        memcpy(prefix.bytes + prefix.size, owner.data, owner.size);
        prefix.size += owner.size;
        prefix.bytes[prefix.size++] = 0;
        TJ_TRY(delete_listed(tip, &book->rows, &prefix, error));
        TJ_TRY(delete_listed(tip, &tip->pending_rows, &prefix, error));
    }
    return resolve_delete(tip, key, error);
}

/* Puts a row as it was stored once. */
static tj_status resolve_row_as_it_was(tj__tip *tip, tj__tip_book *book, tj__bytes key,
                                       tj__bytes value, tj_error *error)
{
    tj__held *ignored = NULL;
    if (key.data[0] == TJ__TABLE_STATE && tj__kind_is_ranked(key.data[TJ__KEY_KIND_AT]) &&
        value.size >= TJ__RANK_END && tj__rank_get(value.data) > book->pending_rank_last) {
        book->pending_rank_last = tj__rank_get(value.data);
    }
    return tj__draft_put(tip, key, value, &ignored, error);
}

/* ---- ledger ------------------------------------------------------------------------------ */

static tj_status next_sequence(const tj__tip_book *book, uint64_t asked, uint64_t *sequence,
                               tj_error *error)
{
    uint64_t last = book->pending_ledger_last;
    char quoted[TJ__QUOTE_SIZE];
    if (asked == 0 && last == UINT64_MAX) {
        return tj__fail(error, TJ_LIMIT, "the ledger of book %s has no sequence left",
                        tj__text_quote(book->name, quoted));
    }
    *sequence = asked == 0 ? last + 1 : asked;
    if (*sequence <= last) {
        return tj__fail(error, TJ_CONFLICT,
                        "ledger sequence %" PRIu64 " is not above the newest of book %s, %" PRIu64,
                        asked, tj__text_quote(book->name, quoted), last);
    }
    return TJ_OK;
}

/* An entry is booked once: its id is new to its book. */
static tj_status take_id(tj__tip *tip, const tj__tip_book *book, tj__bytes value, tj_error *error)
{
    tj_uuid id;
    memcpy(id.bytes, value.data + TJ__LEDGER_ID_AT, sizeof id.bytes);
    tj__key key = tj__key_ledger_id(book->number, &id);
    tj_status status = tj__ledger_ids_take(&tip->ledger_ids, tj__key_bytes(&key), error);
    if (status != TJ_OK) {
        char quoted[TJ__QUOTE_SIZE];
        tj__error_context(error, "the ledger of book %s", tj__text_quote(book->name, quoted));
    }
    return status;
}

static tj_status resolve_ledger(tj__tip *tip, tj__tip_book *book, tj__bytes key, tj__bytes value,
                                tj__resolved *resolved, tj_error *error)
{
    static const uint8_t nothing[TJ__LEDGER_TIME_VALUE_SIZE] = {TJ__LEDGER_TIME_VERSION};
    tj__held *ignored = NULL;
    uint64_t sequence = 0;
    uint64_t asked = tj__load_u64_be(key.data + TJ__KEY_REST_AT);
    TJ_TRY(next_sequence(book, asked, &sequence, error));
    TJ_TRY(take_id(tip, book, value, error));
    int64_t time = (int64_t)tj__load_u64(value.data + TJ__LEDGER_TIME_AT);
    tj__key entry = tj__key_ledger(book->number, sequence);
    tj__key by_time = tj__key_ledger_time(book->number, time, sequence);
    TJ_TRY(tj__draft_put(tip, tj__key_bytes(&entry), value, &ignored, error));
    TJ_TRY(tj__draft_put(tip, tj__key_bytes(&by_time), tj__bytes_of(nothing, sizeof nothing),
                         &ignored, error));
    book->pending_ledger_last = sequence;
    resolved->ledger_last = sequence;
    return TJ_OK;
}

/* ---- all rows ---------------------------------------------------------------------------- */

/* What the rows are noted in. */
typedef struct resolver {
    tj__plan *plan;
    tj__tip *tip;
    tj__resolved *resolved;
    tj__scope scope;
    bool in_scope;
} resolver;

/* A row of the plan, with the number of its book in the key. */
typedef struct row_read {
    tj__plan_row head;
    tj__tip_book *book;
    tj__bytes key;
    tj__bytes value;
} row_read;

/* Returns where the next row is. */
static size_t read_row(const resolver *r, size_t at, row_read *row)
{
    uint8_t *key = NULL;
    size_t next = tj__plan_row_read(r->plan, at, &row->head, &key, &row->value);
    row->book = &r->tip->books[r->plan->books[row->head.book].tip_index];
    row->key = tj__bytes_of(key, row->head.key_size);
    tj__store_u32_be(key + TJ__KEY_BOOK_AT, row->book->number);
    return next;
}

static tj_status put(resolver *r, const row_read *row, tj_error *error)
{
    tj__held *ignored = NULL;
    if (r->in_scope) {
        return tj__scope_put(&r->scope, row->head.keep, row->key, row->value, error);
    }
    return row->key.data[0] == TJ__TABLE_STATE
               ? resolve_put(r->tip, row->book, row->head.keep, row->key, row->value, error)
               : tj__draft_put(r->tip, row->key, row->value, &ignored, error);
}

static tj_status end_scope(resolver *r, tj_error *error)
{
    r->in_scope = false;
    return tj__scope_end(&r->scope, error);
}

static tj_status resolve_row(resolver *r, const row_read *row, tj_error *error)
{
    switch ((tj__plan_op)row->head.op) {
    case TJ__PLAN_PUT:
        return put(r, row, error);
    case TJ__PLAN_PUT_ROW:
        return resolve_row_as_it_was(r->tip, row->book, row->key, row->value, error);
    case TJ__PLAN_DELETE:
        return resolve_delete(r->tip, row->key, error);
    case TJ__PLAN_SCOPE_BEGIN:
        tj__scope_begin(&r->scope, r->tip, row->book, tj__load_u32(row->value.data));
        r->in_scope = true;
        return TJ_OK;
    case TJ__PLAN_SCOPE_END:
        return end_scope(r, error);
    case TJ__PLAN_DELETE_OWNER:
        return delete_owner(r->tip, row->book, row->key, error);
    case TJ__PLAN_LEDGER:
        return resolve_ledger(r->tip, row->book, row->key, row->value, r->resolved, error);
    case TJ__PLAN_COUNTER:
        return tj__resolve_counter(r->tip, row->key, tj__load_u64(row->value.data), r->resolved,
                                   error);
    }
    TJ_ASSERT(false);
    return TJ_OK;
}

/* Of the plan's rows from offset `at` on. */
static tj_status resolve_from(void *context, tj__plan *plan, size_t at, tj_error *error)
{
    resolver *r = context;
    TJ_ASSERT(plan == r->plan);
    while (at < plan->rows.size) {
        row_read row;
        at = read_row(r, at, &row);
        TJ_TRY(resolve_row(r, &row, error));
    }
    return TJ_OK;
}

tj_status tj__resolve_rows(tj__plan *plan, const tj_live_state *state, tj__tip *tip,
                           tj__resolved *resolved, tj_error *error)
{
    resolver r = {.plan = plan, .tip = tip, .resolved = resolved};
    TJ_TRY(resolve_from(&r, plan, 0, error));
    TJ_ASSERT(r.in_scope == (state != NULL));
    if (!state) {
        return TJ_OK;
    }
    TJ_TRY(tj__plan_add_entities(plan, state, resolve_from, &r, error));
    return end_scope(&r, error);
}
