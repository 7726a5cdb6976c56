/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A data.mdb without its free pages: a copy beside it, which takes its place by one rename.
 *
 * The copy keeps the number of the newest transaction, in both meta pages. LMDB's own begins at 1,
 * with an empty first meta page; but which meta page is the newest a process may take from
 * lock.mdb, when another one has that open, and there the number goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/in_place.h"
#include "table/internal.h"
#include "table/pages.h"

#define LOOKS_MAX 100
#define META_COUNT 2
#define META_TRANSACTION_AT 128

/* ---- sizes ----------------------------------------------------------------------------------- */

static uint64_t pages_of(const tj__tree *tree)
{
    return tree->branch_pages + tree->leaf_pages + tree->overflow_pages;
}

static tj_status count_used(const tj__pages *pages, uint8_t *page, uint64_t *used, tj_error *error)
{
    *used = META_COUNT + pages_of(&pages->main);
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        const char *name = tj__table_name(table);
        tj__node node;
        tj_status status = tj__pages_find(pages, &pages->main, tj__bytes_of(name, strlen(name)),
                                          page, &node, error);
        if (status != TJ_OK && status != TJ_NOT_FOUND) {
            return status;
        }
        if (status == TJ_OK && node.flags == TJ__NODE_DATABASE &&
            node.value_size == TJ__TREE_RECORD_SIZE) {
            tj__tree tree = tj__tree_read(page + node.value_at);
            *used += pages_of(&tree);
        }
    }
    return TJ_OK;
}

/* One look; *moved says whether a writer committed meanwhile. */
static tj_status look(const char *path, uint64_t *bytes, uint64_t *used_bytes, bool *moved,
                      tj_error *error)
{
    tj__pages pages;
    uint64_t used = 0;
    tj_status status = tj__pages_open(path, (uint32_t)sysconf(_SC_PAGESIZE), &pages, error);
    uint8_t *page = status == TJ_OK ? malloc(pages.page_size) : NULL;
    if (status == TJ_OK) {
        status = page ? count_used(&pages, page, &used, error)
                      : tj__fail(error, TJ_NOMEM, "out of memory looking at %s", path);
    }
    *moved = tj__pages_moved(&pages);
    *bytes = pages.size;
    *used_bytes = used * pages.page_size;
    free(page);
    tj__pages_close(&pages);
    return status;
}

tj_status tj__data_sizes(const char *directory, uint64_t *bytes, uint64_t *used_bytes,
                         tj_error *error)
{
    char path[TJ__PATH_SIZE];
    bool moved = true;
    tj_status status = tj__path_join(path, sizeof path, directory, TJ__DATA_NAME, error);
    for (unsigned looks = 0; status == TJ_OK && moved && looks < LOOKS_MAX; looks++) {
        status = look(path, bytes, used_bytes, &moved, error);
    }
    return status;
}

/* ---- the copy -------------------------------------------------------------------------------- */

static tj_status keep_transaction(int fd, const char *path, uint32_t page_size,
                                  uint64_t transaction, tj_error *error)
{
    uint8_t meta[TJ__META_SIZE]; /* of the copy: the second one */
    TJ_TRY(tj__file_read_at(fd, path, meta, sizeof meta, page_size + TJ__PAGE_HEADER_SIZE, error));
    for (unsigned which = 0; which < META_COUNT; which++) {
        bool newest = (transaction & 1) == which;
        tj__store_u64(meta + META_TRANSACTION_AT, newest ? transaction : transaction - 1);
        TJ_TRY(tj__file_write_at(fd, path, meta, sizeof meta,
                                 (uint64_t)which * page_size + TJ__PAGE_HEADER_SIZE, error));
    }
    return TJ_OK;
}

static tj_status fill(tj__env *env, int fd, const char *path, uint64_t bytes, tj_error *error)
{
    MDB_envinfo info;
    MDB_stat stat;
    int code = posix_fallocate(fd, 0, (off_t)bytes);
    if (code != 0 && code != EOPNOTSUPP) {
        return tj__fail_errno(error, code, "reserving %" PRIu64 " bytes for %s", bytes, path);
    }
    code = mdb_env_info(env->lmdb, &info);
    code = code == 0 ? mdb_env_stat(env->lmdb, &stat) : code;
    code = code == 0 ? mdb_env_copyfd2(env->lmdb, fd, MDB_CP_COMPACT) : code;
    if (code != 0) {
        return tj__fail_lmdb(error, code, "copying %s without its free pages", env->data_path);
    }
    off_t end = lseek(fd, 0, SEEK_CUR);
    if (end < 0) {
        return tj__fail_errno(error, errno, "writing %s", path);
    }
    TJ_TRY(tj__file_resize(fd, path, (uint64_t)end, error));
    TJ_TRY(keep_transaction(fd, path, stat.ms_psize, info.me_last_txnid, error));
    return tj__file_sync(fd, path, error);
}

/* Whoever may read and write the one may do so with the other. */
static tj_status keep_owner(const tj__env *env, int fd, const char *path, tj_error *error)
{
    struct stat data;
    struct stat copy;
    if (stat(env->data_path, &data) != 0 || fstat(fd, &copy) != 0) {
        return tj__fail_errno(error, errno, "looking at %s", env->data_path);
    }
    bool other = data.st_uid != copy.st_uid || data.st_gid != copy.st_gid;
    if ((other && fchown(fd, data.st_uid, data.st_gid) != 0) ||
        fchmod(fd, data.st_mode & 07777) != 0) {
        return tj__fail_errno(error, errno, "giving %s the owner and mode of %s", path,
                              env->data_path);
    }
    return TJ_OK;
}

tj_status tj__env_copy_compacted(tj__env *env, const char *path, uint64_t bytes, tj_error *error)
{
    int fd = -1;
    TJ_TRY(tj__env_usable(env, error));
    TJ_TRY(tj__slots_ready(env, error));
    TJ_TRY(tj__file_create(path, O_RDWR | O_EXCL, env->data_path, &fd, error));
    tj__file_in_place(fd);
    tj__gate_enter(&env->gate);
    tj_status status = fill(env, fd, path, bytes, error);
    tj__gate_leave(&env->gate);
    if (status == TJ_OK) {
        status = keep_owner(env, fd, path, error);
    }
    tj__file_close(fd);
    return status;
}

/* ---- taking its place ------------------------------------------------------------------------ */

static tj_status fail_read(const char *directory, pid_t pid, tj_error *error)
{
    return pid > 0 ? tj__fail(error, TJ_BUSY,
                              "process %lld reads journal %s, and would go on with the old "
                              "data.mdb: end it first",
                              (long long)pid, directory)
                   : tj__fail(error, TJ_BUSY,
                              "a process reads journal %s, and would go on with the old data.mdb: "
                              "end it first (`fuser %s/data.mdb` names it)",
                              directory, directory);
}

/* Keeps LMDB's openers out, who lock the first byte of lock.mdb, until it is closed. */
static tj_status lock_slots(const char *directory, int *fd, tj_error *error)
{
    char path[TJ__PATH_SIZE];
    struct flock first = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    struct flock holder = first;
    TJ_TRY(tj__path_join(path, sizeof path, directory, TJ__LMDB_LOCK_NAME, error));
    TJ_TRY(tj__file_open(path, O_RDWR, fd, error));
    if (fcntl(*fd, F_OFD_SETLK, &first) == 0) {
        return TJ_OK;
    }
    if (errno != EAGAIN && errno != EACCES) {
        return tj__fail_errno(error, errno, "locking %s", path);
    }
    bool known = fcntl(*fd, F_OFD_GETLK, &holder) == 0 && holder.l_type != F_UNLCK;
    return fail_read(directory, known ? holder.l_pid : -1, error);
}

static tj_status check_slotless(const char *directory, const char *data, tj_error *error)
{
    int fd = -1;
    TJ_TRY(tj__file_open(data, O_RDWR, &fd, error));
    bool read = tj__slotless_reads(fd);
    tj__file_close(fd);
    return read ? fail_read(directory, -1, error) : TJ_OK;
}

static tj_status replace(const char *directory, const char *copy, tj_error *error)
{
    char data[TJ__PATH_SIZE];
    TJ_TRY(tj__path_join(data, sizeof data, directory, TJ__DATA_NAME, error));
    TJ_TRY(check_slotless(directory, data, error));
    TJ_TRY(tj__file_rename(copy, data, error));
    tj_status status = tj__directory_sync(directory, error);
    if (status != TJ_OK) {
        tj__error_context(error,
                          "%s is compacted, but after a power cut it may be as large as "
                          "before; it holds the same: see to the disk",
                          data);
    }
    return status;
}

tj_status tj__data_replace(const char *directory, const char *copy, tj_error *error)
{
    int slots = -1;
    tj_status status = lock_slots(directory, &slots, error);
    if (status == TJ_OK) {
        status = replace(directory, copy, error);
    }
    tj__file_close(slots);
    return status;
}
