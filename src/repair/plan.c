/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The route that keeps the most; the log where it keeps as much, because it keeps all history. */
#include "repair/plan.h"

static tj__position log_start(void)
{
    return (tj__position){.time = INT64_MIN, .ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- where the new log begins -------------------------------------------------------------- */

/* No segment can be kept whole: the log begins anew behind all that there are. */
static tj__position fresh_start(const tj__examination *x, const tj__position *behind)
{
    tj__position start = *behind;
    start.ordinal = larger(x->data.position.ordinal, x->log.end.ordinal);
    start.ordinal = larger(start.ordinal, behind->ordinal) + 1;
    start.offset = TJ__SEGMENT_HEADER_SIZE;
    return start;
}

/* The first place in a run at which bases give the whole state; NULL: there is none. */
static const tj__position *known_start(const tj__examination *x, const tj__run *run)
{
    const tj__seen_base *state = tj__examination_first_base(x, TJ__BASE_STATE, run);
    const tj__seen_base *algos = tj__examination_first_base(x, TJ__BASE_ALGOS, run);
    if (!state || !algos) {
        return NULL;
    }
    return state->ordinal > algos->ordinal ? &state->position : &algos->position;
}

/* `run`: the commits that lead on to the end; NULL: there are none behind `behind`. */
static void plan_start(const tj__examination *x, const tj__run *run, const tj__position *behind,
                       tj__repair_plan *plan)
{
    const tj__position *known = run ? known_start(x, run) : NULL;
    plan->start_known = known;
    plan->log_first = plan->end + 1;
    if (known) {
        plan->start = *known;
        plan->log_first = known->sequence + 1;
    } else if (run && run->start.ordinal != 0 && run->start.sequence < plan->end) {
        plan->start = run->start;
        plan->log_first = run->start.sequence + 1;
    } else {
        plan->start = fresh_start(x, run ? &run->end : behind);
    }
    plan->start.epoch = larger(plan->start.epoch, x->data.position.epoch);
}

/* ---- the routes ---------------------------------------------------------------------------- */

static void plan_data(const tj__examination *x, tj__repair_plan *plan)
{
    const tj__position *applied = &x->data.position;
    plan->route = TJ__REPAIR_DATA;
    plan->applied = applied->sequence;
    plan_start(x, x->data_on_chain ? tj__examination_run(x, plan->end) : NULL, applied, plan);
}

static void plan_bases(const tj__examination *x, tj__repair_plan *plan)
{
    const tj__seen_base *base = tj__examination_base_for(x, TJ__BASE_STATE, plan->end);
    const tj__run *run =
        base->position.sequence < plan->end ? tj__examination_run(x, plan->end) : NULL;
    plan->route = TJ__REPAIR_BASES;
    plan_start(x, run, &base->position, plan);
}

void tj__repair_plan_make(const tj__examination *x, tj__repair_plan *plan)
{
    bool usable = tj__examination_data_usable(x);
    bool has_first = x->first_segment == 1 && tj__examination_run(x, 1);
    uint64_t of_log = tj__examination_reach_of_log(x);
    uint64_t of_data = usable ? tj__examination_reach_of_data(x) : 0;
    uint64_t of_bases = tj__examination_reach_of_bases(x);
    /* Rows that differ from the log's, though each is whole: the log is believed, which is
     * chained. */
    bool prefer_data = usable && (x->data_differs ? of_data > of_bases : of_data >= of_bases);
    *plan = (tj__repair_plan){.start = log_start(), .log_first = 1};
    if (has_first && of_log >= of_data && of_log >= of_bases) {
        plan->route = TJ__REPAIR_LOG;
        plan->end = of_log;
    } else if (prefer_data) {
        plan->end = of_data;
        plan_data(x, plan);
    } else if (of_bases > 0) {
        plan->end = of_bases;
        plan_bases(x, plan);
    }
    plan->lost_known = larger(larger(x->durable, x->end), plan->end);
    plan->lost_last = x->may_lose_more ? UINT64_MAX : plan->lost_known;
}
