/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Who looks on at a large table walks it by two threads; the second one has ended when the journal
 * is open. With no_threads, and with a single core, there is none.
 */
#include <pthread.h>

#include "journal_fixture.h"

#include "base/thread.h"

#define ALGOS 4000u /* in more pages than one thread walks alone */

static bool looking_on; /* who does starts one thread at most */
static unsigned started;
static _Atomic unsigned ended;
static void *(*work)(void *context);

tj_status __real_tj__thread_start(pthread_t *thread, void *(*run)(void *context), void *context,
                                  const char *what, tj_error *error);
tj_status __wrap_tj__thread_start(pthread_t *thread, void *(*run)(void *context), void *context,
                                  const char *what, tj_error *error);

static void *run_and_count(void *context)
{
    void *result = work(context);
    ended++;
    return result;
}

tj_status __wrap_tj__thread_start(pthread_t *thread, void *(*run)(void *context), void *context,
                                  const char *what, tj_error *error)
{
    if (looking_on) {
        started++;
        work = run;
        run = run_and_count;
    }
    return __real_tj__thread_start(thread, run, context, what, error);
}

static void make(fixture *f)
{
    static char payload[1200];
    tj_txn *txn = NULL;
    memset(payload, '1', sizeof payload - 1);
    tj_algo_state state = {TJ_STR("TWAP"), tj_str_of(payload)};
    fixture_open(f);
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    for (unsigned i = 0; i < ALGOS; i++) {
        tj_uuid id = uuid(i);
        assert_ok(tj_txn_put_algo(txn, &id, &state, &err));
    }
    assert_ok(tj_txn_commit(txn, NULL, NULL, &err));
    fixture_close(f);
}

static void look_on(fixture *f, bool no_threads, unsigned expected)
{
    tj_algo_list *list = NULL;
    f->config.read_only = true;
    f->config.no_threads = no_threads;
    started = 0;
    ended = 0;
    looking_on = true;
    fixture_open(f);
    assert_int_equal(started, expected);
    assert_int_equal(ended, expected);
    assert_ok(tj_algo_load_all(tj_store_algo_repository(f->store, NULL), &list, &err));
    assert_int_equal(list->count, ALGOS);
    tj_algo_list_free(list);
    fixture_close(f);
    looking_on = false;
    assert_int_equal(started, expected);
}

static void a_large_table_is_walked_by_two(void **state)
{
    fixture *f = *state;
    make(f);
    look_on(f, false, tj__thread_second_core());
    look_on(f, true, 0);
    f->config.read_only = false;
    f->config.no_threads = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_large_table_is_walked_by_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
