/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * lock.mdb, LMDB's table of reader slots, which every process maps and stores into. LMDB makes it
 * sparse, so that on a full disk even a reader dies of SIGBUS when it touches its slot; here every
 * block is allocated first. It has 128 bytes of header and 64 for each slot, and LMDB takes the
 * number of slots from the size of an existing file.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "table/internal.h"

#define LOCK_HEADER_SIZE 128
#define LOCK_SLOT_SIZE 64
#define LOCK_SIZE(readers) (LOCK_HEADER_SIZE + (off_t)(readers)*LOCK_SLOT_SIZE)
#define STAT_BLOCK_SIZE 512 /* what st_blocks counts */

/* A file another LMDB program made keeps its size: processes that have it mapped would not see
 * slots beyond. */
static tj_status allocate(int fd, const char *path, unsigned *readers_max, tj_error *error)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return tj__fail_errno(error, errno, "looking at the size of %s", path);
    }
    off_t size = info.st_size < LOCK_SIZE(1) ? LOCK_SIZE(TJ__READERS_MAX) : info.st_size;
    if (info.st_size < size || info.st_blocks * STAT_BLOCK_SIZE < size) {
        int code = posix_fallocate(fd, 0, size);
        if (code != 0) {
            return tj__fail_errno(error, code, "reserving %lld bytes for %s", (long long)size,
                                  path);
        }
    }
    *readers_max = (unsigned)((size - LOCK_HEADER_SIZE) / LOCK_SLOT_SIZE);
    return TJ_OK;
}

/* Readers of the owner's group store into it whatever the umask was. Who does not own it leaves it. */
static void let_group_write(int fd)
{
    struct stat info;
    if (fstat(fd, &info) == 0 && (info.st_mode & TJ__DATA_MODE) != TJ__DATA_MODE) {
        (void)!fchmod(fd, (info.st_mode & 07777) | TJ__DATA_MODE);
    }
}

tj_status tj__lock_prepare(const char *directory, unsigned *readers_max, tj_error *error)
{
    char path[TJ__PATH_SIZE];
    int fd = -1;
    TJ_TRY(tj__path_join(path, sizeof path, directory, TJ__LOCK_NAME, error));
    tj_status status = tj__file_open(path, O_RDWR | O_CREAT, &fd, error);
    if (status == TJ_OK) {
        let_group_write(fd);
        status = allocate(fd, path, readers_max, error);
    } else {
        tj__error_context(error, "readers too write there, into LMDB's table of readers");
    }
    tj__file_close(fd);
    return status;
}
