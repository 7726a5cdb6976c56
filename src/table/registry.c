/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which data files this process has open. Opened twice in one process, LMDB breaks: closing either
 * handle wipes the other's reader slots, and any close of lock.mdb drops the process's locks on it.
 * Sharing one handle is the caller's business; this list only makes sure that nobody forgets.
 */
#include <unistd.h>

#include "base/error.h"
#include "table/internal.h"

static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static tj__env *list;

/* Entries that a fork copied from its parent are not this process's. */
static tj__env *find(const tj__env *like)
{
    tj__env *env = list;
    while (env &&
           (env->pid != like->pid || env->device != like->device || env->inode != like->inode)) {
        env = env->next;
    }
    return env;
}

tj__env *tj__registry_unclosed(const tj__env *like)
{
    pthread_mutex_lock(&list_mutex);
    tj__env *env = find(like);
    pthread_mutex_unlock(&list_mutex);
    return env && env->unclosed ? env : NULL;
}

tj_status tj__registry_add(tj__env *env, tj_error *error)
{
    tj_status status = TJ_OK;
    pthread_mutex_lock(&list_mutex);
    if (find(env)) {
        status =
            tj__fail(error, TJ_BUSY, "%s is already open in this process: use the open journal",
                     env->data_path);
        tj__error_place(error, "%s", env->data_path);
    } else {
        env->next = list;
        list = env;
    }
    pthread_mutex_unlock(&list_mutex);
    return status;
}

void tj__registry_remove(tj__env *env)
{
    pthread_mutex_lock(&list_mutex);
    for (tj__env **link = &list; *link; link = &(*link)->next) {
        if (*link == env) {
            *link = env->next;
            break;
        }
    }
    pthread_mutex_unlock(&list_mutex);
}

tj_status tj__registry_look(const struct stat *data, const char *path,
                            tj_status (*look)(void *context, tj_error *error), void *context,
                            tj_error *error)
{
    tj__env like = {.pid = getpid(), .device = data->st_dev, .inode = data->st_ino};
    pthread_mutex_lock(&list_mutex);
    tj_status status = find(&like) ? tj__fail(error, TJ_BUSY, "%s is open in this process", path)
                                   : look(context, error);
    pthread_mutex_unlock(&list_mutex);
    return status;
}
