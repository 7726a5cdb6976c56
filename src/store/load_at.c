/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The repositories' loads, of the past. */
#include <inttypes.h>

#include "base/error.h"
#include "base/sized.h"
#include "rows/row.h"
#include "store/past.h"

/* Whether a row of now is as it was after a commit: no later one wrote it. Then the log need not be
 * read for it. */
static bool is_as_it_was(tj__row_source *now, tj__bytes key, uint64_t sequence)
{
    tj__row row;
    return now->get(now, key, &row, NULL) == TJ_OK && !row.damaged && row.sequence <= sequence;
}

/* The number of a book that has been there since; 0: the rows of then are to be asked. */
static uint32_t find_book_of_now(tj_store *store, const char *book, uint64_t sequence)
{
    tj__reading now;
    tj__key key = tj__key_book_name(tj_str_of(book));
    bool found = tj__reading_begin(&now, store, book, NULL) == TJ_OK && now.book != 0 &&
                 is_as_it_was(now.rows, tj__key_bytes(&key), sequence);
    tj__reading_end(&now);
    return found ? now.book : 0;
}

tj_status tj__looking_back_begin(tj__looking_back *back, tj_store *store, const char *book,
                                 tj_moment moment, uint64_t tables, tj_error *error)
{
    uint64_t sequence = 0;
    *back = (tj__looking_back){0};
    TJ_TRY(tj__past_of(store, &back->past, error));
    TJ_TRY(tj__moment_find(store, moment, &sequence, error));
    TJ_TRY(back->past->view_at(store->core->engine, sequence,
                               tables | TJ__TABLE_BIT(TJ__TABLE_BOOKS), &back->rows, error));
    back->book = find_book_of_now(store, book, sequence);
    if (back->book != 0) {
        return TJ_OK;
    }
    tj_status status = tj__book_find(back->rows, tj_str_of(book), &back->book, error);
    if (status == TJ_NOT_FOUND) {
        tj__error_context(error, "at commit %" PRIu64, sequence);
    }
    return status;
}

void tj__looking_back_end(tj__looking_back *back)
{
    if (back->rows) {
        back->past->view_at_end(back->rows);
    }
}

static tj_status missing(tj_error *error)
{
    return tj__fail(error, TJ_MISUSE,
                    "no repository, or an argument that must not be NULL is NULL");
}

/* ---- state and algorithms ---------------------------------------------------------------- */

tj_status tj_state_load_at(tj_state_repository *repository, tj_moment moment, tj_live_state **out,
                           tj_error *error)
{
    if (!repository || !out) {
        return missing(error);
    }
    *out = NULL;
    tj__looking_back back;
    uint64_t tables = TJ__TABLE_BIT(TJ__TABLE_STATE) | TJ__TABLE_BIT(TJ__TABLE_QUARANTINE);
    tj_status status =
        tj__looking_back_begin(&back, repository->store, repository->book, moment, tables, error);
    if (status == TJ_OK) {
        status = tj__state_load(back.rows, back.book, out, error);
    }
    tj__looking_back_end(&back);
    return status;
}

#define ALGO_TABLES (TJ__TABLE_BIT(TJ__TABLE_ALGOS) | TJ__TABLE_BIT(TJ__TABLE_QUARANTINE))

/* One that was not changed since. */
static tj_status load_algo_of_now(tj_algo_repository *repository, uint64_t sequence,
                                  const tj_uuid *id, bool *found, tj_algo_record **out,
                                  tj_error *error)
{
    tj__reading now;
    tj_status status = TJ_OK;
    *found = false;
    if (tj__reading_begin(&now, repository->store, repository->book, NULL) == TJ_OK) {
        tj__key key = tj__key_algo(now.book, id);
        *found = is_as_it_was(now.rows, tj__key_bytes(&key), sequence);
        status = *found ? tj__algo_load(now.rows, now.book, id, out, error) : TJ_OK;
    }
    tj__reading_end(&now);
    return status;
}

static tj_status load_algo(tj_algo_repository *repository, uint64_t sequence, const tj_uuid *id,
                           tj_algo_record **out, tj_error *error)
{
    tj__looking_back back;
    tj_status status =
        tj__looking_back_begin(&back, repository->store, repository->book,
                               (tj_moment){.sequence = sequence}, ALGO_TABLES, error);
    if (status == TJ_OK) {
        status = tj__algo_load(back.rows, back.book, id, out, error);
    }
    tj__looking_back_end(&back);
    return status;
}

tj_status tj_algo_load_at(tj_algo_repository *repository, tj_moment moment, const tj_uuid *id,
                          tj_algo_record **out, tj_error *error)
{
    if (!repository || !id || !out) {
        return missing(error);
    }
    *out = NULL;
    uint64_t sequence = 0;
    bool found = false;
    TJ_TRY(tj__moment_find(repository->store, moment, &sequence, error));
    TJ_TRY(load_algo_of_now(repository, sequence, id, &found, out, error));
    return found ? TJ_OK : load_algo(repository, sequence, id, out, error);
}

tj_status tj_algo_load_all_at(tj_algo_repository *repository, tj_moment moment, tj_algo_list **out,
                              tj_error *error)
{
    if (!repository || !out) {
        return missing(error);
    }
    *out = NULL;
    tj__looking_back back;
    tj_status status = tj__looking_back_begin(&back, repository->store, repository->book, moment,
                                              ALGO_TABLES, error);
    if (status == TJ_OK) {
        status = tj__algo_load_all(back.rows, back.book, out, error);
    }
    tj__looking_back_end(&back);
    return status;
}

/* ---- the ledger -------------------------------------------------------------------------- */

typedef struct first_entry {
    bool found;
    uint64_t sequence; /* of the entry */
    uint64_t commit;   /* that appended it */
} first_entry;

static tj_status take_first(void *context, const tj__row *row, tj_error *error)
{
    first_entry *first = context;
    tj__key_parts parts;
    TJ_TRY(tj__row_intact(row, error));
    TJ_TRY(tj__row_explain(row, tj__key_open(row->key, &parts, error), error));
    if (parts.rest.size != sizeof first->sequence) {
        return tj__row_explain(row, tj__fail(error, TJ_CORRUPT, "its key is malformed"), error);
    }
    *first = (first_entry){true, tj__load_u64_be(parts.rest.data), row->sequence};
    return TJ__STOP;
}

/* The first entry from a sequence on. */
static tj_status entry_from(tj__row_source *rows, uint32_t book, uint64_t sequence,
                            first_entry *out, tj_error *error)
{
    tj__key first = tj__key_ledger(book, sequence);
    tj__key end = tj__key_book(TJ__TABLE_LEDGER, book + 1);
    *out = (first_entry){0};
    return rows->scan(rows, tj__key_bytes(&first), tj__key_bytes(&end), false, take_first, out,
                      error);
}

tj_status tj__ledger_last_at(tj__row_source *rows, uint32_t book, uint64_t commit, uint64_t *out,
                             tj_error *error)
{
    uint64_t low = 0; /* entries up to here were there */
    uint64_t high = 0;
    TJ_TRY(tj__ledger_latest(rows, book, &high, error));
    while (low < high) {
        uint64_t middle = low + (high - low) / 2 + 1;
        first_entry entry;
        TJ_TRY(entry_from(rows, book, middle, &entry, error));
        if (entry.found && entry.commit <= commit) {
            low = entry.sequence;
        } else {
            high = middle - 1;
        }
    }
    *out = low;
    return TJ_OK;
}

static tj_status find_entries(tj__reading *reading, uint64_t commit, tj_ledger_query *query,
                              tj_ledger_list **out, tj_error *error)
{
    uint64_t last = 0;
    TJ_TRY(tj__ledger_last_at(reading->rows, reading->book, commit, &last, error));
    if (query->sequence_last == 0 || query->sequence_last > last) {
        query->sequence_last = last;
    }
    if (last == 0) { /* 0 means no bound */
        query->sequence_first = UINT64_MAX;
        query->sequence_last = 1;
    }
    return tj__ledger_find(reading->rows, reading->book, query, out, error);
}

tj_status tj_ledger_find_at(tj_ledger_repository *repository, tj_moment moment,
                            const tj_ledger_query *query, tj_ledger_list **out, tj_error *error)
{
    tj_ledger_query own = TJ_LEDGER_QUERY_INIT;
    uint64_t commit = 0;
    if (!repository || !out) {
        return missing(error);
    }
    *out = NULL;
    if (query) {
        TJ_TRY(tj__sized_read(query, &own, "the query", "TJ_LEDGER_QUERY_INIT", error));
    }
    TJ_TRY(tj__moment_find(repository->store, moment, &commit, error));
    tj__reading reading;
    tj_status status = tj__reading_begin(&reading, repository->store, repository->book, error);
    if (status == TJ_OK) {
        status = find_entries(&reading, commit, &own, out, error);
    }
    tj__reading_end(&reading);
    return status;
}
