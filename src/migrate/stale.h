/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A runtime of one venue may have one code twice in a map, of which one is left over from before:
 * which of them stays, when --exchange or --newest is to decide. Nothing is guessed: what the
 * options do not decide stays undecided, and so does everything in a snapshot of several venues.
 */
#ifndef TJ_MIGRATE_STALE_H
#define TJ_MIGRATE_STALE_H

#include "migrate/gathering.h"
#include "json/dom.h"

/* Of none under a key: all are left out. */
#define TJ__STALE_NONE SIZE_MAX

typedef struct tj__stale {
    bool decided;
    size_t kept; /* among the members, or TJ__STALE_NONE */
    char why[160];
} tj__stale;

/* map: where the members stand, such as "positions" of the portfolio. members have one key, code.
 * portfolio: the snapshot's; NULL when it has none. TJ_NOMEM. */
tj_status tj__stale_decide(const tj__gathering *all, tj_str map, tj_str code,
                           const tj__json_node *portfolio, const tj__json_node *const *members,
                           size_t count, tj__stale *out, tj_error *error);

#endif
