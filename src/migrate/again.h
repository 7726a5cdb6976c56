/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Decoding again what is in quarantine, as an import does it today. */
#ifndef TJ_MIGRATE_AGAIN_H
#define TJ_MIGRATE_AGAIN_H

#include "migrate/gathering.h"

/* What one row comes to. */
typedef struct tj__again {
    tj_str reason;        /* why it cannot be decoded; absent: it can, and one of these is it */
    tj_live_state *state; /* of STATE: the gathering's */
    tj_algo_record algo;  /* of ALGOS */
    size_t entry;         /* of LEDGER: its place among the gathering's entries */
} tj__again;

/* Whether it is what follows in a LiveState from strategy_state on, and not all of one. */
bool tj__is_strategy(const tj__quarantined *row);

/* The row is gathered as if it came from the gathering's first source. */
tj_status tj__decode_again(tj__gathering *all, const tj__quarantined *row, tj__again *out,
                           tj_error *error);

#endif
