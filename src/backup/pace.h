/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writing much beside savers that flush: a piece after the other, and not faster than asked for. */
#ifndef TJ_BACKUP_PACE_H
#define TJ_BACKUP_PACE_H

#include <tesser/error.h>

#include "base/buffer.h"

/* The most that is gathered to be written at once. */
#define TJ__PACE_PIECE_SIZE ((size_t)256 << 10)

typedef struct tj__pace {
    uint64_t bytes_per_s; /* 0: as fast as it goes */
    uint64_t due_ns;      /* when the next piece may be written */
    uint64_t bytes;       /* written so far */
} tj__pace;

/* How much is worth to be gathered. While a rate is kept it is so little that a saver beside it
 * waits long neither for the disk nor for a processor on which it was read and checked. */
size_t tj__pace_piece(const tj__pace *pace);

/* Writes the bytes in such pieces, each on the disk, though maybe in its cache only, before the
 * next. Nothing is durable by it. */
tj_status tj__pace_write(tj__pace *pace, int fd, const char *path, tj__bytes bytes, uint64_t offset,
                         tj_error *error);

#endif
