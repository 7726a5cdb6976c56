/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Members of a state that this version does not know: kept, replaced and removed, at every
 * depth. */
#include "deep_state.h"

static void test_unknown_members_at_every_depth(fixture *f)
{
    for (size_t i = 0; i < EXTRA_COUNT; i++) {
        tj_str *extras[EXTRA_COUNT];
        deep_state d;
        deep_state_init(&d, extras);
        *extras[i] = TJ_STR("{\"new\":[1.50, null],\"tag\":\"\\u00e9 \\/\"}");
        assert_ok(tj_state_save(f->states, &d.state, &err));
        assert_stored(f, &d.state);
        tj_str first = *extras[i];

        *extras[i] = (tj_str){0}; /* absent: kept, also when something else changes */
        d.state.last_candle_ts++;
        d.state.has_last_candle_ts = true;
        d.order.updated_at++;
        d.balance.quantity = decimal("7.00");
        d.account.positions[0].updated_at++;
        d.state.portfolio.peak_equity = decimal("2");
        assert_ok(tj_state_save(f->states, &d.state, &err));
        *extras[i] = first;
        assert_stored(f, &d.state);

        *extras[i] = TJ_STR("{\"other\":1}"); /* replaced */
        assert_ok(tj_state_save(f->states, &d.state, &err));
        assert_stored(f, &d.state);
        fixture_reopen(f);
        assert_stored(f, &d.state);

        *extras[i] = TJ_STR("{}"); /* removed */
        assert_ok(tj_state_save(f->states, &d.state, &err));
        *extras[i] = (tj_str){0};
        assert_stored(f, &d.state);
    }
}

static void test_unknown_members_that_are_not_valid(fixture *f)
{
    static const char *const texts[] = {"[1]", "{\"a\":}", "{", "1", "", "{\"a\":1}x"};
    tj_str *extras[EXTRA_COUNT];
    deep_state d;
    deep_state_init(&d, extras);
    for (size_t i = 0; i < EXTRA_COUNT; i++) {
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
            *extras[i] = tj_str_of(texts[k]);
            assert_refused(tj_state_save(f->states, &d.state, &err), TJ_INVALID, "");
        }
        *extras[i] = (tj_str){0};
    }
    d.order.extra = TJ_STR("{\"status\":\"Filled\"}");
    assert_refused(tj_state_save(f->states, &d.state, &err), TJ_INVALID,
                   "\"status\" is a member of its own and cannot stand among the unknown ones");
    assert_int_equal(newest_sequence(f->store), 0);
}

static const contract_case cases[] = {
    CASE(test_unknown_members_at_every_depth),
    CASE(test_unknown_members_that_are_not_valid),
};

CONTRACT_MAIN("unknown members", cases)
