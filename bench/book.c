/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The made-up values: a code for each number, and what a change of one order writes. */
#include "book.h"

#include <stdio.h>

#define START_NS 1763900000000000000
/* Coprime to the number of orders: visits all of them. */
#define STRIDE 2971

static tj_decimal decimal(uint64_t units)
{
    tj_decimal value = {{0}};
    tj_error error = TJ_ERROR_INIT;
    bench_must(tj_decimal_from_parts(false, 0, units, 4, &value, &error), &error, "a decimal");
    return value;
}

static tj_symbol symbol(bench_book *book, size_t i)
{
    return (tj_symbol){TJ_STR("binance_perp"), tj_str_of(book->codes[i % BENCH_POSITION_COUNT])};
}

static void fill_position(bench_book *book, size_t i)
{
    snprintf(book->codes[i], sizeof book->codes[i], "C%05zuUSDT", i);
    book->positions[i] = (tj_position){.symbol = symbol(book, i),
                                       .side = TJ_SIDE_BUY,
                                       .quantity = decimal(12500 + i),
                                       .has_entry_price = true,
                                       .entry_price = decimal(995000 + i),
                                       .unrealized_pnl = decimal(100),
                                       .updated_at = START_NS};
}

static void fill_order(bench_book *book, size_t i)
{
    uint64_t mixed = (i + 1) * 0x9e3779b97f4a7c15u;
    snprintf(book->ids[i], sizeof book->ids[i], "%08x-0c00-4000-8000-%012zu",
             (unsigned)(mixed >> 32), i);
    tj_str id = tj_str_of(book->ids[i]);
    book->orders[i] = (tj_order){.id = id,
                                 .request = {.symbol = symbol(book, i),
                                             .side = TJ_SIDE_SELL,
                                             .order_type = TJ_ORDER_LIMIT,
                                             .quantity = decimal(10000),
                                             .has_price = true,
                                             .price = decimal(640000000 + i),
                                             .time_in_force = TJ_TIF_GOOD_TIL_CANCELED,
                                             .client_order_id = id},
                                 .status = TJ_ORDER_ACCEPTED,
                                 .filled_quantity = decimal(0),
                                 .created_at = START_NS,
                                 .updated_at = START_NS};
}

void bench_book_fill(bench_book *book)
{
    for (size_t i = 0; i < BENCH_POSITION_COUNT; i++) {
        fill_position(book, i);
    }
    for (size_t i = 0; i < BENCH_ORDER_COUNT; i++) {
        fill_order(book, i);
    }
    book->state = (tj_live_state){.has_portfolio = true,
                                  .portfolio = {.positions = book->positions,
                                                .position_count = BENCH_POSITION_COUNT,
                                                .reporting_currency = {{"", 0}, TJ_STR("USDT")},
                                                .initial_equity = decimal(100),
                                                .peak_equity = decimal(100)},
                                  .open_orders = book->orders,
                                  .open_order_count = BENCH_ORDER_COUNT};
    book->changes = 0;
}

tj_order *bench_book_change(bench_book *book)
{
    tj_order *order = &book->orders[book->changes++ * STRIDE % BENCH_ORDER_COUNT];
    order->updated_at++;
    return order;
}

void bench_book_commit_change(bench_book *book, tj_store *store)
{
    tj_txn *txn = NULL;
    tj_error error = TJ_ERROR_INIT;
    bench_must(tj_txn_begin(store, &txn, &error), &error, "beginning");
    bench_must(tj_txn_put_order(txn, bench_book_change(book), &error), &error, "putting");
    bench_must(tj_txn_commit(txn, NULL, NULL, &error), &error, "committing");
}

void bench_book_put(bench_book *book, tj_store *store, size_t commits)
{
    tj_error error = TJ_ERROR_INIT;
    bench_book_fill(book);
    bench_must(tj_state_save(tj_store_state_repository(store, NULL), &book->state, &error), &error,
               "saving");
    for (size_t i = 1; i < commits; i++) {
        bench_book_commit_change(book, store);
    }
}
