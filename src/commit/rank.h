/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Ranks keep the order of a list of rows: ascending, above 0, with room between them. */
#ifndef TJ_COMMIT_RANK_H
#define TJ_COMMIT_RANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Distance between ranks given one after another. */
#define TJ__RANK_STEP ((uint64_t)1 << 32)

/* Makes the ranks of a list ascending, changing as few as possible: ranks[i] is the present rank of
 * the i-th row, 0 for a new row. Those of a longest ascending run of present ranks stay; the others
 * get ranks between their neighbours. When there is no room between two, all are given anew. False
 * when memory is short: ranks are then undefined. */
bool tj__ranks_assign(uint64_t *ranks, size_t count);

#endif
