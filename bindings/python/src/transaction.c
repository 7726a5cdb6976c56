/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A transaction as a Python object. Noting a change is short and keeps the GIL; committing does
 * not. Its store's closing ends it. */
#include "native.h"

#include "flight.h"

PyTypeObject *transaction_type;

typedef struct transaction {
    PyObject_HEAD PyObject *journal;
    store *owner;
    dependant link; /* in its store */
    tj_txn *handle; /* NULL: committed, aborted, or its store is closed */
    tj_commit_options options;
    PyObject *note;    /* the text that the options have */
    uint64_t sequence; /* of the commit, 0 until it is made */
} transaction;

static void end_transaction(dependant *link)
{
    transaction *self = (transaction *)((char *)link - offsetof(transaction, link));
    tj_txn_abort(self->handle);
    self->handle = NULL;
}

static bool read_options(transaction *self, PyObject *id, PyObject *note)
{
    if (id != Py_None && !encode_uuid(id, &self->options.commit_id)) {
        return false;
    }
    if (note == Py_None) {
        return true;
    }
    Py_INCREF(note);
    self->note = note;
    return text_view(note, &self->options.note);
}

/* Gives it what the library has for it. */
static bool begin(transaction *self, store *owner, const char *book)
{
    tj_error error;
    error_clear(&error);
    if (!store_is_open(owner)) {
        return false;
    }
    tj_status status = tj_txn_begin(owner->handle, &self->handle, &error);
    if (status == TJ_OK) {
        Py_INCREF(owner);
        self->owner = owner;
        self->link.end = end_transaction;
        store_add(owner, &self->link);
    }
    if (status == TJ_OK && book) {
        status = tj_txn_use_book(self->handle, book, &error);
    }
    return status == TJ_OK || raise_error(status, &error);
}

static bool read_number(PyObject *value, unsigned long long most, unsigned long long *out)
{
    *out = PyLong_AsUnsignedLongLong(value);
    if (!PyErr_Occurred() && *out > most) {
        PyErr_SetString(PyExc_OverflowError, "the number is too large");
    }
    return !PyErr_Occurred();
}

/* begin(class, journal, book, commit_id, expected_sequence, deadline_ms, sync, critical, note) */
PyObject *store_begin(store *self, PyObject *const *args, Py_ssize_t count)
{
    const char *book = NULL;
    unsigned long long expected, deadline_ms;
    if (count != 9 || !PyType_Check(args[0]) ||
        !PyType_IsSubtype((PyTypeObject *)args[0], transaction_type)) {
        PyErr_SetString(PyExc_TypeError, "a transaction's class and eight arguments are needed");
        return NULL;
    }
    if ((args[2] != Py_None && !PyArg_Parse(args[2], "s", &book)) ||
        !read_number(args[4], UINT64_MAX, &expected) ||
        !read_number(args[5], UINT32_MAX, &deadline_ms)) {
        return NULL;
    }
    transaction *made = (transaction *)PyType_GenericAlloc((PyTypeObject *)args[0], 0);
    if (!made) {
        return NULL;
    }
    Py_INCREF(args[1]);
    made->journal = args[1];
    made->options = (tj_commit_options)TJ_COMMIT_OPTIONS_INIT;
    made->options.expected_sequence = expected;
    made->options.deadline_ms = (uint32_t)deadline_ms;
    made->options.sync = PyObject_IsTrue(args[6]) == 1;
    made->options.critical = PyObject_IsTrue(args[7]) == 1;
    if (!read_options(made, args[3], args[8]) || !begin(made, self, book)) {
        Py_CLEAR(made);
    }
    return (PyObject *)made;
}

/* The handle, while the GIL is kept: closing begins with it. NULL with an exception set. */
static tj_txn *use(transaction *self)
{
    if (!self->owner || !store_is_open(self->owner)) {
        return NULL;
    }
    if (!self->handle) {
        raise_text(TJ_MISUSE, "this transaction was committed or aborted already");
    }
    return self->handle;
}

/* The same, for its last call: it belongs to the caller afterwards, and store_leave follows. */
static tj_txn *use_up(transaction *self)
{
    tj_txn *handle = use(self);
    if (!handle || !store_enter(self->owner)) {
        return NULL;
    }
    store_remove(self->owner, &self->link);
    self->handle = NULL;
    return handle;
}

/* ---- changes ------------------------------------------------------------------------------- */

/* Of a METH_FASTCALL | METH_KEYWORDS. */
typedef struct arguments {
    PyObject *const *values;
    Py_ssize_t count;
    PyObject *names;
} arguments;

/* A change while it is noted: the arguments, and what they are in C; only what is used of it is set. */
typedef struct change {
    PyObject *value, *other;
    arena memory;
    tj_error error;
    tj_str name, account;
    tj_identity id;
    tj_uuid uuid;
    union {
        tj_live_state state;
        tj_order order;
        tj_portfolio portfolio;
        tj_sub_account sub_account;
        tj_position position;
        tj_balance balance;
        tj_execution_checkpoint checkpoint;
        tj_algo_state algo;
        tj_ledger_entry entry;
        tj_decimal amount;
        tj_time time;
    } as;
} change;

static void start(change *c, PyObject *value)
{
    c->value = value;
    c->memory = (arena){0};
    error_clear(&c->error);
}

/* Two arguments, by place or by name; the second is None when it may be left out. */
static bool two(change *c, const arguments *given, bool optional, const char *first,
                const char *second)
{
    PyObject *values[2] = {NULL, optional ? Py_None : NULL};
    const char *known[2] = {first, second};
    for (Py_ssize_t i = 0; i < given->count && i < 2; i++) {
        values[i] = given->values[i];
    }
    bool fits = given->count <= 2;
    for (Py_ssize_t i = 0; given->names && i < PyTuple_Size(given->names); i++) {
        PyObject *name = PyTuple_GetItem(given->names, i);
        int at = PyUnicode_CompareWithASCIIString(name, first) == 0 ? 0 : 1;
        fits = fits && at >= given->count && PyUnicode_CompareWithASCIIString(name, known[at]) == 0;
        values[at] = given->values[given->count + i];
    }
    if (!fits || !values[0] || !values[1]) {
        PyErr_Format(PyExc_TypeError, "the arguments are %s and %s%s", first, second,
                     optional ? ", which may be left out" : "");
        return false;
    }
    c->value = values[0];
    c->other = values[1];
    return true;
}

static PyObject *noted(change *c, bool used, tj_status status)
{
    arena_drop(&c->memory);
    if (!used) {
        return NULL;
    }
    if (status != TJ_OK) {
        return raise_error(status, &c->error);
    }
    Py_RETURN_NONE;
}

/* Encoding may run Python code, which may end the transaction: the handle is taken behind it. */
#define NOTE(encoded, library_call)                  \
    tj_txn *txn = (encoded) ? use(self) : NULL;      \
    tj_status status = txn ? (library_call) : TJ_OK; \
    return noted(&c, txn, status)
#define CHANGE(function, encoded, library_call)                   \
    static PyObject *function(transaction *self, PyObject *value) \
    {                                                             \
        change c;                                                 \
        start(&c, value);                                         \
        NOTE(encoded, library_call);                              \
    }
#define CHANGE_BY_TWO(function, optional, first, second, encoded, library_call)             \
    static PyObject *function(transaction *self, PyObject *const *values, Py_ssize_t count, \
                              PyObject *names)                                              \
    {                                                                                       \
        change c;                                                                           \
        start(&c, NULL);                                                                    \
        arguments given = {values, count, names};                                           \
        NOTE(two(&c, &given, optional, first, second) && (encoded), library_call);          \
    }

#define RECORD_OF(argument, kind, member)                \
    encode_record(&c.memory, &record_##kind, (argument), \
                  memset(&c.as.member, 0, sizeof c.as.member))
#define RECORD(kind, member) RECORD_OF(c.value, kind, member)
#define NAME text_or_none(c.value, &c.name)
#define JSON encode_json(&c.memory, c.value, &c.name)
#define SYMBOL symbol_view(c.value, &c.id)
#define ACCOUNT text_or_none(c.other, &c.account)
#define ABSENT (c.value == Py_None)
#define IF_GIVEN(member) (ABSENT ? NULL : &c.as.member)

CHANGE(put_state, RECORD(live_state, state), tj_txn_put_state(txn, &c.as.state, &c.error))
CHANGE(put_order, RECORD(order, order), tj_txn_put_order(txn, &c.as.order, &c.error))
CHANGE(delete_order, NAME, tj_txn_delete_order(txn, c.name, &c.error))
CHANGE(put_portfolio, RECORD(portfolio, portfolio),
       tj_txn_put_portfolio(txn, &c.as.portfolio, &c.error))
CHANGE(delete_portfolio, true, tj_txn_delete_portfolio(txn, &c.error))
CHANGE(put_sub_account, RECORD(sub_account, sub_account),
       tj_txn_put_sub_account(txn, &c.as.sub_account, &c.error))
CHANGE(delete_sub_account, NAME, tj_txn_delete_sub_account(txn, c.name, &c.error))
CHANGE_BY_TWO(put_position, true, "position", "sub_account", RECORD(position, position) && ACCOUNT,
              tj_txn_put_position(txn, c.account, &c.as.position, &c.error))
CHANGE_BY_TWO(delete_position, true, "symbol", "sub_account", SYMBOL &&ACCOUNT,
              tj_txn_delete_position(txn, c.account, c.id, &c.error))
CHANGE_BY_TWO(put_balance, true, "balance", "sub_account", RECORD(balance, balance) && ACCOUNT,
              tj_txn_put_balance(txn, c.account, &c.as.balance, &c.error))
CHANGE_BY_TWO(delete_balance, true, "currency", "sub_account", SYMBOL &&ACCOUNT,
              tj_txn_delete_balance(txn, c.account, c.id, &c.error))
CHANGE_BY_TWO(put_price, false, "symbol", "price", SYMBOL &&encode_decimal(c.other, &c.as.amount),
              tj_txn_put_price(txn, &(tj_price){c.id, c.as.amount}, &c.error))
CHANGE(delete_price, SYMBOL, tj_txn_delete_price(txn, c.id, &c.error))
CHANGE(set_portfolio_equity, ABSENT || encode_decimal(c.value, &c.as.amount),
       tj_txn_set_portfolio_equity(txn, IF_GIVEN(amount), &c.error))
CHANGE(set_last_candle_ts, ABSENT || encode_time(c.value, &c.as.time),
       tj_txn_set_last_candle_ts(txn, IF_GIVEN(time), &c.error))
CHANGE(set_strategy_state, JSON, tj_txn_set_strategy_state(txn, c.name, &c.error))
CHANGE(set_execution_checkpoint, ABSENT || RECORD(checkpoint, checkpoint),
       tj_txn_set_execution_checkpoint(txn, IF_GIVEN(checkpoint), &c.error))
CHANGE(set_extra, JSON, tj_txn_set_extra(txn, c.name, &c.error))
CHANGE_BY_TWO(put_algo, false, "id", "state",
              encode_uuid(c.value, &c.uuid) && RECORD_OF(c.other, algo_state, algo),
              tj_txn_put_algo(txn, &c.uuid, &c.as.algo, &c.error))
CHANGE(delete_algo, encode_uuid(c.value, &c.uuid), tj_txn_delete_algo(txn, &c.uuid, &c.error))
CHANGE(append_ledger, RECORD(ledger_entry, entry), tj_txn_append_ledger(txn, &c.as.entry, &c.error))

static PyObject *use_book(transaction *self, PyObject *value)
{
    const char *book;
    change c;
    start(&c, value);
    NOTE(PyArg_Parse(value, "s", &book), tj_txn_use_book(txn, book, &c.error));
}

/* ---- the end ------------------------------------------------------------------------------- */

static PyObject *commit(transaction *self, PyObject *unused)
{
    (void)unused;
    tj_error error = TJ_ERROR_INIT;
    uint64_t sequence = 0;
    tj_status status;
    tj_txn *txn = use_up(self);
    if (!txn) {
        return NULL;
    }
    WITHOUT_GIL(self->owner, status = tj_txn_commit(txn, &self->options, &sequence, &error));
    self->sequence = sequence;
    return status == TJ_OK ? PyLong_FromUnsignedLongLong(sequence) : raise_error(status, &error);
}

/* Gives the flight, once the transaction's handle is the caller's. */
static PyObject *take_off(transaction *self, tj_txn *txn, PyObject *watch)
{
    tj_error error;
    error_clear(&error);
    uint64_t sequence = 0;
    tj_status status;
    flight *made = flight_new(self->owner, watch);
    if (!made) {
        tj_txn_abort(txn);
        store_leave(self->owner);
        return NULL;
    }
    WITHOUT_GIL(self->owner,
                status = tj_txn_submit(txn, &self->options, flight_done, made, &sequence, &error));
    self->sequence = sequence;
    if (status != TJ_OK) {
        flight_drop(made);
        return raise_error(status, &error);
    }
    return (PyObject *)made;
}

static PyObject *submit(transaction *self, PyObject *unused)
{
    (void)unused;
    if (self->options.deadline_ms > 0) {
        return raise_text(TJ_MISUSE,
                          "deadline_ms is for commits that block; use asyncio.wait_for here");
    }
    if (self->owner && self->owner->finishing) {
        return raise_text(TJ_CLOSED, "this journal is closed");
    }
    PyObject *watch = flight_watch(self->owner, self->journal);
    tj_txn *txn = watch ? use_up(self) : NULL;
    PyObject *made = txn ? take_off(self, txn, watch) : NULL;
    Py_XDECREF(watch);
    return made;
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
    Py_XDECREF(self->journal);
    Py_XDECREF(self->note);
    type_free(object);
}

static PyObject *get_sequence(transaction *self, void *unused)
{
    (void)unused;
    return self->sequence ? PyLong_FromUnsignedLongLong(self->sequence)
                          : decode_text((tj_str){NULL, 0});
}

#define BY_TWO (METH_FASTCALL | METH_KEYWORDS)
static PyMethodDef methods[] = {
    METHOD("use_book", use_book, METH_O,
           "use_book($self, name, /)\n--\n\nThe book that the following calls change."),
    METHOD("put_state", put_state, METH_O,
           "put_state($self, state, /)\n--\n\nReplaces the whole state."),
    METHOD("put_order", put_order, METH_O,
           "put_order($self, order, /)\n--\n\n"
           "Puts one open order: in its place when its id is there, else at the end."),
    METHOD("delete_order", delete_order, METH_O,
           "delete_order($self, id, /)\n--\n\n"
           "Deletes one open order; one that is not there is no error."),
    METHOD("put_portfolio", put_portfolio, METH_O,
           "put_portfolio($self, portfolio, /)\n--\n\n"
           "Puts the portfolio's own members; its positions, balances and sub-accounts stay."),
    METHOD("delete_portfolio", delete_portfolio, METH_NOARGS,
           "delete_portfolio($self, /)\n--\n\nDeletes the portfolio with all in it."),
    METHOD("put_sub_account", put_sub_account, METH_O,
           "put_sub_account($self, account, /)\n--\n\n"
           "Puts a sub-account's own members; its positions and balances stay."),
    METHOD("delete_sub_account", delete_sub_account, METH_O,
           "delete_sub_account($self, exchange, /)\n--\n\nDeletes a sub-account with all in it."),
    METHOD("put_position", put_position, BY_TWO,
           "put_position($self, position, sub_account=None)\n--\n\n"
           "Puts one position of the portfolio, or of the sub-account at that exchange."),
    METHOD("delete_position", delete_position, BY_TWO,
           "delete_position($self, symbol, sub_account=None)\n--\n\nDeletes one position."),
    METHOD("put_balance", put_balance, BY_TWO,
           "put_balance($self, balance, sub_account=None)\n--\n\n"
           "Puts one balance of the portfolio, or of the sub-account at that exchange."),
    METHOD("delete_balance", delete_balance, BY_TWO,
           "delete_balance($self, currency, sub_account=None)\n--\n\nDeletes one balance."),
    METHOD("put_price", put_price, BY_TWO,
           "put_price($self, symbol, price)\n--\n\nPuts the last price of a symbol."),
    METHOD("delete_price", delete_price, METH_O,
           "delete_price($self, symbol, /)\n--\n\nDeletes the last price of a symbol."),
    METHOD("set_portfolio_equity", set_portfolio_equity, METH_O,
           "set_portfolio_equity($self, equity, /)\n--\n\n"
           "Sets the portfolio's equity; None removes it."),
    METHOD("set_last_candle_ts", set_last_candle_ts, METH_O,
           "set_last_candle_ts($self, time, /)\n--\n\n"
           "Sets the time of the last candle; None removes it."),
    METHOD("set_strategy_state", set_strategy_state, METH_O,
           "set_strategy_state($self, value, /)\n--\n\n"
           "Sets the strategy's state, any JSON value; None removes it."),
    METHOD("set_execution_checkpoint", set_execution_checkpoint, METH_O,
           "set_execution_checkpoint($self, checkpoint, /)\n--\n\n"
           "Sets the execution checkpoint; None removes it."),
    METHOD("set_extra", set_extra, METH_O,
           "set_extra($self, members, /)\n--\n\n"
           "Replaces the unknown top-level members; {} removes them."),
    METHOD("_put_algo", put_algo, BY_TWO, NULL),
    METHOD("_delete_algo", delete_algo, METH_O, NULL),
    METHOD("_append_ledger", append_ledger, METH_O, NULL),
    METHOD(
        "commit", commit, METH_NOARGS,
        "commit($self, /)\n--\n\n"
        "Commits; durable on return. Gives the commit's sequence.\n\n"
        "Raises:\n"
        "    FullError, ConflictError, NotFoundError (the book), InvalidError: nothing changed.\n"
        "    UnavailableError, UnknownError: see deadline_ms. ClosedError: its text says whether\n"
        "    the commit was not applied or is unknown until the journal is opened again."),
    METHOD("_submit", submit, METH_NOARGS, NULL),
    METHOD("abort", abort_it, METH_NOARGS,
           "abort($self, /)\n--\n\nDrops the transaction; after a commit it does nothing."),
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"sequence", (getter)get_sequence, NULL, "The commit's, once it is made; else None.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)type_refuse},
    {Py_tp_dealloc, (void *)transaction_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {0, NULL},
};
static PyType_Spec spec = {"tesser_journal._native.Transaction", sizeof(transaction), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

bool transaction_setup(PyObject *module)
{
    transaction_type = type_new(module, "Transaction", &spec);
    return transaction_type != NULL;
}
