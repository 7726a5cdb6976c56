/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Opening the file, its lock table, its tables and its meta rows; closing it. */
#include "table/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"
#include "table/internal.h"

/* Address space, not memory: readers then hardly ever meet a map that has grown beyond theirs. */
#define READER_MAP_SIZE ((uint64_t)1 << 40)
#define OPEN_TRIES_MAX 100

/* Closing stores into lock.mdb. Where it cannot, the handle waits for the next opening of the same
 * file in this process, or for its end. */
static void env_free(tj__env *env)
{
    env->unclosed = env->lmdb && tj__slots_ready(env, NULL) != TJ_OK;
    if (env->unclosed) {
        return;
    }
    tj__read_end_parked(env);
    if (env->lmdb) {
        tj__slotless_unpin(env);
        mdb_env_close(env->lmdb);
    }
    pthread_mutex_destroy(&env->announced_mutex);
    free(env->announced);
    tj__env_forget_counted(env);
    tj__registry_remove(env);
    tj__gate_dispose(&env->gate);
    pthread_mutex_destroy(&env->parked_lock);
    pthread_mutex_destroy(&env->verify_mutex);
    free(env);
}

static tj_status env_new(const tj__env_options *options, tj__env **out, tj_error *error)
{
    tj__env *env = calloc(1, sizeof *env);
    if (!env) {
        return tj__fail(error, TJ_NOMEM, "out of memory opening %s", options->directory);
    }
    tj_status status = tj__path_join(env->data_path, sizeof env->data_path, options->directory,
                                     TJ__DATA_NAME, error);
    if (status != TJ_OK) {
        free(env);
        return status;
    }
    env->pid = getpid();
    env->read_only = options->read_only;
    env->classify = options->classify;
    env->two_threads = options->two_threads && tj__thread_second_core();
    env->map_size_max = options->map_size_max > 0 ? options->map_size_max : UINT64_MAX;
    tj__gate_init(&env->gate);
    tj__mutex_init(&env->parked_lock);
    tj__mutex_init(&env->verify_mutex);
    tj__mutex_init(&env->announced_mutex);
    *out = env;
    return TJ_OK;
}

/* LMDB would create a missing data.mdb; so what it opened must be the file that was checked. */
static tj_status open_lmdb_once(tj__env *env, const tj__env_options *options, uint64_t file_size,
                                tj_error *error)
{
    struct stat info;
    uint64_t wanted = options->read_only ? READER_MAP_SIZE : options->map_size;
    tj__lmdb_options lmdb = {.directory = options->directory,
                             .map_size = tj__map_round(wanted > file_size ? wanted : file_size),
                             .map_size_min = tj__map_round(file_size),
                             .read_only = options->read_only};
    TJ_TRY(tj__lmdb_env_open(&lmdb, &env->lmdb, error));
    TJ_TRY(tj__slots_find(env, options->directory, error));
    if (fstat(tj__lmdb_fd(env->lmdb), &info) != 0) {
        return tj__fail_errno(error, errno, "looking at %s", env->data_path);
    }
    if (info.st_dev != env->device || info.st_ino != env->inode) {
        return tj__fail(error, TJ_CLOSED, "%s was replaced while it was being opened",
                        env->data_path);
    }
    return TJ_OK;
}

/*
 * Whether lock.mdb is fit for use by this handle, which has taken no slot yet. Two things make it
 * unfit, and closing the handle and opening it again mends both:
 *
 * Slots of this process's own id. LMDB clears those of other dead processes only. Either a
 * container before this one, with the same process ids, died; or another one is alive, then taking
 * a slot fails and says so. Closing a handle that has held a slot clears all slots of its process.
 *
 * Unfinished. The first opener sets LMDB's transaction counter to 0, later to that of the newest
 * meta page, and holds a lock meanwhile. If it dies or fails in between, one that waits for the
 * lock goes on with 0: a reader would see an older snapshot, and what a writer commits would be
 * lost, or worse. A journal has at least one commit, so a 0 is nothing else. When every waiting
 * opener lets go, the next one is the first again.
 */
static tj_status check_lock_table(tj__env *env, bool *fit, tj_error *error)
{
    MDB_txn *txn = NULL;
    (void)tj__readers_reap(env->lmdb);
    bool own_slots = tj__readers_has_pid(env->lmdb, env->pid);
    TJ_TRY(tj__read_begin(env, &txn, error));
    *fit = !own_slots && mdb_txn_id(txn) != 0;
    tj__read_end(env, txn);
    return TJ_OK;
}

/* Time for others that wait, and differing between processes, so that one becomes the first. */
static void pause_before_reopening(const tj__env *env, unsigned tries)
{
    long ms = 1 + (env->pid * 7L + tries * 13L) % 20;
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static tj_status open_lmdb(tj__env *env, const tj__env_options *options, uint64_t file_size,
                           tj_error *error)
{
    for (unsigned tries = 0; tries < OPEN_TRIES_MAX; tries++) {
        bool fit = false;
        TJ_TRY(open_lmdb_once(env, options, file_size, error));
        TJ_TRY(check_lock_table(env, &fit, error));
        if (fit) {
            return TJ_OK;
        }
        mdb_env_close(env->lmdb);
        env->lmdb = NULL;
        pause_before_reopening(env, tries);
    }
    return tj__fail(error, TJ_BUSY,
                    "lock.mdb beside %s was left unfinished by a process that died while opening "
                    "it, and others hold on to it: end them, then try again",
                    env->data_path);
}

static tj_status open_table(tj__env *env, MDB_txn *txn, uint8_t table, tj_error *error)
{
    const char *name = tj__table_name(table);
    unsigned flags = 0;
    int code = mdb_dbi_open(txn, name, 0, &env->tables[table]);
    if (code == 0) {
        code = mdb_dbi_flags(txn, env->tables[table], &flags);
    }
    if (code != 0) {
        return tj__fail_lmdb(error, code, "opening table %s", name);
    }
    return flags == 0 ? TJ_OK : tj__fail(error, TJ_CORRUPT, "table %s has flags %#x", name, flags);
}

/* The tables of the journal's version. */
static tj_status open_tables(tj__env *env, MDB_txn *txn, tj__superblock *superblock,
                             tj_error *error)
{
    TJ_TRY(open_table(env, txn, TJ__TABLE_META, error));
    TJ_TRY(tj__superblock_get(txn, env->tables[TJ__TABLE_META], superblock, error));
    for (uint8_t table = TJ__TABLE_META + 1; table <= TJ__TABLE_LAST; table++) {
        if (superblock->tables & TJ__TABLE_BIT(table)) {
            TJ_TRY(open_table(env, txn, table, error));
        }
    }
    return TJ_OK;
}

/* Opens the tables and reads both meta rows, so that an environment that opens is one that can be
 * read from. The handles of the tables live on after the transaction has been committed. */
static tj_status read_meta(tj__env *env, tj__superblock *superblock, tj_error *error)
{
    MDB_txn *txn = NULL;
    TJ_TRY(tj__read_begin(env, &txn, error));
    tj_status status = open_tables(env, txn, superblock, error);
    if (status == TJ_OK) {
        status = tj__meta_get_position(txn, env->tables[TJ__TABLE_META], &env->applied, error);
    }
    if (status == TJ_OK) {
        if (tj__is_slotless(env)) {
            tj__slotless_withdraw(env, mdb_txn_id(txn));
        }
        (void)mdb_txn_commit(txn); /* of a read transaction: cannot fail */
        tj__gate_leave(&env->gate);
    } else {
        tj__read_end(env, txn);
    }
    return status;
}

/* After a kill, the newest commit may be visible and not yet on the disk. */
static tj_status make_durable(tj__env *env, tj_error *error)
{
    tj__lmdb_extend(env->lmdb);
    int code = mdb_env_sync(env->lmdb, 1);
    return code == 0 ? TJ_OK : tj__fail_lmdb(error, code, "flushing %s", env->data_path);
}

static tj_status start(tj__env *env, const tj__env_options *options, tj__superblock *superblock,
                       tj_error *error)
{
    struct stat info;
    TJ_TRY(tj__data_check(options->directory, env->data_path, &info, error));
    env->device = info.st_dev;
    env->inode = info.st_ino;
    tj__env *unclosed = tj__registry_unclosed(env);
    if (unclosed) {
        TJ_TRY(tj__slots_ready(unclosed, error));
        env_free(unclosed);
    }
    TJ_TRY(tj__registry_add(env, error));
    TJ_TRY(open_lmdb(env, options, (uint64_t)info.st_size, error));
    TJ_TRY(tj__env_verify(env, error));
    TJ_TRY(read_meta(env, superblock, error));
    return options->read_only || options->flushed ? TJ_OK : make_durable(env, error);
}

tj_status tj__env_open(const tj__env_options *options, tj__env **out, tj__superblock *superblock,
                       tj_error *error)
{
    tj__env *env = NULL;
    tj__superblock found;
    *out = NULL;
    TJ_TRY(env_new(options, &env, error));
    tj_status status = start(env, options, &found, error);
    if (status != TJ_OK) {
        tj__error_place(error, "%s", env->data_path);
        env_free(env);
        return status;
    }
    *superblock = found;
    *out = env;
    return TJ_OK;
}

void tj__env_close(tj__env *env)
{
    if (env && env->pid == getpid()) {
        env_free(env);
    }
}

void tj__env_abandon(tj__env *env)
{
    /* Everything stays as it is and is refused from here on, because its process id is the
     * parent's: closing LMDB's handle would clear the parent's locks. */
    (void)env;
}
