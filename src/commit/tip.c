/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Taking over what was resolved once it is appended, and the commit ids that are remembered. */
#include "commit/tip.h"

#include <stdlib.h>

#include "base/error.h"
#include "rows/value.h"

/* Places in the index of a commit being resolved that are kept for the next one. */
#define PENDING_CAPACITY_KEPT 1024

void tj__tip_free(tj__tip *tip)
{
    if (!tip) {
        return;
    }
    tj__tip_drop_pending(tip);
    for (size_t i = 0; i < tip->rows.slot_count; i++) {
        free(tip->rows.slots[i].entry);
    }
    for (size_t i = 0; i < tip->book_count; i++) {
        tj__held_list_dispose(&tip->books[i].rows);
    }
    tj__ledger_ids_dispose(&tip->ledger_ids);
    tj__keytable_dispose(&tip->rows);
    tj__keytable_dispose(&tip->pending);
    tj__held_list_dispose(&tip->pending_rows);
    tj__buffer_dispose(&tip->merged);
    tj__held_list_dispose(&tip->named);
    tj__buffer_dispose(&tip->ranks);
    free(tip->commit_ids.rows);
    free(tip->books);
    free(tip);
}

uint64_t tj__tip_commit_sequence(const tj__tip *tip, const tj_uuid *commit_id)
{
    tj__key key = tj__key_commit(commit_id);
    const tj__held *row = tj__held_find(&tip->rows, tj__key_bytes(&key));
    return row ? row->sequence : 0;
}

tj__tip_book *tj__tip_book_by_number(tj__tip *tip, uint32_t number)
{
    for (size_t i = 0; i < tip->book_count + tip->pending_book_count; i++) {
        if (tip->books[i].number == number) {
            return &tip->books[i];
        }
    }
    return NULL;
}

bool tj__tip_reserve_book(tj__tip *tip)
{
    size_t count = tip->book_count + tip->pending_book_count;
    if (count < tip->book_capacity) {
        return true;
    }
    size_t capacity = count > 0 ? 2 * count : 4;
    tj__tip_book *books = realloc(tip->books, capacity * sizeof *books);
    if (!books) {
        return false;
    }
    tip->books = books;
    tip->book_capacity = capacity;
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

/* Room that a large commit needed would slow all small ones down: it does not fit into the
 * cache. */
static void empty_pending(tj__tip *tip)
{
    tip->pending_rows.size = 0;
    tip->pending_rows.count = 0;
    if (tip->pending.slot_count > PENDING_CAPACITY_KEPT) {
        tj__keytable_dispose(&tip->pending);
        tj__held_list_dispose(&tip->pending_rows);
    }
}

void tj__tip_drop_pending(tj__tip *tip)
{
    for (size_t i = 0; i < tip->pending_rows.size; i++) {
        tj__held_index_remove(&tip->pending, tip->pending_rows.rows[i]);
        free(tip->pending_rows.rows[i]);
    }
    empty_pending(tip);
    tj__ledger_ids_drop(&tip->ledger_ids);
    for (size_t i = 0; i < tip->pending_book_count; i++) {
        tj__held_list_dispose(&tip->books[tip->book_count + i].rows);
    }
    tip->pending_book_count = 0;
    free(tip->pending_commit);
    tip->pending_commit = NULL;
}

/* ---- advance ------------------------------------------------------------------------------ */

static void remove_row(tj__tip *tip, tj__tip_book *book, tj__held *row)
{
    if (book) {
        book->kind_counts[row->bytes[TJ__KEY_KIND_AT]]--;
        tj__held_list_remove(&book->rows, row);
    } else {
        forget_oldest(&tip->commit_ids, row);
    }
    tj__held_index_remove(&tip->rows, row);
    free(row);
}

static void replace_row(tj__tip *tip, tj__tip_book *book, tj__held *old, tj__held *row)
{
    tj__held_index_replace(&tip->rows, old, row);
    if (book) {
        row->slot = old->slot;
        book->rows.rows[row->slot] = row;
    }
    free(old);
}

static void add_row(tj__tip *tip, tj__tip_book *book, tj__held *row)
{
    tj__held_index_add(&tip->rows, row);
    if (book) {
        book->kind_counts[row->bytes[TJ__KEY_KIND_AT]]++;
        tj__held_list_add(&book->rows, row);
    }
}

/* Moves a STATE, BOOKS, COMMITS or COUNTERS row over. book is NULL but for STATE. */
static void take_over(tj__tip *tip, tj__tip_book *book, tj__held *row)
{
    tj__held *old = tj__held_find_same(&tip->rows, row);
    if (row->deleted) {
        remove_row(tip, book, old);
        free(row);
    } else if (old) {
        replace_row(tip, book, old, row);
    } else {
        add_row(tip, book, row);
    }
}

/* A BOOKS row that was written again: the name is a view of its key. */
static void renew_name(tj__tip *tip, tj__held *row)
{
    uint32_t number = tj__load_u32(tj__held_value(row).data + 1);
    tj__tip_book *book = tj__tip_book_by_number(tip, number);
    book->name = (tj_str){(const char *)row->bytes + TJ__KEY_REST_AT,
                          (size_t)row->key_size - TJ__KEY_REST_AT};
    book->state_sequence = row->sequence;
}

static void advance_row(tj__tip *tip, tj__held *row, uint64_t sequence)
{
    row->sequence = sequence;
    switch (row->bytes[0]) {
    case TJ__TABLE_STATE: {
        uint32_t number = tj__load_u32_be(row->bytes + TJ__KEY_BOOK_AT);
        tj__tip_book *book = tj__tip_book_by_number(tip, number);
        book->state_sequence = sequence;
        take_over(tip, book, row);
        break;
    }
    case TJ__TABLE_BOOKS:
        take_over(tip, NULL, row);
        renew_name(tip, row);
        break;
    case TJ__TABLE_COMMITS:
    case TJ__TABLE_COUNTERS:
        take_over(tip, NULL, row);
        break;
    default: /* algorithms and ledger are not held */
        free(row);
        break;
    }
}

static void advance_commit_id(tj__tip *tip, uint64_t sequence)
{
    tj__held *row = tip->pending_commit;
    if (!row) {
        return;
    }
    tip->pending_commit = NULL;
    row->sequence = sequence;
    tj__commit_value(row->bytes + row->key_size, sequence);
    tj__held_index_add(&tip->rows, row);
    tj__commit_ids_add(&tip->commit_ids, row);
}

void tj__tip_advance(tj__tip *tip, uint64_t sequence)
{
    for (size_t i = 0; i < tip->pending_rows.size; i++) {
        tj__held *row = tip->pending_rows.rows[i];
        tj__held_index_remove(&tip->pending, row);
        advance_row(tip, row, sequence);
    }
    empty_pending(tip);
    for (size_t i = 0; i < tip->book_count + tip->pending_book_count; i++) {
        tj__tip_book *book = &tip->books[i];
        book->ledger_last = book->pending_ledger_last;
        book->rank_last = book->pending_rank_last;
    }
    tip->book_count += tip->pending_book_count;
    tip->pending_book_count = 0;
    advance_commit_id(tip, sequence);
    tj__ledger_ids_advance(&tip->ledger_ids, sequence);
    tip->sequence = sequence;
}
