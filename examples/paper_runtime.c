/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A small trading runtime on top of the journal, written as a user would write one.
 *
 * Six symbols on two venues follow a random walk. When a fast average crosses above a slow one, a
 * TWAP algorithm buys in slices; when it crosses below, an iceberg algorithm sells what is held.
 * Orders are filled in parts. Everything it must not lose is in the store that tesser.toml names:
 *
 *   - an order is saved as an intent (PendingNew) before it is sent;
 *   - what an event changes is one commit: prices, orders, positions, balances, equity, the
 *     algorithm that caused it, and the ledger entries of its fills;
 *   - after a restart it loads its state, lists the intents that were never confirmed, and settles
 *     them with the exchange before it goes on.
 *
 * So a run that is killed at any point and started again ends as one that was never killed: the
 * digest that it prints at the end is the same. It knows nothing but the repository interface.
 */
#include <tesser/journal.h>

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "paper_market.h"

#define FAST 5
#define SLOW 20
#define ALGOS_MAX 64
#define ORDERS_MAX 64
#define TEXT_SIZE 512
#define EVENT_NS 1000000000LL
#define EPOCH_NS 1763900000000000000LL /* the pretended time of event 0 */

/* ---- what the runtime holds in memory --------------------------------------------------- */

typedef struct holding {
    tj_decimal price;
    tj_decimal window[SLOW]; /* last prices, oldest first */
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
    algo algos[ALGOS_MAX];
    size_t algo_count;
    working_order orders[ORDERS_MAX];
    size_t order_count;
} runtime;

static const tj_str venues[2] = {{"binance_perp", 12}, {"bybit_linear", 12}};
static tj_error error = TJ_ERROR_INIT;

static void must(tj_status status)
{
    if (status != TJ_OK) {
        fprintf(stderr, "paper_runtime: %s\n%s\n", error.message,
                tj_advice_text(tj_status_advice(status)));
        exit(10 + (int)status);
    }
}

/* Dies as if the power switch of the process had been pressed. Three places in an event, one chosen
 * by the seed, so that over many kills each is met. */
static void maybe_kill(const runtime *r, unsigned place)
{
    if (r->kill_at != 0 && r->event == r->kill_at &&
        paper_random(r->seed, r->event, 900) % 3 == place) {
        raise(SIGKILL);
    }
}

/* ---- exact arithmetic in few words ------------------------------------------------------ */

static tj_decimal decimal(const char *text)
{
    tj_decimal value = {{0, 0}};
    must(tj_decimal_parse(tj_str_of(text), &value, &error));
    return value;
}

static tj_decimal plus(tj_decimal a, tj_decimal b)
{
    must(tj_decimal_add(a, b, &a, &error));
    return a;
}

static tj_decimal minus(tj_decimal a, tj_decimal b)
{
    must(tj_decimal_sub(a, b, &a, &error));
    return a;
}

static tj_decimal times(tj_decimal a, tj_decimal b)
{
    must(tj_decimal_mul(a, b, &a, &error));
    return a;
}

static tj_decimal lots_of(size_t symbol, int64_t lots)
{
    return times(decimal(paper_symbols[symbol].lot), tj_decimal_int(lots));
}

/* Money is kept to eight places; rounding is said where it happens. */
static tj_decimal money(tj_decimal value)
{
    must(tj_decimal_rescale(value, 8, TJ_ROUND_HALF_EVEN, &value, &error));
    return value;
}

static int64_t lots_in(size_t symbol, tj_decimal quantity)
{
    tj_decimal lots;
    uint64_t count = 0;
    must(tj_decimal_div(quantity, decimal(paper_symbols[symbol].lot), 0, TJ_ROUND_EXACT, &lots,
                        &error));
    tj_decimal_to_parts(lots, NULL, NULL, &count, NULL);
    return (int64_t)count;
}

static size_t venue_of(size_t symbol)
{
    return tj_str_equal(paper_symbols[symbol].symbol.exchange, venues[0]) ? 0 : 1;
}

static tj_time event_time(uint64_t event)
{
    return EPOCH_NS + (tj_time)event * EVENT_NS;
}

/* A UUID that the same event of the same run always gives. */
static tj_uuid event_uuid(const runtime *r, uint64_t salt)
{
    tj_uuid id;
    uint64_t words[2] = {paper_random(r->seed, r->event, salt),
                         paper_random(r->seed, r->event, ~salt)};
    memcpy(id.bytes, words, sizeof id.bytes);
    return id;
}

/* ---- values for the store --------------------------------------------------------------- */

static tj_decimal equity_of(const runtime *r)
{
    tj_decimal equity = plus(r->cash[0], r->cash[1]);
    for (size_t i = 0; i < PAPER_SYMBOLS; i++) {
        equity = plus(equity, times(r->holdings[i].quantity, r->holdings[i].price));
    }
    return money(equity);
}

static tj_order order_value(const runtime *r, const working_order *o)
{
    tj_order order = {.id = tj_str_of(o->id),
                      .status = o->status,
                      .filled_quantity = lots_of(o->symbol, o->lots_filled),
                      .created_at = event_time(o->created_event),
                      .updated_at = event_time(r->event)};
    order.request = (tj_order_request){.symbol = paper_symbols[o->symbol].symbol,
                                       .side = o->buys ? TJ_SIDE_BUY : TJ_SIDE_SELL,
                                       .order_type = TJ_ORDER_LIMIT,
                                       .quantity = lots_of(o->symbol, o->lots),
                                       .has_price = true,
                                       .price = o->price,
                                       .time_in_force = TJ_TIF_GOOD_TIL_CANCELED,
                                       .client_order_id = tj_str_of(o->id)};
    return order;
}

static void put_algo(tj_txn *txn, const algo *a)
{
    char payload[TEXT_SIZE];
    char symbol[TJ_IDENTITY_TEXT_SIZE];
    tj_identity_format(paper_symbols[a->symbol].symbol, symbol);
    snprintf(payload, sizeof payload,
             "{\"symbol\":\"%s\",\"lots_left\":%" PRId64 ",\"lots_slice\":%" PRId64
             ",\"next_event\":%" PRIu64 "}",
             symbol, a->lots_left, a->lots_slice, a->next_event);
    tj_algo_state state = {.plugin = a->buys ? TJ_STR("TWAP") : TJ_STR("ICEBERG"),
                           .payload = tj_str_of(payload)};
    must(tj_txn_put_algo(txn, &a->id, &state, &error));
}

static void put_position(tj_txn *txn, const runtime *r, size_t symbol)
{
    const holding *h = &r->holdings[symbol];
    bool flat = tj_decimal_sign(h->quantity) == 0;
    tj_position position = {.symbol = paper_symbols[symbol].symbol,
                            .side = flat ? TJ_SIDE_NONE : TJ_SIDE_BUY,
                            .quantity = h->quantity,
                            .has_entry_price = !flat,
                            .entry_price = h->entry_price,
                            .unrealized_pnl =
                                money(times(minus(h->price, h->entry_price), h->quantity)),
                            .updated_at = event_time(r->event)};
    tj_str none = {NULL, 0};
    must(tj_txn_put_position(txn, none, &position, &error));
    must(tj_txn_put_position(txn, venues[venue_of(symbol)], &position, &error));
}

static void put_cash(tj_txn *txn, const runtime *r, size_t venue)
{
    tj_balance balance = {.currency = {venues[venue], TJ_STR("USDT")},
                          .quantity = r->cash[venue],
                          .conversion_rate = tj_decimal_int(1)};
    tj_str none = {NULL, 0};
    must(tj_txn_put_balance(txn, none, &balance, &error));
    must(tj_txn_put_balance(txn, venues[venue], &balance, &error));
}

static void put_portfolio(tj_txn *txn, runtime *r)
{
    tj_decimal equity = equity_of(r);
    if (tj_decimal_compare(equity, r->peak_equity) > 0) {
        r->peak_equity = equity;
    }
    tj_decimal limit = decimal("0.20");
    tj_decimal floor = times(r->peak_equity, minus(tj_decimal_int(1), limit));
    r->liquidate_only = r->liquidate_only || tj_decimal_compare(equity, floor) < 0;
    tj_portfolio portfolio = {.reporting_currency = {{NULL, 0}, TJ_STR("USDT")},
                              .initial_equity = decimal("200000.00000000"),
                              .has_drawdown_limit = true,
                              .drawdown_limit = limit,
                              .peak_equity = r->peak_equity,
                              .liquidate_only = r->liquidate_only};
    must(tj_txn_put_portfolio(txn, &portfolio, &error));
    must(tj_txn_set_portfolio_equity(txn, &equity, &error));
}

/* The strategy's own memory, as JSON: the event that is done, and each symbol's window of
 * prices. */
static void put_strategy(tj_txn *txn, const runtime *r)
{
    char text[PAPER_SYMBOLS * (SLOW * 16 + 32) + 64];
    size_t at =
        (size_t)snprintf(text, sizeof text, "{\"event\":%" PRIu64 ",\"windows\":[", r->event);
    for (size_t i = 0; i < PAPER_SYMBOLS; i++) {
        const holding *h = &r->holdings[i];
        at +=
            (size_t)snprintf(text + at, sizeof text - at, "%s[%d", i > 0 ? "," : "", h->was_above);
        for (size_t k = 0; k < h->window_count; k++) {
            char price[TJ_DECIMAL_TEXT_SIZE];
            tj_decimal_format(h->window[k], price);
            at += (size_t)snprintf(text + at, sizeof text - at, ",%s", price);
        }
        at += (size_t)snprintf(text + at, sizeof text - at, "]");
    }
    snprintf(text + at, sizeof text - at, "]}");
    must(tj_txn_set_strategy_state(txn, tj_str_of(text), &error));
}

/* ---- one event -------------------------------------------------------------------------- */

static void move_market(tj_txn *txn, runtime *r)
{
    for (size_t i = 0; i < PAPER_SYMBOLS; i++) {
        holding *h = &r->holdings[i];
        int64_t step = paper_price_step(r->seed, r->event, i, h->price);
        h->price = plus(h->price, times(tj_decimal_int(step), decimal("0.01")));
        if (h->window_count == SLOW) {
            memmove(h->window, h->window + 1, (SLOW - 1) * sizeof h->window[0]);
            h->window_count--;
        }
        h->window[h->window_count++] = h->price;
        tj_price price = {paper_symbols[i].symbol, h->price};
        must(tj_txn_put_price(txn, &price, &error));
    }
}

/* Averages are compared without dividing: sum of 5 times 4 against the sum of 20. */
static bool fast_is_above(const holding *h)
{
    tj_decimal fast = tj_decimal_int(0);
    tj_decimal slow = tj_decimal_int(0);
    for (size_t k = 0; k < SLOW; k++) {
        slow = plus(slow, h->window[k]);
        if (k >= SLOW - FAST) {
            fast = plus(fast, h->window[k]);
        }
    }
    return tj_decimal_compare(times(fast, tj_decimal_int(SLOW / FAST)), slow) > 0;
}

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
    if (r->algo_count == ALGOS_MAX) {
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

static void run_strategy(tj_txn *txn, runtime *r)
{
    for (size_t i = 0; i < PAPER_SYMBOLS; i++) {
        holding *h = &r->holdings[i];
        if (h->window_count < SLOW) {
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

/* The orders that algorithms send now, as intents: saved, before anything is sent. */
static bool note_intents(tj_txn *txn, runtime *r)
{
    bool any = false;
    for (size_t i = 0; i < r->algo_count && r->order_count < ORDERS_MAX; i++) {
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
        tj_order order = order_value(r, o);
        must(tj_txn_put_order(txn, &order, &error));
        put_algo(txn, a);
        any = true;
    }
    return any;
}

/* A UUID that the same part of the same fill always gives: booked twice, it is refused. */
static tj_uuid fill_uuid(const runtime *r, const working_order *o, tj_ledger_type type)
{
    uint64_t fill = (uint64_t)o->lots_filled << 8 | type;
    tj_uuid id;
    uint64_t words[2] = {r->seed, fill};
    for (const char *c = o->id; *c != '\0'; c++) {
        words[0] = paper_random(words[0], fill, (uint64_t)*c);
        words[1] = paper_random(words[1], words[0], (uint64_t)*c);
    }
    memcpy(id.bytes, words, sizeof id.bytes);
    return id;
}

static void append_ledger(tj_txn *txn, const runtime *r, const working_order *o,
                          tj_ledger_type type, tj_decimal amount)
{
    tj_ledger_entry entry = {.id = fill_uuid(r, o, type),
                             .time = event_time(r->event),
                             .exchange = venues[venue_of(o->symbol)],
                             .asset = {{NULL, 0}, TJ_STR("USDT")},
                             .amount = amount,
                             .type = type,
                             .reference = tj_str_of(o->id)};
    must(tj_txn_append_ledger(txn, &entry, &error));
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
        must(tj_decimal_div(cost, h->quantity, 8, TJ_ROUND_HALF_EVEN, &h->entry_price, &error));
        *cash = minus(*cash, value);
    } else {
        tj_decimal pnl = money(times(minus(o->price, h->entry_price), quantity));
        h->quantity = minus(h->quantity, quantity);
        if (tj_decimal_sign(h->quantity) == 0) {
            h->entry_price = tj_decimal_int(0); /* a flat position has none */
        }
        *cash = plus(*cash, value);
        append_ledger(txn, r, o, TJ_LEDGER_TRADE_REALIZED_PNL, pnl);
    }
    *cash = minus(*cash, fee);
    append_ledger(txn, r, o, TJ_LEDGER_FEE, tj_decimal_negate(fee));
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
static void work_orders(tj_txn *txn, runtime *r)
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
            must(tj_txn_delete_order(txn, tj_str_of(o->id), &error));
            drop_order(r, i);
            continue;
        }
        tj_order order = order_value(r, o);
        must(tj_txn_put_order(txn, &order, &error));
        i++;
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

static void retire_algos(tj_txn *txn, runtime *r)
{
    for (size_t i = 0; i < r->algo_count;) {
        if (r->algos[i].lots_left > 0 || has_order(r, &r->algos[i])) {
            i++;
            continue;
        }
        must(tj_txn_delete_algo(txn, &r->algos[i].id, &error));
        r->algo_count--;
        memmove(&r->algos[i], &r->algos[i + 1], (r->algo_count - i) * sizeof r->algos[0]);
    }
}

/* The second half of an event: the intents of `r->event` are saved; the exchange answers. */
static void finish_event(runtime *r)
{
    tj_txn *txn = NULL;
    must(tj_txn_begin(r->store, &txn, &error));
    work_orders(txn, r);
    move_market(txn, r);
    run_strategy(txn, r);
    retire_algos(txn, r);
    put_portfolio(txn, r);
    put_strategy(txn, r);
    tj_time now = event_time(r->event);
    must(tj_txn_set_last_candle_ts(txn, &now, &error));
    maybe_kill(r, 1);
    must(tj_txn_commit(txn, NULL, NULL, &error));
    maybe_kill(r, 2);
}

static void run_event(runtime *r)
{
    tj_txn *txn = NULL;
    r->event++;
    maybe_kill(r, 0);
    must(tj_txn_begin(r->store, &txn, &error));
    if (note_intents(txn, r)) {
        must(tj_txn_commit(txn, NULL, NULL, &error));
    } else {
        tj_txn_abort(txn);
    }
    finish_event(r);
}

/* ---- start and restart ------------------------------------------------------------------ */

static size_t symbol_index(tj_symbol symbol)
{
    for (size_t i = 0; i < PAPER_SYMBOLS; i++) {
        if (tj_identity_compare(paper_symbols[i].symbol, symbol) == 0) {
            return i;
        }
    }
    fprintf(stderr, "paper_runtime: the journal holds a symbol of another program\n");
    exit(1);
}

static void start_fresh(runtime *r)
{
    tj_txn *txn = NULL;
    must(tj_txn_begin(r->store, &txn, &error));
    r->peak_equity = decimal("200000.00000000");
    for (size_t venue = 0; venue < 2; venue++) {
        r->cash[venue] = decimal("100000.00000000");
        put_cash(txn, r, venue);
    }
    put_portfolio(txn, r);
    put_strategy(txn, r);
    must(tj_txn_commit(txn, NULL, NULL, &error));
}

/* Reads the text that put_strategy wrote. */
static void read_strategy(runtime *r, const char *text)
{
    char *at = NULL;
    r->event = strtoull(text + strlen("{\"event\":"), &at, 10);
    at += strlen(",\"windows\":[");
    for (size_t i = 0; i < PAPER_SYMBOLS; i++) {
        holding *h = &r->holdings[i];
        at++; /* the bracket */
        h->was_above = *at++ == '1';
        while (*at == ',') {
            size_t size = strcspn(++at, ",]");
            must(tj_decimal_parse((tj_str){at, size}, &h->window[h->window_count++], &error));
            at += size;
        }
        at += 2; /* the bracket and a comma, or the last bracket */
    }
}

static void read_algos(runtime *r)
{
    tj_algo_list *list = NULL;
    must(tj_algo_load_all(tj_store_algo_repository(r->store, NULL), &list, &error));
    for (size_t i = 0; i < list->count && i < ALGOS_MAX; i++) {
        algo *a = &r->algos[r->algo_count++];
        char symbol[TJ_IDENTITY_TEXT_SIZE];
        tj_identity identity;
        a->id = list->records[i].id;
        a->buys = tj_str_equal(list->records[i].state.plugin, TJ_STR("TWAP"));
        int read = sscanf(list->records[i].state.payload.data,
                          "{\"symbol\":\"%193[^\"]\",\"lots_left\":%" SCNd64
                          ",\"lots_slice\":%" SCNd64 ",\"next_event\":%" SCNu64 "}",
                          symbol, &a->lots_left, &a->lots_slice, &a->next_event);
        if (read != 4) {
            fprintf(stderr, "paper_runtime: an algorithm of another program is stored here\n");
            exit(1);
        }
        must(tj_identity_parse(tj_str_of(symbol), &identity, &error));
        a->symbol = symbol_index(identity);
    }
    tj_algo_list_free(list);
}

/* Which algorithm an order belongs to: its id starts with the first eight characters of its. */
static tj_uuid algo_of(const runtime *r, const char *order_id)
{
    for (size_t i = 0; i < r->algo_count; i++) {
        char text[TJ_UUID_TEXT_SIZE];
        tj_uuid_format(r->algos[i].id, text);
        if (strncmp(text, order_id, 8) == 0) {
            return r->algos[i].id;
        }
    }
    return (tj_uuid){{0}};
}

static void read_orders(runtime *r, const tj_live_state *state)
{
    for (size_t i = 0; i < state->open_order_count && i < ORDERS_MAX; i++) {
        const tj_order *order = &state->open_orders[i];
        working_order *o = &r->orders[r->order_count++];
        snprintf(o->id, sizeof o->id, "%.*s", (int)order->id.size, order->id.data);
        o->algo = algo_of(r, o->id);
        o->buys = order->request.side == TJ_SIDE_BUY;
        o->symbol = symbol_index(order->request.symbol);
        o->status = order->status;
        o->lots = lots_in(o->symbol, order->request.quantity);
        o->lots_filled = lots_in(o->symbol, order->filled_quantity);
        o->price = order->request.price;
        o->created_event = (uint64_t)((order->created_at - EPOCH_NS) / EVENT_NS);
    }
}

static void read_portfolio(runtime *r, const tj_portfolio *portfolio)
{
    r->peak_equity = portfolio->peak_equity;
    r->liquidate_only = portfolio->liquidate_only;
    for (size_t i = 0; i < portfolio->position_count; i++) {
        const tj_position *position = &portfolio->positions[i];
        holding *h = &r->holdings[symbol_index(position->symbol)];
        h->quantity = position->quantity;
        h->entry_price = position->entry_price;
    }
    for (size_t i = 0; i < portfolio->balance_count; i++) {
        const tj_balance *balance = &portfolio->balances[i];
        r->cash[tj_str_equal(balance->currency.exchange, venues[0]) ? 0 : 1] = balance->quantity;
    }
}

/* An intent that was saved and not confirmed: the exchange is asked by the client order id whether
 * it came. Here it answers as if the order had come in just now, which is what happens next
 * anyway. */
static void settle_intents(runtime *r)
{
    bool any = false;
    for (size_t i = 0; i < r->order_count; i++) {
        if (r->orders[i].status == TJ_ORDER_PENDING_NEW) {
            fprintf(stderr, "  settling order intent %s, saved but not confirmed\n",
                    r->orders[i].id);
            any = true;
        }
    }
    if (any) {
        r->event++;
        finish_event(r);
    }
}

static void start(runtime *r)
{
    tj_live_state *state = NULL;
    for (size_t i = 0; i < PAPER_SYMBOLS; i++) {
        r->holdings[i].price = decimal(paper_symbols[i].first_price);
        r->holdings[i].quantity = lots_of(i, 0);
    }
    must(tj_state_load(tj_store_state_repository(r->store, NULL), &state, &error));
    if (!state->has_portfolio) {
        start_fresh(r);
        tj_live_state_free(state);
        return;
    }
    for (size_t i = 0; i < state->last_price_count; i++) {
        r->holdings[symbol_index(state->last_prices[i].symbol)].price = state->last_prices[i].price;
    }
    read_portfolio(r, &state->portfolio);
    read_strategy(r, state->strategy_state.data);
    read_algos(r);
    read_orders(r, state);
    tj_live_state_free(state);
    fprintf(stderr, "  resumed after event %" PRIu64 ": %zu algorithms, %zu open orders\n",
            r->event, r->algo_count, r->order_count);
    settle_intents(r);
}

/* ---- the end ---------------------------------------------------------------------------- */

/* FNV-1a over everything that was stored, read back. */
static uint64_t add_to_digest(uint64_t digest, tj_text *text)
{
    for (size_t i = 0; i < text->size; i++) {
        digest = (digest ^ (uint8_t)text->data[i]) * 0x100000001B3u;
    }
    tj_text_dispose(text);
    return digest;
}

static uint64_t digest_of_store(tj_store *store)
{
    uint64_t digest = 0xCBF29CE484222325u;
    tj_live_state *state = NULL;
    tj_algo_list *algos = NULL;
    tj_ledger_list *ledger = NULL;
    tj_text text = {NULL, 0};
    must(tj_state_load(tj_store_state_repository(store, NULL), &state, &error));
    must(tj_live_state_to_json(state, &text, &error));
    digest = add_to_digest(digest, &text);
    must(tj_algo_load_all(tj_store_algo_repository(store, NULL), &algos, &error));
    must(tj_algo_list_to_json(algos, &text, &error));
    digest = add_to_digest(digest, &text);
    must(tj_ledger_find(tj_store_ledger_repository(store, NULL), NULL, &ledger, &error));
    for (size_t i = 0; i < ledger->count; i++) {
        must(tj_ledger_entry_to_json(&ledger->entries[i], &text, &error));
        digest = add_to_digest(digest, &text);
    }
    tj_ledger_list_free(ledger);
    tj_algo_list_free(algos);
    tj_live_state_free(state);
    return digest;
}

static uint64_t number(const char *text)
{
    char *end = NULL;
    uint64_t value = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "paper_runtime: \"%s\" is not a number\n", text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"seed", required_argument, NULL, 's'},
        {"events", required_argument, NULL, 'e'}, {"kill-at", required_argument, NULL, 'k'},
        {"pace", required_argument, NULL, 'p'},   {NULL, 0, NULL, 0}};
    static runtime r = {.seed = 1};
    const char *config_file = "tesser.toml";
    uint64_t events = 300;
    uint64_t pace_ms = 0;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            config_file = optarg;
            break;
        case 's':
            r.seed = number(optarg);
            break;
        case 'e':
            events = number(optarg);
            break;
        case 'k':
            r.kill_at = number(optarg);
            break;
        case 'p':
            pace_ms = number(optarg);
            break;
        default:
            fprintf(stderr, "usage: paper_runtime [--config FILE] [--seed N] [--events N] "
                            "[--kill-at EVENT] [--pace MILLISECONDS]\n");
            return 2;
        }
    }
    tj_config config = TJ_CONFIG_INIT;
    must(tj_config_load(config_file, &config, &error));
    must(tj_store_open(&config, &r.store, &error));
    tj_config_dispose(&config);
    start(&r);
    while (r.event < events) {
        run_event(&r);
        (void)usleep((useconds_t)(pace_ms * 1000));
    }
    printf("digest %016" PRIx64 " after %" PRIu64 " events\n", digest_of_store(r.store), r.event);
    must(tj_store_close(r.store, &error));
    return 0;
}
