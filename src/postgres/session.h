/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A session with the server, and what is said in it: some statements in one round trip, each answer
 * awaited for so long and no longer.
 *
 * Every session is in pipeline mode. Values go over in binary. A session is of one thread at a
 * time, and stays where it was opened. One that failed on the way is lost: it is closed, and its
 * owner opens another.
 */
#ifndef TJ_POSTGRES_SESSION_H
#define TJ_POSTGRES_SESSION_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buffer.h"
#include "postgres/libpq.h"

/* PostgreSQL's code of an error, as a text; "" when it came from the way there. */
#define TJ__SQLSTATE_SIZE 6
#define TJ__PG_PARAMETERS_MAX 11
/* Statements that a session remembers. */
#define TJ__PG_PREPARED_MAX 48

struct tj__pg_target;

typedef struct tj__pg_session {
    const tj__libpq *pq;
    tj__pg_conn *conn;                  /* NULL: not open */
    bool owes;                          /* the answer to what tj__pg_tell said */
    bool warned;                        /* beside the answers to the last question */
    bool silent;                        /* it was lost because no answer came in time */
    uint64_t until;                     /* monotonic ns: no answer is awaited for longer; 0: as long
                                       * as each question says */
    const _Atomic uint64_t *closing;    /* the same for all sessions of a journal that is closed */
    const struct tj__pg_target *target; /* what it was opened by; NULL: it is not probed */
    char sqlstate[TJ__SQLSTATE_SIZE];   /* of the last failure */
    /* Statements with parameters are prepared when they are first said, where every one goes to the
     * same server process: by the hash of their text; what stands at i has the name "q<i>". */
    bool prepares;
    size_t prepared_count;
    uint64_t prepared[TJ__PG_PREPARED_MAX];
} tj__pg_session;

/* A statement with its parameters; values are borrowed until it is said. */
typedef struct tj__pg_query {
    const char *sql;  /* NULL: prepared under `name` */
    const char *name; /* with `sql`: prepares it, with no parameters */
    int count;
    const char *values[TJ__PG_PARAMETERS_MAX];
    int lengths[TJ__PG_PARAMETERS_MAX];
    uint8_t numbers[TJ__PG_PARAMETERS_MAX][8];
} tj__pg_query;

tj__pg_query tj__pg_sql(const char *sql);
tj__pg_query tj__pg_prepared(const char *name);
tj__pg_query tj__pg_prepare(const char *name, const char *sql);
/* Parameters in their order, at most TJ__PG_PARAMETERS_MAX. The query must stay where it is. */
void tj__pg_int4(tj__pg_query *query, int32_t value);
void tj__pg_int8(tj__pg_query *query, uint64_t value);
void tj__pg_bytes(tj__pg_query *query, tj__bytes value);
void tj__pg_text(tj__pg_query *query, const char *value);

/* One of a URL's hosts, as a session has found it. */
typedef struct tj__pg_host {
    char name[256];
    char address[64];
    char port[8];
} tj__pg_host;

/* The host that the newest session was opened on. */
typedef struct tj__pg_reached {
    pthread_mutex_t lock;
    bool known;
    tj__pg_host host;
} tj__pg_reached;

void tj__pg_reached_init(tj__pg_reached *reached);
void tj__pg_reached_dispose(tj__pg_reached *reached);

/* How sessions are opened; everything is borrowed, also by sessions that are probed. */
typedef struct tj__pg_target {
    const tj__libpq *pq;
    const char *url;
    const char *schema;
    bool verify; /* hosts elsewhere, and nothing was said of sslmode: full verification */
    bool writes; /* only a server that takes commits */
    const _Atomic uint64_t *closing; /* see tj__pg_session; may be NULL */
    tj__pg_reached *reached;         /* tried first, and kept up to date; may be NULL */
    const tj__pg_host *only;         /* without `reached`: no other host; may be NULL */
    /* Asked each probe_ms of silence whether a session is worth waiting for; NULL: it is. */
    bool (*probe)(const struct tj__pg_session *session);
    uint32_t probe_ms;
} tj__pg_target;

/* Opens a session, which was zero or closed, with the settings that everything here relies on.
 * `until` stays as it is, and is kept to, but for the resolving of names. TJ_UNAVAILABLE. */
tj_status tj__pg_open(tj__pg_session *session, const tj__pg_target *target, tj_error *error);
/* Says goodbye and closes; nothing when it is not open. */
void tj__pg_close(tj__pg_session *session);
/* In the child of a fork: closes the descriptor without a word. */
void tj__pg_abandon(tj__pg_session *session);
/* host:port/database, for messages. */
void tj__pg_server(const tj__pg_session *session, char *text, size_t size);

/* Says `count` statements and awaits their answers, within ms. results receives one for each,
 * released with tj__pg_clear. Outside of a transaction block they are one transaction. On failure
 * there is none, and session->sqlstate says what the server objected to; without one the session is
 * lost (TJ_UNAVAILABLE), and with one it is fit for more, but for a transaction block. */
tj_status tj__pg_ask(tj__pg_session *session, const tj__pg_query *queries, int count,
                     tj__pg_result **results, uint32_t ms, tj_error *error);
/* The same of statements whose answers hold nothing. */
tj_status tj__pg_do(tj__pg_session *session, const tj__pg_query *queries, int count, uint32_t ms,
                    tj_error *error);
/* Says one statement whose answer is taken before the next one. */
void tj__pg_tell(tj__pg_session *session, const char *sql);
void tj__pg_clear(const tj__pg_session *session, tj__pg_result **results, int count);

/* probe.c: whether a session's server takes another one, and works for this one. */
bool tj__pg_is_at_work(const tj__pg_session *session);

/* For the files of a session. Which host it is on; false: it cannot be told. */
bool tj__pg_host_of(const tj__pg_session *session, tj__pg_host *out);
/* Is not tried first any more. */
void tj__pg_forget_host(tj__pg_reached *reached, const tj__pg_host *host);
/* Connects. TJ_UNAVAILABLE. */
tj_status tj__pg_reach(tj__pg_session *session, const tj__pg_target *target, tj_error *error);
/* Nanoseconds that an answer is awaited still, of one that is awaited
 * until then. */
uint64_t tj__pg_time_left(const tj__pg_session *session, uint64_t until);
/* Waits until the socket is *ready to be read, or written, or it is worth looking again. When the
 * time is up the session is lost: TJ_UNAVAILABLE. */
tj_status tj__pg_await(tj__pg_session *session, bool writing, uint64_t until, bool *ready,
                       tj_error *error);

/* Values of a result, which has them. */
int32_t tj__pg_get_int4(const tj__pg_session *session, const tj__pg_result *result, int row,
                        int column);
uint64_t tj__pg_get_int8(const tj__pg_session *session, const tj__pg_result *result, int row,
                         int column);
tj__bytes tj__pg_get_bytes(const tj__pg_session *session, const tj__pg_result *result, int row,
                           int column);
/* Rows that a statement has changed. */
uint64_t tj__pg_affected(const tj__pg_session *session, tj__pg_result *result);

/* A text as an identifier, in double quotes. */
void tj__pg_identifier(tj__buffer *out, const char *name);

#endif
