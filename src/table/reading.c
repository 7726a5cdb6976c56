/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Read transactions: begun in one piece, and ended where their slot can be stored into. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "table/internal.h"

/* Each adoption finds the map of a moment, and a writer may have grown it once more. */
#define BEGIN_TRIES_MAX 10
/* Beside LMDB's codes, which are below -30000, and errno values. */
#define OVERTAKEN (-1)

/* Its slot could not be stored into. */
typedef struct tj__parked {
    struct tj__parked *next;
    MDB_txn *txn;
} tj__parked;

static tj_status begin_failed(const tj__env *env, int code, tj_error *error)
{
    if (code == MDB_READERS_FULL) {
        return tj__fail(
            error, TJ_BUSY,
            "all reader slots of %s are taken: end reading processes that are no longer "
            "needed, `tesser-journal status` shows the oldest",
            env->data_path);
    }
    if (code == EAGAIN) {
        return tj__fail(error, TJ_BUSY,
                        "another process reads %s under the same process id, %ld, in another pid "
                        "namespace: let the containers share one (docker run --pid)",
                        env->data_path, (long)env->pid);
    }
    if (code == OVERTAKEN) {
        return tj__fail(error, TJ_BUSY,
                        "commits overtook the beginning of a view of %s %d times: try again; if it "
                        "stays so, lock.mdb is out of date: close the journal in every process",
                        env->data_path, BEGIN_TRIES_MAX);
    }
    return tj__fail_lmdb(error, code, "beginning to read %s", env->data_path);
}

/*
 * LMDB puts transaction N into a reader's slot, and copies then the meta page that N shares with
 * N + 2. A thread that is held up in between while two commits are made gets N + 2, or a part of
 * each; and N + 2 may be still on its way to the disk, so that the next view goes back to N + 1.
 * Whether the meta page was still that of N is seen afterwards. An N of 0 is env.c's business.
 */
static bool was_overtaken(const tj__env *env, MDB_txn *txn)
{
    MDB_envinfo info = {0};
    (void)mdb_env_info(env->lmdb, &info);
    return mdb_txn_id(txn) != 0 && info.me_last_txnid > mdb_txn_id(txn) + 1;
}

static int announce(tj__env *env, MDB_txn *txn)
{
    bool is_newest = true;
    int code = tj__is_slotless(env) ? tj__slotless_announce(env, mdb_txn_id(txn), &is_newest) : 0;
    return code == 0 && !is_newest ? OVERTAKEN : code;
}

/* As tj__read_begin, once: OVERTAKEN, a code of LMDB, or 0 and inside the gate. */
static int begin_once(tj__env *env, MDB_txn **out, tj_status *status, tj_error *error)
{
    int code = 0;
    tj__gate_enter(&env->gate);
    *status = tj__env_usable(env, error);
    if (*status == TJ_OK) {
        *status = tj__slots_ready(env, error);
    }
    if (*status == TJ_OK) {
        tj__read_end_parked(env);
        code = mdb_txn_begin(env->lmdb, NULL, MDB_RDONLY, out);
    }
    if (*status == TJ_OK && code == 0) {
        code = was_overtaken(env, *out) ? OVERTAKEN : announce(env, *out);
        if (code != 0) {
            mdb_txn_abort(*out);
        }
    }
    if (*status != TJ_OK || code != 0) {
        tj__gate_leave(&env->gate);
    }
    return code;
}

tj_status tj__read_begin(tj__env *env, MDB_txn **out, tj_error *error)
{
    tj_status status = TJ_OK;
    int code = OVERTAKEN;
    for (unsigned tries = 0; tries < BEGIN_TRIES_MAX; tries++) {
        code = begin_once(env, out, &status, error);
        if (status != TJ_OK || code == 0) {
            return status;
        }
        if (code == MDB_MAP_RESIZED) {
            TJ_TRY(tj__map_adopt(env, error));
        } else if (code == MDB_READERS_FULL) {
            (void)tj__readers_reap(env->lmdb);
        } else if (code != OVERTAKEN) {
            break;
        }
    }
    status = begin_failed(env, code, error);
    tj__error_place(error, "%s", env->data_path);
    return status;
}

void tj__read_end_parked(tj__env *env)
{
    pthread_mutex_lock(&env->parked_lock);
    while (env->parked) {
        tj__parked *ended = env->parked;
        env->parked = ended->next;
        mdb_txn_abort(ended->txn);
        tj__gate_leave(&env->gate);
        free(ended);
    }
    pthread_mutex_unlock(&env->parked_lock);
}

/* Without memory it stays open as well, until the process ends. */
static void park(tj__env *env, MDB_txn *txn)
{
    tj__parked *parked = malloc(sizeof *parked);
    if (parked) {
        pthread_mutex_lock(&env->parked_lock);
        *parked = (tj__parked){env->parked, txn};
        env->parked = parked;
        pthread_mutex_unlock(&env->parked_lock);
    }
}

void tj__read_end(tj__env *env, MDB_txn *txn)
{
    if (tj__is_slotless(env)) {
        tj__slotless_withdraw(env, mdb_txn_id(txn));
    }
    if (tj__slots_ready(env, NULL) != TJ_OK) {
        park(env, txn);
        return;
    }
    tj__read_end_parked(env);
    mdb_txn_abort(txn);
    tj__gate_leave(&env->gate);
}
