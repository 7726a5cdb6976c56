/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the files of the extension module share. It moves values between Python and the library and
 * has no logic of its own. Built for the limited API of Python 3.9, so that one binary serves all
 * later versions. */
#ifndef TESSER_PYTHON_NATIVE_H
#define TESSER_PYTHON_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Python 3.9 has these, and calls them limited from 3.10 on. */
#ifndef METH_FASTCALL
#define METH_FASTCALL 0x0080
#endif
PyAPI_FUNC(const char *) PyUnicode_AsUTF8AndSize(PyObject *text, Py_ssize_t *size);

#include <pthread.h>
#include <tesser/journal.h>

/* ---- fields: which member of a C struct is which attribute of a Python class (fields.c) ----- */

typedef enum field_kind {
    FIELD_TEXT,    /* tj_str */
    FIELD_SYMBOL,  /* tj_identity, in its canonical text */
    FIELD_DECIMAL, /* decimal.Decimal */
    FIELD_TIME,    /* Time */
    FIELD_CHOICE,  /* an enumeration, by Tesser's names */
    FIELD_FLAG,    /* bool */
    FIELD_NUMBER,  /* uint64_t */
    FIELD_UUID,    /* uuid.UUID */
    FIELD_JSON,    /* tj_str with JSON, as a Python value; absent is None */
    FIELD_RECORD,  /* a struct inside this one */
    FIELD_LIST,    /* an array of structs, as a list */
    FIELD_MAP,     /* the same, as a dict by the first field of each */
    FIELD_PRICES,  /* an array of tj_price, as a dict from symbol to price */
    FIELD_TEXTS    /* an array of tj_str, as a list */
} field_kind;

#define NO_OTHER SIZE_MAX

struct record;

typedef struct field {
    const char *name;
    field_kind kind;
    size_t offset;
    size_t other;             /* offset of its has_ flag or of its count, else NO_OTHER */
    bool optional;            /* None when absent (no data), or the choice 0 */
    const char *const *names; /* of a choice, from 1 on */
    struct record *record;    /* of RECORD, LIST and MAP */
    PyObject *attribute;      /* the name, interned */
} field;

typedef struct record {
    const char *name; /* of the class in tesser_journal._values */
    size_t size;
    field *fields;
    size_t count;
    PyTypeObject *type;
} record;

/* The beginning of a field, and how many an array has. */
#define FIELD_AT(type, member) .name = #member, .offset = offsetof(type, member), .other = NO_OTHER
#define FIELD_COUNT(array) (sizeof(array) / sizeof((array)[0]))

extern record record_live_state, record_portfolio, record_sub_account, record_position,
    record_balance, record_order, record_request, record_checkpoint, record_ledger_entry,
    record_algo_state, record_equity_point, record_change;

/* What Python gives the module when it is imported: classes and functions. */
typedef struct python_side {
    PyObject *decimal, *uuid, *time, *utc, *to_ns, *json_loads, *json_dumps, *errors, *on_trace;
    PyObject *cancelled, *invalid_state, *copy_context; /* asyncio's */
    PyObject *run, *loop, *watch;                       /* names */
} python_side;
extern python_side python;

/* Interns names and takes the classes out of the module `values`. */
bool fields_setup(PyObject *values);

/* ---- to Python (decode.c); NULL with an exception set -------------------------------------- */

PyObject *decode_record(const record *kind, const void *data);
PyObject *decode_field(const field *member, const void *data);
PyObject *decode_text(tj_str text); /* None when absent */
PyObject *decode_uuid(tj_uuid id);
PyObject *decode_time(tj_time time);
PyObject *decode_list(const record *kind, const void *data, size_t count);

/* ---- from Python (encode.c); false with an exception set ------------------------------------ */

/* Memory that lives as long as one call. */
typedef struct arena {
    struct arena_block *blocks;
} arena;
void *arena_take(arena *memory, size_t size); /* zeroed; NULL with an exception set */
void *arena_try(arena *memory, size_t size);  /* the same without Python: NULL alone */
void arena_drop(arena *memory);

/* The text of a str, which stays with it. */
bool text_view(PyObject *value, tj_str *out);
bool text_or_none(PyObject *value, tj_str *out); /* None: absent */
bool symbol_view(PyObject *value, tj_identity *out);
bool encode_record(arena *memory, const record *kind, PyObject *value, void *data);
bool encode_text(arena *memory, PyObject *value, tj_str *out); /* None: absent */
bool encode_json(arena *memory, PyObject *value, tj_str *out);
bool encode_symbol(arena *memory, PyObject *value, tj_identity *out);
bool encode_decimal(PyObject *value, tj_decimal *out);
bool encode_time(PyObject *value, tj_time *out);
bool encode_uuid(PyObject *value, tj_uuid *out);
bool encode_ledger_type(PyObject *value, tj_ledger_type *out);
bool encode_moment(PyObject *value, tj_moment *out); /* None, int, datetime or text */
bool encode_query(arena *memory, PyObject *options, tj_history_query *query); /* history.c */

/* ---- errors (error.c) ----------------------------------------------------------------------- */

/* An empty one without the zeroes behind its texts, which take as long as a short call. */
static inline void error_clear(tj_error *error)
{
    error->status = TJ_OK;
    error->os_errno = error->engine_code = 0;
    error->place[0] = error->message[0] = '\0';
}

/* The exception for a status, as a new reference. */
PyObject *error_new(tj_status status, const tj_error *error);
/* Sets it; always NULL, and false for callers that return bool. */
PyObject *raise_error(tj_status status, const tj_error *error);
/* Sets the exception for a failure that the module itself found. */
PyObject *raise_text(tj_status status, const char *text);

/* ---- stores (store.c) ----------------------------------------------------------------------- */

/* What must end before its store is closed: a transaction, a history. */
typedef struct dependant {
    struct dependant *next, **link;
    void (*end)(struct dependant *self);
} dependant;

typedef struct store {
    PyObject_HEAD tj_store *handle; /* NULL: closed */
    pid_t process;                  /* that opened it */
    bool finishing, closing; /* takes no more submits; nothing any more. The GIL guards them */
    pthread_mutex_t lock;    /* of what follows; never held while anything is waited for */
    pthread_cond_t idle;
    size_t calls; /* without the GIL, in any thread: closing waits for them */
    dependant *dependants;
} store;

/* Before each use of the handle while the GIL is kept. Sets an exception when the store is closed or
 * another process's. */
bool store_is_open(const store *self);
/* Around each use of the handle without the GIL. store_enter needs it and is as store_is_open;
 * store_leave needs none. */
bool store_enter(store *self);
void store_leave(store *self);
void store_add(store *self, dependant *child);
/* Takes a child out: it is the caller's alone from then on. */
void store_remove(store *self, dependant *child);
/* Ends a child, unless that was done. */
void store_end(store *self, dependant *child);
PyObject *store_state_load(store *self, PyObject *args);
PyObject *store_state_save(store *self, PyObject *args);
PyObject *store_state_rollback(store *self, PyObject *args);
PyObject *store_algos_load(store *self, PyObject *args);
PyObject *store_algo_load(store *self, PyObject *args);
PyObject *store_ledger_find(store *self, PyObject *args);
PyObject *store_ledger_latest(store *self, PyObject *args);
PyObject *store_history(store *self, PyObject *args);
PyObject *store_diff(store *self, PyObject *args);
PyObject *store_equity(store *self, PyObject *args);
PyObject *store_frame(store *self, PyObject *args);
PyObject *store_complete(store *self, PyObject *args);
PyObject *store_finish(store *self, PyObject *unused);
PyObject *store_completion_fd(store *self, PyObject *unused);
PyObject *store_begin(store *self, PyObject *const *args, Py_ssize_t count);
PyObject *flight_settle(PyObject *module, PyObject *args);
PyObject *flight_is_watching(PyObject *module, PyObject *watch);

/* Runs one statement on a store without the GIL; what the library had to say goes to Python. */
#define WITHOUT_GIL(self, statement)                  \
    do {                                              \
        PyThreadState *thread_ = PyEval_SaveThread(); \
        statement;                                    \
        store_leave(self);                            \
        PyEval_RestoreThread(thread_);                \
        trace_deliver();                              \
    } while (0)

/* The library's trace is collected, from whichever thread it comes, and told to Python by the next
 * call that holds the GIL: no thread of the library ever waits for Python (trace.c). */
void trace_collect(void *context, tj_trace_level level, const char *message);
void trace_deliver(void);

/* In a forked child, whose other threads are gone with whatever they held. */
void trace_after_fork(void);
void flight_after_fork(void);
void store_after_fork(void);

extern PyTypeObject *store_type, *transaction_type, *history_type, *frame_type;
bool store_setup(PyObject *module);
bool transaction_setup(PyObject *module);
bool flight_setup(PyObject *module);
bool history_setup(PyObject *module);
bool frame_setup(PyObject *module);
/* A frame of an array of structs; its columns are the members of `row`. */
PyObject *frame_new(const record *row, const void *rows, size_t count, bool floats);

#define METHOD(name, function, how, doc)                        \
    {                                                           \
        name, (PyCFunction)(void (*)(void))(function), how, doc \
    }

/* A heap type of the module; NULL with an exception set. */
PyTypeObject *type_new(PyObject *module, const char *name, PyType_Spec *spec);
/* The tp_new of a type that only the module makes. */
PyObject *type_refuse(PyTypeObject *type, PyObject *args, PyObject *names);
/* What a heap type's dealloc ends with. */
void type_free(PyObject *self);

#endif
