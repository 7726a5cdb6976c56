/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a runtime would use instead: LMDB with one transaction a save, in its default, fully
 * synchronous mode, and SQLite in WAL mode with synchronous=FULL, a busy timeout of 20 s, BEGIN
 * IMMEDIATE and one connection a thread. Both keep a value under a 16-byte key.
 */
#ifndef TJ_BENCH_RIVALS_H
#define TJ_BENCH_RIVALS_H

#include "support.h"

typedef struct bench_lmdb bench_lmdb;
bench_lmdb *bench_lmdb_open(const char *directory);
/* Any thread. */
void bench_lmdb_put(bench_lmdb *lmdb, const tj_uuid *key, const void *value, size_t size);
void bench_lmdb_close(bench_lmdb *lmdb);

/* One connection; the first creates the table. */
typedef struct bench_sqlite bench_sqlite;
bench_sqlite *bench_sqlite_open(const char *directory);
void bench_sqlite_put(bench_sqlite *sqlite, const tj_uuid *key, const void *value, size_t size);
void bench_sqlite_close(bench_sqlite *sqlite);

#endif
