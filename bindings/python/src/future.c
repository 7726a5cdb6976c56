/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What asyncio asks of a future, asked of a flight.
 *
 * It is lighter than a future: all who await those of one group are told in one callback of the
 * loop, where each future would ask for a callback of its own. */
#include "flight.h"

#include <stdlib.h>

static PyTypeObject *flight_type;

flight *flight_alloc(void)
{
    return (flight *)PyType_GenericAlloc(flight_type, 0);
}

/* ---- who waits ----------------------------------------------------------------------------- */

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

void flight_drop_waiters(flight *self)
{
    for (waiter *one; (one = take_waiter(self));) {
        free_waiter(one);
    }
}

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

bool flight_tell_first(flight *self, bool soon)
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
        if (!flight_tell_first(self, true)) {
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
    flight_drop_waiters(self);
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
