/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a store keeps of a book: its state, its algorithms, its ledger. */
#include "native.h"

/* ---- state --------------------------------------------------------------------------------- */

static PyObject *no_book(store *self)
{
    store_leave(self);
    return raise_text(TJ_INVALID, "a book's name has 1 to 128 bytes and no control characters");
}

PyObject *store_state_load(store *self, PyObject *args)
{
    const char *book;
    PyObject *when;
    tj_moment moment;
    tj_live_state *state = NULL;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!PyArg_ParseTuple(args, "zO", &book, &when) || !encode_moment(when, &moment) ||
        !store_enter(self)) {
        return NULL;
    }
    tj_state_repository *states = tj_store_state_repository(self->handle, book);
    if (!states) {
        return no_book(self);
    }
    WITHOUT_GIL(self, status = when == Py_None ? tj_state_load(states, &state, &error)
                                               : tj_state_load_at(states, moment, &state, &error));
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *made = decode_record(&record_live_state, state);
    tj_live_state_free(state);
    return made;
}

PyObject *store_state_save(store *self, PyObject *args)
{
    const char *book;
    PyObject *value;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    tj_live_state state = {0};
    arena memory = {0};
    if (!PyArg_ParseTuple(args, "zO", &book, &value) ||
        !encode_record(&memory, &record_live_state, value, &state) || !store_enter(self)) {
        arena_drop(&memory);
        return NULL;
    }
    tj_state_repository *states = tj_store_state_repository(self->handle, book);
    if (!states) {
        arena_drop(&memory);
        return no_book(self);
    }
    WITHOUT_GIL(self, status = tj_state_save(states, &state, &error));
    arena_drop(&memory);
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    Py_RETURN_NONE;
}

PyObject *store_state_rollback(store *self, PyObject *args)
{
    const char *book, *note;
    PyObject *when;
    int dry_run, keep_checkpoint;
    tj_moment moment;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    tj_rollback_options options = TJ_ROLLBACK_OPTIONS_INIT;
    tj_rollback_report *report = NULL;
    if (!PyArg_ParseTuple(args, "zOppz", &book, &when, &dry_run, &keep_checkpoint, &note) ||
        !encode_moment(when, &moment) || !store_enter(self)) {
        return NULL;
    }
    options.dry_run = dry_run;
    options.keep_checkpoint = keep_checkpoint;
    options.note = tj_str_of(note);
    tj_state_repository *states = tj_store_state_repository(self->handle, book);
    if (!states) {
        return no_book(self);
    }
    WITHOUT_GIL(self, status = tj_state_rollback(states, moment, &options, &report, &error));
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *changes = decode_list(&record_change, report->changes, report->change_count);
    PyObject *made = changes ? Py_BuildValue("KKNO", (unsigned long long)report->sequence_to,
                                             (unsigned long long)report->sequence, changes,
                                             report->checkpoint_back ? Py_True : Py_False)
                             : NULL;
    tj_rollback_report_free(report);
    return made;
}

/* ---- algorithms ---------------------------------------------------------------------------- */

static PyObject *decode_algos(const tj_algo_list *list)
{
    PyObject *map = PyDict_New();
    for (size_t i = 0; map && i < list->count; i++) {
        PyObject *id = decode_uuid(list->records[i].id);
        PyObject *state = id ? decode_record(&record_algo_state, &list->records[i].state) : NULL;
        if (!state || PyDict_SetItem(map, id, state) < 0) {
            Py_CLEAR(map);
        }
        Py_XDECREF(id);
        Py_XDECREF(state);
    }
    return map;
}

PyObject *store_algos_load(store *self, PyObject *args)
{
    const char *book;
    PyObject *when;
    tj_moment moment;
    tj_algo_list *list = NULL;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!PyArg_ParseTuple(args, "zO", &book, &when) || !encode_moment(when, &moment) ||
        !store_enter(self)) {
        return NULL;
    }
    tj_algo_repository *algos = tj_store_algo_repository(self->handle, book);
    if (!algos) {
        return no_book(self);
    }
    WITHOUT_GIL(self, status = when == Py_None ? tj_algo_load_all(algos, &list, &error)
                                               : tj_algo_load_all_at(algos, moment, &list, &error));
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *made = decode_algos(list);
    tj_algo_list_free(list);
    return made;
}

PyObject *store_algo_load(store *self, PyObject *args)
{
    const char *book;
    PyObject *key;
    tj_uuid id;
    tj_algo_record *found = NULL;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!PyArg_ParseTuple(args, "zO", &book, &key) || !encode_uuid(key, &id) ||
        !store_enter(self)) {
        return NULL;
    }
    tj_algo_repository *algos = tj_store_algo_repository(self->handle, book);
    if (!algos) {
        return no_book(self);
    }
    WITHOUT_GIL(self, status = tj_algo_load(algos, &id, &found, &error));
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *made = decode_record(&record_algo_state, &found->state);
    tj_algo_record_free(found);
    return made;
}

/* ---- ledger -------------------------------------------------------------------------------- */

static bool encode_ledger_query(arena *memory, PyObject *args, const char **book, PyObject **when,
                                tj_ledger_query *query)
{
    PyObject *exchange, *asset, *type, *first, *last;
    unsigned long long sequence_first, sequence_last, limit;
    int descending, by_time;
    tj_ledger_type typed = (tj_ledger_type)0;
    if (!PyArg_ParseTuple(args, "zOOOOKKOOKpp", book, when, &exchange, &asset, &type,
                          &sequence_first, &sequence_last, &first, &last, &limit, &descending,
                          &by_time) ||
        !encode_text(memory, exchange, &query->exchange) ||
        (asset != Py_None && !encode_symbol(memory, asset, &query->asset)) ||
        (type != Py_None && !encode_ledger_type(type, &typed)) ||
        (first != Py_None && !encode_time(first, &query->time_first)) ||
        (last != Py_None && !encode_time(last, &query->time_last))) {
        return false;
    }
    query->type = typed;
    query->has_time_first = first != Py_None;
    query->has_time_last = last != Py_None;
    query->sequence_first = sequence_first;
    query->sequence_last = sequence_last;
    query->limit = (size_t)limit;
    query->descending = descending;
    query->by_time = by_time;
    return true;
}

PyObject *store_ledger_find(store *self, PyObject *args)
{
    const char *book;
    PyObject *when;
    tj_moment moment;
    tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
    tj_ledger_list *list = NULL;
    arena memory = {0};
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!encode_ledger_query(&memory, args, &book, &when, &query) ||
        !encode_moment(when, &moment) || !store_enter(self)) {
        arena_drop(&memory);
        return NULL;
    }
    tj_ledger_repository *ledger = tj_store_ledger_repository(self->handle, book);
    if (!ledger) {
        arena_drop(&memory);
        return no_book(self);
    }
    WITHOUT_GIL(self, status = when == Py_None
                                   ? tj_ledger_find(ledger, &query, &list, &error)
                                   : tj_ledger_find_at(ledger, moment, &query, &list, &error));
    arena_drop(&memory);
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *made = decode_list(&record_ledger_entry, list->entries, list->count);
    tj_ledger_list_free(list);
    return made;
}

PyObject *store_ledger_latest(store *self, PyObject *args)
{
    const char *book;
    uint64_t latest = 0;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!PyArg_ParseTuple(args, "z", &book) || !store_enter(self)) {
        return NULL;
    }
    tj_ledger_repository *ledger = tj_store_ledger_repository(self->handle, book);
    if (!ledger) {
        return no_book(self);
    }
    WITHOUT_GIL(self, status = tj_ledger_latest(ledger, &latest, &error));
    return status == TJ_OK ? PyLong_FromUnsignedLongLong(latest) : raise_error(status, &error);
}
