/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One allocation fails: of those that this thread makes between arm and disarm, the one with that
 * number, also inside LMDB and SQLite. Not for programs that are SANITIZED.
 */
#ifndef TJ_TESTS_SUPPORT_ALLOCATIONS_H
#define TJ_TESTS_SUPPORT_ALLOCATIONS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "support/stand_in.h"

/* glibc's own names of the functions that are replaced below. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static _Thread_local bool armed;
static _Thread_local long fail_at; /* the first is 1 */
static _Thread_local long allocations;

static inline void arm(long at)
{
    allocations = 0;
    fail_at = at;
    armed = true;
}

/* Whether there was the allocation that was to fail. */
static inline bool disarm(void)
{
    armed = false;
    return allocations >= fail_at;
}

static bool refused(void)
{
    if (!armed || ++allocations != fail_at) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

STAND_IN void *malloc(size_t size)
{
    return refused() ? NULL : __libc_malloc(size);
}

STAND_IN void *calloc(size_t count, size_t size)
{
    return refused() ? NULL : __libc_calloc(count, size);
}

STAND_IN void *realloc(void *old, size_t size)
{
    return refused() ? NULL : __libc_realloc(old, size);
}

STAND_IN int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *block = refused() ? NULL : __libc_memalign(alignment, size);
    *out = block ? block : *out;
    return block ? 0 : ENOMEM;
}

STAND_IN void *aligned_alloc(size_t alignment, size_t size)
{
    return refused() ? NULL : __libc_memalign(alignment, size);
}

#endif
