/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The library's own threads, and waiting with a bound. */
#ifndef TJ_BASE_THREAD_H
#define TJ_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <tesser/error.h>

/* Starts a thread that blocks all signals: they are for the threads of the program. */
tj_status tj__thread_start(pthread_t *thread, void *(*run)(void *context), void *context,
                           const char *what, tj_error *error);

/* Whether two threads of this process can run at the same time. */
bool tj__thread_second_core(void);

/* Memory in which threads find each other: neither takes anything that could be missing. */
void tj__mutex_init(pthread_mutex_t *mutex);
/* A condition whose timed waits are not moved by a change of the clock. */
void tj__condition_init(pthread_cond_t *condition);
/* So many milliseconds from now, for pthread_cond_timedwait on such a condition. */
struct timespec tj__deadline_after(uint32_t ms);
/* The time that only rises, in nanoseconds. */
uint64_t tj__monotonic_ns(void);

#endif
