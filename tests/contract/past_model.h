/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A random history, and beside it what was live after each of its commits, as text: the model that
 * everything read from the past is compared with.
 */
#ifndef TJ_TESTS_CONTRACT_PAST_MODEL_H
#define TJ_TESTS_CONTRACT_PAST_MODEL_H

#include "contract.h"

#define PAST_MAX 160
#define PAST_BOOKS 2
static const char *const past_books[PAST_BOOKS] = {"default", "zeta"};

typedef struct past_model {
    uint64_t newest;
    char *texts[PAST_MAX + 1][PAST_BOOKS]; /* NULL: the book was not there */
    bool has_second;                       /* book */
    unsigned entries;                      /* ids of ledger entries that were used */
} past_model;

/* How a book is loaded: now, or at a moment. */
typedef struct past_when {
    bool now;
    tj_moment at;
} past_when;

/* The book as text: state (its lists in their order), algorithms, ledger. The caller frees it. */
static inline char *past_dump(tj_store *store, const char *book, past_when when)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    tj_live_state *state = NULL;
    tj_algo_list *algos = NULL;
    tj_ledger_list *ledger = NULL;
    tj_text json = {0};
    tj_state_repository *states = tj_store_state_repository(store, book);
    tj_algo_repository *its_algos = tj_store_algo_repository(store, book);
    tj_ledger_repository *its_ledger = tj_store_ledger_repository(store, book);
    assert_ok(when.now ? tj_state_load(states, &state, &err)
                       : tj_state_load_at(states, when.at, &state, &err));
    assert_ok(when.now ? tj_algo_load_all(its_algos, &algos, &err)
                       : tj_algo_load_all_at(its_algos, when.at, &algos, &err));
    assert_ok(when.now ? tj_ledger_find(its_ledger, NULL, &ledger, &err)
                       : tj_ledger_find_at(its_ledger, when.at, NULL, &ledger, &err));
    assert_ok(tj_live_state_to_json(state, &json, &err));
    dump_text(out, &json);
    assert_ok(tj_algo_list_to_json(algos, &json, &err));
    dump_text(out, &json);
    for (size_t i = 0; i < ledger->count; i++) {
        assert_ok(tj_ledger_entry_to_json(&ledger->entries[i], &json, &err));
        dump_text(out, &json);
    }
    tj_live_state_free(state);
    tj_algo_list_free(algos);
    tj_ledger_list_free(ledger);
    fclose(out);
    return text;
}

static inline char *past_dump_at(tj_store *store, const char *book, uint64_t sequence)
{
    return past_dump(store, book, (past_when){false, {sequence, false, 0}});
}

/* ---- random commits ------------------------------------------------------------------------ */

static inline void past_save_state(fixture *f, const char *book)
{
    tj_live_state *state = random_live_state((random_sizes){6, 3, 4, 4});
    assert_ok(tj_state_save(tj_store_state_repository(f->store, book), state, &err));
    tj_live_state_free(state);
}

/* Turns the list of orders round, or takes the first one to the end. */
static inline void past_reorder(fixture *f, const char *book)
{
    tj_live_state *state = load_state(f->store, book);
    size_t count = state->open_order_count;
    for (size_t i = 0; i < count / 2; i++) {
        tj_order other = state->open_orders[i];
        state->open_orders[i] = state->open_orders[count - 1 - i];
        state->open_orders[count - 1 - i] = other;
    }
    assert_ok(tj_state_save(tj_store_state_repository(f->store, book), state, &err));
    tj_live_state_free(state);
}

static inline void past_put_some(tj_txn *txn, past_model *model)
{
    char id[32];
    snprintf(id, sizeof id, "o%u", random_below(5));
    tj_order order = plain_order(id);
    order.updated_at = (tj_time)random_below(1000);
    tj_uuid algo = uuid(random_below(4));
    tj_algo_state state = {TJ_STR("TWAP"), random_bool() ? TJ_STR("{\"n\":1}") : TJ_STR("[2]")};
    tj_ledger_entry entry = plain_entry(++model->entries, random_bool() ? "1.50" : "-2");
    tj_decimal equity = tj_decimal_int((int64_t)random_below(1000));
    switch (random_below(6)) {
    case 0:
        assert_ok(tj_txn_delete_order(txn, order.id, &err));
        break;
    case 1:
        assert_ok(tj_txn_put_order(txn, &order, &err));
        break;
    case 2:
        assert_ok(tj_txn_put_algo(txn, &algo, &state, &err));
        break;
    case 3:
        assert_ok(tj_txn_delete_algo(txn, &algo, &err));
        break;
    case 4:
        assert_ok(tj_txn_append_ledger(txn, &entry, &err));
        break;
    default:
        assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
        break;
    }
}

static inline void past_transaction(fixture *f, past_model *model, unsigned books)
{
    tj_txn *txn = begin(f);
    for (unsigned i = 0; i < 4; i++) {
        assert_ok(tj_txn_use_book(txn, past_books[random_below(books)], &err));
        past_put_some(txn, model);
    }
    (void)commit(txn);
}

/* Notes what is live now, unless nothing was committed. */
static inline void past_note(fixture *f, past_model *model)
{
    uint64_t newest = newest_sequence(f->store);
    assert_true(newest <= PAST_MAX);
    if (newest == model->newest) {
        return;
    }
    assert_int_equal(newest, model->newest + 1);
    tj_book_list *books = NULL;
    assert_ok(tj_store_books(f->store, &books, &err));
    for (size_t i = 0; i < books->count; i++) {
        bool second = tj_str_equal(books->books[i].name, tj_str_of(past_books[1]));
        model->texts[newest][second] =
            past_dump(f->store, past_books[second], (past_when){.now = true});
    }
    tj_book_list_free(books);
    model->newest = newest;
}

/* One commit, or none when it comes to nothing. */
static inline void past_step(fixture *f, past_model *model)
{
    unsigned books = model->has_second ? 2 : 1;
    const char *book = past_books[random_below(books)];
    if (model->newest > 20 && !model->has_second) {
        model->has_second = true;
        assert_ok(tj_store_book_create(f->store, past_books[1], &err));
    } else if (model->newest > 0 && random_below(8) == 0) {
        past_reorder(f, book);
    } else if (random_below(4) == 0) {
        past_save_state(f, book);
    } else {
        past_transaction(f, model, books);
    }
    past_note(f, model);
}

/* ---- reading it again ---------------------------------------------------------------------- */

/* Enough commits for several segments where they are small. */
static inline void make_history(fixture *f, past_model *model)
{
    for (int i = 0; i < 400 && model->newest < 120; i++) {
        past_step(f, model);
        if (random_below(40) == 0) {
            fixture_reopen(f);
        }
    }
}

/* A store in memory keeps no history. */
static inline bool keeps_no_history(fixture *f)
{
    if (is_durable(f)) {
        return false;
    }
    tj_live_state *state = (tj_live_state *)f;
    tj_history_range range = {0};
    uint64_t sequence = 7;
    tj_moment at = {1, false, 0};
    assert_refused(tj_state_load_at(f->states, at, &state, &err), TJ_UNSUPPORTED,
                   "a store in memory keeps no history");
    assert_null(state);
    assert_refused(tj_history_range_get(f->store, &range, &err), TJ_UNSUPPORTED, "no history");
    assert_refused(tj_moment_find(f->store, at, &sequence, &err), TJ_UNSUPPORTED, "no history");
    assert_int_equal(sequence, 7);
    return true;
}

static inline void assert_past(fixture *f, const past_model *model, uint64_t sequence)
{
    for (unsigned book = 0; book < PAST_BOOKS; book++) {
        const char *expected = model->texts[sequence][book];
        if (expected) {
            char *text = past_dump_at(f->store, past_books[book], sequence);
            assert_string_equal(text, expected);
            free(text);
            continue;
        }
        tj_live_state *state = NULL;
        tj_state_repository *states = tj_store_state_repository(f->store, past_books[book]);
        assert_refused(tj_state_load_at(states, (tj_moment){sequence, false, 0}, &state, &err),
                       TJ_NOT_FOUND, "at commit");
    }
}

static inline tj_history *open_history(fixture *f, const tj_history_query *query)
{
    tj_history *history = NULL;
    assert_ok(tj_history_open(f->store, query, &history, &err));
    return history;
}

static inline const tj_history_commit *next(tj_history *history)
{
    const tj_history_commit *commit = NULL;
    assert_ok(tj_history_next(history, &commit, &err));
    return commit;
}

static inline void past_model_free(past_model *model)
{
    for (uint64_t i = 0; i <= PAST_MAX; i++) {
        for (unsigned book = 0; book < PAST_BOOKS; book++) {
            free(model->texts[i][book]);
        }
    }
    *model = (past_model){0};
}

#endif
