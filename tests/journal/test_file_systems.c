/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * File systems: those that cannot hold a journal, read-only ones, and full ones (P9). Mounting
 * needs root and a mount namespace of its own; without them these tests are skipped, and say so.
 */
#include "journal_fixture.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

#include "child.h"

static bool may_mount;

/* All mounts of this program are gone with it. */
static void leave_the_mount_namespace(void)
{
    may_mount = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    if (!may_mount) {
        fprintf(stderr, "skipped: no mount namespace (%s); run as root to test file systems\n",
                strerror(errno));
    }
}

static void skip_without_mounts(fixture *f)
{
    if (!may_mount) {
        fixture_skip(f);
    }
}

static void mount_at(fixture *f, const char *type, const char *options)
{
    char place[PATH_TEXT_SIZE];
    snprintf(place, sizeof place, "%.*s/mnt", DIRECTORY_SIZE, f->directory);
    assert_true(mkdir(place, 0755) == 0 || errno == EEXIST);
    if (mount("test", place, type, 0, options) != 0) {
        fail_msg("mounting %s: %s", type, strerror(errno));
    }
    snprintf(f->path, sizeof f->path, "%.*s/mnt/journal", DIRECTORY_SIZE, f->directory);
}

static void unmount(fixture *f)
{
    shell("umount %s/mnt", f->directory);
}

/* ---- unsupported --------------------------------------------------------------------------- */

static void test_proc(void **state)
{
    fixture *f = *state;
    tj_store *store = NULL;
    f->config.path = "/proc/self/journal";
    assert_refused(tj_store_open(&f->config, &store, &err), TJ_UNSUPPORTED,
                   "/proc/self/journal is on a file system (procfs) that cannot hold a journal");
    note_sentence();
    f->config.path = "/sys/kernel/deep/journal";
    assert_refused(tj_store_open(&f->config, &store, &err), TJ_UNSUPPORTED, "sysfs");
}

static void test_ramfs(void **state)
{
    fixture *f = *state;
    skip_without_mounts(f);
    mount_at(f, "ramfs", NULL);
    refuse_open(f, TJ_UNSUPPORTED,
                "/mnt/journal is on a file system (ramfs) that cannot hold a "
                "journal: ");
    unmount(f);
}

static void test_overlay(void **state)
{
    fixture *f = *state;
    char options[3 * PATH_TEXT_SIZE];
    skip_without_mounts(f);
    shell("cd %s && mkdir lower upper work", f->directory);
    snprintf(options, sizeof options, "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work",
             f->directory, f->directory, f->directory);
    mount_at(f, "overlay", options);
    refuse_open(f, TJ_UNSUPPORTED, "(overlayfs) that cannot hold a journal: ");
    unmount(f);
}

/* ---- read-only ----------------------------------------------------------------------------- */

static void make_read_only(fixture *f)
{
    shell("mount -o remount,ro %s/mnt", f->directory);
}

static void look_on_a_read_only_file_system(fixture *f, uint64_t expected)
{
    refuse_open_as_is(f, TJ_READONLY, "open it read-only to look on");
    f->config.read_only = true;
    fixture_open(f);
    assert_number(f->store, expected);
    fixture_close(f);
    f->config.read_only = false;
    shell("mount -o remount,rw %s/mnt", f->directory);
}

static void test_a_read_only_file_system(void **state)
{
    fixture *f = *state;
    skip_without_mounts(f);
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    mount_at(f, "tmpfs", "size=64m");
    open_and_save(f, 1, 9);
    make_read_only(f);
    look_on_a_read_only_file_system(f, 9);
    save_and_be_killed(f, "save", "6"); /* and with records that LMDB does not have */
    make_read_only(f);
    look_on_a_read_only_file_system(f, 15);
    assert_opens_at(f, 15);
    unmount(f);
}

static void test_a_new_journal_on_a_read_only_file_system(void **state)
{
    fixture *f = *state;
    skip_without_mounts(f);
    mount_at(f, "tmpfs", "size=1m");
    make_read_only(f);
    refuse_open_as_is(f, TJ_READONLY, "/mnt/journal");
    unmount(f);
}

static char traced[TJ_ERROR_MESSAGE_SIZE];

static void keep_warning(void *context, tj_trace_level level, const char *message)
{
    (void)context;
    if (level == TJ_TRACE_WARNING && strstr(message, "tmpfs")) {
        snprintf(traced, sizeof traced, "%s", message);
    }
}

static void test_memory_is_warned_of(void **state)
{
    fixture *f = *state;
    skip_without_mounts(f);
    mount_at(f, "tmpfs", "size=64m");
    f->config.trace = keep_warning;
    fixture_open(f);
    assert_non_null(strstr(traced, "everything in it is gone after a restart of the machine"));
    fixture_close(f);
    unmount(f);
}

/* ---- full ---------------------------------------------------------------------------------- */

/* Leaves about so many bytes. */
static void fill_disk(fixture *f, size_t left)
{
    static const char block[4096];
    char path[PATH_TEXT_SIZE];
    snprintf(path, sizeof path, "%.*s/mnt/filler", DIRECTORY_SIZE, f->directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    off_t size = 0;
    while (write(fd, block, sizeof block) == (ssize_t)sizeof block) {
        size += (off_t)sizeof block;
    }
    assert_int_equal(ftruncate(fd, size > (off_t)left ? size - (off_t)left : 0), 0);
    close(fd);
}

static void free_disk(fixture *f)
{
    shell("rm %s/mnt/filler", f->directory);
}

/* Enough that the log needs new segments and LMDB new pages. */
static tj_status save_padded(tj_store *store, uint64_t number, const tj_commit_options *options)
{
    char payload[3000];
    tj_txn *txn = NULL;
    memset(payload, 'x', sizeof payload);
    payload[0] = payload[sizeof payload - 1] = '"';
    tj_algo_state algo = {TJ_STR("twap"), {payload, sizeof payload}};
    tj_uuid id = uuid((unsigned)number);
    tj_decimal equity = tj_decimal_int((int64_t)number);
    assert_ok(tj_txn_begin(store, &txn, &err));
    assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
    assert_ok(tj_txn_put_algo(txn, &id, &algo, &err));
    return tj_txn_commit(txn, options, NULL, &err);
}

/* There are many moments at which a disk can be full, and few sentences for it. */
static void note_first_of(const char *beginning)
{
    static const char *noted[4];
    for (size_t i = 0; i < sizeof noted / sizeof noted[0]; i++) {
        if (!noted[i]) {
            noted[i] = beginning;
            note_sentence();
        }
        if (strcmp(noted[i], beginning) == 0) {
            return;
        }
    }
}

static void note_full(void)
{
    note_first_of(strncmp(err.message, "no space", 8) == 0         ? "no space"
                  : strncmp(err.message, "a new journal", 13) == 0 ? "a new journal"
                                                                   : "the disk");
}

/* Saves until the disk is full, or for so many commits. Returns the last that went well. */
static uint64_t save_until_full(fixture *f, uint64_t number, unsigned count, bool *full)
{
    *full = false;
    for (unsigned i = 0; i < count && !*full; i++) {
        tj_status status = save_padded(f->store, number + 1, NULL);
        if (status == TJ_OK) {
            number++;
            continue;
        }
        if (status != TJ_FULL || !strstr(err.message, f->directory)) {
            fail_msg("%s: %s", tj_status_name(status), err.message);
        }
        note_full();
        *full = true;
    }
    return number;
}

/* On a full disk: what is stored can be read, and what must get through gets through. */
static uint64_t go_on_while_full(fixture *f, uint64_t number)
{
    tj_commit_options critical = TJ_COMMIT_OPTIONS_INIT;
    critical.critical = true;
    assert_number(f->store, number);
    for (int i = 0; i < 3; i++) {
        assert_ok(save_padded(f->store, ++number, &critical));
    }
    assert_number(f->store, number);
    return number;
}

static void test_a_full_disk(void **state)
{
    fixture *f = *state;
    bool full = false;
    unsigned times_full = 0;
    uint64_t number = 0;
    skip_without_mounts(f);
    mount_at(f, "tmpfs", "size=24m");
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    f->config.lmdb.lag_bytes = 32 << 10;
    f->config.lmdb.lag_ms = 5;
    fixture_open(f);
    for (size_t left = 0; left < 30; left++) {
        number = save_until_full(f, number, 7, &full);
        fill_disk(f, left * 11 * 1024);
        number = save_until_full(f, number, 200, &full);
        times_full += full;
        if (full) {
            number = go_on_while_full(f, number);
        }
        free_disk(f);
        assert_ok(save_padded(f->store, ++number, NULL)); /* without opening it again */
        assert_number(f->store, number);
    }
    assert_true(times_full > 10);
    fixture_close(f);
    fixture_open(f);
    assert_number(f->store, number);
    fixture_close(f);
    unmount(f);
}

static void test_closing_and_opening_on_a_full_disk(void **state)
{
    fixture *f = *state;
    bool full = false;
    skip_without_mounts(f);
    mount_at(f, "tmpfs", "size=16m");
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    fixture_open(f);
    fill_disk(f, 0);
    uint64_t number = save_until_full(f, 0, 1000, &full);
    assert_true(full);
    fixture_drop(f);
    f->config.read_only = true;
    fixture_open(f);
    assert_number(f->store, number);
    fixture_close(f);
    f->config.read_only = false;
    fixture_open(f);
    assert_number(f->store, number);
    free_disk(f);
    assert_ok(save_padded(f->store, ++number, NULL));
    fixture_close(f);
    assert_opens_at(f, number);
    unmount(f);
}

static void test_creating_on_a_full_disk(void **state)
{
    fixture *f = *state;
    tj_store *store = NULL;
    unsigned created = 0;
    skip_without_mounts(f);
    mount_at(f, "tmpfs", "size=2m");
    for (size_t left = 0; left < 1600 * 1024; left += 60 * 1024) {
        fill_disk(f, left);
        f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
        tj_status status = tj_store_open(&f->config, &store, &err);
        if (status == TJ_OK) {
            assert_int_equal(tj_store_close(store, NULL), TJ_OK);
        } else if (status != TJ_FULL || !strstr(err.message, f->directory)) {
            fail_msg("with %zu bytes left: %s: %s", left, tj_status_name(status), err.message);
        } else {
            note_full();
        }
        created += status == TJ_OK;
        free_disk(f);
        fixture_open(f); /* what is left of the attempt is no hindrance */
        assert_number(f->store, 0);
        fixture_close(f);
        shell("rm -r %s", f->path);
    }
    assert_in_range(created, 5, 20);
    unmount(f);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "child") == 0) {
        return child_save(argv[3], argv[4], TJ_DURABILITY_SYNC);
    }
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_proc),
        JOURNAL_TEST(test_ramfs),
        JOURNAL_TEST(test_overlay),
        JOURNAL_TEST(test_a_read_only_file_system),
        JOURNAL_TEST(test_a_new_journal_on_a_read_only_file_system),
        JOURNAL_TEST(test_memory_is_warned_of),
        JOURNAL_TEST(test_a_full_disk),
        JOURNAL_TEST(test_closing_and_opening_on_a_full_disk),
        JOURNAL_TEST(test_creating_on_a_full_disk),
    };
    leave_the_mount_namespace();
    int failed = cmocka_run_group_tests_name("file systems", tests, NULL, NULL);
    print_sentences();
    return failed;
}
