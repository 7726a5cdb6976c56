/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the rows of each frame are, and where they come from. */
#include "native.h"

#include <stdlib.h>

#define AT(type, member) .name = #member, .offset = offsetof(type, member), .other = NO_OTHER
#define ROW(type, array)                                                                     \
    {                                                                                        \
        .size = sizeof(type), .fields = (array), .count = sizeof(array) / sizeof((array)[0]) \
    }

typedef struct position_row {
    tj_str sub_account; /* absent for the portfolio's own */
    tj_position position;
} position_row;
static field position_row_fields[] = {
    {AT(position_row, sub_account), .kind = FIELD_TEXT, .optional = true},
    {AT(position_row, position), .kind = FIELD_RECORD, .record = &record_position},
};
static const record position_rows = ROW(position_row, position_row_fields);

typedef struct balance_row {
    tj_str sub_account;
    tj_balance balance;
} balance_row;
static field balance_row_fields[] = {
    {AT(balance_row, sub_account), .kind = FIELD_TEXT, .optional = true},
    {AT(balance_row, balance), .kind = FIELD_RECORD, .record = &record_balance},
};
static const record balance_rows = ROW(balance_row, balance_row_fields);

/* A piece of an array of rows being collected. */
typedef struct rows {
    char *data;
    size_t count;
} rows;

#define COLLECT(function, row_type, element, array, counter)                                     \
    static bool function##_of(rows *out, tj_str account, const element *items, size_t count)     \
    {                                                                                            \
        row_type *larger = realloc(out->data, (out->count + count + 1) * sizeof *larger);        \
        if (!larger) {                                                                           \
            PyErr_NoMemory();                                                                    \
            return false;                                                                        \
        }                                                                                        \
        out->data = (char *)larger;                                                              \
        for (size_t i = 0; i < count; i++) {                                                     \
            larger[out->count++] = (row_type){account, items[i]};                                \
        }                                                                                        \
        return true;                                                                             \
    }                                                                                            \
    static bool function(rows *out, const tj_live_state *state)                                  \
    {                                                                                            \
        const tj_portfolio *portfolio = &state->portfolio;                                       \
        bool done = function##_of(out, (tj_str){NULL, 0}, portfolio->array, portfolio->counter); \
        for (size_t i = 0; done && i < portfolio->sub_account_count; i++) {                      \
            const tj_sub_account *account = &portfolio->sub_accounts[i];                         \
            done = function##_of(out, account->exchange, account->array, account->counter);      \
        }                                                                                        \
        return done;                                                                             \
    }

COLLECT(collect_positions, position_row, tj_position, positions, position_count)
COLLECT(collect_balances, balance_row, tj_balance, balances, balance_count)

static PyObject *state_frame(const tj_live_state *state, const char *what, bool floats)
{
    if (strcmp(what, "orders") == 0) {
        return frame_new(&record_order, state->open_orders, state->open_order_count, floats);
    }
    bool positions = strcmp(what, "positions") == 0;
    rows found = {NULL, 0};
    bool done = positions ? collect_positions(&found, state) : collect_balances(&found, state);
    PyObject *made = done ? frame_new(positions ? &position_rows : &balance_rows, found.data,
                                      found.count, floats)
                          : NULL;
    free(found.data);
    return made;
}

/* (book, "positions", "orders" or "balances", moment, floats) */
static PyObject *frame_of_state(store *self, PyObject *args)
{
    const char *book, *what;
    PyObject *when;
    int floats;
    tj_moment moment;
    tj_live_state *state = NULL;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    if (!PyArg_ParseTuple(args, "zsOp", &book, &what, &when, &floats) ||
        !encode_moment(when, &moment) || !store_enter(self)) {
        return NULL;
    }
    tj_state_repository *states = tj_store_state_repository(self->handle, book);
    WITHOUT_GIL(self, status = when == Py_None ? tj_state_load(states, &state, &error)
                                               : tj_state_load_at(states, moment, &state, &error));
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *made = state_frame(state, what, floats);
    tj_live_state_free(state);
    return made;
}

static PyObject *frame_of_ledger(store *self, const char *book, bool floats)
{
    tj_ledger_list *list = NULL;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    tj_ledger_repository *ledger = tj_store_ledger_repository(self->handle, book);
    WITHOUT_GIL(self, status = tj_ledger_find(ledger, NULL, &list, &error));
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *made = frame_new(&record_ledger_entry, list->entries, list->count, floats);
    tj_ledger_list_free(list);
    return made;
}

static PyObject *frame_of_equity(store *self, const char *book, bool floats)
{
    tj_equity_curve *curve = NULL;
    tj_moment whole = TJ_MOMENT_INIT;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    tj_state_repository *states = tj_store_state_repository(self->handle, book);
    WITHOUT_GIL(self, status = tj_equity_curve_load(states, whole, whole, &curve, &error));
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *made = frame_new(&record_equity_point, curve->points, curve->count, floats);
    tj_equity_curve_free(curve);
    return made;
}

PyObject *store_frame(store *self, PyObject *args)
{
    const char *book, *what;
    PyObject *when;
    int floats;
    if (!PyArg_ParseTuple(args, "zsOp", &book, &what, &when, &floats)) {
        return NULL;
    }
    bool ledger = strcmp(what, "ledger") == 0;
    if (!ledger && strcmp(what, "equity") != 0) {
        return frame_of_state(self, args);
    }
    if (!store_enter(self)) {
        return NULL;
    }
    return ledger ? frame_of_ledger(self, book, floats) : frame_of_equity(self, book, floats);
}
