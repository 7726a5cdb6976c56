/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The log of a journal on a server before a commit is let go: what stays is exact, what went is
 * told to be gone, and nothing goes that the rest cannot stand for. */
#include "database.h"

#include <tesser/async.h>
#include <tesser/history.h>
#include <tesser/maintain.h>

#define BEFORE 40
#define BEHIND 20

static void start_sql(void)
{
    if (!sql.conn) {
        sql_open();
    }
}

/* Commit n has n as its equity, and an order n. */
static void commit_some(tj_store *store, unsigned first, unsigned last)
{
    for (unsigned n = first; n <= last; n++) {
        char id[16];
        snprintf(id, sizeof id, "o-%u", n % 7);
        tj_order order = plain_order(id);
        tj_live_state state = {.has_portfolio_equity = true,
                               .portfolio_equity = tj_decimal_int(n),
                               .open_orders = &order,
                               .open_order_count = 1};
        assert_ok(tj_state_save(tj_store_state_repository(store, NULL), &state, &err));
    }
}

static tj_status load_at(tj_store *store, uint64_t sequence, tj_live_state **out)
{
    return tj_state_load_at(tj_store_state_repository(store, NULL),
                            (tj_moment){.sequence = sequence}, out, &err);
}

static void assert_kept(tj_store *store, uint64_t sequence)
{
    char id[16];
    tj_live_state *state = NULL;
    snprintf(id, sizeof id, "o-%u", (unsigned)(sequence % 7));
    assert_ok(load_at(store, sequence, &state));
    assert_true(state->has_portfolio_equity);
    assert_true(tj_decimal_compare(state->portfolio_equity, tj_decimal_int((int64_t)sequence)) ==
                0);
    assert_int_equal(state->open_order_count, 1);
    assert_true(tj_str_equal(state->open_orders[0].id, tj_str_of(id)));
    tj_live_state_free(state);
}

static void assert_gone(tj_store *store, uint64_t sequence)
{
    tj_live_state *state = NULL;
    assert_refused(load_at(store, sequence, &state), TJ_NOT_FOUND, "is not kept any more");
}

static tj_prune_report prune(tj_store *store, uint64_t size, bool dry)
{
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    options.history_size_bytes = size;
    options.dry_run = dry;
    assert_ok(tj_prune(store, &options, &report, &err));
    return report;
}

static void assert_sound(const tj_config *config)
{
    tj_verify_options options = TJ_VERIFY_OPTIONS_INIT;
    tj_verify_report *report = NULL;
    options.deep = true;
    assert_ok(tj_verify_config(config, &options, &report, &err));
    assert_int_equal(report->verdict, TJ_VERDICT_SOUND);
    assert_true(report->compared);
    tj_verify_report_free(report);
}

static void test_the_log_before_goes(void **state)
{
    (void)state;
    tj_config config = database_config("pruned");
    config.postgres.lag_ms = 600000;
    tj_store *store = open_store(&config);
    commit_some(store, 1, BEFORE);
    assert_ok(append_fee(store, 1)); /* commit 41 */
    assert_ok(tj_store_work(store, &err));
    assert_int_equal(prune(store, (uint64_t)1 << 30, false).segment_count, 0);
    tj_prune_report report = prune(store, 1, true);
    assert_int_equal(report.oldest_sequence, BEFORE + 1);
    assert_int_equal(report.segment_count, BEFORE);
    assert_kept(store, 1);
    report = prune(store, 1, false);
    assert_int_equal(report.oldest_sequence, BEFORE + 1);
    assert_int_equal(report.segment_count, BEFORE);
    assert_true(report.bytes > 0 && report.oldest_time > 0);
    commit_some(store, BEFORE + 2, BEFORE + BEHIND);
    tj_config reading = config;
    reading.postgres.url = other_url;
    reading.read_only = true;
    tj_store *reader = open_store(&reading);
    tj_store *both[] = {store, reader};
    for (int i = 0; i < 2; i++) {
        assert_gone(both[i], 1);
        assert_gone(both[i], BEFORE);
        for (uint64_t n = BEFORE + BEHIND; n > BEFORE + 1; n -= 3) { /* back and forth */
            assert_kept(both[i], n);
            assert_kept(both[i], n < BEFORE + BEHIND ? n + 1 : n);
        }
        tj_history_range range;
        assert_ok(tj_history_range_get(both[i], &range, &err));
        assert_int_equal(range.sequence_first, BEFORE + 2);
        assert_int_equal(range.sequence_last, BEFORE + BEHIND);
        uint64_t found = 0;
        tj_moment at = {.has_time = true, .time = range.time_first};
        assert_ok(tj_moment_find(both[i], at, &found, &err));
        assert_int_equal(found, BEFORE + 2);
        at.time = 1;
        assert_refused(tj_moment_find(both[i], at, &found, &err), TJ_NOT_FOUND,
                       "before the oldest commit that is kept");
        assert_int_equal(count_fees(both[i]), 1);
    }
    assert_ok(tj_store_close(reader, &err));
    assert_int_equal(prune(store, 1, false).oldest_sequence, BEFORE + 1);
    assert_ok(tj_store_work(store, &err));
    assert_int_equal(prune(store, 1, false).oldest_sequence, BEFORE + BEHIND);
    assert_gone(store, BEFORE + BEHIND - 1);
    assert_kept(store, BEFORE + BEHIND);
    assert_ok(tj_store_close(store, &err));
    assert_sound(&config);
    store = open_store(&config);
    commit_some(store, BEFORE + BEHIND + 1, BEFORE + BEHIND + 2);
    assert_kept(store, BEFORE + BEHIND + 1);
    assert_ok(tj_store_close(store, &err));
    assert_sound(&config);
}

/* Rows that are not what the log comes to stand for nothing. */
static void test_what_cannot_be_proven_stays(void **state)
{
    (void)state;
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    tj_config config = database_config("unproven");
    config.postgres.lag_ms = 600000;
    tj_store *store = open_store(&config);
    commit_some(store, 1, BEFORE);
    assert_ok(tj_store_work(store, &err));
    start_sql();
    sql_do("delete from raw_state where journal = (select journal from journal where name = "
           "'unproven') and get_byte(key, 4) = 11");
    options.history_size_bytes = 1;
    assert_refused(tj_prune(store, &options, &report, &err), TJ_CORRUPT, "nothing was pruned");
    assert_kept(store, 1);
    assert_kept(store, BEFORE);
    assert_ok(tj_store_close(store, &err));
}

/* A base that is damaged is left for an older one, or for the log. */
static void test_a_damaged_base(void **state)
{
    (void)state;
    tj_config config = database_config("base");
    config.postgres.lag_ms = 600000;
    tj_store *store = open_store(&config);
    commit_some(store, 1, BEFORE);
    assert_ok(tj_store_work(store, &err));
    (void)prune(store, 1, false);
    commit_some(store, BEFORE + 1, BEFORE + BEHIND);
    start_sql();
    sql_do(
        "update base_rows set value = set_byte(value, 0, 255) where journal = (select journal from "
        "journal where name = 'base') and place = 3");
    tj_live_state *loaded = NULL;
    assert_refused(load_at(store, BEFORE + 5, &loaded), TJ_CORRUPT,
                   "and the log before it is gone");
    assert_ok(tj_store_close(store, &err));
}

/* ---- bases behind the commits ---------------------------------------------------------------- */

static void submit_equity(tj_store *store, unsigned n)
{
    tj_txn *txn = NULL;
    tj_decimal equity = tj_decimal_int(n);
    assert_ok(tj_txn_begin(store, &txn, &err));
    assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
    assert_ok(tj_txn_submit(txn, NULL, NULL, NULL, NULL, &err));
}

/* A long log has one, and a state of the past begins there. */
static void test_a_base_of_a_long_log(void **state)
{
    (void)state;
    tj_config config = database_config("long");
    config.postgres.lag_ms = 600000;
    tj_store *store = open_store(&config);
    for (unsigned n = 1; n <= 10600; n++) {
        submit_equity(store, n);
    }
    assert_ok(tj_store_drain(store, 0, &err));
    assert_ok(tj_store_work(store, &err));
    start_sql();
    assert_true(sql_number("select seq::text from base join journal using (journal) where name = "
                           "'long'") >= 10000);
    uint64_t wanted[] = {10600, 10580, 10001, 9000, 1};
    for (int i = 0; i < 5; i++) {
        tj_live_state *loaded = NULL;
        assert_ok(load_at(store, wanted[i], &loaded));
        assert_true(
            tj_decimal_compare(loaded->portfolio_equity, tj_decimal_int((int64_t)wanted[i])) == 0);
        tj_live_state_free(loaded);
    }
    assert_ok(tj_store_close(store, &err));
    assert_sound(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_log_before_goes),
        cmocka_unit_test(test_what_cannot_be_proven_stays),
        cmocka_unit_test(test_a_damaged_base),
        cmocka_unit_test(test_a_base_of_a_long_log),
    };
    database_start("retention");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
