/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the paper runtime holds in memory, and what its files have of each other. */
#ifndef PAPER_RUNTIME_H
#define PAPER_RUNTIME_H

#include <tesser/journal.h>

#include "paper_market.h"

#define PAPER_WINDOW 20 /* prices that the slow average is over */
#define PAPER_ALGOS_MAX 64
#define PAPER_ORDERS_MAX 64
#define PAPER_DRAWDOWN_LIMIT "0.20"

typedef struct holding {
    tj_decimal price;
    tj_decimal window[PAPER_WINDOW]; /* last prices, oldest first */
    size_t window_count;
    bool was_above; /* the fast average was above the slow one */
    tj_decimal quantity;
    tj_decimal entry_price;
} holding;

typedef struct algo {
    tj_uuid id;
    bool buys; /* TWAP buys, ICEBERG sells */
    size_t symbol;
    int64_t lots_left;
    int64_t lots_slice;
    uint64_t next_event; /* when it sends its next slice */
} algo;

typedef struct working_order {
    char id[48];
    tj_uuid algo;
    bool buys;
    size_t symbol;
    tj_order_status status;
    int64_t lots;
    int64_t lots_filled;
    tj_decimal price;
    uint64_t created_event;
} working_order;

typedef struct runtime {
    tj_store *store;
    uint64_t seed;
    uint64_t event;
    uint64_t kill_at;
    holding holdings[PAPER_SYMBOLS];
    tj_decimal cash[2]; /* by venue */
    tj_decimal peak_equity;
    bool liquidate_only;
    algo algos[PAPER_ALGOS_MAX];
    size_t algo_count;
    working_order orders[PAPER_ORDERS_MAX];
    size_t order_count;
} runtime;

/* ---- paper_values.c: exact arithmetic in few words, ids and times ----------------------- */

extern const tj_str paper_venues[2];
extern tj_error failure;

/* Ends the program, with the sentence and the advice, when a call failed. */
void must(tj_status status);
tj_decimal decimal(const char *text);
tj_decimal plus(tj_decimal a, tj_decimal b);
tj_decimal minus(tj_decimal a, tj_decimal b);
tj_decimal times(tj_decimal a, tj_decimal b);
tj_decimal money(tj_decimal value);
tj_decimal lots_of(size_t symbol, int64_t lots);
int64_t lots_in(size_t symbol, tj_decimal quantity);
size_t venue_of(size_t symbol);
size_t symbol_index(tj_symbol symbol);
tj_decimal equity_of(const runtime *r);
tj_time event_time(uint64_t event);
uint64_t event_of(tj_time time);
tj_uuid event_uuid(const runtime *r, uint64_t salt);
tj_uuid fill_uuid(const runtime *r, const working_order *o, tj_ledger_type type);

/* ---- paper_store.c: what is held, into a commit and out of the store -------------------- */

void put_algo(tj_txn *txn, const algo *a);
void put_order(tj_txn *txn, const runtime *r, const working_order *o);
void put_position(tj_txn *txn, const runtime *r, size_t symbol);
void put_cash(tj_txn *txn, const runtime *r, size_t venue);
void put_portfolio(tj_txn *txn, const runtime *r);
void put_strategy(tj_txn *txn, const runtime *r);
void put_ledger(tj_txn *txn, const runtime *r, const working_order *o, tj_ledger_type type,
                tj_decimal amount);
void read_state(runtime *r, const tj_live_state *state);
uint64_t digest_of_store(tj_store *store);

/* ---- paper_trade.c: what happens in an event --------------------------------------------- */

bool note_intents(tj_txn *txn, runtime *r);
void work_orders(tj_txn *txn, runtime *r);
void move_market(tj_txn *txn, runtime *r);
void run_strategy(tj_txn *txn, runtime *r);
void retire_algos(tj_txn *txn, runtime *r);
void watch_drawdown(runtime *r);

#endif
