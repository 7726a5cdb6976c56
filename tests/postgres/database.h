/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Journals on the server that server.sh has started, and SQL beside them. Each test has journals of
 * its own name in a schema of its program.
 */
#ifndef TJ_TESTS_POSTGRES_DATABASE_H
#define TJ_TESTS_POSTGRES_DATABASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include <tesser/journal.h>

#include "postgres/session.h"
#include "support/check.h"
#include "support/values.h"

#define URL_SIZE 640

static char url[URL_SIZE];
static char other_url[URL_SIZE]; /* the same place, so that this process may open it twice */
static char schema[64];
static tj__pg_session sql;

static inline void sql_open(void)
{
    tj__pg_target target = {.pq = sql.pq, .url = url, .schema = schema, .writes = true};
    assert_ok(tj__libpq_load(&target.pq, &err));
    assert_ok(tj__pg_open(&sql, &target, &err));
}

/* Before the first test: 77 says that there is no server. */
static inline void database_start(const char *name)
{
    const char *given = getenv("TJ_POSTGRES_URL");
    if (!given) {
        printf("SKIPPED: no PostgreSQL server: run this by tests/postgres/run.sh.\n");
        exit(77);
    }
    snprintf(url, sizeof url, "%s", given);
    snprintf(other_url, sizeof other_url, "%s application_name=other", given);
    snprintf(schema, sizeof schema, "%s_%lld", name, (long long)getpid());
}

static inline tj_config database_config(const char *journal)
{
    tj_config config = TJ_CONFIG_INIT;
    config.type = TJ_ENGINE_POSTGRES;
    config.postgres.url = url;
    config.postgres.schema = schema;
    config.postgres.name = journal;
    return config;
}

static inline tj_store *open_store(const tj_config *config)
{
    tj_store *store = NULL;
    assert_ok(tj_store_open(config, &store, &err));
    return store;
}

static inline void sql_do(const char *text)
{
    tj__pg_query query = tj__pg_sql(text);
    assert_ok(tj__pg_do(&sql, &query, 1, 30000, &err));
}

/* All rows of a query, each column as text; the columns of a row are separated by `|`, the rows by
 * newlines. The caller frees it. */
static inline char *sql_rows(const char *text)
{
    char *rows = NULL;
    size_t size = 0;
    tj__pg_result *result = NULL;
    tj__pg_query query = tj__pg_sql(text);
    assert_ok(tj__pg_ask(&sql, &query, 1, &result, 30000, &err));
    FILE *out = open_memstream(&rows, &size);
    assert_non_null(out);
    for (int i = 0; i < sql.pq->rows(result); i++) {
        tj__bytes value = tj__pg_get_bytes(&sql, result, i, 0);
        fprintf(out, "%.*s\n", (int)value.size, (const char *)value.data);
    }
    fclose(out);
    tj__pg_clear(&sql, &result, 1);
    return rows;
}

static inline void assert_rows(const char *text, const char *expected)
{
    char *rows = sql_rows(text);
    assert_string_equal(rows, expected);
    free(rows);
}

static inline uint64_t sql_number(const char *text)
{
    char *rows = sql_rows(text);
    uint64_t number = strtoull(rows, NULL, 10);
    free(rows);
    return number;
}

static inline tj_status save_equity(tj_store *store, int64_t equity)
{
    tj_live_state state = {.has_portfolio_equity = true,
                           .portfolio_equity = tj_decimal_int(equity)};
    return tj_state_save(tj_store_state_repository(store, NULL), &state, &err);
}

/* A commit that can be found again, whatever became of it. */
static inline tj_status append_fee(tj_store *store, unsigned number)
{
    tj_ledger_entry entry = plain_entry(number, "1");
    return tj_ledger_append(tj_store_ledger_repository(store, NULL), &entry, 1, NULL, &err);
}

static inline size_t count_fees(tj_store *store)
{
    tj_ledger_list *list = NULL;
    assert_ok(tj_ledger_find(tj_store_ledger_repository(store, NULL), NULL, &list, &err));
    size_t count = list->count;
    tj_ledger_list_free(list);
    return count;
}

#endif
