/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The row map against a model that searches a list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/rowmap.h"

#define KEYS 400
#define KEY_SIZE_MAX 12
#define VALUE_SIZE_MAX 40
#define OPERATIONS 60000

typedef struct model_row {
    bool present;
    bool deleted;
    uint8_t key[KEY_SIZE_MAX];
    size_t key_size;
    uint8_t value[VALUE_SIZE_MAX];
    size_t value_size;
    uint64_t sequence;
    uint32_t mark;
} model_row;

static model_row model[KEYS];
static bool pooled; /* the map that is compared with it */

static tj__bytes key_of(const model_row *row)
{
    return tj__bytes_of(row->key, row->key_size);
}

/* Different keys, many of which are prefixes of others. */
static void make_model(void)
{
    memset(model, 0, sizeof model);
    for (size_t i = 0; i < KEYS; i++) {
        model[i].key_size = 1 + i % KEY_SIZE_MAX;
        model[i].key[0] = (uint8_t)(i / KEY_SIZE_MAX);
        memset(model[i].key + 1, 'x', model[i].key_size - 1);
    }
}

static void check_entry(const tj__rowmap_entry *entry, const model_row *row)
{
    assert_non_null(entry);
    assert_true(tj__bytes_equal(tj__rowmap_key(entry), key_of(row)));
    assert_true(
        tj__bytes_equal(tj__rowmap_value(entry), tj__bytes_of(row->value, row->value_size)));
    assert_int_equal(entry->sequence, row->sequence);
    assert_int_equal(entry->mark, row->mark);
    assert_int_equal(entry->deleted, row->deleted);
}

static void put(tj__rowmap *map, model_row *row, uint64_t sequence)
{
    row->value_size = random_below(VALUE_SIZE_MAX + 1);
    for (size_t i = 0; i < row->value_size; i++) {
        row->value[i] = (uint8_t)random_u64();
    }
    row->mark = row->present ? row->mark : 0;
    row->present = true;
    row->deleted = false;
    row->sequence = sequence;
    check_entry(
        tj__rowmap_put(map, key_of(row), tj__bytes_of(row->value, row->value_size), sequence), row);
}

static void put_deleted(tj__rowmap *map, model_row *row, uint64_t sequence)
{
    row->mark = row->present ? row->mark : 0;
    row->present = true;
    row->deleted = true;
    row->value_size = 0;
    row->sequence = sequence;
    check_entry(tj__rowmap_put_deleted(map, key_of(row), sequence), row);
}

static void mark(tj__rowmap *map, model_row *row)
{
    tj__rowmap_entry *entry = tj__rowmap_find(map, key_of(row));
    assert_int_equal(entry != NULL, row->present);
    if (entry) {
        row->mark = (uint32_t)random_u64();
        entry->mark = row->mark;
    }
}

static void check_all(tj__rowmap *map)
{
    size_t count = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < KEYS; i++) {
        const tj__rowmap_entry *entry = tj__rowmap_find(map, key_of(&model[i]));
        if (!model[i].present) {
            assert_null(entry);
            continue;
        }
        check_entry(entry, &model[i]);
        count++;
        assert_in_range(entry->value_room, entry->value_size, entry->value_size + 512);
        bytes += model[i].key_size + entry->value_room;
    }
    assert_int_equal(tj__rowmap_count(map), count);
    assert_true(pooled ? tj__rowmap_bytes(map) >= bytes : tj__rowmap_bytes(map) == bytes);
}

static void check_sorted(tj__rowmap *map)
{
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    assert_true(tj__rowmap_sorted(map, &entries, &count));
    assert_int_equal(count, tj__rowmap_count(map));
    for (size_t i = 0; i < count; i++) {
        tj__bytes key = tj__rowmap_key(entries[i]);
        assert_ptr_equal(tj__rowmap_find(map, key), entries[i]);
        assert_true(i == 0 || tj__bytes_compare(tj__rowmap_key(entries[i - 1]), key) < 0);
    }
    const model_row *row = &model[random_below(KEYS)];
    size_t below = 0;
    while (below < count && tj__bytes_compare(tj__rowmap_key(entries[below]), key_of(row)) < 0) {
        below++;
    }
    assert_int_equal(tj__rowmap_lower_bound(entries, count, key_of(row)), below);
}

static void remove_row(tj__rowmap *map, model_row *row)
{
    tj__rowmap_remove(map, key_of(row));
    row->present = false;
}

static void clear(tj__rowmap *map)
{
    tj__rowmap_clear(map);
    for (size_t i = 0; i < KEYS; i++) {
        model[i].present = false;
    }
}

static void check_map(tj__rowmap *map)
{
    random_start();
    make_model();
    assert_non_null(map);
    for (uint64_t i = 1; i <= OPERATIONS; i++) {
        model_row *row = &model[random_below(KEYS)];
        unsigned choice = random_below(100);
        if (choice < 45) {
            put(map, row, i);
        } else if (choice < 55) {
            put_deleted(map, row, i);
        } else if (choice < 85) {
            remove_row(map, row);
        } else if (choice < 97) {
            mark(map, row);
        } else if (choice < 99) {
            check_sorted(map);
        } else {
            check_all(map);
        }
        if (random_below(10000) == 0) {
            clear(map);
        }
    }
    check_all(map);
    check_sorted(map);
    tj__rowmap_free(map);
}

static void behaves_as_the_model(void **state)
{
    (void)state;
    pooled = false;
    check_map(tj__rowmap_new());
}

static void so_does_one_with_a_pool(void **state)
{
    (void)state;
    pooled = true;
    check_map(tj__rowmap_new_pooled());
}

/* What a pool keeps is counted, until all of it goes; large entries have memory of their own. */
static void a_pool_counts_what_it_keeps(void **state)
{
    static uint8_t value[100000];
    (void)state;
    tj__rowmap *map = tj__rowmap_new_pooled();
    size_t sizes[] = {10, sizeof value, 3000, 40000};
    size_t bytes = 0;
    for (size_t i = 0; i < 4; i++) {
        size_t size = sizes[i];
        assert_non_null(tj__rowmap_put(map, tj__bytes_of("key", 3), tj__bytes_of(value, size), 1));
        bytes += 3 + size;
    }
    assert_int_equal(tj__rowmap_bytes(map), bytes);
    tj__rowmap_remove(map, tj__bytes_of("key", 3));
    assert_int_equal(tj__rowmap_bytes(map), bytes);
    tj__rowmap_clear(map);
    assert_int_equal(tj__rowmap_bytes(map), 0);
    assert_non_null(tj__rowmap_put(map, tj__bytes_of("key", 3), tj__bytes_of(value, 9), 1));
    assert_int_equal(tj__rowmap_bytes(map), 3 + 9);
    tj__rowmap_free(map);
}

/* Values that grow and shrink leave memory behind, which comes back. */
static void a_pool_lets_go_of_what_it_lost(void **state)
{
    enum { OF_THESE = 16, PUTS = 10000, LARGEST = 20000 };
    static uint8_t value[LARGEST];
    (void)state;
    tj__rowmap *map = tj__rowmap_new_pooled();
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    for (unsigned i = 0; i < PUTS; i++) {
        uint8_t key = (uint8_t)(i % OF_THESE);
        size_t size = i % 3 * 9000 + i % 100;
        memset(value, (int)i, size);
        assert_non_null(tj__rowmap_put(map, tj__bytes_of(&key, 1), tj__bytes_of(value, size), i));
        assert_true(tj__rowmap_bytes(map) <= 2 * OF_THESE * LARGEST + ((size_t)1 << 20));
    }
    assert_true(tj__rowmap_sorted(map, &entries, &count));
    assert_int_equal(count, OF_THESE);
    for (unsigned i = PUTS - OF_THESE; i < PUTS; i++) {
        const tj__rowmap_entry *entry = entries[i % OF_THESE];
        size_t size = i % 3 * 9000 + i % 100;
        memset(value, (int)i, size);
        assert_int_equal(entry->sequence, i);
        assert_true(tj__bytes_equal(tj__rowmap_value(entry), tj__bytes_of(value, size)));
    }
    tj__rowmap_free(map);
}

/* A value of another size moves an entry; the sorted index must show the new place. */
static void sorted_index_follows_replaced_values(void **state)
{
    (void)state;
    tj__rowmap *map = tj__rowmap_new();
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    tj__bytes a = tj__bytes_of("a", 1);
    tj__bytes b = tj__bytes_of("b", 1);
    assert_non_null(tj__rowmap_put(map, b, b, 1));
    assert_non_null(tj__rowmap_put(map, a, a, 2));
    assert_true(tj__rowmap_sorted(map, &entries, &count));
    assert_non_null(tj__rowmap_put(map, a, tj__bytes_of("longer", 6), 3));
    assert_int_equal(count, 2);
    assert_true(tj__bytes_equal(tj__rowmap_value(entries[0]), tj__bytes_of("longer", 6)));
    assert_true(tj__bytes_equal(tj__rowmap_key(entries[1]), b));
    tj__rowmap_free(map);
}

/* A caller may put what it found in the same map. */
static void key_and_value_may_be_the_entry_s_own(void **state)
{
    (void)state;
    tj__rowmap *map = tj__rowmap_new();
    tj__rowmap_entry *entry =
        tj__rowmap_put(map, tj__bytes_of("key", 3), tj__bytes_of("value", 5), 1);
    tj__bytes value = tj__rowmap_value(entry);
    entry = tj__rowmap_put(map, tj__rowmap_key(entry), tj__bytes_of(value.data + 1, 3), 2);
    assert_true(tj__bytes_equal(tj__rowmap_value(entry), tj__bytes_of("alu", 3)));
    entry = tj__rowmap_put_deleted(map, tj__rowmap_key(entry), 3);
    assert_int_equal(tj__rowmap_bytes(map), 3 + 5); /* it stays where it was */
    tj__rowmap_remove(map, tj__rowmap_key(entry));
    assert_int_equal(tj__rowmap_count(map), 0);
    tj__rowmap_free(map);
}

static void an_empty_map(void **state)
{
    (void)state;
    tj__rowmap *map = tj__rowmap_new();
    tj__rowmap_entry **entries = NULL;
    size_t count = 42;
    tj__bytes key = tj__bytes_of("key", 3);
    assert_null(tj__rowmap_find(map, key));
    tj__rowmap_remove(map, key);
    assert_true(tj__rowmap_sorted(map, &entries, &count));
    assert_int_equal(count, 0);
    assert_int_equal(tj__rowmap_lower_bound(entries, count, key), 0);
    assert_true(tj__rowmap_reserve(map, 1000));
    assert_null(tj__rowmap_find(map, key));
    assert_false(tj__rowmap_reserve(map, SIZE_MAX));
    assert_non_null(tj__rowmap_put(map, tj__bytes_of(NULL, 0), tj__bytes_of(NULL, 0), 7));
    assert_int_equal(tj__rowmap_find(map, tj__bytes_of(NULL, 0))->sequence, 7);
    tj__rowmap_free(map);
    tj__rowmap_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behaves_as_the_model),
        cmocka_unit_test(so_does_one_with_a_pool),
        cmocka_unit_test(a_pool_counts_what_it_keeps),
        cmocka_unit_test(a_pool_lets_go_of_what_it_lost),
        cmocka_unit_test(sorted_index_follows_replaced_values),
        cmocka_unit_test(key_and_value_may_be_the_entry_s_own),
        cmocka_unit_test(an_empty_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
