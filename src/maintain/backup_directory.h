/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A backup's directory, which never holds anything of LMDB:
 *
 *   log/0000000001.log   a sealed segment: header, records, seal; no zeros behind them
 *   log/0000000002.part  the newest: header and records, at least up to the newest point; what
 *                        follows there is no part of the backup, and written again by the next
 *   history/             the bases at the end of the segment before, when the log does not begin
 *                        with segment 1; base.h
 *   points/              point.h
 *
 * A file gets the name .log when it is whole and flushed, and is never written to again.
 */
#ifndef TJ_MAINTAIN_BACKUP_DIRECTORY_H
#define TJ_MAINTAIN_BACKUP_DIRECTORY_H

#include "log/reader.h"
#include "maintain/point.h"

typedef struct tj__backup_directory {
    char path[PATH_MAX];
    char log_path[PATH_MAX];
    char history_path[PATH_MAX];
    char points_path[PATH_MAX];
    int lock_fd;
} tj__backup_directory;

/* Opens one that is there. TJ_NOT_FOUND; TJ_INVALID when it is no backup. */
tj_status tj__backup_directory_open(tj__backup_directory *directory, const char *path,
                                    tj_error *error);
/* The same for who writes to it; makes it when it is not there, or empty. TJ_EXISTS when it holds
 * something else, TJ_BUSY when another process writes to it. */
tj_status tj__backup_directory_take(tj__backup_directory *directory, const char *path,
                                    tj_error *error);
void tj__backup_directory_close(tj__backup_directory *directory);

/* Reads the newest point. TJ_NOT_FOUND, without touching error, when there is none. */
tj_status tj__backup_newest_point(const tj__backup_directory *directory, tj__point *out,
                                  tj_error *error);

/* The path of a segment that is sealed, or of one that is not. */
tj_status tj__backup_segment_path(const tj__backup_directory *directory, uint64_t ordinal,
                                  bool sealed, char out[TJ__SEGMENT_PATH_SIZE], tj_error *error);
/* Opens the file of a segment, sealed or not; context is the directory. */
tj_status tj__backup_open_segment(void *context, uint64_t ordinal, char path[TJ__SEGMENT_PATH_SIZE],
                                  int *fd, tj_error *error);
/* Opens a file that a point names. TJ_NOT_FOUND naming it. */
tj_status tj__backup_open_file(const tj__backup_directory *directory, const tj__point_file *file,
                               char path[TJ__SEGMENT_PATH_SIZE], int *fd, tj_error *error);
/* XXH3 of the first `size` bytes of a file. TJ_CORRUPT when it has not so many. */
tj_status tj__backup_hash(int fd, const char *path, uint64_t size, uint64_t *hash, tj_error *error);

#endif
