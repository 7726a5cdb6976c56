/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Moving the block, and growing it for a record that is larger. */
#include "log/window.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"

/* Large enough that system calls do not count, small enough to stay in the processor's cache. A
 * multiple of TJ__RECORD_ALIGN. */
#define BLOCK_SIZE ((size_t)64 << 10)

tj_status tj__window_open(tj__window *window, const char *directory, uint64_t ordinal,
                          tj_error *error)
{
    tj__window opened = TJ__WINDOW_INIT;
    struct stat found;
    tj_status status =
        tj__segment_open(opened.path, directory, ordinal, O_RDONLY, &opened.fd, &found, error);
    if (status == TJ_NOT_FOUND) {
        tj__fail(error, TJ_NOT_FOUND, "log segment %s is missing", opened.path);
        tj__error_place(error, "%s", opened.path);
    }
    TJ_TRY(status);
    opened.file_size = (uint64_t)found.st_size;
    *window = opened;
    return TJ_OK;
}

tj_status tj__window_take(tj__window *window, int fd, const char *path, tj_error *error)
{
    tj__window opened = TJ__WINDOW_INIT;
    snprintf(opened.path, sizeof opened.path, "%s", path);
    opened.fd = fd;
    tj_status status = tj__file_size(fd, path, &opened.file_size, error);
    if (status != TJ_OK) {
        tj__file_close(fd);
        return status;
    }
    *window = opened;
    return TJ_OK;
}

void tj__window_dispose(tj__window *window)
{
    tj__file_close(window->fd);
    free(window->block);
    *window = (tj__window)TJ__WINDOW_INIT;
}

bool tj__window_holds(const tj__window *window, uint64_t offset)
{
    return offset >= window->start && offset - window->start < window->size;
}

void tj__window_forget(tj__window *window)
{
    window->size = 0;
}

tj_status tj__window_refresh(tj__window *window, tj_error *error)
{
    tj__window_forget(window);
    return tj__file_size(window->fd, window->path, &window->file_size, error);
}

static tj_status grow(tj__window *window, size_t size, tj_error *error)
{
    if (size <= window->capacity) {
        return TJ_OK;
    }
    uint8_t *block = tj__file_block_new(size);
    if (!block) {
        return tj__fail(error, TJ_NOMEM, "no memory for %zu bytes of %s", size, window->path);
    }
    free(window->block);
    window->block = block;
    window->capacity = size;
    window->size = 0;
    return TJ_OK;
}

/* Reads the block anew from `offset` on. */
static tj_status move_block(tj__window *window, uint64_t offset, size_t size, tj_error *error)
{
    size_t wanted = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    if (wanted > window->file_size - offset) {
        wanted = (size_t)(window->file_size - offset);
    }
    TJ_TRY(grow(window, size > BLOCK_SIZE ? wanted : BLOCK_SIZE, error));
    window->size = 0;
    size_t got = 0;
    TJ_TRY(
        tj__file_read_some(window->fd, window->path, window->block, wanted, offset, &got, error));
    window->start = offset;
    window->size = got;
    return TJ_OK;
}

tj_status tj__window_view(tj__window *window, uint64_t offset, size_t size, tj__bytes *view,
                          tj_error *error)
{
    if (offset >= window->file_size) {
        *view = tj__bytes_of(NULL, 0);
        return TJ_OK;
    }
    uint64_t rest = window->file_size - offset;
    size_t wanted = rest < size ? (size_t)rest : size;
    if (!tj__window_holds(window, offset) ||
        wanted > window->size - (size_t)(offset - window->start)) {
        TJ_TRY(move_block(window, offset, wanted, error));
    }
    size_t at = (size_t)(offset - window->start);
    *view = tj__bytes_of(window->block + at, window->size - at);
    return TJ_OK;
}
