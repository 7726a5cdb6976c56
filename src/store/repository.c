/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The repositories: each load is one view, each save one commit. */
#include "base/error.h"
#include "base/sized.h"
#include "store/internal.h"

tj_status tj__reading_begin_all(tj__reading *reading, tj_store *store, tj_error *error)
{
    *reading = (tj__reading){.core = store->core};
    TJ_TRY(tj__core_check(store->core, error));
    tj__engine *engine = store->core->engine;
    return engine->ops->view_begin(engine, &reading->rows, error);
}

tj_status tj__reading_begin(tj__reading *reading, tj_store *store, const char *book,
                            tj_error *error)
{
    TJ_TRY(tj__reading_begin_all(reading, store, error));
    return tj__book_find(reading->rows, tj_str_of(book), &reading->book, error);
}

void tj__reading_end(tj__reading *reading)
{
    if (reading->rows) {
        reading->core->engine->ops->view_end(reading->core->engine, reading->rows);
    }
}

static tj_status missing(tj_error *error)
{
    return tj__fail(error, TJ_MISUSE,
                    "no repository, or an argument that must not be NULL is NULL");
}

/* ---- LiveState -------------------------------------------------------------------------- */

tj_status tj_state_load(tj_state_repository *repository, tj_live_state **out, tj_error *error)
{
    if (!repository || !out) {
        return missing(error);
    }
    *out = NULL;
    tj__reading reading;
    tj_status status = tj__reading_begin(&reading, repository->store, repository->book, error);
    if (status == TJ_OK) {
        status = tj__state_load(reading.rows, reading.book, out, error);
    }
    tj__reading_end(&reading);
    return status;
}

tj_status tj_state_save(tj_state_repository *repository, const tj_live_state *state,
                        tj_error *error)
{
    if (!repository || !state) {
        return missing(error);
    }
    tj__plan *plan = NULL;
    TJ_TRY(tj__store_plan(repository->store, repository->book, &plan, error));
    tj_status status = tj__plan_open_state(plan, state, error);
    if (status == TJ_OK) {
        status = tj__store_save(repository->store, plan, state, error);
    }
    tj__core_plan_free(repository->store->core, plan);
    return status;
}

/* ---- algorithms ------------------------------------------------------------------------- */

tj_status tj_algo_save(tj_algo_repository *repository, const tj_uuid *id,
                       const tj_algo_state *state, tj_error *error)
{
    if (!repository || !id || !state) {
        return missing(error);
    }
    tj__plan *plan = NULL;
    TJ_TRY(tj__store_plan(repository->store, repository->book, &plan, error));
    tj_status status = tj__plan_put_algo(plan, id, state, error);
    if (status == TJ_OK) {
        status = tj__store_commit(repository->store, plan, NULL, NULL, error);
    }
    tj__core_plan_free(repository->store->core, plan);
    return status;
}

tj_status tj_algo_load(tj_algo_repository *repository, const tj_uuid *id, tj_algo_record **out,
                       tj_error *error)
{
    if (!repository || !id || !out) {
        return missing(error);
    }
    *out = NULL;
    tj__reading reading;
    tj_status status = tj__reading_begin(&reading, repository->store, repository->book, error);
    if (status == TJ_OK) {
        status = tj__algo_load(reading.rows, reading.book, id, out, error);
    }
    tj__reading_end(&reading);
    return status;
}

tj_status tj_algo_load_all(tj_algo_repository *repository, tj_algo_list **out, tj_error *error)
{
    if (!repository || !out) {
        return missing(error);
    }
    *out = NULL;
    tj__reading reading;
    tj_status status = tj__reading_begin(&reading, repository->store, repository->book, error);
    if (status == TJ_OK) {
        status = tj__algo_load_all(reading.rows, reading.book, out, error);
    }
    tj__reading_end(&reading);
    return status;
}

tj_status tj_algo_delete(tj_algo_repository *repository, const tj_uuid *id, tj_error *error)
{
    if (!repository || !id) {
        return missing(error);
    }
    tj__plan *plan = NULL;
    TJ_TRY(tj__store_plan(repository->store, repository->book, &plan, error));
    tj_status status = tj__plan_delete_algo(plan, id, error);
    if (status == TJ_OK) {
        status = tj__store_commit(repository->store, plan, NULL, NULL, error);
    }
    tj__core_plan_free(repository->store->core, plan);
    return status;
}

/* ---- ledger ----------------------------------------------------------------------------- */

static tj_status plan_entries(tj__plan *plan, const tj_ledger_entry *entries, size_t count,
                              tj_error *error)
{
    for (size_t i = 0; i < count; i++) {
        tj_status status = tj__plan_append_ledger(plan, &entries[i], error);
        if (status != TJ_OK) {
            tj__error_context(error, "entry %zu of %zu", i + 1, count);
            return status;
        }
    }
    return TJ_OK;
}

tj_status tj_ledger_append(tj_ledger_repository *repository, const tj_ledger_entry *entries,
                           size_t count, uint64_t *last, tj_error *error)
{
    if (!repository || (!entries && count > 0)) {
        return missing(error);
    }
    if (count == 0) {
        return !last ? TJ_OK : tj_ledger_latest(repository, last, error);
    }
    tj__plan *plan = NULL;
    TJ_TRY(tj__store_plan(repository->store, repository->book, &plan, error));
    tj_status status = plan_entries(plan, entries, count, error);
    if (status == TJ_OK) {
        tj__outcome outcome;
        status = tj__store_commit(repository->store, plan, NULL, &outcome, error);
        if (status == TJ_OK && last) {
            *last = outcome.ledger_last;
        }
    }
    tj__core_plan_free(repository->store->core, plan);
    return status;
}

tj_status tj_ledger_latest(tj_ledger_repository *repository, uint64_t *out, tj_error *error)
{
    if (!repository || !out) {
        return missing(error);
    }
    tj__reading reading;
    tj_status status = tj__reading_begin(&reading, repository->store, repository->book, error);
    if (status == TJ_OK) {
        status = tj__ledger_latest(reading.rows, reading.book, out, error);
    }
    tj__reading_end(&reading);
    return status;
}

tj_status tj_ledger_find(tj_ledger_repository *repository, const tj_ledger_query *query,
                         tj_ledger_list **out, tj_error *error)
{
    tj_ledger_query own = TJ_LEDGER_QUERY_INIT;
    if (!repository || !out) {
        return missing(error);
    }
    *out = NULL;
    if (query) {
        TJ_TRY(tj__sized_read(query, &own, "the query", "TJ_LEDGER_QUERY_INIT", error));
    }
    tj__reading reading;
    tj_status status = tj__reading_begin(&reading, repository->store, repository->book, error);
    if (status == TJ_OK) {
        status = tj__ledger_find(reading.rows, reading.book, &own, out, error);
    }
    tj__reading_end(&reading);
    return status;
}
