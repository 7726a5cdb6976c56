/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Creating data.mdb. LMDB's own creation is not crash-safe (its meta pages are not flushed before
 * they are used), so a crash leaves any prefix of this: the caller creates in a directory nobody
 * opens, and renames data.mdb when this has returned.
 */
#include <fcntl.h>

#include "base/error.h"
#include "base/file.h"
#include "base/in_place.h"
#include "table/internal.h"

#define MAP_SIZE_MIN ((uint64_t)1 << 20) /* holds the empty tables */

static int write_tables(MDB_txn *txn, const tj__superblock *superblock,
                        const tj__position *position)
{
    MDB_dbi tables[TJ__TABLE_LAST + 1];
    int code = 0;
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST && code == 0; table++) {
        if (superblock->tables & TJ__TABLE_BIT(table)) {
            code = mdb_dbi_open(txn, tj__table_name(table), MDB_CREATE, &tables[table]);
        }
    }
    if (code == 0) {
        code = tj__superblock_put(txn, tables[TJ__TABLE_META], superblock);
    }
    return code == 0 ? tj__meta_put_position(txn, tables[TJ__TABLE_META], position) : code;
}

static tj_status first_commit(MDB_env *lmdb, const char *path, const tj__superblock *superblock,
                              const tj__position *position, tj_error *error)
{
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(lmdb, NULL, 0, &txn);
    if (code == 0) {
        code = write_tables(txn, superblock, position);
        if (code == 0) {
            code = mdb_txn_commit(txn);
        } else {
            mdb_txn_abort(txn);
        }
    }
    if (code != 0) {
        return tj__fail_lmdb(error, code, "creating %s", path);
    }
    tj__lmdb_extend(lmdb);
    return tj__file_sync(tj__lmdb_fd(lmdb), path, error);
}

static tj_status fill(const char *directory, const char *path, const tj__superblock *superblock,
                      const tj__position *position, uint64_t map_size, tj_error *error)
{
    MDB_env *lmdb = NULL;
    tj__lmdb_options options = {
        .directory = directory,
        .map_size = tj__map_round(map_size > MAP_SIZE_MIN ? map_size : MAP_SIZE_MIN),
        .map_size_min = MAP_SIZE_MIN,
        .building = true};
    TJ_TRY(tj__lmdb_env_open(&options, &lmdb, error));
    tj_status status = first_commit(lmdb, path, superblock, position, error);
    mdb_env_close(lmdb);
    return status;
}

tj_status tj__env_create(const char *directory, const tj__superblock *superblock,
                         const tj__position *position, uint64_t map_size, tj_error *error)
{
    char path[TJ__PATH_SIZE];
    int fd = -1;
    TJ_TRY(tj__path_join(path, sizeof path, directory, TJ__DATA_NAME, error));
    bool there = false;
    struct stat found;
    TJ_TRY(tj__path_look(path, &there, &found, error));
    if (there) {
        tj__fail(error, TJ_EXISTS, "%s is already there", path);
        tj__error_place(error, "%s", path);
        return TJ_EXISTS;
    }
    /* LMDB takes an empty file for a new one; made here, it is certainly ours. */
    TJ_TRY(tj__file_create(path, O_RDWR | O_EXCL, directory, &fd, error));
    tj__file_in_place(fd);
    tj__file_close(fd);
    tj_status status = fill(directory, path, superblock, position, map_size, error);
    if (status != TJ_OK) {
        (void)tj__file_remove(path, NULL);
    }
    return status;
}
