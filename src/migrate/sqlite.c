/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The calls to SQLite, their errors in our words, and a bound on the time of a scan. */
#include "migrate/sqlite.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"

/* A file that keeps SQLite busy for longer is crafted, or has no business here. */
#define SECONDS_MAX 120
/* Instructions of SQLite's machine between two looks at the clock. */
#define STEPS_AT_ONCE 100000

struct tj__sqlite {
    sqlite3 *handle;
    sqlite3_stmt *statement; /* the last one that was run, for when it is run again */
    const char *sql;         /* its text, the caller's */
    char *path;
    bool written; /* here, so nothing in it is damage */
    time_t deadline;
};

static time_t seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static int is_late(void *context)
{
    const tj__sqlite *database = context;
    return seconds_now() > database->deadline;
}

/* Whatever SQLite has to say against a file that is read is the file's fault, except memory; of one
 * that is written it is the system's, such as locks that a network's file system does not give. */
static tj_status fail(const tj__sqlite *database, int code, const char *doing, tj_error *error)
{
    tj_status status = database->written ? TJ_IO : TJ_CORRUPT;
    const char *reason = sqlite3_errmsg(database->handle);
    /* Some calls answer a plain error when memory is short, and leave it to this one to say so. */
    if (sqlite3_errcode(database->handle) == SQLITE_NOMEM) {
        code = SQLITE_NOMEM;
    }
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        status = TJ_NOMEM;
        break;
    case SQLITE_FULL:
        status = TJ_FULL;
        break;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        status = TJ_IO;
        break;
    case SQLITE_INTERRUPT:
        status = TJ_LIMIT;
        reason = "it takes too long: the file is damaged or crafted";
        break;
    default:
        break;
    }
    (void)tj__fail(error, status, "%s: %s: SQLite says: %s", database->path, doing, reason);
    if (error) {
        error->engine_code = code;
    }
    tj__error_place(error, "%s", database->path);
    return status;
}

static tj_status new_handle(const char *path, const char *name, int flags, tj__sqlite **out,
                            tj_error *error)
{
    tj__sqlite *database = calloc(1, sizeof *database);
    char *copy = strdup(path);
    if (!database || !copy) {
        free(database);
        free(copy);
        return tj__fail(error, TJ_NOMEM, "no memory to open %s", path);
    }
    database->path = copy;
    database->deadline = seconds_now() + SECONDS_MAX;
    int code = sqlite3_open_v2(name, &database->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) {
        tj_status status = fail(database, code, "opening it", error);
        (void)tj__sqlite_close(database, NULL);
        return status;
    }
    *out = database;
    return TJ_OK;
}

/* A file that is read may have been made to harm: its schema must not run code. */
static void distrust(tj__sqlite *database)
{
    sqlite3 *handle = database->handle;
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_progress_handler(handle, STEPS_AT_ONCE, is_late, database);
}

static tj_status expect_ok(void *context, const tj__sqlite_value *values, tj_error *error)
{
    const tj__sqlite *database = context;
    if (tj_str_equal(values[0].text, TJ_STR("ok"))) {
        return TJ_OK;
    }
    return tj__fail(
        error, TJ_CORRUPT,
        "%s is damaged: SQLite says: %.*s. `sqlite3 FILE .recover` may save what is left "
        "of a copy",
        database->path, (int)(values[0].text.size < 300 ? values[0].text.size : 300),
        values[0].text.data);
}

tj_status tj__sqlite_open_image(const char *path, tj__buffer *image, tj__sqlite **out,
                                tj_error *error)
{
    tj__sqlite *database = NULL;
    *out = NULL;
    TJ_TRY(
        new_handle(path, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, &database, error));
    distrust(database);
    int code =
        sqlite3_deserialize(database->handle, "main", image->data, (sqlite3_int64)image->size,
                            (sqlite3_int64)image->size, SQLITE_DESERIALIZE_READONLY);
    tj_status status = code == SQLITE_OK ? TJ_OK : fail(database, code, "opening it", error);
    if (status == TJ_OK) {
        status = tj__sqlite_scan(database, "PRAGMA integrity_check(1)", expect_ok, database, error);
    }
    if (status != TJ_OK) {
        (void)tj__sqlite_close(database, NULL);
        return status;
    }
    *out = database;
    return TJ_OK;
}

tj_status tj__sqlite_create(const char *path, const char *schema, bool wal, tj__sqlite **out,
                            tj_error *error)
{
    tj__sqlite *database = NULL;
    *out = NULL;
    TJ_TRY(new_handle(path, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &database, error));
    database->written = true;
    database->deadline = seconds_now() + SECONDS_MAX;
    int code = sqlite3_exec(database->handle,
                            wal ? "PRAGMA journal_mode=WAL" : "PRAGMA journal_mode=DELETE", NULL,
                            NULL, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_exec(database->handle, schema, NULL, NULL, NULL);
    }
    if (code != SQLITE_OK) {
        tj_status status = fail(database, code, "creating it", error);
        (void)tj__sqlite_close(database, NULL);
        return status;
    }
    *out = database;
    return TJ_OK;
}

tj_status tj__sqlite_close(tj__sqlite *database, tj_error *error)
{
    if (!database) {
        return TJ_OK;
    }
    (void)sqlite3_finalize(database->statement);
    int code = sqlite3_close(database->handle);
    tj_status status = code == SQLITE_OK ? TJ_OK : fail(database, code, "closing it", error);
    free(database->path);
    free(database);
    return status;
}

/* ---- statements ---------------------------------------------------------------------------- */

static tj__sqlite_value column(sqlite3_stmt *statement, int index)
{
    tj__sqlite_value value = {.type = TJ__SQLITE_OTHER};
    int type = sqlite3_column_type(statement, index);
    if (type == SQLITE_NULL) {
        value.type = TJ__SQLITE_NULL;
        return value;
    }
    if (type == SQLITE_INTEGER) {
        value.type = TJ__SQLITE_INTEGER;
        value.integer = sqlite3_column_int64(statement, index);
    } else if (type == SQLITE_TEXT) {
        value.type = TJ__SQLITE_TEXT;
    }
    const void *data = type == SQLITE_BLOB ? sqlite3_column_blob(statement, index)
                                           : sqlite3_column_text(statement, index);
    value.text.data = data ? data : "";
    value.text.size = data ? (size_t)sqlite3_column_bytes(statement, index) : 0;
    return value;
}

tj_status tj__sqlite_scan(tj__sqlite *database, const char *query, tj__sqlite_visitor *visitor,
                          void *context, tj_error *error)
{
    sqlite3_stmt *statement = NULL;
    tj__sqlite_value values[TJ__SQLITE_COLUMNS_MAX];
    tj_status status = TJ_OK;
    int code = sqlite3_prepare_v2(database->handle, query, -1, &statement, NULL);
    int count = code == SQLITE_OK ? sqlite3_column_count(statement) : 0;
    TJ_ASSERT(count <= TJ__SQLITE_COLUMNS_MAX);
    while (code == SQLITE_OK && status == TJ_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < count; i++) {
            values[i] = column(statement, i);
        }
        status = visitor(context, values, error);
        code = SQLITE_OK;
    }
    if (status == TJ_OK && code != SQLITE_DONE) {
        status = fail(database, code, "reading it", error);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static int bind(sqlite3_stmt *statement, int index, const tj__sqlite_value *value)
{
    if (value->type == TJ__SQLITE_INTEGER) {
        return sqlite3_bind_int64(statement, index, value->integer);
    }
    if (value->type == TJ__SQLITE_NULL || !value->text.data) {
        return sqlite3_bind_null(statement, index);
    }
    return sqlite3_bind_text64(statement, index, value->text.data, value->text.size, SQLITE_STATIC,
                               SQLITE_UTF8);
}

tj_status tj__sqlite_run(tj__sqlite *database, const char *statement,
                         const tj__sqlite_value *values, size_t count, tj_error *error)
{
    int code = SQLITE_OK;
    if (database->sql != statement) {
        (void)sqlite3_finalize(database->statement);
        database->statement = NULL;
        database->sql = statement;
        code = sqlite3_prepare_v2(database->handle, statement, -1, &database->statement, NULL);
    }
    for (size_t i = 0; i < count && code == SQLITE_OK; i++) {
        code = bind(database->statement, (int)i + 1, &values[i]);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_step(database->statement);
    }
    tj_status status = code == SQLITE_DONE ? TJ_OK : fail(database, code, "writing it", error);
    (void)sqlite3_reset(database->statement);
    return status;
}

const char *tj__sqlite_version(void)
{
    return sqlite3_libversion();
}
