/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "codec/base.h"

#include <stdlib.h>

#include "base/error.h"
#include "codec/value.h"

/* Places in the index of a commit being resolved that are kept for the next one. */
#define PENDING_CAPACITY_KEPT 1024

void tj__base_free(tj__base *base)
{
    if (!base) {
        return;
    }
    tj__base_drop_pending(base);
    for (size_t i = 0; i < base->rows.capacity; i++) {
        free(base->rows.places[i].row);
    }
    for (size_t i = 0; i < base->book_count; i++) {
        tj__held_list_dispose(&base->books[i].rows);
    }
    tj__held_index_dispose(&base->rows);
    tj__held_index_dispose(&base->pending);
    tj__held_list_dispose(&base->pending_rows);
    tj__buffer_dispose(&base->merged);
    tj__held_list_dispose(&base->named);
    tj__buffer_dispose(&base->ranks);
    free(base->commit_ids.rows);
    free(base->books);
    free(base);
}

uint64_t tj__base_commit_sequence(const tj__base *base, const tj_uuid *commit_id)
{
    tj__key key = tj__key_commit(commit_id);
    const tj__held *row = tj__held_find(&base->rows, tj__key_bytes(&key));
    return row ? row->sequence : 0;
}

tj__base_book *tj__base_book_by_number(tj__base *base, uint32_t number)
{
    for (size_t i = 0; i < base->book_count + base->pending_book_count; i++) {
        if (base->books[i].number == number) {
            return &base->books[i];
        }
    }
    return NULL;
}

bool tj__base_reserve_book(tj__base *base)
{
    size_t count = base->book_count + base->pending_book_count;
    if (count < base->book_capacity) {
        return true;
    }
    size_t capacity = count > 0 ? 2 * count : 4;
    tj__base_book *books = realloc(base->books, capacity * sizeof *books);
    if (!books) {
        return false;
    }
    base->books = books;
    base->book_capacity = capacity;
    return true;
}

/* ---- commit ids --------------------------------------------------------------------------- */

bool tj__commit_ids_reserve(tj__commit_ids *ids)
{
    if (ids->first + ids->count < ids->capacity) {
        return true;
    }
    if (ids->first > ids->count) {
        memmove(ids->rows, ids->rows + ids->first, ids->count * sizeof(tj__held *));
        ids->first = 0;
        return true;
    }
    size_t capacity = ids->capacity > 0 ? 2 * ids->capacity : 64;
    tj__held **rows = realloc(ids->rows, capacity * sizeof(tj__held *));
    if (!rows) {
        return false;
    }
    ids->rows = rows;
    ids->capacity = capacity;
    return true;
}

void tj__commit_ids_add(tj__commit_ids *ids, tj__held *row)
{
    TJ_ASSERT(ids->first + ids->count < ids->capacity);
    ids->rows[ids->first + ids->count++] = row;
}

/* Ids are only ever forgotten in the order in which they came. */
static void forget_oldest(tj__commit_ids *ids, const tj__held *row)
{
    TJ_ASSERT(ids->count > 0 && ids->rows[ids->first] == row);
    ids->first++;
    ids->count--;
}

/* ---- the commit being resolved ------------------------------------------------------------- */

/* Room that a large commit needed would slow all small ones down: it does not fit into the cache. */
static void empty_pending(tj__base *base)
{
    base->pending_rows.size = 0;
    base->pending_rows.count = 0;
    if (base->pending.capacity > PENDING_CAPACITY_KEPT) {
        tj__held_index_dispose(&base->pending);
        tj__held_list_dispose(&base->pending_rows);
    }
}

void tj__base_drop_pending(tj__base *base)
{
    for (size_t i = 0; i < base->pending_rows.size; i++) {
        tj__held_index_remove(&base->pending, base->pending_rows.rows[i]);
        free(base->pending_rows.rows[i]);
    }
    empty_pending(base);
    for (size_t i = 0; i < base->pending_book_count; i++) {
        tj__held_list_dispose(&base->books[base->book_count + i].rows);
    }
    base->pending_book_count = 0;
    free(base->pending_commit);
    base->pending_commit = NULL;
}

/* ---- advance ------------------------------------------------------------------------------ */

static void remove_row(tj__base *base, tj__base_book *book, tj__held *row)
{
    if (book) {
        book->kind_counts[row->bytes[TJ__KEY_KIND_AT]]--;
        tj__held_list_remove(&book->rows, row);
    } else {
        forget_oldest(&base->commit_ids, row);
    }
    tj__held_index_remove(&base->rows, row);
    free(row);
}

static void replace_row(tj__base *base, tj__base_book *book, tj__held *old, tj__held *row)
{
    tj__held_index_replace(&base->rows, old, row);
    if (book) {
        row->slot = old->slot;
        book->rows.rows[row->slot] = row;
    }
    free(old);
}

static void add_row(tj__base *base, tj__base_book *book, tj__held *row)
{
    tj__held_index_add(&base->rows, row);
    if (book) {
        book->kind_counts[row->bytes[TJ__KEY_KIND_AT]]++;
        tj__held_list_add(&book->rows, row);
    }
}

/* Moves a STATE, BOOKS, COMMITS or COUNTERS row over. book is NULL but for STATE. */
static void take_over(tj__base *base, tj__base_book *book, tj__held *row)
{
    tj__held *old = tj__held_find_same(&base->rows, row);
    if (row->deleted) {
        remove_row(base, book, old);
        free(row);
    } else if (old) {
        replace_row(base, book, old, row);
    } else {
        add_row(base, book, row);
    }
}

/* A BOOKS row that was written again: the name is a view of its key. */
static void renew_name(tj__base *base, tj__held *row)
{
    uint32_t number = tj__load_u32(tj__held_value(row).data + 1);
    tj__base_book *book = tj__base_book_by_number(base, number);
    book->name = (tj_str){(const char *)row->bytes + TJ__KEY_REST_AT,
                          (size_t)row->key_size - TJ__KEY_REST_AT};
    book->state_sequence = row->sequence;
}

static void advance_row(tj__base *base, tj__held *row, uint64_t sequence)
{
    row->sequence = sequence;
    switch (row->bytes[0]) {
    case TJ__TABLE_STATE: {
        uint32_t number = tj__load_u32_be(row->bytes + TJ__KEY_BOOK_AT);
        tj__base_book *book = tj__base_book_by_number(base, number);
        book->state_sequence = sequence;
        take_over(base, book, row);
        break;
    }
    case TJ__TABLE_BOOKS:
        take_over(base, NULL, row);
        renew_name(base, row);
        break;
    case TJ__TABLE_COMMITS:
    case TJ__TABLE_COUNTERS:
        take_over(base, NULL, row);
        break;
    default: /* algorithms and ledger are not held */
        free(row);
        break;
    }
}

static void advance_commit_id(tj__base *base, uint64_t sequence)
{
    tj__held *row = base->pending_commit;
    if (!row) {
        return;
    }
    base->pending_commit = NULL;
    row->sequence = sequence;
    tj__commit_value(row->bytes + row->key_size, sequence);
    tj__held_index_add(&base->rows, row);
    tj__commit_ids_add(&base->commit_ids, row);
}

void tj__base_advance(tj__base *base, uint64_t sequence)
{
    for (size_t i = 0; i < base->pending_rows.size; i++) {
        tj__held *row = base->pending_rows.rows[i];
        tj__held_index_remove(&base->pending, row);
        advance_row(base, row, sequence);
    }
    empty_pending(base);
    for (size_t i = 0; i < base->book_count + base->pending_book_count; i++) {
        tj__base_book *book = &base->books[i];
        book->ledger_last = book->pending_ledger_last;
        book->rank_last = book->pending_rank_last;
    }
    base->book_count += base->pending_book_count;
    base->pending_book_count = 0;
    advance_commit_id(base, sequence);
    base->sequence = sequence;
}
