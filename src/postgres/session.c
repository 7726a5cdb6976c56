/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Opening a session, and its settings. */
#include "postgres/session.h"

#include <stdio.h>

#include "base/error.h"

/* Servers from here on have SQL functions whose bodies are bound when they are created. */
#define SERVER_VERSION_MIN 140000

#define SETTINGS_MS 5000

void tj__pg_identifier(tj__buffer *out, const char *name)
{
    tj__put_u8(out, '"');
    for (const char *c = name; *c; c++) {
        if (*c == '"') {
            tj__put_u8(out, '"');
        }
        tj__put_u8(out, (uint8_t)*c);
    }
    tj__put_u8(out, '"');
}

/* Behind a pooler every statement may go to another session, so nothing that one holds can be
 * relied on: a writer's locks, and for who looks on the schema, which may be that of somebody else
 * by then. */
static tj_status refuse_pooler(tj__pg_session *session, const tj__pg_result *process,
                               tj_error *error)
{
    if (tj__pg_get_int4(session, process, 0, 0) == session->pq->backend_pid(session->conn)) {
        return TJ_OK;
    }
    return tj__fail(error, TJ_UNSUPPORTED,
                    "a connection pooler stands between this process and the server, and a journal "
                    "needs sessions of its own: give the server's own address and port");
}

/* A role or a database may have set any of these otherwise. The server must notice, too, that a
 * client's machine is gone: the transaction of half a batch would keep its locks for two hours. */
static tj_status settle_session(tj__pg_session *session, const tj__pg_target *target,
                                tj_error *error)
{
    tj__buffer path = {0};
    tj__put_cstr(&path, "set search_path to ");
    tj__pg_identifier(&path, target->schema);
    tj__put_u8(&path, 0);
    if (path.failed) {
        tj__buffer_dispose(&path);
        return tj__fail(error, TJ_NOMEM, "no memory for a session with the server");
    }
    const char *settings[] = {(const char *)path.data,
                              "set statement_timeout to 0",
                              "set lock_timeout to '2s'",
                              "set idle_in_transaction_session_timeout to 0",
                              "set tcp_keepalives_idle to 3",
                              "set tcp_keepalives_interval to 2",
                              "set tcp_keepalives_count to 3",
                              "set tcp_user_timeout to 10000",
                              "set default_transaction_isolation to 'read committed'",
                              "set default_transaction_deferrable to off",
                              "set client_min_messages to warning",
                              "set bytea_output to hex",
                              "set jit to off",
                              target->writes ? "set default_transaction_read_only to off"
                                             : "set default_transaction_read_only to on"};
    enum { SETTINGS = sizeof settings / sizeof settings[0] };
    tj__pg_query queries[SETTINGS + 1];
    tj__pg_result *results[SETTINGS + 1];
    for (int i = 0; i < SETTINGS; i++) {
        queries[i] = tj__pg_sql(settings[i]);
    }
    queries[SETTINGS] = tj__pg_sql("select pg_backend_pid()");
    tj_status status = tj__pg_ask(session, queries, SETTINGS + 1, results, SETTINGS_MS, error);
    tj__buffer_dispose(&path);
    TJ_TRY(status);
    status = refuse_pooler(session, results[SETTINGS], error);
    tj__pg_clear(session, results, SETTINGS + 1);
    return status;
}

static tj_status start(tj__pg_session *session, const tj__pg_target *target, tj_error *error)
{
    TJ_TRY(tj__pg_reach(session, target, error));
    int version = session->pq->server_version(session->conn);
    if (version < SERVER_VERSION_MIN) {
        return tj__fail(error, TJ_UNSUPPORTED,
                        "the server is PostgreSQL %d; a journal needs version %d or a later one",
                        version / 10000, SERVER_VERSION_MIN / 10000);
    }
    return settle_session(session, target, error);
}

tj_status tj__pg_open(tj__pg_session *session, const tj__pg_target *target, tj_error *error)
{
    *session = (tj__pg_session){.pq = target->pq,
                                .prepares = target->writes,
                                .until = session->until,
                                .closing = target->closing,
                                .target = target->probe ? target : NULL};
    tj_status status = start(session, target, error);
    if (status != TJ_OK) {
        tj__pg_close(session);
    }
    return status;
}

void tj__pg_server(const tj__pg_session *session, char *text, size_t size)
{
    const tj__libpq *pq = session->pq;
    snprintf(text, size, "%s:%s/%s", pq->host(session->conn), pq->port(session->conn),
             pq->database(session->conn));
}
