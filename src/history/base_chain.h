/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which bases there should be: the next one of a kind stands where the log since the newest one is
 * at least one segment, and 4 times the newest one's size. So they take at most a quarter of the
 * log, and a state of the past is never further from a base than that. The first stands behind two
 * segments: the first segment is so short that a base of it would take as long to read. Where one
 * is there that an earlier version built, the chain begins with it.
 *
 * Where each stands follows from the one before it, so the chain is the same whoever builds it, and
 * a link that is missing in the middle is built again.
 */
#ifndef TJ_HISTORY_BASE_CHAIN_H
#define TJ_HISTORY_BASE_CHAIN_H

#include "history/base_build.h"

/* How far the chain of a kind is known to be whole. Zero-initialized: nothing is known. */
typedef struct tj__base_chain {
    bool begun;
    uint64_t ordinal; /* its newest base; 0: the log's beginning */
    uint64_t size;
} tj__base_chain;

/* Builds every base that is due and not there; with a limit above 0, until at least so many were
 * built. Kinds that are due together come out of one reading of the log. `first_segment` is the
 * log's, chains[kind] that of each kind. What cannot be built, because a segment is missing or
 * damaged, is left out, and its chain goes on behind it with the next base that is there; damage is
 * then the result. *built counts. TJ_CLOSED: cancelled. */
tj_status tj__base_chains_extend(const tj__base_place *place, uint64_t first_segment,
                                 uint32_t limit, tj__base_chain chains[TJ__BASE_KINDS],
                                 uint32_t *built, tj_error *error);

#endif
