/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Reaching a server: one of the URL's hosts, in their order.
 *
 * A machine that is frozen, or gone without a word, costs whoever tries it 2 s. So the host that a
 * session was opened on is what the next one tries first.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/thread.h"
#include "postgres/session.h"

#define SEVERAL_NS UINT64_C(10000000000)

/* What libpq says, in one line: a reason for each host, without the question that may stand below,
 * behind a tab. */
static void copy_reason(const tj__pg_session *session, char *text, size_t size)
{
    const char *from = session->pq->error_message(session->conn);
    size_t used = 0;
    text[0] = '\0';
    while (*from && used < size) {
        int length = (int)strcspn(from, "\n");
        if (length > 0 && from[0] != '\t') {
            used += (size_t)snprintf(text + used, size - used, "%s%.*s", used > 0 ? "; " : "",
                                     length, from);
        }
        from += length + (from[length] == '\n');
    }
}

static tj_status connect_failed(tj__pg_session *session, tj_error *error)
{
    char reason[512];
    if (!session->conn) {
        return tj__fail(error, TJ_NOMEM, "no memory for a session with the server");
    }
    copy_reason(session, reason, sizeof reason);
    tj__pg_close(session);
    return tj__fail(error, TJ_UNAVAILABLE, "%s", reason);
}

/* By itself libpq gives each address of each host 2 s; where there is not the time for several of
 * them, it is told step by step. */
static tj_status reach(tj__pg_session *session, const char *const *keywords,
                       const char *const *values, tj_error *error)
{
    const tj__libpq *pq = session->pq;
    uint64_t until = tj__monotonic_ns() + SEVERAL_NS;
    if (tj__pg_time_left(session, until + SEVERAL_NS) >= SEVERAL_NS) {
        session->conn = pq->connect(keywords, values, 1);
    } else {
        session->conn = pq->connect_start(keywords, values, 1);
        int step = session->conn ? TJ__PG_POLLING_WRITING : TJ__PG_POLLING_FAILED;
        while (step == TJ__PG_POLLING_READING || step == TJ__PG_POLLING_WRITING) {
            if (pq->socket(session->conn) < 0) {
                break;
            }
            bool ready = false;
            TJ_TRY(tj__pg_await(session, step == TJ__PG_POLLING_WRITING, until, &ready, error));
            step = ready ? pq->connect_poll(session->conn) : step;
        }
    }
    return session->conn && pq->status(session->conn) == TJ__PG_CONNECTION_OK
               ? TJ_OK
               : connect_failed(session, error);
}

/* What is set first may be set otherwise by the URL, what stands behind it may not. */
static tj_status connect_to(tj__pg_session *session, const tj__pg_target *target,
                            const tj__pg_host *host, tj_error *error)
{
    const char *keywords[16];
    const char *values[16];
    size_t count = 0;
    struct {
        const char *keyword;
        const char *value;
    } settings[] = {{"connect_timeout", "2"},
                    {"keepalives_idle", "3"},
                    {"keepalives_interval", "2"},
                    {"keepalives_count", "3"},
                    {"tcp_user_timeout", "5000"},
                    {"fallback_application_name", "tesser-journal"},
                    {target->verify ? "sslmode" : NULL, "verify-full"},
                    {"dbname", target->url},
                    {"client_encoding", "UTF8"},
                    {target->writes ? "target_session_attrs" : NULL, "read-write"},
                    {host ? "host" : NULL, host ? host->name : NULL},
                    {host ? "hostaddr" : NULL, host ? host->address : NULL},
                    {host ? "port" : NULL, host ? host->port : NULL}};
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (settings[i].keyword) {
            keywords[count] = settings[i].keyword;
            values[count++] = settings[i].value;
        }
    }
    keywords[count] = NULL;
    values[count] = NULL;
    TJ_TRY(reach(session, keywords, values, error));
    session->pq->note_warnings(session->conn, &session->warned);
    if (session->pq->set_nonblocking(session->conn, 1) != 0 ||
        session->pq->enter_pipeline(session->conn) != 1) {
        return connect_failed(session, error);
    }
    return TJ_OK;
}

/* ---- which host first ----------------------------------------------------------------------- */

void tj__pg_reached_init(tj__pg_reached *reached)
{
    tj__mutex_init(&reached->lock);
}

void tj__pg_reached_dispose(tj__pg_reached *reached)
{
    pthread_mutex_destroy(&reached->lock);
}

/* An address is kept beside the name, so that no name is resolved on the way. */
bool tj__pg_host_of(const tj__pg_session *session, tj__pg_host *out)
{
    const tj__libpq *pq = session->pq;
    const char *parts[] = {pq->host(session->conn), pq->address(session->conn),
                           pq->port(session->conn)};
    char *places[] = {out->name, out->address, out->port};
    size_t sizes[] = {sizeof out->name, sizeof out->address, sizeof out->port};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int size = snprintf(places[i], sizes[i], "%s", parts[i] ? parts[i] : "");
        if (size < 0 || (size_t)size >= sizes[i]) {
            return false;
        }
    }
    return true;
}

static bool is_same(const tj__pg_host *a, const tj__pg_host *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->address, b->address) == 0 &&
           strcmp(a->port, b->port) == 0;
}

static bool first_host(tj__pg_reached *reached, tj__pg_host *out)
{
    pthread_mutex_lock(&reached->lock);
    bool known = reached->known;
    *out = reached->host;
    pthread_mutex_unlock(&reached->lock);
    return known;
}

static void note_reached(tj__pg_reached *reached, const tj__pg_session *session)
{
    tj__pg_host host;
    if (tj__pg_host_of(session, &host)) {
        pthread_mutex_lock(&reached->lock);
        reached->host = host;
        reached->known = true;
        pthread_mutex_unlock(&reached->lock);
    }
}

void tj__pg_forget_host(tj__pg_reached *reached, const tj__pg_host *host)
{
    pthread_mutex_lock(&reached->lock);
    reached->known = reached->known && !is_same(&reached->host, host);
    pthread_mutex_unlock(&reached->lock);
}

tj_status tj__pg_reach(tj__pg_session *session, const tj__pg_target *target, tj_error *error)
{
    tj__pg_host host;
    if (!target->reached) {
        return connect_to(session, target, target->only, error);
    }
    if (first_host(target->reached, &host)) {
        if (connect_to(session, target, &host, NULL) == TJ_OK) {
            return TJ_OK;
        }
        tj__pg_forget_host(target->reached, &host);
    }
    TJ_TRY(connect_to(session, target, NULL, error));
    note_reached(target->reached, session);
    return TJ_OK;
}
