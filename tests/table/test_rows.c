/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows in and out, against a model in memory. */
#include "support.h"

#define BATCHES 120
#define KEYS 400

typedef struct key_list {
    uint8_t bytes[KEYS][TJ__ROW_KEY_SIZE_MAX];
    size_t size[KEYS];
} key_list;

static key_list keys;

static tj__bytes key_at(size_t index)
{
    return tj__bytes_of(keys.bytes[index], keys.size[index]);
}

static void make_keys(uint64_t *random)
{
    for (size_t i = 0; i < KEYS; i++) {
        keys.size[i] = 2 + (size_t)random_below(random, i % 10 == 0 ? 511 : 12);
        keys.bytes[i][0] = (uint8_t)(2 + random_below(random, 8));
        for (size_t at = 1; at < keys.size[i]; at++) {
            keys.bytes[i][at] = (uint8_t)random_below(random, i % 2 ? 3 : 256);
        }
    }
}

static size_t value_size(uint64_t *random)
{
    switch (random_below(random, 20)) {
    case 0:
        return 0;
    case 1:
        return (size_t)random_below(random, 200000);
    case 2:
        return 2000 + (size_t)random_below(random, 4200);
    default:
        return (size_t)random_below(random, 600);
    }
}

/* One random batch, in `batch` and in the model. */
static void random_batch(uint64_t *random, tj__rowmap *batch, tj__rowmap *model, uint64_t sequence)
{
    static uint8_t value[6 << 20];
    uint64_t count = random_below(random, 60);
    for (uint64_t i = 0; i < count; i++) {
        tj__bytes key = key_at((size_t)random_below(random, KEYS));
        if (random_below(random, 3) == 0) {
            assert_non_null(tj__rowmap_put_deleted(batch, key, sequence));
            tj__rowmap_remove(model, key);
            continue;
        }
        size_t size = sequence % 40 == 7 && i == 0 ? sizeof value - 5 : value_size(random);
        memset(value, (int)random_below(random, 256), size);
        tj__bytes bytes = tj__bytes_of(value, size);
        assert_non_null(tj__rowmap_put(batch, key, bytes, sequence));
        assert_non_null(tj__rowmap_put(model, key, bytes, sequence));
    }
}

/* Model entries a scan must give, in its order. */
typedef struct expected_rows {
    tj__rowmap_entry **entries;
    size_t next;
    size_t left;
    bool descending;
} expected_rows;

static void assert_same_row(const tj__rowmap_entry *entry, const tj__row *row)
{
    assert_false(row->damaged);
    assert_true(tj__bytes_equal(tj__rowmap_key(entry), row->key));
    assert_true(tj__bytes_equal(tj__rowmap_value(entry), row->value));
    assert_int_equal(entry->sequence, row->sequence);
}

static tj_status see_expected(void *context, const tj__row *row, tj_error *error)
{
    expected_rows *expected = context;
    (void)error;
    assert_true(expected->left > 0);
    assert_same_row(expected->entries[expected->next], row);
    expected->left--;
    expected->next += expected->descending ? (size_t)-1 : 1;
    return TJ_OK;
}

static void check_scan(tj__row_source *rows, tj__rowmap *model, tj__bytes first, tj__bytes end,
                       bool descending)
{
    size_t count = 0;
    expected_rows expected = {.descending = descending};
    assert_true(tj__rowmap_sorted(model, &expected.entries, &count));
    size_t from = tj__rowmap_lower_bound(expected.entries, count, first);
    size_t to = tj__rowmap_lower_bound(expected.entries, count, end);
    expected.left = to - from;
    expected.next = descending ? to - 1 : from;
    assert_ok(rows->scan(rows, first, end, descending, see_expected, &expected, &err));
    assert_int_equal(expected.left, 0);
}

/* Two keys of one table in order, or the table's own ends. */
static void check_random_scan(uint64_t *random, tj__row_source *rows, tj__rowmap *model)
{
    tj__bytes a = key_at((size_t)random_below(random, KEYS));
    tj__bytes b = key_at((size_t)random_below(random, KEYS));
    uint8_t table = a.data[0];
    uint8_t above = (uint8_t)(table + 1);
    tj__bytes first = random_below(random, 4) ? a : tj__bytes_of(&table, 1);
    tj__bytes end = b.data[0] == table ? b : tj__bytes_of(&above, 1);
    if (tj__bytes_compare(first, end) > 0) {
        tj__bytes swap = first;
        first = end;
        end = swap;
    }
    check_scan(rows, model, first, end, random_below(random, 2) == 0);
}

static void check_whole(tj__row_source *rows, tj__rowmap *model)
{
    for (uint8_t table = 2; table <= TJ__TABLE_LAST; table++) {
        uint8_t above = (uint8_t)(table + 1);
        check_scan(rows, model, tj__bytes_of(&table, 1), tj__bytes_of(&above, 1), table % 2 == 0);
    }
}

static void check_get(tj__row_source *rows, tj__rowmap *model, tj__bytes key)
{
    tj__row row;
    err = (tj_error)TJ_ERROR_INIT;
    tj__rowmap_entry *entry = tj__rowmap_find(model, key);
    tj_status status = rows->get(rows, key, &row, &err);
    assert_int_equal(status, entry ? TJ_OK : TJ_NOT_FOUND);
    assert_string_equal(err.message, "");
    if (entry) {
        assert_same_row(entry, &row);
    }
}

static void check_journal(uint64_t *random, tj__env *env, tj__rowmap *model, uint64_t sequence)
{
    tj__env_snapshot *snapshot = NULL;
    tj__position position;
    tj__position wanted = position_at(sequence);
    assert_ok(tj__env_snapshot_begin(env, &snapshot, &position, &err));
    assert_memory_equal(&position, &wanted, sizeof wanted);
    tj__row_source *rows = tj__env_snapshot_rows(snapshot);
    assert_int_equal(rows->sequence, sequence);
    for (int i = 0; i < 20; i++) {
        check_get(rows, model, key_at((size_t)random_below(random, KEYS)));
        check_random_scan(random, rows, model);
    }
    if (sequence % 10 == 0) {
        check_whole(rows, model);
    }
    tj__env_snapshot_end(snapshot);
}

static void copy_model(tj__rowmap *from, tj__rowmap *to)
{
    tj__rowmap_entry **entries;
    size_t count;
    tj__rowmap_clear(to);
    assert_true(tj__rowmap_sorted(from, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        assert_non_null(tj__rowmap_put(to, tj__rowmap_key(entries[i]), tj__rowmap_value(entries[i]),
                                       entries[i]->sequence));
    }
}

static void check_pages(const place *at)
{
    tj__buffer names = {0};
    static const char all_tables[] = "algos\0books\0commits\0counters\0ledger\0ledger_ids\0"
                                     "ledger_time\0meta\0"
                                     "quarantine\0state";
    assert_ok(tj__page_check(at->data, &names, &err));
    assert_int_equal(names.size, sizeof all_tables);
    assert_memory_equal(names.data, all_tables, sizeof all_tables);
    tj__buffer_dispose(&names);
}

static void test_random_batches(void **state)
{
    (void)state;
    uint64_t random = seed_new();
    place at = place_new();
    journal_create(&at);
    make_keys(&random);
    tj__env *env = journal_open(&at, (uint64_t)1 << 30, false);
    tj__rowmap *model = tj__rowmap_new();
    tj__rowmap *old_model = tj__rowmap_new();
    tj__rowmap *batch = tj__rowmap_new();
    tj__env_snapshot *old = NULL;
    tj__position position;
    for (uint64_t sequence = 1; sequence <= BATCHES; sequence++) {
        if (sequence % 30 == 5) { /* an old snapshot goes on seeing what it saw */
            copy_model(model, old_model);
            assert_ok(tj__env_snapshot_begin(env, &old, &position, &err));
        }
        tj__rowmap_clear(batch);
        random_batch(&random, batch, model, sequence);
        position = position_at(sequence);
        assert_ok(tj__env_apply(env, batch, &position, &err));
        check_journal(&random, env, model, sequence);
        if (old && sequence % 30 == 15) {
            check_whole(tj__env_snapshot_rows(old), old_model);
            tj__env_snapshot_end(old);
            old = NULL;
        }
        if (sequence % 6 == 0) {
            check_pages(&at);
        }
        if (!old && sequence % 25 == 0) {
            tj__env_close(env);
            env = journal_open(&at, (uint64_t)1 << 20, sequence % 50 == 0);
            check_journal(&random, env, model, sequence);
            tj__env_close(env);
            env = journal_open(&at, (uint64_t)1 << 30, false);
        }
    }
    tj__env_close(env);
    tj__rowmap_free(batch);
    tj__rowmap_free(old_model);
    tj__rowmap_free(model);
    place_remove(&at);
}

static tj_status stop_at_third(void *context, const tj__row *row, tj_error *error)
{
    unsigned *seen = context;
    (void)row;
    (void)error;
    return ++*seen == 3 ? TJ__STOP : TJ_OK;
}

static tj_status refuse_row(void *context, const tj__row *row, tj_error *error)
{
    (void)context;
    (void)row;
    return tj__fail(error, TJ_INVALID, "not this one");
}

static void test_visitor_ends_the_scan(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    journal_fill(env, 10, 5, 1);
    tj__env_snapshot *snapshot = NULL;
    tj__position position;
    assert_ok(tj__env_snapshot_begin(env, &snapshot, &position, &err));
    tj__row_source *rows = tj__env_snapshot_rows(snapshot);
    unsigned seen = 0;
    assert_ok(tj__rows_scan_prefix(rows, text_bytes("\3row"), false, stop_at_third, &seen, &err));
    assert_int_equal(seen, 3);
    assert_fails(TJ_INVALID, "not this one",
                 tj__rows_scan_prefix(rows, text_bytes("\3row"), true, refuse_row, NULL, &err));
    assert_fails(TJ_MISUSE, "a key of 5 bytes is not that of a row",
                 tj__rows_scan_prefix(rows, text_bytes("\1meta"), true, refuse_row, NULL, &err));
    tj__env_snapshot_end(snapshot);
    tj__env_close(env);
    place_remove(&at);
}

/* Flips the first byte of `text` in the file. */
static void flip_text(const place *at, const char *text)
{
    tj__buffer file = {0};
    assert_ok(tj__file_read_all(at->data, SIZE_MAX / 2, &file, &err));
    uint8_t *found = memmem(file.data, file.size, text, strlen(text));
    assert_non_null(found);
    uint8_t flipped = *found ^ 1;
    int fd = open(at->data, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, &flipped, 1, found - file.data), 1);
    close(fd);
    tj__buffer_dispose(&file);
}

static void put_one(tj__env *env, const char *key, const char *value, uint64_t sequence)
{
    tj__rowmap *batch = tj__rowmap_new();
    assert_non_null(tj__rowmap_put(batch, text_bytes(key), text_bytes(value), sequence));
    tj__position position = position_at(sequence);
    assert_ok(tj__env_apply(env, batch, &position, &err));
    tj__rowmap_free(batch);
}

static void test_damaged_row_is_delivered_as_damaged(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    put_one(env, "\3good", "value of the good one", 1);
    put_one(env, "\4poor", "uniquely damaged value", 2);
    tj__env_close(env);
    flip_text(&at, "uniquely damaged value");
    env = journal_open(&at, 1 << 20, true);
    tj__env_snapshot *snapshot = NULL;
    tj__position position;
    tj__row row;
    assert_ok(tj__env_snapshot_begin(env, &snapshot, &position, &err));
    tj__row_source *rows = tj__env_snapshot_rows(snapshot);
    assert_ok(rows->get(rows, text_bytes("\4poor"), &row, &err));
    assert_true(row.damaged);
    assert_int_equal(row.value.size, 16 + strlen("uniquely damaged value"));
    assert_memory_equal(row.value.data + 16, "tniquely damaged value", 22);
    assert_ok(rows->get(rows, text_bytes("\3good"), &row, &err));
    assert_false(row.damaged);
    assert_memory_equal(row.value.data, "value of the good one", row.value.size);
    tj__env_snapshot_end(snapshot);
    tj__env_close(env);
    place_remove(&at);
}

static void test_entries_that_are_no_rows(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    tj__rowmap *batch = tj__rowmap_new();
    tj__position position = position_at(1);
    assert_non_null(tj__rowmap_put(batch, text_bytes("\1position"), text_bytes("x"), 1));
    assert_fails(TJ_MISUSE, "a key of 9 bytes is not that of a row",
                 tj__env_apply(env, batch, &position, &err));
    tj__rowmap_clear(batch);
    uint8_t *big = calloc(1, TJ__ROW_VALUE_SIZE_MAX + 1);
    assert_non_null(tj__rowmap_put(batch, text_bytes("\3big"),
                                   tj__bytes_of(big, TJ__ROW_VALUE_SIZE_MAX + 1), 1));
    assert_fails(TJ_LIMIT, "a row of 16842753 bytes is longer than 16842752",
                 tj__env_apply(env, batch, &position, &err));
    tj__rowmap_clear(batch);
    assert_non_null(
        tj__rowmap_put(batch, text_bytes("\3big"), tj__bytes_of(big, TJ__ROW_VALUE_SIZE_MAX), 1));
    assert_ok(tj__env_apply(env, batch, &position, &err));
    free(big);
    tj__rowmap_free(batch);
    tj__env_close(env);
    check_pages(&at);
    place_remove(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_batches),
        cmocka_unit_test(test_visitor_ends_the_scan),
        cmocka_unit_test(test_damaged_row_is_delivered_as_damaged),
        cmocka_unit_test(test_entries_that_are_no_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
