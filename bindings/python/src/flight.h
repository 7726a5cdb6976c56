/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Submitted commits, as what asyncio takes for futures. */
#ifndef TESSER_PYTHON_FLIGHT_H
#define TESSER_PYTHON_FLIGHT_H

#include "native.h"

typedef struct flight flight;

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

#endif
