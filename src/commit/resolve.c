/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From the pending rows to a commit: what belongs to them, the record body, room for the
 * advance. */
#include <inttypes.h>

#include "base/error.h"
#include "commit/resolve.h"
#include "rows/body.h"
#include "rows/value.h"

/* ---- what a portfolio needs ------------------------------------------------------------------ */

/* Creates the row of a sub-account that a position or balance names and that is not there. */
static tj_status need_sub_account(tj__tip *tip, uint32_t book, tj_str owner, tj_error *error)
{
    const uint8_t empty[] = {tj__kinds[TJ__KIND_SUB_ACCOUNT]->version};
    tj__held *ignored = NULL;
    tj__key key = tj__key_kind(book, TJ__KIND_SUB_ACCOUNT);
    memcpy(key.bytes + key.size, owner.data, owner.size);
    key.size += owner.size;
    if (tj__draft_find(tip, tj__key_bytes(&key))) {
        return TJ_OK;
    }
    return tj__draft_put(tip, tj__key_bytes(&key), tj__bytes_of(empty, sizeof empty), &ignored,
                         error);
}

static tj_status check_holding(tj__tip *tip, const tj__held *row, tj_error *error)
{
    tj__key_parts parts;
    tj_str owner = {0};
    tj_str identity = {0};
    bool is_key = tj__key_split(tj__held_key(row), &parts);
    TJ_ASSERT(is_key);
    if (!(TJ__KIND_BIT(parts.kind) & TJ__KINDS_PORTFOLIO) || parts.kind == TJ__KIND_HEAD) {
        return TJ_OK;
    }
    tj__key head = tj__key_kind(parts.book, TJ__KIND_HEAD);
    if (!tj__draft_find(tip, tj__key_bytes(&head))) {
        char text[TJ__KEY_TEXT_SIZE];
        tj__key_describe(tj__held_key(row), text);
        return tj__fail(error, TJ_INVALID,
                        "%s needs a portfolio: save the portfolio's own members first", text);
    }
    if (parts.kind == TJ__KIND_SUB_ACCOUNT) {
        return TJ_OK;
    }
    bool has_owner = tj__key_split_owner(&parts, &owner, &identity);
    TJ_ASSERT(has_owner);
    return owner.size > 0 ? need_sub_account(tip, parts.book, owner, error) : TJ_OK;
}

static tj_status check_portfolios(tj__tip *tip, tj_error *error)
{
    size_t size = tip->pending_rows.size; /* sub-accounts made here need no look */
    for (size_t i = 0; i < size; i++) {
        const tj__held *row = tip->pending_rows.rows[i];
        if (row->bytes[0] == TJ__TABLE_STATE && !row->deleted) {
            TJ_TRY(check_holding(tip, row, error));
        }
    }
    return TJ_OK;
}

/* ---- commit ids --------------------------------------------------------------------------- */

static tj_status prepare_commit_id(tj__tip *tip, const tj_uuid *commit_id, tj_error *error)
{
    tj__commit_ids *ids = &tip->commit_ids;
    if (tj__tip_commit_sequence(tip, commit_id) != 0) {
        return tj__fail(error, TJ_EXISTS, "the commit id names commit %" PRIu64 " already",
                        tj__tip_commit_sequence(tip, commit_id));
    }
    for (size_t i = 0; ids->count - i >= TJ_COMMIT_ID_KEPT; i++) {
        TJ_TRY(tj__draft_delete(tip, tj__held_key(ids->rows[ids->first + i]), error));
    }
    uint8_t value[TJ__COMMIT_VALUE_SIZE] = {0};
    tj__key key = tj__key_commit(commit_id);
    tip->pending_commit = tj__held_new(tj__key_bytes(&key), tj__bytes_of(value, sizeof value));
    return tip->pending_commit && tj__commit_ids_reserve(ids) ? TJ_OK : tj__draft_no_memory(error);
}

/* ---- state sequences ------------------------------------------------------------------------ */

static void count_state_changes(tj__tip *tip)
{
    for (size_t i = 0; i < tip->pending_rows.size; i++) {
        const tj__held *row = tip->pending_rows.rows[i];
        if (row->bytes[0] == TJ__TABLE_STATE) {
            uint32_t number = tj__load_u32_be(row->bytes + TJ__KEY_BOOK_AT);
            tj__tip_book *book = tj__tip_book_by_number(tip, number);
            *(row->deleted ? &book->pending_deletes : &book->pending_puts) += 1;
        }
    }
}

/* A put leaves its commit's sequence in the row; where a commit only deletes, the book's own row is
 * written again and carries it. So the newest sequence is always in some row. */
static tj_status keep_state_sequences(tj__tip *tip, tj_error *error)
{
    count_state_changes(tip);
    for (size_t i = 0; i < tip->book_count; i++) {
        const tj__tip_book *book = &tip->books[i];
        if (book->pending_deletes == 0 || book->pending_puts > 0) {
            continue;
        }
        uint8_t value[TJ__BOOK_VALUE_SIZE];
        tj__held *ignored = NULL;
        tj__key key = tj__key_book_name(book->name);
        tj__book_value(value, book->number);
        TJ_TRY(tj__draft_put(tip, tj__key_bytes(&key), tj__bytes_of(value, sizeof value), &ignored,
                             error));
    }
    return TJ_OK;
}

/* ---- the record body, and room for the advance --------------------------------------------- */

static tj_status write_body(const tj__tip *tip, tj__resolved *resolved, tj_error *error)
{
    size_t size = 0;
    const tj__held_list *list = &tip->pending_rows;
    for (size_t i = 0; i < list->size; i++) {
        size += TJ__CHANGE_HEAD_SIZE + (size_t)list->rows[i]->key_size + list->rows[i]->value_size;
    }
    if (size > TJ__BODY_SIZE_MAX || list->size > UINT32_MAX) {
        return tj__fail(error, TJ_LIMIT,
                        "the commit has %zu changes of %zu bytes, more than the %zu bytes that one "
                        "commit can have; split it",
                        list->size, size, TJ__BODY_SIZE_MAX);
    }
    tj__buffer_reserve(&resolved->body, size);
    for (size_t i = 0; i < list->size; i++) {
        const tj__held *row = list->rows[i];
        tj__change change = {row->deleted ? TJ__CHANGE_DELETE : TJ__CHANGE_PUT, tj__held_key(row),
                             tj__held_value(row)};
        tj__body_put(&resolved->body, &change);
    }
    resolved->change_count = (uint32_t)list->size;
    return resolved->body.failed ? tj__draft_no_memory(error) : TJ_OK;
}

static tj_status reserve_advance(tj__tip *tip, tj_error *error)
{
    bool enough = tj__keytable_reserve(&tip->rows, tip->pending_rows.size + 1) &&
                  tj__ledger_ids_reserve(&tip->ledger_ids);
    for (size_t i = 0; i < tip->book_count + tip->pending_book_count; i++) {
        tj__tip_book *book = &tip->books[i];
        enough = enough && tj__held_list_reserve(&book->rows, book->pending_puts);
    }
    return enough ? TJ_OK : tj__draft_no_memory(error);
}

static tj_status resolve(tj__plan *plan, const tj_live_state *state, tj__tip *tip,
                         const tj_commit_options *options, tj__resolved *resolved, tj_error *error)
{
    TJ_TRY(tj__resolve_books(plan, tip, options, error));
    TJ_TRY(tj__resolve_rows(plan, state, tip, resolved, error));
    TJ_TRY(check_portfolios(tip, error));
    tj__draft_compact(tip);
    TJ_TRY(keep_state_sequences(tip, error));
    if (options && !tj_uuid_is_nil(options->commit_id)) {
        TJ_TRY(prepare_commit_id(tip, &options->commit_id, error));
    }
    TJ_TRY(reserve_advance(tip, error));
    return write_body(tip, resolved, error);
}

/* The outcome of an earlier one, or what a failed one has noted. */
static void drop(tj__tip *tip, tj__resolved *resolved)
{
    tj__tip_drop_pending(tip);
    tj__buffer_clear(&resolved->body);
    resolved->change_count = 0;
    resolved->ledger_last = 0;
    resolved->counter_first = 0;
}

tj_status tj__plan_resolve_state(tj__plan *plan, const tj_live_state *state, tj__tip *tip,
                                 const tj_commit_options *options, tj__resolved *resolved,
                                 tj_error *error)
{
    drop(tip, resolved);
    tj_status status = resolve(plan, state, tip, options, resolved, error);
    if (status != TJ_OK) {
        drop(tip, resolved);
    }
    return status;
}

tj_status tj__plan_resolve(tj__plan *plan, tj__tip *tip, const tj_commit_options *options,
                           tj__resolved *resolved, tj_error *error)
{
    return tj__plan_resolve_state(plan, NULL, tip, options, resolved, error);
}
