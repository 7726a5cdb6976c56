/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Several commits, one wait: each is decided by itself, so that others get in between, and then the
 * newest of them is waited for. The log is durable from its beginning on, and so are they. */
#include "base/error.h"
#include "base/thread.h"
#include "base/trace.h"
#include "store/internal.h"

/* Nobody else writes while they are appended, and an engine's room for what is not written is
 * bounded: after so many bytes it is waited for. */
#define RUN_SIZE_MAX ((size_t)4 << 20)

/* What is waited for. */
typedef struct newest {
    tj__core *core; /* NULL: nothing */
    uint64_t sequence;
    bool sync;
} newest;

static tj_status decide(tj_commit_item *item, newest *all)
{
    tj_commit_options own = TJ_COMMIT_OPTIONS_INIT;
    tj__outcome outcome;
    tj__core *core = item->txn->store->core;
    TJ_TRY(tj__txn_options(item->options, &own, item->error));
    if (own.deadline_ms != 0) {
        return tj__fail(item->error, TJ_MISUSE, "a deadline is for a commit that is made alone");
    }
    if (all->core && all->core != core) {
        return tj__fail(item->error, TJ_MISUSE,
                        "it is of another journal than the first: they are committed apart");
    }
    TJ_TRY(tj__store_decide(item->txn->store, item->txn->plan, &own, &outcome, item->error));
    item->sequence = outcome.sequence;
    all->core = core;
    all->sequence = outcome.sequence > all->sequence ? outcome.sequence : all->sequence;
    all->sync = all->sync || own.sync;
    return TJ_OK;
}

/* What became of one that was decided, when the wait has failed. Who is in doubt is not asked to
 * wait again. */
static tj_status look(const tj_commit_item *item, const newest *all, const tj_error *failure)
{
    tj__engine *engine = all->core->engine;
    tj_commit_options own = TJ_COMMIT_OPTIONS_INIT;
    TJ_TRY(tj__txn_options(item->options, &own, item->error));
    if (failure->status != TJ_UNKNOWN) {
        return engine->ops->wait(engine, item->sequence, own.sync, item->error);
    }
    return engine->ops->settled(engine, own.sync) >= item->sequence
               ? TJ_OK
               : tj__error_pass(item->error, failure);
}

static void await(tj_commit_item *items, size_t count, const newest *all, uint64_t since)
{
    tj_error failure = TJ_ERROR_INIT;
    tj__engine *engine = all->core->engine;
    tj_status waited = engine->ops->wait(engine, all->sequence, all->sync, &failure);
    for (size_t i = 0; i < count; i++) {
        if (items[i].status == TJ_OK) {
            items[i].status = waited == TJ_OK ? TJ_OK : look(&items[i], all, &failure);
            tj__metrics_commit(&engine->metrics, since, items[i].status);
        }
    }
}

/* Commits those at the beginning; returns how many. */
static size_t commit_run(tj_commit_item *items, size_t count)
{
    newest all = {0};
    uint64_t since = tj__monotonic_ns();
    size_t end = 0;
    for (size_t size = 0; end < count && size < RUN_SIZE_MAX; end++) {
        tj_commit_item *item = &items[end];
        item->status = item->txn ? decide(item, &all)
                                 : tj__fail(item->error, TJ_MISUSE, "no transaction to commit");
        size += item->txn ? tj__plan_memory(item->txn->plan) : 0;
        tj_txn_abort(item->txn);
        item->txn = NULL;
    }
    if (all.core) {
        await(items, end, &all, since);
    }
    return end;
}

void tj_txn_commit_all(tj_commit_item *items, size_t count)
{
    tj__trace_hold();
    for (size_t done = 0; done < count;) {
        done += commit_run(&items[done], count - done);
    }
    tj__trace_let_go();
}
