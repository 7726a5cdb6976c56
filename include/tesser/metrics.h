/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file metrics.h
 * What a store has done and how long it took, counted beside the work: a commit costs two looks at
 * the clock for it, and no lock. `tesser-journal metrics` shows the same for Prometheus.
 */
#ifndef TESSER_METRICS_H
#define TESSER_METRICS_H

#include <tesser/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Buckets of a histogram: four in each doubling, so a value is known to an eighth. */
#define TJ_HISTOGRAM_BUCKETS 100
/** Statuses that are counted; there are fewer of them yet. */
#define TJ_METRICS_STATUS_COUNT 32

/** How often values fell where. The last bucket also has everything above. */
typedef struct tj_histogram {
    uint64_t count;
    uint64_t sum;
    uint64_t buckets[TJ_HISTOGRAM_BUCKETS];
} tj_histogram;

/** Counts since a store was opened. All times are in microseconds. */
typedef struct tj_metrics {
    size_t struct_size;
    uint64_t since;             /**< when it was opened, a tj_time; 0: nothing is known */
    uint64_t waiting;           /**< submitted commits whose completion was not taken yet */
    uint64_t log_bytes;         /**< written to the log */
    uint64_t applies;           /**< how often the tables were brought up to date */
    uint64_t apply_failures;    /**< how often it could not be */
    uint64_t apply_us;          /**< how long all of them took */
    tj_histogram commit_us;     /**< from a commit's call until it was acknowledged */
    tj_histogram flush_us;      /**< a write to the log with its flush */
    tj_histogram flush_commits; /**< how many commits shared one */
    /** Commits that were not made, or are not known to be, by their status. */
    uint64_t refused[TJ_METRICS_STATUS_COUNT];
    uint64_t submitted; /**< commits that tj_txn_submit took */
    uint64_t completed; /**< of them, those whose completion was taken */
} tj_metrics;

#define TJ_METRICS_INIT                                                                        \
    {                                                                                          \
        sizeof(tj_metrics), 0, 0, 0, 0, 0, 0, {0, 0, {0}}, {0, 0, {0}}, {0, 0, {0}}, {0}, 0, 0 \
    }

/**
 * Tells what a store has counted. One that was opened read-only tells what the journal's writer
 * had counted when it last brought LMDB up to date, or when it ended; at most a second or so ago
 * while it saves.
 *
 * @param metrics must be initialized; all zero when nothing is known
 * @return TJ_OK; TJ_MISUSE
 * Threads: any. The members are read one after the other, while others go on counting.
 */
TJ_API TJ_CHECKED tj_status tj_store_metrics(tj_store *store, tj_metrics *metrics, tj_error *error);

/**
 * The highest value that is counted in a bucket.
 *
 * @return UINT64_MAX for the last one, or for a number that is none
 * Threads: any.
 */
TJ_API uint64_t tj_histogram_bound(size_t bucket);

/**
 * A value that so many of the counted ones do not exceed, to an eighth: 0.5 is the median.
 *
 * @param share from 0 to 1
 * @return 0 when nothing was counted
 * Threads: any.
 */
TJ_API uint64_t tj_histogram_quantile(const tj_histogram *histogram, double share);

#ifdef __cplusplus
}
#endif
#endif
