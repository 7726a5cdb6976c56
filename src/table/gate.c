/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Entering with a bound on the wait, and closing once all have left. */
#include "table/gate.h"

#include <errno.h>

#include "base/error.h"
#include "base/thread.h"

void tj__gate_init(tj__gate *gate)
{
    *gate = (tj__gate){0};
    tj__condition_init(&gate->changed);
    tj__mutex_init(&gate->mutex);
}

void tj__gate_dispose(tj__gate *gate)
{
    TJ_ASSERT(gate->inside == 0);
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->mutex);
}

void tj__gate_enter(tj__gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    if (gate->waiting > 0) {
        struct timespec until = tj__deadline_after(TJ__GATE_NEWCOMER_MS);
        while (gate->waiting > 0 &&
               pthread_cond_timedwait(&gate->changed, &gate->mutex, &until) != ETIMEDOUT) {
        }
    }
    while (gate->closed) {
        pthread_cond_wait(&gate->changed, &gate->mutex);
    }
    gate->inside++;
    pthread_mutex_unlock(&gate->mutex);
}

void tj__gate_leave(tj__gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    TJ_ASSERT(gate->inside > 0);
    gate->inside--;
    if (gate->inside == 0 && gate->waiting > 0) {
        pthread_cond_broadcast(&gate->changed);
    }
    pthread_mutex_unlock(&gate->mutex);
}

bool tj__gate_close(tj__gate *gate)
{
    struct timespec until = tj__deadline_after(TJ__GATE_CHANGE_MS);
    pthread_mutex_lock(&gate->mutex);
    gate->waiting++;
    int timed_out = 0;
    while ((gate->closed || gate->inside > 0) && timed_out != ETIMEDOUT) {
        timed_out = pthread_cond_timedwait(&gate->changed, &gate->mutex, &until);
    }
    gate->waiting--;
    bool alone = !gate->closed && gate->inside == 0;
    gate->closed = gate->closed || alone;
    if (!alone) {
        pthread_cond_broadcast(&gate->changed);
    }
    pthread_mutex_unlock(&gate->mutex);
    return alone;
}

void tj__gate_open(tj__gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->closed = false;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->mutex);
}
