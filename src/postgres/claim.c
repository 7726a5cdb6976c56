/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Who writes a journal: its row has the holder and a lease, its newest commit the fence.
 *
 * The lease is only good manners: it says when another may try. What makes two writers impossible
 * is the fence, which a claim writes into the newest row under a lock that every append takes too.
 * Either the append comes first, and the claim finds that its row is the newest no more; or the
 * claim does, and the append finds another fence.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"
#include "postgres/internal.h"

/* A claim that is overtaken by appends so often meets a writer that will not stop for it. */
#define CLAIM_ATTEMPTS_MAX 20

#define HINT_CLASS "1414156106"

/* ---- looking ---------------------------------------------------------------------------- */

static tj_status no_journal(const tj__postgres *postgres, tj_error *error)
{
    return tj__fail(error, TJ_NOT_FOUND,
                    "there is no journal \"%s\" in schema \"%s\" of the database; a writer creates "
                    "one, unless its configuration says that it must exist",
                    postgres->name, postgres->schema);
}

static tj_status check_version(const tj__postgres *postgres, int32_t version, tj_error *error)
{
    if (version == TJ__PG_FORMAT_VERSION) {
        return TJ_OK;
    }
    if (version < TJ__PG_FORMAT_VERSION) {
        return tj__fail(error, TJ_UNSUPPORTED,
                        "schema \"%s\" has format version %d, and this library needs %d: run "
                        "tesser-journal init with the role that owns the schema, which ends the "
                        "writers of its journals",
                        postgres->schema, version, TJ__PG_FORMAT_VERSION);
    }
    return tj__fail(error, TJ_FORMAT_NEWER,
                    "schema \"%s\" has format version %d, this library knows %d: use a later "
                    "version of tesser-journal",
                    postgres->schema, version, TJ__PG_FORMAT_VERSION);
}

tj_status tj__pg_look(const tj__postgres *postgres, tj__pg_session *session, int32_t *number,
                      tj_uuid *id, tj_error *error)
{
    tj__pg_result *results[2] = {NULL};
    tj__pg_query queries[2] = {tj__pg_sql("select version from format"),
                               tj__pg_sql("select journal, id from journal where name = $1::text")};
    tj__pg_text(&queries[1], postgres->name);
    tj_status status = tj__pg_ask(session, queries, 2, results, TJ__PG_STATEMENT_MS, error);
    if (status == TJ_NOT_FOUND) {
        return no_journal(postgres, error);
    }
    TJ_TRY(status);
    int32_t version = session->pq->rows(results[0]) == 1
                          ? tj__pg_get_int4(session, results[0], 0, 0)
                          : TJ__PG_FORMAT_VERSION + 1;
    status = check_version(postgres, version, error);
    if (status == TJ_OK && session->pq->rows(results[1]) == 0) {
        status = no_journal(postgres, error);
    }
    if (status == TJ_OK) {
        tj__bytes bytes = tj__pg_get_bytes(session, results[1], 0, 1);
        *number = tj__pg_get_int4(session, results[1], 0, 0);
        TJ_ASSERT(bytes.size == sizeof id->bytes);
        memcpy(id->bytes, bytes.data, bytes.size);
    }
    tj__pg_clear(session, results, 2);
    return status;
}

/* ---- the hint --------------------------------------------------------------------------- */

static int32_t hint_key(const tj__postgres *postgres)
{
    return (int32_t)tj__load_u32(postgres->id.bytes);
}

static bool try_hint(tj__postgres *postgres)
{
    bool taken = false;
    tj__pg_result *result = NULL;
    tj__pg_query query = tj__pg_sql("select pg_try_advisory_lock(" HINT_CLASS ", $1::int4)::int4");
    tj__pg_int4(&query, hint_key(postgres));
    if (tj__pg_ask(&postgres->writer, &query, 1, &result, TJ__PG_STATEMENT_MS, NULL) == TJ_OK) {
        taken = tj__pg_get_int4(&postgres->writer, result, 0, 0) == 1;
        tj__pg_clear(&postgres->writer, &result, 1);
    }
    return taken;
}

void tj__pg_hint(tj__postgres *postgres)
{
    atomic_store(&postgres->hinted, try_hint(postgres));
}

/* ---- claiming --------------------------------------------------------------------------- */

static void describe_holder(char text[TJ__PG_HOLDER_SIZE])
{
    char host[65] = "";
    char since[TJ_TIME_TEXT_SIZE];
    (void)gethostname(host, sizeof host - 1);
    tj_time_format(tj_time_now() / 1000000000 * 1000000000, since);
    snprintf(text, TJ__PG_HOLDER_SIZE, "pid %lld, program %s, host %s, since %s",
             (long long)getpid(), program_invocation_short_name, host, since);
}

typedef struct found {
    uint64_t epoch;
    uint64_t applied;
    bool held;     /* the lease has not ended */
    bool hinted;   /* and its holder's session has the advisory lock */
    uint64_t left; /* seconds of the lease */
    char holder[TJ__PG_HOLDER_SIZE];
    tj__pg_place newest;
} found;

/* Begins the transaction, and locks the journal's row: one claim at a time. */
static tj_status read_journal(tj__postgres *postgres, found *out, tj_error *error)
{
    tj__pg_session *session = &postgres->writer;
    tj__pg_result *results[2] = {NULL};
    tj__pg_query queries[2] = {
        tj__pg_sql("begin"),
        tj__pg_sql("select epoch, applied, (holder <> '' and clock_timestamp() < renewed + "
                   "ttl)::int4, hinted::int4, greatest(0, extract(epoch from renewed + ttl - "
                   "clock_timestamp()))::int8, holder from journal where "
                   "journal = $1::int4 for update")};
    tj__pg_int4(&queries[1], postgres->number);
    TJ_TRY(tj__pg_ask(session, queries, 2, results, TJ__PG_STATEMENT_MS, error));
    tj__pg_result *row = results[1];
    tj_status status = session->pq->rows(row) == 1 ? TJ_OK : no_journal(postgres, error);
    if (status == TJ_OK) {
        tj__bytes holder = tj__pg_get_bytes(session, row, 0, 5);
        *out = (found){.epoch = tj__pg_get_int8(session, row, 0, 0),
                       .applied = tj__pg_get_int8(session, row, 0, 1),
                       .held = tj__pg_get_int4(session, row, 0, 2) == 1,
                       .hinted = tj__pg_get_int4(session, row, 0, 3) == 1,
                       .left = tj__pg_get_int8(session, row, 0, 4)};
        snprintf(out->holder, sizeof out->holder, "%.*s", (int)holder.size, holder.data);
    }
    tj__pg_clear(session, results, 2);
    return status;
}

static tj_status refuse_held(const tj__postgres *postgres, const found *f, tj_error *error)
{
    return tj__fail(error, TJ_BUSY,
                    "journal %s is held by another writer: %s; its lease ends in %" PRIu64
                    " s unless it renews it",
                    postgres->place, f->holder, f->left);
}

/* Writes the new fence into the newest row. *moved: an append came in between. */
static tj_status fence(tj__postgres *postgres, found *f, bool *moved, tj_error *error)
{
    tj__pg_session *session = &postgres->writer;
    tj__pg_result *results[3] = {NULL};
    tj__pg_query queries[3] = {
        tj__pg_sql("update journal set epoch = $2::int8, holder = $3::text, renewed = "
                   "clock_timestamp(), ttl = $4::int8 * interval '1 millisecond', hinted = "
                   "$5::int4 = 1 where journal = $1::int4"),
        tj__pg_sql("update log set fence = $2::int8 where journal = $1::int4 and seq = (select "
                   "seq from log where journal = $1::int4 order by seq desc limit 1) returning "
                   "seq, at, hash"),
        tj__pg_sql("select max(seq) from log where journal = $1::int4")};
    for (int i = 0; i < 3; i++) {
        tj__pg_int4(&queries[i], postgres->number);
    }
    tj__pg_int8(&queries[0], f->epoch + 1);
    tj__pg_text(&queries[0], postgres->holder);
    tj__pg_int8(&queries[0], postgres->config.postgres.lease_ms);
    tj__pg_int4(&queries[0], atomic_load(&postgres->hinted) ? 1 : 0);
    tj__pg_int8(&queries[1], f->epoch + 1);
    TJ_TRY(tj__pg_ask(session, queries, 3, results, TJ__PG_STATEMENT_MS, error));
    bool one = session->pq->rows(results[1]) == 1;
    if (one) {
        f->newest = (tj__pg_place){tj__pg_get_int8(session, results[1], 0, 0),
                                   (tj_time)tj__pg_get_int8(session, results[1], 0, 1),
                                   tj__pg_get_int8(session, results[1], 0, 2)};
    }
    *moved = !one || tj__pg_get_int8(session, results[2], 0, 0) != f->newest.sequence;
    tj__pg_clear(session, results, 3);
    return TJ_OK;
}

static tj_status end_claim(tj__postgres *postgres, const char *how, tj_error *error)
{
    tj__pg_query query = tj__pg_sql(how);
    return tj__pg_do(&postgres->writer, &query, 1, TJ__PG_STATEMENT_MS, error);
}

static tj_status claim_once(tj__postgres *postgres, found *f, bool *moved, tj_error *error)
{
    TJ_TRY(read_journal(postgres, f, error));
    bool gone = f->hinted && atomic_load(&postgres->hinted);
    if (f->held && !gone && !postgres->config.postgres.takeover) {
        return refuse_held(postgres, f, error);
    }
    TJ_TRY(fence(postgres, f, moved, error));
    return end_claim(postgres, *moved ? "rollback" : "commit", error);
}

tj_status tj__pg_claim(tj__postgres *postgres, tj_error *error)
{
    found f = {0};
    bool moved = true;
    describe_holder(postgres->holder);
    tj__pg_hint(postgres);
    for (int i = 0; moved && i < CLAIM_ATTEMPTS_MAX; i++) {
        tj_status status = claim_once(postgres, &f, &moved, error);
        if (status != TJ_OK) {
            (void)end_claim(postgres, "rollback", NULL);
            return status;
        }
    }
    if (moved) {
        return tj__fail(error, TJ_BUSY, "journal %s is being written to by another writer: %s",
                        postgres->place, f.holder);
    }
    postgres->epoch = f.epoch + 1;
    postgres->settled = f.newest;
    postgres->end = f.newest;
    atomic_store(&postgres->applied, f.applied);
    return TJ_OK;
}

/* ---- the lease -------------------------------------------------------------------------- */

tj_status tj__pg_renew(tj__postgres *postgres, tj_error *error)
{
    tj__pg_query query =
        tj__pg_sql("update journal set renewed = clock_timestamp(), hinted = "
                   "$3::int4 = 1, unreplicated = $4::int8 where journal = $1::int4 "
                   "and epoch = $2::int8");
    tj__pg_int4(&query, postgres->number);
    tj__pg_int8(&query, postgres->epoch);
    tj__pg_int4(&query, atomic_load(&postgres->hinted) ? 1 : 0);
    tj__pg_int8(&query, atomic_load(&postgres->unreplicated));
    TJ_TRY(tj__pg_do(&postgres->applier, &query, 1, TJ__PG_STATEMENT_MS, error));
    atomic_store(&postgres->renewed_ns, tj__monotonic_ns());
    return TJ_OK;
}

void tj__pg_release(tj__postgres *postgres)
{
    tj__pg_query queries[2] = {
        tj__pg_sql("update journal set holder = '', hinted = false, unreplicated = $3::int8 where "
                   "journal = $1::int4 and epoch = $2::int8"),
        tj__pg_sql("select pg_advisory_unlock_all()")};
    tj__pg_int4(&queries[0], postgres->number);
    tj__pg_int8(&queries[0], postgres->epoch);
    tj__pg_int8(&queries[0], atomic_load(&postgres->unreplicated));
    (void)tj__pg_do(&postgres->writer, queries, 2, TJ__PG_STATEMENT_MS, NULL);
}
