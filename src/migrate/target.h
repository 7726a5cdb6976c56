/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TJ_MIGRATE_TARGET_H
#define TJ_MIGRATE_TARGET_H

#include "commit/plan.h"
#include "migrate/gathering.h"

/* Changes in one commit; an index row for each ledger entry comes on top of them. */
#define TJ__PART_SIZE ((size_t)40 << 20)

typedef struct tj__target {
    tj__gathering *all;
    const tj_config *config;
    const char *book;
    tj_store *store; /* NULL when there is no journal yet */
    bool has_book;   /* the book is there */
    tj__plan **plans;
    size_t plan_count;             /* mostly 1 */
    uint64_t ledger_last;          /* of the stored entries */
    tj_ledger_list *stored;        /* with replace: the entries that are there */
    const tj_ledger_entry **by_id; /* the same, in the order of their ids */
    size_t renumbered_count;       /* of those that come, stored under another number */
} tj__target;

/* What an import would have happen a second time is told, or refused (booked.c). */

/* The stored entry with this id; NULL: none. */
const tj_ledger_entry *tj__target_find_id(const tj__target *target, const tj_uuid *id);
/* After `stored` is there. */
tj_status tj__target_sort_ids(tj__target *target, tj_error *error);
/* Remarks on executions and entries that would count twice. state may be NULL. */
tj_status tj__target_note_repeats(tj__target *target, const tj_live_state *state, tj_error *error);

/* Makes the plans (target_plan.c). */
tj_status tj__target_plan(tj__target *target, tj_live_state *state, tj_error *error);

/* Looks at the journal and commits what was gathered, or with dry_run only looks. state may be
 * NULL; config may be NULL with dry_run. Fills in what the report says of the book. */
tj_status tj__target_commit(tj__gathering *all, const tj_config *config, tj_live_state *state,
                            tj_error *error);

#endif
