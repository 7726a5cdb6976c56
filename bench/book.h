/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A book as a busy runtime has it: open orders and positions, made up, and valid. */
#ifndef TJ_BENCH_BOOK_H
#define TJ_BENCH_BOOK_H

#include "support.h"

#define BENCH_ORDER_COUNT 10000
#define BENCH_POSITION_COUNT 1000

typedef struct bench_book {
    tj_live_state state; /* its arrays are the ones below */
    tj_order orders[BENCH_ORDER_COUNT];
    tj_position positions[BENCH_POSITION_COUNT];
    char ids[BENCH_ORDER_COUNT][40];
    char codes[BENCH_POSITION_COUNT][16];
    size_t changes;
} bench_book;

void bench_book_fill(bench_book *book);
/* Changes one order, another one each time, and returns it. */
tj_order *bench_book_change(bench_book *book);
/* Changes one, and commits that. */
void bench_book_commit_change(bench_book *book, tj_store *store);
/* Fills the book and puts it into a store: its first commit, and changes up to so many in all. */
void bench_book_put(bench_book *book, tj_store *store, size_t commits);

#endif
