/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A SQLite database in memory, as SQLite would see it: the file with what its -wal has committed.
 *
 * SQLite itself would write beside the file (-shm) and into it (checkpoint), and passes silently
 * over a
 * -wal that it cannot read. Here the files are only read, and damage is told.
 */
#ifndef TJ_MIGRATE_IMAGE_H
#define TJ_MIGRATE_IMAGE_H

#include "migrate/gather.h"

typedef struct tj__image {
    tj__buffer bytes;
    size_t uncommitted; /* frames of a transaction that was never committed, left out */
    bool idle_log;      /* the -wal has a header and no frame of its own */
} tj__image;

/* Reads the file that path names, through links, and its -wal. TJ_CORRUPT for a -wal that is
 * damaged or cut; TJ_UNSUPPORTED beside a rollback journal, or where a -wal may lie beside another
 * name; TJ_BUSY when the files keep changing; TJ_LIMIT, TJ_IO, TJ_NOT_FOUND, TJ_NOMEM. */
tj_status tj__image_read(const char *path, tj__image *image, tj_error *error);
void tj__image_dispose(tj__image *image);

/* Whether a file of this size is a database all pages of which are in its -wal yet. */
tj_status tj__image_is_all_log(const char *path, uint64_t size, bool *is, tj_error *error);
/* Whether a file is a -wal by its first bytes. */
bool tj__wal_begins(tj_str text);
/* Applies the committed frames of a -wal (wal.c). */
tj_status tj__wal_apply(const char *path, tj__bytes wal, tj__image *image, tj_error *error);

#endif
