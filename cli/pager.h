/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The pager behind standard output. */
#ifndef TJ_CLI_PAGER_H
#define TJ_CLI_PAGER_H

#include <sys/types.h>

#include "cli.h"

typedef struct output_pager {
    pid_t pid; /* 0 while there is none */
    int fd;    /* what it reads is written here */
} output_pager;

/* Where standard input and output are a terminal, and the environment does not say otherwise, what
 * is written from here on goes through a pager. One that cannot be started is done without. */
void pager_begin(output_pager *pager, output *out);
/* Waits until it is left. Nothing is written afterwards. What a pager that the shell cannot run was
 * to show is lost: a failure, unless status is one already; of another that failed is warned. */
tj_status pager_end(output_pager *pager, command_line *cli, tj_status status, tj_error *error);

#endif
