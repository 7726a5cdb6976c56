/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * An import gathers everything from all sources first, then settles what belongs together, and only
 * then looks at the journal.
 */
#ifndef TJ_MIGRATE_GATHER_H
#define TJ_MIGRATE_GATHER_H

#include "migrate/gathering.h"

/* A LiveState as JSON, repeated keys resolved. in_store: what cannot be decoded is quarantined. */
tj_status tj__gather_state(tj__gathering *all, size_t source, tj_str json, bool in_store,
                           tj_error *error);
/* What may be a strategy's state. null is not taken: it encodes to nothing and would prove
 * nothing. */
tj_status tj__gather_candidate(tj__gathering *all, tj_str json, tj_str path, tj_error *error);
/* One row of a store of algorithms: key as it stands there, text of its record. */
tj_status tj__gather_algo_row(tj__gathering *all, size_t source, tj_str key, tj_str json,
                              tj_error *error);
tj_status tj__gather_algo(tj__gathering *all, size_t source, const tj_algo_record *record,
                          tj_error *error);
tj_status tj__gather_entry(tj__gathering *all, size_t source, const tj_ledger_entry *entry,
                           tj_error *error);

/* ---- options (rules.c) ---- */

tj_status tj__rules_read(tj__gathering *all, tj_error *error);
/* The rule for one of several members under a key; NULL when there is none. */
const tj__map_rule *tj__rule_of_repeat(const tj__gathering *all, tj_str place, tj_identity code,
                                       size_t occurrence);
/* Takes a symbol as ccxt has them for one without an exchange, when --exchange or --map will give
 * it one. A tj__json_rename whose context is the gathering. */
#define TJ__NAMED_LATER TJ_STR("?")
bool tj__rules_name_ccxt(void *context, tj_str text, tj_identity *out);
/* The rule for a code without an exchange; NULL when there is none. */
const tj__map_rule *tj__rule_of_code(const tj__gathering *all, tj_str code);
/* Remarks on rules that met nothing: a code that was mistyped would stay without its exchange. */
tj_status tj__rules_note_unused(tj__gathering *all, tj_error *error);

/* ---- sources ---- */

/* Finds out what a path is and gathers what it holds (source.c). */
tj_status tj__source_read(tj__gathering *all, const char *path, tj_error *error);
/* Adds what a file says of a strategy's state to the candidates (source.c). */
tj_status tj__strategy_file_read(tj__gathering *all, const char *path, tj_error *error);
/* A data.mdb (lmdb.c). */
tj_status tj__lmdb_read(tj__gathering *all, size_t source, const char *path, tj_error *error);
/* Decodes the bincode states, with all candidates known (lmdb.c). */
tj_status tj__lmdb_decode(tj__gathering *all, tj_error *error);
/* What was kept of a state from its strategy's state on: a state of nothing but what is in there
 * (lmdb.c). */
tj_status tj__lmdb_decode_strategy(tj__gathering *all, size_t source, tj__bytes raw,
                                   tj_error *error);
/* A SQLite store (stores.c). only_candidate: its state is looked at for the strategy's alone. */
tj_status tj__gather_store(tj__gathering *all, size_t source, const char *path, bool only_candidate,
                           tj_error *error);

/* ---- together ---- */

/* One state, one record for each algorithm, ledger entries in order; sources that contradict each
 * other are TJ_CONFLICT (settle.c). */
tj_status tj__gathering_settle(tj__gathering *all, tj_live_state **state, tj_error *error);
/* Gives codes their exchange and counts what is left without (venues.c). state may be NULL. */
void tj__gathering_qualify(tj__gathering *all, tj_live_state *state);
/* Names the unknown members of a state in the remarks (unknown.c). */
tj_status tj__gathering_note_unknown(tj__gathering *all, const tj_live_state *state,
                                     tj_error *error);

#endif
