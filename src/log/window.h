/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A segment file seen through a block of memory that moves over it, read with pread. */
#ifndef TJ_LOG_WINDOW_H
#define TJ_LOG_WINDOW_H

#include "log/segment.h"

typedef struct tj__window {
    char path[TJ__SEGMENT_PATH_SIZE];
    int fd;
    uint64_t file_size; /* when last looked at: a writer may extend a segment before it begins it */
    uint8_t *block;
    size_t capacity;
    uint64_t start; /* offset in the file of the block's first byte */
    size_t size;    /* bytes in the block, 0 when it holds nothing */
} tj__window;

#define TJ__WINDOW_INIT           \
    {                             \
        {0}, -1, 0, NULL, 0, 0, 0 \
    }

/* Opens the segment's file for reading. TJ_NOT_FOUND, naming it, when it is not there. */
tj_status tj__window_open(tj__window *window, const char *directory, uint64_t ordinal,
                          tj_error *error);
/* The same for a file that is open already; the window closes it. */
tj_status tj__window_take(tj__window *window, int fd, const char *path, tj_error *error);
/* Closes the file and releases the block. */
void tj__window_dispose(tj__window *window);

/* The bytes from `offset` on, at least `size` of them if the file has that many; valid until the
 * next call. Bytes that the block holds are not read again: they are as old as the block. */
tj_status tj__window_view(tj__window *window, uint64_t offset, size_t size, tj__bytes *view,
                          tj_error *error);
/* Whether the block holds the byte at offset. */
bool tj__window_holds(const tj__window *window, uint64_t offset);
/* The next view reads from the file. */
void tj__window_forget(tj__window *window);
/* Looks at the file's size again and makes the next view read from the file: the writer may have
 * written since. */
tj_status tj__window_refresh(tj__window *window, tj_error *error);

#endif
