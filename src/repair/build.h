/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Building a sound journal by a plan. */
#ifndef TJ_REPAIR_BUILD_H
#define TJ_REPAIR_BUILD_H

#include "backup/restore_lift.h"
#include "backup/restore_target.h"
#include "repair/parts.h"
#include "repair/rows.h"

typedef struct tj__repair_build {
    const tj__examination *x;
    const tj__repair_plan *plan;
    tj__parts *parts;           /* are told of each row that is lost, or was got back */
    tj__restore_target *target; /* NULL: only to look what is lost */
    tj__lift lift;
    tj__rowmap *damaged;                  /* rows of data.mdb whose value is not what was stored */
    tj__rowmap *told;                     /* what the log says of rows that data.mdb includes */
    tj__repair_rows past[TJ__BASE_KINDS]; /* what bases and the log give where data.mdb stands */
    bool past_begun[TJ__BASE_KINDS];
    bool past_put[TJ__BASE_REST + 1]; /* all their rows */
    uint64_t told_put;                /* tables of which all is put that the log tells */
    tj__record seal;                  /* the last */
    uint64_t linked; /* segment, the last that the new log has in common with the damaged one */
    bool rows_settled;
    uint64_t rows_lost;
} tj__repair_build;

tj_status tj__repair_build_init(tj__repair_build *build, const tj__examination *x,
                                const tj__repair_plan *plan, tj__parts *parts, tj_error *error);
void tj__repair_build_dispose(tj__repair_build *build);

/* Reads all sources, and puts what is kept into the target, if there is one. */
tj_status tj__repair_build_run(tj__repair_build *build, tj_error *error);

#endif
