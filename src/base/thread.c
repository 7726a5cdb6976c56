/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Starting a thread that takes no signals, and waiting by the monotonic clock. */
#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>

#include "base/error.h"

tj_status tj__thread_start(pthread_t *thread, void *(*run)(void *context), void *context,
                           const char *what, tj_error *error)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == EAGAIN) {
        return tj__fail(error, TJ_NOMEM, "no memory, or too many threads: starting %s", what);
    }
    return failed == 0 ? TJ_OK : tj__fail_errno(error, failed, "starting %s", what);
}

/* Where there are more than the set has room for, it cannot be read. */
bool tj__thread_second_core(void)
{
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof cores, &cores) != 0 || CPU_COUNT(&cores) > 1;
}

void tj__mutex_init(pthread_mutex_t *mutex)
{
    int failed = pthread_mutex_init(mutex, NULL);
    TJ_ASSERT(!failed);
}

void tj__condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    int failed = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    TJ_ASSERT(!failed);
    failed = pthread_cond_init(condition, &monotonic);
    TJ_ASSERT(!failed);
    pthread_condattr_destroy(&monotonic);
}

struct timespec tj__deadline_after(uint32_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

uint64_t tj__monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
