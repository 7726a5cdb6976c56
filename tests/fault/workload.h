/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Numbered commits under a system call that fails, and what must hold of them afterwards. What is
 * wrong ends the process with a message.
 */
#ifndef TJ_TESTS_FAULT_WORKLOAD_H
#define TJ_TESTS_FAULT_WORKLOAD_H

#include "strength/fixture.h"

#include <ctype.h>
#include <sys/wait.h>

#include "fault/calls.h"
#include "support/alone.h"
#include "support/orphan.h"
#include "table/table.h"

#define PAD_SIZE 9000
#define COMMITS 12

typedef enum fate { ABSENT, STORED, UNKNOWN } fate;

typedef struct workload {
    fixture f;
    fate fates[5 * COMMITS];
    unsigned next;
    bool failed; /* a call has told of the failure */
} workload;

static inline tj_status status_of_code(int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
        return TJ_FULL;
    case ENOMEM:
        return TJ_NOMEM;
    case EROFS:
        return TJ_READONLY;
    default:
        return TJ_IO;
    }
}

/* Whether a message holds the system's sentence for the code, without its capital. LMDB does not
 * say why it could not lock. */
static inline bool names_cause(const char *message, int code)
{
    return strcasestr(message, strerror(code == CALL_SHORT ? EIO : code)) ||
           (strcmp(io.name, "fcntl") == 0 && strstr(message, "could not be locked"));
}

/* The first call that does not work names the cause; a poisoned handle goes on naming it. */
static inline bool worked(workload *w, tj_status status)
{
    if (status == TJ_OK) {
        return true;
    }
    /* LMDB takes a write that came out short for a full disk. */
    bool full = io.code == CALL_SHORT && status == TJ_FULL;
    int code = full ? ENOSPC : io.code;
    bool expected = status == TJ_CLOSED || status == status_of_code(code);
    if (!expected || !io.failed || (!w->failed && !names_cause(err.message, code))) {
        fail_msg("%s: %s", tj_status_name(status), err.message);
    }
    w->failed = true;
    return false;
}

static inline tj_txn *padded(workload *w, unsigned number)
{
    static char payload[PAD_SIZE + 32];
    tj_uuid id = uuid(number);
    tj_txn *txn = NULL;
    memset(payload, ' ', sizeof payload);
    int size = snprintf(payload, 24, "{\"n\":%u}", number);
    payload[size] = ' ';
    tj_algo_state state = {.plugin = TJ_STR("twap"), .payload = {payload, sizeof payload}};
    assert_ok(tj_txn_begin(w->f.store, &txn, &err));
    assert_ok(tj_txn_put_algo(txn, &id, &state, &err));
    return txn;
}

static inline void commit_one(workload *w)
{
    unsigned number = w->next++;
    tj_txn *txn = padded(w, number);
    err = (tj_error)TJ_ERROR_INIT;
    tj_status status = tj_txn_commit(txn, NULL, NULL, &err);
    bool unknown = status == TJ_CLOSED && strncmp(err.message, "outcome unknown", 15) == 0;
    w->fates[number] = worked(w, status) ? STORED : unknown ? UNKNOWN : ABSENT;
}

static inline void commit_some(workload *w)
{
    for (unsigned i = 1; i <= COMMITS; i++) {
        commit_one(w);
        if (i % 4 == 0) {
            err = (tj_error)TJ_ERROR_INIT;
            (void)worked(w, tj_store_work(w->f.store, &err));
        }
    }
}

static inline void close_journal(workload *w)
{
    err = (tj_error)TJ_ERROR_INIT;
    (void)worked(w, tj_store_close(w->f.store, &err));
    w->f.store = NULL;
}

/* Once more when it fails: the failure has passed then. */
static inline void open_journal(workload *w)
{
    err = (tj_error)TJ_ERROR_INIT;
    if (!worked(w, tj_store_open(&w->f.config, &w->f.store, &err))) {
        assert_null(w->f.store);
        assert_ok(tj_store_open(&w->f.config, &w->f.store, &err));
        w->failed = false;
    }
}

/* Each commit is there, or not, as was answered; a load that fails says so. A journal that was
 * opened anew has decided those whose outcome was unknown. */
static inline void expect_fates(workload *w, bool anew)
{
    bool lost = false;
    for (unsigned number = 1; number < w->next; number++) {
        tj_uuid id = uuid(number);
        tj_algo_record *record = NULL;
        err = (tj_error)TJ_ERROR_INIT;
        tj_status status =
            tj_algo_load(tj_store_algo_repository(w->f.store, NULL), &id, &record, &err);
        tj_algo_record_free(record);
        if (status != TJ_NOT_FOUND && !worked(w, status)) {
            continue;
        }
        bool there = status == TJ_OK;
        if (w->fates[number] != UNKNOWN && there != (w->fates[number] == STORED)) {
            fail_msg("number %u is %s", number, there ? "there" : "lost");
        }
        /* Of those whose outcome is unknown a part may be there: the first ones. */
        assert_false(w->fates[number] == UNKNOWN && there && lost);
        lost = lost || (w->fates[number] == UNKNOWN && !there);
        if (anew) {
            w->fates[number] = there ? STORED : ABSENT;
        }
    }
}

/* Nothing fails any more: what is there is right, more can be stored, and LMDB is sound. */
static inline void expect_sound(workload *w)
{
    char data[PATH_TEXT_SIZE + 16];
    w->failed = false;
    calls_ignore();
    io.failed = false;
    assert_ok(tj_store_open(&w->f.config, &w->f.store, &err));
    expect_fates(w, true);
    commit_some(w);
    expect_fates(w, true);
    assert_ok(tj_store_work(w->f.store, &err));
    tj_store_info info = info_of(w->f.store);
    assert_int_equal(info.lmdb.applied_sequence, info.sequence);
    fixture_close(&w->f);
    snprintf(data, sizeof data, "%s/data.mdb", w->f.path);
    assert_ok(tj__page_check(data, NULL, &err));
    w->f.config.read_only = true;
    fixture_open(&w->f);
    expect_fates(w, true);
}

static inline void workload_make(workload *w)
{
    calls_ignore();
    *w = (workload){.next = 1};
    fixture_make(&w->f);
    w->f.config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    w->f.config.no_threads = true;
}

/* The journal is created, written, closed, opened again and written. */
static inline void live_through(workload *w)
{
    open_journal(w);
    commit_some(w);
    expect_fates(w, false);
    close_journal(w);
    open_journal(w);
    expect_fates(w, true);
    commit_one(w);
    close_journal(w);
}

/* A writer that is gone without closing, with commits that LMDB does not have. */
static inline void leave_killed(workload *w)
{
    pid_t child = fork_dependent();
    if (child == 0) {
        w->f.config.lmdb.lag_ms = 3600000;
        bool done = tj_store_open(&w->f.config, &w->f.store, NULL) == TJ_OK;
        for (unsigned number = 1; done && number <= 5; number++) {
            done = tj_txn_commit(padded(w, number), NULL, NULL, NULL) == TJ_OK;
        }
        _exit(done ? 0 : 1);
    }
    int code = -1;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    for (; w->next <= 5; w->next++) {
        w->fates[w->next] = STORED;
    }
}

/* Nothing says any more how much of its log is on the disk. */
static inline void leave_copied(workload *w)
{
    char command[5 * DIRECTORY_SIZE];
    leave_killed(w);
    snprintf(command, sizeof command, "mv %s %s-killed && cp -r %s-killed %s", w->f.path, w->f.path,
             w->f.path, w->f.path);
    assert_int_equal(system(command), 0);
}

#endif
