/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Submitted commits whose outcome Python has not taken yet. */
#ifndef TESSER_PYTHON_PENDING_H
#define TESSER_PYTHON_PENDING_H

#include "native.h"

typedef struct pending pending;

/* What a commit is submitted with; the context comes back with its outcome. NULL with an exception
 * set. */
pending *pending_new(const store *owner, PyObject *context);
/* When it was not submitted after all. */
void pending_drop(pending *self);
/* A tj_commit_done: notes the outcome, and calls no Python. */
void pending_done(void *context, tj_status status, uint64_t sequence, const tj_error *error);
/* Those whose callbacks the closing of a store dropped. */
void pending_forget(const store *owner);

#endif
