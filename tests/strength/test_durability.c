/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is durable when, and what is believed of a journal after its machine or a file of it was
 * exchanged. */
#include "strength/fixture.h"

#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <sys/wait.h>

#include "strength/disk.h"
#include "support/orphan.h"

#define SEGMENT_SIZE TJ_SEGMENT_SIZE_MIN
#define BOOT_AT 520 /* in writer.lock */

/* ---- flushes --------------------------------------------------------------------------------- */

static void *commit_the_second(void *context)
{
    fixture *f = context;
    commit_number(f->store, 2);
    return NULL;
}

/* Nor does a load of this process show it. */
static void lmdb_does_not_pass_what_is_acknowledged(void **state)
{
    fixture *f = *state;
    pthread_t saver;
    fixture_open(f);
    commit_number(f->store, 1);
    atomic_store(&disk.stalled, true);
    assert_int_equal(pthread_create(&saver, NULL, commit_the_second, f), 0);
    disk_await(1);
    assert_ok(tj_store_work(f->store, &err));
    tj_store_info info = info_of(f->store);
    bool shown = holds_number(f->store, 2);
    atomic_store(&disk.stalled, false);
    assert_int_equal(pthread_join(saver, NULL), 0);
    assert_int_equal(info.lmdb.applied_sequence, 1);
    assert_int_equal(info.sequence, 1);
    assert_false(shown);
    assert_true(holds_number(f->store, 2));
}

static void a_counter_is_flushed_in_os_mode_too(void **state)
{
    fixture *f = *state;
    uint64_t first = 0;
    f->config.durability = TJ_DURABILITY_OS;
    fixture_open(f);
    disk_reset();
    commit_number(f->store, 1);
    assert_int_equal(atomic_load(&disk.flushes), 0);
    assert_ok(tj_counter_reserve(f->store, NULL, "orders", 10, &first, &err));
    assert_int_equal(atomic_load(&disk.flushes), 1);
}

/* ---- what is believed ------------------------------------------------------------------------ */

/* Commits of a process that is gone, which LMDB does not have. */
static void leave_killed(fixture *f, unsigned count)
{
    int code = -1;
    pid_t child = fork_dependent();
    if (child == 0) {
        f->config.lmdb.lag_ms = 3600000;
        fixture_open(f);
        for (unsigned number = 1; number <= count; number++) {
            commit_number(f->store, number);
        }
        _exit(0);
    }
    waitpid(child, &code, 0);
    assert_int_equal(code, 0);
}

static int open_file(const fixture *f, const char *name)
{
    char path[PATH_TEXT_SIZE + 64];
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* As a power cut takes a record that only the page cache had. */
static void lose_last_record(const fixture *f)
{
    static char segment[SEGMENT_SIZE];
    int fd = open_file(f, "log/0000000001.log");
    assert_int_equal(pread(fd, segment, sizeof segment, 0), sizeof segment);
    size_t at = sizeof segment - 64;
    while (memcmp(segment + at, "TJRC", 4) != 0) {
        at -= 64;
    }
    memset(segment + at, 0, sizeof segment - at);
    assert_int_equal(pwrite(fd, segment, sizeof segment, 0), sizeof segment);
    close(fd);
}

static void reboot(const fixture *f)
{
    int fd = open_file(f, "writer.lock");
    assert_int_equal(pwrite(fd, "another boot id.", 16, BOOT_AT), 16);
    close(fd);
}

static void the_mark_of_this_boot_is_believed(void **state)
{
    fixture *f = *state;
    leave_killed(f, 3);
    lose_last_record(f);
    assert_refused(tj_store_open(&f->config, &f->store, &err), TJ_CORRUPT, "writer.lock");
    f->damaged = true;
}

static void the_mark_of_another_boot_is_not(void **state)
{
    fixture *f = *state;
    leave_killed(f, 3);
    lose_last_record(f);
    reboot(f);
    fixture_open(f);
    assert_int_equal(count_numbers(f->store), 2);
}

/* Both histories are as long, and all of their checksums are right. */
static void tables_of_another_history_are_refused(void **state)
{
    fixture *f = *state;
    char command[4 * DIRECTORY_SIZE];
    fixture_open(f);
    commit_number(f->store, 1);
    fixture_close(f);
    snprintf(command, sizeof command, "cp -r %s %s-other", f->path, f->path);
    assert_int_equal(system(command), 0);
    fixture_open(f);
    commit_number(f->store, 2);
    fixture_close(f);
    fixture other = *f;
    snprintf(other.path, sizeof other.path, "%.*s-other", DIRECTORY_SIZE, f->path);
    other.config.path = other.path;
    fixture_open(&other);
    commit_number(other.store, 3);
    fixture_close(&other);
    snprintf(command, sizeof command, "cp %s-other/data.mdb %s/data.mdb", f->path, f->path);
    assert_int_equal(system(command), 0);
    assert_refused(tj_store_open(&f->config, &f->store, &err), TJ_CORRUPT,
                   "do not belong together");
    f->damaged = true;
}

/* One algorithm, by LMDB itself: every page and every other row is right. */
static void take_row_away(const fixture *f)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi algos;
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_set_mapsize(env, (size_t)16 << 20), 0);
    assert_int_equal(mdb_env_open(env, f->path, 0, 0660), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "algos", 0, &algos), 0);
    assert_int_equal(mdb_cursor_open(txn, algos, &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_FIRST), 0);
    assert_int_equal(mdb_cursor_del(cursor, 0), 0);
    mdb_cursor_close(cursor);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void a_row_that_is_gone_is_missed(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    for (unsigned number = 1; number <= 5; number++) {
        commit_number(f->store, number);
    }
    fixture_close(f);
    take_row_away(f);
    for (int read_only = 0; read_only < 2; read_only++) {
        tj_algo_list *list = NULL;
        f->config.read_only = read_only == 1;
        err = (tj_error)TJ_ERROR_INIT;
        tj_status status = tj_store_open(&f->config, &f->store, &err);
        if (status == TJ_OK) { /* then nothing is read of that table */
            status = tj_algo_load_all(tj_store_algo_repository(f->store, NULL), &list, &err);
            fixture_drop(f);
        }
        assert_int_equal(status, TJ_CORRUPT);
        assert_non_null(strstr(err.message, "4 rows"));
    }
    f->damaged = true;
}

static void set_up(fixture *f)
{
    f->config.lmdb.segment_size_bytes = SEGMENT_SIZE;
    f->config.no_threads = true;
    disk_reset();
}

#define TEST(name) JOURNAL_TEST_WITH(name, set_up, NULL)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lmdb_does_not_pass_what_is_acknowledged), TEST(a_counter_is_flushed_in_os_mode_too),
        TEST(the_mark_of_this_boot_is_believed),       TEST(the_mark_of_another_boot_is_not),
        TEST(tables_of_another_history_are_refused),   TEST(a_row_that_is_gone_is_missed),
    };
    directory_in_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
