/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a lone durable save asks of the system: exactly one write and one flush, whatever the size of the
 * state. The calls are counted where they enter the system: the functions below stand in for libc's, for
 * this library and for LMDB alike.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <tesser/journal.h>

#include "support/directory.h"

static _Atomic unsigned flushes;
static _Atomic unsigned writes;
static _Atomic uint64_t bytes_written;

int fdatasync(int fd)
{
    flushes++;
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    flushes++;
    return (int)syscall(SYS_fsync, fd);
}

int msync(void *address, size_t size, int flags)
{
    flushes++;
    return (int)syscall(SYS_msync, address, size, flags);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    writes++;
    bytes_written += size;
    return syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    return pwrite(fd, data, size, offset);
}

typedef struct counts {
    unsigned flushes;
    unsigned writes;
    uint64_t bytes;
} counts;

static counts count_now(void)
{
    return (counts){flushes, writes, bytes_written};
}

static counts count_since(counts before)
{
    return (counts){flushes - before.flushes, writes - before.writes, bytes_written - before.bytes};
}

static tj_error error = TJ_ERROR_INIT;

static void ok(tj_status status)
{
    if (status != TJ_OK) {
        fail_msg("%s: %s", tj_status_name(status), error.message);
    }
}

/* LMDB is kept away by a lag of an hour, so that only the saving path is counted. */
static tj_store *open_store(const char *path, tj_durability durability)
{
    tj_config config = TJ_CONFIG_INIT;
    tj_store *store = NULL;
    config.path = path;
    config.durability = durability;
    config.lag_ms = 3600 * 1000;
    config.lag_bytes = (uint64_t)64 << 20;
    ok(tj_store_open(&config, &store, &error));
    return store;
}

typedef struct many_orders {
    tj_order *orders;
    char (*ids)[16];
    tj_live_state state;
} many_orders;

static many_orders make_orders(size_t count)
{
    many_orders m = {.orders = calloc(count, sizeof *m.orders), .ids = calloc(count, 16)};
    assert_non_null(m.orders);
    assert_non_null(m.ids);
    for (size_t i = 0; i < count; i++) {
        snprintf(m.ids[i], sizeof m.ids[i], "order-%07zu", i);
        m.orders[i] = (tj_order){.id = tj_str_of(m.ids[i]), .status = TJ_ORDER_ACCEPTED};
        m.orders[i].request = (tj_order_request){.symbol = {TJ_STR("binance"), TJ_STR("BTCUSDT")},
                                                 .side = TJ_SIDE_BUY,
                                                 .order_type = TJ_ORDER_LIMIT,
                                                 .quantity = tj_decimal_int(1)};
    }
    m.state.open_orders = m.orders;
    m.state.open_order_count = count;
    return m;
}

static void free_orders(many_orders *m)
{
    free(m->orders);
    free(m->ids);
}

/* Saves a state of so many orders, then one of them changed, and counts the second save. */
static counts count_one_change(size_t order_count, tj_durability durability)
{
    char directory[DIRECTORY_SIZE];
    char path[DIRECTORY_SIZE + 16];
    directory_make(directory, "tj-flushes");
    snprintf(path, sizeof path, "%s/journal", directory);
    tj_store *store = open_store(path, durability);
    tj_state_repository *states = tj_store_state_repository(store, NULL);
    many_orders m = make_orders(order_count);
    ok(tj_state_save(states, &m.state, &error));

    m.orders[order_count / 2].status = TJ_ORDER_PARTIALLY_FILLED;
    counts before = count_now();
    ok(tj_state_save(states, &m.state, &error));
    counts used = count_since(before);

    before = count_now();
    ok(tj_state_save(states, &m.state, &error));
    counts unchanged = count_since(before);
    assert_int_equal(unchanged.flushes, 0);
    assert_int_equal(unchanged.writes, 0);

    free_orders(&m);
    ok(tj_store_close(store, &error));
    directory_remove(directory);
    return used;
}

static void one_write_and_one_flush(void **state)
{
    (void)state;
    counts used = count_one_change(10, TJ_DURABILITY_SYNC);
    assert_int_equal(used.flushes, 1);
    assert_int_equal(used.writes, 1);
}

static void one_write_and_no_flush_in_os_mode(void **state)
{
    (void)state;
    counts used = count_one_change(10, TJ_DURABILITY_OS);
    assert_int_equal(used.flushes, 0);
    assert_int_equal(used.writes, 1);
}

static void bytes_follow_the_change(void **state)
{
    (void)state;
    counts few = count_one_change(10, TJ_DURABILITY_SYNC);
    counts many = count_one_change(10000, TJ_DURABILITY_SYNC);
    assert_int_equal(many.flushes, 1);
    assert_int_equal(many.writes, 1);
    assert_int_equal(few.bytes, many.bytes);
    assert_true(many.bytes <= 4096);
}

/* The counters would also stay still if the functions above were never called. */
static void the_counters_count(void **state)
{
    (void)state;
    counts before = count_now();
    char directory[DIRECTORY_SIZE];
    char path[DIRECTORY_SIZE + 16];
    directory_make(directory, "tj-flushes");
    snprintf(path, sizeof path, "%s/journal", directory);
    ok(tj_store_close(open_store(path, TJ_DURABILITY_SYNC), &error));
    counts used = count_since(before);
    assert_true(used.flushes >= 4);
    assert_true(used.writes >= 4);
    directory_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_write_and_one_flush),
        cmocka_unit_test(one_write_and_no_flush_in_os_mode),
        cmocka_unit_test(bytes_follow_the_change),
        cmocka_unit_test(the_counters_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
