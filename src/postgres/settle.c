/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What became of a batch whose answer did not come.
 *
 * The newest row of the log is locked, for which the server waits until whatever is still under way
 * on the old session has ended, and which makes this a write: its commit waits for what a commit
 * waits for. Then the log says one of four things: the batch is there; the log is as it was before,
 * and the batch may be sent again; another writer's fence is in it; or it does not have what was
 * acknowledged. The last two are the end of this writer, and are never concluded from silence.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "postgres/internal.h"

/* An answer that another append has overtaken is asked for again, so often at most. */
#define SETTLE_ATTEMPTS_MAX 3

typedef struct seen {
    tj__pg_place newest;
    uint64_t fence;
    bool moved;                      /* there is a newer row than the one that was locked */
    bool there;                      /* the batch's last commit, byte for byte */
    bool before;                     /* the commit before the batch, byte for byte */
    uint64_t epoch;                  /* of the newest writer, */
    char holder[TJ__PG_HOLDER_SIZE]; /* which is this, or nobody any more */
} seen;

enum { BEGIN, NEWEST, MAX, LAST, BEFORE, HOLDER, COMMIT, STATEMENTS };

static void ask_for(tj__pg_query *query, const tj__postgres *postgres, uint64_t sequence,
                    uint64_t hash)
{
    *query = tj__pg_sql("select 1 from log where journal = $1::int4 and seq = $2::int8 and hash = "
                        "$3::int8");
    tj__pg_int4(query, postgres->number);
    tj__pg_int8(query, sequence);
    tj__pg_int8(query, hash);
}

static void read_answers(const tj__pg_session *session, tj__pg_result **results, seen *out)
{
    const tj__libpq *pq = session->pq;
    *out = (seen){.moved = true};
    if (pq->rows(results[NEWEST]) != 1 || pq->rows(results[HOLDER]) != 1) {
        return;
    }
    out->newest.sequence = tj__pg_get_int8(session, results[NEWEST], 0, 0);
    out->fence = tj__pg_get_int8(session, results[NEWEST], 0, 1);
    out->moved = tj__pg_get_int8(session, results[MAX], 0, 0) != out->newest.sequence;
    out->there = pq->rows(results[LAST]) == 1;
    out->before = pq->rows(results[BEFORE]) == 1;
    tj__bytes holder = tj__pg_get_bytes(session, results[HOLDER], 0, 1);
    out->epoch = tj__pg_get_int8(session, results[HOLDER], 0, 0);
    snprintf(out->holder, sizeof out->holder, "%.*s", (int)holder.size, (const char *)holder.data);
}

static tj_status look(tj__postgres *postgres, const tj__pg_place *end, seen *out, tj_error *error)
{
    tj__pg_session *session = &postgres->writer;
    tj__pg_result *results[STATEMENTS] = {NULL};
    tj__pg_query queries[STATEMENTS];
    queries[BEGIN] = tj__pg_sql("begin");
    queries[NEWEST] = tj__pg_sql("select seq, fence from log where journal = $1::int4 order by seq "
                                 "desc limit 1 for update");
    queries[MAX] = tj__pg_sql("select max(seq) from log where journal = $1::int4");
    queries[HOLDER] = tj__pg_sql("select epoch, holder from journal where journal = $1::int4");
    queries[COMMIT] = tj__pg_sql("commit");
    tj__pg_int4(&queries[NEWEST], postgres->number);
    tj__pg_int4(&queries[MAX], postgres->number);
    tj__pg_int4(&queries[HOLDER], postgres->number);
    ask_for(&queries[LAST], postgres, end->sequence, end->hash);
    ask_for(&queries[BEFORE], postgres, postgres->settled.sequence, postgres->settled.hash);
    tj_status status = tj__pg_ask(session, queries, STATEMENTS, results,
                                  postgres->config.postgres.answer_ms, error);
    if (status != TJ_OK) {
        tj__pg_close(session); /* with the transaction that it may have begun */
        return status;
    }
    read_answers(session, results, out);
    tj__pg_clear(session, results, STATEMENTS);
    return TJ_OK;
}

static tj_status taken_over(const tj__postgres *postgres, const seen *s, tj_error *error)
{
    return tj__fail(error, TJ_CLOSED,
                    "journal %s has been taken over by another writer (%s; epoch %" PRIu64
                    ", this one had %" PRIu64 ")",
                    postgres->place, s->holder[0] ? s->holder : "which has closed it since",
                    s->epoch, postgres->epoch);
}

static tj_status lost_commits(const tj__postgres *postgres, const seen *s, tj_error *error)
{
    return tj__fail(error, TJ_CLOSED,
                    "the server has lost acknowledged commits of journal %s, %" PRIu64
                    " to %" PRIu64 ": its log ends at %" PRIu64,
                    postgres->place, s->newest.sequence + 1, postgres->settled.sequence,
                    s->newest.sequence);
}

static tj_status judge(const tj__postgres *postgres, const seen *s, bool *there, tj_error *error)
{
    *there = s->there;
    if (s->there) {
        return TJ_OK; /* whatever came behind it: the next batch will find out */
    }
    if (s->fence != postgres->epoch) {
        return taken_over(postgres, s, error);
    }
    if (s->newest.sequence < postgres->settled.sequence) {
        return lost_commits(postgres, s, error);
    }
    if (s->newest.sequence > postgres->settled.sequence || !s->before) {
        return tj__fail(error, TJ_CLOSED,
                        "the log of journal %s has another commit %" PRIu64
                        " than this writer knows: it is another journal, or a copy that went on",
                        postgres->place, postgres->settled.sequence);
    }
    return TJ_OK;
}

/* Another server may be one that this journal is not on at all. */
static tj_status reopen(tj__postgres *postgres, tj_error *error)
{
    tj_uuid id = {{0}};
    int32_t number = 0;
    TJ_TRY(tj__pg_connect(postgres, &postgres->writer, error));
    tj_status status = tj__pg_look(postgres, &postgres->writer, &number, &id, error);
    bool other =
        status == TJ_OK && (number != postgres->number || tj_uuid_compare(id, postgres->id) != 0);
    if (status == TJ_NOT_FOUND || status == TJ_FORMAT_NEWER || other) {
        status = tj__fail(error, TJ_UNAVAILABLE,
                          "the server that answers now does not have journal \"%s\" with its id",
                          postgres->name);
    }
    if (status == TJ_OK) {
        status = tj__pg_ready_writer(postgres, error);
    }
    if (status != TJ_OK) {
        tj__pg_close(&postgres->writer);
        return status;
    }
    tj__pg_hint(postgres);
    tj__pg_pool_close_idle(&postgres->pool);
    return TJ_OK;
}

tj_status tj__pg_settle(tj__postgres *postgres, const tj__pg_place *end, bool *there,
                        tj_error *error)
{
    seen s = {.moved = true};
    if (!postgres->writer.conn) {
        TJ_TRY(reopen(postgres, error));
    }
    for (int i = 0; s.moved && i < SETTLE_ATTEMPTS_MAX; i++) {
        TJ_TRY(look(postgres, end, &s, error));
    }
    if (s.moved) {
        return tj__fail(error, TJ_UNAVAILABLE, "another writer appends to journal %s",
                        postgres->place);
    }
    return judge(postgres, &s, there, error);
}
