/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a writer has counted, told at the server for who looks on: the numbers of a tj_metrics
 * behind its size, in one value. */
#include "base/thread.h"
#include "postgres/internal.h"

#define TELL_EVERY_NS UINT64_C(1000000000)
#define NUMBERS_SIZE (8 * TJ__METRICS_NUMBERS)

static tj_status tell(tj__postgres *postgres, tj_error *error)
{
    tj_metrics metrics = TJ_METRICS_INIT;
    uint8_t bytes[NUMBERS_SIZE];
    tj__metrics_read(postgres->metrics, &metrics);
    const uint64_t *numbers = &metrics.since;
    for (size_t i = 0; i < TJ__METRICS_NUMBERS; i++) {
        tj__store_u64(bytes + 8 * i, numbers[i]);
    }
    tj__pg_query query =
        tj__pg_sql("insert into metrics(journal, epoch, numbers) values ($1::int4, $2::int8, "
                   "$3::bytea) on conflict (journal) do update set epoch = excluded.epoch, numbers "
                   "= excluded.numbers where metrics.epoch <= excluded.epoch");
    tj__pg_int4(&query, postgres->number);
    tj__pg_int8(&query, postgres->epoch);
    tj__pg_bytes(&query, tj__bytes_of(bytes, sizeof bytes));
    return tj__pg_do(&postgres->applier, &query, 1, TJ__PG_STATEMENT_MS, error);
}

void tj__pg_tell_metrics(tj__postgres *postgres, bool at_once)
{
    uint64_t now = tj__monotonic_ns();
    if (!postgres->applier.conn || (!at_once && now - postgres->told_ns < TELL_EVERY_NS)) {
        return;
    }
    postgres->told_ns = now;
    (void)tell(postgres, NULL); /* nothing depends on it */
}

static void take(const tj__bytes bytes, tj_metrics *out)
{
    uint64_t *numbers = &out->since;
    if (bytes.size != NUMBERS_SIZE) {
        return; /* of another version, which counts something else */
    }
    for (size_t i = 0; i < TJ__METRICS_NUMBERS; i++) {
        numbers[i] = tj__load_u64(bytes.data + 8 * i);
    }
}

void tj__postgres_metrics(tj__postgres *postgres, tj_metrics *out)
{
    tj__pg_result *result = NULL;
    tj__pg_session reader = {.pq = postgres->target.pq};
    tj__pg_query query = tj__pg_sql("select numbers from metrics where journal = $1::int4");
    if (!postgres->config.read_only) {
        tj__metrics_read(postgres->metrics, out);
        return;
    }
    tj__pg_int4(&query, postgres->number);
    if (tj__pg_pool_ask(postgres, &query, 1, &result, NULL) == TJ_OK) {
        if (reader.pq->rows(result) == 1) {
            take(tj__pg_get_bytes(&reader, result, 0, 0), out);
        }
        tj__pg_clear(&reader, &result, 1);
    }
}
