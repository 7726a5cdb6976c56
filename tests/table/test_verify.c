/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One bit in the head of any page: what an opened environment shows is what was stored, or it is
 * refused. LMDB alone passes over rows, shows them twice, or dies of a signal.
 */
#include "support.h"

#include "base/hash.h"

#define PAGE 4096
#define HEAD_SIZE 16

static tj_error test_error;

/* Rows of two books in a table that is always walked at open, and in a large one that is
 * touched. */
static void fill(tj__env *env, uint8_t table, uint64_t sequence)
{
    static const uint8_t long_value[9000] = {7};
    tj__rowmap *batch = tj__rowmap_new();
    tj__position position = position_at(sequence);
    for (unsigned i = 0; i < 200; i++) {
        char key[64];
        int size = snprintf(key, sizeof key, "%c%c%c%c%crow %04u", table, 0, 0, 0, 1 + i / 150, i);
        size_t value_size = i % 70 == 5 ? sizeof long_value : i % 90;
        assert_non_null(tj__rowmap_put(batch, tj__bytes_of(key, (size_t)size),
                                       tj__bytes_of(long_value, value_size), sequence));
    }
    assert_ok(tj__env_apply(env, batch, &position, &err));
    tj__rowmap_free(batch);
}

static tj_status add_up(void *context, const tj__row *row, tj_error *visit_error)
{
    uint64_t *sum = context;
    if (row->damaged) { /* in the middle of a long value */
        return tj__fail(visit_error, TJ_CORRUPT, "a row is damaged");
    }
    *sum = tj__hash_seeded(row->key.data, row->key.size, *sum);
    *sum = tj__hash_seeded(row->value.data, row->value.size, *sum);
    return TJ_OK;
}

/* Everything that the tables show. */
static tj_status read_all(const place *at, bool read_only, uint64_t *sum)
{
    tj__env_options options = {
        .directory = at->directory, .map_size = 1 << 20, .read_only = read_only};
    tj__superblock superblock;
    tj__env *env = NULL;
    tj__env_snapshot *snapshot = NULL;
    tj__position position;
    tj_status status = tj__env_open(&options, &env, &superblock, &test_error);
    if (status != TJ_OK) {
        return status;
    }
    *sum = 0;
    status = tj__env_snapshot_begin(env, &snapshot, &position, &test_error);
    for (uint8_t table = 2; status == TJ_OK && table <= TJ__TABLE_LAST; table++) {
        status = tj__rows_scan_prefix(tj__env_snapshot_rows(snapshot), tj__bytes_of(&table, 1),
                                      false, add_up, sum, &test_error);
    }
    tj__env_snapshot_end(snapshot);
    tj__env_close(env);
    return status;
}

static void flip(int fd, off_t at, unsigned bit)
{
    uint8_t byte;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= (uint8_t)(1u << bit);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void test_every_bit_of_every_head(void **state)
{
    (void)state;
    place at = place_new();
    uint64_t wanted = 0;
    unsigned refused = 0;
    unsigned same = 0;
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    fill(env, TJ__TABLE_STATE, 1);
    fill(env, TJ__TABLE_ALGOS, 2);
    tj__env_close(env);
    assert_ok(read_all(&at, true, &wanted));
    int fd = open(at.data, O_RDWR | O_CLOEXEC);
    off_t size = lseek(fd, 0, SEEK_END);
    for (off_t page = 2; page < size / PAGE; page++) {
        for (unsigned bit = 0; bit < 8 * HEAD_SIZE; bit++) {
            uint64_t sum = 0;
            test_error = (tj_error)TJ_ERROR_INIT;
            flip(fd, page * PAGE + bit / 8, bit % 8);
            tj_status status = read_all(&at, bit % 2 == 0, &sum);
            flip(fd, page * PAGE + bit / 8, bit % 8);
            if (status == TJ_OK && sum != wanted) {
                fail_msg("bit %u of page %d is not noticed", bit, (int)page);
            }
            refused += status == TJ_CORRUPT || status == TJ_UNSUPPORTED;
            same += status == TJ_OK;
        }
    }
    printf("%u flips refused, %u of no effect\n", refused, same);
    assert_true(refused > 1000);
    assert_int_equal(refused + same, (size / PAGE - 2) * 8 * HEAD_SIZE);
    close(fd);
    place_remove(&at);
}

/* A row that is replaced leaves its sum, also when it was damaged meanwhile. */
static void test_sums_follow_the_rows(void **state)
{
    (void)state;
    place at = place_new();
    uint64_t sum = 0;
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    fill(env, TJ__TABLE_ALGOS, 1);
    tj__env_close(env);
    int fd = open(at.data, O_RDWR | O_CLOEXEC);
    uint8_t bytes[PAGE];
    for (off_t page = 2; pread(fd, bytes, PAGE, page * PAGE) == PAGE; page++) {
        uint8_t *row = memmem(bytes, PAGE, "row 0003", 8);
        if (row) { /* the checksum stands behind the key */
            flip(fd, page * PAGE + (row + 8 - bytes), 3);
        }
    }
    close(fd);
    assert_int_equal(read_all(&at, false, &sum), TJ_CORRUPT); /* as that row alone */
    env = journal_open(&at, 1 << 20, false);
    fill(env, TJ__TABLE_ALGOS, 2);
    tj__env_close(env);
    assert_ok(read_all(&at, false, &sum));
    place_remove(&at);
}

/* ---- a table that opening leaves out ------------------------------------------------------ */

#define LARGE_ROWS 4500
#define LARGE_VALUE_SIZE 1500

static void fill_large(tj__env *env)
{
    static const uint8_t value[LARGE_VALUE_SIZE] = {9};
    tj__rowmap *batch = tj__rowmap_new();
    tj__position position = position_at(2);
    for (unsigned i = 0; i < LARGE_ROWS; i++) {
        char key[64];
        int size =
            snprintf(key, sizeof key, "%c%c%c%c%clarge %04u", TJ__TABLE_ALGOS, 0, 0, 0, 1, i);
        assert_non_null(tj__rowmap_put(batch, tj__bytes_of(key, (size_t)size),
                                       tj__bytes_of(value, sizeof value), 2));
    }
    assert_ok(tj__env_apply(env, batch, &position, &err));
    tj__rowmap_free(batch);
}

static tj_status count_one(void *context, const tj__row *row, tj_error *visit_error)
{
    (void)row;
    (void)visit_error;
    ++*(unsigned *)context;
    return TJ__STOP;
}

static tj_status scan(tj__env *env, uint8_t table, bool descending, tj__row_visitor *visitor,
                      void *context)
{
    tj__env_snapshot *snapshot = NULL;
    tj__position position;
    assert_ok(tj__env_snapshot_begin(env, &snapshot, &position, &err));
    tj_status status =
        tj__rows_scan_prefix(tj__env_snapshot_rows(snapshot), tj__bytes_of(&table, 1), descending,
                             visitor, context, &test_error);
    tj__env_snapshot_end(snapshot);
    return status;
}

/* Damage in it is found when it is touched, or by who walks the rest, and stops nothing else. */
static void test_a_large_table(void **state)
{
    (void)state;
    place at = place_new();
    uint64_t sum = 0;
    unsigned seen = 0;
    uint8_t page[PAGE];
    journal_create(&at);
    tj__env *env = journal_open(&at, 32 << 20, false);
    fill(env, TJ__TABLE_STATE, 1);
    fill_large(env);
    tj__env_close(env);
    int fd = open(at.data, O_RDWR | O_CLOEXEC);
    off_t number = 2;
    while (pread(fd, page, PAGE, number * PAGE) == PAGE &&
           !(page[10] == 2 && memmem(page, PAGE, "large 0500", 10))) {
        number++;
    }
    flip(fd, number * PAGE + 12, 2);
    close(fd);
    for (int read_only = 0; read_only < 2; read_only++) {
        env = journal_open(&at, 32 << 20, read_only == 1);
        assert_int_equal(tj__env_damaged(env), 0);
        assert_int_equal(scan(env, TJ__TABLE_STATE, false, add_up, &sum), TJ_OK);
        assert_int_equal(scan(env, TJ__TABLE_ALGOS, true, count_one, &seen), TJ_OK);
        assert_int_equal(seen, read_only + 1);
        assert_int_equal(scan(env, TJ__TABLE_ALGOS, true, add_up, &sum), TJ_CORRUPT);
        assert_non_null(strstr(test_error.message, "checking table \"algos\""));
        assert_int_equal(tj__env_verify_rest(env, &test_error), TJ_CORRUPT);
        assert_int_equal(tj__env_damaged(env), TJ__TABLE_BIT(TJ__TABLE_ALGOS));
        assert_int_equal(scan(env, TJ__TABLE_STATE, false, add_up, &sum), TJ_OK);
        tj__env_close(env);
    }
    place_remove(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bit_of_every_head),
        cmocka_unit_test(test_sums_follow_the_rows),
        cmocka_unit_test(test_a_large_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
