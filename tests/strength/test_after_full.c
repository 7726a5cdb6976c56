/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a refusal for want of space leaves behind: nothing. A save, a commit id and a counter that
 * were refused are stored when they are tried again, in the same process, without opening anew. The
 * same where no file can be made because the inodes are used up (then one is in reserve), and where
 * this process may make no larger files.
 */
#include "strength/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#define TRIES_MAX 3000

static bool mount_here(fixture *f, const char *options)
{
    if (mount("tmpfs", f->directory, "tmpfs", 0, options) != 0) {
        printf("SKIP: no tmpfs can be mounted here: %s\n", strerror(errno));
        return false;
    }
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    return true;
}

static void filler_path(const fixture *f, unsigned number, char path[DIRECTORY_SIZE + 32])
{
    snprintf(path, DIRECTORY_SIZE + 32, "%s/filler%u", f->directory, number);
}

static void fill_bytes(const fixture *f)
{
    static const char block[4096];
    char path[DIRECTORY_SIZE + 32];
    filler_path(f, 0, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, block, sizeof block) == (ssize_t)sizeof block) {
    }
    close(fd);
}

/* Until no file can be made; the number made. */
static unsigned fill_files(const fixture *f)
{
    unsigned count = 0;
    for (;; count++) {
        char path[DIRECTORY_SIZE + 32];
        filler_path(f, count, path);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) {
            assert_int_equal(errno, ENOSPC);
            return count;
        }
        close(fd);
    }
}

static void remove_fillers(const fixture *f, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char path[DIRECTORY_SIZE + 32];
        filler_path(f, i, path);
        assert_int_equal(unlink(path), 0);
    }
}

/* A transaction of 3 KB. */
static tj_txn *large(tj_store *store, unsigned number)
{
    char payload[3000];
    tj_uuid id = uuid(number);
    tj_txn *txn = NULL;
    memset(payload, 'x', sizeof payload);
    payload[0] = payload[sizeof payload - 1] = '"';
    tj_algo_state algo = {TJ_STR("twap"), {payload, sizeof payload}};
    assert_ok(tj_txn_begin(store, &txn, &err));
    assert_ok(tj_txn_put_algo(txn, &id, &algo, &err));
    return txn;
}

static tj_status commit_large(tj_store *store, unsigned number, bool critical)
{
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.critical = critical;
    err = (tj_error)TJ_ERROR_INIT;
    return tj_txn_commit(large(store, number), &options, NULL, &err);
}

/* Ordinary commits until one is refused; its number. */
static unsigned commit_until_refused(tj_store *store, tj_status expected)
{
    unsigned number = 1;
    tj_status status = TJ_OK;
    while (number < TRIES_MAX && (status = commit_large(store, number, false)) == TJ_OK) {
        number++;
    }
    if (status != expected) {
        fail_msg("%s: %s", tj_status_name(status), err.message);
    }
    return number;
}

static tj_status save_equity(tj_store *store, int64_t equity)
{
    tj_live_state state = {.has_portfolio_equity = true,
                           .portfolio_equity = tj_decimal_int(equity)};
    return tj_state_save(tj_store_state_repository(store, NULL), &state, &err);
}

static bool has_equity(tj_store *store, int64_t equity)
{
    tj_live_state *state = NULL;
    tj_decimal expected = tj_decimal_int(equity);
    assert_ok(tj_state_load(tj_store_state_repository(store, NULL), &state, &err));
    bool same =
        state->has_portfolio_equity && tj_decimal_compare(state->portfolio_equity, expected) == 0;
    tj_live_state_free(state);
    return same;
}

static void test_what_was_refused_is_stored_later(void **state)
{
    fixture *f = *state;
    uint64_t first = 0;
    uint64_t next = 0;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.commit_id = uuid(77);
    if (!mount_here(f, "size=8m")) {
        fixture_skip(f);
    }
    fixture_open(f);
    assert_ok(save_equity(f->store, 1));
    assert_ok(tj_counter_reserve(f->store, NULL, "orders", 1, &first, &err));
    fill_bytes(f);
    unsigned number = commit_until_refused(f->store, TJ_FULL);
    while (commit_large(f->store, number, true) == TJ_OK) { /* until the reserve is used up, too */
        assert_true(++number < TRIES_MAX);
    }
    while (tj_counter_reserve(f->store, NULL, "orders", 1, &next, &err) == TJ_OK) {
        first = next;
    }
    assert_int_equal(err.status, TJ_FULL);
    assert_refused(save_equity(f->store, 2), TJ_FULL, "free some");
    assert_refused(tj_txn_commit(large(f->store, 9999), &options, NULL, &err), TJ_FULL,
                   "free some");
    remove_fillers(f, 1);
    assert_ok(save_equity(f->store, 2));
    assert_ok(tj_counter_reserve(f->store, NULL, "orders", 1, &next, &err));
    assert_int_equal(next, first + 1);
    assert_ok(tj_txn_commit(large(f->store, 9999), &options, NULL, &err));
    fixture_reopen(f);
    assert_true(has_equity(f->store, 2));
    assert_ok(tj_store_commit_find(f->store, &options.commit_id, NULL, &err));
    assert_ok(tj_counter_reserve(f->store, NULL, "orders", 1, &first, &err));
    assert_int_equal(first, next + 1);
    fixture_close(f);
    umount2(f->directory, MNT_DETACH);
}

static void test_a_file_is_in_reserve(void **state)
{
    fixture *f = *state;
    if (!mount_here(f, "size=32m,nr_inodes=40")) {
        fixture_skip(f);
    }
    fixture_open(f);
    unsigned files = fill_files(f);
    unsigned number = commit_until_refused(f->store, TJ_FULL);
    assert_non_null(strstr(err.message, "no file can be made"));
    assert_non_null(strstr(err.message, "inodes"));
    for (unsigned i = 0; i < 10; i++) {
        assert_ok(commit_large(f->store, number++, true));
    }
    tj_uuid id = uuid(1);
    assert_ok(tj_algo_delete(tj_store_algo_repository(f->store, NULL), &id, &err));
    assert_refused(commit_large(f->store, number, false), TJ_FULL, "inodes");
    assert_true(info_of(f->store).lmdb.space_low);
    fixture_reopen(f); /* and an opening needs none */
    assert_true(number > 10);
    remove_fillers(f, files);
    assert_ok(commit_large(f->store, number, false));
    assert_true(info_of(f->store).lmdb.reserve_bytes > 0);
    fixture_close(f);
    umount2(f->directory, MNT_DETACH);
}

/* The signal is the program's business; the library says what the limit is. */
static void test_a_limit_of_the_process(void **state)
{
    fixture *f = *state;
    struct rlimit before;
    struct rlimit limit;
    f->config.lmdb.segment_size_bytes = 128 << 10;
    fixture_open(f);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 64 << 10;
    /* So that the next segment is not there yet. */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    unsigned number = 1;
    tj_status status = TJ_OK;
    while (number < TRIES_MAX && (status = commit_large(f->store, number, false)) == TJ_OK) {
        number++;
    }
    tj_error refusal = err;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    if (status == TJ_CLOSED) { /* the limit met a write of the log: P7 */
        fixture_drop(f);
        fixture_open(f);
    }
    assert_non_null(strstr(refusal.message, "ulimit -f"));
    assert_ok(commit_large(f->store, number, false));
    fixture_reopen(f);
    assert_ok(commit_large(f->store, number + 1, false));
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_what_was_refused_is_stored_later),
        JOURNAL_TEST(test_a_file_is_in_reserve),
        JOURNAL_TEST(test_a_limit_of_the_process),
    };
    directory_in_memory();
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        printf("no mount namespace of its own: %s\n", strerror(errno));
    }
    return cmocka_run_group_tests_name("after a full disk", tests, NULL, NULL);
}
