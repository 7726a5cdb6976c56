/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where that belongs which came out of quarantine, and whether it may go there. */
#ifndef TJ_MIGRATE_MOVE_H
#define TJ_MIGRATE_MOVE_H

#include "commit/plan.h"
#include "migrate/again.h"

typedef struct tj__move {
    tj__row_source *rows; /* what is stored */
    uint32_t book;
    uint64_t ledger_last; /* of its entries, with those that are moved */
    const tj__gathering *all;
    tj__plan *plan;    /* NULL: only tell */
    tj__rowmap *taken; /* keys that are put by the plan */
} tj__move;

/* What it is now, or why it stays. */
typedef struct tj__moved {
    bool done;
    const char *why; /* it stays */
    char what[64];   /* it is done */
} tj__moved;

/* A row that was decoded. Nothing that is stored is replaced. */
tj_status tj__move_row(tj__move *m, const tj__quarantined *row, const tj__again *found,
                       tj__moved *out, tj_error *error);

#endif
