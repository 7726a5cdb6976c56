/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What an import has gathered so far, and how more is added to it. All of it lives in the report's
 * arena. */
#ifndef TJ_MIGRATE_GATHERING_H
#define TJ_MIGRATE_GATHERING_H

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
    bool again; /* what is in quarantine, which has fewer options than an import */
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

static inline tj_import_source *tj__gathering_source(const tj__gathering *all, size_t index)
{
    return &TJ__ITEMS(tj_import_source, all->sources)[index];
}

/* A copy that lives as long as the report. TJ_NOMEM. */
tj_status tj__gathering_keep(tj__gathering *all, tj_str text, tj_str *copy, tj_error *error);
/* Appends one item to one of the arrays. */
tj_status tj__gathering_add(tj__buffer *array, const void *item, size_t size, tj_error *error);
/* Appends a note to the remarks or to what is lost; texts are copied. source SIZE_MAX: none. */
tj_status tj__gathering_note(tj__gathering *all, tj__buffer *notes, size_t source, tj_str what,
                             tj_error *error, const char *reason, ...) TJ_PRINTF(6, 7);
/* Whether the sources hold rows of a table, decoded or not. */
bool tj__gathering_holds(const tj__gathering *all, tj__table table);
void tj__gathering_progress(const tj__gathering *all, const char *what, uint64_t more_bytes);

/* Whether a failure tells of the data and not of the system. */
static inline bool tj__gathering_is_undecodable(tj_status status)
{
    return status == TJ_INVALID || status == TJ_LIMIT;
}

/* Keeps what could not be decoded; everything is copied. */
tj_status tj__gather_quarantined(tj__gathering *all, size_t source, const tj__quarantined *row,
                                 tj_str name, tj_error *error);

#endif
