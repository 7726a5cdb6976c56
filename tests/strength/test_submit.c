/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Submitted commits: async.h, promise by promise. */
#include "strength/fixture.h"

#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* What callbacks saw. */
static struct {
    pthread_mutex_t lock;
    size_t calls;
    size_t others; /* not TJ_OK */
    uint64_t last; /* sequence */
    bool misordered;
    bool foreign; /* called on another thread than `thread` */
    pthread_t thread;
    unsigned char seen[TJ_SUBMITTED_MAX + 1]; /* by number */
} calls = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void forget_calls(void)
{
    calls.calls = calls.others = 0;
    calls.last = 0;
    calls.misordered = calls.foreign = false;
    calls.thread = pthread_self();
    memset(calls.seen, 0, sizeof calls.seen);
}

static void *number_of(unsigned number)
{
    return (void *)(uintptr_t)number;
}

static void on_done(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    pthread_mutex_lock(&calls.lock);
    calls.calls++;
    calls.others += status != TJ_OK || error;
    calls.misordered = calls.misordered || sequence < calls.last;
    calls.last = sequence;
    calls.foreign = calls.foreign || !pthread_equal(pthread_self(), calls.thread);
    calls.seen[(uintptr_t)context]++;
    pthread_mutex_unlock(&calls.lock);
}

static void expect_calls(size_t count)
{
    assert_int_equal(calls.calls, count);
    assert_int_equal(calls.others, 0);
    for (size_t i = 1; i <= count; i++) {
        assert_int_equal(calls.seen[i], 1);
    }
}

static uint64_t submit_number(tj_store *store, unsigned number)
{
    uint64_t sequence = 0;
    assert_ok(
        tj_txn_submit(numbered(store, number), NULL, on_done, number_of(number), &sequence, &err));
    return sequence;
}

static size_t complete(tj_store *store, uint32_t wait_ms)
{
    size_t count = 0;
    assert_ok(tj_store_complete(store, wait_ms, &count, &err));
    return count;
}

static void complete_all(tj_store *store, size_t count)
{
    for (size_t done = 0; done < count;) {
        size_t more = complete(store, 20000);
        assert_int_not_equal(more, 0);
        done += more;
    }
}

static bool is_readable(tj_store *store, int wait_ms)
{
    struct pollfd one = {.fd = tj_store_completion_fd(store), .events = POLLIN};
    assert_true(one.fd >= 0);
    return poll(&one, 1, wait_ms) == 1;
}

/* ---- the tests ------------------------------------------------------------------------------- */

static void an_event_loop_gets_each_once_and_in_order(void **state)
{
    enum { COUNT = 3000 };
    fixture *f = *state;
    fixture_open(f);
    forget_calls();
    unsigned submitted = 0;
    while (calls.calls < COUNT) {
        for (unsigned i = 0; i < 100 && submitted < COUNT; i++) {
            submitted++;
            assert_int_equal(submit_number(f->store, submitted), submitted);
        }
        assert_true(is_readable(f->store, 20000));
        assert_int_not_equal(complete(f->store, 0), 0);
    }
    expect_calls(COUNT);
    assert_false(calls.misordered || calls.foreign);
    assert_false(is_readable(f->store, 0));
    assert_int_equal(count_numbers(f->store), COUNT);
    fixture_reopen(f);
    assert_int_equal(count_numbers(f->store), COUNT);
}

static void the_descriptor_is_readable_while_completions_wait(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    forget_calls();
    assert_false(is_readable(f->store, 0));
    assert_int_equal(complete(f->store, 0), 0);
    submit_number(f->store, 1);
    assert_true(is_readable(f->store, 20000));
    assert_true(is_readable(f->store, 0));
    assert_int_equal(calls.calls, 0);
    assert_int_equal(complete(f->store, 0), 1);
    assert_false(is_readable(f->store, 0));
    assert_int_equal(tj_store_completion_fd(f->store), tj_store_completion_fd(f->store));
    expect_calls(1);
}

static void complete_waits_for_the_first_one_and_not_longer(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    forget_calls();
    uint64_t begun = now_ms();
    assert_int_equal(complete(f->store, 50), 0);
    assert_true(now_ms() - begun >= 50);
    submit_number(f->store, 1);
    begun = now_ms();
    assert_int_equal(complete(f->store, 60000), 1);
    assert_true(now_ms() - begun < 50000);
    assert_ok(tj_store_complete(f->store, 0, NULL, &err));
    expect_calls(1);
}

typedef struct submitter {
    tj_store *store;
    unsigned first;
    unsigned count;
} submitter;

static void *submit_many(void *context)
{
    const submitter *s = context;
    for (unsigned i = 0; i < s->count; i++) {
        submit_number(s->store, s->first + i);
    }
    return NULL;
}

static void *complete_some(void *context)
{
    const submitter *s = context;
    for (size_t done = 0; done < s->count;) {
        (void)complete(s->store, 10);
        pthread_mutex_lock(&calls.lock);
        done = calls.calls;
        pthread_mutex_unlock(&calls.lock);
    }
    return NULL;
}

static void threads_submit_and_one_completes(void **state)
{
    enum { THREADS = 4, EACH = 500 };
    fixture *f = *state;
    pthread_t threads[THREADS];
    submitter all[THREADS];
    fixture_open(f);
    forget_calls();
    for (unsigned i = 0; i < THREADS; i++) {
        all[i] = (submitter){f->store, 1 + i * EACH, EACH};
        assert_int_equal(pthread_create(&threads[i], NULL, submit_many, &all[i]), 0);
    }
    complete_all(f->store, THREADS * EACH);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(complete(f->store, 0), 0);
    expect_calls(THREADS * EACH);
    assert_false(calls.misordered || calls.foreign);
    fixture_reopen(f);
    assert_int_equal(count_numbers(f->store), THREADS * EACH);
}

static void several_complete_and_each_callback_is_called_once(void **state)
{
    enum { THREADS = 3, COUNT = 1500 };
    fixture *f = *state;
    pthread_t threads[THREADS];
    fixture_open(f);
    forget_calls();
    submitter all = {f->store, 1, COUNT};
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, complete_some, &all), 0);
    }
    submit_many(&all);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    expect_calls(COUNT);
}

typedef struct chain {
    tj_store *store;
    unsigned next;
    unsigned end;
} chain;

static void submit_next(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    chain *c = context;
    on_done(number_of(c->next), status, sequence, error);
    if (c->next++ < c->end) {
        assert_ok(tj_txn_submit(numbered(c->store, c->next), NULL, submit_next, c, NULL, &err));
    }
}

static void a_callback_submits_again(void **state)
{
    enum { COUNT = 300 };
    fixture *f = *state;
    fixture_open(f);
    forget_calls();
    chain c = {f->store, 1, COUNT};
    assert_ok(tj_txn_submit(numbered(f->store, 1), NULL, submit_next, &c, NULL, &err));
    complete_all(f->store, COUNT);
    expect_calls(COUNT);
    assert_false(calls.misordered || calls.foreign);
    assert_int_equal(complete(f->store, 0), 0);
}

/* In memory everything lands at once, so a call that went on for ever would be seen here. */
static void complete_ends_although_callbacks_submit(void **state)
{
    enum { COUNT = 200 };
    fixture *f = *state;
    f->config.type = TJ_ENGINE_MEMORY;
    fixture_open(f);
    forget_calls();
    chain c = {f->store, 1, COUNT};
    assert_ok(tj_txn_submit(numbered(f->store, 1), NULL, submit_next, &c, NULL, &err));
    while (complete(f->store, 1000) != 0) {
        continue;
    }
    expect_calls(COUNT);
}

static void too_many_are_refused_and_nothing_happens(void **state)
{
    fixture *f = *state;
    f->config.type = TJ_ENGINE_MEMORY;
    fixture_open(f);
    forget_calls();
    for (unsigned i = 1; i <= TJ_SUBMITTED_MAX; i++) {
        submit_number(f->store, i);
    }
    uint64_t sequence = 4711;
    tj_txn *txn = numbered(f->store, TJ_SUBMITTED_MAX + 1);
    assert_refused(tj_txn_submit(txn, NULL, on_done, NULL, &sequence, &err), TJ_BUSY,
                   "65536 submitted commits wait for their completion to be taken");
    assert_int_equal(sequence, 4711);
    assert_false(holds_number(f->store, TJ_SUBMITTED_MAX + 1));
    complete_all(f->store, TJ_SUBMITTED_MAX);
    expect_calls(TJ_SUBMITTED_MAX);
    assert_false(calls.misordered);
    assert_ok(tj_txn_submit(numbered(f->store, 7), NULL, NULL, NULL, &sequence, &err));
    assert_int_equal(sequence, TJ_SUBMITTED_MAX + 1);
    assert_int_equal(complete(f->store, 10000), 1);
    expect_calls(TJ_SUBMITTED_MAX);
}

static void closing_with_submissions_in_flight_keeps_them(void **state)
{
    enum { COUNT = 500 };
    fixture *f = *state;
    fixture_open(f);
    forget_calls();
    submitter all = {f->store, 1, COUNT};
    submit_many(&all);
    fixture_reopen(f);
    assert_int_equal(calls.calls, 0);
    assert_int_equal(count_numbers(f->store), COUNT);
    f->config.durability = TJ_DURABILITY_OS;
    fixture_reopen(f);
    all = (submitter){f->store, COUNT + 1, COUNT};
    submit_many(&all);
    fixture_reopen(f);
    assert_int_equal(count_numbers(f->store), 2 * COUNT);
}

static void what_is_wrong_is_told_at_once(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    forget_calls();
    uint64_t sequence = 4711;
    tj_txn *txn = NULL;
    tj_position position = plain_position("binance_perp:BTCUSDT");
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;

    assert_ok(tj_txn_begin(f->store, &txn, &err));
    assert_ok(tj_txn_put_position(txn, (tj_str){0}, &position, &err));
    assert_refused(tj_txn_submit(txn, NULL, on_done, NULL, &sequence, &err), TJ_INVALID,
                   "needs a portfolio");

    tj_decimal equity = decimal("5");
    for (int i = 0; i < 2; i++) {
        assert_ok(tj_txn_begin(f->store, &txn, &err));
        equity = decimal(i == 0 ? "5" : "6");
        assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
        assert_ok(tj_txn_commit(txn, NULL, NULL, &err));
    }
    options.expected_sequence = 1;
    equity = decimal("7");
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
    assert_refused(tj_txn_submit(txn, &options, on_done, NULL, &sequence, &err), TJ_CONFLICT, "2");

    options = (tj_commit_options)TJ_COMMIT_OPTIONS_INIT;
    options.deadline_ms = 5;
    assert_refused(tj_txn_submit(numbered(f->store, 1), &options, on_done, NULL, &sequence, &err),
                   TJ_MISUSE, "a submitted commit has no deadline");
    options.struct_size--;
    assert_refused(tj_txn_submit(numbered(f->store, 1), &options, on_done, NULL, &sequence, &err),
                   TJ_MISUSE, "TJ_COMMIT_OPTIONS_INIT");
    assert_refused(tj_txn_submit(NULL, NULL, on_done, NULL, &sequence, &err), TJ_MISUSE, "NULL");

    assert_int_equal(complete(f->store, 20), 0);
    assert_int_equal(calls.calls, 0);
    assert_int_equal(sequence, 4711);
    assert_int_equal(count_numbers(f->store), 0);
}

static void a_repeated_id_is_told_of_with_its_first_sequence(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    forget_calls();
    uint64_t sequence = 0;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.commit_id = uuid(77);
    assert_ok(
        tj_txn_submit(numbered(f->store, 1), &options, on_done, number_of(1), &sequence, &err));
    assert_int_equal(sequence, 1);
    assert_int_equal(submit_number(f->store, 2), 2);
    assert_ok(
        tj_txn_submit(numbered(f->store, 3), &options, on_done, number_of(3), &sequence, &err));
    assert_int_equal(sequence, 1);
    complete_all(f->store, 3);
    expect_calls(3);
    assert_false(holds_number(f->store, 3));
    assert_ok(tj_store_commit_find(f->store, &options.commit_id, &sequence, &err));
    assert_int_equal(sequence, 1);
    assert_ok(tj_store_commit_find(f->store, &options.commit_id, NULL, &err));
    fixture_reopen(f);
    assert_ok(tj_store_commit_find(f->store, &options.commit_id, &sequence, &err));
    assert_int_equal(sequence, 1);
    options.commit_id = uuid(78);
    assert_refused(tj_store_commit_find(f->store, &options.commit_id, &sequence, &err),
                   TJ_NOT_FOUND, "is not among the newest 65536");
}

static void shared_stores_share_completions(void **state)
{
    fixture *f = *state;
    f->config.shared = true;
    fixture_open(f);
    tj_store *other = NULL;
    assert_ok(tj_store_open(&f->config, &other, &err));
    forget_calls();
    submit_number(other, 1);
    submit_number(f->store, 2);
    assert_int_equal(tj_store_completion_fd(other), tj_store_completion_fd(f->store));
    assert_ok(tj_store_close(other, &err));
    assert_true(holds_number(f->store, 1));
    assert_int_equal(complete(f->store, 0), 2);
    expect_calls(2);
}

static void in_memory_it_is_the_same(void **state)
{
    enum { COUNT = 1000 };
    fixture *f = *state;
    f->config.type = TJ_ENGINE_MEMORY;
    fixture_open(f);
    forget_calls();
    submitter all = {f->store, 1, COUNT};
    submit_many(&all);
    assert_true(is_readable(f->store, 10000));
    complete_all(f->store, COUNT);
    expect_calls(COUNT);
    assert_false(calls.misordered || calls.foreign);
    assert_int_equal(count_numbers(f->store), COUNT);
    assert_ok(tj_store_work(f->store, &err));
    fixture_close(f);
}

static void without_threads_work_flushes(void **state)
{
    fixture *f = *state;
    f->config.no_threads = true;
    fixture_open(f);
    forget_calls();
    submit_number(f->store, 1);
    submit_number(f->store, 2);
    assert_int_equal(complete(f->store, 0), 0);
    assert_false(is_readable(f->store, 0));
    assert_ok(tj_store_work(f->store, &err));
    assert_true(is_readable(f->store, 0));
    assert_int_equal(complete(f->store, 0), 2);
    assert_int_equal(info_of(f->store).lmdb.applied_sequence, 2);
    submit_number(f->store, 3);
    assert_int_equal(complete(f->store, 60000), 1);
    expect_calls(3);
    submit_number(f->store, 4);
    fixture_reopen(f);
    assert_int_equal(count_numbers(f->store), 4);
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.deadline_ms = 100;
    assert_refused(tj_txn_commit(numbered(f->store, 5), &options, NULL, &err), TJ_MISUSE,
                   "no_threads is set");
    assert_int_equal(count_numbers(f->store), 4);
}

static _Atomic bool working;

static void *work_on(void *context)
{
    bool failed = false;
    while (atomic_load(&working)) {
        failed = failed || tj_store_work(context, NULL) != TJ_OK;
    }
    return failed ? context : NULL;
}

/* A flight that is added while another thread flushes must not be forgotten. */
static void work_beside_the_thread_forgets_none(void **state)
{
    enum { COUNT = 400 };
    fixture *f = *state;
    pthread_t thread;
    void *failed = NULL;
    fixture_open(f);
    forget_calls();
    atomic_store(&working, true);
    assert_int_equal(pthread_create(&thread, NULL, work_on, f->store), 0);
    for (unsigned i = 1; i <= COUNT; i++) {
        submit_number(f->store, i);
        complete_all(f->store, 1);
    }
    atomic_store(&working, false);
    pthread_join(thread, &failed);
    assert_null(failed);
    expect_calls(COUNT);
}

static void lookers_on_have_none(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    commit_number(f->store, 1);
    fixture_close(f);
    f->config.read_only = true;
    fixture_open(f);
    assert_int_equal(tj_store_completion_fd(f->store), -1);
    assert_int_equal(tj_store_completion_fd(NULL), -1);
    assert_refused(tj_store_complete(f->store, 0, NULL, &err), TJ_MISUSE, "read-only");
    assert_refused(tj_store_work(f->store, &err), TJ_MISUSE, "read-only");
}

static void a_forked_child_is_refused(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    tj_txn *before = numbered(f->store, 1);
    pid_t child = fork();
    if (child == 0) {
        tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
        options.deadline_ms = 10000;
        bool refused = tj_store_complete(f->store, 0, NULL, NULL) == TJ_CLOSED &&
                       tj_store_completion_fd(f->store) == -1 &&
                       tj_store_work(f->store, NULL) == TJ_CLOSED &&
                       tj_txn_commit(before, &options, NULL, NULL) == TJ_CLOSED;
        _exit(refused ? 0 : 1);
    }
    int code = -1;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    tj_txn_abort(before);
    assert_int_equal(count_numbers(f->store), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(an_event_loop_gets_each_once_and_in_order),
        JOURNAL_TEST(the_descriptor_is_readable_while_completions_wait),
        JOURNAL_TEST(complete_waits_for_the_first_one_and_not_longer),
        JOURNAL_TEST(threads_submit_and_one_completes),
        JOURNAL_TEST(several_complete_and_each_callback_is_called_once),
        JOURNAL_TEST(a_callback_submits_again),
        JOURNAL_TEST(complete_ends_although_callbacks_submit),
        JOURNAL_TEST(too_many_are_refused_and_nothing_happens),
        JOURNAL_TEST(closing_with_submissions_in_flight_keeps_them),
        JOURNAL_TEST(what_is_wrong_is_told_at_once),
        JOURNAL_TEST(a_repeated_id_is_told_of_with_its_first_sequence),
        JOURNAL_TEST(shared_stores_share_completions),
        JOURNAL_TEST(in_memory_it_is_the_same),
        JOURNAL_TEST(without_threads_work_flushes),
        JOURNAL_TEST(work_beside_the_thread_forgets_none),
        JOURNAL_TEST(lookers_on_have_none),
        JOURNAL_TEST(a_forked_child_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
