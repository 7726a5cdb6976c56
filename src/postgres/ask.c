/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Saying statements and awaiting their answers, in one round trip and within a time. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/thread.h"
#include "postgres/session.h"

/* ---- statements ------------------------------------------------------------------------- */

tj__pg_query tj__pg_sql(const char *sql)
{
    return (tj__pg_query){.sql = sql};
}

tj__pg_query tj__pg_prepared(const char *name)
{
    return (tj__pg_query){.name = name};
}

tj__pg_query tj__pg_prepare(const char *name, const char *sql)
{
    return (tj__pg_query){.sql = sql, .name = name};
}

static void add(tj__pg_query *query, const void *value, size_t size)
{
    TJ_ASSERT(query->count < TJ__PG_PARAMETERS_MAX);
    query->values[query->count] = value;
    query->lengths[query->count] = (int)size;
    query->count++;
}

void tj__pg_int4(tj__pg_query *query, int32_t value)
{
    uint8_t *number = query->numbers[query->count];
    tj__store_u32_be(number, (uint32_t)value);
    add(query, number, 4);
}

void tj__pg_int8(tj__pg_query *query, uint64_t value)
{
    uint8_t *number = query->numbers[query->count];
    tj__store_u64_be(number, value);
    add(query, number, 8);
}

/* An empty value is no NULL. */
void tj__pg_bytes(tj__pg_query *query, tj__bytes value)
{
    add(query, value.size > 0 ? (const void *)value.data : "", value.size);
}

void tj__pg_text(tj__pg_query *query, const char *value)
{
    add(query, value, strlen(value));
}

/* ---- the end of a session --------------------------------------------------------------- */

void tj__pg_close(tj__pg_session *session)
{
    if (session->conn) {
        session->pq->finish(session->conn);
        session->conn = NULL;
    }
}

void tj__pg_abandon(tj__pg_session *session)
{
    if (session->conn) {
        (void)close(session->pq->socket(session->conn));
    }
}

/* ---- failures --------------------------------------------------------------------------- */

static tj_status lost(tj__pg_session *session, tj_error *error, const char *reason)
{
    char text[512];
    snprintf(text, sizeof text, "%s", reason ? reason : session->pq->error_message(session->conn));
    text[strcspn(text, "\n")] = '\0';
    session->sqlstate[0] = '\0';
    tj__pg_close(session);
    return tj__fail(error, TJ_UNAVAILABLE, "%s",
                    text[0] ? text : "the connection to the server is lost");
}

static tj_status status_of(const char *sqlstate)
{
    static const struct {
        const char *prefix;
        tj_status status;
    } known[] = {{"53100", TJ_FULL},        {"53200", TJ_FULL},      {"42501", TJ_READONLY},
                 {"25006", TJ_UNAVAILABLE}, {"3D000", TJ_NOT_FOUND}, {"3F000", TJ_NOT_FOUND},
                 {"42P01", TJ_NOT_FOUND},   {"53", TJ_UNAVAILABLE},  {"57", TJ_UNAVAILABLE},
                 {"55P03", TJ_UNAVAILABLE}, {"40", TJ_UNAVAILABLE},  {"08", TJ_UNAVAILABLE},
                 {"XX001", TJ_CORRUPT},     {"XX002", TJ_CORRUPT}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strncmp(sqlstate, known[i].prefix, strlen(known[i].prefix)) == 0) {
            return known[i].status;
        }
    }
    return TJ_IO;
}

/* As PostgreSQL packs them: 6 bits a character. */
static int packed(const char *sqlstate)
{
    int code = 0;
    for (int i = 0; i < 5 && sqlstate[i]; i++) {
        code |= ((sqlstate[i] - '0') & 0x3f) << (6 * i);
    }
    return code;
}

/* Keeps what the server objected to; the first objection is the cause of all that follow. */
static void note_refusal(tj__pg_session *session, const tj__pg_result *result, tj_error *error)
{
    const char *state = session->pq->result_field(result, TJ__PG_SQLSTATE);
    const char *message = session->pq->result_field(result, TJ__PG_MESSAGE);
    if (session->sqlstate[0] || !state) {
        return;
    }
    snprintf(session->sqlstate, sizeof session->sqlstate, "%s", state);
    (void)tj__fail(error, status_of(state), "the server says: %s (%s)", message ? message : "",
                   state);
    error->engine_code = packed(state);
}

/* ---- the round trip --------------------------------------------------------------------- */

/* Of one round trip; those behind it are not remembered. */
#define STATEMENTS_MAX 32
/* Who waits for an answer looks so often whether it is waited for still. */
#define LOOK_MS 100

static bool send_prepare(tj__pg_session *session, const char *name, const char *sql)
{
    return session->pq->send_prepare(session->conn, name, sql, 0, NULL) == 1;
}

static bool send_prepared(tj__pg_session *session, const char *name, const tj__pg_query *query)
{
    static const int binary[TJ__PG_PARAMETERS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    return session->pq->send_prepared(session->conn, name, query->count, query->values,
                                      query->lengths, binary, 1) == 1;
}

static bool send_once(tj__pg_session *session, const tj__pg_query *query)
{
    static const int binary[TJ__PG_PARAMETERS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    return session->pq->send_query(session->conn, query->sql, query->count, NULL, query->values,
                                   query->lengths, binary, 1) == 1;
}

/* A statement that is said again and again. One that is new takes the next place; *anew then says
 * that the answer to its preparation comes first. */
static bool send_remembered(tj__pg_session *session, const tj__pg_query *query, bool *anew)
{
    char name[24];
    uint64_t hash = tj__hash(query->sql, strlen(query->sql));
    size_t at = 0;
    while (at < session->prepared_count && session->prepared[at] != hash) {
        at++;
    }
    if (at == TJ__PG_PREPARED_MAX) {
        return send_once(session, query);
    }
    snprintf(name, sizeof name, "q%zu", at);
    if (at == session->prepared_count) {
        session->prepared[session->prepared_count++] = hash;
        *anew = true;
        if (!send_prepare(session, name, query->sql)) {
            return false;
        }
    }
    return send_prepared(session, name, query);
}

static tj_status say(tj__pg_session *session, const tj__pg_query *query, bool *anew,
                     tj_error *error)
{
    bool said = query->sql && query->name ? send_prepare(session, query->name, query->sql)
                : query->name             ? send_prepared(session, query->name, query)
                : session->prepares && query->count > 0 && anew
                    ? send_remembered(session, query, anew)
                    : send_once(session, query);
    return said ? TJ_OK : lost(session, error, NULL);
}

/* A journal that is closed meanwhile does not wait any longer than closing may take. */
uint64_t tj__pg_time_left(const tj__pg_session *session, uint64_t until)
{
    uint64_t closing = session->closing ? atomic_load(session->closing) : 0;
    uint64_t end = session->until != 0 && session->until < until ? session->until : until;
    end = closing != 0 && closing < end ? closing : end;
    uint64_t now = tj__monotonic_ns();
    return now >= end ? 0 : end - now;
}

tj_status tj__pg_await(tj__pg_session *session, bool writing, uint64_t until, bool *ready,
                       tj_error *error)
{
    uint64_t left = tj__pg_time_left(session, until) / 1000000u;
    struct pollfd socket = {.fd = session->pq->socket(session->conn),
                            .events = (short)(writing ? POLLIN | POLLOUT : POLLIN)};
    if (left == 0) {
        session->silent = true;
        return lost(session, error, "the server does not answer");
    }
    int count = poll(&socket, 1, left < LOOK_MS ? (int)left : LOOK_MS);
    *ready = count > 0;
    return count >= 0 || errno == EINTR ? TJ_OK
                                        : lost(session, error, "the connection is unusable");
}

static tj_status send_all(tj__pg_session *session, uint64_t until, tj_error *error)
{
    bool ready = false;
    for (;;) {
        int left = session->pq->flush(session->conn);
        if (left == 0) {
            return TJ_OK;
        }
        if (left < 0) {
            return lost(session, error, NULL);
        }
        TJ_TRY(tj__pg_await(session, true, until, &ready, error));
        if (ready && session->pq->consume_input(session->conn) != 1) {
            return lost(session, error, NULL);
        }
    }
}

/* *looks: how often nothing has come. */
static tj_status probe(tj__pg_session *session, unsigned *looks, tj_error *error)
{
    if (!session->target || ++*looks * LOOK_MS < session->target->probe_ms) {
        return TJ_OK;
    }
    *looks = 0;
    return session->target->probe(session)
               ? TJ_OK
               : lost(session, error, "the server does not answer, and takes no new connection");
}

/* NULL: the end of one statement's results. */
static tj_status next_result(tj__pg_session *session, uint64_t until, tj__pg_result **out,
                             tj_error *error)
{
    bool ready = false;
    unsigned looks = 0;
    while (session->pq->is_busy(session->conn)) {
        TJ_TRY(tj__pg_await(session, false, until, &ready, error));
        if (!ready) {
            TJ_TRY(probe(session, &looks, error));
        }
        if (ready && session->pq->consume_input(session->conn) != 1) {
            return lost(session, error, NULL);
        }
    }
    *out = session->pq->get_result(session->conn);
    return TJ_OK;
}

/* One statement's result, and the NULL behind it. */
static tj_status take_answer(tj__pg_session *session, uint64_t until, tj__pg_result **out,
                             tj_error *refusal)
{
    tj__pg_result *end = NULL;
    TJ_TRY(next_result(session, until, out, refusal));
    if (!*out) {
        return lost(session, refusal, "the server's answer is cut short");
    }
    int status = session->pq->result_status(*out);
    if (status != TJ__PG_TUPLES_OK && status != TJ__PG_COMMAND_OK &&
        status != TJ__PG_PIPELINE_ABORTED) {
        note_refusal(session, *out, refusal);
        if (!session->sqlstate[0]) {
            return lost(session, refusal, NULL);
        }
    }
    TJ_TRY(next_result(session, until, &end, refusal));
    return end ? lost(session, refusal, "the server's answer has more than was asked for") : TJ_OK;
}

static tj_status take_sync(tj__pg_session *session, uint64_t until, tj_error *error)
{
    tj__pg_result *sync = NULL;
    TJ_TRY(next_result(session, until, &sync, error));
    bool right = sync && session->pq->result_status(sync) == TJ__PG_PIPELINE_SYNC;
    session->pq->clear(sync);
    return right ? TJ_OK : lost(session, error, NULL);
}

static tj_status take_owed(tj__pg_session *session, uint64_t until, tj_error *error)
{
    tj__pg_result *answer = NULL;
    if (!session->owes) {
        return TJ_OK;
    }
    session->owes = false;
    tj_status status = take_answer(session, until, &answer, error);
    if (answer) {
        session->pq->clear(answer);
    }
    TJ_TRY(status);
    return take_sync(session, until, error);
}

static tj_status take_preparation(tj__pg_session *session, uint64_t until, tj_error *error)
{
    tj__pg_result *answer = NULL;
    tj_status status = take_answer(session, until, &answer, error);
    if (answer) {
        session->pq->clear(answer);
    }
    return status;
}

static tj_status exchange(tj__pg_session *session, const tj__pg_query *queries, int count,
                          tj__pg_result **results, uint64_t until, tj_error *error)
{
    bool anew[STATEMENTS_MAX] = {false};
    size_t known = session->prepared_count;
    for (int i = 0; i < count; i++) {
        TJ_TRY(say(session, &queries[i], i < STATEMENTS_MAX ? &anew[i] : NULL, error));
    }
    if (session->pq->pipeline_sync(session->conn) != 1) {
        return lost(session, error, NULL);
    }
    TJ_TRY(send_all(session, until, error));
    TJ_TRY(take_owed(session, until, error));
    session->sqlstate[0] = '\0';
    session->warned = false;
    for (int i = 0; i < count; i++) {
        if (i < STATEMENTS_MAX && anew[i]) {
            TJ_TRY(take_preparation(session, until, error));
        }
        TJ_TRY(take_answer(session, until, &results[i], error));
    }
    TJ_TRY(take_sync(session, until, error));
    if (session->sqlstate[0]) {
        session->prepares = session->prepares && session->prepared_count == known;
        return error->status; /* whether what is new was prepared is not known, nor asked again */
    }
    return TJ_OK;
}

tj_status tj__pg_ask(tj__pg_session *session, const tj__pg_query *queries, int count,
                     tj__pg_result **results, uint32_t ms, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    memset(results, 0, (size_t)count * sizeof *results);
    session->sqlstate[0] = '\0';
    session->silent = false;
    if (!session->conn) {
        return tj__fail(error, TJ_UNAVAILABLE, "the connection to the server is lost");
    }
    uint64_t until = tj__monotonic_ns() + (uint64_t)ms * 1000000u;
    tj_status status = exchange(session, queries, count, results, until, &failure);
    if (status != TJ_OK) {
        tj__pg_clear(session, results, count);
        return tj__error_pass(error, &failure);
    }
    return TJ_OK;
}

tj_status tj__pg_do(tj__pg_session *session, const tj__pg_query *queries, int count, uint32_t ms,
                    tj_error *error)
{
    tj__pg_result **results = calloc((size_t)count, sizeof(tj__pg_result *));
    if (!results) {
        return tj__fail(error, TJ_NOMEM, "no memory for the server's answers");
    }
    tj_status status = tj__pg_ask(session, queries, count, results, ms, error);
    if (status == TJ_OK) {
        tj__pg_clear(session, results, count);
    }
    free(results);
    return status;
}

void tj__pg_tell(tj__pg_session *session, const char *sql)
{
    tj__pg_query query = tj__pg_sql(sql);
    if (!session->conn || say(session, &query, NULL, NULL) != TJ_OK) {
        return;
    }
    if (session->pq->pipeline_sync(session->conn) != 1 || session->pq->flush(session->conn) < 0) {
        (void)lost(session, NULL, NULL);
        return;
    }
    session->owes = true;
}

void tj__pg_clear(const tj__pg_session *session, tj__pg_result **results, int count)
{
    for (int i = 0; i < count; i++) {
        if (results[i]) {
            session->pq->clear(results[i]);
            results[i] = NULL;
        }
    }
}

/* ---- values ----------------------------------------------------------------------------- */

tj__bytes tj__pg_get_bytes(const tj__pg_session *session, const tj__pg_result *result, int row,
                           int column)
{
    return tj__bytes_of(session->pq->value(result, row, column),
                        (size_t)session->pq->length(result, row, column));
}

int32_t tj__pg_get_int4(const tj__pg_session *session, const tj__pg_result *result, int row,
                        int column)
{
    tj__bytes value = tj__pg_get_bytes(session, result, row, column);
    return value.size == 4 ? (int32_t)tj__load_u32_be(value.data) : 0;
}

uint64_t tj__pg_get_int8(const tj__pg_session *session, const tj__pg_result *result, int row,
                         int column)
{
    tj__bytes value = tj__pg_get_bytes(session, result, row, column);
    return value.size == 8 ? tj__load_u64_be(value.data) : 0;
}

uint64_t tj__pg_affected(const tj__pg_session *session, tj__pg_result *result)
{
    return strtoull(session->pq->affected(result), NULL, 10);
}
