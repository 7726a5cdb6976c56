/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A backup's directory, which never holds anything of LMDB:
 *
 *   log/0000000001.log   a sealed segment: header, records, seal; no zeros behind them
 *   log/0000000001.log.zst    the same, compressed: packed.h
 *   log/0000000002.part  the newest: header and records, at least up to the newest point; what
 *                        follows there is no part of the backup, and written again by the next
 *   history/             the bases at the end of the segment before, when the log does not begin
 *                        with segment 1; base.h
 *   points/              point.h
 *
 * A file gets the name .log when it is whole and flushed, and is never written to again. One that
 * is compressed is whole and flushed before the .log goes.
 */
#ifndef TJ_BACKUP_DIRECTORY_H
#define TJ_BACKUP_DIRECTORY_H

#include "backup/point.h"
#include "log/reader.h"

typedef struct tj__backup_directory {
    char path[PATH_MAX];
    char log_path[PATH_MAX];
    char history_path[PATH_MAX];
    char points_path[PATH_MAX];
    char unpack_path[PATH_MAX]; /* where a compressed segment is unpacked while it is read: TMPDIR,
                                   or /var/tmp, unless it is set to another directory */
    int lock_fd;
} tj__backup_directory;

/* In what form a backup has a segment. */
typedef enum tj__backup_form {
    TJ__BACKUP_PART,
    TJ__BACKUP_SEALED,
    TJ__BACKUP_PACKED
} tj__backup_form;

/* Opens one that is there. TJ_NOT_FOUND; TJ_INVALID when it is no backup. */
tj_status tj__backup_directory_open(tj__backup_directory *directory, const char *path,
                                    tj_error *error);
/* The same for who writes to it; makes it when it is not there, or empty. TJ_EXISTS when it holds
 * something else, TJ_BUSY when another process writes to it. */
tj_status tj__backup_directory_take(tj__backup_directory *directory, const char *path,
                                    tj_error *error);
/* Makes one of its directories, unless it is there, owned as it is. */
tj_status tj__backup_directory_inside(const tj__backup_directory *directory, const char *path,
                                      tj_error *error);
/* Whether its path still names the directory that was taken, and not what shows where a disk was
 * unmounted. TJ_IO. */
tj_status tj__backup_directory_held(const tj__backup_directory *directory, tj_error *error);
void tj__backup_directory_close(tj__backup_directory *directory);

/* Reads the newest point. TJ_NOT_FOUND, without touching error, when there is none. */
tj_status tj__backup_newest_point(const tj__backup_directory *directory, tj__point *out,
                                  tj_error *error);

/* The path of a segment in one form. */
tj_status tj__backup_segment_path(const tj__backup_directory *directory, uint64_t ordinal,
                                  tj__backup_form form, char out[TJ__SEGMENT_PATH_SIZE],
                                  tj_error *error);
/* In what form a segment is there. TJ_NOT_FOUND naming it. */
tj_status tj__backup_find_segment(const tj__backup_directory *directory, uint64_t ordinal,
                                  tj__backup_form *form, char path[TJ__SEGMENT_PATH_SIZE],
                                  tj_error *error);
/* Opens a segment in any form; of one that is compressed a file that holds what it was, and has no
 * name. context is the directory. */
tj_status tj__backup_open_segment(void *context, uint64_t ordinal, char path[TJ__SEGMENT_PATH_SIZE],
                                  int *fd, tj_error *error);
/* Opens a file that a point names. TJ_NOT_FOUND naming it. */
tj_status tj__backup_open_file(const tj__backup_directory *directory, const tj__point_file *file,
                               char path[TJ__SEGMENT_PATH_SIZE], int *fd, tj_error *error);
/* The size of a file that a point names, as a journal has it, and what it takes on the disk. */
tj_status tj__backup_file_size(const tj__backup_directory *directory, const tj__point_file *file,
                               uint64_t *size, uint64_t *stored, tj_error *error);
/* XXH3 of its first file->size bytes. Of a compressed segment it is the one that was noted: only
 * unpacking it shows that it is right. */
tj_status tj__backup_file_hash(const tj__backup_directory *directory, const tj__point_file *file,
                               uint64_t *hash, tj_error *error);
/* XXH3 of the first `size` bytes of a file. TJ_CORRUPT when it has not so many. */
tj_status tj__backup_hash(int fd, const char *path, uint64_t size, uint64_t *hash, tj_error *error);

#endif
