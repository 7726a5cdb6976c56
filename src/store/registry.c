/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The engines that are open in this process, by what they are the only ones to have (P8).
 *
 * LMDB must not open one environment twice in a process: closing one wipes the other's reader slots
 * and locks. So a second open is refused, unless both ask to share; then it is the same engine. A
 * fork handler makes the child forget everything, and closes the writer's lock there, which would
 * otherwise outlive the writer.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/process.h"
#include "base/thread.h"
#include "base/trace.h"
#include "store/internal.h"

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static tj__core *registry;
/* Signalled when a journal that was being closed is closed. */
static pthread_cond_t registry_changed = PTHREAD_COND_INITIALIZER;
static pthread_once_t fork_handlers_once = PTHREAD_ONCE_INIT;

static void before_fork(void)
{
    pthread_mutex_lock(&registry_lock);
}

static void after_fork_parent(void)
{
    pthread_mutex_unlock(&registry_lock);
}

static void after_fork_child(void)
{
    for (tj__core *core = registry; core; core = core->next) {
        if (core->engine->ops->abandon) {
            core->engine->ops->abandon(core->engine);
        }
        atomic_store(&core->forked, true);
    }
    registry = NULL;
    tj__trace_forget();
    pthread_mutex_unlock(&registry_lock);
}

static void install_fork_handlers(void)
{
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

tj_status tj__core_check(const tj__core *core, tj_error *error)
{
    if (!atomic_load_explicit(&core->forked, memory_order_relaxed) && core->pid == tj__pid()) {
        return TJ_OK;
    }
    return tj__fail(error, TJ_CLOSED,
                    "this store was opened by process %lld; a child of it must open its own",
                    (long long)core->pid);
}

/* ---- opening ---------------------------------------------------------------------------- */

static tj_status find_stored(void *context, tj__bytes key, bool *found, tj_error *error)
{
    tj__engine *engine = context;
    return engine->ops->find(engine, key, found, error);
}

static uint64_t included(void *context)
{
    tj__engine *engine = context;
    return engine->ops->included(engine);
}

static tj_status build_tip(tj__core *core, tj_error *error)
{
    tj__stored stored = {find_stored, included, core->engine};
    tj__row_source *rows = NULL;
    TJ_TRY(core->engine->ops->view_begin(core->engine, &rows, error));
    tj_status status = tj__tip_build(rows, &core->tip, error);
    if (status == TJ_OK) {
        status = tj__tip_attach(core->tip, &stored, rows, error);
    }
    core->engine->ops->view_end(core->engine, rows);
    return status;
}

static void free_core(tj__core *core)
{
    tj__plan_free(atomic_load(&core->spare_plan));
    tj__resolved_dispose(&core->resolved);
    tj__tip_free(core->tip);
    pthread_mutex_destroy(&core->append_lock);
    free(core);
}

static tj_status open_engine(const tj__engine_kind *kind, const tj_config *config, tj__core **out,
                             tj_error *error)
{
    tj__core *core = calloc(1, sizeof *core);
    if (!core) {
        return tj__fail(error, TJ_NOMEM, "no memory for a store");
    }
    core->config = *config;
    core->config.path = NULL;
    core->config.book = NULL;
    core->config.postgres.url = core->config.postgres.schema = core->config.postgres.name = NULL;
    core->pid = getpid();
    core->kind = kind;
    core->references = 1;
    tj__mutex_init(&core->append_lock);
    tj_status status = kind->open(config, &core->engine, error);
    if (status == TJ_OK && !config->read_only) {
        status = build_tip(core, error);
    }
    if (status != TJ_OK) {
        if (core->engine) {
            core->engine->ops->close(core->engine, NULL);
        }
        free_core(core);
        return status;
    }
    tj__flights_init(&core->flights, core->engine, !config->no_threads);
    tj__errands_init(&core->errands, !config->no_threads);
    *out = core;
    return TJ_OK;
}

static void end_threads(tj__core *core, uint64_t since_ns)
{
    tj__errands_dispose(&core->errands);
    tj__flights_dispose(&core->flights);
    if (core->engine->ops->quiesce) {
        core->engine->ops->quiesce(core->engine, since_ns);
    }
}

static tj_status close_core(tj__core *core, tj_error *error)
{
    tj_status status = core->engine->ops->close(core->engine, error);
    free_core(core);
    return status;
}

/* NULL when it is not open here. */
static tj_status find_open(const tj__engine_kind *kind, const tj_config *config, tj__core **out,
                           tj_error *error)
{
    bool there = false;
    tj__engine_identity found = {0};
    TJ_TRY(kind->identify(config, &there, &found, error));
    tj__core *core = there ? registry : NULL;
    while (core && (core->kind != kind || memcmp(&core->identity, &found, sizeof found) != 0)) {
        core = core->next;
    }
    *out = core;
    return TJ_OK;
}

/* What must agree between two opens that share a journal. */
static bool same_options(const tj__core *core, const tj_config *config)
{
    const tj_config *open = &core->config;
    return core->kind->same_options(open, config) && open->durability == config->durability &&
           open->no_threads == config->no_threads;
}

static tj_status share(tj__core *core, const tj_config *config, tj_error *error)
{
    if (!core->config.shared || !config->shared) {
        return tj__fail(error, TJ_BUSY,
                        "journal %s is already open in this process (pid %lld): use that store, or "
                        "set `shared` in both configurations",
                        config->path, (long long)getpid());
    }
    if (core->config.read_only && !config->read_only) {
        return tj__fail(error, TJ_CONFLICT,
                        "journal %s is open read-only in this process: close that store before "
                        "opening it for writing",
                        config->path);
    }
    if (!config->read_only && !same_options(core, config)) {
        return tj__fail(error, TJ_CONFLICT,
                        "journal %s is open in this process with other options (sizes, lag, "
                        "lease, durability or threads)",
                        config->path);
    }
    core->references++;
    return TJ_OK;
}

static tj_status open_once(const tj__engine_kind *kind, const tj_config *config, tj__core **out,
                           tj_error *error)
{
    tj__core *core = NULL;
    TJ_TRY(find_open(kind, config, &core, error));
    while (core && core->closing) {
        pthread_cond_wait(&registry_changed, &registry_lock);
        TJ_TRY(find_open(kind, config, &core, error));
    }
    if (core) {
        TJ_TRY(share(core, config, error));
        *out = core;
        return TJ_OK;
    }
    TJ_TRY(open_engine(kind, config, &core, error));
    bool there = false;
    tj_status status = kind->identify(config, &there, &core->identity, error);
    if (status != TJ_OK) {
        end_threads(core, tj__monotonic_ns());
        close_core(core, NULL);
        return status;
    }
    core->next = registry;
    registry = core;
    *out = core;
    return TJ_OK;
}

tj_status tj__core_open(const tj_config *config, tj__core **out, tj_error *error)
{
    const tj__engine_kind *kind = tj__engine_kind_of(config->type);
    if (kind->private) {
        return open_engine(kind, config, out, error);
    }
    char path[TJ_PATH_SIZE];
    tj_config resolved = *config;
    TJ_TRY(kind->locate(config, path, error));
    resolved.path = path;
    pthread_once(&fork_handlers_once, install_fork_handlers);
    tj__trace_hold();
    pthread_mutex_lock(&registry_lock);
    tj_status status = open_once(kind, &resolved, out, error);
    pthread_mutex_unlock(&registry_lock);
    tj__trace_let_go();
    return status;
}

/* ---- closing ---------------------------------------------------------------------------- */

static void forget(const tj__core *core)
{
    for (tj__core **at = &registry; *at; at = &(*at)->next) {
        if (*at == core) {
            *at = core->next;
            return;
        }
    }
}

/*
 * In two steps. First its threads end, with the registry unlocked: what they say to the trace
 * callback may make it open another journal, or fork. Then the engine closes, with the registry
 * locked, so that a child of a fork finds it whole or not at all. A new open of the same directory
 * waits for both.
 */
static tj_status close_last(tj__core *core, uint64_t since_ns, tj_error *error)
{
    end_threads(core, since_ns);
    tj__trace_hold();
    pthread_mutex_lock(&registry_lock);
    forget(core);
    tj_status status = close_core(core, error);
    pthread_cond_broadcast(&registry_changed);
    pthread_mutex_unlock(&registry_lock);
    tj__trace_let_go();
    return status;
}

tj_status tj__core_release(tj__core *core, tj_error *error)
{
    if (tj__core_check(core, NULL) != TJ_OK) {
        return TJ_OK; /* In a child nothing of it may be touched; it is left to the exit. */
    }
    uint64_t since_ns = tj__monotonic_ns();
    tj_status status = tj__flights_flush(&core->flights, false, error);
    pthread_mutex_lock(&registry_lock);
    bool last = --core->references == 0;
    core->closing = last;
    pthread_mutex_unlock(&registry_lock);
    return last ? close_last(core, since_ns, error) : status;
}
