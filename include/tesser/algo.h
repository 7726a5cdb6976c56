/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/** @file algo.h The state of running execution algorithms: a plugin name and its JSON payload. */
#ifndef TESSER_ALGO_H
#define TESSER_ALGO_H

#include <tesser/state.h>
#include <tesser/uuid.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest plugin name, in bytes. */
#define TJ_PLUGIN_SIZE_MAX 256

/** State of one algorithm (Tesser's StoredAlgoState). */
typedef struct tj_algo_state {
    tj_str plugin;  /**< 1 to TJ_PLUGIN_SIZE_MAX bytes of UTF-8, e.g. "TWAP" */
    tj_str payload; /**< any valid JSON text up to TJ_JSON_SIZE_MAX; kept byte for byte */
} tj_algo_state;

/** An algorithm with its key. */
typedef struct tj_algo_record {
    tj_uuid id;
    tj_algo_state state;
} tj_algo_record;

/** A stored algorithm that cannot be decoded: kept as it is, never dropped, never guessed. */
typedef struct tj_algo_quarantined {
    tj_uuid id;
    tj_str raw;    /**< the stored bytes */
    tj_str reason; /**< one sentence */
} tj_algo_quarantined;

/** All algorithms of a book, sorted by id. */
typedef struct tj_algo_list {
    tj_algo_record *records;
    size_t count;
    tj_algo_quarantined *quarantined;
    size_t quarantined_count;
} tj_algo_list;

/** Releases a record that this library returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_algo_record_free(tj_algo_record *record);

/** Releases a list that this library returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_algo_list_free(tj_algo_list *list);

#ifdef __cplusplus
}
#endif
#endif
