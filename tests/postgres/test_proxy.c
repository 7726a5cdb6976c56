/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Replies that are lost, requests that are torn or late: nothing acknowledged is lost, nothing is
 * there twice. And one that arrives when another writer has gone on writes nothing. */
#include "proxy.h"
#include "savers.h"

#define FAULTS 90

/* After each the savers come through again, and some commits later the next one waits for them. */
static void meet_faults(proxy *p, const savers *s, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned before = savers_acknowledged(s);
        while (savers_acknowledged(s) < before + 1 + i % 7) {
            (void)usleep(200);
        }
        atomic_store(&p->fault, i % 10 == 9  ? PROXY_LATE_REPLY
                                : i % 2 == 0 ? PROXY_LOSE_REPLY
                                             : PROXY_TEAR_REQUEST);
        while (atomic_load(&p->fault) != PROXY_NONE) {
            (void)usleep(200);
        }
    }
}

static void test_a_way_that_breaks(void **state)
{
    (void)state;
    unsigned count = getenv("TJ_LONG") ? 5 * FAULTS : FAULTS;
    savers s;
    char broken[URL_SIZE];
    proxy p;
    proxy_start(&p);
    proxy_url(&p, broken);
    p.late_ms = 250;
    tj_config config = database_config("broken");
    config.postgres.url = broken;
    config.postgres.lag_ms = 5;
    config.postgres.answer_ms = 200;
    tj_store *store = open_store(&config);
    savers_start(&s, store);
    meet_faults(&p, &s, count);
    config.postgres.url = url;
    unsigned acknowledged = savers_settle(&s, store, &config);
    proxy_stop(&p);
    printf("%u faults on the way, %u commits acknowledged: none lost, none twice\n",
           atomic_load(&p.met), acknowledged);
}

/* ---- between an append and a claim --------------------------------------------------------- */

typedef struct call {
    tj_store *store;
    tj_config config;
    unsigned number;
    pthread_t thread;
    tj_status status;
    tj_error failure;
} call;

static void *call_append(void *context)
{
    call *c = context;
    tj_ledger_entry entry = plain_entry(c->number, "1");
    c->status =
        tj_ledger_append(tj_store_ledger_repository(c->store, NULL), &entry, 1, NULL, &c->failure);
    return NULL;
}

/* It asks nothing before. */
static void *call_save(void *context)
{
    call *c = context;
    tj_live_state state = {.has_portfolio_equity = true, .portfolio_equity = tj_decimal_int(1)};
    c->status = tj_state_save(tj_store_state_repository(c->store, NULL), &state, &c->failure);
    return NULL;
}

static void *call_open(void *context)
{
    call *c = context;
    c->status = tj_store_open(&c->config, &c->store, &c->failure);
    return NULL;
}

static void begin_call(call *c, void *(*what)(void *))
{
    c->failure = (tj_error)TJ_ERROR_INIT;
    assert_int_equal(pthread_create(&c->thread, NULL, what, c), 0);
}

static void end_call(call *c, tj_status expected)
{
    assert_int_equal(pthread_join(c->thread, NULL), 0);
    if (c->status != expected) {
        fail_msg("%s: %s", tj_status_name(c->status), c->failure.message);
    }
}

/* So many sessions wait for a lock. */
static void await_waiting(unsigned count)
{
    sql_do("select pg_stat_clear_snapshot()");
    while (sql_number("select count(*)::text from pg_stat_activity where wait_event_type = 'Lock' "
                      "and application_name = 'contended'") < count) {
        (void)usleep(1000);
        sql_do("select pg_stat_clear_snapshot()");
    }
}

/* An insert into the log comes as far as its commit, and waits there while `stalls` is locked. */
static void install_stall(void)
{
    sql_do("create table stalls()");
    sql_do("create function stall() returns trigger language plpgsql as $$ begin lock table stalls "
           "in share mode; return null; end $$");
    sql_do("create constraint trigger stall after insert on log deferrable initially deferred for "
           "each row execute function stall()");
}

static void open_gate(void)
{
    sql_do("commit");
}

static void close_gate(void)
{
    sql_do("begin");
    sql_do("lock table stalls in access exclusive mode");
}

/* Two ways to the same place; no other test's sessions have this name. */
static char contended[URL_SIZE + 96];
static char contended_too[URL_SIZE + 96];

static tj_config contended_config(const char *journal)
{
    tj_config config = database_config(journal);
    snprintf(contended, sizeof contended, "%s application_name=contended", url);
    snprintf(contended_too, sizeof contended_too, "%s application_name='contended'", url);
    config.postgres.url = contended;
    config.postgres.lag_ms = 600000;
    config.postgres.lease_ms = 600000;
    return config;
}

/* The claim waits for the append, finds that its row is no longer the newest, and starts again. */
static void test_an_append_and_then_a_claim(void **state)
{
    (void)state;
    tj_config config = contended_config("append_claim");
    call first = {.store = open_store(&config), .number = 1};
    call second = {.config = config};
    second.config.postgres.url = contended_too;
    second.config.postgres.takeover = true;
    install_stall();
    close_gate();
    begin_call(&first, call_append);
    await_waiting(1);
    begin_call(&second, call_open);
    await_waiting(2);
    open_gate();
    end_call(&first, TJ_OK);
    end_call(&second, TJ_OK);
    assert_int_equal(count_fees(second.store), 1);
    assert_refused(append_fee(first.store, 2), TJ_CLOSED, "has been taken over");
    (void)tj_store_close(first.store, NULL);
    assert_ok(tj_store_close(second.store, &err));
    sql_do("drop trigger stall on log");
}

/* What a claim does, in this test's session. */
static void begin_claim(const char *journal)
{
    char text[512];
    sql_do("begin");
    snprintf(text, sizeof text,
             "update log set fence = fence + 1 where journal = (select journal from journal where "
             "name = '%s') and seq = (select max(seq) from log join journal using (journal) where "
             "name = '%s')",
             journal, journal);
    sql_do(text);
}

static void claim_meets_append(const char *journal, const char *at, const char *how,
                               tj_status expected)
{
    tj_config config = contended_config(journal);
    config.postgres.url = at ? at : contended;
    call c = {.store = open_store(&config), .number = 1};
    begin_claim(journal);
    begin_call(&c, call_append);
    await_waiting(1);
    sql_do(how);
    end_call(&c, expected);
    if (expected == TJ_CLOSED) {
        assert_non_null(strstr(c.failure.message, "not applied: journal"));
        (void)tj_store_close(c.store, NULL);
    } else {
        assert_int_equal(count_fees(c.store), 1);
        assert_ok(tj_store_close(c.store, &err));
    }
}

/* The append waits for the claim, and finds another fence. */
static void test_a_claim_and_then_an_append(void **state)
{
    (void)state;
    claim_meets_append("claim_append", NULL, "commit", TJ_CLOSED);
}

static void test_a_claim_that_is_rolled_back(void **state)
{
    (void)state;
    claim_meets_append("claim_undone", NULL, "rollback", TJ_OK);
}

/* However the role's transactions are isolated. */
static void test_isolated_otherwise(void **state)
{
    (void)state;
    char isolated[URL_SIZE + 96];
    snprintf(
        isolated, sizeof isolated,
        "%s application_name=contended options='-c default_transaction_isolation=serializable'",
        url);
    claim_meets_append("isolated", isolated, "commit", TJ_CLOSED);
}

/* A batch is sent, and nothing is heard of it: it is not sent again before it is known what became
 * of the first one. */
static void test_the_same_batch_twice(void **state)
{
    (void)state;
    tj_config config = contended_config("twice");
    config.postgres.answer_ms = 100;
    call c = {.store = open_store(&config), .number = 1};
    sql_do("create constraint trigger stall after insert on log deferrable initially deferred for "
           "each row execute function stall()");
    close_gate();
    begin_call(&c, call_append);
    await_waiting(2); /* the first one, and who asks about it */
    open_gate();
    end_call(&c, TJ_OK);
    sql_do("drop trigger stall on log");
    assert_int_equal(count_fees(c.store), 1);
    assert_ok(tj_store_close(c.store, &err));
}

/* A batch is under way for so long that another writer has taken over and gone on. */
static void test_an_append_that_comes_too_late(void **state)
{
    (void)state;
    char slow[URL_SIZE];
    proxy p;
    proxy_start(&p);
    proxy_url(&p, slow);
    tj_config config = contended_config("late");
    config.postgres.url = slow;
    config.postgres.answer_ms = 60000;
    call c = {.store = open_store(&config), .number = 1};
    atomic_store(&p.fault, PROXY_HOLD_REQUEST);
    begin_call(&c, call_save);
    while (!atomic_load(&p.held)) {
        (void)usleep(1000);
    }
    config.postgres.url = url;
    config.postgres.takeover = true;
    tj_store *store = open_store(&config);
    for (unsigned i = 0; i < 10; i++) {
        assert_ok(append_fee(store, 100 + i));
    }
    atomic_store(&p.held, false);
    end_call(&c, TJ_CLOSED);
    (void)tj_store_close(c.store, NULL);
    tj_store_info info = TJ_STORE_INFO_INIT;
    assert_ok(tj_store_info_get(store, &info, &err));
    assert_int_equal(info.sequence, 10);
    assert_int_equal(count_fees(store), 10);
    assert_ok(tj_store_close(store, &err));
    proxy_stop(&p);
}

static int start(void **state)
{
    (void)state;
    tj_config config = database_config("first");
    assert_ok(tj_store_close(open_store(&config), &err));
    sql_open();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_way_that_breaks),
        cmocka_unit_test(test_an_append_and_then_a_claim),
        cmocka_unit_test(test_a_claim_and_then_an_append),
        cmocka_unit_test(test_a_claim_that_is_rolled_back),
        cmocka_unit_test(test_isolated_otherwise),
        cmocka_unit_test(test_the_same_batch_twice),
        cmocka_unit_test(test_an_append_that_comes_too_late),
    };
    database_start("proxy");
    return cmocka_run_group_tests(tests, start, NULL);
}
