/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Rows -> model: what is stored of a book, decoded.
 *
 * Rows of a book, keys after the table byte and the book's number (u32 big-endian):
 *   STATE  kind (1 byte), then the identity:
 *     1 head        portfolio's own members
 *     2 equity      portfolio_equity
 *     3 candle      last_candle_ts
 *     4 strategy    strategy_state
 *     5 checkpoint  execution checkpoint's own members
 *     6 extra       name of the unknown top-level member
 *     7 balance     owner, currency       owner = exchange of the sub-account, "" for the
 *     portfolio;
 *     8 position    owner, symbol         owner and identity are canonical text, separated by a 0
 *     byte
 *     9 sub-account exchange
 *    10 price       symbol
 *    11 order       id
 *    12 exec id     id
 *   ALGOS  UUID (16 bytes)
 *   LEDGER sequence (u64 big-endian);  LEDGER_TIME  time (u64 big-endian of time + 2^63), sequence
 *   BOOKS  (book number 0) name
 *   COMMITS (book number 0) commit id (16 bytes)
 *   COUNTERS name
 *
 * Every value starts with one byte: the version of its layout, which each kind counts for itself.
 * What a later release wrote (a layout, a flag, a choice, a kind) is TJ_FORMAT_NEWER.
 * The value_*.c files start with the layouts. Values of kinds that can have `extra` end with it:
 * all that follows the fixed members; so keeping stored unknown members is a splice. Orders and
 * exec ids carry a rank (u64) right behind the version: the list is in ascending rank.
  */
#ifndef TJ_ROWS_LOAD_H
#define TJ_ROWS_LOAD_H

#include <tesser/counter.h>
#include <tesser/repository.h>

#include "base/rows.h"

/* Number of a book. TJ_NOT_FOUND names the books that are there; when there are no books at all:
 * TJ_OK with *number 0, which means "nothing stored yet". */
tj_status tj__book_find(tj__row_source *rows, tj_str name, uint32_t *number, tj_error *error);
tj_status tj__book_list_load(tj__row_source *rows, tj_book_list **out, tj_error *error);
/* How that list counts a row of a state. */
tj__row_classifier tj__state_row_class;

/* Loads a book's LiveState; book 0 gives the default state. Any damaged or undecodable row fails
 * the load with TJ_CORRUPT, naming book, kind and identity. */
tj_status tj__state_load(tj__row_source *rows, uint32_t book, tj_live_state **out, tj_error *error);
tj_status tj__algo_load(tj__row_source *rows, uint32_t book, const tj_uuid *id,
                        tj_algo_record **out, tj_error *error);
tj_status tj__algo_load_all(tj__row_source *rows, uint32_t book, tj_algo_list **out,
                            tj_error *error);
tj_status tj__ledger_latest(tj__row_source *rows, uint32_t book, uint64_t *out, tj_error *error);
tj_status tj__ledger_find(tj__row_source *rows, uint32_t book, const tj_ledger_query *query,
                          tj_ledger_list **out, tj_error *error);

/* 1 for a counter that was never used. */
tj_status tj__counter_next(tj__row_source *rows, uint32_t book, tj_str name, uint64_t *next,
                           tj_error *error);
/* The commit that had this id. TJ_NOT_FOUND. */
tj_status tj__commit_find(tj__row_source *rows, const tj_uuid *commit_id, uint64_t *sequence,
                          tj_error *error);

#endif
