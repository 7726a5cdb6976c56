/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Counting beside the work: each a relaxed atomic, so that it is never waited for. */
#ifndef TJ_BASE_METRICS_H
#define TJ_BASE_METRICS_H

#include <stdatomic.h>

#include <tesser/metrics.h>

typedef struct tj__histogram {
    _Atomic uint64_t sum;
    _Atomic uint64_t buckets[TJ_HISTOGRAM_BUCKETS];
} tj__histogram;

typedef struct tj__metrics {
    _Atomic uint64_t since;
    _Atomic uint64_t submitted;
    _Atomic uint64_t completed;
    _Atomic uint64_t log_bytes;
    _Atomic uint64_t applies;
    _Atomic uint64_t apply_failures;
    _Atomic uint64_t apply_us;
    tj__histogram commit_us;
    tj__histogram flush_us;
    tj__histogram flush_commits;
    _Atomic uint64_t refused[TJ_METRICS_STATUS_COUNT];
} tj__metrics;

/* From now on; they are zero. */
void tj__metrics_begin(tj__metrics *metrics);
void tj__histogram_add(tj__histogram *histogram, uint64_t value);
/* The time since a moment of tj__monotonic_ns, in microseconds. */
void tj__histogram_add_since(tj__histogram *histogram, uint64_t start_ns);
/* A commit that was begun then and ended with this status. */
void tj__metrics_commit(tj__metrics *metrics, uint64_t start_ns, tj_status status);
void tj__metrics_read(const tj__metrics *metrics, tj_metrics *out);

static inline void tj__metrics_add(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* The members of a tj_metrics behind its size, as numbers one after the other. */
#define TJ__METRICS_NUMBERS ((sizeof(tj_metrics) - sizeof(size_t)) / sizeof(uint64_t))

#endif
