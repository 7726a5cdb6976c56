/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the walk at opening counts of the state and of the algorithms: told once, of the state that
 * was walked, and only where every row of it is whole.
 */
#include "support.h"

#define PAGE 4096
#define ROWS 300
#define MANY_ROWS 4000 /* in more pages than one thread walks alone */

static unsigned class_of(tj__bytes key)
{
    return key.size > 6 && key.data[0] == TJ__TABLE_STATE ? key.data[6] % TJ__ROW_CLASSES : 0;
}

static unsigned other_class_of(tj__bytes key)
{
    (void)key;
    return 0;
}

/* Rows of two books, some of them with values that need pages of their own. */
static void fill_with(tj__env *env, uint8_t table, uint64_t sequence, unsigned count,
                      size_t value_size_min)
{
    static const uint8_t long_value[9000] = {7};
    tj__rowmap *batch = tj__rowmap_new();
    tj__position position = position_at(sequence);
    for (unsigned i = 0; i < count; i++) {
        char key[64];
        int size = snprintf(key, sizeof key, "%c%c%c%c%crow %04u", table, 0, 0, 0, 1 + i % 2, i);
        key[6] = (char)(i % TJ__ROW_CLASSES);
        size_t value_size = i % 70 == 5 ? sizeof long_value : value_size_min + i % 90;
        assert_non_null(tj__rowmap_put(batch, tj__bytes_of(key, (size_t)size),
                                       tj__bytes_of(long_value, value_size), sequence));
    }
    assert_ok(tj__env_apply(env, batch, &position, &err));
    tj__rowmap_free(batch);
}

static void fill(tj__env *env, uint8_t table, uint64_t sequence)
{
    fill_with(env, table, sequence, ROWS, 0);
}

static void make(const place *at)
{
    journal_create(at);
    tj__env *env = journal_open(at, 1 << 20, false);
    fill(env, TJ__TABLE_STATE, 1);
    fill(env, TJ__TABLE_ALGOS, 2);
    tj__env_close(env);
}

static tj__env *open_counting(const place *at, bool read_only)
{
    tj__env_options options = {.directory = at->directory,
                               .map_size = 1 << 20,
                               .read_only = read_only,
                               .two_threads = true,
                               .classify = class_of};
    tj__superblock superblock;
    tj__env *env = NULL;
    assert_ok(tj__env_open(&options, &env, &superblock, &err));
    return env;
}

static bool tally(tj__env *env, uint8_t table, uint8_t book, tj__row_classifier *classify,
                  tj__row_tally *out)
{
    uint8_t prefix[5] = {table, 0, 0, 0, book};
    tj__env_snapshot *snapshot = NULL;
    tj__position position;
    bool known = false;
    assert_ok(tj__env_snapshot_begin(env, &snapshot, &position, &err));
    tj__row_source *rows = tj__env_snapshot_rows(snapshot);
    assert_ok(rows->tally(rows, tj__bytes_of(prefix, sizeof prefix), classify, out, &known, &err));
    tj__env_snapshot_end(snapshot);
    return known;
}

static void test_it_is_told_once(void **state)
{
    (void)state;
    place at = place_new();
    tj__row_tally rows;
    make(&at);
    tj__env *env = open_counting(&at, true);
    assert_false(tally(env, TJ__TABLE_STATE, 1, other_class_of, &rows));
    assert_false(tally(env, TJ__TABLE_STATE, 3, class_of, &rows)); /* has no rows */
    assert_false(tally(env, TJ__TABLE_COUNTERS, 1, class_of, &rows));
    for (uint8_t book = 1; book <= 2; book++) {
        assert_true(tally(env, TJ__TABLE_STATE, book, class_of, &rows));
        for (unsigned i = 0; i < TJ__ROW_CLASSES; i++) {
            assert_int_equal(rows.rows[i], i % 2 == book - 1u ? 2 * ROWS / TJ__ROW_CLASSES / 2 : 0);
        }
        assert_true(tally(env, TJ__TABLE_ALGOS, book, class_of, &rows));
        assert_int_equal(rows.rows[0], ROWS / 2);
        assert_int_equal(rows.rows[1] + rows.rows[2] + rows.rows[3], 0);
        assert_false(tally(env, TJ__TABLE_STATE, book, class_of, &rows));
        assert_false(tally(env, TJ__TABLE_ALGOS, book, class_of, &rows));
    }
    tj__env_close(env);
    env = journal_open(&at, 1 << 20, true); /* nobody asked for it */
    assert_false(tally(env, TJ__TABLE_STATE, 1, class_of, &rows));
    tj__env_close(env);
    place_remove(&at);
}

static void test_it_is_of_the_state_that_was_walked(void **state)
{
    (void)state;
    place at = place_new();
    tj__row_tally rows;
    make(&at);
    tj__env *env = open_counting(&at, false);
    assert_true(tally(env, TJ__TABLE_STATE, 1, class_of, &rows));
    fill(env, TJ__TABLE_STATE, 3);
    assert_false(tally(env, TJ__TABLE_STATE, 2, class_of, &rows));
    tj__env_close(env);
    place_remove(&at);
}

/* Flips a bit of the row whose key ends so, `at` bytes behind its key. */
static void damage(const place *at, const char *key, long offset)
{
    int fd = open(at->data, O_RDWR | O_CLOEXEC);
    uint8_t bytes[PAGE];
    unsigned found = 0;
    for (off_t page = 2; pread(fd, bytes, PAGE, page * PAGE) == PAGE; page++) {
        uint8_t *row = bytes[10] == 2 ? memmem(bytes, PAGE, key, strlen(key)) : NULL;
        while (row) {
            row[(long)strlen(key) + offset] ^= 1;
            found++;
            uint8_t *behind = row + strlen(key);
            row = memmem(behind, (size_t)(bytes + PAGE - behind), key, strlen(key));
        }
        assert_int_equal(pwrite(fd, bytes, PAGE, page * PAGE), PAGE);
    }
    close(fd);
    assert_true(found > 0);
}

static void test_a_damaged_row_leaves_it_unknown(void **state)
{
    (void)state;
    static const long offsets[] = {8, 15, 16, 20}; /* its sequence, its value */
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        place at = place_new();
        tj__row_tally rows;
        make(&at);
        damage(&at, "089", offsets[i]); /* of both tables */
        tj__env *env = open_counting(&at, true);
        assert_false(tally(env, TJ__TABLE_STATE, 1, class_of, &rows));
        assert_false(tally(env, TJ__TABLE_STATE, 2, class_of, &rows));
        assert_true(tally(env, TJ__TABLE_ALGOS, 1, class_of, &rows)); /* not looked into */
        tj__env_close(env);
        place_remove(&at);
    }
}

static void test_two_threads_count_a_large_table(void **state)
{
    (void)state;
    static const char *const keys[] = {"0089", "2000", "3989"};
    place at = place_new();
    tj__row_tally rows;
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 25, false);
    fill_with(env, TJ__TABLE_STATE, 1, MANY_ROWS, 1000);
    tj__env_close(env);
    env = open_counting(&at, true);
    for (uint8_t book = 1; book <= 2; book++) {
        assert_true(tally(env, TJ__TABLE_STATE, book, class_of, &rows));
        for (unsigned i = 0; i < TJ__ROW_CLASSES; i++) {
            assert_int_equal(rows.rows[i], i % 2 == book - 1u ? MANY_ROWS / TJ__ROW_CLASSES : 0);
        }
    }
    tj__env_close(env);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        damage(&at, keys[i], 20);
        env = open_counting(&at, true);
        assert_false(tally(env, TJ__TABLE_STATE, 1, class_of, &rows));
        tj__env_close(env);
        damage(&at, keys[i], 20); /* makes it whole again */
    }
    place_remove(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_told_once),
        cmocka_unit_test(test_it_is_of_the_state_that_was_walked),
        cmocka_unit_test(test_a_damaged_row_leaves_it_unknown),
        cmocka_unit_test(test_two_threads_count_a_large_table),
    };
    return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
