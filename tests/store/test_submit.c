/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Submitted commits of an engine that cannot say yet whether some came through. The others' tests
 * are tests/strength/test_submit.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "store/submit.h"

#define FLIGHTS 3

/* Every wait comes as far as `comes_to`, and is in doubt about the rest. */
typedef struct doubtful {
    tj__engine engine; /* must be first */
    uint64_t comes_to;
    uint64_t acknowledged;
} doubtful;

static tj_status wait(tj__engine *engine, uint64_t sequence, bool sync, tj_error *error)
{
    doubtful *d = (doubtful *)engine;
    (void)sync;
    d->acknowledged = d->comes_to;
    return d->acknowledged >= sequence ? TJ_OK : tj__fail(error, TJ_UNKNOWN, "no answer");
}

static uint64_t settled(tj__engine *engine, bool sync)
{
    (void)sync;
    return ((doubtful *)engine)->acknowledged;
}

static const tj__engine_ops ops = {.wait = wait, .settled = settled};

typedef struct told {
    unsigned count;
    tj_status status[FLIGHTS];
} told;

static void note(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    told *t = context;
    assert_int_equal(sequence, t->count + 1);
    assert_true(status == TJ_OK ? !error : error->status == TJ_UNKNOWN);
    t->status[t->count++] = status;
}

static void fly(doubtful *d, tj__flights *flights, told *t)
{
    *d = (doubtful){.engine = {.ops = &ops}};
    *t = (told){.count = 0};
    tj__metrics_begin(&d->engine.metrics);
    tj__flights_init(flights, &d->engine, false);
    for (uint64_t i = 1; i <= FLIGHTS; i++) {
        tj__flight flight = {.sequence = i, .sync = i == 2, .done = note, .context = t};
        assert_int_equal(tj__flights_reserve(flights, NULL), TJ_OK);
        tj__flights_add(flights, &flight);
    }
}

static void assert_told(const told *t, unsigned landed)
{
    assert_int_equal(t->count, FLIGHTS);
    for (unsigned i = 0; i < FLIGHTS; i++) {
        assert_int_equal(t->status[i], i < landed ? TJ_OK : TJ_UNKNOWN);
    }
}

/* The first batch is acknowledged, the next one is in doubt. */
static void test_a_part_came_through(void **state)
{
    (void)state;
    doubtful d;
    tj__flights flights;
    told t;
    fly(&d, &flights, &t);
    d.comes_to = 2;
    assert_int_equal(tj__flights_flush(&flights, false, NULL), TJ_UNKNOWN);
    assert_int_equal(tj__flights_take(&flights, 0), FLIGHTS);
    assert_told(&t, 2);
    tj__flights_dispose(&flights);
}

/* A saver beside them has brought all of them through before anybody was told of the doubt. */
static void test_others_brought_it_through(void **state)
{
    (void)state;
    doubtful d;
    tj__flights flights;
    told t;
    fly(&d, &flights, &t);
    assert_int_equal(tj__flights_flush(&flights, false, NULL), TJ_UNKNOWN);
    d.acknowledged = FLIGHTS;
    assert_int_equal(tj__flights_take(&flights, 0), FLIGHTS);
    assert_told(&t, FLIGHTS);
    tj__flights_dispose(&flights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_part_came_through),
        cmocka_unit_test(test_others_brought_it_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
