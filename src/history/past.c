/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A state of the past, by replay from the beginning of the log. */
#include "history/past.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/layers.h"
#include "history/replay.h"

typedef struct past {
    tj__layers layers; /* must be first: the caller holds a pointer to it */
    tj__rowmap *rows;
} past;

static tj_status read_log(const tj__past_source *source, uint64_t sequence, uint64_t tables,
                          tj__rowmap *rows, tj_error *error)
{
    if (source->first_segment > 1) {
        return tj__fail(error, TJ_NOT_FOUND,
                        "commit %" PRIu64 " is not kept: the log begins with segment %" PRIu64,
                        sequence, source->first_segment);
    }
    tj__position start = {.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
    tj__log_reader *reader = NULL;
    TJ_TRY(tj__log_reader_open(source->log_path, &source->journal_id, &start, &reader, error));
    tj_status status = tj__replay(reader, sequence, tables, rows, error);
    tj__log_reader_close(reader);
    return status;
}

tj_status tj__past_begin(const tj__past_source *source, uint64_t sequence, uint64_t tables,
                         tj__row_source **rows, tj_error *error)
{
    *rows = NULL;
    past *p = calloc(1, sizeof *p);
    tj__rowmap *map = tj__rowmap_new();
    if (!p || !map) {
        free(p);
        tj__rowmap_free(map);
        return tj__fail(error, TJ_NOMEM, "no memory for a state of the past");
    }
    p->rows = map;
    tj__layers_init(&p->layers, NULL, map, sequence);
    tj_status status = read_log(source, sequence, tables, map, error);
    if (status != TJ_OK) {
        tj__past_end(&p->layers.rows);
        return status;
    }
    *rows = &p->layers.rows;
    return TJ_OK;
}

void tj__past_end(tj__row_source *rows)
{
    if (rows) {
        past *p = (past *)rows;
        tj__rowmap_free(p->rows);
        free(p);
    }
}
