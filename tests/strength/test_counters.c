/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Counters: counter.h, promise by promise (P13). */
#include "strength/fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t reserve(tj_store *store, const char *book, const char *name, uint64_t count)
{
    uint64_t first = 0;
    assert_ok(tj_counter_reserve(store, book, name, count, &first, &err));
    return first;
}

static uint64_t next_of(tj_store *store, const char *book, const char *name)
{
    uint64_t next = 0;
    assert_ok(tj_counter_next(store, book, name, &next, &err));
    return next;
}

static void a_counter_starts_at_one_and_rises(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    assert_int_equal(next_of(f->store, NULL, "orders"), 1);
    assert_int_equal(reserve(f->store, NULL, "orders", 1000), 1);
    assert_int_equal(next_of(f->store, NULL, "orders"), 1001);
    assert_int_equal(reserve(f->store, NULL, "orders", 1), 1001);
    assert_int_equal(reserve(f->store, NULL, "fills", 5), 1);
    assert_int_equal(next_of(f->store, NULL, "never"), 1);
    fixture_reopen(f);
    assert_int_equal(next_of(f->store, NULL, "orders"), 1002);
    assert_int_equal(reserve(f->store, NULL, "orders", 7), 1002);
    assert_int_equal(reserve(f->store, NULL, "fills", 1), 6);
    f->config.durability = TJ_DURABILITY_OS;
    fixture_reopen(f);
    assert_int_equal(reserve(f->store, NULL, "orders", 1), 1009);
    fixture_close(f);
    f->config.read_only = true;
    fixture_open(f);
    assert_int_equal(next_of(f->store, NULL, "orders"), 1010);
    uint64_t first = 4711;
    assert_refused(tj_counter_reserve(f->store, NULL, "orders", 1, &first, &err), TJ_READONLY,
                   "read-only");
    assert_int_equal(first, 4711);
}

static void books_have_counters_of_their_own(void **state)
{
    fixture *f = *state;
    uint64_t first = 4711;
    fixture_open(f);
    assert_int_equal(reserve(f->store, "alpha", "orders", 10), 1);
    assert_refused(tj_counter_reserve(f->store, "beta", "orders", 10, &first, &err), TJ_NOT_FOUND,
                   "beta");
    assert_refused(tj_counter_next(f->store, "beta", "orders", &first, &err), TJ_NOT_FOUND, "beta");
    assert_ok(tj_store_book_create(f->store, "beta", &err));
    assert_int_equal(next_of(f->store, "beta", "orders"), 1);
    assert_int_equal(reserve(f->store, "beta", "orders", 3), 1);
    assert_int_equal(reserve(f->store, "alpha", "orders", 1), 11);
    assert_int_equal(next_of(f->store, "beta", "orders"), 4);
    assert_int_equal(first, 4711);
}

static void the_top_is_a_limit(void **state)
{
    fixture *f = *state;
    uint64_t first = 4711;
    fixture_open(f);
    assert_int_equal(reserve(f->store, NULL, "orders", (uint64_t)INT64_MAX - 11), 1);
    assert_refused(tj_counter_reserve(f->store, NULL, "orders", 11, &first, &err), TJ_LIMIT,
                   "counter \"orders\" stands at 9223372036854775797 and cannot go 11 further");
    assert_refused(tj_counter_reserve(f->store, NULL, "orders", UINT64_MAX, &first, &err), TJ_LIMIT,
                   "cannot go 18446744073709551615 further");
    assert_int_equal(first, 4711);
    assert_int_equal(reserve(f->store, NULL, "orders", 10), (uint64_t)INT64_MAX - 10);
    assert_int_equal(next_of(f->store, NULL, "orders"), INT64_MAX);
    assert_refused(tj_counter_reserve(f->store, NULL, "orders", 1, &first, &err), TJ_LIMIT,
                   "cannot go 1 further");
    fixture_reopen(f);
    assert_int_equal(next_of(f->store, NULL, "orders"), INT64_MAX);
}

static void names_are_checked(void **state)
{
    fixture *f = *state;
    uint64_t first = 4711;
    char name[TJ_COUNTER_NAME_SIZE_MAX + 2];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    fixture_open(f);
    assert_refused(tj_counter_reserve(f->store, NULL, name, 1, &first, &err), TJ_LIMIT,
                   "129 bytes, 128 are allowed");
    assert_refused(tj_counter_reserve(f->store, NULL, "", 1, &first, &err), TJ_INVALID,
                   "the name of a counter is empty");
    assert_refused(tj_counter_reserve(f->store, NULL, "a\nb", 1, &first, &err), TJ_INVALID,
                   "control characters (byte 2 is 0x0a)");
    assert_refused(tj_counter_reserve(f->store, NULL, "\xff", 1, &first, &err), TJ_INVALID,
                   "not UTF-8");
    assert_refused(tj_counter_next(f->store, NULL, "a\tb", &first, &err), TJ_INVALID, "0x09");
    assert_refused(tj_counter_reserve(f->store, NULL, "a", 0, &first, &err), TJ_MISUSE,
                   "a block of no numbers");
    assert_refused(tj_counter_reserve(NULL, NULL, "a", 1, &first, &err), TJ_MISUSE, "no store");
    assert_refused(tj_counter_reserve(f->store, "", "a", 1, &first, &err), TJ_INVALID, "book");
    assert_int_equal(first, 4711);
    assert_int_equal(info_of(f->store).sequence, 0);
    name[TJ_COUNTER_NAME_SIZE_MAX] = '\0';
    assert_int_equal(reserve(f->store, NULL, name, 1), 1);
    assert_int_equal(reserve(f->store, NULL, "\xc3\xa9", 1), 1);
}

/* ---- submitted ------------------------------------------------------------------------------- */

typedef struct block {
    uint64_t first;
    unsigned calls;
    tj_status status;
} block;

static void on_block(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    block *b = context;
    (void)sequence;
    assert_true((status == TJ_OK) == !error);
    assert_int_not_equal(b->first, 0); /* it is known before */
    b->calls++;
    b->status = status;
}

static void submit_block(tj_store *store, uint64_t count, block *b)
{
    *b = (block){.status = TJ_UNKNOWN};
    assert_ok(tj_counter_submit(store, NULL, "orders", count, on_block, b, &b->first, &err));
}

static void submitted_blocks_follow_each_other(void **state)
{
    fixture *f = *state;
    block a;
    block b;
    for (unsigned round = 0; round < 3; round++) {
        f->config.type = round == 2 ? TJ_ENGINE_MEMORY : TJ_ENGINE_LMDB;
        f->config.no_threads = round == 1;
        uint64_t before = round == 1 ? 16 : 0;
        fixture_reopen(f);
        submit_block(f->store, 10, &a);
        submit_block(f->store, 5, &b);
        assert_int_equal(a.first, before + 1);
        assert_int_equal(b.first, before + 11);
        assert_int_equal(a.calls, 0);
        assert_int_equal(reserve(f->store, NULL, "orders", 1), before + 16);
        assert_ok(tj_store_drain(f->store, 0, &err));
        assert_true(a.calls == 1 && a.status == TJ_OK);
        assert_true(b.calls == 1 && b.status == TJ_OK);
        assert_int_equal(next_of(f->store, NULL, "orders"), before + 17);
    }
}

static void what_cannot_be_submitted_is_told_at_once(void **state)
{
    fixture *f = *state;
    block b = {.first = 4711};
    fixture_open(f);
    assert_int_equal(reserve(f->store, NULL, "orders", 1), 1);
    assert_refused(
        tj_counter_submit(f->store, NULL, "orders", UINT64_MAX, on_block, &b, &b.first, &err),
        TJ_LIMIT, "further");
    assert_refused(tj_counter_submit(f->store, NULL, "", 1, on_block, &b, &b.first, &err),
                   TJ_INVALID, "the name of a counter is empty");
    assert_refused(tj_counter_submit(f->store, NULL, "orders", 0, on_block, &b, &b.first, &err),
                   TJ_MISUSE, "a block of no numbers");
    f->config.read_only = true;
    fixture_reopen(f);
    assert_refused(tj_counter_submit(f->store, NULL, "orders", 1, on_block, &b, &b.first, &err),
                   TJ_READONLY, "read-only");
    assert_int_equal(b.first, 4711);
    assert_int_equal(b.calls, 0);
}

/* ---- threads --------------------------------------------------------------------------------- */

enum { THREADS = 4, BLOCKS = 60, BLOCK = 3 };

typedef struct reserver {
    tj_store *store;
    uint64_t firsts[BLOCKS];
} reserver;

static void *reserve_many(void *context)
{
    reserver *r = context;
    for (unsigned i = 0; i < BLOCKS; i++) {
        r->firsts[i] = reserve(r->store, NULL, "orders", BLOCK);
    }
    return NULL;
}

static void expect_disjoint(tj_store *store)
{
    static unsigned char given[THREADS * BLOCKS * BLOCK + 1];
    static reserver all[THREADS];
    pthread_t threads[THREADS];
    memset(given, 0, sizeof given);
    for (unsigned i = 0; i < THREADS; i++) {
        all[i].store = store;
        assert_int_equal(pthread_create(&threads[i], NULL, reserve_many, &all[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (unsigned i = 0; i < THREADS * BLOCKS; i++) {
        uint64_t first = all[i / BLOCKS].firsts[i % BLOCKS];
        assert_in_range(first, 1, sizeof given - BLOCK);
        for (uint64_t number = first; number < first + BLOCK; number++) {
            assert_int_equal(given[number]++, 0);
        }
    }
    assert_int_equal(next_of(store, NULL, "orders"), sizeof given);
}

static void blocks_of_threads_never_overlap(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    expect_disjoint(f->store);
    f->config.type = TJ_ENGINE_MEMORY;
    fixture_reopen(f);
    expect_disjoint(f->store);
}

/* ---- kills ----------------------------------------------------------------------------------- */

/* Reserves blocks for ever, and tells of each one before it asks for the next; or has two of them
 * in flight, and tells of one when it is done. */
static void reserve_until_killed(const fixture *f, bool submitted, int tell)
{
    tj_store *store = NULL;
    block two[2] = {{.calls = 1}, {.calls = 1}};
    tj_status status = tj_store_open(&f->config, &store, NULL);
    for (unsigned i = 0; status == TJ_OK; i++) {
        block *b = &two[i % 2];
        while (status == TJ_OK && b->calls == 0) {
            status = tj_store_complete(store, 1000, NULL, NULL);
        }
        if (b->first != 0 && write(tell, &b->first, sizeof b->first) != (ssize_t)sizeof b->first) {
            break;
        }
        if (!submitted) {
            status = tj_counter_reserve(store, NULL, "orders", BLOCK, &b->first, NULL);
        } else if (status == TJ_OK) {
            b->calls = 0;
            status = tj_counter_submit(store, NULL, "orders", BLOCK, on_block, b, &b->first, NULL);
        }
    }
    _exit(1);
}

static void a_killed_writer_never_repeats_a_number(void **state)
{
    fixture *f = *state;
    uint64_t unused = 1;
    for (unsigned round = 0; round < 8; round++) {
        f->config.durability = round % 2 == 0 ? TJ_DURABILITY_SYNC : TJ_DURABILITY_OS;
        int told[2];
        assert_int_equal(pipe(told), 0);
        pid_t child = fork();
        if (child == 0) {
            close(told[0]);
            reserve_until_killed(f, round / 2 % 2 == 1, told[1]);
        }
        close(told[1]);
        uint64_t first = 0;
        for (unsigned i = 0; i < 20 + round; i++) {
            assert_int_equal(read(told[0], &first, sizeof first), sizeof first);
            assert_true(first >= unused);
            unused = first + BLOCK;
        }
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        while (read(told[0], &first, sizeof first) == (ssize_t)sizeof first) {
            assert_true(first >= unused);
            unused = first + BLOCK;
        }
        close(told[0]);
    }
    fixture_open(f);
    assert_true(next_of(f->store, NULL, "orders") >= unused);
}

/* Nothing but a reservation moves a counter. */
static void refused_and_dropped_commits_leave_it(void **state)
{
    fixture *f = *state;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    fixture_open(f);
    assert_int_equal(reserve(f->store, NULL, "orders", 50), 1);
    tj_txn_abort(numbered(f->store, 1));
    options.struct_size = 0;
    assert_int_equal(tj_txn_commit(numbered(f->store, 1), &options, NULL, NULL), TJ_MISUSE);
    commit_number(f->store, 2);
    assert_int_equal(next_of(f->store, NULL, "orders"), 51);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_counter_starts_at_one_and_rises),
        JOURNAL_TEST(books_have_counters_of_their_own),
        JOURNAL_TEST(the_top_is_a_limit),
        JOURNAL_TEST(names_are_checked),
        JOURNAL_TEST(submitted_blocks_follow_each_other),
        JOURNAL_TEST(what_cannot_be_submitted_is_told_at_once),
        JOURNAL_TEST(blocks_of_threads_never_overlap),
        JOURNAL_TEST(a_killed_writer_never_repeats_a_number),
        JOURNAL_TEST(refused_and_dropped_commits_leave_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
