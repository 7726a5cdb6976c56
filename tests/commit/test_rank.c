/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Ranks ascend, and as few rows as possible get a new one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "commit/rank.h"

#define STEP TJ__RANK_STEP

static size_t assign(uint64_t *ranks, size_t count)
{
    uint64_t before[64];
    size_t changed = 0;
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++) {
        before[i] = ranks[i];
    }
    assert_true(tj__ranks_assign(ranks, count));
    for (size_t i = 0; i < count; i++) {
        assert_true(ranks[i] > (i > 0 ? ranks[i - 1] : 0));
        changed += ranks[i] != before[i];
    }
    return changed;
}

static void test_usual_changes(void **context)
{
    (void)context;
    assert_true(tj__ranks_assign(NULL, 0));
    uint64_t fresh[3] = {0, 0, 0};
    assert_int_equal(assign(fresh, 3), 3);
    assert_int_equal(fresh[0], STEP);
    assert_int_equal(fresh[2], 3 * STEP);
    uint64_t appended[3] = {10, 20, 0};
    assert_int_equal(assign(appended, 3), 1);
    assert_int_equal(appended[2], 20 + STEP);
    uint64_t inserted[4] = {10, 0, 0, 20};
    assert_int_equal(assign(inserted, 4), 2);
    assert_int_equal(inserted[1], 13);
    uint64_t in_front[2] = {0, 2};
    assert_int_equal(assign(in_front, 2), 1);
    uint64_t moved[5] = {50, 10, 20, 30, 40};
    assert_int_equal(assign(moved, 5), 1);
    assert_int_equal(moved[0], 5);
    uint64_t swapped[5] = {10, 40, 30, 20, 50};
    assert_int_equal(assign(swapped, 5), 2);
    uint64_t twice[3] = {10, 10, 10};
    assert_int_equal(assign(twice, 3), 2);
}

static void test_no_room(void **context)
{
    (void)context;
    uint64_t between[3] = {7, 0, 8};
    assert_int_equal(assign(between, 3), 3);
    assert_int_equal(between[0], STEP);
    uint64_t in_front[2] = {0, 1};
    assert_int_equal(assign(in_front, 2), 2);
    uint64_t behind[2] = {UINT64_MAX - 3, 0};
    assert_int_equal(assign(behind, 2), 2);
    assert_int_equal(behind[1], 2 * STEP);
}

/* The longest ascending run by trying all subsets of a short list. */
static size_t longest_run(const uint64_t *ranks, size_t count)
{
    size_t longest = 0;
    for (unsigned set = 0; set < 1u << count; set++) {
        uint64_t last = 0;
        size_t length = 0;
        bool ascending = true;
        for (size_t i = 0; i < count; i++) {
            if (set & (1u << i)) {
                ascending = ascending && ranks[i] > last;
                last = ranks[i];
                length++;
            }
        }
        longest = ascending && length > longest ? length : longest;
    }
    return longest;
}

static void test_as_few_as_possible(void **context)
{
    (void)context;
    random_start();
    for (int round = 0; round < 2000; round++) {
        uint64_t ranks[10];
        size_t count = random_below(11);
        for (size_t i = 0; i < count; i++) {
            ranks[i] = random_below(4) == 0 ? 0 : (1 + random_below(20)) * STEP;
        }
        size_t kept = longest_run(ranks, count);
        assert_int_equal(assign(ranks, count), count - kept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual_changes),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_as_few_as_possible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
