/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Submitted commits and their outcomes. Stores that share a journal share its completions, so that
 * the outcomes are the process's: whoever asks gets all, and Python knows by the token whose they
 * are. */
#include "pending.h"

#include <stdlib.h>

struct pending {
    pending *next, **link;
    const store *owner;
    uint64_t token;
    tj_status status;
    uint64_t sequence;
    tj_error *error; /* NULL when it went well */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pending *flying, *landed, **landed_end = &landed;

void pending_after_fork(void)
{
    pthread_mutex_init(&lock, NULL);
    flying = NULL;
    landed = NULL;
    landed_end = &landed;
}

static void forget(pending *self)
{
    *self->link = self->next;
    if (self->next) {
        self->next->link = self->link;
    }
}

pending *pending_new(const store *owner, uint64_t token)
{
    pending *self = calloc(1, sizeof *self);
    if (!self) {
        PyErr_NoMemory();
        return NULL;
    }
    self->owner = owner;
    self->token = token;
    pthread_mutex_lock(&lock);
    self->next = flying;
    self->link = &flying;
    if (flying) {
        flying->link = &self->next;
    }
    flying = self;
    pthread_mutex_unlock(&lock);
    return self;
}

void pending_drop(pending *self)
{
    pthread_mutex_lock(&lock);
    forget(self);
    pthread_mutex_unlock(&lock);
    free(self);
}

/* Those whose callbacks the closing of a store dropped. */
void completions_forget(const store *owner)
{
    pthread_mutex_lock(&lock);
    for (pending *next, *one = flying; one; one = next) {
        next = one->next;
        if (one->owner == owner) {
            forget(one);
            free(one);
        }
    }
    pthread_mutex_unlock(&lock);
}

void pending_done(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    pending *self = context;
    self->status = status;
    self->sequence = sequence;
    if (status != TJ_OK) {
        self->error = malloc(sizeof *self->error);
        if (self->error) {
            *self->error = *error;
        }
    }
    pthread_mutex_lock(&lock);
    forget(self);
    self->next = NULL;
    *landed_end = self;
    landed_end = &self->next;
    pthread_mutex_unlock(&lock);
}

static pending *take_landed(void)
{
    pthread_mutex_lock(&lock);
    pending *taken = landed;
    landed = NULL;
    landed_end = &landed;
    pthread_mutex_unlock(&lock);
    return taken;
}

/* (token, sequence, None or the exception) */
static PyObject *outcome(const pending *self)
{
    static const tj_error unexplained = TJ_ERROR_INIT;
    PyObject *raised = Py_None;
    if (self->status == TJ_OK) {
        Py_INCREF(raised);
    } else {
        raised = error_new(self->status, self->error ? self->error : &unexplained);
    }
    return raised ? Py_BuildValue("KKN", (unsigned long long)self->token,
                                  (unsigned long long)self->sequence, raised)
                  : NULL;
}

static PyObject *outcomes(void)
{
    PyObject *list = PyList_New(0);
    for (pending *next, *one = take_landed(); one; one = next) {
        PyObject *item = list ? outcome(one) : NULL;
        if (!item || PyList_Append(list, item) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(item);
        next = one->next;
        free(one->error);
        free(one);
    }
    return list;
}

PyObject *store_complete(store *self, PyObject *args)
{
    unsigned wait_ms;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!PyArg_ParseTuple(args, "I", &wait_ms) || !store_enter(self)) {
        return NULL;
    }
    WITHOUT_GIL(self, status = tj_store_complete(self->handle, wait_ms, NULL, &error));
    return status == TJ_OK ? outcomes() : raise_error(status, &error);
}

PyObject *store_completion_fd(store *self, PyObject *unused)
{
    (void)unused;
    if (!store_enter(self)) {
        return NULL;
    }
    int fd = tj_store_completion_fd(self->handle);
    store_leave(self);
    return PyLong_FromLong(fd);
}
