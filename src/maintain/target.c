/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The journal that an import goes into. */
#include "maintain/target.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "engine/internal.h"
#include "maintain/same.h"

typedef struct target {
    tj__gathering *all;
    const tj_config *config;
    const char *book;
    tj_store *store; /* NULL when there is no journal yet */
    bool has_book;   /* the book is there */
    tj__plan *plan;
    uint64_t ledger_last;   /* of the stored entries */
    tj_ledger_list *stored; /* with replace: the entries that are there */
} target;

/* Whether the sources hold rows of a table, decoded or not. */
static bool comes_in(const tj__gathering *all, tj__table table)
{
    const tj__kept_raw *kept = TJ__ITEMS(tj__kept_raw, all->quarantined);
    bool comes = table == TJ__TABLE_STATE    ? all->states.size > 0
                 : table == TJ__TABLE_ALGOS  ? all->algos.size > 0
                 : table == TJ__TABLE_LEDGER ? all->entries.size > 0
                                             : false;
    for (size_t i = 0; i < TJ__COUNT(tj__kept_raw, all->quarantined) && !comes; i++) {
        comes = kept[i].row.table == table;
    }
    return comes;
}

/* ---- what the book holds ------------------------------------------------------------------- */

static tj_status find_book(target *t, tj_book_info *info, tj_error *error)
{
    tj_book_list *books = NULL;
    TJ_TRY(tj_store_books(t->store, &books, error));
    for (size_t i = 0; i < books->count; i++) {
        if (tj_str_equal(books->books[i].name, tj_str_of(t->book))) {
            *info = books->books[i];
            t->has_book = true;
        }
    }
    tj_book_list_free(books);
    return TJ_OK;
}

static tj_status count_quarantined(target *t, size_t *count, tj_error *error)
{
    tj_quarantine_list *list = NULL;
    TJ_TRY(tj_quarantine_load(t->store, t->book, &list, error));
    *count = list->count;
    tj_quarantine_list_free(list);
    return TJ_OK;
}

static tj_status look(target *t, tj_error *error)
{
    tj_book_info info = {.algo_count = 0};
    size_t quarantined = 0;
    TJ_TRY(find_book(t, &info, error));
    if (!t->has_book) {
        return TJ_OK;
    }
    TJ_TRY(count_quarantined(t, &quarantined, error));
    t->ledger_last = info.ledger_sequence;
    bool empty =
        info.state_row_count + info.algo_count + quarantined == 0 && info.ledger_sequence == 0;
    if (!empty && !t->all->options->replace) {
        char quoted[TJ__QUOTE_SIZE];
        return tj__fail(
            error, TJ_EXISTS,
            "book %s holds data already (%zu rows of state, %zu algorithms, a ledger up "
            "to %" PRIu64 ", %zu in quarantine): replace it with --replace, or import "
            "into another book",
            tj__text_quote(tj_str_of(t->book), quoted), info.state_row_count, info.algo_count,
            info.ledger_sequence, quarantined);
    }
    if (info.state_row_count > 0 && t->all->states.size == 0 && comes_in(t->all, TJ__TABLE_STATE)) {
        return tj__fail(error, TJ_CORRUPT,
                        "the state in the sources cannot be decoded, and must not stand beside the "
                        "older one that the book holds: import into another book");
    }
    if (info.ledger_sequence > 0 && TJ__COUNT(tj__found_entry, t->all->entries) > 0) {
        tj_ledger_repository *ledger = tj_store_ledger_repository(t->store, t->book);
        return tj_ledger_find(ledger, NULL, &t->stored, error);
    }
    return TJ_OK;
}

/* ---- the plan ------------------------------------------------------------------------------ */

static void forget(tj_str *extra)
{
    if (!extra->data) {
        *extra = TJ_STR("{}");
    }
}

static void forget_of(tj_position *positions, size_t position_count, tj_balance *balances,
                      size_t balance_count)
{
    for (size_t i = 0; i < position_count; i++) {
        forget(&positions[i].extra);
    }
    for (size_t i = 0; i < balance_count; i++) {
        forget(&balances[i].extra);
    }
}

/* An absent `extra` would keep the stored unknown members; a state that replaces has none. */
static void forget_unknown(tj_live_state *state)
{
    tj_portfolio *portfolio = &state->portfolio;
    forget(&state->extra);
    forget(&state->execution_checkpoint.extra);
    forget(&portfolio->extra);
    forget_of(portfolio->positions, portfolio->position_count, portfolio->balances,
              portfolio->balance_count);
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        tj_sub_account *account = &portfolio->sub_accounts[i];
        forget(&account->extra);
        forget_of(account->positions, account->position_count, account->balances,
                  account->balance_count);
    }
    for (size_t i = 0; i < state->open_order_count; i++) {
        forget(&state->open_orders[i].extra);
        forget(&state->open_orders[i].request.extra);
    }
}

/* Deletes the stored algorithms before those that come are put. */
static tj_status delete_algos(target *t, tj_error *error)
{
    tj_algo_list *list = NULL;
    TJ_TRY(tj_algo_load_all(tj_store_algo_repository(t->store, t->book), &list, error));
    tj_status status = TJ_OK;
    for (size_t i = 0; i < list->count && status == TJ_OK; i++) {
        status = tj__plan_delete_algo(t->plan, &list->records[i].id, error);
    }
    tj_algo_list_free(list);
    return status;
}

static tj_status delete_quarantined_row(void *context, const tj__quarantined *row, tj_error *error)
{
    const target *t = context;
    return comes_in(t->all, row->table)
               ? tj__plan_delete_quarantine(t->plan, row->table, row->key, error)
               : TJ_OK;
}

static tj_status delete_quarantined(target *t, tj_error *error)
{
    tj__reading reading;
    tj_status status = tj__reading_begin(&reading, t->store, t->book, error);
    if (status == TJ_OK) {
        status =
            tj__quarantine_scan(reading.rows, reading.book, 0, delete_quarantined_row, t, error);
    }
    tj__reading_end(&reading);
    return status;
}

/* Stored entries come in the order of their sequences. */
static const tj_ledger_entry *stored_entry(const target *t, uint64_t sequence)
{
    size_t low = 0;
    size_t high = t->stored ? t->stored->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->stored->entries[middle].sequence < sequence) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found =
        t->stored && low < t->stored->count && t->stored->entries[low].sequence == sequence;
    return found ? &t->stored->entries[low] : NULL;
}

static tj_status put_entry(target *t, const tj_ledger_entry *entry, tj_error *error)
{
    bool numbered = entry->sequence != 0 && entry->sequence <= t->ledger_last;
    const tj_ledger_entry *stored = numbered ? stored_entry(t, entry->sequence) : NULL;
    bool same = false;
    if (stored) {
        TJ_TRY(tj__entry_same(entry, stored, &same, error));
    }
    if (same) {
        t->all->report->ledger_kept_count++;
        return TJ_OK;
    }
    if (numbered) {
        return tj__fail(error, TJ_CONFLICT,
                        "the ledger of book \"%s\" goes up to %" PRIu64 " already, and what it has "
                        "at %" PRIu64
                        " differs from the source; a ledger is never rewritten: import "
                        "into another book",
                        t->book, t->ledger_last, entry->sequence);
    }
    t->all->report->ledger_count++;
    return tj__plan_append_ledger(t->plan, entry, error);
}

static tj_status put_all(target *t, tj_live_state *state, tj_error *error)
{
    const tj__gathering *all = t->all;
    const tj__found_algo *algos = TJ__ITEMS(tj__found_algo, all->algos);
    const tj__found_entry *entries = TJ__ITEMS(tj__found_entry, all->entries);
    const tj__kept_raw *kept = TJ__ITEMS(tj__kept_raw, all->quarantined);
    if (state) {
        forget_unknown(state);
        TJ_TRY(tj__plan_put_state(t->plan, state, error));
    }
    for (size_t i = 0; i < TJ__COUNT(tj__found_algo, all->algos); i++) {
        TJ_TRY(tj__plan_put_algo(t->plan, &algos[i].record.id, &algos[i].record.state, error));
    }
    for (size_t i = 0; i < TJ__COUNT(tj__found_entry, all->entries); i++) {
        TJ_TRY(put_entry(t, &entries[i].entry, error));
    }
    for (size_t i = 0; i < TJ__COUNT(tj__kept_raw, all->quarantined); i++) {
        TJ_TRY(tj__plan_put_quarantine(t->plan, &kept[i].row, error));
    }
    return TJ_OK;
}

static tj_status make_plan(target *t, tj_live_state *state, tj_error *error)
{
    t->plan = tj__plan_new();
    if (!t->plan) {
        return tj__fail(error, TJ_NOMEM, "no memory for a transaction");
    }
    TJ_TRY(tj__plan_use_book(t->plan, tj_str_of(t->book), error));
    if (t->has_book && comes_in(t->all, TJ__TABLE_ALGOS)) {
        TJ_TRY(delete_algos(t, error));
    }
    if (t->has_book) {
        TJ_TRY(delete_quarantined(t, error));
    } else {
        TJ_TRY(tj__plan_create_book(t->plan, tj_str_of(t->book), error));
    }
    return put_all(t, state, error);
}

/* ---- opening and committing ------------------------------------------------------------------ */

static tj_status open_existing(target *t, tj_error *error)
{
    tj_error cause = TJ_ERROR_INIT;
    tj_config config = *t->config;
    config.must_exist = true;
    config.read_only = t->all->options->dry_run;
    tj_status status = tj_store_open(&config, &t->store, &cause);
    return status == TJ_NOT_FOUND && !t->config->must_exist ? TJ_OK : tj__error_pass(error, &cause);
}

static tj_status commit(target *t, tj_error *error)
{
    if (!t->store) {
        TJ_TRY(tj_store_open(t->config, &t->store, error));
    }
    tj__outcome outcome = {.sequence = 0};
    TJ_TRY(tj__store_commit(t->store, t->plan, NULL, &outcome, error));
    t->all->report->sequence = outcome.sequence;
    return TJ_OK;
}

static tj_status run(target *t, tj_live_state *state, tj_error *error)
{
    if (t->config) {
        TJ_TRY(open_existing(t, error));
    }
    if (t->store) {
        TJ_TRY(look(t, error));
    }
    TJ_TRY(make_plan(t, state, error));
    return t->all->options->dry_run ? TJ_OK : commit(t, error);
}

tj_status tj__target_commit(tj__gathering *all, const tj_config *config, tj_live_state *state,
                            tj_error *error)
{
    target t = {.all = all, .config = config};
    t.book = config && config->book ? config->book : TJ_BOOK_DEFAULT;
    TJ_TRY(tj__book_name_check(t.book, error));
    TJ_TRY(tj__keep(all, tj_str_of(t.book), &all->report->book, error));
    tj_status status = run(&t, state, error);
    tj__plan_free(t.plan);
    tj_ledger_list_free(t.stored);
    tj_status closed = tj_store_close(t.store, status == TJ_OK ? error : NULL);
    return status == TJ_OK ? closed : status;
}
