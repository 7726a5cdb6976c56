/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A journal that was copied hands out no number that the original may hand out, too (P13). */
#include "journal_fixture.h"

#include <sys/wait.h>

#include "support/orphan.h"

#define BLOCK 100

static unsigned warnings;
static unsigned skips;

static void listen(void *context, tj_trace_level level, const char *message)
{
    (void)context;
    if (level == TJ_TRACE_WARNING && strstr(message, "is a copy, or was put back from one")) {
        skips += strstr(message, "skip 1000000000 numbers") != NULL;
        warnings++;
    }
}

static uint64_t reserve(fixture *f, const char *name)
{
    uint64_t first = 0;
    assert_ok(tj_counter_reserve(f->store, NULL, name, BLOCK, &first, &err));
    return first;
}

static void begin(fixture *f)
{
    f->config.trace = listen;
    warnings = 0;
    skips = 0;
    fixture_open(f);
}

static void copy_to(const fixture *f, const char *name)
{
    char command[3 * PATH_TEXT_SIZE];
    snprintf(command, sizeof command, "cp -a %s %s/%s", f->path, f->directory, name);
    assert_int_equal(system(command), 0);
}

static void go_to(fixture *f, const char *name)
{
    snprintf(f->path, sizeof f->path, "%s/%s", f->directory, name);
}

static void its_counters_skip_once(void **state)
{
    fixture *f = *state;
    begin(f);
    save_numbers(f->store, 1, 3);
    assert_int_equal(reserve(f, "orders"), 1);
    assert_int_equal(reserve(f, "fills"), 1);
    fixture_close(f);
    copy_to(f, "copy");
    fixture_open(f);
    assert_int_equal(reserve(f, "orders"), 1 + BLOCK);
    fixture_close(f);
    assert_int_equal(warnings, 0);

    go_to(f, "copy");
    fixture_open(f);
    assert_int_equal(warnings, 1);
    assert_int_equal(skips, 1);
    assert_int_equal(reserve(f, "orders"), 1 + BLOCK + TJ_COUNTER_COPY_SKIP);
    assert_int_equal(reserve(f, "fills"), 1 + BLOCK + TJ_COUNTER_COPY_SKIP);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(reserve(f, "orders"), 1 + 2 * BLOCK + TJ_COUNTER_COPY_SKIP);
    fixture_close(f);
    assert_int_equal(warnings, 1);

    /* Who looks on changes nothing; a rename makes no copy. */
    copy_to(f, "seen");
    go_to(f, "seen");
    f->config.read_only = true;
    uint64_t next = 0;
    fixture_open(f);
    assert_ok(tj_counter_next(f->store, NULL, "orders", &next, &err));
    assert_int_equal(next, 1 + 3 * BLOCK + TJ_COUNTER_COPY_SKIP);
    fixture_close(f);
    f->config.read_only = false;
    assert_int_equal(warnings, 1);
    go_to(f, "copy");
    char moved[PATH_TEXT_SIZE + 8];
    snprintf(moved, sizeof moved, "%s/moved", f->directory);
    assert_int_equal(rename(f->path, moved), 0);
    go_to(f, "moved");
    fixture_open(f);
    assert_int_equal(reserve(f, "orders"), 1 + 3 * BLOCK + TJ_COUNTER_COPY_SKIP);
    fixture_close(f);
    assert_int_equal(warnings, 1);
}

/* Of a journal under a writer, which is killed then: nothing is clean in it. */
static void one_of_a_running_journal_skips_too(void **state)
{
    fixture *f = *state;
    begin(f);
    for (unsigned i = 0; i < 20; i++) {
        reserve(f, "orders");
        save_numbers(f->store, 2 * i + 2, 2 * i + 2);
    }
    copy_to(f, "copy");
    reserve(f, "orders");
    fixture_close(f);
    go_to(f, "copy");
    fixture_open(f);
    assert_int_equal(warnings, 1);
    assert_int_equal(reserve(f, "orders"), 1 + 20 * BLOCK + TJ_COUNTER_COPY_SKIP);
    fixture_close(f);
}

/* Without counters there is nothing to skip, and no commit. That it is a copy is said, once. */
static void one_without_counters_stays_as_it_is(void **state)
{
    fixture *f = *state;
    begin(f);
    save_numbers(f->store, 1, 5);
    fixture_close(f);
    copy_to(f, "copy");
    go_to(f, "copy");
    assert_opens_at(f, 5);
    assert_int_equal(warnings, 1);
    assert_int_equal(skips, 0);
}

/* Killed at any moment of the opening, it skips once at least, and the state stays. */
static void an_opening_that_is_killed_skips_later(void **state)
{
    fixture *f = *state;
    begin(f);
    reserve(f, "orders");
    save_numbers(f->store, 2, 3);
    fixture_close(f);
    for (unsigned i = 0; i < 30; i++) {
        char name[32];
        int status = 0;
        snprintf(name, sizeof name, "copy-%u", i);
        go_to(f, "journal");
        copy_to(f, name);
        go_to(f, name);
        pid_t child = fork_dependent();
        if (child == 0) {
            tj_store *store = NULL;
            _exit(tj_store_open(&f->config, &store, NULL) == TJ_OK ? 0 : 1);
        }
        usleep(i * 150);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        fixture_open(f);
        uint64_t first = reserve(f, "orders");
        assert_true(first == 1 + BLOCK + TJ_COUNTER_COPY_SKIP ||
                    first == 1 + BLOCK + 2 * TJ_COUNTER_COPY_SKIP);
        fixture_close(f);
    }
}

int main(void)
{
    directory_in_memory();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(its_counters_skip_once),
        JOURNAL_TEST(one_of_a_running_journal_skips_too),
        JOURNAL_TEST(one_without_counters_stays_as_it_is),
        JOURNAL_TEST(an_opening_that_is_killed_skips_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
