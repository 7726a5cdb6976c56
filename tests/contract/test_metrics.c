/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a store has counted, in its process and beside it. */
#include "contract.h"

static tj_metrics metrics_of(tj_store *store)
{
    tj_metrics metrics = TJ_METRICS_INIT;
    assert_ok(tj_store_metrics(store, &metrics, &err));
    return metrics;
}

static void save_equity(fixture *f, int64_t equity)
{
    tj_live_state state = {.has_portfolio_equity = true,
                           .portfolio_equity = tj_decimal_int(equity)};
    assert_ok(tj_state_save(f->states, &state, &err));
}

static uint64_t sum_of(const tj_histogram *histogram)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < TJ_HISTOGRAM_BUCKETS; i++) {
        sum += histogram->buckets[i];
    }
    return sum;
}

static void test_commits_are_counted(fixture *f)
{
    tj_metrics before = metrics_of(f->store);
    assert_true(before.since > 0);
    for (int64_t i = 1; i <= 20; i++) {
        save_equity(f, i);
    }
    tj_metrics after = metrics_of(f->store);
    assert_int_equal(after.commit_us.count - before.commit_us.count, 20);
    assert_int_equal(sum_of(&after.commit_us), after.commit_us.count);
    assert_true(tj_histogram_quantile(&after.commit_us, 0.5) <=
                tj_histogram_quantile(&after.commit_us, 0.99));
    if (is_durable(f)) {
        assert_int_equal(after.flush_commits.sum - before.flush_commits.sum, 20);
        assert_true(f->config.durability == TJ_DURABILITY_OS || after.flush_us.count >= 20);
        assert_true(after.log_bytes > before.log_bytes);
    }
}

static void test_what_is_refused_is_counted_by_its_status(fixture *f)
{
    save_equity(f, 1);
    tj_live_state state = {.has_portfolio_equity = true};
    tj_state_repository *none = tj_store_state_repository(f->store, "nowhere");
    assert_refused(tj_state_save(none, &state, &err), TJ_NOT_FOUND, "nowhere");
    tj_metrics metrics = metrics_of(f->store);
    assert_int_equal(metrics.refused[TJ_NOT_FOUND], 1);
    assert_int_equal(metrics.refused[TJ_OK], 0);
}

/* As those that are committed alone: what is no commit at all is not counted. */
static void test_commits_made_together_are_counted_once_each(fixture *f)
{
    tj_commit_options stale = TJ_COMMIT_OPTIONS_INIT;
    tj_commit_options hurried = TJ_COMMIT_OPTIONS_INIT;
    tj_commit_options noted = TJ_COMMIT_OPTIONS_INIT;
    stale.expected_sequence = 7;
    hurried.deadline_ms = 1000;
    noted.note = TJ_STR("\xff");
    tj_commit_item items[] = {{.txn = begin(f)},
                              {.txn = begin(f), .options = &stale},
                              {.txn = begin(f), .options = &hurried},
                              {.txn = begin(f), .options = &noted},
                              {.txn = begin(f)}};
    tj_decimal equity = tj_decimal_int(1);
    assert_ok(tj_txn_set_portfolio_equity(items[1].txn, &equity, &err));
    assert_refused(tj_txn_commit(begin(f), &noted, NULL, &err), TJ_INVALID, "no UTF-8");
    tj_txn_commit_all(items, 5);
    assert_int_equal(items[3].status, TJ_INVALID);
    tj_metrics metrics = metrics_of(f->store);
    assert_int_equal(metrics.commit_us.count, 2);
    assert_int_equal(metrics.refused[TJ_CONFLICT], 1);
    assert_int_equal(metrics.refused[TJ_MISUSE], 0);
    assert_int_equal(metrics.refused[TJ_INVALID], 0);
}

static void count_done(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    (void)error;
    assert_int_equal(status, TJ_OK);
    assert_true(sequence > 0);
    ++*(size_t *)context;
}

static void submit(fixture *f, const char *id, size_t *done)
{
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_delete_order(txn, tj_str_of(id), &err));
    tj_decimal equity = tj_decimal_int((int64_t)strlen(id));
    assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
    assert_ok(tj_txn_submit(txn, NULL, count_done, done, NULL, &err));
}

static void test_drain_leaves_none_in_flight(fixture *f)
{
    size_t done = 0;
    assert_ok(tj_store_drain(f->store, 0, &err)); /* there is none */
    submit(f, "a", &done);
    submit(f, "bb", &done);
    submit(f, "ccc", &done);
    assert_int_equal(metrics_of(f->store).waiting, 3);
    assert_int_equal(metrics_of(f->store).submitted, 3);
    assert_int_equal(metrics_of(f->store).completed, 0);
    assert_ok(tj_store_drain(f->store, 0, &err));
    assert_int_equal(done, 3);
    assert_int_equal(metrics_of(f->store).waiting, 0);
    assert_int_equal(metrics_of(f->store).completed, 3);
    assert_int_equal(metrics_of(f->store).commit_us.count, 3);
    assert_refused(tj_store_drain(NULL, 0, &err), TJ_MISUSE, "no store");
}

static void test_those_who_look_on_are_told(fixture *f)
{
    if (f->config.type != TJ_ENGINE_LMDB) {
        return; /* their onlookers tell what they have counted themselves */
    }
    for (int64_t i = 1; i <= 5; i++) {
        save_equity(f, i);
    }
    fixture_close(f);
    tj_config config = f->config;
    tj_store *onlooker = NULL;
    config.read_only = true;
    config.no_threads = false;
    assert_ok(tj_store_open(&config, &onlooker, &err));
    tj_metrics metrics = metrics_of(onlooker);
    assert_int_equal(metrics.commit_us.count, 5);
    assert_int_equal(metrics.flush_commits.sum, 5);
    assert_true(metrics.since > 0);
    assert_ok(tj_store_close(onlooker, &err));
    fixture_open(f);
}

static void test_bounds_and_quantiles(fixture *f)
{
    (void)f;
    uint64_t before = 0;
    for (size_t i = 1; i + 1 < TJ_HISTOGRAM_BUCKETS; i++) {
        assert_true(tj_histogram_bound(i) > tj_histogram_bound(i - 1));
    }
    assert_int_equal(tj_histogram_bound(0), 0);
    assert_int_equal(tj_histogram_bound(7), 7);
    assert_int_equal(tj_histogram_bound(8), 9);
    assert_int_equal(tj_histogram_bound(11), 15);
    assert_int_equal(tj_histogram_bound(12), 19);
    assert_true(tj_histogram_bound(TJ_HISTOGRAM_BUCKETS - 2) > 30 * 1000000);
    assert_int_equal(tj_histogram_bound(TJ_HISTOGRAM_BUCKETS - 1), UINT64_MAX);
    tj_histogram histogram = {0};
    assert_int_equal(tj_histogram_quantile(&histogram, 0.5), 0);
    assert_int_equal(tj_histogram_quantile(NULL, 0.5), 0);
    histogram.count = 100;
    histogram.buckets[4] = 50;
    histogram.buckets[12] = 49;
    histogram.buckets[20] = 1;
    assert_int_equal(tj_histogram_quantile(&histogram, 0.0), 4);
    assert_int_equal(tj_histogram_quantile(&histogram, 0.5), 4);
    assert_int_equal(tj_histogram_quantile(&histogram, 0.51), tj_histogram_bound(12));
    assert_int_equal(tj_histogram_quantile(&histogram, 0.99), tj_histogram_bound(12));
    before = tj_histogram_quantile(&histogram, 1.0);
    assert_int_equal(before, tj_histogram_bound(20));
}

static const contract_case cases[] = {
    CASE(test_commits_made_together_are_counted_once_each),
    CASE(test_commits_are_counted),
    CASE(test_what_is_refused_is_counted_by_its_status),
    CASE(test_drain_leaves_none_in_flight),
    CASE(test_those_who_look_on_are_told),
    CASE(test_bounds_and_quantiles),
};

CONTRACT_MAIN("metrics", cases)
