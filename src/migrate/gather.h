/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * An import gathers everything from all sources first, then settles what belongs together, and only
 * then looks at the journal. What is gathered lives in the report's arena.
 */
#ifndef TJ_MIGRATE_GATHER_H
#define TJ_MIGRATE_GATHER_H

#include <tesser/migrate.h>

#include "base/arena.h"
#include "base/rowmap.h"
#include "rows/quarantine.h"

/* One --map. */
typedef struct tj__map_rule {
    tj_str place; /* name of the map of a repeated key; absent: any */
    tj_identity code;
    size_t occurrence; /* of a repeated key, from 1; 0: every code that has no exchange */
    tj_identity target;
    bool leave_out;
    bool used;
} tj__map_rule;

typedef struct tj__found_raw {
    size_t source;
    tj__bytes bytes;
} tj__found_raw;

typedef struct tj__found_state {
    size_t source;
    tj_live_state *state;
} tj__found_state;

typedef struct tj__found_algo {
    size_t source;
    tj_algo_record record;
} tj__found_algo;

typedef struct tj__found_entry {
    size_t source;
    size_t order; /* in which it was found */
    tj_ledger_entry entry;
} tj__found_entry;

/* What is known to be some strategy's state. */
typedef struct tj__candidate {
    tj_str json;
    tj_str path;
} tj__candidate;

typedef struct tj__kept_raw {
    tj__quarantined row;
    tj_quarantined shown;
    size_t source;
} tj__kept_raw;

typedef struct tj__gathering {
    const tj_import_options *options;
    tj__arena *arena;
    tj_import_report *report;
    tj__map_rule *rules;
    size_t rule_count;
    /* Arrays; each says of what. */
    tj__buffer sources;     /* tj_import_source */
    tj__buffer raw_states;  /* tj__found_raw: LiveStates in bincode */
    tj__buffer states;      /* tj__found_state */
    tj__buffer algos;       /* tj__found_algo */
    tj__buffer entries;     /* tj__found_entry */
    tj__buffer candidates;  /* tj__candidate */
    tj__buffer quarantined; /* tj__kept_raw */
    tj__rowmap *taken;      /* keys in quarantine; NULL while there are none */
    tj__buffer remarks;     /* tj_report_note */
    tj__buffer lost;        /* tj_report_note */
    tj__buffer repeated;    /* tj_report_note: keys that no rule resolves */
    uint64_t bytes_done;
    uint64_t bytes_total;
} tj__gathering;

#define TJ__ITEMS(type, buffer) ((type *)(void *)(buffer).data)
#define TJ__COUNT(type, buffer) ((buffer).size / sizeof(type))

void tj__gathering_dispose(tj__gathering *all);

static inline tj_import_source *tj__source(const tj__gathering *all, size_t index)
{
    return &TJ__ITEMS(tj_import_source, all->sources)[index];
}

/* A copy that lives as long as the report. TJ_NOMEM. */
tj_status tj__keep(tj__gathering *all, tj_str text, tj_str *copy, tj_error *error);
/* Appends one item to one of the arrays. */
tj_status tj__gather(tj__buffer *array, const void *item, size_t size, tj_error *error);
/* Appends a note to the remarks or to what is lost; texts are copied. source SIZE_MAX: none. */
tj_status tj__note(tj__gathering *all, tj__buffer *notes, size_t source, tj_str what,
                   tj_error *error, const char *reason, ...) TJ_PRINTF(6, 7);

/* Whether a failure tells of the data and not of the system. */
static inline bool tj__is_undecodable(tj_status status)
{
    return status == TJ_INVALID || status == TJ_LIMIT;
}

/* Keeps what could not be decoded; everything is copied. */
tj_status tj__gather_quarantined(tj__gathering *all, size_t source, const tj__quarantined *row,
                                 tj_str name, tj_error *error);
/* A LiveState as JSON, repeated keys resolved. in_store: what cannot be decoded is quarantined. */
tj_status tj__gather_state(tj__gathering *all, size_t source, tj_str json, bool in_store,
                           tj_error *error);
/* What may be a strategy's state. null is not taken: it encodes to nothing and would prove nothing. */
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
/* Takes a symbol as ccxt has them for one without an exchange, when --exchange or --map will give it one. A
 * tj__json_rename whose context is the gathering. */
#define TJ__NAMED_LATER TJ_STR("?")
bool tj__name_ccxt(void *context, tj_str text, tj_identity *out);
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
/* A SQLite store (stores.c). only_candidate: its state is looked at for the strategy's alone. */
tj_status tj__store_read(tj__gathering *all, size_t source, const char *path, bool only_candidate,
                         tj_error *error);

/* ---- together ---- */

/* One state, one record for each algorithm, ledger entries in order; sources that contradict each
 * other are TJ_CONFLICT (settle.c). */
tj_status tj__settle(tj__gathering *all, tj_live_state **state, tj_error *error);
/* Gives codes their exchange and counts what is left without (venues.c). state may be NULL. */
void tj__qualify(tj__gathering *all, tj_live_state *state);
/* Names the unknown members of a state in the remarks (unknown.c). */
tj_status tj__note_unknown(tj__gathering *all, const tj_live_state *state, tj_error *error);

void tj__progress(const tj__gathering *all, const char *what, uint64_t more_bytes);

#endif
