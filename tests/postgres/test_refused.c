/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What cannot work is refused in a sentence, without a secret in it. */
#include "database.h"

static void start_sql(void)
{
    if (!sql.conn) {
        sql_open();
    }
}

static void refuse_url(const char *text, tj_status expected, const char *sentence)
{
    tj_store *store = NULL;
    tj_config config = database_config("refused");
    config.postgres.url = text;
    assert_refused(tj_store_open(&config, &store, &err), expected, sentence);
    assert_null(store);
    assert_null(strstr(err.message, "secret"));
    assert_null(strstr(err.place, "secret"));
}

static void test_a_password_in_the_url(void **state)
{
    (void)state;
    static const char *const urls[] = {"postgres://user:secret@host/database",
                                       "postgresql://user:sec/secret@host/database",
                                       "postgres://user:a@secret@host/database",
                                       "postgres://user@host/database?password=secret",
                                       "host=host password=secret",
                                       "host=host PassWord = 'secret'"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        refuse_url(urls[i], TJ_INVALID, "journal.url holds a password");
    }
    refuse_url("passw0rd-secret", TJ_INVALID, "journal.url is nothing that libpq understands");
    refuse_url("host=host secret=1", TJ_INVALID, "journal.url is nothing that libpq understands");
    refuse_url(NULL, TJ_MISUSE, "needs journal.url");
    refuse_url("", TJ_MISUSE, "needs journal.url");
}

static void test_a_server_that_is_not_there(void **state)
{
    (void)state;
    refuse_url("host=/nowhere user=postgres dbname=postgres", TJ_UNAVAILABLE, "/nowhere");
    refuse_url("host=127.0.0.1 port=1 user=postgres", TJ_UNAVAILABLE, "127.0.0.1");
    refuse_url("host=/nowhere user=postgres dbname=postgres", TJ_UNAVAILABLE,
               "no server listens at this socket: start it, or correct host");
    refuse_url("host=127.0.0.1 port=1 user=postgres", TJ_UNAVAILABLE,
               "no server listens there: start it, or correct host and port in journal.url (");
    refuse_url("host=a..b user=postgres", TJ_UNAVAILABLE,
               "no host of this name is known: correct host in journal.url");
}

static void test_a_journal_that_is_not_there(void **state)
{
    (void)state;
    tj_store *store = NULL;
    tj_config config = database_config("absent");
    config.must_exist = true;
    for (int i = 0; i < 2; i++) {
        config.read_only = i == 1;
        assert_refused(tj_store_open(&config, &store, &err), TJ_NOT_FOUND,
                       "there is no journal \"absent\" in schema");
    }
}

static void test_a_later_format(void **state)
{
    (void)state;
    tj_store *store = NULL;
    tj_config config = database_config("format");
    assert_ok(tj_store_close(open_store(&config), &err));
    start_sql();
    sql_do("update format set version = 3");
    assert_refused(tj_store_open(&config, &store, &err), TJ_FORMAT_NEWER,
                   "has format version 3, this library knows 2");
    sql_do("update format set version = 2");
    assert_ok(tj_store_close(open_store(&config), &err));
}

/* ---- an earlier format ----------------------------------------------------------------------- */

/* As version 1 had it. */
static void go_back(void)
{
    sql_do("drop table base, base_rows, metrics");
    sql_do("alter table journal drop column pruned");
    sql_do("update format set version = 1");
}

static void test_an_earlier_format(void **state)
{
    (void)state;
    tj_store *store = NULL;
    tj_config config = database_config("earlier");
    tj_store *earlier = open_store(&config);
    assert_ok(append_fee(earlier, 1));
    start_sql();
    sql_do("drop role if exists tj_test_granted");
    sql_do("create role tj_test_granted");
    sql_do("grant select, insert on log to tj_test_granted");
    go_back();
    config.postgres.url = other_url;
    config.must_exist = true;
    for (int i = 0; i < 2; i++) {
        config.read_only = i == 1;
        assert_refused(tj_store_open(&config, &store, &err), TJ_UNSUPPORTED,
                       "has format version 1, and this library needs 2: run tesser-journal init");
    }
    config.must_exist = false;
    config.read_only = false;
    store = open_store(&config);
    assert_refused(append_fee(earlier, 2), TJ_CLOSED, "has been taken over by another writer");
    (void)tj_store_close(earlier, NULL);
    assert_int_equal(count_fees(store), 1);
    assert_ok(append_fee(store, 2));
    assert_ok(tj_store_close(store, &err));
    assert_rows("select version::text from format", "2\n");
    assert_rows("select has_table_privilege('tj_test_granted', 'base_rows', 'insert')::text",
                "true\n");
    sql_do("drop owned by tj_test_granted");
    sql_do("drop role tj_test_granted");
}

/* ---- damage (P6) --------------------------------------------------------------------------- */

static tj_status load(const tj_config *config)
{
    tj_store *store = open_store(config);
    tj_live_state *state = NULL;
    tj_status status = tj_state_load(tj_store_state_repository(store, NULL), &state, &err);
    tj_live_state_free(state);
    tj_error kept = err;
    assert_ok(tj_store_close(store, &err));
    err = kept;
    return status;
}

static void test_a_damaged_row(void **state)
{
    (void)state;
    tj_config config = database_config("row");
    tj_store *store = open_store(&config);
    assert_ok(save_equity(store, 1));
    assert_ok(tj_store_close(store, &err));
    start_sql();
    sql_do("update raw_state set value = set_byte(value, 3, 1) where journal = (select journal "
           "from journal where name = 'row')");
    config.read_only = true;
    assert_refused(load(&config), TJ_CORRUPT, "checksum");
}

static void test_a_damaged_log(void **state)
{
    (void)state;
    tj_config config = database_config("log");
    tj_store *store = open_store(&config);
    for (int i = 0; i < 3; i++) {
        assert_ok(save_equity(store, i));
    }
    assert_ok(tj_store_close(store, &err));
    start_sql();
    sql_do("update journal set applied = 0 where name = 'log'");
    sql_do("update log set body = set_byte(body, 3, 77) where seq = 2 and journal = (select "
           "journal from journal where name = 'log')");
    config.read_only = true;
    assert_refused(load(&config), TJ_CORRUPT, "commit 2 in the log of ");
    sql_do("delete from log where seq = 2 and journal = (select journal from journal where name = "
           "'log')");
    assert_refused(load(&config), TJ_CORRUPT, "commit 2 is missing in the log of ");
    config.read_only = false;
    assert_refused(tj_store_open(&config, &store, &err), TJ_CORRUPT, "commit 2 is missing");
}

/* ---- privileges ---------------------------------------------------------------------------- */

static void create_roles(void)
{
    char text[4096];
    sql_do("drop role if exists tj_test_writer");
    sql_do("drop role if exists tj_test_reader");
    sql_do("create role tj_test_writer login");
    sql_do("create role tj_test_reader login");
    const char *grants[] = {
        "grant usage on schema %s to tj_test_writer, tj_test_reader",
        "grant select on all tables in schema %s to tj_test_writer, tj_test_reader",
        "grant insert, update (fence) on %s.log to tj_test_writer",
        "grant insert (name, id), update (epoch, holder, hinted, renewed, ttl, applied, "
        "unreplicated) on %s.journal to tj_test_writer",
        "grant insert, update, delete on %1$s.raw_books, %1$s.raw_state, %1$s.raw_algos, "
        "%1$s.raw_ledger, %1$s.raw_ledger_time, %1$s.raw_ledger_ids, %1$s.raw_counters, "
        "%1$s.raw_commits, %1$s.raw_quarantine to tj_test_writer",
        "grant insert on %1$s.base, %1$s.base_rows to tj_test_writer",
        "grant insert, update on %1$s.metrics to tj_test_writer"};
    for (size_t i = 0; i < sizeof grants / sizeof grants[0]; i++) {
        snprintf(text, sizeof text, grants[i], schema);
        sql_do(text);
    }
}

static void test_least_privileges(void **state)
{
    (void)state;
    tj_store *store = NULL;
    char writer[URL_SIZE + 32];
    char reader[URL_SIZE + 32];
    tj_config config = database_config("owned");
    assert_ok(tj_store_close(open_store(&config), &err));
    start_sql();
    create_roles();
    snprintf(writer, sizeof writer, "%s user=tj_test_writer", url);
    snprintf(reader, sizeof reader, "%s user=tj_test_reader", url);
    config.postgres.name = "granted";
    config.postgres.url = writer;
    store = open_store(&config);
    assert_ok(append_fee(store, 1));
    assert_ok(save_equity(store, 1));
    assert_ok(tj_store_close(store, &err));
    store = open_store(&config);
    assert_int_equal(count_fees(store), 1);
    assert_ok(tj_store_close(store, &err));
    config.postgres.url = reader;
    assert_refused(tj_store_open(&config, &store, &err), TJ_READONLY, "permission denied");
    config.read_only = true;
    store = open_store(&config);
    assert_int_equal(count_fees(store), 1);
    assert_ok(tj_store_close(store, &err));
    config = database_config("elsewhere");
    config.postgres.url = writer;
    config.postgres.schema = "not_mine";
    assert_refused(tj_store_open(&config, &store, &err), TJ_READONLY,
                   "open the journal once with a role that may create it");
    sql_do("drop owned by tj_test_writer, tj_test_reader");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_password_in_the_url),
        cmocka_unit_test(test_a_server_that_is_not_there),
        cmocka_unit_test(test_a_journal_that_is_not_there),
        cmocka_unit_test(test_a_later_format),
        cmocka_unit_test(test_an_earlier_format),
        cmocka_unit_test(test_a_damaged_row),
        cmocka_unit_test(test_a_damaged_log),
        cmocka_unit_test(test_least_privileges),
    };
    database_start("refused");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
