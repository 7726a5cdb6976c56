/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* P8: one writer at a time, whoever believes to be it: nothing acknowledged is lost, nothing is
 * there twice, and no commit stands behind another writer's fence. */
#include "database.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define TAKEOVERS 10
#define STOPS 2

static void start_sql(void)
{
    if (!sql.conn) {
        sql_open();
    }
}

/* Sequences have no holes, each commit carries the epoch that was the newest then, and all are
 * there once. */
static void assert_log_sound(const char *journal)
{
    char text[512];
    snprintf(text, sizeof text,
             "select count(*)::text from (select l.seq, l.epoch, lag(l.seq) over w as s, "
             "lag(l.fence) over w as f from log l join journal j using (journal) where j.name = "
             "'%s' window w as (order by l.seq)) x where s is not null and (seq <> s + 1 or epoch "
             "<> f)",
             journal);
    assert_int_equal(sql_number(text), 0);
}

/* ---- two in one process -------------------------------------------------------------------- */

static void test_the_second_is_told_who_holds_it(void **state)
{
    (void)state;
    tj_config config = database_config("held");
    tj_store *store = open_store(&config);
    tj_store *second = NULL;
    assert_refused(tj_store_open(&config, &second, &err), TJ_BUSY,
                   "is already open in this process");
    config.postgres.url = other_url;
    assert_refused(tj_store_open(&config, &second, &err), TJ_BUSY,
                   "is held by another writer: pid");
    assert_non_null(strstr(err.message, "test_postgres_f"));
    assert_null(second);
    assert_ok(save_equity(store, 1));
    assert_ok(tj_store_close(store, &err));
    second = open_store(&config);
    assert_ok(save_equity(second, 2));
    assert_ok(tj_store_close(second, &err));
}

static void test_one_that_was_taken_over_stops(void **state)
{
    (void)state;
    tj_config config = database_config("taken");
    tj_store *first = open_store(&config);
    assert_ok(save_equity(first, 1));
    config.postgres.url = other_url;
    config.postgres.takeover = true;
    tj_store *second = open_store(&config);
    assert_refused(save_equity(first, 2), TJ_CLOSED, "not applied: journal ");
    assert_non_null(strstr(err.message, "has been taken over by another writer (pid"));
    assert_refused(save_equity(first, 3), TJ_CLOSED, "has been taken over");
    assert_ok(save_equity(second, 4));
    (void)tj_store_close(first, NULL);
    assert_ok(save_equity(second, 5));
    assert_ok(tj_store_close(second, &err));
    start_sql();
    assert_log_sound("taken");
    assert_int_equal(sql_number("select max(seq)::text from log join journal using (journal) where "
                                "name = 'taken'"),
                     3);
}

/* ---- takeovers under load ------------------------------------------------------------------ */

typedef struct writer {
    tj_store *store;
    pthread_t thread;
    unsigned first; /* number of its first entry */
    unsigned acknowledged;
    tj_status ended;
} writer;

static void *write_until_closed(void *context)
{
    writer *w = context;
    do {
        w->ended = append_fee(w->store, w->first + w->acknowledged);
        w->acknowledged += w->ended == TJ_OK;
    } while (w->ended == TJ_OK);
    return NULL;
}

static void assert_entries(const char *journal, const writer *writers, int count)
{
    char text[512];
    for (int i = 0; i < count; i++) {
        snprintf(text, sizeof text,
                 "select count(distinct id)::text from ledger_entries where journal = '%s' and "
                 "time_ns >= %u::int8 * 1000 and time_ns < %u::int8 * 1000",
                 journal, writers[i].first, writers[i].first + writers[i].acknowledged);
        assert_int_equal(sql_number(text), writers[i].acknowledged);
    }
    snprintf(
        text, sizeof text,
        "select (count(*) - count(distinct id))::text from ledger_entries where journal = '%s'",
        journal);
    assert_int_equal(sql_number(text), 0);
}

/* Each one takes over from the one before, which writes as fast as it can. */
static void test_takeovers_under_load(void **state)
{
    (void)state;
    int rounds = getenv("TJ_LONG") ? 10 * TAKEOVERS : TAKEOVERS;
    unsigned acknowledged = 0;
    tj_config config = database_config("contended");
    writer *writers = calloc((size_t)rounds + 1, sizeof *writers);
    assert_non_null(writers);
    config.postgres.takeover = true;
    config.postgres.lag_ms = 20;
    for (int i = 0; i <= rounds; i++) {
        writer *w = &writers[i];
        config.postgres.url = i % 2 ? other_url : url;
        *w = (writer){.store = open_store(&config), .first = (unsigned)i * 1000000 + 1};
        if (i > 0) {
            writer *before = &writers[i - 1];
            assert_int_equal(pthread_join(before->thread, NULL), 0);
            assert_int_equal(before->ended, TJ_CLOSED);
            (void)tj_store_close(before->store, NULL);
            acknowledged += before->acknowledged;
        }
        if (i < rounds) {
            assert_int_equal(pthread_create(&w->thread, NULL, write_until_closed, w), 0);
            (void)usleep(30000);
        }
    }
    assert_ok(tj_store_close(writers[rounds].store, &err));
    start_sql();
    assert_entries("contended", writers, rounds);
    assert_log_sound("contended");
    printf("%d takeovers of a writer at work, %u commits acknowledged: none lost, none twice\n",
           rounds, acknowledged);
    free(writers);
}

/* ---- another process ----------------------------------------------------------------------- */

/* A writer that says how far it is in shared memory, until it is killed or refused. */
static pid_t fork_writer(const tj_config *config, _Atomic unsigned *acknowledged, int *refused)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0) {
        return child;
    }
    tj_store *store = NULL;
    unsigned first = atomic_load(acknowledged);
    if (tj_store_open(config, &store, NULL) != TJ_OK) {
        _exit(2);
    }
    for (unsigned i = first + 1;; i++) {
        tj_status status = append_fee(store, i);
        if (status != TJ_OK) {
            *refused = (int)status;
            _exit(0);
        }
        atomic_store(acknowledged, i);
    }
}

typedef struct shared {
    _Atomic unsigned acknowledged;
    int refused;
} shared;

static shared *new_shared(void)
{
    shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(s, MAP_FAILED);
    return s;
}

static void wait_for_commits(const shared *s, unsigned from)
{
    while (atomic_load(&s->acknowledged) < from + 20) {
        (void)usleep(1000);
    }
}

static size_t open_and_count(const tj_config *config)
{
    tj_store *store = NULL;
    while (tj_store_open(config, &store, &err) == TJ_BUSY) {
        (void)usleep(20000);
    }
    assert_non_null(store);
    size_t count = count_fees(store);
    assert_ok(tj_store_close(store, &err));
    return count;
}

/* The session of a writer that was killed is gone at once: nobody waits for its lease to end. */
static void test_a_writer_that_was_killed(void **state)
{
    (void)state;
    shared *s = new_shared();
    tj_config config = database_config("killed");
    config.postgres.lease_ms = 3600 * 1000;
    for (int i = 0; i < 3; i++) {
        unsigned before = atomic_load(&s->acknowledged);
        pid_t child = fork_writer(&config, &s->acknowledged, &s->refused);
        wait_for_commits(s, before);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        size_t count = open_and_count(&config);
        assert_in_range(count, atomic_load(&s->acknowledged), atomic_load(&s->acknowledged) + 1);
        atomic_store(&s->acknowledged, (unsigned)count);
    }
}

/* One that was only stopped is waited for until its lease ends, and then writes nothing more. */
static void test_a_writer_that_was_stopped(void **state)
{
    (void)state;
    int rounds = getenv("TJ_LONG") ? 10 * STOPS : STOPS;
    shared *s = new_shared();
    tj_config config = database_config("stopped");
    config.postgres.lease_ms = 1000;
    for (int i = 0; i < rounds; i++) {
        unsigned before = atomic_load(&s->acknowledged);
        tj_store *store = NULL;
        s->refused = 0;
        pid_t child = fork_writer(&config, &s->acknowledged, &s->refused);
        wait_for_commits(s, before);
        assert_int_equal(kill(child, SIGSTOP), 0);
        unsigned acknowledged = atomic_load(&s->acknowledged);
        assert_int_equal(tj_store_open(&config, &store, &err), TJ_BUSY);
        size_t count = open_and_count(&config);
        assert_in_range(count, acknowledged, acknowledged + 1);
        assert_int_equal(kill(child, SIGCONT), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(s->refused, TJ_CLOSED);
        assert_in_range(atomic_load(&s->acknowledged), count - 1, count);
        assert_int_equal(open_and_count(&config), count);
        atomic_store(&s->acknowledged, (unsigned)count);
    }
    start_sql();
    assert_log_sound("stopped");
    printf("%d writers were stopped past the end of their lease\n", rounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_writer_that_was_killed),
        cmocka_unit_test(test_a_writer_that_was_stopped),
        cmocka_unit_test(test_the_second_is_told_who_holds_it),
        cmocka_unit_test(test_one_that_was_taken_over_stops),
        cmocka_unit_test(test_takeovers_under_load),
    };
    database_start("fence");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
