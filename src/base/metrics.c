/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Histograms with four buckets in each doubling: 0, 1, 2, 3, 4, 5, 6, 7, 8 to 9, 10 to 11, ... A
 * value's bucket is its highest bit and the two below it.
 */
#include "base/metrics.h"

#include "base/thread.h"

#define SUB_BITS 2
#define SUB_COUNT (1u << SUB_BITS)

static size_t bucket_of(uint64_t value)
{
    if (value < SUB_COUNT) {
        return (size_t)value;
    }
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - SUB_BITS;
    size_t bucket = (size_t)shift * SUB_COUNT + (size_t)(value >> shift);
    return bucket < TJ_HISTOGRAM_BUCKETS ? bucket : TJ_HISTOGRAM_BUCKETS - 1;
}

uint64_t tj_histogram_bound(size_t bucket)
{
    if (bucket + 1 >= TJ_HISTOGRAM_BUCKETS) {
        return UINT64_MAX;
    }
    size_t next = bucket + 1; /* its lowest value is one more */
    size_t shift = next < 2 * SUB_COUNT ? 0 : next / SUB_COUNT - 1;
    return ((uint64_t)(next - shift * SUB_COUNT) << shift) - 1;
}

uint64_t tj_histogram_quantile(const tj_histogram *histogram, double share)
{
    if (!histogram || histogram->count == 0) {
        return 0;
    }
    double wanted = share * (double)histogram->count;
    uint64_t seen = 0;
    size_t bucket = 0;
    for (; bucket + 2 < TJ_HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen > 0 && (double)seen >= wanted) {
            break;
        }
    }
    return tj_histogram_bound(bucket);
}

void tj__metrics_begin(tj__metrics *metrics)
{
    atomic_store(&metrics->since, (uint64_t)tj_time_now());
}

void tj__histogram_add(tj__histogram *histogram, uint64_t value)
{
    tj__metrics_add(&histogram->sum, value);
    tj__metrics_add(&histogram->buckets[bucket_of(value)], 1);
}

void tj__histogram_add_since(tj__histogram *histogram, uint64_t start_ns)
{
    tj__histogram_add(histogram, (tj__monotonic_ns() - start_ns) / 1000);
}

void tj__metrics_commit(tj__metrics *metrics, uint64_t start_ns, tj_status status)
{
    if (status == TJ_OK) {
        tj__histogram_add_since(&metrics->commit_us, start_ns);
    } else if ((unsigned)status < TJ_METRICS_STATUS_COUNT) {
        tj__metrics_add(&metrics->refused[status], 1);
    }
}

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void read_histogram(const tj__histogram *histogram, tj_histogram *out)
{
    *out = (tj_histogram){.sum = load(&histogram->sum)};
    for (size_t i = 0; i < TJ_HISTOGRAM_BUCKETS; i++) {
        out->buckets[i] = load(&histogram->buckets[i]);
        out->count += out->buckets[i];
    }
}

void tj__metrics_read(const tj__metrics *metrics, tj_metrics *out)
{
    out->since = load(&metrics->since);
    out->completed = load(&metrics->completed);
    out->submitted = load(&metrics->submitted);
    out->waiting = out->submitted > out->completed ? out->submitted - out->completed : 0;
    out->log_bytes = load(&metrics->log_bytes);
    out->applies = load(&metrics->applies);
    out->apply_failures = load(&metrics->apply_failures);
    out->apply_us = load(&metrics->apply_us);
    read_histogram(&metrics->commit_us, &out->commit_us);
    read_histogram(&metrics->flush_us, &out->flush_us);
    read_histogram(&metrics->flush_commits, &out->flush_commits);
    for (size_t i = 0; i < TJ_METRICS_STATUS_COUNT; i++) {
        out->refused[i] = load(&metrics->refused[i]);
    }
}
