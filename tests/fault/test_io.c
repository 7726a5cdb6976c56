/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every system call that writes, flushes, extends or renames fails once, in turn, over a workload that
 * creates a journal, commits, changes segments, brings LMDB up to date, closes and opens again; and over
 * the recovery of a journal whose writer was killed. Whatever fails: the call says so with the cause,
 * nothing acknowledged is lost, a commit that was not applied stays so, and the journal opens afterwards
 * and is sound.
 */
#include "strength/fixture.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/stand_in.h"
#include "table/table.h"

#define PAD_SIZE 9000
#define COMMITS 12

/* ---- the calls ---------------------------------------------------------------------------------- */

static struct {
    long calls;
    long fail_at; /* 0: none */
    int code;
} io;

static bool fails(void)
{
    if (++io.calls != io.fail_at) {
        return false;
    }
    errno = io.code;
    return true;
}

STAND_IN ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return fails() ? -1 : (ssize_t)syscall(SYS_pwrite64, fd, data, size, offset);
}

STAND_IN ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    return fails() ? -1 : (ssize_t)syscall(SYS_writev, fd, pieces, count);
}

STAND_IN int fdatasync(int fd)
{
    return fails() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

STAND_IN int fsync(int fd)
{
    return fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

STAND_IN int ftruncate(int fd, off_t size)
{
    return fails() ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

STAND_IN int posix_fallocate(int fd, off_t offset, off_t size)
{
    return fails() || syscall(SYS_fallocate, fd, 0, offset, size) != 0 ? errno : 0;
}

STAND_IN int rename(const char *from, const char *to)
{
    return fails() ? -1 : (int)syscall(SYS_rename, from, to);
}

/* ---- the workload ------------------------------------------------------------------------------- */

typedef enum fate { ABSENT, STORED, UNKNOWN } fate;

typedef struct workload {
    fixture f;
    fate fates[4 * COMMITS];
    unsigned next;
    bool failed; /* a call has told of the failure */
} workload;

/* The first call that does not work names the cause; a poisoned handle goes on naming it. */
static bool worked(workload *w, tj_status status)
{
    if (status == TJ_OK) {
        return true;
    }
    const char *cause = io.code == EIO ? "input/output error" : "no space left on device";
    bool expected = status == TJ_CLOSED || status == (io.code == EIO ? TJ_IO : TJ_FULL);
    if (!expected || io.fail_at == 0 || io.calls < io.fail_at ||
        (!w->failed && strstr(err.message, cause) == NULL)) {
        fail_msg("call %ld fails with %d: %s: %s", io.fail_at, io.code, tj_status_name(status),
                 err.message);
    }
    w->failed = true;
    return false;
}

static tj_txn *padded(workload *w, unsigned number)
{
    static char payload[PAD_SIZE + 32];
    tj_uuid id = uuid(number);
    tj_txn *txn = NULL;
    memset(payload, ' ', sizeof payload);
    int size = snprintf(payload, 24, "{\"n\":%u}", number);
    payload[size] = ' ';
    tj_algo_state state = {.plugin = TJ_STR("twap"), .payload = {payload, sizeof payload}};
    assert_ok(tj_txn_begin(w->f.store, &txn, &err));
    assert_ok(tj_txn_put_algo(txn, &id, &state, &err));
    return txn;
}

static void commit_one(workload *w)
{
    unsigned number = w->next++;
    tj_txn *txn = padded(w, number);
    err = (tj_error)TJ_ERROR_INIT;
    tj_status status = tj_txn_commit(txn, NULL, NULL, &err);
    bool unknown = status == TJ_CLOSED && strncmp(err.message, "outcome unknown", 15) == 0;
    w->fates[number] = worked(w, status) ? STORED : unknown ? UNKNOWN : ABSENT;
}

static void commit_some(workload *w)
{
    for (unsigned i = 1; i <= COMMITS; i++) {
        commit_one(w);
        if (i % 4 == 0) {
            err = (tj_error)TJ_ERROR_INIT;
            (void)worked(w, tj_store_work(w->f.store, &err));
        }
    }
}

static void close_journal(workload *w)
{
    err = (tj_error)TJ_ERROR_INIT;
    (void)worked(w, tj_store_close(w->f.store, &err));
    w->f.store = NULL;
}

/* Once more when it fails: the failure has passed then. */
static void open_journal(workload *w)
{
    err = (tj_error)TJ_ERROR_INIT;
    if (!worked(w, tj_store_open(&w->f.config, &w->f.store, &err))) {
        assert_null(w->f.store);
        assert_ok(tj_store_open(&w->f.config, &w->f.store, &err));
        w->failed = false;
    }
}

static void expect_fates(workload *w)
{
    bool lost = false;
    for (unsigned number = 1; number < w->next; number++) {
        bool there = holds_number(w->f.store, number);
        if (w->fates[number] != UNKNOWN && there != (w->fates[number] == STORED)) {
            fail_msg("call %ld fails with %d: number %u is %s", io.fail_at, io.code, number,
                     there ? "there" : "lost");
        }
        /* Of those whose outcome is unknown a part may be there: the first ones. */
        assert_false(w->fates[number] == UNKNOWN && there && lost);
        lost = lost || (w->fates[number] == UNKNOWN && !there);
        w->fates[number] = there ? STORED : ABSENT;
    }
}

/* Nothing fails any more: what is there is right, more can be stored, and LMDB is sound. */
static void expect_sound(workload *w)
{
    char data[DIRECTORY_SIZE + 32];
    w->failed = false;
    io.fail_at = 0;
    assert_ok(tj_store_open(&w->f.config, &w->f.store, &err));
    expect_fates(w);
    commit_some(w);
    expect_fates(w);
    assert_ok(tj_store_work(w->f.store, &err));
    tj_store_info info = info_of(w->f.store);
    assert_int_equal(info.applied_sequence, info.sequence);
    fixture_close(&w->f);
    snprintf(data, sizeof data, "%s/data.mdb", w->f.journal);
    assert_ok(tj__page_check(data, NULL, &err));
    w->f.config.read_only = true;
    fixture_open(&w->f);
    expect_fates(w);
}

static void start(workload *w)
{
    *w = (workload){.next = 1};
    fixture_make(&w->f);
    w->f.config.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    w->f.config.no_threads = true;
}

/* The number of calls that it made. */
static long run_workload(long fail_at, int code)
{
    workload w;
    io.fail_at = 0;
    start(&w);
    io.calls = 0;
    io.fail_at = fail_at;
    io.code = code;
    open_journal(&w);
    commit_some(&w);
    close_journal(&w);
    open_journal(&w);
    commit_one(&w);
    close_journal(&w);
    long calls = io.calls;
    expect_sound(&w);
    fixture_remove(&w.f);
    return calls;
}

static void every_call_of_a_workload_fails(void **state)
{
    (void)state;
    static const int codes[] = {ENOSPC, EIO};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        long calls = run_workload(0, codes[i]);
        assert_in_range(calls, 60, 1000);
        for (long k = 1; k <= calls; k++) {
            run_workload(k, codes[i]);
        }
    }
}

/* ---- recovery ----------------------------------------------------------------------------------- */

/* A writer that is gone without closing, and was copied: nothing says how much of its log is on the disk. */
static void leave_killed(workload *w)
{
    pid_t child = fork();
    if (child == 0) {
        w->f.config.lag_ms = 3600000;
        bool done = tj_store_open(&w->f.config, &w->f.store, NULL) == TJ_OK;
        for (unsigned number = 1; done && number <= 5; number++) {
            done = tj_txn_commit(padded(w, number), NULL, NULL, NULL) == TJ_OK;
        }
        _exit(done ? 0 : 1);
    }
    int code = -1;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    for (; w->next <= 5; w->next++) {
        w->fates[w->next] = STORED;
    }
    char command[5 * DIRECTORY_SIZE];
    snprintf(command, sizeof command, "mv %s %s-killed && cp -r %s-killed %s", w->f.journal,
             w->f.journal, w->f.journal, w->f.journal);
    assert_int_equal(system(command), 0);
}

static long run_recovery(long fail_at, int code)
{
    workload w;
    io.fail_at = 0;
    start(&w);
    leave_killed(&w);
    io.calls = 0;
    io.fail_at = fail_at;
    io.code = code;
    open_journal(&w);
    long calls = io.calls;
    expect_fates(&w);
    close_journal(&w);
    expect_sound(&w);
    fixture_remove(&w.f);
    return calls;
}

static void every_call_of_a_recovery_fails(void **state)
{
    (void)state;
    static const int codes[] = {ENOSPC, EIO};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        long calls = run_recovery(0, codes[i]);
        assert_in_range(calls, 8, 200);
        for (long k = 1; k <= calls; k++) {
            run_recovery(k, codes[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_of_a_workload_fails),
        cmocka_unit_test(every_call_of_a_recovery_fails),
    };
    directory_in_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
