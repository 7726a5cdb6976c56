/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is believed of the mark in writer.lock, and what is not. */
#include "journal_fixture.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "child.h"

#include "journal/boot.h"
#include "journal/lock.h"

#define BOOT_AT 520
#define MOUNT_AT 600
#define BIRTH_AT 608
#define LAYOUT_AT 1024
#define NUMBERS_AT 1032
#define NUMBERS_V1 344

/* What opening the boot id ends with; 0: as the system has it. */
static _Atomic int boot_errno;

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (strcmp(path, TJ__BOOT_ID_PATH) == 0 && atomic_load(&boot_errno) != 0) {
        errno = atomic_load(&boot_errno);
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static tj__lock *take(const fixture *f)
{
    tj__lock *lock = NULL;
    assert_ok(tj__lock_take(f->directory, &lock, &err));
    return lock;
}

static tj__lock *publish(const fixture *f, tj_durability durability)
{
    tj__lock *lock = take(f);
    tj__mark mark = {.durability = durability, .epoch = 1, .acknowledged = 7};
    tj__lock_publish(lock, &mark);
    return lock;
}

/* The mark as another process sees it. */
static tj__mark seen(const fixture *f)
{
    tj__lock *lock = NULL;
    assert_ok(tj__lock_look(f->directory, &lock, &err));
    assert_non_null(lock);
    tj__mark mark = tj__lock_mark(lock);
    assert_true(!mark.valid || mark.acknowledged == 7);
    tj__lock_release(lock);
    return mark;
}

static void poke_bits(const fixture *f, uint64_t at, uint8_t bits)
{
    char path[PATH_TEXT_SIZE + 16];
    snprintf(path, sizeof path, "%s/" TJ__WRITER_LOCK_NAME, f->directory);
    turn_bits(path, at, bits);
}

static void poke(const fixture *f, uint64_t at)
{
    poke_bits(f, at, 1);
}

static void expect(const fixture *f, bool valid, bool newest)
{
    tj__mark mark = seen(f);
    assert_int_equal(mark.valid, valid);
    assert_int_equal(mark.newest, newest);
}

static void test_of_this_boot_and_mount(void **state)
{
    fixture *f = *state;
    tj__lock *lock = publish(f, TJ_DURABILITY_OS);
    expect(f, true, true);
    tj__lock_release(lock);
    expect(f, true, true);
    poke(f, BOOT_AT);
    expect(f, false, false);
}

/* A disk that went away and came back holds an older page than its last writer had. */
static void test_of_another_mount(void **state)
{
    fixture *f = *state;
    tj__lock_release(publish(f, TJ_DURABILITY_SYNC));
    poke(f, MOUNT_AT);
    expect(f, true, false);
    tj__lock_release(publish(f, TJ_DURABILITY_OS));
    poke(f, MOUNT_AT);
    expect(f, false, false);
}

/* A copy gets the inode of what was deleted before it, often enough. */
static void test_of_another_birth(void **state)
{
    fixture *f = *state;
    struct statx found;
    char path[PATH_TEXT_SIZE + 16];
    tj__lock_release(publish(f, TJ_DURABILITY_SYNC));
    expect(f, true, true);
    snprintf(path, sizeof path, "%s/" TJ__WRITER_LOCK_NAME, f->directory);
    assert_int_equal(statx(AT_FDCWD, path, 0, STATX_BTIME, &found), 0);
    poke(f, BIRTH_AT);
    tj__mark mark = seen(f);
    if (found.stx_mask & STATX_BTIME) {
        assert_true(mark.elsewhere && !mark.valid && !mark.newest);
    } else {
        print_message("SKIPPED: the file system here does not keep when a file was made\n");
        assert_true(mark.valid);
    }
}

/* Whatever boot and mount it bears: a container, or a reader that cannot see its own boot id. */
static void test_of_a_living_writer(void **state)
{
    fixture *f = *state;
    tj__lock *lock = publish(f, TJ_DURABILITY_OS);
    poke(f, MOUNT_AT);
    expect(f, true, true);
    poke(f, BOOT_AT);
    expect(f, true, true);
    atomic_store(&boot_errno, ENOENT);
    expect(f, true, true);
    atomic_store(&boot_errno, 0);
    tj__lock_release(lock);
    expect(f, false, false);
    /* The next one holds the file, and has published nothing yet: the page is still the other's. */
    lock = take(f);
    expect(f, false, false);
    tj__lock_release(lock);
}

static void test_without_a_boot_id(void **state)
{
    fixture *f = *state;
    atomic_store(&boot_errno, ENOENT);
    tj__lock *lock = publish(f, TJ_DURABILITY_SYNC);
    assert_false(tj__lock_knows_boot(lock));
    expect(f, true, true);
    tj__lock_release(lock);
    expect(f, false, false);
    atomic_store(&boot_errno, 0);
    expect(f, false, false);
    atomic_store(&boot_errno, EACCES);
    lock = publish(f, TJ_DURABILITY_SYNC);
    tj__lock_clean(lock);
    tj__lock_release(lock);
    expect(f, false, false);
    atomic_store(&boot_errno, 0);
}

static void test_a_boot_id_that_cannot_be_asked_for(void **state)
{
    fixture *f = *state;
    tj__lock *lock = NULL;
    tj__lock_release(publish(f, TJ_DURABILITY_SYNC));
    atomic_store(&boot_errno, EMFILE);
    assert_int_not_equal(tj__lock_look(f->directory, &lock, &err), TJ_OK);
    assert_non_null(strstr(err.message, TJ__BOOT_ID_PATH));
    assert_int_not_equal(tj__lock_take(f->directory, &lock, &err), TJ_OK);
    atomic_store(&boot_errno, 0);
    err = (tj_error)TJ_ERROR_INIT;
    expect(f, true, true);
}

/* ---- what the writer has counted ----------------------------------------------------------- */

static void tell(const fixture *f, uint64_t submitted)
{
    tj_metrics told = TJ_METRICS_INIT;
    told.log_bytes = 7;
    told.refused[TJ_METRICS_STATUS_COUNT - 1] = 5;
    told.submitted = submitted;
    tj__lock *lock = publish(f, TJ_DURABILITY_SYNC);
    tj__lock_tell_metrics(lock, &told);
    tj__lock_release(lock);
}

/* Also the first byte that is no writer's. */
static tj_metrics counted(const fixture *f, uint64_t *stray)
{
    tj__lock *lock = NULL;
    tj_metrics metrics = TJ_METRICS_INIT;
    assert_ok(tj__lock_look(f->directory, &lock, &err));
    tj__lock_metrics(lock, &metrics);
    *stray = tj__lock_stray(lock);
    tj__lock_release(lock);
    return metrics;
}

static void turn_layout(const fixture *f, uint8_t from, uint8_t to)
{
    poke_bits(f, LAYOUT_AT, from ^ to);
}

static void test_numbers_of_earlier_and_of_later_versions(void **state)
{
    fixture *f = *state;
    uint64_t stray = 0;
    tell(f, 3);
    tj_metrics metrics = counted(f, &stray);
    assert_int_equal(metrics.log_bytes, 7);
    assert_int_equal(metrics.submitted, 3);
    assert_int_equal(stray, TJ__LOCK_SIZE);
    turn_layout(f, 2, 1); /* which had fewer, and 0 behind them */
    metrics = counted(f, &stray);
    assert_int_equal(metrics.log_bytes, 7);
    assert_int_equal(metrics.refused[TJ_METRICS_STATUS_COUNT - 1], 5);
    assert_int_equal(metrics.submitted, 0);
    assert_int_equal(stray, NUMBERS_AT + 8 * NUMBERS_V1);
    tell(f, 0);
    turn_layout(f, 2, 1);
    assert_int_equal(counted(f, &stray).log_bytes, 7);
    assert_int_equal(stray, TJ__LOCK_SIZE);
    turn_layout(f, 1, 3); /* nobody knows yet what that has */
    assert_int_equal(counted(f, &stray).log_bytes, 0);
    assert_int_equal(stray, TJ__LOCK_SIZE);
}

/* ---- a lock file that comes later ---------------------------------------------------------- */

static void test_a_lock_file_is_looked_for_again(void **state)
{
    fixture *f = *state;
    tj_store_info info = TJ_STORE_INFO_INIT;
    uint64_t number = 0;
    save_and_be_killed(f, "save", "3");
    shell("rm %s/writer.lock", f->path);
    f->config.read_only = true;
    assert_ok(tj_store_open(&f->config, &f->store, &err));
    assert_ok(load_number(f->store, &number, &err));
    assert_int_equal(number, 3);
    assert_ok(tj_store_info_get(f->store, &info, &err));
    assert_false(info.lmdb.acknowledged_known);
    child writer = child_start("save", f->path, "4");
    child_expect(&writer, "saved");
    assert_ok(load_number(f->store, &number, &err));
    assert_int_equal(number, 7);
    assert_ok(tj_store_info_get(f->store, &info, &err));
    assert_true(info.lmdb.acknowledged_known);
    child_kill(&writer);
    fixture_close(f);
}

static void test_a_lock_file_that_cannot_be_read(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE + 16];
    save_and_be_killed(f, "save", "3");
    snprintf(path, sizeof path, "%s/" TJ__WRITER_LOCK_NAME, f->path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(TJ__WRITER_LOCK_NAME, path), 0);
    f->config.read_only = true;
    assert_int_equal(tj_store_open(&f->config, &f->store, &err), TJ_IO);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(tj_store_open(&f->config, &f->store, &err), TJ_CORRUPT);
    f->damaged = true;
}

/* A sparse copy of a page of zeros: on a full disk the first store into it would be a SIGBUS. */
static void test_a_page_that_is_a_hole(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE + 16];
    struct stat before;
    struct stat taken;
    snprintf(path, sizeof path, "%s/" TJ__WRITER_LOCK_NAME, f->directory);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, TJ__LOCK_SIZE), 0);
    assert_int_equal(fstat(fd, &before), 0);
    assert_int_equal(before.st_blocks, 0);
    tj__lock *lock = take(f);
    assert_int_equal(fstat(fd, &taken), 0);
    assert_true(taken.st_blocks > 0);
    tj__lock_release(lock);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "child") == 0) {
        return child_save(argv[3], argv[4], TJ_DURABILITY_SYNC);
    }
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_of_this_boot_and_mount),
        JOURNAL_TEST(test_of_another_mount),
        JOURNAL_TEST(test_of_another_birth),
        JOURNAL_TEST(test_of_a_living_writer),
        JOURNAL_TEST(test_without_a_boot_id),
        JOURNAL_TEST(test_a_boot_id_that_cannot_be_asked_for),
        JOURNAL_TEST(test_numbers_of_earlier_and_of_later_versions),
        JOURNAL_TEST(test_a_lock_file_is_looked_for_again),
        JOURNAL_TEST(test_a_lock_file_that_cannot_be_read),
        JOURNAL_TEST(test_a_page_that_is_a_hole),
    };
    return cmocka_run_group_tests_name("mark", tests, NULL, NULL);
}
