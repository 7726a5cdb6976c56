/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a damaged journal can be rebuilt from, and what is lost: decided before anything is
 * written. */
#ifndef TJ_REPAIR_PLAN_H
#define TJ_REPAIR_PLAN_H

#include "repair/examine.h"

typedef enum tj__repair_route {
    TJ__REPAIR_NOTHING = 0, /* there is nothing to build from */
    TJ__REPAIR_LOG,         /* all commits from the first on, replayed */
    TJ__REPAIR_DATA,        /* the state in data.mdb, and the commits behind it */
    TJ__REPAIR_BASES        /* the newest bases, and the commits behind them; the ledger and the
                               commit ids from wherever they stand */
} tj__repair_route;

typedef struct tj__repair_plan {
    tj__repair_route route;
    uint64_t end;        /* the newest commit that is kept */
    uint64_t applied;    /* what data.mdb includes, of that route; else 0 */
    tj__position start;  /* where the new log begins */
    uint64_t log_first;  /* the first commit in it; above end: none */
    bool start_known;    /* bases give the state at the start; else only the one at the end is */
    uint64_t lost_known; /* commits up to it were there */
    uint64_t lost_last;  /* commits behind `end` up to it are lost; UINT64_MAX: nothing tells how
                           many; `end`: none */
} tj__repair_plan;

void tj__repair_plan_make(const tj__examination *x, tj__repair_plan *plan);
static inline bool tj__repair_plan_loses(const tj__repair_plan *plan)
{
    return plan->lost_last > plan->end;
}

#endif
