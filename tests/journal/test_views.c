/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Looking on from other processes (P4): never older than what was acknowledged before, never what
 * was not acknowledged, also beside writers that are killed; and acknowledged saves outlive their
 * process (P1).
 */
#include "journal_fixture.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

#include "base/buffer.h"
#include "child.h"
#include "journal/lock.h"

#define ONLOOKER_COUNT 4
#define ACKNOWLEDGED_AT 576 /* in writer.lock, journal/lock.h */

/* What writer and onlookers know of each other, in a file beside the journal. */
typedef struct progress {
    _Atomic uint64_t attempted;
    _Atomic uint64_t acknowledged;
    _Atomic bool stop;
} progress;

static progress *progress_map(const char *path)
{
    char name[PATH_TEXT_SIZE + 16];
    snprintf(name, sizeof name, "%s.progress", path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(progress)) != 0) {
        return NULL;
    }
    progress *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return shared == MAP_FAILED ? NULL : shared;
}

/* ---- the commands of the other processes --------------------------------------------------- */

/* Saves without end, with many segments and LMDB close behind. */
static int child_write(const char *path, const char *durability)
{
    progress *shared = progress_map(path);
    tj_store *store = NULL;
    uint64_t number = 0;
    tj_config config = TJ_CONFIG_INIT;
    config.path = path;
    config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    config.lmdb.lag_ms = 3;
    config.durability = strcmp(durability, "os") == 0 ? TJ_DURABILITY_OS : TJ_DURABILITY_SYNC;
    child_must(tj_store_open(&config, &store, &err), &err);
    child_must(load_number(store, &number, &err), &err);
    say("ready");
    while (!atomic_load(&shared->stop)) {
        number++;
        atomic_store(&shared->attempted, number);
        child_must(save_number(store, number, &err), &err);
        atomic_store(&shared->acknowledged, number);
    }
    child_must(tj_store_close(store, &err), &err);
    return 0;
}

static uint64_t mark_in(int lock)
{
    uint8_t bytes[8] = {0};
    return pread(lock, bytes, sizeof bytes, ACKNOWLEDGED_AT) == sizeof bytes ? tj__load_u64(bytes)
                                                                             : 0;
}

/* One load, between what was acknowledged before and what was acknowledged or begun after. */
static bool look_once(tj_store *store, progress *shared, int lock, uint64_t *newest)
{
    uint64_t number = 0;
    uint64_t before = atomic_load(&shared->acknowledged);
    tj_status status = load_number(store, &number, &err);
    uint64_t mark = mark_in(lock);
    uint64_t attempted = atomic_load(&shared->attempted);
    if (status == TJ_OK && number >= before && number >= *newest && number <= mark &&
        number <= attempted) {
        *newest = number;
        return true;
    }
    say("%s: loaded %" PRIu64 ", acknowledged before %" PRIu64 ", seen before %" PRIu64
        ", marked %" PRIu64 ", attempted %" PRIu64 ": %s",
        tj_status_name(status), number, before, *newest, mark, attempted, err.message);
    return false;
}

static int child_look(const char *path)
{
    progress *shared = progress_map(path);
    char lock_path[PATH_TEXT_SIZE + 16];
    uint64_t newest = 0;
    uint64_t loads = 0;
    tj_config config = TJ_CONFIG_INIT;
    config.path = path;
    config.read_only = true;
    snprintf(lock_path, sizeof lock_path, "%s/" TJ__WRITER_LOCK_NAME, path);
    int lock = open(lock_path, O_RDONLY | O_CLOEXEC);
    bool fine = true;
    while (fine && !atomic_load(&shared->stop)) {
        tj_store *store = NULL;
        child_must(tj_store_open(&config, &store, &err), &err);
        for (int i = 0; i < 100 && fine && !atomic_load(&shared->stop); i++, loads++) {
            fine = look_once(store, shared, lock, &newest);
        }
        child_must(tj_store_close(store, &err), &err);
    }
    close(lock);
    if (fine) {
        say("fine after %" PRIu64 " loads", loads);
    }
    return fine ? 0 : 1;
}

/* ---- beside a running writer --------------------------------------------------------------- */

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* The writer is killed again and again, the onlookers stay. */
static void look_on_beside_a_writer(fixture *f, const char *durability)
{
    child onlookers[ONLOOKER_COUNT];
    uint64_t loads = 0;
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    fixture_open(f);
    fixture_close(f);
    progress *shared = progress_map(f->path);
    assert_non_null(shared);
    for (int round = 0; round < 5; round++) {
        child writer = child_start("write", f->path, durability);
        child_expect(&writer, "ready");
        for (int i = 0; round == 0 && i < ONLOOKER_COUNT; i++) {
            onlookers[i] = child_start("look", f->path, "");
        }
        sleep_ms(700);
        if (round < 4) {
            child_kill(&writer);
            continue;
        }
        atomic_store(&shared->stop, true);
        child_finish(&writer);
    }
    for (int i = 0; i < ONLOOKER_COUNT; i++) {
        char line[2 * TJ_ERROR_MESSAGE_SIZE];
        uint64_t count = 0;
        child_line(&onlookers[i], line, sizeof line);
        if (sscanf(line, "fine after %" SCNu64 " loads", &count) != 1) {
            fail_msg("%s", line);
        }
        child_finish(&onlookers[i]);
        loads += count;
    }
    uint64_t last = atomic_load(&shared->acknowledged);
    printf("%" PRIu64 " loads beside %" PRIu64 " commits\n", loads, last);
    assert_true(loads > 100 && last > 100);
    munmap(shared, sizeof *shared);
    assert_opens_at(f, last);
}

static void test_views_beside_a_writer(void **state)
{
    look_on_beside_a_writer(*state, "sync");
}

static void test_views_beside_a_writer_in_os_mode(void **state)
{
    look_on_beside_a_writer(*state, "os");
}

/* A view is made anew by every load, so that one who opened early sees what comes later. */
static void test_an_onlooker_outlives_writers(void **state)
{
    fixture *f = *state;
    open_and_save(f, 1, 2);
    tj_store *onlooker = NULL;
    f->config.read_only = true;
    assert_ok(tj_store_open(&f->config, &onlooker, &err));
    assert_number(onlooker, 2);
    f->config.read_only = false;
    save_and_be_killed(f, "save", "5");
    assert_number(onlooker, 7);
    save_and_be_killed(f, "save", "30");
    assert_number(onlooker, 37);
    assert_ok(tj_store_close(onlooker, &err));
    assert_opens_at(f, 37);
}

/* ---- after a kill -------------------------------------------------------------------------- */

static void assert_looked_at(fixture *f, uint64_t expected)
{
    char *before = digest(f->directory);
    tj_store_info info = TJ_STORE_INFO_INIT;
    f->config.read_only = true;
    fixture_open(f);
    assert_number(f->store, expected);
    assert_ok(tj_store_info_get(f->store, &info, &err));
    assert_int_equal(info.sequence, expected);
    assert_false(info.writer_alive);
    assert_true(info.lmdb.applied_sequence <= expected);
    fixture_close(f);
    f->config.read_only = false;
    char *after = digest(f->directory);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

static void test_looking_on_recovers_nothing(void **state)
{
    fixture *f = *state;
    save_and_be_killed(f, "save", "25");
    assert_looked_at(f, 25);
    assert_looked_at(f, 25);
    assert_opens_at(f, 25);
}

static void test_saves_in_os_mode_outlive_a_kill(void **state)
{
    fixture *f = *state;
    for (uint64_t round = 1; round <= 5; round++) {
        save_and_be_killed(f, "save-os", "40");
        assert_looked_at(f, 40 * round);
    }
    assert_opens_at(f, 200);
}

/* ---- copies -------------------------------------------------------------------------------- */

static void look_at_a_copy(fixture *f, uint64_t expected)
{
    shell("cp -r %s %s/copy", f->path, f->directory);
    snprintf(f->path, sizeof f->path, "%s/copy", f->directory);
    assert_looked_at(f, expected);
    shell("rm %s/writer.lock %s/lock.mdb", f->path, f->path); /* not everybody copies them */
    assert_opens_at(f, expected);
}

static void test_a_copy_of_a_closed_journal(void **state)
{
    fixture *f = *state;
    open_and_save(f, 1, 12);
    look_at_a_copy(f, 12);
}

static void test_a_copy_of_a_crashed_journal(void **state)
{
    fixture *f = *state;
    open_and_save(f, 1, 5);
    save_and_be_killed(f, "save", "20");
    look_at_a_copy(f, 25);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "child") == 0) {
        if (strcmp(argv[2], "write") == 0) {
            return child_write(argv[3], argv[4]);
        }
        if (strcmp(argv[2], "look") == 0) {
            return child_look(argv[3]);
        }
        return child_save(argv[3], argv[4],
                          strcmp(argv[2], "save-os") == 0 ? TJ_DURABILITY_OS : TJ_DURABILITY_SYNC);
    }
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_views_beside_a_writer),
        JOURNAL_TEST(test_views_beside_a_writer_in_os_mode),
        JOURNAL_TEST(test_an_onlooker_outlives_writers),
        JOURNAL_TEST(test_looking_on_recovers_nothing),
        JOURNAL_TEST(test_saves_in_os_mode_outlive_a_kill),
        JOURNAL_TEST(test_a_copy_of_a_closed_journal),
        JOURNAL_TEST(test_a_copy_of_a_crashed_journal),
    };
    return cmocka_run_group_tests_name("views", tests, NULL, NULL);
}
