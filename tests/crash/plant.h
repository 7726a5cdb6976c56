/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Planted faults: a trace changed into that of a journal with a mistake in it. A flush that is left
 * out of the trace is one that the program never asked for, though it goes on as if it had.
 */
#ifndef TJ_CRASH_PLANT_H
#define TJ_CRASH_PLANT_H

#include "crash/trace.h"
#include "crash/workload.h"

typedef struct fault {
    const char *name;
    const char *what;
    workload trace; /* in which trace it is a fault */
} fault;

/* Ends with one whose name is NULL. */
extern const fault faults[];

/* The same events with the fault in them. Returns how many events it changed. */
size_t fault_plant(const fault *f, const trace *from, trace *to);

#endif
