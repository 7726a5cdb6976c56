/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rollbacks: what they take back and tell, beside savers, and those that are too large. */
#include "past_model.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- one after another --------------------------------------------------------------------- */

/* A book as text without its ledger, which stays. */
static char *without_ledger(const char *dump)
{
    const char *end = strchr(strchr(dump, '\n') + 1, '\n');
    return strndup(dump, (size_t)(end - dump));
}

static void assert_taken_back(fixture *f, const past_model *model, unsigned book, uint64_t to)
{
    char *now = past_dump(f->store, past_books[book], (past_when){.now = true});
    char *is = without_ledger(now);
    char *was = without_ledger(model->texts[to][book]);
    assert_string_equal(is, was);
    free(now);
    free(is);
    free(was);
}

/* Rows, too, ranks included: there is nothing left to take back. */
static void assert_nothing_to_do(fixture *f, const char *book, uint64_t to)
{
    tj_rollback_report *report = NULL;
    tj_rollback_options options = TJ_ROLLBACK_OPTIONS_INIT;
    options.dry_run = true;
    assert_ok(tj_state_rollback(tj_store_state_repository(f->store, book),
                                (tj_moment){to, false, 0}, &options, &report, &err));
    assert_int_equal(report->change_count, 0);
    tj_rollback_report_free(report);
}

static void roll_back_somewhere(fixture *f, past_model *model)
{
    unsigned book = random_below(PAST_BOOKS);
    uint64_t to = 1 + random_below((uint32_t)model->newest);
    uint64_t newest = model->newest;
    tj_rollback_report *report = NULL;
    if (!model->texts[to][book]) {
        return;
    }
    assert_ok(tj_state_rollback(tj_store_state_repository(f->store, past_books[book]),
                                (tj_moment){to, false, 0}, NULL, &report, &err));
    past_note(f, model);
    assert_int_equal(report->sequence_to, to);
    assert_int_equal(report->sequence, report->change_count > 0 ? newest + 1 : 0);
    assert_taken_back(f, model, book, to);
    assert_nothing_to_do(f, past_books[book], to);
    tj_rollback_report_free(report);
}

/* Histories with rollbacks among them; another book stays as it is; every state is there again. */
static void test_rollbacks_in_a_history(fixture *f)
{
    past_model model = {0};
    if (keeps_no_history(f)) {
        return;
    }
    for (int i = 0; i < 400 && model.newest < 120; i++) {
        past_step(f, &model);
        if (model.newest > 2 && random_below(8) == 0) {
            roll_back_somewhere(f, &model);
        }
        if (random_below(40) == 0) {
            fixture_reopen(f);
        }
    }
    for (uint64_t sequence = 1; sequence <= model.newest; sequence++) {
        assert_past(f, &model, sequence);
    }
    past_model_free(&model);
}

static void put_order_with_checkpoint(fixture *f, const char *id, const char *exec_id)
{
    tj_live_state *state = load_state(f->store, NULL);
    tj_order orders[] = {plain_order(id)};
    tj_str ids[] = {tj_str_of(exec_id)};
    tj_live_state next_state = *state;
    next_state.open_orders = orders;
    next_state.open_order_count = 1;
    next_state.has_execution_checkpoint = true;
    next_state.execution_checkpoint =
        (tj_execution_checkpoint){.exec_ids = ids, .exec_id_count = 1};
    assert_ok(tj_state_save(f->states, &next_state, &err));
    tj_live_state_free(state);
}

/* What is told of the ledger and the checkpoint; --keep-checkpoint; and taken back again. */
static void test_a_rollback_tells_what_stays(fixture *f)
{
    tj_rollback_report *report = NULL;
    tj_rollback_options options = TJ_ROLLBACK_OPTIONS_INIT;
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    if (keeps_no_history(f)) {
        return;
    }
    tj_ledger_entry entries[] = {plain_entry(1, "10"), plain_entry(2, "1.50"),
                                 plain_entry(3, "-4")};
    put_order_with_checkpoint(f, "a", "e1");
    assert_ok(tj_ledger_append(f->ledger, entries, 1, NULL, &err));
    put_order_with_checkpoint(f, "b", "e2");
    assert_ok(tj_ledger_append(f->ledger, entries + 1, 2, NULL, &err));
    options.keep_checkpoint = true;
    options.note = TJ_STR("the strategy went mad");
    assert_ok(tj_state_rollback(f->states, (tj_moment){2, false, 0}, &options, &report, &err));
    assert_int_equal(report->sequence, 5);
    assert_int_equal(report->change_count, 2); /* b goes, a comes */
    assert_true(report->checkpoint_kept && !report->checkpoint_back);
    assert_int_equal(report->ledger_count, 1);
    assert_int_equal(report->ledger[0].count, 2);
    same_decimal("sum", report->ledger[0].amount, decimal("-2.50"));
    tj_rollback_report_free(report);
    tj_live_state *state = load_state(f->store, NULL);
    same_text("order", state->open_orders[0].id, TJ_STR("a"));
    same_text("exec id", state->execution_checkpoint.exec_ids[0], TJ_STR("e2"));
    tj_live_state_free(state);

    query.sequence_first = 5;
    tj_history *history = open_history(f, &query);
    const tj_history_commit *commit = next(history);
    assert_non_null(commit);
    same_text("note", commit->note, TJ_STR("the strategy went mad"));
    tj_history_close(history);

    assert_ok(tj_state_rollback(f->states, (tj_moment){1, false, 0}, NULL, &report, &err));
    assert_true(report->checkpoint_back && !report->checkpoint_kept);
    tj_rollback_report_free(report);
    assert_ok(tj_state_rollback(f->states, (tj_moment){4, false, 0}, NULL, NULL, &err));
    state = load_state(f->store, NULL);
    same_text("order", state->open_orders[0].id, TJ_STR("b"));
    same_text("exec id", state->execution_checkpoint.exec_ids[0], TJ_STR("e2"));
    tj_live_state_free(state);
    assert_refused(tj_state_rollback(f->states, (tj_moment){99, false, 0}, NULL, &report, &err),
                   TJ_NOT_FOUND, "commit 99 is after the newest");
    assert_null(report);
}

/* ---- beside savers --------------------------------------------------------------------------- */

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

static const contract_case cases[] = {
    CASE(test_rollbacks_in_a_history),
    CASE(test_a_rollback_tells_what_stays),
    CASE(test_nothing_comes_between),
    CASE(test_too_much_for_one_commit),
};

CONTRACT_MAIN("rollback", cases)
