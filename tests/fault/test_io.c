/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every system call that writes, flushes, extends or renames fails once, in turn, over a workload
 * that creates a journal, commits, changes segments, brings LMDB up to date, closes and opens
 * again; and over the recovery of a journal whose writer was killed. Whatever fails: the call says
 * so with the cause, nothing acknowledged is lost, a commit that was not applied stays so, and the
 * journal opens afterwards and is sound. test_calls.c has the other calls, and more causes.
 * The same while a new journal is made out of a backup, or out of a damaged one.
 */
#include "fault/care.h"
#include "fault/workload.h"

/* What is made, done under a call that fails, and checked when none fails any more. */
typedef struct trial {
    void (*make)(workload *w);
    void (*act)(workload *w);
    void (*check)(workload *w);
    unsigned kinds; /* bits */
    int codes[2];
} trial;

/* The number of calls that it did. */
static long run(const trial *t, long fail_at, int code)
{
    workload w;
    workload_make(&w);
    t->make(&w);
    calls_watch(w.f.directory, t->kinds, fail_at, code);
    t->act(&w);
    long calls = io.calls;
    calls_ignore();
    t->check(&w);
    fixture_remove(&w.f);
    return calls;
}

static void every_call_fails(const trial *t, long least, long most)
{
    for (size_t i = 0; i < 2 && t->codes[i] != 0; i++) {
        long calls = run(t, 0, t->codes[i]);
        assert_in_range(calls, least, most);
        for (long k = 1; k <= calls; k++) {
            run(t, k, t->codes[i]);
        }
    }
}

static void make_nothing(workload *w)
{
    (void)w;
}

static void check_recovered(workload *w)
{
    expect_fates(w, true);
    close_journal(w);
    expect_sound(w);
}

static void every_call_of_a_workload_fails(void **state)
{
    (void)state;
    const trial t = {make_nothing, live_through, expect_sound, CALLS_THAT_WRITE, {ENOSPC, EIO}};
    every_call_fails(&t, 60, 1000);
}

static void every_call_of_a_recovery_fails(void **state)
{
    (void)state;
    const trial t = {leave_copied, open_journal, check_recovered, CALLS_THAT_WRITE, {ENOSPC, EIO}};
    every_call_fails(&t, 8, 200);
}

/* After a failed flush the page cache may show what the disk does not hold: reading it back says
 * nothing. */
static void what_may_not_be_on_the_disk_is_written_again(void **state)
{
    (void)state;
    workload w;
    char log[PATH_TEXT_SIZE + 16];
    workload_make(&w);
    leave_copied(&w);
    snprintf(log, sizeof log, "%s/log", w.f.path);
    calls_watch(log, 1u << CALL_WRITE, 0, EIO);
    open_journal(&w);
    long writes = io.calls;
    calls_ignore();
    assert_true(writes > 0);
    expect_fates(&w, true);
    fixture_remove(&w.f);
}

/* As ext4 does after an error: statvfs does not tell. */
static void one_looks_on_where_an_error_made_the_disk_read_only(void **state)
{
    (void)state;
    workload w;
    workload_make(&w);
    leave_killed(&w);
    calls_watch(w.f.directory, 1u << CALL_CREATE, 1, EROFS);
    io.lasting = true;
    w.f.config.read_only = true;
    fixture_open(&w.f);
    expect_fates(&w, true);
    fixture_close(&w.f);
    assert_true(io.failed);
    calls_ignore();
    fixture_remove(&w.f);
}

/* ---- looking after it ------------------------------------------------------------------------ */

/* Behind the last rename, too: what is there then is told. */
static void every_flush_and_rename_of_a_new_journal_fails(void **state)
{
    (void)state;
    unsigned kinds = 1u << CALL_FLUSH | 1u << CALL_NAME;
    const trial restore = {make_restorable, act_restore, check_restore, kinds, {ENOSPC, EIO}};
    const trial repair = {make_damaged, act_repair, check_repair, kinds, {ENOSPC, EIO}};
    every_call_fails(&restore, 8, 60);
    every_call_fails(&repair, 8, 60);
}

/* It passes, and so nothing is lost by it. */
static void no_descriptor_is_left_for_a_repair(void **state)
{
    (void)state;
    const trial t = {make_damaged, act_repair, check_repair, 1u << CALL_OPEN, {EMFILE}};
    every_call_fails(&t, 10, 200);
}

/* The disk gives none of data.mdb, and the log is damaged: what is lost so is told with why. */
static void what_a_disk_does_not_give_is_named_before_what_is_lost(void **state)
{
    (void)state;
    workload w;
    char path[PATH_TEXT_SIZE + 16];
    tj_repair_report *report = NULL;
    workload_make(&w);
    make_damaged(&w);
    snprintf(path, sizeof path, "%s/data.mdb", w.f.path);
    calls_watch(path, 1u << CALL_READ, 1, EIO);
    io.lasting = true;
    assert_ok(tj_repair(w.f.path, "/nowhere", NULL, &report, &err));
    assert_true(report->loses && report->part_count > 0 && !report->parts[0].lost);
    assert_non_null(strstr(report->parts[0].sentence.data, "input/output error"));
    assert_non_null(strstr(report->parts[0].sentence.data, "data.mdb"));
    assert_non_null(strstr(report->parts[0].sentence.data, "not read, and left out"));
    tj_repair_report_free(report);
    calls_ignore();
    fixture_remove(&w.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_of_a_workload_fails),
        cmocka_unit_test(every_call_of_a_recovery_fails),
        cmocka_unit_test(what_may_not_be_on_the_disk_is_written_again),
        cmocka_unit_test(one_looks_on_where_an_error_made_the_disk_read_only),
        cmocka_unit_test(every_flush_and_rename_of_a_new_journal_fails),
        cmocka_unit_test(no_descriptor_is_left_for_a_repair),
        cmocka_unit_test(what_a_disk_does_not_give_is_named_before_what_is_lost),
    };
    directory_in_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
