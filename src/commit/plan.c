/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A plan's books, its scopes and the rows that its parts write. */
#include "commit/plan.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "json/check.h"

tj__plan *tj__plan_new(void)
{
    return calloc(1, sizeof(tj__plan));
}

void tj__plan_free(tj__plan *plan)
{
    if (!plan) {
        return;
    }
    tj__buffer_dispose(&plan->rows);
    free(plan->books);
    free(plan);
}

void tj__plan_clear(tj__plan *plan)
{
    tj__buffer_clear(&plan->rows);
    plan->book_count = 0;
    plan->book = 0;
    plan->json_read = false;
}

void tj__plan_json_read(tj__plan *plan, bool read)
{
    plan->json_read = read;
}

tj_status tj__plan_check_json(const tj__plan *plan, tj_str json, const char *what, tj_error *error)
{
    return plan->json_read ? tj__json_check_size(json, what, error)
                           : tj__json_check(json, what, error);
}

size_t tj__plan_memory(const tj__plan *plan)
{
    return plan->rows.capacity + plan->book_capacity * sizeof *plan->books;
}

/* ---- books ------------------------------------------------------------------------------- */

static tj_status check_book_name(tj_str name, tj_error *error)
{
    char quoted[TJ__QUOTE_SIZE];
    if (name.size == 0 || name.size > TJ_BOOK_SIZE_MAX) {
        return tj__fail(error, TJ_INVALID, "a book name has 1 to %d bytes, not %zu",
                        TJ_BOOK_SIZE_MAX, name.size);
    }
    bool control = false;
    for (size_t i = 0; i < name.size; i++) {
        control = control || (unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f;
    }
    if (control || !tj__text_is_utf8(name)) {
        return tj__fail(error, TJ_INVALID,
                        "the book name %s is not UTF-8 without control characters",
                        tj__text_quote(name, quoted));
    }
    return TJ_OK;
}

static size_t find_book(const tj__plan *plan, tj_str name)
{
    size_t i = 0;
    while (i < plan->book_count &&
           !tj_str_equal((tj_str){plan->books[i].name, plan->books[i].name_size}, name)) {
        i++;
    }
    return i;
}

/* Finds or adds a book. */
static tj_status need_book(tj__plan *plan, tj_str name, size_t *index, tj_error *error)
{
    TJ_TRY(check_book_name(name, error));
    *index = find_book(plan, name);
    if (*index < plan->book_count) {
        return TJ_OK;
    }
    if (plan->book_count == plan->book_capacity) {
        size_t capacity = plan->book_capacity > 0 ? 2 * plan->book_capacity : 4;
        tj__plan_book *books = realloc(plan->books, capacity * sizeof *books);
        if (!books) {
            return tj__fail(error, TJ_NOMEM, "no memory for the books of a transaction");
        }
        plan->books = books;
        plan->book_capacity = capacity;
    }
    tj__plan_book *book = &plan->books[plan->book_count++];
    *book = (tj__plan_book){.name_size = name.size};
    memcpy(book->name, name.data, name.size);
    return TJ_OK;
}

tj_status tj__plan_use_book(tj__plan *plan, tj_str name, tj_error *error)
{
    size_t index = 0;
    TJ_TRY(need_book(plan, name, &index, error));
    plan->book = index;
    return TJ_OK;
}

tj_status tj__plan_create_book(tj__plan *plan, tj_str name, tj_error *error)
{
    size_t in_use = plan->book < plan->book_count ? plan->book : SIZE_MAX;
    size_t index = 0;
    TJ_TRY(need_book(plan, name, &index, error));
    plan->book = in_use;
    plan->books[index].create = true;
    return TJ_OK;
}

/* ---- rows -------------------------------------------------------------------------------- */

tj_status tj__plan_begin(tj__plan *plan, size_t *mark, tj_error *error)
{
    if (plan->book >= plan->book_count) {
        return tj__fail(error, TJ_MISUSE, "no book was chosen before the first change");
    }
    *mark = plan->rows.size;
    return TJ_OK;
}

tj_status tj__plan_end(tj__plan *plan, size_t mark, bool touches_state, tj_status status)
{
    if (status != TJ_OK) {
        plan->rows.size = mark;
        plan->rows.failed = false;
        return status;
    }
    tj__plan_book *book = &plan->books[plan->book];
    book->used = true;
    book->touches_state = book->touches_state || touches_state;
    return TJ_OK;
}

tj_status tj__plan_row_open(tj__plan *plan, tj__plan_op op, tj__table table, size_t bound,
                            tj__pen *pen, tj_error *error)
{
    if (!tj__buffer_reserve(&plan->rows, TJ__PLAN_ROW_HEAD_SIZE + TJ__KEY_REST_AT + bound)) {
        return tj__fail(error, TJ_NOMEM, "no memory for the rows of a transaction");
    }
    plan->op = op;
    plan->row_at = plan->rows.size;
    pen->at = plan->rows.data + plan->row_at + TJ__PLAN_ROW_HEAD_SIZE;
    tj__pen_u8(pen, (uint8_t)table);
    tj__pen_u32(pen, 0);
    return TJ_OK;
}

void tj__plan_key_close(tj__plan *plan, const tj__pen *pen)
{
    plan->value_at = (size_t)(pen->at - plan->rows.data);
    plan->rows.size = plan->value_at;
}

tj_status tj__plan_row_close(tj__plan *plan, unsigned keep, tj_error *error)
{
    size_t key_size = plan->value_at - plan->row_at - TJ__PLAN_ROW_HEAD_SIZE;
    size_t value_size = plan->rows.size - plan->value_at;
    if (plan->rows.failed) {
        return tj__fail(error, TJ_NOMEM, "no memory for the rows of a transaction");
    }
    if (key_size > TJ__ROW_KEY_SIZE_MAX || value_size > TJ__ROW_VALUE_SIZE_MAX) {
        return tj__fail(error, TJ_LIMIT,
                        "a row with a key of %zu and a value of %zu bytes is above the limits of "
                        "%d and %u bytes",
                        key_size, value_size, TJ__ROW_KEY_SIZE_MAX, TJ__ROW_VALUE_SIZE_MAX);
    }
    uint8_t *head = plan->rows.data + plan->row_at;
    uint32_t book = (uint32_t)plan->book;
    uint32_t value_size_32 = (uint32_t)value_size;
    uint16_t key_size_16 = (uint16_t)key_size;
    memcpy(head, &book, 4);
    memcpy(head + 4, &value_size_32, 4);
    memcpy(head + 8, &key_size_16, 2);
    head[10] = (uint8_t)plan->op;
    head[11] = (uint8_t)keep;
    return TJ_OK;
}

tj_status tj__plan_scope_begin(tj__plan *plan, unsigned kinds, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(tj__plan_row_open(plan, TJ__PLAN_SCOPE_BEGIN, TJ__TABLE_STATE, 0, &pen, error));
    tj__plan_key_close(plan, &pen);
    tj__put_u32(&plan->rows, kinds);
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_scope_end(tj__plan *plan, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(tj__plan_row_open(plan, TJ__PLAN_SCOPE_END, TJ__TABLE_STATE, 0, &pen, error));
    tj__plan_key_close(plan, &pen);
    return tj__plan_row_close(plan, 0, error);
}
