/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What is said to the trace callback, and when.
 *
 * The callback may do anything but close the store: open another one, fork, save. So it is never
 * called inside a lock. Whoever takes a lock under which something may be said, or leads a batch of
 * the log, holds the messages of its thread before, and lets them go when it has nothing left that
 * a call could wait for. Holds nest; the messages come in their order when the last one ends.
 */
#ifndef TJ_BASE_TRACE_H
#define TJ_BASE_TRACE_H

#include <tesser/config.h>

#include "base/error.h"

/* Says it now, or when this thread holds nothing any more. Without a callback: nothing. */
void tj__trace(const tj_config *config, tj_trace_level level, const char *format, ...)
    TJ_PRINTF(3, 4);

void tj__trace_hold(void);
void tj__trace_let_go(void);
/* In the child of a fork: what waits is the parent's to say. */
void tj__trace_forget(void);

#endif
