/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The list of a journal's books, with what each one holds. */
#include <tesser/config.h>

#include "base/arena.h"
#include "base/error.h"
#include "rows/load.h"
#include "rows/row.h"
#include "rows/value.h"

static tj_status scan_books(tj__row_source *rows, tj__row_visitor *visitor, void *context,
                            tj_error *error)
{
    uint8_t prefix = TJ__TABLE_BOOKS;
    return tj__rows_scan_prefix(rows, tj__bytes_of(&prefix, 1), false, visitor, context, error);
}

/* ---- finding one --------------------------------------------------------------------------- */

static tj_status list_name(void *context, const tj__row *row, tj_error *error)
{
    (void)error;
    tj_str name = {(const char *)row->key.data + TJ__KEY_REST_AT, row->key.size - TJ__KEY_REST_AT};
    tj__name_list_add(context, name);
    return TJ_OK;
}

static tj_status not_found(tj__row_source *rows, tj_str name, uint32_t *number, tj_error *error)
{
    tj__name_list list = {0};
    TJ_TRY(scan_books(rows, list_name, &list, error));
    if (list.size > 0) {
        return tj__book_unknown(name, &list, error);
    }
    *number = 0;
    return TJ_OK;
}

tj_status tj__book_find(tj__row_source *rows, tj_str name, uint32_t *number, tj_error *error)
{
    tj__row row;
    if (name.size == 0 || name.size > TJ_BOOK_SIZE_MAX) {
        return not_found(rows, name, number, error);
    }
    tj__key key = tj__key_book_name(name);
    tj_status status = rows->get(rows, tj__key_bytes(&key), &row, error);
    if (status == TJ_NOT_FOUND) {
        return not_found(rows, name, number, error);
    }
    TJ_TRY(status);
    TJ_TRY(tj__row_intact(&row, error));
    return tj__row_explain(&row, tj__book_value_get(row.value, number, error), error);
}

/* ---- listing ------------------------------------------------------------------------------ */

/* Books as they are found, with their numbers. */
typedef struct listing {
    tj__arena *arena;
    tj_book_list *list;
    uint32_t *numbers;
    size_t capacity;
} listing;

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for the list of books");
}

static tj_status count_book(void *context, const tj__row *row, tj_error *error)
{
    (void)row;
    (void)error;
    listing *all = context;
    all->capacity++;
    return TJ_OK;
}

static tj_status add_book(void *context, const tj__row *row, tj_error *error)
{
    listing *all = context;
    size_t at = all->list->count;
    TJ_ASSERT(at < all->capacity);
    TJ_TRY(tj__row_intact(row, error));
    TJ_TRY(tj__row_explain(row, tj__book_value_get(row->value, &all->numbers[at], error), error));
    tj_str name = {(const char *)row->key.data + TJ__KEY_REST_AT, row->key.size - TJ__KEY_REST_AT};
    all->list->books[at].name = tj__arena_str(all->arena, name);
    all->list->count++;
    return all->list->books[at].name.data ? TJ_OK : no_memory(error);
}

/* Rows of a state that are counted apart. */
enum { OTHER_ROW, ORDER_ROW, POSITION_ROW, SUB_ACCOUNT_POSITION_ROW };
_Static_assert(SUB_ACCOUNT_POSITION_ROW < TJ__ROW_CLASSES, "a tally has room for them");

_Static_assert(TJ__KEY_IDENTITY_AT < TJ__ROW_CLASS_SIZE, "the class stands in front");

unsigned tj__state_row_class(tj__bytes key)
{
    if (key.size <= TJ__KEY_IDENTITY_AT || key.data[0] != TJ__TABLE_STATE) {
        return OTHER_ROW;
    }
    uint8_t kind = key.data[TJ__KEY_KIND_AT];
    bool owned = key.data[TJ__KEY_IDENTITY_AT] != 0; /* an owner's name ends with a 0 byte */
    return kind == TJ__KIND_ORDER      ? ORDER_ROW
           : kind != TJ__KIND_POSITION ? OTHER_ROW
           : owned                     ? SUB_ACCOUNT_POSITION_ROW
                                       : POSITION_ROW;
}

static tj_status count_state_row(void *context, const tj__row *row, tj_error *error)
{
    tj__row_tally *tally = context;
    TJ_TRY(tj__row_intact(row, error)); /* a book whose state cannot be loaded is not counted */
    tally->rows[tj__state_row_class(row->key)]++;
    return TJ_OK;
}

static tj_status count_algo(void *context, const tj__row *row, tj_error *error)
{
    (void)row;
    (void)error;
    tj__row_tally *tally = context;
    tally->rows[OTHER_ROW]++;
    return TJ_OK;
}

static tj_status count_table(tj__row_source *rows, tj__table table, uint32_t number,
                             tj__row_visitor *count, tj__row_tally *tally, tj_error *error)
{
    tj__key prefix = tj__key_book(table, number);
    bool known = false;
    if (rows->tally) {
        TJ_TRY(
            rows->tally(rows, tj__key_bytes(&prefix), tj__state_row_class, tally, &known, error));
    }
    if (known) {
        return TJ_OK;
    }
    *tally = (tj__row_tally){0};
    return tj__rows_scan_prefix(rows, tj__key_bytes(&prefix), false, count, tally, error);
}

static tj_status count_rows(tj__row_source *rows, uint32_t number, tj_book_info *book,
                            tj_error *error)
{
    tj__row_tally state;
    tj__row_tally algos;
    TJ_TRY(count_table(rows, TJ__TABLE_STATE, number, count_state_row, &state, error));
    TJ_TRY(count_table(rows, TJ__TABLE_ALGOS, number, count_algo, &algos, error));
    uint64_t positions = state.rows[POSITION_ROW];
    uint64_t in_sub_accounts = state.rows[SUB_ACCOUNT_POSITION_ROW];
    book->state_row_count =
        state.rows[OTHER_ROW] + state.rows[ORDER_ROW] + positions + in_sub_accounts;
    book->open_order_count = state.rows[ORDER_ROW];
    book->position_count = positions > in_sub_accounts ? positions : in_sub_accounts;
    book->algo_count = algos.rows[OTHER_ROW];
    return tj__ledger_latest(rows, number, &book->ledger_sequence, error);
}

static tj_status load(tj__row_source *rows, listing *all, tj_error *error)
{
    TJ_TRY(scan_books(rows, count_book, all, error));
    all->list->books = tj__arena_array(all->arena, all->capacity, sizeof *all->list->books);
    all->numbers = tj__arena_array(all->arena, all->capacity, sizeof *all->numbers);
    if (!all->list->books || !all->numbers) {
        return no_memory(error);
    }
    TJ_TRY(scan_books(rows, add_book, all, error));
    for (size_t i = 0; i < all->list->count; i++) {
        TJ_TRY(count_rows(rows, all->numbers[i], &all->list->books[i], error));
    }
    return TJ_OK;
}

tj_status tj__book_list_load(tj__row_source *rows, tj_book_list **out, tj_error *error)
{
    void *object = NULL;
    *out = NULL;
    tj__arena *arena = tj__arena_new(sizeof(tj_book_list), &object);
    if (!arena) {
        return no_memory(error);
    }
    listing all = {.arena = arena, .list = object};
    tj_status status = load(rows, &all, error);
    if (status != TJ_OK) {
        tj__arena_free_object(object);
        return status;
    }
    *out = object;
    return TJ_OK;
}

void tj_book_list_free(tj_book_list *list)
{
    tj__arena_free_object(list);
}
