/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A transaction as a Python object. Noting a change is short and keeps the GIL; committing does
 * not. Its store's closing ends it. */
#include "native.h"

#include <stdio.h>

#include "pending.h"

PyTypeObject *transaction_type;

typedef struct transaction {
    PyObject_HEAD store *owner;
    dependant link; /* in its store */
    tj_txn *handle; /* NULL: committed, aborted, or its store is closed */
} transaction;

static void end_transaction(dependant *link)
{
    transaction *self = (transaction *)((char *)link - offsetof(transaction, link));
    tj_txn_abort(self->handle);
    self->handle = NULL;
}

PyObject *store_transaction(store *owner, PyObject *unused)
{
    (void)unused;
    tj_error error = TJ_ERROR_INIT;
    transaction *self = (transaction *)PyType_GenericNew(transaction_type, NULL, NULL);
    if (!self || !store_enter(owner)) {
        Py_XDECREF(self);
        return NULL;
    }
    tj_status status = tj_txn_begin(owner->handle, &self->handle, &error);
    if (status == TJ_OK) {
        Py_INCREF(owner);
        self->owner = owner;
        self->link.end = end_transaction;
        store_add(owner, &self->link);
    }
    store_leave(owner);
    if (status != TJ_OK) {
        Py_DECREF(self);
        return raise_error(status, &error);
    }
    return (PyObject *)self;
}

/* The handle, for one call; store_leave follows. NULL with an exception set. */
static tj_txn *use(transaction *self)
{
    if (!self->owner || !store_enter(self->owner)) {
        return NULL;
    }
    if (!self->handle) {
        store_leave(self->owner);
        raise_text(TJ_MISUSE, "this transaction was committed or aborted already");
    }
    return self->handle;
}

/* The same, for its last call: it belongs to the caller afterwards. */
static tj_txn *use_up(transaction *self)
{
    tj_txn *handle = use(self);
    if (handle) {
        store_remove(self->owner, &self->link);
        self->handle = NULL;
    }
    return handle;
}

static PyObject *noted(transaction *self, arena *memory, tj_status status, const tj_error *error)
{
    store_leave(self->owner);
    arena_drop(memory);
    if (status != TJ_OK) {
        return raise_error(status, error);
    }
    Py_RETURN_NONE;
}

/* ---- changes ------------------------------------------------------------------------------- */

static PyObject *failed(arena *memory)
{
    arena_drop(memory);
    return NULL;
}

/* Encoding may run Python code, which may end the transaction: the handle is taken behind it. */
#define PUT(function, type, of_record, library_call)                                  \
    static PyObject *function(transaction *self, PyObject *value)                     \
    {                                                                                 \
        arena memory = {0};                                                           \
        tj_error error = TJ_ERROR_INIT;                                               \
        type data = {0};                                                              \
        tj_txn *txn;                                                                  \
        if (!encode_record(&memory, of_record, value, &data) || !(txn = use(self))) { \
            return failed(&memory);                                                   \
        }                                                                             \
        return noted(self, &memory, library_call(txn, &data, &error), &error);        \
    }

PUT(put_state, tj_live_state, &record_live_state, tj_txn_put_state)
PUT(put_order, tj_order, &record_order, tj_txn_put_order)
PUT(put_portfolio, tj_portfolio, &record_portfolio, tj_txn_put_portfolio)
PUT(put_sub_account, tj_sub_account, &record_sub_account, tj_txn_put_sub_account)
PUT(append_ledger, tj_ledger_entry, &record_ledger_entry, tj_txn_append_ledger)

/* Positions and balances: (value, sub-account or None). */
#define PUT_OWNED(function, type, of_record, library_call)                              \
    static PyObject *function(transaction *self, PyObject *args)                        \
    {                                                                                   \
        arena memory = {0};                                                             \
        tj_error error = TJ_ERROR_INIT;                                                 \
        type data = {0};                                                                \
        tj_str account = {0};                                                           \
        PyObject *value, *name;                                                         \
        tj_txn *txn;                                                                    \
        if (!PyArg_ParseTuple(args, "OO", &value, &name) ||                             \
            !encode_record(&memory, of_record, value, &data) ||                         \
            !encode_text(&memory, name, &account) || !(txn = use(self))) {              \
            return failed(&memory);                                                     \
        }                                                                               \
        return noted(self, &memory, library_call(txn, account, &data, &error), &error); \
    }

PUT_OWNED(put_position, tj_position, &record_position, tj_txn_put_position)
PUT_OWNED(put_balance, tj_balance, &record_balance, tj_txn_put_balance)

#define DELETE_OWNED(function, library_call)                                                 \
    static PyObject *function(transaction *self, PyObject *args)                             \
    {                                                                                        \
        arena memory = {0};                                                                  \
        tj_error error = TJ_ERROR_INIT;                                                      \
        tj_identity id = {0};                                                                \
        tj_str account = {0};                                                                \
        PyObject *symbol, *name;                                                             \
        tj_txn *txn;                                                                         \
        if (!PyArg_ParseTuple(args, "OO", &symbol, &name) ||                                 \
            !encode_symbol(&memory, symbol, &id) || !encode_text(&memory, name, &account) || \
            !(txn = use(self))) {                                                            \
            return failed(&memory);                                                          \
        }                                                                                    \
        return noted(self, &memory, library_call(txn, account, id, &error), &error);         \
    }

DELETE_OWNED(delete_position, tj_txn_delete_position)
DELETE_OWNED(delete_balance, tj_txn_delete_balance)

#define DELETE_NAMED(function, library_call)                                  \
    static PyObject *function(transaction *self, PyObject *value)             \
    {                                                                         \
        arena memory = {0};                                                   \
        tj_error error = TJ_ERROR_INIT;                                       \
        tj_str name = {0};                                                    \
        tj_txn *txn;                                                          \
        if (!encode_text(&memory, value, &name) || !(txn = use(self))) {      \
            return failed(&memory);                                           \
        }                                                                     \
        return noted(self, &memory, library_call(txn, name, &error), &error); \
    }

DELETE_NAMED(delete_order, tj_txn_delete_order)
DELETE_NAMED(delete_sub_account, tj_txn_delete_sub_account)

static PyObject *delete_portfolio(transaction *self, PyObject *unused)
{
    (void)unused;
    arena memory = {0};
    tj_error error = TJ_ERROR_INIT;
    tj_txn *txn = use(self);
    return txn ? noted(self, &memory, tj_txn_delete_portfolio(txn, &error), &error) : NULL;
}

static PyObject *use_book(transaction *self, PyObject *args)
{
    const char *book;
    arena memory = {0};
    tj_error error = TJ_ERROR_INIT;
    tj_txn *txn;
    if (!PyArg_ParseTuple(args, "s", &book) || !(txn = use(self))) {
        return NULL;
    }
    return noted(self, &memory, tj_txn_use_book(txn, book, &error), &error);
}

/* (symbol, price or None) */
static PyObject *set_price(transaction *self, PyObject *args)
{
    arena memory = {0};
    tj_error error = TJ_ERROR_INIT;
    tj_price price = {0};
    PyObject *symbol, *value;
    tj_txn *txn;
    if (!PyArg_ParseTuple(args, "OO", &symbol, &value) ||
        !encode_symbol(&memory, symbol, &price.symbol) ||
        (value != Py_None && !encode_decimal(value, &price.price)) || !(txn = use(self))) {
        return failed(&memory);
    }
    tj_status status = value == Py_None ? tj_txn_delete_price(txn, price.symbol, &error)
                                        : tj_txn_put_price(txn, &price, &error);
    return noted(self, &memory, status, &error);
}

static PyObject *set_portfolio_equity(transaction *self, PyObject *value)
{
    arena memory = {0};
    tj_error error = TJ_ERROR_INIT;
    tj_decimal equity;
    tj_txn *txn;
    if ((value != Py_None && !encode_decimal(value, &equity)) || !(txn = use(self))) {
        return NULL;
    }
    const tj_decimal *given = value == Py_None ? NULL : &equity;
    return noted(self, &memory, tj_txn_set_portfolio_equity(txn, given, &error), &error);
}

static PyObject *set_last_candle_ts(transaction *self, PyObject *value)
{
    arena memory = {0};
    tj_error error = TJ_ERROR_INIT;
    tj_time time;
    tj_txn *txn;
    if ((value != Py_None && !encode_time(value, &time)) || !(txn = use(self))) {
        return NULL;
    }
    const tj_time *given = value == Py_None ? NULL : &time;
    return noted(self, &memory, tj_txn_set_last_candle_ts(txn, given, &error), &error);
}

#define SET_JSON(function, library_call)                                      \
    static PyObject *function(transaction *self, PyObject *value)             \
    {                                                                         \
        arena memory = {0};                                                   \
        tj_error error = TJ_ERROR_INIT;                                       \
        tj_str json = {0};                                                    \
        tj_txn *txn;                                                          \
        if (!encode_json(&memory, value, &json) || !(txn = use(self))) {      \
            return failed(&memory);                                           \
        }                                                                     \
        return noted(self, &memory, library_call(txn, json, &error), &error); \
    }

SET_JSON(set_strategy_state, tj_txn_set_strategy_state)
SET_JSON(set_extra, tj_txn_set_extra)

static PyObject *set_execution_checkpoint(transaction *self, PyObject *value)
{
    arena memory = {0};
    tj_error error = TJ_ERROR_INIT;
    tj_execution_checkpoint checkpoint = {0};
    tj_txn *txn;
    if ((value != Py_None && !encode_record(&memory, &record_checkpoint, value, &checkpoint)) ||
        !(txn = use(self))) {
        return failed(&memory);
    }
    const tj_execution_checkpoint *given = value == Py_None ? NULL : &checkpoint;
    return noted(self, &memory, tj_txn_set_execution_checkpoint(txn, given, &error), &error);
}

/* (id, AlgoState or None) */
static PyObject *set_algo(transaction *self, PyObject *args)
{
    arena memory = {0};
    tj_error error = TJ_ERROR_INIT;
    tj_algo_state state = {0};
    tj_uuid id;
    PyObject *key, *value;
    tj_txn *txn;
    if (!PyArg_ParseTuple(args, "OO", &key, &value) || !encode_uuid(key, &id) ||
        (value != Py_None && !encode_record(&memory, &record_algo_state, value, &state)) ||
        !(txn = use(self))) {
        return failed(&memory);
    }
    tj_status status = value == Py_None ? tj_txn_delete_algo(txn, &id, &error)
                                        : tj_txn_put_algo(txn, &id, &state, &error);
    return noted(self, &memory, status, &error);
}

/* ---- the end ------------------------------------------------------------------------------- */

static bool encode_options(arena *memory, PyObject *args, tj_commit_options *options,
                           unsigned long long *token)
{
    PyObject *id, *note;
    unsigned long long expected;
    int sync, critical;
    if (!PyArg_ParseTuple(args, "OKIppOK", &id, &expected, &options->deadline_ms, &sync, &critical,
                          &note, token) ||
        (id != Py_None && !encode_uuid(id, &options->commit_id)) ||
        !encode_text(memory, note, &options->note)) {
        return false;
    }
    options->expected_sequence = expected;
    options->sync = sync;
    options->critical = critical;
    return true;
}

static PyObject *commit(transaction *self, PyObject *args)
{
    arena memory = {0};
    tj_error error = TJ_ERROR_INIT;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    unsigned long long token;
    uint64_t sequence = 0;
    tj_status status;
    tj_txn *txn;
    if (!encode_options(&memory, args, &options, &token) || !(txn = use_up(self))) {
        return failed(&memory);
    }
    WITHOUT_GIL(self->owner, status = tj_txn_commit(txn, &options, &sequence, &error));
    arena_drop(&memory);
    return status == TJ_OK ? PyLong_FromUnsignedLongLong(sequence) : raise_error(status, &error);
}

static PyObject *submit(transaction *self, PyObject *args)
{
    arena memory = {0};
    tj_error error = TJ_ERROR_INIT;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    unsigned long long token;
    uint64_t sequence = 0;
    tj_status status;
    tj_txn *txn;
    pending *expected;
    if (!encode_options(&memory, args, &options, &token) || !(txn = use_up(self))) {
        return failed(&memory);
    }
    expected = pending_new(self->owner, token);
    if (!expected) {
        tj_txn_abort(txn);
        store_leave(self->owner);
        return failed(&memory);
    }
    WITHOUT_GIL(self->owner,
                status = tj_txn_submit(txn, &options, pending_done, expected, &sequence, &error));
    arena_drop(&memory);
    if (status != TJ_OK) {
        pending_drop(expected);
        return raise_error(status, &error);
    }
    return PyLong_FromUnsignedLongLong(sequence);
}

static PyObject *abort_it(transaction *self, PyObject *unused)
{
    (void)unused;
    if (self->owner) {
        store_end(self->owner, &self->link);
    }
    Py_RETURN_NONE;
}

static void transaction_dealloc(PyObject *object)
{
    transaction *self = (transaction *)object;
    Py_XDECREF(abort_it(self, NULL));
    Py_XDECREF(self->owner);
    type_free(object);
}

#define METHOD(name, function, how)                              \
    {                                                            \
        name, (PyCFunction)(void (*)(void))(function), how, NULL \
    }
static PyMethodDef methods[] = {
    METHOD("use_book", use_book, METH_VARARGS),
    METHOD("put_state", put_state, METH_O),
    METHOD("put_order", put_order, METH_O),
    METHOD("delete_order", delete_order, METH_O),
    METHOD("put_portfolio", put_portfolio, METH_O),
    METHOD("delete_portfolio", delete_portfolio, METH_NOARGS),
    METHOD("put_sub_account", put_sub_account, METH_O),
    METHOD("delete_sub_account", delete_sub_account, METH_O),
    METHOD("put_position", put_position, METH_VARARGS),
    METHOD("delete_position", delete_position, METH_VARARGS),
    METHOD("put_balance", put_balance, METH_VARARGS),
    METHOD("delete_balance", delete_balance, METH_VARARGS),
    METHOD("set_price", set_price, METH_VARARGS),
    METHOD("set_portfolio_equity", set_portfolio_equity, METH_O),
    METHOD("set_last_candle_ts", set_last_candle_ts, METH_O),
    METHOD("set_strategy_state", set_strategy_state, METH_O),
    METHOD("set_execution_checkpoint", set_execution_checkpoint, METH_O),
    METHOD("set_extra", set_extra, METH_O),
    METHOD("set_algo", set_algo, METH_VARARGS),
    METHOD("append_ledger", append_ledger, METH_O),
    METHOD("commit", commit, METH_VARARGS),
    METHOD("submit", submit, METH_VARARGS),
    METHOD("abort", abort_it, METH_NOARGS),
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, (void *)transaction_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};
static PyType_Spec spec = {"tesser_journal._native.Transaction", sizeof(transaction), 0,
                           Py_TPFLAGS_DEFAULT, slots};

bool transaction_setup(PyObject *module)
{
    transaction_type = type_new(module, "Transaction", &spec);
    return transaction_type != NULL;
}
