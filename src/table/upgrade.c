/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Format version 1 becomes 2: the table LEDGER_IDS, the sums, and a superblock that says so. All of
 * it is one LMDB transaction, so a crash leaves the one or the other.
 */
#include <errno.h>

#include "base/error.h"
#include "table/internal.h"

typedef struct upgrade {
    tj__row_deriver *derive;
    tj__superblock superblock; /* the new one */
    MDB_dbi tables[TJ__TABLE_LAST + 1];
    tj__sums sums;
} upgrade;

static int add_to_sum(upgrade *up, tj__bytes row_key, tj__bytes stored)
{
    tj__sum *sum = tj__sums_of(&up->sums, row_key);
    if (!sum) {
        return ENOMEM;
    }
    sum->rows++;
    sum->checksums += tj__row_checksum(stored);
    return 0;
}

static int put_derived(upgrade *up, MDB_txn *txn, const tj__row *row)
{
    tj__derived_row derived;
    if (row->damaged || !up->derive(row->key, row->value, &derived)) {
        return 0;
    }
    tj__bytes row_key = tj__bytes_of(derived.key, derived.key_size);
    MDB_val key = {row_key.size - 1, derived.key + 1};
    MDB_val data = {TJ__ROW_HEADER_SIZE + derived.value_size, NULL};
    int code =
        mdb_put(txn, up->tables[row_key.data[0]], &key, &data, MDB_RESERVE | MDB_NOOVERWRITE);
    if (code != 0) {
        return code == MDB_KEYEXIST ? 0 : code;
    }
    tj__row_wrap(data.mv_data, row_key, row->sequence,
                 tj__bytes_of(derived.value, derived.value_size));
    return add_to_sum(up, row_key, tj__bytes_of(data.mv_data, data.mv_size));
}

/* Counts the rows of a table, and derives what follows from those of LEDGER. */
static int read_table(upgrade *up, MDB_txn *txn, uint8_t table)
{
    MDB_cursor *cursor = NULL;
    MDB_val key = {0, NULL};
    MDB_val data = {0, NULL};
    uint8_t row_key[TJ__ROW_KEY_SIZE_MAX] = {table};
    int code = mdb_cursor_open(txn, up->tables[table], &cursor);
    if (code != 0) {
        return code;
    }
    code = mdb_cursor_get(cursor, &key, &data, MDB_FIRST);
    while (code == 0) {
        if (key.mv_size == 0 || key.mv_size >= sizeof row_key) {
            code = MDB_CORRUPTED;
            break;
        }
        memcpy(row_key + 1, key.mv_data, key.mv_size);
        tj__bytes stored = tj__bytes_of(data.mv_data, data.mv_size);
        tj__row row = {.key = tj__bytes_of(row_key, key.mv_size + 1)};
        code = add_to_sum(up, row.key, stored);
        if (code == 0 && table == TJ__TABLE_LEDGER) {
            row = tj__row_unwrap(row.key, stored);
            code = put_derived(up, txn, &row);
        }
        if (code == 0) {
            code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
        }
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int write_sums(const upgrade *up, MDB_txn *txn)
{
    int code = 0;
    for (size_t i = 0; i < tj__sums_count(&up->sums) && code == 0; i++) {
        code = tj__meta_add_sum(txn, up->tables[TJ__TABLE_META], tj__sums_item(&up->sums, i));
    }
    return code;
}

static int write_upgrade(const tj__env *env, MDB_txn *txn, void *context)
{
    upgrade *up = context;
    memcpy(up->tables, env->tables, sizeof up->tables);
    tj__sums_dispose(&up->sums); /* of an attempt before */
    int code = mdb_dbi_open(txn, tj__table_name(TJ__TABLE_LEDGER_IDS), MDB_CREATE,
                            &up->tables[TJ__TABLE_LEDGER_IDS]);
    for (uint8_t table = TJ__TABLE_META + 1; table < TJ__TABLE_LEDGER_IDS && code == 0; table++) {
        code = read_table(up, txn, table);
    }
    if (code == 0) {
        code = write_sums(up, txn);
    }
    return code == 0 ? tj__superblock_put(txn, up->tables[TJ__TABLE_META], &up->superblock) : code;
}

tj_status tj__env_upgrade(tj__env *env, tj__row_deriver *derive, tj__superblock *superblock,
                          tj_error *error)
{
    upgrade up = {.derive = derive, .superblock = *superblock};
    tj__env_info info;
    up.superblock.format_version = TJ__TABLE_FORMAT_VERSION;
    up.superblock.tables = TJ__TABLES_ALL;
    TJ_TRY(tj__env_info_get(env, &info, error));
    tj_status status = tj__env_write(env, write_upgrade, &up, info.data_bytes, error);
    tj__sums_dispose(&up.sums);
    if (status != TJ_OK) {
        tj__error_place(error, "%s", env->data_path);
        return status;
    }
    memcpy(env->tables, up.tables, sizeof env->tables);
    *superblock = up.superblock;
    return TJ_OK;
}
