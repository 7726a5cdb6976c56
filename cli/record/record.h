/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What recording from standard input (cmd_record.c) and from a socket (socket.c) share. */
#ifndef TJ_CLI_RECORD_RECORD_H
#define TJ_CLI_RECORD_RECORD_H

#include <inttypes.h>

#include "cli.h"

extern const option_spec option_socket, option_socket_group;

/* A transaction of what a line asks for. */
tj_status record_begin(tj_store *store, tj_str line, tj_txn **txn, tj_commit_options *options,
                       tj_error *error);
/* The answers, one line of JSON each; of a commit that is durable, for printf. */
#define RECORD_DURABLE "{\"seq\":%" PRIu64 "}\n"
void record_durable(output *out, uint64_t sequence);
void record_refused(output *out, uint64_t line, const tj_error *cause);

/* Records what clients of the Unix socket at the path send, until SIGTERM or SIGINT. */
tj_status record_socket(command_line *cli, tj_store *store, tj_error *error);

#endif
