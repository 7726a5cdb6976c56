/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * P7, P9 on file systems that give freed blocks to others only with their next transaction, as
 * btrfs does: here the log is refused every write until the file system was flushed. A commit that
 * meets that gives the reserve back, flushes the file system once, and goes through; where that
 * does not help either it says that it was not applied, and the next opening goes on.
 */
#include "strength/fixture.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/stand_in.h"

static struct {
    _Atomic bool refuses; /* writes into the log */
    _Atomic bool helps;   /* a flush of the file system ends that */
    _Atomic int flushes;  /* of the file system */
} disk;

static bool is_segment(int fd)
{
    char link[64];
    char path[1200];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path);
    return size > 4 && memcmp(path + size - 4, ".log", 4) == 0;
}

STAND_IN ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    if (atomic_load(&disk.refuses) && is_segment(fd)) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

STAND_IN int syncfs(int fd)
{
    atomic_fetch_add(&disk.flushes, 1);
    if (atomic_load(&disk.helps)) {
        atomic_store(&disk.refuses, false);
    }
    return (int)syscall(SYS_syncfs, fd);
}

static void begin(fixture *f, bool helps)
{
    fixture_open(f);
    commit_number(f->store, 1);
    atomic_store(&disk.flushes, 0);
    atomic_store(&disk.helps, helps);
    atomic_store(&disk.refuses, true);
}

static void a_commit_goes_through_when_the_blocks_are_there(void **state)
{
    fixture *f = *state;
    begin(f, true);
    commit_number(f->store, 2);
    assert_int_equal(atomic_load(&disk.flushes), 1);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(count_numbers(f->store), 2);
    fixture_close(f);
}

static void one_that_is_refused_all_the_same_was_not_applied(void **state)
{
    fixture *f = *state;
    begin(f, false);
    assert_int_equal(tj_txn_commit(numbered(f->store, 2), NULL, NULL, &err), TJ_CLOSED);
    assert_non_null(strstr(err.message, "not applied"));
    assert_int_equal(atomic_load(&disk.flushes), 1);
    atomic_store(&disk.refuses, false);
    fixture_drop(f);
    fixture_open(f);
    assert_false(holds_number(f->store, 2));
    commit_number(f->store, 3);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_commit_goes_through_when_the_blocks_are_there),
        JOURNAL_TEST(one_that_is_refused_all_the_same_was_not_applied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
