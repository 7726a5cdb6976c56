/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a save asks of the disk: one write and one flush, whatever the size of the state; what a
 * load reads; and that LMDB is never ahead of the flushed log (P3). The system calls are counted by
 * standing in for them.
 */
#include "journal_fixture.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/uio.h>

typedef enum call {
    CALL_READ,
    CALL_WRITE,
    CALL_FDATASYNC,
    CALL_FSYNC,
    CALL_MSYNC,
    CALL_COUNT
} call;
typedef enum file { FILE_LOG, FILE_DATA, FILE_OTHER, FILE_COUNT } file;

/* Counted for one thread, the saver's, so that the helper's work is not taken for it. */
static _Thread_local struct {
    bool on;
    unsigned calls[CALL_COUNT][FILE_COUNT];
    size_t bytes;
} counted;

/* Set while the order of writes is watched: log writes that no flush has followed yet. */
static _Atomic bool watching;
static _Atomic unsigned unflushed_log_writes;
static _Atomic unsigned data_writes;
static _Atomic unsigned data_writes_ahead;

static file file_of(int fd)
{
    char link[64];
    char path[PATH_MAX] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size > 4 && strcmp(path + size - 4, ".log") == 0) {
        return FILE_LOG;
    }
    return size > 9 && strcmp(path + size - 9, "/data.mdb") == 0 ? FILE_DATA : FILE_OTHER;
}

static void note(call what, int fd, size_t bytes)
{
    if (!counted.on && !atomic_load(&watching)) {
        return;
    }
    file where = file_of(fd);
    if (counted.on) {
        counted.calls[what][where]++;
        counted.bytes += bytes;
    }
    if (!atomic_load(&watching)) {
        return;
    }
    if (where == FILE_LOG && what != CALL_READ) {
        atomic_store(&unflushed_log_writes,
                     what == CALL_WRITE ? atomic_load(&unflushed_log_writes) + 1 : 0);
    } else if (where == FILE_DATA && what == CALL_WRITE) {
        atomic_fetch_add(&data_writes, 1);
        atomic_fetch_add(&data_writes_ahead, atomic_load(&unflushed_log_writes) > 0);
    }
}

#define STAND_IN __attribute__((visibility("default")))

STAND_IN ssize_t pread(int fd, void *bytes, size_t size, off_t offset)
{
    note(CALL_READ, fd, 0);
    return syscall(SYS_pread64, fd, bytes, size, offset);
}

STAND_IN ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    note(CALL_WRITE, fd, size);
    return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

STAND_IN ssize_t write(int fd, const void *bytes, size_t size)
{
    note(CALL_WRITE, fd, size);
    return syscall(SYS_write, fd, bytes, size);
}

STAND_IN ssize_t writev(int fd, const struct iovec *parts, int count)
{
    note(CALL_WRITE, fd, 0);
    return syscall(SYS_writev, fd, parts, count);
}

STAND_IN int fdatasync(int fd)
{
    int result = (int)syscall(SYS_fdatasync, fd);
    note(CALL_FDATASYNC, fd, 0);
    return result;
}

STAND_IN int fsync(int fd)
{
    int result = (int)syscall(SYS_fsync, fd);
    note(CALL_FSYNC, fd, 0);
    return result;
}

STAND_IN int msync(void *address, size_t size, int flags)
{
    counted.calls[CALL_MSYNC][FILE_OTHER]++;
    return (int)syscall(SYS_msync, address, size, flags);
}

static void count_start(void)
{
    memset(&counted, 0, sizeof counted);
    counted.on = true;
}

static unsigned total(call what)
{
    return counted.calls[what][FILE_LOG] + counted.calls[what][FILE_DATA] +
           counted.calls[what][FILE_OTHER];
}

/* Of `saves` saves, each with so many flushes of the log. */
static void assert_counted(unsigned saves, unsigned flushes)
{
    counted.on = false;
    assert_int_equal(counted.calls[CALL_WRITE][FILE_LOG], saves);
    assert_int_equal(total(CALL_WRITE), saves);
    assert_int_equal(counted.calls[CALL_FDATASYNC][FILE_LOG], saves * flushes);
    assert_int_equal(total(CALL_FDATASYNC), saves * flushes);
    assert_int_equal(total(CALL_FSYNC), 0);
    assert_int_equal(total(CALL_MSYNC), 0);
}

/* LMDB stays as it is, and there is room for everything in one segment. */
static void open_lazily(fixture *f, tj_durability durability)
{
    f->config.lmdb.lag_ms = NEVER_MS;
    f->config.lmdb.lag_bytes = (uint64_t)256 << 20;
    f->config.durability = durability;
    fixture_open(f);
}

/* ---- a lone save --------------------------------------------------------------------------- */

static void test_the_counter_counts(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE];
    snprintf(path, sizeof path, "%.*s/1.log", DIRECTORY_SIZE, f->directory);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    count_start();
    assert_int_equal(pwrite(fd, "abc", 3, 0), 3);
    assert_int_equal(fdatasync(fd), 0);
    assert_int_equal(fsync(fd), 0);
    counted.on = false;
    close(fd);
    assert_int_equal(counted.calls[CALL_WRITE][FILE_LOG], 1);
    assert_int_equal(counted.calls[CALL_FDATASYNC][FILE_LOG], 1);
    assert_int_equal(counted.calls[CALL_FSYNC][FILE_LOG], 1);
    assert_int_equal(counted.bytes, 3);
}

static void test_a_durable_save_is_one_write_and_one_flush(void **state)
{
    fixture *f = *state;
    open_lazily(f, TJ_DURABILITY_SYNC);
    save_numbers(f->store, 1, 1);
    count_start();
    save_numbers(f->store, 2, 101);
    assert_counted(100, 1);
    fixture_close(f);
}

static void test_a_save_in_os_mode_is_one_write(void **state)
{
    fixture *f = *state;
    open_lazily(f, TJ_DURABILITY_OS);
    save_numbers(f->store, 1, 1);
    count_start();
    save_numbers(f->store, 2, 101);
    assert_counted(100, 0);
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT; /* and one that asks for it is flushed */
    options.sync = true;
    tj_txn *txn = NULL;
    tj_decimal equity = decimal("102");
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
    count_start();
    assert_ok(tj_txn_commit(txn, &options, NULL, &err));
    assert_counted(1, 1);
    fixture_close(f);
}

static void test_saving_what_is_stored_costs_nothing(void **state)
{
    fixture *f = *state;
    open_lazily(f, TJ_DURABILITY_SYNC);
    save_numbers(f->store, 1, 5);
    count_start();
    for (int i = 0; i < 10; i++) {
        assert_ok(save_number(f->store, 5, &err));
    }
    assert_counted(0, 0);
    fixture_close(f);
}

static void test_a_transaction_is_one_write_and_one_flush(void **state)
{
    fixture *f = *state;
    open_lazily(f, TJ_DURABILITY_SYNC);
    save_numbers(f->store, 1, 1);
    tj_txn *txn = NULL;
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    for (unsigned i = 0; i < 50; i++) {
        tj_ledger_entry entry = plain_entry(i, "1");
        tj_uuid id = uuid(i);
        tj_algo_state algo = {TJ_STR("twap"), TJ_STR("{}")};
        assert_ok(tj_txn_append_ledger(txn, &entry, &err));
        assert_ok(tj_txn_put_algo(txn, &id, &algo, &err));
    }
    count_start();
    assert_ok(tj_txn_commit(txn, NULL, NULL, &err));
    assert_counted(1, 1);
    fixture_close(f);
}

/* ---- the size of the state ----------------------------------------------------------------- */

/* What one changed order costs beside `count` others: bytes written. */
static size_t bytes_of_one_changed_order(fixture *f, size_t count)
{
    tj_order *orders = calloc(count, sizeof *orders);
    char(*ids)[32] = calloc(count, sizeof *ids);
    assert_true(orders && ids);
    for (size_t i = 0; i < count; i++) {
        snprintf(ids[i], sizeof ids[i], "order-%05zu", i);
        orders[i] = plain_order(ids[i]);
    }
    tj_live_state state = {.open_orders = orders, .open_order_count = count};
    tj_state_repository *states = tj_store_state_repository(f->store, NULL);
    assert_ok(tj_state_save(states, &state, &err));
    orders[5].filled_quantity = decimal("0.25");
    orders[5].status = TJ_ORDER_PARTIALLY_FILLED;
    count_start();
    assert_ok(tj_state_save(states, &state, &err));
    assert_counted(1, 1);
    free(orders);
    free(ids);
    return counted.bytes;
}

static void test_one_changed_order_among_many(void **state)
{
    fixture *f = *state;
    open_lazily(f, TJ_DURABILITY_SYNC);
    size_t few = bytes_of_one_changed_order(f, 10);
    size_t many = bytes_of_one_changed_order(f, 10000);
    printf("one changed order: %zu bytes among 10, %zu among 10,000\n", few, many);
    assert_int_equal(few, many);
    assert_true(many <= 4096);
    fixture_close(f);
}

/* ---- loads behind a long tail ---------------------------------------------------------------- */

/* How often loading the number reads from the log. */
static unsigned log_reads_of_a_load(fixture *f, uint64_t expected)
{
    uint64_t number = 0;
    count_start();
    assert_ok(load_number(f->store, &number, &err));
    counted.on = false;
    assert_int_equal(number, expected);
    return counted.calls[CALL_READ][FILE_LOG];
}

static void test_a_load_reads_only_what_came_since_the_last_one(void **state)
{
    fixture *f = *state;
    open_lazily(f, TJ_DURABILITY_OS);
    save_numbers(f->store, 1, 5000);
    unsigned all = log_reads_of_a_load(f, 5000);
    printf("a first load reads %u blocks of the log\n", all);
    assert_in_range(all, 5, 50);
    assert_int_equal(log_reads_of_a_load(f, 5000), 0);
    save_numbers(f->store, 5001, 5001);
    assert_in_range(log_reads_of_a_load(f, 5001), 1, 2);
    assert_ok(tj_store_work(f->store, &err)); /* now LMDB has it all */
    assert_int_equal(log_reads_of_a_load(f, 5001), 0);
    save_numbers(f->store, 5002, 5002);
    assert_in_range(log_reads_of_a_load(f, 5002), 1, 2);
    fixture_close(f);
}

/* ---- LMDB behind the log ------------------------------------------------------------------- */

static void test_lmdb_is_never_ahead_of_the_flushed_log(void **state)
{
    fixture *f = *state;
    f->config.durability = TJ_DURABILITY_OS;
    f->config.no_threads = true;
    fixture_open(f);
    atomic_store(&watching, true);
    uint64_t number = 0;
    for (int round = 0; round < 20; round++) {
        save_numbers(f->store, number + 1, number + 10);
        number += 10;
        assert_true(atomic_load(&unflushed_log_writes) > 0);
        assert_ok(tj_store_work(f->store, &err));
    }
    atomic_store(&watching, false);
    assert_true(atomic_load(&data_writes) >= 20);
    assert_int_equal(atomic_load(&data_writes_ahead), 0);
    fixture_close(f);
    assert_opens_at(f, number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_the_counter_counts),
        JOURNAL_TEST(test_a_durable_save_is_one_write_and_one_flush),
        JOURNAL_TEST(test_a_save_in_os_mode_is_one_write),
        JOURNAL_TEST(test_saving_what_is_stored_costs_nothing),
        JOURNAL_TEST(test_a_transaction_is_one_write_and_one_flush),
        JOURNAL_TEST(test_one_changed_order_among_many),
        JOURNAL_TEST(test_a_load_reads_only_what_came_since_the_last_one),
        JOURNAL_TEST(test_lmdb_is_never_ahead_of_the_flushed_log),
    };
    return cmocka_run_group_tests_name("flushes", tests, NULL, NULL);
}
