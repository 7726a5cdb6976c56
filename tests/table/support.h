/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the tests of the table room share: directories, random numbers, journals, expectations. */
#ifndef TJ_TESTS_TABLE_SUPPORT_H
#define TJ_TESTS_TABLE_SUPPORT_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/file.h"
#include "support/check.h"
#include "support/directory.h"
#include "table/table.h"

typedef struct place {
    char directory[DIRECTORY_SIZE];
    char data[PATH_MAX];
    char lock[PATH_MAX];
} place;

static inline place place_new(void)
{
    place at;
    directory_make(at.directory, "tj-table");
    snprintf(at.data, sizeof at.data, "%s/data.mdb", at.directory);
    snprintf(at.lock, sizeof at.lock, "%s/lock.mdb", at.directory);
    return at;
}

static inline void place_remove(const place *at)
{
    unlink(at->data);
    unlink(at->lock);
    assert_int_equal(rmdir(at->directory), 0);
}

/* SplitMix64. The seed is printed; TJ_SEED sets it. */
static inline uint64_t seed_new(void)
{
    const char *set = getenv("TJ_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = set ? strtoull(set, NULL, 10) : (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec;
    printf("seed: TJ_SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    return seed;
}

static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline uint64_t random_below(uint64_t *state, uint64_t bound)
{
    return random_next(state) % bound;
}

/* The expression fails with this status and exactly this message. */
#define assert_fails(expected, text, expression) \
    do {                                         \
        err = (tj_error)TJ_ERROR_INIT;           \
        tj_status got_status = (expression);     \
        assert_string_equal(err.message, text);  \
        assert_int_equal(got_status, expected);  \
        assert_int_equal(err.status, expected);  \
    } while (0)

static inline tj__superblock superblock_new(void)
{
    tj__superblock superblock = {.format_version = TJ__TABLE_FORMAT_VERSION,
                                 .tables = TJ__TABLES_ALL,
                                 .first_segment = 1,
                                 .page_size = (uint32_t)sysconf(_SC_PAGESIZE),
                                 .created_at = 1700000000123456789};
    memcpy(superblock.journal_id.bytes, "0123456789abcdef", 16);
    return superblock;
}

static inline tj__position position_at(uint64_t sequence)
{
    return (tj__position){.sequence = sequence,
                          .time = -(tj_time)sequence,
                          .hash = sequence * 3,
                          .epoch = 2,
                          .ordinal = 1 + sequence / 10,
                          .offset = 64 * sequence};
}

static inline void journal_create(const place *at)
{
    tj__superblock superblock = superblock_new();
    tj__position position = position_at(0);
    assert_ok(tj__env_create(at->directory, &superblock, &position, (uint64_t)10 << 20, &err));
}

static inline tj__env *journal_open(const place *at, uint64_t map_size, bool read_only)
{
    tj__env_options options = {
        .directory = at->directory, .map_size = map_size, .read_only = read_only};
    tj__superblock superblock;
    tj__env *env = NULL;
    assert_ok(tj__env_open(&options, &env, &superblock, &err));
    assert_non_null(env);
    return env;
}

static inline tj__bytes text_bytes(const char *text)
{
    return tj__bytes_of(text, strlen(text));
}

/* A journal with one row in each of many keys "\3row NNNN", each value_size bytes of 'v'. */
static inline void journal_fill(tj__env *env, unsigned rows, size_t value_size, uint64_t sequence)
{
    tj__rowmap *batch = tj__rowmap_new();
    char *value = malloc(value_size + 1);
    assert_non_null(batch);
    assert_non_null(value);
    memset(value, 'v', value_size);
    for (unsigned i = 0; i < rows; i++) {
        char key[32];
        snprintf(key, sizeof key, "\3row %04u", i);
        assert_non_null(
            tj__rowmap_put(batch, text_bytes(key), tj__bytes_of(value, value_size), sequence));
    }
    tj__position position = position_at(sequence);
    assert_ok(tj__env_apply(env, batch, &position, &err));
    free(value);
    tj__rowmap_free(batch);
}

/* cmocka catches signals and jumps back into the list of tests, which a child must not go on
 * with. */
static inline void leave_cmocka(void)
{
    static const int caught[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        signal(caught[i], SIG_DFL);
    }
    setenv("CMOCKA_TEST_ABORT", "1", 1);
}

/* Runs body(context) in a forked child; true when it returned 0 and no signal ended it. */
static inline bool in_child(int (*body)(void *context), void *context)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        leave_cmocka();
        _exit(body(context));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#endif
