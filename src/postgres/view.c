/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Views: the row tables, and the log behind the commit that they include, as one row source.
 *
 * Both are read in one REPEATABLE READ transaction, so they belong together whatever goes on
 * meanwhile. Rows come in blocks; the transaction ends with the view.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/layers.h"
#include "base/thread.h"
#include "model/change.h"
#include "postgres/internal.h"
#include "rows/body.h"

/* Rows of a scan that come at once: few first, since many scans want only one. */
#define BLOCK_FIRST 64
#define BLOCK_MAX 4096

typedef struct tables {
    tj__row_source rows; /* must be first */
    const tj__postgres *postgres;
    tj__pg_session *session;
    tj__pg_result *found; /* by the last get */
} tables;

typedef struct view {
    tj__layers layers; /* must be first: the caller holds a pointer to it */
    tables below;
    tj__rowmap *tail;
} view;

/* ---- the row tables --------------------------------------------------------------------- */

static void take_row(const tables *t, const tj__pg_result *result, int at, tj__bytes key,
                     tj__row *row)
{
    *row = (tj__row){.key = key,
                     .value = tj__pg_get_bytes(t->session, result, at, 1),
                     .sequence = tj__pg_get_int8(t->session, result, at, 2)};
    uint64_t sum = tj__pg_get_int8(t->session, result, at, 3);
    row->damaged = tj__row_hash(key, row->sequence, row->value) != sum;
}

static tj_status explain(const tables *t, tj_status status, tj_error *error)
{
    return tj__pg_explain(t->postgres, status, error);
}

static tj_status get(tj__row_source *source, tj__bytes key, tj__row *row, tj_error *error)
{
    tables *t = (tables *)source;
    char sql[160];
    snprintf(sql, sizeof sql,
             "select key, value, seq, sum from raw_%s where journal = $1::int4 and key = $2::bytea",
             tj__table_name(key.data[0]));
    tj__pg_query query = tj__pg_sql(sql);
    tj__pg_int4(&query, t->postgres->number);
    tj__pg_bytes(&query, tj__bytes_of(key.data + 1, key.size - 1));
    tj__pg_clear(t->session, &t->found, 1);
    TJ_TRY(explain(
        t, tj__pg_ask(t->session, &query, 1, &t->found, tj__pg_patience_ms(t->postgres), error),
        error));
    if (t->session->pq->rows(t->found) == 0) {
        return TJ_NOT_FOUND;
    }
    take_row(t, t->found, 0, key, row);
    return TJ_OK;
}

/* A scan under way: what is left of its range. */
typedef struct scanning {
    tables *t;
    uint8_t table;
    uint8_t first[TJ__ROW_KEY_SIZE_MAX]; /* keys without the table's byte */
    size_t first_size;
    bool after_first; /* it was visited already */
    uint8_t end[TJ__ROW_KEY_SIZE_MAX];
    size_t end_size;
    bool has_end; /* else it is the table's */
    bool descending;
    int block;
    tj__row_visitor *visitor;
    void *context;
} scanning;

static tj_status ask_block(scanning *s, tj__pg_result **result, tj_error *error)
{
    char sql[320];
    snprintf(
        sql, sizeof sql,
        "select key, value, seq, sum from raw_%s where journal = $1::int4 and key %s $2::bytea "
        "%s order by key %s limit %d",
        tj__table_name(s->table),
        s->after_first ? ">" : ">=", s->has_end ? "and key < $3::bytea" : "",
        s->descending ? "desc" : "asc", s->block);
    tj__pg_query query = tj__pg_sql(sql);
    tj__pg_int4(&query, s->t->postgres->number);
    tj__pg_bytes(&query, tj__bytes_of(s->first, s->first_size));
    if (s->has_end) {
        tj__pg_bytes(&query, tj__bytes_of(s->end, s->end_size));
    }
    tj_status status =
        tj__pg_ask(s->t->session, &query, 1, result, tj__pg_patience_ms(s->t->postgres), error);
    return explain(s->t, status, error);
}

/* The range goes on behind the last row of a block. */
static void move_on(scanning *s, const tj__pg_result *result, int rows)
{
    tj__bytes last = tj__pg_get_bytes(s->t->session, result, rows - 1, 0);
    uint8_t *bound = s->descending ? s->end : s->first;
    memcpy(bound, last.data, last.size);
    if (s->descending) {
        s->end_size = last.size;
        s->has_end = true;
    } else {
        s->first_size = last.size;
        s->after_first = true;
    }
}

static tj_status visit_block(scanning *s, const tj__pg_result *result, int rows, tj_error *error)
{
    uint8_t key[TJ__ROW_KEY_SIZE_MAX];
    key[0] = s->table;
    for (int i = 0; i < rows; i++) {
        tj__row row;
        tj__bytes rest = tj__pg_get_bytes(s->t->session, result, i, 0);
        if (rest.size > sizeof key - 1) {
            return tj__fail(error, TJ_CORRUPT, "a row of table %s of %s has a key of %zu bytes",
                            tj__table_name(s->table), s->t->postgres->place, rest.size);
        }
        memcpy(key + 1, rest.data, rest.size);
        take_row(s->t, result, i, tj__bytes_of(key, rest.size + 1), &row);
        TJ_TRY(s->visitor(s->context, &row, error));
    }
    return TJ_OK;
}

static tj_status scan_blocks(scanning *s, tj_error *error)
{
    for (;;) {
        tj__pg_result *result = NULL;
        TJ_TRY(ask_block(s, &result, error));
        int rows = s->t->session->pq->rows(result);
        tj_status status = visit_block(s, result, rows, error);
        bool more = status == TJ_OK && rows == s->block;
        if (more) {
            move_on(s, result, rows);
        }
        tj__pg_clear(s->t->session, &result, 1);
        if (!more) {
            return status == TJ__STOP ? TJ_OK : status;
        }
        s->block = BLOCK_MAX;
    }
}

static tj_status scan(tj__row_source *source, tj__bytes first, tj__bytes end, bool descending,
                      tj__row_visitor *visitor, void *context, tj_error *error)
{
    scanning s = {.t = (tables *)source,
                  .table = first.data[0],
                  .first_size = first.size - 1,
                  .has_end = end.data[0] == first.data[0],
                  .descending = descending,
                  .block = BLOCK_FIRST,
                  .visitor = visitor,
                  .context = context};
    memcpy(s.first, first.data + 1, s.first_size);
    if (s.has_end) {
        s.end_size = end.size - 1;
        memcpy(s.end, end.data + 1, s.end_size);
    }
    return scan_blocks(&s, error);
}

/* ---- the log behind them ---------------------------------------------------------------- */

static tj_status take_tail(const tj__postgres *postgres, const tj__pg_session *session,
                           const tj__pg_result *result, tj__rowmap *tail, uint64_t *sequence,
                           tj_error *error)
{
    int rows = session->pq->rows(result);
    tj__pg_record record;
    if (rows == 0) {
        return tj__fail(error, TJ_CORRUPT,
                        "the log of %s does not have the commit up to which its rows go",
                        postgres->place);
    }
    tj__pg_record_read(session, result, 0, &record);
    tj__pg_place at = {record.commit.sequence, record.commit.time, record.hash};
    for (int i = 1; i < rows; i++) {
        tj__pg_record_read(session, result, i, &record);
        const tj__commit_record *commit = &record.commit;
        TJ_TRY(tj__pg_record_check(postgres, &record, &at, error));
        TJ_TRY(tj__body_apply(tail, TJ__TABLES_ALL, commit->body, commit->change_count,
                              commit->sequence, &commit->commit_id, error));
        at = (tj__pg_place){commit->sequence, commit->time, record.hash};
    }
    *sequence = at.sequence;
    return TJ_OK;
}

static tj_status read_tail(view *v, uint64_t *sequence, tj_error *error)
{
    const tj__postgres *postgres = v->below.postgres;
    tj__pg_session *session = v->below.session;
    tj__pg_result *results[2] = {NULL};
    tj__pg_query queries[2] = {
        tj__pg_sql("begin isolation level repeatable read read only"),
        tj__pg_sql("select " TJ__PG_RECORD_COLUMNS " from log where journal = $1::int4 and seq >= "
                   "(select applied from journal where journal = $1::int4) order by seq")};
    tj__pg_int4(&queries[1], postgres->number);
    TJ_TRY(tj__pg_ask(session, queries, 2, results, tj__pg_patience_ms(postgres), error));
    tj_status status = take_tail(postgres, session, results[1], v->tail, sequence, error);
    tj__pg_clear(session, results, 2);
    return status;
}

/* ---- a view ----------------------------------------------------------------------------- */

static void end_view(tj__postgres *postgres, view *v)
{
    tj__pg_session *session = v->below.session;
    if (session) {
        tj__pg_clear(session, &v->below.found, 1);
        tj__pg_tell(session, "commit");
        tj__pg_pool_give(postgres, session);
    }
    tj__rowmap_free(v->tail);
    free(v);
}

/* A server that falls short of what this process has been told is not the one that takes its
 * commits. */
static tj_status check_newest(tj__postgres *postgres, view *v, uint64_t acknowledged,
                              uint64_t sequence, tj_error *error)
{
    if (sequence >= acknowledged) {
        return TJ_OK;
    }
    tj__pg_close(v->below.session);
    return tj__fail(error, TJ_UNAVAILABLE,
                    "the server that answers has journal %s up to commit %" PRIu64 ", and %" PRIu64
                    " is acknowledged: it is behind, or no primary any more",
                    postgres->place, sequence, acknowledged);
}

static tj_status begin_view(tj__postgres *postgres, view *v, uint64_t until, tj_error *error)
{
    uint64_t acknowledged = atomic_load(&postgres->acknowledged);
    uint64_t sequence = 0;
    v->tail = tj__rowmap_new();
    if (!v->tail) {
        return tj__fail(error, TJ_NOMEM, "no memory for a view");
    }
    TJ_TRY(tj__pg_pool_take(postgres, until, &v->below.session, error));
    TJ_TRY(read_tail(v, &sequence, error));
    TJ_TRY(check_newest(postgres, v, acknowledged, sequence, error));
    v->below.session->until = 0; /* however much is read, as long as it comes */
    v->below.rows = (tj__row_source){.get = get, .scan = scan, .sequence = sequence};
    tj__layers_init(&v->layers, &v->below.rows, v->tail, sequence);
    return TJ_OK;
}

/* A session of the pool may have been lost since it was last used: then another one is tried. */
tj_status tj__postgres_view_begin(tj__postgres *postgres, tj__row_source **rows, tj_error *error)
{
    *rows = NULL;
    uint64_t until = tj__pg_patience_end(postgres);
    for (int tries = TJ__PG_POOL_SIZE;; tries--) {
        tj_error failure = TJ_ERROR_INIT;
        view *v = calloc(1, sizeof *v);
        if (!v) {
            return tj__fail(error, TJ_NOMEM, "no memory for a view");
        }
        v->below.postgres = postgres;
        tj_status status = begin_view(postgres, v, until, &failure);
        if (status == TJ_OK) {
            *rows = &v->layers.rows;
            return TJ_OK;
        }
        bool again = tj__pg_pool_again(v->below.session, tries);
        end_view(postgres, v);
        if (!again) {
            (void)tj__error_pass(error, &failure);
            return tj__pg_explain(postgres, status, error);
        }
    }
}

void tj__postgres_view_end(tj__postgres *postgres, tj__row_source *rows)
{
    if (rows) {
        end_view(postgres, (view *)rows);
    }
}

/* ---- one row ---------------------------------------------------------------------------- */

static tj_status find(tj__postgres *postgres, tj__bytes key, uint64_t until, int tries, bool *again,
                      bool *found, tj_error *error)
{
    tables t = {.postgres = postgres};
    tj__row row;
    *again = false;
    TJ_TRY(tj__pg_pool_take(postgres, until, &t.session, error));
    tj_status status = get(&t.rows, key, &row, error);
    *again = tj__pg_pool_again(t.session, tries);
    tj__pg_clear(t.session, &t.found, 1);
    tj__pg_pool_give(postgres, t.session);
    *found = status == TJ_OK;
    return status == TJ_NOT_FOUND ? TJ_OK : status;
}

/* Other commits wait for this one meanwhile, so a server that does not answer is away. */
tj_status tj__postgres_find(tj__postgres *postgres, tj__bytes key, bool *found, tj_error *error)
{
    TJ_TRY(tj__pg_refuse_away(postgres, error));
    uint64_t begun = tj__monotonic_ns();
    uint64_t until = begun + postgres->config.postgres.answer_ms * UINT64_C(1000000);
    for (int tries = TJ__PG_POOL_SIZE;; tries--) {
        tj_error failure = TJ_ERROR_INIT;
        bool again = false;
        tj_status status = find(postgres, key, until, tries, &again, found, &failure);
        if (again) {
            continue;
        }
        if (status == TJ_UNAVAILABLE) {
            tj__pg_note_away(postgres, begun, &failure);
        }
        return status == TJ_OK ? TJ_OK : tj__error_pass(error, &failure);
    }
}
