/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * writer.lock: who writes, and how far what it wrote is acknowledged.
 *
 * One preallocated page of TJ__LOCK_SIZE bytes, never replaced. The writer holds an open file
 * description lock on its first byte and maps it shared; others map it for reading. Once the page
 * holds this writer's mark, it holds a lock on the second byte too. All integers little-endian.
 *
 *      0 512  the holder in words, zero-terminated; empty when there is none
 *    512   8  magic "TJMARK01"
 *    520  16  boot id of the system
 *    536   8  device of this file
 *    544   8  inode of this file
 *    552   8  writer epoch
 *    560   8  pid of the writer
 *    568   4  state: 0 void, 1 valid, 2 valid and closed cleanly, 3 valid while the writer lives
 *    572   4  durability: 0 sync, 1 os
 *    576   8  acknowledged sequence
 *    584   8  when this writer recovered the journal, ns
 *    592   8  bytes of torn tail it cut then
 *    600   8  mount of this file as the writer saw it, 0 if not known
 *    608   8  when this file was made, ns, 0 if not known
 *   1024   4  layout of what follows, 2; 1: without the last two numbers; 0: nothing was told yet
 *   1028   4  odd while it is being written
 *   1032      numbers of 8 bytes: the members of tj_metrics in their order, each without its size
 *
 * What is believed of it:
 *   - of a living writer (the second byte is locked): all
 *   - of this boot and mount, device, inode and birth: all
 *   - of this boot, by another mount (a container; or the disk went away, came back, and what was
 *     not on it is lost): in sync mode that what it covers was durable, and not that it is the
 *     newest
 *   - else nothing: after a power cut, in a copied directory, where the boot id cannot be read
 *
 * A mark with another inode or birth shows that the directory is a copy, whatever its boot: where
 * one was deleted, its copy may well get the same inode. So does one with another device, where the
 * kernel gives a disk the same number at every mount. Without a disk of its own (btrfs, tmpfs) a
 * mount has any number.
 */
#ifndef TJ_JOURNAL_LOCK_H
#define TJ_JOURNAL_LOCK_H

#include <tesser/config.h>
#include <tesser/error.h>
#include <tesser/metrics.h>
#include <tesser/time.h>

#define TJ__WRITER_LOCK_NAME "writer.lock"
#define TJ__LOCK_SIZE 4096
#define TJ__HOLDER_SIZE 256

typedef struct tj__lock tj__lock;

/* Where the journal of the writer lay that published the mark: the file that writer.lock was. */
typedef struct tj__mark_place {
    uint64_t inode; /* 0: not known */
    uint64_t birth; /* when it was made, ns, 0 if not known */
} tj__mark_place;

typedef struct tj__mark {
    bool valid;     /* what it covers must be there */
    bool newest;    /* and nothing behind that is acknowledged */
    bool clean;     /* the writer closed with everything applied */
    bool elsewhere; /* it was written to another file: the journal was copied since */
    tj_durability durability;
    uint64_t epoch;
    uint64_t acknowledged;
    tj_time recovered_at;         /* valid or not: 0 when it was never written */
    uint64_t recovered_bytes_cut; /* likewise */
} tj__mark;

/* Creates the file if needed and takes the writer's lock. TJ_BUSY names the holder. The page keeps
 * what the last writer left until tj__lock_publish. */
tj_status tj__lock_take(const char *directory, tj__lock **out, tj_error *error);
/* Locks data.mdb too, before anything is written: writer.lock may be removed under a living writer,
 * and a new one would let a second writer in. By a descriptor of its own; LMDB has no lock on that
 * file. TJ_BUSY. */
tj_status tj__lock_take_data(tj__lock *lock, const char *data_path, tj_error *error);
/* Maps it for reading only. *out is NULL when there is none (a copied directory), or none that a
 * writer has finished making: then every mark is void, and it is to be looked for again. */
tj_status tj__lock_look(const char *directory, tj__lock **out, tj_error *error);
/* Whether the page can be stored into: TJ_FULL when that would need a block that the disk does not
 * have. Before each of the next four. No system call where blocks are never shared (ext4,
 * tmpfs). */
tj_status tj__lock_ready(const tj__lock *lock, tj_error *error);
/* Says in the page who holds it. For the taker, before it changes anything in the directory. */
void tj__lock_sign(tj__lock *lock);
/* Publishes a new mark: everything up to acknowledged is in the log and durable. Of *mark it takes
 * everything but `valid`, `newest` and `clean`. */
void tj__lock_publish(tj__lock *lock, const tj__mark *mark);
/* Moves the published mark on. One store; for the acknowledging path. */
void tj__lock_advance(tj__lock *lock, uint64_t acknowledged);
/* Shows what was counted; calls must not overlap. After tj__lock_ready. */
void tj__lock_tell_metrics(tj__lock *lock, const tj_metrics *metrics);
/* What the last writer told; nothing where it told none. lock may be NULL. */
void tj__lock_metrics(const tj__lock *lock, tj_metrics *metrics);
/* Says that everything is applied and the writer is gone. */
void tj__lock_clean(tj__lock *lock);
/* The mark now; lock may be NULL. */
tj__mark tj__lock_mark(const tj__lock *lock);
/* Whatever has become of it since: a copy bears the place of its original until a writer opens it.
 * lock may be NULL. */
tj__mark_place tj__lock_place(const tj__lock *lock);
/* False when one of them is not known. */
bool tj__mark_place_differs(const tj__mark_place *a, const tj__mark_place *b);
/* Where the page first holds what no writer writes; TJ__LOCK_SIZE: nowhere. lock may be NULL. While
 * a writer is at work it may be one that the writer is just writing. */
uint64_t tj__lock_stray(const tj__lock *lock);
/* Whether this boot can be told from others; if not, no mark outlives its writer. */
bool tj__lock_knows_boot(const tj__lock *lock);
/* Whether the path still names the locked file, and that has its page. TJ_CLOSED if not. */
tj_status tj__lock_same_file(const tj__lock *lock, tj_error *error);
/* Whether a process holds the writer's lock; lock may be NULL. */
bool tj__lock_is_held(const tj__lock *lock);
/* The holder in words and its pid; false when no process holds the lock. lock may be NULL. */
bool tj__lock_holder(const tj__lock *lock, char holder[TJ__HOLDER_SIZE], int64_t *pid);
void tj__lock_release(tj__lock *lock); /* NULL is allowed */
/* In the child of a fork: lets go of the file, so that the lock does not outlive the writer. Only
 * tj__lock_release may follow. */
void tj__lock_abandon(tj__lock *lock);

#endif
