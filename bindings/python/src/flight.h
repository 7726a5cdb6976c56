/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Submitted commits, as what asyncio takes for futures. */
#ifndef TESSER_PYTHON_FLIGHT_H
#define TESSER_PYTHON_FLIGHT_H

#include "native.h"

typedef struct waiter {
    struct waiter *next;
    PyObject *callback, *context;
} waiter;

typedef enum flight_state { FLYING, DONE, CANCELLED } flight_state;

typedef struct flight {
    PyObject_HEAD struct flight *next, **link; /* among the flying or the landed */
    const store *owner;
    PyObject *watch;
    waiter *waiters;
    flight_state state; /* what is known in its loop */
    bool blocking;      /* asyncio's: it was yielded by an await just now */
    bool told;          /* somebody has seen the outcome */
    tj_status status;
    uint64_t sequence;
    tj_error *error;   /* NULL when it went well */
    PyObject *message; /* that it was cancelled with, or NULL */
} flight;

/* Python's watch of the loop that runs, for a journal and its store. NULL with an exception set. */
PyObject *flight_watch(const store *owner, PyObject *journal);
/* What a commit is submitted with: a new reference, besides the one until its outcome is taken. The
 * watch comes back with the outcome. NULL with an exception set. */
flight *flight_new(const store *owner, PyObject *watch);
/* When it was not submitted after all. */
void flight_drop(flight *self);
/* A tj_commit_done: notes the outcome, and calls no Python. */
void flight_done(void *context, tj_status status, uint64_t sequence, const tj_error *error);
/* Those whose callbacks the closing of a store dropped. */
void flight_forget(const store *owner);

/* One without anything (future.c); NULL with an exception set. */
flight *flight_alloc(void);
/* Tells the first who waits, of whom there is one; soon: by a callback of the loop. false with an
 * exception set. */
bool flight_tell_first(flight *self, bool soon);
void flight_drop_waiters(flight *self);

#endif
