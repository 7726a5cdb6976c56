/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* New ranks for the rows that have none, leaving as many others as possible as they are. */
#include "commit/rank.h"

#include <stdlib.h>

/* Whether the present ranks ascend, new rows left aside. */
static bool is_ascending(const uint64_t *ranks, size_t count)
{
    uint64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        if (ranks[i] != 0 && ranks[i] <= last) {
            return false;
        }
        last = ranks[i] != 0 ? ranks[i] : last;
    }
    return true;
}

/* How many of the run ends have a rank below this one. */
static size_t count_below(const uint64_t *ranks, const size_t *ends, size_t length, uint64_t rank)
{
    size_t low = 0;
    size_t high = length;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranks[ends[middle]] < rank) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Sets all ranks to 0 but those of a longest ascending run (patience sorting: ends[n] is where the
 * run of n + 1 rows with the lowest last rank ends, before[i] the row before row i in its run). */
static bool keep_longest_run(uint64_t *ranks, size_t count)
{
    size_t *ends = malloc(2 * count * sizeof *ends);
    if (!ends) {
        return false;
    }
    size_t *before = ends + count;
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        if (ranks[i] == 0) {
            continue;
        }
        size_t at = count_below(ranks, ends, length, ranks[i]);
        before[i] = at > 0 ? ends[at - 1] : SIZE_MAX;
        ends[at] = i;
        length = at == length ? length + 1 : length;
    }
    size_t kept = length > 0 ? ends[length - 1] : SIZE_MAX;
    for (size_t i = count; i-- > 0;) {
        if (i == kept) {
            kept = before[i];
        } else {
            ranks[i] = 0;
        }
    }
    free(ends);
    return true;
}

/* Gives ranks to rows [first, end), all 0, between their neighbours. False when there is no
 * room. */
static bool fill_gap(uint64_t *ranks, size_t first, size_t end, size_t count)
{
    uint64_t low = first > 0 ? ranks[first - 1] : 0;
    uint64_t step = TJ__RANK_STEP;
    uint64_t rows = end - first;
    if (end < count) {
        step = (ranks[end] - low) / (rows + 1);
    } else if (rows > (UINT64_MAX - low) / TJ__RANK_STEP) {
        return false;
    }
    for (size_t i = first; i < end && step > 0; i++) {
        low += step;
        ranks[i] = low;
    }
    return step > 0;
}

static bool fill_gaps(uint64_t *ranks, size_t count)
{
    for (size_t first = 0; first < count; first++) {
        size_t end = first;
        while (end < count && ranks[end] == 0) {
            end++;
        }
        if (end > first && !fill_gap(ranks, first, end, count)) {
            return false;
        }
        first = end;
    }
    return true;
}

bool tj__ranks_assign(uint64_t *ranks, size_t count)
{
    if (!is_ascending(ranks, count) && !keep_longest_run(ranks, count)) {
        return false;
    }
    if (!fill_gaps(ranks, count)) {
        for (size_t i = 0; i < count; i++) {
            ranks[i] = (i + 1) * TJ__RANK_STEP;
        }
    }
    return true;
}
