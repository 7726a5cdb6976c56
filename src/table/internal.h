/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the files of this room share. */
#ifndef TJ_TABLE_INTERNAL_H
#define TJ_TABLE_INTERNAL_H

#include <limits.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "table/gate.h"
#include "table/sums.h"
#include "table/table.h"

#define TJ__PATH_SIZE PATH_MAX
#define TJ__DATA_NAME "data.mdb"
#define TJ__LMDB_LOCK_NAME "lock.mdb"
#define TJ__DATA_MODE 0660
/* A power-of-two lock.mdb: 64 KiB. */
#define TJ__READERS_MAX 1022

/* A snapshot that views of this process read without a slot (slotless.c). */
typedef struct tj__announced {
    uint64_t transaction;
    unsigned views;
} tj__announced;

/* What a walk has counted of a table. */
typedef struct tj__counted {
    uint64_t transaction; /* in the state after it; 0: nothing */
    tj__sums sums;
} tj__counted;

struct tj__env {
    MDB_env *lmdb;
    MDB_dbi tables[TJ__TABLE_LAST + 1]; /* 0: the journal does not have it */
    char data_path[TJ__PATH_SIZE];
    dev_t device;
    ino_t inode;
    pid_t pid; /* LMDB's handle must not be used in a forked child */
    bool read_only;
    bool two_threads;
    uint64_t map_size_max;
    void *lock_map; /* LMDB's map of lock.mdb, where a store into it may need a block; or NULL */
    size_t lock_map_size;
    tj__position applied;      /* of the newest apply; at first, what was found at open */
    bool unclosed;             /* it was to be closed, and could not (env.c) */
    struct tj__parked *parked; /* read transactions that could not be ended yet (snapshot.c) */
    pthread_mutex_t parked_lock;
    tj__gate gate;                /* transactions are inside, a change of the map is alone */
    pthread_mutex_t verify_mutex; /* one walk at a time; guards `damage` */
    _Atomic uint64_t sound;       /* bits of the tables that were walked */
    _Atomic uint64_t damaged;     /* of those that are refused */
    tj_error damage;              /* of the first of them */
    tj__row_classifier *classify; /* how rows are counted; NULL: nobody asks */
    tj__counted counted[TJ__TABLE_LAST + 1]; /* by the walk, guarded by it too */
    atomic_bool refused;                     /* set after `reason` is written */
    char reason[TJ_ERROR_MESSAGE_SIZE];
    pthread_mutex_t announced_mutex; /* guards the next two */
    tj__announced *announced;
    size_t announced_count;
    MDB_txn *pins[2];     /* of the writer, for readers without a slot; the older one first */
    struct tj__env *next; /* in the list of environments this process has open (registry.c) */
};

/* ---- error.c: LMDB's codes as errors; errno values arrive as positive codes */
tj_status tj__fail_lmdb(tj_error *error, int code, const char *format, ...) TJ_PRINTF(3, 4);

/* ---- env.c */
/* TJ_CLOSED in a forked child and after tj__env_refuse. */
tj_status tj__env_usable(tj__env *env, tj_error *error);
/* No further transaction: message becomes what later calls report. */
void tj__env_refuse(tj__env *env, const char *message);

/* ---- check.c: tj__env_check, and which file it looked at */
tj_status tj__data_check(const char *directory, const char *path, struct stat *info,
                         tj_error *error);

/* ---- verify.c. Nothing but these reads a table that has not been walked. */
/* Before anything else is read: walks what is due at open. */
tj_status tj__env_verify(tj__env *env, tj_error *error);
bool tj__env_is_walked(const tj__env *env, uint8_t table);
/* What the walk has counted of a book in a table, where it was of the state after this transaction
 * and found every row whole. It is told once: who asks again wants the file as it is then. */
bool tj__env_tally(tj__env *env, uint64_t transaction, uint8_t table, uint32_t book,
                   tj__row_tally *tally);
void tj__env_forget_counted(tj__env *env);

/* ---- edge.c: the last row of a table below `end` in the snapshot of this transaction. *page,
 * which key and value point into, is the caller's to free. False when it cannot be told this
 * way. */
bool tj__edge_last(const tj__env *env, uint64_t transaction, uint8_t table, tj__bytes end,
                   bool has_end, uint8_t **page, tj__bytes *key, tj__bytes *stored);

/* ---- lock.c: lock.mdb with all its blocks, and how many readers it has room for */
tj_status tj__lock_prepare(const char *directory, bool renew, unsigned *readers_max,
                           tj_error *error);
/* After LMDB has opened: finds what tj__slots_ready asks about. */
tj_status tj__slots_find(tj__env *env, const char *directory, tj_error *error);
/* Before LMDB stores into lock.mdb: TJ_FULL where that would be a signal. */
tj_status tj__slots_ready(const tj__env *env, tj_error *error);

/* ---- lmdb.c: the one place that opens an LMDB environment */
typedef struct tj__lmdb_options {
    const char *directory;
    uint64_t map_size;     /* halved while the address space does not hold it, down to */
    uint64_t map_size_min; /* what is needed at least */
    bool read_only;
    bool
        building; /* a new file that nobody else opens: no lock.mdb, and flushed by who builds it */
} tj__lmdb_options;
tj_status tj__lmdb_env_open(const tj__lmdb_options *options, MDB_env **out, tj_error *error);
/* Of data.mdb. */
static inline int tj__lmdb_fd(MDB_env *lmdb)
{
    int fd = -1;
    (void)mdb_env_get_fd(lmdb, &fd);
    return fd;
}
/* Extends data.mdb to last page + 1. A failure is no damage (pages.h), and is passed over. */
void tj__lmdb_extend(MDB_env *lmdb);
uint64_t tj__map_round(uint64_t size); /* up to whole pages */

/* ---- snapshot.c: a read transaction, inside the gate until it ends */
tj_status tj__read_begin(tj__env *env, MDB_txn **out, tj_error *error);
void tj__read_end(tj__env *env, MDB_txn *txn);
/* Ends those that could not be ended. For whoever has just seen that the slots are ready. */
void tj__read_end_parked(tj__env *env);

/* ---- apply.c: a write transaction, tried again after the map has grown. `write` gives LMDB's
 * code. */
typedef int tj__write(const tj__env *env, MDB_txn *txn, void *context);
tj_status tj__env_write(tj__env *env, tj__write *write, void *context, uint64_t bytes,
                        tj_error *error);
/* Adds up the stored checksums of a table's rows of one book. */
int tj__sum_scan(MDB_txn *txn, MDB_dbi table, tj__sum *sum);
/* ---- slotless.c: readers that cannot write lock.mdb, and the writer that holds their pages */
/* Whether this handle reads without a slot. */
bool tj__is_slotless(const tj__env *env);
/* The reader, after it has begun: says what it reads, unless that is not the newest any more. An
 * errno. */
int tj__slotless_announce(tj__env *env, uint64_t transaction, bool *is_newest);
void tj__slotless_withdraw(tj__env *env, uint64_t transaction);
/* Whether any of them reads the file of this descriptor. */
bool tj__slotless_reads(int fd);
/* The writer, before each of its transactions: holds the pages of those readers. TJ_BUSY when one
 * is older than what can be held. */
tj_status tj__slotless_pin(tj__env *env, tj_error *error);
void tj__slotless_unpin(tj__env *env);
/* Before the map changes: lets go of them at a moment when no reader needs it. TJ_BUSY. */
tj_status tj__slotless_let_go(tj__env *env, tj_error *error);

/* ---- map.c: changing the size of the map. The caller has no transaction. */
tj_status tj__map_grow(tj__env *env, tj_error *error);
bool tj__map_fits(uint64_t size); /* whether the address space has room for so much more */
tj_status tj__map_adopt(tj__env *env, tj_error *error);

/* ---- registry.c: LMDB breaks when a process opens a file twice */
tj_status tj__registry_add(tj__env *env, tj_error *error);
void tj__registry_remove(tj__env *env);
/* One of the same file that could not be closed, or NULL. */
tj__env *tj__registry_unclosed(const tj__env *like);

/* Calls `look` while no handle of that data.mdb is in this process; TJ_BUSY when one is. */
tj_status tj__registry_look(const struct stat *data, const char *path,
                            tj_status (*look)(void *context, tj_error *error), void *context,
                            tj_error *error);

/* ---- readers.c */
/* Clears slots of dead processes; the number cleared. */
int tj__readers_reap(MDB_env *lmdb);
/* Whether a slot in use bears this process's id. */
bool tj__readers_has_pid(MDB_env *lmdb, pid_t pid);

/* ---- row.c: the checksum and sequence before every value */
#define TJ__ROW_HEADER_SIZE 16
void tj__row_wrap(uint8_t *stored, tj__bytes key, uint64_t sequence, tj__bytes value);
uint64_t tj__row_checksum(tj__bytes stored); /* as it stands there */
tj__row tj__row_unwrap(tj__bytes key, tj__bytes stored);

/* ---- meta.c: the rows of the meta table. What is put gives LMDB's code. */
#define TJ__SUPERBLOCK_NAME "superblock"
#define TJ__POSITION_NAME "position"
int tj__superblock_put(MDB_txn *txn, MDB_dbi meta, const tj__superblock *superblock);
/* Adds to the sum of a table and book; of one that is unknown the checksums are put in its
 * place. */
int tj__meta_add_sum(MDB_txn *txn, MDB_dbi meta, const tj__sum *change);
tj_status tj__superblock_decode(tj__bytes bytes, tj__superblock *out, tj_error *error);
tj_status tj__position_decode(tj__bytes bytes, tj__position *out, tj_error *error);
int tj__meta_put_position(MDB_txn *txn, MDB_dbi meta, const tj__position *position);
tj_status tj__superblock_get(MDB_txn *txn, MDB_dbi meta, tj__superblock *out, tj_error *error);
tj_status tj__meta_get_position(MDB_txn *txn, MDB_dbi meta, tj__position *out, tj_error *error);

#endif
