/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two layers of rows against one map that had all of it put into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/layers.h"
#include "base/random.h"

#define KEYS 200
#define ROUNDS 300

typedef struct seen {
    tj__bytes keys[KEYS];
    uint64_t sequences[KEYS];
    size_t count;
    size_t stop_at; /* rows after which it has seen enough */
} seen;

static tj_status see(void *context, const tj__row *row, tj_error *error)
{
    (void)error;
    seen *s = context;
    assert_true(s->count < KEYS);
    s->keys[s->count] = row->key;
    s->sequences[s->count++] = row->sequence;
    return s->count == s->stop_at ? TJ__STOP : TJ_OK;
}

static void change(tj__rowmap *map, tj__rowmap *all, uint8_t key, uint64_t sequence, bool deleted)
{
    tj__bytes bytes = tj__bytes_of(&key, 1);
    tj__bytes value = tj__bytes_of(&sequence, sizeof sequence);
    if (deleted) {
        assert_non_null(tj__rowmap_put_deleted(map, bytes, sequence));
        tj__rowmap_remove(all, bytes);
    } else {
        assert_non_null(tj__rowmap_put(map, bytes, value, sequence));
        assert_non_null(tj__rowmap_put(all, bytes, value, sequence));
    }
}

static void compare(tj__layers *layers, tj__layers *all, uint8_t first, uint8_t end)
{
    for (int descending = 0; descending < 2; descending++) {
        seen a = {.stop_at = random_below(2) ? KEYS + 1 : 1 + random_below(20)};
        seen b = {.stop_at = a.stop_at};
        tj__bytes from = tj__bytes_of(&first, 1);
        tj__bytes to = tj__bytes_of(&end, 1);
        assert_int_equal(layers->rows.scan(&layers->rows, from, to, descending, see, &a, NULL), 0);
        assert_int_equal(all->rows.scan(&all->rows, from, to, descending, see, &b, NULL), 0);
        assert_int_equal(a.count, b.count);
        for (size_t i = 0; i < a.count; i++) {
            assert_true(tj__bytes_equal(a.keys[i], b.keys[i]));
            assert_int_equal(a.sequences[i], b.sequences[i]);
        }
    }
    tj__row row;
    tj__row same;
    tj__bytes key = tj__bytes_of(&first, 1);
    tj_status status = layers->rows.get(&layers->rows, key, &row, NULL);
    assert_int_equal(status, all->rows.get(&all->rows, key, &same, NULL));
    if (status == TJ_OK) {
        assert_int_equal(row.sequence, same.sequence);
        assert_true(tj__bytes_equal(row.value, same.value));
    }
}

static void two_layers_are_one(void **state)
{
    (void)state;
    random_start();
    for (int round = 0; round < ROUNDS; round++) {
        tj__rowmap *maps[3] = {tj__rowmap_new(), tj__rowmap_new(), tj__rowmap_new()};
        tj__layers below;
        tj__layers layers;
        tj__layers all;
        unsigned range = 2 + random_below(KEYS - 2);
        for (uint64_t n = 0; n < 2 * range; n++) {
            bool is_above = n > range;
            change(maps[is_above], maps[2], (uint8_t)random_below(range), n,
                   is_above && random_below(3) == 0);
        }
        tj__layers_init(&below, NULL, maps[0], range);
        tj__layers_init(&layers, &below.rows, maps[1], 2 * range);
        tj__layers_init(&all, NULL, maps[2], 2 * range);
        assert_int_equal(layers.rows.sequence, 2 * range);
        for (int i = 0; i < 20; i++) {
            uint8_t first = (uint8_t)random_below(range);
            compare(&layers, &all, first, (uint8_t)(first + random_below(range - first + 1)));
        }
        for (int i = 0; i < 3; i++) {
            tj__rowmap_free(maps[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(two_layers_are_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
