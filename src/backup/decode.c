/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every row decoded, by the loads that a runtime uses. */
#include "backup/decode.h"

#include "base/error.h"
#include "model/change.h"
#include "rows/key.h"
#include "rows/load.h"
#include "rows/quarantine.h"
#include "rows/value.h"

/* Ledger entries in memory at once. */
#define LEDGER_PIECE ((size_t)4096)

static tj_status note(void *context, const tj__quarantined *row, tj_error *error)
{
    (void)row;
    (void)error;
    *(bool *)context = true;
    return TJ__STOP;
}

/* A book whose state is in quarantine has none that could be loaded. */
static tj_status decode_state(tj__row_source *rows, uint32_t book, tj_error *error)
{
    bool quarantined = false;
    tj_live_state *state = NULL;
    TJ_TRY(tj__quarantine_scan(rows, book, TJ__TABLE_STATE, note, &quarantined, error));
    if (quarantined) {
        return TJ_OK;
    }
    TJ_TRY(tj__state_load(rows, book, &state, error));
    tj_live_state_free(state);
    return TJ_OK;
}

static tj_status decode_algo(void *context, const tj__row *row, tj_error *error)
{
    (void)context;
    tj_algo_state state;
    tj_status status = tj__algo_get(row->value, &state, error);
    if (status != TJ_OK) {
        char text[TJ__KEY_TEXT_SIZE];
        tj__key_describe(row->key, text);
        tj__error_context(error, "%s", text);
    }
    return status;
}

static tj_status decode_ledger(tj__row_source *rows, uint32_t book, tj_error *error)
{
    size_t found = LEDGER_PIECE;
    tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
    query.limit = LEDGER_PIECE;
    while (found == LEDGER_PIECE) {
        tj_ledger_list *list = NULL;
        TJ_TRY(tj__ledger_find(rows, book, &query, &list, error));
        found = list->count;
        if (found > 0) {
            query.sequence_first = list->entries[found - 1].sequence + 1;
        }
        tj_ledger_list_free(list);
    }
    return TJ_OK;
}

static tj_status decode_counter(void *context, const tj__row *row, tj_error *error)
{
    (void)context;
    uint64_t next = 0;
    return tj__counter_get(row->value, &next, error);
}

static tj_status decode_books(tj__row_source *rows, const tj_book_list *books, tj_error *error)
{
    for (size_t i = 0; i < books->count; i++) {
        uint32_t book = 0;
        TJ_TRY(tj__book_find(rows, books->books[i].name, &book, error));
        TJ_TRY(decode_state(rows, book, error));
        TJ_TRY(decode_ledger(rows, book, error));
    }
    return TJ_OK;
}

tj_status tj__decode_all(tj__row_source *rows, tj_error *error)
{
    static const uint8_t algos = TJ__TABLE_ALGOS;
    static const uint8_t counters = TJ__TABLE_COUNTERS;
    tj_book_list *books = NULL;
    TJ_TRY(tj__rows_scan_prefix(rows, tj__bytes_of(&algos, 1), false, decode_algo, NULL, error));
    TJ_TRY(
        tj__rows_scan_prefix(rows, tj__bytes_of(&counters, 1), false, decode_counter, NULL, error));
    TJ_TRY(tj__book_list_load(rows, &books, error));
    tj_status status = decode_books(rows, books, error);
    tj_book_list_free(books);
    return status;
}
