/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The LMDB environment: the state up to the position stored in it. The only room that includes
 * lmdb.h. It moves rows and knows nothing of their meaning.
 *
 * Named databases: one per table (model/change.h). The LMDB key is the row key without its table
 * byte. The LMDB value is: 8 bytes XXH3-64 of (row key with table byte, sequence, value), 8 bytes
 * sequence of the commit that wrote it, then the value. No DUPSORT.
 * The meta database has the keys "superblock" and "position" (meta.c gives their bytes), and since
 * format version 2 a sum for each table and book (sums.h).
 *
 * Fixed flags: no NOSYNC, NOMETASYNC, MAPASYNC, WRITEMAP, ever; MDB_NOTLS always.
 */
#ifndef TJ_TABLE_TABLE_H
#define TJ_TABLE_TABLE_H

#include <tesser/uuid.h>

#include "base/rowmap.h"
#include "model/change.h"
#include "model/position.h"

#define TJ__TABLE_FORMAT_VERSION 2

typedef struct tj__env tj__env;

typedef struct tj__superblock {
    uint32_t format_version; /* 1 or 2 */
    uint32_t page_size;      /* of the system that created it */
    tj_uuid journal_id;
    tj_time created_at;
    uint64_t tables;        /* bits of those that it has */
    uint64_t first_segment; /* where the log begins */
} tj__superblock;

/* Looks at <directory>/data.mdb with pread only, before LMDB may map it: regular file, not empty,
 * both meta pages' magic, version and page size, file at least as long as the pages the newer meta
 * counts (only free pages may be missing: LMDB never wrote those), the main database's root page
 * sound and naming our tables.
 * TJ_NOT_FOUND; TJ_CORRUPT naming what is wrong (0 bytes, truncated: bytes found and needed, not
 * LMDB); TJ_UNSUPPORTED for LMDB files that are not ours: for Tesser's own (databases live_state,
 * algo_states) the sentence names `tesser-journal import`; a page size other than the system's: the
 * sentence advises to export on the machine that wrote it. */
tj_status tj__env_check(const char *directory, tj_error *error);

/* Walks every page of a data.mdb with pread only (no LMDB): reachability, page numbers, flags,
 * bounds, key order, overflow runs, branch depth, free list. LMDB crashes on some damaged files;
 * this never does. path names the file itself. The names of the main database's named databases are
 * appended to
 * *names, each with a NUL behind it, when not NULL. A file that is being written is checked while a
 * snapshot of it is held: then no page that the newest commit reaches is reused meanwhile.
 * TJ_OK; TJ_CORRUPT with page and reason; TJ_UNSUPPORTED for another format of LMDB or databases
 * with flags (DUPSORT and others), which neither we nor Tesser write; TJ_NOT_FOUND, TJ_IO,
 * TJ_NOMEM. */
tj_status tj__page_check(const char *path, tj__buffer *names, tj_error *error);

/* Creates data.mdb in an existing, empty directory: all tables, superblock, position. The file is
 * flushed when it returns, the directory is not. Not crash-safe by itself: create in a directory
 * that nobody opens, then rename data.mdb. TJ_EXISTS when there is one. */
tj_status tj__env_create(const char *directory, const tj__superblock *superblock,
                         const tj__position *position, uint64_t map_size, tj_error *error);

typedef struct tj__env_options {
    const char *directory;
    uint64_t map_size;
    uint64_t map_size_max; /* it grows by itself up to here; 0: no bound */
    bool
        read_only; /* another process may be writing: takes a reader slot, writes nothing else; on a
                       read-only mount not even that, and the writer holds its pages for it */
    bool flushed;  /* it was just created: nothing of it can be missing on the disk */
    tj__row_classifier *classify; /* a tally of the state's rows and of the algorithms will be asked
                                     for: they are counted on the way; or NULL */
    bool two_threads; /* where a large table is walked, and both can run at the same time */
} tj__env_options;

/* Opens after tj__env_check. lock.mdb is preallocated first (a full disk is then an error, not a
 * signal); data.mdb's descriptors get FD_CLOEXEC; stale reader slots are cleared; a map smaller
 * than the file is enlarged (readers map 1 TiB, or as much as fits). TJ_BUSY when this process has
 * the file open already: LMDB cannot be opened twice, share the handle. Fills *superblock. A newer
 * format version is TJ_FORMAT_NEWER. Writers also make what is visible durable (mdb_env_sync):
 * after a kill the visible meta may not be on the disk. */
tj_status tj__env_open(const tj__env_options *options, tj__env **out, tj__superblock *superblock,
                       tj_error *error);
/* No snapshot is alive. NULL is allowed. In the child of a fork: nothing. */
void tj__env_close(tj__env *env);
/* In the child of a fork: forgets it without touching LMDB. */
void tj__env_abandon(tj__env *env);

/* Applies a batch (deleted entries delete) and the position it leads to, in one transaction, with
 * both flushes. A full map grows (doubled, with no transaction alive) and the batch is tried again.
 * Afterwards data.mdb is extended to whole pages: last page + 1. TJ_OK; TJ_FULL (disk; with an
 * engine_code: the map, which is at its bound), TJ_BUSY (the map must grow but a snapshot of this
 * process has been open for 10 s), TJ_NOMEM: LMDB holds the previous position, try again. TJ_IO:
 * the previous position too, but the disk fails, and the handle refuses further work. TJ_CLOSED:
 * data.mdb was replaced or written over, or an earlier failure, or the outcome is unknown
 * (MDB_PANIC). TJ_MISUSE, TJ_LIMIT for entries that are no rows. One caller at a time. */
tj_status tj__env_apply(tj__env *env, tj__rowmap *batch, const tj__position *position,
                        tj_error *error);

/* Brings a journal of format version 1 to the newest, in one transaction: the tables that it lacks,
 * the sums of rows, and in LEDGER_IDS what `derive` makes of every row of LEDGER (the first of two
 * under one key stays). *superblock is the new one. What fails leaves version 1, as tj__env_apply.
 * No snapshot is alive. */
tj_status tj__env_upgrade(tj__env *env, tj__row_deriver *derive, tj__superblock *superblock,
                          tj_error *error);

/* How many bytes data.mdb has, and how many a copy without free pages would have. With pread only;
 * beside a writer too. */
tj_status tj__data_sizes(const char *directory, uint64_t *bytes, uint64_t *used_bytes,
                         tj_error *error);
/* Writes that copy to path, where nothing is, flushed; `bytes` are allocated first. Nothing else
 * writes meanwhile. What fails may leave a part of it. */
tj_status tj__env_copy_compacted(tj__env *env, const char *path, uint64_t bytes, tj_error *error);
/* Puts a copy in data.mdb's place, durably. The writer's lock is held, and this process has closed
 * its env. TJ_BUSY when another process reads the journal. */
tj_status tj__data_replace(const char *directory, const char *copy, tj_error *error);

/* Makes the log begin with this segment, durably: files of the segments before it may go then. One
 * caller at a time, as tj__env_apply. */
tj_status tj__env_move_first_segment(tj__env *env, const tj__superblock *superblock,
                                     uint64_t first_segment, tj_error *error);

/* Before a table is read or changed: walks it if nobody has. TJ_CORRUPT when it is damaged. */
tj_status tj__env_touch(tj__env *env, uint8_t table, tj_error *error);
/* Walks the tables that opening left out because they are large. TJ_CORRUPT for the first that is
 * damaged: it is refused from then on, and the others go on. For the helper thread. */
tj_status tj__env_verify_rest(tj__env *env, tj_error *error);
/* Bits of the tables that are refused. Any thread. */
uint64_t tj__env_damaged(const tj__env *env);

/* Whether data.mdb's path still names the open file (device and inode). TJ_CLOSED if not. Any
 * thread. */
tj_status tj__env_same_file(tj__env *env, tj_error *error);

/* A read transaction: a row source and the position in it. Any thread; many at once; each used by
 * one thread at a time. Pages of it are not reused while it lives, and the map cannot grow, so end
 * it soon. TJ_BUSY when all reader slots are taken. */
typedef struct tj__env_snapshot tj__env_snapshot;
tj_status tj__env_snapshot_begin(tj__env *env, tj__env_snapshot **out, tj__position *position,
                                 tj_error *error);
tj__row_source *tj__env_snapshot_rows(tj__env_snapshot *snapshot);
void tj__env_snapshot_end(tj__env_snapshot *snapshot); /* NULL is allowed */

/* Whether LMDB has a row. TJ_BUSY when all reader slots are taken. Any thread. */
tj_status tj__env_find(tj__env *env, tj__bytes key, bool *found, tj_error *error);

typedef struct tj__env_info {
    uint64_t data_bytes;
    uint64_t map_size;
    uint32_t reader_count;      /* slots in use */
    int64_t oldest_reader_pid;  /* 0 when none */
    uint64_t oldest_reader_lag; /* transactions behind the newest */
} tj__env_info;
tj_status tj__env_info_get(tj__env *env, tj__env_info *info, tj_error *error);

/* The slots of lock.mdb, without LMDB. TJ_BUSY when this process has the journal open: looking
 * would drop its locks. */
typedef struct tj__reader_slots {
    unsigned count;
    unsigned used;
    unsigned dead; /* of them, of processes that ended */
} tj__reader_slots;
tj_status tj__reader_slots_look(const char *directory, tj__reader_slots *out, tj_error *error);

/* LMDB's name and version, as it tells them. */
const char *tj__lmdb_version(void);

/* Whether LMDB can store into lock.mdb: TJ_FULL when that needs a block that the disk does not
 * have. All calls here ask first. */
tj_status tj__env_ready(const tj__env *env, tj_error *error);

/* Clears reader slots of dead processes (mdb_reader_check). For the helper thread. */
void tj__env_reap_readers(tj__env *env);

#endif
