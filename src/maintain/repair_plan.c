/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The route that keeps the most; the log where it keeps as much, because it keeps all history. */
#include "maintain/repair_plan.h"

static tj__position log_start(void)
{
    return (tj__position){.time = INT64_MIN, .ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* No segment can be kept whole: the log begins anew behind all that there are. */
static tj__position fresh_start(const tj__examination *x, const tj__position *behind)
{
    tj__position start = *behind;
    start.ordinal = larger(x->data.position.ordinal, x->log.end.ordinal) + 1;
    start.offset = TJ__SEGMENT_HEADER_SIZE;
    return start;
}

static void plan_data(const tj__examination *x, tj__repair_plan *plan)
{
    const tj__position *applied = &x->data.position;
    const tj__run *run = x->data_on_chain ? tj__examination_run(x, plan->end) : NULL;
    plan->applied = applied->sequence;
    plan->log_first = plan->end + 1;
    plan->start = fresh_start(x, run ? &run->end : applied);
    if (run && run->start.ordinal != 0 && run->start.sequence < plan->end) {
        plan->start = run->start;
        plan->log_first = run->start.sequence + 1;
    }
    plan->start.epoch = larger(plan->start.epoch, applied->epoch);
}

void tj__repair_plan_make(const tj__examination *x, tj__repair_plan *plan)
{
    bool usable = tj__examination_data_usable(x);
    bool has_first = x->first_segment == 1 && tj__examination_run(x, 1);
    uint64_t of_log = tj__examination_reach_of_log(x);
    uint64_t of_data = usable ? tj__examination_reach_of_data(x) : 0;
    *plan = (tj__repair_plan){.start = log_start(), .log_first = 1};
    if (has_first && of_log >= of_data) {
        plan->route = TJ__REPAIR_LOG;
        plan->end = of_log;
    } else if (usable) {
        plan->route = TJ__REPAIR_DATA;
        plan->end = of_data;
        plan_data(x, plan);
    }
    plan->lost_last = x->may_lose_more ? UINT64_MAX : larger(larger(x->durable, x->end), plan->end);
}
