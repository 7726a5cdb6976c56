/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A server that goes away: nothing acknowledged is lost, nothing is there twice, nobody waits for
 * ever, and what was told to be in doubt is settled when it comes back. */
#include "savers.h"

#define CUTS 20

/* ---- connections that are cut -------------------------------------------------------------- */

/* All sessions of the store but this test's own are ended by the server, at any moment. */
static void cut_sessions(void)
{
    sql_do("select pg_terminate_backend(pid) from pg_stat_activity where application_name = "
           "'tesser-journal' and pid <> pg_backend_pid()");
}

static void test_sessions_are_cut(void **state)
{
    (void)state;
    int cuts = getenv("TJ_LONG") ? 20 * CUTS : CUTS;
    savers s;
    tj_config config = database_config("cut");
    config.postgres.lag_ms = 5;
    tj_store *store = open_store(&config);
    sql_open();
    savers_start(&s, store);
    for (int i = 0; i < cuts; i++) {
        (void)usleep(1000 * (useconds_t)(10 + i % 37));
        cut_sessions();
    }
    unsigned acknowledged = savers_settle(&s, store, &config);
    printf("%d cuts, %u commits acknowledged: none lost, none twice\n", cuts, acknowledged);
}

/* ---- a server that is stopped --------------------------------------------------------------- */

/* The server of this test alone: server.sh has started it, pg_ctl ends and begins it. */
static void control(const char *action)
{
    char command[1024];
    const char *directory = getenv("TJ_POSTGRES_DIRECTORY");
    snprintf(command, sizeof command, "bash %s %s %s", getenv("TJ_POSTGRES_SERVER"), action,
             directory);
    assert_int_equal(system(command), 0);
}

static void test_the_server_stops(void **state)
{
    (void)state;
    tj_config config = database_config("stops");
    config.postgres.timeout_ms = 200;
    config.no_threads = true;
    tj_store *store = open_store(&config);
    assert_ok(append_fee(store, 1));
    tj__pg_close(&sql);
    control("halt");
    /* In doubt: it may have been the last that the server took. */
    assert_refused(save_equity(store, 2), TJ_UNKNOWN, "the commit waits for the server of journal");
    assert_non_null(strstr(err.message, "and may become durable later"));
    (void)usleep(1100000);
    assert_refused(append_fee(store, 3), TJ_UNAVAILABLE, "has taken no commits for");
    assert_refused(save_equity(store, 3), TJ_UNAVAILABLE, "not applied: the server of journal");
    tj_store_info info = TJ_STORE_INFO_INIT;
    assert_ok(tj_store_info_get(store, &info, &err));
    assert_int_equal(info.sequence, 1);
    assert_true(info.postgres.away_since > 0);
    tj_live_state *loaded = NULL;
    assert_int_equal(tj_state_load(tj_store_state_repository(store, NULL), &loaded, &err),
                     TJ_UNAVAILABLE);
    control("resume");
    assert_ok(tj_store_work(store, &err));
    assert_ok(tj_store_info_get(store, &info, &err));
    assert_int_equal(info.sequence, 2);
    assert_int_equal(info.postgres.away_since, 0);
    assert_ok(append_fee(store, 3));
    assert_int_equal(count_fees(store), 2);
    assert_ok(tj_store_close(store, &err));
}

/* The store's own thread settles what nobody waits for any more. */
static void test_it_comes_back_by_itself(void **state)
{
    (void)state;
    tj_config config = database_config("back");
    config.postgres.timeout_ms = 100;
    config.postgres.lag_ms = 20;
    tj_store *store = open_store(&config);
    assert_ok(append_fee(store, 1));
    control("halt");
    assert_int_equal(save_equity(store, 2), TJ_UNKNOWN);
    control("resume");
    tj_store_info info = TJ_STORE_INFO_INIT;
    do {
        (void)usleep(20000);
        assert_ok(tj_store_info_get(store, &info, &err));
    } while (info.postgres.away_since != 0);
    assert_int_equal(info.sequence, 2);
    assert_int_equal(count_fees(store), 1);
    assert_ok(tj_store_close(store, &err));
}

/* Closed while the server is away: the caller is told that the commit is in doubt. */
static void test_closed_while_it_is_away(void **state)
{
    (void)state;
    tj_config config = database_config("closed");
    config.postgres.timeout_ms = 100;
    tj_store *store = open_store(&config);
    assert_ok(append_fee(store, 1));
    control("halt");
    assert_int_equal(save_equity(store, 2), TJ_UNKNOWN);
    assert_refused(tj_store_close(store, &err), TJ_UNKNOWN, "may become durable later");
    control("resume");
    store = open_store(&config);
    assert_int_equal(count_fees(store), 1);
    assert_ok(tj_store_close(store, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions_are_cut),
        cmocka_unit_test(test_the_server_stops),
        cmocka_unit_test(test_it_comes_back_by_itself),
        cmocka_unit_test(test_closed_while_it_is_away),
    };
    database_start("away");
    if (!getenv("TJ_POSTGRES_SERVER")) {
        printf("SKIPPED: run this by tests/postgres/with_server.sh.\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
