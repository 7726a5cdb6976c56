/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Tables and changes: a commit is a list of changes, each putting or deleting one row.
 *
 * FORMAT.md, "Rows", gives the keys and values of every table; src/rows writes and reads them.
 */
#ifndef TJ_MODEL_CHANGE_H
#define TJ_MODEL_CHANGE_H

#include <tesser/state.h>

#include "base/buffer.h"

/* First byte of every row key. Numbers are part of the format. */
typedef enum tj__table {
    TJ__TABLE_META = 1,        /* superblock and log position; written by src/table only */
    TJ__TABLE_BOOKS = 2,       /* name -> u32 */
    TJ__TABLE_STATE = 3,       /* book, kind, identity -> entity */
    TJ__TABLE_ALGOS = 4,       /* book, UUID -> plugin and payload */
    TJ__TABLE_LEDGER = 5,      /* book, sequence -> entry */
    TJ__TABLE_LEDGER_TIME = 6, /* book, time, sequence -> nothing */
    TJ__TABLE_COUNTERS = 7,    /* book, name -> u64 */
    TJ__TABLE_COMMITS = 8,     /* caller's commit id -> sequence */
    TJ__TABLE_QUARANTINE = 9,  /* book, table, key -> raw bytes and reason */
    TJ__TABLE_LEDGER_IDS = 10  /* book, entry id -> sequence; follows from LEDGER, in no record */
} tj__table;
#define TJ__TABLE_FIRST 1
#define TJ__TABLE_LAST 10
/* A set of tables as bits. */
#define TJ__TABLE_BIT(table) ((uint64_t)1 << (table))
/* Those of every journal, and those since format version 2. */
#define TJ__TABLES_V1 ((uint64_t)0x3fe)
#define TJ__TABLES_ALL (TJ__TABLES_V1 | TJ__TABLE_BIT(TJ__TABLE_LEDGER_IDS))

/* Name of a table's LMDB database; NULL for a number that is no table. */
const char *tj__table_name(uint8_t table);

/* Longest row key with its table byte: LMDB's 511 and one. */
#define TJ__ROW_KEY_SIZE_MAX 512
/* Longest row value: a JSON text and what stands around it. */
#define TJ__ROW_VALUE_SIZE_MAX ((uint32_t)TJ_JSON_SIZE_MAX + 65536)
/* Longest record body: one commit. */
#define TJ__BODY_SIZE_MAX ((size_t)64 << 20)

typedef enum tj__change_op { TJ__CHANGE_PUT = 1, TJ__CHANGE_DELETE = 2 } tj__change_op;

typedef struct tj__change {
    tj__change_op op;
    tj__bytes key;   /* with the table byte */
    tj__bytes value; /* empty for a delete */
} tj__change;

#endif
