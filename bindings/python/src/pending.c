/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Submitted commits and their outcomes. Stores that share a journal share its completions, so that
 * the outcomes are the process's: whoever asks gets all, each with its context, by which Python
 * knows whose it is. */
#include "pending.h"

#include <stdlib.h>

struct pending {
    pending *next, **link;
    const store *owner;
    PyObject *context;
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

pending *pending_new(const store *owner, PyObject *context)
{
    pending *self = calloc(1, sizeof *self);
    if (!self) {
        PyErr_NoMemory();
        return NULL;
    }
    self->owner = owner;
    Py_INCREF(context);
    self->context = context;
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

static void release(pending *self)
{
    Py_DECREF(self->context);
    free(self->error);
    free(self);
}

void pending_drop(pending *self)
{
    pthread_mutex_lock(&lock);
    forget(self);
    pthread_mutex_unlock(&lock);
    release(self);
}

void pending_forget(const store *owner)
{
    pending *forgotten = NULL;
    pthread_mutex_lock(&lock);
    for (pending *next, *one = flying; one; one = next) {
        next = one->next;
        if (one->owner == owner) {
            forget(one);
            one->next = forgotten;
            forgotten = one;
        }
    }
    pthread_mutex_unlock(&lock);
    for (pending *next; forgotten; forgotten = next) { /* may run Python code: without the lock */
        next = forgotten->next;
        release(forgotten);
    }
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

/* (context, sequence, None or the exception) */
static PyObject *outcome(const pending *self)
{
    static const tj_error unexplained = TJ_ERROR_INIT;
    PyObject *raised = Py_None;
    if (self->status == TJ_OK) {
        Py_INCREF(raised);
    } else {
        raised = error_new(self->status, self->error ? self->error : &unexplained);
    }
    return raised ? Py_BuildValue("OKN", self->context, (unsigned long long)self->sequence, raised)
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
        release(one);
    }
    return list;
}

static size_t count_of(const pending *first, const store *owner)
{
    size_t count = 0;
    for (; first; first = first->next) {
        count += first->owner == owner;
    }
    return count;
}

/* How many commits of this store have an outcome to come, or one that nobody has taken. */
PyObject *store_in_flight(store *self, PyObject *unused)
{
    (void)unused;
    pthread_mutex_lock(&lock);
    size_t count = count_of(flying, self) + count_of(landed, self);
    pthread_mutex_unlock(&lock);
    return PyLong_FromSize_t(count);
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
