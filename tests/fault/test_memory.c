/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every allocation of a call fails once, in turn, also those inside LMDB and SQLite: the call
 * says NOMEM, or works nevertheless; what is stored is as before, and the store works on.
 */
#include <limits.h>
#include <stdio.h>

#include "support/sanitized.h"

#if SANITIZED

int main(void)
{
    printf("SKIP: a sanitizer has its own allocator\n");
    return 77;
}

#else

#include "memory.h"

/* ---- the calls ------------------------------------------------------------------------------- */

/* A transaction that puts the scene's number; there is none unless this succeeds. */
static tj_status begin_numbered(scene *s, tj_txn **txn, tj_error *error)
{
    tj_status status = tj_txn_begin(s->f.store, txn, error);
    if (status == TJ_OK) {
        status = note_number(*txn, s->number, error);
        if (status != TJ_OK) {
            tj_txn_abort(*txn);
        }
    }
    return status;
}

static tj_status do_commit(scene *s, tj_error *error)
{
    tj_txn *txn = NULL;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.commit_id = uuid(100000 + s->number);
    tj_status status = begin_numbered(s, &txn, error);
    return status == TJ_OK ? tj_txn_commit(txn, &options, NULL, error) : status;
}

static tj_status do_submit(scene *s, tj_error *error)
{
    tj_txn *txn = NULL;
    tj_status status = begin_numbered(s, &txn, error);
    if (status != TJ_OK) {
        return status;
    }
    status = tj_txn_submit(txn, NULL, NULL, NULL, NULL, error);
    return status == TJ_OK ? tj_store_complete(s->f.store, 10000, NULL, error) : status;
}

enum { TOGETHER = 3 };

/* One that finds no memory leaves the others. The scene's number is that of the one that failed. */
static tj_status do_commit_all(scene *s, tj_error *error)
{
    tj_commit_item items[TOGETHER] = {{.txn = NULL}};
    const unsigned numbers[TOGETHER] = {s->number, s->next, s->next + 1};
    tj_status status = TJ_OK;
    s->next += TOGETHER - 1;
    for (size_t i = 0; i < TOGETHER && status == TJ_OK; i++) {
        s->number = numbers[i];
        items[i].error = error;
        status = begin_numbered(s, &items[i].txn, error);
    }
    if (status != TJ_OK) {
        for (size_t i = 0; s->number != numbers[i]; i++) {
            tj_txn_abort(items[i].txn);
        }
        return status;
    }
    tj_txn_commit_all(items, TOGETHER);
    bool before = armed;
    armed = false;
    for (size_t i = 0; i < TOGETHER; i++) {
        assert_int_equal(holds_number(s->f.store, numbers[i]), items[i].status == TJ_OK);
        if (items[i].status != TJ_OK) {
            assert_int_equal(status, TJ_OK);
            status = items[i].status;
            s->number = numbers[i];
        }
    }
    armed = before;
    return status;
}

static tj_status do_within(scene *s, tj_error *error)
{
    tj_txn *txn = NULL;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.deadline_ms = 60000;
    tj_status status = begin_numbered(s, &txn, error);
    return status == TJ_OK ? tj_txn_commit(txn, &options, NULL, error) : status;
}

static tj_status do_line(scene *s, tj_error *error)
{
    char line[256];
    tj_txn *txn = NULL;
    tj_uuid id = uuid(s->number);
    char text[TJ_UUID_TEXT_SIZE];
    tj_uuid_format(id, text);
    snprintf(line, sizeof line,
             "{\"algos\":{\"%s\":{\"plugin\":\"twap\",\"payload\":{\"n\":%u}}},"
             "\"extra\":{\"a\":[1,2]}}",
             text, s->number);
    tj_status status = tj_txn_begin(s->f.store, &txn, error);
    if (status == TJ_OK) {
        status = tj_txn_apply_json(txn, tj_str_of(line), NULL, error);
    }
    if (status != TJ_OK) {
        tj_txn_abort(txn);
        return status;
    }
    return tj_txn_commit(txn, NULL, NULL, error);
}

static tj_status do_save(scene *s, tj_error *error)
{
    return tj_state_save(tj_store_state_repository(s->f.store, NULL), s->saved, error);
}

static tj_status do_load_state(scene *s, tj_error *error)
{
    tj_live_state *state = NULL;
    tj_status status = tj_state_load(tj_store_state_repository(s->f.store, NULL), &state, error);
    assert_true((status == TJ_OK) == (state != NULL));
    tj_live_state_free(state);
    return status;
}

static tj_status do_load_algos(scene *s, tj_error *error)
{
    tj_algo_list *list = NULL;
    tj_status status = tj_algo_load_all(tj_store_algo_repository(s->f.store, NULL), &list, error);
    assert_true((status == TJ_OK) == (list != NULL));
    assert_true(!list || list->quarantined_count == 0);
    tj_algo_list_free(list);
    return status;
}

static tj_status do_load_past(scene *s, tj_error *error)
{
    tj_algo_list *list = NULL;
    tj_status status = tj_algo_load_all_at(tj_store_algo_repository(s->f.store, NULL),
                                           (tj_moment){20, false, 0}, &list, error);
    assert_true((status == TJ_OK) == (list != NULL));
    assert_true(!list || list->count == 20);
    tj_algo_list_free(list);
    return status;
}

static tj_status read_history(scene *s, bool descending, tj_error *error)
{
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    tj_history *history = NULL;
    const tj_history_commit *commit = NULL;
    query.kinds = 1u << TJ_ENTITY_ALGO;
    query.book = "default";
    query.old_values = true;
    query.descending = descending;
    query.sequence_last = 30;
    tj_status status = tj_history_open(s->f.store, &query, &history, error);
    assert_true((status == TJ_OK) == (history != NULL));
    do {
        status = status == TJ_OK ? tj_history_next(history, &commit, error) : status;
    } while (status == TJ_OK && commit);
    tj_history_close(history);
    return status;
}

static tj_status do_forwards(scene *s, tj_error *error)
{
    return read_history(s, false, error);
}

static tj_status do_backwards(scene *s, tj_error *error)
{
    return read_history(s, true, error);
}

static tj_status do_diff(scene *s, tj_error *error)
{
    tj_history_diff *diff = NULL;
    tj_status status = tj_history_diff_load(s->f.store, (tj_moment){10, false, 0},
                                            (tj_moment){20, false, 0}, NULL, &diff, error);
    assert_true((status == TJ_OK) == (diff != NULL));
    tj_history_diff_free(diff);
    return status;
}

static tj_status do_curve(scene *s, tj_error *error)
{
    tj_equity_curve *curve = NULL;
    tj_status status =
        tj_equity_curve_load(tj_store_state_repository(s->f.store, NULL), (tj_moment)TJ_MOMENT_INIT,
                             (tj_moment)TJ_MOMENT_INIT, &curve, error);
    assert_true((status == TJ_OK) == (curve != NULL));
    tj_equity_curve_free(curve);
    return status;
}

/* To the commit that the scene's number names. */
static tj_status roll_back(scene *s, bool dry_run, tj_error *error)
{
    tj_rollback_report *report = NULL;
    tj_rollback_options options = TJ_ROLLBACK_OPTIONS_INIT;
    options.dry_run = dry_run;
    tj_status status =
        tj_state_rollback(tj_store_state_repository(s->f.store, NULL),
                          (tj_moment){s->number, false, 0}, &options, &report, error);
    assert_true((status == TJ_OK) == (report != NULL));
    tj_rollback_report_free(report);
    return status;
}

static tj_status do_compare(scene *s, tj_error *error)
{
    return roll_back(s, true, error);
}

static tj_status do_rollback(scene *s, tj_error *error)
{
    return roll_back(s, false, error);
}

static tj_status do_books(scene *s, tj_error *error)
{
    tj_book_list *list = NULL;
    tj_status status = tj_store_books(s->f.store, &list, error);
    tj_book_list_free(list);
    return status;
}

static tj_status do_info(scene *s, tj_error *error)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    return tj_store_info_get(s->f.store, &info, error);
}

static tj_status do_work(scene *s, tj_error *error)
{
    return tj_store_work(s->f.store, error);
}

static tj_status do_open(scene *s, tj_error *error)
{
    return tj_store_open(&s->f.config, &s->f.store, error);
}

static tj_status do_close(scene *s, tj_error *error)
{
    tj_store *store = s->f.store;
    s->f.store = NULL;
    return tj_store_close(store, error);
}

/* Handles are made before: without memory they are NULL, which no call takes. */
static void make_handles(tj_store *store)
{
    bool before = armed;
    armed = false;
    assert_non_null(tj_store_ledger_repository(store, NULL));
    assert_non_null(tj_store_algo_repository(store, NULL));
    armed = before;
}

static tj_ledger_repository *ledger_of(scene *s)
{
    return tj_store_ledger_repository(s->f.store, NULL);
}

static tj_status do_append(scene *s, tj_error *error)
{
    tj_ledger_entry entry = plain_entry(s->number, "1.5");
    uint64_t last = 0;
    return tj_ledger_append(ledger_of(s), &entry, 1, &last, error);
}

static tj_status do_find(scene *s, tj_error *error)
{
    tj_ledger_list *list = NULL;
    tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
    query.by_time = true;
    tj_status status = tj_ledger_find(ledger_of(s), &query, &list, error);
    tj_ledger_list_free(list);
    return status;
}

static tj_status do_reserve(scene *s, tj_error *error)
{
    uint64_t first = 0;
    return tj_counter_reserve(s->f.store, NULL, "orders", 1, &first, error);
}

static tj_status do_look_on(scene *s, tj_error *error)
{
    tj_store *view = NULL;
    tj_status status = tj_store_open(&s->f.config, &view, error);
    assert_true((status == TJ_OK) == (view != NULL));
    s->f.store = view;
    if (status == TJ_OK) {
        make_handles(view);
        status = do_load_algos(s, error);
    }
    if (status == TJ_OK) {
        status = do_info(s, error);
    }
    s->f.store = NULL;
    (void)tj_store_close(view, NULL);
    return status;
}

/* ---- the tests ------------------------------------------------------------------------------- */

static void commits(void **state)
{
    scene *s = *state;
    fixture_open(&s->f);
    for_each_allocation_of_a_write(s, "commit", do_commit);
    for_each_allocation_of_a_write(s, "submit", do_submit);
    for_each_allocation_of_a_write(s, "commit several", do_commit_all);
    for_each_allocation_of_a_write(s, "record", do_line);
    size_t count = count_numbers(s->f.store);
    fixture_reopen(&s->f);
    assert_int_equal(count_numbers(s->f.store), count);
}

static void commits_with_a_deadline(void **state)
{
    scene *s = *state;
    s->f.config.no_threads = false;
    fixture_open(&s->f);
    for_each_allocation_of_a_write(s, "deadline", do_within);
}

static void commits_in_memory(void **state)
{
    scene *s = *state;
    s->f.config.type = TJ_ENGINE_MEMORY;
    fixture_open(&s->f);
    for_each_allocation_of_a_write(s, "commit", do_commit);
    for_each_allocation_of_a_write(s, "submit", do_submit);
    for_each_allocation_of_a_write(s, "commit several", do_commit_all);
    for_each_allocation_of_a_read(s, "load", do_load_algos);
}

/* A failed save leaves the one before. */
static void saves(void **state)
{
    scene *s = *state;
    fixture_open(&s->f);
    tj_state_repository *states = tj_store_state_repository(s->f.store, NULL);
    tj_order orders[3] = {plain_order("a"), plain_order("b"), plain_order("c")};
    tj_live_state saved = {.has_portfolio_equity = true,
                           .portfolio_equity = decimal("1"),
                           .has_portfolio = true,
                           .portfolio = plain_portfolio(),
                           .open_orders = orders,
                           .open_order_count = 1,
                           .strategy_state = TJ_STR("{\"deep\":[1,{\"x\":null}]}"),
                           .extra = TJ_STR("{\"unknow\\u006e\":[1]}")};
    s->saved = &saved;
    assert_ok(do_save(s, &err));
    long at = 1;
    do {
        tj_live_state *before = NULL;
        tj_live_state *after = NULL;
        assert_ok(tj_state_load(states, &before, &err));
        tj_order swapped = orders[0]; /* some keep their place, some get another rank */
        orders[0] = orders[2];
        orders[2] = swapped;
        saved.open_order_count = 1 + (size_t)at % 3;
        saved.portfolio_equity = tj_decimal_int(at);
        tj_status status = perform(s, "save", do_save, at++);
        assert_ok(tj_state_load(states, &after, &err));
        bool same = after->sequence == before->sequence;
        assert_int_equal(same, status != TJ_OK);
        assert_int_equal(after->open_order_count,
                         status == TJ_OK ? saved.open_order_count : before->open_order_count);
        tj_live_state_free(before);
        tj_live_state_free(after);
    } while (reached());
    assert_in_range(at, 5, 5000);
    for_each_allocation_of_a_read(s, "load", do_load_state);
}

static void loads(void **state)
{
    scene *s = *state;
    fixture_open(&s->f);
    for (; s->next < 40; s->next++) {
        commit_number(s->f.store, s->next);
    }
    assert_int_equal(count_numbers(s->f.store),
                     39); /* makes the handle, which is NULL without memory */
    for_each_allocation_of_a_read(s, "load", do_load_algos);
    for_each_allocation_of_a_read(s, "books", do_books);
    for_each_allocation_of_a_read(s, "info", do_info);
}

#define ROLLBACKS 30

/* Each commit takes memory to be read again, so not every allocation has its turn, but some up to
 * the last. A rollback that fails has changed nothing. */
static void rollbacks(scene *s)
{
    long count = 0;
    s->number = 30;
    for_each_allocation_of_a_read(s, "compare for a rollback", do_compare);
    for (long i = ROLLBACKS; i >= 0; i--) {
        uint64_t newest = info_of(s->f.store).sequence;
        long at = count > 0 ? 1 + count * i / ROLLBACKS : LONG_MAX;
        tj_status status = perform(s, "rollback", do_rollback, at);
        count = count > 0 ? count : allocations;
        assert_int_equal(info_of(s->f.store).sequence, status == TJ_OK ? newest + 1 : newest);
        commit_number(s->f.store, s->next++);
    }
    assert_in_range(count, 20, 5000);
}

static void the_past(void **state)
{
    scene *s = *state;
    fixture_open(&s->f);
    for (; s->next < 40; s->next++) {
        commit_number(s->f.store, s->next);
    }
    make_handles(s->f.store);
    for_each_allocation_of_a_read(s, "load the past", do_load_past);
    for_each_allocation_of_a_read(s, "read forwards", do_forwards);
    for_each_allocation_of_a_read(s, "read backwards", do_backwards);
    for_each_allocation_of_a_read(s, "diff", do_diff);
    for_each_allocation_of_a_read(s, "curve", do_curve);
    rollbacks(s);
}

/* Bringing LMDB up to date fails, and is done the next time. */
static void applies(void **state)
{
    scene *s = *state;
    fixture_open(&s->f);
    long at = 1;
    do {
        commit_number(s->f.store, s->next++);
        (void)perform(s, "work", do_work, at++);
        assert_ok(tj_store_work(s->f.store, &err));
        tj_store_info info = info_of(s->f.store);
        assert_int_equal(info.lmdb.applied_sequence, info.sequence);
    } while (reached());
    assert_int_equal(count_numbers(s->f.store), s->next - 1);
}

/* Opening anew, with commits that LMDB does not have, and closing with more of them. */
static void opening_and_closing(void **state)
{
    scene *s = *state;
    bool more = true;
    for (long at = 1; more; at++) {
        if (perform(s, "open", do_open, at) != TJ_OK) {
            assert_null(s->f.store);
            fixture_open(&s->f);
        }
        more = reached();
        commit_number(s->f.store, s->next++);
        (void)perform(s, "close", do_close, at);
        more = more || reached();
    }
    fixture_open(&s->f);
    assert_int_equal(count_numbers(s->f.store), s->next - 1);
}

static void creating(void **state)
{
    scene *s = *state;
    long at = 1;
    do {
        directory_remove(s->f.path);
        if (perform(s, "create", do_open, at++) != TJ_OK) {
            assert_null(s->f.store);
            fixture_open(&s->f);
        }
        commit_number(s->f.store, 1);
        fixture_reopen(&s->f);
        assert_int_equal(count_numbers(s->f.store), 1);
        fixture_close(&s->f);
    } while (reached());
}

static void ledgers_and_counters(void **state)
{
    scene *s = *state;
    uint64_t latest = 0;
    uint64_t next = 0;
    long at = 1;
    fixture_open(&s->f);
    make_handles(s->f.store);
    for (bool more = true; more; at++) {
        s->number = (unsigned)at;
        uint64_t entries = latest;
        uint64_t numbers = next;
        tj_status appended = perform(s, "append", do_append, at);
        more = reached();
        tj_status reserved = perform(s, "reserve", do_reserve, at);
        more = more || reached();
        assert_ok(tj_ledger_latest(ledger_of(s), &latest, &err));
        assert_int_equal(latest, entries + (appended == TJ_OK));
        assert_ok(tj_counter_next(s->f.store, NULL, "orders", &next, &err));
        assert_int_equal(next, numbers + (numbers == 0) + (reserved == TJ_OK));
    }
    assert_in_range(at, 4, 5000);
    for_each_allocation_of_a_read(s, "find", do_find);
}

/* Beside no writer, with commits that LMDB does not have. */
static void looking_on(void **state)
{
    scene *s = *state;
    fixture_open(&s->f);
    commit_number(s->f.store, s->next++);
    fixture_close(&s->f);
    s->f.config.read_only = true;
    long at = 1;
    do {
        (void)perform(s, "look on", do_look_on, at++);
    } while (reached());
    assert_in_range(at, 10, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(commits),
        TEST(commits_with_a_deadline),
        TEST(commits_in_memory),
        TEST(saves),
        TEST(loads),
        TEST(the_past),
        TEST(applies),
        TEST(opening_and_closing),
        TEST(creating),
        TEST(ledgers_and_counters),
        TEST(looking_on),
    };
    directory_in_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
