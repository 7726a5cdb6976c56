/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Puts into LMDB and SQLite, each durable when it returns; a failure ends the program. */
#include "rivals.h"

#include <lmdb.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MAP_SIZE ((size_t)4 << 30)
#define BUSY_MS 20000

struct bench_lmdb {
    MDB_env *env;
    MDB_dbi table;
};

struct bench_sqlite {
    sqlite3 *database;
    sqlite3_stmt *begin;
    sqlite3_stmt *put;
    sqlite3_stmt *commit;
};

/* ---- LMDB ---------------------------------------------------------------------------------- */

static void must_lmdb(int code)
{
    if (code != 0) {
        bench_die("LMDB", mdb_strerror(code));
    }
}

bench_lmdb *bench_lmdb_open(const char *directory)
{
    bench_lmdb *lmdb = calloc(1, sizeof *lmdb);
    MDB_txn *txn = NULL;
    char path[BENCH_PATH_SIZE];
    bench_join(path, directory, "lmdb");
    if (!lmdb || mkdir(path, 0700) != 0) {
        bench_die(path, "cannot be made");
    }
    must_lmdb(mdb_env_create(&lmdb->env));
    must_lmdb(mdb_env_set_mapsize(lmdb->env, MAP_SIZE));
    must_lmdb(mdb_env_open(lmdb->env, path, 0, 0600));
    must_lmdb(mdb_txn_begin(lmdb->env, NULL, 0, &txn));
    must_lmdb(mdb_dbi_open(txn, NULL, 0, &lmdb->table));
    must_lmdb(mdb_txn_commit(txn));
    return lmdb;
}

void bench_lmdb_put(bench_lmdb *lmdb, const tj_uuid *key, const void *value, size_t size)
{
    MDB_txn *txn = NULL;
    MDB_val mdb_key = {sizeof key->bytes, (void *)key->bytes};
    MDB_val mdb_value = {size, (void *)value};
    must_lmdb(mdb_txn_begin(lmdb->env, NULL, 0, &txn));
    must_lmdb(mdb_put(txn, lmdb->table, &mdb_key, &mdb_value, 0));
    must_lmdb(mdb_txn_commit(txn));
}

void bench_lmdb_close(bench_lmdb *lmdb)
{
    mdb_env_close(lmdb->env);
    free(lmdb);
}

/* ---- SQLite -------------------------------------------------------------------------------- */

static void must_sqlite(bench_sqlite *sqlite, int code)
{
    if (code != SQLITE_OK) {
        bench_die("SQLite", sqlite3_errmsg(sqlite->database));
    }
}

static sqlite3_stmt *prepare(bench_sqlite *sqlite, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    must_sqlite(sqlite, sqlite3_prepare_v2(sqlite->database, sql, -1, &statement, NULL));
    return statement;
}

bench_sqlite *bench_sqlite_open(const char *directory)
{
    bench_sqlite *sqlite = calloc(1, sizeof *sqlite);
    char path[BENCH_PATH_SIZE];
    bench_join(path, directory, "sqlite.db");
    if (!sqlite) {
        bench_die("SQLite", "no memory");
    }
    must_sqlite(sqlite,
                sqlite3_open_v2(path, &sqlite->database,
                                SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                                NULL));
    must_sqlite(sqlite, sqlite3_busy_timeout(sqlite->database, BUSY_MS));
    must_sqlite(sqlite, sqlite3_exec(sqlite->database,
                                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                     "CREATE TABLE IF NOT EXISTS saved"
                                     "(id BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID",
                                     NULL, NULL, NULL));
    sqlite->begin = prepare(sqlite, "BEGIN IMMEDIATE");
    sqlite->put = prepare(sqlite, "INSERT OR REPLACE INTO saved VALUES(?1, ?2)");
    sqlite->commit = prepare(sqlite, "COMMIT");
    return sqlite;
}

static void step(bench_sqlite *sqlite, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE) {
        bench_die("SQLite", sqlite3_errmsg(sqlite->database));
    }
    sqlite3_reset(statement);
}

void bench_sqlite_put(bench_sqlite *sqlite, const tj_uuid *key, const void *value, size_t size)
{
    step(sqlite, sqlite->begin);
    sqlite3_bind_blob(sqlite->put, 1, key->bytes, sizeof key->bytes, SQLITE_STATIC);
    sqlite3_bind_blob64(sqlite->put, 2, value, size, SQLITE_STATIC);
    step(sqlite, sqlite->put);
    step(sqlite, sqlite->commit);
}

void bench_sqlite_close(bench_sqlite *sqlite)
{
    sqlite3_finalize(sqlite->begin);
    sqlite3_finalize(sqlite->put);
    sqlite3_finalize(sqlite->commit);
    sqlite3_close(sqlite->database);
    free(sqlite);
}
