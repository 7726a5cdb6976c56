/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The process's id, on a page that the kernel wipes in every child. */
#include "base/process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic pid_t *known; /* NULL: the kernel wipes nothing (before Linux 4.14) */

static void map_page(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return;
    }
    if (madvise(page, size, MADV_WIPEONFORK) != 0) {
        munmap(page, size);
        return;
    }
    known = page;
}

pid_t tj__pid(void)
{
    pthread_once(&once, map_page);
    if (!known) {
        return getpid();
    }
    pid_t pid = atomic_load_explicit(known, memory_order_relaxed);
    if (pid == 0) {
        pid = getpid();
        atomic_store_explicit(known, pid, memory_order_relaxed);
    }
    return pid;
}
