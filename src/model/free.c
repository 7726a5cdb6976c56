/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every loaded value is the object of an arena that holds all it points to. */
#include <tesser/algo.h>
#include <tesser/ledger.h>
#include <tesser/state.h>
#include <tesser/store.h>

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

void tj_book_list_free(tj_book_list *list)
{
    tj__arena_free_object(list);
}
