/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* SQLite databases: reading one that nobody vouches for, and writing a new one. The only room of
 * sqlite3.h is sqlite.c. */
#ifndef TJ_MIGRATE_SQLITE_H
#define TJ_MIGRATE_SQLITE_H

#include <tesser/error.h>

#include "base/buffer.h"

typedef struct tj__sqlite tj__sqlite;

/* Opens an image of a database, which must outlive the handle, and has SQLite check all of it. A
 * crafted file ends in TJ_CORRUPT, one that would take for ever in TJ_LIMIT. path is for errors. */
tj_status tj__sqlite_open_image(const char *path, tj__buffer *image, tj__sqlite **out,
                                tj_error *error);
/* Creates a database file with a schema, in WAL mode or not. */
tj_status tj__sqlite_create(const char *path, const char *schema, bool wal, tj__sqlite **out,
                            tj_error *error);
/* Closes; what was written is in the one file. NULL is allowed. */
tj_status tj__sqlite_close(tj__sqlite *database, tj_error *error);

typedef struct tj__sqlite_value {
    enum { TJ__SQLITE_NULL, TJ__SQLITE_INTEGER, TJ__SQLITE_TEXT, TJ__SQLITE_OTHER } type;
    int64_t integer;
    tj_str text; /* also of integers, floats and blobs */
} tj__sqlite_value;

/* Views are valid during the call. Any status but TJ_OK ends the scan. */
typedef tj_status tj__sqlite_visitor(void *context, const tj__sqlite_value *values,
                                     tj_error *error);
#define TJ__SQLITE_COLUMNS_MAX 16
/* Visits the rows of a query. */
tj_status tj__sqlite_scan(tj__sqlite *database, const char *query, tj__sqlite_visitor *visitor,
                          void *context, tj_error *error);
/* Runs a statement with texts (absent: NULL) and integers for its parameters. */
tj_status tj__sqlite_run(tj__sqlite *database, const char *statement,
                         const tj__sqlite_value *values, size_t count, tj_error *error);

/* Of the library, e.g. "3.40.1". */
const char *tj__sqlite_version(void);

#endif
