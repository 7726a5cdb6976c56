/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the library says beside its results, on its way to Python's logging. */
#include "native.h"

#include <stdlib.h>

/* So many messages wait at most; what comes then is dropped, as nobody makes calls. */
#define WAITING_MAX 256

typedef struct message {
    struct message *next;
    tj_trace_level level;
    char text[];
} message;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static message *first, **last = &first;
static _Atomic size_t waiting;

void trace_collect(void *context, tj_trace_level level, const char *text)
{
    (void)context;
    size_t size = strlen(text) + 1;
    message *told = malloc(sizeof *told + size);
    if (!told) {
        return;
    }
    told->next = NULL;
    told->level = level;
    memcpy(told->text, text, size);
    pthread_mutex_lock(&lock);
    bool room = waiting < WAITING_MAX;
    if (room) {
        *last = told;
        last = &told->next;
        waiting++;
    }
    pthread_mutex_unlock(&lock);
    if (!room) {
        free(told);
    }
}

void trace_after_fork(void)
{
    pthread_mutex_init(&lock, NULL);
    first = NULL;
    last = &first;
    waiting = 0;
}

static message *take_all(void)
{
    pthread_mutex_lock(&lock);
    message *taken = first;
    first = NULL;
    last = &first;
    waiting = 0;
    pthread_mutex_unlock(&lock);
    return taken;
}

void trace_deliver(void)
{
    if (waiting == 0) {
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    for (message *told = take_all(); told;) {
        message *next = told->next;
        PyObject *result =
            PyObject_CallFunction(python.on_trace, "is", (int)told->level, told->text);
        if (!result) {
            PyErr_WriteUnraisable(python.on_trace);
        }
        Py_XDECREF(result);
        free(told);
        told = next;
    }
    PyErr_Restore(type, value, traceback);
}
