/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Between memory and the store: each put_ function adds one thing to a commit, each read_ function
 * takes one thing out of a state that was loaded.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "paper_runtime.h"

#define TEXT_SIZE 512

void put_algo(tj_txn *txn, const algo *a)
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
    must(tj_txn_put_algo(txn, &a->id, &state, &failure));
}

void put_order(tj_txn *txn, const runtime *r, const working_order *o)
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
    must(tj_txn_put_order(txn, &order, &failure));
}

void put_position(tj_txn *txn, const runtime *r, size_t symbol)
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
    must(tj_txn_put_position(txn, none, &position, &failure));
    must(tj_txn_put_position(txn, paper_venues[venue_of(symbol)], &position, &failure));
}

void put_cash(tj_txn *txn, const runtime *r, size_t venue)
{
    tj_balance balance = {.currency = {paper_venues[venue], TJ_STR("USDT")},
                          .quantity = r->cash[venue],
                          .conversion_rate = tj_decimal_int(1)};
    tj_str none = {NULL, 0};
    must(tj_txn_put_balance(txn, none, &balance, &failure));
    must(tj_txn_put_balance(txn, paper_venues[venue], &balance, &failure));
}

void put_portfolio(tj_txn *txn, const runtime *r)
{
    tj_decimal equity = equity_of(r);
    tj_portfolio portfolio = {.reporting_currency = {{NULL, 0}, TJ_STR("USDT")},
                              .initial_equity = decimal("200000.00000000"),
                              .has_drawdown_limit = true,
                              .drawdown_limit = decimal(PAPER_DRAWDOWN_LIMIT),
                              .peak_equity = r->peak_equity,
                              .liquidate_only = r->liquidate_only};
    must(tj_txn_put_portfolio(txn, &portfolio, &failure));
    must(tj_txn_set_portfolio_equity(txn, &equity, &failure));
}

/* The strategy's own memory, as JSON: the event that is done, and each symbol's window of
 * prices. */
void put_strategy(tj_txn *txn, const runtime *r)
{
    char text[PAPER_SYMBOLS * (PAPER_WINDOW * 16 + 32) + 64];
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
    must(tj_txn_set_strategy_state(txn, tj_str_of(text), &failure));
}

void put_ledger(tj_txn *txn, const runtime *r, const working_order *o, tj_ledger_type type,
                tj_decimal amount)
{
    tj_ledger_entry entry = {.id = fill_uuid(r, o, type),
                             .time = event_time(r->event),
                             .exchange = paper_venues[venue_of(o->symbol)],
                             .asset = {{NULL, 0}, TJ_STR("USDT")},
                             .amount = amount,
                             .type = type,
                             .reference = tj_str_of(o->id)};
    must(tj_txn_append_ledger(txn, &entry, &failure));
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
            must(tj_decimal_parse((tj_str){at, size}, &h->window[h->window_count++], &failure));
            at += size;
        }
        at += 2; /* the bracket and a comma, or the last bracket */
    }
}

static void read_algos(runtime *r)
{
    tj_algo_list *list = NULL;
    must(tj_algo_load_all(tj_store_algo_repository(r->store, NULL), &list, &failure));
    for (size_t i = 0; i < list->count && i < PAPER_ALGOS_MAX; i++) {
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
        must(tj_identity_parse(tj_str_of(symbol), &identity, &failure));
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
    for (size_t i = 0; i < state->open_order_count && i < PAPER_ORDERS_MAX; i++) {
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
        o->created_event = event_of(order->created_at);
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
        r->cash[tj_str_equal(balance->currency.exchange, paper_venues[0]) ? 0 : 1] =
            balance->quantity;
    }
}

void read_state(runtime *r, const tj_live_state *state)
{
    for (size_t i = 0; i < state->last_price_count; i++) {
        r->holdings[symbol_index(state->last_prices[i].symbol)].price = state->last_prices[i].price;
    }
    read_portfolio(r, &state->portfolio);
    read_strategy(r, state->strategy_state.data);
    read_algos(r);
    read_orders(r, state);
}

/* FNV-1a over everything that was stored, read back. */
static uint64_t add_to_digest(uint64_t digest, tj_text *text)
{
    for (size_t i = 0; i < text->size; i++) {
        digest = (digest ^ (uint8_t)text->data[i]) * 0x100000001B3u;
    }
    tj_text_dispose(text);
    return digest;
}

uint64_t digest_of_store(tj_store *store)
{
    uint64_t digest = 0xCBF29CE484222325u;
    tj_live_state *state = NULL;
    tj_algo_list *algos = NULL;
    tj_ledger_list *ledger = NULL;
    tj_text text = {NULL, 0};
    must(tj_state_load(tj_store_state_repository(store, NULL), &state, &failure));
    must(tj_live_state_to_json(state, &text, &failure));
    digest = add_to_digest(digest, &text);
    must(tj_algo_load_all(tj_store_algo_repository(store, NULL), &algos, &failure));
    must(tj_algo_list_to_json(algos, &text, &failure));
    digest = add_to_digest(digest, &text);
    must(tj_ledger_find(tj_store_ledger_repository(store, NULL), NULL, &ledger, &failure));
    for (size_t i = 0; i < ledger->count; i++) {
        must(tj_ledger_entry_to_json(&ledger->entries[i], &text, &failure));
        digest = add_to_digest(digest, &text);
    }
    tj_ledger_list_free(ledger);
    tj_algo_list_free(algos);
    tj_live_state_free(state);
    return digest;
}
