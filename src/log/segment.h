/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Segment files: <directory>/<ordinal, 10 digits>.log.
 *
 * A segment is prepared long before its first record: zeros are written to the disk in small pieces
 * as <ordinal>.tmp, which is then flushed, renamed, and the directory flushed. From then on it
 * exists under its final name with an all-zero header: "prepared". It is begun by writing its
 * header, in one write with its first record. So a flush on the acknowledging path moves data only,
 * and the seal of a segment is never on disk without its successor's file being there.
 */
#ifndef TJ_LOG_SEGMENT_H
#define TJ_LOG_SEGMENT_H

#include <limits.h>
#include <sys/stat.h>

#include <tesser/config.h>

#include "log/frame.h"

#define TJ__SEGMENT_PATH_SIZE (TJ_PATH_SIZE + 64) /* any path that can be opened, and more */
#define TJ__ORDINAL_MAX 9999999999u

typedef struct tj__segment_list {
    uint64_t *ordinals; /* ascending */
    size_t count;
    /* Names that are none of a segment: a desktop's, an editor's, a copying program's. */
    size_t stranger_count;
    char stranger[NAME_MAX + 1]; /* one of them, or "" */
} tj__segment_list;

tj_status tj__segment_path(char out[TJ__SEGMENT_PATH_SIZE], const char *directory, uint64_t ordinal,
                           tj_error *error);

/* Opens the segment's file, which must be a regular one (a pipe under its name would be waited
 * for). Fills path too when it fails. TJ_NOT_FOUND naming it. */
tj_status tj__segment_open(char path[TJ__SEGMENT_PATH_SIZE], const char *directory,
                           uint64_t ordinal, int flags, int *fd, struct stat *found,
                           tj_error *error);
/* Whether a segment can be this long: room for header and seal, records on their boundaries. */
bool tj__segment_size_possible(uint64_t size);
/* The offset at or behind `offset`, before `end`, from which on the file has bytes: what lies
 * between is a hole, which reads as zeros and takes no time to be passed over. A multiple of
 * TJ__RECORD_ALIGN, or end. */
uint64_t tj__segment_skip_hole(int fd, uint64_t offset, uint64_t end);
/* The offset, at most `end`, where the bytes that begin at `offset` meet a hole. */
uint64_t tj__segment_find_hole(int fd, uint64_t offset, uint64_t end);

/* Lists the segments of a log directory. A *.tmp (a prepared piece that a crash left) is ignored;
 * what else is not ours is counted and stays. What a gap in the ordinals means is the caller's to
 * say. */
tj_status tj__segment_list_read(const char *directory, tj__segment_list *out, tj_error *error);
/* The first ordinal from `from` on that is not listed though a later one is; 0: there is none. */
uint64_t tj__segment_list_gap(const tj__segment_list *list, uint64_t from);
/* TJ_CORRUPT naming the file when there is one. */
tj_status tj__segment_list_whole(const tj__segment_list *list, const char *directory, uint64_t from,
                                 tj_error *error);
void tj__segment_list_dispose(tj__segment_list *list);

/* A file of this name in the log directory is taken for the next segment when no file can be
 * made. */
#define TJ__SEGMENT_SPARE_NAME "spare.tmp"

/* Creates a prepared segment as described above, replacing a left-over .tmp. With a header, the
 * segment is begun: its header is part of the first piece. TJ_EXISTS if the final name is there.
 * On failure nothing but possibly the .tmp is left (removed when it can be). cancel, when not NULL,
 * is looked at between pieces: nonzero makes it stop with TJ_CLOSED. */
tj_status tj__segment_prepare(const char *directory, uint64_t ordinal, uint64_t size,
                              const tj__segment_header *header, const volatile int *cancel,
                              tj_error *error);
/* As tj__segment_prepare, in the place of a file that holds nothing. */
tj_status tj__segment_prepare_anew(const char *directory, uint64_t ordinal, uint64_t size,
                                   tj_error *error);

/* Makes segment 1 of a new log, prepared, and has it written to the disk; the caller flushes *fd,
 * closes it, and flushes the directory. A blank one that a creation left when it was interrupted is
 * written again. */
tj_status tj__segment_prepare_first(const char *directory, uint64_t size, int *fd, tj_error *error);

#endif
