/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Space becomes low, on a file system of a few MiB: what can be built again goes first, then old
 * segments, unless somebody asked for them to be kept; and only then commits are refused. P9.
 *
 * It mounts a tmpfs in a mount namespace of its own, and says so where it cannot.
 */
#include "strength/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <tesser/history.h>

#define DISK_OPTIONS "size=12m"
#define NUMBERS 20      /* algorithms that the commits change in turn */
#define LOG_SEGMENTS 24 /* before space becomes low */
#define LEFT_FREE (200 << 10)
#define WAIT_MS 20000

typedef struct running {
    char mount[DIRECTORY_SIZE];
    char journal[DIRECTORY_SIZE + 16];
    char filler[DIRECTORY_SIZE + 16];
    tj_config config;
    tj_store *store;
    unsigned commits;
} running;

static running r;

/* ---- the disk ------------------------------------------------------------------------------ */

static uint64_t free_bytes(void)
{
    struct statvfs space;
    assert_int_equal(statvfs(r.mount, &space), 0);
    return (uint64_t)space.f_bavail * space.f_frsize;
}

static void leave_free(uint64_t bytes)
{
    struct stat found;
    uint64_t now = free_bytes();
    int fd = open(r.filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &found), 0);
    if (now > bytes) {
        assert_int_equal(posix_fallocate(fd, found.st_size, (off_t)(now - bytes)), 0);
    }
    close(fd);
}

static unsigned count_files(const char *directory, const char *suffix)
{
    char path[DIRECTORY_SIZE + 32];
    unsigned count = 0;
    snprintf(path, sizeof path, "%s/%s", r.journal, directory);
    DIR *stream = opendir(path);
    const struct dirent *entry;
    while (stream && (entry = readdir(stream)) != NULL) {
        size_t size = strlen(entry->d_name);
        count +=
            size > strlen(suffix) && strcmp(entry->d_name + size - strlen(suffix), suffix) == 0;
    }
    if (stream) {
        closedir(stream);
    }
    return count;
}

/* ---- the journal --------------------------------------------------------------------------- */

static void begin(uint64_t history_size)
{
    directory_remove(r.journal);
    unlink(r.filler);
    r.config = (tj_config)TJ_CONFIG_INIT;
    r.config.path = r.journal;
    r.config.durability = TJ_DURABILITY_OS;
    r.config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    r.config.lmdb.lag_ms = 1;
    r.config.lmdb.history_size_bytes = history_size;
    r.commits = 0;
    assert_ok(tj_store_open(&r.config, &r.store, &err));
}

static tj_status commit_one(void)
{
    char payload[1600];
    tj_uuid id = uuid(r.commits % NUMBERS);
    snprintf(payload, sizeof payload, "{\"n\":%u,\"pad\":\"%01500u\"}", r.commits, 7u);
    tj_algo_state state = {TJ_STR("twap"), tj_str_of(payload)};
    tj_status status = tj_algo_save(tj_store_algo_repository(r.store, NULL), &id, &state, &err);
    r.commits += status == TJ_OK;
    return status;
}

static tj_store_info look(void)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    assert_ok(tj_store_info_get(r.store, &info, &err));
    return info;
}

static bool is_low(void)
{
    return look().lmdb.space_low;
}

static bool has_bases(void)
{
    return count_files("history", ".algos") > 0;
}

static bool is_not_low(void)
{
    return !is_low();
}

static bool has_no_bases(void)
{
    return !has_bases();
}

/* Beside a commit now and then: who writes nothing needs no space. False: it did not come to be. */
static bool await(bool (*condition)(void))
{
    for (int i = 0; i < WAIT_MS / 10; i++) {
        if (condition()) {
            return true;
        }
        if (i % 10 == 0) {
            assert_ok(commit_one());
        }
        usleep(10000);
    }
    return false;
}

static void fill_log(void)
{
    while (count_files("log", ".log") < LOG_SEGMENTS) {
        assert_ok(commit_one());
    }
    assert_true(await(has_bases));
}

static void check_and_close(void)
{
    tj_algo_list *algos = NULL;
    assert_ok(tj_algo_load_all(tj_store_algo_repository(r.store, NULL), &algos, &err));
    assert_int_equal(algos->count, NUMBERS);
    tj_algo_list_free(algos);
    assert_ok(tj_store_close(r.store, &err));
    assert_journal_sound(r.journal);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void what_can_be_built_again_goes_first(void **state)
{
    (void)state;
    begin((uint64_t)16 << 30);
    fill_log();
    unsigned segments = count_files("log", ".log");
    leave_free(LEFT_FREE);
    assert_true(await(has_no_bases));
    assert_true(count_files("log", ".log") >= segments);
    unlink(r.filler);
    while (has_no_bases()) { /* it is built again when a segment was sealed */
        assert_ok(commit_one());
        usleep(1000);
    }
    check_and_close();
}

/* It was asked to be kept: then commits are refused, as ever. */
static void what_is_to_be_kept_stays(void **state)
{
    (void)state;
    begin((uint64_t)16 << 30);
    fill_log();
    unsigned segments = count_files("log", ".log");
    leave_free(LEFT_FREE);
    tj_status status = TJ_OK;
    while (status == TJ_OK) {
        status = commit_one();
        usleep(1000);
    }
    assert_int_equal(status, TJ_FULL);
    assert_true(count_files("log", ".log") >= segments);
    assert_int_equal(look().lmdb.oldest_sequence, 0);
    unlink(r.filler);
    check_and_close();
}

static void then_old_segments_go_before_commits_are_refused(void **state)
{
    (void)state;
    begin(0);
    fill_log();
    for (int round = 0; round < 6; round++) {
        leave_free(LEFT_FREE);
        assert_true(is_low());
        for (int i = 0; i < 20; i++) {
            assert_ok(commit_one());
        }
        assert_true(await(is_not_low));
    }
    tj_store_info info = look();
    assert_true(info.lmdb.oldest_sequence > 0);
    tj_algo_list *then = NULL;
    tj_moment oldest = {.sequence = info.lmdb.oldest_sequence};
    assert_ok(tj_algo_load_all_at(tj_store_algo_repository(r.store, NULL), oldest, &then, &err));
    assert_int_equal(then->count, NUMBERS);
    tj_algo_list_free(then);
    check_and_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_built_again_goes_first),
        cmocka_unit_test(what_is_to_be_kept_stays),
        cmocka_unit_test(then_old_segments_go_before_commits_are_refused),
    };
    directory_in_memory();
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        printf("SKIP: no file system can be mounted here: %s\n", strerror(errno));
        return 77;
    }
    directory_make(r.mount, "tj-low");
    snprintf(r.journal, sizeof r.journal, "%s/journal", r.mount);
    snprintf(r.filler, sizeof r.filler, "%s/filler", r.mount);
    if (mount("tmpfs", r.mount, "tmpfs", 0, DISK_OPTIONS) != 0) {
        printf("SKIP: tmpfs cannot be mounted here: %s\n", strerror(errno));
        rmdir(r.mount);
        return 77;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    umount2(r.mount, MNT_DETACH);
    rmdir(r.mount);
    return failed;
}
