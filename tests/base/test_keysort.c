/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The order of keys, whatever they share, against comparing each with its neighbour. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/keysort.h"
#include "base/random.h"

#define ROUNDS 3000
#define KEYS 64
#define KEY_SIZE_MAX 40

typedef struct entry {
    size_t size;
    uint8_t bytes[KEY_SIZE_MAX];
} entry;

static tj__bytes key_of(const void *context)
{
    const entry *e = context;
    return tj__bytes_of(e->bytes, e->size);
}

static bool is_there(const entry *entries, size_t count, const entry *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (tj__bytes_equal(key_of(&entries[i]), key_of(wanted))) {
            return true;
        }
    }
    return false;
}

/* Few different bytes, and long runs of them: keys share beginnings, end in each other, and differ
 * by zeros at their ends only. */
static entry random_key(unsigned letters)
{
    entry e = {.size = random_below(KEY_SIZE_MAX + 1)};
    unsigned same = random_below(KEY_SIZE_MAX + 1);
    for (size_t i = 0; i < e.size; i++) {
        e.bytes[i] = (uint8_t)(i < same ? 0 : random_below(letters));
    }
    return e;
}

static void any_keys_come_into_their_order(void **state)
{
    static const unsigned letters[] = {1, 2, 3, 256};
    (void)state;
    random_start();
    for (unsigned round = 0; round < ROUNDS; round++) {
        entry entries[KEYS];
        void *sorted[KEYS];
        size_t count = 0;
        for (unsigned tries = random_below(KEYS + 1); tries > 0; tries--) {
            entries[count] = random_key(letters[round % 4]);
            count += !is_there(entries, count, &entries[count]);
        }
        for (size_t i = 0; i < count; i++) {
            sorted[i] = &entries[i];
        }
        assert_true(tj__keysort(sorted, count, key_of));
        for (size_t i = 1; i < count; i++) {
            assert_true(tj__bytes_compare(key_of(sorted[i - 1]), key_of(sorted[i])) < 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_keys_come_into_their_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
