/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A base that was read through, and the log from there. */
#include "repair/rows.h"

#include "base/error.h"
#include "history/replay.h"

static tj_status replay(tj__repair_rows *rows, const tj__examination *x, tj__base_kind kind,
                        uint64_t sequence, tj_error *error)
{
    tj__position start = {.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
    tj__log_reader *reader = NULL;
    if (rows->base) {
        start = rows->base->header.position;
    }
    TJ_TRY(tj__log_reader_open(x->log_path, &x->journal_id, &start, &reader, error));
    tj_status status = tj__replay(reader, sequence, tj__base_tables(kind), rows->changes, error);
    tj__log_reader_close(reader);
    return status;
}

tj_status tj__repair_rows_begin(tj__repair_rows *rows, const tj__examination *x, tj__base_kind kind,
                                uint64_t sequence, tj_error *error)
{
    const tj__seen_base *base = tj__examination_base_for(x, kind, sequence);
    *rows = (tj__repair_rows){.changes = tj__rowmap_new()};
    if (!rows->changes) {
        return tj__fail(error, TJ_NOMEM, "no memory to repair a journal");
    }
    if (base) {
        TJ_TRY(tj__base_open(x->history_path, &x->journal_id, kind, base->ordinal, &rows->base,
                             error));
    }
    TJ_TRY(replay(rows, x, kind, sequence, error));
    tj__layers_init(&rows->layers, rows->base ? &rows->base->rows : NULL, rows->changes, sequence);
    return TJ_OK;
}

void tj__repair_rows_end(tj__repair_rows *rows)
{
    tj__base_close(rows->base);
    tj__rowmap_free(rows->changes);
    *rows = (tj__repair_rows){0};
}
