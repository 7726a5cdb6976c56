/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Between the files that look at a journal and at what it stands on (tj_doctor). */
#ifndef TJ_MAINTAIN_CHECKUP_H
#define TJ_MAINTAIN_CHECKUP_H

#include <limits.h>

#include <tesser/maintain.h>

#include "base/arena.h"
#include "base/buffer.h"

typedef struct tj__examinee {
    const tj_config *config; /* complete */
    char path[TJ_PATH_SIZE]; /* from the root */
    bool measure_flush;
    tj__arena *arena;
    tj__buffer items; /* tj_checkup_item */
    bool failed;      /* memory was short */
    tj_error failure; /* of opening it, for want of memory */
    tj_health worst;
    int64_t writer_pid; /* 0: none is alive */
    bool has_info;      /* the journal could be opened */
    tj_store_info info;
} tj__examinee;

/* What was looked at, in a sentence with what was measured, and the command that mends it; NULL:
 * none does. */
void tj__checkup_add(tj__examinee *x, const char *name, tj_health health, const char *command,
                     const char *format, ...) TJ_PRINTF(5, 6);
/* A path as a word of such a command. */
const char *tj__checkup_word(tj__examinee *x, const char *path);
/* A command with the journal's path: "tesser-journal verify -j %s --deep". */
const char *tj__checkup_command(tj__examinee *x, const char *format, ...) TJ_PRINTF(2, 3);

#define TJ__AMOUNT_SIZE 32
/* "512 B", "1.5 MiB". */
const char *tj__amount(uint64_t bytes, char out[TJ__AMOUNT_SIZE]);

/* checkup_journal.c: whether it opens, who uses it, its clock and its growth. Before the others. */
void tj__checkup_journal(tj__examinee *x);
/* checkup_backup.c: how old the backups are. */
void tj__checkup_backup(tj__examinee *x);
/* checkup_disk.c: file system, mount, flushes, space, inodes. */
void tj__checkup_disk(tj__examinee *x);
/* checkup_files.c: owners and modes, and what was left over. */
void tj__checkup_files(tj__examinee *x);
/* checkup_server.c: a journal on a server, instead of all the others. */
void tj__checkup_server(tj__examinee *x);
/* checkup_process.c: limits and versions. */
void tj__checkup_process(tj__examinee *x);

#endif
