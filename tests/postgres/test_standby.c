/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * P1 with durability "replicated": what is acknowledged is on the standby, at every moment,
 * whatever makes the server believe otherwise. The standby's receiver is stopped, then a commit is
 * begun, and then the server is led to answer it.
 */
#include "database.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#define ROUNDS 3

static tj__pg_session standby;

/* ---- the servers ---------------------------------------------------------------------------- */

static uint64_t ask_number(tj__pg_session *session, const char *text)
{
    tj__pg_result *result = NULL;
    tj__pg_query query = tj__pg_sql(text);
    assert_ok(tj__pg_ask(session, &query, 1, &result, 30000, &err));
    uint64_t number =
        session->pq->rows(result) > 0 ? tj__pg_get_int8(session, result, 0, 0) : UINT64_MAX;
    tj__pg_clear(session, &result, 1);
    return number;
}

static void start_standby(void)
{
    char command[1024];
    char standby_url[URL_SIZE + 16];
    snprintf(command, sizeof command, "bash %s standby %s", getenv("TJ_POSTGRES_SERVER"),
             getenv("TJ_POSTGRES_DIRECTORY"));
    assert_int_equal(system(command), 0);
    snprintf(standby_url, sizeof standby_url, "%s port=5433", url);
    tj__pg_target target = {.pq = sql.pq, .url = standby_url, .schema = schema};
    assert_ok(tj__pg_open(&standby, &target, &err));
}

static bool names_are_set(void)
{
    return ask_number(&sql, "select length(current_setting('synchronous_standby_names'))::int8") >
           0;
}

/* The checkpoint is made by the process that tells all others whether there is a standby to wait
 * for, after it has read the setting. */
static void set_names(bool set)
{
    sql_do(set ? "alter system set synchronous_standby_names = '*'"
               : "alter system set synchronous_standby_names = ''");
    sql_do("select pg_reload_conf()");
    while (names_are_set() != set) {
        (void)usleep(1000);
    }
    sql_do("checkpoint");
}

/* Its receiver, which flushes what comes in and says so. */
static void signal_standby(int number)
{
    uint64_t pid = ask_number(&standby, "select pid::int8 from pg_stat_wal_receiver");
    assert_true(pid > 1 && pid < INT32_MAX);
    assert_int_equal(kill((pid_t)pid, number), 0);
}

/* 0, too, where the tables have not arrived yet. */
static uint64_t newest_in(tj__pg_session *session, const char *journal)
{
    tj__pg_result *result = NULL;
    tj__pg_query query = tj__pg_sql("select max(seq) from log join journal using (journal) where "
                                    "name = $1::text");
    tj__pg_text(&query, journal);
    if (tj__pg_ask(session, &query, 1, &result, 30000, &err) != TJ_OK) {
        return 0;
    }
    uint64_t newest = tj__pg_get_int8(session, result, 0, 0);
    tj__pg_clear(session, &result, 1);
    return newest;
}

/* The standby shows what it has a moment after it has it. */
static bool comes_to_have(const char *journal, uint64_t sequence)
{
    for (int i = 0; i < 2000; i++) {
        if (newest_in(&standby, journal) >= sequence) {
            return true;
        }
        (void)usleep(1000);
    }
    return false;
}

/* ---- a commit under way --------------------------------------------------------------------- */

typedef struct saver {
    tj_store *store;
    pthread_t thread;
    tj_status status;
    tj_error failure;
    _Atomic bool done;
} saver;

static void *save(void *context)
{
    saver *s = context;
    tj_ledger_entry entry = plain_entry(7, "1");
    s->status =
        tj_ledger_append(tj_store_ledger_repository(s->store, NULL), &entry, 1, NULL, &s->failure);
    atomic_store(&s->done, true);
    return NULL;
}

static uint64_t acknowledged(tj_store *store)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    assert_ok(tj_store_info_get(store, &info, &err));
    return info.sequence;
}

/* The process of the server that waits for the standby, another one than `but`, or waits again;
 * 0: the commit was answered. */
static uint64_t waiting(saver *s, uint64_t but)
{
    char text[256];
    snprintf(text, sizeof text,
             "select pid::int8 from pg_stat_activity where wait_event = 'SyncRep' and pid <> %u",
             (unsigned)but);
    while (!atomic_load(&s->done)) {
        uint64_t pid = ask_number(&sql, text);
        if (pid != UINT64_MAX) {
            return pid;
        }
        (void)usleep(1000);
    }
    return 0;
}

static tj_config replicated(const char *journal)
{
    tj_config config = database_config(journal);
    config.durability = TJ_DURABILITY_REPLICATED;
    config.postgres.answer_ms = 20000;
    config.postgres.lease_ms = 600000;
    config.postgres.lag_ms = 600000; /* nothing else waits for the standby */
    return config;
}

static void begin(saver *s, const tj_config *config)
{
    *s = (saver){.store = open_store(config)};
    assert_ok(append_fee(s->store, 1));
    assert_true(comes_to_have(config->postgres.name, acknowledged(s->store)));
    signal_standby(SIGSTOP);
    assert_int_equal(pthread_create(&s->thread, NULL, save, s), 0);
}

static void assert_on_standby(saver *s, const tj_config *config)
{
    assert_true(comes_to_have(config->postgres.name, acknowledged(s->store)));
}

/* The standby takes commits again, and the commit that waited is acknowledged. */
static void end(saver *s, const tj_config *config)
{
    signal_standby(SIGCONT);
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    assert_string_equal(s->failure.message, "");
    assert_int_equal(s->status, TJ_OK);
    assert_on_standby(s, config);
    assert_int_equal(count_fees(s->store), 2);
    assert_ok(tj_store_close(s->store, &err));
}

/* ---- what makes the server answer ------------------------------------------------------------ */

static void do_to(const char *function, uint64_t pid)
{
    char text[128];
    snprintf(text, sizeof text, "select %s(%u)", function, (unsigned)pid);
    sql_do(text);
}

static void test_the_wait_is_cancelled(void **state)
{
    (void)state;
    saver s;
    tj_config config = replicated("cancelled");
    set_names(true);
    begin(&s, &config);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t pid = waiting(&s, 0);
        if (pid != 0) {
            do_to("pg_cancel_backend", pid);
        }
        assert_on_standby(&s, &config);
    }
    end(&s, &config);
}

static void test_the_names_are_emptied(void **state)
{
    (void)state;
    saver s;
    tj_config config = replicated("emptied");
    set_names(true);
    begin(&s, &config);
    assert_int_not_equal(waiting(&s, 0), 0);
    set_names(false);
    for (int i = 0; i < ROUNDS; i++) {
        (void)usleep(60000); /* it is tried again every 50 ms */
        assert_on_standby(&s, &config);
    }
    set_names(true);
    end(&s, &config);
}

static void test_the_session_is_ended(void **state)
{
    (void)state;
    saver s;
    tj_config config = replicated("ended");
    set_names(true);
    begin(&s, &config);
    uint64_t pid = waiting(&s, 0);
    do_to("pg_terminate_backend", pid);
    for (int i = 0; i < ROUNDS; i++) {
        pid = waiting(&s, pid);
        assert_on_standby(&s, &config);
        if (pid != 0) {
            do_to(i == 0 ? "pg_cancel_backend" : "pg_terminate_backend", pid);
            pid = i == 0 ? 0 : pid;
        }
    }
    assert_on_standby(&s, &config);
    end(&s, &config);
}

/* ---- no standby ------------------------------------------------------------------------------ */

/* No row is written that no standby would have. */
static void test_without_a_standby(void **state)
{
    (void)state;
    tj_config config = replicated("without");
    config.postgres.timeout_ms = 100;
    set_names(true);
    tj_store *store = open_store(&config);
    assert_ok(append_fee(store, 1));
    set_names(false);
    assert_refused(append_fee(store, 2), TJ_UNKNOWN, "synchronous_standby_names is empty");
    assert_int_equal(newest_in(&sql, "without"), 1);
    tj_store *other = NULL;
    config.postgres.name = "another";
    assert_refused(tj_store_open(&config, &other, &err), TJ_UNAVAILABLE,
                   "durability \"replicated\" needs a synchronous standby");
    set_names(true);
    assert_ok(tj_store_close(store, &err));
    assert_int_equal(newest_in(&sql, "without"), 2);
}

static void test_going_on_without(void **state)
{
    (void)state;
    tj_store_info info = TJ_STORE_INFO_INIT;
    tj_config config = replicated("alone");
    config.postgres.standby_lost = TJ_STANDBY_LOST_GO_ON;
    set_names(false);
    tj_store *store = open_store(&config);
    assert_ok(append_fee(store, 1));
    assert_ok(append_fee(store, 2));
    assert_ok(tj_store_info_get(store, &info, &err));
    assert_int_equal(info.postgres.unreplicated, 2);
    assert_ok(tj_store_close(store, &err));
    assert_int_equal(ask_number(&sql, "select unreplicated from journal where name = 'alone'"), 2);
    store = open_store(&config);
    set_names(true);
    assert_ok(append_fee(store, 3));
    assert_ok(tj_store_info_get(store, &info, &err));
    assert_int_equal(info.postgres.unreplicated, 0);
    assert_int_equal(info.durability, TJ_DURABILITY_REPLICATED);
    assert_true(comes_to_have("alone", 3));
    assert_ok(tj_store_close(store, &err));
}

/* One that failed leaves a standby that is stopped. */
static int thaw(void **state)
{
    (void)state;
    signal_standby(SIGCONT);
    return 0;
}

static int start(void **state)
{
    (void)state;
    sql_open();
    start_standby();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_the_wait_is_cancelled, thaw),
        cmocka_unit_test_teardown(test_the_names_are_emptied, thaw),
        cmocka_unit_test_teardown(test_the_session_is_ended, thaw),
        cmocka_unit_test(test_without_a_standby),
        cmocka_unit_test(test_going_on_without),
    };
    database_start("standby");
    if (!getenv("TJ_POSTGRES_SERVER")) {
        printf("SKIPPED: run this by tests/postgres/with_server.sh.\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, start, NULL);
}
