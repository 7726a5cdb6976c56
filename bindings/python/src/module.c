/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The extension module tesser_journal._native. */
#include "native.h"

python_side python;

PyTypeObject *type_new(PyObject *module, const char *name, PyType_Spec *spec)
{
    PyObject *type = PyType_FromSpec(spec);
    if (type) {
        Py_INCREF(type);
        if (PyModule_AddObject(module, name, type) < 0) {
            Py_DECREF(type);
            Py_CLEAR(type);
        }
    }
    return (PyTypeObject *)type;
}

void type_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

PyObject *type_refuse(PyTypeObject *type, PyObject *args, PyObject *names)
{
    (void)type;
    (void)args;
    (void)names;
    PyErr_SetString(PyExc_TypeError, "a journal makes these");
    return NULL;
}

/* setup(values, errors, decimal, uuid, utc, loads, dumps, on_trace, cancelled, invalid_state,
 * copy_context): once, by the package. */
static PyObject *setup(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *values;
    python_side given = {0};
    if (!PyArg_ParseTuple(args, "OO!OOOOOOOOO", &values, &PyList_Type, &given.errors,
                          &given.decimal, &given.uuid, &given.utc, &given.json_loads,
                          &given.json_dumps, &given.on_trace, &given.cancelled,
                          &given.invalid_state, &given.copy_context)) {
        return NULL;
    }
    given.time = PyObject_GetAttrString(values, "Time");
    given.to_ns = PyObject_GetAttrString(values, "to_ns");
    given.run = PyUnicode_InternFromString("run");
    given.loop = PyUnicode_InternFromString("loop");
    given.watch = PyUnicode_InternFromString("_watch");
    if (!given.time || !given.to_ns || !given.run || !given.loop || !given.watch ||
        !fields_setup(values)) {
        return NULL;
    }
    Py_INCREF(args); /* kept, with all in it, as long as the process lives */
    python = given;
    Py_RETURN_NONE;
}

static PyObject *version(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyUnicode_FromString(tj_version());
}

static PyObject *time_parse(PyObject *module, PyObject *value)
{
    (void)module;
    arena memory = {0};
    tj_str text;
    tj_time time = 0;
    tj_error error = TJ_ERROR_INIT;
    tj_status status = TJ_OK;
    bool given = encode_text(&memory, value, &text);
    if (given) {
        status = tj_time_parse(text, &time, &error);
    }
    arena_drop(&memory);
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    return given ? decode_time(time) : NULL;
}

static PyObject *state_to_json(PyObject *module, PyObject *value)
{
    (void)module;
    arena memory = {0};
    tj_live_state state = {0};
    tj_text text = {0};
    tj_error error = TJ_ERROR_INIT;
    tj_status status = TJ_OK;
    bool encoded = encode_record(&memory, &record_live_state, value, &state);
    if (encoded) {
        status = tj_live_state_to_json(&state, &text, &error);
    }
    arena_drop(&memory);
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *made = encoded ? decode_text((tj_str){text.data, text.size}) : NULL;
    tj_text_dispose(&text);
    return made;
}

static PyObject *state_from_json(PyObject *module, PyObject *value)
{
    (void)module;
    arena memory = {0};
    tj_str text;
    tj_live_state *state = NULL;
    tj_error error = TJ_ERROR_INIT;
    if (!encode_text(&memory, value, &text)) {
        return NULL;
    }
    tj_status status = tj_live_state_from_json(text, &state, &error);
    arena_drop(&memory);
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *made = decode_record(&record_live_state, state);
    tj_live_state_free(state);
    return made;
}

static PyMethodDef functions[] = {
    {"setup", setup, METH_VARARGS, NULL},
    {"version", version, METH_NOARGS, NULL},
    {"time_parse", time_parse, METH_O, NULL},
    {"state_to_json", state_to_json, METH_O, NULL},
    {"state_from_json", state_from_json, METH_O, NULL},
    {"settle", flight_settle, METH_VARARGS, NULL},
    {"is_watching", flight_is_watching, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "tesser_journal._native", NULL, -1, functions, NULL, NULL, NULL, NULL};

static void after_fork(void)
{
    trace_after_fork();
    flight_after_fork();
    store_after_fork();
}

PyMODINIT_FUNC PyInit__native(void)
{
    pthread_atfork(NULL, NULL, after_fork);
    PyObject *module = PyModule_Create(&definition);
    if (module && !(store_setup(module) && transaction_setup(module) && flight_setup(module) &&
                    history_setup(module) && frame_setup(module))) {
        Py_CLEAR(module);
    }
    return module;
}
