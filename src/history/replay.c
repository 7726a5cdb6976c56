/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reading records up to a sequence, and never short of it. */
#include "history/replay.h"

#include <inttypes.h>

#include "base/error.h"

tj_status tj__replay_fell_short(const tj__log_reader *reader, uint64_t sequence, tj_error *error)
{
    const tj__position *at = tj__log_reader_position(reader);
    tj__fail(error, TJ_CORRUPT,
             "commit %" PRIu64 " was asked for, and the log holds no valid commit %" PRIu64
             " at offset %" PRIu64 " of %s (%s)",
             sequence, at->sequence + 1, at->offset, tj__log_reader_path(reader),
             tj__log_reader_why(reader));
    tj__error_place(error, "%s:%" PRIu64, tj__log_reader_path(reader), at->offset);
    return TJ_CORRUPT;
}

tj_status tj__replay(tj__log_reader *reader, uint64_t sequence, uint64_t tables, tj__rowmap *rows,
                     tj_error *error)
{
    return tj__replay_over(reader, sequence, tables, NULL, NULL, rows, error);
}

tj_status tj__replay_over(tj__log_reader *reader, uint64_t sequence, uint64_t tables,
                          tj__below *below, void *context, tj__rowmap *rows, tj_error *error)
{
    while (tj__log_reader_position(reader)->sequence < sequence) {
        tj__log_next next;
        tj__record record;
        TJ_TRY(tj__log_reader_next(reader, &next, &record, error));
        if (next == TJ__LOG_END) {
            return tj__replay_fell_short(reader, sequence, error);
        }
        TJ_TRY(tj__body_apply_over(rows, below, context, tables, record.body, record.change_count,
                                   record.sequence, &record.commit_id, error));
    }
    return TJ_OK;
}
