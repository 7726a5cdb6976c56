/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Moving what was decoded to where it belongs. Nothing that is stored is replaced: what the book
 * holds is newer than what an import set aside.
 */
#include "migrate/move.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "rows/key.h"

static tj_status is_stored(const tj__move *m, const tj__key *key, bool *stored, tj_error *error)
{
    tj__row row;
    tj_status status = m->rows->get(m->rows, tj__key_bytes(key), &row, error);
    *stored = status == TJ_OK;
    return status == TJ_NOT_FOUND ? TJ_OK : status;
}

static bool is_taken(const tj__move *m, const tj__key *key)
{
    return tj__rowmap_find(m->taken, tj__key_bytes(key)) != NULL;
}

static tj_status take_key(const tj__move *m, const tj__key *key, tj_error *error)
{
    tj__bytes none = {NULL, 0};
    return tj__rowmap_put(m->taken, tj__key_bytes(key), none, 0)
               ? TJ_OK
               : tj__fail(error, TJ_NOMEM, "no memory to move what is in quarantine");
}

/* Takes a key that nobody has; *why is set when somebody has it. */
static tj_status take_free_key(const tj__move *m, const tj__key *key, const char *held,
                               const char **why, tj_error *error)
{
    bool stored = false;
    TJ_TRY(is_stored(m, key, &stored, error));
    if (stored || is_taken(m, key)) {
        *why = held;
        return TJ_OK;
    }
    return take_key(m, key, error);
}

/* ---- states ---------------------------------------------------------------------------------- */

static tj_status see_any(void *context, const tj__row *row, tj_error *error)
{
    (void)row;
    (void)error;
    *(bool *)context = true;
    return TJ__STOP;
}

/* Whether the book has a state, or gets one by this commit. */
static tj_status has_state(const tj__move *m, bool *has, tj_error *error)
{
    tj__key prefix = tj__key_book(TJ__TABLE_STATE, m->book);
    *has = is_taken(m, &prefix);
    return *has ? TJ_OK
                : tj__rows_scan_prefix(m->rows, tj__key_bytes(&prefix), false, see_any, has, error);
}

static tj_status move_state(const tj__move *m, const tj_live_state *state, tj__moved *out,
                            tj_error *error)
{
    tj__key prefix = tj__key_book(TJ__TABLE_STATE, m->book);
    bool has = false;
    TJ_TRY(has_state(m, &has, error));
    if (has) {
        out->why = "the book has a state, which a retry does not replace: drop this one, or import "
                   "its source into another book";
        return TJ_OK;
    }
    snprintf(out->what, sizeof out->what, "the state of the book");
    TJ_TRY(take_key(m, &prefix, error));
    return m->plan ? tj__plan_put_state(m->plan, state, error) : TJ_OK;
}

/* A strategy's state belongs to a state, and is never one by itself. */
static tj_status find_room(const tj__move *m, const tj_live_state *state, tj__moved *out,
                           tj_error *error)
{
    tj__key strategy = tj__key_kind(m->book, TJ__KIND_STRATEGY);
    tj__key checkpoint = tj__key_kind(m->book, TJ__KIND_CHECKPOINT);
    bool has = false;
    bool passed = false;
    TJ_TRY(has_state(m, &has, error));
    if (!has) {
        out->why = "the book has no state that it belongs to";
        return TJ_OK;
    }
    if (state->has_execution_checkpoint) {
        TJ_TRY(is_stored(m, &checkpoint, &passed, error));
    }
    if (passed) {
        out->why = "the state has an execution_checkpoint by now, and the one behind this "
                   "strategy_state would take it back: drop this one";
        return TJ_OK;
    }
    return take_free_key(
        m, &strategy,
        "the state has a strategy_state, which a retry does not replace: drop this one", &out->why,
        error);
}

static tj_status move_strategy(const tj__move *m, const tj_live_state *state, tj__moved *out,
                               tj_error *error)
{
    TJ_TRY(find_room(m, state, out, error));
    if (out->why) {
        return TJ_OK;
    }
    snprintf(out->what, sizeof out->what, "strategy_state%s of the state",
             state->has_execution_checkpoint ? " and execution_checkpoint" : "");
    if (m->plan) {
        TJ_TRY(tj__plan_set_strategy(m->plan, state->strategy_state, error));
    }
    return m->plan && state->has_execution_checkpoint
               ? tj__plan_set_checkpoint(m->plan, &state->execution_checkpoint, error)
               : TJ_OK;
}

/* ---- the others ------------------------------------------------------------------------------ */

static tj_status move_algo(const tj__move *m, const tj_algo_record *algo, tj__moved *out,
                           tj_error *error)
{
    char id[TJ_UUID_TEXT_SIZE];
    tj__key key = tj__key_algo(m->book, &algo->id);
    TJ_TRY(take_free_key(
        m, &key,
        "an algorithm with its id is stored, which a retry does not replace: drop this one",
        &out->why, error));
    if (out->why) {
        return TJ_OK;
    }
    tj_uuid_format(algo->id, id);
    snprintf(out->what, sizeof out->what, "algorithm %s", id);
    return m->plan ? tj__plan_put_algo(m->plan, &algo->id, &algo->state, error) : TJ_OK;
}

/* The ledger goes on at its end: an entry that comes late keeps its number only when that is above
 * the newest. */
static tj_status move_entry(tj__move *m, tj_ledger_entry entry, tj__moved *out, tj_error *error)
{
    tj__key key = tj__key_ledger_id(m->book, &entry.id);
    TJ_TRY(take_free_key(m, &key,
                         "an entry with its id is in the ledger: it is booked, so drop this one",
                         &out->why, error));
    if (out->why) {
        return TJ_OK;
    }
    if (entry.sequence <= m->ledger_last) {
        entry.sequence = m->ledger_last + 1;
    }
    m->ledger_last = entry.sequence;
    snprintf(out->what, sizeof out->what, "entry %" PRIu64 " of the ledger", entry.sequence);
    return m->plan ? tj__plan_append_ledger(m->plan, &entry, error) : TJ_OK;
}

static tj_status move(tj__move *m, const tj__quarantined *row, const tj__again *found,
                      tj__moved *out, tj_error *error)
{
    if (row->table == TJ__TABLE_ALGOS) {
        return move_algo(m, &found->algo, out, error);
    }
    if (row->table == TJ__TABLE_LEDGER) {
        const tj__found_entry *entries = TJ__ITEMS(tj__found_entry, m->all->entries);
        return move_entry(m, entries[found->entry].entry, out, error);
    }
    return tj__is_strategy(row) ? move_strategy(m, found->state, out, error)
                                : move_state(m, found->state, out, error);
}

tj_status tj__move_row(tj__move *m, const tj__quarantined *row, const tj__again *found,
                       tj__moved *out, tj_error *error)
{
    *out = (tj__moved){.done = false};
    TJ_TRY(move(m, row, found, out, error));
    out->done = !out->why;
    return TJ_OK;
}
