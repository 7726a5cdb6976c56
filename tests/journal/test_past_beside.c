/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The past, read beside a writer in another process that is killed again and again: a feed that
 * goes on through all of it, and states of any commit. Commit n leaves equity n. */
#include "journal_fixture.h"

#include "base/random.h"
#include "child.h"

#define KILLS 5
#define COMMITS 120 /* between two kills, at least */

static void child_write(const char *path)
{
    tj_store *store = NULL;
    uint64_t number = 0;
    tj_config config = TJ_CONFIG_INIT;
    config.path = path;
    config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    config.lmdb.lag_ms = 3;
    config.durability = TJ_DURABILITY_OS;
    child_must(tj_store_open(&config, &store, &err), &err);
    child_must(load_number(store, &number, &err), &err);
    say("ready");
    for (;;) {
        child_must(save_number(store, ++number, &err), &err);
    }
}

/* The state after a commit says its number. */
static void assert_number_at(tj_store *store, uint64_t sequence)
{
    tj_live_state *state = NULL;
    tj_state_repository *states = tj_store_state_repository(store, NULL);
    assert_ok(tj_state_load_at(states, (tj_moment){sequence, false, 0}, &state, &err));
    assert_int_equal(state->sequence, sequence);
    assert_int_equal(tj_decimal_compare(state->portfolio_equity, tj_decimal_int((int64_t)sequence)),
                     0);
    tj_live_state_free(state);
}

/* Every commit once, in order, with what it left. */
static void take_feed(tj_history *feed, uint64_t *last, uint64_t count)
{
    for (uint64_t i = 0; i < count;) {
        const tj_history_commit *commit = NULL;
        char expected[32];
        assert_ok(tj_history_next(feed, &commit, &err));
        if (!commit) {
            usleep(1000);
            continue;
        }
        assert_int_equal(commit->sequence, *last + 1);
        const tj_change *change = &commit->changes[commit->change_count - 1];
        assert_int_equal(change->kind, TJ_ENTITY_EQUITY);
        snprintf(expected, sizeof expected, "\"%" PRIu64 "\"", commit->sequence);
        assert_string_equal(change->new_value.data, expected);
        *last = commit->sequence;
        i++;
    }
}

static void a_feed_goes_on_through_kills(void **state)
{
    fixture *f = *state;
    tj_history *feed = NULL;
    uint64_t last = 0;
    random_start();
    fixture_open(f);
    fixture_close(f);
    f->config.read_only = true;
    fixture_open(f);
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    query.kinds = 1u << TJ_ENTITY_EQUITY;
    assert_ok(tj_history_open(f->store, &query, &feed, &err));
    for (int i = 0; i < KILLS; i++) {
        child writer = child_start("write", f->path, "");
        child_expect(&writer, "ready");
        take_feed(feed, &last, COMMITS + random_below(COMMITS));
        for (int j = 0; j < 20; j++) {
            assert_number_at(f->store, 1 + random_below((uint32_t)last));
        }
        child_kill(&writer);
    }
    tj_history_close(feed);
    fixture_close(f);
    /* The next writer has all that was told. */
    f->config.read_only = false;
    fixture_open(f);
    for (uint64_t sequence = 1; sequence <= last; sequence += 1 + random_below(20)) {
        assert_number_at(f->store, sequence);
    }
    fixture_close(f);
}

int main(int argc, char **argv)
{
    if (argc > 3 && strcmp(argv[1], "child") == 0) {
        child_write(argv[3]);
    }
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_feed_goes_on_through_kills),
    };
    return cmocka_run_group_tests_name("past_beside", tests, NULL, NULL);
}
