/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Savers and loaders at the same time: every load is whole, and the last save of each key stays. */
#include "contract.h"

#include <pthread.h>
#include <stdatomic.h>

#define SAVER_COUNT 4
#define LOADER_COUNT 2
#define ROUND_COUNT 60

/* What a thread has to say; assertions belong to the main thread. */
typedef struct worker {
    fixture *f;
    unsigned number;
    uint64_t seed;
    _Atomic bool *stop;
    unsigned done;
    unsigned created;                /* books */
    uint64_t sequences[ROUND_COUNT]; /* of its commits */
    char failure[TJ_ERROR_MESSAGE_SIZE + 64];
} worker;

static bool worker_check(worker *w, tj_status status, const tj_error *error)
{
    if (status != TJ_OK) {
        snprintf(w->failure, sizeof w->failure, "thread %u, round %u: %s", w->number, w->done,
                 error->message);
    }
    return status == TJ_OK;
}

static unsigned worker_below(worker *w, unsigned bound)
{
    w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(w->seed >> 33) % bound;
}

static void run_workers(worker *workers, size_t count, void *(*run)(void *))
{
    pthread_t threads[SAVER_COUNT + LOADER_COUNT];
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run, &workers[i]), 0);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (size_t i = 0; i < count; i++) {
        if (workers[i].failure[0] != '\0') {
            fail_msg("%s", workers[i].failure);
        }
    }
}

/* ---- each its own keys --------------------------------------------------------------------- */

static tj_status save_own(worker *w, tj_error *error)
{
    char id[32];
    char payload[64];
    snprintf(id, sizeof id, "order-%u", w->number);
    snprintf(payload, sizeof payload, "{\"round\":%u}", w->done);
    tj_order order = {.id = tj_str_of(id),
                      .request = {.symbol = {{"", 0}, TJ_STR("ABC")},
                                  .side = TJ_SIDE_BUY,
                                  .order_type = TJ_ORDER_MARKET,
                                  .quantity = tj_decimal_int(1)},
                      .status = TJ_ORDER_ACCEPTED,
                      .updated_at = w->done};
    tj_uuid algo_id = {{(uint8_t)w->number}};
    tj_algo_state algo = {TJ_STR("twap"), tj_str_of(payload)};
    tj_txn *txn = NULL;
    tj_status status = tj_txn_begin(w->f->store, &txn, error);
    if (status == TJ_OK) {
        status = tj_txn_put_order(txn, &order, error);
    }
    if (status == TJ_OK) {
        status = tj_txn_put_algo(txn, &algo_id, &algo, error);
    }
    if (status != TJ_OK) {
        tj_txn_abort(txn);
        return status;
    }
    return tj_txn_commit(txn, NULL, &w->sequences[w->done], error);
}

/* What this thread has saved it can load at once. */
static tj_status load_own(worker *w, tj_error *error)
{
    char expected[64];
    snprintf(expected, sizeof expected, "{\"round\":%u}", w->done);
    tj_uuid id = {{(uint8_t)w->number}};
    tj_algo_record *record = NULL;
    tj_status status = tj_algo_load(w->f->algos, &id, &record, error);
    if (status == TJ_OK && !tj_str_equal(record->state.payload, tj_str_of(expected))) {
        snprintf(w->failure, sizeof w->failure, "thread %u loaded %.*s after saving %s", w->number,
                 (int)record->state.payload.size, record->state.payload.data, expected);
    }
    tj_algo_record_free(record);
    return status;
}

static void *save_own_keys(void *context)
{
    worker *w = context;
    tj_error error = TJ_ERROR_INIT;
    for (w->done = 0; w->done < ROUND_COUNT; w->done++) {
        if (!worker_check(w, save_own(w, &error), &error) ||
            !worker_check(w, load_own(w, &error), &error) || w->failure[0] != '\0') {
            break;
        }
    }
    return NULL;
}

static void assert_all_sequences_once(const worker *workers, size_t count)
{
    bool seen[SAVER_COUNT * ROUND_COUNT + 1] = {false};
    for (size_t i = 0; i < count * ROUND_COUNT; i++) {
        uint64_t sequence = workers[i / ROUND_COUNT].sequences[i % ROUND_COUNT];
        assert_true(sequence >= 1 && sequence <= count * ROUND_COUNT && !seen[sequence]);
        assert_true(i % ROUND_COUNT == 0 ||
                    workers[i / ROUND_COUNT].sequences[i % ROUND_COUNT - 1] < sequence);
        seen[sequence] = true;
    }
}

static void assert_last_rounds(fixture *f)
{
    tj_algo_list *list = NULL;
    assert_ok(tj_algo_load_all(f->algos, &list, &err));
    assert_int_equal(list->count, SAVER_COUNT);
    char last[64];
    snprintf(last, sizeof last, "{\"round\":%d}", ROUND_COUNT - 1);
    for (size_t i = 0; i < SAVER_COUNT; i++) {
        same_text("payload", list->records[i].state.payload, tj_str_of(last));
    }
    tj_algo_list_free(list);
    tj_live_state *state = load_state(f->store, NULL);
    assert_int_equal(state->open_order_count, SAVER_COUNT);
    for (size_t i = 0; i < SAVER_COUNT; i++) {
        assert_int_equal(state->open_orders[i].updated_at, ROUND_COUNT - 1);
    }
    tj_live_state_free(state);
}

static void test_savers_of_their_own_keys(fixture *f)
{
    worker workers[SAVER_COUNT] = {0};
    for (unsigned i = 0; i < SAVER_COUNT; i++) {
        workers[i] = (worker){.f = f, .number = i + 1};
    }
    run_workers(workers, SAVER_COUNT, save_own_keys);
    assert_all_sequences_once(workers, SAVER_COUNT);
    assert_int_equal(newest_sequence(f->store), SAVER_COUNT * ROUND_COUNT);
    assert_last_rounds(f);
    fixture_reopen(f);
    assert_last_rounds(f);
}

/* ---- one sum over two books ---------------------------------------------------------------- */

#define TOTAL 1000000

/* Moves money between the balances of one book, and notes the same in the other book. */
static tj_status move_money(worker *w, tj_error *error)
{
    unsigned amount = worker_below(w, TOTAL);
    tj_balance balances[] = {
        {.currency = {{"", 0}, TJ_STR("AAA")}, .quantity = tj_decimal_int(amount)},
        {.currency = {{"", 0}, TJ_STR("BBB")}, .quantity = tj_decimal_int(TOTAL - (int)amount)}};
    tj_decimal equity = tj_decimal_int(amount);
    tj_txn *txn = NULL;
    tj_status status = tj_txn_begin(w->f->store, &txn, error);
    for (int i = 0; status == TJ_OK && i < 2; i++) {
        status = tj_txn_put_balance(txn, (tj_str){NULL, 0}, &balances[i], error);
    }
    if (status == TJ_OK) {
        status = tj_txn_set_portfolio_equity(txn, &equity, error);
    }
    if (status != TJ_OK) {
        tj_txn_abort(txn);
        return status;
    }
    return tj_txn_commit(txn, NULL, NULL, error);
}

static tj_status check_sum(worker *w, uint64_t *newest, tj_error *error)
{
    tj_live_state *state = NULL;
    tj_decimal sum = tj_decimal_int(0);
    tj_status status = tj_state_load(w->f->states, &state, error);
    if (status != TJ_OK) {
        return status;
    }
    const tj_portfolio *portfolio = &state->portfolio;
    for (size_t i = 0; status == TJ_OK && i < portfolio->balance_count; i++) {
        status = tj_decimal_add(sum, portfolio->balances[i].quantity, &sum, error);
    }
    bool whole = portfolio->balance_count == 2 &&
                 tj_decimal_compare(sum, tj_decimal_int(TOTAL)) == 0 &&
                 tj_decimal_compare(state->portfolio_equity, portfolio->balances[0].quantity) == 0;
    if (!whole || state->sequence < *newest) {
        snprintf(w->failure, sizeof w->failure,
                 "commit %" PRIu64 " is not whole, or older than %" PRIu64, state->sequence,
                 *newest);
    }
    *newest = state->sequence;
    tj_live_state_free(state);
    return status;
}

static void *save_or_check(void *context)
{
    worker *w = context;
    tj_error error = TJ_ERROR_INIT;
    uint64_t newest = 0;
    if (w->number < SAVER_COUNT) {
        for (; w->done < ROUND_COUNT && worker_check(w, move_money(w, &error), &error); w->done++) {
        }
        atomic_store(w->stop, true);
        return NULL;
    }
    do {
        if (!worker_check(w, check_sum(w, &newest, &error), &error)) {
            break;
        }
        w->done++;
    } while (w->failure[0] == '\0' && !atomic_load(w->stop));
    return NULL;
}

static void test_every_load_is_whole(fixture *f)
{
    _Atomic bool stop = false;
    worker workers[SAVER_COUNT + LOADER_COUNT];
    tj_balance balances[] = {plain_balance("AAA"), plain_balance("BBB")};
    balances[0].quantity = decimal("0");
    balances[1].quantity = tj_decimal_int(TOTAL);
    tj_live_state state = {.has_portfolio = true, .portfolio = plain_portfolio()};
    state.has_portfolio_equity = true;
    state.portfolio.balances = balances;
    state.portfolio.balance_count = 2;
    assert_ok(tj_state_save(f->states, &state, &err));
    for (unsigned i = 0; i < SAVER_COUNT + LOADER_COUNT; i++) {
        workers[i] = (worker){.f = f, .number = i, .seed = random_u64(), .stop = &stop};
    }
    run_workers(workers, SAVER_COUNT + LOADER_COUNT, save_or_check);
    assert_true(workers[SAVER_COUNT].done > 0);
}

/* ---- whole states -------------------------------------------------------------------------- */

/* Every saver saves states of its own; what is left is one of them, whole. */
static void *save_states(void *context)
{
    worker *w = context;
    tj_error error = TJ_ERROR_INIT;
    for (; w->done < ROUND_COUNT; w->done++) {
        tj_price prices[8];
        char codes[8][8];
        for (size_t i = 0; i < 8; i++) {
            snprintf(codes[i], sizeof codes[i], "S%zu", i);
            prices[i] = (tj_price){{{"", 0}, tj_str_of(codes[i])},
                                   tj_decimal_int(w->number * 1000 + w->done)};
        }
        tj_live_state state = {.last_prices = prices,
                               .last_price_count = 1 + (w->number + w->done) % 8,
                               .has_last_candle_ts = true,
                               .last_candle_ts = (tj_time)(w->number * 1000 + w->done)};
        if (!worker_check(w, tj_state_save(w->f->states, &state, &error), &error)) {
            break;
        }
    }
    return NULL;
}

static void test_savers_of_whole_states(fixture *f)
{
    worker workers[SAVER_COUNT];
    for (unsigned i = 0; i < SAVER_COUNT; i++) {
        workers[i] = (worker){.f = f, .number = i};
    }
    run_workers(workers, SAVER_COUNT, save_states);
    tj_live_state *state = load_state(f->store, NULL);
    unsigned mark = (unsigned)state->last_candle_ts;
    assert_int_equal(mark % 1000, ROUND_COUNT - 1);
    assert_int_equal(state->last_price_count, 1 + (mark / 1000 + mark % 1000) % 8);
    for (size_t i = 0; i < state->last_price_count; i++) {
        same_decimal("price", state->last_prices[i].price, tj_decimal_int(mark));
    }
    tj_live_state_free(state);
}

/* ---- books --------------------------------------------------------------------------------- */

static void *create_books(void *context)
{
    worker *w = context;
    tj_error error = TJ_ERROR_INIT;
    for (; w->done < 10; w->done++) {
        char name[16];
        snprintf(name, sizeof name, "book %u", w->done);
        tj_status status = tj_store_book_create(w->f->store, name, &error);
        if (status != TJ_EXISTS && !worker_check(w, status, &error)) {
            break;
        }
        w->created += status == TJ_OK;
    }
    return NULL;
}

static void test_creating_the_same_books(fixture *f)
{
    worker workers[SAVER_COUNT];
    for (unsigned i = 0; i < SAVER_COUNT; i++) {
        workers[i] = (worker){.f = f, .number = i};
    }
    run_workers(workers, SAVER_COUNT, create_books);
    unsigned created = 0;
    for (unsigned i = 0; i < SAVER_COUNT; i++) {
        created += workers[i].created;
    }
    assert_int_equal(created, 10);
    tj_book_list *books = NULL;
    assert_ok(tj_store_books(f->store, &books, &err));
    assert_int_equal(books->count, 10);
    tj_book_list_free(books);
}

static const contract_case cases[] = {
    CASE(test_savers_of_their_own_keys),
    CASE(test_every_load_is_whole),
    CASE(test_savers_of_whole_states),
    CASE(test_creating_the_same_books),
};

CONTRACT_MAIN("concurrent", cases)
