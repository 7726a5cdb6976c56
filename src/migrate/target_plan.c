/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What was gathered as changes: mostly one commit, in parts when it is more than one commit can
 * have. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "migrate/same.h"
#include "migrate/target.h"
#include "rows/body.h"
#include "store/store.h"

static tj__plan *plan_of(const tj__target *t)
{
    return t->plans[t->plan_count - 1];
}

static tj_status begin_part(tj__target *t, tj_error *error)
{
    tj__plan **plans = realloc(t->plans, (t->plan_count + 1) * sizeof *plans);
    t->plans = plans ? plans : t->plans;
    tj__plan *plan = plans ? tj__plan_new() : NULL;
    if (!plan) {
        return tj__fail(error, TJ_NOMEM, "no memory for a transaction");
    }
    t->plans[t->plan_count++] = plan;
    return tj__plan_use_book(plan, tj_str_of(t->book), error);
}

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
static tj_status delete_algos(tj__target *t, tj_error *error)
{
    tj_algo_list *list = NULL;
    TJ_TRY(tj_algo_load_all(tj_store_algo_repository(t->store, t->book), &list, error));
    tj_status status = TJ_OK;
    for (size_t i = 0; i < list->count && status == TJ_OK; i++) {
        status = tj__plan_delete_algo(plan_of(t), &list->records[i].id, error);
    }
    tj_algo_list_free(list);
    return status;
}

static tj_status delete_quarantined_row(void *context, const tj__quarantined *row, tj_error *error)
{
    const tj__target *t = context;
    return tj__gathering_holds(t->all, row->table)
               ? tj__plan_delete_quarantine(plan_of(t), row->table, row->key, error)
               : TJ_OK;
}

static tj_status delete_quarantined(tj__target *t, tj_error *error)
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

/* Whether the ledger has the entry, be it under another number. */
static tj_status find_entry(tj__target *t, const tj_ledger_entry *entry, bool *has, tj_error *error)
{
    const tj_ledger_entry *stored = tj__target_find_id(t, &entry->id);
    tj_ledger_entry here = *entry;
    char id[TJ_UUID_TEXT_SIZE];
    if (!stored) {
        return TJ_OK;
    }
    here.sequence = stored->sequence;
    TJ_TRY(tj__entry_same(&here, stored, has, error));
    if (!*has) {
        tj_uuid_format(entry->id, id);
        return tj__fail(error, TJ_CONFLICT,
                        "the ledger of book \"%s\" has the entry %s already, at %" PRIu64
                        ", and what it says there differs from the source; a ledger is never "
                        "rewritten: import into another book",
                        t->book, id, stored->sequence);
    }
    t->renumbered_count += stored->sequence != entry->sequence;
    return TJ_OK;
}

static tj_status put_entry(tj__target *t, const tj_ledger_entry *entry, tj_error *error)
{
    bool numbered = entry->sequence != 0 && entry->sequence <= t->ledger_last;
    bool has = false;
    TJ_TRY(find_entry(t, entry, &has, error));
    if (has) {
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
    return tj__plan_append_ledger(plan_of(t), entry, error);
}

/* Begins another part when this one is as large as one commit should be. */
static tj_status part(tj__target *t, tj_error *error)
{
    return plan_of(t)->rows.size < TJ__PART_SIZE ? TJ_OK : begin_part(t, error);
}

/* A state is never split. Where the book is new every row of it is a change, so that what is too
 * much for the commit is known before a journal is made for it. */
static tj_status check_state_size(const tj__target *t, tj_error *error)
{
    const tj__plan *plan = plan_of(t);
    size_t size = 0;
    for (size_t at = 0; at < plan->rows.size && !t->has_book;) {
        tj__plan_row row;
        uint8_t *key;
        tj__bytes value;
        at = tj__plan_row_read(plan, at, &row, &key, &value);
        bool is_row = row.op != TJ__PLAN_SCOPE_BEGIN && row.op != TJ__PLAN_SCOPE_END;
        size += is_row ? TJ__CHANGE_HEAD_SIZE + (size_t)row.key_size + row.value_size : 0;
    }
    return size <= TJ__BODY_SIZE_MAX
               ? TJ_OK
               : tj__fail(error, TJ_LIMIT,
                          "the state in the sources comes to rows of %zu bytes, and the one commit "
                          "that a state is can have %zu: see what has grown in it",
                          size, TJ__BODY_SIZE_MAX);
}

static tj_status put_all(tj__target *t, tj_live_state *state, tj_error *error)
{
    const tj__gathering *all = t->all;
    const tj__found_algo *algos = TJ__ITEMS(tj__found_algo, all->algos);
    const tj__found_entry *entries = TJ__ITEMS(tj__found_entry, all->entries);
    const tj__kept_raw *kept = TJ__ITEMS(tj__kept_raw, all->quarantined);
    if (state) {
        forget_unknown(state);
        TJ_TRY(tj__plan_put_state(plan_of(t), state, error));
        TJ_TRY(check_state_size(t, error));
    }
    for (size_t i = 0; i < TJ__COUNT(tj__found_algo, all->algos); i++) {
        TJ_TRY(part(t, error));
        TJ_TRY(tj__plan_put_algo(plan_of(t), &algos[i].record.id, &algos[i].record.state, error));
    }
    for (size_t i = 0; i < TJ__COUNT(tj__found_entry, all->entries); i++) {
        TJ_TRY(part(t, error));
        TJ_TRY(put_entry(t, &entries[i].entry, error));
    }
    for (size_t i = 0; i < TJ__COUNT(tj__kept_raw, all->quarantined); i++) {
        TJ_TRY(part(t, error));
        TJ_TRY(tj__plan_put_quarantine(plan_of(t), &kept[i].row, error));
    }
    return TJ_OK;
}

tj_status tj__target_plan(tj__target *t, tj_live_state *state, tj_error *error)
{
    TJ_TRY(begin_part(t, error));
    if (t->has_book && tj__gathering_holds(t->all, TJ__TABLE_ALGOS)) {
        TJ_TRY(delete_algos(t, error));
    }
    if (t->has_book) {
        TJ_TRY(delete_quarantined(t, error));
    } else {
        TJ_TRY(tj__plan_create_book(plan_of(t), tj_str_of(t->book), error));
    }
    return put_all(t, state, error);
}
