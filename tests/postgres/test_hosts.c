/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A URL with two hosts, the first of which is a machine that freezes: nobody waits for it while the
 * other one answers. And a server that only takes long, which is waited for.
 */
#include "proxy.h"

#define LONG_MS 600000

/* The first host: each test has its own. */
static proxy ways[3];
static proxy *way = ways;
static char both_url[URL_SIZE];

static tj_config both_config(const char *journal)
{
    tj_config config = database_config(journal);
    config.postgres.url = both_url;
    config.postgres.timeout_ms = LONG_MS;
    config.postgres.answer_ms = 200;
    config.postgres.lag_ms = LONG_MS; /* nothing else looks */
    config.postgres.lease_ms = LONG_MS;
    return config;
}

/* It takes no new connection either. */
static void freeze(void)
{
    atomic_store(&way->silent, true);
    (void)shutdown(way->listener, SHUT_RDWR);
}

static tj_status load(tj_store *store)
{
    tj_live_state *state = NULL;
    tj_status status = tj_state_load(tj_store_state_repository(store, NULL), &state, &err);
    tj_live_state_free(state);
    return status;
}

/* A connection that it has accepted lives as long as it is silent. */
static void test_a_silent_host_is_tried_once(void **state)
{
    (void)state;
    tj_config config = both_config("once");
    atomic_store(&way->silent, true);
    tj_store *store = open_store(&config);
    assert_ok(append_fee(store, 1));
    assert_ok(load(store));
    assert_int_equal(atomic_load(&way->connections), 1);
    assert_ok(tj_store_close(store, &err));
    assert_int_equal(atomic_load(&way->connections), 1);
}

static void test_a_load_leaves_a_host_that_froze(void **state)
{
    (void)state;
    tj_config config = both_config("frozen");
    tj_store *store = open_store(&config);
    assert_ok(append_fee(store, 1));
    assert_ok(load(store));
    assert_true(atomic_load(&way->connections) > 0);
    freeze();
    assert_ok(load(store));
    assert_ok(append_fee(store, 2));
    assert_int_equal(count_fees(store), 2);
    assert_ok(tj_store_close(store, &err));
}

/* An append to the ledger looks first, in a session that says nothing any more. */
static void test_readers_leave_it_with_the_writer(void **state)
{
    (void)state;
    tj_config config = both_config("readers");
    tj_store *store = open_store(&config);
    assert_ok(append_fee(store, 1));
    assert_ok(load(store));
    freeze();
    assert_ok(save_equity(store, 5));
    assert_ok(append_fee(store, 2));
    assert_ok(tj_store_close(store, &err));
}

/* ---- one that takes long --------------------------------------------------------------------- */

typedef struct loading {
    tj_store *store;
    tj_status status;
    _Atomic bool done;
    pthread_t thread;
} loading;

static void *load_beside(void *context)
{
    loading *l = context;
    l->status = load(l->store);
    atomic_store(&l->done, true);
    return NULL;
}

/* The process of the server that waits for the lock; 0: none did any more. Other tests have
 * sessions there, too, which wait for locks of theirs. */
static uint64_t locked_process(const loading *l)
{
    uint64_t process = 0;
    while (process == 0 && !atomic_load(&l->done)) {
        process = sql_number("select max(pid)::text from pg_locks where relation = "
                             "'raw_state'::regclass and not granted");
    }
    return process;
}

/* False: the server did not wait so long for the lock. */
static bool one_session_waits(tj_store *store)
{
    loading l = {.store = store};
    sql_do("begin");
    sql_do("lock table raw_state in access exclusive mode");
    assert_int_equal(pthread_create(&l.thread, NULL, load_beside, &l), 0);
    uint64_t first = locked_process(&l);
    (void)usleep(600000); /* three looks */
    uint64_t last = locked_process(&l);
    sql_do("commit");
    assert_int_equal(pthread_join(l.thread, NULL), 0);
    if (l.status == TJ_UNAVAILABLE && strstr(err.message, "lock timeout")) {
        return false;
    }
    assert_int_equal(l.status, TJ_OK);
    assert_int_equal(first, last);
    return true;
}

static void test_a_server_at_work_is_waited_for(void **state)
{
    (void)state;
    tj_config config = both_config("long");
    config.postgres.url = url;
    tj_store *store = open_store(&config);
    assert_ok(append_fee(store, 1));
    sql_open();
    while (!one_session_waits(store)) {
    }
    assert_ok(tj_store_close(store, &err));
}

static int begin(void **state)
{
    (void)state;
    proxy_start(way);
    snprintf(both_url, sizeof both_url, "host=%s,%s user=postgres dbname=postgres", way->directory,
             getenv("TJ_POSTGRES_DIRECTORY"));
    return 0;
}

static int end(void **state)
{
    (void)state;
    atomic_store(&way->silent, false);
    proxy_stop(way++);
    return 0;
}

static int start(void **state)
{
    (void)state;
    tj_config config = database_config("first");
    return tj_store_close(open_store(&config), &err) == TJ_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_silent_host_is_tried_once, begin, end),
        cmocka_unit_test_setup_teardown(test_a_load_leaves_a_host_that_froze, begin, end),
        cmocka_unit_test_setup_teardown(test_readers_leave_it_with_the_writer, begin, end),
        cmocka_unit_test(test_a_server_at_work_is_waited_for),
    };
    database_start("hosts");
    return cmocka_run_group_tests(tests, start, NULL);
}
