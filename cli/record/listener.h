/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The Unix socket that programs connect to, and who of them may record. */
#ifndef TJ_CLI_RECORD_LISTENER_H
#define TJ_CLI_RECORD_LISTENER_H

#include <sys/types.h>

#include "record/record.h"

typedef struct listener {
    const char *path;
    bool has_group;
    gid_t group;
    int fd; /* -1: it is not open */
} listener;

tj_status listener_open(listener *l, command_line *cli, tj_error *error);
/* The connection of the next one that may record; who may not is told. -1: nobody waits; `crowded`:
 * or cannot be let in now, and errno says why. */
int listener_accept(const listener *l, bool *crowded);
/* It need not be open. */
void listener_close(listener *l);

#endif
