/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * lock.mdb, LMDB's table of reader slots, which every process maps and stores into. LMDB makes it
 * sparse, so that on a full disk even a reader dies of SIGBUS when it touches its slot; here every
 * block is allocated first. Where a block can be shared or copied on write, that is not enough, and
 * the kernel is asked before each of LMDB's stores (base/in_place.h). It has 128 bytes of header
 * and 64 for each slot, and LMDB takes the number of slots from the size of an existing file.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/in_place.h"
#include "table/internal.h"

#define LOCK_HEADER_SIZE 128
#define LOCK_SLOT_SIZE 64
#define LOCK_SIZE(readers) (LOCK_HEADER_SIZE + (off_t)(readers)*LOCK_SLOT_SIZE)
/* With less free than this the file is not made anew: it might not come back. */
#define RENEW_FREE_MIN ((uint64_t)4 << 20)

/* A file another LMDB program made keeps its size: processes that have it mapped would not see
 * slots beyond. */
static tj_status allocate(int fd, const char *path, unsigned *readers_max, tj_error *error)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return tj__fail_errno(error, errno, "looking at the size of %s", path);
    }
    off_t size = info.st_size < LOCK_SIZE(1) ? LOCK_SIZE(TJ__READERS_MAX) : info.st_size;
    if (info.st_size < size || tj__file_allocated(&info) < (uint64_t)size) {
        int code = posix_fallocate(fd, 0, size);
        if (code != 0) {
            return tj__fail_errno(error, code, "reserving %lld bytes for %s", (long long)size,
                                  path);
        }
    }
    *readers_max = (unsigned)((size - LOCK_HEADER_SIZE) / LOCK_SLOT_SIZE);
    return TJ_OK;
}

/* Who may read data.mdb must store into it, whatever the umask was. Who does not own it leaves
 * it. */
static void let_readers_write(int fd, const char *data_path)
{
    struct stat data;
    struct stat info;
    if (stat(data_path, &data) != 0 || fstat(fd, &info) != 0) {
        return;
    }
    mode_t needed = S_IRUSR | S_IWUSR | ((data.st_mode & S_IRGRP) != 0 ? S_IRGRP | S_IWGRP : 0);
    if ((info.st_mode & needed) != needed) {
        (void)!fchmod(fd, (info.st_mode & 07777) | needed);
    }
}

/*
 * Gives a file that was made with copy on write, or is shared with a copy or a snapshot, blocks of
 * its own. It is emptied for that, so nobody may have it open: LMDB's openers hold a lock on its
 * first byte, and look at its size only when they have it.
 */
static void renew_if_unused(int fd)
{
    struct statvfs space;
    struct stat info;
    struct flock first = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    if (fstatvfs(fd, &space) != 0 || (uint64_t)space.f_bavail * space.f_frsize < RENEW_FREE_MIN ||
        fstat(fd, &info) != 0 || fcntl(fd, F_OFD_SETLK, &first) != 0) {
        return;
    }
    if (ftruncate(fd, 0) == 0) {
        tj__file_in_place(fd);
    }
}

static tj_status fail_unbacked(const char *path, tj_error *error)
{
    return tj__fail_errno(error, ENOSPC,
                          "%s shares blocks with a copy or a snapshot, or is copied on write, and "
                          "a reader must store into it: free some space",
                          path);
}

/* Stores into a map need blocks for the file, and on btrfs for each map's first store one more,
 * which is given back: the second map meets what LMDB's will. */
static tj_status check_backed(int fd, const char *path, tj_error *error)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return tj__fail_errno(error, errno, "looking at the size of %s", path);
    }
    bool backed = true;
    for (int i = 0; i < 2 && backed; i++) {
        void *map = mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) {
            return tj__fail_errno(error, errno, "mapping %s", path);
        }
        backed = tj__map_is_backed(map, (size_t)info.st_size);
        (void)munmap(map, (size_t)info.st_size);
    }
    return backed ? TJ_OK : fail_unbacked(path, error);
}

/* Where LMDB has mapped the file, which it does not tell. */
static void find_map(tj__env *env, const struct stat *file)
{
    static const char name[] = "/" TJ__LMDB_LOCK_NAME "\n";
    char line[TJ__PATH_SIZE + 128];
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && !env->lock_map && fgets(line, sizeof line, maps)) {
        uintptr_t start = 0;
        uintptr_t end = 0;
        uint64_t inode = 0;
        size_t size = strlen(line);
        if (size >= sizeof name && strcmp(line + size - (sizeof name - 1), name) == 0 &&
            sscanf(line, "%" SCNxPTR "-%" SCNxPTR " rw-s %*s %*s %" SCNu64, &start, &end, &inode) ==
                3 &&
            inode == (uint64_t)file->st_ino) {
            env->lock_map = (void *)start;
            env->lock_map_size = end - start;
        }
    }
    if (maps) {
        fclose(maps);
    }
}

tj_status tj__slots_find(tj__env *env, const char *directory, tj_error *error)
{
    char path[TJ__PATH_SIZE];
    struct stat file;
    env->lock_map = NULL;
    TJ_TRY(tj__path_join(path, sizeof path, directory, TJ__LMDB_LOCK_NAME, error));
    if (tj__file_may_share(tj__lmdb_fd(env->lmdb)) && stat(path, &file) == 0) {
        find_map(env, &file);
    }
    return TJ_OK;
}

tj_status tj__slots_ready(const tj__env *env, tj_error *error)
{
    if (!env->lock_map || tj__map_is_backed(env->lock_map, env->lock_map_size)) {
        return TJ_OK;
    }
    return fail_unbacked(TJ__LMDB_LOCK_NAME, error);
}

static tj_status prepare(int fd, const char *path, const char *data_path, bool renew,
                         unsigned *readers_max, tj_error *error)
{
    bool may_share = tj__file_may_share(fd);
    uint64_t size = 0;
    TJ_TRY(tj__file_size(fd, path, &size, error));
    let_readers_write(fd, data_path);
    if (size == 0) {
        tj__file_in_place(fd);
    } else if (may_share && renew) {
        renew_if_unused(fd);
        tj__file_unshare(fd, size);
    }
    TJ_TRY(allocate(fd, path, readers_max, error));
    return may_share ? check_backed(fd, path, error) : TJ_OK;
}

tj_status tj__env_ready(const tj__env *env, tj_error *error)
{
    return !env ? TJ_OK : tj__slots_ready(env, error);
}

tj_status tj__lock_prepare(const char *directory, bool renew, unsigned *readers_max,
                           tj_error *error)
{
    char path[TJ__PATH_SIZE];
    char data_path[TJ__PATH_SIZE];
    int fd = -1;
    TJ_TRY(tj__path_join(path, sizeof path, directory, TJ__LMDB_LOCK_NAME, error));
    TJ_TRY(tj__path_join(data_path, sizeof data_path, directory, TJ__DATA_NAME, error));
    tj_status status = tj__file_create(path, O_RDWR, data_path, &fd, error);
    if (status == TJ_OK) {
        status = prepare(fd, path, data_path, renew, readers_max, error);
    } else {
        tj__error_context(error, "readers too write there, into LMDB's table of readers");
    }
    tj__file_close(fd);
    return status;
}
