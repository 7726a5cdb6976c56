/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The helper's thread, and how savers wake it. */
#include "base/helper.h"

#include <errno.h>

#include "base/error.h"
#include "base/thread.h"
#include "base/trace.h"

static _Thread_local bool on_helper;

void tj__helper_init(tj__helper *helper, const tj__helper_ops *ops, void *context, uint32_t lag_ms,
                     uint32_t idle_ms)
{
    *helper = (tj__helper){.ops = ops, .context = context, .lag_ms = lag_ms, .idle_ms = idle_ms};
    tj__mutex_init(&helper->mutex);
    tj__condition_init(&helper->wake);
    tj__condition_init(&helper->done);
}

void tj__helper_dispose(tj__helper *helper)
{
    pthread_cond_destroy(&helper->wake);
    pthread_cond_destroy(&helper->done);
    pthread_mutex_destroy(&helper->mutex);
}

bool tj__helper_is_self(void)
{
    return on_helper;
}

/* Whether it may sleep on; false, too, when it was idle for long enough. */
static bool sleep_once(tj__helper *helper)
{
    if (helper->idle_ms == 0) {
        pthread_cond_wait(&helper->wake, &helper->mutex);
        return true;
    }
    struct timespec until = tj__deadline_after(helper->idle_ms);
    return pthread_cond_timedwait(&helper->wake, &helper->mutex, &until) != ETIMEDOUT;
}

/* False when it works because it was idle for long enough: then there is nothing to wait for. */
static bool sleep_for_work(tj__helper *helper)
{
    bool on_time = true;
    while (on_time && !helper->stop && !helper->kicked && !helper->ops->wanted(helper->context)) {
        atomic_store(&helper->idle, true);
        /* Looked at again after saying so: an acknowledgement in between has seen the old word. */
        if (!helper->ops->wanted(helper->context)) {
            on_time = sleep_once(helper);
        }
        atomic_store(&helper->idle, false);
    }
    return on_time;
}

static void let_work_gather(tj__helper *helper)
{
    struct timespec until = tj__deadline_after(helper->lag_ms);
    int waited = 0;
    while (!helper->stop && !helper->kicked && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&helper->wake, &helper->mutex, &until);
    }
}

/* What its work had to say. The callback may save, and wait for a commit that waits for this
 * thread: such a commit does the work itself meanwhile. */
static void speak(tj__helper *helper)
{
    pthread_mutex_lock(&helper->mutex);
    helper->speaking = true;
    pthread_cond_broadcast(&helper->done);
    pthread_mutex_unlock(&helper->mutex);
    tj__trace_let_go();
    pthread_mutex_lock(&helper->mutex);
    helper->speaking = false;
    pthread_mutex_unlock(&helper->mutex);
}

static void *helper_main(void *context)
{
    tj__helper *helper = context;
    on_helper = true;
    if (helper->ops->begin) {
        helper->ops->begin(helper->context);
    }
    pthread_mutex_lock(&helper->mutex);
    for (;;) {
        if (sleep_for_work(helper)) {
            let_work_gather(helper);
        }
        if (helper->stop) {
            break;
        }
        helper->kicked = false;
        atomic_store(&helper->nudged, false);
        pthread_mutex_unlock(&helper->mutex);
        tj__trace_hold();
        helper->ops->work(helper->context);
        speak(helper);
        pthread_mutex_lock(&helper->mutex);
    }
    pthread_mutex_unlock(&helper->mutex);
    return NULL;
}

tj_status tj__helper_start(tj__helper *helper, tj_error *error)
{
    TJ_TRY(tj__thread_start(&helper->thread, helper_main, helper, "the helper thread", error));
    helper->running = true;
    return TJ_OK;
}

void tj__helper_stop(tj__helper *helper)
{
    if (!helper->running) {
        return;
    }
    pthread_mutex_lock(&helper->mutex);
    helper->stop = true;
    pthread_cond_broadcast(&helper->wake);
    pthread_mutex_unlock(&helper->mutex);
    pthread_join(helper->thread, NULL);
    helper->running = false;
}

void tj__helper_kick(tj__helper *helper)
{
    helper->kicked = true;
    pthread_cond_signal(&helper->wake);
}

void tj__helper_nudge(tj__helper *helper)
{
    if (!atomic_exchange(&helper->nudged, true)) {
        pthread_mutex_lock(&helper->mutex);
        tj__helper_kick(helper);
        pthread_mutex_unlock(&helper->mutex);
    }
}

void tj__helper_notice(tj__helper *helper)
{
    if (atomic_load(&helper->idle)) {
        pthread_mutex_lock(&helper->mutex);
        pthread_cond_signal(&helper->wake);
        pthread_mutex_unlock(&helper->mutex);
    }
}
