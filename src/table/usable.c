/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whether an open environment may still be used. */
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "table/internal.h"

tj_status tj__env_usable(tj__env *env, tj_error *error)
{
    tj_status status = TJ_OK;
    if (env->pid != getpid()) {
        status = tj__fail(error, TJ_CLOSED,
                          "%s was opened by process %ld, this is its child %ld: open the journal "
                          "after the fork",
                          env->data_path, (long)env->pid, (long)getpid());
    } else if (atomic_load_explicit(&env->refused, memory_order_acquire)) {
        status = tj__fail(error, TJ_CLOSED, "%s", env->reason);
    }
    if (status != TJ_OK) {
        tj__error_place(error, "%s", env->data_path);
    }
    return status;
}

void tj__env_refuse(tj__env *env, const char *message)
{
    pthread_mutex_lock(&env->gate.mutex);
    if (!atomic_load_explicit(&env->refused, memory_order_relaxed)) {
        snprintf(env->reason, sizeof env->reason, "%s", message);
        atomic_store_explicit(&env->refused, true, memory_order_release);
    }
    pthread_mutex_unlock(&env->gate.mutex);
}

tj_status tj__env_same_file(tj__env *env, tj_error *error)
{
    bool same = false;
    TJ_TRY(tj__path_names(env->data_path, env->device, env->inode, &same, error));
    if (same) {
        return TJ_OK;
    }
    tj__fail(error, TJ_CLOSED, "%s was removed or replaced while it was open", env->data_path);
    tj__error_place(error, "%s", env->data_path);
    return TJ_CLOSED;
}
