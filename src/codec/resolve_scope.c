/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A scope: the plan's rows are all rows of some kinds. Those that equal the current ones are passed
 * over, the others put, and the current rows that no plan row names deleted.
 *
 * A caller saves the same arrays again and again, so the rows of a book are listed in the order in which
 * the last save named them, and the next plan row is first compared with the next listed row: only what
 * is not there is looked up by its key. When too many had to be looked up, the list is put into the
 * order of this scope.
 */
#include <stdlib.h>

#include "base/error.h"
#include "codec/rank.h"
#include "codec/resolve.h"

#define MISSES_ALLOWED 16

/* A plan row of a ranked kind. */
typedef struct ranked {
    const tj__held *current; /* NULL: new */
    uint64_t rank;           /* of the current row, 0 for a new one */
    size_t at;               /* the plan's row */
    bool same;               /* as the current one, apart from the rank */
} ranked;

typedef struct scope {
    tj__plan *plan;
    tj__base *base;
    tj__base_book *book;
    unsigned kinds;
    bool alone;            /* nothing was pending when it began */
    size_t pending_before; /* rows pending when it began */
    size_t next;           /* place in the book's list that the next plan row is compared with */
    size_t seen_count;     /* stored rows that the plan names */
    size_t miss_count;     /* of these, those that had to be looked up */
    unsigned ranked_kind;  /* whose rows are in base->ranked and base->ranks; 0: none */
    tj_error *error;
} scope;

/* ---- finding ------------------------------------------------------------------------------ */

static tj__held *find_stored(scope *s, tj__bytes key)
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
    row = tj__held_find(&s->base->rows, key);
    if (row) {
        s->miss_count++;
        s->next = (size_t)row->slot + 1;
    }
    return row;
}

/* The row as the commit has it so far; marks it as named. */
static tj__held *find_current(scope *s, tj__bytes key)
{
    tj__held *row = find_stored(s, key);
    if (row) {
        row->seen = s->base->scope;
        s->seen_count++;
    }
    if (s->alone) {
        return row;
    }
    tj__held *pending = tj__held_find(&s->base->pending, key);
    if (!pending) {
        return row;
    }
    pending->seen = s->base->scope;
    return pending->deleted ? NULL : pending;
}

/* ---- rows without rank ---------------------------------------------------------------------- */

static tj_status put_merged(scope *s, unsigned keep, tj__bytes key, tj__bytes value,
                            const tj__held *current, uint64_t rank)
{
    tj__bytes merged;
    tj__held *row = NULL;
    TJ_TRY(tj__merge(s->base, keep, value, current, &merged, s->error));
    TJ_TRY(tj__pend_put(s->base, key, merged, &row, s->error));
    if (rank != 0) {
        tj__store_u64(row->bytes + row->key_size + TJ__RANK_AT, rank);
    }
    return TJ_OK;
}

/* ---- rows with rank: their ranks are known when all are ------------------------------------- */

static void add_ranked(scope *s, size_t at, const tj__held *current, bool same)
{
    uint64_t rank = current ? tj__rank_get(tj__held_value(current).data) : 0;
    ranked each = {current, rank, at, same};
    tj__put_bytes(&s->base->ranked, &each, sizeof each);
}

static tj_status put_ranked(scope *s, const ranked *each, uint64_t rank)
{
    tj__plan_row row;
    uint8_t *key = NULL;
    tj__bytes value;
    tj__plan_row_read(s->plan, each->at, &row, &key, &value);
    return put_merged(s, row.keep, tj__bytes_of(key, row.key_size), value, each->current, rank);
}

static tj_status finish_ranked(scope *s)
{
    const ranked *rows = (const ranked *)(const void *)s->base->ranked.data;
    size_t count = s->base->ranked.size / sizeof *rows;
    tj__buffer *buffer = &s->base->ranks;
    tj__buffer_clear(buffer);
    if (s->base->ranked.failed || !tj__buffer_reserve(buffer, count * sizeof(uint64_t))) {
        return tj__pending_no_memory(s->error);
    }
    uint64_t *ranks = (uint64_t *)(void *)buffer->data;
    for (size_t i = 0; i < count; i++) {
        ranks[i] = rows[i].rank;
    }
    if (!tj__ranks_assign(ranks, count)) {
        return tj__pending_no_memory(s->error);
    }
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].same || ranks[i] != rows[i].rank) {
            TJ_TRY(put_ranked(s, &rows[i], ranks[i]));
        }
    }
    if (s->ranked_kind == TJ__KIND_ORDER && count > 0) {
        s->book->pending_rank_last = ranks[count - 1];
    }
    tj__buffer_clear(&s->base->ranked);
    return TJ_OK;
}

/* ---- the rows of the plan ------------------------------------------------------------------- */

static tj_status resolve_row(scope *s, size_t at, const tj__plan_row *row, uint8_t *key_bytes,
                             tj__bytes value)
{
    tj__store_u32_be(key_bytes + TJ__KEY_BOOK_AT, s->book->number);
    unsigned kind = key_bytes[TJ__KEY_KIND_AT];
    tj__bytes key = tj__bytes_of(key_bytes, row->key_size);
    const tj__held *current = find_current(s, key);
    bool same = current && tj__value_same(kind, row->keep, value, tj__held_value(current));
    if (tj__kind_is_ranked(kind)) {
        add_ranked(s, at, current, same);
        return TJ_OK;
    }
    return same ? TJ_OK : put_merged(s, row->keep, key, value, current, 0);
}

static tj_status change_kind(scope *s, unsigned kind)
{
    if (kind == s->ranked_kind) {
        return TJ_OK;
    }
    if (s->ranked_kind != 0) {
        TJ_TRY(finish_ranked(s));
    }
    s->ranked_kind = kind;
    return TJ_OK;
}

static tj_status resolve_rows(scope *s, size_t *at)
{
    for (;;) {
        tj__plan_row row;
        uint8_t *key = NULL;
        tj__bytes value;
        size_t here = *at;
        *at = tj__plan_row_read(s->plan, here, &row, &key, &value);
        if (row.op == TJ__PLAN_SCOPE_END) {
            return change_kind(s, 0);
        }
        unsigned kind = key[TJ__KEY_KIND_AT];
        TJ_TRY(change_kind(s, tj__kind_is_ranked(kind) ? kind : 0));
        TJ_TRY(resolve_row(s, here, &row, key, value));
    }
}

/* ---- what is not named any more ------------------------------------------------------------- */

static bool is_left_over(const scope *s, const tj__held *row)
{
    return row->seen != s->base->scope &&
           (s->kinds & TJ__KIND_BIT(row->bytes[TJ__KEY_KIND_AT])) != 0;
}

static tj_status delete_stored(scope *s)
{
    size_t count = 0;
    for (unsigned kind = TJ__KIND_FIRST; kind <= TJ__KIND_LAST; kind++) {
        count += s->kinds & TJ__KIND_BIT(kind) ? s->book->kind_counts[kind] : 0;
    }
    for (size_t i = 0; i < s->book->rows.size && count > s->seen_count; i++) {
        const tj__held *row = s->book->rows.rows[i];
        if (row && is_left_over(s, row)) {
            TJ_TRY(tj__pend_delete(s->base, tj__held_key(row), s->error));
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
static void delete_pending(scope *s)
{
    for (size_t i = 0; i < s->pending_before; i++) {
        tj__held *row = s->base->pending_rows.rows[i];
        if (is_state_of(row, s->book->number) && is_left_over(s, row)) {
            row->deleted = true;
            row->value_size = 0;
        }
    }
}

/* ---- the order of the list ------------------------------------------------------------------ */

/* Only a hint for the next save, so short memory leaves it as it is. Rows that this scope did not name
 * follow behind. */
static void relist(const scope *s, size_t first)
{
    tj__held_list *list = &s->book->rows;
    tj__held **rows = malloc(list->capacity * sizeof(tj__held *));
    if (!rows) {
        return;
    }
    size_t size = 0;
    tj__plan_row row = {0};
    for (size_t at = first; row.op != TJ__PLAN_SCOPE_END;) {
        uint8_t *key = NULL;
        tj__bytes value;
        at = tj__plan_row_read(s->plan, at, &row, &key, &value);
        tj__held *stored = tj__held_find(&s->base->rows, tj__bytes_of(key, row.key_size));
        if (stored) {
            rows[size++] = stored;
        }
    }
    for (size_t i = 0; i < list->size; i++) {
        if (list->rows[i] && list->rows[i]->seen != s->base->scope) {
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

tj_status tj__resolve_scope(tj__plan *plan, tj__base *base, tj__base_book *book, unsigned kinds,
                            size_t *at, tj_error *error)
{
    scope s = {.plan = plan,
               .base = base,
               .book = book,
               .kinds = kinds,
               .alone = base->pending_rows.size == 0,
               .pending_before = base->pending_rows.size,
               .error = error};
    base->scope++;
    tj__buffer_clear(&base->ranked);
    size_t first = *at;
    TJ_TRY(resolve_rows(&s, at));
    TJ_TRY(delete_stored(&s));
    delete_pending(&s);
    if (s.miss_count > MISSES_ALLOWED + s.seen_count / 8) {
        relist(&s, first);
    }
    return TJ_OK;
}
