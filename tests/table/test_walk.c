/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A table is walked by the order of its keys, by that of the file, and by two threads: each sees
 * every row once, and all of them refuse the same files; also where a tree has more leaves than are
 * put aside at a time.
 */
#include <pthread.h>

#include "base/hash.h"
#include "support.h"
#include "table/walk.h"

#define ROWS 3000u
#define MUTATIONS 300u

typedef enum manner { BY_KEYS, BY_FILE, BY_TWO, MANNERS } manner;

/* What a walk has seen: equal sums mean the same rows, each as often. */
typedef struct seen {
    uint64_t rows;
    uint64_t sum;
    pthread_t thread;
} seen;

static bool no_threads;   /* none can be started */
static size_t leaves_max; /* so many are put aside at a time; 0: as many as ever */
static size_t more_key;   /* so many bytes more than ever */

tj_status __real_tj__thread_start(pthread_t *thread, void *(*run)(void *context), void *context,
                                  const char *what, tj_error *error);
tj_status __wrap_tj__thread_start(pthread_t *thread, void *(*run)(void *context), void *context,
                                  const char *what, tj_error *error);

tj_status __wrap_tj__thread_start(pthread_t *thread, void *(*run)(void *context), void *context,
                                  const char *what, tj_error *error)
{
    return no_threads ? tj__fail(error, TJ_NOMEM, "no thread is to be had")
                      : __real_tj__thread_start(thread, run, context, what, error);
}

static tj_status see(void *context, const tj__walked_row *rows, size_t count, tj_error *error)
{
    seen *s = context;
    (void)error;
    s->thread = pthread_self();
    s->rows += count;
    for (size_t i = 0; i < count; i++) {
        s->sum += tj__hash(rows[i].key.data, rows[i].key.size) * 3 +
                  tj__hash(rows[i].value.data, rows[i].value.size) * 5 + rows[i].offset * 7;
    }
    return TJ_OK;
}

/* Rows in a random order of their keys, some with values that need pages of their own. */
static void make(const place *at, uint64_t *random)
{
    static uint8_t value[9000];
    journal_create(at);
    tj__env *env = journal_open(at, 16 << 20, false);
    tj__rowmap *batch = tj__rowmap_new();
    for (unsigned sequence = 1; sequence <= 10; sequence++) {
        tj__rowmap_clear(batch);
        for (unsigned i = 0; i < ROWS / 10; i++) {
            char key[512];
            memset(key, '0', sizeof key);
            snprintf(key, sizeof key, "\3%c%c%c%c%016" PRIx64 " %050u", 0, 0, 0, 1,
                     random_next(random), i);
            key[72] = '0';
            value[0] = (uint8_t)i;
            assert_non_null(tj__rowmap_put(batch, tj__bytes_of(key, 72 + more_key),
                                           tj__bytes_of(value, i % 60 == 7 ? 9000 : i % 90),
                                           sequence));
        }
        tj__position position = position_at(sequence);
        assert_ok(tj__env_apply(env, batch, &position, &err));
    }
    tj__rowmap_free(batch);
    tj__env_close(env);
}

static tj_status walk_tables(tj__walk *walk, manner how, seen s[2], tj_error *error)
{
    for (uint8_t table = 1; table <= TJ__TABLE_LAST; table++) {
        const char *name = tj__table_name(table);
        TJ_TRY(how == BY_KEYS
                   ? tj__walk_database(walk, name, see, &s[0], error)
                   : tj__walk_by_file(walk, name, see, &s[0], how == BY_TWO ? &s[1] : NULL, error));
    }
    return tj__walk_free_list(walk, error);
}

/* Walks everything; *lost is how many pages are neither in use nor free. */
static tj_status walk(const char *path, manner how, seen s[2], uint64_t *lost, tj_error *error)
{
    tj__pages pages;
    tj__walk *walk = NULL;
    uint64_t first = 0;
    s[0] = s[1] = (seen){0};
    tj_status status = tj__pages_open(path, 0, &pages, error);
    status = status == TJ_OK ? tj__walk_begin(&pages, &walk, error) : status;
    if (status == TJ_OK) {
        walk->leaves_max = leaves_max > 0 ? leaves_max : walk->leaves_max;
        status = walk_tables(walk, how, s, error);
    }
    *lost = status == TJ_OK ? tj__walk_lost(walk, &first) : 0;
    tj__walk_end(walk);
    tj__pages_close(&pages);
    return status;
}

/* Every row, as often as by the order of the keys; no page is lost. */
static void expect_same_rows(const char *path, manner how, const seen *by_keys, seen s[2])
{
    uint64_t lost = 1;
    assert_ok(walk(path, how, s, &lost, &err));
    assert_int_equal(lost, 0);
    assert_int_equal(s[0].rows + s[1].rows, by_keys->rows);
    assert_int_equal(s[0].sum + s[1].sum, by_keys->sum);
}

static void test_each_row_is_seen_once(void **state)
{
    (void)state;
    uint64_t random = seed_new();
    place at = place_new();
    seen s[MANNERS][2];
    make(&at, &random);
    for (manner how = BY_KEYS; how < MANNERS; how++) {
        expect_same_rows(at.data, how, &s[BY_KEYS][0], s[how]);
        assert_true(s[how][0].rows + s[how][1].rows > ROWS); /* and those of META */
    }
    assert_in_range(s[BY_TWO][1].rows, ROWS / 3, ROWS * 2 / 3);
    assert_false(pthread_equal(s[BY_TWO][0].thread, s[BY_TWO][1].thread));
    place_remove(&at);
}

static void test_leaves_by_few(void **state)
{
    (void)state;
    uint64_t random = seed_new();
    place at = place_new();
    seen s[MANNERS][2];
    uint64_t lost = 1;
    make(&at, &random);
    assert_ok(walk(at.data, BY_KEYS, s[BY_KEYS], &lost, &err));
    for (leaves_max = 1; leaves_max < 12; leaves_max++) {
        for (manner how = BY_FILE; how < MANNERS; how++) {
            expect_same_rows(at.data, how, &s[BY_KEYS][0], s[how]);
        }
    }
    leaves_max = 0;
    place_remove(&at);
}

/* More bytes than there is room for, for the leaves that there are. */
static void test_long_keys(void **state)
{
    more_key = 400;
    test_each_row_is_seen_once(state);
    more_key = 0;
}

static void test_one_does_the_work_of_two(void **state)
{
    (void)state;
    uint64_t random = seed_new();
    place at = place_new();
    seen two[2];
    seen one[2];
    uint64_t lost = 1;
    make(&at, &random);
    assert_ok(walk(at.data, BY_TWO, two, &lost, &err));
    no_threads = true;
    tj_status status = walk(at.data, BY_TWO, one, &lost, &err);
    no_threads = false;
    assert_ok(status);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(pthread_equal(one[i].thread, pthread_self()));
        assert_int_equal(one[i].rows, two[i].rows);
        assert_int_equal(one[i].sum, two[i].sum);
    }
    place_remove(&at);
}

/* ---- damage -------------------------------------------------------------------------------- */

static void put_bytes(const place *at, const void *bytes, size_t size, uint64_t offset)
{
    int fd = open(at->data, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_ok(tj__file_write_at(fd, at->data, bytes, size, offset, &err));
    close(fd);
}

/* Where the numbers stand of the first and of the last run of pages that a leaf names. */
static void find_runs(const tj__buffer *file, uint64_t at[2])
{
    at[0] = at[1] = 0;
    for (size_t page = 2 * 4096; page < file->size; page += 4096) {
        const uint8_t *bytes = file->data + page;
        size_t count = tj__load_u16(bytes + 10) == TJ__PAGE_LEAF ? tj__page_node_count(bytes) : 0;
        for (size_t i = 0; i < count; i++) {
            tj__node node = tj__page_node(bytes, i);
            if (node.flags == TJ__NODE_OVERFLOW) {
                at[1] = page + node.value_at;
                at[0] = at[0] > 0 ? at[0] : at[1];
            }
        }
    }
    assert_true(at[0] > 0 && at[1] > at[0]);
}

static void test_a_run_that_both_halves_use(void **state)
{
    (void)state;
    uint64_t random = seed_new();
    place at = place_new();
    tj__buffer file = {0};
    uint64_t runs[2];
    uint64_t lost = 0;
    seen s[2];
    char text[PATH_MAX + 128];
    make(&at, &random);
    assert_ok(tj__file_read_all(at.data, SIZE_MAX / 2, &file, &err));
    find_runs(&file, runs);
    put_bytes(&at, file.data + runs[0], 8, runs[1]);
    snprintf(text, sizeof text,
             "%s is damaged at page %" PRIu64 ": it is in use twice, or in use and free", at.data,
             tj__load_u64(file.data + runs[0]));
    for (manner how = BY_KEYS; how < MANNERS; how++) {
        assert_fails(TJ_CORRUPT, text, walk(at.data, how, s, &lost, &err));
    }
    tj__buffer_dispose(&file);
    place_remove(&at);
}

/* The first or the last key of a leaf is moved out of what its parent promises, and still rises
 * within its page; those of pages that are in no use any more are not looked at. */
static unsigned count_moved_keys_refused(const place *at, const tj__buffer *file, bool first)
{
    unsigned refused = 0;
    for (size_t page = 2 * 4096; page < file->size; page += 4 * 4096) {
        const uint8_t *bytes = file->data + page;
        size_t count = tj__load_u16(bytes + 10) == TJ__PAGE_LEAF ? tj__page_node_count(bytes) : 0;
        tj__node node = count > 1 ? tj__page_node(bytes, first ? 0 : count - 1) : (tj__node){0};
        if (node.key.size != 71) {
            continue;
        }
        size_t offset = (size_t)(node.key.data - file->data) + 4;
        seen s[2];
        uint64_t lost = 0;
        put_bytes(at, first ? "\1" : "\xff", 1, offset);
        for (manner how = BY_KEYS; how < MANNERS; how++) {
            err = (tj_error)TJ_ERROR_INIT;
            refused += walk(at->data, how, s, &lost, &err) == TJ_CORRUPT &&
                       strstr(err.message, "is out of order");
        }
        put_bytes(at, file->data + offset, 1, offset);
    }
    return refused;
}

static void test_keys_stay_within_what_the_parent_promises(void **state)
{
    (void)state;
    uint64_t random = seed_new();
    place at = place_new();
    tj__buffer file = {0};
    make(&at, &random);
    assert_ok(tj__file_read_all(at.data, SIZE_MAX / 2, &file, &err));
    unsigned below = count_moved_keys_refused(&at, &file, true);
    unsigned above = count_moved_keys_refused(&at, &file, false);
    printf("%u and %u refused\n", below, above);
    assert_true(below >= 10 * MANNERS && below % MANNERS == 0);
    assert_true(above >= 10 * MANNERS && above % MANNERS == 0);
    tj__buffer_dispose(&file);
    place_remove(&at);
}

/* Changes a byte or a few, mostly where a page's header and its nodes' places stand. */
static void mutate(const place *at, const tj__buffer *file, uint64_t *random, uint64_t *offset,
                   size_t *size)
{
    uint8_t bytes[8];
    *size = 1 + random_below(random, sizeof bytes);
    *offset = random_below(random, file->size - sizeof bytes);
    if (random_below(random, 4) > 0) {
        *offset = *offset / 4096 * 4096 + random_below(random, 64);
    }
    for (size_t i = 0; i < *size; i++) {
        bytes[i] = (uint8_t)random_next(random);
    }
    if (random_below(random, 2) == 0) {
        *size = 1;
        bytes[0] = file->data[*offset] ^ (uint8_t)(1u << random_below(random, 8));
    }
    put_bytes(at, bytes, *size, *offset);
}

static void test_all_refuse_the_same(void **state)
{
    (void)state;
    uint64_t random = seed_new();
    place at = place_new();
    tj__buffer file = {0};
    unsigned refused = 0;
    make(&at, &random);
    assert_ok(tj__file_read_all(at.data, SIZE_MAX / 2, &file, &err));
    for (unsigned i = 0; i < MUTATIONS; i++) {
        uint64_t offset = 0;
        size_t size = 0;
        seen s[MANNERS][2];
        uint64_t lost[MANNERS];
        tj_status status[MANNERS];
        mutate(&at, &file, &random, &offset, &size);
        leaves_max = random_below(&random, 2) * (1 + random_below(&random, 9));
        for (manner how = BY_KEYS; how < MANNERS; how++) {
            status[how] = walk(at.data, how, s[how], &lost[how], NULL);
            assert_int_equal(status[how], status[BY_KEYS]);
            assert_int_equal(lost[how], lost[BY_KEYS]);
            if (status[how] == TJ_OK) {
                assert_int_equal(s[how][0].sum + s[how][1].sum, s[BY_KEYS][0].sum);
            }
        }
        refused += status[BY_KEYS] != TJ_OK;
        put_bytes(&at, file.data + offset, size, offset);
    }
    leaves_max = 0;
    printf("%u of %u mutations refused\n", refused, MUTATIONS);
    assert_in_range(refused, MUTATIONS / 10, MUTATIONS - 1);
    tj__buffer_dispose(&file);
    place_remove(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row_is_seen_once),
        cmocka_unit_test(test_leaves_by_few),
        cmocka_unit_test(test_long_keys),
        cmocka_unit_test(test_one_does_the_work_of_two),
        cmocka_unit_test(test_a_run_that_both_halves_use),
        cmocka_unit_test(test_keys_stay_within_what_the_parent_promises),
        cmocka_unit_test(test_all_refuse_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
