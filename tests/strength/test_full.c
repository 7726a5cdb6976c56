/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A file system of a few MiB that becomes full, to the last byte, at 50 moments of a workload:
 * before every so manieth system call that writes, flushes, extends or renames, so also in the
 * middle of a creation, a segment change, an apply, a close and an opening. P9: nothing
 * acknowledged is lost, no signal, the message names the cause; deletes, critical commits, reads
 * and closing work; and all goes on when there is space again, without opening anew.
 *
 * It mounts a tmpfs and an ext4 of 4 MiB in a mount namespace of its own, and says so where it
 * cannot.
 */
#include "strength/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/stand_in.h"

#define MOMENTS 50
#define DISK_OPTIONS "size=4m"
#define IMAGE_SIZE (4 << 20)
#define PAD_SIZE 1500
#define COMMITS 130

/* ---- the disk, and when it becomes full ------------------------------------------------------ */

static struct {
    char mount[DIRECTORY_SIZE];
    char filler[DIRECTORY_SIZE + 16];
    _Atomic long ticks;
    long full_at; /* 0: never */
    _Atomic bool full;
} disk;

static void fill(void)
{
    static const char block[1 << 16];
    int fd = open(disk.filler, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    for (size_t size = sizeof block; size > 0;) {
        ssize_t wrote = syscall(SYS_write, fd, block, size);
        size = wrote > 0 ? size : size / 2;
    }
    close(fd);
    atomic_store(&disk.full, true);
}

static void make_space(void)
{
    unlink(disk.filler);
    atomic_store(&disk.full, false);
}

static void tick(void)
{
    if (atomic_fetch_add(&disk.ticks, 1) + 1 == disk.full_at) {
        fill();
    }
}

STAND_IN ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    tick();
    return (ssize_t)syscall(SYS_pwrite64, fd, data, size, offset);
}

STAND_IN ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    tick();
    return (ssize_t)syscall(SYS_writev, fd, pieces, count);
}

STAND_IN int fdatasync(int fd)
{
    tick();
    return (int)syscall(SYS_fdatasync, fd);
}

STAND_IN int fsync(int fd)
{
    tick();
    return (int)syscall(SYS_fsync, fd);
}

STAND_IN int ftruncate(int fd, off_t size)
{
    tick();
    return (int)syscall(SYS_ftruncate, fd, size);
}

STAND_IN int posix_fallocate(int fd, off_t offset, off_t size)
{
    tick();
    return syscall(SYS_fallocate, fd, 0, offset, size) == 0 ? 0 : errno;
}

STAND_IN int rename(const char *from, const char *to)
{
    tick();
    return (int)syscall(SYS_rename, from, to);
}

/* ---- one run, in a process of its own -------------------------------------------------------- */

typedef struct run {
    tj_config config;
    char journal[DIRECTORY_SIZE + 16];
    tj_store *store;
    bool held_reserve; /* when the disk became full, or rather at the last look before */
    bool stored[COMMITS + 200];
    unsigned next;
} run;

#define must(condition, ...)                                                   \
    do {                                                                       \
        if (!(condition)) {                                                    \
            printf("line %d, full before call %ld: ", __LINE__, disk.full_at); \
            printf(__VA_ARGS__);                                               \
            printf("\n");                                                      \
            fflush(stdout);                                                    \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

static bool names_the_cause(const char *message)
{
    return strstr(message, "no space left on device") || strstr(message, "the disk is full") ||
           strstr(message, "the disk is possibly full");
}

static tj_txn *padded(run *r, unsigned number, bool put)
{
    static const char pad[PAD_SIZE] = {0};
    char payload[PAD_SIZE + 64];
    tj_uuid id = uuid(number);
    tj_txn *txn = NULL;
    int head = snprintf(payload, sizeof payload, "{\"n\":%u,\"pad\":\"", number);
    memset(payload + head, 'x', sizeof pad);
    snprintf(payload + head + sizeof pad, 8, "\"}");
    tj_algo_state state = {.plugin = TJ_STR("twap"), .payload = tj_str_of(payload)};
    must(tj_txn_begin(r->store, &txn, &err) == TJ_OK, "%s", err.message);
    must((put ? tj_txn_put_algo(txn, &id, &state, &err) : tj_txn_delete_algo(txn, &id, &err)) ==
             TJ_OK,
         "%s", err.message);
    return txn;
}

/* Commits one number, and expects that it worked or was refused for want of space. */
static bool commit_one(run *r, bool critical)
{
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.critical = critical;
    unsigned number = r->next++;
    must(number < sizeof r->stored, "too many commits");
    tj_status status = tj_txn_commit(padded(r, number, true), &options, NULL, &err);
    must(status == TJ_OK || (status == TJ_FULL && names_the_cause(err.message)),
         "commit %u: %s: %s", number, tj_status_name(status), err.message);
    r->stored[number] = status == TJ_OK;
    return r->stored[number];
}

static bool delete_one(run *r)
{
    unsigned number = 1;
    while (number < r->next && !r->stored[number]) {
        number++;
    }
    if (number == r->next) {
        return true;
    }
    tj_status status = tj_txn_commit(padded(r, number, false), NULL, NULL, &err);
    must(status == TJ_OK || (status == TJ_FULL && names_the_cause(err.message)), "delete: %s: %s",
         tj_status_name(status), err.message);
    r->stored[number] = status != TJ_OK;
    return status == TJ_OK;
}

static void expect_all(run *r, tj_store *store)
{
    tj_algo_list *list = NULL;
    tj_status status = tj_algo_load_all(tj_store_algo_repository(store, NULL), &list, &err);
    must(status == TJ_OK, "load: %s: %s", tj_status_name(status), err.message);
    size_t at = 0;
    for (unsigned number = 1; number < r->next; number++) {
        tj_uuid id = uuid(number);
        bool there = at < list->count && memcmp(&list->records[at].id, &id, sizeof id) == 0;
        must(there == r->stored[number], "number %u is %s", number, there ? "there" : "lost");
        at += there;
    }
    must(at == list->count && list->quarantined_count == 0, "there is more than was stored");
    tj_algo_list_free(list);
}

/* A looker-on opens the journal while the disk is full. */
static void expect_view(run *r)
{
    pid_t viewer = fork();
    if (viewer == 0) {
        tj_config config = r->config;
        tj_store *store = NULL;
        config.read_only = true;
        tj_status status = tj_store_open(&config, &store, &err);
        must(status == TJ_OK, "view: %s: %s", tj_status_name(status), err.message);
        expect_all(r, store);
        tj_store_close(store, NULL);
        _exit(0);
    }
    int code = -1;
    waitpid(viewer, &code, 0);
    must(code == 0, "the viewer ended with %#x", (unsigned)code);
}

static void close_run(run *r)
{
    tj_status status = tj_store_close(r->store, &err);
    r->store = NULL;
    must(status == TJ_OK, "close: %s: %s", tj_status_name(status), err.message);
}

/* The first opening needs space; a journal that is there opens on a full disk too. */
static void open_run(run *r, bool created)
{
    tj_status status = tj_store_open(&r->config, &r->store, &err);
    if (!created && status == TJ_FULL) {
        must(atomic_load(&disk.full) && names_the_cause(err.message), "open: %s", err.message);
        make_space();
        status = tj_store_open(&r->config, &r->store, &err);
    }
    must(status == TJ_OK, "open: %s: %s", tj_status_name(status), err.message);
}

static void look_at_reserve(run *r)
{
    bool full = atomic_load(&disk.full); /* a thread may fill it while it is being looked at */
    tj_store_info info = TJ_STORE_INFO_INIT;
    tj_status status = tj_store_info_get(r->store, &info, &err);
    must(status == TJ_OK, "info: %s: %s", tj_status_name(status), err.message);
    if (!full) {
        r->held_reserve = info.lmdb.reserve_bytes > 0;
        return;
    }
    must(info.lmdb.space_low,
         "%" PRIu64 " bytes are free, %" PRIu64 " in reserve, and it is not low",
         info.lmdb.free_bytes, info.lmdb.reserve_bytes);
}

static void while_full(run *r)
{
    bool urgent = true;
    unsigned ordinary = 0;
    while (commit_one(r, false)) {
        must(++ordinary < 150, "the disk is full and 150 commits were taken");
    }
    for (int i = 0; i < 5; i++) {
        urgent = commit_one(r, true) && delete_one(r) && urgent;
    }
    uint64_t first = 0;
    tj_status status = tj_counter_reserve(r->store, NULL, "orders", 1, &first, &err);
    must(status == TJ_OK || (status == TJ_FULL && !r->held_reserve), "reserve: %s", err.message);
    must(urgent || !r->held_reserve, "the reserve was there and did not help: %s", err.message);
    look_at_reserve(r);
    expect_all(r, r->store);
    expect_view(r);
}

static void after_full(run *r)
{
    make_space();
    must(commit_one(r, false), "there is space, and still: %s", err.message);
    must(commit_one(r, true) && delete_one(r), "there is space, and still: %s", err.message);
    tj_status status = tj_store_work(r->store, &err);
    must(status == TJ_OK, "work: %s: %s", tj_status_name(status), err.message);
    expect_all(r, r->store);
}

/* When it has become full: once in the open journal, once over a close and an opening. */
static void look_after_full(run *r)
{
    if (!atomic_load(&disk.full)) {
        return;
    }
    while_full(r);
    close_run(r);
    open_run(r, true);
    expect_all(r, r->store);
    after_full(r);
    disk.full_at = 0;
}

static void work_through(run *r)
{
    for (unsigned i = 0; i < COMMITS / 2; i++) {
        if (!atomic_load(&disk.full)) {
            look_at_reserve(r);
        }
        (void)commit_one(r, i % 13 == 0);
        if (i % 9 == 0) {
            (void)delete_one(r);
        }
        if (i % 10 == 0) {
            tj_status status = tj_store_work(r->store, &err);
            must(status == TJ_OK || (status == TJ_FULL && atomic_load(&disk.full)), "work: %s: %s",
                 tj_status_name(status), err.message);
        }
        look_after_full(r);
    }
}

static void run_workload(bool no_threads)
{
    static run r;
    r = (run){.config = TJ_CONFIG_INIT, .next = 1};
    snprintf(r.journal, sizeof r.journal, "%s/journal", disk.mount);
    r.config.path = r.journal;
    r.config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    r.config.lmdb.lag_bytes = 16384;
    r.config.lmdb.lag_ms = 5;
    r.config.no_threads = no_threads;
    open_run(&r, false);
    work_through(&r);
    close_run(&r);
    open_run(&r, true);
    work_through(&r);
    close_run(&r);
    open_run(&r, true);
    look_after_full(&r);
    expect_all(&r, r.store);
    close_run(&r);
}

/* ---- the moments ----------------------------------------------------------------------------- */

/* The number of calls that the run made. */
static long run_full_at(long full_at, bool no_threads)
{
    int calls[2];
    char journal[DIRECTORY_SIZE + 16];
    snprintf(journal, sizeof journal, "%s/journal", disk.mount);
    directory_remove(journal);
    unlink(disk.filler);
    assert_int_equal(pipe(calls), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        atomic_store(&disk.ticks, 0);
        disk.full_at = full_at;
        run_workload(no_threads);
        long count = atomic_load(&disk.ticks);
        _exit(write(calls[1], &count, sizeof count) == (ssize_t)sizeof count ? 0 : 1);
    }
    int code = -1;
    long count = 0;
    close(calls[1]);
    assert_int_equal(waitpid(child, &code, 0), child);
    if (code != 0) {
        fail_msg("full before call %ld%s: the process ended with %#x", full_at,
                 no_threads ? ", no_threads" : "", (unsigned)code);
    }
    assert_int_equal(read(calls[0], &count, sizeof count), sizeof count);
    close(calls[0]);
    assert_journal_sound(journal);
    return count;
}

static void full_at_many_moments(bool no_threads)
{
    long count = run_full_at(0, no_threads);
    assert_in_range(count, 4 * MOMENTS, 100000);
    for (long i = 0; i < MOMENTS; i++) {
        run_full_at(1 + i * count / MOMENTS, no_threads);
    }
}

static void full_with_threads(void **state)
{
    (void)state;
    full_at_many_moments(false);
}

static void full_without_threads(void **state)
{
    (void)state;
    full_at_many_moments(true);
}

/* ---- the reserve ----------------------------------------------------------------------------- */

/* LMDB cannot follow any more when the disk becomes full in the middle of a stream of saves. What
 * the reserve has is for the critical commits, a segment of them, and not for LMDB. */
static void run_stream(unsigned filler_kib, uint64_t lag_bytes, unsigned criticals)
{
    static run r;
    r = (run){.config = TJ_CONFIG_INIT};
    snprintf(r.journal, sizeof r.journal, "%s/journal", disk.mount);
    r.config.path = r.journal;
    r.config.lmdb.segment_size_bytes = 512 << 10;
    r.config.lmdb.lag_bytes = lag_bytes;
    r.config.lmdb.lag_ms = 1;
    open_run(&r, false);
    int fd = open(disk.filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    must(syscall(SYS_fallocate, fd, 0, 0, (off_t)filler_kib << 10) == 0, "filling the disk");
    close(fd);
    tj_status status = TJ_OK;
    unsigned number = 0;
    while (status == TJ_OK) {
        status = tj_txn_commit(padded(&r, ++number, true), NULL, NULL, &err);
    }
    must(status == TJ_FULL && number > 100, "after %u saves: %s", number, err.message);
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.critical = true;
    for (unsigned i = 0; i < criticals; i++) {
        usleep(i % 50 == 0 ? 5000 : 0); /* the helper tries, too */
        status = tj_txn_commit(padded(&r, ++number, true), &options, NULL, &err);
        must(status == TJ_OK, "critical commit %u: %s", i + 1, err.message);
    }
    tj_algo_list *list = NULL;
    status = tj_algo_load_all(tj_store_algo_repository(r.store, NULL), &list, &err);
    must(status == TJ_OK && list->count == number - 1, "reading: %s", err.message);
    tj_algo_list_free(list);
}

static void fill_in_a_stream(uint64_t lag_bytes, unsigned criticals)
{
    for (unsigned filler_kib = 1; filler_kib < 1000; filler_kib += 100) {
        char journal[DIRECTORY_SIZE + 16];
        int code = -1;
        snprintf(journal, sizeof journal, "%s/journal", disk.mount);
        directory_remove(journal);
        unlink(disk.filler);
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            disk.full_at = 0;
            run_stream(filler_kib, lag_bytes, criticals);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &code, 0), child);
        assert_int_equal(code, 0);
        assert_journal_sound(journal);
    }
}

static void critical_commits_have_the_reserve(void **state)
{
    (void)state;
    fill_in_a_stream(512 << 10, 250);
}

/* Where the log may run ahead so little that critical commits would wait, LMDB gets what it needs
 * of it. */
static void critical_commits_take_lmdb_along(void **state)
{
    (void)state;
    fill_in_a_stream(4 << 10, 100);
}

/* ---- file systems ---------------------------------------------------------------------------- */

static bool mount_tmpfs(void)
{
    return mount("tmpfs", disk.mount, "tmpfs", 0, DISK_OPTIONS) == 0;
}

/* With no blocks kept for root, and no journal: that would be half of it. */
static bool mount_ext4(void)
{
    char image[DIRECTORY_SIZE + 16];
    char command[4 * DIRECTORY_SIZE];
    snprintf(image, sizeof image, "%s.image", disk.mount);
    int fd = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool made = fd >= 0 && syscall(SYS_ftruncate, fd, IMAGE_SIZE) == 0;
    close(fd);
    snprintf(command, sizeof command,
             "mkfs.ext4 -q -m 0 -O ^has_journal,^resize_inode %s >/dev/null 2>&1 && "
             "mount -o loop %s %s 2>/dev/null",
             image, image, disk.mount);
    bool mounted = made && system(command) == 0;
    unlink(image);
    return mounted;
}

static int run_on(const char *kind, bool (*mount_it)(void))
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_with_threads),
        cmocka_unit_test(full_without_threads),
        cmocka_unit_test(critical_commits_have_the_reserve),
        cmocka_unit_test(critical_commits_take_lmdb_along),
    };
    directory_make(disk.mount, "tj-full");
    snprintf(disk.filler, sizeof disk.filler, "%s/filler", disk.mount);
    int failed = 0;
    if (mount_it()) {
        failed = cmocka_run_group_tests_name(kind, tests, NULL, NULL);
        umount2(disk.mount, MNT_DETACH);
    } else {
        printf("SKIP: %s cannot be mounted here\n", kind);
    }
    rmdir(disk.mount);
    return failed;
}

int main(void)
{
    directory_in_memory();
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        printf("SKIP: no file system can be mounted here: %s\n", strerror(errno));
        return 77;
    }
    return run_on("tmpfs", mount_tmpfs) + run_on("ext4", mount_ext4);
}
