/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The way of every write: resolve a plan against the base, append it, bring the base up to it, and
 * wait until it is acknowledged. The first three happen under the append lock, the wait outside: so
 * commits are decided one after another, and share their flushes.
 */
#include "base/error.h"
#include "engine/internal.h"

tj_status tj__store_plan(tj_store *store, const char *book, tj__plan **out, tj_error *error)
{
    if (store->read_only) {
        return tj__fail(error, TJ_READONLY, "the store was opened read-only: nothing can be saved");
    }
    tj__plan *plan = tj__plan_new();
    if (plan == NULL) {
        return tj__fail(error, TJ_NOMEM, "no memory for a transaction");
    }
    tj_status status = tj__plan_use_book(plan, tj_str_of(book), error);
    if (status != TJ_OK) {
        tj__plan_free(plan);
        return status;
    }
    *out = plan;
    return TJ_OK;
}

/* Under the append lock. *sequence is what must be waited for. */
static tj_status decide(tj__core *core, tj__plan *plan, const tj_commit_options *options,
                        tj__resolved *resolved, uint64_t *sequence, tj_error *error)
{
    tj__engine *engine = core->engine;
    bool has_id = !tj_uuid_is_nil(options->commit_id);
    if (has_id) {
        uint64_t earlier = tj__base_commit_sequence(core->base, &options->commit_id);
        if (earlier != 0) {
            *sequence = earlier;
            return TJ_OK;
        }
    }
    TJ_TRY(tj__plan_resolve(plan, core->base, options, resolved, error));
    if (resolved->change_count == 0 && !has_id) {
        *sequence = engine->ops->appended(engine);
        return TJ_OK;
    }
    TJ_TRY(engine->ops->append(engine, tj__buffer_bytes(&resolved->body), resolved->change_count,
                               &options->commit_id, sequence, error));
    tj__base_advance(core->base, *sequence);
    return TJ_OK;
}

tj_status tj__store_commit(tj_store *store, tj__plan *plan, const tj_commit_options *options,
                           uint64_t *sequence, uint64_t *ledger_last, tj_error *error)
{
    static const tj_commit_options defaults = TJ_COMMIT_OPTIONS_INIT;
    tj__core *core = store->core;
    if (options == NULL) {
        options = &defaults;
    }
    if (options->struct_size != sizeof *options) {
        return tj__fail(error, TJ_MISUSE,
                        "the commit's options were not initialized with TJ_COMMIT_OPTIONS_INIT");
    }
    if (store->read_only) {
        return tj__fail(error, TJ_READONLY, "the store was opened read-only: nothing can be saved");
    }
    TJ_TRY(tj__core_check(core, error));
    tj__resolved resolved = {0};
    uint64_t target = 0;
    pthread_mutex_lock(&core->append_lock);
    tj_status status = decide(core, plan, options, &resolved, &target, error);
    pthread_mutex_unlock(&core->append_lock);
    if (status == TJ_OK) {
        status = core->engine->ops->wait(core->engine, target, error);
    }
    if (status == TJ_OK && sequence != NULL) {
        *sequence = target;
    }
    if (status == TJ_OK && ledger_last != NULL) {
        *ledger_last = resolved.ledger_last;
    }
    tj__resolved_dispose(&resolved);
    return status;
}
