/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Preparing, adopting and handing over the file that follows. */
#include "log/successor.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"

tj_status tj__log_file_open(const char *directory, uint64_t ordinal, tj__log_file *out,
                            tj_error *error)
{
    tj__log_file file = {.fd = -1, .ordinal = ordinal};
    struct stat found;
    TJ_TRY(tj__segment_open(file.path, directory, ordinal, O_RDWR, &file.fd, &found, error));
    file.allocated = tj__file_allocated(&found);
    file.size = (uint64_t)found.st_size;
    file.device = found.st_dev;
    file.inode = found.st_ino;
    *out = file;
    return TJ_OK;
}

bool tj__log_file_usable(const tj__log_file *file, uint64_t wanted)
{
    return tj__segment_size_possible(file->size) &&
           (file->size <= wanted || file->allocated >= file->size);
}

tj_status tj__log_file_header(const tj__log_file *file, const tj_uuid *journal_id, bool *begun,
                              tj__segment_header *header, tj_error *error)
{
    uint8_t block[TJ__SEGMENT_HEADER_SIZE];
    TJ_TRY(tj__file_read_at(file->fd, file->path, block, sizeof block, 0, error));
    tj_error reason = TJ_ERROR_INIT;
    tj_status status =
        tj__segment_header_decode(block, journal_id, file->ordinal, header, file->path, &reason);
    if (status == TJ_CONFLICT) {
        return tj__segment_header_misplaced(&reason, error);
    }
    if (status != TJ_OK && status != TJ_NOT_FOUND) {
        if (error) {
            *error = reason;
        }
        return status;
    }
    *begun = status == TJ_OK;
    return TJ_OK;
}

tj_status tj__log_file_extend(const tj__log_file *file, uint64_t from, uint64_t to, tj_error *error)
{
    /* A record this large is rare, so its flush may cost the file system a little more than one
     * into written zeros; that the space is there is all that counts. */
    int code = posix_fallocate(file->fd, (off_t)from, (off_t)(to - from));
    tj_status status = code == 0 ? tj__file_sync(file->fd, file->path, error)
                                 : tj__fail_errno(error, code, "extending %s to %" PRIu64 " bytes",
                                                  file->path, to);
    if (status != TJ_OK) {
        (void)!ftruncate(file->fd, (off_t)from);
    }
    return status;
}

tj_status tj__log_file_in_place(const tj__log_file *file, tj_error *error)
{
    bool same = false;
    TJ_TRY(tj__path_names(file->path, file->device, file->inode, &same, error));
    return same ? TJ_OK
                : tj__fail(error, TJ_CLOSED,
                           "%s is not the file that this journal writes any more: it was replaced "
                           "or removed",
                           file->path);
}

tj_status tj__successor_init(tj__successor *successor, const char *directory,
                             const tj_uuid *journal_id, uint64_t segment_size, tj_error *error)
{
    *successor = (tj__successor){.journal_id = *journal_id, .segment_size = segment_size};
    int length = snprintf(successor->directory, sizeof successor->directory, "%s", directory);
    if (length < 0 || (size_t)length >= sizeof successor->directory) {
        return tj__fail(error, TJ_LIMIT, "the path of the log directory is too long: %s",
                        directory);
    }
    tj__mutex_init(&successor->lock);
    return TJ_OK;
}

void tj__successor_dispose(tj__successor *successor)
{
    pthread_mutex_destroy(&successor->lock);
}

void tj__successor_want(tj__successor *successor, uint64_t ordinal)
{
    atomic_store(&successor->wanted, ordinal);
}

bool tj__successor_is_wanted(const tj__successor *successor)
{
    return atomic_load(&successor->wanted) > atomic_load(&successor->prepared);
}

static tj_status fill_holes(const tj__log_file *file, tj_error *error)
{
    int code = posix_fallocate(file->fd, 0, (off_t)file->size);
    return code == 0 ? tj__file_sync(file->fd, file->path, error)
                     : tj__fail_errno(error, code, "filling the holes of %s", file->path);
}

/* A file is there already: an earlier writer prepared it and wrote nothing to it. *usable: it can
 * be begun as it is, and has all its blocks. */
static tj_status adopt(const tj__successor *successor, uint64_t ordinal, uint64_t size,
                       bool *usable, tj_error *error)
{
    tj__log_file file;
    tj__segment_header header;
    bool begun = false;
    TJ_TRY(tj__log_file_open(successor->directory, ordinal, &file, error));
    *usable = tj__log_file_usable(&file, size);
    if (file.size < TJ__SEGMENT_HEADER_SIZE) {
        tj__file_close(file.fd);
        return TJ_OK;
    }
    tj_status status = tj__log_file_header(&file, &successor->journal_id, &begun, &header, error);
    if (status == TJ_OK && begun) {
        status =
            tj__fail(error, TJ_CORRUPT, "%s was begun, though the log ends before it", file.path);
    }
    if (status == TJ_OK && *usable && file.allocated < file.size) {
        status = fill_holes(&file, error);
    }
    tj__file_close(file.fd);
    return status;
}

/* Makes sure that segment `ordinal` is there. Under the lock. */
static tj_status provide(tj__successor *successor, uint64_t ordinal, uint64_t size,
                         const volatile int *cancelled, tj_error *error)
{
    if (atomic_load(&successor->prepared) >= ordinal) {
        return TJ_OK;
    }
    char path[TJ__SEGMENT_PATH_SIZE];
    bool there = false;
    struct stat found;
    TJ_TRY(tj__segment_path(path, successor->directory, ordinal, error));
    TJ_TRY(tj__path_look(path, &there, &found, error));
    if (there) {
        bool usable = false;
        TJ_TRY(adopt(successor, ordinal, size, &usable, error));
        if (!usable) {
            TJ_TRY(tj__segment_prepare_anew(successor->directory, ordinal, size, error));
        }
    } else {
        TJ_TRY(tj__segment_prepare(successor->directory, ordinal, size, NULL, cancelled, error));
    }
    atomic_store(&successor->prepared, ordinal);
    return TJ_OK;
}

tj_status tj__successor_prepare(tj__successor *successor, tj_error *error)
{
    if (!tj__successor_is_wanted(successor)) {
        return TJ_OK;
    }
    pthread_mutex_lock(&successor->lock);
    tj_status status = provide(successor, atomic_load(&successor->wanted), successor->segment_size,
                               &successor->cancelled, error);
    pthread_mutex_unlock(&successor->lock);
    return status;
}

void tj__successor_cancel(tj__successor *successor)
{
    __atomic_store_n(&successor->cancelled, 1, __ATOMIC_RELAXED);
}

tj_status tj__successor_take(tj__successor *successor, uint64_t ordinal, uint64_t size,
                             tj__log_file *out, tj_error *error)
{
    tj__log_file file = {.fd = -1};
    uint64_t usual = successor->segment_size;
    pthread_mutex_lock(&successor->lock);
    tj_status status = provide(successor, ordinal, size > usual ? size : usual, NULL, error);
    pthread_mutex_unlock(&successor->lock);
    TJ_TRY(status);
    TJ_TRY(tj__log_file_open(successor->directory, ordinal, &file, error));
    if (file.size < size) {
        status = tj__log_file_extend(&file, file.size, size, error);
        file.size = size;
    }
    if (status == TJ_OK) {
        *out = file;
    } else {
        tj__file_close(file.fd);
    }
    return status;
}
