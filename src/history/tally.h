/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Adding up rows that are only ever added: LEDGER, LEDGER_TIME. Their digest is that of
 * the rows before, and of each record's since; no row of them need be kept in memory for it.
 */
#ifndef TJ_HISTORY_TALLY_H
#define TJ_HISTORY_TALLY_H

#include "history/digest.h"
#include "log/reader.h"

/* Adds the rows of these tables that the records behind the reader put, up to and with the one of
 * `sequence`. TJ_UNSUPPORTED when a record deletes one: then they cannot be added up. `cancel` may
 * be NULL. Else as tj__replay. */
tj_status tj__tally(tj__log_reader *reader, uint64_t sequence, uint64_t tables,
                    const volatile int *cancel, tj__digest *digest, tj_error *error);

#endif
