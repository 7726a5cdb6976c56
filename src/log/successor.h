/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The segment files a writer holds: the open one, and the one that will follow it.
 *
 * A successor is prepared by a helper thread when the current segment is half full, or by the
 * appender when the helper comes too late. Both may try at once; `lock` makes one of them do it. A
 * file found under the successor's name is used if nothing was written to it; if its size is odd,
 * it is prepared anew.
 */
#ifndef TJ_LOG_SUCCESSOR_H
#define TJ_LOG_SUCCESSOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "log/segment.h"

/* An open segment file. */
typedef struct tj__log_file {
    int fd;
    uint64_t ordinal;
    uint64_t size;
    uint64_t allocated; /* bytes of it that have blocks, when it was opened */
    dev_t device;
    ino_t inode;
    char path[TJ__SEGMENT_PATH_SIZE];
} tj__log_file;

/* Opens an existing segment for writing. */
tj_status tj__log_file_open(const char *directory, uint64_t ordinal, tj__log_file *out,
                            tj_error *error);
/* Reads the header block. *begun is false for a prepared segment: nothing but zeros. */
tj_status tj__log_file_header(const tj__log_file *file, const tj_uuid *journal_id, bool *begun,
                              tj__segment_header *header, tj_error *error);
/* Whether a prepared file can be begun as it is: not a length that no segment has, nor one that is
 * larger than wanted and not even there (holes). */
bool tj__log_file_usable(const tj__log_file *file, uint64_t wanted);
/* Makes a file of `from` bytes that is prepared but not begun `to` bytes long, and flushes it. On
 * failure it is as long as it was. */
tj_status tj__log_file_extend(const tj__log_file *file, uint64_t from, uint64_t to,
                              tj_error *error);
/* TJ_CLOSED when the path does not name the file any more. */
tj_status tj__log_file_in_place(const tj__log_file *file, tj_error *error);

typedef struct tj__successor {
    char directory[TJ__SEGMENT_PATH_SIZE];
    tj_uuid journal_id;
    uint64_t segment_size;
    pthread_mutex_t lock;      /* held while preparing */
    _Atomic uint64_t wanted;   /* ordinal to prepare, 0 before the first */
    int cancelled;             /* nothing is prepared ahead any more */
    _Atomic uint64_t prepared; /* highest ordinal known to be there, 0 before the first */
} tj__successor;

tj_status tj__successor_init(tj__successor *successor, const char *directory,
                             const tj_uuid *journal_id, uint64_t segment_size, tj_error *error);
void tj__successor_dispose(tj__successor *successor);

/* The appender says that it will need this segment. */
void tj__successor_want(tj__successor *successor, uint64_t ordinal);
/* Whether a wanted segment is not there yet. Any thread. */
bool tj__successor_is_wanted(const tj__successor *successor);
/* Prepares the wanted segment unless it is there. Any thread. Failures change nothing. */
tj_status tj__successor_prepare(tj__successor *successor, tj_error *error);
/* Ends a preparation that is under way, and refuses others, with TJ_CLOSED: nothing will be
 * appended. Any thread. */
void tj__successor_cancel(tj__successor *successor);
/* Opens segment `ordinal`, with room for at least `size` bytes, preparing it if need be. */
tj_status tj__successor_take(tj__successor *successor, uint64_t ordinal, uint64_t size,
                             tj__log_file *out, tj_error *error);

#endif
