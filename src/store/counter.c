/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Counters: a reservation is a commit that is always flushed. */
#include <tesser/async.h>
#include <tesser/counter.h>

#include "base/error.h"
#include "store/internal.h"

static const tj_commit_options reservation = {
    .struct_size = sizeof(tj_commit_options),
    .sync = true,
    .critical = true, /* an exit is a new order, and needs an id */
};

/* A plan to reserve so many numbers. */
static tj_status plan_block(tj_store *store, const char *book, const char *name, uint64_t count,
                            const uint64_t *first, tj__plan **out, tj_error *error)
{
    if (!store || !name || !first || count == 0) {
        return tj__fail(error, TJ_MISUSE, "no store, name or result, or a block of no numbers");
    }
    TJ_TRY(tj__store_plan(store, book ? book : store->book, out, error));
    tj_status status = tj__plan_reserve(*out, tj_str_of(name), count, error);
    if (status != TJ_OK) {
        tj__core_plan_free(store->core, *out);
    }
    return status;
}

tj_status tj_counter_reserve(tj_store *store, const char *book, const char *name, uint64_t count,
                             uint64_t *first, tj_error *error)
{
    tj__plan *plan = NULL;
    tj__outcome outcome;
    TJ_TRY(plan_block(store, book, name, count, first, &plan, error));
    tj_status status = tj__store_commit(store, plan, &reservation, &outcome, error);
    if (status == TJ_OK) {
        *first = outcome.counter_first;
    }
    tj__core_plan_free(store->core, plan);
    return status;
}

tj_status tj_counter_submit(tj_store *store, const char *book, const char *name, uint64_t count,
                            tj_commit_done *done, void *context, uint64_t *first, tj_error *error)
{
    tj__plan *plan = NULL;
    TJ_TRY(plan_block(store, book, name, count, first, &plan, error));
    tj_status status =
        tj__store_submit(store, plan, &reservation, done, context, NULL, first, error);
    tj__core_plan_free(store->core, plan);
    return status;
}

tj_status tj_counter_next(tj_store *store, const char *book, const char *name, uint64_t *out,
                          tj_error *error)
{
    if (!store || !name || !out) {
        return tj__fail(error, TJ_MISUSE, "no store, name or result");
    }
    tj__reading reading;
    uint64_t next = 0;
    tj_status status = tj__reading_begin(&reading, store, book ? book : store->book, error);
    if (status == TJ_OK) {
        status = tj__counter_next(reading.rows, reading.book, tj_str_of(name), &next, error);
    }
    tj__reading_end(&reading);
    if (status == TJ_OK) {
        *out = next;
    }
    return status;
}
