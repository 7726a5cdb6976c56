/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file json.h
 * Values to and from JSON in Tesser's own spelling.
 *
 * Reading: errors name line and column (TJ_INVALID); a key that stands twice in an object that
 * this version decodes is such an error and is named; members it does not know go into `extra`
 * byte for byte; payloads keep their bytes. Numbers of any size keep their text; decimals may have
 * an exponent when they can be held exactly. A byte order mark may begin a text. Depth is limited
 * to TJ_JSON_DEPTH_MAX, and a text whose values, as far as they are decoded, have less than 8
 * bytes each is TJ_LIMIT when it is long: it would take many times its size in memory.
 * Writing: compact, maps sorted by key, decimals as strings, times in RFC 3339 UTC, absent
 * optionals as null, except `portfolio_equity` and `execution_checkpoint`, which are left out.
 */
#ifndef TESSER_JSON_H
#define TESSER_JSON_H

#include <tesser/algo.h>
#include <tesser/ledger.h>
#include <tesser/state.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Deepest nesting of arrays and objects that is read. */
#define TJ_JSON_DEPTH_MAX 256

/**
 * Reads a LiveState. Each of its members may be missing; an object that has others alone is no
 * LiveState.
 *
 * @param text borrowed
 * @param out  receives the state, released with tj_live_state_free; NULL on failure
 * @return TJ_OK; TJ_INVALID with line and column; TJ_LIMIT; TJ_NOMEM
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_live_state_from_json(tj_str text, tj_live_state **out,
                                                    tj_error *error);

/**
 * Writes a LiveState.
 *
 * @param out receives the text, released with tj_text_dispose; emptied on failure
 * @return TJ_OK; TJ_INVALID if an embedded JSON text or a value is not valid, naming it; TJ_NOMEM
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_live_state_to_json(const tj_live_state *state, tj_text *out,
                                                  tj_error *error);

/**
 * Reads one algorithm record: {"plugin":..,"payload":..} or Tesser's {"algo_type":..,"state":..}.
 *
 * @param out receives the record with a nil id, released with tj_algo_record_free; NULL on failure
 * @return as tj_live_state_from_json
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_algo_record_from_json(tj_str text, tj_algo_record **out,
                                                     tj_error *error);

/** Writes {"algo_type":..,"state":..}, the payload byte for byte. As tj_live_state_to_json. */
TJ_API TJ_CHECKED tj_status tj_algo_state_to_json(const tj_algo_state *state, tj_text *out,
                                                  tj_error *error);

/**
 * Reads an object from UUID to algorithm record, as in Tesser's export of all algorithms.
 *
 * @param out released with tj_algo_list_free; NULL on failure
 * @return as tj_live_state_from_json
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_algo_list_from_json(tj_str text, tj_algo_list **out,
                                                   tj_error *error);

/**
 * The inverse of tj_algo_list_from_json; quarantined records are left out.
 *
 * As tj_live_state_to_json.
 */
TJ_API TJ_CHECKED tj_status tj_algo_list_to_json(const tj_algo_list *list, tj_text *out,
                                                 tj_error *error);

/**
 * Reads one ledger entry.
 *
 * @param out receives a list of one, released with tj_ledger_list_free; NULL on failure
 * @return as tj_live_state_from_json
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_ledger_entry_from_json(tj_str text, tj_ledger_list **out,
                                                      tj_error *error);

/** Writes one ledger entry. As tj_live_state_to_json. */
TJ_API TJ_CHECKED tj_status tj_ledger_entry_to_json(const tj_ledger_entry *entry, tj_text *out,
                                                    tj_error *error);

#ifdef __cplusplus
}
#endif
#endif
