/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a server runs out of, and what stands in its place: a sentence each, and nothing is lost. */
#include "proxy.h"

#include <sys/mount.h>
#include <sys/stat.h>

static void start_sql(void)
{
    if (!sql.conn) {
        sql_open();
    }
}

/* ---- a full disk ----------------------------------------------------------------------------- */

/* A file system of so many MiB, which the server may write to. False: this user may mount none. */
static bool mount_small(char directory[64], unsigned mib)
{
    char options[64];
    char command[320];
    snprintf(directory, 64, "/tmp/tj-small-XXXXXX");
    snprintf(options, sizeof options, "size=%um,mode=777", mib);
    if (!mkdtemp(directory) || mount("none", directory, "tmpfs", 0, options) != 0) {
        return false;
    }
    snprintf(command, sizeof command,
             "mkdir %s/space && chown postgres %s/space && chmod 700 "
             "%s/space",
             directory, directory, directory);
    return system(command) == 0;
}

/* A commit of about a mebibyte. */
static tj_status save_large(tj_store *store, unsigned number)
{
    static char payload[1 << 20];
    tj_uuid id = {{(uint8_t)number}};
    memset(payload, 'x', sizeof payload);
    payload[0] = payload[sizeof payload - 1] = '"';
    tj_algo_state state = {TJ_STR("large"), {payload, sizeof payload}};
    return tj_algo_save(tj_store_algo_repository(store, NULL), &id, &state, &err);
}

static void test_a_full_disk(void **state)
{
    (void)state;
    char directory[64];
    char text[256];
    if (getuid() != 0 || !mount_small(directory, 8)) {
        printf("not tried: a full disk (no mount)\n");
        return;
    }
    tj_config config = database_config("full");
    config.postgres.timeout_ms = 100;
    config.postgres.lag_ms = 600000;
    tj_store *store = open_store(&config);
    start_sql();
    snprintf(text, sizeof text, "create tablespace small location '%s/space'", directory);
    sql_do(text);
    sql_do("alter table log set tablespace small");
    unsigned number = 0;
    tj_status status = TJ_OK;
    while (status == TJ_OK && number < 32) {
        status = save_large(store, ++number);
    }
    assert_int_equal(status, TJ_UNKNOWN);
    assert_non_null(strstr(err.message, "the server says: could not extend file"));
    snprintf(text, sizeof text, "mount -o remount,size=64m %s", directory);
    assert_int_equal(system(text), 0);
    assert_ok(tj_store_work(store, &err));
    assert_ok(append_fee(store, 1));
    tj_store_info info = TJ_STORE_INFO_INIT;
    assert_ok(tj_store_info_get(store, &info, &err));
    assert_int_equal(info.sequence, number + 1);
    assert_ok(tj_store_close(store, &err));
    sql_do("alter table log set tablespace pg_default");
    sql_do("drop tablespace small");
    assert_int_equal(umount(directory), 0);
    (void)rmdir(directory);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void test_no_connection_is_left(void **state)
{
    (void)state;
    char limited[URL_SIZE + 32];
    tj_store *store = NULL;
    tj_config config = database_config("crowded");
    assert_ok(tj_store_close(open_store(&config), &err));
    start_sql();
    sql_do("drop role if exists tj_test_limited");
    sql_do("create role tj_test_limited login connection limit 0");
    snprintf(limited, sizeof limited, "%s user=tj_test_limited", url);
    config.postgres.url = limited;
    assert_refused(tj_store_open(&config, &store, &err), TJ_UNAVAILABLE,
                   "too many connections for role");
    sql_do("drop role tj_test_limited");
}

/* ---- another one answers --------------------------------------------------------------------- */

/* The number of the server's process is not that of the one that was connected to. */
static void test_a_pooler(void **state)
{
    (void)state;
    char pooled[URL_SIZE];
    tj_store *store = NULL;
    proxy p;
    proxy_start(&p);
    proxy_url(&p, pooled);
    p.renumbers = true;
    tj_config config = database_config("pooled");
    assert_ok(tj_store_close(open_store(&config), &err));
    config.postgres.url = pooled;
    for (int i = 0; i < 2; i++) {
        config.read_only = i == 1;
        assert_refused(tj_store_open(&config, &store, &err), TJ_UNSUPPORTED,
                       "a connection pooler stands between this process and the server");
    }
    proxy_stop(&p);
}

static void test_an_old_server(void **state)
{
    (void)state;
    char old[URL_SIZE];
    tj_store *store = NULL;
    proxy p;
    proxy_start(&p);
    proxy_url(&p, old);
    p.is_old = true;
    tj_config config = database_config("old");
    config.postgres.url = old;
    assert_refused(tj_store_open(&config, &store, &err), TJ_UNSUPPORTED,
                   "the server is PostgreSQL 13; a journal needs version 14 or a later one");
    proxy_stop(&p);
}

/* After a lost connection a server answers that has another journal by this name. */
static void test_another_journal(void **state)
{
    (void)state;
    char own[URL_SIZE + 32];
    tj_config config = database_config("swapped");
    snprintf(own, sizeof own, "%s application_name=swapped", url);
    config.postgres.url = own;
    config.postgres.timeout_ms = 100;
    config.postgres.lag_ms = 600000;
    tj_store *store = open_store(&config);
    assert_ok(append_fee(store, 1));
    start_sql();
    sql_do("create table kept as select id from journal where name = 'swapped'");
    sql_do("update journal set id = gen_random_uuid() where name = 'swapped'");
    sql_do("select pg_terminate_backend(pid) from pg_stat_activity where application_name = "
           "'swapped'");
    assert_refused(save_equity(store, 1), TJ_UNKNOWN,
                   "does not have journal \"swapped\" with its id");
    sql_do("update journal set id = (select id from kept) where name = 'swapped'");
    assert_ok(tj_store_work(store, &err));
    assert_int_equal(count_fees(store), 1);
    assert_ok(tj_store_close(store, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_disk),     cmocka_unit_test(test_no_connection_is_left),
        cmocka_unit_test(test_a_pooler),        cmocka_unit_test(test_an_old_server),
        cmocka_unit_test(test_another_journal),
    };
    database_start("troubles");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
