/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A stand-in for the system's flush, for programs that include this: it counts the flushes of log
 * segments, holds them up, and lets a chosen one fail. LMDB's flushes and those that prepare a
 * segment pass.
 */
#ifndef TJ_TESTS_STRENGTH_DISK_H
#define TJ_TESTS_STRENGTH_DISK_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct {
    _Atomic long flushes;
    _Atomic bool stalled; /* flushes wait until it is false */
    _Atomic long waiting; /* so many do */
    _Atomic long fail_in; /* 1: the next flush to end fails; 0: none */
} disk;

static inline void disk_reset(void)
{
    atomic_store(&disk.stalled, false);
    atomic_store(&disk.fail_in, 0);
    atomic_store(&disk.flushes, 0);
}

static inline void disk_pause(void)
{
    struct timespec pause = {0, 200000};
    nanosleep(&pause, NULL);
}

/* Holds flushes up; returns when `count` of them wait. */
static inline void disk_await(long count)
{
    while (atomic_load(&disk.waiting) < count) {
        disk_pause();
    }
}

static inline bool disk_is_segment(int fd)
{
    char link[64];
    char path[1200];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path);
    return size > 4 && memcmp(path + size - 4, ".log", 4) == 0;
}

int fdatasync(int fd)
{
    if (!disk_is_segment(fd)) {
        return (int)syscall(SYS_fdatasync, fd);
    }
    atomic_fetch_add(&disk.flushes, 1);
    atomic_fetch_add(&disk.waiting, 1);
    while (atomic_load(&disk.stalled)) {
        disk_pause();
    }
    atomic_fetch_sub(&disk.waiting, 1);
    if (atomic_load(&disk.fail_in) > 0 && atomic_fetch_sub(&disk.fail_in, 1) == 1) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

#endif
