/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sessions for those who read: each is lent to one at a time, opened when it is first needed. */
#include <errno.h>

#include "base/error.h"
#include "base/thread.h"
#include "postgres/internal.h"

void tj__pg_pool_init(tj__pg_pool *pool)
{
    tj__mutex_init(&pool->lock);
    tj__condition_init(&pool->returned);
}

void tj__pg_pool_close(tj__pg_pool *pool)
{
    for (int i = 0; i < TJ__PG_POOL_SIZE; i++) {
        tj__pg_close(&pool->sessions[i]);
    }
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->lock);
}

/* One that is open, else one that can be; NULL when all are lent. */
static tj__pg_session *choose(tj__pg_pool *pool)
{
    int chosen = -1;
    for (int i = 0; i < TJ__PG_POOL_SIZE; i++) {
        if (!pool->taken[i] && (chosen < 0 || pool->sessions[i].conn)) {
            chosen = i;
            if (pool->sessions[i].conn) {
                break;
            }
        }
    }
    if (chosen < 0) {
        return NULL;
    }
    pool->taken[chosen] = true;
    return &pool->sessions[chosen];
}

static tj__pg_session *await_one(tj__pg_pool *pool, uint64_t until)
{
    uint64_t now = tj__monotonic_ns();
    struct timespec end =
        tj__deadline_after(now < until ? (uint32_t)((until - now) / 1000000u) : 0);
    int waited = 0;
    pthread_mutex_lock(&pool->lock);
    tj__pg_session *session = choose(pool);
    while (!session && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&pool->returned, &pool->lock, &end);
        session = choose(pool);
    }
    pthread_mutex_unlock(&pool->lock);
    return session;
}

tj_status tj__pg_pool_take(tj__postgres *postgres, uint64_t until, tj__pg_session **out,
                           tj_error *error)
{
    tj__pg_session *session = await_one(&postgres->pool, until);
    if (!session) {
        return tj__fail(error, TJ_BUSY,
                        "all %d sessions for reading are in use, and none was given back in time",
                        TJ__PG_POOL_SIZE);
    }
    session->until = until;
    tj_status status = session->conn ? TJ_OK : tj__pg_connect(postgres, session, error);
    if (status != TJ_OK) {
        tj__pg_pool_give(postgres, session);
        return status;
    }
    *out = session;
    return TJ_OK;
}

static void close_idle(tj__pg_pool *pool)
{
    for (int i = 0; i < TJ__PG_POOL_SIZE; i++) {
        if (!pool->taken[i]) {
            tj__pg_close(&pool->sessions[i]);
        }
    }
}

void tj__pg_pool_close_idle(tj__pg_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    close_idle(pool);
    pthread_mutex_unlock(&pool->lock);
}

/* With one that was lost, the others most likely are, and each would be waited for. */
void tj__pg_pool_give(tj__postgres *postgres, tj__pg_session *session)
{
    tj__pg_pool *pool = &postgres->pool;
    pthread_mutex_lock(&pool->lock);
    if (!session->conn) {
        close_idle(pool);
    }
    pool->taken[session - pool->sessions] = false;
    pthread_cond_signal(&pool->returned);
    pthread_mutex_unlock(&pool->lock);
}

tj_status tj__pg_pool_ask(tj__postgres *postgres, const tj__pg_query *queries, int count,
                          tj__pg_result **results, tj_error *error)
{
    uint32_t patience = tj__pg_patience_ms(postgres);
    uint64_t until = tj__pg_patience_end(postgres);
    for (int tries = TJ__PG_POOL_SIZE;; tries--) {
        tj_error failure = TJ_ERROR_INIT;
        tj__pg_session *session = NULL;
        bool again = false;
        tj_status status = tj__pg_pool_take(postgres, until, &session, &failure);
        if (status == TJ_OK) {
            status = tj__pg_ask(session, queries, count, results, patience, &failure);
            again = status != TJ_OK && tj__pg_pool_again(session, tries);
            tj__pg_pool_give(postgres, session);
        }
        if (!again) {
            (void)tj__error_pass(error, &failure);
            return tj__pg_explain(postgres, status, error);
        }
    }
}
