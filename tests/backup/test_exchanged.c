/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A backup whose directory becomes another one while it is made, at each of its flushes: where a
 * disk is unmounted, what lies beneath shows, nothing or a backup of long ago. What shows then
 * stays as it was, and so does what was backed up (P16).
 */
#include <sys/syscall.h>

#include "backup/fixture.h"
#include "support/stand_in.h"

#define ROUNDS_MAX 100

static char away[sizeof backup_path + 8];
static char beneath[sizeof backup_path + 8];
static unsigned flushes_left; /* 0: none counts */

/* The flush itself is of what was opened before. */
STAND_IN int fsync(int fd)
{
    char link[64];
    char path[PATH_MAX] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    bool counts = flushes_left > 0 && readlink(link, path, sizeof path - 1) > 0 &&
                  strncmp(path, backup_path, strlen(backup_path)) == 0;
    if (counts && --flushes_left == 0) {
        assert_int_equal(rename(backup_path, away), 0);
        assert_int_equal(rename(beneath, backup_path), 0);
    }
    return (int)syscall(SYS_fsync, fd);
}

static void set_up(fixture *f)
{
    open_backed_up(f, 1500);
    snprintf(away, sizeof away, "%s-away", backup_path);
    snprintf(beneath, sizeof beneath, "%s-beneath", backup_path);
    shell("cp -a %s %s-kept", backup_path, backup_path);
    save_numbers(f->store, 1501, 3400);
}

/* The first backup, which takes bases. */
static void set_up_first(fixture *f)
{
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    options.history_size_bytes = 3 * SMALL_SEGMENT;
    small_segments_open(f);
    snprintf(away, sizeof away, "%s-away", backup_path);
    snprintf(beneath, sizeof beneath, "%s-beneath", backup_path);
    save_numbers(f->store, 1, 3400);
    fixture_reopen(f);
    assert_ok(tj_prune(f->store, &options, &report, &err));
    assert_true(report.first_segment > 1);
    shell("mkdir %s-kept", backup_path);
}

static void again(bool bare)
{
    shell("rm -rf %s %s %s && cp -a %s-kept %s", backup_path, away, beneath, backup_path,
          backup_path);
    shell(bare ? "mkdir %s" : "cp -a %s-kept %s", bare ? beneath : backup_path, beneath);
}

/* False: it was done before so many flushes. */
static bool exchange_at(fixture *f, unsigned flush, bool bare, uint64_t compression)
{
    tj_backup_options options = TJ_BACKUP_OPTIONS_INIT;
    options.bytes_per_s = TJ_BACKUP_RATE_UNBOUNDED;
    options.compression = compression;
    options.thin = true;
    again(bare);
    char *before = digest(beneath);
    flushes_left = flush;
    err = (tj_error)TJ_ERROR_INIT;
    tj_status status = tj_backup(f->store, backup_path, &options, NULL, &err);
    bool exchanged = flushes_left == 0;
    flushes_left = 0;
    if (exchanged) {
        if (status != TJ_IO || !strstr(err.message, "is not the directory any more in which")) {
            fail_msg("at flush %u: %s: %s", flush, tj_status_name(status), err.message);
        }
        char *after = digest(backup_path);
        assert_string_equal(after, before);
        free(after);
        shell("mv %s %s && mv %s %s", backup_path, beneath, away, backup_path);
    }
    free(before);
    assert_int_equal(back_up(f->store).sequence, 3400);
    return exchanged;
}

static void exchange_at_each(fixture *f, unsigned step)
{
    unsigned exchanged = 0;
    for (unsigned i = 0; i < 4; i += step) {
        unsigned flush = 1;
        while (exchange_at(f, flush, i % 2 == 0, i / 2) && flush < ROUNDS_MAX) {
            flush++;
        }
        assert_ok(tj_backup_verify(backup_path, NULL, NULL, &err));
        exchanged += flush - 1;
    }
    printf("%u directories exchanged\n", exchanged);
    assert_true(exchanged > 20);
    fixture_close(f);
}

static void beneath_a_backup_nothing_is_written(void **state)
{
    set_up(*state);
    exchange_at_each(*state, 1);
}

static void beneath_the_first_one_nothing_is_written(void **state)
{
    set_up_first(*state);
    exchange_at_each(*state, 2); /* there is no backup of before */
}

int main(void)
{
    directory_in_memory();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(beneath_a_backup_nothing_is_written),
        JOURNAL_TEST(beneath_the_first_one_nothing_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
