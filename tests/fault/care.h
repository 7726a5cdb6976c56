/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What looks after a journal, under a system call that fails: a backup, a restore, a repair, a
 * prune. The source stays as it was. What was left half done is not there, or can be gone on with;
 * where the new journal is there nevertheless, the sentence says so, and what to do.
 */
#ifndef TJ_TESTS_FAULT_CARE_H
#define TJ_TESTS_FAULT_CARE_H

#include "fault/workload.h"

#include <tesser/maintain.h>
#include <tesser/verify.h>

#include "base/error.h"

static tj_status cared; /* how what was done ended */

static inline void beside(const workload *w, const char *name, char path[PATH_TEXT_SIZE])
{
    snprintf(path, PATH_TEXT_SIZE, "%s/%s", w->f.directory, name);
}

/* Four segments, all applied. */
static inline void make_long(workload *w)
{
    fixture_open(&w->f);
    commit_some(w);
    commit_some(w);
    fixture_close(&w->f);
}

/* As a copy that goes by the same name, with all that was stored. */
static inline void expect_copy(workload *w, const char *path)
{
    const char *own = w->f.config.path;
    w->failed = false;
    w->f.config.path = path;
    w->f.config.read_only = true;
    fixture_open(&w->f);
    expect_fates(w, true);
    fixture_close(&w->f);
    w->f.config.read_only = false;
    w->f.config.path = own;
}

/* True when it is to be done again, at a place that is free for it. */
static inline bool failed_and_cleared(const char *path, const char *told)
{
    struct stat found;
    if (cared == TJ_OK) {
        return false;
    }
    if (stat(path, &found) == 0) {
        if (!strstr(told, "remove it")) {
            fail_msg("%s is there, and this was answered: %s", path, told);
        }
        directory_remove(path);
    }
    return true;
}

/* ---- backup and restore ---------------------------------------------------------------------- */

static inline tj_status back_up(workload *w)
{
    char path[PATH_TEXT_SIZE];
    tj_backup_report *report = NULL;
    beside(w, "backup", path);
    err = (tj_error)TJ_ERROR_INIT;
    tj_status status = tj_backup(w->f.store, path, NULL, &report, &err);
    tj_backup_report_free(report);
    return status;
}

static inline void make_backed_up(workload *w)
{
    make_long(w);
    fixture_open(&w->f);
    assert_ok(back_up(w));
    commit_some(w);
    fixture_close(&w->f);
}

static inline void act_backup(workload *w)
{
    w->f.config.read_only = true;
    open_journal(w);
    cared = back_up(w);
    (void)worked(w, cared);
    close_journal(w);
    w->f.config.read_only = false;
}

static inline void check_backup(workload *w)
{
    char path[PATH_TEXT_SIZE];
    tj_backup_report *report = NULL;
    beside(w, "backup", path);
    fixture_open(&w->f);
    assert_ok(back_up(w));
    fixture_close(&w->f);
    assert_ok(tj_backup_verify(path, NULL, &report, &err));
    tj_backup_report_free(report);
    expect_sound(w);
}

static inline tj_status restore(const workload *w)
{
    char from[PATH_TEXT_SIZE];
    char into[PATH_TEXT_SIZE];
    beside(w, "backup", from);
    beside(w, "new", into);
    err = (tj_error)TJ_ERROR_INIT;
    return tj_restore(from, into, NULL, NULL, &err);
}

static inline void make_restorable(workload *w)
{
    make_long(w);
    fixture_open(&w->f);
    assert_ok(back_up(w));
    fixture_close(&w->f);
}

static inline void act_restore(workload *w)
{
    cared = restore(w);
    (void)worked(w, cared);
}

static inline void check_restore(workload *w)
{
    char into[PATH_TEXT_SIZE];
    beside(w, "new", into);
    tj_error told = err;
    if (failed_and_cleared(into, told.message)) {
        assert_ok(restore(w));
    }
    expect_copy(w, into);
    expect_sound(w);
}

/* ---- repair ---------------------------------------------------------------------------------- */

/* What is lost is of the past only. */
static inline void make_damaged(workload *w)
{
    char path[PATH_TEXT_SIZE + 32];
    make_long(w);
    snprintf(path, sizeof path, "%s/log/0000000001.log", w->f.path);
    int fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, "?", 1, 30000), 1);
    close(fd);
}

static inline tj_status repair(const workload *w)
{
    char into[PATH_TEXT_SIZE];
    tj_repair_options options = TJ_REPAIR_OPTIONS_INIT;
    tj_repair_report *report = NULL;
    options.swap = true;
    beside(w, "new", into);
    err = (tj_error)TJ_ERROR_INIT;
    tj_status status = tj_repair(w->f.path, into, &options, &report, &err);
    if (status == TJ_OK && report->loses) { /* as it was not read: nothing is written */
        assert_false(report->written);
        assert_int_not_equal(io.code, EMFILE);
        status = tj__fail(&err, TJ_IO, "%s", report->parts[0].sentence.data);
    }
    assert_true(status != TJ_OK || report->swapped);
    tj_repair_report_free(report);
    return status;
}

static inline void act_repair(workload *w)
{
    cared = repair(w);
    /* What the last verification could not read is IO, whatever the cause. */
    bool unproven = cared == TJ_IO && strstr(err.message, "not proven to be whole");
    (void)worked(w, unproven ? status_of_code(io.code) : cared);
}

static inline void check_repair(workload *w)
{
    char into[PATH_TEXT_SIZE];
    char moved[4 * PATH_TEXT_SIZE];
    tj_error told = err;
    beside(w, "new", into);
    if (strstr(told.message, "by hand")) { /* as it says */
        snprintf(moved, sizeof moved, "cd %s && mv %s damaged && mv new %s", w->f.directory,
                 w->f.path, w->f.path);
        assert_int_equal(system(moved), 0);
    } else if (!strstr(told.message, "the repaired journal is at") &&
               failed_and_cleared(into, told.message)) {
        assert_ok(repair(w));
    }
    tj_verify_report *report = NULL;
    assert_ok(tj_verify(w->f.path, NULL, &report, &err));
    assert_int_equal(report->verdict, TJ_VERDICT_SOUND);
    tj_verify_report_free(report);
    expect_sound(w);
}

/* ---- prune ----------------------------------------------------------------------------------- */

static inline tj_status prune(workload *w, uint64_t *first)
{
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    options.history_size_bytes = TJ_SEGMENT_SIZE_MIN;
    err = (tj_error)TJ_ERROR_INIT;
    tj_status status = tj_prune(w->f.store, &options, &report, &err);
    *first = report.first_segment;
    return status;
}

static inline void act_prune(workload *w)
{
    uint64_t first;
    open_journal(w);
    cared = prune(w, &first);
    (void)worked(w, cared);
    close_journal(w);
}

static inline void check_prune(workload *w)
{
    uint64_t first = 0;
    fixture_open(&w->f);
    assert_ok(prune(w, &first));
    assert_true(first > 1);
    fixture_close(&w->f);
    expect_sound(w);
}

#endif
