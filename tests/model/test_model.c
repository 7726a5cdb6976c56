/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tables have names, times of commits rise, and loaded values are released whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <tesser/algo.h>
#include <tesser/ledger.h>
#include <tesser/state.h>

#include "base/arena.h"
#include "model/change.h"
#include "model/commit_record.h"

static void every_table_has_a_name(void **state)
{
    (void)state;
    static const char *const names[] = {"meta",       "books",       "state",    "algos",
                                        "ledger",     "ledger_time", "counters", "commits",
                                        "quarantine", "ledger_ids"};
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        assert_string_equal(tj__table_name(table), names[table - TJ__TABLE_FIRST]);
    }
    assert_null(tj__table_name(TJ__TABLE_FIRST - 1));
    assert_null(tj__table_name(TJ__TABLE_LAST + 1));
    assert_null(tj__table_name(UINT8_MAX));
}

static void times_of_commits_rise(void **state)
{
    (void)state;
    tj__commit_record now = {0};
    tj__commit_record copied = {.time = 100};
    tj_error error = TJ_ERROR_INIT;
    tj_time before = tj_time_now();
    assert_true(tj__commit_time(&now, 5) >= before);
    assert_int_equal(tj__commit_time(&now, INT64_MAX - 1), INT64_MAX);
    assert_int_equal(tj__commit_time(&copied, 99), 100);
    assert_true(tj__commit_time(&copied, 100) >= before);
    assert_int_equal(tj__commit_time_check(INT64_MAX - 1, &error), TJ_OK);
    assert_int_equal(tj__commit_time_check(INT64_MAX, &error), TJ_LIMIT);
    assert_non_null(strstr(error.message, "no other can follow it"));
}

/* A leak or a wrong release shows under the address sanitizer. */
static void loaded_values_are_released_whole(void **state)
{
    (void)state;
    void *object = NULL;
    tj__arena *arena = tj__arena_new(sizeof(tj_live_state), &object);
    tj_live_state *live = object;
    live->open_orders = tj__arena_array(arena, 1000, sizeof *live->open_orders);
    assert_non_null(live->open_orders);
    tj_live_state_free(live);
    assert_non_null(tj__arena_new(sizeof(tj_algo_record), &object));
    tj_algo_record_free(object);
    assert_non_null(tj__arena_new(sizeof(tj_algo_list), &object));
    tj_algo_list_free(object);
    assert_non_null(tj__arena_new(sizeof(tj_ledger_list), &object));
    tj_ledger_list_free(object);
}

static void nothing_may_be_released(void **state)
{
    (void)state;
    tj_live_state_free(NULL);
    tj_algo_record_free(NULL);
    tj_algo_list_free(NULL);
    tj_ledger_list_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_has_a_name),
        cmocka_unit_test(times_of_commits_rise),
        cmocka_unit_test(loaded_values_are_released_whole),
        cmocka_unit_test(nothing_may_be_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
