/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The bytes of an open file: reading, writing and flushing them. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file_fail.h"
#include "base/large.h"

/* With less free than this, an EIO from a write is probably a full disk. */
#define NEARLY_FULL_BYTES ((uint64_t)1 << 20)
#define BLOCK_ALIGNMENT ((size_t)4096)

void tj__file_close(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

/* Some file systems report a full disk as EIO, so the free space is looked at. */
static void explain_eio(int fd, tj_error *error)
{
    struct statvfs space;
    if (fstatvfs(fd, &space) != 0) {
        return;
    }
    uint64_t free_bytes = (uint64_t)space.f_bavail * space.f_frsize;
    if (free_bytes < NEARLY_FULL_BYTES) {
        tj__error_context(error, "the disk is possibly full (%" PRIu64 " KiB free)",
                          free_bytes >> 10);
    }
}

static tj_status write_failed(int fd, const char *path, int os_errno, size_t size, uint64_t offset,
                              tj_error *error)
{
    tj_status status = FAIL_ERRNO(
        path, error, os_errno, "writing %zu bytes at offset %" PRIu64 " of %s", size, offset, path);
    if (os_errno == EIO) {
        explain_eio(fd, error);
    }
    return status;
}

tj_status tj__file_write_at(int fd, const char *path, const void *data, size_t size,
                            uint64_t offset, tj_error *error)
{
    const uint8_t *from = data;
    size_t done = 0;
    while (done < size) {
        ssize_t wrote = pwrite(fd, from + done, size - done, (off_t)(offset + done));
        if (wrote > 0) {
            done += (size_t)wrote;
        } else if (wrote == 0 || errno != EINTR) {
            return write_failed(fd, path, wrote == 0 ? EIO : errno, size, offset, error);
        }
    }
    return TJ_OK;
}

void *tj__file_block_new(size_t size)
{
    size_t whole = (size + BLOCK_ALIGNMENT - 1) / BLOCK_ALIGNMENT * BLOCK_ALIGNMENT;
    return whole < TJ__LARGE_PAGE_SIZE / 2 ? aligned_alloc(BLOCK_ALIGNMENT, whole)
                                           : tj__large_new(whole);
}

tj_status tj__file_read_some(int fd, const char *path, void *data, size_t size, uint64_t offset,
                             size_t *got, tj_error *error)
{
    uint8_t *to = data;
    size_t done = 0;
    while (done < size) {
        ssize_t count = pread(fd, to + done, size - done, (off_t)(offset + done));
        if (count > 0) {
            done += (size_t)count;
        } else if (count == 0) {
            break;
        } else if (errno != EINTR) {
            return FAIL_ERRNO(path, error, errno, "reading %zu bytes at offset %" PRIu64 " of %s",
                              size, offset, path);
        }
    }
    *got = done;
    return TJ_OK;
}

tj_status tj__file_read_at(int fd, const char *path, void *data, size_t size, uint64_t offset,
                           tj_error *error)
{
    size_t got = 0;
    TJ_TRY(tj__file_read_some(fd, path, data, size, offset, &got, error));
    if (got == size) {
        return TJ_OK;
    }
    return at_path(tj__fail(error, TJ_CORRUPT,
                            "%s is too short: it has %zu of the %zu bytes at offset %" PRIu64, path,
                            got, size, offset),
                   path, error);
}

tj_status tj__file_size(int fd, const char *path, uint64_t *size, tj_error *error)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return FAIL_ERRNO(path, error, errno, "looking at the size of %s", path);
    }
    *size = (uint64_t)info.st_size;
    return TJ_OK;
}

tj_status tj__file_resize(int fd, const char *path, uint64_t size, tj_error *error)
{
    if (ftruncate(fd, (off_t)size) != 0) {
        return FAIL_ERRNO(path, error, errno, "making %s %" PRIu64 " bytes long", path, size);
    }
    return TJ_OK;
}

static tj_status flushed(int result, int fd, const char *path, tj_error *error)
{
    if (result == 0) {
        return TJ_OK;
    }
    int os_errno = errno;
    tj_status status = FAIL_ERRNO(path, error, os_errno, "flushing %s", path);
    if (os_errno == EIO) {
        explain_eio(fd, error);
    }
    return status;
}

tj_status tj__file_sync_data(int fd, const char *path, tj_error *error)
{
    return flushed(fdatasync(fd), fd, path, error);
}

tj_status tj__file_sync(int fd, const char *path, tj_error *error)
{
    return flushed(fsync(fd), fd, path, error);
}

tj_status tj__file_write_back(int fd, const char *path, uint64_t offset, size_t size,
                              tj_error *error)
{
    unsigned how = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    int result = sync_file_range(fd, (off_t)offset, (off_t)size, how);
    if (result != 0 && errno == ENOSYS) {
        return TJ_OK; /* the flush finds all of it to do */
    }
    return flushed(result, fd, path, error);
}

void tj__file_start_write_back(int fd)
{
    (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}
