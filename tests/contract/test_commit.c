/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Committing: the caller's own ids, the expected sequence, and what a commit returns. */
#include "contract.h"

static tj_commit_options with_id(unsigned number)
{
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.commit_id = uuid(number);
    return options;
}

static tj_txn *begin_fee(fixture *f, const char *amount)
{
    tj_txn *txn = begin(f);
    static unsigned number;
    tj_ledger_entry entry = plain_entry(++number, amount);
    tj_decimal equity = decimal(amount);
    assert_ok(tj_txn_append_ledger(txn, &entry, &err));
    assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
    return txn;
}

static uint64_t commit_fee(fixture *f, const char *amount, unsigned id)
{
    tj_commit_options options = with_id(id);
    uint64_t sequence = 0;
    assert_ok(tj_txn_commit(begin_fee(f, amount), &options, &sequence, &err));
    return sequence;
}

static void assert_fees(fixture *f, uint64_t expected, const char *equity)
{
    uint64_t last = 0;
    assert_ok(tj_ledger_latest(f->ledger, &last, &err));
    assert_int_equal(last, expected);
    tj_live_state *state = load_state(f->store, NULL);
    same_decimal("equity", state->portfolio_equity, decimal(equity));
    tj_live_state_free(state);
}

static void test_sequences_count_commits(fixture *f)
{
    for (uint64_t i = 1; i <= 20; i++) {
        assert_int_equal(commit(begin_fee(f, "1")), i);
    }
    fixture_reopen(f);
    assert_int_equal(commit(begin_fee(f, "1")), 21);
}

static void test_a_commit_id_is_applied_once(fixture *f)
{
    assert_int_equal(commit_fee(f, "1", 1), 1);
    assert_int_equal(commit_fee(f, "2", 2), 2);
    assert_int_equal(commit_fee(f, "3", 1), 1); /* again: the earlier one */
    assert_fees(f, 2, "2");
    assert_int_equal(newest_sequence(f->store), 2);
    fixture_reopen(f);
    assert_int_equal(commit_fee(f, "4", 2), 2);
    assert_int_equal(commit_fee(f, "5", 1), 1);
    assert_fees(f, 2, "2");
    assert_int_equal(commit_fee(f, "6", 3), 3);
    assert_fees(f, 3, "6");
}

static void test_a_commit_id_that_failed_is_free(fixture *f)
{
    tj_commit_options options = with_id(1);
    tj_position position = plain_position("ABC");
    tj_txn *txn = begin_fee(f, "1");
    assert_ok(tj_txn_put_position(txn, (tj_str){0}, &position, &err));
    assert_refused(tj_txn_commit(txn, &options, NULL, &err), TJ_INVALID, "needs a portfolio");
    assert_int_equal(commit_fee(f, "2", 1), 1);
    assert_fees(f, 1, "2");
}

static void test_a_commit_with_an_id_is_always_written(fixture *f)
{
    tj_commit_options options = with_id(9);
    uint64_t sequence = 0;
    assert_ok(tj_txn_commit(begin(f), &options, &sequence, &err));
    assert_int_equal(sequence, 1);
    fixture_reopen(f);
    assert_ok(tj_txn_commit(begin(f), &options, &sequence, &err));
    assert_int_equal(sequence, 1);
    options = with_id(10);
    assert_ok(tj_txn_commit(begin(f), &options, &sequence, &err));
    assert_int_equal(sequence, 2);
}

static void test_many_commit_ids(fixture *f)
{
    for (unsigned i = 1; i <= 200; i++) {
        assert_int_equal(commit_fee(f, "1", i), i);
    }
    fixture_reopen(f);
    for (unsigned i = 1; i <= 200; i++) {
        assert_int_equal(commit_fee(f, "9", i), i);
    }
    assert_fees(f, 200, "1");
}

static void test_an_empty_commit(fixture *f)
{
    assert_int_equal(commit(begin(f)), 0);
    tj_decimal equity = decimal("1");
    assert_int_equal(commit(begin_fee(f, "1")), 1);
    assert_int_equal(commit(begin(f)), 1);
    tj_txn *txn = begin(f); /* changes that change nothing */
    assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
    assert_ok(tj_txn_delete_order(txn, TJ_STR("nowhere"), &err));
    assert_int_equal(commit(txn), 1);
    assert_int_equal(newest_sequence(f->store), 1);
}

static void assert_found(fixture *f, unsigned number, uint64_t expected)
{
    tj_uuid id = uuid(number);
    uint64_t sequence = 77;
    assert_ok(tj_store_commit_find(f->store, &id, &sequence, &err));
    assert_int_equal(sequence, expected);
    assert_ok(tj_store_commit_find(f->store, &id, NULL, &err));
}

static void test_commits_are_found_by_their_ids(fixture *f)
{
    tj_uuid unknown = uuid(3);
    uint64_t sequence = 77;
    char text[TJ_UUID_TEXT_SIZE];
    tj_uuid_format(unknown, text);
    commit_fee(f, "1", 1);
    commit_fee(f, "2", 2);
    assert_found(f, 1, 1);
    assert_found(f, 2, 2);
    assert_refused(tj_store_commit_find(f->store, &unknown, &sequence, &err), TJ_NOT_FOUND, text);
    assert_int_equal(sequence, 77);
    fixture_reopen(f);
    assert_found(f, 1, 1);
    assert_found(f, 2, 2);
}

static void test_the_options_that_only_ask_for_more(fixture *f)
{
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    uint64_t sequence = 0;
    options.sync = true;
    assert_ok(tj_txn_commit(begin_fee(f, "1"), &options, &sequence, &err));
    assert_int_equal(sequence, 1);
    options.critical = true;
    assert_ok(tj_txn_commit(begin_fee(f, "2"), &options, &sequence, &err));
    assert_int_equal(sequence, 2);
    options.deadline_ms = 60 * 1000;
    if (f->engine->no_threads) {
        assert_refused(tj_txn_commit(begin_fee(f, "3"), &options, &sequence, &err), TJ_MISUSE,
                       "a commit with a deadline needs a thread of the store");
        return;
    }
    assert_ok(tj_txn_commit(begin_fee(f, "3"), &options, &sequence, &err));
    assert_int_equal(sequence, 3);
    assert_fees(f, 3, "3");
}

static void test_work_on_the_callers_thread(fixture *f)
{
    commit_fee(f, "1", 1);
    assert_ok(tj_store_work(f->store, &err));
    tj_store_info info = TJ_STORE_INFO_INIT;
    assert_ok(tj_store_info_get(f->store, &info, &err));
    assert_int_equal(info.sequence, 1);
    assert_int_equal(info.lmdb.applied_sequence, is_journal(f) ? 1 : 0);
    assert_int_equal(info.postgres.applied_sequence, is_durable(f) && !is_journal(f) ? 1 : 0);
    assert_int_equal(info.lmdb.lag_bytes, 0);
    assert_int_equal(info.postgres.lag_bytes, 0);
    assert_ok(tj_store_work(f->store, &err));
    assert_fees(f, 1, "1");
}

/* ---- the expected sequence ----------------------------------------------------------------- */

static tj_status commit_expecting(fixture *f, uint64_t expected, uint64_t *sequence)
{
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.expected_sequence = expected;
    return tj_txn_commit(begin_fee(f, "7"), &options, sequence, &err);
}

static void test_the_expected_sequence(fixture *f)
{
    uint64_t sequence = 0;
    commit(begin_fee(f, "1"));
    tj_live_state *state = load_state(f->store, NULL);
    assert_ok(commit_expecting(f, state->sequence, &sequence));
    assert_int_equal(sequence, 2);
    assert_refused(commit_expecting(f, state->sequence, &sequence), TJ_CONFLICT,
                   "the state of book \"default\" was changed by commit 2, after the expected 1; "
                   "load it again");
    assert_int_equal(sequence, 2);
    assert_fees(f, 2, "7");
    tj_live_state_free(state);
    fixture_reopen(f);
    assert_refused(commit_expecting(f, 1, &sequence), TJ_CONFLICT, "changed by commit 2");
    assert_refused(commit_expecting(f, 3, &sequence), TJ_CONFLICT,
                   "the expected commit 3 is not there, the newest is 2");
    assert_refused(commit_expecting(f, UINT64_MAX, &sequence), TJ_CONFLICT, "is not there");
    assert_ok(commit_expecting(f, 2, &sequence));
}

static void test_only_the_books_touched_count(fixture *f)
{
    tj_uuid id = uuid(1);
    tj_algo_state algo = {TJ_STR("twap"), TJ_STR("1")};
    tj_live_state equity = {.has_portfolio_equity = true, .portfolio_equity = decimal("3")};
    commit(begin_fee(f, "1"));
    assert_ok(tj_store_book_create(f->store, "other", &err));
    assert_ok(tj_state_save(tj_store_state_repository(f->store, "other"), &equity, &err));
    assert_ok(tj_algo_save(f->algos, &id, &algo, &err)); /* no LiveState */
    uint64_t sequence = 0;
    assert_ok(commit_expecting(f, 1, &sequence));
    assert_int_equal(sequence, 5);

    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.expected_sequence = 2;
    tj_txn *txn = begin(f); /* touches both; other was changed by 3 */
    assert_ok(tj_txn_use_book(txn, "other", &err));
    assert_ok(tj_txn_set_portfolio_equity(txn, NULL, &err));
    assert_refused(tj_txn_commit(txn, &options, NULL, &err), TJ_CONFLICT,
                   "the state of book \"other\" was changed by commit 3");
}

/* A commit that only deletes changes the state, too. */
static void test_deleting_counts_as_a_change(fixture *f)
{
    tj_order order = plain_order("a");
    tj_live_state state = {.open_orders = &order, .open_order_count = 1};
    assert_ok(tj_state_save(f->states, &state, &err));
    state.open_order_count = 0;
    assert_ok(tj_state_save(f->states, &state, &err));
    uint64_t sequence = 0;
    assert_refused(commit_expecting(f, 1, &sequence), TJ_CONFLICT, "changed by commit 2");
    fixture_reopen(f);
    assert_refused(commit_expecting(f, 1, &sequence), TJ_CONFLICT, "changed by commit 2");
}

/* ---- sizes --------------------------------------------------------------------------------- */

static void test_a_commit_beyond_64_mib(fixture *f)
{
    char *payload = malloc(TJ_JSON_SIZE_MAX);
    assert_non_null(payload);
    memset(payload, ' ', TJ_JSON_SIZE_MAX);
    payload[0] = '1';
    tj_algo_state algo = {TJ_STR("twap"), {payload, TJ_JSON_SIZE_MAX}};
    tj_txn *txn = begin(f);
    for (unsigned i = 0; i < 5; i++) {
        tj_uuid id = uuid(i);
        assert_ok(tj_txn_put_algo(txn, &id, &algo, &err));
    }
    assert_refused(tj_txn_commit(txn, NULL, NULL, &err), TJ_LIMIT, "split it");
    assert_int_equal(newest_sequence(f->store), 0);
    free(payload);
    assert_int_equal(commit(begin_fee(f, "1")), 1);
}

static void test_many_changes_at_once(fixture *f)
{
    tj_txn *txn = begin(f);
    for (unsigned i = 0; i < 20000; i++) {
        char payload[32];
        snprintf(payload, sizeof payload, "{\"n\":%u}", i);
        tj_uuid id = uuid(i);
        tj_algo_state algo = {TJ_STR("twap"), tj_str_of(payload)};
        assert_ok(tj_txn_put_algo(txn, &id, &algo, &err));
    }
    assert_int_equal(commit(txn), 1);
    fixture_reopen(f);
    tj_algo_list *list = NULL;
    assert_ok(tj_algo_load_all(f->algos, &list, &err));
    assert_int_equal(list->count, 20000);
    same_text("payload", list->records[19999].state.payload, TJ_STR("{\"n\":19999}"));
    tj_algo_list_free(list);
}

static void test_several_at_once(fixture *f)
{
    tj_commit_options id = with_id(1), stale = TJ_COMMIT_OPTIONS_INIT;
    tj_error stale_error = TJ_ERROR_INIT;
    stale.expected_sequence = 7;
    tj_commit_item items[] = {{.txn = begin_fee(f, "1"), .options = &id},
                              {.txn = begin_fee(f, "2"), .options = &stale, .error = &stale_error},
                              {.txn = begin_fee(f, "3")},
                              {.txn = begin_fee(f, "4"), .options = &id}};
    tj_txn_commit_all(items, 4);
    assert_int_equal(stale_error.status, TJ_CONFLICT);
    const uint64_t sequences[] = {1, 0, 2, 1};
    for (size_t i = 0; i < 4; i++) {
        assert_null(items[i].txn);
        assert_int_equal(items[i].status, i == 1 ? TJ_CONFLICT : TJ_OK);
        assert_int_equal(items[i].sequence, sequences[i]);
    }
    assert_fees(f, 2, "3");
    fixture_reopen(f);
    assert_fees(f, 2, "3");
}

static const contract_case cases[] = {
    CASE(test_sequences_count_commits),
    CASE(test_a_commit_id_is_applied_once),
    CASE(test_a_commit_id_that_failed_is_free),
    CASE(test_a_commit_with_an_id_is_always_written),
    CASE(test_many_commit_ids),
    CASE(test_an_empty_commit),
    CASE(test_commits_are_found_by_their_ids),
    CASE(test_the_options_that_only_ask_for_more),
    CASE(test_work_on_the_callers_thread),
    CASE(test_the_expected_sequence),
    CASE(test_only_the_books_touched_count),
    CASE(test_deleting_counts_as_a_change),
    CASE(test_a_commit_beyond_64_mib),
    CASE(test_many_changes_at_once),
    CASE(test_several_at_once),
};

CONTRACT_MAIN("commits", cases)
