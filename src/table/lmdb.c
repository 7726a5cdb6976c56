/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The map: its size, opening it where nothing may be written, and making it larger. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "table/internal.h"

void tj__lmdb_extend(MDB_env *lmdb)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    int fd = tj__lmdb_fd(lmdb);
    if (mdb_env_info(lmdb, &info) != 0 || mdb_env_stat(lmdb, &stat) != 0 || fstat(fd, &file) != 0) {
        return;
    }
    off_t needed = (off_t)((info.me_last_pgno + 1) * stat.ms_psize);
    if (file.st_size < needed && ftruncate(fd, needed) != 0) {
        return;
    }
}

static int open_once(const tj__lmdb_options *options, unsigned flags, unsigned readers_max,
                     uint64_t map_size, MDB_env **out)
{
    MDB_env *lmdb = NULL;
    int code = mdb_env_create(&lmdb);
    if (code != 0) {
        return code;
    }
    code = mdb_env_set_mapsize(lmdb, map_size);
    if (code == 0) {
        code = mdb_env_set_maxreaders(lmdb, readers_max);
    }
    if (code == 0) {
        code = mdb_env_set_maxdbs(lmdb, TJ__TABLE_LAST);
    }
    if (code == 0) {
        code = mdb_env_open(lmdb, options->directory, flags, TJ__DATA_MODE);
    }
    if (code == 0 && fcntl(tj__lmdb_fd(lmdb), F_SETFD, FD_CLOEXEC) != 0) {
        code = errno;
    }
    if (code != 0) {
        mdb_env_close(lmdb);
        return code;
    }
    *out = lmdb;
    return 0;
}

/* Asked for beforehand, not found out by opens that fail: those would leave lock.mdb unfinished for
 * a process that opens at the same time (env.c, "Unfinished"). */
static uint64_t fitting_size(const tj__lmdb_options *options)
{
    uint64_t size = options->map_size;
    while (size > options->map_size_min && !tj__map_fits(size)) {
        size = tj__map_round(size / 2);
    }
    return size > options->map_size_min ? size : options->map_size_min;
}

/* On a read-only mount there is no other way than to read without a slot. Whether the file system
 * itself is read-only, or a writer has another mount of it, cannot be told: see slotless.c. Nor
 * does statvfs tell what a disk error has made read-only: ext4 answers EROFS then, and no more. */
static tj_status prepare_slots(const tj__lmdb_options *options, unsigned *flags,
                               unsigned *readers_max, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    tj_status status =
        tj__lock_prepare(options->directory, !options->read_only, readers_max, &failure);
    if (status == TJ_READONLY && options->read_only) {
        *flags |= MDB_NOLOCK;
        return TJ_OK;
    }
    return tj__error_pass(error, &failure);
}

tj_status tj__lmdb_env_open(const tj__lmdb_options *options, MDB_env **out, tj_error *error)
{
    unsigned flags = MDB_NOTLS | (options->read_only ? MDB_RDONLY : 0);
    unsigned readers_max = TJ__READERS_MAX;
    if (options->building) {
        flags |= MDB_NOLOCK | MDB_NOSYNC;
    } else {
        TJ_TRY(prepare_slots(options, &flags, &readers_max, error));
    }
    int code = open_once(options, flags, readers_max, fitting_size(options), out);
    if (code == MDB_INVALID) { /* data.mdb was checked before, or is new */
        return tj__fail(
            error, TJ_IO,
            "LMDB cannot use %s/lock.mdb: it could not be locked, or is not LMDB's; try "
            "again, and if it stays so, end all processes that use the journal and move "
            "the file away",
            options->directory);
    }
    if (code != 0) {
        return tj__fail_lmdb(error, code, "opening the LMDB files in %s", options->directory);
    }
    return TJ_OK;
}
