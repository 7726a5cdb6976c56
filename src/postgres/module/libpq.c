/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The module: libpq's functions, for the library to find by one name. */
#include <libpq-fe.h>

#include "postgres/libpq.h"

#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), #theirs)
SAME(TJ__PG_CONNECTION_OK, CONNECTION_OK);
SAME(TJ__PG_POLLING_FAILED, PGRES_POLLING_FAILED);
SAME(TJ__PG_POLLING_READING, PGRES_POLLING_READING);
SAME(TJ__PG_POLLING_WRITING, PGRES_POLLING_WRITING);
SAME(TJ__PG_POLLING_OK, PGRES_POLLING_OK);
SAME(TJ__PG_COMMAND_OK, PGRES_COMMAND_OK);
SAME(TJ__PG_TUPLES_OK, PGRES_TUPLES_OK);
SAME(TJ__PG_PIPELINE_SYNC, PGRES_PIPELINE_SYNC);
SAME(TJ__PG_PIPELINE_ABORTED, PGRES_PIPELINE_ABORTED);
SAME(TJ__PG_SQLSTATE, PG_DIAG_SQLSTATE);
SAME(TJ__PG_MESSAGE, PG_DIAG_MESSAGE_PRIMARY);
_Static_assert(sizeof(tj__pg_option) == sizeof(struct _PQconninfoOption) &&
                   offsetof(tj__pg_option, value) == offsetof(struct _PQconninfoOption, val),
               "libpq.h states libpq's struct");

static tj__pg_option *parse(const char *conninfo, char **message)
{
    return (tj__pg_option *)PQconninfoParse(conninfo, message);
}

static void options_free(tj__pg_option *options)
{
    PQconninfoFree((PQconninfoOption *)options);
}

static int status(const tj__pg_conn *conn)
{
    return (int)PQstatus(conn);
}

static int connect_poll(tj__pg_conn *conn)
{
    return (int)PQconnectPoll(conn);
}

static int result_status(const tj__pg_result *result)
{
    return (int)PQresultStatus(result);
}

/* A library does not print what servers say. Sessions ask for warnings only. */
static void note(void *context, const PGresult *notice)
{
    (void)notice;
    *(bool *)context = true;
}

static void note_warnings(tj__pg_conn *conn, bool *warned)
{
    (void)PQsetNoticeReceiver(conn, note, warned);
}

extern const tj__libpq tj__libpq_table;
__attribute__((visibility("default"))) const tj__libpq tj__libpq_table = {
    .version = TJ__LIBPQ_TABLE_VERSION,
    .parse = parse,
    .options_free = options_free,
    .memory_free = PQfreemem,
    .connect = PQconnectdbParams,
    .connect_start = PQconnectStartParams,
    .connect_poll = connect_poll,
    .finish = PQfinish,
    .status = status,
    .socket = PQsocket,
    .error_message = PQerrorMessage,
    .server_version = PQserverVersion,
    .backend_pid = PQbackendPID,
    .host = PQhost,
    .address = PQhostaddr,
    .port = PQport,
    .database = PQdb,
    .set_nonblocking = PQsetnonblocking,
    .enter_pipeline = PQenterPipelineMode,
    .send_query = PQsendQueryParams,
    .send_prepare = PQsendPrepare,
    .send_prepared = PQsendQueryPrepared,
    .pipeline_sync = PQpipelineSync,
    .flush = PQflush,
    .consume_input = PQconsumeInput,
    .is_busy = PQisBusy,
    .get_result = PQgetResult,
    .result_status = result_status,
    .result_field = PQresultErrorField,
    .clear = PQclear,
    .rows = PQntuples,
    .value = PQgetvalue,
    .length = PQgetlength,
    .is_null = PQgetisnull,
    .affected = PQcmdTuples,
    .note_warnings = note_warnings,
};
