/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The store as a Python object: opening, closing at any moment, and the calls that read or save.
 *
 * Closing waits until no call is under way in any thread, then ends what depends on the store.
 * Every call that may wait runs without the GIL. A store belongs to the process that opened it. */
#include "native.h"

#include <stdio.h>
#include <unistd.h>

#include "flight.h"

PyTypeObject *store_type;

/* ---- entering and leaving ------------------------------------------------------------------ */

/* Asking the system at each call would cost as much as the call. */
static pid_t this_process;

void store_after_fork(void)
{
    this_process = getpid();
}

static bool is_ours(const store *self)
{
    if (self->process == this_process) {
        return true;
    }
    char text[TJ_ERROR_MESSAGE_SIZE];
    snprintf(text, sizeof text,
             "this journal was opened by process %lld; after a fork a child opens its own",
             (long long)self->process);
    return raise_text(TJ_CLOSED, text);
}

bool store_is_open(const store *self)
{
    return is_ours(self) && (!self->closing || raise_text(TJ_CLOSED, "this journal is closed"));
}

bool store_enter(store *self)
{
    if (!store_is_open(self)) {
        return false;
    }
    pthread_mutex_lock(&self->lock);
    self->calls++;
    pthread_mutex_unlock(&self->lock);
    return true;
}

void store_leave(store *self)
{
    pthread_mutex_lock(&self->lock);
    if (--self->calls == 0) {
        pthread_cond_broadcast(&self->idle);
    }
    pthread_mutex_unlock(&self->lock);
}

void store_add(store *self, dependant *child)
{
    pthread_mutex_lock(&self->lock);
    child->next = self->dependants;
    child->link = &self->dependants;
    if (child->next) {
        child->next->link = &child->next;
    }
    self->dependants = child;
    pthread_mutex_unlock(&self->lock);
}

/* With the lock. */
static bool unlink_child(dependant *child)
{
    if (!child->link) {
        return false;
    }
    *child->link = child->next;
    if (child->next) {
        child->next->link = child->link;
    }
    child->link = NULL;
    return true;
}

void store_remove(store *self, dependant *child)
{
    pthread_mutex_lock(&self->lock);
    unlink_child(child);
    pthread_mutex_unlock(&self->lock);
}

void store_end(store *self, dependant *child)
{
    if (self->process != this_process) {
        return; /* the parent's */
    }
    pthread_mutex_lock(&self->lock);
    if (unlink_child(child)) {
        child->end(child);
    }
    pthread_mutex_unlock(&self->lock);
}

/* ---- opening and closing ------------------------------------------------------------------- */

static bool parse_config(PyObject *args, tj_config *config, const char **file)
{
    int type, durability, read_only, must_exist, shared, no_history;
    unsigned long long map_size, map_size_max, segment_size, history_size, history_age;
    unsigned long long lag_bytes;
    unsigned lag_ms;
    if (!PyArg_ParseTuple(args, "zzziippp(KKKKIKKp)", &config->path, file, &config->book, &type,
                          &durability, &read_only, &must_exist, &shared, &map_size, &map_size_max,
                          &segment_size, &lag_bytes, &lag_ms, &history_size, &history_age,
                          &no_history)) {
        return false;
    }
    config->type = (tj_engine_type)type;
    config->durability = (tj_durability)durability;
    config->read_only = read_only;
    config->must_exist = must_exist;
    config->shared = shared;
    config->lmdb = (tj_lmdb_config){.map_size_bytes = map_size,
                                    .map_size_max_bytes = map_size_max,
                                    .segment_size_bytes = segment_size,
                                    .lag_bytes = lag_bytes,
                                    .lag_ms = lag_ms,
                                    .history_size_bytes = history_size,
                                    .history_age_s = history_age,
                                    .no_history = no_history};
    config->trace = trace_collect;
    return true;
}

static PyObject *store_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    (void)keywords;
    tj_config config = TJ_CONFIG_INIT;
    const char *file;
    tj_error error = TJ_ERROR_INIT;
    if (!parse_config(args, &config, &file)) {
        return NULL;
    }
    store *self = (store *)PyType_GenericNew(type, NULL, NULL);
    if (!self) {
        return NULL;
    }
    self->process = this_process;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->idle, NULL);
    tj_status status = file ? tj_config_load(file, &config, &error) : TJ_OK;
    if (status == TJ_OK) {
        PyThreadState *thread = PyEval_SaveThread();
        status = tj_store_open(&config, &self->handle, &error);
        PyEval_RestoreThread(thread);
    }
    if (file) {
        tj_config_dispose(&config);
    }
    trace_deliver();
    if (status != TJ_OK) {
        Py_DECREF(self);
        return raise_error(status, &error);
    }
    return (PyObject *)self;
}

/* With the GIL: calls that keep it need no more than a look. Whether there is anything to close. */
static bool begin_closing(store *self)
{
    bool first = self->handle && !self->closing;
    self->closing = true;
    return first;
}

/* Waits for calls under way, ends dependants, closes. Without the GIL. */
static tj_status finish_closing(store *self, tj_error *error)
{
    pthread_mutex_lock(&self->lock);
    while (self->calls > 0) {
        pthread_cond_wait(&self->idle, &self->lock);
    }
    while (self->dependants) {
        dependant *child = self->dependants;
        unlink_child(child);
        child->end(child);
    }
    pthread_mutex_unlock(&self->lock);
    tj_status status = tj_store_close(self->handle, error);
    self->handle = NULL;
    return status;
}

static tj_status close_now(store *self, tj_error *error)
{
    tj_status status = TJ_OK;
    if (begin_closing(self)) {
        PyThreadState *thread = PyEval_SaveThread();
        status = finish_closing(self, error);
        PyEval_RestoreThread(thread);
        flight_forget(self);
    }
    return status;
}

static PyObject *store_close(store *self, PyObject *unused)
{
    (void)unused;
    tj_error error = TJ_ERROR_INIT;
    if (self->process !=
        this_process) { /* the parent's: its locks may be held by threads that are gone */
        Py_RETURN_NONE;
    }
    tj_status status = close_now(self, &error);
    trace_deliver();
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    Py_RETURN_NONE;
}

static void store_dealloc(PyObject *object)
{
    store *self = (store *)object;
    if (self->process == this_process) {
        tj_error ignored = TJ_ERROR_INIT;
        (void)close_now(self, &ignored);
        pthread_mutex_destroy(&self->lock);
        pthread_cond_destroy(&self->idle);
    }
    type_free(object);
}

/* ---- counters, commits, books -------------------------------------------------------------- */

static PyObject *counter_reserve(store *self, PyObject *args)
{
    const char *book, *name;
    unsigned long long count;
    uint64_t first = 0;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!PyArg_ParseTuple(args, "zsK", &book, &name, &count) || !store_enter(self)) {
        return NULL;
    }
    WITHOUT_GIL(self, status = tj_counter_reserve(self->handle, book, name, count, &first, &error));
    return status == TJ_OK ? PyLong_FromUnsignedLongLong(first) : raise_error(status, &error);
}

static PyObject *counter_next(store *self, PyObject *args)
{
    const char *book, *name;
    uint64_t next = 0;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!PyArg_ParseTuple(args, "zs", &book, &name) || !store_enter(self)) {
        return NULL;
    }
    WITHOUT_GIL(self, status = tj_counter_next(self->handle, book, name, &next, &error));
    return status == TJ_OK ? PyLong_FromUnsignedLongLong(next) : raise_error(status, &error);
}

static PyObject *commit_find(store *self, PyObject *args)
{
    PyObject *key;
    tj_uuid id;
    uint64_t sequence = 0;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!PyArg_ParseTuple(args, "O", &key) || !encode_uuid(key, &id) || !store_enter(self)) {
        return NULL;
    }
    WITHOUT_GIL(self, status = tj_store_commit_find(self->handle, &id, &sequence, &error));
    return status == TJ_OK ? PyLong_FromUnsignedLongLong(sequence) : raise_error(status, &error);
}

static PyObject *book_create(store *self, PyObject *args)
{
    const char *name;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!PyArg_ParseTuple(args, "s", &name) || !store_enter(self)) {
        return NULL;
    }
    WITHOUT_GIL(self, status = tj_store_book_create(self->handle, name, &error));
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    Py_RETURN_NONE;
}

static PyObject *books(store *self, PyObject *unused)
{
    (void)unused;
    tj_book_list *list = NULL;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!store_enter(self)) {
        return NULL;
    }
    WITHOUT_GIL(self, status = tj_store_books(self->handle, &list, &error));
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *names = PyList_New((Py_ssize_t)list->count);
    for (size_t i = 0; names && i < list->count; i++) {
        PyObject *name = decode_text(list->books[i].name);
        if (!name || PyList_SetItem(names, (Py_ssize_t)i, name) < 0) {
            Py_CLEAR(names);
        }
    }
    tj_book_list_free(list);
    return names;
}

static PyObject *info(store *self, PyObject *unused)
{
    (void)unused;
    tj_store_info told = TJ_STORE_INFO_INIT;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!store_enter(self)) {
        return NULL;
    }
    WITHOUT_GIL(self, status = tj_store_info_get(self->handle, &told, &error));
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    typedef unsigned long long number;
    return Py_BuildValue(
        "{sssssssNsisKsNsKsNsLsKsKsKsKsK}", "engine", tj_engine_type_name(told.type), "durability",
        told.durability == TJ_DURABILITY_SYNC ? "sync"
        : told.durability == TJ_DURABILITY_OS ? "os"
                                              : "replicated",
        "path", told.path, "journal_id", decode_uuid(told.journal_id), "format_version",
        (int)told.format_version, "sequence", (number)told.sequence, "sequence_time",
        told.sequence > 0 ? decode_time(told.sequence_time) : decode_text((tj_str){NULL, 0}),
        "state_bytes", (number)told.state_bytes, "writer_alive", PyBool_FromLong(told.writer_alive),
        "writer_pid", (long long)told.writer_pid, "applied_sequence",
        (number)told.lmdb.applied_sequence, "lag_bytes", (number)told.lmdb.lag_bytes, "log_bytes",
        (number)told.lmdb.log_bytes, "free_bytes", (number)told.lmdb.free_bytes, "reserve_bytes",
        (number)told.lmdb.reserve_bytes);
}

static PyMethodDef methods[] = {
    METHOD("close", store_close, METH_NOARGS, NULL),
    METHOD("state_load", store_state_load, METH_VARARGS, NULL),
    METHOD("state_save", store_state_save, METH_VARARGS, NULL),
    METHOD("state_rollback", store_state_rollback, METH_VARARGS, NULL),
    METHOD("algos_load", store_algos_load, METH_VARARGS, NULL),
    METHOD("algo_load", store_algo_load, METH_VARARGS, NULL),
    METHOD("ledger_find", store_ledger_find, METH_VARARGS, NULL),
    METHOD("ledger_latest", store_ledger_latest, METH_VARARGS, NULL),
    METHOD("counter_reserve", counter_reserve, METH_VARARGS, NULL),
    METHOD("counter_next", counter_next, METH_VARARGS, NULL),
    METHOD("commit_find", commit_find, METH_VARARGS, NULL),
    METHOD("book_create", book_create, METH_VARARGS, NULL),
    METHOD("books", books, METH_NOARGS, NULL),
    METHOD("info", info, METH_NOARGS, NULL),
    METHOD("history", store_history, METH_VARARGS, NULL),
    METHOD("diff", store_diff, METH_VARARGS, NULL),
    METHOD("equity", store_equity, METH_VARARGS, NULL),
    METHOD("frame", store_frame, METH_VARARGS, NULL),
    METHOD("begin", store_begin, METH_FASTCALL, NULL),
    METHOD("complete", store_complete, METH_VARARGS, NULL),
    METHOD("finish", store_finish, METH_NOARGS, NULL),
    METHOD("completion_fd", store_completion_fd, METH_NOARGS, NULL),
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)store_new},
    {Py_tp_dealloc, (void *)store_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};
static PyType_Spec spec = {"tesser_journal._native.Store", sizeof(store), 0, Py_TPFLAGS_DEFAULT,
                           slots};

bool store_setup(PyObject *module)
{
    store_after_fork();
    store_type = type_new(module, "Store", &spec);
    return store_type != NULL;
}
