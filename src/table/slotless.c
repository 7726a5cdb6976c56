/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Readers without a slot: on a read-only mount lock.mdb cannot be written, and a writer by another
 * mount of the same file system would reuse the pages that such a reader reads.
 *
 * What LMDB reuses: transaction T takes pages that were freed by transactions below the oldest
 * slot, or up to T - 2 when there is none. A snapshot N needs what N + 1 and later ones free. So
 *   - without any slot it is whole until N + 3 begins
 *   - beside a slot of transaction P it is whole if P <= N + 1
 *
 * The reader announces its snapshot by a read lock on the byte ANNOUNCED + N of data.mdb, which
 * takes a descriptor for reading only and is dropped with its owner, and then looks whether N still
 * is the newest; if not, it begins anew. The writer asks for such locks before each transaction,
 * and holds slots in the readers' place (pins). What it overlooks in the first transaction, because
 * the lock came after it had asked, is N + 1, which harms nothing; before the next it pins N + 1 at
 * the latest.
 *
 * Two pins: when no reader needs the older one any more, the younger takes its place, so that
 * readers who come and go without a gap do not keep pages for ever.
 *
 * A reader that outlived its writer may be older than the first pin of the next. That one waits for
 * it, and goes on with the log alone meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "table/internal.h"
#include "table/pages.h"

/* Far behind all that a file of bytes may have, and what others lock in it. */
#define ANNOUNCED ((off_t)1 << 62)
#define POLL_MS 5
#define PATIENCE_MS 1000

bool tj__is_slotless(const tj__env *env)
{
    unsigned flags = 0;
    (void)mdb_env_get_flags(env->lmdb, &flags);
    return (flags & MDB_NOLOCK) != 0;
}

static uint64_t newest(const tj__env *env)
{
    MDB_envinfo info = {0};
    (void)mdb_env_info(env->lmdb, &info);
    return info.me_last_txnid;
}

/* ---- the reader ------------------------------------------------------------------------- */

static struct flock announcement(short type, uint64_t transaction)
{
    return (struct flock){.l_type = type,
                          .l_whence = SEEK_SET,
                          .l_start = ANNOUNCED + (off_t)transaction,
                          .l_len = 1};
}

tj_status tj__pages_hold(const tj__pages *pages, bool *held, tj_error *error)
{
    struct flock lock = announcement(F_RDLCK, pages->transaction);
    if (fcntl(pages->fd, F_OFD_SETLK, &lock) != 0) {
        return tj__fail_errno(error, errno, "holding the pages of %s", pages->path);
    }
    *held = !tj__pages_moved(pages);
    return TJ_OK;
}

/* The number of views of this process that read the transaction, which share its lock. */
static unsigned *views_of(tj__env *env, uint64_t transaction)
{
    tj__announced *free_place = NULL;
    for (size_t i = 0; i < env->announced_count; i++) {
        tj__announced *place = &env->announced[i];
        if (place->views > 0 && place->transaction == transaction) {
            return &place->views;
        }
        free_place = place->views == 0 ? place : free_place;
    }
    if (!free_place) {
        size_t size = (env->announced_count + 1) * sizeof *env->announced;
        tj__announced *grown = realloc(env->announced, size);
        if (!grown) {
            return NULL;
        }
        env->announced = grown;
        free_place = &grown[env->announced_count++];
    }
    *free_place = (tj__announced){.transaction = transaction};
    return &free_place->views;
}

static int announce(tj__env *env, uint64_t transaction)
{
    unsigned *views = views_of(env, transaction);
    struct flock lock = announcement(F_RDLCK, transaction);
    if (!views) {
        return ENOMEM;
    }
    if (*views == 0 && fcntl(tj__lmdb_fd(env->lmdb), F_OFD_SETLK, &lock) != 0) {
        return errno;
    }
    ++*views;
    return 0;
}

int tj__slotless_announce(tj__env *env, uint64_t transaction, bool *is_newest)
{
    pthread_mutex_lock(&env->announced_mutex);
    int code = announce(env, transaction);
    pthread_mutex_unlock(&env->announced_mutex);
    if (code == 0) {
        *is_newest = newest(env) == transaction;
        if (!*is_newest) {
            tj__slotless_withdraw(env, transaction);
        }
    }
    return code;
}

void tj__slotless_withdraw(tj__env *env, uint64_t transaction)
{
    pthread_mutex_lock(&env->announced_mutex);
    unsigned *views = views_of(env, transaction);
    if (--*views == 0) {
        struct flock lock = announcement(F_UNLCK, transaction);
        (void)fcntl(tj__lmdb_fd(env->lmdb), F_OFD_SETLK, &lock);
    }
    pthread_mutex_unlock(&env->announced_mutex);
}

bool tj__slotless_reads(int fd)
{
    struct flock any = announcement(F_WRLCK, 0);
    any.l_len = 0;
    return fcntl(fd, F_OFD_GETLK, &any) == 0 && any.l_type != F_UNLCK;
}

/* ---- the writer ------------------------------------------------------------------------- */

/* The oldest transaction that is announced; UINT64_MAX when there is none. */
static tj_status find_oldest(const tj__env *env, uint64_t *oldest, tj_error *error)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = ANNOUNCED};
    *oldest = UINT64_MAX;
    for (;;) {
        if (fcntl(tj__lmdb_fd(env->lmdb), F_OFD_GETLK, &range) != 0) {
            return tj__fail_errno(error, errno, "asking who reads %s", env->data_path);
        }
        if (range.l_type == F_UNLCK) {
            return TJ_OK;
        }
        *oldest = range.l_start > ANNOUNCED ? (uint64_t)(range.l_start - ANNOUNCED) : 0;
        if (*oldest == 0) {
            return TJ_OK;
        }
        /* The kernel names any of them: is there one before it? */
        range = (struct flock){
            .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = ANNOUNCED, .l_len = (off_t)*oldest};
    }
}

static bool covers(const MDB_txn *pin, uint64_t oldest)
{
    return mdb_txn_id((MDB_txn *)pin) <= oldest + 1;
}

static void unpin(MDB_txn **pin)
{
    if (*pin) {
        mdb_txn_abort(*pin);
        *pin = NULL;
    }
}

void tj__slotless_unpin(tj__env *env)
{
    unpin(&env->pins[0]);
    unpin(&env->pins[1]);
}

static tj_status pin(tj__env *env, MDB_txn **place, tj_error *error)
{
    int code = mdb_txn_begin(env->lmdb, NULL, MDB_RDONLY, place);
    if (code == 0) {
        return TJ_OK;
    }
    *place = NULL;
    return tj__fail_lmdb(error, code, "holding the pages of %s for readers by a read-only mount",
                         env->data_path);
}

static tj_status move_pins(tj__env *env, uint64_t oldest, tj_error *error)
{
    if (env->pins[1] && covers(env->pins[1], oldest)) {
        unpin(&env->pins[0]);
        env->pins[0] = env->pins[1];
        env->pins[1] = NULL;
    }
    MDB_txn **place = !env->pins[0] ? &env->pins[0] : &env->pins[1];
    return !*place ? pin(env, place, error) : TJ_OK;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static tj_status waited_in_vain(const tj__env *env, tj_error *error)
{
    return tj__fail(error, TJ_BUSY,
                    "a process that looks on through a read-only mount of %s has been reading an "
                    "older state for over %d s: end it",
                    env->data_path, PATIENCE_MS / 1000);
}

tj_status tj__slotless_pin(tj__env *env, tj_error *error)
{
    TJ_TRY(tj__slots_ready(env, error));
    for (int waited = 0; waited <= PATIENCE_MS; waited += POLL_MS) {
        uint64_t oldest = 0;
        TJ_TRY(find_oldest(env, &oldest, error));
        if (oldest == UINT64_MAX) {
            tj__slotless_unpin(env);
            return TJ_OK;
        }
        TJ_TRY(move_pins(env, oldest, error));
        if (covers(env->pins[0], oldest)) {
            return TJ_OK;
        }
        pause_ms(POLL_MS);
    }
    return waited_in_vain(env, error);
}

tj_status tj__slotless_let_go(tj__env *env, tj_error *error)
{
    if (env->pins[0]) {
        TJ_TRY(tj__slots_ready(env, error));
    }
    for (int waited = 0; env->pins[0] && waited <= PATIENCE_MS; waited += POLL_MS) {
        uint64_t oldest = 0;
        TJ_TRY(find_oldest(env, &oldest, error));
        if (oldest == UINT64_MAX || oldest + 1 >= newest(env)) {
            tj__slotless_unpin(env);
            return TJ_OK;
        }
        pause_ms(POLL_MS);
    }
    return !env->pins[0] ? TJ_OK : waited_in_vain(env, error);
}
