/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* For the child of a test: nothing of it is left behind when its parent is killed, by a time limit
 * say. */
#ifndef TJ_TESTS_SUPPORT_ORPHAN_H
#define TJ_TESTS_SUPPORT_ORPHAN_H

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* `parent` is what getpid() gave before the fork: it may be gone already. */
static inline void die_with(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        _exit(1);
    }
}

/* As fork(). */
static inline pid_t fork_dependent(void)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        die_with(parent);
    }
    return child;
}

#endif
