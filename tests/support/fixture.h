/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A test with a journal in a directory of its own. When the test has ended, the store is closed and
 * the journal must be sound: pages, rows and log. The directory of a test that fails stays.
 */
#ifndef TJ_TESTS_SUPPORT_FIXTURE_H
#define TJ_TESTS_SUPPORT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tesser/journal.h>

#include "support/check.h"
#include "support/directory.h"
#include "support/intact.h"

#define PATH_TEXT_SIZE (DIRECTORY_SIZE + 64)

typedef struct fixture {
    char directory[DIRECTORY_SIZE];
    char path[PATH_TEXT_SIZE]; /* of the journal */
    tj_config config;
    tj_store *store;
    bool damaged; /* on purpose: the journal need not be sound in the end */
} fixture;

static inline void fixture_make(fixture *f)
{
    *f = (fixture){.config = TJ_CONFIG_INIT};
    directory_make(f->directory, "tj-test");
    snprintf(f->path, sizeof f->path, "%s/journal", f->directory);
    f->config.path = f->path;
}

static inline void fixture_open(fixture *f)
{
    assert_ok(tj_store_open(&f->config, &f->store, &err));
}

static inline void fixture_close(fixture *f)
{
    tj_store *store = f->store;
    f->store = NULL;
    assert_ok(tj_store_close(store, &err));
}

/* The failure that closed the store has been told already. */
static inline void fixture_drop(fixture *f)
{
    (void)tj_store_close(f->store, NULL);
    f->store = NULL;
}

static inline void fixture_reopen(fixture *f)
{
    fixture_close(f);
    fixture_open(f);
}

static inline void fixture_remove(fixture *f)
{
    fixture_drop(f);
    directory_remove(f->directory);
    f->directory[0] = '\0';
}

/* The test is not for this machine; why was said. */
static inline void fixture_skip(fixture *f)
{
    fixture_remove(f);
    skip();
}

/* ---- tests ---------------------------------------------------------------------------------- */

/* A test that gets a fixture, not open yet. */
typedef struct journal_test {
    void (*run)(void **state);
    void (*before)(fixture *f);
    void (*after)(void);
    fixture f;
} journal_test;

static inline void journal_test_run(void **state)
{
    journal_test *test = *state;
    void *given = &test->f;
    fixture_make(&test->f);
    if (test->before) {
        test->before(&test->f);
    }
    test->run(&given);
    if (test->after) {
        test->after();
    }
    fixture_drop(&test->f);
    if (!test->f.damaged) {
        assert_journal_sound(test->f.path);
    }
    fixture_remove(&test->f);
}

static inline int journal_test_end(void **state)
{
    journal_test *test = *state;
    if (test->f.directory[0] != '\0') {
        fprintf(stderr, "the files are kept in %s\n", test->f.directory);
        if (test->after) {
            test->after();
        }
        fixture_drop(&test->f);
    }
    return 0;
}

/* prepare(fixture) begins the test, restore() ends what it made fail. */
#define JOURNAL_TEST_WITH(function, prepare, restore)                                        \
    {                                                                                        \
        .name = #function, .test_func = journal_test_run, .teardown_func = journal_test_end, \
        .initial_state = &(journal_test)                                                     \
        {                                                                                    \
            .run = function, .before = prepare, .after = restore                             \
        }                                                                                    \
    }

#define JOURNAL_TEST(function) JOURNAL_TEST_WITH(function, NULL, NULL)

#endif
