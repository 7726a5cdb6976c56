/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A directory of its own for a test, below TMPDIR or /tmp. Include <cmocka.h> first. */
#ifndef TJ_TESTS_SUPPORT_DIRECTORY_H
#define TJ_TESTS_SUPPORT_DIRECTORY_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DIRECTORY_SIZE 512

static inline void directory_make(char path[DIRECTORY_SIZE], const char *name)
{
    const char *base = getenv("TMPDIR");
    snprintf(path, DIRECTORY_SIZE, "%s/%s-XXXXXX", base ? base : "/tmp", name);
    assert_non_null(mkdtemp(path));
}

/* For tests that flush all the time and look only at what they make fail. */
static inline void directory_in_memory(void)
{
    if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 1);
    }
}

static inline int directory_visit(const char *path, const struct stat *found, int kind,
                                  struct FTW *walk)
{
    (void)found;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline void directory_remove(const char *path)
{
    nftw(path, directory_visit, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
