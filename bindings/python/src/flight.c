/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Submitted commits on their way: which are flying, which have landed, and telling those who wait.
 *
 * Stores that share a journal share its completions, so that the outcomes are the process's: whoever
 * asks gets all, each with its watch, by which Python knows whose it is. */
#include "flight.h"

#include <stdlib.h>

/* The first of those that are being told on this thread, in a callback of their loop. */
static _Thread_local flight *telling;

/* Guards the two lists; what is in them has a reference from them. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static flight *flying, *landed, **landed_end = &landed;

void flight_after_fork(void)
{
    pthread_mutex_init(&lock, NULL);
    flying = NULL;
    landed = NULL;
    landed_end = &landed;
}

/* ---- taking off and landing ---------------------------------------------------------------- */

static void unlink_flight(flight *self)
{
    *self->link = self->next;
    if (self->next) {
        self->next->link = self->link;
    }
}

/* Asking Python for the running loop costs as much as the rest: who goes on with another commit when it
 * is told of one is in the same loop. */
PyObject *flight_watch(const store *owner, PyObject *journal)
{
    if (telling && telling->owner == owner) {
        Py_INCREF(telling->watch);
        return telling->watch;
    }
    return PyObject_CallMethodObjArgs(journal, python.watch, NULL);
}

flight *flight_new(const store *owner, PyObject *watch)
{
    flight *self = flight_alloc();
    if (!self) {
        return NULL;
    }
    self->owner = owner;
    Py_INCREF(watch);
    self->watch = watch;
    Py_INCREF(self);
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

void flight_drop(flight *self)
{
    pthread_mutex_lock(&lock);
    unlink_flight(self);
    pthread_mutex_unlock(&lock);
    Py_DECREF(self);
    Py_DECREF(self);
}

void flight_done(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    flight *self = context;
    self->status = status;
    self->sequence = sequence;
    if (status != TJ_OK) {
        self->error = malloc(sizeof *self->error);
        if (self->error) {
            *self->error = *error;
        }
    }
    pthread_mutex_lock(&lock);
    unlink_flight(self);
    self->next = NULL;
    *landed_end = self;
    landed_end = &self->next;
    pthread_mutex_unlock(&lock);
}

void flight_forget(const store *owner)
{
    flight *forgotten = NULL;
    pthread_mutex_lock(&lock);
    for (flight *next, *one = flying; one; one = next) {
        next = one->next;
        if (one->owner == owner) {
            unlink_flight(one);
            one->next = forgotten;
            forgotten = one;
        }
    }
    pthread_mutex_unlock(&lock);
    for (flight *next; forgotten; forgotten = next) { /* may run Python code: without the lock */
        next = forgotten->next;
        flight_drop_waiters(forgotten);
        Py_DECREF(forgotten);
    }
}

static flight *take_landed(void)
{
    pthread_mutex_lock(&lock);
    flight *taken = landed;
    landed = NULL;
    landed_end = &landed;
    pthread_mutex_unlock(&lock);
    return taken;
}

/* Adds (watch, flights) for those at the beginning that have one watch; moves on to the next. */
static bool add_group(PyObject *groups, flight **first)
{
    PyObject *watch = (*first)->watch;
    PyObject *flights = PyList_New(0);
    PyObject *group = flights ? PyTuple_Pack(2, watch, flights) : NULL;
    bool added = group && PyList_Append(groups, group) == 0;
    while (*first && (*first)->watch == watch) {
        flight *one = *first;
        *first = one->next;
        added = added && PyList_Append(flights, (PyObject *)one) == 0;
        Py_DECREF(one);
    }
    Py_XDECREF(group);
    Py_XDECREF(flights);
    return added;
}

/* complete(wait_ms): [(watch, [flight])] of what has landed. */
PyObject *store_complete(store *self, PyObject *args)
{
    unsigned wait_ms;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!PyArg_ParseTuple(args, "I", &wait_ms) || !store_enter(self)) {
        return NULL;
    }
    WITHOUT_GIL(self, status = tj_store_complete(self->handle, wait_ms, NULL, &error));
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *groups = PyList_New(0);
    for (flight *first = take_landed(); first;) {
        if (!groups || !add_group(groups, &first)) {
            Py_CLEAR(groups);
        }
    }
    return groups;
}

static size_t count_of(const flight *first, const store *owner)
{
    size_t count = 0;
    for (; first; first = first->next) {
        count += first->owner == owner;
    }
    return count;
}

/* finish(): refuses further submits; how many commits have an outcome to come, or one that nobody has
 * taken. */
PyObject *store_finish(store *self, PyObject *unused)
{
    (void)unused;
    self->finishing = true;
    pthread_mutex_lock(&lock);
    size_t count = count_of(flying, self) + count_of(landed, self);
    pthread_mutex_unlock(&lock);
    return PyLong_FromSize_t(count);
}

static bool any_of(const flight *first, const PyObject *watch)
{
    while (first && first->watch != watch) {
        first = first->next;
    }
    return first;
}

/* is_watching(watch): whether it has commits in flight. */
PyObject *flight_is_watching(PyObject *module, PyObject *watch)
{
    (void)module;
    pthread_mutex_lock(&lock);
    bool any = any_of(flying, watch) || any_of(landed, watch);
    pthread_mutex_unlock(&lock);
    return PyBool_FromLong(any);
}

PyObject *store_completion_fd(store *self, PyObject *unused)
{
    (void)unused;
    return store_is_open(self) ? PyLong_FromLong(tj_store_completion_fd(self->handle)) : NULL;
}

/* ---- telling who waits --------------------------------------------------------------------- */

/* settle(flights, soon): tells all who await them; soon: by callbacks of the loop, for a caller that
 * is none itself. The first exception is raised, and who comes after it told soon. */
PyObject *flight_settle(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *flights, *type = NULL, *value, *traceback;
    int soon;
    if (!PyArg_ParseTuple(args, "O!p", &PyList_Type, &flights, &soon)) {
        return NULL;
    }
    flight *outer = telling;
    telling = soon || PyList_Size(flights) == 0 ? outer : (flight *)PyList_GetItem(flights, 0);
    for (Py_ssize_t i = 0; i < PyList_Size(flights); i++) {
        flight *one = (flight *)PyList_GetItem(flights, i);
        one->state = one->state == FLYING ? DONE : one->state;
    }
    for (Py_ssize_t i = 0; i < PyList_Size(flights); i++) {
        flight *one = (flight *)PyList_GetItem(flights, i);
        while (one->waiters) {
            if (flight_tell_first(one, soon || type)) {
                continue;
            }
            if (type) {
                PyErr_WriteUnraisable((PyObject *)one);
            } else {
                PyErr_Fetch(&type, &value, &traceback);
            }
        }
    }
    telling = outer;
    if (type) {
        PyErr_Restore(type, value, traceback);
        return NULL;
    }
    Py_RETURN_NONE;
}
