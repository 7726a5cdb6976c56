/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* P16: a proof finds every byte that is not as it was backed up, and leaves nothing behind. */
#include <sys/syscall.h>

#include "backup/fixture.h"
#include "log/segment.h"
#include "support/stand_in.h"

static char trial[PATH_TEXT_SIZE + 16];

static void make_backup(fixture *f)
{
    open_backed_up(f, 1000);
    save_numbers(f->store, 1001, 1200);
    back_up(f->store);
    fixture_close(f);
    snprintf(trial, sizeof trial, "%s/trial", f->directory);
    assert_int_equal(mkdir(trial, 0700), 0);
}

static tj_status verify(uint64_t sequence, tj_backup_report **report)
{
    tj_backup_verify_options options = TJ_BACKUP_VERIFY_OPTIONS_INIT;
    options.sequence = sequence;
    options.trial_directory = trial;
    tj_status status = tj_backup_verify(backup_path, &options, report, &err);
    assert_int_equal(rmdir(trial), 0);
    assert_int_equal(mkdir(trial, 0700), 0);
    return status;
}

static void each_point_is_proven(void **state)
{
    fixture *f = *state;
    tj_backup_list *list = NULL;
    make_backup(f);
    tj_time before = tj_time_now();
    for (uint64_t sequence = 1200; sequence > 0; sequence = sequence == 1200 ? 1000 : 0) {
        tj_backup_report *report = NULL;
        assert_ok(verify(sequence, &report));
        assert_int_equal(report->point.sequence, sequence);
        assert_true(report->point.verified_at >= before);
        tj_backup_report_free(report);
    }
    assert_ok(tj_backup_list_read(backup_path, &list, &err));
    assert_true(list->points[0].verified_at >= before && list->points[1].verified_at >= before);
    tj_backup_list_free(list);
    assert_int_equal(verify(1100, NULL), TJ_NOT_FOUND);
}

/* Any byte of a segment, whatever it is for. */
static void every_changed_byte_is_found(void **state)
{
    fixture *f = *state;
    unsigned rounds = getenv("TJ_LONG") ? 2000 : 60;
    random_start();
    make_backup(f);
    for (unsigned i = 0; i < rounds; i++) {
        char path[PATH_MAX];
        struct stat found;
        snprintf(path, sizeof path, "%s/log/000000000%u.log", backup_path, 1 + random_below(2));
        assert_int_equal(stat(path, &found), 0);
        size_t at = random_below((uint32_t)found.st_size);
        flip_byte(path, at);
        if (verify(0, NULL) != TJ_CORRUPT) {
            fail_msg("byte %zu of %s is changed: %s", at, path, err.message);
        }
        note_refusal(f);
        flip_byte(path, at);
    }
    assert_ok(verify(0, NULL));
}

/* What a disk does between a write and a flush. */
static long changed_at = -1; /* in the next file of the backup's log that is flushed */

STAND_IN int fsync(int fd)
{
    char link[64];
    char path[PATH_MAX] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (changed_at >= 0 && readlink(link, path, sizeof path - 1) > 0 && strstr(path, ".part")) {
        flip_byte(path, (size_t)changed_at);
        changed_at = -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

/* The point has the hash of what was written, and not of what is read back. */
static void a_byte_that_changes_before_the_point_is_found(void **state)
{
    static const long places[] = {TJ__SEGMENT_HEADER_SIZE - 1, 9000};
    fixture *f = *state;
    snprintf(trial, sizeof trial, "%s/trial", f->directory);
    assert_int_equal(mkdir(trial, 0700), 0);
    small_segments_open(f);
    save_numbers(f->store, 1, 1000);
    for (size_t i = 0; i < 2 * sizeof places / sizeof *places; i++) {
        changed_at = places[i / 2];
        backup_compression = i % 2;
        back_up(f->store);
        assert_int_equal(changed_at, -1);
        assert_refused(verify(0, NULL), TJ_CORRUPT, "are not those that were backed up");
        shell("rm -r %s", backup_path);
    }
    backup_compression = 0;
    fixture_close(f);
}

static void a_file_that_is_gone_or_cut_is_found(void **state)
{
    fixture *f = *state;
    char path[PATH_MAX];
    make_backup(f);
    file_in(path, backup_path, "log/0000000001.log");
    assert_int_equal(truncate(path, 60000), 0);
    assert_int_equal(verify(0, NULL), TJ_CORRUPT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(verify(0, NULL), TJ_NOT_FOUND);
}

int main(void)
{
    directory_in_memory();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(each_point_is_proven),
        JOURNAL_TEST(every_changed_byte_is_found),
        JOURNAL_TEST(a_byte_that_changes_before_the_point_is_found),
        JOURNAL_TEST(a_file_that_is_gone_or_cut_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
