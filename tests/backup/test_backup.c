/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Backups: of what, how much is copied, and what is refused. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "backup/fixture.h"
#include "backup/saver.h"
#include "support/orphan.h"

static void the_first_copies_all_a_later_one_what_came_since(void **state)
{
    fixture *f = *state;
    small_segments_open(f);
    tj_backup_point point = back_up(f->store);
    assert_int_equal(point.sequence, 0);
    assert_int_equal(point.segment_count, 0);
    save_numbers(f->store, 1, 1500);
    point = back_up(f->store);
    assert_int_equal(point.sequence, 1500);
    assert_true(point.segment_count > 3);
    assert_int_equal(assert_same_log(f), point.segment_count);

    tj_backup_report *report = NULL;
    save_numbers(f->store, 1501, 1515);
    assert_ok(tj_backup(f->store, backup_path, NULL, &report, &err));
    assert_int_equal(report->point.sequence, 1515);
    assert_true(report->copied_bytes > 0);
    assert_true(report->copied_bytes < report->point.bytes / 50);
    tj_backup_report_free(report);
    assert_ok(tj_backup(f->store, backup_path, NULL, &report, &err));
    assert_int_equal(report->copied_bytes, 0);
    assert_string_equal(report->directory.data, backup_path);
    tj_backup_report_free(report);
    assert_int_equal(assert_same_log(f), point.segment_count);
    fixture_close(f);

    tj_backup_list *list = NULL;
    assert_ok(tj_backup_list_read(backup_path, &list, &err));
    assert_int_equal(list->count, 3);
    assert_int_equal(list->points[0].sequence, 0);
    assert_int_equal(list->points[1].sequence, 1500);
    assert_int_equal(list->points[1].digest, point.digest);
    assert_int_equal(list->points[2].sequence, 1515);
    assert_true(list->points[2].digest != point.digest);
    tj_backup_list_free(list);
}

/* Backups every second would leave a point for each. */
static void points_are_thinned(void **state)
{
    fixture *f = *state;
    tj_backup_options options = TJ_BACKUP_OPTIONS_INIT;
    options.thin = true;
    small_segments_open(f);
    for (uint64_t n = 1; n <= 20; n++) {
        tj_backup_list *list = NULL;
        save_numbers(f->store, n, n);
        assert_ok(tj_backup(f->store, backup_path, &options, NULL, &err));
        if (n == 10) {
            assert_ok(tj_backup_verify(backup_path, NULL, NULL, &err));
        }
        assert_ok(tj_backup_list_read(backup_path, &list, &err));
        assert_int_equal(list->count, (n > 1) + (n > 10) + 1);
        assert_int_equal(list->points[0].sequence, 1);
        assert_int_equal(list->points[list->count - 1].sequence, n);
        assert_true(n <= 10 || list->points[1].sequence == 10);
        tj_backup_list_free(list);
    }
    assert_same_log(f);
    fixture_close(f);
}

/* Read-only, and without a writer, the same comes out. */
static void who_looks_on_can_back_up(void **state)
{
    fixture *f = *state;
    small_segments_open(f);
    save_numbers(f->store, 1, 900);
    tj_backup_point beside = back_up(f->store);
    fixture_close(f);
    f->config.read_only = true;
    fixture_open(f);
    tj_backup_point alone = back_up(f->store);
    assert_int_equal(alone.sequence, 900);
    assert_int_equal(alone.digest, beside.digest);
    assert_same_log(f);
    fixture_close(f);
}

static void beside_a_writer_at_full_speed(void **state)
{
    fixture *f = *state;
    saver s = {0};
    uint64_t newest = 0;
    saver_start(&s, f);
    for (unsigned i = 0; i < 30; i++) {
        uint64_t before = atomic_load(&s.saved);
        tj_backup_point point = back_up(f->store);
        assert_true(point.sequence >= before);
        assert_true(point.sequence >= newest);
        newest = point.sequence;
        assert_same_log(f);
        usleep(5000);
    }
    saver_stop(&s);
    printf("%" PRIu64 " commits beside 30 backups\n", atomic_load(&s.saved));
    fixture_close(f);
}

/* ---- killed -------------------------------------------------------------------------------- */

static void back_up_in_a_child(fixture *f, unsigned after_us)
{
    pid_t child = fork_dependent();
    assert_true(child >= 0);
    if (child == 0) {
        tj_backup_options slowly = TJ_BACKUP_OPTIONS_INIT;
        tj_store *store = NULL;
        tj_error error = TJ_ERROR_INIT;
        slowly.bytes_per_s = (uint64_t)4 << 20;
        slowly.compression = backup_compression;
        f->config.read_only = true;
        if (tj_store_open(&f->config, &store, &error) != TJ_OK ||
            tj_backup(store, backup_path, &slowly, NULL, &error) != TJ_OK) {
            fprintf(stderr, "%s\n", error.message);
            _exit(1);
        }
        _exit(0);
    }
    usleep(after_us);
    int status = 0;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

static void one_that_was_killed_is_gone_on_with(void **state)
{
    fixture *f = *state;
    unsigned rounds = getenv("TJ_LONG") != NULL ? 500 : 25;
    uint64_t last = 0;
    random_start();
    f->config.durability = TJ_DURABILITY_OS;
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t more = 1 + random_below(1500);
        small_segments_open(f);
        save_numbers(f->store, last + 1, last + more);
        last += more;
        fixture_close(f);
        backup_compression = random_below(2);
        back_up_in_a_child(f, random_below(60000));
        if (random_below(3) == 0) {
            f->config.read_only = true;
            fixture_open(f);
            tj_backup_point point = back_up(f->store);
            fixture_close(f);
            f->config.read_only = false;
            assert_ok(tj_backup_verify(backup_path, NULL, NULL, &err));
            assert_int_equal(point.sequence, last);
            assert_int_equal(assert_same_log(f), point.segment_count);
        }
    }
    backup_compression = 0;
    printf("%u backups killed\n", rounds);
}

/* ---- refused ------------------------------------------------------------------------------- */

/* Nothing in the backup changes. */
static void refuse(fixture *f, tj_status status, const char *text)
{
    tj_backup_report *report = (tj_backup_report *)f;
    char *before = digest(backup_path);
    assert_refused(tj_backup(f->store, backup_path, NULL, &report, &err), status, text);
    assert_null(report);
    note_refusal(f);
    char *after = digest(backup_path);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

static void another_journal_is_refused(void **state)
{
    fixture *f = *state;
    open_backed_up(f, 10);
    fixture_close(f);
    snprintf(f->path, sizeof f->path, "%s/another", f->directory);
    fixture_open(f);
    save_numbers(f->store, 1, 20);
    refuse(f, TJ_CONFLICT, "is a backup of the journal with id");
    fixture_close(f);
}

static void copy_journal(const fixture *f, const char *to)
{
    char command[PATH_TEXT_SIZE * 3];
    snprintf(command, sizeof command, "cp -r %s %s/%s", f->path, f->directory, to);
    assert_int_equal(system(command), 0);
}

/* Two copies of a journal that went on by themselves have one id and two histories. */
static void a_journal_put_back_from_a_copy_is_refused(void **state)
{
    fixture *f = *state;
    for (unsigned commits = 100; commits <= 2000; commits += 1900) {
        char name[32];
        char copy[32];
        snprintf(name, sizeof name, "journal-%u", commits);
        snprintf(copy, sizeof copy, "copy-%u", commits);
        snprintf(f->path, sizeof f->path, "%s/%s", f->directory, name);
        small_segments_open(f);
        snprintf(backup_path, sizeof backup_path, "%s/backup-%u", f->directory, commits);
        save_numbers(f->store, 1, 50);
        fixture_close(f);
        copy_journal(f, copy);
        fixture_open(f);
        save_numbers(f->store, 51, commits);
        back_up(f->store);
        fixture_close(f);
        snprintf(f->path, sizeof f->path, "%s/%s", f->directory, copy);
        fixture_open(f);
        save_numbers(f->store, 51, 60);
        refuse(f, TJ_CONFLICT, "is not the one that was backed up");
        save_numbers(f->store, 61, commits);
        refuse(f, TJ_CONFLICT, "is not the one that was backed up");
        save_numbers(f->store, commits + 1, commits + 10);
        refuse(f, TJ_CONFLICT, "is not the one that was backed up");
        fixture_close(f);
    }
}

static void what_the_backup_lacks_is_told(void **state)
{
    fixture *f = *state;
    char path[PATH_MAX];
    char aside[PATH_MAX];
    open_backed_up(f, 1500);
    save_numbers(f->store, 1501, 1502);

    file_in(path, backup_path, "log/0000000002.log");
    file_in(aside, f->directory, "aside");
    assert_int_equal(rename(path, aside), 0);
    refuse(f, TJ_NOT_FOUND, "segment 2 is missing in the backup");
    assert_int_equal(rename(aside, path), 0);
    assert_int_equal(truncate(path, 5000), 0);
    refuse(f, TJ_CORRUPT, "put it back");

    file_in(path, backup_path, "points/00000000000000001500.point");
    assert_int_equal(truncate(path, 100), 0);
    refuse(f, TJ_CORRUPT, "is damaged");
    fixture_close(f);
}

/* A backup that has what the journal does not keep any more goes on; another one cannot begin. */
static void a_missing_segment_is_told(void **state)
{
    fixture *f = *state;
    char path[PATH_MAX];
    open_backed_up(f, 1500);
    save_numbers(f->store, 1501, 2000);
    fixture_close(f);
    file_in(path, f->path, "log/0000000001.log");
    assert_int_equal(unlink(path), 0);
    fixture_open(f);
    assert_int_equal(back_up(f->store).sequence, 2000);
    assert_ok(tj_backup_verify(backup_path, NULL, NULL, &err));
    snprintf(backup_path, sizeof backup_path, "%s/another", f->directory);
    assert_refused(tj_backup(f->store, backup_path, NULL, NULL, &err), TJ_NOT_FOUND,
                   "history/0000000001.state, which holds what was before it, is missing");
    fixture_close(f);
    f->damaged = true;
}

/* Header and seal stand for a segment. */
static void a_changed_segment_is_refused(void **state)
{
    fixture *f = *state;
    char path[PATH_MAX];
    struct stat found;
    open_backed_up(f, 1500);
    file_in(path, backup_path, "log/0000000002.log");
    assert_int_equal(stat(path, &found), 0);
    flip_byte(path, 60);
    refuse(f, TJ_CONFLICT, "segment 2 differs");
    flip_byte(path, 60);
    flip_byte(path, (size_t)found.st_size - 90);
    refuse(f, TJ_CORRUPT, "does not end with the seal");
    flip_byte(path, (size_t)found.st_size - 90);
    back_up(f->store);
    fixture_close(f);
}

static void a_place_that_is_none_is_refused(void **state)
{
    fixture *f = *state;
    char path[PATH_MAX];
    small_segments_open(f);
    assert_int_equal(mkdir(backup_path, 0700), 0);
    file_in(path, backup_path, "photo.jpg");
    close(creat(path, 0600));
    refuse(f, TJ_EXISTS, "\"photo.jpg\", which is no part of a backup");
    assert_int_equal(unlink(path), 0);
    int fd = open(backup_path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    refuse(f, TJ_BUSY, "another process writes to the backup");
    close(fd);
    snprintf(backup_path, sizeof backup_path, "%s/log", f->path);
    refuse(f, TJ_INVALID, "is inside the journal");
    fixture_close(f);

    tj_backup_list *list = NULL;
    assert_refused(tj_backup_list_read(f->path, &list, &err), TJ_INVALID, "is no backup");
    file_in(path, f->directory, "nothing");
    assert_refused(tj_backup_list_read(path, &list, &err), TJ_NOT_FOUND, "no such directory");
    assert_refused(tj_backup_list_read("", &list, &err), TJ_INVALID, "the path is empty");
    assert_refused(tj_restore("", path, NULL, NULL, &err), TJ_INVALID, "the path is empty");
}

static void a_store_in_memory_is_refused(void **state)
{
    fixture *f = *state;
    tj_config config = TJ_CONFIG_INIT;
    config.type = TJ_ENGINE_MEMORY;
    assert_ok(tj_store_open(&config, &f->store, &err));
    assert_refused(tj_backup(f->store, f->path, NULL, NULL, &err), TJ_UNSUPPORTED, "in memory");
    assert_int_equal(access(f->path, F_OK), -1);
    fixture_close(f);
}

int main(void)
{
    directory_in_memory();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(the_first_copies_all_a_later_one_what_came_since),
        JOURNAL_TEST(points_are_thinned),
        JOURNAL_TEST(who_looks_on_can_back_up),
        JOURNAL_TEST(beside_a_writer_at_full_speed),
        JOURNAL_TEST(one_that_was_killed_is_gone_on_with),
        JOURNAL_TEST(another_journal_is_refused),
        JOURNAL_TEST(a_journal_put_back_from_a_copy_is_refused),
        JOURNAL_TEST(what_the_backup_lacks_is_told),
        JOURNAL_TEST(a_missing_segment_is_told),
        JOURNAL_TEST(a_changed_segment_is_refused),
        JOURNAL_TEST(a_place_that_is_none_is_refused),
        JOURNAL_TEST(a_store_in_memory_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    print_sentences();
    return failed;
}
