/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Commits that share one wait: tj_txn_commit_all, promise by promise. */
#include "strength/fixture.h"

#include <pthread.h>

#include "strength/disk.h"

enum { MANY = 300 };

static tj_commit_item items[MANY];
static tj_error errors[MANY];

/* Items with the numbered transactions from `first` on. */
static void gather(tj_store *store, unsigned first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        errors[i] = (tj_error)TJ_ERROR_INIT;
        items[i] = (tj_commit_item){
            .txn = numbered(store, first + (unsigned)i), .sequence = 4711, .error = &errors[i]};
    }
}

static void expect_item(size_t index, tj_status status, const char *text)
{
    if (items[index].status != status || strncmp(errors[index].message, text, strlen(text)) != 0) {
        fail_msg("item %zu: %s: %s", index, tj_status_name(items[index].status),
                 errors[index].message);
    }
    assert_null(items[index].txn);
}

static void all_are_durable_with_one_flush(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    disk_reset();
    gather(f->store, 1, MANY);
    tj_txn_commit_all(items, MANY);
    for (size_t i = 0; i < MANY; i++) {
        expect_item(i, TJ_OK, "");
        assert_int_equal(items[i].sequence, i + 1);
    }
    assert_int_equal(atomic_load(&disk.flushes), 1);
    assert_int_equal(count_numbers(f->store), MANY);
    tj_txn_commit_all(items, 0);
    assert_int_equal(atomic_load(&disk.flushes), 1);
    fixture_reopen(f);
    assert_int_equal(count_numbers(f->store), MANY);
}

static void one_that_fails_leaves_the_others(void **state)
{
    fixture *f = *state;
    tj_store *other = NULL;
    tj_config apart = TJ_CONFIG_INIT;
    tj_commit_options hurried = TJ_COMMIT_OPTIONS_INIT;
    tj_commit_options stale = TJ_COMMIT_OPTIONS_INIT;
    tj_position position = plain_position("binance_perp:BTCUSDT");
    apart.type = TJ_ENGINE_MEMORY;
    hurried.deadline_ms = 1000;
    stale.struct_size = 1;
    fixture_open(f);
    assert_ok(tj_store_open(&apart, &other, &err));
    gather(f->store, 1, 7);
    assert_ok(tj_txn_put_position(items[1].txn, (tj_str){0}, &position, &err));
    items[2].options = &hurried;
    items[3].options = &stale;
    tj_txn_abort(items[4].txn);
    items[4].txn = numbered(other, 5);
    tj_txn_abort(items[5].txn);
    items[5].txn = NULL;
    tj_txn_commit_all(items, 7);
    expect_item(0, TJ_OK, "");
    expect_item(1, TJ_INVALID, "");
    assert_non_null(strstr(errors[1].message, "needs a portfolio"));
    expect_item(2, TJ_MISUSE, "a deadline is for a commit that is made alone");
    expect_item(3, TJ_MISUSE, "the commit options struct");
    expect_item(4, TJ_MISUSE, "it is of another journal than the first");
    expect_item(5, TJ_MISUSE, "no transaction");
    expect_item(6, TJ_OK, "");
    assert_int_equal(items[0].sequence, 1);
    assert_int_equal(items[1].sequence, 4711);
    assert_int_equal(items[6].sequence, 2);
    assert_int_equal(count_numbers(f->store), 2);
    assert_int_equal(count_numbers(other), 0);
    assert_ok(tj_store_close(other, &err));
}

static void no_place_for_the_error_is_needed(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    gather(f->store, 1, 2);
    tj_commit_options hurried = TJ_COMMIT_OPTIONS_INIT;
    hurried.deadline_ms = 1000;
    items[0].options = &hurried;
    items[0].error = items[1].error = NULL;
    tj_txn_commit_all(items, 2);
    assert_int_equal(items[0].status, TJ_MISUSE);
    assert_int_equal(items[1].status, TJ_OK);
}

/* An earlier commit with the id of the last one, and one that changes nothing. */
static void what_is_there_already_is_not_made_again(void **state)
{
    fixture *f = *state;
    tj_commit_options once = TJ_COMMIT_OPTIONS_INIT;
    once.commit_id = uuid(1000);
    fixture_open(f);
    gather(f->store, 1, 3);
    items[0].options = items[2].options = &once;
    assert_ok(tj_txn_begin(f->store, &items[1].txn, &err));
    tj_txn_commit_all(items, 3);
    for (size_t i = 0; i < 3; i++) {
        expect_item(i, TJ_OK, "");
        assert_int_equal(items[i].sequence, 1);
    }
    assert_false(holds_number(f->store, 3));
}

static void *commit_all_later(void *context)
{
    (void)context;
    tj_txn_commit_all(items, 3);
    return NULL;
}

/* Their flush fails, and another commit is behind it. */
static void a_failed_flush_is_told_to_each(void **state)
{
    fixture *f = *state;
    pthread_t thread;
    fixture_open(f);
    commit_number(f->store, 1);
    gather(f->store, 2, 3);
    atomic_store(&disk.stalled, true);
    assert_int_equal(pthread_create(&thread, NULL, commit_all_later, NULL), 0);
    disk_await(1);
    assert_ok(tj_txn_submit(numbered(f->store, 5), NULL, NULL, NULL, NULL, &err));
    atomic_store(&disk.fail_in, 1);
    atomic_store(&disk.stalled, false);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < 3; i++) {
        expect_item(i, TJ_CLOSED, "outcome unknown until the journal is opened again: ");
    }
    gather(f->store, 6, 1);
    tj_txn_commit_all(items, 1);
    expect_item(0, TJ_CLOSED, "not applied: ");
    assert_int_equal(tj_store_close(f->store, NULL), TJ_CLOSED);
    f->store = NULL;
    fixture_open(f);
    assert_true(holds_number(f->store, 1));
    assert_false(holds_number(f->store, 6));
}

/* A store that need not flush does so when one of them asks for it. */
static void an_os_store_flushes_when_one_asks(void **state)
{
    fixture *f = *state;
    tj_commit_options flushed = TJ_COMMIT_OPTIONS_INIT;
    flushed.sync = true;
    f->config.durability = TJ_DURABILITY_OS;
    f->config.lmdb.lag_ms = 3600000;
    fixture_open(f);
    disk_reset();
    gather(f->store, 1, 3);
    tj_txn_commit_all(items, 3);
    assert_int_equal(atomic_load(&disk.flushes), 0);
    gather(f->store, 4, 3);
    items[0].options = &flushed;
    tj_txn_commit_all(items, 3);
    assert_int_equal(atomic_load(&disk.flushes), 1);
    for (size_t i = 0; i < 3; i++) {
        expect_item(i, TJ_OK, "");
        assert_int_equal(items[i].sequence, i + 4);
    }
}

#define TEST(name) JOURNAL_TEST_WITH(name, NULL, disk_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_are_durable_with_one_flush),   TEST(one_that_fails_leaves_the_others),
        TEST(no_place_for_the_error_is_needed), TEST(what_is_there_already_is_not_made_again),
        TEST(a_failed_flush_is_told_to_each),   TEST(an_os_store_flushes_when_one_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
