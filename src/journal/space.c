/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Space: what is kept in reserve for a full disk, and who may use it (P9).
 *
 * <journal>/reserve is a preallocated file, large enough for one more log segment and an LMDB
 * commit. When an urgent commit (critical, or one that only deletes) needs a new segment on a full
 * disk, the file is cut to nothing, and its blocks are there; the file itself becomes
 * log/spare.tmp, the next segment where no file can be made because the inodes are used up. From
 * then on ordinary commits are FULL, so that what the reserve gave is left to the urgent ones,
 * until there is space again and the helper has made the reserve whole: then everything goes on,
 * without a restart.
 *
 *   who asks                       while the reserve is whole            while it is in use
 *   an ordinary commit             FULL when the log cannot grow          FULL
 *   an urgent commit               releases it when the log cannot grow   taken, until the log
 *   cannot grow
 *   LMDB beside the commits        FULL, said and tried again             not tried, unless urgent
 *   commits wait
 *   LMDB at opening and closing    FULL, said and passed over             the same
 *   a write into shared blocks     releases it, and tries once more       P7
 *   a store into shared blocks     releases it, and tries once more       FULL; of an
 *   acknowledgement: P7
 *
 * LMDB may stay behind on a full disk, at close too, because the log keeps everything; it would use
 * up what urgent commits need. So it gets the reserve, and what is left of it, only when even they
 * would wait for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/in_place.h"
#include "history/base_build.h"
#include "journal/internal.h"

#define RESERVE_PATH_SIZE (TJ_PATH_SIZE + sizeof TJ__RESERVE_NAME)
/* For LMDB, beside the segment: the pages of one commit and more. */
#define RESERVE_FOR_LMDB ((uint64_t)1 << 20)
/* Segments that should still fit before space is called low. */
#define LOW_SEGMENTS 4

static uint64_t reserve_size(const tj__journal *journal)
{
    return journal->config.lmdb.segment_size_bytes + RESERVE_FOR_LMDB;
}

static tj_status look_for_space(const tj__journal *journal, uint64_t *bytes, tj_error *error)
{
    struct statvfs space;
    if (statvfs(journal->path, &space) != 0) {
        return tj__fail_errno(error, errno, "asking for the free space of %s", journal->path);
    }
    *bytes = (uint64_t)space.f_bavail * space.f_frsize;
    return TJ_OK;
}

/* None when it cannot be told. */
static uint64_t free_bytes(const tj__journal *journal)
{
    uint64_t bytes = 0;
    (void)look_for_space(journal, &bytes, NULL);
    return bytes;
}

/* How many files can be made; some file systems have no such number. */
static uint64_t free_files(const tj__journal *journal)
{
    struct statvfs space;
    return statvfs(journal->path, &space) == 0 && space.f_files > 0 ? (uint64_t)space.f_favail
                                                                    : UINT64_MAX;
}

static tj_status spare_path(const tj__journal *journal, char path[TJ__SEGMENT_PATH_SIZE],
                            tj_error *error)
{
    return tj__path_join(path, TJ__SEGMENT_PATH_SIZE, journal->log_path, TJ__SEGMENT_SPARE_NAME,
                         error);
}

static tj_status reserve_path(const tj__journal *journal, char path[RESERVE_PATH_SIZE],
                              tj_error *error)
{
    return tj__path_join(path, RESERVE_PATH_SIZE, journal->path, TJ__RESERVE_NAME, error);
}

/* What the reserve file has now. One that was made for smaller segments stays while there is no
 * room for a larger one: it is given back like a whole one, and does not count as whole. */
static uint64_t reserve_bytes(const tj__journal *journal)
{
    char path[RESERVE_PATH_SIZE];
    struct stat found;
    return reserve_path(journal, path, NULL) == TJ_OK && stat(path, &found) == 0
               ? (uint64_t)found.st_size
               : 0;
}

/* What the reserve has given back is free only until it is made whole again. */
static uint64_t low_below(const tj__journal *journal)
{
    return LOW_SEGMENTS * journal->config.lmdb.segment_size_bytes +
           (reserve_bytes(journal) > 0 ? 0 : reserve_size(journal));
}

static bool is_low(const tj__journal *journal, uint64_t free_now)
{
    return free_files(journal) < LOW_SEGMENTS || free_now < low_below(journal);
}

uint64_t tj__journal_space_lacking(const tj__journal *journal)
{
    uint64_t free_now = free_bytes(journal);
    uint64_t wanted = low_below(journal);
    return free_now < wanted ? wanted - free_now : 0;
}

bool tj__journal_space_for_history(const tj__journal *journal, uint64_t bytes)
{
    uint64_t kept =
        2 * (LOW_SEGMENTS * journal->config.lmdb.segment_size_bytes + reserve_size(journal));
    return free_bytes(journal) >= kept + bytes && free_files(journal) >= 2 * LOW_SEGMENTS;
}

bool tj__journal_space_for_prune(const tj__journal *journal, uint64_t bytes)
{
    return free_bytes(journal) >= journal->config.lmdb.segment_size_bytes + bytes &&
           free_files(journal) > TJ__BASE_ORDERS_MAX;
}

/* Makes the reserve whole. Under its mutex. A file system that cannot preallocate has none, and no
 * refusals either. */
static tj_status fill_locked(tj__journal *journal, tj_error *error)
{
    char path[RESERVE_PATH_SIZE];
    char spare[TJ__SEGMENT_PATH_SIZE];
    char data_path[PATH_MAX];
    struct stat before = {0};
    int fd = -1;
    TJ_TRY(reserve_path(journal, path, error));
    TJ_TRY(spare_path(journal, spare, error));
    if (lstat(spare, &before) == 0 && S_ISREG(before.st_mode)) {
        (void)!rename(spare, path); /* what was not used */
    }
    TJ_TRY(tj__path_join(data_path, sizeof data_path, journal->path, "data.mdb", error));
    TJ_TRY(tj__file_create(path, O_RDWR, data_path, &fd, error));
    tj__file_in_place(fd);
    (void)fstat(fd, &before);
    int failed = posix_fallocate(fd, 0, (off_t)reserve_size(journal));
    if (failed == EOPNOTSUPP) {
        failed = 0;
    }
    if (failed != 0) {
        (void)!ftruncate(fd, before.st_size); /* a smaller one is better than none */
    }
    tj__file_close(fd);
    if (failed != 0) {
        return tj__fail_errno(error, failed, "reserving %" PRIu64 " bytes in %s",
                              reserve_size(journal), path);
    }
    atomic_store(&journal->reserve_held, true);
    return TJ_OK;
}

/* *filled: by this call, and not by another thread meanwhile. */
static tj_status fill_reserve(tj__journal *journal, bool *filled, tj_error *error)
{
    tj_status status = TJ_OK;
    pthread_mutex_lock(&journal->reserve_mutex);
    *filled = !atomic_load(&journal->reserve_held);
    if (*filled) {
        status = fill_locked(journal, error);
    }
    pthread_mutex_unlock(&journal->reserve_mutex);
    return status;
}

/* What a snapshot has, too, would give nothing back: then the reserve is made of other blocks. */
static void own_reserve(tj__journal *journal)
{
    char path[RESERVE_PATH_SIZE];
    int fd = -1;
    pthread_mutex_lock(&journal->reserve_mutex);
    if (atomic_load(&journal->reserve_held) && reserve_path(journal, path, NULL) == TJ_OK &&
        tj__file_open(path, O_RDWR, &fd, NULL) == TJ_OK && tj__file_is_shared(fd) &&
        free_bytes(journal) >= reserve_size(journal) && ftruncate(fd, 0) == 0) {
        atomic_store(&journal->reserve_held, false);
        (void)fill_locked(journal, NULL);
    }
    tj__file_close(fd);
    pthread_mutex_unlock(&journal->reserve_mutex);
}

static bool release_reserve(tj__journal *journal)
{
    char path[RESERVE_PATH_SIZE];
    char spare[TJ__SEGMENT_PATH_SIZE];
    pthread_mutex_lock(&journal->reserve_mutex);
    bool released = !journal->config.read_only && reserve_bytes(journal) > 0 &&
                    reserve_path(journal, path, NULL) == TJ_OK && truncate(path, 0) == 0;
    if (released) {
        atomic_store(&journal->reserve_held, false);
        atomic_store(&journal->reserve_settling, true);
        __atomic_store_n(&journal->builder_cancel, 1, __ATOMIC_SEQ_CST);
        if (spare_path(journal, spare, NULL) == TJ_OK) {
            (void)!rename(path, spare);
        }
    }
    pthread_mutex_unlock(&journal->reserve_mutex);
    if (!released) {
        return false;
    }
    tj__trace(&journal->config, TJ_TRACE_ERROR,
              "the disk of %s is full: its reserve is in use, only critical commits and "
              "deletes are taken until there is space again",
              journal->path);
    return true;
}

/* Some file systems (btrfs, f2fs) give freed blocks to others only with their next transaction, and
 * do not always hurry it for a write that needs them. Everything on the file system is flushed for
 * it, so this is for a write that would be refused otherwise, and once for each release. */
static bool settle_reserve(tj__journal *journal)
{
    return atomic_exchange(&journal->reserve_settling, false) &&
           tj__file_system_sync(journal->path, NULL) == TJ_OK;
}

bool tj__journal_make_space(tj__journal *journal)
{
    return release_reserve(journal) || settle_reserve(journal);
}

/* A copy of a journal may have one that is all holes. What could not be cut when it is needed, or
 * is outside, is refused before anything is changed. */
tj_status tj__journal_space_look(tj__journal *journal, tj_error *error)
{
    char path[RESERVE_PATH_SIZE];
    struct stat found;
    TJ_TRY(reserve_path(journal, path, error));
    TJ_TRY(tj__file_may_create(path, true, error));
    bool whole = stat(path, &found) == 0 && (uint64_t)found.st_size >= reserve_size(journal) &&
                 tj__file_allocated(&found) >= reserve_size(journal);
    atomic_store(&journal->reserve_held, whole);
    return TJ_OK;
}

tj_status tj__journal_mark_ready(tj__journal *journal, tj_error *error)
{
    tj_status status = tj__lock_ready(journal->lock, error);
    while (status == TJ_FULL && tj__journal_make_space(journal)) {
        status = tj__lock_ready(journal->lock, error);
    }
    return status;
}

tj_status tj__journal_snapshot_begin(tj__journal *journal, tj__env_snapshot **out,
                                     tj__position *position, tj_error *error)
{
    tj_status status = tj__env_snapshot_begin(journal->env, out, position, error);
    while (status == TJ_FULL && tj__journal_make_space(journal)) {
        status = tj__env_snapshot_begin(journal->env, out, position, error);
    }
    return status;
}

void tj__journal_space_tend(tj__journal *journal)
{
    own_reserve(journal);
    uint64_t free_now = free_bytes(journal);
    bool low = is_low(journal, free_now);
    if (!atomic_exchange(&journal->space_low, low) && low) {
        tj__trace(&journal->config, TJ_TRACE_WARNING,
                  "space is low for %s: %" PRIu64
                  " KiB are free, and no room for %d more log segments%s",
                  journal->path, free_now >> 10, LOW_SEGMENTS,
                  free_files(journal) < LOW_SEGMENTS ? " (the file system is out of inodes)" : "");
    }
    /* A segment must fit beside it: else an urgent commit would have to let go of it at once. */
    uint64_t needed = reserve_size(journal) + journal->config.lmdb.segment_size_bytes;
    bool filled = false;
    if (!atomic_load(&journal->reserve_held) && free_now >= needed &&
        fill_reserve(journal, &filled, NULL) == TJ_OK && filled) {
        tj__trace(&journal->config, TJ_TRACE_INFO,
                  "%s has its reserve of space: all commits are "
                  "taken",
                  journal->path);
    }
}

tj_status tj__journal_check_space(const tj__journal *journal, tj_error *error)
{
    uint64_t free_now = 0;
    uint64_t needed = reserve_size(journal) + journal->config.lmdb.segment_size_bytes;
    TJ_TRY(look_for_space(journal, &free_now, error));
    if (free_now >= needed) {
        return TJ_OK;
    }
    return tj__fail(
        error, TJ_FULL,
        "a new journal in %s needs %" PRIu64 " KiB, and %" PRIu64
        " KiB are free: free some space on its file system, or set a smaller segment_size",
        journal->path, needed >> 10, free_now >> 10);
}

tj_status tj__journal_space_start(tj__journal *journal, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    bool filled = false;
    own_reserve(journal);
    tj_status status = fill_reserve(journal, &filled, &failure);
    if (status == TJ_FULL) {
        tj__trace(&journal->config, TJ_TRACE_ERROR,
                  "%s: only critical commits and deletes are taken until there is space",
                  failure.message);
        return TJ_OK;
    }
    return status == TJ_OK ? TJ_OK : tj__error_pass(error, &failure);
}

uint64_t tj__journal_lag(const tj__journal *journal)
{
    return atomic_load(&journal->appended_bytes) - atomic_load(&journal->applied_bytes);
}

uint64_t tj__journal_lag_bound(const tj__journal *journal, bool urgent)
{
    return journal->config.lmdb.lag_bytes * TJ__LAG_HARD_FACTOR * (urgent ? 2 : 1);
}

tj_status tj__journal_refuse_full(const tj__journal *journal, tj_error *error)
{
    if (free_files(journal) == 0) {
        return tj__fail(error, TJ_FULL,
                        "no file can be made: the inodes of the file system of %s are used up "
                        "(%" PRIu64 " KiB are free), and the one kept in reserve is for critical "
                        "commits and deletes: remove some files there",
                        journal->path, free_bytes(journal) >> 10);
    }
    return tj__fail(
        error, TJ_FULL,
        "the disk is full (%" PRIu64 " KiB free), and what is left of its reserve (%" PRIu64
        " KiB) is for critical commits and deletes: free some space on the file system of %s",
        free_bytes(journal) >> 10, reserve_bytes(journal) >> 10, journal->path);
}

void tj__journal_advise_full(const tj__journal *journal, tj_error *error)
{
    if (free_files(journal) > 0) {
        tj__error_context(error, "free some space on the file system of %s", journal->path);
    }
}

void tj__journal_space_info(const tj__journal *journal, tj_store_info *info)
{
    info->lmdb.free_bytes = free_bytes(journal);
    info->lmdb.space_low = is_low(journal, info->lmdb.free_bytes);
    info->lmdb.reserve_bytes = reserve_bytes(journal);
}
