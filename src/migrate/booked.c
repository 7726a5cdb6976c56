/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What would be booked twice. A ledger goes on at its end whatever happens to the state: a rollback
 * leaves it, and so does an import that replaces. Entries are known by their ids; executions, which
 * become entries, only by the checkpoint up to which they were fetched.
 */
#include <stdlib.h>

#include "base/error.h"
#include "migrate/target.h"

/* ---- entries by their ids -------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    const tj_ledger_entry *const *left = a;
    const tj_ledger_entry *const *right = b;
    return tj_uuid_compare((*left)->id, (*right)->id);
}

tj_status tj__target_sort_ids(tj__target *t, tj_error *error)
{
    size_t count = t->stored->count;
    t->by_id = malloc((count + 1) * sizeof *t->by_id);
    if (!t->by_id) {
        return tj__fail(error, TJ_NOMEM, "no memory for the ids of a ledger");
    }
    for (size_t i = 0; i < count; i++) {
        t->by_id[i] = &t->stored->entries[i];
    }
    qsort(t->by_id, count, sizeof *t->by_id, by_id);
    return TJ_OK;
}

const tj_ledger_entry *tj__target_find_id(const tj__target *t, const tj_uuid *id)
{
    tj_ledger_entry sought = {.id = *id};
    const tj_ledger_entry *key = &sought;
    const tj_ledger_entry **found =
        t->by_id ? bsearch(&key, t->by_id, t->stored->count, sizeof *t->by_id, by_id) : NULL;
    return found ? *found : NULL;
}

static tj_status note_renumbered(const tj__target *t, tj_error *error)
{
    return t->renumbered_count == 0
               ? TJ_OK
               : tj__gathering_note(t->all, &t->all->remarks, SIZE_MAX, TJ_STR("ledger"), error,
                                    "%zu of the entries are in the ledger already, under other "
                                    "numbers, and are not booked again",
                                    t->renumbered_count);
}

/* ---- executions ------------------------------------------------------------------------------ */

/* Of the state that is replaced; without one that can be loaded there is nothing to tell. */
static tj_status note_checkpoint(const tj__target *t, const tj_live_state *comes, tj_error *error)
{
    tj_live_state *stored = NULL;
    char from[TJ_TIME_TEXT_SIZE];
    char to[TJ_TIME_TEXT_SIZE] = "nothing";
    if (tj_state_load(tj_store_state_repository(t->store, t->book), &stored, NULL) != TJ_OK) {
        return TJ_OK;
    }
    const tj_execution_checkpoint *old = &stored->execution_checkpoint;
    const tj_execution_checkpoint *new = &comes->execution_checkpoint;
    bool has_old = stored->has_execution_checkpoint && old->has_last_timestamp;
    bool has_new = comes->has_execution_checkpoint && new->has_last_timestamp;
    bool back = has_old && (!has_new || new->last_timestamp < old->last_timestamp);
    if (back) {
        tj_time_format(old->last_timestamp, from);
    }
    if (back && has_new) {
        tj_time_format(new->last_timestamp, to);
    }
    tj_live_state_free(stored);
    return !back ? TJ_OK
                 : tj__gathering_note(t->all, &t->all->remarks, SIZE_MAX,
                                      TJ_STR("execution_checkpoint"), error,
                                      "it goes back from %s to %s, and the ledger does not: "
                                      "executions that are fetched again are booked twice, unless "
                                      "their entries get the ids that they have",
                                      from, to);
}

tj_status tj__target_note_repeats(tj__target *t, const tj_live_state *state, tj_error *error)
{
    TJ_TRY(note_renumbered(t, error));
    return t->has_book && state ? note_checkpoint(t, state, error) : TJ_OK;
}
