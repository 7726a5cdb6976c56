/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libpq as a table of its functions, which a module holds that is loaded when a journal on
 * PostgreSQL is opened. So neither this library nor a program that uses it is linked to libpq and
 * the two dozen libraries behind it, and only module/libpq.c sees its header.
 */
#ifndef TJ_POSTGRES_LIBPQ_H
#define TJ_POSTGRES_LIBPQ_H

#include <stdbool.h>

#include <tesser/error.h>

/* The types behind PGconn, PGresult and PQconninfoOption. */
typedef struct pg_conn tj__pg_conn;
typedef struct pg_result tj__pg_result;
typedef struct tj__pg_option {
    char *keyword;
    char *environment;
    char *compiled;
    char *value; /* NULL: not given */
    char *label;
    char *display;
    int display_size;
} tj__pg_option;

/* The values of libpq's enumerations that are used; the module asserts them. */
enum {
    TJ__PG_CONNECTION_OK = 0,
    TJ__PG_POLLING_FAILED = 0,
    TJ__PG_POLLING_READING = 1,
    TJ__PG_POLLING_WRITING = 2,
    TJ__PG_POLLING_OK = 3,
    TJ__PG_COMMAND_OK = 1,
    TJ__PG_TUPLES_OK = 2,
    TJ__PG_PIPELINE_SYNC = 10,
    TJ__PG_PIPELINE_ABORTED = 11,
    TJ__PG_SQLSTATE = 'C',
    TJ__PG_MESSAGE = 'M'
};

/* Changes with the members of tj__libpq. */
#define TJ__LIBPQ_TABLE_VERSION 4
#define TJ__LIBPQ_TABLE_NAME "tj__libpq_table"

typedef struct tj__libpq {
    unsigned version;
    tj__pg_option *(*parse)(const char *conninfo, char **message);
    void (*options_free)(tj__pg_option *options);
    void (*memory_free)(void *memory);
    tj__pg_conn *(*connect)(const char *const *keywords, const char *const *values, int expand);
    tj__pg_conn *(*connect_start)(const char *const *keywords, const char *const *values,
                                  int expand);
    int (*connect_poll)(tj__pg_conn *conn);
    void (*finish)(tj__pg_conn *conn);
    int (*status)(const tj__pg_conn *conn);
    int (*socket)(const tj__pg_conn *conn);
    char *(*error_message)(const tj__pg_conn *conn);
    int (*server_version)(const tj__pg_conn *conn);
    int (*backend_pid)(const tj__pg_conn *conn);
    char *(*host)(const tj__pg_conn *conn);
    char *(*address)(const tj__pg_conn *conn);
    char *(*port)(const tj__pg_conn *conn);
    char *(*database)(const tj__pg_conn *conn);
    int (*set_nonblocking)(tj__pg_conn *conn, int on);
    int (*enter_pipeline)(tj__pg_conn *conn);
    int (*send_query)(tj__pg_conn *conn, const char *sql, int count, const unsigned *types,
                      const char *const *values, const int *lengths, const int *formats,
                      int result_format);
    int (*send_prepare)(tj__pg_conn *conn, const char *name, const char *sql, int count,
                        const unsigned *types);
    int (*send_prepared)(tj__pg_conn *conn, const char *name, int count, const char *const *values,
                         const int *lengths, const int *formats, int result_format);
    int (*pipeline_sync)(tj__pg_conn *conn);
    int (*flush)(tj__pg_conn *conn);
    int (*consume_input)(tj__pg_conn *conn);
    int (*is_busy)(tj__pg_conn *conn);
    tj__pg_result *(*get_result)(tj__pg_conn *conn);
    int (*result_status)(const tj__pg_result *result);
    char *(*result_field)(const tj__pg_result *result, int field);
    void (*clear)(tj__pg_result *result);
    int (*rows)(const tj__pg_result *result);
    char *(*value)(const tj__pg_result *result, int row, int column);
    int (*length)(const tj__pg_result *result, int row, int column);
    int (*is_null)(const tj__pg_result *result, int row, int column);
    char *(*affected)(tj__pg_result *result);
    /* Sets *warned whenever the server has something to say beside its answers. */
    void (*note_warnings)(tj__pg_conn *conn, bool *warned);
} tj__libpq;

/* Loads the module, once for the process: TJ_UNSUPPORTED, with the package that is missing. */
tj_status tj__libpq_load(const tj__libpq **out, tj_error *error);

#endif
