/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Applying a batch: one LMDB transaction, tried again after the map has grown. What a failure
 * leaves behind:
 *   - before or in mdb_txn_commit, up to its fdatasync: LMDB holds the previous position;
 *   - in the write of the meta page: LMDB calls its environment broken (MDB_PANIC from then on),
 *     and the outcome is unknown until the file is opened anew.
 * A failed flush is not told from a failed write, so an EIO that a full disk does not explain ends
 * the use of this handle: what the page cache shows after it may not be what the disk holds. A full
 * disk does not end it, because the next transaction writes all its pages anew.
 *
 * A batch is what follows the one before. Where data.mdb stands before that (an older copy was
 * written over it while it was open) nothing is put into it: it would lack the batches between, and
 * nothing would tell.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/statvfs.h>

#include "base/error.h"
#include "table/internal.h"

/* In place of LMDB's codes: data.mdb is not where the last apply left it. */
#define WRITTEN_OVER (-1)
/* Copy-on-write and free-list pages of a batch, beside its rows. */
#define SPARE_BYTES ((uint64_t)1 << 20)

static tj_status check_entry(const tj__rowmap_entry *entry, tj_error *error)
{
    tj__bytes key = tj__rowmap_key(entry);
    if (key.size < 2 || key.size > TJ__ROW_KEY_SIZE_MAX || key.data[0] <= TJ__TABLE_META ||
        key.data[0] > TJ__TABLE_LAST) {
        return tj__fail(error, TJ_MISUSE, "a key of %zu bytes is not that of a row", key.size);
    }
    if (entry->value_size > TJ__ROW_VALUE_SIZE_MAX) {
        return tj__fail(error, TJ_LIMIT, "a row of %" PRIu32 " bytes is longer than %" PRIu32,
                        entry->value_size, TJ__ROW_VALUE_SIZE_MAX);
    }
    return TJ_OK;
}

/* Entries as they are written, in key order. */
typedef struct writing {
    const tj__env *env;
    MDB_txn *txn;
    MDB_cursor *cursor; /* of `table`; NULL before the first */
    uint8_t table;
    tj__sums changes;
} writing;

static int use_table(writing *w, uint8_t table)
{
    if (w->cursor && w->table == table) {
        return 0;
    }
    if (w->cursor) {
        mdb_cursor_close(w->cursor);
        w->cursor = NULL;
    }
    w->table = table;
    return mdb_cursor_open(w->txn, w->env->tables[table], &w->cursor);
}

/* Takes a row that is replaced or deleted out of its sum. */
static void subtract(tj__sum *sum, tj__bytes row_key, MDB_val stored)
{
    tj__bytes bytes = tj__bytes_of(stored.mv_data, stored.mv_size);
    sum->rows--;
    sum->checksums -= tj__row_checksum(bytes);
    sum->unknown = sum->unknown || tj__row_unwrap(row_key, bytes).damaged;
}

static int put_entry(writing *w, const tj__rowmap_entry *entry, tj__sum *sum, MDB_val *key)
{
    MDB_val data = {TJ__ROW_HEADER_SIZE + (size_t)entry->value_size, NULL};
    int code = mdb_cursor_put(w->cursor, key, &data, MDB_RESERVE);
    if (code == 0) {
        tj__row_wrap(data.mv_data, tj__rowmap_key(entry), entry->sequence, tj__rowmap_value(entry));
        sum->rows++;
        sum->checksums += tj__row_checksum(tj__bytes_of(data.mv_data, data.mv_size));
    }
    return code;
}

static int write_entry(writing *w, const tj__rowmap_entry *entry)
{
    tj__bytes row_key = tj__rowmap_key(entry);
    MDB_val key = {row_key.size - 1, (void *)(row_key.data + 1)};
    MDB_val stored = {0, NULL};
    tj__sum *sum = tj__sums_of(&w->changes, row_key);
    int code = sum ? use_table(w, row_key.data[0]) : ENOMEM;
    if (code == 0) {
        code = mdb_cursor_get(w->cursor, &key, &stored, MDB_SET);
    }
    if (code != 0 && code != MDB_NOTFOUND) {
        return code;
    }
    bool found = code == 0;
    if (found && row_key.data[0] == TJ__TABLE_LEDGER_IDS) {
        return 0; /* the first entry with an id is the one that its index names */
    }
    if (found) {
        subtract(sum, row_key, stored);
    }
    if (!entry->deleted) {
        return put_entry(w, entry, sum, &key);
    }
    return found ? mdb_cursor_del(w->cursor, 0) : 0;
}

int tj__sum_scan(MDB_txn *txn, MDB_dbi table, tj__sum *sum)
{
    uint8_t prefix[4];
    MDB_cursor *cursor = NULL;
    int code = mdb_cursor_open(txn, table, &cursor);
    if (code != 0) {
        return code;
    }
    tj__store_u32_be(prefix, sum->book);
    MDB_val key = {sizeof prefix, prefix};
    MDB_val data = {0, NULL};
    sum->checksums = 0;
    code = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
    while (code == 0 && key.mv_size >= sizeof prefix &&
           memcmp(key.mv_data, prefix, sizeof prefix) == 0) {
        sum->checksums += tj__row_checksum(tj__bytes_of(data.mv_data, data.mv_size));
        code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int write_sums(const writing *w)
{
    int code = 0;
    for (size_t i = 0; i < tj__sums_count(&w->changes) && code == 0; i++) {
        tj__sum *sum = tj__sums_item(&w->changes, i);
        if (sum->unknown) {
            code = tj__sum_scan(w->txn, w->env->tables[sum->table], sum);
        }
        if (code == 0) {
            code = tj__meta_add_sum(w->txn, w->env->tables[TJ__TABLE_META], sum);
        }
    }
    return code;
}

/* What an apply writes. */
typedef struct written_batch {
    tj__rowmap_entry **entries;
    size_t count;
    const tj__position *position;
} written_batch;

/* It may be further: of a writer that was killed in its last transaction, LMDB makes what it had
 * written the newest only when the next one begins to write. */
static bool follows(const tj__env *env, MDB_txn *txn)
{
    tj__position stored;
    return tj__meta_get_position(txn, env->tables[TJ__TABLE_META], &stored, NULL) == TJ_OK &&
           stored.sequence >= env->applied.sequence;
}

static int write_batch(const tj__env *env, MDB_txn *txn, void *context)
{
    const written_batch *b = context;
    writing w = {.env = env, .txn = txn};
    int code = follows(env, txn) ? 0 : WRITTEN_OVER;
    for (size_t i = 0; i < b->count && code == 0; i++) {
        code = write_entry(&w, b->entries[i]);
    }
    if (w.cursor) {
        mdb_cursor_close(w.cursor);
    }
    if (code == 0) {
        code = write_sums(&w);
    }
    tj__sums_dispose(&w.changes);
    return code == 0 ? tj__meta_put_position(txn, env->tables[TJ__TABLE_META], b->position) : code;
}

/* One attempt. The gate is entered, so that no change of the map comes between. */
static int write_once(const tj__env *env, tj__write *write, void *context)
{
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(env->lmdb, NULL, 0, &txn);
    if (code != 0) {
        return code;
    }
    code = write(env, txn, context);
    if (code != 0) {
        mdb_txn_abort(txn);
        return code;
    }
    code = mdb_txn_commit(txn);
    if (code == 0) {
        tj__lmdb_extend(env->lmdb);
    }
    return code;
}

static bool is_broken(const tj__env *env)
{
    MDB_txn *probe = NULL;
    if (tj__slots_ready(env, NULL) != TJ_OK) {
        return false; /* the next attempt meets it again */
    }
    int code = mdb_txn_begin(env->lmdb, NULL, MDB_RDONLY, &probe);
    if (code == 0) {
        mdb_txn_abort(probe);
    }
    return code == MDB_PANIC;
}

static bool is_possibly_full(const tj__env *env, uint64_t needed, uint64_t *free_bytes)
{
    struct statvfs space;
    if (fstatvfs(tj__lmdb_fd(env->lmdb), &space) != 0) {
        return false;
    }
    *free_bytes = (uint64_t)space.f_bavail * space.f_frsize;
    return *free_bytes < needed;
}

/* The cause becomes what this call and all later ones report. */
static void refuse_after(tj__env *env, int code, const char *outcome, tj_error *error)
{
    tj_error cause = TJ_ERROR_INIT;
    tj__fail_lmdb(&cause, code, "writing %s: %s", env->data_path, outcome);
    tj__env_refuse(env, cause.message);
    (void)tj__error_pass(error, &cause);
}

static tj_status refuse_written_over(tj__env *env, tj_error *error)
{
    tj_error cause = TJ_ERROR_INIT;
    tj__fail(&cause, TJ_CLOSED,
             "%s was written over while it was open, and is not as commit %" PRIu64
             " left it any more: the log has everything, and the next opening goes by it",
             env->data_path, env->applied.sequence);
    tj__env_refuse(env, cause.message);
    return tj__error_pass(error, &cause);
}

static tj_status apply_failed(tj__env *env, int code, uint64_t batch_bytes, tj_error *error)
{
    uint64_t free_bytes = 0;
    if (code == WRITTEN_OVER) {
        return refuse_written_over(env, error);
    }
    if (is_broken(env)) {
        refuse_after(env, code, "whether the batch was stored is unknown until it is reopened",
                     NULL);
        return tj__env_usable(env, error);
    }
    if (code == EIO && is_possibly_full(env, 2 * batch_bytes + SPARE_BYTES, &free_bytes)) {
        return tj__fail(error, TJ_FULL,
                        "writing %s failed, the disk is possibly full (%" PRIu64 " KiB free)",
                        env->data_path, free_bytes >> 10);
    }
    if (code == EIO) {
        refuse_after(env, code, "it holds the state before the batch, and must be reopened", error);
        return TJ_IO;
    }
    return tj__fail_lmdb(error, code, "writing %s", env->data_path);
}

/* A dead reader may be what keeps the map full, so its slot is cleared before the map grows. */
static tj_status make_room(tj__env *env, int code, tj_error *error)
{
    if (code == MDB_MAP_RESIZED) {
        return tj__map_adopt(env, error);
    }
    return tj__readers_reap(env->lmdb) > 0 ? TJ_OK : tj__map_grow(env, error);
}

tj_status tj__env_write(tj__env *env, tj__write *write, void *context, uint64_t bytes,
                        tj_error *error)
{
    for (;;) {
        int code = 0;
        TJ_TRY(tj__slotless_pin(env, error));
        tj__gate_enter(&env->gate);
        tj_status status = tj__env_usable(env, error);
        if (status == TJ_OK) {
            status = tj__slots_ready(env, error);
        }
        if (status == TJ_OK) {
            code = write_once(env, write, context);
        }
        bool no_room = code == MDB_MAP_FULL || code == MDB_MAP_RESIZED;
        if (code != 0 && !no_room) {
            status = apply_failed(env, code, bytes, error);
        }
        tj__gate_leave(&env->gate);
        if (!no_room) {
            return status;
        }
        TJ_TRY(make_room(env, code, error));
    }
}

tj_status tj__env_apply(tj__env *env, tj__rowmap *batch, const tj__position *position,
                        tj_error *error)
{
    written_batch b = {.position = position};
    if (env->read_only) {
        return tj__fail(error, TJ_READONLY, "%s is open for reading", env->data_path);
    }
    TJ_TRY(tj__env_same_file(env, error));
    if (!tj__rowmap_sorted(batch, &b.entries, &b.count)) {
        return tj__fail(error, TJ_NOMEM, "out of memory sorting %zu rows", tj__rowmap_count(batch));
    }
    for (size_t i = 0; i < b.count; i++) {
        TJ_TRY(check_entry(b.entries[i], error));
        TJ_TRY(tj__env_touch(env, tj__rowmap_key(b.entries[i]).data[0], error));
    }
    tj_status status = tj__env_write(env, write_batch, &b, tj__rowmap_bytes(batch), error);
    if (status != TJ_OK) {
        tj__error_place(error, "%s", env->data_path);
        return status;
    }
    env->applied = *position;
    return TJ_OK;
}
