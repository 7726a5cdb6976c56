/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bringing the row tables up to the log: what the helper does.
 *
 * Applying is replaying, as in the journal of files: commits are read back from the log, checked,
 * gathered in a map (the last write of a key wins), and put into the tables together with the
 * commit they lead to, in one transaction. That transaction need not be durable: if the server
 * loses it, the tables stand where they stood, and the log has it all.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/thread.h"
#include "model/change.h"
#include "postgres/internal.h"
#include "rows/body.h"

/* Commits that are read, and bytes of rows that are put, at once. */
#define APPLY_COMMITS_MAX 512
#define APPLY_BYTES_MAX ((size_t)8 << 20)
/* Who finds the tables somewhere else than it left them looks again, so often at most. */
#define APPLY_ATTEMPTS_MAX 3

#define TABLES (TJ__TABLE_LAST + 1)
#define STATEMENTS_MAX (1 + 2 * TABLES)

/* One batch: rows, and the statements that put them. */
typedef struct applying {
    tj__postgres *postgres;
    uint64_t from;
    tj__pg_place to;
    uint64_t bytes; /* in the log */
    tj__pg_arrays arrays;
    tj__pg_query queries[STATEMENTS_MAX];
    size_t given[STATEMENTS_MAX][2]; /* the arrays of a statement: first, and behind the last */
    char sql[STATEMENTS_MAX][512];
    int count;
} applying;

/* ---- reading ---------------------------------------------------------------------------- */

static tj_status take_commits(applying *a, const tj__pg_result *result, tj_error *error)
{
    tj__postgres *postgres = a->postgres;
    const tj__pg_session *session = &postgres->applier;
    tj__pg_record record;
    int rows = session->pq->rows(result);
    for (int i = 0; i < rows && tj__rowmap_bytes(postgres->apply_rows) < APPLY_BYTES_MAX; i++) {
        tj__pg_record_read(session, result, i, &record);
        const tj__commit_record *commit = &record.commit;
        if (i == 0 && commit->sequence != a->from) {
            break;
        }
        if (i > 0) {
            TJ_TRY(tj__pg_record_check(postgres, &record, &a->to, error));
            TJ_TRY(tj__body_apply(postgres->apply_rows, TJ__TABLES_ALL, commit->body,
                                  commit->change_count, commit->sequence, &commit->commit_id,
                                  error));
            a->bytes += TJ__PG_FRAME_SIZE + commit->note.size + commit->body.size;
        }
        a->to = (tj__pg_place){commit->sequence, commit->time, record.hash};
    }
    return a->to.sequence > a->from ? TJ_OK
                                    : tj__fail(error, TJ_CORRUPT,
                                               "the log of %s does not go on behind commit %" PRIu64
                                               ", up to which the rows go",
                                               postgres->place, a->from);
}

/* From the commit that the tables include, which is not applied again: the next one hangs on it. */
static tj_status read_commits(applying *a, uint64_t target, tj_error *error)
{
    tj__postgres *postgres = a->postgres;
    tj__pg_result *result = NULL;
    tj__pg_query query = tj__pg_sql("select " TJ__PG_RECORD_COLUMNS " from log where journal = "
                                    "$1::int4 and seq >= $2::int8 and seq <= $3::int8 order by seq "
                                    "limit $4::int8");
    tj__pg_int4(&query, postgres->number);
    tj__pg_int8(&query, a->from);
    tj__pg_int8(&query, target);
    tj__pg_int8(&query, APPLY_COMMITS_MAX);
    tj__rowmap_clear(postgres->apply_rows);
    TJ_TRY(tj__pg_ask(&postgres->applier, &query, 1, &result, TJ__PG_STATEMENT_MS, error));
    tj_status status = take_commits(a, result, error);
    tj__pg_clear(&postgres->applier, &result, 1);
    return status;
}

/* ---- writing ---------------------------------------------------------------------------- */

/* The tables are touched only where the first statement has found them: it has put `applied` to
 * this. */
#define IN_STEP                                                                                  \
    "exists (select 1 from journal where journal = $1::int4 and epoch = $2::int8 and applied = " \
    "$3::int8)"

static tj__pg_query *begin_statement(applying *a)
{
    tj__pg_query *query = &a->queries[a->count];
    *query = tj__pg_sql(a->sql[a->count]);
    tj__pg_int4(query, a->postgres->number);
    tj__pg_int8(query, a->postgres->epoch);
    tj__pg_int8(query, a->to.sequence);
    a->given[a->count][0] = a->arrays.count;
    return query;
}

static void end_statement(applying *a)
{
    a->given[a->count][1] = a->arrays.count;
    a->count++;
}

static void move_applied(applying *a)
{
    snprintf(a->sql[a->count], sizeof a->sql[a->count],
             "update journal set applied = $3::int8, renewed = clock_timestamp(), hinted = "
             "$5::int4 = 1, unreplicated = $6::int8 where journal = $1::int4 and epoch = $2::int8 "
             "and applied = $4::int8");
    tj__pg_query *query = begin_statement(a);
    tj__pg_int8(query, a->from);
    tj__pg_int4(query, atomic_load(&a->postgres->hinted) ? 1 : 0);
    tj__pg_int8(query, atomic_load(&a->postgres->unreplicated));
    end_statement(a);
}

static tj__bytes inner_key(const tj__rowmap_entry *entry)
{
    tj__bytes key = tj__rowmap_key(entry);
    return tj__bytes_of(key.data + 1, key.size - 1);
}

static void put_rows(applying *a, tj__rowmap_entry *const *entries, size_t count, size_t puts)
{
    snprintf(a->sql[a->count], sizeof a->sql[a->count],
             "insert into raw_%s(journal, key, value, seq, sum) select $1::int4, k, v, s, h from "
             "unnest($4::bytea[], $5::bytea[], $6::int8[], $7::int8[]) u(k, v, s, h) "
             "where " IN_STEP
             " on conflict (journal, key) do update set value = excluded.value, seq = "
             "excluded.seq, sum = excluded.sum",
             tj__table_name(tj__rowmap_key(entries[0]).data[0]));
    (void)begin_statement(a);
    for (int column = 0; column < 4; column++) {
        tj__pg_array(&a->arrays, column < 2 ? TJ__PG_BYTEA : TJ__PG_INT8, puts);
        for (size_t i = 0; i < count; i++) {
            const tj__rowmap_entry *entry = entries[i];
            if (entry->deleted) {
                continue;
            }
            tj__bytes value = tj__rowmap_value(entry);
            if (column < 2) {
                tj__pg_element_bytes(&a->arrays, column == 0 ? inner_key(entry) : value);
            } else {
                tj__pg_element_int8(&a->arrays, column == 2 ? entry->sequence
                                                            : tj__row_hash(tj__rowmap_key(entry),
                                                                           entry->sequence, value));
            }
        }
    }
    end_statement(a);
}

static void delete_rows(applying *a, tj__rowmap_entry *const *entries, size_t count, size_t deletes)
{
    snprintf(
        a->sql[a->count], sizeof a->sql[a->count],
        "delete from raw_%s t using unnest($4::bytea[]) u(k) where t.journal = $1::int4 and t.key "
        "= u.k and " IN_STEP,
        tj__table_name(tj__rowmap_key(entries[0]).data[0]));
    (void)begin_statement(a);
    tj__pg_array(&a->arrays, TJ__PG_BYTEA, deletes);
    for (size_t i = 0; i < count; i++) {
        if (entries[i]->deleted) {
            tj__pg_element_bytes(&a->arrays, inner_key(entries[i]));
        }
    }
    end_statement(a);
}

/* The rows of one table, which stand together in key order. */
static void put_table(applying *a, tj__rowmap_entry *const *entries, size_t count)
{
    size_t deletes = 0;
    for (size_t i = 0; i < count; i++) {
        deletes += entries[i]->deleted;
    }
    if (deletes < count) {
        put_rows(a, entries, count, count - deletes);
    }
    if (deletes > 0) {
        delete_rows(a, entries, count, deletes);
    }
}

static tj_status put_statements(applying *a, tj_error *error)
{
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    move_applied(a);
    bool sorted = tj__rowmap_sorted(a->postgres->apply_rows, &entries, &count);
    for (size_t from = 0; sorted && from < count;) {
        uint8_t table = tj__rowmap_key(entries[from]).data[0];
        size_t end = from + 1;
        while (end < count && tj__rowmap_key(entries[end]).data[0] == table) {
            end++;
        }
        put_table(a, entries + from, end - from);
        from = end;
    }
    if (!sorted || a->arrays.bytes.failed) {
        return tj__fail(error, TJ_NOMEM, "no memory for the rows of %zu changes", count);
    }
    for (int i = 0; i < a->count; i++) {
        for (size_t array = a->given[i][0]; array < a->given[i][1]; array++) {
            tj__pg_array_give(&a->arrays, array, &a->queries[i]);
        }
    }
    return TJ_OK;
}

/* *moved: the tables were where they were believed to be. */
static tj_status write_rows(applying *a, bool *moved, tj_error *error)
{
    tj__pg_result *results[STATEMENTS_MAX];
    TJ_TRY(put_statements(a, error));
    TJ_TRY(tj__pg_ask(&a->postgres->applier, a->queries, a->count, results, TJ__PG_STATEMENT_MS,
                      error));
    *moved = tj__pg_affected(&a->postgres->applier, results[0]) == 1;
    tj__pg_clear(&a->postgres->applier, results, a->count);
    return TJ_OK;
}

static tj_status apply_once(tj__postgres *postgres, uint64_t target, bool *moved, tj_error *error)
{
    applying *a = calloc(1, sizeof *a);
    if (!a) {
        return tj__fail(error, TJ_NOMEM, "no memory for the rows that are applied");
    }
    a->postgres = postgres;
    a->from = atomic_load(&postgres->applied);
    tj_status status = read_commits(a, target, error);
    if (status == TJ_OK) {
        status = write_rows(a, moved, error);
    }
    if (status == TJ_OK && *moved) {
        atomic_store(&postgres->applied, a->to.sequence);
        atomic_fetch_add(&postgres->applied_bytes, a->bytes);
        postgres->base_bytes += a->bytes;
        atomic_store(&postgres->renewed_ns, tj__monotonic_ns());
    }
    tj__pg_arrays_dispose(&a->arrays);
    free(a);
    return status;
}

/* ---- where the tables stand ------------------------------------------------------------- */

/* After a failover they may stand further back; another writer may have moved them on. */
static tj_status look_again(tj__postgres *postgres, tj_error *error)
{
    tj__pg_session *session = &postgres->applier;
    tj__pg_result *result = NULL;
    tj__pg_query query = tj__pg_sql("select epoch, applied from journal where journal = $1::int4");
    tj__pg_int4(&query, postgres->number);
    TJ_TRY(tj__pg_ask(session, &query, 1, &result, TJ__PG_STATEMENT_MS, error));
    bool there = session->pq->rows(result) == 1;
    uint64_t epoch = there ? tj__pg_get_int8(session, result, 0, 0) : 0;
    uint64_t applied = there ? tj__pg_get_int8(session, result, 0, 1) : 0;
    tj__pg_clear(session, &result, 1);
    if (epoch != postgres->epoch) {
        return tj__fail(error, TJ_CLOSED, "journal %s has been taken over by another writer",
                        postgres->place);
    }
    atomic_store(&postgres->applied, applied);
    return TJ_OK;
}

/* No row: there is none. */
static void take_base(tj__postgres *postgres, const tj__pg_result *result)
{
    const tj__pg_session *session = &postgres->applier;
    if (session->pq->rows(result) == 1) {
        postgres->base = tj__pg_base_of(session, result);
        postgres->base_bytes = 0;
    }
}

static tj_status ready_applier(tj__postgres *postgres, tj_error *error)
{
    tj__pg_result *results[2] = {NULL};
    tj__pg_query queries[2] = {tj__pg_sql("set synchronous_commit to off"),
                               tj__pg_sql("select " TJ__PG_BASE_COLUMNS " from base where "
                                          "journal = $1::int4 order by seq desc limit 1")};
    tj__pg_int4(&queries[1], postgres->number);
    TJ_TRY(tj__pg_connect(postgres, &postgres->applier, error));
    TJ_TRY(tj__pg_ask(&postgres->applier, queries, 2, results, TJ__PG_STATEMENT_MS, error));
    take_base(postgres, results[1]);
    tj__pg_clear(&postgres->applier, results, 2);
    return TJ_OK;
}

static tj_status open_applier(tj__postgres *postgres, tj_error *error)
{
    if (postgres->applier.conn) {
        return TJ_OK;
    }
    postgres->applier.until = tj__pg_patience_end(postgres);
    tj_status status = ready_applier(postgres, error);
    postgres->applier.until = 0;
    if (status != TJ_OK) {
        tj__pg_close(&postgres->applier);
    }
    return status;
}

/* One that takes so long that the lease could end meanwhile is left to who prunes. */
static void make_base_when_due(tj__postgres *postgres)
{
    tj_error failure = TJ_ERROR_INIT;
    uint64_t applied = atomic_load(&postgres->applied);
    if (applied < postgres->base_not_before ||
        !tj__pg_base_due(&postgres->base, applied, postgres->base_bytes)) {
        return;
    }
    tj_status status =
        tj__pg_base_make(&postgres->applier, postgres->number,
                         postgres->config.postgres.lease_ms / 2, &postgres->base, &failure);
    postgres->base_bytes = 0;
    postgres->base_not_before = applied + TJ__PG_BASE_COMMITS_MIN;
    if (status != TJ_OK) {
        tj__trace(&postgres->config, TJ_TRACE_WARNING,
                  "no base was made of journal %s at commit %" PRIu64
                  ", so that the past takes longer to read: %s",
                  postgres->place, applied, failure.message);
    }
}

static tj_status apply_locked(tj__postgres *postgres, tj_error *error)
{
    uint64_t target = atomic_load(&postgres->acknowledged);
    int astray = 0;
    TJ_TRY(open_applier(postgres, error));
    while (atomic_load(&postgres->applied) < target) {
        bool moved = false;
        TJ_TRY(apply_once(postgres, target, &moved, error));
        if (!moved) {
            TJ_TRY(look_again(postgres, error));
            if (++astray == APPLY_ATTEMPTS_MAX) {
                return tj__fail(error, TJ_UNAVAILABLE, "the rows of journal %s do not stay put",
                                postgres->place);
            }
        }
    }
    atomic_store(&postgres->worked_ns, tj__monotonic_ns());
    make_base_when_due(postgres);
    return TJ_OK;
}

tj_status tj__pg_apply(tj__postgres *postgres, tj_error *error)
{
    pthread_mutex_lock(&postgres->apply_lock);
    bool old = postgres->applier.conn != NULL;
    tj_status status = apply_locked(postgres, error);
    if (status != TJ_OK && old && !postgres->applier.conn) {
        status = apply_locked(postgres, error); /* the session was lost since it was last used */
    }
    pthread_mutex_unlock(&postgres->apply_lock);
    return status;
}

/* ---- the helper ------------------------------------------------------------------------- */

static bool is_behind(tj__postgres *postgres)
{
    return atomic_load(&postgres->acknowledged) != atomic_load(&postgres->applied);
}

static bool is_away(tj__postgres *postgres)
{
    return atomic_load(&postgres->away_since_ns) != 0;
}

static bool wanted(void *context)
{
    tj__postgres *postgres = context;
    bool taken_over = atomic_load(&postgres->apply_told) == TJ_CLOSED;
    return !taken_over && (is_behind(postgres) || is_away(postgres));
}

/* Nobody may wait for commits that are in doubt any more; they are written all the same. */
static tj_status bring_back(tj__postgres *postgres, tj_error *error)
{
    if (!is_away(postgres) || atomic_load(&postgres->stopping)) {
        return TJ_OK;
    }
    TJ_TRY(tj__pg_wait(postgres, atomic_load(&postgres->group.appended), false, error));
    if (is_away(postgres)) { /* only a look was in vain, and nothing waits to be written */
        tj__pg_result *result = NULL;
        tj__pg_query query = tj__pg_sql("select 1");
        TJ_TRY(tj__pg_pool_ask(postgres, &query, 1, &result, error));
        tj__pg_session reader = {.pq = postgres->target.pq};
        tj__pg_clear(&reader, &result, 1);
        tj__pg_note_back(postgres);
    }
    return TJ_OK;
}

static tj_status renew_when_due(tj__postgres *postgres, tj_error *error)
{
    uint64_t third = postgres->config.postgres.lease_ms * UINT64_C(1000000) / 3;
    if (tj__monotonic_ns() - atomic_load(&postgres->renewed_ns) < third) {
        return TJ_OK;
    }
    pthread_mutex_lock(&postgres->apply_lock);
    tj_status status = open_applier(postgres, error);
    if (status == TJ_OK) {
        status = tj__pg_renew(postgres, error);
    }
    pthread_mutex_unlock(&postgres->apply_lock);
    return status;
}

static void tell(tj__postgres *postgres)
{
    pthread_mutex_lock(&postgres->apply_lock);
    tj__pg_tell_metrics(postgres, false);
    pthread_mutex_unlock(&postgres->apply_lock);
}

tj_status tj__postgres_work(tj__postgres *postgres, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    uint64_t start = tj__monotonic_ns();
    tj__metrics *metrics = postgres->metrics;
    tj_status status = bring_back(postgres, &failure);
    if (status == TJ_OK) {
        status = tj__pg_apply(postgres, &failure);
    }
    tj__metrics_add(status == TJ_OK ? &metrics->applies : &metrics->apply_failures, 1);
    tj__metrics_add(&metrics->apply_us, (tj__monotonic_ns() - start) / 1000);
    if (status == TJ_OK) {
        status = renew_when_due(postgres, &failure);
        tell(postgres);
    }
    if (atomic_exchange(&postgres->apply_told, status) != status && status != TJ_OK) {
        tj__trace(&postgres->config, TJ_TRACE_ERROR,
                  "the rows of journal %s could not be brought up to date, the log keeps "
                  "everything: %s",
                  postgres->place, failure.message);
    }
    return status == TJ_OK ? TJ_OK : tj__error_pass(error, &failure);
}

/* It wakes to renew the lease more often than rows may be due. */
static void work(void *context)
{
    tj__postgres *postgres = context;
    bool kicked = tj__pg_lag(postgres) > postgres->config.postgres.lag_bytes;
    uint64_t lag = postgres->config.postgres.lag_ms * UINT64_C(1000000);
    bool due = is_behind(postgres) && tj__monotonic_ns() - atomic_load(&postgres->worked_ns) >= lag;
    if (kicked || due || is_away(postgres)) {
        (void)tj__postgres_work(postgres, NULL);
    } else {
        (void)renew_when_due(postgres, NULL);
        tell(postgres);
    }
}

const tj__helper_ops tj__pg_helper_ops = {.wanted = wanted, .work = work};
