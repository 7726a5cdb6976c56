/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A thread that follows at a distance: what savers have made durable it brings further, a little
 * later and many at a time.
 *
 * It sleeps while there is nothing to do. The first acknowledged commit after that wakes it; it
 * then waits lag_ms, so that one piece of work serves many saves, or until it is kicked because
 * enough has gathered. Both bounds hold whatever traffic follows. All signals are blocked in it.
 */
#ifndef TJ_BASE_HELPER_H
#define TJ_BASE_HELPER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <tesser/error.h>

typedef struct tj__helper_ops {
    bool (*wanted)(void *context); /* there is something to do; quick, and takes no lock */
    void (*begin)(void *context);  /* once, when the thread starts; may be NULL */
    void (*work)(void *context);
} tj__helper_ops;

typedef struct tj__helper {
    const tj__helper_ops *ops;
    void *context;
    uint32_t lag_ms;
    uint32_t idle_ms;      /* it works after so long, wanted or not; 0: only when it is wanted */
    pthread_mutex_t mutex; /* guards the next three, and what savers wait for */
    pthread_cond_t wake;   /* the helper waits here */
    pthread_cond_t done;   /* savers that must wait for its work wait here */
    bool kicked;
    bool speaking; /* to the trace callback: it does nothing else meanwhile */
    bool stop;
    _Atomic bool idle;   /* it sleeps until there is something to do */
    _Atomic bool nudged; /* it was kicked from the acknowledging path */
    bool running;
    pthread_t thread;
} tj__helper;

void tj__helper_init(tj__helper *helper, const tj__helper_ops *ops, void *context, uint32_t lag_ms,
                     uint32_t idle_ms);
void tj__helper_dispose(tj__helper *helper);
tj_status tj__helper_start(tj__helper *helper, tj_error *error);
/* Ends the thread when what it is at is done; nothing when it was not started. */
void tj__helper_stop(tj__helper *helper);
/* Whether the caller is a helper, which cannot wait for itself: the trace callback may save. */
bool tj__helper_is_self(void);

/* With the mutex: it works now. */
void tj__helper_kick(tj__helper *helper);
/* From the acknowledging path: enough has gathered. */
void tj__helper_nudge(tj__helper *helper);
/* From the acknowledging path: there is something to do. */
void tj__helper_notice(tj__helper *helper);

#endif
