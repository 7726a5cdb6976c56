/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Opening and closing a store, its books and its repositories' handles. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/sized.h"
#include "base/text.h"
#include "base/thread.h"
#include "store/internal.h"

/* More than any file system takes. */
#define SEGMENT_SIZE_MAX ((uint64_t)1 << 60)

/* ---- opening and closing ---------------------------------------------------------------- */

/* The map's size, within the bound of its growth. */
static tj_status fill_map_size(tj_lmdb_config *lmdb, tj_error *error)
{
    uint64_t bound = lmdb->map_size_max_bytes;
    if (bound != 0 && lmdb->map_size_bytes > bound) {
        return tj__fail(error, TJ_MISUSE,
                        "map_size is %" PRIu64 " bytes, more than map_size_max, %" PRIu64,
                        lmdb->map_size_bytes, bound);
    }
    if (lmdb->map_size_bytes == 0) {
        lmdb->map_size_bytes =
            bound != 0 && bound < TJ_MAP_SIZE_DEFAULT ? bound : TJ_MAP_SIZE_DEFAULT;
    }
    return TJ_OK;
}

static tj_status fill_lmdb(tj_lmdb_config *lmdb, tj_error *error)
{
    TJ_TRY(tj__sized_check_reserved(lmdb->reserved, sizeof lmdb->reserved,
                                    "the configuration's `lmdb`", "TJ_CONFIG_INIT", error));
    lmdb->lag_bytes = lmdb->lag_bytes ? lmdb->lag_bytes : TJ_LAG_BYTES_DEFAULT;
    lmdb->lag_ms = lmdb->lag_ms ? lmdb->lag_ms : TJ_LAG_MS_DEFAULT;
    uint64_t segment =
        lmdb->segment_size_bytes ? lmdb->segment_size_bytes : TJ_SEGMENT_SIZE_DEFAULT;
    if (segment < TJ_SEGMENT_SIZE_MIN || segment > SEGMENT_SIZE_MAX) {
        return tj__fail(error, TJ_MISUSE,
                        "segment_size is %" PRIu64 " bytes; it must be at %s %" PRIu64, segment,
                        segment < TJ_SEGMENT_SIZE_MIN ? "least" : "most",
                        segment < TJ_SEGMENT_SIZE_MIN ? TJ_SEGMENT_SIZE_MIN : SEGMENT_SIZE_MAX);
    }
    /* Segments are whole pages, so that the last record never shares one with the file's end. */
    lmdb->segment_size_bytes = (segment + 4095) / 4096 * 4096;
    return fill_map_size(lmdb, error);
}

static tj_status fill_postgres(tj_postgres_config *postgres, tj_error *error)
{
    TJ_TRY(tj__sized_check_reserved(postgres->reserved, sizeof postgres->reserved,
                                    "the configuration's `postgres`", "TJ_CONFIG_INIT", error));
    postgres->schema = postgres->schema ? postgres->schema : TJ_POSTGRES_SCHEMA_DEFAULT;
    postgres->name = postgres->name ? postgres->name : TJ_POSTGRES_NAME_DEFAULT;
    postgres->lag_bytes = postgres->lag_bytes ? postgres->lag_bytes : TJ_POSTGRES_LAG_BYTES_DEFAULT;
    postgres->lag_ms = postgres->lag_ms ? postgres->lag_ms : TJ_LAG_MS_DEFAULT;
    postgres->lease_ms = postgres->lease_ms ? postgres->lease_ms : TJ_POSTGRES_LEASE_MS_DEFAULT;
    postgres->timeout_ms =
        postgres->timeout_ms ? postgres->timeout_ms : TJ_POSTGRES_TIMEOUT_MS_DEFAULT;
    postgres->answer_ms = postgres->answer_ms ? postgres->answer_ms : TJ_POSTGRES_ANSWER_MS_DEFAULT;
    return TJ_OK;
}

tj_status tj__config_complete(const tj_config *given, tj_config *config, tj_error *error)
{
    *config = (tj_config)TJ_CONFIG_INIT;
    TJ_TRY(tj__sized_read(given, config, "the configuration", "TJ_CONFIG_INIT", error));
    config->book = config->book ? config->book : TJ_BOOK_DEFAULT;
    TJ_TRY(fill_lmdb(&config->lmdb, error));
    TJ_TRY(fill_postgres(&config->postgres, error));
    const tj__engine_kind *kind = tj__engine_kind_of(config->type);
    if (!kind) {
        return tj__fail(error, TJ_MISUSE, "there is no engine number %d", (int)config->type);
    }
    if ((unsigned)config->durability > TJ_DURABILITY_REPLICATED ||
        (unsigned)config->postgres.standby_lost > TJ_STANDBY_LOST_GO_ON) {
        return tj__fail(error, TJ_MISUSE, "%s is none of its values",
                        (unsigned)config->durability > TJ_DURABILITY_REPLICATED ? "durability"
                                                                                : "standby_lost");
    }
    if (config->durability == TJ_DURABILITY_REPLICATED && !kind->replicates) {
        return tj__fail(error, TJ_MISUSE,
                        "durability \"replicated\" is for a journal on PostgreSQL: on one machine "
                        "\"sync\" is the most that there is");
    }
    if (kind->private && config->read_only) {
        return tj__fail(error, TJ_MISUSE,
                        "a store in memory cannot be opened read-only: it would "
                        "always be empty");
    }
    return tj__book_name_check(config->book, error);
}

tj_status tj_store_open(const tj_config *config, tj_store **out, tj_error *error)
{
    if (!out) {
        return tj__fail(error, TJ_MISUSE, "no place to return the store in");
    }
    *out = NULL;
    tj_config filled;
    TJ_TRY(tj__config_complete(config, &filled, error));
    tj_store *store = calloc(1, sizeof *store);
    if (!store) {
        return tj__fail(error, TJ_NOMEM, "no memory for a store");
    }
    store->read_only = filled.read_only;
    snprintf(store->book, sizeof store->book, "%s", filled.book);
    tj_status status = tj__core_open(&filled, &store->core, error);
    if (status != TJ_OK) {
        free(store);
        return status;
    }
    tj__mutex_init(&store->handles_lock);
    *out = store;
    return TJ_OK;
}

tj_status tj_store_close(tj_store *store, tj_error *error)
{
    if (!store) {
        return TJ_OK;
    }
    tj_status status = tj__core_release(store->core, error);
    while (store->handles) {
        tj__book_handle *handle = store->handles;
        store->handles = handle->next;
        free(handle);
    }
    pthread_mutex_destroy(&store->handles_lock);
    free(store);
    return status;
}

tj__engine *tj__store_engine(const tj_store *store)
{
    return store->core->engine;
}

const char *tj__store_book(const tj_store *store)
{
    return store->book;
}

/* ---- handles ---------------------------------------------------------------------------- */

static tj__book_handle *new_handle(tj_store *store, const char *book)
{
    size_t size = strlen(book) + 1;
    tj__book_handle *handle = calloc(1, sizeof *handle + size);
    if (handle) {
        memcpy(handle->name, book, size);
        handle->state = (struct tj_state_repository){store, handle->name};
        handle->algo = (struct tj_algo_repository){store, handle->name};
        handle->ledger = (struct tj_ledger_repository){store, handle->name};
        handle->next = store->handles;
        store->handles = handle;
    }
    return handle;
}

static tj__book_handle *handle_of(tj_store *store, const char *book)
{
    if (!store) {
        return NULL;
    }
    const char *name = book ? book : store->book;
    if (tj__book_name_check(name, NULL) != TJ_OK) {
        return NULL;
    }
    pthread_mutex_lock(&store->handles_lock);
    tj__book_handle *handle = store->handles;
    while (handle && strcmp(handle->name, name) != 0) {
        handle = handle->next;
    }
    if (!handle) {
        handle = new_handle(store, name);
    }
    pthread_mutex_unlock(&store->handles_lock);
    return handle;
}

tj_state_repository *tj_store_state_repository(tj_store *store, const char *book)
{
    tj__book_handle *handle = handle_of(store, book);
    return !handle ? NULL : &handle->state;
}

tj_algo_repository *tj_store_algo_repository(tj_store *store, const char *book)
{
    tj__book_handle *handle = handle_of(store, book);
    return !handle ? NULL : &handle->algo;
}

tj_ledger_repository *tj_store_ledger_repository(tj_store *store, const char *book)
{
    tj__book_handle *handle = handle_of(store, book);
    return !handle ? NULL : &handle->ledger;
}

/* ---- books and information -------------------------------------------------------------- */

tj_status tj_store_book_create(tj_store *store, const char *name, tj_error *error)
{
    if (!store) {
        return tj__fail(error, TJ_MISUSE, "no store");
    }
    TJ_TRY(tj__book_name_check(name, error));
    tj__plan *plan = tj__plan_new();
    if (!plan) {
        return tj__fail(error, TJ_NOMEM, "no memory for a transaction");
    }
    tj_status status = tj__plan_create_book(plan, tj_str_of(name), error);
    if (status == TJ_OK) {
        status = tj__store_commit(store, plan, NULL, NULL, error);
    }
    tj__plan_free(plan);
    return status;
}

tj_status tj_store_books(tj_store *store, tj_book_list **out, tj_error *error)
{
    if (!store || !out) {
        return tj__fail(error, TJ_MISUSE, "no store, or no place to return the books in");
    }
    *out = NULL;
    TJ_TRY(tj__core_check(store->core, error));
    tj__engine *engine = store->core->engine;
    tj__row_source *rows = NULL;
    TJ_TRY(engine->ops->view_begin(engine, &rows, error));
    tj_status status = tj__book_list_load(rows, out, error);
    engine->ops->view_end(engine, rows);
    return status;
}

tj_status tj_store_info_get(tj_store *store, tj_store_info *info, tj_error *error)
{
    tj_store_info found = TJ_STORE_INFO_INIT;
    if (!store) {
        return tj__fail(error, TJ_MISUSE, "no store");
    }
    TJ_TRY(tj__sized_check(info, sizeof found, "the information", "TJ_STORE_INFO_INIT", error));
    TJ_TRY(tj__core_check(store->core, error));
    TJ_TRY(store->core->engine->ops->info(store->core->engine, &found, error));
    tj__sized_fill(info, &found);
    return TJ_OK;
}

tj_status tj_store_standbys(tj_store *store, tj_standby_list **out, tj_error *error)
{
    void *object = NULL;
    if (!store || !out) {
        return tj__fail(error, TJ_MISUSE, "no store, or no place for the list");
    }
    *out = NULL;
    TJ_TRY(tj__core_check(store->core, error));
    if (!tj__arena_new(sizeof(tj_standby_list), &object)) {
        return tj__fail(error, TJ_NOMEM, "no memory for a list of standbys");
    }
    tj_standby_list *list = object;
    tj__engine *engine = store->core->engine;
    *list = (tj_standby_list){.wanted = TJ_STR(""), .is_shown = true};
    tj_status status = engine->ops->standbys ? engine->ops->standbys(engine, list, error) : TJ_OK;
    if (status != TJ_OK) {
        tj_standby_list_free(list);
        return status;
    }
    *out = list;
    return TJ_OK;
}

void tj_standby_list_free(tj_standby_list *list)
{
    tj__arena_free_object(list);
}

/* ---- submitted commits, and the work of the threads ------------------------------------- */

int tj_store_completion_fd(tj_store *store)
{
    if (!store || store->read_only || tj__core_check(store->core, NULL) != TJ_OK) {
        return -1;
    }
    return tj__flights_fd(&store->core->flights);
}

tj_status tj_store_complete(tj_store *store, uint32_t wait_ms, size_t *count, tj_error *error)
{
    if (!store || store->read_only) {
        return tj__fail(error, TJ_MISUSE, "no store, or one that is read-only");
    }
    TJ_TRY(tj__core_check(store->core, error));
    size_t taken = tj__flights_take(&store->core->flights, wait_ms);
    if (count) {
        *count = taken;
    }
    return TJ_OK;
}

/* How long one of the waits is that tj_store_drain consists of. */
#define DRAIN_STEP_MS 1000

tj_status tj_store_drain(tj_store *store, uint32_t wait_ms, tj_error *error)
{
    uint64_t start = tj__monotonic_ns();
    TJ_TRY(tj_store_complete(store, 0, NULL, error));
    for (;;) {
        size_t left = tj__flights_count(&store->core->flights);
        uint64_t passed_ms = (tj__monotonic_ns() - start) / 1000000;
        if (left == 0) {
            return TJ_OK;
        }
        if (wait_ms != 0 && passed_ms >= wait_ms) {
            return tj__fail(error, TJ_UNAVAILABLE,
                            "%zu submitted %s still in flight after %" PRIu32 " ms", left,
                            tj__plural(left, "commit is", "commits are"), wait_ms);
        }
        uint64_t rest_ms = wait_ms == 0 ? DRAIN_STEP_MS : wait_ms - passed_ms;
        TJ_TRY(tj_store_complete(store, rest_ms < DRAIN_STEP_MS ? (uint32_t)rest_ms : DRAIN_STEP_MS,
                                 NULL, error));
    }
}

tj_status tj_store_work(tj_store *store, tj_error *error)
{
    if (!store || store->read_only) {
        return tj__fail(error, TJ_MISUSE, "no store, or one that is read-only");
    }
    tj__engine *engine = store->core->engine;
    TJ_TRY(tj__core_check(store->core, error));
    TJ_TRY(tj__flights_flush(&store->core->flights, true, error));
    return !engine->ops->work ? TJ_OK : engine->ops->work(engine, error);
}

tj_status tj_store_commit_find(tj_store *store, const tj_uuid *commit_id, uint64_t *sequence,
                               tj_error *error)
{
    if (!store || !commit_id) {
        return tj__fail(error, TJ_MISUSE, "no store, or no commit id");
    }
    TJ_TRY(tj__core_check(store->core, error));
    tj__engine *engine = store->core->engine;
    tj__row_source *rows = NULL;
    uint64_t found = 0;
    TJ_TRY(engine->ops->view_begin(engine, &rows, error));
    tj_status status = tj__commit_find(rows, commit_id, &found, error);
    engine->ops->view_end(engine, rows);
    if (status == TJ_OK && sequence) {
        *sequence = found;
    }
    return status;
}
