/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The tip of a journal, from its rows: at open. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "commit/tip.h"
#include "rows/load.h"
#include "rows/row.h"
#include "rows/value.h"

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to hold the state rows");
}

static tj_status hold(tj__tip *tip, const tj__row *row, tj__held **out, tj_error *error)
{
    if (!tj__keytable_reserve(&tip->rows, 1)) {
        return no_memory(error);
    }
    tj__held *held = tj__held_new(row->key, row->value);
    if (!held) {
        return no_memory(error);
    }
    held->sequence = row->sequence;
    tj__held_index_add(&tip->rows, held);
    *out = held;
    return TJ_OK;
}

static tj_status add_book(void *context, const tj__row *row, tj_error *error)
{
    tj__tip *tip = context;
    uint32_t number = 0;
    tj__held *held = NULL;
    TJ_TRY(tj__row_intact(row, error));
    TJ_TRY(tj__row_explain(row, tj__book_value_get(row->value, &number, error), error));
    if (!tj__tip_reserve_book(tip)) {
        return no_memory(error);
    }
    TJ_TRY(hold(tip, row, &held, error));
    tip->books[tip->book_count++] = (tj__tip_book){
        .number = number,
        .name = {(const char *)held->bytes + TJ__KEY_REST_AT, row->key.size - TJ__KEY_REST_AT},
        .state_sequence = row->sequence};
    return TJ_OK;
}

/* A row that cannot be read must not be taken for what a save may replace: the book refuses state
 * changes from now on, and its algorithms and ledger go on. */
static void note_damage(tj__tip_book *book, const tj__row *row)
{
    tj_error found = TJ_ERROR_INIT;
    tj_status status = tj__row_intact(row, &found);
    if (status == TJ_OK) {
        status = tj__row_explain(row, tj__state_row_check(row->key, row->value, &found), &found);
    }
    if (status != TJ_OK && book->damage.status == TJ_OK) {
        tj__error_context(&found, "the state of book \"%.*s\" cannot be saved over it",
                          (int)book->name.size, book->name.data);
        book->damage = found;
    }
}

static tj_status add_state(void *context, const tj__row *row, tj_error *error)
{
    tj__tip *tip = context;
    tj__held *held = NULL;
    tj__key_parts parts = {0};
    bool whole = tj__key_split(row->key, &parts);
    tj__tip_book *book = tj__tip_book_by_number(tip, parts.book);
    if (!book) {
        return tj__fail(error, TJ_CORRUPT,
                        "a state row belongs to book number %" PRIu32 ", which has no name",
                        parts.book);
    }
    note_damage(book, row);
    if (!row->damaged && row->sequence > book->state_sequence) {
        book->state_sequence = row->sequence;
    }
    if (!whole || book->damage.status != TJ_OK) {
        return TJ_OK;
    }
    if (!tj__held_list_reserve(&book->rows, 1)) {
        return no_memory(error);
    }
    TJ_TRY(hold(tip, row, &held, error));
    tj__held_list_add(&book->rows, held);
    book->kind_counts[parts.kind]++;
    if (parts.kind == TJ__KIND_ORDER && tj__rank_get(row->value.data) > book->rank_last) {
        book->rank_last = tj__rank_get(row->value.data);
    }
    return TJ_OK;
}

static tj_status add_commit_id(void *context, const tj__row *row, tj_error *error)
{
    tj__tip *tip = context;
    tj__held *held = NULL;
    uint64_t sequence = 0;
    TJ_TRY(tj__row_intact(row, error));
    TJ_TRY(tj__row_explain(row, tj__commit_value_get(row->value, &sequence, error), error));
    if (!tj__commit_ids_reserve(&tip->commit_ids)) {
        return no_memory(error);
    }
    TJ_TRY(hold(tip, row, &held, error));
    held->sequence = sequence;
    tj__commit_ids_add(&tip->commit_ids, held);
    return TJ_OK;
}

static tj_status add_counter(void *context, const tj__row *row, tj_error *error)
{
    tj__held *ignored = NULL;
    TJ_TRY(tj__counter_row_check(row, error));
    return hold(context, row, &ignored, error);
}

static int compare_sequence(const void *a, const void *b)
{
    const tj__held *left = *(tj__held *const *)a;
    const tj__held *right = *(tj__held *const *)b;
    return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

static tj_status scan_table(tj__tip *tip, tj__row_source *rows, tj__table table,
                            tj__row_visitor *visitor, tj_error *error)
{
    uint8_t prefix = (uint8_t)table;
    return tj__rows_scan_prefix(rows, tj__bytes_of(&prefix, 1), false, visitor, tip, error);
}

static tj_status build(tj__tip *tip, tj__row_source *rows, tj_error *error)
{
    TJ_TRY(scan_table(tip, rows, TJ__TABLE_BOOKS, add_book, error));
    TJ_TRY(scan_table(tip, rows, TJ__TABLE_STATE, add_state, error));
    TJ_TRY(scan_table(tip, rows, TJ__TABLE_COMMITS, add_commit_id, error));
    TJ_TRY(scan_table(tip, rows, TJ__TABLE_COUNTERS, add_counter, error));
    if (tip->commit_ids.count > 0) {
        qsort(tip->commit_ids.rows, tip->commit_ids.count, sizeof(tj__held *), compare_sequence);
    }
    for (size_t i = 0; i < tip->book_count; i++) {
        tj__tip_book *book = &tip->books[i];
        TJ_TRY(tj__ledger_latest(rows, book->number, &book->ledger_last, error));
    }
    tip->sequence = rows->sequence;
    return TJ_OK;
}

tj_status tj__tip_build(tj__row_source *rows, tj__tip **out, tj_error *error)
{
    *out = NULL;
    tj__tip *tip = calloc(1, sizeof *tip);
    if (!tip) {
        return no_memory(error);
    }
    tj_status status = tj__ledger_ids_init(&tip->ledger_ids, error);
    if (status == TJ_OK) {
        status = build(tip, rows, error);
    }
    if (status != TJ_OK) {
        tj__tip_free(tip);
        return status;
    }
    *out = tip;
    return TJ_OK;
}

tj_status tj__tip_attach(tj__tip *tip, const tj__stored *stored, tj__row_source *rows,
                         tj_error *error)
{
    return tj__ledger_ids_attach(&tip->ledger_ids, stored, rows, error);
}
