/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* writer.lock as it is mapped, for lock.c and mark.c alone. */
#ifndef TJ_JOURNAL_LOCK_PAGE_H
#define TJ_JOURNAL_LOCK_PAGE_H

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/types.h>

#include "journal/boot.h"
#include "journal/lock.h"

#define TJ__LOCK_HOLDER_AT 0
#define TJ__LOCK_PID_AT 560

/* Bytes that are locked. */
#define TJ__LOCK_HELD 0
#define TJ__LOCK_PUBLISHED 1

struct tj__lock {
    char path[PATH_MAX];
    int fd;
    int data_fd; /* of data.mdb, which a writer locks too */
    uint8_t *page;
    tj__boot boot;
    dev_t device;
    ino_t inode;
    bool writer;
    bool may_share; /* a store may need a block: see base/in_place.h */
    bool published; /* by this handle: the mark in the page is its own */
};

static inline struct flock tj__lock_byte(short type, off_t byte)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

/* Whether another open file holds the lock on this byte. A read lock may be asked about with a
 * read-only descriptor; it meets the writer's. */
bool tj__lock_is_locked(const tj__lock *lock, off_t byte);

#endif
