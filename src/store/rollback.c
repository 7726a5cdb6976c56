/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Going back: the rows of a book's state and algorithms as they were, put in place of those that
 * are. What is different is found under the append lock, when everything appended is acknowledged:
 * so nothing that is committed meanwhile is missed or taken back unseen.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/sized.h"
#include "rows/row.h"
#include "store/changes.h"

static const tj__table tables[] = {TJ__TABLE_STATE, TJ__TABLE_ALGOS};
#define TABLE_COUNT (sizeof tables / sizeof tables[0])
#define TABLES (TJ__TABLE_BIT(TJ__TABLE_STATE) | TJ__TABLE_BIT(TJ__TABLE_ALGOS))

typedef struct going_back {
    tj_store *store;
    const char *book_name;
    tj_rollback_options options;
    uint32_t book;
    uint64_t to;
    tj__rowmap *were; /* the book's rows at that commit */
    tj__rowmap *are;  /* those of now that are different; "deleted": not there */
    tj__book_names names;
    tj__arena *arena;
    tj_rollback_report *report;
} going_back;

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to roll back");
}

/* Rows of the execution checkpoint. */
static bool is_checkpoint(tj__bytes key)
{
    return key.data[0] == TJ__TABLE_STATE && key.size > TJ__KEY_KIND_AT &&
           (TJ__KINDS_CHECKPOINT >> key.data[TJ__KEY_KIND_AT] & 1);
}

/* ---- the rows that were ------------------------------------------------------------------ */

static tj_status take_row(void *context, const tj__row *row, tj_error *error)
{
    going_back *g = context;
    TJ_TRY(tj__row_intact(row, error));
    return tj__rowmap_put(g->were, row->key, row->value, row->sequence) ? TJ_OK : no_memory(error);
}

static tj_status scan_book(going_back *g, tj__row_source *rows, tj__row_visitor *visitor,
                           tj_error *error)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        tj__key prefix = tj__key_book(tables[i], g->book);
        TJ_TRY(tj__rows_scan_prefix(rows, tj__key_bytes(&prefix), false, visitor, g, error));
    }
    return TJ_OK;
}

static tj_status load_then(going_back *g, tj_error *error)
{
    tj__looking_back back;
    tj_status status = tj__looking_back_begin(&back, g->store, g->book_name,
                                              (tj_moment){g->to, false, 0}, TABLES, error);
    g->book = back.book;
    if (status == TJ_OK && g->book == 0) {
        status = tj__fail(error, TJ_NOT_FOUND, "no book was there yet at commit %" PRIu64, g->to);
    }
    if (status == TJ_OK) {
        status = scan_book(g, back.rows, take_row, error);
    }
    tj__looking_back_end(&back);
    return status;
}

/* ---- what is different ------------------------------------------------------------------- */

static tj_status note_difference(going_back *g, tj__bytes key, const tj__bytes *now,
                                 tj_error *error)
{
    const tj__rowmap_entry *entry =
        now ? tj__rowmap_put(g->are, key, *now, 0) : tj__rowmap_put_deleted(g->are, key, 0);
    return entry ? TJ_OK : no_memory(error);
}

/* A row that is: it is as it was, or not. Those that were and are not seen here are gone. */
static tj_status compare_row(void *context, const tj__row *row, tj_error *error)
{
    going_back *g = context;
    TJ_TRY(tj__row_intact(row, error));
    tj__rowmap_entry *was = tj__rowmap_find(g->were, row->key);
    if (was) {
        was->mark = 1;
        if (tj__bytes_equal(tj__rowmap_value(was), row->value)) {
            return TJ_OK;
        }
    }
    return note_difference(g, row->key, &row->value, error);
}

static tj_status compare(going_back *g, tj__row_source *rows, tj_error *error)
{
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    TJ_TRY(scan_book(g, rows, compare_row, error));
    if (!tj__rowmap_sorted(g->were, &entries, &count)) {
        return no_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        if (entries[i]->mark == 0) {
            TJ_TRY(note_difference(g, tj__rowmap_key(entries[i]), NULL, error));
        }
    }
    return TJ_OK;
}

static tj_status compare_with_now(going_back *g, tj_error *error)
{
    tj__engine *engine = g->store->core->engine;
    tj__row_source *rows = NULL;
    TJ_TRY(engine->ops->view_begin(engine, &rows, error));
    tj_status status = compare(g, rows, error);
    engine->ops->view_end(engine, rows);
    return status;
}

/* ---- the commit -------------------------------------------------------------------------- */

/* Tells of one difference, and plans it; without a plan only tells. */
static tj_status take_difference(going_back *g, const tj__rowmap_entry *now, tj__plan *plan,
                                 tj_error *error)
{
    tj__bytes key = tj__rowmap_key(now);
    const tj__rowmap_entry *was = tj__rowmap_find(g->were, key);
    tj__raw_change raw = {.key = key};
    if (is_checkpoint(key)) {
        bool keep = g->options.keep_checkpoint;
        *(keep ? &g->report->checkpoint_kept : &g->report->checkpoint_back) = true;
        if (keep) {
            return TJ_OK;
        }
    }
    raw.old_value = now->deleted ? (tj__bytes){0} : tj__rowmap_value(now);
    raw.new_value = was ? tj__rowmap_value(was) : (tj__bytes){0};
    TJ_TRY(tj__change_decode(&raw, &g->names, g->arena,
                             &g->report->changes[g->report->change_count++], error));
    if (!plan) {
        return TJ_OK;
    }
    return was ? tj__plan_put_row(plan, key, raw.new_value, error)
               : tj__plan_delete_row(plan, key, error);
}

static tj_status fill_plan(void *context, tj__plan *plan, tj_error *error)
{
    going_back *g = context;
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    TJ_TRY(compare_with_now(g, error));
    if (!tj__rowmap_sorted(g->are, &entries, &count)) {
        return no_memory(error);
    }
    g->report->changes = tj__arena_array(g->arena, count, sizeof *g->report->changes);
    if (!g->report->changes) {
        return no_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        TJ_TRY(take_difference(g, entries[i], plan, error));
    }
    return TJ_OK;
}

static tj_status commit(going_back *g, tj__plan *plan, tj_error *error)
{
    char text[64];
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    tj__outcome outcome = {0};
    snprintf(text, sizeof text, "rollback to commit %" PRIu64, g->to);
    options.note = g->options.note.data ? g->options.note : tj_str_of(text);
    TJ_TRY(tj__store_commit_late(g->store, plan, fill_plan, g, &options, &outcome, error));
    g->report->sequence = g->report->change_count > 0 ? outcome.sequence : 0;
    return TJ_OK;
}

/* What is too much for one commit is a matter of a new journal. */
static tj_status explain_limit(const going_back *g, const tj_error *cause, tj_error *error)
{
    if (cause->status != TJ_LIMIT || g->report->change_count == 0) {
        return tj__error_pass(error, cause);
    }
    return tj__fail(error, TJ_LIMIT,
                    "going back to commit %" PRIu64
                    " changes %zu rows, more than one commit can have (%zu MiB): go back to a "
                    "later commit, or make a new journal of that one with `tesser-journal restore "
                    "... --at %" PRIu64 "`",
                    g->to, g->report->change_count, TJ__BODY_SIZE_MAX >> 20, g->to);
}

static tj_status change(going_back *g, tj_error *error)
{
    tj__plan *plan = NULL;
    tj_error cause = TJ_ERROR_INIT;
    if (g->options.dry_run) {
        return fill_plan(g, NULL, error);
    }
    TJ_TRY(tj__store_plan(g->store, g->book_name, &plan, error));
    tj_status status = commit(g, plan, &cause);
    tj__core_plan_free(g->store->core, plan);
    return status == TJ_OK ? TJ_OK : explain_limit(g, &cause, error);
}

/* ---- the ledger, which stays ------------------------------------------------------------- */

static tj_status add_entry(going_back *g, const tj_ledger_entry *entry, tj_error *error)
{
    tj_ledger_sum *sums = g->report->ledger;
    size_t i = 0;
    while (i < g->report->ledger_count && tj_identity_compare(sums[i].asset, entry->asset) != 0) {
        i++;
    }
    if (i == g->report->ledger_count) {
        sums[i] = (tj_ledger_sum){.asset = {tj__arena_str(g->arena, entry->asset.exchange),
                                            tj__arena_str(g->arena, entry->asset.code)},
                                  .amount = tj_decimal_int(0)};
        g->report->ledger_count++;
    }
    sums[i].count++;
    return tj_decimal_add(sums[i].amount, entry->amount, &sums[i].amount, error);
}

static tj_status sum_ledger(going_back *g, tj__reading *now, tj_error *error)
{
    tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
    tj_ledger_list *list = NULL;
    uint64_t last = 0;
    TJ_TRY(tj__ledger_last_at(now->rows, now->book, g->to, &last, error));
    query.sequence_first = last + 1;
    TJ_TRY(tj__ledger_find(now->rows, now->book, &query, &list, error));
    g->report->ledger = tj__arena_array(g->arena, list->count, sizeof(tj_ledger_sum));
    tj_status status = g->report->ledger ? TJ_OK : no_memory(error);
    for (size_t i = 0; i < list->count && status == TJ_OK; i++) {
        status = add_entry(g, &list->entries[i], error);
    }
    tj_ledger_list_free(list);
    return status;
}

/* It is told before anything is changed: a failure here leaves all as it is. */
static tj_status tell_ledger(going_back *g, tj_error *error)
{
    tj__reading now;
    tj_status status = tj__reading_begin(&now, g->store, g->book_name, error);
    if (status == TJ_OK) {
        status = sum_ledger(g, &now, error);
    }
    tj__reading_end(&now);
    return status;
}

/* ---- the whole --------------------------------------------------------------------------- */

static tj_status run(going_back *g, tj_moment to, tj_error *error)
{
    g->were = tj__rowmap_new();
    g->are = tj__rowmap_new();
    if (!g->were || !g->are) {
        return no_memory(error);
    }
    TJ_TRY(tj__moment_find(g->store, to, &g->to, error));
    TJ_TRY(load_then(g, error));
    TJ_TRY(tj__book_names_read(&g->names, g->store, error));
    TJ_TRY(tell_ledger(g, error));
    g->report->dry_run = g->options.dry_run;
    g->report->book = tj__arena_str(g->arena, tj_str_of(g->book_name));
    g->report->sequence_to = g->to;
    return change(g, error);
}

tj_status tj_state_rollback(tj_state_repository *repository, tj_moment to,
                            const tj_rollback_options *options, tj_rollback_report **report,
                            tj_error *error)
{
    void *object = NULL;
    if (!repository) {
        return tj__fail(error, TJ_MISUSE, "no repository");
    }
    if (report) {
        *report = NULL;
    }
    going_back g = {.store = repository->store,
                    .book_name = repository->book,
                    .options = TJ_ROLLBACK_OPTIONS_INIT};
    if (options) {
        TJ_TRY(tj__sized_read(options, &g.options, "the rollback options",
                              "TJ_ROLLBACK_OPTIONS_INIT", error));
    }
    g.arena = tj__arena_new(sizeof(tj_rollback_report), &object);
    g.report = object;
    tj_status status = g.arena ? run(&g, to, error) : no_memory(error);
    tj__rowmap_free(g.were);
    tj__rowmap_free(g.are);
    tj__book_names_dispose(&g.names);
    if (status == TJ_OK && report) {
        *report = g.report;
    } else {
        tj__arena_free_object(object);
    }
    return status;
}

void tj_rollback_report_free(tj_rollback_report *report)
{
    tj__arena_free_object(report);
}
