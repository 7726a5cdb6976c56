/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rollbacks beside savers, those that are too large, and calls that lack something. */
#include "contract.h"

#include <pthread.h>
#include <stdatomic.h>

#define SAVERS 3
#define ROLLBACKS 12

typedef struct saver {
    fixture *f;
    unsigned number;
    _Atomic bool *stop;
    tj_error failure;
} saver;

/* Orders and algorithms of its own, as fast as it goes. */
static tj_status save_one(const saver *s, unsigned round, tj_error *error)
{
    char id[32];
    tj_txn *txn = NULL;
    snprintf(id, sizeof id, "s%u-%u", s->number, round % 5);
    tj_order order = {.id = tj_str_of(id),
                      .request = {.symbol = {{NULL, 0}, TJ_STR("BTCUSDT")},
                                  .side = TJ_SIDE_BUY,
                                  .order_type = TJ_ORDER_MARKET,
                                  .quantity = tj_decimal_int((int64_t)round)},
                      .status = TJ_ORDER_ACCEPTED};
    tj_uuid algo = {{(uint8_t)(s->number + 1), (uint8_t)(round % 3)}};
    tj_algo_state state = {TJ_STR("TWAP"), TJ_STR("{}")};
    tj_status status = tj_txn_begin(s->f->store, &txn, error);
    if (status != TJ_OK) {
        return status;
    }
    status = round % 4 == 3 ? tj_txn_delete_order(txn, order.id, error)
                            : tj_txn_put_order(txn, &order, error);
    if (status == TJ_OK && round % 2 == 0) {
        status = round % 8 == 0 ? tj_txn_delete_algo(txn, &algo, error)
                                : tj_txn_put_algo(txn, &algo, &state, error);
    }
    if (status != TJ_OK) {
        tj_txn_abort(txn);
        return status;
    }
    return tj_txn_commit(txn, NULL, NULL, error);
}

static void *run_saver(void *context)
{
    saver *s = context;
    for (unsigned round = 0; !atomic_load(s->stop); round++) {
        if (save_one(s, round, &s->failure) != TJ_OK) {
            break;
        }
        if (s->f->config.type == TJ_ENGINE_POSTGRES) {
            (void)usleep(2000); /* each rollback there replays all that was saved */
        }
    }
    return NULL;
}

static char *at(fixture *f, uint64_t sequence)
{
    tj_live_state *state = NULL;
    tj_algo_list *algos = NULL;
    char *text = NULL;
    size_t size = 0;
    tj_text json = {0};
    FILE *out = open_memstream(&text, &size);
    tj_moment moment = {sequence, false, 0};
    assert_ok(tj_state_load_at(f->states, moment, &state, &err));
    assert_ok(tj_algo_load_all_at(f->algos, moment, &algos, &err));
    assert_ok(tj_live_state_to_json(state, &json, &err));
    dump_text(out, &json);
    assert_ok(tj_algo_list_to_json(algos, &json, &err));
    dump_text(out, &json);
    tj_live_state_free(state);
    tj_algo_list_free(algos);
    fclose(out);
    return text;
}

/* Nothing that a saver committed before the rollback is in it, and nothing after is lost. */
static void test_nothing_comes_between(fixture *f)
{
    _Atomic bool stop = false;
    saver savers[SAVERS];
    pthread_t threads[SAVERS];
    uint64_t to[ROLLBACKS];
    uint64_t made[ROLLBACKS];
    if (!is_durable(f)) {
        return;
    }
    tj_live_state first = {.has_portfolio_equity = true, .portfolio_equity = decimal("1")};
    assert_ok(tj_state_save(f->states, &first, &err));
    for (unsigned i = 0; i < SAVERS; i++) {
        savers[i] = (saver){.f = f, .number = i, .stop = &stop, .failure = TJ_ERROR_INIT};
        assert_int_equal(pthread_create(&threads[i], NULL, run_saver, &savers[i]), 0);
    }
    for (unsigned i = 0; i < ROLLBACKS; i++) {
        tj_rollback_report *report = NULL;
        uint64_t newest = 0;
        do {
            newest = newest_sequence(f->store);
        } while (newest < 5 * (i + 1));
        to[i] = 1 + random_below((uint32_t)newest);
        assert_ok(tj_state_rollback(f->states, (tj_moment){to[i], false, 0}, NULL, &report, &err));
        made[i] = report->sequence;
        tj_rollback_report_free(report);
    }
    atomic_store(&stop, true);
    for (unsigned i = 0; i < SAVERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_string_equal(savers[i].failure.message, "");
    }
    for (unsigned i = 0; i < ROLLBACKS; i++) {
        if (made[i] == 0) {
            continue;
        }
        char *was = at(f, to[i]);
        char *is = at(f, made[i]);
        assert_string_equal(is, was);
        free(was);
        free(is);
    }
}

/* 64 MiB of differences are more than a commit can have: nothing is changed. */
static void test_too_much_for_one_commit(fixture *f)
{
    enum { ALGOS = 5, SIZE = 14 << 20 };
    static char payload[SIZE + 1];
    tj_rollback_report *report = NULL;
    if (f->engine->durability != TJ_DURABILITY_OS) { /* one engine is enough */
        return;
    }
    memset(payload, ' ', SIZE - 1);
    payload[SIZE - 1] = '1';
    tj_algo_state state = {TJ_STR("BIG"), {payload, SIZE}};
    for (unsigned i = 0; i < ALGOS; i++) {
        tj_uuid id = uuid(i);
        assert_ok(tj_algo_save(f->algos, &id, &state, &err));
    }
    for (unsigned i = 0; i < ALGOS; i++) {
        tj_uuid id = uuid(i);
        assert_ok(tj_algo_delete(f->algos, &id, &err));
    }
    assert_refused(tj_state_rollback(f->states, (tj_moment){ALGOS, false, 0}, NULL, &report, &err),
                   TJ_LIMIT,
                   "going back to commit 5 changes 5 rows, more than one commit can have");
    assert_null(report);
    assert_int_equal(newest_sequence(f->store), 2 * ALGOS);
    assert_ok(tj_state_rollback(f->states, (tj_moment){ALGOS - 1, false, 0}, NULL, NULL, &err));
}

static void test_what_is_missing_is_said(fixture *f)
{
    tj_moment none = TJ_MOMENT_INIT;
    tj_live_state *state = NULL;
    tj_algo_record *record = NULL;
    tj_algo_list *algos = NULL;
    tj_ledger_list *ledger = NULL;
    tj_history *history = NULL;
    tj_history_diff *diff = NULL;
    tj_equity_curve *curve = NULL;
    tj_history_range range;
    const tj_history_commit *commit = NULL;
    uint64_t sequence = 0;
    assert_refused(tj_state_load_at(NULL, none, &state, &err), TJ_MISUSE, "no repository");
    assert_refused(tj_state_load_at(f->states, none, NULL, &err), TJ_MISUSE, "NULL");
    assert_refused(tj_algo_load_at(f->algos, none, NULL, &record, &err), TJ_MISUSE, "NULL");
    assert_refused(tj_algo_load_all_at(NULL, none, &algos, &err), TJ_MISUSE, "no repository");
    assert_refused(tj_ledger_find_at(NULL, none, NULL, &ledger, &err), TJ_MISUSE, "no repository");
    assert_refused(tj_moment_find(NULL, none, &sequence, &err), TJ_MISUSE, "NULL");
    assert_refused(tj_moment_parse(TJ_STR("1"), NULL, &err), TJ_MISUSE, "NULL");
    assert_refused(tj_history_range_get(f->store, NULL, &err), TJ_MISUSE, "NULL");
    assert_refused(tj_history_range_get(NULL, &range, &err), TJ_MISUSE, "NULL");
    assert_refused(tj_history_open(NULL, NULL, &history, &err), TJ_MISUSE, "no store");
    assert_refused(tj_history_next(NULL, &commit, &err), TJ_MISUSE, "no history");
    assert_refused(tj_history_diff_load(f->store, none, none, NULL, NULL, &err), TJ_MISUSE,
                   "no place");
    assert_refused(tj_history_diff_load(NULL, none, none, NULL, &diff, &err), TJ_MISUSE,
                   "no store");
    assert_refused(tj_equity_curve_load(NULL, none, none, &curve, &err), TJ_MISUSE,
                   "no repository");
    assert_refused(tj_state_rollback(NULL, none, NULL, NULL, &err), TJ_MISUSE, "no repository");
    assert_refused(tj_entity_kind_parse(TJ_STR("order"), NULL, &err), TJ_MISUSE, "NULL");
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    query.struct_size = 3;
    assert_refused(tj_history_open(f->store, &query, &history, &err), TJ_MISUSE,
                   "TJ_HISTORY_QUERY_INIT");
    tj_rollback_options options = TJ_ROLLBACK_OPTIONS_INIT;
    options.struct_size = 3;
    assert_refused(tj_state_rollback(f->states, none, &options, NULL, &err), TJ_MISUSE,
                   "TJ_ROLLBACK_OPTIONS_INIT");
    tj_history_close(NULL);
    tj_history_diff_free(NULL);
    tj_equity_curve_free(NULL);
    tj_rollback_report_free(NULL);
}

static const contract_case cases[] = {
    CASE(test_nothing_comes_between),
    CASE(test_too_much_for_one_commit),
    CASE(test_what_is_missing_is_said),
};

CONTRACT_MAIN("rollback", cases)
