/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The builder: a thread that builds the bases that are due, behind the commits.
 *
 * The helper thread tells it when the log has gone over to another segment; no saver ever waits for
 * it or wakes it. It starts with the first such word, or when a journal is opened whose log has
 * sealed segments: then it waits a little before it looks for what is missing, because whoever
 * opens a journal for one command is gone again by then. It stops at once when the journal is
 * closed, and while the reserve is in use (space.c). What goes wrong here is said and stops
 * nothing: a base that is missing only makes the past slower to reach.
 *
 * Then it lets old segments go (retention.h). When space is low it deletes what it can build again,
 * and as many old segments as make room, unless history_size was set.
 *
 * With no_threads there is none, and tj__journal_work builds one base at a time; old segments go
 * only when the program asks for it, because proving that they may takes seconds.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"
#include "history/keys.h"
#include "journal/internal.h"
#include "journal/retention.h"

/* How long after opening the bases are looked through that earlier writers left. */
#define LOOK_THROUGH_MS 1000
/* It gives way to every saver. */
#define NICE 10
/* The part of history_size that goes at once, when something must. */
#define RETAINED_AT_ONCE 16

/* ---- the work --------------------------------------------------------------------------- */

/* The directory of bases, when it is not there. */
static tj_status make_directory(const tj__journal *journal, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    tj_status status = tj__directory_make(journal->history_path, journal->log_path, &failure);
    if (status == TJ_EXISTS) {
        return TJ_OK;
    }
    TJ_TRY(tj__error_pass(error, &failure));
    return tj__directory_sync(journal->path, error);
}

/* Until it is in a hurry: to stop, or because a prune waits for it. */
static void rest(void *context, uint64_t ordinal, size_t bytes)
{
    tj__journal *journal = context;
    uint64_t newest = atomic_load(&journal->applied_ordinal);
    uint64_t behind = newest > ordinal + 1 ? newest - ordinal - 1 : 0;
    struct timespec until = tj__deadline_after((uint32_t)tj__base_rest_ms(bytes, behind));
    int waited = 0;
    pthread_mutex_lock(&journal->builder_mutex);
    while (!atomic_load(&journal->builder_stop) && !atomic_load(&journal->history_wanted) &&
           waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&journal->builder_wake, &journal->builder_mutex, &until);
    }
    pthread_mutex_unlock(&journal->builder_mutex);
}

static tj_status build(tj__journal *journal, uint32_t limit, uint32_t *built, tj_error *error)
{
    tj__base_place place = {.log_path = journal->log_path,
                            .directory = journal->history_path,
                            .journal_id = journal->superblock.journal_id,
                            .cancel = &journal->builder_cancel,
                            .rest = journal->config.no_threads ? NULL : rest,
                            .rest_context = journal};
    uint64_t first = tj__journal_first_segment(journal);
    uint64_t end = atomic_load(&journal->applied_ordinal);
    uint32_t keys = 0;
    TJ_TRY(make_directory(journal, error));
    TJ_TRY(tj__base_chains_extend(&place, first, limit, journal->builder_chains, built, error));
    if (limit > 0 && *built >= limit) {
        return TJ_OK;
    }
    /* Which segments need them shows when the bases are there: not yet of one sealed since. */
    tj_status status = tj__keys_extend(&place, first, end, limit > 0 ? limit - *built : 0,
                                       &journal->builder_keys, &keys, error);
    *built += keys;
    return status;
}

/* Files went: what is missing is looked for again. */
static void forget_known(tj__journal *journal)
{
    memset(journal->builder_chains, 0, sizeof journal->builder_chains);
    journal->builder_keys = 0;
}

/* The largest base so far, as the next one may be. */
static uint64_t largest(tj__journal *journal)
{
    for (int kind = 0; kind < TJ__BASE_KINDS; kind++) {
        uint64_t size = journal->builder_chains[kind].size;
        if (size > journal->builder_largest) {
            journal->builder_largest = size;
        }
    }
    return journal->builder_largest;
}

/* Says once what is wrong, until something else is. */
static void tell(tj__journal *journal, tj_status status, const tj_error *failure)
{
    if (status == TJ_CLOSED || status == journal->builder_told) {
        return;
    }
    journal->builder_told = status;
    if (status != TJ_OK) {
        tj__trace(&journal->config, TJ_TRACE_WARNING, "the history of %s is not looked after: %s",
                  journal->path, failure->message);
    }
}

/* What can be built again is what goes first when space is low: never the oldest of a log that does
 * not begin with the first commit. */
static void drop_bases(tj__journal *journal)
{
    static const tj__base_kind kinds[] = {TJ__BASE_STATE, TJ__BASE_ALGOS, TJ__BASE_KEYS};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        tj__base_list list;
        tj__base_kind kind = kinds[k];
        size_t kept = kind != TJ__BASE_KEYS && tj__journal_first_segment(journal) > 1;
        if (tj__base_list_read(journal->history_path, kind, &list, NULL) != TJ_OK) {
            continue;
        }
        for (size_t i = kept; i < list.count; i++) {
            char path[TJ__BASE_PATH_SIZE];
            if (list.ordinals[i] >= tj__journal_first_segment(journal) &&
                tj__base_path(path, journal->history_path, kind, list.ordinals[i], false, NULL) ==
                    TJ_OK) {
                (void)tj__file_remove(path, NULL);
            }
        }
        tj__base_list_dispose(&list);
    }
    forget_known(journal);
}

static uint64_t history_size(const tj__journal *journal)
{
    uint64_t size = journal->config.lmdb.history_size_bytes;
    return size > 0 ? size : TJ_HISTORY_SIZE_DEFAULT;
}

/* While space is low, what nobody asked to be kept goes before commits are refused. */
static tj_status limit_size(const tj__journal *journal, uint64_t *size, tj_error *error)
{
    uint64_t lacking = tj__journal_space_lacking(journal);
    uint64_t log = 0;
    *size = history_size(journal);
    if (journal->config.lmdb.history_size_bytes > 0 || lacking == 0) {
        return TJ_OK;
    }
    TJ_TRY(tj__retention_log_size(journal, &log, error));
    log -= lacking < log ? lacking : log;
    *size = log < *size ? log : *size;
    return TJ_OK;
}

/* Lets old segments go when there are enough of them: each proof reads the log that stays. */
static tj_status retain(tj__journal *journal, tj_error *error)
{
    uint64_t size = 0;
    tj_prune_report chosen;
    TJ_TRY(limit_size(journal, &size, error));
    TJ_TRY(tj__retention_choose(journal, size, &chosen, error));
    if (chosen.segment_count == 0 || journal->retention_refused ||
        !tj__journal_space_for_prune(journal, 2 * largest(journal))) {
        return TJ_OK;
    }
    TJ_TRY(tj__retention_choose(journal, size - size / RETAINED_AT_ONCE, &chosen, error));
    tj_status status = tj__retention_run(journal, &chosen, false, error);
    journal->retention_refused = status == TJ_CORRUPT || status == TJ_UNSUPPORTED;
    if (status == TJ_OK) {
        forget_known(journal);
        tj__trace(&journal->config, TJ_TRACE_INFO,
                  "%s keeps history from commit %" PRIu64 " on: %" PRIu64
                  " older segments were removed",
                  journal->path, chosen.oldest_sequence, chosen.segment_count);
    }
    return status;
}

/* What is tried again soon; for anything else there must be another segment first. */
static bool passes(tj_status status)
{
    return status == TJ_CLOSED || status == TJ_FULL || status == TJ_NOMEM;
}

/* Builds so many bases, or a reading of the log; 0: all that are due. */
static void work(tj__journal *journal, uint32_t limit)
{
    tj_error failure = TJ_ERROR_INIT;
    pthread_mutex_lock(&journal->history_mutex);
    /* In this order: whoever lets go of the reserve does it before it cancels. */
    __atomic_store_n(&journal->builder_cancel, atomic_load(&journal->builder_stop),
                     __ATOMIC_SEQ_CST);
    bool room = atomic_load(&journal->reserve_held) &&
                tj__journal_space_for_history(journal, 2 * largest(journal));
    uint32_t built = 0;
    bool low = atomic_load(&journal->space_low);
    tj_status status = room ? build(journal, limit, &built, &failure) : TJ_CLOSED;
    if (!room && low) {
        drop_bases(journal);
    }
    if (limit == 0 && (status == TJ_OK || (low && atomic_load(&journal->reserve_held)))) {
        tj_status retained = retain(journal, &failure);
        status = status == TJ_OK ? retained : status;
    }
    pthread_mutex_unlock(&journal->history_mutex);
    atomic_store(&journal->builder_unfinished, passes(status) || (limit > 0 && built > 0));
    tell(journal, status, &failure);
}

/* ---- the thread ------------------------------------------------------------------------- */

/* False: it is to stop. */
static bool wait_for_work(tj__journal *journal, uint32_t wait_ms)
{
    struct timespec until = tj__deadline_after(wait_ms);
    int waited = 0;
    while (!atomic_load(&journal->builder_stop) && !journal->builder_kicked &&
           waited != ETIMEDOUT) {
        waited = wait_ms > 0 ? pthread_cond_timedwait(&journal->builder_wake,
                                                      &journal->builder_mutex, &until)
                             : pthread_cond_wait(&journal->builder_wake, &journal->builder_mutex);
    }
    journal->builder_kicked = false;
    return !atomic_load(&journal->builder_stop);
}

/* Removes what earlier writers left; a prune beside it writes files of such names. */
static void tidy(tj__journal *journal)
{
    pthread_mutex_lock(&journal->history_mutex);
    tj__base_tidy(journal->history_path);
    tj__retention_tidy(journal);
    pthread_mutex_unlock(&journal->history_mutex);
}

static void *builder_main(void *context)
{
    tj__journal *journal = context;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    pthread_mutex_lock(&journal->builder_mutex);
    bool more = wait_for_work(journal, LOOK_THROUGH_MS);
    if (more) {
        pthread_mutex_unlock(&journal->builder_mutex);
        tidy(journal);
        pthread_mutex_lock(&journal->builder_mutex);
    }
    while (more) {
        pthread_mutex_unlock(&journal->builder_mutex);
        work(journal, 0);
        pthread_mutex_lock(&journal->builder_mutex);
        more = wait_for_work(journal, 0);
    }
    pthread_mutex_unlock(&journal->builder_mutex);
    return NULL;
}

/* Under its mutex. */
static void start(tj__journal *journal)
{
    tj_error failure = TJ_ERROR_INIT;
    journal->builder_running = tj__thread_start(&journal->builder, builder_main, journal,
                                                "the builder of bases", &failure) == TJ_OK;
    if (!journal->builder_running) {
        tell(journal, failure.status, &failure);
    }
}

/* Whether a segment was sealed that the builder has not heard of, its work was left undone, or
 * space is low. */
static bool has_work(tj__journal *journal, uint64_t ordinal)
{
    return !journal->config.lmdb.no_history && ordinal > tj__journal_first_segment(journal) &&
           (ordinal != atomic_load(&journal->builder_heard) ||
            atomic_load(&journal->builder_unfinished) || atomic_load(&journal->space_low));
}

void tj__journal_builder_start(tj__journal *journal)
{
    uint64_t ordinal = atomic_load(&journal->applied_ordinal);
    if (journal->config.no_threads || !has_work(journal, ordinal)) {
        return;
    }
    pthread_mutex_lock(&journal->builder_mutex);
    atomic_store(&journal->builder_heard, ordinal);
    start(journal);
    pthread_mutex_unlock(&journal->builder_mutex);
}

void tj__journal_builder_notice(tj__journal *journal)
{
    uint64_t ordinal = atomic_load(&journal->applied_ordinal);
    if (!has_work(journal, ordinal)) {
        return;
    }
    if (journal->config.no_threads) {
        atomic_store(&journal->builder_heard, ordinal);
        work(journal, 1);
        return;
    }
    pthread_mutex_lock(&journal->builder_mutex);
    atomic_store(&journal->builder_heard, ordinal);
    journal->builder_kicked = true;
    if (!journal->builder_running && !atomic_load(&journal->builder_stop)) {
        start(journal);
    }
    pthread_cond_signal(&journal->builder_wake);
    pthread_mutex_unlock(&journal->builder_mutex);
}

void tj__journal_builder_stop(tj__journal *journal)
{
    pthread_mutex_lock(&journal->builder_mutex);
    atomic_store(&journal->builder_stop, true);
    __atomic_store_n(&journal->builder_cancel, 1, __ATOMIC_SEQ_CST);
    pthread_cond_signal(&journal->builder_wake);
    bool running = journal->builder_running;
    journal->builder_running = false;
    pthread_mutex_unlock(&journal->builder_mutex);
    if (running) {
        pthread_join(journal->builder, NULL);
    }
}

/* A builder that rests holds it. */
static void lock_history(tj__journal *journal)
{
    atomic_store(&journal->history_wanted, true);
    pthread_mutex_lock(&journal->builder_mutex);
    pthread_cond_signal(&journal->builder_wake);
    pthread_mutex_unlock(&journal->builder_mutex);
    pthread_mutex_lock(&journal->history_mutex);
    atomic_store(&journal->history_wanted, false);
}

tj_status tj__journal_prune(tj__journal *journal, uint64_t size_bytes, bool dry,
                            tj_prune_report *report, tj_error *error)
{
    tj_prune_report chosen;
    uint64_t size = size_bytes > 0 ? size_bytes : history_size(journal);
    if (!dry && !journal->log) {
        return tj__fail(error, TJ_READONLY, "%s is open for reading", journal->path);
    }
    lock_history(journal);
    /* Also while the reserve is in use: it makes room. */
    __atomic_store_n(&journal->builder_cancel, atomic_load(&journal->builder_stop),
                     __ATOMIC_SEQ_CST);
    tj_status status = tj__retention_choose(journal, size, &chosen, error);
    if (status == TJ_OK && !dry) {
        status = make_directory(journal, error);
    }
    if (status == TJ_OK) {
        status = tj__retention_run(journal, &chosen, dry, error);
    }
    if (status == TJ_OK && !dry) {
        forget_known(journal);
    }
    pthread_mutex_unlock(&journal->history_mutex);
    if (status == TJ_OK) {
        *report = chosen;
    }
    return status;
}
