/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The memory engine: rows in a map, gone with the process. */
#include <pthread.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/layers.h"
#include "base/thread.h"
#include "engine/engine.h"
#include "rows/body.h"

typedef struct memory_engine {
    tj__engine engine; /* must be first */
    tj__layers view;   /* the one there is, over nothing; used under the lock */
    pthread_mutex_t lock;
    tj__rowmap *map;
    uint64_t sequence;
    tj_time sequence_time;
} memory_engine;

static tj_status view_begin(tj__engine *engine, tj__row_source **rows, tj_error *error)
{
    (void)error;
    memory_engine *memory = (memory_engine *)engine;
    pthread_mutex_lock(&memory->lock);
    memory->view.rows.sequence = memory->sequence;
    *rows = &memory->view.rows;
    return TJ_OK;
}

static void view_end(tj__engine *engine, tj__row_source *rows)
{
    (void)rows;
    pthread_mutex_unlock(&((memory_engine *)engine)->lock);
}

/* The commit's rows are allocated in a map of their own first, so that one that runs out of memory
 * half way is refused before it has changed anything. */
static tj_status append(tj__engine *engine, const tj__commit_record *commit, bool urgent,
                        uint64_t *sequence, tj_error *error)
{
    (void)urgent;
    memory_engine *memory = (memory_engine *)engine;
    tj__rowmap *changes = tj__rowmap_new();
    if (!changes) {
        return tj__fail(error, TJ_NOMEM, "no memory for a commit");
    }
    tj_status status = tj__body_apply(changes, TJ__TABLES_ALL, commit->body, commit->change_count,
                                      memory->sequence + 1, &commit->commit_id, error);
    if (status == TJ_OK) {
        pthread_mutex_lock(&memory->lock);
        if (tj__rowmap_absorb(memory->map, changes)) {
            *sequence = ++memory->sequence;
            memory->sequence_time = tj_time_now();
        } else {
            status = tj__fail(error, TJ_NOMEM, "no memory for a commit");
        }
        pthread_mutex_unlock(&memory->lock);
    }
    tj__rowmap_free(changes);
    return status;
}

/* Memory is as durable at once as it will ever be. */
static tj_status wait(tj__engine *engine, uint64_t sequence, bool sync, tj_error *error)
{
    (void)engine;
    (void)sequence;
    (void)sync;
    (void)error;
    return TJ_OK;
}

static tj_status find(tj__engine *engine, tj__bytes key, bool *found, tj_error *error)
{
    (void)error;
    memory_engine *memory = (memory_engine *)engine;
    pthread_mutex_lock(&memory->lock);
    *found = tj__rowmap_find(memory->map, key) != NULL;
    pthread_mutex_unlock(&memory->lock);
    return TJ_OK;
}

/* All that was appended. */
static uint64_t included(tj__engine *engine)
{
    (void)engine;
    return UINT64_MAX;
}

static uint64_t appended(tj__engine *engine)
{
    return ((memory_engine *)engine)->sequence;
}

static tj_status info(tj__engine *engine, tj_store_info *out, tj_error *error)
{
    (void)error;
    memory_engine *memory = (memory_engine *)engine;
    pthread_mutex_lock(&memory->lock);
    out->type = TJ_ENGINE_MEMORY;
    out->sequence = memory->sequence;
    out->sequence_time = memory->sequence_time;
    out->state_bytes = tj__rowmap_bytes(memory->map);
    pthread_mutex_unlock(&memory->lock);
    return TJ_OK;
}

static tj_status close_memory(tj__engine *engine, tj_error *error)
{
    (void)error;
    memory_engine *memory = (memory_engine *)engine;
    tj__rowmap_free(memory->map);
    pthread_mutex_destroy(&memory->lock);
    free(memory);
    return TJ_OK;
}

static const tj__engine_ops ops = {
    .view_begin = view_begin,
    .view_end = view_end,
    .append = append,
    .wait = wait,
    .find = find,
    .included = included,
    .appended = appended,
    .info = info,
    .close = close_memory,
};

static tj_status open_memory(const tj_config *config, tj__engine **out, tj_error *error)
{
    (void)config;
    memory_engine *memory = calloc(1, sizeof *memory);
    tj__rowmap *map = tj__rowmap_new();
    if (!memory || !map) {
        free(memory);
        tj__rowmap_free(map);
        return tj__fail(error, TJ_NOMEM, "no memory for the memory engine");
    }
    memory->engine.ops = &ops;
    tj__metrics_begin(&memory->engine.metrics);
    tj__layers_init(&memory->view, NULL, map, 0);
    memory->map = map;
    tj__mutex_init(&memory->lock);
    *out = &memory->engine;
    return TJ_OK;
}

const tj__engine_kind tj__memory_engine = {
    .type = TJ_ENGINE_MEMORY,
    .name = "memory",
    .private = true,
    .open = open_memory,
};
