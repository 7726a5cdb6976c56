/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Building a sound journal by a plan. */
#ifndef TJ_MAINTAIN_REPAIR_BUILD_H
#define TJ_MAINTAIN_REPAIR_BUILD_H

#include "maintain/repair_plan.h"
#include "maintain/restore_lift.h"
#include "maintain/restore_target.h"

/* Is told of each row that is lost, or was got back from the log. */
typedef struct tj__repair_listener {
    void (*row)(void *context, tj__bytes key, uint64_t sequence, bool lost);
    /* A row that a lost commit changed, which is whole and stands behind one that is not. */
    void (*behind)(void *context, tj__bytes key, uint64_t sequence);
    void *context;
} tj__repair_listener;

typedef struct tj__repair_build {
    const tj__examination *x;
    const tj__repair_plan *plan;
    const tj__repair_listener *listener;
    tj__restore_target *target; /* NULL: only to look what is lost */
    tj__lift lift;
    tj__rowmap *damaged; /* rows of data.mdb whose value is not what was stored */
    tj__rowmap *told;    /* what the log says of rows that data.mdb includes */
    tj__record seal;     /* the last */
    bool rows_settled;
    uint64_t rows_lost;
} tj__repair_build;

tj_status tj__repair_build_init(tj__repair_build *build, const tj__examination *x,
                                const tj__repair_plan *plan, const tj__repair_listener *listener,
                                tj_error *error);
void tj__repair_build_dispose(tj__repair_build *build);

/* Reads all sources, and puts what is kept into the target, if there is one. */
tj_status tj__repair_build_run(tj__repair_build *build, tj_error *error);

#endif
