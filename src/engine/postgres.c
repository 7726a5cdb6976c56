/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The postgres engine: a journal on PostgreSQL, behind the table of engine.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
#include "engine/engine.h"
#include "postgres/postgres.h"

typedef struct postgres_engine {
    tj__engine engine; /* must be first */
    tj__postgres *postgres;
} postgres_engine;

static tj__postgres *postgres_of(tj__engine *engine)
{
    return ((postgres_engine *)engine)->postgres;
}

static tj_status view_begin(tj__engine *engine, tj__row_source **rows, tj_error *error)
{
    return tj__postgres_view_begin(postgres_of(engine), rows, error);
}

static void view_end(tj__engine *engine, tj__row_source *rows)
{
    tj__postgres_view_end(postgres_of(engine), rows);
}

static tj_status append(tj__engine *engine, const tj__commit_record *commit, bool urgent,
                        uint64_t *sequence, tj_error *error)
{
    (void)urgent;
    return tj__postgres_append(postgres_of(engine), commit, sequence, error);
}

static tj_status wait(tj__engine *engine, uint64_t sequence, bool sync, tj_error *error)
{
    return tj__postgres_wait(postgres_of(engine), sequence, sync, error);
}

static uint64_t settled(tj__engine *engine, bool sync)
{
    return tj__postgres_settled(postgres_of(engine), sync);
}

static tj_status find(tj__engine *engine, tj__bytes key, bool *found, tj_error *error)
{
    return tj__postgres_find(postgres_of(engine), key, found, error);
}

static uint64_t included(tj__engine *engine)
{
    return tj__postgres_included(postgres_of(engine));
}

static uint64_t appended(tj__engine *engine)
{
    return tj__postgres_appended(postgres_of(engine));
}

static tj_status info(tj__engine *engine, tj_store_info *out, tj_error *error)
{
    return tj__postgres_info(postgres_of(engine), out, error);
}

static tj_status standbys(tj__engine *engine, tj_standby_list *out, tj_error *error)
{
    return tj__postgres_standbys(postgres_of(engine), out, error);
}

static tj_status examine(tj__engine *engine, tj__engine_tell *tell, void *context, tj_error *error)
{
    return tj__postgres_examine(postgres_of(engine), tell, context, error);
}

static void metrics(tj__engine *engine, tj_metrics *out)
{
    tj__postgres_metrics(postgres_of(engine), out);
}

static tj_status prune(tj__engine *engine, uint64_t size_bytes, bool dry, tj_prune_report *report,
                       tj_error *error)
{
    return tj__postgres_prune(postgres_of(engine), size_bytes, dry, report, error);
}

static tj_status work(tj__engine *engine, tj_error *error)
{
    return tj__postgres_work(postgres_of(engine), error);
}

static void quiesce(tj__engine *engine, uint64_t since_ns)
{
    tj__postgres_quiesce(postgres_of(engine), since_ns);
}

static tj_status close_postgres(tj__engine *engine, tj_error *error)
{
    tj_status status = tj__postgres_close(postgres_of(engine), error);
    free(engine);
    return status;
}

static void abandon(tj__engine *engine)
{
    tj__postgres_abandon(postgres_of(engine));
}

static tj_status newest(tj__engine *engine, uint64_t *sequence, tj_error *error)
{
    return tj__postgres_newest(postgres_of(engine), sequence, error);
}

static tj_status view_at(tj__engine *engine, uint64_t sequence, uint64_t tables,
                         tj__row_source **rows, tj_error *error)
{
    return tj__postgres_view_at(postgres_of(engine), sequence, tables, rows, error);
}

/* No state is kept ahead of being asked for. */
static tj_status points(tj__engine *engine, uint64_t last, tj__buffer *out, tj_error *error)
{
    (void)engine;
    (void)last;
    (void)out;
    (void)error;
    return TJ_OK;
}

static tj_status sequence_at(tj__engine *engine, tj_time time, uint64_t newest_sequence,
                             uint64_t *sequence, tj_error *error)
{
    return tj__postgres_sequence_at(postgres_of(engine), time, newest_sequence, sequence, error);
}

static tj_status block(tj__engine *engine, uint64_t sequence, uint64_t *first, tj_error *error)
{
    return tj__postgres_block(postgres_of(engine), sequence, first, error);
}

/* A state that was replayed leaves nothing behind to go on from. */
static tj_status commits_open(tj__engine *engine, uint64_t first, const tj__row_source *before,
                              tj__commits **out, tj_error *error)
{
    (void)before;
    return tj__postgres_commits_open(postgres_of(engine), first, out, error);
}

static const tj__engine_past past = {
    .newest = newest,
    .view_at = view_at,
    .view_at_end = tj__postgres_view_at_end,
    .points = points,
    .sequence_at = sequence_at,
    .block = block,
    .commits_open = commits_open,
    .commits_next = tj__postgres_commits_next,
    .commits_close = tj__postgres_commits_close,
};

static const tj__engine_ops ops = {
    .view_begin = view_begin,
    .view_end = view_end,
    .append = append,
    .wait = wait,
    .settled = settled,
    .find = find,
    .included = included,
    .appended = appended,
    .info = info,
    .standbys = standbys,
    .past = &past,
    .metrics = metrics,
    .prune = prune,
    .examine = examine,
    .work = work,
    .quiesce = quiesce,
    .close = close_postgres,
    .abandon = abandon,
};

static tj_status open_engine(const tj_config *config, tj__engine **out, tj_error *error)
{
    postgres_engine *opened = calloc(1, sizeof *opened);
    if (!opened) {
        return tj__fail(error, TJ_NOMEM, "no memory for the postgres engine");
    }
    opened->engine.ops = &ops;
    tj__metrics_begin(&opened->engine.metrics);
    tj_status status = tj__postgres_open(config, &opened->engine.metrics, &opened->postgres, error);
    if (status != TJ_OK) {
        free(opened);
        return status;
    }
    *out = &opened->engine;
    return TJ_OK;
}

/* For messages; no URL, which may hold more than is for everybody. */
static tj_status locate(const tj_config *config, char out[TJ_PATH_SIZE], tj_error *error)
{
    TJ_TRY(tj__postgres_check(config, error));
    snprintf(out, TJ_PATH_SIZE, "%s in schema %s on PostgreSQL", config->postgres.name,
             config->postgres.schema);
    return TJ_OK;
}

/* What leads there; a second way to the same journal meets its lease. */
static tj_status identify(const tj_config *config, bool *there, tj__engine_identity *out,
                          tj_error *error)
{
    const tj_postgres_config *given = &config->postgres;
    const char *texts[] = {given->url, given->schema, given->name};
    (void)error;
    *there = true;
    *out = (tj__engine_identity){1, 2};
    for (int i = 0; i < 3; i++) {
        out->device = tj__hash_seeded(texts[i], strlen(texts[i]), out->device);
        out->inode = tj__hash_seeded(texts[i], strlen(texts[i]), out->inode);
    }
    return TJ_OK;
}

static bool same_options(const tj_config *a, const tj_config *b)
{
    const tj_postgres_config *left = &a->postgres;
    const tj_postgres_config *right = &b->postgres;
    return left->lag_bytes == right->lag_bytes && left->lag_ms == right->lag_ms &&
           left->lease_ms == right->lease_ms && left->timeout_ms == right->timeout_ms &&
           left->answer_ms == right->answer_ms && left->standby_lost == right->standby_lost;
}

const tj__engine_kind tj__postgres_engine = {
    .type = TJ_ENGINE_POSTGRES,
    .name = "postgres",
    .replicates = true,
    .locate = locate,
    .identify = identify,
    .same_options = same_options,
    .open = open_engine,
};
