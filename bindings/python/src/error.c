/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Statuses as exceptions: one class for each, made in tesser_journal._errors. */
#include "native.h"

#include <stdio.h>

PyObject *error_new(tj_status status, const tj_error *error)
{
    const char *advice = tj_advice_text(tj_status_advice(status));
    PyObject *class = PyList_GetItem(python.errors, (Py_ssize_t)status); /* borrowed */
    if (!class) {
        return NULL;
    }
    /* A message may quote bytes of a damaged file. */
    PyObject *message = PyUnicode_DecodeUTF8(error->message, (Py_ssize_t)strlen(error->message),
                                             "backslashreplace");
    PyObject *place =
        PyUnicode_DecodeUTF8(error->place, (Py_ssize_t)strlen(error->place), "backslashreplace");
    PyObject *made = message && place
                         ? PyObject_CallFunction(class, "OOsii", message, place, advice,
                                                 error->os_errno, error->engine_code)
                         : NULL;
    Py_XDECREF(message);
    Py_XDECREF(place);
    return made;
}

PyObject *raise_error(tj_status status, const tj_error *error)
{
    PyObject *made = error_new(status, error);
    if (made) {
        PyErr_SetObject((PyObject *)Py_TYPE(made), made);
        Py_DECREF(made);
    }
    return NULL;
}

PyObject *raise_text(tj_status status, const char *text)
{
    tj_error error = TJ_ERROR_INIT;
    snprintf(error.message, sizeof error.message, "%s", text);
    return raise_error(status, &error);
}
