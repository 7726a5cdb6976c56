/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What was: commits one after another, differences between two moments, the equity curve. */
#include "native.h"

PyTypeObject *history_type;

typedef struct history {
    PyObject_HEAD store *owner;
    dependant link;
    tj_history *handle; /* NULL: closed */
    bool busy;          /* one thread at a time; kept by the GIL */
} history;

static void end_history(dependant *link)
{
    history *self = (history *)((char *)link - offsetof(history, link));
    tj_history_close(self->handle);
    self->handle = NULL;
}

static bool add_kind(PyObject *name, uint64_t *bits)
{
    tj_str text;
    tj_entity_kind kind;
    tj_error error = TJ_ERROR_INIT;
    if (!text_view(name, &text)) {
        return false;
    }
    tj_status status = tj_entity_kind_parse(text, &kind, &error);
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    *bits |= (uint64_t)1 << kind;
    return true;
}

/* One name, or a sequence of names. */
static bool encode_kinds(PyObject *names, uint64_t *bits)
{
    if (PyUnicode_Check(names)) {
        return add_kind(names, bits);
    }
    PyObject *list = PySequence_List(names);
    bool done = list;
    for (Py_ssize_t i = 0; done && i < PyList_Size(list); i++) {
        done = add_kind(PyList_GetItem(list, i), bits);
    }
    Py_XDECREF(list);
    return done;
}

/* (first, last: moments; book; kinds; key; limit; descending; old_values) */
bool encode_query(arena *memory, PyObject *options, tj_history_query *query)
{
    PyObject *first, *last, *kinds, *key;
    tj_moment from, to;
    unsigned long long limit;
    int descending, old_values;
    if (!PyArg_ParseTuple(options, "OOzOOKpp", &first, &last, &query->book, &kinds, &key, &limit,
                          &descending, &old_values) ||
        !encode_moment(first, &from) || !encode_moment(last, &to) ||
        !encode_kinds(kinds, &query->kinds) || !encode_text(memory, key, &query->key)) {
        return false;
    }
    query->sequence_first = from.sequence;
    query->has_time_first = from.has_time;
    query->time_first = from.time;
    query->sequence_last = to.sequence;
    query->has_time_last = to.has_time;
    query->time_last = to.time;
    query->limit = (size_t)limit;
    query->descending = descending;
    query->old_values = old_values;
    return true;
}

PyObject *store_history(store *owner, PyObject *args)
{
    arena memory = {0};
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!encode_query(&memory, args, &query)) {
        arena_drop(&memory);
        return NULL;
    }
    history *self = (history *)PyType_GenericNew(history_type, NULL, NULL);
    if (!self || !store_enter(owner)) {
        arena_drop(&memory);
        Py_XDECREF(self);
        return NULL;
    }
    PyThreadState *thread = PyEval_SaveThread();
    status = tj_history_open(owner->handle, &query, &self->handle, &error);
    PyEval_RestoreThread(thread);
    arena_drop(&memory);
    if (status == TJ_OK) {
        Py_INCREF(owner);
        self->owner = owner;
        self->link.end = end_history;
        store_add(owner, &self->link);
    }
    store_leave(owner);
    if (status != TJ_OK) {
        Py_DECREF(self);
        return raise_error(status, &error);
    }
    return (PyObject *)self;
}

static PyObject *decode_commit(const tj_history_commit *commit)
{
    PyObject *changes = decode_list(&record_change, commit->changes, commit->change_count);
    PyObject *id = tj_uuid_is_nil(commit->commit_id) ? decode_text((tj_str){NULL, 0})
                                                     : decode_uuid(commit->commit_id);
    PyObject *time = decode_time(commit->time);
    PyObject *note = decode_text(commit->note.data ? commit->note : (tj_str){"", 0});
    if (changes && id && time && note) {
        return Py_BuildValue("KNKNNN", (unsigned long long)commit->sequence, time,
                             (unsigned long long)commit->epoch, id, note, changes);
    }
    Py_XDECREF(changes);
    Py_XDECREF(id);
    Py_XDECREF(time);
    Py_XDECREF(note);
    return NULL;
}

/* The next commit as a tuple; None where there is none, any more or yet. */
static PyObject *next(history *self, PyObject *unused)
{
    (void)unused;
    const tj_history_commit *commit = NULL;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (self->busy) {
        return raise_text(TJ_MISUSE, "another thread reads this history now");
    }
    if (!store_enter(self->owner)) {
        return NULL;
    }
    if (!self->handle) {
        store_leave(self->owner);
        return raise_text(TJ_CLOSED, "this history was closed");
    }
    self->busy = true;
    PyThreadState *thread = PyEval_SaveThread();
    status = tj_history_next(self->handle, &commit, &error);
    PyEval_RestoreThread(thread);
    PyObject *made = NULL;
    if (status != TJ_OK) {
        raise_error(status, &error);
    } else {
        made = commit ? decode_commit(commit) : decode_text((tj_str){NULL, 0});
    }
    self->busy = false;
    store_leave(self->owner);
    return made;
}

static PyObject *close_it(history *self, PyObject *unused)
{
    (void)unused;
    if (self->busy) {
        return raise_text(TJ_MISUSE, "another thread reads this history now");
    }
    if (self->owner) {
        store_end(self->owner, &self->link);
    }
    Py_RETURN_NONE;
}

static void history_dealloc(PyObject *object)
{
    history *self = (history *)object;
    Py_XDECREF(close_it(self, NULL));
    Py_XDECREF(self->owner);
    type_free(object);
}

/* ---- differences and equity ---------------------------------------------------------------- */

PyObject *store_diff(store *self, PyObject *args)
{
    arena memory = {0};
    tj_moment from, to;
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    tj_history_diff *diff = NULL;
    PyObject *first, *last, *options;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!PyArg_ParseTuple(args, "OOO", &first, &last, &options) || !encode_moment(first, &from) ||
        !encode_moment(last, &to) || !encode_query(&memory, options, &query) ||
        !store_enter(self)) {
        arena_drop(&memory);
        return NULL;
    }
    WITHOUT_GIL(self, status = tj_history_diff_load(self->handle, from, to, &query, &diff, &error));
    arena_drop(&memory);
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *made = decode_list(&record_change, diff->changes, diff->count);
    tj_history_diff_free(diff);
    return made;
}

PyObject *store_equity(store *self, PyObject *args)
{
    const char *book;
    PyObject *first, *last;
    tj_moment from, to;
    tj_equity_curve *curve = NULL;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!PyArg_ParseTuple(args, "zOO", &book, &first, &last) || !encode_moment(first, &from) ||
        !encode_moment(last, &to) || !store_enter(self)) {
        return NULL;
    }
    tj_state_repository *states = tj_store_state_repository(self->handle, book);
    WITHOUT_GIL(self, status = tj_equity_curve_load(states, from, to, &curve, &error));
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *made = decode_list(&record_equity_point, curve->points, curve->count);
    tj_equity_curve_free(curve);
    return made;
}

static PyMethodDef methods[] = {
    METHOD("next", next, METH_NOARGS, NULL),
    METHOD("close", close_it, METH_NOARGS, NULL),
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, (void *)history_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};
static PyType_Spec spec = {"tesser_journal._native.History", sizeof(history), 0, Py_TPFLAGS_DEFAULT,
                           slots};

bool history_setup(PyObject *module)
{
    history_type = type_new(module, "History", &spec);
    return history_type != NULL;
}
