/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What happens in an event: orders are sent and filled, prices move, the strategy starts algorithms
 * and finished ones go. Whatever changes is changed in memory and added to the event's commit.
 */
#include <inttypes.h>
#include <stdio.h>

#include "paper_runtime.h"

#define FAST 5 /* prices that the fast average is over */

static bool is_worked(const runtime *r, size_t symbol)
{
    for (size_t i = 0; i < r->algo_count; i++) {
        if (r->algos[i].symbol == symbol) {
            return true;
        }
    }
    return false;
}

static void start_algo(tj_txn *txn, runtime *r, size_t symbol, bool buys, int64_t lots)
{
    if (r->algo_count == PAPER_ALGOS_MAX) {
        return;
    }
    algo started = {.id = event_uuid(r, 300 + symbol),
                    .buys = buys,
                    .symbol = symbol,
                    .lots_left = lots,
                    .lots_slice = buys ? lots / 4 : lots / 2 + 1,
                    .next_event = r->event + 1};
    /* In the order of their ids, as they are loaded: a restart must not change who goes first. */
    size_t at = r->algo_count++;
    for (; at > 0 && tj_uuid_compare(r->algos[at - 1].id, started.id) > 0; at--) {
        r->algos[at] = r->algos[at - 1];
    }
    r->algos[at] = started;
    put_algo(txn, &started);
}

/* The orders that algorithms send now, as intents: saved, before anything is sent. */
bool note_intents(tj_txn *txn, runtime *r)
{
    bool any = false;
    for (size_t i = 0; i < r->algo_count && r->order_count < PAPER_ORDERS_MAX; i++) {
        algo *a = &r->algos[i];
        if (a->lots_left == 0 || r->event < a->next_event) {
            continue;
        }
        working_order *o = &r->orders[r->order_count++];
        *o = (working_order){.algo = a->id,
                             .buys = a->buys,
                             .symbol = a->symbol,
                             .status = TJ_ORDER_PENDING_NEW,
                             .lots = a->lots_left < a->lots_slice ? a->lots_left : a->lots_slice,
                             .price = r->holdings[a->symbol].price,
                             .created_event = r->event};
        char algo_id[TJ_UUID_TEXT_SIZE];
        tj_uuid_format(a->id, algo_id);
        snprintf(o->id, sizeof o->id, "%.8s-%" PRIu64, algo_id, r->event);
        a->lots_left -= o->lots;
        a->next_event = r->event + 3;
        put_order(txn, r, o);
        put_algo(txn, a);
        any = true;
    }
    return any;
}

/* One fill: position, cash and ledger move together. */
static void book_fill(tj_txn *txn, runtime *r, working_order *o, int64_t lots)
{
    holding *h = &r->holdings[o->symbol];
    tj_decimal quantity = lots_of(o->symbol, lots);
    tj_decimal value = money(times(quantity, o->price));
    tj_decimal fee = money(times(value, decimal("0.0004")));
    tj_decimal *cash = &r->cash[venue_of(o->symbol)];
    if (o->buys) {
        tj_decimal cost = plus(times(h->quantity, h->entry_price), value);
        h->quantity = plus(h->quantity, quantity);
        must(tj_decimal_div(cost, h->quantity, 8, TJ_ROUND_HALF_EVEN, &h->entry_price, &failure));
        *cash = minus(*cash, value);
    } else {
        tj_decimal pnl = money(times(minus(o->price, h->entry_price), quantity));
        h->quantity = minus(h->quantity, quantity);
        if (tj_decimal_sign(h->quantity) == 0) {
            h->entry_price = tj_decimal_int(0); /* a flat position has none */
        }
        *cash = plus(*cash, value);
        put_ledger(txn, r, o, TJ_LEDGER_TRADE_REALIZED_PNL, pnl);
    }
    *cash = minus(*cash, fee);
    put_ledger(txn, r, o, TJ_LEDGER_FEE, tj_decimal_negate(fee));
    o->lots_filled += lots;
    o->status = o->lots_filled == o->lots ? TJ_ORDER_FILLED : TJ_ORDER_PARTIALLY_FILLED;
    put_position(txn, r, o->symbol);
    put_cash(txn, r, venue_of(o->symbol));
}

static void drop_order(runtime *r, size_t index)
{
    r->order_count--;
    memmove(&r->orders[index], &r->orders[index + 1],
            (r->order_count - index) * sizeof r->orders[0]);
}

/* Sends what is pending, and takes what the exchange says of everything that is working. */
void work_orders(tj_txn *txn, runtime *r)
{
    for (size_t i = 0; i < r->order_count;) {
        working_order *o = &r->orders[i];
        int64_t left = o->lots - o->lots_filled;
        int64_t offered = paper_fill_lots(r->seed, r->event, o->symbol);
        int64_t lots = left < offered ? left : offered;
        if (o->status == TJ_ORDER_PENDING_NEW) {
            o->status = TJ_ORDER_ACCEPTED;
        }
        if (lots > 0) {
            book_fill(txn, r, o, lots);
        }
        if (o->status == TJ_ORDER_FILLED) {
            must(tj_txn_delete_order(txn, tj_str_of(o->id), &failure));
            drop_order(r, i);
            continue;
        }
        put_order(txn, r, o);
        i++;
    }
}

void move_market(tj_txn *txn, runtime *r)
{
    for (size_t i = 0; i < PAPER_SYMBOLS; i++) {
        holding *h = &r->holdings[i];
        int64_t step = paper_price_step(r->seed, r->event, i, h->price);
        h->price = plus(h->price, times(tj_decimal_int(step), decimal("0.01")));
        if (h->window_count == PAPER_WINDOW) {
            memmove(h->window, h->window + 1, (PAPER_WINDOW - 1) * sizeof h->window[0]);
            h->window_count--;
        }
        h->window[h->window_count++] = h->price;
        tj_price price = {paper_symbols[i].symbol, h->price};
        must(tj_txn_put_price(txn, &price, &failure));
    }
}

/* Averages are compared without dividing: sum of 5 times 4 against the sum of 20. */
static bool fast_is_above(const holding *h)
{
    tj_decimal fast = tj_decimal_int(0);
    tj_decimal slow = tj_decimal_int(0);
    for (size_t k = 0; k < PAPER_WINDOW; k++) {
        slow = plus(slow, h->window[k]);
        if (k >= PAPER_WINDOW - FAST) {
            fast = plus(fast, h->window[k]);
        }
    }
    return tj_decimal_compare(times(fast, tj_decimal_int(PAPER_WINDOW / FAST)), slow) > 0;
}

void run_strategy(tj_txn *txn, runtime *r)
{
    for (size_t i = 0; i < PAPER_SYMBOLS; i++) {
        holding *h = &r->holdings[i];
        if (h->window_count < PAPER_WINDOW) {
            continue;
        }
        bool above = fast_is_above(h);
        bool crossed = above != h->was_above;
        h->was_above = above;
        int64_t held = lots_in(i, h->quantity);
        if (!crossed || is_worked(r, i)) {
            continue;
        }
        if (above && held == 0 && !r->liquidate_only) {
            start_algo(txn, r, i, true, 24);
        } else if (!above && held > 0) {
            start_algo(txn, r, i, false, held);
        }
    }
}

static bool has_order(const runtime *r, const algo *a)
{
    for (size_t i = 0; i < r->order_count; i++) {
        if (tj_uuid_compare(r->orders[i].algo, a->id) == 0) {
            return true;
        }
    }
    return false;
}

void retire_algos(tj_txn *txn, runtime *r)
{
    for (size_t i = 0; i < r->algo_count;) {
        if (r->algos[i].lots_left > 0 || has_order(r, &r->algos[i])) {
            i++;
            continue;
        }
        must(tj_txn_delete_algo(txn, &r->algos[i].id, &failure));
        r->algo_count--;
        memmove(&r->algos[i], &r->algos[i + 1], (r->algo_count - i) * sizeof r->algos[0]);
    }
}

/* Whoever has lost too much since the peak only sells from then on. */
void watch_drawdown(runtime *r)
{
    tj_decimal equity = equity_of(r);
    if (tj_decimal_compare(equity, r->peak_equity) > 0) {
        r->peak_equity = equity;
    }
    tj_decimal kept = minus(tj_decimal_int(1), decimal(PAPER_DRAWDOWN_LIMIT));
    if (tj_decimal_compare(equity, times(r->peak_equity, kept)) < 0) {
        r->liquidate_only = true;
    }
}
