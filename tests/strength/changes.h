/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A change of a book, drawn at random: made in the model and, when there is one, a transaction. */
#ifndef TJ_TESTS_STRENGTH_CHANGES_H
#define TJ_TESTS_STRENGTH_CHANGES_H

#include "strength/model.h"

#include "base/random.h"

static inline uint32_t draw_value(void)
{
    return 1 + random_below(100000);
}

static inline void draw_state(model_state *s)
{
    memset(s, 0, sizeof *s);
    s->equity = random_below(3) == 0 ? 0 : draw_value();
    s->candle = random_below(3) == 0 ? 0 : draw_value();
    s->strategy = random_below(3) == 0 ? 0 : draw_value();
    s->portfolio = random_below(4) == 0 ? 0 : draw_value();
    for (unsigned i = 0; i < POSITIONS && s->portfolio != 0; i++) {
        s->positions[i] = random_below(2) == 0 ? 0 : draw_value();
    }
    for (unsigned i = 0; i < PRICES; i++) {
        s->prices[i] = random_below(2) == 0 ? 0 : draw_value();
    }
    for (unsigned i = random_below(ORDERS); i > 0; i--) {
        state_put_order(s, random_below(ORDERS), draw_value());
    }
}

#define NOTE(call)       \
    if (txn) {           \
        assert_ok(call); \
    }

static inline void note_price(tj_txn *txn, model_state *s)
{
    unsigned place = random_below(PRICES);
    s->prices[place] = random_below(4) == 0 ? 0 : draw_value();
    tj_price price = price_of(place, s->prices[place]);
    if (s->prices[place] != 0) {
        NOTE(tj_txn_put_price(txn, &price, &err));
    } else {
        NOTE(tj_txn_delete_price(txn, price.symbol, &err));
    }
}

static inline void note_order(tj_txn *txn, model_state *s)
{
    uint32_t id = random_below(ORDERS);
    uint32_t value = draw_value();
    tj_order order = order_of(id, value);
    if (random_below(3) != 0) {
        state_put_order(s, id, value);
        NOTE(tj_txn_put_order(txn, &order, &err));
    } else {
        state_delete_order(s, id);
        NOTE(tj_txn_delete_order(txn, order.id, &err));
    }
}

static inline void note_portfolio(tj_txn *txn, model_state *s)
{
    if (random_below(4) == 0) {
        state_delete_portfolio(s);
        NOTE(tj_txn_delete_portfolio(txn, &err));
        return;
    }
    s->portfolio = draw_value();
    tj_portfolio portfolio = portfolio_of(s->portfolio);
    NOTE(tj_txn_put_portfolio(txn, &portfolio, &err));
}

static inline void note_position(tj_txn *txn, model_state *s)
{
    unsigned place = random_below(POSITIONS);
    uint32_t value = random_below(4) == 0 ? 0 : draw_value();
    if (s->portfolio == 0) {
        return; /* which would be INVALID */
    }
    s->positions[place] = value;
    tj_position position = position_of(place, value);
    if (value != 0) {
        NOTE(tj_txn_put_position(txn, (tj_str){0}, &position, &err));
    } else {
        NOTE(tj_txn_delete_position(txn, (tj_str){0}, position.symbol, &err));
    }
}

static inline void note_single(tj_txn *txn, model_state *s)
{
    uint32_t value = random_below(4) == 0 ? 0 : draw_value();
    tj_decimal equity = amount_of(value);
    tj_time time = value;
    char text[32];
    switch (random_below(3)) {
    case 0:
        s->equity = value;
        NOTE(tj_txn_set_portfolio_equity(txn, value != 0 ? &equity : NULL, &err));
        break;
    case 1:
        s->candle = value;
        NOTE(tj_txn_set_last_candle_ts(txn, value != 0 ? &time : NULL, &err));
        break;
    default:
        s->strategy = value;
        NOTE(tj_txn_set_strategy_state(txn, value != 0 ? json_of(value, text) : (tj_str){0}, &err));
    }
}

static inline void note_algo(tj_txn *txn, model_book *b)
{
    unsigned place = random_below(ALGOS);
    uint32_t value = random_below(4) == 0 ? 0 : draw_value();
    char text[32];
    tj_uuid id = uuid(place);
    tj_algo_state state = {.plugin = TJ_STR("twap"), .payload = json_of(value, text)};
    b->algos[place] = value;
    if (value != 0) {
        NOTE(tj_txn_put_algo(txn, &id, &state, &err));
    } else {
        NOTE(tj_txn_delete_algo(txn, &id, &err));
    }
}

static inline void note_entry(tj_txn *txn, model_book *b, unsigned book)
{
    uint32_t value = draw_value();
    if (b->entry_count == ENTRIES_MAX) {
        return;
    }
    tj_ledger_entry entry = entry_of(book, b->entry_count, value);
    b->entries[b->entry_count++] = value;
    NOTE(tj_txn_append_ledger(txn, &entry, &err));
}

static inline void note_state(tj_txn *txn, model_state *s)
{
    static built_state built;
    draw_state(s);
    NOTE(tj_txn_put_state(txn, build_state(s, &built), &err));
}

static inline void note_something(tj_txn *txn, model_book *b, unsigned book)
{
    switch (random_below(12)) {
    case 0:
        note_state(txn, &b->state);
        break;
    case 1:
    case 2:
        note_price(txn, &b->state);
        break;
    case 3:
    case 4:
    case 5:
        note_order(txn, &b->state);
        break;
    case 6:
        note_portfolio(txn, &b->state);
        break;
    case 7:
        note_position(txn, &b->state);
        break;
    case 8:
        note_single(txn, &b->state);
        break;
    case 9:
    case 10:
        note_algo(txn, b);
        break;
    default:
        note_entry(txn, b, book);
    }
}

#endif
