/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Flushes: how many each commit costs, what callers are told when one fails, and when one
 * stalls. */
#include "strength/fixture.h"

#include <pthread.h>

#include "strength/disk.h"

/* Longer than any test: LMDB is brought up to date when it is asked for. */
#define NEVER_MS 3600000

/* ---- submitted commits of which a flush fails ------------------------------------------------ */

typedef struct outcome {
    unsigned calls;
    tj_status status;
    uint64_t sequence;
    char message[TJ_ERROR_MESSAGE_SIZE];
} outcome;

static outcome outcomes[16];

static void note_outcome(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    outcome *o = context;
    o->calls++;
    o->status = status;
    o->sequence = sequence;
    snprintf(o->message, sizeof o->message, "%s", error ? error->message : "");
}

static void submit(tj_store *store, unsigned number, bool sync)
{
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.sync = sync;
    options.commit_id = uuid(1000 + number);
    outcomes[number] = (outcome){0};
    assert_ok(tj_txn_submit(numbered(store, number), &options, note_outcome, &outcomes[number],
                            NULL, &err));
}

static void complete_all(tj_store *store, size_t count)
{
    for (size_t done = 0, more = 0; done < count; done += more) {
        assert_ok(tj_store_complete(store, 20000, &more, &err));
        assert_int_not_equal(more, 0);
    }
}

static void expect_outcome(unsigned number, tj_status status, const char *text)
{
    const outcome *o = &outcomes[number];
    assert_int_equal(o->calls, 1);
    assert_int_equal(o->sequence, number);
    if (o->status != status || strncmp(o->message, text, strlen(text)) != 0) {
        fail_msg("commit %u: %s: %s", number, tj_status_name(o->status), o->message);
    }
}

static tj_status find(tj_store *store, unsigned number)
{
    tj_uuid id = uuid(1000 + number);
    uint64_t sequence = 0;
    tj_status status = tj_store_commit_find(store, &id, &sequence, NULL);
    assert_true(status == TJ_NOT_FOUND || (status == TJ_OK && sequence == number));
    return status;
}

/* Commit 1 is safe; the flush of 2 is under way and will fail; 3 to 5 are still in memory. */
static void a_failed_flush_is_told_to_each_callback(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    submit(f->store, 1, false);
    complete_all(f->store, 1);
    expect_outcome(1, TJ_OK, "");
    atomic_store(&disk.stalled, true);
    submit(f->store, 2, false);
    disk_await(1);
    for (unsigned i = 3; i <= 5; i++) {
        submit(f->store, i, false);
    }
    atomic_store(&disk.fail_in, 1);
    atomic_store(&disk.stalled, false);
    complete_all(f->store, 4);
    expect_outcome(2, TJ_CLOSED,
                   "outcome unknown until the journal is opened again: "
                   "input/output error: flushing ");
    for (unsigned i = 3; i <= 5; i++) {
        expect_outcome(i, TJ_CLOSED, "not applied: input/output error: flushing ");
    }
    assert_refused(tj_txn_submit(numbered(f->store, 6), NULL, NULL, NULL, NULL, &err), TJ_CLOSED,
                   "not applied");
    uint64_t first = 4711;
    assert_refused(tj_counter_reserve(f->store, NULL, "orders", 1, &first, &err), TJ_CLOSED,
                   "not applied");
    assert_int_equal(first, 4711);
    assert_int_equal(count_numbers(f->store), 1);
    assert_refused(tj_store_close(f->store, &err), TJ_CLOSED, "input/output error");
    f->store = NULL;
    fixture_open(f);
    assert_int_equal(find(f->store, 1), TJ_OK);
    assert_int_equal(holds_number(f->store, 2), find(f->store, 2) == TJ_OK);
    for (unsigned i = 3; i <= 5; i++) {
        assert_false(holds_number(f->store, i));
        assert_int_equal(find(f->store, i), TJ_NOT_FOUND);
    }
    commit_number(f->store, 6);
}

/* An os store: what is only to be written is told apart from what is to be flushed. */
static void a_failed_flush_of_an_os_store_spares_what_is_written(void **state)
{
    fixture *f = *state;
    f->config.durability = TJ_DURABILITY_OS;
    f->config.lmdb.lag_ms = NEVER_MS;
    fixture_open(f);
    submit(f->store, 1, false);
    complete_all(f->store, 1);
    atomic_store(&disk.stalled, true);
    submit(f->store, 2, true);
    disk_await(1);
    submit(f->store, 3, false);
    atomic_store(&disk.fail_in, 1);
    atomic_store(&disk.stalled, false);
    complete_all(f->store, 2);
    expect_outcome(1, TJ_OK, "");
    expect_outcome(2, TJ_CLOSED, "outcome unknown until the journal is opened again: ");
    expect_outcome(3, TJ_CLOSED, "not applied: ");
    assert_int_equal(tj_store_close(f->store, NULL), TJ_CLOSED);
    f->store = NULL;
    fixture_open(f);
    assert_true(holds_number(f->store, 1));
    assert_int_equal(holds_number(f->store, 2), find(f->store, 2) == TJ_OK);
    assert_false(holds_number(f->store, 3));
}

/* ---- sync commits of an os store ------------------------------------------------------------- */

static uint64_t commit_with(tj_store *store, unsigned number, bool sync)
{
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    uint64_t sequence = 0;
    options.sync = sync;
    assert_ok(tj_txn_commit(numbered(store, number), &options, &sequence, &err));
    return sequence;
}

static void an_os_store_flushes_for_sync_commits_and_applies_only(void **state)
{
    fixture *f = *state;
    f->config.durability = TJ_DURABILITY_OS;
    f->config.lmdb.lag_ms = NEVER_MS;
    fixture_open(f);
    disk_reset();
    for (unsigned i = 1; i <= 5; i++) {
        commit_with(f->store, i, false);
    }
    submit(f->store, 6, false);
    complete_all(f->store, 1);
    assert_int_equal(atomic_load(&disk.flushes), 0);
    commit_with(f->store, 7, true);
    assert_int_equal(atomic_load(&disk.flushes), 1);
    submit(f->store, 8, true);
    complete_all(f->store, 1);
    assert_int_equal(atomic_load(&disk.flushes), 2);
    commit_with(f->store, 9, false);
    assert_int_equal(atomic_load(&disk.flushes), 2);
    assert_int_equal(info_of(f->store).lmdb.applied_sequence, 0);
    assert_ok(tj_store_work(f->store, &err));
    assert_int_equal(info_of(f->store).lmdb.applied_sequence, 9);
    assert_int_equal(atomic_load(&disk.flushes), 3);
    assert_int_equal(info_of(f->store).durability, TJ_DURABILITY_OS);
}

/* A commit that changes nothing waits for what it equals: if that was only written, for its
 * flush. */
static void a_sync_commit_of_nothing_flushes_what_it_equals(void **state)
{
    fixture *f = *state;
    f->config.durability = TJ_DURABILITY_OS;
    f->config.lmdb.lag_ms = NEVER_MS;
    fixture_open(f);
    disk_reset();
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.sync = true;
    tj_txn *txn = NULL;
    submit(f->store, 1, false);
    complete_all(f->store, 1);
    assert_int_equal(atomic_load(&disk.flushes), 0);
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    assert_ok(tj_txn_submit(txn, &options, note_outcome, &outcomes[0], NULL, &err));
    complete_all(f->store, 1);
    assert_int_equal(outcomes[0].status, TJ_OK);
    assert_int_equal(outcomes[0].sequence, 1);
    assert_int_equal(atomic_load(&disk.flushes), 1);
    commit_with(f->store, 2, false);
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    assert_ok(tj_txn_commit(txn, &options, NULL, &err));
    assert_int_equal(atomic_load(&disk.flushes), 2);
}

/* Two submitted commits that a third one's flush covers are not flushed again. */
static void submitted_commits_share_flushes(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    disk_reset();
    atomic_store(&disk.stalled, true);
    submit(f->store, 1, false);
    disk_await(1);
    for (unsigned i = 2; i <= 9; i++) {
        submit(f->store, i, false);
    }
    atomic_store(&disk.stalled, false);
    complete_all(f->store, 9);
    for (unsigned i = 1; i <= 9; i++) {
        expect_outcome(i, TJ_OK, "");
    }
    assert_int_equal(atomic_load(&disk.flushes), 2);
}

/* ---- counters -------------------------------------------------------------------------------- */

static void every_reservation_is_flushed(void **state)
{
    fixture *f = *state;
    f->config.durability = TJ_DURABILITY_OS;
    f->config.lmdb.lag_ms = NEVER_MS;
    fixture_open(f);
    disk_reset();
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t first = 0;
        assert_ok(tj_counter_reserve(f->store, NULL, "orders", 10, &first, &err));
        assert_int_equal(first, 1 + 10 * i);
        assert_int_equal(atomic_load(&disk.flushes), i + 1);
    }
    uint64_t first = 0;
    assert_ok(tj_counter_submit(f->store, NULL, "orders", 10, NULL, NULL, &first, &err));
    assert_ok(tj_store_drain(f->store, 0, &err));
    assert_int_equal(first, 31);
    assert_int_equal(atomic_load(&disk.flushes), 4);
}

static void a_failed_reservation_is_never_given_twice(void **state)
{
    fixture *f = *state;
    uint64_t first = 0;
    fixture_open(f);
    assert_ok(tj_counter_reserve(f->store, NULL, "orders", 100, &first, &err));
    assert_int_equal(first, 1);
    atomic_store(&disk.fail_in, 1);
    assert_refused(tj_counter_reserve(f->store, NULL, "orders", 100, &first, &err), TJ_CLOSED,
                   "outcome unknown");
    assert_int_equal(first, 1);
    fixture_drop(f);
    fixture_open(f);
    assert_ok(tj_counter_reserve(f->store, NULL, "orders", 1, &first, &err));
    assert_true(first == 101 || first == 201);
}

/* ---- deadlines ------------------------------------------------------------------------------- */

static tj_status commit_within(tj_store *store, unsigned number, uint32_t deadline_ms,
                               uint64_t *sequence, tj_error *error)
{
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.deadline_ms = deadline_ms;
    options.commit_id = uuid(1000 + number);
    return tj_txn_commit(numbered(store, number), &options, sequence, error);
}

static void a_deadline_that_is_kept_changes_nothing(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    for (unsigned i = 1; i <= 5; i++) {
        uint64_t sequence = 0;
        assert_ok(commit_within(f->store, i, 60000, &sequence, &err));
        assert_int_equal(sequence, i);
    }
    assert_int_equal(count_numbers(f->store), 5);
    tj_txn *txn = NULL;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    tj_position position = plain_position("binance_perp:BTCUSDT");
    options.deadline_ms = 60000;
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    assert_ok(tj_txn_put_position(txn, (tj_str){0}, &position, &err));
    assert_refused(tj_txn_commit(txn, &options, NULL, &err), TJ_INVALID, "needs a portfolio");
    f->config.type = TJ_ENGINE_MEMORY;
    fixture_reopen(f);
    assert_ok(commit_within(f->store, 1, 60000, NULL, &err));
    assert_true(holds_number(f->store, 1));
}

static void a_stalled_flush_ends_in_unknown(void **state)
{
    fixture *f = *state;
    uint64_t sequence = 4711;
    fixture_open(f);
    assert_ok(commit_within(f->store, 1, 60000, NULL, &err));
    atomic_store(&disk.stalled, true);
    uint64_t begun = now_ms();
    assert_refused(commit_within(f->store, 2, 100, &sequence, &err), TJ_UNKNOWN,
                   "the disk did not answer within 100 ms: outcome unknown");
    uint64_t unknown_after = now_ms() - begun;
    begun = now_ms();
    assert_refused(commit_within(f->store, 3, 100, &sequence, &err), TJ_UNAVAILABLE,
                   "not applied: it could not begin within 100 ms");
    uint64_t unavailable_after = now_ms() - begun;
    assert_int_equal(sequence, 4711);
    assert_int_equal(find(f->store, 2), TJ_NOT_FOUND);
    assert_int_equal(count_numbers(f->store), 1);
    atomic_store(&disk.stalled, false);
    assert_in_range(unknown_after, 100, 2000);
    assert_in_range(unavailable_after, 100, 2000);
    /* The retry with the same id waits for the first attempt and is not applied again. */
    assert_ok(commit_within(f->store, 2, 60000, &sequence, &err));
    assert_int_equal(sequence, 2);
    assert_int_equal(find(f->store, 2), TJ_OK);
    assert_int_equal(find(f->store, 3), TJ_NOT_FOUND);
    fixture_reopen(f);
    assert_int_equal(count_numbers(f->store), 2);
    assert_false(holds_number(f->store, 3));
}

static void *release_later(void *context)
{
    sleep_ms(300);
    atomic_store(&disk.stalled, false);
    return context;
}

static void closing_waits_for_the_stalled_one(void **state)
{
    fixture *f = *state;
    pthread_t releaser;
    fixture_open(f);
    atomic_store(&disk.stalled, true);
    assert_refused(commit_within(f->store, 1, 50, NULL, &err), TJ_UNKNOWN, "50 ms");
    assert_int_equal(pthread_create(&releaser, NULL, release_later, NULL), 0);
    fixture_close(f);
    assert_false(atomic_load(&disk.stalled));
    pthread_join(releaser, NULL);
    fixture_open(f);
    assert_true(holds_number(f->store, 1));
}

/* The store that it was made with is gone before the disk answers; the journal is not. */
static void a_shared_store_may_be_closed_before_the_answer(void **state)
{
    fixture *f = *state;
    tj_store *other = NULL;
    f->config.shared = true;
    fixture_open(f);
    assert_ok(tj_store_open(&f->config, &other, &err));
    atomic_store(&disk.stalled, true);
    assert_refused(commit_within(other, 1, 50, NULL, &err), TJ_UNKNOWN, "50 ms");
    assert_ok(tj_store_close(other, &err));
    atomic_store(&disk.stalled, false);
    fixture_reopen(f);
    assert_true(holds_number(f->store, 1));
}

static void a_flush_that_fails_within_the_deadline_is_told(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    atomic_store(&disk.fail_in, 1);
    assert_refused(commit_within(f->store, 1, 60000, NULL, &err), TJ_CLOSED, "outcome unknown");
    assert_refused(commit_within(f->store, 2, 60000, NULL, &err), TJ_CLOSED, "not applied");
    fixture_drop(f);
    fixture_open(f);
    assert_false(holds_number(f->store, 2));
}

#define TEST(name) JOURNAL_TEST_WITH(name, NULL, disk_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_failed_flush_is_told_to_each_callback),
        TEST(a_failed_flush_of_an_os_store_spares_what_is_written),
        TEST(an_os_store_flushes_for_sync_commits_and_applies_only),
        TEST(a_sync_commit_of_nothing_flushes_what_it_equals),
        TEST(submitted_commits_share_flushes),
        TEST(every_reservation_is_flushed),
        TEST(a_failed_reservation_is_never_given_twice),
        TEST(a_deadline_that_is_kept_changes_nothing),
        TEST(a_stalled_flush_ends_in_unknown),
        TEST(closing_waits_for_the_stalled_one),
        TEST(a_shared_store_may_be_closed_before_the_answer),
        TEST(a_flush_that_fails_within_the_deadline_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
