/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A plain model of a store: what its books hold, as numbers in arrays. Every value follows from a
 * place and a number, so that two models are equal when their bytes are. What a store shows is
 * compared with it here. What is wrong ends the process with a message.
 */
#ifndef TJ_TESTS_STRENGTH_MODEL_H
#define TJ_TESTS_STRENGTH_MODEL_H

#include "strength/fixture.h"

#include <inttypes.h>

#include <tesser/json.h>

#include "support/alone.h"

#define BOOKS 3
#define ORDERS 12
#define PRICES 5
#define POSITIONS 4
#define ALGOS 5
#define ENTRIES_MAX 600
#define IDS 8
#define COUNTER "orders"

static const char *const book_names[BOOKS] = {TJ_BOOK_DEFAULT, "hedge", "\xc3\xa9t\xc3\xa9"};

/* 0 stands for "not there" throughout. */
typedef struct model_state {
    uint32_t equity;
    uint32_t candle;
    uint32_t strategy;
    uint32_t portfolio;
    uint32_t positions[POSITIONS];
    uint32_t prices[PRICES];
    uint32_t orders[ORDERS]; /* value of the order in each place of the list */
    uint32_t order_ids[ORDERS];
    uint32_t order_count;
} model_state;

typedef struct model_book {
    bool exists;
    model_state state;
    uint64_t changed_at; /* the last commit that changed the state */
    uint32_t algos[ALGOS];
    uint32_t entries[ENTRIES_MAX];
    uint32_t entry_count;
    uint64_t reserved; /* numbers of the counter that were given out */
} model_book;

typedef struct model {
    model_book books[BOOKS];
    uint64_t sequence;
    uint64_t ids[IDS]; /* the commit of each id */
} model;

static inline bool model_has_books(const model *m)
{
    return m->books[0].exists || m->books[1].exists || m->books[2].exists;
}

/* ---- the model's values ---------------------------------------------------------------------- */

static inline tj_decimal amount_of(uint32_t value)
{
    tj_decimal amount;
    assert_ok(tj_decimal_from_parts(value % 2 == 0, 0, value, value % 5, &amount, &err));
    return amount;
}

static inline tj_symbol symbol_of(unsigned place)
{
    static const char *const codes[] = {"AAA", "BBB", "CCC", "DDD", "EEE"};
    return (tj_symbol){TJ_STR("venue"), tj_str_of(codes[place])};
}

static inline tj_price price_of(unsigned place, uint32_t value)
{
    return (tj_price){symbol_of(place), amount_of(value)};
}

static inline tj_position position_of(unsigned place, uint32_t value)
{
    return (tj_position){.symbol = symbol_of(place),
                         .side = TJ_SIDE_BUY,
                         .quantity = amount_of(value),
                         .unrealized_pnl = amount_of(value / 2),
                         .updated_at = value};
}

static inline tj_order order_of(uint32_t id, uint32_t value)
{
    static char names[ORDERS][16];
    snprintf(names[id], sizeof names[id], "order-%u", id);
    tj_order order = plain_order(names[id]);
    order.request.quantity = amount_of(value);
    order.updated_at = value;
    return order;
}

static inline tj_portfolio portfolio_of(uint32_t value)
{
    tj_portfolio portfolio = plain_portfolio();
    portfolio.peak_equity = amount_of(value);
    return portfolio;
}

static inline tj_str json_of(uint32_t value, char out[32])
{
    return (tj_str){out, (size_t)snprintf(out, 32, "{\"n\":%u}", value)};
}

static inline tj_ledger_entry entry_of(unsigned book, uint32_t place, uint32_t value)
{
    char amount[TJ_DECIMAL_TEXT_SIZE];
    tj_decimal_format(amount_of(value), amount);
    tj_ledger_entry entry = plain_entry(place + 1, amount);
    entry.id.bytes[1] = (uint8_t)book;
    return entry;
}

/* A LiveState with the memory that it points into. */
typedef struct built_state {
    tj_live_state state;
    tj_order orders[ORDERS];
    tj_price prices[PRICES];
    tj_position positions[POSITIONS];
    char strategy[32];
} built_state;

static inline const tj_live_state *build_state(const model_state *from, built_state *to)
{
    memset(to, 0, sizeof *to);
    tj_live_state *s = &to->state;
    s->has_portfolio_equity = from->equity != 0;
    s->portfolio_equity = amount_of(from->equity);
    s->has_last_candle_ts = from->candle != 0;
    s->last_candle_ts = from->candle;
    s->has_portfolio = from->portfolio != 0;
    if (s->has_portfolio) {
        s->portfolio = portfolio_of(from->portfolio);
    }
    if (from->strategy != 0) {
        s->strategy_state = json_of(from->strategy, to->strategy);
    }
    for (unsigned i = 0; i < POSITIONS && s->has_portfolio; i++) {
        if (from->positions[i] != 0) {
            to->positions[s->portfolio.position_count++] = position_of(i, from->positions[i]);
        }
    }
    for (unsigned i = 0; i < PRICES; i++) {
        if (from->prices[i] != 0) {
            to->prices[s->last_price_count++] = price_of(i, from->prices[i]);
        }
    }
    for (; s->open_order_count < from->order_count; s->open_order_count++) {
        size_t i = s->open_order_count;
        to->orders[i] = order_of(from->order_ids[i], from->orders[i]);
    }
    s->portfolio.positions = to->positions;
    s->last_prices = to->prices;
    s->open_orders = to->orders;
    return s;
}

/* ---- changes to a state ---------------------------------------------------------------------- */

static inline void state_put_order(model_state *s, uint32_t id, uint32_t value)
{
    uint32_t at = 0;
    while (at < s->order_count && s->order_ids[at] != id) {
        at++;
    }
    s->order_ids[at] = id;
    s->orders[at] = value;
    s->order_count += at == s->order_count;
}

static inline void state_delete_order(model_state *s, uint32_t id)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->order_count; i++) {
        if (s->order_ids[i] != id) {
            s->order_ids[kept] = s->order_ids[i];
            s->orders[kept++] = s->orders[i];
        }
    }
    for (uint32_t i = kept; i < s->order_count; i++) {
        s->order_ids[i] = s->orders[i] = 0;
    }
    s->order_count = kept;
}

static inline void state_delete_portfolio(model_state *s)
{
    s->portfolio = 0;
    memset(s->positions, 0, sizeof s->positions);
}

/* ---- what a store shows ---------------------------------------------------------------------- */

static inline void expect_state(tj_store *store, const model *m, unsigned book)
{
    static built_state built;
    tj_live_state *found = NULL;
    tj_text texts[2] = {{NULL, 0}, {NULL, 0}};
    assert_ok(tj_state_load(tj_store_state_repository(store, book_names[book]), &found, &err));
    assert_int_equal(found->sequence, m->sequence);
    const tj_live_state *expected = build_state(&m->books[book].state, &built);
    assert_ok(tj_live_state_to_json(expected, &texts[0], &err));
    assert_ok(tj_live_state_to_json(found, &texts[1], &err));
    assert_string_equal(texts[0].data, texts[1].data);
    tj_text_dispose(&texts[0]);
    tj_text_dispose(&texts[1]);
    tj_live_state_free(found);
}

static inline void expect_algos(tj_store *store, const model *m, unsigned book)
{
    tj_algo_list *list = NULL;
    size_t at = 0;
    assert_ok(tj_algo_load_all(tj_store_algo_repository(store, book_names[book]), &list, &err));
    assert_int_equal(list->quarantined_count, 0);
    for (unsigned i = 0; i < ALGOS; i++) {
        char text[32];
        if (m->books[book].algos[i] != 0) {
            assert_true(at < list->count);
            assert_int_equal(list->records[at].id.bytes[15], i);
            tj_str payload = list->records[at++].state.payload;
            assert_true(tj_str_equal(payload, json_of(m->books[book].algos[i], text)));
        }
    }
    assert_int_equal(list->count, at);
    tj_algo_list_free(list);
}

static inline void expect_ledger(tj_store *store, const model *m, unsigned book)
{
    const model_book *b = &m->books[book];
    tj_ledger_list *list = NULL;
    assert_ok(
        tj_ledger_find(tj_store_ledger_repository(store, book_names[book]), NULL, &list, &err));
    assert_int_equal(list->count, b->entry_count);
    for (uint32_t i = 0; i < b->entry_count; i++) {
        tj_ledger_entry expected = entry_of(book, i, b->entries[i]);
        assert_int_equal(list->entries[i].sequence, i + 1);
        assert_int_equal(tj_uuid_compare(list->entries[i].id, expected.id), 0);
        assert_true(tj_decimal_identical(list->entries[i].amount, expected.amount));
    }
    tj_ledger_list_free(list);
}

static inline tj_uuid commit_id_of(unsigned place)
{
    return uuid(0xc0000000u + place);
}

static inline void expect_commit_ids(tj_store *store, const model *m)
{
    for (unsigned i = 0; i < IDS; i++) {
        tj_uuid id = commit_id_of(i);
        uint64_t sequence = 0;
        err = (tj_error)TJ_ERROR_INIT;
        tj_status status = tj_store_commit_find(store, &id, &sequence, &err);
        assert_int_equal(status, m->ids[i] != 0 ? TJ_OK : TJ_NOT_FOUND);
        assert_int_equal(sequence, m->ids[i]);
    }
}

static inline void expect_model(tj_store *store, const model *m)
{
    tj_book_list *books = NULL;
    size_t count = 0;
    assert_ok(tj_store_books(store, &books, &err));
    for (unsigned i = 0; i < BOOKS; i++) {
        if (m->books[i].exists) {
            uint64_t next = 0;
            count++;
            expect_state(store, m, i);
            expect_algos(store, m, i);
            expect_ledger(store, m, i);
            assert_ok(tj_counter_next(store, book_names[i], COUNTER, &next, &err));
            assert_int_equal(next, m->books[i].reserved + 1);
        }
    }
    assert_int_equal(books->count, count);
    tj_book_list_free(books);
    expect_commit_ids(store, m);
}

#endif
