/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Submitted commits and their outcomes.
 *
 * Stores that share a journal share its completions, so that the outcomes are the process's: whoever
 * asks gets all, each with its watch, by which Python knows whose it is.
 *
 * A flight is what asyncio takes for a future, and lighter than one: all who await those of one group
 * are told in one callback of the loop, where a future would ask for a callback for each. */
#include "flight.h"

#include <stdlib.h>

typedef struct waiter {
    struct waiter *next;
    PyObject *callback, *context;
} waiter;

typedef enum flight_state { FLYING, DONE, CANCELLED } flight_state;

struct flight {
    PyObject_HEAD flight *next, **link; /* among the flying or the landed */
    const store *owner;
    PyObject *watch;
    waiter *waiters;
    flight_state state; /* what is known in its loop */
    bool blocking;      /* asyncio's: it was yielded by an await just now */
    bool told;          /* somebody has seen the outcome */
    tj_status status;
    uint64_t sequence;
    tj_error *error;   /* NULL when it went well */
    PyObject *message; /* that it was cancelled with, or NULL */
};

static PyTypeObject *flight_type;

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
    flight *self = (flight *)PyType_GenericAlloc(flight_type, 0);
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

static waiter *take_waiter(flight *self)
{
    waiter *first = self->waiters;
    if (first) {
        self->waiters = first->next;
    }
    return first;
}

static void free_waiter(waiter *one)
{
    Py_DECREF(one->callback);
    Py_DECREF(one->context);
    PyMem_Free(one);
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
        for (waiter *one; (one = take_waiter(forgotten));) {
            free_waiter(one);
        }
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

static PyObject *get_loop(flight *self, PyObject *unused)
{
    (void)unused;
    return PyObject_GetAttr(self->watch, python.loop);
}

static bool call_soon(flight *self, PyObject *callback, PyObject *context)
{
    PyObject *loop = get_loop(self, NULL);
    PyObject *method = loop ? PyObject_GetAttrString(loop, "call_soon") : NULL;
    PyObject *args = method ? PyTuple_Pack(2, callback, (PyObject *)self) : NULL;
    PyObject *names = args ? Py_BuildValue("{sO}", "context", context) : NULL;
    PyObject *handle = names ? PyObject_Call(method, args, names) : NULL;
    Py_XDECREF(handle);
    Py_XDECREF(names);
    Py_XDECREF(args);
    Py_XDECREF(method);
    Py_XDECREF(loop);
    return handle;
}

static bool tell_first(flight *self, bool soon)
{
    bool done;
    waiter *first = take_waiter(self);
    if (soon) {
        done = call_soon(self, first->callback, first->context);
    } else {
        PyObject *result = PyObject_CallMethodObjArgs(first->context, python.run, first->callback,
                                                      (PyObject *)self, NULL);
        done = result;
        Py_XDECREF(result);
    }
    free_waiter(first);
    return done;
}

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
            if (tell_first(one, soon || type)) {
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

/* ---- a future ------------------------------------------------------------------------------ */

static PyObject *failure(flight *self)
{
    static const tj_error unexplained = TJ_ERROR_INIT;
    return error_new(self->status, self->error ? self->error : &unexplained);
}

static PyObject *cancelled_error(flight *self, PyObject *unused)
{
    (void)unused;
    return PyObject_CallFunctionObjArgs(python.cancelled, self->message, NULL);
}

/* Takes the reference to an exception. */
static PyObject *set_exception(PyObject *exception)
{
    if (exception) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
        Py_DECREF(exception);
    }
    return NULL;
}

/* Whether there is an outcome; else an exception is set. */
static bool has_outcome(flight *self)
{
    if (self->state == FLYING) {
        PyErr_SetString(python.invalid_state, "the commit is in flight");
    } else if (self->state == CANCELLED) {
        set_exception(cancelled_error(self, NULL));
    }
    self->told = self->state == DONE;
    return self->told;
}

static PyObject *result(flight *self, PyObject *unused)
{
    (void)unused;
    if (!has_outcome(self)) {
        return NULL;
    }
    return self->status == TJ_OK ? PyLong_FromUnsignedLongLong(self->sequence)
                                 : set_exception(failure(self));
}

static PyObject *exception(flight *self, PyObject *unused)
{
    (void)unused;
    if (!has_outcome(self)) {
        return NULL;
    }
    if (self->status == TJ_OK) {
        Py_RETURN_NONE;
    }
    return failure(self);
}

/* An await goes on with the flight itself until it has an outcome. */
static PyObject *await(PyObject *self)
{
    Py_INCREF(self);
    return self;
}

static PyObject *step(flight *self)
{
    if (self->state == FLYING) {
        self->blocking = true;
        return await((PyObject *)self);
    }
    PyObject *sequence = result(self, NULL);
    if (sequence) {
        PyErr_SetObject(PyExc_StopIteration, sequence);
        Py_DECREF(sequence);
    }
    return NULL;
}

static void add_waiter(flight *self, waiter *added)
{
    waiter **end = &self->waiters;
    while (*end) {
        end = &(*end)->next;
    }
    added->next = NULL;
    *end = added;
}

static bool wait_for(flight *self, PyObject *callback, PyObject *context)
{
    waiter *added = PyMem_Malloc(sizeof *added);
    if (!added) {
        PyErr_NoMemory();
        return false;
    }
    Py_INCREF(callback);
    Py_INCREF(context);
    *added = (waiter){NULL, callback, context};
    add_waiter(self, added);
    return true;
}

/* add_done_callback(callback, *, context=None) */
static PyObject *add_done_callback(flight *self, PyObject *const *args, Py_ssize_t count,
                                   PyObject *names)
{
    if (count != 1 || (names && PyTuple_Size(names) != 1)) {
        PyErr_SetString(PyExc_TypeError, "add_done_callback(callback, *, context=None)");
        return NULL;
    }
    PyObject *context = names ? args[1] : Py_None;
    Py_INCREF(context);
    if (context == Py_None) {
        Py_DECREF(context);
        context = PyObject_CallObject(python.copy_context, NULL);
    }
    bool added = context && (self->state == FLYING ? wait_for(self, args[0], context)
                                                   : call_soon(self, args[0], context));
    Py_XDECREF(context);
    if (!added) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* Comparing may run Python code, which may add and remove: what is compared is off the list. */
static PyObject *remove_done_callback(flight *self, PyObject *callback)
{
    long removed = 0;
    waiter *all = self->waiters, *one;
    self->waiters = NULL;
    while ((one = all)) {
        all = one->next;
        int same = PyErr_Occurred() ? 0 : PyObject_RichCompareBool(one->callback, callback, Py_EQ);
        if (same == 1) {
            free_waiter(one);
            removed++;
        } else {
            add_waiter(self, one);
        }
    }
    return PyErr_Occurred() ? NULL : PyLong_FromLong(removed);
}

/* cancel(msg=None): nobody is told of the outcome; the commit happens all the same. */
static PyObject *cancel(flight *self, PyObject *args, PyObject *names)
{
    char *keywords[] = {"msg", NULL};
    PyObject *message = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, names, "|O", keywords, &message)) {
        return NULL;
    }
    if (self->state != FLYING) {
        Py_RETURN_FALSE;
    }
    self->state = CANCELLED;
    if (message && message != Py_None) {
        Py_INCREF(message);
        self->message = message;
    }
    while (self->waiters) {
        if (!tell_first(self, true)) {
            return NULL;
        }
    }
    Py_RETURN_TRUE;
}

static PyObject *is_done(flight *self, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(self->state != FLYING);
}

static PyObject *is_cancelled(flight *self, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(self->state == CANCELLED);
}

static PyObject *get_blocking(flight *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(self->blocking);
}

static int set_blocking(flight *self, PyObject *value, void *unused)
{
    (void)unused;
    self->blocking = value == Py_True;
    return 0;
}

static PyObject *get_message(flight *self, void *unused)
{
    (void)unused;
    PyObject *message = self->message ? self->message : Py_None;
    Py_INCREF(message);
    return message;
}

/* An exception that nobody has seen goes to the loop's handler. */
static void report_untold(flight *self)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *loop = get_loop(self, NULL);
    PyObject *raised = loop ? failure(self) : NULL;
    PyObject *handled =
        raised ? PyObject_CallMethod(loop, "call_exception_handler", "{sssO}", "message",
                                     "a commit failed, and nobody awaited it", "exception", raised)
               : NULL;
    if (!handled) {
        PyErr_WriteUnraisable(self->watch);
    }
    Py_XDECREF(handled);
    Py_XDECREF(raised);
    Py_XDECREF(loop);
    PyErr_Restore(type, value, traceback);
}

static void flight_dealloc(PyObject *object)
{
    flight *self = (flight *)object;
    if (self->state == DONE && self->status != TJ_OK && !self->told) {
        report_untold(self);
    }
    for (waiter *one; (one = take_waiter(self));) {
        free_waiter(one);
    }
    Py_DECREF(self->watch);
    Py_XDECREF(self->message);
    free(self->error);
    type_free(object);
}

static PyMethodDef methods[] = {
    METHOD("add_done_callback", add_done_callback, METH_FASTCALL | METH_KEYWORDS, NULL),
    METHOD("remove_done_callback", remove_done_callback, METH_O, NULL),
    METHOD("result", result, METH_NOARGS, NULL),
    METHOD("exception", exception, METH_NOARGS, NULL),
    METHOD("done", is_done, METH_NOARGS, NULL),
    METHOD("cancelled", is_cancelled, METH_NOARGS, NULL),
    METHOD("cancel", cancel, METH_VARARGS | METH_KEYWORDS, NULL),
    METHOD("get_loop", get_loop, METH_NOARGS, NULL),
    METHOD("_make_cancelled_error", cancelled_error, METH_NOARGS, NULL),
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"_asyncio_future_blocking", (getter)get_blocking, (setter)set_blocking, NULL, NULL},
    {"_cancel_message", (getter)get_message, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)type_refuse}, {Py_tp_dealloc, (void *)flight_dealloc},
    {Py_tp_methods, methods},         {Py_tp_getset, attributes},
    {Py_tp_iter, (void *)await},      {Py_tp_iternext, (void *)step},
    {Py_am_await, (void *)await},     {0, NULL},
};
static PyType_Spec spec = {"tesser_journal._native.Flight", sizeof(flight), 0, Py_TPFLAGS_DEFAULT,
                           slots};

bool flight_setup(PyObject *module)
{
    flight_type = type_new(module, "Flight", &spec);
    return flight_type != NULL;
}
