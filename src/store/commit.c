/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The way of every write: resolve a plan against the tip, append it, bring the tip up to it, and
 * wait until it is acknowledged. The first three happen under the append lock, the wait outside: so
 * commits are decided one after another, and share their flushes.
 *
 * A state that is saved at once is encoded under the lock too, a few rows before they are compared.
 * With 10,000 orders other commits then wait for 0.85 ms, instead of 0.25 if all rows were there
 * already; but writing and reading those rows would make the save itself a sixth to a third slower.
 * What a state has once, its JSON above all, is encoded and checked before.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/trace.h"
#include "store/internal.h"

/* A plan or body that grew beyond this is given back, not kept for the next commit. */
#define KEPT_SIZE_MAX ((size_t)8 << 20)

tj_status tj__store_plan(tj_store *store, const char *book, tj__plan **out, tj_error *error)
{
    if (store->read_only) {
        return tj__fail(error, TJ_READONLY, "the store was opened read-only: nothing can be saved");
    }
    tj__plan *plan = atomic_exchange(&store->core->spare_plan, NULL);
    if (!plan) {
        plan = tj__plan_new();
    }
    if (!plan) {
        return tj__fail(error, TJ_NOMEM, "no memory for a transaction");
    }
    tj_status status = tj__plan_use_book(plan, tj_str_of(book), error);
    if (status != TJ_OK) {
        tj__core_plan_free(store->core, plan);
        return status;
    }
    *out = plan;
    return TJ_OK;
}

void tj__core_plan_free(tj__core *core, tj__plan *plan)
{
    if (!plan) {
        return;
    }
    tj__plan *none = NULL;
    tj__plan_clear(plan);
    if (tj__plan_memory(plan) > KEPT_SIZE_MAX ||
        !atomic_compare_exchange_strong(&core->spare_plan, &none, plan)) {
        tj__plan_free(plan);
    }
}

/* A commit that takes nothing but space away may always be made. With deletes the book's own row is
 * put again (commit.h). */
static bool only_deletes(const tj__resolved *resolved)
{
    tj__bytes rest = tj__buffer_bytes(&resolved->body);
    tj__change change;
    bool deletes = false;
    while (rest.size > 0 && tj__body_next(&rest, &change, NULL) == TJ_OK) {
        if (change.op == TJ__CHANGE_PUT && change.key.data[0] != TJ__TABLE_BOOKS) {
            return false;
        }
        deletes = deletes || change.op == TJ__CHANGE_DELETE;
    }
    return deletes;
}

/* What is to be committed. */
typedef struct proposal {
    tj__plan *plan;
    const tj_live_state *state; /* that the plan left open; NULL: none */
    const tj_commit_options *options;
    tj__plan_filler *fill; /* what the plan is filled with first; NULL: it is whole */
    void *context;
} proposal;

/* When everything that was appended can be seen. */
static tj_status fill(tj__core *core, const proposal *what, tj_error *error)
{
    tj__engine *engine = core->engine;
    if (!what->fill) {
        return TJ_OK;
    }
    TJ_TRY(engine->ops->wait(engine, engine->ops->appended(engine), false, error));
    return what->fill(what->context, what->plan, error);
}

/* Under the append lock. outcome->sequence is what must be waited for. */
static tj_status decide(tj__core *core, const proposal *what, tj__outcome *outcome, tj_error *error)
{
    const tj_commit_options *options = what->options;
    tj__engine *engine = core->engine;
    tj__resolved *resolved = &core->resolved;
    bool has_id = !tj_uuid_is_nil(options->commit_id);
    if (has_id) {
        uint64_t earlier = tj__tip_commit_sequence(core->tip, &options->commit_id);
        if (earlier != 0) {
            *outcome = (tj__outcome){.sequence = earlier};
            return TJ_OK;
        }
    }
    TJ_TRY(fill(core, what, error));
    TJ_TRY(tj__plan_resolve_state(what->plan, what->state, core->tip, options, resolved, error));
    *outcome = (tj__outcome){0, resolved->ledger_last, resolved->counter_first};
    if (resolved->change_count == 0 && !has_id) {
        outcome->sequence = engine->ops->appended(engine);
        return TJ_OK;
    }
    tj__commit_record commit = {.commit_id = options->commit_id,
                                .note = tj__bytes_of(options->note.data, options->note.size),
                                .change_count = resolved->change_count,
                                .body = tj__buffer_bytes(&resolved->body)};
    bool urgent = options->critical || only_deletes(resolved);
    TJ_TRY(engine->ops->append(engine, &commit, urgent, &outcome->sequence, error));
    tj__tip_advance(core->tip, outcome->sequence);
    return TJ_OK;
}

/* The same, and gives back the memory of a large commit. */
static tj_status decide_and_trim(tj__core *core, const proposal *what, tj__outcome *outcome,
                                 tj_error *error)
{
    tj_status status = decide(core, what, outcome, error);
    if (core->resolved.body.capacity > KEPT_SIZE_MAX) {
        tj__resolved_dispose(&core->resolved);
    }
    return status;
}

static tj_status check_note(tj_str note, tj_error *error)
{
    if (note.size > TJ_COMMIT_NOTE_SIZE_MAX) {
        return tj__fail(error, TJ_LIMIT, "a commit's note has at most %d bytes, this one %zu",
                        TJ_COMMIT_NOTE_SIZE_MAX, note.size);
    }
    return tj__text_is_utf8(note) ? TJ_OK
                                  : tj__fail(error, TJ_INVALID, "the commit's note is no UTF-8");
}

static tj_status check_call(const tj_store *store, const tj_commit_options **options,
                            tj_error *error)
{
    static const tj_commit_options defaults = TJ_COMMIT_OPTIONS_INIT;
    if (!*options) {
        *options = &defaults;
    }
    if (store->read_only) {
        return tj__fail(error, TJ_READONLY, "the store was opened read-only: nothing can be saved");
    }
    TJ_TRY(check_note((*options)->note, error));
    return tj__core_check(store->core, error);
}

static tj_status lock_and_decide(tj__core *core, const proposal *what, tj__outcome *outcome,
                                 tj_error *error)
{
    pthread_mutex_lock(&core->append_lock);
    tj_status status = decide_and_trim(core, what, outcome, error);
    pthread_mutex_unlock(&core->append_lock);
    return status;
}

static tj_status commit(tj__core *core, const proposal *what, tj__outcome *outcome, tj_error *error)
{
    tj__outcome decided;
    uint64_t start = tj__monotonic_ns();
    tj__trace_hold();
    tj_status status = lock_and_decide(core, what, &decided, error);
    if (status == TJ_OK) {
        bool sync = what->options->sync;
        status = core->engine->ops->wait(core->engine, decided.sequence, sync, error);
    }
    tj__trace_let_go();
    tj__metrics_commit(&core->engine->metrics, start, status);
    if (status == TJ_OK && outcome) {
        *outcome = decided;
    }
    return status;
}

tj_status tj__store_commit(tj_store *store, tj__plan *plan, const tj_commit_options *options,
                           tj__outcome *outcome, tj_error *error)
{
    TJ_TRY(check_call(store, &options, error));
    return commit(store->core, &(proposal){.plan = plan, .options = options}, outcome, error);
}

tj_status tj__store_decide(tj_store *store, tj__plan *plan, const tj_commit_options *options,
                           tj__outcome *outcome, tj_error *error)
{
    TJ_TRY(check_call(store, &options, error));
    tj_status status =
        lock_and_decide(store->core, &(proposal){.plan = plan, .options = options}, outcome, error);
    if (status != TJ_OK) {
        tj__metrics_commit(&store->core->engine->metrics, 0, status);
    }
    return status;
}

tj_status tj__store_commit_late(tj_store *store, tj__plan *plan, tj__plan_filler *filler,
                                void *context, const tj_commit_options *options,
                                tj__outcome *outcome, tj_error *error)
{
    TJ_TRY(check_call(store, &options, error));
    proposal what = {.plan = plan, .options = options, .fill = filler, .context = context};
    return commit(store->core, &what, outcome, error);
}

tj_status tj__store_save(tj_store *store, tj__plan *plan, const tj_live_state *state,
                         tj_error *error)
{
    const tj_commit_options *defaults = NULL;
    TJ_TRY(check_call(store, &defaults, error));
    return commit(store->core, &(proposal){.plan = plan, .state = state, .options = defaults}, NULL,
                  error);
}

/* ---- with a deadline -------------------------------------------------------------------- */

typedef struct timed_commit {
    tj__core *core;
    tj__plan *plan;
    tj_commit_options options;
    char note[]; /* the caller may be gone before it is written */
} timed_commit;

static tj_status run_timed(void *argument, uint64_t *sequence, tj_error *error)
{
    timed_commit *timed = argument;
    tj__outcome outcome;
    proposal what = {.plan = timed->plan, .options = &timed->options};
    TJ_TRY(commit(timed->core, &what, &outcome, error));
    *sequence = outcome.sequence;
    return TJ_OK;
}

static void dispose_timed(void *argument)
{
    timed_commit *timed = argument;
    tj__core_plan_free(timed->core, timed->plan);
    free(timed);
}

tj_status tj__store_commit_within(tj_store *store, tj__plan *plan, const tj_commit_options *options,
                                  uint64_t *sequence, tj_error *error)
{
    tj_status status = check_call(store, &options, error);
    timed_commit *timed = status == TJ_OK ? malloc(sizeof *timed + options->note.size) : NULL;
    if (!timed) {
        tj__core_plan_free(store->core, plan);
        return status != TJ_OK
                   ? status
                   : tj__fail(error, TJ_NOMEM, "no memory for a commit with a deadline");
    }
    *timed = (timed_commit){.core = store->core, .plan = plan, .options = *options};
    if (options->note.size > 0) {
        memcpy(timed->note, options->note.data, options->note.size);
        timed->options.note.data = timed->note;
    }
    uint64_t committed = 0;
    TJ_TRY(tj__errands_do(&store->core->errands, options->deadline_ms, run_timed, dispose_timed,
                          timed, &committed, error));
    if (sequence) {
        *sequence = committed;
    }
    return TJ_OK;
}

/* ---- submitted -------------------------------------------------------------------------- */

tj_status tj__store_submit(tj_store *store, tj__plan *plan, const tj_commit_options *options,
                           tj_commit_done *done, void *context, uint64_t *sequence,
                           uint64_t *counter_first, tj_error *error)
{
    tj__core *core = store->core;
    TJ_TRY(check_call(store, &options, error));
    if (options->deadline_ms != 0) {
        return tj__fail(error, TJ_MISUSE,
                        "a submitted commit has no deadline: nobody waits for it");
    }
    tj__outcome decided = {0};
    tj__flight flight = {.sync = options->sync,
                         .done = done,
                         .context = context,
                         .submitted_ns = tj__monotonic_ns()};
    tj__trace_hold();
    pthread_mutex_lock(&core->append_lock);
    tj_status status = tj__flights_reserve(&core->flights, error);
    if (status == TJ_OK) {
        status =
            decide_and_trim(core, &(proposal){.plan = plan, .options = options}, &decided, error);
    }
    if (status == TJ_OK) {
        flight.sequence = decided.sequence;
        if (sequence) {
            *sequence = decided.sequence;
        }
        if (counter_first) {
            *counter_first = decided.counter_first;
        }
        tj__flights_add(&core->flights, &flight);
    }
    pthread_mutex_unlock(&core->append_lock);
    tj__trace_let_go();
    if (status != TJ_OK) {
        tj__metrics_commit(&core->engine->metrics, flight.submitted_ns, status);
    }
    return status;
}
