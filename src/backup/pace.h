/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writing much beside savers that flush: a piece after the other, and not faster than asked for. */
#ifndef TJ_BACKUP_PACE_H
#define TJ_BACKUP_PACE_H

#include <tesser/error.h>

#include "base/buffer.h"

/* What is gathered to be written, and how much of it at once while a rate is kept: so little that a
 * saver's flush beside it does not wait long for it. */
#define TJ__PACE_PIECE_SIZE ((size_t)256 << 10)
#define TJ__PACE_STEP_SIZE ((size_t)32 << 10)

typedef struct tj__pace {
    uint64_t bytes_per_s; /* 0: as fast as it goes */
    uint64_t due_ns;      /* when the next piece may be written */
    uint64_t bytes;       /* written so far */
} tj__pace;

/* Writes the bytes in steps, each on the disk, though maybe in its cache only, before the next.
 * Nothing is durable by it. */
tj_status tj__pace_write(tj__pace *pace, int fd, const char *path, tj__bytes bytes, uint64_t offset,
                         tj_error *error);

#endif
