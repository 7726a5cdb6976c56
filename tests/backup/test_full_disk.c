/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A disk that becomes full at any write of a backup or a restore: a sentence, and nothing lost. */
#include "backup/fixture.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>

/* Writes that succeed before the disk is full; below 0: it never is. */
static _Atomic long writes_left = -1;

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    long left = atomic_load(&writes_left);
    if (left == 0) {
        errno = ENOSPC;
        return -1;
    }
    if (left > 0) {
        atomic_store(&writes_left, left - 1);
    }
    return syscall(SYS_pwrite64, fd, data, size, offset);
}

static void a_backup_goes_on_when_there_is_space(void **state)
{
    fixture *f = *state;
    small_segments_open(f);
    save_numbers(f->store, 1, 1000);
    back_up(f->store);
    save_numbers(f->store, 1001, 2500);
    fixture_close(f);
    f->config.read_only = true;
    fixture_open(f);
    unsigned failed = 0;
    for (long left = 0;; left++) {
        tj_backup_list *list = NULL;
        err = (tj_error)TJ_ERROR_INIT;
        atomic_store(&writes_left, left);
        tj_status status = tj_backup(f->store, backup_path, NULL, NULL, &err);
        atomic_store(&writes_left, -1);
        assert_ok(tj_backup_list_read(backup_path, &list, &err));
        assert_int_equal(list->count, status == TJ_OK ? 2 : 1);
        tj_backup_list_free(list);
        if (status == TJ_OK) {
            break;
        }
        failed++;
        assert_int_equal(status, TJ_FULL);
    }
    assert_true(failed >= 2);
    assert_int_equal(back_up(f->store).sequence, 2500);
    assert_same_log(f);
    assert_ok(tj_backup_verify(backup_path, NULL, NULL, &err));
    fixture_close(f);
}

static void a_restore_leaves_nothing(void **state)
{
    fixture *f = *state;
    char into[PATH_MAX];
    small_segments_open(f);
    save_numbers(f->store, 1, 1500);
    back_up(f->store);
    fixture_close(f);
    file_in(into, f->directory, "restored");
    char *before = digest(f->directory);
    unsigned failed = 0;
    for (long left = 0;; left += 1 + left / 8) {
        err = (tj_error)TJ_ERROR_INIT;
        atomic_store(&writes_left, left);
        tj_status status = tj_restore(backup_path, into, NULL, NULL, &err);
        atomic_store(&writes_left, -1);
        if (status == TJ_OK) {
            break;
        }
        failed++;
        note_refusal(f);
        if (status != TJ_FULL) {
            fail_msg("%s: %s", tj_status_name(status), err.message);
        }
        char *after = digest(f->directory);
        assert_string_equal(after, before);
        free(after);
    }
    assert_true(failed > 5);
    assert_int_equal(access(into, F_OK), 0);
    free(before);
}

int main(void)
{
    directory_in_memory();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_backup_goes_on_when_there_is_space),
        JOURNAL_TEST(a_restore_leaves_nothing),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    print_sentences();
    return failed;
}
