/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What was refused with FULL left nothing behind that makes the same call look done when it is made
 * again: once there is space, a save, a commit with an id and a counter are stored.
 */
#include "strength/fixture.h"

#include <errno.h>

#include "fault/calls.h"

#define PAD_SIZE 3000
#define TRIES_MAX 2000

/* The disk has no space for another file, nor for a longer one. */
static void fill_disk(fixture *f)
{
    calls_watch(f->directory, 1u << CALL_CREATE | 1u << CALL_RESIZE, 1, ENOSPC);
    io.lasting = true;
}

static tj_status save(fixture *f, unsigned number)
{
    static char text[PAD_SIZE + 32];
    int head = snprintf(text, sizeof text, "{\"n\":%u,\"pad\":\"", number);
    memset(text + head, 'x', PAD_SIZE);
    memcpy(text + head + PAD_SIZE, "\"}", 3);
    tj_live_state state = {.strategy_state = tj_str_of(text)};
    err = (tj_error)TJ_ERROR_INIT;
    return tj_state_save(tj_store_state_repository(f->store, NULL), &state, &err);
}

static tj_status commit(fixture *f, unsigned number)
{
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.commit_id = uuid(100000 + number);
    tj_txn *txn = numbered(f->store, number);
    err = (tj_error)TJ_ERROR_INIT;
    return tj_txn_commit(txn, &options, NULL, &err);
}

static uint64_t reserved; /* the last block begins here */

static tj_status reserve(fixture *f, unsigned number)
{
    (void)number;
    err = (tj_error)TJ_ERROR_INIT;
    return tj_counter_reserve(f->store, NULL, "orders", 10, &reserved, &err);
}

/* The number of the call that is refused. */
static unsigned until_full(fixture *f, tj_status call(fixture *f, unsigned number))
{
    for (unsigned number = 1; number < TRIES_MAX; number++) {
        tj_status status = call(f, number);
        if (status == TJ_FULL) {
            return number;
        }
        assert_int_equal(status, TJ_OK);
    }
    fail_msg("never full");
    return 0;
}

static void expect_saved(fixture *f, unsigned number)
{
    char head[32];
    tj_live_state *state = NULL;
    snprintf(head, sizeof head, "{\"n\":%u,", number);
    assert_ok(tj_state_load(tj_store_state_repository(f->store, NULL), &state, &err));
    assert_memory_equal(state->strategy_state.data, head, strlen(head));
    tj_live_state_free(state);
}

static void a_save_is_stored_when_made_again(void **state)
{
    fixture *f = *state;
    fill_disk(f);
    unsigned number = until_full(f, save);
    assert_int_equal(save(f, number), TJ_FULL);
    expect_saved(f, number - 1);
    calls_ignore();
    assert_int_equal(save(f, number), TJ_OK);
    expect_saved(f, number);
    fixture_reopen(f);
    expect_saved(f, number);
}

static void a_commit_with_an_id_is_stored_when_made_again(void **state)
{
    fixture *f = *state;
    fill_disk(f);
    unsigned number = until_full(f, commit);
    tj_uuid id = uuid(100000 + number);
    assert_refused(tj_store_commit_find(f->store, &id, NULL, &err), TJ_NOT_FOUND, "");
    assert_false(holds_number(f->store, number));
    calls_ignore();
    assert_int_equal(commit(f, number), TJ_OK);
    fixture_reopen(f);
    assert_true(holds_number(f->store, number));
    assert_ok(tj_store_commit_find(f->store, &id, NULL, &err));
    assert_int_equal(count_numbers(f->store), number);
}

/* No number is given twice, and a refused block is not given at all. */
static void a_counter_goes_on_when_asked_again(void **state)
{
    fixture *f = *state;
    uint64_t next = 0;
    fill_disk(f);
    (void)until_full(f, reserve);
    uint64_t before = reserved;
    assert_ok(tj_counter_next(f->store, NULL, "orders", &next, &err));
    assert_int_equal(next, before + 10);
    calls_ignore();
    assert_int_equal(reserve(f, 0), TJ_OK);
    assert_int_equal(reserved, before + 10);
    fixture_reopen(f);
    assert_ok(tj_counter_next(f->store, NULL, "orders", &next, &err));
    assert_int_equal(next, before + 20);
}

static void set_up(fixture *f)
{
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    f->config.no_threads = true;
    fixture_open(f);
}

#define TEST(name) JOURNAL_TEST_WITH(name, set_up, calls_ignore)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_save_is_stored_when_made_again),
        TEST(a_commit_with_an_id_is_stored_when_made_again),
        TEST(a_counter_goes_on_when_asked_again),
    };
    directory_in_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
