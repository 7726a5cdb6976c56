/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The books of a plan: known, new, or a mistake. */
#include <inttypes.h>

#include "base/error.h"
#include "base/text.h"
#include "commit/resolve.h"
#include "rows/row.h"
#include "rows/value.h"

static tj_str name_of(const tj__plan_book *book)
{
    return (tj_str){book->name, book->name_size};
}

static tj_status number_of_new_book(const tj__tip *tip, uint32_t *number, tj_error *error)
{
    uint32_t highest = 0;
    for (size_t i = 0; i < tip->book_count + tip->pending_book_count; i++) {
        highest = tip->books[i].number > highest ? tip->books[i].number : highest;
    }
    if (highest == UINT32_MAX) {
        return tj__fail(error, TJ_LIMIT, "the journal's book numbers are used up");
    }
    *number = highest + 1;
    return TJ_OK;
}

/* A name that looks like another one would part a book in two. Those that are stored stay
 * readable. */
static tj_status check_new_name(tj_str name, tj_error *error)
{
    char quoted[TJ__QUOTE_SIZE];
    if (name.data[0] != ' ' && name.data[name.size - 1] != ' ' &&
        tj_text_visible(name, NULL, 0) == name.size) {
        return TJ_OK;
    }
    return tj__fail(error, TJ_INVALID,
                    "the name %s of a new book begins or ends with a blank, or holds a character "
                    "that is not seen",
                    tj__text_quote(name, quoted));
}

static tj_status create(tj__tip *tip, const tj__plan_book *plan_book, tj_error *error)
{
    uint32_t number = 0;
    uint8_t value[TJ__BOOK_VALUE_SIZE];
    tj__held *row = NULL;
    TJ_TRY(check_new_name(name_of(plan_book), error));
    TJ_TRY(number_of_new_book(tip, &number, error));
    if (!tj__tip_reserve_book(tip)) {
        return tj__draft_no_memory(error);
    }
    tj__book_value(value, number);
    tj__key key = tj__key_book_name(name_of(plan_book));
    TJ_TRY(tj__draft_put(tip, tj__key_bytes(&key), tj__bytes_of(value, sizeof value), &row, error));
    tip->books[tip->book_count + tip->pending_book_count++] =
        (tj__tip_book){.number = number,
                       .name = {(const char *)row->bytes + TJ__KEY_REST_AT, plan_book->name_size}};
    return TJ_OK;
}

static size_t find(const tj__tip *tip, tj_str name)
{
    size_t count = tip->book_count + tip->pending_book_count;
    size_t i = 0;
    while (i < count && !tj_str_equal(tip->books[i].name, name)) {
        i++;
    }
    return i;
}

/* Creates the books that the plan asks for, so that its order does not matter. */
static tj_status create_books(tj__plan *plan, tj__tip *tip, tj_error *error)
{
    for (size_t i = 0; i < plan->book_count; i++) {
        const tj__plan_book *book = &plan->books[i];
        if (!book->create) {
            continue;
        }
        if (find(tip, name_of(book)) < tip->book_count) {
            char quoted[TJ__QUOTE_SIZE];
            return tj__fail(error, TJ_EXISTS, "book %s is in this journal already",
                            tj__text_quote(name_of(book), quoted));
        }
        TJ_TRY(create(tip, book, error));
    }
    return TJ_OK;
}

static tj_status unknown_book(const tj__tip *tip, tj_str name, tj_error *error)
{
    tj__name_list list = {0};
    for (size_t i = 0; i < tip->book_count + tip->pending_book_count; i++) {
        tj__name_list_add(&list, tip->books[i].name);
    }
    return tj__book_unknown(name, &list, error);
}

/* The very first book of a journal needs no creation. */
static tj_status locate(tj__plan_book *plan_book, tj__tip *tip, tj_error *error)
{
    tj_str name = name_of(plan_book);
    size_t index = find(tip, name);
    if (index == tip->book_count + tip->pending_book_count) {
        if (index > 0) {
            return unknown_book(tip, name, error);
        }
        TJ_TRY(create(tip, plan_book, error));
    }
    plan_book->tip_index = index;
    return TJ_OK;
}

/* newest is that of any commit, so an expectation beyond it is one of another journal's, or of
 * commits that this one has no more: an older copy. */
static tj_status check_state(const tj__plan_book *plan_book, const tj__tip_book *book,
                             uint64_t newest, const tj_commit_options *options, tj_error *error)
{
    char quoted[TJ__QUOTE_SIZE];
    if (!plan_book->touches_state) {
        return TJ_OK;
    }
    if (book->damage.status != TJ_OK) {
        return tj__error_pass(error, &book->damage);
    }
    uint64_t expected = options ? options->expected_sequence : 0;
    if (expected != 0 && book->state_sequence > expected) {
        return tj__fail(error, TJ_CONFLICT,
                        "the state of book %s was changed by commit %" PRIu64
                        ", after the expected %" PRIu64 "; load it again",
                        tj__text_quote(book->name, quoted), book->state_sequence, expected);
    }
    if (expected > newest) {
        return tj__fail(
            error, TJ_CONFLICT,
            "the expected commit %" PRIu64 " is not there, the newest is %" PRIu64
            ": the journal is another or older one than the state of book %s was loaded "
            "from; load it again",
            expected, newest, tj__text_quote(book->name, quoted));
    }
    return TJ_OK;
}

static void reset_pending(tj__tip *tip)
{
    for (size_t i = 0; i < tip->book_count + tip->pending_book_count; i++) {
        tj__tip_book *book = &tip->books[i];
        book->pending_ledger_last = book->ledger_last;
        book->pending_rank_last = book->rank_last;
        book->pending_puts = 0;
        book->pending_deletes = 0;
    }
}

tj_status tj__resolve_books(tj__plan *plan, tj__tip *tip, const tj_commit_options *options,
                            tj_error *error)
{
    TJ_TRY(create_books(plan, tip, error));
    for (size_t i = 0; i < plan->book_count; i++) {
        tj__plan_book *book = &plan->books[i];
        if (book->used) {
            TJ_TRY(locate(book, tip, error));
            TJ_TRY(check_state(book, &tip->books[book->tip_index], tip->sequence, options, error));
        }
    }
    reset_pending(tip);
    return TJ_OK;
}
