/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The lmdb engine: the journal, behind the table of engine.h. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "engine/engine.h"
#include "journal/journal.h"

typedef struct lmdb_engine {
    tj__engine engine; /* must be first */
    tj__journal *journal;
} lmdb_engine;

static tj__journal *journal_of(tj__engine *engine)
{
    return ((lmdb_engine *)engine)->journal;
}

static tj_status view_begin(tj__engine *engine, tj__row_source **rows, tj_error *error)
{
    return tj__journal_view_begin(journal_of(engine), rows, error);
}

static void view_end(tj__engine *engine, tj__row_source *rows)
{
    (void)engine;
    tj__journal_view_end(rows);
}

static tj_status append(tj__engine *engine, const tj__commit_record *commit, bool urgent,
                        uint64_t *sequence, tj_error *error)
{
    return tj__journal_append(journal_of(engine), commit, urgent, sequence, error);
}

static tj_status wait(tj__engine *engine, uint64_t sequence, bool sync, tj_error *error)
{
    return tj__journal_wait(journal_of(engine), sequence, sync, error);
}

static tj_status find(tj__engine *engine, tj__bytes key, bool *found, tj_error *error)
{
    return tj__journal_find(journal_of(engine), key, found, error);
}

static uint64_t included(tj__engine *engine)
{
    return tj__journal_included(journal_of(engine));
}

static uint64_t appended(tj__engine *engine)
{
    return tj__journal_appended(journal_of(engine));
}

static tj_time made_at(const tj__engine *engine)
{
    return tj__journal_made_at(((const lmdb_engine *)engine)->journal);
}

static tj_status info(tj__engine *engine, tj_store_info *out, tj_error *error)
{
    return tj__journal_info(journal_of(engine), out, error);
}

static void metrics(tj__engine *engine, tj_metrics *out)
{
    tj__journal_metrics(journal_of(engine), out);
}

static tj_status prune(tj__engine *engine, uint64_t size_bytes, bool dry, tj_prune_report *report,
                       tj_error *error)
{
    return tj__journal_prune(journal_of(engine), size_bytes, dry, report, error);
}

static tj_status work(tj__engine *engine, tj_error *error)
{
    return tj__journal_work(journal_of(engine), error);
}

static void quiesce(tj__engine *engine, uint64_t since_ns)
{
    (void)since_ns;
    tj__journal_quiesce(journal_of(engine));
}

static tj_status close_lmdb(tj__engine *engine, tj_error *error)
{
    tj_status status = tj__journal_close(journal_of(engine), error);
    free(engine);
    return status;
}

static void abandon(tj__engine *engine)
{
    tj__journal_abandon(journal_of(engine));
}

static tj_status newest(tj__engine *engine, uint64_t *sequence, tj_error *error)
{
    return tj__journal_newest(journal_of(engine), sequence, error);
}

static tj_status view_at(tj__engine *engine, uint64_t sequence, uint64_t tables,
                         tj__row_source **rows, tj_error *error)
{
    return tj__journal_view_at(journal_of(engine), sequence, tables, rows, error);
}

static tj_status points(tj__engine *engine, uint64_t last, tj__buffer *out, tj_error *error)
{
    return tj__journal_points(journal_of(engine), last, out, error);
}

static tj_status sequence_at(tj__engine *engine, tj_time time, uint64_t newest_sequence,
                             uint64_t *sequence, tj_error *error)
{
    return tj__journal_sequence_at(journal_of(engine), time, newest_sequence, sequence, error);
}

static tj_status block(tj__engine *engine, uint64_t sequence, uint64_t *first, tj_error *error)
{
    return tj__journal_block(journal_of(engine), sequence, first, error);
}

static tj_status commits_open(tj__engine *engine, uint64_t first, const tj__row_source *before,
                              tj__commits **out, tj_error *error)
{
    return tj__journal_commits_open(journal_of(engine), first, before, out, error);
}

static const tj__engine_past past = {
    .newest = newest,
    .view_at = view_at,
    .view_at_end = tj__journal_view_at_end,
    .points = points,
    .sequence_at = sequence_at,
    .block = block,
    .commits_open = commits_open,
    .commits_next = tj__journal_commits_next,
    .commits_close = tj__journal_commits_close,
};

static const tj__engine_ops ops = {
    .view_begin = view_begin,
    .view_end = view_end,
    .append = append,
    .wait = wait,
    .find = find,
    .included = included,
    .appended = appended,
    .info = info,
    .made_at = made_at,
    .metrics = metrics,
    .past = &past,
    .prune = prune,
    .work = work,
    .quiesce = quiesce,
    .close = close_lmdb,
    .abandon = abandon,
};

static tj_status open_lmdb(const tj_config *config, tj__engine **out, tj_error *error)
{
    lmdb_engine *lmdb = calloc(1, sizeof *lmdb);
    if (!lmdb) {
        return tj__fail(error, TJ_NOMEM, "no memory for the lmdb engine");
    }
    lmdb->engine.ops = &ops;
    tj__metrics_begin(&lmdb->engine.metrics);
    tj_status status = tj__journal_open(config, &lmdb->engine.metrics, &lmdb->journal, error);
    if (status != TJ_OK) {
        free(lmdb);
        return status;
    }
    *out = &lmdb->engine;
    return TJ_OK;
}

static tj_status locate(const tj_config *config, char out[TJ_PATH_SIZE], tj_error *error)
{
    return tj__journal_path(config->path, out, TJ_PATH_SIZE, error);
}

/* LMDB must not open one environment twice in a process, whatever path leads to it. */
static tj_status identify(const tj_config *config, bool *there, tj__engine_identity *out,
                          tj_error *error)
{
    struct stat found;
    TJ_TRY(tj__path_look(config->path, there, &found, error));
    if (*there) {
        *out = (tj__engine_identity){found.st_dev, found.st_ino};
    }
    return TJ_OK;
}

static bool same_options(const tj_config *a, const tj_config *b)
{
    return a->lmdb.map_size_bytes == b->lmdb.map_size_bytes &&
           a->lmdb.map_size_max_bytes == b->lmdb.map_size_max_bytes &&
           a->lmdb.segment_size_bytes == b->lmdb.segment_size_bytes &&
           a->lmdb.lag_bytes == b->lmdb.lag_bytes && a->lmdb.lag_ms == b->lmdb.lag_ms;
}

const tj__engine_kind tj__journal_engine = {
    .type = TJ_ENGINE_LMDB,
    .name = "lmdb",
    .locate = locate,
    .identify = identify,
    .same_options = same_options,
    .open = open_lmdb,
};
