/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The equity after each commit, and what it fell to. */
#include "past_model.h"

static void test_the_curve_is_that_of_the_commits(fixture *f)
{
    enum { COUNT = 60 };
    tj_decimal equity[COUNT];
    tj_equity_curve *curve = NULL;
    if (keeps_no_history(f)) {
        return;
    }
    assert_ok(tj_equity_curve_load(f->states, (tj_moment)TJ_MOMENT_INIT, (tj_moment)TJ_MOMENT_INIT,
                                   &curve, &err));
    assert_int_equal(curve->count, 0);
    tj_equity_curve_free(curve);
    for (int i = 0; i < COUNT; i++) {
        tj_txn *txn = begin(f);
        tj_order order = plain_order("between");
        order.updated_at = i;
        equity[i] = tj_decimal_int(1000 + 2 * i + (int64_t)(i % 7 == 3 ? -300 : 0));
        assert_ok(tj_txn_put_order(txn, &order, &err));
        (void)commit(txn);
        txn = begin(f);
        assert_ok(tj_txn_set_portfolio_equity(txn, &equity[i], &err));
        (void)commit(txn);
    }
    assert_ok(tj_equity_curve_load(f->states, (tj_moment){20, false, 0}, (tj_moment)TJ_MOMENT_INIT,
                                   &curve, &err));
    assert_int_equal(curve->count, COUNT - 9);
    tj_decimal peak = equity[0];
    for (int i = 0; i < COUNT; i++) {
        peak = tj_decimal_compare(equity[i], peak) > 0 ? equity[i] : peak;
        if (i < 9) {
            continue;
        }
        const tj_equity_point *point = &curve->points[i - 9];
        tj_decimal drawdown;
        tj_decimal below;
        assert_int_equal(point->sequence, 2 * i + 2);
        same_decimal("equity", point->equity, equity[i]);
        same_decimal("peak", point->peak, peak);
        assert_ok(tj_decimal_sub(peak, equity[i], &below, &err));
        assert_ok(tj_decimal_div(below, peak, 6, TJ_ROUND_HALF_EVEN, &drawdown, &err));
        assert_int_equal(tj_decimal_compare(point->drawdown, drawdown), 0);
        assert_true(tj_decimal_compare(curve->drawdown_max, drawdown) >= 0);
    }
    tj_equity_curve_free(curve);
}

/* This journal has no bases, so the state at the last moment alone is at hand. */
static void test_a_thinned_curve_says_so(fixture *f)
{
    tj_equity_query query = TJ_EQUITY_QUERY_INIT;
    tj_equity_curve *curve = NULL;
    if (keeps_no_history(f)) {
        return;
    }
    for (int i = 1; i <= 5; i++) {
        tj_decimal equity = tj_decimal_int(100 * i);
        tj_txn *txn = begin(f);
        assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
        (void)commit(txn);
    }
    assert_ok(tj_equity_curve_find(f->states, &query, &curve, &err));
    assert_int_equal(curve->count, 5);
    assert_false(curve->thinned);
    tj_equity_curve_free(curve);
    query.detail = TJ_EQUITY_THINNED;
    query.to.sequence = 4;
    assert_ok(tj_equity_curve_find(f->states, &query, &curve, &err));
    assert_int_equal(curve->count, 1);
    assert_int_equal(curve->points[0].sequence, 4);
    same_decimal("equity", curve->points[0].equity, tj_decimal_int(400));
    assert_true(curve->thinned);
    tj_equity_curve_free(curve);
    query.detail = (tj_equity_detail)3;
    assert_int_equal(tj_equity_curve_find(f->states, &query, &curve, &err), TJ_MISUSE);
    assert_null(curve);
}

static const contract_case cases[] = {
    CASE(test_the_curve_is_that_of_the_commits),
    CASE(test_a_thinned_curve_says_so),
};

CONTRACT_MAIN("curve", cases)
