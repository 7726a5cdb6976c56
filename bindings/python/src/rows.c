/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the rows of each frame are, and where they come from. */
#include "native.h"

#include <stdio.h>
#include <stdlib.h>

#define ROW(type, array)                                                     \
    {                                                                        \
        .size = sizeof(type), .fields = (array), .count = FIELD_COUNT(array) \
    }

typedef struct position_row {
    tj_str sub_account; /* absent for the portfolio's own */
    tj_position position;
} position_row;
static field position_row_fields[] = {
    {FIELD_AT(position_row, sub_account), .kind = FIELD_TEXT, .optional = true},
    {FIELD_AT(position_row, position), .kind = FIELD_RECORD, .record = &record_position},
};
static const record position_rows = ROW(position_row, position_row_fields);

typedef struct balance_row {
    tj_str sub_account;
    tj_balance balance;
} balance_row;
static field balance_row_fields[] = {
    {FIELD_AT(balance_row, sub_account), .kind = FIELD_TEXT, .optional = true},
    {FIELD_AT(balance_row, balance), .kind = FIELD_RECORD, .record = &record_balance},
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

/* What is asked for. */
typedef struct request {
    const char *book, *what;
    bool floats, now;
    tj_moment at, first, last;
    tj_history_query query;
    arena memory;
} request;

static PyObject *frame_of_state(store *self, const request *r)
{
    tj_live_state *state = NULL;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    tj_state_repository *states = tj_store_state_repository(self->handle, r->book);
    WITHOUT_GIL(self, status = r->now ? tj_state_load(states, &state, &error)
                                      : tj_state_load_at(states, r->at, &state, &error));
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *made = state_frame(state, r->what, r->floats);
    tj_live_state_free(state);
    return made;
}

static PyObject *frame_of_ledger(store *self, const request *r)
{
    tj_ledger_list *list = NULL;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    tj_ledger_repository *ledger = tj_store_ledger_repository(self->handle, r->book);
    WITHOUT_GIL(self, status = r->now ? tj_ledger_find(ledger, NULL, &list, &error)
                                      : tj_ledger_find_at(ledger, r->at, NULL, &list, &error));
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *made = frame_new(&record_ledger_entry, list->entries, list->count, r->floats);
    tj_ledger_list_free(list);
    return made;
}

static PyObject *frame_of_equity(store *self, const request *r)
{
    tj_equity_curve *curve = NULL;
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    tj_state_repository *states = tj_store_state_repository(self->handle, r->book);
    WITHOUT_GIL(self, status = tj_equity_curve_load(states, r->first, r->last, &curve, &error));
    if (status != TJ_OK) {
        return raise_error(status, &error);
    }
    PyObject *made = frame_new(&record_equity_point, curve->points, curve->count, r->floats);
    tj_equity_curve_free(curve);
    return made;
}

/* ---- the history: a row for each change, with the commit that made it ----------------------- */

typedef struct history_row {
    uint64_t sequence;
    tj_time time;
    tj_uuid commit_id;
    tj_str note;
    tj_change change;
} history_row;
static field history_row_fields[] = {
    {FIELD_AT(history_row, sequence), .kind = FIELD_NUMBER},
    {FIELD_AT(history_row, time), .kind = FIELD_TIME},
    {FIELD_AT(history_row, commit_id), .kind = FIELD_UUID, .optional = true},
    {FIELD_AT(history_row, note), .kind = FIELD_TEXT},
    {FIELD_AT(history_row, change), .kind = FIELD_RECORD, .record = &record_change},
};
static const record history_rows = ROW(history_row, history_row_fields);

typedef struct collector {
    history_row *rows;
    size_t count, room;
    arena memory; /* of their texts */
} collector;

/* Texts of a commit are gone with the next one. */
static bool keep(collector *c, tj_str *text)
{
    char *copy = text->data ? arena_try(&c->memory, text->size + 1) : NULL;
    if (copy) {
        memcpy(copy, text->data, text->size);
    }
    bool done = copy || !text->data;
    text->data = copy;
    return done;
}

static bool collect_change(collector *c, const history_row *commit, const tj_change *change)
{
    if (c->count == c->room) {
        size_t room = c->room ? 2 * c->room : 256;
        history_row *larger = realloc(c->rows, room * sizeof *larger);
        if (!larger) {
            return false;
        }
        c->rows = larger;
        c->room = room;
    }
    history_row *row = &c->rows[c->count++];
    *row = *commit;
    row->change = *change;
    return keep(c, &row->change.book) && keep(c, &row->change.owner) && keep(c, &row->change.key) &&
           keep(c, &row->change.old_value) && keep(c, &row->change.new_value);
}

static bool collect_commit(collector *c, const tj_history_commit *commit)
{
    history_row row = {.sequence = commit->sequence,
                       .time = commit->time,
                       .commit_id = commit->commit_id,
                       .note = commit->note.data ? commit->note : TJ_STR("")};
    bool done = keep(c, &row.note);
    for (size_t i = 0; done && i < commit->change_count; i++) {
        done = collect_change(c, &row, &commit->changes[i]);
    }
    return done;
}

static tj_status collect_history(collector *c, tj_store *handle, const tj_history_query *query,
                                 tj_error *error)
{
    tj_history *history = NULL;
    const tj_history_commit *commit = NULL;
    tj_status status = tj_history_open(handle, query, &history, error);
    while (status == TJ_OK && (status = tj_history_next(history, &commit, error)) == TJ_OK &&
           commit) {
        if (!collect_commit(c, commit)) {
            status = TJ_NOMEM;
            snprintf(error->message, sizeof error->message,
                     "no memory for the changes up to commit %llu: ask for fewer of them",
                     (unsigned long long)commit->sequence);
        }
    }
    tj_history_close(history);
    return status;
}

static PyObject *frame_of_history(store *self, const request *r)
{
    collector found = {NULL, 0, 0, {NULL}};
    tj_status status;
    tj_error error = TJ_ERROR_INIT;
    WITHOUT_GIL(self, status = collect_history(&found, self->handle, &r->query, &error));
    PyObject *made = status == TJ_OK ? frame_new(&history_rows, found.rows, found.count, r->floats)
                                     : raise_error(status, &error);
    free(found.rows);
    arena_drop(&found.memory);
    return made;
}

static bool read_request(PyObject *args, request *r)
{
    PyObject *at, *query;
    int floats;
    if (!PyArg_ParseTuple(args, "zsOpO!", &r->book, &r->what, &at, &floats, &PyTuple_Type,
                          &query) ||
        !encode_moment(at, &r->at) || !encode_query(&r->memory, query, &r->query)) {
        return false;
    }
    r->floats = floats;
    r->now = at == Py_None;
    return encode_moment(PyTuple_GetItem(query, 0), &r->first) &&
           encode_moment(PyTuple_GetItem(query, 1), &r->last);
}

/* (book, what, moment, floats, query): of the moment are states and the ledger, of the query's
 * bounds equity and history. */
PyObject *store_frame(store *self, PyObject *args)
{
    static const struct {
        const char *what;
        PyObject *(*frame)(store *self, const request *r);
    } kinds[] = {{"orders", frame_of_state},   {"positions", frame_of_state},
                 {"balances", frame_of_state}, {"ledger", frame_of_ledger},
                 {"equity", frame_of_equity},  {"history", frame_of_history}};
    request r = {.query = TJ_HISTORY_QUERY_INIT};
    PyObject *made = NULL;
    if (read_request(args, &r)) {
        size_t i = 0;
        while (i < FIELD_COUNT(kinds) && strcmp(kinds[i].what, r.what) != 0) {
            i++;
        }
        if (i == FIELD_COUNT(kinds)) {
            PyErr_Format(PyExc_ValueError,
                         "'%s' is none of orders, positions, balances, ledger, equity, history",
                         r.what);
        } else if (store_enter(self)) {
            made = kinds[i].frame(self, &r);
        }
    }
    arena_drop(&r.memory);
    return made;
}
