/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Rows of another program's LMDB file, read with pread alone: nothing maps the file, locks it or
 * writes beside it, so it stays as it was to the byte, and damage ends in an error.
 */
#ifndef TJ_TABLE_FOREIGN_H
#define TJ_TABLE_FOREIGN_H

#include <tesser/error.h>

#include "base/buffer.h"

typedef struct tj__foreign tj__foreign;

/* Opens the file itself (not its directory) and walks all its pages, as tj__page_check. Besides,
 * the two meta pages must be those of consecutive transactions: a damaged transaction number would
 * silently select the snapshot before the newest. TJ_CORRUPT, TJ_UNSUPPORTED, TJ_NOT_FOUND, TJ_IO,
 * TJ_NOMEM; TJ_BUSY when it is being written. */
tj_status tj__foreign_open(const char *path, tj__foreign **out, tj_error *error);
void tj__foreign_close(tj__foreign *file); /* NULL is allowed */

/* Names of the named databases, each with a NUL behind it. */
tj__bytes tj__foreign_names(const tj__foreign *file);
bool tj__foreign_has(const tj__foreign *file, const char *database);

/* Views are valid during the call. Any status but TJ_OK ends the scan and becomes its result. */
typedef tj_status tj__foreign_visitor(void *context, tj__bytes key, tj__bytes value,
                                      tj_error *error);
/* Visits all rows of a named database in key order; one that is not there has none. TJ_BUSY when
 * the file was written meanwhile: what was visited may belong to no snapshot. */
tj_status tj__foreign_scan(tj__foreign *file, const char *database, tj__foreign_visitor *visitor,
                           void *context, tj_error *error);

#endif
