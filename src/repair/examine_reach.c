/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How far each source reaches: with the whole commits that lead on from where it stands. */
#include "repair/examine.h"

uint64_t tj__examination_reach_of_data(const tj__examination *x)
{
    uint64_t applied = x->data.position.sequence;
    const tj__run *behind = x->data_on_chain ? tj__examination_run(x, applied + 1) : NULL;
    return behind ? behind->last : applied;
}

uint64_t tj__examination_reach_of_log(const tj__examination *x)
{
    const tj__run *first = x->first_segment == 1 ? tj__examination_run(x, 1) : NULL;
    return first ? first->last : 0;
}

/* ---- bases --------------------------------------------------------------------------------- */

static const tj__seen_base *base_at(const tj__examination *x, size_t i)
{
    return (const tj__seen_base *)(const void *)x->bases.data + i;
}

static size_t base_count(const tj__examination *x)
{
    return x->bases.size / sizeof(tj__seen_base);
}

uint64_t tj__examination_reach_of_base(const tj__examination *x, const tj__seen_base *base)
{
    uint64_t sequence = base->position.sequence;
    const tj__run *behind = tj__examination_joint(x, base->position.ordinal)
                                ? tj__examination_run(x, sequence + 1)
                                : NULL;
    return behind ? behind->last : sequence;
}

const tj__seen_base *tj__examination_base_for(const tj__examination *x, tj__base_kind kind,
                                              uint64_t sequence)
{
    const tj__seen_base *found = NULL;
    for (size_t i = 0; i < base_count(x); i++) {
        const tj__seen_base *base = base_at(x, i);
        if (base->sound && base->kind == kind && base->position.sequence <= sequence &&
            sequence <= tj__examination_reach_of_base(x, base)) {
            found = base;
        }
    }
    return found;
}

bool tj__examination_derivable(const tj__examination *x, tj__base_kind kind, uint64_t sequence)
{
    return (x->first_segment == 1 && sequence <= tj__examination_reach_of_log(x)) ||
           tj__examination_base_for(x, kind, sequence);
}

uint64_t tj__examination_reach_of_bases(const tj__examination *x)
{
    uint64_t reach = tj__examination_reach_of_log(x);
    for (size_t i = 0; i < base_count(x); i++) {
        const tj__seen_base *base = base_at(x, i);
        uint64_t its = base->sound ? tj__examination_reach_of_base(x, base) : 0;
        if (its > reach && tj__examination_derivable(x, TJ__BASE_STATE, its) &&
            tj__examination_derivable(x, TJ__BASE_ALGOS, its)) {
            reach = its;
        }
    }
    return reach;
}

/* ---- rows that are only ever added --------------------------------------------------------- */

static bool data_tells_added(const tj__examination *x)
{
    uint64_t needed = TJ__TABLE_BIT(0) | TJ__TABLE_BIT(TJ__TABLE_META) | TJ__ADDED_TABLES;
    return tj__examination_data_belongs(x) &&
           ((x->data.damaged | x->damaged_row_tables) & needed) == 0;
}

/* Each .rest goes on where the one before it ends. */
static uint64_t told_by_rests(const tj__examination *x)
{
    uint64_t told = 0;
    for (size_t i = 0; i < base_count(x); i++) {
        const tj__seen_base *base = base_at(x, i);
        if (base->kind == TJ__BASE_REST && (!base->sound || base->gap)) {
            break;
        }
        told = base->kind == TJ__BASE_REST ? base->position.sequence : told;
    }
    return told;
}

static uint64_t next_run(const tj__examination *x, uint64_t sequence, uint64_t end)
{
    const tj__run *runs = (const tj__run *)(const void *)x->runs.data;
    for (size_t i = 0; i < x->runs.size / sizeof *runs; i++) {
        if (runs[i].first > sequence && runs[i].first <= end) {
            return runs[i].first;
        }
    }
    return end + 1;
}

bool tj__examination_untold(const tj__examination *x, uint64_t from, uint64_t end, uint64_t *first,
                            uint64_t *last)
{
    uint64_t told = told_by_rests(x);
    if (data_tells_added(x) && x->data.position.sequence > told) {
        told = x->data.position.sequence;
    }
    *first = from > told ? from : told + 1;
    for (const tj__run *run; *first <= end && (run = tj__examination_run(x, *first));) {
        *first = run->last + 1;
    }
    *last = next_run(x, *first, end) - 1;
    return *first <= end;
}

/* ---- where a log can begin ----------------------------------------------------------------- */

const tj__seen_base *tj__examination_first_base(const tj__examination *x, tj__base_kind kind,
                                                const tj__run *run)
{
    for (size_t i = 0; i < base_count(x); i++) {
        const tj__seen_base *base = base_at(x, i);
        if (base->sound && base->kind == kind && base->position.sequence + 1 >= run->first &&
            base->position.sequence < run->last &&
            tj__examination_joint(x, base->position.ordinal)) {
            return base;
        }
    }
    return NULL;
}
