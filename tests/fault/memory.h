/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A journal whose calls are made again and again, of each every allocation failing once. */
#ifndef TJ_TESTS_FAULT_MEMORY_H
#define TJ_TESTS_FAULT_MEMORY_H

#include "strength/fixture.h"
#include "support/allocations.h"

typedef struct scene {
    fixture f;
    unsigned next; /* number of the next commit */
    unsigned number;
    const tj_live_state *saved; /* what a save saves */
} scene;

typedef tj_status act(scene *s, tj_error *error);

/* What fails, with the allocation of that number failing, says NOMEM. */
static inline tj_status perform(scene *s, const char *name, act *run, long at)
{
    err = (tj_error)TJ_ERROR_INIT;
    arm(at);
    tj_status status = run(s, &err);
    bool reached = disarm();
    if (status != TJ_OK && (status != TJ_NOMEM || err.message[0] == '\0' || !reached)) {
        fail_msg("%s, allocation %ld of %ld: %s: %s", name, at, allocations, tj_status_name(status),
                 err.message);
    }
    return status;
}

/* Whether the newest call came to the allocation that was to fail. */
static inline bool reached(void)
{
    return allocations >= fail_at;
}

/* A write whose every allocation fails: nothing of it is there, and then it works. */
static inline void for_each_allocation_of_a_write(scene *s, const char *name, act *run)
{
    long at = 1;
    do {
        s->number = s->next++;
        tj_status status = perform(s, name, run, at++);
        assert_int_equal(holds_number(s->f.store, s->number), status == TJ_OK);
        commit_number(s->f.store, s->next++);
    } while (reached());
    assert_in_range(at, 4, 5000);
}

static inline void for_each_allocation_of_a_read(scene *s, const char *name, act *run)
{
    long at = 1;
    do {
        (void)perform(s, name, run, at++);
    } while (reached());
    assert_in_range(at, 3, 5000);
    commit_number(s->f.store, s->next++);
}

static inline int set_up(void **state)
{
    static scene s;
    s = (scene){.next = 1};
    fixture_make(&s.f);
    s.f.config.no_threads = true;
    s.f.config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    *state = &s;
    return 0;
}

static inline int tear_down(void **state)
{
    armed = false;
    scene *s = *state;
    fixture_remove(&s->f);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
