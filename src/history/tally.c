/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One record at a time, through a map of its rows. */
#include "history/tally.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/rowmap.h"
#include "history/replay.h"
#include "rows/body.h"

static tj_status add_rows(tj__rowmap *rows, tj__digest *digest, tj_error *error)
{
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    if (!tj__rowmap_sorted(rows, &entries, &count)) {
        return tj__fail(error, TJ_NOMEM, "no memory for the rows of a commit");
    }
    for (size_t i = 0; i < count; i++) {
        if (entries[i]->deleted) {
            return tj__fail(error, TJ_UNSUPPORTED,
                            "commit %" PRIu64 " deletes a row of a table that only grows",
                            entries[i]->sequence);
        }
        tj__row row = {.key = tj__rowmap_key(entries[i]),
                       .value = tj__rowmap_value(entries[i]),
                       .sequence = entries[i]->sequence};
        tj__digest_add(digest, &row);
    }
    tj__rowmap_clear(rows);
    return TJ_OK;
}

static tj_status add_records(tj__log_reader *reader, uint64_t sequence, uint64_t tables,
                             const volatile int *cancel, tj__rowmap *rows, tj__digest *digest,
                             tj_error *error)
{
    while (tj__log_reader_position(reader)->sequence < sequence) {
        tj__log_next next;
        tj__record record;
        if (cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED) != 0) {
            return tj__fail(error, TJ_CLOSED, "reading the log was stopped");
        }
        TJ_TRY(tj__log_reader_next(reader, &next, &record, error));
        if (next == TJ__LOG_END) {
            return tj__replay_fell_short(reader, sequence, error);
        }
        TJ_TRY(tj__body_apply(rows, tables, record.body, record.change_count, record.sequence,
                              &record.commit_id, error));
        TJ_TRY(add_rows(rows, digest, error));
    }
    return TJ_OK;
}

tj_status tj__tally(tj__log_reader *reader, uint64_t sequence, uint64_t tables,
                    const volatile int *cancel, tj__digest *digest, tj_error *error)
{
    tj__rowmap *rows = tj__rowmap_new();
    if (!rows) {
        return tj__fail(error, TJ_NOMEM, "no memory for the rows of a commit");
    }
    tj_status status = add_records(reader, sequence, tables, cancel, rows, digest, error);
    tj__rowmap_free(rows);
    return status;
}
