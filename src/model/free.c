/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Values that are read from JSON and loaded from rows alike: each is the object of an arena that
 * holds all it points to. What one room alone returns is released there. */
#include <tesser/algo.h>
#include <tesser/ledger.h>
#include <tesser/state.h>

#include "base/arena.h"

void tj_live_state_free(tj_live_state *state)
{
    tj__arena_free_object(state);
}

void tj_algo_record_free(tj_algo_record *record)
{
    tj__arena_free_object(record);
}

void tj_algo_list_free(tj_algo_list *list)
{
    tj__arena_free_object(list);
}

void tj_ledger_list_free(tj_ledger_list *list)
{
    tj__arena_free_object(list);
}
