/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A scope: the rows put in it are all rows of some kinds. Those that equal the current ones are
 * passed over, the others noted, and the current rows that were not put are deleted.
 *
 * A caller saves the same arrays again and again, so the rows of a book are listed in the order in
 * which the last save named them, and the next row is first compared with the next listed one: only
 * what is not there is looked up by its key. When too many had to be looked up, the list is put
 * into the order of this scope.
 */
#include <stdlib.h>

#include "base/error.h"
#include "commit/rank.h"
#include "commit/resolve.h"

#define MISSES_ALLOWED 16

void tj__scope_begin(tj__scope *s, tj__tip *tip, tj__tip_book *book, unsigned kinds)
{
    *s = (tj__scope){.tip = tip,
                     .book = book,
                     .kinds = kinds,
                     .alone = tip->pending_rows.size == 0,
                     .pending_before = tip->pending_rows.size};
    tip->scope++;
    tip->named.size = 0;
}

/* ---- finding ------------------------------------------------------------------------------ */

static tj__held *find_stored(tj__scope *s, tj__bytes key)
{
    const tj__held_list *list = &s->book->rows;
    while (s->next < list->size && !list->rows[s->next]) {
        s->next++;
    }
    tj__held *row = s->next < list->size ? list->rows[s->next] : NULL;
    if (row && tj__bytes_equal(tj__held_key(row), key)) {
        s->next++;
        return row;
    }
    row = tj__held_find(&s->tip->rows, key);
    if (row) {
        s->miss_count++;
        s->next = (size_t)row->slot + 1;
    }
    return row;
}

/* Marks a row as named by this scope; false when it was before. */
static bool mark(const tj__scope *s, tj__held *row)
{
    bool first = row->seen != s->tip->scope;
    row->seen = s->tip->scope;
    return first;
}

/* The row as the commit has it so far; NULL when there is none. A row that this scope itself has
 * put is found as the stored one or, when that is new, as the pending one. */
static tj_status find_current(tj__scope *s, tj__bytes key, tj__held **out, tj_error *error)
{
    tj__held *stored = find_stored(s, key);
    if (stored && !mark(s, stored)) {
        return tj__plan_refuse_twice(key, error);
    }
    s->seen_count += stored != NULL;
    *out = stored;
    if (stored && s->alone) {
        return TJ_OK;
    }
    tj__held *pending = tj__held_find(&s->tip->pending, key);
    if (!pending) {
        return TJ_OK;
    }
    if (!mark(s, pending)) {
        return tj__plan_refuse_twice(key, error);
    }
    *out = pending->deleted ? NULL : pending;
    return TJ_OK;
}

/* ---- ranks: known when all rows are ---------------------------------------------------------- */

static uint64_t rank_of(const tj__held *row)
{
    return tj__rank_get(tj__held_value(row).data);
}

static void store_rank(tj__held *row, uint64_t rank)
{
    tj__store_u64(row->bytes + row->key_size + TJ__RANK_AT, rank);
}

/* Gives a row another rank. What was not among the changes is then. */
static tj_status change_rank(const tj__scope *s, tj__held *row, uint64_t rank, tj_error *error)
{
    if (!tj__draft_holds(s->tip, row)) {
        TJ_TRY(tj__draft_put(s->tip, tj__held_key(row), tj__held_value(row), &row, error));
    }
    store_rank(row, rank);
    return TJ_OK;
}

static tj_status assign_ranks(tj__scope *s, tj__held *const *rows, size_t count, tj_error *error)
{
    tj__buffer *buffer = &s->tip->ranks;
    tj__buffer_clear(buffer);
    if (!tj__buffer_reserve(buffer, count * sizeof(uint64_t))) {
        return tj__draft_no_memory(error);
    }
    uint64_t *ranks = (uint64_t *)(void *)buffer->data;
    for (size_t i = 0; i < count; i++) {
        ranks[i] = rank_of(rows[i]);
    }
    if (!tj__ranks_assign(ranks, count)) {
        return tj__draft_no_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        if (ranks[i] != rank_of(rows[i])) {
            TJ_TRY(change_rank(s, rows[i], ranks[i], error));
        }
    }
    s->rank_last = ranks[count - 1];
    return TJ_OK;
}

static tj_status finish_ranks(tj__scope *s, tj_error *error)
{
    const tj__held_list *named = &s->tip->named;
    size_t count = named->size - s->ranked_first;
    if (s->ranked_kind != 0 && !s->ranks_rise) {
        TJ_TRY(assign_ranks(s, named->rows + s->ranked_first, count, error));
    }
    if (s->ranked_kind == TJ__KIND_ORDER) {
        s->book->pending_rank_last = s->rank_last;
    }
    return TJ_OK;
}

/* The rows of a kind stand together, so its ranks are known when a row of another one comes. */
static tj_status change_kind(tj__scope *s, unsigned kind, tj_error *error)
{
    unsigned ranked_kind = tj__kind_is_ranked(kind) ? kind : 0;
    if (ranked_kind == s->ranked_kind) {
        return TJ_OK;
    }
    TJ_TRY(finish_ranks(s, error));
    s->ranked_kind = ranked_kind;
    s->ranked_first = s->tip->named.size;
    s->rank_last = 0;
    s->ranks_rise = true;
    return TJ_OK;
}

static void add_rank(tj__scope *s, uint64_t rank)
{
    s->ranks_rise = s->ranks_rise && rank > s->rank_last;
    s->rank_last = rank;
}

/* ---- the rows -------------------------------------------------------------------------------- */

/* Notes a row that is new or differs from the current one; *row is that, and then the noted one. A
 * new row of a ranked kind has rank 0 for now. */
static tj_status put_merged(const tj__scope *s, unsigned keep, tj__bytes key, tj__bytes value,
                            tj__held **row, tj_error *error)
{
    bool ranked = *row && tj__kind_is_ranked(key.data[TJ__KEY_KIND_AT]);
    uint64_t rank = ranked ? rank_of(*row) : 0;
    tj__bytes merged;
    TJ_TRY(tj__draft_merge(s->tip, keep, value, *row, &merged, error));
    TJ_TRY(tj__draft_put(s->tip, key, merged, row, error));
    if (ranked) {
        store_rank(*row, rank);
    }
    return TJ_OK;
}

static tj_status add_named(const tj__scope *s, tj__held *row, tj_error *error)
{
    tj__held_list *named = &s->tip->named;
    if (named->size == named->capacity && !tj__held_list_reserve(named, 1)) {
        return tj__draft_no_memory(error);
    }
    named->rows[named->size++] = row;
    return TJ_OK;
}

tj_status tj__scope_put(tj__scope *s, unsigned keep, tj__bytes key, tj__bytes value,
                        tj_error *error)
{
    unsigned kind = key.data[TJ__KEY_KIND_AT];
    tj__held *row = NULL;
    TJ_TRY(change_kind(s, kind, error));
    TJ_TRY(find_current(s, key, &row, error));
    if (!row || !tj__value_same(kind, keep, value, tj__held_value(row))) {
        TJ_TRY(put_merged(s, keep, key, value, &row, error));
    }
    TJ_TRY(add_named(s, row, error));
    if (s->ranked_kind != 0) {
        add_rank(s, rank_of(row));
    }
    return TJ_OK;
}

/* ---- what was not put ------------------------------------------------------------------------ */

static bool is_left_over(const tj__scope *s, const tj__held *row)
{
    return row->seen != s->tip->scope &&
           (s->kinds & TJ__KIND_BIT(row->bytes[TJ__KEY_KIND_AT])) != 0;
}

static tj_status delete_stored(const tj__scope *s, tj_error *error)
{
    size_t count = 0;
    for (unsigned kind = TJ__KIND_FIRST; kind <= TJ__KIND_LAST; kind++) {
        count += s->kinds & TJ__KIND_BIT(kind) ? s->book->kind_counts[kind] : 0;
    }
    for (size_t i = 0; i < s->book->rows.size && count > s->seen_count; i++) {
        const tj__held *row = s->book->rows.rows[i];
        if (row && is_left_over(s, row)) {
            TJ_TRY(tj__draft_delete(s->tip, tj__held_key(row), error));
            count--;
        }
    }
    return TJ_OK;
}

static bool is_state_of(const tj__held *row, uint32_t book)
{
    return row->bytes[0] == TJ__TABLE_STATE &&
           tj__load_u32_be(row->bytes + TJ__KEY_BOOK_AT) == book;
}

/* Rows that the commit itself had put before. */
static void delete_pending(const tj__scope *s)
{
    for (size_t i = 0; i < s->pending_before; i++) {
        tj__held *row = s->tip->pending_rows.rows[i];
        if (is_state_of(row, s->book->number) && is_left_over(s, row)) {
            row->deleted = true;
            row->value_size = 0;
        }
    }
}

/* ---- the order of the list ------------------------------------------------------------------- */

/* Only a hint for the next save, so short memory leaves it as it is. Rows that this scope did not
 * name follow behind. */
static void relist(const tj__scope *s)
{
    const tj__held_list *named = &s->tip->named;
    tj__held_list *list = &s->book->rows;
    tj__held **rows = malloc(list->capacity * sizeof(tj__held *));
    if (!rows) {
        return;
    }
    size_t size = 0;
    for (size_t i = 0; i < named->size; i++) {
        tj__held *row = named->rows[i];
        row = tj__draft_holds(s->tip, row) ? tj__held_find_same(&s->tip->rows, row) : row;
        if (row) {
            rows[size++] = row;
        }
    }
    for (size_t i = 0; i < list->size; i++) {
        if (list->rows[i] && list->rows[i]->seen != s->tip->scope) {
            rows[size++] = list->rows[i];
        }
    }
    for (size_t i = 0; i < size; i++) {
        rows[i]->slot = (uint32_t)i;
    }
    free(list->rows);
    list->rows = rows;
    list->size = size;
}

tj_status tj__scope_end(tj__scope *s, tj_error *error)
{
    TJ_TRY(change_kind(s, 0, error));
    TJ_TRY(delete_stored(s, error));
    delete_pending(s);
    if (s->miss_count > MISSES_ALLOWED + s->seen_count / 8) {
        relist(s);
    }
    return TJ_OK;
}
