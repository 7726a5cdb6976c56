/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bases: the rows as they were after a commit, kept beside the log, so that a state of the past is
 * replayed from the one before it and not from the first commit; and retention, which lets go of
 * the log before one.
 *
 * A base is copied by the server itself from the row tables, as one snapshot shows them. It has the
 * tables that change; the ledger only grows, and its rows say which commit wrote them.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "model/change.h"
#include "postgres/internal.h"

/* A base is due behind so many commits, or so much log, and four times what it would copy. */
#define BASE_BYTES_MIN ((uint64_t)64 << 20)
#define BASE_SHARE 4
#define STATEMENT_SIZE 640

static const uint8_t tables_copied[TJ__PG_BASE_TABLES] = {
    TJ__TABLE_BOOKS, TJ__TABLE_STATE, TJ__TABLE_ALGOS, TJ__TABLE_COUNTERS, TJ__TABLE_QUARANTINE};

tj__pg_base tj__pg_base_of(const tj__pg_session *session, const tj__pg_result *result)
{
    return (tj__pg_base){.sequence = tj__pg_get_int8(session, result, 0, 0),
                         .rows = tj__pg_get_int8(session, result, 0, 1),
                         .bytes = tj__pg_get_int8(session, result, 0, 2)};
}

/* ---- making one ---------------------------------------------------------------------------- */

/* Of rows and the journal's row as one snapshot shows them, so that nothing is locked. */
#define IN_STEP                                                                                  \
    "exists (select 1 from journal where journal = $1::int4 and epoch = $2::int8 and applied = " \
    "$3::int8)"

static void put_statement(int which, char sql[STATEMENT_SIZE])
{
    if (which < TJ__PG_BASE_TABLES) {
        snprintf(
            sql, STATEMENT_SIZE,
            "insert into base_rows(journal, base, place, key, value, seq, sum) select journal, "
            "$3::int8, %u, key, value, seq, sum from raw_%s where journal = $1::int4 and " IN_STEP
            " on conflict do nothing",
            tables_copied[which], tj__table_name(tables_copied[which]));
        return;
    }
    snprintf(
        sql, STATEMENT_SIZE,
        "insert into base(journal, seq, row_count, bytes) select $1::int4, $3::int8, n, b from "
        "(select count(*) n, coalesce(sum(length(key) + length(value)), 0) b from base_rows "
        "where journal = $1::int4 and base = $3::int8) c where " IN_STEP " on conflict do nothing");
}

static tj_status copy_tables(tj__pg_session *session, int32_t journal, uint64_t epoch,
                             uint64_t applied, uint32_t ms, tj__pg_base *out, tj_error *error)
{
    enum { LAST = TJ__PG_BASE_TABLES, LOOK, COMMIT, STATEMENTS };
    char sql[LAST + 1][STATEMENT_SIZE];
    tj__pg_query queries[STATEMENTS];
    tj__pg_result *results[STATEMENTS] = {NULL};
    for (int i = 0; i <= LAST; i++) {
        put_statement(i, sql[i]);
        queries[i] = tj__pg_sql(sql[i]);
        tj__pg_int4(&queries[i], journal);
        tj__pg_int8(&queries[i], epoch);
        tj__pg_int8(&queries[i], applied);
    }
    queries[LOOK] = tj__pg_sql("select " TJ__PG_BASE_COLUMNS
                               " from base where journal = $1::int4 and seq = $2::int8");
    tj__pg_int4(&queries[LOOK], journal);
    tj__pg_int8(&queries[LOOK], applied);
    queries[COMMIT] = tj__pg_sql("commit");
    TJ_TRY(tj__pg_ask(session, queries, STATEMENTS, results, ms, error));
    bool made = session->pq->rows(results[LOOK]) == 1;
    if (made) {
        *out = tj__pg_base_of(session, results[LOOK]);
    }
    tj__pg_clear(session, results, STATEMENTS);
    return made ? TJ_OK : tj__fail(error, TJ_UNAVAILABLE, "the rows have moved on meanwhile");
}

static tj_status make(tj__pg_session *session, int32_t journal, uint32_t ms, tj__pg_base *out,
                      tj_error *error)
{
    tj__pg_result *results[2] = {NULL};
    tj__pg_query queries[2] = {
        tj__pg_sql("begin isolation level repeatable read read write"),
        tj__pg_sql("select epoch, applied from journal where journal = $1::int4")};
    tj__pg_int4(&queries[1], journal);
    TJ_TRY(tj__pg_ask(session, queries, 2, results, ms, error));
    bool there = session->pq->rows(results[1]) == 1;
    uint64_t epoch = there ? tj__pg_get_int8(session, results[1], 0, 0) : 0;
    uint64_t applied = there ? tj__pg_get_int8(session, results[1], 0, 1) : 0;
    tj__pg_clear(session, results, 2);
    return copy_tables(session, journal, epoch, applied, ms, out, error);
}

tj_status tj__pg_base_make(tj__pg_session *session, int32_t journal, uint32_t ms, tj__pg_base *out,
                           tj_error *error)
{
    tj_status status = make(session, journal, ms, out, error);
    if (status != TJ_OK) {
        tj__pg_close(session); /* with the transaction that it may have begun */
    }
    return status;
}

bool tj__pg_base_due(const tj__pg_base *last, uint64_t sequence, uint64_t bytes)
{
    uint64_t commits = sequence - last->sequence;
    bool many = commits >= TJ__PG_BASE_COMMITS_MIN && commits / BASE_SHARE >= last->rows;
    return many || (bytes >= BASE_BYTES_MIN && bytes / BASE_SHARE >= last->bytes);
}

tj_status tj__pg_base_before(tj__postgres *postgres, uint64_t sequence, uint64_t *pruned,
                             tj__pg_base *out, tj_error *error)
{
    tj__pg_session reader = {.pq = postgres->target.pq};
    tj__pg_result *result = NULL;
    tj__pg_query query =
        tj__pg_sql("select b.seq, b.row_count, b.bytes, j.pruned from journal j left join lateral "
                   "(select " TJ__PG_BASE_COLUMNS " from base where journal = j.journal and seq <= "
                   "$2::int8 order by seq desc limit 1) b on true where j.journal = $1::int4");
    tj__pg_int4(&query, postgres->number);
    tj__pg_int8(&query, sequence);
    TJ_TRY(tj__pg_pool_ask(postgres, &query, 1, &result, error));
    bool there = reader.pq->rows(result) > 0;
    *out = there ? tj__pg_base_of(&reader, result) : (tj__pg_base){0};
    *pruned = there ? tj__pg_get_int8(&reader, result, 0, 3) : 0;
    tj__pg_clear(&reader, &result, 1);
    return TJ_OK;
}

/* ---- reading one --------------------------------------------------------------------------- */

/* Of one table. *count rows are there. */
static tj_status ask_rows(tj__postgres *postgres, const tj__pg_base *base, uint8_t table,
                          tj__pg_result **result, tj_error *error)
{
    char sql[256];
    bool copied = (TJ__PG_BASE_BITS & TJ__TABLE_BIT(table)) != 0;
    if (copied) {
        snprintf(sql, sizeof sql,
                 "select key, value, seq, sum from base_rows where journal = $1::int4 and base = "
                 "$2::int8 and place = %u",
                 table);
    } else {
        snprintf(sql, sizeof sql,
                 "select key, value, seq, sum from raw_%s where journal = $1::int4 and seq <= "
                 "$2::int8",
                 tj__table_name(table));
    }
    tj__pg_query query = tj__pg_sql(sql);
    tj__pg_int4(&query, postgres->number);
    tj__pg_int8(&query, base->sequence);
    return tj__pg_pool_ask(postgres, &query, 1, result, error);
}

static tj_status take_row(const tj__pg_session *reader, const tj__pg_result *result, int at,
                          uint8_t table, tj__rowmap *rows, bool *sound, tj_error *error)
{
    uint8_t key[TJ__ROW_KEY_SIZE_MAX] = {table};
    tj__bytes rest = tj__pg_get_bytes(reader, result, at, 0);
    tj__bytes value = tj__pg_get_bytes(reader, result, at, 1);
    uint64_t sequence = tj__pg_get_int8(reader, result, at, 2);
    if (rest.size > sizeof key - 1) {
        *sound = false;
        return TJ_OK;
    }
    memcpy(key + 1, rest.data, rest.size);
    tj__bytes whole = tj__bytes_of(key, rest.size + 1);
    *sound = tj__row_hash(whole, sequence, value) == tj__pg_get_int8(reader, result, at, 3);
    if (*sound && !tj__rowmap_put(rows, whole, value, sequence)) {
        return tj__fail(error, TJ_NOMEM, "no memory for a state of the past");
    }
    return TJ_OK;
}

static tj_status take_table(tj__postgres *postgres, const tj__pg_base *base, uint8_t table,
                            tj__rowmap *rows, bool *sound, tj_error *error)
{
    tj__pg_session reader = {.pq = postgres->target.pq};
    tj__pg_result *result = NULL;
    tj_status status = TJ_OK;
    TJ_TRY(ask_rows(postgres, base, table, &result, error));
    int count = reader.pq->rows(result);
    for (int at = 0; at < count && *sound && status == TJ_OK; at++) {
        status = take_row(&reader, result, at, table, rows, sound, error);
    }
    tj__pg_clear(&reader, &result, 1);
    return status;
}

tj_status tj__pg_base_read(tj__postgres *postgres, const tj__pg_base *base, uint64_t tables,
                           tj__rowmap *rows, bool *sound, tj_error *error)
{
    *sound = true;
    for (uint8_t table = TJ__TABLE_FIRST + 1; table <= TJ__TABLE_LAST && *sound; table++) {
        if (tables & TJ__TABLE_BIT(table)) {
            TJ_TRY(take_table(postgres, base, table, rows, sound, error));
        }
    }
    bool all = (tables & TJ__PG_BASE_BITS) == TJ__PG_BASE_BITS;
    bool only = (tables & ~TJ__PG_BASE_BITS) == 0;
    *sound = *sound && (!all || !only || tj__rowmap_count(rows) == base->rows);
    return TJ_OK;
}
