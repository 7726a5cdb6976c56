/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What Tesser cannot hold of a book, found before anything is written for it. */
#ifndef TJ_MIGRATE_LIMITS_H
#define TJ_MIGRATE_LIMITS_H

#include <tesser/migrate.h>

#include "base/arena.h"
#include "base/buffer.h"

/* A book as it is exported, all from one view. */
typedef struct tj__exported {
    tj_live_state *state;
    tj_algo_list *algos;
    tj_ledger_list *ledger;
    tj_quarantine_list *quarantine;
    bool *left_out; /* of the ledger's entries; filled in by tj__limits_check */
} tj__exported;

/* Notes in the report what Tesser would lose or refuse. */
tj_status tj__limits_check(tj__exported *book, tj__arena *arena, tj_export_report *report,
                           tj_error *error);

#endif
