/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What was, read again: every state at every sequence, and moments that are not there. */
#include "past_model.h"

/* Enough commits for several segments where they are small. */
static void make_history(fixture *f, past_model *model)
{
    for (int i = 0; i < 400 && model->newest < 120; i++) {
        past_step(f, model);
        if (random_below(40) == 0) {
            fixture_reopen(f);
        }
    }
}

/* A store in memory keeps no history. */
static bool keeps_no_history(fixture *f)
{
    if (is_durable(f)) {
        return false;
    }
    tj_live_state *state = (tj_live_state *)f;
    tj_history_range range = {0};
    uint64_t sequence = 7;
    tj_moment at = {1, false, 0};
    assert_refused(tj_state_load_at(f->states, at, &state, &err), TJ_UNSUPPORTED,
                   "a store in memory keeps no history");
    assert_null(state);
    assert_refused(tj_history_range_get(f->store, &range, &err), TJ_UNSUPPORTED, "no history");
    assert_refused(tj_moment_find(f->store, at, &sequence, &err), TJ_UNSUPPORTED, "no history");
    assert_int_equal(sequence, 7);
    return true;
}

static void assert_past(fixture *f, const past_model *model, uint64_t sequence)
{
    for (unsigned book = 0; book < PAST_BOOKS; book++) {
        const char *expected = model->texts[sequence][book];
        if (expected) {
            char *text = past_dump_at(f->store, past_books[book], sequence);
            assert_string_equal(text, expected);
            free(text);
            continue;
        }
        tj_live_state *state = NULL;
        tj_state_repository *states = tj_store_state_repository(f->store, past_books[book]);
        assert_refused(tj_state_load_at(states, (tj_moment){sequence, false, 0}, &state, &err),
                       TJ_NOT_FOUND, "at commit");
    }
}

static void test_every_state_is_there_again(fixture *f)
{
    past_model model = {0};
    if (keeps_no_history(f)) {
        return;
    }
    make_history(f, &model);
    for (uint64_t sequence = 1; sequence <= model.newest; sequence++) {
        assert_past(f, &model, sequence);
    }
    past_model_free(&model);
}

/* Right at its time a commit is in; a nanosecond earlier it is not. */
static void test_a_time_means_the_newest_commit_before_it(fixture *f)
{
    tj_time times[31] = {0};
    uint64_t found = 0;
    if (keeps_no_history(f)) {
        return;
    }
    for (int64_t i = 1; i <= 30; i++) {
        tj_txn *txn = begin(f);
        tj_decimal equity = tj_decimal_int(i);
        assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
        (void)commit(txn);
        tj_store_info info = TJ_STORE_INFO_INIT;
        assert_ok(tj_store_info_get(f->store, &info, &err));
        times[i] = info.sequence_time;
    }
    for (uint64_t i = 1; i <= 30; i++) {
        assert_ok(tj_moment_find(f->store, (tj_moment){0, true, times[i]}, &found, &err));
        assert_int_equal(found, i);
        if (i > 1) {
            assert_ok(tj_moment_find(f->store, (tj_moment){0, true, times[i] - 1}, &found, &err));
            assert_int_equal(found, i - 1);
        }
    }
    assert_ok(tj_moment_find(f->store, (tj_moment){0, true, tj_time_now()}, &found, &err));
    assert_int_equal(found, 30);
    assert_ok(tj_moment_find(f->store, (tj_moment)TJ_MOMENT_INIT, &found, &err));
    assert_int_equal(found, 30);
}

static void test_a_moment_outside_names_the_range(fixture *f)
{
    uint64_t found = 77;
    tj_history_range range;
    if (keeps_no_history(f)) {
        return;
    }
    assert_refused(tj_moment_find(f->store, (tj_moment){1, false, 0}, &found, &err), TJ_NOT_FOUND,
                   "nothing was committed yet");
    assert_ok(tj_history_range_get(f->store, &range, &err));
    assert_int_equal(range.sequence_last, 0);
    tj_live_state state = {.has_portfolio_equity = true, .portfolio_equity = decimal("1")};
    assert_ok(tj_state_save(f->states, &state, &err));
    state.portfolio_equity = decimal("2");
    assert_ok(tj_state_save(f->states, &state, &err));
    assert_ok(tj_history_range_get(f->store, &range, &err));
    assert_int_equal(range.sequence_first, 1);
    assert_int_equal(range.sequence_last, 2);
    assert_true(range.time_first < range.time_last);
    assert_refused(tj_moment_find(f->store, (tj_moment){3, false, 0}, &found, &err), TJ_NOT_FOUND,
                   "commit 3 is behind the newest: history is kept from commit 1 (");
    tj_moment before = {0, true, range.time_first - 1};
    assert_refused(tj_moment_find(f->store, before, &found, &err), TJ_NOT_FOUND,
                   "before the oldest commit that is kept");
    tj_moment later = {0, true, tj_time_now() + (tj_time)3600 * 1000000000};
    assert_refused(tj_moment_find(f->store, later, &found, &err), TJ_NOT_FOUND,
                   "is still to come: history is kept from commit 1");
    assert_int_equal(found, 77);
}

static void test_moments_are_read(fixture *f)
{
    (void)f;
    tj_moment moment = TJ_MOMENT_INIT;
    assert_ok(tj_moment_parse(TJ_STR("42"), &moment, &err));
    assert_true(moment.sequence == 42 && !moment.has_time);
    assert_ok(tj_moment_parse(TJ_STR("1970-01-01T00:00:01Z"), &moment, &err));
    assert_true(moment.has_time && moment.time == 1000000000 && moment.sequence == 0);
    assert_refused(tj_moment_parse(TJ_STR("0"), &moment, &err), TJ_INVALID, "counted from 1");
    assert_refused(tj_moment_parse(TJ_STR("99999999999999999999"), &moment, &err), TJ_LIMIT,
                   "more than any commit's sequence");
    assert_refused(tj_moment_parse(TJ_STR("yesterday"), &moment, &err), TJ_INVALID, "");
    assert_refused(tj_moment_parse(TJ_STR(""), &moment, &err), TJ_INVALID, "");
    assert_true(moment.has_time && moment.time == 1000000000);
}

static const contract_case cases[] = {
    CASE(test_every_state_is_there_again),
    CASE(test_a_time_means_the_newest_commit_before_it),
    CASE(test_a_moment_outside_names_the_range),
    CASE(test_moments_are_read),
};

CONTRACT_MAIN("history", cases)
