/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The program whose writes are recorded: it creates a journal, commits alone and from several
 * threads at once, over several segments and with LMDB applied meanwhile, closes, compacts, opens,
 * and is killed; then a second process recovers, and goes on in the same way. Of history: one that
 * builds bases while it commits, prunes, and is killed.
 */
#ifndef TJ_CRASH_WORKLOAD_H
#define TJ_CRASH_WORKLOAD_H

typedef enum workload { WORKLOAD_SYNC, WORKLOAD_OS, WORKLOAD_HISTORY } workload;
#define WORKLOADS 3

/* "sync", "os", "history". */
const char *workload_name(workload kind);
/* Runs it in child processes in an existing, empty directory, and writes the trace to a file. */
void workload_record(const char *directory, workload kind, const char *trace_path);

#endif
