/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What comes from where and what is lost, gathered for the report of a repair. */
#ifndef TJ_REPAIR_PARTS_H
#define TJ_REPAIR_PARTS_H

#include "base/rowmap.h"
#include "repair/plan.h"

typedef enum tj__row_fate {
    TJ__ROW_LOST,
    TJ__ROW_FROM_LOG,
    TJ__ROW_FROM_BASE,
    TJ__ROW_FROM_ENTRY /* of the ledger, which it is an index of */
} tj__row_fate;

typedef struct tj__parts {
    const tj__examination *x;
    const tj__repair_plan *plan;
    tj__arena *arena; /* the report's */
    tj__buffer items; /* tj_repair_part each */
    size_t left_out;
    tj__rowmap *behind; /* rows that tj__parts_behind was told of */
} tj__parts;

/* Of a plan that is made before anything is told. False when memory is short; dispose of it then,
 * too. */
bool tj__parts_init(tj__parts *parts, const tj__examination *x, const tj__repair_plan *plan,
                    tj__arena *arena);
void tj__parts_dispose(tj__parts *parts);

/* Forgets what was told, and tells of the commits. True: something of them is lost. */
bool tj__parts_commits(tj__parts *parts);
/* A row that is lost, or was got back. */
void tj__parts_row(tj__parts *parts, tj__bytes key, uint64_t sequence, tj__row_fate fate);
/* A row that a lost commit changed: it is told all the same, and stands behind what is lost. */
void tj__parts_behind(tj__parts *parts, tj__bytes key, uint64_t sequence);

/* Moves them into the report. False when memory is, or was, short. */
bool tj__parts_settle(const tj__parts *parts, tj_repair_report *report);

#endif
