/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The environment among others: growth with readers, threads, replaced files, a full disk. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "watching.h"

/* ---- growth */

/* A thread that holds a snapshot for a while, so that the growth has to wait for it. */
static void *hold_snapshot(void *context)
{
    tj__env *env = context;
    tj__env_snapshot *snapshot = snapshot_of(env, 1);
    tally seen;
    usleep(200000);
    assert_ok(tally_rows(snapshot, &seen, &err));
    assert_int_equal(seen.rows, 10);
    tj__env_snapshot_end(snapshot);
    return NULL;
}

static void test_growth_waits_for_snapshots(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    tj__env *env = journal_open(&at, 1, false);
    uint64_t before = info_of(env).map_size;
    assert_true(before < 1 << 20);
    journal_fill(env, 10, 100, 1);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hold_snapshot, env), 0);
    usleep(50000);
    journal_fill(env, 300, 50000, 2);
    assert_int_equal(pthread_join(thread, NULL), 0);
    uint64_t after = info_of(env).map_size;
    assert_true(after >= 300 * 50000 && after <= 128 << 20);
    assert_int_equal(after % before, 0);
    tj__env_snapshot *snapshot = snapshot_of(env, 2);
    tally seen;
    assert_ok(tally_rows(snapshot, &seen, &err));
    assert_int_equal(seen.rows, 300);
    assert_int_equal(seen.bytes, 300 * 50000);
    tj__env_snapshot_end(snapshot);
    tj__env_close(env);
    assert_ok(tj__page_check(at.data, NULL, &err));
    place_remove(&at);
}

static void test_growth_gives_up_on_a_forgotten_snapshot(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    tj__env *env = journal_open(&at, 1, false);
    journal_fill(env, 10, 100, 1);
    tj__env_snapshot *snapshot = snapshot_of(env, 1);
    tj__rowmap *batch = tj__rowmap_new();
    static uint8_t value[1 << 20];
    assert_non_null(
        tj__rowmap_put(batch, text_bytes("\3big"), tj__bytes_of(value, sizeof value), 2));
    tj__position position = position_at(2);
    char text[2 * PATH_MAX];
    snprintf(text, sizeof text,
             "the map of %s must change, but a view of it has been open in this process for over "
             "10 s: close it, then try again",
             at.data);
    assert_fails(TJ_BUSY, text, tj__env_apply(env, batch, &position, &err));
    tj__env_snapshot_end(snapshot);
    assert_ok(tj__env_apply(env, batch, &position, &err));
    tj__rowmap_free(batch);
    tj__env_close(env);
    place_remove(&at);
}

/* A reading process whose map is small, as on a system with little address space. The parent
 * writes a byte when the file has grown, and waits for one when the child is ready. */
typedef struct small_reader {
    place at;
    int ready[2];
    int grown[2];
    bool limited; /* in address space while it opens */
} small_reader;

static uint64_t address_space_in_use(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static tj__env *open_limited(const small_reader *reader)
{
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    struct rlimit limit = {address_space_in_use() + ((uint64_t)64 << 20), before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    tj__env *env = journal_open(&reader->at, 0, true);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_true(info_of(env).map_size <= 64 << 20);
    return env;
}

static int read_while_it_grows(void *context)
{
    small_reader *reader = context;
    tally seen;
    char byte = 0;
    tj__env *env = reader->limited ? open_limited(reader) : journal_open(&reader->at, 0, true);
    uint64_t map_size = info_of(env).map_size;
    tj__env_snapshot *snapshot = snapshot_of(env, 1);
    assert_int_equal(write(reader->ready[1], "r", 1), 1);
    assert_int_equal(read(reader->grown[0], &byte, 1), 1);
    assert_ok(tally_rows(snapshot, &seen, &err)); /* still what it was */
    assert_int_equal(seen.rows, 10);
    tj__env_snapshot_end(snapshot);
    snapshot = snapshot_of(env, 2);
    assert_ok(tally_rows(snapshot, &seen, &err));
    assert_int_equal(seen.rows, 1500);
    tj__env_snapshot_end(snapshot);
    /* The usual map has room for any growth; a sanitizer's address space may hold less of it. */
    if (reader->limited) {
        assert_true(info_of(env).map_size > map_size);
    } else {
        assert_int_equal(info_of(env).map_size, map_size);
        assert_in_range(map_size, (uint64_t)1 << 30, (uint64_t)1 << 40);
    }
    tj__env_close(env);
    return 0;
}

static void grow_beside_a_reader(bool limited)
{
    small_reader reader = {.at = place_new(), .limited = limited};
    char byte = 0;
    int status = 0;
    journal_create(&reader.at);
    tj__env *env = journal_open(&reader.at, 1, false);
    journal_fill(env, 10, 100, 1);
    tj__env_close(env); /* nothing of LMDB's must be inherited */
    assert_int_equal(pipe(reader.ready), 0);
    assert_int_equal(pipe(reader.grown), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        leave_cmocka();
        close(reader.ready[0]);
        close(reader.grown[1]);
        _exit(read_while_it_grows(&reader));
    }
    close(reader.ready[1]); /* so that neither waits for the other when that one is gone */
    close(reader.grown[0]);
    env = journal_open(&reader.at, 1, false);
    assert_int_equal(read(reader.ready[0], &byte, 1), 1);
    assert_int_equal(info_of(env).reader_count, 1);
    assert_int_equal(info_of(env).oldest_reader_pid, child);
    assert_int_equal(info_of(env).oldest_reader_lag, 0);
    journal_fill(env, 1500, 60000, 2);
    assert_int_equal(info_of(env).oldest_reader_lag, 1);
    assert_int_equal(write(reader.grown[1], "g", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    tj__env_close(env);
    close(reader.ready[0]);
    close(reader.grown[1]);
    place_remove(&reader.at);
}

static void test_growth_beside_a_reading_process(void **state)
{
    (void)state;
    grow_beside_a_reader(false);
}

static void test_growth_beyond_a_reader_with_a_small_map(void **state)
{
    (void)state;
    grow_beside_a_reader(true);
}

/* ---- threads */

typedef struct reading_crowd {
    tj__env *env;
    atomic_bool done;
    atomic_uint views;
} reading_crowd;

/* One view; a failed assertion in a thread of its own would end the program without a word. */
static tj_status look_once(tj__env *env, uint64_t *last, tj_error *error)
{
    tj__env_snapshot *snapshot = NULL;
    tj__position position;
    tally seen = {0};
    TJ_TRY(tj__env_snapshot_begin(env, &snapshot, &position, error));
    tj_status status = tally_rows(snapshot, &seen, error);
    tj__env_snapshot_end(snapshot);
    if (status == TJ_OK &&
        (position.sequence < *last || (seen.rows > 0 && seen.sequence != position.sequence))) {
        status =
            tj__fail(error, TJ_CORRUPT, "position %" PRIu64 " after %" PRIu64 ", rows of %" PRIu64,
                     position.sequence, *last, seen.sequence);
    }
    *last = position.sequence;
    return status;
}

static void *read_in_a_loop(void *context)
{
    reading_crowd *crowd = context;
    uint64_t last = 0;
    err = (tj_error)TJ_ERROR_INIT;
    while (!atomic_load(&crowd->done)) {
        if (look_once(crowd->env, &last, &err) != TJ_OK) {
            return strdup(err.message);
        }
        atomic_fetch_add(&crowd->views, 1);
    }
    return NULL;
}

static void test_many_readers_while_it_grows(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    reading_crowd crowd = {.env = journal_open(&at, 1, false)};
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_in_a_loop, &crowd), 0);
    }
    for (uint64_t sequence = 1; sequence <= 60; sequence++) {
        journal_fill(crowd.env, 40, (size_t)sequence * 300, sequence);
        tj__env_reap_readers(crowd.env);
        (void)info_of(crowd.env);
    }
    atomic_store(&crowd.done, true);
    for (size_t i = 0; i < 4; i++) {
        void *failure = NULL;
        assert_int_equal(pthread_join(threads[i], &failure), 0);
        if (failure) {
            fail_msg("a reader saw: %s", (char *)failure);
        }
    }
    assert_true(atomic_load(&crowd.views) > 0);
    tj__env_close(crowd.env);
    assert_ok(tj__page_check(at.data, NULL, &err));
    place_remove(&at);
}

/* ---- files */

static void test_lock_file_is_allocated(void **state)
{
    (void)state;
    place at = place_new();
    struct stat info;
    journal_create(&at);
    for (int other_size = 0; other_size < 2; other_size++) {
        off_t size = other_size ? 8192 : 65536; /* 126 readers: another LMDB program made it */
        unlink(at.lock);
        if (other_size) {
            int fd = open(at.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
            assert_int_equal(ftruncate(fd, size), 0);
            close(fd);
        }
        tj__env *env = journal_open(&at, 1 << 20, true);
        assert_int_equal(stat(at.lock, &info), 0);
        assert_int_equal(info.st_size, size);
        assert_true(tj__file_allocated(&info) >= (uint64_t)size);
        tj__env_close(env);
    }
    place_remove(&at);
}

static void test_descriptors_are_not_inherited(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    unsigned seen = 0;
    for (int fd = 0; fd < 64; fd++) {
        char link[64];
        char target[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t size = readlink(link, target, sizeof target - 1);
        if (size > 0 && memmem(target, (size_t)size, "/tj-table-", 10)) {
            assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
            seen++;
        }
    }
    assert_int_equal(seen, 3); /* data, data for meta pages, lock */
    tj__env_close(env);
    place_remove(&at);
}

static void test_replaced_file(void **state)
{
    (void)state;
    place at = place_new();
    char moved[PATH_MAX];
    char text[2 * PATH_MAX];
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    assert_ok(tj__env_same_file(env, &err));
    snprintf(moved, sizeof moved, "%s/moved", at.directory);
    assert_int_equal(rename(at.data, moved), 0);
    journal_create(&at);
    snprintf(text, sizeof text, "%s was removed or replaced while it was open", at.data);
    assert_fails(TJ_CLOSED, text, tj__env_same_file(env, &err));
    tj__rowmap *batch = tj__rowmap_new();
    tj__position position = position_at(1);
    assert_fails(TJ_CLOSED, text, tj__env_apply(env, batch, &position, &err));
    tj__rowmap_free(batch);
    tj__env_close(env);
    unlink(moved);
    place_remove(&at);
}

/* By an older copy: what came since would be missing from LMDB, at a position that includes it. */
static void test_file_that_was_written_over(void **state)
{
    (void)state;
    place at = place_new();
    char command[4 * PATH_MAX];
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    journal_fill(env, 10, 100, 1);
    snprintf(command, sizeof command, "cp %s %s.old", at.data, at.data);
    assert_int_equal(system(command), 0);
    journal_fill(env, 20, 100, 2);
    snprintf(command, sizeof command, "dd if=%s.old of=%s conv=notrunc status=none && rm %s.old",
             at.data, at.data, at.data);
    assert_int_equal(system(command), 0);
    tj__rowmap *batch = tj__rowmap_new();
    tj__position position = position_at(3);
    for (int i = 0; i < 2; i++) {
        tj_status status = tj__env_apply(env, batch, &position, &err);
        assert_int_equal(status, TJ_CLOSED);
        assert_non_null(strstr(err.message, "was written over while it was open, and is not as "
                                            "commit 2 left it any more"));
    }
    tj__rowmap_free(batch);
    tj__env_close(env);
    env = journal_open(&at, 1 << 20, false);
    journal_fill(env, 20, 100, 3); /* where it stands now */
    tj__env_close(env);
    place_remove(&at);
}

static void test_apply_to_a_reading_handle(void **state)
{
    (void)state;
    place at = place_new();
    char text[2 * PATH_MAX];
    journal_create(&at);
    tj__env *env = journal_open(&at, 0, true);
    tj__rowmap *batch = tj__rowmap_new();
    tj__position position = position_at(1);
    snprintf(text, sizeof text, "%s is open for reading", at.data);
    assert_fails(TJ_READONLY, text, tj__env_apply(env, batch, &position, &err));
    tj__rowmap_free(batch);
    tj__env_close(env);
    place_remove(&at);
}

/* ---- a full disk, and a read-only one: in a file system of the test's own */

/* Mounts a small tmpfs over the directory, seen by this process only. */
static bool mount_small(const char *directory, const char *options)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", directory, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0;
}

#define CANNOT_MOUNT 77

static uint64_t fill_until_full(tj__env *env, const place *at)
{
    static uint8_t value[20000];
    tj__rowmap *batch = tj__rowmap_new();
    err = (tj_error)TJ_ERROR_INIT;
    for (uint64_t sequence = 1;; sequence++) {
        char key[32];
        snprintf(key, sizeof key, "\3row %04u", (unsigned)sequence);
        tj__rowmap_clear(batch);
        memset(value, (int)sequence & 0xff, sizeof value);
        assert_non_null(
            tj__rowmap_put(batch, text_bytes(key), tj__bytes_of(value, sizeof value), 7));
        tj__position position = position_at(sequence);
        tj_status status = tj__env_apply(env, batch, &position, &err);
        if (status != TJ_OK) {
            assert_int_equal(status, TJ_FULL);
            assert_true(strstr(err.message, "no space left on device: writing ") ||
                        strstr(err.message, "the disk is possibly full ("));
            assert_string_equal(err.place, at->data);
            tj__rowmap_free(batch);
            return sequence - 1;
        }
    }
}

static int fill_the_disk(void *context)
{
    const place *at = context;
    if (!mount_small(at->directory, "size=2m")) {
        return CANNOT_MOUNT;
    }
    journal_create(at);
    tj__env *env = journal_open(at, 1, false);
    char ballast[PATH_MAX];
    snprintf(ballast, sizeof ballast, "%s/ballast", at->directory);
    int fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(posix_fallocate(fd, 0, 800000), 0);
    close(fd);
    uint64_t last = fill_until_full(env, at);
    assert_true(last > 3);
    for (int i = 0; i < 3; i++) { /* it stays as it was, and readers work */
        tally seen;
        tj__env_snapshot *snapshot = snapshot_of(env, last);
        assert_ok(tally_rows(snapshot, &seen, &err));
        assert_int_equal(seen.rows, last);
        tj__env_snapshot_end(snapshot);
        tj__env_reap_readers(env);
    }
    assert_int_equal(unlink(ballast), 0);
    journal_fill(env, 1, 20000, last + 1); /* goes on when there is space */
    tj__env_close(env);
    assert_ok(tj__page_check(at->data, NULL, &err));
    return 0;
}

static int read_from_a_read_only_disk(void *context)
{
    const place *at = context;
    if (!mount_small(at->directory, "size=8m")) {
        return CANNOT_MOUNT;
    }
    journal_create(at);
    tj__env *env = journal_open(at, 1, false);
    journal_fill(env, 10, 100, 1);
    tj__env_close(env);
    unlink(at->lock);
    assert_int_equal(mount(NULL, at->directory, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    tally seen;
    env = journal_open(at, 0, true);
    tj__env_snapshot *snapshot = snapshot_of(env, 1);
    assert_ok(tally_rows(snapshot, &seen, &err));
    assert_int_equal(seen.rows, 10);
    tj__env_snapshot_end(snapshot);
    assert_int_equal(info_of(env).reader_count, 0);
    tj__env_close(env);
    tj__env_options options = {.directory = at->directory};
    tj__superblock superblock;
    err = (tj_error)TJ_ERROR_INIT;
    assert_int_equal(tj__env_open(&options, &env, &superblock, &err), TJ_READONLY);
    assert_non_null(strstr(err.message, "read-only file system: opening "));
    return 0;
}

/* No room for the 64 KiB of lock.mdb: an error, not SIGBUS. */
static int open_without_room_for_the_lock(void *context)
{
    const place *at = context;
    if (!mount_small(at->directory, "size=1m")) {
        return CANNOT_MOUNT;
    }
    journal_create(at);
    unlink(at->lock);
    char ballast[PATH_MAX];
    snprintf(ballast, sizeof ballast, "%s/ballast", at->directory);
    int fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    static const char page[4096];
    while (write(fd, page, sizeof page) > 0) {
    }
    close(fd);
    tj__env_options options = {.directory = at->directory, .read_only = true};
    tj__superblock superblock;
    tj__env *env = NULL;
    err = (tj_error)TJ_ERROR_INIT;
    assert_int_equal(tj__env_open(&options, &env, &superblock, &err), TJ_FULL);
    assert_non_null(strstr(err.message, "no space left on device: reserving 65536 bytes for "));
    return 0;
}

static void in_own_mount(int (*body)(void *context))
{
    place at = place_new();
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        leave_cmocka();
        _exit(body(&at));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    place_remove(&at);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT_MOUNT) {
        printf("SKIPPED: cannot mount a tmpfs here (needs root)\n");
        skip();
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_full_disk(void **state)
{
    (void)state;
    in_own_mount(fill_the_disk);
}

static void test_read_only_disk(void **state)
{
    (void)state;
    in_own_mount(read_from_a_read_only_disk);
}

static void test_full_disk_at_open(void **state)
{
    (void)state;
    in_own_mount(open_without_room_for_the_lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth_waits_for_snapshots),
        cmocka_unit_test(test_growth_gives_up_on_a_forgotten_snapshot),
        cmocka_unit_test(test_growth_beside_a_reading_process),
        cmocka_unit_test(test_growth_beyond_a_reader_with_a_small_map),
        cmocka_unit_test(test_many_readers_while_it_grows),
        cmocka_unit_test(test_lock_file_is_allocated),
        cmocka_unit_test(test_descriptors_are_not_inherited),
        cmocka_unit_test(test_replaced_file),
        cmocka_unit_test(test_file_that_was_written_over),
        cmocka_unit_test(test_apply_to_a_reading_handle),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_read_only_disk),
        cmocka_unit_test(test_full_disk_at_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
