/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The rows of one state of LMDB's, as a row source. */
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "table/internal.h"

struct tj__env_snapshot {
    tj__row_source source; /* first: a pointer to it is one to the snapshot */
    tj__env *env;
    MDB_txn *txn;
    uint8_t key[TJ__ROW_KEY_SIZE_MAX]; /* of the row that get found */
};

static tj_status read_failed(const tj__env_snapshot *snapshot, int code, tj_error *error)
{
    tj_status status = tj__fail_lmdb(error, code, "reading %s", snapshot->env->data_path);
    tj__error_place(error, "%s", snapshot->env->data_path);
    return status;
}

static tj_status check_table(const tj__env *env, tj__bytes key, tj_error *error)
{
    if (key.size >= 1 && key.size <= TJ__ROW_KEY_SIZE_MAX && key.data[0] > TJ__TABLE_META &&
        key.data[0] <= TJ__TABLE_LAST && env->tables[key.data[0]] != 0) {
        return TJ_OK;
    }
    return tj__fail(error, TJ_MISUSE, "a key of %zu bytes is not that of a row", key.size);
}

/* LMDB's key: without the table byte. */
static MDB_val lmdb_key(tj__bytes key)
{
    return (MDB_val){key.size - 1, (void *)(key.data + 1)};
}

/* Where a damaged row stands. Its page begins with its own number: of a long value, the first of
 * its run. */
static void locate(const tj__env *env, tj__row *row, const uint8_t *stored)
{
    if (row->damaged) {
        uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
        uintptr_t in_page = (uintptr_t)stored % page_size;
        row->file = env->data_path;
        row->offset = tj__load_u64(stored - in_page) * page_size + in_page;
    }
}

static tj_status get(tj__row_source *source, tj__bytes key, tj__row *row, tj_error *error)
{
    tj__env_snapshot *snapshot = (tj__env_snapshot *)source;
    TJ_TRY(check_table(snapshot->env, key, error));
    TJ_TRY(tj__env_touch(snapshot->env, key.data[0], error));
    MDB_val sought = lmdb_key(key);
    MDB_val stored = {0, NULL};
    int code = sought.mv_size == 0
                   ? MDB_NOTFOUND
                   : mdb_get(snapshot->txn, snapshot->env->tables[key.data[0]], &sought, &stored);
    if (code == MDB_NOTFOUND) {
        return TJ_NOT_FOUND;
    }
    if (code != 0) {
        return read_failed(snapshot, code, error);
    }
    memmove(snapshot->key, key.data, key.size);
    *row = tj__row_unwrap(tj__bytes_of(snapshot->key, key.size),
                          tj__bytes_of(stored.mv_data, stored.mv_size));
    locate(snapshot->env, row, stored.mv_data);
    return TJ_OK;
}

/* A scan's bounds inside one table. */
typedef struct scan_bounds {
    uint8_t table;
    tj__bytes first;
    tj__bytes end;
    bool has_end; /* else to the end of the table */
    bool descending;
} scan_bounds;

static tj_status make_bounds(tj__bytes first, tj__bytes end, bool descending, scan_bounds *out,
                             tj_error *error)
{
    if (end.size == 0 || tj__bytes_compare(first, end) > 0) {
        return tj__fail(error, TJ_MISUSE, "the end of a scan is below its first key");
    }
    *out = (scan_bounds){.table = first.data[0],
                         .first = tj__bytes_of(first.data + 1, first.size - 1),
                         .end = tj__bytes_of(end.data + 1, end.size - 1),
                         .has_end = end.data[0] == first.data[0],
                         .descending = descending};
    return TJ_OK;
}

static int seek(MDB_cursor *cursor, const scan_bounds *bounds, MDB_val *key, MDB_val *data)
{
    if (!bounds->descending) {
        *key = (MDB_val){bounds->first.size, (void *)bounds->first.data};
        return mdb_cursor_get(cursor, key, data, key->mv_size > 0 ? MDB_SET_RANGE : MDB_FIRST);
    }
    if (!bounds->has_end) {
        return mdb_cursor_get(cursor, key, data, MDB_LAST);
    }
    if (bounds->end.size == 0) {
        return MDB_NOTFOUND;
    }
    *key = (MDB_val){bounds->end.size, (void *)bounds->end.data};
    int code = mdb_cursor_get(cursor, key, data, MDB_SET_RANGE);
    return code == 0 || code == MDB_NOTFOUND
               ? mdb_cursor_get(cursor, key, data, code == 0 ? MDB_PREV : MDB_LAST)
               : code;
}

static bool within(const scan_bounds *bounds, tj__bytes key)
{
    return bounds->descending ? tj__bytes_compare(key, bounds->first) >= 0
                              : !bounds->has_end || tj__bytes_compare(key, bounds->end) < 0;
}

static tj_status visit(const tj__env *env, const scan_bounds *bounds, tj__bytes key,
                       tj__bytes stored, tj__row_visitor *visitor, void *context, tj_error *error)
{
    uint8_t row_key[TJ__ROW_KEY_SIZE_MAX];
    if (key.size >= sizeof row_key) {
        return tj__fail(error, TJ_CORRUPT, "a key of table %s has %zu bytes",
                        tj__table_name(bounds->table), key.size);
    }
    row_key[0] = bounds->table;
    memcpy(row_key + 1, key.data, key.size);
    tj__row row = tj__row_unwrap(tj__bytes_of(row_key, key.size + 1), stored);
    locate(env, &row, stored.data);
    return visitor(context, &row, error);
}

static tj_status scan_cursor(const tj__env_snapshot *snapshot, MDB_cursor *cursor,
                             const scan_bounds *bounds, tj__row_visitor *visitor, void *context,
                             tj_error *error)
{
    MDB_val key = {0, NULL};
    MDB_val data = {0, NULL};
    int code = seek(cursor, bounds, &key, &data);
    while (code == 0 && within(bounds, tj__bytes_of(key.mv_data, key.mv_size))) {
        tj_status status = visit(snapshot->env, bounds, tj__bytes_of(key.mv_data, key.mv_size),
                                 tj__bytes_of(data.mv_data, data.mv_size), visitor, context, error);
        if (status != TJ_OK) {
            return status == TJ__STOP ? TJ_OK : status;
        }
        code = mdb_cursor_get(cursor, &key, &data, bounds->descending ? MDB_PREV : MDB_NEXT);
    }
    return code == 0 || code == MDB_NOTFOUND ? TJ_OK : read_failed(snapshot, code, error);
}

static tj_status scan_table(const tj__env_snapshot *snapshot, const scan_bounds *bounds,
                            tj__row_visitor *visitor, void *context, tj_error *error)
{
    MDB_cursor *cursor = NULL;
    int code = mdb_cursor_open(snapshot->txn, snapshot->env->tables[bounds->table], &cursor);
    if (code != 0) {
        return read_failed(snapshot, code, error);
    }
    tj_status status = scan_cursor(snapshot, cursor, bounds, visitor, context, error);
    mdb_cursor_close(cursor);
    return status;
}

static tj_status tally(tj__row_source *source, tj__bytes prefix, tj__row_classifier *classify,
                       tj__row_tally *out, bool *known, tj_error *error)
{
    tj__env_snapshot *snapshot = (tj__env_snapshot *)source;
    tj__env *env = snapshot->env;
    *known = false;
    if (env->classify != classify || prefix.size != 1 + sizeof(uint32_t)) {
        return TJ_OK;
    }
    TJ_TRY(check_table(env, prefix, error));
    TJ_TRY(tj__env_touch(env, prefix.data[0], error));
    *known = tj__env_tally(env, mdb_txn_id(snapshot->txn), prefix.data[0],
                           tj__load_u32_be(prefix.data + 1), out);
    return TJ_OK;
}

/* The first row of a descending scan of a table that was not walked yet: many want no more than
 * that, and need not wait for the walk. The scan goes on below it. */
static tj_status visit_edge(const tj__env_snapshot *snapshot, scan_bounds *bounds, uint8_t **page,
                            tj__row_visitor *visitor, void *context, tj_error *error)
{
    tj__bytes key;
    tj__bytes stored;
    if (!bounds->descending || tj__env_is_walked(snapshot->env, bounds->table) ||
        !tj__edge_last(snapshot->env, mdb_txn_id(snapshot->txn), bounds->table, bounds->end,
                       bounds->has_end, page, &key, &stored)) {
        return TJ_OK;
    }
    if (!within(bounds, key)) {
        return TJ__STOP;
    }
    bounds->end = key;
    bounds->has_end = true;
    return visit(snapshot->env, bounds, key, stored, visitor, context, error);
}

static tj_status scan(tj__row_source *source, tj__bytes first, tj__bytes end, bool descending,
                      tj__row_visitor *visitor, void *context, tj_error *error)
{
    tj__env_snapshot *snapshot = (tj__env_snapshot *)source;
    scan_bounds bounds = {0};
    uint8_t *page = NULL;
    TJ_TRY(check_table(snapshot->env, first, error));
    TJ_TRY(make_bounds(first, end, descending, &bounds, error));
    tj_status status = visit_edge(snapshot, &bounds, &page, visitor, context, error);
    if (status == TJ_OK) {
        status = tj__env_touch(snapshot->env, bounds.table, error);
    }
    if (status == TJ_OK) {
        status = scan_table(snapshot, &bounds, visitor, context, error);
    }
    free(page);
    return status == TJ__STOP ? TJ_OK : status;
}

tj_status tj__env_find(tj__env *env, tj__bytes key, bool *found, tj_error *error)
{
    TJ_TRY(check_table(env, key, error));
    TJ_TRY(tj__env_touch(env, key.data[0], error));
    MDB_txn *txn = NULL;
    TJ_TRY(tj__read_begin(env, &txn, error));
    MDB_val sought = lmdb_key(key);
    MDB_val stored = {0, NULL};
    int code = mdb_get(txn, env->tables[key.data[0]], &sought, &stored);
    tj__read_end(env, txn);
    *found = code == 0;
    if (code == 0 || code == MDB_NOTFOUND) {
        return TJ_OK;
    }
    tj_status status = tj__fail_lmdb(error, code, "reading %s", env->data_path);
    tj__error_place(error, "%s", env->data_path);
    return status;
}

tj_status tj__env_snapshot_begin(tj__env *env, tj__env_snapshot **out, tj__position *position,
                                 tj_error *error)
{
    *out = NULL;
    tj__env_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot) {
        return tj__fail(error, TJ_NOMEM, "out of memory reading %s", env->data_path);
    }
    tj__position found;
    tj_status status = tj__read_begin(env, &snapshot->txn, error);
    if (status == TJ_OK) {
        status = tj__meta_get_position(snapshot->txn, env->tables[TJ__TABLE_META], &found, error);
        if (status != TJ_OK) {
            tj__error_context(error, "reading %s", env->data_path);
            tj__read_end(env, snapshot->txn);
        }
    }
    if (status != TJ_OK) {
        free(snapshot);
        return status;
    }
    snapshot->source =
        (tj__row_source){.get = get, .scan = scan, .tally = tally, .sequence = found.sequence};
    snapshot->env = env;
    *position = found;
    *out = snapshot;
    return TJ_OK;
}

tj__row_source *tj__env_snapshot_rows(tj__env_snapshot *snapshot)
{
    return &snapshot->source;
}

void tj__env_snapshot_end(tj__env_snapshot *snapshot)
{
    if (!snapshot) {
        return;
    }
    if (snapshot->env->pid == getpid()) {
        tj__read_end(snapshot->env, snapshot->txn);
    }
    free(snapshot);
}
