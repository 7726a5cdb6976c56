/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The recorder: definitions of the system calls that change files, which stand before libc's for
 * everything in a program that is linked with it, LMDB included. While nothing is recorded they
 * only pass on.
 *
 * Stores into shared maps are not seen: writer.lock and lock.mdb. After a power cut their content
 * is of another boot and is not believed, so that any content will do.
 */
#ifndef TJ_CRASH_RECORD_H
#define TJ_CRASH_RECORD_H

#include "crash/trace.h"

/* Records what happens below `root` (an absolute path) into `into`. Files get numbers above
 * first_file. One recording at a time, from any number of threads. */
void record_begin(const char *root, uint32_t first_file, trace *into);
void record_end(void);
/* The same for a process that is about to die: its other threads stop at their next such call, so
 * that nothing is done that was not recorded. */
void record_end_killed(void);

/* How long each flush of a file takes at least, so that savers meet in it as on a disk. */
void record_slow_flushes(unsigned microseconds);

/* What the program promises or was promised, in order with the calls. */
void record_attempt(uint64_t number);
void record_ack(uint64_t number, uint64_t sequence);
void record_opened(uint64_t sequence);
void record_closed(uint64_t sequence);

#endif
